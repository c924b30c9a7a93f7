"""Tables of objects, as text for a terminal and as HTML for a notebook."""
import unicodedata
from xml.sax.saxutils import escape

import six

from pylxd import exceptions
from pylxd.core.model import Model
from pylxd.core.state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, List, Optional, Text, Union
    Column = Union[str, Callable[[Any], object]]

#: The columns after the key of the objects, if the caller names none.
USUAL = ('id', 'name', 'aliases.name', 'status', 'type', 'driver',
         'description')


@six.python_2_unicode_compatible
class Table(object):
    """A table of objects, as text and as HTML.

    :param objects: the objects, a row for each.
    :param columns: the columns; see `pylxd.table`.
    :raises TypeError: ``objects`` or ``columns`` is no list.
    """

    def __init__(self,
                 objects,  # type: Iterable[Any]
                 columns=None,  # type: Optional[Iterable[Column]]
                 ):
        # type: (...) -> None
        for name, value in ('objects', objects), ('columns', columns):
            # Iteration would yield letters, keys or fields
            if isinstance(value, six.string_types + (dict, Model, State)):
                raise TypeError('{} must be a list, not of type {}'.format(
                    name, type(value).__name__))
        objects = list(objects)
        filled = [
            [_find_header(column)] + [
                _format(find_value(each, column)) for each in objects]
            for column in columns or _list_usual(objects)]
        if not columns and objects:
            filled = [cells for cells in filled if any(cells[1:])]
        self._rows = list(zip(*filled))

    def __str__(self):
        # type: () -> Text
        widths = [max(map(measure, cells)) for cells in zip(*self._rows)]
        return u'\n'.join(
            u'  '.join(cell + u' ' * (width - measure(cell))
                       for cell, width in zip(row, widths)).rstrip()
            for row in self._rows)

    def __repr__(self):
        # type: () -> str
        return str(self)

    def _repr_html_(self):
        # type: () -> Text
        return u'<table>{}</table>'.format(u''.join(
            u'<tr>{}</tr>'.format(u''.join(
                u'<{0}>{1}</{0}>'.format(
                    u'td' if number else u'th', escape(cell))
                for cell in row))
            for number, row in enumerate(self._rows)))


def _list_usual(objects):
    # type: (List[Any]) -> List[str]
    """Return the columns of objects for which the caller names none."""
    keys = [name for each in objects[:1]
            for name in getattr(each, 'key_names', ())]  # type: List[str]
    return keys + [name for name in USUAL if name not in keys]


def _find_header(column):
    # type: (Column) -> Text
    return _format(getattr(column, '__name__', '') if callable(column)
                   else column)


def find_value(value, column):
    # type: (Any, Column) -> Any
    """Return the value of an object in a column.

    :return: None if the object has no such value.
    """
    if callable(column):
        return column(value)
    return _follow(value, column.split('.'))


def _follow(value, path):
    # type: (Any, List[str]) -> Any
    """Return the value at a path: the names between its dots."""
    if not path or value is None:
        return value
    if isinstance(value, list):
        found = [_follow(each, path) for each in value]
        return [each for each in found if each is not None]
    if isinstance(value, dict):
        # A key may have dots itself: config['limits.cpu']
        for size in range(len(path), 0, -1):
            inner = _follow(value.get('.'.join(path[:size])), path[size:])
            if inner is not None:
                return inner
        return None
    name = path[0]
    if isinstance(value, Model) and not hasattr(type(value), name):
        return _follow(value.get_attribute(name), path[1:])
    return _follow(getattr(value, name, None), path[1:])


def _format(value, is_inner=False):
    # type: (Any, bool) -> Text
    """Return a value as one line of text.

    :param is_inner: whether the value is in a list or a dict.
    """
    if value is None:
        return u''
    if isinstance(value, dict):
        text = u', '.join(sorted(
            u'{}={}'.format(_format(key), _format(each, True))
            for key, each in value.items()))
        return u'{' + text + u'}' if is_inner else text
    if isinstance(value, (list, tuple)):
        text = u', '.join(_format(each, True) for each in value)
        return u'[' + text + u']' if is_inner else text
    text = six.ensure_text(exceptions.printable(value))
    return text.replace(u'\n', u'\\n').replace(u'\t', u'\\t')


def measure(text):
    # type: (Text) -> int
    """Return how many columns of a terminal a line of text takes."""
    return sum(
        0 if unicodedata.category(each) in ('Mn', 'Me', 'Cf') else
        2 if unicodedata.east_asian_width(each) in 'WF' else 1
        for each in text)
