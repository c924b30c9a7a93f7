"""The progress of transfers and operations on real servers."""
import hashlib
import io
import os

import pytest

from helpers import read_tree, unique_name
from pylxd import Progress
from pylxd.transport.pools import BLOCK

from .support import find_running, make_image_parts, serve_simplestreams

pytestmark = pytest.mark.real_server

BIG = os.urandom(BLOCK * 12 + 7)


class Stop(OSError):
    """What the function of a test raises."""


def stop(progress):
    raise Stop(5, 'mine')


@pytest.mark.usefixtures('new_images')
def test_publish(bootable):
    """An operation of more than a second, of which the server tells."""
    put, published, made = [], [], []
    data = os.urandom(80 << 20)
    bootable.files.put('/big', data, progress=put.append)
    assert put[-1] == Progress(len(data), len(data), 'B', '/big')
    image = bootable.publish(wait=True, compression_algorithm='gzip',
                             progress=published.append)
    assert {each[1:3] for each in published} == {(100, '%')}
    assert all(each.text.startswith('Image pack: ') for each in published)
    assert published[-1].done == 100
    bootable.client.containers.create(
        {'name': bootable.name + '2', 'source': {
            'type': 'image', 'fingerprint': image.fingerprint}},
        wait=True, progress=made.append)
    # A quick server has unpacked the image before it is asked
    assert all(each[1:3] == (100, '%') for each in made)


def test_images(lxd_client, image_bytes, new_images, tmpdir):
    created, exported = [], []
    image = lxd_client.images.create(
        image_bytes, wait=True, filename='a.tar', progress=created.append)
    size = len(image_bytes)
    assert created[0] == Progress(size, size, 'B', 'a.tar')
    image.export(str(tmpdir.join('a')), exported.append)
    assert exported == [
        Progress(size, size, 'B', 'image ' + image.fingerprint[:12])]
    image.delete(wait=True)


def test_images_in_two_parts(lxd_client, new_images, tmpdir):
    metadata, files = make_image_parts()
    created, exported = [], []
    image = lxd_client.images.create(
        io.BytesIO(files), metadata=io.BytesIO(metadata),
        progress=created.append)
    assert created[-1][:3] == (image.size,) * 2 + ('B',)
    assert image.size == len(metadata + files)
    image.export(str(tmpdir.join('a')), exported.append)
    assert exported[-1] == created[-1]._replace(
        text='image ' + image.fingerprint[:12])


def test_images_of_an_image_server(lxd_client, new_images, image_server):
    alias = unique_name()
    fingerprint, _ = serve_simplestreams(
        image_server, alias, make_image_parts())
    told = []
    image = lxd_client.images.create_from_simplestreams(
        image_server.endpoint, alias, wait=True, progress=told.append)
    assert image.fingerprint == fingerprint
    assert all(each[1:3] == (100, '%') for each in told)


def test_files(bootable, tmpdir):
    files, told = bootable.files, []
    for data, total in (BIG, len(BIG)), (io.BytesIO(BIG), len(BIG)), (
            iter([BIG]), None):
        files.put('/f', data, progress=told.append)
        assert told[-1] == Progress(len(BIG), total, 'B', '/f')
    files.append('/f', b'xyz', told.append)
    assert told[-1] == Progress(3, 3, 'B', '/f')
    assert files.get('/f', progress=told.append) == BIG + b'xyz'
    assert told[-1] == Progress(*[len(BIG) + 3] * 2 + ['B', '/f'])


def test_trees(bootable, tmpdir):
    source, target = tmpdir.mkdir('source'), tmpdir.join('target')
    for number in range(20):
        source.join(str(number)).write_binary(b'x' * number)
    source.mkdir('d').join('f').write_binary(BIG)
    put, got = [], []
    bootable.files.recursive_put(str(source), '/t', progress=put.append)
    bootable.files.recursive_get('/t', str(target), got.append)
    assert read_tree(str(source)) == read_tree(str(target))
    for told in put, got:
        assert told[-1].done == len(BIG) + sum(range(20))
        assert sorted({each.text for each in told}) == sorted(
            ['/t/d/f'] + ['/t/{}'.format(n) for n in range(1, 20)])


@pytest.mark.parametrize('metadata', [None, b'metadata'])
def test_an_upload_that_is_ended_leaves_no_image(
        lxd_client, new_images, metadata):
    for data in BIG, io.BytesIO(BIG):
        with pytest.raises(Stop):
            lxd_client.images.create(
                data, metadata=metadata, wait=True, progress=stop)
    assert new_images() == []
    assert find_running(lxd_client) == []


def test_an_export_that_is_ended_leaves_no_file(lxd_client, tmpdir):
    image = lxd_client.images.get_by_alias('busybox')
    with pytest.raises(Stop):
        image.export(str(tmpdir.join('a')), stop)
    assert tmpdir.listdir() == []
    assert hashlib.sha256(
        image.export()).hexdigest() == image.fingerprint


def test_files_that_are_ended(bootable, tmpdir):
    files = bootable.files
    files.mk_dir('/t')
    with pytest.raises(Stop):
        files.put('/ended', BIG, progress=stop)
    files.put('/t/f', BIG)
    with pytest.raises(Stop):
        files.get('/t/f', progress=stop)
    with pytest.raises(Stop):
        files.recursive_get('/t', str(tmpdir.join('t')), stop)
    assert read_tree(str(tmpdir.join('t'))) == {}
    assert files.get('/t/f') == BIG
