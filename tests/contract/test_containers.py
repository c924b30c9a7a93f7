"""Containers: listing, creating, attributes, changes and states."""
import re

import pytest

from pylxd import exceptions
from pylxd.container import Container
from helpers import BUSYBOX, EMPTY

from .support import settle


@pytest.mark.documents('Client.containers', 'Client.containers.all')
def test_all_lists_the_containers(lxd_client, container):
    assert container in lxd_client.containers.all()
    assert container.name in [
        each.name for each in lxd_client.containers.all()]
    assert all(type(each) is Container
               for each in lxd_client.containers.all())


@pytest.mark.documents('example:container-all')
def test_example_all(lxd_client, container):
    containers = lxd_client.containers.all()
    assert repr(container)[:-len(': Stopped>')] in repr(containers)


@pytest.mark.documents('Client.containers.get', 'example:container-get')
def test_get_loads_the_container(lxd_client, container):
    loaded = lxd_client.containers.get(container.name)
    assert (loaded.name, loaded.status, loaded.ephemeral) == (
        container.name, 'Stopped', False)


def test_get_of_an_unknown_name_raises_not_found(lxd_client, name):
    with pytest.raises(exceptions.NotFound) as caught:
        lxd_client.containers.get(name)
    assert caught.value.response.status_code == 404
    assert 'Instance not found' in str(caught.value)


def test_exists(lxd_client, container):
    assert lxd_client.containers.exists(container.name)
    assert not lxd_client.containers.exists(container.name + '-not')


@pytest.mark.trap('instances-or-containers')
def test_paths_on_a_server_with_instances(lxd_client, container, sent):
    lxd_client.containers.all()
    lxd_client.containers.get(container.name)
    container.state()
    path = '/1.0/instances/' + container.name
    assert sent[0].startswith('GET /1.0/instances?')
    assert 'instance-type=container' in sent[0]
    assert sent[1:] == ['GET ' + path, 'GET ' + path + '/state']


@pytest.mark.trap('instances-or-containers')
def test_paths_on_a_server_without_instances(
        lxd_client, container, sent, monkeypatch):
    try:
        lxd_client.api.containers.get()
    except exceptions.NotFound:
        pytest.skip('this server has no /1.0/containers')
    monkeypatch.setitem(lxd_client.host_info, 'api_extensions', [
        each for each in lxd_client.host_info['api_extensions']
        if each != 'instances'])
    del sent[:]
    assert container in lxd_client.containers.all()
    lxd_client.containers.get(container.name).state()
    path = '/1.0/containers/' + container.name
    assert sent == ['GET /1.0/containers', 'GET ' + path,
                    'GET ' + path + '/state']


def test_containers_are_instances(lxd_client, container):
    assert container.name in [
        each.name for each in lxd_client.instances.all()]
    assert lxd_client.instances.get(container.name).type == 'container'
    assert lxd_client.virtual_machines.all() == []


# Creating

@pytest.mark.documents('Client.containers.create', 'Container.create',
                       'Model.wait', 'example:container-create')
def test_create_waits_or_not(lxd_client, name, sent):
    config = {'name': name, 'source': {'type': 'none'}}
    container = lxd_client.containers.create(config, wait=False)
    assert repr(container) == '<Container {}>'.format(name)
    assert sent == ['POST /1.0/instances']
    assert config == {'name': name, 'source': {'type': 'none'}}
    settle(lxd_client)
    assert container.status == 'Stopped'

    config['name'] = name + '2'
    del sent[:]
    waited = lxd_client.containers.create(config, wait=True)
    assert len(sent) == 2 and sent[1].startswith('GET /1.0/operations/')
    assert waited.status == 'Stopped' and len(sent) == 3


@pytest.mark.parametrize('source', ['alias', 'fingerprint', 'copy'])
def test_create_from_image_or_container(lxd_client, name, running, source):
    source = {
        'alias': BUSYBOX,
        'fingerprint': {'type': 'image', 'fingerprint':
                        lxd_client.images.get_by_alias('busybox').fingerprint},
        'copy': {'type': 'copy', 'source': running.name},
    }[source]
    container = lxd_client.containers.create(
        {'name': name, 'source': source, 'profiles': ['default']}, wait=True)
    assert container.files.get('/etc/passwd').startswith(b'root:')
    assert container.config['volatile.base_image'] == (
        lxd_client.images.get_by_alias('busybox').fingerprint)


def test_create_with_every_field(lxd_client, name):
    container = lxd_client.containers.create({
        'name': name, 'source': EMPTY, 'ephemeral': True, 'profiles': [],
        'config': {'user.a': u'\xe4'}, 'description': 'text',
        'devices': {'root': {
            'type': 'disk', 'path': '/', 'pool': 'default'}}}, wait=True)
    assert container.config['user.a'] == u'\xe4'
    assert container.ephemeral is True and container.profiles == []
    assert container.description == 'text'
    assert container.devices['root']['pool'] == 'default'


def test_create_of_a_taken_name_is_refused(lxd_client, container):
    created_at = container.created_at
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.containers.create(
            {'name': container.name, 'source': EMPTY}, wait=True)
    container.sync()
    assert container.created_at == created_at


def test_create_from_an_unknown_alias_fails(lxd_client, name):
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.containers.create({'name': name, 'source': {
            'type': 'image', 'alias': name}}, wait=True)
    assert not lxd_client.containers.exists(name)


# Attributes

@pytest.mark.documents(
    'Container', 'Container.architecture', 'Container.config',
    'Container.created_at', 'Container.devices', 'Container.ephemeral',
    'Container.expanded_config', 'Container.expanded_devices',
    'Container.name', 'Container.profiles', 'Container.status',
    'Container.status_code', 'Container.stateful')
def test_attributes(lxd_client, running):
    container = Container(lxd_client, name=running.name)
    assert container.architecture == lxd_client.host_info[
        'environment']['kernel_architecture']
    assert container.config['image.description'] == 'busybox'
    assert re.match(r'20\d\d-\d\d-\d\dT', container.created_at)
    assert container.devices == {}
    assert container.ephemeral is False
    assert container.expanded_config['image.description'] == 'busybox'
    assert container.expanded_devices['root']['path'] == '/'
    assert container.name == running.name
    assert container.profiles == ['default']
    assert container.status == 'Running'
    assert container.status_code == 103
    assert container.stateful is False
    # attributes of later releases, which the documentation lacks
    assert re.match(r'20\d\d-\d\d-\d\dT', container.last_used_at)
    assert container.description == ''
    assert container.type == 'container'
    assert container.project == 'default'


@pytest.mark.documents('Container.state')
def test_state_of_a_running_and_a_stopped_container(running, container):
    state = running.state()
    assert (state.status, state.status_code) == ('Running', 103)
    assert state.pid > 0 and state.processes > 0
    assert {'cpu', 'disk', 'memory', 'network', 'pid'} <= set(dir(state))
    assert dict(state)['status'] == 'Running'

    state = container.state()
    assert (state.status, state.status_code, state.network, state.pid) == (
        'Stopped', 102, None, 0)


# Changes and states

@pytest.mark.documents('Container.save')
def test_save_of_every_kind_of_attribute(lxd_client, container, name):
    lxd_client.profiles.create(name)
    container.description = u'caf\xe9'
    container.profiles = ['default', name]
    container.devices['n'] = {'type': 'none'}
    container.config['user.a'] = 'b'
    container.ephemeral = True
    container.save(wait=True)
    saved = lxd_client.containers.get(name)
    assert saved.description == u'caf\xe9' and saved.ephemeral is True
    assert saved.profiles == ['default', name]
    assert saved.devices == {'n': {'type': 'none'}}
    assert saved.config['user.a'] == saved.expanded_config['user.a'] == 'b'


@pytest.mark.documents('Container.rename')
def test_rename(lxd_client, container, name, sent):
    container.rename(name + '-new', wait=True)
    assert container.name == name + '-new'
    assert container == lxd_client.containers.get(name + '-new')
    assert not lxd_client.containers.exists(name)
    del sent[:]
    container.rename(name + '-3')
    assert sent == ['POST /1.0/instances/' + name + '-new']
    settle(lxd_client)
    container.sync()
    assert container.name == name + '-3'


def test_rename_to_a_taken_name_is_refused(lxd_client, container, running):
    name = container.name
    with pytest.raises(exceptions.LXDAPIException):
        container.rename(running.name, wait=True)
    assert container.name == name


@pytest.mark.documents('Container.delete')
def test_delete(lxd_client, container):
    container.delete(wait=True)
    assert not lxd_client.containers.exists(container.name)
    with pytest.raises(exceptions.NotFound):
        container.delete(wait=True)


def test_delete_of_a_running_container_is_refused(lxd_client, running):
    with pytest.raises(exceptions.LXDAPIException) as caught:
        running.delete(wait=True)
    assert 'Instance is running' in str(caught.value)
    assert lxd_client.containers.get(running.name).status == 'Running'


@pytest.mark.documents(
    'Container.start', 'Container.stop', 'Container.restart',
    'Container.freeze', 'Container.unfreeze', 'example:container-states')
def test_states(bootable):
    bootable.start(wait=True)
    assert (bootable.status, bootable.status_code) == ('Running', 103)
    assert bootable.config['volatile.last_state.power'] == 'RUNNING'
    first = bootable.state().pid
    bootable.restart(wait=True)
    assert (bootable.status, bootable.status_code) == ('Running', 103)
    assert bootable.state().pid != first
    bootable.freeze(wait=True)
    assert (bootable.status, bootable.status_code) == ('Frozen', 110)
    bootable.unfreeze(wait=True)
    assert (bootable.status, bootable.status_code) == ('Running', 103)
    with pytest.raises(exceptions.OperationFailed) as caught:
        bootable.start(wait=True)
    assert 'already running' in str(caught.value)
    bootable.stop(30, True, wait=True)
    assert (bootable.status, bootable.status_code) == ('Stopped', 102)
    with pytest.raises(exceptions.OperationFailed) as caught:
        bootable.stop(wait=True)
    assert 'already stopped' in str(caught.value)


def test_stop_without_force_times_out(bootable):
    bootable.config['raw.lxc'] = 'lxc.signal.halt=SIGURG'  # init ignores it
    bootable.save(wait=True)
    bootable.start(wait=True)
    with pytest.raises(exceptions.OperationFailed) as caught:
        bootable.stop(timeout=1, force=False, wait=True)
    assert 'Failed shutting down instance' in str(caught.value)
    bootable.sync()
    assert bootable.status == 'Running'


def test_state_changes_without_wait(lxd_client, bootable, sent):
    bootable.start()
    assert sent == ['PUT /1.0/instances/{}/state'.format(bootable.name)]
    settle(lxd_client)
    bootable.sync()
    assert bootable.status == 'Running'


def test_an_ephemeral_container_is_gone_when_it_stops(lxd_client, name):
    container = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX, 'ephemeral': True}, wait=True)
    container.start(wait=True)
    container.stop(wait=True)
    assert not lxd_client.containers.exists(name)


@pytest.mark.documents('Container.publish')
def test_publish_returns_an_image_if_it_waits(
        lxd_client, bootable, new_images, sent):
    assert bootable.publish() is None
    assert sent[-1] == 'POST /1.0/images'
    settle(lxd_client)
    first, = new_images()
    assert first.public is False
    first.delete(wait=True)

    image = bootable.publish(public=True, wait=True)
    assert [image] == new_images()
    assert image.public is True
    assert image.properties['description'] == 'busybox'


def test_publish_of_a_running_container_fails(running, new_images):
    with pytest.raises(exceptions.OperationFailed) as caught:
        running.publish(wait=True)
    assert 'Cannot export a running instance' in str(caught.value)
    assert new_images() == []
