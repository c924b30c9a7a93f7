# -*- coding: utf-8 -*-
"""Single entries of the file trees of instances."""
import io

import pytest

from pylxd import exceptions

pytestmark = pytest.mark.real_server


@pytest.fixture(params=['running', 'bootable'])
def files(request, name):
    """The files of a running container, then those of a stopped one."""
    return request.getfixturevalue(request.param).files


@pytest.fixture
def directory(files, name):
    files.mk_dir('/' + name)
    yield '/' + name
    if files.exists('/' + name):
        files.delete('/' + name, recursive=True)


def describe(status):
    return status.type, status.mode, status.uid, status.gid, status.size


def test_stat(files, directory):
    files.put(directory + '/f', b'12345', mode=0o640, uid=7, gid=8)
    files.put(directory + '/empty', b'')
    files.mk_dir(directory + '/d', mode=0o711)
    files.symlink(directory + '/l', '/etc/passwd')
    files.symlink(directory + '/broken', 'nowhere')
    assert describe(files.stat(directory + '/f')) == (
        'file', 0o640, 7, 8, 5)
    assert repr(files.stat(directory + '/f')) == (
        '<FileStatus file: 0640, 7:8, 5 bytes>')
    assert files.stat(directory + '/empty').size == 0
    assert describe(files.stat(directory + '/d')) == (
        'directory', 0o711, 0, 0, None)
    for link in 'l', 'broken':
        assert describe(files.stat(directory + '/' + link)) == (
            'symlink', 0o777, 0, 0, None)
    with pytest.raises(exceptions.NotFound):
        files.stat('/nowhere')
    for call in files.stat, files.exists:
        with pytest.raises(exceptions.LXDAPIException) as caught:
            call(directory + '/f/x')
        assert 'not a directory' in str(caught.value)
        with pytest.raises(exceptions.InvalidName):
            call('')


def test_stat_of_a_large_file_reads_little(running, name):
    running.execute(['dd', 'if=/dev/zero', 'of=/' + name, 'bs=1M',
                     'count=64'])
    for _ in range(50):
        assert running.files.stat('/' + name).size == 64 * 1024 ** 2
    running.files.delete('/' + name)


def test_exists(files, directory):
    assert files.exists(directory) and files.exists('/')
    assert not files.exists(directory + '/f')
    files.symlink(directory + u'/\xe4', 'nowhere')
    assert files.exists(directory + u'/\xe4')


def test_append(files, directory):
    path = directory + '/f'
    with pytest.raises(exceptions.NotFound):
        files.append(path, b'x')
    files.put(path, b'a', mode=0o600)
    files.append(path, u'\xe4')
    files.append(path, io.BytesIO(b'c'))
    files.append(path, [b'd', b'e'])
    files.append(path, b'')
    assert files.get(path) == u'a\xe4cde'.encode('utf-8')
    assert files.stat(path).mode == 0o600
    with pytest.raises(TypeError):
        files.append(path, 5)


def test_symlink(files, directory):
    files.put(directory + '/f', b'x')
    files.symlink(directory + '/l', 'f', uid=7, gid=8)
    assert files.get(directory + '/l') == b'x'
    for existing in 'f', 'l':
        with pytest.raises(exceptions.LXDAPIException):
            files.symlink(directory + '/' + existing, '/elsewhere')
    assert files.get(directory + '/l') == b'x'
    with pytest.raises(exceptions.InvalidName):
        files.symlink(directory + '/m', '')


def test_delete_of_a_tree(files, directory):
    outside = directory + '/outside'
    for path in '/outside', '/top', '/top/d', '/top/d/e':
        files.mk_dir(directory + path)
    files.put(outside + '/kept', b'x')
    files.put(directory + u'/top/d/\xe4 #?%', b'x')
    files.put(directory + '/top/d/e/f', b'x')
    files.symlink(directory + '/top/link', outside)
    files.symlink(directory + '/top/d/broken', 'nowhere')
    with pytest.raises(exceptions.LXDAPIException):
        files.delete(directory + '/top')
    files.delete(directory + '/top', recursive=True)
    assert files.listdir(directory) == ['outside']
    assert files.get(outside + '/kept') == b'x'
    files.symlink(directory + '/link', outside)
    files.delete(directory + '/link', recursive=True)
    assert files.listdir(outside) == ['kept']
    with pytest.raises(exceptions.NotFound):
        files.delete(directory + '/top', recursive=True)
    files.delete(outside + '/kept', recursive=True)


def test_the_root_is_not_deleted(running, sent):
    for path in '/', '//', '/.', '/etc/..', '.', '..', '/../':
        with pytest.raises(ValueError):
            running.files.delete(path, recursive=True)
    assert sent == []


def test_a_tree_that_cannot_be_deleted(running):
    with pytest.raises(exceptions.LXDAPIException):
        running.files.delete('/proc/self', recursive=True)
