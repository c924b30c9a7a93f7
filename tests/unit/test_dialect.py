# -*- coding: utf-8 -*-
"""The dialect of a server: default sockets, headers, paths, extensions."""
import base64
import errno
import json
import os

import pytest
import requests

from pylxd import exceptions
from pylxd.transport import dialect, kinds, rest
from wire import ROOT

from .store import RootNode, response


def make_dialect(**document):
    """Return the dialect of a server with this metadata of ``GET /1.0``."""
    return dialect.Dialect(RootNode(dict({'api_version': '1.0'}, **document)))


TOKEN = base64.b64encode(json.dumps(
    {'client_name': 'c', 'secret': 's3cr3t'}).encode()).decode()


@pytest.mark.parametrize('environ, path', [
    ({'LXD_SOCKET': '/a', 'LXD_DIR': '/b', 'INCUS_DIR': '/c'}, '/a'),
    ({'LXD_SOCKET': 'unix:///a'}, '/a'),
    ({'LXD_DIR': '/b', 'INCUS_SOCKET': '/c'}, '/b/unix.socket'),
    ({'LXD_DIR': '/b/'}, '/b/unix.socket'),
    ({'LXD_SOCKET': '', 'LXD_DIR': '', 'INCUS_SOCKET': '/c'}, '/c'),
    ({'INCUS_DIR': '/d'}, '/d/unix.socket'),
    ({'LXD_SOCKET': 'a'}, os.path.abspath('a')),
    ({'LXD_DIR': 'b'}, os.path.abspath('b/unix.socket')),
])
def test_sockets_that_the_environment_names(environ, path):
    assert kinds.default_socket(environ) == path


@pytest.mark.parametrize('present, path', [
    ([], '/var/lib/lxd/unix.socket'),
    (['/var/lib/incus/unix.socket'], '/var/lib/incus/unix.socket'),
    (['/run/incus/unix.socket', '/var/lib/incus/unix.socket'],
     '/run/incus/unix.socket'),
    (['/run/incus/unix.socket', '/var/lib/lxd/unix.socket'],
     '/var/lib/lxd/unix.socket'),
    (['/var/lib/lxd/unix.socket', '/var/snap/lxd/common/lxd/unix.socket'],
     '/var/snap/lxd/common/lxd/unix.socket'),
])
def test_default_sockets(present, path, monkeypatch):
    monkeypatch.setattr(os.path, 'exists', lambda path: path in present)
    for is_allowed in True, False:
        monkeypatch.setattr(os, 'access', lambda *_: is_allowed)
        assert kinds.default_socket({}) == path


@pytest.mark.parametrize('allowed, path', [
    (['/run/incus/unix.socket.user'], '/run/incus/unix.socket.user'),
    (['/run/incus/unix.socket', '/run/incus/unix.socket.user'],
     '/run/incus/unix.socket'),
    ([], '/var/lib/lxd/unix.socket')])
def test_the_default_socket_is_one_that_this_user_may_open(
        allowed, path, monkeypatch):
    present = ['/var/lib/lxd/unix.socket', '/run/incus/unix.socket',
               '/run/incus/unix.socket.user']
    monkeypatch.setattr(os.path, 'exists', lambda path: path in present)
    monkeypatch.setattr(os, 'access', lambda path, _: path in allowed)
    assert kinds.default_socket({}) == path


def explain(code, path='/s', present=(), environ=None):
    """Return the explanation of an error, with these sockets present."""
    exists, os.path.exists = os.path.exists, lambda path: path in present
    try:
        return kinds.explain_socket_error(
            path, OSError(code, 'x'), environ or {})
    finally:
        os.path.exists = exists


def test_a_missing_socket_is_explained():
    missing = explain(errno.ENOENT)
    for directory in ('/var/snap/lxd/common/lxd', '/var/lib/lxd',
                      '/run/incus', '/var/lib/incus'):
        assert directory in missing
    for words in ('nor is there', 'is LXD or Incus installed',
                  'are you root or in the group lxd / incus-admin / incus'):
        assert words in missing
    other = explain(errno.ENOENT, present=['/var/lib/incus/unix.socket'])
    assert other == 'there is a socket at /var/lib/incus/unix.socket'


@pytest.mark.parametrize('environ, path', [
    ({'LXD_SOCKET': '/s'}, '/s'), ({'INCUS_SOCKET': 'unix:///s'}, '/s'),
    ({'LXD_DIR': '/d'}, '/d/unix.socket'),
    ({'INCUS_DIR': '/d/'}, '/d/unix.socket')])
def test_the_variable_that_names_a_missing_socket_is_told(environ, path):
    assert explain(errno.ENOENT, path, environ=environ).startswith(
        list(environ)[0] + ' names this socket; ')
    assert 'names' not in explain(errno.ENOENT, '/other', environ=environ)


def test_other_errors_of_a_socket_are_explained():
    denied = explain(errno.EACCES)
    assert 'are you root or in the group lxd / incus-admin / incus' in denied
    assert 'installed' not in denied
    assert 'is LXD or Incus running' in explain(errno.ECONNREFUSED)
    assert explain(errno.EPIPE) == ''


@pytest.mark.parametrize('extensions, is_hidden', [
    (None, True), ([], False), (['other'], False)])
def test_a_missing_extension(extensions, is_hidden):
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
        make_dialect(api_extensions=extensions, auth='untrusted').need('x')
    assert ('authenticate()' in str(caught.value)) is is_hidden
    assert ('does not have' in str(caught.value)) is not is_hidden


@pytest.mark.parametrize('server, prefix', [
    ('lxd', 'X-LXD-'), ('incus', 'X-Incus-'), ('other', 'X-LXD-'),
    (None, 'X-LXD-'), (['x'], 'X-LXD-')])
def test_header_prefix(server, prefix):
    lxd_dialect = make_dialect(environment={'server': server})
    assert lxd_dialect.header('type') == prefix + 'type'
    file_response = requests.Response()
    file_response.headers[prefix.lower() + 'TYPE'] = 'file'
    assert lxd_dialect.header_of(file_response, 'type') == 'file'
    assert lxd_dialect.header_of(file_response, 'mode') is None


def test_each_kind_has_its_name():
    for kind in kinds.KINDS:
        lxd_dialect = make_dialect(environment={'server': kind.name})
        assert lxd_dialect.kind is kind
        assert lxd_dialect.protocol == kind.name


@pytest.mark.parametrize('server, extensions, type_, path_and_query', [
    ('lxd', ['instances'], 'container',
     ('instances', {'instance-type': 'container'})),
    ('incus', ['instances'], 'container',
     ('instances', {'instance-type': 'container',
                    'filter': 'type eq container'})),
    ('lxd', ['instances'], '', ('instances', {})),
    ('incus', ['instances'], '', ('instances', {})),
    ('lxd', [], 'container', ('containers', {})),
    ('lxd', [], '', ('containers', {})),
    ('lxd', [], 'virtual-machine', ('virtual-machines', {})),
    (None, None, 'container',
     ('instances', {'instance-type': 'container'})),
])
def test_path_and_query_of_instances(
        server, extensions, type_, path_and_query):
    assert make_dialect(api_extensions=extensions, environment={
        'server': server}).instances(type_) == path_and_query


def test_has_and_need():
    lxd_dialect = make_dialect(api_extensions=['a'])
    assert lxd_dialect.has('a') and not lxd_dialect.has('b')
    lxd_dialect.need('a')
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
        lxd_dialect.need('b')
    assert caught.value.name == 'b'
    assert isinstance(caught.value, NotImplementedError)


@pytest.mark.trap('stranger-sees-nothing')
def test_a_stranger_is_told_nothing():
    """Incus 7 hides its extensions and environment from strangers."""
    lxd_dialect = make_dialect(
        api_extensions=None, auth='untrusted', environment=None)
    assert not lxd_dialect.trusted and not lxd_dialect.has('a')
    assert (lxd_dialect.environment, lxd_dialect.addresses) == ({}, [])
    assert (lxd_dialect.certificate, lxd_dialect.identity) == ('', '')


def test_refresh_loads_again():
    root = RootNode(dict(ROOT, auth='untrusted', api_extensions=None,
                         environment=None),
                    dict(ROOT, environment={'server': 'incus'}))
    lxd_dialect = dialect.Dialect(root)
    assert (lxd_dialect.trusted, lxd_dialect.kind.name) == (False, 'lxd')
    lxd_dialect.refresh()
    assert (lxd_dialect.trusted, lxd_dialect.kind.name) == (True, 'incus')
    assert lxd_dialect.has('instances')


@pytest.mark.parametrize('document', [
    [], None, 'x'])
def test_a_root_document_of_another_server(document):
    with pytest.raises(exceptions.InvalidResponse):
        dialect.Dialect(RootNode(document))


@pytest.mark.parametrize('secret, request_', [
    ('pass', {'password': 'pass'}),
    # A stranger does not know which of both the server reads
    (TOKEN, {'trust_token': TOKEN, 'password': TOKEN}),
])
def test_trust_request(secret, request_):
    assert make_dialect(api_extensions=None).trust_request(secret) == request_


@pytest.mark.parametrize('secret, is_token', [
    (TOKEN, True), ('', False), ('pass', False), ('cGFzcw==', False),
    ('e30=', False), ('W10=', False), (u'\xe4', False), ('////', False),
    ('NQ==', False), ('a', False)])
def test_is_token(secret, is_token):
    assert dialect.is_token(secret) is is_token


@pytest.mark.parametrize('message, busy', [
    ('Instance is busy running a "update" operation', True),
    ('Failed to create instance update operation: Instance is busy', True),
    ('Instance not found', False), ('', False)])
def test_is_busy(message, busy):
    error = exceptions.LXDAPIException(response({'error': message}, 400))
    assert dialect.is_busy(error) is busy


def test_a_dialect_of_a_rest_node():
    class Transport(object):
        def request(self, method, path, **_):
            assert (method, path) == ('GET', '/1.0')
            return RootNode(ROOT).get()

    assert dialect.Dialect(rest.Node(Transport(), '/1.0')).trusted


INSTANCE = '/1.0/instances/c1'


@pytest.mark.parametrize('operation, urls', [
    ({}, set()), ({'resources': None, 'metadata': None}, set()),
    ({'resources': {}, 'metadata': {}}, set()),
    ({'resources': {'instances': None}}, set()),
    ({'resources': {'instances': [INSTANCE]}}, {INSTANCE}),
    ({'resources': {'instances': [INSTANCE + '?project=p', INSTANCE],
                    'images': ['/1.0/images/f']}},
     {INSTANCE, '/1.0/images/f'}),
    # LXD 6.7 has both fields, and later releases the second one only
    ({'resources': {'instances': [INSTANCE]},
      'metadata': {'entity_url': '/1.0/instances/other'}}, {INSTANCE}),
    ({'resources': {}, 'metadata': {'entity_url': INSTANCE + '?project=p'}},
     {INSTANCE}),
    ({'metadata': {'entity_url': ''}}, set()),
    ({'metadata': ['x'], 'resources': {'instances': [None, 7]}}, set()),
    ({'metadata': {'entity_url': 7}}, set()),
])
def test_affected_urls(operation, urls):
    assert make_dialect().affected_urls(operation) == urls
