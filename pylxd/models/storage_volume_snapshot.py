"""Snapshots of volumes."""
from datetime import datetime

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.member import OfMember
from pylxd.core.operation import Operation
from pylxd.core.saving import Savable
from pylxd.core.timestamp import format_time
from pylxd.core.verbs import Deletable, Renamable
from pylxd.models.storage_volume_copy import Copyable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple, TypeVar
    from pylxd.core.attribute import TimeAttribute
    from pylxd.models.storage_volume import StorageVolume
    T = TypeVar('T', bound='StorageVolumeSnapshot')


class StorageVolumeSnapshot(
        Copyable, OfMember, Savable, Renamable, Deletable):
    """A snapshot of a volume, known by its bare name.

    Endpoint: ``.../volumes/TYPE/NAME/snapshots/SNAPSHOT``.
    """

    path = 'snapshots'
    extension = 'storage_api_volume_snapshots'
    # Servers without it would rename the snapshot
    remote_extension = 'storage_api_remote_volume_snapshot_copy'

    name = attribute(readonly=True)  # type: str
    config = attribute(dict, readonly=True)  # type: Dict[str, str]
    content_type = attribute(readonly=True)  # type: str
    created_at = attribute(readonly=True)  # type: str
    description = attribute(str)  # type: str
    expires_at = attribute(datetime)  # type: TimeAttribute

    @property
    def _copied_volume(self):
        # type: () -> StorageVolume
        volume = self.parent  # type: StorageVolume
        return volume

    @property
    def _copied_name(self):
        # type: () -> str
        return '{}/{}'.format(self.parent.name, self.name)

    @classmethod
    def key_of(cls, representation):
        # type: (Dict[str, Any]) -> Tuple[Any, ...]
        """Return the bare name; lists have ``VOLUME/SNAPSHOT``."""
        name = representation.get('name')
        return (name.rpartition('/')[2] if name else None,)

    def rename(self, new_name, wait=True):
        # type: (T, str, bool) -> T
        """Rename the snapshot; see `Renamable.rename`.

        Endpoint: ``POST .../snapshots/SNAPSHOT``; needs
        ``storage_api_volume_snapshots``.
        """
        return super(StorageVolumeSnapshot, self).rename(new_name, wait)

    def restore(self, wait=False):
        # type: (bool) -> None
        """Put the volume back to the state of this snapshot.

        :param wait: ignored: the volume is restored when the call returns.
        :raises LXDAPIException: the server refused, as when a running
            instance uses the volume.

        Endpoint: ``PUT .../volumes/TYPE/NAME``; needs
        ``storage_api_volume_snapshots``.
        """
        self.ensure_ready()
        self.parent.restore_from(self.name, wait)


class StorageVolumeSnapshots(Manager[StorageVolumeSnapshot]):
    """The snapshots of a volume: ``volume.snapshots``."""

    model = StorageVolumeSnapshot
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'volume'
    has_exact_urls = False

    def all(self,
            recursion=None,  # type: Optional[int]
            filter=None,  # type: Optional[str]
            all_projects=False,  # type: bool
            use_recursion=False,  # type: bool
            ):
        # type: (...) -> List[StorageVolumeSnapshot]
        """List the snapshots, loaded; see `Manager.all`.

        :param use_recursion: accepted, as by earlier releases, and without
            effect.

        Endpoint: ``GET .../snapshots?recursion=1``; needs
        ``storage_api_volume_snapshots``.
        """
        return super(StorageVolumeSnapshots, self).all(
            recursion, filter, all_projects)

    def create(self, name=None, expires_at=None, wait=True):
        # type: (Optional[str], Any, bool) -> StorageVolumeSnapshot
        """Take a snapshot of the volume.

        :param name: the name of the new snapshot; None leaves the choice to
            the server. LXD 5.0 does not tell its choice: the call then
            waits, and compares the snapshots from before and after.
        :param expires_at: when the server deletes the snapshot: a datetime,
            or the text of a time. Needs ``custom_volume_snapshot_expiry``.
        :param wait: return when the snapshot is complete.
        :raises InvalidName: no server allows that name.
        :raises LXDException: that did not tell the name, as several snapshots
            appeared, or LXD 5.0 did not list those of another member of a
            cluster; the snapshot was taken.
        :raises LXDAPIException: the server refused, as when the name is
            taken, or (with ``wait``) the snapshot was not taken.

        Endpoint: ``POST .../snapshots``; needs
        ``storage_api_volume_snapshots``.
        """
        body = {}  # type: Dict[str, Any]
        if expires_at is not None:
            self.client.dialect.need('custom_volume_snapshot_expiry')
            body['expires_at'] = format_time(expires_at)
        if name is None and not self.client.dialect.has(
                'storage_volumes_created_at'):
            return self._create_unnamed(body)
        if name is not None:
            body['name'] = name
        return self._create(body, wait)

    def _create_unnamed(self, body):
        # type: (Dict[str, Any]) -> StorageVolumeSnapshot
        before = list(self)
        node, _ = self.node_and_query()
        operation = Operation.from_response(self.client, node.post(json=body))
        if operation is not None:
            operation.wait()
        created = [each for each in self if each not in before]
        if len(created) != 1:
            raise exceptions.LXDException(
                'cannot tell the name of the new snapshot of {!r}: the server '
                'does not say it, and {} snapshots appeared; pass a '
                'name'.format(self.parent, len(created)))
        created[0].operation = operation
        return created[0]
