# -*- coding: utf-8 -*-
"""The state of objects in cases that no real server can be made to show."""
import copy
import pickle

import pytest

import pylxd.core.listing
from pylxd import exceptions, models
from pylxd.models.instance import Containers
from pylxd.models.profile import Profile, Profiles

from .instances import InstanceClient, InstanceStore
from .store import REFUSED, response


@pytest.fixture
def server():
    store = InstanceStore()
    store.add('c1', config={'user.a': '1', 'user.b': '2', 'user.c': '3'},
              devices={'d': {'type': 'none'}}, description='old')
    return store


@pytest.fixture
def container(server):
    """The container ``c1``, loaded; `server` has no requests yet."""
    client = Containers(InstanceClient(server)).get('c1')
    del server.requests[:]
    return client


def list_changes(server):
    """Return the requests so far that are no GET."""
    return [request for request in server.requested
            if not request.startswith('GET ')]


# Lists

@pytest.mark.parametrize('later, is_fresh', [
    (0, True), (pylxd.core.listing.MAX_AGE * 0.9, True),
    (pylxd.core.listing.MAX_AGE * 1.1, False), (-0.1, False), (-900, False)])
def test_a_list_is_fresh_for_a_second(client, store, clock, later, is_fresh):
    """A list is not fresh either when the clock was set back."""
    assert pylxd.core.listing.MAX_AGE == 1.0
    store.add('p2')
    one, two = sorted(Profiles(client).all(), key=lambda each: each.name)
    assert one.config['user.a'] == '1'
    store.documents['p2']['description'] = 'new'
    clock.time += later
    assert two.description == ('' if is_fresh else 'new')


# How a save is sent

def test_a_save_without_the_extension_patch(server):
    server.extensions.remove('patch')
    container = Containers(InstanceClient(server)).get('c1')
    del server.requests[:]
    container.config['user.a'] = 'new'
    container.save(wait=True)
    assert list_changes(server) == ['PUT instances/c1']
    assert server.documents['c1']['config']['user.a'] == 'new'


def test_a_save_with_the_extension_patch(server, container):
    container.config['user.a'] = 'new'
    del container.config['user.b']
    container.save(wait=True)
    assert list_changes(server) == ['PATCH instances/c1']
    assert len(server.requests) <= 3
    document = server.documents['c1']
    assert document['description'] == 'old'  # LXD empties it if left out
    assert {key: value for key, value in document['config'].items()
            if key.startswith('user.')} == {'user.a': 'new', 'user.c': '3'}


def test_a_refused_save_keeps_the_change(server, container):
    server.next_error = 'that is no value'
    container.config['user.a'] = 'new'
    with pytest.raises(exceptions.LXDAPIException) as caught:
        container.save()
    assert 'that is no value' in str(caught.value)
    assert container.dirty and container.config['user.a'] == 'new'
    container.save()
    assert not container.dirty
    assert server.documents['c1']['config']['user.a'] == 'new'


# A save whose operation is forgotten: done and failed look the same

@pytest.fixture
def pending(server, container):
    """The container after a save whose operation is still running."""
    container.config.update({'user.a': 'mine', 'user.b': 'mine'})
    container.devices = {}
    container.save()
    assert not container.dirty and server.operations[-1].status == 'Running'
    return container


def test_a_forgotten_save_that_was_done(server, pending, warnings_logged):
    server.forget_all()
    server.documents['c1']['config']['user.a'] = 'theirs'
    pending.sync()
    assert not pending.dirty and pending.devices == {}
    assert pending.config['user.a'] == 'theirs'
    assert pending.config['user.b'] == 'mine'
    pending.description = 'new'
    pending.save(wait=True)
    assert server.documents['c1']['config']['user.a'] == 'theirs'
    assert server.documents['c1']['description'] == 'new'
    assert warnings_logged() == []


@pytest.mark.parametrize('learn', [
    lambda container: container.sync(), lambda container: container.start(),
    lambda container: None], ids=['sync', 'start', 'save'])
def test_a_forgotten_save_that_failed(server, pending, learn):
    server.operations[-1].error = 'it broke'
    server.forget_all()
    server.documents['c1']['config']['user.a'] = 'theirs'
    learn(pending)
    pending.save(wait=True)  # raises nothing: the error is unknown
    config = server.documents['c1']['config']
    assert (config['user.a'], config['user.b'], config['user.c']) == (
        'theirs', 'mine', '3')
    assert server.documents['c1']['devices'] == {}
    assert pending.config['user.a'] == 'theirs' and not pending.dirty


def test_a_forgotten_save_shows_as_local_again(server, pending):
    server.operations[-1].error = 'it broke'
    server.forget_all()
    pending.sync()
    assert pending.dirty and pending.devices == {}
    assert pending.config['user.a'] == pending.config['user.b'] == 'mine'
    pending.rollback()
    assert not pending.dirty and pending.config['user.a'] == '1'
    assert pending.devices == {'d': {'type': 'none'}}


# A save that fails

def test_the_error_of_a_failed_save_is_raised_once(server, pending):
    server.operations[-1].error = 'it broke'
    pending.sync()
    pending.rollback()
    pending.start(wait=True)
    pending.stop(wait=True)
    del server.requests[:]
    pending.config['user.b'] = 'mine'
    with pytest.raises(exceptions.OperationFailed) as caught:
        pending.save()
    assert 'it broke' in str(caught.value)
    assert caught.value.operation.id == 'u0'
    assert list_changes(server) == []
    pending.save(wait=True)
    assert server.documents['c1']['config']['user.b'] == 'mine'


def test_a_change_after_a_failed_save(server, pending):
    server.operations[-1].error = 'it broke'
    pending.config['user.a'] = 'newer'
    pending.sync()
    assert pending.dirty and pending.config['user.a'] == 'newer'
    with pytest.raises(exceptions.OperationFailed):
        pending.save()
    pending.save(wait=True)
    config = server.documents['c1']['config']
    assert (config['user.a'], config['user.b']) == ('newer', 'mine')


def test_the_warning_is_one_line(server, pending, warnings_logged):
    server.operations[-1].error = u'it\nbroke\x1b[2J \xe4'
    pending.sync()
    pending.sync()
    warning, = warnings_logged()
    assert 'c1' in warning and 'broke' in warning
    assert '\n' not in warning and '\x1b' not in warning


@pytest.mark.parametrize('call', [
    lambda container: container.start(), lambda container: container.stop(),
    lambda container: container.rename('c2'),
    lambda container: container.delete(),
], ids=['start', 'stop', 'rename', 'delete'])
def test_a_change_waits_for_a_pending_save(server, pending, call):
    """The server refuses a change while an operation is running."""
    call(pending)
    assert [each.status for each in server.operations] == [
        'Success', 'Running']
    assert server.documents['c1']['config']['user.a'] == 'mine'


# A rename that fails, or whose operation is forgotten

@pytest.mark.parametrize('is_forgotten', [False, True])
@pytest.mark.parametrize('fails', [False, True])
def test_the_name_after_a_rename(
        server, container, fails, is_forgotten, warnings_logged):
    server.next_error = 'it may not be' if fails else ''
    assert container.rename('c2') is container
    if is_forgotten:
        server.forget_all()
    container.sync()
    assert container.name == ('c1' if fails else 'c2')
    container.description = 'new'
    container.save(wait=True)
    assert server.documents[container.name]['description'] == 'new'
    if not is_forgotten:
        assert len(warnings_logged()) == fails
        assert all('c1' in each and 'it may not be' in each
                   for each in warnings_logged())


@pytest.mark.parametrize('fails', [False, True])
def test_no_call_reaches_the_other_name(server, container, fails):
    server.next_error = 'it may not be' if fails else ''
    container.rename('c2')
    server.end_all()
    foreign = 'c2' if fails else 'c1'
    server.add(foreign, description='foreign')
    before = copy.deepcopy(server.documents[foreign])
    for call in (lambda: container.config, container.sync, container.start,
                 container.stop, lambda: container.save(wait=True),
                 container.rollback):
        call()
        container.config['user.a'] += 'x'
        server.end_all()
    container.rename('c3', wait=True)
    container.delete(wait=True)
    assert server.documents == {foreign: before}


# A creation that fails

def test_the_error_of_a_creation_is_raised_by_each_call(server):
    client = InstanceClient(server)
    server.next_error = 'no space left'
    container = Containers(client).create({'name': 'c2'})
    server.end_all()
    server.add('c2', description='foreign')
    before = copy.deepcopy(server.documents['c2'])
    del server.requests[:]
    calls = [container.sync, container.rollback,
             lambda: container.config, container.start, container.state,
             container.delete, lambda: container.rename('c3'),
             lambda: container.snapshots.all()]
    for call in calls + calls:
        with pytest.raises(exceptions.OperationFailed) as caught:
            call()
        assert 'no space left' in str(caught.value)
    assert not [request for request in server.requested
                if request.startswith(('GET instances', 'PUT', 'POST'))]
    assert server.documents['c2'] == before
    assert container.name == 'c2' and 'c2' in repr(container)


def test_a_forgotten_creation_that_failed(server):
    client = InstanceClient(server)
    server.next_error = 'no space left'
    container = Containers(client).create({'name': 'c2'})
    server.forget_all()
    for call in (container.start, container.sync, lambda: container.config,
                 lambda: container.snapshots.all()):
        with pytest.raises(exceptions.NotFound) as caught:
            call()
        assert 'creation failed' in str(caught.value)
        assert 'wait=True' in str(caught.value)
    assert list_changes(server) == ['POST instances']


def test_a_forgotten_creation_that_succeeded(server):
    container = Containers(InstanceClient(server)).create({'name': 'c2'})
    server.forget_all()
    container.start()
    container.operation.wait()
    assert container.status == 'Running'
    assert server.requested.count('GET operations/u0/wait') == 1


def test_the_first_call_waits_for_a_creation(server):
    client = Containers(InstanceClient(server)).create({'name': 'c2'})
    assert client.operation.id == 'u0' and 'c2' not in server.documents
    client.config['user.a'] = 'mine'
    client.save(wait=True)
    assert server.documents['c2']['config']['user.a'] == 'mine'
    assert server.requested.count('GET operations/u0/wait') == 1


# Identity and copies

def test_objects_of_projects_differ(server):
    clients = [InstanceClient(server, project)
               for project in (None, 'default', 'one', 'two', 'one')]
    del server.requests[:]
    none, default, one, two, one_again = [
        models.Container(client, name='c1') for client in clients]
    assert none == default and one == one_again
    assert len({none, default, one, two, one_again}) == 3
    assert none != one and one != two
    assert repr(none) == repr(default) == '<Container c1>'
    assert 'one' in repr(one) and 'two' in repr(two)
    assert server.requests == []


@pytest.mark.parametrize('duplicate', [
    copy.copy, copy.deepcopy,
    lambda each: pickle.loads(pickle.dumps(each))],
    ids=['copy', 'deepcopy', 'pickle'])
def test_copies_share_no_change(client, store, profile, duplicate):
    profile.devices = {'d': {'type': 'none'}}
    profile.save()
    copied = duplicate(profile)
    assert copied == profile and not copied.dirty
    copied.config['user.a'] = 'copy'
    copied.devices['d']['type'] = 'nic'
    assert copied.dirty and not profile.dirty
    assert profile.config['user.a'] == '1'
    assert profile.devices['d'] == {'type': 'none'}
    profile.description = 'original'
    assert copied.description == u'\xe4'


# Values

def test_none_and_wrong_types_for_a_dict(client, store):
    profile = Profile(client, name='p1')
    with pytest.raises(TypeError):
        profile.config = None
    assert store.requested == []
    held = profile.config
    profile.config = held.update({'user.b': '2'})
    assert type(profile.config) is dict and profile.dirty
    profile.save()
    assert store.documents['p1']['config'] == {
        'user.a': '1', 'user.b': '2', 'volatile.x': 'v'}
    for wrong in 'x', [], 3:
        with pytest.raises(TypeError):
            profile.config = wrong
    with pytest.raises(TypeError):
        profile.description = None
    assert profile.config == store.documents['p1']['config']


def test_a_refused_save_keeps_the_nested_dict(profile, store):
    profile.devices = {'d': {'type': 'none'}}
    held = profile.devices['d']
    store.answers.append(response(dict(REFUSED, error='no'), 400))
    with pytest.raises(exceptions.LXDAPIException):
        profile.save()
    held['type'] = 'nic'
    profile.save()
    assert store.documents['p1']['devices'] == {'d': {'type': 'nic'}}
    held['type'] = 'disk'
    assert profile.dirty
    profile.rollback()
    assert profile.devices == {'d': {'type': 'nic'}}
