"""Commands in instances, in the manner of `subprocess.Popen`."""
import contextlib
import functools

from pylxd import exceptions
from pylxd.models.execution import ExecuteResult, Output, exit_code
from pylxd.models.running import (
    KILL_TIME, KILLED, REST_TIME, RunningCommand, make_timeout)
from pylxd.transport.pools import clock
from pylxd.transport.stdin import open_input
from pylxd.transport.stream_files import (
    InputFile, OutputFile, OutputSource, TextInputFile, TextOutputFile)
from pylxd.transport.transfer import Transfer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, AnyStr, Generic, IO, List, Optional, Tuple)
    from pylxd.models.execution import Payload
    from pylxd.transport.streams import StreamSocket

    class _Of(Generic[AnyStr]):
        pass
else:
    AnyStr, _Of = None, {None: object}


class Process(RunningCommand, _Of[AnyStr]):
    """A command that runs in an instance, from ``instance.popen``.

    The names and their meaning are those of `subprocess.Popen`. Leaving a
    ``with`` block closes ``stdin``; it waits for the command if its output
    was read to the end, and kills it otherwise. A command whose object is
    dropped is killed as well.
    """

    def __init__(self,
                 client,  # type: Any
                 operation,  # type: Any
                 args,  # type: List[str]
                 instance,  # type: str
                 timeout=None,  # type: Optional[float]
                 text=False,  # type: bool
                 encoding='utf-8',  # type: str
                 errors='strict',  # type: str
                 ):
        # type: (...) -> None
        super(Process, self).__init__(
            client, operation, args, instance, timeout)
        self._text = text
        self._encoding, self._errors = encoding, errors
        # No bound method of this object, which would keep the command alive
        # until a garbage collection
        make = functools.partial(make_timeout, operation, self._title, timeout)
        pipe = InputFile(self._sockets['0'], self._deadline, make)
        self._sources = [
            OutputSource(self._sockets[name], self._deadline, make)
            for name in '12']
        #: The input of the command: a file to write to.
        self.stdin = pipe  # type: IO[AnyStr]  # type: ignore[assignment]
        if text:
            self.stdin = TextInputFile(  # type: ignore[assignment]
                pipe, encoding, errors)
        out, err = [TextOutputFile(each, encoding, errors) if text
                    else OutputFile(each)
                    for each in self._sources]  # type: Any, Any
        #: The output of the command: a file to read from.
        self.stdout = out  # type: IO[AnyStr]
        #: The errors that the command prints: a file to read from.
        self.stderr = err  # type: IO[AnyStr]
        self._transfer = None  # type: Optional[Transfer]
        self._outputs = []  # type: List[Output]
        self._read_before = [u'', u''] if text else [b'', b'']  # type: Any
        self._dropping = False
        # Whether a thread is in communicate(), which receives all output
        self._is_transferring = False

    def communicate(self, input=None, timeout=None):
        # type: (Payload, Optional[float]) -> Tuple[AnyStr, AnyStr]
        """Send the input, receive all output, and wait for the end.

        :param input: what `Executable.execute` takes as ``stdin_payload``;
            texts are encoded as ``popen`` was told.
        :param timeout: seconds to wait at most; None waits for ever.
        :return: ``(stdout, stderr)``: text, or bytes without ``text=True``.
        :raises CommandTimeout: the command has not ended in that time, and
            goes on. Its ``stdout`` and ``stderr`` are the output so far.
            Call `communicate` again for the rest: nothing is lost.
        :raises StreamBroken: a connection was lost.
        """
        deadline, timeout = self._limit(
            None if timeout is None else clock() + timeout, timeout)
        with self._looking:
            if self._transfer is None:
                self._transfer = self._begin_transfer(input)
            elif input is not None:
                raise ValueError(
                    'the input was given to the first communicate()')
            for source, output in zip(self._sources, self._outputs):
                output.write(source.pop_kept())  # by wait() since then
            self._is_transferring = True
        try:
            try:
                done = self._transfer.run(deadline)
            finally:
                self._is_transferring = False
            if not done:
                raise make_timeout(self._operation, self._title, timeout)
            self._transfer.close()
            self._wait_until(deadline, timeout)
        except exceptions.CommandTimeout as error:
            error.stdout, error.stderr = self._read_outputs('replace')
            raise
        return self._read_outputs(self._errors)

    def _begin_transfer(self, input):
        # type: (Payload) -> Transfer
        files = self.stdout, self.stderr
        self._outputs = [Output(None, None) for _ in files]
        sinks = {}
        for source, file, output, number in zip(
                self._sources, files, self._outputs, (0, 1)):
            source.paused = True  # read what the file has buffered
            self._read_before[number] = file.read()
            source.paused = False
            output.write(source.pop_kept())
            if not source.sock.ended:
                sinks[source.sock] = output.write
        return Transfer(
            self._sockets['0'], open_input(input, self._encoding), sinks)

    def _read_outputs(self, errors):
        # type: (str) -> Tuple[Any, Any]
        out, err = [before + self._decode(output.close(), errors)
                    for before, output in zip(
                        self._read_before, self._outputs)]
        return out, err

    def _decode(self, data, errors):
        # type: (bytes, str) -> Any
        if not self._text:
            return data
        text = data.decode(self._encoding, errors)
        return text.replace(u'\r\n', u'\n').replace(u'\r', u'\n')

    def __exit__(self, *exc_info):
        # type: (*Any) -> None
        """Wait for the end of the command, or kill it; see the class."""
        try:
            if (exc_info[0] is None
                    and any(each.is_exhausted for each in self._sources)
                    and not self._operation.failure_was_raised):
                self._dropping = True
                self.stdin.close()
                self.wait()
        finally:
            self.close()

    def close(self):
        # type: () -> None
        """Kill the command if it still runs, and close its files."""
        try:
            super(Process, self).close()
        finally:
            for file in self.stdin, self.stdout, self.stderr:
                file.close()

    def _disconnect(self):
        # type: () -> None
        super(Process, self)._disconnect()
        transfer = getattr(self, '_transfer', None)
        if transfer is not None:
            transfer.close()

    @property
    def _must_drain(self):
        # type: () -> bool
        return not self._is_transferring and (
            self._ended_at is not None or self._dropping)

    def _unread(self):
        # type: () -> List[StreamSocket]
        return [each.sock for each in self._sources if each.is_open]

    def _drain(self):
        # type: () -> None
        for each in self._sources:
            each.dropping = self._dropping
            each.keep()


class Execution(RunningCommand):
    """A command that runs in an instance, from ``instance.execute``."""

    is_watched = False

    def run(self, payload, outputs, encoding):
        # type: (Payload, List[Output], str) -> ExecuteResult[Any]
        """Send the input, and receive the output and the exit code.

        :param payload: the input of the command.
        :param outputs: the receivers of its output and of its errors.
        :param encoding: the encoding of texts in the input.
        :raises CommandTimeout: the timeout has passed; the command was
            killed.
        :raises OperationFailed: the server could not run the command.
        :raises StreamBroken: a connection was lost before the command ended.
        """
        with contextlib.closing(open_input(payload, encoding)) as source:
            transfer = Transfer(self._sockets['0'], source, {
                self._sockets[name]: output.write
                for name, output in zip('12', outputs)})
            try:
                done = transfer.run(self._deadline)
            except exceptions.StreamBroken as broken:
                self._raise_failure()
                raise broken
            if not done:
                error = self._stop(transfer)
                error.stdout, error.stderr = [
                    each.close('replace') for each in outputs]
                raise error
        self._operation.wait()
        self.returncode = exit_code(self._operation)
        return ExecuteResult(
            self.returncode, *[each.close() for each in outputs])

    def _raise_failure(self):
        # type: () -> None
        """Raise the error of the operation if it has failed.

        It says more than that a stream was lost.
        """
        try:
            self._operation.wait(timeout=1)
        except exceptions.OperationFailed:
            raise
        except exceptions.LXDException:
            pass  # the server is lost, or has forgotten the operation

    def _stop(self, transfer):
        # type: (Transfer) -> exceptions.CommandTimeout
        """Kill the command, and receive the rest of its output.

        :return: the exception to raise.
        """
        transfer.stop_sending()
        control = self._control
        if control is not None and control.has_ended():
            return make_timeout(
                self._operation, 'the output of ' + self._title,
                self._timeout, ': the command has ended, but a process that '
                'it has started keeps its output open')
        if control is not None and self.can_signal:
            self.kill()
            transfer.run(clock() + KILL_TIME, until=control)
            transfer.run(clock() + REST_TIME)
            self.returncode = KILLED  # close() need not kill it again
        return make_timeout(self._operation, self._title, self._timeout,
                            ', and was killed')
