"""Each documented item exists, and a contract test covers it."""
import importlib
import inspect

import coverage_table as coverage
import pytest

ITEMS = [item for items in coverage.read_items().values() for item in items]
CLASSES = {
    'Client': 'client', 'Certificate': 'certificate',
    'Container': 'container', 'Snapshot': 'container', 'Image': 'image',
    'Network': 'network', 'Operation': 'operation', 'Profile': 'profile'}


def test_each_item_has_a_test():
    tests = coverage.find_tests()
    missing = [i for i in ITEMS if not tests.get(coverage.name_of(i))]
    assert not missing, 'no contract test covers: ' + ', '.join(missing)


def test_each_marker_names_an_item():
    unknown = set(coverage.find_tests()) - set(map(coverage.name_of, ITEMS))
    assert not unknown, 'not in documented.txt: ' + ', '.join(sorted(unknown))


def test_the_table_is_up_to_date():
    with open(coverage.TABLE) as file:
        assert file.read() == coverage.make_table(), 'run: make coverage'


def list_calls():
    """Yield the documented calls of a class or of a method."""
    for item in ITEMS:
        parts = coverage.name_of(item).split('.')
        if '(' in item and parts[0] in CLASSES and len(parts) < 3:
            yield item


@pytest.mark.parametrize('item', list(list_calls()))
def test_documented_parameters_come_first(item):
    """In the documented order, and with the documented defaults."""
    scope = {}
    exec('def documented({}: pass'.format(item.partition('(')[2]), scope)
    wanted = inspect.signature(scope['documented']).parameters.values()

    class_name, _, method = coverage.name_of(item).partition('.')
    module = importlib.import_module('pylxd.' + CLASSES[class_name])
    function = getattr(module, class_name)
    function = getattr(function, method) if method else function
    found = inspect.signature(function).parameters
    found = [p for p in found.values() if p.name != 'self']

    assert list_kinds(wanted) <= list_kinds(found)
    wanted, found = list_defaults(wanted), list_defaults(found)
    assert [name for name, _ in found[:len(wanted)]] == [
        name for name, _ in wanted]
    required = inspect.Parameter.empty
    for (name, default), (_, documented) in zip(found, wanted):
        assert documented in (default, required), name
    assert all(default is not required for _, default in found[len(wanted):])


def list_defaults(parameters):
    """Return pairs of name and default, with None for an empty default."""
    return [(p.name, p.default or None) for p in parameters
            if p.kind == p.POSITIONAL_OR_KEYWORD]


def list_kinds(parameters):
    return {p.kind for p in parameters}
