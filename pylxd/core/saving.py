"""Saving: sending the local changes, so that nobody's change is lost."""
import time

from pylxd import exceptions
from pylxd.core.model import Model, warn
from pylxd.core.operation import SUCCESS
from pylxd.core.rivals import LATE_CHANGE, Rivals
from pylxd.transport import rest
from pylxd.transport.dialect import is_busy
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Callable, Dict, Optional, Tuple
    from pylxd.core.document import Sent
    from pylxd.core.operation import Operation

#: Seconds that a save goes on trying while the object is busy, or changes
#: faster than the changes can be merged.
SAVE_WITHIN = 60

sleep = time.sleep  # type: Callable[[float], None]


class Savable(Model):
    """A model whose objects can be changed."""

    # A save whose end is not known yet, and what brings its changes back
    _saving = None  # type: Optional[Tuple[Operation, Sent]]
    # A save that failed, as the next save has to tell
    _failed_save = None  # type: Optional[Operation]
    _rivals = None  # type: Optional[Rivals]

    def save(self, wait=False):
        # type: (bool) -> None
        """Send the local changes; without any, send nothing.

        If someone else changed the object meanwhile, changes of different
        keys are merged. While another change of the object runs, the save
        waits and tries again. Both for at most `SAVE_WITHIN` seconds.

        Most changes are done when the call returns. Those that the server
        makes in the background, such as removing a device, are not, unless
        ``wait`` is true. If one fails later, the first call that learns of
        that logs a warning, the change is a local one again, and the next
        save raises the error before it sends anything.

        :param wait: return when the server has made the changes.
        :raises Conflict: both sides changed the same key; ``keys`` names
            them, and the local changes are kept. A save after `sync`
            overwrites the others'.
        :raises OperationFailed: this save, or the one before, failed in the
            background; the local changes are kept.
        :raises LXDAPIException: the server refused; the local changes are
            kept.

        Endpoint: ``PATCH`` on the object; ``PUT`` where something has to be
        removed, and on servers without the extension ``patch``.
        """
        self._ready_to_change()
        self._raise_failed_save()
        deadline = clock() + SAVE_WITHIN
        while self.dirty:
            try:
                operation = self._send_changes()
                if operation is not None and not (wait or self.synchronous):
                    return
                if operation is not None and not self._end_save(at_once=True):
                    operation.failure_was_raised = True
                    raise operation.failure()
            except exceptions.Conflict as conflict:
                self._document.etag = None
                if conflict.keys or clock() > deadline:
                    raise
                self._find_rivals().seen()
            except exceptions.LXDAPIException as error:
                self._document.etag = None
                if not is_busy(error) or clock() > deadline:
                    raise
                self._find_rivals().await_quiet(sleep)
            else:
                if self.dirty and clock() > deadline:
                    # Others have undone the changes each time
                    raise exceptions.Conflict(
                        None, keys=tuple(self._document.changed))

    def update(self, wait=False):
        # type: (bool) -> None
        """Send the local changes: the same as `save`."""
        self.save(wait)

    def _send_changes(self):
        # type: () -> Optional[Operation]
        """Send the local changes once.

        :return: the operation that makes them; None if they are made.
        """
        document = self._document
        answer = None  # type: Optional[requests.Response]
        if document.etag is None or document.clashes() or (
                self._sends_what_no_etag_covers()):
            answer = self._refresh()
            clashes = document.clashes()
            if clashes:
                raise exceptions.Conflict(answer, keys=clashes)
            if not document.changed:
                return None  # someone else has made the same changes
        headers = {'If-Match': document.etag} if document.etag else {}
        body = self._patch()
        if body is None:
            response = self.api.put(json=document.body(), headers=headers)
        else:
            response = self.api.patch(json=body, headers=headers)
        sent = document.send()
        operation = self._keep_operation(response)
        if operation is None:
            self._confirm(sent)
        else:
            self._saving = operation, sent
        return operation

    def _patch(self):
        # type: () -> Optional[Dict[str, Any]]
        """Return what a PATCH has to send; None where it takes a PUT."""
        if not self.client.dialect.has('patch'):
            return None
        return self._document.patch(self.__attributes__)

    def _sends_what_no_etag_covers(self):
        # type: () -> bool
        body = self._patch()
        sent = self._document.seen if body is None else body
        return any(name in sent for name, declared
                   in self.__attributes__.items() if not declared.in_etag)

    def _refresh(self):
        # type: () -> requests.Response
        """Load the object, and keep the local changes as they are."""
        response = self.api.get()
        self._document.accept(
            rest.metadata(response), response.headers.get('ETag'))
        return response

    def _confirm(self, sent, operation=None, at_once=True):
        # type: (Sent, Optional[Operation], bool) -> None
        """Load what the server has made of a save.

        Where another change has undone the save, its values are local
        changes again.

        :param operation: the operation that made the changes.
        :param at_once: the changes were made just now; otherwise others may
            have set the old values since, on purpose.
        """
        document, rivals = self._document, self._find_rivals()
        names = [name for name, declared in self.__attributes__.items()
                 if not declared.readonly]
        undone = at_once
        if operation is not None and rivals.await_others(operation):
            undone = True
        seen, etag = self._fetch()
        if etag is None and seen == sent.before:
            return  # of no use: a mock, whose answers are always the same
        if etag is not None and etag == sent.etag and not rivals.active:
            undone = False  # the server saw no change in what was sent
        elif document.was_changed_elsewhere(sent, seen, names):
            rivals.seen()
        if rivals.active:
            sleep(LATE_CHANGE)
            seen, etag = self._fetch()
        if undone:
            document.confirm(sent, seen, etag, contested=rivals.active)
            if document.changed:
                rivals.seen()
        else:
            document.accept(seen, etag)

    def _find_rivals(self):
        # type: () -> Rivals
        if self._rivals is None:
            self._rivals = Rivals(self.client, self.api.path)
        return self._rivals

    # -- the end of a save that was not waited for

    def _finish_save(self):
        # type: () -> bool
        if self._saving is None:
            return False
        operation, _ = self._saving
        if self._end_save(at_once=False):
            return True
        warn('%s was not saved: %s', repr(self), operation.failure())
        self._failed_save = operation
        return False

    def _end_save(self, at_once):
        # type: (bool) -> bool
        """Wait for the end of the save that goes on.

        :return: False if it failed; its changes are local again.
        """
        assert self._saving is not None
        operation, sent = self._saving
        try:
            if operation.await_end():
                self._confirm(sent, operation, at_once)
            else:
                self._document.take_back(sent)
        except exceptions.NotFound:
            if operation.ended:
                raise  # the object itself is gone
            # The server has forgotten how it ended: its values tell
            seen, etag = self._fetch()
            self._document.confirm(sent, seen, etag)
        self._saving = None  # not before, since the server may be lost
        return not operation.ended or operation.status_code == SUCCESS

    def _raise_failed_save(self):
        # type: () -> None
        operation, self._failed_save = self._failed_save, None
        if operation is not None and not operation.failure_was_raised:
            operation.failure_was_raised = True
            raise operation.failure()

    # -- sending a dict as it is

    def raw_put(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Replace the representation by a dict; the object stays as it is.

        :param wait: return when the server has done it.

        Endpoint: ``PUT`` on the object.
        """
        self._start_operation(self._ready_to_change().put(json=obj), wait)

    def raw_patch(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Change the keys of a dict alone; the object stays as it is.

        :param wait: return when the server has done it.

        Endpoint: ``PATCH`` on the object; needs ``patch``.
        """
        self._start_operation(self._ready_to_change().patch(json=obj), wait)

    def put(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Replace the representation by a dict, then `rollback`.

        :param wait: return when the server has done it.

        Endpoint: ``PUT`` on the object.
        """
        self.raw_put(obj, wait)
        self.rollback()

    def patch(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Change the keys of a dict alone, then `rollback`.

        :param wait: return when the server has done it.

        Endpoint: ``PATCH`` on the object; needs ``patch``.
        """
        self.raw_patch(obj, wait)
        self.rollback()
