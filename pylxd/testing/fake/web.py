"""HTTP and websockets: from the socket to the function that answers.

A module of the API names its functions by :func:`route`; a function gets the
:class:`Request` and the variable parts of the path, and returns an
:class:`Answer`, an operation that is to start, or what to send as metadata.
"""
from __future__ import unicode_literals

import base64
import fnmatch
import hashlib
import json
import re
import socket
import struct
import threading

import six
from six.moves import BaseHTTPServer, http_client, socketserver
from six.moves.urllib import parse

from pylxd.testing.fake import golang, tls
from pylxd.testing.fake.daemon import APIError, Operation, digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
    from pylxd.testing.fake.daemon import Daemon
    from pylxd.testing.fake.faults import Faults

    class WebSocket(object):  # ws4py has no types; this is what is used
        sock = None  # type: Any

        def __init__(self, sock):
            # type: (Any) -> None
            pass

        def send(self, payload, binary=False):
            # type: (Any, bool) -> None
            pass

        def run(self):
            # type: () -> None
            pass
else:
    from ws4py.websocket import WebSocket

BLOCK = 256 * 1024

_ROUTES = []  # type: List[Tuple[Any, Dict[str, Any]]]
_INSTANCES = r'(instances|containers|virtual-machines)'
_WEBSOCKET = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'


def route(method, pattern, public=False):
    # type: (str, str, bool) -> Callable[[Any], Any]
    """Let a function answer a method of a path.

    :param pattern: with ``{}`` for a name and ``{instances}`` for the names
        that instances have there
    :param public: whether strangers may ask, too
    """
    expression = re.compile(
        '^' + pattern.replace('{instances}', _INSTANCES).replace(
            '{}', '([^/]+)') + '$')

    def register(function):
        # type: (Any) -> Any
        for known, methods in _ROUTES:
            if known.pattern == expression.pattern:
                methods[method] = function, public
                break
        else:
            _ROUTES.append((expression, {method: (function, public)}))
            # What is written out goes before what is any name
            _ROUTES.sort(key=lambda item: item[0].pattern.replace('(', '~'))
        return function
    return register


class Answer(object):
    """What is sent back.

    :param body: bytes, or an iterable of them whose length is told in the
        headers
    """

    def __init__(self, status, body=b'', headers=None, type_='json'):
        # type: (int, Any, Any, str) -> None
        self.status = status
        self.body = body
        self.headers = {
            'Content-Type': 'application/' + type_}  # type: Dict[str, str]
        if isinstance(body, bytes):
            self.headers['Content-Length'] = str(len(body))
        if status >= 400:
            self.headers['X-Content-Type-Options'] = 'nosniff'
        self.headers.update(headers or {})


def sync(metadata, status=200, etag=None, **headers):
    # type: (Any, int, Any, **str) -> Answer
    """An answer with the envelope of the API.

    :param etag: what counts in the ETag of the object
    """
    if etag is not None:
        headers['Etag'] = '"{}"'.format(digest(etag))
    return Answer(status, envelope('sync', metadata=metadata), headers)


def created(path):
    # type: (str) -> Answer
    """The answer to what has made something."""
    return sync(None, 201, Location=path)


def failed(status, text):
    # type: (int, str) -> Answer
    """The answer that something is wrong."""
    return Answer(status, envelope(
        'error', error_code=status, error=text) + b'\n')


def _begun(operation):
    # type: (Operation) -> Answer
    return Answer(202, envelope(
        'async', operation=operation.path, metadata=operation.start()),
        {'Location': operation.path})


def envelope(type_, **fields):
    # type: (str, **Any) -> bytes
    """What every answer of the API is wrapped in."""
    envelope = {'type': type_, 'status': '', 'status_code': 0,
                'operation': '', 'error_code': 0, 'error': '',
                'metadata': None}
    envelope.update(fields, **{
        'sync': {'status': 'Success', 'status_code': 200},
        'async': {'status': 'Operation created', 'status_code': 100},
    }.get(type_, {}))
    return json.dumps(envelope).encode('utf-8') + b'\n'


class Early(object):
    """An answer whose body is made after its head has been sent."""

    def __init__(self, make):
        # type: (Callable[[], bytes]) -> None
        self.make = make


class Upgrade(object):
    """An answer that turns the connection into a websocket.

    :param connected: called with the :class:`Socket`
    :param early: whether that is before the client knows
    """

    def __init__(self, connected, early=False):
        # type: (Callable[[Socket], Any], bool) -> None
        self.connected = connected
        self.early = early


class Request(object):
    """One request, and what the server knows of who sent it."""

    def __init__(self, daemon, handler):
        # type: (Daemon, Any) -> None
        self.daemon = daemon  # type: Any
        self.method = handler.command  # type: str
        path, _, query = handler.path.partition('?')
        self.path = path  # type: str
        self.query = {
            key: six.ensure_text(value, errors='replace')
            for key, value in parse.parse_qsl(six.ensure_str(
                query), keep_blank_values=True)}  # type: Dict[str, str]
        self.headers = handler.headers  # type: Any
        self.body = Body(handler)  # type: Body
        self.certificate = handler.certificate  # type: Optional[bytes]
        self.fingerprint = hashlib.sha256(
            self.certificate or b'').hexdigest()  # type: str
        self.local = handler.server.context is None  # type: bool
        #: why an operation that it begins is to fail
        self.fails = None  # type: Optional[str]
        #: seconds that the operation takes longer
        self.hold = 0.0  # type: float
        #: how many messages its websocket lives for
        self.messages = None  # type: Optional[int]

    @property
    def trusted(self):
        # type: () -> bool
        """Whether the server does what it asks for."""
        return self.local or self.fingerprint in self.daemon.certificates

    @property
    def requestor(self):
        # type: () -> Dict[str, str]
        """What events tell of the sender."""
        if self.local:
            return {'username': 'root', 'protocol': 'unix', 'address': '@'}
        return {'username': self.fingerprint, 'protocol': 'tls',
                'address': '127.0.0.1'}

    def json(self, struct, fields):
        # type: (str, str) -> Dict[str, Any]
        """The body as an object; see :func:`golang.decode`."""
        return golang.decode(self.text, struct, fields)

    @property
    def text(self):
        # type: () -> bytes
        """The whole body."""
        if not hasattr(self, '_text'):
            self._text = b''.join(self.body)
        return self._text

    def header(self, name, default=''):
        # type: (str, str) -> str
        """A header with the prefix of this server."""
        value = self.headers.get(self.daemon.kind.prefix + name, default)
        if not isinstance(value, bytes):
            value = value.encode('latin-1')
        return value.decode('utf-8', 'replace')

    def recursion(self):
        # type: () -> int
        """How deep a list is to be."""
        value = self.query.get('recursion', '0')
        return int(value) if value.isdigit() else 0

    def match(self, counts):
        # type: (Any) -> None
        """Compare ``If-Match`` with what counts in the ETag.

        :raises APIError: it is the ETag of something else
        """
        wanted = self.headers.get('If-Match')
        if wanted and wanted.strip('"') != digest(counts):
            raise APIError(412, "ETag doesn't match: {} vs {}".format(
                digest(counts), wanted.strip('"')))

    def operation(self, description, work=None, resources=None, **more):
        # type: (str, Any, Any, **Any) -> Operation
        """An operation for this request, not started yet.

        :param resources: ``(kind, path)`` of each; where there are
            containers beside instances, they are named as well
        """
        found = {}  # type: Dict[str, List[str]]
        for resource in resources or ():
            found.setdefault(resource[0], []).append('/1.0/' + '/'.join(
                resource[0].split('_')[:1] + list(resource[1:2])
                + ['snapshots'] * len(resource[2:]) + list(resource[2:])))
        return Operation(self.daemon, description, work, found or None,
                         fails=self.fails, hold=self.hold, **more)


class Body(object):
    """The body of a request, which may come in chunks."""

    def __init__(self, handler):
        # type: (Any) -> None
        self._file = handler.rfile
        self._left = int(handler.headers.get('Content-Length') or 0)
        self._chunked = 'chunked' in (
            handler.headers.get('Transfer-Encoding') or '').lower()

    def __iter__(self):
        # type: () -> Iterator[bytes]
        while self._chunked or self._left:
            if not self._left:
                self._left = int(self._file.readline().split(b';')[0], 16)
                if not self._left:
                    while self._file.readline().strip():
                        pass
                    self._chunked = False
                    return
            piece = self._file.read(min(self._left, BLOCK))
            if not piece:
                raise socket.error('the body ends early')
            self._left -= len(piece)
            if self._chunked and not self._left:
                self._file.readline()
            yield piece


class Socket(WebSocket):
    """A websocket of a client, as what answers it sees it."""

    types = ()  # type: Any
    pipe = None  # type: Any  # what a migration brings
    limit = None  # type: Optional[int]

    def setup(self, messages):
        # type: (Optional[int]) -> None
        """Prepare it; it breaks after so many messages to the client."""
        self.limit = messages
        self.sending = threading.Lock()  # type: Any
        self.received = lambda data, text: None  # type: Any
        self.gone = lambda: None  # type: Any
        if isinstance(self.sock, socket.socket):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                                 struct.pack(str('ll'), tls.PATIENCE, 0))

    def tell(self, data, binary=False):
        # type: (Any, bool) -> bool
        """Send a message; False when nobody is there any more."""
        try:
            with self.sending:
                if self.limit is not None:
                    self.limit -= 1
                    if self.limit < 0:
                        self.close_connection()
                self.send(data, binary)
            return True
        except (EnvironmentError, RuntimeError, AttributeError):
            return False

    def received_message(self, message):
        # type: (Any) -> None
        """Hand it on."""
        self.received(message.data, message.is_text)

    def closed(self, code, reason=None):
        # type: (int, Any) -> None
        """Hand it on."""
        self.gone()

    def unhandled_error(self, error):
        # type: (Any) -> None
        """Nothing: a broken connection is no news."""

    def close_connection(self):
        # type: () -> None
        """Break the connection, whoever uses it."""
        if self.sock is not None:
            cut(self.sock)


#: Held while a connection is closed, and while its number is used.
_closing = threading.Lock()


def cut(connection):
    # type: (Any) -> None
    """End a connection under whoever reads or writes it.

    Not by the socket itself: an SSLSocket would go on in the clear.
    """
    try:
        with _closing:  # or the number may be another connection's by now
            twin = socket.fromfd(
                connection.fileno(), socket.AF_UNIX, socket.SOCK_STREAM)
    except EnvironmentError:
        return
    try:
        twin.shutdown(socket.SHUT_RDWR)
    except EnvironmentError:
        pass
    finally:
        twin.close()


class Dropped(Exception):
    """The connection is to be closed where it stands."""


class _Cut(object):
    """A file that breaks after some bytes."""

    def __init__(self, file, size):
        # type: (Any, int) -> None
        self._file = file
        self._left = size

    def write(self, data):
        # type: (bytes) -> None
        """Write what still goes."""
        self._file.write(data[:self._left])
        self._left -= len(data)
        if self._left < 0:
            raise Dropped

    def __getattr__(self, name):
        # type: (str) -> Any
        return getattr(self._file, name)


class Handler(BaseHTTPServer.BaseHTTPRequestHandler, object):
    """One connection."""

    protocol_version = 'HTTP/1.1'
    wbufsize = -1
    server = None  # type: Any
    wfile = None  # type: Any
    certificate = None  # type: Optional[bytes]

    def setup(self):
        # type: () -> None
        """Make a connection to the port secure."""
        if self.server.context is not None:
            self.request.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.request = self.server.secure(self.request)  # type: Any
            self.certificate = self.request.getpeercert(True)
        super(Handler, self).setup()

    def finish(self):
        # type: () -> None
        """Close what :meth:`setup` has made."""
        try:
            super(Handler, self).finish()
        except (EnvironmentError, ValueError):
            pass
        finally:
            self.server.forget(self.request)

    def log_message(self, format, *args):
        # type: (str, *Any) -> None
        """Nothing."""

    def serve(self):
        # type: () -> None
        """Answer one request."""
        server, daemon = self.server, self.server.daemon
        request = Request(daemon, self)
        server.requests.append((self.command, self.path))
        whole = self.wfile
        try:
            answer = None
            for fault in server.faults.take(self.command, request.path):
                if fault.delay:
                    daemon.dying.wait(fault.delay)
                if fault.drop is not None:
                    if fault.drop == 0 and not fault.body:
                        raise Dropped
                    self.wfile = _Cut(whole, fault.drop) if not fault.body \
                        else _CutBody(whole, fault.drop)
                request.fails = fault.fails or request.fails
                request.hold += fault.hold
                if fault.messages is not None:
                    request.messages = fault.messages
                answer = fault.answer or answer
            if daemon.dying.is_set():
                raise Dropped
            daemon.publish('logging', {
                'message': 'Handling API request', 'level': 'debug',
                'context': {'ip': request.requestor['address'],
                            'method': self.command, 'url': self.path,
                            'protocol': request.requestor['protocol'],
                            'username': request.requestor['username']}})
            self._write(answer or respond(request), request)
        except Dropped:
            self.close_connection = True  # type: bool
        finally:
            self.wfile = whole

    do_GET = serve
    do_HEAD = serve
    do_PUT = serve
    do_POST = serve
    do_PATCH = serve
    do_DELETE = serve

    def _write(self, answer, request):
        # type: (Any, Request) -> None
        if isinstance(answer, Upgrade):
            answer = self._upgrade(answer, request)
            if answer is None:
                return
        if isinstance(answer, Early):
            self._head(200, {'Content-Type': 'application/json',
                             'Connection': 'keep-alive',
                             'X-Content-Type-Options': 'nosniff',
                             'Transfer-Encoding': 'chunked'})
            self.wfile.flush()
            body = answer.make()
            self.wfile.write('{:x}\r\n'.format(len(body)).encode()
                             + body + b'\r\n0\r\n\r\n')
            return
        if answer.status >= 400:  # as Go: who is refused may still be sending
            self.close_connection = self.close_connection or bool(
                request.body._left > BLOCK)
        if not self.close_connection:
            for _ in request.body:
                pass
        self._head(answer.status, answer.headers)
        if self.command != 'HEAD':
            for piece in ([answer.body] if isinstance(answer.body, bytes)
                          else answer.body):
                self.wfile.write(piece)

    def _head(self, status, headers):
        # type: (int, Dict[str, str]) -> None
        lines = ['HTTP/1.1 {} {}'.format(
            status, http_client.responses.get(status, ''))]
        lines.append('Date: ' + self.date_time_string())
        lines.extend('{}: {}'.format(*item) for item in headers.items())
        if self.close_connection and status != 101:
            lines.append('Connection: close')
        self.wfile.write(
            ('\r\n'.join(lines) + '\r\n\r\n').encode('utf-8'))

    def _upgrade(self, answer, request):
        # type: (Upgrade, Request) -> Optional[Answer]
        key = self.headers.get('Sec-WebSocket-Key')
        if not key or 'websocket' not in self.headers.get(
                'Upgrade', '').lower():
            return Answer(400, b'Bad Request\n', {
                'Sec-Websocket-Version': '13',
                'Content-Type': 'text/plain; charset=utf-8'})
        origin = self.headers.get('Origin')
        if (self.server.daemon.kind.origin and origin and parse.urlsplit(
                origin).netloc != self.headers.get('Host')):
            return Answer(403, b'Forbidden\n', {
                'Content-Type': 'text/plain; charset=utf-8'})
        self.close_connection = True
        websocket = Socket(tls.Shared(self.request) if self.server.context
                           else self.request)
        websocket.setup(request.messages)
        with websocket.sending:  # nothing comes before the head
            if answer.early:
                answer.connected(websocket)
            self._head(101, {
                'Upgrade': 'websocket', 'Connection': 'Upgrade',
                'Sec-WebSocket-Accept': base64.b64encode(hashlib.sha1(
                    key.encode() + _WEBSOCKET).digest()).decode()})
            self.wfile.flush()
        if not answer.early:
            answer.connected(websocket)
        websocket.run()
        return None


class _CutBody(_Cut):
    """A file that breaks after some bytes behind the head."""

    _inside = False

    def write(self, data):
        # type: (bytes) -> None
        """Write what still goes."""
        if self._inside:
            super(_CutBody, self).write(data)
        else:
            self._file.write(data)
            self._inside = data.endswith(b'\r\n\r\n')


def respond(request):
    # type: (Request) -> Any
    """What the API says to a request, whatever happens."""
    try:
        answer = _find(request)
        if isinstance(answer, Operation):
            return _begun(answer)
        if isinstance(answer, (Answer, Early, Upgrade)):
            return answer
        return sync(answer)
    except APIError as error:
        return failed(error.status, six.text_type(error))
    except golang.Mismatch as error:
        return failed(400, six.text_type(error))
    except Exception as error:  # a bug here, or a wish beyond what is here
        return failed(500, 'the stand-in failed: {!r}'.format(error))


def _find(request):
    # type: (Request) -> Any
    daemon = request.daemon
    project = request.query.get('project', 'default')
    if project != 'default':
        if project not in daemon.projects:
            if request.method == 'GET' and request.path in (
                    '/1.0/instances', '/1.0/containers'):
                return []
            raise APIError(404, 'Project not found')
        request.daemon = daemon.projects[project]
    for expression, methods in _ROUTES:
        match = expression.match(request.path)
        if match and not _is_missing(daemon, match.groups()):
            break
    else:
        raise APIError(404, 'not found')
    method = 'GET' if request.method == 'HEAD' else request.method
    function, public = methods.get(method, (None, False))
    if not request.trusted and not public:
        raise APIError(403, 'not authorized')
    if function is None:
        raise APIError(501, 'not implemented')
    return function(request, *[
        six.ensure_text(parse.unquote(str(part))) for part in match.groups()])


def _is_missing(daemon, parts):
    # type: (Daemon, Tuple[str, ...]) -> bool
    """Whether this server has no such collection of instances."""
    return bool(parts) and (
        parts[0] == 'instances' and not daemon.has('instances')
        or parts[0] in ('containers', 'virtual-machines')
        and not daemon.kind.by_type)


class Server(socketserver.ThreadingMixIn, BaseHTTPServer.HTTPServer):
    """One listening socket, and the connections that came through it."""

    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, address, daemon, shared, context=None):
        # type: (Any, Daemon, Any, Any) -> None
        self.daemon = daemon
        self.requests = shared.requests  # type: List[Tuple[str, str]]
        self.faults = shared.faults  # type: Faults
        self._shared = shared
        self.context = context  # type: Any
        self._open = set()  # type: Any
        self._stopping = False
        if not isinstance(address, tuple):
            self.address_family = socket.AF_UNIX  # type: int
        socketserver.TCPServer.__init__(self, address, Handler)
        self._thread = threading.Thread(target=self._accept)
        self._thread.daemon = True
        self._thread.start()

    def server_bind(self):
        # type: () -> None
        """Bind, without asking the DNS for a name."""
        socketserver.TCPServer.server_bind(self)

    def _accept(self):
        # type: () -> None
        while True:
            try:
                connection, address = self.get_request()
            except EnvironmentError:
                return
            if self._stopping:
                connection.close()
                return
            self._shared.connections += 1
            self.process_request(connection, address)

    def process_request(self, request, client_address):
        # type: (Any, Any) -> None
        """Serve a connection in a thread of its own."""
        self._open.add(request)
        self.daemon.spawn(
            self.process_request_thread, request, client_address)

    def secure(self, connection):
        # type: (Any) -> ssl.SSLSocket
        """The connection with TLS on it."""
        secure = tls.accept(self.context(), connection)
        self._open.add(secure)
        self.forget(connection)
        return secure

    def forget(self, connection):
        # type: (Any) -> None
        """Close a connection for good."""
        self._open.discard(connection)
        with _closing:
            connection.close()

    def handle_error(self, request, client_address):
        # type: (Any, Any) -> None
        """Say nothing of connections that break."""
        self.forget(request)
        import sys
        if not isinstance(sys.exc_info()[1], (EnvironmentError, ValueError)):
            socketserver.TCPServer.handle_error(
                self, request, client_address)

    def stop(self):
        # type: () -> None
        """Close the socket and break all connections."""
        self._stopping = True
        waker = socket.socket(self.address_family)
        try:
            waker.connect(self.server_address)
        except EnvironmentError:
            pass
        finally:
            waker.close()
        self._thread.join()
        self.server_close()
        for connection in list(self._open):
            cut(connection)


def matches(pattern, text):
    # type: (Optional[str], str) -> bool
    """Whether a text is what a fault waits for."""
    return pattern is None or fnmatch.fnmatchcase(text, pattern)
