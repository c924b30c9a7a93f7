"""The members of earlier releases, and the switch ``compat='2.4'``."""
import copy
import importlib
import inspect
import io
import os
import pickle
import re
import warnings

import pytest
import requests
import six
from ws4py.client.threadedclient import WebSocketClient

import pylxd
from helpers import BUSYBOX, read_bytes
from pylxd.client import Cert, get_session_for_url
from pylxd.models import Container, Image, StorageVolumeSnapshot

MEMBERS = os.path.join(os.path.dirname(__file__), '..', '..', 'doc',
                       'earlier-members.txt')


@pytest.fixture
def switched(lxd):
    """A client with the switch."""
    with lxd.client(compat='2.4') as client:
        yield client


def read_members():
    """Return the path, the arguments and the remark of each listed member."""
    members = []
    with io.open(MEMBERS) as file:
        for line in file:
            found = re.match(
                r'([^#\s(]\S*?(?:\(\))?[^\s(]*)(?:\(([^)]*)\))?'
                r'(?:\s\s+(\S.*))?$', line.rstrip())
            if found:
                path, arguments, remark = found.groups()
                members.append((path, arguments, remark or ''))
    assert len(members) > 700
    return members


def find(path, roots):
    """Return the member with a path, such as ``module:Class.method``."""
    module, _, names = path.rpartition(':')
    if module:
        found = importlib.import_module(module)
    elif path.startswith('pylxd'):
        return importlib.import_module(path)
    else:
        root, _, names = path.partition('.')
        found = roots[root]
    for name in names.split('.'):
        found = getattr(found, name.replace('()', ''))
        if name.endswith('()'):
            found = found()
    return found


def list_arguments(function):
    """Return the names of the arguments; None if it takes any."""
    parameters = list(inspect.signature(function).parameters.values())
    if any(each.kind == each.VAR_POSITIONAL for each in parameters):
        return None
    return [each.name for each in parameters if each.name != 'self']


@pytest.fixture
def roots(lxd_client):
    operation = pylxd.models.Operation(lxd_client, **{
        'class': 'task', 'metadata': {'secret': 's'}})
    return {'client': lxd_client, 'operation': operation,
            'storage_pool': lxd_client.storage_pools.all()[0]}


@pytest.mark.real_server
def test_each_member_is_there_or_left_out(roots):
    wrong = []
    for path, _, remark in read_members():
        try:
            find(path, roots)
        except (AttributeError, ImportError):
            is_there = False
        else:
            is_there = True
        if is_there != (not remark.startswith('left out: ')):
            wrong.append(path)
    assert not wrong, wrong


@pytest.mark.skipif(six.PY2, reason='Python 2 tells no signatures')
@pytest.mark.real_server
def test_the_arguments_of_each_member(roots, switched):
    import pylxd._compat as compat
    wrong = []
    for path, arguments, remark in read_members():
        if not arguments or remark.startswith('left out'):
            continue
        member = find(path, roots)
        if 'switch' in remark and path != 'pylxd.models:'\
                'StorageVolumeSnapshot.all':
            member = find(path.replace('pylxd.models', compat.__name__), {})
        elif 'switch' in remark:
            member = switched.StorageVolumeSnapshots.all
            arguments = arguments.partition(', ')[2]
        expected, names = arguments.split(', '), list_arguments(member)
        if names is None:
            continue
        if names[:len(expected)] != expected and not (
                'keywords' in remark and set(expected) <= set(names)):
            wrong.append((path, expected, names))
    assert not wrong, wrong


@pytest.mark.real_server
class TestSwitch(object):
    """Each point without the switch, and with it."""

    @pytest.fixture(autouse=True)
    def _clients(self, lxd_client, switched):
        self.client, self.switched = lxd_client, switched

    def test_execute(self, running_container):
        command = ['sh', '-c', 'echo a; echo b >&2; exit 3']
        assert running_container.execute(command) == ('a\n', 'b\n')
        container = self.switched.containers.get(running_container.name)
        result = container.execute(command)
        assert result == (3, 'a\n', 'b\n')
        assert (result.exit_code, result.stdout, result.stderr) == result
        container.wait_ready(5)

    def test_export(self):
        image = self.client.images.get_by_alias('busybox')
        data = image.export()
        assert isinstance(data, bytes)
        other = self.switched.images.get(image.fingerprint)
        with other.export() as file:
            assert file.tell() == 0 and file.read() == data
        target = io.BytesIO()
        assert other.export(target) is target and target.getvalue() == data

    def test_files(self, lxd_client, name):
        container = lxd_client.containers.create(
            {'name': name, 'source': BUSYBOX}, wait=True)
        assert container.files.put('/a', b'1') is True
        files = container.FilesManager(container.client, container)
        assert files.get('/a') == b'1'
        container = self.switched.containers.get(name)
        assert container.files.put('/a', b'2', mode=0o600) is None
        assert container.FilesManager(container).get('/a') == b'2'

    def test_a_replaced_put_is_used(self, monkeypatch, name):
        """As salt replaces it, with or without the switch."""
        self.client.containers.create(
            {'name': name, 'source': BUSYBOX}, wait=True)

        def put(self, filepath, data):
            response = self._client.api.instances[
                self._container.name].files.post(
                    params={'path': filepath}, data=data)
            return response.status_code == 200
        monkeypatch.setattr(Container.FilesManager, 'put', put)
        for client, result in (self.client, True), (self.switched, None):
            container = client.containers.get(name)
            assert container.files.put('/a', b'3') is result
            assert container.files.get('/a') == b'3'

    def test_create_an_image(self):
        image = self.client.images.get_by_alias('busybox')
        data = image.export()
        image.delete(wait=True)
        try:
            image = self.switched.images.create(data, None, True)
            assert image.operation.ended and image.public is True
            image.delete(wait=True)
            with pytest.warns(DeprecationWarning):
                image = Image.create(self.switched, io.BytesIO(data),
                                     wait=False)
            assert image.operation.ended and image.public is False
        finally:
            image.add_alias('busybox')

    def test_migrate(self, monkeypatch):
        """The second argument is ``live``, which no server here allows."""
        calls = []
        monkeypatch.setattr(
            'pylxd.models.instance_migration.Movable.migrate',
            lambda _, *args, **kwargs: calls.append((args, kwargs)))
        Container(self.client, name='c').migrate(self.client, True)
        self.switched.containers.model(self.switched, name='c').migrate(
            self.client, True)
        assert calls == [((self.client, True), {}),
                         ((self.client,), {'live': True, 'wait': False})]

    def test_lists_have_virtual_machines(self, monkeypatch):
        seen = []
        original = requests.Session.get_adapter
        for client in self.client, self.switched:
            monkeypatch.setattr(
                client.transport.session, 'get_adapter',
                lambda url, client=client: seen.append(url) or original(
                    client.transport.session, url))
            assert sorted(each.name for each in client.containers.all(
                recursion=1)) == sorted(
                    each.name for each in client.instances.all(recursion=1))
        lists = [url.partition('/1.0/')[2] for url in seen]
        assert 'type' in lists[0] and lists[2] == 'instances?recursion=1'
        model = self.switched.containers.model
        assert model.is_listed({'type': 'virtual-machine'})
        assert not Container.is_listed({'type': 'virtual-machine'})

    def test_snapshots_of_volumes(self, name):
        volume = self.client.storage_pools.get('default').volumes.create(
            {'name': name, 'type': 'custom'})
        try:
            snapshot = volume.snapshots.create('s1')
            assert volume.snapshots.all() == [snapshot]
            other = self.switched.storage_pools.get('default').volumes.get(
                'custom', name)
            assert other.snapshots.all() == ['s1']
            assert other.snapshots.all(use_recursion=True) == [snapshot]
            assert StorageVolumeSnapshot.all(other) == ['s1']
            assert list(other.snapshots) == [snapshot]
            assert snapshot in other.snapshots
            assert other.snapshots.create().name in other.snapshots.all()
        finally:
            volume.delete()

    @pytest.mark.parametrize('kind', ['socket', 'https'])
    def test_the_class_of_a_websocket(self, lxd, lxd_https, kind):
        class Events(WebSocketClient):
            def __init__(self, url, **options):
                self.options = options
                super(Events, self).__init__(url, **options)
        arguments = lxd_https if kind == 'https' else {}
        with lxd.client(**arguments) as client:
            assert client.events(Events).options == {}
        with lxd.client(compat='2.4', **arguments) as client:
            events = client.events(Events)
            assert events.options == {'ssl_options': client.ssl_options}
            assert (client.ssl_options is None) == (kind == 'socket')
            events.connect()
            events.close()
            assert client.events().messages == []

    def test_what_is_not_switched(self, name):
        container = self.switched.containers.create(
            {'name': name, 'source': BUSYBOX}, wait=True)
        assert container == self.client.containers.get(name)
        assert isinstance(container, Container)
        snapshot = container.snapshots.create('s1', wait=True)
        assert snapshot.container is snapshot.instance is container
        container.delete(wait=True)
        assert container.client is self.switched

    def test_class_methods_and_copies(self, name):
        self.client.containers.create(
            {'name': name, 'source': BUSYBOX}, wait=True)
        clients = [self.switched, self.switched.use_project('default'),
                   copy.copy(self.switched),
                   pickle.loads(pickle.dumps(self.switched))]
        for client in clients:
            for container in (Container.get(client, name),
                              client.containers.all()[0]):
                assert container.files.put('/a', b'') is None

        class Mine(Container):
            pass
        assert type(Mine.get(self.switched, name)) is Mine

    def test_a_subclass_of_the_client(self, lxd):
        class Mine(pylxd.Client):
            pass
        with Mine(**dict(lxd_arguments(lxd), compat='2.4')) as client:
            assert isinstance(client, Mine)
            image = client.images.get_by_alias('busybox')
            with image.export() as file:
                assert file.tell() == 0


def lxd_arguments(lxd):
    """Return the arguments of a client on the socket."""
    with lxd.client() as client:
        return {'endpoint': client.transport.socket_path}


def test_the_variable(lxd, monkeypatch):
    monkeypatch.setenv('PYLXD_COMPAT', '2.4')
    with lxd.client() as client:
        assert hasattr(client, 'documented_class')
    with lxd.client(compat='') as client:
        assert not hasattr(client, 'documented_class')
    for release in '2', '3.0':
        monkeypatch.setenv('PYLXD_COMPAT', release)
        with pytest.raises(ValueError) as caught:
            lxd.client()
        assert 'PYLXD_COMPAT' in str(caught.value)


@pytest.mark.real_server
class TestSession(object):

    def test_headers_and_hooks(self, lxd, name):
        agents = []
        session = requests.Session()
        session.headers['User-Agent'] = 'mine'
        session.hooks['response'].append(
            lambda response, **_: agents.append(
                response.request.headers['User-Agent']))
        with lxd.client(session=session) as client:
            assert client.api.session is session
            container = client.containers.create(
                {'name': name, 'source': BUSYBOX}, wait=True)
            container.files.put('/a', b'1')
            assert container.files.get('/a') == b'1'
        assert len(agents) >= 4 and set(agents) == {'mine'}

    def test_an_adapter(self, lxd, lxd_https):
        """It sends all requests, as the session has it."""
        sent = []

        class Adapter(pylxd.client.LXDSSLAdapter):
            def send(self, request, **kwargs):
                sent.append(request.path_url)
                return super(Adapter, self).send(request, **kwargs)
        session = requests.Session()
        session.trust_env = False
        session.cert, session.verify = lxd_https['cert'], lxd_https['verify']
        session.mount(lxd_https['endpoint'], Adapter())
        with pylxd.Client(lxd_https['endpoint'], session=session) as client:
            assert client.trusted and client.cert == lxd_https['cert']
            client.profiles.get('default')
        assert sent == ['/1.0', '/1.0/profiles/default']

    def test_a_session_for_a_url(self, lxd, lxd_https):
        endpoint = lxd_https['endpoint']
        session = get_session_for_url(
            endpoint, verify=lxd_https['verify'],
            cert=Cert(*lxd_https['cert']))
        response = session.get(endpoint + '/1.0')
        assert response.json()['metadata']['auth'] == 'trusted'
        with pylxd.Client(endpoint, session=session) as client:
            assert client.trusted
        with lxd.client() as client:
            path = client.transport.url
        session = get_session_for_url(path)
        assert session.get(path + '/1.0').json()['status_code'] == 200


@pytest.mark.real_server
def test_the_certificate_that_lxc_keeps_of_a_host(
        lxd_https, tmpdir, monkeypatch):
    endpoint = lxd_https['endpoint']
    host = endpoint.partition('://')[2].rpartition(':')[0]
    tmpdir.mkdir('servercerts').join(host.strip('[]') + '.crt').write_binary(
        read_bytes(lxd_https['verify']))
    monkeypatch.setenv('LXD_CONF', str(tmpdir))
    assert get_session_for_url(endpoint).get(endpoint + '/1.0').ok
    with pylxd.Client(endpoint, cert=lxd_https['cert'],
                      compat='2.4') as client:
        assert client.trusted
    with pytest.raises(pylxd.exceptions.ClientConnectionFailed):
        pylxd.Client(endpoint, cert=lxd_https['cert'])


def test_old_names_warn(lxd_client, name, monkeypatch):
    container = lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)

    def call(method, *args):
        with pytest.warns(DeprecationWarning) as caught:
            result = getattr(container, method)(*args)
        assert caught[0].filename.rpartition('.')[0] == __file__.rpartition(
            '.')[0]
        return result
    call('snapshot', 's1', False, True)
    assert call('list_snapshots') == ['s1']
    call('rename_snapshot', 's1', 's2', True)
    assert call('list_snapshots') == ['s2']
    call('delete_snapshot', 's2', True)
    assert call('list_snapshots') == []
    assert call('put_file', '/a', b'1') is True
    assert call('get_file', '/a') == b'1'
    container.config['user.a'] = '1'
    call('update', True)
    for method in 'fetch', 'reload':
        other = lxd_client.containers.get(name)
        other.config['user.a'] += '1'
        other.save(wait=True)
        call(method)
        assert container.config['user.a'] == other.config['user.a']
    monkeypatch.setenv('PYLXD_WARNINGS', 'none')
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        container.fetch()


def test_authenticate_by_a_secret(lxd, lxd_https, key_pair):
    """The argument has the name of 2.4; an untrusted client is refused."""
    with lxd.client(**dict(lxd_https)) as client:
        client.authenticate(secret='any', use_token_auth=False)
        assert client.trusted
    with lxd.client(**dict(lxd_https, cert=key_pair)) as client:
        with pytest.raises(TypeError):
            client.authenticate()
        with pytest.raises(pylxd.exceptions.LXDAPIException):
            client.authenticate(secret='wrong')


def test_a_missing_object_by_its_class(lxd_client, name):
    with pytest.raises(Container.NotFound):
        lxd_client.containers.get(name)


def test_the_operation_of_a_token_has_a_secret():
    operation = pylxd.models.Operation(metadata={'secret': 'abc'})
    assert operation.secret == 'abc'
    assert pylxd.models.Operation().secret is None
