# -*- coding: utf-8 -*-
import contextlib

import pytest

from pylxd import exceptions
from pylxd.testing import plugin
from helpers import BUSYBOX, unique_name

from .support import settle


@pytest.fixture(scope='module')
def target(request, lxd):
    """A client of a second server, of the same kind."""
    kit, _ = plugin._kit(request.config.getoption('lxd'), {})
    with contextlib.closing(kit):
        with kit.client() as client:
            yield client


@pytest.fixture
def clean(target, name):
    """Deletes there what bears the test's name."""
    yield target
    settle(target)
    for manager in (target.instances, target.profiles):
        for each in manager.all():
            if each.name.startswith(name):
                each.delete(wait=True)


@pytest.fixture(scope='module')
def original(lxd, request):
    """A container with something of everything."""
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


FIELDS = ('name', 'architecture', 'description', 'ephemeral', 'profiles')


def own(config):
    """What is not the server's, which makes its own at each place."""
    return {key: value for key, value in config.items()
            if not key.startswith('volatile.')}


@pytest.mark.trap('migrate-source-kept')
@pytest.mark.trap('migrate-whole')
@pytest.mark.documents('Container.migrate')
def test_migrate(each_client, target, original):
    container = each_client.containers.get(original.name)
    target.profiles.create(original.name)
    try:
        copy = container.migrate(target, wait=True)
        try:
            assert copy.client is target
            for each in (copy, target.containers.get(original.name)):
                for field in FIELDS:
                    assert getattr(each, field) == getattr(original, field)
                # Incus 6.0 adds the root disk
                assert each.devices['nothing'] == {'type': 'none'}
                assert own(each.config) == own(original.config)
                assert each.config['volatile.base_image'] == (
                    original.config['volatile.base_image'])
                assert each.ephemeral is True
            assert copy.files.get('/root/hello') == b'\0world'
            assert [each.name for each in copy.snapshots.all()] == ['s0']
            # the copy is one of its own, and the source stays
            copy.files.put('/root/hello', b'changed')
            assert original.files.get('/root/hello') == b'\0world'
            original.sync()
            copy.start(wait=True)
            assert copy.execute(['cat', '/root/hello']).stdout == 'changed'
            copy.stop(wait=True)  # it was ephemeral
            assert not target.containers.exists(original.name)
        finally:
            if target.containers.exists(original.name):
                target.containers.get(original.name).delete(wait=True)
    finally:
        target.profiles.get(original.name).delete()


@pytest.mark.documents('Container.migrate')
def test_migrate_without_waiting(lxd_client, clean, container):
    copy = container.migrate(clean)
    assert copy.name == container.name
    settle(clean)
    assert clean.containers.get(container.name).status == 'Stopped'


def test_migrate_to_where_it_is_already(lxd_client, clean, container):
    container.migrate(clean, wait=True)
    with pytest.raises(exceptions.LXDAPIException):
        container.migrate(clean, wait=True)
    settle(lxd_client)
    assert clean.containers.exists(container.name)
    assert lxd_client.containers.exists(container.name)


def test_migrate_to_a_server_that_lacks_a_profile(
        lxd_client, clean, name, container):
    lxd_client.profiles.create(name)
    container.profiles.append(name)
    container.save(wait=True)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        container.migrate(clean, wait=True)
    assert name in str(caught.value) or 'rofile' in str(caught.value)
    assert not clean.containers.exists(container.name)
    assert lxd_client.containers.exists(container.name)


def test_what_is_offered(lxd_client, container, clean):
    """It makes a copy, and tells nothing to who only looks at it."""
    data = container.generate_migration_data()
    source = data['source']
    assert source['type'] == 'migration' and source['secrets']
    assert source['operation'].startswith(lxd_client.address + '/1.0/')
    assert source['certificate'] == lxd_client.dialect.certificate
    assert {key for key in data['config'] if key.startswith('volatile.')} <= {
        'volatile.base_image', 'volatile.last_state.idmap'}
    # Used, and not cancelled: LXD 5.0.2 was seen to crash at that
    made = clean.containers.create(data, wait=True)
    assert made.name == container.name


# -- images

@pytest.fixture
def image(lxd_client, name):
    """A private image that no other test has."""
    container = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)
    container.files.put('/root/only', name.encode('ascii'))
    image = container.publish(wait=True, compression_algorithm='none')
    image.properties['name'] = name
    image.save()
    yield image
    image.delete(wait=True)


@pytest.fixture
def copied(target, image):
    """Deletes the copy, and tells whether there is one."""
    yield lambda: target.images.exists(image.fingerprint)
    settle(target)
    if target.images.exists(image.fingerprint):
        target.images.get(image.fingerprint).delete(wait=True)


@pytest.mark.documents('Image.copy')
def test_copy_of_a_private_image(each_client, target, image, copied):
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
def test_whether_a_copy_is_public(
        target, image, copied, public, arguments, expected):
    image.public = public
    image.save()
    copy = image.copy(target, wait=True, **arguments)
    assert copy.public is expected
    assert target.images.get(image.fingerprint).public is expected


@pytest.mark.documents('Image.copy')
def test_a_copy_that_follows(target, image, copied):
    assert image.copy(target, auto_update=True, wait=True).auto_update is True


@pytest.mark.documents('Image.copy')
def test_copy_without_waiting(target, image, copied):
    assert image.copy(target) is None
    settle(target)
    assert copied()


# -- a server that others cannot reach

@pytest.fixture
def alone(target):
    """The second server, listening on its socket alone."""
    here = target.dialect.addresses[0]
    target.api.patch(json={'config': {'core.https_address': ''}})
    target.dialect.refresh()
    yield target
    target.api.patch(json={'config': {'core.https_address': here}})
    target.dialect.refresh()


def test_no_way_to_migrate(lxd_client, alone, name):
    container = alone.containers.create(
        {'name': name, 'source': {'type': 'none'}}, wait=True)
    try:
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            container.migrate(lxd_client, wait=True)
        assert 'core.https_address' in str(caught.value)
        assert alone.transport.endpoint in str(caught.value)
        assert not lxd_client.containers.exists(name)
        assert not [each for each in alone.operations.all()
                    if each.status == 'Running']
        with pytest.raises(exceptions.ClientConnectionFailed):
            alone.images.get_by_alias('busybox').copy(lxd_client, wait=True)
    finally:
        container.delete(wait=True)


def test_the_other_way_round(lxd_client, alone, container):
    """It can still fetch: the source alone must be reached."""
    container.migrate(alone, wait=True).delete(wait=True)
