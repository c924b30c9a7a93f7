# -*- coding: utf-8 -*-
"""`shell` on a pseudo-terminal, as a person uses it."""
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import textwrap
import time

import pytest
import six

from helpers import BUSYBOX, unique_name

#: Seconds after which something is taken to hang.
LONG = 20

#: The program of the person. Its arguments are a document with those of the
#: client, the name of the container, the command, and lines that run before.
PROGRAM = '''
import fcntl, json, os, signal, sys, termios, threading
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from pylxd import Client
arguments, name, commands, before = json.loads(sys.argv[1])
client = Client(**arguments)
container = client.instances.get(name)
def run():
    try:
        print('the code is {}.'.format(container.shell(commands)))
    except BaseException as error:
        print('raised {}: {}.'.format(type(error).__name__, error))
        sys.stdout.flush()
exec(before or 'run()')
'''


class Window(object):
    """A pseudo-terminal in which a program runs.

    :param arguments: those of Python, which runs the program.
    :param environment: variables of the program, beside those of the tests.
    """

    def __init__(self, arguments, environment=None):
        self.master, self.slave = pty.openpty()
        self.seen = b''
        self.resize(70, 20)
        self.before = self.attributes
        self.program = subprocess.Popen(
            [sys.executable] + arguments,
            stdin=self.slave, stdout=self.slave, stderr=self.slave,
            close_fds=True, env=dict(os.environ, **environment or {}))

    @property
    def attributes(self):
        return termios.tcgetattr(self.slave)

    def resize(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack('HHHH', height, width, 0, 0))

    def type(self, text):
        """Type a text, and read meanwhile what appears."""
        data = six.ensure_binary(text)
        end = time.time() + 3 * LONG
        while data:
            readable, writable, _ = select.select(
                [self.master], [self.master], [], LONG)
            assert (readable or writable) and time.time() < end, self.seen
            if readable:
                self.seen += os.read(self.master, 65536)
            if writable:
                data = data[os.write(self.master, data[:512]):]

    def read_until(self, text, seconds=LONG):
        """Return what appears up to a text, and forget it."""
        end = time.time() + seconds
        text = six.ensure_binary(text)
        while text not in self.seen:
            ready, _, _ = select.select(
                [self.master], [], [], max(end - time.time(), 0))
            assert ready, self.seen
            self.seen += os.read(self.master, 65536)
        before, _, self.seen = self.seen.partition(text)
        return before

    def wait(self):
        """Wait for the end of the program; return its exit code."""
        end = time.time() + LONG
        while self.program.poll() is None:
            assert time.time() < end, self.seen
            if select.select([self.master], [], [], 0.01)[0]:
                self.seen += os.read(self.master, 65536)
        return self.program.returncode

    def hang_up(self):
        """Close the window of the terminal."""
        os.close(self.slave)
        os.close(self.master)
        self.master = None

    def close(self):
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        if self.master is not None:
            self.hang_up()


class Person(Window):
    """A person at a pseudo-terminal, whose program calls `shell`.

    :param arguments: those of `Client`.
    :param name: the name of the container.
    :param commands: the command of the shell.
    :param program: what the program runs; ``run()`` by default.
    """

    def __init__(self, arguments, name, commands, program=None):
        super(Person, self).__init__(['-c', PROGRAM, json.dumps(
            [arguments, name, commands, program])])


@pytest.fixture(params=['unix', 'https'])
def arguments(request, lxd):
    """The arguments of a client on the socket, then of one over HTTPS."""
    if request.param == 'unix':
        return {'endpoint': lxd.socket}
    return request.getfixturevalue('lxd_https')


@pytest.fixture
def start(running, arguments):
    """Return a function that starts a `Person` in the running container."""
    people = []

    def start(commands, program=None, name=None):
        people.append(Person(
            arguments, name or running.name, commands, program))
        return people[-1]

    yield start
    for person in people:
        person.close()


def find_processes(container, text):
    """Return the lines of ``ps`` in a container that have a text."""
    return [line for line in container.execute(['ps']).stdout.splitlines()
            if text in line]


def wait_until(is_true):
    """Wait until a condition is true; fail after `LONG` seconds."""
    end = time.time() + LONG
    while not is_true():
        assert time.time() < end
        time.sleep(0.01)


@pytest.mark.real_server
def test_a_shell_with_its_size_and_exit_code(start):
    person = start(['sh'])
    person.read_until('# ')
    person.type('stty size\r')
    person.read_until('20 70')
    person.resize(100, 30)  # the kernel sends SIGWINCH
    person.type('sleep 0.3; stty size\r')
    person.read_until('30 100')
    person.type('exit 3\r')
    person.read_until('the code is 3.')
    assert person.wait() == 0
    assert person.attributes == person.before


@pytest.mark.real_server
def test_characters_both_ways(start):
    person = start(['sh', '-c', 'read word; echo "seen $word."; '
                                'printf %s "$word" | wc -c; read end'])
    person.type(u'\xe4\u20ac\U0001f600\r')
    person.read_until(u'seen \xe4\u20ac\U0001f600.')
    person.read_until('9')  # bytes
    person.type('\r')  # LXD 5.0.2 may lose what is printed last
    person.read_until('the code is 0.')


@pytest.mark.real_server
def test_a_full_screen(start):
    """An editor draws the whole screen, again after a change of its size."""
    person = start(['vi', '/tmp/' + unique_name()])
    person.read_until('\x1b[20;1H')  # its status, in the last line
    person.type(u'i\xe4 first\x1b')
    person.read_until('first')
    person.type(':wq\r')
    person.read_until('the code is 0.')
    assert person.attributes == person.before


@pytest.mark.real_server
def test_the_interrupt_key_reaches_the_command(start):
    person = start(['sh', '-c', 'trap "echo caught; read end; exit 5" INT; '
                                'echo go; while :; do sleep 0.1; done'])
    person.read_until('go')
    person.type('\x03')
    person.read_until('caught')
    person.type('\r')  # LXD 5.0.2 may lose what is printed last
    person.read_until('the code is 5.')
    assert person.attributes == person.before


@pytest.mark.real_server
def test_the_interrupt_key_stops_an_endless_output(start):
    person = start(['yes', 'and so on'])
    person.read_until('and so on')
    person.type('\x03')
    person.read_until('the code is 130.')


@pytest.mark.real_server
@pytest.mark.parametrize('number, outcome', [
    (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP),
    (signal.SIGQUIT, -signal.SIGQUIT), (signal.SIGINT, 0)])
def test_a_signal_to_the_program(start, running, number, outcome):
    """The terminal is as before, and the command is gone."""
    seconds = '{}{}'.format(3100 + number, os.getpid())
    person = start(['sh', '-c', 'echo go; exec sleep ' + seconds])
    person.read_until('go')
    assert person.attributes != person.before
    person.program.send_signal(number)
    if number == signal.SIGINT:
        person.read_until('raised KeyboardInterrupt')
    assert person.wait() == outcome
    assert person.attributes == person.before
    wait_until(lambda: not find_processes(running, 'sleep ' + seconds))


@pytest.mark.real_server
def test_a_killed_program(start, running):
    """Nobody restores the terminal then; the command is gone still."""
    seconds = '32{}'.format(os.getpid())
    person = start(['sh', '-c', 'echo go; exec sleep ' + seconds])
    person.read_until('go')
    person.program.kill()
    person.wait()
    wait_until(lambda: not find_processes(running, 'sleep ' + seconds))


@pytest.mark.real_server
@pytest.mark.parametrize('program', [
    'run()', 'signal.signal(signal.SIGHUP, signal.SIG_IGN); run()'])
def test_a_closed_window(start, running, program):
    """The command ends, also where the program ignores the hangup."""
    seconds = '33{}'.format(os.getpid())
    person = start(
        ['sh', '-c', 'echo go; exec sleep ' + seconds], program)
    person.read_until('go')
    person.hang_up()
    wait_until(lambda: person.program.poll() is not None)
    wait_until(lambda: not find_processes(running, 'sleep ' + seconds))


@pytest.mark.real_server
def test_an_error_of_the_program(start, running):
    """An exception from a handler of a signal, for one."""
    seconds = '34{}'.format(os.getpid())
    person = start(
        ['sh', '-c', 'echo go; exec sleep ' + seconds],
        'def fail(number, frame): raise LookupError(number)\n'
        'signal.signal(signal.SIGTERM, fail)\nrun()')
    person.read_until('go')
    person.program.terminate()
    person.read_until('raised LookupError: 15.')
    assert person.wait() == 0
    assert person.attributes == person.before
    assert find_processes(running, 'sleep ' + seconds) == []


@pytest.mark.real_server
def test_a_big_paste(start):
    """More than all buffers on the way hold, while its echo comes."""
    person = start(['sh', '-c', 'stty raw; echo go; head -c 4000000'])
    person.read_until('go')
    person.type('x' * 4000000)
    person.read_until('the code is 0.')
    assert person.attributes == person.before


@pytest.mark.real_server
def test_what_is_typed_before_the_command_runs(start):
    person = start(['sh', '-c', 'read word; echo "seen $word."; read end'])
    person.type('early\r')
    person.read_until('seen early.')


@pytest.mark.real_server
def test_a_signal_while_output_is_stopped(start):
    """The program ends, although nobody reads what it prints."""
    person = start(['yes'])
    person.read_until('y')
    time.sleep(1)  # until the buffer of the terminal is full
    person.program.terminate()
    wait_until(lambda: person.program.poll() is not None)
    assert person.attributes == person.before


@pytest.mark.real_server
def test_what_is_typed_after_the_end(start):
    """The exit code is returned, although the terminal takes no more.

    With more than the 4096 bytes that a terminal holds, Incus 7 never ends
    the operation.
    """
    person = start(['sh', '-c', 'echo go; read line; exit 4'])
    person.read_until('go')
    person.type('\r' + 'too late\r' * 400)
    person.read_until('the code is 4.')
    assert person.attributes == person.before


@pytest.mark.real_server
def test_in_a_thread(start):
    person = start(['sh'], 'thread = threading.Thread(target=run)\n'
                           'thread.start()\nthread.join()')
    person.read_until('# ')
    person.type('stty size\r')
    person.read_until('20 70')
    person.type('exit 6\r')
    person.read_until('the code is 6.')
    assert person.wait() == 0
    assert person.attributes == person.before


@pytest.mark.real_server
def test_the_handlers_of_signals_are_as_before(start):
    person = start(
        ['true'], 'numbers = range(1, 32)\n'
        'before = list(map(signal.getsignal, numbers))\nrun()\n'
        'print(before == list(map(signal.getsignal, numbers)))')
    person.read_until('the code is 0.')
    person.read_until('True')


def test_no_terminal(running):
    code = ('import sys; from pylxd import Client; '
            'Client(sys.argv[1]).instances.get(sys.argv[2]).shell()')
    process = subprocess.Popen(
        [sys.executable, '-c', code, running.client.transport.endpoint,
         running.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    _, errors = process.communicate()
    assert b'ValueError: shell() needs a terminal' in errors


@pytest.mark.real_server
@pytest.mark.parametrize('end', ['kill', 'stop'])
def test_a_lost_server_or_container(another_kit, end):
    with another_kit.client() as client:
        container = client.instances.create(
            {'name': unique_name(), 'source': BUSYBOX}, wait=True)
        container.start(wait=True)
        person = Person({'endpoint': another_kit.socket}, container.name, [
            'sh', '-c', 'echo go; exec sleep 36'])
        try:
            person.read_until('go')
            if end == 'kill':
                another_kit.kill()
                person.read_until('raised StreamBroken')
            else:
                container.stop(force=True, wait=True)
                person.read_until('the code is ')
            assert person.wait() == 0
            assert person.attributes == person.before
        finally:
            person.close()


@pytest.mark.real_server
def test_the_shell_of_the_documentation(
        lxd, lxd_client, name, monkeypatch):
    """The script of ``doc/commands.rst``, which a person types on."""
    page = os.path.join(os.path.dirname(__file__), '..', '..', 'doc',
                        'commands.rst')
    with io.open(page, encoding='utf-8') as file:
        script, = [
            textwrap.dedent(block) for block in re.findall(
                r'^\.\. code-block:: python\n\n((?:    .*\n)+)', file.read(),
                re.M) if '.shell()' in block]
    assert len(script.splitlines()) <= 10
    container = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)
    container.start(wait=True)
    monkeypatch.setenv('LXD_SOCKET', lxd.socket)
    person = Person({'endpoint': lxd.socket}, name, None,
                    script.replace("'c1'", repr(name)))
    try:
        person.read_until('# ')
        person.type('stty size\r')
        person.read_until('20 70')
        person.type('exit 3\r')
        assert person.wait() == 3
        assert person.attributes == person.before
    finally:
        person.close()
