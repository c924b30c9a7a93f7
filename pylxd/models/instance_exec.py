"""Commands in instances."""
import os

import six

from pylxd import exceptions
from pylxd.core.model import Model
from pylxd.core.operation import Operation
from pylxd.models import execution
from pylxd.models.execution import ExecuteResult
from pylxd.models.instance_log import InstanceLog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Dict, List, Literal, Optional, overload, Text, Tuple)
    from pylxd.models.execution import (
        Commands, Environment, Handler, Payload, TextHandler)
    from pylxd.models.process import Process
    from pylxd.models.terminal import Terminal

#: The login shell of root, as ``lxc shell`` starts it.
LOGIN_SHELL = ('su', '-l')


class Executable(Model):
    """A model that runs commands."""

    if TYPE_CHECKING:
        name = ''  # type: str

    if TYPE_CHECKING:
        @overload
        def execute(self,
                    commands,  # type: Commands
                    environment=None,  # type: Environment
                    encoding=None,  # type: Optional[str]
                    decode=True,  # type: Literal[True]
                    stdin_payload=None,  # type: Payload
                    stdin_encoding='utf-8',  # type: str
                    stdout_handler=None,  # type: Optional[TextHandler]
                    stderr_handler=None,  # type: Optional[TextHandler]
                    user=None,  # type: Optional[int]
                    group=None,  # type: Optional[int]
                    cwd=None,  # type: Optional[str]
                    errors='replace',  # type: str
                    timeout=None,  # type: Optional[float]
                    check=False,  # type: bool
                    record_output=False,  # type: bool
                    ):
            # type: (...) -> ExecuteResult[Text]
            pass

        @overload
        def execute(self,
                    commands,  # type: Commands
                    environment=None,  # type: Environment
                    encoding=None,  # type: Optional[str]
                    decode=False,  # type: bool
                    stdin_payload=None,  # type: Payload
                    stdin_encoding='utf-8',  # type: str
                    stdout_handler=None,  # type: Handler
                    stderr_handler=None,  # type: Handler
                    user=None,  # type: Optional[int]
                    group=None,  # type: Optional[int]
                    cwd=None,  # type: Optional[str]
                    errors='replace',  # type: str
                    timeout=None,  # type: Optional[float]
                    check=False,  # type: bool
                    record_output=False,  # type: bool
                    ):
            # type: (...) -> ExecuteResult[Any]
            pass

    def execute(self,
                commands,  # type: Commands
                environment=None,  # type: Environment
                encoding=None,  # type: Optional[str]
                decode=True,  # type: bool
                stdin_payload=None,  # type: Payload
                stdin_encoding='utf-8',  # type: str
                stdout_handler=None,  # type: Handler
                stderr_handler=None,  # type: Handler
                user=None,  # type: Optional[int]
                group=None,  # type: Optional[int]
                cwd=None,  # type: Optional[str]
                errors='replace',  # type: str
                timeout=None,  # type: Optional[float]
                check=False,  # type: bool
                record_output=False,  # type: bool
                ):
        # type: (...) -> ExecuteResult[Any]
        """Run a command and wait for its end.

        If the call ends early, by ``timeout``, by Ctrl-C or by an exception
        in a handler, the command is killed. What it has started in the
        background may live on.

        :param commands: a list of the command and its arguments.
        :param environment: the environment variables of the command.
        :param encoding: the encoding of the output, UTF-8 by default.
        :param decode: return text; otherwise bytes.
        :param stdin_payload: the input of the command: bytes, text, a file
            object, or an iterable of bytes or text. Output is received
            meanwhile, even if reading the input blocks.
        :param stdin_encoding: the encoding of what is text in
            ``stdin_payload``.
        :param stdout_handler: a function that is called with each piece of
            output as it arrives; ``stdout`` of the result is then empty.
        :param stderr_handler: the same for ``stderr``.
        :param user: the number of the user to run as.
        :param group: the number of the group to run as.
        :param cwd: the directory to run in.
        :param errors: what happens to bytes that cannot be decoded, as for
            `open`.
        :param timeout: seconds that the command may take; None waits for
            ever.
        :param check: raise `CommandFailed` for another exit code than 0.
        :param record_output: let the server write the output to log files
            of the instance, from which it is read. The command gets no
            input, neither handlers nor a ``timeout`` are possible, and it
            goes on if this call is interrupted.
        :return: ``(stdout, stderr)``, with ``.exit_code``, ``.stdout`` and
            ``.stderr``, and ``.logs`` if the output was recorded: the paths
            of the files.
        :raises TypeError: ``commands`` is a single text, or an item of it or
            of ``environment`` is no text, or ``timeout`` is no number.
        :raises ValueError: ``commands`` is empty, or ``record_output`` is
            combined with what the server cannot do then.
        :raises CommandTimeout: the command took longer than ``timeout``, and
            was killed. The exception has the output until then.
        :raises CommandFailed: ``check`` is true, and the exit code is not 0.
            The exception has the exit code and the output.
        :raises LXDAPIException: the server refused, as when the instance is
            stopped.
        :raises StreamBroken: a connection was lost before the command ended.

        Endpoint: ``POST .../exec`` and its websockets; ``user``, ``group``
        and ``cwd`` need ``container_exec_user_group_cwd``,
        ``record_output`` needs ``container_exec_recording``.
        """
        timeout = execution.check_timeout(timeout)
        request = execution.make_request(
            self.client.dialect, commands, environment, user, group, cwd)
        outputs = [
            execution.Output(
                handler, (encoding or 'utf-8') if decode else None, errors)
            for handler in (stdout_handler, stderr_handler)]
        if record_output:
            for name, value in (
                    ('stdin_payload', stdin_payload), ('timeout', timeout),
                    ('stdout_handler', stdout_handler),
                    ('stderr_handler', stderr_handler)):
                if value is not None:
                    raise ValueError(
                        'no server allows {} together with record_output'
                        .format(name))
            result = self._execute_recorded(request, outputs)
        else:
            if isinstance(stdin_payload, six.text_type):
                # What cannot be encoded is refused before the command starts
                stdin_payload = stdin_payload.encode(stdin_encoding)
            from pylxd.models import process  # a third of import time
            with process.Execution(*self._start_command(request),
                                   timeout=timeout) as running:
                result = running.run(stdin_payload, outputs, stdin_encoding)
        if check and result.exit_code:
            raise execution.make_failure(
                request['command'][0], self.name, result)
        return result

    def _execute_recorded(self, request, outputs):
        # type: (Dict[str, Any], List[execution.Output]) -> ExecuteResult[Any]
        self.client.dialect.need('container_exec_recording')
        request.update({'wait-for-websocket': False, 'record-output': True})
        response = self.ensure_ready()['exec'].post(json=request)
        operation = Operation.from_response(self.client, response)
        if operation is None:
            raise exceptions.InvalidResponse(response)
        self.operation = operation
        operation.wait()
        instance = self  # type: Any
        exit_code = execution.exit_code(operation)
        logs = [operation.metadata.get('output', {}).get(fd) for fd in '12']
        for path, output in zip(logs, outputs):
            if not isinstance(path, six.string_types):
                raise exceptions.InvalidResponse(
                    response, reason='the command has no recorded output')
            segments = path.partition('?')[0].partition('/logs/')[2]
            output.write(
                InstanceLog(instance, *segments.split('/')).read())
        result = ExecuteResult(
            exit_code, *[each.close() for each in outputs])
        result.logs = tuple(logs)
        return result

    if TYPE_CHECKING:
        @overload
        def popen(self,
                  commands,  # type: Commands
                  environment=None,  # type: Environment
                  user=None,  # type: Optional[int]
                  group=None,  # type: Optional[int]
                  cwd=None,  # type: Optional[str]
                  text=False,  # type: Literal[False]
                  encoding='utf-8',  # type: str
                  errors='strict',  # type: str
                  timeout=None,  # type: Optional[float]
                  ):
            # type: (...) -> Process[bytes]
            pass

        @overload
        def popen(self,
                  commands,  # type: Commands
                  environment=None,  # type: Environment
                  user=None,  # type: Optional[int]
                  group=None,  # type: Optional[int]
                  cwd=None,  # type: Optional[str]
                  text=True,  # type: bool
                  encoding='utf-8',  # type: str
                  errors='strict',  # type: str
                  timeout=None,  # type: Optional[float]
                  ):
            # type: (...) -> Process[Text]
            pass

    def popen(self,
              commands,  # type: Commands
              environment=None,  # type: Environment
              user=None,  # type: Optional[int]
              group=None,  # type: Optional[int]
              cwd=None,  # type: Optional[str]
              text=False,  # type: bool
              encoding='utf-8',  # type: str
              errors='strict',  # type: str
              timeout=None,  # type: Optional[float]
              ):
        # type: (...) -> Process[Any]
        """Start a command, in the manner of `subprocess.Popen`.

        The first five arguments are those of `execute`.

        :param text: whether the files of the command are text files.
        :param encoding: the encoding of text files.
        :param errors: what happens to bytes that cannot be decoded, as for
            `open`.
        :param timeout: seconds from now until reading, writing and waiting
            raise `CommandTimeout`; None is never.
        :return: the running command, with its files ``stdin``, ``stdout``
            and ``stderr``. Use it in a ``with`` block.
        :raises TypeError: as for `execute`.
        :raises LXDAPIException: the server refused.

        Endpoint: ``POST .../exec`` and its websockets.
        """
        timeout = execution.check_timeout(timeout)
        request = execution.make_request(
            self.client.dialect, commands, environment, user, group, cwd)
        from pylxd.models import process
        return process.Process(
            *self._start_command(request), timeout=timeout, text=text,
            encoding=encoding, errors=errors)

    def terminal(self,
                 commands=None,  # type: Optional[Commands]
                 width=80,  # type: int
                 height=24,  # type: int
                 environment=None,  # type: Environment
                 user=None,  # type: Optional[int]
                 group=None,  # type: Optional[int]
                 cwd=None,  # type: Optional[str]
                 ):
        # type: (...) -> Terminal
        """Start a command on a terminal, for a program to work with.

        :param commands: a list of the command and its arguments; None is the
            login shell of root.
        :param width: the columns of the terminal.
        :param height: the lines of the terminal.
        :param environment: the environment variables of the command;
            ``TERM`` is ``xterm`` by default.
        :param user: the number of the user to run as.
        :param group: the number of the group to run as.
        :param cwd: the directory to run in.
        :return: the terminal. Use it in a ``with`` block.
        :raises TypeError: as for `execute`.
        :raises LXDAPIException: the server refused.

        Endpoint: ``POST .../exec`` and its websockets.
        """
        request = execution.make_request(
            self.client.dialect, LOGIN_SHELL if commands is None else commands,
            dict({'TERM': 'xterm'}, **(environment or {})), user, group, cwd,
            interactive=True)
        request.update(width=int(width), height=int(height))
        from pylxd.models import terminal
        return terminal.Terminal(*self._start_command(request))

    def shell(self, commands=None):
        # type: (Optional[Commands]) -> int
        """Make the terminal of this program that of a command.

        What is typed goes to the command, until it ends. The terminal is as
        before afterwards, whatever happens.

        :param commands: a list of the command and its arguments; None is the
            login shell of root.
        :return: the exit code of the command.
        :raises ValueError: standard input or output is no terminal.
        :raises TypeError: as for `execute`.
        :raises LXDAPIException: the server refused.
        :raises StreamBroken: the connection was lost.

        Endpoint: ``POST .../exec`` and its websockets.
        """
        from pylxd.models.shell import LocalTerminal
        local = LocalTerminal()
        width, height = local.size
        with self.terminal(commands, width, height, {
                'TERM': os.environ.get('TERM', 'xterm')}) as terminal:
            local.attach(terminal)
            return terminal.wait()

    def raw_interactive_execute(self,
                                commands,  # type: Commands
                                environment=None,  # type: Environment
                                user=None,  # type: Optional[int]
                                group=None,  # type: Optional[int]
                                cwd=None,  # type: Optional[str]
                                ):
        # type: (...) -> Dict[str, str]
        """Start a command on a terminal, whose websockets the caller connects.

        `terminal` connects them. The arguments are those of `execute`.

        :return: the paths of the websockets: ``ws`` carries the terminal,
            ``control`` its size and signals. They hold secrets. Connect them
            with `Client.websocket <pylxd.client.Client.websocket>`.
        :raises TypeError: as for `execute`.
        :raises LXDAPIException: the server refused.

        Endpoint: ``POST .../exec``.
        """
        request = execution.make_request(
            self.client.dialect, commands, environment, user, group, cwd,
            interactive=True)
        _, operation, _, _ = self._start_command(request)
        secrets = operation.metadata['fds']
        return {name: operation.websocket_path(secrets[fd])
                for name, fd in (('ws', '0'), ('control', 'control'))}

    def _start_command(self, request):
        # type: (Dict[str, Any]) -> Tuple[Any, Operation, List[str], str]
        """Start a command; return the arguments of a `RunningCommand`."""
        operation = execution.start_command(
            self.client, self.ensure_ready()['exec'], request)
        self.operation = operation  # type: Optional[Operation]
        return self.client, operation, request['command'], self.name
