"""Requests whose responses are read later."""
import errno
import io
import socket

import requests
import six
from six.moves import http_client

from pylxd.transport import polling
from pylxd.transport.connection import log_request
from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional
    from pylxd.transport.connection import Transport


class PendingRequest(object):
    """A GET on a connection of its own, whose response is read later.

    The server forgets an operation five seconds after its end. The response
    to a wait that was sent before that time stays in the socket.

    :param path: the path of the URL.
    :raises ClientConnectionFailed: the server cannot be reached.
    """

    def __init__(self, transport, path):
        # type: (Transport, str) -> None
        self.transport, self._path = transport, path
        self._received = b''
        self._response = None  # type: Optional[requests.Response]
        with transport.translate_errors():
            self._sock = transport.connect()  # type: Any
            try:
                self._sock.sendall(six.ensure_binary(
                    'GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: pylxd\r\n'
                    # The end of the connection is the end of the response
                    'Connection: close\r\n\r\n'.format(
                        path, transport.connector.netloc)))
                self._sock.setblocking(False)
            except BaseException:
                self._sock.close()
                raise

    def fileno(self):
        # type: () -> int
        """Return the descriptor of the socket; -1 if it is closed."""
        return polling.descriptor(self._sock)

    def receive(self):
        # type: () -> Optional[requests.Response]
        """Return the response; None as long as it has not arrived.

        :raises ClientConnectionFailed: the connection was lost.
        """
        with self.transport.translate_errors():
            while self._response is None:
                try:
                    piece = self._sock.recv(BLOCK)
                except socket.error as error:
                    if polling.would_block(error):
                        return None
                    if error.errno == errno.EINTR:  # on Python 2
                        continue
                    raise
                self._received += piece
                if not piece:
                    with log_request('GET', self._path) as outcome:
                        self._response = self._parse()
                        outcome.append(self._response.status_code)
                    self._sock.close()
        return self._response

    def _parse(self):
        # type: () -> requests.Response
        parsed = http_client.HTTPResponse(
            _Received(self._received))  # type: ignore[arg-type]
        parsed.begin()
        response = requests.Response()
        response.status_code, response.reason = parsed.status, parsed.reason
        response._content = parsed.read()
        response.headers.update(parsed.getheaders())
        response.request = requests.Request(
            'GET', self.transport.url + self._path).prepare()
        return response

    def close(self):
        # type: () -> None
        """Close the connection."""
        self._sock.close()


class _Received(object):
    """Bytes in the place of a socket, for `http.client`."""

    def __init__(self, data):
        # type: (bytes) -> None
        self._data = data

    def makefile(self, *args, **kwargs):
        # type: (*Any, **Any) -> io.BytesIO
        """Return a file with the bytes."""
        return io.BytesIO(self._data)
