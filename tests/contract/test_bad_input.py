# -*- coding: utf-8 -*-
"""Wrong arguments and broken servers raise errors, and change nothing."""
import collections
import io

import pytest
import six

from pylxd import Client, exceptions
from pylxd.container import Container, Snapshot
from wire import (
    ROOT, Proxy, Server, make_certificate, error, http, reply, sync)
import wire
from helpers import EMPTY, unique_name

InvalidName = exceptions.InvalidName
Targets = collections.namedtuple(
    'Targets', 'client container image profile network')


@pytest.fixture(scope='module')
def targets(lxd):
    """A client behind a proxy, and one object of each kind."""
    name = unique_name()
    with Proxy(lxd.socket, True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            client.proxy = proxy
            targets = Targets(
                client,
                client.containers.create(
                    {'name': name, 'source': EMPTY}, wait=True),
                client.images.get_by_alias('busybox'),
                client.profiles.get('default'),
                client.networks.all())
            yield targets
            targets.container.delete(wait=True)


def list_sent(client):
    """Return the bytes that were sent on each connection."""
    return [bytes(each) for each in client.proxy.sent]


#: Names that no object can have.
INVALID_NAMES = ['', '.', '..', 'a\0b', 'a\nb', '\x1b[2J']
#: Values that are no names.
NO_NAMES = [None, 7.5, True, ['a'], {'a': 1}]

#: Calls that raise for each of the values above.
NAMED = [
    lambda at, name: at.client.containers.get(name),
    lambda at, name: at.client.containers.exists(name),
    lambda at, name: at.client.containers.create(
        {'name': name, 'source': EMPTY}),
    lambda at, name: at.client.instances.get(name),
    lambda at, name: at.container.rename(name),
    lambda at, name: at.container.snapshots.get(name),
    lambda at, name: at.container.snapshots.exists(name),
    # None leaves the choice of the name to the server
    lambda at, name: at.container.snapshots.create(
        True if name is None else name),
    lambda at, name: at.container.restore_snapshot(name),
    lambda at, name: at.client.images.get(name),
    lambda at, name: at.client.images.exists(name),
    lambda at, name: at.client.images.get_by_alias(name),
    lambda at, name: at.client.images.exists(name, alias=True),
    lambda at, name: at.image.add_alias(name, ''),
    lambda at, name: at.image.delete_alias(name),
    lambda at, name: at.client.profiles.get(name),
    lambda at, name: at.client.profiles.exists(name),
    lambda at, name: at.client.profiles.create(name),
    lambda at, name: at.profile.rename(name),
    lambda at, name: at.client.networks.get(name),
    lambda at, name: at.client.networks.create(name),
    lambda at, name: at.client.certificates.get(name),
    lambda at, name: at.client.api.profiles[name],
]


@pytest.mark.parametrize('call', NAMED, ids=lambda call: '')
def test_invalid_names_are_not_sent(targets, call):
    before = list_sent(targets.client)
    for name in INVALID_NAMES:
        with pytest.raises(InvalidName):
            call(targets, name)
    for name in NO_NAMES:
        with pytest.raises(TypeError):
            call(targets, name)
    assert list_sent(targets.client) == before


@pytest.mark.parametrize('operation_id', INVALID_NAMES[:4] + [
    '/', '/1.0/operations/', '/1.0/operations/..', '/1.0/instances/c1',
    'a/b'])
def test_invalid_operation_ids_are_not_sent(targets, operation_id):
    before = list_sent(targets.client)
    for call in (targets.client.operations.get,
                 targets.client.operations.wait_for_operation):
        with pytest.raises(InvalidName):
            call(operation_id)
        for no_id in None, 7, targets.container:
            with pytest.raises(TypeError):
                call(no_id)
    assert list_sent(targets.client) == before


#: Calls, and what they raise before anything is sent.
REFUSED = [
    (lambda at: at.client.containers.create('c1'), TypeError),
    (lambda at: at.client.containers.create(None), TypeError),
    (lambda at: at.client.profiles.create('p', config=['a']), TypeError),
    (lambda at: at.client.profiles.create('p', devices={'a': 1}), TypeError),
    (lambda at: at.client.containers.create([('name', 'c1')]), TypeError),
    (lambda at: at.container.execute('ls -l'), TypeError),
    (lambda at: at.container.execute(b'ls'), TypeError),
    (lambda at: at.container.execute(None), TypeError),
    (lambda at: at.container.execute(7), TypeError),
    (lambda at: at.container.execute([]), ValueError),
    (lambda at: at.container.execute(['ls', None]), TypeError),
    (lambda at: at.container.execute([['ls']]), TypeError),
    (lambda at: at.container.execute(['ls'], {'A': {}}), TypeError),
    (lambda at: at.container.execute(['ls'], user='root'), TypeError),
    (lambda at: at.container.execute(['ls'], {1: 'a'}), TypeError),
    (lambda at: at.container.execute(['ls'], 'A=1'), (TypeError, ValueError)),
    (lambda at: at.container.execute(['ls'], encoding='none such'),
     LookupError),
    (lambda at: at.container.raw_interactive_execute('ls'), TypeError),
    (lambda at: at.container.migrate('https://h:8443'), TypeError),
    (lambda at: at.container.migrate(None), TypeError),
    (lambda at: at.image.copy('https://h:8443'), TypeError),
    (lambda at: Container.get('https://h:8443', 'c1'), TypeError),
    (lambda at: Container.get('c1'), TypeError),
    (lambda at: Container.create({'name': 'c1'}), TypeError),
    (lambda at: Snapshot.all(at.client), TypeError),
    (lambda at: Snapshot.get('c1', 's1'), TypeError),
    (lambda at: at.container.snapshots.create('a/b'), InvalidName),
    (lambda at: at.container.snapshots.get('a/b'), InvalidName),
    (lambda at: at.container.snapshots.get('a%2fb'), InvalidName),
    (lambda at: at.container.restore_snapshot('../x'), InvalidName),
    (lambda at: at.container.files.get(''), InvalidName),
    (lambda at: at.container.files.get('/a\0'), InvalidName),
    (lambda at: at.container.files.get(None), TypeError),
    (lambda at: at.container.files.get(7), TypeError),
    (lambda at: at.container.files.get('/a', '/tmp/a'), TypeError),
    (lambda at: at.container.files.put('', b''), InvalidName),
    (lambda at: at.container.files.put(None, b''), TypeError),
    (lambda at: at.container.files.put('/a', None), TypeError),
    (lambda at: at.container.files.put('/a', 7), TypeError),
    (lambda at: at.container.files.put('/a', {'a': 1}), TypeError),
    (lambda at: at.container.files.put('/a', io.StringIO(u'a')), TypeError),
    (lambda at: at.container.files.put('/a', b'', mode='rwx'), ValueError),
    (lambda at: at.container.files.put('/a', b'', mode='0999'), ValueError),
    (lambda at: at.container.files.put('/a', b'', mode=-1), ValueError),
    (lambda at: at.container.files.put('/a', b'', mode=0o200000), ValueError),
    (lambda at: at.container.files.put('/a', b'', mode=True), ValueError),
    (lambda at: at.container.files.put('/a', b'', uid='root'), TypeError),
    (lambda at: at.container.files.put('/a', b'', gid=[]), TypeError),
    (lambda at: at.container.files.mk_dir(''), InvalidName),
    (lambda at: at.container.files.delete(''), InvalidName),
    (lambda at: at.container.files.listdir(None), TypeError),
    (lambda at: at.container.files.recursive_put('/none', '/x'), OSError),
    (lambda at: at.container.files.recursive_put(__file__, '/x'), OSError),
    (lambda at: at.container.files.recursive_get('', '/none'), InvalidName),
    (lambda at: at.container.start(timeout='soon'), ValueError),
    (lambda at: at.client.images.create(u'/a/path'), TypeError),
    (lambda at: at.client.images.create(None), TypeError),
    (lambda at: at.client.images.create(b'a', public='no'), TypeError),
    (lambda at: at.client.images.create(io.StringIO(u'a')), TypeError),
    (lambda at: at.client.certificates.create('x', b'no certificate'),
     exceptions.InvalidCertificate),
    (lambda at: at.client.certificates.create('x', b''),
     exceptions.InvalidCertificate),
    (lambda at: at.client.certificates.create(
        'x', '-----BEGIN CERTIFICATE-----\nAAAA\n'),
     exceptions.InvalidCertificate),
    (lambda at: at.client.certificates.create('x', None), TypeError),
    (lambda at: at.client.assert_has_api_extension('none_such'),
     NotImplementedError),
    (lambda at: setattr(at.profile, 'config', None), TypeError),
    (lambda at: setattr(at.profile, 'config', 'a=b'), TypeError),
    (lambda at: setattr(at.profile, 'devices', []), TypeError),
    (lambda at: setattr(at.profile, 'description', 7), TypeError),
    (lambda at: setattr(at.container, 'ephemeral', 'yes'), TypeError),
    (lambda at: setattr(at.container, 'profiles', 'default'), TypeError),
    (lambda at: setattr(at.profile, 'name', 'x'), AttributeError),
    (lambda at: setattr(at.container, 'status', 'x'), AttributeError),
    (lambda at: setattr(at.image, 'fingerprint', 'x'), AttributeError),
    (lambda at: setattr(at.profile, 'none_such', 'x'), AttributeError),
    (lambda at: at.profile.none_such, AttributeError),
    (lambda at: at.client.none_such, AttributeError),
]


@pytest.mark.parametrize('call, error_class', REFUSED, ids=lambda value: '')
def test_bad_arguments_are_not_sent(targets, call, error_class):
    for model in (targets.container, targets.image, targets.profile):
        model.sync()
    before = list_sent(targets.client)
    with pytest.raises(error_class) as caught:
        call(targets)
    assert str(caught.value)
    assert list_sent(targets.client) == before
    for model in (targets.container, targets.image, targets.profile):
        assert not model.dirty


#: Calls that only the server can refuse: it says why, and changes nothing.
JUDGED = [
    lambda at: at.client.containers.create({'name': 'a/b', 'source': EMPTY}),
    lambda at: at.client.containers.create({'name': 'a b', 'source': EMPTY}),
    lambda at: at.client.containers.create(
        {'name': 'x' * 100, 'source': EMPTY}),
    lambda at: at.client.containers.create({}, wait=True),
    lambda at: at.client.containers.create(
        {'name': unique_name(), 'source': {'type': 'none such'}}, wait=True),
    lambda at: at.client.containers.create(
        {'name': unique_name(), 'source': 'image'}, wait=True),
    lambda at: at.client.containers.create(
        {'name': unique_name(), 'source': EMPTY, 'config': {'none.such': '1'}},
        wait=True),
    lambda at: at.client.containers.create(
        {'name': unique_name(), 'source': EMPTY, 'profiles': ['none-such']},
        wait=True),
    lambda at: at.container.rename('a/b', wait=True),
    lambda at: at.container.execute(['true']),  # the container is stopped
    lambda at: at.container.freeze(wait=True),
    lambda at: at.container.files.get('/'),  # the container has no files
    lambda at: at.client.profiles.create(
        unique_name(), config={'none.such': '1'}),
    lambda at: at.client.profiles.create(unique_name(), devices={'a': {}}),
    lambda at: at.client.profiles.create('default'),
    lambda at: at.client.profiles.create('a/b'),
    lambda at: at.profile.delete(),
    lambda at: at.client.images.create(b'no image', wait=True),
    lambda at: at.client.images.create(b'', wait=True),
    lambda at: at.client.images.create_from_url('none', wait=True),
    lambda at: at.client.networks.create('a b'),
    lambda at: at.client.containers.get('a/../' + at.container.name),
    lambda at: at.client.containers.get(at.container.name + '?x'),
    lambda at: at.client.profiles.get('a/../default'),
]


@pytest.mark.parametrize('call', JUDGED, ids=lambda call: '')
def test_what_the_server_refuses_changes_nothing(targets, call):
    client = targets.client
    before = [[each.name for each in manager.all()] for manager in (
        client.instances, client.profiles, client.networks)]
    images = client.images.all()
    with pytest.raises(exceptions.LXDAPIException) as caught:
        call(targets)
    assert len(str(caught.value)) > 10
    assert before == [[each.name for each in manager.all()] for manager in (
        client.instances, client.profiles, client.networks)]
    assert client.images.all() == images
    targets.container.sync()
    assert targets.container.status == 'Stopped'


@pytest.mark.parametrize('command, proposed', [
    ('ls', ['ls']), ('ls -l /', ['ls', '-l', '/']),
    (b'ls -l', ['ls', '-l']), (u'cat "a b"', ['cat', 'a b']),
    ('ls | wc', ['sh', '-c', 'ls | wc']),
    ('echo $HOME', ['sh', '-c', 'echo $HOME']),
    ('ls *', ['sh', '-c', 'ls *']), ("it's", ['sh', '-c', "it's"])])
def test_the_list_for_a_command_in_a_text(targets, command, proposed):
    with pytest.raises(TypeError) as caught:
        targets.container.execute(command)
    assert str(caught.value).endswith('such as {!r}'.format(proposed))


@pytest.mark.parametrize('call, argument', [
    (lambda at: at.container.migrate('https://h:8443'), 'new_client'),
    (lambda at: at.image.copy('https://h:8443'), 'new_client'),
    (lambda at: Container.all('https://h:8443'), 'client')])
def test_a_url_instead_of_a_client(targets, call, argument):
    with pytest.raises(TypeError) as caught:
        call(targets)
    assert str(caught.value).startswith(argument + ' must be a Client')
    assert "not 'https://h:8443'" in str(caught.value)


# -- the client's own arguments

@pytest.mark.parametrize('arguments, error_class', [
    ({'endpoint': 'lxd.example:8443'}, exceptions.ClientConnectionFailed),
    ({'endpoint': 'ftp://lxd.example'}, exceptions.ClientConnectionFailed),
    ({'endpoint': 'unix://relative'}, exceptions.ClientConnectionFailed),
    ({'endpoint': 'https://h:port'}, exceptions.ClientConnectionFailed),
    ({'endpoint': 'https://127.0.0.1:1'}, exceptions.ClientConnectionFailed),
    ({'endpoint': '/none'}, exceptions.ClientConnectionFailed),
    ({'endpoint': 7}, TypeError),
    ({'cert': ('/none/crt', '/none/key')}, exceptions.InvalidCertificate),
    ({'cert': (__file__, '{key}')}, exceptions.InvalidCertificate),
    ({'cert': ('{crt}', __file__)}, exceptions.InvalidCertificate),
    ({'cert': ('{key}', '{crt}')}, exceptions.InvalidCertificate),
    ({'cert': ('{crt}', '{other}')}, exceptions.InvalidCertificate),
    ({'cert': ('{crt}',)}, TypeError),
    ({'cert': 7}, TypeError),
    ({'verify': '/none'}, exceptions.InvalidCertificate),
    ({'verify': __file__}, exceptions.InvalidCertificate),
    ({'verify': 1}, TypeError),
    ({'verify': None}, TypeError),
    ({'version': ''}, InvalidName),
    ({'version': '../1.0'}, exceptions.NotFound),
    ({'version': None}, TypeError),
    ({'timeout': 'soon'}, ValueError),
    ({'timeout': -1}, ValueError),
    ({'timeout': (1, 2, 3)}, ValueError),
], ids=lambda value: '')
def test_bad_arguments_of_a_client(lxd, tmpdir, arguments, error_class):
    pair = make_certificate(tmpdir)
    names = {'crt': pair[0], 'key': pair[1],
             'other': make_certificate(tmpdir, 'other')[1]}
    arguments = dict({'endpoint': lxd.endpoint, 'verify': lxd.certificate},
                     **arguments)
    if isinstance(arguments.get('cert'), tuple):
        arguments['cert'] = tuple(
            each.format(**names) for each in arguments['cert'])
    with pytest.raises(error_class) as caught:
        Client(**arguments)
    assert len(str(caught.value)) > 10


# -- servers that are no LXD

def send_and_close(data):
    """Return an answer after which the server closes the connection."""
    return lambda connection: connection.sendall(data)


def reply_async(operation):
    """Return a response of the type ``async``, which may be malformed."""
    return reply({'type': 'async', 'metadata': operation}, '202 Accepted')


PAGE = b'<!DOCTYPE html><title>A router</title>'
ANSWERS = {
    'page': http(PAGE, Content_Type='text/html'),
    'page without a type': http(PAGE),
    'page under 404': http(PAGE, '404 Not Found'),
    'page under 500': http(PAGE, '500 Internal Server Error'),
    'nothing': http(b''),
    'nothing under 500': http(b'', '500 Internal Server Error'),
    'no content': http(b'', '204 No Content'),
    'another status': http(b'', '418 Teapot'),
    'a status of its own': http(b'', '999 None'),
    'other JSON': reply({'hello': 'world'}),
    'a list': reply(['/1.0']),
    'null': reply(None),
    'a number': reply(5),
    'metadata missing': reply({'type': 'sync'}),
    'metadata null': sync(None),
    'metadata a text': sync('hello'),
    'metadata a number': sync(5),
    'metadata a list of numbers': sync([5, None]),
    'metadata a list of lists': sync([[[]]]),
    'metadata of lists': sync({'a': [5]}),
    'metadata of numbers': sync({'a': 5}),
    'another type': reply({'type': 'other', 'metadata': {}}),
    'error without a text': reply({'type': 'error'}, '400 Bad Request'),
    'error of numbers': reply({'type': 'error', 'error': [5]}, '400 Bad'),
    'an operation': reply_async({'id': 'x'}),
    'an operation that is none': reply_async(None),
    'an operation without an id': reply_async({}),
    'an operation with a number': reply_async({'id': 5}),
    'an operation that leads out': reply_async({'id': '..'}),
    'an operation of numbers': reply_async({
        'id': 'x', 'metadata': 5, 'resources': 5, 'status_code': 'x',
        'err': 5, 'description': 5, 'class': 5}),
    'an operation of lists': reply_async({
        'id': 'x', 'metadata': [5], 'resources': {'instances': 5}}),
    'websockets that are none': reply_async({
        'id': 'x', 'metadata': {'fds': {'0': 'a', '1': 5, '2': None}}}),
    'an operation with odd fields': reply_async({
        'id': 'x', 'client': 5, 'self': 5, u'\xe4': 5, 'wait': 5}),
    'operations of lists': sync({'running': [5]}),
    'JSON cut off': http(b'{"type": "sync", "metadata": {"a'),
    'a body cut off': send_and_close(http(b'{"type": "sync", "metada',
                                          Content_Length=999)),
    'chunks cut off': send_and_close(http(b'5\r\n{"typ', Content_Length=None,
                                          Transfer_Encoding='chunked')),
    'no UTF-8': http(b'{"type": "sync", "metadata": {"\xff": 1}}'),
    'binary': http(b'\x00\xff' * 500),
    'deep JSON': http(b'[' * 100000),
    'a huge number': http(b'{"type": "sync", "metadata": ' + b'9' * 5000
                          + b'}'),
    'no HTTP': send_and_close(b'SSH-2.0-OpenSSH_9.2\r\n'),
    'closed': send_and_close(b''),
}
REDIRECTS = ['301', '302', '303', '307', '308']


def start_container(client):
    container = Container(client, name='c1')
    container.start(wait=True)
    return container


#: Calls that need a response that they can read.
CALLS = [
    lambda client: Client(client.transport.endpoint).api,
    lambda client: client.containers.all(),
    lambda client: client.containers.get('c1'),
    lambda client: client.containers.exists('c1') or client.containers.get(
        'c1'),
    lambda client: client.containers.create({'name': 'c1'}, wait=True).status,
    lambda client: client.images.get_by_alias('a'),
    lambda client: client.images.create(b'data', wait=True).size,
    lambda client: client.profiles.create('p1', {}, {}).config,
    lambda client: client.operations.all(),
    lambda client: client.operations.get('x'),
    lambda client: client.operations.wait_for_operation('x'),
    lambda client: Container(client, name='c1').execute(
        ['ls']),
    lambda client: Container(client, name='c1').state(),
    lambda client: start_container(client).status,
    lambda client: Container(client, name='c1').files.listdir('/'),
    lambda client: client.events().connect(),
]


class ScriptedServer(object):
    """A server that is like LXD until ``answer`` is set, for all requests."""

    def __init__(self, path=None):
        self.answer = None
        self._lxd = wire.lxd_api()
        self.server = Server(self, path)

    def __call__(self, request):
        return self._lxd(request) if self.answer is None else self.answer


@pytest.fixture
def scripted_server():
    server = ScriptedServer()
    yield server
    server.server.close()


@pytest.mark.parametrize('name', sorted(ANSWERS))
def test_answers_that_are_not_of_lxd(scripted_server, name):
    client = Client(scripted_server.server.endpoint, timeout=20)
    for call in CALLS:
        scripted_server.answer = ANSWERS[name]
        try:
            call(client)
        except exceptions.LXDException as raised:
            assert str(raised) and isinstance(str(raised), str)
        except OSError as raised:  # the response has no type directory
            assert 'Not a directory' in str(raised)
        else:
            # The library reads this answer as an empty list
            assert name in (
                'metadata missing', 'metadata null', 'metadata of lists',
                'metadata of numbers', 'operations of lists'
            ), CALLS.index(call)
        scripted_server.answer = None
        # The client still works
        assert client.api.get().json()['metadata'] == ROOT


@pytest.mark.parametrize('status', REDIRECTS)
def test_redirects_are_not_followed(scripted_server, status):
    """The error names the target of the redirect."""
    client = Client(scripted_server.server.endpoint, timeout=20)
    with Server(wire.lxd_api()) as elsewhere:
        scripted_server.answer = http(
            b'', status + ' Moved',
            Location=elsewhere.endpoint + '/1.0?a=s3cr3t')
        for call in CALLS:
            with pytest.raises(exceptions.InvalidResponse) as caught:
                call(client)
            assert elsewhere.endpoint + '/1.0' in str(caught.value)
            assert 's3cr3t' not in str(caught.value)
        assert not elsewhere.connections


def test_errors_of_a_server_show_no_secret(scripted_server):
    """The refused request, with its password, is not kept."""
    client = Client(scripted_server.server.endpoint)
    client.dialect.info['auth'] = 'untrusted'
    scripted_server.answer = error(403, 'not authorized')
    with pytest.raises(exceptions.LXDAPIException) as caught:
        client.api.certificates.post(json={'password': 's3cr3t'})
    assert 's3cr3t' not in repr(vars(caught.value.response.request))
    assert 's3cr3t' not in str(caught.value)


def test_messages_of_errors_are_printable_text(scripted_server):
    """`str` of an error works on each Python, whatever the server said."""
    client = Client(scripted_server.server.endpoint)
    for message in (u'\xe4\u20ac', u'\x1b[31mred', u'a\r\nb', u'\udcff'):
        scripted_server.answer = error(400, message)
        with pytest.raises(exceptions.LXDAPIException) as caught:
            client.api.get()
        text = six.ensure_text(str(caught.value), errors='replace')
        assert u'\x1b' not in text and u'\r' not in text
