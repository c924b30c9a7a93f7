# -*- coding: utf-8 -*-
"""Commands that are stopped, `popen`, and terminals for programs."""
import io
import os
import shutil
import signal
import time

import pytest
import six

from pylxd import exceptions
from pylxd.models.process import Process
from pylxd.models.terminal import Terminal
from helpers import BUSYBOX, run_in_threads, wait_until

#: Seconds after which something is taken to hang.
LONG = 20


def find_processes(container, text):
    """Return the lines of ``ps`` in a container that have a text."""
    return [line for line in container.execute(['ps']).stdout.splitlines()
            if text in line]


def read_until(terminal, text):
    """Return what comes on a terminal, until a text has come."""
    seen = b''
    while text not in seen:
        piece = terminal.read(timeout=LONG)
        assert piece, seen
        seen += piece
    return seen


# -- execute

@pytest.mark.real_server
def test_a_timeout_kills_the_command(running_container):
    started = time.time()
    with pytest.raises(exceptions.CommandTimeout) as caught:
        running_container.execute(
            ['sh', '-c', 'echo so far; echo oh >&2; exec sleep 991'],
            timeout=0.5)
    assert time.time() - started < LONG / 2.0
    assert find_processes(running_container, 'sleep 991') == []
    error = caught.value
    assert (error.stdout, error.stderr) == (u'so far\n', u'oh\n')
    assert isinstance(error, exceptions.OperationTimeout)
    assert str(error) == (
        "'sh' in {} did not end within 0.5 s, and was killed".format(
            running_container.name))


@pytest.mark.real_server
def test_a_timeout_although_a_process_keeps_the_output(running_container):
    """What the command has started in the background may live on."""
    with pytest.raises(exceptions.CommandTimeout) as caught:
        running_container.execute(
            ['sh', '-c', 'sleep 992 & echo so far; sleep 5'], timeout=0.5,
            decode=False)
    assert caught.value.stdout == b'so far\n'
    assert find_processes(running_container, 'sleep 992') != []
    assert find_processes(running_container, 'sh -c') == []
    for line in find_processes(running_container, 'sleep 992'):
        running_container.execute(['kill', line.split()[0]], check=True)


@pytest.mark.real_server
def test_a_timeout_after_the_end_of_the_command(running_container):
    """A process that it has started keeps its output open."""
    started = time.time()
    script = 'sleep 7 & echo so far; exit 5'
    try:
        result = running_container.execute(['sh', '-c', script], timeout=2)
    except exceptions.CommandTimeout as error:  # LXD 5.0.2
        assert 'the command has ended' in str(error)
        result = error
    else:
        assert result.exit_code == 5
    assert result.stdout == u'so far\n'
    with running_container.popen(['sh', '-c', script]) as process:
        assert process.stdout.readline() == b'so far\n'
        time.sleep(0.3)  # nothing tells of its end that is not tested here
    assert process.returncode in (5, None)
    assert time.time() - started < 6


def test_a_timeout_that_is_not_needed(running_container):
    result = running_container.execute(['echo', 'x'], timeout=LONG)
    assert result == (u'x\n', u'') and result.exit_code == 0
    assert result.logs == ()


def test_a_timeout_while_input_is_sent(running_container):
    """The command reads nothing, and the input blocks."""
    def make_payload():
        while True:
            yield b'x' * 65536

    with pytest.raises(exceptions.CommandTimeout):
        running_container.execute(
            ['sleep', '993'], stdin_payload=make_payload(), timeout=0.5)


def interrupt_soon(seconds=0.3):
    """Let SIGALRM raise KeyboardInterrupt; return the handler before."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    return before


@pytest.mark.real_server
def test_an_interrupt_kills_the_command(running_container):
    before = interrupt_soon()
    try:
        with pytest.raises(KeyboardInterrupt):
            running_container.execute(['sleep', '994'])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert find_processes(running_container, 'sleep 994') == []


@pytest.mark.real_server
def test_an_error_in_a_handler_kills_the_command(running_container):
    def handler(text):
        raise LookupError(text)

    with pytest.raises(LookupError):
        running_container.execute(
            ['sh', '-c', 'echo x; exec sleep 995'], stdout_handler=handler)
    assert find_processes(running_container, 'sleep 995') == []


def test_check(running_container):
    with pytest.raises(exceptions.CommandFailed) as caught:
        running_container.execute(
            ['sh', '-c', 'echo out; echo secret1 >&2; echo oh no >&2; exit 3',
             'secret2'], check=True)
    error = caught.value
    assert (error.exit_code, error.stdout, error.stderr) == (
        3, u'out\n', u'secret1\noh no\n')
    assert str(error) == "'sh' in {} ended with exit code 3: oh no".format(
        running_container.name)
    with pytest.raises(exceptions.CommandFailed) as caught:
        running_container.execute(
            ['sh', '-c', 'exit 4'], check=True, decode=False)
    assert str(caught.value).endswith(' ended with exit code 4')
    assert caught.value.stdout == b''
    assert running_container.execute(['true'], check=True).exit_code == 0


@pytest.mark.real_server
def test_recorded_output(running_container):
    result = running_container.execute(
        ['sh', '-c', u'cat; echo \xe4; echo oh >&2; exit 3'],
        record_output=True)
    assert result == (u'\xe4\n', u'oh\n') and result.exit_code == 3
    assert len(result.logs) == 2
    logs = {log.name: log for log in running_container.logs.all()}
    for path, content in zip(result.logs, (b'\xc3\xa4\n', b'oh\n')):
        log = logs[path.rpartition('/')[2]]
        assert log.read() == content
        log.delete()
    assert running_container.execute(
        ['true'], record_output=True, decode=False) == (b'', b'')


def test_what_recorded_output_refuses(running_container, sent):
    for argument in ({'stdin_payload': b'x'}, {'timeout': 5},
                     {'stdout_handler': len}, {'stderr_handler': len}):
        with pytest.raises(ValueError) as caught:
            running_container.execute(
                ['true'], record_output=True, **argument)
        assert list(argument)[0] in str(caught.value)
    assert sent == []


@pytest.mark.real_server
def test_bytes_that_are_no_text(running_container):
    command = ['printf', r'a\344']
    assert running_container.execute(command).stdout == u'a\ufffd'
    assert running_container.execute(
        command, errors='ignore').stdout == u'a'
    with pytest.raises(UnicodeDecodeError):
        running_container.execute(command, errors='strict')
    assert running_container.execute(
        command, encoding='latin-1', errors='strict').stdout == u'a\xe4'


# -- popen

def test_lines_as_they_come(running_container):
    script = 'echo 1; sleep 0.2; echo 2; sleep 0.2; echo 3; exit 5'
    with running_container.popen(['sh', '-c', script], text=True) as process:
        assert isinstance(process, Process)
        assert process.returncode is None and process.poll() is None
        assert process.args == ['sh', '-c', script]
        assert next(process.stdout) == u'1\n'
        assert list(process.stdout) == [u'2\n', u'3\n']
    assert process.returncode == 5 == process.poll() == process.wait()
    with running_container.popen(['sh', '-c', script]) as process:
        assert process.stdout.readline() == b'1\n'
        assert process.stdout.read() == b'2\n3\n'
        assert process.stderr.read() == b''


def test_input_and_output(running_container):
    with running_container.popen(['cat'], text=True) as process:
        process.stdin.write(u'\xe4')
        assert process.stdout.read(1) == u'\xe4'
        process.stdin.write(u'b\n')
        assert process.stdout.readline() == u'b\n'
        process.stdin.close()
        assert process.stdout.read() == u''
    assert process.returncode == 0


def test_files_for_copyfileobj(running_container):
    data = os.urandom(1000000)
    with running_container.popen(['cat']) as process:
        def send(_):
            shutil.copyfileobj(io.BytesIO(data), process.stdin)
            process.stdin.close()

        def receive(_):
            shutil.copyfileobj(process.stdout, received)

        received = io.BytesIO()
        run_in_threads(lambda function: function(0), [send, receive])
        assert process.wait(LONG) == 0
    assert received.getvalue() == data
    with running_container.popen(['cat']) as process:
        process.stdin.write(bytearray(b'ab'))
        process.stdin.close()
        block = bytearray(9)
        assert process.stdout.readinto(block) == 2
        assert process.stdout.read1(5) == b''


def test_communicate(running_container):
    data = os.urandom(1000000)
    with running_container.popen(['cat']) as process:
        assert process.communicate(data) == (data, b'')
        assert process.returncode == 0
    with running_container.popen(
            ['sh', '-c', 'cat; echo oh >&2'], text=True) as process:
        assert process.communicate(u'\xe4\n') == (u'\xe4\n', u'oh\n')


def test_communicate_goes_on_after_a_timeout(running_container):
    with running_container.popen(
            ['sh', '-c', 'echo 1; sleep 1; echo 2'], text=True) as process:
        assert process.stdout.readline() == u'1\n'
        with pytest.raises(exceptions.CommandTimeout):
            process.communicate(timeout=0.2)
        with pytest.raises(ValueError):
            process.communicate(u'too late')
        assert process.communicate() == (u'2\n', u'')
        assert process.returncode == 0
    with running_container.popen(['sh', '-c', 'echo 1; sleep 1']) as process:
        with pytest.raises(exceptions.CommandTimeout) as caught:
            process.communicate(timeout=0.5)
        assert (caught.value.stdout, caught.value.stderr) == (b'1\n', b'')


@pytest.mark.real_server
def test_a_timeout_of_the_whole_process(running_container):
    """``tail -f`` for a second; the line that is incomplete is not lost."""
    running_container.execute(
        ['sh', '-c', r'printf "1\n2\npart" > /tmp/log'], check=True)
    for text, rest in (True, u'part'), (False, b'part'):
        with running_container.popen(
                ['tail', '-f', '/tmp/log'], text=text, timeout=1) as process:
            lines = []
            with pytest.raises(exceptions.CommandTimeout) as caught:
                for line in process.stdout:
                    lines.append(line.strip())
            assert len(lines) == 2 and caught.value.stdout == rest
            for call in (process.stdout.readline, process.stdout.read,
                         process.wait, process.communicate):
                with pytest.raises(exceptions.CommandTimeout):
                    call()
        assert find_processes(running_container, 'tail -f') == []


@pytest.mark.real_server
def test_signals(running_container):
    with running_container.popen(['sleep', '996']) as process:
        with pytest.raises(exceptions.CommandTimeout) as caught:
            process.wait(0.2)
        assert str(caught.value) == "'sleep' in {} did not end within 0.2 s" \
            .format(running_container.name)
        process.terminate()
        assert process.wait(LONG) == 128 + 15
        process.kill()  # which has no effect
        assert process.poll() == 128 + 15
    with running_container.popen(['sleep', '996']) as process:
        process.kill()
        assert process.wait(LONG) == 128 + 9
    script = ("trap 'echo hup; exit 6' HUP; echo ready; "
              "while :; do sleep 0.1; done")
    with running_container.popen(['sh', '-c', script]) as process:
        assert process.stdout.readline() == b'ready\n'
        process.send_signal(1)
        assert process.stdout.read() == b'hup\n'
    assert process.returncode == 6
    assert find_processes(running_container, 'sleep 996') == []


@pytest.mark.real_server
def test_a_block_that_is_left_kills_the_command(running_container):
    with running_container.popen(['sleep', '997']) as process:
        pass
    assert find_processes(running_container, 'sleep 997') == []
    assert process.returncode == 128 + 9
    with pytest.raises(LookupError):
        with running_container.popen(
                ['sh', '-c', 'exec sleep 997']) as process:
            raise LookupError()
    assert find_processes(running_container, 'sleep 997') == []


@pytest.mark.real_server
def test_a_process_that_is_dropped_is_killed(running_container):
    process = running_container.popen(['sleep', '998'])
    wait_until(lambda: find_processes(running_container, 'sleep 998'))
    del process  # without a garbage collection
    wait_until(lambda: not find_processes(running_container, 'sleep 998'))


@pytest.mark.real_server
def test_a_killed_command_that_leaves_a_process_behind(running_container):
    """LXD 5.0.2 does not end the operation as long as that has the output."""
    started = time.time()
    with running_container.popen(
            ['sh', '-c', 'sleep 9 & sleep 999']) as process:
        wait_until(lambda: find_processes(running_container, 'sleep 999'))
        process.kill()
        assert process.wait() == 128 + 9
    assert time.time() - started < 8
    assert find_processes(running_container, 'sh -c') == []


def test_an_exit_code_that_the_server_has_forgotten(running_container):
    """It forgets the operation five seconds after its end."""
    with running_container.popen(['sh', '-c', 'echo x; exit 3']) as process:
        wait_until(lambda: is_forgotten(running_container.operation))
        assert process.wait() == 3
        assert process.stdout.read() == b'x\n'


def is_forgotten(operation):
    try:
        operation.sync()
    except exceptions.NotFound:
        return True
    return False


def test_wait_with_output_that_was_not_read(running_container):
    script = 'cat /etc/passwd /etc/passwd; echo oh >&2; exit 3'
    with running_container.popen(['sh', '-c', script]) as process:
        assert process.wait(LONG) == 3
        assert process.stdout.read() != b''
        assert process.stderr.read() == b'oh\n'


@pytest.mark.real_server
def test_a_slow_reader_stops_the_command(running_container):
    script = ('i=0; while echo $i > /tmp/count; do '
              'i=$((i+1)); head -c 99999 /dev/zero; done')
    with running_container.popen(['sh', '-c', script]) as process:
        assert process.stdout.read(10) == bytes(bytearray(10))
        counts = [0, 1]
        while counts[-1] != counts[-2]:
            time.sleep(0.3)
            counts.append(running_container.execute(
                ['cat', '/tmp/count']).stdout)
        assert int(counts[-1]) < 100
        assert len(process._sources[0].kept) < 1000000
        process.stdout.read(20000000)
        assert running_container.execute(
            ['cat', '/tmp/count']).stdout != counts[-1]


@pytest.mark.real_server
def test_input_that_the_command_does_not_read(running_container):
    with running_container.popen(['true']) as process:
        with pytest.raises(EnvironmentError) as caught:
            while True:
                process.stdin.write(b'x' * 65536)
        assert caught.value.errno == 32
        if not six.PY2:
            assert type(caught.value) is BrokenPipeError
        assert process.wait(LONG) == 0


@pytest.mark.real_server
def test_a_command_that_does_not_exist(running_container):
    for start in running_container.popen, running_container.terminal:
        with start(['no-such-command']) as process:
            with pytest.raises(exceptions.OperationFailed) as caught:
                process.wait(LONG)
        assert 'not found' in str(caught.value)


@pytest.mark.real_server
def test_commands_in_a_stopped_container(lxd_client, container):
    for start in container.popen, container.terminal, container.execute:
        with pytest.raises(exceptions.LXDAPIException) as caught:
            start(['true'])
        assert 'not running' in str(caught.value)


def test_wrong_arguments(running_container):
    running_container.sync()
    before = running_container.operation
    for start in (running_container.popen, running_container.terminal,
                  running_container.execute):
        for wrong in 'ls', [], [1], None:
            if wrong is not None or start != running_container.terminal:
                with pytest.raises((TypeError, ValueError)):
                    start(wrong)
    assert running_container.operation is before
    with running_container.popen(['cat']) as process:
        with pytest.raises(TypeError):
            process.stdin.write(u'text')


# -- terminals

@pytest.mark.real_server
def test_a_terminal(running_container):
    with running_container.terminal(['sh'], 100, 30) as terminal:
        assert isinstance(terminal, Terminal)
        read_until(terminal, b'# ')
        terminal.send(u'stty size; echo $TERM\r')
        assert b'30 100' in read_until(terminal, b'xterm')
        terminal.resize(70, 20)
        terminal.send(b'stty size\r')
        read_until(terminal, b'20 70')
        terminal.send('sleep 1001\r')
        wait_until(lambda: find_processes(running_container, 'sleep 1001'))
        terminal.send('\x03')
        wait_until(lambda: not find_processes(
            running_container, 'sleep 1001'))
        terminal.send(u'echo \xe4 | wc -c\r')
        read_until(terminal, b'\n3\r\n')
        terminal.send('exit 3\r')
        # LXD 5.0.2 may lose what is printed last
        b''.join(terminal)
        assert terminal.read() == b''
        assert terminal.wait(LONG) == 3 == terminal.returncode
        with pytest.raises(exceptions.StreamBroken):
            terminal.send('x')


@pytest.mark.real_server
def test_reading_a_terminal(running_container):
    with running_container.terminal(['cat']) as terminal:
        with pytest.raises(exceptions.OperationTimeout):
            terminal.read(timeout=0.1)
        with pytest.raises(exceptions.OperationTimeout):
            terminal.read(timeout=0)
        terminal.send('abc')
        assert read_until(terminal, b'abc') == b'abc'
        terminal.send('def')
        assert terminal.read(1, LONG) == b'd'
        assert terminal.fileno() > 0
        terminal.signal(15)
        assert terminal.wait(LONG) == 128 + 15


@pytest.mark.real_server
def test_a_terminal_hangs_up(running_container):
    with running_container.terminal(['sh']) as terminal:
        terminal.send('sleep 1002\r')
        wait_until(lambda: find_processes(running_container, 'sleep 1002'))
    wait_until(lambda: not find_processes(running_container, 'sleep 1002'))
    assert terminal.returncode is not None


@pytest.mark.real_server
def test_the_login_shell(running_container):
    with running_container.terminal() as terminal:
        terminal.send('echo $((6*7)) $HOME $0\r')
        read_until(terminal, b'42 /root -')


@pytest.mark.real_server
def test_the_console(lxd_client, name):
    container = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)
    container.start(wait=True)
    with container.console() as console:
        console.resize(90, 20)
        with pytest.raises(exceptions.OperationTimeout):
            console.read(timeout=0.1)
    with container.console() as console:
        container.stop(wait=True)
        assert console.wait(LONG) == 0
    with pytest.raises(exceptions.LXDAPIException):
        container.console()
    container.start(wait=True)
    assert container.execute(['true']).exit_code == 0


@pytest.mark.real_server
def test_the_log_of_a_container_that_does_not_start(lxd_client, bootable):
    container = bootable
    container.files.delete('/sbin/init')
    container.files.put(
        '/sbin/init', '#!/bin/sh\necho no disk\nexit 1\n', mode=0o755)
    container.start(wait=True)

    def is_stopped():
        container.sync()
        return container.status == 'Stopped'

    def has_log():
        """While it still ends, Incus 6.0 answers "connection refused"."""
        try:
            return container.console_log() == b'no disk\r\n'
        except exceptions.LXDAPIException:
            return False

    wait_until(is_stopped)
    wait_until(has_log)
    container.clear_console_log()
    assert container.console_log() == b''

    def is_deleted():
        try:
            container.delete(wait=True)
        except exceptions.OperationFailed:  # LXD still cleans up for a while
            return False
        return True

    wait_until(is_deleted)
