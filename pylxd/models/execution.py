"""Running a command in an instance: what is sent, and what comes back."""
import codecs

import six

from pylxd import exceptions
from pylxd.core.operation import Operation
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple
    from pylxd.core.context import Context
    from pylxd.transport.connection import Transport
    from pylxd.transport.dialect import Dialect
    from pylxd.transport.rest import Node


class ExecuteResult(tuple):  # type: ignore[type-arg]
    """The output of a command, ``(stdout, stderr)``, and its exit code."""

    exit_code = 0
    stdout = property(lambda self: self[0], doc='What the command wrote.')
    stderr = property(lambda self: self[1], doc='The errors that it wrote.')

    def __new__(cls, exit_code, stdout, stderr):
        # type: (int, Any, Any) -> ExecuteResult
        made = super(ExecuteResult, cls).__new__(  # type: ignore[type-var]
            cls, (stdout, stderr))
        made.exit_code = exit_code
        return made

    def __getnewargs__(self):  # type: ignore[override]
        # type: () -> Tuple[Any, ...]
        return (self.exit_code,) + tuple(self)

    def __repr__(self):
        # type: () -> str
        return ('ExecuteResult(exit_code={!r}, stdout={!r}, stderr={!r})'
                .format(self.exit_code, self[0], self[1]))


def finish(transport, operation, payload, outputs):
    # type: (Transport, Operation, Any, List[Output]) -> ExecuteResult
    """Feed a command that was started, and wait for its end.

    :param payload: what the command reads.
    :param outputs: where its output and its errors go.
    """
    from pylxd.transport import streams  # a third of import time
    secrets = operation.metadata['fds']
    try:
        streams.exchange(
            transport,
            [websocket_path(operation, secrets[fd]) for fd in '012'],
            payload, [output.write for output in outputs])
    except exceptions.StreamBroken as broken:
        # Where the command itself failed, that is what to tell
        try:
            operation.wait(timeout=1)
        except exceptions.OperationFailed:
            raise
        except exceptions.LXDException:
            pass  # the server is lost, or has forgotten the operation
        raise broken
    operation.wait()
    if 'return' not in (operation.metadata or {}):
        raise exceptions.LXDException(
            '{!r} does not say how the command ended'.format(operation))
    return ExecuteResult(operation.metadata['return'],
                         *[output.close() for output in outputs])


def make_request(dialect, commands, environment, user, group, cwd,
                 interactive):
    # type: (Dialect, Any, Any, Any, Any, Any, bool) -> Dict[str, Any]
    """Check the arguments of a command, and return the body to send."""
    if isinstance(commands, (bytes, six.string_types)):
        raise TypeError(
            'commands must be a list, such as [{!r}]'.format(commands))
    commands = list(commands)
    environment = dict(environment or {})
    for text in commands + list(environment) + list(environment.values()):
        if not isinstance(text, six.string_types):
            raise TypeError('a command and its environment are text, '
                            'not {!r}'.format(text))
    if not commands:
        raise ValueError('there is no command to run')
    request = {
        'command': commands, 'environment': environment,
        'wait-for-websocket': True, 'interactive': interactive,
    }  # type: Dict[str, Any]
    for name, value in (('user', user), ('group', group), ('cwd', cwd)):
        if value is not None:
            dialect.need('container_exec_user_group_cwd')
            request[name] = value
    return request


def start(client, node, request):
    # type: (Context, Node, Dict[str, Any]) -> Operation
    """Start a command; its streams wait to be connected.

    :param node: the instance's ``exec``.
    :param request: the body, from `make_request`.

    Endpoint: ``POST .../exec``.
    """
    response = node.post(json=request)
    operation = Operation.from_response(client, response)
    fds = operation and (operation.metadata or {}).get('fds')
    needed = ('0', 'control') if request['interactive'] else '012'
    if operation is None or not isinstance(fds, dict) or not all(
            isinstance(fds.get(fd), six.string_types) for fd in needed):
        raise exceptions.InvalidResponse(response)
    return operation


def websocket_path(operation, secret):
    # type: (Operation, str) -> str
    """Return the path of a websocket of an operation."""
    return '{}/websocket?secret={}'.format(operation.path, rest.quote(secret))


class Output(object):
    """One output of a command: collected, or handed to a function.

    :param handler: the function; None collects.
    :param encoding: of the text to make of it; None leaves bytes.
    """

    def __init__(self, handler, encoding):
        # type: (Optional[Callable[[Any], Any]], Optional[str]) -> None
        self._empty = b'' if encoding is None else u''  # type: Any
        self._pieces = []  # type: List[Any]
        self._hand_out = handler or self._pieces.append
        # A character may be torn over two frames
        self._decoder = encoding and codecs.getincrementaldecoder(
            encoding)('replace')

    def write(self, data, final=False):
        # type: (bytes, bool) -> None
        """Add what the command wrote."""
        text = self._decoder.decode(data, final) if self._decoder else data
        if text:
            self._hand_out(text)

    def close(self):
        # type: () -> Any
        """Return all that was collected."""
        self.write(b'', final=True)
        return self._empty.join(self._pieces)
