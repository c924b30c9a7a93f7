"""Instances: states of many, moves, rebuilds, deletion by force."""
import io
import socket

import pytest

from helpers import BUSYBOX, EMPTY, read_bytes, unique_name, wait_until
from pylxd import exceptions

from .support import fingerprint_of, refetch, settle

pytestmark = pytest.mark.real_server


@pytest.fixture
def project(lxd_client, name):
    """The name of a project, whose instances are deleted after."""
    lxd_client.projects.create(name + 'p', config={
        'features.images': 'false', 'features.profiles': 'false'})
    client = lxd_client.use_project(name + 'p')
    yield name + 'p'
    settle(lxd_client)
    for instance in client.instances.all():
        instance.delete(wait=True, force=True)
    lxd_client.projects.get(name + 'p').delete()


@pytest.fixture
def pool(lxd_client):
    """The name of a second storage pool; request it before ``name``."""
    pool = unique_name()
    lxd_client.api.storage_pools.post(json={'name': pool, 'driver': 'dir'})
    yield pool
    lxd_client.api.storage_pools[pool].delete()


def test_change_state(lxd_client, name, project):
    """In a project, so that other instances are left alone."""
    client = lxd_client.use_project(project)
    instances = [client.containers.create(
        {'name': name + number, 'source': BUSYBOX}, wait=True)
        for number in 'ab']
    operation = client.instances.change_state('start')
    assert operation.ended
    assert [refetch(each).status for each in instances] == ['Running'] * 2
    operation = client.instances.change_state('freeze', wait=False)
    operation.wait()
    assert [refetch(each).status for each in instances] == ['Frozen'] * 2
    client.instances.change_state('unfreeze')  # LXD 5.0 unfreezes none
    for each in instances:
        if refetch(each).status == 'Frozen':
            each.unfreeze(wait=True)
    client.instances.change_state('stop', force=True)
    assert [refetch(each).status for each in instances] == ['Stopped'] * 2
    with pytest.raises(exceptions.LXDAPIException) as caught:
        client.instances.change_state('no-such-action')
    assert 'no-such-action' in str(caught.value)


def test_shutdown(bootable):
    bootable.start(wait=True)
    # The kernel drops the signal while init has no handler: its first child
    # comes after that
    wait_until(lambda: bootable.state().processes > 1)
    bootable.shutdown(timeout=30)
    assert bootable.status == 'Stopped'
    with pytest.raises(exceptions.LXDAPIException):
        bootable.shutdown()


def test_stateful_stop_is_refused_without_criu(bootable):
    bootable.start(wait=True)
    for force in True, False:
        with pytest.raises(exceptions.LXDAPIException) as caught:
            bootable.stop(wait=True, force=force, stateful=True)
        assert 'CRIU' in str(caught.value) or 'stateful' in str(caught.value)
    assert refetch(bootable).status == 'Running'
    bootable.stop(wait=True)
    with pytest.raises(exceptions.LXDAPIException):
        bootable.start(wait=True, stateful=True)


@pytest.mark.parametrize('state', ['stopped', 'running', 'frozen'])
def test_delete_by_force(lxd_client, bootable, state):
    if state != 'stopped':
        bootable.start(wait=True)
        with pytest.raises(exceptions.LXDAPIException) as caught:
            bootable.delete(wait=True)
        assert 'running' in str(caught.value)
    if state == 'frozen':
        bootable.freeze(wait=True)
    bootable.delete(wait=True, force=True)
    assert not lxd_client.instances.exists(bootable.name)
    with pytest.raises(exceptions.NotFound):
        bootable.delete(wait=True, force=True)


def test_delete_of_an_ephemeral_container_by_force(lxd_client, name):
    container = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX, 'ephemeral': True}, wait=True)
    container.start(wait=True)
    container.delete(wait=True, force=True)
    assert not lxd_client.instances.exists(name)


@pytest.mark.needs('instances_rebuild')
@pytest.mark.parametrize('kind', ['alias', 'image', 'fingerprint', 'source'])
def test_rebuild(lxd_client, bootable, kind):
    """The files are listed by a command: when an instance is stopped, Incus
    goes on with the old files for some seconds."""
    image = lxd_client.images.get_by_alias('busybox')
    bootable.files.put('/root/mine', 'x')
    bootable.rebuild({'alias': 'busybox', 'image': image, 'source': BUSYBOX,
                      'fingerprint': image.fingerprint}[kind])
    bootable.start(wait=True)
    assert bootable.execute(['ls', '/root']).stdout == ''


@pytest.mark.needs('instances_rebuild')
def test_rebuild_without_files(bootable):
    assert bootable.config['volatile.base_image']
    bootable.rebuild(wait=False)
    bootable.operation.wait()
    assert not bootable.files.exists('/bin')


@pytest.mark.needs('instances_rebuild')
def test_refused_rebuilds(bootable):
    bootable.files.put('/root/mine', 'x')
    with pytest.raises(exceptions.LXDAPIException) as caught:
        bootable.rebuild('no-such-image')
    assert 'mage' in str(caught.value)
    bootable.start(wait=True)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        bootable.rebuild('busybox')
    assert 'must be stopped' in str(caught.value)
    assert bootable.files.listdir('/root') == ['mine']
    assert refetch(bootable).status == 'Running'


def test_rebuild_needs_an_extension(container, sent):
    if not container.client.has_api_extension('instances_rebuild'):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            container.rebuild('busybox')
        assert sent == []


def test_move_to_a_pool(pool, lxd_client, bootable):
    bootable.files.put('/root/mine', 'x')
    bootable.move(pool=pool)
    assert bootable.devices['root']['pool'] == pool
    assert bootable.files.get('/root/mine') == b'x'
    bootable.delete(wait=True)


def test_a_backup_from_a_pool_that_is_gone(lxd_client, name, bootable):
    """The new instance is on the pool of the default profile."""
    lxd_client.api.storage_pools.post(json={'name': name, 'driver': 'dir'})
    try:
        bootable.move(pool=name)
        data = bootable.export(io.BytesIO()).getvalue()
        bootable.delete(wait=True)
    finally:
        lxd_client.api.storage_pools[name].delete()
    created = lxd_client.containers.create_from_backup(io.BytesIO(data))
    assert created.expanded_devices['root']['pool'] == 'default'
    created.delete(wait=True)


def test_move_to_a_project(lxd_client, bootable, project):
    bootable.files.put('/root/mine', 'x')
    bootable.move(project=project)
    assert bootable.client.project == project
    assert not lxd_client.instances.exists(bootable.name)
    assert lxd_client.use_project(project).containers.all() == [bootable]
    assert bootable.files.get('/root/mine') == b'x'
    assert bootable.snapshots.all() == []
    bootable.move(project='default', wait=False)
    assert bootable.files.get('/root/mine') == b'x'
    assert bootable.project == bootable.client.project == 'default'
    assert lxd_client.instances.get(bootable.name) == bootable


def test_a_move_to_a_project_that_fails_later(
        lxd_client, bootable, project, warnings_logged):
    lxd_client.use_project(project).instances.create(
        {'name': bootable.name, 'source': EMPTY}, wait=True)
    try:
        bootable.move(project=project, wait=False)
    except exceptions.LXDAPIException:  # the server refused at once
        assert bootable.client is lxd_client
        return
    bootable.sync()
    assert bootable.client is lxd_client and bootable.project == 'default'
    warning, = warnings_logged()
    assert 'was not moved to the project ' + project in warning


def test_move_to_a_pool_and_a_project(pool, lxd_client, bootable, project):
    if lxd_client.has_api_extension('instance_move_config'):
        bootable.move(pool=pool, project=project)
        assert lxd_client.use_project(project).instances.get(
            bootable.name).devices['root']['pool'] == pool
        bootable.delete(wait=True)
    else:
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            bootable.move(pool=pool, project=project)


def test_refused_moves(lxd_client, bootable, sent):
    with pytest.raises(ValueError):
        bootable.move()
    assert sent == []
    for arguments in ({'pool': 'no-such'}, {'project': 'no-such'},
                      {'target': 'no-such'}):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            bootable.move(**arguments)
        assert str(caught.value)
    bootable.start(wait=True)
    with pytest.raises(exceptions.LXDAPIException):
        bootable.move(pool='no-such')
    assert refetch(bootable).status == 'Running'
    assert bootable.client is lxd_client


def test_publish(lxd_client, bootable, new_images, name):
    image = bootable.publish(
        wait=True, compression_algorithm='none', aliases=[name, name + '2'],
        properties={'os': 'mine'}, expires_at='2040-01-01T00:00:00Z',
        filename='mine.tar')
    assert sorted(alias['name'] for alias in image.aliases) == [
        name, name + '2']
    assert image.properties['os'] == 'mine'
    assert image.expires_at.startswith('2040-01-01')
    assert image.filename == 'mine.tar'
    snapshot = bootable.snapshots.create('one', wait=True)
    image = snapshot.publish(wait=True, aliases=[name + '3'])
    assert lxd_client.images.get_by_alias(name + '3') == image


def test_refused_aliases_of_published_images(
        lxd_client, bootable, new_images, name, sent):
    for aliases, error in (('text', TypeError), ([None], TypeError),
                           (['..'], exceptions.InvalidName)):
        del sent[:]
        with pytest.raises(error):
            bootable.publish(aliases=aliases)
        assert [each for each in sent if each.startswith('POST')] == []
    with pytest.raises(exceptions.Conflict) as caught:
        bootable.publish(wait=True, aliases=[name, 'busybox'])
    assert 'already exists' in str(caught.value)
    assert new_images() == []


def test_snapshots_named_by_the_server(bootable):
    first = bootable.snapshots.create(wait=True)
    assert first.name == 'snap0' and first == bootable.snapshots.get('snap0')
    second = bootable.snapshots.create()
    assert second.created_at > first.created_at
    assert second.name == 'snap1'
    assert second in bootable.snapshots


def test_snapshots_that_expire(bootable):
    snapshot = bootable.snapshots.create(
        'one', wait=True, expires_at='2040-01-01T00:00:00Z')
    assert snapshot.expires_at.startswith('2040-01-01')
    with pytest.raises(exceptions.LXDAPIException):
        bootable.snapshots.create('two', wait=True, expires_at='never')
    assert bootable.snapshots.all() == [snapshot]


@pytest.mark.needs('instance_access')
def test_access(lxd_client, lxd_https, container):
    trusted = fingerprint_of(read_bytes(lxd_https['cert'][0]))
    access, = [each for each in container.access()
               if each['identifier'] == trusted]
    assert access['role'] == 'admin' and access['provider'] == 'tls'


@pytest.mark.needs('instance_port_forward')
def test_connect(bootable):
    bootable.start(wait=True)
    bootable.execute(['sh', '-c', 'ifconfig lo 127.0.0.1 up; '
                      '(nc -l -p 7777 -e cat > /dev/null 2>&1 &)'])
    connected = bootable.connect(7777)
    connected.settimeout(20)
    connected.sendall(b'hello')
    assert connected.recv(5) == b'hello'
    connected.shutdown(socket.SHUT_WR)
    assert connected.recv(5) == b''
    connected.close()
    with pytest.raises(exceptions.LXDAPIException) as caught:
        bootable.connect(7778)
    assert 'refused' in str(caught.value)


def test_sftp(each_client, bootable):
    container = each_client.instances.get(bootable.name)
    with pytest.raises(exceptions.NotFound):
        each_client.api.instances['no-such'].sftp.upgrade('sftp')
    with pytest.raises(exceptions.LXDAPIException):
        container.api.sftp.upgrade('no-such-protocol')
    connected = container.files.sftp()
    connected.settimeout(20)
    connected.sendall(b'\0\0\0\5\1\0\0\0\3')  # SSH_FXP_INIT, version 3
    assert connected.recv(9)[4:] == b'\2\0\0\0\3'
    connected.close()


def test_missing_instances(lxd_client, name):
    missing = lxd_client.containers.create(
        {'name': name, 'source': EMPTY}, wait=True)
    missing.delete(wait=True)
    for call in (missing.backups.all, missing.templates.all,
                 lambda: missing.backups.create('b'), missing.files.sftp,
                 lambda: missing.move(pool='default'), missing.shutdown):
        with pytest.raises(exceptions.NotFound):
            call()
