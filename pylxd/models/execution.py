"""Running a command in an instance: its request, its streams, its result."""
import codecs
import numbers
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

#: Seconds above which a timeout is none: 30 years.
LONGEST_TIMEOUT = 10 ** 9


class ExecuteResult(Pair[S]):
    """The output of a command, ``(stdout, stderr)``, and its exit code."""

    #: The exit code of the command.
    exit_code = 0  # type: int
    #: The paths of the recorded output and errors; empty if not recorded.
    logs = ()  # type: Tuple[str, ...]

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
                 interactive=False,  # type: bool
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


def check_timeout(timeout):
    # type: (Any) -> Any
    """Return the timeout of a command, which has not started yet.

    :param timeout: seconds; None and the infinite wait for ever.
    :raises TypeError: the timeout is no number.
    :raises ValueError: the timeout is "not a number".
    """
    if timeout is None:
        return None
    if isinstance(timeout, bool) or not isinstance(timeout, numbers.Real):
        raise TypeError('timeout must be a number of seconds, or None, not '
                        '{!r}'.format(timeout))
    if timeout != timeout:
        raise ValueError('timeout is NaN, not a number of seconds')
    # Hundreds of years are too much for the clocks of Python
    return None if float(timeout) > LONGEST_TIMEOUT else timeout


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


def exit_code(operation):
    # type: (Operation) -> int
    """Return the exit code of a command whose operation has ended.

    :raises LXDException: the server sent none.
    """
    code = (operation.metadata or {}).get('return')
    if code is None:
        raise exceptions.LXDException(
            'the server sent no exit code of the command: {!r}'.format(
                operation))
    return int(code)


def make_failure(command, instance, result):
    # type: (str, str, ExecuteResult[Any]) -> exceptions.CommandFailed
    """Return the exception for a command with another exit code than 0.

    :param command: the program, without its arguments, which may be secret.
    :param instance: the name of the instance.
    """
    last = result.stderr.strip()[-200:]
    if isinstance(last, bytes):
        last = last.decode('utf-8', 'replace')
    return exceptions.CommandFailed(
        '{!r} in {} ended with exit code {}{}'.format(
            exceptions.printable(command), instance, result.exit_code,
            last and ': ' + exceptions.printable(last.splitlines()[-1])),
        exit_code=result.exit_code, stdout=result.stdout,
        stderr=result.stderr)


class Output(object):
    """The receiver of an output stream: collects it, or calls a handler.

    :param handler: a function to call with each piece; None collects.
    :param encoding: the encoding to decode; None leaves bytes.
    :param errors: what happens to bytes that are no text, as for `open`.
    """

    def __init__(self, handler, encoding, errors='replace'):
        # type: (Handler, Optional[str], str) -> None
        self._handler = handler  # type: Any
        self._pieces = []  # type: List[bytes]
        self._encoding, self._errors = encoding, errors
        # A character may be split between two frames
        self._decoder = encoding and codecs.getincrementaldecoder(
            encoding)(errors)

    def write(self, data, final=False):
        # type: (bytes, bool) -> None
        """Collect some bytes, or decode them and call the handler.

        :param final: whether the stream ends here: a character that is not
            complete is then an error in the text.
        """
        if self._handler is None:
            self._pieces.append(data)
            return
        text = self._decoder.decode(data, final) if self._decoder else data
        if text:
            self._handler(text)

    def close(self, errors=None):
        # type: (Optional[str]) -> Any
        """Return all output that was collected.

        :param errors: takes the place of the argument of the class.
        """
        if self._handler is not None:
            self.write(b'', final=True)
        data = b''.join(self._pieces)
        return data if self._encoding is None else data.decode(
            self._encoding, errors or self._errors)
