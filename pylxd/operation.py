"""The documented name of the module of operations."""
from pylxd.core.operation import Operation, Operations

__all__ = ['Operation', 'Operations']
