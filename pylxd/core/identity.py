"""The identity of an object: its key, its place, its equality, its repr."""
from pylxd import exceptions
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple
    from pylxd.client import Client
    from pylxd.transport.rest import Node


_SET_LATER = None  # type: Any


class Identity(object):
    """The key of an object and all that follows from it, without any I/O."""

    #: The segment of the URL that all objects of this kind share.
    path = ''
    #: The attribute that tells an object from others of its kind; several,
    #: as a tuple, where the URL has several, and ``()`` for the only one.
    key = 'name'  # type: Any
    #: The same as a tuple.
    key_names = ()  # type: Tuple[str, ...]

    client = _SET_LATER  # type: Client
    #: The client, or the object that this one belongs to.
    parent = None  # type: Any

    _key = None  # type: Optional[Tuple[Any, ...]]
    #: The status that `repr` shows.
    _status = ''  # type: Any

    @classmethod
    def collection_node(cls, parent):
        # type: (Any) -> Tuple[Node, Dict[str, str]]
        """Return the node of all objects of this kind, and a query.

        :param parent: the client, or the object that they belong to.
        :return: the node, and the query that narrows a list to this kind.
        """
        return parent.api[cls.path], {}

    @classmethod
    def key_of(cls, representation):
        # type: (Dict[str, Any]) -> Tuple[Any, ...]
        """Return the key in a representation of the server."""
        return tuple(representation.get(name) for name in cls.key_names)

    @classmethod
    def check_name(cls, name):
        # type: (Any) -> Any
        """Return a value of the key if an object can have it.

        :raises InvalidName: no server can mean that name.
        """
        rest.quote(name)
        return name

    @property
    def api(self):
        # type: () -> Node
        """The object's node in the REST tree.

        :raises LXDException: the object is still being created, and only
            the end of that tells its name.
        """
        node = self.collection_node(self.parent)[0]
        if self._key is None:
            raise exceptions.LXDException(
                '{!r} has no name yet: wait for its operation'.format(self))
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
            raise TypeError('{!r} has no hash before it has a name'.format(
                self))
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
        """Return the names by which `repr` shows the object."""
        outer = self.parent._names() if isinstance(
            self.parent, Identity) else ()  # type: Tuple[Any, ...]
        return outer + (('?',) if self._key is None else self._key)

    def _details(self):
        # type: () -> List[str]
        """Return what `repr` shows beside the name."""
        project = self.client.project
        return ['project ' + project] if project not in (
            None, 'default') else []
