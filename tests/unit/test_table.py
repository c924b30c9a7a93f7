# -*- coding: utf-8 -*-
"""Tables: `pylxd.table`."""
from __future__ import unicode_literals

import collections
import functools
import operator
import subprocess
import sys

import pytest
import six

import pylxd
from pylxd import models
from pylxd.core.state import State
from pylxd.models.execution import ExecuteResult
from pylxd.models.profile import Profiles


def make_text(objects, columns=None):
    """Return the text of a table, also on Python 2."""
    return six.text_type(pylxd.table(objects, columns))


@pytest.fixture
def profiles(client, store):
    """The profiles of a server, not loaded."""
    store.add('web', config={'limits.cpu': '2', 'user.a': 'x'}, devices={
        'root': {'type': 'disk', 'pool': 'fast'},
        'eth0': {'type': 'nic', 'ipv4.address': '10.0.0.1'}},
        used_by=['/1.0/instances/c1', '/1.0/instances/c2'])
    store.documents = collections.OrderedDict(sorted(store.documents.items()))
    return Profiles(client)


def test_columns(profiles, store):
    assert make_text(profiles, [
        'name', 'config.limits.cpu', 'devices.root.pool',
        'devices.eth0.ipv4.address', 'used_by']) == '''\
name  config.limits.cpu  devices.root.pool  devices.eth0.ipv4.address  used_by
p1
web   2                  fast               10.0.0.1                   \
/1.0/instances/c1, /1.0/instances/c2'''
    assert store.requested == ['GET profiles', 'GET profiles?recursion']


def test_names_alone_need_one_request(profiles, store):
    assert make_text(profiles, ['name']) == 'name\np1\nweb'
    assert store.requested == ['GET profiles']


def test_functions(profiles):
    def cpus(profile):
        return int(profile.config.get('limits.cpu', 0)) * 2

    assert make_text(profiles, [
        'name', cpus, lambda each: each.dirty]) == (
            'name  cpus  <lambda>\np1    0     False\nweb   4     False')
    first = functools.partial(operator.getitem, 'ab')
    assert make_text([0, 1], [first]) == '\na\nb'


def test_usual_columns(profiles):
    assert make_text(profiles) == '''\
name  description
p1    ä
web'''


@pytest.mark.parametrize('objects, text', [
    ([], 'id  name  aliases.name  status  type  driver  description'),
    ([{'name': 'a', 'status': 'Running', 'x': 1}, {'name': 'b'}],
     'name  status\na     Running\nb'),
    ([State({'status': 'Running', 'pid': 1})], 'status\nRunning'),
    ([models.Operation(id='u1', status='Running')],
     'id  status\nu1  Running'),
])
def test_usual_columns_of_other_objects(objects, text):
    assert make_text(objects) == text


def test_usual_columns_of_images(client):
    image = models.Image.from_listed(client, ('ab12',), {
        'fingerprint': 'ab12', 'type': 'container', 'aliases': [
            {'name': 'busybox', 'description': ''}, {'name': 'other'}]})
    assert make_text([image]) == '''\
fingerprint  aliases.name    type
ab12         busybox, other  container'''


def test_fields_that_the_model_does_not_declare(profiles, store):
    assert make_text(profiles, ['new_field.a', 'none', 'none.such']) == (
        'new_field.a  none  none.such\n1\n1')
    assert len(store.requested) == 2


def test_attributes_of_the_parent_and_of_results(client):
    snapshot = models.Snapshot.from_listed(
        models.Container(client, name='c1'), ('s1',), {'name': 's1'})
    assert make_text([snapshot], ['parent.name', 'name']) == (
        'parent.name  name\nc1           s1')
    assert make_text([ExecuteResult(3, 'out\n', '')], [
        'exit_code', 'stdout']) == 'exit_code  stdout\n3          out\\n'


@pytest.mark.parametrize('value, text', [
    (None, ''), ('', ''), (0, '0'), (True, 'True'), (1.5, '1.5'),
    (['a', 'b'], 'a, b'), (('a', 1), 'a, 1'), ([], ''), ({}, ''),
    ({'b': 1, 'a': 'x'}, 'a=x, b=1'),
    ({'root': {'path': '/', 'pool': 'p'}, 'x': [1, 2]},
     'root={path=/, pool=p}, x=[1, 2]'),
    ('a\x1b[2J\r\nb\tc', 'a\\x1b[2J\\x0d\\nb\\tc'),
    ('ä'.encode('utf-8') if six.PY2 else 'ä', 'ä'),
])
def test_values(value, text):
    assert make_text([{'v': value}], ['v']) == 'v\n' + text


def test_keys_with_dots():
    row = {'a.b': {'c': '1'}, 'a': {'b.c': '2', 'b': {'d': '3'}},
           'list': [{'n.m': 'x'}, {'n': {'m': 'y'}}, {}]}
    assert make_text([row], ['a.b.c', 'a.b.d', 'a.b.e', 'list.n.m']) == (
        'a.b.c  a.b.d  a.b.e  list.n.m\n1      3             x, y')


@pytest.mark.parametrize('name, width', [
    ('abc', 3), ('日本', 4), ('e\u0301', 1), ('ｆ', 2), ('\u200b', 0)])
def test_widths(name, width):
    assert make_text([{'name': name, 'x': 1}], ['name', 'x']) == (
        'name' + ' ' * max(0, width - 4) + '  x\n'
        + name + ' ' * (max(4, width) - width) + '  1')


@pytest.mark.parametrize('objects, columns, text', [
    ('abc', None, 'objects must be a list, not of type '),
    ({'name': 'a'}, None, 'objects must be a list, not of type dict'),
    (State({}), None, 'objects must be a list, not of type State'),
    (models.Profile(None, name='p1'), None,
     'objects must be a list, not of type Profile'),
    ([], 'name', 'columns must be a list, not of type ')])
def test_what_is_no_list(objects, columns, text):
    with pytest.raises(TypeError) as caught:
        pylxd.table(objects, columns)
    assert text in str(caught.value)


def test_html():
    table = pylxd.table([{'name': '<b>&', 'x': 'ä\x1b'}], ['name', 'x'])
    assert table._repr_html_() == (
        '<table><tr><th>name</th><th>x</th></tr>'
        '<tr><td>&lt;b&gt;&amp;</td><td>ä\\x1b</td></tr></table>')


def test_print(capsys):
    table = pylxd.table([{'name': 'ä日'}], ['name'])
    assert str(table) == repr(table) == six.ensure_str('name\nä日')
    print(table)
    assert six.ensure_text(capsys.readouterr()[0]) == 'name\nä日\n'


def test_a_secret_is_shown_only_if_its_column_is_named(client):
    key = models.StorageBucketKey.from_listed(client, ('k',), {
        'name': 'k', 'access-key': 'a', 'secret-key': 'hidden'})
    assert make_text([key]) == 'name\nk'
    for column in 'secret_key', 'secret-key':
        assert 'hidden' in make_text([key], [column])


def test_the_module_is_imported_late():
    subprocess.check_call([sys.executable, '-c', (
        'import pylxd, sys; assert "pylxd._table" not in sys.modules; '
        'pylxd.table([]); assert callable(pylxd.table)')])
