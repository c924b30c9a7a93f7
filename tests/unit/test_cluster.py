"""A cluster, its members and groups: a scripted server."""
import base64
import json

import pytest

from pylxd import Client, exceptions
from pylxd.models.cluster import Cluster
from pylxd.models.cluster_group import ClusterGroup
from pylxd.models.cluster_member import ClusterMember, ClusterMemberState
from pylxd.transport.tls import fingerprint, read_pinned
from helpers import read_bytes
from wire import (
    ROOT, Server, accepted, lxd_api, make_certificate, sync, tls_context)

EXTENSIONS = ('clustering', 'clustering_join_token', 'clustering_update_cert',
              'clustering_evacuation', 'clustering_evacuation_mode',
              'clustering_edit_roles', 'clustering_groups',
              'cluster_member_state', 'storage')
OPERATION = {'id': 'o1', 'class': 'task', 'status': 'Success',
             'status_code': 200}
RUNNING = {'id': 'o1', 'class': 'task', 'status': 'Running',
           'status_code': 103}
TOKEN_METADATA = {'serverName': 'm2', 'secret': 'hidden', 'fingerprint': 'f1',
                  'addresses': ['192.0.2.1:8443'],
                  'expiresAt': '2040-01-01T00:00:00Z'}
MEMBER = {'server_name': 'm1', 'roles': ['database'], 'config': {},
          'failure_domain': 'default', 'description': '',
          'groups': ['default'], 'status': 'Online'}
EMPTY_SERVER = {
    'GET /1.0/cluster': {'enabled': False, 'server_name': ''},
    'GET /1.0/storage-pools': [], 'GET /1.0/networks': [],
    'GET /1.0/images': [], 'PUT /1.0/cluster': {}}


def serve(pages, extensions=EXTENSIONS):
    return Server(lxd_api(pages, dict(ROOT, api_extensions=list(extensions))))


def body(server, method):
    """Return the body of the only request with a method."""
    found, = [each for each in server.requests if each.method == method]
    return json.loads(found.body.decode())


def make_token(**fields):
    return base64.b64encode(json.dumps(dict({
        'server_name': 'm2', 'secret': 'hidden', 'fingerprint': 'f1',
        'addresses': ['127.0.0.1:1']}, **fields)).encode()).decode()


@pytest.mark.parametrize('extension, call', [
    ('clustering', lambda cluster: cluster.get()),
    ('clustering', lambda cluster: cluster.enable('m1')),
    ('clustering', lambda cluster: cluster.disable()),
    ('clustering', lambda cluster: cluster.members.all()),
    ('clustering_join_token', lambda cluster: cluster.join(
        make_token(), '192.0.2.1:8443')),
    ('clustering_join_token', lambda cluster: cluster.members.create_token(
        'm2')),
    ('clustering_update_cert', lambda cluster: cluster.certificate.put(
        'a', 'b')),
    ('clustering_edit_roles', lambda cluster: change(member(cluster))),
    ('clustering_evacuation', lambda cluster: member(cluster).evacuate()),
    ('clustering_evacuation', lambda cluster: member(cluster).restore()),
    ('clustering_evacuation_mode', lambda cluster: member(cluster).evacuate(
        'stop')),
    ('cluster_member_state', lambda cluster: member(cluster).state()),
    ('clustering_groups', lambda cluster: cluster.groups.create('g1')),
    ('clustering_groups', lambda cluster: cluster.groups.all()),
])
def test_each_call_needs_its_extension(extension, call):
    with serve({}, [each for each in EXTENSIONS if each != extension]
               ) as server:
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            call(Client(server.endpoint).cluster)
        assert '"{}"'.format(extension) in str(caught.value)
        assert server.requested == ['GET /1.0']


def member(cluster):
    return ClusterMember.from_key(cluster, ('m1',))


def change(model):
    model.description = 'text'
    model.save()


def test_enable():
    """The client knows at once that the server is clustered."""
    answers = [{'enabled': False, 'server_name': ''},
               {'enabled': True, 'server_name': 'm1'}]
    pages = {'GET /1.0/cluster': lambda request: answers.pop(0),
             'PUT /1.0/cluster': accepted(RUNNING),
             'GET /1.0/operations/o1/wait': OPERATION}
    with serve(pages) as server:
        cluster = Client(server.endpoint).cluster
        assert type(cluster) is Cluster and not cluster.enabled
        with pytest.raises(exceptions.InvalidName):
            cluster.enable('..')
        cluster.enable('m1')
        assert cluster.enabled and cluster.server_name == 'm1'
        assert body(server, 'PUT') == {'enabled': True, 'server_name': 'm1'}
        assert server.requested.count('GET /1.0') == 2


@pytest.mark.parametrize('enabled', [True, False])
def test_disable_is_for_members_alone(enabled):
    """LXD and Incus empty a server without a cluster as well."""
    pages = {'GET /1.0/cluster': {'enabled': enabled, 'server_name': ''},
             'PUT /1.0/cluster': {}}
    with serve(pages) as server:
        Client(server.endpoint).cluster.disable()
        assert ('PUT /1.0/cluster' in server.requested) is enabled


@pytest.mark.parametrize('metadata', [
    None, {}, dict(TOKEN_METADATA, expiresAt=None), TOKEN_METADATA])
def test_create_token(metadata):
    """It has the encoding that `lxc cluster add` prints."""
    pages = {'POST /1.0/cluster/members': accepted(
        dict(RUNNING, metadata=metadata))}
    with serve(pages) as server:
        members = Client(server.endpoint).cluster.members
        if not metadata:
            with pytest.raises(exceptions.InvalidResponse):
                members.create_token('m2')
            return
        token = json.loads(base64.b64decode(
            members.create_token('m2')).decode())
        assert token == {
            'server_name': 'm2', 'secret': 'hidden', 'fingerprint': 'f1',
            'addresses': ['192.0.2.1:8443'],
            'expires_at': metadata['expiresAt']}
        assert body(server, 'POST') == {'server_name': 'm2'}


@pytest.mark.parametrize('token, error', [
    ('', ValueError), ('x', ValueError), ('hidden', ValueError),
    (u'\xe9hidden', ValueError), (make_token(secret=''), ValueError),
    (make_token(addresses=[]), ValueError),
    (base64.b64encode(b'["hidden"]').decode(), ValueError),
    (base64.b64encode(b'{}'), ValueError), (None, TypeError),
    ({'secret': 'hidden'}, TypeError)])
def test_join_with_a_wrong_token(token, error):
    with serve({}) as server:
        with pytest.raises(error) as caught:
            Client(server.endpoint).cluster.join(token, '192.0.2.1:8443')
        assert 'hidden' not in str(caught.value)
        assert server.requested == ['GET /1.0']


@pytest.mark.parametrize('path, content, named', [
    ('storage-pools', [{'name': 'p1', 'config': {}}], 'the storage pool p1'),
    ('networks', [{'name': 'n1', 'managed': True}, {'name': 'lo'}],
     'the network n1'),
    ('images', ['/1.0/images/0123456789abcdef'], 'the image 0123456789ab'),
])
def test_only_an_empty_server_joins(path, content, named):
    def answer(request):
        if 'recursion' in request.target or path == 'images':
            return content
        return ['/1.0/{}/{}'.format(path, each['name']) for each in content]

    pages = dict(EMPTY_SERVER, **{'GET /1.0/' + path: answer})
    with serve(pages) as server:
        with pytest.raises(exceptions.LXDException) as caught:
            Client(server.endpoint).cluster.join(
                make_token(), '192.0.2.1:8443')
        assert 'is not empty' in str(caught.value)
        assert 'delete {} first'.format(named) in str(caught.value)
        assert 'PUT /1.0/cluster' not in server.requested


def test_join(tmpdir):
    """The certificate of the cluster is compared with the token."""
    pair = make_certificate(tmpdir)
    found = fingerprint(read_pinned(pair[0])[0])
    with serve(EMPTY_SERVER) as server, Server(
            lxd_api(), context=tls_context(pair)) as other:
        address = other.endpoint[len('https://'):]
        cluster = Client(server.endpoint).cluster
        with pytest.raises(exceptions.ClientConnectionFailed):
            cluster.join(make_token(), '192.0.2.1:8443')
        with pytest.raises(exceptions.InvalidCertificate) as caught:
            cluster.join(make_token(addresses=[address]), '192.0.2.1:8443')
        assert 'the fingerprint f1, not ' + found in str(caught.value)
        assert 'PUT /1.0/cluster' not in server.requested
        token = make_token(
            addresses=['127.0.0.1:1', address], fingerprint=found)
        config = {'entity': 'storage-pool', 'name': 'default',
                  'key': 'source', 'value': '/dev/sdb'}
        cluster.join(token, '192.0.2.1:8443', (config,))
        sent = body(server, 'PUT')
        assert sent.pop('cluster_certificate').split() == read_bytes(
            pair[0]).decode().split()
        assert sent == {
            'enabled': True, 'server_name': 'm2', 'cluster_address': address,
            'server_address': '192.0.2.1:8443', 'cluster_token': token,
            'cluster_password': token, 'member_config': [config]}


def test_update_certificate():
    with serve({'PUT /1.0/cluster/certificate': {}}) as server:
        Client(server.endpoint).cluster.update_certificate('cert', b'key')
        assert body(server, 'PUT') == {
            'cluster_certificate': 'cert', 'cluster_certificate_key': 'key'}
        with pytest.raises(TypeError, match='key must be PEM text'):
            Client(server.endpoint).cluster.update_certificate('cert', None)


def test_a_save_of_a_member_sends_all_fields():
    """By PATCH, servers would drop the roles that are left out."""
    pages = {'GET /1.0/cluster/members/m1': MEMBER,
             'PUT /1.0/cluster/members/m1': {}}
    with serve(pages, EXTENSIONS + ('patch', 'etag')) as server:
        found = Client(server.endpoint).cluster.members.get('m1')
        found.failure_domain = 'rack1'
        found.save()
        assert body(server, 'PUT') == dict(MEMBER, failure_domain='rack1')


def test_calls_of_a_member():
    pages = {'POST /1.0/cluster/members/m1': {},
             'POST /1.0/cluster/members/m1/state': accepted(RUNNING),
             'GET /1.0/operations/o1/wait': OPERATION,
             'GET /1.0/cluster/members/m1/state': {
                 'sysinfo': {'processes': 3}, 'storage_pools': {}},
             'GET /1.0/cluster/members/m1': MEMBER,
             'DELETE /1.0/cluster/members/m2': {}}
    with serve(pages) as server:
        found = Client(server.endpoint).cluster.members.get('m1')
        state = found.state()
        assert type(state) is ClusterMemberState
        assert state.sysinfo == {'processes': 3}
        found.evacuate('stop')
        found.evacuate(wait=False)
        found.restore()
        assert found.operation.ended
        found.rename('m2')
        found.delete(force=True)
        found.delete()
        assert [json.loads(each.body.decode()) for each in server.requests
                if each.method == 'POST'] == [
            {'action': 'evacuate', 'mode': 'stop'}, {'action': 'evacuate'},
            {'action': 'restore'}, {'server_name': 'm2'}]
        assert server.requested[-2:] == [
            'DELETE /1.0/cluster/members/m2?force=1',
            'DELETE /1.0/cluster/members/m2']
        assert server.requested.count('GET /1.0/operations/o1/wait') == 2


def test_create_a_group():
    group = {'name': 'g1', 'description': 'text', 'members': ['m1']}
    pages = {'POST /1.0/cluster/groups': {},
             'GET /1.0/cluster/groups/g1': group}
    with serve(pages) as server:
        groups = Client(server.endpoint).cluster.groups
        created = groups.create('g1', 'text', ('m1',))
        assert type(created) is ClusterGroup and created.members == ['m1']
        assert body(server, 'POST') == group
        with pytest.raises(TypeError):
            groups.create('g1', members='m1')


def test_a_save_of_a_group_on_a_server_without_its_config():
    """LXD leaves out ``config``, and returns members in its own order."""
    group = {'name': 'g1', 'description': '', 'members': ['m3']}

    def put(request):
        group['members'] = sorted(json.loads(request.body)['members'])
        return {}

    pages = {'GET /1.0/cluster/groups/g1': lambda request: group,
             'PUT /1.0/cluster/groups/g1': put}
    with serve(pages, EXTENSIONS + ('patch', 'etag')) as server:
        found = Client(server.endpoint).cluster.groups.get('g1')
        assert dict(found)['config'] == {}
        found.members.append('m2')
        found.save()
        assert not found.dirty and found.members == ['m2', 'm3']


def test_no_server_filters_members():
    with serve({}) as server:
        cluster = Client(server.endpoint).cluster
        for manager in cluster.members, cluster.groups:
            with pytest.raises(ValueError):
                manager.all(filter='server_name eq m1')


def test_an_empty_list_that_is_a_null():
    """Incus 6.0 without a storage pool sends one."""
    with serve({'GET /1.0/storage-pools': sync(None)}) as server:
        assert Client(server.endpoint).storage_pools.all() == []
