"""Network ACLs (access control lists)."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple

#: The fields of a rule for which people write numbers.
RULE = {'destination_port': str, 'icmp_code': str, 'icmp_type': str,
        'source_port': str}


class NetworkAcl(Savable, Renamable, Deletable):
    """A network ACL: rules for the traffic of networks and instances.

    Endpoint: ``/1.0/network-acls/NAME``.
    """

    path = 'network-acls'
    extension = 'network_acl'
    all_projects_extension = 'network_acls_all_projects'
    synchronous = True
    patchable = False

    name = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    description = attribute(str)  # type: str
    egress = attribute([RULE])  # type: List[Dict[str, str]]
    ingress = attribute([RULE])  # type: List[Dict[str, str]]
    project = attribute(readonly=True)  # type: str
    used_by = attribute(list, readonly=True)  # type: List[str]

    def log(self):
        # type: () -> str
        """Get the log of the rules whose ``state`` is ``logged``.

        :return: the lines of the log.
        :raises LXDAPIException: the server refused: it has the log of OVN
            networks only.

        Endpoint: ``GET /1.0/network-acls/NAME/log``; needs
        ``network_acl_log``.
        """
        self.client.dialect.need('network_acl_log')
        response = self.ensure_ready()['log'].get(is_api=False)
        return response.content.decode('utf-8', 'replace')


class NetworkAcls(Manager[NetworkAcl]):
    """All network ACLs: ``client.network_acls``."""

    model = NetworkAcl
    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self,
               name,  # type: str
               description=None,  # type: Optional[str]
               ingress=None,  # type: Optional[List[Dict[str, str]]]
               egress=None,  # type: Optional[List[Dict[str, str]]]
               config=None,  # type: Optional[Dict[str, str]]
               ):
        # type: (...) -> NetworkAcl
        """Create a network ACL.

        :param name: the name of the new ACL.
        :param description: a description for people.
        :param ingress: the rules for incoming traffic, a list of dicts with
            ``action`` (``allow``, ``drop`` or ``reject``), ``state``
            (``enabled``, ``disabled`` or ``logged``), and, to limit the rule,
            ``protocol``, ``source``, ``source_port``, ``destination``,
            ``destination_port``, ``icmp_type``, ``icmp_code``.
        :param egress: the rules for outgoing traffic, likewise.
        :param config: the configuration of the ACL: keys ``user.*``.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken or a rule is wrong.

        Endpoint: ``POST /1.0/network-acls``; needs ``network_acl``.
        """
        return self._create({
            'name': name, 'description': description,
            'ingress': ingress or [], 'egress': egress or [],
            'config': config or {}})
