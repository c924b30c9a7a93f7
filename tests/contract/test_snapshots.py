# -*- coding: utf-8 -*-
"""Snapshots: creating, renaming, restoring, publishing and names."""
import re

import pytest

from helpers import NOON, NOON_DAY
from pylxd import exceptions
from pylxd.container import Snapshot

from .support import settle


@pytest.mark.documents('Container.snapshots.create', 'Snapshot.name')
def test_create(container, sent):
    snapshot = container.snapshots.create('one')
    assert sent == ['POST {}/snapshots'.format(container.api.path)]
    assert (snapshot.name, snapshot.container, snapshot.instance) == (
        'one', container, container)
    settle(container.client)
    assert snapshot.stateful is False

    container.snapshots.create('two', stateful=False, wait=True)
    assert container.snapshots.exists('two')
    with pytest.raises(exceptions.LXDAPIException):
        container.snapshots.create('two', wait=True)


@pytest.mark.documents('Container.snapshots.all', 'Container.snapshots.get')
def test_all_and_get(container):
    assert container.snapshots.all() == []
    container.snapshots.create('one', wait=True)
    container.config['user.a'] = 'b'
    container.save(wait=True)
    container.snapshots.create('two', wait=True)

    snapshots = container.snapshots.all()
    assert sorted(each.name for each in snapshots) == ['one', 'two']
    assert all(type(each) is Snapshot for each in snapshots)
    assert {each.name: each.config.get('user.a') for each in snapshots} == {
        'one': None, 'two': 'b'}
    assert all(each.container is container for each in snapshots)

    loaded = container.snapshots.get('two')
    assert loaded in snapshots and loaded.name == 'two'
    assert loaded.config['user.a'] == 'b'
    assert re.match(r'20\d\d-\d\d-\d\dT', loaded.created_at)
    assert loaded.profiles == ['default'] and loaded.ephemeral is False
    assert loaded.expanded_devices['root']['path'] == '/'
    loaded.sync()
    assert loaded.name == 'two'
    with pytest.raises(exceptions.NotFound):
        container.snapshots.get('three')
    assert not container.snapshots.exists('three')


@pytest.mark.documents('Snapshot')
def test_snapshot_loads_by_name(lxd_client, container):
    container.snapshots.create('one', wait=True)
    snapshot = Snapshot(lxd_client, name='one', container=container)
    assert snapshot == container.snapshots.get('one')
    assert Snapshot(
        lxd_client, name='one', instance=container).stateful is False


@pytest.mark.trap('snapshot-names')
def test_snapshots_of_other_containers_differ(lxd_client, container, name):
    other_container = lxd_client.containers.create(
        {'name': name + '-2', 'source': {'type': 'none'}}, wait=True)
    one, two = [each.snapshots.create('one', wait=True)
                for each in (container, other_container)]
    assert one != two
    assert one == container.snapshots.get('one')
    assert len({one, two, container.snapshots.get('one')}) == 2


@pytest.mark.documents('Snapshot.rename')
def test_rename(container, sent):
    snapshot = container.snapshots.create('one', wait=True)
    snapshot.rename('two', wait=True)
    assert snapshot.name == 'two' and snapshot.stateful is False
    assert container.snapshots.all() == [snapshot]
    del sent[:]
    snapshot.rename('three')
    assert len(sent) == 1
    settle(container.client)
    snapshot.sync()
    assert snapshot.name == 'three'


def test_delete(container):
    snapshot = container.snapshots.create('one', wait=True)
    container.snapshots.create('two', wait=True)
    snapshot.delete(wait=True)
    assert [each.name for each in container.snapshots.all()] == ['two']
    with pytest.raises(exceptions.NotFound):
        snapshot.delete(wait=True)


def test_expires_at_is_saved(container):
    snapshot = container.snapshots.create('one', wait=True)
    snapshot.expires_at = '2099-12-31T00:00:00Z'
    snapshot.save(wait=True)
    assert container.snapshots.get('one').expires_at.startswith('2099-12-31')
    snapshot.expires_at = NOON
    assert snapshot.expires_at.startswith(NOON_DAY)
    snapshot.save(wait=True)
    assert container.snapshots.get('one').expires_at.startswith(NOON_DAY)
    assert not snapshot.dirty
    with pytest.raises(TypeError) as caught:
        snapshot.expires_at = 5
    assert str(caught.value) == (
        'Snapshot.expires_at must be of type datetime or str, not 5')
    for attribute in 'created_at', 'description', 'name':
        with pytest.raises(AttributeError):
            setattr(snapshot, attribute, '')


def test_restore_resets_files_and_config(bootable):
    bootable.files.put('/it', b'old')
    bootable.config['user.a'] = 'old'
    bootable.save(wait=True)
    snapshot = bootable.snapshots.create('one', wait=True)
    for restore in (
            lambda: snapshot.restore(wait=True),
            lambda: bootable.restore_snapshot('one', wait=True)):
        bootable.files.put('/it', b'new')
        bootable.config['user.a'] = 'new'
        bootable.save(wait=True)
        restore()
        assert bootable.files.get('/it') == b'old'
        assert bootable.config['user.a'] == 'old'


def test_restore_of_an_unknown_snapshot_fails(container):
    with pytest.raises(exceptions.LXDAPIException):
        container.restore_snapshot('one', wait=True)


@pytest.mark.documents('Snapshot.publish')
def test_publish_returns_an_image_if_it_waits(bootable, new_images):
    bootable.files.put('/it', b'old')
    snapshot = bootable.snapshots.create('one', wait=True)
    bootable.files.put('/it', b'new')
    assert snapshot.publish() is None
    settle(bootable.client)
    first, = new_images()
    first.delete(wait=True)

    image = snapshot.publish(public=True, wait=True)
    assert [image] == new_images() and image.public is True
    container = bootable.client.containers.create({
        'name': bootable.name + '-2',
        'source': {'type': 'image', 'fingerprint': image.fingerprint},
    }, wait=True)
    assert container.files.get('/it') == b'old'


def test_create_a_container_from_a_snapshot(bootable):
    bootable.files.put('/it', b'old')
    bootable.snapshots.create('one', wait=True)
    bootable.files.put('/it', b'new')
    container = bootable.client.containers.create({
        'name': bootable.name + '-2', 'profiles': ['default'],
        'source': {'type': 'copy', 'source': bootable.name + '/one'},
    }, wait=True)
    assert container.files.get('/it') == b'old'


@pytest.mark.parametrize('snapshot_name', [
    '', '.', '..', 'a/b', '../x', 'a%2fb', 'a%', u'\0', 'a\nb'])
def test_invalid_names_are_not_sent(
        lxd_client, container, sent, snapshot_name):
    """Servers would read some of these names as paths."""
    snapshots = container.snapshots
    snapshot = Snapshot(lxd_client, name=snapshot_name, container=container)
    existing = snapshots.create('one', wait=True)
    del sent[:]
    for call in (snapshots.create, snapshots.get, snapshots.exists,
                 existing.rename, container.restore_snapshot,
                 lambda _: snapshot.delete(), lambda _: snapshot.sync()):
        with pytest.raises(exceptions.InvalidName):
            call(snapshot_name)
    assert sent == []


@pytest.mark.parametrize('snapshot_name', [
    'a b', 'a?b', 'a#b', 'a#', u'\xe4', u'a\xe4b', 'a+b', 'a;b', 'a:b'])
def test_an_odd_name_reaches_no_other_snapshot(container, snapshot_name):
    container.snapshots.create('a', wait=True)
    try:
        snapshot = container.snapshots.create(snapshot_name, wait=True)
    except exceptions.LXDAPIException:
        pass  # this server refuses the name
    else:
        assert snapshot in container.snapshots.all()
        assert container.snapshots.get(snapshot_name).name == snapshot_name
        snapshot.delete(wait=True)
    assert [each.name for each in container.snapshots.all()] == ['a']
