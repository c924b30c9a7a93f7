"""Class methods of models, such as ``Profile.get(client, name)``.

Each is a method of the model's manager, to which the client is given first.
"""
import functools
import sys

import six

from pylxd.core.context import check_client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable


class ClassMethod(object):
    """The descriptor of a manager's method as a class method of its model."""

    def __init__(self, manager, name):
        # type: (Any, str) -> None
        self._manager = manager
        self._name = name

    def __call__(self, *args, **kwargs):
        # type: (*Any, **Any) -> Any
        # mock.patch(autospec=True) calls the descriptor itself
        return self.__get__(None, self._manager.model)(*args, **kwargs)

    def __get__(self, model, cls):
        # type: (Any, Any) -> Any
        manager, name = self._manager, self._name
        method = six.get_unbound_function(getattr(manager, name))

        def call(*args, **kwargs):
            # type: (*Any, **Any) -> Any
            if not args and manager.parent_name not in kwargs:
                raise TypeError('{}() is missing its argument {!r}'.format(
                    name, manager.parent_name))
            parent = args[0] if args else kwargs.pop(manager.parent_name)
            if manager.parent_name == 'client':
                check_client(parent, 'client')
            elif not hasattr(parent, 'client') or hasattr(
                    type(parent), 'model'):
                # A manager has a model
                raise TypeError('{} must be an object of the server, such as '
                                "client.containers.get('c1'), not {!r}".format(
                                    manager.parent_name, parent))
            # A subclass of the client may replace the manager's class
            found = getattr(type(getattr(parent, 'client', parent)),
                            manager.__name__, manager)
            bound = (found if issubclass(found, manager) else manager)(parent)
            if cls is not manager.model:
                bound.model = cls
            return getattr(bound, name)(*args[1:], **kwargs)

        functools.update_wrapper(call, method)
        call.__dict__.pop('__wrapped__', None)
        call.manager = manager  # type: ignore[attr-defined]
        inspect = sys.modules.get('inspect')
        if inspect is not None and six.PY3:
            # Only programs that have imported inspect look at signatures;
            # importing it here would take 5 ms
            signature = inspect.signature(method)
            first, rest = list(signature.parameters.values())[0], list(
                signature.parameters.values())[1:]
            call.__signature__ = signature.replace(  # type: ignore
                parameters=[first.replace(name=manager.parent_name)] + rest)
        return call


def is_class_method(value):
    # type: (Any) -> bool
    """Return whether an attribute of a model is a method of its manager."""
    return hasattr(value, 'manager')


def add_class_methods(manager, names):
    # type: (Any, Iterable[str]) -> None
    """Add methods of a manager to its model as class methods.

    :param manager: the manager's class.
    :param names: the names of the methods.
    :raises TypeError: the model has another attribute of such a name.
    """
    model = manager.model
    for name in names:
        if not isinstance(vars(model).get(name), ClassMethod) and any(
                name in vars(base) and not isinstance(
                    vars(base)[name], ClassMethod)
                for base in model.__mro__):
            raise TypeError(
                '{0}.{1} exists already: {2}.{1} cannot become a class '
                'method of {0}'.format(
                    model.__name__, name, manager.__name__))
        setattr(model, name, ClassMethod(manager, name))
