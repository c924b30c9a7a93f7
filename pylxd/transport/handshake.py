"""The response to a request that upgrades its connection."""
import re

import requests
import six

from pylxd import exceptions
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple

#: The longest head of a response that is read, in bytes.
LONGEST_HEAD = 64 * 1024


class Handshake(object):
    """Reads the response to a request that upgrades its connection.

    :param sock: the socket of the connection.
    :param timeout: seconds from now until the whole response must have
        arrived; None waits for ever.
    :param subject: the server and the request, for the messages.
    """

    def __init__(self, sock, timeout, subject):
        # type: (Any, Optional[float], str) -> None
        self._sock = sock
        self._deadline = clock() + timeout if timeout else None
        self._subject = subject

    def read(self, request, size=1):
        # type: (requests.PreparedRequest, int) -> Tuple[Any, bytes, bytes]
        """Read the response.

        :param request: the request, which the response refers to.
        :param size: the most bytes to receive at once. With 1, no byte of
            the other protocol is received: the peer may be the first to send.
        :return: the response, with its body if its status is not 101; the
            bytes of its headers; the bytes that followed them.
        :raises ClientConnectionFailed: the response is not HTTP.
        :raises InvalidResponse: the headers of the response have no end.
        """
        received = b''
        while b'\r\n\r\n' not in received and len(received) < LONGEST_HEAD:
            piece = self._receive(size)
            if not piece:
                break
            received += piece
        head, end, data = received.partition(b'\r\n\r\n')
        status, _, headers = head.partition(b'\r\n')
        words = six.ensure_text(status, 'latin-1').split(' ', 2)
        if len(words) < 2 or not words[1].isdigit():
            raise exceptions.ClientConnectionFailed(
                '{}: the response is not HTTP'.format(self._subject))
        response = requests.Response()
        response.status_code = int(words[1])
        response.reason = ''.join(words[2:])
        response.headers.update(re.findall(
            r'(?m)^([\w-]+): *(.*?)\r?$', six.ensure_str(headers, 'latin-1')))
        response.request = request
        response._content = b''
        if not end:
            raise exceptions.InvalidResponse(
                response, reason='its headers have no end')
        if response.status_code != 101:
            response._content = data = self._read_body(response, data)
        return response, headers, data

    def _read_body(self, response, body):
        # type: (requests.Response, bytes) -> bytes
        """Return the body of an error, of which a part has arrived."""
        length = response.headers.get('Content-Length', '')
        size = min(int(length) if re.match('[0-9]+$', length) else 0,
                   LONGEST_HEAD)
        while len(body) < size:
            piece = self._receive(size - len(body))
            if not piece:
                break
            body += piece
        return body

    def _receive(self, size):
        # type: (int) -> bytes
        # The timeout is that of the whole response, not of each piece
        if self._deadline:
            self._sock.settimeout(max(self._deadline - clock(), 0.001))
        received = self._sock.recv(size)  # type: bytes
        return received
