"""Attributes of models, each a field of the server's representation."""
import datetime

import six

from pylxd.core.timestamp import format_time
from pylxd.core.values import convert

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple, Union
    from pylxd.core.model import Model


class Attribute(property):
    """The descriptor of a declared attribute: see `attribute`.

    It is a property, since the Tab key of Python's prompt evaluates each
    attribute that is none, and would load the object.
    """

    name = ''
    #: The name of `type_` in error messages.
    type_name = ''

    def __init__(self, type_, readonly, in_etag, patch):
        # type: (Any, bool, bool, str) -> None
        #: The schema of a dict or list; None if any is allowed.
        self.schema = type_ if isinstance(type_, (dict, list)) else None
        self.type_ = (
            six.string_types if type_ is str else type_
            if self.schema is None else type(type_)
        )  # type: Union[None, type, Tuple[type, ...]]
        self.type_name = self.type_name or getattr(
            type_, '__name__', type(type_).__name__)
        self.readonly = readonly  # type: bool
        self.in_etag = in_etag  # type: bool
        self.patch = patch  # type: str

    def __get__(self, model, cls=None):
        # type: (Optional[Model], Any) -> Any
        return self if model is None else model.get_attribute(self.name)

    def __set__(self, model, value):
        # type: (Model, Any) -> None
        name = '{}.{}'.format(type(model).__name__, self.name)
        if self.readonly:
            raise AttributeError('{} is read-only'.format(name))
        if value is None and self.type_ in (dict, list):
            if model.was_read(self.name):
                # config = config.update(...) assigns None, after it changed
                # the dict in place: that change stays
                return
            raise TypeError('{} cannot be None: assign {} to empty it'.format(
                name, self.type_()))
        self._check_type(value, name)
        self.convert(value)  # which raises TypeError
        model.set_attribute(self.name, value)

    def make_empty(self, was_sent):
        # type: (bool) -> Any
        """Return the value that a null, or a field left out, stands for.

        :param was_sent: whether the server sent the field.
        :return: a new dict or list; None if the attribute has neither.
        """
        # Incus 7 leaves out the empty config of an address set
        if was_sent or not self.readonly:
            return {} if self.type_ is dict else [] if (
                self.type_ is list) else None
        return None

    def convert(self, value):
        # type: (Any) -> Any
        """Convert a value by the schema; see `values.convert`.

        :raises TypeError: the value is none that the attribute can have.
        """
        if value is None:
            return value
        if self.schema is None:
            self._check_type(value, self.name)
            return value
        return convert(self.schema, value, self.name)

    def _check_type(self, value, name):
        # type: (Any, str) -> None
        if self.type_ is not None and not isinstance(value, self.type_):
            raise TypeError('{} must be of type {}, not {!r}'.format(
                name, self.type_name, value))


class TimeAttribute(Attribute):
    """A time: text for the server, for which a datetime may be assigned."""

    type_name = 'datetime or str'

    if TYPE_CHECKING:
        def __get__(  # type: ignore[override]
                self, model, cls=None):
            # type: (Optional[Model], Any) -> str
            pass

    def __set__(self, model, value):
        # type: (Model, Union[str, datetime.datetime]) -> None
        super(TimeAttribute, self).__set__(model, format_time(value))

    def convert(self, value):
        # type: (Any) -> Any
        """Convert a datetime to text."""
        return super(TimeAttribute, self).convert(format_time(value))


def attribute(type_=None, readonly=False, in_etag=True, patch='merged'):
    # type: (Any, bool, bool, str) -> Any
    """Declare an attribute of a model, a field of the same name.

    :param type_: the type of values that a caller may assign: ``str``,
        ``bool``, ``dict``, ``list`` or ``datetime``; None allows each. A
        datetime becomes text, which may be assigned too. A dict or list
        says what is inside, and lets numbers and bools become text:
        ``{str: str}`` for a ``config``, ``[str]`` for a list of names,
        ``[{'port': str}]`` for dicts of which one key has text.
    :param readonly: whether the server refuses or ignores new values.
    :param in_etag: whether the server's ETag covers the field. A save that
        sends a field which no ETag covers loads the object first.
    :param patch: how the server applies a PATCH of the field: ``'merged'``
        (keys of a dict that the PATCH leaves out stay, other values are
        replaced), ``'replaced'`` (a dict is replaced as well), or
        ``'ignored'``, so that a change needs a PUT.
    """
    if type_ is datetime.datetime:
        return TimeAttribute(str, readonly, in_etag, patch)
    return Attribute(type_, readonly, in_etag, patch)
