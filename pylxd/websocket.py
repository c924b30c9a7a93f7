"""What flows over websockets: events, and the streams of exec."""
import codecs
import contextlib
import errno
import io
import json
import os
import re
import select
import socket
import ssl
import stat
import threading
import types

import requests
import six
from ws4py import framing, streaming
from ws4py.client import WebSocketBaseClient
from ws4py.exc import HandshakeError
from ws4py.messaging import BinaryMessage, TextMessage

from pylxd import api, exceptions
from pylxd.transport import BLOCK, clock, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Callable, Dict, Iterator, List, Optional, Tuple, Type)
    from pylxd.transport import Transport

#: The longest answer to a handshake that is read.
LONGEST_HEAD = 64 * 1024
#: The longest frame that is taken from a server, which sends far less.
LONGEST_FRAME = 64 * 1024 * 1024
#: Bytes in a frame that is sent; larger ones make LXD slower.
FRAME = 64 * 1024
#: What reads from a descriptor, with nothing between.
FILES = (io.FileIO,) + ((
    six.moves.builtins.file,) if six.PY2 else ())  # type: Any


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


class Stream(streaming.Stream):
    """ws4py's parser with our validator in it."""

    receiver = types.FunctionType(
        six.get_unbound_function(streaming.Stream.receiver).__code__,
        dict(vars(streaming), Utf8Validator=Validator))


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
        return [(name, self.transport.netloc if name == 'Host' else value)
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
        timeout = self.transport.timeout[1]
        self._until = timeout and clock() + timeout
        with self.transport.errors():
            self.sock.sendall(self.handshake_request)

    def agree(self):
        # type: () -> None
        """The second half: read the answer.

        What the server sent right behind it waits in ``buf``.
        """
        with self.transport.errors(), told('GET', self._place) as outcome:
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

    def _refuse(self, status, headers, rest):
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
        while len(rest) < missing:
            piece = self._hear(missing - len(rest))
            if not piece:
                break
            rest += piece
        response._content = rest
        response.request = requests.Request(
            'GET', self.transport.url + self._place).prepare()
        api.check(response, expected=())

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


class Channel(Wire):
    """One of the websockets of exec; `pump` drives them together."""

    def __init__(self, transport, path):
        # type: (Transport, str) -> None
        self.transport = transport
        super(Channel, self).__init__(transport.websocket_url)
        self.resource = path
        self.ended = False
        self._frame = memoryview(b'')  # what is not sent yet of a frame

    def handshake_ok(self):
        # type: () -> None
        """Nothing blocks from here on."""
        self.sock.setblocking(False)

    def receive(self, sink):
        # type: (Callable[[bytes], Any]) -> None
        """Hand what has come to ``sink``.

        :raises StreamBroken: the connection ended without the text message
            by which the server ends a stream.
        """
        while True:
            self._parse(sink)
            if self.ended:
                return
            try:
                piece = self.sock.recv(BLOCK)
            except socket.error as error:
                if _would_block(error):
                    return
                raise self._broken(error)
            if not piece:
                raise self._broken('the connection was closed')
            self.buf += piece

    def _parse(self, sink):
        # type: (Callable[[bytes], Any]) -> None
        stream = self.stream
        while not self.ended:
            part = self._take()
            if not part:
                return
            try:
                self.reading_buffer_size = stream.parser.send(part) or 1
            except UnicodeError as error:
                raise self._broken(error)
            if (stream.message is not None
                    and len(stream.message.data) > LONGEST_FRAME):
                raise self._broken('a message without an end')
            if stream.errors:
                raise self._broken(
                    stream.errors[0].reason or 'a malformed frame')
            if stream.closing is not None:
                raise self._broken('the server closed it')
            if stream.has_message:
                message, stream.message = stream.message, None
                if isinstance(message, TextMessage):
                    self.ended = True  # only the end of a stream is text
                else:
                    sink(message.data)
            del stream.pings[:], stream.pongs[:]

    def fileno(self):
        # type: () -> int
        """What can be waited for."""
        return self.sock.fileno()

    @property
    def pending(self):
        # type: () -> bool
        """Whether a frame is sent in part."""
        return bool(self._frame)

    def send_some(self, pieces):
        # type: (Iterator[bytes]) -> bool
        """Send as much as goes; whether there is more to send."""
        # Until the socket is full: it says that it takes more only when
        # three quarters are free, so a frame at a time is 1.2 x slower.
        while True:
            if not self._frame:
                piece = next(pieces, None)
                message = (BinaryMessage(piece) if piece is not None
                           else TextMessage(b''))
                self._last = piece is None
                self._frame = memoryview(Frame(
                    opcode=message.opcode, body=message.data,
                    masking_key=os.urandom(4), fin=1).build())
            try:
                self._frame = self._frame[self.sock.send(self._frame):]
            except socket.error as error:
                return _would_block(error)  # or the command reads no more
            if self._last and not self._frame:
                return False
            if isinstance(pieces, Incoming):
                return True  # the next may have to be waited for


class Frame(framing.Frame):
    """ws4py's frame, masked at 600 MB/s instead of 12."""

    _tables = {}  # type: Dict[int, bytes]

    def mask(self, data):
        # type: (bytes) -> bytearray
        """Every fourth byte goes through one table."""
        masked = bytearray(len(data))
        for place, key in enumerate(bytearray(self.masking_key)):
            table = self._tables.get(key)
            if table is None:
                table = self._tables[key] = bytes(bytearray(
                    byte ^ key for byte in range(256)))
            masked[place::4] = data[place::4].translate(table)
        return masked


def exchange(transport, paths, payload, sinks):
    # type: (Transport, List[str], Any, List[Callable[[bytes], Any]]) -> None
    """Send ``payload`` to the first websocket, hand out what the rest bring.

    :param payload: None, bytes, text, a file object or an iterable of them.
    :param sinks: a function for each further path, called with bytes.
    :raises StreamBroken: one ended before its end.
    """
    channels = [Channel(transport, path) for path in paths]
    try:
        for channel in channels:
            channel.ask()
        # The command starts when all are there, so none waits for another.
        for channel in channels:
            channel.agree()
        with contextlib.closing(pieces(payload)) as source:
            _pump(channels[0], source, dict(zip(channels[1:], sinks)))
    finally:
        for channel in channels:
            channel.close_connection()


def _pump(stdin, payload, sinks):
    # type: (Channel, Any, Dict[Channel, Any]) -> None
    sending = True
    # What came with the handshakes is no longer in the sockets
    readable, writable = list(sinks), []  # type: List[Any], List[Any]
    while sinks:
        if writable or payload in readable:
            sending = stdin.send_some(payload)
        for channel in readable:
            if channel is not payload:
                channel.receive(sinks[channel])
                if channel.ended:
                    del sinks[channel]
        readers = list(sinks)  # type: List[Any]
        writers = [stdin] if sending else []
        if sending and isinstance(payload, Incoming) and not stdin.pending:
            readers, writers = readers + [payload], []
        if sinks:
            readable, writable = _wait(readers, writers)


def _wait(readers, writers):
    # type: (List[Any], List[Any]) -> Tuple[List[Any], List[Any]]
    """Those that can be read and written without blocking."""
    if not hasattr(select, 'poll'):  # Windows
        return select.select(readers, writers, [])[:2]
    poll = select.poll()
    for channel in readers:
        poll.register(channel, select.POLLIN)
    for channel in writers:
        poll.register(channel, select.POLLOUT)
    try:
        ready = {descriptor for descriptor, _ in poll.poll()}
    except select.error as error:  # a signal, on Python 2
        if error.args[0] != errno.EINTR:
            raise
        return [], []
    return ([channel for channel in readers if channel.fileno() in ready],
            [channel for channel in writers if channel.fileno() in ready])


class Incoming(six.Iterator):
    """What comes from a descriptor that can be waited for."""

    def __init__(self, descriptor):
        # type: (int) -> None
        self._descriptor = descriptor

    def fileno(self):
        # type: () -> int
        """What can be waited for."""
        return self._descriptor

    def __iter__(self):
        # type: () -> Incoming
        return self

    def __next__(self):
        # type: () -> bytes
        piece = os.read(self._descriptor, FRAME)
        if not piece:
            raise StopIteration
        return piece

    def close(self):
        # type: () -> None
        """Nothing: it is the caller's."""


class Fed(Incoming):
    """What another thread reads, as reading it may block."""

    def __init__(self, items):
        # type: (Any) -> None
        ours, theirs = os.pipe()
        super(Fed, self).__init__(ours)
        self._error = None  # type: Optional[BaseException]
        thread = threading.Thread(target=self._feed, args=(items, theirs))
        thread.daemon = True  # nobody can end what blocks in it
        thread.start()

    def _feed(self, items, descriptor):
        # type: (Any, int) -> None
        try:
            for item in items:
                os.write(descriptor, item)
        except BaseException as error:
            self._error = error  # that nobody takes more too
        finally:
            os.close(descriptor)

    def __next__(self):
        # type: () -> bytes
        try:
            return super(Fed, self).__next__()
        except StopIteration:
            if self._error is not None:
                raise self._error
            raise

    def close(self):
        # type: () -> None
        """Take no more."""
        os.close(self._descriptor)


def pieces(payload):
    # type: (Any) -> Any
    """``payload`` as bytes, at most `FRAME` at a time.

    A pipe or terminal is read by its descriptor, as `subprocess` does; what
    else may block is read by another thread, so that output goes on
    meanwhile.

    :raises TypeError: it is nothing that can be sent.
    """
    if payload is None:
        payload = ()
    elif isinstance(payload, (bytes, bytearray, six.text_type)):
        payload = payload,
    elif hasattr(payload, 'read'):
        file = payload
        payload = iter(lambda: file.read(FRAME) or None, None)
        inner = getattr(file, 'buffer', file)  # of text
        inner = getattr(inner, 'raw', inner)
        if isinstance(inner, FILES):
            if stat.S_ISREG(os.fstat(inner.fileno()).st_mode):
                return _cut(payload)
            return Incoming(inner.fileno())
        if isinstance(file, (io.BytesIO, io.StringIO)):
            return _cut(payload)
    if isinstance(payload, (tuple, list)):
        return _cut(payload)
    return Fed(_cut(iter(payload)))


def _cut(items):
    # type: (Any) -> Iterator[bytes]
    for item in items:
        if isinstance(item, six.text_type):
            item = item.encode('utf-8')
        if not isinstance(item, (bytes, bytearray)):
            raise TypeError('bytes or text can be sent, not {!r}'.format(item))
        for start in range(0, len(item), FRAME):
            yield bytes(item[start:start + FRAME])


def _would_block(error):
    # type: (socket.error) -> bool
    return isinstance(error, (
        ssl.SSLWantReadError, ssl.SSLWantWriteError)) or error.errno in (
            errno.EAGAIN, errno.EWOULDBLOCK)
