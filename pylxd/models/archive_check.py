"""Whether the data of an archive is whole, told while it is transferred."""
import binascii
import re
import struct
import threading
import zlib

from six.moves import queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generator, Optional

ZSTD = b'\x28\xb5\x2f\xfd'
#: The bytes by which the format of an archive is known.
HEAD = 512
#: The last bytes, in which the footers of xz and bzip2 are.
TAIL = 11
#: The most bytes of output of zlib, or of the records of a tar archive, that
#: are kept in memory.
MOST_OUTPUT = 256 * 1024


class ArchiveCheck(object):
    """Tells whether the blocks of an archive reach its end.

    Use it in a ``with`` block. The formats gzip, bzip2, xz, zstd, squashfs
    and tar are known; data of another format, or that is damaged, passes.
    """

    def __init__(self):
        # type: () -> None
        self._head = b''
        self._format = None  # type: Any

    def __enter__(self):
        # type: () -> ArchiveCheck
        return self

    def __exit__(self, *_):
        # type: (*Any) -> None
        if self._format is not None:
            self._format.is_whole()  # ends its thread

    def update(self, block):
        # type: (bytes) -> None
        """Add the next block."""
        if self._format is None:
            self._head = block = self._head + bytes(block)
            if len(block) < HEAD:
                return
            self._format = find_format(block)
        self._format.update(bytes(block))

    def is_whole(self):
        # type: () -> bool
        """Return False if the data ends before the end of the archive."""
        if not self._head:
            return False  # a file that has been read already, as a rule
        if self._format is None:
            self._format = find_format(self._head)
            self._format.update(self._head)
        whole = self._format.is_whole()  # type: bool
        return whole


def find_format(head):
    # type: (bytes) -> Any
    """Return an object that checks the archive with these first bytes."""
    if head.startswith(b'\x1f\x8b'):
        return Gzip()
    if head.startswith(b'\xfd7zXZ\0'):
        return Footer(is_xz_footer)
    if head.startswith(b'BZh') and head[4:10] == b'1AY&SY':
        return Footer(is_bzip2_footer)
    if head.startswith(ZSTD):
        return Structure(walk_zstd())
    if head.startswith(b'hsqs'):
        return Structure(walk_squashfs())
    if head[257:262] == b'ustar':
        return Structure(walk_tar())
    return Structure(iter(()))


class Gzip(object):
    """A gzip file, which a thread decompresses to find its end.

    Nothing else tells the end of gzip. On two processors, the import of a
    container of 260 MB by a unix socket takes 1.4 times as long with it.
    """

    def __init__(self):
        # type: () -> None
        self._blocks = queue.Queue(4)  # type: Any
        self._member = zlib.decompressobj(31)  # type: Any
        self._is_damaged = False
        self._is_whole = None  # type: Optional[bool]
        self._thread = threading.Thread(target=self._decompress_blocks)
        self._thread.daemon = True
        self._thread.start()

    def _decompress_blocks(self):
        # type: () -> None
        for block in iter(self._blocks.get, None):
            try:
                while block and not self._is_damaged:
                    block = self._decompress(block)
                    if block:  # a file may have several members
                        self._member = zlib.decompressobj(31)
            except zlib.error:
                self._is_damaged = True

    def _decompress(self, data):
        # type: (bytes) -> bytes
        """Decompress data, and return what follows the end of the member."""
        while data:
            self._member.decompress(data, MOST_OUTPUT)
            if self._member.unused_data:
                rest = self._member.unused_data  # type: bytes
                return rest
            data = self._member.unconsumed_tail
        return b''

    def update(self, block):
        # type: (bytes) -> None
        """Add the next block."""
        self._blocks.put(block)

    def is_whole(self):
        # type: () -> bool
        """Return False if the last member has no end."""
        if self._is_whole is None:
            self._blocks.put(None)
            self._thread.join()
            try:
                # Python 2 has no `eof`
                self._is_whole = (
                    self._is_damaged or self._decompress(b'\0') == b'\0')
            except zlib.error:
                self._is_whole = False
        return self._is_whole


class Footer(object):
    """An archive that is whole if it has the right last bytes.

    :param is_footer: a function that tells whether the last `TAIL` bytes are
        right.
    """

    def __init__(self, is_footer):
        # type: (Callable[[bytes], bool]) -> None
        self._is_footer = is_footer
        self._tail = b''

    def update(self, block):
        # type: (bytes) -> None
        """Add the next block."""
        self._tail = (self._tail + block[-TAIL:])[-TAIL:]

    def is_whole(self):
        # type: () -> bool
        """Return False if the archive has no footer."""
        return self._is_footer(self._tail)


def is_xz_footer(tail):
    # type: (bytes) -> bool
    """Return whether xz may end with these bytes; zeros may be padding."""
    return tail.endswith((b'YZ', b'\0' * 4))


def is_bzip2_footer(tail):
    # type: (bytes) -> bool
    """Return whether bzip2 ends with these bytes.

    They are a number of 48 bits, a checksum of 32 bits, and up to 7 bits that
    fill the last byte.
    """
    bits = int(binascii.hexlify(tail), 16)
    return any(bits >> 32 + padding & (1 << 48) - 1 == 0x177245385090
               for padding in range(8))


class Structure(object):
    """An archive whose parts tell their sizes.

    :param walk: a generator that yields the size of a part that it is to be
        sent, or the negative size of a part to skip. It yields 0 where the
        archive may end, and returns where anything may follow.
    """

    def __init__(self, walk):
        # type: (Any) -> None
        self._walk = walk
        self._part = b''
        self._wanted = next(walk, None)  # type: Optional[int]

    def update(self, block):
        # type: (bytes) -> None
        """Add the next block."""
        position = 0
        while self._wanted is not None and position < len(block):
            if self._wanted < 0:
                step = min(-self._wanted, len(block) - position)
                self._wanted += step
                is_complete = self._wanted == 0
            else:
                step = self._wanted - len(self._part)
                self._part += block[position:position + step]
                is_complete = len(self._part) == self._wanted
            position += step
            if is_complete:
                part, self._part = self._part, b''
                try:
                    self._wanted = self._walk.send(part)
                except StopIteration:
                    self._wanted = None

    def is_whole(self):
        # type: () -> bool
        """Return False if the archive ends within or before a part."""
        return self._wanted in (None, 0)


def walk_squashfs():
    # type: () -> Generator[int, bytes, None]
    """Walk a squashfs image, whose superblock has its size."""
    superblock = yield 96
    size, = struct.unpack('<Q', superblock[40:48])
    if size > 96:
        yield 96 - size


def walk_zstd():
    # type: () -> Generator[int, bytes, None]
    """Walk the frames and blocks of a zstd file."""
    while True:
        magic = yield 4
        if magic[1:] == b'\x2a\x4d\x18':  # a frame to skip
            size, = struct.unpack('<I', (yield 4))
            if size:
                yield -size
        elif magic != ZSTD:
            return
        else:
            descriptor, = bytearray((yield 1))
            has_window = not descriptor & 0x20
            # The window, the id of the dictionary, the size of the content
            yield -(has_window + (0, 1, 2, 4)[descriptor & 3]
                    + (not has_window, 2, 4, 8)[descriptor >> 6])
            is_last = False
            while not is_last:
                head, = struct.unpack('<I', (yield 3) + b'\0')
                is_last = bool(head & 1)
                size = 1 if head >> 1 & 3 == 1 else head >> 3
                if size:
                    yield -size
            if descriptor & 4:
                yield -4  # the checksum
        yield 0


def walk_tar():
    # type: () -> Generator[int, bytes, None]
    """Walk the members of a tar archive, up to the zeros at its end."""
    real_size = None  # type: Optional[int]
    while True:
        header = yield 512
        kind = header[156:157]
        try:
            size = parse_tar_number(header[124:136])
        except ValueError:
            return
        if header[257:262] != b'ustar' or kind == b'S' or (
                kind == b'x' and size > MOST_OUTPUT):
            return  # the end; or a sparse file, or a damaged archive
        if kind in (b'1', b'2', b'3', b'4', b'5', b'6'):  # have no data
            size = 0
        elif real_size is not None and kind not in b'xgKL':
            size, real_size = real_size, None
        blocks = (size + 511) // 512 * 512
        if kind == b'x' and blocks:
            # A size of more than 8 GiB is in such a record
            found = re.search(br'(?:^|\n)\d+ size=(\d+)\n', (yield blocks))
            real_size = int(found.group(1)) if found else None
        elif blocks:
            yield -blocks


def parse_tar_number(field):
    # type: (bytes) -> int
    """Return a number of a header: octal digits, or GNU's binary form.

    :raises ValueError: this is no number.
    """
    if field.startswith(b'\x80'):
        return int(binascii.hexlify(field[1:]), 16)
    return int(field.strip(b' \0') or b'0', 8)
