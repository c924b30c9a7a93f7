"""A real server: private, temporary, and gone without a trace.

The daemon lives in mount and process namespaces of its own. When their first
process ends, the kernel ends all others in them and drops their mounts,
whatever state the daemon is in. That process ends when ``close()`` says so or
when the pipe from this process breaks; a keeper outside then removes what the
kernel does not: bridges, control groups, the directory. So neither Ctrl-C at
any moment, a failure half-way nor SIGKILL leaves anything behind.
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, TypeVar
    T = TypeVar('T', bound='Throwaway')

# Most of what the daemon needs is not on every user's PATH.
_PATH = os.pathsep.join([
    os.environ.get('PATH', os.defpath), '/usr/sbin', '/sbin',
    '/usr/libexec/incus', '/opt/incus/bin'])

_SOCKET_PATH_MAX = 107  # bytes

_START_TIMEOUT = 60  # seconds

# A proxy that refuses: else the daemon asks public servers for news.
_NOWHERE = 'http://127.0.0.1:9'

# Variables that the daemon inherits. Others could lead it astray: LXD_SOCKET
# makes it serve on, or remove, the socket of another server.
_INHERITED = ('HOME', 'LANG', 'LC_ALL', 'LD_LIBRARY_PATH', 'TMPDIR')

# Without `slave`, what is unmounted outside would be kept busy in here.
NAMESPACES = ['unshare', '--mount', '--propagation', 'slave', '--pid',
              '--fork', '--mount-proc']

# Takes where to make the directory, the root (may be empty), the daemon, the
# variable that tells it its own directory, and the command to run _INSIDE.
_KEEPER = r'''
export root=$2 daemon=$3 variable=$4
home=$(mktemp --directory "$1/pylxd-XXXXXX") || exit
export home
shift 4
# root of a container is nobody out here, and has to pass
mkdir "$home/server" && chmod 711 "$home" "$home/server"
echo "$home"
"$@"
exec >/dev/null 2>&1
grep -o '/.*lxc\.\(monitor\|payload\)\.[^/]*' "$home/cgroups" | sort -u |
while read -r group; do
    find /sys/fs/cgroup{,/*}"$group" -depth -type d -exec rmdir {} \;
done
rm -rf "$home"
'''

# In new namespaces, into the root, if there is one: the steps that come first.
ENTER = r'''
set -e
if [ "$root" ]; then
    mount --bind "$root" "$root"
    cd "$root"
    for place in proc sys dev; do mount --rbind /$place $place; done
    # Incus 7 takes no older control groups
    [ -e sys/fs/cgroup/cgroup.procs ] ||
        mount -t cgroup2 cgroup2 sys/fs/cgroup
    # in a mere chroot no container can start
    pivot_root . mnt
    cd /
    umount --lazy mnt
    unset TMPDIR
    home=${home#"$root"}
fi
'''

# The first process of the namespaces: it sets them up, then takes orders, one
# a line, and answers each with a line.
_INSIDE = ENTER + r'''
set +e
# Containers are made below the control group of this process. With cgroup2
# none but the topmost group may have groups beside processes.
[ -e /sys/fs/cgroup/cgroup.procs ] && echo 0 >/sys/fs/cgroup/cgroup.procs
export "$variable=$home/server"
exec 2>>"$home/log"
echo ready
while read -r order; do
    case $order in
    start)
        [ -e "$home/ca.pem" ] && export SSL_CERT_FILE=$home/ca.pem
        "$daemon" --group root </dev/null >>"$home/log" 2>&1 & pid=$! ;;
    alive) kill -0 $pid ;;
    kill) kill -KILL $pid; wait $pid ;;
    exit) break ;;
    esac
    echo $?
done
cat /proc/[0-9]*/cgroup >"$home/cgroups"
# A frozen process takes no SIGKILL with the older control groups.
grep -o '/.*lxc\.payload\.[^/]*' "$home/cgroups" | sort -u |
while read -r group; do
    find /sys/fs/cgroup{,/freezer}"$group" -name freezer.state \
        -exec sh -c 'echo THAWED >"$1"' sh {} \;
done
kill -KILL $pid
for profile in "$home/server"/security/apparmor/profiles/*; do
    apparmor_parser --remove "$profile"
done
for path in "$home/server"/networks/*/; do
    bridge=$(basename "$path")
    # A container that was about to start leaves its pair here.
    for port in /sys/class/net/"$bridge"/brif/veth*; do
        ip link delete "${port##*/}"
    done
    ip link delete "$bridge"
    ip link delete "$bridge-mtu"
    # Firewall rules outlive their bridge. A table goes with its last chain:
    # those of Incus 7 crash the older nft of the machine.
    nft list chains | awk -v bridge="$bridge" '
        $1 == "table" { table = $2 " " $3; tables[table] }
        $1 == "chain" && substr($2, index($2, ".") + 1) == bridge {
            print "delete chain", table, $2; next }
        $1 == "chain" { kept[table] }
        END { for (table in tables)
            if (table ~ / (incus|lxd)$/ && !(table in kept))
                print "delete table", table }' | nft -f -
done
'''


class CannotRun(RuntimeError):
    """Why there can be no real server here, and what to do about it."""


def find_program(name, root=''):
    # type: (str, str) -> Optional[str]
    """The path of an installed program inside of ``root``, or None."""
    for directory in _PATH.split(os.pathsep):
        path = os.path.join(directory, name)
        if os.access(root + path, os.X_OK):
            return path
    return None


class Throwaway(object):
    """A server of its own, which touches no other one of this machine.

    It runs when the constructor returns, with a storage pool ``default``,
    the default profile and a small image under the alias ``busybox``, and
    until :meth:`close`, the end of its ``with`` block or of this process.

    :param root: a directory that holds a whole system, whose server is taken
        instead of the installed one
    :param environ: variables for the daemon; of this process it has no others
        than where it finds programs, libraries and temporary files
    :param ssl_cert_file: the path of CA certificates in PEM; image servers
        that have theirs from these are trusted
    :raises CannotRun: see :meth:`why_not`
    """

    # What differs between the servers
    daemon = ''  #: the program
    command = ''  #: its command line client
    variable = ''  #: where both look for the directory of the daemon
    remedy = ''  #: what to do where there is no such program
    has_password = True  #: whether clients may be trusted by a password

    #: What makes a client trusted; None where only tokens do.
    password = None  # type: Optional[str]

    #: Its URL on loopback.
    endpoint = ''

    _keeper = None  # type: Any

    def __init__(self, root=None, environ=None, ssl_cert_file=None):
        # type: (Optional[str], Optional[Dict[str, str]], Any) -> None
        reason = self.why_not(root)
        if reason:
            raise CannotRun(reason)
        #: The whole system that it runs in; empty: this one.
        self.root = os.path.abspath(root) if root else ''
        atexit.register(self.close)
        try:
            self._keeper = self._keep(environ or {})
            self._home = self._answer()
            problem = self._answer()
            if problem != 'ready':
                raise CannotRun("cannot prepare for {}: {}".format(
                    self.daemon, problem or self._home))
            if len(self.socket) > _SOCKET_PATH_MAX:
                raise CannotRun("{} is too long for the path of a socket; "
                                "a shorter TMPDIR or root will do".format(
                                    self.socket))
            if ssl_cert_file:
                shutil.copy(ssl_cert_file, os.path.join(self._home, 'ca.pem'))
            self._start()
            self._configure()
        except BaseException:
            self.close()
            raise

    @classmethod
    def why_not(cls, root=None):
        # type: (Optional[str]) -> Optional[str]
        """Why this kit cannot run here, in one sentence, or None if it can."""
        if not sys.platform.startswith('linux') or os.geteuid() != 0:
            return "a private {} takes Linux and root's rights".format(
                cls.daemon)
        if find_program(cls.daemon, root or '') is None:
            return '{} has no {}'.format(
                root or 'this machine', cls.daemon) + cls.remedy
        if subprocess.call(NAMESPACES + ['true'], stderr=subprocess.PIPE):
            return ("a private {} takes namespaces of its own, and unshare "
                    "cannot make them here".format(cls.daemon))
        return image.why_not()

    @property
    def directory(self):
        # type: () -> str
        """The directory of the daemon, what ``LXD_DIR`` is for ``lxc``."""
        return os.path.join(self._home, 'server')

    @property
    def socket(self):
        # type: () -> str
        """The path of its unix socket."""
        return os.path.join(self.directory, 'unix.socket')

    @property
    def certificate(self):
        # type: () -> str
        """The path of its own certificate, in PEM."""
        return os.path.join(self.directory, 'server.crt')

    def client(self, **kwargs):
        # type: (**Any) -> Client
        """A :class:`pylxd.Client` on the unix socket, trusted by that.

        :param kwargs: what ``Client`` takes, ``endpoint`` included
        """
        kwargs.setdefault('endpoint', self.socket)
        return Client(**kwargs)

    def token(self):
        # type: () -> str
        """A new secret that makes one client trusted, once."""
        with self.client() as client:
            operation = client.api.certificates.post(json={
                'name': _random(), 'type': 'client', 'token': True,
            }).json()['metadata']
        token = dict(operation['metadata'],
                     client_name=operation['metadata']['request']['name'])
        del token['request']
        return base64.b64encode(json.dumps(token).encode()).decode()

    def run(self, *arguments):
        # type: (*str) -> bytes
        """What the server's own command line client prints.

        :param arguments: such as ``'list', '--format', 'json'``
        :raises subprocess.CalledProcessError: when it fails
        """
        inside = self._home[len(self.root):]
        environ = dict(_own_environ(), HOME=inside)
        environ[self.variable] = inside + '/server'
        with open(os.devnull) as nothing:
            return subprocess.check_output(
                ['chroot', self.root or '/', self.command] + list(arguments),
                env=environ, stdin=nothing)

    def kill(self):
        # type: () -> None
        """End the daemon by SIGKILL; its containers run on."""
        self._order(b'kill')

    def restart(self):
        # type: () -> None
        """Start the daemon anew, killed before if it runs.

        :raises CannotRun: when it does not come up
        """
        self.kill()
        self._start()

    def close(self):
        # type: () -> None
        """End the daemon and all that belongs to it, and remove its files.

        It may be called at any time, and again. Interrupted it still does
        all of this, only without the caller waiting for it.
        """
        keeper = self._keeper
        if keeper is None:
            return
        try:
            keeper.stdin.write(b'exit\n')
            keeper.stdin.close()
        except (EnvironmentError, ValueError):
            pass  # it has ended, or knows already
        keeper.wait()
        keeper.stdout.close()

    def __enter__(self):
        # type: (T) -> T
        return self

    def __exit__(self, *exc_info):
        # type: (*Any) -> None
        self.close()

    def _keep(self, environ):
        # type: (Dict[str, str]) -> Any
        environ = dict(
            _own_environ(), HTTP_PROXY=_NOWHERE, HTTPS_PROXY=_NOWHERE,
            NO_PROXY='', **environ)
        parent = self.root + '/tmp' if self.root else tempfile.gettempdir()
        # In a session of its own no Ctrl-C reaches it.
        return subprocess.Popen(
            ['setsid', 'bash', '-c', _KEEPER, 'keeper', parent, self.root,
             self.daemon, self.variable]
            + NAMESPACES + ['bash', '-c', _INSIDE],
            bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env=environ, close_fds=True)

    def _answer(self):
        # type: () -> str
        return six.ensure_str(self._keeper.stdout.readline()).rstrip('\n')

    def _order(self, order):
        # type: (bytes) -> str
        self._keeper.stdin.write(order + b'\n')
        return self._answer()

    def _start(self):
        # type: () -> None
        self._order(b'start')
        deadline = time.time() + _START_TIMEOUT
        while not self._is_ready():
            if self._order(b'alive') != '0' or time.time() > deadline:
                with open(os.path.join(self._home, 'log')) as log:
                    raise CannotRun("{} does not start: {}".format(
                        self.daemon, ''.join(log.readlines()[-5:])))
            time.sleep(0.01)

    def _is_ready(self):
        # type: () -> bool
        # The daemon's own command for this, waitready, looks twice a second.
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

    def _configure(self):
        # type: () -> None
        address = '127.0.0.1:{}'.format(_free_port())
        self.endpoint = 'https://' + address
        config = {'core.https_address': address}
        if self.has_password:
            self.password = config['core.trust_password'] = _random()
        with self.client() as client:
            client.api.patch(json={'config': config})
            client.api.storage_pools.post(
                json={'name': 'default', 'driver': 'dir'})
            client.api.profiles['default'].patch(json={'devices': {
                'root': {'type': 'disk', 'path': '/', 'pool': 'default'}}})
            client.images.create(image.busybox_image(), wait=True).add_alias(
                'busybox', '')


class ThrowawayLXD(Throwaway):
    """An LXD of its own; see :class:`Throwaway`."""

    daemon = 'lxd'
    command = 'lxc'
    variable = 'LXD_DIR'
    remedy = ': apt-get install --no-install-recommends lxd lxd-client'


def _own_environ():
    # type: () -> Dict[str, str]
    environ = {name: os.environ[name] for name in _INHERITED
               if name in os.environ}
    return dict(environ, PATH=_PATH)


def _free_port():
    # type: () -> int
    listener = socket.socket()
    try:
        listener.bind(('127.0.0.1', 0))
        return int(listener.getsockname()[1])
    finally:
        listener.close()


def _random():
    # type: () -> str
    return binascii.hexlify(os.urandom(16)).decode()
