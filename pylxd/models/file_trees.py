"""Directories that are written to a server, and read from it."""
import errno
import os
import posixpath
import re
import stat
import tempfile
import threading

import six

from pylxd import exceptions
from pylxd.core.progress import Progress, Reporter
from pylxd.models.file_access import FileAccess, check_path
from pylxd.transport.paths import add_filename, replace, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import (
        Any, Callable, Dict, List, Optional, Tuple, TypeVar)
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.file_access import Mode
    T = TypeVar('T')

#: Files of a tree that are transferred at once: four take little more than
#: half the time of one after the other.
WORKERS = 4
#: Seconds. Without any timeout, Python 2 could not interrupt the wait.
NO_TIMEOUT = 10 ** 8


class FileTrees(FileAccess):
    """The calls of `FilesManager` on whole directories."""

    def recursive_put(self,
                      src,  # type: str
                      dst,  # type: str
                      mode=None,  # type: Mode
                      uid=None,  # type: Optional[int]
                      gid=None,  # type: Optional[int]
                      parents=False,  # type: bool
                      progress=None,  # type: ProgressArgument
                      ):
        # type: (...) -> None
        """Write the contents of a local directory to the server.

        Missing directories are made, ``dst`` as well, but not those above
        it. Links stay links; sockets, pipes and devices are left out.

        :param src: the path of the local directory.
        :param dst: the path of the directory on the server.
        :param mode: the permissions of all files, as for `put`; None keeps
            those of each file. New directories get those of the local ones.
        :param uid: the number of the owner of all.
        :param gid: the number of the group of all.
        :param parents: make the missing directories above ``dst`` too.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
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
                             permissions if mode is None else mode, uid, gid,
                             **parts.arguments(remote))
            return []

        with Reporter(progress) as reporter:
            parts = Parts(reporter)
            transfer_tree(put_entry, (src, dst))

    def recursive_get(self, remote_path, local_path, progress=None):
        # type: (str, str, ProgressArgument) -> None
        """Read a directory into a local directory.

        Permissions are kept and links stay links; links that point into the
        directory are made relative. Nothing is written outside of
        ``local_path``, whatever the server sends.

        :param remote_path: the path of the directory on the server.
        :param local_path: the path of the local directory; if it is
            missing, it is made in the directory above.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises NotFound: there is no such directory.
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
                with Reporter(**parts.arguments(remote)) as part:
                    self._save_file(response, local, part)
            return []

        with Reporter(progress) as reporter:
            parts = Parts(reporter)
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

    def _save_file(self, response, local_path, reporter):
        # type: (requests.Response, str, Reporter) -> None
        # A temporary file first: nobody sees a part of a file, and a link
        # that has the name is replaced, not written through
        descriptor, temporary_path = tempfile.mkstemp(
            dir=os.path.dirname(local_path) or os.curdir)
        try:
            with os.fdopen(descriptor, 'wb') as target:
                self._client.transport.download(response, target, reporter)
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


class Parts(object):
    """The progress of the files of a tree, which threads transfer.

    :param reporter: reports the sum of their bytes.
    """

    def __init__(self, reporter):
        # type: (Reporter) -> None
        self._reporter = reporter
        self._lock = threading.Lock()
        self._done = 0

    def arguments(self, path):
        # type: (str) -> Dict[str, Any]
        """Return the argument ``progress`` of the transfer of one file.

        It is left out if nobody is told: programs may replace `put`.
        """
        if not self._reporter.is_active:
            return {}
        before = [0]

        def report(progress):
            # type: (Progress) -> None
            with self._lock:
                self._done += progress.done - before[0]
                before[0] = progress.done
                self._reporter.report(Progress(self._done, None, 'B', path))
        return {'progress': report}


def transfer_tree(transfer_entry, top):
    # type: (Callable[[T], List[T]], T) -> None
    """Transfer an entry of a tree and all entries below it.

    `WORKERS` threads transfer the entries of a level at the same time. After
    an error they begin no others.

    :param transfer_entry: a function that transfers one entry and returns
        the entries in it.
    :param top: the topmost entry.
    """
    from multiprocessing.pool import ThreadPool  # 10 ms that few need
    has_failed = threading.Event()

    def transfer_next(entry):
        # type: (T) -> List[T]
        if has_failed.is_set():
            return []
        try:
            return transfer_entry(entry)
        except BaseException:
            has_failed.set()
            raise

    pool = ThreadPool(WORKERS)
    try:
        level = [top]
        while level:
            contents = pool.map_async(transfer_next, level).get(NO_TIMEOUT)
            level = [entry for entries in contents for entry in entries]
    finally:
        pool.terminate()
        pool.join()


def to_native(path):
    # type: (str) -> str
    """Return a local path as the native type of text, on Python 2 bytes.

    On Python 2, names that are not UTF-8 can be joined to bytes alone.
    """
    path = to_path(path)
    return six.ensure_str(path) if six.PY2 else path
