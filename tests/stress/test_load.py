"""Many threads at once: no result is lost or mixed up, nothing leaks."""
import contextlib
import json
import threading

import pytest

from pylxd import testing
from pylxd.transport.websocket import EventsClient
from helpers import run_in_threads, unique_name

from .support import Usage, clock

#: Megabytes by which the memory of the process may grow under any load.
GROWTH = 60


@contextlib.contextmanager
def measure_usage(add_row, label):
    """Add a row with the usage of a block; fail if the block leaks."""
    before, started = Usage(), clock()
    yield
    seconds, after = clock() - started, before.assert_same()
    assert after.rss - before.rss < GROWTH
    add_row('load', label, '{:.1f}'.format(seconds), *[
        '{} -> {}'.format(getattr(before, each), getattr(after, each))
        for each in ('descriptors', 'threads', 'rss')])


@pytest.mark.trap('exec-lossless')
def test_commands_from_50_threads(lxd, running, scale, add_row):
    """Each of 50 threads gets the whole output of its own commands."""
    count, results = scale(4, 20), {}

    with measure_usage(
            add_row, '{} executes from 50 threads'.format(50 * count)):
        client = lxd.client()
        container = client.containers.get(running.name)

        def execute_in_turn(number):
            for place in range(count):
                word = '{}-{}'.format(number, place)
                results[word] = container.execute(
                    ['sh', '-c', 'echo "$0"; echo "$0 $0" >&2', word])

        run_in_threads(execute_in_turn, range(50))
        client.close()
    assert len(results) == 50 * count
    assert all(result == (word + '\n', '{0} {0}\n'.format(word))
               and result.exit_code == 0 for word, result in results.items())


@pytest.mark.trap('exec-lossless')
def test_processes_at_once(lxd, running, scale, add_row):
    """Each of 200 processes, all alive at the same time, gets its output."""
    count = scale(20, 200)
    with measure_usage(add_row, '{} processes at once'.format(count)):
        client = lxd.client()
        container = client.containers.get(running.name)
        processes, outputs = {}, {}

        def start(number):
            processes[number] = container.popen(['cat'], text=True)

        def communicate(number):
            with processes[number] as process:
                outputs[number] = process.communicate(
                    u'{}\n'.format(number)) + (process.returncode,)

        run_in_threads(start, range(count))
        run_in_threads(communicate, range(count))
        processes.clear()
        client.close()
    assert outputs == {number: (u'{}\n'.format(number), u'', 0)
                       for number in range(count)}


@pytest.mark.parametrize('start', ['execute', 'popen'])
def test_commands_one_after_another(lxd, running, scale, add_row, start):
    count = scale(50, 5000)
    with measure_usage(
            add_row, '{} commands by {}'.format(count, start)):
        client = lxd.client()
        container = client.containers.get(running.name)
        for number in range(count):
            word = u'{}\n'.format(number)
            command = ['echo', str(number)]
            if start == 'execute':
                assert container.execute(command) == (word, u'')
            else:
                with container.popen(command, text=True) as process:
                    assert process.stdout.read() == word
                assert process.returncode == 0
        client.close()


def test_big_output(lxd, running, scale, add_row):
    """The output of a process goes into a file, and not into the memory."""
    megabytes = scale(20, 1000)
    if isinstance(lxd, testing.FakeLXD):
        pytest.skip('the stand-in has no command with a big output')
    with measure_usage(add_row, '{} MB of output'.format(megabytes)):
        client = lxd.client()
        container = client.containers.get(running.name)
        with container.popen(['head', '-c', str(megabytes << 20),
                              '/dev/zero']) as process:
            received = sum(map(len, iter(
                lambda: process.stdout.read(1 << 20), b'')))
        client.close()
    assert (received, process.returncode) == (megabytes << 20, 0)


def test_requests_from_16_threads(lxd, scale, add_row):
    """Each of 16 threads of one client gets the responses to its requests."""
    count, names = scale(60, 625), [unique_name() for _ in range(16)]
    client = lxd.client()
    for name in names:
        client.profiles.create(name, {'user.name': name}, description=name)
    client.close()
    try:
        with measure_usage(
                add_row, '{} requests from 16 threads'.format(16 * count)):
            client = lxd.client()

            def send_requests(number):
                name = names[number]
                for _ in range(count):
                    response = client.api.profiles[name].get()
                    metadata = response.json()['metadata']
                    assert (metadata['name'], metadata['description']) == (
                        name, name)
                    assert metadata['config']['user.name'] == name

            run_in_threads(send_requests, range(16))
            client.close()
    finally:
        for name in names:
            client.profiles.get(name).delete()
        client.close()


class CollectingClient(EventsClient):
    """A listener that closes at the event about its ``last`` profile."""

    def received_message(self, message):
        super(CollectingClient, self).received_message(message)
        self.is_listening.set()
        if self.last in json.dumps(self.messages[-1]):
            self.close()


def test_events_for_200_listeners(lxd, scale, add_row):
    """Each of 200 listeners gets each event, once and in order."""
    count, listeners = scale(20, 100), []
    names = [unique_name() for _ in range(count)]
    with measure_usage(
            add_row, '200 listeners, {} events each'.format(2 * count)):
        with lxd.client() as client:
            threads = []
            for _ in range(200):
                listener = client.events(CollectingClient, ['lifecycle'])
                listener.last = names[-1]
                listener.is_listening = threading.Event()
                listener.connect()
                listeners.append(listener)
                threads.append(threading.Thread(target=listener.run))
                threads[-1].start()
            # LXD answers the handshake before it adds the listener
            while not all(listener.is_listening.wait(0.1)
                          for listener in listeners):
                client.profiles.create('before').delete()
            for name in names:
                client.profiles.create(name)
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()
            for name in names:
                client.profiles.get(name).delete()
    for listener in listeners:
        seen = [event['metadata']['source'].rpartition('/')[2]
                for event in listener.messages
                if event['metadata']['action'] == 'profile-created'
                and not event['metadata']['source'].endswith('/before')]
        assert seen == names
