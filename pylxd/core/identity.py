"""The identity of an object: its key, path, equality and repr."""
from pylxd import exceptions
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple, Union
    from pylxd.client import Client
    from pylxd.core.context import Context
    from pylxd.transport.rest import Node


_SET_LATER = None  # type: Any


class Identity(object):
    """The key of an object, its path, its node and its repr; no requests."""

    #: The segment of the URL that all objects of this kind share.
    path = ''
    #: The name of the attribute that identifies an object among others of its
    #: kind. A tuple of names if the URL has several segments; ``()`` if there
    #: is just one such object.
    key = 'name'  # type: Any
    #: ``key`` as a tuple.
    key_names = ()  # type: Tuple[str, ...]

    #: The client that the object was loaded with.
    client = _SET_LATER  # type: Client
    #: The client, or the object that contains this one.
    parent = None  # type: Any

    _key = None  # type: Optional[Tuple[Any, ...]]
    # The status that `repr` shows
    _status = ''  # type: Any

    @classmethod
    def collection_node(cls, parent):
        # type: (Union[Context, Identity]) -> Tuple[Node, Dict[str, str]]
        """Return the node of all objects of this kind, and a query.

        :param parent: the client, or the object that contains them.
        :return: the node, and the query that limits a list to this kind.
        """
        return parent.api[cls.path], {}

    @classmethod
    def key_of(cls, representation):
        # type: (Dict[str, Any]) -> Tuple[Any, ...]
        """Return the key of an object from its representation."""
        return tuple(representation.get(name) for name in cls.key_names)

    @classmethod
    def is_listed(cls, representation):
        # type: (Dict[str, Any]) -> bool
        """Return whether a list of these objects has this one."""
        return True

    @classmethod
    def check_name(cls, name):
        # type: (Any) -> Any
        """Check a value of the key, and return it as text.

        :raises InvalidName: no server allows that name.
        """
        return rest.check_name(name)

    @property
    def api(self):
        # type: () -> Node
        """The object's node in the REST tree.

        :raises LXDException: the server has yet to choose the object's name,
            which it does at the end of the creation.
        """
        node = self.collection_node(self.parent)[0]
        if self._key is None:
            raise exceptions.LXDException(
                '{!r} has no name yet: call its operation.wait() first'.format(
                    self))
        for name in self._key:
            node = node[self.check_name(name)]
        return node

    @property
    def _identity(self):
        # type: () -> Tuple[Any, ...]
        project = self.client.project or 'default'
        return self.client.identity, project, self.api.path

    def __eq__(self, other):
        # type: (object) -> bool
        if self is other:
            return True
        if not isinstance(other, Identity) or None in (self._key, other._key):
            return False
        return self._identity == other._identity

    def __ne__(self, other):
        # type: (object) -> bool
        return not self == other

    def __hash__(self):
        # type: () -> int
        if self._key is None:
            raise TypeError(
                '{!r} has no hash, as it has no name yet: call its '
                'operation.wait() first'.format(self))
        return hash(self._identity)

    def __repr__(self):
        # type: () -> str
        name = '/'.join(exceptions.printable(each) for each in self._names())
        details = [exceptions.printable(each) for each in self._details()]
        return '<{}{}{}{}>'.format(
            type(self).__name__, name and ' ' + name,
            ' ({})'.format(', '.join(details)) if details else '',
            self._status and ': ' + exceptions.printable(self._status))

    def _names(self):
        # type: () -> Tuple[Any, ...]
        """Return the names for `repr`, beginning with the parent."""
        outer = self.parent._names() if isinstance(
            self.parent, Identity) else ()  # type: Tuple[Any, ...]
        return outer + (('?',) if self._key is None else self._key)

    def _details(self):
        # type: () -> List[str]
        """Return the details that `repr` shows beside the name."""
        project = self.client.project
        return ['project ' + project] if project not in (
            None, 'default') else []
