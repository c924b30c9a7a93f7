# -*- coding: utf-8 -*-
"""Images: uploads, downloads by the server, aliases and exports."""
import collections
import io
import os
import re

import pytest
import six

from pylxd import exceptions
from pylxd.image import Image
from helpers import MinimalReader, read_bytes, unique_name

from .support import (
    hash_data, make_image_parts, serve_simplestreams, settle)

pytestmark = pytest.mark.usefixtures('new_images')


# Listing and loading

@pytest.mark.documents('Client.images', 'Client.images.all',
                       'Client.images.get', 'example:image-get')
def test_all_and_get(lxd_client, image, image_bytes):
    images = lxd_client.images.all()
    assert image in images and all(type(each) is Image for each in images)
    loaded = lxd_client.images.get(hash_data(image_bytes))
    assert loaded == image
    assert repr(loaded) == '<Image {}>'.format(hash_data(image_bytes))
    assert lxd_client.images.exists(image.fingerprint)
    assert not lxd_client.images.exists('0' * 64)
    with pytest.raises(exceptions.NotFound):
        lxd_client.images.get('0' * 64)


@pytest.mark.documents('Client.images.get_by_alias')
def test_get_by_alias(lxd_client, image):
    name = unique_name()
    image.add_alias(name, 'it')
    assert lxd_client.images.get_by_alias(name) == image
    assert lxd_client.images.exists(name, alias=True)
    assert not lxd_client.images.exists(name)
    with pytest.raises(exceptions.NotFound):
        lxd_client.images.get_by_alias(name + '-not')
    assert not lxd_client.images.exists(name + '-not', alias=True)


@pytest.mark.documents(
    'Image', 'Image.aliases', 'Image.auto_update', 'Image.architecture',
    'Image.cached', 'Image.created_at', 'Image.expires_at',
    'Image.filename', 'Image.fingerprint', 'Image.last_used_at',
    'Image.properties', 'Image.public', 'Image.size', 'Image.uploaded_at',
    'Image.update_source')
def test_attributes(lxd_client, image, image_bytes):
    unloaded = Image(lxd_client, fingerprint=image.fingerprint)
    assert unloaded.aliases == []
    assert unloaded.auto_update is False
    assert unloaded.architecture == os.uname()[4]
    assert unloaded.cached is False
    assert unloaded.created_at == '1970-01-01T00:00:01Z'
    for attribute in 'expires_at', 'last_used_at', 'uploaded_at':
        assert re.match(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d',
                        getattr(unloaded, attribute))
    assert unloaded.uploaded_at.startswith('20')
    assert unloaded.filename == ''
    assert unloaded.fingerprint == hash_data(image_bytes)
    assert unloaded.properties == {'description': 'tiny', 'os': 'none'}
    assert unloaded.public is False
    assert unloaded.size == len(image_bytes)
    assert unloaded.update_source is None
    # attributes of later releases, which the documentation lacks
    assert unloaded.type == 'container' and unloaded.profiles == ['default']


# Uploads

@pytest.mark.documents('Client.images.create', 'Image.create',
                       'example:image-create')
def test_create_from_bytes(lxd_client, image_bytes, new_images, tmpdir, sent):
    tmpdir.join('an_image.tar.gz').write_binary(image_bytes)
    with open(str(tmpdir.join('an_image.tar.gz')), 'rb') as file:
        image_data = file.read()
    image = lxd_client.images.create(image_data, public=True, wait=True)
    assert image.fingerprint == hash_data(image_bytes)
    assert image.public is True
    image.delete(wait=True)

    del sent[:]
    image = Image.create(lxd_client, image_bytes)
    assert image.fingerprint == hash_data(image_bytes)
    assert sent == ['POST /1.0/images']
    settle(lxd_client)
    assert image.public is False and image.size == len(image_bytes)
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.images.create(image_bytes, wait=True)


@pytest.mark.parametrize('form', [
    'file', 'rest of a file', 'memory', 'pipe', 'bytearray'])
def test_create_from_a_file_or_memory(lxd_client, image_bytes, tmpdir, form):
    path = str(tmpdir.join('an ä image.tar.gz'))
    with open(path, 'wb') as file:
        file.write(b'before' if form == 'rest of a file' else b'')
        file.write(image_bytes)
    with open(path, 'rb') as file:
        source = file
        if form == 'rest of a file':
            file.seek(6)
        elif form == 'memory':
            source = io.BytesIO(image_bytes)
        elif form == 'pipe':
            source = MinimalReader(image_bytes, most=100)
        elif form == 'bytearray':
            source = bytearray(image_bytes)
        image = lxd_client.images.create(source, wait=True)
    assert image.fingerprint == hash_data(image_bytes)
    assert image.size == len(image_bytes)
    if 'file' in form:
        assert image.filename == six.ensure_text(os.path.basename(path))


def test_create_from_two_parts(lxd_client, new_images):
    metadata, files = make_image_parts()
    for form in (lambda part: part, io.BytesIO):
        image = lxd_client.images.create(
            form(files), metadata=form(metadata), wait=True)
        assert image.fingerprint == hash_data(metadata + files)
        assert image.properties['description'] == 'tiny'
        image.delete(wait=True)


def test_create_the_image_of_a_virtual_machine(lxd_client, new_images):
    metadata, files = make_image_parts()
    image = lxd_client.images.create(
        files, metadata=metadata, vm=True, wait=True)
    assert (image.fingerprint, image.type) == (
        hash_data(metadata + files), 'virtual-machine')
    assert image.export() == (metadata, files)
    with pytest.raises(ValueError, match='metadata'):
        lxd_client.images.create(files, vm=True)


def test_create_of_wrong_data_is_refused(lxd_client, new_images):
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.images.create(b'no image', wait=True)
    for wrong in u'text', io.StringIO(u'text'), None, 3, ['a']:
        with pytest.raises(TypeError):
            lxd_client.images.create(wrong)
    assert new_images() == []


# Changes

@pytest.mark.documents('Image.update', 'example:image-update')
def test_update_saves_the_changes(lxd_client, image):
    assert image.public is False
    image.public = True
    image.update()
    assert lxd_client.images.get(image.fingerprint).public is True
    image.properties = image.properties.update({'release': u'\xe4'})
    image.auto_update = True
    image.save(wait=True)
    saved = lxd_client.images.get(image.fingerprint)
    assert saved.properties == {
        'description': 'tiny', 'os': 'none', 'release': u'\xe4'}
    assert saved.auto_update is True
    for attribute in 'fingerprint', 'size', 'aliases', 'created_at':
        with pytest.raises(AttributeError):
            setattr(image, attribute, getattr(image, attribute))


@pytest.mark.documents('Image.add_alias', 'Image.delete_alias')
def test_add_and_delete_aliases(lxd_client, image):
    first, second = unique_name(), unique_name()
    image.add_alias(first, 'it')
    image.add_alias(name=second, description='')
    assert {each['name'] for each in image.aliases} == {first, second}
    image.sync()
    assert {each['name']: each['description'] for each in image.aliases} == {
        first: 'it', second: ''}
    with pytest.raises(exceptions.LXDAPIException) as caught:
        image.add_alias(first, '')
    assert 'already exists' in str(caught.value)
    image.delete_alias(first)
    assert [each['name'] for each in image.aliases] == [second]
    image.sync()
    assert [each['name'] for each in image.aliases] == [second]
    with pytest.raises(exceptions.NotFound):
        image.delete_alias(first)
    with pytest.raises(exceptions.NotFound):
        lxd_client.images.get_by_alias(first)


@pytest.mark.parametrize('alias', ['{}/x', '{} x', u'{}ä', '{}?x', '{}%41'])
def test_odd_aliases(lxd_client, image, alias):
    plain = unique_name()
    busybox = lxd_client.images.get_by_alias('busybox')
    busybox.add_alias(plain, '')
    alias = alias.format(plain)
    try:
        image.add_alias(alias, '')
    except exceptions.LXDAPIException:
        assert image.aliases == []  # this server refuses the alias
    else:
        assert lxd_client.images.get_by_alias(alias) == image
        image.delete_alias(alias)
    assert not lxd_client.images.exists(alias, alias=True)
    assert lxd_client.images.get_by_alias(plain) == busybox
    busybox.delete_alias(plain)


def test_delete(lxd_client, image):
    image.delete(wait=True)
    assert not lxd_client.images.exists(image.fingerprint)
    with pytest.raises(exceptions.NotFound):
        image.delete(wait=True)


# Exports

@pytest.mark.documents('Image.export')
def test_export(image, image_bytes, tmpdir):
    assert image.export() == image_bytes
    target = io.BytesIO()
    assert image.export(target) is target and target.getvalue() == image_bytes
    path = str(tmpdir.join('it'))
    assert image.export(path) == path
    assert read_bytes(path) == image_bytes and os.listdir(
        str(tmpdir)) == ['it']
    directory = str(tmpdir.mkdir('directory'))
    path = image.export(directory)
    assert os.listdir(directory) == [os.path.basename(path)]
    assert read_bytes(path) == image_bytes
    with pytest.raises(ValueError, match='1 part'):
        image.export((path, path))
    assert os.listdir(directory) == [os.path.basename(path)]


def test_export_of_two_parts(lxd_client, new_images, tmpdir):
    metadata, files = make_image_parts()
    image = lxd_client.images.create(files, metadata=metadata, wait=True)
    assert image.export() == (metadata, files)
    targets = io.BytesIO(), str(tmpdir.join('rootfs'))
    assert image.export(targets) == targets
    assert targets[0].getvalue() == metadata
    assert read_bytes(targets[1]) == files
    path = str(tmpdir.join('it'))
    assert image.export(path) == (path, path + '.root')
    directory = tmpdir.mkdir('directory')
    names = [os.path.basename(each)
             for each in image.export(str(directory))]
    assert sorted(names) == sorted(os.listdir(str(directory)))
    assert [read_bytes(str(directory.join(name))) for name in names] == [
        metadata, files]
    for target in io.BytesIO(), [path], [path] * 3:
        with pytest.raises(ValueError):
            image.export(target)
    image.delete(wait=True)
    again = lxd_client.images.create(
        read_bytes(path + '.root'), metadata=read_bytes(path), wait=True)
    assert again.fingerprint == image.fingerprint


def test_export_of_an_unknown_image(lxd_client, tmpdir):
    image = Image(lxd_client, fingerprint='0' * 64)
    with pytest.raises(exceptions.NotFound):
        image.export()
    with pytest.raises(exceptions.NotFound):
        image.export(str(tmpdir.join('it')))
    assert tmpdir.listdir() == []


# Downloads by the server, from image servers on the loopback address

@pytest.mark.documents('Client.images.create_from_simplestreams',
                       'Image.create_from_simplestreams')
def test_create_from_simplestreams(lxd_client, new_images, image_server):
    alias = unique_name()
    fingerprint, _ = serve_simplestreams(
        image_server, alias, make_image_parts())
    image = lxd_client.images.create_from_simplestreams(
        image_server.endpoint, alias, public=True, auto_update=True,
        wait=True)
    assert image.fingerprint == fingerprint
    assert (image.public, image.auto_update) == (True, True)
    assert image.update_source['alias'] == alias
    assert image.update_source['server'] == image_server.endpoint
    assert image.update_source['protocol'] == 'simplestreams'
    assert new_images() == [image]
    image.delete(wait=True)

    image = Image.create_from_simplestreams(
        lxd_client, image_server.endpoint, alias)
    assert image.fingerprint == fingerprint  # waits for the end
    assert (image.public, image.auto_update) == (False, False)


def test_image_of_a_virtual_machine_from_simplestreams(
        lxd_client, new_images, image_server):
    alias = unique_name()
    _, fingerprint = serve_simplestreams(
        image_server, alias, make_image_parts())
    image = lxd_client.images.create_from_simplestreams(
        image_server.endpoint, alias, wait=True, vm=True)
    assert image.fingerprint == fingerprint
    assert image.type == 'virtual-machine'


def test_simplestreams_without_the_alias(
        lxd_client, new_images, image_server):
    serve_simplestreams(image_server, unique_name(), make_image_parts())
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.images.create_from_simplestreams(
            image_server.endpoint, unique_name(), wait=True)
    assert new_images() == []


@pytest.mark.documents('Client.images.create_from_url',
                       'Image.create_from_url')
def test_create_from_url(
        lxd_client, image_bytes, new_images, image_server, sent):
    headers = {
        prefix + '_Image_' + name: value for prefix in ('LXD', 'Incus')
        for name, value in (
            ('Hash', hash_data(image_bytes)),
            ('URL', image_server.endpoint + '/image.tar.gz'))}
    image_server.pages['/it'] = b'', headers
    image_server.pages['/image.tar.gz'] = image_bytes, {}
    image = lxd_client.images.create_from_url(
        image_server.endpoint + '/it', public=True, wait=True)
    assert image.fingerprint == hash_data(image_bytes)
    assert (image.public, image.auto_update) == (True, False)
    assert image.export() == image_bytes
    image.delete(wait=True)

    del sent[:]
    image = Image.create_from_url(
        lxd_client, image_server.endpoint + '/it')
    assert sent == ['POST /1.0/images']
    assert repr(image) == '<Image ?>' and len(sent) == 1
    assert image.fingerprint == hash_data(image_bytes)
    assert image.public is False and [image] == new_images()


def test_create_from_a_url_without_an_image(
        lxd_client, new_images, image_server):
    image_server.pages['/it'] = b'', {}
    for path in '/it', '/not':
        with pytest.raises(exceptions.LXDAPIException):
            lxd_client.images.create_from_url(
                image_server.endpoint + path, wait=True)
    image = lxd_client.images.create_from_url(image_server.endpoint + '/it')
    with pytest.raises(exceptions.OperationFailed):
        image.fingerprint
    assert new_images() == []


def test_a_damaged_download_of_the_server_fails(
        lxd_client, image_bytes, new_images, image_server):
    image_server.pages['/it'] = b'', {
        prefix + '_Image_' + name: value for prefix in ('LXD', 'Incus')
        for name, value in (
            ('Hash', hash_data(image_bytes + b'x')),
            ('URL', image_server.endpoint + '/image.tar.gz'))}
    image_server.pages['/image.tar.gz'] = image_bytes, {}
    with pytest.raises(exceptions.OperationFailed):
        lxd_client.images.create_from_url(
            image_server.endpoint + '/it', wait=True)
    assert new_images() == []


def test_one_request_loads_all_images(
        lxd_client, image_bytes, new_images, sent):
    lxd_client.images.create(image_bytes, wait=True)
    images = lxd_client.images.all()
    del sent[:]
    assert collections.Counter(
        each.type for each in images)['container'] == len(images) > 1
    assert sent == ['GET /1.0/images?recursion=1']
