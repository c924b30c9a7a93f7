"""Load balancers of networks."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable
from pylxd.models.network_forward import normalize_address
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple


class NetworkLoadBalancerState(State):
    """The state of a load balancer at one moment.

    Its attribute ``backend_health`` is a dict: by the name of each backend,
    its ``address`` and its ``ports``, each with ``port``, ``protocol`` and
    ``status``.
    """

    if TYPE_CHECKING:
        backend_health = {}  # type: Dict[str, Dict[str, Any]]


class NetworkLoadBalancer(Savable, Deletable):
    """A load balancer: spreads the traffic of an address over backends.

    Endpoint: ``/1.0/networks/NETWORK/load-balancers/ADDRESS``.
    """

    path = 'load-balancers'
    key = 'listen_address'
    extension = 'network_load_balancer'
    synchronous = True
    patchable = False

    # As with forwards, servers may ignore If-Match
    backends = attribute([{'target_port': str}],
                         in_etag=False)  # type: List[Dict[str, Any]]
    config = attribute({str: str}, in_etag=False)  # type: Dict[str, str]
    description = attribute(str, in_etag=False)  # type: str
    listen_address = attribute(readonly=True)  # type: str
    location = attribute(readonly=True)  # type: str
    ports = attribute([{'listen_port': str}],
                      in_etag=False)  # type: List[Dict[str, Any]]

    @classmethod
    def check_name(cls, name):
        # type: (Any) -> Any
        """Return an address as `normalize_address` does."""
        return normalize_address(name)

    def state(self):
        # type: () -> NetworkLoadBalancerState
        """Get the current health of the backends.

        :return: the state, of which each field is an attribute.
        :raises LXDAPIException: the server refused, as when the load balancer
            has no health checks.

        Endpoint: ``GET .../load-balancers/ADDRESS/state``; needs
        ``network_load_balancer_state``.
        """
        self.client.dialect.need('network_load_balancer_state')
        return NetworkLoadBalancerState(
            rest.metadata(self.ensure_ready().state.get()))


class NetworkLoadBalancers(Manager[NetworkLoadBalancer]):
    """All load balancers of a network: ``network.load_balancers``."""

    model = NetworkLoadBalancer
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'network'

    def get(self, listen_address):
        # type: (str) -> NetworkLoadBalancer
        """Get a load balancer by its listen address.

        :raises NotFound: there is no such load balancer.

        Endpoint: ``GET /1.0/networks/NETWORK/load-balancers/ADDRESS``.
        """
        return self._get(listen_address)

    def create(self,
               listen_address,  # type: str
               config=None,  # type: Optional[Dict[str, str]]
               description=None,  # type: Optional[str]
               backends=None,  # type: Optional[List[Dict[str, Any]]]
               ports=None,  # type: Optional[List[Dict[str, Any]]]
               target=None,  # type: Optional[str]
               ):
        # type: (...) -> NetworkLoadBalancer
        """Create a load balancer.

        :param listen_address: the IP address to listen on.
        :param config: the configuration, a dict of text.
        :param description: a description for people.
        :param backends: the backends, a list of dicts with ``name``,
            ``target_address``, and, if they are wanted, ``target_port`` and
            ``description``.
        :param ports: the port specifications, a list of dicts with
            ``protocol`` (``tcp`` or ``udp``), ``listen_port``,
            ``target_backend`` (a list of names of backends), and, if it is
            wanted, ``description``.
        :param target: the cluster member that listens on the address.
        :raises LXDAPIException: the server refused, as when the type of the
            network has no load balancers: only ``ovn`` has.

        Endpoint: ``POST /1.0/networks/NETWORK/load-balancers``; needs
        ``network_load_balancer``.
        """
        return self._create({
            'listen_address': listen_address, 'config': config or {},
            'description': description, 'backends': backends or [],
            'ports': ports or []}, target=target)
