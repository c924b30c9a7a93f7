"""Write doc/coverage.rst: the contract tests of each documented item.

The items are in documented.txt. The tests name them in the marker
``@pytest.mark.documents('Container.execute', ...)``, which is read from their
source. Run this file with ``make coverage``.
"""
import ast
import collections
import glob
import os

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TABLE = os.path.join(ROOT, 'doc', 'coverage.rst')
INTRO = '''\
Documented and tested
=====================

Each documented item, and the tests in ``tests/contract`` that cover it on a
real server. ``make coverage`` writes this page; a test compares it.
'''


def read_items():
    """Return the documented items by chapter, in their order."""
    chapters = collections.OrderedDict()
    with open(os.path.join(HERE, 'documented.txt')) as file:
        blocks = file.read().split('\n\n')[1:]  # the first is an introduction
    for block in blocks:
        heading, *items = block.strip().split('\n')
        chapters[heading.lstrip('# ')] = items
    return chapters


def name_of(item):
    """Return the name of an item in a marker: the item without signature."""
    return item.partition('(')[0]


def find_tests():
    """Return the contract tests of each item, by the name of the item."""
    tests = collections.defaultdict(list)
    pattern = os.path.join(ROOT, 'tests', 'contract', 'test_*.py')
    for path in sorted(glob.glob(pattern)):
        with open(path, encoding='utf-8') as file:
            tree = ast.parse(file.read(), path)
        for node in tree.body:
            inner = node.body if isinstance(node, ast.ClassDef) else []
            for test in [node] + inner:
                for name in _read_markers(test):
                    label = [os.path.basename(path), node.name]
                    label += [test.name] if test is not node else []
                    tests[name].append('::'.join(label))
    return tests


def _read_markers(node):
    """Return the items in the markers of a function or class."""
    return [
        ast.literal_eval(argument)
        for call in getattr(node, 'decorator_list', ())
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == 'pytest.mark.documents'
        for argument in call.args]


def make_table():
    """Return the text of the page."""
    tests = find_tests()
    lines = [INTRO]
    for chapter, items in read_items().items():
        title = chapter[0].upper() + chapter[1:]
        lines += [title, '-' * len(title), '', '.. list-table::', '']
        for item in items:
            lines.append('   * - ``%s``' % item)
            found = ['``%s``' % test for test in tests[name_of(item)]]
            lines.append(('     - ' + ', '.join(found)).rstrip())
        lines.append('')
    return '\n'.join(lines)


if __name__ == '__main__':
    with open(TABLE, 'w') as out:
        out.write(make_table())
