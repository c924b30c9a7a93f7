"""Certificates of the clients that the server trusts."""
import base64
import binascii
import hashlib
import json
import ssl

import six

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.operation import Operation
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple, Union


class Certificate(Savable, Deletable):
    """A certificate that the server trusts, known by its fingerprint.

    Changes need ``certificate_update``, those of ``projects`` and
    ``restricted`` also ``certificate_project``.

    Endpoint: ``/1.0/certificates/FINGERPRINT``.
    """

    path = 'certificates'
    key = 'fingerprint'
    synchronous = True

    certificate = attribute(readonly=True)  # type: str
    fingerprint = attribute(readonly=True)  # type: str
    name = attribute(str)  # type: str
    projects = attribute([str])  # type: List[str]
    restricted = attribute(bool)  # type: bool
    type = attribute(readonly=True)  # type: str

    def save(self, wait=False):
        # type: (bool) -> None
        """Send the local changes to the server; see `Savable.save`."""
        self.client.dialect.need('certificate_update')
        if {'projects', 'restricted'} & set(self._document.changed):
            self.client.dialect.need('certificate_project')
        super(Certificate, self).save(wait)


class CertificateToken(object):
    """A token that lets one other client become trusted.

    The token itself is known only to those who made it.
    """

    def __init__(self, operation):
        # type: (Operation) -> None
        self._operation = operation
        request = operation.metadata['request']
        #: The name of the client's certificate in the server's list.
        self.name = request.get('name', '')  # type: str
        #: The time when the token expires; None if it does not.
        self.expires_at = operation.metadata.get(
            'expiresAt')  # type: Optional[str]

    def __repr__(self):
        # type: () -> str
        return '<CertificateToken {}>'.format(
            exceptions.printable(self.name))

    def delete(self):
        # type: () -> None
        """Make the token invalid.

        :raises LXDAPIException: the token was used or deleted, or has
            expired.

        Endpoint: ``DELETE /1.0/operations/ID``.
        """
        self._operation.cancel()


class Certificates(Manager[Certificate]):
    """All certificates: ``client.certificates``."""

    model = Certificate
    class_methods = ('create', 'create_token')  # type: Tuple[str, ...]

    def get(self, fingerprint):
        # type: (str) -> Certificate
        """Get a certificate by its fingerprint.

        :param fingerprint: the fingerprint, or the start of it.
        :raises NotFound: there is no such certificate.

        Endpoint: ``GET /1.0/certificates/FINGERPRINT``.
        """
        return self._get(fingerprint)

    def create(self,
               password,  # type: str
               cert_data,  # type: Union[bytes, str]
               cert_type='client',  # type: str
               name='',  # type: str
               projects=None,  # type: Optional[List[str]]
               restricted=False,  # type: bool
               secret='',  # type: str
               ):
        # type: (...) -> Certificate
        """Make the server trust a certificate.

        :param password: the trust password or a token; ``''`` if this
            client is trusted already.
        :param cert_data: the certificate, PEM or DER.
        :param cert_type: the type of the certificate; ``client`` is the only
            one that all servers know.
        :param name: the name of the certificate in the server's list.
        :param projects: the projects that a ``restricted`` certificate may
            use.
        :param restricted: whether the certificate may use nothing but
            ``projects``.
        :param secret: the token or trust password, as an alternative to
            ``password``.
        :raises InvalidCertificate: ``cert_data`` is no certificate.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIExtensionNotAvailable: the server lacks
            ``certificate_project``, which ``projects`` and ``restricted``
            need.
        :raises LXDAPIException: the server refused, as when the password is
            wrong.

        Endpoint: ``POST /1.0/certificates``.
        """
        if name:
            name = rest.check_name(name)
        der = to_der(cert_data)
        request = {
            'type': cert_type,
            'certificate': base64.b64encode(der).decode('ascii'),
        }  # type: Dict[str, Any]
        if secret or password:
            request.update(
                self.client.dialect.trust_request(secret or password))
        request.update(
            (field, value) for field, value
            in self._limits(name, projects, restricted).items() if value)
        rest.envelope(self.client.api.certificates.post(json=request))
        return Certificate.from_key(
            self.client, (hashlib.sha256(der).hexdigest(),))

    def _limits(self, name, projects, restricted):
        # type: (str, Optional[List[str]], bool) -> Dict[str, Any]
        """Return the fields of a request that limit a certificate.

        :raises TypeError: a value is none that the API takes.
        :raises LXDAPIExtensionNotAvailable: the server would ignore the
            limits, and trust the certificate with everything.
        """
        dialect = self.client.dialect
        if (projects or restricted) and not dialect.hides_extensions:
            dialect.need('certificate_project')
        return {
            field: self.model.__attributes__[field].convert(value)
            for field, value in (('name', name), ('projects', projects or []),
                                 ('restricted', restricted))}

    def tokens(self):
        # type: () -> List[CertificateToken]
        """List the tokens of `create_token` that nobody has used yet.

        Endpoint: ``GET /1.0/operations``; needs ``certificate_token``.
        """
        self.client.dialect.need('certificate_token')
        # The server keeps all tokens in the default project
        client = self.client.use_project('default')
        return [
            CertificateToken(operation)
            for operation in Operation.all(client)
            if operation.class_ == 'token' and operation.running
            # Only tokens for clients have the request that made them
            and isinstance((operation.metadata or {}).get('request'), dict)]

    def create_token(self, name='', projects=None, restricted=False):
        # type: (str, Optional[List[str]], bool) -> str
        """Create a token that lets one other client become trusted.

        :param name: the name of that client's certificate in the server's
            list.
        :param projects: the projects that a ``restricted`` certificate may
            use.
        :param restricted: whether the certificate may use nothing but
            ``projects``.
        :return: the token for `Client.authenticate` of that client, a secret.
        :raises LXDAPIExtensionNotAvailable: as for `create`.
        :raises LXDAPIException: the server refused.

        Endpoint: ``POST /1.0/certificates``; needs ``certificate_token``.
        """
        if name:
            name = rest.check_name(name)
        self.client.dialect.need('certificate_token')
        request = dict(self._limits(name, projects, restricted),
                       type='client', token=True)
        node, _ = self.node_and_query()
        response = node.post(json=request)
        operation = Operation.from_response(self.client, response)
        if operation is None or not (operation.metadata or {}).get('secret'):
            raise exceptions.InvalidResponse(response)
        return encode_token(name, operation.metadata)


def encode_token(client_name, metadata):
    # type: (str, Dict[str, Any]) -> str
    """Return a token in the encoding that the servers' own clients print.

    :param client_name: the name of the client that becomes trusted.
    :param metadata: the metadata of the operation that created the token.
    """
    return base64.b64encode(json.dumps({
        'client_name': client_name, 'fingerprint': metadata['fingerprint'],
        'addresses': metadata['addresses'], 'secret': metadata['secret'],
        'expires_at': metadata.get('expiresAt', '0001-01-01T00:00:00Z'),
    }).encode('utf-8')).decode('ascii')


def to_der(cert_data):
    # type: (Union[bytes, str]) -> bytes
    """Return a certificate as DER.

    :param cert_data: the certificate, PEM or DER.
    :raises TypeError: ``cert_data`` is neither bytes nor text.
    :raises InvalidCertificate: ``cert_data`` is no certificate.
    """
    from cryptography import x509  # 22 ms that only trust needs
    from cryptography.hazmat.backends import default_backend
    if isinstance(cert_data, six.text_type):
        cert_data = cert_data.encode('utf-8')
    if not isinstance(cert_data, bytes):
        raise TypeError('cert_data must be PEM or DER data, not {!r}'.format(
            type(cert_data)))
    try:
        if b'-----BEGIN' in cert_data:
            cert_data = cert_data[cert_data.index(b'-----BEGIN CERT'):]
            cert_data = ssl.PEM_cert_to_DER_cert(
                cert_data[:cert_data.index(b'-----END CERTIFICATE-----')]
                .decode('ascii') + '-----END CERTIFICATE-----')
        x509.load_der_x509_certificate(cert_data, default_backend())
    except (ValueError, binascii.Error) as error:
        raise exceptions.InvalidCertificate(
            'cert_data is no certificate in PEM or DER form, the content of '
            'a file and not its path: {}'.format(error), cause=error)
    return cert_data
