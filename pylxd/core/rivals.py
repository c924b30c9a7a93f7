"""Changes that undo each other, and how a save finds out.

LXD compares the ETag of a change before it makes the change. Of two changes
that pass at the same moment, the later one writes what it has read before,
and undoes the earlier one: of 240 keys that two programs wrote with plain
``If-Match``, 232 to 239 were left. So a save looks at the object again until
no other change can come.
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

#: Seconds after a save in which a change may still be applied that the
#: server accepted before it (0.1 s seen).
LATE_CHANGE = 0.5
#: Seconds for which an object counts as contested, once another client was
#: seen changing it.
CONTESTED = 10
#: Seconds to wait at most for another client's operation.
PATIENCE = 60


class Rivals(object):
    """The other clients that change one object."""

    def __init__(self, client, path):
        # type: (Context, str) -> None
        self._client = client
        self._path = path
        self._seen_at = None  # type: Optional[float]

    def seen(self):
        # type: () -> None
        """Note that another client changes the object."""
        self._seen_at = clock()

    @property
    def active(self):
        # type: () -> bool
        """Whether another client was seen changing the object lately."""
        return self._seen_at is not None and (
            0 <= clock() - self._seen_at <= CONTESTED)

    def _operations(self):
        # type: () -> List[Operation]
        """Return the operations on the object that the server remembers."""
        try:
            operations = Operation.all(self._client)
        except exceptions.LXDAPIException:
            return []  # the server does not tell this client
        # Compared by the name alone: LXD 5.0 has /1.0/containers/NAME too
        name = self._path.rpartition('/')[2]
        return [each for each in operations if any(
            url.rpartition('/')[2] == name for url in each.affected_urls)]

    def await_others(self, operation):
        # type: (Operation) -> bool
        """Wait for operations that may undo what ``operation`` has done.

        :return: whether there were any.
        """
        known = {operation.id}
        while True:
            others = [each for each in self._operations()
                      if each.id not in known and each.overlaps(operation)
                      and each.description == operation.description]
            if not others:
                return len(known) > 1
            self.seen()
            known.update(each.id for each in others)
            self._await_end(others)

    def _await_end(self, operations):
        # type: (List[Operation]) -> bool
        """Wait for those operations that run, however they end.

        :return: whether any ran.
        """
        running = [each for each in operations if each.running]
        for each in running:
            try:
                each.await_end(timeout=PATIENCE)
            except exceptions.LXDException:
                pass
        return bool(running)

    def await_quiet(self, sleep=time.sleep):
        # type: (Callable[[float], Any]) -> None
        """Wait until the change ends by which the server is busy."""
        self.seen()
        if not self._await_end([each for each in self._operations()
                               if each.class_ == 'task']):
            # It has just ended, or is of a kind that is not listed
            sleep(random.uniform(0.01, 0.1))
