"""Networks."""
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable, Renamable
from pylxd.models.network_forward import NetworkForward
from pylxd.transport import rest

# NetworkForward: where earlier releases had it
__all__ = ['Network', 'NetworkForward', 'Networks', 'NetworkState']

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple
    from pylxd.models.network_forward import NetworkForwards
    from pylxd.models.network_load_balancer import NetworkLoadBalancers
    from pylxd.models.network_peer import NetworkPeers


class NetworkState(State):
    """The state of a network at one moment.

    Its attributes are the fields that the server sent: ``addresses``,
    ``counters`` (of bytes and packets), ``hwaddr`` (the MAC address), ``mtu``
    (in bytes), ``state`` (of the link, ``up`` or ``down``), ``type``, and
    ``bond``, ``bridge``, ``ovn`` and ``vlan``: dicts, or None where the
    network is none of that kind.
    """

    if TYPE_CHECKING:
        addresses = []  # type: List[Dict[str, str]]
        bond = None  # type: Optional[Dict[str, Any]]
        bridge = None  # type: Optional[Dict[str, Any]]
        counters = {}  # type: Dict[str, int]
        hwaddr = ''  # type: str
        mtu = 0  # type: int
        ovn = None  # type: Optional[Dict[str, Any]]
        state = ''  # type: str
        type = ''  # type: str
        vlan = None  # type: Optional[Dict[str, Any]]


class Network(Savable, Renamable, Deletable):
    """A network: one that the server manages, or an interface of its host.

    Changes need the ``network`` extension.

    Endpoint: ``/1.0/networks/NAME``.
    """

    path = 'networks'
    all_projects_extension = 'networks_all_projects'
    write_extension = 'network'
    synchronous = True

    name = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    description = attribute(str)  # type: str
    locations = attribute(list, readonly=True)  # type: List[str]
    managed = attribute(readonly=True)  # type: bool
    project = attribute(readonly=True)  # type: str
    status = attribute(readonly=True)  # type: str
    type = attribute(readonly=True)  # type: str
    used_by = attribute(list, readonly=True)  # type: List[str]

    #: The forwards of the network.
    forwards = collection(
        'network_forward:NetworkForwards')  # type: NetworkForwards
    #: The load balancers of the network, which must be of the type ``ovn``.
    load_balancers = collection(
        'network_load_balancer:NetworkLoadBalancers'
    )  # type: NetworkLoadBalancers
    #: The peers of the network, which must be of the type ``ovn``.
    peers = collection('network_peer:NetworkPeers')  # type: NetworkPeers

    def state(self, target=None):
        # type: (Optional[str]) -> NetworkState
        """Get the current addresses and counters of the network.

        :param target: the cluster member to ask.
        :return: the state, of which each field is an attribute.

        Endpoint: ``GET /1.0/networks/NAME/state``; needs ``network_state``.
        """
        self.client.dialect.need('network_state')
        if target is not None:
            self.client.dialect.need('clustering')
        return NetworkState(rest.metadata(
            self.ensure_ready().state.get(target=target)))

    def leases(self):
        # type: () -> List[Dict[str, str]]
        """List the addresses that the network has given out.

        :return: a dict for each: ``hostname``, ``hwaddr`` (the MAC address),
            ``address``, ``type`` (``static``, ``dynamic`` or ``gateway``, and
            ``uplink`` on newer servers), ``location`` (the cluster member).
        :raises NotFound: the server does not manage the network.

        Endpoint: ``GET /1.0/networks/NAME/leases``; needs
        ``network_leases``.
        """
        self.client.dialect.need('network_leases')
        leases = rest.metadata(
            self.ensure_ready().leases.get(),
            list)  # type: List[Dict[str, str]]
        return leases


class Networks(Manager[Network]):
    """All networks: ``client.networks``."""

    model = Network
    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self,
               name,  # type: str
               description=None,  # type: Optional[str]
               type=None,  # type: Optional[str]
               config=None,  # type: Optional[Dict[str, str]]
               wait=True,  # type: bool
               target=None,  # type: Optional[str]
               ):
        # type: (...) -> Network
        """Create a network.

        :param name: the name of the new network.
        :param description: a description for people.
        :param type: the type of the network; None is the server's default, a
            bridge.
        :param config: the configuration of the network, a dict of text.
        :param wait: ignored: the call always returns when the network is
            created.
        :param target: a cluster member: the call then stores the part of the
            configuration that belongs to that member. When all members have
            theirs, a call without ``target`` creates the network.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST /1.0/networks``; needs ``network``.
        """
        return self._create({
            'name': name, 'description': description, 'type': type,
            'config': config or {}}, wait, target)

    def allocations(self, all_projects=False):
        # type: (bool) -> List[Dict[str, Any]]
        """List the addresses in use on the networks that the server manages.

        :param all_projects: list those of all projects.
        :return: a dict for each: ``addresses`` (in CIDR notation),
            ``used_by`` (the URL of the network, instance, forward, ...),
            ``type`` (of that object), ``nat`` (a bool), ``hwaddr`` (the MAC
            address), and ``network`` on newer servers.

        Endpoint: ``GET /1.0/network-allocations``; needs
        ``network_allocations``.
        """
        self.client.dialect.need('network_allocations')
        response = self.client.api['network-allocations'].get(
            params={'all-projects': 'true'} if all_projects else None)
        allocations = rest.metadata(
            response, list)  # type: List[Dict[str, Any]]
        return allocations
