# -*- coding: utf-8 -*-
"""Calls without ``wait``: the operation, and what a failure leads to."""
import pytest

from pylxd import exceptions
from pylxd.container import Container
from pylxd.operation import Operation
from helpers import BUSYBOX, EMPTY, NIC

from .support import (
    REFUSED_LATER, list_methods, make_image, refetch, settle, user_keys)


@pytest.fixture
def mine(lxd_client, name):
    """A container with files, config, a description and a device."""
    lxd_client.containers.create({
        'name': name, 'source': BUSYBOX, 'description': 'old',
        'config': {'user.a': '1', 'user.b': '2'}, 'devices': {'n': NIC}},
        wait=True)
    return lxd_client.containers.get(name)


# The operation of the last call

def assert_ended(each):
    """Wait for the last operation of an object, and return it."""
    assert type(each.operation) is Operation
    assert each.operation.wait(timeout=60) is True
    assert each.operation.status == 'Success'
    return each.operation


def test_operations_of_an_instance(lxd_client, name, new_images):
    container = lxd_client.containers.create({
        'name': name, 'source': BUSYBOX, 'devices': {'n': NIC}})
    seen = [assert_ended(container)]
    mine = lxd_client.containers.get(name)
    assert mine.operation is None
    for call in (
            lambda: mine.start(), lambda: mine.freeze(),
            lambda: mine.unfreeze(), lambda: mine.restart(),
            lambda: mine.stop(wait=True), lambda: mine.devices.clear()
            or mine.save(), lambda: mine.rename(name + '-b'),
            lambda: mine.publish()):
        call()
        seen.append(assert_ended(mine))
    assert new_images()[0].fingerprint == seen[-1].metadata['fingerprint']
    assert mine.name == name + '-b' and mine.devices == {}
    snapshot = mine.snapshots.create('one')
    seen.append(assert_ended(snapshot))
    mine.restore_snapshot('one')
    seen.append(assert_ended(mine))
    snapshot.rename('two')
    seen.append(assert_ended(snapshot))
    snapshot.restore()
    seen.append(assert_ended(snapshot))
    snapshot.delete()
    seen.append(assert_ended(snapshot))
    mine.delete()
    seen.append(assert_ended(mine))
    assert not lxd_client.containers.exists(name + '-b')
    assert len({operation.id for operation in seen}) == len(seen) == 15


def test_operations_of_an_image(lxd_client, another_kit, new_images):
    image = lxd_client.images.create(make_image())
    created = assert_ended(image)
    assert lxd_client.images.get(image.fingerprint).operation is None
    with another_kit.client() as destination:
        assert image.copy(destination) is None
        copied = assert_ended(image)
        assert destination.images.exists(image.fingerprint)
    image.delete()
    deleted = assert_ended(image)
    assert len({created.id, copied.id, deleted.id}) == 3
    assert not lxd_client.images.exists(image.fingerprint)


def test_a_call_that_is_answered_at_once_has_no_operation(lxd_client, name):
    profile = lxd_client.profiles.create(name)
    profile.description = 'new'
    profile.save(wait=True)
    profile.rename(name + '2', wait=True)
    assert profile.operation is None


def test_the_operation_of_a_call_that_fails_later(mine):
    mine.stop()
    with pytest.raises(exceptions.OperationFailed) as caught:
        mine.operation.wait(timeout=60)
    assert 'already stopped' in str(caught.value)
    assert mine.operation.status == 'Failure'


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
    made = lxd_client.containers.create({'name': name, 'source': BUSYBOX})
    assert list_methods(sent) == ['POST']
    creation = 'GET {}/wait'.format(made.operation.path)
    call(made)
    assert sent[1] == creation and sent.count(creation) == 1


def test_a_change_of_what_is_being_created(lxd_client, name):
    container = lxd_client.containers.create({'name': name, 'source': BUSYBOX})
    container.config['user.a'] = 'mine'
    container.save()
    container.start(wait=True)
    assert user_keys(refetch(container)) == {'a': 'mine'} and container.status == 'Running'


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
def test_a_creation_that_failed(lxd_client, other_client, name, call, sent):
    """Each call raises the error of the creation, and reaches no other."""
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


def test_creating_what_is_there(lxd_client, container):
    """Incus 7 refuses the name at once, the others in the operation."""
    with pytest.raises(exceptions.LXDAPIException):
        made = lxd_client.containers.create(
            {'name': container.name, 'source': EMPTY})
        made.delete(wait=True)
    assert refetch(container) == container


# Renamed without wait

@pytest.fixture
def renamed(lxd_client, running, name):
    """A running container after a rename that fails, as it runs."""
    mine = lxd_client.containers.get(running.name)
    mine.rename(name)
    return mine


@pytest.fixture
def foreign(renamed, other_client, name):
    """What another client has created under the new name meanwhile."""
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
def test_a_rename_that_fails_later(
        renamed, running, foreign, call, sent, warnings_logged):
    call(renamed)
    assert renamed.name == running.name and renamed == running
    assert renamed.api.path == running.api.path
    warning, = warnings_logged()
    assert running.name in warning and 'ot allowed' in warning
    settle(renamed.client)
    renamed.sync()
    assert renamed.status == 'Running' and 'a' not in user_keys(renamed)
    assert warnings_logged() == [warning]
    assert not [line for line in sent if foreign.api.path in line]


def test_no_change_reaches_what_has_the_new_name(
        renamed, running, foreign, sent):
    renamed.config['user.b'] = 'mine'
    renamed.save(wait=True)
    assert user_keys(refetch(running)) == {'b': 'mine'}
    with pytest.raises(exceptions.LXDAPIException):
        renamed.delete(wait=True)  # refused, as it runs
    assert not [line for line in sent if foreign.api.path in line]
    foreign.sync()
    assert user_keys(foreign) == {'a': 'foreign'}
    del renamed.config['user.b']
    renamed.save(wait=True)


def test_waiting_for_a_rename_raises_its_error(renamed, running, foreign):
    with pytest.raises(exceptions.OperationFailed) as caught:
        renamed.operation.wait()
    assert 'ot allowed' in str(caught.value)
    renamed.sync()
    assert renamed == running and renamed.name == running.name


def test_a_rename_with_wait_that_fails(lxd_client, running, name):
    mine = lxd_client.containers.get(running.name)
    with pytest.raises(exceptions.OperationFailed):
        mine.rename(name, wait=True)
    assert mine == running and mine.name == running.name
    assert mine.status == 'Running'


def test_a_rename_that_succeeds_later(mine, name, other_client):
    old = Container(mine.client, name=name)
    assert mine.rename(name + '-b') is mine
    mine.config['user.a'] = 'mine'
    mine.save()
    mine.sync()
    assert mine.name == name + '-b' and mine != old
    assert user_keys(other_client.containers.get(name + '-b')) == {
        'a': 'mine', 'b': '2'}
    assert not other_client.containers.exists(name)


# Saved without wait

@pytest.fixture
def failed(mine):
    """The container after a save without wait that fails later."""
    mine.config['user.a'] = 'mine'
    mine.devices = REFUSED_LATER
    mine.save()
    return mine


def assert_local_again(container, name, warnings):
    """Check that a failed save is a local change, and was told once."""
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
def test_the_first_call_that_learns_of_it(
        failed, name, call, sent, warnings_logged):
    call(failed)
    assert_local_again(failed, name, warnings_logged())
    settle(failed.client)
    failed.sync()
    assert_local_again(failed, name, warnings_logged())

    del sent[:]
    with pytest.raises(exceptions.OperationFailed) as caught:
        failed.save(wait=True)
    assert 'no-such-pool' in str(caught.value)
    assert sent == []
    assert_local_again(failed, name, warnings_logged())

    failed.devices = {'m': {'type': 'none'}}
    failed.save(wait=True)
    assert not failed.dirty
    assert refetch(failed).devices == {'m': {'type': 'none'}}
    assert user_keys(refetch(failed)) == {'a': 'mine', 'b': '2'}


def test_rollback_after_a_save_that_failed(failed, warnings_logged):
    failed.rollback()
    assert not failed.dirty and user_keys(failed) == {'a': '1', 'b': '2'}
    assert failed.devices == {'n': NIC}
    assert len(warnings_logged()) == 1


@pytest.mark.parametrize('wait', [True, False])
def test_the_next_save_raises_it(failed, wait, sent):
    del sent[:]
    with pytest.raises(exceptions.OperationFailed) as caught:
        failed.save(wait=wait)
    assert 'no-such-pool' in str(caught.value)
    assert not {'PUT', 'PATCH'} & set(list_methods(sent))
    assert failed.dirty and failed.config['user.a'] == 'mine'
    failed.devices = {}
    failed.save(wait=wait)
    settle(failed.client)
    failed.sync()
    assert not failed.dirty and refetch(failed).devices == {}
    assert user_keys(refetch(failed)) == {'a': 'mine', 'b': '2'}


@pytest.mark.parametrize('learned', [False, True])
def test_waiting_for_the_operation_raises_it(failed, learned):
    """The next save then sends, whichever call learned of the failure."""
    operation = failed.operation
    if learned:
        failed.stop()
        assert failed.operation is not operation
        settle(failed.client)
    with pytest.raises(exceptions.OperationFailed) as caught:
        operation.wait()
    assert 'no-such-pool' in str(caught.value)
    failed.devices = {}
    failed.save(wait=True)
    assert not failed.dirty and refetch(failed).devices == {}
    assert user_keys(refetch(failed)) == {'a': 'mine', 'b': '2'}


def test_a_save_with_wait_raises_it_alone(mine, sent):
    mine.devices = REFUSED_LATER
    for _ in range(2):  # each save sends, as each error was raised
        del sent[:]
        with pytest.raises(exceptions.OperationFailed):
            mine.save(wait=True)
        assert 'PUT' in list_methods(sent) and mine.dirty
    mine.devices = {}
    mine.save(wait=True)
    assert refetch(mine).devices == {}


def test_no_call_reaches_a_new_object_under_the_old_name(
        failed, name, other_client):
    failed.rename(name + '-b', wait=True)
    foreign = other_client.containers.create({
        'name': name, 'source': EMPTY, 'config': {'user.a': 'foreign'}},
        wait=True)
    assert failed.name == name + '-b'
    assert failed.api.path.endswith('/' + name + '-b')
    failed.sync()
    assert failed.name == name + '-b' and failed.config['user.a'] == 'mine'
    with pytest.raises(exceptions.OperationFailed):
        failed.save(wait=True)
    assert failed.name == name + '-b'
    failed.devices = {}
    failed.description = 'mine'
    failed.save(wait=True)
    failed.snapshots.create('one', wait=True)
    failed.delete(wait=True)
    assert not other_client.containers.exists(name + '-b')
    foreign.sync()
    assert user_keys(foreign) == {'a': 'foreign'}
    assert foreign.description == '' and foreign.snapshots.all() == []
