"""The line by which a client or an object declares a manager."""
import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Type, TypeVar
    T = TypeVar('T')


class Collection(object):
    """The descriptor that `collection` makes."""

    #: Under which name the parent keeps the manager; without one, a manager
    #: is made at each access.
    name = ''

    def __init__(self, target):
        # type: (str) -> None
        self._module, _, class_name = target.partition(':')
        self.class_name = class_name  # type: str

    def load(self):
        # type: () -> Any
        """Import the manager's class."""
        module = importlib.import_module('pylxd.models.' + self._module)
        return getattr(module, self.class_name)

    def __get__(self, parent, cls=None):
        # type: (Any, Any) -> Any
        if parent is None:
            return self
        # A subclass of the parent may name a class of its own
        made = (getattr(cls, self.class_name, None) or self.load())(parent)
        if self.name:
            parent.__dict__[self.name] = made  # found there from now on
        return made


class ManagerClass(object):
    """A manager's class as an attribute: ``Client.Containers``."""

    def __init__(self, declared):
        # type: (Collection) -> None
        self._declared = declared

    def __get__(self, parent, cls=None):
        # type: (Any, Any) -> Any
        return self._declared.load()


def collection(target):
    # type: (str) -> Any
    """Declare a manager of nested objects.

    :param target: its module in ``pylxd.models`` and its class, as in
        ``'network_forward:NetworkForwards'``; imported at first use.
    """
    return Collection(target)


def keep_managers(cls):
    # type: (Type[T]) -> Type[T]
    """Make a class keep each manager it declares, and show its class.

    A decorator, since Python 2 tells no descriptor its name.
    """
    for name, declared in list(vars(cls).items()):
        if isinstance(declared, Collection):
            declared.name = name
            setattr(cls, declared.class_name, ManagerClass(declared))
    return cls
