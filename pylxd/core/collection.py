"""Declarations of managers as attributes of a client or an object."""
import importlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Type, TypeVar
    T = TypeVar('T')


class Collection(object):
    """The descriptor of a declared manager: see `collection`."""

    #: The name under which the parent keeps the manager; if it is empty, each
    #: access makes a new manager.
    name = ''

    def __init__(self, target):
        # type: (str) -> None
        self._module, _, class_name = target.partition(':')
        self.class_name = class_name  # type: str

    def load(self):
        # type: () -> Any
        """Import the manager's class and return it."""
        module = importlib.import_module('pylxd.models.' + self._module)
        return getattr(module, self.class_name)

    def __get__(self, parent, cls=None):
        # type: (Any, Any) -> Any
        if parent is None:
            return self.load()  # for help(), and for mocks with a spec
        # A subclass of the parent, or of the client, may replace the class
        client_class = type(getattr(parent, 'client', parent))
        manager_class = (getattr(cls, self.class_name, None) or getattr(
            client_class, self.class_name, None) or self.load())
        manager = manager_class(parent)
        if self.name:
            parent.__dict__[self.name] = manager  # hides this descriptor
        return manager


class ManagerClass(object):
    """The descriptor of a manager's class, such as ``Client.Containers``."""

    def __init__(self, declared):
        # type: (Collection) -> None
        self._declared = declared

    def __get__(self, parent, cls=None):
        # type: (Any, Any) -> Any
        return self._declared.load()


def collection(target):
    # type: (str) -> Any
    """Declare an attribute that is a manager.

    :param target: the manager's module in ``pylxd.models`` and its class, as
        in ``'network_forward:NetworkForwards'``; the module is imported at
        first use.
    """
    return Collection(target)


def copy_without_managers(parent):
    # type: (T) -> T
    """Return a shallow copy of a client, which makes managers of its own."""
    cls = type(parent)
    other = cls.__new__(cls)
    other.__dict__.update(
        (name, value) for name, value in vars(parent).items()
        if not any(isinstance(vars(base).get(name), Collection)
                   for base in cls.__mro__))
    return other


def cache_managers(cls):
    # type: (Type[T]) -> Type[T]
    """Decorate a class to make each of its managers once only.

    The class of each manager becomes an attribute of the decorated class.
    This is a decorator, since Python 2 does not call ``__set_name__``.
    """
    for name, declared in list(vars(cls).items()):
        if isinstance(declared, Collection):
            declared.name = name
            setattr(cls, declared.class_name, ManagerClass(declared))
    return cls
