"""Reading and writing the files in an instance or a storage volume."""
import contextlib
import errno
import io
import operator
import os
import posixpath
import stat

import six

from pylxd import exceptions
from pylxd.core.progress import Reporter
from pylxd.core.values import check_id
from pylxd.models.image_data import observe_data
from pylxd.transport import rest
from pylxd.transport.bodies import content_length
from pylxd.transport.dialect import is_owner_missing
from pylxd.transport.paths import to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import (
        Any, Iterable, Iterator, List, Optional, overload, Text, TypeVar,
        Union)
    from pylxd.client import Client
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.protocols import Readable, Writable
    FileData = Union[bytes, bytearray, Text, Readable, Iterable[bytes]]
    Mode = Union[int, str, None]
    W = TypeVar('W', bound=Writable)

#: Symbolic links that `FilesManager.get` follows, as many as Linux does.
MAX_LINKS = 40


class FileAccess(object):
    """The calls of `FilesManager` that all others are made of."""

    #: The API extension that all calls but `sftp` need; empty if they need
    #: none.
    extension = ''
    #: The API extension that `sftp` needs.
    sftp_extension = ''

    def __init__(self, client, container):
        # type: (Client, Any) -> None
        self._client = client
        # An instance or a volume; programs that replace a method read it
        self._container = container

    def __repr__(self):
        # type: () -> str
        return '<{} of {!r}>'.format(type(self).__name__, self._container)

    @property
    def _node(self):
        # type: () -> rest.Node
        if self.extension:
            self._client.dialect.need(self.extension)
        node = self._container.ensure_ready().files  # type: rest.Node
        return node

    def _describe(self, path):
        # type: (str) -> str
        return '{} in {}'.format(path, self._container.name)

    @contextlib.contextmanager
    def _naming(self, path, if_missing=''):
        # type: (str, str) -> Iterator[None]
        """Name a path and its owner in the errors of a block.

        :param if_missing: what the user can do if a directory is missing.
        """
        try:
            yield
        except exceptions.LXDAPIException as error:
            error.subject = self._describe(path)
            if isinstance(error, exceptions.NotFound) and (
                    not is_owner_missing(error)):
                error.hint = if_missing
            raise

    if TYPE_CHECKING:
        @overload
        def get(self, filepath, fileobj=None, progress=None):
            # type: (str, None, ProgressArgument) -> bytes
            pass

        @overload
        def get(self, filepath, fileobj, progress=None):
            # type: (str, W, ProgressArgument) -> W
            pass

    def get(self, filepath, fileobj=None, progress=None):
        # type: (str, Optional[W], ProgressArgument) -> Union[bytes, W]
        """Read a file, following symbolic links.

        :param filepath: the path of the file.
        :param fileobj: a file that is open for writing bytes, to write the
            data to, piece by piece; None returns all data.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
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
        with Reporter(progress) as reporter:
            response = self._open_file(filepath)
            reporter.start(filepath, content_length(response))
            if fileobj is None:
                target = io.BytesIO()
                self._client.transport.download(response, target, reporter)
                return target.getvalue()
            self._client.transport.download(response, fileobj, reporter)
            return fileobj

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

    def put(self,
            filepath,  # type: str
            data,  # type: FileData
            mode=None,  # type: Mode
            uid=None,  # type: Optional[int]
            gid=None,  # type: Optional[int]
            progress=None,  # type: ProgressArgument
            ):
        # type: (...) -> bool
        """Write a file.

        :param filepath: the path of the file.
        :param data: bytes, text (sent as UTF-8), a file that is open for
            reading bytes, or an iterable of bytes.
        :param mode: the permissions: an octal number (``0o755``, not
            ``755``), octal digits (``'0755'``) or the ``st_mode`` of
            `os.stat`; None is the server's default.
        :param uid: the number of the owner.
        :param gid: the number of the group.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :return: True.
        :raises TypeError: ``data`` has another type.
        :raises ValueError: ``mode`` is no permission, or a decimal number.
        :raises NotFound: the directory is missing; `mk_dir` makes it.
        :raises LXDAPIException: the server refused.

        Endpoint: ``POST .../files?path=``.
        """
        with Reporter(progress) as reporter:
            self._create_entry(
                filepath, 'file',
                observe_data(self._encode(filepath, data), filepath, reporter),
                mode, uid, gid)
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

        :param path: the path of the directory.
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

    def listdir(self, path):
        # type: (str) -> List[str]
        """List the names in a directory.

        :param path: the path of the directory.
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


def check_path(path):
    # type: (Union[bytes, Text]) -> str
    """Return a path of a file as the native type of text.

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
