"""Parsing of the endpoint of a client: the path of a socket, or a URL."""
import re
import socket

from six.moves.urllib import parse

from pylxd import exceptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional


def parse_socket_path(endpoint):
    # type: (str) -> Optional[str]
    """Return the path of the unix socket that an endpoint names.

    :param endpoint: ``/PATH``, ``unix:/PATH``, ``unix:///PATH`` or
        ``http+unix://QUOTED_PATH``.
    :return: the absolute path, or None if the endpoint is no socket.
    :raises ClientConnectionFailed: the path is relative or holds NUL, or
        this system has no unix sockets.
    """
    if endpoint.startswith('unix:'):
        endpoint = re.sub('^unix:(//)?', '', endpoint)
    elif endpoint.startswith('http+unix://'):
        endpoint = parse.unquote(endpoint[len('http+unix://'):].rstrip('/'))
    elif not endpoint.startswith('/'):
        return None
    if not endpoint.startswith('/') or '\0' in endpoint:
        raise exceptions.ClientConnectionFailed(
            '{!r}: the path of a socket must be absolute'.format(endpoint))
    if not hasattr(socket, 'AF_UNIX'):
        raise exceptions.ClientConnectionFailed(
            '{}: Python has no unix sockets on this system: pass the URL of '
            'a server, https://host:port'.format(endpoint))
    return endpoint


def parse_url(endpoint, secure):
    # type: (str, bool) -> str
    """Return the URL that an endpoint names, without a trailing slash.

    :param endpoint: ``http://HOST[:PORT]`` or ``https://HOST[:PORT]``.
    :param secure: return an ``https`` URL for an ``http`` endpoint, too:
        LXD's port speaks only TLS, and only TLS sends the certificate of the
        client.
    :raises ClientConnectionFailed: the endpoint is no such URL.
    """
    try:
        parts = parse.urlsplit(endpoint)
        parts.port  # raises ValueError for a port that is no number
    except ValueError as error:
        raise exceptions.ClientConnectionFailed(
            '{!r}: {}'.format(endpoint, error), cause=error)
    if (parts.scheme not in ('http', 'https') or not parts.hostname
            or parts.query or parts.fragment or parts.username
            or parts.path.strip('/')
            or '%' in parts.netloc and not parts.netloc.startswith('[')
            or parts.port is None and re.search(':[0-9]*$', parts.netloc)
            or re.search(r'[\x00-\x20\x7f]', endpoint)):
        raise exceptions.ClientConnectionFailed(
            '{!r}: an endpoint is the absolute path of a unix socket, or '
            'https://host:port'.format(re.sub('//.*@', '//***@', endpoint)))
    return '{}://{}'.format('https' if secure else parts.scheme, parts.netloc)
