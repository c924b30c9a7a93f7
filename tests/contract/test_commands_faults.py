"""Commands whose use or whose server goes wrong: threads, forks, faults."""
import gc
import os
import threading
import time

import pytest
import wire

from helpers import BUSYBOX, run_in_threads, unique_name
from pylxd import exceptions

#: Seconds after which something is taken to hang.
LONG = 20

COUNT = u''.join(u'{}\n'.format(number) for number in range(1, 30001)).encode()


def run_in_background(function):
    """Call a function in a thread; return its results, a list, and a join.
    """
    results = []

    def run():
        try:
            results.append(function())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.daemon = True
    thread.start()

    def join():
        thread.join(LONG)
        assert not thread.is_alive()
        return results[0]
    return join


# -- threads

@pytest.mark.real_server
def test_communicate_after_the_end_was_seen(running_container):
    """What arrived during wait() is not lost."""
    process = running_container.popen(
        ['sh', '-c', 'echo early; sleep 0.5; echo late; exit 3'])
    with pytest.raises(exceptions.CommandTimeout) as caught:
        process.communicate(timeout=0.2)
    assert caught.value.stdout in (b'', b'early\n')
    assert process.wait(LONG) == 3
    assert process.communicate() == (b'early\nlate\n', b'')
    process.close()


@pytest.mark.real_server
def test_communicate_while_another_thread_polls(running_container):
    for _ in range(5):
        with running_container.popen(['seq', '30000']) as process:
            join = run_in_background(process.communicate)
            while process.poll() is None:
                pass
            assert join() == (COUNT, b'')


@pytest.mark.real_server
def test_a_slow_reader_while_another_thread_waits(running_container):
    def read():
        pieces = []
        while not pieces or pieces[-1]:
            pieces.append(process.stdout.read(4000))
            time.sleep(0.001)
        return b''.join(pieces)

    with running_container.popen(['seq', '30000']) as process:
        join = run_in_background(read)
        assert process.wait(LONG) == 0
        assert join() == COUNT


@pytest.mark.real_server
def test_several_threads_write_lines(running_container):
    def write(letter):
        for _ in range(200):
            process.stdin.write(letter * 3000 + b'\n')

    with running_container.popen(['cat']) as process:
        join = run_in_background(process.stdout.read)
        run_in_threads(write, [b'a', b'b'])
        process.stdin.close()
        lines = join().split()
    assert sorted(lines) == [b'a' * 3000] * 200 + [b'b' * 3000] * 200


@pytest.mark.real_server
@pytest.mark.parametrize('method', ['communicate', 'wait', 'read'])
def test_another_thread_closes(running_container, method):
    process = running_container.popen(['sleep', '996'])
    join = run_in_background(
        process.stdout.read if method == 'read' else getattr(process, method))
    time.sleep(0.2)
    process.close()
    result = join()
    assert result in (b'', (b'', b''), 137) or isinstance(
        result, exceptions.StreamBroken)
    assert 'sleep 996' not in running_container.execute(['ps']).stdout


@pytest.mark.real_server
def test_an_input_that_was_not_sent(running_container):
    """close() ends the thread that reads the input."""
    def make_input():
        while True:
            yield b'x' * 65536

    process = running_container.popen(['sleep', '996'])
    before = threading.active_count()
    with pytest.raises(exceptions.CommandTimeout):
        process.communicate(make_input(), timeout=0.3)
    assert threading.active_count() == before + 1
    process.close()
    end = time.time() + LONG
    while threading.active_count() > before:
        assert time.time() < end
        time.sleep(0.01)


# -- processes

@pytest.mark.real_server
@pytest.mark.parametrize('how', ['drop', 'close'])
def test_a_fork_leaves_the_command_to_its_parent(running_container, how):
    process = running_container.popen(
        ['sh', '-c', 'read line; echo $line; exit 3'])
    child = os.fork()
    if not child:
        try:
            if how == 'close':
                process.close()
            del process
            gc.collect()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert process.communicate(b'fine\n') == (b'fine\n', b'')
    assert process.returncode == 3
    process.close()


@pytest.mark.real_server
def test_the_output_of_a_dropped_process(running_container):
    """It is not empty: reading fails."""
    output = running_container.popen(['echo', 'x']).stdout
    gc.collect()
    with pytest.raises(exceptions.StreamBroken):
        output.read()


# -- arguments

def test_timeouts_that_are_no_numbers(lxd_client, running, sent):
    """The command is not started."""
    container = lxd_client.instances.get(running.name)
    del sent[:]
    for method in container.execute, container.popen:
        for timeout in '5', True, [1]:
            with pytest.raises(TypeError, match='timeout must be a number'):
                method(['true'], timeout=timeout)
        with pytest.raises(ValueError, match='timeout is NaN'):
            method(['true'], timeout=float('nan'))
    assert sent == []


def test_long_timeouts(running):
    """poll() takes 24 days at most."""
    for timeout in 10 ** 7, 10 ** 30, float('inf'):
        assert running.execute(['true'], timeout=timeout).exit_code == 0


@pytest.mark.real_server
def test_long_timeouts_of_processes(running):
    for timeout in 10 ** 7, float('inf'):
        with running.popen(['cat'], timeout=timeout) as process:
            process.stdin.close()
            assert process.stdout.read() == b''
            assert process.wait(timeout) == 0


@pytest.mark.real_server
def test_sizes_of_reads_of_a_terminal(running):
    with running.terminal(['cat']) as terminal:
        for size in 0, -1:
            with pytest.raises(ValueError):
                terminal.read(size)


# -- faults

def read_console(container):
    with container.console() as console:
        return console.read()


def read_terminal(container):
    with container.terminal(['sleep', '997']) as terminal:
        return terminal.read()


def communicate(container):
    with container.popen(['sleep', '997']) as process:
        return process.communicate()


def write(container):
    with container.popen(['sleep', '997']) as process:
        while True:
            process.stdin.write(b'x' * 65536)


def read(container):
    with container.popen(['sleep', '997']) as process:
        return process.stdout.read()


def wait(container):
    with container.popen(['sleep', '997']) as process:
        return process.wait()


def execute(container):
    return container.execute(['sleep', '997'])


USES = [execute, read, wait, write, communicate, read_terminal, read_console]


@pytest.mark.real_server
def test_a_killed_server(another_kit):
    with another_kit.client() as client:
        container = client.instances.create(
            {'name': unique_name(), 'source': BUSYBOX}, wait=True)
        container.start(wait=True)
        joins = [run_in_background(lambda use=use: use(container))
                 for use in USES]
        time.sleep(1)
        another_kit.kill()
        errors = [join() for join in joins]
    for use, error in zip(USES, errors):
        assert isinstance(error, {
            write: EnvironmentError, wait: exceptions.ClientConnectionFailed
        }.get(use, exceptions.StreamBroken)), (use, error)


@pytest.mark.real_server
def test_cut_connections(lxd, running):
    """The server kills the commands."""
    with wire.Proxy(lxd.socket, path=True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            container = client.instances.get(running.name)
            joins = [run_in_background(lambda use=use: use(container))
                     for use in USES]
            time.sleep(1)
            proxy.close_connections()
            results = [join() for join in joins]
    for use, result in zip(USES, results):
        # wait() connects again, which the proxy may have cut as well
        assert use is wait and result == 137 or isinstance(result, {
            write: EnvironmentError, wait: exceptions.ClientConnectionFailed
        }.get(use, exceptions.StreamBroken)), (use, result)
    end = time.time() + LONG
    while 'sleep 997' in running.execute(['ps']).stdout:
        assert time.time() < end
        time.sleep(0.05)


@pytest.mark.real_server
def test_a_stopped_container(lxd_client, bootable):
    # LXD 5.0.2 crashes once in ten times if a container with a console stops
    uses = [use for use in USES if use is not read_console]
    bootable.start(wait=True)
    joins = [run_in_background(lambda use=use: use(bootable)) for use in uses]
    time.sleep(1)
    bootable.stop(force=True, wait=True)
    results = dict(zip(uses, [join() for join in joins]))
    assert results[execute].exit_code == results[wait] == 137
    assert results[read] == results[read_terminal] == b''
    assert results[communicate] == (b'', b'')
    assert isinstance(results[write], EnvironmentError)


@pytest.mark.real_server
def test_a_timeout_in_a_frozen_container(bootable):
    """The older control groups kill it as soon as it goes on."""
    bootable.start(wait=True)
    join = run_in_background(
        lambda: bootable.execute(['sleep', '998'], timeout=1))
    time.sleep(0.5)
    started = time.time()
    bootable.freeze(wait=True)
    assert isinstance(join(), exceptions.CommandTimeout)
    assert time.time() - started < 8
    bootable.unfreeze(wait=True)
    end = time.time() + LONG
    while 'sleep 998' in bootable.execute(['ps']).stdout:
        assert time.time() < end
        time.sleep(0.05)
