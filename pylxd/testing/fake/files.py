"""The file tree of an instance or an image: nodes by their path."""
from __future__ import unicode_literals

import io
import posixpath
import tarfile
import time

import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, NamedTuple, Optional, Tuple
else:
    from pylxd.testing.fake.servers import NamedTuple

#: ``data`` is the content of a file, or where a symlink points.
Node = NamedTuple('Node', [
    ('kind', str), ('data', bytes), ('mode', int), ('uid', int), ('gid', int),
    ('modified', float)])


class Broken(Exception):
    """What the kernel says, in the words that LXD passes on."""


class Tree(object):
    """Nodes by their absolute path; cheap to copy, since no node changes."""

    def __init__(self, nodes=None):
        # type: (Optional[Dict[str, Node]]) -> None
        self.nodes = dict(nodes or {
            '/': node('directory', mode=0o755)})  # type: Dict[str, Node]

    def copy(self):
        # type: () -> Tree
        """One that goes its own way."""
        return Tree(self.nodes)

    def resolve(self, path, follow=False):
        # type: (str, bool) -> str
        """The path without symlinks on the way, and at its end on demand.

        :raises Broken: something on the way is no directory
        """
        rest = [part for part in path.split('/') if part not in ('', '.')]
        rest.reverse()
        here, links = '/', 0
        while rest:
            part = rest.pop()
            if part == '..':
                here = posixpath.dirname(here)
                continue
            found = self.nodes.get(here)
            if found and found.kind != 'directory':
                raise Broken('not a directory')
            step = posixpath.join(here, part)
            found = self.nodes.get(step)
            if found and found.kind == 'symlink' and (rest or follow):
                links += 1
                if links > 40:
                    raise Broken('too many levels of symbolic links')
                target = found.data.decode('utf-8')
                if target.startswith('/'):
                    here = '/'
                rest.extend(part for part in reversed(target.split('/'))
                            if part not in ('', '.'))
            else:
                here = step
        return here

    def get(self, path, follow=False):
        # type: (str, bool) -> Optional[Node]
        """What is there."""
        return self.nodes.get(self.resolve(path, follow))

    def list(self, path):
        # type: (str) -> List[str]
        """The names in a directory."""
        here = self.resolve(path, True)
        return sorted(posixpath.basename(other) for other in self.nodes
                      if other != '/' and posixpath.dirname(other) == here)

    def put(self, path, new):
        # type: (str, Node) -> bool
        """Put it there; False when there is nothing to put it into.

        :raises Broken: something else is there
        """
        place = self.resolve(path, new.kind == 'file')
        old = self.nodes.get(place)
        if self.nodes.get(posixpath.dirname(place)) is None:
            return False
        if self.nodes[posixpath.dirname(place)].kind != 'directory':
            raise Broken('not a directory')
        if new.kind == 'directory' and self.get(path, True):
            return True  # a file, even
        if old and old[:2] == new[:2] == ('symlink', new.data):
            return True
        if old and new.kind in ('directory', 'symlink'):
            raise Broken('file exists')
        if old and old.kind == 'directory':
            raise Broken('is a directory')
        if old:
            new = old._replace(data=new.data, modified=new.modified)
        self.nodes[place] = new
        return True

    def write(self, path, data, append=False):
        # type: (str, bytes, bool) -> bool
        """Write a file as a command does."""
        old = self.get(path, True)
        if append and old and old.kind == 'file':
            data = old.data + data
        return self.put(path, node('file', data))

    def remove(self, path):
        # type: (str) -> bool
        """Remove it; False when there is nothing.

        :raises Broken: it cannot be removed
        """
        place = self.resolve(path)
        if place not in self.nodes:
            return False
        if place == '/':
            raise Broken('device or resource busy')
        if self.nodes[place].kind == 'directory' and self.list(place):
            raise Broken('directory not empty')
        del self.nodes[place]
        return True


def node(kind, data=b'', mode=None, uid=0, gid=0, modified=None):
    # type: (str, bytes, Optional[int], int, int, Optional[float]) -> Node
    """A node, new if no time is given."""
    if mode is None:
        mode = {'file': 0o644, 'directory': 0o750, 'symlink': 0o777}[kind]
    return Node(kind, data, mode, uid, gid,
                time.time() if modified is None else modified)


def read_archive(path):
    # type: (str) -> Tuple[Optional[bytes], Dict[str, Node]]
    """The metadata and the root of an image, as far as it is a tarball.

    :return: what is in ``metadata.yaml`` or None, and nodes by path
    :raises tarfile.TarError: it is not
    """
    metadata, nodes = None, {}  # type: Any, Dict[str, Node]
    with tarfile.open(path) as archive:
        for member in archive:
            name = posixpath.normpath(six.ensure_text(member.name))
            data = b''  # type: Any
            if member.isfile():
                data = archive.extractfile(member).read()  # type: ignore
            if name == 'metadata.yaml':
                metadata = data
            elif name == 'rootfs' or name.startswith('rootfs/'):
                kind = ('directory' if member.isdir() else
                        'symlink' if member.issym() else 'file')
                if kind == 'symlink':
                    data = six.ensure_binary(member.linkname)
                nodes['/' + name[7:]] = Node(
                    kind, data, member.mode, member.uid, member.gid,
                    member.mtime)
    return metadata, nodes


def write_archive(output, metadata, nodes):
    # type: (Any, bytes, Dict[str, Node]) -> None
    """The opposite, into a file object."""
    with tarfile.open(fileobj=output, mode='w:gz', compresslevel=1) as archive:
        everything = [('metadata.yaml', node('file', metadata, modified=0))]
        everything += [('rootfs' + path.rstrip('/'), nodes[path])
                       for path in sorted(nodes)]
        for name, one in everything:
            member = tarfile.TarInfo(six.ensure_str(name))
            member.mode, member.mtime = one.mode, int(one.modified)
            member.uid, member.gid = one.uid, one.gid
            content = None
            if one.kind == 'directory':
                member.type = tarfile.DIRTYPE
            elif one.kind == 'symlink':
                member.type = tarfile.SYMTYPE
                member.linkname = six.ensure_str(one.data)
            else:
                member.size = len(one.data)
                content = io.BytesIO(one.data)
            archive.addfile(member, content)
