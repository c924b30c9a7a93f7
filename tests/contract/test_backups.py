"""Backups of instances, and instances from backups."""
import datetime
import io

import pytest

from helpers import MinimalReader
from pylxd import exceptions
from pylxd.models import Backup

from .support import refetch

pytestmark = pytest.mark.real_server


@pytest.fixture
def backup_bytes(container):
    """The file of a backup of `container`."""
    return b''.join(container.export(
        instance_only=True, compression_algorithm='none'))


def test_create_get_all(container):
    assert container.backups.all() == []
    expiry = datetime.datetime(2040, 1, 2, 3, 4, 5)
    backup = container.backups.create(
        'b1', expires_at=expiry, instance_only=True,
        compression_algorithm='gzip')
    assert repr(backup) == '<Backup {}/b1>'.format(container.name)
    assert backup == container.backups.get('b1') == Backup.get(container, 'b1')
    assert backup.expires_at.startswith('2040-01-0')
    assert backup.instance_only is True
    assert backup.optimized_storage is False
    assert backup.container_only in (True, None)  # None: Incus
    assert backup.created_at > '2020'
    named_by_server = Backup.create(container)
    assert named_by_server.name == 'backup0'
    assert not named_by_server.instance_only
    assert sorted(each.name for each in container.backups.all()) == [
        'b1', 'backup0']
    assert 'b1' in container.backups and 'b2' not in container.backups
    with pytest.raises(exceptions.NotFound):
        container.backups.get('b2')


def test_rename_and_delete(container):
    backup = container.backups.create('b1')
    assert backup.rename('b2') is backup
    assert backup.name == 'b2' and not container.backups.exists('b1')
    assert b''.join(backup.export())
    backup.delete()
    assert container.backups.all() == []
    with pytest.raises(exceptions.NotFound):
        backup.delete()


def test_without_wait(container):
    backup = container.backups.create('b1', wait=False)
    assert backup.operation.class_ == 'task'
    assert backup.created_at  # which waits for the end
    backup.rename('b2', wait=False).delete(wait=False)
    backup.operation.wait()
    assert container.backups.all() == []


def test_odd_names(container):
    """Servers do not quote these names in their lists."""
    names = ['a', 'a b', 'a?b', 'a#b', 'a%20b']
    for name in names:
        container.backups.create(name)
    assert sorted(each.name for each in container.backups.all()) == sorted(
        names)
    container.backups.get('a?b').delete()
    container.backups.get('a%20b').delete()
    assert sorted(each.name for each in container.backups) == [
        'a', 'a b', 'a#b']


def test_refused_backups(container, sent):
    container.backups.create('b1')
    with pytest.raises(exceptions.LXDAPIException) as caught:
        container.backups.create('b1')
    assert 'already exists' in str(caught.value)
    for arguments in ({'name': 'a/b'}, {'compression_algorithm': 'nosuch'},
                      {'expires_at': 'never'}):
        with pytest.raises(exceptions.LXDAPIException):
            container.backups.create(**arguments)
    del sent[:]
    for name in '..', '', 'a\nb':
        with pytest.raises(exceptions.InvalidName):
            container.backups.create(name)
    assert sent == []
    assert [each.name for each in container.backups.all()] == ['b1']


def test_create_from_backup(lxd_client, container, name, backup_bytes, tmpdir):
    path = tmpdir.join('backup')
    path.write_binary(backup_bytes)
    with path.open('rb') as opened:
        for number, file in enumerate([
                str(path), opened, io.BytesIO(backup_bytes),
                MinimalReader(backup_bytes)]):
            created = lxd_client.containers.create_from_backup(
                file, name + str(number))
            assert created.name == name + str(number)
            assert refetch(created).architecture == container.architecture
    container.delete(wait=True)
    restored = lxd_client.instances.create_from_backup(
        str(path), pool='default')
    assert restored.name == name
    assert lxd_client.containers.exists(name)


def test_create_from_backup_without_wait(lxd_client, name, backup_bytes):
    created = lxd_client.containers.create_from_backup(
        io.BytesIO(backup_bytes), name + '2', wait=False)
    assert created.operation.class_ == 'task'
    assert created.config['volatile.uuid']


def test_refused_files_of_backups(lxd_client, container, name, backup_bytes):
    before = lxd_client.instances.all()
    create = lxd_client.containers.create_from_backup
    for data, arguments, reason in (
            (backup_bytes, {}, 'already exists'),
            (backup_bytes, {'name': name + '2', 'pool': 'no-such-pool'},
             'not found'),
            (b'junk', {'name': name + '2'}, 'ompression'),
            (backup_bytes, {'name': 'a/b'}, '')):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            create(io.BytesIO(data), **arguments)
        assert reason in str(caught.value)
    for file in None, 5, io.StringIO(u'text'):
        with pytest.raises(TypeError):
            create(file)
    with pytest.raises(IOError):
        create('/no/such/file')
    with pytest.raises(exceptions.InvalidName):
        create(io.BytesIO(backup_bytes), '..')
    assert lxd_client.instances.all() == before
