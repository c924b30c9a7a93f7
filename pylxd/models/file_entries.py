"""Calls on single entries of a file tree."""
import posixpath
import re

import six

from pylxd import exceptions
from pylxd.core.progress import Reporter
from pylxd.models.file_access import FileAccess, check_path
from pylxd.models.image_data import observe_data

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    import socket
    from typing import Any, List, Optional, Set
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.file_access import FileData


class FileStatus(object):
    """The status of a file, directory or symbolic link.

    It is that of the link itself, as for ``os.lstat``.
    """

    #: ``file``, ``directory`` or ``symlink``.
    type = ''  # type: str
    #: The permissions, as a number such as ``0o644``.
    mode = 0  # type: int
    #: The number of the owner.
    uid = 0  # type: int
    #: The number of the group.
    gid = 0  # type: int
    #: The size of a file in bytes; None for directories and links.
    size = None  # type: Optional[int]

    def __init__(self, **fields):
        # type: (**Any) -> None
        self.__dict__.update(fields)

    def __repr__(self):
        # type: () -> str
        return '<FileStatus {}: 0{:o}, {}:{}{}>'.format(
            self.type, self.mode, self.uid, self.gid,
            '' if self.size is None else ', {} bytes'.format(self.size))


class FileEntries(FileAccess):
    """The calls of `FilesManager` on single entries."""

    def delete(self, filepath, recursive=False):
        # type: (str, bool) -> None
        """Delete a file or an empty directory.

        :param filepath: its path.
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
        """Tell whether the server can delete these files.

        That needs ``file_delete``, in volumes ``file_storage_volume``.
        """
        return bool(self._client.dialect.has(self.extension or 'file_delete'))

    def stat(self, path):
        # type: (str) -> FileStatus
        """Get the status of a file, directory or symbolic link.

        :param path: its path; a link at the end of it is not
            followed.
        :return: the status, with ``type``, ``mode``, ``uid``, ``gid`` and
            ``size``.
        :raises NotFound: there is no such file.

        Endpoint: ``HEAD .../files?path=``; needs ``instance_file_head``. LXD
        5.0 sends the size of a file with ``GET`` alone, whose body is not
        read.
        """
        self._client.dialect.need('instance_file_head')
        try:
            response = self._head(path)
        except exceptions.LXDAPIException:
            response = self._open(path)  # for the reason
        type_ = self._read_header(response, 'type', r'\w+')
        if type_ == 'file' and 'Content-Length' not in response.headers:
            response = self._open(path)
        response.close()
        size = response.headers.get('Content-Length', '')
        return FileStatus(
            type=type_,
            mode=int(self._read_header(response, 'mode', '[0-7]+'), 8),
            uid=int(self._read_header(response, 'uid', '[0-9]+')),
            gid=int(self._read_header(response, 'gid', '[0-9]+')),
            size=int(size) if type_ == 'file' and size.isdigit() else None)

    def _head(self, path):
        # type: (str) -> requests.Response
        response = self._node.head(
            params={'path': check_path(path)})  # type: Any
        return response

    def _read_header(self, response, name, pattern):
        # type: (requests.Response, str, str) -> str
        value = self._client.dialect.header_of(response, name) or ''
        if not re.match(pattern + '$', value):
            raise exceptions.InvalidResponse(response)
        return str(value)

    def exists(self, path):
        # type: (str) -> bool
        """Return whether there is a file, directory or link with this path.

        :param path: its path; a link at the end of it is not
            followed.
        :raises LXDAPIException: the server refused, as when the path leads
            through a file.

        Endpoint: ``HEAD .../files?path=``; needs ``instance_file_head``.
        """
        self._client.dialect.need('instance_file_head')
        try:
            self._head(path)
        except exceptions.NotFound:
            return False
        except exceptions.LXDAPIException:
            self._open(path).close()  # for the reason
        return True

    def append(self, filepath, data, progress=None):
        # type: (str, FileData, ProgressArgument) -> None
        """Append to a file that exists.

        :param filepath: the path of the file.
        :param data: as for `put`.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises TypeError: ``data`` has another type.
        :raises NotFound: there is no such file.

        Endpoint: ``POST .../files?path=``; needs ``file_append``.
        """
        dialect = self._client.dialect
        with Reporter(progress) as reporter:
            dialect.need('file_append')
            self._create_entry(
                filepath, 'file',
                observe_data(self._encode(filepath, data), filepath, reporter),
                None, None, None, {dialect.header('write'): 'append'})

    def symlink(self, path, target, uid=None, gid=None):
        # type: (str, str, Optional[int], Optional[int]) -> None
        """Make a symbolic link.

        :param path: the path of the link.
        :param target: the path that the link leads to.
        :param uid: the number of the owner.
        :param gid: the number of the group.
        :raises LXDAPIException: the server refused, as when the path exists.

        Endpoint: ``POST .../files?path=``; needs ``file_symlinks``.
        """
        self._client.dialect.need('file_symlinks')
        target = check_path(target)
        self._create_entry(
            path, 'symlink', six.ensure_binary(target), None, uid, gid)

    def sftp(self):
        # type: () -> socket.socket
        """Connect to the SFTP server of these files.

        :return: the connected socket, which the caller closes. It is for the
            client of an SFTP library; SSH is not spoken on it.
        :raises LXDAPIException: the server refused.

        Endpoint: ``GET .../sftp``.
        """
        if self.sftp_extension:
            self._client.dialect.need(self.sftp_extension)
        connected = self._container.ensure_ready().sftp.upgrade(
            'sftp')  # type: socket.socket
        return connected

    def _delete_tree(self, path):
        # type: (str) -> None
        """Delete a directory and all that is in it.

        Symbolic links are deleted, and not followed.
        """
        node, dialect = self._node, self._client.dialect
        path = check_path(path)
        if not posixpath.normpath('/' + path).strip('/'):
            raise ValueError(
                'delete(recursive=True) does not delete the root directory')
        waiting, opened = [path], set()  # type: List[str], Set[str]
        while waiting:
            try:
                self.delete(waiting[-1])
            except exceptions.NotFound:
                if waiting[-1] == path and not opened:
                    raise
                waiting.pop()  # another client has deleted it
            except exceptions.LXDAPIException as error:
                if dialect.has('file_delete_force'):
                    # Not at once: Incus 7 would follow a link
                    with self._naming(path):
                        node.delete(params={'path': path}, headers={
                            dialect.header('force'): 'true'})
                    return
                names = self._names_to_delete(waiting[-1], opened)
                if not names:
                    raise error
                waiting += [posixpath.join(waiting[-1], name)
                            for name in names]
            else:
                waiting.pop()

    def _names_to_delete(self, path, opened):
        # type: (str, Set[str]) -> List[str]
        """Return the names in a directory, the first time for each path."""
        if path in opened:
            return []
        opened.add(path)
        try:
            return self.listdir(path)
        except (OSError, exceptions.NotFound):
            return []
