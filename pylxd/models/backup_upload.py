"""The upload of backups and other archives."""
import contextlib
import os

import six

from pylxd import exceptions
from pylxd.models.archive_check import ArchiveCheck
from pylxd.models.image_data import Upload
from pylxd.transport.paths import to_path
from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator
    from pylxd.core.progress import Reporter


class ArchiveUpload(Upload):
    """The data of a request, of which an archive that is cut short is refused.

    Servers make nothing of a request whose body ends early: the end of the
    body is sent only if the archive is whole.

    :param name: the name of the archive, for messages.
    :param check: an `ArchiveCheck`.
    """

    def __init__(self,
                 data,  # type: Any
                 name,  # type: str
                 check,  # type: ArchiveCheck
                 *observers  # type: Any
                 ):
        # type: (...) -> None
        super(ArchiveUpload, self).__init__(data, check, *observers)
        self._name = name
        self._check = check
        self._received = 0

    def read(self, size=BLOCK):
        # type: (int) -> bytes
        """Return the next bytes; see `Upload.read`.

        :raises ValueError: the archive is cut short.
        """
        data = super(ArchiveUpload, self).read(size)
        self._received += len(data)
        is_last = not data or 0 < self.len <= self._received
        if is_last and not self._check.is_whole():
            raise ValueError(
                '{} is cut short: it ends after {} bytes, before the end of '
                'the archive; nothing was created'.format(
                    self._name, self._received))
        return data


@contextlib.contextmanager
def open_archive(file, reporter):
    # type: (Any, Reporter) -> Iterator[Upload]
    """Provide the data of a request that has an archive, for a block.

    :param file: the path of a file, a file that is open for reading bytes, or
        the bytes. On Python 2, bytes are a path.
    :param reporter: told of the blocks that are sent.
    :raises TypeError: ``file`` has another type.
    """
    path = to_path(file)
    if isinstance(path, six.string_types):
        with open(path, 'rb') as opened, open_archive(
                opened, reporter) as upload:
            yield upload
        return
    name = getattr(path, 'name', None)
    name = os.path.basename(exceptions.printable(name)) if isinstance(
        name, six.string_types) else 'the data'
    with ArchiveCheck() as check:
        upload = ArchiveUpload(path, name, check, reporter)
        reporter.start(name, upload.len or None)
        yield upload
