"""Backups of instances, and what all kinds of backups share."""
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.manager import M, Manager
from pylxd.core.model import Model
from pylxd.core.timestamp import format_time
from pylxd.core.verbs import Deletable, Renamable
from pylxd.models.backup_export import export_backup, export_new_backup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple, TypeVar
    from pylxd.core.progress import ProgressArgument
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

    def export(self, file=None, progress=None):
        # type: (Any, ProgressArgument) -> Any
        """Download the backup, block by block.

        :param file: a path, on which a file appears when it is complete; or a
            file that is open for writing bytes. None returns the blocks.
        :param progress: a function that is called with a `Progress` for each
            block, or True for a bar.
        :return: ``file``; without it a `Download`, an iterator of the blocks
            that must be read to its end or closed, as by ``with``.
        :raises StreamBroken: the download was cut off.
        :raises EnvironmentError: the file cannot be written.

        Endpoint: ``GET .../backups/BACKUP/export``.
        """
        return export_backup(self, file, progress)


class BackupManager(Manager[M]):
    """The base class of the managers of backups."""

    class_methods = ('create',)  # type: Tuple[str, ...]
    # Incus 7.0.2 panics when it is asked for the URLs of a bucket's backups
    has_exact_urls = False

    def _make(self, name, expires_at, wait, progress, **fields):
        # type: (Optional[str], Any, bool, ProgressArgument, **Any) -> M
        """Make a backup.

        :param name: the name of the backup; None leaves the choice to the
            server.
        :param expires_at: a datetime, or the text of a time.
        :param fields: the other fields of the request.
        """
        body = dict(fields, expires_at=format_time(expires_at))
        if name is not None:
            body['name'] = name
        return self._create(body, wait, progress=progress)


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


class Exportable(Model):
    """The base class of instances, for their backups."""

    #: The instance's backups.
    backups = collection('backup:Backups')  # type: Backups

    def export(self,
               file=None,  # type: Any
               instance_only=False,  # type: bool
               compression_algorithm=None,  # type: Optional[str]
               optimized_storage=False,  # type: bool
               progress=None,  # type: ProgressArgument
               ):
        # type: (...) -> Any
        """Download a backup of the instance, block by block.

        The server makes a backup, which is deleted when the download ends;
        servers with ``direct_backup`` send it without storing it.

        :param file: a path, on which a file appears when it is complete; or a
            file that is open for writing bytes. None returns the blocks.
        :param instance_only: leave out the snapshots.
        :param compression_algorithm: ``none``, ``gzip`` and so on; None is
            the server's default.
            Needs ``backup_compression_algorithm``.
        :param optimized_storage: use the format of the storage driver, which
            only a pool with the same driver can restore.
        :param progress: a function that is called with a `Progress`, or True
            for a bar.
        :return: ``file``; without it a `Download`, an iterator of the blocks
            that must be read to its end or closed, as by ``with``.
        :raises StreamBroken: the download was cut off.
        :raises EnvironmentError: the file cannot be written.
        :raises LXDAPIException: the server refused, or could not make the
            backup.

        Endpoints: ``POST .../backups``, and without ``direct_backup`` also
        ``GET .../backups/BACKUP/export`` and ``DELETE .../backups/BACKUP``;
        needs ``container_backup``.
        """
        return export_new_backup(
            self.backups, file, progress, instance_only=instance_only,
            compression_algorithm=compression_algorithm,
            optimized_storage=optimized_storage)


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
               progress=None,  # type: ProgressArgument
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
        :param progress: with ``wait``, a function that is called with a
            `Progress` about once a second, or True for a bar.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            backup failed, as when the name is taken.

        Endpoint: ``POST .../backups``; needs ``container_backup``.
        """
        if compression_algorithm is not None:
            self.client.dialect.need('backup_compression_algorithm')
        return self._make(
            name, expires_at, wait, progress,
            instance_only=instance_only or None,
            # The name of the field on servers without `instances`
            container_only=instance_only or None,
            optimized_storage=optimized_storage or None,
            compression_algorithm=compression_algorithm)
