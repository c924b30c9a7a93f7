"""What exec does: a few commands on the instance's own file tree.

Nothing runs on the host.
"""
import collections
import json
import re
import threading

import six

from pylxd.testing.fake.files import Broken, Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple

_FULL = 1 << 20  # bytes that wait in a pipe

PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


class Pipe(object):
    """What is written at one end is read at the other, in another thread."""

    def __init__(self):
        # type: () -> None
        self._pieces = collections.deque()  # type: Any
        self._size = 0
        self._ended = False
        self._changed = threading.Condition()

    def write(self, data):
        # type: (bytes) -> None
        """Add some; waits while it is full, and is vain behind the end."""
        with self._changed:
            while self._size > _FULL and not self._ended:
                self._changed.wait(3600)
            if not self._ended:
                self._pieces.append(data)
                self._size += len(data)
                self._changed.notify_all()

    def close(self):
        # type: () -> None
        """There will be no more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def read(self, size=-1):
        # type: (int) -> bytes
        """All that comes until the end, or some bytes once there are any."""
        if size < 0:
            return b''.join(iter(lambda: self.read(_FULL), b''))
        with self._changed:
            while not self._pieces and not self._ended:
                self._changed.wait(3600)
            if not self._pieces:
                return b''
            piece = self._pieces.popleft()
            if len(piece) > size:
                self._pieces.appendleft(piece[size:])
                piece = piece[:size]
            self._size -= len(piece)
            self._changed.notify_all()
            return bytes(piece)


class Output(object):
    """Where a command writes, bytes or text."""

    def __init__(self, sink):
        # type: (Callable[[bytes], Any]) -> None
        self._sink = sink

    def write(self, data):
        # type: (Any) -> None
        """Send it at once."""
        data = six.ensure_binary(data)
        if data:
            self._sink(data)


class Execution(object):
    """One command that runs; a handler gets this.

    .. attribute:: command

       A list of text: the program and its arguments.

    .. attribute:: stdin

       ``read()`` gives all of it as bytes, ``read(size)`` what there is.

    .. attribute:: stdout, stderr

       ``write(data)`` takes bytes or text.
    """

    #: the last signal that was sent to it
    signal = None  # type: Optional[int]

    def __init__(self, instance, tree, command, environment, cwd, user, group,
                 interactive=False, size=(0, 0)):
        # type: (str, Tree, List[str], Dict[str, str], str, int, int, bool, Tuple[int, int]) -> None # noqa
        self.instance = instance  #: the name of the instance
        self.files = tree
        self.command = command
        self.environment = environment
        self.cwd = cwd
        self.user = user
        self.group = group
        self.interactive = interactive
        #: of the terminal, ``(width, height)``
        self.size = size  # type: Tuple[int, int]
        self.stdin = Pipe()  # type: Pipe
        self.stdout = Output(lambda data: None)  # type: Output
        self.stderr = self.stdout  # type: Output
        self._signalled = threading.Event()

    def sleep(self, seconds):
        # type: (float) -> bool
        """Wait; ends early, and returns True, when a signal comes."""
        return self._signalled.wait(seconds)

    def kill(self, signal):
        # type: (int) -> None
        """Send a signal."""
        self.signal = signal
        self._signalled.set()
        self.stdin.close()

    def control(self, data):
        # type: (bytes) -> None
        """Obey a message of the control websocket."""
        try:
            message = json.loads(six.ensure_text(data))
            if message['command'] == 'signal':
                self.kill(int(message['signal']))
            elif message['command'] == 'window-resize':
                self.size = (int(message['args']['width']),
                             int(message['args']['height']))
        except (ValueError, KeyError, TypeError):
            pass  # LXD says nothing either

    def run(self, handlers):
        # type: (List[Tuple[Optional[str], Any]]) -> int
        """Do it, by the first handler that wants to; returns the status."""
        status = 0  # type: Any
        for name, handler in reversed(handlers):
            if name is None or name == self.command[0]:
                status = handler(self)
                if status is NotImplemented:
                    continue
                if isinstance(status, (bytes, six.text_type)):
                    status = (0, status)
                if isinstance(status, tuple):
                    for stream, data in zip(
                            (self.stdout, self.stderr), status[1:]):
                        stream.write(data)
                    status = status[0]
                break
        else:
            status = _simple(self, self.command, self.stdout, self.stderr)
        return 128 + self.signal if self.signal else int(status or 0)


class _Exit(Exception):
    pass


def _simple(run, command, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> int
    name = command[0].rsplit('/', 1)[-1]
    function = _COMMANDS.get(name)
    if '/' in command[0]:
        found = run.files.get(command[0], True)
        if found is None:
            return 127
        if function is None or not found.mode & 0o111:
            return 126
    if function is None:
        return 127
    try:
        return function(run, command[1:], stdout, stderr) or 0
    except Broken as error:
        stderr.write(u'{}: {}\n'.format(name, str(error).capitalize()))
        return 1


def _absolute(run, path):
    # type: (Execution, str) -> str
    return path if path.startswith('/') else run.cwd + '/' + path


def _echo(run, arguments, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> None
    end = u'\n'
    if arguments[:1] == ['-n']:
        end = u''
        arguments = arguments[1:]
    stdout.write(u' '.join(arguments) + end)


def _cat(run, arguments, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> int
    status = 0
    for path in arguments or ['-']:
        if path == '-':
            for piece in iter(lambda: run.stdin.read(_FULL), b''):
                stdout.write(piece)
            continue
        found = run.files.get(_absolute(run, path), True)
        if found and found.kind == 'file':
            stdout.write(found.data)
            continue
        status = 1
        stderr.write(
            u'cat: read error: Is a directory\n' if found else
            u"cat: can't open '{}': No such file or directory\n".format(path))
    return status


def _env(run, arguments, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> None
    environment = dict(run.environment, container='lxc')
    stdout.write(u''.join(
        u'{}={}\n'.format(*item) for item in environment.items()))


def _pwd(run, arguments, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> None
    stdout.write(run.cwd + u'\n')


def _ls(run, arguments, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> int
    path = (arguments or [run.cwd])[-1]
    if run.files.get(_absolute(run, path), True) is None:
        stderr.write(u'ls: {}: No such file or directory\n'.format(path))
        return 1
    stdout.write(u''.join(
        name + u'\n' for name in run.files.list(_absolute(run, path))))
    return 0


def _test(run, arguments, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> int
    found = run.files.get(_absolute(run, arguments[-1]), True)
    wanted = {'-f': 'file', '-d': 'directory'}.get(arguments[0])
    return int(found is None or (wanted or found.kind) != found.kind)


def _id(run, arguments, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> None
    stdout.write(u'{}\n'.format(
        run.group if '-g' in arguments else run.user))


def _sleep(run, arguments, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> None
    run.sleep(float(arguments[0]))


def _sh(run, arguments, stdout, stderr):
    # type: (Execution, List[str], Any, Any) -> int
    text = (arguments[1] if arguments[:1] == ['-c'] else
            run.stdin.read().decode('utf-8'))
    shell = _Shell(run, arguments[2:] or ['sh'])
    try:
        return shell.script(text, stdout, stderr)
    except _Exit as exit:
        return int(exit.args[0])


_COMMANDS = {
    'cat': _cat, 'echo': _echo, 'env': _env, 'false': lambda *_: 1,
    'id': _id, 'ls': _ls, 'pwd': _pwd, 'sh': _sh, 'sleep': _sleep,
    'test': _test, 'true': lambda *_: 0,
}  # type: Dict[str, Callable[..., Optional[int]]]

# What a line is made of: an operator with what stands before it, or a word of
# quoted and plain parts.
_TOKEN = re.compile(
    r'''\s*(?:([0-9]?>>?(?:&[0-9])?|<|&&|\|\||;|\n)|'''
    r'''((?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;&|<>'"\\])+))''')
_PART = re.compile(
    r''''([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|([^'"\\]+)''', re.S)
_VARIABLE = re.compile(r'\$(?:\{(\w+)\}|(\w+|[?$]))')


class _Shell(object):
    """Commands with ``;``, ``&&``, ``||``, redirections and variables."""

    def __init__(self, run, arguments):
        # type: (Execution, List[str]) -> None
        self.run = run
        self.arguments = arguments
        self.status = 0
        self.variables = dict(run.environment)

    def script(self, text, stdout, stderr):
        # type: (str, Any, Any) -> int
        words, operator, place = [], ';', 0  # type: List[Any], str, int
        text = text.strip()
        while place < len(text):
            token = _TOKEN.match(text, place)
            if token is None:
                stderr.write(u'sh: syntax error: unexpected "{}"\n'.format(
                    text[place:].strip()[:1]))
                return 2
            place = token.end()
            if token.group(1) in ('&&', '||', ';', '\n'):
                self.step(words, operator, stdout, stderr)
                words, operator = [], token.group(1)
            else:
                words.append(token)
        self.step(words, operator, stdout, stderr)
        return self.status

    def step(self, tokens, operator, stdout, stderr):
        # type: (List[Any], str, Any, Any) -> None
        if not tokens or self.run.signal or (
                operator == '&&' and self.status) or (
                operator == '||' and not self.status):
            return
        streams = {'1': stdout, '2': stderr}  # type: Dict[str, Any]
        words, files = [], []  # type: List[str], List[Any]
        tokens = list(tokens)
        while tokens:
            token = tokens.pop(0)
            if token.group(2) is not None:
                words.append(self.expand(token.group(2)))
                continue
            number, arrow, copied = re.match(
                r'([0-9]?)(>>?|<)(?:&([0-9]))?$',
                token.group(1)).groups()  # type: ignore[union-attr]
            if copied:
                streams[number or '1'] = streams[copied]
                continue
            path = _absolute(self.run, self.expand(tokens.pop(0).group(2)))
            if arrow == '<':
                words.append(path)  # as good for what is here
            elif path == '/dev/null':
                streams[number or '1'] = Output(lambda data: None)
            else:
                gathered = []  # type: List[bytes]
                streams[number or '1'] = Output(gathered.append)
                files.append((path, gathered, arrow == '>>'))
        self.status = self.command(words, streams)
        for path, gathered, append in files:
            try:
                good = self.run.files.write(path, b''.join(gathered), append)
            except Broken:
                good = False
            if not good:
                stderr.write(u"sh: can't create {}: nonexistent directory\n"
                             .format(path))
                self.status = 1

    def command(self, words, streams):
        # type: (List[str], Dict[str, Any]) -> int
        if not words:
            return 0
        if words[0] == 'exit':
            raise _Exit(int(words[1]) if words[1:] else self.status)
        if words[0] == 'cd':
            self.run.cwd = self.run.files.resolve(
                _absolute(self.run, words[1]), True)
            return 0
        if words[0] == 'kill':
            self.run.kill(int(words[1].lstrip('-'))
                          if len(words) > 2 else 15)
            return 0
        assignment = re.match(r'(\w+)=(.*)$', words[0], re.S)
        if assignment:
            self.variables[assignment.group(1)] = assignment.group(2)
            return 0
        status = _simple(self.run, words, streams['1'], streams['2'])
        if status == 127:
            streams['2'].write(u'sh: {}: not found\n'.format(words[0]))
        return status

    def expand(self, word):
        # type: (str) -> str
        def variable(match):
            # type: (Any) -> str
            name = match.group(1) or match.group(2)
            if name.isdigit():
                return ''.join(self.arguments[int(name):int(name) + 1])
            return {'?': str(self.status), '$': '42'}.get(
                name, self.variables.get(name, ''))
        result = ''
        for single, double, escaped, plain in _PART.findall(word):
            result += single + escaped + _VARIABLE.sub(variable, re.sub(
                r'\\([\\"$`])', r'\1', double) or plain)
        return result
