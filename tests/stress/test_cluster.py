"""A cluster of three: a member that hangs, and copies to another server."""
import os

import pytest

from pylxd import exceptions
from pylxd.testing import ThrowawayCluster
from pylxd.testing.throwaway import Throwaway
from helpers import BUSYBOX, EMPTY, NIC, unique_name

from .support import BackgroundCall, clock

#: Seconds after which a call counts as hanging.
LIMIT = 60
#: Seconds after which servers answer without the instances of such a member.
SERVER_LIMIT = 30


@pytest.fixture(scope='module')
def cluster(lxd):
    """A cluster of servers like ``lxd``, which ends with a hanging member."""
    if not isinstance(lxd, Throwaway):
        pytest.skip('needs real, private servers')
    with ThrowawayCluster(kit=type(lxd), root=lxd.root) as cluster:
        with cluster.client() as client:
            # Otherwise the members ignore one that was silent for 20 s
            client.api.patch(
                json={'config': {'cluster.offline_threshold': '3600'}})
        yield cluster
        cluster.pause('m3')
        BackgroundCall(cluster.close).wait(LIMIT)
        assert not [member.home for member in cluster.members.values()
                    if os.path.exists(member.home)]


def create(cluster, target, source=BUSYBOX, **fields):
    """Create a container on a member; its client is one of ``m1``."""
    return cluster.client().containers.create(
        dict(fields, name=unique_name(), source=source), target=target,
        wait=True)


@pytest.fixture(scope='module')
def local(cluster):
    """A running container of ``m1``."""
    container = create(cluster, 'm1')
    container.start(wait=True)
    return container


@pytest.fixture(scope='module')
def remote(cluster):
    """A running container of ``m3``."""
    container = create(cluster, 'm3')
    container.start(wait=True)
    return container


@pytest.fixture(scope='class')
def hanging(cluster, local, remote):
    """Let ``m3`` hang while it runs a command; then it goes on."""
    remote.api['exec'].post(json={
        'command': ['sleep', '600'], 'environment': {},
        'wait-for-websocket': False, 'interactive': False})
    cluster.pause('m3')
    try:
        with pytest.raises(exceptions.ConnectionTimeout):
            remote.client.api.operations.get(timeout=0.5)
        yield
    finally:
        cluster.resume('m3')

    def go_on():
        # By its own client: after a minute of silence, m1 of Incus 7.0.2 was
        # seen not to reach m3 again within 90 s
        own = cluster.client('m3').containers.get(remote.name)
        assert 'sleep 600' in own.execute(['ps']).stdout
        assert own.execute(['killall', 'sleep']).exit_code == 0
        for container in own, local:
            container.config['user.number'] = str(clock())
            container.save(wait=True)
            stored = container.client.containers.get(container.name)
            assert stored.config == container.config

    error = BackgroundCall(go_on).wait(LIMIT)
    assert error is None, error


def test_copies_to_and_from_a_cluster(cluster, lxd):
    """A client of one member copies what another member has."""
    client, single = cluster.client(), lxd.client()
    for name, member in cluster.members.items():
        assert cluster.client(name).addresses == [member.endpoint]
    container = create(cluster, 'm3')
    copied = container.migrate(single, wait=True)
    assert copied.name == container.name and copied.status == 'Stopped'
    image = container.publish(wait=True)
    container.delete(wait=True)
    returned = copied.migrate(client, wait=True)
    assert returned.location in cluster.members
    assert image.copy(single, wait=True).fingerprint == image.fingerprint
    image.delete(wait=True)
    single_image = single.images.get(image.fingerprint)
    single_image.copy(client, wait=True).delete(wait=True)
    for each in single_image, copied, returned:
        each.delete(wait=True)


def save_profile(cluster, local):
    name = unique_name()
    profile = cluster.client().profiles.create(name)
    profile.config['user.a'] = '1'
    profile.save(wait=True)
    assert cluster.client().profiles.get(name).config == {'user.a': '1'}
    profile.rename(unique_name(), wait=True)
    profile.delete(wait=True)


def change_container(cluster, local):
    container = create(cluster, 'm1', EMPTY)
    container.config['user.a'] = '1'
    container.save(wait=True)
    container.rename(unique_name(), wait=True)
    found = cluster.client().containers.get(container.name)
    assert found.config['user.a'] == '1'
    found.delete(wait=True)
    assert not cluster.client().containers.exists(container.name)


def change_state(cluster, local):
    local.stop(wait=True)
    assert local.status == 'Stopped'
    local.start(wait=True)
    assert local.state().status == 'Running'


def change_snapshots(cluster, local):
    snapshot = local.snapshots.create('s1', wait=True)
    assert [each.name for each in local.snapshots.all()] == ['s1']
    assert snapshot.created_at
    snapshot.delete(wait=True)
    assert local.snapshots.all() == []


def execute(cluster, local):
    assert local.files.put('/tmp/file', b'data')
    assert local.execute(['cat', '/tmp/file']).stdout == 'data'


def read_lists(cluster, local):
    client = cluster.client()
    # Not containers.all(): Incus 7 asks all members for their types
    assert local.name in [each.name for each in client.instances.all()]
    assert [each.size for each in client.images.all()]
    assert 'default' in [each.name for each in client.profiles.all()
                         if each.devices]
    assert [each.type for each in client.networks.all()]


@pytest.mark.usefixtures('hanging')
class TestAMemberThatHangs(object):
    """What a client of another member does meanwhile."""

    @pytest.mark.parametrize('timeout', [None, 5])
    def test_a_save(self, cluster, local, add_row, timeout):
        """A save that starts an operation, a PUT, ends with its change made.

        The server does not list its operations to it.
        """
        container = cluster.client(timeout=timeout).containers.get(local.name)
        container.devices['n'] = NIC
        container.save(wait=True)  # a PATCH
        del container.devices['n']
        started = clock()
        error = BackgroundCall(lambda: container.save(wait=True)).wait(LIMIT)
        assert error is None and not container.dirty
        add_row('faults', 'a member of a cluster hangs, timeout={}'.format(
            timeout), 1, 'a save with its change made',
            '{:.1f}'.format(clock() - started), 'nothing')
        local.sync()
        assert local.devices == container.devices == {}

    @pytest.mark.parametrize('call', [
        save_profile, change_container, change_state, change_snapshots,
        execute, read_lists])
    def test_other_calls(self, cluster, local, call):
        error = BackgroundCall(lambda: call(cluster, local)).wait(LIMIT)
        assert error is None, error

    def test_attributes_of_a_list(self, cluster, local, remote):
        """With a timeout, the others of a list are not waited for."""
        containers = {
            each.name: each
            for each in cluster.client(timeout=3).instances.all()}
        status = BackgroundCall(
            lambda: containers[local.name].status).wait(LIMIT)
        assert status == 'Running'
        with pytest.raises(exceptions.ConnectionTimeout):
            containers[remote.name].status

    def test_a_list(self, scale, cluster, local, remote):
        """Without a timeout, the server shows which ones it cannot ask."""
        if not scale(False, True):
            pytest.skip('takes 30 s: run it with --long')
        containers = BackgroundCall(lambda: {
            each.name: each.status
            for each in cluster.client().instances.all()}
        ).wait(SERVER_LIMIT + LIMIT)
        assert containers[local.name] == 'Running'
        assert containers[remote.name] == 'Error'
