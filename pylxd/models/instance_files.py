"""Files inside an instance."""
import errno
import io
import operator
import os
import posixpath
import re
import stat
import tempfile

import six

from pylxd import exceptions
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Callable, List, Optional, Tuple
    from pylxd.client import Client
    from pylxd.models.instance import Instance

#: As many links are followed as Linux follows.
MOST_LINKS = 40
#: Files of a tree that are on the way at once.
WORKERS = 4
FOREVER = 10 ** 8


class FilesManager(object):
    """The files of one instance: ``container.files``.

    The instance need not run. Paths are absolute, inside of it.

    Endpoint: ``/1.0/instances/NAME/files``.
    """

    def __init__(self, client, container):
        # type: (Client, Instance) -> None
        self._client = client
        self._container = container

    def __repr__(self):
        # type: () -> str
        return '<FilesManager of {!r}>'.format(self._container)

    @property
    def _node(self):
        # type: () -> rest.Node
        return self._container.ensure_ready().files

    def get(self, filepath, fileobj=None):
        # type: (str, Any) -> Any
        """Read a file; a symbolic link is followed.

        :param fileobj: where to write it, piece by piece, instead of
            returning it whole.
        :return: the bytes, or ``fileobj`` if one was given.
        :raises NotFound: there is no such file.
        :raises LXDAPIException: it is a directory.

        Endpoint: ``GET .../files?path=``.
        """
        response = self._follow(filepath)
        if fileobj is None:
            target = io.BytesIO()
            self._client.transport.download(response, target)
            return target.getvalue()
        self._client.transport.download(response, fileobj)
        return fileobj

    def _follow(self, filepath):
        # type: (str) -> requests.Response
        """The unread answer that carries the file."""
        asked = filepath
        for _ in range(MOST_LINKS):
            response = self._open(filepath)
            kind = self._kind(response)
            if kind == 'directory':
                raise exceptions.LXDAPIException(
                    response, reason='Is a directory: ' + asked)
            if kind != 'symlink':
                return response
            filepath = posixpath.join(
                posixpath.dirname(filepath), self._text(response))
        raise exceptions.LXDAPIException(
            response, reason='Too many levels of symbolic links: ' + asked)

    def _open(self, filepath):
        # type: (str) -> requests.Response
        return self._node.get(
            params={'path': _checked(filepath)}, stream=True)

    def _kind(self, response):
        # type: (requests.Response) -> str
        # A file may hold JSON like that of a directory: only this tells
        return self._client.dialect.header_of(response, 'type') or 'file'

    def _text(self, response):
        # type: (requests.Response) -> str
        target = io.BytesIO()
        self._client.transport.download(response, target)
        return six.ensure_str(target.getvalue().rstrip(b'\n'))

    def put(self, filepath, data, mode=None, uid=None, gid=None):
        # type: (str, Any, Any, Optional[int], Optional[int]) -> bool
        """Write a file.

        :param data: bytes, text (sent as UTF-8), an open binary file, or an
            iterable of bytes.
        :param mode: permissions, a number (``0o600``) or octal digits
            (``'0600'``); the server's default otherwise.
        :param uid: the owner, a number.
        :param gid: the group, a number.
        :return: True.
        :raises LXDAPIException: the server refused, as when the directory
            is missing.

        Endpoint: ``POST .../files?path=``.
        """
        if isinstance(data, six.text_type):
            data = data.encode('utf-8')
        elif isinstance(data, bytearray):
            data = bytes(data)
        if isinstance(data, (dict, io.TextIOBase)) or not (
                isinstance(data, bytes) or hasattr(data, 'read')
                or hasattr(data, '__iter__')):
            raise TypeError('{!r} is nothing to write to {}'.format(
                type(data).__name__, filepath))
        if not isinstance(data, bytes) and not hasattr(data, 'read'):
            data = iter(data)  # requests would make a form of a list
        self._post(filepath, 'file', data, mode, uid, gid)
        return True

    def mk_dir(self, path, mode=None, uid=None, gid=None):
        # type: (str, Any, Optional[int], Optional[int]) -> None
        """Make a directory; one that is there already is left as it is.

        Needs ``directory_manipulation``.

        Endpoint: ``POST .../files?path=``.
        """
        self._client.dialect.need('directory_manipulation')
        self._post(path, 'directory', b'', mode, uid, gid)

    def _post(self, path, kind, data, mode, uid, gid):
        # type: (str, str, Any, Any, Any, Any) -> None
        header = self._client.dialect.header
        headers = {header('type'): kind}
        if mode is not None:
            headers[header('mode')] = _octal(mode)
        for name, number in (('uid', uid), ('gid', gid)):
            if number is not None:
                headers[header(name)] = str(int(number))
        response = self._node.post(
            params={'path': _checked(path)}, data=data, headers=headers)
        rest.envelope(response)

    def delete(self, filepath):
        # type: (str) -> None
        """Delete a file or an empty directory.

        Needs ``file_delete``.

        :raises NotFound: there is none.

        Endpoint: ``DELETE .../files?path=``.
        """
        self._client.dialect.need('file_delete')
        self._node.delete(params={'path': _checked(filepath)})

    def delete_available(self):
        # type: () -> bool
        """Whether the server can delete files (``file_delete``)."""
        return bool(self._client.dialect.has('file_delete'))

    def listdir(self, path):
        # type: (str) -> List[str]
        """The names in a directory.

        :raises NotFound: there is no such directory.
        :raises OSError: it is none (``ENOTDIR``).

        Endpoint: ``GET .../files?path=``.
        """
        response = self._open(path)
        if self._kind(response) != 'directory':
            response.close()
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return self._names(response)

    def _names(self, response):
        # type: (requests.Response) -> List[str]
        self._client.transport.read(response)
        names = rest.metadata(response, list)
        # The instance may be hostile: these would lead out of a tree, or to
        # a link made from the other of two entries of one name
        if not all(isinstance(name, six.string_types)
                   and name not in ('', '.', '..')
                   and '/' not in name and '\0' not in name
                   for name in names) or len(set(names)) < len(names):
            raise exceptions.InvalidResponse(response)
        return [six.ensure_str(name) for name in names]

    def recursive_put(self, src, dst, mode=None, uid=None, gid=None):
        # type: (str, str, Any, Optional[int], Optional[int]) -> None
        """Write what is in the local directory ``src`` into ``dst``.

        Directories are made, ``dst`` too; links stay links.

        :param mode: of the files; each keeps its own otherwise.
        :param uid: the owner of all, a number.
        :param gid: the group of all, a number.
        :raises OSError: ``src`` is no directory (``ENOTDIR``).
        """
        src, dst = _native(src), _native(dst)
        if not os.path.isdir(src):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), src)

        def put(item):
            # type: (Tuple[str, str]) -> List[Tuple[str, str]]
            here, there = item
            status = os.stat(here) if here == src else os.lstat(here)
            own = stat.S_IMODE(status.st_mode)
            if stat.S_ISLNK(status.st_mode):
                self._post(there, 'symlink',
                           six.ensure_binary(os.readlink(here)),
                           None, uid, gid)
            elif stat.S_ISDIR(status.st_mode):
                self.mk_dir(there, own, uid, gid)
                return [(os.path.join(here, name), posixpath.join(there, name))
                        for name in os.listdir(here)]
            elif stat.S_ISREG(status.st_mode):
                with open(here, 'rb') as data:
                    self.put(there, data, own if mode is None else mode,
                             uid, gid)
            return []

        _walk(put, (src, dst))

    def recursive_get(self, remote_path, local_path):
        # type: (str, str) -> None
        """Read the directory ``remote_path`` into ``local_path``.

        Modes are kept, links stay links; those that point into the
        directory are made relative. Nothing is written outside of
        ``local_path``, whatever the instance says.

        :raises NotFound: there is no such directory.
        :raises OSError: something in ``local_path`` is in the way.
        """
        remote_path = _checked(remote_path)
        top = posixpath.normpath(remote_path).rstrip('/') + '/'

        def get(item):
            # type: (Tuple[str, str]) -> List[Tuple[str, str]]
            remote, local = item
            response = self._open(remote)
            kind = self._kind(response)
            if os.path.islink(local):
                os.unlink(local)  # never write through it
            if kind == 'directory':
                return self._get_directory(response, remote, local)
            if kind == 'symlink':
                target = self._text(response)
                # The server tells where it leads, absolute, not what it says
                if target.startswith(top):
                    target = posixpath.relpath(
                        target, posixpath.dirname(remote))
                if os.path.lexists(local):
                    os.unlink(local)
                os.symlink(target, local)
            else:
                self._get_file(response, local)
            return []

        _walk(get, (remote_path, _native(local_path)))

    def _get_directory(self, response, remote, local):
        # type: (requests.Response, str, str) -> List[Tuple[str, str]]
        names = self._names(response)
        if not os.path.isdir(local):
            os.mkdir(local)
        os.chmod(local, self._mode(response, 0o755) | stat.S_IRWXU)
        return [(posixpath.join(remote, name), os.path.join(local, name))
                for name in names]

    def _get_file(self, response, local_path):
        # type: (requests.Response, str) -> None
        # Under another name first: no half file, and a link that is in the
        # way is replaced and not written through
        descriptor, part = tempfile.mkstemp(
            dir=os.path.dirname(local_path) or os.curdir)
        try:
            with os.fdopen(descriptor, 'wb') as target:
                self._client.transport.download(response, target)
            os.chmod(part, self._mode(response, 0o644))
            os.rename(part, local_path)
        except BaseException:
            os.unlink(part)
            raise

    def _mode(self, response, default):
        # type: (requests.Response, int) -> int
        mode = self._client.dialect.header_of(response, 'mode')
        if not mode:
            return default
        if not re.match('[0-7]+$', mode):
            raise exceptions.InvalidResponse(response)
        return int(mode, 8) & 0o777


def _walk(task, item):
    # type: (Callable[[Any], List[Any]], Any) -> None
    """Do ``task`` with ``item``, then with what it returns, and so on down.

    A few at a time, which takes little more than half the time of one.
    """
    from multiprocessing.pool import ThreadPool  # 10 ms that few need
    pool = ThreadPool(WORKERS)
    try:
        items = [item]
        while items:
            # With a limit, as Python 2 could not be interrupted without one
            found = pool.map_async(task, items).get(FOREVER)
            items = [deeper for some in found for deeper in some]
    finally:
        pool.terminate()
        pool.join()


def _checked(path):
    # type: (Any) -> str
    if not isinstance(path, (bytes, six.text_type)):
        raise TypeError('a path must be text, not {!r}'.format(path))
    try:
        encoded = six.ensure_text(path).encode('utf-8')
    except UnicodeError:
        encoded = b''
    if not encoded or b'\0' in encoded:
        raise exceptions.InvalidName('{!r} cannot be a path'.format(path))
    return six.ensure_str(encoded)


def _octal(mode):
    # type: (Any) -> str
    try:
        number = int(mode, 8) if isinstance(
            mode, six.string_types) else operator.index(mode)
    except (TypeError, ValueError):
        number = -1
    if isinstance(mode, bool) or not 0 <= number <= 0o7777:
        raise ValueError(
            'mode must be a number or octal digits, not {!r}'.format(mode))
    return '0{:03o}'.format(number)  # LXD takes 4755 for a decimal number


def _native(path):
    # type: (Any) -> Any
    """On Python 2 bytes: names that are no text can be joined to them."""
    return six.ensure_str(path) if six.PY2 else path
