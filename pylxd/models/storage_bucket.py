"""Buckets of storage pools: object storage with the protocol S3."""
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.member import MemberManager, OfMember
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable
from pylxd.models.backup_export import export_new_backup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.storage_bucket_backup import StorageBucketBackups
    from pylxd.models.storage_bucket_key import StorageBucketKeys


class StorageBucket(OfMember, Savable, Deletable):
    """A bucket of a storage pool.

    Endpoint: ``/1.0/storage-pools/POOL/buckets/NAME``.
    """

    path = 'buckets'
    extension = 'storage_buckets'
    all_projects_extension = 'storage_buckets_all_projects'
    synchronous = True
    # Incus 7.0.2 answers no PATCH that lacks the config: it panics
    patchable = False

    # Incus ignores If-Match here
    name = attribute(readonly=True)  # type: str
    config = attribute({str: str}, in_etag=False)  # type: Dict[str, str]
    description = attribute(str, in_etag=False)  # type: str
    location = attribute(readonly=True)  # type: str
    project = attribute(readonly=True)  # type: str
    s3_url = attribute(readonly=True)  # type: str

    backups = collection(
        'storage_bucket_backup:StorageBucketBackups'
    )  # type: StorageBucketBackups
    keys = collection(
        'storage_bucket_key:StorageBucketKeys')  # type: StorageBucketKeys

    def export(self,
               file=None,  # type: Any
               compression_algorithm=None,  # type: Optional[str]
               progress=None,  # type: ProgressArgument
               ):
        # type: (...) -> Any
        """Download a backup of the bucket, block by block.

        The server makes a backup, which is deleted when the download ends;
        servers with ``direct_backup`` send it without storing it.

        :param file: a path, on which a file appears when it is complete; or a
            file that is open for writing bytes. None returns the blocks.
        :param compression_algorithm: ``none``, ``gzip`` and so on; None is
            the server's default.
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
        needs ``storage_bucket_backup``.
        """
        return export_new_backup(
            self.backups, file, progress,
            compression_algorithm=compression_algorithm)


class StorageBuckets(MemberManager[StorageBucket]):
    """The buckets of a storage pool: ``pool.buckets``."""

    model = StorageBucket
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'pool'

    def create(self,
               name,  # type: Any
               config=None,  # type: Optional[Dict[str, str]]
               description=None,  # type: Optional[str]
               target=None,  # type: Optional[str]
               ):
        # type: (...) -> StorageBucket
        """Create a bucket; the server gives it the key ``admin``.

        :param name: the name of the new bucket: 3 to 63 lower-case letters,
            digits, periods and hyphens.
        :param config: the configuration of the bucket, a dict of text, such
            as ``{'size': '1GiB'}``.
        :param description: a description for people.
        :param target: the cluster member to create the bucket on.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken, or the server or the storage driver has no buckets.

        Endpoint: ``POST .../buckets``; needs ``storage_buckets``.
        """
        return self._create({
            'name': name, 'config': config or {},
            'description': description}, target=target)
