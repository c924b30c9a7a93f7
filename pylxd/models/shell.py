"""The terminal of this program as that of a command in an instance."""
import contextlib
import errno
import os
import signal
import struct
import sys

from pylxd import exceptions
from pylxd.transport import polling
from pylxd.transport.pools import clock

try:
    import fcntl
    import termios
    import tty
except ImportError:  # on Windows
    termios = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Optional, Tuple
    from pylxd.models.terminal import Terminal

#: The signals that end a program without a word, by their usual handler.
ENDING = ('SIGHUP', 'SIGQUIT', 'SIGTERM')


class LocalTerminal(object):
    """The terminal that is the standard input and output of this program.

    :raises ValueError: they are no terminal.
    """

    def __init__(self):
        # type: () -> None
        if termios is None:
            raise ValueError('shell() needs a terminal of Unix: use '
                             'terminal(), popen() or execute()')
        self._input, self._output = [
            _find_descriptor(name) for name in ('stdin', 'stdout')]
        if not (os.isatty(self._input) and os.isatty(self._output)):
            raise ValueError('shell() needs a terminal as standard input and '
                             'output: use terminal(), popen() or execute()')

    @property
    def size(self):
        # type: () -> Tuple[int, int]
        """The width and the height."""
        answer = fcntl.ioctl(self._output, termios.TIOCGWINSZ, b'\0' * 8)
        height, width, _, _ = struct.unpack('HHHH', answer)
        return width or 80, height or 24

    def attach(self, terminal):
        # type: (Terminal) -> None
        """Pass on what is typed and printed, until the command has ended.

        :raises StreamBroken: the connection was lost.
        """
        with self._raw_mode(), _wake_by_resize() as resized:
            if resized is not None:
                terminal.resize(*self.size)  # it may have changed meanwhile
            self._pass_on(terminal, resized)

    def _pass_on(self, terminal, resized):
        # type: (Terminal, Optional[_Descriptor]) -> None
        keyboard = _Descriptor(self._input)
        is_typing = all_sent = True
        remote, deadline = [], None  # type: List[Any], Optional[float]
        while True:
            # One piece at a time: Ctrl-C must stop an endless output
            try:
                data = terminal.read(timeout=0)
                if not data:
                    return
                self._write(data)
                remote, deadline = [], clock()  # there may be more
            except exceptions.OperationTimeout:
                remote, deadline = [terminal], None
            readers = list(remote)
            if resized is not None:
                readers.append(resized)
            if is_typing and all_sent:
                readers.append(keyboard)
            ready, writable = polling.wait(
                readers, [] if all_sent else remote, deadline)
            if resized is not None and resized in ready:
                resized.read()
                terminal.resize(*self.size)
            try:
                if keyboard in ready:
                    data = keyboard.read()
                    if not data:  # the terminal of this program is gone
                        terminal.close()
                        return
                    all_sent = terminal.send_some(data)
                elif writable:
                    all_sent = terminal.send_some()
            except exceptions.StreamBroken:
                # The command has ended: its last output follows. If the
                # connection is lost, reading raises.
                is_typing, all_sent = False, True

    def _write(self, data):
        # type: (bytes) -> None
        while data:
            try:
                data = data[os.write(self._output, data):]
            except OSError as error:
                if error.errno == errno.EAGAIN:
                    polling.wait([], [_Descriptor(self._output)])
                elif error.errno != errno.EINTR:
                    raise

    @contextlib.contextmanager
    def _raw_mode(self):
        # type: () -> Iterator[None]
        """Send each key at once and unchanged within a block."""
        before = termios.tcgetattr(self._input)

        def restore():
            # type: () -> None
            try:
                # TCSADRAIN would wait for output, which may be stopped
                termios.tcsetattr(self._input, termios.TCSANOW, before)
            except termios.error:
                pass  # the terminal is gone

        def restore_and_end(number, frame):
            # type: (int, Any) -> None
            restore()
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

        with _handle_signals(ENDING, restore_and_end):
            try:
                # TCSAFLUSH would drop what was typed until now
                tty.setraw(self._input, termios.TCSANOW)
                yield
            finally:
                restore()


class _Descriptor(object):
    """A descriptor, for `polling.wait`."""

    def __init__(self, descriptor):
        # type: (int) -> None
        self._descriptor = descriptor

    def fileno(self):
        # type: () -> int
        return self._descriptor

    def read(self):
        # type: () -> bytes
        try:
            return os.read(self._descriptor, 65536)
        except OSError as error:  # a terminal that is gone
            if error.errno != errno.EIO:
                raise
            return b''


def _find_descriptor(name):
    # type: (str) -> int
    """Return the descriptor of a standard file; -1 if it has none."""
    try:
        return int(getattr(sys, name).fileno())
    except (AttributeError, EnvironmentError, ValueError):
        return -1


@contextlib.contextmanager
def _handle_signals(names, handler):
    # type: (Any, Any) -> Iterator[None]
    """Handle signals in a block, where the program does not handle them.

    Only the main thread can: in another one, nothing is changed.
    """
    before = {}
    try:
        for name in names:
            number = getattr(signal, name)
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, handler)
    except ValueError:
        pass  # not the main thread
    try:
        yield
    finally:
        for number, each in before.items():
            signal.signal(number, each)


@contextlib.contextmanager
def _wake_by_resize():
    # type: () -> Iterator[Optional[_Descriptor]]
    """Provide a descriptor that can be read after each change of the size."""
    reader, writer = os.pipe()
    try:
        for each in reader, writer:
            flags = fcntl.fcntl(each, fcntl.F_GETFL)
            fcntl.fcntl(each, fcntl.F_SETFL, flags | os.O_NONBLOCK)

        def wake(number, frame):
            # type: (int, Any) -> None
            try:
                os.write(writer, b'.')
            except OSError as error:
                if error.errno != errno.EAGAIN:
                    raise

        with _handle_signals(['SIGWINCH'], wake):
            yield _Descriptor(reader)
    finally:
        os.close(reader)
        os.close(writer)
