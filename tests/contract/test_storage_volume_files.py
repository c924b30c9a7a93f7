"""The files in storage volumes."""
import os

import pytest

from helpers import read_tree
from pylxd import exceptions

from .storage import new_pool

pytestmark = [pytest.mark.real_server, pytest.mark.needs('storage')]
on_files = pytest.mark.needs('file_storage_volume')


@pytest.fixture
def pool(lxd_client):
    with new_pool(lxd_client) as pool:
        yield pool


@pytest.fixture
def volume(pool):
    volume = pool.volumes.create('v1')
    yield volume
    volume.delete()


@pytest.fixture
def files(volume):
    return volume.files


def describe(status):
    return status.type, status.mode, status.uid, status.gid, status.size


@on_files
def test_put_get_append(volume, files, tmpdir):
    assert files.put('/a', b'123', mode=0o640, uid=7, gid=8) is True
    files.append('/a', u'\xe4')
    assert files.get('/a') == b'123\xc3\xa4' == files.get('a')
    with open(str(tmpdir.join('a')), 'w+b') as file:
        assert files.get('/a', file) is file and file.tell() == 5
    assert describe(files.stat('/a')) == ('file', 0o640, 7, 8, 5)
    assert files.exists('/a') and not files.exists('/b')
    assert repr(files) == '<StorageVolumeFiles of {!r}>'.format(volume)


@on_files
def test_symlink(files):
    files.mk_dir('/d', mode=0o711, uid=7)
    files.put('/a', b'1')
    for name, target in ('/d/up', '../a'), ('/d/absolute', '/a'):
        files.symlink(name, target)
        assert files.get(name) == b'1'
        assert files.stat(name).type == 'symlink'
    files.symlink('/out', '/etc/passwd')  # of the volume, not of the server
    with pytest.raises(exceptions.NotFound):
        files.get('/out')
    assert describe(files.stat('/d')) == ('directory', 0o711, 7, 0, None)


@on_files
def test_mk_dir_listdir_delete(files):
    assert files.listdir('/') == [] and files.delete_available()
    files.mk_dir('/d/e', parents=True)
    files.put('/d/e/f', b'')
    files.symlink('/l', '/d')
    assert sorted(files.listdir('/')) == ['d', 'l']
    with pytest.raises(exceptions.LXDAPIException) as caught:
        files.delete('/d')
    assert 'directory not empty' in str(caught.value)
    files.delete('/l', recursive=True)
    assert files.listdir('/d/e') == ['f']
    files.delete('/d/e/f')
    files.delete('/d', recursive=True)
    assert files.listdir('/') == []
    with pytest.raises(ValueError):
        files.delete('/', recursive=True)


@on_files
def test_recursive_put_and_get(files, tmpdir):
    source, copy = tmpdir.mkdir('source'), str(tmpdir.join('copy'))
    source.join('f').write('1')
    source.mkdir('d').join('g').write('2')
    os.symlink('../f', str(source.join('d', 'l')))
    files.recursive_put(str(source), '/tree')
    files.recursive_get('/tree', copy)
    assert read_tree(copy) == read_tree(str(source))


@on_files
def test_files_that_an_instance_has_too(volume, files, bootable):
    bootable.devices['data'] = {
        'type': 'disk', 'pool': volume.pool,
        'source': volume.name, 'path': '/mnt'}
    bootable.save(wait=True)
    bootable.start(wait=True)
    files.put('/a', b'1')
    assert bootable.files.get('/mnt/a') == b'1'


@on_files
@pytest.mark.parametrize('call', [
    lambda files: files.get('/no/file'), lambda files: files.stat('/no/file'),
    lambda files: files.put('/no/file', b''),
    lambda files: files.append('/no/file', b''),
    lambda files: files.delete('/no/file'),
    lambda files: files.mk_dir('/no/file'),
    lambda files: files.listdir('/no/file')])
def test_errors_name_the_path_and_the_volume(files, call):
    with pytest.raises(exceptions.NotFound) as caught:
        call(files)
    assert str(caught.value).startswith('/no/file in v1: ')
    assert files.listdir('/') == []


@on_files
def test_a_volume_that_is_gone(pool):
    volume = pool.volumes.create('v2')
    volume.delete()
    for call in (lambda: volume.files.get('/a'),
                 lambda: volume.files.put('/a', b'')):
        with pytest.raises(exceptions.NotFound) as caught:
            call()
        assert str(caught.value).startswith(
            '/a in v2: Storage pool volume not found')
        assert 'mk_dir' not in str(caught.value)


@pytest.mark.needs('custom_volume_sftp')
def test_sftp(files):
    connected = files.sftp()
    connected.settimeout(20)
    connected.sendall(b'\0\0\0\5\1\0\0\0\3')  # SSH_FXP_INIT, version 3
    assert connected.recv(9)[4:] == b'\2\0\0\0\3'
    connected.close()


def test_servers_without_files_of_volumes(volume, lxd_client, sent):
    if lxd_client.has_api_extension('file_storage_volume'):
        pytest.skip('this server has files of volumes')
    files = lxd_client.storage_pools.get(volume.pool).volumes.get(
        'custom', 'v1').files
    del sent[:]
    assert not files.delete_available()
    for call in (lambda: files.get('/a'), lambda: files.put('/a', b''),
                 lambda: files.stat('/'), lambda: files.listdir('/'),
                 lambda: files.mk_dir('/a'),
                 lambda: files.delete('/a', recursive=True)):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            call()
        assert caught.value.name == 'file_storage_volume'
    assert sent == []
