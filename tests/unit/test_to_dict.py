# -*- coding: utf-8 -*-
"""`to_dict` of objects, states and operations."""
import json

import pytest

from pylxd import exceptions, models
from pylxd.core.state import State
from pylxd.models.profile import Profile, Profiles

OPERATION = {
    'id': 'u1', 'class': 'task', 'status': 'Running', 'status_code': 103,
    'resources': {'instances': ['/1.0/instances/c1']}, 'metadata': {'a': [1]},
    'may_cancel': False, 'err': '', 'new_field': 1}


def test_an_object_with_its_local_changes(client, store, profile):
    profile.description = 'local'
    profile.config['user.b'] = '2'
    assert profile.to_dict() == {
        'name': 'p1', 'description': 'local', 'devices': {}, 'used_by': [],
        'config': {'user.a': '1', 'user.b': '2', 'volatile.x': 'v'},
        'new_field': {'a': 1}}
    assert json.loads(json.dumps(profile.to_dict())) == profile.to_dict()
    assert store.requested == []


def test_a_dict_is_a_copy(profile):
    fields = profile.to_dict()
    fields['config']['user.a'] = 'changed'
    fields['new_field']['a'] = 2
    fields['used_by'].append('x')
    assert profile.config['user.a'] == '1' and not profile.dirty
    assert profile.to_dict()['new_field'] == {'a': 1}
    assert profile.used_by == []


def test_an_object_is_loaded_once(client, store):
    profile = Profile(client, name='p1')
    assert profile.to_dict()['new_field'] == {'a': 1}
    profile.to_dict()
    assert store.requested == ['GET profiles/p1']
    with pytest.raises(exceptions.NotFound):
        Profile(client, name='none').to_dict()


def test_a_list_is_loaded_by_one_request(client, store):
    for number in range(5):
        store.add('q{}'.format(number))
    assert len([each.to_dict() for each in Profiles(client)]) == 6
    assert store.requested == ['GET profiles', 'GET profiles?recursion']


def test_nulls_are_empty_as_in_attributes(client, store):
    store.documents['p1'].update(config=None, used_by=None)
    del store.documents['p1']['devices']
    profile = Profiles(client).get('p1')
    fields = profile.to_dict()
    assert (fields['config'], fields['devices'], fields['used_by']) == (
        {}, {}, [])
    assert not profile.was_read('config')  # so that None is still refused
    assert fields == {
        name: profile.get_attribute(name) for name in fields}


def test_the_key_is_that_of_the_object(client):
    """Some servers send the name of a snapshot with that of its parent."""
    snapshot = models.Snapshot.from_listed(
        models.Container(client, name='c1'), ('s1',),
        {'name': 'c1/s1', 'stateful': False})
    assert snapshot.to_dict()['name'] == 's1'
    assert snapshot.to_dict()['stateful'] is False


def test_the_secret_of_a_bucket_key(client):
    key = models.StorageBucketKey.from_listed(client, ('k',), {
        'name': 'k', 'access-key': 'a', 'secret-key': 'hidden'})
    assert key.to_dict()['secret-key'] == 'hidden'
    assert 'hidden' not in repr(key)


def test_a_state():
    sent = {'status': 'Running', 'network': {'eth0': {'addresses': []}}}
    state = State(sent)
    fields = state.to_dict()
    assert fields == sent == dict(state)
    fields['network']['eth0']['addresses'].append('x')
    assert state.network['eth0']['addresses'] == []


def test_an_operation(client):
    operation = models.Operation(client, **OPERATION)
    operation.failure_was_raised = True
    fields = operation.to_dict()
    assert fields == OPERATION
    fields['metadata']['a'].append(2)
    assert operation.metadata == {'a': [1]}
    assert models.Operation(id='u1').to_dict() == {'id': 'u1'}
