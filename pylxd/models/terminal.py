"""Commands on a terminal, and consoles, for programs."""
import socket

import six
from ws4py.messaging import CloseControlMessage

from pylxd import exceptions
from pylxd.models.running import SIGHUP, RunningCommand
from pylxd.transport import streams
from pylxd.transport.pools import clock
from pylxd.transport.stream_files import MOST_KEPT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Optional, Text, Union

#: Seconds that a command may take to end after its terminal has hung up.
HANGUP_TIME = 1


class Terminal(RunningCommand):
    """A command on a terminal, from ``instance.terminal``.

    Leaving a ``with`` block hangs up: the command ends.
    """

    def __init__(self, *args, **kwargs):
        # type: (*Any, **Any) -> None
        # What was received and not read yet
        self._received = bytearray()
        super(Terminal, self).__init__(*args, **kwargs)

    def close(self):
        # type: () -> None
        """Hang up: send SIGHUP, and kill the command if it goes on."""
        if self._must_end and self.can_signal:
            self.send_signal(SIGHUP)
            self._wait_for_control(HANGUP_TIME)
        super(Terminal, self).close()

    def _unread(self):
        # type: () -> List[streams.StreamSocket]
        return [self._stream] if self._stream.is_open and len(
            self._received) < MOST_KEPT else []

    def _drain(self):
        # type: () -> None
        for sock in self._unread():
            sock.receive_waiting(self._received.extend)
        self._answer_end()

    def _answer_end(self):
        # type: () -> None
        """Close the stream that has ended, for which the server waits."""
        if self._stream.ended:
            self._stream.close_connection()

    @property
    def _stream(self):
        # type: () -> streams.StreamSocket
        return self._sockets['0']

    def send(self, data):
        # type: (Union[bytes, Text]) -> None
        """Type something.

        :param data: bytes, or text, which is sent as UTF-8. The Enter key is
            ``\\r``, Ctrl-C is ``\\x03``.
        :raises StreamBroken: the command has ended, or the connection is
            lost.
        """
        self._send(data, None)

    def send_some(self, data=b''):
        # type: (Union[bytes, Text]) -> bool
        """Type something, without waiting; see `send`.

        :return: False if a part has to wait: call `send_some` again when
            `fileno` can be written.
        """
        return self._send(data, clock())

    def _send(self, data, deadline):
        # type: (Union[bytes, Text], Optional[float]) -> bool
        data = six.ensure_binary(data)
        try:
            return self._stream.send_data(data, deadline)
        except socket.error as error:
            raise exceptions.StreamBroken(
                'the terminal of {} takes nothing more: {}'.format(
                    self._title, exceptions.printable(error)), cause=error)

    def read(self, size=65536, timeout=None):
        # type: (int, Optional[float]) -> bytes
        """Return what has come on the terminal, waiting for the first byte.

        :param size: the most bytes to return.
        :param timeout: seconds to wait at most; None waits for ever.
        :return: bytes; ``b''`` after the end of the command.
        :raises ValueError: ``size`` is not above 0.
        :raises OperationTimeout: nothing has come in that time.
        :raises StreamBroken: the connection was lost.
        """
        if size < 1:
            raise ValueError('size must be above 0, not {}'.format(size))
        if not self._received:
            if not self._stream.receive_next(
                    self._received.extend,
                    None if timeout is None else clock() + timeout):
                raise exceptions.OperationTimeout(
                    'nothing came on the terminal of {} within {} s'.format(
                        self._title, timeout), operation=self._operation)
            self._answer_end()
        data = bytes(self._received[:size])
        del self._received[:len(data)]
        return data

    def __iter__(self):
        # type: () -> Iterator[bytes]
        return iter(self.read, b'')

    def resize(self, width, height):
        # type: (int, int) -> None
        """Set the size of the terminal.

        :param width: the columns.
        :param height: the lines.
        """
        self._send_control({'command': 'window-resize', 'args': {
            'width': str(int(width)), 'height': str(int(height))}})

    def signal(self, number):
        # type: (int) -> None
        """Send a signal to the command; see `send_signal`."""
        self.send_signal(number)

    def fileno(self):
        # type: () -> int
        """Return a descriptor that can be read when `read` may have data.

        After each event, call ``read(timeout=0)`` until it raises
        `OperationTimeout`: what has been received already does not show.
        """
        return self._stream.fileno()


class ConsoleTerminal(Terminal):
    """The console of an instance, from ``instance.console``.

    Leaving a ``with`` block ends the connection; the instance goes on.
    """

    def close(self):
        # type: () -> None
        """End the connection to the console."""
        control = self._control
        try:
            if (self._must_end and control is not None
                    and not control.ended):
                # Or the server refuses the next client for a while
                control.send_message(CloseControlMessage(1000), clock())
                self._wait_for_control(HANGUP_TIME)
        except socket.error:
            pass  # the server has closed it
        finally:
            self._disconnect()

    def _watch_end(self):
        # type: () -> None
        """Do nothing: the end of the stream is that of the console."""

    def _look(self):
        # type: () -> None
        self._drain()
        if self._stream.ended:
            self.returncode = 0

    @property
    def _must_drain(self):
        # type: () -> bool
        return True
