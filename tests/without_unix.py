"""Run pytest as on a system that lacks what only some systems have.

Python on Windows has none of these names, macOS lacks some. The arguments are
a JSON object of arguments of ``Client``, and those of pytest. The fixture
``lxd`` is the server of that client, which runs in another process.
"""
import json
import os
import select
import socket
import sys

import pytest


def make_socket_pair():
    """Return two connected sockets, as Python on Windows makes them."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(1)
    one = socket.create_connection(listener.getsockname())
    other = listener.accept()[0]
    listener.close()
    return one, other


def remove_names():
    """Remove the names, before pylxd is imported."""
    assert 'pylxd' not in sys.modules
    del socket.AF_UNIX, os.fork, select.poll
    for module in 'fcntl', 'pwd', 'grp', 'termios':
        sys.modules[module] = None
    socket.socketpair = make_socket_pair


class HTTPSServer(object):
    """A kit of a server that listens on HTTPS.

    :param arguments: those of a trusted `pylxd.Client`.
    """

    password = socket = None

    def __init__(self, arguments):
        self._arguments = arguments
        self.endpoint = arguments['endpoint']
        self.certificate = arguments['verify']

    def client(self, **kwargs):
        import pylxd
        return pylxd.Client(**dict(self._arguments, **kwargs))

    def close(self):
        """Do nothing: the server runs on."""


class Plugin(object):
    """Makes the server of the fixture ``lxd``."""

    def pytest_configure(self, config):
        from pylxd.testing import plugin
        plugin.make_kit = lambda choice, arguments: HTTPSServer(ARGUMENTS)


if __name__ == '__main__':
    ARGUMENTS = json.loads(sys.argv[1])
    remove_names()
    sys.exit(pytest.main(sys.argv[2:], plugins=[Plugin()]))
