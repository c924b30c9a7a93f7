"""The base class of models under its module name in pylxd 2.0."""
from pylxd.core.attribute import attribute as Attribute
from pylxd.core.manager import Manager
from pylxd.core.model import Model, ModelType


class Parent(object):
    """A declaration of the object that contains one: its ``parent``."""

    def __get__(self, model, cls=None):
        # type: (Model, object) -> object
        return self if model is None else model.parent


__all__ = ['Attribute', 'Manager', 'Model', 'ModelType', 'Parent']
