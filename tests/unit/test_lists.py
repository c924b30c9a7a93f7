"""The arguments of ``all()``, against a scripted server."""
import pytest

from pylxd import Client, exceptions
from pylxd.models import instance
from wire import ROOT, Server, error, lxd_api

EXTENSIONS = ['instances', 'projects', 'api_filtering',
              'instance_all_projects']


@pytest.fixture
def server():
    def list_instances(request):
        if 'recursion' not in request.target:
            return ['/1.0/instances/a', '/1.0/instances/b?project=p2']
        return [{'name': 'a', 'type': 'container', 'project': 'p1',
                 'config': {}, 'status': 'Running'},
                {'name': 'a' if 'all-projects' in request.target else 'b',
                 'type': 'virtual-machine', 'project': 'p2', 'config': {},
                 'status': 'Stopped'}]

    pages = {'GET /1.0/instances': list_instances, 'GET /1.0/projects': [],
             'GET /1.0/profiles': [], 'GET /1.0/instances/a': error(
                 404, 'Instance not found')}
    with Server(lxd_api(pages, dict(
            ROOT, api_extensions=EXTENSIONS))) as server:
        yield server


def test_loaded_objects_cannot_raise(server):
    """The instance that a list shows is deleted meanwhile."""
    client = Client(server.endpoint, project='p1')
    listed, _ = client.instances.all(recursion=1)
    assert (listed.name, listed.status) == ('a', 'Running')
    assert not listed.dirty
    with pytest.raises(exceptions.NotFound):
        listed.sync()
    assert server.requested[1:] == [
        'GET /1.0/instances?project=p1&recursion=1',
        'GET /1.0/instances/a?project=p1']


@pytest.mark.parametrize('recursion', [True, 1.0])
def test_recursion_that_equals_one(server, recursion):
    client = Client(server.endpoint)
    assert len(client.instances.all(recursion=recursion)) == 2
    assert client.profiles.all(recursion=recursion) == []
    assert [each.partition('?')[2] for each in server.requested[1:]] == [
        'recursion=1', 'recursion=1']


@pytest.mark.parametrize('filter', [5, ['name eq a'], {}])
def test_a_filter_that_is_no_text(server, filter):
    with pytest.raises(TypeError, match='filter must be text'):
        Client(server.endpoint).instances.all(filter=filter)
    assert server.requested == ['GET /1.0']


def test_warnings_of_all_projects():
    """Servers list all warnings, unless the request names a project."""
    warnings = [{'uuid': 'u1', 'project': ''}, {'uuid': 'u2', 'project': 'q'}]

    def answer(request):
        return [] if 'project=p' in request.target else warnings

    with Server(lxd_api({'GET /1.0/warnings': answer}, dict(
            ROOT, api_extensions=['projects', 'warnings']))) as server:
        client = Client(server.endpoint, project='p')
        assert client.warnings.all(recursion=1) == []
        first, second = client.warnings.all(all_projects=True)
        assert first.client is client and second.client.project == 'q'


@pytest.mark.parametrize('recursion', [-1, 2, 'x'])
def test_recursion_that_does_not_exist(server, recursion):
    with pytest.raises(ValueError):
        Client(server.endpoint).profiles.all(recursion=recursion)
    assert server.requested == ['GET /1.0']


def test_all_projects(server):
    client = Client(server.endpoint, project='p1')
    first, second = client.instances.all(all_projects=True)
    assert first.client is client and second.client.project == 'p2'
    assert first != second and second.client.transport is client.transport
    assert second.api.project == 'p2'
    assert sorted(server.requested[1].partition('?')[2].split('&')) == [
        'all-projects=true', 'recursion=1']


def test_filter(server):
    client = Client(server.endpoint)
    first, _ = client.instances.all(filter='status eq Running')
    assert first.status == 'Running'
    assert server.requested[1:] == [
        'GET /1.0/instances?filter=status+eq+Running',
        'GET /1.0/instances?filter=status+eq+Running&recursion=1']


@pytest.mark.parametrize('server_kind, sent', [
    ('lxd', 'filter=name+eq+a+or+name+eq+b&instance-type=container'),
    ('incus', 'filter=name+eq+a+or+name+eq+b&instance-type=container')])
def test_filter_with_or(server, server_kind, sent):
    """The type cannot be joined to it, so the library looks at the type."""
    client = Client(server.endpoint)
    client.dialect.info['environment'] = {'server': server_kind}
    container, = client.containers.all(filter='name eq a or name eq b')
    assert container.name == 'a'
    assert sorted(server.requested[-1].partition('?')[2].split('&')) == (
        sent.split('&') + ['recursion=1'])


@pytest.mark.parametrize('arguments', [
    {'filter': 'name eq a'}, {'all_projects': True}])
def test_what_the_server_would_ignore_is_refused(server, arguments):
    """LXD 5.0 lists all profiles of one project, whatever it is asked."""
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
        Client(server.endpoint).profiles.all(**arguments)
    assert server.requested == ['GET /1.0']


def test_objects_of_no_project(server):
    assert Client(server.endpoint).projects.all(all_projects=True) == []


def test_iteration_and_membership(server):
    client = Client(server.endpoint, project='p1')
    first, second = client.instances
    assert first in client.instances and 'a' not in client.instances
    assert bool(client.profiles) and list(client.profiles) == []


STATE = {'status': 'Running', 'network': {}}


@pytest.fixture
def full_server():
    pages = {
        'GET /1.0/instances': lambda request: [
            {'name': 'a', 'type': 'container', 'config': {}, 'state': STATE,
             'snapshots': [{'name': 's1'}], 'backups': None},
            {'name': 'b', 'type': 'container', 'config': {}, 'state': STATE,
             'snapshots': None}],
        'GET /1.0/instances/a/state': STATE,
        'GET /1.0/instances/a/snapshots': [], 'PUT /1.0/instances/a/state': {},
        'PATCH /1.0/instances/a': {},
        'DELETE /1.0/instances/a/snapshots/s1': {},
        'POST /1.0/instances/a/snapshots': {}}
    with Server(lxd_api(pages, dict(ROOT, api_extensions=[
            'instances', 'container_full', 'patch',
            'instances_state_selective_recursion']))) as server:
        yield server


def test_states_and_snapshots_come_with_the_list(full_server):
    first, second = Client(full_server.endpoint).instances.all(recursion=2)
    assert first.state().status == second.state().status == 'Running'
    assert [each.name for each in first.snapshots.all()] == ['s1']
    assert second.snapshots.all() == []
    assert full_server.requested[1:] == ['GET /1.0/instances?recursion=2']
    assert first.state().status == 'Running' and first.snapshots.all() == []
    assert full_server.requested[2:] == [
        'GET /1.0/instances/a/state', 'GET /1.0/instances/a/snapshots']


@pytest.mark.parametrize('change', [
    lambda a: a.start(), lambda a: a.snapshots.create('s2'),
    lambda a: a.snapshots.model.from_key(a, ('s1',)).delete()],
    ids=['start', 'create', 'delete'])
def test_a_change_outdates_the_list(full_server, change):
    first, _ = Client(full_server.endpoint).instances.all(recursion=2)
    change(first)
    assert first.snapshots.all() == []
    assert full_server.requested[-1] == 'GET /1.0/instances/a/snapshots'


def test_an_old_list_is_not_used(full_server, monkeypatch):
    first, _ = Client(full_server.endpoint).instances.all(recursion=2)
    now = instance.clock()
    monkeypatch.setattr(instance, 'clock', lambda: now + 11)
    assert first.state().status == 'Running' and first.snapshots.all() == []
    assert len(full_server.requested) == 4


def test_fields_of_the_state(full_server):
    instances = Client(full_server.endpoint).instances
    instances.all(recursion=2, fields=['state.disk', 'state.network'])
    assert full_server.requested[1:] == [
        'GET /1.0/instances?recursion=2%3Bfields%3Dstate.disk%2Cstate.network']
    for wrong in {'fields': []}, {'recursion': 2, 'fields': 'state.disk'}:
        with pytest.raises(ValueError):
            instances.all(**wrong)


def test_states_need_an_extension(server):
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
        Client(server.endpoint).instances.all(recursion=2)
