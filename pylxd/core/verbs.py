"""Verbs: base classes of models, one for each request they support."""
from pylxd import exceptions
from pylxd.core.model import Model, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional, Tuple, TypeVar
    from pylxd.core.operation import Operation
    T = TypeVar('T', bound='Renamable')


class Deletable(Model):
    """A model whose objects can be deleted."""

    def delete(self, wait=False):
        # type: (bool) -> None
        """Delete the object on the server.

        :param wait: return when the object is deleted.
        :raises LXDAPIException: the server refused.

        Endpoint: ``DELETE`` on the object.
        """
        self._start_operation(self._ready_to_change().delete(), wait)


class Renamable(Model):
    """A model whose objects can be renamed, and maybe moved."""

    # The operation of a rename or move whose end is not known yet, the object
    # at the old place, and the words for the change
    _pending_rename = None  # type: Optional[Tuple[Operation, Renamable, str]]

    def rename(self, new_name, wait=False):
        # type: (T, str, bool) -> T
        """Rename the object on the server.

        The object has the new name when the call returns. If the rename
        fails later, the first call that notices logs a warning, and the
        object has its old name again.

        :param wait: return when the server has renamed the object.
        :return: this object.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST`` on the object.
        """
        new_name = self.check_name(new_name)
        node = self._ready_to_change()
        operation = self._start_operation(
            node.post(json={self.key_names[-1]: new_name}), wait)
        key = self._key[:-1] + (new_name,)  # type: ignore[index]
        self._become(self.from_key(self.parent, key), operation,
                     'renamed to {}'.format(new_name))
        return self

    def _become(self, moved, operation, change):
        # type: (Renamable, Optional[Operation], str) -> None
        """Make this object the one at another place.

        If the operation fails, it is the one at the old place again.

        :param moved: the object at the new place.
        :param operation: the operation that moves it there; None if it is
            there.
        :param change: what the operation does, such as ``renamed to c2``.
        """
        if operation is not None and not operation.ended:
            self._pending_rename = operation, self.from_key(
                self.parent, self._key or ()), change
        self._set_place(moved)
        self._document.etag = None
        self.__dict__['_listing'] = None

    def _set_place(self, other):
        # type: (Renamable) -> None
        self.__dict__.update(
            client=other.client, parent=other.parent, _key=other._key)

    def _finish_rename(self):
        # type: () -> None
        if self._pending_rename is None:
            return
        operation, old, change = self._pending_rename
        try:
            succeeded = operation.await_end()
            reason = operation.failure().message
        except exceptions.NotFound:
            succeeded = not is_older(old, operation)
            reason = 'the server still has {!r}'.format(old)
        self._pending_rename = None
        if not succeeded:
            self._set_place(old)
            warn('%s was not %s: %s', repr(self), change, reason)


def is_older(model, operation):
    # type: (Model, Operation) -> bool
    """Return whether an object exists, and did when an operation started."""
    try:
        representation, _ = model.fetch_representation()
    except exceptions.NotFound:
        return False
    return operation.is_younger_than(representation.get('created_at') or '')
