# -*- coding: utf-8 -*-
"""Progress: what is reported of operations and transfers, and when."""
import io
import os
import sys

import pytest
import six

from helpers import MinimalReader, read_tree
from pylxd import Client, Progress, exceptions
from pylxd.core.progress import Reporter, parse_text
from pylxd.models import Container
from pylxd.models.image_data import iterate_form
from pylxd.transport.pools import BLOCK
from wire import ROOT, Server, accepted, http, lxd_api, sync

from .test_files import Tree
from .test_image import DATA, DIGEST, Images
from .test_operation import DONE, FAILED, RUNNING

UNPACK = 'create_instance_from_image_unpack_progress'
PACK = 'create_image_from_container_pack_progress'


@pytest.fixture
def images():
    fixture = Images()
    yield fixture
    fixture.server.close()


@pytest.fixture
def tree():
    fixture = Tree()
    fixture.files._client.dialect.info['api_extensions'].append('file_append')
    yield fixture
    fixture.server.close()


# -- the words of servers

@pytest.mark.parametrize('text, done, total, unit', [
    # LXD 5.0.2
    ('Unpack: 24% (98.28MB/s)', 24, 100, '%'),
    ('Unpack: 3% (131.07GB/s)', 3, 100, '%'),
    ('37% (146.88MB/s)', 37, 100, '%'),
    ('Image pack: 9% (34.22MB/s)', 9, 100, '%'),
    ('37.52MB (37.47MB/s)', 37520000, None, 'B'),
    ('c1: 41.86MB (40.71MB/s)', 41860000, None, 'B'),
    ('c1: 512B (512B/s)', 512, None, 'B'),
    ('c1: 1.50kB (1.50kB/s)', 1500, None, 'B'),
    # Incus 6.0 and 7.0
    ('Unpacking image: 100% (3.64MB/s)', 100, 100, '%'),
    # A decimal fraction, as no server was seen to send
    ('12.5%', 12, 100, '%')])
def test_parse_text(text, done, total, unit):
    assert parse_text(text) == Progress(done, total, unit, text)


@pytest.mark.parametrize('text', [
    '', 'starting', '%', 'MB', '..MB', None, 5, ['9%'],
    {'percent': '9', 'stage': 'x', 'speed': '1'}])
def test_parse_text_of_no_progress(text):
    assert parse_text(text) is None


def test_parse_text_of_a_hostile_server():
    parse_text('9' * 10000 + '%')
    parse_text('9' * 10000 + 'MB')


def test_the_newest_stage_is_reported():
    """The words of earlier stages stay in the metadata."""
    told = []
    reporter = Reporter(told.append)
    metadata = {'download_progress': 'rootfs: 98% (9.00MB/s)'}
    for change in ({}, {}, {UNPACK: 'Unpack: 1% (1.00MB/s)'},
                   {UNPACK: 'Unpack: 7% (1.00MB/s)'},
                   {'progress': {'percent': '8', 'stage': 'x'}}, None):
        reporter.report_operation(
            dict(metadata, **change) if change is not None else None)
        metadata.update(change or {})
    assert [(each.done, each.text.split(':')[0]) for each in told] == [
        (98, 'rootfs'), (1, 'Unpack'), (7, 'Unpack')]


@pytest.mark.parametrize('words, last', [
    (['Unpack: 24% (9.00MB/s)'],
     Progress(100, 100, '%', 'Unpack: 100% (9.00MB/s)')),
    (['Unpack: 24% (9.00MB/s)', 'Unpack: 100% (8.00MB/s)'], None),
    (['c1: 41.86MB (40.71MB/s)'], None),  # the whole is not known
    (['starting'], None), ([], None)])
def test_success_is_the_whole(words, last):
    told = []
    reporter = Reporter(told.append)
    for each in words:
        reporter.report_operation({UNPACK: each})
    before = len(told)
    reporter.report_success()
    assert told[before:] == ([last] if last else [])


# -- operations

class Operations(object):
    """A server whose operation ``u1`` says each of these words in turn."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.server = Server(lxd_api({
            'GET /1.0/operations/u1/wait': lambda request: sync(
                self.answers.pop(0))}))
        self.client = Client(self.server.endpoint)

    @property
    def waits(self):
        return [line for line in self.server.requested if '/wait' in line]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()


def say(text, status=RUNNING):
    return dict(status, metadata={UNPACK: text, 'progress': {'percent': '1'}})


def test_wait_reports_each_change():
    told = []
    with Operations(say('Unpack: 1%'), say('Unpack: 1%'), say('Unpack: 60%'),
                    say('Unpack: 90%', DONE)) as fixture:
        operation = fixture.client.operations.wait_for_operation(
            'u1', progress=told.append)
        assert fixture.waits == ['GET /1.0/operations/u1/wait?timeout=1'] * 4
    assert operation.status == 'Success'
    assert [(each.done, each.text) for each in told] == [
        (1, 'Unpack: 1%'), (60, 'Unpack: 60%'), (90, 'Unpack: 90%'),
        (100, 'Unpack: 100%')]


@pytest.mark.parametrize('progress', [None, False])
def test_one_request_without_progress(progress):
    with Operations(say('Unpack: 90%', DONE)) as fixture:
        fixture.client.operations.wait_for_operation('u1', None, progress)
        assert fixture.waits == ['GET /1.0/operations/u1/wait']


@pytest.mark.parametrize('call', [
    lambda c, p: c.containers.create(
        {'name': 'c1', 'source': {}}, wait=True, progress=p),
    lambda c, p: c.containers.get('c1').rebuild(progress=p),
    lambda c, p: c.containers.get('c1').publish(wait=True, progress=p),
    lambda c, p: c.containers.get('c1').snapshots.get('s1').publish(
        wait=True, progress=p),
    lambda c, p: c.images.get(DIGEST).refresh(progress=p),
    lambda c, p: c.images.create_from_url('https://x', True, progress=p,
                                          wait=True),
    lambda c, p: c.images.create_from_simplestreams(
        'https://x', 'a', wait=True, progress=p)])
def test_calls_that_wait(call):
    waits, told = [say('Unpack: 1%'), dict(
        DONE, metadata={'fingerprint': DIGEST})], []
    pages = {'POST /1.0/' + path: accepted(RUNNING) for path in (
        'instances', 'instances/c1/rebuild', 'images',
        'images/{}/refresh'.format(DIGEST))}
    pages.update({
        'GET /1.0/operations/u1/wait': lambda request: waits.pop(0),
        'GET /1.0/images/' + DIGEST: {'fingerprint': DIGEST},
        'GET /1.0/instances/c1': {'name': 'c1', 'type': 'container'},
        'GET /1.0/instances/c1/snapshots/s1': {'name': 's1'}})
    root = dict(ROOT, api_extensions=[
        'instances', 'instances_rebuild', 'image_force_refresh'])
    with Server(lxd_api(pages, root)) as server:
        call(Client(server.endpoint), told.append)
    assert [each.done for each in told] == [1, 100]


def test_a_failed_operation_is_not_reported_as_whole():
    told = []
    with Operations(say('Unpack: 1%'), say('Unpack: 60%', FAILED)) as fixture:
        with pytest.raises(exceptions.OperationFailed):
            fixture.client.operations.wait_for_operation(
                'u1', progress=told.append)
    assert [each.done for each in told] == [1, 60]


# -- transfers

def test_upload_of_an_image(images):
    told = []
    images.client.images.create(
        DATA, filename=u'/d/\xe4.tar', progress=told.append)
    assert [(each.done, each.total, each.unit) for each in told] == [
        (BLOCK, len(DATA), 'B'), (len(DATA), len(DATA), 'B')]
    assert told[0].text == six.ensure_str(u'\xe4.tar')
    assert images.posted.body == DATA


@pytest.mark.parametrize('make, total', [
    (lambda: b'metadata', len(DATA) + 8),
    (lambda: MinimalReader(b'metadata'), None)])
def test_upload_of_an_image_in_two_parts(images, make, total):
    told = []
    images.client.images.create(DATA, metadata=make(), progress=told.append)
    assert {(each.total, each.text) for each in told} == {(total, 'image')}
    assert told[-1].done == len(DATA) + 8
    assert images.posted.body.count(DATA) == 1


def test_upload_from_a_pipe(images):
    told = []
    images.client.images.create(MinimalReader(DATA), progress=told.append)
    assert told[-1] == Progress(len(DATA), None, 'B', 'image')


def test_the_operation_after_an_upload(images):
    waits = [say('Unpack: 3%'), dict(
        DONE, metadata={'fingerprint': DIGEST})]
    images.pages['GET /1.0/operations/u1/wait'] = lambda _: waits.pop(0)
    images.pages['POST /1.0/images/aliases'] = {}
    told = []
    images.client.images.create(
        b'data', aliases=['a'], progress=told.append)  # which waits
    assert [(each.unit, each.done, each.total) for each in told] == [
        ('B', 4, 4), ('%', 3, 100), ('%', 100, 100)]


def offer(images, parts, data):
    """Let the server export an image."""
    body, kind = data, 'application/octet-stream'
    if parts == 2:
        kind = 'multipart/form-data; boundary=x'
        body = b''.join(iterate_form('x', [
            ('metadata', b'm', [data[:9]]), ('rootfs', b'r', [data[9:]])]))
    images.pages['GET /1.0/images/' + DIGEST]['size'] = len(data)
    images.pages['GET /1.0/images/{}/export'.format(DIGEST)] = http(
        body, Content_Type=kind)


@pytest.mark.parametrize('parts', [1, 2])
def test_export(images, parts, tmpdir):
    offer(images, parts, DATA)
    told = []
    images.image.export(str(tmpdir.join('x')), progress=told.append)
    assert {each[1:] for each in told} == {
        (len(DATA), 'B', 'image ' + DIGEST[:12])}
    assert told[-1].done == len(DATA)


@pytest.mark.parametrize('data, total', [
    (b'ab', 2), (u'\xe4', 2), (io.BytesIO(b'ab'), 2),
    (MinimalReader(b'ab'), None), ([b'a', b'b'], None), (b'', 0)])
@pytest.mark.parametrize('method', ['put', 'append'])
def test_files_put_and_append(tree, method, data, total):
    if hasattr(data, 'seek'):
        data.seek(0)
    elif hasattr(data, 'read'):
        data = MinimalReader(b'ab')
    told = []
    getattr(tree.files, method)('/d/f', data, progress=told.append)
    assert len(tree.writes[0][3]) == (0 if total == 0 else 2)
    if total == 0:
        assert told == []
    else:
        assert told[-1] == Progress(2, total, 'B', '/d/f')


@pytest.mark.parametrize('target', [None, io.BytesIO()])
def test_files_get(tree, target):
    tree.nodes['/f'] = DATA
    told = []
    tree.files.get('/f', target, told.append)
    assert told[-1] == Progress(len(DATA), len(DATA), 'B', '/f')


def fill(directory, names):
    for name in names:
        directory.join(name).write('x' * 10)


def test_trees(tree, tmpdir):
    """The bytes of all files are added up."""
    names = ['f{}'.format(number) for number in range(20)]
    fill(tmpdir.mkdir('source'), names)
    put, got = [], []
    tree.files.recursive_put(
        str(tmpdir.join('source')), '/t', progress=put.append)
    tree.nodes.update({'/t/' + name: b'x' * 10 for name in names})
    tree.nodes['/t'] = names
    tree.files.recursive_get(
        '/t', str(tmpdir.join('target')), progress=got.append)
    for told in put, got:
        assert [each[:3] for each in told] == [
            (10 * number, None, 'B') for number in range(1, 21)]
        assert sorted(each.text for each in told) == sorted(
            '/t/' + name for name in names)


def test_a_replaced_put_needs_no_progress(tree, tmpdir, monkeypatch):
    put = []

    def replacement(filepath, data, mode=None, uid=None, gid=None):
        put.append(filepath)

    fill(tmpdir.mkdir('source'), 'a')
    files = tree.files
    monkeypatch.setattr(files, 'put', replacement)
    files.recursive_put(str(tmpdir.join('source')), '/t')
    assert put == ['/t/a']


def test_nothing_is_printed(images, tree, capfd):
    tree.nodes['/f'] = DATA
    for progress in None, False, lambda progress: None:
        images.client.images.create(DATA, progress=progress)
        tree.files.get('/f', progress=progress)
    assert capfd.readouterr() == ('', '')


# -- exceptions of the function

class Stop(Exception):
    """What no library knows."""


def fail_with(error):
    def report(progress):
        raise error
    return report


#: What requests, urllib3 or this library take for an error of the connection,
#: and what they do not.
ERRORS = [
    lambda: OSError(5, 'disk'), lambda: IOError(32, 'Broken pipe'),
    lambda: UnicodeError('x'), lambda: exceptions.StreamBroken('mine'), Stop]
errors = pytest.mark.parametrize('make_error', ERRORS + [KeyboardInterrupt])


def check(error, call, *args, **kwargs):
    """Check that a call raises just this error, as it was."""
    filename = getattr(error, 'filename', None)
    with pytest.raises(type(error)) as caught:
        call(*args, progress=fail_with(error), **kwargs)
    assert caught.value is error and getattr(
        error, 'filename', None) == filename
    assert getattr(error, '__context__', None) is None


@errors
@pytest.mark.parametrize('make_arguments', [
    lambda: {'image_data': DATA}, lambda: {'image_data': MinimalReader(DATA)},
    lambda: {'image_data': DATA, 'metadata': b'm'}])
def test_an_upload_is_ended(images, make_error, make_arguments):
    check(make_error(), images.client.images.create, **make_arguments())
    images.server.ended.get(True, 10)  # the connection
    assert not [each for each in images.server.requests
                if DATA in (each.body or b'')]
    assert images.client.images.create(DATA)


@errors
@pytest.mark.parametrize('parts', [1, 2])
def test_an_export_is_ended(images, make_error, parts, tmpdir):
    offer(images, parts, DATA * 9)
    image = images.image
    check(make_error(), image.export, str(tmpdir.join('x')))
    assert tmpdir.listdir() == []
    assert image.client.images.get(DIGEST) == image
    assert images.server.connections == 2


def test_stop_iteration_is_no_end(images, tree):
    """A generator that raises it would end the transfer as if complete."""
    for call, arguments in (
            (images.client.images.create, [DATA]),
            (tree.files.put, ['/f', [DATA, DATA]])):
        with pytest.raises(RuntimeError) as caught:
            call(*arguments, progress=fail_with(StopIteration()))
        assert 'StopIteration' in str(caught.value)
    assert [body for _, _, _, body in tree.writes if body] == []


@errors
@pytest.mark.parametrize('data', [DATA, [DATA, b'x']])
def test_a_put_is_ended(tree, make_error, data):
    check(make_error(), tree.files.put, '/f', data)
    tree.server.ended.get(True, 10)
    assert [body for _, _, _, body in tree.writes if body] == []
    assert tree.files.put('/f', b'x')


@errors
def test_a_get_is_ended(tree, make_error):
    tree.nodes['/f'] = DATA * 9
    check(make_error(), tree.files.get, '/f')
    assert tree.files.get('/f') == DATA * 9
    assert tree.server.connections == 2


# KeyboardInterrupt reaches the main thread alone, which calls no function
@pytest.mark.parametrize('make_error', ERRORS)
def test_trees_are_ended(tree, make_error, tmpdir):
    """No other file begins after the error."""
    names = ['f{}'.format(number) for number in range(60)]
    tree.nodes.update({'/t/' + name: DATA for name in names})
    tree.nodes['/t'] = names
    check(make_error(), tree.files.recursive_get, '/t',
          str(tmpdir.join('target')))
    assert read_tree(str(tmpdir.join('target'))) == {}
    assert len(tree.server.requests) < 30
    fill(tmpdir.mkdir('source'), names)
    check(make_error(), tree.files.recursive_put, str(tmpdir.join('source')),
          '/t')
    assert len(tree.writes) < 30


@errors
def test_a_wait_is_ended(make_error):
    with Operations(*[say('Unpack: 1%')] * 9) as fixture:
        check(make_error(), fixture.client.operations.wait_for_operation, 'u1')
        assert len(fixture.answers) == 8


# -- what progress may be

CALLS = {
    'images.create': lambda c, p: c.images.create(b'x', progress=p),
    'images.create_from_simplestreams': lambda c, p: (
        c.images.create_from_simplestreams('https://x', 'a', progress=p)),
    'images.create_from_url': lambda c, p: c.images.create_from_url(
        'https://x', progress=p),
    'image.export': lambda c, p: c.images.model(
        c, fingerprint=DIGEST).export(progress=p),
    'image.refresh': lambda c, p: c.images.model(
        c, fingerprint=DIGEST).refresh(progress=p),
    'instance.publish': lambda c, p: Container(c, name='c1').publish(
        progress=p),
    'snapshot.publish': lambda c, p: Container(
        c, name='c1').snapshots.model(
            c, Container(c, name='c1'), name='s1').publish(progress=p),
    'instances.create': lambda c, p: c.instances.create(
        {'name': 'c1'}, progress=p),
    'instance.rebuild': lambda c, p: Container(c, name='c1').rebuild(
        'busybox', progress=p),
    'files.put': lambda c, p: Container(c, name='c1').files.put(
        '/f', b'x', progress=p),
    'files.append': lambda c, p: Container(c, name='c1').files.append(
        '/f', b'x', progress=p),
    'files.get': lambda c, p: Container(c, name='c1').files.get(
        '/f', progress=p),
    'files.recursive_put': lambda c, p: Container(
        c, name='c1').files.recursive_put(os.curdir, '/f', progress=p),
    'files.recursive_get': lambda c, p: Container(
        c, name='c1').files.recursive_get('/f', 'target', progress=p),
    'operations.wait_for_operation': lambda c, p: (
        c.operations.wait_for_operation('u1', progress=p)),
}


@pytest.fixture
def silent():
    """A client, and the server that it must send nothing more."""
    with Server(lxd_api({})) as server:
        client = Client(server.endpoint)
        client.host_info
        del server.requests[:]
        yield client
        assert server.requests == []


@pytest.mark.parametrize('call', sorted(CALLS))
def test_other_values(silent, call, tmpdir, monkeypatch):
    monkeypatch.chdir(tmpdir)
    for value in 'yes', 1, [], {}, 0.5:
        with pytest.raises(TypeError) as caught:
            CALLS[call](silent, value)
        assert str(caught.value) == (
            'progress must be a function, or True for a bar, not '
            '{!r}'.format(value))


@pytest.mark.parametrize('call', sorted(CALLS))
def test_without_tqdm(silent, call, tmpdir, monkeypatch):
    monkeypatch.chdir(tmpdir)
    for name in 'tqdm', 'tqdm.auto':
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError) as caught:
        CALLS[call](silent, True)
    assert str(caught.value) == (
        'progress=True needs tqdm: pip install pylxd[progress]')
