"""A cluster of two: the configuration and the hardware of each member."""
import pytest

from pylxd import exceptions
from pylxd.testing import ThrowawayCluster
from pylxd.testing.throwaway import Throwaway


@pytest.fixture(scope='module')
def cluster(lxd):
    if not isinstance(lxd, Throwaway):
        pytest.skip('needs real, private servers')
    with ThrowawayCluster(2, type(lxd), root=lxd.root) as cluster:
        yield cluster


def test_the_configuration_of_a_member(cluster):
    client = cluster.client()
    assert client.server_clustered
    first, second = [client.use_target(name).server for name in ('m1', 'm2')]
    assert [each.environment['server_name'] for each in (first, second)] == [
        'm1', 'm2']
    assert client.server.environment['server_name'] == 'm1'
    addresses = [each.config['core.https_address'] for each in (first, second)]
    assert len(set(addresses)) == 2
    second.config['core.debug_address'] = '127.0.0.1:0'
    second.save()
    assert second.config['core.debug_address'] == '127.0.0.1:0'
    first.sync()
    assert 'core.debug_address' not in first.config
    assert client.addresses == ['https://' + addresses[0]]
    del second.config['core.debug_address']
    second.save()
    assert second.config['core.https_address'] == addresses[1]
    client.server.config['user.a'] = '1'
    client.server.save()
    second.sync()
    assert second.config['user.a'] == '1'


def test_a_refused_save_on_a_member(cluster):
    server = cluster.client().use_target('m2').server
    before = dict(server.config)
    server.config['core.debug_address'] = 'x y'
    with pytest.raises(exceptions.LXDAPIException):
        server.save()
    server.rollback()
    assert server.config == before


def test_resources_and_warnings_of_a_member(cluster):
    client = cluster.client()
    assert client.server.resources(target='m2')['memory']['total']
    assert client.use_target('m2').resources['cpu']['total']
    locations = {each.location for each in client.warnings.all(recursion=1)}
    assert locations <= {'m1', 'm2'}
