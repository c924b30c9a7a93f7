"""The client: connects to a server, and holds the managers."""
from pylxd import exceptions
from pylxd.core.collection import collection, keep_managers
from pylxd.core.context import Context
from pylxd.transport.connection import Transport
from pylxd.transport.dialect import Dialect, default_key_pair, default_socket
from pylxd.transport.rest import Node, quote
from pylxd.transport.tls import key_pair

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Optional, Type, TypeVar, Union
    from typing import overload
    from pylxd.core.operation import Operations
    from pylxd.models.certificate import Certificates
    from pylxd.models.image import Images
    from pylxd.models.instance import (
        Containers, Instances, VirtualMachines)
    from pylxd.models.network import Networks
    from pylxd.models.profile import Profiles
    from pylxd.models.project import Projects
    from pylxd.transport.tls import Cert, Timeout, Verify
    from pylxd.transport.websocket import EventsClient
    C = TypeVar('C', bound='Client')
    W = TypeVar('W')


class EventType(object):
    """The types of events that `Client.events` can be narrowed to."""

    All = 'all'
    Operation = 'operation'
    Logging = 'logging'
    Lifecycle = 'lifecycle'


@keep_managers
class Client(Context):
    """A connection to one server, LXD or Incus.

    A subclass may name classes of its own for the managers:
    ``Containers = MyContainers``.

    :param endpoint: the path of a unix socket (also ``unix://PATH``), or
        ``https://host:port``. Without one: what ``LXD_SOCKET``, ``LXD_DIR``,
        ``INCUS_SOCKET`` or ``INCUS_DIR`` name, or the first socket that is
        there in the usual places. ``http://`` together with ``cert`` means
        ``https://``, as the server speaks nothing else there.
    :param version: of the API.
    :param cert: the client certificate and its key, paths of PEM files. An
        ``https://`` endpoint without it is shown those of ``lxc`` or
        ``incus``, if this user has them.
    :param verify: True: the server's certificate is checked as usual. A
        path: against that CA bundle, or it is the very certificate of the
        server. False: not at all. Nothing in the environment changes it.
    :param timeout: seconds to wait for a connection and for each read; None
        waits for ever. What waits for the end of an operation is not bound
        by it.
    :param project: the project to work in; needs ``projects``.
    :raises ClientConnectionFailed: the server cannot be reached.
    :raises InvalidName: no server can mean that project.
    :raises InvalidCertificate: a certificate or key is unusable.
    :raises LXDAPIException: what answers is no such server.

    Endpoint: ``GET /1.0``.
    """

    certificates = collection(
        'certificate:Certificates')  # type: Certificates
    containers = collection('instance:Containers')  # type: Containers
    images = collection('image:Images')  # type: Images
    instances = collection('instance:Instances')  # type: Instances
    networks = collection('network:Networks')  # type: Networks
    operations = collection('operation:Operations')  # type: Operations
    profiles = collection('profile:Profiles')  # type: Profiles
    projects = collection('project:Projects')  # type: Projects
    virtual_machines = collection(
        'instance:VirtualMachines')  # type: VirtualMachines

    def __init__(self,
                 endpoint=None,  # type: Optional[str]
                 version='1.0',  # type: str
                 cert=None,  # type: Optional[Cert]
                 verify=True,  # type: Verify
                 timeout=None,  # type: Timeout
                 project=None,  # type: Optional[str]
                 ):
        # type: (...) -> None
        if endpoint in (None, ''):
            endpoint = default_socket()
        elif cert is None and str(endpoint).startswith('https:'):
            cert = default_key_pair()
        #: The version of the API.
        self.version = version  # type: str
        #: The project that it works in; None is the server's default.
        self.project = project  # type: Optional[str]
        #: The key pair, if there is one.
        self.cert = cert  # type: Optional[Cert]
        self.transport = Transport(
            endpoint, cert, verify, timeout)  # type: Transport
        #: The REST tree: ``client.api.containers['c1'].state.get()``.
        if project:
            quote(project)
        self.api = Node(
            self.transport, '',
            {'project': project} if project else None)[version]  # type: Node
        #: What is at the other end.
        try:
            self.dialect = Dialect(self.api)  # type: Dialect
            if project not in (None, 'default'):
                self.dialect.need('projects')
        except BaseException:
            self.close()
            raise

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
        """Close its connections; a later call opens new ones."""
        self.transport.close()

    @property
    def host_info(self):
        # type: () -> Dict[str, Any]
        """The last answer of the server to ``GET /1.0``."""
        return self.dialect.info

    @property
    def trusted(self):
        # type: () -> bool
        """Whether the server trusts this client."""
        return self.dialect.trusted

    @property
    def address(self):
        # type: () -> str
        """The URL under which other servers reach this one.

        :raises ClientConnectionFailed: it listens on its socket alone.
        """
        if not self.transport.socket_path:
            return self.transport.url
        for address in self.dialect.addresses:
            return 'https://' + address
        raise exceptions.ClientConnectionFailed(
            '{}: another server cannot reach this one, as it does not listen '
            'on HTTPS: set core.https_address in its configuration'.format(
                self.transport.endpoint))

    def has_api_extension(self, name):
        # type: (str) -> bool
        """Whether the server has an API extension."""
        return self.dialect.has(name)

    def assert_has_api_extension(self, name):
        # type: (str) -> None
        """Refuse to go on where the server lacks an API extension.

        :raises LXDAPIExtensionNotAvailable: also a NotImplementedError.
        """
        self.dialect.need(name)

    def authenticate(self, password):
        # type: (str) -> None
        """Have the server trust this client's certificate.

        Does nothing if it does already.

        :param password: the server's trust password, or a token.
        :raises InvalidCertificate: the client has no certificate.
        :raises LXDAPIException: the password or token is wrong, or none
            that this server takes.

        Endpoint: ``POST /1.0/certificates``.
        """
        if self.trusted:
            return
        if self.cert is None:
            raise exceptions.InvalidCertificate(
                'there is nothing to trust: pass cert=(certificate, key)')
        with open(key_pair(self.cert)[0], 'rb') as pem:
            self.certificates.create(password, pem.read())
        # A kept connection was made by a stranger
        self.transport.close()
        self.dialect.refresh()

    @property
    def websocket_url(self):
        # type: () -> str
        """The URL under which websockets are reached."""
        return self.transport.websocket_url

    if TYPE_CHECKING:
        @overload
        def events(self, websocket_client=None, event_types=None):
            # type: (None, Union[None, str, Iterable[str]]) -> EventsClient
            pass

        @overload
        def events(self, websocket_client, event_types=None):
            # type: (Type[W], Union[None, str, Iterable[str]]) -> W
            pass

    def events(self, websocket_client=None, event_types=None):
        # type: (Any, Union[None, str, Iterable[str]]) -> Any
        """Get a websocket client of the server's events.

        :param websocket_client: a class of ws4py's clients to use instead
            of `pylxd.websocket.EventsClient`, which collects the events in
            ``messages``.
        :param event_types: of `EventType`; all of them otherwise.
        :return: it, unconnected: call its ``connect()``, then ``run()``.

        Endpoint: ``GET /1.0/events``.
        """
        from pylxd.transport import websocket  # a third of import time
        if isinstance(event_types, (str, type(u''))):
            event_types = [event_types]
        types = sorted(set(event_types or ()))
        query = ['project=' + quote(self.project)] if self.project else []
        if types and EventType.All not in types:
            query.append('type=' + ','.join(quote(each) for each in types))
        return websocket.bind(
            self.transport,
            self.api.events.path + ('?' if query else '') + '&'.join(query),
            websocket_client or websocket.EventsClient)
