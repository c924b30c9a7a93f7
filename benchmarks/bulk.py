"""Move one big file in a process of its own; print the time and the memory.

``python -m benchmarks.bulk SOCKET TRANSFER FILE``, where ``TRANSFER`` is a
function of this module. The container ``c1`` must be running.
"""
import io
import json
import shutil
import subprocess
import sys
import time

from pylxd import Client, exceptions

from benchmarks.measure import clock, read_memory

#: Path of the big file in the container.
REMOTE = '/root/big'


def get_file(client, path):
    with open(path, 'wb') as target:
        client.containers.get('c1').files.get(REMOTE, target)


def get_file_as_bytes(client, _):
    assert client.containers.get('c1').files.get(REMOTE)


def put_file(client, path):
    with open(path, 'rb') as source:
        client.containers.get('c1').files.put(REMOTE, source)


def put_file_as_bytes(client, path):
    with open(path, 'rb') as source:
        client.containers.get('c1').files.put(REMOTE, source.read())


def receive_output(client, path):
    with open(path, 'wb') as target:
        assert client.containers.get('c1').execute(
            ['cat', REMOTE], decode=False,
            stdout_handler=target.write).exit_code == 0


def read_process(client, path):
    with open(path, 'wb') as target, client.containers.get('c1').popen(
            ['cat', REMOTE]) as process:
        shutil.copyfileobj(process.stdout, target, 65536)
        assert process.wait() == 0


def stop_reading(client, _):
    """Read a byte, and let the command wait for two seconds."""
    with client.containers.get('c1').popen(['cat', REMOTE]) as process:
        assert process.stdout.read(1)
        time.sleep(2)


def send_input(client, path):
    with open(path, 'rb') as source:
        assert client.containers.get('c1').execute(
            ['sh', '-c', 'cat >/dev/null'],
            stdin_payload=source).exit_code == 0


def create_image(client, path):
    with open(path, 'rb') as source:
        client.images.create(source, wait=True)


def export_image(client, path):
    image = next(image for image in client.images.all()
                 if image.filename == 'big')
    with open(path, 'wb') as target:
        image.export(target)


def export_container(client, path):
    client.containers.get('c1').export(path, compression_algorithm='none')


def export_with_progress(client, path):
    client.containers.get('c1').export(
        path, compression_algorithm='none', progress=lambda progress: None)


def _warm_up(client):
    """Make each kind of transfer once, with the imports that it needs."""
    container = client.containers.get('c1')
    container.execute(['cat'], stdin_payload=b'x')
    with container.popen(['echo', 'x']) as process:
        assert process.stdout.read() == b'x\n'
    container.files.put('/root/small', io.BytesIO(b'x'))
    container.files.get('/root/small', io.BytesIO())
    client.images.get_by_alias('busybox').export(io.BytesIO())
    try:
        client.images.create(io.BytesIO(b'x'), wait=True)
    except exceptions.LXDException:
        pass  # the byte is no image


def run_transfer(server, transfer, path):
    """Run a function of this module in another process.

    :param transfer: the function.
    :return: the seconds, and the megabytes at the peak above those before.
    """
    result = json.loads(subprocess.check_output(
        [sys.executable, '-m', __name__, server.socket, transfer.__name__,
         path]).decode())
    return result['seconds'], result['memory']


def main(socket_path, transfer, path):
    client = Client(socket_path)
    _warm_up(client)
    idle = read_memory('VmRSS')
    with open('/proc/self/clear_refs', 'w') as clear_refs:
        clear_refs.write('5')  # resets VmHWM
    begin = clock()
    globals()[transfer](client, path)
    seconds = clock() - begin
    print(json.dumps({'seconds': seconds,
                      'memory': read_memory('VmHWM') - idle}))


if __name__ == '__main__':
    main(*sys.argv[1:])
