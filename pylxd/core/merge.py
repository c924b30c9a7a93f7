"""Copying, comparing and merging of JSON values, without any request."""
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Optional

#: The prefix of keys that the server itself writes into a ``config``, such as
#: ``volatile.eth0.hwaddr``.
SERVER_KEYS = 'volatile.'


class _Missing(object):
    def __repr__(self):
        # type: () -> str
        return 'MISSING'

    def __reduce__(self):
        # type: () -> str
        return 'MISSING'  # one object, also after pickle and copy


#: The value of a key that does not exist.
MISSING = _Missing()  # type: Any


def copy(value, inner=None):
    # type: (Any, Optional[Dict[int, Any]]) -> Any
    """Copy a JSON value; tuples become lists.

    :param inner: a dict that collects the dicts and lists inside of the copy,
        by their `id`.
    """
    if isinstance(value, dict):
        copied = dict(value)  # type: Any
        for key, each in value.items():
            if isinstance(each, (dict, list, tuple)):
                # Calling copy() for text too would take 2.8 us for a usual
                # config, instead of 1.6
                copied[key] = _copy_inner(each, inner)
        return copied
    if isinstance(value, (list, tuple)):
        return [_copy_inner(each, inner) for each in value]
    return value


def _copy_inner(value, inner):
    # type: (Any, Optional[Dict[int, Any]]) -> Any
    copied = copy(value, inner)
    if inner is not None and isinstance(copied, (dict, list)):
        inner[id(copied)] = copied
    return copied


def without_empty(fields):
    # type: (Dict[str, Any]) -> Dict[str, Any]
    """Return the fields that are neither None nor empty."""
    return {name: value for name, value in fields.items()
            if value not in (None, '', {}, [])}


def refill(held, value, inner):
    # type: (Any, Any, Dict[int, Any]) -> Any
    """Change ``held`` in place to equal ``value``, and return it.

    The caller may hold ``held`` and each dict inside of it, so these stay the
    same objects. Where the types differ, a copy of ``value`` is returned.

    :param inner: the dicts and lists inside of ``held`` that `copy` made.
        All others belong to the caller, and are never changed.
    """
    if held == value:
        return held
    if isinstance(held, dict) and isinstance(value, dict):
        for key in set(held) - set(value):
            del held[key]
        for key, each in value.items():
            old = held.get(key, MISSING)
            if old != each:
                held[key] = (refill(old, each, inner) if id(old) in inner
                             else _copy_inner(each, inner))
        return held
    if isinstance(held, list) and isinstance(value, list):
        held[:] = copy(value, inner)
        return held
    return _copy_inner(value, inner)


def keep_server_keys(mine, theirs):
    # type: (Any, Any) -> None
    """Add the server's own keys of ``theirs`` to ``mine``.

    A caller who replaces a whole ``config`` does not mean to remove these.
    """
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key, value in theirs.items():
            if key.startswith(SERVER_KEYS):
                mine.setdefault(key, value)


def merge(base, mine, theirs):
    # type: (Any, Any, Any) -> Any
    """Merge two changed versions of ``base``; in a clash ``mine`` wins."""
    if mine == base or mine == theirs:
        return theirs
    if theirs == base or not _are_dicts(base, mine, theirs):
        return mine
    return _by_key(merge, base, mine, theirs)


def find_clashes(base, mine, theirs, place):
    # type: (Any, Any, Any, str) -> Iterator[str]
    """Yield the keys that both sides changed, to different values.

    :param place: the name of the value, as in ``config``; the keys are
        yielded as ``config.user.a``.
    """
    if mine == base or theirs == base or mine == theirs:
        return
    if not _are_dicts(base, mine, theirs):
        yield place
        return
    for key in set(base) | set(mine) | set(theirs):
        for clash in find_clashes(
                base.get(key, MISSING), mine.get(key, MISSING),
                theirs.get(key, MISSING), '{}.{}'.format(place, key)):
            yield clash


def rebase(base, mine, theirs):
    # type: (Any, Any, Any) -> Any
    """Return ``theirs``, but ``base`` for keys where ``mine`` clashes.

    With the result as the new base, each local change is still a change, and
    `find_clashes` finds the same clashes.
    """
    if mine == base or mine == theirs:
        return theirs
    if theirs == base or not _are_dicts(base, mine, theirs):
        return base
    return _by_key(rebase, base, mine, theirs)


def undo_lost(before, sent, now, contested=False):
    # type: (Any, Any, Any, bool) -> Any
    """Return ``sent``, but ``before`` for keys that the server has undone.

    :param before: the value that the server had before a save.
    :param sent: the value that the save sent.
    :param now: the value that the server has now.
    :param contested: return ``before`` also for keys that have a third value.
    """
    if is_same(before, sent) or is_same(now, sent):
        return sent
    if _are_dicts(before, sent, now):
        return _by_key(lambda *values: undo_lost(
            *(values + (contested,))), before, sent, now)
    return before if contested or is_same(now, before) else sent


def is_same(one, other):
    # type: (Any, Any) -> bool
    """Return whether two values mean the same: ``''`` equals no key."""
    return bool(one == other) or (
        one in ('', MISSING) and other in ('', MISSING))


def is_changed_elsewhere(before, sent, now):
    # type: (Any, Any, Any) -> bool
    """Return whether another client changed the value since a save.

    The server's own keys do not count.
    """
    if not _are_dicts(before, sent, now):
        return is_same(before, sent) and not is_same(sent, now)
    return any(
        is_changed_elsewhere(*[value.get(key, MISSING)
                               for value in (before, sent, now)])
        for key in set(sent) | set(now)
        if not key.startswith(SERVER_KEYS))


def _are_dicts(*values):
    # type: (*Any) -> bool
    return all(isinstance(value, dict) for value in values)


def _by_key(function, *values):
    # type: (Any, *Any) -> Any
    """Return the dict of a function's results for each key of the dicts."""
    keys = set()  # type: Any
    keys.update(*values)
    items = ((key, function(*[value.get(key, MISSING) for value in values]))
             for key in keys)
    return {key: value for key, value in items if value is not MISSING}
