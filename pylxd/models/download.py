"""Downloads: their destinations, and their blocks as an iterator."""
import contextlib
import io
import os
import shutil

import six

from pylxd.models.image_data import random_name
from pylxd.transport.paths import add_filename, replace, to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generator, Iterator, Optional, Text, Union
    from pylxd.models.protocols import Writable


class Destination(object):
    """The place that downloaded data goes to.

    :param place: a file that is open for writing bytes; a path, on which a
        file appears with `commit`, with the mode of the one that it replaces;
        None collects bytes.
    :raises TypeError: ``place`` is none of these.
    :raises EnvironmentError: no file can be made at the path.
    """

    def __init__(self, place):
        # type: (Union[None, Text, Writable]) -> None
        self._place = place
        #: The path of the file that appears; `place` if that is no path.
        self.path = to_path(place)  # type: Any
        self._is_path = isinstance(self.path, six.string_types)
        # The path that the data is written to, until all of it has come
        self._temporary_path = None  # type: Optional[str]
        self._final_path = ''  # type: str
        if place is None:
            self.file = io.BytesIO()  # type: Any
        elif not self._is_path:
            if isinstance(place, io.TextIOBase) or not hasattr(
                    place, 'write'):
                raise TypeError(
                    "the destination of a download must be a path or a file "
                    "open for writing bytes (mode 'wb'), not {!r}".format(
                        type(place)))
            self.file = place
        elif not self.path or (
                os.path.exists(self.path) and not os.path.isfile(self.path)):
            # A device such as /dev/null must not be replaced
            self.file = open(self.path, 'wb')
        else:
            # Beside the file that a symbolic link names
            self._final_path = os.path.realpath(self.path)
            self._temporary_path = '.'.join(
                [self._final_path, random_name()[:8], 'part'])
            self.file = open(self._temporary_path, 'wb')
            if os.path.exists(self._final_path):
                shutil.copymode(self._final_path, self._temporary_path)

    def commit(self):
        # type: () -> Any
        """Keep the data.

        :return: the bytes; the path or the file if there is one.
        """
        if self._is_path:
            self.file.close()
        if self._temporary_path is not None:
            replace(self._temporary_path, self._final_path)
        return self.file.getvalue() if self._place is None else self._place

    def discard(self):
        # type: () -> None
        """Remove the file that `commit` has not kept."""
        if self._is_path:
            try:
                self.file.close()
            except EnvironmentError:
                pass  # a full disk does not take what is buffered
        if self._temporary_path is not None and os.path.exists(
                self._temporary_path):
            os.unlink(self._temporary_path)


class Download(object):
    """The blocks of a download, which are received as they are read.

    A download that is not read to its end must be closed; a ``with`` block
    does that, and so does Python when nothing refers to the download.

    :param blocks: a generator that begins the download, yields ``b''``, and
        then yields the blocks.
    """

    def __init__(self, blocks):
        # type: (Generator[bytes, None, None]) -> None
        self._blocks = blocks
        next(blocks)

    def __iter__(self):
        # type: () -> Download
        return self

    def __next__(self):
        # type: () -> bytes
        """Return the next block.

        :raises StopIteration: the download is complete, or was closed.
        :raises StreamBroken: the download was cut off.
        """
        return next(self._blocks)

    next = __next__

    def read(self, size=-1):
        # type: (int) -> bytes
        """Return the next block, b'' at the end, so that it can be uploaded.

        :param size: ignored.
        :raises StreamBroken: the download was cut off.
        """
        return next(self._blocks, b'')

    def close(self):
        # type: () -> None
        """End the download."""
        self._blocks.close()

    def __enter__(self):
        # type: () -> Download
        return self

    def __exit__(self, *exc_info):
        # type: (*Any) -> None
        self.close()


def download_to(place, blocks):
    # type: (Union[None, Text, Writable], Generator[bytes, None, None]) -> Any
    """Write a download to a file.

    The place is checked before the download begins.

    :param place: a path or a file, as for `Destination`.
    :param blocks: as for `Download`.
    :return: the place; if it is None, a `Download`, which writes nothing.
    """
    if place is None:
        return Download(blocks)
    destination = Destination(place)
    try:
        with Download(blocks) as download:
            for block in download:
                with name_file(destination):
                    destination.file.write(block)
        with name_file(destination):
            return destination.commit()
    except BaseException:
        destination.discard()
        raise


@contextlib.contextmanager
def name_file(destination):
    # type: (Destination) -> Iterator[None]
    """Make errors of a block name the file that is written."""
    try:
        yield
    except EnvironmentError as error:
        add_filename(error, destination.path)
        raise
