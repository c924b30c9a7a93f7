"""The data of an image: its fingerprint, its upload, its download."""
import binascii
import hashlib
import io
import os
import re
import threading

import six
from six.moves import queue

from pylxd import exceptions
from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Callable, Iterable, Iterator, Optional, Text, Tuple, Union)
    from pylxd.models.protocols import Readable, Writable

# Windows' rename() replaces no file
_replace = getattr(os, 'replace', os.rename)


class Digest(object):
    """The SHA-256 of an image; a thread computes it in a ``with`` block.

    Hashing takes as long as the transfer: an export that does one after the
    other has 0.56 of the speed of curl; with a thread, on two processors,
    0.84.
    """

    def __init__(self):
        # type: () -> None
        self._digest = hashlib.sha256()
        self._blocks = queue.Queue(4)  # type: Any
        self._thread = threading.Thread(target=self._hash_blocks)

    def _hash_blocks(self):
        # type: () -> None
        for block in iter(self._blocks.get, None):
            self._digest.update(block)

    def __enter__(self):
        # type: () -> Digest
        self._thread.start()
        return self

    def update(self, block):
        # type: (bytes) -> None
        """Add the next block of the image."""
        # bytes() raises here, not in the thread, if the block is no bytes
        self._blocks.put(bytes(block))

    def __exit__(self, *_):
        # type: (*Any) -> None
        self._blocks.put(None)
        self._thread.join()

    def hexdigest(self):
        # type: () -> str
        """Return the digest in hexadecimal, after the ``with`` block."""
        return self._digest.hexdigest()


class Upload(object):
    """A file that adds all that is read from it to a digest.

    :param data: bytes, or a file that is open for reading bytes.
    :param digest: the digest.
    :raises TypeError: ``data`` has another type.
    """

    #: The size in bytes, which requests looks for; 0 if it is not known: the
    #: data of a pipe is sent in chunks.
    len = 0  # type: int

    def __init__(self, data, digest):
        # type: (Union[bytes, bytearray, Readable], Digest) -> None
        if isinstance(data, (bytes, bytearray)):
            data = io.BytesIO(data)
        if not hasattr(data, 'read') or isinstance(data, io.TextIOBase):
            raise TypeError("the data of an image must be bytes or a file "
                            "open for reading bytes (mode 'rb'), not "
                            "{!r}".format(type(data)))
        self._file = file = data  # type: Any
        self._digest = digest
        try:
            position = file.tell()
            file.seek(0, os.SEEK_END)
            self.len = file.tell() - position
            file.seek(position)
        except (AttributeError, IOError, ValueError):
            pass  # a pipe

    def read(self, size=BLOCK):
        # type: (int) -> bytes
        """Return the next bytes; b'' at the end.

        :param size: at most so many, but never less than `BLOCK`.
        """
        data = self._file.read(max(size, BLOCK))
        self._digest.update(data)
        return data

    def __iter__(self):
        # type: () -> Iterator[bytes]
        return iter(self.read, b'')


class Destination(object):
    """The place that downloaded data goes to.

    :param place: a file that is open for writing bytes; a path, on which a
        file appears with `commit`; None collects bytes.
    """

    def __init__(self, place):
        # type: (Union[None, Text, Writable]) -> None
        self._place = place
        self._temporary_path = None  # type: Optional[str]
        if place is None:
            self.file = io.BytesIO()  # type: Any
        elif isinstance(place, six.string_types):
            self._temporary_path = '{}.{}.part'.format(
                place, random_name()[:8])
            self.file = open(self._temporary_path, 'wb')
        else:
            self.file = place

    def commit(self):
        # type: () -> Any
        """Keep the data.

        :return: the bytes; the path or the file if there is one.
        """
        if self._temporary_path is not None:
            self.file.close()
            _replace(self._temporary_path, str(self._place))
        return self.file.getvalue() if self._place is None else self._place

    def discard(self):
        # type: () -> None
        """Remove the file that `commit` has not kept."""
        if self._temporary_path is not None:
            self.file.close()
            if os.path.exists(self._temporary_path):
                os.unlink(self._temporary_path)


class FormSplitter(object):
    """Divides a multipart form into its parts while it is written.

    :param boundary: the text that separates the parts.
    :param open_part: a function that is called with the file name of each
        part, and returns the file to write the part to.
    :param digest: updated with the contents of all parts.
    """

    def __init__(self, boundary, open_part, digest):
        # type: (Text, Callable[[str], Writable], Digest) -> None
        self._mark = b'\r\n--' + six.ensure_binary(boundary)
        self._open_part = open_part
        self._digest = digest
        self._part = None  # type: Optional[Writable]
        # The mark of the first part has no line before it
        self._unwritten = b'\r\n'
        #: Whether the end of the form was written.
        self.has_ended = False  # type: bool

    def write(self, data):
        # type: (bytes) -> None
        """Write the next bytes of the form.

        :raises StreamBroken: the form is malformed.
        """
        data = self._unwritten + data
        place = data.find(self._mark)
        while place >= 0 and not self.has_ended:
            start = place + len(self._mark)
            end = data.find(b'\r\n\r\n', start)
            self.has_ended = data[start:start + 2] == b'--'
            if self.has_ended:
                self._write_part(data[:place])
                return
            if end < 0:
                break  # the rest of the head is to come
            self._write_part(data[:place])
            filename = re.search(b'filename="?([^";\r\n]*)', data[start:end])
            self._part = self._open_part(six.ensure_str(
                filename.group(1) if filename else b'', errors='replace'))
            data = data[end + 4:]
            place = data.find(self._mark)
        if self.has_ended:
            return
        # The last bytes may be the start of a mark
        size = place if place >= 0 else max(len(data) - len(self._mark), 0)
        self._write_part(data[:size])
        self._unwritten = data[size:]
        if len(self._unwritten) > BLOCK:
            raise exceptions.StreamBroken(
                'a part of the form has a head of more than {} bytes'.format(
                    BLOCK))

    def _write_part(self, data):
        # type: (bytes) -> None
        if self._part is not None and data:
            self._part.write(data)
            self._digest.update(data)


def random_name():
    # type: () -> str
    """Return 32 random hexadecimal digits."""
    # uuid would do; its import takes 2 ms, a sixth of this library's
    return six.ensure_str(binascii.hexlify(os.urandom(16)))


def iterate_form(boundary, parts):
    # type: (str, Iterable[Tuple[str, Iterable[bytes]]]) -> Iterator[bytes]
    """Yield the pieces of a multipart form.

    :param boundary: the text that separates the parts.
    :param parts: pairs of the name of a part and an iterable of its bytes.
    """
    for name, data in parts:
        yield six.ensure_binary(
            '--{}\r\nContent-Disposition: form-data; name="{}"; '
            'filename="{}"\r\n\r\n'.format(boundary, name, name))
        for piece in data:
            yield piece
        yield b'\r\n'
    yield six.ensure_binary('--{}--\r\n'.format(boundary))
