"""Servers that do as a test says, on loopback or on a unix socket."""
import base64
import binascii
import collections
import datetime
import hashlib
import ipaddress
import json
import os
import shutil
import socket
import ssl
import tempfile
import threading

import six
from cryptography import x509
from cryptography.hazmat.backends import default_backend
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from six.moves import queue
from ws4py import framing

Request = collections.namedtuple('Request', 'method target headers body')

#: What `GET /1.0` of a server says, as far as the library reads it.
ROOT = {
    'api_version': '1.0', 'auth': 'trusted',
    'api_extensions': ['instances', 'directory_manipulation', 'file_delete',
                       'file_symlinks'],
    'environment': {'server': 'lxd'},
}


class Listener(object):
    """Calls ``serve(connection)`` in a thread for each connection.

    :param path: of a unix socket; True makes one; None: a port of loopback.
    :param context: of TLS.
    """

    def __init__(self, serve, path=None, context=None):
        self.connections = 0
        self._serve, self._context = serve, context
        self._open, self._threads, self._directory = [], [], None
        self._failures = []
        self.ended = queue.Queue()  # something for each connection's end
        if path is True:
            self._directory = tempfile.mkdtemp()
            path = self._directory + '/socket'
        self._listener = socket.socket(
            socket.AF_UNIX if path else socket.AF_INET)
        self._listener.bind(path or ('127.0.0.1', 0))
        self._listener.listen(64)
        self.endpoint = path or '{}://127.0.0.1:{}'.format(
            'https' if context else 'http', self.port)
        self._start(self._accept)

    @property
    def port(self):
        return self._listener.getsockname()[1]

    def _start(self, function, *args):
        thread = threading.Thread(target=function, args=args)
        thread.daemon = True
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except (OSError, socket.error):
                return
            self.connections += 1
            if self._context:
                connection = self._context.wrap_socket(
                    connection, server_side=True,
                    do_handshake_on_connect=False)
            self._open.append(connection)
            self._start(self._run, connection)

    def _run(self, connection):
        try:
            if self._context:
                connection.do_handshake()
            self._serve(connection)
        except (OSError, socket.error, ssl.SSLError):
            pass  # the client went away, as it does where it refuses
        except Exception as error:
            if connection in self._open:  # else we have closed it ourselves
                self._failures.append(error)
        finally:
            _close(connection)
            self.ended.put(connection)

    def close_connections(self):
        """As a server does that restarts."""
        while self._open:
            _close(self._open.pop())

    def close(self):
        _close(self._listener)
        self._threads[0].join()  # no more come
        self.close_connections()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        if self._directory:
            shutil.rmtree(self._directory)
        assert not self._failures

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Server(Listener):
    """Answers HTTP requests as ``answer(request)`` says, and keeps them.

    It returns bytes to send, None to close the connection, or a function
    that takes the connection over.
    """

    def __init__(self, answer, path=None, context=None):
        self.requests = []
        self._answer = answer
        super(Server, self).__init__(self._converse, path, context)

    def _converse(self, connection):
        stream = connection.makefile('rb', 0)
        while True:
            request = read_request(stream)
            if request is None:
                return
            self.requests.append(request)
            answer = self._answer(request)
            if not isinstance(answer, bytes):
                return answer and answer(connection)
            connection.sendall(answer)

    @property
    def asked(self):
        """The requests as lines: ``GET /1.0``."""
        return [request.method + ' ' + request.target
                for request in self.requests]


class Proxy(Listener):
    """Relays to a unix socket, and keeps what each client sent.

    With a ``context`` it ends TLS: the server behind takes the client for
    a local one.
    """

    def __init__(self, target, path=None, context=None):
        self.sent = []
        self._target = target
        super(Proxy, self).__init__(self._relay, path, context)

    def _relay(self, connection):
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        self._open.append(server)
        sent = bytearray()
        self.sent.append(sent)
        self._start(_pump, server, connection, bytearray())
        _pump(connection, server, sent)


def _pump(source, target, log):
    try:
        while True:
            piece = source.recv(65536)
            if not piece:
                break
            log += piece
            target.sendall(piece)
    except (OSError, socket.error, ssl.SSLError):
        pass
    _close(source)
    _close(target)


def _close(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except (OSError, socket.error):
        pass
    connection.close()


def read_request(stream):
    """The next request, or None at the end of the stream."""
    line = stream.readline().split()
    if len(line) < 3:
        return None
    headers = {}
    for header in iter(stream.readline, b'\r\n'):
        if not header:
            return None
        name, _, value = six.ensure_str(header, 'latin-1').partition(':')
        headers[name.lower()] = value.strip()
    if headers.get('transfer-encoding') == 'chunked':
        body = b''
        while True:
            size = int(stream.readline() or b'0', 16)
            body += _read(stream, size)
            stream.readline()
            if not size:
                break
    else:
        body = _read(stream, int(headers.get('content-length', 0)))
    return Request(
        six.ensure_str(line[0]), six.ensure_str(line[1]), headers, body)


def _read(stream, size):
    data = b''
    while len(data) < size:
        piece = stream.read(size - len(data))
        if not piece:
            break
        data += piece
    return data


def http(body=b'', status='200 OK', **headers):
    """An answer; underscores in the names of headers are hyphens."""
    headers.setdefault('Content_Length', len(body))
    head = ['HTTP/1.1 ' + status] + [
        '{}: {}'.format(name.replace('_', '-'), value)
        for name, value in sorted(headers.items()) if value is not None]
    return six.ensure_binary('\r\n'.join(head) + '\r\n\r\n') + body


def reply(document, status='200 OK', **headers):
    """Any JSON."""
    return http(six.ensure_binary(json.dumps(document)), status,
                Content_Type='application/json', **headers)


def sync(metadata, **headers):
    """A good answer."""
    return reply({'type': 'sync', 'status': 'Success', 'status_code': 200,
                  'metadata': metadata}, **headers)


def begun(operation):
    """An answer that an operation has begun."""
    return reply({'type': 'async', 'status': 'Operation created',
                  'operation': '/1.0/operations/' + operation['id'],
                  'status_code': 100, 'metadata': operation}, '202 Accepted')


def error(code, said):
    """An answer that the server refuses."""
    return reply({'type': 'error', 'error_code': code, 'error': said},
                 '{} Refused'.format(code))


def lxd(pages=None, root=ROOT):
    """What answers as LXD does: by ``METHOD /path`` without the query.

    The pages are metadata, bytes (the whole answer) or functions of the
    request that give these.
    """
    pages = {} if pages is None else pages

    def answer(request):
        asked = request.method + ' ' + request.target.split('?')[0]
        page = pages.get(asked, root if asked == 'GET /1.0' else None)
        if page is None:
            return error(404, 'not found')
        if callable(page):
            page = page(request)
        return page if isinstance(page, bytes) or callable(
            page) else sync(page)
    return answer


def upgrade(request):
    """The answer that opens a websocket."""
    key = request.headers['sec-websocket-key'] + (
        '258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
    return http(status='101 Switching Protocols', Upgrade='websocket',
                Connection='Upgrade', Content_Length=None,
                Sec_WebSocket_Accept=six.ensure_str(base64.b64encode(
                    hashlib.sha1(six.ensure_binary(key)).digest())))


def frame(data, opcode=framing.OPCODE_BINARY, fin=1):
    """A frame as servers send it."""
    return bytes(framing.Frame(opcode=opcode, body=data, fin=fin).build())


def frames(connection):
    """What a client sends: opcode and data of each frame, unmasked."""
    stream = connection.makefile('rb', 0)
    while True:
        head = bytearray(_read(stream, 2))
        if len(head) < 2:
            return
        assert head[1] & 0x80, 'a client must mask'
        length = head[1] & 0x7f
        if length > 125:
            length = int(binascii.hexlify(_read(
                stream, 2 if length == 126 else 8)), 16)
        mask = bytearray(_read(stream, 4))
        data = bytearray(_read(stream, length))
        yield head[0] & 0xf, bytes(bytearray(
            byte ^ mask[place % 4] for place, byte in enumerate(data)))


def certificate(directory, name='localhost', hosts=(u'127.0.0.1',),
                issuer=None):
    """Make a certificate: the paths of it and of its key, in PEM.

    :param issuer: the paths of the one that signs it; itself otherwise.
    """
    key = ec.generate_private_key(ec.SECP256R1(), default_backend())
    subject = x509.Name([x509.NameAttribute(
        NameOID.COMMON_NAME, six.ensure_text(name))])
    signer, signing_name = key, subject
    if issuer is not None:
        with open(issuer[0], 'rb') as pem:
            signing_name = x509.load_pem_x509_certificate(
                pem.read(), default_backend()).subject
        with open(issuer[1], 'rb') as pem:
            signer = serialization.load_pem_private_key(
                pem.read(), None, default_backend())
    today = datetime.datetime(*datetime.date.today().timetuple()[:3])
    made = x509.CertificateBuilder(
    ).subject_name(subject).issuer_name(signing_name).public_key(
        key.public_key()
    ).serial_number(x509.random_serial_number()).not_valid_before(
        today - datetime.timedelta(2)
    ).not_valid_after(today + datetime.timedelta(30)).add_extension(
        x509.SubjectAlternativeName([
            x509.IPAddress(ipaddress.ip_address(host))
            if host[-1:].isdigit() else x509.DNSName(host)
            for host in hosts]), critical=False
    ).add_extension(
        x509.BasicConstraints(ca=issuer is None, path_length=None),
        critical=True).sign(signer, hashes.SHA256(), default_backend())
    paths = tuple(os.path.join(
        str(directory), '{}.{}'.format(name, kind)) for kind in ('crt', 'key'))
    with open(paths[0], 'wb') as pem:
        pem.write(made.public_bytes(serialization.Encoding.PEM))
    with open(paths[1], 'wb') as pem:
        os.fchmod(pem.fileno(), 0o600)
        pem.write(key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption()))
    return paths


def tls(pair):
    """The context of a server that shows this certificate."""
    context = ssl.SSLContext(
        getattr(ssl, 'PROTOCOL_TLS_SERVER', ssl.PROTOCOL_SSLv23))
    context.load_cert_chain(*pair)
    return context
