"""The instance classes under their module name of earlier releases."""
from pylxd.models.instance import (
    Container, ContainerState, Instance, InstanceState, VirtualMachine)
from pylxd.models.snapshot import Snapshot

__all__ = ['Container', 'ContainerState', 'Instance', 'InstanceState',
           'Snapshot', 'VirtualMachine']
