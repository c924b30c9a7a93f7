"""The settings and the opening of all sockets to a server."""
import contextlib
import errno
import socket

import six
from six.moves.urllib import parse
from urllib3.util.ssl_match_hostname import match_hostname, CertificateError

from pylxd.transport import endpoint as endpoints
from pylxd.transport import tls
from pylxd.transport.errors import LOWER_ERRORS, translate_errors
from pylxd.transport.kinds import explain_socket_error
from pylxd.transport.paths import to_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, Optional, Tuple
    from pylxd.transport.tls import Cert, Timeout, Verify


class Connector(object):
    """The settings of all sockets to one server.

    Pooled connections and websockets share a connector, so that both check
    TLS in the same way.

    :param endpoint: the path of a unix socket (also ``unix://PATH``), or an
        ``http(s)://host:port`` URL.
    :param cert: the client certificate and its key, two paths of PEM files.
    :param verify: True (the system's authorities), False, or the path of a CA
        bundle or of the server's own certificate.
    :param timeout: seconds to wait for a connection and for each read, or a
        tuple of both; None waits for ever.
    """

    def __init__(self, endpoint, cert=None, verify=True, timeout=None):
        # type: (str, Optional[Cert], Verify, Timeout) -> None
        endpoint, verify = to_path(endpoint), to_path(verify)
        if not isinstance(endpoint, six.string_types):
            raise TypeError('endpoint must be text, not {!r}'.format(endpoint))
        self.cert = cert  # type: Optional[Cert]
        self.verify = verify  # type: Verify
        self.timeout = timeout if isinstance(timeout, tuple) else (
            timeout, timeout)  # type: Tuple[Optional[float], Optional[float]]
        self.context = None  # type: Optional[ssl.SSLContext]
        self.pinned = ()  # type: Tuple[bytes, ...]
        self.host = 'localhost'  # type: str
        self.netloc = 'localhost'  # type: str
        self.port = 80  # type: int
        #: Whether the endpoint is a URL without a port.
        self.has_default_port = False  # type: bool
        self.socket_path = endpoints.parse_socket_path(
            endpoint)  # type: Optional[str]
        #: The endpoint as messages name it.
        self.endpoint = self.socket_path or endpoints.parse_url(
            endpoint, secure=cert is not None)  # type: str
        #: The URL before the path of each request.
        self.url = self.endpoint  # type: str
        if self.socket_path:
            self.url = 'http+unix://' + parse.quote(self.socket_path, safe='')
            return
        parts = parse.urlsplit(self.url)
        self.netloc, self.host = parts.netloc, str(parts.hostname)
        self.has_default_port = parts.port is None
        self.port = parts.port or (443 if parts.scheme == 'https' else 80)
        if parts.scheme == 'https':
            self.context = tls.make_context(cert, verify)
            self.pinned = tls.read_pinned(verify)

    def connect(self, timeout):
        # type: (Optional[float]) -> socket.socket
        """Return a new connected socket with the timeout for reads.

        :param timeout: seconds for the connection and the TLS handshake.
        :raises ClientConnectionFailed: the server was not reached, or its
            certificate is refused.
        """
        with translate_errors(self.endpoint, explain=self._explain_error):
            sock = self._open(timeout, self.context)
            try:
                if self.context is not None:
                    self.check_peer(sock)
                sock.settimeout(self.timeout[1])
            except BaseException:
                sock.close()
                raise
            return sock

    def _open(self, timeout, context):
        # type: (Optional[float], Optional[ssl.SSLContext]) -> Any
        """Return a new connected socket, with TLS if there is a context."""
        if self.socket_path:
            sock = socket.socket(
                socket.AF_UNIX, socket.SOCK_STREAM)  # type: Any
        else:
            sock = socket.create_connection((self.host, self.port), timeout)
        try:
            if self.socket_path:
                sock.settimeout(timeout)
                sock.connect(self.socket_path)
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                sock = context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise
        return sock

    def check_peer(self, sock):
        # type: (ssl.SSLSocket) -> None
        """Check that a TLS peer has a pinned certificate or the right name.

        A certificate that the file ``verify`` contains is pinned: it is
        trusted for any host name.

        :raises CertificateError: the certificate is for another host.
        """
        if (self.verify is not False
                and sock.getpeercert(True) not in self.pinned):
            certificate = sock.getpeercert()  # type: Any
            match_hostname(certificate, self.host)

    # -- messages

    def _explain_error(self, error, message):
        # type: (BaseException, str) -> str
        """Return the message for a failed connection: what may help."""
        if self.socket_path:
            hint = explain_socket_error(self.socket_path, error)
            return '{}; {}'.format(message, hint) if hint else message
        if isinstance(error, CertificateError):
            message += (
                '; connect to a host that the certificate names, or pass the '
                "path of the server's own certificate as verify=")
        elif 'CERTIFICATE_VERIFY' in message.upper():
            message = self._explain_refused_certificate(message)
        elif getattr(error, 'errno', None) == errno.ECONNREFUSED:
            message += ('; LXD and Incus listen on the network only if '
                        'core.https_address is set in their configuration')
        if self.has_default_port and not isinstance(error, socket.gaierror):
            message += (
                '; the endpoint names no port, so this was port {}: LXD and '
                'Incus usually listen on 8443, try https://{}:8443'.format(
                    self.port, self.netloc))
        return message

    def _explain_refused_certificate(self, message):
        # type: (str) -> str
        if not self.pinned:
            return message + (
                "; if the server's certificate is self signed, pass the path "
                'of a copy of it as verify=')
        # OpenSSL tells that the certificate is refused, but not which it was
        try:
            with contextlib.closing(self._open(
                    self.timeout[0], tls.make_context(None, False))) as sock:
                shown = sock.getpeercert(True)
        except LOWER_ERRORS:
            return message
        if shown in self.pinned:
            return message  # expired, for one
        held = [tls.fingerprint(each) for each in self.pinned]
        return (
            "the server's certificate differs from the pinned {}: its SHA-256 "
            'fingerprint is {}, and {} holds {}. Either the server has a new '
            'certificate, or another server answers at this address'.format(
                'one' if len(held) == 1 else 'ones, and none of them has '
                'signed it', tls.fingerprint(shown), self.verify,
                ', '.join(held[:3]) + (
                    ' and {} more'.format(len(held) - 3)
                    if len(held) > 3 else '')))
