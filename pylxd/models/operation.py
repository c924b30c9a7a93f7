"""Another name of the module of operations, from earlier releases."""
from pylxd.core.operation import Operation, Operations

__all__ = ['Operation', 'Operations']
