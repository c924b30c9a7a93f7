"""Many change one container at once: every change is there at the end."""
import subprocess
import sys
import threading

import pytest

from pylxd import exceptions

from .support import clock

#: What each of the processes does, with its own keys.
CHANGES = '''
import sys
from pylxd import Client
path, name, me, count = sys.argv[1:]
with Client(path) as client:
    container = client.containers.get(name)
    for number in range(int(count)):
        container.config['user.{}.{}'.format(me, number)] = me
        container.save(wait=int(number) % 2 == 0)
    container.save(wait=True)
'''
PROCESSES = 8


def test_own_keys(lxd, running, size, table):
    """Processes change keys of their own, while the state changes too."""
    each, started, states = size(5, 100), clock(), 0
    client, pause = lxd.client(), threading.Event()
    container = client.containers.get(running.name)
    workers = [subprocess.Popen(
        [sys.executable, '-c', CHANGES, lxd.socket, running.name,
         str(worker), str(each)]) for worker in range(PROCESSES)]
    try:
        while any(worker.poll() is None for worker in workers):
            try:
                # Which also changes its volatile.* keys, and so its ETag
                (container.start if states % 2 else container.stop)(wait=True)
                states += 1
            except exceptions.LXDAPIException:
                pass  # the server is busy with a change
            pause.wait(0.3)  # some saves come through meanwhile
        assert [worker.wait() for worker in workers] == [0] * PROCESSES
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        container.sync(rollback=True)
        if container.status != 'Running':
            container.start(wait=True)
    took = clock() - started
    present = {key: value for key, value in container.config.items()
               if key.startswith('user.')}
    wanted = {'user.{}.{}'.format(worker, number): str(worker)
              for worker in range(PROCESSES) for number in range(each)}
    for key in wanted:
        container.config.pop(key, None)
    container.save(wait=True)
    client.close()
    assert present == dict(present, **wanted)
    assert states
    table('updates', '{} processes, {} keys each'.format(PROCESSES, each),
          '{} of {}'.format(len(set(present) & set(wanted)), len(wanted)),
          '{:.1f}'.format(took), states)


def test_the_same_key(lxd, container, size, table):
    """One of two gets Conflict, and keeps what it wanted."""
    tries, started = size(3, 30), clock()
    clients = [lxd.client(), lxd.client()]
    for number in range(tries):
        both = [client.containers.get(container.name) for client in clients]
        conflicts = []
        begin = threading.Event()

        def change(mine, value):
            mine.config['user.same'] = value
            begin.wait(10)
            try:
                mine.save(wait=True)
            except exceptions.Conflict as conflict:
                conflicts.append((mine, value, conflict))

        values = ['{}-{}'.format(number, place) for place in (0, 1)]
        threads = [threading.Thread(target=change, args=each)
                   for each in zip(both, values)]
        for thread in threads:
            thread.start()
        begin.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        (loser, value, conflict), = conflicts
        assert conflict.keys == ('config.user.same',)
        assert loser.config['user.same'] == value and loser.dirty
        stored = clients[0].containers.get(container.name)
        assert stored.config['user.same'] in set(values) - {value}
        # Who insists looks first, and is heard then
        loser.sync()
        assert loser.config['user.same'] == value
        loser.save(wait=True)
        stored.sync()
        assert stored.config['user.same'] == value
    for client in clients:
        client.close()
    table('updates', 'the same key from two, {} times'.format(tries),
          'one, and one Conflict', '{:.1f}'.format(clock() - started), '-')


@pytest.mark.parametrize('wait', [True, False])
def test_one_after_another(lxd, container, wait):
    """A save that sees an older state merges what came between."""
    first, second = [lxd.client().containers.get(container.name)
                     for _ in range(2)]
    first.config['user.a'] = '1'
    first.save(wait=wait)
    second.config['user.b'] = '2'
    second.save(wait=True)
    second.sync()
    assert (second.config['user.a'], second.config['user.b']) == ('1', '2')
    first.client.close()
    second.client.close()
