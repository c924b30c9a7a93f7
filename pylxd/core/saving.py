"""Saves: send local changes without losing those of other clients."""
import time

from pylxd import exceptions
from pylxd.core import merge
from pylxd.core.deprecated import deprecated
from pylxd.core.model import Model, warn
from pylxd.core.operation_fields import SUCCESS
from pylxd.core.other_clients import LATE_CHANGE, OtherClients
from pylxd.transport import rest
from pylxd.transport.dialect import is_busy
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional, Tuple
    from pylxd.core.document import Savepoint
    from pylxd.core.operation import Operation

#: Seconds for which a save is tried again while the object is busy, or while
#: other clients change it between each load and request.
SAVE_TIMEOUT = 60

sleep = time.sleep  # type: Callable[[float], None]


class Savable(Model):
    """A model whose objects can be changed."""

    #: Whether a PATCH leaves the fields that it does not have as they are.
    #: Where it empties them, `save` and `patch` send all fields by PUT.
    patchable = True

    # The operation of a save whose end is not known yet, and the state from
    # before
    _pending_save = None  # type: Optional[Tuple[Operation, Savepoint]]
    # A save that failed in the background, for the next save to raise
    _failed_save = None  # type: Optional[Operation]
    _other_clients = None  # type: Optional[OtherClients]

    def save(self, wait=False):
        # type: (bool) -> None
        """Send the local changes, if there are any, to the server.

        Changes that another client made to other keys meanwhile are merged.
        While another change of the object runs, the save waits and tries
        again. It tries for at most `SAVE_TIMEOUT` seconds.

        The server applies most changes before the call returns, but some in
        the background, such as the removal of a device: these are complete
        only if ``wait`` is true. If such a change fails later, the first call
        that notices logs a warning, the change is a local one again, and the
        next save raises the error before it sends anything.

        :param wait: return when the server has applied the changes.
        :raises Conflict: another client changed the same keys, which are in
            ``keys``; the local changes are kept. To overwrite the others,
            call `sync` and save again.
        :raises OperationFailed: this save, or the one before, failed in the
            background; the local changes are kept.
        :raises TypeError: a value is none that the API takes; nothing was
            sent.
        :raises LXDAPIException: the server refused; the local changes are
            kept.

        Endpoint: ``PATCH`` on the object; ``PUT`` to remove something, and
        on servers without the extension ``patch``.
        """
        self._document.convert(self.__attributes__)
        self._ready_to_change()
        self._raise_failed_save()
        deadline = clock() + SAVE_TIMEOUT
        while self.dirty:
            try:
                operation = self._send_changes()
                if operation is not None and not (wait or self.synchronous):
                    return
                if operation is not None and not self._end_save(
                        is_recent=True):
                    operation.failure_was_raised = True
                    raise operation.failure()
            except exceptions.Conflict as conflict:
                self._document.etag = None
                if conflict.keys or clock() > deadline:
                    raise
                self._get_other_clients().notice()
            except exceptions.LXDAPIException as error:
                self._document.etag = None
                if not is_busy(error) or clock() > deadline:
                    raise
                self._get_other_clients().wait_until_idle(sleep)
            else:
                if self.dirty and clock() > deadline:
                    # Other clients undid the changes each time
                    raise exceptions.Conflict(
                        None, keys=tuple(self._document.changed))

    @deprecated('save()')
    def update(self, wait=False):
        # type: (bool) -> None
        """Send the local changes to the server: the old name of `save`."""
        self.save(wait)

    def _send_changes(self):
        # type: () -> Optional[Operation]
        """Send the local changes once.

        :return: the operation that applies them; None if they are applied.
        """
        document = self._document
        patch = self._make_patch()
        if (document.etag is None or document.find_clashes()
                or self._has_fields_outside_etag(patch)):
            self._refresh()
            if not document.changed:
                return None  # another client made the same changes
            patch = self._make_patch()
        headers = {'If-Match': document.etag} if document.etag else {}
        if patch is None:
            response = self.api.put(json=self._make_put(), headers=headers)
        else:
            response = self.api.patch(json=patch, headers=headers)
        savepoint = document.mark_sent()
        operation = self._keep_operation(response)
        if operation is None:
            self._confirm_save(savepoint)
        else:
            self._pending_save = operation, savepoint
        return operation

    def _make_patch(self):
        # type: () -> Optional[Dict[str, Any]]
        """Return the body of a PATCH; None if the changes need a PUT."""
        if not (self.patchable and self.client.dialect.has('patch')):
            return None
        return self._document.make_patch(self.__attributes__)

    def _make_put(self):
        # type: () -> Dict[str, Any]
        """Return the body of a PUT."""
        return self._document.make_put()

    def _has_fields_outside_etag(self, patch):
        # type: (Optional[Dict[str, Any]]) -> bool
        """Return whether a save sends a field that no ETag covers.

        :param patch: the body of the PATCH; None for a PUT of all fields.
        """
        fields = self._document.representation if patch is None else patch
        return any(name in fields for name, declared
                   in self.__attributes__.items() if not declared.in_etag)

    def _refresh(self):
        # type: () -> None
        """Load the object and merge the local changes into it.

        :raises Conflict: another client changed the same keys.
        """
        response = self.api.get()
        self._document.set_representation(
            rest.metadata(response), response.headers.get('ETag'))
        clashes = self._document.find_clashes()
        if clashes:
            raise exceptions.Conflict(response, keys=clashes)

    def _confirm_save(self, savepoint, operation=None, is_recent=True):
        # type: (Savepoint, Optional[Operation], bool) -> None
        """Load the object after a save, to see whether the changes are in it.

        Values that another client's change has undone are local changes
        again.

        :param operation: the operation that applied the changes.
        :param is_recent: whether the changes were applied just now; if not,
            an old value may be a later change of another client.
        """
        document, others = self._document, self._get_other_clients()
        names = [name for name, declared in self.__attributes__.items()
                 if not declared.readonly]
        may_be_undone = is_recent
        if operation is not None and others.wait_for_overlaps(operation):
            may_be_undone = True
        representation, etag = self.fetch_representation()
        if etag is None and merge.without_empty(
                representation) == merge.without_empty(
                    savepoint.representation):
            return  # no server, but a mock with one response for all requests
        if etag is not None and etag == savepoint.etag and (
                not others.are_active):
            may_be_undone = False  # for the server, the save changed nothing
        elif document.is_changed_elsewhere(savepoint, representation, names):
            others.notice()
        if others.are_active or operation is not None and others.are_hidden:
            sleep(LATE_CHANGE)
            representation, etag = self.fetch_representation()
        if may_be_undone:
            document.confirm_save(savepoint, representation, etag,
                                  contested=others.are_active)
            if document.changed:
                others.notice()
        else:
            document.set_representation(representation, etag)

    def _get_other_clients(self):
        # type: () -> OtherClients
        if self._other_clients is None:
            self._other_clients = OtherClients(self.client, self.api.path)
        return self._other_clients

    # -- the end of a save without wait

    def _finish_save(self):
        # type: () -> bool
        if self._pending_save is None:
            return False
        operation, _ = self._pending_save
        if self._end_save(is_recent=False):
            return True
        warn('%s was not saved: %s', repr(self), operation.failure())
        self._failed_save = operation
        return False

    def _end_save(self, is_recent):
        # type: (bool) -> bool
        """Wait for the end of the pending save.

        :param is_recent: whether the save was sent just now.
        :return: False if it failed; its changes are local again.
        """
        assert self._pending_save is not None
        operation, savepoint = self._pending_save
        try:
            if operation.await_end():
                self._confirm_save(savepoint, operation, is_recent)
            else:
                self._document.restore(savepoint)
        except exceptions.NotFound:
            if operation.ended:
                raise  # the object itself does not exist any more
            # The server has forgotten the operation: compare the values
            representation, etag = self.fetch_representation()
            self._document.confirm_save(savepoint, representation, etag)
        self._pending_save = None  # not if a request above failed
        return not operation.ended or operation.status_code == SUCCESS

    def _raise_failed_save(self):
        # type: () -> None
        operation, self._failed_save = self._failed_save, None
        if operation is not None and not operation.failure_was_raised:
            operation.failure_was_raised = True
            raise operation.failure()

    # -- raw requests

    def raw_put(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Replace all fields on the server; this object stays as it is.

        :param obj: the new representation, sent as it is.
        :param wait: return when the server has applied it.
        :raises LXDAPIException: the server refused.

        Endpoint: ``PUT`` on the object.
        """
        _check_fields(obj)
        self._start_operation(self._ready_to_change().put(json=obj), wait)

    def raw_patch(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Change some fields on the server; this object stays as it is.

        :param obj: the fields to change, sent as they are. In a dict such as
            ``config``, ``''`` removes a key.
        :param wait: return when the server has applied them.
        :raises LXDAPIException: the server refused.

        Endpoint: ``PATCH`` on the object; needs ``patch``. Objects that are
        not `patchable`: ``GET`` and ``PUT``.
        """
        _check_fields(obj)
        node = self._ready_to_change()
        if self.patchable:
            self._start_operation(node.patch(json=obj), wait)
            return
        loaded = self.from_key(self.parent, self._key or ())
        loaded.sync()
        for name, value in obj.items():
            if value is None:
                continue  # as servers do with a PATCH
            if isinstance(value, dict):
                value = dict(loaded.get_attribute(name) or {}, **value)
                value = {key: each for key, each in value.items()
                         if each != ''}
            loaded.set_attribute(name, value)
        loaded.save(wait)

    def put(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Replace all fields on the server, then call `rollback`.

        :param obj: the new representation, sent as it is.
        :param wait: return when the server has applied it.
        :raises LXDAPIException: the server refused.

        Endpoint: ``PUT`` on the object.
        """
        self.raw_put(obj, wait)
        self.rollback()

    def patch(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Change some fields on the server, then call `rollback`.

        :param obj: the fields to change, sent as they are.
        :param wait: return when the server has applied them.
        :raises LXDAPIException: the server refused.

        Endpoint: ``PATCH`` on the object; needs ``patch``.
        """
        self.raw_patch(obj, wait)
        self.rollback()


def _check_fields(fields):
    # type: (Any) -> None
    """Raise TypeError if the new fields of an object are no dict."""
    if not isinstance(fields, dict):
        raise TypeError('the fields must be a dict, not of type {}'.format(
            type(fields).__name__))
