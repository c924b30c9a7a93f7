# -*- coding: utf-8 -*-
"""Files in containers: contents, modes, owners, links and trees."""
import errno
import io
import os

import pytest

from pylxd import exceptions
from pylxd.container import Container
from helpers import BUSYBOX, read_tree

#: Contents that look like responses of the API.
LIKE_ANSWERS = [
    b'{}', b'[]', b'null', b'"text"',
    b'{"type": "error", "error": "no", "error_code": 500}',
    b'{"type": "sync", "status_code": 200, "metadata": ["a"]}',
    b'{"type": "async", "operation": "/1.0/operations/1"}']


@pytest.fixture(scope='module')
def stopped_container(lxd, running):
    """A stopped container with a small system, for the tests of a module."""
    with lxd.client() as client:
        container = client.containers.create(
            {'name': running.name + '-s', 'source': BUSYBOX}, wait=True)
        yield container
        container.delete(wait=True)


@pytest.fixture(params=['running', 'stopped_container'])
def files(request):
    """The files of a running container, then those of a stopped one."""
    return request.getfixturevalue(request.param).files


@pytest.fixture
def directory(running, name):
    """A new directory in the running container."""
    running.files.mk_dir('/' + name)
    return '/' + name


def read_status(container, path):
    """Return type, mode, uid and gid, as text."""
    response = container.api.files.get(params={'path': path}, stream=True)
    response.close()
    return tuple(container.client.dialect.header_of(response, each)
                 for each in ('type', 'mode', 'uid', 'gid'))


@pytest.mark.documents('Container.files.get', 'Container.files.put')
@pytest.mark.parametrize('data', [
    b'', b'text\n', b'\r\n\0\xff\xfe', bytes(bytearray(range(256))) * 4096,
] + LIKE_ANSWERS, ids=lambda data: repr(data[:12]))
def test_get_returns_what_was_put(files, name, data):
    assert files.put('/' + name, data) is True
    assert files.get('/' + name) == data


def test_put_text_bytes_a_file_or_pieces(running, directory):
    files = running.files
    for data in (u'ä\n', u'ä\n'.encode('utf-8'), io.BytesIO(u'ä\n'.encode(
            'utf-8')), iter([u'ä'.encode('utf-8'), b'\n'])):
        files.put(directory + '/a', data)
        assert files.get(directory + '/a') == u'ä\n'.encode('utf-8')


def test_put_replaces(running, directory):
    running.files.put(directory + '/a', b'long and more')
    running.files.put(directory + '/a', b'short')
    assert running.files.get(directory + '/a') == b'short'


def test_put_of_a_wrong_type(running, directory):
    for data in 3, None, {'a': 1}:
        with pytest.raises(TypeError):
            running.files.put(directory + '/a', data)
    assert running.files.listdir(directory) == []


def test_get_into_a_file(running, directory):
    running.files.put(directory + '/a', b'\0data')
    target = io.BytesIO()
    assert running.files.get(directory + '/a', target) is target
    assert target.getvalue() == b'\0data'


def test_mode_and_owner(running, directory):
    running.files.put(directory + '/a', b'', mode='0640', uid=1001, gid=1002)
    assert read_status(running, directory + '/a') == (
        'file', '0640', '1001', '1002')
    running.files.put(directory + '/b', b'', mode=0o4755)
    assert read_status(running, directory + '/b')[1][-3:] == '755'
    running.files.mk_dir(directory + '/d', mode=0o700, uid=1001, gid=1002)
    assert read_status(running, directory + '/d') == (
        'directory', '0700', '1001', '1002')


@pytest.mark.parametrize('mode', ['0888', 'rwx', -1, 0o10000, True, 0.5, b''])
def test_a_bad_mode_is_refused(running, directory, mode):
    with pytest.raises(ValueError):
        running.files.put(directory + '/a', b'', mode=mode)
    assert running.files.listdir(directory) == []


@pytest.mark.parametrize('file_name', [
    u'a b', u'ä€', u'%2e%2e', u'a?b#c&d=e', u'+', u'a\\b', u'~', u'a\nb'])
def test_odd_file_names(running, directory, file_name):
    path = u'{}/{}'.format(directory, file_name)
    running.files.put(path, b'it')
    assert running.files.get(path) == b'it'
    assert [each if isinstance(each, type(u'')) else each.decode('utf-8')
            for each in running.files.listdir(directory)] == [file_name]
    running.files.delete(path)
    assert running.files.listdir(directory) == []


def test_a_missing_path_raises_not_found(files, name):
    path = '/' + name
    for ask in (files.get, files.delete, files.listdir):
        with pytest.raises(exceptions.NotFound):
            ask(path)
    with pytest.raises(exceptions.NotFound):
        files.recursive_get(path, path)
    assert not os.path.exists(path)
    with pytest.raises(exceptions.LXDAPIException):
        files.put(path + '/a', b'')


def test_a_missing_directory_is_named(files, name, tree):
    path = '/{0}/a/b'.format(name)
    owner = files._container.name
    for call, hint in (
            (lambda: files.put(path, b''),
             'mk_dir({!r}, parents=True)'.format('/{}/a'.format(name))),
            (lambda: files.mk_dir(path), 'parents=True'),
            (lambda: files.recursive_put(tree, path), 'parents=True')):
        with pytest.raises(exceptions.NotFound) as caught:
            call()
        assert str(caught.value).startswith('{} in {}: '.format(path, owner))
        assert hint in str(caught.value)
    files.mk_dir('/{}/a'.format(name), parents=True)
    files.put(path, b'it')
    assert files.get(path) == b'it'


def test_errors_name_the_path_and_the_container(files, name):
    path = '/' + name
    owner = files._container.name
    for call in (files.get, files.listdir, files.delete,
                 lambda path: files.recursive_get(path, path)):
        with pytest.raises(exceptions.NotFound) as caught:
            call(path)
        assert str(caught.value).startswith('{} in {}: '.format(path, owner))
        assert 'parents' not in str(caught.value)
    for call in files.get, lambda path: files.put(path, b''):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            call('/root')
        assert str(caught.value).startswith('/root in {}: '.format(owner))


def test_parents(running, name, tree):
    files = running.files
    files.mk_dir('/' + name, mode=0o700)
    files.mk_dir('/{}/a/b/'.format(name), 0o750, 1000, 1001, parents=True)
    assert read_status(running, '/' + name) == ('directory', '0700', '0', '0')
    kind, _, uid, gid = read_status(running, '/{}/a'.format(name))
    assert (kind, uid, gid) == ('directory', '1000', '1001')
    assert read_status(running, '/{}/a/b'.format(name)) == (
        'directory', '0750', '1000', '1001')
    files.mk_dir('/{}/a/b'.format(name), parents=True)
    files.recursive_put(tree, '/{}/c/d'.format(name), parents=True)
    assert sorted(files.listdir('/{}/c/d'.format(name))) == sorted(
        os.listdir(tree))


def test_invalid_paths_are_not_sent(running, sent, lxd_client):
    files = lxd_client.containers.get(running.name).files
    del sent[:]
    for path, error in ((b'', ValueError), ('', ValueError),
                        ('/a\0b', ValueError), (None, TypeError),
                        (3, TypeError)):
        for ask in (files.get, files.delete, files.listdir, files.mk_dir,
                    lambda path: files.put(path, b''),
                    lambda path: files.recursive_get(path, '/nowhere')):
            with pytest.raises(error):
                ask(path)
    assert sent == []


def test_delete_of_files_and_empty_directories(files, name):
    path = '/' + name
    files.put(path, b'')
    files.delete(path)
    with pytest.raises(exceptions.NotFound):
        files.get(path)
    files.mk_dir(path)
    files.put(path + '/a', b'')
    with pytest.raises(exceptions.LXDAPIException):
        files.delete(path)
    files.delete(path + '/a')
    files.delete(path)
    assert name not in files.listdir('/')
    assert files.delete_available() is True


def test_listdir_and_mk_dir(running, directory):
    files = running.files
    assert files.listdir(directory) == []
    files.mk_dir(directory + '/d')
    files.put(directory + '/b', b'')
    files.put(directory + '/a', b'')
    assert sorted(files.listdir(directory)) == ['a', 'b', 'd']
    files.mk_dir(directory + '/d')
    assert sorted(files.listdir(directory)) == ['a', 'b', 'd']
    with pytest.raises(exceptions.LXDAPIException) as caught:
        files.get(directory)
    assert 'Is a directory' in str(caught.value)
    with pytest.raises(EnvironmentError) as caught:
        files.listdir(directory + '/a')
    assert caught.value.errno == errno.ENOTDIR


def test_links_are_followed(running):
    """In the image, /sbin/init is a link."""
    assert running.files.get('/sbin/init') == running.files.get('/bin/busybox')


@pytest.mark.documents('Container.FilesManager')
def test_files_manager(lxd_client, running):
    manager = Container.FilesManager(lxd_client, running)
    assert manager.get('/etc/passwd') == running.files.get('/etc/passwd')
    assert type(running.files) is Container.FilesManager


def test_methods_of_the_files_manager_can_be_replaced(
        lxd_client, running, monkeypatch):
    """Programs replace its methods, and read its client and container."""
    def put(self, filepath, data):
        return self._client, self._container, filepath, data

    monkeypatch.setattr(Container.FilesManager, 'put', put, raising=True)
    container = lxd_client.containers.get(running.name)
    assert container.files.put('/a', b'b') == (
        lxd_client, container, '/a', b'b')


# Trees

@pytest.fixture
def tree(tmpdir):
    """A local tree with modes and links."""
    top = tmpdir.mkdir('tree')
    top.join('file').write_binary(b'\0\xff')
    top.join('run').write_binary(b'#!/bin/sh\n')
    top.join('run').chmod(0o750)
    top.join('json').write_binary(LIKE_ANSWERS[5])
    top.mkdir('empty').chmod(0o711)
    top.mkdir('deep').mkdir('er').join(u'\xe4 b').write_binary(b'')
    os.symlink('../run', str(top.join('deep', 'link')))
    os.symlink('/nowhere', str(top.join('dangling')))
    os.symlink('deep', str(top.join('to-directory')))
    return str(top)


def test_recursive_put_and_get(running, directory, tree, tmpdir):
    running.files.recursive_put(tree, directory + '/tree')
    assert sorted(running.files.listdir(directory + '/tree')) == sorted(
        os.listdir(tree))
    assert read_status(running, directory + '/tree/run')[:2] == (
        'file', '0750')
    assert read_status(running, directory + '/tree/dangling')[0] == 'symlink'
    back = str(tmpdir.join('back'))
    running.files.recursive_get(directory + '/tree', back)
    assert read_tree(back) == read_tree(tree) and len(read_tree(back)) == 10


def test_recursive_put_with_mode_and_owner(running, directory, tree):
    running.files.recursive_put(
        tree, directory, mode='0600', uid=1001, gid=1002)
    assert read_status(running, directory + '/run') == (
        'file', '0600', '1001', '1002')
    assert read_status(running, directory + '/empty') == (
        'directory', '0711', '1001', '1002')


def test_recursive_calls_of_a_file(running, directory, tree, tmpdir):
    with pytest.raises(EnvironmentError) as caught:
        running.files.recursive_put(os.path.join(tree, 'file'), directory)
    assert caught.value.errno == errno.ENOTDIR
    running.files.put(directory + '/a', b'it', mode=0o640)
    running.files.recursive_get(directory + '/a', str(tmpdir.join('a')))
    assert read_tree(str(tmpdir))['a'] == (0o640, b'it')


@pytest.mark.trap('hostile-tree')
def test_nothing_is_written_through_a_link(running, directory, tmpdir):
    """The local target has links where the container has other things."""
    outside = tmpdir.mkdir('outside')
    outside.join('file').write('safe')
    target = tmpdir.mkdir('target')
    os.symlink(str(outside), str(target.join('d')))
    os.symlink(str(outside.join('file')), str(target.join('f')))
    running.files.mk_dir(directory + '/d')
    running.files.put(directory + '/d/file', b'evil')
    running.files.put(directory + '/f', b'evil')
    running.files.recursive_get(directory, str(target))
    assert outside.join('file').read() == 'safe'
    assert outside.listdir() == [outside.join('file')]
    assert target.join('d', 'file').read() == 'evil'
    assert target.join('f').read() == 'evil'
