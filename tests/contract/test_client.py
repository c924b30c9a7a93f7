# -*- coding: utf-8 -*-
import base64
import hashlib
import json
import os
import socket
import ssl
import time

import pytest

import pylxd
from pylxd import Client, exceptions
from pylxd.transport import dialect
from wire import Proxy, make_certificate, tls_context
from helpers import BUSYBOX, read_bytes, unique_name


@pytest.fixture
def nowhere(monkeypatch):
    """An environment that names no server, on a machine without any."""
    for kind in dialect.KINDS:
        monkeypatch.delenv(kind.socket, raising=False)
        monkeypatch.delenv(kind.directory, raising=False)
    monkeypatch.setattr(dialect, 'KINDS', tuple(
        kind._replace(directories=()) for kind in dialect.KINDS))
    return monkeypatch


@pytest.fixture
def directory(lxd, tmpdir):
    """A directory whose ``unix.socket`` is the server's."""
    os.symlink(lxd.socket, str(tmpdir.join('unix.socket')))
    return str(tmpdir)


@pytest.fixture
def other(tmpdir):
    """A certificate that has nothing to do with the server."""
    return make_certificate(tmpdir, 'other')


def fingerprint(pair):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(
        read_bytes(pair[0]).decode('ascii'))).hexdigest()


@pytest.fixture
def stranger(lxd, lxd_client, key_pair):
    """A client over HTTPS that is not trusted yet, and not after."""
    with lxd.client(endpoint=lxd.endpoint, verify=lxd.certificate,
                    cert=key_pair) as client:
        yield client
    if lxd_client.certificates.exists(fingerprint(key_pair)):
        lxd_client.certificates.get(fingerprint(key_pair)).delete()


# -- where the server is

@pytest.mark.documents('Client', 'example:client')
@pytest.mark.parametrize('variable, value', [
    ('LXD_SOCKET', '{}/unix.socket'), ('LXD_SOCKET', 'unix://{}/unix.socket'),
    ('LXD_DIR', '{}'), ('INCUS_SOCKET', '{}/unix.socket'),
    ('INCUS_DIR', '{}')])
def test_the_server_that_the_environment_names(
        lxd_client, nowhere, directory, variable, value):
    nowhere.setenv(variable, value.format(directory))
    with Client() as client:
        assert client.identity == lxd_client.identity
        assert client.trusted


@pytest.mark.parametrize('place', [0, 1])
def test_the_usual_places(lxd_client, nowhere, directory, place):
    kinds = list(dialect.KINDS)
    kinds[place] = kinds[place]._replace(directories=('/none', directory))
    nowhere.setattr(dialect, 'KINDS', tuple(kinds))
    with Client() as client:
        assert client.identity == lxd_client.identity


def test_no_server_at_all(nowhere):
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        Client()
    assert '/var/lib/lxd/unix.socket: ' in str(caught.value)


@pytest.mark.documents('Client')
@pytest.mark.parametrize('form', ['{}', 'unix://{}', 'unix:{}'])
def test_socket_paths(lxd, lxd_client, nowhere, form):
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
        ways(client)
    with pytest.raises(exceptions.LXDException):
        Client(endpoint)  # plain text, which no such port speaks


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


# -- whether it is the right one

def ways(client):
    """It works over HTTP, and over a websocket."""
    assert client.api.get().status_code == 200
    events = client.events()
    events.connect()
    events.close_connection()


def refused(lxd, **kwargs):
    """Why the server is refused, over HTTP and over a websocket."""
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        lxd.client(endpoint=lxd.endpoint, **kwargs)
    assert lxd.endpoint in str(caught.value)
    made = pylxd.transport.connection.Transport(
        lxd.endpoint, kwargs.get('cert'), kwargs.get('verify', True))
    with pytest.raises(exceptions.ClientConnectionFailed) as again:
        made.connect()
    assert str(again.value) == str(caught.value)
    return str(caught.value)


def test_its_own_certificate(lxd, lxd_https):
    with lxd.client(**lxd_https) as client:
        ways(client)


def test_a_bundle_with_its_certificate(lxd, lxd_https, other, tmpdir):
    bundle = tmpdir.join('bundle')
    bundle.write_binary(read_bytes(other[0]) + read_bytes(lxd.certificate))
    with lxd.client(**dict(lxd_https, verify=str(bundle))) as client:
        ways(client)


def test_no_check(lxd, lxd_https):
    with lxd.client(**dict(lxd_https, verify=False)) as client:
        ways(client)


def test_who_nobody_vouches_for_is_refused(lxd):
    said = refused(lxd)
    assert 'certificate' in said and 'verify=' in said


def test_another_certificate_is_refused(lxd, other):
    assert 'certificate' in refused(lxd, verify=other[0])


@pytest.mark.parametrize('hosts, accepted', [
    ([u'127.0.0.1'], True), ([u'example.org'], False)])
def test_an_authority(lxd, tmpdir, hosts, accepted):
    """A proxy has a certificate that one has signed."""
    authority = make_certificate(tmpdir, 'authority')
    signed = make_certificate(tmpdir, 'signed', hosts, issuer=authority)
    with Proxy(lxd.socket, context=tls_context(signed)) as proxy:
        if accepted:
            with lxd.client(endpoint=proxy.endpoint,
                            verify=authority[0]) as client:
                ways(client)
        else:
            assert 'match' in refused(proxy_kit(proxy), verify=authority[0])
            assert not any(proxy.sent)


def proxy_kit(proxy):
    """A proxy with the face of a kit."""
    proxy.client = Client
    return proxy


@pytest.fixture(params=['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE',
                        'SSL_CERT_FILE'])
def bundle_variable(request, monkeypatch):
    return lambda path: monkeypatch.setenv(request.param, path)


def test_the_environment_makes_nobody_trusted(lxd, bundle_variable):
    bundle_variable(lxd.certificate)
    assert 'certificate' in refused(lxd)


@pytest.mark.trap('environment-overrides')
def test_the_environment_makes_nobody_distrusted(
        lxd, lxd_https, other, bundle_variable):
    bundle_variable(other[0])
    for verify in (lxd.certificate, False):
        with lxd.client(**dict(lxd_https, verify=verify)) as client:
            ways(client)


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
            ways(client)
        assert b'uthorization' not in b''.join(map(bytes, proxy.sent))
    with lxd.client(**lxd_https) as client:
        ways(client)


# -- what it tells

@pytest.mark.documents('Client.trusted', 'example:trusted')
def test_host_info(lxd_client, stranger):
    info = lxd_client.host_info
    assert info['api_version'] == '1.0' == lxd_client.version
    assert info['environment']['server'] in ('lxd', 'incus')
    assert info == lxd_client.api.get().json()['metadata']
    assert lxd_client.trusted is True
    assert stranger.trusted is False
    assert not stranger.host_info.get('environment')


def test_extensions(lxd_client):
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


def test_repr(lxd, lxd_client, lxd_https):
    assert repr(lxd_client) == '<Client of {}>'.format(lxd.socket)
    assert lxd_client.websocket_url == 'ws+unix://' + lxd.socket
    with lxd.client(**lxd_https) as client:
        assert repr(client) == '<Client of {}>'.format(lxd.endpoint)
        assert client.websocket_url == 'wss' + lxd.endpoint[len('https'):]


# -- trust

@pytest.fixture(params=['password', 'token'])
def secret(request, lxd, lxd_client):
    """What makes a client trusted; the password where the server takes one."""
    if request.param == 'password' and lxd.password:
        return lxd.password
    return lxd_client.certificates.create_token(unique_name())


@pytest.mark.documents('Client.authenticate', 'example:authenticate')
def test_authenticate(lxd_client, stranger, secret, key_pair):
    with pytest.raises(exceptions.LXDAPIException):
        stranger.containers.all()
    assert stranger.authenticate(secret) is None
    assert stranger.trusted
    # What a stranger is not told is known now
    assert stranger.identity == lxd_client.identity
    assert stranger.has_api_extension('instances')
    assert stranger.containers.all() == lxd_client.containers.all()
    assert lxd_client.certificates.exists(fingerprint(key_pair))


@pytest.mark.documents('Client.authenticate')
def test_wrong_secrets(lxd_client, stranger, key_pair):
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
    assert not lxd_client.certificates.exists(fingerprint(key_pair))


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
    place = tmpdir.join('.config', directory)
    for name, path in zip(('client.crt', 'client.key'), lxd_https['cert']):
        place.join(name).write(read_bytes(path), ensure=True)
        place.join(name).chmod(0o600)
    with Client(**arguments) as client:
        assert client.trusted
        assert client.cert == tuple(
            str(place.join('client.' + end)) for end in ('crt', 'key'))


def test_who_is_trusted_already(lxd, lxd_https, lxd_client, sent):
    lxd_client.authenticate('wrong')
    assert sent == []
    with lxd.client(**lxd_https) as client:
        client.authenticate('wrong')
        assert client.trusted


def test_nothing_to_trust(lxd, tmpdir, monkeypatch):
    monkeypatch.setenv('HOME', str(tmpdir))  # which has no key pair
    with lxd.client(endpoint=lxd.endpoint, verify=False) as client:
        client.transport.request = None  # nothing is sent
        with pytest.raises(exceptions.InvalidCertificate) as caught:
            client.authenticate('s3cr3t')
    assert 'cert=' in str(caught.value) and 's3cr3t' not in str(caught.value)


# -- its end

def test_close(lxd):
    with Proxy(lxd.socket, True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            assert client.trusted
            assert proxy.ended.empty()
        proxy.ended.get(timeout=10)  # the connection's end is seen there
        client.close()
        assert client.api.get().status_code == 200
        assert proxy.connections == 2
        client.close()


def test_close_after_a_failure(lxd):
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


# -- time

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


def test_a_wait_is_not_cut(lxd, name):
    """The timeout bounds each read, not what the server is waited for."""
    with lxd.client(timeout=1) as client:
        assert client.containers.create(
            {'name': name, 'source': BUSYBOX}, wait=True).status == 'Stopped'
        container = client.containers.get(name)
        container.start(wait=True)
        begun = time.time()
        assert container.execute(['sleep', '1.5']).exit_code == 0
        assert time.time() - begun > 1


@pytest.mark.parametrize('timeout', [60, (5, 60), 60.5])
def test_timeouts_that_are_not_reached(lxd, timeout):
    with lxd.client(timeout=timeout) as client:
        ways(client)


# -- projects

def test_a_project(lxd, lxd_client, name):
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


def test_a_project_is_no_query(lxd, container):
    try:
        with lxd.client(project='a&project=default') as client:
            found = client.containers.exists(container.name)
    except exceptions.LXDAPIException:  # or such a name is refused
        found = False
    assert not found
