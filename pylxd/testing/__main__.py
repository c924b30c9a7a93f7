"""A server to play with: ``python -m pylxd.testing``."""
import argparse
import os
import signal
import sys

from pylxd import testing
from pylxd.testing.fake.tls import make_certificate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional
    from pylxd.testing import Kit

#: Both raise KeyboardInterrupt, so that the files are removed. A closed
#: terminal sends SIGHUP; a shell makes its background jobs ignore SIGINT.
SIGNALS = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def main(arguments=None):
    # type: (Optional[List[str]]) -> Optional[str]
    """Run a server until Ctrl-C, and print how to reach it.

    :param arguments: the arguments of the program; None takes `sys.argv`.
    :return: an error message, or None.
    """
    parser = argparse.ArgumentParser(
        prog='python -m pylxd.testing',
        description='Run a server to play with until Ctrl-C, and print how '
        'to reach it. It is a stand-in, which runs no command.')
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument('--real', action='store_true',
                       help='run a real LXD, private and temporary, as root')
    kinds.add_argument(
        '--incus', metavar='ROOT', nargs='?', const='',
        help='run a real Incus; ROOT is a directory that python -m '
        'pylxd.testing.incus made')
    options = parser.parse_args(arguments)
    try:
        with start_server(options) as kit:
            print(make_text(kit))
            sys.stdout.flush()
            while True:
                signal.pause()
    except testing.CannotRun as error:
        return str(error)
    except KeyboardInterrupt:
        print('\nThe server and all that was in it are removed.')
    return None


def start_server(options):
    # type: (argparse.Namespace) -> Kit
    """Return the server that the options name.

    :raises CannotRun: it cannot run here.
    """
    if options.real:
        return testing.ThrowawayLXD()
    if options.incus is not None:
        return testing.ThrowawayIncus(options.incus or None)
    return testing.FakeLXD()


def make_text(kit):
    # type: (Kit) -> str
    """Return how to reach a server, which gets to trust a new key pair."""
    # The directory that is removed with the server
    home = os.path.dirname(kit.directory)
    certificate, key = home + '/client.crt', home + '/client.key'
    make_certificate(certificate, key, u'pylxd')
    with kit.client() as client, open(certificate) as pem:
        client.certificates.create('', pem.read(), name='pylxd')
        title = client.dialect.kind.title
    return """\
A {} {} runs until Ctrl-C, with the image busybox.
In another terminal:

LXD_SOCKET={} python -m pylxd

python -m pylxd {} \\
    --cert {} \\
    --key {} \\
    --verify {}""".format(
        'stand-in for' if isinstance(kit, testing.FakeLXD) else 'private',
        title, kit.socket, kit.endpoint, certificate, key, kit.certificate)


if __name__ == '__main__':
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
