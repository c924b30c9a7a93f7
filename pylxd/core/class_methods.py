"""The class side of a model: ``Profile.get(client, name)``."""
import functools
import sys

import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable


class ClassMethod(object):
    """A method of a manager, as an attribute of its model's class."""

    def __init__(self, manager, name):
        # type: (Any, str) -> None
        self._manager = manager
        self._name = name

    def __call__(self, *args, **kwargs):
        # type: (*Any, **Any) -> Any
        # For mock.patch(autospec=True), which takes it out of its class
        return self.__get__(None, self._manager.model)(*args, **kwargs)

    def __get__(self, model, cls):
        # type: (Any, Any) -> Any
        manager, name = self._manager, self._name
        method = six.get_unbound_function(getattr(manager, name))

        def call(*args, **kwargs):
            # type: (*Any, **Any) -> Any
            if not args and manager.parent_name not in kwargs:
                raise TypeError('{}() misses its argument {!r}'.format(
                    name, manager.parent_name))
            made = manager(args[0] if args else kwargs.pop(
                manager.parent_name))
            made.model = cls
            return getattr(made, name)(*args[1:], **kwargs)

        functools.update_wrapper(call, method)
        call.__dict__.pop('__wrapped__', None)
        call.manager = manager  # type: ignore[attr-defined]
        inspect = sys.modules.get('inspect')
        if inspect is not None and six.PY3:
            # Whoever looks has imported it; for us it would take 5 ms
            signature = inspect.signature(method)
            first, rest = list(signature.parameters.values())[0], list(
                signature.parameters.values())[1:]
            call.__signature__ = signature.replace(  # type: ignore
                parameters=[first.replace(name=manager.parent_name)] + rest)
        return call


def is_class_method(value):
    # type: (Any) -> bool
    """Tell whether an attribute of a model is a method of its manager."""
    return hasattr(value, 'manager')


def add_class_methods(manager, names):
    # type: (Any, Iterable[str]) -> None
    """Add methods of a manager to its model.

    :param manager: the manager's class.
    :param names: of its methods.
    :raises TypeError: the model has another attribute of that name.
    """
    model = manager.model
    for name in names:
        if not isinstance(vars(model).get(name), ClassMethod) and any(
                name in vars(base) and not isinstance(
                    vars(base)[name], ClassMethod)
                for base in model.__mro__):
            raise TypeError('{}.{} is there already, and cannot be a method '
                            'of {}'.format(model.__name__, name,
                                           manager.__name__))
        setattr(model, name, ClassMethod(manager, name))
