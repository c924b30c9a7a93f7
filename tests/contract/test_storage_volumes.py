"""Volumes of storage pools, their snapshots and backups."""
import datetime
import io
import tarfile

import pytest

from helpers import BUSYBOX, NOON, NOON_DAY, unique_name
from pylxd import exceptions
from pylxd.models.storage_volume import StorageVolume, StorageVolumeState
from pylxd.models.storage_volume_backup import StorageVolumeBackup
from pylxd.models.storage_volume_snapshot import StorageVolumeSnapshot

from .storage import new_pool

pytestmark = [pytest.mark.real_server, pytest.mark.needs('storage')]


@pytest.fixture
def pool(lxd_client):
    """An empty pool; request it before ``name``, whose objects use it."""
    with new_pool(lxd_client) as pool:
        yield pool


@pytest.fixture
def other_pool(lxd_client):
    with new_pool(lxd_client) as pool:
        yield pool


@pytest.fixture
def volume(pool):
    return pool.volumes.create('v1', {'user.a': '1'}, description='old')


@pytest.fixture
def project(lxd_client):
    """A project with volumes of its own."""
    project = lxd_client.projects.create(unique_name(), config={
        'features.images': 'false', 'features.profiles': 'false'})
    yield project
    project.delete()


def disk_of(volume, path='/mnt'):
    return {'type': 'disk', 'pool': volume.pool, 'source': volume.name,
            'path': path}


def test_create_get_all(lxd_client, pool, volume):
    assert type(volume) is StorageVolume
    assert volume == pool.volumes.get('custom', 'v1')
    assert volume == StorageVolume.get(pool, 'custom', 'v1')
    assert (volume.type, volume.name, volume.pool) == (
        'custom', 'v1', pool.name)
    assert (volume.content_type, volume.project) == ('filesystem', 'default')
    assert (volume.config, volume.description) == ({'user.a': '1'}, 'old')
    assert volume.used_by == [] and volume.location and volume.created_at
    assert repr(volume) == '<StorageVolume {}/custom/v1>'.format(pool.name)

    assert pool.volumes.exists('custom', 'v1')
    assert not pool.volumes.exists('custom', 'v2')
    assert not pool.volumes.exists('container', 'v1')
    for volumes in (pool.volumes.all(), pool.volumes.all('custom'),
                    pool.volumes.all(recursion=1), list(pool.volumes),
                    pool.volumes.all(all_projects=True)):
        assert volumes == [volume]
    assert pool.volumes.all('image') == []
    assert volume in lxd_client.storage_volumes.all()
    assert volume in list(lxd_client.storage_volumes)
    assert volume in lxd_client.storage_volumes.all('custom')


def test_create_in_the_orders_of_earlier_releases(pool):
    fields = {'name': 'v1', 'type': 'custom', 'config': {'user.a': 1}}
    one = pool.volumes.create(fields, wait=True)
    two = pool.volumes.create('custom', {'name': 'v2', 'description': 'text'})
    three = StorageVolume.create(pool, 'custom', {'size': '1MiB'}) if (
        'size' in pool.config) else pool.volumes.create('custom')
    assert pool.volumes.all() == [three, one, two]
    assert one.config == {'user.a': '1'} and two.description == 'text'
    assert (two.type, two.name, three.name) == ('custom', 'v2', 'custom')


@pytest.mark.needs('custom_block_volumes')
def test_a_block_volume(pool):
    volume = pool.volumes.create('v1', {'size': '8MiB'}, 'block')
    assert volume.content_type == 'block'


@pytest.mark.needs('storage_volume_api_filtering')
def test_filter(pool, volume):
    pool.volumes.create('v2')
    assert pool.volumes.all(filter='name eq v1') == [volume]


def test_save(pool, volume):
    volume.config['user.b'] = 2
    volume.description = 'new'
    volume.save()
    volume.sync()
    del volume.config['user.a']
    volume.save(wait=True)
    saved = pool.volumes.get('custom', 'v1')
    assert (saved.config, saved.description) == ({'user.b': '2'}, 'new')
    other = pool.volumes.get('custom', 'v1')
    other.description = 'theirs'
    other.save()
    volume.description = 'mine'
    with pytest.raises(exceptions.Conflict) as caught:
        volume.save()
    assert caught.value.keys == ('description',)


def test_rename(pool, volume):
    other = pool.volumes.create('v2')
    with pytest.raises(exceptions.Conflict):
        volume.rename('v2')
    assert volume.rename('v3') is volume
    assert volume.name == 'v3' and volume.description == 'old'
    volume.rename({'name': 'v4', 'pool': pool.name}, wait=True)
    assert volume == pool.volumes.get('custom', 'v4')
    assert pool.volumes.all() == [other, volume]


@pytest.mark.needs('storage_api_local_volume_handling')
def test_move_to_another_pool(pool, other_pool, volume):
    volume.snapshots.create('one')
    volume.move(other_pool.name)
    assert volume == other_pool.volumes.get('custom', 'v1')
    assert (volume.pool, volume.parent) == (other_pool.name, other_pool)
    assert volume.config == {'user.a': '1'} and pool.volumes.all() == []
    assert [each.name for each in volume.snapshots.all()] == ['one']

    other = pool.volumes.create('v1')
    with pytest.raises(exceptions.Conflict):
        volume.move(pool.name)
    with pytest.raises(exceptions.NotFound):
        volume.move('no-such-pool')
    with pytest.raises(ValueError):
        volume.move()
    with pytest.raises(exceptions.InvalidName):
        volume.move('..')
    assert volume.pool == other_pool.name and volume.description == 'old'
    other.delete()

    volume.move(pool.name, wait=False)
    assert volume.pool == pool.name and volume.description == 'old'
    assert volume == pool.volumes.get('custom', 'v1')
    volume.rename({'name': 'v2', 'pool': other_pool.name}, wait=True)
    assert volume == other_pool.volumes.get('custom', 'v2')


@pytest.mark.needs('storage_volume_project_move')
def test_move_to_another_project(lxd, lxd_client, pool, volume, project):
    volume.move(project=project.name)
    assert volume.project == volume.client.project == project.name
    assert pool.volumes.all() == []
    assert pool.volumes.all(all_projects=True) == [volume]
    assert volume in lxd_client.storage_volumes.all(all_projects=True)
    with lxd.client(project=project.name) as client:
        other_pool = client.storage_pools.get(pool.name)
        assert other_pool.volumes.get('custom', 'v1').description == 'old'
    with pytest.raises(exceptions.LXDAPIException):
        volume.move(project='no-such-project')
    volume.move(project='default')
    assert pool.volumes.all() == [volume]


def test_a_project_without_volumes_of_its_own(lxd, lxd_client, pool, volume):
    """The server lists the volumes of the default project."""
    project = lxd_client.projects.create(unique_name(), config={
        'features.images': 'false', 'features.profiles': 'false',
        'features.storage.volumes': 'false'})
    try:
        with lxd.client(project=project.name) as client:
            other_pool = client.storage_pools.get(pool.name)
            listed, = other_pool.volumes.all()
            assert listed == other_pool.volumes.get('custom', 'v1')
            assert listed.client is client and listed.project == 'default'
    finally:
        project.delete()


def test_a_member_that_does_not_exist(pool, volume):
    with pytest.raises(exceptions.NotFound) as caught:
        pool.volumes.create('v2', target='no-such-member')
    assert 'member' in str(caught.value).lower()
    if pool.client.has_api_extension('cluster_internal_custom_volume_copy'):
        with pytest.raises(exceptions.LXDAPIException):
            volume.move(target='no-such-member')
    assert pool.volumes.all() == [volume]


@pytest.mark.needs('storage_volume_state')
def test_state(pool, volume):
    try:
        state = volume.state()
    except exceptions.LXDAPIException as error:
        assert 'Not supported' in str(error)  # LXD 5.0 on a dir pool
    else:
        assert type(state) is StorageVolumeState
        assert state.usage is None or state.usage['total'] == 0


@pytest.mark.needs('storage_volumes_rebuild')
def test_rebuild(pool, name, lxd_client, volume):
    container = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX, 'devices': {
            'data': disk_of(volume)}}, wait=True)
    container.start(wait=True)
    container.files.put('/mnt/file', 'text', mode=0o777)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        volume.rebuild()
    assert 'used by' in str(caught.value)
    container.stop(wait=True)
    del container.devices['data']
    container.save(wait=True)
    volume.rebuild()
    assert volume.config['user.a'] == '1'
    container.devices['data'] = disk_of(volume)
    container.save(wait=True)
    container.start(wait=True)
    with pytest.raises(exceptions.NotFound):
        container.files.get('/mnt/file')


def test_a_volume_of_two_containers(pool, name, lxd_client, volume):
    snapshot = volume.snapshots.create('empty')
    one, two = [lxd_client.containers.create(
        {'name': each, 'source': BUSYBOX, 'devices': {
            'data': disk_of(volume)}}, wait=True)
        for each in (name, name + '-2')]
    for container in one, two:
        container.start(wait=True)
    one.files.put('/mnt/file', 'text')
    assert two.files.get('/mnt/file') == b'text'
    volume.sync()
    assert sorted(url.rpartition('/')[2] for url in volume.used_by) == [
        name, name + '-2']

    for refused in (volume.delete, snapshot.restore,
                    lambda: volume.rename('v2'),
                    lambda: volume.move('default')):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            refused()
        assert 'use' in str(caught.value)
    assert pool.volumes.all() == [volume] and volume.name == 'v1'
    assert one.files.get('/mnt/file') == b'text'

    one.devices['again'] = disk_of(volume)  # at the same path
    with pytest.raises(exceptions.LXDAPIException):
        one.save(wait=True)
    one.rollback()
    assert 'again' not in one.devices
    for container in one, two:
        container.stop(wait=True)
    volume.restore_from('empty', wait=True)
    one.start(wait=True)
    with pytest.raises(exceptions.NotFound):
        one.files.get('/mnt/file')


def test_names_of_volumes(pool):
    created = []
    for name in ('a', 'a%2Fb', 'a%b', 'a b', 'a?b', 'a#b', u'\xe4b'):
        try:
            created.append(pool.volumes.create(name))
        except exceptions.LXDAPIException:
            assert name not in ('a', 'a%b')  # Incus 7 allows fewer characters
    assert sorted(each.name for each in pool.volumes.all()) == sorted(
        each.name for each in created)
    for volume in pool.volumes.all():
        assert volume.project == 'default'
        assert pool.volumes.get('custom', volume.name).name == volume.name
    created.pop(0).delete()
    assert sorted(each.name for each in pool.volumes.all()) == sorted(
        each.name for each in created)

    with pytest.raises(exceptions.LXDAPIException):
        pool.volumes.create('a/b')
    for type, name in (('custom', '..'), ('..', 'v1'), ('custom', ''),
                       ('', 'v1'), ('custom', 'a\nb')):
        for call in (pool.volumes.get, pool.volumes.exists,
                     lambda type, name: pool.volumes.create(name, type=type)):
            with pytest.raises(exceptions.InvalidName):
                call(type, name)
    for type in 'custom/a', 'no-such-type':
        for call in (lambda: pool.volumes.get(type, 'a'),
                     lambda: pool.volumes.all(type),
                     lambda: pool.volumes.create('v1', type=type)):
            with pytest.raises(exceptions.LXDAPIException):
                call()


@pytest.mark.parametrize('arguments', [
    {'type': 'container'}, {'content_type': 'no-such-type'},
    {'config': {'no-such-key': 'x'}}])
def test_a_volume_that_the_server_refuses(pool, arguments):
    with pytest.raises(exceptions.LXDAPIException):
        pool.volumes.create('v1', **arguments)
    assert pool.volumes.all() == []


# -- snapshots

@pytest.mark.needs('storage_api_volume_snapshots')
def test_snapshots(pool, volume):
    assert volume.snapshots.all() == []
    one = volume.snapshots.create('one')
    assert type(one) is StorageVolumeSnapshot
    volume.config['user.a'] = '2'
    volume.save()
    two = volume.snapshots.create('two', wait=False)
    assert (one.config, two.config) == ({'user.a': '1'}, {'user.a': '2'})
    assert two == volume.snapshots.get('two')
    assert (one.name, one.content_type) == ('one', 'filesystem')
    assert one.created_at and one.parent is volume
    for snapshots in (volume.snapshots.all(), list(volume.snapshots),
                      volume.snapshots.all(True),
                      volume.snapshots.all(use_recursion=True)):
        assert snapshots == [one, two]
        assert [each.name for each in snapshots] == ['one', 'two']
    # LXD 5.0 and Incus 6.0 list snapshots among the volumes
    assert pool.volumes.all() == pool.volumes.all('custom') == [volume]

    assert volume.snapshots.exists('one')
    assert not volume.snapshots.exists('three')
    with pytest.raises(exceptions.NotFound):
        volume.snapshots.get('three')
    with pytest.raises(exceptions.Conflict):
        volume.snapshots.create('one')
    with pytest.raises(exceptions.LXDAPIException):
        one.rename('two')
    assert one.rename('three') is one
    assert one == volume.snapshots.get('three')
    one.delete(wait=True)
    assert volume.snapshots.all() == [two]
    with pytest.raises(exceptions.LXDAPIException):
        volume.restore_from('one')
    two.restore(wait=True)
    assert pool.volumes.all() == [volume]


@pytest.mark.needs('storage_api_volume_snapshots')
def test_snapshots_whose_name_the_server_chooses(volume):
    volume.snapshots.create('one')
    created = [volume.snapshots.create() for _ in range(3)]
    assert [each.name for each in created] == ['snap0', 'snap1', 'snap2']
    assert volume.snapshots.create(wait=False).name == 'snap3'
    assert created[0].operation.ended


@pytest.mark.needs('custom_volume_snapshot_expiry')
def test_snapshots_that_expire(volume):
    text, later = '2040-01-01T00:00:00Z', datetime.datetime(2041, 1, 1)
    one = volume.snapshots.create('one', text)
    two = volume.snapshots.create('two', expires_at=later)
    assert one.expires_at == text
    assert two.expires_at[:4] in ('2040', '2041')
    one.expires_at, one.description = '2042-01-01T00:00:00Z', 'new'
    one.save()
    saved = volume.snapshots.get('one')
    assert (saved.expires_at, saved.description) == (
        '2042-01-01T00:00:00Z', 'new')
    saved.description = 'newer'
    saved.save()
    saved = volume.snapshots.get('one')
    assert (saved.expires_at, saved.description) == (
        '2042-01-01T00:00:00Z', 'newer')
    saved.expires_at = NOON
    assert saved.expires_at.startswith(NOON_DAY)
    saved.save()
    assert volume.snapshots.get('one').expires_at.startswith(NOON_DAY)
    with pytest.raises(exceptions.LXDAPIException):
        volume.snapshots.create('three', 'no time')
    assert not volume.snapshots.exists('three')


@pytest.mark.needs('storage_api_volume_snapshots')
@pytest.mark.parametrize('name', [
    'a?b', 'a%2Fb', 'a%62', 'a#b', u'\xe4b', 'a?project=b'])
def test_a_snapshot_with_special_characters(volume, name):
    """Servers do not quote the names in the URLs of the list."""
    one = volume.snapshots.create('a')
    try:
        two = volume.snapshots.create(name)
    except exceptions.LXDAPIException:
        assert '%' not in name  # Incus 7 allows fewer characters
        return
    assert two.fetch_representation()[0]['name'] == name
    assert volume.snapshots.all() == [one, two]
    assert volume.snapshots.all()[1].name == name
    volume.snapshots.all()[1].delete(wait=True)
    assert volume.snapshots.all() == [one]


@pytest.mark.needs('storage_api_volume_snapshots')
def test_names_that_no_snapshot_can_have(volume):
    for name in ('', '.', '..', 'a\nb'):
        with pytest.raises(exceptions.InvalidName):
            volume.snapshots.create(name)
    with pytest.raises(exceptions.LXDAPIException):
        volume.snapshots.create('a/b')
    assert volume.snapshots.all() == []


@pytest.mark.needs('custom_volume_backup')
@pytest.mark.parametrize('name', ['a?b', 'a%2Fb', 'a#b', 'a b'])
def test_a_backup_with_special_characters(volume, name):
    one = volume.backups.create('a')
    try:
        two = volume.backups.create(name)
    except exceptions.LXDAPIException:
        assert '%' not in name  # Incus 7 allows fewer characters
        return
    assert two.fetch_representation()[0]['name'] == name
    assert [each.name for each in volume.backups.all()] == ['a', name]
    volume.backups.all()[1].delete()
    assert volume.backups.all() == [one]


# -- backups

@pytest.mark.needs('custom_volume_backup')
def test_backups(pool, volume):
    volume.snapshots.create('one')
    assert volume.backups.all() == []
    one = volume.backups.create(
        'one', '2040-01-01T00:00:00Z', volume_only=True,
        compression_algorithm='none')
    assert type(one) is StorageVolumeBackup
    assert (one.name, one.expires_at) == ('one', '2040-01-01T00:00:00Z')
    assert (one.volume_only, one.optimized_storage) == (True, False)
    assert one.created_at.startswith('20')
    two = volume.backups.create()
    assert two.name == 'backup0' and two.volume_only is False
    assert volume.backups.all() == [one, two]
    assert one == volume.backups.get('one')
    assert not volume.backups.exists('two')
    with pytest.raises(exceptions.LXDAPIException):
        volume.backups.create('one')
    with pytest.raises(exceptions.LXDAPIException):
        volume.backups.create('a/b')
    with pytest.raises(exceptions.LXDAPIException):
        two.rename('one')
    assert two.name == 'backup0'
    two.rename('two')
    assert two == volume.backups.get('two')
    one.delete()
    assert volume.backups.all() == [two]


@pytest.mark.needs('custom_volume_backup')
@pytest.mark.parametrize('kind', ['bytes', 'file', 'path'])
def test_create_from_backup(pool, volume, tmpdir, kind):
    volume.snapshots.create('one')
    backup = volume.backups.create()
    data = bytearray(b''.join(backup.export()))
    path = tmpdir.join('backup.tar')
    path.write_binary(data)
    with path.open('rb') as file:
        copied = pool.volumes.create_from_backup(
            {'bytes': data, 'file': file, 'path': str(path)}[kind],
            'v2')
    assert copied == pool.volumes.get('custom', 'v2')
    assert copied.config == {'user.a': '1'} and copied.description == 'old'
    assert [each.name for each in copied.snapshots.all()] == ['one']

    for name in 'v1', None:  # both are the name of the volume
        with pytest.raises(exceptions.LXDAPIException):
            pool.volumes.create_from_backup(data, name)
    assert pool.volumes.all() == [volume, copied]
    volume.rename('v3')
    restored = pool.volumes.create_from_backup(data, wait=False)
    assert restored.name == 'v1' and restored.description == 'old'


@pytest.mark.needs('custom_volume_backup')
def test_what_is_no_backup(pool, volume):
    with pytest.raises(exceptions.LXDAPIException):
        pool.volumes.create_from_backup(bytearray(b'no backup'), 'v2')
    with pytest.raises(TypeError):
        pool.volumes.create_from_backup(io.StringIO(u'text'), 'v2')
    with pytest.raises(exceptions.InvalidName):
        pool.volumes.create_from_backup(bytearray(), 'a\nb')
    with pytest.raises(EnvironmentError):
        pool.volumes.create_from_backup('/no/such/file', 'v2')
    assert pool.volumes.all() == [volume]


@pytest.mark.needs('custom_volume_iso')
def test_import_iso(pool):
    iso = pool.volumes.import_iso(bytearray(b'\0' * 2048), 'v1')
    assert iso == pool.volumes.get('custom', 'v1')
    assert (iso.content_type, iso.config['size']) == ('iso', '2048')
    with pytest.raises(exceptions.LXDAPIException):
        pool.volumes.import_iso(bytearray(b'\0' * 2048), 'v1')
    with pytest.raises(exceptions.LXDAPIException):
        pool.volumes.import_iso(bytearray(b'\0' * 2048), 'a/b')
    assert pool.volumes.all() == [iso]


@pytest.mark.needs('import_custom_volume_tar')
def test_import_tar(pool):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode='w'):
        pass
    volume = pool.volumes.import_tar(bytearray(file.getvalue()), 'v1')
    assert volume == pool.volumes.get('custom', 'v1')


def test_what_is_no_snapshot_restores_nothing(pool, volume, sent):
    other = pool.volumes.create('v2')
    snapshot = other.snapshots.create('s1')
    volume.snapshots.create('s1')
    del sent[:]
    for wrong, error_class in (
            (None, TypeError), ('', exceptions.InvalidName), ({}, TypeError),
            (snapshot, ValueError), (other, ValueError)):
        with pytest.raises(error_class):
            volume.restore_from(wrong)
    assert sent == []
    volume.restore_from(b's1')
    with pytest.raises(exceptions.LXDAPIException):
        volume.restore_from('s2')
    volume.sync()
    assert (volume.config, volume.description) == ({'user.a': '1'}, 'old')


@pytest.mark.needs('custom_volume_iso')
def test_the_name_of_an_upload(pool):
    """Incus 7.0 takes ``'v1 '`` in the header for v1."""
    for name in 'v1 ', ' v1':
        with pytest.raises(exceptions.InvalidName):
            pool.volumes.import_iso(bytearray(b'iso'), name)
    assert pool.volumes.import_iso(bytearray(b'iso'), 77).name == '77'
    assert ('custom', '77') in pool.volumes
    assert ('custom', 'v1') not in pool.volumes


def test_each_call_needs_its_extension(pool, volume, sent, monkeypatch):
    monkeypatch.setitem(
        volume.client.host_info, 'api_extensions', ['storage'])
    for call, extension in (
            (volume.state, 'storage_volume_state'),
            (volume.rebuild, 'storage_volumes_rebuild'),
            (lambda: volume.rename('x'), 'storage_api_volume_rename'),
            (lambda: volume.move('x'), 'storage_api_local_volume_handling'),
            (lambda: volume.move(project='x'),
             'storage_volume_project_move'),
            (lambda: volume.move(target='x'),
             'cluster_internal_custom_volume_copy'),
            (lambda: volume.restore_from('x'),
             'storage_api_volume_snapshots'),
            (volume.snapshots.all, 'storage_api_volume_snapshots'),
            (volume.snapshots.create, 'storage_api_volume_snapshots'),
            (lambda: volume.snapshots.create('x', '2040-01-01'),
             'custom_volume_snapshot_expiry'),
            (volume.backups.create, 'custom_volume_backup'),
            (lambda: pool.volumes.create_from_backup(bytearray()),
             'custom_volume_backup'),
            (lambda: pool.volumes.import_iso(bytearray(), 'x'),
             'custom_volume_iso'),
            (lambda: pool.volumes.import_tar(bytearray(), 'x'),
             'import_custom_volume_tar'),
            (lambda: pool.volumes.create('x', content_type='block'),
             'custom_block_volumes'),
            (lambda: pool.volumes.all(filter='x'),
             'storage_volume_api_filtering'),
            (lambda: pool.volumes.all(all_projects=True),
             'storage_volumes_all_projects')):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            call()
        assert caught.value.name == extension
    assert sent == []
    monkeypatch.undo()
