"""Single entries of file trees against a scripted server."""
import posixpath

import pytest
from six.moves.urllib import parse

from pylxd import Client, exceptions
from pylxd.container import Container
from wire import ROOT, Server, error, http, lxd_api, reply

FILES = '/1.0/instances/c1/files'
EXTENSIONS = ['instances', 'file_delete', 'instance_file_head', 'file_append',
              'file_symlinks']


class Tree(object):
    """A server with files, and the files manager of the instance.

    ``nodes`` holds by path the bytes of a file, None for a directory, or the
    text that a link leads to.
    """

    def __init__(self, kind='lxd', extensions=()):
        self.nodes, self.prefix = {}, 'X-{}-'.format(kind)
        self.head_has_length = kind == 'incus'
        self.undeletable = ()
        self.server = Server(lxd_api({
            'HEAD ' + FILES: self.head, 'GET ' + FILES: self.get,
            'DELETE ' + FILES: self.delete, 'POST ' + FILES: {}}, dict(
                ROOT, api_extensions=EXTENSIONS + list(extensions),
                environment={'server': kind})))
        self.files = Container(Client(self.server.endpoint), name='c1').files

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    @staticmethod
    def path(request):
        return parse.parse_qs(request.target.partition('?')[2])['path'][0]

    def headers(self, node):
        kind = ('directory' if node is None else
                'file' if isinstance(node, bytes) else 'symlink')
        return {self.prefix + name: value for name, value in (
            ('type', kind), ('mode', '0640'), ('uid', '7'), ('gid', '8'))}

    def head(self, request):
        if self.path(request) not in self.nodes:
            return http(status='404 Not Found', Content_Length=99)
        node = self.nodes[self.path(request)]
        return http(**dict(
            self.headers(node), Content_Type='application/json',
            Content_Length=len(node) if isinstance(node, bytes)
            and self.head_has_length else None))

    def names(self, path):
        return [posixpath.basename(each) for each in self.nodes
                if posixpath.dirname(each) == path]

    def get(self, request):
        path = self.path(request)
        if path not in self.nodes:
            return error(404, 'Not Found')
        node = self.nodes[path]
        if node is None:
            return reply({'type': 'sync', 'metadata': self.names(path)},
                         **self.headers(node))
        return http(node if isinstance(node, bytes) else node.encode(),
                    **self.headers(node))

    def delete(self, request):
        path = self.path(request)
        if path not in self.nodes:
            return error(404, 'Not Found')
        if path in self.undeletable:
            return error(500, 'it is busy')
        if self.prefix.lower() + 'force' in request.headers:
            for each in [each for each in self.nodes
                         if each.startswith(path + '/')]:
                del self.nodes[each]
        if self.nodes[path] is None and self.names(path):
            return error(500, 'directory not empty')
        del self.nodes[path]
        return {}

    def requested(self):
        """Return the requests as pairs of method and path."""
        return [(each.method, self.path(each))
                for each in self.server.requests[1:]]


@pytest.mark.parametrize('kind, requests', [
    ('lxd', ['HEAD', 'GET']), ('incus', ['HEAD'])])
def test_stat(kind, requests):
    """LXD 5.0 does not tell the length of a file in the answer to HEAD."""
    with Tree(kind) as tree:
        tree.nodes.update({'/f': b'x' * 300000, '/d': None, '/l': u'/f'})
        status = tree.files.stat('/f')
        assert (status.type, status.mode, status.uid, status.gid,
                status.size) == ('file', 0o640, 7, 8, 300000)
        assert [method for method, _ in tree.requested()] == requests
        assert tree.files.stat('/d').size is None
        assert tree.files.stat('/l').type == 'symlink'
        assert [method for method, _ in tree.requested()[-2:]] == ['HEAD'] * 2


def test_stat_and_exists_of_a_missing_file():
    with Tree() as tree:
        with pytest.raises(exceptions.NotFound) as caught:
            tree.files.stat('/f')
        assert 'Not Found' in str(caught.value)
        del tree.server.requests[1:]
        assert tree.files.exists('/f') is False
        assert tree.requested() == [('HEAD', '/f')]


@pytest.mark.parametrize('header, value', [
    ('type', ''), ('mode', '8'), ('mode', '-1'), ('uid', 'x'), ('gid', None)])
def test_malformed_headers(header, value):
    with Tree('incus') as tree:
        tree.nodes['/f'] = b''
        headers = tree.headers
        tree.headers = lambda node: {
            name: value if name.endswith(header) else each
            for name, each in headers(node).items()}
        with pytest.raises(exceptions.InvalidResponse):
            tree.files.stat('/f')


def make_tree(tree):
    tree.nodes.update({
        '/t': None, '/t/f': b'', '/t/d': None, '/t/d/e': None, '/t/d/e/f': b'',
        '/t/d/l': u'/kept', '/kept': None, '/kept/f': b''})


def test_delete_of_a_tree():
    with Tree() as tree:
        make_tree(tree)
        tree.files.delete('/t', recursive=True)
        assert sorted(tree.nodes) == ['/kept', '/kept/f']
        # One request for each entry, and two more for each that is not empty
        assert len(tree.requested()) == 6 + 2 * 3
        assert not [path for _, path in tree.requested()
                    if path.startswith('/kept')]


def test_delete_of_a_tree_by_the_server():
    """The first request deletes a link, which Incus would follow by force."""
    with Tree('incus', ['file_delete_force']) as tree:
        make_tree(tree)
        tree.nodes['/l'] = u'/kept'
        tree.files.delete('/l', recursive=True)
        assert tree.requested() == [('DELETE', '/l')]
        tree.files.delete('/t', recursive=True)
        assert tree.requested()[1:] == [('DELETE', '/t')] * 2
        assert tree.server.requests[-1].headers['x-incus-force'] == 'true'
        assert sorted(tree.nodes) == ['/kept', '/kept/f']


@pytest.mark.parametrize('path', ['/t', '/t/d/e', '/t/d/e/f', '/t/f'])
def test_an_entry_that_cannot_be_deleted(path):
    with Tree() as tree:
        make_tree(tree)
        tree.undeletable = (path,)
        with pytest.raises(exceptions.LXDAPIException) as caught:
            tree.files.delete('/t', recursive=True)
        assert 'it is busy' in str(caught.value)
        assert path in tree.nodes and '/kept/f' in tree.nodes


def test_an_entry_that_is_deleted_meanwhile():
    with Tree() as tree:
        make_tree(tree)
        names = tree.names
        tree.names = lambda path: names(path) + (
            ['gone'] if path == '/t' else [])
        with pytest.raises(exceptions.LXDAPIException):
            tree.files.delete('/t', recursive=True)  # it is never empty
        assert [each for each in tree.nodes if each.startswith('/t/')] == []
        with pytest.raises(exceptions.NotFound):
            tree.files.delete('/missing', recursive=True)


def test_headers_of_append_and_symlink():
    with Tree('incus') as tree:
        tree.files.append('/f', u'\xe4')
        tree.files.symlink('/l', 'f', uid=1, gid=2)
        append, symlink = tree.server.requests[1:]
        assert append.body == b'\xc3\xa4'
        assert append.headers['x-incus-write'] == 'append'
        assert append.headers['x-incus-type'] == 'file'
        assert symlink.body == b'f'
        assert [symlink.headers['x-incus-' + name]
                for name in ('type', 'uid', 'gid')] == ['symlink', '1', '2']
        for data in 5, None, {}:
            with pytest.raises(TypeError):
                tree.files.append('/f', data)
