"""The streams of a command: what goes into it, and what comes out."""
import contextlib
import errno
import io
import os
import select
import socket
import ssl
import stat
import threading

import six
from ws4py import framing
from ws4py.messaging import BinaryMessage, TextMessage

from pylxd.transport import websocket
from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
    from pylxd.transport.connection import Transport

#: Bytes in a frame that is sent; larger ones make LXD slower.
FRAME = 64 * 1024
#: What reads from a descriptor, with nothing between.
FILES = (io.FileIO,) + ((
    six.moves.builtins.file,) if six.PY2 else ())  # type: Any


class Channel(websocket.Wire):
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
                    and len(stream.message.data) > websocket.LONGEST_FRAME):
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
