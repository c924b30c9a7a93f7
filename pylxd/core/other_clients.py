"""Detection of other clients that change the same object as a save.

LXD compares the ETag of a request before it applies the change. Of two
requests that pass this check at the same moment, the later one writes values
that it read before, and undoes the earlier one: of 240 keys that two programs
wrote with plain ``If-Match``, 232 to 239 were kept. So a save loads the object
again until no other change can follow.
"""
import random
import time

from pylxd import exceptions
from pylxd.core.operation import Operation
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional
    from pylxd.core.context import Context

#: After our save ends, a change that the server accepted earlier may still be
#: applied for this many seconds (0.1 s seen).
LATE_CHANGE = 0.5
#: Seconds for which other clients count as active after one of them was
#: noticed.
CONTENTION_PERIOD = 10
#: Seconds to wait at most for the list of operations: while a member of a
#: cluster hangs that runs an operation, the server sends no list.
LIST_TIMEOUT = 5
#: Seconds to wait at most for an operation of another client.
LONGEST_WAIT = 60


class OtherClients(object):
    """Detects whether other clients change an object."""

    def __init__(self, client, path):
        # type: (Context, str) -> None
        self._client = client
        self._path = path
        self._noticed_at = None  # type: Optional[float]
        #: Whether the server did not list its operations when last asked.
        self.are_hidden = False  # type: bool

    def notice(self):
        # type: () -> None
        """Record that another client has just changed the object."""
        self._noticed_at = clock()

    @property
    def are_active(self):
        # type: () -> bool
        """Whether another client was noticed within `CONTENTION_PERIOD`."""
        return self._noticed_at is not None and (
            0 <= clock() - self._noticed_at <= CONTENTION_PERIOD)

    def _list_operations(self):
        # type: () -> List[Operation]
        """Return the operations on the object that the server remembers."""
        own_timeout = self._client.transport.read_timeout
        try:
            operations = Operation.all(
                self._client, min(own_timeout or LIST_TIMEOUT, LIST_TIMEOUT))
        except exceptions.LXDException:
            # This client may not see them, or a cluster member hangs: no
            # reason for a save to fail
            self.are_hidden = True
            return []
        self.are_hidden = False
        # Compared by the name alone: LXD 5.0 has /1.0/containers/NAME too
        name = self._path.rpartition('/')[2]
        return [each for each in operations if any(
            url.rpartition('/')[2] == name for url in each.affected_urls)]

    def wait_for_overlaps(self, operation):
        # type: (Operation) -> bool
        """Wait for operations of other clients that may undo an operation.

        :return: whether there were any.
        """
        waited = {operation.id}
        while True:
            others = [each for each in self._list_operations()
                      if each.id not in waited and each.overlaps(operation)
                      and each.description == operation.description]
            if not others:
                return len(waited) > 1
            self.notice()
            waited.update(each.id for each in others)
            self._wait_for_all(others)

    def _wait_for_all(self, operations):
        # type: (List[Operation]) -> bool
        """Wait for the operations that run; ignore how they end.

        :return: whether any of them ran.
        """
        running = [each for each in operations if each.running]
        for each in running:
            try:
                each.await_end(timeout=LONGEST_WAIT)
            except exceptions.LXDException:
                pass
        return bool(running)

    def wait_until_idle(self, sleep=time.sleep):
        # type: (Callable[[float], Any]) -> None
        """Wait for the change that made the server refuse ours as busy."""
        self.notice()
        if not self._wait_for_all([each for each in self._list_operations()
                                   if each.class_ == 'task']):
            # It has just ended, or the server does not list its kind
            sleep(random.uniform(0.01, 0.1))
