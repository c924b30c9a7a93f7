# -*- coding: utf-8 -*-
"""Calls without ``wait``: their operations, and failures of these."""
import pytest

from pylxd import exceptions
from pylxd.container import Container
from pylxd.operation import Operation
from helpers import BUSYBOX, EMPTY, NIC

from .support import (
    REFUSED_LATER, list_methods, make_image, refetch, settle, user_keys)


# The operation of the last call

def await_success(each):
    """Wait for the last operation of an object to succeed, and return it."""
    assert type(each.operation) is Operation
    assert each.operation.wait(timeout=60) is True
    assert each.operation.status == 'Success'
    return each.operation


def test_operations_of_an_instance(lxd_client, name, new_images):
    container = lxd_client.containers.create({
        'name': name, 'source': BUSYBOX, 'devices': {'n': NIC}})
    operations = [await_success(container)]
    loaded = lxd_client.containers.get(name)
    assert loaded.operation is None
    for call in (
            lambda: loaded.start(), lambda: loaded.freeze(),
            lambda: loaded.unfreeze(), lambda: loaded.restart(),
            lambda: loaded.stop(wait=True), lambda: loaded.devices.clear()
            or loaded.save(), lambda: loaded.rename(name + '-b'),
            lambda: loaded.publish()):
        call()
        operations.append(await_success(loaded))
    image, = new_images()
    assert image.fingerprint == operations[-1].metadata['fingerprint']
    assert loaded.name == name + '-b' and loaded.devices == {}
    snapshot = loaded.snapshots.create('one')
    operations.append(await_success(snapshot))
    loaded.restore_snapshot('one')
    operations.append(await_success(loaded))
    snapshot.rename('two')
    operations.append(await_success(snapshot))
    snapshot.restore()
    operations.append(await_success(snapshot))
    snapshot.delete()
    operations.append(await_success(snapshot))
    loaded.delete()
    operations.append(await_success(loaded))
    assert not lxd_client.containers.exists(name + '-b')
    assert len({operation.id for operation in operations}) == len(
        operations) == 15


def test_operations_of_an_image(lxd_client, another_kit, new_images):
    image = lxd_client.images.create(make_image())
    created = await_success(image)
    assert lxd_client.images.get(image.fingerprint).operation is None
    with another_kit.client() as destination:
        assert image.copy(destination) is None
        copied = await_success(image)
        assert destination.images.exists(image.fingerprint)
    image.delete()
    deleted = await_success(image)
    assert len({created.id, copied.id, deleted.id}) == 3
    assert not lxd_client.images.exists(image.fingerprint)


def test_calls_on_a_profile_have_operations_on_newer_servers(lxd_client, name):
    profile = lxd_client.profiles.create(name)
    profile.description = 'new'
    profile.save(wait=True)
    profile.rename(name + '2', wait=True)
    has_operations = lxd_client.has_api_extension(
        'storage_and_profile_operations')
    assert (profile.operation is not None) is has_operations


def test_the_operation_raises_the_failure(loaded_container):
    loaded_container.stop()
    with pytest.raises(exceptions.OperationFailed) as caught:
        loaded_container.operation.wait(timeout=60)
    assert 'already stopped' in str(caught.value)
    assert loaded_container.operation.status == 'Failure'


# Created without wait

@pytest.mark.parametrize('call', [
    lambda container: container.sync(),
    lambda container: container.config,
    lambda container: container.state(),
    lambda container: container.start(wait=True),
    lambda container: container.snapshots.create('one', wait=True),
    lambda container: container.rename(container.name + '-b', wait=True),
    lambda container: container.delete(wait=True),
    lambda container: container.files.put('/it', b'it'),
], ids=['sync', 'read', 'state', 'start', 'snapshot', 'rename', 'delete',
        'files'])
def test_the_first_call_waits_for_the_creation(lxd_client, name, call, sent):
    created = lxd_client.containers.create({'name': name, 'source': BUSYBOX})
    assert list_methods(sent) == ['POST']
    creation = 'GET {}/wait'.format(created.operation.path)
    call(created)
    assert sent[1] == creation and sent.count(creation) == 1


def test_a_change_during_the_creation_is_saved(lxd_client, name):
    container = lxd_client.containers.create({'name': name, 'source': BUSYBOX})
    container.config['user.a'] = 'mine'
    container.save()
    container.start(wait=True)
    assert user_keys(
        refetch(container)) == {'a': 'mine'} and container.status == 'Running'


CALLS = {
    'sync': lambda container: container.sync(),
    'rollback': lambda container: container.rollback(),
    'read': lambda container: container.config,
    'state': lambda container: container.state(),
    'start': lambda container: container.start(),
    'rename': lambda container: container.rename(container.name + '-b'),
    'snapshots': lambda container: container.snapshots.all(),
    'files': lambda container: container.files.get('/it'),
    'delete': lambda container: container.delete(wait=True),
    'publish': lambda container: container.publish(),
}


@pytest.mark.parametrize('call', sorted(CALLS))
def test_each_call_raises_the_failure_of_the_creation(
        lxd_client, other_client, name, call, sent):
    """Each call raises the error, and reaches no namesake."""
    container = lxd_client.containers.create({
        'name': name, 'source': EMPTY, 'config': {'no.such.key': '1'}})
    settle(other_client)
    foreign = other_client.containers.create(
        {'name': name, 'source': EMPTY}, wait=True)
    del sent[:]
    for _ in range(2):
        with pytest.raises(exceptions.OperationFailed) as caught:
            CALLS[call](container)
        assert 'no.such.key' in str(caught.value)
    assert not [line for line in sent if '/1.0/instances' in line]
    foreign.sync()
    assert foreign.name == name and foreign.status == 'Stopped'


def test_create_of_a_taken_name_keeps_the_other(lxd_client, container):
    """Incus 7 refuses the name at once, other servers in the operation."""
    with pytest.raises(exceptions.LXDAPIException):
        created = lxd_client.containers.create(
            {'name': container.name, 'source': EMPTY})
        created.delete(wait=True)
    assert refetch(container) == container


# Renamed without wait

@pytest.fixture
def renamed_container(lxd_client, running, name):
    """A container after a rename without wait that fails, as it runs."""
    container = lxd_client.containers.get(running.name)
    container.rename(name)
    return container


@pytest.fixture
def foreign(renamed_container, other_client, name):
    """A container of another client with the new name of the rename."""
    settle(other_client)
    return other_client.containers.create({
        'name': name, 'source': EMPTY, 'config': {'user.a': 'foreign'}},
        wait=True)


@pytest.mark.parametrize('call', [
    lambda container: container.sync(),
    lambda container: container.rollback(),
    lambda container: container.state().pid,
    lambda container: container.execute(['true']),
    lambda container: container.snapshots.all(),
    lambda container: container.files.get('/etc/passwd'),
    lambda container: container.start(),
], ids=['sync', 'rollback', 'state', 'execute', 'snapshots', 'files',
        'start'])
def test_after_a_failed_rename_the_old_name_is_used(
        renamed_container, running, foreign, call, sent, warnings_logged):
    call(renamed_container)
    assert renamed_container == running
    assert renamed_container.name == running.name
    assert renamed_container.api.path == running.api.path
    warning, = warnings_logged()
    assert running.name in warning and 'ot allowed' in warning
    settle(renamed_container.client)
    renamed_container.sync()
    assert renamed_container.status == 'Running' and 'a' not in user_keys(
        renamed_container)
    assert warnings_logged() == [warning]
    assert not [line for line in sent if foreign.api.path in line]


def test_after_a_failed_rename_the_namesake_is_unchanged(
        renamed_container, running, foreign, sent):
    renamed_container.config['user.b'] = 'mine'
    renamed_container.save(wait=True)
    assert user_keys(refetch(running)) == {'b': 'mine'}
    with pytest.raises(exceptions.LXDAPIException):
        renamed_container.delete(wait=True)  # refused, as it runs
    assert not [line for line in sent if foreign.api.path in line]
    foreign.sync()
    assert user_keys(foreign) == {'a': 'foreign'}
    del renamed_container.config['user.b']
    renamed_container.save(wait=True)


def test_waiting_for_a_rename_raises_its_error(
        renamed_container, running, foreign):
    with pytest.raises(exceptions.OperationFailed) as caught:
        renamed_container.operation.wait()
    assert 'ot allowed' in str(caught.value)
    renamed_container.sync()
    assert renamed_container == running
    assert renamed_container.name == running.name


def test_a_failed_rename_with_wait_keeps_the_name(lxd_client, running, name):
    container = lxd_client.containers.get(running.name)
    with pytest.raises(exceptions.OperationFailed):
        container.rename(name, wait=True)
    assert container == running and container.name == running.name
    assert container.status == 'Running'


def test_a_rename_without_wait(loaded_container, name, other_client):
    old = Container(loaded_container.client, name=name)
    assert loaded_container.rename(name + '-b') is loaded_container
    loaded_container.config['user.a'] = 'mine'
    loaded_container.save()
    loaded_container.sync()
    assert loaded_container.name == name + '-b' and loaded_container != old
    assert user_keys(other_client.containers.get(name + '-b')) == {
        'a': 'mine', 'b': '2'}
    assert not other_client.containers.exists(name)


# Saved without wait

@pytest.fixture
def failed_container(loaded_container):
    """The container after a save without wait that fails later."""
    loaded_container.config['user.a'] = 'mine'
    loaded_container.devices = REFUSED_LATER
    loaded_container.save()
    return loaded_container


def assert_local_again(container, name, warnings):
    """Check that a failed save is a local change, and was logged once."""
    assert container.dirty and container.config['user.a'] == 'mine'
    assert container.devices == REFUSED_LATER
    warning, = warnings
    assert name in warning and 'no-such-pool' in warning


@pytest.mark.parametrize('call', [
    lambda container: container.sync(),
    lambda container: container.start(),
    lambda container: container.start(wait=True),
    lambda container: container.stop(),
    lambda container: container.rename(container.name + '-b', wait=True),
], ids=['sync', 'start', 'start-wait', 'stop', 'rename'])
def test_a_failed_save_is_logged_and_local_again(
        failed_container, name, call, sent, warnings_logged):
    call(failed_container)
    assert_local_again(failed_container, name, warnings_logged())
    settle(failed_container.client)
    failed_container.sync()
    assert_local_again(failed_container, name, warnings_logged())

    del sent[:]
    with pytest.raises(exceptions.OperationFailed) as caught:
        failed_container.save(wait=True)
    assert 'no-such-pool' in str(caught.value)
    assert sent == []
    assert_local_again(failed_container, name, warnings_logged())

    failed_container.devices = {'m': {'type': 'none'}}
    failed_container.save(wait=True)
    assert not failed_container.dirty
    assert refetch(failed_container).devices == {'m': {'type': 'none'}}
    assert user_keys(refetch(failed_container)) == {'a': 'mine', 'b': '2'}


def test_rollback_after_a_failed_save(failed_container, warnings_logged):
    failed_container.rollback()
    assert not failed_container.dirty and user_keys(
        failed_container) == {'a': '1', 'b': '2'}
    assert failed_container.devices == {'n': NIC}
    assert len(warnings_logged()) == 1


@pytest.mark.parametrize('wait', [True, False])
def test_the_next_save_raises_the_failure(failed_container, wait, sent):
    del sent[:]
    with pytest.raises(exceptions.OperationFailed) as caught:
        failed_container.save(wait=wait)
    assert 'no-such-pool' in str(caught.value)
    assert not {'PUT', 'PATCH'} & set(list_methods(sent))
    assert failed_container.dirty
    assert failed_container.config['user.a'] == 'mine'
    failed_container.devices = {}
    failed_container.save(wait=wait)
    settle(failed_container.client)
    failed_container.sync()
    assert not failed_container.dirty and refetch(
        failed_container).devices == {}
    assert user_keys(refetch(failed_container)) == {'a': 'mine', 'b': '2'}


@pytest.mark.parametrize('learned', [False, True])
def test_waiting_for_the_operation_raises_the_failure(
        failed_container, learned):
    """The next save then sends, whichever call learned of the failure."""
    operation = failed_container.operation
    if learned:
        failed_container.stop()
        assert failed_container.operation is not operation
        settle(failed_container.client)
    with pytest.raises(exceptions.OperationFailed) as caught:
        operation.wait()
    assert 'no-such-pool' in str(caught.value)
    failed_container.devices = {}
    failed_container.save(wait=True)
    assert not failed_container.dirty and refetch(
        failed_container).devices == {}
    assert user_keys(refetch(failed_container)) == {'a': 'mine', 'b': '2'}


def test_a_failed_save_with_wait_raises_once(loaded_container, sent):
    loaded_container.devices = REFUSED_LATER
    for _ in range(2):  # each save sends, as each error was raised
        del sent[:]
        with pytest.raises(exceptions.OperationFailed):
            loaded_container.save(wait=True)
        assert 'PUT' in list_methods(sent) and loaded_container.dirty
    loaded_container.devices = {}
    loaded_container.save(wait=True)
    assert refetch(loaded_container).devices == {}


def test_no_call_reaches_a_new_namesake_after_a_rename(
        failed_container, name, other_client):
    failed_container.rename(name + '-b', wait=True)
    foreign = other_client.containers.create({
        'name': name, 'source': EMPTY, 'config': {'user.a': 'foreign'}},
        wait=True)
    assert failed_container.name == name + '-b'
    assert failed_container.api.path.endswith('/' + name + '-b')
    failed_container.sync()
    assert failed_container.name == name + '-b'
    assert failed_container.config['user.a'] == 'mine'
    with pytest.raises(exceptions.OperationFailed):
        failed_container.save(wait=True)
    assert failed_container.name == name + '-b'
    failed_container.devices = {}
    failed_container.description = 'mine'
    failed_container.save(wait=True)
    failed_container.snapshots.create('one', wait=True)
    failed_container.delete(wait=True)
    assert not other_client.containers.exists(name + '-b')
    foreign.sync()
    assert user_keys(foreign) == {'a': 'foreign'}
    assert foreign.description == '' and foreign.snapshots.all() == []
