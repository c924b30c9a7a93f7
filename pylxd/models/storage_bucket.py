"""Buckets of storage pools: object storage with the protocol S3."""
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.member import MemberManager, OfMember
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple
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
