"""The volumes of all storage pools."""
from pylxd import exceptions
from pylxd.core.document import Document
from pylxd.models.storage_pool import StoragePool
from pylxd.models.storage_volume import StorageVolume
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, Iterator, List, Optional
    from pylxd.client import Client


class AllStorageVolumes(object):
    """The volumes of all storage pools: ``client.storage_volumes``.

    To get or create a volume, use ``volumes`` of its pool.
    """

    def __init__(self, client):
        # type: (Client) -> None
        self._client = client

    def __iter__(self):
        # type: () -> Iterator[StorageVolume]
        return iter(self.all())

    def all(self,
            type=None,  # type: Optional[str]
            recursion=None,  # type: Optional[int]
            filter=None,  # type: Optional[str]
            all_projects=False,  # type: bool
            ):
        # type: (...) -> List[StorageVolume]
        """List the volumes of all pools, loaded.

        Servers without ``storage_volumes_all``, as all of Incus, need a
        request for each pool.

        The arguments are those of `StorageVolumes.all`.

        Endpoint: ``GET /1.0/storage-volumes?recursion=1``, or ``GET
        /1.0/storage-volumes/TYPE?recursion=1``.
        """
        if not self._client.dialect.has('storage_volumes_all'):
            return [volume for pool in self._client.storage_pools.all()
                    for volume in pool.volumes.all(
                        type, recursion, filter, all_projects)]
        node, query = self._client.api['storage-volumes'], {'recursion': '1'}
        if type is not None:
            node = node[type]
        if filter is not None:
            query['filter'] = filter
        if all_projects:
            query['all-projects'] = 'true'
        response = node.get(params=query)
        try:
            return [self._volume(each, all_projects)
                    for each in rest.metadata(response, list)
                    if '/' not in each['name']]  # no snapshots
        except (KeyError, TypeError):
            raise exceptions.InvalidResponse(response)

    def _volume(self, representation, all_projects):
        # type: (Dict[str, str], bool) -> StorageVolume
        client = self._client
        if all_projects:
            client = client.use_project(representation['project'])
        pool = StoragePool.from_key(client, (representation['pool'],))
        return StorageVolume.from_key(
            pool, StorageVolume.key_of(representation),
            Document(representation, complete=True))
