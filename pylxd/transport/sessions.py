"""Sessions of requests, and the default files of certificates.

Earlier releases had these names in ``pylxd.client``.
"""
import collections
import os

from requests.adapters import HTTPAdapter
from six.moves.urllib import parse

from pylxd.transport.connection import Transport
from pylxd.transport.kinds import default_key_pair, KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Optional
    from pylxd.transport.tls import Cert as CertArgument, Verify

#: The paths of a client certificate and its key.
Cert = collections.namedtuple('Cert', ['cert', 'key'])


def _find_certificates():
    # type: () -> str
    """Return the directory of the key pair of this user's ``lxc``."""
    directories = KINDS[0].list_configurations(os.environ)
    existing = [each for each in directories if os.path.exists(each)]
    return (existing or directories[-1:])[0]


#: The directory of the key pair of this user's ``lxc``, at import time.
CERTS_PATH = _find_certificates()  # type: str
#: The key pair of this user's ``lxc``, whether it exists or not.
DEFAULT_CERTS = Cert(cert=os.path.join(CERTS_PATH, 'client.crt'),
                     key=os.path.join(CERTS_PATH, 'client.key'))


class LXDSSLAdapter(HTTPAdapter):
    """An adapter of requests that does not check the names of hosts.

    LXD makes a certificate for itself, which names no address: it is trusted
    as a whole, by ``verify=PATH``.
    """

    def init_poolmanager(self, *args, **kwargs):
        # type: (*Any, **Any) -> None
        """See `requests.adapters.HTTPAdapter`."""
        kwargs['assert_hostname'] = False
        super(LXDSSLAdapter, self).init_poolmanager(*args, **kwargs)


def get_session_for_url(url,  # type: str
                        verify=None,  # type: Optional[Verify]
                        cert=None,  # type: Optional[CertArgument]
                        ):
    # type: (...) -> requests.Session
    """Return a session of requests for one server, as `Client` has it.

    :param url: the URL of the server: ``https://host:port``, or
        ``http+unix://`` and the quoted path of a socket.
    :param verify: as for `Client`; None is the certificate that ``lxc`` keeps
        of the host, or else True.
    :param cert: as for `Client`.
    :raises InvalidCertificate: a certificate or key is unusable.
    :raises ClientConnectionFailed: the URL is malformed.
    """
    if url.startswith('http+unix://'):
        url = parse.unquote(url[len('http+unix://'):])
    elif cert is None and url.startswith('https:'):
        cert = default_key_pair()
    if verify is None:
        verify = find_pin(url) or True
    return Transport(url, cert, verify).session


def find_pin(url):
    # type: (str) -> Optional[str]
    """Return the path of the certificate that ``lxc`` keeps of a host.

    :param url: the URL of the server.
    :return: ``servercerts/HOST.crt`` in its directory; None without it.
    """
    path = os.path.join(_find_certificates(), 'servercerts', '{}.crt'.format(
        parse.urlsplit(url).hostname))
    return path if os.path.exists(path) else None
