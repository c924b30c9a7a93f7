# -*- coding: utf-8 -*-
"""Managers: lists that load at once, and class methods."""
import inspect

import pytest
import six

from pylxd import exceptions, models
from pylxd.core import listing, model
from pylxd.core.manager import Manager
from pylxd.models.profile import Profile, Profiles

from .store import response, sync


def add_profiles(store, count=50):
    for number in range(count):
        store.add('q{}'.format(number))


def test_one_request_loads_a_list(client, store):
    add_profiles(store)
    profiles = Profiles(client).all()
    assert [each.description for each in profiles].count('') == 50
    assert store.requested == ['GET profiles', 'GET profiles?recursion']
    assert not [each for each in profiles if each.dirty]


def test_a_slow_loop_loads_one_object(client, store, clock):
    add_profiles(store)
    profiles = Profiles(client).all()
    profiles[0].description
    clock.time = listing.MAX_AGE + 0.1
    store.documents['q7']['description'] = 'new'
    each, = (each for each in profiles if each.name == 'q7')
    assert each.description == 'new'
    assert store.requested == ['GET profiles', 'GET profiles?recursion',
                               'GET profiles/q7']  # and not the list again


def test_a_busy_loop_loads_the_list_again(client, store, clock):
    add_profiles(store)
    profiles = Profiles(client).all()
    for each in profiles[:25]:
        each.description
    clock.time = listing.MAX_AGE + 0.1
    for each in profiles[25:]:
        each.description
    assert store.requested == ['GET profiles'] + ['GET profiles?recursion'] * 2


def test_a_list_that_times_out(client, store):
    """Each object is loaded alone: a list of instances takes LXD 30 s if a
    member of its cluster hangs."""
    store.add('p2')
    first, second = sorted(Profiles(client).all(), key=lambda p: p.name)
    store.answers.append(exceptions.ConnectionTimeout('silent'))
    assert (first.description, second.description) == (u'\xe4', '')
    assert store.requested == [
        'GET profiles', 'GET profiles?recursion', 'GET profiles/p1',
        'GET profiles/p2']


def test_a_listed_object_that_was_deleted(client, store):
    profile, = Profiles(client).all()
    store.documents.clear()
    with pytest.raises(exceptions.NotFound):
        profile.description


@pytest.mark.trap('quoted-lists')
def test_names_that_are_quoted_twice(client, store):
    """LXD 5.0 does so; the names come from the objects."""
    store.documents.clear()
    store.add(u'a \xe4')
    store.answers.append(response(sync(['/1.0/profiles/a%2520%25C3%25A4'])))
    assert [each.name for each in Profiles(client).all()] == [u'a \xe4']


@pytest.mark.trap('quoted-lists')
def test_lists_of_a_project(client, store):
    store.answers.append(response(sync(['/1.0/profiles/p1?project=x'])))
    assert [each.name for each in Profiles(client).all()] == ['p1']


@pytest.mark.parametrize('listed', [
    {}, 'x', [5], [None], [['a']], [{}]])
def test_malformed_lists(client, store, listed):
    store.answers.append(response(sync(listed)))
    with pytest.raises(exceptions.InvalidResponse):
        Profiles(client).all()


@pytest.mark.parametrize('documents', [
    {}, 'x', [5], [{}], [{'name': []}], [None]])
def test_malformed_documents(client, store, documents):
    profile, = Profiles(client).all()
    store.answers.append(response(sync(documents)))
    with pytest.raises(exceptions.InvalidResponse):
        profile.description


@pytest.mark.parametrize('cls', [
    each for each in vars(models).values()
    if inspect.isclass(each) and issubclass(each, model.Model)
    and each.key_names])
def test_signatures_of_class_methods(cls):
    for name in ('all', 'get', 'exists'):
        method = getattr(cls, name)
        assert method.__doc__ and method.__name__ == name
    if six.PY3:
        first = list(inspect.signature(cls.get).parameters)[0]
        assert first == cls.get.manager.parent_name


@pytest.mark.parametrize('cls', [
    each for each in vars(models).values()
    if inspect.isclass(each) and issubclass(each, model.Model)])
def test_keys_are_read_only(client, cls):
    for name in cls.key_names:
        with pytest.raises(AttributeError) as caught:
            setattr(cls(client, **{name: 'x'}), name, 'y')
        assert 'read-only' in str(caught.value)


@pytest.mark.skipif(six.PY2, reason='Python 2 has no unittest.mock')
def test_class_methods_as_mocks():
    from unittest import mock
    spec = mock.create_autospec(models.Container.get)
    spec('the client', name='c1')
    with pytest.raises(TypeError):
        spec('the client', 'c1', 'more')


def test_class_methods_of_snapshot(client, store):
    container = models.Container(client, name='c1')
    store.documents.clear()
    store.answers += [response(sync(['/1.0/instances/c1/snapshots/s1']))] * 2
    for listed in (models.Snapshot.all(container),
                   models.Snapshot.all(container=container)):
        assert listed == [models.Snapshot(
            client, name='s1', container=container)]
    with pytest.raises(TypeError) as caught:
        models.Snapshot.all()
    assert "'container'" in str(caught.value)


def test_a_class_method_takes_no_name_of_the_model():
    """The class raises when it is defined."""
    with pytest.raises(TypeError) as caught:
        class WrongManager(Manager):
            model = Profile
            class_methods = ('delete',)

            def delete(self):
                """Delete all."""

    assert 'Profile.delete exists already' in str(caught.value)


def test_a_clock_that_is_set_back(client, store, clock):
    """A list from the clock's future is not fresh."""
    clock.time = 100.0
    add_profiles(store)
    profiles = Profiles(client).all()
    profiles[0].description
    clock.time = 50.0
    store.documents['q7']['description'] = 'new'
    each, = (each for each in profiles if each.name == 'q7')
    assert each.description == 'new'


def test_class_methods_return_the_subclass(client, store):
    class MyProfile(Profile):
        pass

    assert type(MyProfile.get(client, 'p1')) is MyProfile
    assert [type(each) for each in MyProfile.all(client)] == [MyProfile]
    profile = Profile.create(client, 'p2', {'user.a': '1'})
    assert profile.name == 'p2' and profile.config == {'user.a': '1'}
    assert Profile.exists(client, 'p2')


def test_a_manager_is_no_parent(client, store):
    volumes = models.StoragePool.from_key(client, ('p1',)).volumes
    with pytest.raises(TypeError, match='pool must be an object of the serv'):
        models.StorageVolume.get(volumes, 'custom', 'v1')
