"""Certificates of clients, trust passwords and tokens."""
import base64
import json
import ssl

import pytest

from pylxd import exceptions
from pylxd.certificate import Certificate
from helpers import read_bytes, unique_name

from .support import fingerprint_of


@pytest.fixture
def pem(key_pair):
    return read_bytes(key_pair[0])


@pytest.fixture
def secret(lxd, lxd_client):
    """The trust password, or a new token on servers without passwords."""
    return lxd.password or lxd_client.certificates.create_token(unique_name())


@pytest.mark.documents(
    'Client.certificates', 'Client.certificates.create',
    'Client.certificates.all', 'Client.certificates.get',
    'Certificate.create', 'Certificate', 'Certificate.fingerprint',
    'Certificate.certificate', 'Certificate.type', 'Certificate.delete')
def test_create_and_delete(lxd_client, pem, name):
    certificate = lxd_client.certificates.create('', pem, name=name)
    assert type(certificate) is Certificate
    assert certificate.fingerprint == fingerprint_of(pem)
    assert certificate.certificate.split() == pem.decode('ascii').split()
    assert certificate.type == 'client' and certificate.name == name
    assert certificate.restricted is False and certificate.projects == []

    assert certificate in lxd_client.certificates.all()
    loaded = lxd_client.certificates.get(certificate.fingerprint)
    assert loaded == certificate and loaded.name == name
    assert Certificate(
        lxd_client, fingerprint=certificate.fingerprint).name == name
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.certificates.create('', pem)

    certificate.delete()
    assert certificate not in lxd_client.certificates.all()
    with pytest.raises(exceptions.NotFound):
        lxd_client.certificates.get(certificate.fingerprint)
    with pytest.raises(exceptions.NotFound):
        certificate.delete()


@pytest.mark.parametrize('form', ['PEM', 'PEM text', 'PEM in a chain', 'DER'])
def test_certificates_in_pem_and_der(lxd_client, pem, form):
    text = pem.decode('ascii')
    data = {'PEM': pem, 'PEM text': text,
            'DER': ssl.PEM_cert_to_DER_cert(text),
            'PEM in a chain': b'Certificate:\n' + pem + pem}[form]
    certificate = lxd_client.certificates.create('', data)
    assert certificate.fingerprint == fingerprint_of(pem)
    certificate.delete()


def test_what_is_no_certificate_is_not_sent(lxd_client, key_pair, sent):
    for data in (b'', b'text', u'text', read_bytes(key_pair[1]),
                 b'-----BEGIN CERTIFICATE-----\nAAAA\n', b'0\x03\x02\x01\x01'):
        with pytest.raises(exceptions.InvalidCertificate):
            lxd_client.certificates.create('', data)
    for data in None, 3, [b'']:
        with pytest.raises(TypeError):
            lxd_client.certificates.create('', data)
    assert sent == []


def test_a_client_restricted_to_projects(lxd_client, pem, name):
    certificate = lxd_client.certificates.create(
        '', pem, name=name, projects=['default'], restricted=True)
    loaded = lxd_client.certificates.get(certificate.fingerprint)
    assert (loaded.restricted, loaded.projects) == (True, ['default'])


def test_a_stranger_adds_a_certificate_with_the_secret(
        lxd_client, stranger, pem, secret):
    certificate = stranger.certificates.create(secret, pem)
    loaded = lxd_client.certificates.get(certificate.fingerprint)
    assert loaded.certificate.split() == pem.decode('ascii').split()
    loaded.delete()


def test_a_stranger_with_a_wrong_secret_is_refused(lxd_client, stranger, pem):
    before = lxd_client.certificates.all()
    with pytest.raises(exceptions.LXDAPIException) as caught:
        stranger.certificates.create('no-such-secret', pem)
    assert caught.value.response.status_code == 403
    assert 'no-such-secret' not in repr(caught.value) + str(caught.value)
    assert lxd_client.certificates.all() == before
    with pytest.raises(exceptions.LXDAPIException) as caught:
        stranger.profiles.all()
    assert caught.value.response.status_code == 403


def test_a_token_makes_a_client_trusted_once(lxd_client, stranger, name):
    token = lxd_client.certificates.create_token(name)
    fields = json.loads(base64.b64decode(token).decode('utf-8'))
    assert fields['client_name'] == name and fields['secret']
    assert fields['fingerprint'] == lxd_client.host_info['environment'][
        'certificate_fingerprint']
    stranger.authenticate(token)
    assert stranger.trusted
    certificate, = [each for each in lxd_client.certificates.all()
                    if each.name == name]
    assert stranger.containers.all() == lxd_client.containers.all()
    certificate.delete()
    with pytest.raises(exceptions.LXDAPIException):
        stranger.certificates.create(token, read_bytes(stranger.cert[0]))


def test_a_token_for_a_restricted_client(lxd_client, stranger, name):
    stranger.authenticate(lxd_client.certificates.create_token(
        name, projects=['default'], restricted=True))
    certificate, = [each for each in lxd_client.certificates.all()
                    if each.name == name]
    assert (certificate.restricted, certificate.projects) == (
        True, ['default'])


def test_attributes_are_read_only(lxd_client, pem, name):
    certificate = lxd_client.certificates.create('', pem, name=name)
    for attribute in 'fingerprint', 'certificate', 'type':
        with pytest.raises(AttributeError):
            setattr(certificate, attribute, 'x')


def test_changes_are_saved(lxd_client, pem, name, other_client):
    certificate = lxd_client.certificates.create('', pem, name=name)
    certificate.name = name + '2'
    certificate.restricted = True
    certificate.projects = ['default']
    assert certificate.dirty
    certificate.save()
    assert not certificate.dirty
    seen = other_client.certificates.get(certificate.fingerprint)
    assert (seen.name, seen.restricted, seen.projects) == (
        name + '2', True, ['default'])
    certificate.projects = []
    certificate.restricted = False
    seen.name = name + '3'
    seen.save()
    certificate.save()
    seen.sync()
    assert (seen.name, seen.restricted, seen.projects) == (
        name + '3', False, [])
    with pytest.raises(TypeError):
        certificate.projects = 'default'


@pytest.mark.real_server
def test_a_project_that_does_not_exist(lxd_client, pem, name):
    certificate = lxd_client.certificates.create('', pem, name=name)
    certificate.projects = ['no-such-project']
    with pytest.raises(exceptions.LXDAPIException, match='roject'):
        certificate.save()
    assert lxd_client.certificates.get(certificate.fingerprint).projects == []


@pytest.fixture
def list_tokens(lxd_client):
    """Return a function that lists the tokens of the test, sorted by name.

    They are deleted after.
    """
    def list_tokens(client=lxd_client):
        return sorted(
            (token for token in client.certificates.tokens()
             if token.name not in before), key=lambda token: token.name)

    before = [token.name for token in lxd_client.certificates.tokens()]
    yield list_tokens
    for token in list_tokens():
        token.delete()


@pytest.mark.real_server
@pytest.mark.needs('certificate_token')
@pytest.mark.parametrize('project', [None, 'other'])
def test_tokens(lxd_client, stranger, list_tokens, name, project):
    client = lxd_client if project is None else lxd_client.use_project(project)
    lxd_client.images.get_by_alias('busybox').create_secret()
    assert list_tokens(client) == []
    secret = client.certificates.create_token(name)
    client.certificates.create_token(name + '2')
    first, other = list_tokens(client)
    assert (first.name, other.name) == (name, name + '2')
    assert (repr(first), first.expires_at) == (
        '<CertificateToken {}>'.format(name), None)
    other.delete()
    with pytest.raises(exceptions.LXDAPIException):
        other.delete()
    stranger.authenticate(secret)
    assert list_tokens(client) == []


@pytest.mark.real_server
@pytest.mark.needs('certificate_token')
def test_a_deleted_token_is_refused(lxd_client, stranger, list_tokens, name):
    secret = lxd_client.certificates.create_token(name)
    token, = list_tokens()
    token.delete()
    with pytest.raises(exceptions.LXDAPIException) as caught:
        stranger.authenticate(secret)
    assert secret not in str(caught.value) and not stranger.trusted


@pytest.mark.real_server
@pytest.mark.needs('certificate_token')
def test_tokens_expire(lxd_client, list_tokens, name):
    server = lxd_client.server
    server.config['core.remote_token_expiry'] = '1H'
    server.save()
    try:
        lxd_client.certificates.create_token(name)
    finally:
        del server.config['core.remote_token_expiry']
        server.save()
    token, = list_tokens()
    assert token.expires_at > '2'


def test_create_with_a_secret(lxd_client, stranger, pem, secret):
    certificate = stranger.certificates.create('', pem, secret=secret)
    lxd_client.certificates.get(certificate.fingerprint).delete()
