"""Each trap that is known has a test that is marked with it."""
import ast

import pytest

from test_conventions import files, read

KNOWN = [line.split()[0] for line in read('tests/meta/traps.txt').splitlines()
         if line.strip() and not line.startswith('#')]


def marked():
    """The traps that tests are marked with."""
    for name in files('tests', '.py'):
        for node in ast.walk(ast.parse(read(name), name)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith(
                    'test_'):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and getattr(
                            mark.func, 'attr', None) == 'trap':
                        yield ast.literal_eval(mark.args[0])


def test_each_trap_has_a_test():
    assert set(KNOWN) == set(marked())


@pytest.mark.trap('versions')
def test_versions_that_work_together():
    required = dict(
        line.split(';')[0].partition('>=')[::2]
        for line in read('requirements.txt').splitlines()
        if '>=' in line and 'python_version < ' not in line)
    assert required['ws4py'] == '0.6.0'
