"""Archives that are cut short, and that are not."""
import base64
import bz2
import gzip
import io
import os
import struct
import tarfile

import pytest

from pylxd.models import archive_check

#: A hole, and bytes that cannot be compressed.
CONTENT = b'\0' * 2000 + os.urandom(1500)
ZSTD = archive_check.ZSTD


def make_tar(format):
    """Return an archive, and the size that it has at least without padding.
    """
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode='w', format=format) as tar:
        for name in 'a', 'b' * 300:
            entry = tarfile.TarInfo(name)
            entry.size = len(CONTENT)
            tar.addfile(entry, io.BytesIO(CONTENT))
        link = tarfile.TarInfo('link')  # its size is not that of any data
        link.type, link.linkname, link.size = tarfile.LNKTYPE, 'a', 700
        tar.addfile(link)
        least = tar.offset + 512
    return data.getvalue(), [least]


def make_gzip(content):
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode='wb') as file:
        file.write(content)
    return target.getvalue()


def zstd_block(kind, size, is_last, content):
    return struct.pack('<I', size << 3 | kind << 1 | is_last)[:3] + content


#: A frame of two blocks with a window and a checksum.
LONG_FRAME = (ZSTD + b'\x04\x58' + zstd_block(0, 900, 0, CONTENT[-900:])
              + zstd_block(1, 99, 1, b'x') + b'CRC!')
SKIPPED_FRAME = b'\x53\x2a\x4d\x18' + struct.pack('<I', 3) + b'abc'
#: A frame that is one segment.
SHORT_FRAME = ZSTD + b'\x20\x02' + zstd_block(0, 2, 1, b'ok')
GZIP = make_gzip(CONTENT)
BZIP2 = bz2.compress(CONTENT)
SQUASHFS = b'hsqs' + b'\0' * 36 + struct.pack('<Q', 2500) + CONTENT[:2452]
XZ = base64.b64decode(
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQABb2sAAAAAdE3+HE7Oz/AAARoCO1r1'
    'Hx+2830BAAAAAARZWg==')


@pytest.mark.parametrize('size', [5, 700, 1 << 20])
@pytest.mark.parametrize('data, ends', [
    make_tar(tarfile.PAX_FORMAT),
    make_tar(tarfile.GNU_FORMAT),
    (GZIP, [len(GZIP)]),
    (GZIP + GZIP, [len(GZIP), 2 * len(GZIP)]),
    (XZ, [33, len(XZ)]),  # zeros may be padding
    (BZIP2, [len(BZIP2)]),
    (SQUASHFS + b'\0' * 1596, [len(SQUASHFS)]),
    (LONG_FRAME + SKIPPED_FRAME + SHORT_FRAME, [
        len(LONG_FRAME), len(LONG_FRAME + SKIPPED_FRAME),
        len(LONG_FRAME + SKIPPED_FRAME + SHORT_FRAME)]),
], ids=['pax', 'gnu', 'gzip', 'members', 'xz', 'bzip2', 'squashfs', 'zstd'])
def test_ends(data, ends, size):
    """Only whole archives pass, whatever the size of the blocks.

    :param ends: the sizes with which an archive is whole; after the last one
        there is only padding.
    """
    # The first 262 bytes tell the format
    tried = set(range(263 if len(data) > 5000 else 12, len(data), 97))
    tried.update(end + near for end in ends for near in (-1, 0))
    for end in tried:
        assert is_whole(data[:end], size) == (
            end in ends or end >= ends[-1]), end


def is_whole(data, size=1000):
    with archive_check.ArchiveCheck() as check:
        for start in range(0, len(data), size):
            check.update(data[start:start + size])
        assert check.is_whole() == check.is_whole()
        return check.is_whole()


def test_a_member_of_more_than_8_gib():
    """Its size is in a record of its own; the field of its header is 0."""
    record = b'19 size=9000000000\n'
    check = archive_check.Structure(archive_check.walk_tar())
    check.update(header(b'x', len(record)) + record.ljust(512, b'\0')
                 + header(b'0', 0) + b'\0' * 5000)
    assert not check.is_whole()
    check = archive_check.Structure(archive_check.walk_tar())
    check.update(header(b'0', b'\x80' + struct.pack('>3xQ', 9000000000))
                 + b'\0' * 5000)
    assert not check.is_whole()


def header(kind, size):
    if isinstance(size, int):
        size = '{:011o}\0'.format(size).encode()
    return (b'name'.ljust(124, b'\0') + size).ljust(156, b'\0') + (
        kind.ljust(101, b'\0') + b'ustar\00000').ljust(356, b'\0')


def test_footers_of_bzip2():
    """They start at any bit."""
    for size in range(64):
        data = bz2.compress(CONTENT[-64:][:size])
        assert is_whole(data) and is_whole(data * 2)
        assert not size or not is_whole(data[:-1])


def test_no_data():
    assert not is_whole(b'')


@pytest.mark.parametrize('data', [
    b'x', b'junk' * 1000, BZIP2[:8],
    GZIP + b'\0' * 99, GZIP[:20] + b'!' * 99, GZIP + b'no other member',
    XZ + b'\0' * 8, LONG_FRAME + b'something else',
    header(b'S', 512), header(b'x', 1 << 30), header(b'0', b'x' * 12),
    header(b'0', 0) + b'x' * 512,
], ids=[
    'letter', 'junk', 'start', 'padding', 'damage', 'member',
    'zeros', 'frame', 'sparse', 'record', 'number', 'header'])
def test_what_cannot_be_known_passes(data):
    """Damaged archives and unknown formats are left to the server."""
    assert is_whole(data)
