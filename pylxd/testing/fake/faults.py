"""What goes wrong on demand."""
import fnmatch
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List


class Fault(object):
    """One thing that goes wrong; a ``with`` block ends it.

    :param delay: seconds before anything happens
    :param drop: bytes after which the connection is closed; with 0 nothing is
        done, either
    :param body: whether ``drop`` counts from the begin of the body
    :param answer: what is sent instead
    :param fails: the reason why an operation fails
    :param hold: seconds that an operation takes longer
    :param messages: how many of them a websocket brings before it breaks
    """

    def __init__(self, faults, method=None, path=None, times=None, delay=0.0,
                 drop=None, body=False, answer=None, fails=None, hold=0.0,
                 messages=None):
        # type: (Faults, Any, Any, Any, float, Any, bool, Any, Any, float, Any) -> None # noqa: E501
        self._faults = faults
        self._method = method
        self._path = path
        self._left = times
        self.delay = delay
        self.drop = drop
        self.body = body
        self.answer = answer
        self.fails = fails
        self.hold = hold
        self.messages = messages
        #: How often it has happened.
        self.count = 0  # type: int

    def takes(self, method, path):
        # type: (str, str) -> bool
        """Whether it happens to a request; counts it."""
        if self._left == 0 or self._method not in (None, method) or (
                self._path and not fnmatch.fnmatchcase(path, self._path)):
            return False
        if self._left is not None:
            self._left -= 1
        self.count += 1
        return True

    def remove(self):
        # type: () -> None
        """It happens no more."""
        self._faults.remove(self)

    def __enter__(self):
        # type: () -> Fault
        return self

    def __exit__(self, *exc_info):
        # type: (*Any) -> None
        self.remove()


class Faults(object):
    """All that goes wrong."""

    def __init__(self):
        # type: () -> None
        self._faults = []  # type: List[Fault]
        self._lock = threading.Lock()

    def add(self, fault):
        # type: (Fault) -> Fault
        """From now on it happens."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault):
        # type: (Fault) -> None
        """It happens no more."""
        with self._lock:
            if fault in self._faults:
                self._faults.remove(fault)

    def take(self, method, path):
        # type: (str, str) -> List[Fault]
        """What goes wrong with a request."""
        with self._lock:
            return [fault for fault in self._faults
                    if fault.takes(method, path)]
