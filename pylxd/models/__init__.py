"""The classes of all resources."""
from pylxd.core.operation import Operation
from pylxd.models.certificate import Certificate
from pylxd.models.image import Image
from pylxd.models.instance import (
    Container, ContainerState, Instance, InstanceState, VirtualMachine)
from pylxd.models.network import Network, NetworkState
from pylxd.models.profile import Profile
from pylxd.models.project import Project
from pylxd.models.snapshot import Snapshot

__all__ = [
    'Certificate', 'Container', 'ContainerState', 'Image', 'Instance',
    'InstanceState', 'Network', 'NetworkState', 'Operation', 'Profile',
    'Project', 'Snapshot', 'VirtualMachine']
