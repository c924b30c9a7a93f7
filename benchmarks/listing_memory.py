"""Measure the memory that a list of instances occupies.

``python -m benchmarks.listing_memory SOCKET WHAT`` loads the list in a process
of its own and prints megabytes. ``WHAT`` is ``json`` for the parsed answer to
one request with ``recursion=1``, or ``objects`` for the list of
`containers.all` after ``status`` and ``config`` of each container have been
read.

The figure is the resident memory while the list is held, minus the memory
before the request. It includes the caches of the client, and the memory that
the allocator keeps after the text of the response was freed.
"""
import gc
import subprocess
import sys

from pylxd import Client

from benchmarks import floor
from benchmarks.measure import read_memory


def load_json(path, _):
    return floor.request(floor.UnixConnection(path), 'GET',
                         '/1.0/instances?recursion=1')


def load_objects(_, client):
    containers = client.containers.all()
    for container in containers:
        container.status, container.config
    return containers


def measure_memory(path, what):
    """Return the megabytes that this module finds, run in a process."""
    return float(subprocess.check_output(
        [sys.executable, '-m', __name__, path, what]))


def main(path, what):
    load = {'json': load_json, 'objects': load_objects}[what]
    client = Client(path)
    idle = read_memory('VmRSS')
    held = load(path, client)
    gc.collect()
    print(read_memory('VmRSS') - idle)
    del held


if __name__ == '__main__':
    main(*sys.argv[1:])
