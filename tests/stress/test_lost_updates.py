"""Several clients change one container at once: no change is lost."""
import subprocess
import sys
import threading

import pytest

from helpers import run_in_threads
from pylxd import exceptions

from .support import clock

#: The program of each process, which changes its own keys.
WORKER = '''
import sys
from pylxd import Client
path, name, worker, count = sys.argv[1:]
with Client(path) as client:
    container = client.containers.get(name)
    for number in range(int(count)):
        container.config['user.{}.{}'.format(worker, number)] = worker
        container.save(wait=int(number) % 2 == 0)
    container.save(wait=True)
'''
PROCESSES = 8


def test_processes_change_their_own_keys(lxd, running, scale, add_row):
    """Processes change their own keys while the container starts and stops."""
    count, started, states = scale(5, 100), clock(), 0
    client, pause = lxd.client(), threading.Event()
    container = client.containers.get(running.name)
    workers = [subprocess.Popen(
        [sys.executable, '-c', WORKER, lxd.socket, running.name,
         str(worker), str(count)]) for worker in range(PROCESSES)]
    try:
        while any(worker.poll() is None for worker in workers):
            try:
                # Changes volatile.* keys too, and so the ETag
                (container.start if states % 2 else container.stop)(wait=True)
                states += 1
            except exceptions.LXDAPIException:
                pass  # the server is busy with a save
            pause.wait(0.3)  # lets saves succeed in between
        assert [worker.wait() for worker in workers] == [0] * PROCESSES
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        container.sync(rollback=True)
        if container.status != 'Running':
            container.start(wait=True)
    seconds = clock() - started
    present = {key: value for key, value in container.config.items()
               if key.startswith('user.')}
    wanted = {'user.{}.{}'.format(worker, number): str(worker)
              for worker in range(PROCESSES) for number in range(count)}
    for key in wanted:
        container.config.pop(key, None)
    container.save(wait=True)
    client.close()
    assert present == dict(present, **wanted)
    assert states
    add_row('updates', '{} processes, {} keys each'.format(PROCESSES, count),
            '{} of {}'.format(len(set(present) & set(wanted)), len(wanted)),
            '{:.1f}'.format(seconds), states)


def test_two_saves_of_the_same_key(lxd, container, scale, add_row):
    """Of two saves of one key, one raises `Conflict` and keeps its change.

    Both objects have noticed another client: without that, a server may
    accept both saves (doc/reliability.rst).
    """
    tries, started = scale(3, 30), clock()
    clients = [lxd.client(), lxd.client()]
    for number in range(tries):
        containers = [client.containers.get(container.name)
                      for client in clients]
        for own in containers:
            own._get_other_clients().notice()
        conflicts = []

        def change_and_save(pair):
            own, value = pair
            own.config['user.same'] = value
            try:
                own.save(wait=True)
            except exceptions.Conflict as conflict:
                conflicts.append((own, value, conflict))

        values = ['{}-{}'.format(number, place) for place in (0, 1)]
        run_in_threads(change_and_save, zip(containers, values))
        (loser, value, conflict), = conflicts
        assert conflict.keys == ('config.user.same',)
        assert loser.config['user.same'] == value and loser.dirty
        stored = clients[0].containers.get(container.name)
        assert stored.config['user.same'] in set(values) - {value}
        # After a sync, the next save overwrites
        loser.sync()
        assert loser.config['user.same'] == value
        loser.save(wait=True)
        stored.sync()
        assert stored.config['user.same'] == value
    for client in clients:
        client.close()
    add_row('updates', 'the same key from two, {} times'.format(tries),
            'one, and one Conflict', '{:.1f}'.format(clock() - started), '-')


@pytest.mark.parametrize('wait', [True, False])
def test_a_save_merges_an_earlier_change(lxd, container, wait):
    """A save merges a change that another client made since the load."""
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
