"""The streams of a command as files."""
import errno
import io
import socket

import six

from pylxd import exceptions
from pylxd.transport.polling import has_passed
from pylxd.transport.stdin import PIECE
from pylxd.transport.streams import END

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional
    from pylxd.transport.streams import StreamSocket

#: The most bytes of output that are kept for a reader, once the command has
#: ended.
MOST_KEPT = 1024 * 1024


class OutputSource(io.RawIOBase):
    """The bytes of an output stream, received as they are read.

    At the deadline it seems to end, so that the files above return what they
    have; they raise `CommandTimeout` then, with that.

    :param sock: the socket of the stream.
    :param deadline: the time of `clock` after which nothing is read; None
        waits for ever.
    :param make_timeout: a function that returns the exception to raise.
    """

    def __init__(self, sock, deadline, make_timeout):
        # type: (StreamSocket, Optional[float], Callable[[], Any]) -> None
        self.sock = sock  # type: StreamSocket
        self.make_timeout = make_timeout  # type: Callable[[], Any]
        #: Whether the deadline has ended a read.
        self.timed_out = False  # type: bool
        #: The bytes that were received and not read yet.
        self.kept = bytearray()  # type: bytearray
        #: Whether what is received is dropped, since nobody will read it.
        self.dropping = False  # type: bool
        #: Whether a read returns what is here, as if the stream had ended.
        self.paused = False  # type: bool
        self._deadline = deadline

    def readable(self):
        # type: () -> bool
        """Return True."""
        return True

    def readinto(self, buffer):
        # type: (Any) -> int
        """Read bytes; return their number, 0 at the end."""
        if self.paused:
            return 0
        if has_passed(self._deadline) or not (
                self.kept or self.sock.receive_next(
                    self.kept.extend, self._deadline)):
            self.timed_out = True
            return 0
        size = min(len(buffer), len(self.kept))
        buffer[:size] = self.kept[:size]
        del self.kept[:size]
        return size

    @property
    def is_exhausted(self):
        # type: () -> bool
        """Whether all output of the command was read."""
        return self.sock.ended and not self.kept

    @property
    def is_open(self):
        # type: () -> bool
        """Whether `keep` may receive more."""
        return self.sock.is_open and len(self.kept) < MOST_KEPT

    def pop_kept(self):
        # type: () -> bytes
        """Remove and return what was received and not read yet."""
        data = bytes(self.kept)
        del self.kept[:len(data)]
        return data

    def keep(self):
        # type: () -> None
        """Receive what has arrived, for a later read."""
        while self.is_open and self.sock.receive_waiting(self.kept.extend):
            if self.dropping:
                del self.kept[:]


class _OutputFile(object):
    """The methods of a file that may raise `CommandTimeout`."""

    _source = None  # type: Any

    def _check(self, method, *args):
        # type: (Any, *Any) -> Any
        """Call a method that reads; raise its result at the deadline."""
        try:
            result = method(*args)
        except UnicodeDecodeError as error:
            # The deadline may have cut a character
            if not self._source.timed_out:
                raise
            result = error.object
        if self._source.timed_out:
            timeout = self._source.make_timeout()
            if isinstance(result, (bytes, six.text_type)):
                timeout.stdout = result
            raise timeout
        return result

    def read(self, size=-1):
        # type: (Optional[int]) -> Any
        """Read until so much has come or the stream ends."""
        base = super(_OutputFile, self)  # type: Any
        return self._check(base.read, -1 if size is None else size)

    def readline(self, size=-1):
        # type: (Optional[int]) -> Any
        """Read a line; the last one may lack the newline."""
        base = super(_OutputFile, self)  # type: Any
        return self._check(base.readline, -1 if size is None else size)


class OutputFile(_OutputFile, io.BufferedReader):
    """An output stream as a binary file.

    :param source: the bytes of the stream.
    """

    def __init__(self, source):
        # type: (OutputSource) -> None
        super(OutputFile, self).__init__(source, PIECE)
        self._source = source

    def read1(self, size=-1):
        # type: (int) -> bytes
        """Read what has come, at least a byte."""
        # Python before 3.7 wants a size
        size = PIECE if size is None or size < 0 else size
        result = self._check(super(OutputFile, self).read1, size)
        return bytes(result)

    def readinto(self, buffer):
        # type: (Any) -> int
        """Read bytes into a buffer; return their number."""
        return int(self._check(super(OutputFile, self).readinto, buffer))


class TextOutputFile(_OutputFile, io.TextIOWrapper):
    """An output stream as a text file; each end of a line is ``\\n``.

    :param source: the bytes of the stream.
    :param encoding: the encoding of the text.
    :param errors: what happens to bytes that are no text, as for `open`.
    """

    def __init__(self, source, encoding, errors):
        # type: (OutputSource, str, str) -> None
        super(TextOutputFile, self).__init__(
            io.BufferedReader(source, PIECE), encoding, errors)
        self._source = source


class InputFile(io.RawIOBase):
    """The input of a command as a binary file without a buffer.

    :param sock: the socket of the stream.
    :param deadline: the time of `clock` after which nothing is written; None
        waits for ever.
    :param make_timeout: a function that returns the exception to raise.
    """

    def __init__(self, sock, deadline, make_timeout):
        # type: (StreamSocket, Optional[float], Callable[[], Any]) -> None
        self._sock, self._deadline = sock, deadline
        self._make_timeout = make_timeout

    def writable(self):
        # type: () -> bool
        """Return True."""
        return True

    def write(self, data):
        # type: (Any) -> int
        """Send bytes to the command, all of them.

        :raises BrokenPipeError: the command has ended (an IOError with
            `errno.EPIPE` on Python 2).
        """
        if self.closed:
            raise ValueError('write to closed file')
        if isinstance(data, six.text_type):
            raise TypeError('bytes are required; popen(text=True) takes text')
        data = memoryview(data).tobytes()
        self._send(self._sock.send_data, data)
        return len(data)

    def close(self):
        # type: () -> None
        """End the input: the command reads its end."""
        if not self.closed:
            try:
                self._send(self._sock.send_message, END)
            except EnvironmentError as error:
                if error.errno != errno.EPIPE:
                    raise
            finally:
                super(InputFile, self).close()

    def _send(self, send, data):
        # type: (Callable[..., bool], Any) -> None
        try:
            if not send(data, self._deadline):
                raise self._make_timeout()
        except socket.error as error:
            raise IOError(
                errno.EPIPE, 'the command reads no more input: {}'.format(
                    exceptions.printable(error)))


class TextInputFile(io.TextIOWrapper):
    """The input of a command as a text file; each write is sent at once.

    :param file: the binary file.
    :param encoding: the encoding of the text.
    :param errors: what happens to text without such bytes, as for `open`.
    """

    def __init__(self, file, encoding, errors):
        # type: (InputFile, str, str) -> None
        super(TextInputFile, self).__init__(
            file, encoding, errors, newline='\n')  # type: ignore[arg-type]

    def write(self, text):
        # type: (Any) -> int
        """Send text to the command."""
        size = super(TextInputFile, self).write(text)
        self.flush()
        return size
