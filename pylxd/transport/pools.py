"""The connections that are kept: requests' adapters for socket and TLS."""
import io
import socket
import time

import requests.adapters
import requests_unixsocket.adapters
import six
import urllib3
from six.moves import http_client
from six.moves.urllib import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from pylxd.transport.connection import Transport

#: Connections kept open to one server; more threads than this open more,
#: which are closed after use.
POOL = 64
#: Bytes that are read and written at once: below 256 KiB the Python around
#: each piece costs more than the copying (1.3-2.3 x at 16 KiB).
BLOCK = 256 * 1024
#: Bytes that have to come within the timeout for a read, each time.
LEAST = 4096

clock = getattr(time, 'monotonic', time.time)


class _Answer(http_client.HTTPResponse, object):
    """An answer that has to keep coming, if there is a timeout."""

    fp = None  # type: Any  # where an interrupt comes before it is made

    def __init__(self, sock, *args, **kwargs):
        # type: (Any, *Any, **Any) -> None
        http_client.HTTPResponse.__init__(self, sock, *args, **kwargs)
        if sock.gettimeout():
            self.fp = io.BufferedReader(_Steady(self.fp, sock))


class _Steady(io.RawIOBase):
    """A socket whose timeout holds for each `LEAST` bytes.

    By itself it starts anew with each byte, so that a server which sends one
    now and then could hold a call for ever.
    """

    def __init__(self, file, sock):
        # type: (Any, Any) -> None
        self._file, self._sock = file, sock
        self._receive = sock.recv_into if six.PY2 else file.raw.readinto
        self._limit = self._left = sock.gettimeout()
        self._came = 0

    def readable(self):
        # type: () -> bool
        return True

    def readinto(self, buffer):
        # type: (Any) -> int
        started = clock()
        self._sock.settimeout(max(self._left, 0.001))
        try:
            size = self._receive(buffer)  # type: int
        finally:
            self._sock.settimeout(self._limit)
        self._came += size
        self._left -= clock() - started
        if self._came >= LEAST:
            self._came, self._left = 0, self._limit
        elif self._left <= 0 and size:
            raise socket.timeout('timed out: too few bytes came')
        return size

    def close(self):
        # type: () -> None
        self._file.close()
        super(_Steady, self).close()


class _UnixPool(requests_unixsocket.adapters.UnixHTTPConnectionPool):
    """requests-unixsocket's pool with room for threads and big pieces."""

    def __init__(self, path):
        # type: (str) -> None
        urllib3.HTTPConnectionPool.__init__(
            self, 'localhost', maxsize=POOL)
        self.socket_path = 'http+unix://' + parse.quote(path, safe='')
        self.timeout = None

    def _new_conn(self):
        # type: () -> Any
        self.num_connections += 1
        connection = super(_UnixPool, self)._new_conn()
        connection.blocksize = BLOCK
        connection.response_class = _Answer
        connection.strict = True  # Python 2 takes anything for HTTP/0.9
        return connection


class UnixAdapter(requests_unixsocket.adapters.UnixAdapter):
    """One pool for the socket; requests-unixsocket has one for each URL."""

    def __init__(self, path):
        # type: (str) -> None
        super(UnixAdapter, self).__init__()
        self._path = path
        self._pool = _UnixPool(path)

    def get_connection(self, url, proxies=None):
        # type: (str, Any) -> Any
        return self._pool

    def get_connection_with_tls_context(
            self, request, verify, proxies=None, cert=None):
        # type: (Any, Any, Any, Any) -> Any
        return self._pool

    def close(self):
        # type: () -> None
        self._pool.close()
        self._pool = _UnixPool(self._path)  # a closed one opens no more


class TLSAdapter(requests.adapters.HTTPAdapter):
    """HTTPS with the transport's one context.

    requests would build a context for each connection (30 ms) and load
    the public authorities into a pinned one.
    """

    def __init__(self, transport):
        # type: (Transport) -> None
        self._transport = transport
        super(TLSAdapter, self).__init__(pool_maxsize=POOL)

    def init_poolmanager(self, *args, **kwargs):
        # type: (*Any, **Any) -> None
        transport = self._transport

        class Connection(urllib3.connection.HTTPSConnection):
            response_class = _Answer

            def connect(self):
                # type: () -> None
                self.blocksize = BLOCK
                super(Connection, self).connect()
                transport.check_peer(self.sock)
                # urllib3 would warn who has said verify=False
                self.is_verified = True

        class Pool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Connection

        kwargs['ssl_context'] = transport.context
        kwargs['assert_hostname'] = False  # check_peer does
        super(TLSAdapter, self).init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {'https': Pool}

    def close(self):
        # type: () -> None
        pools = self.poolmanager.pools
        for key in pools.keys():
            pools[key].close()  # now, and not when PyPy collects garbage
        super(TLSAdapter, self).close()

    def cert_verify(self, conn, url, verify, cert):
        # type: (Any, str, Any, Any) -> None
        """Nothing to add: the context holds it all."""

    def get_connection(self, url, proxies=None):
        # type: (Any, Any) -> Any
        return self.poolmanager.connection_from_url(url)

    def get_connection_with_tls_context(
            self, request, verify, proxies=None, cert=None):
        # type: (Any, Any, Any, Any) -> Any
        return self.poolmanager.connection_from_url(request.url)
