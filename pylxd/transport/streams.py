"""The websockets of a command: its input, output and error output."""
import contextlib
import errno
import os
import select
import socket
import ssl

from ws4py.messaging import BinaryMessage, TextMessage

from pylxd.transport import websocket
from pylxd.transport.frames import MaskedFrame
from pylxd.transport.stdin import DescriptorInput, open_input

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Tuple
    from pylxd.transport.connection import Transport


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
        # The part of the current frame that was not sent yet
        self._unsent = memoryview(b'')
        self._is_last_frame = False

    def handshake_ok(self):
        # type: () -> None
        """Make the socket non-blocking."""
        self.sock.setblocking(False)

    def receive(self, sink):
        # type: (Callable[[bytes], Any]) -> None
        """Call ``sink`` with all bytes that have arrived.

        :raises StreamBroken: the connection ended before the text message
            that ends a stream.
        """
        while True:
            self._parse(sink)
            if self.ended:
                return
            try:
                size = self._buffer.receive(self.sock)
            except socket.error as error:
                if _would_block(error):
                    return
                raise self._make_error(error)
            if not size:
                raise self._make_error(
                    'the connection was closed before the end of the stream')

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
            if isinstance(message, TextMessage):
                self.ended = True
            elif message is not None:
                sink(message.data)

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
        del stream.pings[:], stream.pongs[:]
        if not stream.has_message:
            return None
        message, stream.message = stream.message, None
        return message

    def fileno(self):
        # type: () -> int
        """Return the descriptor of the socket."""
        return self.sock.fileno()

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
                self._unsent = self._unsent[self.sock.send(self._unsent):]
            except socket.error as error:
                # Any other error means that the command reads no more
                return _would_block(error)
            if self._is_last_frame and not self._unsent:
                return False
            if isinstance(pieces, DescriptorInput):
                return True  # the next piece may block

    def _start_frame(self, piece):
        # type: (Any) -> None
        """Build the next frame; an empty text message ends the stream."""
        message = (TextMessage(b'') if piece is None
                   else BinaryMessage(piece))
        self._is_last_frame = piece is None
        self._unsent = memoryview(MaskedFrame(
            opcode=message.opcode, body=message.data,
            masking_key=os.urandom(4), fin=1).build())


def exchange(transport,  # type: Transport
             paths,  # type: List[str]
             payload,  # type: Any
             sinks,  # type: List[Callable[[bytes], Any]]
             encoding='utf-8',  # type: str
             ):
    # type: (...) -> None
    """Send a payload to the first websocket and receive from the others.

    :param paths: the paths and queries of the URLs of the websockets.
    :param payload: None, bytes, text, a file object or an iterable of bytes
        and texts.
    :param sinks: a function for each further path, called with bytes.
    :param encoding: the encoding of texts in the payload.
    :raises StreamBroken: a stream ended before its end.
    """
    sockets = [StreamSocket(transport, path) for path in paths]
    try:
        for each in sockets:
            each.send_handshake()
        # The command starts when all are connected: send all the handshakes
        # before the first response is read
        for each in sockets:
            each.read_handshake()
        with contextlib.closing(open_input(payload, encoding)) as source:
            _transfer(sockets[0], source, dict(zip(sockets[1:], sinks)))
    finally:
        for each in sockets:
            each.close_connection()


def _transfer(stdin, source, sinks):
    # type: (StreamSocket, Any, Dict[StreamSocket, Any]) -> None
    """Send and receive until each output stream has ended."""
    sending = True
    # Bytes that arrived with the handshakes are in the buffers, so poll()
    # would not report them
    readable, writable = list(sinks), []  # type: List[Any], List[Any]
    while sinks:
        if writable or source in readable:
            sending = stdin.send_pieces(source)
        for each in readable:
            if each is not source:
                each.receive(sinks[each])
                if each.ended:
                    del sinks[each]
        readers = list(sinks)  # type: List[Any]
        writers = [stdin] if sending else []
        if sending and isinstance(
                source, DescriptorInput) and not (
                    stdin.has_unsent or source.buffered):
            readers, writers = readers + [source], []
        if sinks:
            readable, writable = _wait(readers, writers)


def _wait(readers, writers):
    # type: (List[Any], List[Any]) -> Tuple[List[Any], List[Any]]
    """Wait until a socket can be read or written; return both lists."""
    try:
        if not hasattr(select, 'poll'):  # Windows
            return select.select(readers, writers, [])[:2]
        poll = select.poll()
        for each in readers:
            poll.register(each, select.POLLIN)
        for each in writers:
            poll.register(each, select.POLLOUT)
        ready = {descriptor for descriptor, _ in poll.poll()}
    except select.error as error:  # a signal, on Python 2
        if error.args[0] != errno.EINTR:
            raise
        return [], []
    return ([each for each in readers if each.fileno() in ready],
            [each for each in writers if each.fileno() in ready])


def _would_block(error):
    # type: (socket.error) -> bool
    return isinstance(error, (
        ssl.SSLWantReadError, ssl.SSLWantWriteError)) or error.errno in (
            errno.EAGAIN, errno.EWOULDBLOCK)
