"""Servers that end, break off, are slow, or silent; and Ctrl-C."""
import hashlib
import os
import signal
import struct
import threading

import pytest

from pylxd import Client, exceptions
from pylxd.transport import streams
from pylxd.core.operation import LATE
from pylxd.transport.connection import Transport
from wire import Proxy, Server, frame, http, lxd_api, upgrade
import wire
from helpers import unique_name

from .support import Doing, Usage, clock

#: Seconds within which a caller has control again.
AT_ONCE = 3


class UnderWay(object):
    """A point of a call that a test waits for, and holds it at.

    The call passes it once; the test sees that, does its deed, and lets go.
    """

    def __init__(self):
        self.reached, self.done = threading.Event(), threading.Event()

    def __call__(self, *_):
        if not self.reached.is_set():
            self.reached.set()
            self.done.wait(60)


class Hooked(object):
    """A part of a file object that passes a point with each piece."""

    def __init__(self, point, pieces=()):
        self._point, self._pieces = point, list(pieces)
        self.written = 0

    def write(self, data):
        self.written += len(data)
        self._point()

    def read(self, _=-1):
        if len(self._pieces) == 1:
            self._point()
        return self._pieces.pop(0) if self._pieces else b''


def get(client, name, point):
    while True:
        client.containers.get(name)
        point()


def save(client, name, point):
    container = client.containers.get(name)
    for number in range(10 ** 6):
        container.config['user.n'] = str(number)
        try:
            container.save(wait=True)
        except exceptions.LXDException:
            save.container, save.number = container, number
            raise
        point()


def wait(client, name, point):
    operation = sleeping(client, name, 60)
    point()
    operation.wait()


def sleeping(client, name, seconds):
    """An operation that takes so long."""
    client.containers.get(name).api['exec'].post(json={
        'command': ['sleep', str(seconds)], 'environment': {},
        'wait-for-websocket': False, 'interactive': False})
    return next(each for each in client.operations.all()
                if each.running and any(
                    url.split('?')[0].endswith('/' + name)
                    for urls in each.resources.values() for url in urls))


def execute(client, name, point):
    client.containers.get(name).execute(
        ['sh', '-c', 'while :; do echo output; done'], stdout_handler=point)


def upload(client, name, point):
    client.images.create(
        Hooked(point, [os.urandom(1 << 18) for _ in range(40)]), wait=True)


def export(client, name, point):
    image = client.images.get_by_alias('busybox')
    download = client.transport.download

    def hooked(response, target, digest=None):
        write = target.write

        class Target(object):
            def write(self, data):
                write(data)
                point()
        return download(response, Target(), digest)

    client.transport.download = hooked
    try:
        image.export(export.path)
    finally:
        del client.transport.download


def events(client, name, point):
    listener = client.events()
    listener.connect()
    point()
    listener.run()
    assert listener.sock is None


#: What the caller sees when the daemon is killed during each.
KILLED = [
    (get, exceptions.ClientConnectionFailed),
    (save, exceptions.ClientConnectionFailed),
    (wait, exceptions.ClientConnectionFailed),
    (execute, exceptions.StreamBroken),
    (upload, exceptions.ClientConnectionFailed),
    (export, exceptions.StreamBroken),
    (events, None),
]


@pytest.mark.parametrize(
    'call, seen', KILLED, ids=[call.__name__ for call, _ in KILLED])
def test_sigkill(lxd, real, running, size, table, tmpdir, call, seen):
    """The daemon is killed in the middle, and started again: the caller is
    told at once, and the same client goes on."""
    client, longest, told = lxd.client(timeout=30), 0, set()
    left = 'nothing'
    images = {image.fingerprint for image in client.images.all()}
    files = os.listdir(lxd.directory + '/images')
    export.path = str(tmpdir.join('image'))
    before = Usage()
    tries = size(1, 10)
    for _ in range(tries):
        point = UnderWay()
        doing = Doing(lambda: call(client, running.name, point))
        assert point.reached.wait(30)
        lxd.kill()
        struck = clock()
        point.done.set()
        try:
            outcome = doing.outcome(AT_ONCE * 5)
        finally:
            lxd.restart()
        longest = max(longest, doing.at - struck)
        assert longest < AT_ONCE
        if seen is None:
            assert outcome is None
            told.add('the listener ends')
        else:
            assert isinstance(outcome, seen), repr(outcome)
            assert lxd.socket in str(outcome)
            told.add(type(outcome).__name__)
        # the same client
        container = client.containers.get(running.name)
        assert container.execute(['echo', 'on']) == ('on\n', '')
        processes = container.execute(['ps']).stdout
        assert 'output' not in processes
        if call is wait and 'sleep 60' in processes:
            left = 'the command, which had no streams'
            container.execute(['killall', '-KILL', 'sleep'])
        assert {image.fingerprint
                for image in client.images.all()} == images
        if call is save:
            # What was not saved is kept, and saved now
            save.container.save(wait=True)
            assert client.containers.get(running.name).config[
                'user.n'] == str(save.number)
    assert tmpdir.listdir() == []
    assert os.listdir(lxd.directory + '/images') == files
    client.close()
    assert [each for each in client.operations.all() if each.running] == []
    client.close()
    before.assert_same()
    table('faults', 'SIGKILL during ' + call.__name__, tries,
          ', '.join(sorted(told)), '{:.2f}'.format(longest), left)


def test_restart_between_two_calls(lxd, running, table, size):
    """A kept connection that the server has left is no error; what may not
    arrive twice does not."""
    tries = size(1, 10)
    with Proxy(lxd.socket, True) as proxy:
        client = lxd.client(endpoint=proxy.endpoint, timeout=30)
        container = client.containers.get(running.name)
        for number in range(tries):
            lxd.restart()
            assert client.containers.exists(running.name)
            container.config['user.restart'] = str(number)
            lxd.restart()
            container.save(wait=True)
            assert client.containers.get(running.name).config[
                'user.restart'] == str(number)
            lxd.restart()
            client.profiles.create(unique_name()).delete()
        client.close()
        posts = b''.join(map(bytes, proxy.sent)).count(
            b'POST /1.0/profiles ')
    assert posts == tries
    table('faults', 'restart between two calls', 3 * tries,
          'GET, save and POST done', '-', 'nothing')


@pytest.mark.parametrize('moment', ['before', 'after'])
def test_a_post_is_sent_once(table, nothing_left, moment):
    """Whether the server has done it before it went is not known."""
    def drop(request):
        return (lambda connection: None) if moment == 'before' else (
            lambda connection: connection.sendall(b'HTTP/1.1 2'))

    with Server(lxd_api({'POST /1.0/profiles': drop}), True) as server:
        with Client(server.endpoint, timeout=5) as client:
            with pytest.raises(exceptions.ClientConnectionFailed):
                client.profiles.create('p')
        assert server.requested.count('POST /1.0/profiles') == 1
    table('faults', 'connection lost {} the answer to POST'.format(
        {'before': 'before', 'after': 'within'}[moment]), 1,
        'ClientConnectionFailed, sent once', '-', 'nothing')


# -- slow and silent servers

def silent(connection):
    """Take all, say nothing."""
    while connection.recv(65536):
        pass


def trickle(start):
    """One byte now and then, without an end."""
    def send(connection):
        connection.sendall(start)
        stop = threading.Event()
        while not stop.wait(0.05):
            connection.sendall(b'0')
    return send


def endless(connection):
    connection.sendall(HEAD + b'Transfer-Encoding: chunked\r\n\r\n')
    while True:
        connection.sendall(b'10000\r\n' + b'[' * 65536 + b'\r\n')


HEAD = b'HTTP/1.1 200 OK\r\n'
SLOW = [
    ('a silent server', silent, exceptions.ConnectionTimeout),
    ('a head that trickles', trickle(HEAD + b'X-A: '),
     exceptions.ConnectionTimeout),
    ('a body that trickles',
     trickle(HEAD + b'Content-Length: 1000000\r\n\r\n['),
     exceptions.ConnectionTimeout),
    ('chunks that trickle',
     trickle(HEAD + b'Transfer-Encoding: chunked\r\n\r\n10000\r\n['),
     exceptions.ConnectionTimeout),
    ('a body without an end', endless, exceptions.InvalidResponse),
]


@pytest.mark.parametrize('what, send, seen', SLOW, ids=[
    what for what, _, _ in SLOW])
@pytest.mark.parametrize('kind', ['unix', 'https'])
def test_slow(monkeypatch, table, nothing_left, tmpdir, kind, what, send,
              seen):
    """``Client(timeout=)`` bounds each call, whatever the server does."""
    monkeypatch.setattr('pylxd.transport.connection.LONGEST_BODY', 64 << 20)
    pair = wire.make_certificate(tmpdir) if kind == 'https' else None
    before = Usage()
    with Server(lxd_api({'GET /1.0/profiles': lambda _: send}),
                kind == 'unix', pair and wire.tls_context(pair)) as server:
        with Client(server.endpoint, timeout=0.4,
                    verify=pair[0] if pair else True) as client:
            doing, started = Doing(client.profiles.all), clock()
            assert isinstance(doing.outcome(20), seen), doing.error
    grown = Usage().rss - before.rss
    assert grown < 200
    if seen is exceptions.ConnectionTimeout:
        assert doing.at - started < AT_ONCE
    table('faults', '{}, {}'.format(what, kind), 1, seen.__name__,
          '{:.2f}'.format(doing.at - started), 'nothing')


@pytest.mark.parametrize('what, send', [
    ('a silent handshake', silent),
    ('a handshake that trickles', trickle(b'HTTP/1.1 101 OK\r\nX-A: ')),
    ('a refusal that trickles',
     trickle(b'HTTP/1.1 400 No\r\nContent-Length: 60000\r\n\r\n')),
])
def test_slow_websockets(table, nothing_left, what, send):
    with Server(lxd_api({'GET /1.0/events': lambda _: send}), True) as server:
        with Client(server.endpoint, timeout=0.4) as client:
            doing, started = Doing(client.events().connect), clock()
            assert isinstance(
                doing.outcome(20), exceptions.ConnectionTimeout)
    assert doing.at - started < AT_ONCE
    table('faults', what, 1, 'ConnectionTimeout',
          '{:.2f}'.format(doing.at - started), 'nothing')


def test_a_server_that_falls_silent_in_a_wait(
        monkeypatch, table, nothing_left):
    """A wait ends by its own timeout, and a margin for the network."""
    assert LATE <= 10
    monkeypatch.setattr('pylxd.core.operation.LATE', 0.5)
    with Server(lxd_api({'GET /1.0/operations/o/wait': lambda _: silent}),
                True) as server:
        with Client(server.endpoint, timeout=0.2) as client:
            started = clock()
            doing = Doing(lambda: client.operations.wait_for_operation(
                'o', timeout=1))
            assert isinstance(
                doing.outcome(20), exceptions.ConnectionTimeout)
    assert 1 < doing.at - started < 1 + AT_ONCE
    table('faults', 'a silent server in wait(timeout=1)', 1,
          'ConnectionTimeout', '{:.2f}'.format(doing.at - started), 'nothing')


# -- what arrives in part

IMAGE = os.urandom(300000)
FINGERPRINT = hashlib.sha256(IMAGE).hexdigest()


@pytest.mark.parametrize('what, answer', [
    ('shorter than said', http(IMAGE[:-9], Content_Length=len(IMAGE))),
    ('other bytes', http(IMAGE[:-1] + b'!')),
    ('a chunk that is cut off',
     http(b'50000\r\n' + IMAGE[:9], Content_Length=None,
          Transfer_Encoding='chunked')),
])
def test_an_export_that_breaks_off(tmpdir, table, nothing_left, what, answer):
    """No file has the name that was asked for, unless it is whole."""
    path = '/1.0/images/' + FINGERPRINT

    def cut(connection):
        connection.sendall(answer)

    with Server(lxd_api({
            'GET ' + path: {'fingerprint': FINGERPRINT},
            'GET {}/export'.format(path): lambda _: cut}), True) as server:
        with Client(server.endpoint, timeout=5) as client:
            image = client.images.get(FINGERPRINT)
            with pytest.raises(exceptions.ClientConnectionFailed):
                image.export(str(tmpdir.join('image')))
    assert tmpdir.listdir() == []
    table('faults', 'an export: ' + what, 1, 'StreamBroken', '-', 'no file')


STREAMS = [
    ('closed', b''),
    ('cut within a frame', frame(b'output')[:-2]),
    ('closed by a close frame', frame(struct.pack('!H', 1001), opcode=8)),
    ('malformed', b'\xff\xff\xff\xff'),
]


@pytest.mark.trap('exec-no-close-handshake')
@pytest.mark.parametrize('what, data', STREAMS, ids=[
    what for what, _ in STREAMS])
def test_a_broken_exec_stream(table, nothing_left, what, data):
    """It is an error, never an empty or short result."""
    operation = {
        'id': 'o', 'class': 'websocket', 'status': 'Running',
        'status_code': 103, 'metadata': {'fds': {
            '0': 'a', '1': 'b', '2': 'c', 'control': 'd'}}}

    def stream(request):
        return lambda connection: connection.sendall(upgrade(request) + data)

    with Server(lxd_api({
            'GET /1.0/instances/c': {'name': 'c'},
            'POST /1.0/instances/c/exec': lambda _: wire.accepted(operation),
            'GET /1.0/operations/o/websocket': stream,
            'GET /1.0/operations/o/wait': dict(
                operation, status='Success', status_code=200,
                metadata={'return': 0})}), True) as server:
        with Client(server.endpoint, timeout=5) as client:
            with pytest.raises(exceptions.StreamBroken):
                client.containers.get('c').execute(['true'])
    table('faults', 'an exec stream, ' + what, 1, 'StreamBroken', '-',
          'nothing')


@pytest.mark.trap('exec-all-sockets')
def test_a_command_starts_when_all_sockets_are_there(nothing_left):
    """None is answered before all have asked."""
    asked, all_have = [], threading.Event()

    def stream(request):
        asked.append(request.target[-1])
        if len(asked) == 3:
            all_have.set()

        def serve(connection):
            if all_have.wait(10):
                connection.sendall(upgrade(request) + frame(b'', opcode=1))
                connection.recv(65536)
        return serve

    with Server(stream, True) as server:
        streams.exchange(
            Transport(server.endpoint, timeout=5),
            ['/w?' + fd for fd in '012'], None, [list().append] * 2)
    assert sorted(asked) == ['0', '1', '2']


# -- Ctrl-C

@pytest.fixture
def interruptible():
    """Ctrl-C interrupts, also where a shell has started us in the background,
    which lets it be ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize('call', [execute, wait, upload, export, events])
def test_ctrl_c(lxd, real, running, table, size, tmpdir, interruptible,
                call):
    """Control returns at once; the client of a REPL goes on."""
    client, longest, tries = lxd.client(), 0, size(1, 10)
    main = threading.current_thread().ident
    client.containers.get(running.name)
    export.path = str(tmpdir.join('image'))
    before = Usage()
    for _ in range(tries):
        reached, never = threading.Event(), threading.Event()
        struck = []

        def passing(*_):
            reached.set()
            if call in (upload, export):  # which would be over soon
                while not never.wait(0.1):
                    pass  # a wait that just begins is not interrupted

        def strike():
            assert reached.wait(30)
            struck.append(clock())
            if hasattr(signal, 'pthread_kill'):  # to no other thread
                signal.pthread_kill(main, signal.SIGINT)
            else:
                os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=strike)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            call(client, running.name, passing)
            pytest.fail('it ended before it was interrupted')
        longest = max(longest, clock() - struck[0])
        thread.join()
        assert longest < AT_ONCE
        assert client.containers.get(running.name).execute(
            ['echo', 'on']) == ('on\n', '')
    assert tmpdir.listdir() == []
    if call is wait:  # the command runs on, as nobody said otherwise
        client.containers.get(running.name).execute(
            ['killall', '-KILL', 'sleep'])
    client.close()
    before.assert_same()
    table('faults', 'Ctrl-C during ' + call.__name__, tries,
          'KeyboardInterrupt', '{:.2f}'.format(longest), 'nothing')


# -- fork

def test_fork(lxd, running, table, size, nothing_left):
    """Children and parent ask through one client at once: each gets its own
    answers, over sockets of its own."""
    client, asks = lxd.client(), size(30, 300)
    names = ['default', running.name]
    client.containers.get(running.name)

    def ask():
        for _ in range(asks):
            assert client.profiles.get('default').name == 'default'
            assert client.containers.get(running.name).name == running.name

    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            status = 1
            try:
                ask()
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    ask()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    client.close()
    table('faults', 'fork: 4 children and their parent',
          5 * asks * len(names), 'own answers', '-', 'nothing')
