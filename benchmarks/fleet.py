"""One command on each of many servers, from threads: what it costs.

``python -m benchmarks.fleet serve COUNT CERTIFICATE`` runs stand-ins until its
input ends, and prints their addresses. ``python -m benchmarks.fleet run
CERTIFICATE KEY`` reads these, runs a command on one server, then on all of
them from ten threads, and prints what the clients of the others cost.
"""
import json
import os
import subprocess
import sys
from multiprocessing.pool import ThreadPool

from pylxd import Client
from pylxd.testing import FakeLXD

from benchmarks.measure import clock, read_memory

#: How many threads run the command.
THREADS = 10


def measure_fleet(count, cert):
    """Return the costs of a fleet of stand-ins, over HTTPS.

    :param count: the number of servers.
    :param cert: the paths of a certificate and its key.
    :return: a dict with ``memory``, in megabytes for each server;
        ``connections``, those that are open afterwards, for each server; and
        ``seconds``.
    """
    arguments = [sys.executable, '-m', __name__]
    servers = subprocess.Popen(
        arguments + ['serve', str(count), cert[0]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        addresses = servers.stdout.readline()
        process = subprocess.Popen(
            arguments + ['run'] + list(cert), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        return json.loads(process.communicate(addresses)[0].decode())
    finally:
        servers.communicate()


def serve(count, certificate):
    """Run stand-ins, each with a running container, until the input ends."""
    with open(certificate) as pem:
        text = pem.read()
    kits = [FakeLXD() for _ in range(int(count))]
    for kit in kits:
        with kit.client() as client:
            client.certificates.create('', text)
            client.containers.launch('busybox', 'c1')
    print(json.dumps([(kit.endpoint, kit.certificate) for kit in kits]))
    sys.stdout.flush()
    sys.stdin.read()
    for kit in kits:
        kit.close()


def run(*cert):
    """Run the command, and print what the clients cost."""
    def execute(address):
        client = Client(address[0], cert=cert, verify=address[1])
        clients.append(client)
        assert client.containers.get('c1').execute(['true']).exit_code == 0

    clients = []
    addresses = json.loads(sys.stdin.readline())
    pool = ThreadPool(THREADS)
    pool.map(execute, addresses[:1])
    idle, sockets, begin = read_memory('VmRSS'), count_sockets(), clock()
    pool.map(execute, addresses[1:], 1)
    others = len(addresses) - 1.0
    print(json.dumps({
        'seconds': clock() - begin,
        'memory': (read_memory('VmRSS') - idle) / others,
        'connections': (count_sockets() - sockets) / others}))


def count_sockets():
    """Return how many sockets this process has open."""
    paths = ['/proc/self/fd/' + name for name in os.listdir('/proc/self/fd')]
    return sum(os.path.lexists(path) and os.readlink(path).startswith(
        'socket:') for path in paths)


if __name__ == '__main__':
    {'serve': serve, 'run': run}[sys.argv[1]](*sys.argv[2:])
