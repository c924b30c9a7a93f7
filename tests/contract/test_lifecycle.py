# -*- coding: utf-8 -*-
"""Objects: loading, changing, saving and conflicts with another client."""
import time

import pytest

from pylxd import exceptions
from pylxd.core import listing
from pylxd.container import Container, Instance
from pylxd.core.attribute import attribute
from pylxd.core.saving import Savable
from pylxd.profile import Profile
from helpers import BUSYBOX, NIC, run_in_threads

from .support import refetch, settle, user_keys


# Loading

def test_a_list_loads_names_only(lxd_client, model, collection, sent):
    listed = [each for each in getattr(lxd_client, collection).all()
              if each.name == model.name]
    assert len(sent) == 1 and 'recursion' not in sent[0]
    assert listed == [model] and repr(listed[0]) == '<{} {}>'.format(
        type(model).__name__, model.name)
    assert len(sent) == 1


def test_one_request_loads_all_listed_objects(
        lxd_client, name, sent, monkeypatch):
    monkeypatch.setattr(listing, 'MAX_AGE', 600)
    for number in range(5):
        lxd_client.profiles.create(name + str(number), {'user.a': 'b'})
    listed = [each for each in lxd_client.profiles.all()
              if each.name.startswith(name)]
    del sent[:]
    assert [each.config for each in listed] == [{'user.a': 'b'}] * 5
    assert [each.description for each in listed] == [''] * 5
    assert sent == ['GET /1.0/profiles?recursion=1']


@pytest.mark.parametrize('fresh', [600, 0])
def test_an_old_list_is_loaded_again(
        lxd, lxd_client, name, monkeypatch, fresh):
    monkeypatch.setattr(listing, 'MAX_AGE', fresh)
    for each in 'ab':
        lxd_client.profiles.create(name + each, {'user.a': 'old'})
    one, two = [each for each in lxd_client.profiles.all()
                if each.name.startswith(name)]
    assert one.config['user.a'] == 'old'
    with lxd.client() as client:
        theirs = client.profiles.get(two.name)
        theirs.config['user.a'] = 'new'
        theirs.save()
    assert two.config['user.a'] == ('old' if fresh else 'new')


@pytest.mark.documents('Model.sync')
def test_attributes_are_loaded_once_when_they_are_read(
        lxd_client, model, collection, sent):
    unloaded = type(model)(lxd_client, name=model.name)
    assert unloaded.name == model.name and sent == []
    assert user_keys(unloaded) == {'a': '1', 'b': '2'}
    assert unloaded.description == 'old' and unloaded.devices == model.devices
    assert sent == ['GET ' + unloaded.api.path]
    assert not unloaded.dirty


def test_get_loads_every_attribute(lxd_client, model, collection, sent):
    loaded = getattr(lxd_client, collection).get(model.name)
    assert dict(loaded)['description'] == 'old'
    assert set(dict(loaded)) == set(type(loaded).__attributes__)
    assert len(sent) == 1


def test_a_deleted_object_raises_not_found(model):
    model.delete(wait=True)
    for ask in model.sync, model.rollback:
        with pytest.raises(exceptions.NotFound):
            ask()
    model.description = 'new'
    with pytest.raises(exceptions.NotFound):
        model.save(wait=True)


# Identity and attributes

def test_repr_sends_no_request(lxd_client, container, sent):
    unloaded = Container(lxd_client, name=container.name)
    assert repr(unloaded) == '<Container {}>'.format(container.name)
    assert sent == []
    unloaded.sync()
    assert repr(unloaded) == '<Container {}: Stopped>'.format(container.name)
    assert len(sent) == 1


def test_equal_objects_of_several_clients(
        lxd, lxd_https, lxd_client, model, other_model, collection, sent):
    with lxd.client(**lxd_https) as remote:
        same = [model, other_model, type(model)(lxd_client, name=model.name),
                getattr(remote, collection).get(model.name)]
    assert len(set(same)) == 1 and all(each == model for each in same)
    assert not any(each != model for each in same)
    another = type(model)(lxd_client, name=model.name + '2')
    assert another != model and not another == model
    assert len({another, model}) == 2
    assert sent == []


def test_equality_depends_on_the_resource(lxd_client):
    assert Profile(lxd_client, name='x') != Container(lxd_client, name='x')
    assert Profile(lxd_client, name='x') != 'x'
    assert Instance(lxd_client, name='x') == Container(lxd_client, name='x')


def test_an_unknown_attribute_raises_attribute_error(lxd_client, model, sent):
    for each in model, type(model)(lxd_client, name=model.name):
        with pytest.raises(AttributeError) as caught:
            each.colour
        assert 'colour' in str(caught.value)
        assert 'sync' in str(caught.value) or 'server' in str(caught.value)
        with pytest.raises(AttributeError) as caught:
            each.colour = 'red'
        assert 'colour' in str(caught.value)
        assert not hasattr(each, 'colour')
        assert 'colour' not in dir(each) and 'config' in dir(each)
    assert sent == [] and not model.dirty


def test_read_only_attributes(model, collection, sent):
    for called in {'containers': ['name', 'status', 'created_at', 'stateful',
                                  'expanded_config', 'status_code'],
                   'profiles': ['name', 'used_by']}[collection]:
        with pytest.raises(AttributeError) as caught:
            setattr(model, called, getattr(model, called))
        assert '{}.{} is read-only'.format(
            type(model).__name__, called) in str(caught.value)
    assert sent == [] and not model.dirty


def test_values_of_a_wrong_type_are_refused(model, sent):
    for called in 'config', 'devices':
        with pytest.raises(TypeError) as caught:
            setattr(model, called, None)
        assert 'assign {}' in str(caught.value)
    for called, value in (('config', 'x'), ('config', ['x']),
                          ('devices', 3), ('description', None),
                          ('description', {})):
        with pytest.raises(TypeError):
            setattr(model, called, value)
    assert sent == [] and not model.dirty


# Changes

@pytest.mark.documents('Model.dirty')
def test_dirty_tells_of_local_changes(model, collection):
    assert not model.dirty
    before = dict(model.config)

    model.config['user.a'] = '1'
    model.config = dict(before)
    model.description = 'old'
    assert not model.dirty

    model.config['user.a'] = 'new'
    assert model.dirty
    model.config['user.a'] = '1'
    assert not model.dirty

    model.devices['n']['name'] = 'x'
    assert model.dirty
    del model.devices['n']['name']
    assert not model.dirty

    model.description = 'new'
    assert model.dirty


def test_a_list_changed_in_place_is_saved(lxd_client, container, name):
    lxd_client.profiles.create(name)
    assert not container.dirty
    container.profiles.append(name)
    assert container.dirty
    container.save(wait=True)
    assert not container.dirty
    assert lxd_client.containers.get(name).profiles == ['default', name]


@pytest.mark.trap('remove-a-key')
@pytest.mark.documents('Model.save')
def test_save(model):
    model.config['user.a'] = u'\xe4'
    del model.config['user.b']
    model.description = u'caf\xe9'
    model.devices['m'] = {'type': 'none'}
    model.save(wait=True)
    assert not model.dirty
    for each in model, refetch(model):
        assert user_keys(each) == {'a': u'\xe4'}
        assert each.description == u'caf\xe9'
        assert each.devices == {'n': NIC, 'm': {'type': 'none'}}
    model.config['user.c'] = '3'
    model.update(wait=True)
    assert user_keys(refetch(model)) == {'a': u'\xe4', 'c': '3'}


@pytest.mark.trap('callers-dicts')
def test_the_dicts_of_the_caller_are_not_changed(model):
    config = {'user.c': '3'}
    model.config = config
    model.config['user.d'] = '4'
    model.save(wait=True)
    assert config == {'user.c': '3'}
    config['user.e'] = '5'
    assert not model.dirty and user_keys(model) == {'c': '3', 'd': '4'}
    assert user_keys(refetch(model)) == {'c': '3', 'd': '4'}


def test_save_without_changes_sends_nothing(lxd_client, model, sent):
    model.save()
    model.save(wait=True)
    model.update()
    model.config['user.a'] = model.config['user.a']
    model.save()
    type(model)(lxd_client, name=model.name).save(wait=True)
    assert sent == []


def test_save_of_an_object_that_was_not_loaded(lxd_client, model, collection):
    listed, = [each for each in getattr(lxd_client, collection).all()
               if each.name == model.name]
    listed.config['user.c'] = '3'
    listed.save(wait=True)
    unloaded = type(model)(lxd_client, name=model.name)
    unloaded.description = 'new'
    unloaded.save(wait=True)
    assert user_keys(refetch(model)) == {'a': '1', 'b': '2', 'c': '3'}
    assert refetch(model).description == 'new'
    assert refetch(model).devices == {'n': NIC}


def test_one_save_after_another(model):
    for value in range(5):
        model.config['user.a'] = str(value)
        model.save(wait=value % 2 == 0)
    model.sync()
    assert model.config['user.a'] == '4' and not model.dirty
    assert user_keys(refetch(model)) == {'a': '4', 'b': '2'}


@pytest.mark.trap('etag-volatile')
def test_save_during_an_operation(lxd_client, name):
    """The server refuses a change while an operation changes the object."""
    container = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)
    container.start()
    container.config['user.a'] = '1'
    container.save(wait=True)
    container.stop()
    container.config['user.b'] = '2'
    container.save(wait=True)
    settle(lxd_client)
    container.sync()
    assert user_keys(container) == {'a': '1', 'b': '2'}
    assert container.status == 'Stopped'


def test_values_that_the_server_normalizes(container, lxd_client):
    """The server drops keys without a value, and has times in its own zone."""
    container.config['user.a'] = '1'
    container.save(wait=True)
    for key in 'user.a', 'user.b':
        container.config[key] = ''
        container.save(wait=True)
        container.sync()
        assert key not in container.config and not container.dirty

    snapshot = container.snapshots.create('one', wait=True)
    snapshot.expires_at = '2099-12-31T00:00:00+01:00'
    snapshot.save(wait=True)
    snapshot.sync()
    assert snapshot.expires_at.startswith('2099-12-3') and not snapshot.dirty


@pytest.mark.documents('Model.sync', 'Model.rollback')
def test_sync_keeps_local_changes_and_rollback_drops_them(model, other_model):
    held = model.config
    model.config['user.a'] = 'mine'
    model.description = 'mine'
    other_model.config['user.a'] = other_model.config['user.b'] = 'theirs'
    other_model.devices = {}
    other_model.save(wait=True)

    model.sync()
    assert user_keys(model) == {'a': 'mine', 'b': 'theirs'} and model.dirty
    assert (model.description, model.devices) == ('mine', {})
    assert held is model.config and held['user.b'] == 'theirs'

    model.rollback()
    assert user_keys(
        model) == {'a': 'theirs', 'b': 'theirs'} and not model.dirty
    assert model.description == 'old'
    assert held['user.a'] == 'theirs'


@pytest.mark.trap('loading-is-no-change')
def test_each_sync_loads_again(model, other_model):
    for value in 'xyz':
        other_model.config['user.a'] = value
        other_model.description = value
        other_model.save(wait=True)
        model.sync()
        assert (model.config['user.a'], model.description) == (value, value)
        assert not model.dirty


# Changes by several clients

@pytest.mark.trap('unknown-fields-survive')
def test_unknown_fields_are_shown_and_saved(
        lxd_client, model, collection, recwarn):
    class OldModel(Savable):
        path = 'instances' if collection == 'containers' else collection
        name = attribute(readonly=True)
        config = attribute(dict)

    old = OldModel(lxd_client, name=model.name)
    old.config['user.a'] = 'new'
    assert old.description == 'old' and 'devices' in dir(old)
    old.save(wait=True)
    saved = refetch(model)
    assert (saved.description, saved.devices) == ('old', {'n': NIC})
    assert user_keys(saved) == {'a': 'new', 'b': '2'}

    old.devices['m'] = {'type': 'none'}
    old.description = 'new'
    assert old.dirty
    old.save(wait=True)
    saved = refetch(model)
    assert saved.description == 'new' and set(saved.devices) == {'m', 'n'}
    assert not [each for each in recwarn
                if 'pylxd' in str(each.filename)]


def test_a_new_config_keeps_volatile_keys(container):
    before = {key: value for key, value in container.config.items()
              if key.startswith('volatile.')}
    assert before['volatile.uuid']
    container.config['user.old'] = '1'
    container.save(wait=True)
    for fresh in {'user.a': '1'}, {'user.b': '2'}:
        container.config = fresh
        container.save(wait=True)
        container.sync()
        assert user_keys(container) == {
            key[-1]: value for key, value in fresh.items()}
        assert {key: value for key, value in container.config.items()
                if key.startswith('volatile.')} == before
    unloaded = Container(container.client, name=container.name)
    unloaded.config = {'user.c': '3'}
    unloaded.save(wait=True)
    container.sync()
    assert user_keys(container) == {'c': '3'}
    assert container.config['volatile.uuid'] == before['volatile.uuid']


def test_changes_of_other_keys_are_merged(model, other_model):
    model.config['user.a'] = 'mine'
    model.config['user.c'] = 'mine'
    model.description = 'mine'
    model.devices['m'] = {'type': 'none'}
    other_model.config['user.d'] = 'theirs'
    del other_model.config['user.b']
    other_model.devices['o'] = {'type': 'none'}
    other_model.save(wait=True)
    model.save(wait=True)
    for each in model, refetch(model):
        assert user_keys(each) == {'a': 'mine', 'c': 'mine', 'd': 'theirs'}
        assert each.description == 'mine'
        assert set(each.devices) == {'m', 'n', 'o'}
    assert not model.dirty


def test_the_same_change_by_both_is_no_conflict(model, other_model):
    for each in model, other_model:
        each.config['user.a'] = 'new'
        each.description = 'new'
        each.config['user.' + ('c' if each is model else 'd')] = '3'
        each.save(wait=True)
    assert user_keys(
        refetch(model)) == {'a': 'new', 'b': '2', 'c': '3', 'd': '3'}


def test_a_conflict_names_the_keys_and_keeps_the_change(model, other_model):
    model.config['user.a'] = model.config['user.c'] = 'mine'
    del model.config['user.b']
    model.description = 'mine'
    other_model.config['user.a'] = other_model.config['user.b'] = 'theirs'
    other_model.description = 'theirs'
    other_model.save(wait=True)

    for _ in range(2):  # a second attempt does not overwrite either
        with pytest.raises(exceptions.Conflict) as caught:
            model.save(wait=True)
        assert isinstance(caught.value, exceptions.LXDAPIException)
        assert caught.value.keys == (
            'config.user.a', 'config.user.b', 'description')
        assert 'config.user.a, config.user.b, description' in str(caught.value)
        assert user_keys(model) == {'a': 'mine', 'c': 'mine'}
        assert model.description == 'mine' and model.dirty
        assert user_keys(refetch(model)) == {'a': 'theirs', 'b': 'theirs'}

    model.sync()
    assert user_keys(model) == {'a': 'mine', 'c': 'mine'}
    model.save(wait=True)
    assert user_keys(refetch(model)) == {'a': 'mine', 'c': 'mine'}
    assert refetch(model).description == 'mine' and not model.dirty


def test_conflict_in_a_device(model, other_model):
    model.devices['n']['name'] = 'mine'
    other_model.devices['n']['name'] = 'theirs'
    other_model.save(wait=True)
    with pytest.raises(exceptions.Conflict) as caught:
        model.save(wait=True)
    assert caught.value.keys == ('devices.n.name',)
    model.rollback()
    assert model.devices['n']['name'] == 'theirs'
    model.save(wait=True)


def test_a_change_just_before_the_patch_is_merged(
        lxd_client, model, other_model, monkeypatch):
    """Another client saves after the load and before the PATCH."""
    request = lxd_client.transport.request

    def save_other_before(method, path, **kwargs):
        if method == 'PATCH' and not other_model.config.get('user.d'):
            other_model.config['user.d'] = 'theirs'
            other_model.save(wait=True)
        return request(method, path, **kwargs)

    monkeypatch.setattr(
        lxd_client.transport, 'request', save_other_before)
    model.config['user.c'] = 'mine'
    model.save(wait=True)
    assert user_keys(refetch(model)) == {
        'a': '1', 'b': '2', 'c': 'mine', 'd': 'theirs'}


def test_two_clients_write_200_keys_each(lxd, container, capsys):
    def write_keys(prefix):
        with lxd.client() as client:
            own = client.containers.get(container.name)
            for number in range(200):
                own.config['user.{}{}'.format(prefix, number)] = prefix
                if number % 10 == 9:
                    own.save(wait=number % 20 == 9)
            own.save(wait=True)  # if the last save without wait failed

    started = time.time()
    run_in_threads(write_keys, 'xy')
    with capsys.disabled():
        print('\n2 x 200 keys in 2 x 20 saves: {:.1f} s'.format(
            time.time() - started))
    container.sync()
    assert user_keys(container) == {
        prefix + str(number): prefix
        for prefix in 'xy' for number in range(200)}


# Saves that the server refuses

def test_a_save_that_is_refused_keeps_the_change(model):
    model.config['no.such.key'] = '1'
    model.description = 'new'
    for _ in range(2):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            model.save(wait=True)
        assert 'no.such.key' in str(caught.value)
        assert model.dirty and model.config['no.such.key'] == '1'
    del model.config['no.such.key']
    model.save(wait=True)
    assert refetch(model).description == 'new' and not model.dirty


def test_a_failed_operation_keeps_the_change(lxd_client, container):
    """A save without wait fails in the next call that waits for it."""
    container.config['user.a'] = '1'
    container.devices['root'] = {
        'type': 'disk', 'path': '/', 'pool': 'no-such-pool'}
    for wait in True, False:
        with pytest.raises(exceptions.LXDAPIException) as caught:
            container.save(wait=wait)
            container.sync()
        assert 'no-such-pool' in str(caught.value)
        assert container.dirty and container.config['user.a'] == '1'
    del container.devices['root']
    container.save(wait=True)
    saved = lxd_client.containers.get(container.name)
    assert saved.config['user.a'] == '1' and saved.devices == {}


# Methods of later releases

def test_put_and_patch(model):
    model.patch({'config': {'user.c': '3'}, 'description': 'old'}, wait=True)
    assert user_keys(model) == user_keys(
        refetch(model)) == {'a': '1', 'b': '2', 'c': '3'}
    whole = model.marshall()
    assert 'name' not in whole and whole['description'] == 'old'
    whole['description'] = 'new'
    model.put(whole, wait=True)
    assert model.description == refetch(model).description == 'new'
    assert user_keys(model) == {'a': '1', 'b': '2', 'c': '3'}
    model.raw_patch({'description': 'raw'}, wait=True)
    assert model.description == 'new' and refetch(model).description == 'raw'
