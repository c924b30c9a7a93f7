"""What is at the other end, and what it can do.

The one module that knows how servers differ: `KINDS` has a row for each, and
`Dialect` asks the one that answers for the rest. Another server is another
row.
"""
import base64
import collections
import json
import os

from pylxd import exceptions
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Tuple

Kind = collections.namedtuple('Kind', [
    'name',           # environment.server of GET /1.0
    'prefix',         # of the headers of files and images
    'socket',         # the environment's variable of a socket path
    'directory',      # the environment's variable of the server's directory
    'directories',    # where packages keep it
    'configurations',  # where the command line client keeps its key pair
])

KINDS = (
    Kind('lxd', 'X-LXD-', 'LXD_SOCKET', 'LXD_DIR',
         ('/var/snap/lxd/common/lxd', '/var/lib/lxd'),
         ('~/snap/lxd/common/config', '~/.config/lxc')),
    Kind('incus', 'X-Incus-', 'INCUS_SOCKET', 'INCUS_DIR',
         ('/run/incus', '/var/lib/incus'),
         ('~/.config/incus',)),
)


def default_socket(environ=os.environ):
    # type: (Mapping[str, str]) -> str
    """The socket of this machine's server.

    What the environment names wins, in the order of `KINDS`; then the
    first that exists; then LXD's usual place, so that the error names it.
    """
    for kind in KINDS:
        if environ.get(kind.socket):
            return _absolute(environ[kind.socket])
        if environ.get(kind.directory):
            return _absolute(environ[kind.directory] + '/unix.socket')
    places = [directory + '/unix.socket'
              for kind in KINDS for directory in kind.directories]
    return next((place for place in places if os.path.exists(place)),
                '/var/lib/lxd/unix.socket')


def default_key_pair():
    # type: () -> Optional[Tuple[str, str]]
    """The key pair of a command line client of this user, if there is one."""
    for kind in KINDS:
        for directory in kind.configurations:
            pair = tuple(os.path.expanduser(directory + name)
                         for name in ('/client.crt', '/client.key'))
            if all(os.path.exists(path) for path in pair):
                return pair
    return None


def _absolute(path):
    # type: (str) -> str
    return os.path.abspath(path[len('unix://'):]
                           if path.startswith('unix://') else path)


class Dialect(object):
    """What ``GET /1.0`` tells, and what follows from it.

    An untrusted client is told less (Incus 7 hides even the extensions), so
    all is asked anew after `trust`.
    """

    def __init__(self, root):
        # type: (rest.Node) -> None
        self._root = root
        self.refresh()

    def refresh(self):
        # type: () -> None
        """Ask again: ``GET /1.0``."""
        response = self._root.get()
        self.info = rest.metadata(response)  # type: Dict[str, Any]
        if 'api_version' not in self.info:
            raise exceptions.InvalidResponse(response)

    @property
    def trusted(self):
        # type: () -> bool
        """Whether the server trusts this client."""
        return self.info.get('auth') == 'trusted'

    @property
    def environment(self):
        # type: () -> Dict[str, Any]
        """The server's description of itself; empty before trust."""
        return self.info.get('environment') or {}

    @property
    def kind(self):
        # type: () -> Kind
        """The row of `KINDS` that says how to talk to it."""
        name = self.environment.get('server')
        return next((kind for kind in KINDS if kind.name == name), KINDS[0])

    def has(self, extension):
        # type: (str) -> bool
        """Whether it has an API extension."""
        return extension in (self.info.get('api_extensions') or ())

    def need(self, extension):
        # type: (str) -> None
        """Refuse what needs an extension that it lacks.

        :raises LXDAPIExtensionNotAvailable: also a NotImplementedError.
        """
        if not self.has(extension):
            raise exceptions.LXDAPIExtensionNotAvailable(extension)

    def header(self, name):
        # type: (str) -> str
        """The name of a header of files and images; a wrong prefix is
        ignored in silence."""
        return self.kind.prefix + name

    def header_of(self, response, name):
        # type: (Any, str) -> Optional[str]
        """That header of an answer."""
        return response.headers.get(self.header(name))

    def instances(self, type_):
        # type: (str) -> Tuple[str, Dict[str, str]]
        """The path of instances of one type, and the query to list them.

        Newer servers have dropped the paths by type (those that hide their
        extensions from strangers are newer); older ones had containers alone.
        """
        hidden = self.info.get('api_extensions') is None
        if not hidden and not self.has('instances'):
            return (type_ or 'container') + 's', {}
        query = {'instance-type': type_} if type_ else {}
        if type_ and self.kind.name == 'incus':
            query['filter'] = 'type eq ' + type_  # 7.0 ignores the other
        return 'instances', query

    def urls_of(self, operation):
        # type: (Any) -> List[str]
        """Return the paths of the objects that an operation works on.

        Newer LXD leaves ``resources`` empty and names one object elsewhere.
        """
        urls = [url for some in (operation.resources or {}).values()
                for url in some]
        named = (operation.metadata or {}).get('entity_url')
        return [url.partition('?')[0] for url in urls + (
            [named] if named else [])]

    def trust_request(self, secret):
        # type: (str) -> Dict[str, str]
        """What to send to be trusted for a ``secret``.

        A password goes as ``password``. Where a token goes differs, and a
        server may not say to a stranger what it is; each takes its own
        field and ignores the other.
        """
        if is_token(secret):
            return {'trust_token': secret, 'password': secret}
        return {'password': secret}

    @property
    def protocol(self):
        # type: () -> str
        """What servers of its kind call their own protocol."""
        return self.kind.name

    @property
    def addresses(self):
        # type: () -> List[str]
        """Where it says that it listens, ``host:port`` each."""
        return self.environment.get('addresses') or []

    @property
    def certificate(self):
        # type: () -> str
        """Its own certificate, in PEM form."""
        return self.environment.get('certificate') or ''

    @property
    def identity(self):
        # type: () -> str
        """What tells it from others, however it was reached."""
        return self.environment.get('certificate_fingerprint') or ''


def is_token(secret):
    # type: (str) -> bool
    """Whether it is a trust token, and not a password."""
    try:
        token = json.loads(base64.b64decode(secret).decode('utf-8'))
    except (ValueError, TypeError):
        return False
    return isinstance(token, dict) and 'secret' in token


def is_busy(error):
    # type: (exceptions.LXDAPIException) -> bool
    """Whether it was refused because another change of the object runs."""
    said = error.message
    return 'is busy running' in said or (
        'Failed to create instance' in said and 'operation' in said)
