"""Backups of volumes."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.member import OfMember
from pylxd.core.timestamp import format_time
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple, TypeVar
    T = TypeVar('T', bound='StorageVolumeBackup')


class StorageVolumeBackup(OfMember, Renamable, Deletable):
    """A backup of a custom volume: a file on the server.

    Endpoint: ``.../volumes/custom/NAME/backups/BACKUP``.
    """

    path = 'backups'
    extension = 'custom_volume_backup'

    name = attribute(readonly=True)  # type: str
    created_at = attribute(readonly=True)  # type: str
    expires_at = attribute(readonly=True)  # type: str
    optimized_storage = attribute(readonly=True)  # type: bool
    volume_only = attribute(readonly=True)  # type: bool

    def rename(self, new_name, wait=True):
        # type: (T, str, bool) -> T
        """Rename the backup; see `Renamable.rename`.

        Endpoint: ``POST .../backups/BACKUP``.
        """
        return super(StorageVolumeBackup, self).rename(new_name, wait)

    def delete(self, wait=True):
        # type: (bool) -> None
        """Delete the backup; see `Deletable.delete`.

        Endpoint: ``DELETE .../backups/BACKUP``.
        """
        super(StorageVolumeBackup, self).delete(wait)


class StorageVolumeBackups(Manager[StorageVolumeBackup]):
    """The backups of a custom volume: ``volume.backups``."""

    model = StorageVolumeBackup
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'volume'
    has_exact_urls = False

    def create(self,
               name=None,  # type: Optional[str]
               expires_at=None,  # type: Any
               volume_only=False,  # type: bool
               optimized_storage=False,  # type: bool
               compression_algorithm=None,  # type: Optional[str]
               wait=True,  # type: bool
               ):
        # type: (...) -> StorageVolumeBackup
        """Make a backup of the volume, which the server stores.

        :param name: the name of the backup; None leaves the choice to the
            server.
        :param expires_at: when the server deletes the backup: a datetime, or
            the text of a time.
        :param volume_only: leave out the snapshots.
        :param optimized_storage: use the format of the storage driver, which
            only a pool with the same driver can restore.
        :param compression_algorithm: ``none``, ``gzip`` and so on; None is
            the server's default.
        :param wait: return when the backup is complete.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            backup failed, as when the name is taken.

        Endpoint: ``POST .../backups``; needs ``custom_volume_backup``.
        """
        body = {'expires_at': format_time(expires_at),
                'volume_only': volume_only,
                'optimized_storage': optimized_storage,
                'compression_algorithm': compression_algorithm}
        if name is not None:
            body['name'] = name
        return self._create(body, wait)
