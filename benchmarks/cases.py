"""The cases: each measures one subject and yields rows of the table."""
import collections
import contextlib
import functools
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import threading
from multiprocessing.pool import ThreadPool

from pylxd import Client

from benchmarks import bulk, fleet, floor, peers
from benchmarks.canned import CannedServer
from benchmarks.counting import CountingProxy
from benchmarks.listing_memory import measure_memory
from benchmarks.measure import (
    Cost, Row, clock, compare_speeds, compare_times, format_number, make_timer,
    make_wall_timer, median, read_cpu_time, run_alternately)

#: Megabytes above idle that a transfer of any size may occupy.
TRANSFER_MEMORY = 24
#: The functions by the name of their case.
CASES = collections.OrderedDict()


def case(name):
    """Register the decorated function as the case of that name."""
    def register(function):
        CASES[name] = function
        return function
    return register


class Setup(object):
    """The server of the cases, and the objects that they share.

    :param server: a server of `pylxd.testing`.
    :param directory: directory for files.
    :param quick: whether to repeat less and move less.
    """

    def __init__(self, server, directory, quick=False):
        self.server, self.directory, self.quick = server, directory, quick
        self.client = server.client()
        self.path = '/1.0/instances/c1'
        self.charts = {}  # arguments of `figures.draw_chart` by file name
        self._fixtures = {}

    def scale_repeats(self, number):
        """Return how many times to measure."""
        return max(number // 4, 2) if self.quick else number

    def scale_size(self, size):
        """Return how many megabytes to move or objects to make."""
        return size // 8 if self.quick else size

    def file(self, name):
        return os.path.join(self.directory, name)

    def fixture(self, create):
        """Return the result of ``create(self)``, which is called once."""
        if create not in self._fixtures:
            self._fixtures[create] = create(self)
        return self._fixtures[create]


def create_container(setup):
    """Create and start the container ``c1``."""
    container = setup.client.containers.create({
        'name': 'c1', 'source': {'type': 'image', 'alias': 'busybox'}},
        wait=True)
    container.start(wait=True)
    return container


def create_many_containers(setup):
    """Create a thousand containers, stopped and empty."""
    for number in range(setup.scale_size(1000)):
        setup.client.containers.create({
            'name': 'n{:04}'.format(number), 'source': {'type': 'none'}},
            wait=True)


def authorize_https_client(setup):
    """Return arguments for a `Client` that the server trusts over HTTPS."""
    from pylxd.testing.fake import tls
    paths = setup.file('client.crt'), setup.file('client.key')
    tls.make_certificate(paths[0], paths[1], u'benchmark')
    arguments = {'endpoint': setup.server.endpoint, 'cert': paths,
                 'verify': setup.server.certificate}
    with Client(**arguments) as client:
        client.authenticate(setup.server.password or setup.server.token())
    return arguments


def write_random_file(path, megabytes):
    block = os.urandom(1 << 20)
    with open(path, 'wb') as file:
        for _ in range(megabytes):
            file.write(block)
    return path


@case('imports')
def measure_imports(setup):
    """``from pylxd import Client``"""
    # Use bytecode, as an installed package does, whatever this shell says
    environ = dict(os.environ, PYTHONDONTWRITEBYTECODE='')

    def make_import_timer(code):
        def measure():
            before = read_cpu_time(resource.RUSAGE_CHILDREN)
            subprocess.check_call([sys.executable, '-c', code], env=environ)
            return read_cpu_time(resource.RUSAGE_CHILDREN) - before
        return measure

    yield compare_times('CPU of from pylxd import Client', *run_alternately(
        setup.scale_repeats(31), make_import_timer('from pylxd import Client'),
        make_import_timer('import requests')), reference='import requests',
        most=1.15)


@case('get')
def measure_get(setup):
    """``containers.get(name)``: wall time, CPU time, connections"""
    setup.fixture(create_container)
    https = setup.fixture(authorize_https_client)
    for protocol, arguments, connection, most in (
            ('unix socket', {'endpoint': setup.server.socket},
             floor.UnixConnection(setup.server.socket), 1.15),
            ('HTTPS', https, floor.make_https_connection(
                https['endpoint'], https['cert']), 1.2)):
        with Client(**arguments) as client:
            ours, theirs = run_alternately(
                setup.scale_repeats(41),
                make_timer(lambda: client.containers.get('c1'), 50),
                make_timer(lambda: floor.request(
                    connection, 'GET', setup.path), 50))
        what = 'containers.get, {}'.format(protocol)
        yield compare_times(what, [cost.wall for cost in ours],
                            [cost.wall for cost in theirs], 'floor', most=most)
        yield compare_times('CPU of ' + what, [cost.cpu for cost in ours],
                            [cost.cpu for cost in theirs], 'floor', most=2.1)
        with CountingProxy(arguments['endpoint']) as proxy:
            with Client(**dict(arguments, endpoint=proxy.endpoint)) as client:
                for _ in range(1000):
                    client.containers.get('c1')
            yield Row('1,000 ' + what, [proxy.connections], most=1,
                      unit='connections')


def read_all_containers(client):
    """List the containers and read two attributes of each."""
    for container in client.containers.all():
        container.status, container.config


@case('listing')
def measure_listing(setup):
    """``containers.all()``, then ``status`` and ``config`` of each"""
    setup.fixture(create_container)
    setup.fixture(create_many_containers)
    collection, query = setup.client.dialect.instances('container')
    path = '/1.0/{}?recursion=1&{}'.format(
        collection, '&'.join('='.join(pair).replace(' ', '%20')
                             for pair in query.items()))
    connection = floor.UnixConnection(setup.server.socket)
    containers = '{:,} containers'.format(len(setup.client.containers.all()))
    yield compare_times('loop over ' + containers, *run_alternately(
        setup.scale_repeats(21),
        make_wall_timer(lambda: read_all_containers(setup.client)),
        make_wall_timer(lambda: floor.request(connection, 'GET', path))),
        reference='floor', most=1.2)
    with CountingProxy(setup.server.socket) as proxy:
        with Client(proxy.endpoint) as client:
            del proxy.requests[:]
            read_all_containers(client)
            yield Row('loop over ' + containers, [len(proxy.requests)],
                      most=2, unit='requests')
            del proxy.requests[:]
            for container in client.containers.all():
                container.name
            yield Row('names of ' + containers, [len(proxy.requests)],
                      most=1, unit='requests')
    instance = next(
        instance for instance in floor.request(connection, 'GET', path)
        if instance['name'] != 'c1')
    for measure in measure_lengths, measure_listing_memory:
        for row in measure(setup, instance):
            yield row


def measure_lengths(setup, instance):
    """Compare lists of several lengths from a canned server."""
    root = setup.client.host_info
    lines = collections.OrderedDict([('pylxd', []), ('floor', [])])
    for length in (100, 300, 1000, 3000, 10000):
        with CannedServer(root, instance, length) as server:
            with Client(server.path) as client:
                connection = floor.UnixConnection(server.path)
                ours, theirs = run_alternately(
                    setup.scale_repeats(11),
                    make_wall_timer(lambda: read_all_containers(client)),
                    make_wall_timer(lambda: floor.request(
                        connection, 'GET', '/1.0/instances?recursion=1')))
        for name, times in (('pylxd', ours), ('floor', theirs)):
            lines[name].append((length, median(times) * 1000))
    setup.charts['listing'] = (
        'Listing containers and reading their status and config',
        'containers', 'milliseconds', lines, True)
    yield compare_times('loop over 10,000 containers, canned server',
                        ours, theirs, 'floor', most=1.2)
    with CannedServer(root, instance, 1000) as short_server, \
            CannedServer(root, instance, 10000) as long_server:
        with Client(short_server.path) as short_client, \
                Client(long_server.path) as long_client:
            short_times, long_times = run_alternately(
                setup.scale_repeats(15),
                make_wall_timer(lambda: read_all_containers(short_client)),
                make_wall_timer(lambda: read_all_containers(long_client)))
    yield Row('10,000 containers, for each', [
        long_time / 10 / short_time
        for long_time, short_time in zip(long_times, short_times)],
        most=1.25, reference='1,000 containers')


def measure_listing_memory(setup, instance):
    """Compare the memory of a list of containers with that of its JSON."""
    length = 10000
    with CannedServer(setup.client.host_info, instance, length) as server:
        ours, theirs = [
            [measure_memory(server.path, what) * 1024 / length
             for _ in range(setup.scale_repeats(5))]
            for what in ('objects', 'json')]
    yield Row(
        'memory of each of {:,} containers'.format(length),
        [our - their for our, their in zip(ours, theirs)], most=6, unit='KB',
        reference='above parsed JSON', note='{} : {} KB'.format(
            format_number(median(ours)), format_number(median(theirs))))


@case('waiting')
def measure_waiting(setup):
    """Requests beyond the one that starts an operation"""
    with CountingProxy(setup.server.socket) as proxy:
        with Client(proxy.endpoint) as client:
            def count_requests(what, function):
                del proxy.requests[:]
                result = function()
                return result, Row(
                    'waited: ' + what, [len(proxy.requests) - 1],
                    most=1, unit='more requests')

            container, row = count_requests(
                'create', lambda: client.containers.create({
                    'name': 'w1', 'source': {
                        'type': 'image', 'alias': 'busybox'}}, wait=True))
            yield row
            for what, function in (
                    ('start', lambda: container.start(wait=True)),
                    ('stop', lambda: container.stop(wait=True)),
                    ('snapshot', lambda: container.snapshots.create(
                        's', wait=True)),
                    ('rename', lambda: container.rename('w2', wait=True)),
                    ('delete', lambda: container.delete(wait=True))):
                yield count_requests(what, function)[1]


@case('saves')
def measure_saves(setup):
    """Requests of ``save(wait=True)`` when nobody else makes changes"""
    devices = {name: {'type': 'none'} for name in ('first', 'second')}
    container = setup.client.containers.create({
        'name': 's1', 'source': {'type': 'none'}, 'devices': devices},
        wait=True)
    profile = setup.client.profiles.create('s1')

    def set_key(model, value):
        model.config['user.key'] = value

    def set_description(model, value):
        model.description = value

    def remove_device(model, value):
        del model.devices[value]

    for what, collection, change in (
            ("a container's config key", 'containers', set_key),
            ("a container's description", 'containers', set_description),
            ("a container's device removed", 'containers', remove_device),
            ("a profile's config key", 'profiles', set_key)):
        with CountingProxy(setup.server.socket) as proxy:
            with Client(proxy.endpoint) as client:
                model = getattr(client, collection).get('s1')
                # The first save finds the object as it was loaded, the
                # second as the first has left it
                saves = []
                for value in ('first', 'second'):
                    change(model, value)
                    del proxy.requests[:]
                    model.save(wait=True)
                    saves.append([request.partition(' ')[0]
                                  for request in proxy.requests])
        yield Row('save: ' + what, [max(map(len, saves))], most=3,
                  unit='requests', note='; '.join(map(' '.join, saves)))
    container.delete(wait=True)
    profile.delete()


@case('execute')
def measure_execute(setup):
    """``execute(['true'])``"""
    container = setup.fixture(create_container)
    connection = floor.UnixConnection(setup.server.socket)
    ours, lxc, bare = run_alternately(
        setup.scale_repeats(31),
        make_wall_timer(lambda: container.execute(['true'])),
        make_wall_timer(lambda: peers.run_lxc(
            setup.server, 'exec', 'c1', '--', 'true')),
        make_wall_timer(lambda: floor.execute(
            connection, setup.server.socket, 'c1', ['true'])))
    yield compare_times("execute(['true'])", ours, lxc, 'lxc exec', most=0.6)
    yield compare_times("execute(['true'])", ours, bare, 'floor', most=1.15)


@case('processes')
def measure_processes(setup):
    """``popen`` and commands from threads"""
    container = setup.fixture(create_container)
    script = ['sh', '-c', 'echo x; exec sleep 9']

    def read_line():
        with container.popen(script) as process:
            assert process.stdout.readline() == b'x\n'

    ours, lxc = run_alternately(
        setup.scale_repeats(15), make_wall_timer(read_line),
        make_wall_timer(lambda: peers.read_line_of_lxc(
            setup.server, 'exec', 'c1', '--', *script)))
    yield compare_times('first line of a command', ours, lxc, 'lxc exec',
                        most=0.6)

    def run_in_threads():
        with contextlib.closing(ThreadPool(10)) as pool:
            assert pool.map(lambda _: container.execute(['true']).exit_code,
                            range(50)) == [0] * 50

    ours, lxc = run_alternately(
        setup.scale_repeats(7), make_wall_timer(run_in_threads),
        make_wall_timer(lambda: peers.run_lxc_in_parallel(
            setup.server, 50, 10, 'exec', 'c1', '--', 'true')))
    yield compare_times('50 commands from 10 threads', ours, lxc,
                        'xargs -P 10 lxc exec', most=0.5)


@case('terminal')
def measure_terminal(setup):
    """A key and its echo on a terminal"""
    container = setup.fixture(create_container)
    connection = floor.UnixConnection(setup.server.socket)
    control, sock = floor.start_terminal(
        connection, setup.server.socket, 'c1', ['cat'])
    with container.terminal(['cat']) as terminal:
        def type_key():
            terminal.send(b'x')
            assert terminal.read() == b'x'

        keys = range(setup.scale_repeats(50))
        ours, bare = run_alternately(
            setup.scale_repeats(15),
            make_wall_timer(lambda: [type_key() for _ in keys]),
            make_wall_timer(lambda: [floor.type_key(sock) for _ in keys]))
    for each in sock, control:
        each.close()
    yield compare_times('{} keys and their echo'.format(len(keys)), ours,
                        bare, 'floor', most=1.3)


def measure_transfer(setup, what, transfer, path, peer, peer_name, megabytes,
                     least, cleanup=None, most_memory=TRANSFER_MEMORY):
    """Yield rows that compare a transfer with that of a peer.

    :param transfer: function of `bulk`, to run in a process of its own.
    :param path: the local file.
    :param peer: function that does the same by the peer.
    :param cleanup: function to call after each transfer, uncounted.
    :param most_memory: the megabytes above idle that it may occupy.
    """
    memory = []

    def run_ours():
        seconds, above_idle = bulk.run_transfer(setup.server, transfer, path)
        memory.append(above_idle)
        if cleanup:
            cleanup()
        return seconds

    what = '{}, {} MB'.format(what, megabytes)
    ours, theirs = run_alternately(
        setup.scale_repeats(5), run_ours, make_wall_timer(peer, cleanup),
        uncounted=0)
    yield compare_speeds(what, ours, theirs, peer_name, amount=megabytes,
                         unit='MB/s', least=least)
    yield Row(what, memory, most=most_memory, unit='MB',
              reference='above idle')


@case('streams')
def measure_streams(setup):
    """Big output and big input of commands"""
    container = setup.fixture(create_container)
    size = setup.scale_size(500)
    source = write_random_file(setup.file('source'), size)
    target = setup.file('target')
    with open(source, 'rb') as data:
        container.files.put(bulk.REMOTE, data)

    def receive_output():
        with open(target, 'wb') as file:
            peers.run_lxc(setup.server, 'exec', 'c1', '--', 'cat',
                          bulk.REMOTE, stdout=file)

    def send_input():
        with open(source, 'rb') as file:
            peers.run_lxc(setup.server, 'exec', 'c1', '--', 'sh', '-c',
                          'cat >/dev/null', stdin=file)

    for row in measure_transfer(
            setup, 'output of a command to a file', bulk.receive_output,
            target, receive_output, 'lxc', size, 1):
        yield row
    assert os.path.getsize(target) == size << 20
    for row in measure_transfer(
            setup, 'output of popen to a file', bulk.read_process, target,
            receive_output, 'lxc', size, 1):
        yield row
    yield Row('popen whose output is not read', [
        bulk.run_transfer(setup.server, bulk.stop_reading, target)[1]
        for _ in range(setup.scale_repeats(3))], most=2, unit='MB',
        reference='above idle')
    for row in measure_transfer(
            setup, 'input of a command from a file', bulk.send_input, source,
            send_input, 'lxc', size, 1):
        yield row
    remove_files(setup, source, target)


@case('files')
def measure_files(setup):
    """``files.get`` and ``files.put``"""
    setup.fixture(create_container)
    size = setup.scale_size(1024)
    source = write_random_file(setup.file('source'), size)
    target = setup.file('target')
    url = setup.path + '/files?path=' + bulk.REMOTE
    header = setup.client.dialect.header('type') + ': file'
    for row in measure_transfer(
            setup, 'files.put from a file', bulk.put_file, source,
            lambda: peers.run_curl(
                setup.server, url, '-X', 'POST', '-H', header, '-H',
                'Expect:', '-T', source), 'curl', size, 0.9):
        yield row
    for row in measure_transfer(
            setup, 'files.get to a file', bulk.get_file, target,
            lambda: peers.run_curl(setup.server, url, '-o', target),
            'curl', size, 0.9):
        yield row
    assert os.path.getsize(target) == size << 20
    os.unlink(target)
    write_random_file(source, 200)
    for transfer, what in (
            (bulk.put_file_as_bytes, 'files.put of bytes'),
            (bulk.get_file_as_bytes, 'files.get as bytes')):
        memory = bulk.run_transfer(setup.server, transfer, source)[1]
        yield Row(what + ', 200 MB', [memory / 200], most=1.1,
                  reference='their size in memory')
    remove_files(setup, source)


@case('exports')
def measure_exports(setup):
    """``container.export``, with and without a progress function"""
    container = setup.fixture(create_container)
    size = setup.scale_size(500)
    source, target = setup.file('source'), setup.file('target')
    write_random_file(source, size // 2)
    with open(source, 'r+b') as data:
        data.truncate(size << 20)  # the second half is zeros
    with open(source, 'rb') as data:
        container.files.put(bulk.REMOTE, data)

    def remove_target():
        assert os.path.getsize(target) > size << 20
        os.unlink(target)

    for row in measure_transfer(
            setup, 'export of a container to a file', bulk.export_container,
            target, lambda: peers.run_lxc(
                setup.server, 'export', 'c1', target,
                '--compression', 'none'),
            setup.server.command + ' export', size, 1, remove_target, 8):
        yield row

    def make_measurement(transfer):
        def measure():
            seconds, _ = bulk.run_transfer(setup.server, transfer, target)
            remove_target()
            return seconds
        return measure

    yield compare_times('export with a progress function', *run_alternately(
        setup.scale_repeats(9), make_measurement(bulk.export_with_progress),
        make_measurement(bulk.export_container)), reference='without',
        most=1.02)
    remove_files(setup, source)


@case('copies')
def measure_copies(setup):
    """``container.copy`` by relay to another server"""
    container = setup.fixture(create_container)
    container.stop(wait=True)
    size, source = setup.scale_size(300), setup.file('source')
    write_random_file(source, size)
    with open(source, 'rb') as data:
        container.files.put(bulk.REMOTE, data)
    arguments = authorize_https_client(setup)
    with type(setup.server)(root=setup.server.root or None) as other:
        for name, server in ('here', setup.server), ('there', other):
            peers.run_lxc(
                setup.server, 'remote', 'add', name, server.endpoint,
                '--accept-certificate', '--token' if setup.server.root
                else '--password', server.token())
        target = Client(**dict(arguments, endpoint=other.endpoint,
                               verify=other.certificate))
        target.authenticate(other.token())
        original = Client(**arguments).containers.get('c1')

        def make_measurement(copy):
            return make_wall_timer(copy, lambda: target.containers.get(
                'copy').delete(wait=True))

        repeats = setup.scale_repeats(9)
        ours, with_progress, theirs = run_alternately(
            repeats,
            make_measurement(lambda: original.copy(
                'copy', to=target, mode='relay')),
            make_measurement(lambda: original.copy(
                'copy', to=target, mode='relay', progress=lambda _: None)),
            make_measurement(lambda: peers.run_lxc(
                setup.server, 'copy', 'here:c1', 'there:copy', '--mode=relay',
                '--quiet')))
    yield compare_times(
        'copy by relay, {} MB'.format(size), ours, theirs,
        setup.server.command + ' copy --mode=relay', most=1.0)
    yield compare_times('copy by relay with a progress function',
                        with_progress, ours, 'without', most=1.02)
    remove_files(setup, source)
    container.start(wait=True)


def remove_files(setup, *paths):
    """Remove the big file in the container, and local ones."""
    setup.fixture(create_container).files.delete(bulk.REMOTE)
    for path in paths:
        os.unlink(path)


def write_image(path, content):
    """Write an image with a file of this content, not compressed."""
    with tarfile.open(path, 'w') as archive:
        metadata = json.dumps({'architecture': os.uname()[4],
                               'creation_date': 1}).encode()
        member = tarfile.TarInfo('metadata.yaml')
        member.size = len(metadata)
        archive.addfile(member, io.BytesIO(metadata))
        archive.add(content, 'rootfs/big')


@case('images')
def measure_images(setup):
    """``images.create`` and ``export``"""
    setup.fixture(create_container)
    size = setup.scale_size(1024)
    path, target = setup.file('big'), setup.file('target')
    write_image(path, write_random_file(target, size))

    def find_image():
        return next(image for image in setup.client.images.all()
                    if image.filename == 'big')

    def delete_image():
        find_image().delete(wait=True)

    def create_image():
        answer = json.loads(peers.run_curl(
            setup.server, '/1.0/images', '-X', 'POST', '-H', 'Expect:', '-H',
            setup.client.dialect.header('filename') + ': big',
            '-T', path).decode())
        peers.run_curl(setup.server, answer['operation'] + '/wait')

    for row in measure_transfer(
            setup, 'images.create from a file', bulk.create_image, path,
            create_image, 'curl', size, 0.9, cleanup=delete_image):
        yield row
    create_image()
    url = '/1.0/images/{}/export'.format(find_image().fingerprint)
    for row in measure_transfer(
            setup, 'export to a file', bulk.export_image, target,
            lambda: peers.run_curl(setup.server, url, '-o', target),
            'curl', size, 0.9):
        yield row
    delete_image()
    os.unlink(path)
    os.unlink(target)


@case('progress')
def measure_progress(setup):
    """Transfers with a function as ``progress``, and without one"""
    container = setup.fixture(create_container)
    size = setup.scale_size(256)
    path, target = setup.file('big'), setup.file('target')
    write_image(path, write_random_file(target, size))
    calls, images = [], []

    def create(progress):
        with open(path, 'rb') as source:
            images.append(setup.client.images.create(
                source, wait=True, progress=progress))

    def delete():
        images.pop().delete(wait=True)

    def put(progress):
        with open(path, 'rb') as source:
            container.files.put(bulk.REMOTE, source, progress=progress)

    def export(progress):
        images[0].export(target, progress)

    def compare(what, transfer, cleanup=None):
        ours, theirs = run_alternately(setup.scale_repeats(21), *[
            make_wall_timer(functools.partial(transfer, progress), cleanup)
            for progress in (calls.append, None)])
        return compare_times('{}, {} MB, with a progress function'.format(
            what, size), ours, theirs, reference='without', most=1.02)

    yield compare('images.create', create, delete)
    create(None)
    yield compare('export', export)
    delete()
    yield compare('files.put', put)
    assert len(calls) > size * 4
    remove_files(setup, path, target)


@case('trees')
def measure_trees(setup):
    """``recursive_put`` and ``recursive_get``"""
    container = setup.fixture(create_container)
    count = setup.scale_size(1000)
    source, target = setup.file('tree'), setup.file('target')
    for number in range(count):
        directory = os.path.join(source, 'd{}'.format(number % 20))
        if not os.path.isdir(directory):
            os.makedirs(directory)
        with open(os.path.join(directory, str(number)), 'w') as file:
            file.write('x' * 1000)

    def remove_remote():
        container.execute(['rm', '-r', '/root/tree'])

    def remove_target():
        assert sum(len(names) for _, _, names in os.walk(target)) == count
        shutil.rmtree(target)

    yield compare_times('recursive_put of {:,} files'.format(
        count), *run_alternately(
            setup.scale_repeats(5),
            make_wall_timer(lambda: container.files.recursive_put(
                source, '/root/tree'), remove_remote),
            make_wall_timer(lambda: peers.run_lxc(
                setup.server, 'file', 'push', '-r', source, 'c1/root'),
                remove_remote)),
        reference='lxc file push', most=1)
    container.files.recursive_put(source, '/root/tree')
    yield compare_times('recursive_get of {:,} files'.format(
        count), *run_alternately(
            setup.scale_repeats(5),
            make_wall_timer(lambda: container.files.recursive_get(
                '/root/tree', target), remove_target),
            make_wall_timer(lambda: peers.run_lxc(
                setup.server, 'file', 'pull', '-r', 'c1/root/tree', target),
                remove_target)),
        reference='lxc file pull', most=1)
    remove_remote()
    shutil.rmtree(source)


@case('events')
def measure_events(setup):
    """Events from a canned server, single and together"""
    ours, theirs = measure_event_costs(setup, 200, 'single', floor.SMALL)
    yield subtract_event_costs('CPU of a single event', ours, theirs, 20)
    count = 20000
    ours, theirs = measure_event_costs(setup, count, 'together', floor.LARGE)
    yield subtract_event_costs('CPU of an event of many', ours, theirs, 10)
    yield Row('events received', [0.001 / cost.wall for cost in ours],
              least=10, unit='thousand a second')


def measure_event_costs(setup, count, pace, size):
    """Return the costs of an event, for the library and for the floor.

    Connecting and the handshake do not count.

    :param count: number of events.
    :param pace: ``together`` or ``single``, see `benchmarks.canned`.
    :param size: bytes that the floor receives at once.
    """
    def measure_ours():
        websocket = client.events()
        websocket.connect()
        cost = make_timer(websocket.run)()
        assert len(websocket.messages) == count
        return cost

    def measure_theirs():
        sock = floor.send_handshake(server.path, '/1.0/events')
        data = floor.read_handshake(sock)
        return make_timer(lambda: floor.receive_events(sock, data, size))()

    with CannedServer(setup.client.host_info, {}, events=count,
                      pace=pace) as server:
        with Client(server.path) as client:
            results = run_alternately(
                setup.scale_repeats(15), measure_ours, measure_theirs)
    return [[Cost(cost.wall / count, cost.cpu / count) for cost in costs]
            for costs in results]


def subtract_event_costs(what, ours, theirs, most):
    """Return a row with the CPU time above the floor."""
    ours, theirs = [[cost.cpu * 1e6 for cost in costs]
                    for costs in (ours, theirs)]
    return Row(what, [our - their for our, their in zip(ours, theirs)],
               most=most, unit='us', reference='above the floor',
               note='{} : {} us'.format(format_number(median(ours)),
                                        format_number(median(theirs))))


@case('threads')
def measure_threads(setup):
    """16 threads on one `Client`"""
    setup.fixture(create_container)
    clients = [setup.server.client() for _ in range(16)]

    def run_threads(clients):
        def call(client):
            for _ in range(25):
                client.containers.get('c1')
        threads = [threading.Thread(target=call, args=(client,))
                   for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    ours, theirs = run_alternately(
        setup.scale_repeats(21),
        make_wall_timer(lambda: run_threads([setup.client] * 16)),
        make_wall_timer(lambda: run_threads(clients)))
    yield compare_speeds('16 threads on one Client', ours, theirs,
                         'on 16 Clients', amount=16 * 25,
                         unit='calls a second', least=1)
    for client in clients:
        client.close()


@case('launch')
def measure_launch(setup):
    """Containers launched from threads, and the wait for an address"""
    names = ['l{}'.format(number + 1) for number in range(10)]

    def launch(name):
        return setup.client.containers.launch('busybox', name)

    def launch_and_run(name):
        launch(name).execute(['true'], check=True)

    def delete(name):
        setup.client.containers.get(name).delete(wait=True, force=True)

    def delete_all():
        pool.map(delete, names)

    pool = ThreadPool(len(names))
    # Ten times `lxc launch; lxc exec` cannot be the peer: one `lxc exec`
    # 5.0.2 of ten never ends, though its command has ended
    with_command, alone, lxc = run_alternately(
        setup.scale_repeats(9),
        make_wall_timer(lambda: pool.map(launch_and_run, names), delete_all),
        make_wall_timer(lambda: pool.map(launch, names), delete_all),
        make_wall_timer(lambda: peers.run_lxc_in_parallel(
            setup.server, len(names), len(names), 'launch', 'busybox', 'l+'),
            delete_all))
    peer = 'xargs -P {} {} launch'.format(len(names), setup.server.command)
    task = '{} containers launched'.format(len(names))
    yield compare_times(task + ', with a command in each', with_command, lxc,
                        peer + ', without a command')
    yield compare_times(task, alone, lxc, peer, most=0.8)
    container = setup.client.containers.launch('busybox', 'l1', devices={
        'eth0': {'type': 'nic', 'nictype': 'p2p'}})
    yield Row('wait_for_address: time after the address appears', [
        measure_wait_for_address(container, 0.3 * number)
        for number in range(1, setup.scale_repeats(9) + 1)],
        most=0.7, unit='s', reference='after `ip addr add` has ended')
    delete('l1')
    pool.terminate()


def measure_wait_for_address(container, delay):
    """Return how long `wait_for_address` takes after the address is there.

    :param delay: seconds after its call until the address is added.
    """
    container.execute(['ip', 'addr', 'flush', 'dev', 'eth0'], check=True)
    added = []

    def add():
        container.execute(['ip', 'addr', 'add', '192.0.2.7/24', 'dev',
                           'eth0'], check=True)
        added.append(clock())

    timer = threading.Timer(delay, add)
    timer.start()
    container.wait_for_address(60, 'inet')
    returned = clock()
    timer.join()
    return max(returned - added[0], 0)


@case('fleet')
def measure_fleet_of_servers(setup):
    """One command on fifty stand-ins, from ten threads"""
    from pylxd.testing.fake import tls
    cert = setup.file('fleet.crt'), setup.file('fleet.key')
    tls.make_certificate(cert[0], cert[1], u'benchmark')
    count = setup.scale_size(50)
    results = [fleet.measure_fleet(count, cert)
               for _ in range(setup.scale_repeats(5))]
    yield Row('memory of the client of each further server', [
        result['memory'] for result in results], most=1, unit='MB',
        reference='above the client for one, {} servers'.format(count))
    yield Row('open connections to each further server', [
        result['connections'] for result in results], unit='connections',
        reference='after the command')


@case('memory')
def measure_transfer_memory(setup):
    """Memory of transfers of several sizes"""
    container = setup.fixture(create_container)
    lines = collections.OrderedDict()
    source, target = setup.file('source'), setup.file('target')
    for size in (16, 64, 256, setup.scale_size(1024)):
        write_random_file(source, size)
        for transfer, path, what in (
                (bulk.put_file, source, 'files.put from a file'),
                (bulk.get_file, target, 'files.get to a file'),
                (bulk.send_input, source, 'input of a command'),
                (bulk.receive_output, target, 'output of a command')):
            lines.setdefault(what, []).append((size, bulk.run_transfer(
                setup.server, transfer, path)[1]))
    setup.charts['memory'] = (
        'Memory above idle', 'megabytes moved', 'megabytes', lines, False)
    yield Row('most memory of any transfer and size', [
        max(y for line in lines.values() for _, y in line)],
        most=TRANSFER_MEMORY, unit='MB', reference='above idle')
    container.files.delete(bulk.REMOTE)
