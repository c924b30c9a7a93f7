"""Where the server is and how it is trusted.

One `Transport` makes the pooled HTTP session and every websocket of a client
from the same settings, so that TLS is checked alike on both.
"""
import binascii
import contextlib
import io
from json import dumps
import logging
import os
import re
import socket
import ssl
import time
import warnings

import requests
import requests.adapters
import requests_unixsocket.adapters
import six
import urllib3
from requests.structures import CaseInsensitiveDict
from six.moves import http_client
from six.moves.urllib import parse
from urllib3.util.ssl_match_hostname import CertificateError, match_hostname

from pylxd import exceptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Optional, Tuple, Type, Union
    Cert = Union[str, Tuple[str, str]]

#: Connections kept open to one server; more threads than this open more,
#: which are closed after use.
POOL = 64
#: Bytes that are read and written at once: below 256 KiB the Python around
#: each piece costs more than the copying (1.3-2.3 x at 16 KiB).
BLOCK = 256 * 1024
#: The longest answer that is read as a whole: ten times the largest list
#: that a server is known for (10,000 instances with all of their states).
LONGEST_BODY = 1024 ** 3
#: Bytes that have to come within the timeout for a read, each time.
LEAST = 4096

#: What the layers below raise when a connection fails or breaks.
LOWER_ERRORS = (
    requests.RequestException, urllib3.exceptions.HTTPError,
    http_client.HTTPException, socket.error, ssl.SSLError, CertificateError,
    UnicodeError)

#: One line for each request, at the level debug.
logger = logging.getLogger('pylxd')
for _name in 'pylxd', 'ws4py':
    # Whoever configures no logging sees nothing, no complaint of that either
    logging.getLogger(_name).addHandler(logging.NullHandler())

clock = getattr(time, 'monotonic', time.time)


class Transport(object):
    """The way to one server.

    :param endpoint: the path of a unix socket (also ``unix://PATH``), or an
        ``http(s)://host:port`` URL.
    :param cert: the client certificate and its key, two paths of PEM files.
    :param verify: True (the usual authorities), False, or the path of a CA
        bundle or of the server's own certificate.
    :param timeout: seconds to wait for a connection and for each read.
    """

    def __init__(self, endpoint, cert=None, verify=True, timeout=None):
        # type: (str, Optional[Cert], Union[bool, str], Any) -> None
        if not isinstance(endpoint, six.string_types):
            raise TypeError('endpoint must be text, not {!r}'.format(endpoint))
        self.socket_path = _socket_path(endpoint)
        # For the connection, and for each read
        self.timeout = timeout if isinstance(timeout, tuple) else (
            timeout, timeout)  # type: Tuple[Any, Any]
        self.context = None  # type: Optional[ssl.SSLContext]
        if self.socket_path:
            self.endpoint = self.socket_path
            self.url = 'http+unix://' + parse.quote(self.socket_path, safe='')
            self.websocket_url = 'ws+unix://' + self.socket_path
        else:
            self.endpoint = self.url = _url(endpoint, secure=cert is not None)
            self.websocket_url = 'ws' + self.url[len('http'):]
        parts = parse.urlsplit(self.url)
        self.host = str(
            'localhost' if self.socket_path else parts.hostname)
        self.netloc = 'localhost' if self.socket_path else parts.netloc
        self.port = parts.port or (443 if parts.scheme == 'https' else 80)
        self.cert = cert
        self.verify = verify
        if parts.scheme == 'https':
            self.context = _context(cert, verify)
        self.pinned = _pinned(verify) if self.context else ()
        self._connect_pools()

    def _connect_pools(self):
        # type: () -> None
        self._pid = os.getpid()
        self.session = session = requests.Session()
        # Environment proxies, netrc and REQUESTS_CA_BUNDLE would override
        # what the caller said, and cost 0.15 ms a request to look up.
        session.trust_env = False
        session.headers.update(
            {'User-Agent': 'pylxd', 'Accept-Encoding': 'identity'})
        if self.socket_path:
            self._adapter = _UnixAdapter(self.socket_path)
            session.mount('http+unix://', self._adapter)
        elif self.context:
            session.verify = self.verify
            session.cert = self.cert
            session.mount('https://', _TLSAdapter(self))

    def request(self, method, path, **kwargs):
        # type: (str, str, **Any) -> requests.Response
        """Send one request; the arguments are those of requests.

        A request that may safely arrive twice is sent once more where the
        server closed a kept connection under it.

        :raises ClientConnectionFailed: no answer came.
        """
        if os.getpid() != self._pid:
            self._connect_pools()  # a fork may not share the parent's sockets
        if 'timeout' not in kwargs:
            kwargs['timeout'] = self.timeout
        elif not isinstance(kwargs['timeout'], tuple):  # for reading alone
            kwargs['timeout'] = self.timeout[0], kwargs['timeout']
        again = method == 'GET' or (
            method == 'PUT' and 'If-Match' in (kwargs.get('headers') or ()))
        stream = kwargs.pop('stream', False)
        kwargs.pop('allow_redirects', None)  # none is ever followed
        timeout = kwargs.pop('timeout')
        request = self._prepared(method, self.url + path, **kwargs)
        with self.errors(), told(method, path) as outcome:
            while True:
                try:
                    response = self._send(request, timeout)  # type: Any
                    break
                except requests.ConnectionError as error:
                    if not (again and _was_dropped(error)):
                        raise
                    again = False
            if not stream or response.status_code != 200:
                self.read(response)
            outcome.append(response.status_code)
        return response

    def read(self, response):
        # type: (Any) -> None
        """Read the body, of a bounded length.

        requests itself would join it from pieces of 10 KiB.
        """
        response._content_consumed = True
        with self.errors():
            response._content = self._body(response)
        self._check_length(response, len(response._content))

    def _body(self, response):
        # type: (Any) -> bytes
        length = _length(response)
        if length is not None and length <= LONGEST_BODY:
            body = response.raw.read()  # type: bytes
            return body
        pieces, came = [], 0
        for piece in iter(lambda: response.raw.read(BLOCK), b''):
            pieces.append(piece)
            came += len(piece)
            if came > LONGEST_BODY:
                response._content = pieces[0]
                response.raw.close()
                raise exceptions.InvalidResponse(
                    response, said='more than {} bytes; what may be so long '
                    'is read with stream=True'.format(LONGEST_BODY))
        return b''.join(pieces)

    def _send(self, request, timeout):
        # type: (requests.PreparedRequest, Any) -> requests.Response
        if self.socket_path:
            # What a session adds has no meaning here, and takes 0.1 ms
            return self._adapter.send(request, stream=True, timeout=timeout)
        return self.session.send(
            request, stream=True, timeout=timeout, allow_redirects=False,
            verify=self.verify, cert=self.cert, proxies={})

    def _prepared(self, method, url, params=None, headers=None, json=None,
                  data=None, **others):
        # type: (str, str, Any, Any, Any, Any, **Any) -> Any
        """The request, ready to be sent.

        Its usual parts are filled in here: requests' own way takes more time
        than all the rest of the client (0.15 of 0.5 ms).
        """
        if others or (data is not None and not isinstance(data, bytes)):
            return self.session.prepare_request(requests.Request(
                method, url, params=params, headers=headers, json=json,
                data=data, **others))
        request = requests.PreparedRequest()  # type: Any
        if params:
            url = '{}?{}'.format(url, request._encode_params(params))
        request.method = method
        request.url = url
        request.headers = CaseInsensitiveDict(self.session.headers)
        request.headers.update(headers or {})
        request.hooks = self.session.hooks
        request._cookies = self.session.cookies
        if data is None and json is not None:
            data = six.ensure_binary(dumps(json))
            request.headers.setdefault('Content-Type', 'application/json')
        request.body = data
        if data is not None or method != 'GET':
            request.headers['Content-Length'] = str(len(data or b''))
        return request

    @contextlib.contextmanager
    def errors(self, kind=exceptions.ClientConnectionFailed):
        # type: (Type[exceptions.LXDException]) -> Iterator[None]
        """Turn what the layers below raise into the library's exceptions."""
        try:
            yield
        except LOWER_ERRORS as error:
            if _is_timeout(error):
                kind = exceptions.ConnectionTimeout
            raise kind('{}: {}'.format(
                self.endpoint, _reason(error)), cause=error)

    def download(self, response, target, digest=None):
        # type: (requests.Response, Any, Any) -> None
        """Write the body of a streamed answer to ``target``.

        :param digest: of hashlib; sees all that is written.
        :raises StreamBroken: it ended early.
        """
        came = 0
        with contextlib.closing(response):
            while True:
                with self.errors(exceptions.StreamBroken):
                    block = response.raw.read(BLOCK)
                if not block:
                    break
                came += len(block)
                target.write(block)
                if digest is not None:
                    digest.update(block)
        self._check_length(response, came)

    def _check_length(self, response, came):
        # type: (requests.Response, int) -> None
        # urllib3 before 2.0 takes what ends early for the whole
        length = _length(response)
        if length is not None and came < length:
            raise exceptions.StreamBroken(
                '{}: the answer ends after {} of {} bytes'.format(
                    self.endpoint, came, length))

    def connect(self):
        # type: () -> socket.socket
        """A connected socket, beside the pool, for a websocket."""
        with self.errors():
            if self.socket_path:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            else:
                sock = socket.create_connection(
                    (self.host, self.port), self.timeout[0])
            try:
                if self.socket_path:
                    sock.settimeout(self.timeout[0])
                    sock.connect(self.socket_path)
                else:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.context is not None:
                    sock = self.context.wrap_socket(
                        sock, server_hostname=self.host)
                    self.check_peer(sock)
                sock.settimeout(self.timeout[1])
            except BaseException:
                sock.close()
                raise
            return sock

    def check_peer(self, sock):
        # type: (Any) -> None
        """Refuse a peer that is neither the pinned one nor named rightly.

        A certificate that stands in the file given as ``verify`` is trusted
        by itself, whatever host name it was made for.
        """
        if (self.verify is not False
                and sock.getpeercert(True) not in self.pinned):
            match_hostname(sock.getpeercert(), self.host)

    def close(self):
        # type: () -> None
        """Close the pooled connections; the next request opens new ones."""
        self.session.close()


class _Answer(http_client.HTTPResponse, object):
    """An answer that has to keep coming, if there is a timeout."""

    fp = None  # type: Any  # where an interrupt comes before it is made

    def __init__(self, sock, *args, **kwargs):
        # type: (Any, *Any, **Any) -> None
        http_client.HTTPResponse.__init__(self, sock, *args, **kwargs)
        if sock.gettimeout():
            self.fp = io.BufferedReader(_Steady(self.fp, sock))


class _Steady(io.RawIOBase):
    """A socket whose timeout holds for each `LEAST` bytes.

    By itself it starts anew with each byte, so that a server which sends one
    now and then could hold a call for ever.
    """

    def __init__(self, file, sock):
        # type: (Any, Any) -> None
        self._file, self._sock = file, sock
        self._receive = sock.recv_into if six.PY2 else file.raw.readinto
        self._limit = self._left = sock.gettimeout()
        self._came = 0

    def readable(self):
        # type: () -> bool
        return True

    def readinto(self, buffer):
        # type: (Any) -> int
        started = clock()
        self._sock.settimeout(max(self._left, 0.001))
        try:
            size = self._receive(buffer)  # type: int
        finally:
            self._sock.settimeout(self._limit)
        self._came += size
        self._left -= clock() - started
        if self._came >= LEAST:
            self._came, self._left = 0, self._limit
        elif self._left <= 0 and size:
            raise socket.timeout('timed out: too few bytes came')
        return size

    def close(self):
        # type: () -> None
        self._file.close()
        super(_Steady, self).close()


class _UnixPool(requests_unixsocket.adapters.UnixHTTPConnectionPool):
    """requests-unixsocket's pool with room for threads and big pieces."""

    def __init__(self, path):
        # type: (str) -> None
        urllib3.HTTPConnectionPool.__init__(
            self, 'localhost', maxsize=POOL)
        self.socket_path = 'http+unix://' + parse.quote(path, safe='')
        self.timeout = None

    def _new_conn(self):
        # type: () -> Any
        self.num_connections += 1
        connection = super(_UnixPool, self)._new_conn()
        connection.blocksize = BLOCK
        connection.response_class = _Answer
        connection.strict = True  # Python 2 takes anything for HTTP/0.9
        return connection


class _UnixAdapter(requests_unixsocket.adapters.UnixAdapter):
    """One pool for the socket; requests-unixsocket has one for each URL."""

    def __init__(self, path):
        # type: (str) -> None
        super(_UnixAdapter, self).__init__()
        self._path = path
        self._pool = _UnixPool(path)

    def get_connection(self, url, proxies=None):
        # type: (str, Any) -> Any
        return self._pool

    def get_connection_with_tls_context(
            self, request, verify, proxies=None, cert=None):
        # type: (Any, Any, Any, Any) -> Any
        return self._pool

    def close(self):
        # type: () -> None
        self._pool.close()
        self._pool = _UnixPool(self._path)  # a closed one opens no more


class _TLSAdapter(requests.adapters.HTTPAdapter):
    """HTTPS with the transport's one context.

    requests would build a context for each connection (30 ms) and load
    the public authorities into a pinned one.
    """

    def __init__(self, transport):
        # type: (Transport) -> None
        self._transport = transport
        super(_TLSAdapter, self).__init__(pool_maxsize=POOL)

    def init_poolmanager(self, *args, **kwargs):
        # type: (*Any, **Any) -> None
        transport = self._transport

        class Connection(urllib3.connection.HTTPSConnection):
            response_class = _Answer

            def connect(self):
                # type: () -> None
                self.blocksize = BLOCK
                super(Connection, self).connect()
                transport.check_peer(self.sock)
                # urllib3 would warn who has said verify=False
                self.is_verified = True

        class Pool(urllib3.HTTPSConnectionPool):
            ConnectionCls = Connection

        kwargs['ssl_context'] = transport.context
        kwargs['assert_hostname'] = False  # check_peer does
        super(_TLSAdapter, self).init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {'https': Pool}

    def close(self):
        # type: () -> None
        pools = self.poolmanager.pools
        for key in pools.keys():
            pools[key].close()  # now, and not when PyPy collects garbage
        super(_TLSAdapter, self).close()

    def cert_verify(self, conn, url, verify, cert):
        # type: (Any, str, Any, Any) -> None
        """Nothing to add: the context holds it all."""

    def get_connection(self, url, proxies=None):
        # type: (Any, Any) -> Any
        return self.poolmanager.connection_from_url(url)

    def get_connection_with_tls_context(
            self, request, verify, proxies=None, cert=None):
        # type: (Any, Any, Any, Any) -> Any
        return self.poolmanager.connection_from_url(request.url)


def _length(response):
    # type: (requests.Response) -> Optional[int]
    length = response.headers.get('Content-Length', '')
    return int(length) if re.match('[0-9]+$', length) else None


@contextlib.contextmanager
def told(method, path):
    # type: (str, str) -> Iterator[List[Any]]
    """Log a request when it has ended; the block appends its status."""
    started, outcome = clock(), []  # type: float, List[Any]
    try:
        yield outcome
    finally:
        # Without the query, which may hold secrets
        logger.debug('%s %s %s %.1f ms', method, path.partition('?')[0],
                     outcome[0] if outcome else 'failed',
                     (clock() - started) * 1000)


def _socket_path(endpoint):
    # type: (str) -> Optional[str]
    if endpoint.startswith('unix:'):
        endpoint = re.sub('^unix:(//)?', '', endpoint)
    elif endpoint.startswith('http+unix://'):
        endpoint = parse.unquote(endpoint[len('http+unix://'):].rstrip('/'))
    elif not endpoint.startswith('/'):
        return None
    if not endpoint.startswith('/') or '\0' in endpoint:
        raise exceptions.ClientConnectionFailed(
            '{!r}: a socket path must be absolute'.format(endpoint))
    return endpoint


def _url(endpoint, secure):
    # type: (str, bool) -> str
    """The URL without its trailing slash; https where a key pair is given."""
    try:
        parts = parse.urlsplit(endpoint)
        parts.port  # raises for what is no number
    except ValueError as error:
        raise exceptions.ClientConnectionFailed(
            '{!r}: {}'.format(endpoint, error), cause=error)
    if (parts.scheme not in ('http', 'https') or not parts.hostname
            or parts.query or parts.fragment or parts.username
            or parts.path.strip('/')
            or parts.port is None and re.search(':[0-9]*$', parts.netloc)
            or re.search(r'[\x00-\x20\x7f]', endpoint)):
        raise exceptions.ClientConnectionFailed(
            '{!r}: an endpoint is the absolute path of a unix socket, or '
            'https://host:port'.format(re.sub('//.*@', '//***@', endpoint)))
    # LXD's port speaks nothing but TLS, and a client certificate has no
    # meaning without it.
    scheme = 'https' if secure else parts.scheme
    return '{}://{}'.format(scheme, parts.netloc)


def _context(cert, verify):
    # type: (Optional[Cert], Union[bool, str]) -> ssl.SSLContext
    context = ssl.SSLContext(
        getattr(ssl, 'PROTOCOL_TLS_CLIENT', ssl.PROTOCOL_SSLv23))
    if hasattr(ssl, 'TLSVersion'):
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    else:  # Python 2
        context.options |= (ssl.OP_NO_SSLv2 | ssl.OP_NO_SSLv3
                            | ssl.OP_NO_TLSv1 | ssl.OP_NO_TLSv1_1)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if verify is not False:
        context.verify_mode = ssl.CERT_REQUIRED
        _load_authorities(context, verify)
    if cert is not None:
        _load_key_pair(context, cert)
    return context


def _load_authorities(context, verify):
    # type: (ssl.SSLContext, Any) -> None
    if verify is True:
        context.load_verify_locations(requests.utils.DEFAULT_CA_BUNDLE_PATH)
        return
    if os.path.isdir(_path(verify, 'verify')):
        context.load_verify_locations(capath=verify)
        return
    _read_pem(verify, 'CERTIFICATE', 'verify')
    try:
        context.load_verify_locations(verify)
    except ssl.SSLError as error:
        raise exceptions.InvalidCertificate(
            'verify: {}: {}'.format(verify, error), cause=error)
    # The server's own certificate is an anchor by itself, also where an
    # authority has signed it (X509_V_FLAG_PARTIAL_CHAIN).
    context.verify_flags |= 0x80000


def _load_key_pair(context, cert):
    # type: (ssl.SSLContext, Cert) -> None
    certfile, keyfile = key_pair(cert)
    _read_pem(certfile, 'CERTIFICATE', 'cert')
    _read_pem(keyfile, 'PRIVATE KEY', 'key')
    if os.stat(keyfile).st_mode & 0o077:
        warnings.warn('{}: the client key can be read by others'.format(
            keyfile), stacklevel=5)
    try:
        # An empty password makes an encrypted key fail, and not ask a person
        context.load_cert_chain(certfile, keyfile, password=lambda: '')
    except (ssl.SSLError, ValueError) as error:
        raise exceptions.InvalidCertificate(
            'cert: {}, {} are no certificate and its key: {}'.format(
                certfile, keyfile, error), cause=error)


def key_pair(cert):
    # type: (Cert) -> Tuple[str, str]
    """The paths of certificate and key; one path holds both."""
    if isinstance(cert, (str, type(u''))):
        return cert, cert
    try:
        certfile, keyfile = cert
    except (TypeError, ValueError):
        raise TypeError(
            'cert must be two paths (certificate, key), not {!r}'.format(cert))
    return _path(certfile, 'cert'), _path(keyfile, 'cert')


def _path(path, argument):
    # type: (Any, str) -> Any
    # Numbers would be taken for descriptors of open files
    if isinstance(path, six.string_types) or hasattr(path, '__fspath__'):
        return path
    raise TypeError('{}: a path is text, not {!r}'.format(argument, path))


def _read_pem(path, what, argument):
    # type: (str, str, str) -> str
    try:
        with open(path) as pem:
            text = pem.read()
    except (IOError, OSError, TypeError, ValueError) as error:
        raise exceptions.InvalidCertificate('{}: {}'.format(
            argument, error), cause=error)
    if what not in text or '-----BEGIN ' not in text:
        raise exceptions.InvalidCertificate(
            '{}: {} holds no {} in PEM form'.format(
                argument, path, what.lower()))
    return text


def _pinned(verify):
    # type: (Union[bool, str]) -> Tuple[bytes, ...]
    """The certificates in the file given as ``verify``, as DER."""
    if isinstance(verify, bool) or os.path.isdir(verify):
        return ()
    blocks = re.findall(
        '-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----',
        _read_pem(verify, 'CERTIFICATE', 'verify'), re.DOTALL)
    try:
        return tuple(ssl.PEM_cert_to_DER_cert(block) for block in blocks)
    except (ValueError, binascii.Error) as error:
        raise exceptions.InvalidCertificate(
            'verify: {}: {}'.format(verify, error), cause=error)


def _was_dropped(error):
    # type: (Exception) -> bool
    """Whether an established connection was closed under the request."""
    return isinstance(error.args and error.args[0],
                      urllib3.exceptions.ProtocolError)


def _is_timeout(error):
    # type: (BaseException) -> bool
    return isinstance(error, (
        requests.Timeout, socket.timeout,
        urllib3.exceptions.TimeoutError)) or 'timed out' in str(error)


def _reason(error):
    # type: (BaseException) -> str
    """The innermost cause, which says what happened."""
    while True:
        inner = getattr(error, 'reason', None) or next(
            (arg for arg in reversed(getattr(error, 'args', ()))
             if isinstance(arg, BaseException)), None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    text = exceptions.printable(error) or type(error).__name__
    if 'certificate' in text.lower() or isinstance(error, ssl.SSLError):
        text += (' (the server\'s certificate was refused: if it is self '
                 'signed, pass its path as verify=)'
                 if 'CERTIFICATE_VERIFY' in text.upper() else '')
    return text
