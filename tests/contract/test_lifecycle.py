# -*- coding: utf-8 -*-
"""The life of an object: loaded once, changed here, saved without a loss."""
import threading
import time

import pytest

from pylxd import exceptions
from pylxd.core import listing
from pylxd.container import Container, Instance
from pylxd.core.attribute import attribute
from pylxd.core.saving import Savable
from pylxd.profile import Profile
from helpers import BUSYBOX, EMPTY

from .support import refetch, settle, user_keys

NIC = {'type': 'nic', 'nictype': 'p2p'}


@pytest.fixture(params=['containers', 'profiles'])
def kind(request):
    """What is changed in the background, and what is changed at once."""
    return request.param


@pytest.fixture
def thing(lxd_client, name, kind):
    """An object of that kind, with a little in it, fresh from the server."""
    made = {'name': name, 'config': {'user.a': '1', 'user.b': '2'},
            'description': 'old', 'devices': {'n': NIC}}
    if kind == 'containers':
        lxd_client.containers.create(dict(made, source=EMPTY), wait=True)
    else:
        lxd_client.profiles.create(wait=True, **made)
    return getattr(lxd_client, kind).get(name)


@pytest.fixture
def other(lxd, thing, kind):
    """The same, of someone else."""
    with lxd.client() as client:
        yield getattr(client, kind).get(thing.name)


@pytest.fixture
def stored(lxd, thing, kind):
    """Gives what the server has now."""
    with lxd.client() as client:
        yield lambda: getattr(client, kind).get(thing.name)


def users(thing):
    """Its ``user.*`` keys."""
    return {key[len('user.'):]: value for key, value in thing.config.items()
            if key.startswith('user.')}


# Loading

def test_a_list_has_names_alone(lxd_client, thing, kind, sent):
    listed = [each for each in getattr(lxd_client, kind).all()
              if each.name == thing.name]
    assert len(sent) == 1 and 'recursion' not in sent[0]
    assert listed == [thing] and repr(listed[0]) == '<{} {}>'.format(
        type(thing).__name__, thing.name)
    assert len(sent) == 1


def test_one_request_loads_all_that_were_listed(
        lxd_client, name, sent, monkeypatch):
    monkeypatch.setattr(listing, 'FRESH', 600)
    for number in range(5):
        lxd_client.profiles.create(name + str(number), {'user.a': 'b'})
    listed = [each for each in lxd_client.profiles.all()
              if each.name.startswith(name)]
    del sent[:]
    assert [each.config for each in listed] == [{'user.a': 'b'}] * 5
    assert [each.description for each in listed] == [''] * 5
    assert sent == ['GET /1.0/profiles?recursion=1']


@pytest.mark.parametrize('fresh', [600, 0])
def test_what_was_listed_long_ago_is_asked_for_again(
        lxd, lxd_client, name, monkeypatch, fresh):
    monkeypatch.setattr(listing, 'FRESH', fresh)
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
        lxd_client, thing, kind, sent):
    mine = type(thing)(lxd_client, name=thing.name)
    assert mine.name == thing.name and sent == []
    assert users(mine) == {'a': '1', 'b': '2'}
    assert mine.description == 'old' and mine.devices == thing.devices
    assert sent == ['GET ' + mine.api.path]
    assert not mine.dirty


def test_what_get_gives_is_whole(lxd_client, thing, kind, sent):
    got = getattr(lxd_client, kind).get(thing.name)
    assert dict(got)['description'] == 'old'
    assert set(dict(got)) == set(type(got).__attributes__)
    assert len(sent) == 1


def test_an_object_that_is_gone(thing):
    thing.delete(wait=True)
    for ask in thing.sync, thing.rollback:
        with pytest.raises(exceptions.NotFound):
            ask()
    thing.description = 'new'
    with pytest.raises(exceptions.NotFound):
        thing.save(wait=True)


# What it is

def test_repr_asks_nobody(lxd_client, container, sent):
    mine = Container(lxd_client, name=container.name)
    assert repr(mine) == '<Container {}>'.format(container.name)
    assert sent == []
    mine.sync()
    assert repr(mine) == '<Container {}: Stopped>'.format(container.name)
    assert len(sent) == 1


def test_equal(lxd, lxd_https, lxd_client, thing, other, kind, sent):
    with lxd.client(**lxd_https) as remote:
        same = [thing, other, type(thing)(lxd_client, name=thing.name),
                getattr(remote, kind).get(thing.name)]
    assert len(set(same)) == 1 and all(each == thing for each in same)
    assert not any(each != thing for each in same)
    another = type(thing)(lxd_client, name=thing.name + '2')
    assert another != thing and not another == thing
    assert len({another, thing}) == 2
    assert sent == []


def test_equal_is_of_one_resource(lxd_client):
    assert Profile(lxd_client, name='x') != Container(lxd_client, name='x')
    assert Profile(lxd_client, name='x') != 'x'
    assert Instance(lxd_client, name='x') == Container(lxd_client, name='x')


def test_an_attribute_that_nobody_knows(lxd_client, thing, sent):
    for mine in thing, type(thing)(lxd_client, name=thing.name):
        with pytest.raises(AttributeError) as caught:
            mine.colour
        assert 'colour' in str(caught.value)
        assert 'sync' in str(caught.value) or 'server' in str(caught.value)
        with pytest.raises(AttributeError) as caught:
            mine.colour = 'red'
        assert 'colour' in str(caught.value)
        assert not hasattr(mine, 'colour')
        assert 'colour' not in dir(mine) and 'config' in dir(mine)
    assert sent == [] and not thing.dirty


def test_an_attribute_that_cannot_be_set(thing, kind, sent):
    for called in {'containers': ['name', 'status', 'created_at', 'stateful',
                                  'expanded_config', 'status_code'],
                   'profiles': ['name', 'used_by']}[kind]:
        with pytest.raises(AttributeError) as caught:
            setattr(thing, called, getattr(thing, called))
        assert '{}.{} is read-only'.format(
            type(thing).__name__, called) in str(caught.value)
    assert sent == [] and not thing.dirty


def test_none_is_refused_and_what_to_write_is_said(thing, sent):
    for called in 'config', 'devices':
        with pytest.raises(TypeError) as caught:
            setattr(thing, called, None)
        assert 'write {}' in str(caught.value)
    for called, value in (('config', 'x'), ('config', ['x']),
                          ('devices', 3), ('description', None),
                          ('description', {})):
        with pytest.raises(TypeError):
            setattr(thing, called, value)
    assert sent == [] and not thing.dirty


# Changes

@pytest.mark.documents('Model.dirty')
def test_dirty(thing, kind):
    assert not thing.dirty
    before = dict(thing.config)

    thing.config['user.a'] = '1'
    thing.config = dict(before)
    thing.description = 'old'
    assert not thing.dirty

    thing.config['user.a'] = 'new'
    assert thing.dirty
    thing.config['user.a'] = '1'
    assert not thing.dirty

    thing.devices['n']['name'] = 'x'
    assert thing.dirty
    del thing.devices['n']['name']
    assert not thing.dirty

    thing.description = 'new'
    assert thing.dirty


def test_a_list_that_is_changed_in_place(lxd_client, container, name):
    lxd_client.profiles.create(name)
    assert not container.dirty
    container.profiles.append(name)
    assert container.dirty
    container.save(wait=True)
    assert not container.dirty
    assert lxd_client.containers.get(name).profiles == ['default', name]


@pytest.mark.trap('remove-a-key')
@pytest.mark.documents('Model.save')
def test_save(thing, stored):
    thing.config['user.a'] = u'\xe4'
    del thing.config['user.b']
    thing.description = u'caf\xe9'
    thing.devices['m'] = {'type': 'none'}
    thing.save(wait=True)
    assert not thing.dirty
    for each in thing, stored():
        assert users(each) == {'a': u'\xe4'}
        assert each.description == u'caf\xe9'
        assert each.devices == {'n': NIC, 'm': {'type': 'none'}}
    thing.config['user.c'] = '3'
    thing.update(wait=True)
    assert users(stored()) == {'a': u'\xe4', 'c': '3'}


@pytest.mark.trap('callers-dicts')
def test_the_dicts_of_the_caller_stay_theirs(thing, stored):
    config = {'user.c': '3'}
    thing.config = config
    thing.config['user.d'] = '4'
    thing.save(wait=True)
    assert config == {'user.c': '3'}
    config['user.e'] = '5'
    assert not thing.dirty and users(thing) == {'c': '3', 'd': '4'}
    assert users(stored()) == {'c': '3', 'd': '4'}


def test_save_of_what_is_not_changed_sends_nothing(lxd_client, thing, sent):
    thing.save()
    thing.save(wait=True)
    thing.update()
    thing.config['user.a'] = thing.config['user.a']
    thing.save()
    type(thing)(lxd_client, name=thing.name).save(wait=True)
    assert sent == []


def test_save_of_what_was_only_listed(lxd_client, thing, stored, kind):
    listed, = [each for each in getattr(lxd_client, kind).all()
               if each.name == thing.name]
    listed.config['user.c'] = '3'
    listed.save(wait=True)
    made = type(thing)(lxd_client, name=thing.name)
    made.description = 'new'
    made.save(wait=True)
    assert users(stored()) == {'a': '1', 'b': '2', 'c': '3'}
    assert stored().description == 'new'
    assert stored().devices == {'n': NIC}


def test_one_save_after_another(thing, stored):
    for value in range(5):
        thing.config['user.a'] = str(value)
        thing.save(wait=value % 2 == 0)
    thing.sync()
    assert thing.config['user.a'] == '4' and not thing.dirty
    assert users(stored()) == {'a': '4', 'b': '2'}


@pytest.mark.trap('etag-volatile')
def test_save_while_the_server_works_on_it(lxd_client, name):
    """A change is refused as long as another runs."""
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
    assert users(container) == {'a': '1', 'b': '2'}
    assert container.status == 'Stopped'


def test_what_the_server_writes_in_its_own_way(container, lxd_client):
    """It drops keys without a value, and tells times in its own zone."""
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
def test_sync_keeps_and_rollback_drops(thing, other):
    held = thing.config
    thing.config['user.a'] = 'mine'
    thing.description = 'mine'
    other.config['user.a'] = other.config['user.b'] = 'theirs'
    other.devices = {}
    other.save(wait=True)

    thing.sync()
    assert users(thing) == {'a': 'mine', 'b': 'theirs'} and thing.dirty
    assert (thing.description, thing.devices) == ('mine', {})
    assert held is thing.config and held['user.b'] == 'theirs'

    thing.rollback()
    assert users(thing) == {'a': 'theirs', 'b': 'theirs'} and not thing.dirty
    assert thing.description == 'old'
    assert held['user.a'] == 'theirs'


@pytest.mark.trap('loading-is-no-change')
def test_sync_after_sync_refreshes(thing, other):
    for value in 'xyz':
        other.config['user.a'] = value
        other.description = value
        other.save(wait=True)
        thing.sync()
        assert (thing.config['user.a'], thing.description) == (value, value)
        assert not thing.dirty


# Nothing is lost

@pytest.mark.trap('unknown-fields-survive')
def test_fields_that_the_class_does_not_know(
        lxd_client, thing, kind, stored, recwarn):
    class Old(Savable):
        path = 'instances' if kind == 'containers' else kind
        name = attribute(readonly=True)
        config = attribute(dict)

    mine = Old(lxd_client, name=thing.name)
    mine.config['user.a'] = 'new'
    assert mine.description == 'old' and 'devices' in dir(mine)
    mine.save(wait=True)
    got = stored()
    assert (got.description, got.devices) == ('old', {'n': NIC})
    assert users(got) == {'a': 'new', 'b': '2'}

    mine.devices['m'] = {'type': 'none'}
    mine.description = 'new'
    assert mine.dirty
    mine.save(wait=True)
    got = stored()
    assert got.description == 'new' and set(got.devices) == {'m', 'n'}
    assert not [each for each in recwarn
                if 'pylxd' in str(each.filename)]


def test_a_fresh_config_keeps_what_the_server_has_put_there(container):
    before = {key: value for key, value in container.config.items()
              if key.startswith('volatile.')}
    assert before['volatile.uuid']
    container.config['user.old'] = '1'
    container.save(wait=True)
    for fresh in {'user.a': '1'}, {'user.b': '2'}:
        container.config = fresh
        container.save(wait=True)
        container.sync()
        assert users(container) == {
            key[-1]: value for key, value in fresh.items()}
        assert {key: value for key, value in container.config.items()
                if key.startswith('volatile.')} == before
    made = Container(container.client, name=container.name)
    made.config = {'user.c': '3'}
    made.save(wait=True)
    container.sync()
    assert users(container) == {'c': '3'}
    assert container.config['volatile.uuid'] == before['volatile.uuid']


def test_changes_of_different_keys_are_merged(thing, other, stored):
    thing.config['user.a'] = 'mine'
    thing.config['user.c'] = 'mine'
    thing.description = 'mine'
    thing.devices['m'] = {'type': 'none'}
    other.config['user.d'] = 'theirs'
    del other.config['user.b']
    other.devices['o'] = {'type': 'none'}
    other.save(wait=True)
    thing.save(wait=True)
    for each in thing, stored():
        assert users(each) == {'a': 'mine', 'c': 'mine', 'd': 'theirs'}
        assert each.description == 'mine'
        assert set(each.devices) == {'m', 'n', 'o'}
    assert not thing.dirty


def test_the_same_change_twice_is_no_conflict(thing, other, stored):
    for each in thing, other:
        each.config['user.a'] = 'new'
        each.description = 'new'
        each.config['user.' + ('c' if each is thing else 'd')] = '3'
        each.save(wait=True)
    assert users(stored()) == {'a': 'new', 'b': '2', 'c': '3', 'd': '3'}


def test_conflict(thing, other, stored):
    thing.config['user.a'] = thing.config['user.c'] = 'mine'
    del thing.config['user.b']
    thing.description = 'mine'
    other.config['user.a'] = other.config['user.b'] = 'theirs'
    other.description = 'theirs'
    other.save(wait=True)

    for _ in range(2):  # it does not overwrite when it is tried again
        with pytest.raises(exceptions.Conflict) as caught:
            thing.save(wait=True)
        assert isinstance(caught.value, exceptions.LXDAPIException)
        assert caught.value.keys == (
            'config.user.a', 'config.user.b', 'description')
        assert 'config.user.a, config.user.b, description' in str(caught.value)
        assert users(thing) == {'a': 'mine', 'c': 'mine'}
        assert thing.description == 'mine' and thing.dirty
        assert users(stored()) == {'a': 'theirs', 'b': 'theirs'}

    thing.sync()
    assert users(thing) == {'a': 'mine', 'c': 'mine'}
    thing.save(wait=True)
    assert users(stored()) == {'a': 'mine', 'c': 'mine'}
    assert stored().description == 'mine' and not thing.dirty


def test_conflict_in_a_device(thing, other):
    thing.devices['n']['name'] = 'mine'
    other.devices['n']['name'] = 'theirs'
    other.save(wait=True)
    with pytest.raises(exceptions.Conflict) as caught:
        thing.save(wait=True)
    assert caught.value.keys == ('devices.n.name',)
    thing.rollback()
    assert thing.devices['n']['name'] == 'theirs'
    thing.save(wait=True)


def test_a_change_right_before_the_save_is_noticed(
        lxd_client, thing, other, stored, monkeypatch):
    """Someone is quicker than the request is on its way."""
    request = lxd_client.transport.request

    def late(method, path, **kwargs):
        if method == 'PATCH' and not other.config.get('user.d'):
            other.config['user.d'] = 'theirs'
            other.save(wait=True)
        return request(method, path, **kwargs)

    monkeypatch.setattr(lxd_client.transport, 'request', late)
    thing.config['user.c'] = 'mine'
    thing.save(wait=True)
    assert users(stored()) == {
        'a': '1', 'b': '2', 'c': 'mine', 'd': 'theirs'}


def test_two_write_200_keys_each(lxd, container, capsys):
    errors = []

    def write(prefix):
        try:
            with lxd.client() as client:
                mine = client.containers.get(container.name)
                for number in range(200):
                    mine.config['user.{}{}'.format(prefix, number)] = prefix
                    if number % 10 == 9:
                        mine.save(wait=number % 20 == 9)
                mine.save(wait=True)  # if the last did not come through
        except Exception as error:
            errors.append(error)
            raise

    threads = [threading.Thread(target=write, args=(prefix,))
               for prefix in 'xy']
    started = time.time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with capsys.disabled():
        print('\n2 x 200 keys in 2 x 20 saves: {:.1f} s'.format(
            time.time() - started))
    assert not errors
    container.sync()
    assert users(container) == {prefix + str(number): prefix
                                for prefix in 'xy' for number in range(200)}


# Saves that the server refuses

def test_a_save_that_is_refused_keeps_the_change(thing, stored):
    thing.config['no.such.key'] = '1'
    thing.description = 'new'
    for _ in range(2):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            thing.save(wait=True)
        assert 'no.such.key' in str(caught.value)
        assert thing.dirty and thing.config['no.such.key'] == '1'
    del thing.config['no.such.key']
    thing.save(wait=True)
    assert stored().description == 'new' and not thing.dirty


def test_a_save_that_fails_later_keeps_the_change(lxd_client, container):
    """Without wait, whatever waits next tells."""
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
    got = lxd_client.containers.get(container.name)
    assert got.config['user.a'] == '1' and got.devices == {}


# What later releases of pylxd had

def test_put_and_patch(thing, stored):
    thing.patch({'config': {'user.c': '3'}, 'description': 'old'}, wait=True)
    assert users(thing) == users(stored()) == {'a': '1', 'b': '2', 'c': '3'}
    whole = thing.marshall()
    assert 'name' not in whole and whole['description'] == 'old'
    whole['description'] = 'new'
    thing.put(whole, wait=True)
    assert thing.description == stored().description == 'new'
    assert users(thing) == {'a': '1', 'b': '2', 'c': '3'}
    thing.raw_patch({'description': 'raw'}, wait=True)
    assert thing.description == 'new' and stored().description == 'raw'
