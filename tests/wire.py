"""Servers with scripted answers, on the loopback address or a unix socket."""
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

#: The metadata of ``GET /1.0``, as far as the library reads it.
ROOT = {
    'api_version': '1.0', 'auth': 'trusted',
    'api_extensions': ['instances', 'directory_manipulation', 'file_delete',
                       'file_symlinks'],
    'environment': {'server': 'lxd'},
}


class Listener(object):
    """Call ``serve(connection)`` in a thread for each connection.

    :param path: of the unix socket; True makes one in a new directory, and
        None listens on a port of 127.0.0.1.
    :param context: the TLS context; None for a server without TLS.
    """

    def __init__(self, serve, path=None, context=None):
        self.connections = 0
        self._serve, self._context = serve, context
        self._open, self._threads, self._directory = [], [], None
        self._failures = []
        self.ended = queue.Queue()  # each connection that has ended
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
            pass  # the client closed it, as it does with a server it refuses
        except Exception as error:
            if connection in self._open:  # else close_connections() ended it
                self._failures.append(error)
        finally:
            _close(connection)
            self.ended.put(connection)

    def close_connections(self):
        """Close all connections, as a restarting server does."""
        while self._open:
            _close(self._open.pop())

    def close(self):
        _close(self._listener)
        self._threads[0].join()  # accepts no more connections
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
    """Answer HTTP requests with ``answer(request)``; keep the requests.

    ``answer`` returns the bytes to send, None to close the connection, or a
    function that is called with the connection and serves it from then on.
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
    def requested(self):
        """The requests so far, such as ``GET /1.0``, each query sorted."""
        targets = [request.target.partition('?') for request in self.requests]
        return [request.method + ' ' + path + mark + '&'.join(
                    sorted(query.split('&')))
                for request, (path, mark, query) in zip(
                    self.requests, targets)]


class Proxy(Listener):
    """Relay connections to a unix socket; keep the bytes of each client.

    A proxy with a TLS ``context`` decrypts, so the server behind the unix
    socket trusts every client as a local one.
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
    """Return the next request, or None at the end of the stream."""
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
    """Return an HTTP response.

    :param headers: by name, with underscores for hyphens; a value of None
        leaves ``Content-Length`` out.
    """
    headers.setdefault('Content_Length', len(body))
    head = ['HTTP/1.1 ' + status] + [
        '{}: {}'.format(name.replace('_', '-'), value)
        for name, value in sorted(headers.items()) if value is not None]
    return six.ensure_binary('\r\n'.join(head) + '\r\n\r\n') + body


def reply(document, status='200 OK', **headers):
    """Return a response with a JSON document, whatever that is."""
    return http(six.ensure_binary(json.dumps(document)), status,
                Content_Type='application/json', **headers)


def sync(metadata, **headers):
    """Return a response of the type ``sync``."""
    return reply({'type': 'sync', 'status': 'Success', 'status_code': 200,
                  'metadata': metadata}, **headers)


def accepted(operation):
    """Return a response of the type ``async``, with a running operation."""
    return reply({'type': 'async', 'status': 'Operation created',
                  'operation': '/1.0/operations/' + operation['id'],
                  'status_code': 100, 'metadata': operation}, '202 Accepted')


def error(code, message):
    """Return a response of the type ``error``."""
    return reply({'type': 'error', 'error_code': code, 'error': message},
                 '{} Refused'.format(code))


def lxd_api(pages=None, root=ROOT):
    """Return an ``answer`` for `Server` that behaves as the API of LXD.

    :param pages: by ``METHOD /path`` (without the query) the metadata, the
        bytes of the whole response, or a function of the request that returns
        one of these. Everything else is answered with 404.
    :param root: the metadata of ``GET /1.0``.
    """
    pages = {} if pages is None else pages

    def answer(request):
        line = request.method + ' ' + request.target.split('?')[0]
        page = pages.get(line, root if line == 'GET /1.0' else None)
        if page is None:
            return error(404, 'not found')
        if callable(page):
            page = page(request)
        return page if isinstance(page, bytes) or callable(
            page) else sync(page)
    return answer


def upgrade(request):
    """Return the response that opens the websocket."""
    key = request.headers['sec-websocket-key'] + (
        '258EAFA5-E914-47DA-95CA-C5AB0DC85B11')
    return http(status='101 Switching Protocols', Upgrade='websocket',
                Connection='Upgrade', Content_Length=None,
                Sec_WebSocket_Accept=six.ensure_str(base64.b64encode(
                    hashlib.sha1(six.ensure_binary(key)).digest())))


def frame(data, opcode=framing.OPCODE_BINARY, fin=1):
    """Return a frame as servers send it, without a mask."""
    return bytes(framing.Frame(opcode=opcode, body=data, fin=fin).build())


def read_frames(connection):
    """Yield the opcode and the unmasked data of each frame of a client."""
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


def make_certificate(directory, name='localhost', hosts=(u'127.0.0.1',),
                     issuer=None):
    """Write a certificate and its key in PEM, and return both paths.

    :param issuer: both paths of the certificate that signs the new one; the
        new one signs itself otherwise.
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
    certificate = x509.CertificateBuilder(
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
        pem.write(certificate.public_bytes(serialization.Encoding.PEM))
    with open(paths[1], 'wb') as pem:
        os.fchmod(pem.fileno(), 0o600)
        pem.write(key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption()))
    return paths


def tls_context(pair):
    """Return the TLS context of a server with this certificate and key."""
    context = ssl.SSLContext(
        getattr(ssl, 'PROTOCOL_TLS_SERVER', ssl.PROTOCOL_SSLv23))
    context.load_cert_chain(*pair)
    return context
