"""Members of a cluster."""
import base64
import json

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.operation import Operation
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable, Renamable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


class ClusterMemberState(State):
    """The state of a cluster member at one moment.

    Its attributes are the fields that the server sent: ``sysinfo``, a dict
    with ``uptime`` (in seconds), ``load_averages``, ``total_ram``,
    ``free_ram`` (in bytes), ``processes`` and others, and ``storage_pools``,
    a dict of the pools by name, each with ``space`` (in bytes) and
    ``inodes``, dicts with ``used`` and ``total``.
    """

    if TYPE_CHECKING:
        storage_pools = {}  # type: Dict[str, Dict[str, Dict[str, int]]]
        sysinfo = {}  # type: Dict[str, Any]


class ClusterMember(Savable, Renamable, Deletable):
    """A member of a cluster, which is one server.

    A save needs the ``clustering_edit_roles`` extension.

    Endpoint: ``/1.0/cluster/members/NAME``.
    """

    path = 'members'
    key = 'server_name'
    extension = 'clustering'
    filter_extension = ''  # Incus 7.0 ignores filters
    synchronous = True
    # A PATCH that leaves out the roles would drop them all
    patchable = False

    server_name = attribute(readonly=True)  # type: str
    architecture = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    database = attribute(readonly=True)  # type: bool
    description = attribute(str)  # type: str
    failure_domain = attribute(str)  # type: str
    groups = attribute([str])  # type: List[str]
    message = attribute(readonly=True)  # type: str
    roles = attribute([str])  # type: List[str]
    status = attribute(readonly=True)  # type: str
    url = attribute(readonly=True)  # type: str

    def delete(self, wait=False, force=False):
        # type: (bool, bool) -> None
        """Remove the member from the cluster; it becomes an empty server.

        The removed server forgets all that it knows, as by
        `Cluster.disable`, and restarts.

        :param wait: ignored: the call always returns when the member is
            removed.
        :param force: remove a member that is lost, or that has instances or
            volumes: these are lost.
        :raises LXDAPIException: the server refused, as when the member has
            instances, or is offline.

        Endpoint: ``DELETE /1.0/cluster/members/NAME``.
        """
        self._start_operation(self._ready_to_change().delete(
            params={'force': '1'} if force else None), wait)

    def evacuate(self, mode=None, wait=True):
        # type: (Optional[str], bool) -> None
        """Stop or move the instances of the member, for its maintenance.

        :param mode: ``stop``, ``migrate``, ``live-migrate`` or another mode of
            the server; None leaves it to ``cluster.evacuate`` in the
            configuration of each instance. A mode needs
            ``clustering_evacuation_mode``.
        :param wait: return when the member is evacuated.
        :raises LXDAPIException: the server refused, as it does not know the
            mode.
        :raises OperationFailed: an instance could not be stopped or moved.

        Endpoint: ``POST /1.0/cluster/members/NAME/state``; needs
        ``clustering_evacuation``.
        """
        if mode is not None:
            self.client.dialect.need('clustering_evacuation_mode')
        self._change_state('evacuate', wait, mode)

    def restore(self, wait=True):
        # type: (bool) -> None
        """End the evacuation of the member: its instances return.

        :param wait: return when the member is restored.
        :raises OperationFailed: an instance could not return, or the member
            is not evacuated (Incus 7.0 then succeeds).

        Endpoint: ``POST /1.0/cluster/members/NAME/state``; needs
        ``clustering_evacuation``.
        """
        self._change_state('restore', wait)

    def state(self):
        # type: () -> ClusterMemberState
        """Get the current load, memory and storage of the member.

        Endpoint: ``GET /1.0/cluster/members/NAME/state``; needs
        ``cluster_member_state``.
        """
        self.client.dialect.need('cluster_member_state')
        return ClusterMemberState(rest.metadata(
            self.ensure_ready().state.get()))

    def _send_changes(self):
        # type: () -> Optional[Operation]
        self.client.dialect.need('clustering_edit_roles')
        return super(ClusterMember, self)._send_changes()

    def _change_state(self, action, wait, mode=None):
        # type: (str, bool, Optional[str]) -> None
        self.client.dialect.need('clustering_evacuation')
        request = {'action': action}
        if mode is not None:
            request['mode'] = mode
        operation = self._keep_operation(
            self._ready_to_change().state.post(json=request))
        self._expire()
        if wait and operation is not None:
            operation.wait()


class ClusterMembers(Manager[ClusterMember]):
    """The members of a cluster: ``client.cluster.members``."""

    model = ClusterMember
    parent_name = 'cluster'

    def create_token(self, name):
        # type: (str) -> str
        """Create a token by which one server can join the cluster, once.

        :param name: the name that the server gets as a member.
        :return: the token for `Cluster.join` of that server, a secret. The
            command ``lxc cluster add`` prints the same.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when it is in no
            cluster.

        Endpoint: ``POST /1.0/cluster/members``; needs
        ``clustering_join_token``.
        """
        name = self.model.check_name(name)
        self.client.dialect.need('clustering_join_token')
        node, _ = self.node_and_query()
        response = node.post(json={'server_name': name})
        operation = Operation.from_response(self.client, response)
        fields = operation and operation.metadata  # type: Any
        try:
            token = {
                'server_name': name, 'fingerprint': fields['fingerprint'],
                'addresses': fields['addresses'], 'secret': fields['secret'],
                'expires_at': fields.get('expiresAt', '0001-01-01T00:00:00Z')}
        except (LookupError, TypeError):
            raise exceptions.InvalidResponse(response)
        return base64.b64encode(
            json.dumps(token).encode('utf-8')).decode('ascii')
