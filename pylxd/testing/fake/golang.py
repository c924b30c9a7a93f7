"""JSON as Go reads it, with Go's words for what is wrong."""
import json

import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

#: Letters for the types of fields, and what Go calls them.
TYPES = {
    's': 'string', 'b': 'bool', 'i': 'int', 'l': '[]string',
    'm': 'map[string]string', 'd': 'map[string]map[string]string'}
_ZEROS = {'s': u'', 'b': False, 'i': 0}  # of the others it is None


class Mismatch(ValueError):
    """What Go's decoder says."""


def decode(text, struct, fields):
    # type: (bytes, str, str) -> Dict[str, Any]
    """An object with each of the fields, zero where it is not given.

    :param struct: the name of the Go type
    :param fields: ``name:letter`` each, see TYPES; ``j`` may be anything
    :raises Mismatch: it is no such object
    """
    value = loads(text)
    if not isinstance(value, dict):
        raise Mismatch("json: cannot unmarshal {} into Go value of type "
                       "api.{}".format(_kind(value), struct))
    result = {}
    for field in fields.split():
        name, letter = field.split(':')
        given = value.get(name)
        if given is None:
            result[name] = _ZEROS.get(letter)
        else:
            _check(given, letter, struct + '.' + name)
            result[name] = given
    return result


def loads(text):
    # type: (bytes) -> Any
    """Any value.

    :raises Mismatch: it is not JSON
    """
    try:
        decoded = text.decode('utf-8', 'replace')
        if not decoded.strip():
            raise Mismatch('EOF')
        return json.JSONDecoder().raw_decode(decoded.lstrip())[0]
    except Mismatch:
        raise
    except ValueError as error:
        place = getattr(error, 'pos', 0)
        rest = decoded.lstrip()[place:].lstrip()
        # Python 2 does not say where, but has the same notion of the start
        if not rest or (six.PY2 and rest[0] in '{["'):
            raise Mismatch('unexpected EOF')
        raise Mismatch("invalid character {!r} looking for beginning of "
                       "{}".format(str(rest[0]), 'value' if place == 0 else
                                   'object key string'))


def _kind(value):
    # type: (Any) -> str
    for type_, name in ((bool, 'bool'), (six.text_type, 'string'),
                        (dict, 'object'), (list, 'array')):
        if isinstance(value, type_):
            return name
    return 'number'


def _check(value, letter, place):
    # type: (Any, str, str) -> None
    if letter == 'j':
        return
    wanted = {'s': 'string', 'b': 'bool', 'i': 'number', 'l': 'array',
              'm': 'object', 'd': 'object'}[letter]
    if _kind(value) != wanted:
        raise Mismatch(
            "json: cannot unmarshal {} into Go struct field {} of type "
            "{}".format(_kind(value), place, TYPES[letter]))
    inner = {'l': 's', 'm': 's', 'd': 'm'}.get(letter)
    if inner:
        for item in value if letter == 'l' else value.values():
            if item is not None:
                _check(item, inner, place)
