"""The differences between servers: LXD and Incus, older and newer.

No other module but `kinds`, which has a row for each kind, depends on the
kind of server; `Dialect` reads the rest from ``GET /1.0``.
"""
import base64
import json

import six

from pylxd import exceptions
from pylxd.transport import rest
from pylxd.transport.kinds import KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Set, Tuple
    import requests
    from pylxd.transport.kinds import Kind


class Dialect(object):
    """The properties of a server according to its ``GET /1.0``.

    Servers hide fields from untrusted clients (Incus 7 even the extensions).
    An administrator may make the server trust a client at any moment, so
    that what an untrusted client was told is loaded again before its use:
    see `refresh_untrusted`.

    :param root: the node of ``/1.0``.
    :raises InvalidResponse: the server is neither LXD nor Incus.
    """

    def __init__(self, root):
        # type: (rest.Node) -> None
        self._root = root
        self.refresh()

    def refresh(self):
        # type: () -> None
        """Load ``GET /1.0`` again."""
        #: The metadata of ``GET /1.0``.
        self.info = rest.metadata(self._root.get())  # type: Dict[str, Any]

    def refresh_untrusted(self):
        # type: () -> None
        """Load ``GET /1.0`` again if the client was not trusted then."""
        if self.info.get('auth') == 'untrusted':
            self.refresh()

    @property
    def hides_extensions(self):
        # type: () -> bool
        """Whether the server did not tell its extensions, by a null."""
        return self.info.get('api_extensions', ()) is None

    @property
    def trusted(self):
        # type: () -> bool
        """Whether the server trusts this client."""
        return self.info.get('auth') == 'trusted'

    @property
    def environment(self):
        # type: () -> Dict[str, Any]
        """The field ``environment``; empty for an untrusted client."""
        return self.info.get('environment') or {}

    @property
    def kind(self):
        # type: () -> Kind
        """The row of `KINDS` for the server."""
        name = self.environment.get('server')
        return next((kind for kind in KINDS if kind.name == name), KINDS[0])

    def has(self, extension):
        # type: (str) -> bool
        """Return whether the server has an API extension."""
        return extension in (self.info.get('api_extensions') or ())

    def need(self, extension):
        # type: (str) -> None
        """Check that the server has an API extension.

        :raises LXDAPIExtensionNotAvailable: the server lacks it; the
            exception is a NotImplementedError, too.
        """
        if not self.has(extension):
            self.refresh_untrusted()
        if not self.has(extension):
            raise exceptions.LXDAPIExtensionNotAvailable(
                extension, hint=rest.DISTRUST if self.hides_extensions else '')

    def header(self, name):
        # type: (str) -> str
        """Return the full name of a header of files and images.

        Servers ignore headers with the prefix of another kind of server.
        """
        return self.kind.prefix + name

    def header_of(self, response, name):
        # type: (requests.Response, str) -> Optional[str]
        """Return the value of a header of files and images, or None."""
        return response.headers.get(self.header(name))

    def instances(self, type_):
        # type: (str) -> Tuple[str, Dict[str, str]]
        """Return the path of the instances of a type, and the query for lists.

        Servers without ``instances`` have a path for each type. Servers that
        hide their extensions, by a null, have ``instances``.

        :param type_: ``container``, ``virtual-machine``, or ``''`` for all.
        """
        if not self.hides_extensions and not self.has('instances'):
            return (type_ or 'container') + 's', {}
        query = {'instance-type': type_} if type_ else {}
        if type_ and self.kind.name == 'incus':
            # Incus 7.0 ignores instance-type
            query['filter'] = 'type eq ' + type_
        return 'instances', query

    def trust_request(self, secret):
        # type: (str) -> Dict[str, str]
        """Return the fields of a request to trust this client.

        LXD and Incus expect a token in different fields, and an untrusted
        client may not know the kind of the server. As each server ignores
        the other's field, a token is sent in both.

        :param secret: the trust password, or a token.
        """
        if is_token(secret):
            return {'trust_token': secret, 'password': secret}
        return {'password': secret}

    @property
    def protocol(self):
        # type: () -> str
        """The name of the server's own protocol in requests to copy."""
        return self.kind.name

    @property
    def addresses(self):
        # type: () -> List[str]
        """The addresses on which the server listens, ``host:port`` each."""
        return self.environment.get('addresses') or []

    @property
    def certificate(self):
        # type: () -> str
        """The server's certificate, in PEM form."""
        return self.environment.get('certificate') or ''

    @property
    def identity(self):
        # type: () -> str
        """The fingerprint of the server, the same for all its addresses."""
        return self.environment.get('certificate_fingerprint') or ''

    def affected_urls(self, operation):
        # type: (Dict[str, Any]) -> Set[str]
        """Return the URLs of the objects that an operation changes.

        LXD 6.8 and later leave ``resources`` empty and name one object in
        ``metadata.entity_url``.

        :param operation: the document of the operation.
        :return: paths without the query, such as ``/1.0/instances/c1``.
        """
        urls = [url for urls in (operation.get('resources') or {}).values()
                for url in urls or ()]
        metadata = operation.get('metadata')
        if not urls and isinstance(metadata, dict):
            urls = [metadata.get('entity_url')]
        return {url.partition('?')[0] for url in urls
                if isinstance(url, six.string_types) and url}


def is_token(secret):
    # type: (str) -> bool
    """Return whether a secret is a trust token, and not a password."""
    try:
        token = json.loads(base64.b64decode(secret).decode('utf-8'))
    except (ValueError, TypeError):
        return False
    return isinstance(token, dict) and 'secret' in token


def is_busy(error):
    # type: (exceptions.LXDAPIException) -> bool
    """Return whether the server refused because another change runs."""
    message = error.message
    return 'is busy running' in message or (
        'Failed to create instance' in message and 'operation' in message)


def is_unreachable(error):
    # type: (exceptions.LXDAPIException) -> bool
    """Return whether a server failed to connect to another server."""
    message = error.message.lower()
    return any(words in message for words in (
        'dial tcp', 'failed to connect', 'no such host',
        'unable to connect'))


def is_owner_missing(error):
    # type: (exceptions.NotFound) -> bool
    """Return whether a 404 for a file is for its instance or volume."""
    message = error.message.lower()
    return any(kind + ' not found' in message for kind in (
        'instance', 'container', 'volume', 'pool'))


def is_missing(error):
    # type: (exceptions.NotFound) -> bool
    """Return whether a 404 means that the object does not exist.

    Incus without Open vSwitch answers 404 also for a network interface that
    it lists: "Failed to connect to OVS".
    """
    return 'not found' in error.message.lower()


def is_file_missing(error):
    # type: (exceptions.LXDAPIException) -> bool
    """Return whether a request failed as a file of the server is missing.

    LXD 5.0 answers so (500, or 404) for a log that does not exist, or a
    console to which nothing was written.
    """
    return 'no such file or directory' in error.message
