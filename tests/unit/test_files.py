# -*- coding: utf-8 -*-
import io
import os
import stat

import pytest
import six
from six.moves.urllib import parse

from pylxd import Client, exceptions
from pylxd.container import Container
from pylxd.models import instance_files
from wire import ROOT, Server, error, http, lxd_api, reply

FILES = '/1.0/instances/c1/files'


class Tree(object):
    """The files of an instance, which may be hostile.

    By path: bytes, a list of names, ``('symlink', target)``, or a whole
    answer, ``('raw', answer)``; a second item beside bytes or list is the
    mode. What is put is kept.
    """

    def __init__(self, prefix='X-LXD-', **answers):
        self.nodes, self.put, self._prefix = {}, [], prefix
        self.get = lambda request: self._get(self._path(request))
        self.root = dict(ROOT, environment={
            'server': 'incus' if 'Incus' in prefix else 'lxd'})
        self.server = Server(lxd_api({
            'GET ' + FILES: self.get, 'POST ' + FILES: self._post,
            'DELETE ' + FILES: self._post}, self.root))
        self.files = Container(
            Client(self.server.endpoint), name='c1').files

    @staticmethod
    def _path(request):
        return parse.parse_qs(request.target.partition('?')[2])['path'][0]

    def _get(self, path):
        node = self.nodes.get(path)
        if node is None:
            return error(404, 'Not Found')
        node, mode = node if isinstance(node, tuple) else (node, '0755')
        if node == 'raw':
            return mode
        headers = {self._prefix + 'mode': mode}
        if isinstance(node, list):
            headers[self._prefix + 'type'] = 'directory'
            return reply({'type': 'sync', 'metadata': node}, **headers)
        if node == 'symlink':
            node, headers = mode, {self._prefix + 'type': 'symlink'}
        else:
            headers[self._prefix + 'type'] = 'file'
        return http(node, Content_Type='application/octet-stream', **headers)

    def _post(self, request):
        self.put.append((request.method, self._path(request), {
            name[len(self._prefix):]: value
            for name, value in request.headers.items()
            if name.startswith(self._prefix.lower())}, request.body))
        return {}


@pytest.fixture
def tree(request):
    made = Tree(getattr(request, 'param', 'X-LXD-'))
    yield made
    made.server.close()


each_tree = pytest.mark.parametrize(
    'tree', ['X-LXD-', 'X-Incus-'], indirect=True)


@pytest.fixture
def places(tmpdir):
    """Where the tree goes, and what must not be touched."""
    outside = tmpdir.mkdir('outside')
    outside.join('kept').write('as it was')
    yield str(tmpdir.join('inside')), outside
    assert [each.basename for each in outside.listdir()] == ['kept']
    assert outside.join('kept').read() == 'as it was'
    assert sorted(each.basename for each in tmpdir.listdir()) in (
        ['inside', 'outside'], ['outside'])


def found(top):
    """What is under a directory: path, and mode and content."""
    result = {}
    for place, directories, names in os.walk(top):
        for name in directories + names:
            path = os.path.join(place, name)
            status = os.lstat(path)
            result[os.path.relpath(path, top)] = (
                os.readlink(path) if stat.S_ISLNK(status.st_mode) else
                (stat.S_IMODE(status.st_mode), None
                 if stat.S_ISDIR(status.st_mode)
                 else io.open(path, 'rb').read()))
    return result


# -- reading

@pytest.mark.parametrize('content', [
    b'', b'\0\xff', b'{}', b'{"type": "error", "error": "x"}',
    b'{"type": "sync", "metadata": ["a"]}'])
def test_get(tree, content):
    tree.nodes['/f'] = content
    assert tree.files.get('/f') == content
    target = io.BytesIO()
    assert tree.files.get('/f', target) is target
    assert target.getvalue() == content


def test_get_follows_links(tree):
    tree.nodes.update({
        '/a': ('symlink', b'/b/c\n'), '/b/c': ('symlink', b'../f'),
        '/b/../f': b'it', '/loop': ('symlink', b'/loop')})
    assert tree.files.get('/a') == b'it'
    with pytest.raises(exceptions.LXDAPIException) as caught:
        tree.files.get('/loop')
    assert 'Too many levels of symbolic links' in str(caught.value)


@each_tree
def test_get_of_what_is_no_file(tree):
    tree.nodes['/d'] = ['a']
    with pytest.raises(exceptions.LXDAPIException) as caught:
        tree.files.get('/d')
    assert 'Is a directory' in str(caught.value)
    with pytest.raises(exceptions.NotFound):
        tree.files.get('/none')


@each_tree
def test_listdir(tree):
    tree.nodes.update({'/d': [u'\xe4', 'b'], '/f': b'["a"]', '/e': []})
    assert tree.files.listdir('/d') == [six.ensure_str(u'\xe4'), 'b']
    assert tree.files.listdir('/e') == []
    with pytest.raises(OSError) as caught:
        tree.files.listdir('/f')
    assert caught.value.filename == '/f'


# -- trees

@each_tree
def test_recursive_get(tree, places):
    inside, _ = places
    tree.nodes.update({
        '/t': ['d', 'f', 'f.part', 'l', 'out'],
        '/t/d': (['deep'], '0700'), '/t/d/deep': [u'\xe4'.encode()
                                                  .decode('utf-8')]
        if six.PY3 else [u'\xe4'],
        six.ensure_str(u'/t/d/deep/\xe4'): (b'it', '0600'),
        '/t/f': (b'\0\xff', '4755'), '/t/f.part': b'another',
        '/t/l': ('symlink', b'd/deep'), '/t/out': ('symlink', b'/etc/passwd')})
    tree.files.recursive_get('/t', inside)
    assert found(inside) == {
        'd': (0o700, None), 'd/deep': (0o755, None),
        six.ensure_str(u'd/deep/\xe4'): (0o600, b'it'),
        'f': (0o755, b'\0\xff'), 'f.part': (0o755, b'another'),
        'l': 'd/deep', 'out': '/etc/passwd'}


def test_recursive_get_again(tree, places):
    inside, _ = places
    tree.nodes.update({'/t': ['d', 'f'], '/t/d': ['g'], '/t/d/g': b'1',
                       '/t/f': b'1'})
    tree.files.recursive_get('/t', inside)
    tree.nodes.update({'/t/d/g': b'2', '/t/f': b'2'})
    with open(os.path.join(inside, 'f.part'), 'w') as mine:
        os.chmod(mine.name, 0o600)
    tree.files.recursive_get('/t', inside)
    assert found(inside) == {
        'd': (0o755, None), 'd/g': (0o755, b'2'), 'f': (0o755, b'2'),
        'f.part': (0o600, b'')}  # not ours, and as it was


@pytest.mark.trap('hostile-tree')
@pytest.mark.parametrize('names', [
    ['..'], ['.'], [''], ['../outside/kept'], ['a/../../outside/kept'],
    ['/etc'], ['a/b'], ['a\0b'], ['a', 'a'], ['f', '..'], [5], [None], [['a']],
    {}, 'ab', 5, {'..': 1}])
def test_names_that_would_lead_out(tree, places, names):
    inside, _ = places
    tree._get = lambda path: (
        reply({'type': 'sync', 'metadata': names},
              **{tree._prefix + 'type': 'directory'})
        if path == '/t' else http(b'evil', **{tree._prefix + 'type': 'file'}))
    with pytest.raises(exceptions.InvalidResponse):
        tree.files.recursive_get('/t', inside)
    with pytest.raises(exceptions.InvalidResponse):
        tree.files.listdir('/t')


@pytest.mark.parametrize('remote', [
    b'evil', ['kept'], ('symlink', b'../elsewhere')])
def test_links_that_are_in_the_way(tree, places, remote):
    """They were made before, by an earlier tree perhaps."""
    inside, outside = places
    os.mkdir(inside)
    for name in ('directory', 'kept', 'dangling'):
        target = outside if name == 'directory' else outside.join(name)
        os.symlink(str(target), os.path.join(inside, name))
    tree.nodes['/t'] = ['directory', 'kept', 'dangling']
    for name in tree.nodes['/t']:
        tree.nodes['/t/' + name] = remote
        tree.nodes['/t/{}/kept'.format(name)] = b'evil'
    tree.files.recursive_get('/t', inside)
    assert not [each for each in found(inside).values()
                if isinstance(each, str) and each.startswith('/')]


def test_a_link_as_the_target_itself(tree, places):
    inside, outside = places
    os.symlink(str(outside), inside)
    tree.nodes.update({'/t': ['kept'], '/t/kept': b'evil'})
    tree.files.recursive_get('/t', inside)
    assert found(inside) == {'kept': (0o755, b'evil')}


def test_a_link_and_a_tree_by_one_name(tree, places):
    """It is a link at the first look and a directory at the second."""
    inside, outside = places
    looks = [('symlink', str(outside).encode()), ['kept']]
    tree.nodes.update({'/t': ['a'], '/t/a/kept': b'evil'})
    get, tree._get = tree._get, lambda path: (
        tree.nodes.__setitem__(path, looks.pop(0))
        if path == '/t/a' and looks else None, get(path))[1]
    for _ in range(2):
        tree.files.recursive_get('/t', inside)
    assert found(inside)['a/kept'] == (0o755, b'evil')


def test_no_half_file(tree, places):
    inside, _ = places
    tree.nodes.update({'/t': ['f'], '/t/f': ('raw', lambda connection: (
        connection.sendall(http(b'half', Content_Length=99, **{
            tree._prefix + 'type': 'file',
            'Content_Type': 'application/octet-stream'}))))})
    with pytest.raises(exceptions.ClientConnectionFailed):
        tree.files.recursive_get('/t', inside)
    assert found(inside) == {}


@pytest.mark.parametrize('mode', ['rwx', '-1', '0x1', '9'])
def test_modes_that_are_none(tree, places, mode):
    inside, _ = places
    tree.nodes.update({'/t': ['f'], '/t/f': (b'', mode)})
    with pytest.raises(exceptions.InvalidResponse):
        tree.files.recursive_get('/t', inside)
    assert found(inside) == {}


def test_a_deep_tree(tree, places):
    """It ends where the names grow too long, not in the stack."""
    inside, _ = places
    tree._get = lambda path: reply(
        {'type': 'sync', 'metadata': ['d' * 50]},
        **{tree._prefix + 'type': 'directory'})
    with pytest.raises(OSError):
        tree.files.recursive_get('/t', inside)


def test_recursive_put(tree, tmpdir):
    top = tmpdir.mkdir('top')
    top.join('f').write_binary(b'\0\xff')
    top.join('f').chmod(0o640)
    top.mkdir('d').join(u'\xe4').write('x')
    top.join('d').chmod(0o711)
    top.join('l').mksymlinkto('/etc/passwd')
    top.join('dl').mksymlinkto('d')
    os.mkfifo(str(top.join('fifo')))
    tree.files.recursive_put(str(top), '/t', uid=7, gid=8)
    put = {path: (headers, body) for _, path, headers, body in tree.put}
    assert set(put) == {'/t', '/t/f', '/t/d', '/t/l', '/t/dl',
                        six.ensure_str(u'/t/d/\xe4')}
    assert put['/t/f'] == (
        {'type': 'file', 'mode': '0640', 'uid': '7', 'gid': '8'}, b'\0\xff')
    assert put['/t/d'][0]['mode'] == '0711'
    assert put['/t/d'][0]['type'] == 'directory'
    assert put['/t/l'][0]['type'] == 'symlink'
    assert put['/t/l'][1] == b'/etc/passwd' and put['/t/dl'][1] == b'd'
    paths = [path for _, path, _, _ in tree.put]
    assert paths.index('/t') == 0
    assert paths.index('/t/d') < paths.index(six.ensure_str(u'/t/d/\xe4'))


def test_recursive_put_of_no_directory(tree, tmpdir):
    tmpdir.join('f').write('x')
    for path in (str(tmpdir.join('f')), str(tmpdir.join('none'))):
        with pytest.raises(OSError):
            tree.files.recursive_put(path, '/t')
    assert tree.put == []


# -- writing

@pytest.mark.parametrize('data, body', [
    (b'\0\xff', b'\0\xff'), (u'\xe4', b'\xc3\xa4'), (b'', b''),
    (io.BytesIO(b'ab'), b'ab'), (iter([b'a', b'b']), b'ab'),
    ([b'a', b'b'], b'ab'), ((b'a',), b'a'), (bytearray(b'ab'), b'ab')])
def test_put(data, body):
    tree = Tree()
    assert tree.files.put('/f', data) is True
    tree.server.close()
    assert tree.put == [('POST', '/f', {'type': 'file'}, body)]


@pytest.mark.parametrize('mode, sent', [
    (0o600, '0600'), ('0600', '0600'), ('600', '0600'), (u'755', '0755'),
    (0, '0000'), ('0o644', '0644'), (0o4755, '04755')])
def test_modes(mode, sent):
    assert int(instance_files._octal(mode), 8) == int(sent, 8)
    # LXD takes others for decimal
    assert instance_files._octal(mode)[0] == '0'


@pytest.mark.parametrize('mode', [
    True, -1, 0o10000, '', 'rwx', '9', '10000', None, [], 6.4])
def test_modes_that_are_refused(mode):
    with pytest.raises(ValueError):
        instance_files._octal(mode)


@each_tree
def test_headers(tree):
    tree.files.put('/f', b'', mode=0o600, uid=1, gid=0)
    tree.files.mk_dir('/d', mode='700')
    tree.files.delete('/f')
    assert tree.put == [
        ('POST', '/f', {'type': 'file', 'mode': '0600', 'uid': '1',
                        'gid': '0'}, b''),
        ('POST', '/d', {'type': 'directory', 'mode': '0700'}, b''),
        ('DELETE', '/f', {}, b'')]


@pytest.mark.parametrize('path', [
    u'/\xe4 b', '/a&project=x', '/a?b#c', '/../etc', '/a%2Fb', '/a\nb'])
def test_paths(tree, path):
    tree.nodes[six.ensure_str(path)] = b'it'
    assert tree.files.get(path) == b'it'


def test_what_a_server_lacks():
    tree = Tree()
    tree.files._client.dialect.info['api_extensions'] = ['instances']
    for call in (tree.files.delete, tree.files.mk_dir):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            call('/f')
    assert tree.files.delete_available() is False
    tree.server.close()
    assert tree.put == []
