# -*- coding: utf-8 -*-
"""Random and hostile input: only documented errors are raised."""
import io
import json
import logging
import os
import pickle
import ssl
import struct
import subprocess
import sys
import traceback

import pytest
import six
from hypothesis import HealthCheck, given, settings, strategies as st
from six.moves.urllib import parse

from pylxd import Client, exceptions
from pylxd.models import certificate, instance_files
from pylxd.transport import rest, websocket
from pylxd.transport.connection import Transport
import wire
from wire import ROOT, Proxy, Server, frame, reply, sync, upgrade
from helpers import exchange, unique_name

from .support import clock

#: Seconds that any call may take.
LIMIT = 10
#: Cases of each fuzzed test, in the short form and in the long form.
CASES = 40, 3000

#: How often each outcome was seen, by the name of the test.
case_counts = {}
NotADirectory = OSError if six.PY2 else NotADirectoryError  # noqa: F821


#: Errors that servers may cause, and errors that arguments may cause.
SERVER_ERRORS = exceptions.LXDException, NotADirectory
CALLER_ERRORS = exceptions.LXDException, TypeError, ValueError


def fuzz(expected, *strategies):
    """Run a test with random arguments, and count its outcomes.

    :param expected: the classes of the errors that the test may raise.
    """
    def decorate(test):
        def count(case):
            outcomes = case_counts.setdefault(test.__name__, {})
            started = clock()
            try:
                test(*case)
                outcome = 'a result'
            except expected as error:
                check_error(error)
                outcome = type(error).__name__
            assert clock() - started < LIMIT
            outcomes[outcome] = outcomes.get(outcome, 0) + 1

        @pytest.mark.timeout(3600)
        def run(scale, add_row):
            given(st.tuples(*strategies))(settings(
                max_examples=scale(*CASES), deadline=None, database=None,
                suppress_health_check=HealthCheck.all()
                if six.PY2 else list(HealthCheck))(count))()
            outcomes = case_counts[test.__name__]
            add_row('fuzz', test.__doc__, sum(outcomes.values()), ', '.join(
                '{} {}'.format(outcomes[name], name)
                for name in sorted(outcomes)))
        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run
    return decorate


def check_error(error):
    """Check that an error is printable text, and can be pickled."""
    for text in str(error), repr(error):
        assert not any(ord(each) < 32 and each not in '\n\t' or each == '\x7f'
                       for each in text)
    unpickled = pickle.loads(pickle.dumps(error))
    assert type(unpickled) is type(error)


# -- responses of servers

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats()
    | st.text(max_size=9) | st.sampled_from(['Success', '/1.0/a', '..']),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from([
            'name', 'status', 'status_code', 'metadata', 'config', 'id',
            'class', 'resources', 'fingerprint', 'aliases', 'fds', '0', '1',
            'err', 'error', 'description', 'return', 'type', 'devices'])
        | st.text(max_size=5), inner, max_size=6), max_leaves=12)
ENVELOPE = st.fixed_dictionaries({
    'type': st.sampled_from(['sync', 'async', 'error', 'x']),
    'metadata': JSON, 'error': JSON, 'error_code': JSON,
    'operation': JSON, 'status_code': JSON})
STATUS = st.sampled_from(20 * ['200 OK'] + 4 * ['202 Accepted'] + [
    '200', '202 Accepted', '201 Made', '204 No Content',
    '206 Part', '301 Moved', '304 Same', '400 Bad', '403 No', '404 None',
    '409 Taken', '412 Changed', '500 Oh', '999 \x1b[2J', '100 Continue',
    '-1', 'abc', ''])
HEADER = st.tuples(
    st.sampled_from(['Content-Length', 'Transfer-Encoding', 'Content-Type',
                     'Content-Encoding', 'Location', 'ETag', 'X-LXD-type',
                     'X-LXD-mode', 'Connection', 'Set-Cookie', 'X-A']),
    st.sampled_from(['0', '-1', '5', '99999999', '1e3', 'chunked', 'gzip',
                     'close', 'http://localhost:1/', 'directory', 'symlink',
                     'file', '0777', '9z', 'application/octet-stream',
                     'multipart/form-data', 'text/html', u'\xe4', '\x1b[2J'])
    | st.text(st.characters(min_codepoint=32, max_codepoint=255),
              max_size=9))


@st.composite
def responses(draw):
    """Responses, whole or cut off, and random bytes."""
    kind = draw(st.sampled_from(3 * ['envelope'] + ['json', 'raw', 'bytes']))
    if kind == 'bytes':
        return draw(st.binary(max_size=200))
    body = draw(st.binary(max_size=100)) if kind == 'raw' else json.dumps(
        draw(JSON if kind == 'json' else ENVELOPE)).encode()
    head = [u'HTTP/1.1 ' + draw(STATUS)]
    if draw(st.sampled_from([True, True, True, False])):
        head.append(u'Content-Length: {}'.format(len(body)))
    head += [u'{}: {}'.format(*each)
             for each in draw(st.lists(HEADER, max_size=2))]
    whole = u'\r\n'.join(head).encode('latin-1') + b'\r\n\r\n' + body
    if draw(st.sampled_from([False, False, False, True])):
        return whole[:draw(st.integers(0, len(whole)))]
    return whole


GOOD = {'name': 'c', 'fingerprint': 'f', 'status': 'Running', 'config': {},
        'aliases': []}
CALLS = [
    lambda client: client.containers.all(),
    lambda client: [dict(each) for each in client.containers.all()],
    lambda client: client.containers.get('c'),
    lambda client: dict(client.containers.get('c')),
    lambda client: client.containers.exists('c'),
    lambda client: client.containers.create({'name': 'c'}, wait=True),
    lambda client: client.containers.create({}, wait=True),
    lambda client: client.instances.all(),
    lambda client: repr(client.images.all()),
    lambda client: client.images.get('f'),
    lambda client: client.images.get_by_alias('a'),
    lambda client: client.images.create(b'i', wait=True).fingerprint,
    lambda client: client.images.create_from_url('u', wait=True),
    lambda client: client.profiles.all(),
    lambda client: client.profiles.create('p', wait=True).config,
    lambda client: client.networks.all(),
    lambda client: client.networks.get('n').state(),
    lambda client: client.certificates.all(),
    lambda client: client.certificates.create_token('t'),
    lambda client: repr(client.operations.all()),
    lambda client: client.operations.get('o'),
    lambda client: client.operations.wait_for_operation('o', timeout=1),
    lambda client: client.dialect.refresh(),
    lambda client: client.container.state(),
    lambda client: client.container.start(wait=True),
    lambda client: client.container.execute(['a']),
    lambda client: client.container.raw_interactive_execute(['a']),
    lambda client: client.container.files.get('/a'),
    lambda client: client.container.files.listdir('/a'),
    lambda client: client.container.files.put('/a', b''),
    lambda client: client.container.snapshots.all(),
    lambda client: dict(client.container.snapshots.get('s')),
    lambda client: client.container.snapshots.create('s', wait=True),
    lambda client: client.container.publish(wait=True),
    lambda client: client.container.rename('d', wait=True),
    lambda client: client.container.delete(wait=True),
    lambda client: client.image.export(),
    lambda client: client.image.add_alias('a'),
]


class FixedServer(object):
    """A server with one ``response`` to every request.

    While that is None, it answers as LXD with the object `GOOD`.
    """

    def __init__(self):
        self.response = None
        self.server = Server(self._answer, True)
        self.client = Client(self.server.endpoint, timeout=0.3)
        self.client.container = self.client.containers.get('c')
        self.client.image = self.client.images.get('f')

    def _answer(self, request):
        if self.response is None:
            return sync(ROOT if request.target == '/1.0' else GOOD)
        response = self.response
        # Sends, and closes the connection, so that no client waits for more
        return lambda connection: connection.sendall(response)


@pytest.fixture(scope='module', autouse=True)
def fixed_server():
    FixedServer.current = FixedServer()
    yield
    FixedServer.current.client.close()
    FixedServer.current.server.close()


@fuzz(SERVER_ERRORS, responses(), st.sampled_from(CALLS))
def test_answers(response, call):
    """answers of servers"""
    FixedServer.current.response = response
    call(FixedServer.current.client)


@fuzz(SERVER_ERRORS, st.sampled_from([
    b'[' * 100000, b'{"a":' * 100000,
    b'{"type":"sync","metadata":' + b'[' * 900 + b']' * 900 + b'}',
    b'{"type":"sync","metadata":{"name":"c","config":' + b'{"a":' * 400
    + b'1' + b'}' * 402,
    b'{"type":"sync","metadata":' + b'9' * 5000 + b'}',
    b'{"type":"sync","metadata":[1e999,NaN]}',
    b'{"type":"sync","metadata":["\\ud800"]}',
    b'\xff\xfe{\0}\0', b'\xef\xbb\xbf{}']), st.sampled_from(CALLS))
def test_odd_json(body, call):
    """deep, long and odd JSON"""
    FixedServer.current.response = wire.http(
        body, Content_Type='application/json')
    call(FixedServer.current.client)


# -- frames and handshakes of websockets

FRAMES = st.lists(
    st.builds(lambda data, opcode, fin: frame(data, opcode, fin),
              st.binary(max_size=150),
              st.sampled_from([0, 1, 2, 8, 9, 10]), st.integers(0, 1))
    | st.binary(max_size=20)
    | st.sampled_from([struct.pack('!BBQ', 0x82, 127, 1 << 62),
                       struct.pack('!BBQ', 0x82, 127, 100 << 20)]),
    max_size=6).map(b''.join)


@fuzz(SERVER_ERRORS, FRAMES, FRAMES)
def test_exec_frames(stdout, stderr):
    """frames of exec"""
    ends = frame(b'', 1)

    def stream(request):
        data = {'1': stdout + ends, '2': stderr + ends}.get(
            request.target[-1], b'')
        return lambda connection: connection.sendall(upgrade(request) + data)

    with Server(stream, True) as server:
        exchange(
            Transport(server.endpoint, timeout=5),
            ['/w?' + fd for fd in '012'], b'in',
            [lambda data: None, lambda data: None])


def receive_events(data):
    """Return the events that a listener gets from these bytes."""
    with Server(lambda request: lambda connection: connection.sendall(
            upgrade(request) + data), True) as server:
        events = websocket.make(
            Transport(server.endpoint, timeout=5), '/1.0/events',
            websocket.EventsClient)
        events.connect()
        events.run()
    return events.messages


@fuzz(SERVER_ERRORS, FRAMES)
def test_event_frames(data):
    """frames of events"""
    receive_events(data)


@pytest.mark.parametrize('pieces', [
    [b'{"a": "\xc2', b'\xb5"}'], [b'', b'{"a": "\xc2\xb5"}']])
def test_an_event_in_pieces(pieces):
    """The frames of an event may end within a character."""
    data = frame(pieces[0], 1, 0) + frame(pieces[1], 0, 1)
    assert receive_events(data) == [{'a': u'\xb5'}]


@fuzz(SERVER_ERRORS, st.binary(max_size=300), st.booleans())
def test_handshakes(response, accepts):
    """answers to a handshake"""
    start = b'HTTP/1.1 101 Switching Protocols\r\n' if accepts else b''
    with Server(lambda _: lambda connection: connection.sendall(
            start + response), True) as server:
        websocket.make(Transport(server.endpoint, timeout=5), '/1.0/events',
                       websocket.EventsClient).connect()


# -- arguments of callers

NAMES = st.text(max_size=20) | st.sampled_from([
    u'.', u'..', u'', u'a/b', u'../c', u'a?b=c', u'a#b', u'%2e%2e', u'a%00',
    u'a\r\nX-A: b', u'\ud800', u'ä', u'a b', u'\x7f', u'a;b', u'a&b']) | (
        st.binary(max_size=9))


@fuzz(CALLER_ERRORS, NAMES)
def test_names(name):
    """names"""
    quoted = rest.quote(name)
    assert '/' not in quoted and quoted not in ('', '.', '..')
    assert not set('?#&;\\ \r\n\0') & set(quoted)
    back = parse.unquote(quoted)
    assert six.ensure_text(back) == six.ensure_text(name)


@fuzz(CALLER_ERRORS, NAMES, NAMES)
def test_names_and_paths(name, path):
    """names and paths, as a server gets them"""
    FixedServer.current.response = None
    server = FixedServer.current.server
    before = len(server.requests)
    try:
        FixedServer.current.client.api.containers[name].files.get(
            params={'path': instance_files.check_path(path)})
    finally:
        for request in server.requests[before:]:
            url_path, _, query = request.target.partition('?')
            assert url_path.startswith('/1.0/containers/')
            assert url_path.endswith('/files') and url_path.count('/') == 4
            assert url_path.split('/')[3] == rest.quote(name)
            assert len(parse.parse_qsl(query, True)) == 1
            assert set(request.headers) <= {
                'host', 'user-agent', 'accept-encoding', 'accept',
                'connection', 'content-length'}


@fuzz(CALLER_ERRORS, NAMES, st.sampled_from(['mode', 'uid', 'gid', 'name']))
def test_headers(text, field):
    """values that become headers"""
    FixedServer.current.response = None
    server = FixedServer.current.server
    before = len(server.requests)
    try:
        if field == 'name':
            image = io.BytesIO(b'i')
            image.name = text
            FixedServer.current.client.images.create(image)
        else:
            FixedServer.current.client.container.files.put(
                '/a', b'', **{field: text})
    finally:
        for request in server.requests[before:]:
            assert 'x-a' not in request.headers


@fuzz(CALLER_ERRORS, st.dictionaries(
    st.text(max_size=9), JSON | st.binary(max_size=5), max_size=4))
def test_config(config):
    """values of config"""
    FixedServer.current.response = None
    container = FixedServer.current.client.containers.get('c')
    original = dict(config)
    container.config = config
    try:
        container.save()
    finally:
        assert set(config) == set(original)


@fuzz(CALLER_ERRORS, st.text(max_size=30) | st.sampled_from([
    u'https://', u'https://a:b', u'http://[::1', u'https://a@b:1/',
    u'unix://', u'unix:a', u'/a\0b', u'http+unix://%2fa%00', u'https://a/../b',
    u'https://a:99999', u'https://\ud800', u'ftp://a', u'https://a\r\nb'])
      | st.builds(u'https://{}:{}/{}'.format, st.text(max_size=9),
                  st.text(max_size=5), st.text(max_size=5)))
def test_endpoints(endpoint):
    """endpoints"""
    Transport(endpoint)


PEM = (u'-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n'
       u'-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n')


@fuzz(CALLER_ERRORS, st.binary(max_size=200) | st.text(max_size=50).map(
    lambda text: PEM.format(text, text).encode('utf-8', 'replace')))
def test_certificates(data):
    """certificates"""
    path = os.path.join(str(test_certificates_directory[0]), 'pem')
    with open(path, 'wb') as pem:
        os.fchmod(pem.fileno(), 0o600)
        pem.write(data)
    for call in (lambda: Transport('https://127.0.0.1:1', verify=path),
                 lambda: Transport('https://127.0.0.1:1', cert=path)):
        with pytest.raises(exceptions.InvalidCertificate):
            call()
    certificate.to_der(data)


test_certificates_directory = []


@pytest.fixture(autouse=True)
def directory(tmpdir):
    test_certificates_directory[:] = [tmpdir]


# -- TLS

@pytest.fixture(params=['HTTP', 'websocket'])
def connect(request):
    """Return a function that sends a request, or opens a websocket."""
    def connect(transport):
        if request.param == 'HTTP':
            transport.request('GET', '/')
        else:
            websocket.make(transport, '/1.0/events',
                           websocket.EventsClient).connect()
    return connect


def serve_tls(pair, **limits):
    """Return a server; ``limits`` are attributes of its TLS context."""
    context = wire.tls_context(pair)
    for name, value in limits.items():
        setattr(context, name, value)
    return Server(lambda request: upgrade(request) if 'sec-websocket-key'
                  in request.headers else sync({}), context=context)


def test_the_certificate_of_a_server_is_checked(tmpdir, connect):
    """Nothing is sent to a server with another name or certificate."""
    own, other = [wire.make_certificate(tmpdir, name) for name in (
        'own', 'other')]
    elsewhere = wire.make_certificate(
        tmpdir, 'elsewhere', (u'elsewhere.test',))
    child = wire.make_certificate(
        tmpdir, 'child', (u'elsewhere.test',), issuer=own)
    for pair, verify, refused in [
            (own, own[0], False), (elsewhere, elsewhere[0], False),
            (own, False, False), (own, True, True), (own, other[0], True),
            (child, own[0], True)]:
        with serve_tls(pair) as server:
            transport = Transport(server.endpoint, verify=verify, timeout=10)
            if not refused:
                connect(transport)
            else:
                with pytest.raises(exceptions.ClientConnectionFailed):
                    connect(transport)
                assert server.requests == []
            transport.close()


def test_a_changed_certificate_is_refused(tmpdir, connect):
    """The error names the certificate, which is not the pinned one."""
    own, other = [wire.make_certificate(tmpdir, name) for name in (
        'own', 'other')]
    with serve_tls(own) as server:
        transport = Transport(server.endpoint, verify=own[0], timeout=10)
        connect(transport)
        transport.close()
        server._context = wire.tls_context(other)
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            connect(transport)
        assert 'certificate' in str(caught.value)
        assert len(server.requests) == 1
        transport.close()


@pytest.mark.skipif(six.PY2, reason='TLSVersion is new in Python 3.7')
def test_old_tls_is_refused(tmpdir, connect):
    own = wire.make_certificate(tmpdir, 'own')
    with serve_tls(own, maximum_version=ssl.TLSVersion.TLSv1_1,
                   minimum_version=ssl.TLSVersion.TLSv1) as server:
        with pytest.raises(exceptions.ClientConnectionFailed):
            connect(Transport(server.endpoint, verify=own[0], timeout=10))


def test_redirects_are_not_followed():
    with Server(lambda _: wire.http(
            status='302 Found', Location='http://127.0.0.1:1/a?secret=s3cr3t'
            )) as server:
        transport = Transport(server.endpoint, timeout=10)
        try:
            response = transport.request('GET', '/')
            rest.check_response(response, (200,))
            pytest.fail('the redirect was followed')
        except exceptions.InvalidResponse as error:
            assert '127.0.0.1:1/a' in str(error) and 's3cr3t' not in str(error)
        with pytest.raises(exceptions.LXDAPIException):
            websocket.make(transport, '/1.0/events',
                           websocket.EventsClient).connect()
        transport.close()


# -- secrets

SECRET = 's3cr3t-of-this-test'
REFUSALS = [
    wire.error(403, 'not authorized'), wire.error(400, 'bad'),
    wire.http(b'<html>'), wire.http(b'', '500 Oh'), b'HTTP/1.1 2', b'',
    wire.http(status='302 Found', Location='https://elsewhere/'),
]


class RecordAll(logging.Handler):
    """Collect the texts of log records, and of errors."""

    def __init__(self):
        logging.Handler.__init__(self, 0)
        self.texts = []

    def emit(self, record):
        self.texts += [record.getMessage(), repr(record.args)]

    def add(self, error):
        while error is not None:
            self.texts += [
                str(error), repr(error), repr(error.args), ''.join(
                    traceback.format_exception_only(type(error), error)),
                repr(vars(error))]
            if isinstance(error, exceptions.LXDException):
                for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                    self.texts.append(repr(pickle.dumps(error, protocol)))
            error = getattr(error, 'cause', None)


def answer_with_secrets(request, last):
    """Return the response of a server whose operations hold secrets.

    :param last: the response to each POST; None starts an operation.
    """
    if request.target == '/1.0':
        return sync(dict(ROOT, auth='untrusted', environment={
            'server': 'lxd', 'addresses': ['127.0.0.1:1'],
            'certificate': 'c'}))
    if request.method == 'GET':
        return sync(dict(GOOD, name='c', public=False, auto_update=False,
                         architecture='x', profiles=[], devices={},
                         ephemeral=False))
    if last is not None:
        return lambda connection: connection.sendall(last)
    return wire.accepted({'id': 'o', 'class': 'token', 'status': 'Running',
                          'status_code': 103, 'metadata': {
                           'secret': SECRET, 'control': SECRET,
                           'fs': SECRET}})


def authenticate(source_client, target_client):
    target_client.authenticate(SECRET)


def image_copy(source_client, target_client):
    source_client.images.get('f').copy(target_client, wait=True)


def migrate(source_client, target_client):
    source_client.containers.get('c').migrate(target_client, wait=True)


@pytest.mark.parametrize('refusal', REFUSALS)
@pytest.mark.parametrize('call', [authenticate, image_copy, migrate])
def test_secrets_are_not_shown(tmpdir, capfd, call, refusal):
    """No error, log record or output of a failure shows a secret."""
    handler, root = RecordAll(), logging.getLogger()
    level = root.level
    client_pair = wire.make_certificate(tmpdir, 'client')
    server_pair = wire.make_certificate(tmpdir, 'server')
    with Server(lambda request: answer_with_secrets(request, None),
                True) as source:
        with Server(lambda request: answer_with_secrets(request, refusal),
                    context=wire.tls_context(server_pair)) as target:
            source_client = Client(source.endpoint, timeout=5)
            target_client = Client(target.endpoint, cert=client_pair,
                                   verify=server_pair[0], timeout=5)
            root.addHandler(handler)
            root.setLevel(0)
            try:
                with pytest.raises(exceptions.LXDException) as caught:
                    call(source_client, target_client)
            finally:
                root.removeHandler(handler)
                root.setLevel(level)
                source_client.close()
                target_client.close()
            sent = b''.join(request.body for request in target.requests)
    assert SECRET.encode() in sent
    handler.add(caught.value)
    handler.texts += capfd.readouterr()
    handler.texts.append(''.join(traceback.format_exception(
        caught.type, caught.value, caught.tb)))
    for text in handler.texts:
        assert SECRET not in text


# -- logs and output

def test_each_request_is_one_log_line(caplog):
    """The line has method, path, status and milliseconds, but no query."""
    with Server(wire.lxd_api(), True) as server:
        with Client(server.endpoint) as client:
            with caplog.at_level(logging.DEBUG, 'pylxd'):
                client.api.get(params={'secret': SECRET})
                with pytest.raises(exceptions.NotFound):
                    client.api.events.get()
                with pytest.raises(exceptions.NotFound):
                    client.events(event_types=['lifecycle']).connect()
    lines = [record.getMessage().split(' ') for record in caplog.records
             if record.name == 'pylxd']
    assert [line[:3] for line in lines] == [
        ['GET', '/1.0', '200'], ['GET', '/1.0/events', '404'],
        ['GET', '/1.0/events', '404']]
    for line in lines:
        assert float(line[3]) >= 0 and line[4:] == ['ms']


QUIET_PROGRAM = '''
import logging, sys
from pylxd import Client, exceptions
if 'debug' in sys.argv:
    logging.getLogger('pylxd').setLevel(0)
    logging.getLogger('ws4py').setLevel(0)
client = Client(sys.argv[1], timeout=5)
events = client.events()
events.connect()
events.run()
try:
    client.containers.get('none')
except exceptions.NotFound:
    pass
'''


@pytest.mark.parametrize('level', ['', 'debug'])
def test_nothing_is_printed(level):
    """Not even for a broken stream in a program without logging."""
    broken = {'GET /1.0/events': lambda request: lambda connection:
              connection.sendall(upgrade(request) + b'\xff\xff')}
    with Server(wire.lxd_api(broken), True) as server:
        process = subprocess.Popen(
            [sys.executable, '-W', 'ignore', '-c', QUIET_PROGRAM,
             server.endpoint, level],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        printed, _ = process.communicate()
    assert (process.returncode, printed) == (0, b'')


# -- names that lead elsewhere

@pytest.mark.parametrize('name', ['..', '.', '', 'a/../../b', '/etc/x',
                                  'a\0b'])
def test_hostile_names_in_a_tree(tmpdir, name):
    """No file is written, outside of the directory or below it."""
    def reply_directory(names):
        return reply({'type': 'sync', 'metadata': names},
                     X_LXD_type='directory')

    with Server(wire.lxd_api({
            'GET /1.0/instances/c': dict(GOOD),
            'GET /1.0/instances/c/files': reply_directory([name])}),
                True) as server:
        with Client(server.endpoint, timeout=5) as client:
            with pytest.raises(exceptions.InvalidResponse):
                client.containers.get('c').files.recursive_get(
                    '/a', str(tmpdir.join('here')))
    assert [each for each in tmpdir.visit() if each.check(file=1)] == []


def test_hostile_names_on_a_server(lxd, running):
    """Such names reach no object, and change nothing."""
    with Proxy(lxd.socket, True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            container = client.containers.get(running.name)
            before = [each.name for each in client.containers.all()]
            for name in ('..', '.', '', 'a\r\nX-A: b'):
                for call in (client.containers.get, client.images.get,
                             client.profiles.get, client.networks.get,
                             client.operations.get, container.rename,
                             container.snapshots.get,
                             container.snapshots.create,
                             container.restore_snapshot,
                             client.images.get_by_alias,
                             client.profiles.create):
                    sent = len(b''.join(map(bytes, proxy.sent)))
                    with pytest.raises(exceptions.InvalidName):
                        call(name)
                    assert len(b''.join(map(bytes, proxy.sent))) == sent
            for name in (running.name + '/state', running.name + '?a=b',
                         running.name + '#a', '../' + running.name,
                         unique_name()):
                try:
                    assert not client.containers.exists(name)
                except exceptions.LXDAPIException as error:
                    assert 'Invalid instance name' in str(error)
            assert [each.name for each in client.containers.all()] == before
