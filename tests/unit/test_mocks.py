"""Programs that use the library are tested with requests-mock and responses.

Both replace what requests sends with, so they see an http(s) endpoint only.
"""
import pytest
import requests_mock
import responses

from pylxd import Client, exceptions
from wire import ROOT

ENDPOINTS = ['http://lxd.example:8443', 'https://lxd.example:8443']
REFUSED = {'type': 'error', 'error_code': 404, 'error': 'Instance not found'}


def good(metadata):
    return {'type': 'sync', 'status_code': 200, 'metadata': metadata}


def use(endpoint):
    """What a program might do, and what came of it."""
    client = Client(endpoint)
    container = client.containers.get('c1')
    container.description = 'new'
    container.save()
    with pytest.raises(exceptions.NotFound) as info:
        client.containers.get('none')
    return [client.trusted, container.status, container.files.get('/f'),
            str(info.value)]


USED = [True, 'Stopped', b'\xff{}',
        'Instance not found (GET /1.0/instances/none)']
CONTAINER = {'name': 'c1', 'status': 'Stopped', 'description': ''}


@pytest.mark.parametrize('endpoint', ENDPOINTS)
def test_requests_mock(endpoint):
    with requests_mock.Mocker() as mocker:
        mocker.get(endpoint + '/1.0', json=good(ROOT))
        mocker.get(endpoint + '/1.0/instances/c1', json=good(CONTAINER))
        mocker.put(endpoint + '/1.0/instances/c1', json=good({}))
        mocker.get(endpoint + '/1.0/instances/none', json=REFUSED,
                   status_code=404)
        mocker.get(endpoint + '/1.0/instances/c1/files?path=/f',
                   content=b'\xff{}', headers={'X-LXD-type': 'file'})
        assert use(endpoint) == USED
        sent = [each.json() for each in mocker.request_history
                if each.method == 'PUT']
    assert sent == [dict(CONTAINER, description='new')]


@pytest.mark.parametrize('endpoint', ENDPOINTS)
@responses.activate
def test_responses(endpoint):
    responses.add(responses.GET, endpoint + '/1.0', json=good(ROOT))
    responses.add(responses.GET, endpoint + '/1.0/instances/c1',
                  json=good(CONTAINER))
    responses.add(responses.PUT, endpoint + '/1.0/instances/c1',
                  json=good({}))
    responses.add(responses.GET, endpoint + '/1.0/instances/none',
                  json=REFUSED, status=404)
    responses.add(responses.GET, endpoint + '/1.0/instances/c1/files',
                  body=b'\xff{}', headers={'X-LXD-type': 'file'},
                  content_type='application/octet-stream')
    assert use(endpoint) == USED
    assert [call.request.method for call in responses.calls].count('PUT') == 1
