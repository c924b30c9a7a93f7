"""The page of the servers' operations agrees with the library and tests."""
import ast
import os
import re

import operations_table as table
import pytest
from test_conventions import MODULES, ROOT, find_classes, read_text

OPERATIONS = table.read_operations()
SHOWN = table.read_shown()


def list_calls_and_tests():
    """Return pairs of a call and of the test that shows it."""
    pairs = {(each.call, each.test) for seen in SHOWN.values()
             for each in seen}
    for operation in OPERATIONS:
        if operation.reason.startswith('with scripted answers: '):
            pairs.add(tuple(operation.reason.partition(
                ': ')[2].split(', ')))
    return sorted(pairs)


def test_the_page_is_up_to_date():
    with open(table.TABLE) as file:
        assert file.read() == table.make_table(), 'run: make coverage'


def test_each_operation_is_listed_once():
    listed = [(each.method, re.sub('{.*?}', '{}', each.path))
              for each in OPERATIONS]
    assert len(set(listed)) == len(listed)
    assert set(SHOWN) <= {(each.method, each.path) for each in OPERATIONS}


def test_each_call_exists():
    classes = {
        cls.__name__: cls for module in sorted(MODULES)
        if not module.startswith('pylxd.testing')
        for cls in find_classes(MODULES[module])}
    for call in sorted({call for call, _ in list_calls_and_tests()}):
        name, _, method = call.replace('()', '').partition('.')
        assert '_' not in (name[0], method[:1]), call
        value = getattr(classes[name], method or '__init__')
        assert callable(value) == call.endswith('()'), call


@pytest.mark.parametrize('path', sorted({
    test.partition('::')[0] for _, test in list_calls_and_tests()}))
def test_each_test_exists(path):
    tree = ast.parse(read_text(os.path.join('tests', path)))
    defined = {path + '::' + name for name in find_tests(tree.body)}
    missing = sorted({test for _, test in list_calls_and_tests()
                      if test.startswith(path + '::')} - defined)
    assert not missing, 'rename them in shown.txt, or record them again'


def find_tests(nodes):
    """Yield the names of tests, with that of their class before ``::``."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            for name in find_tests(node.body):
                yield node.name + '::' + name


def test_each_operation_of_lxd_is_shown_or_has_a_reason():
    missing = [' '.join((each.method, each.path)) for each in OPERATIONS
               if 'LXD 5.0.2' in each.servers and not each.reason
               and (each.method, each.path) not in SHOWN]
    assert not missing


def test_each_reason_is_known_and_needed():
    for each in OPERATIONS:
        assert not each.reason or each.reason.partition(
            ':')[0] in table.REASONS, each
    stale = [' '.join((each.method, each.path)) for each in OPERATIONS
             if each.reason and (each.method, each.path) in SHOWN]
    assert not stale, 'remove their reasons from operations.txt'


#: Of a recording: server, method, path, status, call, test, phase.
RECORDING = '''\
LXD 5.0.2|GET|/1.0/images/aliases|200|Aliases.all()|tests/a.py::test_a|call
LXD 5.0.2|GET|/1.0/images/12ab|404|Images.get()|tests/a.py::test_b|call
Incus 7.0.2|GET|/1.0/images/12ab|404|Images.get()|tests/a.py::test_b|call
LXD 5.0.2|GET|/1.0/images/12ab|200|Images.get()|tests/a.py::test_c|call
LXD 5.0.2|GET|/1.0/images/12ab|200|Image.sync()|tests/a.py::test_c|setup
LXD 5.0.2|GET|/1.0/images|200|Images.all()|tests/a.py::test_c|teardown
LXD 5.0.2|GET|/1.0/nothing|200|Images.all()|tests/a.py::test_c|call
'''


def test_recordings_are_merged(tmpdir):
    path = tmpdir.join('recording')
    path.write(RECORDING.replace('|', '\t'))
    recorded, unknown = table.read_recordings([str(path)])
    assert list(unknown) == [('GET', '/1.0/nothing')]

    def seen(call, test, **servers):
        names = {'lxd': 'LXD 5.0.2', 'incus': 'Incus 7.0.2', 'old': 'LXD 4.0'}
        return table.Seen(call, test, {
            names[name]: succeeded for name, succeeded in servers.items()},
            'call')

    one, other = ('GET', '/1.0/images/{fingerprint}'), ('GET', '/1.0')
    assert table.merge(recorded, {
        one: [seen('Images.exists()', 'a.py::test_d', lxd=True, old=True)],
        other: [seen('Client()', 'a.py::test_d', lxd=True)]}) == {
            ('GET', '/1.0/images/aliases'): [
                seen('Aliases.all()', 'a.py::test_a', lxd=True)],
            one: [seen('Images.get()', 'a.py::test_c', lxd=True),
                  seen('Images.exists()', 'a.py::test_d', old=True),
                  seen('Images.get()', 'a.py::test_b', incus=False)]}


def test_what_is_written_is_read(tmpdir, monkeypatch):
    monkeypatch.setattr(table, 'SHOWN', str(tmpdir.join('shown.txt')))
    table.write_shown(SHOWN)
    assert table.read_shown() == SHOWN
    assert tmpdir.join('shown.txt').read() == read_text(
        os.path.relpath(os.path.join(table.HERE, 'shown.txt'), ROOT))
