# -*- coding: utf-8 -*-
"""Containers against a scripted server."""
import json
import pickle
import threading

import pytest
import six
from ws4py import framing

from pylxd import Client, exceptions
from pylxd.container import Container
from pylxd.models import execution
from wire import ROOT, Server, accepted, error, frame, lxd_api, upgrade

OPERATION = {'id': 'u1', 'class': 'task', 'status': 'Running',
             'status_code': 103, 'err': '', 'metadata': None}
DONE = dict(OPERATION, status='Success', status_code=200)
WAIT = 'GET /1.0/operations/u1/wait'


class Instances(object):
    """A server with the container ``c1``, and its client."""

    def __init__(self, extensions=('instances',), **pages):
        self.pages = {
            WAIT: DONE, 'GET /1.0/instances/c1': {
                'name': 'c1', 'status': 'Running', 'ephemeral': False,
                'profiles': ['default'], 'architecture': 'x86_64',
                'description': u'\xe4', 'devices': {'d': {'type': 'none'}},
                'config': {'user.a': '1', 'volatile.x': 'x',
                           'volatile.base_image': 'f'}}}
        self.server = Server(lxd_api(self.pages, dict(
            ROOT, api_extensions=list(extensions), environment={
                'server': 'lxd', 'certificate': 'PEM', 'addresses': []})))
        self.client = Client(self.server.endpoint)
        self.c1 = Container(self.client, name='c1')

    def sent(self, number=-1):
        """Return the JSON body of a request, by default the last one."""
        return json.loads(self.server.requests[number].body.decode('utf-8'))


@pytest.fixture
def instances():
    fixture = Instances()
    yield fixture
    fixture.server.close()


# -- exec

def test_execute_result():
    result = execution.ExecuteResult(3, u'out', u'err')
    out, err = result
    assert (out, err) == result == (u'out', u'err') and len(result) == 2
    assert (result.exit_code, result.stdout, result.stderr) == (
        3, 'out', 'err')
    assert isinstance(result, tuple)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        unpickled = pickle.loads(pickle.dumps(result, protocol))
        assert unpickled == result and unpickled.exit_code == 3
    assert repr(result).replace("u'", "'") == (
        "ExecuteResult('out', 'err', exit_code=3)")


@pytest.mark.parametrize('encoding, pieces, text', [
    ('utf-8', [b'a\xc3', b'\xa4b'], u'a\xe4b'),
    ('utf-8', [b'\xe2', b'\x82', b'\xac'], u'\u20ac'),
    ('utf-8', [b'a\xff', b'b'], u'a\ufffdb'),
    ('utf-8', [b'a\xc3'], u'a\ufffd'),
    ('latin-1', [b'\xe4'], u'\xe4'),
    ('utf-16-le', [b'a', b'\0'], u'a'),
    (None, [b'\xff', b'\0'], b'\xff\0'),
    ('utf-8', [], u''), (None, [], b''),
])
def test_output_is_decoded_in_pieces(encoding, pieces, text):
    handed = []
    for output in (execution.Output(None, encoding),
                   execution.Output(handed.append, encoding)):
        for piece in pieces:
            output.write(piece)
        result = output.close()
        assert type(result) is type(text)
        if output._pieces or not text:
            assert result == text
    assert type(text)().join(handed) == text
    assert '' not in handed and b'' not in handed


class Command(object):
    """A command of the container, as the server serves its websockets."""

    def __init__(self, instances, out=b'', **metadata):
        self.stdin, self.read = [], threading.Event()
        instances.pages.update({
            'POST /1.0/instances/c1/exec': accepted(dict(OPERATION, metadata={
                'fds': {'0': 's0', '1': 's1', '2': 's2', 'control': 's3'}})),
            'GET /1.0/operations/u1/websocket': self.serve,
            WAIT: dict(DONE, metadata=metadata)})
        self._out = out

    def serve(self, request):
        def talk(connection):
            out = self._out if request.target.endswith('s1') else b'err'
            connection.sendall(upgrade(request) + frame(out) + frame(
                b'', framing.OPCODE_TEXT))
            connection.recv(1)
        return talk


@pytest.mark.parametrize('arguments, expected', [
    ({}, (u'\xe4', u'err')), ({'decode': False}, (b'\xc3\xa4', b'err')),
    ({'encoding': 'latin-1'}, (u'\xc3\xa4', u'err')),
    ({'stdin_payload': u'\xe4'}, (u'\xe4', u'err'))])
def test_execute_sends_the_documented_fields(instances, arguments, expected):
    Command(instances, u'\xe4'.encode('utf-8'), **{'return': 3})
    result = instances.c1.execute(['ls', u'\xe4'], {'A': 'b'}, **arguments)
    assert result == expected and result.exit_code == 3
    posted, = (each for each in instances.server.requests
               if each.method == 'POST')
    assert json.loads(posted.body.decode('utf-8')) == {
        'command': ['ls', u'\xe4'], 'environment': {'A': 'b'},
        'wait-for-websocket': True, 'interactive': False}
    assert not [each for each in instances.server.requested if 's3' in each]


def test_handlers(instances):
    Command(instances, b'out', **{'return': 0})
    out, err = [], []
    result = instances.c1.execute(
        ['ls'], stdout_handler=out.append, stderr_handler=err.append)
    assert (out, err) == ([u'out'], [u'err'])
    assert result == (u'', u'')


def test_user_group_and_working_directory(instances):
    instances.client.dialect.info['api_extensions'].append(
        'container_exec_user_group_cwd')
    Command(instances, **{'return': 0})
    instances.c1.execute(['ls'], user=0, group=5, cwd='/tmp')
    sent = json.loads([each for each in instances.server.requests
                       if each.method == 'POST'][0].body.decode())
    assert (sent['user'], sent['group'], sent['cwd']) == (0, 5, '/tmp')


def test_user_group_and_working_directory_need_an_extension(instances):
    for argument in ('user', 'group', 'cwd'):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            instances.c1.execute(['ls'], **{argument: 0})
    assert instances.server.requested == ['GET /1.0']


def test_the_reason_of_a_command_that_did_not_start(instances):
    """The error is the server's reason, and not a broken websocket."""
    command = Command(instances)
    command.serve = lambda request: lambda connection: connection.sendall(
        upgrade(request))
    instances.pages['GET /1.0/operations/u1/websocket'] = command.serve
    instances.pages[WAIT] = dict(OPERATION, status='Failure', status_code=400,
                                 err='Command not found')
    with pytest.raises(exceptions.OperationFailed) as caught:
        instances.c1.execute(['none'])
    assert 'Command not found' in str(caught.value)
    instances.pages[WAIT] = error(404, 'not found')
    with pytest.raises(exceptions.StreamBroken) as caught:
        instances.c1.execute(['none'])
    assert 's1' not in str(caught.value)  # a secret


@pytest.mark.parametrize('metadata', [None, {}, {'other': 1}])
def test_a_result_without_an_exit_code(instances, metadata):
    Command(instances)
    instances.pages[WAIT] = dict(DONE, metadata=metadata)
    with pytest.raises(exceptions.LXDException):
        instances.c1.execute(['ls'])


def test_raw_interactive_execute(instances):
    Command(instances)
    assert instances.c1.raw_interactive_execute(['sh']) == {
        'ws': '/1.0/operations/u1/websocket?secret=s0',
        'control': '/1.0/operations/u1/websocket?secret=s3'}
    assert instances.sent()['interactive'] is True


# -- states

@pytest.mark.parametrize('action', [
    'start', 'stop', 'restart', 'freeze', 'unfreeze'])
def test_state_changes(instances, action):
    instances.pages['PUT /1.0/instances/c1/state'] = accepted(OPERATION)
    getattr(instances.c1, action)()
    assert instances.server.requested[1:] == ['PUT /1.0/instances/c1/state']
    assert instances.sent() == {
        'action': action, 'timeout': 30, 'force': True}
    getattr(instances.c1, action)(5, False, True)
    assert WAIT in instances.server.requested
    assert instances.c1.status == 'Running'


def test_restore_snapshot_waits_only_if_told(instances):
    instances.pages['PUT /1.0/instances/c1'] = accepted(OPERATION)
    instances.c1.restore_snapshot('s1')
    assert instances.server.requested[1:] == ['PUT /1.0/instances/c1']
    assert instances.sent() == {'restore': 's1'}
    instances.c1.restore_snapshot('s1', wait=True)
    assert instances.server.requested[-1] == WAIT


@pytest.mark.parametrize('ephemeral', [True, False])
def test_a_container_that_is_gone_after_its_stop(instances, ephemeral):
    instances.pages['PUT /1.0/instances/c1/state'] = accepted(OPERATION)
    instances.pages['GET /1.0/instances/c1']['ephemeral'] = ephemeral
    instances.c1.sync()
    del instances.pages['GET /1.0/instances/c1']
    instances.c1.stop(wait=True)
    with pytest.raises(exceptions.NotFound):
        instances.c1.sync()


def test_state(instances):
    instances.pages['GET /1.0/instances/c1/state'] = {
        'status': 'Running', 'network': None, 'memory': {'usage': 5}}
    state = instances.c1.state()
    assert state.status == 'Running' and state.memory['usage'] == 5
    assert {'status', 'network', 'memory'} <= set(dir(state))
    assert dict(state)['network'] is None
    assert 'Running' in repr(state)


# -- create

def test_create_does_not_change_the_config(instances):
    instances.pages['POST /1.0/instances'] = accepted(OPERATION)
    config = {'name': 'c1', 'source': {'type': 'none'}}
    container = instances.client.containers.create(config)
    assert container.name == 'c1'
    assert config == {'name': 'c1', 'source': {'type': 'none'}}
    assert instances.sent() == dict(config, type='container')
    instances.client.instances.create(config)
    assert instances.sent() == config
    instances.client.virtual_machines.create(config)
    assert instances.sent() == dict(config, type='virtual-machine')


def test_a_name_that_the_server_chooses(instances):
    for urls in (['/1.0/instances/apt-cat?project=p'],
                 ['/1.0/instances/apt-cat']):
        instances.pages['POST /1.0/instances'] = accepted(
            dict(OPERATION, resources={'instances': urls}))
        assert instances.client.containers.create({}).name == 'apt-cat'
    for resources in (None, {}, {'instances': []}):
        instances.pages['POST /1.0/instances'] = accepted(
            dict(OPERATION, resources=resources))
        container = instances.client.containers.create({})
        assert repr(container) == '<Container ?>'
        ended = {'resources': resources, 'status_code': 200}
        instances.pages['GET /1.0/operations/u1/wait'] = ended
        with pytest.raises(exceptions.LXDException, match='cannot tell'):
            container.name
        instances.pages['GET /1.0/operations/u1/wait'] = dict(
            ended, metadata={'entity_url': '/1.0/instances/dog?project=p'})
        container = instances.client.containers.create({})
        assert container.name == 'dog'


def test_create_on_a_cluster_member(instances):
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
        instances.client.containers.create({'name': 'c1'}, target='m1')
    instances.client.dialect.info['api_extensions'].append('clustering')
    instances.pages['POST /1.0/instances'] = accepted(OPERATION)
    instances.client.containers.create({'name': 'c1'}, target='m1')
    assert instances.server.requested[-1] == 'POST /1.0/instances?target=m1'


def test_a_server_without_instances():
    instances = Instances([])
    instances.pages.update({
        'GET /1.0/containers/c1': {'name': 'c1', 'status': 'Stopped'},
        'GET /1.0/containers': ['/1.0/containers/c1']})
    assert instances.client.containers.get('c1').status == 'Stopped'
    assert [each.name for each in instances.client.containers.all()] == ['c1']
    instances.server.close()


# -- copies

def test_generate_migration_data(instances):
    secrets = {'control': 's3cr3t', 'fs': 's3cr3t'}
    instances.pages['POST /1.0/instances/c1'] = accepted(
        dict(OPERATION, metadata=secrets))
    data = instances.c1.generate_migration_data()
    assert data == {
        'name': 'c1', 'architecture': 'x86_64', 'ephemeral': False,
        'profiles': ['default'], 'description': u'\xe4',
        'devices': {'d': {'type': 'none'}},
        'config': {'user.a': '1', 'volatile.base_image': 'f'},
        'source': {
            'type': 'migration', 'mode': 'pull', 'live': False,
            'operation': instances.server.endpoint + '/1.0/operations/u1',
            'certificate': 'PEM', 'secrets': secrets, 'base-image': 'f'}}
    assert instances.sent() == {
        'name': 'c1', 'migration': True, 'live': False}


def test_migration_from_an_unreachable_server():
    with Server(lxd_api({'GET /1.0/instances/c1': {'name': 'c1'}}), True
                ) as server:
        client = Client(server.endpoint)
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            client.containers.get('c1').generate_migration_data()
        assert 'core.https_address' in str(caught.value)
        assert not [each for each in server.requested if 'POST' in each]


@pytest.mark.parametrize('type_, sent', [
    ('virtual-machine', 'virtual-machine'), ('container', None)])
def test_type_of_what_is_offered_for_migration(instances, type_, sent):
    instances.pages['GET /1.0/instances/c1']['type'] = type_
    instances.pages['POST /1.0/instances/c1'] = accepted(
        dict(OPERATION, metadata={'control': 's3cr3t'}))
    assert instances.c1.generate_migration_data().get('type') == sent


def test_a_migration_that_fails_shows_no_secret(instances, caplog):
    caplog.set_level('DEBUG')
    instances.pages['POST /1.0/instances/c1'] = accepted(
        dict(OPERATION, metadata={'control': 's3cr3t'}))
    instances.pages['POST /1.0/instances'] = error(400, 'no room')
    with pytest.raises(exceptions.LXDAPIException) as caught:
        instances.c1.migrate(instances.client, wait=True)
    shown = [str(caught.value), repr(caught.value), caplog.text,
             repr(vars(caught.value.response.request))]
    assert 'no room' in shown[0]
    assert 's3cr3t' not in u' '.join(map(six.ensure_text, shown))


def test_publish_without_an_operation(instances):
    """No known server does so; the response names no image."""
    instances.pages['POST /1.0/images'] = {}
    assert instances.c1.publish(wait=True) is None
    assert instances.c1.operation is None


def test_publish_returns_an_image_if_it_waits(instances):
    instances.pages.update({
        'POST /1.0/images': accepted(OPERATION), 'GET /1.0/images/f': {
            'fingerprint': 'f', 'public': True},
        WAIT: dict(DONE, metadata={'fingerprint': 'f'})})
    assert instances.c1.publish() is None
    image = instances.c1.publish(public=True, wait=True,
                                 compression_algorithm='none')
    assert image.fingerprint == 'f' and image.public
    sent = [json.loads(each.body.decode()) for each in
            instances.server.requests if each.method == 'POST'][-1]
    assert sent['public'] and sent['compression_algorithm'] == 'none'
    assert sent['source']['name'] == 'c1'


# -- snapshots

@pytest.mark.parametrize('name', [
    'a/b', 'a%2fb', '%41', '', '..', '.', 'a\0', 'a\n'])
def test_invalid_names_of_snapshots(instances, name):
    for call in (instances.c1.snapshots.create, instances.c1.snapshots.get,
                 instances.c1.restore_snapshot):
        with pytest.raises(exceptions.InvalidName):
            call(name)
    assert instances.server.requested == ['GET /1.0']


def test_list_and_get_snapshots(instances):
    path = '/1.0/instances/c1/snapshots'
    instances.pages.update({
        'GET ' + path: [path + '/s0?project=p'],
        'GET ' + path + '/s0': {'name': 'c1/s0', 'stateful': False}})
    snapshot, = instances.c1.snapshots.all()
    assert snapshot.name == 's0' and snapshot.container is instances.c1
    assert instances.c1.snapshots.get('s0').name == 's0'
    assert instances.c1.snapshots.get('s0') == snapshot
