"""Measure the strength of the tests by changes to the library (make mutants).

A mutant is the library with one random change: ``==`` for ``!=``, a statement
left out. For each mutant, run the unit tests and, if they pass, the contract
tests on the stand-in, in a temporary copy of the checkout, and report the
first test that fails. A mutant that fails no test survives: a test is missing,
or nobody can observe the change. A larger ``--count`` with the same ``--seed``
runs the same mutants and more.
"""
import argparse
import ast
import collections
import contextlib
import difflib
import glob
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from multiprocessing.pool import ThreadPool

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATHS = ('pylxd/core', 'pylxd/transport', 'pylxd/models')
SUITES = ('tests/unit', 'tests/contract')
#: Seconds for one suite; both together need about 70, and one test has 60.
TIMEOUT = 600

#: Each operator may be replaced by the others of its group.
OPERATORS = [group.split(', ') for group in (
    'is, is not', 'in, not in', 'and, or', '==, !=', '<, <=, >, >=', '+, -',
    '*, /, //, %, **', '<<, >>', '&, |, ^')]
OPERATOR = re.compile('|'.join(re.escape(each) for each in sorted(
    sum(OPERATORS, []), key=len, reverse=True)))
OPERATIONS = (ast.BoolOp, ast.Compare, ast.BinOp, ast.AugAssign)
BLOCKS = (ast.If, ast.For, ast.With, ast.Try, ast.ExceptHandler)
STATEMENTS = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Delete,
              ast.Break, ast.Continue)
#: Code that matches is for type checkers only and is not changed.
UNSEEN = re.compile('(if )?TYPE_CHECKING')
#: Strings in code that matches are messages to people and are not changed.
MESSAGE = re.compile(r'raise |(logger|logging|warnings)\.|\w*Error\(')

#: `new` replaces `old`, which begins at the offset `start`.
Mutant = collections.namedtuple('Mutant', 'path start old new')

#: Set when the run is interrupted; it ends the tests that are running.
stopped = threading.Event()


def read(path):
    """Return one character for each byte: ast counts columns in bytes."""
    with open(os.path.join(ROOT, path), encoding='latin-1') as file:
        return file.read()


def change(mutant):
    """Return the changed source of the module."""
    text = read(mutant.path)
    before, after = text[:mutant.start], text[mutant.start:]
    if not after.startswith(mutant.old):
        raise ValueError('The module has changed since: {}'.format(mutant))
    return before + mutant.new + after[len(mutant.old):]


def find_mutants(path):
    """Return the mutants of a module: one list for each place."""
    text = read(path)
    starts = [0] + [found.end() for found in re.finditer('\n', text)]
    places = collections.defaultdict(list)

    def span(first, last=None):
        last = last or first
        return (starts[first.lineno - 1] + first.col_offset,
                starts[last.end_lineno - 1] + last.end_col_offset)

    def visit(node, in_message=False):
        code = text[slice(*span(node))] if hasattr(node, 'lineno') else ''
        is_docstring = isinstance(node, ast.Expr) and isinstance(
            node.value, ast.Constant)
        if is_docstring or UNSEEN.match(code):
            return
        in_message = in_message or bool(MESSAGE.match(code))
        for place, new in find_changes(node, text, span, in_message):
            places[place].append(
                Mutant(path, place[0], text[slice(*place)], new))
        for child in ast.iter_child_nodes(node):
            visit(child, in_message)

    visit(ast.parse(text.encode('latin-1'), path))
    return [places[place] for place in sorted(places)]


def find_changes(node, text, span, in_message):
    """Yield places, as (start, end), each with the text that replaces it."""
    for test in getattr(node, 'ifs', None) or [getattr(node, 'test', None)]:
        if test:
            yield span(test), 'True'
            yield span(test), 'False'
    if isinstance(node, BLOCKS):
        yield span(node.body[0], node.body[-1]), 'pass'
    # Not at column 0: without a global name, no test at all can pass
    if isinstance(node, STATEMENTS) and node.col_offset:
        yield span(node), 'pass'
    if isinstance(node, (ast.Assign, ast.Return)) and node.value:
        yield span(node.value), 'None'
    elif isinstance(node, ast.UnaryOp):
        yield span(node), '({})'.format(text[slice(*span(node.operand))])
    elif isinstance(node, ast.BoolOp):
        for value in node.values:  # as if this operand were left out
            yield span(value), str(isinstance(node.op, ast.And))
    elif isinstance(node, ast.Constant):
        for constant in change_constant(node.value, in_message):
            yield span(node), ascii(constant)

    operands = [child for child in ast.iter_child_nodes(node) if isinstance(
        node, OPERATIONS) and isinstance(child, ast.expr)]
    for left, right in zip(operands, operands[1:]):
        found = OPERATOR.search(text, span(left)[1], span(right)[0])
        group, = [group for group in OPERATORS if found.group() in group]
        for new in group:
            yield found.span(), new


def change_constant(value, in_message):
    """Return the constants that may replace a constant."""
    if value is None or isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1]
    if isinstance(value, (str, bytes)) and not in_message:
        more = 'x' if isinstance(value, str) else b'x'
        return [value + more, value[:0]] if value else [more]
    return []


def is_other_program(mutant):
    """Return whether the mutant compiles and differs in more than layout."""
    before, after = (text.encode('latin-1') for text in (
        read(mutant.path), change(mutant)))
    try:
        compile(after, mutant.path, 'exec')
    except SyntaxError:
        return False
    return ast.dump(ast.parse(after)) != ast.dump(ast.parse(before))


def pick_mutants(paths, count, seed):
    """Pick `count` random places, and one mutant of each."""
    places = []
    for path in paths:
        names = glob.glob(os.path.join(ROOT, path, '**/*.py'), recursive=True)
        for name in sorted(names) or [os.path.join(ROOT, path)]:
            places += find_mutants(os.path.relpath(name, ROOT))
    chance = random.Random(seed)
    chance.shuffle(places)
    choices = (list(filter(is_other_program, place)) for place in places)
    return [chance.choice(mutants) for mutants in itertools.islice(
        filter(None, choices), count)]


class Checkout(object):
    """A temporary copy of the checkout, for one worker."""

    def __init__(self, directory):
        self.root = os.path.join(directory, 'pylxd')
        for name in subprocess.check_output(
                ['git', 'ls-files', '-z'], cwd=ROOT).decode().split('\0'):
            if os.path.isfile(os.path.join(ROOT, name)):
                target = os.path.join(self.root, name)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(os.path.join(ROOT, name), target)
        # Python recognizes a .pyc file by the size and the second of the last
        # change of its source, which two mutants may have in common.
        self.environ = dict(
            os.environ, PYTHONPATH=self.root, PYTHONDONTWRITEBYTECODE='1',
            TMPDIR=directory)
        imported = subprocess.check_output(
            [sys.executable, '-c', 'import pylxd; print(pylxd.__file__)'],
            env=self.environ, cwd='/').decode().strip()
        print('The tests import {}'.format(imported), flush=True)
        if imported != os.path.join(self.root, 'pylxd', '__init__.py'):
            sys.exit('That is not the copy in {}.'.format(self.root))

    def run_pytest(self, tests):
        """Return None if the tests pass, or the first one that failed."""
        end = time.monotonic() + TIMEOUT
        with tempfile.TemporaryFile('w+', errors='replace') as output:
            process = subprocess.Popen(
                [sys.executable, '-m', 'pytest', '-x', '-q', '--timeout', '60',
                 '-p', 'no:cacheprovider', '--lxd', 'fake'] + tests,
                env=self.environ, cwd=self.root, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True)
            try:
                while process.poll() is None and time.monotonic() < end:
                    if stopped.wait(0.1):
                        raise RuntimeError('The run was interrupted.')
                status = process.poll()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            failed = re.search(
                '^(?:FAILED|ERROR) (.+?)( - .*)?$', output.read(), re.M)
        if status == 0:
            return None
        return failed.group(1) if failed else (
            'the tests hang' if status is None else 'pytest does not start')

    def test(self, mutant):
        """Return the mutant, and the suite and the test that notice it."""
        path = os.path.join(self.root, mutant.path)
        with open(path, 'w', encoding='latin-1') as file:
            file.write(change(mutant))
        words = os.path.basename(mutant.path)[:-len('.py')].split('_')
        try:
            for suite in SUITES:
                # First the tests with a word of the module's name in theirs
                tests = sorted(
                    glob.glob(os.path.join(self.root, suite, 'test_*.py')),
                    key=lambda name: (
                        not any(word in name for word in words), name))
                failed = self.run_pytest(tests)
                # A test that passes alone may have failed by chance
                if failed and '::' in failed and not self.run_pytest([failed]):
                    failed = self.run_pytest(tests)
                if failed:
                    return mutant, suite, failed
            return mutant, None, None
        finally:
            shutil.copy(os.path.join(ROOT, mutant.path), path)


def run_mutants(mutants, jobs):
    """Yield each mutant with the suite and the test that noticed it."""
    def test(mutant):
        checkout = checkouts.pop()
        try:
            return checkout.test(mutant)
        finally:
            checkouts.append(checkout)

    # A short name, as the path of a unix socket may have 107 bytes
    with tempfile.TemporaryDirectory(prefix='m') as directory:
        os.chmod(directory, 0o711)  # the containers of the demo pass through
        checkouts = [Checkout(os.path.join(directory, str(job)))
                     for job in range(jobs)]
        failed = checkouts[0].run_pytest(list(SUITES))
        if failed:
            sys.exit('Without any change, this fails: {}'.format(failed))
        pool = ThreadPool(jobs)
        try:
            yield from pool.imap_unordered(test, mutants)
        finally:
            stopped.set()
            pool.terminate()
            pool.join()


def describe(mutant):
    line = read(mutant.path).count('\n', 0, mutant.start) + 1
    return '{}:{}: {} -> {}'.format(mutant.path, line, *(
        textwrap.shorten(text, 60) for text in (mutant.old, mutant.new)))


def load_results(path):
    """Return the suite that noticed each mutant in a file, by mutant."""
    with open(path) as file:
        records = list(map(json.loads, file))
    return {Mutant(*map(record.get, Mutant._fields)): record['suite']
            for record in records}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('paths', nargs='*', default=PATHS)
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--out', default=os.devnull, help='add the results to '
                        'this file, and run no mutant that it has')
    parser.add_argument('--only', help='run the survivors in this file, which '
                        'an earlier run made with --out')
    parser.add_argument('--list', action='store_true', help='run no tests')
    options = parser.parse_args()

    if options.only:
        mutants = [mutant for mutant, suite in load_results(
            options.only).items() if not suite]
    else:
        mutants = pick_mutants(options.paths, options.count, options.seed)
    if options.list:
        print('\n'.join(map(describe, mutants)))
        return

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with open(options.out, 'a') as out:
        suites = {} if options.only else load_results(options.out)
        missing = [mutant for mutant in mutants if mutant not in suites]
        for mutant, suite, test in missing and run_mutants(
                missing, options.jobs):
            suites[mutant] = suite
            print('{}: {}'.format(describe(mutant), test or 'SURVIVED'),
                  flush=True)
            print(json.dumps(dict(mutant._asdict(), suite=suite, test=test)),
                  file=out, flush=True)

    found = [suites[mutant] for mutant in mutants]
    print('\n{} mutants: {} noticed by unit tests, {} by contract tests, '
          '{} SURVIVED'.format(len(found), *map(
              found.count, SUITES + (None,))))
    for mutant in mutants:
        if not suites[mutant]:
            print('\n' + describe(mutant))
            diff = difflib.unified_diff(
                read(mutant.path).split('\n'), change(mutant).split('\n'),
                lineterm='')
            print('\n'.join(list(diff)[2:]))


if __name__ == '__main__':
    main()
