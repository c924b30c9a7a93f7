# -*- coding: utf-8 -*-
"""Saving an object: what is sent, what is merged, what the object shows."""
import pytest

from pylxd import exceptions
from helpers import BUSYBOX, EMPTY, NIC, unique_name

from .support import (
    REFUSED_LATER, list_methods, make_image, refetch, settle, user_keys)


@pytest.fixture(params=['containers', 'profiles'])
def kind(request):
    """The collection: instances answer a PUT later, profiles at once."""
    return request.param


@pytest.fixture
def thing(lxd_client, name, kind):
    """An object of that kind with config, a description and a device."""
    content = {'name': name, 'config': {'user.a': '1', 'user.b': '2'},
               'description': 'old', 'devices': {'n': NIC}}
    if kind == 'containers':
        lxd_client.containers.create(dict(content, source=EMPTY), wait=True)
    else:
        lxd_client.profiles.create(wait=True, **content)
    return getattr(lxd_client, kind).get(name)


@pytest.fixture
def mine(lxd_client, name):
    """A container with files, config, a description and a device."""
    lxd_client.containers.create({
        'name': name, 'source': BUSYBOX, 'description': 'old',
        'config': {'user.a': '1', 'user.b': '2'}, 'devices': {'n': NIC}},
        wait=True)
    return lxd_client.containers.get(name)


@pytest.fixture
def other(other_client, thing, kind):
    """The object `thing` as another client has loaded it."""
    return getattr(other_client, kind).get(thing.name)


# What is sent

def test_a_save_takes_at_most_three_requests(thing, sent):
    for wait in True, False:
        del sent[:]
        thing.config['user.a'] = 'new, wait={}'.format(wait)
        thing.save(wait=wait)
        assert set(sent) <= {
            'GET ' + thing.api.path, 'PATCH ' + thing.api.path}
        assert list_methods(sent).count('PATCH') == 1 and len(sent) <= 3
        assert user_keys(refetch(thing)) == {'a': thing.config['user.a'], 'b': '2'}
    assert refetch(thing).description == 'old'


def test_removing_a_device_takes_a_put(thing, sent):
    del thing.devices['n']
    thing.config['user.a'] = 'new'
    thing.save(wait=True)
    assert 'PUT ' + thing.api.path in sent and 'PATCH' not in list_methods(sent)
    assert refetch(thing).devices == {}
    assert user_keys(refetch(thing)) == {'a': 'new', 'b': '2'}
    assert refetch(thing).description == 'old'


@pytest.mark.parametrize('wait', [True, False])
def test_a_value_that_the_server_refuses_at_once(thing, wait):
    thing.config['no.such.key'] = '1'
    thing.config['user.a'] = 'new'
    for _ in range(2):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            thing.save(wait=wait)
        assert 'no.such.key' in str(caught.value)
        assert thing.dirty and thing.config['no.such.key'] == '1'
    del thing.config['no.such.key']
    thing.save(wait=True)
    assert not thing.dirty and user_keys(refetch(thing)) == {'a': 'new', 'b': '2'}


def test_the_object_shows_what_the_server_made_of_it(thing, sent):
    """Servers drop a key with an empty value."""
    thing.config['user.a'] = thing.config['user.c'] = ''
    thing.save(wait=True)
    del sent[:]
    assert user_keys(thing) == {'b': '2'} and not thing.dirty
    assert sent == []


def test_an_empty_value_is_gone_after_a_sync(thing, sent):
    thing.config['user.c'] = ''
    thing.save()
    thing.sync()
    assert user_keys(thing) == {'a': '1', 'b': '2'} and not thing.dirty
    del sent[:]
    thing.save(wait=True)
    assert sent == []


# What the caller holds

def test_a_nested_dict_still_counts_after_a_save(thing):
    nic = thing.devices['n']
    for value in '1', '2', '3':
        nic['hwaddr'] = '00:16:3e:00:00:0' + value
        assert thing.dirty
        thing.save(wait=value != '2')
        assert not thing.dirty
        assert refetch(thing).devices['n']['hwaddr'] == nic['hwaddr']
        assert thing.devices['n'] is nic


def test_a_nested_dict_still_counts_after_a_sync(thing, other):
    config, nic = thing.config, thing.devices['n']
    other.config['user.a'] = 'theirs'
    other.devices['m'] = {'type': 'none'}
    other.save(wait=True)
    for load in thing.sync, thing.rollback, thing.sync:
        load()
        assert thing.config is config and thing.devices['n'] is nic
        assert config['user.a'] == 'theirs'
    nic['hwaddr'] = '00:16:3e:00:00:01'
    assert thing.dirty
    thing.save(wait=True)
    assert refetch(thing).devices['n'] == dict(
        NIC, hwaddr='00:16:3e:00:00:01')


# Fields outside of the ETag

@pytest.mark.parametrize('wait', [True, False])
def test_a_description_of_another_client_is_kept(thing, other, wait):
    other.description = 'theirs'
    other.save(wait=True)
    thing.config['user.a'] = 'mine'
    thing.save(wait=wait)
    thing.sync()
    assert thing.description == refetch(thing).description == 'theirs'
    assert user_keys(refetch(thing)) == {'a': 'mine', 'b': '2'}


def test_a_description_of_another_client_is_kept_by_a_put(thing, other):
    other.description = 'theirs'
    other.save(wait=True)
    del thing.devices['n']
    thing.save(wait=True)
    assert refetch(thing).description == 'theirs'
    assert refetch(thing).devices == {}


@pytest.mark.parametrize('wait', [True, False])
def test_a_clash_of_descriptions(thing, other, wait):
    other.description = 'theirs'
    other.save(wait=True)
    thing.description = 'mine'
    thing.config['user.a'] = 'mine'
    for _ in range(2):
        with pytest.raises(exceptions.Conflict) as caught:
            thing.save(wait=wait)
        assert caught.value.keys == ('description',)
        assert thing.description == 'mine' and thing.dirty
    assert refetch(thing).description == 'theirs'
    assert user_keys(refetch(thing)) == {'a': '1', 'b': '2'}
    thing.sync()
    thing.save(wait=True)
    assert refetch(thing).description == 'mine'


def test_what_restoring_a_snapshot_changed_is_kept(mine, other_client):
    """LXD 5.0.2 and Incus 6.0 empty the description when they restore."""
    mine.snapshots.create('one', wait=True)
    mine.description = mine.config['user.a'] = 'new'
    mine.save(wait=True)
    theirs = other_client.containers.get(mine.name)
    theirs.restore_snapshot('one', wait=True)
    expected = refetch(theirs)
    assert expected.description != 'new'
    mine.config['user.b'] = 'mine'
    mine.save(wait=True)
    assert user_keys(refetch(mine)) == {'a': '1', 'b': 'mine'}
    assert refetch(mine).description == expected.description


def test_what_restoring_a_snapshot_left_in_the_etag(mine, other_client):
    """The ETag of LXD 5.0.2 is as before where only the description goes."""
    mine.snapshots.create('one', wait=True)
    mine.description = 'new'
    mine.save(wait=True)
    other_client.containers.get(mine.name).restore_snapshot('one', wait=True)
    expected = refetch(mine).description
    assert expected != 'new'
    mine.config['user.b'] = 'mine'
    mine.save(wait=True)
    assert refetch(mine).description == expected
    assert user_keys(refetch(mine)) == {'a': '1', 'b': 'mine'}


@pytest.fixture
def image(lxd_client, new_images):
    """A tiny image that has been loaded."""
    made = lxd_client.images.create(make_image(), wait=True)
    return lxd_client.images.get(made.fingerprint)


@pytest.fixture
def their_image(other_client, image):
    """The image as another client has loaded it."""
    return other_client.images.get(image.fingerprint)


def test_fields_of_an_image_outside_of_its_etag(
        lxd_client, image, their_image, name):
    lxd_client.profiles.create(name)
    their_image.expires_at = '2099-12-31T00:00:00Z'
    their_image.profiles = ['default', name]
    their_image.save(wait=True)
    for wait in True, False:
        image.properties['release'] = 'wait={}'.format(wait)
        image.public = wait
        image.save(wait=wait)
        saved = refetch(image)
        assert saved.expires_at.startswith('2099-12-31')
        assert saved.profiles == ['default', name]
        assert saved.properties['release'] == 'wait={}'.format(wait)
        assert saved.public is wait


def test_each_field_of_an_image_is_saved(lxd_client, image, name):
    """A PATCH of ``expires_at`` or ``profiles`` is answered and ignored."""
    lxd_client.profiles.create(name)
    image.expires_at = '2099-12-31T00:00:00Z'
    image.profiles = [name]
    image.save(wait=True)
    image.public = True
    image.save(wait=True)
    image.properties = {'os': 'none'}
    image.save(wait=True)
    saved = refetch(image)
    assert saved.expires_at.startswith('2099-12-31')
    assert (saved.profiles, saved.public) == ([name], True)
    assert saved.properties == {'os': 'none'}


def test_a_clash_outside_of_the_etag_of_an_image(
        lxd_client, image, their_image, name):
    for called in name, name + '2':
        lxd_client.profiles.create(called)
    their_image.expires_at = '2099-12-31T00:00:00Z'
    their_image.profiles = [name]
    their_image.save(wait=True)
    image.expires_at = '2098-12-31T00:00:00Z'
    image.profiles = [name + '2']
    with pytest.raises(exceptions.Conflict) as caught:
        image.save(wait=True)
    assert caught.value.keys == ('expires_at', 'profiles')
    assert image.dirty and refetch(image).profiles == [name]


def test_aliases_that_another_client_added_meanwhile(image, their_image):
    alias = unique_name()
    their_image.add_alias(alias, '')
    image.public = True
    image.save(wait=True)
    assert [each['name'] for each in image.aliases] == [alias]


# The base against which a save is compared

def test_sync_with_local_changes_raises_no_conflict(thing, other):
    thing.config['user.a'] = 'first'
    del thing.devices['n']
    thing.save()  # of a container it is pending when sync() is called
    thing.config['user.a'] = 'mine'
    settle(other.client)
    other.sync()
    other.config['user.a'] = 'theirs'
    other.save(wait=True)
    thing.sync()
    assert thing.config['user.a'] == 'mine' and thing.dirty
    thing.save(wait=True)
    assert user_keys(refetch(thing)) == {'a': 'mine', 'b': '2'}


@pytest.mark.parametrize('read', [
    lambda container: container.status,
    lambda container: container.description,
    lambda container: list(container),
], ids=['status', 'description', 'all'])
def test_a_reload_after_a_start_keeps_the_base(mine, other_client, read):
    mine.config['user.a'] = 'mine'
    theirs = other_client.containers.get(mine.name)
    theirs.config['user.a'] = theirs.config['user.b'] = 'theirs'
    theirs.save(wait=True)
    mine.start(wait=True)
    read(mine)
    assert user_keys(mine) == {'a': 'mine', 'b': 'theirs'}
    with pytest.raises(exceptions.Conflict) as caught:
        mine.save(wait=True)
    assert caught.value.keys == ('config.user.a',)
    assert user_keys(refetch(mine)) == {'a': 'theirs', 'b': 'theirs'}
    mine.sync()
    mine.save(wait=True)
    assert user_keys(refetch(mine)) == {'a': 'mine', 'b': 'theirs'}


# The server forgets its operations

def test_a_save_that_was_done_stays_done_after_a_restart(another_kit):
    with another_kit.client() as client, another_kit.client() as theirs:
        client.containers.create({
            'name': 'c1', 'source': EMPTY, 'devices': {'n': NIC},
            'config': {'user.a': '1', 'user.b': '2'}}, wait=True)
        mine = client.containers.get('c1')
        mine.config['user.a'] = mine.config['user.b'] = 'mine'
        del mine.devices['n']
        mine.save()
        settle(theirs)
        another_kit.restart()
        other = theirs.containers.get('c1')
        assert user_keys(other) == {'a': 'mine', 'b': 'mine'}
        other.config['user.a'] = 'theirs'
        other.save(wait=True)

        mine.sync()
        assert not mine.dirty
        assert user_keys(mine) == {'a': 'theirs', 'b': 'mine'}
        assert mine.devices == {}
        mine.config['user.c'] = 'mine'
        mine.save(wait=True)
        assert user_keys(refetch(other)) == {
            'a': 'theirs', 'b': 'mine', 'c': 'mine'}


def test_a_save_that_failed_is_local_again_after_a_restart(another_kit):
    with another_kit.client() as client, another_kit.client() as theirs:
        client.containers.create({
            'name': 'c1', 'source': EMPTY, 'devices': {'n': NIC},
            'config': {'user.a': '1', 'user.b': '2'}}, wait=True)
        mine = client.containers.get('c1')
        mine.config['user.a'] = mine.config['user.b'] = 'mine'
        mine.devices = REFUSED_LATER
        mine.save()
        settle(theirs)
        another_kit.restart()
        other = theirs.containers.get('c1')
        assert user_keys(other) == {'a': '1', 'b': '2'}
        other.config['user.a'] = 'theirs'
        other.save(wait=True)

        mine.sync()  # a third value is another client's: it is shown
        assert mine.dirty and user_keys(mine) == {'a': 'theirs', 'b': 'mine'}
        mine.devices = {}
        mine.save(wait=True)  # how the first one ended is not known
        assert user_keys(refetch(other)) == {'a': 'theirs', 'b': 'mine'}
        assert refetch(other).devices == {}
