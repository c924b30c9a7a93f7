# -*- coding: utf-8 -*-
import contextlib
import gc
import hashlib
import io
import os
import socket
import ssl
import threading
import warnings

import pytest
import requests
import urllib3
import six

from pylxd import exceptions, transport
from pylxd.transport import Transport
from wire import Listener, Server, certificate, http, tls


@pytest.fixture(scope='module')
def pairs(tmpdir_factory):
    """Key pairs, by what they are."""
    place = tmpdir_factory.mktemp('tls')
    ca = certificate(place, 'ca')
    return {
        'ca': ca,
        'own': certificate(place, 'own'),
        'other': certificate(place, 'other'),
        'elsewhere': certificate(place, 'elsewhere', [u'example.org']),
        'signed': certificate(place, 'signed', issuer=ca),
        'signed-elsewhere': certificate(
            place, 'signed-elsewhere', [u'example.org'], issuer=ca),
    }


def ways(server, **kwargs):
    """What happens over HTTP, and over a websocket's connection."""
    made = Transport(server.endpoint, timeout=10, **kwargs)
    with pytest_closing(made):
        for way in (lambda: made.request('GET', '/'),
                    lambda: made.connect().close()):
            try:
                way()
            except exceptions.ClientConnectionFailed as raised:
                yield raised
            else:
                yield None


class pytest_closing(object):
    def __init__(self, made):
        self._made = made

    def __enter__(self):
        return self._made

    def __exit__(self, *_):
        self._made.close()


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
    made = Transport(endpoint)
    assert (made.socket_path, made.url) == (socket_path, url)


@pytest.mark.parametrize('endpoint', [
    'h', 'h:8443', 'ftp://h', 'unix://a/b', 'unix:', 'a/b', './a', '~/a',
    'https://', 'https://:8443', 'https://h:port', 'https://h:99999',
    'https://h/path', 'https://h?q', 'https://h#f', 'https://u:s3cr3t@h',
    'https://h\r\nX: y', 'https://h h', 'https://[::1', '/a\0b', ' ', '\n',
    'https://h:', 'lxc://h', 'http:/h', 'https:h', u'https://h\xe4\n',
])
def test_endpoints_that_are_none(endpoint):
    with pytest.raises(exceptions.ClientConnectionFailed) as info:
        Transport(endpoint)
    assert 's3cr3t' not in str(info.value)


@pytest.mark.parametrize('endpoint', [7, True, ['/a'], bytearray(b'/a')])
def test_endpoints_that_are_no_text(endpoint):
    with pytest.raises(TypeError):
        Transport(endpoint)


def test_http_with_a_key_pair_is_https(pairs):
    made = Transport('http://127.0.0.1:8443', cert=pairs['own'])
    assert made.url == 'https://127.0.0.1:8443'
    assert made.websocket_url == 'wss://127.0.0.1:8443'


def test_ports_that_are_not_named(pairs):
    assert Transport('http://h').port == 80
    assert Transport('https://h').port == 443


# -- TLS

@pytest.mark.parametrize('shown, verify, accepted', [
    ('own', 'own', True),           # pinned
    ('own', True, False),           # nobody vouches for it
    ('own', False, True),
    ('other', 'own', False),        # it has changed
    ('elsewhere', 'elsewhere', True),  # pinned, whatever its name
    ('elsewhere', False, True),
    ('signed', 'ca', True),
    ('signed', 'signed', True),     # pinned, whoever signed it
    ('signed-elsewhere', 'ca', False),  # genuine, but of another host
    ('signed-elsewhere', 'signed-elsewhere', True),
    ('signed', 'other', False),
    ('own', 'ca', False),
])
def test_who_is_trusted(pairs, shown, verify, accepted, monkeypatch):
    # Nothing in the environment may loosen or tighten it
    anybody = pairs[shown][0] if not accepted else pairs['other'][0]
    for name in ('REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'SSL_CERT_FILE'):
        monkeypatch.setenv(name, anybody)
    verify = pairs[verify][0] if verify in pairs else verify
    with Server(lambda _: http(), context=tls(pairs[shown])) as server:
        raised = list(ways(server, verify=verify))
        if accepted:
            assert raised == [None, None]
            assert len(server.requests) == 1
        else:
            assert not server.requests
            for each in raised:
                assert type(each) is exceptions.ClientConnectionFailed
                assert 'certificate' in str(each) or 'match' in str(each)
                assert server.endpoint in str(each)


def test_a_refused_certificate_says_what_to_do(pairs):
    with Server(lambda _: http(), context=tls(pairs['own'])) as server:
        for raised in ways(server):
            assert 'pass its path as verify=' in str(raised)


@pytest.mark.parametrize('verify', [True, '.', 'own'])
def test_names_are_checked(pairs, verify):
    """Also of a directory of authorities, and of the system's."""
    class Peer(object):
        def getpeercert(self, binary=False):
            return b'der' if binary else {
                'subjectAltName': (('DNS', 'example.org'),)}

    for host, refused in (('example.org', False), ('example.com', True)):
        made = Transport('https://' + host,
                         verify=pairs['own'][0] if verify == 'own' else verify)
        if not refused:
            made.check_peer(Peer())
            continue
        with pytest.raises(exceptions.ClientConnectionFailed):
            with made.errors():
                made.check_peer(Peer())


def test_a_directory_without_authorities(pairs, tmpdir):
    with Server(lambda _: http(), context=tls(pairs['signed'])) as server:
        for raised in ways(server, verify=str(tmpdir)):
            assert isinstance(raised, exceptions.ClientConnectionFailed)


def test_no_tls_before_1_2(pairs):
    context = tls(pairs['own'])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    except AttributeError:  # Python 2
        context.options |= ssl.OP_NO_TLSv1_2 | getattr(
            ssl, 'OP_NO_TLSv1_3', 0)
    context.set_ciphers('ALL:@SECLEVEL=0')
    with Server(lambda _: http(), context=context) as server:
        made = Transport(server.endpoint, verify=False)
        # OpenSSL itself may refuse it, but not everywhere
        made.context.set_ciphers('ALL:@SECLEVEL=0')
        for way in (lambda: made.request('GET', '/'), made.connect):
            with pytest.raises(exceptions.ClientConnectionFailed):
                way()


def test_the_key_pair_is_shown(pairs):
    context = tls(pairs['own'])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pairs['other'][0])
    shown = []

    def serve(connection):
        shown.append(connection.getpeercert(True))
        connection.recv(65536)
        connection.sendall(http())

    with Listener(serve, context=context) as server:
        assert list(ways(server, verify=pairs['own'][0],
                         cert=pairs['other'])) == [None, None]
    with open(pairs['other'][0]) as pem:
        der = ssl.PEM_cert_to_DER_cert(pem.read())
    assert shown[0] == der
    with Listener(serve, context=context) as server:
        raised = next(ways(server, verify=pairs['own'][0]))
        assert isinstance(raised, exceptions.ClientConnectionFailed)


def test_one_file_for_both(pairs, tmpdir):
    both = tmpdir.join('both')
    both.write(open(pairs['own'][0]).read() + open(pairs['own'][1]).read())
    both.chmod(0o600)
    assert Transport('https://h', cert=str(both)).context


def test_an_open_key_is_warned_about(pairs, tmpdir):
    key = tmpdir.join('key')
    key.write(open(pairs['own'][1]).read())
    key.chmod(0o640)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        Transport('https://h', cert=(pairs['own'][0], str(key)))
    assert [str(each.message) for each in caught
            if 'can be read by others' in str(each.message)]
    key.chmod(0o600)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        Transport('https://h', cert=(pairs['own'][0], str(key)))
    assert not [each for each in caught if 'read by' in str(each.message)]


ENCRYPTED = u"""-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF

AAAA
-----END RSA PRIVATE KEY-----
"""


@pytest.mark.parametrize('cert, said', [
    (('/none/crt', '/none/key'), 'No such file'),
    (('{dir}', '{dir}'), 'directory'),
    (('{text}', '{key}'), 'holds no certificate in PEM form'),
    (('{crt}', '{text}'), 'holds no private key in PEM form'),
    (('{crt}', '{other}'), 'no certificate and its key'),
    (('{key}', '{crt}'), 'holds no certificate'),
    (('{crt}', '{encrypted}'), 'no certificate and its key'),
    (('{broken}', '{key}'), 'no certificate and its key'),
    ('{crt}', 'holds no private key'),
    (('{binary}', '{key}'), 'cert: '),
])
def test_unusable_key_pairs(pairs, tmpdir, cert, said):
    for name, text in (('text', u'hello'), ('encrypted', ENCRYPTED), (
            'broken', u'-----BEGIN CERTIFICATE-----\nAAAA\n'
            u'-----END CERTIFICATE-----\n')):
        tmpdir.join(name).write_text(text, 'ascii')
    tmpdir.join('binary').write_binary(b'\x30\x82\xff\xfe')
    names = dict({name: str(tmpdir.join(name)) for name in (
        'text', 'encrypted', 'broken', 'binary')}, dir=str(tmpdir),
        crt=pairs['own'][0], key=pairs['own'][1], other=pairs['other'][1])
    cert = (cert.format(**names) if isinstance(cert, str)
            else tuple(each.format(**names) for each in cert))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # of keys that others can read
        with pytest.raises(exceptions.InvalidCertificate) as info:
            Transport('https://h', cert=cert)
    assert said in str(info.value)


@pytest.mark.parametrize('cert', [
    7, ('a',), ('a', 'b', 'c'), object(), (None, None), ('a', None)])
def test_key_pairs_of_wrong_types(cert):
    with pytest.raises((TypeError, exceptions.InvalidCertificate)):
        Transport('https://h', cert=cert)


@pytest.mark.parametrize('verify', [
    '/none', '{text}', '{key}', '{broken}', None, 0, 1, 7, object(), ''])
def test_unusable_authorities(pairs, tmpdir, verify):
    tmpdir.join('text').write_text(u'hello', 'ascii')
    tmpdir.join('broken').write_text(
        u'-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
        'ascii')
    if isinstance(verify, str):
        verify = verify.format(text=tmpdir.join('text'), key=pairs['own'][1],
                               broken=tmpdir.join('broken'))
    with pytest.raises((TypeError, exceptions.InvalidCertificate)):
        Transport('https://h', verify=verify)


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
                              (tls(pairs['own']), None)):
            with Server(lambda _: http(), path, context) as server:
                assert list(ways(server, verify=pairs['own'][0]
                                 if context else True)) == [None, None]
                made = Transport(server.endpoint, verify=False)
                made.request('POST', '/', data=iter([b'x']))
                assert not [each for each in server.requests
                            if 'authorization' in each.headers]
        assert not proxy.connections


@pytest.mark.parametrize('status', ['301', '302', '303', '307', '308'])
def test_redirects_are_not_followed(status):
    with Server(lambda _: http()) as elsewhere:
        with Server(lambda _: http(
                status=status + ' Go', Location=elsewhere.endpoint)) as server:
            made = Transport(server.endpoint)
            for method in ('GET', 'POST', 'PUT'):
                answer = made.request(method, '/', allow_redirects=True)
                assert answer.status_code == int(status)
        assert not elsewhere.connections


@pytest.mark.parametrize('path', [None, True])
@pytest.mark.parametrize('method, headers, times', [
    ('GET', {}, 2), ('PUT', {'If-Match': 'e'}, 2),
    ('PUT', {}, 1), ('POST', {}, 1), ('POST', {'If-Match': 'e'}, 1),
    ('PATCH', {}, 1), ('DELETE', {}, 1)])
def test_what_is_sent_again(path, method, headers, times):
    """The server takes the second request, and closes without a word."""
    def answer(_):
        return None if len(server.requests) > 1 else http(b'1')

    with Server(answer, path) as server:
        made = Transport(server.endpoint)
        assert made.request('GET', '/').content == b'1'
        with pytest.raises(exceptions.ClientConnectionFailed):
            made.request(method, '/x', headers=headers, data=b'd')
        assert server.asked == ['GET /'] + [method + ' /x'] * times


@pytest.mark.parametrize('path', [None, True])
def test_a_get_survives_a_closed_connection(path):
    """As a server closes that restarts just when it was asked."""
    def answer(_):
        return None if len(server.requests) == 2 else http(b'1')

    with Server(answer, path) as server:
        made = Transport(server.endpoint)
        for _ in range(2):
            assert made.request('GET', '/').content == b'1'


@pytest.mark.parametrize('path', [None, True])
def test_a_post_takes_no_stale_connection(path):
    """One that is known to be closed is not written to."""
    with Server(lambda _: http(b'1'), path) as server:
        made = Transport(server.endpoint)
        made.request('GET', '/')
        server.close_connections()
        assert made.request('POST', '/').content == b'1'
        assert server.asked == ['GET /', 'POST /']


@pytest.mark.parametrize('path, secure', [
    (True, False), (None, False), (None, True)])
def test_connections_are_kept(pairs, path, secure):
    with Server(lambda _: http(b'1'), path,
                tls(pairs['own']) if secure else None) as server:
        made = Transport(server.endpoint, verify=pairs['own'][0])
        for path in 'abcdefgh':
            made.request('GET', '/' + path)
        assert server.connections == 1
        made.close()
        made.request('GET', '/')
        assert server.connections == 2


@pytest.mark.parametrize('context', [False, True])
def test_a_fork_has_connections_of_its_own(pairs, context):
    with Server(lambda request: http(six.ensure_binary(request.target)),
                context=tls(pairs['own']) if context else None) as server:
        made = Transport(server.endpoint, verify=pairs['own'][0])
        assert made.request('GET', '/parent').content == b'/parent'
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            try:
                os.write(writer, made.request('GET', '/child').content)
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        os.close(writer)
        with os.fdopen(reader, 'rb') as result:
            assert result.read() == b'/child'
        assert made.request('GET', '/parent').content == b'/parent'
        assert server.connections == 2  # the parent's lived on


def test_threads_do_not_mix_answers_up():
    with Server(lambda request: http(six.ensure_binary(request.target)),
                True) as server:
        made = Transport(server.endpoint)
        wrong = []

        def ask(number):
            for each in range(20):
                path = '/{}-{}'.format(number, each)
                if made.request('GET', path).content != path.encode():
                    wrong.append(path)

        threads = [threading.Thread(target=ask, args=(number,))
                   for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong and len(server.requests) == 160


# -- time

@pytest.fixture
def silent():
    """Takes connections, and never says anything."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(8)
    yield '127.0.0.1:{}'.format(listener.getsockname()[1])
    listener.close()


@pytest.mark.parametrize('scheme', ['http', 'https'])
@pytest.mark.parametrize('timeout', [0.1, (0.1, 0.1)])
def test_a_silent_server(silent, scheme, timeout):
    made = Transport(scheme + '://' + silent, verify=False, timeout=timeout)
    with pytest.raises(exceptions.ConnectionTimeout) as info:
        made.request('GET', '/')
    assert silent in str(info.value)


def test_a_silent_server_of_websockets(silent):
    made = Transport('https://' + silent, verify=False, timeout=(0.1, 60))
    with pytest.raises(exceptions.ConnectionTimeout):
        made.connect()
    made = Transport('http://' + silent, timeout=(60, 0.1))
    with contextlib.closing(made.connect()) as sock:
        assert sock.gettimeout() == 0.1


@pytest.mark.parametrize('full', ['unix'])
def test_a_server_that_takes_no_connection(tmpdir, full):
    path = str(tmpdir.join('s'))
    listener, filling = socket.socket(socket.AF_UNIX), []
    listener.bind(path)
    listener.listen(0)
    try:
        while True:  # until its queue is full
            filling.append(socket.socket(socket.AF_UNIX))
            filling[-1].setblocking(False)
            filling[-1].connect(path)
    except socket.error:
        pass
    made = Transport(path, timeout=0.1)
    for call in (lambda: made.request('GET', '/'), made.connect):
        # A full queue is EAGAIN for who would not wait
        with pytest.raises(exceptions.ClientConnectionFailed):
            call()
    for each in filling + [listener]:
        each.close()


def test_a_server_that_stops_in_the_middle():
    def answer(_):
        def stop(connection):
            connection.sendall(http(b'x', Content_Length=9))
            connection.recv(1)  # until the client gives up
        return stop

    with Server(answer) as server:
        made = Transport(server.endpoint, timeout=0.1)
        with pytest.raises(exceptions.ConnectionTimeout):
            made.request('GET', '/')
        streamed = made.request('GET', '/', stream=True)
        with pytest.raises(exceptions.ConnectionTimeout):
            made.download(streamed, io.BytesIO())


def test_a_call_may_wait_longer_for_its_answer(silent):
    """As that for the end of an operation; not for the connection."""
    made = Transport('http://' + silent, timeout=(0.1, 0.1))
    seen = []

    def send(_, **kwargs):
        seen.append(kwargs['timeout'])
        answer = requests.Response()
        answer.raw = urllib3.HTTPResponse(
            io.BytesIO(), preload_content=False)
        return answer

    made.session.send = send
    made.request('GET', '/', timeout=None)
    made = Transport('http://' + silent, timeout=7)
    made.session.send = send
    made.request('GET', '/', timeout=None)
    made.request('GET', '/', timeout=(1, 2))
    made.request('GET', '/')
    assert seen == [(0.1, None), (7, None), (1, 2), (7, 7)]


# -- failures

@pytest.mark.parametrize('endpoint, reason', [
    ('/none/unix.socket', 'No such file'),
    ('/' + 'x' * 200, 'too long'),
    ('http://127.0.0.1:1', 'refused'),
    ('https://127.0.0.1:1', 'refused'),
    ('https://name.invalid', ''),
])
def test_unreachable(endpoint, reason):
    made = Transport(endpoint)
    for call in (lambda: made.request('GET', '/'), made.connect):
        with pytest.raises(exceptions.ClientConnectionFailed) as info:
            call()
        assert str(info.value).startswith(endpoint + ': ')
        assert reason in str(info.value)
        assert info.value.__cause__ is not None


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
def test_answers_that_break(answer, path):
    def send(connection):
        connection.sendall(answer)

    with Server(lambda _: send, path) as server:
        with pytest.raises(exceptions.ClientConnectionFailed) as info:
            Transport(server.endpoint, timeout=10).request('POST', '/')
        assert server.endpoint in str(info.value)


def test_bodies_are_not_unpacked():
    """A few bytes could become gigabytes."""
    with Server(lambda _: http(b'\x1f\x8b', Content_Encoding='none')
                ) as server:
        Transport(server.endpoint).request('GET', '/')
        assert server.requests[0].headers['accept-encoding'] == 'identity'


@pytest.mark.parametrize('stream, status', [
    (False, '200 OK'), (True, '500 Oops')])
def test_bodies_are_bounded(monkeypatch, stream, status):
    monkeypatch.setattr(transport, 'LONGEST_BODY', 1 << 20)
    sent = []

    def endless(connection):
        connection.sendall(http(status=status, Content_Length=None))
        while True:
            connection.sendall(b'x' * 65536)
            sent.append(65536)

    with Server(lambda _: endless) as server:
        made = Transport(server.endpoint)
        with pytest.raises(exceptions.InvalidResponse) as info:
            made.request('GET', '/', stream=stream)
        assert 'more than' in str(info.value)
    assert sum(sent) < 20 << 20


def test_a_stream_is_not_read():
    with Server(lambda _: http(b'abc')) as server:
        answer = Transport(server.endpoint).request('GET', '/', stream=True)
        assert answer.raw.read() == b'abc'


def test_download():
    body = os.urandom(300000)
    digest = hashlib.sha256()
    with Server(lambda _: http(body)) as server:
        made, target = Transport(server.endpoint), io.BytesIO()
        made.download(made.request('GET', '/', stream=True), target, digest)
        assert target.getvalue() == body
        assert digest.digest() == hashlib.sha256(body).digest()
        made.request('GET', '/')
        assert server.connections == 1  # it went back to the pool


@pytest.mark.parametrize('length', ['abc', '-7', '', ' 3', u'\xb2'])
def test_lengths_that_are_none(length):
    def send(connection):
        connection.sendall(u'HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n'
                           u'abc'.format(length).encode('latin-1'))

    with Server(lambda _: send) as server:
        made, target = Transport(server.endpoint), io.BytesIO()
        made.download(made.request('GET', '/', stream=True), target)
        assert target.getvalue() == b'abc'


@pytest.mark.parametrize('answer', [
    http(b'abc', Content_Length=9),
    http(b'5\r\nab', Content_Length=None, Transfer_Encoding='chunked')])
def test_a_download_that_breaks_off(answer):
    def send(connection):
        connection.sendall(answer)

    with Server(lambda _: send) as server:
        made = Transport(server.endpoint)
        with pytest.raises(exceptions.ClientConnectionFailed) as info:
            made.download(made.request('GET', '/x?secret=s', stream=True),
                          io.BytesIO())
        assert 'secret' not in str(info.value)


def test_a_download_whose_target_fails():
    class Full(object):
        def write(self, _):
            raise OSError(28, 'No space left on device')

    with Server(lambda _: http(b'abc')) as server:
        made = Transport(server.endpoint)
        with pytest.raises(OSError) as info:  # not the server's fault
            made.download(made.request('GET', '/', stream=True), Full())
        assert info.value.errno == 28


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
def test_errors_of_the_layers_below(raised, kind):
    with pytest.raises(exceptions.ClientConnectionFailed) as info:
        with Transport('/s').errors():
            raise raised
    assert type(info.value) is kind
    assert info.value.__cause__ is raised
    assert str(info.value).startswith('/s: ') and '\x1b' not in str(info.value)


def test_other_errors_are_not_touched():
    for kind in (ValueError, KeyboardInterrupt, KeyError):
        with pytest.raises(kind):
            with Transport('/s').errors():
                raise kind('x')


def test_sockets_are_closed_when_a_handshake_fails(pairs):
    before = len(os.listdir('/proc/self/fd'))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')  # Python 3 warns of lost sockets
        with Server(lambda _: http(), context=tls(
                pairs['signed-elsewhere'])) as server:
            made = Transport(server.endpoint, verify=pairs['ca'][0])
            for _ in range(5):
                for call in (lambda: made.request('GET', '/'), made.connect):
                    with pytest.raises(exceptions.ClientConnectionFailed):
                        call()
    made.close()
    gc.collect()  # PyPy, of the server's
    assert len(os.listdir('/proc/self/fd')) <= before
    assert not [str(each.message) for each in caught]
