"""The recorder of the requests that tests cause."""
import os

import pytest
import recording
from wire import ROOT, Server, lxd_api

from pylxd import Client, exceptions
from pylxd.models import Profile
from pylxd.transport import connection, websocket

PAGES = {
    'GET /1.0/profiles': ['/1.0/profiles/p1'],
    'GET /1.0/profiles/p1': {'name': 'p1', 'config': {}},
}


@pytest.fixture
def record(tmpdir, monkeypatch):
    """Return a function that records what another one does with a client.

    It returns the fields of each line that was recorded.
    """
    for module in connection, websocket:
        monkeypatch.setattr(module, 'log_request', module.log_request)
    path = tmpdir.join('recording')
    path.write('')
    recording.start(str(path))

    def record(function, server_pid=1):
        root = dict(ROOT, environment={
            'server': 'incus', 'server_version': '7.0',
            'server_pid': server_pid})
        with Server(lxd_api(PAGES, root)) as server:
            function(Client(server.endpoint))
        return [line.split('\t') for line in path.read().splitlines()]

    return record


def read_missing(client):
    with pytest.raises(exceptions.NotFound):
        client.profiles.get('p2')


@pytest.mark.parametrize('function, lines', [
    (lambda client: client.profiles.get('p1'),
     ['GET /1.0/profiles/p1 200 Profiles.get()']),
    (read_missing, ['GET /1.0/profiles/p2 404 Profiles.get()']),
    (lambda client: Profile.get(client, 'p1'),
     ['GET /1.0/profiles/p1 200 Profiles.get()']),
    (lambda client: client.profiles.exists('p1'),
     ['GET /1.0/profiles/p1 200 Profiles.exists()']),
    (lambda client: Profile(client, name='p1').config,
     ['GET /1.0/profiles/p1 200 Profile.config']),
    (lambda client: client.api.profiles.get(), []),
    (lambda client: list(client.profiles), []),
])
def test_calls(record, function, lines):
    recorded = record(function)
    first, others = recorded[0], recorded[1:]
    assert first[1:5] == ['GET', '/1.0', '200', 'Client()']
    assert [' '.join(line[1:5]) for line in others] == lines


def test_server_and_test(record):
    (server, _, _, _, _, test, phase), = record(lambda client: None)
    assert (server, phase) == ('Incus 7.0', 'call')
    assert test.endswith('unit/test_recording.py::test_server_and_test')


def test_a_server_in_this_process_is_a_stand_in(record):
    assert record(lambda client: None, server_pid=os.getpid()) == []
