"""Which contract test covers which documented item, as doc/coverage.rst.

The items are in documented.txt, the tests name them with the marker
``@pytest.mark.documents('Container.execute', ...)``, which is read from the
source. Run this file (``make coverage``) to write the table anew.
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


def documented():
    """The items by chapter: ``{chapter: [item, ...]}``, in their order."""
    chapters = collections.OrderedDict()
    with open(os.path.join(HERE, 'documented.txt')) as file:
        blocks = file.read().split('\n\n')[1:]  # the first is an introduction
    for block in blocks:
        heading, *items = block.strip().split('\n')
        chapters[heading.lstrip('# ')] = items
    return chapters


def name_of(item):
    """What a marker calls an item: without its signature."""
    return item.partition('(')[0]


def covered():
    """The tests by the name of the item: ``{name: [test, ...]}``."""
    tests = collections.defaultdict(list)
    pattern = os.path.join(ROOT, 'tests', 'contract', 'test_*.py')
    for path in sorted(glob.glob(pattern)):
        with open(path, encoding='utf-8') as file:
            tree = ast.parse(file.read(), path)
        for node in tree.body:
            inner = node.body if isinstance(node, ast.ClassDef) else []
            for test in [node] + inner:
                for name in _marked(test):
                    label = [os.path.basename(path), node.name]
                    label += [test.name] if test is not node else []
                    tests[name].append('::'.join(label))
    return tests


def _marked(node):
    return [
        ast.literal_eval(argument)
        for call in getattr(node, 'decorator_list', ())
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) == 'pytest.mark.documents'
        for argument in call.args]


def table():
    """The page as it should be."""
    tests = covered()
    lines = [INTRO]
    for chapter, items in documented().items():
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
        out.write(table())
