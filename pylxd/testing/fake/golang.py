"""JSON as Go reads it, with Go's words for what is wrong."""
from __future__ import unicode_literals

import json
import os
import re

import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

#: Letters for the types of fields, and what Go calls them.
TYPES = {
    's': 'string', 'b': 'bool', 'i': 'int', 'l': '[]string',
    'm': 'map[string]string', 'd': 'map[string]map[string]string',
    'o': 'api.InstanceSource'}
_ZEROS = {'s': u'', 'b': False, 'i': 0}  # of the others it is None


_PLACES = (  # what Python's decoder misses, and where Go's is then
    ('property name', 'looking for beginning of object key string'),
    ("':'", 'after object key'), ("','", 'after object key:value pair'),
    ('Expecting :', 'after object key'),  # Python 2
    ('Expecting ,', 'after object key:value pair'))


class Mismatch(ValueError):
    """What Go's decoder says."""


def decode(text, struct, fields):
    # type: (bytes, str, str) -> Dict[str, Any]
    """An object with each of the fields, zero where it is not given; all that
    is given if none is named.

    :param struct: the name of the Go type, with its package or of ``api``
    :param fields: ``name:letter`` each, see TYPES; ``j`` may be anything
    :raises Mismatch: it is no such object
    """
    value = loads(text)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise Mismatch("json: cannot unmarshal {} into Go value of type "
                       "{}".format(_kind(value), struct if '.' in struct
                                   else 'api.' + struct))
    letters = dict(field.split(':') for field in fields.split())
    for name, given in value.items():
        if given is not None and name in letters:
            _check(given, letters[name], struct + '.' + name)
    return {name: _ZEROS.get(letters.get(name, ''))
            if value.get(name) is None else value[name]
            for name in letters or value}


def loads(text):
    # type: (bytes) -> Any
    """Any value.

    :raises Mismatch: it is not JSON
    """
    decoded = text.decode('utf-8', 'replace').lstrip()
    if not decoded:
        raise Mismatch('EOF')
    try:
        return json.JSONDecoder().raw_decode(decoded)[0]
    except ValueError as error:
        said = str(error)
    found = re.search(r'\(char (\d+)', said)
    rest = decoded[int(found.group(1)) if found else 0:].lstrip()
    if not rest or any(
            word.startswith(rest) for word in ('true', 'false', 'null')) or (
            'Unterminated' in said or 'Expecting object' in said):
        raise Mismatch('unexpected EOF')
    for word in 'true', 'false', 'null':
        if rest[0] == word[0]:
            place = len(os.path.commonprefix([rest, word]))
            raise Mismatch(
                'invalid character {!r} in literal {} (expecting {!r})'.format(
                    str(rest[place]), word, str(word[place])))
    raise Mismatch('invalid character {!r} {}'.format(str(rest[0]), next((
        ours for theirs, ours in _PLACES if theirs in said),
        'looking for beginning of value')))


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
              'm': 'object', 'd': 'object', 'o': 'object'}[letter]
    if _kind(value) != wanted:
        raise Mismatch(
            "json: cannot unmarshal {} into Go struct field {} of type "
            "{}".format(_kind(value), place, TYPES[letter]))
    if letter == 'o':
        for key, item in value.items():
            if _kind(item) == 'number':
                _check(item, 's', 'InstanceSource.source.' + key)
    inner = {'l': 's', 'm': 's', 'd': 'm'}.get(letter)
    if inner:
        for item in value if letter == 'l' else value.values():
            if item is not None:
                _check(item, inner, place)
