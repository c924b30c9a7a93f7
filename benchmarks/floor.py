"""The floor: the same work with `http.client` and bare sockets.

Connections are kept, answers are parsed by `json.loads`, and the websockets
are written by hand for one purpose each. No client in Python costs less.
"""
import base64
import json
import os
import select
import socket
import ssl

import six
from six.moves import http_client

#: Bytes to receive at once where much arrives.
LARGE = 256 * 1024
#: Bytes to receive at once where single events arrive: the memory for 256 KiB
#: is mapped anew for each call, which costs up to 40 us.
SMALL = 16 * 1024


class UnixConnection(http_client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        http_client.HTTPConnection.__init__(self, 'localhost')
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def make_https_connection(endpoint, cert):
    """Return an HTTPS connection that does not verify the server.

    :param cert: paths of the client's certificate and key.
    """
    context = ssl.SSLContext(
        getattr(ssl, 'PROTOCOL_TLS_CLIENT', ssl.PROTOCOL_SSLv23))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(*cert)
    return http_client.HTTPSConnection(
        endpoint.partition('://')[2], context=context)


def request(connection, method, path, body=None):
    """Send a request and return the ``metadata`` of the answer."""
    connection.request(method, path, body and json.dumps(body))
    return json.loads(six.ensure_text(
        connection.getresponse().read()))['metadata']


def send_handshake(socket_path, resource):
    """Connect, ask for a websocket and return the socket."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(socket_path)
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall((
        'GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n'
        'Upgrade: websocket\r\nSec-WebSocket-Key: {}\r\n'
        'Sec-WebSocket-Version: 13\r\n\r\n').format(resource, key).encode())
    return sock


def read_handshake(sock):
    """Read the answer to the handshake and return the bytes that follow."""
    answer = b''
    while b'\r\n\r\n' not in answer:
        answer += sock.recv(4096)
    return answer.partition(b'\r\n\r\n')[2]


def execute(connection, socket_path, name, command):
    """Run a command that prints nothing and return its exit code."""
    operation = request(
        connection, 'POST', '/1.0/instances/{}/exec'.format(name), {
            'command': command, 'wait-for-websocket': True,
            'interactive': False})
    path = '/1.0/operations/' + operation['id']
    sockets = [
        send_handshake(socket_path, '{}/websocket?secret={}'.format(
            path, operation['metadata']['fds'][fd])) for fd in '012']
    for sock in sockets:
        read_handshake(sock)
    try:
        sockets[0].sendall(b'\x81\x80\0\0\0\0')  # empty text: end of input
    except socket.error:
        pass  # the command has already ended
    reading = sockets[1:]
    while reading:
        for sock in select.select(reading, [], [])[0]:
            if not sock.recv(LARGE):
                reading.remove(sock)
    for sock in sockets:
        sock.close()
    return request(connection, 'GET', path + '/wait')['metadata']['return']


def start_terminal(connection, socket_path, name, command):
    """Start a command on a terminal; return its two sockets."""
    operation = request(
        connection, 'POST', '/1.0/instances/{}/exec'.format(name), {
            'command': command, 'wait-for-websocket': True,
            'interactive': True, 'width': 80, 'height': 24})
    sockets = [send_handshake(
        socket_path, '/1.0/operations/{}/websocket?secret={}'.format(
            operation['id'], operation['metadata']['fds'][fd]))
        for fd in ('control', '0')]
    for sock in sockets:
        read_handshake(sock)
    return sockets


def type_key(sock):
    """Type a key on a terminal, and wait for its echo."""
    sock.sendall(b'\x82\x81\0\0\0\0x')
    assert sock.recv(SMALL).endswith(b'x')


def receive_events(sock, data, size):
    """Return all events that come before the server closes the websocket.

    Only for whole frames with a payload of 126 bytes to 64 KiB.

    :param data: the bytes that followed the handshake.
    :param size: bytes to receive at once.
    """
    events = []
    while True:
        start = 0
        while len(data) - start >= 4:
            end = start + 4 + (
                six.indexbytes(data, start + 2) << 8
                | six.indexbytes(data, start + 3))
            if end > len(data):
                break
            events.append(json.loads(data[start + 4:end].decode('utf-8')))
            start = end
        received = sock.recv(size)
        if not received:
            sock.close()
            return events
        data = data[start:] + received
