# -*- coding: utf-8 -*-
import threading

import pytest

from pylxd import Client, exceptions
from pylxd.core.operation import Operation
from wire import Server, accepted, error, http, lxd_api, reply, sync

RUNNING = {'id': 'u1', 'class': 'task', 'status': 'Running',
           'status_code': 103, 'err': '', 'metadata': None,
           'description': 'Starting', 'resources': {}, 'may_cancel': True}
DONE = dict(RUNNING, status='Success', status_code=200, metadata={'a': 1})
FAILED = dict(RUNNING, status='Failure', status_code=400, err='it broke')
CANCELLED = dict(RUNNING, status='Cancelled', status_code=401, err='')
WAIT, GET = 'GET /1.0/operations/u1/wait', 'GET /1.0/operations/u1'


def envelope_under_200(said):
    """How Incus 6.0 tells of a failure."""
    return reply({'type': 'error', 'error_code': 500, 'error': said})


@pytest.fixture
def operation():
    """Makes an operation of a server that has these pages."""
    opened = []

    def make(pages, **kwargs):
        server = Server(lxd_api(pages))
        opened.append(server)
        return Operation(Client(server.endpoint, **kwargs), **RUNNING), server

    yield make
    for server in opened:
        server.close()


@pytest.mark.trap('wait-is-200')
@pytest.mark.parametrize('answer, kind, said', [
    (sync(DONE), None, ''),
    (sync(FAILED), exceptions.OperationFailed, 'it broke [Starting]'),
    (sync(CANCELLED), exceptions.OperationFailed, ''),
    (envelope_under_200('it broke'), exceptions.OperationFailed, 'it broke'),
    (reply({'type': 'error'}), exceptions.OperationFailed, 'no reason'),
    (envelope_under_200('context deadline exceeded'),
     exceptions.OperationFailed, 'context deadline'),  # its own, not ours
    (sync(RUNNING), exceptions.OperationFailed, ''),  # no time was set
    (error(404, 'Operation not found'), exceptions.NotFound, 'not found'),
    (error(500, 'oops'), exceptions.LXDAPIException, 'oops'),
    (sync(None), exceptions.InvalidResponse, ''),
    (sync([]), exceptions.InvalidResponse, ''),
    (reply({}), exceptions.InvalidResponse, ''),
    (http(b'<html>'), exceptions.InvalidResponse, ''),
], ids=lambda value: '')
def test_wait(operation, answer, kind, said):
    made, server = operation({WAIT: answer})
    if kind is None:
        assert made.wait() is True
        assert (made.status, made.metadata) == ('Success', {'a': 1})
    else:
        with pytest.raises(kind) as caught:
            made.wait()
        assert type(caught.value) is kind and said in str(caught.value)
        if kind is exceptions.OperationFailed:
            assert caught.value.operation is made
    assert server.requested[1:] == [WAIT]


@pytest.mark.trap('wait-is-200')
@pytest.mark.parametrize('answer, now, kind', [
    (sync(RUNNING), None, exceptions.OperationTimeout),
    (sync(DONE), None, None),
    (sync(FAILED), None, exceptions.OperationFailed),
    (envelope_under_200('context deadline exceeded'), RUNNING,
     exceptions.OperationTimeout),
    (envelope_under_200('context deadline exceeded'), DONE, None),
    (envelope_under_200('context deadline exceeded'), FAILED,
     exceptions.OperationFailed),
    (envelope_under_200('it broke'), RUNNING, exceptions.OperationFailed),
], ids=lambda value: '')
def test_wait_for_some_time(operation, answer, now, kind):
    made, server = operation({WAIT: answer, GET: now})
    if kind is None:
        assert made.wait(timeout=7)
    else:
        with pytest.raises(kind) as caught:
            made.wait(timeout=7)
        assert caught.value.operation is made
    assert server.requested[1] == WAIT + '?timeout=7'


@pytest.mark.parametrize('timeout, sent', [
    (None, ''), (0, '?timeout=1'), (0.2, '?timeout=1'), (7.9, '?timeout=7'),
    (-3, '?timeout=1')])
def test_the_time_that_the_server_is_told(operation, timeout, sent):
    made, server = operation({WAIT: DONE})
    made.wait(timeout)
    assert server.requested[1] == WAIT + sent


def test_a_wait_may_take_longer_than_the_clients_timeout(operation):
    def slow(_):
        threading.Event().wait(0.3)
        return DONE

    made, _ = operation({WAIT: slow}, timeout=0.1)
    assert made.wait()


@pytest.mark.parametrize('text', [
    'u1', '/1.0/operations/u1', '/1.0/operations/u1/',
    'https://h:8443/1.0/operations/u1', '/1.0/operations/u1?project=p',
    'https://h/1.0/operations/u1/websocket?secret=s',
    '/1.0/operations/u1/wait'])
def test_ids(operation, text):
    assert Operation.extract_operation_id(text) == 'u1'
    made, server = operation({GET: RUNNING, WAIT: DONE})
    client = made._client
    assert client.operations.get(text).status == 'Running'
    assert Operation.get(client, text).id == 'u1'
    assert client.operations.wait_for_operation(text).status == 'Success'
    assert Operation.wait_for_operation(client, text, 3).status == 'Success'


@pytest.mark.parametrize('text', ['', '/', '..', '/1.0/operations/',
                                  '/1.0/operations/..', 'a\0'])
def test_ids_that_are_none(operation, text):
    made, server = operation({})
    for call in (made._client.operations.get,
                 made._client.operations.wait_for_operation):
        with pytest.raises(exceptions.InvalidName):
            call(text)
    assert server.requested == ['GET /1.0']


def test_all(operation):
    made, _ = operation({'GET /1.0/operations': {
        'running': [RUNNING], 'success': [DONE, DONE]}})
    assert sorted(each.status for each in made._client.operations.all()) == [
        'Running', 'Success', 'Success']
    made, _ = operation({'GET /1.0/operations': {}})
    assert Operation.all(made._client) == []


def test_cancel(operation):
    made, server = operation({'DELETE /1.0/operations/u1': {}})
    made.cancel()
    assert server.requested[1:] == ['DELETE /1.0/operations/u1']


def test_class_is_a_word_of_python():
    operation = Operation(None, **RUNNING)
    assert operation.class_ == getattr(operation, 'class') == 'task'


def test_fields_that_only_a_newer_server_knows():
    assert Operation(None, new_field=5).new_field == 5


@pytest.mark.parametrize('name', [
    'wait', '_client', 'cancel', '_node', 'path', '__class__', 'get', 'all'])
def test_no_server_replaces_a_method(name):
    operation = Operation('the client', id='u1', **{name: 'evil'})
    assert 'evil' not in vars(operation).values()
    assert operation._client == 'the client'


def test_repr():
    assert repr(Operation(None, **RUNNING)) == '<Operation u1: Running>'
    assert repr(Operation()) == '<Operation : unknown>'
    operation = Operation(None, id='\x1b[2J', status=u'\xe4')
    assert '\x1b' not in repr(operation) and isinstance(repr(operation), str)


def test_one_without_a_client():
    """The documentation makes one by ``Operation(**kwargs)``."""
    with pytest.raises(TypeError):
        Operation(id='u1').wait()


@pytest.mark.trap('sync-or-async')
def test_from_response(operation):
    made, server = operation({
        'POST /1.0/x': accepted(RUNNING), WAIT: DONE,
        'POST /1.0/bad': reply({'type': 'async', 'metadata': 5}, '202 A')})
    client = made._client
    assert Operation.from_response(client, client.api.get()) is None
    started = Operation.from_response(client, client.api.x.post())
    assert (started.id, started.status) == ('u1', 'Running')
    with pytest.raises(exceptions.InvalidResponse):
        Operation.from_response(client, client.api.bad.post())


def test_an_end_is_asked_for_once(operation):
    made, server = operation({WAIT: sync(DONE)})
    assert made.wait() and made.wait() and made.await_end()
    made, failed = operation({WAIT: sync(FAILED)})
    assert made.await_end() is False and not made.failure_was_raised
    for _ in range(2):
        with pytest.raises(exceptions.OperationFailed):
            made.wait()
    assert made.failure_was_raised
    assert server.requested[1:] == failed.requested[1:] == [WAIT]
