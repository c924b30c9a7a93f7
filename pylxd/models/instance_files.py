"""Files inside an instance."""
import contextlib
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
from pylxd.core.values import check_id
from pylxd.models.file_entries import FileEntries
from pylxd.transport import rest
from pylxd.transport.dialect import is_instance_missing
from pylxd.transport.paths import add_filename, replace, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import (
        Any, Callable, Iterable, Iterator, List, Optional, overload, Text,
        Tuple, TypeVar, Union)
    from pylxd.client import Client
    from pylxd.models.instance import Instance
    from pylxd.models.protocols import Readable, Writable
    FileData = Union[bytes, bytearray, Text, Readable, Iterable[bytes]]
    Mode = Union[int, str, None]
    T = TypeVar('T')
    W = TypeVar('W', bound=Writable)

#: Symbolic links that `FilesManager.get` follows, as many as Linux does.
MAX_LINKS = 40
#: Files of a tree that are transferred at once: four take little more than
#: half the time of one after the other.
WORKERS = 4
#: Seconds. Without any timeout, Python 2 could not interrupt the wait.
NO_TIMEOUT = 10 ** 8


class FilesManager(FileEntries):
    """The files of one instance: ``container.files``.

    The instance need not run. Paths are absolute paths in the instance.

    :param client: the `Client` of the instance.
    :param container: the instance.

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

    def _describe(self, path):
        # type: (str) -> str
        return '{} in {}'.format(path, self._container.name)

    @contextlib.contextmanager
    def _naming(self, path, if_missing=''):
        # type: (str, str) -> Iterator[None]
        """Name a path and the instance in the errors of a block.

        :param if_missing: what the user can do if a directory is missing.
        """
        try:
            yield
        except exceptions.LXDAPIException as error:
            error.subject = self._describe(path)
            if isinstance(error, exceptions.NotFound) and (
                    not is_instance_missing(error)):
                error.hint = if_missing
            raise

    if TYPE_CHECKING:
        @overload
        def get(self, filepath, fileobj=None):
            # type: (str, None) -> bytes
            pass

        @overload
        def get(self, filepath, fileobj):
            # type: (str, W) -> W
            pass

    def get(self, filepath, fileobj=None):
        # type: (str, Optional[W]) -> Union[bytes, W]
        """Read a file, following symbolic links.

        :param filepath: the path of the file in the instance.
        :param fileobj: a file that is open for writing bytes, to write the
            data to, piece by piece; None returns all data.
        :return: the data as bytes; ``fileobj`` if one was given.
        :raises TypeError: ``fileobj`` is no file.
        :raises NotFound: there is no such file.
        :raises LXDAPIException: the path leads to a directory, or through
            more than 40 links.

        Endpoint: ``GET .../files?path=``.
        """
        if fileobj is not None and not hasattr(fileobj, 'write'):
            raise TypeError('fileobj must be a file open for writing bytes, '
                            'not {!r}'.format(fileobj))
        response = self._open_file(filepath)
        if fileobj is None:
            target = io.BytesIO()
            self._client.transport.download(response, target)
            return target.getvalue()
        self._client.transport.download(response, fileobj)
        return fileobj

    def _check_path(self, path):
        # type: (Union[bytes, Text]) -> str
        return check_path(path)

    def _open_file(self, filepath):
        # type: (str) -> requests.Response
        """Follow links, and return the unread response with the data."""
        path = filepath
        for _ in range(MAX_LINKS):
            response = self._open(path)
            entry_type = self._entry_type(response)
            if entry_type == 'directory':
                raise exceptions.LXDAPIException(
                    response, subject=self._describe(filepath),
                    reason='Is a directory',
                    hint='read it with listdir() or recursive_get()')
            if entry_type != 'symlink':
                return response
            path = posixpath.join(
                posixpath.dirname(path), self._read_link_target(response))
        raise exceptions.LXDAPIException(
            response, subject=self._describe(filepath),
            reason='Too many levels of symbolic links')

    def _open(self, path):
        # type: (str) -> requests.Response
        node, path = self._node, check_path(path)
        with self._naming(path):
            return node.get(params={'path': path}, stream=True)

    def _entry_type(self, response):
        # type: (requests.Response) -> str
        # The body does not tell: a file may hold the JSON of a directory
        return self._client.dialect.header_of(response, 'type') or 'file'

    def _read_link_target(self, response):
        # type: (requests.Response) -> str
        target = io.BytesIO()
        self._client.transport.download(response, target)
        return six.ensure_str(target.getvalue().rstrip(b'\n'))

    def put(self, filepath, data, mode=None, uid=None, gid=None):
        # type: (str, FileData, Mode, Optional[int], Optional[int]) -> bool
        """Write a file.

        :param filepath: the path of the file in the instance.
        :param data: bytes, text (sent as UTF-8), a file that is open for
            reading bytes, or an iterable of bytes.
        :param mode: the permissions: an octal number (``0o755``, not
            ``755``), octal digits (``'0755'``) or the ``st_mode`` of
            `os.stat`; None is the server's default.
        :param uid: the number of the owner.
        :param gid: the number of the group.
        :return: True.
        :raises TypeError: ``data`` has another type.
        :raises ValueError: ``mode`` is no permission, or a decimal number.
        :raises NotFound: the directory is missing; `mk_dir` makes it.
        :raises LXDAPIException: the server refused.

        Endpoint: ``POST .../files?path=``.
        """
        self._create_entry(
            filepath, 'file', self._encode(filepath, data), mode, uid, gid)
        return True

    def _encode(self, filepath, data):
        # type: (str, Any) -> Any
        """Return data for a file as requests sends it as it is."""
        if isinstance(data, six.text_type):
            data = data.encode('utf-8')
        elif isinstance(data, bytearray):
            data = bytes(data)
        if isinstance(data, (dict, io.TextIOBase)) or not (
                isinstance(data, bytes) or hasattr(data, 'read')
                or hasattr(data, '__iter__')):
            raise TypeError(
                'cannot write a {} to {}: data must be bytes, text, a file '
                'open for reading bytes, or an iterable of bytes'.format(
                    type(data).__name__, filepath))
        if not isinstance(data, bytes) and not hasattr(data, 'read'):
            data = iter(data)  # requests would make a form of a list
        return data

    def mk_dir(self, path, mode=None, uid=None, gid=None, parents=False):
        # type: (str, Mode, Optional[int], Optional[int], bool) -> None
        """Make a directory, unless there is one already.

        :param path: the path of the directory in the instance.
        :param mode: the permissions, as for `put`.
        :param uid: the number of the owner.
        :param gid: the number of the group.
        :param parents: make the missing directories above too, with the
            same owner and group, and the server's default permissions.
        :raises NotFound: the directory above is missing.
        :raises LXDAPIException: the server refused.

        Endpoint: ``POST .../files?path=``; needs
        ``directory_manipulation``.
        """
        self._client.dialect.need('directory_manipulation')
        above = posixpath.dirname(check_path(path).rstrip('/'))
        try:
            self._create_entry(path, 'directory', b'', mode, uid, gid)
        except exceptions.NotFound:
            if not parents or above in ('', '/'):
                raise
            self.mk_dir(above, None, uid, gid, parents)
            self._create_entry(path, 'directory', b'', mode, uid, gid)

    def _create_entry(self,
                      path,  # type: str
                      entry_type,  # type: str
                      data,  # type: Any
                      mode,  # type: Mode
                      uid,  # type: Optional[int]
                      gid,  # type: Optional[int]
                      headers=(),  # type: Any
                      ):
        # type: (...) -> None
        node, header = self._node, self._client.dialect.header
        headers = dict(headers, **{header('type'): entry_type})
        if mode is not None:
            headers[header('mode')] = format_mode(
                mode, entry_type == 'directory')
        for name, number in (('uid', uid), ('gid', gid)):
            if number is not None:
                headers[header(name)] = str(check_id(number, name))
        path = check_path(path)
        if_missing = 'the directory above is missing: {} makes it'.format(
            'parents=True' if entry_type == 'directory' else
            'mk_dir({!r}, parents=True)'.format(posixpath.dirname(path)))
        with self._naming(path, if_missing):
            rest.envelope(node.post(
                params={'path': path}, data=data, headers=headers))

    def delete(self, filepath, recursive=False):
        # type: (str, bool) -> None
        """Delete a file or an empty directory.

        :param filepath: its path in the instance.
        :param recursive: delete all that is in a directory as well. Links
            are deleted, and not followed.
        :raises ValueError: ``recursive``, and the path is that of the root.
        :raises NotFound: there is no such file.
        :raises LXDAPIException: the server refused, as when the directory
            is not empty.

        Endpoint: ``DELETE .../files?path=``; needs ``file_delete``. With
        ``recursive``, one request for each entry on servers without
        ``file_delete_force``.
        """
        self._client.dialect.need('file_delete')
        if recursive:
            return self._delete_tree(filepath)
        node, path = self._node, check_path(filepath)
        with self._naming(path):
            node.delete(params={'path': path})

    def delete_available(self):
        # type: () -> bool
        """Tell whether the server can delete files (``file_delete``)."""
        return bool(self._client.dialect.has('file_delete'))

    def listdir(self, path):
        # type: (str) -> List[str]
        """List the names in a directory.

        :param path: the path of the directory in the instance.
        :raises NotFound: there is no such directory.
        :raises OSError: the path leads to something else (``ENOTDIR``).

        Endpoint: ``GET .../files?path=``.
        """
        response = self._open(path)
        if self._entry_type(response) != 'directory':
            response.close()
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return self._read_names(response)

    def _read_names(self, response):
        # type: (requests.Response) -> List[str]
        self._client.transport.read(response)
        names = rest.metadata(response, list)
        # A hostile instance may send names that lead out of the tree, or one
        # name twice: a link, then a file to be written through that link
        if not all(isinstance(name, six.string_types)
                   and name not in ('', '.', '..')
                   and '/' not in name and '\0' not in name
                   for name in names) or len(set(names)) < len(names):
            raise exceptions.InvalidResponse(response)
        return [six.ensure_str(name) for name in names]

    def recursive_put(self, src, dst, mode=None, uid=None, gid=None,
                      parents=False):
        # type: (str, str, Mode, Optional[int], Optional[int], bool) -> None
        """Write the contents of a local directory into the instance.

        Missing directories are made, ``dst`` as well, but not those above
        it. Links stay links; sockets, pipes and devices are left out.

        :param src: the path of the local directory.
        :param dst: the path of the directory in the instance.
        :param mode: the permissions of all files, as for `put`; None keeps
            those of each file. New directories get those of the local ones.
        :param uid: the number of the owner of all.
        :param gid: the number of the group of all.
        :param parents: make the missing directories above ``dst`` too.
        :raises NotFound: the directory above ``dst`` is missing.
        :raises OSError: ``src`` is no directory (``ENOTDIR``).

        Endpoint: ``POST .../files?path=`` for each entry; needs
        ``directory_manipulation``, and ``file_symlinks`` for links.
        """
        src, dst = to_native(src), check_path(dst)
        if not os.path.isdir(src):
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), src)

        def put_entry(paths):
            # type: (Tuple[str, str]) -> List[Tuple[str, str]]
            local, remote = paths
            status = os.stat(local) if local == src else os.lstat(local)
            permissions = '{:o}'.format(stat.S_IMODE(status.st_mode))
            if stat.S_ISLNK(status.st_mode):
                self._client.dialect.need('file_symlinks')
                target = os.readlink(local).replace(os.sep, '/')
                self._create_entry(
                    remote, 'symlink', six.ensure_binary(target), None, uid,
                    gid)
            elif stat.S_ISDIR(status.st_mode):
                self.mk_dir(remote, permissions, uid, gid, parents)
                return [(os.path.join(local, name),
                         posixpath.join(remote, name))
                        for name in os.listdir(local)]
            elif stat.S_ISREG(status.st_mode):
                with open(local, 'rb') as data:
                    self.put(remote, data,
                             permissions if mode is None else mode, uid, gid)
            return []

        transfer_tree(put_entry, (src, dst))

    def recursive_get(self, remote_path, local_path):
        # type: (str, str) -> None
        """Read a directory of the instance into a local directory.

        Permissions are kept and links stay links; links that point into the
        directory are made relative. Nothing is written outside of
        ``local_path``, whatever the instance sends.

        :param remote_path: the path of the directory in the instance.
        :param local_path: the path of the local directory; if it is
            missing, it is made in the directory above.
        :raises NotFound: there is no such directory in the instance.
        :raises OSError: an entry cannot be written, as when a local
            directory has its name.

        Endpoint: ``GET .../files?path=`` for each entry.
        """
        remote_path = check_path(remote_path)
        top = posixpath.normpath(remote_path).rstrip('/') + '/'

        def get_entry(paths):
            # type: (Tuple[str, str]) -> List[Tuple[str, str]]
            remote, local = paths
            response = self._open(remote)
            entry_type = self._entry_type(response)
            if os.path.islink(local):
                os.unlink(local)  # never write through it
            if entry_type == 'directory':
                return self._save_directory(response, remote, local)
            if entry_type == 'symlink':
                target = self._read_link_target(response)
                # The server resolves a relative target to an absolute path
                if target.startswith(top):
                    target = posixpath.relpath(
                        target, posixpath.dirname(remote))
                if os.path.lexists(local):
                    os.unlink(local)
                os.symlink(target, local)
            else:
                self._save_file(response, local)
            return []

        transfer_tree(get_entry, (remote_path, to_native(local_path)))

    def _save_directory(self, response, remote, local):
        # type: (requests.Response, str, str) -> List[Tuple[str, str]]
        names = self._read_names(response)
        for name in names:
            if os.path.basename(name) != name:  # on Windows: a\b, c:d
                raise OSError(errno.EINVAL, 'not a name of a local file',
                              os.path.join(local, name))
        if not os.path.isdir(local):
            os.mkdir(local)
        os.chmod(local, self._permissions(response, 0o755) | stat.S_IRWXU)
        return [(posixpath.join(remote, name), os.path.join(local, name))
                for name in names]

    def _save_file(self, response, local_path):
        # type: (requests.Response, str) -> None
        # A temporary file first: nobody sees a part of a file, and a link
        # that has the name is replaced, not written through
        descriptor, temporary_path = tempfile.mkstemp(
            dir=os.path.dirname(local_path) or os.curdir)
        try:
            with os.fdopen(descriptor, 'wb') as target:
                self._client.transport.download(response, target)
            os.chmod(temporary_path, self._permissions(response, 0o644))
            replace(temporary_path, local_path)
        except BaseException as error:
            os.unlink(temporary_path)
            add_filename(error, local_path)
            raise

    def _permissions(self, response, default):
        # type: (requests.Response, int) -> int
        mode = self._client.dialect.header_of(response, 'mode')
        if not mode:
            return default
        if not re.match('[0-7]+$', mode):
            raise exceptions.InvalidResponse(response)
        return int(mode, 8) & 0o777


def transfer_tree(transfer_entry, top):
    # type: (Callable[[T], List[T]], T) -> None
    """Transfer an entry of a tree and all entries below it.

    `WORKERS` threads transfer the entries of a level at the same time.

    :param transfer_entry: a function that transfers one entry and returns
        the entries in it.
    :param top: the topmost entry.
    """
    from multiprocessing.pool import ThreadPool  # 10 ms that few need
    pool = ThreadPool(WORKERS)
    try:
        level = [top]
        while level:
            contents = pool.map_async(transfer_entry, level).get(NO_TIMEOUT)
            level = [entry for entries in contents for entry in entries]
    finally:
        pool.terminate()
        pool.join()


def check_path(path):
    # type: (Union[bytes, Text]) -> str
    """Return a path in an instance as the native type of text.

    :raises TypeError: the path is no text.
    :raises InvalidName: the path is empty, has a null character, or cannot
        be encoded in UTF-8.
    """
    # A path of Windows would have backslashes
    as_posix = getattr(path, 'as_posix', None)
    path = as_posix() if as_posix else to_path(path)
    if not isinstance(path, (bytes, six.text_type)):
        raise TypeError('a path must be text, not {!r}'.format(path))
    try:
        encoded = six.ensure_text(path).encode('utf-8')
    except UnicodeError:
        encoded = b''
    if not encoded or b'\0' in encoded:
        raise exceptions.InvalidName(
            '{!r} cannot be a path: it must be UTF-8 text, not empty, '
            'without null characters'.format(path))
    return six.ensure_str(encoded)


#: The permissions with the sticky bit that a directory may have as a number.
STICKY_MODES = (0o1777, 0o1775, 0o1770, 0o1755)


def format_mode(mode, is_directory=False):
    # type: (Union[int, str], bool) -> str
    """Return permissions as octal digits.

    A number with the sticky bit is most often a decimal one: 755 is 0o1363.

    :raises ValueError: ``mode`` is neither a number nor octal digits, or no
        permission.
    """
    try:
        if isinstance(mode, six.string_types):
            number = int(mode, 8)
        else:
            number = operator.index(mode)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = -1
    if 0o7777 < number <= 0o177777 and (
            stat.S_ISREG(number) or stat.S_ISDIR(number)):
        number = stat.S_IMODE(number)  # from os.stat
    elif number > 0 and number & stat.S_ISVTX and not (
            isinstance(mode, six.string_types)
            or is_directory and number in STICKY_MODES):
        raise ValueError(
            'mode={0} is 0o{0:o} in octal digits, with the sticky bit: write '
            "mode=0o{0}, or mode='{0:o}' if you mean that".format(number))
    if isinstance(mode, bool) or not 0 <= number <= 0o7777:
        raise ValueError("mode must be an octal number, such as 0o755, or "
                         "octal digits, '7777' at most, not {!r}".format(mode))
    # LXD takes 4755 for a decimal number
    return '0{:03o}'.format(number)


def to_native(path):
    # type: (str) -> str
    """Return a local path as the native type of text, on Python 2 bytes.

    On Python 2, names that are not UTF-8 can be joined to bytes alone.
    """
    path = to_path(path)
    return six.ensure_str(path) if six.PY2 else path
