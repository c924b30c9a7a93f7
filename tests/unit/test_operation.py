# -*- coding: utf-8 -*-
"""Operations against a scripted server."""
import threading

import pytest
from ws4py import framing

from pylxd import Client, exceptions
from pylxd.core.operation import Operation
from wire import (
    ROOT, Server, accepted, error, frame, http, lxd_api, read_frames, reply,
    sync, upgrade)

RUNNING = {'id': 'u1', 'class': 'task', 'status': 'Running',
           'status_code': 103, 'err': '', 'metadata': None,
           'description': 'Starting', 'resources': {}, 'may_cancel': True}
DONE = dict(RUNNING, status='Success', status_code=200, metadata={'a': 1})
FAILED = dict(RUNNING, status='Failure', status_code=400, err='it broke')
CANCELLED = dict(RUNNING, status='Cancelled', status_code=401, err='')
WAIT, GET = 'GET /1.0/operations/u1/wait', 'GET /1.0/operations/u1'


def error_under_200(message):
    """Return the failure of an operation as Incus 6.0 sends it."""
    return reply({'type': 'error', 'error_code': 500, 'error': message})


@pytest.fixture
def make_operation():
    """Return a function that makes a running operation of a new server.

    It takes the pages of the server and arguments of the client, and returns
    the operation and the server.
    """
    opened = []

    def make_operation(pages, **kwargs):
        server = Server(lxd_api(pages))
        opened.append(server)
        return Operation(Client(server.endpoint, **kwargs), **RUNNING), server

    yield make_operation
    for server in opened:
        server.close()


@pytest.mark.trap('wait-is-200')
@pytest.mark.parametrize('answer, error_class, message', [
    (sync(DONE), None, ''),
    # LXD 5.0.2 sends so while a cluster is formed
    (sync(dict(DONE, resources={'cluster': None})), None, ''),
    (sync(FAILED), exceptions.OperationFailed, 'it broke [Starting]'),
    (sync(CANCELLED), exceptions.OperationFailed,
     'the operation was cancelled'),
    (error_under_200('it broke'), exceptions.OperationFailed, 'it broke'),
    (reply({'type': 'error'}), exceptions.OperationFailed,
     'without a message'),
    (error_under_200('context deadline exceeded'),
     exceptions.OperationFailed, 'context deadline'),  # an error of the server
    (sync(RUNNING), exceptions.OperationFailed, ''),  # the wait had no timeout
    (error(404, 'Operation not found'), exceptions.NotFound, 'not found'),
    (error(500, 'oops'), exceptions.LXDAPIException, 'oops'),
    (sync([]), exceptions.InvalidResponse, ''),
    (reply({}), exceptions.InvalidResponse, ''),
    (http(b'<html>'), exceptions.InvalidResponse, ''),
], ids=lambda value: '')
def test_wait_raises_the_failure(make_operation, answer, error_class, message):
    operation, server = make_operation({WAIT: answer})
    if error_class is None:
        assert operation.wait() is True
        assert (operation.status, operation.metadata) == ('Success', {'a': 1})
    else:
        with pytest.raises(error_class) as caught:
            operation.wait()
        assert type(caught.value) is error_class and message in str(
            caught.value)
        if error_class is exceptions.OperationFailed:
            assert caught.value.operation is operation
    assert server.requested[1:] in ([WAIT], [WAIT, GET])


@pytest.mark.parametrize('status', [200, 400, 404, 500])
@pytest.mark.parametrize('page, error_class, message', [
    (FAILED, exceptions.OperationFailed, 'it broke [Starting]'),
    (DONE, None, ''),
    (RUNNING, exceptions.LXDAPIException, 'oops (GET /1.0/operations/')])
def test_a_wait_answered_by_an_error(
        make_operation, status, page, error_class, message):
    """LXD 5.0.2+git answers the wait for a failed operation with 500."""
    operation, server = make_operation({
        WAIT: error(status, 'oops') if status != 200
        else error_under_200('oops'), GET: page})
    if error_class is None:
        assert operation.wait() is True
    else:
        with pytest.raises(error_class) as caught:
            operation.wait()
        assert message in str(caught.value)
    assert operation.status == page['status']
    assert server.requested[1:] == [WAIT, GET]


@pytest.mark.trap('wait-is-200')
@pytest.mark.parametrize('answer, get_page, error_class', [
    (sync(RUNNING), None, exceptions.OperationTimeout),
    (sync(DONE), None, None),
    (sync(FAILED), None, exceptions.OperationFailed),
    (error_under_200('context deadline exceeded'), RUNNING,
     exceptions.OperationTimeout),
    (error_under_200('context deadline exceeded'), DONE, None),
    (error_under_200('context deadline exceeded'), FAILED,
     exceptions.OperationFailed),
    (error_under_200('it broke'), None, exceptions.OperationFailed),
], ids=lambda value: '')
def test_wait_with_a_timeout(make_operation, answer, get_page, error_class):
    operation, server = make_operation({WAIT: answer, GET: get_page})
    if error_class is None:
        assert operation.wait(timeout=7)
    else:
        with pytest.raises(error_class) as caught:
            operation.wait(timeout=7)
        assert caught.value.operation is operation
    assert server.requested[1] == WAIT + '?timeout=7'


@pytest.mark.parametrize('timeout, sent', [
    (None, ''), (0, '?timeout=1'), (0.2, '?timeout=1'), (7.9, '?timeout=7'),
    (-3, '?timeout=1')])
def test_the_timeout_in_the_request(make_operation, timeout, sent):
    operation, server = make_operation({WAIT: DONE})
    operation.wait(timeout)
    assert server.requested[1] == WAIT + sent


def test_a_wait_may_take_longer_than_the_clients_timeout(make_operation):
    def slow(_):
        threading.Event().wait(0.3)
        return DONE

    operation, _ = make_operation({WAIT: slow}, timeout=0.1)
    assert operation.wait()


def test_a_failure_names_the_objects(make_operation):
    failed = dict(FAILED, resources={
        'containers': ['/1.0/containers/c1'],
        'instances': ['/1.0/instances/c1?project=p', '/1.0/instances/c2']})
    operation, _ = make_operation({WAIT: failed})
    with pytest.raises(exceptions.OperationFailed) as caught:
        operation.wait()
    assert str(caught.value) == (
        'it broke [Starting] (/1.0/instances/c1, /1.0/instances/c2)')
    assert caught.value.message == 'it broke [Starting]'


def test_a_failure_without_objects_names_the_request(make_operation):
    """Servers name no object where they rename a project."""
    operation, _ = make_operation({
        'POST /1.0/projects/p': accepted(RUNNING), WAIT: FAILED})
    started = Operation.from_response(
        operation._client, operation._client.api.projects.p.post(
            params={'secret': 's'}))
    with pytest.raises(exceptions.OperationFailed) as caught:
        started.wait()
    assert str(caught.value) == 'it broke [Starting] (/1.0/projects/p)'


@pytest.mark.parametrize('text', [
    'u1', '/1.0/operations/u1', '/1.0/operations/u1/',
    'https://h:8443/1.0/operations/u1', '/1.0/operations/u1?project=p',
    'https://h/1.0/operations/u1/websocket?secret=s',
    '/1.0/operations/u1/wait'])
def test_get_and_wait_by_id_path_or_url(make_operation, text):
    assert Operation.extract_operation_id(text) == 'u1'
    operation, server = make_operation({GET: RUNNING, WAIT: DONE})
    client = operation._client
    assert client.operations.get(text).status == 'Running'
    assert Operation.get(client, text).id == 'u1'
    assert client.operations.wait_for_operation(text).status == 'Success'
    assert Operation.wait_for_operation(client, text, 3).status == 'Success'


@pytest.mark.parametrize('text', ['', '/', '..', '/1.0/operations/',
                                  '/1.0/operations/..', 'a\0', 'a/b',
                                  '/1.0/containers/c1', 'https://h:8443',
                                  '/1.0/operations/a/b', '?project=p'])
def test_invalid_ids(make_operation, text):
    operation, server = make_operation({})
    for call in (operation._client.operations.get,
                 operation._client.operations.wait_for_operation):
        with pytest.raises(exceptions.InvalidName):
            call(text)
    assert server.requested == ['GET /1.0']


def test_all(make_operation):
    operation, _ = make_operation({'GET /1.0/operations': {
        'running': [RUNNING], 'success': [DONE, DONE]}})
    listed = operation._client.operations.all()
    assert sorted(each.status for each in listed) == [
        'Running', 'Success', 'Success']
    operation, _ = make_operation({'GET /1.0/operations': {}})
    assert Operation.all(operation._client) == []


def test_cancel(make_operation):
    operation, server = make_operation({'DELETE /1.0/operations/u1': {}})
    operation.cancel()
    assert server.requested[1:] == ['DELETE /1.0/operations/u1']


def test_class_and_class_():
    operation = Operation(None, **RUNNING)
    assert operation.class_ == getattr(operation, 'class') == 'task'


def test_fields_that_only_a_newer_server_knows():
    assert Operation(None, new_field=5).new_field == 5


@pytest.mark.parametrize('name', [
    'wait', '_client', 'cancel', '_node', 'path', '__class__', 'get', 'all'])
def test_a_field_of_the_server_replaces_no_method(name):
    operation = Operation('the client', id='u1', **{name: 'evil'})
    assert 'evil' not in vars(operation).values()
    assert operation._client == 'the client'


def test_repr():
    assert repr(Operation(None, **RUNNING)) == '<Operation u1: Running>'
    assert repr(Operation()) == '<Operation : unknown>'
    operation = Operation(None, id='\x1b[2J', status=u'\xe4')
    assert '\x1b' not in repr(operation) and isinstance(repr(operation), str)


def test_wait_without_a_client():
    """The documentation has ``Operation(**kwargs)``."""
    with pytest.raises(TypeError):
        Operation(id='u1').wait()


@pytest.mark.trap('sync-or-async')
def test_from_response(make_operation):
    operation, server = make_operation({
        'POST /1.0/x': accepted(RUNNING), WAIT: DONE,
        'POST /1.0/bad': reply({'type': 'async', 'metadata': 5}, '202 A')})
    client = operation._client
    assert Operation.from_response(client, client.api.get()) is None
    started = Operation.from_response(client, client.api.x.post())
    assert (started.id, started.status) == ('u1', 'Running')
    with pytest.raises(exceptions.InvalidResponse):
        Operation.from_response(client, client.api.bad.post())


def test_the_end_is_requested_once(make_operation):
    operation, server = make_operation({WAIT: sync(DONE)})
    assert operation.wait() and operation.wait() and operation.await_end()
    operation, failed = make_operation({WAIT: sync(FAILED)})
    assert operation.await_end() is False and not operation.failure_was_raised
    for _ in range(2):
        with pytest.raises(exceptions.OperationFailed):
            operation.wait()
    assert operation.failure_was_raised
    assert server.requested[1:] == failed.requested[1:] == [WAIT]


def test_sync(make_operation):
    operation, server = make_operation({GET: DONE})
    operation.sync()
    assert (operation.status, operation.metadata) == ('Success', {'a': 1})
    assert server.requested == ['GET /1.0', GET]


def test_all_of_all_projects():
    root = dict(ROOT, api_extensions=[
        'projects', 'operations_get_query_all_projects'])
    with Server(lxd_api({'GET /1.0/operations': {}}, root)) as server:
        client = Client(server.endpoint, project='p')
        assert client.operations.all(all_projects=True) == []
        assert sorted(server.requested[-1].partition('?')[2].split('&')) == [
            'all-projects=true', 'recursion=1']
    with Server(lxd_api()) as server:
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            Client(server.endpoint).operations.all(all_projects=True)
        assert server.requested == ['GET /1.0']


def test_websocket(make_operation):
    received = []

    def serve(request):
        def converse(connection):
            connection.sendall(upgrade(request))
            connection.sendall(frame(b'\0\xff') + frame(
                u'\xe4'.encode('utf-8'), framing.OPCODE_TEXT))
            for opcode, data in read_frames(connection):
                received.append((opcode, data))
                if opcode == framing.OPCODE_CLOSE:
                    connection.sendall(frame(data, framing.OPCODE_CLOSE))
                    return
        return converse

    operation, server = make_operation({GET + '/websocket': serve})
    assert operation.websocket_path(u'\xe4 ..') == (
        '/1.0/operations/u1/websocket?secret=%C3%A4+..')
    websocket = operation.websocket('s e&cret')
    assert server.requested[-1] == GET + '/websocket?secret=s+e%26cret'
    assert websocket.recv() == b'\0\xff' and websocket.recv() == u'\xe4'
    websocket.send(b'\0')
    websocket.send(u'\xe4')
    websocket.close()
    assert websocket.recv() is None and websocket.recv() is None
    assert received[:2] == [(framing.OPCODE_BINARY, b'\0'),
                            (framing.OPCODE_TEXT, u'\xe4'.encode('utf-8'))]
    with pytest.raises(RuntimeError):
        websocket.send(b'late')


def test_a_refused_websocket_shows_no_secret(make_operation):
    operation, _ = make_operation({GET + '/websocket': error(403, 'no')})
    with pytest.raises(exceptions.LXDAPIException) as caught:
        operation.websocket('s3cr3t')
    assert 's3cr3t' not in str(caught.value)


def test_iteration():
    page = {'running': [RUNNING]}
    with Server(lxd_api({'GET /1.0/operations': page})) as server:
        operation, = Client(server.endpoint).operations
        assert operation.id == 'u1'
