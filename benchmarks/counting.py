"""A proxy that counts connections and requests."""
import re
import shutil
import socket
import tempfile
import threading

from six.moves import socketserver

_REQUEST_LINE = re.compile(
    br'^((?:GET|PUT|POST|PATCH|DELETE) /\S*) HTTP/1\.1\r$', re.MULTILINE)


class CountingProxy(object):
    """A proxy in front of a unix socket or an HTTPS server.

    A request is counted by its first line, which must arrive in one piece.
    Requests over HTTPS are encrypted, so only their connections are counted.

    :param target: path of the unix socket, or URL of the server.
    """

    def __init__(self, target):
        self.connections = 0
        self.requests = []  # such as ``GET /1.0``
        self._directory = None
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                proxy.connections += 1
                proxy._relay(self.request, target)

        if target.startswith('/'):
            self._directory = tempfile.mkdtemp()
            address = self._directory + '/socket'
            server_class = socketserver.UnixStreamServer
            self.endpoint = address
        else:
            address = ('127.0.0.1', 0)
            server_class = socketserver.TCPServer
        self._server = type('Server', (
            socketserver.ThreadingMixIn, server_class, object), {
                'daemon_threads': True, 'request_queue_size': 64,
            })(address, Handler)
        if not self._directory:
            self.endpoint = 'https://{}:{}'.format(
                *self._server.server_address)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def _relay(self, client, target):
        if self._directory:
            server = socket.socket(socket.AF_UNIX)
            server.connect(target)
        else:
            host, port = target.partition('://')[2].split(':')
            server = socket.create_connection((host, int(port)))
        answers = threading.Thread(target=_copy, args=(server, client))
        answers.start()
        _copy(client, server, self._count)
        answers.join()
        server.close()

    def _count(self, data):
        self.requests += [
            line.decode() for line in _REQUEST_LINE.findall(data)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._directory:
            shutil.rmtree(self._directory)


def _copy(source, target, inspect=None):
    """Copy from one socket to another until the end of the data."""
    while True:
        data = source.recv(65536)
        if inspect:
            inspect(data)
        try:
            if not data:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(data)
        except socket.error:  # the receiver has closed the connection
            return
