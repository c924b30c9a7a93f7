"""Each known trap has a test that is marked with its name."""
import ast

import pytest

from test_conventions import find_files, read_text

KNOWN = [line.split()[0]
         for line in read_text('tests/meta/traps.txt').splitlines()
         if line.strip() and not line.startswith('#')]


def find_marked():
    """Yield the traps that tests are marked with."""
    for name in find_files('tests'):
        for node in ast.walk(ast.parse(read_text(name), name)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith(
                    'test_'):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and getattr(
                            mark.func, 'attr', None) == 'trap':
                        yield ast.literal_eval(mark.args[0])


def test_each_trap_has_a_test():
    assert set(KNOWN) == set(find_marked())


@pytest.mark.trap('versions')
def test_ws4py_works_on_python_3_12():
    required = dict(
        line.split(';')[0].partition('>=')[::2]
        for line in read_text('requirements.txt').splitlines()
        if '>=' in line and 'python_version < ' not in line)
    assert required['ws4py'] == '0.6.0'
