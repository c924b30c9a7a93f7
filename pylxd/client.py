"""The client: the connection to a server and the managers of its objects."""
import os

from pylxd import exceptions
from pylxd.core.authentication import Authentication
from pylxd.core.collection import (
    cache_managers, collection, copy_without_managers)
from pylxd.core.events import EventSource, EventType
from pylxd.transport.connection import Transport
from pylxd.transport.dialect import Dialect, is_unreachable
from pylxd.transport.kinds import default_key_pair, default_socket
from pylxd.transport.rest import check_name, Node
from pylxd.transport.sessions import (
    Cert, CERTS_PATH, DEFAULT_CERTS, get_session_for_url, LXDSSLAdapter)
from pylxd.transport.tls import key_pair

__all__ = ['Cert', 'CERTS_PATH', 'Client', 'DEFAULT_CERTS', 'EventType',
           'get_session_for_url', 'LXDSSLAdapter']

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Callable, Dict, List, Optional, Type, TypeVar
    from pylxd.core.operation import Operations
    from pylxd.models.certificate import Certificates
    from pylxd.models.cluster import Cluster
    from pylxd.models.image import Images
    from pylxd.models.instance import (
        Containers, Instances, VirtualMachines)
    from pylxd.models.network import Networks
    from pylxd.models.network_acl import NetworkAcls
    from pylxd.models.network_address_set import NetworkAddressSets
    from pylxd.models.network_integration import NetworkIntegrations
    from pylxd.models.network_zone import NetworkZones
    from pylxd.models.profile import Profiles
    from pylxd.models.project import Projects
    from pylxd.models.server import Server
    from pylxd.models.storage_pool import StoragePools
    from pylxd.models.storage_volumes import AllStorageVolumes
    from pylxd.models.warning import Warnings
    from pylxd.transport.tls import Cert as CertArgument, Timeout, Verify
    C = TypeVar('C', bound='Client')
    T = TypeVar('T')


@cache_managers
class Client(Authentication, EventSource):
    """A connection to one server, LXD or Incus.

    A subclass may replace the classes of the managers:
    ``Containers = MyContainers``.

    :param endpoint: the path of a unix socket (also ``unix://PATH``), or
        ``https://host:port``; without a port, 443. By default the socket
        that ``LXD_SOCKET``, ``LXD_DIR``, ``INCUS_SOCKET`` or ``INCUS_DIR``
        names, or the first default socket that this user may open. An
        ``http://`` endpoint with ``cert`` is taken as ``https://``, since the
        server speaks only TLS there.
    :param version: the version of the API.
    :param cert: the paths of the client certificate and its key, PEM files;
        one path if a file holds both. The default for an ``https://``
        endpoint is the key pair of this user's ``lxc`` or ``incus``, in the
        directory that ``LXD_CONF`` or ``INCUS_CONF`` names, or else in the
        usual one.
    :param verify: how the server's certificate is checked. True: by the
        authorities of the system; a path: by a CA bundle, or against the
        server's own certificate in that file; False: not at all. Variables
        of the environment have no effect.
    :param timeout: seconds to wait for a connection and for each read, or a
        tuple of both; None waits for ever. It does not limit the wait for
        the end of an operation.
    :param project: the project of all requests; needs ``projects``.
    :param session: a session of requests that sends all requests but those
        of websockets, with its adapters, headers and hooks; `close` closes
        it. Its ``cert`` and ``verify`` are the defaults of these arguments.
    :param compat: ``'2.4'`` for a program that was written for pylxd 2.1 to
        2.4: see :doc:`migration`. The default is ``PYLXD_COMPAT`` in the
        environment; ``''`` is the documented interface in any case.
    :raises ValueError: ``compat`` is another release.
    :raises ClientConnectionFailed: the server cannot be reached.
    :raises InvalidName: no server allows that name of a project.
    :raises InvalidCertificate: a certificate or key is unusable.
    :raises LXDAPIException: the server is neither LXD nor Incus, or refused.

    Endpoint: ``GET /1.0``.
    """

    certificates = collection(
        'certificate:Certificates')  # type: Certificates
    cluster = collection('cluster:Cluster')  # type: Cluster
    containers = collection('instance:Containers')  # type: Containers
    images = collection('image:Images')  # type: Images
    instances = collection('instance:Instances')  # type: Instances
    network_acls = collection('network_acl:NetworkAcls')  # type: NetworkAcls
    network_address_sets = collection(
        'network_address_set:NetworkAddressSets')  # type: NetworkAddressSets
    network_integrations = collection(
        'network_integration:NetworkIntegrations'
    )  # type: NetworkIntegrations
    network_zones = collection(
        'network_zone:NetworkZones')  # type: NetworkZones
    networks = collection('network:Networks')  # type: Networks
    operations = collection('operation:Operations')  # type: Operations
    profiles = collection('profile:Profiles')  # type: Profiles
    projects = collection('project:Projects')  # type: Projects
    server = collection('server:Server')  # type: Server
    storage_pools = collection(
        'storage_pool:StoragePools')  # type: StoragePools
    storage_volumes = collection(
        'storage_volumes:AllStorageVolumes')  # type: AllStorageVolumes
    virtual_machines = collection(
        'instance:VirtualMachines')  # type: VirtualMachines
    warnings = collection('warning:Warnings')  # type: Warnings

    # The hardware of the server, once it was read
    _resources = None  # type: Optional[Dict[str, Any]]

    def __init__(self,
                 endpoint=None,  # type: Optional[str]
                 version='1.0',  # type: str
                 cert=None,  # type: Optional[CertArgument]
                 verify=True,  # type: Verify
                 timeout=None,  # type: Timeout
                 project=None,  # type: Optional[str]
                 session=None,  # type: Optional[requests.Session]
                 compat=None,  # type: Optional[str]
                 ):
        # type: (...) -> None
        if session is not None:
            cert = session.cert if cert is None else cert
            verify = session.verify if (  # type: ignore[assignment]
                verify is True) else verify
        if compat is None:
            compat = os.environ.get('PYLXD_COMPAT')
        if compat:
            from pylxd import _compat  # imported late: few programs need it
            verify = _compat.switch_on(self, compat, endpoint, verify)
        if endpoint in (None, ''):
            endpoint = default_socket()
        elif cert is None and str(endpoint).startswith('https:'):
            cert = default_key_pair()
        #: The version of the API.
        self.version = version  # type: str
        #: The project of all requests; None is the server's default.
        self.project = project  # type: Optional[str]
        self.cert = cert
        self.transport = Transport(
            endpoint, cert, verify, timeout, session)  # type: Transport
        #: The REST tree: ``client.api.containers['c1'].state.get()``.
        self.api = self._make_api()  # type: Node
        try:
            #: The server's kind and API extensions.
            self.dialect = Dialect(self.api)  # type: Dialect
            self._check_project()
        except BaseException:
            self.close()
            raise

    @classmethod
    def from_remote(cls, name=None, **kwargs):
        # type: (Type[C], Optional[str], **Any) -> C
        """Return a client of a server that ``lxc`` or ``incus`` knows.

        The configuration of these programs has the address of the server, its
        certificate, the key pair of this user, and the project. Nothing is
        written to it.

        :param name: the name of the remote, one of `pylxd.remotes()`; with
            ``lxc:`` or ``incus:`` before it, a remote of that program. The
            default is the default remote of ``lxc``, or of ``incus`` if only
            ``incus`` has a configuration; without any, the server of this
            machine.
        :param kwargs: arguments of `Client`, which replace what the remote
            says.
        :raises ImportError: PyYAML is not installed.
        :raises InvalidRemote: the remote is unknown, offers images only, or
            needs another authentication than a key pair; or a configuration
            cannot be read.
        :raises InvalidCertificate: a certificate or key is missing or
            unusable.
        :raises ClientConnectionFailed: the server cannot be reached.
        """
        from pylxd import _remotes  # imported late: most programs need it not
        endpoints, arguments = _remotes.get_arguments(name, kwargs)
        for endpoint in endpoints[:-1]:
            try:
                return cls(endpoint, **arguments)
            except exceptions.ClientConnectionFailed:
                pass  # Incus 7 stores several addresses of a server
        return cls(endpoints[-1], **arguments)

    def _make_api(self):
        # type: () -> Node
        query = {name: check_name(getattr(self, name))
                 for name in ('project', 'target')
                 if getattr(self, name) is not None}
        self.__dict__.update(query)
        return Node(self.transport, '', query)[self.version]

    def use_project(self, name):
        # type: (C, str) -> C
        """Return a client of another project of the server.

        It shares the connections of this client: `close` of one closes those
        of both, and the next request opens new ones.

        :param name: the name of the project.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIExtensionNotAvailable: the server lacks ``projects``.
        """
        return self._copy(project=name)

    def use_target(self, name):
        # type: (C, str) -> C
        """Return a client whose requests name a member of the cluster.

        It adds ``target=NAME`` to each request that takes one: objects are
        created on that member, and read as that member has them. It shares
        the connections of this client, as that of `use_project` does.

        :param name: the name of the member.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIExtensionNotAvailable: the server lacks ``clustering``.
        """
        self.dialect.need('clustering')
        return self._copy(target=name)

    def _copy(self, **changes):
        # type: (C, **str) -> C
        client = copy_without_managers(self)
        client.__dict__.update(changes, _resources=None)
        client.api = client._make_api()
        client._check_project()
        return client

    def __repr__(self):
        # type: () -> str
        return '<Client of {}>'.format(self.transport.endpoint)

    def __enter__(self):
        # type: (C) -> C
        return self

    def __exit__(self, *_):
        # type: (*Any) -> None
        self.close()

    def close(self):
        # type: () -> None
        """Close the connections; the next request opens new ones."""
        self.transport.close()

    @property
    def host_info(self):
        # type: () -> Dict[str, Any]
        """The fields of the last response to ``GET /1.0``."""
        return self.dialect.info

    @host_info.setter
    def host_info(self, info):
        # type: (Dict[str, Any]) -> None
        self.dialect.info = info

    @property
    def server_clustered(self):
        # type: () -> bool
        """Whether the server was a member of a cluster when last asked."""
        return bool(self.dialect.environment.get('server_clustered'))

    @property
    def resources(self):
        # type: () -> Dict[str, Any]
        """The hardware of the server's machine, loaded at the first read.

        `Server.resources` loads it each time.

        Endpoint: ``GET /1.0/resources``; needs ``resources``.
        """
        if self._resources is None:
            self._resources = self.server.resources()
        return self._resources

    @property
    def address(self):
        # type: () -> str
        """The URL by which other servers reach this server.

        :raises ClientConnectionFailed: the server listens on its socket only.
        """
        for url in self.addresses:
            return url
        raise exceptions.ClientConnectionFailed(
            '{}: other servers cannot reach this server, as it does not '
            'listen on HTTPS: set core.https_address in its '
            'configuration'.format(self.transport.endpoint))

    def has_api_extension(self, name):
        # type: (str) -> bool
        """Return whether the server has an API extension."""
        return self.dialect.has(name)

    def assert_has_api_extension(self, name):
        # type: (str) -> None
        """Raise an exception if the server lacks an API extension.

        :raises LXDAPIExtensionNotAvailable: the server lacks it; the
            exception is a NotImplementedError, too.
        """
        self.dialect.need(name)

    @property
    def addresses(self):
        # type: () -> List[str]
        """The URLs by which other servers may reach this server.

        The first is the one that this client uses; behind a tunnel only
        those that the server itself names are of use to others.
        """
        urls = [] if self.transport.socket_path else [self.transport.url]
        for address in self.dialect.addresses:
            if 'https://' + address not in urls:
                urls.append('https://' + address)
        return urls

    def offer(self, connect):
        # type: (Callable[[str], T]) -> T
        """Let another server connect to this server, by an address it reaches.

        :param connect: a function that makes the other server connect to a URL
            of this server. It is called with one of `addresses` after
            another, until the other server reaches this one.
        :return: the result of ``connect``.
        :raises ClientConnectionFailed: the server listens on its socket only.
        :raises LXDAPIException: the error of the last call.
        """
        addresses = self.addresses or [self.address]  # which then raises
        for address in addresses[:-1]:
            try:
                return connect(address)
            except exceptions.LXDAPIException as error:
                if not is_unreachable(error):
                    raise
        return connect(addresses[-1])

    @property
    def ssl_options(self):
        # type: () -> Optional[Dict[str, str]]
        """The key pair as the argument ``ssl_options`` of ws4py has it.

        The websockets of this client need it not. None without a key pair.
        """
        if self.cert is None:
            return None
        certificate, key = key_pair(self.cert)
        return {'certfile': certificate, 'keyfile': key}
