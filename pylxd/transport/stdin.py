"""The input of a command: bytes, files and iterables as pieces to send."""
import codecs
import errno
import io
import os
import socket
import stat
import threading

import six

try:
    import fcntl
except ImportError:  # on Windows, where only sockets can be polled
    fcntl = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Iterator, List, Optional

#: Bytes of a piece, which is sent as one frame; LXD is slower with more.
PIECE = 64 * 1024


class DescriptorInput(six.Iterator):
    """Iterates over the data of a descriptor, such as a pipe, by polling.

    :param descriptor: the descriptor.
    :param buffered: the pieces that a file object has read from it already.
    """

    def __init__(self, descriptor, buffered=()):
        # type: (int, Iterable[bytes]) -> None
        self._descriptor = descriptor
        #: The pieces that can be sent without polling.
        self.buffered = list(buffered)  # type: List[bytes]

    def fileno(self):
        # type: () -> int
        """Return the descriptor."""
        return self._descriptor

    def __iter__(self):
        # type: () -> DescriptorInput
        return self

    def __next__(self):
        # type: () -> bytes
        piece = self.buffered.pop(0) if self.buffered else self._read()
        if not piece:
            raise StopIteration
        return piece

    def _read(self):
        # type: () -> bytes
        return _retry(os.read, self._descriptor, PIECE)

    def close(self):
        # type: () -> None
        """Do nothing: the caller owns the descriptor."""


class ThreadedInput(DescriptorInput):
    """Iterates in a thread over another iterator, which may block.

    The thread sends the items over a pair of sockets, which can be polled.
    Under gevent, a greenlet that writes into a full pipe blocks the process
    for ever; a greenlet that waits for a socket lets the others run.
    """

    def __init__(self, items):
        # type: (Iterable[bytes]) -> None
        self._reader, writer = socket.socketpair()
        super(ThreadedInput, self).__init__(self._reader.fileno())
        self._error = None  # type: Optional[BaseException]
        thread = threading.Thread(target=self._send, args=(items, writer))
        thread.daemon = True  # nothing can interrupt an iterator that blocks
        thread.start()

    def _send(self, items, writer):
        # type: (Iterable[bytes], socket.socket) -> None
        try:
            for item in items:
                writer.sendall(item)
        except BaseException as error:
            self._error = error  # also that the reader has closed its socket
        finally:
            writer.close()

    def _read(self):
        # type: () -> bytes
        piece = _retry(self._reader.recv, PIECE)
        if not piece and self._error is not None:
            raise self._error
        return piece

    def close(self):
        # type: () -> None
        """Close the socket, which ends the thread at its next piece."""
        self._reader.close()


def _retry(read, *arguments):
    # type: (Callable[..., bytes], *Any) -> bytes
    """Call a function, on Python 2 again if a signal interrupts it."""
    while True:
        try:
            return read(*arguments)
        except EnvironmentError as error:
            if error.errno != errno.EINTR:
                raise


def open_input(payload, encoding='utf-8'):
    # type: (Any, str) -> Any
    """Return an iterator of the bytes of a payload, `PIECE` at most each.

    A pipe or terminal is read by its descriptor, after what the file object
    has buffered. On Windows a thread reads them, and everywhere any other
    source that may block, so that output of the command goes on meanwhile.
    The iterator has a method ``close``.

    :param payload: None, bytes, text, a file object, or an iterable of
        bytes and texts.
    :param encoding: the encoding of texts.
    :raises TypeError: the payload is of another type.
    """
    if payload is None:
        payload = ()
    elif isinstance(payload, (bytes, bytearray, six.text_type)):
        payload = payload,
    elif hasattr(payload, 'read'):
        file = payload
        payload = iter(lambda: file.read(PIECE) or None, None)
        if isinstance(file, (io.BytesIO, io.StringIO)):
            return cut(payload, encoding)
        if _reads_a_descriptor(file):
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return cut(payload, encoding)
            if fcntl is not None and _has_encoding(file, encoding):
                return DescriptorInput(
                    file.fileno(), cut(_take_buffered(file), encoding))
            if not isinstance(file, io.FileIO):  # read() waits for more
                read = getattr(file, 'read1', file.readline)
                payload = iter(lambda: read(PIECE) or None, None)
        if isinstance(file, io.TextIOBase):
            payload = iter(file.readline, u'')  # as above
    if isinstance(payload, (tuple, list)):
        return cut(payload, encoding)
    return ThreadedInput(cut(iter(payload), encoding))


def _reads_a_descriptor(file):
    # type: (Any) -> bool
    """Return whether a file object and its descriptor give the same data."""
    inner = getattr(file, 'buffer', file)  # of a text file
    return isinstance(getattr(inner, 'raw', inner), io.FileIO) or (
        six.PY2 and isinstance(file, six.moves.builtins.file))


def _has_encoding(file, encoding):
    # type: (Any, str) -> bool
    """Return whether the bytes of a file are its text in an encoding."""
    return not isinstance(file, io.TextIOBase) or (
        codecs.lookup(file.encoding or 'utf-8') == codecs.lookup(encoding))


def _take_buffered(file):
    # type: (Any) -> List[Any]
    """Return what a file object has read ahead: bytes, or text.

    No method of files tells how much that is, and each may wait for more.
    So the descriptor does not block for this moment.
    """
    if isinstance(file, io.FileIO):
        return []
    is_text = isinstance(file, io.TextIOBase)
    # read1() is missing in files of Python 2, whose read() returns early.
    # read() of a text file loses text before a character that is incomplete.
    read, size = getattr(file, 'read1', file.read), 1 if is_text else PIECE
    descriptor = file.fileno()
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    pieces, incomplete = [], b''  # type: List[Any], bytes
    try:
        piece = read(size)
        while piece:
            pieces.append(piece)
            piece = read(size)
    except UnicodeDecodeError as error:
        incomplete = error.object
    except IOError as error:  # a file of Python 2 has read nothing ahead
        if error.errno != errno.EAGAIN:
            raise
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags)
    return [(u'' if is_text else b'').join(pieces), incomplete]


def cut(items, encoding):
    # type: (Any, str) -> Iterator[bytes]
    """Yield the bytes of some items, `PIECE` at most at a time."""
    for item in items:
        if isinstance(item, six.text_type):
            item = item.encode(encoding)
        if not isinstance(item, (bytes, bytearray)):
            raise TypeError(
                'stdin must be bytes or text, not {!r}'.format(item))
        for start in range(0, len(item), PIECE):
            yield bytes(item[start:start + PIECE])
