"""What belongs to an instance, against a scripted server."""
import copy
import datetime
import json
import time

import pytest

from pylxd import Client, exceptions
from pylxd.core.timestamp import format_time
from pylxd.models import Backup, Container, InstanceMetadata
from wire import ROOT, Server, accepted, error, http, lxd_api, reply

OPERATION = {'id': 'u1', 'class': 'task', 'status': 'Running',
             'status_code': 103, 'err': '', 'metadata': None,
             'created_at': '2026-01-01T00:00:05.5Z'}
DONE = dict(OPERATION, status='Success', status_code=200)
C1 = '/1.0/instances/c1'
INSTANCE = {'name': 'c1', 'status': 'Running', 'ephemeral': False,
            'config': {}, 'type': 'container'}


class Instances(object):
    """A server with the container ``c1``; all it does ends at once.

    :param extensions: its API extensions beside ``instances``.
    """

    def __init__(self, *extensions, **root):
        self.pages = {
            'GET ' + C1: INSTANCE, 'GET /1.0/operations/u1/wait': DONE}
        for line in ('POST ' + C1, 'DELETE ' + C1, 'PUT /1.0/instances',
                     'POST /1.0/instances', 'PUT {}/state'.format(C1),
                     'POST {}/rebuild'.format(C1), 'POST /1.0/images'):
            self.pages[line] = accepted(OPERATION)
        self.server = Server(lxd_api(self.pages, dict(
            ROOT, api_extensions=['instances'] + list(extensions), **root)))
        self.client = Client(self.server.endpoint)
        self.c1 = Container(self.client, name='c1')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    def bodies(self, line):
        """Return the JSON bodies of the requests ``METHOD path``."""
        return [json.loads(each.body.decode('utf-8'))
                for each in self.server.requests
                if each.method + ' ' + each.target.split('?')[0] == line]


CALLS = {
    'container_backup': [
        lambda c1: c1.backups.all(), lambda c1: c1.backups.get('b'),
        lambda c1: c1.backups.create(), lambda c1: Backup(
            c1, name='b').delete(), lambda c1: Backup(
                c1, name='b').rename('c'),
        lambda c1: c1.client.instances.create_from_backup(b'x')],
    'container_edit_metadata': [
        lambda c1: c1.metadata.properties, lambda c1: c1.metadata.sync(),
        lambda c1: c1.templates.all(), lambda c1: c1.templates.get('a'),
        lambda c1: c1.templates.put('a', b''),
        lambda c1: c1.templates.delete('a')],
    'console': [lambda c1: c1.console_log(),
                lambda c1: c1.clear_console_log()],
    'instances_rebuild': [lambda c1: c1.rebuild('a')],
    'instance_access': [lambda c1: c1.access()],
    'instance_port_forward': [lambda c1: c1.connect(1)],
    'instance_bulk_state_change': [
        lambda c1: c1.client.instances.change_state('stop')],
    'instance_pool_move': [lambda c1: c1.move(pool='p')],
    'instance_project_move': [lambda c1: c1.move(project='p')],
    'clustering': [lambda c1: c1.move(target='p')],
    'snapshot_expiry_creation': [
        lambda c1: c1.snapshots.create('s', expires_at='x')],
    'image_create_aliases': [lambda c1: c1.publish(aliases=['a'])],
    'instance_file_head': [lambda c1: c1.files.stat('/'),
                           lambda c1: c1.files.exists('/')],
    'file_append': [lambda c1: c1.files.append('/', b'')],
    'file_symlinks': [lambda c1: c1.files.symlink('/a', 'b')],
    'file_delete': [lambda c1: c1.files.delete('/a', recursive=True)],
}


@pytest.mark.parametrize('extension', sorted(CALLS))
def test_each_call_needs_its_extension(extension):
    with Instances() as instances:
        for call in CALLS[extension]:
            with pytest.raises(
                    exceptions.LXDAPIExtensionNotAvailable) as caught:
                call(instances.c1)
            assert caught.value.name == extension
        assert instances.server.requested in (
            ['GET /1.0'], ['GET /1.0', 'GET ' + C1])


@pytest.mark.parametrize('extension, call', [
    ('backup_override_name', lambda client: client.instances.
     create_from_backup(b'x', name='n')),
    ('container_backup_override_pool', lambda client: client.instances.
     create_from_backup(b'x', pool='n')),
    ('backup_compression_algorithm', lambda client: Container(
        client, name='c1').backups.create(compression_algorithm='none')),
    ('instance_move_config', lambda client: Container(
        client, name='c1').move(pool='p', project='q'))])
def test_each_argument_needs_its_extension(extension, call):
    with Instances('container_backup', 'instance_pool_move',
                   'instance_project_move', 'projects') as instances:
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            call(instances.client)
        assert caught.value.name == extension
        assert instances.server.requested == ['GET /1.0']


# -- states, moves, deletion

def test_stateful_is_sent_only_if_true():
    with Instances() as instances:
        instances.c1.start()
        instances.c1.stop(stateful=True)
        instances.c1.shutdown(5)
        assert instances.bodies('PUT {}/state'.format(C1)) == [
            {'action': 'start', 'timeout': 30, 'force': True},
            {'action': 'stop', 'timeout': 30, 'force': True,
             'stateful': True},
            {'action': 'stop', 'timeout': 5, 'force': False}]


def test_delete_by_force_with_the_extension():
    with Instances('instance_force_delete') as instances:
        instances.c1.delete(force=True)
        instances.c1.delete()
        assert instances.server.requested[1:] == [
            'DELETE {}?force=1'.format(C1), 'DELETE ' + C1]


def test_move_sends_what_is_given():
    with Instances('instance_pool_move', 'clustering') as instances:
        instances.c1.move(pool='p', wait=False)
        instances.c1.move(target='m 1')
        assert instances.bodies('POST ' + C1) == [
            {'name': 'c1', 'migration': True, 'pool': 'p'},
            {'name': 'c1', 'migration': True}]
        assert 'POST {}?target=m+1'.format(C1) in instances.server.requested


@pytest.mark.parametrize('is_forgotten', [False, True])
@pytest.mark.parametrize('fails', [False, True])
def test_the_project_after_a_move(fails, is_forgotten, warnings_logged):
    with Instances('instance_project_move', 'projects') as instances:
        instances.pages['GET /1.0/operations/u1/wait'] = (
            error(404, 'Operation not found') if is_forgotten else
            dict(DONE, status='Failure', status_code=400, err='no room')
            if fails else DONE)
        instances.pages['GET ' + C1] = lambda request: (
            INSTANCE if fails != request.target.endswith('?project=q')
            else error(404, 'Instance not found'))
        instances.c1.move(project='q', wait=False)
        assert instances.c1.client.project == 'q'
        assert len(instances.server.requested) == 2  # no wait yet
        instances.c1.sync()
        assert instances.c1.client.project == (None if fails else 'q')
        assert (instances.c1.parent is instances.client) == fails
        assert warnings_logged() == fails * [
            '<Container c1> was not moved to the project q: ' + (
                'the server still has <Container c1>'
                if is_forgotten else 'no room')]


def test_change_state_of_no_instances():
    """LXD 5.0 sends a null in place of an empty list."""
    with Instances('instance_bulk_state_change') as instances:
        instances.pages['PUT /1.0/instances'] = accepted(
            dict(OPERATION, resources={'instances': None}))
        operation = instances.client.instances.change_state(
            'stop', wait=False)
        assert operation.affected_urls == set()
        assert instances.bodies('PUT /1.0/instances') == [{'state': {
            'action': 'stop', 'timeout': 30, 'force': False}}]


@pytest.mark.parametrize('image, source', [
    (None, {'type': 'none'}), ('a/b', {'type': 'image', 'alias': 'a/b'}),
    ('f00', {'type': 'image', 'fingerprint': 'f00'}),
    ({'type': 'x'}, {'type': 'x'})])
def test_the_source_of_a_rebuild(image, source):
    with Instances('instances_rebuild') as instances:
        instances.pages['GET /1.0/images/aliases/a%2Fb'] = {'name': 'a/b'}
        instances.c1.rebuild(image)
        assert instances.bodies('POST {}/rebuild'.format(C1)) == [
            {'source': source}]


def test_a_rebuild_from_what_is_no_image():
    with Instances('instances_rebuild') as instances:
        with pytest.raises(TypeError, match='a name must be text'):
            instances.c1.rebuild(instances.c1)


def test_access():
    with Instances('instance_access') as instances:
        for page, result in ((None, []), ([{'role': 'r'}], [{'role': 'r'}])):
            instances.pages['GET {}/access'.format(C1)] = reply(
                {'type': 'sync', 'metadata': page})
            assert instances.c1.access() == result
        instances.pages['GET {}/access'.format(C1)] = {}
        with pytest.raises(exceptions.InvalidResponse):
            instances.c1.access()


def test_connect():
    def answer(_):
        return lambda connection: connection.sendall(
            http(status='101 Switching Protocols', Content_Length=None)
            + b'SSH-2.0')

    with Instances('instance_port_forward') as instances:
        instances.pages['POST {}/port-forward'.format(C1)] = answer
        connected = instances.c1.connect(22)
        assert connected.makefile('rb').read() == b'SSH-2.0'
        connected.close()
        request = instances.server.requests[-1]
        assert request.headers['upgrade'] == 'tcp'
        assert json.loads(request.body.decode()) == {'port': 22}
        instances.pages['POST {}/port-forward'.format(C1)] = error(
            500, 'connection refused')
        with pytest.raises(exceptions.LXDAPIException):
            instances.c1.connect(23)


# -- snapshots, images, backups

@pytest.mark.parametrize('url, requests', [
    ('/1.0/instances/c1/snapshots/snap1', 0), ('/1.0/instances/c1', 1)])
def test_the_name_of_a_snapshot_that_the_server_chose(url, requests):
    """LXD 5.0 does not tell it: the first one after the operation began."""
    taken = [('later', '2026-01-01T00:00:07Z'),
             ('snap0', '2026-01-01T00:00:05.4Z'),
             ('c1/snap1', '2026-01-01T00:00:05.52Z'),
             ('soon', '2026-01-01T00:00:05.521Z')]
    with Instances() as instances:
        line = '{}/snapshots'.format(C1)
        instances.pages['POST ' + line] = accepted(
            dict(OPERATION, resources={'instances': [C1], 'x': [url]}))
        instances.pages['GET ' + line] = [
            {'name': name, 'created_at': at} for name, at in taken]
        snapshot = instances.c1.snapshots.create(wait=True)
        assert snapshot.name == 'snap1'
        assert instances.server.requested.count(
            'GET {}?recursion=1'.format(line)) == requests
        instances.pages['GET ' + line] = []
        if requests:
            with pytest.raises(exceptions.LXDException):
                instances.c1.snapshots.create(wait=True)


def test_snapshots_and_backups_send_what_is_given():
    with Instances('snapshot_expiry_creation', 'container_backup',
                   'backup_compression_algorithm') as instances:
        for path in 'snapshots', 'backups':
            instances.pages['POST {}/{}'.format(C1, path)] = accepted(
                dict(OPERATION, resources={
                    path: ['{}/{}/x'.format(C1, path)]}))
        instances.c1.snapshots.create(expires_at=datetime.datetime(
            2030, 1, 1, 12))
        assert set(instances.bodies('POST {}/snapshots'.format(C1))[0]) == {
            'stateful', 'expires_at'}
        instances.c1.backups.create()
        instances.c1.backups.create('b', 'x', True, True, 'none', False)
        Backup.create(instances.c1, {'name': 'd', 'y': 'z'})
        assert instances.bodies('POST {}/backups'.format(C1)) == [
            {}, {'name': 'b', 'expires_at': 'x', 'instance_only': True,
                 'container_only': True, 'optimized_storage': True,
                 'compression_algorithm': 'none'}, {'name': 'd', 'y': 'z'}]


def test_names_of_aliases_are_checked_first():
    with Instances('image_create_aliases') as instances:
        instances.pages['GET /1.0/images/aliases/b'] = {'name': 'b'}
        for aliases, raised in (
                ('text', TypeError), ([None], TypeError),
                (['..'], exceptions.InvalidName),
                (['a', 'b'], exceptions.Conflict)):
            with pytest.raises(raised):
                instances.c1.publish(aliases=aliases)
        assert instances.bodies('POST /1.0/images') == []
        instances.c1.publish(aliases=(each for each in ['a', 'c']))
        assert instances.bodies('POST /1.0/images')[0]['aliases'] == [
            {'name': 'a'}, {'name': 'c'}]


@pytest.mark.parametrize('prefix, kind', [
    ('x-lxd-', 'lxd'), ('x-incus-', 'incus')])
def test_headers_of_an_instance_from_a_backup(prefix, kind):
    with Instances('container_backup', 'backup_override_name',
                   'container_backup_override_pool',
                   environment={'server': kind}) as instances:
        instances.client.instances.create_from_backup(
            bytearray(b'x'), 'c2', 'p')
        request, = [each for each in instances.server.requests
                    if each.method == 'POST']
        assert request.body == b'x'
        assert request.headers['content-type'] == 'application/octet-stream'
        assert request.headers[prefix + 'name'] == 'c2'
        assert request.headers[prefix + 'pool'] == 'p'


# -- logs and metadata

def test_logs_of_lxd_5_and_of_newer_servers():
    with Instances() as instances:
        logs = '{}/logs'.format(C1)
        output = logs + '/exec-output'
        instances.pages.update({
            'GET ' + logs: [logs + '/lxc.log?project=p'],
            'GET ' + output: [output + '/exec_1.stdout'],
            'GET {}/exec_1.stdout'.format(output): http(
                b'{"type": "error"}', Content_Type='application/json'),
            'DELETE {}/exec_1.stdout'.format(output): {}})
        first, second = instances.c1.logs
        assert (first.name, second.name) == ('lxc.log', 'exec_1.stdout')
        assert first != second
        for item in first, 'lxc.log', second, 'exec_1.stdout':
            assert item in instances.c1.logs
        assert 'lxc.conf' not in instances.c1.logs
        assert second.read() == b'{"type": "error"}'
        second.delete()
        for refusal in error(400, 'not valid'), error(404, 'not found'):
            instances.pages['GET ' + output] = refusal
            assert instances.c1.logs.all() == [first]
        instances.pages['GET ' + output] = error(500, 'broken')
        with pytest.raises(exceptions.LXDAPIException):
            instances.c1.logs.all()
        instances.pages['GET ' + logs] = [5]
        with pytest.raises(exceptions.InvalidResponse):
            instances.c1.logs.all()
        with pytest.raises(exceptions.LXDAPIException):
            first.read()  # an error that is not that of a missing file


@pytest.mark.parametrize('answer, log', [
    (http(b'', Content_Type='application/json'), b''),
    (error(500, 'open : no such file or directory'), b''),
    (error(404, 'open x: no such file or directory'), b''),
    (http(b'{}', Content_Type='application/octet-stream'), b'{}')])
def test_console_log(answer, log):
    with Instances('console') as instances:
        instances.pages['GET {}/console'.format(C1)] = answer
        assert instances.c1.console_log() == log
        instances.pages['GET {}/console'.format(C1)] = error(404, 'not found')
        with pytest.raises(exceptions.NotFound):
            instances.c1.console_log()


def test_the_metadata_object_is_kept():
    """Changes of it would be lost otherwise."""
    with Instances('container_edit_metadata') as instances:
        instances.pages['GET {}/metadata'.format(C1)] = {
            'architecture': 'x', 'properties': None}
        metadata = instances.c1.metadata
        assert type(metadata) is InstanceMetadata
        metadata.properties['a'] = 'b'
        assert instances.c1.metadata.properties == {'a': 'b'}
        assert metadata == Container(instances.client, name='c1').metadata
        duplicate = copy.copy(instances.c1)
        assert duplicate.metadata is not metadata
        assert duplicate.metadata.parent is duplicate


def test_templates_of_a_wrong_type():
    with Instances('container_edit_metadata') as instances:
        instances.pages['GET {}/metadata'.format(C1)] = {
            'architecture': 'x', 'templates': {}}
        metadata = instances.c1.metadata
        metadata.templates['/etc/x'] = 'x.tpl'
        with pytest.raises(TypeError, match=r"templates\['/etc/x'\] must be"):
            metadata.save()
        with pytest.raises(TypeError, match='data must be bytes or text'):
            instances.c1.templates.put('x.tpl', None)


# -- times

def test_format_time(monkeypatch):
    class Zone(datetime.tzinfo):
        def utcoffset(self, _):
            return datetime.timedelta(hours=2)

        def dst(self, _):
            return datetime.timedelta(0)

    noon = datetime.datetime(2030, 1, 1, 12, 0, 0, 5)
    assert format_time(noon.replace(tzinfo=Zone())) == '2030-01-01T10:00:00Z'
    monkeypatch.setenv('TZ', 'XXX+3')
    time.tzset()
    try:
        assert format_time(noon) == '2030-01-01T15:00:00Z'
    finally:
        monkeypatch.undo()
        time.tzset()
    assert format_time('text') == 'text' and format_time(None) is None
