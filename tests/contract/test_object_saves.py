# -*- coding: utf-8 -*-
"""Saving: the requests, the merge, and the object after it."""
import pytest

from pylxd import exceptions
from helpers import EMPTY, NIC, NOON, NOON_DAY, unique_name

from .support import (
    REFUSED_LATER, list_methods, refetch, settle, user_keys)


# Requests

def test_a_save_takes_at_most_three_requests(model, sent):
    for wait in True, False:
        del sent[:]
        model.config['user.a'] = 'new, wait={}'.format(wait)
        model.save(wait=wait)
        assert list_methods(sent).count('PATCH') == 1
        if model.operation is None:  # LXD 6 starts one for a profile
            assert len(sent) <= 3 and set(sent) <= {
                'GET ' + model.api.path, 'PATCH ' + model.api.path}
        assert user_keys(
            refetch(model)) == {'a': model.config['user.a'], 'b': '2'}
    assert refetch(model).description == 'old'


def test_removing_a_device_takes_a_put(model, sent):
    del model.devices['n']
    model.config['user.a'] = 'new'
    model.save(wait=True)
    assert 'PUT ' + model.api.path in sent and 'PATCH' not in list_methods(
        sent)
    assert refetch(model).devices == {}
    assert user_keys(refetch(model)) == {'a': 'new', 'b': '2'}
    assert refetch(model).description == 'old'


@pytest.mark.parametrize('wait', [True, False])
def test_a_value_that_the_server_refuses_at_once(model, wait):
    model.config['no.such.key'] = '1'
    model.config['user.a'] = 'new'
    for _ in range(2):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            model.save(wait=wait)
        assert 'no.such.key' in str(caught.value)
        assert model.dirty and model.config['no.such.key'] == '1'
    del model.config['no.such.key']
    model.save(wait=True)
    assert not model.dirty and user_keys(
        refetch(model)) == {'a': 'new', 'b': '2'}


def test_a_saved_object_shows_the_servers_values(model, sent):
    """Servers drop a key with an empty value."""
    model.config['user.a'] = model.config['user.c'] = ''
    model.save(wait=True)
    del sent[:]
    assert user_keys(model) == {'b': '2'} and not model.dirty
    assert sent == []


def test_an_empty_value_is_gone_after_a_sync(model, sent):
    model.config['user.c'] = ''
    model.save()
    model.sync()
    assert user_keys(model) == {'a': '1', 'b': '2'} and not model.dirty
    del sent[:]
    model.save(wait=True)
    assert sent == []


# Dicts that the caller holds

def test_a_held_nested_dict_is_saved_again(model):
    nic = model.devices['n']
    for value in '1', '2', '3':
        nic['hwaddr'] = '00:16:3e:00:00:0' + value
        assert model.dirty
        model.save(wait=value != '2')
        assert not model.dirty
        assert refetch(model).devices['n']['hwaddr'] == nic['hwaddr']
        assert model.devices['n'] is nic


def test_a_held_nested_dict_outlives_a_sync(model, other_model):
    config, nic = model.config, model.devices['n']
    other_model.config['user.a'] = 'theirs'
    other_model.devices['m'] = {'type': 'none'}
    other_model.save(wait=True)
    for load in model.sync, model.rollback, model.sync:
        load()
        assert model.config is config and model.devices['n'] is nic
        assert config['user.a'] == 'theirs'
    nic['hwaddr'] = '00:16:3e:00:00:01'
    assert model.dirty
    model.save(wait=True)
    assert refetch(model).devices['n'] == dict(
        NIC, hwaddr='00:16:3e:00:00:01')


# Fields outside of the ETag

@pytest.mark.parametrize('wait', [True, False])
def test_a_description_of_another_client_is_kept(model, other_model, wait):
    other_model.description = 'theirs'
    other_model.save(wait=True)
    model.config['user.a'] = 'mine'
    model.save(wait=wait)
    model.sync()
    assert model.description == refetch(model).description == 'theirs'
    assert user_keys(refetch(model)) == {'a': 'mine', 'b': '2'}


def test_a_put_keeps_another_clients_description(model, other_model):
    other_model.description = 'theirs'
    other_model.save(wait=True)
    del model.devices['n']
    model.save(wait=True)
    assert refetch(model).description == 'theirs'
    assert refetch(model).devices == {}


@pytest.mark.parametrize('wait', [True, False])
def test_descriptions_that_clash_are_a_conflict(model, other_model, wait):
    other_model.description = 'theirs'
    other_model.save(wait=True)
    model.description = 'mine'
    model.config['user.a'] = 'mine'
    for _ in range(2):
        with pytest.raises(exceptions.Conflict) as caught:
            model.save(wait=wait)
        assert caught.value.keys == ('description',)
        assert model.description == 'mine' and model.dirty
    assert refetch(model).description == 'theirs'
    assert user_keys(refetch(model)) == {'a': '1', 'b': '2'}
    model.sync()
    model.save(wait=True)
    assert refetch(model).description == 'mine'


def test_a_save_keeps_what_a_restore_changed(loaded_container, other_client):
    """LXD 5.0.2 and Incus 6.0 empty the description when they restore."""
    loaded_container.snapshots.create('one', wait=True)
    loaded_container.description = loaded_container.config['user.a'] = 'new'
    loaded_container.save(wait=True)
    theirs = other_client.containers.get(loaded_container.name)
    theirs.restore_snapshot('one', wait=True)
    expected = refetch(theirs)
    assert expected.description != 'new'
    loaded_container.config['user.b'] = 'mine'
    loaded_container.save(wait=True)
    assert user_keys(refetch(loaded_container)) == {'a': '1', 'b': 'mine'}
    assert refetch(loaded_container).description == expected.description


def test_a_save_keeps_a_description_that_a_restore_changed(
        loaded_container, other_client):
    """Without a change of config, the ETag of LXD 5.0.2 stays the same."""
    loaded_container.snapshots.create('one', wait=True)
    loaded_container.description = 'new'
    loaded_container.save(wait=True)
    other_client.containers.get(loaded_container.name).restore_snapshot(
        'one', wait=True)
    expected = refetch(loaded_container).description
    assert expected != 'new'
    loaded_container.config['user.b'] = 'mine'
    loaded_container.save(wait=True)
    assert refetch(loaded_container).description == expected
    assert user_keys(refetch(loaded_container)) == {'a': '1', 'b': 'mine'}


@pytest.fixture
def loaded_image(lxd_client, image):
    """The tiny image, loaded."""
    return lxd_client.images.get(image.fingerprint)


@pytest.fixture
def their_image(other_client, image):
    """The tiny image as another client has loaded it."""
    return other_client.images.get(image.fingerprint)


def test_a_save_keeps_image_fields_outside_of_the_etag(
        lxd_client, loaded_image, their_image, name):
    lxd_client.profiles.create(name)
    their_image.expires_at = '2099-12-31T00:00:00Z'
    their_image.profiles = ['default', name]
    their_image.save(wait=True)
    for wait in True, False:
        loaded_image.properties['release'] = 'wait={}'.format(wait)
        loaded_image.public = wait
        loaded_image.save(wait=wait)
        saved = refetch(loaded_image)
        assert saved.expires_at.startswith('2099-12-31')
        assert saved.profiles == ['default', name]
        assert saved.properties['release'] == 'wait={}'.format(wait)
        assert saved.public is wait


def test_each_field_of_an_image_is_saved(lxd_client, loaded_image, name):
    """Servers ignore ``expires_at`` and ``profiles`` in a PATCH."""
    lxd_client.profiles.create(name)
    loaded_image.expires_at = '2099-12-31T00:00:00Z'
    loaded_image.profiles = [name]
    loaded_image.save(wait=True)
    loaded_image.public = True
    loaded_image.save(wait=True)
    loaded_image.properties = {'os': 'none'}
    loaded_image.save(wait=True)
    saved = refetch(loaded_image)
    assert saved.expires_at.startswith('2099-12-31')
    assert (saved.profiles, saved.public) == ([name], True)
    assert saved.properties == {'os': 'none'}
    loaded_image.expires_at = NOON
    loaded_image.save(wait=True)
    assert refetch(loaded_image).expires_at.startswith(NOON_DAY)


def test_a_conflict_of_image_fields_outside_of_the_etag(
        lxd_client, loaded_image, their_image, name):
    for called in name, name + '2':
        lxd_client.profiles.create(called)
    their_image.expires_at = '2099-12-31T00:00:00Z'
    their_image.profiles = [name]
    their_image.save(wait=True)
    loaded_image.expires_at = '2098-12-31T00:00:00Z'
    loaded_image.profiles = [name + '2']
    with pytest.raises(exceptions.Conflict) as caught:
        loaded_image.save(wait=True)
    assert caught.value.keys == ('expires_at', 'profiles')
    assert loaded_image.dirty and refetch(loaded_image).profiles == [name]


def test_a_save_shows_aliases_of_another_client(loaded_image, their_image):
    alias = unique_name()
    their_image.add_alias(alias, '')
    loaded_image.public = True
    loaded_image.save(wait=True)
    assert [each['name'] for each in loaded_image.aliases] == [alias]


# The base against which a save is compared

def test_sync_with_local_changes_raises_no_conflict(model, other_model):
    model.config['user.a'] = 'first'
    del model.devices['n']
    model.save()  # pending for a container when sync() is called
    model.config['user.a'] = 'mine'
    settle(other_model.client)
    other_model.sync()
    other_model.config['user.a'] = 'theirs'
    other_model.save(wait=True)
    model.sync()
    assert model.config['user.a'] == 'mine' and model.dirty
    model.save(wait=True)
    assert user_keys(refetch(model)) == {'a': 'mine', 'b': '2'}


@pytest.mark.parametrize('read', [
    lambda container: container.status,
    lambda container: container.description,
    lambda container: list(container),
], ids=['status', 'description', 'all'])
def test_a_reload_after_a_start_keeps_the_base(
        loaded_container, other_client, read):
    loaded_container.config['user.a'] = 'mine'
    theirs = other_client.containers.get(loaded_container.name)
    theirs.config['user.a'] = theirs.config['user.b'] = 'theirs'
    theirs.save(wait=True)
    loaded_container.start(wait=True)
    read(loaded_container)
    assert user_keys(loaded_container) == {'a': 'mine', 'b': 'theirs'}
    with pytest.raises(exceptions.Conflict) as caught:
        loaded_container.save(wait=True)
    assert caught.value.keys == ('config.user.a',)
    assert user_keys(
        refetch(loaded_container)) == {'a': 'theirs', 'b': 'theirs'}
    loaded_container.sync()
    loaded_container.save(wait=True)
    assert user_keys(refetch(loaded_container)) == {'a': 'mine', 'b': 'theirs'}


# The server forgets its operations

def create_and_load(client):
    """Create the container ``c1``, and load it."""
    client.containers.create({
        'name': 'c1', 'source': EMPTY, 'devices': {'n': NIC},
        'config': {'user.a': '1', 'user.b': '2'}}, wait=True)
    return client.containers.get('c1')


def test_a_save_that_was_done_stays_done_after_a_restart(another_kit):
    with another_kit.client() as client, another_kit.client() as theirs:
        container = create_and_load(client)
        container.config['user.a'] = container.config['user.b'] = 'mine'
        del container.devices['n']
        container.save()
        settle(theirs)
        another_kit.restart()
        other_container = theirs.containers.get('c1')
        assert user_keys(other_container) == {'a': 'mine', 'b': 'mine'}
        other_container.config['user.a'] = 'theirs'
        other_container.save(wait=True)

        container.sync()
        assert not container.dirty
        assert user_keys(container) == {'a': 'theirs', 'b': 'mine'}
        assert container.devices == {}
        container.config['user.c'] = 'mine'
        container.save(wait=True)
        assert user_keys(refetch(other_container)) == {
            'a': 'theirs', 'b': 'mine', 'c': 'mine'}


def test_a_save_that_failed_is_local_again_after_a_restart(another_kit):
    with another_kit.client() as client, another_kit.client() as theirs:
        container = create_and_load(client)
        container.config['user.a'] = container.config['user.b'] = 'mine'
        container.devices = REFUSED_LATER
        container.save()
        settle(theirs)
        another_kit.restart()
        other_container = theirs.containers.get('c1')
        assert user_keys(other_container) == {'a': '1', 'b': '2'}
        other_container.config['user.a'] = 'theirs'
        other_container.save(wait=True)

        container.sync()  # shows the third value, of another client
        assert container.dirty and user_keys(
            container) == {'a': 'theirs', 'b': 'mine'}
        container.devices = {}
        container.save(wait=True)  # the result of the first save is unknown
        assert user_keys(
            refetch(other_container)) == {'a': 'theirs', 'b': 'mine'}
        assert refetch(other_container).devices == {}


def test_numbers_and_bools_become_text(model, other_model):
    model.config['user.n'] = 2
    model.config['user.b'] = True
    model.devices['n']['mtu'] = 1500
    model.save(wait=True)
    assert model.config['user.n'] == '2' and not model.dirty
    other_model.sync()
    assert (other_model.config['user.n'], other_model.config['user.b']) == (
        '2', 'true')
    assert other_model.devices['n']['mtu'] == '1500'


def test_a_value_that_is_no_text_is_refused(model, sent, lxd_client):
    model.config['user.n'] = {'a': 'b'}
    assert model.dirty
    with pytest.raises(TypeError, match=r"config\['user.n'\] must be text"):
        model.save(wait=True)
    with pytest.raises(TypeError, match=r"config\['user.n'\] must be text"):
        lxd_client.profiles.create('x', config=dict(model.config))
    assert sent == []
