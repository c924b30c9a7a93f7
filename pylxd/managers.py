"""The classes of managers under their names in earlier releases."""
import contextlib

from pylxd.core.manager import Manager as BaseManager
from pylxd.core.operation import Operations as OperationManager
from pylxd.models.certificate import Certificates as CertificateManager
from pylxd.models.cluster import (
    Cluster as ClusterManager, ClusterCertificate as ClusterCertificateManager)
from pylxd.models.cluster_member import ClusterMembers as ClusterMemberManager
from pylxd.models.image import Images as ImageManager
from pylxd.models.instance import (
    Containers as ContainerManager, Instances as InstanceManager,
    VirtualMachines as VirtualMachineManager)
from pylxd.models.network import Networks as NetworkManager
from pylxd.models.network_forward import (
    NetworkForwards as NetworkForwardManager)
from pylxd.models.profile import Profiles as ProfileManager
from pylxd.models.project import Projects as ProjectManager
from pylxd.models.snapshot import Snapshots as SnapshotManager
from pylxd.models.storage_pool import (
    StoragePoolResources as StorageResourcesManager,
    StoragePools as StoragePoolManager)
from pylxd.models.storage_volume import StorageVolumes as StorageVolumeManager
from pylxd.models.storage_volume_snapshot import (
    StorageVolumeSnapshots as StorageVolumeSnapshotManager)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

__all__ = [
    'BaseManager', 'CertificateManager', 'ClusterCertificateManager',
    'ClusterManager', 'ClusterMemberManager', 'ContainerManager',
    'ImageManager', 'InstanceManager', 'NetworkForwardManager',
    'NetworkManager', 'OperationManager', 'ProfileManager', 'ProjectManager',
    'SnapshotManager', 'StoragePoolManager', 'StorageResourcesManager',
    'StorageVolumeManager', 'StorageVolumeSnapshotManager',
    'VirtualMachineManager', 'web_socket_manager']


@contextlib.contextmanager
def web_socket_manager(manager):
    # type: (Any) -> Iterator[Any]
    """Run a manager of websockets, of ws4py, for a block.

    :param manager: the manager, a thread that receives for its websockets.
    """
    if not manager.is_alive():
        manager.start()
    try:
        yield manager
    finally:
        manager.close_all()
        manager.stop()
        manager.join()
