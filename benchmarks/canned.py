"""A server that sends recorded answers, so that the client is measured alone.

``python -m benchmarks.canned SOCKET ANSWERS INSTANCES EVENTS PACE`` serves on
a unix socket until its standard input is closed. ``ANSWERS`` is a JSON file
with the metadata of a real server's ``GET /1.0`` as ``root`` and an instance
as ``instance``. The server has ``INSTANCES`` copies of the instance, and
sends ``EVENTS`` events to each websocket: all at once if ``PACE`` is
``together``, or each one after the client has read the event before it if
``PACE`` is ``single``.
"""
import base64
import fcntl
import hashlib
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

from six.moves import BaseHTTPServer, socketserver

EVENT = {
    'type': 'logging', 'timestamp': '2026-01-01T00:00:00.000000000Z',
    'location': 'none', 'metadata': {
        'level': 'debug', 'message': 'Handling API request',
        'context': {'ip': '@', 'method': 'GET', 'protocol': 'unix',
                    'url': '/1.0/instances/c1/state', 'username': 'root',
                    'filler': 'x' * 100}}}
#: Seconds between two single events. After such a pause an event costs the
#: client five times the CPU that it costs after 0.1 ms, because the caches are
#: cold; an idle server sends events this far apart.
PAUSE = 0.01
#: Seconds between two checks whether the client has read an event.
POLL = 0.0001


class CannedServer(object):
    """The server in a process of its own; ``path`` is its socket.

    :param root: metadata of a real server's ``GET /1.0``.
    :param instance: metadata of an instance.
    :param instances: number of instances.
    :param events: number of events for each websocket.
    :param pace: ``together`` or ``single``.
    """

    def __init__(self, root, instance, instances=1, events=0,
                 pace='together'):
        self._directory = tempfile.mkdtemp()
        self.path = self._directory + '/socket'
        answers = self._directory + '/answers'
        with open(answers, 'w') as file:
            json.dump({'root': root, 'instance': instance}, file)
        self._process = subprocess.Popen(
            [sys.executable, '-m', __name__, self.path, answers,
             str(instances), str(events), pace],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.communicate()
        shutil.rmtree(self._directory)


def make_bodies(answers, count):
    """Return the body of each answer by its path."""
    instances = [dict(answers['instance'], name='c{:05}'.format(number))
                 for number in range(count)]
    metadata = {
        '/1.0': answers['root'],
        '/1.0/instances': ['/1.0/instances/' + instance['name']
                           for instance in instances],
        '/1.0/instances?recursion=1': instances,
    }
    return {path: json.dumps({
        'type': 'sync', 'status': 'Success', 'status_code': 200,
        'metadata': value}).encode() for path, value in metadata.items()}


def has_unread_data(sock):
    """Return whether the peer has not read all that was sent."""
    return fcntl.ioctl(sock, termios.TIOCOUTQ, b'\0' * 4) != b'\0' * 4


def make_accept_key(key):
    """Return the ``Sec-WebSocket-Accept`` that answers a key (RFC 6455)."""
    return base64.b64encode(hashlib.sha1(
        key.encode() + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
    ).digest()).decode()


def serve(path, answers, instances, events, pace):
    with open(answers) as file:
        bodies = make_bodies(json.load(file), int(instances))
    event = json.dumps(EVENT).encode()
    frame = struct.pack('!BBH', 0x81, 126, len(event)) + event
    events = int(events)

    class Handler(BaseHTTPServer.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        wbufsize = -1  # head and body in one packet

        def address_string(self):
            return ''

        def log_message(self, *_):
            pass

        def do_GET(self):
            path, _, query = self.path.partition('?')
            if path == '/1.0/events':
                return self.send_events()
            if 'recursion=1' in query:
                path += '?recursion=1'
            self.send_response(200)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(bodies[path])))
            self.end_headers()
            self.wfile.write(bodies[path])

        def send_events(self):
            self.send_response(101)
            self.send_header('Upgrade', 'websocket')
            self.send_header('Connection', 'Upgrade')
            self.send_header('Sec-WebSocket-Accept', make_accept_key(
                self.headers['Sec-WebSocket-Key']))
            self.end_headers()
            if pace == 'together':
                self.wfile.write(frame * events)
            self.wfile.flush()
            if pace == 'single':
                for _ in range(events):
                    time.sleep(PAUSE)
                    while has_unread_data(self.connection):
                        time.sleep(POLL)
                    self.connection.sendall(frame)
            self.close_connection = True

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    server = Server(path, Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.daemon = True
    thread.start()
    print('ready')
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == '__main__':
    serve(*sys.argv[1:])
