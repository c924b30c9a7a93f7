"""A relay that counts what passes: connections, and requests."""
import re
import shutil
import socket
import tempfile
import threading

from six.moves import socketserver

_REQUEST = re.compile(
    br'^((?:GET|PUT|POST|PATCH|DELETE) /\S*) HTTP/1\.1\r$', re.MULTILINE)


class Counter(object):
    """Stands before a unix socket, or before an HTTPS server.

    A request is counted by its first line, which must come in one piece; of
    HTTPS the connections alone can be counted.
    """

    def __init__(self, target):
        self.connections = 0
        self.requests = []  # ``GET /1.0`` and so on
        self._directory = None
        counter = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                counter.connections += 1
                counter._relay(self.request, target)

        if target.startswith('/'):
            self._directory = tempfile.mkdtemp()
            address = self._directory + '/socket'
            kind = socketserver.UnixStreamServer
            self.endpoint = address
        else:
            address = ('127.0.0.1', 0)
            kind = socketserver.TCPServer
        self._server = type('Server', (
            socketserver.ThreadingMixIn, kind, object), {
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
        back = threading.Thread(target=_copy, args=(server, client))
        back.start()
        _copy(client, server, self._count)
        back.join()
        server.close()

    def _count(self, data):
        self.requests += [
            line.decode() for line in _REQUEST.findall(data)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        if self._directory:
            shutil.rmtree(self._directory)


def _copy(source, target, look=len):
    while True:
        data = source.recv(65536)
        look(data)
        try:
            if not data:
                return target.shutdown(socket.SHUT_WR)
            target.sendall(data)
        except socket.error:  # the other side is gone
            return
