# -*- coding: utf-8 -*-
"""Objects: identity, repr, values, copies and class methods."""
import copy
import json
import pickle
import sys

import pytest

from pylxd import Client, exceptions
from pylxd.container import Container, Snapshot
from pylxd.image import Image
from pylxd.network import Network
from pylxd.profile import Profile
from helpers import EMPTY, unique_name

from .support import make_image, settle


@pytest.fixture
def project_client(lxd, lxd_client, name):
    """A client of a new project."""
    project_name = name + '-project'
    lxd_client.api.projects.post(json={'name': project_name, 'config': {
        'features.images': 'false', 'features.profiles': 'false'}})
    with lxd.client(project=project_name) as client:
        yield client
        settle(client)
        for instance in client.instances.all():
            instance.delete(wait=True)
    lxd_client.api.projects[project_name].delete()


@pytest.fixture
def namesake(project_client, container):
    """A container with the name of `container` in another project."""
    return project_client.containers.create(
        {'name': container.name, 'source': EMPTY}, wait=True)


# Identity

def test_objects_of_two_projects_differ(
        container, namesake, project_client, sent):
    assert namesake != container and not namesake == container
    assert len({namesake, container}) == 2
    same = Container(project_client, name=container.name)
    assert same == namesake and hash(same) == hash(namesake)
    assert sent == []


def test_no_project_means_the_default_project(lxd, container):
    with lxd.client(project='default') as client:
        same = client.containers.get(container.name)
        assert same == container and hash(same) == hash(container)


def test_an_image_without_fingerprint_has_no_hash(lxd_client, image, sent):
    late = lxd_client.images.create_from_url('https://127.0.0.1:1/nothing')
    assert sent == ['POST /1.0/images']
    with pytest.raises(TypeError):
        hash(late)
    assert '?' in repr(late)
    assert late == late and late != image and image != late
    assert sent == ['POST /1.0/images']
    for _ in range(2):
        with pytest.raises(exceptions.OperationFailed):
            late.fingerprint
    with pytest.raises(TypeError):
        hash(late)


def test_no_property_sends_a_request(lxd_client, name, sent):
    """Only declared attributes load the object."""
    container = Container(lxd_client, name=name)
    for each in (container, Profile(lxd_client, name=name),
                 Network(lxd_client, name=name),
                 Image(lxd_client, fingerprint='0' * 64),
                 Snapshot(lxd_client, name='one', container=container)):
        properties = [attribute for attribute in dir(type(each))
                      if isinstance(getattr(type(each), attribute), property)
                      and attribute not in each.__attributes__]
        assert {'api', 'dirty'} <= set(properties)
        for attribute in properties:
            getattr(each, attribute)
        assert each.operation is None
        assert each == each and hash(each) and repr(each)
    assert sent == []


# Repr

def test_repr_shows_a_project_other_than_default(
        container, namesake, project_client, sent):
    assert project_client.project in repr(namesake)
    container.sync()
    assert repr(container) == '<Container {}: Stopped>'.format(container.name)
    assert len(sent) == 1


def test_repr_of_a_snapshot_names_its_instance(container, sent):
    snapshot = container.snapshots.create('one', wait=True)
    del sent[:]
    for each in snapshot, Snapshot(
            container.client, name='one', container=container):
        assert '{}/one'.format(container.name) in repr(each)
    assert sent == []


def test_repr_of_an_image(lxd_client, image, sent):
    alias = unique_name()
    image.add_alias(alias, '')
    loaded = lxd_client.images.get(image.fingerprint)
    unloaded = Image(lxd_client, fingerprint=image.fingerprint)
    del sent[:]
    for each in loaded, unloaded:
        assert image.fingerprint[:12] in repr(each)
        assert image.fingerprint in repr(each)
    assert alias in repr(loaded)
    assert sent == []


# Values

def assert_plain(value):
    """Check that a JSON value holds no subclass of dict or list."""
    assert type(value) in (dict, list) or not isinstance(value, (dict, list))
    for each in (value.values() if isinstance(value, dict)
                 else value if isinstance(value, list) else ()):
        assert_plain(each)


def test_values_are_plain_dicts_and_lists(lxd_client, container, image):
    container.devices = {'n': {'type': 'none'}}
    container.config['user.a'] = 'b'
    for _ in range(2):
        values = [container.config, container.devices, container.profiles,
                  container.expanded_devices, image.properties,
                  container.marshall()]
        for value in values:
            assert_plain(value)
        assert json.loads(json.dumps(values)) == values
        assert pickle.loads(pickle.dumps(values)) == values
        assert copy.deepcopy(values) == values
        container.save(wait=True)


def test_values_can_be_dumped_as_yaml(container, image):
    yaml = pytest.importorskip('yaml')
    container.devices = {'n': {'type': 'none'}}
    for value in (container.config, container.devices, container.profiles,
                  image.properties, container.marshall()):
        assert yaml.safe_load(yaml.safe_dump(value)) == value


def test_config_update_as_documented(lxd_client, name):
    profile = lxd_client.profiles.create(
        name, {'user.a': '1'}, {'n': {'type': 'none'}})
    profile.config = profile.config.update({'user.b': '2'})
    assert profile.config == {'user.a': '1', 'user.b': '2'}
    assert type(profile.config) is dict
    profile.devices = profile.devices.update({'m': {'type': 'none'}})
    profile.save(wait=True)
    saved = lxd_client.profiles.get(name)
    assert saved.config == {'user.a': '1', 'user.b': '2'}
    assert saved.devices == {'n': {'type': 'none'}, 'm': {'type': 'none'}}


def test_none_keeps_a_dict_that_was_read(lxd_client, name, sent):
    lxd_client.profiles.create(name, {'user.a': '1'})
    profile = lxd_client.profiles.get(name)
    with pytest.raises(TypeError):
        profile.config = None  # refused, as the dict was never read
    assert profile.config == {'user.a': '1'}
    profile.config = None
    assert profile.config == {'user.a': '1'} and not profile.dirty
    del sent[:]
    profile.save(wait=True)
    assert sent == []


# Copies

for_each_copy = pytest.mark.parametrize('duplicate', [
    copy.copy, copy.deepcopy,
    lambda original: pickle.loads(pickle.dumps(original)),
    lambda original: pickle.loads(pickle.dumps(original, 2)),
], ids=['copy', 'deepcopy', 'pickle', 'pickle-2'])


@for_each_copy
def test_a_copy_of_a_client(each_client, container, duplicate):
    with duplicate(each_client) as client:
        assert client.containers.get(container.name) == container
        assert client.host_info == each_client.host_info
        assert client.project == each_client.project
    assert each_client.containers.get(container.name) == container


@for_each_copy
def test_a_copy_of_a_manager(each_client, container, duplicate):
    container.snapshots.create('one', wait=True)
    own = each_client.containers.get(container.name)
    manager = duplicate(each_client.containers)
    assert container in manager.all()
    snapshots = duplicate(own.snapshots)
    assert [each.name for each in snapshots.all()] == ['one']
    for each in manager, snapshots:
        each.client.close()


@for_each_copy
def test_a_copy_of_an_object_has_its_own_changes(
        each_client, container, duplicate):
    original = each_client.containers.get(container.name)
    copied = duplicate(original)
    assert type(copied) is Container and copied == original
    copied.config['user.a'] = copied.description = 'copy'
    assert copied.dirty and not original.dirty
    assert 'user.a' not in original.config and original.description == ''
    copied.save(wait=True)
    original.sync()
    assert original.config['user.a'] == original.description == 'copy'

    original.description = 'changed'
    copied = duplicate(original)
    assert copied.dirty and copied.description == 'changed'
    copied.rollback()
    assert original.dirty and original.description == 'changed'
    copied.client.close()


@for_each_copy
def test_a_copy_of_a_snapshot(each_client, container, duplicate):
    container.snapshots.create('one', wait=True)
    original = each_client.containers.get(
        container.name).snapshots.get('one')
    copied = duplicate(original)
    copied.sync()
    assert copied == original and copied.container == container
    copied.client.close()


# Aliases of an image

def list_names(aliases):
    return sorted(alias['name'] for alias in aliases)


def test_aliases_of_a_listed_image(lxd_client, image):
    one, two = sorted([unique_name(), unique_name()])
    image.add_alias(one, '')
    for change, left in (
            (lambda listed: listed.add_alias(two, ''), [one, two]),
            (lambda listed: listed.delete_alias(one), [two])):
        listed, = [each for each in lxd_client.images.all() if each == image]
        change(listed)
        assert list_names(listed.aliases) == left
        assert not listed.dirty


def test_sync_loads_aliases_of_another_client(lxd, image):
    theirs, own = sorted([unique_name(), unique_name()])
    assert image.aliases == []
    with lxd.client() as client:
        client.images.get(image.fingerprint).add_alias(theirs, '')
    image.add_alias(own, '')
    image.sync()
    assert list_names(image.aliases) == [theirs, own]


def test_an_alias_of_another_image_is_not_deleted(lxd_client, image):
    other_image = lxd_client.images.create(make_image(), wait=True)
    alias = unique_name()
    other_image.add_alias(alias, '')
    with pytest.raises(exceptions.NotFound) as caught:
        image.delete_alias(alias)
    assert other_image.fingerprint[:12] in str(caught.value)
    assert lxd_client.images.get_by_alias(alias) == other_image
    other_image.delete_alias(alias)
    assert not lxd_client.images.exists(alias, alias=True)


# Class methods

def test_class_methods_of_snapshot(container):
    one = container.snapshots.create('one', wait=True)
    assert Snapshot.all(container) == [one]
    assert Snapshot.get(container, 'one') == one
    assert Snapshot.exists(container, 'one')
    snapshot = Snapshot.create(container, 'two', wait=True)
    assert type(snapshot) is Snapshot and snapshot.container is container
    with pytest.raises(exceptions.NotFound):
        Snapshot.get(container, 'three')


@pytest.mark.skipif(
    sys.version_info < (3,), reason='inspect.signature is new in Python 3')
def test_the_first_parameter_of_class_methods():
    import inspect
    for method in Snapshot.all, Snapshot.get, Snapshot.create:
        parameters = list(inspect.signature(method).parameters)
        assert parameters[0] != 'client' and 'self' not in parameters
    assert list(inspect.signature(Container.get).parameters) == [
        'client', 'name']


def test_autospec_of_class_methods(lxd_client):
    mock = pytest.importorskip('unittest.mock')
    for method in Container.get, Profile.get:
        spec = mock.create_autospec(method)
        spec(lxd_client, 'x')
        for wrong in (), (lxd_client, 'x', 'y'):
            with pytest.raises(TypeError):
                spec(*wrong)
    with mock.patch.object(Container, 'get', autospec=True) as get:
        Container.get(lxd_client, 'x')
        get.assert_called_once_with(lxd_client, 'x')


def test_a_subclass_of_the_client_has_its_own_managers(lxd):
    class MyContainers(Client.Containers):
        pass

    class MyClient(Client):
        Containers = MyContainers

    with MyClient(lxd.socket) as client:
        assert type(client.containers) is MyContainers
        assert type(client.profiles) is Client.Profiles
    assert Client.Containers is not MyContainers


def test_changes_of_networks_need_an_extension(
        lxd_client, sent, monkeypatch):
    network = Network(lxd_client, name='lo')
    monkeypatch.setitem(lxd_client.host_info, 'api_extensions', [])
    for change in (lambda: network.rename('other'), lambda: network.put({}),
                   lambda: network.patch({}), lambda: network.raw_put({}),
                   lambda: network.raw_patch({}), network.save,
                   network.delete):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            change()
        assert caught.value.name == 'network'
    assert sent == []
