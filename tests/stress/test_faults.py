"""Servers that are killed, break off, are slow or silent; Ctrl-C and fork."""
import hashlib
import os
import signal
import struct
import threading

import pytest

from pylxd import Client, exceptions
from pylxd.core.operation import WAIT_MARGIN
from pylxd.transport.connection import Transport
from wire import Proxy, Server, frame, http, lxd_api, upgrade
import wire
from helpers import exchange, unique_name

from .support import BackgroundCall, PausePoint, Usage, clock

#: Seconds within which a broken call must return.
AT_ONCE = 3


class PausingFile(object):
    """A file object that calls ``point`` before its last piece."""

    def __init__(self, point, pieces):
        self._point, self._pieces = point, list(pieces)

    def read(self, _=-1):
        if len(self._pieces) == 1:
            self._point()
        return self._pieces.pop(0) if self._pieces else b''


def get_repeatedly(client, name, point):
    while True:
        client.containers.get(name)
        point()


def save_repeatedly(client, name, point):
    container = client.containers.get(name)
    for number in range(10 ** 6):
        container.config['user.n'] = str(number)
        try:
            container.save(wait=True)
        except exceptions.LXDException:
            save_repeatedly.container = container
            save_repeatedly.number = number
            raise
        point()


def wait_for_command(client, name, point):
    operation = start_sleep(client, name, 60)
    point()
    operation.wait()


def start_sleep(client, name, seconds):
    """Start a command that sleeps, and return its operation."""
    client.containers.get(name).api['exec'].post(json={
        'command': ['sleep', str(seconds)], 'environment': {},
        'wait-for-websocket': False, 'interactive': False})
    return next(each for each in client.operations.all()
                if each.running and any(
                    url.split('?')[0].endswith('/' + name)
                    for urls in each.resources.values() for url in urls))


def execute_endlessly(client, name, point):
    client.containers.get(name).execute(
        ['sh', '-c', 'while :; do echo output; done'], stdout_handler=point)


def upload_image(client, name, point):
    client.images.create(
        PausingFile(point, [os.urandom(1 << 18) for _ in range(40)]),
        wait=True)


def export_image(client, name, point):
    image = client.images.get_by_alias('busybox')
    download = client.transport.download

    def pause_download(response, target, *observers):
        write = target.write

        class Target(object):
            def write(self, data):
                write(data)
                point()
        return download(response, Target(), *observers)

    client.transport.download = pause_download
    try:
        image.export(export_image.path)
    finally:
        del client.transport.download


def listen_to_events(client, name, point):
    listener = client.events()
    listener.connect()
    point()
    listener.run()
    assert listener.sock is None


#: Calls, and what they raise when the daemon is killed; None: no error.
KILL_CASES = [
    (get_repeatedly, exceptions.ClientConnectionFailed),
    (save_repeatedly, exceptions.ClientConnectionFailed),
    (wait_for_command, exceptions.ClientConnectionFailed),
    (execute_endlessly, exceptions.StreamBroken),
    (upload_image, exceptions.ClientConnectionFailed),
    (export_image, exceptions.StreamBroken),
    (listen_to_events, None),
]


@pytest.mark.parametrize(
    'call, error_class', KILL_CASES,
    ids=[call.__name__ for call, _ in KILL_CASES])
def test_a_killed_daemon(
        lxd, killable, running, scale, add_row, tmpdir, call, error_class):
    """Kill the daemon during a call, and restart it.

    The call raises at once, and the same client works with the new daemon.
    """
    client, longest, outcomes = lxd.client(timeout=30), 0, set()
    left_over = 'nothing'
    images = {image.fingerprint for image in client.images.all()}
    files = os.listdir(lxd.directory + '/images')
    export_image.path = str(tmpdir.join('image'))
    before = Usage()
    tries = scale(1, 10)
    for _ in range(tries):
        point = PausePoint()
        background = BackgroundCall(lambda: call(client, running.name, point))
        assert point.reached.wait(30)
        lxd.kill()
        killed_at = clock()
        point.done.set()
        try:
            outcome = background.wait(AT_ONCE * 5)
        finally:
            lxd.restart()
        longest = max(longest, background.ended_at - killed_at)
        assert longest < AT_ONCE
        if error_class is None:
            assert outcome is None
            outcomes.add('the listener ends')
        else:
            assert isinstance(outcome, error_class), repr(outcome)
            assert lxd.socket in str(outcome)
            outcomes.add(type(outcome).__name__)
        # The same client
        container = client.containers.get(running.name)
        assert container.execute(['echo', 'on']) == ('on\n', '')
        processes = container.execute(['ps']).stdout
        assert 'output' not in processes
        if call is wait_for_command and 'sleep 60' in processes:
            left_over = 'the command, which had no streams'
            container.execute(['killall', '-KILL', 'sleep'])
        assert {image.fingerprint
                for image in client.images.all()} == images
        if call is save_repeatedly:
            # The change that was not saved is kept, and can be saved now
            save_repeatedly.container.save(wait=True)
            assert client.containers.get(running.name).config[
                'user.n'] == str(save_repeatedly.number)
    assert tmpdir.listdir() == []
    assert os.listdir(lxd.directory + '/images') == files
    client.close()
    assert [each for each in client.operations.all() if each.running] == []
    client.close()
    before.assert_same()
    add_row('faults', 'SIGKILL during ' + call.__name__, tries,
            ', '.join(sorted(outcomes)), '{:.2f}'.format(longest), left_over)


def test_restart_between_two_calls(lxd, running, add_row, scale):
    """A closed pooled connection is no error, and each POST is sent once."""
    tries = scale(1, 10)
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
    add_row('faults', 'restart between two calls', 3 * tries,
            'GET, save and POST done', '-', 'nothing')


@pytest.mark.parametrize('moment', ['before', 'after'])
def test_a_post_is_sent_once(add_row, nothing_left, moment):
    """The server may have handled a POST that it did not answer."""
    def drop(request):
        return (lambda connection: None) if moment == 'before' else (
            lambda connection: connection.sendall(b'HTTP/1.1 2'))

    with Server(lxd_api({'POST /1.0/profiles': drop}), True) as server:
        with Client(server.endpoint, timeout=5) as client:
            with pytest.raises(exceptions.ClientConnectionFailed):
                client.profiles.create('p')
        assert server.requested.count('POST /1.0/profiles') == 1
    add_row('faults', 'connection lost {} the answer to POST'.format(
        {'before': 'before', 'after': 'within'}[moment]), 1,
        'ClientConnectionFailed, sent once', '-', 'nothing')


# -- slow and silent servers

def send_nothing(connection):
    """Read everything and send nothing."""
    while connection.recv(65536):
        pass


def send_slowly(start):
    """Return a function that sends one byte each 0.05 s without an end."""
    def send(connection):
        connection.sendall(start)
        stop = threading.Event()
        while not stop.wait(0.05):
            connection.sendall(b'0')
    return send


def send_endless_body(connection):
    connection.sendall(HEAD + b'Transfer-Encoding: chunked\r\n\r\n')
    while True:
        connection.sendall(b'10000\r\n' + b'[' * 65536 + b'\r\n')


HEAD = b'HTTP/1.1 200 OK\r\n'
SLOW_SERVERS = [
    ('a silent server', send_nothing, exceptions.ConnectionTimeout),
    ('a head that trickles', send_slowly(HEAD + b'X-A: '),
     exceptions.ConnectionTimeout),
    ('a body that trickles',
     send_slowly(HEAD + b'Content-Length: 1000000\r\n\r\n['),
     exceptions.ConnectionTimeout),
    ('chunks that trickle',
     send_slowly(HEAD + b'Transfer-Encoding: chunked\r\n\r\n10000\r\n['),
     exceptions.ConnectionTimeout),
    ('a body without an end', send_endless_body, exceptions.InvalidResponse),
]


@pytest.mark.parametrize('label, send, error_class', SLOW_SERVERS, ids=[
    label for label, _, _ in SLOW_SERVERS])
@pytest.mark.parametrize('kind', ['unix', 'https'])
def test_a_slow_server_reaches_the_timeout(
        monkeypatch, add_row, nothing_left, tmpdir, kind, label, send,
        error_class):
    """``Client(timeout=)`` limits each call, whatever the server sends."""
    monkeypatch.setattr('pylxd.transport.bodies.LONGEST_BODY', 64 << 20)
    pair = wire.make_certificate(tmpdir) if kind == 'https' else None
    before = Usage()
    with Server(lxd_api({'GET /1.0/profiles': lambda _: send}),
                kind == 'unix', pair and wire.tls_context(pair)) as server:
        with Client(server.endpoint, timeout=0.4,
                    verify=pair[0] if pair else True) as client:
            background, started = BackgroundCall(client.profiles.all), clock()
            assert isinstance(
                background.wait(20), error_class), background.error
    grown = Usage().rss - before.rss
    assert grown < 200
    if error_class is exceptions.ConnectionTimeout:
        assert background.ended_at - started < AT_ONCE
    add_row('faults', '{}, {}'.format(label, kind), 1, error_class.__name__,
            '{:.2f}'.format(background.ended_at - started), 'nothing')


@pytest.mark.parametrize('label, send', [
    ('a silent handshake', send_nothing),
    ('a handshake that trickles', send_slowly(b'HTTP/1.1 101 OK\r\nX-A: ')),
    ('a refusal that trickles',
     send_slowly(b'HTTP/1.1 400 No\r\nContent-Length: 60000\r\n\r\n')),
])
def test_a_slow_websocket_reaches_the_timeout(
        add_row, nothing_left, label, send):
    with Server(lxd_api({'GET /1.0/events': lambda _: send}), True) as server:
        with Client(server.endpoint, timeout=0.4) as client:
            background, started = BackgroundCall(
                client.events().connect), clock()
            assert isinstance(
                background.wait(20), exceptions.ConnectionTimeout)
    assert background.ended_at - started < AT_ONCE
    add_row('faults', label, 1, 'ConnectionTimeout',
            '{:.2f}'.format(background.ended_at - started), 'nothing')


def test_a_silent_server_in_a_wait(
        monkeypatch, add_row, nothing_left):
    """A wait ends after its own timeout and a margin for the network."""
    assert WAIT_MARGIN <= 10
    monkeypatch.setattr('pylxd.core.operation.WAIT_MARGIN', 0.5)
    pages = {'GET /1.0/operations/o/wait': lambda _: send_nothing}
    with Server(lxd_api(pages), True) as server:
        with Client(server.endpoint, timeout=0.2) as client:
            started = clock()
            background = BackgroundCall(
                lambda: client.operations.wait_for_operation('o', timeout=1))
            assert isinstance(
                background.wait(20), exceptions.ConnectionTimeout)
    assert 1 < background.ended_at - started < 1 + AT_ONCE
    add_row('faults', 'a silent server in wait(timeout=1)', 1,
            'ConnectionTimeout',
            '{:.2f}'.format(background.ended_at - started), 'nothing')


# -- incomplete responses and streams

IMAGE = os.urandom(300000)
FINGERPRINT = hashlib.sha256(IMAGE).hexdigest()


@pytest.mark.parametrize('label, answer', [
    ('shorter than its Content-Length',
     http(IMAGE[:-9], Content_Length=len(IMAGE))),
    ('other bytes', http(IMAGE[:-1] + b'!')),
    ('a chunk that is cut off',
     http(b'50000\r\n' + IMAGE[:9], Content_Length=None,
          Transfer_Encoding='chunked')),
])
def test_an_incomplete_export_leaves_no_file(
        tmpdir, add_row, nothing_left, label, answer):
    """The target file does not appear before the export is complete."""
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
    add_row('faults', 'an export: ' + label, 1, 'StreamBroken', '-', 'no file')


STREAMS = [
    ('closed', b''),
    ('cut within a frame', frame(b'output')[:-2]),
    ('closed by a close frame', frame(struct.pack('!H', 1001), opcode=8)),
    ('malformed', b'\xff\xff\xff\xff'),
]


@pytest.mark.trap('exec-no-close-handshake')
@pytest.mark.parametrize('label, data', STREAMS, ids=[
    label for label, _ in STREAMS])
def test_a_broken_exec_stream(add_row, nothing_left, label, data):
    """A broken stream raises an error and gives no shorter result."""
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
    add_row('faults', 'an exec stream, ' + label, 1, 'StreamBroken', '-',
            'nothing')


@pytest.mark.trap('exec-all-sockets')
def test_all_sockets_of_a_command_are_requested_first(nothing_left):
    """The server answers no websocket before all three were requested."""
    requested, all_requested = [], threading.Event()

    def stream(request):
        requested.append(request.target[-1])
        if len(requested) == 3:
            all_requested.set()

        def serve(connection):
            if all_requested.wait(10):
                connection.sendall(upgrade(request) + frame(b'', opcode=1))
                connection.recv(65536)
        return serve

    with Server(stream, True) as server:
        exchange(
            Transport(server.endpoint, timeout=5),
            ['/w?' + fd for fd in '012'], None, [list().append] * 2)
    assert sorted(requested) == ['0', '1', '2']


# -- Ctrl-C

@pytest.fixture
def interruptible():
    """Let Ctrl-C interrupt: in the background of a shell it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize('call', [
    execute_endlessly, wait_for_command, upload_image, export_image,
    listen_to_events])
def test_ctrl_c_interrupts_a_call(
        lxd, killable, running, add_row, scale, tmpdir, interruptible, call):
    """Ctrl-C interrupts a call at once, and the same client still works."""
    client, longest, tries = lxd.client(), 0, scale(1, 10)
    main = threading.current_thread().ident
    client.containers.get(running.name)
    export_image.path = str(tmpdir.join('image'))
    before = Usage()
    for _ in range(tries):
        reached, never = threading.Event(), threading.Event()
        interrupted_at = []

        def reach_point(*_):
            reached.set()
            if call in (upload_image, export_image):  # else over too soon
                while not never.wait(0.1):
                    pass  # a signal just before a wait does not end it

        def send_signal():
            assert reached.wait(30)
            interrupted_at.append(clock())
            if hasattr(signal, 'pthread_kill'):  # not to another thread
                signal.pthread_kill(main, signal.SIGINT)
            else:
                os.kill(os.getpid(), signal.SIGINT)

        thread = threading.Thread(target=send_signal)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            call(client, running.name, reach_point)
            pytest.fail('the call ended before it was interrupted')
        longest = max(longest, clock() - interrupted_at[0])
        thread.join()
        assert longest < AT_ONCE
        assert client.containers.get(running.name).execute(
            ['echo', 'on']) == ('on\n', '')
    assert tmpdir.listdir() == []
    if call is wait_for_command:  # the interrupt does not end the command
        client.containers.get(running.name).execute(
            ['killall', '-KILL', 'sleep'])
    client.close()
    before.assert_same()
    add_row('faults', 'Ctrl-C during ' + call.__name__, tries,
            'KeyboardInterrupt', '{:.2f}'.format(longest), 'nothing')


# -- fork

def test_forked_children_use_own_connections(
        lxd, running, add_row, scale, nothing_left):
    """Children and parent use one client at once, each on its own sockets."""
    client, count = lxd.client(), scale(30, 300)
    names = ['default', running.name]
    client.containers.get(running.name)

    def send_requests():
        for _ in range(count):
            assert client.profiles.get('default').name == 'default'
            assert client.containers.get(running.name).name == running.name

    children = []
    for _ in range(4):
        child = os.fork()
        if not child:
            status = 1
            try:
                send_requests()
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    send_requests()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    client.close()
    add_row('faults', 'fork: 4 children and their parent',
            5 * count * len(names), 'own answers', '-', 'nothing')
