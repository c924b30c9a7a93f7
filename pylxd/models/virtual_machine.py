"""Another name of the module of instances, from earlier releases."""
from pylxd.models.instance import (
    Container, ContainerState, Instance, InstanceState, VirtualMachine)
from pylxd.models.snapshot import Snapshot

__all__ = ['Container', 'ContainerState', 'Instance', 'InstanceState',
           'Snapshot', 'VirtualMachine']
