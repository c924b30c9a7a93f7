"""Records of network zones."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple


class NetworkZoneRecord(Savable, Deletable):
    """A record: the DNS entries of one name in a network zone.

    Endpoint: ``/1.0/network-zones/ZONE/records/NAME``.
    """

    path = 'records'
    extension = 'network_dns_records'
    synchronous = True
    patchable = False

    name = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    description = attribute(str)  # type: str
    entries = attribute(
        [{'type': str, 'value': str}])  # type: List[Dict[str, Any]]


class NetworkZoneRecords(Manager[NetworkZoneRecord]):
    """The records of a network zone: ``zone.records``."""

    model = NetworkZoneRecord
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'zone'

    def create(self,
               name,  # type: str
               description=None,  # type: Optional[str]
               entries=None,  # type: Optional[List[Dict[str, Any]]]
               config=None,  # type: Optional[Dict[str, str]]
               ):
        # type: (...) -> NetworkZoneRecord
        """Create a record.

        :param name: the name of the new record without that of the zone;
            ``@`` is the zone itself.
        :param description: a description for people.
        :param entries: the DNS entries, a list of dicts with ``type`` (such
            as ``A`` or ``TXT``), ``value``, and, if it is wanted, ``ttl`` (in
            seconds).
        :param config: the configuration of the record: keys ``user.*``.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken or an entry is wrong.

        Endpoint: ``POST /1.0/network-zones/ZONE/records``; needs
        ``network_dns_records``.
        """
        return self._create({
            'name': name, 'description': description,
            'entries': entries or [], 'config': config or {}})
