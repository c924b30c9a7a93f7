"""The conversion of Python values to what the API takes."""
import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def convert(schema, value, place):
    # type: (Any, Any, str) -> Any
    """Convert a value as the servers' own command line clients do.

    Numbers become text, ``True`` and ``False`` become ``'true'`` and
    ``'false'``.

    :param schema: ``str``, or ``{str: schema}``, or ``[schema]``, or a dict
        with the schemas of some keys. None leaves the value as it is.
    :param place: the name of the value in error messages.
    :return: ``value`` itself if it is right already, or a converted copy.
    :raises TypeError: the value cannot be converted; the message names the
        place of the wrong part.
    """
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            raise TypeError('{} must be a dict, not of type {}'.format(
                place, type(value).__name__))
        converted = {
            _check_key(key, place): convert(
                schema.get(key, schema.get(str)), each,
                '{}[{!r}]'.format(place, key))
            for key, each in value.items()}  # type: Any
    elif isinstance(schema, list):
        if isinstance(value, six.string_types + (dict,)) or not hasattr(
                value, '__iter__'):
            raise TypeError('{} must be a list, not of type {}'.format(
                place, type(value).__name__))
        inner, = schema
        converted = [convert(inner, each, '{}[{}]'.format(place, number))
                     for number, each in enumerate(value)]
    elif schema is None:
        return value
    else:
        return _convert_to_text(value, place)
    return value if converted == value else converted


def _check_key(key, place):
    # type: (Any, str) -> Any
    if not isinstance(key, six.string_types):
        raise TypeError('the keys of {} must be text, not {!r}'.format(
            place, key))
    return key


def _convert_to_text(value, place):
    # type: (Any, str) -> Any
    if isinstance(value, six.string_types):
        return value
    if isinstance(value, bool):
        return 'true' if value else 'false'
    if isinstance(value, six.integer_types + (float,)):
        return str(value)
    name = getattr(value, 'name', None)
    if value is None:
        hint = ': delete the key to unset it'
    elif isinstance(name, six.string_types):
        hint = ': pass its name, {!r}'.format(name)
    else:
        hint = ''
    # Without the value, which may be a secret
    raise TypeError(
        '{} must be text, a number or a bool, not of type {}{}'.format(
            place, type(value).__name__, hint))


def check_id(value, name):
    # type: (Any, str) -> int
    """Return the number of a user or a group.

    :raises TypeError: it is no number; the message calls it ``name``.
    """
    try:
        if not isinstance(value, bool):
            return int(value)
    except (TypeError, ValueError):
        pass
    raise TypeError('{} must be a number, such as 0 for root, not {!r}'.format(
        name, value))
