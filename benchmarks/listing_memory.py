"""Measure the memory that a list of instances occupies.

``python -m benchmarks.listing_memory SOCKET WHAT`` runs in a process of its
own and prints bytes. ``WHAT`` is ``json`` for the parsed answer to one request
with ``recursion=1``, or ``objects`` for the list of `containers.all` after
``status`` and ``config`` of each container have been read.

Counted is the memory that `tracemalloc` knows to be allocated while the list
is held, so the client and whatever it caches count too. The text of the
answer, which is freed before, does not count; nor do imports and connections,
because the same is done once before.
"""
import gc
import subprocess
import sys

from pylxd import Client

from benchmarks import floor


def load_json(path, _):
    return floor.request(floor.UnixConnection(path), 'GET',
                         '/1.0/instances?recursion=1')


def load_objects(_, client):
    containers = client.containers.all()
    for container in containers:
        container.status, container.config
    return containers


def measure_memory(path, what):
    """Return the bytes that this module finds, run in another process."""
    return int(subprocess.check_output(
        [sys.executable, '-m', __name__, path, what]))


def main(path, what):
    import tracemalloc  # Python 2 has none
    load = {'json': load_json, 'objects': load_objects}[what]
    client = Client(path)
    load(path, client)
    gc.collect()
    tracemalloc.start()
    held = load(path, client)
    gc.collect()
    print(tracemalloc.get_traced_memory()[0])
    del held


if __name__ == '__main__':
    main(*sys.argv[1:])
