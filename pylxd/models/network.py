"""Networks."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable, Renamable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple


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

    def state(self):
        # type: () -> NetworkState
        """Get the current addresses and counters of the network.

        :return: the state, of which each field is an attribute.

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

        :param name: the name of the new network.
        :param description: a description for people.
        :param type: the type of the network; None is the server's default, a
            bridge.
        :param config: the configuration of the network, a dict of text.
        :param wait: ignored: the call always returns when the network is
            created.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST /1.0/networks``; needs ``network``.
        """
        return self._create({
            'name': name, 'description': description, 'type': type,
            'config': config or {}}, wait)
