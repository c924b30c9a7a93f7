"""The server itself: configuration, resources, metrics, versions."""
import pytest

from pylxd import exceptions
from pylxd.models import Server

pytestmark = pytest.mark.real_server


@pytest.fixture
def server(lxd_client):
    """The server; the keys ``user.*`` of its configuration are removed after.
    """
    yield lxd_client.server
    lxd_client.server.rollback()
    for key in list(lxd_client.server.config):
        if key.startswith('user.'):
            del lxd_client.server.config[key]
    lxd_client.server.save()


def read_config(client):
    return client.api.get().json()['metadata']['config']


def test_attributes(lxd_client, server):
    assert type(server) is Server and repr(server) == '<Server>'
    assert server is lxd_client.server
    assert 'etag' in server.api_extensions
    assert (server.api_version, server.auth) == ('1.0', 'trusted')
    assert server.environment['server'] == lxd_client.dialect.kind.name
    assert server.environment['kernel']
    assert lxd_client.server_clustered is False
    assert lxd_client.host_info['config'] == server.config


def test_save_changes_single_keys(lxd, lxd_client, server, sent):
    before = read_config(lxd_client)
    server.config['user.a'] = 1
    server.config['user.b'] = 'x'
    server.save()
    assert read_config(lxd_client) == dict(
        before, **{'user.a': '1', 'user.b': 'x'})
    assert lxd_client.host_info['config']['user.a'] == '1'
    del sent[:]
    del server.config['user.a']
    server.save()
    assert sent == ['PUT /1.0', 'GET /1.0']
    assert read_config(lxd_client) == dict(before, **{'user.b': 'x'})
    server.config['user.b'] = 'y'
    server.rollback()
    assert server.config['user.b'] == 'x' and not server.dirty


def test_changes_of_another_client(lxd_client, other_client, server):
    server.config['user.a'] = '1'
    other_client.server.config['user.b'] = '2'
    other_client.server.save()
    server.save()
    config = read_config(lxd_client)
    assert (config['user.a'], config['user.b']) == ('1', '2')
    server.config['user.a'] = 'mine'
    other_client.server.sync()
    other_client.server.config['user.a'] = 'theirs'
    other_client.server.save()
    with pytest.raises(exceptions.Conflict) as caught:
        server.save()
    assert caught.value.keys == ('config.user.a',)
    assert read_config(lxd_client)['user.a'] == 'theirs'


def test_put_and_patch(lxd_client, server):
    """Keys ``user.*`` that a PUT leaves out stay; an empty one is removed."""
    before = read_config(lxd_client)
    server.patch({'config': {'user.a': '1'}})
    assert server.config['user.a'] == '1'
    server.put({'config': before})
    assert server.config['user.a'] == '1'
    server.put({'config': dict(before, **{'user.a': ''})})
    assert server.config == before


def test_a_refused_save_changes_nothing(lxd_client, server):
    before = read_config(lxd_client)
    for key, value, reason in (
            ('no.such', '1', 'unknown key'),
            ('images.auto_update_interval', 'x', 'images.auto_update')):
        server.config[key] = value
        with pytest.raises(exceptions.LXDAPIException) as caught:
            server.save()
        assert reason in caught.value.message
        assert read_config(lxd_client) == before
        server.rollback()
    server.config['user.a'] = None
    with pytest.raises(TypeError):
        server.save()
    server.rollback()


def test_a_password_survives_a_save(lxd, lxd_client, server, stranger):
    if not lxd.password:
        pytest.skip('this server has no trust password')
    assert server.config['core.trust_password'] is True
    server.config['user.a'] = '1'
    server.save()
    server.config = dict(server.config, **{'user.b': 2})
    server.save()
    server.put({'config': dict(server.config)})
    stranger.authenticate(lxd.password)
    assert stranger.trusted


@pytest.mark.needs('resources', 'clustering')
def test_resources(lxd_client, server, sent):
    resources = lxd_client.resources
    assert resources['memory']['total'] and resources['cpu']['total']
    assert lxd_client.resources is resources
    assert sent == ['GET /1.0/resources']
    assert server.resources()['cpu'] and len(sent) == 2
    for call in (lambda: server.resources(target='no-such-member'),
                 lxd_client.use_target('no-such-member').server.sync):
        with pytest.raises(exceptions.NotFound) as caught:
            call()
        assert 'member not found' in caught.value.message


@pytest.mark.needs('metrics')
def test_metrics(server):
    text = server.metrics()
    assert isinstance(text, type(u'')) and text.endswith('# EOF\n')


def test_versions(server):
    assert server.versions() == ['/1.0']


@pytest.mark.needs('metadata_configuration')
def test_configuration_keys(server):
    keys = server.configuration_keys()
    assert {'instance', 'project', 'server'} <= set(keys)
    boot, = [each['boot.autostart']
             for group in keys['instance'].values()
             for each in group['keys'] if 'boot.autostart' in each]
    assert boot['type'] == 'bool'


def test_calls_need_their_extensions(lxd_client, sent, monkeypatch):
    monkeypatch.setitem(lxd_client.host_info, 'api_extensions', [])
    for call, name in (
            (lxd_client.server.resources, 'resources'),
            (lambda: lxd_client.resources, 'resources'),
            (lxd_client.server.metrics, 'metrics'),
            (lxd_client.server.configuration_keys, 'metadata_configuration'),
            (lxd_client.warnings.all, 'warnings'),
            (lxd_client.certificates.tokens, 'certificate_token'),
            (lambda: lxd_client.operations.all(all_projects=True),
             'operations_get_query_all_projects')):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            call()
        assert caught.value.name == name
    assert sent == []
