"""Many at once: nothing is lost, mixed up or leaked."""
import contextlib
import json
import threading

import pytest

from pylxd.transport.websocket import EventsClient
from helpers import unique_name

from .support import Usage, clock

#: What memory may grow by, in MB, whatever the load.
GROWTH = 60


@contextlib.contextmanager
def measured(table, what):
    """A row of the table of loads; fails where something leaks."""
    before, started = Usage(), clock()
    yield
    took, after = clock() - started, before.assert_same()
    assert after.rss - before.rss < GROWTH
    table('load', what, '{:.1f}'.format(took), *[
        '{} -> {}'.format(getattr(before, each), getattr(after, each))
        for each in ('descriptors', 'threads', 'rss')])


def together(count, task):
    """``task(number)`` in so many threads; what went wrong in them."""
    failures = []
    begin = threading.Event()

    def run(number):
        begin.wait(60)
        try:
            task(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,))
               for number in range(count)]
    for thread in threads:
        thread.start()
    begin.set()
    for thread in threads:
        thread.join()
    return failures


@pytest.mark.trap('exec-lossless')
def test_executes(lxd, running, size, table):
    """Each command's output is its caller's, and whole."""
    each, results = size(4, 20), {}

    with measured(table, '{} executes from 50 threads'.format(50 * each)):
        client = lxd.client()
        container = client.containers.get(running.name)

        def task(number):
            for place in range(each):
                word = '{}-{}'.format(number, place)
                results[word] = container.execute(
                    ['sh', '-c', 'echo "$0"; echo "$0 $0" >&2', word])

        assert together(50, task) == []
        client.close()
    assert len(results) == 50 * each
    assert all(result == (word + '\n', '{0} {0}\n'.format(word))
               and result.exit_code == 0 for word, result in results.items())


def test_requests(lxd, size, table):
    """16 threads ask through one client; each gets what it asked for."""
    each, names = size(60, 625), [unique_name() for _ in range(16)]
    client = lxd.client()
    for name in names:
        client.profiles.create(name, {'user.name': name}, description=name)
    client.close()
    try:
        with measured(table, '{} requests from 16 threads'.format(16 * each)):
            client = lxd.client()

            def task(number):
                name = names[number]
                for _ in range(each):
                    got = client.api.profiles[name].get().json()['metadata']
                    assert (got['name'], got['description']) == (name, name)
                    assert got['config']['user.name'] == name

            assert together(16, task) == []
            client.close()
    finally:
        for name in names:
            client.profiles.get(name).delete()
        client.close()


class Counting(EventsClient):
    """Closes when it has seen an event about the last name."""

    def received_message(self, message):
        super(Counting, self).received_message(message)
        self.listens.set()
        if self.last in json.dumps(self.messages[-1]):
            self.close()


def test_listeners(lxd, size, table):
    """200 listeners: each gets each event, once and in its order."""
    count, listeners = size(20, 100), []
    names = [unique_name() for _ in range(count)]
    with measured(table, '200 listeners, {} events each'.format(2 * count)):
        with lxd.client() as client:
            threads = []
            for _ in range(200):
                listener = client.events(Counting, ['lifecycle'])
                listener.last, listener.listens = names[-1], threading.Event()
                listener.connect()
                listeners.append(listener)
                threads.append(threading.Thread(target=listener.run))
                threads[-1].start()
            # LXD answers a listener first, and lets it listen then
            while not all(listener.listens.wait(0.1)
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
