"""Answers with less in them than a real server sends.

Programs test themselves with mocks of ten lines: what can be understood is
accepted.
"""
import pytest
import requests
import requests_mock
import six

from pylxd import Client, exceptions
from pylxd.core import saving

from .store import sync

URL = 'http://lxd.example'


@pytest.fixture
def mocker():
    """A requests-mock with a server of one line."""
    with requests_mock.Mocker() as mocker:
        mocker.get(URL + '/1.0', json=sync({
            'auth': 'trusted', 'environment': {}}))
        yield mocker


def answer_async(mocker, method, path, **fields):
    mocker.register_uri(method, URL + path, status_code=202, json=dict(
        {'type': 'async', 'operation': '/1.0/operations/u1'}, **fields))


def test_a_program_against_a_mock_of_ten_lines():
    with requests_mock.Mocker() as mocker:
        mocker.get(URL + '/1.0', json=sync({
            'auth': 'trusted', 'environment': {'server': 'lxd'}}))
        mocker.post(URL + '/1.0/containers', json={
            'type': 'async', 'operation': '/1.0/operations/u1'})
        mocker.get(URL + '/1.0/operations/u1/wait', json=sync(None))
        mocker.get(URL + '/1.0/containers/c1', json=sync(
            {'name': 'c1', 'status': 'Running'}))
        client = Client(URL)
        container = client.containers.create({'name': 'c1'}, wait=True)
        assert container.status == 'Running'


@pytest.mark.parametrize('root, path', [
    ({'auth': 'trusted'}, 'containers'),
    ({'auth': 'trusted', 'environment': None}, 'containers'),
    ({'auth': 'trusted', 'api_extensions': []}, 'containers'),
    ({'auth': 'trusted', 'api_extensions': ['instances']}, 'instances'),
    ({'auth': 'untrusted', 'api_extensions': None}, 'instances'),
    ({}, 'containers')])
def test_the_root(mocker, root, path):
    mocker.get(URL + '/1.0', json=sync(root))
    mocker.get('{}/1.0/{}'.format(URL, path), json=sync([]))
    client = Client(URL)
    assert client.trusted is (root.get('auth') == 'trusted')
    assert client.containers.all() == []


@pytest.mark.parametrize('operation', [
    '/1.0/operations/u1', 'u1', '/1.0/operations/u1?project=green',
    'http://lxd.example/1.0/operations/u1'])
@pytest.mark.parametrize('fields', [
    {}, {'metadata': None}, {'metadata': {}}, {'metadata': {'id': 'u1'}}])
def test_an_operation_is_known_by_its_address(mocker, operation, fields):
    answer_async(mocker, 'PUT', '/1.0/containers/c1/state',
                 operation=operation, **fields)
    waited = mocker.get(URL + '/1.0/operations/u1/wait', json=sync(None))
    mocker.get(URL + '/1.0/containers/c1', json=sync({'name': 'c1'}))
    container = Client(URL).containers.get('c1')
    container.start(wait=True)
    assert waited.call_count == 1
    assert container.operation.id == 'u1'


@pytest.mark.parametrize('end', [
    {'type': 'sync', 'metadata': None}, {'type': 'sync'},
    {'type': 'sync', 'metadata': {}},
    {'type': 'sync', 'metadata': {'status': 'Success'}},
    {'type': 'sync', 'metadata': {'status_code': 200}}])
def test_the_end_of_a_wait(mocker, end):
    mocker.get(URL + '/1.0/operations/u1/wait', json=end)
    operation = Client(URL).operations.wait_for_operation('u1')
    assert operation.ended and operation.status_code == 200


@pytest.mark.parametrize('end', [
    {'status': 'Failure', 'err': 'no space'}, {'err': 'no space'},
    {'status_code': 400, 'err': 'no space'}])
def test_the_failed_end_of_a_wait(mocker, end):
    mocker.get(URL + '/1.0/operations/u1/wait', json=sync(end))
    with pytest.raises(exceptions.OperationFailed, match='no space'):
        Client(URL).operations.wait_for_operation('u1')


def test_created_without_a_body(mocker):
    mocker.post(URL + '/1.0/profiles', status_code=201,
                headers={'Location': '/1.0/profiles/p1'})
    mocker.get(URL + '/1.0/profiles/p1', json=sync({'name': 'p1'}))
    client = Client(URL)
    assert client.profiles.create('p1').name == 'p1'


def test_created_without_a_name_or_a_body(mocker):
    mocker.post(URL + '/1.0/containers', status_code=201,
                headers={'Location': '/1.0/containers/lucky-fox?project=p'})
    assert Client(URL).containers.create({}).name == 'lucky-fox'


@pytest.mark.parametrize('answer', [
    sync({'secret': 's3cr3t'}),
    {'type': 'async', 'operation': '/1.0/operations/u1', 'metadata': {
        'metadata': {'secret': 's3cr3t'}}}])
def test_the_secret_of_an_image(mocker, answer):
    mocker.get(URL + '/1.0/images/f', json=sync(
        {'fingerprint': 'f', 'public': False}))
    mocker.post(URL + '/1.0/images/f/secret', json=answer)
    sent = mocker.post(URL + '/1.0/images', json={
        'type': 'async', 'operation': '/1.0/operations/u2'})
    client = Client(URL)
    client.images.get('f').copy(client)
    assert sent.last_request.json()['source']['secret'] == 's3cr3t'


@pytest.mark.parametrize('status', [403, 404])
def test_a_save_where_operations_cannot_be_listed(mocker, status):
    mocker.get(URL + '/1.0/operations', status_code=status, json={
        'type': 'error', 'error_code': status, 'error': 'no'})
    shown = {'name': 'c1', 'config': {'a': '1'}}
    mocker.get(URL + '/1.0/containers/c1', json=lambda *_: sync(shown),
               headers={'ETag': 'e'})
    answer_async(mocker, 'PUT', '/1.0/containers/c1')
    mocker.get(URL + '/1.0/operations/u1/wait', json=sync(None))
    container = Client(URL).containers.get('c1')
    container.config['a'] = '2'
    shown['config'] = {'a': '2'}
    container.save(wait=True)
    assert not container.dirty and container.config == {'a': '2'}


@pytest.mark.parametrize('fields', [{}, {'config': None}])
def test_a_dict_that_the_server_left_out_is_empty(
        mocker, monkeypatch, fields):
    """Incus 7 leaves out the empty ``config`` of an address set."""
    monkeypatch.setattr(saving, 'SAVE_TIMEOUT', 0)
    mocker.get(URL + '/1.0/profiles/p1', json=sync(
        dict({'name': 'p1', 'description': ''}, **fields)))
    sent = mocker.put(URL + '/1.0/profiles/p1', json=sync({}))
    profile = Client(URL).profiles.get('p1')
    assert (profile.config, profile.devices) == ({}, {})
    assert not profile.dirty
    profile.description = 'text'
    profile.save()
    assert sent.call_count == 1
    profile.config['user.a'] = '1'
    profile.save()
    assert sent.last_request.json()['config'] == {'user.a': '1'}


def test_host_info_can_be_set(mocker):
    client = Client(URL)
    client.host_info = {'auth': 'trusted', 'api_extensions': ['projects']}
    assert client.has_api_extension('projects') and client.trusted


@pytest.mark.skipif(six.PY2, reason='Python 2 has no unittest.mock')
def test_mocks_of_the_client():
    from unittest import mock
    for client in (mock.Mock(spec=Client), mock.create_autospec(Client),
                   mock.create_autospec(Client, instance=True)):
        client.containers.get.return_value.status = 'Running'
        client.api.get.return_value = 1
        assert client.containers.get('c1').status == 'Running'
        assert client.images.all() and client.trusted
        with pytest.raises(AttributeError):
            client.contaners
    with pytest.raises((TypeError, AttributeError)):
        mock.create_autospec(Client, instance=True).containers.gett('c1')


@pytest.mark.skipif(six.PY2, reason='Python 2 has no unittest.mock')
def test_exceptions_of_mocks():
    from unittest import mock
    for response in (mock.Mock(), mock.MagicMock(), None, 'text', 7,
                     mock.Mock(spec=requests.Response), object(),
                     requests.Response()):
        for kind in (exceptions.LXDAPIException, exceptions.NotFound,
                     exceptions.Conflict, exceptions.OperationFailed,
                     exceptions.InvalidResponse):
            assert isinstance(str(kind(response)), str)
            repr(kind(response))


def test_requests_mock_on_a_unix_socket():
    with requests_mock.Mocker() as mocker:
        mocker.get('http+unix://%2Fs/1.0', json=sync({'auth': 'trusted'}))
        mocker.get('http+unix://%2Fs/1.0/containers', json=sync([]))
        client = Client('/s')
        assert client.containers.all() == []


def test_a_mock_that_starts_after_the_client(mocker):
    client = Client(URL)
    with requests_mock.Mocker() as later:
        later.get(URL + '/1.0/containers', json=sync([]))
        assert client.containers.all() == []


@pytest.mark.parametrize('body', [
    b'<html>', b'[]', b'7', b'"text"', b'null', b'no json'])
def test_what_stays_an_error(mocker, body):
    mocker.get(URL + '/1.0/containers/c1', content=body)
    with pytest.raises(exceptions.InvalidResponse):
        Client(URL).containers.get('c1')
    mocker.get(URL + '/1.0', content=body)
    with pytest.raises(exceptions.InvalidResponse):
        Client(URL)


def test_a_snapshot_without_fields(mocker):
    mocker.get(URL + '/1.0/containers/c1', json=sync({'name': 'c1'}))
    mocker.get(URL + '/1.0/containers/c1/snapshots/s', json=sync({}))
    container = Client(URL).containers.get('c1')
    assert container.snapshots.get('s').name == 's'


def test_what_is_listed_but_cannot_be_shown(mocker, caplog):
    names = ['/1.0/networks/lo', '/1.0/networks/tun0']
    mocker.get(URL + '/1.0/networks', json=sync(names))
    mocker.get(URL + '/1.0/networks?recursion=1', json=sync(
        [{'name': 'lo', 'type': 'loopback'}]))
    refused = {'type': 'error', 'error_code': 404, 'error': 'no OVS'}
    mocker.get(URL + '/1.0/networks/tun0', status_code=404, json=refused)
    networks = Client(URL).networks.all()
    assert [(network.name, network.type) for network in networks] == [
        ('lo', 'loopback'), ('tun0', None)]
    assert 'no OVS' in caplog.text
    refused['error'] = 'Network not found'
    with pytest.raises(exceptions.NotFound):
        [network.type for network in Client(URL).networks.all()]
