"""The classes of all resources."""
from pylxd.core.operation import Operation
from pylxd.models.backup import Backup
from pylxd.models.certificate import Certificate
from pylxd.models.image import Image
from pylxd.models.instance import (
    Container, ContainerState, Instance, InstanceState, VirtualMachine)
from pylxd.models.instance_metadata import InstanceMetadata
from pylxd.models.network import Network, NetworkState
from pylxd.models.profile import Profile
from pylxd.models.project import Project
from pylxd.models.snapshot import Snapshot

__all__ = [
    'Backup', 'Certificate', 'Container', 'ContainerState', 'Image',
    'Instance', 'InstanceMetadata', 'InstanceState', 'Network',
    'NetworkState', 'Operation', 'Profile', 'Project', 'Snapshot',
    'VirtualMachine']
