"""Peers of networks."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple


class NetworkPeer(Savable, Deletable):
    """A peer: the connection of an OVN network to another network.

    Endpoint: ``/1.0/networks/NETWORK/peers/NAME``.
    """

    path = 'peers'
    extension = 'network_peer'
    synchronous = True
    patchable = False

    # As with forwards, servers may ignore If-Match
    name = attribute(readonly=True)  # type: str
    config = attribute({str: str}, in_etag=False)  # type: Dict[str, str]
    description = attribute(str, in_etag=False)  # type: str
    status = attribute(readonly=True)  # type: str
    target_integration = attribute(readonly=True)  # type: str
    target_network = attribute(readonly=True)  # type: str
    target_project = attribute(readonly=True)  # type: str
    type = attribute(readonly=True)  # type: str
    used_by = attribute(list, readonly=True)  # type: List[str]


class NetworkPeers(Manager[NetworkPeer]):
    """All peers of a network: ``network.peers``."""

    model = NetworkPeer
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'network'

    def create(self,
               name,  # type: str
               target_network=None,  # type: Optional[str]
               target_project=None,  # type: Optional[str]
               description=None,  # type: Optional[str]
               config=None,  # type: Optional[Dict[str, str]]
               type=None,  # type: Optional[str]
               target_integration=None,  # type: Optional[str]
               ):
        # type: (...) -> NetworkPeer
        """Create a peer.

        The connection is made when the other network has a peer for this
        network as well; until then the ``status`` is ``Pending``.

        :param name: the name of the new peer.
        :param target_network: the network to connect to.
        :param target_project: the project of that network; None is the
            project of this network.
        :param description: a description for people.
        :param config: the configuration of the peer, a dict of text.
        :param type: ``local``, the default, or ``remote``: a network of
            another server, by a network integration.
        :param target_integration: the name of the network integration of a
            ``remote`` peer.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIExtensionNotAvailable: the server lacks
            ``network_peer``, or ``network_integrations`` for a type.
        :raises LXDAPIException: the server refused, as when the type of the
            network has no peers: only ``ovn`` has.

        Endpoint: ``POST /1.0/networks/NETWORK/peers``; needs
        ``network_peer``.
        """
        if type is not None or target_integration is not None:
            self.client.dialect.need('network_integrations')
        return self._create({
            'name': name, 'target_network': target_network,
            'target_project': target_project, 'description': description,
            'config': config or {}, 'type': type,
            'target_integration': target_integration})
