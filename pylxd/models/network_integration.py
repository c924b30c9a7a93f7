"""Network integrations."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple


class NetworkIntegration(Savable, Renamable, Deletable):
    """A network integration: how networks of other servers are reached.

    Endpoint: ``/1.0/network-integrations/NAME``.
    """

    path = 'network-integrations'
    extension = 'network_integrations'
    synchronous = True
    patchable = False

    name = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    description = attribute(str)  # type: str
    type = attribute(readonly=True)  # type: str
    used_by = attribute(list, readonly=True)  # type: List[str]


class NetworkIntegrations(Manager[NetworkIntegration]):
    """All network integrations: ``client.network_integrations``."""

    model = NetworkIntegration
    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self,
               name,  # type: str
               type='ovn',  # type: str
               description=None,  # type: Optional[str]
               config=None,  # type: Optional[Dict[str, str]]
               ):
        # type: (...) -> NetworkIntegration
        """Create a network integration.

        :param name: the name of the new integration.
        :param type: the type of the integration; ``ovn`` is the only one.
        :param description: a description for people.
        :param config: the configuration of the integration, a dict of text,
            such as ``{'ovn.northbound_connection': 'tcp:192.0.2.1:6645'}``.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST /1.0/network-integrations``; needs
        ``network_integrations``.
        """
        return self._create({
            'name': name, 'type': type, 'description': description,
            'config': config or {}})
