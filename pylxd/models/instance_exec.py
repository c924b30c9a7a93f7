"""Commands in instances."""
import six

from pylxd.core.model import Model
from pylxd.models import execution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Literal, Optional, overload, Text
    from pylxd.core.operation import Operation
    from pylxd.models.execution import (
        Commands, Environment, ExecuteResult, Handler, Payload, TextHandler)


class Executable(Model):
    """A model that runs commands."""

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
                ):
        # type: (...) -> ExecuteResult[Any]
        """Run a command and wait for its end.

        :param commands: a list of the command and its arguments.
        :param environment: the environment variables of the command.
        :param encoding: the encoding of the output, UTF-8 by default; bytes
            that cannot be decoded are replaced.
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
        :return: ``(stdout, stderr)``, with ``.exit_code``, ``.stdout`` and
            ``.stderr``.
        :raises TypeError: ``commands`` is a single text, or an item of it or
            of ``environment`` is no text.
        :raises ValueError: ``commands`` is empty.
        :raises LXDAPIException: the server refused, as when the instance is
            stopped.
        :raises StreamBroken: a connection was lost before the command ended.

        Endpoint: ``POST .../exec`` and its websockets; ``user``, ``group``
        and ``cwd`` need ``container_exec_user_group_cwd``.
        """
        request = execution.make_request(
            self.client.dialect, commands, environment, user, group, cwd,
            interactive=False)
        outputs = [
            execution.Output(
                handler, (encoding or 'utf-8') if decode else None)
            for handler in (stdout_handler, stderr_handler)]
        if isinstance(stdin_payload, six.text_type):
            # What cannot be encoded is refused before the command starts
            stdin_payload = stdin_payload.encode(stdin_encoding)
        return execution.run_to_end(
            self.client.transport, self._start_command(request),
            stdin_payload, outputs, stdin_encoding)

    def raw_interactive_execute(self,
                                commands,  # type: Commands
                                environment=None,  # type: Environment
                                user=None,  # type: Optional[int]
                                group=None,  # type: Optional[int]
                                cwd=None,  # type: Optional[str]
                                ):
        # type: (...) -> Dict[str, str]
        """Start a command on a terminal, whose websockets the caller connects.

        The arguments are those of `execute`.

        :return: the paths of the websockets: ``ws`` carries the terminal,
            ``control`` its size and signals. They hold secrets. Connect them
            with `Client.websocket <pylxd.client.Client.websocket>`.
        :raises TypeError: as for `execute`.
        :raises LXDAPIException: the server refused.

        Endpoint: ``POST .../exec``.
        """
        operation = self._start_command(execution.make_request(
            self.client.dialect, commands, environment, user, group, cwd,
            interactive=True))
        secrets = operation.metadata['fds']
        return {name: operation.websocket_path(secrets[fd])
                for name, fd in (('ws', '0'), ('control', 'control'))}

    def _start_command(self, request):
        # type: (Dict[str, Any]) -> Operation
        operation = execution.start_command(
            self.client, self.ensure_ready()['exec'], request)
        self.operation = operation  # type: Optional[Operation]
        return operation
