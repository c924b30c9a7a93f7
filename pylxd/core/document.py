"""Documents: the representation of an object, and its local changes."""
from pylxd.core import merge
from pylxd.core.merge import MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Dict, Iterable, List, Mapping, Optional, Tuple)
    from pylxd.core.attribute import Attribute


class Document(object):
    """The state of one object, without its key and without any I/O.

    :param seen: the representation, as the server gave it.
    :param etag: the ETag of just that representation.
    :param complete: whether it is the whole representation.
    """

    __slots__ = ('seen', 'etag', 'complete', 'stale', '_values', '_inner',
                 '_bases')

    def __init__(self, seen=None, etag=None, complete=False):
        # type: (Optional[Dict[str, Any]], Optional[str], bool) -> None
        self.seen = {} if seen is None else seen  # type: Dict[str, Any]
        self.etag = etag  # type: Optional[str]
        self.complete = complete  # type: bool
        #: Whether the server has changed the object since.
        self.stale = False  # type: bool
        # Working values: handed out to the caller, or assigned by the caller
        self._values = {}  # type: Dict[str, Any]
        # The dicts and lists inside of these that are not the caller's own
        self._inner = {}  # type: Dict[int, Any]
        # What a local change started from, where that is not in `seen`
        self._bases = {}  # type: Dict[str, Any]

    def __getstate__(self):
        # type: () -> Dict[str, Any]
        # Not the very dicts that the caller of another object may change
        return {name: merge.copy(getattr(self, name))
                for name in self.__slots__ if name != '_inner'}

    def __setstate__(self, state):
        # type: (Dict[str, Any]) -> None
        for name, value in state.items():
            setattr(self, name, value)
        self._inner = {}
        self._values = {name: merge.copy(value, self._inner)
                        for name, value in self._values.items()}

    def clone(self):
        # type: () -> Document
        """Return a copy that shares nothing with this one."""
        made = Document()
        made.__setstate__(self.__getstate__())
        return made

    # -- values

    def is_loaded(self, name):
        # type: (str) -> bool
        """Tell whether a field can be read without asking the server."""
        return not self.stale and (self.complete or self.has(name))

    def has(self, name):
        # type: (str) -> bool
        """Tell whether the server or the caller gave a field of that name."""
        return name in self.seen or name in self._values

    def read(self, name, writable=True):
        # type: (str, bool) -> Any
        """Return the value of a field, None if the server gave none.

        A writable dict or list is the same object each time, so that a
        change inside of it counts; others are copies.
        """
        if name in self._values:
            return self._values[name]
        value = self.seen.get(name)
        if isinstance(value, (dict, list)):
            value = merge.copy(value, self._inner)
            if writable:
                self._values[name] = value
        return value

    def assign(self, name, value):
        # type: (str, Any) -> None
        """Set the value of a field to a copy of ``value``."""
        if value is self._values.get(name, MISSING):
            return
        value = merge.copy(value, self._inner)
        merge.keep_server_keys(value, self.seen.get(name))
        self._values[name] = value

    def was_read(self, name):
        # type: (str) -> bool
        """Tell whether the caller has the value, or has assigned it."""
        return name in self._values

    # -- changes

    def _base(self, name):
        # type: (str) -> Any
        return self._bases.get(name, self.seen.get(name, MISSING))

    @property
    def changed(self):
        # type: () -> List[str]
        """The names of the fields that the caller changed."""
        return [name for name, value in self._values.items()
                if value != self._base(name)]

    def clashes(self):
        # type: () -> Tuple[str, ...]
        """Find the keys that the caller and someone else both changed."""
        return tuple(sorted(
            key for name in self.changed for key in merge.clashes(
                self._base(name), self._values[name],
                self.seen.get(name, MISSING), name)))

    def body(self):
        # type: () -> Dict[str, Any]
        """Return the whole representation with the local changes in it."""
        body = dict(self.seen)
        body.update(self._values)
        copied = merge.copy(body)  # type: Dict[str, Any]
        return copied

    def patch(self, attributes):
        # type: (Mapping[str, Attribute]) -> Optional[Dict[str, Any]]
        """Return what a PATCH has to send; None where only a PUT will do.

        :param attributes: the declared attributes of the object, by name.
        """
        body = {}
        for name in self.changed:
            declared = attributes.get(name)
            if declared is None or declared.patch == 'ignored':
                return None
            mine, theirs = self._values[name], self.seen.get(name)
            if declared.patch == 'replaced' or not isinstance(
                    mine, dict) or not isinstance(theirs, dict):
                body[name] = merge.copy(mine)
                continue
            changes = {key: merge.copy(value) for key, value in mine.items()
                       if value != theirs.get(key, MISSING)}
            for key in set(theirs) - set(mine):
                if isinstance(theirs[key], (dict, list)):
                    return None  # a device cannot be removed by PATCH
                changes[key] = ''
            body[name] = changes
        if 'description' in self.seen:
            # Several servers empty it where a PATCH leaves it out
            body.setdefault('description', self.read('description'))
        return body

    # -- what comes from the server

    def accept(self, seen, etag, mine_wins=False):
        # type: (Dict[str, Any], Optional[str], bool) -> None
        """Take a new representation, and lay the local changes over it.

        :param mine_wins: let a later save overwrite what someone else has
            changed as well; otherwise `clashes` finds it.
        """
        bases = {}
        for name in list(self._values):
            base, mine = self._base(name), self._values[name]
            theirs = seen.get(name, MISSING)
            if base is MISSING and not self.complete:
                # Assigned before anything was known: it replaces the rest
                merge.keep_server_keys(mine, theirs)
                continue
            kept = theirs if mine_wins else merge.rebase(base, mine, theirs)
            if kept != theirs:
                bases[name] = kept
            value = merge.merge(base, mine, theirs)
            if value is MISSING:
                del self._values[name]
            else:
                # In place: the caller may hold the very dict or list
                self._values[name] = merge.refill(mine, value, self._inner)
        self.seen, self.etag, self._bases = seen, etag, bases
        self.complete, self.stale = True, False

    def revert(self):
        # type: () -> None
        """Drop the local changes."""
        for name in list(self._values):
            value = self.seen.get(name, MISSING)
            if value is MISSING:
                del self._values[name]
            else:
                self._values[name] = merge.refill(
                    self._values[name], value, self._inner)
        self._bases = {}

    def expire(self):
        # type: () -> None
        """Note that the server has changed the object: load it when read."""
        self.etag, self.stale = None, True

    # -- what goes to the server

    def send(self):
        # type: () -> Sent
        """Note that the local changes were sent, and are what is there now.

        :return: what brings them back, if the server does not keep them.
        """
        sent = Sent(self.seen, self._bases, self.etag)
        self.seen = dict(self.seen, **{
            name: merge.copy(self._values[name]) for name in self.changed})
        self.etag, self._bases = None, {}
        return sent

    def take_back(self, sent):
        # type: (Sent) -> None
        """Make what was sent a local change again."""
        self.seen, self._bases = sent.before, sent.bases

    def confirm(self, sent, seen, etag, contested=False):
        # type: (Sent, Dict[str, Any], Optional[str], bool) -> None
        """Accept the representation after a save.

        Where it has the value from before the save, the save was lost: the
        value that was sent is a local change again. Where it has neither
        value, the server writes it in its own way, or someone else has
        changed it since.

        :param contested: others change the object just now, so that such a
            value is a clash.
        """
        self.seen = {
            name: merge.undo_lost(sent.before.get(name, MISSING), value,
                                  seen.get(name, MISSING), contested)
            for name, value in self.seen.items()}
        self.accept(seen, etag)

    def was_changed_elsewhere(self, sent, seen, names):
        # type: (Sent, Dict[str, Any], Iterable[str]) -> bool
        """Tell whether a representation has changes beside those of a save.

        :param names: the fields that a caller can change.
        """
        return any(merge.is_changed_elsewhere(*[
            each.get(name, MISSING) for each in (
                sent.before, self.seen, seen)]) for name in names)


class Sent(object):
    """The state of a document before a save."""

    def __init__(self, before, bases, etag):
        # type: (Dict[str, Any], Dict[str, Any], Optional[str]) -> None
        self.before = before
        self.bases = bases
        self.etag = etag
