"""Storage pools: creating, saving, deleting, and what is in them."""
import pytest

from helpers import EMPTY, unique_name
from pylxd import exceptions
from pylxd.models.storage_pool import StoragePool, StorageResources

from .storage import new_pool

pytestmark = [pytest.mark.real_server, pytest.mark.needs('storage')]


@pytest.fixture
def pool(lxd_client):
    """An empty pool; request it before ``name``, whose objects use it."""
    with new_pool(lxd_client) as pool:
        yield pool


def test_create_get_all(lxd_client, pool):
    assert type(pool) is StoragePool
    assert pool == lxd_client.storage_pools.get(pool.name)
    assert pool == StoragePool.get(lxd_client, pool.name)
    assert pool in lxd_client.storage_pools.all()
    assert pool in lxd_client.storage_pools.all(recursion=1)
    assert (pool.driver, pool.description, pool.status) == (
        'dir', '', 'Created')
    assert pool.used_by == [] and pool.config['source']
    assert len(pool.locations) == 1 and pool.managed is None
    assert repr(pool) == '<StoragePool {}: Created>'.format(pool.name)


def test_resources(pool):
    resources = pool.resources.get()
    assert type(resources) is StorageResources
    assert 0 < resources.space['used'] < resources.space['total']
    assert 0 < resources.inodes['used'] < resources.inodes['total']


def test_save(lxd_client, pool):
    source = pool.config['source']
    pool.config['user.a'] = 1
    pool.description = 'new'
    pool.save()
    pool.config['user.b'] = '2'
    del pool.config['user.a']
    pool.save(wait=True)
    saved = lxd_client.storage_pools.get(pool.name)
    assert saved.config == {'source': source, 'user.b': '2'}
    assert saved.description == 'new'
    saved.patch({'config': {'user.b': '3'}, 'description': 'newer'})
    assert (saved.config['user.b'], saved.description) == ('3', 'newer')
    pool.sync()
    pool.config['no-such-key'] = 'x'
    with pytest.raises(exceptions.LXDAPIException):
        pool.save()
    pool.rollback()
    assert (pool.config['user.b'], pool.description) == ('3', 'newer')


def test_create_with_every_argument(lxd_client):
    name = unique_name()
    pool = lxd_client.storage_pools.create({
        'name': name, 'driver': 'dir', 'config': {'user.a': 1},
        'description': 'text'}, wait=True)
    try:
        assert (pool.name, pool.config['user.a'], pool.description) == (
            name, '1', 'text')
        with pytest.raises(exceptions.Conflict):
            lxd_client.storage_pools.create(name, 'dir')
    finally:
        pool.delete(wait=True)
    assert not lxd_client.storage_pools.exists(name)
    with pytest.raises(exceptions.NotFound):
        pool.delete()


@pytest.mark.parametrize('driver, config', [
    ('no-such-driver', {}), ('dir', {'no-such-key': 'x'}), (None, {})])
def test_a_pool_that_the_server_refuses(lxd_client, driver, config):
    name = unique_name()
    before = lxd_client.storage_pools.all()
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.storage_pools.create(name, driver, config)
    assert lxd_client.storage_pools.all() == before


def test_a_member_that_does_not_exist(lxd_client):
    name = unique_name()
    for call in (lambda: lxd_client.storage_pools.create(
            name, 'dir', target='no-such-member'),
                 lambda: lxd_client.storage_pools.get(
                     'default').resources.get('no-such-member')):
        with pytest.raises(exceptions.NotFound) as caught:
            call()
        assert 'member' in str(caught.value).lower()
    assert not lxd_client.storage_pools.exists(name)


@pytest.mark.parametrize('end', ['?b', '%2Fb', '#b', u'\xe4b', '?project=b'])
def test_a_name_with_special_characters(lxd_client, pool, end):
    """Servers do not quote the names in the URLs of the list."""
    name = pool.name + end
    try:
        other = lxd_client.storage_pools.create(name, 'dir')
    except exceptions.LXDAPIException:
        assert '%' not in end  # Incus 7 allows fewer characters
        return
    try:
        names = [each.name for each in lxd_client.storage_pools.all()]
        assert sorted(names) == sorted(['default', pool.name, name])
        assert lxd_client.storage_pools.get(name).name == name
        assert [each.pool for each in lxd_client.storage_volumes.all()] == []
    finally:
        other.delete()
    assert lxd_client.storage_pools.exists(pool.name)


def test_names_that_no_pool_can_have(lxd_client):
    for name in ('a/b', 'a b'):
        with pytest.raises(exceptions.LXDAPIException):
            lxd_client.storage_pools.create(unique_name() + name, 'dir')
    for name in ('', '.', '..', 'a\nb'):
        with pytest.raises(exceptions.InvalidName):
            lxd_client.storage_pools.create(name, 'dir')
        with pytest.raises(exceptions.InvalidName):
            lxd_client.storage_pools.get(name)


def test_a_pool_in_use_is_not_deleted(lxd_client, pool, name):
    container = lxd_client.containers.create(
        {'name': name, 'source': EMPTY, 'devices': {
            'root': {'type': 'disk', 'path': '/', 'pool': pool.name}}},
        wait=True)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        pool.delete()
    assert 'in use' in str(caught.value)
    pool.sync()
    assert len(pool.used_by) == 1 and pool.used_by[0].endswith('/' + name)
    volume, = pool.volumes.all('container')
    assert (volume.type, volume.name, volume.content_type) == (
        'container', name, 'filesystem')
    assert volume == pool.volumes.get('container', name)
    assert volume in lxd_client.storage_volumes.all('container')
    for change in (volume.delete, lambda: volume.rename(name + '2')):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            change()
        assert 'container' in str(caught.value)
    assert volume.name == name and container.status == 'Stopped'


def test_a_pool_in_a_btrfs_file(lxd_client):
    drivers = lxd_client.host_info['environment']['storage_supported_drivers']
    if 'btrfs' not in [each['Name'] for each in drivers]:
        pytest.skip('this server does not support btrfs')
    with new_pool(lxd_client, 'btrfs', {'size': '128MiB'}) as pool:
        assert pool.driver == 'btrfs'
        total = pool.resources.get().space['total']
        assert 120 * 2 ** 20 < total <= 128 * 2 ** 20
        volume = pool.volumes.create('v1', {'size': '16MiB'})
        if lxd_client.has_api_extension('storage_volume_state'):
            usage = volume.state().usage
            # LXD leaves out zeros
            assert usage.get('used', 0) < usage['total'] == 16 * 2 ** 20
        snapshot = volume.snapshots.create('one')
        backup = volume.backups.create('b1', optimized_storage=True)
        assert backup.optimized_storage is True
        snapshot.restore()
        with new_pool(lxd_client) as other:
            volume.move(other.name)
            assert volume == other.volumes.get('custom', 'v1')
            assert [each.name for each in volume.snapshots.all()] == ['one']
            assert pool.volumes.all() == []


def test_pools_need_the_extension(lxd_client, pool, sent, monkeypatch):
    monkeypatch.setitem(lxd_client.host_info, 'api_extensions', [])
    for call in (lxd_client.storage_pools.all, pool.delete, pool.sync,
                 pool.volumes.all, lxd_client.storage_volumes.all,
                 lambda: lxd_client.storage_pools.create('x', 'dir')):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            call()
        assert caught.value.name == 'storage'
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
        pool.resources.get()
    assert caught.value.name == 'resources'
    assert sent == []
    monkeypatch.undo()
