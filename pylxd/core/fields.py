"""The fields of an object, as attributes and as dicts."""
import six

from pylxd.core.attribute import Attribute
from pylxd.core.document import Document
from pylxd.core.identity import Identity

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Tuple


class ModelType(type):
    """Collects the attributes that a model declares."""

    def __init__(cls, name, bases, namespace):
        # type: (str, Any, Dict[str, Any]) -> None
        super(ModelType, cls).__init__(name, bases, namespace)
        declared = {}  # type: Dict[str, Attribute]
        for base in reversed(cls.__mro__):
            for key, value in vars(base).items():
                if isinstance(value, Attribute):
                    value.name = key
                    declared[key] = value
        cls.__attributes__ = declared
        names = getattr(cls, 'key')  # type: Any
        cls.key_names = (names,) if isinstance(
            names, str) else names  # type: Tuple[str, ...]


@six.add_metaclass(ModelType)
class Fields(Identity):
    """The fields of an object, with the local changes.

    Each field that the server sent is an attribute, and each that the model
    declares. Requests are made by the subclass, in the two methods below.
    """

    __attributes__ = {}  # type: Dict[str, Attribute]

    _document = Document()

    def _load(self):
        # type: () -> None
        """Load the fields from the server."""
        raise NotImplementedError

    def _finish_creation(self):
        # type: () -> None
        """Wait until the object exists and has a key."""
        raise NotImplementedError

    def get_attribute(self, name):
        # type: (str) -> Any
        """Return the value of a field; load the object first if needed.

        Use it for fields that the model does not declare, and for fields
        whose names are keywords of Python, such as ``class``.

        :return: the value; None if the server sent no such field.
        """
        if name in self.key_names:
            if self._key is None:
                self._finish_creation()
            return self._key and self._key[self.key_names.index(name)]
        document = self._document
        if not document.is_loaded(name):
            self._load()
        declared = self.__attributes__.get(name)
        if declared is None:
            return document.read(name)
        value = document.read(name, not declared.readonly)
        if value is None:
            empty = declared.make_empty(document.has(name))
            if empty is not None:
                document.replace_null(name, empty)
                value = document.read(name, not declared.readonly)
        return value

    def set_attribute(self, name, value):
        # type: (str, Any) -> None
        """Set the value of a field locally; the next save sends it."""
        self._document.assign(name, value)

    def was_read(self, name):
        # type: (str) -> bool
        """Return whether the value of a field was handed out or assigned."""
        return self._document.was_read(name)

    if not TYPE_CHECKING:
        # Hidden from type checkers, so that they report misspelt names.
        # Checked programs read undeclared fields by get_attribute().
        def __getattr__(self, name):
            if not name.startswith('_') and self._document.has(name):
                return self.get_attribute(name)
            raise AttributeError('{} has no attribute {!r}: {}'.format(
                type(self).__name__, name,
                'the server sent no field of that name'
                if self._document.complete else
                'no field of that name is loaded; sync() loads all fields'))

        def __setattr__(self, name, value):
            if name.startswith('_') or name in (
                    'client', 'operation') or hasattr(type(self), name):
                super(Fields, self).__setattr__(name, value)
            elif self._document.has(name):
                self.set_attribute(name, value)
            else:
                self.__getattr__(name)  # raises AttributeError

    def __dir__(self):
        # type: () -> List[str]
        return sorted(set(dir(type(self))) | set(self.__dict__)
                      | set(self._document.representation))

    def __iter__(self):
        # type: () -> Iterator[Tuple[str, Any]]
        """Yield the name and the value of each declared attribute."""
        for name in self.__attributes__:
            yield name, getattr(self, name)

    def marshall(self, skip_readonly=True):
        # type: (bool) -> Dict[str, Any]
        """Return the attributes as a dict that can be sent to a server.

        :param skip_readonly: leave out the attributes that are read-only.
        """
        return {name: getattr(self, name)
                for name, declared in self.__attributes__.items()
                if not (skip_readonly and declared.readonly)}

    def to_dict(self):
        # type: () -> Dict[str, Any]
        """Return all fields of the object, with the local changes.

        These are the fields that the server sent, also those that the model
        does not declare, under the server's names. The object is loaded
        first if needed. JSON and YAML take the dict; it is a copy, which may
        be changed.

        No secret is left out: a `StorageBucketKey` has its ``secret-key``.

        :raises NotFound: the object does not exist any more.
        """
        document = self._document
        if document.stale or not document.complete:
            self._load()
        fields = document.make_put()
        for name, declared in self.__attributes__.items():
            if fields.get(name) is None:
                empty = declared.make_empty(name in fields)
                if empty is not None:
                    fields[name] = empty
        fields.update(
            (name, self.get_attribute(name)) for name in self.key_names)
        return fields

    @property
    def dirty(self):
        # type: () -> bool
        """Whether the object has local changes that were not saved."""
        try:
            self._document.convert(self.__attributes__)
        except TypeError:
            return True  # a save refuses the value
        return bool(self._document.changed)
