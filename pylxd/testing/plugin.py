"""The pytest plugin: a server for the tests of programs that use pylxd.

The fixture ``lxd`` is a kit of :mod:`pylxd.testing`, one for the whole run;
``lxd_client`` is a client of it, a new one for each test. The option
``--lxd`` chooses the kit:

``fake``
    the stand-in, also without the option; ``fake:NAME`` is
    ``FakeLXD(like='NAME')``
``real``, ``incus``
    a private server, from what is installed
the path of a directory
    a private server from the system that it holds
the path of a socket
    the server that listens there; the tests then work on that very server

A line at the end of pytest's report says which it was.
"""
import contextlib
import os
import stat

import pytest

from pylxd import testing
from pylxd.client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator


class RunningServer(object):
    """A server that runs already, as a kit: nobody starts or ends it.

    :param path: of its socket
    """

    password = None

    def __init__(self, path):
        # type: (str) -> None
        self.socket = path
        self.certificate = os.path.join(os.path.dirname(path), 'server.crt')
        with self.client() as client:
            self.endpoint = client.dialect.addresses and (
                'https://' + client.dialect.addresses[0])

    def client(self, **kwargs):
        # type: (**Any) -> Client
        """A client on its socket; arguments go to ``Client``."""
        kwargs.setdefault('endpoint', self.socket)
        return Client(**kwargs)

    def kill(self):
        # type: () -> None
        """Refuse: it is not ours."""
        raise NotImplementedError('{} is not ours to end'.format(self.socket))

    restart = kill

    def close(self):
        # type: () -> None
        """Leave it running."""


def pytest_addoption(parser):
    # type: (Any) -> None
    """Add ``--lxd``."""
    parser.getgroup('pylxd').addoption(
        '--lxd', metavar='KIND', default='fake', help=(
            "the server that the fixture lxd is: fake, real, incus, or the "
            "path of a system's root or of a server's socket (default: fake)"))


@pytest.fixture(scope='session')
def lxd_arguments():
    # type: () -> Dict[str, Any]
    """What the kit is made with: none; override it to give some."""
    return {}


@pytest.fixture(scope='session')
def lxd(request, lxd_arguments):
    # type: (Any, Dict[str, Any]) -> Iterator[Any]
    """A server for the whole run; see :mod:`pylxd.testing`."""
    try:
        kit = _kit(request.config.getoption('lxd'), lxd_arguments)
    except testing.CannotRun as error:
        pytest.exit('--lxd: {}'.format(error), 1)
    with contextlib.closing(kit):
        with kit.client() as client:
            environment = client.dialect.environment
        request.config.lxd_told = 'lxd: {} ({} {})'.format(
            type(kit).__name__, environment['server'],
            environment['server_version'])
        yield kit


@pytest.fixture
def lxd_client(lxd):
    # type: (Any) -> Iterator[Client]
    """A client of ``lxd`` on its socket."""
    with lxd.client() as client:
        yield client


def pytest_terminal_summary(terminalreporter):
    # type: (Any) -> None
    """Say what ``lxd`` was, if a test used it."""
    told = getattr(terminalreporter.config, 'lxd_told', None)
    if told:
        terminalreporter.write_line(told)


def _kit(choice, arguments):
    # type: (str, Dict[str, Any]) -> Any
    """Start the server that ``--lxd`` names."""
    kind, _, like = choice.partition(':')
    if kind == 'fake':
        arguments = dict(arguments, like=like) if like else arguments
        return testing.FakeLXD(**arguments)
    if choice == 'real':
        return testing.ThrowawayLXD(**arguments)
    if choice == 'incus':
        return testing.ThrowawayIncus(**arguments)
    if not os.path.exists(choice):
        raise testing.CannotRun(
            '{!r} is neither fake, real, incus nor a path'.format(choice))
    if stat.S_ISSOCK(os.stat(choice).st_mode):
        return RunningServer(os.path.abspath(choice))
    if testing.ThrowawayIncus.why_not(choice) is None:
        return testing.ThrowawayIncus(root=choice, **arguments)
    return testing.ThrowawayLXD(root=choice, **arguments)
