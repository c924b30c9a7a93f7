"""requests-mock and responses, with which programs mock the server.

Both replace the sending of requests; responses works with http(s) endpoints
only.
"""
import pytest
import requests
import requests_mock
import responses
import six

from pylxd import Client, exceptions
from pylxd.transport import connection
from wire import ROOT

ENDPOINTS = ['http://lxd.example:8443', 'https://lxd.example:8443']
REFUSED = {'type': 'error', 'error_code': 404, 'error': 'Instance not found'}


def sync_document(metadata):
    return {'type': 'sync', 'status_code': 200, 'metadata': metadata}


def use_client(endpoint):
    """Make typical calls, and return their results."""
    client = Client(endpoint)
    container = client.containers.get('c1')
    container.description = 'new'
    container.save()
    with pytest.raises(exceptions.NotFound) as caught:
        client.containers.get('none')
    return [client.trusted, container.status, container.files.get('/f'),
            str(caught.value)]


EXPECTED = [True, 'Stopped', b'\xff{}',
            'Instance not found (GET /1.0/instances/none)']
CONTAINER = {'name': 'c1', 'status': 'Stopped', 'description': ''}


@pytest.mark.parametrize('endpoint', ENDPOINTS)
def test_requests_mock(endpoint):
    with requests_mock.Mocker() as mocker:
        mocker.get(endpoint + '/1.0', json=sync_document(ROOT))
        mocker.get(endpoint + '/1.0/instances/c1',
                   json=sync_document(CONTAINER))
        mocker.put(endpoint + '/1.0/instances/c1', json=sync_document({}))
        mocker.get(endpoint + '/1.0/instances/none', json=REFUSED,
                   status_code=404)
        mocker.get(endpoint + '/1.0/instances/c1/files?path=/f',
                   content=b'\xff{}', headers={'X-LXD-type': 'file'})
        assert use_client(endpoint) == EXPECTED
        sent = [each.json() for each in mocker.request_history
                if each.method == 'PUT']
    assert sent == [dict(CONTAINER, description='new')]


def test_requests_mock_of_a_unix_socket():
    with requests_mock.Mocker() as mocker:
        mocker.get('http+unix://%2Fs/1.0', json=sync_document(ROOT))
        client = Client('/s')
        assert client.trusted
        adapter = requests_mock.Adapter()
        adapter.register_uri('GET', 'http+unix://%2Fs/1.0/instances/c1',
                             json=sync_document(CONTAINER))
    client.api.session.mount('http+unix://', adapter)
    assert client.containers.get('c1').status == 'Stopped'


def test_the_library_may_be_imported_under_a_mock(monkeypatch):
    """The library then keeps the mock as the original function."""
    with requests_mock.Mocker() as mocker:
        monkeypatch.setattr(connection, '_SEND', six.get_unbound_function(
            requests.Session.send))
        mocker.get('http://lxd.example/1.0', json=sync_document(ROOT))
        assert Client('http://lxd.example').trusted


@pytest.mark.parametrize('endpoint', ENDPOINTS)
@responses.activate
def test_responses(endpoint):
    responses.add(responses.GET, endpoint + '/1.0', json=sync_document(ROOT))
    responses.add(responses.GET, endpoint + '/1.0/instances/c1',
                  json=sync_document(CONTAINER))
    responses.add(responses.PUT, endpoint + '/1.0/instances/c1',
                  json=sync_document({}))
    responses.add(responses.GET, endpoint + '/1.0/instances/none',
                  json=REFUSED, status=404)
    responses.add(responses.GET, endpoint + '/1.0/instances/c1/files',
                  body=b'\xff{}', headers={'X-LXD-type': 'file'},
                  content_type='application/octet-stream')
    assert use_client(endpoint) == EXPECTED
    assert [call.request.method for call in responses.calls].count('PUT') == 1
