"""Websockets to a server, and the client that collects its events."""
import errno
import json
import re
import socket
import ssl

import requests
import six
from ws4py.exc import HandshakeError

from pylxd import exceptions
from pylxd.transport import rest
from pylxd.transport.connection import log_request
from pylxd.transport.frames import FrameBuffer, Stream
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple, Type, TypeVar
    from pylxd.transport.connection import Transport
    W = TypeVar('W')

    class WebSocketBaseClient(object):
        # ws4py has no types; this is what is used of it
        stream = None  # type: Any
        protocols = None  # type: Any
        extensions = None  # type: Any
        resource = ''  # type: str
        reading_buffer_size = 0  # type: int
        handshake_request = b''  # type: bytes

        def __init__(self, url, *args, **kwargs):
            # type: (str, *Any, **Any) -> None
            pass

        @property
        def handshake_headers(self):
            # type: () -> List[Tuple[str, str]]
            pass

        def process_handshake_header(self, headers):
            # type: (bytes) -> Tuple[Any, Any]
            pass

        def handshake_ok(self):
            # type: () -> None
            pass

        def process(self, data):
            # type: (bytes) -> bool
            pass

        def received_message(self, message):
            # type: (Any) -> None
            pass

        def unhandled_error(self, error):
            # type: (Exception) -> None
            pass

        def connect(self):
            # type: () -> None
            pass

        def run(self):
            # type: () -> None
            pass

        def send(self, payload, binary=False):
            # type: (Any, bool) -> None
            pass

        def close(self, code=1000, reason=''):
            # type: (int, str) -> None
            pass
else:
    from ws4py.client import WebSocketBaseClient

#: The longest response to a handshake, in bytes.
LONGEST_HEAD = 64 * 1024
#: The longest frame that is accepted, in bytes; servers send far less.
LONGEST_FRAME = 64 * 1024 * 1024


class Websocket(WebSocketBaseClient):
    """A client of ws4py over a socket that a `Transport` opens.

    A websocket is thus reached, encrypted and verified as HTTP is.
    """

    transport = None  # type: Any
    sock = None  # type: Any
    _buffer = None  # type: Any
    _deadline = None  # type: Any # on `clock`, of the handshake

    @property
    def handshake_headers(self):
        # type: () -> List[Tuple[str, str]]
        # Incus 7 refuses the Origin header that ws4py makes up
        return [(name, self.transport.connector.netloc if name == 'Host'
                 else value)
                for name, value in super(Websocket, self).handshake_headers
                if name.lower() != 'origin']

    def connect(self):
        # type: () -> None
        """Connect and make the handshake.

        :raises ClientConnectionFailed: the server was not reached.
        :raises LXDAPIException: the server refused.
        """
        try:
            self.send_handshake()
            self.read_handshake()
        except BaseException:
            self.close_connection()
            raise

    def close_connection(self):
        # type: () -> None
        """Close the socket.

        ws4py does not close a socket that the server has shut down.
        """
        sock, self.sock = self.sock, None
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except (OSError, socket.error):
                pass
            sock.close()

    def send_handshake(self):
        # type: () -> None
        """Connect, and send the request of the handshake."""
        if self.sock is not None:
            self.sock.close()  # ws4py has made an unconnected one
        self.sock = self.transport.connect()
        self.stream = Stream(
            always_mask=True, expect_masking=False)  # type: Any
        self._is_secure = isinstance(self.sock, ssl.SSLSocket)
        timeout = self.transport.connector.timeout[1]
        self._deadline = timeout and clock() + timeout
        with self.transport.errors():
            self.sock.sendall(self.handshake_request)

    def read_handshake(self):
        # type: () -> None
        """Read the response of the handshake.

        Frames that the server sent right behind it wait in the buffer.
        """
        with self.transport.errors(), log_request(
                'GET', self._path) as outcome:
            answer = b''
            while b'\r\n\r\n' not in answer and len(answer) < LONGEST_HEAD:
                piece = self._receive_handshake(4096)
                if not piece:
                    break
                answer += piece
            head, end, rest = answer.partition(b'\r\n\r\n')
            status, _, headers = head.partition(b'\r\n')
            code = status.split(b' ')[1:2]
            outcome += [six.ensure_str(each, 'latin-1') for each in code]
            if not end or code != [b'101']:
                self._raise_refusal(status, headers, rest)
        try:
            protocols, extensions = self.process_handshake_header(headers)
            if b'sec-websocket-accept:' not in headers.lower():
                raise HandshakeError('the answer has no Sec-WebSocket-Accept')
        except (HandshakeError, ValueError) as error:
            raise exceptions.ClientConnectionFailed(
                '{}: websocket {}: {}'.format(
                    self.transport.endpoint, self._path, error), cause=error)
        self.protocols = protocols  # type: Any
        self.extensions = extensions  # type: Any
        self.sock.settimeout(None)
        self._buffer = FrameBuffer(rest)
        self.handshake_ok()

    def _receive_handshake(self, size):
        # type: (int) -> bytes
        # One timeout holds for the whole response, not for each piece
        if self._deadline:
            self.sock.settimeout(max(self._deadline - clock(), 0.001))
        return self.sock.recv(size)

    def once(self):
        # type: () -> bool
        """Receive and handle what has come; return False at the end.

        ws4py's own method receives each part of a frame by itself.
        """
        return (self._handle_frames() and self._receive()
                and self._handle_frames())

    def _handle_frames(self):
        # type: () -> bool
        while self.sock is not None:
            if self.stream.message is None:
                message = self._buffer.take_message()
                if message is not None:
                    self.received_message(message)
                    continue
            part = self._take_part()
            if not part:
                return True
            try:
                if not self.process(part):
                    break
            except socket.error:
                stream = self.stream
                if not (stream.pings or stream.errors
                        or stream.closing is not None):
                    raise
                break  # the server went away before it was answered
        return False

    def _take_part(self):
        # type: () -> bytes
        """Return what ws4py's parser asks for, or ``b''`` until it is here.

        :raises StreamBroken: the parser asks for more than `LONGEST_FRAME`.
        """
        size = self.reading_buffer_size
        if size > LONGEST_FRAME:
            raise self._make_error('a frame of {} bytes'.format(size))
        part = self._buffer.take(size)  # type: bytes
        return part

    def _receive(self):
        # type: () -> bool
        try:
            size = self._buffer.receive(self.sock)
            # select() does not see what TLS has decrypted already
            while self._is_secure and self.sock.pending():
                self._buffer.receive(self.sock)
        except socket.error as error:
            if error.errno == errno.EINTR:  # on Python 2
                return True
            self.unhandled_error(error)
            return False
        return bool(size)

    def _make_error(self, reason):
        # type: (Any) -> exceptions.StreamBroken
        return exceptions.StreamBroken('{}: websocket {}: {}'.format(
            self.transport.endpoint, self._path, exceptions.printable(reason)
        ), cause=reason if isinstance(reason, Exception) else None)

    def _raise_refusal(self, status, headers, body):
        # type: (bytes, bytes, bytes) -> None
        """Raise the error of an answer other than 101.

        :param body: the part of the body that has come.
        """
        words = six.ensure_text(status, 'latin-1').split(' ', 2)
        if len(words) < 2 or not words[1].isdigit():
            raise exceptions.ClientConnectionFailed(
                '{}: websocket {}: the answer is not HTTP'.format(
                    self.transport.endpoint, self._path))
        response = requests.Response()
        response.status_code = int(words[1])
        response.reason = ''.join(words[2:])
        response.headers.update(re.findall(
            r'(?m)^([\w-]+): *(.*?)\r?$', six.ensure_str(headers, 'latin-1')))
        length = response.headers.get('Content-Length', '')
        missing = min(int(length) if re.match('[0-9]+$', length) else 0,
                      LONGEST_HEAD)
        while len(body) < missing:
            piece = self._receive_handshake(missing - len(body))
            if not piece:
                break
            body += piece
        response._content = body
        response.request = requests.Request(
            'GET', self.transport.url + self._path).prepare()
        rest.check(response, expected=())

    @property
    def _path(self):
        # type: () -> str
        return self.resource.partition('?')[0]  # the query holds secrets


def bind(transport, path, cls):
    # type: (Transport, str, Type[W]) -> W
    """Return an unconnected websocket that a transport will open.

    :param path: its path and query.
    :param cls: the class of the websocket, a client of ws4py.
    """
    bound = type(cls.__name__, (cls, Websocket), {
        'transport': transport, '__module__': cls.__module__,
        '__doc__': cls.__doc__})  # type: Any
    websocket = bound(transport.websocket_url)
    websocket.resource = path
    return websocket


class EventsClient(WebSocketBaseClient):
    """A websocket that collects events: the default of `Client.events`."""

    def __init__(self, *args, **kwargs):
        # type: (*Any, **Any) -> None
        super(EventsClient, self).__init__(*args, **kwargs)
        #: The events that came so far, each a dict.
        self.messages = []  # type: List[Dict[str, Any]]

    def handshake_ok(self):
        # type: () -> None
        """Do nothing: the caller calls `run`."""

    def received_message(self, message):
        # type: (Any) -> None
        """Append an event to ``messages``.

        :raises StreamBroken: the event is no JSON.
        """
        try:
            event = json.loads(six.ensure_text(message.data))
        except ValueError as error:
            raise exceptions.StreamBroken(
                'an event is no JSON: {}'.format(error), cause=error)
        self.messages.append(event)
