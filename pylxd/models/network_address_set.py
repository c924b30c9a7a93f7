"""Network address sets."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterable, List, Optional, Tuple


class NetworkAddressSet(Savable, Renamable, Deletable):
    """A network address set: addresses to which rules of ACLs refer.

    Endpoint: ``/1.0/network-address-sets/NAME``.
    """

    path = 'network-address-sets'
    extension = 'network_address_set'
    all_projects_extension = 'network_address_set'
    synchronous = True
    patchable = False

    name = attribute(readonly=True)  # type: str
    addresses = attribute([str])  # type: List[str]
    config = attribute({str: str})  # type: Dict[str, str]
    description = attribute(str)  # type: str
    project = attribute(readonly=True)  # type: str
    used_by = attribute(list, readonly=True)  # type: List[str]


class NetworkAddressSets(Manager[NetworkAddressSet]):
    """All network address sets: ``client.network_address_sets``."""

    model = NetworkAddressSet
    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self,
               name,  # type: str
               addresses=(),  # type: Iterable[str]
               description=None,  # type: Optional[str]
               config=None,  # type: Optional[Dict[str, str]]
               ):
        # type: (...) -> NetworkAddressSet
        """Create a network address set.

        :param name: the name of the new set.
        :param addresses: IP addresses and networks, such as ``192.0.2.1``
            and ``2001:db8::/64``.
        :param description: a description for people.
        :param config: the configuration of the set: keys ``user.*``.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken or an address is wrong.

        Endpoint: ``POST /1.0/network-address-sets``; needs
        ``network_address_set``.
        """
        return self._create({
            'name': name, 'addresses': addresses,
            'description': description, 'config': config or {}})
