"""Programs with the calls of real ones, in their order.

They are for pylxd 2.x, and run without the switch and with it, but for those
that unpack three values from `execute`.
"""
import contextlib
import io
from multiprocessing.pool import ThreadPool
import os
import threading
import time

import pytest
from ws4py.client.threadedclient import WebSocketClient

import pylxd
from helpers import BUSYBOX, NIC, wait_until
from pylxd.client import get_session_for_url

pytestmark = pytest.mark.real_server

BOTH = pytest.mark.parametrize('compat', ['', '2.4'])
SWITCHED = pytest.mark.parametrize('compat', ['2.4'])


@pytest.fixture
def client(lxd, compat):
    with lxd.client(compat=compat) as client:
        yield client


def parse_version(text):
    return tuple(int(part) for part in text.split('.')[:3])


def rest_tree_of_containers(client):
    """Return ``client.api.containers``, which Incus calls ``instances``."""
    if client.host_info['environment']['server'] == 'incus':
        return client.api.instances
    return client.api.containers


@BOTH
def test_a_module_of_a_configuration_manager(client, name):
    """Like salt's module: it takes two or three values of a command."""
    assert parse_version(pylxd.__version__) >= (2, 2, 5)
    path = client.transport.socket_path
    assert os.path.exists(path)
    client = pylxd.Client(path, compat='2.4' if hasattr(
        client, 'documented_class') else '')
    try:
        client.containers.get(name)
    except pylxd.exceptions.LXDAPIException as error:
        assert error.response.status_code == 404
    container = client.containers.create({
        'name': name, 'source': BUSYBOX, 'profiles': ['default'],
        'config': {'user.role': 'web'}, 'ephemeral': False}, wait=True)
    container.start(30, True, wait=True)
    result = container.execute(['sh', '-c', 'echo out; exit 2'])
    if hasattr(result, 'exit_code'):
        output = result.exit_code, result.stdout, result.stderr
    else:
        output = (0,) + tuple(result)
    assert output == (2, 'out\n', '')
    container.files.put('/etc/role', 'web')
    assert container.files.get('/etc/role') == b'web'
    with pytest.raises(pylxd.exceptions.NotFound):
        container.files.get('/none')
    with pytest.raises(pylxd.exceptions.LXDAPIException) as caught:
        container.files.get('/etc')
    assert 'directory' in str(caught.value)
    container.config['user.role'] = 'db'
    container.save(wait=True)
    fields = {key: getattr(container, key)
              for key in container.__attributes__}
    assert fields['config']['user.role'] == 'db'
    assert fields['status_code'] == 103 and fields['name'] == name
    container.stop(30, True, wait=True)
    assert container.status == 'Stopped'
    container.rename(name + 'b', wait=True)
    container.delete(wait=True)
    client.close()


@BOTH
def test_states_of_a_configuration_manager(client, name):
    """Like salt's states: profiles and images, found before they change."""
    with pytest.raises(pylxd.exceptions.LXDAPIException):
        client.profiles.get(name)
    profile = client.profiles.create(name, {'user.a': '1'}, {'eth0': NIC})
    profile.description = 'made by a state'
    profile.config['user.b'] = '2'
    del profile.devices['eth0']
    profile.save()
    profile = client.profiles.get(name)
    assert profile.config == {'user.a': '1', 'user.b': '2'}
    assert profile.devices == {} and profile.name in [
        each.name for each in client.profiles.all()]
    image = client.images.get_by_alias('busybox')
    image.add_alias(name, 'an alias of a state')
    aliases = {each['name'] for each in client.images.get(
        image.fingerprint).aliases}
    assert name in aliases
    image.delete_alias(name)
    image.public = True
    image.save(wait=True)
    assert client.images.get(image.fingerprint).public is True
    image.public = False
    image.save(wait=True)
    client.authenticate('not needed, since the client is trusted')
    assert client.trusted


@BOTH
def test_a_migration_of_a_configuration_manager(
        client, lxd, lxd_https, clean_target, name, compat):
    """Like salt: it deletes the source, and saves the profiles of the copy."""
    with lxd.client(compat=compat, **lxd_https) as source:
        container = source.containers.create(
            {'name': name, 'source': BUSYBOX}, wait=True)
        copy = container.migrate(clean_target, wait=True)
        container.delete(wait=True)
        copy.profiles = ['default']
        copy.save(wait=True)
        assert not source.containers.exists(name)
        assert clean_target.containers.get(name).profiles == ['default']


@SWITCHED
def test_a_tool_for_development_machines(client, name):
    """Like lxdock: it reads `status_code` after each change."""
    assert not client.containers.exists(name)
    container = client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)
    container.config.update({'user.home': '/root'})
    container.save(wait=True)
    container.start(wait=True)
    assert container.status_code == 103
    code, out, err = container.execute(
        ['cat', '/etc/hostname'], environment={'LANG': 'C'})
    assert code != 0 and out == '' and 'hostname' in err
    code, out, _ = container.execute(['id', '-u'])
    assert (code, out) == (0, '0\n')
    assert isinstance(container.state().network, dict)
    container.stop(wait=True)
    assert container.status_code == 102
    assert container.state().network is None
    container.delete(wait=True)
    assert not client.containers.exists(name)


@BOTH
def test_a_monitor_with_several_pollers(client, name):
    """Like glances: whole objects of one request, states from threads."""
    for number in range(2):
        client.containers.create({'name': '{}{}'.format(name, number),
                                  'source': BUSYBOX}, wait=True)
    client.containers.get(name + '0').start(wait=True)
    version = client.host_info['environment']['server_version']
    assert version and client.has_api_extension('etag')

    def poll():
        instances = [each for each in client.instances.all(recursion=1)
                     if each.name.startswith(name)]
        states = {each.name: each.state() for each in instances}
        for each in instances:
            assert each.type == 'container' and each.created_at
            assert set(dir(states[each.name])) >= {'cpu', 'memory', 'network'}
        return sorted((each.name, each.status,
                       states[each.name].pid > 0)
                      for each in instances)
    expected = [(name + '0', 'Running', True), (name + '1', 'Stopped', False)]
    with contextlib.closing(ThreadPool(4)) as pool:
        assert pool.map(lambda _: poll(), range(12)) == [expected] * 12
    everything = client.containers.all() + client.virtual_machines.all()
    assert {name + '0', name + '1'} <= {each.name for each in everything}


@BOTH
def test_a_name_server_that_follows_events(client, name):
    """Like lxd-dyndns: a class of its own receives what happens."""
    started = []

    class Events(WebSocketClient):
        def received_message(self, message):
            started.append(message.data)
    events = client.events(Events, event_types={pylxd.EventType.Lifecycle})
    events.connect()
    thread = threading.Thread(target=events.run_forever)
    thread.start()
    container = client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)
    container.start(wait=True)
    wait_until(lambda: any(
        b'instance-started' in each and name.encode() in each
        for each in started))
    assert isinstance(
        client.containers.get(name).state().network, dict)
    events.close()
    thread.join(20)
    assert not thread.is_alive()


@SWITCHED
def test_a_user_interface_in_a_terminal(client, name):
    """Like lazy-lxd: lists, commands with three values, snapshots."""
    container = client.instances.create(
        {'name': name, 'source': BUSYBOX, 'type': 'container'}, wait=True)
    rows = [(each.name, each.status, each.type)
            for each in client.instances.all()]
    assert (name, 'Stopped', 'container') in rows
    container.start(wait=True)
    code, out, err = client.instances.get(name).execute(['echo', 'hello'])
    assert (code, out, err) == (0, 'hello\n', '')
    container.snapshots.create('before', stateful=False, wait=True)
    assert [each.name for each in container.snapshots.all()] == ['before']
    container.snapshots.get('before').delete(wait=True)
    container.freeze(wait=True)
    assert container.status == 'Frozen'
    container.unfreeze(wait=True)
    container.restart(wait=True)
    assert container.status == 'Running'


@BOTH
def test_a_web_interface(client, name):
    """Like lxdui: the REST tree beside the objects, and a published image."""
    assert client.host_info['environment']['kernel'] == 'Linux'
    node = rest_tree_of_containers(client)
    response = node.get()
    assert response.json()['status_code'] == 200
    container = client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)
    response = node[name].files.post(
        params={'path': '/root/a'}, data=b'1', headers={'X-LXD-mode': '0600'})
    assert response.status_code == 200
    image = container.publish(wait=True)
    image.add_alias(name, '')
    assert client.images.exists(name, alias=True)
    exported = image.export()
    data = exported if isinstance(exported, bytes) else exported.read()
    assert len(data) == image.size
    image.delete(wait=True)
    again = client.images.create(io.BytesIO(data), wait=True)
    assert again.fingerprint == image.fingerprint
    again.delete(wait=True)
    network = client.networks.create(
        name, description='a bridge', type='bridge',
        config={'ipv4.address': 'none', 'ipv6.address': 'none'})
    network.config['user.a'] = '1'
    network.save()
    assert client.networks.get(name).config['user.a'] == '1'
    network.delete()


@BOTH
def test_a_spawner_of_notebooks(client, lxd, lxd_https, name, compat):
    """Like lxdspawner: over HTTPS, with the names of the results."""
    with pylxd.Client(compat=compat, **lxd_https) as client:
        if not client.containers.exists(name):
            client.containers.create(
                {'name': name, 'source': BUSYBOX}, wait=True)
        container = client.containers.get(name)
        if container.status != 'Running':
            container.start(wait=True)
        result = container.execute(
            ['sh', '-c', 'echo $TOKEN'], environment={'TOKEN': 'abc'})
        assert result.exit_code == 0 and result.stdout == 'abc\n'
        container.stop(wait=True)


@BOTH
def test_a_driver_of_pods(client, lxd_https, name, compat):
    """Storage, projects, members of a cluster, by a session of its own."""
    endpoint = lxd_https['endpoint']
    session = get_session_for_url(
        endpoint, verify=lxd_https['verify'], cert=lxd_https['cert'])
    with pylxd.Client(endpoint, session=session, compat=compat) as client:
        assert client.trusted and client.server_clustered is False
        resources = client.resources
        assert resources['cpu']['total'] > 0 < resources['memory']['total']
        if not client.projects.exists(name):
            client.projects.create(name, 'pods', {'features.images': 'false'})
        project = client.projects.get(name)
        assert project.description == 'pods'
        pool = client.storage_pools.get('default')
        space = pool.resources.get().space
        assert 0 < space['used'] <= space['total']
        volume = pool.volumes.create({'name': name, 'type': 'custom'})
        assert (volume.type, volume.name) in [
            (each.type, each.name) for each in pool.volumes.all()]
        volume.config['user.pod'] = name
        volume.save()
        assert pool.volumes.get('custom', name).config['user.pod'] == name
        volume.delete()
        assert [each.name for each in client.networks.all()]
        with pylxd.Client(endpoint, session=session, project=name,
                          compat=compat) as inside:
            assert inside.project == name
            assert inside.containers.all() == []
            assert [each.name for each in inside.profiles.all()] == ['default']
        project.delete()


@BOTH
def test_a_driver_of_a_cloud(client, name):
    """Like a Nova driver: storage, metrics, the log of the console."""
    environment = client.host_info['environment']
    assert 'dir' in environment['storage']
    container = client.instances.create(
        {'name': name, 'source': BUSYBOX, 'type': 'container',
         'config': {'boot.autostart': 'true', 'limits.memory': '256MB'}},
        wait=True)
    container.start(wait=True)
    statuses = {each.name: each.status
                for each in client.instances.all(recursion=1)}
    assert statuses[name] == 'Running'
    metrics = client.api.metrics.get(is_api=False).text
    assert '# TYPE ' in metrics
    try:
        log = client.api.instances[name].console.get(is_api=False).content
    except pylxd.exceptions.LXDAPIException:
        log = b''  # the instance has printed nothing
    assert isinstance(log, bytes)
    assert client.storage_pools.all()[0].resources.get().inodes['total'] > 0
    client.api.instances[name].get(params={'recursion': 1})
    container.stop(wait=True, timeout=30, force=True)


@BOTH
def test_a_migration_of_a_cloud(lxd, lxd_https, clean_target, name, compat):
    """Like a Nova driver: one host offers the instance, another pulls it."""
    with lxd.client(compat=compat, **lxd_https) as source:
        container = source.containers.create(
            {'name': name, 'source': BUSYBOX}, wait=True)
        data = container.generate_migration_data()
        assert data['name'] == name
        assert data['source']['type'] == 'migration'
        clean_target.containers.create(data, wait=True)
        assert clean_target.containers.get(name).status == 'Stopped'


@BOTH
def test_a_runner_of_jobs(client, name, tmpdir):
    """Ephemeral containers, files of a checkout, output as it arrives."""
    container = client.containers.create(
        {'name': name, 'source': BUSYBOX, 'ephemeral': True}, wait=True)
    container.start(wait=True)
    tmpdir.mkdir('checkout').join('job').write(
        'echo one; echo two >&2; exit 4')
    container.files.recursive_put(str(tmpdir.join('checkout')), '/job')
    output, errors = [], []
    result = container.execute(
        ['sh', '/job/job'], environment={'CI': 'true'},
        stdout_handler=output.append, stderr_handler=errors.append)
    assert result.exit_code == 4
    assert (''.join(output), ''.join(errors)) == ('one\n', 'two\n')
    container.files.mk_dir('/results')
    container.files.put('/results/log', 'done')
    container.files.recursive_get('/results', str(tmpdir.join('results')))
    assert tmpdir.join('results', 'log').read() == 'done'
    container.stop(wait=True)
    deadline = time.time() + 20
    while client.containers.exists(name) and time.time() < deadline:
        time.sleep(0.05)
    assert not client.containers.exists(name)
