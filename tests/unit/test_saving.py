# -*- coding: utf-8 -*-
"""Changes and saves, on a server in memory."""
import copy
import json
import logging
import pickle
import time

import pytest

from pylxd import Client, exceptions
from pylxd.core import other_clients, saving
from pylxd.core.verbs import Renamable
from pylxd.models.certificate import Certificate
from pylxd.models.image import Image
from pylxd.models.network import Network
from pylxd.models.profile import Profile, Profiles
from pylxd.models.project import Project
from pylxd.models.snapshot import Snapshot
import wire

from .store import REFUSED, response, sync


class AsyncProfile(Profile):
    """A profile whose changes the server answers with an operation."""

    synchronous = False


@pytest.fixture
def async_profile(client, store):
    profile = AsyncProfile.get(client, 'p1')
    del store.requested[:]
    return profile


@pytest.fixture
def pauses(monkeypatch):
    """The pauses of a save, in seconds; no time passes."""
    pauses = []
    monkeypatch.setattr(saving, 'sleep', pauses.append)
    return pauses


# -- changing

def test_wrong_assignments_are_refused(profile, store):
    for name, wrong in (('config', []), ('devices', 'x'),
                        ('description', 7), ('description', None)):
        with pytest.raises(TypeError) as caught:
            setattr(profile, name, wrong)
        assert 'Profile.' + name in str(caught.value)
    assert 'assign {} to empty it' in str(pytest.raises(
        TypeError, setattr, profile, 'config', None).value)
    held = profile.config
    profile.config = None  # dict.update() returns None
    assert profile.config is held
    for name in ('name', 'used_by', 'project'):
        with pytest.raises(AttributeError) as caught:
            setattr(profile, name, 'x')
        assert 'read-only' in str(caught.value)
    assert not profile.dirty and store.requested == []


def test_dirty_tells_of_local_changes(profile):
    profile.config['user.a'] = '2'
    assert profile.dirty
    profile.config['user.a'] = '1'
    assert not profile.dirty
    profile.devices = {}
    assert not profile.dirty
    profile.devices['d'] = {'type': 'none'}
    assert profile.dirty
    profile.devices['d']['x'] = 'y'
    del profile.devices['d']
    assert not profile.dirty


def test_config_update_as_documented(profile, store):
    profile.config = profile.config.update({'user.b': '2'})
    assert type(profile.config) is dict and type(profile.devices) is dict
    profile.save()
    assert store.documents['p1']['config'] == {
        'user.a': '1', 'user.b': '2', 'volatile.x': 'v'}
    profile.config = profile.config.update(c='3')
    profile.update()
    assert store.documents['p1']['config']['c'] == '3'


def test_the_dicts_of_the_caller_are_not_changed(profile, store):
    config = {'user.a': '1'}
    profile.config = config
    config['user.b'] = '2'
    assert 'user.b' not in profile.config
    profile.config['user.c'] = '3'
    assert config == {'user.a': '1', 'user.b': '2'}


# -- saving

def test_save_sends_a_patch_and_loads(profile, store):
    profile.save()
    assert store.requested == []
    profile.config = {'user.b': u'\xe4'}
    profile.save()
    assert store.requested == ['PATCH profiles/p1', 'GET profiles/p1']
    assert store.documents['p1'] == {
        'name': 'p1', 'config': {'user.b': u'\xe4', 'volatile.x': 'v'},
        'devices': {}, 'description': u'\xe4', 'used_by': [],
        'new_field': {'a': 1}}
    assert not profile.dirty


def test_only_changes_are_sent(profile, store):
    profile.config['user.b'] = '2'
    del profile.config['user.a']
    profile.devices['d'] = {'type': 'none'}
    profile.save()
    assert store.sent == {
        'config': {'user.a': '', 'user.b': '2'},
        'devices': {'d': {'type': 'none'}},
        'description': u'\xe4'}  # some servers empty it if it is left out


@pytest.mark.parametrize('change', [
    lambda profile: profile.devices.clear(),
    lambda profile: setattr(profile, 'new_field', {'a': 2}),
    lambda profile: profile.client.dialect.info.update(api_extensions=[])])
def test_changes_that_need_a_put(profile, store, change):
    """Removing a device, unknown fields, and servers without PATCH."""
    profile.devices['d'] = {'type': 'none'}
    profile.save()
    profile.description = 'new'
    change(profile)
    del store.requested[:]
    profile.save()
    assert store.requested == ['PUT profiles/p1', 'GET profiles/p1']
    assert store.sent['config'] == {'user.a': '1', 'volatile.x': 'v'}
    assert store.documents['p1']['description'] == 'new'
    assert store.documents['p1']['devices'] == profile.devices


def test_an_empty_value_removes_a_key(profile, store):
    profile.config['user.a'] = ''
    profile.config['user.none'] = ''
    profile.save()
    assert profile.config == {'volatile.x': 'v'}
    assert not profile.dirty
    assert store.requested == ['PATCH profiles/p1', 'GET profiles/p1']


def test_fields_outside_of_the_etag_are_loaded_before(
        client, store, pauses):
    """A save keeps or clashes with another client's change of these fields."""
    store.add('f0', fingerprint='f0', properties={}, profiles=['a'],
              expires_at='2001', public=False)
    store.etag = lambda name: str(store.documents[name]['public'])
    image = Image.get(client, 'f0')
    store.documents['f0']['expires_at'] = '2002'
    del store.requested[:]
    image.public = True
    image.save()
    assert store.requested == [
        'GET images/f0', 'PUT images/f0', 'GET images/f0']
    assert store.documents['f0']['expires_at'] == '2002'
    store.documents['f0']['expires_at'] = '2003'
    del store.requested[:]
    image.profiles = ['b']
    image.save()
    assert store.requested[:2] == ['GET images/f0', 'PUT images/f0']
    assert store.documents['f0']['expires_at'] == '2003'
    store.documents['f0']['expires_at'] = '2004'
    image.expires_at = '2005'
    with pytest.raises(exceptions.Conflict) as caught:
        image.save()
    assert caught.value.keys == ('expires_at',)


def test_save_of_an_object_that_was_not_loaded(client, store):
    profile = Profile(client, name='p1')
    profile.description = 'new'
    profile.save()
    assert store.documents['p1']['config']['user.a'] == '1'
    assert store.documents['p1']['description'] == 'new'
    other_unloaded = Profile(client, name='p1')
    other_unloaded.config = {'user.z': '1'}
    other_unloaded.save()
    assert store.documents['p1']['config'] == {
        'user.z': '1', 'volatile.x': 'v'}


def test_changes_of_other_keys_are_merged(profile, store, pauses):
    profile.config['user.b'] = '2'
    profile.devices['d'] = {'type': 'none'}
    store.documents['p1']['config']['user.c'] = '3'
    store.documents['p1']['description'] = 'theirs'
    profile.save()
    saved = store.documents['p1']
    assert saved['config'] == {'user.a': '1', 'user.b': '2', 'user.c': '3',
                               'volatile.x': 'v'}
    assert saved['description'] == 'theirs'
    assert saved['devices'] == {'d': {'type': 'none'}}
    assert profile.config['user.c'] == '3'
    assert store.requested == [
        'PATCH profiles/p1', 'GET profiles/p1', 'PATCH profiles/p1',
        'GET profiles/p1', 'GET profiles/p1']


def test_a_conflict_names_the_keys_and_keeps_the_change(profile, store):
    profile.config['user.a'] = 'mine'
    profile.config['user.b'] = 'mine'
    profile.description = 'mine'
    store.documents['p1']['config']['user.a'] = 'theirs'
    store.documents['p1']['description'] = 'theirs'
    with pytest.raises(exceptions.Conflict) as caught:
        profile.save()
    assert caught.value.keys == ('config.user.a', 'description')
    assert profile.config['user.a'] == profile.description == 'mine'
    assert store.documents['p1']['description'] == 'theirs'
    assert profile.dirty
    profile.sync()
    assert profile.config['user.a'] == 'mine'
    profile.save()
    assert store.documents['p1']['config']['user.a'] == 'mine'


def test_only_an_explicit_sync_overwrites(profile, store):
    """A reload without `sync` does not change what a save compares with."""
    profile.config['user.a'] = 'mine'
    store.documents['p1']['config']['user.a'] = 'theirs'
    store.documents['p1']['config']['user.b'] = 'theirs'
    profile._expire()  # as after a change of state
    assert profile.config == {
        'user.a': 'mine', 'user.b': 'theirs', 'volatile.x': 'v'}
    for _ in range(2):
        with pytest.raises(exceptions.Conflict) as caught:
            profile.save()
        assert caught.value.keys == ('config.user.a',)
        assert caught.value.response.status_code == 200
    profile.sync()
    profile.save()
    assert store.documents['p1']['config']['user.a'] == 'mine'


def test_a_clash_that_was_resolved(profile, store, pauses):
    profile.config['user.a'] = 'mine'
    store.documents['p1']['config']['user.a'] = 'theirs'
    profile._expire()
    profile.description
    store.documents['p1']['config']['user.a'] = '1'
    profile.save()
    assert store.documents['p1']['config']['user.a'] == 'mine'


def test_held_dicts_are_refreshed_in_place(profile, store):
    held = profile.config
    store.documents['p1']['config']['user.a'] = '2'
    profile.sync()
    assert held['user.a'] == '2' and profile.config is held
    held['user.b'] = '3'
    profile.rollback()
    assert 'user.b' not in held and not profile.dirty
    store.documents['p1']['config']['user.a'] = '3'
    profile.sync()
    assert profile.config['user.a'] == '3'


@pytest.mark.trap('callers-dicts')
def test_a_nested_dict_of_the_caller_is_not_changed(profile, store):
    device = {'type': 'none'}
    profile.devices['n'] = device
    profile.save()
    device['name'] = 'a'
    assert profile.dirty and profile.devices['n'] is device
    profile.save()
    store.documents['p1']['devices']['n']['name'] = 'theirs'
    profile.sync()
    assert profile.devices['n']['name'] == 'theirs'
    assert device == {'type': 'none', 'name': 'a'}


def test_held_nested_dicts_are_refreshed_in_place(profile, store):
    store.documents['p1']['devices']['n'] = {'type': 'none'}
    profile.sync()
    held = profile.devices['n']
    held['name'] = 'a'
    assert profile.dirty
    profile.save()
    held['name'] = 'b'
    assert profile.dirty
    profile.rollback()
    assert held == {'type': 'none', 'name': 'a'}
    profile.sync()
    held['name'] = 'c'
    assert profile.dirty and profile.devices['n'] is held


def test_a_refused_save_keeps_the_change(profile, store):
    profile.description = 'new'
    store.answers.append(response(dict(REFUSED, error='no'), 400))
    with pytest.raises(exceptions.LXDAPIException):
        profile.save()
    assert profile.dirty and profile.description == 'new'
    profile.save()
    assert store.documents['p1']['description'] == 'new'


BUSY = dict(REFUSED, error='Instance is busy running a "update" operation')


def test_a_save_waits_for_a_busy_object(profile, store, pauses):
    profile.description = 'new'
    store.answers += [response(BUSY, 400), response(sync({}))]
    profile.save()
    assert store.requested == [
        'PATCH profiles/p1', 'GET operations?recursion', 'GET profiles/p1',
        'PATCH profiles/p1', 'GET profiles/p1', 'GET profiles/p1']
    assert store.documents['p1']['description'] == 'new'
    assert pauses[0] <= 0.1 and pauses[1:] == [other_clients.LATE_CHANGE]


def test_a_save_waits_for_a_busy_object_for_a_limited_time(
        profile, store, monkeypatch, clock):
    monkeypatch.setattr(saving, 'sleep', lambda _: clock.advance(25))
    profile.description = 'new'
    busy = [response(BUSY, 400), response(sync({})), None]
    store.answers += busy * 9
    with pytest.raises(exceptions.LXDAPIException) as caught:
        profile.save()
    assert 'busy' in str(caught.value)
    assert saving.SAVE_TIMEOUT <= clock.time <= saving.SAVE_TIMEOUT + 25
    assert profile.dirty


def test_a_save_that_loses_each_time_ends(
        profile, store, clock):
    def change_etag(name):
        clock.advance(25)
        return str(clock.time)

    store.etag = change_etag  # another one each time
    profile.description = 'new'
    with pytest.raises(exceptions.Conflict) as caught:
        profile.save()
    assert caught.value.keys == ()
    assert clock.time <= saving.SAVE_TIMEOUT + 100
    assert profile.dirty


def test_a_save_that_is_undone_each_time_ends(
        profile, store, monkeypatch, clock):
    monkeypatch.setattr(saving, 'sleep', lambda _: clock.advance(25))
    store.patch = lambda document, changes: document.update(
        used_by=[str(clock.time)])
    profile.description = 'new'
    with pytest.raises(exceptions.Conflict) as caught:
        profile.save()
    assert caught.value.keys == ('description',) and 'description' in str(
        caught.value)
    assert saving.SAVE_TIMEOUT <= clock.time <= saving.SAVE_TIMEOUT + 50
    assert profile.dirty and profile.description == 'new'


# -- other clients that change the object at once

def after_patch(store, change):
    """Call ``change`` after each PATCH, on the changed document."""
    patch = store.patch

    def patch_and_change(document, changes):
        patch(document, changes)
        change(document)

    store.patch = patch_and_change


def test_a_save_that_is_undone_is_repeated(profile, store, pauses):
    before = copy.deepcopy(store.documents['p1'])

    def undo(document):
        store.patch = type(store).patch.__get__(store)
        document.update(before, config=dict(
            before['config'], **{'user.theirs': '1'}))

    after_patch(store, undo)
    profile.config['user.b'] = '2'
    profile.save()
    assert store.documents['p1']['config'] == {
        'user.a': '1', 'user.b': '2', 'user.theirs': '1', 'volatile.x': 'v'}
    assert set(pauses) == {other_clients.LATE_CHANGE} and not profile.dirty


def test_a_rival_is_waited_for(profile, store, pauses, monkeypatch):
    """The last change of a rival may be applied late."""
    def undo(_):
        pauses.append('slept')
        if len(pauses) == 1:
            del store.documents['p1']['config']['user.b']

    monkeypatch.setattr(saving, 'sleep', undo)
    after_patch(store, lambda document: document['config'].update(
        {'user.theirs': '1'}))
    profile.config['user.b'] = '2'
    profile.save()
    assert store.documents['p1']['config']['user.b'] == '2'
    assert len(pauses) == 2


def test_a_clash_with_a_rival_is_a_conflict(profile, store, pauses):
    after_patch(store, lambda document: document['config'].update(
        {'user.theirs': '1', 'user.b': 'theirs'}))
    profile.config['user.b'] = 'mine'
    with pytest.raises(exceptions.Conflict) as caught:
        profile.save()
    assert caught.value.keys == ('config.user.b',)
    assert profile.config['user.b'] == 'mine' and profile.dirty


def test_values_that_the_server_normalizes(profile, store, pauses):
    after_patch(store, lambda document: document['config'].update(
        {'user.b': 'TWO'}))
    profile.config['user.b'] = 'two'
    profile.save()
    assert profile.config['user.b'] == 'TWO' and not profile.dirty
    assert pauses == []


def test_a_value_that_the_server_normalizes_to_the_old_one(profile, store):
    """As a time in another time zone: the ETag stays the same."""
    after_patch(store, lambda document: document['config'].update(
        {'user.a': '1'}))
    profile.config['user.a'] = '1.0'
    profile.save()
    assert profile.config['user.a'] == '1' and not profile.dirty
    assert store.requested == ['PATCH profiles/p1', 'GET profiles/p1']


def test_a_mock_with_constant_responses(profile, store):
    store.etag = lambda name: None
    profile._document.etag = None
    store.patch = lambda document, changes: None
    profile.description = 'new'
    profile.save()
    assert profile.description == 'new' and not profile.dirty


# -- changes that start an operation

OPERATION = {'id': 'u1', 'class': 'task', 'status': 'Running',
             'status_code': 103, 'created_at': '2020-01-01T00:00:00Z',
             'updated_at': '2020-01-01T00:00:00Z', 'err': '',
             'description': 'Updating', 'metadata': None, 'resources': {}}
RUNNING_RESPONSE = {'type': 'async', 'metadata': OPERATION}


DONE = dict(OPERATION, status='Success', status_code=200)
FAILED = dict(OPERATION, status='Failure', status_code=400, err='it broke')
FORGOTTEN = dict(REFUSED, error='Operation not found')


def test_a_save_that_fails_while_it_waits(async_profile, store):
    async_profile.description = 'new'
    store.answers += [response(RUNNING_RESPONSE, 202), response(sync(FAILED))]
    with pytest.raises(exceptions.OperationFailed):
        async_profile.save(wait=True)
    assert async_profile.dirty and async_profile.description == 'new'
    assert store.documents['p1']['description'] == u'\xe4'
    del store.requested[:]
    async_profile.save(wait=True)  # the failure was raised already
    assert store.requested[0] == 'GET profiles/p1'
    assert store.documents['p1']['description'] == 'new'


def test_a_save_waits_for_its_operation(async_profile, store):
    async_profile.description = 'new'
    store.answers += [response(RUNNING_RESPONSE, 202), response(sync(DONE)),
                      response(sync({'success': [DONE]}))]
    store.documents['p1']['description'] = 'NEW'  # normalized by the server
    async_profile.save(wait=True)
    assert store.requested == [
        'PATCH profiles/p1', 'GET operations/u1/wait',
        'GET operations?recursion', 'GET profiles/p1']
    assert not async_profile.dirty and async_profile.description == 'NEW'
    async_profile.sync()
    assert store.requested.count('GET operations/u1/wait') == 1
    assert async_profile.operation.status == 'Success'


@pytest.fixture
def failed_profile(async_profile, store):
    """A profile after a save without ``wait``, which has failed."""
    async_profile.description = 'new'
    store.answers += [response(RUNNING_RESPONSE, 202), response(sync(FAILED))]
    async_profile.save()
    assert not async_profile.dirty and async_profile.description == 'new'
    return async_profile


@pytest.mark.parametrize('call', [
    lambda profile: profile.sync(), lambda profile: profile.rollback(),
    lambda profile: profile.rename('p2'),
    lambda profile: profile.post(json={'name': 'p3'}),
    lambda profile: profile.raw_patch({})])
def test_a_failed_save_is_logged_and_local_again(
        failed_profile, store, caplog, call):
    """The change is a local one again, and a warning is logged."""
    caplog.set_level(logging.WARNING, 'pylxd')
    try:
        call(failed_profile)
    except exceptions.NotFound:
        pass  # the call has renamed p1
    line, = caplog.records
    assert line.levelname == 'WARNING' and line.name == 'pylxd'
    assert '<AsyncProfile p1> was not saved: it broke' in line.getMessage()
    if failed_profile.dirty:  # not after a rollback
        assert failed_profile.description == 'new'
    with pytest.raises(exceptions.OperationFailed) as caught:
        failed_profile.save()
    assert 'it broke' in str(caught.value)
    assert len(caplog.records) == 1


def test_the_next_save_raises_the_failure_once(failed_profile, store, caplog):
    before = list(store.requested)
    with pytest.raises(exceptions.OperationFailed):
        failed_profile.save()
    assert store.requested == before + ['GET operations/u1/wait']
    assert failed_profile.dirty and failed_profile.description == 'new'
    assert len(caplog.records) == 1
    failed_profile.save()
    assert store.documents['p1']['description'] == 'new'


def test_waiting_for_the_operation_raises_the_failure(failed_profile, store):
    with pytest.raises(exceptions.OperationFailed):
        failed_profile.operation.wait()
    failed_profile.save()
    assert store.documents['p1']['description'] == 'new'


@pytest.mark.parametrize('duplicate', [
    copy.copy, copy.deepcopy, lambda profile: pickle.loads(
        pickle.dumps(profile))])
def test_a_copy_raises_the_failure_too(failed_profile, duplicate):
    copied = duplicate(failed_profile)
    copied.sync()
    assert copied.dirty and copied.description == 'new'
    with pytest.raises(exceptions.OperationFailed):
        copied.save()
    copied.save()
    assert copied.client.store.documents['p1']['description'] == 'new'


def test_a_change_after_a_failed_save(failed_profile, store):
    failed_profile.description = 'newer'
    failed_profile.config['user.b'] = '2'
    with pytest.raises(exceptions.OperationFailed):
        failed_profile.save()
    failed_profile.save()
    assert store.documents['p1']['description'] == 'newer'
    assert store.documents['p1']['config']['user.b'] == '2'


@pytest.mark.parametrize('there, dirty, shown', [
    ('new', False, 'new'),     # the save was applied
    (u'\xe4', True, 'new'),    # the save was not applied
    ('third', False, 'third'),  # another client has changed it since
])
def test_a_save_that_the_server_has_forgotten(
        async_profile, store, there, dirty, shown):
    async_profile.description = 'new'
    store.answers += [response(RUNNING_RESPONSE, 202), response(
        FORGOTTEN, 404)]
    async_profile.save()
    store.documents['p1']['description'] = there
    async_profile.sync()
    assert (async_profile.dirty, async_profile.description) == (dirty, shown)
    async_profile.save()
    assert store.documents['p1']['description'] == shown


def test_a_successful_save_is_not_repeated(async_profile, store):
    """A successful save is not repeated."""
    async_profile.description = 'new'
    store.answers += [response(RUNNING_RESPONSE, 202), response(sync(DONE)),
                      response(sync({'success': [DONE]}))]
    async_profile.save()
    # Another client sets the description back
    store.documents['p1']['description'] = u'\xe4'
    async_profile.config['user.b'] = '2'
    async_profile.save()
    assert store.documents['p1']['description'] == u'\xe4'


def test_operations_that_cannot_be_listed(async_profile, store):
    async_profile.description = 'new'
    store.answers += [response(RUNNING_RESPONSE, 202), response(sync(DONE)),
                      response(dict(REFUSED, error='not authorized'), 403)]
    store.documents['p1']['description'] = 'new'
    async_profile.save(wait=True)
    assert not async_profile.dirty


@pytest.mark.parametrize('own_timeout, list_timeout', [
    (None, 0.1), (0.1, 60)])
def test_a_list_of_operations_that_does_not_come(
        monkeypatch, pauses, own_timeout, list_timeout):
    """A server sends none while a member of its cluster hangs.

    It delays the save for the shorter of both timeouts.
    """
    monkeypatch.setattr(other_clients, 'LIST_TIMEOUT', list_timeout)
    stored = {'name': 'c1', 'config': {}, 'devices': {'n': {}}}

    def put(request):
        stored.update(json.loads(request.body.decode()))
        return wire.accepted(OPERATION)

    with wire.Server(wire.lxd_api({
            'GET /1.0/instances/c1': lambda _: wire.sync(stored, ETag='e'),
            'PUT /1.0/instances/c1': put,
            'GET /1.0/operations/u1/wait': DONE,
            # It sends nothing until the client closes the connection
            'GET /1.0/operations': lambda _: (
                lambda connection: connection.recv(1))})) as server:
        with Client(server.endpoint, timeout=own_timeout) as client:
            container = client.containers.get('c1')
            del container.devices['n']
            started = time.time()
            container.save(wait=True)
            assert time.time() - started < 10
            assert not container.dirty and container.devices == {}
        assert 'GET /1.0/operations?recursion=1' in server.requested
    assert pauses == [other_clients.LATE_CHANGE]


def test_an_operation_of_a_rival(async_profile, store, pauses):
    """Of two overlapping operations, the later one may undo the other."""
    theirs = dict(DONE, id='u2', updated_at='2020-01-01T00:00:01Z',
                  resources={'profiles': ['/1.0/profiles/p1?project=x']})
    store.answers += [
        response(RUNNING_RESPONSE, 202), response(sync(DONE)),
        response(sync({'success': [DONE, theirs]})),
        response(sync({'success': [DONE, theirs]})), None, None]
    async_profile.description = 'new'
    async_profile.save(wait=True)
    assert store.documents['p1']['description'] == 'new'
    assert pauses == [other_clients.LATE_CHANGE] * 2
    assert store.requested == [
        'PATCH profiles/p1', 'GET operations/u1/wait',
        'GET operations?recursion', 'GET operations?recursion',
        'GET profiles/p1', 'GET profiles/p1',
        'PATCH profiles/p1', 'GET profiles/p1', 'GET profiles/p1']


def test_an_operation_of_a_rival_that_runs(async_profile, store, pauses):
    """The save waits for its end before it loads the object."""
    theirs = dict(OPERATION, id='u2',
                  resources={'profiles': ['/1.0/profiles/p1']})
    store.answers += [
        response(RUNNING_RESPONSE, 202), response(sync(DONE)),
        response(sync({'running': [theirs]})),
        response(sync(dict(theirs, status='Success', status_code=200))),
        response(sync({})), None]
    async_profile.description = 'new'
    async_profile.save(wait=True)
    assert store.requested[2:6] == [
        'GET operations?recursion', 'GET operations/u2/wait',
        'GET operations?recursion', 'GET profiles/p1']


@pytest.mark.parametrize('kind', [Project, Profile, Network, Certificate])
def test_synchronous_kinds_wait_for_an_operation(
        client, store, kind):
    """Calls wait for an operation, should a newer server answer with one."""
    client.dialect.info['api_extensions'] += ['projects', 'network']
    store.answers += [response(RUNNING_RESPONSE, 202), response(sync(DONE))]
    kind(client, name='p1', fingerprint='p1').delete()
    assert store.requested[1] == 'GET operations/u1/wait'


def test_a_connection_that_is_lost_before_the_end(
        async_profile, store, monkeypatch):
    """The result of the save is requested again by the next call."""
    async_profile.description = 'new'
    store.answers.append(response(RUNNING_RESPONSE, 202))
    async_profile.save()
    request = store.request
    monkeypatch.setattr(store, 'request', lose_connection)
    with pytest.raises(exceptions.ClientConnectionFailed):
        async_profile.sync()
    monkeypatch.setattr(store, 'request', request)
    store.answers.append(response(sync(FAILED)))
    async_profile.sync()
    assert async_profile.dirty


def lose_connection(*args, **kwargs):
    raise exceptions.ClientConnectionFailed('lost')


@pytest.mark.trap('sync-or-async')
def test_an_operation_of_a_synchronous_kind_is_awaited(profile, store):
    profile.description = 'new'
    store.answers += [response(RUNNING_RESPONSE, 202), response(sync(DONE)),
                      response(sync({}))]
    store.documents['p1']['description'] = 'new'
    profile.save()
    assert store.requested[1] == 'GET operations/u1/wait'
    assert not profile.dirty
    profile.description = 'newer'
    store.answers += [response(RUNNING_RESPONSE, 202), response(sync(FAILED))]
    with pytest.raises(exceptions.OperationFailed):
        profile.save()
    assert profile.dirty and profile.description == 'newer'


# -- creating and renaming

def start_creation(client, store, end):
    """Return a profile that is being created.

    :param end: arguments of `response` for the wait for the operation.
    """
    store.answers += [response(RUNNING_RESPONSE, 202)]
    manager = Profiles(client)
    manager.model = AsyncProfile
    container = manager.create('new')
    assert container.operation.id == 'u1'
    store.answers += [response(*end)]
    del store.requested[:]
    return container


def test_every_call_waits_for_the_creation(client, store):
    created = start_creation(client, store, (sync(DONE),))
    store.add('new')
    assert created.description == ''
    assert store.requested == ['GET operations/u1/wait', 'GET profiles/new']
    created.delete()
    assert store.requested[2:] == ['DELETE profiles/new']


def test_each_call_raises_the_failure_of_the_creation(client, store):
    created = start_creation(client, store, (sync(FAILED),))
    for call in (created.sync, created.delete, created.save,
                 lambda: created.config, lambda: created.rename('x')):
        with pytest.raises(exceptions.OperationFailed) as caught:
            call()
        assert 'it broke' in str(caught.value)
    assert store.requested == ['GET operations/u1/wait']
    assert created.name == 'new'


def test_a_creation_that_is_forgotten(client, store):
    created = start_creation(client, store, (FORGOTTEN, 404))
    store.add('new')
    assert created.description == ''
    created = start_creation(client, store, (FORGOTTEN, 404))
    store.documents.pop('new')
    with pytest.raises(exceptions.NotFound):
        created.description


def test_rename(profile, store):
    assert profile.rename('p2') is profile
    assert profile.name == 'p2' and profile.api.path == '/1.0/profiles/p2'
    profile.description = 'new'
    profile.save()
    assert list(store.documents) == ['p2']
    for name in ('', '..', 'a\n'):
        with pytest.raises(exceptions.InvalidName):
            profile.rename(name)
    assert profile.name == 'p2'


@pytest.fixture
def renamed_profile(async_profile, store):
    """A profile that is being renamed from ``p1`` to ``p2``."""
    store.answers += [response(RUNNING_RESPONSE, 202)]
    async_profile.rename('p2')
    assert async_profile.name == 'p2' and async_profile.operation.id == 'u1'
    del store.requested[:]
    return async_profile


def test_a_rename_without_wait(renamed_profile, store, caplog):
    store.add('p2', description='renamed')
    store.answers += [response(sync(DONE))]
    renamed_profile.sync()
    assert renamed_profile.name == 'p2'
    assert renamed_profile.description == 'renamed'
    assert not caplog.records


def test_a_failed_rename_is_logged(renamed_profile, store, caplog):
    """No call reaches another client's object with the new name."""
    store.add('p2', description='of someone else')
    store.answers += [response(sync(FAILED))]
    renamed_profile.delete()
    assert renamed_profile.name == 'p1' and list(store.documents) == ['p2']
    line, = caplog.records
    assert '<AsyncProfile p1> was not renamed to p2: it broke' in (
        line.getMessage())


@pytest.mark.parametrize('created_at, name', [
    ('2019-12-31T23:59:59Z', 'p1'),  # the profile itself
    ('2020-01-01T00:00:01Z', 'p2'),  # created after the rename
    (None, 'p2')])                    # deleted
def test_a_rename_that_is_forgotten(renamed_profile, store, created_at, name):
    store.documents.pop('p1')
    if created_at:
        store.add('p1', created_at=created_at)
    store.add('p2')
    store.answers += [response(FORGOTTEN, 404)]
    renamed_profile.sync()
    assert renamed_profile.name == name


def test_a_failed_save_a_rename_and_a_namesake(failed_profile, store):
    """No call reaches another client's object with the old name."""
    failed_profile.rename('p2')
    store.add('p1', description='of someone else')
    failed_profile.description = 'mine'
    with pytest.raises(exceptions.OperationFailed):
        failed_profile.save()
    failed_profile.save()
    failed_profile.delete()
    assert list(store.documents) == ['p1']
    assert store.documents['p1']['description'] == 'of someone else'


def test_images_have_no_rename():
    assert not issubclass(Image, Renamable) and issubclass(Snapshot, Renamable)
    assert not hasattr(Image, 'rename')
