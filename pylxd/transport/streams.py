"""The websockets of a command: its input, output and error output."""
import errno
import socket
import threading

from ws4py.messaging import BinaryMessage, TextMessage

from pylxd import exceptions
from pylxd.transport import websocket
from pylxd.transport.frames import build_frame
from pylxd.transport.polling import (
    descriptor, has_passed, wait, would_block)
from pylxd.transport.stdin import DescriptorInput, cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator, List, Optional
    from pylxd.transport.connection import Transport


#: The message that ends a stream.
END = TextMessage(b'')


class StreamSocket(websocket.Websocket):
    """A non-blocking websocket of a command.

    :param path: the path and query of its URL.
    """

    def __init__(self, transport, path):
        # type: (Transport, str) -> None
        super(StreamSocket, self).__init__(transport.websocket_url)
        self.attach(transport, path)
        #: Whether the server has sent the text message that ends a stream.
        self.ended = False  # type: bool
        # Two threads must not use the TLS of a socket at the same time
        self._using_tls = threading.Lock()
        # Held by the thread that sends messages
        self._sending = threading.RLock()
        # The part of the current frame that was not sent yet
        self._unsent = memoryview(b'')
        self._is_last_frame = False

    def handshake_ok(self):
        # type: () -> None
        """Make the socket non-blocking."""
        self.sock.setblocking(False)

    def receive(self, sink):
        # type: (Callable[[bytes], Any]) -> bool
        """Receive once, and call ``sink`` with the bytes that have arrived.

        :return: False if nothing more has arrived, or the stream has ended.
        :raises StreamBroken: the connection ended before the text message
            that ends a stream, or was closed here.
        """
        self._parse(sink)
        sock = self.sock
        if self.ended:
            return False
        if sock is None:
            raise self._make_error('the connection is closed')
        try:
            with self._using_tls:
                size = self._buffer.receive(sock)
        except socket.error as error:
            if would_block(error):
                return False
            raise self._make_error(error)
        if not size:
            raise self._make_error(
                'the connection was closed before the end of the stream')
        self._parse(sink)
        return not self.ended

    def receive_next(self, sink, deadline=None):
        # type: (Callable[[bytes], Any], Optional[float]) -> bool
        """Wait until bytes arrive or the stream ends; see `receive`.

        :param deadline: the time of `clock` to wait until; None waits for
            ever.
        :return: False if nothing has arrived until then.
        """
        with self._receiving:
            received = []  # type: List[bytes]
            while not (received or self.ended):
                try:
                    more = self.receive(received.append)
                except exceptions.StreamBroken:
                    if not received:
                        raise
                    break  # the next call raises it
                if not (more or received or self.ended):
                    ready, _ = wait([self], [], deadline)
                    if not ready and has_passed(deadline):
                        return False
            for each in received:
                sink(each)
        return True

    def receive_waiting(self, sink):
        # type: (Callable[[bytes], Any]) -> bool
        """Receive once, unless another thread receives; see `receive`.

        If the connection is broken, close it: poll() would report it for
        ever.
        """
        if not self._receiving.acquire(False):
            return False
        try:
            return self.receive(sink)
        except exceptions.StreamBroken:
            self.close_connection()
            raise
        finally:
            self._receiving.release()

    @property
    def is_open(self):
        # type: () -> bool
        """Whether more may arrive."""
        return not self.ended and self.sock is not None

    def _parse(self, sink):
        # type: (Callable[[bytes], Any]) -> None
        while not self.ended:
            message = None
            if self.stream.message is None:
                message = self._buffer.pop_message()
            if message is None:
                part = self._pop_part()
                if not part:
                    return
                message = self._feed_parser(part)
            if message is not None:
                self._take(message, sink)

    def _take(self, message, sink):
        # type: (Any, Callable[[bytes], Any]) -> None
        """Handle a message: one of text ends the stream."""
        if isinstance(message, TextMessage):
            self.ended = True
        else:
            sink(message.data)

    def _answer(self, pings):
        # type: (List[Any]) -> None
        """Do nothing: servers end no stream whose pings are not answered."""

    def _feed_parser(self, part):
        # type: (bytes) -> Any
        """Parse bytes by ws4py; return the message that they complete."""
        stream = self.stream
        try:
            self.reading_buffer_size = stream.parser.send(
                part) or 1  # type: int
        except UnicodeError as error:
            raise self._make_error(error)
        if (stream.message is not None
                and len(stream.message.data) > websocket.LONGEST_FRAME):
            raise self._make_error('a message longer than {} bytes'.format(
                websocket.LONGEST_FRAME))
        if stream.errors:
            raise self._make_error(
                stream.errors[0].reason or 'a malformed frame')
        if stream.closing is not None:
            if stream.closing.code == 1000 and stream.message is None:
                self.ended = True  # the normal closure, without a text before
                return None
            raise self._make_error(
                'the server closed it before the end of the stream')
        if stream.pings:
            self._answer(stream.pings)
        del stream.pings[:], stream.pongs[:]
        if not stream.has_message:
            return None
        message, stream.message = stream.message, None
        return message

    def has_ended(self):
        # type: () -> bool
        """Return whether the server has ended or closed the stream.

        What else has arrived is dropped.
        """
        try:
            while self.receive_waiting(_drop):
                pass
        except exceptions.StreamBroken:
            self.ended = True
        return self.ended or self.sock is None

    def fileno(self):
        # type: () -> int
        """Return the descriptor of the socket; -1 if it is closed."""
        return descriptor(self.sock)

    def take_received(self):
        # type: () -> bytes
        """Return the frames that arrived together with the handshake."""
        received = self._buffer.pop_all()  # type: bytes
        return received

    def receive_bytes(self, size):
        # type: (int) -> bytes
        """Receive bytes of frames; b'' at the end of the connection.

        :raises socket.error: nothing has arrived, or the connection is lost.
        """
        sock = self.sock
        if sock is None:
            return b''
        with self._using_tls:
            data = sock.recv(size)  # type: bytes
        return data

    def send_bytes(self, data):
        # type: (Any) -> int
        """Send bytes of frames; return how many were sent.

        :raises socket.error: none could be sent, or the connection is lost.
        """
        sock = self.sock
        if sock is None:
            raise socket.error(errno.EPIPE, 'the connection is closed')
        with self._using_tls:
            size = sock.send(data)  # type: int
        return size

    def send_message(self, message, deadline=None):
        # type: (Any, Optional[float]) -> bool
        """Send a message of ws4py, after what is left of an earlier one.

        :param deadline: the time of `clock` to wait until; None waits for
            ever.
        :return: False if a part is left; `flush` sends it.
        :raises socket.error: the connection is closed.
        """
        with self._sending:
            self._unsent = memoryview(
                self._unsent.tobytes() + build_frame(message))
            return self.flush(deadline)

    def send_data(self, data, deadline=None):
        # type: (bytes, Optional[float]) -> bool
        """Send bytes as messages, none of another thread between them.

        The arguments and the result are those of `send_message`.
        """
        with self._sending:
            for piece in cut([data], 'utf-8'):
                self.send_message(BinaryMessage(piece), deadline)
            return self.flush(deadline)

    def flush(self, deadline=None):
        # type: (Optional[float]) -> bool
        """Send what is left of earlier messages; see `send_message`."""
        with self._sending:
            while self._unsent:
                try:
                    self._unsent = self._unsent[self.send_bytes(self._unsent):]
                except socket.error as error:
                    if not would_block(error):
                        self._unsent = memoryview(b'')
                        raise
                    if has_passed(deadline):
                        return False
                    wait([], [self], deadline)
        return True

    @property
    def has_unsent(self):
        # type: () -> bool
        """Whether only a part of the current frame was sent."""
        return bool(self._unsent)

    def send_pieces(self, pieces):
        # type: (Iterator[bytes]) -> bool
        """Send pieces until the socket is full; return whether any is left."""
        # poll() reports a socket as writable only when three quarters of its
        # buffer are free: one frame for each poll() would be 1.2 x slower.
        while True:
            if not self._unsent:
                self._start_frame(next(pieces, None))
            try:
                self._unsent = self._unsent[self.send_bytes(self._unsent):]
            except socket.error as error:
                # Any other error means that the command reads no more
                return would_block(error)
            if self._is_last_frame and not self._unsent:
                return False
            if isinstance(pieces, DescriptorInput):
                return True  # the next piece may block

    def _start_frame(self, piece):
        # type: (Any) -> None
        """Build the next frame; an empty text message ends the stream."""
        self._is_last_frame = piece is None
        self._unsent = memoryview(build_frame(
            END if piece is None else BinaryMessage(piece)))


def _drop(data):
    # type: (bytes) -> None
    """Drop bytes: the sink of a stream that nobody reads."""


def connect(transport, paths, factory=StreamSocket):
    # type: (Transport, List[str], Any) -> List[Any]
    """Connect websockets.

    A server starts a command when the websockets of its streams are
    connected: all handshakes are sent before the first response is read.

    :param paths: the paths and queries of the URLs of the websockets.
    :param factory: the class of the websockets.
    :raises LXDAPIException: the server refused.
    """
    sockets = [factory(transport, path) for path in paths]
    try:
        for each in sockets:
            each.send_handshake()
        for each in sockets:
            each.read_handshake()
    except BaseException:
        close(sockets)
        raise
    return sockets


def connect_in_turn(transport, paths):
    # type: (Transport, Iterable[str]) -> List[StreamSocket]
    """Connect the websockets of a migration, one after another.

    LXD 5.0.2 may crash ("close of closed channel") when two of them are
    connected at the same moment; seen once in 400 migrations.

    :param paths: the paths and queries of the URLs of the websockets.
    :raises LXDAPIException: the server refused.
    """
    sockets = []  # type: List[StreamSocket]
    try:
        for path in paths:
            sockets += connect(transport, [path])
    except BaseException:
        close(sockets)
        raise
    return sockets


def close(sockets):
    # type: (Iterable[StreamSocket]) -> None
    """Close the connections of sockets."""
    for each in sockets:
        each.close_connection()
