# -*- coding: utf-8 -*-
"""Nodes: paths, quoting, requests, and checks of responses."""
import copy
import json
import pickle

import pytest
import requests

from pylxd import exceptions
from pylxd.transport import rest
from wire import Server, error, http, lxd_api, reply, sync, tls_context
from pylxd.transport.connection import Transport


class RecordingTransport(object):
    """A transport that keeps the requests and always gives one response."""

    endpoint, url = '/s', 'http+unix://%2Fs'
    session = object()

    def __init__(self, answer=b'{"type": "sync"}', status=200, **headers):
        self.sent = []
        self.answer, self.status, self.headers = answer, status, headers

    def request(self, method, path, **kwargs):
        self.sent.append((method, path, kwargs))
        response = requests.Response()
        response.status_code, response._content = self.status, self.answer
        response.headers.update(self.headers)
        return response


@pytest.fixture
def recorder():
    return RecordingTransport()


@pytest.fixture
def root(recorder):
    return rest.Node(recorder, '')['1.0']


@pytest.mark.parametrize('name, quoted', [
    ('c1', 'c1'), (u'c1', 'c1'), (b'c1', 'c1'), (7, '7'),
    ('a/../b', 'a%2F..%2Fb'), ('victim?x', 'victim%3Fx'),
    ('victim#x', 'victim%23x'), ('vic%74im', 'vic%2574im'),
    (u'\xe4 b', '%C3%A4%20b'), (u'\xe4 b'.encode('utf-8'), '%C3%A4%20b'),
    ('...', '...'), ('a;b&c=d+e', 'a%3Bb%26c%3Dd%2Be'),
    ('\\', '%5C'), ('http://h/', 'http%3A%2F%2Fh%2F'),
])
def test_quote(name, quoted):
    # requests rewrites URLs too, and must not change this one
    url = 'http://h/' + rest.quote(name)
    expected = 'http://h/' + quoted
    assert url == expected
    assert requests.Request('GET', url).prepare().url == expected


@pytest.mark.parametrize('name, text', [
    ('c1', 'c1'), (b'c1', 'c1'), (7, '7'), (u'\xe4', u'\xe4')])
def test_names_are_text(name, text):
    """A body of JSON has no bytes, and servers refuse numbers."""
    assert rest.check_name(name) == text
    assert isinstance(rest.check_name(name), type(text))


@pytest.mark.parametrize('name', [
    '', '.', '..', 'a\0', 'a\n', '\x1b', '\x7f', u'', u'..', b'..', b''])
def test_invalid_names(name):
    with pytest.raises(exceptions.InvalidName):
        rest.quote(name)


@pytest.mark.parametrize('name', [None, True, 1.5, ['a'], {}, object()])
def test_names_of_a_wrong_type(name):
    with pytest.raises(TypeError):
        rest.quote(name)


def test_names_that_are_no_utf8():
    with pytest.raises(exceptions.InvalidName):
        rest.quote(b'\xff')


def test_attributes_and_items_are_path_segments(root):
    for node, path in [
            (root.containers['c1'].state, '/1.0/containers/c1/state'),
            (root['containers']['a/b'], '/1.0/containers/a%2Fb'),
            (root.a.b.c.d.e.f, '/1.0/a/b/c/d/e/f'),
            (root.storage_pools, '/1.0/storage-pools'),
            (root.virtual_machines, '/1.0/virtual-machines'),
            (root.other_name, '/1.0/other_name'),
            (root['storage_pools'], '/1.0/storage_pools'),
            (root['_x'], '/1.0/_x')]:
        assert node.path == path
    assert root.containers.path == '/1.0/containers'


@pytest.mark.parametrize('name', [
    '__deepcopy__', '_repr_html_', '_ipython_display_', '_x', '_'])
def test_names_with_an_underscore_are_no_segments(root, name):
    assert not hasattr(root, name)


def test_nodes_are_not_iterable(root):
    with pytest.raises(TypeError):
        iter(root)  # by index, it would never end


def test_attributes_of_a_node(root, recorder):
    assert root.session is recorder.session
    assert (root.scheme, root.netloc) == ('http+unix', '%2Fs')
    assert repr(root.containers) == '<Node /s/1.0/containers>'
    assert root['a b']._api_endpoint == 'http+unix://%2Fs/1.0/a%20b'


def test_the_project_of_a_node(recorder):
    assert rest.Node(recorder, '/1.0').x.project == 'default'
    node = rest.Node(recorder, '/1.0', {'project': 'p'}).x
    assert node.project == 'p'
    for name in ('project', 'path'):
        with pytest.raises(AttributeError):
            setattr(node, name, 'q')


@pytest.mark.parametrize('duplicate', [
    copy.copy, copy.deepcopy,
    lambda node: pickle.loads(pickle.dumps(node, 2))])
def test_a_copy_of_a_node(duplicate):
    pages = {'GET /1.0/a': {}}
    with Server(lxd_api(pages), True) as server:
        node = duplicate(rest.Node(
            Transport(server.endpoint), '/1.0', {'project': 'p'}))
        assert node.a.get().status_code == 200
        assert server.requested == ['GET /1.0/a?project=p']


@pytest.mark.parametrize('verb, args, sent', [
    ('get', ({'a': 1},), {'params': {'a': 1}}),
    ('post', (b'd', {'j': 1}), {'data': b'd', 'json': {'j': 1}}),
    ('put', (b'd',), {'data': b'd'}),
    ('patch', (b'd',), {'data': b'd'}),
    ('delete', (), {}),
])
def test_each_verb(root, recorder, verb, args, sent):
    getattr(root.x, verb)(*args, headers={'h': 'v'})
    (method, path, kwargs), = recorder.sent
    assert (method, path) == (verb.upper(), '/1.0/x')
    assert dict({'headers': {'h': 'v'}}, **sent) == {
        name: value for name, value in kwargs.items() if value is not None}


def test_too_many_arguments(root, recorder):
    for verb in (root.get, root.post, root.put, root.patch):
        with pytest.raises(TypeError):
            verb(1, 2, 3)
    assert not recorder.sent


def test_project_and_target(recorder):
    params = {'a': '1'}
    node = rest.Node(recorder, '/1.0', {'project': 'p'})
    node.x.get(params=params)
    node.x.post(target='m1')
    node.x.post(target='m1', params={'target': 'm2', 'project': 'q'})
    assert [kwargs['params'] for _, _, kwargs in recorder.sent] == [
        {'project': 'p', 'a': '1'}, {'project': 'p', 'target': 'm1'},
        {'project': 'q', 'target': 'm2'}]
    assert params == {'a': '1'}


SYNC = b'{"type": "sync", "metadata": {}}'
ERROR = b'{"type": "error", "error": "said"}'


@pytest.mark.parametrize('verb, status, body, raised', [
    ('get', 200, SYNC, None),
    ('get', 201, SYNC, exceptions.LXDAPIException),
    ('get', 202, SYNC, exceptions.LXDAPIException),
    ('post', 201, SYNC, None), ('post', 202, SYNC, None),
    ('put', 201, SYNC, None), ('put', 202, SYNC, None),
    ('patch', 201, SYNC, exceptions.LXDAPIException),
    ('patch', 202, SYNC, None),
    ('delete', 202, SYNC, None),
    ('delete', 201, SYNC, exceptions.LXDAPIException),
    ('get', 200, ERROR, exceptions.LXDAPIException),
    ('get', 400, ERROR, exceptions.LXDAPIException),
    ('get', 403, ERROR, exceptions.LXDAPIException),
    ('get', 404, ERROR, exceptions.NotFound),
    ('get', 404, b'<html>', exceptions.NotFound),
    ('put', 409, ERROR, exceptions.Conflict),
    ('put', 412, ERROR, exceptions.Conflict),
    ('get', 500, ERROR, exceptions.LXDAPIException),
    ('get', 500, b'<html>', exceptions.InvalidResponse),
    ('get', 502, b'', exceptions.InvalidResponse),
    ('get', 301, b'', exceptions.InvalidResponse),
    ('get', 307, SYNC, exceptions.InvalidResponse),
    ('get', 200, b'{"type": "other"}', exceptions.InvalidResponse),
    ('get', 200, b'{}', exceptions.InvalidResponse),
    ('get', 200, b'[]', exceptions.InvalidResponse),
    ('get', 200, b'a log', None),
    ('get', 200, b'', None),
    ('get', 200, b'[' * 100000, None),
])
def test_checks_of_a_response(verb, status, body, raised):
    node = rest.Node(RecordingTransport(body, status), '/1.0')
    if raised is None:
        assert getattr(node, verb)().content == body
        return
    with pytest.raises(raised) as caught:
        getattr(node, verb)()
    assert type(caught.value) is raised
    assert caught.value.response.content == body


def test_the_error_names_a_redirect():
    node = rest.Node(RecordingTransport(
        b'', 302, Location='https://elsewhere/\x1b[2J?secret=x'), '/1.0')
    with pytest.raises(exceptions.InvalidResponse) as caught:
        node.get()
    assert 'elsewhere' in str(caught.value)
    assert '\x1b' not in str(caught.value) and 'secret=x' not in str(
        caught.value)


def test_a_page_is_refused():
    node = rest.Node(
        RecordingTransport(b'<p>', Content_Type='text/html'), '/1.0')
    node._transport.headers = {'Content-Type': 'text/html; charset=utf-8'}
    with pytest.raises(exceptions.InvalidResponse):
        node.get()


@pytest.mark.parametrize('body', [ERROR, b'{}', b'null'])
@pytest.mark.parametrize('arguments', [
    {'is_api': False}, {'stream': True},
    {'headers': 'application/octet-stream'}])
def test_the_content_of_files_is_not_checked(body, arguments):
    recorder = RecordingTransport(body)
    if 'headers' in arguments:
        recorder.headers = {'Content-Type': arguments['headers']}
        arguments = {}
    assert rest.Node(recorder, '/1.0').get(**arguments).content == body
    assert 'is_api' not in recorder.sent[0][2]


def test_a_stream_is_not_read():
    class UnreadTransport(RecordingTransport):
        def request(self, *args, **kwargs):
            response = super(UnreadTransport, self).request(*args, **kwargs)
            response._content = False
            response.raw = None  # reading it would fail
            return response

    response = rest.Node(UnreadTransport(), '/1.0').get(stream=True)
    assert response._content is False


def test_envelope_and_metadata():
    def make_response(document):
        return RecordingTransport(json.dumps(document).encode()).request(
            'GET', '')

    sync_response = make_response({'type': 'sync', 'metadata': {'a': u'\xe4'}})
    assert rest.envelope(sync_response)['type'] == 'sync'
    assert rest.metadata(sync_response) == {'a': u'\xe4'}
    # Parsed once
    assert rest.metadata(sync_response) is rest.metadata(sync_response)
    for kind, wrong in ((dict, ['a']), (dict, None), (dict, 'x'),
                        (list, {}), (list, None), (dict, 5)):
        with pytest.raises(exceptions.InvalidResponse):
            rest.metadata(
                make_response({'type': 'sync', 'metadata': wrong}), kind)
    for wrong in ({}, [], None, {'type': []}, {'metadata': {}}):
        with pytest.raises(exceptions.InvalidResponse):
            rest.envelope(make_response(wrong))


def test_requests_reach_the_server_unchanged():
    """The server gets paths, query and body unchanged by requests."""
    pages = {'PUT /1.0/a%2F..%2Fb': {}, 'GET /1.0/%C3%A4%20b': {},
             'POST /1.0/x': sync({})}
    with Server(lxd_api(pages)) as server:
        node = rest.Node(Transport(server.endpoint), '')['1.0']
        node['a/../b'].put(json={'k': u'\xe4'}, headers={'If-Match': 'e'})
        node[u'\xe4 b'].get(params={'p': u'\xe4&b=c'})
        node.x.post(data=iter([b'ab', b'c']))
    first, second, third = server.requests
    assert first.target == '/1.0/a%2F..%2Fb'
    assert json.loads(first.body.decode()) == {'k': u'\xe4'}
    assert first.headers['if-match'] == 'e'
    assert second.target == '/1.0/%C3%A4%20b?p=%C3%A4%26b%3Dc'
    assert third.body == b'abc'
    assert server.connections == 1


@pytest.mark.parametrize('answer, raised, message', [
    (error(404, 'Instance not found'), exceptions.NotFound,
     'Instance not found (GET /1.0)'),
    (error(412, 'ETag'), exceptions.Conflict, 'ETag (GET /1.0)'),
    (error(400, 'bad'), exceptions.LXDAPIException, 'bad (GET /1.0)'),
    (http(b'<p>', '500 Oops'), exceptions.InvalidResponse,
     'the response is not from LXD or Incus: HTTP 500 Oops: <p> (GET /1.0)'),
    (reply(['x']), exceptions.InvalidResponse,
     'the response is not from LXD or Incus: HTTP 200 OK: ["x"] (GET /1.0)'),
])
def test_messages_of_errors(answer, raised, message):
    with Server(lambda request: answer) as server:
        with pytest.raises(raised) as caught:
            rest.Node(Transport(server.endpoint), '/1.0').get({'secret': 's'})
    assert str(caught.value) == message


# -- HEAD and upgrades

def head_only(request):
    """Answer a HEAD: the length is that of the body of a GET."""
    return http(status='200 OK', Content_Length=9, X_LXD_type='file')


def test_head():
    pages = {'HEAD /1.0/f': head_only, 'GET /1.0/f': b''}
    with Server(lxd_api(pages)) as server:
        node = rest.Node(Transport(server.endpoint), '')['1.0']
        for _ in range(2):  # on one connection
            response = node.f.head(params={'path': '/x'})
            assert response.headers['X-LXD-type'] == 'file'
            assert response.content == b''
        assert server.requested == ['HEAD /1.0/f?path=%2Fx'] * 2
        assert server.connections == 1
        assert 'content-length' not in server.requests[0].headers


@pytest.mark.parametrize('status, raised', [
    ('404 Not Found', exceptions.NotFound),
    ('412 No', exceptions.Conflict),
    ('500 Oops', exceptions.LXDAPIException),
    ('302 Found', exceptions.InvalidResponse)])
def test_errors_of_head(status, raised):
    with Server(lambda _: http(status=status, Content_Length=9)) as server:
        with pytest.raises(raised) as caught:
            rest.Node(Transport(server.endpoint), '/1.0').head()
    assert type(caught.value) is raised
    assert status in str(caught.value) and '(HEAD /1.0)' in str(caught.value)


def switching(data):
    """Return an answer that switches protocols, and sends data at once."""
    def answer(request):
        def serve(connection):
            connection.sendall(http(
                status='101 Switching Protocols', Content_Length=None,
                Upgrade=request.headers['upgrade']) + data)
            while True:
                received = connection.recv(9)
                if not received:
                    return
                connection.sendall(received.upper())
        return serve
    return answer


@pytest.mark.parametrize('path', [None, True])
def test_upgrade(path):
    pages = {'POST /1.0/x': switching(b'banner\r\n\r\n')}
    with Server(lxd_api(pages), path) as server:
        node = rest.Node(
            Transport(server.endpoint, timeout=5), '', {'project': 'p'})['1.0']
        upgraded = node.x.upgrade('tcp', 'POST', {'port': 1}, target='m')
        assert upgraded.gettimeout() is None
        stream = upgraded.makefile('rb')
        assert stream.read(10) == b'banner\r\n\r\n'
        upgraded.sendall(b'abc')
        assert stream.read(3) == b'ABC'
        stream.close()
        upgraded.close()
    request, = server.requests
    path, query = request.target.split('?')
    assert path == '/1.0/x' and sorted(query.split('&')) == [
        'project=p', 'target=m']
    assert request.headers['upgrade'] == 'tcp'
    assert request.headers['connection'] == 'Upgrade'
    assert request.headers['host']
    assert json.loads(request.body.decode()) == {'port': 1}


def test_upgrade_over_tls(pairs):
    context = tls_context(pairs['own'])
    pages = {'GET /1.0/sftp': switching(b'banner')}
    with Server(lxd_api(pages), context=context) as server:
        for verify, fits in ((pairs['own'][0], True),
                             (pairs['other'][0], False)):
            node = rest.Node(
                Transport(server.endpoint, verify=verify), '')['1.0']
            if fits:
                upgraded = node.sftp.upgrade('sftp')
                assert upgraded.recv(6) == b'banner'
                upgraded.close()
            else:
                with pytest.raises(exceptions.ClientConnectionFailed):
                    node.sftp.upgrade('sftp')
    assert server.requested == ['GET /1.0/sftp']


@pytest.mark.parametrize('answer, raised, message', [
    (error(404, 'Instance not found'), exceptions.NotFound,
     'Instance not found (GET /1.0/x)'),
    (error(400, 'Missing upgrade'), exceptions.LXDAPIException,
     'Missing upgrade (GET /1.0/x)'),
    (sync({}), exceptions.LXDAPIException, '(GET /1.0/x)'),
    (http(b'<p>', '502 Bad'), exceptions.InvalidResponse, '<p>'),
    (http(status='302 Found', Location='https://elsewhere/'),
     exceptions.InvalidResponse, 'elsewhere'),
    (b'SSH-2.0\r\n\r\n', exceptions.ClientConnectionFailed, 'not HTTP'),
    (b'HTTP/1.1 101 x\r\n' + b'X: y\r\n' * 20000,
     exceptions.InvalidResponse, 'no end'),
])
def test_a_refused_upgrade(answer, raised, message):
    with Server(lambda _: lambda connection: connection.sendall(
            answer)) as server:
        with pytest.raises(raised) as caught:
            rest.Node(Transport(server.endpoint), '/1.0/x').upgrade(
                'sftp', params={'secret': 's3cr3t'})
    assert message in str(caught.value)
    assert 's3cr3t' not in str(caught.value)


def test_a_refused_upgrade_is_closed():
    received = []

    def refuse(connection):
        connection.sendall(error(400, 'no'))
        received.append(connection.recv(1))

    with Server(lambda _: refuse) as server:
        with pytest.raises(exceptions.LXDAPIException) as caught:
            rest.Node(Transport(server.endpoint), '/1.0').upgrade('sftp')
        server.ended.get(timeout=10)
    assert received == [b''] and 'no' in str(caught.value)


def test_an_upgrade_reaches_the_timeout():
    with Server(lambda _: lambda connection: connection.recv(1)) as server:
        with pytest.raises(exceptions.ConnectionTimeout):
            rest.Node(Transport(server.endpoint, timeout=0.1), '/1.0').upgrade(
                'sftp')
