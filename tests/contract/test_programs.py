"""Programs with the calls of real ones, in their order.

Each is written for pylxd 2.x, and runs without the switch ``compat`` and with
it; those that unpack three values from `execute` need the switch.
"""
import contextlib
import json
from multiprocessing.pool import ThreadPool
import os
import threading

import pytest
from ws4py.client.threadedclient import WebSocketClient

import pylxd
from helpers import BUSYBOX, NIC, unique_name, wait_until
from pylxd.client import get_session_for_url
from pylxd.container import Container

from .support import hash_data, make_image_parts, serve_simplestreams, settle

pytestmark = pytest.mark.real_server

BOTH = pytest.mark.parametrize('compat', [None, '2.4'])
SWITCHED = pytest.mark.parametrize('compat', ['2.4'])

#: A container whose init ends at once when it should shut down.
OBEDIENT = {'raw.lxc': 'lxc.signal.halt=SIGKILL'}


@pytest.fixture
def client(lxd, compat):
    with lxd.client(compat=compat) as client:
        yield client


@pytest.fixture
def remote(lxd_https, compat):
    """Arguments of ``Client`` for a trusted client over HTTPS."""
    return dict(lxd_https, compat=compat)


@pytest.fixture(scope='module')
def started_guest(lxd):
    """A running container, which the programs leave on."""
    with lxd.client() as client:
        guest = client.containers.create({
            'name': unique_name(), 'source': BUSYBOX,
            'devices': {'eth0': NIC}}, wait=True)
        try:
            guest.start(wait=True)
            yield guest
        finally:
            guest.delete(wait=True, force=True)


@pytest.fixture
def guest(started_guest):
    """The running container, with an address."""
    if not started_guest.state().addresses('inet'):
        started_guest.execute(
            ['ip', 'addr', 'add', '192.0.2.7/24', 'dev', 'eth0'], check=True)
    return started_guest


def copy_attributes(model):
    """Return the attributes of an object by name, as salt does."""
    return {key: getattr(model, key) for key in model.__attributes__.keys()
            if hasattr(model, key)}


def put_by_salt(self, filepath, data, mode=None, uid=None, gid=None):
    """Write a file in the way with which salt replaces that of pylxd."""
    headers = {} if mode is None else {'X-LXD-mode': mode}
    for key, value in ('uid', uid), ('gid', gid):
        if value is not None:
            headers['X-LXD-' + key] = str(value)
    response = self._client.api.containers[self._container.name].files.post(
        params={'path': filepath}, data=data, headers=headers)
    return response.status_code == 200


def find_addresses(container):
    """Return the IPv4 addresses of ``eth0``."""
    return [address['address'] for name, interface
            in container.state().network.items() if name == 'eth0'
            for address in interface['addresses']
            if address['family'] == 'inet']


@BOTH
def test_containers_of_a_configuration_manager(client, name):
    """Like salt's module: attributes, states, commands and snapshots."""
    assert [int(part) for part in pylxd.__version__.split('.')[:3]] >= [
        2, 2, 5]
    with pytest.raises(pylxd.exceptions.LXDAPIException):
        client.containers.get(name)
    container = client.containers.create({
        'name': name, 'profiles': ['default'], 'source': BUSYBOX,
        'config': {'user.role': 'web'}, 'ephemeral': False}, wait=True)
    container.devices['eth0'] = NIC
    container.save(wait=True)
    assert container.status_code == 102
    container.rename(name + 'b', wait=True)
    container = client.containers.get(name + 'b')
    container.start(wait=True)
    fields = copy_attributes(container)
    assert fields['status_code'] == 103 and fields['name'] == name + 'b'
    assert fields['config']['user.role'] == 'web'
    assert fields['devices'] == {'eth0': NIC}
    assert name + 'b' in [copy_attributes(each)['name']
                          for each in client.containers.all()]
    state = container.state()
    assert {key: getattr(state, key) for key in dir(state)
            if not key.startswith('_')}['network']['eth0']['type']
    result = container.execute(['sh', '-c', 'echo out; exit 2'])
    # salt reads two values if the result has no exit code
    assert (result.exit_code, result.stdout, result.stderr) == (2, 'out\n', '')
    container.snapshots.create('before')
    settle(client)
    for snapshot in container.snapshots.all():
        assert snapshot.name == 'before'
        snapshot.delete()
    settle(client)
    assert container.snapshots.all() == []
    container.freeze(wait=True)
    assert copy_attributes(container)['status'] == 'Frozen'
    container.unfreeze(wait=True)
    container.stop(30, True, wait=True)
    assert container.status_code == 102
    container.delete(wait=True)


@BOTH
def test_states_that_a_configuration_manager_prints(client, guest):
    """Like salt's module: each name in ``dir()`` is a value of the state."""
    state = client.containers.get(guest.name).state()
    json.dumps({key: getattr(state, key) for key in dir(state)
                if not key.startswith('_')})


@BOTH
def test_files_of_a_configuration_manager(client, guest, tmpdir, compat):
    """Like salt's module: it copies a file, then a directory."""
    container = client.containers.get(guest.name)
    with pytest.raises(pylxd.exceptions.NotFound):
        container.files.get('/none/.')
    with pytest.raises(pylxd.exceptions.LXDAPIException) as caught:
        container.files.get('/etc/.')
    assert 'Is a directory' in str(caught.value)
    with pytest.raises(pylxd.exceptions.NotFound):
        container.files.get('/etc/none')
    # The mode is oct(os.stat(PATH).st_mode) on Python 3
    result = container.files.put(
        '/etc/role', b'web', mode='0o100640', uid=1, gid=2)
    assert result is (None if compat else True)
    assert container.files.get('/etc/role') == b'web'
    container.execute(['mkdir', '-p', '/data', '/data/a'])
    container.files.put('/data/a/b', b'1', mode=None, uid=None, gid=None)
    tmpdir.join('b').write_binary(container.files.get('/data/a/b'))
    assert tmpdir.join('b').read() == '1'
    result = container.execute(['stat', '-c', '%a %u %g', '/etc/role'])
    assert result.stdout == '640 1 2\n'


@BOTH
def test_a_replaced_method_of_a_configuration_manager(
        client, guest, monkeypatch, compat):
    """Like salt's module: it replaces `put` by a function of its own."""
    try:
        client.api.containers.get()
    except pylxd.exceptions.NotFound:
        pytest.skip('this server has no /1.0/containers, which salt names')
    monkeypatch.setattr(Container.FilesManager, 'put', put_by_salt)
    container = client.containers.get(guest.name)
    assert container.files.put('/root/a', b'1', mode='0600', uid=1) is (
        None if compat else True)
    assert container.files.get('/root/a') == b'1'


@BOTH
def test_states_of_a_configuration_manager(client, name):
    """Like salt's states: they change what differs, and save."""
    with pytest.raises(pylxd.exceptions.LXDAPIException):
        client.profiles.get(name)
    profile = client.profiles.create(name, {'user.a': '1'}, {'eth0': NIC})
    profile.description = 'made by a state'
    profile.save(wait=True)
    profile = client.profiles.get(name)
    assert str(profile.description) == 'made by a state'
    del profile.config['user.a']
    profile.config['user.b'] = '2'
    del profile.devices['eth0']
    profile.save(wait=True)
    fields = copy_attributes(client.profiles.get(name))
    assert fields['config'] == {'user.b': '2'} and fields['devices'] == {}
    assert name in [copy_attributes(each)['name']
                    for each in client.profiles.all()]
    client.containers.create({'name': name, 'source': BUSYBOX}, wait=True)
    container = client.containers.get(name)
    container.profiles = ['default', name]
    container.config['user.c'] = '3'
    assert container.status_code == 102
    container.save(wait=True)
    container = client.containers.get(name)
    assert container.expanded_config['user.b'] == '2'
    assert container.config['user.c'] == '3'
    container.delete(wait=True)
    client.profiles.get(name).delete()


@BOTH
def test_images_of_a_configuration_manager(
        client, name, image_bytes, image_server, target, new_images):
    """Like salt's module and states: images from files and from servers."""
    image = client.images.create(image_bytes, public=True, wait=True)
    assert image.public is True
    image.add_alias(name, 'an alias')
    for alias in client.images.get_by_alias(name).aliases:
        assert (alias['name'], alias['description']) == (name, 'an alias')
    image = client.images.get(image.fingerprint)
    copy = image.copy(target, public=False, auto_update=False, wait=True)
    assert copy_attributes(copy)['fingerprint'] == image.fingerprint
    copy.delete(wait=True)
    image.delete_alias(name)
    with pytest.raises(pylxd.exceptions.LXDAPIException):
        client.images.get_by_alias(name)
    image.public = False
    image.save(wait=True)
    assert client.images.get(image.fingerprint).public is False
    assert image.fingerprint in [copy_attributes(each)['fingerprint']
                                 for each in client.images.all()]
    image.delete()
    fingerprint = serve_simplestreams(
        image_server, name, make_image_parts())[0]
    image = client.images.create_from_simplestreams(
        image_server.endpoint, name, public=False, auto_update=True)
    assert (image.fingerprint, image.auto_update) == (fingerprint, True)


@BOTH
def test_a_migration_of_a_configuration_manager(
        remote, clean_target, name):
    """Like salt: it deletes the source, and saves the profiles of the copy."""
    with pylxd.Client(**remote) as source:
        source.containers.create({'name': name, 'source': BUSYBOX}, wait=True)
        container = source.containers.get(name)
        for profile in container.profiles:
            clean_target.profiles.get(profile)
        assert container.status_code == 102
        copy = container.migrate(clean_target, wait=True)
        copy.profiles = container.profiles
        copy.save()
        container.delete(wait=True)
        assert not source.containers.exists(name)
        assert copy_attributes(copy)['profiles'] == ['default']


@BOTH
def test_trust_of_a_configuration_manager(remote):
    """Like salt's module: it connects, and authenticates if it has to."""
    with pytest.raises(pylxd.exceptions.ClientConnectionFailed) as caught:
        pylxd.Client(**dict(remote, verify=True))
    assert 'certificate' in str(caught.value)
    with pylxd.Client(**remote) as client:
        assert client.trusted
        assert client.authenticate('not needed') is None
        assert client.trusted


@SWITCHED
def test_a_tool_for_development_machines(client, name):
    """Like lxdock: it reads `status_code` again after each change."""
    with pytest.raises(pylxd.exceptions.NotFound):
        client.containers.get(name)
    container = client.containers.create({
        'name': name, 'config': dict(OBEDIENT, **{'user.made': '1'}),
        'devices': {'eth0': NIC},
        'profiles': ['default'], 'source': {
            'alias': 'busybox', 'mode': 'local', 'protocol': 'simplestreams',
            'server': '', 'type': 'image'}}, wait=True)
    assert container.status_code != 103
    container.start(wait=True)
    assert container.status_code == 103
    for path in '/etc/os-release', '/etc/lsb_release':
        with pytest.raises(pylxd.exceptions.NotFound):
            container.files.get(path)
    code, out, err = container.execute(['mkdir', '-p', '/var/.ssh'])
    assert (code, out, err) == (0, '', '')
    container.files.put('/var/.ssh/authorized_keys', 'key')
    code, out, err = container.execute(['cat', '/none'])
    assert code == 1 and out == '' and 'none' in err
    assert find_addresses(container) == []
    container.devices['share1'] = {
        'type': 'disk', 'source': '/var', 'path': '/share'}
    container.save(wait=True)
    assert container.config.get('security.privileged') is None
    container.config['environment.LANG'] = 'C'
    container.save(wait=True)
    code, out, _ = container.execute(['sh', '-c', 'echo $LANG; ls -d /share'])
    assert (code, out) == (0, 'C\n/share\n')
    for key in [each for each in container.devices if each == 'share1']:
        del container.devices[key]
    container.save(wait=True)
    assert client.containers.get(name).status_code == 103
    container.stop(timeout=30, force=False, wait=True)
    assert container.status_code == 102
    assert container.state().network is None
    container.delete(wait=True)


@SWITCHED
def test_a_tool_that_prepares_containers(client, guest, name):
    """Like lazy-lxd: it finds an image by its properties, then an address.

    Instead of the new container, one that runs already gets the commands.
    """
    assert not client.containers.exists(name)
    fingerprint, = [image.fingerprint for image in client.images.all()
                    if image.properties['description'] == 'busybox'
                    and image.uploaded_at]
    container = client.containers.create({'name': name, 'source': {
        'type': 'image', 'fingerprint': fingerprint}}, wait=True)
    container.delete(wait=True)
    assert not client.containers.exists(name)
    container = client.containers.get(guest.name)
    assert find_addresses(container) == ['192.0.2.7']
    code, out, err = container.execute('test -d /var/.ssh'.split(' '))
    assert (code, out, err) == (1, '', '')
    code, out, err = container.execute(['mkdir', '/var/.ssh'])
    assert code == 0
    container.files.put('/var/.ssh/authorized_keys', b'key')
    code, out, err = container.execute(['cat', '/var/.ssh/authorized_keys'])
    assert (code, out, err) == (0, 'key', '')


@BOTH
def test_a_spawner_of_notebooks(remote, name):
    """Like lxdspawner: over HTTPS, and it starts without waiting."""
    with pylxd.Client(**dict(remote, verify=False)) as client:
        container = client.containers.create({
            'name': name, 'source': BUSYBOX, 'config': {
                'user.user-data': '#cloud-config', 'limits.memory': '256MB',
                'limits.cpu': '1', 'limits.cpu.allowance': '50%'}}, wait=True)
        container.files.put('/etc/environment', 'TOKEN=abc')
        container.start()

        def poll():
            try:
                container = client.containers.get(name)
            except pylxd.exceptions.NotFound:
                return 0
            if container.status != 'Running':
                return 0
            result = container.execute(['cat', '/etc/environment'])
            return None if result.stdout.rstrip() == 'TOKEN=abc' else 0

        wait_until(lambda: poll() is None)
        state = container.state()
        assert state.status == 'Running'
        assert [interface for interface in state.network
                if 'addresses' not in state.network[interface]] == []
        container = client.containers.get(name)
        if container.status == 'Running':
            container.stop(wait=True)
            container.delete(wait=True)
        assert poll() == 0


@BOTH
def test_a_name_server(remote, guest):
    """Like lxd-dyndns: the addresses of all that runs in a project."""
    with pylxd.Client(endpoint=remote['endpoint'], cert=remote['cert'],
                      verify=remote['verify'], project='default',
                      compat=remote['compat']) as client:
        assert client.project == 'default'
        found = {}
        for manager in client.containers, client.virtual_machines:
            for instance in manager.all():
                if instance.status == 'Stopped':
                    continue
                networks = instance.state().network
                found[instance.name] = [
                    (address['scope'], address['family'], address['address'])
                    for interface in networks
                    for address in networks[interface]['addresses']]
        assert ('global', 'inet', '192.0.2.7') in found[guest.name]


@BOTH
def test_a_monitor_with_several_pollers(
        client, guest, container, monkeypatch):
    """Like glances: a list in one request, and states from threads."""
    assert client.has_api_extension('instances')
    environment = client.host_info.get('environment', {})
    assert not environment.get('server_clustered')
    requests, request = [], client.transport.request
    monkeypatch.setattr(client.transport, 'request', lambda *args, **kwargs: (
        requests.append(args), request(*args, **kwargs))[1])
    instances = {each.name: each for each in client.instances.all(recursion=1)}
    rows = {name: (each.status.lower(), each.config.get('image.description'),
                   each.created_at[:2], each.last_used_at[:2],
                   each.expanded_config.get('limits.cpu'),
                   sorted(device.get('type') for device
                          in (each.expanded_devices or {}).values()))
            for name, each in instances.items()}
    assert rows[guest.name] == (
        'running', 'busybox', '20', '20', None, ['disk', 'nic'])
    assert rows[container.name][:2] == ('stopped', None)
    assert len(requests) == 1

    def poll(instance):
        states = [instance.state() for _ in range(5)]
        for state in states:
            assert state.cpu['usage'] >= states[0].cpu['usage']
            assert state.memory['usage'] >= 0 <= state.memory.get('total', 0)
            if state.disk and 'root' in state.disk:
                assert isinstance(state.disk['root'].get('usage', 0), int)
            assert [each['counters'].get('bytes_received', 0)
                    for each in state.network.values()
                    if each.get('type') == 'loopback'] == [0]

    with contextlib.closing(ThreadPool(6)) as pool:
        pool.map(poll, [instances[guest.name]] * 6)
    assert len(requests) == 31


@BOTH
def test_a_web_interface(client, guest, name):
    """Like lxdui: a list with addresses; it creates, and deletes.

    It does not start the container, since each stop takes 0.6 s.
    """
    assert 'busybox' in [image.properties['description']
                         for image in client.images.all()]
    container = client.containers.get(guest.name)
    if container.status == 'Running':
        assert container.state().pid > 0 < container.state().processes
        assert container.state().memory['usage'] >= 0
        assert container.state().cpu['usage'] >= 0
    assert 'image.description' in container.expanded_config.keys()
    assert (container.architecture, container.profiles) == (
        os.uname()[4], ['default'])
    assert container.created_at
    addresses = {each.name: find_addresses(each)
                 for each in client.containers.all()
                 if each.status.lower() == 'running'}
    assert addresses[guest.name] == ['192.0.2.7']
    assert not client.containers.exists(name)
    image = client.images.get_by_alias('busybox')
    container = client.containers.create({'name': name, 'source': {
        'type': 'image', 'fingerprint': image.fingerprint}}, wait=True)
    container = client.containers.get(name)
    if container.status.lower() == 'running':
        container.stop(wait=True)
    container.delete(wait=True)
    assert not client.containers.exists(name)


@BOTH
def test_console_tools(client, guest):
    """Like lxd-tools: lists that are added, classes, and the session."""
    for instance in client.containers.all() + client.virtual_machines.all():
        assert isinstance(instance, pylxd.models.Container) is not isinstance(
            instance, pylxd.models.VirtualMachine)
    assert guest.name in [each.name for each in client.instances.all()]
    result = client.instances.get(guest.name).execute(['echo', 'hello'])
    assert (result.exit_code, result.stdout, result.stderr) == (
        0, 'hello\n', '')
    client.api.session.close()
    assert client.api.instances[guest.name].get().json()[
        'metadata']['name'] == guest.name


@BOTH
def test_a_program_that_follows_events(client, name):
    """A websocket class of the program's own receives the events."""
    received = []

    class Events(WebSocketClient):
        def received_message(self, message):
            received.append(json.loads(message.data.decode('utf-8')))

    events = client.events(Events, event_types={pylxd.EventType.Lifecycle})
    events.connect()
    thread = threading.Thread(target=events.run_forever)
    thread.start()
    client.profiles.create(name)
    wait_until(lambda: any(
        event['type'] == 'lifecycle' and event['metadata']['action']
        == 'profile-created' and name in event['metadata']['source']
        for event in received))
    events.close()
    thread.join(20)
    assert not thread.is_alive()


@BOTH
def test_a_driver_of_pods(remote, name):
    """Like a machine manager: it measures a host, and gives it work."""
    endpoint = remote['endpoint']
    session = get_session_for_url(
        endpoint, verify=remote['verify'], cert=remote['cert'])
    with pylxd.Client(endpoint, session=session,
                      compat=remote['compat']) as client:
        if not client.trusted:
            client.authenticate('not needed')
        assert all(client.has_api_extension(each) for each in (
            'projects', 'resources', 'virtual-machines'))
        assert client.host_info['environment']['server_version']
        assert client.resources['cpu']['total'] > 0
        assert client.resources['memory']['total'] > 0
        assert not client.projects.exists(name)
        client.projects.create(
            name=name, description='pods', config={
                'features.images': 'false', 'features.profiles': 'false'})
        assert name in [each.name for each in client.projects.all()]
        assert client.networks.all()[0].name
        if client.server_clustered:
            client.cluster.members.all()
        for pool in client.storage_pools.all():
            space = pool.resources.get().space
            assert 0 < space['used'] <= space['total'] and pool.driver
    with pylxd.Client(endpoint, session=session, project=name,
                      compat=remote['compat']) as client:
        assert client.project == name and client.virtual_machines.all() == []
        assert client.profiles.exists('default')
        pool = client.storage_pools.get('default')
        volume = pool.volumes.create({'name': name, 'type': 'custom'})
        assert (volume.type, volume.name) in [
            (each.type, each.name) for each in pool.volumes.all()]
        instance = client.instances.create({
            'name': name, 'source': BUSYBOX, 'type': 'container',
            'devices': {'data': {'type': 'disk', 'path': '/data',
                                 'pool': 'default', 'source': name}}},
            wait=True)
        assert instance.expanded_devices['data']['source'] == name
        assert pool.volumes.get('custom', name).used_by
        instance.delete(wait=True)
        pool.volumes.get('custom', name).delete()
        client.projects.get(name).delete()


@BOTH
def test_members_of_a_cluster(another_kit, compat):
    """Like a machine manager: the members, and what each is."""
    with another_kit.client(compat=compat) as client:
        client.cluster.enable('m1')
    with another_kit.client(compat=compat) as client:
        assert client.server_clustered
        member, = client.cluster.members.all()
        assert member.server_name == 'm1' and member.status == 'Online'
        member = client.cluster.members.get('m1')
        assert member.url.startswith('https://') and member.database is True
        assert client.cluster.get().server_name == 'm1'


@BOTH
def test_a_driver_of_a_cloud(client, name, new_images):
    """Like a Nova driver: one profile for each container, and snapshots."""
    with pytest.raises(pylxd.exceptions.LXDAPIException) as caught:
        client.containers.get(name)
    assert caught.value.response.status_code == 404
    extensions = client.host_info.get('api_extensions', [])
    assert 'storage' in extensions and client.storage_pools.get(
        'default').driver in client.host_info['environment']['storage']
    profile = client.profiles.create(name, {
        'limits.memory': '256MB', 'environment.product_name': 'cloud'}, {
        'root': {'type': 'disk', 'path': '/', 'pool': 'default'}})
    container = client.containers.create({
        'name': name, 'profiles': [profile.name], 'source': BUSYBOX},
        wait=True)
    profile = client.profiles.get(name)
    profile.devices.update({'eth0': NIC})
    profile.save(wait=True)
    container.start(wait=True)
    assert isinstance(
        json.loads(container.config['volatile.last_state.idmap']), list)
    assert name in [each.name for each in client.containers.all()]
    container = client.containers.get(name)
    assert container.state().status_code == 103
    container.freeze(wait=True)
    client.containers.get(name).unfreeze(wait=True)
    profile = client.profiles.get(name)
    if 'eth0' in profile.devices:
        del profile.devices['eth0']
        profile.save(wait=True)
    container = client.containers.get(name)
    assert container.expanded_devices.keys() == {'root': 1}.keys()
    if container.status != 'Stopped':
        container.stop(wait=True)
    image = container.publish(wait=True)
    data = image.export()
    data = data if isinstance(data, bytes) else data.read()
    assert hash_data(data) == image.fingerprint
    container.delete(wait=True)
    client.profiles.get(name).delete()


@BOTH
def test_a_rescue_of_a_cloud(client, name):
    """Like a Nova driver: another container mounts files of the first.

    It does not start the containers, since each stop takes 0.6 s.
    """
    config = {'name': name, 'profiles': ['default'], 'source': BUSYBOX}
    client.containers.create(config, wait=True)
    profile = client.profiles.create(name)
    container = client.containers.get(name)
    container.rename(name + '-rescue', wait=True)
    profile = client.profiles.get(name)
    profile.devices.update({'rescue': {
        'source': '/var', 'path': '/mnt', 'type': 'disk'}})
    profile.save()
    config['profiles'] = ['default', profile.name]
    container = client.containers.create(config, wait=True)
    assert container.expanded_devices['rescue']['path'] == '/mnt'
    container = client.containers.get(name)
    if container.status != 'Stopped':
        container.stop(wait=True)
    container.delete(wait=True)
    profile = client.profiles.get(name)
    del profile.devices['rescue']
    profile.save()
    container = client.containers.get(name + '-rescue')
    container.rename(name, wait=True)
    assert client.containers.get(name).name == container.name == name


@BOTH
def test_images_of_a_cloud(client, name, tmpdir, new_images):
    """Like a Nova driver: two open files, or an alias for what is there."""
    with pytest.raises(pylxd.exceptions.LXDAPIException) as caught:
        client.images.get_by_alias(name)
    assert caught.value.response.status_code == 404
    metadata, files = make_image_parts()
    fingerprint = hash_data(metadata + files)
    tmpdir.join('metadata').write_binary(metadata)
    tmpdir.join('files').write_binary(files)
    assert not client.images.exists(fingerprint)
    with open(str(tmpdir.join('metadata')), 'rb') as metadata:
        with open(str(tmpdir.join('files')), 'rb') as files:
            image = client.images.create(files, metadata=metadata, wait=True)
    assert client.images.exists(image.fingerprint)
    client.images.get(fingerprint).add_alias(name, '')
    assert client.images.get_by_alias(name).fingerprint == fingerprint


@BOTH
def test_a_migration_of_a_cloud(remote, clean_target, name):
    """Like a Nova driver: one host offers the instance, another pulls it."""
    with pylxd.Client(**dict(remote, verify=False)) as source:
        source.containers.create({'name': name, 'source': BUSYBOX}, wait=True)
        container = source.containers.get(name)
        data = container.generate_migration_data()
        assert (data['name'], data['source']['type']) == (name, 'migration')
        container = clean_target.containers.create(data, wait=True)
        assert container.status == 'Stopped'
        assert clean_target.containers.get(name).profiles == ['default']


@BOTH
def test_measurements_of_a_cloud(client, guest):
    """Like a Nova driver: storage, metrics, the log of the console."""
    assert client.storage_pools.all()[0].resources.get().space['total'] > 0
    instances = client.instances.all(recursion=1)
    assert guest.name in [each.name for each in instances]
    metrics = client.api.metrics.get(is_api=False).text
    assert '# TYPE ' in metrics
    node = client.api.instances[guest.name]
    try:
        log = node.console.get(is_api=False).content
    except pylxd.exceptions.LXDAPIException:
        log = b''  # the instance has printed nothing
    assert isinstance(log, bytes)
    answer = node.get(params={'recursion': 1}).json()['metadata']
    assert answer['state']['status'] == 'Running'


@BOTH
def test_a_runner_of_jobs(client, name, tmpdir):
    """Like a CI runner: an ephemeral container, a checkout, and results."""
    container = client.instances.create(
        {'name': name, 'source': BUSYBOX, 'type': 'container',
         'ephemeral': True, 'profiles': ['default']}, wait=True)
    container.start(wait=True)
    wait_until(lambda: container.state().status_code == 103)
    tmpdir.mkdir('checkout').join('job').write(
        'echo $CI; pwd >&2; id -u; echo x > /results/log; exit 4')
    container.files.recursive_put(str(tmpdir.join('checkout')), '/job')
    container.files.mk_dir('/results', mode=0o777)
    output, errors = [], []
    result = container.execute(
        ['sh', '/job/job'], environment={'CI': 'true'}, user=7, cwd='/job',
        stdout_handler=output.append, stderr_handler=errors.append)
    assert result.exit_code == 4 and result.stdout == result.stderr == ''
    assert (''.join(output), ''.join(errors)) == ('true\n7\n', '/job\n')
    result = container.execute(
        ['sh'], stdin_payload='printf "\\377"', decode=False)
    assert result.stdout == b'\377'
    container.files.recursive_get('/results', str(tmpdir.join('results')))
    assert tmpdir.join('results', 'log').read() == 'x\n'
    assert container.files.delete_available()
    container.files.delete('/results/log')
    with pytest.raises(pylxd.exceptions.NotFound):
        container.files.get('/results/log')
    container.stop(wait=True, force=True)
    wait_until(lambda: not client.instances.exists(name))
    with pytest.raises(pylxd.exceptions.NotFound):
        client.instances.get(name)
