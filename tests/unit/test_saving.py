# -*- coding: utf-8 -*-
"""Changes and saves, against a server in memory."""
import copy
import logging
import pickle

import pytest

from pylxd import exceptions
from pylxd.core import listing, rivals, saving
from pylxd.core.verbs import Renamable
from pylxd.models.certificate import Certificate
from pylxd.models.image import Image
from pylxd.models.network import Network
from pylxd.models.profile import Profile, Profiles
from pylxd.models.project import Project
from pylxd.models.snapshot import Snapshot

from .store import REFUSED, response, sync


class Later(Profile):
    """A profile of a server that changes profiles in the background."""

    synchronous = False


@pytest.fixture
def later(client, store):
    profile = Later.get(client, 'p1')
    del store.requested[:]
    return profile


@pytest.fixture
def slept(monkeypatch):
    """The pauses that a save has made; no time passes."""
    slept = []
    monkeypatch.setattr(saving, 'sleep', slept.append)
    return slept


@pytest.fixture
def now(monkeypatch):
    """The time, which a test may set."""
    now = [0.0]
    for module in saving, rivals, listing:
        monkeypatch.setattr(module, 'clock', lambda: now[0])
    return now


# -- changing

def test_assignments(profile, store):
    for name, wrong in (('config', []), ('devices', 'x'),
                        ('description', 7), ('description', None)):
        with pytest.raises(TypeError) as caught:
            setattr(profile, name, wrong)
        assert 'Profile.' + name in str(caught.value)
    assert 'write {} to empty it' in str(pytest.raises(
        TypeError, setattr, profile, 'config', None).value)
    held = profile.config
    profile.config = None  # what dict.update() returns
    assert profile.config is held
    for name in ('name', 'used_by', 'project'):
        with pytest.raises(AttributeError) as caught:
            setattr(profile, name, 'x')
        assert 'read-only' in str(caught.value)
    assert not profile.dirty and store.requested == []


def test_dirty(profile):
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


def test_the_documentations_update(profile, store):
    profile.config = profile.config.update({'user.b': '2'})
    assert type(profile.config) is dict and type(profile.devices) is dict
    profile.save()
    assert store.documents['p1']['config'] == {
        'user.a': '1', 'user.b': '2', 'volatile.x': 'v'}
    profile.config = profile.config.update(c='3')
    profile.update()
    assert store.documents['p1']['config']['c'] == '3'


def test_the_callers_dicts_are_not_held(profile, store):
    mine = {'user.a': '1'}
    profile.config = mine
    mine['user.b'] = '2'
    assert 'user.b' not in profile.config
    profile.config['user.c'] = '3'
    assert mine == {'user.a': '1', 'user.b': '2'}


# -- saving

def test_save(profile, store):
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


def test_only_what_is_changed_is_sent(profile, store):
    profile.config['user.b'] = '2'
    del profile.config['user.a']
    profile.devices['d'] = {'type': 'none'}
    profile.save()
    assert store.sent == {
        'config': {'user.a': '', 'user.b': '2'},
        'devices': {'d': {'type': 'none'}},
        'description': u'\xe4'}  # some servers would empty it


@pytest.mark.parametrize('change', [
    lambda profile: profile.devices.clear(),
    lambda profile: setattr(profile, 'new_field', {'a': 2}),
    lambda profile: profile.client.dialect.info.update(api_extensions=[])])
def test_what_takes_a_put(profile, store, change):
    """Removing a device, and fields that nobody knows how to PATCH."""
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


def test_what_the_etag_does_not_cover_is_loaded_before(
        client, store, slept):
    """So another client's change of it is not undone, and clashes are seen."""
    store.add('f0', fingerprint='f0', properties={}, profiles=['a'],
              expires_at='2001', public=False)
    store.etag = lambda name: str(store.documents[name]['public'])
    image = Image.get(client, 'f0')
    store.documents['f0']['expires_at'] = '2002'
    del store.requested[:]
    image.public = True
    image.save()
    assert store.requested == ['GET images/f0', 'PUT images/f0', 'GET images/f0']
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


def test_save_of_what_was_never_read(client, store):
    profile = Profile(client, name='p1')
    profile.description = 'new'
    profile.save()
    assert store.documents['p1']['config']['user.a'] == '1'
    assert store.documents['p1']['description'] == 'new'
    fresh = Profile(client, name='p1')
    fresh.config = {'user.z': '1'}
    fresh.save()
    assert store.documents['p1']['config'] == {
        'user.z': '1', 'volatile.x': 'v'}


def test_merging(profile, store, slept):
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


def test_conflict(profile, store):
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
    """A reload that the caller did not ask for keeps what is compared."""
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


def test_a_clash_that_has_gone(profile, store, slept):
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
    mine = {'type': 'none'}
    profile.devices['n'] = mine
    profile.save()
    mine['name'] = 'a'
    assert profile.dirty and profile.devices['n'] is mine
    profile.save()
    store.documents['p1']['devices']['n']['name'] = 'theirs'
    profile.sync()
    assert profile.devices['n']['name'] == 'theirs'
    assert mine == {'type': 'none', 'name': 'a'}


def test_nested_dicts_are_held_too(profile, store):
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


def test_a_refused_save_is_not_forgotten(profile, store):
    profile.description = 'new'
    store.answers.append(response(dict(REFUSED, error='no'), 400))
    with pytest.raises(exceptions.LXDAPIException):
        profile.save()
    assert profile.dirty and profile.description == 'new'
    profile.save()
    assert store.documents['p1']['description'] == 'new'


BUSY = dict(REFUSED, error='Instance is busy running a "update" operation')


def test_a_busy_object_is_awaited(profile, store, slept):
    profile.description = 'new'
    store.answers += [response(BUSY, 400), response(sync({}))]
    profile.save()
    assert store.requested == [
        'PATCH profiles/p1', 'GET operations?recursion', 'GET profiles/p1',
        'PATCH profiles/p1', 'GET profiles/p1', 'GET profiles/p1']
    assert store.documents['p1']['description'] == 'new'
    assert slept[0] <= 0.1 and slept[1:] == [rivals.LATE_CHANGE]


def test_a_busy_object_is_not_awaited_for_ever(
        profile, store, monkeypatch, now):
    monkeypatch.setattr(saving, 'sleep', lambda _: now.__setitem__(
        0, now[0] + 25))
    profile.description = 'new'
    busy = [response(BUSY, 400), response(sync({})), None]
    store.answers += busy * 9
    with pytest.raises(exceptions.LXDAPIException) as caught:
        profile.save()
    assert 'busy' in str(caught.value)
    assert saving.SAVE_WITHIN <= now[0] <= saving.SAVE_WITHIN + 25
    assert profile.dirty


def test_changes_that_never_end_are_not_followed_for_ever(
        profile, store, now):
    def refuse(name):
        now[0] += 25
        return str(now[0])

    store.etag = refuse  # another one each time
    profile.description = 'new'
    with pytest.raises(exceptions.Conflict) as caught:
        profile.save()
    assert caught.value.keys == ()
    assert now[0] <= saving.SAVE_WITHIN + 100
    assert profile.dirty


def test_a_save_that_is_undone_each_time_ends(
        profile, store, monkeypatch, now):
    monkeypatch.setattr(saving, 'sleep', lambda _: now.__setitem__(
        0, now[0] + 25))
    store.patch = lambda document, changes: document.update(
        used_by=[str(now[0])])
    profile.description = 'new'
    with pytest.raises(exceptions.Conflict) as caught:
        profile.save()
    assert caught.value.keys == ('description',) and 'description' in str(
        caught.value)
    assert saving.SAVE_WITHIN <= now[0] <= saving.SAVE_WITHIN + 50
    assert profile.dirty and profile.description == 'new'


# -- changes that undo each other

def after_patch(store, change):
    """Call ``change`` when the server has made a PATCH."""
    patch = store.patch

    def patching(document, changes):
        patch(document, changes)
        change(document)

    store.patch = patching


def test_a_save_that_is_undone_is_repeated(profile, store, slept):
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
    assert set(slept) == {rivals.LATE_CHANGE} and not profile.dirty


def test_a_rival_is_waited_for(profile, store, slept, monkeypatch):
    """Where others change the object, their last change may come late."""
    def undo(_):
        slept.append('slept')
        if len(slept) == 1:
            del store.documents['p1']['config']['user.b']

    monkeypatch.setattr(saving, 'sleep', undo)
    after_patch(store, lambda document: document['config'].update(
        {'user.theirs': '1'}))
    profile.config['user.b'] = '2'
    profile.save()
    assert store.documents['p1']['config']['user.b'] == '2'
    assert len(slept) == 2


def test_a_clash_with_a_rival_is_a_conflict(profile, store, slept):
    after_patch(store, lambda document: document['config'].update(
        {'user.theirs': '1', 'user.b': 'theirs'}))
    profile.config['user.b'] = 'mine'
    with pytest.raises(exceptions.Conflict) as caught:
        profile.save()
    assert caught.value.keys == ('config.user.b',)
    assert profile.config['user.b'] == 'mine' and profile.dirty


def test_values_in_the_servers_own_way(profile, store, slept):
    after_patch(store, lambda document: document['config'].update(
        {'user.b': 'TWO'}))
    profile.config['user.b'] = 'two'
    profile.save()
    assert profile.config['user.b'] == 'TWO' and not profile.dirty
    assert slept == []


def test_a_value_that_the_server_takes_for_the_old_one(profile, store):
    """As one time in two time zones: its ETag stays, and nobody was there."""
    after_patch(store, lambda document: document['config'].update(
        {'user.a': '1'}))
    profile.config['user.a'] = '1.0'
    profile.save()
    assert profile.config['user.a'] == '1' and not profile.dirty
    assert store.requested == ['PATCH profiles/p1', 'GET profiles/p1']


def test_a_mock_that_always_says_the_same(profile, store):
    store.etag = lambda name: None
    profile._document.etag = None
    store.patch = lambda document, changes: None
    profile.description = 'new'
    profile.save()
    assert profile.description == 'new' and not profile.dirty


# -- changes in the background

OPERATION = {'id': 'u1', 'class': 'task', 'status': 'Running',
             'status_code': 103, 'created_at': '2020-01-01T00:00:00Z',
             'updated_at': '2020-01-01T00:00:00Z', 'err': '',
             'description': 'Updating', 'metadata': None, 'resources': {}}
STARTED = {'type': 'async', 'metadata': OPERATION}


DONE = dict(OPERATION, status='Success', status_code=200)
FAILED = dict(OPERATION, status='Failure', status_code=400, err='it broke')
FORGOTTEN = dict(REFUSED, error='Operation not found')


def test_a_save_that_fails_while_it_waits(later, store):
    later.description = 'new'
    store.answers += [response(STARTED, 202), response(sync(FAILED))]
    with pytest.raises(exceptions.OperationFailed):
        later.save(wait=True)
    assert later.dirty and later.description == 'new'
    assert store.documents['p1']['description'] == u'\xe4'
    del store.requested[:]
    later.save(wait=True)  # it has been told
    assert store.requested[0] == 'GET profiles/p1'
    assert store.documents['p1']['description'] == 'new'


def test_a_save_that_comes_to_its_end_later(later, store):
    later.description = 'new'
    store.answers += [response(STARTED, 202), response(sync(DONE)),
                      response(sync({'success': [DONE]}))]
    store.documents['p1']['description'] = 'NEW'  # in the server's own way
    later.save(wait=True)
    assert store.requested == [
        'PATCH profiles/p1', 'GET operations/u1/wait',
        'GET operations?recursion', 'GET profiles/p1']
    assert not later.dirty and later.description == 'NEW'
    later.sync()
    assert store.requested.count('GET operations/u1/wait') == 1
    assert later.operation.status == 'Success'


@pytest.fixture
def failed(later, store):
    """An object whose save without ``wait`` has failed meanwhile."""
    later.description = 'new'
    store.answers += [response(STARTED, 202), response(sync(FAILED))]
    later.save()
    assert not later.dirty and later.description == 'new'
    return later


@pytest.mark.parametrize('call', [
    lambda profile: profile.sync(), lambda profile: profile.rollback(),
    lambda profile: profile.rename('p2'),
    lambda profile: profile.post(json={'name': 'p3'}),
    lambda profile: profile.raw_patch({})])
def test_the_first_call_that_learns_of_a_failed_save(
        failed, store, caplog, call):
    """It makes the change a local one, and logs a warning."""
    caplog.set_level(logging.WARNING, 'pylxd')
    try:
        call(failed)
    except exceptions.NotFound:
        pass  # the server in memory has no p1 any more
    line, = caplog.records
    assert line.levelname == 'WARNING' and line.name == 'pylxd'
    assert '<Later p1> was not saved: it broke' in line.getMessage()
    if failed.dirty:  # it is not after a rollback
        assert failed.description == 'new'
    with pytest.raises(exceptions.OperationFailed) as caught:
        failed.save()
    assert 'it broke' in str(caught.value)
    assert len(caplog.records) == 1


def test_the_next_save_tells_once_that_one_failed(failed, store, caplog):
    asked = list(store.requested)
    with pytest.raises(exceptions.OperationFailed):
        failed.save()
    assert store.requested == asked + ['GET operations/u1/wait']
    assert failed.dirty and failed.description == 'new'
    assert len(caplog.records) == 1
    failed.save()
    assert store.documents['p1']['description'] == 'new'


def test_whoever_waits_for_the_operation_is_told(failed, store):
    with pytest.raises(exceptions.OperationFailed):
        failed.operation.wait()
    failed.save()
    assert store.documents['p1']['description'] == 'new'


@pytest.mark.parametrize('duplicate', [
    copy.copy, copy.deepcopy, lambda profile: pickle.loads(
        pickle.dumps(profile))])
def test_a_copy_learns_of_a_failed_save_too(failed, duplicate):
    made = duplicate(failed)
    made.sync()
    assert made.dirty and made.description == 'new'
    with pytest.raises(exceptions.OperationFailed):
        made.save()
    made.save()
    assert made.client.store.documents['p1']['description'] == 'new'


def test_a_later_change_of_what_was_not_saved(failed, store):
    failed.description = 'newer'
    failed.config['user.b'] = '2'
    with pytest.raises(exceptions.OperationFailed):
        failed.save()
    failed.save()
    assert store.documents['p1']['description'] == 'newer'
    assert store.documents['p1']['config']['user.b'] == '2'


@pytest.mark.parametrize('there, dirty, shown', [
    ('new', False, 'new'),     # it was done
    (u'\xe4', True, 'new'),    # it was not
    ('third', False, 'third'),  # someone else has changed it since
])
def test_a_save_that_the_server_has_forgotten(
        later, store, there, dirty, shown):
    later.description = 'new'
    store.answers += [response(STARTED, 202), response(FORGOTTEN, 404)]
    later.save()
    store.documents['p1']['description'] = there
    later.sync()
    assert (later.dirty, later.description) == (dirty, shown)
    later.save()
    assert store.documents['p1']['description'] == shown


def test_a_save_that_was_done_and_changed_since(later, store):
    """A save that is known as done is not repeated."""
    later.description = 'new'
    store.answers += [response(STARTED, 202), response(sync(DONE)),
                      response(sync({'success': [DONE]}))]
    later.save()
    store.documents['p1']['description'] = u'\xe4'  # someone set it back
    later.config['user.b'] = '2'
    later.save()
    assert store.documents['p1']['description'] == u'\xe4'


def test_operations_that_cannot_be_listed(later, store):
    later.description = 'new'
    store.answers += [response(STARTED, 202), response(sync(DONE)),
                      response(dict(REFUSED, error='not authorized'), 403)]
    store.documents['p1']['description'] = 'new'
    later.save(wait=True)
    assert not later.dirty


def test_an_operation_of_a_rival(later, store, slept):
    """Of two that overlapped, the later one may have undone the other."""
    theirs = dict(DONE, id='u2', updated_at='2020-01-01T00:00:01Z',
                  resources={'profiles': ['/1.0/profiles/p1?project=x']})
    store.answers += [
        response(STARTED, 202), response(sync(DONE)),
        response(sync({'success': [DONE, theirs]})),
        response(sync({'success': [DONE, theirs]})), None, None]
    later.description = 'new'
    later.save(wait=True)
    assert store.documents['p1']['description'] == 'new'
    assert slept == [rivals.LATE_CHANGE] * 2
    assert store.requested == [
        'PATCH profiles/p1', 'GET operations/u1/wait',
        'GET operations?recursion', 'GET operations?recursion',
        'GET profiles/p1', 'GET profiles/p1',
        'PATCH profiles/p1', 'GET profiles/p1', 'GET profiles/p1']


def test_an_operation_of_a_rival_that_runs(later, store, slept):
    """Its end is waited for, and only then the object is looked at."""
    theirs = dict(OPERATION, id='u2',
                  resources={'profiles': ['/1.0/profiles/p1']})
    store.answers += [
        response(STARTED, 202), response(sync(DONE)),
        response(sync({'running': [theirs]})),
        response(sync(dict(theirs, status='Success', status_code=200))),
        response(sync({})), None]
    later.description = 'new'
    later.save(wait=True)
    assert store.requested[2:6] == [
        'GET operations?recursion', 'GET operations/u2/wait',
        'GET operations?recursion', 'GET profiles/p1']


@pytest.mark.parametrize('kind', [Project, Profile, Network, Certificate])
def test_kinds_whose_changes_are_done_when_a_call_returns(
        client, store, kind):
    """So that a newer server is waited for, whatever it answers."""
    client.dialect.info['api_extensions'] += ['projects', 'network']
    store.answers += [response(STARTED, 202), response(sync(DONE))]
    kind(client, name='p1', fingerprint='p1').delete()
    assert store.requested[1] == 'GET operations/u1/wait'


def test_a_server_that_is_lost_on_the_way(later, store, monkeypatch):
    """What became of a save is asked again."""
    later.description = 'new'
    store.answers.append(response(STARTED, 202))
    later.save()
    request = store.request
    monkeypatch.setattr(store, 'request', lost)
    with pytest.raises(exceptions.ClientConnectionFailed):
        later.sync()
    monkeypatch.setattr(store, 'request', request)
    store.answers.append(response(sync(FAILED)))
    later.sync()
    assert later.dirty


def lost(*args, **kwargs):
    raise exceptions.ClientConnectionFailed('lost')


@pytest.mark.trap('sync-or-async')
def test_what_lxd_5_does_at_once_is_awaited_everywhere(profile, store):
    profile.description = 'new'
    store.answers += [response(STARTED, 202), response(sync(DONE)),
                      response(sync({}))]
    store.documents['p1']['description'] = 'new'
    profile.save()
    assert store.requested[1] == 'GET operations/u1/wait'
    assert not profile.dirty
    profile.description = 'newer'
    store.answers += [response(STARTED, 202), response(sync(FAILED))]
    with pytest.raises(exceptions.OperationFailed):
        profile.save()
    assert profile.dirty and profile.description == 'newer'


# -- creating and renaming

def creating(client, store, end):
    """An object that is being created, and how that ends."""
    store.answers += [response(STARTED, 202)]
    manager = Profiles(client)
    manager.model = Later
    container = manager.create('new')
    assert container.operation.id == 'u1'
    store.answers += [response(*end)]
    del store.requested[:]
    return container


def test_every_call_waits_for_the_creation(client, store):
    made = creating(client, store, (sync(DONE),))
    store.add('new')
    assert made.description == ''
    assert store.requested == ['GET operations/u1/wait', 'GET profiles/new']
    made.delete()
    assert store.requested[2:] == ['DELETE profiles/new']


def test_a_creation_that_failed_is_told_by_every_call(client, store):
    made = creating(client, store, (sync(FAILED),))
    for call in (made.sync, made.delete, made.save, lambda: made.config,
                 lambda: made.rename('x')):
        with pytest.raises(exceptions.OperationFailed) as caught:
            call()
        assert 'it broke' in str(caught.value)
    assert store.requested == ['GET operations/u1/wait']
    assert made.name == 'new'


def test_a_creation_that_is_forgotten(client, store):
    made = creating(client, store, (FORGOTTEN, 404))
    store.add('new')
    assert made.description == ''
    made = creating(client, store, (FORGOTTEN, 404))
    store.documents.pop('new')
    with pytest.raises(exceptions.NotFound):
        made.description


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
def renaming(later, store):
    """An object that is being renamed from ``p1`` to ``p2``."""
    store.answers += [response(STARTED, 202)]
    later.rename('p2')
    assert later.name == 'p2' and later.operation.id == 'u1'
    del store.requested[:]
    return later


def test_a_rename_that_is_done_later(renaming, store, caplog):
    store.add('p2', description='renamed')
    store.answers += [response(sync(DONE))]
    renaming.sync()
    assert renaming.name == 'p2' and renaming.description == 'renamed'
    assert not caplog.records


def test_a_rename_that_fails_later(renaming, store, caplog):
    """The object does not reach what someone has made under the new name."""
    store.add('p2', description='of someone else')
    store.answers += [response(sync(FAILED))]
    renaming.delete()
    assert renaming.name == 'p1' and list(store.documents) == ['p2']
    line, = caplog.records
    assert '<Later p1> was not renamed to p2: it broke' in line.getMessage()


@pytest.mark.parametrize('created, name', [
    ('2019-12-31T23:59:59Z', 'p1'),  # the object itself
    ('2020-01-01T00:00:01Z', 'p2'),  # made after the rename, by someone else
    (None, 'p2')])                    # there is none
def test_a_rename_that_is_forgotten(renaming, store, created, name):
    store.documents.pop('p1')
    if created:
        store.add('p1', created_at=created)
    store.add('p2')
    store.answers += [response(FORGOTTEN, 404)]
    renaming.sync()
    assert renaming.name == name


def test_a_failed_save_and_a_rename_and_a_new_object(failed, store):
    """No call on the first object ever reaches the one of someone else."""
    failed.rename('p2')
    store.add('p1', description='of someone else')
    failed.description = 'mine'
    with pytest.raises(exceptions.OperationFailed):
        failed.save()
    failed.save()
    failed.delete()
    assert list(store.documents) == ['p1']
    assert store.documents['p1']['description'] == 'of someone else'


def test_verbs_are_those_of_the_endpoint():
    assert not issubclass(Image, Renamable) and issubclass(Snapshot, Renamable)
    assert not hasattr(Image, 'rename')
