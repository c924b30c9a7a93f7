"""Backups of instances."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.timestamp import format_time
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Tuple, TypeVar
    T = TypeVar('T', bound='Backup')


class Backup(Renamable, Deletable):
    """A backup of an instance: a file on the server.

    Endpoint: ``/1.0/instances/NAME/backups/BACKUP``.
    """

    path = 'backups'
    extension = 'container_backup'

    name = attribute(readonly=True)  # type: str
    container_only = attribute(readonly=True)  # type: bool
    created_at = attribute(readonly=True)  # type: str
    expires_at = attribute(readonly=True)  # type: str
    instance_only = attribute(readonly=True)  # type: bool
    optimized_storage = attribute(readonly=True)  # type: bool

    def rename(self, new_name, wait=True):
        # type: (T, str, bool) -> T
        """Rename the backup; see `Renamable.rename`.

        Endpoint: ``POST .../backups/BACKUP``; needs ``container_backup``.
        """
        return super(Backup, self).rename(new_name, wait)

    def delete(self, wait=True):
        # type: (bool) -> None
        """Delete the backup; see `Deletable.delete`.

        Endpoint: ``DELETE .../backups/BACKUP``; needs ``container_backup``.
        """
        super(Backup, self).delete(wait)


class Backups(Manager[Backup]):
    """The backups of an instance: ``instance.backups``."""

    model = Backup
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'instance'

    def all(self, recursion=1, filter=None, all_projects=False):
        # type: (Optional[int], Optional[str], bool) -> List[Backup]
        """List the backups, loaded; see `Manager.all`.

        Servers do not quote the names in the URLs of a list, so that a name
        with a question mark is only known from the backup itself.

        Endpoint: ``GET .../backups?recursion=1``; needs
        ``container_backup``.
        """
        return super(Backups, self).all(1, filter, all_projects)

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
        body = {'expires_at': format_time(expires_at),
                'instance_only': instance_only or None,
                # The name of the field on servers without `instances`
                'container_only': instance_only or None,
                'optimized_storage': optimized_storage or None,
                'compression_algorithm': compression_algorithm}
        if name is not None:
            body['name'] = name
        return self._create(body, wait)
