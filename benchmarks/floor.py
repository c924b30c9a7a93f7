"""The floor: the least that Python can do, http.client and bare sockets.

Each connection is kept, each answer parsed by `json.loads`, each websocket
written by hand for just what it is for.
"""
import base64
import json
import os
import select
import socket
import ssl

import six
from six.moves import http_client

WHOLE = 256 * 1024


class Unix(http_client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        http_client.HTTPConnection.__init__(self, 'localhost')
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def https(endpoint, cert):
    """HTTPS with a client's key pair; whose the server is, is not asked."""
    context = ssl.SSLContext(
        getattr(ssl, 'PROTOCOL_TLS_CLIENT', ssl.PROTOCOL_SSLv23))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(*cert)
    return http_client.HTTPSConnection(
        endpoint.partition('://')[2], context=context)


def ask(connection, method, path, body=None):
    """The metadata of an answer."""
    connection.request(method, path, body and json.dumps(body))
    return json.loads(six.ensure_text(
        connection.getresponse().read()))['metadata']


def handshake(path, resource):
    """A websocket, and what came behind the answer."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall((
        'GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n'
        'Upgrade: websocket\r\nSec-WebSocket-Key: {}\r\n'
        'Sec-WebSocket-Version: 13\r\n\r\n').format(resource, key).encode())
    return sock


def shaken(sock):
    """Read the answer of a handshake; what came behind it."""
    answer = b''
    while b'\r\n\r\n' not in answer:
        answer += sock.recv(4096)
    return answer.partition(b'\r\n\r\n')[2]


def execute(connection, path, name, command):
    """Run a command that says nothing; its exit code."""
    begun = ask(connection, 'POST', '/1.0/instances/{}/exec'.format(name), {
        'command': command, 'wait-for-websocket': True, 'interactive': False})
    place = '/1.0/operations/' + begun['id']
    sockets = [
        handshake(path, '{}/websocket?secret={}'.format(
            place, begun['metadata']['fds'][fd])) for fd in '012']
    for sock in sockets:
        shaken(sock)
    try:
        sockets[0].sendall(b'\x81\x80\0\0\0\0')  # empty text: no more input
    except socket.error:
        pass  # the command has ended before it
    reading = sockets[1:]
    while reading:
        for sock in select.select(reading, [], [])[0]:
            if not sock.recv(WHOLE):
                reading.remove(sock)
    for sock in sockets:
        sock.close()
    return ask(connection, 'GET', place + '/wait')['metadata']['return']


def events(path):
    """All events until the server closes; for whole frames of 126 bytes to
    64 KiB alone."""
    sock = handshake(path, '/1.0/events')
    data, found = shaken(sock), []
    while True:
        start = 0
        while len(data) - start >= 4:
            end = start + 4 + (
                six.indexbytes(data, start + 2) << 8
                | six.indexbytes(data, start + 3))
            if end > len(data):
                break
            found.append(json.loads(data[start + 4:end].decode('utf-8')))
            start = end
        piece = sock.recv(WHOLE)
        if not piece:
            sock.close()
            return found
        data = data[start:] + piece
