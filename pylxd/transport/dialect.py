"""The differences between servers: LXD and Incus, older and newer.

No other module depends on the kind of server. `KINDS` has a row for each
kind; `Dialect` reads the rest from ``GET /1.0``.
"""
import base64
import json
import os

import six

from pylxd import exceptions
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Sequence, Set
    from typing import Tuple
    import requests


class Kind(object):
    """A kind of server, LXD or Incus: a row of `KINDS`.

    :param name: ``environment.server`` of ``GET /1.0``.
    :param prefix: of the names of headers of files and images.
    :param socket: the environment variable of the socket's path.
    :param directory: the environment variable of the server's directory.
    :param directories: the server's default directories, by package.
    :param configurations: the directories of the key pair of the command
        line client.
    """

    def __init__(self, name, prefix, socket, directory, directories,
                 configurations):
        # type: (str, str, str, str, Sequence[str], Sequence[str]) -> None
        self.name = name  # type: str
        self.prefix = prefix  # type: str
        self.socket = socket  # type: str
        self.directory = directory  # type: str
        self.directories = directories  # type: Sequence[str]
        self.configurations = configurations  # type: Sequence[str]


KINDS = (
    Kind('lxd', 'X-LXD-', 'LXD_SOCKET', 'LXD_DIR',
         ('/var/snap/lxd/common/lxd', '/var/lib/lxd'),
         ('~/snap/lxd/common/config', '~/.config/lxc')),
    Kind('incus', 'X-Incus-', 'INCUS_SOCKET', 'INCUS_DIR',
         ('/run/incus', '/var/lib/incus'),
         ('~/.config/incus',)),
)


#: The sockets in a server's directory: for its administrators, and for the
#: members of the group ``incus``, who have a project of their own.
SOCKETS = ('/unix.socket', '/unix.socket.user')


def default_socket(environ=os.environ):
    # type: (Mapping[str, str]) -> str
    """Return the path of the socket of this machine's server.

    :return: the socket that a variable of the environment names, in the
        order of `KINDS`; without such a variable, the first default socket
        that this user may open, or else that exists; if none exists, LXD's,
        for the error message.
    """
    for kind in KINDS:
        if environ.get(kind.socket):
            return _absolute(environ[kind.socket])
        if environ.get(kind.directory):
            return _absolute(environ[kind.directory] + '/unix.socket')
    paths = [directory + name for kind in KINDS
             for directory in kind.directories for name in SOCKETS]
    existing = [path for path in paths if os.path.exists(path)]
    usable = [path for path in existing if os.access(path, os.W_OK)]
    return (usable + existing + ['/var/lib/lxd/unix.socket'])[0]


def default_key_pair():
    # type: () -> Optional[Tuple[str, str]]
    """Return the paths of the key pair of this user's ``lxc`` or ``incus``.

    :return: the certificate and its key, or None if there is no such pair.
    """
    for kind in KINDS:
        for directory in kind.configurations:
            directory = os.path.expanduser(directory)
            pair = directory + '/client.crt', directory + '/client.key'
            if all(os.path.exists(path) for path in pair):
                return pair
    return None


def _absolute(path):
    # type: (str) -> str
    return os.path.abspath(path[len('unix://'):]
                           if path.startswith('unix://') else path)


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
            raise exceptions.LXDAPIExtensionNotAvailable(extension)

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
