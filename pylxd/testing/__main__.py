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
            print_addresses(kit)
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


def print_addresses(kit):
    # type: (Kit) -> None
    """Print how to reach a server, also over HTTPS with a new key pair."""
    with kit.client() as client:
        environment = client.dialect.environment
        # The server is removed with all that is beside its directory
        certificate, key = [
            os.path.join(os.path.dirname(kit.directory), 'client' + suffix)
            for suffix in ('.crt', '.key')]
        make_certificate(certificate, key, u'pylxd')
        with open(certificate) as pem:
            client.certificates.create('', pem.read(), name='pylxd')
    print('{} {} {} runs until Ctrl-C, with the image busybox. In another '
          'terminal:\n'.format(
              'A stand-in for' if isinstance(kit, testing.FakeLXD) else
              'A private', environment['server'],
              environment['server_version']))
    print('LXD_SOCKET={} python -m pylxd'.format(kit.socket))
    print('python -m pylxd {} \\\n    --cert {} \\\n    --key {} \\\n'
          '    --verify {}'.format(
              kit.endpoint, certificate, key, kit.certificate))
    sys.stdout.flush()


if __name__ == '__main__':
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    sys.exit(main())
