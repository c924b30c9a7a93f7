"""Verbs: base classes of models, one for each request they support."""
from pylxd import exceptions
from pylxd.core.model import Model, warn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple, TypeVar
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
    """A model whose objects can be renamed."""

    # The operation of a rename whose end is not known yet, and the old key
    _pending_rename = None  # type: Optional[Tuple[Operation, Any]]

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
        old_key = self._key
        operation = self._start_operation(
            node.post(json={self.key_names[-1]: new_name}), wait)
        if operation is not None and not operation.ended:
            self._pending_rename = operation, old_key
        self._key = old_key[:-1] + (new_name,)  # type: ignore[index]
        self._document.etag = None
        self.__dict__['_listing'] = None
        return self

    def _finish_rename(self):
        # type: () -> None
        if self._pending_rename is None:
            return
        operation, old_key = self._pending_rename
        try:
            renamed = operation.await_end()
            reason = operation.failure().message
        except exceptions.NotFound:
            renamed = not self._was_left_at(old_key, operation)
            reason = 'the server still has it under the old name'
        self._pending_rename = None
        if not renamed:
            new_key, self._key = self._key, old_key
            warn('%s was not renamed to %s: %s', repr(self),
                 new_key and new_key[-1], reason)

    def _was_left_at(self, key, operation):
        # type: (Tuple[Any, ...], Operation) -> bool
        """Return whether the server has this object under its old key.

        An object with that key that is younger than the operation of the
        rename is another object.
        """
        try:
            representation, _ = self.from_key(
                self.parent, key).fetch_representation()
        except exceptions.NotFound:
            return False
        return operation.is_younger_than(
            representation.get('created_at') or '')
