"""A command that runs in an instance: its websockets, signals and end."""
import json
import os
import socket
import threading

from ws4py.messaging import TextMessage

from pylxd import exceptions
from pylxd.models.execution import exit_code
from pylxd.transport import polling, rest, streams
from pylxd.transport.pending import PendingRequest
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple, TypeVar
    from pylxd.core.context import Context
    from pylxd.core.operation import Operation
    R = TypeVar('R', bound='RunningCommand')

#: The numbers of signals; Windows does not have all of their names.
SIGHUP, SIGKILL, SIGTERM = 1, 9, 15
#: The exit code of a command that SIGKILL has ended.
KILLED = 128 + SIGKILL
#: Seconds that the server may take to end a command that is killed.
KILL_TIME = 5
#: Seconds that the rest of the output may take after a command was killed.
#: A process that it has left behind can keep the output open for ever.
REST_TIME = 0.2
#: Seconds after the end of a command within which Incus ends its operation,
#: even if processes that it has left behind keep its output open.
LEFT_BEHIND_TIME = 2


class RunningCommand(object):
    """A command in an instance: the base of processes and terminals.

    The command ends with its connections: when this object is closed or
    collected, or when the program ends in whatever way, the server kills it.

    :param client: the `Client` of the instance.
    :param operation: the operation of the command, with the secrets of its
        websockets.
    :param args: the command and its arguments, for messages.
    :param instance: the name of the instance, for messages.
    :param timeout: seconds from now until each wait raises `CommandTimeout`;
        None waits for ever.
    :raises LXDAPIException: the server refused a websocket.
    """

    #: Whether to connect the control socket and to ask for the exit code at
    #: once. `execute` without a timeout needs neither before it kills or the
    #: command ends.
    is_watched = True

    def __init__(self, client, operation, args, instance, timeout=None):
        # type: (Context, Operation, List[str], str, Optional[float]) -> None
        #: The command and its arguments.
        self.args = args  # type: List[str]
        #: The exit code of the command; None until it is known.
        self.returncode = None  # type: Optional[int]
        self._client, self._operation = client, operation
        self._title = '{!r} in {}'.format(
            exceptions.printable(args[0]), exceptions.printable(instance))
        self._timeout = timeout
        self._deadline = None if timeout is None else clock() + timeout
        self._pending = None  # type: Optional[PendingRequest]
        self._process_id = os.getpid()
        # Held by the thread that looks for the end, and never while it waits
        self._looking = threading.RLock()
        self._killed = False
        self._ended_at = None  # type: Optional[float]
        self._sockets = {}  # type: Dict[str, streams.StreamSocket]
        try:
            # The control socket first: the command starts when the others
            # are connected, and may end before another is
            if self.is_watched or timeout is not None:
                self._connect_control()
            self._connect('0', '1', '2')
            if self.is_watched:
                self._watch_end()
        except BaseException:
            self._disconnect()
            raise

    def __repr__(self):
        # type: () -> str
        # Without the arguments, which may hold secrets
        return '<{}: {}>'.format(type(self).__name__, self._title)

    def __enter__(self):
        # type: (R) -> R
        return self

    def __exit__(self, *exc_info):
        # type: (*Any) -> None
        self.close()

    def __del__(self):
        # type: () -> None
        # Without a request: the server kills the command
        self._disconnect()

    def _connect(self, *names):
        # type: (*str) -> None
        secrets = self._operation.metadata['fds']
        names = tuple(name for name in names if name in secrets)
        self._sockets.update(zip(names, streams.connect(
            self._client.transport,
            [self._operation.websocket_path(secrets[name])
             for name in names])))

    def _connect_control(self):
        # type: () -> None
        try:
            self._connect('control')
        except exceptions.LXDAPIException:
            pass  # the command has ended: the server refuses

    @property
    def _control(self):
        # type: () -> Optional[streams.StreamSocket]
        return self._sockets.get('control')

    def _watch_end(self):
        # type: () -> None
        """Ask the server to report the end of the command.

        It forgets the exit code five seconds after the end.
        """
        self._pending = PendingRequest(
            self._client.transport, self._operation.path + '/wait')

    def poll(self):
        # type: () -> Optional[int]
        """Return the exit code of the command; None as long as it runs.

        :raises OperationFailed: the server could not run the command.
        """
        try:
            return self._wait_until(clock())
        except exceptions.CommandTimeout:
            return None

    def wait(self, timeout=None):
        # type: (Optional[float]) -> int
        """Wait for the end of the command.

        :param timeout: seconds to wait at most; None waits for ever.
        :return: the exit code; 128 and the number of the signal if a signal
            has ended the command.
        :raises CommandTimeout: the command has not ended in that time, and
            goes on.
        :raises OperationFailed: the server could not run the command.

        Endpoint: ``GET /1.0/operations/ID/wait``.
        """
        deadline = None if timeout is None else clock() + timeout
        return self._wait_until(deadline, timeout)

    def _limit(self, deadline, timeout):
        # type: (Any, Optional[float]) -> Tuple[Any, Optional[float]]
        """Return a deadline and its seconds, or those of the whole command.

        The earlier of the two holds.
        """
        if self._deadline is not None and (
                deadline is None or self._deadline < deadline):
            return self._deadline, self._timeout
        return deadline, timeout

    def _wait_until(self, deadline, timeout=None):
        # type: (Optional[float], Optional[float]) -> int
        deadline, timeout = self._limit(deadline, timeout)
        while self.returncode is None:
            with self._looking:
                if self.returncode is None:
                    self._look()
            if self.returncode is not None:
                break
            if polling.has_passed(deadline):
                raise make_timeout(self._operation, self._title, timeout)
            self._sleep(deadline)
        return self.returncode

    def _look(self):
        # type: () -> None
        """Set the exit code if it is known now."""
        assert self._pending is not None
        try:
            response = self._pending.receive()
        except exceptions.ClientConnectionFailed:
            # A proxy may have closed it
            self._pending.close()
            self._operation.sync()
            self._watch_end()
            response = None
        if response is not None:
            self._load_end(response)
        if self._operation.ended:
            self.returncode = exit_code(self._operation)
            return
        control = self._control
        if self._ended_at is None and control is not None and (
                control.has_ended()):
            self._ended_at = clock()
        if self._must_drain:
            try:
                self._drain()
            except exceptions.StreamBroken:
                pass  # reading raises; the server tells the exit code still
        if (self._killed and self._ended_at is not None
                and clock() > self._ended_at + LEFT_BEHIND_TIME):
            self.returncode = KILLED

    @property
    def _must_drain(self):
        # type: () -> bool
        """Whether to receive output that nobody reads.

        After the end of a command, the server ends its operation when the
        rest of the output is received.
        """
        return self._ended_at is not None

    def _load_end(self, response):
        # type: (Any) -> None
        def wait():
            # type: () -> Any
            rest.check_response(response, expected=(200,), is_api=False)
            return response
        self._operation.load_end(wait)
        self._operation.wait()  # raises the failure

    def _sleep(self, deadline):
        # type: (Optional[float]) -> None
        """Wait until there may be something new about the command."""
        readers = []  # type: List[Any]
        if self._pending is not None:
            readers.append(self._pending)
        if self._ended_at is None and self._control is not None:
            readers.append(self._control)
        if self._must_drain:
            readers += self._unread()
        if self._killed and self._ended_at is not None:
            end = self._ended_at + LEFT_BEHIND_TIME
            deadline = end if deadline is None else min(end, deadline)
        polling.wait(readers, [], deadline)

    def _unread(self):
        # type: () -> List[streams.StreamSocket]
        """Return the sockets whose output `_drain` would receive."""
        return []

    def _drain(self):
        # type: () -> None
        """Receive output that has arrived, and that nobody reads now."""

    def _send_control(self, document):
        # type: (Dict[str, Any]) -> bool
        """Send an order to the control socket.

        :return: False if the command has ended.
        """
        control = self._control
        if control is None or control.ended:
            return False
        try:
            return control.send_message(
                TextMessage(json.dumps(document)), clock() + KILL_TIME)
        except socket.error:
            return False

    @property
    def can_signal(self):
        # type: () -> bool
        """Whether the server sends signals to commands."""
        return self._client.dialect.has('container_exec_signal_handling')

    def send_signal(self, signal):
        # type: (int) -> None
        """Send a signal to the command.

        Do nothing if the command has ended. Processes that it has started
        receive nothing.

        :param signal: the number of the signal.
        :raises LXDAPIExtensionNotAvailable: the server sends no signals.

        Needs ``container_exec_signal_handling``.
        """
        self._client.dialect.need('container_exec_signal_handling')
        if self.returncode is None:
            self._send_control({'command': 'signal', 'signal': int(signal)})

    def terminate(self):
        # type: () -> None
        """Ask the command to end: send SIGTERM; see `send_signal`."""
        self.send_signal(SIGTERM)

    def kill(self):
        # type: () -> None
        """Kill the command: send SIGKILL; see `send_signal`."""
        self._killed = True
        self.send_signal(SIGKILL)

    def _kill_and_wait(self):
        # type: () -> None
        """Kill the command, and wait until it is gone."""
        if 'control' not in self._sockets:
            self._connect_control()
        control = self._control
        if control is None or not self.can_signal:
            self._disconnect()  # the server kills it
            return
        if not control.has_ended():
            self.kill()
            self._wait_for_control(KILL_TIME)
        if self._pending is not None:
            try:
                self._wait_until(clock() + (
                    REST_TIME if self._killed else LEFT_BEHIND_TIME))
            except exceptions.CommandTimeout:
                # LXD 5.0.2 tells no exit code as long as a process that the
                # command has left behind keeps its output open
                if self._killed:
                    self.returncode = KILLED

    def _wait_for_control(self, seconds):
        # type: (float) -> None
        """Wait until the command has ended, or some seconds have passed."""
        control, deadline = self._control, clock() + seconds
        while control is not None and not control.has_ended() and (
                not polling.has_passed(deadline)):
            polling.wait([control], [], deadline)

    @property
    def _must_end(self):
        # type: () -> bool
        """Whether the command is not known to have ended, and is ours."""
        return (self.returncode is None and not self._operation.ended
                and self._process_id == os.getpid())

    def close(self):
        # type: () -> None
        """End the command if it still runs, and close its connections.

        A forked process leaves the command to the process that started it.
        """
        try:
            if self._must_end:
                self._kill_and_wait()
        except (exceptions.ClientConnectionFailed, exceptions.NotFound):
            pass  # the server is lost, or has restarted
        finally:
            self._disconnect()

    def _disconnect(self):
        # type: () -> None
        pending = getattr(self, '_pending', None)
        if pending is not None:
            pending.close()
        streams.close(getattr(self, '_sockets', {}).values())


def make_timeout(operation, title, timeout, outcome=''):
    # type: (Operation, str, Optional[float], str) -> exceptions.CommandTimeout
    """Return the exception for a command that takes too long.

    :param title: what the message calls the command.
    :param timeout: the seconds that have passed.
    :param outcome: what has happened to the command.
    """
    return exceptions.CommandTimeout('{} did not end within {} s{}'.format(
        title, timeout, outcome), operation=operation)
