"""Networks."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable, Renamable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple


class NetworkState(State):
    """Addresses and counters of a network at one moment."""


class Network(Savable, Renamable, Deletable):
    """A network, managed by the server or found on its host.

    Networks can be changed on servers with the ``network`` extension.

    Endpoint: ``/1.0/networks/NAME``.
    """

    path = 'networks'
    write_extension = 'network'
    synchronous = True

    name = attribute(readonly=True)  # type: str
    config = attribute(dict)  # type: Dict[str, str]
    description = attribute(str)  # type: str
    locations = attribute(readonly=True)  # type: List[str]
    managed = attribute(readonly=True)  # type: bool
    project = attribute(readonly=True)  # type: str
    status = attribute(readonly=True)  # type: str
    type = attribute(readonly=True)  # type: str
    used_by = attribute(readonly=True)  # type: List[str]

    def state(self):
        # type: () -> NetworkState
        """Get the network's addresses and counters.

        Endpoint: ``GET /1.0/networks/NAME/state``; needs ``network_state``.
        """
        self.client.dialect.need('network_state')
        return NetworkState(rest.metadata(self.ensure_ready().state.get()))


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
               ):
        # type: (...) -> Network
        """Create a network.

        :param type: the kind of network; the server's default is a bridge.
        :param config: its configuration, a dict of text.
        :param wait: accepted, and of no effect: the network is there when
            the call returns.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST /1.0/networks``; needs ``network``.
        """
        return self._create({
            'name': name, 'description': description, 'type': type,
            'config': config or {}}, wait)
