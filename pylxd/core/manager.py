"""All objects of one kind: listing, getting, and the class methods."""
import functools
import sys

import six

from pylxd import exceptions
from pylxd.transport import rest
from pylxd.core.model import Model, clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Dict, Generic, List, Optional, Tuple, TypeVar)
    from pylxd.transport.rest import Node
    from pylxd.client import Client

#: Seconds for which what one request for a whole list brought is fresh.
FRESH = 1.0


class ManagerType(type):
    """Gives a manager's methods to its model, as the class methods that
    take the client first: ``Profile.get(client, name)``."""

    def __init__(cls, name, bases, namespace):
        # type: (str, Any, Dict[str, Any]) -> None
        super(ManagerType, cls).__init__(name, bases, namespace)
        model = namespace.get('model')
        for method in dir(cls) if model else ():
            if not method.startswith('_') and callable(
                    getattr(cls, method)) and method != 'model':
                setattr(model, method, _ClassSide(cls, method))

    def __getitem__(cls, model):
        # type: (Any) -> Any
        return cls  # Manager[Profile] means something to type checkers alone


class _ClassSide(object):
    """A method of a manager, as seen on the model's class."""

    def __init__(self, manager, name):
        # type: (Any, str) -> None
        self._manager = manager
        self._name = name

    def __get__(self, model, cls):
        # type: (Any, Any) -> Any
        method = getattr(self._manager, self._name)
        manager, name = self._manager, self._name

        def call(client, *args, **kwargs):
            # type: (Any, *Any, **Any) -> Any
            made = manager(client)
            made.model = cls
            return getattr(made, name)(*args, **kwargs)

        functools.update_wrapper(call, getattr(method, '__func__', method))
        call.__dict__.pop('__wrapped__', None)
        inspect = sys.modules.get('inspect')
        if inspect is not None and six.PY3:
            # Someone may look: help() has imported it. We would pay 5 ms.
            signature = inspect.signature(method)
            first, rest = list(signature.parameters.values())[:1], list(
                signature.parameters.values())[1:]
            call.__signature__ = signature.replace(  # type: ignore
                parameters=[first[0].replace(name='client')] + rest)
        return call


if TYPE_CHECKING:
    M = TypeVar('M', bound=Model)

    class _Of(Generic[M]):
        pass
else:
    M = None
    _Of = ManagerType('_Of', (object,), {})


class Manager(_Of[M]):
    """All objects of one kind on one server."""

    model = None  # type: Any

    def __init__(self, client):
        # type: (Client) -> None
        self.client = client

    def __repr__(self):
        # type: () -> str
        return '<{} of {!r}>'.format(type(self).__name__, self.client)

    def _collection(self):
        # type: () -> Tuple[Node, Dict[str, str]]
        return self.model._collection(self.client)

    def _make(self, **state):
        # type: (**Any) -> M
        made = self.model.__new__(self.model)
        made._start(self.client, **state)
        return made

    def all(self):
        # type: () -> List[M]
        """List them; each is loaded when it is first read.

        The first read loads all that were listed, with one request; what
        that brought is used for a second, then each is asked for alone.

        Endpoint: ``GET`` on the collection, ``recursion=1`` for the rest.
        """
        node, params = self._collection()
        response = node.get(params=params)
        urls = rest.metadata(response, list)
        listing = Listing(self)
        try:
            # What urlsplit() does, in a twelfth of its time (1.4 us each)
            names = [url.partition('?')[0].rpartition('/')[2] for url in urls]
        except AttributeError:
            raise exceptions.InvalidResponse(response)
        if any('%' in url or '#' in url for url in urls):
            # LXD quotes some names twice, others not: the objects tell them
            names = list(listing.load())
        key = self.model.key
        return [self._make(seen={key: name}, listing=listing)
                for name in names]

    def get(self, name):
        # type: (str) -> M
        """Get one by its key.

        :raises NotFound: there is none.
        :raises InvalidName: no server can mean that name.

        Endpoint: ``GET`` on the object.
        """
        made = self._make(seen={self.model.key: name})
        made.sync()
        return made

    def exists(self, name):
        # type: (str) -> bool
        """Whether there is one with this key.

        Endpoint: ``GET`` on the object.
        """
        try:
            self.get(name)
        except exceptions.NotFound:
            return False
        return True


class Listing(object):
    """What objects of one list share: the request that loads them all."""

    def __init__(self, manager):
        # type: (Manager[Any]) -> None
        self._manager = manager
        self._documents = {}  # type: Dict[str, Dict[str, Any]]
        self._loaded_at = None  # type: Optional[float]
        self._taken = 0

    def load(self):
        # type: () -> Dict[str, Dict[str, Any]]
        """Ask for all of them, by key."""
        node, params = self._manager._collection()
        response = node.get(params=dict(params, recursion=1))
        key = self._manager.model.key
        try:
            self._documents = documents = {
                each[key]: each for each in rest.metadata(response, list)}
        except (KeyError, TypeError):
            raise exceptions.InvalidResponse(response)
        self._loaded_at = clock()
        self._taken = 0
        return documents

    def take(self, key):
        # type: (str) -> Optional[Dict[str, Any]]
        """One that is fresh; None if it is better asked for alone."""
        if self._loaded_at is None:
            self.load()
        elif clock() - self._loaded_at > FRESH:
            # A slow loop reads few of them in a second: not worth all again
            if self._taken * 10 < len(self._documents):
                return None
            self.load()
        self._taken += 1
        return self._documents.get(key)
