"""Backups of buckets."""
from pylxd.core.attribute import attribute
from pylxd.core.member import OfMember
from pylxd.models.backup import BackupManager, StoredBackup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional
    from pylxd.core.progress import ProgressArgument


class StorageBucketBackup(OfMember, StoredBackup):
    """A backup of a bucket: a file on the server.

    Incus 7.0.2 makes backups, but can neither rename nor delete them; they
    are deleted with the bucket.

    Endpoint: ``.../buckets/NAME/backups/BACKUP``.
    """

    extension = 'storage_bucket_backup'

    name = attribute(readonly=True)  # type: str
    created_at = attribute(readonly=True)  # type: str
    expires_at = attribute(readonly=True)  # type: str


class StorageBucketBackups(BackupManager[StorageBucketBackup]):
    """The backups of a bucket: ``bucket.backups``."""

    model = StorageBucketBackup
    parent_name = 'bucket'

    def create(self,
               name=None,  # type: Optional[str]
               expires_at=None,  # type: Any
               compression_algorithm=None,  # type: Optional[str]
               wait=True,  # type: bool
               progress=None,  # type: ProgressArgument
               ):
        # type: (...) -> StorageBucketBackup
        """Make a backup of the bucket, which the server stores.

        :param name: the name of the backup; None leaves the choice to the
            server.
        :param expires_at: when the server deletes the backup: a datetime, or
            the text of a time.
        :param compression_algorithm: ``none``, ``gzip`` and so on; None is
            the server's default.
        :param wait: return when the backup is complete.
        :param progress: with ``wait``, a function that is called with a
            `Progress` about once a second, or True for a bar.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            backup failed, as when the name is taken.

        Endpoint: ``POST .../backups``; needs ``storage_bucket_backup``.
        """
        return self._make(name, expires_at, wait, progress,
                          compression_algorithm=compression_algorithm)
