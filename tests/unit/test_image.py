# -*- coding: utf-8 -*-
"""Images against a scripted server."""
import hashlib
import io
import itertools
import json
import os

import pytest
import six
from hypothesis import given, strategies as st

from pylxd import Client, exceptions
from pylxd.image import Image
from pylxd.models import image_export
from pylxd.transport.pools import BLOCK
from helpers import MinimalReader
from wire import ROOT, Server, accepted, error, http, lxd_api

DATA = os.urandom(BLOCK + 7)
DIGEST = hashlib.sha256(DATA).hexdigest()
OPERATION = {'id': 'u1', 'class': 'task', 'status': 'Running',
             'status_code': 103, 'err': '', 'metadata': None}


def done(**metadata):
    return dict(OPERATION, status='Success', status_code=200,
                metadata=metadata)


class Images(object):
    """A server with one image, and its client."""

    def __init__(self, name='lxd', **image):
        self.pages = {
            'POST /1.0/images': accepted(OPERATION),
            'GET /1.0/operations/u1/wait': done(fingerprint=DIGEST),
            'GET /1.0/images/' + DIGEST: dict(
                {'fingerprint': DIGEST, 'public': False, 'aliases': [],
                 'auto_update': False, 'properties': {}}, **image)}
        self.server = Server(lambda request: lxd_api(self.pages, dict(
            ROOT, environment={'server': name, 'certificate': 'PEM'}))(
                request))
        self.client = Client(self.server.endpoint)

    @property
    def image(self):
        return self.client.images.get(DIGEST)

    @property
    def posted(self):
        return [each for each in self.server.requests
                if each.method == 'POST'][-1]


@pytest.fixture
def images():
    fixture = Images()
    yield fixture
    fixture.server.close()


def open_pipe(data):
    """Return a pipe from a child process that writes the data."""
    reader, writer = os.pipe()
    if not os.fork():
        try:
            os.close(reader)
            with os.fdopen(writer, 'wb') as end:
                end.write(data)
        finally:
            os._exit(0)
    os.close(writer)
    return os.fdopen(reader, 'rb')


def test_the_fields_of_an_upload(images):
    images.client.images.create(
        DATA, properties={'b': True, u'\xe4': 'x &='}, filename=u'/d/\xe4"\n')
    headers = images.posted.headers
    assert headers['x-lxd-properties'] == 'b=true&%C3%A4=x+%26%3D'
    assert six.ensure_binary(headers['x-lxd-filename'], 'latin-1') == (
        u'\xe4"'.encode('utf-8'))
    images.client.images.create(DATA, metadata=b'm', filename='a"\\b')
    assert b'name="rootfs"; filename="a\\"\\\\b"' in images.posted.body


def test_an_upload_with_an_alias_that_exists_is_not_sent(images):
    images.pages['GET /1.0/images/aliases/a'] = {'name': 'a', 'target': 'f'}
    with pytest.raises(exceptions.Conflict):
        images.client.images.create(DATA, aliases=['a'])
    assert images.server.requested[1:] == ['GET /1.0/images/aliases/a']


def test_an_alias_that_appears_during_the_upload(images):
    """The message tells what was made."""
    def post(request):
        name = json.loads(request.body.decode())['name']
        return {} if name == 'a' else error(409, 'exists')

    images.pages['POST /1.0/images/aliases'] = post
    with pytest.raises(exceptions.Conflict) as caught:
        images.client.images.create(DATA, aliases=['a', 'b', 'c'])
    assert str(caught.value) == (
        'exists (POST /1.0/images/aliases); image {} was created with alias '
        'a'.format(DIGEST))
    assert 'GET /1.0/operations/u1/wait' in images.server.requested


def test_servers_that_fetch_no_urls(images):
    images.pages['POST /1.0/images'] = error(
        400, 'Image download from client-specified URL is not supported')
    with pytest.raises(exceptions.LXDAPIException) as caught:
        images.client.images.create_from_url('https://10.0.0.1/i')
    assert 'download the image' in str(caught.value)


def test_refresh_without_a_newer_image(images):
    path = 'POST /1.0/images/{}/refresh'.format(DIGEST)
    images.pages[path] = accepted(OPERATION)
    images.pages['GET /1.0/operations/u1/wait'] = done(refreshed=False)
    image = images.image
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
        image.refresh()
    images.client.host_info['api_extensions'].append('image_force_refresh')
    image.refresh()
    assert image.fingerprint == DIGEST
    assert images.server.requested.count('GET /1.0/images') == 0


# -- uploads

@pytest.mark.parametrize('data_type', [
    bytes, bytearray, io.BytesIO, MinimalReader, open_pipe],
    ids=lambda value: '')
def test_create_from_each_type(images, data_type):
    data = data_type(DATA)
    image = images.client.images.create(data)
    assert image.fingerprint == DIGEST
    assert images.posted.body == DATA
    headers = images.posted.headers
    assert headers['x-lxd-public'] == '0'
    assert headers['content-type'] == 'application/octet-stream'
    assert ('content-length' in headers) == (
        data_type not in (MinimalReader, open_pipe))
    assert 'GET /1.0/operations/u1/wait' not in images.server.requested
    if data_type is open_pipe:
        data.close()
        os.wait()


def test_create_from_the_middle_of_a_file(images, tmpdir):
    path = six.ensure_str(u'{}/\xe4.tar'.format(tmpdir))
    with open(path, 'w+b') as data:
        data.write(b'skipped' + DATA)
        data.seek(7)
        assert images.client.images.create(data, True).fingerprint == DIGEST
    assert images.posted.body == DATA
    assert images.posted.headers['content-length'] == str(len(DATA))
    assert images.posted.headers['x-lxd-public'] == '1'
    assert images.posted.headers['x-lxd-filename'].endswith('.tar')


@pytest.mark.parametrize('name', [
    'a\r\nX-Evil: 1', 'a\n', u'\u20ac', '\x1b', 7, None, u'\udcff'])
def test_a_file_name_cannot_smuggle_a_header(images, name):
    data = io.BytesIO(DATA)
    named = type('Named', (io.BytesIO,), {'name': name})(data.getvalue())
    images.client.images.create(named)
    assert images.posted.body == DATA
    assert 'x-evil' not in images.posted.headers


def test_headers_of_incus():
    images = Images('incus')
    images.client.images.create(DATA, public=True)
    images.server.close()
    assert images.posted.headers['x-incus-public'] == '1'
    assert 'x-lxd-public' not in images.posted.headers


def test_create_in_two_parts(images):
    image = images.client.images.create(
        io.BytesIO(b'root'), metadata=io.BytesIO(b'meta'))
    assert image.fingerprint == hashlib.sha256(b'metaroot').hexdigest()
    kind, _, boundary = images.posted.headers['content-type'].partition(
        '; boundary=')
    assert kind == 'multipart/form-data'
    parts = images.posted.body.split(b'--' + boundary.encode())
    assert [part.partition(b'\r\n\r\n')[2] for part in parts[1:-1]] == [
        b'meta\r\n', b'root\r\n']
    assert b'name="metadata"' in parts[1] and b'name="rootfs"' in parts[2]
    assert parts[-1] == b'--\r\n'


@pytest.mark.parametrize('data', [
    u'text', None, 7, ['a'], io.StringIO(u'a'), object()])
def test_create_of_a_wrong_type(images, data):
    for arguments in ({'image_data': data},
                      {'image_data': b'', 'metadata': data or 0}):
        with pytest.raises(TypeError):
            images.client.images.create(**arguments)
    assert images.server.requested == ['GET /1.0']


def test_a_failed_create_raises(images):
    images.pages['GET /1.0/operations/u1/wait'] = dict(
        OPERATION, status='Failure', status_code=400, err='no image')
    with pytest.raises(exceptions.OperationFailed) as caught:
        images.client.images.create(DATA, wait=True)
    assert 'no image' in str(caught.value)


# -- downloads by the server

@pytest.mark.parametrize('wait', [False, True])
def test_the_fingerprint_of_a_url_waits_for_the_end(images, wait):
    image = images.client.images.create_from_url('https://h/i', wait=wait)
    waited = 'GET /1.0/operations/u1/wait'
    assert (waited in images.server.requested) == wait
    assert image.fingerprint == DIGEST and image.public is False
    assert images.server.requested.count(waited) == 1
    assert json.loads(images.server.requests[1].body.decode()) == {
        'public': False, 'auto_update': False, 'source': {
            'type': 'url', 'mode': 'pull', 'url': 'https://h/i'}}


def test_create_from_simplestreams_sends_the_source(images):
    images.client.images.create_from_simplestreams(
        'https://h', u'a/\xe4', public=True, auto_update=True)
    assert json.loads(images.posted.body.decode('utf-8')) == {
        'public': True, 'auto_update': True, 'source': {
            'type': 'image', 'mode': 'pull', 'server': 'https://h',
            'protocol': 'simplestreams', 'alias': u'a/\xe4'}}


def test_an_image_whose_operation_is_forgotten(images):
    """The server forgets an operation five seconds after its end."""
    images.pages['GET /1.0/operations/u1/wait'] = error(
        404, 'Operation not found')
    fetched = {'server': 'https://h/', 'alias': 'a'}
    images.pages['GET /1.0/images'] = [
        {'fingerprint': 'old', 'uploaded_at': '1', 'update_source': fetched},
        {'fingerprint': 'new', 'uploaded_at': '2', 'update_source': fetched},
        {'fingerprint': 'other', 'uploaded_at': '3', 'update_source': dict(
            fetched, alias='b')},
        {'fingerprint': 'made', 'uploaded_at': '4'}]
    manager = images.client.images
    assert manager.create_from_simplestreams(
        'https://h', 'a').fingerprint == 'new'
    with pytest.raises(exceptions.LXDException, match='no image of that'):
        manager.create_from_simplestreams('https://h', 'c').fingerprint


def test_an_end_without_a_fingerprint(images):
    images.pages['GET /1.0/images'] = []
    images.pages['GET /1.0/operations/u1/wait'] = done()
    for wait in (True, False):
        with pytest.raises(exceptions.LXDException) as caught:
            images.client.images.create_from_url(
                'https://h/i', wait=wait).fingerprint
        assert 'u1' in str(caught.value)


def test_repr_sends_no_request(images):
    assert repr(images.client.images.create_from_url('u')) == '<Image ?>'


# -- downloads

def export_response(body=DATA, **headers):
    return http(body, Content_Type=headers.pop(
        'kind', 'application/octet-stream'), **headers)


@pytest.fixture
def export(images):
    """Return a function that sets the response of an export.

    It returns the image.
    """
    def answer(page):
        images.pages['GET /1.0/images/{}/export'.format(DIGEST)] = page
        return images.image
    return answer


def test_export(export, tmpdir):
    image = export(export_response())
    assert image.export() == DATA
    target = io.BytesIO()
    assert image.export(target) is target and target.getvalue() == DATA
    path = str(tmpdir.join('image'))
    assert image.export(path) == path
    assert tmpdir.join('image').read_binary() == DATA
    assert len(tmpdir.listdir()) == 1


PARTS = b'meta', b'-- root \r\n--y\r\n' * 3
TWO = hashlib.sha256(b''.join(PARTS)).hexdigest()


def form(end=b'\r\n--x--\r\n'):
    return b'\r\n'.join(
        b'--x\r\nContent-Disposition: form-data; name="a"; '
        b'filename="../%d.tar"\r\n\r\n' % number + part
        for number, part in enumerate(PARTS)) + end


@given(st.lists(st.integers(1, 40), min_size=1))
def test_a_form_is_split_wherever_it_is_cut(sizes):
    parts, names, digest = [], [], hashlib.sha256()

    def open_part(name):
        names.append(name)
        parts.append(io.BytesIO())
        return parts[-1]

    splitter = image_export.FormSplitter('x', open_part, digest)
    source = io.BytesIO(form() + b'epilogue')
    for size in itertools.cycle(sizes):
        piece = source.read(size)
        if not piece:
            break
        splitter.write(piece)
    assert tuple(part.getvalue() for part in parts) == PARTS
    assert names == ['../0.tar', '../1.tar'] and splitter.has_ended
    assert digest.hexdigest() == TWO


def test_a_head_without_an_end():
    splitter = image_export.FormSplitter('x', None, None)
    with pytest.raises(exceptions.StreamBroken):
        for _ in range(100):
            splitter.write(b'--x' + b'y' * image_export.BLOCK)


@pytest.mark.parametrize('page, fingerprint', [
    (form(), DIGEST), (form(b''), TWO), (form(b'\r\n--x'), TWO), (b'', TWO),
    (form().replace(b'--x\r\n', b'--y\r\n', 1), TWO)],
    ids=['another fingerprint', 'no end', 'half an end', 'nothing',
         'one part'])
def test_damage_to_two_parts(images, tmpdir, page, fingerprint):
    images.pages['GET /1.0/images/{}/export'.format(fingerprint)] = (
        export_response(page, kind='multipart/form-data; boundary=x'))
    image = Image(images.client, fingerprint=fingerprint)
    for target in None, str(tmpdir.join('image')), str(tmpdir):
        with pytest.raises(exceptions.StreamBroken):
            image.export(target)
    assert tmpdir.listdir() == []


def test_two_parts_stay_in_their_directory(images, tmpdir):
    images.pages['GET /1.0/images/{}/export'.format(TWO)] = export_response(
        form(), kind='multipart/form-data; boundary=x')
    directory = str(tmpdir.mkdir('in'))
    assert Image(images.client, fingerprint=TWO).export(directory) == (
        os.path.join(directory, '0.tar'), os.path.join(directory, '1.tar'))


@pytest.mark.parametrize('page', [
    export_response(DATA[:-1]), export_response(DATA + b'x'),
    export_response(b''),
    lambda _: lambda connection: connection.sendall(
        export_response(DATA[:-1], Content_Length=len(DATA))),
], ids=lambda value: '')
def test_a_damaged_export_changes_no_file(export, tmpdir, page):
    image = export(page)
    tmpdir.join('image').write('as it was')
    for target in (None, io.BytesIO(), str(tmpdir.join('image'))):
        with pytest.raises(exceptions.ClientConnectionFailed):
            image.export(target)
    assert [each.basename for each in tmpdir.listdir()] == ['image']
    assert tmpdir.join('image').read() == 'as it was'


def test_an_export_to_nowhere(export, tmpdir):
    with pytest.raises((OSError, IOError)):
        export(export_response()).export(str(tmpdir.join('none', 'image')))


# -- aliases and copies

def test_aliases(images):
    """An object shows the server's aliases after each change of them."""
    here, alias = 'GET /1.0/images/' + DIGEST, '/1.0/images/aliases/a%2F%C3%A4'
    images.pages.update({'POST /1.0/images/aliases': {}, 'DELETE ' + alias: {},
                         'GET ' + alias: {'target': DIGEST}})
    image = images.image
    image.add_alias(u'a/\xe4', 'd')
    images.pages[here] = dict(images.pages[here], aliases=[
        {'name': u'a/\xe4', 'description': 'd'}, {'name': 'theirs'}])
    assert [each['name'] for each in image.aliases] == [u'a/\xe4', 'theirs']
    assert json.loads(images.posted.body.decode('utf-8'))['target'] == DIGEST
    image.delete_alias(u'a/\xe4')
    images.pages[here] = dict(images.pages[here], aliases=[{'name': 'theirs'}])
    assert image.aliases == [{'name': 'theirs'}] and not image.dirty


def test_an_alias_waits_for_the_image(images):
    images.pages.update({'POST /1.0/images/aliases': {},
                         'GET /1.0/images/aliases/a': {'target': DIGEST},
                         'DELETE /1.0/images/aliases/a': {}})
    for call in 'add_alias', 'delete_alias':
        image = images.client.images.create_from_url('https://h/i')
        before = len(images.server.requested)
        getattr(image, call)('a')
        assert images.server.requested[before] == 'GET /1.0/operations/u1/wait'


def test_read_only_attributes(images):
    for name in 'filename', 'size', 'aliases', 'fingerprint':
        with pytest.raises(AttributeError) as caught:
            setattr(images.image, name, 'x')
        assert 'Image.{} is read-only'.format(name) in str(caught.value)


def test_delete_alias_of_another_image(images):
    images.pages['GET /1.0/images/aliases/a'] = {'target': 'other' * 12}
    with pytest.raises(exceptions.NotFound) as caught:
        images.image.delete_alias('a')
    assert 'other' * 12 in str(caught.value)
    assert not [each for each in images.server.requested if 'DELETE' in each]


@pytest.mark.parametrize('target', [None, 5, [], {}])
def test_an_alias_without_a_target(images, target):
    images.pages['GET /1.0/images/aliases/a'] = {'target': target}
    with pytest.raises(exceptions.InvalidResponse):
        images.client.images.get_by_alias('a')


@pytest.mark.parametrize('public, arguments, sent', [
    (False, {}, (False, False)), (True, {}, (True, False)),
    (False, {'public': True, 'auto_update': True}, (True, True))])
def test_copy_sends_the_source(public, arguments, sent):
    source, target = Images(public=public), Images('incus')
    source.pages['POST /1.0/images/{}/secret'.format(DIGEST)] = accepted(
        dict(OPERATION, metadata={'secret': 's3cr3t'}))
    source.image.copy(target.client, **arguments)
    request = json.loads(target.posted.body.decode())
    assert (request['public'], request['auto_update']) == sent
    expected = {
        'type': 'image', 'mode': 'pull', 'server': source.server.endpoint,
        'protocol': 'incus', 'certificate': 'PEM', 'fingerprint': DIGEST}
    if not public:
        expected['secret'] = 's3cr3t'
    assert request['source'] == expected
    for each in (source, target):
        each.server.close()


def test_a_copy_that_fails_shows_no_secret(caplog):
    caplog.set_level('DEBUG')
    source, target = Images(), Images()
    source.pages['POST /1.0/images/{}/secret'.format(DIGEST)] = accepted(
        dict(OPERATION, metadata={'secret': 's3cr3t'}))
    del target.pages['POST /1.0/images']
    with pytest.raises(exceptions.NotFound) as caught:
        source.image.copy(target.client, wait=True)
    shown = [str(caught.value), repr(caught.value),
             repr(vars(caught.value.response.request)), caplog.text]
    assert 's3cr3t' not in six.ensure_text(' '.join(shown))
    for each in (source, target):
        each.server.close()
