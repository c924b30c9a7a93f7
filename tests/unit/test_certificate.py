"""Certificates: forms of the data, and bodies of requests."""
import base64
import hashlib
import json
import ssl

import pytest

from pylxd import Client, exceptions
from pylxd.models.certificate import to_der
from wire import ROOT, Server, accepted, make_certificate, lxd_api


@pytest.fixture(scope='module')
def pem(tmpdir_factory):
    with open(make_certificate(tmpdir_factory.mktemp('x'))[0]) as file:
        return file.read()


@pytest.fixture
def server():
    """A server that accepts any certificate and issues tokens."""
    pages = {'POST /1.0/certificates': {}}
    root = dict(ROOT, api_extensions=[
        'certificate_project', 'certificate_token', 'projects'])
    with Server(lxd_api(pages, root)) as server:
        server.pages = pages
        yield server


def test_to_der_of_pem_and_der(pem):
    der = ssl.PEM_cert_to_DER_cert(pem)
    for form in (pem, pem.encode('ascii'), der, pem.replace('\n', '\r\n'),
                 'Subject: somebody\n' + pem, pem + pem,
                 pem + '-----BEGIN PRIVATE KEY-----\nAAAA\n',
                 '-----BEGIN PRIVATE KEY-----\nAA\n'
                 '-----END PRIVATE KEY-----\n' + pem):
        assert to_der(form) == der


@pytest.mark.parametrize('data', [
    b'', u'', b'hello', u'\xe4', b'\x30\x82\x00',
    '-----BEGIN CERTIFICATE-----', '-----BEGIN PRIVATE KEY-----\nAAAA\n',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    u'-----BEGIN CERTIFICATE-----\n\xe4\n-----END CERTIFICATE-----\n',
    '-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n'])
def test_data_without_a_certificate(data):
    with pytest.raises(exceptions.InvalidCertificate):
        to_der(data)


@pytest.mark.parametrize('data', [None, 7, ['a'], object()])
def test_data_of_a_wrong_type(data):
    with pytest.raises(TypeError):
        to_der(data)


@pytest.mark.parametrize('arguments, fields', [
    ({'password': 'p'}, {'password': 'p'}),
    ({'password': ''}, {}),
    ({'password': '', 'name': 'n', 'projects': ['a'], 'restricted': True},
     {'name': 'n', 'projects': ['a'], 'restricted': True}),
    ({'password': '', 'cert_type': 'metrics'}, {'type': 'metrics'}),
])
def test_create_sends_the_documented_fields(server, pem, arguments, fields):
    certificate = Client(server.endpoint).certificates.create(
        cert_data=pem, **arguments)
    der = ssl.PEM_cert_to_DER_cert(pem)
    assert certificate.fingerprint == hashlib.sha256(der).hexdigest()
    sent = json.loads(server.requests[-1].body.decode())
    assert ssl.DER_cert_to_PEM_cert(der).split() == (
        ['-----BEGIN', 'CERTIFICATE-----']
        + [sent['certificate'][place:place + 64] for place in range(
            0, len(sent['certificate']), 64)]
        + ['-----END', 'CERTIFICATE-----'])
    del sent['certificate']
    assert sent == dict({'type': 'client'}, **fields)


def test_create_token(server):
    metadata = {'secret': 's', 'fingerprint': 'f', 'addresses': ['a:1'],
                'expiresAt': 'later', 'request': {}}
    server.pages['POST /1.0/certificates'] = accepted(
        {'id': 'u1', 'metadata': metadata})
    client = Client(server.endpoint)
    token = client.certificates.create_token('n', ['p'], True)
    assert json.loads(base64.b64decode(token).decode()) == {
        'client_name': 'n', 'secret': 's', 'fingerprint': 'f',
        'addresses': ['a:1'], 'expires_at': 'later'}
    assert json.loads(server.requests[-1].body.decode()) == {
        'type': 'client', 'name': 'n', 'token': True, 'projects': ['p'],
        'restricted': True}


@pytest.mark.parametrize('metadata', [None, {}, {'secret': ''}])
def test_operations_without_a_token(server, metadata):
    server.pages['POST /1.0/certificates'] = accepted(
        {'id': 'u1', 'metadata': metadata})
    with pytest.raises(exceptions.InvalidResponse):
        Client(server.endpoint).certificates.create_token()


@pytest.mark.parametrize('limits', [{'restricted': True}, {'projects': ['p']}])
def test_limits_need_an_extension(pem, limits):
    """A server that ignored them would trust the client with everything."""
    root = dict(ROOT, api_extensions=['certificate_token'])
    with Server(lxd_api({}, root)) as server:
        certificates = Client(server.endpoint).certificates
        for call in (lambda: certificates.create('', pem, **limits),
                     lambda: certificates.create_token('n', **limits)):
            with pytest.raises(
                    exceptions.LXDAPIExtensionNotAvailable) as caught:
                call()
            assert caught.value.name == 'certificate_project'
        assert server.requested == ['GET /1.0']


@pytest.mark.parametrize('arguments, message', [
    ({'projects': 'p'}, 'projects must be a list'),
    ({'restricted': 'false'}, 'restricted must be of type bool'),
    ({'name': ['n']}, 'a name must be text')])
def test_arguments_of_a_wrong_type(server, pem, arguments, message):
    certificates = Client(server.endpoint).certificates
    for call in (lambda: certificates.create('', pem, **arguments),
                 lambda: certificates.create_token(**arguments)):
        with pytest.raises(TypeError, match=message):
            call()
    assert server.requested == ['GET /1.0']


def test_tokens_need_an_extension():
    with Server(lxd_api()) as server:
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
            Client(server.endpoint).certificates.create_token()
        assert server.requested == ['GET /1.0']


def test_tokens(server):
    """Tokens of images and of cluster members are operations as well."""
    token = {'id': 'u1', 'class': 'token', 'status_code': 103, 'metadata': {
        'secret': 's3cr3t', 'request': {'name': 'n'}, 'expiresAt': 'later'}}
    server.pages['GET /1.0/operations'] = {'running': [
        token,
        dict(token, metadata={'secret': 's'}), dict(token, metadata=None),
        dict(token, metadata={'secret': 's', 'serverName': 'm2'}),
        {'id': 'u2', 'class': 'task', 'status_code': 103}],
        'cancelled': [dict(token, status_code=401)]}
    server.pages['DELETE /1.0/operations/u1'] = {}
    client = Client(server.endpoint).use_project('p')
    found, = client.certificates.tokens()
    assert (found.name, found.expires_at) == ('n', 'later')
    assert 's3cr3t' not in repr(found) + repr(found._operation)
    assert server.requested[-1] == (
        'GET /1.0/operations?project=default&recursion=1')
    found.delete()
    assert server.requested[-1].startswith('DELETE /1.0/operations/u1')


@pytest.mark.parametrize('arguments', [
    {'password': 's3cr3t'}, {'password': '', 'secret': 's3cr3t'}])
def test_create_with_a_password_or_a_secret(server, pem, arguments):
    server.pages['POST /1.0/certificates'] = {}
    Client(server.endpoint).certificates.create(cert_data=pem, **arguments)
    assert json.loads(server.requests[-1].body.decode())[
        'password'] == 's3cr3t'
