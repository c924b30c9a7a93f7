"""What is documented is there, and tested on a real server."""
import importlib
import inspect

import coverage_table as coverage
import pytest

ITEMS = [item for items in coverage.documented().values() for item in items]
CLASSES = {
    'Client': 'client', 'Certificate': 'certificate',
    'Container': 'container', 'Snapshot': 'container', 'Image': 'image',
    'Network': 'network', 'Operation': 'operation', 'Profile': 'profile'}


def test_each_item_has_a_test():
    tests = coverage.covered()
    missing = [i for i in ITEMS if not tests.get(coverage.name_of(i))]
    assert not missing, 'no contract test covers: ' + ', '.join(missing)


def test_each_marker_names_an_item():
    unknown = set(coverage.covered()) - set(map(coverage.name_of, ITEMS))
    assert not unknown, 'not in documented.txt: ' + ', '.join(sorted(unknown))


def test_the_table_is_fresh():
    with open(coverage.TABLE) as file:
        assert file.read() == coverage.table(), 'run: make coverage'


def signatures():
    """The documented calls whose name leads to a class or its method."""
    for item in ITEMS:
        parts = coverage.name_of(item).split('.')
        if '(' in item and parts[0] in CLASSES and len(parts) < 3:
            yield item


@pytest.mark.parametrize('item', signatures())
def test_signature(item):
    """The documented parameters come first, in order, with their defaults."""
    scope = {}
    exec('def documented({}: pass'.format(item.partition('(')[2]), scope)
    wanted = inspect.signature(scope['documented']).parameters.values()

    class_name, _, method = coverage.name_of(item).partition('.')
    module = importlib.import_module('pylxd.' + CLASSES[class_name])
    thing = getattr(module, class_name)
    thing = getattr(thing, method) if method else thing
    found = inspect.signature(thing).parameters
    found = [p for p in found.values() if p.name != 'self']

    assert kinds(wanted) <= kinds(found)
    wanted, found = named(wanted), named(found)
    assert [name for name, _ in found[:len(wanted)]] == [
        name for name, _ in wanted]
    required = inspect.Parameter.empty
    for (name, default), (_, documented) in zip(found, wanted):
        assert documented in (default, required), name
    assert all(default is not required for _, default in found[len(wanted):])


def named(parameters):
    """Pairs of name and default; ``{}`` is as good as None."""
    return [(p.name, p.default or None) for p in parameters
            if p.kind == p.POSITIONAL_OR_KEYWORD]


def kinds(parameters):
    return {p.kind for p in parameters}
