"""Running a command in an instance: its request, its streams, its result."""
import codecs
import re

import six

from pylxd import exceptions
from pylxd.core.operation import Operation
from pylxd.core.values import check_id, convert

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Callable, Dict, Iterable, List, Optional, Text, Tuple, TypeVar,
        Union)
    from pylxd.core.context import Context
    from pylxd.models.protocols import Readable
    from pylxd.transport.connection import Transport
    from pylxd.transport.dialect import Dialect
    from pylxd.transport.rest import Node
    #: A plain str, itself a sequence of str, would be a mistake.
    Commands = Union[List[str], Tuple[str, ...]]
    Environment = Optional[Dict[str, str]]
    Payload = Union[None, bytes, bytearray, Text, Readable,
                    Iterable[Union[bytes, Text]]]
    TextHandler = Callable[[Text], object]
    Handler = Union[None, TextHandler, Callable[[bytes], object]]
    S = TypeVar('S')
    Pair = Tuple[S, S]
else:
    # Python 2 cannot parametrize tuple: `Pair[S]` is tuple itself
    S, Pair = None, {None: tuple}


class ExecuteResult(Pair[S]):
    """The output of a command, ``(stdout, stderr)``, and its exit code."""

    #: The exit code of the command.
    exit_code = 0  # type: int

    def __new__(cls, exit_code, stdout, stderr):
        # type: (int, S, S) -> ExecuteResult[S]
        result = super(ExecuteResult, cls).__new__(cls, (stdout, stderr))
        result.exit_code = exit_code
        return result

    @property
    def stdout(self):
        # type: () -> S
        """The output of the command: text, or bytes if not decoded."""
        return self[0]

    @property
    def stderr(self):
        # type: () -> S
        """The errors that the command printed: text or bytes."""
        return self[1]

    def __getnewargs__(self):  # type: ignore[override]
        # type: () -> Tuple[int, S, S]
        return (self.exit_code,) + tuple(self)  # type: ignore[return-value]

    def __repr__(self):
        # type: () -> str
        return 'ExecuteResult({!r}, {!r}, exit_code={!r})'.format(
            self[0], self[1], self.exit_code)


def make_request(dialect,  # type: Dialect
                 commands,  # type: Commands
                 environment,  # type: Environment
                 user,  # type: Optional[int]
                 group,  # type: Optional[int]
                 cwd,  # type: Optional[str]
                 interactive,  # type: bool
                 ):
    # type: (...) -> Dict[str, Any]
    """Check the arguments of a command, and return the request's body.

    :param interactive: whether the command gets a terminal.
    :raises TypeError: ``commands`` or ``environment`` hold other than text,
        or ``user`` or ``group`` is no number.
    :raises ValueError: ``commands`` is empty.
    :raises LXDAPIExtensionNotAvailable: the server cannot set ``user``,
        ``group`` or ``cwd``.
    """
    if isinstance(commands, (bytes, six.string_types)):
        raise TypeError('commands must be a list of the command and its '
                        'arguments, such as {!r}'.format(
                            split_command(six.ensure_str(commands))))
    commands = list(commands)
    environment = convert({str: str}, environment or {}, 'environment')
    for text in commands:
        if not isinstance(text, six.string_types):
            raise TypeError('a command and its arguments must be text, not '
                            '{!r}'.format(text))
    if not commands:
        raise ValueError('commands is empty: its first item must be the '
                         'program to run')
    request = {
        'command': commands, 'environment': environment,
        'wait-for-websocket': True, 'interactive': interactive,
    }  # type: Dict[str, Any]
    for name, value in (('user', user), ('group', group), ('cwd', cwd)):
        if value is not None:
            if name != 'cwd':
                value = check_id(value, name)
            dialect.need('container_exec_user_group_cwd')
            request[name] = value
    return request


def split_command(text):
    # type: (str) -> List[str]
    """Return the list that runs the command of a text."""
    import shlex  # takes 3 ms, for an error message
    if not re.search(r'[|&;<>()$`*?\n]', text):
        try:
            return shlex.split(text)
        except ValueError:
            pass  # a quotation without its end
    return ['sh', '-c', text]


def start_command(client, node, request):
    # type: (Context, Node, Dict[str, Any]) -> Operation
    """Start a command; the server waits until its websockets are connected.

    :param node: the ``exec`` node of the instance.
    :param request: the body, from `make_request`.
    :return: the operation, with the secrets of the websockets.
    :raises InvalidResponse: the server sent no such secrets.

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


def run_to_end(transport,  # type: Transport
               operation,  # type: Operation
               payload,  # type: Payload
               outputs,  # type: List[Output]
               encoding='utf-8',  # type: str
               ):
    # type: (...) -> ExecuteResult[Any]
    """Send a started command its input, and receive its output and result.

    :param payload: the input of the command.
    :param outputs: the receivers of its output and of its errors.
    :param encoding: the encoding of texts in the input.
    :raises OperationFailed: the server could not run the command.
    :raises StreamBroken: a connection was lost before the command ended.
    """
    from pylxd.transport import streams  # a third of import time
    secrets = operation.metadata['fds']
    try:
        streams.exchange(
            transport,
            [operation.websocket_path(secrets[fd]) for fd in '012'],
            payload, [output.write for output in outputs], encoding)
    except exceptions.StreamBroken as broken:
        # If the operation failed, its error says more than the lost stream
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
            'the server sent no exit code of the command: {!r}'.format(
                operation))
    return ExecuteResult(operation.metadata['return'],
                         *[output.close() for output in outputs])


class Output(object):
    """The receiver of an output stream: collects it, or calls a handler.

    :param handler: a function to call with each piece; None collects.
    :param encoding: the encoding to decode; None leaves bytes.
    """

    def __init__(self, handler, encoding):
        # type: (Handler, Optional[str]) -> None
        self._empty = b'' if encoding is None else u''  # type: Any
        self._pieces = []  # type: List[Any]
        self._handler = handler or self._pieces.append  # type: Any
        # A character may be split between two frames
        self._decoder = encoding and codecs.getincrementaldecoder(
            encoding)('replace')

    def write(self, data, final=False):
        # type: (bytes, bool) -> None
        """Decode some bytes, and collect them or call the handler.

        :param final: whether the stream ends here: a character that is not
            complete is then replaced.
        """
        text = self._decoder.decode(data, final) if self._decoder else data
        if text:
            self._handler(text)

    def close(self):
        # type: () -> Any
        """Return all output that was collected."""
        self.write(b'', final=True)
        return self._empty.join(self._pieces)
