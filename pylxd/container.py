"""The documented name of the module of containers."""
from pylxd.models.instance import (
    Container, Containers, ContainerState, ExecuteResult, Instance, Instances,
    InstanceState, VirtualMachine, VirtualMachines)
from pylxd.models.instance_files import FilesManager
from pylxd.models.instance import Snapshot, Snapshots

__all__ = [
    'Container', 'Containers', 'ContainerState', 'ExecuteResult',
    'FilesManager', 'Instance', 'Instances', 'InstanceState', 'Snapshot',
    'Snapshots', 'VirtualMachine', 'VirtualMachines']
