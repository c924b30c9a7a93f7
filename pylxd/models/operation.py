"""The operation classes under their module name of earlier releases."""
from pylxd.core.operation import Operation, Operations

__all__ = ['Operation', 'Operations']
