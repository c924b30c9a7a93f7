"""Documents: the representation of an object and the local changes to it."""
from pylxd.core import merge
from pylxd.core.merge import MISSING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Dict, Iterable, List, Mapping, Optional, Tuple)
    from pylxd.core.attribute import Attribute


class Document(object):
    """The fields of one object and the local changes; makes no request.

    :param representation: the fields as the server sent them.
    :param etag: the ETag of exactly that representation.
    :param complete: whether the representation has all fields.
    """

    __slots__ = ('representation', 'etag', 'complete', 'stale', '_values',
                 '_inner', '_bases')

    def __init__(self, representation=None, etag=None, complete=False):
        # type: (Optional[Dict[str, Any]], Optional[str], bool) -> None
        self.representation = (
            {} if representation is None
            else representation)  # type: Dict[str, Any]
        self.etag = etag  # type: Optional[str]
        self.complete = complete  # type: bool
        #: Whether the server has changed the object since it was loaded.
        self.stale = False  # type: bool
        # Local values: handed out to the caller, or assigned by the caller
        self._values = {}  # type: Dict[str, Any]
        # The dicts and lists inside of local values that were made here, not
        # by the caller; by their id()
        self._inner = {}  # type: Dict[int, Any]
        # The values that local changes started from, where these are not in
        # the representation
        self._bases = {}  # type: Dict[str, Any]

    def __getstate__(self):
        # type: () -> Dict[str, Any]
        # Copies, since callers may change the dicts of this object
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
        """Return a copy that shares no dict or list with this document."""
        document = Document()
        document.__setstate__(self.__getstate__())
        return document

    # -- values

    def is_loaded(self, name):
        # type: (str) -> bool
        """Return whether a field can be read without a request."""
        return not self.stale and (self.complete or self.has(name))

    def has(self, name):
        # type: (str) -> bool
        """Return whether the server sent or the caller assigned a field."""
        return name in self.representation or name in self._values

    def read(self, name, writable=True):
        # type: (str, bool) -> Any
        """Return the value of a field; None if the server sent no such field.

        :param writable: return the same dict or list each time, so that a
            change in place is a local change; otherwise return a copy.
        """
        if name in self._values:
            return self._values[name]
        value = self.representation.get(name)
        if isinstance(value, (dict, list)):
            value = merge.copy(value, self._inner)
            if writable:
                self._values[name] = value
        return value

    def replace_null(self, name, empty):
        # type: (str, Any) -> None
        """Set a field that is null or missing to an empty dict or list."""
        if self.representation.get(name) is None:
            self.representation[name] = empty

    def assign(self, name, value):
        # type: (str, Any) -> None
        """Set the value of a field to a copy of ``value``."""
        if value is self._values.get(name, MISSING):
            return
        value = merge.copy(value, self._inner)
        merge.keep_server_keys(value, self.representation.get(name))
        self._values[name] = value

    def was_read(self, name):
        # type: (str) -> bool
        """Return whether the value was handed out to or set by the caller."""
        return name in self._values

    def convert(self, attributes):
        # type: (Mapping[str, Attribute]) -> None
        """Convert the local changes as their attributes say.

        :raises TypeError: a value cannot be converted.
        """
        for name in self.changed:
            value, base = self._values[name], self._base(name)
            if name not in attributes:
                continue
            if isinstance(value, dict) and isinstance(base, dict):
                converted = dict(value, **attributes[name].convert({
                    key: each for key, each in value.items()
                    if each != base.get(key, MISSING)}))
            else:
                converted = attributes[name].convert(value)
            self._values[name] = merge.refill(value, converted, self._inner)

    # -- changes

    def _base(self, name):
        # type: (str) -> Any
        return self._bases.get(name, self.representation.get(name, MISSING))

    @property
    def changed(self):
        # type: () -> List[str]
        """The names of the fields that the caller changed."""
        return [name for name, value in self._values.items()
                if value != self._base(name)]

    def find_clashes(self):
        # type: () -> Tuple[str, ...]
        """Return the keys that the caller and another client both changed."""
        return tuple(sorted(
            key for name in self.changed for key in merge.find_clashes(
                self._base(name), self._values[name],
                self.representation.get(name, MISSING), name)))

    def make_put(self):
        # type: () -> Dict[str, Any]
        """Return the body of a PUT: all fields, with the local changes."""
        body = dict(self.representation)
        body.update(self._values)
        copied = merge.copy(body)  # type: Dict[str, Any]
        return copied

    def make_patch(self, attributes):
        # type: (Mapping[str, Attribute]) -> Optional[Dict[str, Any]]
        """Return the body of a PATCH; None if the changes need a PUT.

        :param attributes: the declared attributes of the object, by name.
        """
        body = {}
        for name in self.changed:
            declared = attributes.get(name)
            if declared is None or declared.patch == 'ignored':
                return None
            mine, theirs = self._values[name], self.representation.get(name)
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
        if 'description' in self.representation:
            # Several servers empty the description if a PATCH leaves it out
            body.setdefault('description', self.read('description'))
        return body

    # -- representations from the server

    def set_representation(self, representation, etag, overwrite=False):
        # type: (Dict[str, Any], Optional[str], bool) -> None
        """Store a new representation and merge the local changes into it.

        :param overwrite: let the next save overwrite keys that another client
            changed as well; otherwise `find_clashes` returns these.
        """
        bases = {}
        for name in list(self._values):
            base, mine = self._base(name), self._values[name]
            theirs = representation.get(name, MISSING)
            if theirs in (None, MISSING) and isinstance(mine, (dict, list)):
                theirs = representation[name] = type(mine)()
            if base is MISSING and not self.complete:
                # Assigned before the object was loaded: replaces the field
                merge.keep_server_keys(mine, theirs)
                continue
            kept = theirs if overwrite else merge.rebase(base, mine, theirs)
            if kept != theirs:
                bases[name] = kept
            value = merge.merge(base, mine, theirs)
            if value is MISSING:
                del self._values[name]
            else:
                # In place, as the caller may hold the same dict or list
                self._values[name] = merge.refill(mine, value, self._inner)
        self.representation, self.etag = representation, etag
        self._bases = bases
        self.complete, self.stale = True, False

    def revert(self):
        # type: () -> None
        """Drop the local changes."""
        for name in list(self._values):
            value = self.representation.get(name, MISSING)
            if value is MISSING:
                del self._values[name]
            else:
                self._values[name] = merge.refill(
                    self._values[name], value, self._inner)
        self._bases = {}

    def expire(self):
        # type: () -> None
        """Mark the representation as outdated; the next read loads it."""
        self.etag, self.stale = None, True

    # -- saves

    def mark_sent(self):
        # type: () -> Savepoint
        """Record that the local changes were sent: they are local no more.

        :return: the state from before, for `restore` and `confirm_save`.
        """
        savepoint = Savepoint(self.representation, self._bases, self.etag)
        self.representation = dict(self.representation, **{
            name: merge.copy(self._values[name]) for name in self.changed})
        self.etag, self._bases = None, {}
        return savepoint

    def restore(self, savepoint):
        # type: (Savepoint) -> None
        """Restore the changes of a failed save as local changes."""
        self.representation = savepoint.representation
        self._bases = savepoint.bases

    def confirm_save(self, savepoint, representation, etag, contested=False):
        # type: (Savepoint, Dict[str, Any], Optional[str], bool) -> None
        """Store the representation that was loaded after a save.

        A key with the value from before the save was undone: the value that
        was sent is a local change again. A key with a third value was
        rewritten by the server, or changed by another client since.

        :param contested: other clients change the object at this time, so
            that a third value is a clash.
        """
        self.representation = {
            name: merge.undo_lost(
                savepoint.representation.get(name, MISSING), value,
                representation.get(name, MISSING), contested)
            for name, value in self.representation.items()}
        self.set_representation(representation, etag)

    def is_changed_elsewhere(self, savepoint, representation, names):
        # type: (Savepoint, Dict[str, Any], Iterable[str]) -> bool
        """Return whether another client changed the object since a save.

        :param representation: what was loaded after the save.
        :param names: the fields that a caller can change.
        """
        # A server may leave out an empty field
        return any(merge.is_changed_elsewhere(*[
            each.get(name, MISSING) for each in (
                savepoint.representation, self.representation,
                representation)]) for name in names
            if representation.get(name) is not None
            or self.representation.get(name) not in ({}, []))


class Savepoint(object):
    """The state of a document before a save."""

    def __init__(self, representation, bases, etag):
        # type: (Dict[str, Any], Dict[str, Any], Optional[str]) -> None
        self.representation = representation  # type: Dict[str, Any]
        self.bases = bases  # type: Dict[str, Any]
        self.etag = etag  # type: Optional[str]
