# -*- coding: utf-8 -*-
"""Files of instances against a scripted, and maybe hostile, server."""
import io
import os

import pytest
import six
from six.moves.urllib import parse

from pylxd import Client, exceptions
from pylxd.container import Container
from pylxd.models import instance_files
from helpers import read_tree
from wire import ROOT, Server, error, http, lxd_api, reply

FILES = '/1.0/instances/c1/files'


class Tree(object):
    """A server with the files of an instance, and the files manager of that.

    ``nodes`` holds by path the bytes of a file, the names of a directory,
    ``('symlink', target)`` or ``('raw', response)``. A pair of bytes or names
    and a mode sets the mode. ``writes`` lists what was put and deleted.
    """

    def __init__(self, prefix='X-LXD-', **answers):
        self.nodes, self.writes, self._prefix = {}, [], prefix
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
        self.writes.append((request.method, self._path(request), {
            name[len(self._prefix):]: value
            for name, value in request.headers.items()
            if name.startswith(self._prefix.lower())}, request.body))
        return {}


@pytest.fixture
def tree(request):
    fixture = Tree(getattr(request, 'param', 'X-LXD-'))
    yield fixture
    fixture.server.close()


each_tree = pytest.mark.parametrize(
    'tree', ['X-LXD-', 'X-Incus-'], indirect=True)


@pytest.fixture
def target(tmpdir):
    """The path of the target, and a directory that must not change."""
    outside = tmpdir.mkdir('outside')
    outside.join('kept').write('as it was')
    yield str(tmpdir.join('inside')), outside
    assert [each.basename for each in outside.listdir()] == ['kept']
    assert outside.join('kept').read() == 'as it was'
    assert sorted(each.basename for each in tmpdir.listdir()) in (
        ['inside', 'outside'], ['outside'])


# -- reading

@pytest.mark.parametrize('content', [
    b'', b'\0\xff', b'{}', b'{"type": "error", "error": "x"}',
    b'{"type": "sync", "metadata": ["a"]}'])
def test_get_returns_any_content(tree, content):
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
def test_get_of_a_directory_or_missing_file(tree):
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
def test_recursive_get(tree, target):
    path, _ = target
    tree.nodes.update({
        '/t': ['d', 'f', 'f.part', 'l', 'out'],
        '/t/d': (['deep'], '0700'), '/t/d/deep': [u'\xe4'.encode()
                                                  .decode('utf-8')]
        if six.PY3 else [u'\xe4'],
        six.ensure_str(u'/t/d/deep/\xe4'): (b'it', '0600'),
        '/t/f': (b'\0\xff', '4755'), '/t/f.part': b'another',
        '/t/l': ('symlink', b'd/deep'), '/t/out': ('symlink', b'/etc/passwd')})
    tree.files.recursive_get('/t', path)
    assert read_tree(path) == {
        'd': (0o700, None), 'd/deep': (0o755, None),
        six.ensure_str(u'd/deep/\xe4'): (0o600, b'it'),
        'f': (0o755, b'\0\xff'), 'f.part': (0o755, b'another'),
        'l': 'd/deep', 'out': '/etc/passwd'}


def test_recursive_get_overwrites(tree, target):
    path, _ = target
    tree.nodes.update({'/t': ['d', 'f'], '/t/d': ['g'], '/t/d/g': b'1',
                       '/t/f': b'1'})
    tree.files.recursive_get('/t', path)
    tree.nodes.update({'/t/d/g': b'2', '/t/f': b'2'})
    with open(os.path.join(path, 'f.part'), 'w') as own:
        os.chmod(own.name, 0o600)
    tree.files.recursive_get('/t', path)
    assert read_tree(path) == {
        'd': (0o755, None), 'd/g': (0o755, b'2'), 'f': (0o755, b'2'),
        'f.part': (0o600, b'')}  # a file of the user, unchanged


@pytest.mark.trap('hostile-tree')
@pytest.mark.parametrize('names', [
    ['..'], ['.'], [''], ['../outside/kept'], ['a/../../outside/kept'],
    ['/etc'], ['a/b'], ['a\0b'], ['a', 'a'], ['f', '..'], [5], [None], [['a']],
    {}, 'ab', 5, {'..': 1}])
def test_names_that_lead_outside_are_refused(tree, target, names):
    local, _ = target
    tree._get = lambda path: (
        reply({'type': 'sync', 'metadata': names},
              **{tree._prefix + 'type': 'directory'})
        if path == '/t' else http(b'evil', **{tree._prefix + 'type': 'file'}))
    with pytest.raises(exceptions.InvalidResponse):
        tree.files.recursive_get('/t', local)
    with pytest.raises(exceptions.InvalidResponse):
        tree.files.listdir('/t')


@pytest.mark.parametrize('remote', [
    b'evil', ['kept'], ('symlink', b'../elsewhere')])
def test_links_in_the_target_are_not_followed(tree, target, remote):
    """An earlier tree may have created links in the target."""
    path, outside = target
    os.mkdir(path)
    for name in ('directory', 'kept', 'dangling'):
        target = outside if name == 'directory' else outside.join(name)
        os.symlink(str(target), os.path.join(path, name))
    tree.nodes['/t'] = ['directory', 'kept', 'dangling']
    for name in tree.nodes['/t']:
        tree.nodes['/t/' + name] = remote
        tree.nodes['/t/{}/kept'.format(name)] = b'evil'
    tree.files.recursive_get('/t', path)
    assert not [each for each in read_tree(path).values()
                if isinstance(each, str) and each.startswith('/')]


def test_the_target_may_be_a_link(tree, target):
    path, outside = target
    os.symlink(str(outside), path)
    tree.nodes.update({'/t': ['kept'], '/t/kept': b'evil'})
    tree.files.recursive_get('/t', path)
    assert read_tree(path) == {'kept': (0o755, b'evil')}


def test_a_path_that_changes_from_link_to_directory(tree, target):
    """A path that is first a link and then a directory."""
    local, outside = target
    looks = [('symlink', str(outside).encode()), ['kept']]
    tree.nodes.update({'/t': ['a'], '/t/a/kept': b'evil'})
    get, tree._get = tree._get, lambda path: (
        tree.nodes.__setitem__(path, looks.pop(0))
        if path == '/t/a' and looks else None, get(path))[1]
    for _ in range(2):
        tree.files.recursive_get('/t', local)
    assert read_tree(local)['a/kept'] == (0o755, b'evil')


def test_an_incomplete_file_is_removed(tree, target):
    path, _ = target
    tree.nodes.update({'/t': ['f'], '/t/f': ('raw', lambda connection: (
        connection.sendall(http(b'half', Content_Length=99, **{
            tree._prefix + 'type': 'file',
            'Content_Type': 'application/octet-stream'}))))})
    with pytest.raises(exceptions.ClientConnectionFailed):
        tree.files.recursive_get('/t', path)
    assert read_tree(path) == {}


@pytest.mark.parametrize('mode', ['rwx', '-1', '0x1', '9'])
def test_invalid_modes_of_a_server(tree, target, mode):
    path, _ = target
    tree.nodes.update({'/t': ['f'], '/t/f': (b'', mode)})
    with pytest.raises(exceptions.InvalidResponse):
        tree.files.recursive_get('/t', path)
    assert read_tree(path) == {}


def test_an_endless_tree_raises(tree, target):
    """An endless tree ends in the OSError of a long name, not in recursion."""
    local, _ = target
    tree._get = lambda path: reply(
        {'type': 'sync', 'metadata': ['d' * 50]},
        **{tree._prefix + 'type': 'directory'})
    with pytest.raises(OSError):
        tree.files.recursive_get('/t', local)


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
    put = {path: (headers, body) for _, path, headers, body in tree.writes}
    assert set(put) == {'/t', '/t/f', '/t/d', '/t/l', '/t/dl',
                        six.ensure_str(u'/t/d/\xe4')}
    assert put['/t/f'] == (
        {'type': 'file', 'mode': '0640', 'uid': '7', 'gid': '8'}, b'\0\xff')
    assert put['/t/d'][0]['mode'] == '0711'
    assert put['/t/d'][0]['type'] == 'directory'
    assert put['/t/l'][0]['type'] == 'symlink'
    assert put['/t/l'][1] == b'/etc/passwd' and put['/t/dl'][1] == b'd'
    paths = [path for _, path, _, _ in tree.writes]
    assert paths.index('/t') == 0
    assert paths.index('/t/d') < paths.index(six.ensure_str(u'/t/d/\xe4'))


def test_recursive_put_needs_an_extension_for_links(tree, tmpdir):
    """Older servers write a file that holds the name of the target."""
    tree.files._client.dialect.info['api_extensions'].remove('file_symlinks')
    top = tmpdir.mkdir('top')
    top.join('l').mksymlinkto('/etc/passwd')
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
        tree.files.recursive_put(str(top), '/t')
    assert [path for _, path, _, _ in tree.writes] == ['/t']


def test_recursive_put_of_a_missing_directory(tree, tmpdir):
    tmpdir.join('f').write('x')
    for path in (str(tmpdir.join('f')), str(tmpdir.join('none'))):
        with pytest.raises(OSError):
            tree.files.recursive_put(path, '/t')
    assert tree.writes == []


# -- writing

@pytest.mark.parametrize('data, body', [
    (b'\0\xff', b'\0\xff'), (u'\xe4', b'\xc3\xa4'), (b'', b''),
    (io.BytesIO(b'ab'), b'ab'), (iter([b'a', b'b']), b'ab'),
    ([b'a', b'b'], b'ab'), ((b'a',), b'a'), (bytearray(b'ab'), b'ab')])
def test_put_of_each_type(data, body):
    tree = Tree()
    assert tree.files.put('/f', data) is True
    tree.server.close()
    assert tree.writes == [('POST', '/f', {'type': 'file'}, body)]


@pytest.mark.parametrize('mode, sent', [
    (0o600, '0600'), ('0600', '0600'), ('600', '0600'), (u'755', '0755'),
    (0, '0000'), ('0o644', '0644'), (0o4755, '04755'), ('1363', '01363'),
    (0o100644, '0644'), (0o40755, '0755'), (0o41777, '01777')])
def test_modes_are_sent_in_octal(mode, sent):
    assert int(instance_files.format_mode(mode), 8) == int(sent, 8)
    # LXD reads a mode without a leading 0 as decimal
    assert instance_files.format_mode(mode)[0] == '0'


@pytest.mark.parametrize('mode', [755, 644, 600, 777, 0o1777])
def test_decimal_modes_are_refused(mode):
    with pytest.raises(ValueError) as caught:
        instance_files.format_mode(mode)
    assert str(caught.value) == (
        "mode={0} is 0o{0:o} in octal digits, with the sticky bit: write "
        "mode=0o{0}, or mode='{0:o}' if you mean that".format(mode))


@pytest.mark.parametrize('mode', [0o1777, 0o1775, 0o1770, 0o1755])
def test_sticky_modes_of_directories(mode):
    assert instance_files.format_mode(mode, True) == '0{:o}'.format(mode)
    with pytest.raises(ValueError):
        instance_files.format_mode(755, True)


@pytest.mark.parametrize('mode', [
    True, -1, 0o10000, '', 'rwx', '9', '10000', None, [], 6.4])
def test_invalid_modes_are_refused(mode):
    with pytest.raises(ValueError):
        instance_files.format_mode(mode)


@each_tree
def test_headers_of_put_mk_dir_and_delete(tree):
    tree.files.put('/f', b'', mode=0o600, uid=1, gid=0)
    tree.files.mk_dir('/d', mode='700')
    tree.files.delete('/f')
    assert tree.writes == [
        ('POST', '/f', {'type': 'file', 'mode': '0600', 'uid': '1',
                        'gid': '0'}, b''),
        ('POST', '/d', {'type': 'directory', 'mode': '0700'}, b''),
        ('DELETE', '/f', {}, b'')]


@pytest.mark.parametrize('path', [
    u'/\xe4 b', '/a&project=x', '/a?b#c', '/../etc', '/a%2Fb', '/a\nb'])
def test_odd_paths(tree, path):
    tree.nodes[six.ensure_str(path)] = b'it'
    assert tree.files.get(path) == b'it'


def test_calls_need_the_extensions():
    tree = Tree()
    tree.files._client.dialect.info['api_extensions'] = ['instances']
    for call in (tree.files.delete, tree.files.mk_dir):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            call('/f')
    assert tree.files.delete_available() is False
    tree.server.close()
    assert tree.writes == []


# -- messages

@pytest.fixture
def missing(tree):
    """The tree, where nothing can be written."""
    tree.server._answer = lxd_api({
        method + ' ' + FILES: lambda _: error(404, 'Not Found')
        for method in ('GET', 'POST', 'DELETE')}, tree.root)
    return tree


@pytest.mark.parametrize('call, hint', [
    (lambda files: files.get('/d/f'), None),
    (lambda files: files.listdir('/d/f'), None),
    (lambda files: files.delete('/d/f'), None),
    (lambda files: files.recursive_get('/d/f', '/none'), None),
    (lambda files: files.put('/d/f', b''), "mk_dir('/d', parents=True)"),
    (lambda files: files.mk_dir('/d/f'), 'parents=True'),
    (lambda files: files.recursive_put('.', '/d/f'), 'parents=True'),
])
def test_errors_name_the_path_and_the_instance(missing, call, hint):
    with pytest.raises(exceptions.NotFound) as caught:
        call(missing.files)
    assert str(caught.value).startswith('/d/f in c1: Not Found (')
    assert ('parents=True' in str(caught.value)) == bool(hint)
    assert (hint or '') in str(caught.value)


def test_a_missing_instance_is_no_missing_directory(missing):
    missing.server._answer = lxd_api({
        'POST ' + FILES: lambda _: error(404, 'Instance not found')},
        missing.root)
    with pytest.raises(exceptions.NotFound) as caught:
        missing.files.put('/d/f', b'')
    assert 'parents' not in str(caught.value)
