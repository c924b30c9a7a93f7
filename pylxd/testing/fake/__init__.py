"""A stand-in for an LXD or Incus, inside of the test's own process.

It speaks the real protocol on a real unix socket and over HTTPS on loopback,
so that the whole of the library runs as with a real server. What it answers
has been compared with the real ones. It runs nothing on the host and needs no
rights.

    with FakeLXD() as lxd:
        client = lxd.client()
"""
import base64
import json
import os
import shutil
import tempfile
import threading

from pylxd.client import Client
from pylxd.testing.fake import (
    images, inside, instances, rest, servers, things, tls, web)
from pylxd.testing.fake.daemon import Daemon, random_hex
from pylxd.testing.fake.faults import Fault, Faults

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, Callable, List, Optional, Tuple

__all__ = ['FakeLXD']

# They register what they answer
_PARTS = (images, inside, instances, rest, things)


class FakeLXD(object):
    """A server of its own, which holds nothing but a test's things.

    It runs when the constructor returns, with a storage pool ``default``,
    the default profile and a small image under the alias ``busybox``, and
    until :meth:`close` or the end of its ``with`` block.

    :param like: the server that it plays: ``lxd-5.0``, ``lxd-6``,
        ``incus-6.0`` or ``incus-7.0``
    :param without: extensions of the API that it shall not have; without
        ``instances`` and ``network`` it is much like LXD 2.0
    :param extensions: all that it shall have, instead of those of ``like``
    :param ssl_cert_file: a file of CA certificates; images are taken from
        servers that they vouch for, and no others
    :raises KeyError: there is no such server
    """

    def __init__(self, like='lxd-5.0', without=(), extensions=None,
                 ssl_cert_file=None):
        # type: (str, Any, Any, Optional[str]) -> None
        kind = servers.KINDS[like]
        if extensions is None:
            extensions = kind.extensions
        #: Every request so far, as ``(method, path with query)``.
        self.requests = []  # type: List[Tuple[str, str]]
        #: How many connections have been made to it.
        self.connections = 0
        self.faults = Faults()  # type: Faults
        self._home = tempfile.mkdtemp(prefix='pylxd-')
        self._servers = []  # type: List[web.Server]
        try:
            os.mkdir(self.directory)
            self._daemon = daemon = Daemon(
                kind, [name for name in extensions if name not in without],
                self.directory)
            daemon.authorities = (
                ssl_cert_file or os.environ.get('SSL_CERT_FILE') or True)
            if kind.passwords:
                daemon.password = random_hex()
            daemon.profiles['default'] = {
                'config': {},
                'description': 'Default {} profile'.format(kind.title),
                'devices': {'root': {
                    'path': '/', 'pool': 'default', 'type': 'disk'}}}
            images.first(daemon)
            self._context = None  # type: Optional[ssl.SSLContext]
            self._making = threading.Lock()
            tls.make_certificate(
                self.certificate, self.certificate[:-3] + 'key',
                u'linuxcontainers.org')
            with open(self.certificate) as pem:
                daemon.certificate = pem.read()
            self._start(0)
        except BaseException:
            self.close()
            raise

    @property
    def directory(self):
        # type: () -> str
        """Its directory, what ``LXD_DIR`` is for ``lxc``."""
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

    @property
    def endpoint(self):
        # type: () -> str
        """Its URL on loopback."""
        return 'https://' + self._daemon.address

    @property
    def password(self):
        # type: () -> Optional[str]
        """What makes a client trusted; None where only tokens do."""
        return self._daemon.password or None

    @property
    def retention(self):
        # type: () -> float
        """For how many seconds an operation is found after its end."""
        return self._daemon.retention

    @retention.setter
    def retention(self, seconds):
        # type: (float) -> None
        self._daemon.retention = seconds

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
            token = client.api.certificates.post(json={
                'name': random_hex(), 'type': 'client', 'token': True,
            }).json()['metadata']['metadata']
        token['client_name'] = token.pop('request')['name']
        return base64.b64encode(json.dumps(token).encode()).decode()

    def on_execute(self, handler, command=None):
        # type: (Callable[..., Any], Optional[str]) -> Callable[..., Any]
        """Answer commands that are executed in instances.

        :param handler: called with an :class:`~.shell.Execution`, in a
            thread of its own; it returns the exit code (None is 0), or all of
            standard output (bytes or text), or ``(code, stdout, stderr)``; it
            may also write to the streams of the execution, or return
            ``NotImplemented`` to leave the command to others
        :param command: the program that it answers, each if not given
        :return: the handler
        """
        self._daemon.handlers.append((command, handler))
        return handler

    # Faults

    def fault(self, method=None, path=None, times=None, **what):
        # type: (Any, Any, Any, **Any) -> Fault
        """Let requests go wrong, until the fault's ``remove()``, the end of
        its ``with`` block, or for a number of times.

        :param method: such as ``GET``; each if not given
        :param path: without the query, with ``*`` for anything; each if not
            given
        :param times: how often
        :param what: of :class:`~.faults.Fault`, such as ``delay=1``
        """
        return self.faults.add(Fault(self.faults, method, path, times, **what))

    def refuse(self, **match):
        # type: (**Any) -> Fault
        """Close the connection without doing or answering anything."""
        return self.fault(drop=0, **match)

    def delay(self, seconds, **match):
        # type: (float, **Any) -> Fault
        """Do nothing for a while before anything else."""
        return self.fault(delay=seconds, **match)

    def drop(self, after, **match):
        # type: (int, **Any) -> Fault
        """Close the connection after so many bytes of the answer."""
        return self.fault(drop=after, **match)

    def truncate(self, after, **match):
        # type: (int, **Any) -> Fault
        """The same, counted from the body's begin."""
        return self.fault(drop=after, body=True, **match)

    def answer(self, status, body=b'', type_='text/html', headers=None,
               **match):
        # type: (int, bytes, str, Any, **Any) -> Fault
        """Send this, whatever was asked, and do nothing."""
        return self.fault(answer=web.Answer(status, body, dict(
            {'Content-Type': type_}, **(headers or {}))), **match)

    def fail(self, reason, **match):
        # type: (str, **Any) -> Fault
        """Let the operation that a request begins fail."""
        return self.fault(fails=reason, **match)

    def hold(self, seconds, **match):
        # type: (float, **Any) -> Fault
        """Let the operation that a request begins take longer; its instance
        is busy meanwhile."""
        return self.fault(hold=seconds, **match)

    def lose_websocket(self, after=0, **match):
        # type: (int, **Any) -> Fault
        """Break a websocket after so many messages to the client."""
        return self.fault(messages=after, **match)

    # Life and death

    def kill(self):
        # type: () -> None
        """Be gone at once, as after SIGKILL: connections break, operations
        are forgotten, instances run on."""
        for server in self._servers:
            server.stop()
        self._servers = []
        self._daemon.die()

    def restart(self):
        # type: () -> None
        """Start anew on the same socket and port, killed before if it
        runs."""
        self.kill()
        self._start(int(self._daemon.address.rpartition(':')[2]))

    def close(self):
        # type: () -> None
        """End all that belongs to it, and remove its files; it may be called
        again."""
        try:
            if self._servers:
                self.kill()
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self):
        # type: () -> FakeLXD
        return self

    def __exit__(self, *exc_info):
        # type: (*Any) -> None
        self.close()

    def _start(self, port):
        # type: (int) -> None
        if os.path.exists(self.socket):
            os.remove(self.socket)
        port_server = web.Server(
            ('127.0.0.1', port), self._daemon, self, self._make_context)
        self._servers = [port_server]
        self._daemon.address = '127.0.0.1:{}'.format(
            port_server.server_address[1])
        self._servers.append(web.Server(self.socket, self._daemon, self))

    def _make_context(self):
        # type: () -> ssl.SSLContext
        with self._making:
            if self._context is None:
                self._context = tls.make_context(
                    self.certificate, self.certificate[:-3] + 'key')
        return self._context
