"""The classes of all resources."""
from pylxd.core.operation import Operation
from pylxd.models.backup import Backup
from pylxd.models.certificate import Certificate
from pylxd.models.cluster import Cluster, ClusterCertificate
from pylxd.models.cluster_group import ClusterGroup
from pylxd.models.cluster_member import ClusterMember, ClusterMemberState
from pylxd.models.image import Image
from pylxd.models.image_alias import ImageAlias
from pylxd.models.instance import Container, Instance, VirtualMachine
from pylxd.models.instance_metadata import InstanceMetadata
from pylxd.models.instance_state import ContainerState, InstanceState
from pylxd.models.network import Network, NetworkState
from pylxd.models.network_acl import NetworkAcl
from pylxd.models.network_address_set import NetworkAddressSet
from pylxd.models.network_forward import NetworkForward
from pylxd.models.network_integration import NetworkIntegration
from pylxd.models.network_load_balancer import (
    NetworkLoadBalancer, NetworkLoadBalancerState)
from pylxd.models.network_peer import NetworkPeer
from pylxd.models.network_zone import NetworkZone
from pylxd.models.network_zone_record import NetworkZoneRecord
from pylxd.models.profile import Profile
from pylxd.models.project import Project, ProjectState
from pylxd.models.server import Server
from pylxd.models.snapshot import Snapshot
from pylxd.models.storage_bucket import StorageBucket
from pylxd.models.storage_bucket_backup import StorageBucketBackup
from pylxd.models.storage_bucket_key import StorageBucketKey
from pylxd.models.storage_pool import StoragePool, StorageResources
from pylxd.models.storage_volume import StorageVolume, StorageVolumeState
from pylxd.models.storage_volume_backup import StorageVolumeBackup
from pylxd.models.storage_volume_snapshot import StorageVolumeSnapshot
from pylxd.models.warning import ServerWarning

__all__ = [
    'Backup', 'Certificate', 'Cluster',
    'ClusterCertificate', 'ClusterGroup', 'ClusterMember',
    'ClusterMemberState', 'Container', 'ContainerState', 'Image', 'ImageAlias',
    'Instance', 'InstanceMetadata', 'InstanceState', 'Network', 'NetworkAcl',
    'NetworkAddressSet', 'NetworkForward', 'NetworkIntegration',
    'NetworkLoadBalancer', 'NetworkLoadBalancerState', 'NetworkPeer',
    'NetworkState', 'NetworkZone', 'NetworkZoneRecord', 'Operation', 'Profile',
    'Project', 'ProjectState', 'Server', 'ServerWarning', 'Snapshot',
    'StorageBucket', 'StorageBucketBackup', 'StorageBucketKey', 'StoragePool',
    'StorageResources', 'StorageVolume', 'StorageVolumeBackup',
    'StorageVolumeSnapshot', 'StorageVolumeState', 'VirtualMachine']
