"""The base class of models under its module name in pylxd 2.0."""
from pylxd.core.attribute import attribute
from pylxd.core.fields import ModelType
from pylxd.core.manager import Manager
from pylxd.core.model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def Attribute(validator=None, readonly=False, optional=False):
    # type: (Any, bool, bool) -> Any
    """Declare an attribute of a model, a field of the same name.

    :param validator: the type of its values; None allows each.
    :param readonly: whether the server refuses new values.
    :param optional: without effect: what was not loaded is never sent.
    """
    return attribute(validator, readonly)


class Parent(object):
    """The descriptor of an attribute that is the ``parent`` of its object."""

    def __get__(self, model, cls=None):
        # type: (Model, object) -> object
        return self if model is None else model.parent


__all__ = ['Attribute', 'Manager', 'Model', 'ModelType', 'Parent']
