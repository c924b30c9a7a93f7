"""Storage pools."""
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable
from pylxd.models.storage_volume import StorageVolume
from pylxd.models.storage_volume_snapshot import StorageVolumeSnapshot
from pylxd.transport import rest

# StorageVolume, StorageVolumeSnapshot: where earlier releases had them
__all__ = ['StoragePool', 'StoragePoolResources', 'StoragePools',
           'StorageResources', 'StorageVolume', 'StorageVolumeSnapshot']

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple
    from pylxd.models.storage_bucket import StorageBuckets
    from pylxd.models.storage_volume import StorageVolumes


class StorageResources(State):
    """The size of a storage pool, and how much of it is used.

    ``space`` is in bytes, ``inodes`` counts files; each is a dict with
    ``used`` and ``total``.
    """

    if TYPE_CHECKING:
        inodes = {}  # type: Dict[str, int]
        space = {}  # type: Dict[str, int]


class StoragePoolResources(object):
    """The resources of a storage pool: ``pool.resources``."""

    def __init__(self, pool):
        # type: (StoragePool) -> None
        self._pool = pool

    def get(self, target=None):
        # type: (Optional[str]) -> StorageResources
        """Get the size of the pool, and how much of it is used.

        :param target: the cluster member whose disks are meant.

        Endpoint: ``GET /1.0/storage-pools/NAME/resources``; needs
        ``resources``.
        """
        self._pool.client.dialect.need('resources')
        node = self._pool.ensure_ready().resources
        return StorageResources(rest.metadata(node.get(target=target)))


class StoragePool(Savable, Deletable):
    """A storage pool: the place of volumes, those of instances among them.

    Endpoint: ``/1.0/storage-pools/NAME``.
    """

    path = 'storage-pools'
    extension = 'storage'
    synchronous = True

    name = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    description = attribute(str)  # type: str
    driver = attribute(readonly=True)  # type: str
    locations = attribute(list, readonly=True)  # type: List[str]
    # LXD before 4.0 alone
    managed = attribute(readonly=True)  # type: Optional[bool]
    status = attribute(readonly=True)  # type: str
    used_by = attribute(list, readonly=True)  # type: List[str]

    buckets = collection(
        'storage_bucket:StorageBuckets')  # type: StorageBuckets
    volumes = collection(
        'storage_volume:StorageVolumes')  # type: StorageVolumes

    @property
    def resources(self):
        # type: () -> StoragePoolResources
        """The size of the pool: ``pool.resources.get()``."""
        return StoragePoolResources(self)


class StoragePools(Manager[StoragePool]):
    """All storage pools: ``client.storage_pools``."""

    model = StoragePool
    class_methods = ('create',)  # type: Tuple[str, ...]
    has_exact_urls = False

    def create(self,
               name,  # type: Any
               driver=None,  # type: Optional[str]
               config=None,  # type: Optional[Dict[str, str]]
               description=None,  # type: Optional[str]
               target=None,  # type: Optional[str]
               wait=True,  # type: bool
               ):
        # type: (...) -> StoragePool
        """Create a storage pool.

        :param name: the name of the new pool; or a dict of all fields, as
            earlier releases expected.
        :param driver: ``dir``, ``btrfs``, ``lvm``, ``zfs`` and so on, one of
            those that the server supports.
        :param config: the configuration of the pool, a dict of text, such as
            ``{'size': '10GiB'}`` for a pool in a file of the server.
        :param description: a description for people.
        :param target: the cluster member that the pool will have ``config``
            on. In a cluster, call this for each member, then once without
            ``target``: that creates the pool.
        :param wait: ignored: the call always returns when the pool is
            created.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken or it lacks the driver.

        Endpoint: ``POST /1.0/storage-pools``; needs ``storage``.
        """
        return self._create({
            'name': name, 'driver': driver, 'config': config or {},
            'description': description}, wait, target)
