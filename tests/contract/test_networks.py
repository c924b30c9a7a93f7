"""Networks: interfaces of the host, and bridges of the server."""
import pytest

from pylxd import exceptions
from helpers import BUSYBOX, EMPTY
from pylxd.network import Network

CONFIG = {'ipv4.address': 'none', 'ipv6.address': 'none'}


@pytest.fixture
def network(lxd_client, bridge_lock, name):
    return lxd_client.networks.create(name, config=CONFIG)


@pytest.mark.documents('Client.networks', 'Client.networks.all',
                       'Client.networks.get', 'Network.name', 'Network.type')
def test_interfaces_of_the_host(lxd_client):
    networks = lxd_client.networks.all()
    assert all(type(each) is Network for each in networks)
    lo, = [each for each in networks if each.name == 'lo']
    assert (lo.type, lo.managed, lo.used_by) == ('loopback', False, [])
    loaded = lxd_client.networks.get('lo')
    assert loaded == lo and loaded.type == 'loopback'
    assert loaded.state().addresses[0]['address'] == '127.0.0.1'


def test_a_loop_over_all_interfaces(lxd_client):
    """Incus lists interfaces that it cannot show without Open vSwitch."""
    networks = lxd_client.networks.all()
    assert [network.name for network in networks
            if network.managed not in (True, False, None)] == []
    assert 'loopback' in {network.type for network in networks}


def test_an_unknown_network_raises_not_found(lxd_client, name):
    with pytest.raises(exceptions.NotFound):
        lxd_client.networks.get(name)
    assert not lxd_client.networks.exists(name)


@pytest.mark.documents('Network', 'Network.used_by', 'Network.save',
                       'Network.delete')
def test_a_bridge_is_saved_renamed_and_deleted(lxd_client, network, name):
    assert network == Network(lxd_client, name=name)
    assert network in lxd_client.networks.all()
    assert (network.type, network.managed) == ('bridge', True)
    assert not network.used_by
    assert network.config['ipv4.address'] == 'none'

    network.config['user.a'] = 'b'
    network.description = 'text'
    network.save(wait=True)
    saved = lxd_client.networks.get(name)
    assert (saved.config['user.a'], saved.description) == ('b', 'text')
    assert saved.config['ipv4.address'] == 'none'
    assert network.state().type == 'broadcast'

    profile = lxd_client.profiles.create(name, devices={
        'eth0': {'type': 'nic', 'network': name}})
    network.sync()
    assert [url.partition('?')[0].rpartition('/')[2]
            for url in network.used_by] == [name]
    profile.delete()

    network.rename(name + '2', wait=True)
    assert network == lxd_client.networks.get(name + '2')
    network.delete(wait=True)
    assert not lxd_client.networks.exists(name + '2')


def test_create_with_every_field(lxd_client, bridge_lock, name):
    network = lxd_client.networks.create(
        name, description='text', type='bridge', config=CONFIG, wait=True)
    assert (network.description, network.type) == ('text', 'bridge')
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.networks.create(name + '2', type='no-such-type')
    assert not lxd_client.networks.exists(name + '2')
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.networks.create(name, config=CONFIG)


def test_changes_need_the_extension(
        lxd_client, network, sent, monkeypatch):
    monkeypatch.setitem(lxd_client.host_info, 'api_extensions', [])
    assert network.managed is True
    del sent[:]
    network.description = 'text'
    for change in (network.save, network.update, network.delete,
                   lambda: lxd_client.networks.create('x')):
        with pytest.raises(NotImplementedError) as caught:
            change()
        assert 'API extension "network"' in str(caught.value)
    assert sent == []


@pytest.mark.real_server
def test_leases_and_allocations(lxd_client, bridge_lock, name):
    network = lxd_client.networks.create(name, config={
        'ipv4.address': '10.77.9.1/24', 'ipv4.nat': 'false',
        'ipv6.address': 'none'})
    gateway, = network.leases()
    assert (gateway['address'], gateway['type']) == ('10.77.9.1', 'gateway')

    for suffix, source, device in (
            ('s', EMPTY, {'ipv4.address': '10.77.9.77'}),
            ('d', BUSYBOX, {})):
        lxd_client.instances.create({
            'name': name + suffix, 'type': 'container', 'source': source,
            'devices': {'eth0': dict(device, type='nic', network=name)}},
            wait=True)
    client = lxd_client.instances.get(name + 'd')
    client.start(wait=True)
    # The script sets no address: that of the image is missing
    result = client.execute(
        ['udhcpc', '-i', 'eth0', '-n', '-q', '-s', '/bin/true'])
    assert result.exit_code == 0, result.stderr
    leases = {lease['hostname']: lease for lease in network.leases()
              if lease['address'].startswith('10.77.9.')}
    assert leases[name + 's']['address'] == '10.77.9.77'
    assert leases[name + 's']['type'] == 'static'
    assert leases[name + 'd']['type'] == 'dynamic'
    assert leases[name + 'd']['address'] in result.stderr

    if lxd_client.has_api_extension('network_allocations'):
        for all_projects in True, False:
            taken = {each['addresses']: each for each in
                     lxd_client.networks.allocations(all_projects)}
            assert taken['10.77.9.1/24']['type'] == 'network'
            assert taken['10.77.9.77/32']['type'] == 'instance'
    else:
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            lxd_client.networks.allocations()

    with pytest.raises(exceptions.LXDAPIException) as caught:
        network.delete()
    assert 'in use' in str(caught.value)
    assert lxd_client.networks.exists(name)


@pytest.mark.real_server
def test_wrong_calls_leave_no_network(lxd_client, bridge_lock, name):
    with pytest.raises(exceptions.NotFound):
        lxd_client.networks.get('lo').leases()
    for arguments in ({'config': {'no-such-key': '1'}},
                      {'config': {'ipv4.address': 'no-address'}},
                      {'type': 'ovn', 'config': {'network': 'none'}},
                      {'config': CONFIG, 'target': 'no-such-member'}):
        with pytest.raises(exceptions.LXDAPIException):
            lxd_client.networks.create(name, **arguments)
        assert not lxd_client.networks.exists(name)
    with pytest.raises(exceptions.NotFound):
        lxd_client.networks.get('lo').state(target='no-such-member')
