"""Pooled connections, and the adapter by which requests uses them."""
import errno
import io
import socket
import ssl
import time

import requests.adapters
import six
import urllib3
from six.moves import http_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional
    from pylxd.transport.connector import Connector

#: The number of idle connections that a pool keeps. More threads open more
#: connections, which are closed after use.
MAX_IDLE = 64
#: The number of bytes to read or write at once. With 16 KiB, transfers take
#: 1.3 to 2.3 times as long, for the Python code around each block.
BLOCK = 256 * 1024
#: The timeout for a read restarts only after this many bytes.
MINIMUM_BYTES = 4096
#: The number of responses "100 Continue" before the response itself.
MAX_CONTINUES = 100

# The methods of http.client that urllib3's connection overrides
_plain = http_client.HTTPConnection  # type: Any
_request = six.get_unbound_function(_plain.request)
_getresponse = six.get_unbound_function(_plain.getresponse)

#: Returns a time in seconds that is never set back, where Python has one.
clock = getattr(time, 'monotonic', time.time)  # type: Callable[[], float]


class MinimumRateReader(io.RawIOBase):
    """The stream of a socket; reads need `MINIMUM_BYTES` within the timeout.

    The timeout of a socket restarts with each byte: a server that sends a
    byte now and then could block a call for ever.
    """

    def __init__(self, file, sock):
        # type: (Any, Any) -> None
        self._file, self._sock = file, sock
        self._receive = sock.recv_into if six.PY2 else file.raw.readinto
        self._timeout = self._remaining = sock.gettimeout()
        self._received = 0

    def readable(self):
        # type: () -> bool
        return True

    def readinto(self, buffer):
        # type: (Any) -> int
        started = clock()
        self._sock.settimeout(max(self._remaining, 0.001))
        try:
            size = self._receive(buffer)  # type: int
        finally:
            self._sock.settimeout(self._timeout)
        self._received += size
        self._remaining -= clock() - started
        if self._received >= MINIMUM_BYTES:
            self._received, self._remaining = 0, self._timeout
        elif self._remaining <= 0 and size:
            raise socket.timeout(
                'timed out: fewer than {} bytes arrived in {} s'.format(
                    MINIMUM_BYTES, self._timeout))
        return size

    def close(self):
        # type: () -> None
        self._file.close()
        super(MinimumRateReader, self).close()


class _HTTPResponse(http_client.HTTPResponse, object):
    """An HTTP response that needs a minimum rate if there is a timeout."""

    # close() reads it, also if __init__ was interrupted
    fp = None  # type: Any

    def __init__(self, sock, *args, **kwargs):
        # type: (Any, *Any, **Any) -> None
        http_client.HTTPResponse.__init__(self, sock, *args, **kwargs)
        self._continues = 0
        self._deadline = None  # type: Optional[float]
        if sock.gettimeout():
            self._deadline = clock() + sock.gettimeout()
            self.fp = io.BufferedReader(MinimumRateReader(self.fp, sock))

    def _read_status(self):
        # type: () -> Any
        # http.client would skip any number of responses "100 Continue"
        status = http_client.HTTPResponse._read_status(self)  # type: ignore
        if status[1] == http_client.CONTINUE:
            self._continues += 1
            if self._continues > MAX_CONTINUES:
                raise urllib3.exceptions.HTTPError(
                    'the server sent more than {} times "100 Continue", and '
                    'no response'.format(MAX_CONTINUES))
            if self._deadline is not None and clock() > self._deadline:
                raise socket.timeout(
                    'timed out: the server sent only "100 Continue"')
        return status


class _HTTPConnection(urllib3.connection.HTTPConnection, object):
    """A pooled connection, whose socket a `Connector` opens."""

    response_class = _HTTPResponse

    def __init__(self, *args, **kwargs):
        # type: (*Any, **Any) -> None
        self._connector = kwargs.pop('connector')  # type: Connector
        super(_HTTPConnection, self).__init__(*args, **kwargs)
        self.blocksize = BLOCK
        # Otherwise Python 2 accepts any bytes as an HTTP/0.9 response
        self.strict = True

    def connect(self):
        # type: () -> None
        self.sock = self._connector.connect(self.timeout)


class _Pool(urllib3.HTTPConnectionPool):
    """urllib3's pool of the connections to one server."""

    ConnectionCls = _HTTPConnection

    def urlopen(self, method, url, body=None, headers=None, *args, **kwargs):
        # type: (str, str, Any, Any, *Any, **Any) -> Any
        # urllib3 copies and reads the headers four times, which takes 17 us
        # less with a plain dict than with requests' CaseInsensitiveDict
        headers = dict(headers or ())
        if body is None and method == 'GET':
            return self._get(url, headers, kwargs['timeout'])
        return super(_Pool, self).urlopen(
            method, url, body, headers, *args, **kwargs)

    def _get(self, url, headers, timeout):
        # type: (str, Any, urllib3.Timeout) -> urllib3.HTTPResponse
        """Send a GET request as http.client does, and return the response.

        `urlopen` of urllib3 would take 20 of 150 us more, for retries,
        redirects and proxies, which are not used here.
        """
        connection, response = self._get_conn(), None  # type: Any, Any
        try:
            connection.timeout = timeout.connect_timeout
            try:
                _request(connection, 'GET', url, headers=headers)
            except socket.error as error:
                # The server may have sent a response before it closed
                if error.errno not in (errno.EPIPE, errno.ECONNRESET):
                    raise
            connection.sock.settimeout(timeout.read_timeout)
            response = _getresponse(connection)
        except (socket.error, http_client.HTTPException) as error:
            if isinstance(error, socket.timeout) or 'timed out' in str(error):
                raise urllib3.exceptions.ReadTimeoutError(
                    self, url, str(error))
            if isinstance(error, ssl.SSLError):
                raise urllib3.exceptions.SSLError(error)
            raise urllib3.exceptions.ProtocolError(
                'Connection aborted.', error)
        finally:
            if response is None:
                connection.close()
        return urllib3.HTTPResponse(
            response, response.msg.items(), response.status,
            version=response.version, reason=response.reason,
            preload_content=False, decode_content=False,
            original_response=response, pool=self, connection=connection,
            enforce_content_length=True, request_method='GET')


class ServerAdapter(requests.adapters.HTTPAdapter):
    """An adapter of requests that sends all requests by one pool.

    requests would look up a pool for the host of each URL, build a TLS
    context for each connection (30 ms), and add the public authorities to the
    context of a pinned certificate. requests-unixsocket would open a
    connection for each path.
    """

    def __init__(self, connector):
        # type: (Connector) -> None
        super(ServerAdapter, self).__init__()
        self._connector = connector
        self._pool = self._make_pool()

    def _make_pool(self):
        # type: () -> _Pool
        connector = self._connector
        connect, read = connector.timeout
        return _Pool(
            connector.host, connector.port, maxsize=MAX_IDLE,
            timeout=urllib3.Timeout(connect=connect, read=read),
            connector=connector)

    def close(self):
        # type: () -> None
        """Close the idle connections; the next request opens a new one."""
        self._pool.close()
        self._pool = self._make_pool()
        super(ServerAdapter, self).close()

    def cert_verify(self, conn, url, verify, cert):
        # type: (Any, str, Any, Any) -> None
        """Do nothing: the `Connector` verifies certificates."""

    def request_url(self, request, proxies):
        # type: (Any, Any) -> str
        return request.path_url

    def get_connection(self, url, proxies=None):
        # type: (Any, Any) -> Any
        return self._pool

    def get_connection_with_tls_context(
            self, request, verify, proxies=None, cert=None):
        # type: (Any, Any, Any, Any) -> Any
        return self._pool
