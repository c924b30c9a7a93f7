# -*- coding: utf-8 -*-
"""Images: sent, fetched by the server, named, read back."""
import collections
import hashlib
import io
import json
import os
import re

import pytest
import six
import wire

from pylxd import exceptions
from pylxd.image import Image
from helpers import read_bytes, unique_name

from .support import make_image, make_image_parts, settle

pytestmark = pytest.mark.usefixtures('new_images')


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def data(new_images):
    return make_image()


@pytest.fixture
def image(lxd_client, data):
    return lxd_client.images.create(data, wait=True)


# Listing and looking

@pytest.mark.documents('Client.images', 'Client.images.all',
                       'Client.images.get', 'example:image-get')
def test_all_and_get(lxd_client, image, data):
    images = lxd_client.images.all()
    assert image in images and all(type(each) is Image for each in images)
    got = lxd_client.images.get(sha256(data))
    assert got == image
    assert repr(got) == '<Image {}>'.format(sha256(data))
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
def test_attributes(lxd_client, image, data):
    mine = Image(lxd_client, fingerprint=image.fingerprint)
    assert mine.aliases == []
    assert mine.auto_update is False
    assert mine.architecture == os.uname()[4]
    assert mine.cached is False
    assert mine.created_at == '1970-01-01T00:00:01Z'
    for moment in mine.expires_at, mine.last_used_at, mine.uploaded_at:
        assert re.match(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d', moment)
    assert mine.uploaded_at.startswith('20')
    assert mine.filename == ''
    assert mine.fingerprint == sha256(data)
    assert mine.properties == {'description': 'tiny', 'os': 'none'}
    assert mine.public is False
    assert mine.size == len(data)
    assert mine.update_source is None
    # not in the documentation, but in later releases
    assert mine.type == 'container' and mine.profiles == ['default']


# Sending

@pytest.mark.documents('Client.images.create', 'Image.create',
                       'example:image-create')
def test_create(lxd_client, data, new_images, tmpdir, sent):
    tmpdir.join('an_image.tar.gz').write_binary(data)
    with open(str(tmpdir.join('an_image.tar.gz')), 'rb') as file:
        make_image = file.read()
    image = lxd_client.images.create(make_image, public=True, wait=True)
    assert image.fingerprint == sha256(data)
    assert image.public is True
    image.delete(wait=True)

    del sent[:]
    image = Image.create(lxd_client, data)
    assert image.fingerprint == sha256(data)
    assert sent == ['POST /1.0/images']
    settle(lxd_client)
    assert image.public is False and image.size == len(data)
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.images.create(data, wait=True)


@pytest.mark.parametrize('form', [
    'file', 'rest of a file', 'memory', 'pipe', 'bytearray'])
def test_create_from_a_file(lxd_client, data, tmpdir, form):
    path = str(tmpdir.join('an ä image.tar.gz'))
    with open(path, 'wb') as file:
        file.write(b'before' if form == 'rest of a file' else b'')
        file.write(data)
    with open(path, 'rb') as file:
        source = file
        if form == 'rest of a file':
            file.seek(6)
        elif form == 'memory':
            source = io.BytesIO(data)
        elif form == 'pipe':
            source = Pipe(data)
        elif form == 'bytearray':
            source = bytearray(data)
        image = lxd_client.images.create(source, wait=True)
    assert image.fingerprint == sha256(data)
    assert image.size == len(data)
    if 'file' in form:
        assert image.filename == six.ensure_text(os.path.basename(path))


class Pipe(object):
    """What can be read alone, a little at a time."""

    def __init__(self, data):
        self._data = io.BytesIO(data)

    def read_bytes(self, size=-1):
        return self._data.read(min(size, 100) if size > 0 else size)


def test_create_from_two_parts(lxd_client, new_images):
    metadata, files = make_image_parts()
    for form in (lambda part: part, io.BytesIO):
        image = lxd_client.images.create(
            form(files), metadata=form(metadata), wait=True)
        assert image.fingerprint == sha256(metadata + files)
        assert image.properties['description'] == 'tiny'
        image.delete(wait=True)


def test_create_what_is_no_image(lxd_client, new_images):
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.images.create(b'no image', wait=True)
    for wrong in u'text', io.StringIO(u'text'), None, 3, ['a']:
        with pytest.raises(TypeError):
            lxd_client.images.create(wrong)
    assert new_images() == []


# Changing

@pytest.mark.documents('Image.update', 'example:image-update')
def test_update(lxd_client, image):
    assert image.public is False
    image.public = True
    image.update()
    assert lxd_client.images.get(image.fingerprint).public is True
    image.properties = image.properties.update({'release': u'\xe4'})
    image.auto_update = True
    image.save(wait=True)
    got = lxd_client.images.get(image.fingerprint)
    assert got.properties == {
        'description': 'tiny', 'os': 'none', 'release': u'\xe4'}
    assert got.auto_update is True
    for attribute in 'fingerprint', 'size', 'aliases', 'created_at':
        with pytest.raises(AttributeError):
            setattr(image, attribute, getattr(image, attribute))


@pytest.mark.documents('Image.add_alias', 'Image.delete_alias')
def test_aliases(lxd_client, image):
    one, two = unique_name(), unique_name()
    image.add_alias(one, 'it')
    image.add_alias(name=two, description='')
    assert {each['name'] for each in image.aliases} == {one, two}
    image.sync()
    assert {each['name']: each['description'] for each in image.aliases} == {
        one: 'it', two: ''}
    with pytest.raises(exceptions.LXDAPIException) as caught:
        image.add_alias(one, '')
    assert 'already exists' in str(caught.value)
    image.delete_alias(one)
    assert [each['name'] for each in image.aliases] == [two]
    image.sync()
    assert [each['name'] for each in image.aliases] == [two]
    with pytest.raises(exceptions.NotFound):
        image.delete_alias(one)
    with pytest.raises(exceptions.NotFound):
        lxd_client.images.get_by_alias(one)


@pytest.mark.parametrize('called', ['{}/x', '{} x', u'{}ä', '{}?x', '{}%41'])
def test_names_of_aliases(lxd_client, image, called):
    plain = unique_name()
    busybox = lxd_client.images.get_by_alias('busybox')
    busybox.add_alias(plain, '')
    called = called.format(plain)
    try:
        image.add_alias(called, '')
    except exceptions.LXDAPIException:
        assert image.aliases == []  # this server does not want it
    else:
        assert lxd_client.images.get_by_alias(called) == image
        image.delete_alias(called)
    assert not lxd_client.images.exists(called, alias=True)
    assert lxd_client.images.get_by_alias(plain) == busybox
    busybox.delete_alias(plain)


def test_delete(lxd_client, image):
    image.delete(wait=True)
    assert not lxd_client.images.exists(image.fingerprint)
    with pytest.raises(exceptions.NotFound):
        image.delete(wait=True)


# Reading back

@pytest.mark.documents('Image.export')
def test_export(image, data, tmpdir):
    assert image.export() == data
    target = io.BytesIO()
    assert image.export(target) is target and target.getvalue() == data
    path = str(tmpdir.join('it'))
    assert image.export(path) == path
    assert read_bytes(path) == data and os.listdir(str(tmpdir)) == ['it']


def test_export_of_two_parts(lxd_client, new_images):
    metadata, files = make_image_parts()
    image = lxd_client.images.create(files, metadata=metadata, wait=True)
    exported = image.export()
    assert metadata in exported and files in exported


def test_export_of_what_is_not_there(lxd_client, tmpdir):
    image = Image(lxd_client, fingerprint='0' * 64)
    with pytest.raises(exceptions.NotFound):
        image.export()
    with pytest.raises(exceptions.NotFound):
        image.export(str(tmpdir.join('it')))
    assert tmpdir.listdir() == []


# Fetched by the server, from image servers on loopback

@pytest.fixture
def image_server(lxd, authority):
    """An HTTPS server that the daemon trusts; gives what ``pages`` has."""
    pages = {}

    def answer(request):
        page = pages.get(request.target.split('?')[0])
        if page is None:
            return wire.http(status='404 Not Found')
        body, headers = page
        length = len(body)
        return wire.http(b'' if request.method == 'HEAD' else body,
                         Content_Length=length, **headers)

    with wire.Server(answer, context=wire.tls_context(authority)) as server:
        server.pages = pages
        yield server


def serve_simplestreams(server, alias, parts):
    """Offer an image in two parts under an alias."""
    whole = sha256(b''.join(parts))
    items = {}
    for kind in 'lxd', 'incus':  # each looks for its own
        items[kind + '.tar.xz'] = {
            'ftype': kind + '.tar.xz', 'path': 'images/metadata',
            'size': len(parts[0]), 'sha256': sha256(parts[0]),
            'combined_sha256': whole, 'combined_rootxz_sha256': whole}
    items['root.tar.xz'] = {
        'ftype': 'root.tar.xz', 'path': 'images/root',
        'size': len(parts[1]), 'sha256': sha256(parts[1])}
    architecture = {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(
        os.uname()[4], os.uname()[4])
    product = 'tiny:1:{}:default'.format(architecture)
    documents = {
        'index.json': {'format': 'index:1.0', 'index': {'images': {
            'datatype': 'image-downloads', 'format': 'products:1.0',
            'path': 'streams/v1/images.json', 'products': [product]}}},
        'images.json': {
            'content_id': 'images', 'datatype': 'image-downloads',
            'format': 'products:1.0', 'products': {product: {
                'aliases': alias, 'arch': architecture, 'os': 'tiny',
                'release': '1', 'release_title': 'one', 'variant': 'default',
                'versions': {'20200101_00:00': {'items': items}}}}}}
    for called, document in documents.items():
        server.pages['/streams/v1/' + called] = (
            json.dumps(document).encode('ascii'),
            {'Content_Type': 'application/json'})
    server.pages['/images/metadata'] = parts[0], {}
    server.pages['/images/root'] = parts[1], {}
    return whole


@pytest.mark.documents('Client.images.create_from_simplestreams',
                       'Image.create_from_simplestreams')
def test_create_from_simplestreams(lxd_client, new_images, image_server):
    alias = unique_name()
    fingerprint = serve_simplestreams(image_server, alias, make_image_parts())
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
    assert image.fingerprint == fingerprint  # waits, as only the end tells
    assert (image.public, image.auto_update) == (False, False)


def test_simplestreams_without_that_alias(
        lxd_client, new_images, image_server):
    serve_simplestreams(image_server, unique_name(), make_image_parts())
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.images.create_from_simplestreams(
            image_server.endpoint, unique_name(), wait=True)
    assert new_images() == []


@pytest.mark.documents('Client.images.create_from_url',
                       'Image.create_from_url')
def test_create_from_url(lxd_client, data, new_images, image_server, sent):
    headers = {
        prefix + '_Image_' + name: value for prefix in ('LXD', 'Incus')
        for name, value in (
            ('Hash', sha256(data)),
            ('URL', image_server.endpoint + '/image.tar.gz'))}
    image_server.pages['/it'] = b'', headers
    image_server.pages['/image.tar.gz'] = data, {}
    image = lxd_client.images.create_from_url(
        image_server.endpoint + '/it', public=True, wait=True)
    assert image.fingerprint == sha256(data)
    assert (image.public, image.auto_update) == (True, False)
    assert image.export() == data
    image.delete(wait=True)

    del sent[:]
    image = Image.create_from_url(
        lxd_client, image_server.endpoint + '/it')
    assert sent == ['POST /1.0/images']
    assert repr(image) == '<Image ?>' and len(sent) == 1
    assert image.fingerprint == sha256(data)
    assert image.public is False and [image] == new_images()


def test_a_url_without_an_image(lxd_client, new_images, image_server):
    image_server.pages['/it'] = b'', {}
    for path in '/it', '/not':
        with pytest.raises(exceptions.LXDAPIException):
            lxd_client.images.create_from_url(
                image_server.endpoint + path, wait=True)
    late = lxd_client.images.create_from_url(image_server.endpoint + '/it')
    with pytest.raises(exceptions.OperationFailed):
        late.fingerprint
    assert new_images() == []


def test_an_image_that_is_damaged_on_the_way(
        lxd_client, data, new_images, image_server):
    image_server.pages['/it'] = b'', {
        prefix + '_Image_' + name: value for prefix in ('LXD', 'Incus')
        for name, value in (
            ('Hash', sha256(data + b'x')),
            ('URL', image_server.endpoint + '/image.tar.gz'))}
    image_server.pages['/image.tar.gz'] = data, {}
    with pytest.raises(exceptions.OperationFailed):
        lxd_client.images.create_from_url(
            image_server.endpoint + '/it', wait=True)
    assert new_images() == []


def test_all_are_read_with_one_request(lxd_client, data, new_images, sent):
    lxd_client.images.create(data, wait=True)
    images = lxd_client.images.all()
    del sent[:]
    assert collections.Counter(
        each.type for each in images)['container'] == len(images) > 1
    assert sent == ['GET /1.0/images?recursion=1']
