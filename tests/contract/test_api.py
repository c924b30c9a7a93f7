# -*- coding: utf-8 -*-
"""`Client.api`: paths, verbs, errors, names and connections."""
import json

import pytest
import six

from pylxd import exceptions
from wire import Proxy
from helpers import run_in_threads, unique_name


@pytest.fixture
def proxied_client(lxd):
    """A client behind a proxy, which counts connections and keeps bytes."""
    with Proxy(lxd.socket, True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            client.proxy = proxy
            yield client


def join_sent(client):
    """Return all bytes that the client has sent."""
    return b''.join(bytes(each) for each in client.proxy.sent)


@pytest.mark.documents('Client.api', 'example:api')
def test_attributes_and_items_are_path_segments(each_client, container):
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
def test_each_verb_and_the_etag(lxd_client, name):
    profiles = lxd_client.api.profiles
    response = profiles.post(json={'name': name, 'description': 'one'})
    assert response.status_code in (200, 201, 202)
    profile = profiles[name]
    first = profile.get()
    assert first.json()['metadata']['description'] == 'one'
    put = profile.put(
        json={'description': 'two', 'config': {'user.a': '1'}},
        headers={'If-Match': first.headers['ETag']})
    assert put.status_code in (200, 202)
    profile.patch(json={'config': {'user.b': u'\xe4'}})
    metadata = profile.get().json()['metadata']
    assert metadata['config'] == {'user.a': '1', 'user.b': u'\xe4'}
    with pytest.raises(exceptions.Conflict) as caught:
        profile.put(json={'description': 'three'},
                    headers={'If-Match': first.headers['ETag']})
    assert caught.value.response.status_code == 412
    assert 'ETag' in str(caught.value)
    assert profile.delete().status_code in (200, 202)
    with pytest.raises(exceptions.NotFound):
        profile.get()


@pytest.mark.documents('Client.api')
def test_bodies_are_sent_as_they_are(lxd_client, name):
    data = json.dumps({'name': name, 'description': u'\xe4'},
                      ensure_ascii=False).encode('utf-8')
    lxd_client.api.profiles.post(data=data)
    assert lxd_client.profiles.get(name).description == u'\xe4'
    profile = lxd_client.api.profiles[name]
    profile.put(json.dumps({'description': 'by position'}))
    assert lxd_client.profiles.get(name).description == 'by position'
    profile.patch(iter([b'{"description": ', b'"in pieces"}']))
    assert lxd_client.profiles.get(name).description == 'in pieces'


def test_params_as_dict_pairs_or_position(lxd_client, container):
    instances = lxd_client.api.instances
    for params in ({'recursion': 1}, {'recursion': '1'}, [('recursion', 1)]):
        found = [each for each in instances.get(
            params=params).json()['metadata']
            if each['name'] == container.name]
        assert found[0]['status'] == 'Stopped'
    assert instances.get({'recursion': 1}).json() == instances.get(
        params={'recursion': 1}).json()


def test_a_file_is_returned_as_it_is(lxd_client, running):
    """The content of a file may look like a response of the API."""
    files = lxd_client.api.instances[running.name].files
    content = b'{"type": "error", "error": "not really"}'
    files.post(params={'path': u'/\xe4 & b'}, data=content)
    response = files.get(params={'path': u'/\xe4 & b'})
    assert response.content == content
    streamed = files.get(params={'path': u'/\xe4 & b'}, stream=True)
    assert streamed.raw.read() == content
    streamed.close()
    files.delete(params={'path': u'/\xe4 & b'})


# -- errors

@pytest.mark.documents('Client.api')
def test_an_unknown_path_raises_not_found(each_client):
    missing = unique_name()
    for node in (each_client.api.instances[missing],
                 each_client.api.none_such, each_client.api.a.b.c.d.e):
        with pytest.raises(exceptions.NotFound) as caught:
            node.get()
        response = caught.value.response
        assert response.status_code == 404
        assert str(caught.value) == '{} (GET {})'.format(
            response.json()['error'], node.path)


@pytest.mark.parametrize('call, message', [
    (lambda api: api.profiles.post(data=b'{'), ''),
    (lambda api: api.profiles.post(json=['a']), ''),
    (lambda api: api.profiles.default.delete(), 'default'),
    (lambda api: api.instances.post(json={
        'name': 'a_b', 'source': {'type': 'none'}}), ''),
])
def test_a_refusal_raises_the_error_of_the_server(lxd_client, call, message):
    with pytest.raises(exceptions.LXDAPIException) as caught:
        call(lxd_client.api)
    error = caught.value.response.json()['error']
    assert error and message in error
    assert str(caught.value).startswith(error)
    assert not isinstance(caught.value, exceptions.NotFound)


# -- names

@pytest.fixture
def victim(lxd_client, name):
    """A profile that no other name may reach or change."""
    profile = lxd_client.profiles.create(name, {'user.a': '1'})
    yield profile
    assert lxd_client.profiles.get(name).config == {'user.a': '1'}


@pytest.mark.parametrize('form', [
    '{}?x', '{}#x', '{}/', '{}/../{}', './{}', '../profiles/{}', '/{}',
    '{}%00', '{}%3Fx', u'{}\xe4', '{};x', '{}&x', '{}\\', ' {}', '{}+',
    '%2e%2e/profiles/{}', '{}/x', 'x?y=/../{}'])
@pytest.mark.parametrize('verb', ['get', 'put', 'patch', 'delete'])
def test_a_quoted_name_reaches_no_other_object(lxd_client, victim, form, verb):
    kwargs = {} if verb in ('get', 'delete') else {
        'json': {'config': {'user.a': 'broken'}}}
    with pytest.raises(exceptions.LXDAPIException) as caught:
        getattr(lxd_client.api.profiles[form.format(
            victim.name, victim.name)], verb)(**kwargs)
    assert caught.value.response.status_code in (400, 404, 412)


def test_escapes_are_not_undone(lxd_client, victim):
    """``vic%74im`` is not ``victim``, even if a server unquotes twice."""
    escaped = '%{:02x}'.format(ord(victim.name[0])) + victim.name[1:]
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.api.profiles[escaped].get()
    assert not lxd_client.profiles.exists(escaped)


@pytest.mark.parametrize('odd_name', [
    '', '.', '..', 'a\n', 'a\0', '\x1b[2J', 'a\r\nX-Evil: 1', '\x7f', u'\x00'])
def test_invalid_names_are_not_sent(proxied_client, odd_name):
    before = join_sent(proxied_client)
    for call in (lambda: proxied_client.api[odd_name],
                 lambda: proxied_client.api.profiles[odd_name],
                 lambda: proxied_client.api.profiles[odd_name].delete(),
                 lambda: proxied_client.api.instances.c1.snapshots[odd_name]):
        with pytest.raises(exceptions.InvalidName):
            call()
    assert join_sent(proxied_client) == before


@pytest.mark.parametrize('odd_name', [
    u'\xe4 b', 'a/../b', 'a?b', 'a#b', 'a%20b', 'http://h/x', 'a b'])
def test_odd_names_are_sent_as_one_segment(proxied_client, odd_name):
    with pytest.raises(exceptions.LXDAPIException):
        proxied_client.api.images.aliases[odd_name].get()
    line = [line for line in join_sent(proxied_client).split(b'\r\n')
            if b'aliases' in line][0]
    method, target, _ = line.split(b' ')
    path = six.ensure_str(target)
    assert path.count('/') == 4 and '?' not in path and '#' not in path
    assert six.ensure_text(six.moves.urllib.parse.unquote(
        path.rpartition('/')[2])) == odd_name


def test_aliases_with_odd_characters(lxd_client):
    """An alias may hold almost any character."""
    image = lxd_client.images.get_by_alias('busybox')
    for suffix in ('a.b', u'\xe4', u'\xe4 b', 'a/b', 'a?b', 'a#b', 'a+b'):
        alias = unique_name() + suffix
        try:
            image.add_alias(alias, '')
        except exceptions.LXDAPIException as error:  # Incus 7 is stricter
            assert error.response.status_code == 400 and suffix != 'a.b'
            continue
        try:
            found = lxd_client.api.images.aliases[alias].get()
            assert found.json()['metadata']['name'] == alias
        finally:
            lxd_client.api.images.aliases[alias].delete()


def test_params_are_quoted(proxied_client):
    with pytest.raises(exceptions.LXDAPIException):
        proxied_client.api.instances.none.files.get(
            params={'path': '/a&project=x#y?z \r\nX-Evil: 1'})
    head = join_sent(proxied_client).rpartition(b'GET ')[2].partition(
        b'\r\n\r\n')[0]
    assert b'\r\nX-Evil' not in head and b'&' not in head.split(b'\r\n')[0]


def test_a_header_cannot_smuggle_another(proxied_client):
    before = join_sent(proxied_client)
    with pytest.raises((ValueError, exceptions.LXDException)):
        proxied_client.api.get(headers={'X-A': 'b\r\nX-Evil: 1'})
    assert b'X-Evil' not in join_sent(proxied_client)[len(before):]


# -- connections

@pytest.mark.trap('one-pool')
def test_one_connection_for_all_paths(proxied_client, container):
    api = proxied_client.api
    for _ in range(3):
        api.get()
        api.instances.get()
        api.instances[container.name].get()
        api.instances[container.name].state.get()
        proxied_client.containers.get(container.name).state()
        proxied_client.profiles.get('default').sync()
        proxied_client.images.get_by_alias('busybox')
        proxied_client.operations.all()
        for node in (api.none, api.a.b.c.d.e.f):
            with pytest.raises(exceptions.NotFound):
                node.get()
        proxied_client.profiles.create(unique_name()).delete()
    assert proxied_client.proxy.connections == 1
    assert api.session is api.a.b.c.session


def test_each_thread_has_at_most_one_connection(proxied_client):
    def send_requests(_):
        for _ in range(10):
            assert proxied_client.api.get().json()['type'] == 'sync'

    run_in_threads(send_requests, range(8))
    assert proxied_client.proxy.connections <= 1 + 8
    before = proxied_client.proxy.connections
    proxied_client.api.get()
    assert proxied_client.proxy.connections == before  # a kept connection
