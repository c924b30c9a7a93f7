"""Classes of text constants, as the `enum` that Python 2.7 lacks."""
import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator


class _TextConstantsType(type):
    """Makes each text in the body of a class an instance of the class."""

    def __init__(cls, name, bases, namespace):
        # type: (str, Any, Dict[str, Any]) -> None
        super(_TextConstantsType, cls).__init__(name, bases, namespace)
        cls._constants = {}  # type: Dict[str, Any]
        for key, value in namespace.items():
            if isinstance(value, str) and not key.startswith('_'):
                constant = str.__new__(cls, value)  # type: ignore
                constant.name = key
                cls._constants[key] = constant
                setattr(cls, key, constant)

    def __call__(cls, value):
        # type: (Any) -> Any
        for constant in cls:
            if constant == value:
                return constant
        raise ValueError('{!r} is not one of {}'.format(
            value, ', '.join(cls)))

    def __getitem__(cls, name):
        # type: (str) -> Any
        return cls._constants[name]

    def __iter__(cls):
        # type: () -> Iterator[Any]
        return iter(sorted(cls._constants.values()))

    def __len__(cls):
        # type: () -> int
        return len(cls._constants)

    def __contains__(cls, value):
        # type: (Any) -> bool
        return any(constant == value for constant in cls)


@six.add_metaclass(_TextConstantsType)
class TextConstants(str):
    """A class whose constants are texts, each with a ``name`` and ``value``.

    With ``class Color(TextConstants): Red = 'red'``, each of ``Color.Red``,
    ``Color['Red']`` and ``Color('red')`` is the same text; iteration over
    the class yields its constants, sorted.

    :raises ValueError: a call with another text.
    """

    #: The name of the constant in its class.
    name = None  # type: Any

    @property
    def value(self):
        # type: () -> str
        """The plain text."""
        return str(self)

    def __repr__(self):
        # type: () -> str
        return '<{}.{}: {!r}>'.format(
            type(self).__name__, self.name, self.value)

    def __reduce__(self):
        # type: () -> Any
        return type(self), (self.value,)  # a copy is the same object
