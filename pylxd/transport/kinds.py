"""The kinds of servers, and where they are found on this machine."""
import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Mapping, Optional, Sequence, Tuple


class Kind(object):
    """A kind of server, LXD or Incus: a row of `KINDS`.

    :param name: ``environment.server`` of ``GET /1.0``.
    :param program: the command line client.
    :param prefix: of the names of headers of files and images.
    :param socket: the environment variable of the socket's path.
    :param directory: the environment variable of the server's directory.
    :param directories: the server's default directories, by package.
    :param configuration: the environment variable of the directory of the
        command line client, which has its key pair and its remotes.
    :param configurations: the default directories of that client.
    :param groups: the groups whose members may use the sockets.
    """

    def __init__(self,
                 name,  # type: str
                 program,  # type: str
                 prefix,  # type: str
                 socket,  # type: str
                 directory,  # type: str
                 directories,  # type: Sequence[str]
                 configuration,  # type: str
                 configurations,  # type: Sequence[str]
                 groups,  # type: Sequence[str]
                 ):
        # type: (...) -> None
        self.name = name  # type: str
        self.program = program  # type: str
        self.prefix = prefix  # type: str
        self.socket = socket  # type: str
        self.directory = directory  # type: str
        self.directories = directories  # type: Sequence[str]
        self.configuration = configuration  # type: str
        self.configurations = configurations  # type: Sequence[str]
        self.groups = groups  # type: Sequence[str]

    def list_configurations(self, environ):
        # type: (Mapping[str, str]) -> List[str]
        """Return where the command line client may have its directory."""
        return [os.path.expanduser(directory) for directory in (
            [environ[self.configuration]] if environ.get(self.configuration)
            else self.configurations)]

    @property
    def title(self):
        # type: () -> str
        """The name for people: ``LXD`` or ``Incus``."""
        return 'LXD' if self.name == 'lxd' else self.name.title()


KINDS = (
    Kind('lxd', 'lxc', 'X-LXD-', 'LXD_SOCKET', 'LXD_DIR',
         ('/var/snap/lxd/common/lxd', '/var/lib/lxd'),
         'LXD_CONF', ('~/snap/lxd/common/config', '~/.config/lxc'),
         ('lxd',)),
    Kind('incus', 'incus', 'X-Incus-', 'INCUS_SOCKET', 'INCUS_DIR',
         ('/run/incus', '/var/lib/incus'),
         'INCUS_CONF', ('~/.config/incus',), ('incus-admin', 'incus')),
)


#: The sockets in a server's directory: for its administrators, and for the
#: members of the group ``incus``, who have a project of their own.
SOCKETS = ('/unix.socket', '/unix.socket.user')


def default_socket(environ=os.environ, kinds=KINDS):
    # type: (Mapping[str, str], Sequence[Kind]) -> str
    """Return the path of the socket of this machine's server.

    :param kinds: the kinds of servers to look for.
    :return: the socket that a variable of the environment names, in the
        order of the kinds; without such a variable, the first default socket
        that this user may open, or else that exists; if none exists, that
        of the first kind, for the error message.
    """
    for kind in kinds:
        if environ.get(kind.socket):
            return _absolute(environ[kind.socket])
        if environ.get(kind.directory):
            return _absolute(environ[kind.directory] + '/unix.socket')
    existing = [
        path for path in _default_sockets(kinds) if os.path.exists(path)]
    usable = [path for path in existing if os.access(path, os.W_OK)]
    return (usable + existing + [
        '/var/lib/{}/unix.socket'.format(kinds[0].name)])[0]


def _default_sockets(kinds=KINDS):
    # type: (Sequence[Kind]) -> List[str]
    return [directory + name for kind in kinds
            for directory in kind.directories for name in SOCKETS]


def explain_socket_error(path, error, environ=os.environ):
    # type: (str, BaseException, Mapping[str, str]) -> str
    """Return what a user can do if a server's socket cannot be connected.

    :param path: the path of the socket.
    :param error: the error of the system.
    """
    code = getattr(error, 'errno', None)
    groups = ' / '.join(group for kind in KINDS for group in kind.groups)
    membership = 'are you root or in the group {}'.format(groups)
    if code in (errno.EACCES, errno.EPERM):
        return membership + '? A new membership counts from the next login'
    if code == errno.ECONNREFUSED:
        return 'no server listens there: is LXD or Incus running?'
    if code != errno.ENOENT:
        return ''
    named = [variable for kind in KINDS
             for variable in (kind.socket, kind.directory)
             if environ.get(variable) and path.startswith(
                 _absolute(environ[variable]))]
    hint = '{} names this socket; '.format(named[0]) if named else ''
    existing = [each for each in _default_sockets() if os.path.exists(each)]
    if existing:
        return hint + 'there is a socket at ' + ', '.join(existing)
    return hint + (
        'nor is there a {} in {}: is LXD or Incus installed, and {}?'.format(
            ' or '.join(name[1:] for name in SOCKETS),
            ', '.join(directory for kind in KINDS
                      for directory in kind.directories), membership))


def default_key_pair(environ=os.environ):
    # type: (Mapping[str, str]) -> Optional[Tuple[str, str]]
    """Return the paths of the key pair of this user's ``lxc`` or ``incus``.

    :return: the certificate and its key, or None if there is no such pair.
        ``LXD_CONF`` and ``INCUS_CONF`` name the directory, as for ``lxc``
        and ``incus``.
    """
    for kind in KINDS:
        for directory in kind.list_configurations(environ):
            pair = directory + '/client.crt', directory + '/client.key'
            if all(os.path.exists(path) for path in pair):
                return pair
    return None


def _absolute(path):
    # type: (str) -> str
    return os.path.abspath(path[len('unix://'):]
                           if path.startswith('unix://') else path)
