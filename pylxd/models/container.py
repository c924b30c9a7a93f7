"""The instance classes under their module name of earlier releases."""
from pylxd.models.instance import Container, Instance, VirtualMachine
from pylxd.models.instance_state import ContainerState, InstanceState
from pylxd.models.snapshot import Snapshot

__all__ = ['Container', 'ContainerState', 'Instance', 'InstanceState',
           'Snapshot', 'VirtualMachine']
