"""Snapshots of instances."""
from datetime import datetime

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.progress import Reporter
from pylxd.core.saving import Savable
from pylxd.core.timestamp import format_time
from pylxd.core.verbs import Deletable, Renamable
from pylxd.models.image_publish import publish_image
from pylxd.models.instance_copy import Copyable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, Iterable, List, Optional, Tuple
    from pylxd.client import Client
    from pylxd.core.attribute import TimeAttribute
    from pylxd.core.operation import Operation
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.image import Image
    from pylxd.models.instance import Instance
    from pylxd.transport.rest import Node


class Snapshot(Copyable, Savable, Renamable, Deletable):
    """A snapshot of an instance, known by its bare name.

    Endpoint: ``/1.0/instances/NAME/snapshots/SNAPSHOT``.
    """

    path = 'snapshots'

    name = attribute(readonly=True)  # type: str
    architecture = attribute(readonly=True)  # type: str
    config = attribute(dict, readonly=True)  # type: Dict[str, str]
    created_at = attribute(readonly=True)  # type: str
    description = attribute(readonly=True)  # type: str
    devices = attribute(dict, readonly=True)  # type: Dict[str, Dict[str, str]]
    ephemeral = attribute(readonly=True)  # type: bool
    expanded_config = attribute(dict, readonly=True)  # type: Dict[str, str]
    expanded_devices = attribute(
        dict, readonly=True)  # type: Dict[str, Dict[str, str]]
    expires_at = attribute(datetime)  # type: TimeAttribute
    last_used_at = attribute(readonly=True)  # type: str
    profiles = attribute(list, readonly=True)  # type: List[str]
    size = attribute(readonly=True)  # type: int
    stateful = attribute(readonly=True)  # type: bool

    def __init__(self, client, container=None, instance=None, **attributes):
        # type: (Client, Optional[Instance], Optional[Instance], **Any) -> None
        super(Snapshot, self).__init__(client, **attributes)
        parent = container or instance  # type: Any
        self.parent = parent  # type: Instance

    @classmethod
    def key_of(cls, representation):
        # type: (Dict[str, Any]) -> Tuple[Any, ...]
        """Return the bare name; some servers send ``INSTANCE/SNAPSHOT``."""
        name = representation.get('name')
        return (name.rpartition('/')[2] if name else None,)

    def _created_key(self, operation):
        # type: (Operation) -> Tuple[Any, ...]
        """Return the name that the server chose for the new snapshot.

        LXD 5.0 does not tell the name: it is the first snapshot that was
        taken after the start of the operation.
        """
        snapshots = rest.metadata(self.collection_node(self.parent)[0].get(
            params={'recursion': 1}), list)
        created = sorted(
            (each['created_at'].rstrip('Z'), self.key_of(each))
            for each in snapshots
            if not operation.is_younger_than(each['created_at']))
        if not created:
            raise exceptions.LXDException(
                'cannot tell the name of the new snapshot of {!r}: it was '
                'deleted'.format(self.parent))
        return created[0][1]

    @classmethod
    def check_name(cls, name):
        # type: (str) -> str
        """Return the name, if a snapshot can have it.

        Servers unquote the names of snapshots twice, so that a name with an
        escape in it would reach another snapshot, or none.

        :raises InvalidName: the name contains a slash or a percent sign, or
            no server allows it.
        """
        name = rest.check_name(name)
        if '/' in name or '%' in name:
            raise exceptions.InvalidName(
                '{!r} cannot be the name of a snapshot: it contains a slash '
                'or a percent sign'.format(name))
        return name

    def _ready_to_change(self):
        # type: () -> Node
        self.parent.take_listed('snapshots')  # which are outdated now
        return super(Snapshot, self)._ready_to_change()

    @property
    def _copied_instance(self):
        # type: () -> Instance
        return self.parent

    @property
    def _copied_name(self):
        # type: () -> str
        return '{}/{}'.format(self.parent.name, self.name)

    @property
    def instance(self):
        # type: () -> Instance
        """The instance of the snapshot."""
        return self.parent

    @property
    def container(self):
        # type: () -> Instance
        """The instance of the snapshot, by another name."""
        return self.parent

    def publish(self,
                public=False,  # type: bool
                wait=False,  # type: bool
                compression_algorithm=None,  # type: Optional[str]
                aliases=(),  # type: Iterable[str]
                properties=None,  # type: Optional[Dict[str, str]]
                expires_at=None,  # type: Any
                filename=None,  # type: Optional[str]
                progress=None,  # type: ProgressArgument
                ):
        # type: (...) -> Optional[Image]
        """Make an image of the snapshot.

        The arguments, the return value and the exceptions are those of
        `Instance.publish <pylxd.models.instance.Instance.publish>`.

        Endpoint: ``POST /1.0/images``.
        """
        with Reporter(progress) as reporter:
            self._ready_to_change()
            return publish_image(self, {
                'type': 'snapshot',
                'name': '{}/{}'.format(self.instance.name, self.name)},
                public, wait, compression_algorithm, aliases, properties,
                expires_at, filename, reporter)

    def restore(self, wait=False, stateful=False):
        # type: (bool, bool) -> None
        """Put the instance back to the state of this snapshot.

        :param wait: return when the instance is restored.
        :param stateful: whether to restore the running state as well.
        :raises LXDAPIException: the server refused, or (with ``wait``) could
            not restore the snapshot.

        Endpoint: ``PUT`` on the instance.
        """
        self.ensure_ready()
        try:
            self.instance.restore_snapshot(self.name, wait, stateful)
        finally:
            self.operation = (
                self.instance.operation)  # type: Optional[Operation]


class Snapshots(Manager[Snapshot]):
    """The snapshots of an instance: ``container.snapshots``."""

    model = Snapshot
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'container'

    def all(self, recursion=None, filter=None, all_projects=False):
        # type: (Optional[int], Optional[str], bool) -> List[Snapshot]
        """List the snapshots; see `Manager.all`.

        The first list of an instance that comes from a list with
        ``recursion=2`` needs no request.
        """
        instance = self.parent  # type: Any
        listed = instance.take_listed('snapshots') if filter is None else None
        if listed is not None:
            return [self.model.from_listed(
                self.parent, self.model.key_of(each), each)
                for each in listed]
        return super(Snapshots, self).all(recursion, filter, all_projects)

    def create(self, name=None, stateful=False, wait=False, expires_at=None):
        # type: (Optional[str], bool, bool, Any) -> Snapshot
        """Take a snapshot.

        :param name: the bare name of the new snapshot; None leaves the
            choice to the server (``snapshots.pattern``).
        :param stateful: whether to include the contents of memory, which
            needs CRIU.
        :param wait: return when the snapshot is complete.
        :param expires_at: when the server deletes the snapshot: a datetime,
            or the text of a time. Needs ``snapshot_expiry_creation``.
        :raises InvalidName: no snapshot can have that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            snapshot was not taken.

        Endpoint: ``POST .../snapshots``.
        """
        instance = self.parent  # type: Any
        instance.take_listed('snapshots')  # which are outdated now
        body = {'stateful': stateful}  # type: Dict[str, Any]
        if name is not None:
            body['name'] = name
        if expires_at is not None:
            self.client.dialect.need('snapshot_expiry_creation')
            body['expires_at'] = format_time(expires_at)
        return self._create(body, wait)

    def _created_key(self, node, response, operation):
        # type: (Any, requests.Response, Optional[Operation]) -> Tuple[Any]
        # LXD 5.0 names the instance alone: see Snapshot._created_key
        urls = operation.affected_urls if operation else ()
        names = [url.rpartition('/')[2] for url in urls
                 if url.startswith(node.path + '/')]
        return (names[0] if names else None,)
