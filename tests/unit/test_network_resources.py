"""Forwards, ACLs, zones and what else networks have: a scripted server.

What needs OVN is tested here alone.
"""
import json

import pytest

from pylxd import Client, exceptions
from pylxd.models.network import Network
from pylxd.models.network_acl import NetworkAcl
from pylxd.models.network_address_set import NetworkAddressSet
from pylxd.models.network_forward import NetworkForward
from pylxd.models.network_integration import NetworkIntegration
from pylxd.models.network_load_balancer import (
    NetworkLoadBalancer, NetworkLoadBalancerState)
from pylxd.models.network_peer import NetworkPeer
from pylxd.models.network_zone import NetworkZone
from pylxd.models.network_zone_record import NetworkZoneRecord
from wire import ROOT, Server, accepted, http, lxd_api

#: For each model: the path of its parent, the manager, arguments of create(),
#: and what they send.
CREATE = [
    (NetworkForward, 'networks/n1', 'forwards',
     ('192.0.2.1', {'user.a': '1'}, 'text', [{'listen_port': '80'}]),
     {'listen_address': '192.0.2.1', 'config': {'user.a': '1'},
      'description': 'text', 'ports': [{'listen_port': '80'}]}),
    (NetworkForward, 'networks/n1', 'forwards', ('192.0.2.1',),
     {'listen_address': '192.0.2.1', 'config': {}, 'ports': []}),
    (NetworkLoadBalancer, 'networks/n1', 'load_balancers',
     ('2001:db8::1', {}, 'text', [{'name': 'b1'}], [{'listen_port': '80'}]),
     {'listen_address': '2001:db8::1', 'config': {}, 'description': 'text',
      'backends': [{'name': 'b1'}], 'ports': [{'listen_port': '80'}]}),
    (NetworkPeer, 'networks/n1', 'peers',
     ('p1', 'n2', 'green', 'text', {'user.a': '1'}),
     {'name': 'p1', 'target_network': 'n2', 'target_project': 'green',
      'description': 'text', 'config': {'user.a': '1'}}),
    (NetworkAcl, '', 'network_acls',
     ('a1', 'text', [{'action': 'allow'}], [], {'user.a': '1'}),
     {'name': 'a1', 'description': 'text', 'ingress': [{'action': 'allow'}],
      'egress': [], 'config': {'user.a': '1'}}),
    (NetworkZone, '', 'network_zones', ('z1', 'text', {'user.a': '1'}),
     {'name': 'z1', 'description': 'text', 'config': {'user.a': '1'}}),
    (NetworkZoneRecord, 'network-zones/z1', 'records',
     ('r1', 'text', [{'type': 'TXT'}], {'user.a': '1'}),
     {'name': 'r1', 'description': 'text', 'entries': [{'type': 'TXT'}],
      'config': {'user.a': '1'}}),
    (NetworkAddressSet, '', 'network_address_sets',
     ('s1', ('192.0.2.1',), 'text', {'user.a': '1'}),
     {'name': 's1', 'addresses': ['192.0.2.1'], 'description': 'text',
      'config': {'user.a': '1'}}),
    (NetworkIntegration, '', 'network_integrations', ('i1',),
     {'name': 'i1', 'type': 'ovn', 'config': {}}),
]


def serve(pages, *extensions):
    """Return a server with these pages below ``/1.0/`` and extensions."""
    return Server(lxd_api(
        {'{} /1.0/{}'.format(*key.split()): page
         for key, page in pages.items()},
        dict(ROOT, api_extensions=extensions)))


def find_manager(client, parent, manager):
    """Return a manager of the client, or of one of its objects."""
    collection, _, name = parent.partition('/')
    owner = client if not parent else {
        'networks': Network, 'network-zones': NetworkZone}[collection](
            client, name=name)
    return getattr(owner, manager)


def sent_by(server, method):
    """Return the bodies of the requests with a method."""
    return [json.loads(request.body.decode()) for request in server.requests
            if request.method == method]


@pytest.mark.parametrize('model, parent, manager, arguments, body', CREATE)
def test_create_sends_the_arguments(model, parent, manager, arguments, body):
    collection = '/'.join(filter(None, [parent, model.path]))
    extensions = {model.extension, 'network_dns'}
    with serve({'POST ' + collection: {}}, *extensions) as server:
        created = find_manager(
            Client(server.endpoint), parent, manager).create(*arguments)
        assert type(created) is model
        # The whole body as one dict, in place of the name
        assert created == find_manager(
            created.client, parent, manager).create(body)
        assert sent_by(server, 'POST') == [body, body]
        assert server.requested[1:] == ['POST /1.0/' + collection] * 2


@pytest.mark.parametrize('model, parent, manager, arguments, body', CREATE)
def test_each_call_needs_the_extension(
        model, parent, manager, arguments, body):
    with serve({}, 'network') as server:
        objects = find_manager(Client(server.endpoint), parent, manager)
        one = model.from_key(objects.parent, arguments[:1])
        for call in (objects.all, lambda: objects.get(arguments[0]),
                     lambda: objects.create(*arguments), one.sync,
                     lambda: one.patch({}), one.delete):
            with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
                call()
        assert server.requested == ['GET /1.0']


@pytest.mark.parametrize('model, parent, manager, arguments, body', CREATE)
def test_save_and_patch_send_all_fields(
        model, parent, manager, arguments, body):
    """The servers' PATCH empties what it leaves out."""
    path = '/'.join(filter(None, [
        parent, model.path, arguments[0].replace(':', '%3A')]))
    shown = dict(body, config={'user.a': '1', 'user.b': '2'}, description='')

    def answer(request):
        if request.method == 'PUT':
            shown.update(json.loads(request.body.decode()))
        return shown

    with serve({'GET ' + path: answer, 'PUT ' + path: answer}, 'patch',
               model.extension, 'network_dns') as server:
        one = find_manager(
            Client(server.endpoint), parent, manager).get(arguments[0])
        one.description = 'new'
        one.save()
        one.patch({'config': {'user.a': '', 'user.c': '3'}})
        one.patch({'config': None, 'description': None})  # changes nothing
        assert one.config == {'user.b': '2', 'user.c': '3'}
        assert sent_by(server, 'PUT') == [
            dict(body, description='new',
                 config={'user.a': '1', 'user.b': '2'}),
            dict(body, description='new',
                 config={'user.b': '2', 'user.c': '3'})]


def test_create_on_a_member_of_a_cluster():
    pages = {'POST networks': {}, 'POST networks/n1/forwards': {}}
    with serve(pages, 'network', 'network_forward', 'clustering') as server:
        networks = Client(server.endpoint).networks
        network = networks.create('n1', target='m2')
        network.forwards.create('192.0.2.1', target='m2')
        assert server.requested[1:] == [
            'POST /1.0/networks?target=m2',
            'POST /1.0/networks/n1/forwards?target=m2']
    with serve(pages, 'network', 'network_state') as server:
        network = Network(Client(server.endpoint), name='n1')
        for call in (lambda: network.client.networks.create('n', target='m2'),
                     lambda: network.state(target='m2')):
            with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
                call()
        assert server.requested == ['GET /1.0']


def test_leases_allocations_and_state():
    lease = {'hostname': 'c1', 'address': '192.0.2.9', 'type': 'dynamic'}
    taken = {'addresses': '192.0.2.9/32', 'type': 'instance'}
    pages = {'GET networks/n1/leases': [lease],
             'GET networks/n1/state': {'state': 'up'},
             'GET network-allocations': [taken]}
    with serve(pages, 'network_leases', 'network_allocations',
               'network_state', 'clustering') as server:
        network = Network(Client(server.endpoint), name='n1')
        assert network.leases() == [lease]
        assert network.state('m2').state == 'up'
        networks = network.client.networks
        assert networks.allocations() == [taken]
        assert networks.allocations(all_projects=True) == [taken]
        assert server.requested[1:] == [
            'GET /1.0/networks/n1/leases',
            'GET /1.0/networks/n1/state?target=m2',
            'GET /1.0/network-allocations',
            'GET /1.0/network-allocations?all-projects=true']
    with serve({}) as server:
        network = Network(Client(server.endpoint), name='n1')
        for call in network.leases, network.client.networks.allocations:
            with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
                call()
        assert server.requested == ['GET /1.0']


def test_the_state_of_a_load_balancer():
    health = {'b1': {'address': '10.0.0.2', 'ports': [
        {'protocol': 'tcp', 'port': 80, 'status': 'online'}]}}
    path = 'networks/n1/load-balancers/192.0.2.1'
    pages = {'GET {}/state'.format(path): {'backend_health': health}}
    with serve(pages, 'network_load_balancer',
               'network_load_balancer_state') as server:
        balancer = NetworkLoadBalancer(
            Network(Client(server.endpoint), name='n1'),
            listen_address='192.0.2.1')
        state = balancer.state()
        assert type(state) is NetworkLoadBalancerState
        assert state.backend_health == health
    with serve(pages, 'network_load_balancer') as server:
        balancer = NetworkLoadBalancer(
            Network(Client(server.endpoint), name='n1'),
            listen_address='192.0.2.1')
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            balancer.state()


def test_a_remote_peer():
    body = {'name': 'p1', 'config': {}, 'type': 'remote',
            'target_integration': 'i1'}
    pages = {'POST networks/n1/peers': {}}
    for extensions in ['network_peer', 'network_integrations'], [
            'network_peer']:
        with serve(pages, *extensions) as server:
            peers = Network(Client(server.endpoint), name='n1').peers
            if 'network_integrations' in extensions:
                peers.create('p1', type='remote', target_integration='i1')
                assert sent_by(server, 'POST') == [body]
            else:
                with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
                    peers.create('p1', type='remote')
                assert server.requested == ['GET /1.0']


@pytest.mark.parametrize('content', [b'{"type": "error"}', b'a \xff b\n'])
def test_the_log_of_an_acl(content):
    """It is a file, also when it looks like an answer of the API."""
    pages = {'GET network-acls/a1/log': http(
        content, Content_Type='application/octet-stream')}
    with serve(pages, 'network_acl', 'network_acl_log') as server:
        acl = NetworkAcl(Client(server.endpoint), name='a1')
        assert acl.log() == content.decode('utf-8', 'replace')
    with serve(pages, 'network_acl') as server:
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            NetworkAcl(Client(server.endpoint), name='a1').log()


def test_changes_that_newer_servers_answer_with_an_operation():
    """LXD 6.8: the calls return when the changes are made."""
    operation = {'id': 'u1', 'status_code': 103, 'status': 'Running'}
    started = accepted(operation)
    pages = {'POST network-acls': started, 'POST network-acls/a1': started,
             'DELETE network-acls/a2': started,
             'GET operations/u1/wait': dict(
                 operation, status_code=200, status='Success')}
    with serve(pages, 'network_acl') as server:
        acl = Client(server.endpoint).network_acls.create('a1')
        acl.rename('a2')
        acl.delete()
        assert [each.partition('?')[0] for each in server.requested[1:]] == [
            'POST /1.0/network-acls', 'GET /1.0/operations/u1/wait',
            'POST /1.0/network-acls/a1', 'GET /1.0/operations/u1/wait',
            'DELETE /1.0/network-acls/a2', 'GET /1.0/operations/u1/wait']


@pytest.mark.parametrize('given, known', [
    ('192.0.2.1', '192.0.2.1'), ('2001:DB8:0:0::1', '2001:db8::1'),
    (u'2001:db8::0001', '2001:db8::1'), ('no-address', 'no-address'),
    ('::ffff:192.0.2.1', '192.0.2.1'), ('0::FFFF:c000:201', '192.0.2.1'),
    ('::192.0.2.1', '::c000:201'), ('::', '::'), ('::1', '::1'),
    (u'h\xe9', u'h\xe9')])
def test_the_name_of_an_address(given, known):
    for model in NetworkForward, NetworkLoadBalancer:
        assert model.check_name(given) == known
        with pytest.raises(exceptions.InvalidName):
            model.check_name('..')


@pytest.mark.parametrize('parent, manager, arguments, message', [
    ('', 'network_address_sets', {'addresses': '192.0.2.1'},
     'addresses must be a list'),
    ('network-zones/z1', 'records', {'entries': 'x'},
     'entries must be a list'),
    ('network-zones/z1', 'records', {'entries': [5]},
     'entries[0] must be a dict'),
    ('network-zones/z1', 'records', {'entries': [{'value': None}]},
     "entries[0]['value'] must be text")])
def test_arguments_of_a_wrong_type(parent, manager, arguments, message):
    with serve({}, 'network_address_set', 'network_dns',
               'network_dns_records') as server:
        objects = find_manager(Client(server.endpoint), parent, manager)
        with pytest.raises(TypeError) as caught:
            objects.create('x', **arguments)
        assert message in str(caught.value)
        assert server.requested == ['GET /1.0']


def test_entries_of_a_record():
    with serve({'POST network-zones/z1/records': {}}, 'network_dns',
               'network_dns_records') as server:
        records = find_manager(
            Client(server.endpoint), 'network-zones/z1', 'records')
        records.create('r1', entries=(
            {'type': 'TXT', 'value': each, 'ttl': 60} for each in (1, True)))
        body, = sent_by(server, 'POST')
        assert body['entries'] == [
            {'type': 'TXT', 'value': '1', 'ttl': 60},
            {'type': 'TXT', 'value': 'true', 'ttl': 60}]
