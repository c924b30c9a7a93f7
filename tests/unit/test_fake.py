"""What the stand-in has that no real server has; the rest of it is shown by
the contract tests, which it passes as the real ones do."""
import gc
import hashlib
import json
import os
import socket
import threading
import time

import pytest
import requests

import wire
from pylxd import exceptions
from pylxd.testing import FakeLXD

BUSYBOX = {'type': 'image', 'alias': 'busybox'}


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


def trusted(lxd, tmpdir):
    """A client over HTTPS."""
    pair = wire.make_certificate(tmpdir, 'client')
    client = lxd.client(
        endpoint=lxd.endpoint, cert=pair, verify=lxd.certificate)
    client.authenticate(lxd.password or lxd.token())
    return client


def descriptors():
    for _ in range(3):
        gc.collect()  # PyPy closes some of the library's sockets only then
    return len(os.listdir('/proc/self/fd'))


# Life and death

@pytest.mark.skipif(not os.path.isdir('/proc/self/fd'), reason='no /proc')
def test_nothing_is_left(tmpdir):
    FakeLXD().close()  # what the first imports stays
    threads, before = threading.active_count(), descriptors()
    with FakeLXD() as lxd:
        with lxd.client() as client, trusted(lxd, tmpdir) as other:
            container = client.containers.create(
                {'name': 'c1', 'source': BUSYBOX}, wait=True)
            container.start(wait=True)
            container.execute(['echo'])
            client.api.containers['c1']['exec'].post(json={
                'command': ['sleep', '1000'], 'wait-for-websocket': False})
            events = other.events()
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
    assert descriptors() == before


def test_a_kill_breaks_what_is_under_way(lxd, client, running):
    broken = []

    def wait():
        with pytest.raises(exceptions.LXDException) as caught:
            running.execute(['sleep', '1000'])
        broken.append(caught.value)

    thread = threading.Thread(target=wait)
    thread.start()
    while sum('/websocket?' in path for _, path in lxd.requests) < 3:
        pass_time()
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


def pass_time():
    time.sleep(0.01)


def test_restart_alone(lxd, client, tmpdir):
    with trusted(lxd, tmpdir) as other:
        lxd.restart()
        assert other.trusted and other.profiles.all() == client.profiles.all()


def test_operations_are_forgotten(lxd, client, running):
    operation = running.snapshots.client.api.containers['c1'].snapshots.post(
        json={'name': 's'}).json()['metadata']
    client.operations.wait_for_operation(operation['id'])
    assert client.operations.get(operation['id']).status == 'Success'
    lxd.retention = 0
    with pytest.raises(exceptions.NotFound):
        client.operations.get(operation['id'])


def test_what_has_been_asked(lxd, client):
    before = lxd.connections
    client.profiles.exists('none')
    client.profiles.all()
    assert lxd.requests[-2:] == [
        ('GET', '/1.0/profiles/none'), ('GET', '/1.0/profiles')]
    assert lxd.connections == before  # one is kept
    with lxd.client():
        assert lxd.connections == before + 1


def test_an_unknown_server():
    with pytest.raises(KeyError):
        FakeLXD(like='lxd-1.0')


# Commands

def test_on_execute(lxd, running):
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


@pytest.mark.parametrize('answer, expected', [
    (None, (0, '', '')), (4, (4, '', '')), ('text', (0, 'text', '')),
    (b'bytes', (0, 'bytes', '')), ((5, 'out'), (5, 'out', '')),
    ((6, 'out', 'err'), (6, 'out', 'err'))])
def test_what_a_handler_returns(lxd, running, answer, expected):
    lxd.on_execute(lambda run: answer, 'it')
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


def test_nothing_runs_here(running, tmpdir):
    mark = tmpdir.join('mark')
    with pytest.raises(exceptions.LXDException) as caught:
        running.execute(['touch', str(mark)])
    assert 'Command not found' in str(caught.value)
    running.execute(['sh', '-c', 'echo x > /etc/hostname'])
    assert running.files.get('/etc/hostname') == b'x\n'
    assert not mark.exists()


def test_a_signal(client, running):
    operation = client.api.containers['c1']['exec'].post(json={
        'command': ['sleep', '1000'], 'wait-for-websocket': True,
        'interactive': False}).json()['metadata']
    sockets = {}
    for name, secret in operation['metadata']['fds'].items():
        sockets[name] = connect(client, operation['id'], secret)
    sockets['control'].send(json.dumps({'command': 'signal', 'signal': 15}))
    ended = client.api.operations[operation['id']].wait.get().json()
    assert ended['metadata']['metadata']['return'] == 143
    for each in sockets.values():
        each.close_connection()


def connect(client, identifier, secret):
    from ws4py.client import WebSocketBaseClient

    class Plain(WebSocketBaseClient):
        def handshake_ok(self):
            """Nothing is read."""

    plain = Plain('ws+unix://' + client.transport.socket_path)
    plain.resource = '/1.0/operations/{}/websocket?secret={}'.format(
        identifier, secret)
    plain.connect()
    return plain


# Faults

def test_refuse(lxd, client):
    with lxd.refuse(method='POST', path='/1.0/profiles') as fault:
        with pytest.raises(exceptions.ClientConnectionFailed):
            client.profiles.create('p')
    assert fault.count == 1
    assert not client.profiles.exists('p')  # it has not been done


def test_drop(lxd, client):
    with lxd.drop(200, method='POST', path='/1.0/profiles'):
        with pytest.raises(exceptions.ClientConnectionFailed):
            client.profiles.create('p')
    assert client.profiles.exists('p')  # it has


def test_truncate(lxd):
    with lxd.truncate(5, path='/1.0/images/*/export'):
        with lxd.client() as client:
            with pytest.raises(exceptions.LXDException):
                client.images.get_by_alias('busybox').export()
            assert client.profiles.all()


def test_delay(lxd, client):
    with lxd.delay(0.2, path='/1.0/profiles'):
        begun = time.time()
        client.profiles.all()
        assert time.time() - begun >= 0.2
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
            pass_time()  # it has not begun
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

def test_any_certificate_is_seen(lxd, client, tmpdir):
    for number in range(3):
        with trusted(lxd, tmpdir.mkdir(str(number))) as other:
            assert other.trusted
            assert len(client.certificates.all()) == number + 1
            for certificate in client.certificates.all():
                der = wire_der(certificate.certificate)
                assert hashlib.sha256(
                    der).hexdigest() == certificate.fingerprint


def wire_der(pem):
    import ssl
    return ssl.PEM_cert_to_DER_cert(pem)


def test_who_is_trusted_no_more(lxd, client, tmpdir):
    with trusted(lxd, tmpdir) as other:
        client.certificates.all()[0].delete()
        with pytest.raises(exceptions.LXDAPIException) as caught:
            other.containers.all()
        assert caught.value.response.status_code == 403


def test_no_tls(lxd):
    response = requests.get(lxd.endpoint.replace('https', 'http'), timeout=10)
    assert response.status_code == 400
    assert 'HTTP request to an HTTPS server' in response.text


# Other servers

def test_an_old_one():
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


def test_other_extensions():
    with FakeLXD(extensions=['instances', 'own']) as lxd:
        with lxd.client() as client:
            assert client.has_api_extension('own')
            assert not client.has_api_extension('network')


@pytest.mark.parametrize('like, server, number, prefix', [
    ('lxd-5.0', 'lxd', 318, 'X-Lxd-'), ('incus-6.0', 'incus', 450, 'X-Incus-'),
    ('incus-7.0', 'incus', 562, 'X-Incus-')])
def test_each_server(like, server, number, prefix, tmpdir):
    with FakeLXD(like=like) as lxd, lxd.client() as client:
        info = client.host_info
        assert info['environment']['server'] == server
        assert len(info['api_extensions']) == number
        assert bool(lxd.password) == (server == 'lxd')
        client.containers.create({'name': 'c1', 'source': BUSYBOX}, wait=True)
        response = client.api.instances['c1'].files.get(
            params={'path': '/etc/passwd'})
        assert response.headers[prefix + 'mode'] == '0644'
        with trusted(lxd, tmpdir) as other:
            assert other.trusted
        stranger = requests.get(
            lxd.endpoint + '/1.0', verify=lxd.certificate).json()['metadata']
        assert (stranger['api_extensions'] is None) == (like == 'incus-7.0')


@pytest.mark.parametrize('like, envelope', [
    ('lxd-5.0', 'sync'), ('incus-6.0', 'error'), ('incus-7.0', 'sync')])
def test_how_failures_are_told(like, envelope):
    with FakeLXD(like=like) as lxd, lxd.client() as client:
        client.containers.create({'name': 'c1', 'source': BUSYBOX}, wait=True)
        response = client.api.instances['c1'].state.put(
            json={'action': 'stop'})
        waited = client.transport.request(
            'GET', response.json()['operation'] + '/wait')
        assert waited.status_code == 200
        assert waited.json()['type'] == envelope
        assert 'already stopped' in waited.text


def test_who_comes_from_elsewhere():
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


@pytest.mark.parametrize('body, said', [
    (b'', 'EOF'), (b'{', 'unexpected EOF'),
    (b'{"name": "a"', 'unexpected EOF'),
    (b'x', "invalid character 'x' looking for beginning of value"),
    (b'{"name" 1}', "invalid character '1' after object key"),
    (b'[]', 'json: cannot unmarshal array into Go value of type '
            'api.ProfilesPost'),
    (b'{"name": 1}', 'json: cannot unmarshal number into Go struct field '
                     'ProfilesPost.name of type string'),
])
def test_bad_json(client, body, said):
    response = client.transport.request('POST', '/1.0/profiles', data=body)
    assert response.status_code == 400
    assert response.json()['error'] == said


def test_names_are_quoted_once(client):
    client.profiles.create('a b')
    assert client.api.profiles.get().json()['metadata'] == [
        '/1.0/profiles/a%2520b', '/1.0/profiles/default']
    assert client.profiles.get('a b').name == 'a b'
