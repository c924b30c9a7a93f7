"""Backups of volumes."""
from pylxd.core.attribute import attribute
from pylxd.core.member import OfMember
from pylxd.models.backup import BackupManager, StoredBackup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional
    from pylxd.core.progress import ProgressArgument


class StorageVolumeBackup(OfMember, StoredBackup):
    """A backup of a custom volume: a file on the server.

    Endpoint: ``.../volumes/custom/NAME/backups/BACKUP``.
    """

    extension = 'custom_volume_backup'

    name = attribute(readonly=True)  # type: str
    created_at = attribute(readonly=True)  # type: str
    expires_at = attribute(readonly=True)  # type: str
    optimized_storage = attribute(readonly=True)  # type: bool
    volume_only = attribute(readonly=True)  # type: bool


class StorageVolumeBackups(BackupManager[StorageVolumeBackup]):
    """The backups of a custom volume: ``volume.backups``."""

    model = StorageVolumeBackup
    parent_name = 'volume'

    def create(self,
               name=None,  # type: Optional[str]
               expires_at=None,  # type: Any
               volume_only=False,  # type: bool
               optimized_storage=False,  # type: bool
               compression_algorithm=None,  # type: Optional[str]
               wait=True,  # type: bool
               progress=None,  # type: ProgressArgument
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
        :param progress: with ``wait``, a function that is called with a
            `Progress` about once a second, or True for a bar.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            backup failed, as when the name is taken.

        Endpoint: ``POST .../backups``; needs ``custom_volume_backup``.
        """
        return self._make(
            name, expires_at, wait, progress, volume_only=volume_only,
            optimized_storage=optimized_storage,
            compression_algorithm=compression_algorithm)
