"""Features of the stand-in that no real server has.

The contract tests cover the rest: they run on the stand-in too.
"""
import contextlib
import gc
import hashlib
import json
import os
import socket
import ssl
import threading
import time

import pytest
import requests

import wire
from helpers import BUSYBOX
from pylxd import exceptions
from pylxd.testing import FakeLXD
from pylxd.testing.fake import things, web


@pytest.fixture
def lxd():
    with FakeLXD() as lxd:
        yield lxd


@pytest.fixture
def client(lxd):
    with lxd.client() as client:
        yield client


@pytest.fixture
def running(client):
    container = client.containers.create(
        {'name': 'c1', 'source': BUSYBOX}, wait=True)
    container.start(wait=True)
    return container


def trusted_client(lxd, tmpdir):
    """Return a trusted client over HTTPS."""
    pair = wire.make_certificate(tmpdir, 'client')
    client = lxd.client(
        endpoint=lxd.endpoint, cert=pair, verify=lxd.certificate)
    client.authenticate(lxd.password or lxd.token())
    return client


def count_descriptors():
    """Return the number of open descriptors of this process."""
    for _ in range(3):
        gc.collect()  # PyPy closes some of the library's sockets only then
    return len(os.listdir('/proc/self/fd'))


# Start and end

@pytest.mark.parametrize('place', [0, 1], ids=['https', 'unix'])
def test_no_other_connection_is_cut(lxd, monkeypatch, place):
    """A connection may close, and its number be reused, while it is cut."""
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen(1)
        peer = socket.create_connection(listener.getsockname())
        connection, _ = listener.accept()
    peer.close()
    opened, threads, fromfd = [], [], socket.fromfd

    def close_first(*args):
        thread = threading.Thread(
            target=lxd._servers[place].process_request_thread,
            args=(connection, None))
        thread.start()
        thread.join(0.2)  # it closes the connection, if it can
        opened.extend(socket.socketpair() for _ in range(9))
        threads.append(thread)
        return fromfd(*args)

    monkeypatch.setattr(socket, 'fromfd', close_first)
    web.cut(connection)
    threads[0].join(10)
    for one, other in opened:
        one.sendall(b'x')
        assert other.recv(1) == b'x'
        one.close()
        other.close()


@pytest.mark.skipif(not os.path.isdir('/proc/self/fd'), reason='no /proc')
def test_close_leaves_nothing(tmpdir):
    FakeLXD().close()  # the first one imports modules, which stay
    threads, before = threading.active_count(), count_descriptors()
    with FakeLXD() as lxd:
        with lxd.client() as client, trusted_client(
                lxd, tmpdir) as https_client:
            container = client.containers.create(
                {'name': 'c1', 'source': BUSYBOX}, wait=True)
            container.start(wait=True)
            container.execute(['echo'])
            client.api.containers['c1']['exec'].post(json={
                'command': ['sleep', '1000'], 'wait-for-websocket': False})
            events = https_client.events()
            events.connect()
            listening = threading.Thread(target=events.run)
            listening.start()
            lxd.close()
            listening.join(10)
            assert not listening.is_alive()
        home = os.path.dirname(lxd.directory)
        assert not os.path.exists(home)
    lxd.close()  # again
    assert threading.active_count() == threads
    assert count_descriptors() == before


def test_a_kill_breaks_running_commands(lxd, client, running):
    broken = []

    def wait():
        with pytest.raises(exceptions.LXDException) as caught:
            running.execute(['sleep', '1000'])
        broken.append(caught.value)

    thread = threading.Thread(target=wait)
    thread.start()
    while sum('/websocket?' in path for _, path in lxd.requests) < 3:
        time.sleep(0.01)
    lxd.kill()
    thread.join(10)
    assert len(broken) == 1
    with pytest.raises(exceptions.ClientConnectionFailed):
        client.containers.all()
    endpoint = lxd.endpoint
    lxd.restart()
    assert lxd.endpoint == endpoint
    assert client.operations.all() == []
    assert client.containers.get('c1').status == 'Running'
    assert client.containers.get('c1').execute(['echo', 'x']).stdout == 'x\n'


def test_restart_without_a_kill(lxd, client, tmpdir):
    with trusted_client(lxd, tmpdir) as https_client:
        lxd.restart()
        assert https_client.trusted
        assert https_client.profiles.all() == client.profiles.all()


def test_operations_are_forgotten(lxd, client, running):
    operation = running.snapshots.client.api.containers['c1'].snapshots.post(
        json={'name': 's'}).json()['metadata']
    client.operations.wait_for_operation(operation['id'])
    assert client.operations.get(operation['id']).status == 'Success'
    lxd.retention = 0
    with pytest.raises(exceptions.NotFound):
        client.operations.get(operation['id'])


def test_requests_and_connections_are_counted(lxd, client):
    before = lxd.connections
    client.profiles.exists('none')
    client.profiles.all()
    assert lxd.requests[-2:] == [
        ('GET', '/1.0/profiles/none'), ('GET', '/1.0/profiles')]
    assert lxd.connections == before  # the connection is kept
    with lxd.client():
        assert lxd.connections == before + 1


def test_an_unknown_server():
    with pytest.raises(KeyError):
        FakeLXD(like='lxd-1.0')


# Commands

def test_a_handler_of_any_command(lxd, running):
    @lxd.on_execute
    def apt(run):
        if run.command[0] != 'apt':
            return NotImplemented
        run.stdout.write(u'{} {} {} {}'.format(
            run.instance, run.user, run.cwd, run.environment['A']))
        return 3, '', b'done\n'

    result = running.execute(
        ['apt', 'install'], environment={'A': 'b'}, user=7, cwd='/tmp')
    assert (result.exit_code, result.stdout, result.stderr) == (
        3, 'c1 7 /tmp b', 'done\n')
    assert running.execute(['echo', 'x']).stdout == 'x\n'


@pytest.mark.parametrize('returned, expected', [
    (None, (0, '', '')), (4, (4, '', '')), ('text', (0, 'text', '')),
    (b'bytes', (0, 'bytes', '')), ((5, 'out'), (5, 'out', '')),
    ((6, 'out', 'err'), (6, 'out', 'err'))])
def test_returned_values_of_a_handler(lxd, running, returned, expected):
    lxd.on_execute(lambda run: returned, 'it')
    result = running.execute(['it'])
    assert (result.exit_code, result.stdout, result.stderr) == expected


def test_the_latest_handler_wins(lxd, running):
    lxd.on_execute(lambda run: 'first', 'it')
    lxd.on_execute(lambda run: 'second', 'it')
    lxd.on_execute(lambda run: 'other', 'other')
    assert running.execute(['it']).stdout == 'second'


def test_a_handler_reads_and_writes(lxd, running):
    def upper(run):
        for piece in iter(lambda: run.stdin.read(1000), b''):
            run.stdout.write(piece.upper())

    lxd.on_execute(upper, 'upper')
    result = running.execute(['upper'], stdin_payload=b'x' * 2000000)
    assert result.stdout == 'X' * 2000000


def test_a_handler_that_fails(lxd, running):
    def broken(run):
        raise exceptions.LXDException('oops')

    lxd.on_execute(broken, 'broken')
    with pytest.raises(exceptions.LXDException) as caught:
        running.execute(['broken'])
    assert 'oops' in str(caught.value)


@pytest.mark.parametrize('script, expected', [
    ('echo a; echo b >&2; exit 3', (3, 'a\n', 'b\n')),
    ('false && echo a || echo b', (0, 'b\n', '')),
    ('echo "$HOME" \'$HOME\' \\$HOME', (0, '/root $HOME $HOME\n', '')),
    ('echo a > /tmp/f; echo b >> /tmp/f; cat < /tmp/f', (0, 'a\nb\n', '')),
    ('cd /etc && pwd; cat group', (0, '/etc\nroot:x:0:\n', '')),
    ('A=b; echo $A${A}; echo $?', (0, 'bb\n0\n', '')),
    ('echo $0 $1', (0, 'name one\n', '')),
    ('test -f /etc/passwd; echo $?; test -d /none; echo $?',
     (0, '0\n1\n', '')),
    ('kill -9 $$; echo never', (137, '', '')),
    ('echo a > /none/f', (
        1, '', "sh: can't create /none/f: nonexistent directory\n")),
    ('cat', (0, 'in', '')),
])
def test_the_shell(running, script, expected):
    result = running.execute(['sh', '-c', script, 'name', 'one'],
                             stdin_payload='in')
    assert (result.exit_code, result.stdout, result.stderr) == expected


def test_no_command_runs_on_the_host(running, tmpdir):
    path = tmpdir.join('mark')
    with pytest.raises(exceptions.LXDException) as caught:
        running.execute(['touch', str(path)])
    assert str(caught.value).startswith(
        'Command not found (the stand-in has only a few commands: answer '
        'others by on_execute())')
    running.execute(['sh', '-c', 'echo x > /etc/hostname'])
    assert running.files.get('/etc/hostname') == b'x\n'
    assert not path.exists()


def test_a_signal_ends_a_command(client, running):
    operation = client.api.containers['c1']['exec'].post(json={
        'command': ['sleep', '1000'], 'wait-for-websocket': True,
        'interactive': False}).json()['metadata']
    sockets = {}
    for name, secret in operation['metadata']['fds'].items():
        sockets[name] = open_websocket(client, operation['id'], secret)
    sockets['control'].send(json.dumps({'command': 'signal', 'signal': 15}))
    ended = client.api.operations[operation['id']].wait.get().json()
    assert ended['metadata']['metadata']['return'] == 143
    for each in sockets.values():
        each.close_connection()


def open_websocket(client, identifier, secret):
    """Return a websocket of an operation that reads nothing."""
    from ws4py.client import WebSocketBaseClient

    class Plain(WebSocketBaseClient):
        def handshake_ok(self):
            """Do not start to read."""

    plain = Plain('ws+unix://' + client.transport.socket_path)
    plain.resource = '/1.0/operations/{}/websocket?secret={}'.format(
        identifier, secret)
    plain.connect()
    return plain


# Faults

@pytest.mark.parametrize('end', [
    lambda running: running.execute(['sleep', '99'], timeout=0.2),
    lambda running: running.popen(['sleep', '99']).close(),
    lambda running: running.terminal(['sleep', '99']).close()])
def test_a_killed_command_ends_at_once(lxd, running, end):
    """The client does not wait for its end in vain."""
    started = time.time()
    try:
        end(running)
    except exceptions.CommandTimeout:
        pass
    assert time.time() - started < 2.5


def test_refuse(lxd, client):
    with lxd.refuse(method='POST', path='/1.0/profiles') as fault:
        with pytest.raises(exceptions.ClientConnectionFailed):
            client.profiles.create('p')
    assert fault.count == 1
    assert not client.profiles.exists('p')  # the request was not handled


def test_drop(lxd, client):
    with lxd.drop(200, method='POST', path='/1.0/profiles'):
        with pytest.raises(exceptions.ClientConnectionFailed):
            client.profiles.create('p')
    assert client.profiles.exists('p')  # the request was handled


def test_truncate(lxd):
    with lxd.truncate(5, path='/1.0/images/*/export'):
        with lxd.client() as client:
            with pytest.raises(exceptions.LXDException):
                client.images.get_by_alias('busybox').export()
            assert client.profiles.all()


def test_delay(lxd, client):
    with lxd.delay(0.2, path='/1.0/profiles'):
        started = time.time()
        client.profiles.all()
        assert time.time() - started >= 0.2
    with lxd.client(timeout=0.2) as impatient:
        with lxd.delay(60):
            with pytest.raises(exceptions.ConnectionTimeout):
                impatient.profiles.get('default')


def test_answer(lxd, client):
    with lxd.answer(502, b'<html>', path='/1.0/profiles*', times=2) as fault:
        for _ in range(2):
            with pytest.raises(exceptions.LXDException) as caught:
                client.profiles.get('default')
            assert '502' in str(caught.value)
        assert client.profiles.get('default')
    assert fault.count == 2


def test_fail(lxd, client, running):
    lxd.fail('it is Monday', method='PUT', path='*/state', times=1)
    with pytest.raises(exceptions.OperationFailed) as caught:
        running.stop(wait=True)
    assert 'it is Monday' in str(caught.value)
    running.stop(wait=True)
    assert running.status == 'Stopped'


def test_hold(lxd, client, running):
    fault = lxd.hold(60, method='PUT', path='*/state')
    running.stop()
    while 1:
        try:
            client.api.containers['c1'].patch(json={'config': {}})
            time.sleep(0.01)  # the held operation has not started
        except exceptions.LXDAPIException as error:
            assert 'is busy running a "stop" operation' in str(error)
            break
    assert client.containers.get('c1').status == 'Running'
    fault.remove()
    lxd.restart()
    client.api.containers['c1'].patch(json={'config': {}})


def test_lose_websocket(lxd, running):
    with lxd.lose_websocket(1, path='/1.0/operations/*/websocket'):
        with pytest.raises(exceptions.StreamBroken):
            running.execute(['sh', '-c', 'echo a; echo b'])
    assert running.execute(['echo', 'a']).stdout == 'a\n'


# Trust

def test_https_clients_are_recognized(lxd, client, tmpdir):
    for number in range(3):
        with trusted_client(lxd, tmpdir.mkdir(str(number))) as https_client:
            assert https_client.trusted
            assert len(client.certificates.all()) == number + 1
            for certificate in client.certificates.all():
                der = ssl.PEM_cert_to_DER_cert(certificate.certificate)
                assert hashlib.sha256(
                    der).hexdigest() == certificate.fingerprint


def test_a_deleted_certificate_is_not_trusted(lxd, client, tmpdir):
    with trusted_client(lxd, tmpdir) as https_client:
        client.certificates.all()[0].delete()
        with pytest.raises(exceptions.LXDAPIException) as caught:
            https_client.containers.all()
        assert caught.value.response.status_code == 403


def test_plain_http_is_refused(lxd):
    response = requests.get(lxd.endpoint.replace('https', 'http'), timeout=10)
    assert response.status_code == 400
    assert 'HTTP request to an HTTPS server' in response.text


# Other servers

def test_a_server_without_instances():
    with FakeLXD(without=['instances', 'network']) as lxd:
        with lxd.client() as client:
            container = client.containers.create(
                {'name': 'c1', 'source': BUSYBOX}, wait=True)
            container.start(wait=True)
            assert ('POST', '/1.0/containers') in lxd.requests
            assert client.profiles.get('default').used_by == [
                '/1.0/containers/c1']
            with pytest.raises(exceptions.NotFound):
                client.api.instances.get()
            loopback = client.networks.get('lo')
            assert sorted(client.api.networks['lo'].get().json()[
                'metadata']) == ['name', 'type', 'used_by']
            with pytest.raises(NotImplementedError):
                loopback.delete()
            with pytest.raises(exceptions.LXDAPIException) as caught:
                client.api.networks.post(json={'name': 'br0'})
            assert caught.value.response.status_code == 501


def test_servers_of_one_process_share_nothing():
    """Incus has its own text for a name that another profile has."""
    for like, text in [('lxd-5.0', 'Name "b" already in use'),
                       ('incus-6.0', 'Profile "b" already exists')] * 2:
        with FakeLXD(like) as lxd, lxd.client() as client:
            for name in 'a', 'b':
                client.profiles.create(name)
            with pytest.raises(exceptions.LXDAPIException) as caught:
                client.profiles.get('a').rename('b')
            assert caught.value.message == text
    assert not vars(things.PROFILES)


def test_own_extensions():
    with FakeLXD(extensions=['instances', 'own']) as lxd:
        with lxd.client() as client:
            assert client.has_api_extension('own')
            assert not client.has_api_extension('network')


@pytest.mark.parametrize('like, server, number, prefix', [
    ('lxd-5.0', 'lxd', 318, 'X-Lxd-'), ('incus-6.0', 'incus', 450, 'X-Incus-'),
    ('incus-7.0', 'incus', 562, 'X-Incus-')])
def test_each_kind_of_server(like, server, number, prefix, tmpdir):
    with FakeLXD(like=like) as lxd, lxd.client() as client:
        info = client.host_info
        assert info['environment']['server'] == server
        assert len(info['api_extensions']) == number
        assert bool(lxd.password) == (server == 'lxd')
        client.containers.create({'name': 'c1', 'source': BUSYBOX}, wait=True)
        response = client.api.instances['c1'].files.get(
            params={'path': '/etc/passwd'})
        assert response.headers[prefix + 'mode'] == '0644'
        with trusted_client(lxd, tmpdir) as https_client:
            assert https_client.trusted
        stranger = requests.get(
            lxd.endpoint + '/1.0', verify=lxd.certificate).json()['metadata']
        assert (stranger['api_extensions'] is None) == (like == 'incus-7.0')


@pytest.mark.parametrize('like, envelope', [
    ('lxd-5.0', 'sync'), ('incus-6.0', 'error'), ('incus-7.0', 'sync')])
def test_failures_of_operations(like, envelope):
    with FakeLXD(like=like) as lxd, lxd.client() as client:
        client.containers.create({'name': 'c1', 'source': BUSYBOX}, wait=True)
        response = client.api.instances['c1'].state.put(
            json={'action': 'stop'})
        waited = client.transport.request(
            'GET', response.json()['operation'] + '/wait')
        assert waited.status_code == 200
        assert waited.json()['type'] == envelope
        assert 'already stopped' in waited.text


def test_a_websocket_with_an_origin():
    for like, refused in (('lxd-5.0', False), ('incus-7.0', True)):
        with FakeLXD(like=like) as lxd:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(10)
            connection.connect(lxd.socket)
            connection.sendall(
                b'GET /1.0/events HTTP/1.1\r\nHost: localhost\r\n'
                b'Origin: http://elsewhere\r\nUpgrade: websocket\r\n'
                b'Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
                b'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n')
            assert (b' 403 ' in connection.recv(100)) == refused
            connection.close()


# Requests that the library does not send

@pytest.mark.parametrize('body', [iter([b'ab', b'c' * 100000]), b'abc'])
def test_bodies_in_chunks(lxd, running, body):
    sent = body if isinstance(body, bytes) else [b'ab', b'c' * 100000]
    with lxd.client() as client:
        client.transport.request(
            'POST', '/1.0/containers/c1/files?path=/tmp/f',
            data=body if isinstance(body, bytes) else iter(sent))
    assert running.files.get('/tmp/f') == b''.join(
        [sent] if isinstance(sent, bytes) else sent)


@pytest.mark.parametrize('body, message', [
    (b'', 'EOF'), (b'{', 'unexpected EOF'),
    (b'{"name": "a"', 'unexpected EOF'),
    (b'x', "invalid character 'x' looking for beginning of value"),
    (b'{"name" 1}', "invalid character '1' after object key"),
    (b'[]', 'json: cannot unmarshal array into Go value of type '
            'api.ProfilesPost'),
    (b'{"name": 1}', 'json: cannot unmarshal number into Go struct field '
                     'ProfilesPost.name of type string'),
])
def test_errors_of_malformed_json(client, body, message):
    response = client.transport.request('POST', '/1.0/profiles', data=body)
    assert response.status_code == 400
    assert response.json()['error'] == message


def test_lists_quote_names_twice(client):
    client.profiles.create('a b')
    assert client.api.profiles.get().json()['metadata'] == [
        '/1.0/profiles/a%2520b', '/1.0/profiles/default']
    assert client.profiles.get('a b').name == 'a b'
