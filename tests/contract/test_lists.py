"""The arguments of ``all()``."""
import pytest

from helpers import EMPTY
from pylxd import exceptions


def test_loaded_objects(lxd_client, model, sent):
    manager = getattr(lxd_client, model.path or 'containers')
    listed, = [each for each in manager.all(recursion=1)
               if each.name == model.name]
    assert len(sent) == 1
    model.delete(wait=True)
    assert listed.description == 'old' and listed.config['user.a'] == '1'
    assert not listed.dirty
    with pytest.raises(exceptions.NotFound):
        listed.sync()


@pytest.mark.real_server
@pytest.mark.needs('api_filtering')
def test_filter(lxd_client, container, sent):
    for manager in lxd_client.containers, lxd_client.instances:
        del sent[:]
        listed, = manager.all(filter='name eq ' + container.name)
        assert listed == container and len(sent) == 1
        assert listed.status == 'Stopped'
    either = 'name eq {0} or name eq {0}x'.format(container.name)
    assert lxd_client.containers.all(filter=either) == [container]
    assert lxd_client.virtual_machines.all(filter=either) == []
    assert lxd_client.virtual_machines.all(
        filter='name eq ' + container.name) == []
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.containers.all(filter='nonsense')


@pytest.mark.real_server
@pytest.mark.needs('instance_all_projects')
def test_all_projects(lxd_client, container, name):
    project = lxd_client.projects.create(name, config={
        'features.images': 'false', 'features.profiles': 'false'})
    try:
        with_project = lxd_client.use_project(name)
        other = with_project.containers.create(
            {'name': container.name, 'source': EMPTY}, wait=True)
        try:
            listed = [each for each in lxd_client.containers.all(
                all_projects=True) if each.name == name]
            assert sorted(each.client.project or 'default'
                          for each in listed) == sorted([name, 'default'])
            assert other in listed and container in listed
            assert other != container
            assert set(with_project.containers.all(
                all_projects=True)) == set(listed)
        finally:
            other.delete(wait=True)
    finally:
        project.delete()


def test_what_the_server_cannot_do_is_refused(lxd_client, sent):
    for arguments, extension in (
            ({'filter': 'name eq x'}, 'api_filtering_extended'),
            ({'all_projects': True}, 'profiles_all_projects')):
        if lxd_client.has_api_extension(extension):
            lxd_client.profiles.all(**arguments)
        else:
            with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
                lxd_client.profiles.all(**arguments)
            assert sent == []


def test_iteration(lxd_client, container, other_client):
    assert container in list(lxd_client.containers)
    assert container in other_client.containers
    assert container.name in other_client.containers
    assert container.name + 'x' not in other_client.containers
    assert bool(lxd_client.networks)


@pytest.mark.real_server
@pytest.mark.needs('container_full')
def test_states_and_snapshots(lxd_client, running, sent):
    running.snapshots.create('s1', wait=True)
    try:
        del sent[:]
        listed, = [each for each in lxd_client.containers.all(recursion=2)
                   if each.name == running.name]
        assert listed.state().status == 'Running'
        assert listed.state_class is type(listed.state())
        assert listed.config == running.config and not listed.dirty
        assert len(sent) == 2  # the second state()
        snapshot, = listed.snapshots.all()
        assert snapshot.name == 's1' and snapshot.created_at
        assert len(sent) == 2
        listed.config['user.listed'] = '1'
        listed.save(wait=True)
        assert lxd_client.containers.get(
            running.name).config['user.listed'] == '1'
    finally:
        for each in running.snapshots.all():
            each.delete(wait=True)
    assert listed.snapshots.all() == []
