# -*- coding: utf-8 -*-
"""Copies of containers and images to a second server."""
import pytest

from pylxd import exceptions
from helpers import BUSYBOX, unique_name

from .support import settle


@pytest.fixture(scope='module')
def original(lxd, request):
    """A container with every kind of attribute, a file and a snapshot."""
    name = unique_name()
    with lxd.client() as client:
        client.profiles.create(name)
        container = client.containers.create({
            'name': name, 'source': BUSYBOX, 'profiles': ['default', name],
            'description': u'\xe4 "b"', 'ephemeral': True,
            'config': {'user.a': u'\xe4', 'limits.cpu': '1'},
            'devices': {'nothing': {'type': 'none'}}}, wait=True)
        container.files.put('/root/hello', b'\0world')
        container.snapshots.create('s0', wait=True)
        yield container
        container.delete(wait=True)
        client.profiles.get(name).delete()


#: Attributes that a copy has in common with its source.
FIELDS = ('name', 'architecture', 'description', 'ephemeral', 'profiles')


def remove_volatile(config):
    """Return a config without the keys that each server sets itself."""
    return {key: value for key, value in config.items()
            if not key.startswith('volatile.')}


@pytest.mark.trap('migrate-source-kept')
@pytest.mark.trap('migrate-whole')
@pytest.mark.documents('Container.migrate')
def test_migrate_copies_everything_and_keeps_the_source(
        each_client, target, original):
    container = each_client.containers.get(original.name)
    target.profiles.create(original.name)
    try:
        copy = container.migrate(target, wait=True)
        try:
            assert copy.client is target
            for each in (copy, target.containers.get(original.name)):
                for field in FIELDS:
                    assert getattr(each, field) == getattr(original, field)
                # Incus 6.0 adds the root disk to the copy
                assert each.devices['nothing'] == {'type': 'none'}
                assert remove_volatile(each.config) == remove_volatile(
                    original.config)
                assert each.config['volatile.base_image'] == (
                    original.config['volatile.base_image'])
                assert each.ephemeral is True
            assert copy.files.get('/root/hello') == b'\0world'
            assert [each.name for each in copy.snapshots.all()] == ['s0']
            # A change of the copy does not reach the source
            copy.files.put('/root/hello', b'changed')
            assert original.files.get('/root/hello') == b'\0world'
            original.sync()
            copy.start(wait=True)
            assert copy.execute(['cat', '/root/hello']).stdout == 'changed'
            copy.stop(wait=True)  # deletes it, as it is ephemeral
            assert not target.containers.exists(original.name)
        finally:
            if target.containers.exists(original.name):
                target.containers.get(original.name).delete(wait=True)
    finally:
        target.profiles.get(original.name).delete()


@pytest.mark.documents('Container.migrate')
def test_migrate_without_waiting(lxd_client, clean_target, container):
    copy = container.migrate(clean_target)
    assert copy.name == container.name
    settle(clean_target)
    assert clean_target.containers.get(container.name).status == 'Stopped'


def test_migrate_to_a_server_with_the_name_fails(
        lxd_client, clean_target, container):
    container.migrate(clean_target, wait=True)
    with pytest.raises(exceptions.LXDAPIException):
        container.migrate(clean_target, wait=True)
    settle(lxd_client)
    assert clean_target.containers.exists(container.name)
    assert lxd_client.containers.exists(container.name)


def test_migrate_to_a_server_without_the_profile_fails(
        lxd_client, clean_target, name, container):
    lxd_client.profiles.create(name)
    container.profiles.append(name)
    container.save(wait=True)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        container.migrate(clean_target, wait=True)
    assert name in str(caught.value) or 'rofile' in str(caught.value)
    assert not clean_target.containers.exists(container.name)
    assert lxd_client.containers.exists(container.name)


def test_generate_migration_data(lxd_client, container, clean_target):
    """The data creates a copy, and holds no volatile key but two."""
    data = container.generate_migration_data()
    source = data['source']
    assert source['type'] == 'migration' and source['secrets']
    assert source['operation'].startswith(lxd_client.address + '/1.0/')
    assert source['certificate'] == lxd_client.dialect.certificate
    assert {key for key in data['config'] if key.startswith('volatile.')} <= {
        'volatile.base_image', 'volatile.last_state.idmap'}
    # LXD 5.0.2 was seen to crash when a migration is cancelled: finish it
    copy = clean_target.containers.create(data, wait=True)
    assert copy.name == container.name


# -- images

@pytest.fixture
def image(lxd_client, name):
    """A private image with random content."""
    container = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)
    container.files.put('/root/only', name.encode('ascii'))
    image = container.publish(wait=True, compression_algorithm='none')
    image.properties['name'] = name
    image.save()
    yield image
    image.delete(wait=True)


@pytest.fixture
def is_copied(target, image):
    """Return a function that tells whether the target has the image.

    The copy is deleted after.
    """
    yield lambda: target.images.exists(image.fingerprint)
    settle(target)
    if target.images.exists(image.fingerprint):
        target.images.get(image.fingerprint).delete(wait=True)


@pytest.mark.documents('Image.copy')
def test_copy_of_a_private_image(each_client, target, image, is_copied):
    assert not image.public
    source = each_client.images.get(image.fingerprint)
    copy = source.copy(target, wait=True)
    assert copy.client is target
    assert copy.fingerprint == image.fingerprint
    assert (copy.public, copy.auto_update) == (False, False)
    assert copy.properties == image.properties
    assert copy.export() == image.export()


@pytest.mark.documents('Image.copy')
@pytest.mark.parametrize('public, arguments, expected', [
    (True, {}, True), (True, {'public': False}, False),
    (False, {'public': True}, True)])
def test_copies_are_public_as_their_source_or_as_told(
        target, image, is_copied, public, arguments, expected):
    image.public = public
    image.save()
    copy = image.copy(target, wait=True, **arguments)
    assert copy.public is expected
    assert target.images.get(image.fingerprint).public is expected


@pytest.mark.documents('Image.copy')
def test_copy_with_auto_update(target, image, is_copied):
    assert image.copy(target, auto_update=True, wait=True).auto_update is True


@pytest.mark.documents('Image.copy')
def test_copy_without_waiting(target, image, is_copied):
    assert image.copy(target) is None
    settle(target)
    assert is_copied()


# -- a server without a network address

def test_migrate_from_an_unreachable_server_fails(
        lxd_client, unreachable_target, name):
    container = unreachable_target.containers.create(
        {'name': name, 'source': {'type': 'none'}}, wait=True)
    try:
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            container.migrate(lxd_client, wait=True)
        assert 'core.https_address' in str(caught.value)
        assert unreachable_target.transport.endpoint in str(caught.value)
        assert not lxd_client.containers.exists(name)
        assert not [each for each in unreachable_target.operations.all()
                    if each.status == 'Running']
        with pytest.raises(exceptions.ClientConnectionFailed):
            unreachable_target.images.get_by_alias('busybox').copy(
                lxd_client, wait=True)
    finally:
        container.delete(wait=True)


def test_migrate_to_an_unreachable_server(
        lxd_client, unreachable_target, container):
    """The target fetches the copy, so only the source must be reachable."""
    copy = container.migrate(unreachable_target, wait=True)
    assert copy in unreachable_target.containers.all()
    copy.delete(wait=True)
