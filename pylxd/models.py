"""The classes of all resources, in one place."""
from pylxd.certificate import Certificate
from pylxd.container import (
    Container, ContainerState, Instance, InstanceState, Snapshot,
    VirtualMachine)
from pylxd.image import Image
from pylxd.network import Network, NetworkState
from pylxd.operation import Operation
from pylxd.profile import Profile

__all__ = [
    'Certificate', 'Container', 'ContainerState', 'Image', 'Instance',
    'InstanceState', 'Network', 'NetworkState', 'Operation', 'Profile',
    'Snapshot', 'VirtualMachine']
