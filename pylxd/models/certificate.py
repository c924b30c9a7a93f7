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
from pylxd.core.verbs import Deletable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple, Union


class Certificate(Deletable):
    """A certificate that the server trusts, keyed by its fingerprint.

    Endpoint: ``/1.0/certificates/FINGERPRINT``.
    """

    path = 'certificates'
    key = 'fingerprint'
    synchronous = True

    certificate = attribute(readonly=True)  # type: str
    fingerprint = attribute(readonly=True)  # type: str
    name = attribute(readonly=True)  # type: str
    projects = attribute(readonly=True)  # type: List[str]
    restricted = attribute(readonly=True)  # type: bool
    type = attribute(readonly=True)  # type: str


class Certificates(Manager[Certificate]):
    """All certificates: ``client.certificates``."""

    model = Certificate
    class_methods = ('create', 'create_token')  # type: Tuple[str, ...]

    def get(self, fingerprint):
        # type: (str) -> Certificate
        """Get a certificate by its fingerprint, or by the start of it.

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
               ):
        # type: (...) -> Certificate
        """Make the server trust a certificate.

        :param password: the trust password or a token; a client that is
            trusted needs none (``''``).
        :param cert_data: the certificate, PEM or DER.
        :param name: the name that the server shows for it.
        :param projects: the only projects that it may use, if it is
            ``restricted``.
        :raises InvalidCertificate: ``cert_data`` is no certificate.
        :raises LXDAPIException: the server refused, as when the password is
            wrong.

        Endpoint: ``POST /1.0/certificates``.
        """
        if name:
            rest.quote(name)
        der = to_der(cert_data)
        request = {
            'type': cert_type,
            'certificate': base64.b64encode(der).decode('ascii'),
        }  # type: Dict[str, Any]
        if password:
            request.update(self.client.dialect.trust_request(password))
        for field, value in (('name', name), ('projects', projects),
                             ('restricted', restricted)):
            if value:
                request[field] = value
        node, _ = self.node_and_query()
        rest.envelope(node.post(json=request))
        return Certificate.from_key(
            self.client, (hashlib.sha256(der).hexdigest(),))

    def create_token(self, name='', projects=None, restricted=False):
        # type: (str, Optional[List[str]], bool) -> str
        """Make a token by which one other client becomes trusted.

        :param name: the name that the server will show for its certificate.
        :param projects: the only projects that it may use, if it is
            ``restricted``.
        :return: the token, a secret: what `Client.authenticate` takes.

        Endpoint: ``POST /1.0/certificates``; needs ``certificate_token``.
        """
        if name:
            rest.quote(name)
        self.client.dialect.need('certificate_token')
        request = {'type': 'client', 'name': name, 'token': True,
                   'projects': projects or [], 'restricted': restricted}
        node, _ = self.node_and_query()
        response = node.post(json=request)
        operation = Operation.from_response(self.client, response)
        if operation is None or not (operation.metadata or {}).get('secret'):
            raise exceptions.InvalidResponse(response)
        about = operation.metadata
        return base64.b64encode(json.dumps({
            'client_name': name, 'fingerprint': about['fingerprint'],
            'addresses': about['addresses'], 'secret': about['secret'],
            'expires_at': about.get('expiresAt', '0001-01-01T00:00:00Z'),
        }).encode('utf-8')).decode('ascii')


def to_der(cert_data):
    # type: (Union[bytes, str]) -> bytes
    """Return a certificate as DER.

    :raises InvalidCertificate: ``cert_data`` is no certificate.
    """
    from cryptography import x509  # 22 ms that only trust needs
    from cryptography.hazmat.backends import default_backend
    if isinstance(cert_data, six.text_type):
        cert_data = cert_data.encode('utf-8')
    if not isinstance(cert_data, bytes):
        raise TypeError('a certificate is PEM or DER data, not {!r}'.format(
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
            'this is no certificate: {}'.format(error), cause=error)
    return cert_data
