# -*- coding: utf-8 -*-
"""Copies of instances, volumes and images, on a server and to another one."""
import re
import threading

import pytest
from six.moves import queue

from helpers import BUSYBOX, NIC, unique_name
from pylxd import Client, exceptions
from pylxd.models import StorageVolume, migration

from .storage import new_pool
from .support import find_running, make_image_parts, settle

pytestmark = pytest.mark.real_server

MODES = 'pull', 'push', 'relay'
#: What servers say if the name of an instance is taken.
TAKEN = re.compile('already exists|UNIQUE')


class TwoAddresses(Client):
    """A client that names an address first that nobody listens on."""

    @property
    def addresses(self):
        return ['https://127.0.0.1:1'] + super(TwoAddresses, self).addresses


class WrongAddress(Client):
    """A client whose server is not reached by the address that it names."""

    addresses = ['https://127.0.0.1:1']


@pytest.fixture(scope='module')
def original(lxd):
    """A container with files, configuration, a device and a snapshot."""
    with lxd.client() as client:
        container = client.containers.create({
            'name': unique_name(), 'source': BUSYBOX, 'description': u'\xe4',
            'config': {'user.a': u'\xe4', 'user.b': '2'},
            'devices': {'n': NIC}}, wait=True)
        container.files.put('/root/hello', b'\0world')
        container.snapshots.create('s0', wait=True)
        container.files.put('/root/later', b'1')
        yield container
        container.delete(wait=True)


# -- on the same server

def test_a_copy_on_the_server(each_client, original, name):
    container = each_client.containers.get(original.name)
    copy = container.copy(
        name, config={'user.b': '3', 'user.c': '4'},
        devices={'m': {'type': 'none'}})
    assert type(copy) is type(container) and copy.client is each_client
    assert container.operation is copy.operation
    for each in copy, each_client.containers.get(name):
        assert (each.description, each.status) == (u'\xe4', 'Stopped')
        assert {key: value for key, value in each.config.items()
                if key.startswith('user.')} == {
                    'user.a': u'\xe4', 'user.b': '3', 'user.c': '4'}
        assert each.devices['n'] == NIC
        assert each.devices['m'] == {'type': 'none'}
        assert each.profiles == ['default']
    assert copy.config['volatile.base_image'] == container.config[
        'volatile.base_image']
    assert copy.config.get('volatile.uuid') != container.config.get(
        'volatile.uuid', '')
    assert copy.files.get('/root/later') == b'1'
    assert [each.name for each in copy.snapshots.all()] == ['s0']


def test_a_copy_without_snapshots_that_starts(lxd_client, original, name):
    copy = lxd_client.containers.get(original.name).copy(
        name, instance_only=True, start=True)
    copy.sync()
    assert copy.status == 'Running' and copy.snapshots.all() == []
    assert copy.execute(['cat', '/root/later']).stdout == '1'


def test_a_copy_of_a_snapshot(lxd_client, original, name):
    snapshot = lxd_client.containers.get(original.name).snapshots.get('s0')
    copy = snapshot.copy(name, profiles=[], devices={
        'root': {'type': 'disk', 'path': '/', 'pool': 'default'}})
    assert copy.files.get('/root/hello') == b'\0world'
    assert not copy.files.exists('/root/later')
    assert copy.profiles == [] and copy.config['user.a'] == u'\xe4'
    assert copy.snapshots.all() == []
    assert snapshot.operation is copy.operation


def test_a_copy_in_another_pool(lxd_client, original, name):
    with new_pool(lxd_client) as pool:
        container = lxd_client.containers.get(original.name)
        copy = container.copy(name, pool=pool.name)
        assert copy.devices['root']['pool'] == pool.name
        assert pool.volumes.exists('container', name)
        assert copy.files.get('/root/later') == b'1'
        again = copy.copy(name + '2', pool='default')
        assert again.devices['root']['pool'] == 'default'
        for each in copy, again:
            each.delete(wait=True)


def test_a_copy_in_another_project(lxd_client, original, name):
    lxd_client.projects.create(name, config={
        'features.profiles': 'false', 'features.images': 'false'})
    try:
        copy = lxd_client.containers.get(original.name).copy(
            original.name, project=name)
        assert copy.client.project == name
        assert copy.files.get('/root/later') == b'1'
        back = copy.copy(name, to=lxd_client)
        assert lxd_client.containers.get(name) == back
        copy.delete(wait=True)
    finally:
        lxd_client.projects.get(name).delete()


def test_without_wait(lxd_client, original, name):
    container = lxd_client.containers.get(original.name)
    copy = container.copy(name, wait=False)
    assert not copy.operation.ended
    assert copy.files.get('/root/later') == b'1'  # which waits
    assert copy.operation.ended


def test_refresh(lxd_client, original, name):
    """A copy that exists becomes equal to the original."""
    container = lxd_client.containers.get(original.name)
    copy = container.copy(name, refresh=True)  # there is none yet
    uuid = copy.config['volatile.uuid']
    copy.config['user.b'] = 'changed'
    copy.config['user.new'] = 'gone'
    copy.description = 'changed'
    copy.save(wait=True)
    copy.files.put('/root/new', b'gone')
    copy.files.put('/root/later', b'changed')
    copy.snapshots.create('s1', wait=True)
    same = container.copy(name, refresh=True)
    assert same.config['volatile.uuid'] == uuid
    assert same.config['user.b'] == '2' and 'user.new' not in same.config
    assert same.description == u'\xe4'
    assert same.files.get('/root/later') == b'1'
    assert not same.files.exists('/root/new')
    assert [each.name for each in same.snapshots.all()] == ['s0']


@pytest.mark.parametrize('arguments, error', [
    ({'mode': 'drag'}, ValueError), ({'to': '/a/path'}, TypeError),
    ({'progress': 'yes'}, TypeError),
    ({'pool': 'no-such-pool'}, exceptions.NotFound),
    ({'config': {'user.a': object()}}, TypeError),
    ({'profiles': ['no-such-profile']}, exceptions.LXDAPIException)])
def test_bad_arguments(lxd_client, original, name, arguments, error):
    container = lxd_client.containers.get(original.name)
    with pytest.raises(error):
        container.copy(name, **arguments)
    with pytest.raises(exceptions.InvalidName):
        container.copy('..', **{})
    assert not lxd_client.containers.exists(name)


def test_a_name_that_is_taken(lxd_client, original, name, container):
    with pytest.raises(exceptions.LXDAPIException) as caught:
        lxd_client.containers.get(original.name).copy(name)
    assert TAKEN.search(str(caught.value))
    assert lxd_client.containers.get(name) == container


# -- to another server

@pytest.mark.parametrize('mode', MODES)
def test_a_copy_on_another_server(
        each_client, clean_target, original, name, mode):
    container = each_client.containers.get(original.name)
    copy = container.copy(
        name, to=clean_target, mode=mode, config={'user.b': '3'})
    assert copy.client is clean_target and type(copy) is type(container)
    assert copy.config['user.a'] == u'\xe4' and copy.config['user.b'] == '3'
    assert copy.description == u'\xe4'
    assert copy.files.get('/root/later') == b'1'
    assert [each.name for each in copy.snapshots.all()] == ['s0']
    assert container.operation is copy.operation
    assert find_running(each_client, clean_target) == []
    copy.start(wait=True)
    assert copy.execute(['cat', '/root/later']).stdout == '1'
    copy.stop(wait=True)
    assert container.files.get('/root/later') == b'1'


@pytest.mark.parametrize('mode', MODES)
def test_a_snapshot_on_another_server(
        lxd_client, clean_target, original, name, mode):
    snapshot = lxd_client.containers.get(original.name).snapshots.get('s0')
    copy = snapshot.copy(name, to=clean_target, mode=mode)
    assert copy.files.get('/root/hello') == b'\0world'
    assert not copy.files.exists('/root/later')
    assert copy.snapshots.all() == []
    assert snapshot.instance.snapshots.get('s0')


@pytest.mark.parametrize('mode', MODES)
def test_refresh_on_another_server(
        lxd_client, clean_target, bootable, name, mode):
    copy = bootable.copy(name, to=clean_target, mode=mode)
    bootable.files.put('/root/new', b'new')
    bootable.config['user.new'] = 'new'
    bootable.save(wait=True)
    bootable.snapshots.create('s1', wait=True)
    same = bootable.copy(name, to=clean_target, mode=mode, refresh=True)
    assert same == copy and same.files.get('/root/new') == b'new'
    assert same.config['user.new'] == 'new'
    assert [each.name for each in same.snapshots.all()] == ['s1']


def test_a_running_container_by_relay(
        lxd_client, clean_target, bootable, name):
    bootable.start(wait=True)
    copy = bootable.copy(name, to=clean_target, mode='relay',
                         allow_inconsistent=True)
    assert copy.status == 'Stopped' and bootable.execute(['true']) == (
        0, '', '')[1:]


def test_relay_without_wait(lxd_client, clean_target, original, name):
    """A thread passes on the data."""
    container = lxd_client.containers.get(original.name)
    copy = container.copy(name, to=clean_target, mode='relay', wait=False)
    assert copy.files.get('/root/later') == b'1'


def test_relay_where_no_server_has_an_address(
        lxd_client, unreachable_target, original, name):
    copy = lxd_client.containers.get(original.name).copy(
        name, to=unreachable_target, mode='relay')
    back = copy.copy(name, to=lxd_client, mode='relay')
    copy.delete(wait=True)
    assert back.files.get('/root/later') == b'1'
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        back.copy(name, to=unreachable_target, mode='push')
    assert 'core.https_address' in str(caught.value)
    assert not unreachable_target.containers.exists(name)
    assert find_running(lxd_client, unreachable_target) == []


def test_the_addresses_are_tried_in_turn(
        lxd, lxd_client, clean_target, original, name):
    with TwoAddresses(lxd.socket) as client:
        client.containers.get(original.name).copy(name, to=clean_target)
    container = lxd_client.containers.get(original.name)
    with TwoAddresses(clean_target.transport.endpoint) as client:
        copy = container.copy(name + '2', to=client, mode='push')
        assert copy.files.get('/root/later') == b'1'


@pytest.mark.parametrize('mode', ['pull', 'push'])
def test_a_server_that_is_not_reached(
        lxd, lxd_client, clean_target, original, name, mode):
    """The error names the address; nothing is left, and nothing waits."""
    with WrongAddress(lxd.socket) as client, WrongAddress(
            clean_target.transport.endpoint) as other:
        container = client.containers.get(original.name)
        with pytest.raises(exceptions.LXDAPIException) as caught:
            container.copy(name, to=other, mode=mode)
    assert '127.0.0.1:1' in str(caught.value)
    settle(clean_target)
    assert not clean_target.containers.exists(name)
    assert find_running(lxd_client, clean_target) == []


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('arguments, words', [
    ({}, TAKEN), ({'profiles': ['no-such-profile']}, re.compile('rofile'))],
    ids=['taken', 'profile'])
def test_a_refusal_of_the_other_server(
        lxd_client, clean_target, original, name, mode, arguments, words):
    clean_target.containers.create(
        {'name': name, 'source': {'type': 'none'}}, wait=True)
    container = lxd_client.containers.get(original.name)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        container.copy(name, to=clean_target, mode=mode, **arguments)
    assert words.search(str(caught.value))
    assert find_running(lxd_client, clean_target) == []
    assert 'user.a' not in clean_target.containers.get(name).config


def test_a_relay_after_the_source_has_failed(
        lxd_client, clean_target, original, name, monkeypatch):
    """The error has the reason, which only the operation knows."""
    websocket_paths = migration.websocket_paths

    def fail_first(operation):
        monkeypatch.undo()
        migration.abandon(lxd_client, operation)
        return websocket_paths(operation)

    monkeypatch.setattr(migration, 'websocket_paths', fail_first)
    container = lxd_client.containers.get(original.name)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        container.copy(name, to=clean_target, mode='relay')
    assert '[Migrating instance]' in str(caught.value)
    settle(clean_target)
    assert not clean_target.containers.exists(name)
    assert find_running(lxd_client, clean_target) == []


def test_progress_of_a_relay_without_wait(
        lxd_client, clean_target, original, name, monkeypatch):
    """An exception of the function ends the relay, and its thread."""
    failures = queue.Queue()

    class Thread(threading.Thread):
        def run(self):
            try:
                super(Thread, self).run()
            except BaseException as error:
                failures.put(error)

    def fail(progress):
        if threading.current_thread() is not main:
            raise OSError('mine')

    main = threading.current_thread()
    monkeypatch.setattr(migration.threading, 'Thread', Thread)
    copy = lxd_client.containers.get(original.name).copy(
        name, to=clean_target, mode='relay', progress=fail, wait=False)
    assert repr(failures.get(True, 30)) == repr(OSError('mine'))
    with pytest.raises(exceptions.LXDException):
        copy.sync()
    settle(clean_target)
    assert not clean_target.containers.exists(name)


def test_progress_of_a_relay(lxd_client, clean_target, original, name):
    told = []
    lxd_client.containers.get(original.name).copy(
        name, to=clean_target, mode='relay', progress=told.append)
    done = [each.done for each in told]
    assert done == sorted(done) and done[-1] > 500
    assert {(each.total, each.unit) for each in told} == {(None, 'B')}
    assert name in told[0].text


# -- volumes

@pytest.fixture
def volume(lxd_client, name):
    """A volume with a file and a snapshot."""
    pool = lxd_client.storage_pools.get('default')
    volume = pool.volumes.create(name, {'user.a': '1'}, description=u'\xe4')
    container = lxd_client.containers.create({
        'name': name, 'source': BUSYBOX, 'devices': {'v': {
            'type': 'disk', 'pool': 'default', 'source': name,
            'path': '/v'}}}, wait=True)
    container.start(wait=True)
    container.files.put('/v/hello', b'\0world')
    container.stop(wait=True)
    volume.snapshots.create('s0')
    yield volume
    container.delete(wait=True)
    delete_volumes(pool, name)


@pytest.fixture
def target_pool(target, name):
    """The pool of the second server."""
    pool = target.storage_pools.get('default')
    yield pool
    settle(target)
    delete_volumes(pool, name)


def delete_volumes(pool, name):
    for volume in pool.volumes.all('custom'):
        if volume.name.startswith(name):
            for snapshot in volume.snapshots.all():
                snapshot.delete(wait=True)
            volume.delete()


def read_hello(volume):
    """Return the content of the file in a volume."""
    client, name = volume.client, unique_name()
    container = client.containers.create({
        'name': name, 'source': BUSYBOX, 'devices': {'v': {
            'type': 'disk', 'pool': volume.pool, 'source': volume.name,
            'path': '/v'}}}, wait=True)
    try:
        container.start(wait=True)
        return container.files.get('/v/hello')
    finally:
        container.delete(wait=True, force=True)


def test_copies_of_a_volume(lxd_client, volume, name):
    copy = volume.copy(name + '2', config={'user.b': '2'})
    assert (copy.config['user.a'], copy.config['user.b']) == ('1', '2')
    assert copy.description == u'\xe4' and copy.pool == 'default'
    assert [each.name for each in copy.snapshots.all()] == ['s0']
    assert read_hello(copy) == b'\0world'
    only = volume.copy(name + '3', volume_only=True, description='new')
    assert only.snapshots.all() == [] and only.description == 'new'
    of_snapshot = volume.snapshots.get('s0').copy(name + '4')
    assert isinstance(of_snapshot, StorageVolume)
    assert of_snapshot.snapshots.all() == []
    with new_pool(lxd_client) as pool:
        other = volume.copy(name, pool=pool.name)
        assert other == pool.volumes.get('custom', name)
        assert read_hello(other) == b'\0world'
    with pytest.raises(exceptions.LXDAPIException):
        volume.copy(name + '2')
    with pytest.raises(exceptions.NotFound):
        volume.copy(name + '5', pool='no-such-pool')
    with pytest.raises(ValueError):
        volume.copy(name + '5', mode='drag')
    with pytest.raises(ValueError) as caught:
        volume.parent.volumes.get('container', name).copy(name + '5')
    assert 'belongs to an instance' in str(caught.value)


def test_a_copy_of_a_volume_in_another_project(lxd_client, volume, name):
    project = lxd_client.projects.create(name)
    copy = volume.copy(name, project=name)
    assert copy.client.project == name
    assert [each.name for each in copy.snapshots.all()] == ['s0']
    copy.snapshots.get('s0').delete(wait=True)
    copy.delete()
    project.delete()


@pytest.mark.parametrize('mode', MODES)
def test_a_volume_on_another_server(volume, target_pool, name, mode):
    told = []
    copy = volume.copy(name, to=target_pool.client, mode=mode,
                       progress=told.append)
    assert copy == target_pool.volumes.get('custom', name)
    assert copy.config['user.a'] == '1' and copy.description == u'\xe4'
    assert [each.name for each in copy.snapshots.all()] == ['s0']
    assert read_hello(copy) == b'\0world'
    assert told or mode != 'relay'
    with pytest.raises(exceptions.Conflict):
        volume.copy(name, to=target_pool.client, mode=mode)
    volume.snapshots.create('s1')
    same = volume.copy(name, to=target_pool.client, mode=mode, refresh=True)
    assert [each.name for each in same.snapshots.all()] == ['s0', 's1']
    assert find_running(volume.client, target_pool.client) == []


@pytest.mark.parametrize('mode', MODES)
def test_a_snapshot_of_a_volume_on_another_server(
        lxd_client, volume, target_pool, name, mode):
    snapshot = volume.snapshots.get('s0')
    if lxd_client.has_api_extension(snapshot.remote_extension):
        copy = snapshot.copy(name, to=target_pool.client, mode=mode)
        assert read_hello(copy) == b'\0world'
    else:  # the server would rename it
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            snapshot.copy(name, to=target_pool.client, mode=mode)
    assert [each.name for each in volume.snapshots.all()] == ['s0']


# -- images

@pytest.fixture(params=['one', 'two'])
def each_image(request, lxd_client, new_images):
    """A private image in one part, then one in two parts."""
    if request.param == 'one':
        return request.getfixturevalue('image')
    metadata, files = make_image_parts()
    return lxd_client.images.create(files, metadata=metadata, wait=True)


@pytest.fixture
def new_copies(target):
    """The second server; its new images are deleted after."""
    before = target.images.all()
    yield target
    settle(target)
    for image in target.images.all():
        if image not in before:
            image.delete(wait=True)


@pytest.mark.parametrize('mode', MODES)
def test_an_image_on_another_server(each_image, new_copies, name, mode):
    each_image.properties['user'] = u'\xe4 &'
    each_image.save()
    each_image.add_alias(name)
    copy = each_image.copy(new_copies, wait=True, aliases=True, mode=mode)
    assert copy == new_copies.images.get_by_alias(name)
    assert copy.properties == each_image.properties and not copy.public
    assert copy.export() == each_image.export()
    assert copy.type == each_image.type and copy.size == each_image.size
    with pytest.raises(exceptions.Conflict) as caught:
        each_image.copy(new_copies, wait=True, aliases=[name], mode=mode)
    assert name in str(caught.value)


def test_push_an_image(lxd_client, image, new_copies, name):
    copy = image.push(new_copies, [name, name + '2'])
    assert sorted(each['name'] for each in copy.aliases) == [
        name, name + '2']
    with pytest.raises(exceptions.OperationFailed) as caught:
        image.push(new_copies)
    assert 'already exists' in str(caught.value)
    copy.delete(wait=True)
    assert image.push(new_copies, wait=False).size == image.size
    with pytest.raises(TypeError):
        image.push('/a/path')


def test_push_an_image_in_a_project(lxd_client, image, target, name):
    project = target.projects.create(name)
    client = target.use_project(name)
    for mode in MODES:
        copy = image.copy(client, wait=True, mode=mode)
        assert client.images.exists(image.fingerprint)
        assert not target.images.exists(image.fingerprint)
        copy.delete(wait=True)
    project.delete()


def test_push_tries_the_addresses_in_turn(image, new_copies):
    with WrongAddress(new_copies.transport.endpoint) as client:
        with pytest.raises(exceptions.LXDAPIException) as caught:
            image.push(client)
    assert '127.0.0.1:1' in str(caught.value)
    assert not new_copies.images.exists(image.fingerprint)
    assert [each for each in new_copies.operations.all()
            if each.class_ == 'token' and each.running] == []
    with TwoAddresses(new_copies.transport.endpoint) as client:
        assert image.push(client).export() == image.export()


def test_auto_update_needs_a_source(image, new_copies):
    with pytest.raises(ValueError) as caught:
        image.copy(new_copies, auto_update=True, mode='relay')
    assert 'pull' in str(caught.value)
    assert not new_copies.images.exists(image.fingerprint)
