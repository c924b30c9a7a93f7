"""Certificates of clients, and what makes the server trust them."""
import base64
import hashlib
import json

import pytest

from pylxd import exceptions
from pylxd.certificate import Certificate
from helpers import read_bytes, unique_name


def der_of(pem):
    return base64.b64decode(b''.join(pem.strip().splitlines()[1:-1]))


@pytest.fixture
def pem(key_pair):
    return read_bytes(key_pair[0])


@pytest.fixture
def secret(lxd, lxd_client):
    """What a stranger shows: the password, or where there is none a token."""
    return lxd.password or lxd_client.certificates.create_token(unique_name())


@pytest.fixture
def stranger(lxd, key_pair):
    """A client that the server does not trust."""
    with lxd.client(endpoint=lxd.endpoint, verify=lxd.certificate,
                    cert=key_pair) as client:
        assert not client.trusted
        yield client


@pytest.mark.documents(
    'Client.certificates', 'Client.certificates.create',
    'Client.certificates.all', 'Client.certificates.get',
    'Certificate.create', 'Certificate', 'Certificate.fingerprint',
    'Certificate.certificate', 'Certificate.type', 'Certificate.delete')
def test_create_and_delete(lxd_client, pem, name):
    made = lxd_client.certificates.create('', pem, name=name)
    assert type(made) is Certificate
    assert made.fingerprint == hashlib.sha256(der_of(pem)).hexdigest()
    assert made.certificate.split() == pem.decode('ascii').split()
    assert made.type == 'client' and made.name == name
    assert made.restricted is False and made.projects == []

    assert made in lxd_client.certificates.all()
    got = lxd_client.certificates.get(made.fingerprint)
    assert got == made and got.name == name
    assert Certificate(
        lxd_client, fingerprint=made.fingerprint).name == name
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.certificates.create('', pem)

    made.delete()
    assert made not in lxd_client.certificates.all()
    with pytest.raises(exceptions.NotFound):
        lxd_client.certificates.get(made.fingerprint)
    with pytest.raises(exceptions.NotFound):
        made.delete()


@pytest.mark.parametrize('form', ['PEM', 'PEM text', 'PEM in a chain', 'DER'])
def test_forms_of_the_data(lxd_client, pem, form):
    data = {'PEM': pem, 'PEM text': pem.decode('ascii'), 'DER': der_of(pem),
            'PEM in a chain': b'Certificate:\n' + pem + pem}[form]
    certificate = lxd_client.certificates.create('', data)
    assert certificate.fingerprint == hashlib.sha256(der_of(pem)).hexdigest()
    certificate.delete()


def test_what_is_no_certificate(lxd_client, key_pair, sent):
    for data in (b'', b'text', u'text', read_bytes(key_pair[1]),
                 b'-----BEGIN CERTIFICATE-----\nAAAA\n', b'0\x03\x02\x01\x01'):
        with pytest.raises(exceptions.InvalidCertificate):
            lxd_client.certificates.create('', data)
    for data in None, 3, [b'']:
        with pytest.raises(TypeError):
            lxd_client.certificates.create('', data)
    assert sent == []


def test_of_a_client_with_limits(lxd_client, pem, name):
    certificate = lxd_client.certificates.create(
        '', pem, name=name, projects=['default'], restricted=True)
    got = lxd_client.certificates.get(certificate.fingerprint)
    assert (got.restricted, got.projects) == (True, ['default'])


def test_a_stranger_with_the_secret(lxd_client, stranger, pem, secret):
    made = stranger.certificates.create(secret, pem)
    got = lxd_client.certificates.get(made.fingerprint)
    assert got.certificate.split() == pem.decode('ascii').split()
    got.delete()


def test_a_stranger_without_it(lxd_client, stranger, pem):
    before = lxd_client.certificates.all()
    with pytest.raises(exceptions.LXDAPIException) as caught:
        stranger.certificates.create('no-such-secret', pem)
    assert caught.value.response.status_code == 403
    assert 'no-such-secret' not in repr(caught.value) + str(caught.value)
    assert lxd_client.certificates.all() == before
    with pytest.raises(exceptions.LXDAPIException) as caught:
        stranger.profiles.all()
    assert caught.value.response.status_code == 403


def test_create_token(lxd_client, stranger, name):
    token = lxd_client.certificates.create_token(name)
    about = json.loads(base64.b64decode(token).decode('utf-8'))
    assert about['client_name'] == name and about['secret']
    assert about['fingerprint'] == lxd_client.host_info['environment'][
        'certificate_fingerprint']
    stranger.authenticate(token)
    assert stranger.trusted
    mine, = [each for each in lxd_client.certificates.all()
             if each.name == name]
    assert stranger.containers.all() == lxd_client.containers.all()
    mine.delete()
    with pytest.raises(exceptions.LXDAPIException):
        stranger.certificates.create(token, read_bytes(stranger.cert[0]))


def test_a_token_for_a_client_with_limits(lxd_client, stranger, name):
    stranger.authenticate(lxd_client.certificates.create_token(
        name, projects=['default'], restricted=True))
    mine, = [each for each in lxd_client.certificates.all()
             if each.name == name]
    assert (mine.restricted, mine.projects) == (True, ['default'])


def test_they_cannot_be_changed(lxd_client, pem, name):
    made = lxd_client.certificates.create('', pem, name=name)
    for attribute in 'fingerprint', 'certificate', 'type', 'name':
        with pytest.raises(AttributeError):
            setattr(made, attribute, 'x')
