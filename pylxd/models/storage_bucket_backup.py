"""Backups of buckets."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.member import OfMember
from pylxd.core.timestamp import format_time
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple, TypeVar
    T = TypeVar('T', bound='StorageBucketBackup')


class StorageBucketBackup(OfMember, Renamable, Deletable):
    """A backup of a bucket: a file on the server.

    Incus 7.0.2 makes backups, but can neither rename nor delete them; they
    are deleted with the bucket.

    Endpoint: ``.../buckets/NAME/backups/BACKUP``.
    """

    path = 'backups'
    extension = 'storage_bucket_backup'

    name = attribute(readonly=True)  # type: str
    created_at = attribute(readonly=True)  # type: str
    expires_at = attribute(readonly=True)  # type: str

    def rename(self, new_name, wait=True):
        # type: (T, str, bool) -> T
        """Rename the backup; see `Renamable.rename`.

        Endpoint: ``POST .../backups/BACKUP``.
        """
        return super(StorageBucketBackup, self).rename(new_name, wait)

    def delete(self, wait=True):
        # type: (bool) -> None
        """Delete the backup; see `Deletable.delete`.

        Endpoint: ``DELETE .../backups/BACKUP``.
        """
        super(StorageBucketBackup, self).delete(wait)


class StorageBucketBackups(Manager[StorageBucketBackup]):
    """The backups of a bucket: ``bucket.backups``."""

    model = StorageBucketBackup
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'bucket'
    # Incus 7.0.2 panics when it is asked for the URLs
    has_exact_urls = False

    def create(self,
               name=None,  # type: Optional[str]
               expires_at=None,  # type: Any
               compression_algorithm=None,  # type: Optional[str]
               wait=True,  # type: bool
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
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            backup failed, as when the name is taken.

        Endpoint: ``POST .../backups``; needs ``storage_bucket_backup``.
        """
        body = {'expires_at': format_time(expires_at),
                'compression_algorithm': compression_algorithm}
        if name is not None:
            body['name'] = name
        return self._create(body, wait)
