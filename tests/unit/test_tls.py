# -*- coding: utf-8 -*-
"""TLS: which servers are trusted, and unusable certificates and keys."""
import errno
import hashlib
import socket
import ssl
import warnings

import pytest
import requests

from pylxd import exceptions
from pylxd.transport.connection import Transport
from pylxd.transport.sessions import LXDSSLAdapter
from wire import Listener, Server, http, tls_context

from .test_connection import connect_both_ways


@pytest.mark.parametrize('shown, verify, accepted', [
    ('own', 'own', True),           # pinned
    ('own', True, False),           # signed by no known authority
    ('own', False, True),
    ('other', 'own', False),        # not the pinned one
    ('elsewhere', 'elsewhere', True),  # pinned: the name does not matter
    ('elsewhere', False, True),
    ('signed', 'ca', True),
    ('signed', 'signed', True),     # pinned: the issuer does not matter
    ('signed-elsewhere', 'ca', False),  # valid for another host only
    ('signed-elsewhere', 'signed-elsewhere', True),
    ('signed', 'other', False),
    ('own', 'ca', False),
])
def test_pinned_certificates_and_authorities(
        pairs, shown, verify, accepted, monkeypatch):
    # The environment must neither add nor remove trust
    bundle = pairs[shown][0] if not accepted else pairs['other'][0]
    for name in ('REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'SSL_CERT_FILE'):
        monkeypatch.setenv(name, bundle)
    verify = pairs[verify][0] if verify in pairs else verify
    with Server(lambda _: http(), context=tls_context(pairs[shown])) as server:
        raised = list(connect_both_ways(server, verify=verify))
        if accepted:
            assert raised == [None, None]
            assert len(server.requests) == 1
        else:
            assert not server.requests
            for each in raised:
                assert type(each) is exceptions.ClientConnectionFailed
                assert 'certificate' in str(each) or 'match' in str(each)
                assert server.endpoint in str(each)


def test_a_refused_certificate_says_what_to_do(pairs):
    with Server(lambda _: http(), context=tls_context(pairs['own'])) as server:
        for raised in connect_both_ways(server):
            assert 'pass the path of a copy of it as verify=' in str(raised)


@pytest.mark.parametrize('verify', [True, '.', 'own'])
def test_names_are_checked(pairs, verify):
    """For the authorities of the system, a directory and a bundle alike."""
    class Peer(object):
        def getpeercert(self, binary=False):
            return b'der' if binary else {
                'subjectAltName': (('DNS', 'example.org'),)}

    for host, refused in (('example.org', False), ('example.com', True)):
        transport = Transport(
            'https://' + host,
            verify=pairs['own'][0] if verify == 'own' else verify)
        if not refused:
            transport.connector.check_peer(Peer())
            continue
        with pytest.raises(exceptions.ClientConnectionFailed):
            with transport.translate_errors():
                transport.connector.check_peer(Peer())


def test_a_directory_without_authorities(pairs, tmpdir):
    with Server(
            lambda _: http(), context=tls_context(pairs['signed'])) as server:
        for raised in connect_both_ways(server, verify=str(tmpdir)):
            assert isinstance(raised, exceptions.ClientConnectionFailed)


def test_no_tls_before_1_2(pairs):
    context = tls_context(pairs['own'])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    except AttributeError:  # Python 2
        context.options |= ssl.OP_NO_TLSv1_2 | getattr(
            ssl, 'OP_NO_TLSv1_3', 0)
    context.set_ciphers('ALL:@SECLEVEL=0')
    with Server(lambda _: http(), context=context) as server:
        transport = Transport(server.endpoint, verify=False)
        # Some OpenSSL refuse this by default: here the library must refuse it
        transport.connector.context.set_ciphers('ALL:@SECLEVEL=0')
        for call in (lambda: transport.request('GET', '/'), transport.connect):
            with pytest.raises(exceptions.ClientConnectionFailed):
                call()


def test_the_key_pair_is_shown(pairs):
    context = tls_context(pairs['own'])
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pairs['other'][0])
    shown = []

    def serve(connection):
        shown.append(connection.getpeercert(True))
        connection.recv(65536)
        connection.sendall(http())

    with Listener(serve, context=context) as server:
        assert list(connect_both_ways(server, verify=pairs['own'][0],
                                      cert=pairs['other'])) == [None, None]
    with open(pairs['other'][0]) as pem:
        der = ssl.PEM_cert_to_DER_cert(pem.read())
    assert shown[0] == der
    with Listener(serve, context=context) as server:
        raised = next(connect_both_ways(server, verify=pairs['own'][0]))
        assert isinstance(raised, exceptions.ClientConnectionFailed)


def test_one_file_with_certificate_and_key(pairs, tmpdir):
    both = tmpdir.join('both')
    both.write(open(pairs['own'][0]).read() + open(pairs['own'][1]).read())
    both.chmod(0o600)
    assert Transport('https://h', cert=str(both)).connector.context


def test_a_readable_key_is_warned_about(pairs, tmpdir):
    key = tmpdir.join('key')
    key.write(open(pairs['own'][1]).read())
    key.chmod(0o640)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        Transport('https://h', cert=(pairs['own'][0], str(key)))
    assert [str(each.message) for each in caught
            if 'can be read by others' in str(each.message)]
    key.chmod(0o600)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        Transport('https://h', cert=(pairs['own'][0], str(key)))
    assert not [each for each in caught if 'read by' in str(each.message)]


ENCRYPTED = u"""-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF

AAAA
-----END RSA PRIVATE KEY-----
"""


@pytest.mark.parametrize('cert, message', [
    (('/none/crt', '/none/key'), 'No such file'),
    (('{crt}', '/none/key'), 'key: '),
    (('{dir}', '{dir}'), 'directory'),
    (('{text}', '{key}'), 'holds no certificate in PEM form'),
    (('{crt}', '{text}'), 'holds no private key in PEM form'),
    (('{crt}', '{other}'), 'no certificate and its key'),
    (('{key}', '{crt}'), 'holds no certificate'),
    (('{crt}', '{encrypted}'), 'encrypted: pass a key without a password'),
    (('{broken}', '{key}'), 'no certificate and its key'),
    ('{crt}', 'holds no private key'),
    (('{binary}', '{key}'), 'cert: '),
])
def test_unusable_key_pairs(pairs, tmpdir, cert, message):
    for name, text in (('text', u'hello'), ('encrypted', ENCRYPTED), (
            'broken', u'-----BEGIN CERTIFICATE-----\nAAAA\n'
            u'-----END CERTIFICATE-----\n')):
        tmpdir.join(name).write_text(text, 'ascii')
    tmpdir.join('binary').write_binary(b'\x30\x82\xff\xfe')
    names = dict({name: str(tmpdir.join(name)) for name in (
        'text', 'encrypted', 'broken', 'binary')}, dir=str(tmpdir),
        crt=pairs['own'][0], key=pairs['own'][1], other=pairs['other'][1])
    cert = (cert.format(**names) if isinstance(cert, str)
            else tuple(each.format(**names) for each in cert))
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')  # keys that others can read
        with pytest.raises(exceptions.InvalidCertificate) as caught:
            Transport('https://h', cert=cert)
    assert message in str(caught.value)


@pytest.mark.parametrize('cert', [
    7, ('a',), ('a', 'b', 'c'), object(), (None, None), ('a', None)])
def test_key_pairs_of_wrong_types(cert):
    with pytest.raises((TypeError, exceptions.InvalidCertificate)):
        Transport('https://h', cert=cert)


@pytest.mark.parametrize('verify', [
    '/none', '{text}', '{key}', '{broken}', None, 0, 1, 7, object(), ''])
def test_unusable_authorities(pairs, tmpdir, verify):
    tmpdir.join('text').write_text(u'hello', 'ascii')
    tmpdir.join('broken').write_text(
        u'-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
        'ascii')
    if isinstance(verify, str):
        verify = verify.format(text=tmpdir.join('text'), key=pairs['own'][1],
                               broken=tmpdir.join('broken'))
    with pytest.raises((TypeError, exceptions.InvalidCertificate)):
        Transport('https://h', verify=verify)


def sha256(path):
    """Return the fingerprint of the certificate in a file."""
    with open(path) as pem:
        return hashlib.sha256(
            ssl.PEM_cert_to_DER_cert(pem.read())).hexdigest()


def test_another_certificate_than_the_pinned_one(pairs):
    with Server(lambda _: http(), context=tls_context(pairs['own'])) as server:
        for raised in connect_both_ways(server, verify=pairs['other'][0]):
            for words in ('differs from the pinned one', pairs['other'][0],
                          sha256(pairs['own'][0]), sha256(pairs['other'][0])):
                assert words in str(raised)
            assert 'pass' not in str(raised)
        assert not server.requests


def test_another_certificate_than_those_of_a_bundle(pairs, tmpdir):
    names = 'other', 'ca', 'signed', 'elsewhere'
    bundle = tmpdir.join('bundle')
    bundle.write(''.join(open(pairs[name][0]).read() for name in names))
    with Server(lambda _: http(), context=tls_context(pairs['own'])) as server:
        for raised in connect_both_ways(server, verify=str(bundle)):
            assert 'none of them has signed it' in str(raised)
            assert 'and 1 more' in str(raised)
            for name in ('own',) + names[:3]:
                assert sha256(pairs[name][0]) in str(raised)


def test_a_server_that_is_gone_before_it_shows_its_certificate(
        pairs, monkeypatch):
    def create_connection(*args):
        connection = connect(*args)
        monkeypatch.setattr(socket, 'create_connection', refuse)
        return connection

    def refuse(*_):
        raise socket.error(errno.ECONNREFUSED, 'Connection refused')

    connect = socket.create_connection
    monkeypatch.setattr(socket, 'create_connection', create_connection)
    with Server(lambda _: http(), context=tls_context(pairs['own'])) as server:
        raised = next(connect_both_ways(server, verify=pairs['other'][0]))
    assert 'CERTIFICATE_VERIFY' in str(raised).upper()


def test_a_certificate_for_another_host_says_what_to_do(pairs):
    with Server(lambda _: http(), context=tls_context(
            pairs['signed-elsewhere'])) as server:
        for raised in connect_both_ways(server, verify=pairs['ca'][0]):
            assert 'connect to a host that the certificate names' in str(
                raised)


@pytest.mark.parametrize('encoding', ['latin-1', 'cp1252', 'utf-8'])
def test_comments_in_pem_files(pairs, tmpdir, encoding):
    def copy(path, name):
        with open(path, 'rb') as pem:
            tmpdir.join(name).write_binary(
                u'# von M\xfcller \u20ac\n'.encode(encoding, 'ignore')
                + b'\n' + pem.read())
        tmpdir.join(name).chmod(0o600)
        return str(tmpdir.join(name))

    certificate = copy(pairs['own'][0], 'own.crt')
    pair = certificate, copy(pairs['own'][1], 'own.key')
    with Server(lambda _: http(), context=tls_context(pairs['own'])) as server:
        assert list(connect_both_ways(
            server, verify=certificate, cert=pair)) == [None, None]


class Paths(object):
    """The paths that OpenSSL has for the system's authorities."""

    openssl_cafile = openssl_capath = '/none'


def test_the_authorities_of_the_system(pairs, tmpdir, monkeypatch):
    monkeypatch.setattr(ssl, 'get_default_verify_paths', Paths)
    monkeypatch.setattr(requests.utils, 'DEFAULT_CA_BUNDLE_PATH',
                        pairs['other'][0])
    with Server(
            lambda _: http(), context=tls_context(pairs['signed'])) as server:
        # requests' list, if the system has none
        assert None not in connect_both_ways(server)
        monkeypatch.setattr(Paths, 'openssl_cafile', pairs['ca'][0])
        assert list(connect_both_ways(server)) == [None, None]
        monkeypatch.setattr(Paths, 'openssl_cafile', '/none')
        monkeypatch.setattr(Paths, 'openssl_capath', str(tmpdir))
        assert None not in connect_both_ways(server)


def test_no_authorities(tmpdir, monkeypatch):
    monkeypatch.setattr(ssl, 'get_default_verify_paths', Paths)
    for content in None, 'text':
        bundle = tmpdir.join('bundle')
        if content:
            bundle.write(content)
        monkeypatch.setattr(
            requests.utils, 'DEFAULT_CA_BUNDLE_PATH', str(bundle))
        with pytest.raises(exceptions.InvalidCertificate) as caught:
            Transport('https://h')
        assert str(bundle) in str(caught.value)


def test_an_adapter_that_ignores_the_names_of_hosts(pairs):
    """The adapter of earlier releases, for a program's own session."""
    session = requests.Session()
    session.trust_env = False
    session.verify = pairs['elsewhere'][0]
    with Server(lambda _: http(), context=tls_context(
            pairs['elsewhere'])) as server:
        with pytest.raises(requests.exceptions.SSLError):
            session.get(server.endpoint)
        session.mount(server.endpoint, LXDSSLAdapter())
        assert session.get(server.endpoint).ok
        session.close()  # old requests keep connections that had other rules
        session.verify = pairs['other'][0]
        with pytest.raises(requests.exceptions.SSLError):
            session.get(server.endpoint)
