# -*- coding: utf-8 -*-
import inspect

import pytest
import six

from pylxd import exceptions, models
from pylxd.core import listing, model
from pylxd.core.manager import Manager
from pylxd.models.profile import Profile, Profiles

from .store import response, sync


@pytest.fixture
def now(monkeypatch):
    """The time, which a test may set."""
    now = [0.0]
    monkeypatch.setattr(listing, 'clock', lambda: now[0])
    return now


def fill(store, count=50):
    for number in range(count):
        store.add('q{}'.format(number))


def test_one_request_loads_a_list(client, store):
    fill(store)
    made = Profiles(client).all()
    assert [each.description for each in made].count('') == 50
    assert store.requested == ['GET profiles', 'GET profiles?recursion']
    assert not [each for each in made if each.dirty]


def test_a_slow_loop_sees_what_is_there(client, store, now):
    fill(store)
    made = Profiles(client).all()
    made[0].description
    now[0] = listing.FRESH + 0.1
    store.documents['q7']['description'] = 'new'
    each, = (each for each in made if each.name == 'q7')
    assert each.description == 'new'
    assert store.requested == ['GET profiles', 'GET profiles?recursion',
                               'GET profiles/q7']  # not all of them again


def test_a_busy_loop_loads_them_again(client, store, now):
    fill(store)
    made = Profiles(client).all()
    for each in made[:25]:
        each.description
    now[0] = listing.FRESH + 0.1
    for each in made[25:]:
        each.description
    assert store.requested == ['GET profiles'] + ['GET profiles?recursion'] * 2


def test_one_that_went_away(client, store):
    made, = Profiles(client).all()
    store.documents.clear()
    with pytest.raises(exceptions.NotFound):
        made.description


@pytest.mark.trap('quoted-lists')
def test_names_that_are_quoted_twice(client, store):
    """LXD 5.0 does that, so only the objects tell them."""
    store.documents.clear()
    store.add(u'a \xe4')
    store.answers.append(response(sync(['/1.0/profiles/a%2520%25C3%25A4'])))
    assert [each.name for each in Profiles(client).all()] == [u'a \xe4']


@pytest.mark.trap('quoted-lists')
def test_lists_of_a_project(client, store):
    store.answers.append(response(sync(['/1.0/profiles/p1?project=x'])))
    assert [each.name for each in Profiles(client).all()] == ['p1']


@pytest.mark.parametrize('listed', [
    {}, None, 'x', [5], [None], [['a']], [{}]])
def test_lists_that_are_none(client, store, listed):
    store.answers.append(response(sync(listed)))
    with pytest.raises(exceptions.InvalidResponse):
        Profiles(client).all()


@pytest.mark.parametrize('documents', [
    {}, None, [5], [{}], [{'name': []}], [None]])
def test_documents_that_are_none(client, store, documents):
    made, = Profiles(client).all()
    store.answers.append(response(sync(documents)))
    with pytest.raises(exceptions.InvalidResponse):
        made.description


@pytest.mark.parametrize('cls', [
    each for each in vars(models).values()
    if inspect.isclass(each) and issubclass(each, model.Model)])
def test_class_methods_beside_the_managers(cls):
    for name in ('all', 'get', 'exists'):
        method = getattr(cls, name)
        assert method.__doc__ and method.__name__ == name
    if six.PY3:
        first = list(inspect.signature(cls.get).parameters)[0]
        assert first == (
            'container' if cls is models.Snapshot else 'client')


@pytest.mark.parametrize('cls', [
    each for each in vars(models).values()
    if inspect.isclass(each) and issubclass(each, model.Model)])
def test_only_rename_changes_a_key(client, cls):
    for name in cls.key_names:
        with pytest.raises(AttributeError) as caught:
            setattr(cls(client, **{name: 'x'}), name, 'y')
        assert 'read-only' in str(caught.value)


@pytest.mark.skipif(six.PY2, reason='Python 2 has no unittest.mock')
def test_class_methods_as_mocks():
    from unittest import mock
    made = mock.create_autospec(models.Container.get)
    made('the client', name='c1')
    with pytest.raises(TypeError):
        made('the client', 'c1', 'more')


def test_class_methods_of_what_belongs_to_another(client, store):
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
    """Whoever declares that learns of it at import."""
    with pytest.raises(TypeError) as caught:
        class Wrong(Manager):
            model = Profile
            class_methods = ('delete',)

            def delete(self):
                """Delete all."""

    assert 'Profile.delete is there already' in str(caught.value)


def test_a_clock_that_is_set_back(client, store, now):
    """What was listed before is not fresh for that."""
    now[0] = 100.0
    fill(store)
    profiles = Profiles(client).all()
    profiles[0].description
    now[0] = 50.0
    store.documents['q7']['description'] = 'new'
    each, = (each for each in profiles if each.name == 'q7')
    assert each.description == 'new'


def test_class_methods(client, store):
    class Mine(Profile):
        pass

    assert type(Mine.get(client, 'p1')) is Mine
    assert [type(each) for each in Mine.all(client)] == [Mine]
    profile = Profile.create(client, 'p2', {'user.a': '1'})
    assert profile.name == 'p2' and profile.config == {'user.a': '1'}
    assert Profile.exists(client, 'p2')
