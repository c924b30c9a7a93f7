"""Requests to one server over pooled connections."""
import contextlib
from json import dumps
import logging
import os
import ssl

import requests
import six
from requests.structures import CaseInsensitiveDict

from pylxd import exceptions
from pylxd.transport.bodies import content_length, PIECE, read_body
from pylxd.transport.connector import Connector
from pylxd.transport.errors import is_dropped_connection, translate_errors
from pylxd.transport.handshake import Handshake
from pylxd.transport.pools import ServerAdapter, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from typing import (
        Any, ContextManager, Iterator, List, Optional, Tuple, Type)
    from pylxd.transport.tls import Cert, Timeout, Verify

#: ``Session.send`` as defined by requests; requests-mock replaces it.
_SEND = six.get_unbound_function(requests.Session.send)  # type: ignore

#: Logs one line for each request, at the level debug.
logger = logging.getLogger('pylxd')  # type: logging.Logger
for _name in 'pylxd', 'ws4py':
    # Otherwise Python prints warnings of programs that configure no logging
    logging.getLogger(_name).addHandler(logging.NullHandler())


class Transport(object):
    """The connections to one server.

    A copy or pickle has the same settings, and connections of its own; a
    session that is given, and changes to ``session``, are not copied.

    :param endpoint: the path of a unix socket (also ``unix://PATH``), or an
        ``http(s)://host:port`` URL.
    :param cert: the client certificate and its key, two paths of PEM files.
    :param verify: True (the system's authorities), False, or the path of a CA
        bundle or of the server's own certificate.
    :param timeout: seconds to wait for a connection and for each read, or a
        tuple of both; None waits for ever.
    :param session: the session that sends all requests. If it has an adapter
        for the server other than that of requests, this one is used;
        otherwise it gets ours.
    :raises ClientConnectionFailed: the endpoint is malformed.
    :raises InvalidCertificate: a certificate or key is unusable.
    """

    # The session that this class has made; None if one was given
    _own_session = None  # type: Optional[requests.Session]

    def __init__(self,
                 endpoint,  # type: str
                 cert=None,  # type: Optional[Cert]
                 verify=True,  # type: Verify
                 timeout=None,  # type: Timeout
                 session=None,  # type: Optional[requests.Session]
                 ):
        # type: (...) -> None
        self._given_session = session
        self.connector = Connector(
            endpoint, cert, verify, timeout)  # type: Connector
        #: The endpoint as messages name it.
        self.endpoint = self.connector.endpoint  # type: str
        #: The URL before the path of each request.
        self.url = self.connector.url  # type: str
        #: The path of the unix socket, or None.
        self.socket_path = (
            self.connector.socket_path)  # type: Optional[str]
        #: The URL before the path of each websocket.
        self.websocket_url = (
            'ws+unix://' + self.socket_path if self.socket_path
            else 'ws' + self.url[len('http'):])  # type: str
        self._make_session()

    def __reduce__(self):
        # type: () -> Any
        connector = self.connector
        return type(self), (self.endpoint, connector.cert, connector.verify,
                            connector.timeout)

    def _make_session(self):
        # type: () -> None
        self._process_id = os.getpid()
        if self._given_session is not None:
            self.session = self._given_session  # type: requests.Session
            try:
                adapter = type(self.session.get_adapter(self.url + '/'))
            except requests.exceptions.InvalidSchema:  # of a unix socket
                adapter = requests.adapters.HTTPAdapter
            if adapter in (requests.adapters.HTTPAdapter, ServerAdapter):
                self._mount(self.session, self.url)
            return
        session = requests.Session()
        self._own_session = session
        self.session = session
        # Proxies, netrc and REQUESTS_CA_BUNDLE of the environment would
        # override the arguments, and take 0.15 ms a request to look up.
        session.trust_env = False
        session.verify = self.connector.verify
        session.cert = self.connector.cert
        session.headers = CaseInsensitiveDict(
            {'User-Agent': 'pylxd', 'Accept-Encoding': 'identity'})
        self._mount(session, self.url.partition('://')[0] + '://')

    def _mount(self, session, prefix):
        # type: (requests.Session, str) -> None
        with self.translate_errors():  # urllib3 refuses some host names
            session.mount(prefix, ServerAdapter(self.connector))

    def request(self, method, path, **kwargs):
        # type: (str, str, **Any) -> requests.Response
        """Send a request and return its response.

        If the server closes a pooled connection during the request, a GET or
        HEAD, or a PUT or PATCH with ``If-Match``, is sent a second time.
        Redirects are not followed.

        :param path: the quoted path, with the leading slash.
        :param kwargs: the arguments of `requests.request`. A ``timeout`` is
            in seconds, for each read; a tuple sets the time to connect too.
        :raises ClientConnectionFailed: no response arrived.
        """
        if os.getpid() != self._process_id:
            # A forked process must not use the sockets of its parent
            self._make_session()
        timeout = kwargs.pop('timeout', self.connector.timeout)
        if not isinstance(timeout, tuple):
            timeout = self.connector.timeout[0], timeout
        stream = kwargs.pop('stream', False)
        kwargs.pop('allow_redirects', None)
        may_repeat = method in ('GET', 'HEAD') or (
            method in ('PUT', 'PATCH')
            and 'If-Match' in (kwargs.get('headers') or ()))
        request = self._prepare(method, self.url + path, **kwargs)
        try:
            with self.translate_errors(), log_request(method, path) as outcome:
                try:
                    response = self._send(request, timeout)
                except requests.ConnectionError as error:
                    if not (may_repeat and is_dropped_connection(error)):
                        raise
                    response = self._send(request, timeout)
                if not stream or response.status_code != 200:
                    self.read(response)
                outcome.append(response.status_code)
        except exceptions.ClientConnectionFailed as failure:
            # The traceback starts here: its 30 lines of requests, urllib3 and
            # http.client tell the user nothing
            failure.__traceback__ = None
            raise failure
        return response

    def _send(self, request, timeout):
        # type: (Any, Any) -> requests.Response
        session = self.session  # type: Any
        if self._is_session_plain():
            # Session.send takes 50 us more, for cookies and redirects
            return session.get_adapter(request.url).send(
                request, stream=True, timeout=timeout, proxies={},
                verify=session.verify, cert=session.cert)
        return session.send(
            request, stream=True, timeout=timeout, allow_redirects=False)

    def _is_session_plain(self):
        # type: () -> bool
        """Return whether the session is neither replaced nor extended."""
        session = self.session
        send = getattr(session.send, '__func__', None)
        return (session is self._own_session and send is _SEND
                # If this module was imported under a mock, _SEND is the mock
                and send.__module__ == requests.sessions.__name__
                and not any(session.hooks.values()))

    def _prepare(self, method, url, params=None, headers=None, json=None,
                 data=None, **others):
        # type: (str, str, Any, Any, Any, Any, **Any) -> Any
        """Return a prepared request.

        The usual parts are prepared here: `Session.prepare_request` takes
        more time than all the rest of the client (0.15 of 0.5 ms).
        """
        if (others or self.session is not self._own_session
                or not (data is None or isinstance(data, bytes))):
            # The body is read as it arrives
            headers = dict({'Accept-Encoding': 'identity'}, **(headers or {}))
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
            data = _to_json(json)
            request.headers.setdefault('Content-Type', 'application/json')
        request.body = data
        if data is not None or method not in ('GET', 'HEAD'):
            request.headers['Content-Length'] = str(len(data or b''))
        return request

    def read(self, response):
        # type: (Any) -> None
        """Read the whole body of a streamed response into its ``content``.

        ``response.content`` of requests would join pieces of 10 KiB.

        :raises InvalidResponse: the body is longer than `LONGEST_BODY`.
        :raises StreamBroken: the body ended early.
        """
        response._content_consumed = True
        with self.translate_errors():
            response._content = read_body(response)
        self._check_length(response, len(response._content))

    def download(self, response, target, *observers):
        # type: (requests.Response, Any, *Any) -> None
        """Write the body of a streamed response to a file.

        :param target: an open binary file.
        :param observers: objects whose ``update`` is called with each block.
        :raises StreamBroken: the body ended early.
        """
        with contextlib.closing(response):
            for block in self.iterate_blocks(response):
                target.write(block)
                for each in observers:
                    each.update(block)

    def iterate_blocks(self, response):
        # type: (requests.Response) -> Iterator[bytes]
        """Yield the body of a streamed response, which the caller closes.

        :raises StreamBroken: the body ended early.
        """
        received = 0
        while True:
            with self.translate_errors(exceptions.StreamBroken):
                block = response.raw.read(PIECE)
            if not block:
                break
            received += len(block)
            yield block
        self._check_length(response, received)

    def _check_length(self, response, received):
        # type: (requests.Response, int) -> None
        # urllib3 before 2.0 accepts a body that is shorter than announced
        length = content_length(response)
        if length is not None and received < length:
            raise exceptions.StreamBroken(
                '{}: the response ended after {} of {} bytes'.format(
                    self.endpoint, received, length))

    def translate_errors(self, error_class=exceptions.ClientConnectionFailed):
        # type: (Type[exceptions.LXDException]) -> ContextManager[None]
        """Raise the library's exceptions for lower errors of a block.

        :param error_class: the class of the exceptions; a timeout is a
            `ConnectionTimeout` instead.
        """
        return translate_errors(self.endpoint, error_class)

    @property
    def read_timeout(self):
        # type: () -> Optional[float]
        """Seconds to wait for each read; None waits for ever."""
        return self.connector.timeout[1]

    def connect(self):
        # type: () -> socket.socket
        """Return a connected socket outside the pool, for a websocket.

        :raises ClientConnectionFailed: the server was not reached, or its
            certificate is refused.
        """
        return self.connector.connect(self.connector.timeout[0])

    def upgrade(self, method, path, protocol, params=None, json=None):
        # type: (str, str, str, Any, Any) -> Tuple[Any, socket.socket]
        """Send a request to upgrade a new connection to another protocol.

        :param method: the method of the request.
        :param path: the quoted path, with the leading slash.
        :param protocol: the name of the protocol.
        :param params: the query of the request.
        :param json: the body of the request.
        :return: the response, and the socket; the status of the response is
            101 if the server upgraded the connection.
        :raises ClientConnectionFailed: no response arrived.
        """
        request = self._prepare(
            method, self.url + path, params=params, json=json)
        request.headers.update({
            'Host': self.connector.netloc, 'Connection': 'Upgrade',
            'Upgrade': protocol})
        head = '\r\n'.join(
            ['{} {} HTTP/1.1'.format(method, request.path_url)]
            + ['{}: {}'.format(*each) for each in request.headers.items()])
        with self.translate_errors(), log_request(method, path) as outcome:
            sock = self.connect()
            try:
                sock.sendall(six.ensure_binary(head + '\r\n\r\n')
                             + (request.body or b''))
                response, _, _ = Handshake(
                    sock, self.read_timeout, '{}: {} {}'.format(
                        self.endpoint, method, path)).read(request)
                sock.settimeout(None)
            except BaseException:
                sock.close()
                raise
            outcome.append(response.status_code)
        return response, sock

    def get_certificate(self):
        # type: () -> str
        """Return the certificate that the server shows, in PEM.

        :return: the certificate; ``''`` without TLS.
        :raises ClientConnectionFailed: the server cannot be reached.
        """
        with contextlib.closing(self.connect()) as sock:
            if not isinstance(sock, ssl.SSLSocket):
                return ''
            return ssl.DER_cert_to_PEM_cert(sock.getpeercert(True) or b'')

    def close(self):
        # type: () -> None
        """Close the pooled connections; the next request opens new ones."""
        self.session.close()


@contextlib.contextmanager
def log_request(method, path):
    # type: (str, str) -> Iterator[List[Any]]
    """Log a request at the end of the block.

    :return: a list, to which the block appends the status of the response.
    """
    started, outcome = clock(), []  # type: float, List[Any]
    try:
        yield outcome
    finally:
        # Without the query, which may hold secrets
        logger.debug('%s %s %s %.1f ms', method, path.partition('?')[0],
                     outcome[0] if outcome else 'failed',
                     (clock() - started) * 1000)


def _to_json(body):
    # type: (Any) -> bytes
    """Return a body as JSON.

    :raises TypeError: JSON has no such value; the message names the field.
    """
    try:
        return six.ensure_binary(dumps(body))
    except TypeError as error:
        place = 'the body'
        for name, value in body.items() if isinstance(body, dict) else ():
            try:
                dumps(value)
            except TypeError:
                place = name
        raise TypeError('{} cannot be sent: {}'.format(place, error))
