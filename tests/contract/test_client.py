# -*- coding: utf-8 -*-
"""The client: finding and checking its server, trust, timeouts, projects."""
import base64
import json
import os
import socket
import time

import pytest

import pylxd
from pylxd import Client, exceptions
from pylxd.transport import kinds
from wire import Proxy, make_certificate, tls_context
from helpers import BUSYBOX, read_bytes, unique_name

from .support import fingerprint_of


@pytest.fixture
def without_server(monkeypatch):
    """Hide each server that environment variables and defaults would find."""
    for kind in kinds.KINDS:
        monkeypatch.delenv(kind.socket, raising=False)
        monkeypatch.delenv(kind.directory, raising=False)
        monkeypatch.setattr(kind, 'directories', ())
    return monkeypatch


@pytest.fixture
def directory(lxd, tmpdir):
    """A directory with a link to the server's socket as ``unix.socket``."""
    os.symlink(lxd.socket, str(tmpdir.join('unix.socket')))
    return str(tmpdir)


@pytest.fixture
def other_pair(tmpdir):
    """Paths of a certificate and key that the server does not use."""
    return make_certificate(tmpdir, 'other')


# -- endpoints

@pytest.mark.documents('Client', 'example:client')
@pytest.mark.parametrize('variable, value', [
    ('LXD_SOCKET', '{}/unix.socket'), ('LXD_SOCKET', 'unix://{}/unix.socket'),
    ('LXD_DIR', '{}'), ('INCUS_SOCKET', '{}/unix.socket'),
    ('INCUS_DIR', '{}')])
def test_the_server_that_the_environment_names(
        lxd_client, without_server, directory, variable, value):
    without_server.setenv(variable, value.format(directory))
    with Client() as client:
        assert client.identity == lxd_client.identity
        assert client.trusted


@pytest.mark.parametrize('position', [0, 1])
def test_default_sockets(lxd_client, without_server, directory, position):
    without_server.setattr(
        kinds.KINDS[position], 'directories', ('/none', directory))
    with Client() as client:
        assert client.identity == lxd_client.identity


def test_no_server_at_all(without_server):
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        Client()
    assert '/var/lib/lxd/unix.socket: ' in str(caught.value)


@pytest.mark.documents('Client')
@pytest.mark.parametrize('form', ['{}', 'unix://{}', 'unix:{}'])
def test_socket_paths(lxd, lxd_client, without_server, form):
    with Client(form.format(lxd.socket)) as client:
        assert client.identity == lxd_client.identity


@pytest.mark.documents('Client')
@pytest.mark.parametrize('slash', ['', '/'])
def test_https(lxd, lxd_client, lxd_https, slash):
    with Client(lxd.endpoint + slash, cert=lxd_https['cert'],
                verify=lxd.certificate) as client:
        assert client.identity == lxd_client.identity
        assert client.trusted
        assert client.address == lxd.endpoint


@pytest.mark.documents('Client', 'example:client')
def test_http_with_a_key_pair_means_https(lxd, lxd_https):
    endpoint = lxd.endpoint.replace('https:', 'http:')
    with Client(endpoint, cert=lxd_https['cert'],
                verify=lxd.certificate) as client:
        assert client.trusted
        assert_usable(client)
    with pytest.raises(exceptions.LXDException):
        Client(endpoint)  # plain HTTP on a port for TLS


def test_the_address_for_other_servers(lxd, lxd_client):
    assert lxd_client.address == lxd.endpoint


@pytest.mark.parametrize('endpoint, reason', [
    ('/none/unix.socket', 'No such file'), (__file__, 'refused'),
    ('https://127.0.0.1:1', 'refused'), ('http://127.0.0.1:1', 'refused'),
])
def test_unreachable(endpoint, reason):
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        Client(endpoint)
    assert str(caught.value).startswith(endpoint + ': ')
    assert reason in str(caught.value)


# -- checks of the server's certificate

def assert_usable(client):
    """Check that HTTP and websockets work."""
    assert client.api.get().status_code == 200
    events = client.events()
    events.connect()
    events.close_connection()


def refusal_of(lxd, **kwargs):
    """Return the message of the refusal by HTTP and websockets alike."""
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        lxd.client(endpoint=lxd.endpoint, **kwargs)
    assert lxd.endpoint in str(caught.value)
    transport = pylxd.transport.connection.Transport(
        lxd.endpoint, kwargs.get('cert'), kwargs.get('verify', True))
    with pytest.raises(exceptions.ClientConnectionFailed) as caught_again:
        transport.connect()
    assert str(caught_again.value) == str(caught.value)
    return str(caught.value)


def test_a_pinned_certificate(lxd, lxd_https):
    with lxd.client(**lxd_https) as client:
        assert_usable(client)


def test_a_bundle_with_its_certificate(lxd, lxd_https, other_pair, tmpdir):
    bundle = tmpdir.join('bundle')
    bundle.write_binary(
        read_bytes(other_pair[0]) + read_bytes(lxd.certificate))
    with lxd.client(**dict(lxd_https, verify=str(bundle))) as client:
        assert_usable(client)


def test_verify_false_accepts_any_certificate(lxd, lxd_https):
    with lxd.client(**dict(lxd_https, verify=False)) as client:
        assert_usable(client)


def test_an_unknown_certificate_is_refused(lxd):
    message = refusal_of(lxd)
    assert 'certificate' in message and 'verify=' in message


def test_another_certificate_is_refused(lxd, other_pair):
    assert 'certificate' in refusal_of(lxd, verify=other_pair[0])


@pytest.mark.parametrize('hosts, accepted', [
    ([u'127.0.0.1'], True), ([u'example.org'], False)])
def test_a_certificate_of_an_authority(lxd, tmpdir, hosts, accepted):
    """The certificate of the proxy is signed by an authority."""
    authority = make_certificate(tmpdir, 'authority')
    signed = make_certificate(tmpdir, 'signed', hosts, issuer=authority)
    with Proxy(lxd.socket, context=tls_context(signed)) as proxy:
        if accepted:
            with lxd.client(endpoint=proxy.endpoint,
                            verify=authority[0]) as client:
                assert_usable(client)
        else:
            assert 'match' in refusal_of(
                add_client_method(proxy), verify=authority[0])
            assert not any(proxy.sent)


def add_client_method(proxy):
    """Give a proxy the method `client` of a kit."""
    proxy.client = Client
    return proxy


@pytest.fixture(params=['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE',
                        'SSL_CERT_FILE'])
def bundle_variable(request, monkeypatch):
    """Return a function that sets a variable to the path of a bundle."""
    return lambda path: monkeypatch.setenv(request.param, path)


def test_bundles_of_the_environment_add_no_trust(lxd, bundle_variable):
    bundle_variable(lxd.certificate)
    assert 'certificate' in refusal_of(lxd)


@pytest.mark.trap('environment-overrides')
def test_bundles_of_the_environment_remove_no_trust(
        lxd, lxd_https, other_pair, bundle_variable):
    bundle_variable(other_pair[0])
    for verify in (lxd.certificate, False):
        with lxd.client(**dict(lxd_https, verify=verify)) as client:
            assert_usable(client)


@pytest.mark.trap('environment-overrides')
def test_proxies_and_netrc_are_not_used(
        lxd, lxd_https, tmpdir, monkeypatch):
    netrc = tmpdir.join('netrc')
    netrc.write('default login u password s3cr3t\n')
    netrc.chmod(0o600)
    monkeypatch.setenv('NETRC', str(netrc))
    for name in ('HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'):
        for each in (name, name.lower()):
            monkeypatch.setenv(each, 'http://127.0.0.1:1')
    monkeypatch.delenv('NO_PROXY', raising=False)
    monkeypatch.delenv('no_proxy', raising=False)
    with Proxy(lxd.socket, True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            assert_usable(client)
        assert b'uthorization' not in b''.join(map(bytes, proxy.sent))
    with lxd.client(**lxd_https) as client:
        assert_usable(client)


# -- information about the server

@pytest.mark.documents('Client.trusted', 'example:trusted')
def test_host_info(lxd_client, stranger):
    info = lxd_client.host_info
    assert info['api_version'] == '1.0' == lxd_client.version
    assert info['environment']['server'] in ('lxd', 'incus')
    assert info == lxd_client.api.get().json()['metadata']
    assert lxd_client.trusted is True
    assert stranger.trusted is False
    assert not stranger.host_info.get('environment')


def test_has_and_assert_api_extension(lxd_client):
    assert lxd_client.has_api_extension('instances')
    assert not lxd_client.has_api_extension('none_such')
    lxd_client.assert_has_api_extension('instances')
    with pytest.raises(NotImplementedError) as caught:
        lxd_client.assert_has_api_extension('none_such')
    assert isinstance(caught.value, exceptions.LXDAPIExtensionNotAvailable)
    assert 'none_such' in str(caught.value)


def test_another_version_of_the_api(lxd):
    with pytest.raises(exceptions.NotFound):
        lxd.client(version='9.9')
    for version in ('', '..', '1.0\n'):
        with pytest.raises(exceptions.InvalidName):
            lxd.client(version=version)


def test_repr_and_websocket_url(lxd, lxd_client, lxd_https):
    assert repr(lxd_client) == '<Client of {}>'.format(lxd.socket)
    assert lxd_client.websocket_url == 'ws+unix://' + lxd.socket
    with lxd.client(**lxd_https) as client:
        assert repr(client) == '<Client of {}>'.format(lxd.endpoint)
        assert client.websocket_url == 'wss' + lxd.endpoint[len('https'):]


# -- trust

@pytest.fixture(params=['password', 'token'])
def secret(request, lxd, lxd_client):
    """A token, or the password if the server has one."""
    if request.param == 'password' and lxd.password:
        return lxd.password
    return lxd_client.certificates.create_token(unique_name())


@pytest.mark.documents('Client.authenticate', 'example:authenticate')
def test_authenticate(lxd_client, stranger, secret, key_pair):
    with pytest.raises(exceptions.LXDAPIException):
        stranger.containers.all()
    assert stranger.authenticate(secret) is None
    assert stranger.trusted
    # The server tells these to trusted clients only
    assert stranger.identity == lxd_client.identity
    assert stranger.has_api_extension('instances')
    assert stranger.containers.all() == lxd_client.containers.all()
    assert lxd_client.certificates.exists(
        fingerprint_of(read_bytes(key_pair[0])))


@pytest.mark.documents('Client.authenticate')
def test_a_wrong_secret_is_refused_and_not_shown(
        lxd_client, stranger, key_pair):
    token = json.loads(base64.b64decode(
        lxd_client.certificates.create_token(unique_name())).decode('utf-8'))
    token['secret'] = 's3cr3t'
    for wrong in ('s3cr3t', base64.b64encode(
            json.dumps(token).encode('utf-8')).decode('ascii')):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            stranger.authenticate(wrong)
        assert caught.value.response.status_code in (400, 403)
        assert wrong not in str(caught.value) + repr(caught.value)
        assert 's3cr3t' not in repr(vars(caught.value.response))
        assert not stranger.trusted
    assert not lxd_client.certificates.exists(
        fingerprint_of(read_bytes(key_pair[0])))


def test_a_token_works_once(lxd, lxd_client, stranger, tmpdir):
    token = lxd_client.certificates.create_token(unique_name())
    stranger.authenticate(token)
    with lxd.client(endpoint=lxd.endpoint, verify=lxd.certificate,
                    cert=make_certificate(tmpdir, unique_name())) as second:
        with pytest.raises(exceptions.LXDAPIException):
            second.authenticate(token)
        assert not second.trusted


@pytest.mark.documents('Client.authenticate')
@pytest.mark.parametrize('directory', ['lxc', 'incus'])
def test_the_key_pair_of_the_command_line_client(
        lxd, lxd_https, monkeypatch, tmpdir, directory):
    monkeypatch.setenv('HOME', str(tmpdir))
    arguments = dict(endpoint=lxd.endpoint, verify=lxd.certificate)
    with Client(**arguments) as client:
        assert client.cert is None and not client.trusted
    config = tmpdir.join('.config', directory)
    for name, path in zip(('client.crt', 'client.key'), lxd_https['cert']):
        config.join(name).write(read_bytes(path), ensure=True)
        config.join(name).chmod(0o600)
    with Client(**arguments) as client:
        assert client.trusted
        assert client.cert == tuple(
            str(config.join('client.' + end)) for end in ('crt', 'key'))


def test_authenticate_of_a_trusted_client_sends_nothing(
        lxd, lxd_https, lxd_client, sent):
    lxd_client.authenticate('wrong')
    assert sent == []
    with lxd.client(**lxd_https) as client:
        client.authenticate('wrong')
        assert client.trusted


def test_authenticate_without_a_key_pair(lxd, tmpdir, monkeypatch):
    monkeypatch.setenv('HOME', str(tmpdir))  # which has no key pair
    with lxd.client(endpoint=lxd.endpoint, verify=False) as client:
        client.transport.request = None  # sending would fail
        with pytest.raises(exceptions.InvalidCertificate) as caught:
            client.authenticate('s3cr3t')
    assert 'cert=' in str(caught.value) and 's3cr3t' not in str(caught.value)


# -- closing

def test_a_closed_client_connects_again(lxd):
    with Proxy(lxd.socket, True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            assert client.trusted
            assert proxy.ended.empty()
        proxy.ended.get(timeout=10)  # the client closed its connection
        client.close()
        assert client.api.get().status_code == 200
        assert proxy.connections == 2
        client.close()


def test_a_failing_with_block_closes_the_client(lxd):
    with Proxy(lxd.socket, True) as proxy:
        with pytest.raises(KeyError):
            with lxd.client(endpoint=proxy.endpoint):
                raise KeyError
        proxy.ended.get(timeout=10)


def test_a_refused_server_leaves_no_connection(lxd):
    with Proxy(lxd.socket, True) as proxy:
        with pytest.raises(exceptions.NotFound) as caught:
            lxd.client(endpoint=proxy.endpoint, version='9.9')
        proxy.ended.get(timeout=10)  # though its traceback is kept
        del caught


# -- timeouts

@pytest.mark.parametrize('family, scheme', [
    (socket.AF_INET, 'http'), (socket.AF_INET, 'https'),
    (socket.AF_UNIX, 'unix')])
def test_a_silent_server(tmpdir, family, scheme):
    listener = socket.socket(family)
    path = str(tmpdir.join('s'))
    listener.bind(path if scheme == 'unix' else ('127.0.0.1', 0))
    listener.listen(1)
    endpoint = path if scheme == 'unix' else '{}://127.0.0.1:{}'.format(
        scheme, listener.getsockname()[1])
    started = time.time()
    try:
        with pytest.raises(exceptions.ConnectionTimeout) as caught:
            Client(endpoint, timeout=0.2)
    finally:
        listener.close()
    assert time.time() - started < 5
    assert endpoint in str(caught.value)


def test_a_wait_may_exceed_the_timeout(lxd, name):
    """The timeout of a client limits each read, not the wait for an end."""
    with lxd.client(timeout=1) as client:
        assert client.containers.create(
            {'name': name, 'source': BUSYBOX}, wait=True).status == 'Stopped'
        container = client.containers.get(name)
        container.start(wait=True)
        started = time.time()
        assert container.execute(['sleep', '1.5']).exit_code == 0
        assert time.time() - started > 1


@pytest.mark.parametrize('timeout', [60, (5, 60), 60.5])
def test_forms_of_the_timeout(lxd, timeout):
    with lxd.client(timeout=timeout) as client:
        assert_usable(client)


# -- projects

def test_objects_of_a_project(lxd, lxd_client, name):
    if not lxd_client.has_api_extension('projects'):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            lxd.client(project=name)
        return
    projects = lxd_client.api.projects
    projects.post(json={'name': name, 'config': {
        'features.images': 'false', 'features.profiles': 'false'}})
    try:
        with lxd.client(project=name) as client:
            assert client.project == name
            client.containers.create(
                {'name': name, 'source': {'type': 'none'}}, wait=True)
            assert [each.name for each in client.containers.all()] == [name]
            assert not lxd_client.containers.exists(name)
            with lxd.client(project='default') as default:
                assert not default.containers.exists(name)
            client.containers.get(name).delete(wait=True)
    finally:
        projects[name].delete()


def test_a_project_name_adds_no_parameter(lxd, container):
    try:
        with lxd.client(project='a&project=default') as client:
            found = client.containers.exists(container.name)
    except exceptions.LXDAPIException:  # or such a name is refused
        found = False
    assert not found
