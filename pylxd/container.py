"""The container classes under their documented module name."""
from pylxd.models.execution import ExecuteResult
from pylxd.models.instance import (
    Container, Containers, Instance, Instances, VirtualMachine,
    VirtualMachines)
from pylxd.models.instance_files import FilesManager
from pylxd.models.instance_state import ContainerState, InstanceState
from pylxd.models.snapshot import Snapshot, Snapshots

__all__ = [
    'Container', 'Containers', 'ContainerState', 'ExecuteResult',
    'FilesManager', 'Instance', 'Instances', 'InstanceState', 'Snapshot',
    'Snapshots', 'VirtualMachine', 'VirtualMachines']
