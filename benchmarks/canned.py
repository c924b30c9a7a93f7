"""A stand-in that answers what a real server said, without thinking.

So that a measurement is of the client: a list of any length, and events as
fast as they are taken. A process of its own, it takes a file of JSON with
``root`` and ``instance`` (answers of the real server), how many instances and
how many events; it ends with its standard input.
"""
import base64
import hashlib
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

from six.moves import BaseHTTPServer, socketserver

EVENT = {
    'type': 'logging', 'timestamp': '2026-01-01T00:00:00.000000000Z',
    'location': 'none', 'metadata': {
        'level': 'debug', 'message': 'Handling API request',
        'context': {'ip': '@', 'method': 'GET', 'protocol': 'unix',
                    'url': '/1.0/instances/c1/state', 'username': 'root',
                    'filler': 'x' * 100}}}


class Canned(object):
    """Runs it; ``path`` is its socket."""

    def __init__(self, root, instance, instances=1, events=0):
        self._directory = tempfile.mkdtemp()
        self.path = self._directory + '/socket'
        said = self._directory + '/said'
        with open(said, 'w') as file:
            json.dump({'root': root, 'instance': instance}, file)
        self._process = subprocess.Popen(
            [sys.executable, '-m', __name__, self.path, said,
             str(instances), str(events)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.communicate()
        shutil.rmtree(self._directory)


def serve(path, said, instances, events):
    with open(said) as file:
        said = json.load(file)
    many = [dict(said['instance'], name='c{:05}'.format(number))
            for number in range(int(instances))]
    answers = {
        '/1.0': said['root'],
        '/1.0/instances': ['/1.0/instances/' + each['name'] for each in many],
        '/1.0/instances?recursion=1': many,
    }
    answers = {place: json.dumps({
        'type': 'sync', 'status': 'Success', 'status_code': 200,
        'metadata': answer}).encode() for place, answer in answers.items()}
    event = json.dumps(EVENT).encode()
    stream = (struct.pack('!BBH', 0x81, 126, len(event)) + event) * int(events)

    class Handler(BaseHTTPServer.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'
        wbufsize = -1  # head and body in one packet

        def address_string(self):
            return ''

        def log_message(self, *_):
            pass

        def do_GET(self):
            place, _, query = self.path.partition('?')
            if 'recursion=1' in query:
                place += '?recursion=1'
            if place == '/1.0/events':
                return self.do_events()
            self.send_response(200)
            self.send_header('Content-Type', 'application/json')
            self.send_header('Content-Length', str(len(answers[place])))
            self.end_headers()
            self.wfile.write(answers[place])

        def do_events(self):
            self.send_response(101)
            self.send_header('Upgrade', 'websocket')
            self.send_header('Connection', 'Upgrade')
            self.send_header('Sec-WebSocket-Accept', accept(
                self.headers['Sec-WebSocket-Key']))
            self.end_headers()
            self.wfile.write(stream)
            self.wfile.flush()
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


def accept(key):
    """What a handshake is answered with."""
    return base64.b64encode(hashlib.sha1(
        key.encode() + b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
    ).digest()).decode()


if __name__ == '__main__':
    serve(*sys.argv[1:])
