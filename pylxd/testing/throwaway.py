"""A real server that is private and temporary, and leaves nothing behind.

The daemon runs in its own mount and process namespaces. When ``close()``
orders it, or when the pipe from this process breaks, their init process kills
the daemon, removes its network bridges, and ends. Then the kernel ends all
other processes in the namespaces and drops their mounts, and the keeper, a
process outside, removes the control groups and the directory. So nothing is
left after Ctrl-C at any moment, after an error half-way, or after SIGKILL.
"""
import atexit
import base64
import binascii
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import six

from pylxd.client import Client
from pylxd.testing import image
from pylxd.testing.namespaces import (
    INIT_SCRIPT, KEEPER_SCRIPT, NAMESPACES)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, TypeVar, Union
    FilePath = Union[str, os.PathLike[str]]
    T = TypeVar('T', bound='Throwaway')

#: Where the programs of a server are: the PATH of a user lacks most of it.
PROGRAM_PATH = os.pathsep.join([
    os.environ.get('PATH', os.defpath), '/usr/sbin', '/sbin',
    '/usr/libexec/incus', '/opt/incus/bin'])

_SOCKET_PATH_MAX = 107  # bytes

_START_TIMEOUT = 60  # seconds

# Nothing listens there, so the daemon cannot fetch lists of public images.
_REFUSING_PROXY = 'http://127.0.0.1:9'

#: The environment variables that the daemon inherits. Others could lead it
#: astray: with LXD_SOCKET it serves on, and removes, that very socket.
_INHERITED = ('HOME', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'TMPDIR')


class CannotRun(RuntimeError):
    """No real server can run on this machine; the text says what to do."""


def find_program(name, root=''):
    # type: (str, str) -> Optional[str]
    """Return the path of an installed program in a root, or None.

    :param name: the name of the program.
    :param root: a directory with a whole system; empty: this machine.
    """
    for directory in PROGRAM_PATH.split(os.pathsep):
        path = os.path.join(directory, name)
        if os.access(root + path, os.X_OK):
            return path
    return None


class Throwaway(object):
    """A private server, which touches no other server of this machine.

    The server runs when the constructor returns, with a storage pool
    ``default``, the default profile and a small image with the alias
    ``busybox``. It ends with :meth:`close`, with its ``with`` block, or with
    this process.

    :param root: a directory with a whole system, whose server is run instead
        of the installed one.
    :param environ: environment variables for the daemon, which inherits of
        this process only where programs, libraries and temporary files are.
    :param ssl_cert_file: the path of a file with CA certificates in PEM; the
        daemon trusts image servers whose certificates they have signed.
    :param empty: leave out the pool and the image, for a server that joins a
        cluster.
    :raises CannotRun: the server cannot run here, as
        :meth:`find_missing_requirement` explains, or does not start.
    """

    # What differs between LXD and Incus
    daemon = ''  #: the program of the server
    command = ''  #: its command line client
    variable = ''  #: the environment variable of the daemon's directory
    remedy = ''  #: how to install the program
    has_password = True  #: whether the server knows trust passwords

    #: The trust password; None if the server knows tokens alone.
    password = None  # type: Optional[str]

    #: The HTTPS URL of the server, on loopback.
    endpoint = ''  # type: str

    #: The directory that all files of the server are in.
    home = ''  # type: str

    #: The directory with the system of the server; empty: this machine's.
    root = ''  # type: str

    _keeper = None  # type: Any

    def __init__(self,
                 root=None,  # type: Optional[str]
                 environ=None,  # type: Optional[Dict[str, str]]
                 ssl_cert_file=None,  # type: Optional[FilePath]
                 empty=False,  # type: bool
                 ):
        # type: (...) -> None
        reason = self.find_missing_requirement(root)
        if reason:
            raise CannotRun(reason)
        self.root = os.path.abspath(root) if root else ''
        atexit.register(self.close)
        try:
            self._keeper = self._start_keeper(environ or {})
            self.home = self._read_answer()
            problem = self._read_answer()
            if problem != 'ready':
                raise CannotRun("cannot set up namespaces for {}: {}".format(
                    self.daemon, problem or self.home))
            if len(self.socket) > _SOCKET_PATH_MAX:
                raise CannotRun(
                    "{} has more than the {} bytes that the path of a socket "
                    "may have: use a shorter TMPDIR or root".format(
                        self.socket, _SOCKET_PATH_MAX))
            if ssl_cert_file:
                shutil.copy(ssl_cert_file, os.path.join(self.home, 'ca.pem'))
            self._start_daemon()
            self._configure(empty)
        except BaseException:
            self.close()
            raise

    @classmethod
    def find_missing_requirement(cls, root=None):
        # type: (Optional[str]) -> Optional[str]
        """Return what this kit lacks to run here, in one sentence, or None.

        :param root: as for the constructor.
        """
        if not sys.platform.startswith('linux') or os.geteuid() != 0:
            return "a private {} needs Linux and root's rights".format(
                cls.daemon)
        if find_program(cls.daemon, root or '') is None:
            return '{} has no {}'.format(
                root or 'this machine', cls.daemon) + cls.remedy
        if subprocess.call(NAMESPACES + ['true'], stderr=subprocess.PIPE):
            return ("a private {} needs namespaces, and unshare cannot make "
                    "them here".format(cls.daemon))
        return image.find_missing_requirement()

    @property
    def directory(self):
        # type: () -> str
        """The directory of the daemon, which ``LXD_DIR`` names for ``lxc``."""
        return os.path.join(self.home, 'server')

    @property
    def socket(self):
        # type: () -> str
        """The path of the server's unix socket."""
        return os.path.join(self.directory, 'unix.socket')

    @property
    def certificate(self):
        # type: () -> str
        """The path of the server's certificate, in PEM.

        A member of a cluster shows the certificate of the cluster.
        """
        path = os.path.join(self.directory, 'cluster.crt')
        return path if os.path.exists(path) else os.path.join(
            self.directory, 'server.crt')

    def client(self, **kwargs):
        # type: (**Any) -> Client
        """Make a :class:`pylxd.Client` of the server, on its unix socket.

        :param kwargs: arguments of ``Client``; ``endpoint`` replaces the
            socket.
        """
        kwargs.setdefault('endpoint', self.socket)
        return Client(**kwargs)

    def token(self):
        # type: () -> str
        """Create a token that lets one client become trusted, once."""
        with self.client() as client:
            operation = client.api.certificates.post(json={
                'name': _random_hex(), 'type': 'client', 'token': True,
            }).json()['metadata']
        token = dict(operation['metadata'],
                     client_name=operation['metadata']['request']['name'])
        del token['request']
        return base64.b64encode(json.dumps(token).encode()).decode()

    def run(self, *arguments):
        # type: (*str) -> bytes
        """Run the server's own command line client, and return its output.

        :param arguments: such as ``'list', '--format', 'json'``.
        :raises subprocess.CalledProcessError: the command failed.
        """
        home_in_root = self.home[len(self.root):]
        environ = dict(_make_environ(), HOME=home_in_root)
        environ[self.variable] = home_in_root + '/server'
        with open(os.devnull) as empty:
            return subprocess.check_output(
                ['chroot', self.root or '/', self.command] + list(arguments),
                env=environ, stdin=empty)

    def kill(self):
        # type: () -> None
        """End the daemon by SIGKILL; its containers go on running."""
        self._send_order(b'kill')

    def restart(self):
        # type: () -> None
        """Kill the daemon if it runs, and start it again.

        :raises CannotRun: the daemon does not start.
        """
        self.kill()
        self._start_daemon()

    def close(self):
        # type: () -> None
        """End the daemon and its containers, and remove all their files.

        It may be called at any time, and more than once. If Ctrl-C interrupts
        it, other processes still do all of this.
        """
        keeper = self._keeper
        if keeper is None:
            return
        try:
            keeper.stdin.write(b'exit\n')
            keeper.stdin.close()
        except (EnvironmentError, ValueError):
            pass  # the keeper has ended, or the pipe is closed already
        keeper.wait()
        keeper.stdout.close()

    def __enter__(self):
        # type: (T) -> T
        return self

    def __exit__(self, *exc_info):
        # type: (*Any) -> None
        self.close()

    def _start_keeper(self, environ):
        # type: (Dict[str, str]) -> subprocess.Popen[bytes]
        environ = dict(
            _make_environ(), HTTP_PROXY=_REFUSING_PROXY,
            HTTPS_PROXY=_REFUSING_PROXY, NO_PROXY='', **environ)
        parent = self.root + '/tmp' if self.root else tempfile.gettempdir()
        # With setsid, Ctrl-C does not reach the keeper
        return subprocess.Popen(
            ['setsid', 'bash', '-c', KEEPER_SCRIPT, 'keeper', parent,
             self.root, self.daemon, self.variable]
            + NAMESPACES + ['bash', '-c', INIT_SCRIPT],
            bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environ, close_fds=True)

    def _read_answer(self):
        # type: () -> str
        return six.ensure_str(self._keeper.stdout.readline()).rstrip('\n')

    def _send_order(self, order):
        # type: (bytes) -> str
        self._keeper.stdin.write(order + b'\n')
        return self._read_answer()

    def _start_daemon(self):
        # type: () -> None
        self._send_order(b'start')
        deadline = time.time() + _START_TIMEOUT
        while not self._is_ready():
            if self._send_order(b'alive') != '0' or time.time() > deadline:
                with open(os.path.join(self.home, 'log')) as log:
                    raise CannotRun(
                        "{} does not start; its log ends: {}".format(
                            self.daemon, ''.join(log.readlines()[-5:])))
            time.sleep(0.01)

    def _is_ready(self):
        # type: () -> bool
        # The daemon's own command, waitready, looks twice a second only
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(_START_TIMEOUT)
            connection.connect(self.socket)
            connection.sendall(b'GET /internal/ready HTTP/1.0\r\n\r\n')
            return b' 200 ' in connection.recv(64)
        except EnvironmentError:
            return False
        finally:
            connection.close()

    def _configure(self, empty):
        # type: (bool) -> None
        address = '127.0.0.1:{}'.format(_find_free_port())
        self.endpoint = 'https://' + address
        config = {'core.https_address': address}
        if self.has_password:
            self.password = config['core.trust_password'] = _random_hex()
        with self.client() as client:
            client.api.patch(json={'config': config})
            if empty:
                return
            client.api.storage_pools.post(
                json={'name': 'default', 'driver': 'dir'})
            client.api.profiles['default'].patch(json={'devices': {
                'root': {'type': 'disk', 'path': '/', 'pool': 'default'}}})
            busybox = client.images.create(
                image.build_busybox_image(), wait=True)
            busybox.add_alias('busybox', '')


class ThrowawayLXD(Throwaway):
    """A private LXD; see :class:`Throwaway`."""

    daemon = 'lxd'
    command = 'lxc'
    variable = 'LXD_DIR'
    remedy = ': apt-get install --no-install-recommends lxd lxd-client'


def _make_environ():
    # type: () -> Dict[str, str]
    environ = {name: os.environ[name] for name in _INHERITED
               if name in os.environ}
    return dict(environ, PATH=PROGRAM_PATH)


def _find_free_port():
    # type: () -> int
    listener = socket.socket()
    try:
        listener.bind(('127.0.0.1', 0))
        return int(listener.getsockname()[1])
    finally:
        listener.close()


def _random_hex():
    # type: () -> str
    return binascii.hexlify(os.urandom(16)).decode()
