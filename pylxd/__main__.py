"""A shell with a client of one server: ``python -m pylxd``."""
import argparse
import code
import os
import sys

import six

import pylxd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


def main(arguments=None):
    # type: (Optional[List[str]]) -> Optional[str]
    """Connect to a server, and open a shell or run code.

    :param arguments: the arguments of the program; None takes `sys.argv`.
    :return: an error message, or None.
    """
    options = parse_arguments(arguments)
    try:
        client = connect(options)
    # ImportError: PyYAML, which remotes need, is missing
    except (pylxd.exceptions.LXDException, EnvironmentError, ImportError,
            ValueError) as error:
        return ' '.join(pylxd.exceptions.printable(error).split())
    scope = {'__name__': '__console__', '__doc__': None, 'client': client,
             'pylxd': pylxd}  # type: Dict[str, Any]
    with client:
        if options.code is None:
            open_shell(scope, describe(client))
        else:
            exec(compile(options.code, '<string>', 'exec'), scope)
    return None


def parse_arguments(arguments):
    # type: (Optional[List[str]]) -> argparse.Namespace
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        prog='python -m pylxd',
        description='Open a Python shell with `client`, a client of a server '
        'of LXD or Incus. The shell is IPython if that is installed.')
    parser.add_argument(
        'server', nargs='?',
        help='the name of a remote of lxc or incus; or an https:// URL; or '
        'the path of a socket, with a slash in it. By default the server of '
        'this machine')
    parser.add_argument('--cert', metavar='FILE', help='client certificate')
    parser.add_argument(
        '--key', metavar='FILE',
        help='its key, if that is not in the same file')
    parser.add_argument(
        '--verify', metavar='FILE',
        help="the server's certificate, or those of authorities; `no` trusts "
        'every server')
    parser.add_argument('--project', metavar='NAME')
    parser.add_argument(
        '-c', metavar='CODE', dest='code',
        help='run this code instead of a shell')
    options = parser.parse_args(arguments)
    if options.key and not options.cert:
        parser.error('--key needs --cert')
    return options


def connect(options):
    # type: (argparse.Namespace) -> pylxd.Client
    """Return the client of the server that the options name."""
    cert = options.cert
    keywords = {
        'cert': (cert, options.key) if options.key else cert,
        'project': options.project,
        'verify': False if options.verify == 'no' else options.verify}
    keywords = {name: value for name, value in keywords.items()
                if value is not None}
    server = options.server
    if server and '/' not in server:
        remote = pylxd.Client.from_remote(
            server, **keywords)  # type: pylxd.Client
        return remote
    if server and ':' not in server:
        server = os.path.abspath(server)
    return pylxd.Client(server, **keywords)


def describe(client):
    # type: (pylxd.Client) -> str
    """Describe the server of a client in one line."""
    endpoint = client.transport.endpoint
    if not client.trusted:
        return '{} does not trust you: client.authenticate(TOKEN)'.format(
            endpoint)
    return pylxd.exceptions.printable('client: {} {} at {}{}'.format(
        client.dialect.kind.title,
        client.dialect.environment.get('server_version', '?'), endpoint,
        client.project and ', project ' + client.project or ''))


def open_shell(scope, banner):
    # type: (Dict[str, Any], str) -> None
    """Open a shell, and return at its end.

    :param scope: the names that the shell has.
    :param banner: what it prints first.
    """
    try:
        import IPython
    except ImportError:
        open_plain_shell(scope, banner)
    else:
        print(banner)
        IPython.start_ipython(argv=['--no-banner'], user_ns=scope)


def open_plain_shell(scope, banner):
    # type: (Dict[str, Any], str) -> None
    """Open a shell of the standard library; the Tab key completes names."""
    try:
        import readline
        import rlcompleter
    except ImportError:
        pass  # this Python has no readline
    else:
        readline.set_completer(rlcompleter.Completer(scope).complete)
        readline.parse_and_bind('tab: complete')
    keywords = {} if six.PY2 else {'exitmsg': ''}  # type: Dict[str, Any]
    code.interact(banner, local=scope, **keywords)


if __name__ == '__main__':
    sys.exit(main())
