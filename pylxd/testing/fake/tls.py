"""A certificate for the stand-in, and sight of those that clients bring.

LXD asks each client for its certificate and takes any; whom it trusts it
decides above TLS. Python's ``ssl`` either does not ask or refuses those it
does not know. But up to TLS 1.2 certificates travel in the clear: a client's
is read in the socket's buffer and made known to the context, and only then
the handshake goes on and meets it.
"""
import datetime
import errno
import os
import select
import socket
import ssl
import struct
import threading
import time

import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

_HANDSHAKE = 22  # the type of a record
_CERTIFICATE = 11  # the type of a message in it
_PARTIAL_CHAIN = 0x80000  # X509_V_FLAG_PARTIAL_CHAIN: any may end a chain

#: Seconds for each step of a handshake, and for a client to take a message.
PATIENCE = 10


def make_certificate(certificate_path, key_path, name):
    # type: (str, str, str) -> None
    """Write a new self-signed certificate for loopback, and its key."""
    import ipaddress
    # This import takes 40 ms, and not each stand-in needs it
    from cryptography import x509
    from cryptography.hazmat.backends import default_backend
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1(), default_backend())
    subject = x509.Name([
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, name),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, u'root@localhost')])
    today = datetime.datetime(*time.gmtime()[:3])
    certificate = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(),
        today - datetime.timedelta(days=1),
        today + datetime.timedelta(days=3650),
    ).add_extension(x509.SubjectAlternativeName(
        [x509.DNSName(u'localhost')] + [
            x509.IPAddress(ipaddress.ip_address(address))
            for address in (u'127.0.0.1', u'::1')]), critical=False,
    ).sign(key, hashes.SHA256(), default_backend())
    with os.fdopen(os.open(key_path, os.O_WRONLY | os.O_CREAT, 0o600),
                   'wb') as output:
        output.write(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
    with open(certificate_path, 'wb') as output:
        output.write(certificate.public_bytes(serialization.Encoding.PEM))


def make_context(certificate_path, key_path):
    # type: (str, str) -> ssl.SSLContext
    """A server's context that asks for certificates."""
    context = ssl.SSLContext(getattr(
        ssl, 'PROTOCOL_TLS_SERVER', ssl.PROTOCOL_SSLv23))
    if hasattr(ssl, 'TLSVersion'):
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.options |= 0x4000  # OP_NO_TICKET, which older ones do not name
    else:
        context.options |= (
            ssl.OP_NO_SSLv2 | ssl.OP_NO_SSLv3 | ssl.OP_NO_TLSv1
            | ssl.OP_NO_TLSv1_1 | getattr(ssl, 'OP_NO_TLSv1_3', 0) | 0x4000)
    context.load_cert_chain(certificate_path, key_path)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= _PARTIAL_CHAIN
    return context


def accept(context, connection):
    # type: (ssl.SSLContext, socket.socket) -> ssl.SSLSocket
    """Shake hands with a client, whatever certificate it has.

    The handshake goes through a pair of sockets, so that a certificate can
    be made known before OpenSSL reads it; then the connection takes the place
    of the pair's one end.

    :raises EnvironmentError: the client went away or spoke no TLS
    """
    inner, outer = socket.socketpair()  # type: Any, Any
    if six.PY2:
        inner = socket.socket(_sock=inner)  # type: ignore[call-arg]
    try:
        secure = context.wrap_socket(
            inner, server_side=True, do_handshake_on_connect=False)
        try:
            _shake_hands(context, connection, secure, outer)
            os.dup2(connection.fileno(), secure.fileno())
            secure.settimeout(None)
        except BaseException:
            secure.close()
            raise
        return secure
    finally:
        outer.close()


class Shared(object):
    """A connection that one thread reads while others write to it.

    OpenSSL lets no two at it at once, and some Pythons make the one wait for
    the other; so nobody waits inside of it.
    """

    def __init__(self, secure):
        # type: (ssl.SSLSocket) -> None
        self._secure = secure
        self._lock = threading.Lock()
        self.fileno = secure.fileno  # type: Callable[[], int]
        self.shutdown = secure.shutdown  # type: Callable[[int], None]
        self.close = secure.close  # type: Callable[[], None]

    def setblocking(self, flag):
        # type: (bool) -> None
        """It is as it is."""

    def recv(self, size):
        # type: (int) -> bytes
        """Wait for some bytes."""
        return self._do(None, self._secure.recv, size)  # type: ignore

    def sendall(self, data):
        # type: (bytes) -> None
        """Send all of this, or raise socket.timeout."""
        while data:
            data = data[self._do(PATIENCE * 1000, self._secure.send, data):]

    def _do(self, patience, function, argument):
        # type: (Any, Any, Any) -> Any
        while True:
            try:
                with self._lock:
                    self._secure.settimeout(0)
                    return function(argument)
            except ssl.SSLWantReadError:
                event = select.POLLIN
            except ssl.SSLWantWriteError:
                event = select.POLLOUT
            poll = select.poll()
            poll.register(self._secure, event)
            if not poll.poll(patience):
                raise socket.timeout('the client takes nothing')


def _shake_hands(context, connection, secure, outer):
    # type: (ssl.SSLContext, socket.socket, ssl.SSLSocket, Any) -> None
    secure.settimeout(0)
    outer.settimeout(0)
    connection.settimeout(PATIENCE)
    done = False
    while not done:
        try:
            secure.do_handshake()
            done = True
        except ssl.SSLWantReadError:
            pass
        finally:  # an alert, too
            try:
                connection.sendall(outer.recv(1 << 20))
            except socket.error as error:
                if error.errno != errno.EAGAIN:
                    raise
        if not done:
            data = _read_records(connection)
            found = _find_certificate(data)
            if found:
                # PEM, for Python 2.7 cannot read DER with OpenSSL 3
                context.load_verify_locations(cadata=six.ensure_text(
                    ssl.DER_cert_to_PEM_cert(found)))
            outer.sendall(data)
    connection.settimeout(None)


def _read_records(connection):
    # type: (socket.socket) -> bytes
    data, end = b'', 0
    while True:
        if len(data) >= end + 5:
            end += 5 + struct.unpack('>H', data[end + 3:end + 5])[0]
        if data and len(data) == end:
            return data
        if len(data) < end + 5:
            piece = connection.recv(1 << 16)
            if not piece:
                raise socket.error(errno.ECONNRESET, 'gone in the handshake')
            data += piece
            if data[:1].isalpha():
                connection.sendall(
                    b'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP '
                    b'request to an HTTPS server.\n')
                raise socket.error(errno.EPROTO, 'this is not TLS')


def _find_certificate(data):
    # type: (bytes) -> Optional[bytes]
    """The client's own certificate in what it sends, as DER."""
    messages = b''
    while len(data) >= 5:
        kind, _, length = struct.unpack('>BHH', data[:5])
        if kind != _HANDSHAKE:
            break
        messages += data[5:5 + length]
        data = data[5 + length:]
    # A message has a type and a length of 3 bytes; this one is a list with
    # its length, and each certificate in it has one; it may be empty
    if len(messages) < 10 or messages[:1] != struct.pack('B', _CERTIFICATE):
        return None
    whole, length = [struct.unpack('>I', b'\0' + messages[place:place + 3])[0]
                     for place in (4, 7)]
    return messages[10:10 + length] if whole else None
