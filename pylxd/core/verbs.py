"""Verbs: a model inherits those that its endpoint has."""
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

        :param wait: return when it is gone.
        :raises LXDAPIException: the server refused.

        Endpoint: ``DELETE`` on the object.
        """
        self._start_operation(self._ready_to_change().delete(), wait)


class Renamable(Model):
    """A model whose objects can be renamed."""

    # A rename whose end is not known yet, and the key from before
    _renaming = None  # type: Optional[Tuple[Operation, Any]]

    def rename(self, new_name, wait=False):
        # type: (T, str, bool) -> T
        """Rename the object on the server.

        The object has the new name from now on. If the server fails to
        rename it later, the object has its old name again: the first call
        that learns of that logs a warning.

        :param wait: return when the server has renamed it.
        :return: the object.
        :raises InvalidName: no server can mean that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST`` on the object.
        """
        self.check_name(new_name)
        node = self._ready_to_change()
        old_key = self._key
        operation = self._start_operation(
            node.post(json={'name': new_name}), wait)
        if operation is not None and not operation.ended:
            self._renaming = operation, old_key
        self._key = old_key[:-1] + (new_name,)  # type: ignore[index]
        self._document.etag = None
        self.__dict__['_listing'] = None
        return self

    def _finish_rename(self):
        # type: () -> None
        if self._renaming is None:
            return
        operation, old_key = self._renaming
        try:
            renamed = operation.await_end()
            reason = operation.err
        except exceptions.NotFound:
            renamed = not self._was_left_at(old_key, operation)
            reason = 'the object still has that name'
        self._renaming = None
        if not renamed:
            new_key, self._key = self._key, old_key
            warn('%s was not renamed to %s: %s', repr(self),
                 new_key and new_key[-1], reason)

    def _was_left_at(self, key, operation):
        # type: (Any, Operation) -> bool
        """Tell whether the server has the object under its old key.

        An object under that key which is younger than the operation that
        renamed this one is another object.
        """
        try:
            seen, _ = self.known(self.parent, key)._fetch()
        except exceptions.NotFound:
            return False
        return operation.is_younger_than(seen.get('created_at') or '')
