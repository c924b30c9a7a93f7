"""The classes of all resources, in one place."""
from pylxd.models.certificate import Certificate
from pylxd.models.instance import (
    Container, ContainerState, Instance, InstanceState, Snapshot,
    VirtualMachine)
from pylxd.models.image import Image
from pylxd.models.network import Network, NetworkState
from pylxd.core.operation import Operation
from pylxd.models.profile import Profile

__all__ = [
    'Certificate', 'Container', 'ContainerState', 'Image', 'Instance',
    'InstanceState', 'Network', 'NetworkState', 'Operation', 'Profile',
    'Snapshot', 'VirtualMachine']
