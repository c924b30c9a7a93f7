"""Where the server is and how it is trusted.

One `Transport` makes the pooled HTTP session and every websocket of a client
from the same settings, so that TLS is checked alike on both.
"""
import contextlib
from json import dumps
import logging
import os
import re
import socket
import ssl

import requests
import six
import urllib3
from requests.structures import CaseInsensitiveDict
from six.moves import http_client
from six.moves.urllib import parse
from urllib3.util.ssl_match_hostname import CertificateError, match_hostname

from pylxd import exceptions
from pylxd.transport import tls
from pylxd.transport.pools import BLOCK, TLSAdapter, UnixAdapter, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Optional, Tuple, Type, Union
    from pylxd.transport.tls import Cert

#: The longest answer that is read as a whole: ten times the largest list
#: that a server is known for (10,000 instances with all of their states).
LONGEST_BODY = 1024 ** 3

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
            self.context = tls.make_context(cert, verify)
        self.pinned = tls.pinned(verify) if self.context else ()
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
            self._adapter = UnixAdapter(self.socket_path)
            session.mount('http+unix://', self._adapter)
        elif self.context:
            session.verify = self.verify
            session.cert = self.cert
            session.mount('https://', TLSAdapter(self))

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
