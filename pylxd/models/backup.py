"""Backups of instances, and what all kinds of backups share."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import M, Manager
from pylxd.core.timestamp import format_time
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple, TypeVar
    T = TypeVar('T', bound='StoredBackup')


class StoredBackup(Renamable, Deletable):
    """The base class of the models of backups, files on the server."""

    path = 'backups'

    def rename(self, new_name, wait=True):
        # type: (T, str, bool) -> T
        """Rename the backup; see `Renamable.rename`.

        Endpoint: ``POST .../backups/BACKUP``.
        """
        return super(StoredBackup, self).rename(new_name, wait)

    def delete(self, wait=True):
        # type: (bool) -> None
        """Delete the backup; see `Deletable.delete`.

        Endpoint: ``DELETE .../backups/BACKUP``.
        """
        super(StoredBackup, self).delete(wait)


class BackupManager(Manager[M]):
    """The base class of the managers of backups."""

    class_methods = ('create',)  # type: Tuple[str, ...]
    # Incus 7.0.2 panics when it is asked for the URLs of a bucket's backups
    has_exact_urls = False

    def _make(self, name, expires_at, wait, **fields):
        # type: (Optional[str], Any, bool, **Any) -> M
        """Make a backup.

        :param name: the name of the backup; None leaves the choice to the
            server.
        :param expires_at: a datetime, or the text of a time.
        :param fields: the other fields of the request.
        """
        body = dict(fields, expires_at=format_time(expires_at))
        if name is not None:
            body['name'] = name
        return self._create(body, wait)


class Backup(StoredBackup):
    """A backup of an instance.

    Endpoint: ``/1.0/instances/NAME/backups/BACKUP``.
    """

    extension = 'container_backup'

    name = attribute(readonly=True)  # type: str
    container_only = attribute(readonly=True)  # type: bool
    created_at = attribute(readonly=True)  # type: str
    expires_at = attribute(readonly=True)  # type: str
    instance_only = attribute(readonly=True)  # type: bool
    optimized_storage = attribute(readonly=True)  # type: bool


class Backups(BackupManager[Backup]):
    """The backups of an instance: ``instance.backups``."""

    model = Backup
    parent_name = 'instance'

    def create(self,
               name=None,  # type: Optional[str]
               expires_at=None,  # type: Any
               instance_only=False,  # type: bool
               optimized_storage=False,  # type: bool
               compression_algorithm=None,  # type: Optional[str]
               wait=True,  # type: bool
               ):
        # type: (...) -> Backup
        """Make a backup of the instance, which the server stores.

        :param name: the name of the backup; None leaves the choice to the
            server.
        :param expires_at: when the server deletes the backup: a datetime, or
            the text of a time.
        :param instance_only: leave out the snapshots.
        :param optimized_storage: use the format of the storage driver, which
            only a pool with the same driver can restore.
        :param compression_algorithm: ``none``, ``gzip`` and so on; None is
            the server's default. Needs ``backup_compression_algorithm``.
        :param wait: return when the backup is complete.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            backup failed, as when the name is taken.

        Endpoint: ``POST .../backups``; needs ``container_backup``.
        """
        if compression_algorithm is not None:
            self.client.dialect.need('backup_compression_algorithm')
        return self._make(
            name, expires_at, wait, instance_only=instance_only or None,
            # The name of the field on servers without `instances`
            container_only=instance_only or None,
            optimized_storage=optimized_storage or None,
            compression_algorithm=compression_algorithm)
