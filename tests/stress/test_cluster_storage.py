"""Volumes of a cluster: each member has volumes of its own."""
import pytest

from pylxd import exceptions
from pylxd.testing import ThrowawayCluster
from pylxd.testing.throwaway import Throwaway
from helpers import EMPTY


@pytest.fixture(scope='module')
def client(lxd):
    """A client of ``m1``, in a cluster of two servers like ``lxd``."""
    if not isinstance(lxd, Throwaway):
        pytest.skip('needs real, private servers')
    with ThrowawayCluster(2, type(lxd), root=lxd.root) as cluster:
        with cluster.client() as client:
            yield client


@pytest.fixture
def pool(client):
    for member in 'm1', 'm2':
        pending = client.storage_pools.create('p1', 'dir', target=member)
        assert pending.status == 'Pending'
    pool = client.storage_pools.create('p1', 'dir')
    assert (pool.status, sorted(pool.locations)) == (
        'Created', ['m1', 'm2'])
    yield pool
    for volume in pool.volumes.all('custom'):
        volume.delete()
    pool.delete()


def locate(pool):
    return sorted((volume.name, volume.location)
                  for volume in pool.volumes.all('custom'))


def test_volumes_of_the_same_name(pool):
    one, two = [pool.volumes.create('v1', target=target)
                for target in (None, 'm2')]
    assert (one.location, two.location) == ('m1', 'm2')
    assert one != two and sorted(
        pool.volumes.all(), key=lambda volume: volume.location) == [one, two]
    one.description, two.description = 'one', 'two'
    one.save()
    two.save()
    assert {volume.location: volume.description for volume
            in pool.client.storage_volumes.all('custom')} == {
                'm1': 'one', 'm2': 'two'}
    with pytest.raises(exceptions.LXDAPIException) as caught:
        pool.volumes.get('custom', 'v1')
    assert 'specific member' in str(caught.value)
    targeted = pool.client.use_target('m2').storage_pools.get('p1')
    assert targeted.volumes.get('custom', 'v1') == two
    two.rename('v2')
    two.snapshots.create('s1')
    assert two.snapshots.get('s1').name == 's1'
    data = b''.join(two.export())
    two.delete()
    restored = pool.volumes.create_from_backup(bytearray(data))
    assert (restored.name, restored.location) == ('v2', 'm1')
    one.delete()
    assert locate(pool) == [('v2', 'm1')]


def test_move_to_another_member(client, pool):
    if not client.has_api_extension('cluster_internal_custom_volume_copy'):
        pytest.skip('this server cannot move a volume by itself')
    volume = pool.volumes.create('v1', {'user.a': '1'}, description='text',
                                 target='m2')
    volume.snapshots.create('s1')
    volume.move(target='m1')
    assert locate(pool) == [('v1', 'm1')]
    assert (volume.location, volume.config, volume.description) == (
        'm1', {'user.a': '1'}, 'text')
    assert [each.name for each in volume.snapshots.all()] == ['s1']
    assert volume in pool.volumes.all()
    with pytest.raises(exceptions.NotFound):
        volume.move(target='m3')
    container = client.containers.create({
        'name': 'c1', 'source': EMPTY, 'devices': {'data': {
            'type': 'disk', 'pool': 'p1', 'source': 'v1', 'path': '/mnt'}}},
        wait=True, target='m1')
    try:
        with pytest.raises(exceptions.LXDAPIException) as caught:
            volume.move(target='m2')
        assert 'in use' in str(caught.value)
    finally:
        container.delete(wait=True)
    assert locate(pool) == [('v1', 'm1')] and volume.location == 'm1'
