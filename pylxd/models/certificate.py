"""Certificates of the clients that the server trusts."""
import base64
import binascii
import hashlib
import json
import ssl

import six

from pylxd import exceptions
from pylxd.core import operation
from pylxd.transport import rest
from pylxd.core.manager import Manager
from pylxd.core.model import Model, attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


class Certificate(Model):
    """A certificate that the server trusts, keyed by its fingerprint.

    Endpoint: ``/1.0/certificates/FINGERPRINT``.
    """

    path = 'certificates'
    key = 'fingerprint'

    certificate = attribute(readonly=True)  # type: str
    fingerprint = attribute(readonly=True)  # type: str
    name = attribute(readonly=True)  # type: str
    projects = attribute(readonly=True)  # type: List[str]
    restricted = attribute(readonly=True)  # type: bool
    type = attribute(readonly=True)  # type: str


class Certificates(Manager[Certificate]):
    """All certificates: ``client.certificates``."""

    model = Certificate

    def get(self, fingerprint):
        # type: (str) -> Certificate
        """Get one by its fingerprint, or by the beginning of it.

        :raises NotFound: there is none.

        Endpoint: ``GET /1.0/certificates/FINGERPRINT``.
        """
        return super(Certificates, self).get(fingerprint)

    def create(self, password, cert_data, cert_type='client', name='',
               projects=None, restricted=False):
        # type: (str, Any, str, str, Optional[List[str]], bool) -> Certificate
        """Have the server trust a certificate.

        :param password: the trust password or a token; a client that is
            trusted needs none (``''``).
        :param cert_data: the certificate, PEM or DER.
        :param name: what the server calls it.
        :param projects: the only projects that it may use, if it is
            ``restricted``.
        :raises InvalidCertificate: it is no certificate.
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
        rest.envelope(self.client.api.certificates.post(json=request))
        return self._make(
            seen={'fingerprint': hashlib.sha256(der).hexdigest()})

    def create_token(self, name='', projects=None, restricted=False):
        # type: (str, Optional[List[str]], bool) -> str
        """Make a token by which one other client becomes trusted.

        :param name: what the server will call its certificate.
        :return: the token, a secret: what `Client.authenticate` takes.

        Needs ``certificate_token``.

        Endpoint: ``POST /1.0/certificates``.
        """
        if name:
            rest.quote(name)
        self.client.dialect.need('certificate_token')
        request = {'type': 'client', 'name': name, 'token': True,
                   'projects': projects or [], 'restricted': restricted}
        response = self.client.api.certificates.post(json=request)
        begun = operation.begun(self.client, response)
        if begun is None or not (begun.metadata or {}).get('secret'):
            raise exceptions.InvalidResponse(response)
        about = begun.metadata
        return base64.b64encode(json.dumps({
            'client_name': name, 'fingerprint': about['fingerprint'],
            'addresses': about['addresses'], 'secret': about['secret'],
            'expires_at': about.get('expiresAt', '0001-01-01T00:00:00Z'),
        }).encode('utf-8')).decode('ascii')


def to_der(cert_data):
    # type: (Any) -> bytes
    """A certificate as DER.

    :raises InvalidCertificate: it is none.
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
