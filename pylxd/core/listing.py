"""Listings: the objects of one list share the request that loads them."""
import six

from pylxd import exceptions
from pylxd.transport import rest
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, List, Optional, Tuple, Union
    from pylxd.core.manager import Manager

#: Seconds for which the response to a request for a whole list is used.
MAX_AGE = 1.0


def has_or(filter):
    # type: (str) -> bool
    """Return whether a filter has an ``or``.

    Servers know no parentheses, so nothing can be joined to it by ``and``.
    """
    return ' or ' in ' '.join(filter.split())


class Listing(object):
    """The representations of a list, loaded when one object is first read.

    :param query: what selects the objects: ``filter``, ``all-projects``.
    """

    def __init__(self, manager, query=None):
        # type: (Manager[Any], Optional[Dict[str, str]]) -> None
        self._manager = manager
        self._query = query or {}
        self._representations = {}  # type: Dict[Any, Dict[str, Any]]
        self._loaded_at = None  # type: Optional[float]
        self._reads = 0
        self._has_timed_out = False

    def request(self, recursion=None):
        # type: (Union[None, int, str]) -> requests.Response
        """Request the URLs of the objects; with recursion, representations.

        Endpoint: ``GET`` on the collection.
        """
        node, params = self._manager.node_and_query()
        query = dict(self._query)
        if 'filter' in params and 'filter' in query and (
                not has_or(query['filter'])):
            query['filter'] = ' and '.join(
                [params['filter'], query['filter']])
        params = dict(params, **query)
        if recursion:
            params['recursion'] = str(recursion)
        return node.get(params=params)

    def pairs(self, recursion=1):
        # type: (Union[int, str]) -> List[Tuple[Any, Dict[str, Any]]]
        """Request all objects; return the key and fields of each.

        :raises InvalidResponse: an object has no key.
        """
        response = self.request(recursion)
        model = self._manager.model
        try:
            pairs = [(model.key_of(each), each)
                     # Incus 6.0 without a storage pool sends a null
                     for each in rest.metadata(
                         response, (list, type(None))) or ()
                     if model.is_listed(each)]
        except (AttributeError, TypeError):
            raise exceptions.InvalidResponse(response)
        if not all(isinstance(name, six.string_types)
                   for key, _ in pairs for name in key):
            raise exceptions.InvalidResponse(response)
        return pairs

    def load(self):
        # type: () -> Dict[Any, Dict[str, Any]]
        """Load all objects of the list with one request.

        :return: their representations, by key.
        """
        self._representations = dict(self.pairs())
        self._loaded_at = clock()
        self._reads = 0
        return self._representations

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
