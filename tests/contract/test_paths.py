"""Path-like objects, wherever a path is taken."""
import errno
import os

import pytest
from helpers import read_bytes

from .support import make_image_parts


class Path(object):
    """A path-like object, also on Python 2, which has none of its own."""

    def __init__(self, path):
        self._path = str(path)

    def __fspath__(self):
        return self._path


def test_socket(lxd):
    with lxd.client(endpoint=Path(lxd.socket)) as client:
        assert client.profiles.exists('default')


def test_certificates(lxd, lxd_https):
    pair = tuple(Path(each) for each in lxd_https['cert'])
    with lxd.client(endpoint=lxd.endpoint, cert=pair,
                    verify=Path(lxd_https['verify'])) as client:
        assert client.trusted


def test_files(bootable, tmpdir):
    files = bootable.files
    tmpdir.join('in', 'a').ensure().write('text')
    files.recursive_put(Path(tmpdir.join('in')), Path('/root/tree'))
    assert files.get(Path('/root/tree/a')) == b'text'
    files.put(Path('/root/tree/b'), b'more')
    files.mk_dir(Path('/root/tree/c'))
    assert sorted(files.listdir(Path('/root/tree'))) == ['a', 'b', 'c']
    files.recursive_get(Path('/root/tree'), Path(tmpdir.join('out')))
    assert tmpdir.join('out', 'b').read() == 'more'
    files.delete(Path('/root/tree/b'))
    assert sorted(files.listdir('/root/tree')) == ['a', 'c']


def test_exports(lxd_client, image, image_bytes, new_images, tmpdir):
    path = Path(tmpdir.join('image'))
    assert image.export(path) is path
    assert read_bytes(str(tmpdir.join('image'))) == image_bytes
    directory = tmpdir.mkdir('directory')
    assert image.export(Path(directory)) == str(directory.listdir()[0])
    metadata, files = make_image_parts()
    both = lxd_client.images.create(files, metadata=metadata, wait=True)
    paths = Path(tmpdir.join('metadata')), Path(tmpdir.join('root'))
    assert both.export(paths) == paths
    assert read_bytes(str(tmpdir.join('root'))) == files


@pytest.mark.skipif(not os.path.exists('/dev/full'),
                    reason='this system has no /dev/full')
def test_a_full_disk_is_named(image, monkeypatch, tmpdir):
    path = str(tmpdir.join('image'))
    monkeypatch.setattr('pylxd.models.download.open', lambda *_: open(
        '/dev/full', 'wb', 0), raising=False)
    with pytest.raises(EnvironmentError) as caught:
        image.export(path)
    assert caught.value.errno == errno.ENOSPC and path in str(caught.value)
