"""Forwards of a bridge; load balancers and peers, which need OVN."""
import pytest

from pylxd import exceptions
from pylxd.models.network_forward import NetworkForward
from pylxd.models.network_load_balancer import NetworkLoadBalancer
from pylxd.models.network_peer import NetworkPeer

pytestmark = pytest.mark.real_server

CONFIG = {'ipv4.address': '10.77.9.1/24', 'ipv4.nat': 'false',
          'ipv6.address': 'fd42:77:9::1/64', 'ipv6.nat': 'false'}
PORT = {'protocol': 'tcp', 'listen_port': '80', 'target_port': '8080',
        'target_address': '10.77.9.5', 'description': 'web'}


@pytest.fixture
def network(lxd_client, bridge_lock, name):
    return lxd_client.networks.create(name, config=CONFIG)


@pytest.fixture
def forward(network):
    return network.forwards.create(
        '192.0.2.1', {'target_address': '10.77.9.9'}, 'old', [PORT])


def read_all(forward):
    """Return what the server has for a forward."""
    return dict(forward.client.networks.get(
        forward.parent.name).forwards.get(forward.listen_address))


def test_create_get_all(network, forward):
    assert type(forward) is NetworkForward
    assert network.forwards.get('192.0.2.1') == forward
    assert network.forwards.all() == [forward]
    assert NetworkForward.get(network, '192.0.2.1') == forward
    assert network.forwards.exists('192.0.2.1')
    assert not network.forwards.exists('192.0.2.2')
    assert (forward.config, forward.description) == (
        {'target_address': '10.77.9.9'}, 'old')
    port, = forward.ports
    assert {key: port[key] for key in PORT} == PORT
    with pytest.raises(exceptions.Conflict):
        network.forwards.create('192.0.2.1')
    assert read_all(forward)['description'] == 'old'


def test_create_takes_the_whole_body_as_a_dict(network):
    forward = network.forwards.create(
        {'listen_address': '192.0.2.1', 'description': 'text'})
    assert forward == network.forwards.get('192.0.2.1')
    assert (forward.description, forward.config, forward.ports) == (
        'text', {}, [])


def test_an_address_of_ipv6_has_one_name(network):
    """Servers write it in the short form."""
    forward = network.forwards.create('2001:DB8:0:0::1')
    assert forward.listen_address == '2001:db8::1'
    forward.description = 'text'
    forward.save()
    assert forward == network.forwards.get('2001:0db8::1')
    assert network.forwards.all() == [forward]
    forward.delete()
    assert network.forwards.all() == []
    forward = network.forwards.create('::ffff:192.0.2.1')
    assert network.forwards.all() == [forward]
    forward.sync()
    assert forward == network.forwards.get('192.0.2.1')


def test_save(forward):
    forward.config['user.a'] = 1
    forward.save()
    forward.description = 'new'
    forward.ports.append(dict(PORT, listen_port=81))
    del forward.config['target_address']
    forward.save()
    saved = read_all(forward)
    assert (saved['description'], saved['config']) == ('new', {'user.a': '1'})
    assert {port['listen_port'] for port in saved['ports']} == {'80', '81'}
    forward.ports = []
    forward.save()
    assert read_all(forward)['ports'] == []


def test_save_keeps_what_another_client_saved(forward):
    """The servers ignore If-Match for forwards."""
    other = forward.parent.forwards.get('192.0.2.1')
    assert other.description == forward.description == 'old'
    other.config['user.b'] = '2'
    other.save()
    forward.config['user.a'] = '1'
    forward.save()
    assert read_all(forward)['config'] == {
        'target_address': '10.77.9.9', 'user.a': '1', 'user.b': '2'}
    other.description = 'other'
    other.save()
    forward.description = 'new'
    with pytest.raises(exceptions.Conflict) as caught:
        forward.save()
    assert caught.value.keys == ('description',)
    assert read_all(forward)['description'] == 'other'


def test_patch_changes_what_it_names(forward):
    """Servers empty the rest, or fail without ``config``."""
    forward.patch({'description': 'new'})
    assert forward.description == 'new'
    forward.patch({'config': {'target_address': '', 'user.a': '1'}})
    saved = read_all(forward)
    assert (saved['description'], saved['config']) == ('new', {'user.a': '1'})
    assert len(saved['ports']) == 1


@pytest.mark.parametrize('address, arguments', [
    ('no-address', {}),
    ('192.0.2.2/24', {}),
    ('192.0.2.2', {'ports': [dict(PORT, target_address='198.51.100.1')]}),
    ('192.0.2.2', {'ports': [dict(PORT, protocol='no')]}),
    ('192.0.2.2', {'config': {'target_address': 'no-address'}}),
    ('192.0.2.2', {'config': {'no-such-key': '1'}})])
def test_a_wrong_forward_is_refused(network, address, arguments):
    with pytest.raises(exceptions.LXDAPIException):
        network.forwards.create(address, **arguments)
    assert network.forwards.all() == []


def test_a_wrong_save_leaves_the_forward_as_it_was(forward):
    before = read_all(forward)
    forward.ports = [dict(PORT, target_address='198.51.100.1')]
    with pytest.raises(exceptions.LXDAPIException):
        forward.save()
    assert read_all(forward) == before and forward.dirty


def test_names_reach_no_other_resource(network, forward):
    for address in ('', '.', '..', 'a\nb'):
        with pytest.raises(exceptions.InvalidName):
            network.forwards.get(address)
    for address in ('../' + network.name, '192.0.2.1/x', '192.0.2.1?x',
                    '192.0.2.1#x', '%31%39%32.0.2.1'):
        assert not network.forwards.exists(address)


def test_a_cluster_member_that_does_not_exist(network):
    with pytest.raises(exceptions.NotFound):
        network.forwards.create('192.0.2.1', target='no-such-member')
    assert network.forwards.all() == []


def test_interfaces_and_missing_networks_have_no_forwards(lxd_client, name):
    for each in lxd_client.networks.get('lo'), lxd_client.networks.model(
            lxd_client, name=name):
        with pytest.raises(exceptions.NotFound):
            each.forwards.all()


def test_a_bridge_has_no_load_balancers(lxd_client, network):
    balancer = NetworkLoadBalancer(network, listen_address='192.0.2.1')
    calls = [network.load_balancers.all, balancer.sync, balancer.delete,
             lambda: network.load_balancers.create('192.0.2.1'),
             lambda: balancer.put({'description': 'new'})]
    if lxd_client.has_api_extension('network_load_balancer_state'):
        calls.append(balancer.state)
    for call in calls:
        if lxd_client.has_api_extension('network_load_balancer'):
            with pytest.raises(exceptions.LXDAPIException) as caught:
                call()
            assert 'does not support load balancers' in str(caught.value)
        else:
            with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
                call()


def test_a_bridge_has_no_peers(network):
    peer = NetworkPeer(network, name='p')
    for call in (network.peers.all, peer.sync, peer.delete,
                 lambda: network.peers.create('p', 'other'),
                 lambda: peer.put({'description': 'new'})):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            call()
        assert 'does not support peering' in str(caught.value)
