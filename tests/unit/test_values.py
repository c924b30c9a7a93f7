"""Python values that become text, and those that are refused."""
import json

import pytest

from pylxd import Client
from pylxd.core.values import convert
from wire import ROOT, Server, lxd_api

TEXTS = {str: str}
PROFILE = {'name': 'p', 'description': '', 'config': {'a': '1', 'odd': None},
           'devices': {'d': {'type': 'none', 'n': '1'}}, 'used_by': []}


@pytest.mark.parametrize('schema, value, converted', [
    (TEXTS, {'a': 2, 'b': True, 'c': False, 'd': 1.5, 'e': 'x', u'f': u'\xe4'},
     {'a': '2', 'b': 'true', 'c': 'false', 'd': '1.5', 'e': 'x',
      'f': u'\xe4'}),
    (TEXTS, {}, {}),
    ({str: TEXTS}, {'eth0': {'mtu': 1500}}, {'eth0': {'mtu': '1500'}}),
    ([{'port': str}], [{'port': 80, 'snat': True, 'n': 1}],
     [{'port': '80', 'snat': True, 'n': 1}]),
    ([str], ('a', 'b'), ['a', 'b']), ([str], [], [])])
def test_conversion(schema, value, converted):
    before = repr(value)
    assert convert(schema, value, 'x') == converted
    assert repr(value) == before


def test_what_is_right_is_not_copied():
    value = {'eth0': {'mtu': '1500'}}
    assert convert({str: TEXTS}, value, 'x') is value


class Named(object):
    name = 'web'

    def __repr__(self):
        return '<Named web>'


@pytest.mark.parametrize('schema, value, message', [
    (TEXTS, {'a': {}}, "config['a'] must be text, a number or a bool, not of "
     "type dict"),
    (TEXTS, {'a': None}, "config['a'] must be text, a number or a bool, not "
     "of type NoneType: delete the key to unset it"),
    (TEXTS, {1: 'a'}, 'the keys of config must be text, not 1'),
    (TEXTS, 'a', "config must be a dict, not of type str"),
    ({str: TEXTS}, {'d': 'x'}, "config['d'] must be a dict, not of type str"),
    ({str: TEXTS}, {'d': {'k': []}}, "config['d']['k'] must be text, a number "
     "or a bool, not of type list"),
    ([str], 'web', "config must be a list, not of type str"),
    ([str], {'web': 1}, "config must be a list, not of type dict"),
    ([str], [Named()], "config[0] must be text, a number or a bool, not of "
     "type Named: pass its name, 'web'")])
def test_refusal(schema, value, message):
    with pytest.raises(TypeError) as caught:
        convert(schema, value, 'config')
    assert str(caught.value) == message


@pytest.fixture
def server():
    pages = {'GET /1.0/profiles/p': PROFILE, 'PATCH /1.0/profiles/p': {},
             'POST /1.0/profiles': {}}
    with Server(lxd_api(pages, dict(
            ROOT, api_extensions=['patch', 'etag']))) as server:
        server.pages = pages
        yield server


def test_save_converts_what_was_changed_in_place(server):
    profile = Client(server.endpoint).profiles.get('p')
    mine = {'type': 'nic', 'mtu': 1500}
    profile.config['a'] = 1
    assert not profile.dirty  # the server has '1'
    profile.config['b'] = True
    profile.devices['mine'] = mine
    assert profile.dirty
    profile.save()
    sent, = [json.loads(each.body.decode()) for each in server.requests
             if each.method == 'PATCH']
    assert sent['config'] == {'b': 'true'}
    assert sent['devices'] == {'mine': {'type': 'nic', 'mtu': '1500'}}
    assert mine == {'type': 'nic', 'mtu': 1500}


def test_save_refuses_before_it_sends(server):
    profile = Client(server.endpoint).profiles.get('p')
    profile.config['b'] = {'c': 'd'}
    before = list(server.requested)
    assert profile.dirty
    with pytest.raises(TypeError, match=r"config\['b'\] must be text"):
        profile.save()
    with pytest.raises(TypeError, match="devices must be a dict|dict, not"):
        profile.devices = {'eth0': 'nic'}
    assert server.requested == before
    del profile.config['b']
    assert not profile.dirty


def test_create(server):
    client = Client(server.endpoint)
    client.profiles.create('p', config={'limits.cpu': 2})
    assert json.loads(server.requests[-1].body.decode())['config'] == {
        'limits.cpu': '2'}
    before = list(server.requested)
    profile = client.profiles.model(client, name='p')
    for body, message in (
            ({'config': {'limits.cpu': None}}, "config['limits.cpu']"),
            ({'profiles': [profile]}, "pass its name, 'p'"),
            ({'devices': []}, 'devices must be a dict')):
        with pytest.raises(TypeError) as caught:
            client.containers.create(dict(body, name='c'))
        assert message in str(caught.value)
    assert server.requested == before


@pytest.mark.parametrize('fields, message', [
    ({'description': 5}, 'description must be of type str, not 5'),
    ({'config': 'a'}, 'config must be a dict, not of type str'),
    ({'project': object}, 'project cannot be sent: ')])
def test_create_names_the_wrong_field(server, fields, message):
    client = Client(server.endpoint)
    with pytest.raises(TypeError) as caught:
        client.profiles.create(dict(fields, name='p'))
    assert str(caught.value).startswith(message)
    assert server.requested == ['GET /1.0']


def test_names_are_sent_as_text(server):
    profile = Client(server.endpoint).profiles.create(b'q')
    assert profile.name == 'q'
    server.pages['POST /1.0/profiles/q'] = {}
    assert profile.rename(7).name == '7'
    assert [json.loads(each.body.decode())['name'] for each in server.requests
            if each.method == 'POST'] == ['q', '7']


@pytest.mark.parametrize('fields', [None, [], 'config', 5])
def test_fields_that_are_no_dict(server, fields):
    profile = Client(server.endpoint).profiles.get('p')
    before = list(server.requested)
    for call in profile.put, profile.patch, profile.raw_put, profile.raw_patch:
        with pytest.raises(TypeError, match='the fields must be a dict'):
            call(fields)
    assert server.requested == before
