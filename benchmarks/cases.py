"""What is measured: one function for each row of the targets."""
import collections
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import threading

from pylxd import Client

from benchmarks import bulk, floor, peers
from benchmarks.canned import Canned
from benchmarks.counting import Counter
from benchmarks.measure import Row, by_turns, clock, many, quartiles, ratio

#: Megabytes above idle that a transfer of any size may take.
MEMORY = 24
CASES = collections.OrderedDict()


def case(function):
    CASES[function.__name__] = function
    return function


class Place(object):
    """Where the cases run: a server, and what they need of it.

    :param kit: of `pylxd.testing`.
    :param directory: for files.
    :param quick: fewer repeats, smaller files.
    """

    def __init__(self, kit, directory, quick=False):
        self.kit, self.directory, self.quick = kit, directory, quick
        self.client = kit.client()
        self.path = '/1.0/instances/c1'
        self.figures = {}  # name: arguments of `figures.draw`
        self._known = {}

    def repeats(self, number):
        """How often to measure."""
        return max(number // 4, 2) if self.quick else number

    def size(self, megabytes):
        """How much to move."""
        return megabytes // 8 if self.quick else megabytes

    def file(self, name):
        return os.path.join(self.directory, name)

    def once(self, make):
        """What ``make`` makes, made when first needed."""
        if make not in self._known:
            self._known[make] = make(self)
        return self._known[make]


def container(place):
    """``c1``, running."""
    made = place.client.containers.create({
        'name': 'c1', 'source': {'type': 'image', 'alias': 'busybox'}},
        wait=True)
    made.start(wait=True)
    return made


def crowd(place):
    """A thousand containers, stopped and empty."""
    for number in range(place.size(1000)):
        place.client.containers.create({
            'name': 'n{:04}'.format(number), 'source': {'type': 'none'}},
            wait=True)


def trusted(place):
    """What a client over HTTPS takes."""
    from pylxd.testing.fake import tls
    paths = place.file('client.crt'), place.file('client.key')
    tls.make_certificate(paths[0], paths[1], u'benchmark')
    arguments = {'endpoint': place.kit.endpoint, 'cert': paths,
                 'verify': place.kit.certificate}
    with Client(**arguments) as client:
        client.authenticate(place.kit.password or place.kit.token())
    return arguments


def blank(path, megabytes):
    """A file of bytes without a pattern."""
    block = os.urandom(1 << 20)
    with open(path, 'wb') as file:
        for _ in range(megabytes):
            file.write(block)
    return path


# -- the rows

@case
def imports(place):
    """``from pylxd import Client`` and ``import requests``"""
    # As installed: with bytecode, whatever this shell says
    environ = dict(os.environ, PYTHONDONTWRITEBYTECODE='')

    def way(code):
        def timed():
            before = spent(resource.RUSAGE_CHILDREN)
            subprocess.check_call([sys.executable, '-c', code], env=environ)
            return spent(resource.RUSAGE_CHILDREN) - before
        return timed

    yield ratio('CPU of from pylxd import Client', *by_turns(
        place.repeats(31), way('from pylxd import Client'),
        way('import requests')), beside='import requests', most=1.15)


def spent(whose):
    """Seconds of CPU."""
    used = resource.getrusage(whose)
    return used.ru_utime + used.ru_stime


@case
def get(place):
    """``containers.get(name)``"""
    place.once(container)
    connection = floor.Unix(place.kit.socket)
    yield ratio('containers.get, unix socket', *by_turns(
        place.repeats(21),
        many(lambda: place.client.containers.get('c1'), 50),
        many(lambda: floor.ask(connection, 'GET', place.path), 50)),
        beside='floor', most=1.25)
    arguments = place.once(trusted)
    connection = floor.https(arguments['endpoint'], arguments['cert'])
    with Client(**arguments) as client:
        yield ratio('containers.get, HTTPS', *by_turns(
            place.repeats(21),
            many(lambda: client.containers.get('c1'), 50),
            many(lambda: floor.ask(connection, 'GET', place.path), 50)),
            beside='floor', most=1.25)
    for name, arguments in (
            ('unix socket', {'endpoint': place.kit.socket}),
            ('HTTPS', arguments)):
        with Counter(arguments['endpoint']) as counter:
            with Client(**dict(
                    arguments, endpoint=counter.endpoint)) as client:
                for _ in range(1000):
                    client.containers.get('c1')
            yield Row('1,000 containers.get, {}'.format(name),
                      [counter.connections], most=1, unit='connections')


def loop(client):
    """The documented way to list."""
    for each in client.containers.all():
        each.status, each.config


@case
def listing(place):
    """``containers.all()``, reading ``.status`` and ``.config``"""
    place.once(container)
    place.once(crowd)
    whole = place.client.dialect.instances('container')
    query = '/1.0/{}?recursion=1&{}'.format(
        whole[0], '&'.join('='.join(each).replace(' ', '%20')
                           for each in whole[1].items()))
    connection = floor.Unix(place.kit.socket)
    many_of = len(place.client.containers.all())
    yield ratio('loop over {:,} containers'.format(many_of), *by_turns(
        place.repeats(21), lambda: loop(place.client),
        lambda: floor.ask(connection, 'GET', query)),
        beside='floor', most=1.2)
    with Counter(place.kit.socket) as counter:
        with Client(counter.endpoint) as client:
            del counter.requests[:]
            loop(client)
            yield Row('loop over {:,} containers'.format(many_of),
                      [len(counter.requests)], most=2, unit='requests')
            del counter.requests[:]
            for each in client.containers.all():
                each.name
            yield Row('names of {:,} containers'.format(many_of),
                      [len(counter.requests)], most=1, unit='requests')
    for row in _lengths(place, query):
        yield row


def _lengths(place, query):
    """The same with lists of other lengths, of a canned server."""
    root = place.client.host_info
    one = json.loads(json.dumps(next(
        each for each in floor.ask(
            floor.Unix(place.kit.socket), 'GET', query)
        if each['name'] != 'c1')))
    lines = collections.OrderedDict([('pylxd', []), ('floor', [])])
    for length in (100, 300, 1000, 3000, 10000):
        with Canned(root, one, length) as canned:
            with Client(canned.path) as client:
                connection = floor.Unix(canned.path)
                ours, theirs = by_turns(
                    place.repeats(7), lambda: loop(client),
                    lambda: floor.ask(connection, 'GET',
                                      '/1.0/instances?recursion=1'))
        for name, times in (('pylxd', ours), ('floor', theirs)):
            lines[name].append((length, quartiles(times)[1] * 1000))
    place.figures['listing'] = (
        'Listing containers and reading their status and config',
        'containers', 'milliseconds', lines, True)
    yield ratio('loop over 10,000 containers, canned server', ours, theirs,
                'floor')
    with Canned(root, one, 1000) as few, Canned(root, one, 10000) as lot:
        with Client(few.path) as first, Client(lot.path) as second:
            short, whole = by_turns(place.repeats(15), lambda: loop(first),
                                    lambda: loop(second))
    yield Row('10,000 containers, for each', [
        each / 10 / other for each, other in zip(whole, short)],
        most=1.25, beside='1,000 containers')


@case
def waiting(place):
    """Requests beyond the one that starts an operation"""
    with Counter(place.kit.socket) as counter:
        with Client(counter.endpoint) as client:
            def count(what, function):
                del counter.requests[:]
                result = function()
                return result, Row(
                    'waited: ' + what, [len(counter.requests) - 1],
                    most=1, unit='more requests')

            made, row = count('create', lambda: client.containers.create({
                'name': 'w1', 'source': {
                    'type': 'image', 'alias': 'busybox'}}, wait=True))
            yield row
            yield count('start', lambda: made.start(wait=True))[1]
            yield count('stop', lambda: made.stop(wait=True))[1]
            made.sync()
            made.description = 'changed'
            yield count('save', lambda: made.save(wait=True))[1]
            yield count('snapshot', lambda: made.snapshots.create(
                's', wait=True))[1]
            yield count('rename', lambda: made.rename('w2', wait=True))[1]
            yield count('delete', lambda: made.delete(wait=True))[1]


@case
def execute(place):
    """``execute(['true'])``"""
    made = place.once(container)
    connection = floor.Unix(place.kit.socket)
    ours, lxc, bare = by_turns(
        place.repeats(31), lambda: made.execute(['true']),
        lambda: peers.lxc(place.kit, 'exec', 'c1', '--', 'true'),
        lambda: floor.execute(
            connection, place.kit.socket, 'c1', ['true']))
    yield ratio("execute(['true'])", ours, lxc, 'lxc exec', most=0.6)
    yield ratio("execute(['true'])", ours, bare, 'floor', most=1.2)


def transfer(place, what, name, path, peer, peer_name, megabytes, least,
             repeats=3, between=None):
    """Rows of a transfer in a process of its own beside that of a peer.

    :param between: what to do after each, uncounted.
    """
    memory = []

    def ours():
        seconds, above = bulk.run(place.kit, name, path)
        memory.append(above)
        if between:
            between()
        return seconds

    def theirs():
        begin = clock()
        peer()
        seconds = clock() - begin
        if between:
            between()
        return seconds

    what = '{}, {} MB'.format(what, megabytes)
    yield ratio(what, *by_turns(
        place.repeats(repeats), ours, theirs, uncounted=0),
        beside=peer_name, scale=-megabytes, unit='MB/s', least=least)
    yield Row(what, memory, most=MEMORY, unit='MB', beside='above idle')


@case
def streams(place):
    """Big output and input of commands"""
    made = place.once(container)
    size = place.size(500)
    source, target = blank(place.file('source'), size), place.file('target')
    with open(source, 'rb') as data:
        made.files.put(bulk.REMOTE, data)

    def output():
        with open(target, 'wb') as file:
            peers.lxc(place.kit, 'exec', 'c1', '--', 'cat', bulk.REMOTE,
                      stdout=file)

    def stdin():
        with open(source, 'rb') as file:
            peers.lxc(place.kit, 'exec', 'c1', '--', 'sh', '-c',
                      'cat >/dev/null', stdin=file)

    for row in transfer(place, 'output of a command to a file',
                        'exec_output', target, output, 'lxc', size, 1):
        yield row
    assert os.path.getsize(target) == size << 20
    for row in transfer(place, 'input of a command from a file',
                        'exec_input', source, stdin, 'lxc', size, 1):
        yield row
    _tidy(place, source, target)


@case
def files(place):
    """``files.get`` and ``files.put``"""
    place.once(container)
    size = place.size(1024)
    source, target = blank(place.file('source'), size), place.file('target')
    url = place.path + '/files?path=' + bulk.REMOTE
    kind = place.client.dialect.header('type') + ': file'
    for row in transfer(
            place, 'files.put from a file', 'files_put', source,
            lambda: peers.curl(place.kit, url, '-X', 'POST', '-H', kind, '-H',
                               'Expect:', '-T', source), 'curl', size, 0.9):
        yield row
    for row in transfer(
            place, 'files.get to a file', 'files_get', target,
            lambda: peers.curl(place.kit, url, '-o', target),
            'curl', size, 0.9):
        yield row
    assert os.path.getsize(target) == size << 20
    os.unlink(target)
    blank(source, 200)
    for name, what in (('files_put_bytes', 'files.put of bytes'),
                       ('files_get_bytes', 'files.get as bytes')):
        yield Row(what + ', 200 MB', [
            bulk.run(place.kit, name, source)[1] / 200],
            most=1.1, unit='x', beside='their size in memory')
    _tidy(place, source)


def _tidy(place, *paths):
    place.once(container).files.delete(bulk.REMOTE)
    for path in paths:
        os.unlink(path)


@case
def images(place):
    """``images.create`` and ``export``"""
    place.once(container)
    size = place.size(1024)
    path, target = place.file('big'), place.file('target')
    blank(target, size)
    with tarfile.open(path, 'w') as archive:
        about = json.dumps({'architecture': os.uname()[4],
                            'creation_date': 1}).encode()
        member = tarfile.TarInfo('metadata.yaml')
        member.size = len(about)
        archive.addfile(member, io.BytesIO(about))
        archive.add(target, 'rootfs/big')

    def remove():
        for each in place.client.images.all():
            if each.filename == 'big':
                each.delete(wait=True)

    def create():
        begun = json.loads(peers.curl(
            place.kit, '/1.0/images', '-X', 'POST', '-H', 'Expect:', '-H',
            place.client.dialect.header('filename') + ': big',
            '-T', path).decode())
        peers.curl(place.kit, begun['operation'] + '/wait')

    for row in transfer(place, 'images.create from a file', 'image_create',
                        path, create, 'curl', size, 0.9, between=remove):
        yield row
    create()
    exported = '/1.0/images/{}/export'.format(next(
        each for each in place.client.images.all()
        if each.filename == 'big').fingerprint)
    for row in transfer(
            place, 'export to a file', 'image_export', target,
            lambda: peers.curl(place.kit, exported, '-o', target),
            'curl', size, 0.9):
        yield row
    remove()
    os.unlink(path)
    os.unlink(target)


@case
def trees(place):
    """``recursive_put`` and ``recursive_get``"""
    made = place.once(container)
    count = place.size(1000)
    top, back = place.file('tree'), place.file('back')
    for number in range(count):
        directory = os.path.join(top, 'd{}'.format(number % 20))
        if not os.path.isdir(directory):
            os.makedirs(directory)
        with open(os.path.join(directory, str(number)), 'w') as file:
            file.write('x' * 1000)

    def put(way):
        def timed():
            begin = clock()
            way()
            seconds = clock() - begin
            made.execute(['rm', '-r', '/root/tree'])
            return seconds
        return timed

    yield ratio('recursive_put of {:,} files'.format(count), *by_turns(
        place.repeats(5),
        put(lambda: made.files.recursive_put(top, '/root/tree')),
        put(lambda: peers.lxc(place.kit, 'file', 'push', '-r', top,
                              'c1/root'))),
        beside='lxc file push', most=1)
    made.files.recursive_put(top, '/root/tree')

    def pull(way):
        def timed():
            begin = clock()
            way()
            seconds = clock() - begin
            assert sum(len(names) for _, _, names in os.walk(back)) == count
            shutil.rmtree(back)
            return seconds
        return timed

    yield ratio('recursive_get of {:,} files'.format(count), *by_turns(
        place.repeats(5),
        pull(lambda: made.files.recursive_get('/root/tree', back)),
        pull(lambda: peers.lxc(place.kit, 'file', 'pull', '-r',
                               'c1/root/tree', back))),
        beside='lxc file pull', most=1)
    made.execute(['rm', '-r', '/root/tree'])
    shutil.rmtree(top)


@case
def events(place):
    """Events, of a canned server"""
    count = 20000
    rates = []

    def cpu(function):
        def way():
            before, begin = spent(resource.RUSAGE_SELF), clock()
            assert len(function()) == count
            rates.append(count / (clock() - begin))
            return spent(resource.RUSAGE_SELF) - before
        return way

    def ours():
        received = client.events()
        received.connect()
        received.run()
        return received.messages

    with Canned(place.client.host_info, {}, events=count) as canned:
        with Client(canned.path) as client:
            mine, theirs = by_turns(
                place.repeats(15), cpu(ours),
                cpu(lambda: floor.events(canned.path)))
    yield Row('CPU of an event beyond the floor', [
        (each - other) / count * 1e6 for each, other in zip(mine, theirs)],
        most=10, unit='us', note='{:.1f} : {:.1f} us'.format(*[
            quartiles(each)[1] / count * 1e6 for each in (mine, theirs)]))
    yield Row('events handed out', [rate / 1000 for rate in rates[2::2]],
              least=10, unit='thousand a second')


@case
def threads(place):
    """16 threads on one Client"""
    place.once(container)
    clients = [place.kit.client() for _ in range(16)]

    def way(these):
        def timed():
            def work(client):
                for _ in range(25):
                    client.containers.get('c1')
            running = [threading.Thread(target=work, args=(client,))
                       for client in these]
            begin = clock()
            for thread in running:
                thread.start()
            for thread in running:
                thread.join()
            return clock() - begin
        return timed

    yield ratio('16 threads on one Client', *by_turns(
        place.repeats(21), way([place.client] * 16), way(clients)),
        beside='on 16 Clients', scale=-400, unit='calls a second', least=1)
    for client in clients:
        client.close()


@case
def memory(place):
    """Memory against size, the figure"""
    made = place.once(container)
    lines = collections.OrderedDict()
    path = place.file('source')
    for size in (16, 64, 256, place.size(1024)):
        blank(path, size)
        for name, what in (
                ('files_put', 'files.put from a file'),
                ('files_get', 'files.get to a file'),
                ('exec_input', 'input of a command'),
                ('exec_output', 'output of a command')):
            target = path if name in (
                'files_put', 'exec_input') else place.file('target')
            lines.setdefault(what, []).append(
                (size, bulk.run(place.kit, name, target)[1]))
    place.figures['memory'] = (
        'Memory above idle', 'megabytes moved', 'megabytes', lines, False)
    yield Row('most memory of any transfer and size', [
        max(y for line in lines.values() for _, y in line)],
        most=MEMORY, unit='MB', beside='above idle')
    made.files.delete(bulk.REMOTE)
