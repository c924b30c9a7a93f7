"""Network zones."""
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple
    from pylxd.models.network_zone_record import NetworkZoneRecords


class NetworkZone(Savable, Deletable):
    """A network zone: a DNS zone that the server generates.

    Endpoint: ``/1.0/network-zones/NAME``.
    """

    path = 'network-zones'
    extension = 'network_dns'
    all_projects_extension = 'network_zones_all_projects'
    synchronous = True
    patchable = False

    name = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    description = attribute(str)  # type: str
    project = attribute(readonly=True)  # type: str
    used_by = attribute(list, readonly=True)  # type: List[str]

    #: The records that were added to the zone by hand.
    records = collection(
        'network_zone_record:NetworkZoneRecords')  # type: NetworkZoneRecords


class NetworkZones(Manager[NetworkZone]):
    """All network zones: ``client.network_zones``."""

    model = NetworkZone
    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self, name, description=None, config=None):
        # type: (str, Optional[str], Optional[Dict[str, str]]) -> NetworkZone
        """Create a network zone.

        :param name: the name of the new zone, such as ``lxd.example.net``,
            or that of a reverse zone, such as ``2.0.192.in-addr.arpa``.
        :param description: a description for people.
        :param config: the configuration of the zone, a dict of text, such as
            ``{'dns.nameservers': 'ns1.example.net'}``.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST /1.0/network-zones``; needs ``network_dns``.
        """
        return self._create({'name': name, 'description': description,
                             'config': config or {}})
