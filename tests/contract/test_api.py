# -*- coding: utf-8 -*-
import json
import threading

import pytest
import six

from pylxd import exceptions
from wire import Proxy

from .support import unique


@pytest.fixture
def counted(lxd):
    """A client whose connections and bytes are counted."""
    with Proxy(lxd.socket, True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            client.proxy = proxy
            yield client


def sent(client):
    return b''.join(bytes(each) for each in client.proxy.sent)


@pytest.mark.documents('Client.api', 'example:api')
def test_traversal(each_client, container):
    api = each_client.api
    info = api.get().json()
    assert info['type'] == 'sync'
    assert info['metadata'] == each_client.host_info
    deep = api.instances[container.name].state.get().json()['metadata']
    assert deep['status'] == 'Stopped'
    assert api['instances'][container.name]['state'].get().json()[
        'metadata'] == deep
    names = api.instances.get().json()['metadata']
    assert '/1.0/instances/' + container.name in names
    assert 'default' in [
        pool['name'] for pool in
        api.storage_pools.get(params={'recursion': 1}).json()['metadata']]


@pytest.mark.documents('Client.api')
def test_verbs(lxd_client, name):
    profiles = lxd_client.api.profiles
    made = profiles.post(json={'name': name, 'description': 'one'})
    assert made.status_code in (200, 201)
    profile = profiles[name]
    first = profile.get()
    assert first.json()['metadata']['description'] == 'one'
    put = profile.put(
        json={'description': 'two', 'config': {'user.a': '1'}},
        headers={'If-Match': first.headers['ETag']})
    assert put.status_code == 200
    profile.patch(json={'config': {'user.b': u'\xe4'}})
    now = profile.get().json()['metadata']
    assert now['config'] == {'user.a': '1', 'user.b': u'\xe4'}
    with pytest.raises(exceptions.Conflict) as info:
        profile.put(json={'description': 'three'},
                    headers={'If-Match': first.headers['ETag']})
    assert info.value.response.status_code == 412
    assert 'ETag' in str(info.value)
    assert profile.delete().status_code == 200
    with pytest.raises(exceptions.NotFound):
        profile.get()


@pytest.mark.documents('Client.api')
def test_raw_bodies(lxd_client, name):
    data = json.dumps({'name': name, 'description': u'\xe4'},
                      ensure_ascii=False).encode('utf-8')
    lxd_client.api.profiles.post(data=data)
    assert lxd_client.profiles.get(name).description == u'\xe4'
    profile = lxd_client.api.profiles[name]
    profile.put(json.dumps({'description': 'by position'}))
    assert lxd_client.profiles.get(name).description == 'by position'
    profile.patch(iter([b'{"description": ', b'"in pieces"}']))
    assert lxd_client.profiles.get(name).description == 'in pieces'


def test_params(lxd_client, container):
    instances = lxd_client.api.instances
    for params in ({'recursion': 1}, {'recursion': '1'}, [('recursion', 1)]):
        found = [each for each in instances.get(
            params=params).json()['metadata']
            if each['name'] == container.name]
        assert found[0]['status'] == 'Stopped'
    assert instances.get({'recursion': 1}).json() == instances.get(
        params={'recursion': 1}).json()


def test_raw_answers(lxd_client, running):
    """A file comes as it is, also where it looks like an answer."""
    files = lxd_client.api.instances[running.name].files
    content = b'{"type": "error", "error": "not really"}'
    files.post(params={'path': u'/\xe4 & b'}, data=content)
    answer = files.get(params={'path': u'/\xe4 & b'})
    assert answer.content == content
    streamed = files.get(params={'path': u'/\xe4 & b'}, stream=True)
    assert streamed.raw.read() == content
    streamed.close()
    files.delete(params={'path': u'/\xe4 & b'})


# -- errors

@pytest.mark.documents('Client.api')
def test_not_found(each_client):
    missing = unique()
    for node in (each_client.api.instances[missing],
                 each_client.api.none_such, each_client.api.a.b.c.d.e):
        with pytest.raises(exceptions.NotFound) as info:
            node.get()
        answer = info.value.response
        assert answer.status_code == 404
        assert str(info.value) == '{} (GET {})'.format(
            answer.json()['error'], node.path)


@pytest.mark.parametrize('call, said', [
    (lambda api: api.profiles.post(data=b'{'), ''),
    (lambda api: api.profiles.post(json=['a']), ''),
    (lambda api: api.profiles.default.delete(), 'default'),
    (lambda api: api.instances.post(json={
        'name': 'a_b', 'source': {'type': 'none'}}), ''),
])
def test_refusals(lxd_client, call, said):
    with pytest.raises(exceptions.LXDAPIException) as info:
        call(lxd_client.api)
    error = info.value.response.json()['error']
    assert error and said in error
    assert str(info.value).startswith(error)
    assert not isinstance(info.value, exceptions.NotFound)


# -- names

@pytest.fixture
def victim(lxd_client, name):
    """A profile that nothing may reach but by its own name."""
    profile = lxd_client.profiles.create(name, {'user.a': '1'})
    yield profile
    assert lxd_client.profiles.get(name).config == {'user.a': '1'}


@pytest.mark.parametrize('form', [
    '{}?x', '{}#x', '{}/', '{}/../{}', './{}', '../profiles/{}', '/{}',
    '{}%00', '{}%3Fx', u'{}\xe4', '{};x', '{}&x', '{}\\', ' {}', '{}+',
    '%2e%2e/profiles/{}', '{}/x', 'x?y=/../{}'])
@pytest.mark.parametrize('verb', ['get', 'put', 'patch', 'delete'])
def test_names_that_mean_nobody_else(lxd_client, victim, form, verb):
    kwargs = {} if verb in ('get', 'delete') else {
        'json': {'config': {'user.a': 'broken'}}}
    with pytest.raises(exceptions.LXDAPIException) as info:
        getattr(lxd_client.api.profiles[form.format(
            victim.name, victim.name)], verb)(**kwargs)
    assert info.value.response.status_code in (400, 404, 412)


def test_escapes_are_not_undone(lxd_client, victim):
    """``vic%74im`` is not ``victim``, though a server may undo it twice."""
    escaped = '%{:02x}'.format(ord(victim.name[0])) + victim.name[1:]
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.api.profiles[escaped].get()
    assert not lxd_client.profiles.exists(escaped)


@pytest.mark.parametrize('odd', [
    '', '.', '..', 'a\n', 'a\0', '\x1b[2J', 'a\r\nX-Evil: 1', '\x7f', u'\x00'])
def test_names_that_are_not_sent(counted, odd):
    before = sent(counted)
    for call in (lambda: counted.api[odd], lambda: counted.api.profiles[odd],
                 lambda: counted.api.profiles[odd].delete(),
                 lambda: counted.api.instances.c1.snapshots[odd]):
        with pytest.raises(exceptions.InvalidName):
            call()
    assert sent(counted) == before


@pytest.mark.parametrize('odd', [
    u'\xe4 b', 'a/../b', 'a?b', 'a#b', 'a%20b', 'http://h/x', 'a b'])
def test_what_is_sent_of_odd_names(counted, odd):
    with pytest.raises(exceptions.LXDAPIException):
        counted.api.images.aliases[odd].get()
    line = [line for line in sent(counted).split(b'\r\n')
            if b'aliases' in line][0]
    method, target, _ = line.split(b' ')
    path = six.ensure_str(target)
    assert path.count('/') == 4 and '?' not in path and '#' not in path
    assert six.ensure_text(six.moves.urllib.parse.unquote(
        path.rpartition('/')[2])) == odd


def test_odd_names_that_are_allowed(lxd_client):
    """An alias may be almost anything, and is found as it was made."""
    image = lxd_client.images.get_by_alias('busybox')
    for odd in ('a.b', u'\xe4', u'\xe4 b', 'a/b', 'a?b', 'a#b', 'a+b'):
        alias = unique() + odd
        try:
            image.add_alias(alias, '')
        except exceptions.LXDAPIException as error:  # Incus 7 is stricter
            assert error.response.status_code == 400 and odd != 'a.b'
            continue
        try:
            found = lxd_client.api.images.aliases[alias].get()
            assert found.json()['metadata']['name'] == alias
        finally:
            lxd_client.api.images.aliases[alias].delete()


def test_params_are_quoted(counted):
    with pytest.raises(exceptions.LXDAPIException):
        counted.api.instances.none.files.get(
            params={'path': '/a&project=x#y?z \r\nX-Evil: 1'})
    head = sent(counted).rpartition(b'GET ')[2].partition(b'\r\n\r\n')[0]
    assert b'\r\nX-Evil' not in head and b'&' not in head.split(b'\r\n')[0]


def test_headers_are_not_smuggled(counted):
    before = sent(counted)
    with pytest.raises((ValueError, exceptions.LXDException)):
        counted.api.get(headers={'X-A': 'b\r\nX-Evil: 1'})
    assert b'X-Evil' not in sent(counted)[len(before):]


# -- connections

@pytest.mark.trap('one-pool')
def test_one_connection_however_deep(counted, container):
    api = counted.api
    for _ in range(3):
        api.get()
        api.instances.get()
        api.instances[container.name].get()
        api.instances[container.name].state.get()
        counted.containers.get(container.name).state()
        counted.profiles.get('default').sync()
        counted.images.get_by_alias('busybox')
        counted.operations.all()
        for node in (api.none, api.a.b.c.d.e.f):
            with pytest.raises(exceptions.NotFound):
                node.get()
        counted.profiles.create(unique()).delete()
    assert counted.proxy.connections == 1
    assert api.session is api.a.b.c.session


def test_each_thread_has_one(counted):
    errors = []

    def ask(barrier):
        barrier.wait()
        for _ in range(10):
            try:
                assert counted.api.get().json()['type'] == 'sync'
            except Exception as error:
                errors.append(error)

    barrier = Barrier(8)
    threads = [threading.Thread(target=ask, args=(barrier,))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert counted.proxy.connections <= 1 + 8
    before = counted.proxy.connections
    counted.api.get()
    assert counted.proxy.connections == before  # they are kept


class Barrier(object):
    """Python 2 has none."""

    def __init__(self, parties):
        self._missing, self._all = parties, threading.Condition()

    def wait(self):
        with self._all:
            self._missing -= 1
            self._all.notify_all()
            while self._missing > 0:
                self._all.wait(20)
