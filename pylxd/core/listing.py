"""Listings: the objects of one list share the request that loads them."""
from pylxd import exceptions
from pylxd.transport import rest
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple
    from pylxd.core.manager import Manager

#: Seconds for which the response to a request for a whole list is used.
MAX_AGE = 1.0


class Listing(object):
    """The representations of a list, loaded when one object is first read."""

    def __init__(self, manager):
        # type: (Manager[Any]) -> None
        self._manager = manager
        self._representations = {}  # type: Dict[Any, Dict[str, Any]]
        self._loaded_at = None  # type: Optional[float]
        self._reads = 0
        self._has_timed_out = False

    def load(self):
        # type: () -> Dict[Any, Dict[str, Any]]
        """Load all objects of the list with one request.

        :return: their representations, by key.
        :raises InvalidResponse: an object has no key.
        """
        node, params = self._manager.node_and_query()
        response = node.get(params=dict(params, recursion=1))
        key_of = self._manager.model.key_of
        try:
            representations = {
                key_of(each): each
                for each in rest.metadata(response, list)}
        except (AttributeError, TypeError):
            raise exceptions.InvalidResponse(response)
        if any(None in key for key in representations):
            raise exceptions.InvalidResponse(response)
        self._representations = representations
        self._loaded_at = clock()
        self._reads = 0
        return representations

    def find(self, key):
        # type: (Tuple[Any, ...]) -> Optional[Dict[str, Any]]
        """Return the representation of an object, at most `MAX_AGE` s old.

        :return: None if the caller shall load this object alone.
        """
        if self._has_timed_out:
            return None
        if self._loaded_at is None or not (
                0 <= clock() - self._loaded_at <= MAX_AGE):
            # A slow loop reads few objects within MAX_AGE: loading all of
            # them for each of these would take longer
            if self._reads * 10 < len(self._representations):
                return None
            try:
                self.load()
            except exceptions.ConnectionTimeout:
                # LXD waits 30 s for a member of a cluster that hangs before
                # it lists instances; those of other members answer at once
                self._has_timed_out = True
                return None
        self._reads += 1
        return self._representations.get(key)
