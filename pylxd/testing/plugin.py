"""The pytest plugin: a server for the tests of programs that use pylxd.

The fixture ``lxd`` is a kit of :mod:`pylxd.testing`, the same for the whole
run; ``lxd_client`` is a client of that kit, a new one for each test. The
option ``--lxd`` chooses the kit:

``fake``
    the stand-in, also without the option; ``fake:NAME`` is
    ``FakeLXD(like='NAME')``
``real``, ``incus``
    a private server, from the installed LXD or Incus
the path of a directory
    a private server, from the system in that directory
the path of a socket
    the server that listens there; the tests then change that very server

A line at the end of pytest's report names the kit.
"""
import contextlib
import os
import stat

import pytest

from pylxd import testing
from pylxd.client import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Union
    from pylxd.testing import Kit
    AnyKit = Union[Kit, 'RunningServer']


class RunningServer(object):
    """A kit of a server that runs already, and is never started or ended.

    :param path: the path of the server's socket.
    """

    #: No trust password: that of the server is not known.
    password = None
    #: The path of the server's unix socket.
    socket = ''  # type: str
    #: The path of the server's certificate, in PEM.
    certificate = ''  # type: str
    #: The HTTPS URL of the server; empty if it has no HTTPS address.
    endpoint = ''  # type: str

    def __init__(self, path):
        # type: (str) -> None
        self.socket = path
        self.certificate = os.path.join(os.path.dirname(path), 'server.crt')
        with self.client() as client:
            for address in client.dialect.addresses[:1]:
                self.endpoint = 'https://' + address

    def client(self, **kwargs):
        # type: (**Any) -> Client
        """Make a client of the server, on its socket.

        :param kwargs: arguments of ``Client``; ``endpoint`` replaces the
            socket.
        """
        kwargs.setdefault('endpoint', self.socket)
        return Client(**kwargs)

    def kill(self):
        # type: () -> None
        """Refuse to end the server.

        :raises NotImplementedError: always.
        """
        raise NotImplementedError(
            'the server at {} ran before the tests, and is not ended or '
            'restarted: choose another --lxd'.format(self.socket))

    restart = kill

    def close(self):
        # type: () -> None
        """Do nothing: the server runs on."""


def pytest_addoption(parser):
    # type: (pytest.Parser) -> None
    """Add the option ``--lxd``."""
    parser.getgroup('pylxd').addoption(
        '--lxd', metavar='KIND', default='fake', help=(
            "the server of the fixture lxd: fake, real, incus, or the path "
            "of a root directory or of a server's socket (default: fake)"))


@pytest.fixture(scope='session')
def lxd_arguments():
    # type: () -> Dict[str, Any]
    """Return the arguments of the kit's class; override it to give some."""
    return {}


@pytest.fixture(scope='session')
def lxd(request, lxd_arguments):
    # type: (pytest.FixtureRequest, Dict[str, Any]) -> Iterator[AnyKit]
    """Provide a server for the whole run; see :mod:`pylxd.testing`."""
    config = request.config  # type: Any
    try:
        kit = make_kit(config.getoption('lxd'), lxd_arguments)
    except testing.CannotRun as error:
        pytest.exit('--lxd: {}'.format(error), 1)
    with contextlib.closing(kit):
        with kit.client() as client:
            environment = client.dialect.environment
        config.lxd_summary = 'lxd: {} ({} {})'.format(
            type(kit).__name__, environment['server'],
            environment['server_version'])
        yield kit


@pytest.fixture
def lxd_client(lxd):
    # type: (AnyKit) -> Iterator[Client]
    """Provide a client of ``lxd``, on its socket."""
    with lxd.client() as client:
        yield client


def pytest_terminal_summary(terminalreporter):
    # type: (pytest.TerminalReporter) -> None
    """Name the kit in the report, if a test used the fixture ``lxd``."""
    summary = getattr(terminalreporter.config, 'lxd_summary', None)
    if summary:
        terminalreporter.write_line(summary)


def make_kit(choice, arguments):
    # type: (str, Dict[str, Any]) -> AnyKit
    """Make the kit that the option ``--lxd`` chooses.

    :param choice: the value of the option.
    :param arguments: the arguments of the kit's class.
    :raises CannotRun: the kit cannot run, or there is no such kit.
    """
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
            '{!r} is neither fake, real, incus nor an existing path'.format(
                choice))
    if stat.S_ISSOCK(os.stat(choice).st_mode):
        return RunningServer(os.path.abspath(choice))
    if testing.ThrowawayIncus.find_missing_requirement(choice) is None:
        return testing.ThrowawayIncus(root=choice, **arguments)
    return testing.ThrowawayLXD(root=choice, **arguments)
