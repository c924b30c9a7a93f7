"""Groups of the members of a cluster."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterable, List, Optional, Tuple


class ClusterGroup(Savable, Renamable, Deletable):
    """A group of members of a cluster.

    ``instances.create(..., target='@GROUP')`` lets the server choose one of
    its members.

    Endpoint: ``/1.0/cluster/groups/NAME``.
    """

    path = 'groups'
    extension = 'clustering_groups'
    filter_extension = ''  # Incus 7.0 ignores filters
    synchronous = True
    # LXD 5.0 to Incus 7.0 compare If-Match of a PATCH with another ETag than
    # they sent, so that it is always refused; in a PUT they ignore it
    patchable = False

    name = attribute(readonly=True)  # type: str
    config = attribute({str: str}, in_etag=False)  # type: Dict[str, str]
    description = attribute(str, in_etag=False)  # type: str
    members = attribute([str], in_etag=False)  # type: List[str]
    used_by = attribute(list, readonly=True)  # type: List[str]


class ClusterGroups(Manager[ClusterGroup]):
    """The groups of a cluster: ``client.cluster.groups``."""

    model = ClusterGroup
    parent_name = 'cluster'
    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self, name, description=None, members=()):
        # type: (str, Optional[str], Iterable[str]) -> ClusterGroup
        """Create a group.

        :param name: the name of the new group.
        :param description: a description for people.
        :param members: the names of the members in it.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken, or there is no such member.

        Endpoint: ``POST /1.0/cluster/groups``; needs ``clustering_groups``.
        """
        return self._create({'name': name, 'description': description,
                             'members': members})
