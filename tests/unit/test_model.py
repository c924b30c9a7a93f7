# -*- coding: utf-8 -*-
"""Models: loading, identity, repr, iteration and verbs."""
import copy
import importlib
import pickle

import pytest
import six

from pylxd import exceptions, models
from pylxd.models.image import Image
from pylxd.models.profile import Profile, Profiles
from pylxd.models.snapshot import Snapshot

from .store import FakeClient


# -- reading

def test_missing_attributes_are_loaded_once(client, store):
    profile = Profile(client, name='p1')
    assert profile.name == 'p1' and store.requested == []
    assert profile.description == u'\xe4'
    assert profile.config['user.a'] == '1' and profile.devices == {}
    assert profile.type is None  # no server has it
    assert store.requested == ['GET profiles/p1']
    assert not profile.dirty


def test_a_null_is_an_empty_dict_or_list(client, store):
    store.documents['p1'].update(config=None, devices=None, used_by=None)
    profile = Profile(client, name='p1')
    assert (profile.config, profile.devices, profile.used_by) == ({}, {}, [])
    assert not profile.dirty
    config = profile.config
    profile.sync()
    assert profile.config is config and config == {} and not profile.dirty
    config['user.a'] = '1'
    assert profile.dirty
    profile.save()
    assert store.documents['p1']['config'] == {'user.a': '1'}
    assert profile.config == {'user.a': '1'} and not profile.dirty


def test_unknown_attributes(client, store, profile):
    assert profile.new_field == {'a': 1}
    assert 'new_field' in dir(profile)
    for each in (profile, Profile(client, name='p1')):
        with pytest.raises(AttributeError) as caught:
            each.none_such
        assert 'Profile' in str(caught.value) and 'none_such' in str(
            caught.value)
        with pytest.raises(AttributeError):
            each.none_such = 1
        with pytest.raises(AttributeError):
            each._none_such
    assert 'sync() loads' in str(pytest.raises(
        AttributeError, getattr, Profile(client, name='p1'), 'x').value)
    assert store.requested == []


@pytest.mark.parametrize('name', [
    'save', 'client', 'api', '_document', '__class__', 'dirty', 'delete',
    'operation', 'parent', 'from_key'])
def test_a_field_of_the_server_replaces_no_attribute(client, store, name):
    store.documents['p1'][name] = 'evil'
    profile = Profiles(client).get('p1')
    assert getattr(profile, name) != 'evil'
    profile.config['user.b'] = '1'
    profile.save()
    assert store.documents['p1'][name] == 'evil'  # a save still sends it


def test_read_only_values_are_copies(profile):
    profile.used_by.append('x')
    assert profile.used_by == [] and not profile.dirty


@pytest.mark.parametrize('duplicate', [
    copy.copy, copy.deepcopy, lambda profile: pickle.loads(
        pickle.dumps(profile, pickle.HIGHEST_PROTOCOL))])
def test_a_copy_has_its_own_changes(client, profile, duplicate):
    profile.description = 'local'
    for original in profile, Profile(client, name='p1'):
        copied = duplicate(original)
        assert copied == original and copied.config == original.config
        assert copied.dirty == original.dirty
        copied.config['user.a'] = 'changed'
        copied.description = 'other'
        assert original.config['user.a'] == '1'
        assert original.description != 'other'
    copied.save()
    assert profile.dirty and not copied.dirty


# -- identity

def test_equality(client, store, profile):
    assert profile == Profile(client, name='p1')
    assert hash(profile) == hash(Profile(client, name='p1'))
    assert not profile != Profile(client, name='p1')
    for other in (Profile(client, name='p2'), 'p1', None,
                  models.Network(client, name='p1')):
        assert profile != other
    other_client = FakeClient(store)
    other_client.identity = 'there'
    assert profile != Profile(other_client, name='p1')
    assert store.requested == []


def test_equality_of_projects(client, store, profile):
    green_client = FakeClient(store)
    green_client.project = 'green'
    other = Profile(green_client, name='p1')
    assert other != profile and hash(other) != hash(profile)
    assert repr(other) == '<Profile p1 (project green)>'
    green_client.project = 'default'
    assert other == profile and repr(other) == '<Profile p1>'


def test_an_object_without_a_name(client, store):
    image = Image.from_key(client, (None,))
    assert repr(image) == '<Image ?>' and image == image
    assert image != Image.from_key(client, (None,)) and image != Image(
        client, fingerprint='f')
    with pytest.raises(TypeError):
        hash(image)
    with pytest.raises(exceptions.LXDException) as caught:
        image.api
    assert 'no name yet' in str(caught.value)
    assert store.requested == []


def test_repr_of_snapshots_and_images(client):
    container = models.Container(client, name='c1')
    assert repr(Snapshot(client, name='s1', container=container)) == (
        '<Snapshot c1/s1>')
    assert repr(Image(client, fingerprint='f' * 64, aliases=[
        {'name': 'busybox'}, {'name': 'other'}])) == (
            '<Image {} (busybox)>'.format('f' * 64))


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
    assert store.requested == []


def test_iteration(profile):
    assert dict(profile)['name'] == 'p1'
    assert set(dict(profile)) == set(Profile.__attributes__)
    assert profile.marshall() == {
        'config': {'user.a': '1', 'volatile.x': 'v'}, 'devices': {},
        'description': u'\xe4'}
    assert profile.marshall(skip_readonly=False)['name'] == 'p1'


# -- methods of all models

def test_exists(client):
    assert Profiles(client).exists('p1')
    assert not Profiles(client).exists('none')


def test_put_patch_post_delete(profile, store):
    profile.description = 'dropped'
    profile.patch({'config': {'user.z': '1', 'user.a': ''}})
    assert profile.config == {'user.z': '1', 'volatile.x': 'v'}
    assert profile.description == u'\xe4'
    profile.put({'name': 'p1', 'description': 'put'})
    assert profile.description == 'put'
    assert profile.post(json={'name': 'p3'}).status_code == 200
    store.documents['p1'] = store.documents.pop('p3')
    profile.delete()
    assert store.documents == {}
    with pytest.raises(exceptions.NotFound):
        profile.sync()


@pytest.mark.parametrize('module, names', [
    ('container', ['Container', 'Containers', 'Instance', 'Snapshot']),
    ('models.container', ['Container', 'ContainerState', 'Snapshot']),
    ('models.virtual_machine', ['VirtualMachine', 'Instance']),
    ('models.operation', ['Operation']), ('operation', ['Operation']),
    ('certificate', ['Certificate']), ('image', ['Image']),
    ('network', ['Network']), ('profile', ['Profile'])])
def test_the_modules_that_programs_import(module, names):
    """Documented modules, and those of earlier releases."""
    imported = importlib.import_module('pylxd.' + module)
    for name in names:
        cls = getattr(imported, name)
        assert cls.__module__.startswith(('pylxd.models.', 'pylxd.core.'))
        assert getattr(models, name, cls) is cls


def test_a_model_declared_as_in_earlier_releases(store):
    from pylxd.models import _model

    class Thing(_model.Model):
        path = 'profiles'
        name = _model.Attribute(readonly=True)
        description = _model.Attribute(optional=True)
        owner = _model.Parent()
    client = FakeClient(store)
    thing = Thing(client, name='p1')
    assert thing.owner is client
    assert thing.description == store.documents['p1']['description']
    with pytest.raises(AttributeError):
        thing.name = 'p2'
