"""The client: the connection to a server and the managers of its objects."""
import os
import time

from pylxd import exceptions
from pylxd.core.collection import (
    cache_managers, collection, copy_without_managers)
from pylxd.core.constants import TextConstants
from pylxd.core.context import Context
from pylxd.transport.connection import Transport
from pylxd.transport.dialect import Dialect, is_unreachable
from pylxd.transport.kinds import default_key_pair, default_socket
from pylxd.transport.pools import clock
from pylxd.transport.rest import check_name, Node, quote
from pylxd.transport.sessions import (
    Cert, CERTS_PATH, DEFAULT_CERTS, get_session_for_url, LXDSSLAdapter)
from pylxd.transport.tls import key_pair, read_pem

__all__ = ['Cert', 'CERTS_PATH', 'Client', 'DEFAULT_CERTS', 'EventType',
           'get_session_for_url', 'LXDSSLAdapter']

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import (
        Any, Callable, Dict, Iterable, List, Optional, overload, Type,
        TypeVar, Union)
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
    from pylxd.transport.listener import Listener
    from pylxd.transport.tls import Cert as CertArgument, Timeout, Verify
    from pylxd.transport.websocket import EventsClient
    C = TypeVar('C', bound='Client')
    T = TypeVar('T')
    W = TypeVar('W')


#: Seconds within which a certificate counts that LXD has in its list (less
#: than 0.1 s seen).
TRUST_DELAY = 2


class EventType(TextConstants):
    """The types of events, for the argument of `Client.events`.

    Each type is a text with the attributes ``name`` and ``value``:
    ``EventType.Lifecycle``, ``EventType['Lifecycle']`` and
    ``EventType('lifecycle')`` are the same. Iteration yields all types.
    """

    All = 'all'  # type: Any
    Operation = 'operation'  # type: Any
    Logging = 'logging'  # type: Any
    Lifecycle = 'lifecycle'  # type: Any
    #: Of Incus.
    NetworkACL = 'network-acl'  # type: Any
    #: Of newer LXD.
    OVN = 'ovn'  # type: Any
    #: Of newer LXD.
    Security = 'security'  # type: Any


@cache_managers
class Client(Context):
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
        #: The paths of the client certificate and its key, or None.
        self.cert = cert  # type: Optional[CertArgument]
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
    def trusted(self):
        # type: () -> bool
        """Whether the server trusts this client."""
        return self.dialect.trusted

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

    def _check_project(self):
        # type: () -> None
        """Raise an exception if the server is known to have no projects."""
        if self.project not in (None, 'default') and (
                not self.dialect.hides_extensions):
            self.dialect.need('projects')

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

    def server_certificate(self):
        # type: () -> str
        """Return the certificate of the server, in PEM.

        An untrusted client takes it from its connection.
        """
        if self.dialect.certificate or self.trusted:
            return self.dialect.certificate
        return self.transport.get_certificate()

    @property
    def websocket_url(self):
        # type: () -> str
        """The URL before the path of each websocket."""
        return self.transport.websocket_url

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

    def websocket(self, path, websocket_client):
        # type: (str, Callable[[str], W]) -> W
        """Return an unconnected websocket for a path of the server.

        It carries the client certificate, and sends no ``Origin``, which
        Incus 7 refuses.

        :param path: the path and the query, such as those that
            ``raw_interactive_execute`` returns.
        :param websocket_client: the class of the websocket, a client of
            ws4py, which handles what it receives; or another callable that
            takes a URL and returns such a websocket.
        :raises TypeError: the callable returned something else.
        """
        from pylxd.transport import websocket  # a third of import time
        connection = websocket.make(
            self.transport, path, websocket_client)  # type: W
        return connection

    if TYPE_CHECKING:
        @overload
        def events(self, websocket_client=None, event_types=None):
            # type: (None, Union[None, str, Iterable[str]]) -> EventsClient
            pass

        @overload
        def events(self, websocket_client, event_types=None):
            # type: (Callable[[str], W], Union[None, str, Iterable[str]]) -> W
            pass

    def events(self, websocket_client=None, event_types=None):
        # type: (Any, Union[None, str, Iterable[str]]) -> Any
        """Return an unconnected websocket that receives the server's events.

        Call its ``connect()``, then its ``run()``, which receives events
        until the websocket is closed. Any thread may close it: ``close()``
        asks the server to, ``terminate()`` and ``close_connection()`` act
        at once.

        :param websocket_client: the class of the websocket, a client of
            ws4py, or another callable that takes a URL and returns such a
            websocket, such as a `functools.partial`. The default class is
            `EventsClient`, which appends the events to its list
            ``messages``.
        :param event_types: the types to receive, values of `EventType`; one
            or several. The default is all types.
        :return: the websocket, an instance of that class.
        :raises TypeError: the callable returned something else.

        Endpoint: ``GET /1.0/events``.
        """
        if websocket_client is None:
            from pylxd.transport import websocket  # a third of import time
            websocket_client = websocket.EventsClient
        return self.websocket(
            self._make_events_path(event_types), websocket_client)

    def listen(self,
               types=None,  # type: Union[None, str, Iterable[str]]
               all_projects=False,  # type: bool
               timeout=None,  # type: Optional[float]
               reconnect=False,  # type: bool
               ):
        # type: (...) -> Listener
        """Return an iterator of the server's events, which is connected.

        No event that happens later is missed, unless the connection is lost.

        :param types: the types to receive, values of `EventType`; one or
            several. The default is all types.
        :param all_projects: receive the events of all projects, not only
            those of the project of this client.
        :param timeout: seconds without an event after which the iteration
            ends; None is never.
        :param reconnect: connect again when the connection is lost, as when
            the server restarts. The event ``reconnected`` then tells that
            events in between may be lost.
        :return: the iterator of events, which are dicts. Use it in a ``with``
            block, or call its ``close()``, also from another thread.
        :raises LXDAPIException: the server refused.

        Endpoint: ``GET /1.0/events``.
        """
        from pylxd.transport import listener  # imports ws4py
        return listener.Listener(self.transport, self._make_events_path(
            types, all_projects), timeout, reconnect)

    def _make_events_path(self, types, all_projects=False):
        # type: (Union[None, str, Iterable[str]], bool) -> str
        """Return the path and query of the events."""
        if isinstance(types, (str, type(u''))):
            types = [types]
        types = sorted(set(types or ()))
        query = []
        if all_projects:
            query.append('all-projects=true')
        elif self.project:
            query.append('project=' + quote(self.project))
        if types and EventType.All not in types:
            query.append('type=' + ','.join(quote(each) for each in types))
        return (self.api.events.path + ('?' if query else '')
                + '&'.join(query))
