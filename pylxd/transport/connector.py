"""Opening of sockets to a server, for pooled connections and websockets."""
import socket

import six
from six.moves.urllib import parse
from urllib3.util.ssl_match_hostname import match_hostname

from pylxd.transport import endpoint as endpoints
from pylxd.transport import tls
from pylxd.transport.errors import translated

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any, Optional, Tuple, Union
    from pylxd.transport.tls import Cert


class Connector(object):
    """The settings by which each socket to one server is opened.

    HTTP and websockets share a connector, so that TLS is checked alike.

    :param endpoint: the path of a unix socket (also ``unix://PATH``), or an
        ``http(s)://host:port`` URL.
    :param cert: the client certificate and its key, two paths of PEM files.
    :param verify: True (the usual authorities), False, or the path of a CA
        bundle or of the server's own certificate.
    :param timeout: seconds for connecting and for each read, or a tuple of
        both; None waits for ever.
    """

    def __init__(self, endpoint, cert=None, verify=True, timeout=None):
        # type: (str, Optional[Cert], Union[bool, str], Any) -> None
        if not isinstance(endpoint, six.string_types):
            raise TypeError('endpoint must be text, not {!r}'.format(endpoint))
        self.cert, self.verify = cert, verify
        self.timeout = timeout if isinstance(timeout, tuple) else (
            timeout, timeout)  # type: Tuple[Any, Any]
        self.context = None  # type: Optional[ssl.SSLContext]
        self.pinned = ()  # type: Tuple[bytes, ...]
        self.socket_path = endpoints.parse_socket_path(endpoint)
        if self.socket_path:
            self.endpoint = self.socket_path
            self.url = 'http+unix://' + parse.quote(self.socket_path, safe='')
            self.host, self.port, self.netloc = 'localhost', 80, 'localhost'
            return
        self.endpoint = self.url = endpoints.parse_url(
            endpoint, secure=cert is not None)
        parts = parse.urlsplit(self.url)
        self.netloc, self.host = parts.netloc, str(parts.hostname)
        self.port = parts.port or (443 if parts.scheme == 'https' else 80)
        if parts.scheme == 'https':
            self.context = tls.make_context(cert, verify)
            self.pinned = tls.read_pinned(verify)

    def connect(self, timeout):
        # type: (Optional[float]) -> Any
        """Return a connected socket, which has the timeout for reads.

        :param timeout: seconds for the connection and the TLS handshake.
        :raises ClientConnectionFailed: the server was not reached, or its
            certificate is refused.
        """
        with translated(self.endpoint):
            if self.socket_path:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            else:
                sock = socket.create_connection(
                    (self.host, self.port), timeout)
            try:
                if self.socket_path:
                    sock.settimeout(timeout)
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
        """Check that a TLS peer is the pinned one, or has the right name.

        A certificate that stands in the file given as ``verify`` is trusted
        by itself, whatever host name it was made for.

        :raises CertificateError: the certificate is of another host.
        """
        if (self.verify is not False
                and sock.getpeercert(True) not in self.pinned):
            match_hostname(sock.getpeercert(), self.host)
