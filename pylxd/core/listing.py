"""Listings: what objects of one list share."""
from pylxd import exceptions
from pylxd.transport import rest
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple
    from pylxd.core.manager import Manager

#: Seconds for which the answer to a request for a whole list is used.
FRESH = 1.0


class Listing(object):
    """The request that loads all objects of a list, when one is read."""

    def __init__(self, manager):
        # type: (Manager[Any]) -> None
        self._manager = manager
        self._representations = {}  # type: Dict[Any, Dict[str, Any]]
        self._loaded_at = None  # type: Optional[float]
        self._taken = 0

    def load(self):
        # type: () -> Dict[Any, Dict[str, Any]]
        """Ask the server for all of the objects.

        :return: their representations, by key.
        """
        node, params = self._manager.node_and_query()
        response = node.get(params=dict(params, recursion=1))
        key_of = self._manager.model.key_of
        try:
            found = {key_of(each): each
                     for each in rest.metadata(response, list)}
        except (AttributeError, TypeError):
            raise exceptions.InvalidResponse(response)
        if any(None in key for key in found):
            raise exceptions.InvalidResponse(response)
        self._representations = found
        self._loaded_at = clock()
        self._taken = 0
        return found

    def take(self, key):
        # type: (Tuple[Any, ...]) -> Optional[Dict[str, Any]]
        """Return the representation of an object, at most `FRESH` s old.

        :return: None where the object is better asked for by itself.
        """
        if self._loaded_at is None:
            self.load()
        elif not 0 <= clock() - self._loaded_at <= FRESH:
            # A slow loop reads few objects in that time: not worth them all
            if self._taken * 10 < len(self._representations):
                return None
            self.load()
        self._taken += 1
        return self._representations.get(key)
