"""The trust between a client and its server."""
import time

from pylxd import exceptions
from pylxd.core.context import Context
from pylxd.transport.pools import clock
from pylxd.transport.tls import key_pair, read_pem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional
    from pylxd.transport.tls import Cert

#: Seconds within which a certificate counts that LXD has in its list (less
#: than 0.1 s seen).
TRUST_DELAY = 2


class Authentication(Context):
    """The part of `Client` that makes the server trust its certificate."""

    #: The paths of the client certificate and its key, or None.
    cert = None  # type: Optional[Cert]
    #: The certificates that the server trusts.
    certificates = None  # type: Any

    @property
    def trusted(self):
        # type: () -> bool
        """Whether the server trusts this client."""
        return self.dialect.trusted

    def authenticate(self, password=None, use_token_auth=True, secret=None):
        # type: (Optional[str], bool, Optional[str]) -> None
        """Make the server trust this client's certificate.

        Nothing is changed if the certificate is trusted already, also if
        another process makes the server trust it at the same moment.

        :param password: the server's trust password, or a token.
        :param use_token_auth: accepted, as by earlier releases, and without
            effect: each server gets what it understands.
        :param secret: another name of ``password``.
        :raises InvalidCertificate: the client has no certificate, or its
            file has been deleted.
        :raises LXDAPIException: the server refused the password or token.

        Endpoint: ``POST /1.0/certificates``.
        """
        if password is None:
            password = secret
        if self.trusted:
            return
        if password is None:
            raise TypeError('authenticate() needs a password or a token')
        if self.cert is None:
            raise exceptions.InvalidCertificate(
                'authenticate() needs the certificate of the client: pass '
                'cert=(certificate, key) to Client')
        if self._learn_trust():  # an administrator may have added it
            return
        refusal = None  # type: Optional[exceptions.LXDAPIException]
        pem = read_pem(key_pair(self.cert)[0], 'CERTIFICATE', 'cert')
        try:
            self.certificates.create(password, pem)
        except exceptions.LXDAPIException as error:
            if error.response.status_code < 500:
                error.hint = (
                    'check the trust password or token: a token serves one '
                    'client and may expire, and newer servers take only '
                    'tokens')
            refusal = error
        # Pooled connections predate the trust: close them
        self.transport.close()
        # A certificate, also one that another process has just added, counts
        # a moment later
        deadline = clock() + TRUST_DELAY
        while not self._learn_trust() and clock() < deadline and (
                refusal is None or isinstance(refusal, exceptions.Conflict)):
            time.sleep(0.05)
        if refusal is not None and not self.trusted:
            raise refusal
        self._check_project()

    def _learn_trust(self):
        # type: () -> bool
        """Ask the server whether it trusts this client."""
        try:
            self.dialect.refresh()
        except exceptions.LXDAPIException as error:
            # Incus 6.0, while it learns to trust the certificate
            if error.response.status_code != 403:
                raise
        return self.trusted

    def server_certificate(self):
        # type: () -> str
        """Return the certificate of the server, in PEM.

        An untrusted client takes it from its connection.
        """
        if self.dialect.certificate or self.trusted:
            return self.dialect.certificate
        return self.transport.get_certificate()
