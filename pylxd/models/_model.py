"""The base class of models under its module name in pylxd 2.1 to 2.4."""
from pylxd.model import Attribute, Manager, Model, ModelType, Parent

__all__ = ['Attribute', 'Manager', 'Model', 'ModelType', 'Parent']
