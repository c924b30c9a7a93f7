"""What the server does in the background."""
import pytest

from pylxd import exceptions
from pylxd.operation import Operation
from helpers import EMPTY

from .support import settle


@pytest.fixture
def begin(lxd_client, name):
    """Begins the making of a container; gives the server's answer."""
    def begin(**more):
        return lxd_client.api.instances.post(json=dict(
            more or {'source': EMPTY}, name=name, type='container')).json()
    return begin


@pytest.fixture
def fail(lxd_client, container):
    """Begins what fails; gives the server's answer."""
    def fail():
        return lxd_client.api.instances[container.name].state.put(
            json={'action': 'stop', 'force': True, 'timeout': 1}).json()
    return fail


@pytest.fixture
def endless(lxd_client, running):
    """A command that does not end while a test runs."""
    operation = lxd_client.api.instances[running.name]['exec'].post(json={
        'command': ['sleep', '1000'], 'wait-for-websocket': False,
        'interactive': False}).json()['metadata']
    yield operation['id']
    running.stop(wait=True)
    running.start(wait=True)


@pytest.mark.documents('Client.operations', 'Operation.get',
                       'Operation.wait_for_operation')
@pytest.mark.parametrize('form', [
    '{}', '/1.0/operations/{}', '/1.0/operations/{}/',
    '/1.0/operations/{}?project=default', '/1.0/operations/{}/wait',
    'https://127.0.0.1:8443/1.0/operations/{}'])
def test_by_id_path_or_url(lxd_client, begin, form):
    started = begin()['metadata']
    key = form.format(started['id'])
    for get in (lxd_client.operations.get, lambda key: Operation.get(
            lxd_client, key)):
        operation = get(key)
        assert (operation.id, operation.class_) == (started['id'], 'task')
    for wait in (lxd_client.operations.wait_for_operation,
                 lambda key: Operation.wait_for_operation(lxd_client, key)):
        operation = wait(key)
        assert (operation.id, operation.status) == (started['id'], 'Success')


@pytest.mark.trap('wait-answer')
@pytest.mark.documents('Operation.wait')
def test_wait_uses_the_answer_of_wait(lxd_client, begin, sent):
    operation = Operation(lxd_client, id=begin()['metadata']['id'])
    del sent[:]
    assert operation.wait() is True
    assert (operation.status, operation.status_code) == ('Success', 200)
    assert sent == ['GET /1.0/operations/{}/wait'.format(operation.id)]


def test_attributes(lxd_client, begin, name):
    started = begin()
    operation = lxd_client.operations.get(started['operation'])
    assert getattr(operation, 'class') == operation.class_ == 'task'
    assert operation.created_at.startswith('20')
    assert operation.updated_at >= operation.created_at
    assert operation.resources['instances'] == ['/1.0/instances/' + name]
    assert (operation.may_cancel, operation.err) == (False, '')
    assert operation.description == 'Creating instance'
    assert operation.path == started['operation'].partition('?')[0]
    operation.wait()
    assert repr(operation) == '<Operation {}: Success>'.format(operation.id)


def test_all(lxd_client, begin):
    operation = lxd_client.operations.get(begin()['operation'])
    found, = [each for each in lxd_client.operations.all()
              if each.id == operation.id]
    assert found.created_at == operation.created_at
    assert operation.id in [
        each.id for each in Operation.all(lxd_client)]


def test_one_that_fails(lxd_client, fail):
    for _ in range(2):
        started = fail()
        with pytest.raises(exceptions.OperationFailed) as caught:
            lxd_client.operations.wait_for_operation(started['operation'])
        error = caught.value
        assert 'The instance is already stopped' in str(error)
        assert error.operation.id == started['metadata']['id']
        assert error.operation.status == 'Failure'
        assert error.operation.status_code == 400
        assert error.response.status_code == 200
        assert isinstance(error, exceptions.LXDAPIException)


def test_one_that_failed_before(lxd_client, fail):
    """It is asked for when it has ended."""
    started = fail()
    settle(lxd_client)
    with pytest.raises(exceptions.OperationFailed) as caught:
        lxd_client.operations.wait_for_operation(started['operation'])
    assert 'The instance is already stopped' in str(caught.value)


def test_one_that_is_not_there(lxd_client):
    nothing = '00000000-0000-0000-0000-000000000000'
    operations = lxd_client.operations
    for ask in operations.get, operations.wait_for_operation:
        with pytest.raises(exceptions.NotFound) as caught:
            ask(nothing)
        assert 'Operation not found' in str(caught.value)


def test_what_cannot_be_an_id(lxd_client, sent):
    for bad in '', '/', '..', '/1.0/operations/..':
        with pytest.raises(exceptions.InvalidName):
            lxd_client.operations.get(bad)
    assert sent == []


def test_wait_no_longer_than(lxd_client, endless):
    operation = lxd_client.operations.get(endless)
    with pytest.raises(exceptions.OperationTimeout) as caught:
        operation.wait(timeout=1)
    assert caught.value.operation is operation
    assert operation.status == 'Running'
    with pytest.raises(exceptions.OperationTimeout):
        lxd_client.operations.wait_for_operation(endless, timeout=0.1)


@pytest.mark.trap('wait-outlasts-reads')
def test_wait_is_longer_than_a_read(lxd, endless):
    """The client's timeout is for answers, not for the end of things."""
    with lxd.client(timeout=0.3) as client:
        with pytest.raises(exceptions.OperationTimeout):
            client.operations.wait_for_operation(endless, timeout=1)


def test_wait_as_long_as_it_takes(lxd, running):
    with lxd.client(timeout=0.3) as client:
        begun = client.api.instances[running.name]['exec'].post(json={
            'command': ['sleep', '1'], 'interactive': False}).json()
        client.operations.wait_for_operation(begun['operation'])


def test_cancel(lxd_client, name, endless):
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.operations.get(endless).cancel()
    lxd_client.certificates.create_token(name)
    token, = [each for each in lxd_client.operations.all()
              if each.class_ == 'token'
              and each.metadata.get('request', {}).get('name') == name]
    token.cancel()
    with pytest.raises(exceptions.OperationFailed) as caught:
        token.wait()
    assert caught.value.operation.status == 'Cancelled'


@pytest.mark.documents('Operation')
def test_made_by_hand():
    operation = Operation(id='x', status='Running', metadata={'a': 1})
    assert (operation.id, operation.status, operation.metadata) == (
        'x', 'Running', {'a': 1})
    with pytest.raises(TypeError):
        operation.wait()
