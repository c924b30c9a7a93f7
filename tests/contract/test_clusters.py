"""A cluster of three servers, its members and its groups."""
import json
import os
import threading

import pytest

import wire
from helpers import BUSYBOX, EMPTY, read_bytes, unique_name
from pylxd import exceptions
from pylxd.models import Cluster, ClusterGroup, ClusterMember
from pylxd.models.cluster_member import ClusterMemberState
from pylxd.testing import ThrowawayCluster
from pylxd.testing.throwaway import Throwaway

from .test_doc_examples import find_pages, read_text, run_examples

pytestmark = pytest.mark.real_server


@pytest.fixture(scope='module')
def cluster(lxd):
    """A cluster of servers like ``lxd``."""
    if not isinstance(lxd, Throwaway):
        pytest.skip('needs real, private servers')
    with ThrowawayCluster(kit=type(lxd), root=lxd.root) as cluster:
        yield cluster
    assert not [each.home for each in cluster.members.values()
                if os.path.exists(each.home)]


@pytest.fixture
def client(cluster):
    with cluster.client() as client:
        yield client


@pytest.fixture
def member(client):
    return client.cluster.members.get('m2')


@pytest.fixture
def create(client):
    """A function that creates a container; all are deleted after."""
    def create(target, source=EMPTY):
        created.append(client.containers.create(
            {'name': unique_name(), 'source': source}, target=target,
            wait=True))
        return created[-1]

    created = []
    yield create
    for each in created:
        if each.name in locations(client):
            each.delete(wait=True)


@pytest.fixture
def make_server(lxd):
    """A function that starts another server, which ends after."""
    def make(**arguments):
        servers.append(type(lxd)(root=lxd.root, **arguments))
        return servers[-1]

    servers = []
    yield make
    for each in servers:
        each.close()


def names(client):
    return sorted(each.server_name for each in client.cluster.members)


def locations(client):
    return {each.name: each.location for each in client.instances.all()}


def test_a_server_without_a_cluster(lxd_client):
    cluster = lxd_client.cluster.get()
    assert type(cluster) is Cluster
    assert not cluster.enabled and not cluster.server_name
    for call in (cluster.members.all, cluster.groups.all,
                 lambda: cluster.members.create_token('m2')):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            call()
        assert 'not clustered' in str(caught.value)
    cluster.disable()  # which would make the server forget all it has
    assert lxd_client.images.exists('busybox', alias=True)


def test_members(cluster, client):
    assert client.cluster.enabled and client.cluster.server_name == 'm1'
    assert cluster.client('m3').cluster.server_name == 'm3'
    assert names(client) == ['m1', 'm2', 'm3']
    member = client.cluster.members.get('m2')
    assert type(member) is ClusterMember
    assert member == ClusterMember.get(client.cluster, 'm2')
    assert repr(member) == '<ClusterMember m2: Online>'
    assert member.url == cluster.members['m2'].endpoint
    assert member.architecture and member.message and member.database
    assert 'database' in member.roles
    assert [client.cluster.member_config[0][key] for key in (
        'entity', 'name', 'key')] == ['storage-pool', 'default', 'source']
    with pytest.raises(ValueError):
        client.cluster.members.all(filter='server_name eq m2')


def test_the_certificate_is_that_of_the_cluster(cluster, client):
    assert len({read_bytes(each.certificate)
                for each in cluster.members.values()}) == 1
    for each in cluster.members.values():
        each.client(endpoint=each.endpoint, verify=each.certificate).close()


def test_save(client, member):
    member.config['user.a'] = 1
    member.description, member.failure_domain = 'text', 'rack1'
    member.save()
    other = client.cluster.members.get('m2')
    del other.config['user.a']
    other.save()
    member.description = ''
    member.save()
    member = client.cluster.members.get('m2')
    assert (member.config, member.description, member.failure_domain) == (
        {}, '', 'rack1')
    assert 'database' in member.roles
    member.patch({'failure_domain': 'default'})
    assert member.failure_domain == 'default'
    member.groups = []
    with pytest.raises(exceptions.LXDAPIException) as caught:
        member.save()
    assert 'at least one group' in str(caught.value)
    assert client.cluster.members.get('m2').groups == ['default']


def test_rename(client):
    member = client.cluster.members.get('m3')
    with pytest.raises(exceptions.LXDAPIException):
        member.rename('m2')
    member.rename('n3')
    assert member.server_name == 'n3' and names(client) == ['m1', 'm2', 'n3']
    member.rename('m3')
    assert names(client) == ['m1', 'm2', 'm3']


@pytest.mark.needs('cluster_member_state')
def test_state(member):
    state = member.state()
    assert type(state) is ClusterMemberState
    assert state.sysinfo['total_ram'] >= state.sysinfo['free_ram'] > 0
    assert state.storage_pools['default']['space']['total'] > 0


def test_a_member_that_does_not_exist(client):
    members = client.cluster.members
    lost = ClusterMember.from_key(client.cluster, ('none',))
    for wrong in (lambda: members.get('none'), lost.sync, lost.delete,
                  lambda: lost.rename('m2'), lost.evacuate, lost.restore):
        with pytest.raises(exceptions.LXDAPIException):
            wrong()
    for name in '', '.', 'a\n':
        with pytest.raises(exceptions.InvalidName):
            members.create_token(name)
    assert names(client) == ['m1', 'm2', 'm3']


@pytest.mark.needs('clustering_groups')
def test_groups(client, create):
    groups = client.cluster.groups
    name = unique_name()
    group = groups.create(name, 'text', ['m3'])
    assert type(group) is ClusterGroup
    assert group == groups.get(name) == ClusterGroup.get(client.cluster, name)
    assert group in groups.all() and 'default' in [
        each.name for each in groups]
    assert (group.description, group.members) == ('text', ['m3'])
    other = groups.get(name)
    other.description = 'new'
    other.save()
    group.members.append('m2')
    group.save()
    assert not group.dirty and group.description == 'new'
    assert sorted(groups.get(name).members) == ['m2', 'm3']
    assert name in client.cluster.members.get('m3').groups
    group.members = ['m3']
    group.save()
    container = create('@' + name)
    assert container.location == 'm3'
    container.delete(wait=True)  # an instance of a group keeps its members
    with pytest.raises(exceptions.LXDAPIException):
        groups.create(name)
    with pytest.raises(exceptions.LXDAPIException):
        groups.create(name + '2', members=['none'])
    assert not groups.exists(name + '2')
    group.members = ['m3', 'none']
    with pytest.raises(exceptions.NotFound) as caught:
        group.save()
    assert 'Cluster member not found' in str(caught.value)
    assert groups.get(name).members == ['m3']
    with pytest.raises(exceptions.LXDAPIException) as caught:
        group.delete()
    assert 'Only empty cluster groups' in str(caught.value)
    group.rollback()
    group.members = []
    group.save()
    group.rename(name + '2')
    with pytest.raises(exceptions.LXDAPIException):
        group.rename('default')
    group.delete()
    assert [each.name for each in groups] == ['default']


@pytest.mark.needs('clustering_groups_config')
def test_config_of_a_group(client):
    group = client.cluster.groups.create(unique_name())
    group.config['user.a'] = '1'
    group.save()
    saved = client.cluster.groups.get(group.name)
    assert saved.config == {'user.a': '1'} and saved.used_by == []
    group.delete()


def test_instances_of_all_members(cluster, client, create):
    created = {create(name).name: name for name in cluster.members}
    assert locations(client) == locations(cluster.client('m3')) == created
    for name in cluster.members:
        targeted = client.use_target(name).containers.create(
            {'name': unique_name(), 'source': EMPTY}, wait=True)
        assert targeted.location == name
        targeted.delete(wait=True)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        create('none')
    assert 'not found' in str(caught.value)
    assert locations(client) == created


def test_move(client, create):
    container = create('m1', BUSYBOX)
    container.move(target='m3')
    assert container.location == 'm3'
    container.start(wait=True)
    assert container.execute(['echo', 'a']).stdout == 'a\n'
    container.stop(wait=True)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        container.move(target='none')
    assert 'not found' in str(caught.value)
    assert locations(client) == {container.name: 'm3'}


def test_use_target(client):
    """What each member has for itself: configuration, pools, volumes."""
    on = {name: client.use_target(name) for name in ('m1', 'm2', 'm3')}
    for name, targeted in on.items():
        info = targeted.api.get().json()['metadata']
        assert info['environment']['server_name'] == name
        targeted.api.resources.get()
        targeted.networks.get('lo').state()
    pool_name = unique_name()
    for targeted in on.values():
        pool = targeted.storage_pools.create(pool_name, 'dir')
    pool = client.storage_pools.create(pool_name, 'dir')
    sources = {each.storage_pools.get(pool_name).config['source']
               for each in on.values()}
    assert len(sources) == 3
    volume = on['m2'].storage_pools.get(pool_name).volumes.create('v1')
    volume.description = 'text'
    volume.save()
    assert on['m2'].storage_pools.get(pool_name).volumes.exists(
        'custom', 'v1')
    assert not on['m3'].storage_pools.get(pool_name).volumes.exists(
        'custom', 'v1')
    listed, = pool.volumes.all()
    assert (listed.name, listed.location, listed.description) == (
        'v1', 'm2', 'text')
    volume.delete()
    pool.delete()
    with pytest.raises(exceptions.NotFound):
        client.use_target('none').storage_pools.get('default')


def test_a_network_of_one_member(client, name):
    """The part of a network that a member has, before the network exists.

    The members share the bridges of this machine, so it is not completed.
    """
    network = client.use_target('m2').networks.create(name, type='bridge')
    try:
        found = client.networks.get(name)
        assert (found.status, found.locations) == ('Pending', ['m2'])
        with pytest.raises(exceptions.LXDAPIException):
            client.networks.create(name, type='bridge')
    finally:
        network.delete()
    assert not client.networks.exists(name)


def test_events_of_all_members(cluster, client, create):
    """Each event names the member that it comes from."""
    events = client.events(event_types='lifecycle')
    arrived = threading.Event()
    received = []

    def receive(message):
        event = json.loads(message.data.decode())
        if event['metadata']['action'] == 'instance-created':
            received.append((
                event['location'],
                event['metadata']['source'].rpartition('/')[2]))
        if len(received) == len(cluster.members):
            arrived.set()

    events.received_message = receive
    events.connect()
    thread = threading.Thread(target=events.run)
    thread.start()
    created = [(name, create(name).name) for name in cluster.members]
    assert arrived.wait(30)
    events.close()
    thread.join()
    assert sorted(received) == sorted(created)


def test_evacuate_and_restore(client, member, create):
    container, other = create('m2', BUSYBOX), create('m1')
    container.config['cluster.evacuate'] = 'migrate'
    container.save(wait=True)
    member.evacuate()
    assert member.status == 'Evacuated'
    assert locations(client)[container.name] in ('m1', 'm3')
    assert locations(client)[other.name] == 'm1'
    with pytest.raises(exceptions.LXDAPIException) as caught:
        create('m2')
    assert 'evacuated' in str(caught.value)
    member.restore()
    assert member.status == 'Online'
    assert locations(client)[container.name] == 'm2'


@pytest.mark.needs('clustering_evacuation_mode')
def test_evacuate_with_a_mode(client, member, create):
    container = create('m2')
    with pytest.raises(exceptions.LXDAPIException) as caught:
        member.evacuate('none')
    assert 'none' in str(caught.value) and member.status == 'Online'
    member.evacuate('stop')
    assert member.status == 'Evacuated'
    assert locations(client)[container.name] == 'm2'
    member.restore()


@pytest.mark.needs('clustering_groups')
@pytest.mark.parametrize('page', find_pages(on_a_cluster=True))
def test_examples(page, cluster, monkeypatch):
    monkeypatch.setenv('LXD_SOCKET', cluster.members['m1'].socket)
    run_examples(page, read_text(page))


def test_join_and_leave(cluster, client, make_server):
    server = make_server(empty=True)
    token = client.cluster.members.create_token('m4')
    with server.client() as joining:
        joining.cluster.join(token, server.endpoint[len('https://'):], [{
            'entity': 'storage-pool', 'name': 'default', 'key': 'source',
            'value': ''}])
        assert joining.cluster.server_name == 'm4'
        assert names(joining) == ['m1', 'm2', 'm3', 'm4']
        with pytest.raises(exceptions.LXDAPIException) as caught:
            joining.cluster.join(token, server.endpoint[len('https://'):])
        assert 'already clustered' in str(caught.value)
    other = make_server(empty=True)
    with other.client() as second:
        with pytest.raises(exceptions.OperationFailed) as caught:
            second.cluster.join(token, other.endpoint[len('https://'):])
        assert 'No matching cluster join operation' in str(caught.value)
        assert token not in str(caught.value)
        assert not second.cluster.get().enabled
        assert names(client) == ['m1', 'm2', 'm3', 'm4']
    client.cluster.members.get('m4').delete()
    assert names(client) == ['m1', 'm2', 'm3']


def test_a_server_that_is_not_empty_cannot_join(client, lxd_client, lxd):
    """Servers would accept it, and forget what they have."""
    token = client.cluster.members.create_token('m4')
    with pytest.raises(exceptions.LXDException) as caught:
        lxd_client.cluster.join(token, lxd.endpoint[len('https://'):])
    assert 'not empty' in str(caught.value)
    assert 'storage pool default' in str(caught.value)
    assert not lxd_client.cluster.get().enabled
    assert lxd_client.images.exists('busybox', alias=True)
    assert names(client) == ['m1', 'm2', 'm3']


def test_refresh_a_copy_on_another_member(lxd_client, client, create, name):
    """LXD 5.0 would look for it on the member with the least instances."""
    copy = create('m2', BUSYBOX)
    create('m2')
    original = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)
    for each in create('m1', BUSYBOX), original:
        # rsync compares the sizes, and the times in seconds
        text = each.name * (2 if each is original else 1)
        each.files.put('/root/name', text)
        for mode in ('pull', 'push', 'relay') if each is original else (
                'pull',):
            again = each.copy(copy.name, to=client, mode=mode, refresh=True)
            assert again.location == 'm2'
            assert again.files.get('/root/name').decode() == text


def test_kill_a_member_and_go_on(cluster, client, create):
    container, lost = create('m1', BUSYBOX), create('m3')
    cluster.kill('m3')
    try:
        assert locations(client) == {container.name: 'm1', lost.name: 'm3'}
        container.config['user.a'] = '1'
        container.save(wait=True)
        created = create('m2')
        assert client.containers.get(created.name).location == 'm2'
        with pytest.raises(exceptions.LXDAPIException) as caught:
            client.cluster.members.get('m3').delete()
        assert lost.name in str(caught.value)
        assert names(client) == ['m1', 'm2', 'm3']
    finally:
        cluster.restart('m3')
    # By a client of m3, as m1 reaches it again up to 10 s later
    with cluster.client('m3') as own:
        own.containers.get(lost.name).delete(wait=True)


def test_a_member_that_is_lost_can_be_removed(client, make_server):
    server = make_server(empty=True)
    with server.client() as joining:
        joining.cluster.join(client.cluster.members.create_token('m5'),
                             server.endpoint[len('https://'):])
    server.kill()
    member = client.cluster.members.get('m5')
    with pytest.raises(exceptions.LXDAPIException):
        member.delete()
    assert names(client) == ['m1', 'm2', 'm3', 'm5']
    member.delete(force=True)
    assert names(client) == ['m1', 'm2', 'm3']


def test_replace_the_certificate(cluster, client, tmpdir):
    """It is the last test: each client over HTTPS needs the new one."""
    paths = wire.make_certificate(tmpdir, unique_name())
    cert, key = [read_bytes(path).decode() for path in paths]
    _, other_key = wire.make_certificate(tmpdir, unique_name())
    before = client.server_certificate()
    for wrong in ('a', 'b'), (cert, read_bytes(other_key).decode()):
        with pytest.raises(exceptions.LXDAPIException):
            client.cluster.update_certificate(*wrong)
        assert client.cluster.members.get('m2').status == 'Online'
    assert client.server_certificate() == before
    client.cluster.certificate.put(cert, key)
    assert client.server_certificate().strip() == cert.strip()
    member = cluster.members['m3']
    assert read_bytes(member.certificate).decode().strip() == cert.strip()
    member.client(endpoint=member.endpoint, verify=member.certificate).close()
    assert names(client) == ['m1', 'm2', 'm3']
