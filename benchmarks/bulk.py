"""One big transfer in a process of its own: how long, and in what memory.

``python -m benchmarks.bulk SOCKET TRANSFER FILE``; a container ``c1`` runs.
"""
import io
import json
import re
import subprocess
import sys
import time

from pylxd import Client, exceptions

clock = getattr(time, 'perf_counter', time.time)
REMOTE = '/root/big'


def files_get(client, path):
    with open(path, 'wb') as target:
        client.containers.get('c1').files.get(REMOTE, target)


def files_get_bytes(client, _):
    assert client.containers.get('c1').files.get(REMOTE)


def files_put(client, path):
    with open(path, 'rb') as source:
        client.containers.get('c1').files.put(REMOTE, source)


def files_put_bytes(client, path):
    with open(path, 'rb') as source:
        client.containers.get('c1').files.put(REMOTE, source.read())


def exec_output(client, path):
    with open(path, 'wb') as target:
        assert client.containers.get('c1').execute(
            ['cat', REMOTE], decode=False,
            stdout_handler=target.write).exit_code == 0


def exec_input(client, path):
    with open(path, 'rb') as source:
        assert client.containers.get('c1').execute(
            ['sh', '-c', 'cat >/dev/null'],
            stdin_payload=source).exit_code == 0


def image_create(client, path):
    with open(path, 'rb') as source:
        client.images.create(source, wait=True)


def image_export(client, path):
    image = next(each for each in client.images.all()
                 if each.filename == 'big')
    with open(path, 'wb') as target:
        image.export(target)


def _first_use(client):
    """All that is imported and kept when the first is done."""
    container = client.containers.get('c1')
    container.execute(['cat'], stdin_payload=b'x')
    container.files.put('/root/small', io.BytesIO(b'x'))
    container.files.get('/root/small', io.BytesIO())
    client.images.get_by_alias('busybox').export(io.BytesIO())
    try:
        client.images.create(io.BytesIO(b'x'), wait=True)
    except exceptions.LXDException:
        pass  # it is no image


def _resident(which):
    """Megabytes: ``VmRSS``, or ``VmHWM`` for the most that there was."""
    with open('/proc/self/status') as status:
        return int(re.search(which + r':\s*(\d+)', status.read()).group(1)
                   ) / 1024.0


def run(kit, transfer, path):
    """Do it in another process: seconds, and megabytes above idle."""
    result = json.loads(subprocess.check_output(
        [sys.executable, '-m', __name__, kit.socket, transfer, path]).decode())
    return result['seconds'], result['memory']


def main(socket, transfer, path):
    client = Client(socket)
    _first_use(client)
    idle = _resident('VmRSS')
    with open('/proc/self/clear_refs', 'w') as forget:
        forget.write('5')  # the peak so far
    begin = clock()
    globals()[transfer](client, path)
    seconds = clock() - begin
    print(json.dumps({'seconds': seconds,
                      'memory': _resident('VmHWM') - idle}))


if __name__ == '__main__':
    main(*sys.argv[1:])
