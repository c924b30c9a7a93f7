"""Keys of buckets."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.member import OfMember
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple


class StorageBucketKey(OfMember, Savable, Deletable):
    """A key of a bucket: the credentials of programs that use it.

    Endpoint: ``/1.0/storage-pools/POOL/buckets/NAME/keys/KEY``.
    """

    path = 'keys'
    extension = 'storage_buckets'
    synchronous = True
    patchable = False

    # Incus ignores If-Match here
    name = attribute(readonly=True)  # type: str
    description = attribute(str, in_etag=False)  # type: str
    role = attribute(str, in_etag=False)  # type: str

    @property
    def access_key(self):
        # type: () -> str
        """The access key ID: the user name of S3."""
        value = self.get_attribute('access-key')  # type: str
        return value

    @property
    def secret_key(self):
        # type: () -> str
        """The secret access key: the password of S3."""
        value = self.get_attribute('secret-key')  # type: str
        return value


class StorageBucketKeys(Manager[StorageBucketKey]):
    """The keys of a bucket: ``bucket.keys``."""

    model = StorageBucketKey
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'bucket'

    def create(self, name, role='read-only', description=None):
        # type: (Any, str, Optional[str]) -> StorageBucketKey
        """Create a key, whose credentials the server chooses.

        :param name: the name of the new key.
        :param role: ``read-only`` or ``admin``.
        :param description: a description for people.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST .../keys``; needs ``storage_buckets``.
        """
        return self._create({
            'name': name, 'role': role, 'description': description})
