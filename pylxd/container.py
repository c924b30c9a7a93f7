"""The container classes under their documented module name."""
from pylxd.models.execution import ExecuteResult
from pylxd.models.instance import (
    Container, Containers, ContainerState, Instance, Instances, InstanceState,
    VirtualMachine, VirtualMachines)
from pylxd.models.instance_files import FilesManager
from pylxd.models.snapshot import Snapshot, Snapshots

__all__ = [
    'Container', 'Containers', 'ContainerState', 'ExecuteResult',
    'FilesManager', 'Instance', 'Instances', 'InstanceState', 'Snapshot',
    'Snapshots', 'VirtualMachine', 'VirtualMachines']
