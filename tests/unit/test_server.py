"""The server itself and its warnings, against a scripted server."""
import json

import pytest

from pylxd import Client, exceptions
from pylxd.models import Server, ServerWarning
from wire import ROOT, Server as WireServer, http, lxd_api, sync

EXTENSIONS = ['projects', 'patch', 'etag', 'clustering', 'resources',
              'metrics', 'metadata_configuration', 'warnings']
INFO = dict(ROOT, api_extensions=EXTENSIONS, config={
    'core.https_address': '10.0.0.1:8443', 'core.trust_password': True,
    'user.a': '1', 'user.b': '2'})
WARNING = {'uuid': 'u1', 'status': 'new', 'severity': 'low', 'type': 't'}


@pytest.fixture
def pages():
    return {}


@pytest.fixture
def scripted(pages):
    with WireServer(lxd_api(pages, INFO)) as server:
        yield server


@pytest.fixture
def client(scripted):
    return Client(scripted.endpoint)


def put_body(client, scripted, pages):
    """Save the configuration, and return the body of the PUT."""
    bodies = []

    def answer(request):
        bodies.append(json.loads(request.body.decode()))
        return {}

    pages['PUT /1.0'] = answer
    # The server applies the change as it was sent
    pages['GET /1.0'] = lambda request: sync(dict(INFO, config={
        key: value for key, value in (
            bodies[-1]['config'] if bodies else INFO['config']).items()
        if value != ''}), ETag='"e"')
    client.server.save()
    assert not client.server.dirty
    return bodies[-1]


def test_an_assigned_copy_keeps_the_password(client, scripted, pages):
    """Servers send True in place of the password; ``'true'`` would be one."""
    config = dict(client.server.config)
    client.server.config = config
    assert not client.server.dirty
    client.server.config = dict(config, **{'user.c': True})
    assert put_body(client, scripted, pages) == {
        'config': dict(INFO['config'], **{'user.c': 'true'})}


def test_a_save_sends_removed_keys_as_empty(client, scripted, pages):
    del client.server.config['user.a']
    client.server.config['user.c'] = 3
    assert put_body(client, scripted, pages) == {'config': {
        'core.https_address': '10.0.0.1:8443', 'core.trust_password': True,
        'user.a': '', 'user.b': '2', 'user.c': '3'}}
    assert client.host_info['config'] == client.server.config


def test_a_save_on_a_member(client, scripted):
    member = client.use_target('m1').server
    assert member.config and member is not client.server
    assert scripted.requested[-1] == 'GET /1.0?target=m1'
    assert client.server == Server(client)
    client.server.sync()
    assert scripted.requested[-1] == 'GET /1.0'


def test_the_client_does_not_take_over_the_fields_of_a_member(scripted):
    client = Client(scripted.endpoint)
    info = client.host_info
    client.use_target('m1').server.sync()
    assert client.host_info is info
    client.server.sync()
    assert client.host_info is not info
    assert client.server_clustered is False


def test_resources(client, scripted, pages):
    pages['GET /1.0/resources'] = {'cpu': {'total': 2}}
    assert client.resources == {'cpu': {'total': 2}}
    assert client.resources is client.resources
    assert scripted.requested[1:] == ['GET /1.0/resources']
    client.server.resources(target='m1')
    assert client.use_target('m2').resources is not client.resources
    assert scripted.requested[2:] == [
        'GET /1.0/resources?target=m1', 'GET /1.0/resources?target=m2']


def test_metrics_are_utf_8(client, pages):
    text = u'lxd_x{name="\xe4"} 1\n# EOF\n'
    pages['GET /1.0/metrics'] = http(
        text.encode('utf-8'), Content_Type='text/plain')
    assert client.server.metrics() == text


def test_versions(client, pages):
    pages['GET /'] = sync(['/1.0', '/2.0'])
    assert client.server.versions() == ['/1.0', '/2.0']


def test_configuration_keys(client, pages):
    pages['GET /1.0/metadata/configuration'] = {'configs': {'server': {}}}
    assert client.server.configuration_keys() == {'server': {}}
    pages['GET /1.0/metadata/configuration'] = {}
    with pytest.raises(exceptions.InvalidResponse):
        client.server.configuration_keys()


def test_a_warning_that_is_gone(client, scripted, pages):
    """LXD 5.0.2 answers the PATCH of a missing warning with success."""
    pages['PATCH /1.0/warnings/u1'] = {}
    with pytest.raises(exceptions.NotFound):
        ServerWarning(client, uuid='u1').acknowledge()


def test_a_warning(client, scripted, pages):
    pages['GET /1.0/warnings'] = ['/1.0/warnings/u1']
    pages['GET /1.0/warnings/u1'] = WARNING
    pages['PATCH /1.0/warnings/u1'] = {}
    warning, = client.warnings.all(filter='status eq new')
    assert repr(warning) == '<ServerWarning u1>'
    warning.acknowledge()
    assert repr(warning) == '<ServerWarning u1: new>'
    assert scripted.requested[1:] == [
        'GET /1.0/warnings?filter=status+eq+new',
        'PATCH /1.0/warnings/u1', 'GET /1.0/warnings/u1']
    assert json.loads(scripted.requests[2].body.decode()) == {
        'status': 'acknowledged'}


def test_no_name_of_the_models_hides_one_of_python():
    import pylxd.models
    from six.moves import builtins
    assert not set(pylxd.models.__all__) & set(dir(builtins))
