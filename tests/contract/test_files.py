# -*- coding: utf-8 -*-
"""Files in containers: each byte, mode and link as it is."""
import errno
import io
import os
import stat

import pytest

from pylxd import exceptions
from pylxd.container import Container
from helpers import BUSYBOX, read_bytes

LIKE_ANSWERS = [
    b'{}', b'[]', b'null', b'"text"',
    b'{"type": "error", "error": "no", "error_code": 500}',
    b'{"type": "sync", "status_code": 200, "metadata": ["a"]}',
    b'{"type": "async", "operation": "/1.0/operations/1"}']


@pytest.fixture(scope='module')
def stopped(lxd, running):
    """A stopped one with a system in it."""
    with lxd.client() as client:
        container = client.containers.create(
            {'name': running.name + '-s', 'source': BUSYBOX}, wait=True)
        yield container
        container.delete(wait=True)


@pytest.fixture(params=['running', 'stopped'])
def files(request):
    """The files of a container that runs, and of one that does not."""
    return request.getfixturevalue(request.param).files


@pytest.fixture
def place(running, name):
    """A new directory in the running container."""
    running.files.mk_dir('/' + name)
    return '/' + name


def stat_of(container, path):
    """Kind, mode, owner and group."""
    response = container.api.files.get(params={'path': path}, stream=True)
    response.close()
    return tuple(container.client.dialect.header_of(response, each)
                 for each in ('type', 'mode', 'uid', 'gid'))


@pytest.mark.documents('Container.files.get', 'Container.files.put')
@pytest.mark.parametrize('data', [
    b'', b'text\n', b'\r\n\0\xff\xfe', bytes(bytearray(range(256))) * 4096,
] + LIKE_ANSWERS, ids=lambda data: repr(data[:12]))
def test_get_what_was_put(files, name, data):
    assert files.put('/' + name, data) is True
    assert files.get('/' + name) == data


def test_put_text_a_file_or_pieces(running, place):
    files = running.files
    for data in (u'ä\n', u'ä\n'.encode('utf-8'), io.BytesIO(u'ä\n'.encode(
            'utf-8')), iter([u'ä'.encode('utf-8'), b'\n'])):
        files.put(place + '/a', data)
        assert files.get(place + '/a') == u'ä\n'.encode('utf-8')


def test_put_replaces(running, place):
    running.files.put(place + '/a', b'long and more')
    running.files.put(place + '/a', b'short')
    assert running.files.get(place + '/a') == b'short'


def test_put_what_is_no_data(running, place):
    for data in 3, None, {'a': 1}:
        with pytest.raises(TypeError):
            running.files.put(place + '/a', data)
    assert running.files.listdir(place) == []


def test_get_into_a_file(running, place):
    running.files.put(place + '/a', b'\0data')
    target = io.BytesIO()
    assert running.files.get(place + '/a', target) is target
    assert target.getvalue() == b'\0data'


def test_mode_and_owner(running, place):
    running.files.put(place + '/a', b'', mode='0640', uid=1001, gid=1002)
    assert stat_of(running, place + '/a') == ('file', '0640', '1001', '1002')
    running.files.put(place + '/b', b'', mode=0o4755)
    assert stat_of(running, place + '/b')[1][-3:] == '755'
    running.files.mk_dir(place + '/d', mode=0o700, uid=1001, gid=1002)
    assert stat_of(running, place + '/d') == (
        'directory', '0700', '1001', '1002')


@pytest.mark.parametrize('mode', ['0888', 'rwx', -1, 0o10000, True, 0.5, b''])
def test_a_bad_mode(running, place, mode):
    with pytest.raises(ValueError):
        running.files.put(place + '/a', b'', mode=mode)
    assert running.files.listdir(place) == []


@pytest.mark.parametrize('called', [
    u'a b', u'ä€', u'%2e%2e', u'a?b#c&d=e', u'+', u'a\\b', u'~', u'a\nb'])
def test_names(running, place, called):
    path = u'{}/{}'.format(place, called)
    running.files.put(path, b'it')
    assert running.files.get(path) == b'it'
    assert [each if isinstance(each, type(u'')) else each.decode('utf-8')
            for each in running.files.listdir(place)] == [called]
    running.files.delete(path)
    assert running.files.listdir(place) == []


def test_what_is_not_there(files, name):
    path = '/' + name
    for ask in (files.get, files.delete, files.listdir):
        with pytest.raises(exceptions.NotFound):
            ask(path)
    with pytest.raises(exceptions.NotFound):
        files.recursive_get(path, path)
    assert not os.path.exists(path)
    with pytest.raises(exceptions.LXDAPIException):
        files.put(path + '/a', b'')


def test_a_path_that_is_none(running, sent, lxd_client):
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


def test_delete(files, name):
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


def test_directories(running, place):
    files = running.files
    assert files.listdir(place) == []
    files.mk_dir(place + '/d')
    files.put(place + '/b', b'')
    files.put(place + '/a', b'')
    assert sorted(files.listdir(place)) == ['a', 'b', 'd']
    files.mk_dir(place + '/d')
    assert sorted(files.listdir(place)) == ['a', 'b', 'd']
    with pytest.raises(exceptions.LXDAPIException) as caught:
        files.get(place)
    assert 'Is a directory' in str(caught.value)
    with pytest.raises(EnvironmentError) as caught:
        files.listdir(place + '/a')
    assert caught.value.errno == errno.ENOTDIR


def test_links_are_followed(running):
    """/sbin/init is a link in the image."""
    assert running.files.get('/sbin/init') == running.files.get('/bin/busybox')


@pytest.mark.documents('Container.FilesManager')
def test_files_manager(lxd_client, running):
    manager = Container.FilesManager(lxd_client, running)
    assert manager.get('/etc/passwd') == running.files.get('/etc/passwd')
    assert type(running.files) is Container.FilesManager


def test_files_manager_of_others(lxd_client, running, monkeypatch):
    """Programs replace its methods, and read what it was made of."""
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


def listed(top):
    """Each path below: kind and mode, and content or target."""
    found = {}
    for directory, names, files in os.walk(top):
        for name in names + files:
            path = os.path.join(directory, name)
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                what = 'link', os.readlink(path)
            elif stat.S_ISDIR(status.st_mode):
                what = 'directory', stat.S_IMODE(status.st_mode)
            else:
                what = read_bytes(path), stat.S_IMODE(status.st_mode)
            found[os.path.relpath(path, top)] = what
    return found


def test_a_tree_there_and_back(running, place, tree, tmpdir):
    running.files.recursive_put(tree, place + '/tree')
    assert sorted(running.files.listdir(place + '/tree')) == sorted(
        os.listdir(tree))
    assert stat_of(running, place + '/tree/run')[:2] == ('file', '0750')
    assert stat_of(running, place + '/tree/dangling')[0] == 'symlink'
    back = str(tmpdir.join('back'))
    running.files.recursive_get(place + '/tree', back)
    assert listed(back) == listed(tree) and len(listed(back)) == 10


def test_a_tree_with_mode_and_owner(running, place, tree):
    running.files.recursive_put(tree, place, mode='0600', uid=1001, gid=1002)
    assert stat_of(running, place + '/run') == (
        'file', '0600', '1001', '1002')
    assert stat_of(running, place + '/empty') == (
        'directory', '0711', '1001', '1002')


def test_a_tree_that_is_a_file(running, place, tree, tmpdir):
    with pytest.raises(EnvironmentError) as caught:
        running.files.recursive_put(os.path.join(tree, 'file'), place)
    assert caught.value.errno == errno.ENOTDIR
    running.files.put(place + '/a', b'it', mode=0o640)
    running.files.recursive_get(place + '/a', str(tmpdir.join('a')))
    assert listed(str(tmpdir))['a'] == (b'it', 0o640)


@pytest.mark.trap('hostile-tree')
def test_nothing_is_written_through_a_link(running, place, tmpdir):
    """A container has a link first, then a directory and a file there."""
    outside = tmpdir.mkdir('outside')
    outside.join('file').write('safe')
    target = tmpdir.mkdir('target')
    os.symlink(str(outside), str(target.join('d')))
    os.symlink(str(outside.join('file')), str(target.join('f')))
    running.files.mk_dir(place + '/d')
    running.files.put(place + '/d/file', b'evil')
    running.files.put(place + '/f', b'evil')
    running.files.recursive_get(place, str(target))
    assert outside.join('file').read() == 'safe'
    assert outside.listdir() == [outside.join('file')]
    assert target.join('d', 'file').read() == 'evil'
    assert target.join('f').read() == 'evil'
