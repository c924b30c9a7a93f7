"""Operations: loading, waiting, failures and cancelling."""
import pytest

from pylxd import exceptions
from pylxd.operation import Operation
from helpers import EMPTY

from .support import settle


@pytest.fixture
def start_creation(lxd_client, name):
    """Return a function that starts to create a container.

    It returns the response of the server.
    """
    def start_creation():
        return lxd_client.api.instances.post(json={
            'name': name, 'type': 'container', 'source': EMPTY}).json()
    return start_creation


@pytest.fixture
def start_failure(lxd_client, container):
    """Return a function that stops a stopped container, which fails later.

    It returns the response of the server.
    """
    def start_failure():
        return lxd_client.api.instances[container.name].state.put(
            json={'action': 'stop', 'force': True, 'timeout': 1}).json()
    return start_failure


@pytest.fixture
def endless_id(lxd_client, running):
    """The id of the operation of a command that runs for 1000 s."""
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
def test_get_and_wait_by_id_path_or_url(lxd_client, start_creation, form):
    started = start_creation()['metadata']
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
def test_wait_sends_one_request(lxd_client, start_creation, sent):
    operation = Operation(lxd_client, id=start_creation()['metadata']['id'])
    del sent[:]
    assert operation.wait() is True
    assert (operation.status, operation.status_code) == ('Success', 200)
    assert sent == ['GET /1.0/operations/{}/wait'.format(operation.id)]


def test_attributes(lxd_client, start_creation, name):
    started = start_creation()
    operation = lxd_client.operations.get(started['operation'])
    assert getattr(operation, 'class') == operation.class_ == 'task'
    assert operation.created_at.startswith('20')
    assert operation.updated_at >= operation.created_at
    assert '/1.0/instances/' + name in operation.affected_urls
    assert (operation.may_cancel, operation.err) == (False, '')
    assert operation.description == 'Creating instance'
    assert operation.path == started['operation'].partition('?')[0]
    operation.wait()
    assert repr(operation) == '<Operation {}: Success>'.format(operation.id)


def test_all(lxd_client, start_creation):
    operation = lxd_client.operations.get(start_creation()['operation'])
    listed, = [each for each in lxd_client.operations.all()
               if each.id == operation.id]
    assert listed.created_at == operation.created_at
    assert operation.id in [
        each.id for each in Operation.all(lxd_client)]


def test_wait_for_a_failing_operation_raises(lxd_client, start_failure):
    for _ in range(2):
        started = start_failure()
        with pytest.raises(exceptions.OperationFailed) as caught:
            lxd_client.operations.wait_for_operation(started['operation'])
        error = caught.value
        assert 'The instance is already stopped' in str(error)
        assert error.operation.id == started['metadata']['id']
        assert error.operation.status == 'Failure'
        assert error.operation.status_code == 400
        assert error.response.status_code == 200
        assert isinstance(error, exceptions.LXDAPIException)


def test_wait_for_a_failed_operation_raises(lxd_client, start_failure):
    """The wait starts after the operation has failed."""
    started = start_failure()
    settle(lxd_client)
    with pytest.raises(exceptions.OperationFailed) as caught:
        lxd_client.operations.wait_for_operation(started['operation'])
    assert 'The instance is already stopped' in str(caught.value)


def test_an_unknown_operation_raises_not_found(lxd_client):
    unknown_id = '00000000-0000-0000-0000-000000000000'
    operations = lxd_client.operations
    for call in operations.get, operations.wait_for_operation:
        with pytest.raises(exceptions.NotFound) as caught:
            call(unknown_id)
        assert 'Operation not found' in str(caught.value)


def test_invalid_ids_are_not_sent(lxd_client, sent):
    for operation_id in (
            '', '/', '..', '/1.0/operations/..', '/1.0/instances/c1', 'a/b'):
        with pytest.raises(exceptions.InvalidName):
            lxd_client.operations.get(operation_id)
    assert sent == []


def test_wait_raises_at_its_timeout(lxd_client, endless_id):
    operation = lxd_client.operations.get(endless_id)
    with pytest.raises(exceptions.OperationTimeout) as caught:
        operation.wait(timeout=1)
    assert caught.value.operation is operation
    assert operation.status == 'Running'
    with pytest.raises(exceptions.OperationTimeout):
        lxd_client.operations.wait_for_operation(endless_id, timeout=0.1)


@pytest.mark.trap('wait-outlasts-reads')
def test_a_wait_outlasts_the_read_timeout(lxd, endless_id):
    """The timeout of the client does not limit the wait for an operation."""
    with lxd.client(timeout=0.3) as client:
        with pytest.raises(exceptions.OperationTimeout):
            client.operations.wait_for_operation(endless_id, timeout=1)


def test_a_wait_without_timeout(lxd, running):
    with lxd.client(timeout=0.3) as client:
        response = client.api.instances[running.name]['exec'].post(json={
            'command': ['sleep', '1'], 'interactive': False}).json()
        operation = client.operations.wait_for_operation(
            response['operation'])
        assert operation.status == 'Success'


def test_cancel(lxd_client, name, endless_id):
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.operations.get(endless_id).cancel()
    lxd_client.certificates.create_token(name)
    token, = [each for each in lxd_client.operations.all()
              if each.class_ == 'token'
              and each.metadata.get('request', {}).get('name') == name]
    token.cancel()
    with pytest.raises(exceptions.OperationFailed) as caught:
        token.wait()
    assert caught.value.operation.status == 'Cancelled'
    assert 'the operation was cancelled' in str(caught.value)


@pytest.mark.documents('Operation')
def test_operation_from_keyword_arguments():
    operation = Operation(id='x', status='Running', metadata={'a': 1})
    assert (operation.id, operation.status, operation.metadata) == (
        'x', 'Running', {'a': 1})
    with pytest.raises(TypeError):
        operation.wait()


def test_sync(lxd_client, start_creation):
    operation = Operation(lxd_client, id=start_creation()['metadata']['id'])
    lxd_client.operations.wait_for_operation(operation.id)
    operation.sync()
    assert (operation.status, operation.class_) == ('Success', 'task')
    with pytest.raises(exceptions.NotFound):
        Operation(lxd_client, id='none').sync()


@pytest.mark.needs('operations_get_query_all_projects')
@pytest.mark.real_server
def test_all_of_all_projects(lxd_client, running, name):
    lxd_client.projects.create(name)
    operation = lxd_client.api.instances[running.name]['exec'].post(json={
        'command': ['sleep', '2'], 'wait-for-websocket': False,
        'interactive': False}).json()['metadata']['id']
    client = lxd_client.use_project(name)
    try:
        assert operation not in [each.id for each in client.operations.all()]
        assert operation in [
            each.id for each in client.operations.all(all_projects=True)]
    finally:
        lxd_client.projects.get(name).delete()
        lxd_client.operations.wait_for_operation(operation)


def test_websocket(each_client, running):
    """The streams of a command, which the caller reads and writes."""
    operation = Operation.from_response(
        each_client, each_client.api.instances[running.name]['exec'].post(
            json={'command': ['cat'], 'wait-for-websocket': True,
                  'interactive': False}))
    secrets = operation.metadata['fds']
    with pytest.raises(exceptions.LXDAPIException) as caught:
        operation.websocket('wrong-secret')
    assert 'wrong-secret' not in str(caught.value)
    control, stdin, stdout, stderr = [operation.websocket(
        secrets[name]) for name in ('control', '0', '1', '2')]
    stdin.send(b'line\n')
    assert stdout.recv() == b'line\n'
    stdin.send('')  # the end of the stream
    assert stdout.recv() in (u'', None) and stderr.recv() in (u'', None)
    operation.wait()
    for each in control, stdin, stdout, stderr:
        each.close()
        assert each.recv() is None or each.recv() is None
    assert operation.metadata['return'] == 0
