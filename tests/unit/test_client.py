"""The client against scripted servers."""
import copy
import json
import os
import pickle

import pytest

import pylxd
from pylxd import Client, EventType, exceptions
from pylxd.transport import kinds
from wire import (
    ROOT, Server, accepted, error, lxd_api, make_certificate, tls_context)


@pytest.fixture(autouse=True)
def home(tmpdir, monkeypatch):
    """A home without the key pair of a command line client."""
    monkeypatch.setenv('HOME', str(tmpdir))


def root(**changes):
    """Return the metadata of ``GET /1.0`` with changes."""
    return dict(ROOT, **changes)


def test_exported_names():
    assert pylxd.Client is Client
    assert set(pylxd.__all__) == {
        'Client', 'EventType', 'Progress', 'exceptions', 'models', 'remotes',
        'table'}


@pytest.mark.parametrize('manager', [
    'Certificates', 'Containers', 'Images', 'Instances', 'Networks',
    'Operations', 'Profiles', 'VirtualMachines'])
def test_managers_are_of_the_classes_attributes(manager):
    """Each manager is an instance of a class attribute of the client."""
    with Server(lxd_api()) as server:
        client = Client(server.endpoint)
        name = {'VirtualMachines': 'virtual_machines'}.get(
            manager, manager.lower())
        assert type(getattr(client, name)) is getattr(Client, manager)


@pytest.mark.parametrize('endpoint', [None, ''])
def test_no_endpoint_means_the_default_socket(monkeypatch, endpoint):
    with Server(lxd_api(), True) as server:
        monkeypatch.setenv('LXD_SOCKET', server.endpoint)
        assert Client(endpoint).transport.socket_path == server.endpoint


def test_the_project_is_a_parameter_of_each_request():
    pages = {}
    with Server(lxd_api(pages, root(api_extensions=['projects', 'instances']))
                ) as server:
        client = Client(server.endpoint, project='a b&c')
        with pytest.raises(exceptions.NotFound):
            client.profiles.get('p')
        assert client.project == 'a b&c'
        assert server.requested == ['GET /1.0?project=a+b%26c',
                                    'GET /1.0/profiles/p?project=a+b%26c']
        for name in ('..', 'a\n', '.'):
            with pytest.raises(exceptions.InvalidName):
                Client(server.endpoint, project=name)
    with Server(lxd_api(pages, root(api_extensions=[]))) as server:
        assert Client(server.endpoint, project='default')
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            Client(server.endpoint, project='p')


@pytest.mark.parametrize('addresses, address', [
    (['10.0.0.1:8443', '[fe80::1]:8443'], 'https://10.0.0.1:8443'),
    (['[::1]:8443'], 'https://[::1]:8443'),
    ([], None), (None, None)])
def test_the_address_for_other_servers(addresses, address):
    document = root(environment={'server': 'lxd', 'addresses': addresses})
    with Server(lxd_api(root=document), True) as server:
        client = Client(server.endpoint)
        if address:
            assert client.address == address
        else:
            with pytest.raises(exceptions.ClientConnectionFailed) as caught:
                client.address
            assert 'core.https_address' in str(caught.value)
    with Server(lxd_api(root=document)) as server:
        assert Client(server.endpoint).address == server.endpoint


def test_identity_is_fingerprint_or_endpoint():
    document = root(environment={'certificate_fingerprint': 'f'})
    with Server(lxd_api(root=document)) as server:
        assert Client(server.endpoint).identity == 'f'
    with Server(lxd_api()) as server:  # not told to strangers
        assert Client(server.endpoint).identity == server.endpoint


def test_authenticate_loads_the_server_again(tmpdir):
    """The client then loads what Incus 7 hides from strangers."""
    pair = make_certificate(tmpdir)
    pages = {'GET /1.0': root(
        auth='untrusted', api_extensions=None, environment=None)}

    def trust(_):
        pages['GET /1.0'] = root(environment={'server': 'incus'})
        return {}

    pages['POST /1.0/certificates'] = trust
    with Server(lxd_api(pages), context=tls_context(pair)) as server:
        client = Client(server.endpoint, cert=pair, verify=pair[0])
        assert not client.trusted and not client.has_api_extension('instances')
        client.authenticate('password')
        assert client.trusted and client.has_api_extension('instances')
        assert client.dialect.header('type') == 'X-Incus-type'
        client.authenticate('again')
        assert server.requested == [
            'GET /1.0', 'GET /1.0', 'POST /1.0/certificates', 'GET /1.0']
        assert json.loads(server.requests[2].body.decode())[
            'password'] == 'password'
        # The pooled connection predates the trust, so it was closed
        assert server.connections == 2


def test_a_failed_authenticate_shows_no_secret(tmpdir, caplog):
    caplog.set_level('DEBUG')
    pair = make_certificate(tmpdir)
    pages = {'GET /1.0': root(auth='untrusted'),
             'POST /1.0/certificates': error(403, 'not authorized')}
    with Server(lxd_api(pages)) as server:
        client = Client(server.endpoint)
        client.cert = pair
        with pytest.raises(exceptions.LXDAPIException) as caught:
            client.authenticate('s3cr3t')
        assert str(caught.value).startswith('not authorized')
        assert not client.trusted
        assert 's3cr3t' not in caplog.text + repr(
            vars(caught.value.response.request)) + repr(caught.value)


def test_authenticate_without_a_key_pair():
    with Server(lxd_api(root=root(auth='untrusted'))) as server:
        with pytest.raises(exceptions.InvalidCertificate):
            Client(server.endpoint).authenticate('s3cr3t')
        assert server.requested == ['GET /1.0']


def test_the_key_pair_of_the_command_line_client(tmpdir):
    assert kinds.default_key_pair() is None
    for place in ('.config/incus', '.config/lxc', 'snap/lxd/common/config'):
        place = tmpdir.join(place).ensure(dir=True)
        place.join('client.crt').write('x')
        place.join('client.key').write('x')
        assert kinds.default_key_pair() == (
            str(place.join('client.crt')), str(place.join('client.key')))


@pytest.mark.parametrize('variable', ['LXD_CONF', 'INCUS_CONF'])
def test_the_directory_of_the_key_pair_that_the_environment_names(
        variable, tmpdir):
    for place in 'named', '.config/lxc', '.config/incus':
        for name in 'client.crt', 'client.key':
            tmpdir.join(place).ensure(dir=True).join(name).write('x')
    environ = {variable: str(tmpdir.join('named'))}
    pair = str(tmpdir.join('.config/lxc/client.crt')), str(
        tmpdir.join('.config/lxc/client.key'))
    named = tuple(each.replace('.config/lxc', 'named') for each in pair)
    assert kinds.default_key_pair({}) == pair
    assert kinds.default_key_pair({'LXD_CONF': ''}) == pair
    if variable == 'LXD_CONF':
        assert kinds.default_key_pair(environ) == named
    tmpdir.join('.config/lxc').remove()
    assert kinds.default_key_pair(environ) == named
    # lxc looks nowhere else either
    tmpdir.join('named').remove()
    if variable == 'INCUS_CONF':
        assert kinds.default_key_pair(environ) is None


def test_authenticate_after_the_certificate_was_deleted(tmpdir):
    pair = make_certificate(tmpdir)
    with Server(lxd_api(root=root(auth='untrusted'))) as server:
        client = Client(server.endpoint)
        client.cert = pair
        os.remove(pair[0])
        with pytest.raises(exceptions.InvalidCertificate, match=pair[0]):
            client.authenticate('s3cr3t')


def test_event_types_are_text_constants():
    assert [each.value for each in EventType] == [
        'all', 'lifecycle', 'logging', 'network-acl', 'operation', 'ovn',
        'security']
    assert len(EventType) == 7
    for each in EventType:
        assert isinstance(each, EventType) and isinstance(each, str)
        assert type(each.value) is str and each == each.value
        assert hash(each) == hash(each.value)
        assert '{}'.format(each) == str(each) == json.dumps(each)[1:-1]
        for same in (EventType(each.value), EventType(each),
                     EventType[each.name], getattr(EventType, each.name),
                     pickle.loads(pickle.dumps(each)), copy.deepcopy(each)):
            assert same is each
    assert repr(EventType.NetworkACL) == (
        "<EventType.NetworkACL: 'network-acl'>")
    assert 'ovn' in EventType and u'ovn' in EventType
    assert 'none' not in EventType
    with pytest.raises(ValueError) as caught:
        EventType('none')
    assert str(caught.value) == (
        "'none' is not one of all, lifecycle, logging, network-acl, "
        "operation, ovn, security")
    with pytest.raises(KeyError):
        EventType['lifecycle']


@pytest.mark.parametrize('types, query', [
    (None, ''), ([], ''), (EventType.All, ''), (EventType, ''),
    (EventType.OVN, '?type=ovn'),
    ('lifecycle', '?type=lifecycle'), ('a&project=b', '?type=a%26project%3Db'),
    ({EventType.Operation, EventType.Lifecycle}, '?type=lifecycle,operation'),
    (['all', 'lifecycle'], ''), (u'logging', '?type=logging')])
def test_the_query_names_the_types(types, query):
    with Server(lxd_api()) as server:
        events = Client(server.endpoint).events(event_types=types)
        assert events.resource == '/1.0/events' + query
        assert server.requested == ['GET /1.0']  # no websocket is opened yet
        events.close_connection()


def test_events_of_a_project():
    with Server(lxd_api(root=root(api_extensions=['projects']))) as server:
        client = Client(server.endpoint, project='p')
        with pytest.raises(exceptions.NotFound):
            client.events(event_types='lifecycle').connect()
        assert server.requested[-1] == (
            'GET /1.0/events?project=p&type=lifecycle')


@pytest.mark.parametrize('secure', [False, True])
def test_a_with_block_closes_the_client(tmpdir, secure):
    pair = make_certificate(tmpdir)
    with Server(lxd_api(), not secure, tls_context(
            pair) if secure else None) as server:
        with Client(server.endpoint, verify=pair[0]) as client:
            assert server.ended.empty()
        server.ended.get(timeout=10)
        assert client.api.get().status_code == 200
        client.close()
        client.close()


def test_authenticate_while_another_process_does(tmpdir):
    """LXD lists the certificate a moment before it trusts it."""
    pair = make_certificate(tmpdir)
    answers = ['untrusted'] * 4 + ['trusted']
    pages = {'GET /1.0': lambda _: root(
                 auth=answers.pop(0) if len(answers) > 1 else answers[0]),
             'POST /1.0/certificates': error(
                 409, 'Certificate already in trust store')}
    with Server(lxd_api(pages), context=tls_context(pair)) as server:
        client = Client(server.endpoint, cert=pair, verify=pair[0])
        client.authenticate('token')
        assert client.trusted and answers == ['trusted']


def test_authenticate_while_the_server_learns_to_trust(tmpdir):
    """Incus 6.0 may refuse a request at that moment."""
    pair = make_certificate(tmpdir)
    answers = iter([root(auth='untrusted')] * 2 + [
        error(403, 'Username not present in request context'), root()])
    pages = {'GET /1.0': lambda _: next(answers),
             'POST /1.0/certificates': {}}
    with Server(lxd_api(pages), context=tls_context(pair)) as server:
        client = Client(server.endpoint, cert=pair, verify=pair[0])
        client.authenticate('token')
        assert client.trusted


def test_authenticate_with_a_conflict_that_stays(tmpdir, monkeypatch):
    monkeypatch.setattr('pylxd.core.authentication.TRUST_DELAY', 0)
    pair = make_certificate(tmpdir)
    pages = {'GET /1.0': root(auth='untrusted'),
             'POST /1.0/certificates': error(409, 'already there')}
    with Server(lxd_api(pages), context=tls_context(pair)) as server:
        client = Client(server.endpoint, cert=pair, verify=pair[0])
        with pytest.raises(exceptions.Conflict):
            client.authenticate('token')


CLUSTERED = root(api_extensions=['instances', 'projects', 'clustering',
                                 'network'])


@pytest.mark.parametrize('name, error_class', [
    ('', exceptions.InvalidName), ([], TypeError), ('..', ValueError)])
def test_a_project_without_a_name(name, error_class):
    """It is not the default project."""
    with Server(lxd_api({}, CLUSTERED)) as server:
        client = Client(server.endpoint)
        for call in (client.use_project, client.use_target,
                     lambda name: Client(server.endpoint, project=name)):
            with pytest.raises(error_class):
                call(name)
        assert client.use_project(None).project is None
        assert set(server.requested) == {'GET /1.0'}


def test_a_project_is_text():
    with Server(lxd_api({}, CLUSTERED)) as server:
        client = Client(server.endpoint, project=b'p')
        assert client.project == 'p' and client.use_target(7).target == '7'
        assert repr(client.profiles.model(client, name='a')) == (
            '<Profile a (project p)>')


def test_use_project():
    class OwnClient(Client):
        pass

    pages = {'GET /1.0/instances': [], 'GET /1.0/profiles': []}
    with Server(lxd_api(pages, CLUSTERED)) as server:
        client = OwnClient(server.endpoint)
        assert client.containers.all() == []
        other = client.use_project('p q')
        assert type(other) is OwnClient and other.project == 'p q'
        assert other.containers.client is other
        assert client.containers.client is client
        other.containers.all()
        client.profiles.all()
        assert server.requested[2:] == [
            'GET /1.0/instances?instance-type=container&project=p+q',
            'GET /1.0/profiles']
        assert server.connections == 1
        assert client != other and client.project is None
        with pytest.raises(exceptions.InvalidName):
            client.use_project('a/b\n')


def test_use_target():
    pages = {'GET /1.0/instances': [],
             'POST /1.0/instances': accepted({'id': 'u1'}),
             'GET /1.0/networks': [],
             'GET /1.0/networks/n': {'name': 'n'}, 'PATCH /1.0/networks/n': {}}
    with Server(lxd_api(pages, CLUSTERED)) as server:
        client = Client(server.endpoint, project='p').use_target('m2')
        client.containers.all()
        client.containers.create({'name': 'c', 'source': {'type': 'none'}})
        client.networks.all()
        client.networks.get('n')
        client.api.networks.n.patch(json={})
        client.use_target('m3').networks.get('n')
        client.api.networks.n.get(target='m4')
        assert [line for line in server.requested if '/1.0/' in line] == [
            'GET /1.0/instances?instance-type=container&project=p',
            'POST /1.0/instances?project=p&target=m2',
            'GET /1.0/networks?project=p&target=m2',
            'GET /1.0/networks/n?project=p&target=m2',
            'PATCH /1.0/networks/n?project=p&target=m2',
            'GET /1.0/networks/n?project=p&target=m3',
            'GET /1.0/networks/n?project=p&target=m4']


def test_use_target_needs_a_cluster():
    with Server(lxd_api()) as server:
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            Client(server.endpoint).use_target('m2')
