# -*- coding: utf-8 -*-
"""Snapshots, by their bare names."""
import re

import pytest

from pylxd import exceptions
from pylxd.container import Snapshot
from helpers import BUSYBOX

from .support import settle


@pytest.fixture
def busybox(lxd_client, name):
    """A stopped container with files in it."""
    return lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)


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

    got = container.snapshots.get('two')
    assert got in snapshots and got.name == 'two'
    assert got.config['user.a'] == 'b'
    assert re.match(r'20\d\d-\d\d-\d\dT', got.created_at)
    assert got.profiles == ['default'] and got.ephemeral is False
    assert got.expanded_devices['root']['path'] == '/'
    got.sync()
    assert got.name == 'two'
    with pytest.raises(exceptions.NotFound):
        container.snapshots.get('three')
    assert not container.snapshots.exists('three')


@pytest.mark.documents('Snapshot')
def test_made_by_hand(lxd_client, container):
    container.snapshots.create('one', wait=True)
    snapshot = Snapshot(lxd_client, name='one', container=container)
    assert snapshot == container.snapshots.get('one')
    assert Snapshot(
        lxd_client, name='one', instance=container).stateful is False


@pytest.mark.trap('snapshot-names')
def test_same_name_of_other_containers(lxd_client, container, name):
    other = lxd_client.containers.create(
        {'name': name + '-2', 'source': {'type': 'none'}}, wait=True)
    one, two = [each.snapshots.create('one', wait=True)
                for each in (container, other)]
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


def test_expiry(container):
    snapshot = container.snapshots.create('one', wait=True)
    snapshot.expires_at = '2099-12-31T00:00:00Z'
    snapshot.save(wait=True)
    assert container.snapshots.get('one').expires_at.startswith('2099-12-31')
    for what_no_server_takes in 'created_at', 'description', 'name':
        with pytest.raises(AttributeError):
            setattr(snapshot, what_no_server_takes, '')


def test_restore(busybox):
    busybox.files.put('/it', b'old')
    busybox.config['user.a'] = 'old'
    busybox.save(wait=True)
    snapshot = busybox.snapshots.create('one', wait=True)
    for restore in (
            lambda: snapshot.restore(wait=True),
            lambda: busybox.restore_snapshot('one', wait=True)):
        busybox.files.put('/it', b'new')
        busybox.config['user.a'] = 'new'
        busybox.save(wait=True)
        restore()
        assert busybox.files.get('/it') == b'old'
        assert busybox.config['user.a'] == 'old'


def test_restore_what_is_not_there(container):
    with pytest.raises(exceptions.LXDAPIException):
        container.restore_snapshot('one', wait=True)


@pytest.mark.documents('Snapshot.publish')
def test_publish(busybox, new_images):
    busybox.files.put('/it', b'old')
    snapshot = busybox.snapshots.create('one', wait=True)
    busybox.files.put('/it', b'new')
    assert snapshot.publish() is None
    settle(busybox.client)
    first, = new_images()
    first.delete(wait=True)

    image = snapshot.publish(public=True, wait=True)
    assert [image] == new_images() and image.public is True
    container = busybox.client.containers.create({
        'name': busybox.name + '-2',
        'source': {'type': 'image', 'fingerprint': image.fingerprint},
    }, wait=True)
    assert container.files.get('/it') == b'old'


def test_a_container_from_a_snapshot(busybox):
    busybox.files.put('/it', b'old')
    busybox.snapshots.create('one', wait=True)
    busybox.files.put('/it', b'new')
    container = busybox.client.containers.create({
        'name': busybox.name + '-2', 'profiles': ['default'],
        'source': {'type': 'copy', 'source': busybox.name + '/one'},
    }, wait=True)
    assert container.files.get('/it') == b'old'


@pytest.mark.parametrize('called', [
    '', '.', '..', 'a/b', '../x', 'a%2fb', 'a%', u'\0', 'a\nb'])
def test_names_that_cannot_be(lxd_client, container, sent, called):
    """Servers would take some of these for a path."""
    snapshots = container.snapshots
    snapshot = Snapshot(lxd_client, name=called, container=container)
    one = snapshots.create('one', wait=True)
    del sent[:]
    for ask in (snapshots.create, snapshots.get, snapshots.exists,
                one.rename, container.restore_snapshot,
                lambda _: snapshot.delete(), lambda _: snapshot.sync()):
        with pytest.raises(exceptions.InvalidName):
            ask(called)
    assert sent == []


@pytest.mark.parametrize('called', [
    'a b', 'a?b', 'a#b', 'a#', u'\xe4', u'a\xe4b', 'a+b', 'a;b', 'a:b'])
def test_names_that_reach_no_other(container, called):
    container.snapshots.create('a', wait=True)
    try:
        snapshot = container.snapshots.create(called, wait=True)
    except exceptions.LXDAPIException:
        pass  # this server does not want it
    else:
        assert snapshot in container.snapshots.all()
        assert container.snapshots.get(called).name == called
        snapshot.delete(wait=True)
    assert [each.name for each in container.snapshots.all()] == ['a']
