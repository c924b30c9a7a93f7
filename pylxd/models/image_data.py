"""The data of an image on its way: its fingerprint, and its upload."""
import binascii
import hashlib
import io
import os
import threading

import six
from six.moves import queue

from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Tuple


class Digest(object):
    """The SHA-256 of an image, computed by a thread while it is open.

    Hashing takes as long as moving: one after the other, an export has 0.56
    of curl's speed; beside each other, on two processors, 0.84.
    """

    def __init__(self):
        # type: () -> None
        self._digest = hashlib.sha256()
        self._blocks = queue.Queue(4)  # type: Any
        self._thread = threading.Thread(target=self._run)

    def _run(self):
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
        self._blocks.put(bytes(block))  # raises here what is no bytes

    def __exit__(self, *_):
        # type: (*Any) -> None
        self._blocks.put(None)
        self._thread.join()

    def hexdigest(self):
        # type: () -> str
        """Return the digest of all blocks, after the end of the block."""
        return self._digest.hexdigest()


class Upload(object):
    """A file that computes the fingerprint of what is read from it."""

    def __init__(self, data, digest):
        # type: (Any, Any) -> None
        if isinstance(data, (bytes, bytearray)):
            data = io.BytesIO(data)
        if not hasattr(data, 'read') or isinstance(data, io.TextIOBase):
            raise TypeError('image data must be bytes or an open binary file, '
                            'not {!r}'.format(type(data)))
        self._file = data
        self._digest = digest
        try:
            here = data.tell()
            data.seek(0, os.SEEK_END)
            self.len = data.tell() - here  # requests asks for it
            data.seek(here)
        except (AttributeError, IOError, ValueError):
            self.len = 0  # a pipe: sent in chunks

    def read(self, size=BLOCK):
        # type: (int) -> bytes
        data = self._file.read(max(size, BLOCK))
        self._digest.update(data)
        return data

    def __iter__(self):
        # type: () -> Iterator[bytes]
        return iter(self.read, b'')


def random_name():
    # type: () -> str
    """Return 32 random hexadecimal digits."""
    # What uuid gives, whose import takes 2 ms, a sixth of ours
    return six.ensure_str(binascii.hexlify(os.urandom(16)))


def form(boundary, parts):
    # type: (str, Iterable[Tuple[str, Iterable[bytes]]]) -> Iterator[bytes]
    """Yield the pieces of a multipart form.

    :param boundary: the text between its parts.
    :param parts: pairs of a name and an iterable of bytes.
    """
    for name, data in parts:
        yield six.ensure_binary(
            '--{}\r\nContent-Disposition: form-data; name="{}"; '
            'filename="{}"\r\n\r\n'.format(boundary, name, name))
        for piece in data:
            yield piece
        yield b'\r\n'
    yield six.ensure_binary('--{}--\r\n'.format(boundary))
