"""What the stress tests share: two sizes of each, and tables of figures.

``pytest tests/stress`` is the short form; with ``--long`` (``make stress``)
each test does as much as its figures in the tables say.
"""
import collections

import pytest

from pylxd import testing
from pylxd.testing import plugin
from helpers import EMPTY, unique_name

from .support import Usage

#: The tables that are printed at the end: title, columns.
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
def size(request):
    """``size(short, long)``: how much to do."""
    long_form = request.config.getoption('--long', False)
    return lambda short, long: long if long_form else short


@pytest.fixture(scope='session')
def table():
    """``table(title, *columns)`` adds a row to one that is printed."""
    def add(title, *row):
        assert len(row) == len(TABLES[title])
        _rows[title].append([str(cell) for cell in row])
    return add


@pytest.fixture
def real(lxd):
    """A daemon that can be killed, and commands that take long."""
    if isinstance(lxd, (testing.FakeLXD, plugin.RunningServer)):
        pytest.skip('needs a daemon that can be killed, not {}'.format(
            type(lxd).__name__))


@pytest.fixture
def nothing_left():
    """The test leaves no descriptor and no thread."""
    before = Usage()
    yield
    before.assert_same()


@pytest.fixture(scope='module')
def running(lxd):
    """A running container."""
    with lxd.client() as client:
        container = client.containers.create(
            {'name': unique_name(), 'source': {'type': 'image',
                                               'alias': 'busybox'}}, wait=True)
        container.start(wait=True)
    yield container
    with lxd.client() as client:
        container = client.containers.get(container.name)
        container.stop(wait=True)
        container.delete(wait=True)


@pytest.fixture
def container(lxd):
    """A stopped one without files, which is quickly made."""
    with lxd.client() as client:
        made = client.containers.create(
            {'name': unique_name(), 'source': EMPTY}, wait=True)
    yield made
    with lxd.client() as client:
        made = client.containers.get(made.name)
        if made.status != 'Stopped':
            made.stop(wait=True)
        made.delete(wait=True)


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
