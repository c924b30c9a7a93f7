"""The operation classes under their documented module name."""
from pylxd.core.operation import Operation, Operations

__all__ = ['Operation', 'Operations']
