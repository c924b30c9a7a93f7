"""Networks."""
from pylxd.core import operation
from pylxd.transport import rest
from pylxd.core.manager import Manager
from pylxd.core.model import Named, State, attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


class NetworkState(State):
    """Addresses and counters of a network at one moment."""


class Network(Named):
    """A network, made by the server (``managed``) or of its host.

    They can be changed on servers with the ``network`` extension.

    Endpoint: ``/1.0/networks/NAME``.
    """

    path = 'networks'

    name = attribute(readonly=True)  # type: str
    config = attribute(dict)  # type: Dict[str, str]
    description = attribute(str)  # type: str
    locations = attribute(readonly=True)  # type: List[str]
    managed = attribute(readonly=True)  # type: bool
    project = attribute(readonly=True)  # type: str
    status = attribute(readonly=True)  # type: str
    type = attribute(readonly=True)  # type: str
    used_by = attribute(readonly=True)  # type: List[str]

    def save(self, wait=False):
        # type: (bool) -> None
        """Send the local changes; needs ``network``.

        See `Model.save`.

        :raises NotImplementedError: the server lacks the extension.
        """
        self.client.dialect.need('network')
        super(Network, self).save(wait)

    def delete(self, wait=False):
        # type: (bool) -> None
        """Delete it on the server; needs ``network``.

        :raises NotImplementedError: the server lacks the extension.
        """
        self.client.dialect.need('network')
        super(Network, self).delete(wait)

    def state(self):
        # type: () -> NetworkState
        """Get addresses and counters; needs ``network_state``.

        Endpoint: ``GET /1.0/networks/NAME/state``.
        """
        self.client.dialect.need('network_state')
        return NetworkState(rest.metadata(self.api.state.get()))


class Networks(Manager[Network]):
    """All networks: ``client.networks``."""

    model = Network

    def create(self, name, description=None, type=None, config=None,
               wait=False):
        # type: (str, Optional[str], Optional[str], Any, bool) -> Network
        """Create one; needs ``network``.

        :param type: ``bridge`` where nothing is said.
        :param config: a dict of text.
        :param wait: return when it is there.
        :raises NotImplementedError: the server lacks the extension.

        Endpoint: ``POST /1.0/networks``.
        """
        self.client.dialect.need('network')
        rest.quote(name)
        request = {'name': name, 'config': config or {}}
        if description is not None:
            request['description'] = description
        if type is not None:
            request['type'] = type
        response = self.client.api.networks.post(json=request)
        operation.begun(self.client, response, wait)
        return self._make(seen={'name': name})
