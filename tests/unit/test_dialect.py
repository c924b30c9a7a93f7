# -*- coding: utf-8 -*-
import base64
import json
import os

import pytest
import requests

from pylxd import exceptions
from pylxd.transport import dialect, rest
from wire import ROOT


class Root(object):
    """The node of ``GET /1.0``; it gives these one by one."""

    def __init__(self, *documents):
        self.documents = list(documents)

    def get(self):
        response = requests.Response()
        response.status_code = 200
        response._content = json.dumps(
            {'type': 'sync', 'metadata': self.documents.pop(0)}).encode()
        return response


def told(**document):
    return dialect.Dialect(Root(dict({'api_version': '1.0'}, **document)))


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
def test_what_the_environment_names(environ, path):
    assert dialect.default_socket(environ) == path


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
def test_the_usual_places(present, path, monkeypatch):
    monkeypatch.setattr(os.path, 'exists', lambda path: path in present)
    assert dialect.default_socket({}) == path


@pytest.mark.parametrize('name, prefix', [
    ('lxd', 'X-LXD-'), ('incus', 'X-Incus-'), ('other', 'X-LXD-'),
    (None, 'X-LXD-'), (['x'], 'X-LXD-')])
def test_prefix(name, prefix):
    made = told(environment={'server': name})
    assert made.header('type') == prefix + 'type'
    answer = requests.Response()
    answer.headers[prefix.lower() + 'TYPE'] = 'file'
    assert made.header_of(answer, 'type') == 'file'
    assert made.header_of(answer, 'mode') is None


def test_each_kind_has_its_name():
    for kind in dialect.KINDS:
        made = told(environment={'server': kind.name})
        assert made.kind is kind
        assert made.protocol == kind.name


@pytest.mark.parametrize('name, extensions, type_, place', [
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
def test_where_instances_are(name, extensions, type_, place):
    assert told(api_extensions=extensions, environment={
        'server': name}).instances(type_) == place


def test_extensions():
    made = told(api_extensions=['a'])
    assert made.has('a') and not made.has('b')
    made.need('a')
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
        made.need('b')
    assert caught.value.name == 'b'
    assert isinstance(caught.value, NotImplementedError)


@pytest.mark.trap('stranger-sees-nothing')
def test_a_stranger():
    """Incus 7 hides what it can do, and what it is."""
    made = told(api_extensions=None, auth='untrusted', environment=None)
    assert not made.trusted and not made.has('a')
    assert (made.environment, made.addresses) == ({}, [])
    assert (made.certificate, made.identity) == ('', '')


def test_all_is_asked_anew():
    root = Root(dict(ROOT, auth='untrusted', api_extensions=None,
                     environment=None),
                dict(ROOT, environment={'server': 'incus'}))
    made = dialect.Dialect(root)
    assert (made.trusted, made.kind.name) == (False, 'lxd')
    made.refresh()
    assert (made.trusted, made.kind.name) == (True, 'incus')
    assert made.has('instances')


@pytest.mark.parametrize('document', [
    {}, [], None, 'x', {'environment': {}}])
def test_no_server(document):
    with pytest.raises(exceptions.InvalidResponse):
        dialect.Dialect(Root(document))


@pytest.mark.parametrize('secret, request_', [
    ('pass', {'password': 'pass'}),
    # No stranger can know which of them the server reads
    (TOKEN, {'trust_token': TOKEN, 'password': TOKEN}),
])
def test_trust(secret, request_):
    assert told(api_extensions=None).trust_request(secret) == request_


@pytest.mark.parametrize('secret, is_token', [
    (TOKEN, True), ('', False), ('pass', False), ('cGFzcw==', False),
    ('e30=', False), ('W10=', False), (u'\xe4', False), ('////', False),
    ('NQ==', False), ('a', False)])
def test_is_token(secret, is_token):
    assert dialect.is_token(secret) is is_token


@pytest.mark.parametrize('said, busy', [
    ('Instance is busy running a "update" operation', True),
    ('Failed to create instance update operation: Instance is busy', True),
    ('Instance not found', False), ('', False)])
def test_is_busy(said, busy):
    response = requests.Response()
    response.status_code = 400
    response._content = json.dumps({'error': said}).encode()
    assert dialect.is_busy(exceptions.LXDAPIException(response)) is busy


def test_a_node_is_what_it_asks():
    class Transport(object):
        def request(self, method, path, **_):
            assert (method, path) == ('GET', '/1.0')
            return Root(ROOT).get()

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
    # LXD 6.7 has both, and later ones the second alone
    ({'resources': {'instances': [INSTANCE]},
      'metadata': {'entity_url': '/1.0/instances/other'}}, {INSTANCE}),
    ({'resources': {}, 'metadata': {'entity_url': INSTANCE + '?project=p'}},
     {INSTANCE}),
    ({'metadata': {'entity_url': ''}}, set()),
    ({'metadata': ['x'], 'resources': {'instances': [None, 7]}}, set()),
    ({'metadata': {'entity_url': 7}}, set()),
])
def test_the_objects_of_an_operation(operation, urls):
    assert told().affected_urls(operation) == urls
