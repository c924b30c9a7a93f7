"""Websockets over the transport's sockets, and the events they bring."""
import codecs
import errno
import json
import re
import socket
import ssl
import types

import requests
import six
from ws4py import streaming
from ws4py.client import WebSocketBaseClient
from ws4py.exc import HandshakeError
from ws4py.messaging import TextMessage

from pylxd import exceptions
from pylxd.transport import rest
from pylxd.transport.pools import BLOCK, clock
from pylxd.transport.connection import log_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple, Type
    from pylxd.transport.connection import Transport

#: The longest answer to a handshake that is read.
LONGEST_HEAD = 64 * 1024
#: The longest frame that is taken from a server, which sends far less.
LONGEST_FRAME = 64 * 1024 * 1024


class Validator(object):
    """Says whether text is UTF-8; ws4py's own takes 24 us for an event."""

    def __init__(self):
        # type: () -> None
        self._decoder = codecs.getincrementaldecoder('utf-8')()
        self.reset = self._decoder.reset

    def validate(self, data):
        # type: (bytearray) -> Tuple[bool, bool, int, int]
        """Whether it is right so far, and whether no character is torn."""
        try:
            self._decoder.decode(data)
        except UnicodeDecodeError:
            return False, False, 0, 0
        return True, not self._decoder.getstate()[0], 0, 0


class Text(TextMessage):
    """Text that is there; ws4py's is not so before its first character, and
    cannot tell where that is torn over two frames."""

    def __bool__(self):
        # type: () -> bool
        return True

    __nonzero__ = __bool__


class Stream(streaming.Stream):
    """ws4py's parser with our parts in it."""

    receiver = types.FunctionType(
        six.get_unbound_function(streaming.Stream.receiver).__code__,
        dict(vars(streaming), Utf8Validator=Validator, TextMessage=Text))


class Wire(WebSocketBaseClient):
    """ws4py's client over a socket that the transport has opened.

    Thus a websocket is reached, encrypted and verified exactly as HTTP is.
    """

    transport = None  # type: Any
    sock = None  # type: Any
    _used = 0  # so much of ``buf`` has been parsed
    _until = None  # type: Any # when the handshake must have ended

    @property
    def handshake_headers(self):
        # type: () -> List[Any]
        # Incus 7 refuses the Origin that ws4py makes up
        return [(name, self.transport.connector.netloc if name == 'Host' else value)
                for name, value in super(Wire, self).handshake_headers
                if name.lower() != 'origin']

    def connect(self):
        # type: () -> None
        """Connect and shake hands.

        :raises ClientConnectionFailed: the server was not reached.
        :raises LXDAPIException: it refused.
        """
        try:
            self.ask()
            self.agree()
        except BaseException:
            self.close_connection()
            raise

    def close_connection(self):
        # type: () -> None
        """Close it; ws4py does not where the server has done it before."""
        sock, self.sock = self.sock, None
        if sock is not None:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except (OSError, socket.error):
                pass
            sock.close()

    def ask(self):
        # type: () -> None
        """The first half: connect and send the request."""
        if self.sock is not None:
            self.sock.close()  # ws4py made one of its own
        self.sock = self.transport.connect()
        self.stream = Stream(always_mask=True, expect_masking=False)
        self._is_secure = isinstance(self.sock, ssl.SSLSocket)
        timeout = self.transport.connector.timeout[1]
        self._until = timeout and clock() + timeout
        with self.transport.errors():
            self.sock.sendall(self.handshake_request)

    def agree(self):
        # type: () -> None
        """The second half: read the answer.

        What the server sent right behind it waits in ``buf``.
        """
        with self.transport.errors(), log_request('GET', self._place) as outcome:
            answer = b''
            while b'\r\n\r\n' not in answer and len(answer) < LONGEST_HEAD:
                piece = self._hear(4096)
                if not piece:
                    break
                answer += piece
            head, end, rest = answer.partition(b'\r\n\r\n')
            status, _, headers = head.partition(b'\r\n')
            code = status.split(b' ')[1:2]
            outcome += [six.ensure_str(each, 'latin-1') for each in code]
            if not end or code != [b'101']:
                self._refuse(status, headers, rest)
        try:
            self.protocols, self.extensions = self.process_handshake_header(
                headers)
            if b'sec-websocket-accept:' not in headers.lower():
                raise HandshakeError('nothing is accepted')
        except (HandshakeError, ValueError) as error:
            raise exceptions.ClientConnectionFailed(
                '{}: websocket {}: {}'.format(
                    self.transport.endpoint, self._place, error), cause=error)
        self.sock.settimeout(None)
        self.buf = bytearray(rest)
        self.handshake_ok()

    def _hear(self, size):
        # type: (int) -> bytes
        """Some of the answer, which has one timeout for the whole."""
        if self._until:
            self.sock.settimeout(max(self._until - clock(), 0.001))
        return self.sock.recv(size)

    def once(self):
        # type: () -> bool
        """Receive and handle what comes; False at the end.

        ws4py's own asks the socket for each part of a frame.
        """
        return self._handle() and self._receive() and self._handle()

    def _handle(self):
        # type: () -> bool
        while self.sock is not None:
            part = self._take()
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
                break  # it went before it was answered
        return False

    def _take(self):
        # type: () -> bytes
        """Just as much as ws4py's parser asks for, which drops what follows
        the end of a frame; nothing if it has not come yet."""
        size = self.reading_buffer_size
        if size > LONGEST_FRAME:
            raise self._broken('a frame of {} bytes'.format(size))
        if len(self.buf) - self._used < size:
            del self.buf[:self._used]
            self._used = 0
            return b''
        self._used += size
        return bytes(self.buf[self._used - size:self._used])

    def _receive(self):
        # type: () -> bool
        try:
            piece = self.sock.recv(BLOCK)
            if self._is_secure:  # what select() knows nothing of
                piece += self._get_from_pending()
        except socket.error as error:
            if error.errno == errno.EINTR:  # on Python 2
                return True
            self.unhandled_error(error)
            return False
        self.buf += piece
        return bool(piece)

    def _broken(self, reason):
        # type: (Any) -> exceptions.StreamBroken
        return exceptions.StreamBroken('{}: websocket {}: {}'.format(
            self.transport.endpoint, self._place, exceptions.printable(reason)
        ), cause=reason if isinstance(reason, Exception) else None)

    def _refuse(self, status, headers, body):
        # type: (bytes, bytes, bytes) -> None
        """Raise what an answer other than 101 says."""
        words = six.ensure_text(status, 'latin-1').split(' ', 2)
        if len(words) < 2 or not words[1].isdigit():
            raise exceptions.ClientConnectionFailed(
                '{}: websocket {}: not answered with HTTP'.format(
                    self.transport.endpoint, self._place))
        response = requests.Response()
        response.status_code = int(words[1])
        response.reason = ''.join(words[2:])
        response.headers.update(re.findall(
            r'(?m)^([\w-]+): *(.*?)\r?$', six.ensure_str(headers, 'latin-1')))
        length = response.headers.get('Content-Length', '')
        missing = min(int(length) if re.match('[0-9]+$', length) else 0,
                      LONGEST_HEAD)
        while len(body) < missing:
            piece = self._hear(missing - len(body))
            if not piece:
                break
            body += piece
        response._content = body
        response.request = requests.Request(
            'GET', self.transport.url + self._place).prepare()
        rest.check(response, expected=())

    @property
    def _place(self):
        # type: () -> str
        return self.resource.partition('?')[0]  # the query holds secrets


def bind(transport, path, cls):
    # type: (Transport, str, Type[WebSocketBaseClient]) -> Any
    """An unconnected ``cls``, any client of ws4py, that connects as we do."""
    bound = type(cls.__name__, (cls, Wire), {
        'transport': transport, '__module__': cls.__module__,
        '__doc__': cls.__doc__})
    websocket = bound(transport.websocket_url)
    websocket.resource = path
    return websocket


class EventsClient(WebSocketBaseClient):
    """Collects events: the default of `Client.events`."""

    def __init__(self, *args, **kwargs):
        # type: (*Any, **Any) -> None
        super(EventsClient, self).__init__(*args, **kwargs)
        #: What came so far, each event as a dict.
        self.messages = []  # type: List[Dict[str, Any]]

    def handshake_ok(self):
        # type: () -> None
        """Nothing: `run` is the caller's to call."""

    def received_message(self, message):
        # type: (Any) -> None
        """Append one event to ``messages``."""
        try:
            event = json.loads(six.ensure_text(message.data))
        except ValueError as error:
            raise exceptions.StreamBroken(
                'an event is no JSON: {}'.format(error), cause=error)
        self.messages.append(event)
