# -*- coding: utf-8 -*-
import copy
import json

import pytest
import six
from hypothesis import given, settings, strategies as st

from pylxd import exceptions, models
from pylxd.core import model
from pylxd.models.profile import Profile, Profiles

from .store import REFUSED, FakeClient, response, sync


# -- reading

def test_what_is_missing_is_loaded_once(client, store):
    made = Profile(client, name='p1')
    assert made.name == 'p1' and store.asked == []
    assert made.description == u'\xe4'
    assert made.config['user.a'] == '1' and made.devices == {}
    assert made.type is None  # which no server has
    assert store.asked == ['GET profiles/p1']
    assert not made.dirty


def test_what_the_class_does_not_know(client, store, profile):
    assert profile.new_field == {'a': 1}
    assert 'new_field' in dir(profile)
    for made in (profile, Profile(client, name='p1')):
        with pytest.raises(AttributeError) as info:
            made.none_such
        assert 'Profile' in str(info.value) and 'none_such' in str(info.value)
        with pytest.raises(AttributeError):
            made.none_such = 1
        with pytest.raises(AttributeError):
            made._none_such
    assert 'sync() loads' in str(pytest.raises(
        AttributeError, getattr, Profile(client, name='p1'), 'x').value)
    assert store.asked == []


@pytest.mark.parametrize('name', [
    'save', 'client', 'api', '_seen', '__class__', 'dirty', 'delete'])
def test_a_server_replaces_no_part_of_an_object(client, store, name):
    store.documents['p1'][name] = 'evil'
    profile = Profiles(client).get('p1')
    assert getattr(profile, name) != 'evil'
    profile.config['user.b'] = '1'
    profile.save()
    assert store.documents['p1'][name] == 'evil'  # it goes back all the same


def test_read_only_ones_are_copies(profile):
    profile.used_by.append('x')
    assert profile.used_by == [] and not profile.dirty


def test_copies(client, profile):
    for made in (copy.copy(profile), copy.copy(Profile(client, name='p1'))):
        assert made == profile and made.config == profile.config


# -- identity

def test_equality(client, store, profile):
    assert profile == Profile(client, name='p1')
    assert hash(profile) == hash(Profile(client, name='p1'))
    assert not profile != Profile(client, name='p1')
    for other in (Profile(client, name='p2'), 'p1', None,
                  models.Network(client, name='p1')):
        assert profile != other
    elsewhere = FakeClient(store)
    elsewhere.identity = 'there'
    assert profile != Profile(elsewhere, name='p1')
    assert store.asked == []


@pytest.mark.parametrize('fields, shown', [
    ({'name': 'c1'}, '<Container c1>'),
    ({'name': 'c1', 'status': 'Running'}, '<Container c1: Running>'),
    ({}, '<Container ?>'),
    ({'name': u'\x1b[2J', 'status': u'\x07'}, '<Container \\x1b[2J: \\x07>'),
    ({'name': u'\xe4'}, six.ensure_str(u'<Container \xe4>')),
    ({'name': 7, 'status': 8}, '<Container 7: 8>'),
])
def test_repr(client, store, fields, shown):
    assert repr(models.Container(client, **fields)) == shown
    assert store.asked == []


def test_iteration(profile):
    assert dict(profile)['name'] == 'p1'
    assert set(dict(profile)) == set(Profile.__attributes__)
    assert profile.marshall() == {
        'config': {'user.a': '1', 'volatile.x': 'v'}, 'devices': {},
        'description': u'\xe4'}
    assert profile.marshall(skip_readonly=False)['name'] == 'p1'


# -- changing

def test_assignments(profile, store):
    for name, wrong in (('config', None), ('config', []), ('devices', 'x'),
                        ('description', 7), ('description', None)):
        with pytest.raises(TypeError) as info:
            setattr(profile, name, wrong)
        assert 'Profile.' + name in str(info.value)
    assert 'write {} to empty it' in str(pytest.raises(
        TypeError, setattr, profile, 'config', None).value)
    for name in ('name', 'used_by', 'project'):
        with pytest.raises(AttributeError) as info:
            setattr(profile, name, 'x')
        assert 'read-only' in str(info.value)
    assert not profile.dirty and store.asked == []


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


def test_save(profile, store):
    profile.save()
    assert store.asked == []
    profile.config = {'user.b': u'\xe4'}
    profile.new_field = {'b': 2}
    profile.save()
    assert store.asked == ['PUT profiles/p1']
    assert store.documents['p1'] == {
        'name': 'p1', 'config': {'user.b': u'\xe4', 'volatile.x': 'v'},
        'devices': {}, 'description': u'\xe4', 'used_by': [],
        'new_field': {'b': 2}}
    assert not profile.dirty


def test_save_of_what_was_never_read(client, store):
    made = Profile(client, name='p1')
    made.description = 'new'
    made.save()
    assert store.documents['p1']['config']['user.a'] == '1'
    assert store.documents['p1']['description'] == 'new'
    fresh = Profile(client, name='p1')
    fresh.config = {'user.z': '1'}
    fresh.save()
    assert store.documents['p1']['config'] == {
        'user.z': '1', 'volatile.x': 'v'}


def test_merging(profile, store):
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
    assert store.asked == [
        'PUT profiles/p1', 'GET profiles/p1', 'PUT profiles/p1']


def test_conflict(profile, store):
    profile.config['user.a'] = 'mine'
    profile.config['user.b'] = 'mine'
    profile.description = 'mine'
    store.documents['p1']['config']['user.a'] = 'theirs'
    store.documents['p1']['description'] = 'theirs'
    with pytest.raises(exceptions.Conflict) as info:
        profile.save()
    assert info.value.keys == ('config.user.a', 'description')
    assert profile.config['user.a'] == profile.description == 'mine'
    assert store.documents['p1']['description'] == 'theirs'
    assert profile.dirty
    profile.sync()
    assert profile.config['user.a'] == 'mine'
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


def test_a_refused_save_is_not_forgotten(profile, store):
    profile.description = 'new'
    store.answers.append(response(dict(REFUSED, error='no'), 400))
    with pytest.raises(exceptions.LXDAPIException):
        profile.save()
    assert profile.dirty and profile.description == 'new'
    profile.save()
    assert store.documents['p1']['description'] == 'new'


BUSY = dict(REFUSED, error='Instance is busy running a "update" operation')


def test_a_busy_object_is_awaited(profile, store, monkeypatch):
    slept = []
    monkeypatch.setattr(model.time, 'sleep', slept.append)
    profile.description = 'new'
    store.answers += [response(BUSY, 400), response(sync({}))]
    profile.save()
    assert store.asked == ['PUT profiles/p1', 'GET operations?recursion',
                           'GET profiles/p1', 'PUT profiles/p1']
    assert store.documents['p1']['description'] == 'new'
    assert len(slept) == 1 and slept[0] <= 0.1


def test_a_busy_object_is_not_awaited_for_ever(
        profile, store, monkeypatch):
    now = [0]
    monkeypatch.setattr(model, 'clock', lambda: now[0])
    monkeypatch.setattr(model.time, 'sleep', lambda _: now.__setitem__(
        0, now[0] + 25))
    profile.description = 'new'
    busy = [response(BUSY, 400), response(sync({})), None]
    store.answers += busy * 9
    with pytest.raises(exceptions.LXDAPIException) as info:
        profile.save()
    assert 'busy' in str(info.value)
    assert model.SAVE_WITHIN <= now[0] <= model.SAVE_WITHIN + 25
    assert profile.dirty


def test_changes_that_never_end_are_not_followed_for_ever(
        profile, store, monkeypatch):
    now = [0]
    monkeypatch.setattr(model, 'clock', lambda: now[0])

    def refuse(name):
        now[0] += 25
        return str(now[0])

    store.etag = refuse  # another one each time
    profile.description = 'new'
    with pytest.raises(exceptions.Conflict) as info:
        profile.save()
    assert info.value.keys == ()
    assert now[0] <= model.SAVE_WITHIN + 100
    assert profile.dirty


OPERATION = {'id': 'u1', 'class': 'task', 'status': 'Running',
             'status_code': 103, 'created_at': '2020-01-01T00:00:00Z',
             'updated_at': '2020-01-01T00:00:00Z', 'err': '',
             'description': 'Updating', 'metadata': None, 'resources': {}}
STARTED = {'type': 'async', 'metadata': OPERATION}


def test_a_save_that_fails_later_is_a_change_again(profile, store):
    failed = dict(OPERATION, status='Failure', status_code=400, err='it broke')
    profile.description = 'new'
    store.answers += [response(STARTED, 202), response(sync(failed))]
    with pytest.raises(exceptions.OperationFailed):
        profile.save(wait=True)
    assert profile.dirty and profile.description == 'new'
    assert store.documents['p1']['description'] == u'\xe4'
    profile.rollback()
    assert profile.description == u'\xe4'


def test_a_save_that_comes_to_its_end_later(profile, store):
    done = dict(OPERATION, status='Success', status_code=200)
    profile.description = 'new'
    store.answers += [response(STARTED, 202), response(sync(done)), None,
                      response(sync({'success': [done]}))]
    store.documents['p1']['description'] = 'NEW'  # in the server's own way
    profile.save(wait=True)
    assert store.asked == [
        'PUT profiles/p1', 'GET operations/u1/wait', 'GET profiles/p1',
        'GET operations?recursion']
    assert not profile.dirty and profile.description == 'NEW'
    profile.sync()
    assert store.asked.count('GET operations/u1/wait') == 1


def test_a_save_that_is_not_waited_for(profile, store):
    """What became of it shows when the object is used again."""
    failed = dict(OPERATION, status='Failure', status_code=400, err='it broke')
    profile.description = 'new'
    store.answers += [response(STARTED, 202), response(sync(failed))]
    profile.save()
    assert not profile.dirty and profile.description == 'new'
    with pytest.raises(exceptions.OperationFailed):
        profile.sync()
    assert profile.dirty


# -- merging, whatever comes

VALUES = st.dictionaries(st.sampled_from('abc'), st.sampled_from('123'))


@settings(deadline=None)
@given(VALUES, VALUES, VALUES)
def test_merge(base, mine, theirs):
    conflicts = []
    merged = model._merge(base, mine, theirs, 'config', conflicts)
    for key in 'abc':
        was, here, there = (each.get(key) for each in (base, mine, theirs))
        clash = here != was and there != was and here != there
        assert (merged.get(key) == (there if here == was else here))
        assert ('config.' + key in conflicts) == (
            clash and not (mine == base or theirs == base))


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(
        st.text(max_size=3), deeper, max_size=3), max_leaves=10)


@settings(deadline=None)
@given(TREES, TREES)
def test_copies_are_whole_and_apart(one, other):
    working = model._copy(one)
    assert working == one and model._plain(working) == one
    assert json.dumps(model._plain(working)) == json.dumps(one)
    if isinstance(one, (dict, list)) and one:
        assert working is not one
    assert model._refill(working, other) == other
    if isinstance(one, dict) and isinstance(other, dict):
        assert model._refill(working, other) is working


# -- what all kinds have

def test_exists(client):
    assert Profiles(client).exists('p1')
    assert not Profiles(client).exists('none')


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


def test_put_patch_post_delete(profile, store):
    profile.description = 'dropped'
    profile.patch({'config': {'user.z': '1'}})
    assert profile.config == {'user.z': '1'}
    assert profile.description == u'\xe4'
    profile.put({'name': 'p1', 'description': 'put'})
    assert profile.description == 'put'
    assert profile.post(json={'name': 'p3'}).status_code == 200
    store.documents['p1'] = store.documents.pop('p3')
    profile.delete()
    assert store.documents == {}
    with pytest.raises(exceptions.NotFound):
        profile.sync()
