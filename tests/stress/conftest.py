"""Fixtures of the stress tests, and the tables that they print.

``pytest tests/stress`` runs the short form of each test, and ``--long``
(``make stress``) the long one.
"""
import collections

import pytest

from pylxd import testing
from pylxd.testing import plugin
from helpers import BUSYBOX, EMPTY, unique_name

from .support import Usage

#: The columns of the tables that pytest prints at the end, by title.
TABLES = collections.OrderedDict([
    ('faults', ('fault', 'n', 'what the caller saw', 'longest, s',
                'left over')),
    ('load', ('load', 'seconds', 'descriptors', 'threads', 'RSS, MB')),
    ('fuzz', ('what is fuzzed', 'cases', 'what came out')),
    ('updates', ('changes', 'present', 'seconds', 'state changes')),
])
_rows = collections.defaultdict(list)


def pytest_addoption(parser):
    parser.addoption(
        '--long', action='store_true', help='the long form of stress tests')


@pytest.fixture(scope='session')
def scale(request):
    """``scale(short, long)`` returns the number for the form of this run."""
    long_form = request.config.getoption('--long', False)
    return lambda short, long: long if long_form else short


@pytest.fixture(scope='session')
def add_row():
    """``add_row(title, *cells)`` adds a row to a table."""
    def add(title, *cells):
        assert len(cells) == len(TABLES[title])
        _rows[title].append([str(cell) for cell in cells])
    return add


@pytest.fixture
def killable(lxd):
    """Skip where the server is no daemon that the test may kill."""
    if isinstance(lxd, (testing.FakeLXD, plugin.RunningServer)):
        pytest.skip('needs a daemon that can be killed, not {}'.format(
            type(lxd).__name__))


@pytest.fixture
def nothing_left():
    """Check that the test leaves no descriptor and no thread."""
    before = Usage()
    yield
    before.assert_same()


@pytest.fixture(scope='module')
def running(lxd):
    """A running container, for all tests of a module."""
    with lxd.client() as client:
        container = client.containers.create(
            {'name': unique_name(), 'source': BUSYBOX}, wait=True)
        container.start(wait=True)
    yield container
    with lxd.client() as client:
        container = client.containers.get(container.name)
        container.stop(wait=True)
        container.delete(wait=True)


@pytest.fixture
def container(lxd):
    """A stopped container without files, which takes no time to create."""
    with lxd.client() as client:
        container = client.containers.create(
            {'name': unique_name(), 'source': EMPTY}, wait=True)
    yield container
    with lxd.client() as client:
        container = client.containers.get(container.name)
        if container.status != 'Stopped':
            container.stop(wait=True)
        container.delete(wait=True)


def pytest_terminal_summary(terminalreporter):
    for title, columns in TABLES.items():
        rows = [list(columns)] + _rows.pop(title, [])
        if len(rows) > 1:
            widths = [max(map(len, column)) for column in zip(*rows)]
            terminalreporter.section(title)
            for row in rows:
                terminalreporter.write_line('  '.join(
                    cell.ljust(width)
                    for cell, width in zip(row, widths)).rstrip())
