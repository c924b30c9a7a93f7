# -*- coding: utf-8 -*-
"""Transports: endpoints, requests, timeouts, failures and downloads."""
import contextlib
import copy
import errno
import hashlib
import io
import os
import pickle
import socket
import ssl
import threading
import time
import traceback

import pytest
import requests
import six
import urllib3

from pylxd import Client, exceptions
from pylxd.transport import bodies
from pylxd.transport.connection import Transport
from wire import Listener, Server, http, tls_context


def connect_both_ways(server, **kwargs):
    """Yield the error of a request and of a bare connection, or None."""
    transport = Transport(server.endpoint, timeout=10, **kwargs)
    with contextlib.closing(transport):
        for call in (lambda: transport.request('GET', '/'),
                     lambda: transport.connect().close()):
            try:
                call()
            except exceptions.ClientConnectionFailed as error:
                yield error
            else:
                yield None


@pytest.mark.parametrize('endpoint, socket_path, url', [
    ('/a/b', '/a/b', 'http+unix://%2Fa%2Fb'),
    ('unix:///a/b', '/a/b', 'http+unix://%2Fa%2Fb'),
    ('unix:/a/b', '/a/b', 'http+unix://%2Fa%2Fb'),
    ('http+unix://%2Fa%2Fb', '/a/b', 'http+unix://%2Fa%2Fb'),
    ('/a b%41', '/a b%41', 'http+unix://%2Fa%20b%2541'),
    ('http://h', None, 'http://h'),
    ('http://h:8443/', None, 'http://h:8443'),
    ('https://h:8443', None, 'https://h:8443'),
    ('https://[::1]:8443', None, 'https://[::1]:8443'),
    ('HTTPS://h', None, 'https://h'),
])
def test_endpoints(endpoint, socket_path, url):
    transport = Transport(endpoint)
    assert (transport.socket_path, transport.url) == (socket_path, url)


@pytest.mark.parametrize('endpoint', [
    'h', 'h:8443', 'ftp://h', 'unix://a/b', 'unix:', 'a/b', './a', '~/a',
    'https://', 'https://:8443', 'https://h:port', 'https://h:99999',
    'https://h/path', 'https://h?q', 'https://h#f', 'https://u:s3cr3t@h',
    'https://h\r\nX: y', 'https://h h', 'https://[::1', '/a\0b', ' ', '\n',
    'https://h:', 'lxc://h', 'http:/h', 'https:h', u'https://h\xe4\n',
    'https://a%zz',
])
def test_invalid_endpoints(endpoint):
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        Transport(endpoint)
    assert 's3cr3t' not in str(caught.value)


def test_json_has_its_content_type():
    with Server(lambda _: http()) as server:
        Transport(server.endpoint).request('POST', '/', json={'a': 1})
        assert server.requests[0].headers['content-type'] == (
            'application/json')
        assert server.requests[0].body == b'{"a": 1}'


@pytest.mark.parametrize('endpoint', [7, True, ['/a'], bytearray(b'/a')])
def test_endpoints_of_a_wrong_type(endpoint):
    with pytest.raises(TypeError):
        Transport(endpoint)


def test_http_with_a_key_pair_is_https(pairs):
    transport = Transport('http://127.0.0.1:8443', cert=pairs['own'])
    assert transport.url == 'https://127.0.0.1:8443'
    assert transport.websocket_url == 'wss://127.0.0.1:8443'


def test_default_ports(pairs):
    assert Transport('http://h').connector.port == 80
    assert Transport('https://h').connector.port == 443


@pytest.mark.parametrize('path, secure', [
    (True, False), (None, False), (None, True)])
@pytest.mark.parametrize('duplicate', [
    copy.copy, copy.deepcopy,
    lambda transport: pickle.loads(pickle.dumps(transport, 2))])
def test_a_copy_has_its_own_connections(pairs, path, secure, duplicate):
    """A copy has the same settings, and its own connections."""
    context = None
    if secure:
        context = tls_context(pairs['own'])
        context.verify_mode = ssl.CERT_REQUIRED  # it needs the key pair
        context.load_verify_locations(pairs['other'][0])
    with Server(lambda _: http(b'1'), path, context) as server:
        transport = Transport(
            server.endpoint, cert=pairs['other'] if secure else None,
            verify=pairs['own'][0] if secure else True, timeout=(7, 8))
        assert transport.request('GET', '/').content == b'1'
        transport = duplicate(transport)
        assert server.connections == 1
        assert transport.request('GET', '/').content == b'1'
        assert server.connections == 2
        assert transport.connector.timeout == (7, 8)
        transport.connect().close()


def test_a_copy_of_a_subclass():
    class Mine(Transport):
        pass

    assert type(copy.copy(Mine('/s'))) is Mine


# -- requests

def test_the_environment_changes_nothing(pairs, tmpdir, monkeypatch):
    netrc = tmpdir.join('netrc')
    netrc.write('default login u password s3cr3t\n')
    netrc.chmod(0o600)
    monkeypatch.setenv('NETRC', str(netrc))
    with Server(lambda _: http()) as proxy:
        for name in ('HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'):
            monkeypatch.setenv(name, proxy.endpoint)
            monkeypatch.setenv(name.lower(), proxy.endpoint)
        for context, path in ((None, None), (None, True),
                              (tls_context(pairs['own']), None)):
            with Server(lambda _: http(), path, context) as server:
                assert list(connect_both_ways(
                    server, verify=pairs['own'][0] if context else True
                )) == [None, None]
                transport = Transport(server.endpoint, verify=False)
                transport.request('POST', '/', data=iter([b'x']))
                assert not [each for each in server.requests
                            if 'authorization' in each.headers]
        assert not proxy.connections


@pytest.mark.parametrize('status', ['301', '302', '303', '307', '308'])
def test_redirects_are_not_followed(status):
    with Server(lambda _: http()) as elsewhere:
        with Server(lambda _: http(
                status=status + ' Go', Location=elsewhere.endpoint)) as server:
            transport = Transport(server.endpoint)
            for method in ('GET', 'POST', 'PUT'):
                response = transport.request(method, '/', allow_redirects=True)
                assert response.status_code == int(status)
        assert not elsewhere.connections


@pytest.mark.parametrize('path', [None, True])
@pytest.mark.parametrize('method, headers, count', [
    ('GET', {}, 2), ('PUT', {'If-Match': 'e'}, 2),
    ('PUT', {}, 1), ('POST', {}, 1), ('POST', {'If-Match': 'e'}, 1),
    ('PATCH', {}, 1), ('PATCH', {'If-Match': 'e'}, 2),
    ('DELETE', {}, 1)])
def test_only_safe_requests_are_repeated(path, method, headers, count):
    """The server closes the connection instead of answering."""
    def answer(_):
        return None if len(server.requests) > 1 else http(b'1')

    with Server(answer, path) as server:
        transport = Transport(server.endpoint)
        assert transport.request('GET', '/').content == b'1'
        with pytest.raises(exceptions.ClientConnectionFailed):
            transport.request(method, '/x', headers=headers, data=b'd')
        assert server.requested == ['GET /'] + [method + ' /x'] * count


@pytest.mark.parametrize('path', [None, True])
def test_a_get_survives_a_closed_connection(path):
    """A restarting server closes the connection instead of answering."""
    def answer(_):
        return None if len(server.requests) == 2 else http(b'1')

    with Server(answer, path) as server:
        transport = Transport(server.endpoint)
        for _ in range(2):
            assert transport.request('GET', '/').content == b'1'


@pytest.mark.parametrize('context', [False, True])
def test_a_fork_has_connections_of_its_own(pairs, context):
    with Server(lambda request: http(six.ensure_binary(request.target)),
                context=tls_context(pairs['own']) if context else None
                ) as server:
        transport = Transport(server.endpoint, verify=pairs['own'][0])
        assert transport.request('GET', '/parent').content == b'/parent'
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.write(writer, transport.request('GET', '/child').content)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        with os.fdopen(reader, 'rb') as result:
            assert result.read() == b'/child'
        assert transport.request('GET', '/parent').content == b'/parent'
        assert server.connections == 2  # the parent kept its own


# -- timeouts

@pytest.fixture
def silent():
    """The address of a server that never sends anything."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(8)
    yield '127.0.0.1:{}'.format(listener.getsockname()[1])
    listener.close()


@pytest.mark.parametrize('scheme', ['http', 'https'])
@pytest.mark.parametrize('timeout', [0.1, (0.1, 0.1)])
def test_a_silent_server_reaches_the_timeout(silent, scheme, timeout):
    transport = Transport(
        scheme + '://' + silent, verify=False, timeout=timeout)
    with pytest.raises(exceptions.ConnectionTimeout) as caught:
        transport.request('GET', '/')
    assert silent in str(caught.value)


def test_timeouts_of_a_bare_connection(silent):
    transport = Transport('https://' + silent, verify=False, timeout=(0.1, 60))
    with pytest.raises(exceptions.ConnectionTimeout):
        transport.connect()
    transport = Transport('http://' + silent, timeout=(60, 0.1))
    with contextlib.closing(transport.connect()) as sock:
        assert sock.gettimeout() == 0.1


@pytest.mark.parametrize('full', ['unix'])
def test_a_server_with_a_full_queue(tmpdir, full):
    path = str(tmpdir.join('s'))
    listener, filling = socket.socket(socket.AF_UNIX), []
    listener.bind(path)
    listener.listen(0)
    try:
        while True:  # until the queue of the listener is full
            filling.append(socket.socket(socket.AF_UNIX))
            filling[-1].setblocking(False)
            filling[-1].connect(path)
    except socket.error:
        pass
    transport = Transport(path, timeout=0.1)
    for call in (lambda: transport.request('GET', '/'), transport.connect):
        # A connect that does not wait fails with EAGAIN
        with pytest.raises(exceptions.ClientConnectionFailed):
            call()
    for each in filling + [listener]:
        each.close()


def test_a_body_that_stops_reaches_the_timeout():
    def answer(_):
        def stop(connection):
            connection.sendall(http(b'x', Content_Length=9))
            connection.recv(1)  # until the client closes the connection
        return stop

    with Server(answer) as server:
        transport = Transport(server.endpoint, timeout=0.1)
        with pytest.raises(exceptions.ConnectionTimeout):
            transport.request('GET', '/')
        streamed = transport.request('GET', '/', stream=True)
        with pytest.raises(exceptions.ConnectionTimeout):
            transport.download(streamed, io.BytesIO())


def test_a_call_with_its_own_timeout(silent):
    """The timeout of one call does not change that of the connection."""
    transport = Transport('http://' + silent, timeout=(0.1, 0.1))
    timeouts = []

    def send(_, **kwargs):
        timeouts.append(kwargs['timeout'])
        response = requests.Response()
        response.raw = urllib3.HTTPResponse(
            io.BytesIO(), preload_content=False)
        return response

    transport.session.send = send
    transport.request('GET', '/', timeout=None)
    transport = Transport('http://' + silent, timeout=7)
    transport.session.send = send
    transport.request('GET', '/', timeout=None)
    transport.request('GET', '/', timeout=(1, 2))
    transport.request('GET', '/')
    assert timeouts == [(0.1, None), (7, None), (1, 2), (7, 7)]


def test_sending_may_take_longer_than_connecting():
    """The timeout of connecting does not apply to sending."""
    size = 8 << 20

    def answer(_):
        return http(b'1')

    class Slow(Server):
        def _converse(self, connection):
            threading.Event().wait(0.3)
            super(Slow, self)._converse(connection)

    with Slow(answer, True) as server:
        transport = Transport(server.endpoint, timeout=(0.1, 10))
        assert transport.request('POST', '/', data=b'x' * size).content == b'1'


@pytest.mark.parametrize('path', [None, True])
def test_a_hook_of_the_session_is_called(path):
    with Server(lambda _: http(b'1'), path) as server:
        transport, statuses = Transport(server.endpoint), []
        transport.session.hooks['response'].append(
            lambda response, **_: statuses.append(response.status_code))
        transport.request('GET', '/')
    assert statuses == [200]


@pytest.mark.parametrize('path', [None, True])
def test_a_session_of_the_caller_is_sent_through(path):
    with Server(lambda _: http(b'1', Set_Cookie='a=b'), path) as server:
        transport = Transport(server.endpoint)
        adapter = transport.session.get_adapter(transport.url)
        transport.session = requests.Session()
        transport.session.auth = ('user', 's3cr3t')
        transport.session.mount(transport.url, adapter)
        assert transport.request('GET', '/').content == b'1'
        assert transport.session.cookies['a'] == 'b'
        assert 'authorization' in server.requests[0].headers


@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_each_request_has_its_timeouts(method):
    def answer(request):
        if request.target == '/slow':
            threading.Event().wait(0.3)
        return http(b'1')

    with Server(answer, True) as server:
        transport, timeouts = Transport(server.endpoint, timeout=0.1), []
        connect = transport.connector.connect
        transport.connector.connect = lambda timeout: (
            timeouts.append(timeout), connect(timeout))[1]
        transport.request('POST', '/', timeout=7)
        assert transport.request(method, '/slow', timeout=10).content == b'1'
        with pytest.raises(exceptions.ConnectionTimeout):
            transport.request(method, '/slow')
        transport.request(method, '/', timeout=(3, 4))
        assert server.requested[1:] == [
            method + ' /slow', method + ' /slow', method + ' /']
    assert timeouts == [0.1, 3]


# -- failures

@pytest.mark.parametrize('endpoint, reason', [
    ('/none/unix.socket', 'No such file'),
    ('/' + 'x' * 200, 'too long'),
    ('http://127.0.0.1:1', 'refused'),
    ('https://127.0.0.1:1', 'refused'),
    ('https://name.invalid', ''),
])
def test_an_unreachable_server(endpoint, reason):
    transport = Transport(endpoint)
    for call in (lambda: transport.request('GET', '/'), transport.connect):
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            call()
        assert str(caught.value).startswith(endpoint + ': ')
        assert reason in str(caught.value)
        assert caught.value.cause is not None


@pytest.mark.parametrize('endpoint', [
    '/none/unix.socket', 'http://127.0.0.1:1', 'https://127.0.0.1:1'])
def test_a_traceback_has_no_frames_of_lower_layers(endpoint):
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        Client(endpoint)
    if six.PY2:
        return  # whose traceback shows one exception alone
    lines = ''.join(traceback.format_exception(
        type(caught.value), caught.value, caught.value.__traceback__))
    for layer in 'urllib3', 'requests', 'http/client', 'During handling':
        assert layer not in lines
    assert lines.count('File "') < 10
    cause = caught.value.cause
    assert 'connector.py' in ''.join(traceback.format_exception(
        type(cause), cause, cause.__traceback__))


@pytest.mark.parametrize('endpoint, proposed', [
    ('https://127.0.0.1', 'https://127.0.0.1:8443'),
    ('http://127.0.0.1', 'https://127.0.0.1:8443'),
    ('https://[::1]', 'https://[::1]:8443'),
    ('https://127.0.0.1:443', None), ('https://127.0.0.1:1', None),
    ('https://name.invalid', None)])
def test_an_endpoint_without_a_port(endpoint, proposed, monkeypatch):
    def refuse(address, *_):
        assert address[1] in (443, 80, 1)
        raise (socket.gaierror if 'invalid' in address[0] else socket.error)(
            errno.ECONNREFUSED, 'Connection refused')

    monkeypatch.setattr(socket, 'create_connection', refuse)
    transport = Transport(endpoint)
    assert transport.url == endpoint
    for call in (lambda: transport.request('GET', '/'), transport.connect):
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            call()
        assert str(caught.value).startswith(endpoint + ': ')
        assert (':8443' in str(caught.value)) == bool(proposed)
        assert (proposed or '') in str(caught.value)


def test_a_server_that_does_not_listen_on_the_network():
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        Transport('https://127.0.0.1:1').connect()
    assert 'core.https_address' in str(caught.value)


@pytest.mark.parametrize('path', [None, True])
@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_a_response_that_never_begins(path, method):
    def send(connection):
        connection.recv(65536)
        while True:
            connection.sendall(b'HTTP/1.1 100 Continue\r\n\r\n')

    with Listener(send, path) as server:
        transport = Transport(server.endpoint)
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            transport.request(method, '/')
        assert 'more than 100 times "100 Continue"' in str(caught.value)
        assert server.connections == 1


def test_a_response_that_begins_too_slowly():
    def send(connection):
        connection.recv(65536)
        while True:
            connection.sendall(
                b'HTTP/1.1 100 Continue\r\nX: ' + b'x' * 9999 + b'\r\n\r\n')
            time.sleep(0.05)

    with Listener(send) as server:
        transport = Transport(server.endpoint, timeout=0.2)
        started = time.time()
        with pytest.raises(exceptions.ConnectionTimeout):
            transport.request('GET', '/')
        assert time.time() - started < 2


def test_a_response_after_100_continue():
    answer = b'HTTP/1.1 100 Continue\r\n\r\n' * 100 + http(b'{}')
    with Server(lambda _: answer) as server:
        assert Transport(server.endpoint, timeout=10).request(
            'GET', '/').content == b'{}'


@pytest.mark.parametrize('answer', [
    b'', b'nonsense\r\n\r\n', b'HTTP/1.1 999999999 x\r\n\r\n',
    b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx',
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab',
    b'HTTP/1.1 200 OK\r\n' + b'X: y\r\n' * 300,
    b'HTTP/1.1 200 OK\r\nX: ' + b'y' * 70000,
    b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabcde',
    b'SSH-2.0-OpenSSH\r\n',
], ids=[str(number) for number in range(10)])
@pytest.mark.parametrize('path', [None, True])
def test_malformed_responses(answer, path):
    def send(connection):
        connection.sendall(answer)

    with Server(lambda _: send, path) as server:
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            Transport(server.endpoint, timeout=10).request('POST', '/')
        assert server.endpoint in str(caught.value)


def test_no_compression_is_requested():
    """A few compressed bytes could become gigabytes."""
    with Server(lambda _: http(b'\x1f\x8b', Content_Encoding='none')
                ) as server:
        Transport(server.endpoint).request('GET', '/')
        assert server.requests[0].headers['accept-encoding'] == 'identity'


@pytest.mark.parametrize('stream, status', [
    (False, '200 OK'), (True, '500 Oops')])
def test_long_bodies_are_refused(monkeypatch, stream, status):
    monkeypatch.setattr(bodies, 'LONGEST_BODY', 1 << 20)
    sent = []

    def endless(connection):
        connection.sendall(http(status=status, Content_Length=None))
        while True:
            connection.sendall(b'x' * 65536)
            sent.append(65536)

    with Server(lambda _: endless) as server:
        transport = Transport(server.endpoint)
        with pytest.raises(exceptions.InvalidResponse) as caught:
            transport.request('GET', '/', stream=stream)
        assert 'longer than' in str(caught.value)
    assert sum(sent) < 20 << 20


def test_a_stream_is_not_read():
    with Server(lambda _: http(b'abc')) as server:
        response = Transport(server.endpoint).request('GET', '/', stream=True)
        assert response.raw.read() == b'abc'


def test_download():
    body = os.urandom(300000)
    digest = hashlib.sha256()
    with Server(lambda _: http(body)) as server:
        transport, target = Transport(server.endpoint), io.BytesIO()
        response = transport.request('GET', '/', stream=True)
        transport.download(response, target, digest)
        assert target.getvalue() == body
        assert digest.digest() == hashlib.sha256(body).digest()
        transport.request('GET', '/')
        assert server.connections == 1  # the connection was pooled again


@pytest.mark.parametrize('length', ['abc', '-7', '', ' 3', u'\xb2'])
def test_invalid_lengths_are_ignored(length):
    def send(connection):
        connection.sendall(u'HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n'
                           u'abc'.format(length).encode('latin-1'))

    with Server(lambda _: send) as server:
        transport, target = Transport(server.endpoint), io.BytesIO()
        transport.download(transport.request('GET', '/', stream=True), target)
        assert target.getvalue() == b'abc'


@pytest.mark.parametrize('answer', [
    http(b'abc', Content_Length=9),
    http(b'5\r\nab', Content_Length=None, Transfer_Encoding='chunked')])
def test_an_incomplete_download_raises(answer):
    def send(connection):
        connection.sendall(answer)

    with Server(lambda _: send) as server:
        transport = Transport(server.endpoint)
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            transport.download(
                transport.request('GET', '/x?secret=s', stream=True),
                io.BytesIO())
        assert 'secret' not in str(caught.value)


def test_a_download_whose_target_fails():
    class Full(object):
        def write(self, _):
            raise OSError(28, 'No space left on device')

    with Server(lambda _: http(b'abc')) as server:
        transport = Transport(server.endpoint)
        with pytest.raises(OSError) as caught:  # not a StreamBroken
            transport.download(
                transport.request('GET', '/', stream=True), Full())
        assert caught.value.errno == 28


@pytest.mark.parametrize('raised, kind', [
    (requests.ConnectionError('x'), exceptions.ClientConnectionFailed),
    (requests.ReadTimeout('x'), exceptions.ConnectionTimeout),
    (socket.timeout('timed out'), exceptions.ConnectionTimeout),
    (ssl.SSLError('The read operation timed out'),
     exceptions.ConnectionTimeout),
    (socket.error(32, 'Broken pipe'), exceptions.ClientConnectionFailed),
    (UnicodeError('x'), exceptions.ClientConnectionFailed),
    (six.moves.http_client.BadStatusLine(u'\x1b[2J'),
     exceptions.ClientConnectionFailed),
])
def test_errors_of_lower_layers_are_wrapped(raised, kind):
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        with Transport('/s').translate_errors():
            raise raised
    assert type(caught.value) is kind
    assert caught.value.cause is raised
    assert str(caught.value).startswith('/s: ') and '\x1b' not in str(
        caught.value)


def test_other_errors_are_not_wrapped():
    for kind in (ValueError, KeyboardInterrupt, KeyError):
        with pytest.raises(kind):
            with Transport('/s').translate_errors():
                raise kind('x')
