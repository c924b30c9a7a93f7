"""Managers: the objects of one kind that a client or an object has."""
import six

from pylxd import exceptions
from pylxd.core.class_methods import add_class_methods
from pylxd.core.document import Document
from pylxd.core.listing import Listing, has_or
from pylxd.core.model import Model
from pylxd.core.operation import Operation
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import (
        Any, Dict, Generic, Iterator, List, Optional, Tuple, TypeVar, Union)
    from pylxd.client import Client
    from pylxd.core.progress import ProgressArgument
    from pylxd.transport.rest import Node


class ManagerType(type):
    """The metaclass of managers: adds their class methods to the models."""

    def __init__(cls, name, bases, namespace):
        # type: (str, Any, Dict[str, Any]) -> None
        super(ManagerType, cls).__init__(name, bases, namespace)
        if namespace.get('model') is not None:
            add_class_methods(cls, sorted({
                method for base in cls.__mro__
                for method in vars(base).get('class_methods', ())}))

    def __getitem__(cls, model):
        # type: (Any) -> Any
        return cls  # Manager[Profile] means something to type checkers alone


if TYPE_CHECKING:
    M = TypeVar('M', bound=Model)

    class _Of(Generic[M]):
        class_methods = ()  # type: Tuple[str, ...]
else:
    M = None
    _Of = ManagerType('_Of', (object,), {})


class Manager(_Of[M]):
    """The objects of one kind in a client or in another object.

    :param parent: the client, or the object that contains them.
    """

    #: The class of the objects.
    model = None  # type: Any
    #: The methods that the class adds to its model as class methods, beside
    #: those that its base classes add.
    class_methods = ('all', 'get', 'exists')  # type: Tuple[str, ...]
    #: The name of the first argument of these class methods, the parent.
    parent_name = 'client'
    #: Whether each URL of a list tells which object it is of. Where servers
    #: do not quote the names in it (``a?b``), `all` loads the objects.
    has_exact_urls = True

    def __init__(self, parent):
        # type: (Union[Client, Model]) -> None
        self.parent = parent  # type: Union[Client, Model]
        client = getattr(parent, 'client', parent)  # type: Any
        self.client = client  # type: Client

    def __repr__(self):
        # type: () -> str
        return '<{} of {!r}>'.format(type(self).__name__, self.parent)

    def node_and_query(self):
        # type: () -> Tuple[Node, Dict[str, str]]
        """Return the REST node of the collection, and the query of a list.

        :raises LXDAPIExtensionNotAvailable: the server has no such objects.
        """
        self.client.dialect.refresh_untrusted()
        if self.model.extension:
            self.client.dialect.need(self.model.extension)
        if isinstance(self.parent, Model):
            self.parent.ensure_ready()
        node_and_query = self.model.collection_node(
            self.parent)  # type: Tuple[Node, Dict[str, str]]
        return node_and_query

    def __iter__(self):
        # type: () -> Iterator[M]
        return iter(self.all())

    def __contains__(self, item):
        # type: (object) -> bool
        if isinstance(item, Model):
            return any(item == each for each in self)
        key = item if isinstance(item, tuple) else (item,)
        if len(key) != len(self.model.key_names):
            raise TypeError('{!r} is no key of {}: pass ({})'.format(
                item, type(self).__name__, ', '.join(self.model.key_names)))
        return self.exists(*key)

    def all(self, recursion=None, filter=None, all_projects=False):
        # type: (Optional[int], Optional[str], bool) -> List[M]
        """List the objects.

        Without ``recursion``, reading one of the objects loads all with one
        request, whose response is used for a second. Later reads load all
        again; if less than a tenth of the list was read meanwhile, each
        object alone. An object that is deleted meanwhile raises `NotFound`
        when it is read.

        :param recursion: 1 loads all objects at once: reading them raises
            nothing and makes no request.
        :param filter: an expression of the server that selects objects, such
            as ``'name eq c1'`` or ``'config.user.a eq 1 and ...'``.
        :param all_projects: list the objects of all projects, loaded as with
            ``recursion=1``; each has a client of its project.
        :raises ValueError: ``recursion`` is none that this list knows, or no
            server filters such objects.
        :raises LXDAPIExtensionNotAvailable: the server cannot filter these
            objects, or list those of all projects.

        Endpoint: ``GET`` on the collection.
        """
        if recursion not in (None, 0, 1):
            raise ValueError('recursion must be 0 or 1, not {!r}'.format(
                recursion))
        return self._list(self._select(filter, all_projects),
                          recursion and int(recursion), all_projects)

    def _select(self, filter, all_projects):
        # type: (Optional[str], bool) -> Dict[str, str]
        """Return the query that selects the objects of a list."""
        query = {}
        if filter is not None:
            if not isinstance(filter, six.string_types):
                raise TypeError(
                    "filter must be text, such as 'name eq c1', not {!r}"
                    .format(filter))
            if not self.model.filter_extension:
                raise ValueError('no server filters a list of {}'.format(
                    type(self).__name__))
            self.client.dialect.need(self.model.filter_extension)
            query['filter'] = filter
        if all_projects and self.model.all_projects_extension:
            self.client.dialect.need(self.model.all_projects_extension)
            query['all-projects'] = 'true'
        return query

    def _list(self, query, recursion=None, all_projects=False):
        # type: (Dict[str, str], Union[None, int, str], bool) -> List[M]
        listing = Listing(self, query)
        model = self.model
        if (recursion or all_projects or not self.has_exact_urls
                or has_or(query.get('filter', ''))):
            parents = {}  # type: Dict[Any, Any]
            # A project may share objects of the default project, which are
            # reached by the client's own project
            return [model.from_listed(
                self._find_parent(representation, parents) if all_projects
                else self.parent, key, representation)
                for key, representation in listing.pairs(recursion or 1)]
        response = listing.request()
        # Servers send null where a filter selects nothing
        urls = rest.metadata(response, (list, type(None))) or []
        size = len(model.key_names)
        try:
            # urlsplit() would take 1.4 us for each URL, twelve times as much
            keys = [tuple(url.partition('?')[0].rsplit('/', size)[1:])
                    for url in urls]
        except AttributeError:
            raise exceptions.InvalidResponse(response)
        if any('%' in url or '#' in url for url in urls):
            # LXD quotes some names twice and others not at all: the
            # representations have the names themselves
            keys = list(listing.load())
        return [model.from_key(self.parent, key, listing=listing)
                for key in keys]

    def _find_parent(self, representation, parents):
        # type: (Dict[str, Any], Dict[Any, Any]) -> Any
        """Return the parent of a listed object, in the object's project.

        :param parents: the parents of other projects that were found so far.
        """
        project = representation.get('project')
        if not project or project == (self.client.project or 'default'):
            return self.parent
        if project not in parents:
            client = self.client.use_project(project)
            parents[project] = self.parent.with_client(client) if isinstance(
                self.parent, Model) else client
        return parents[project]

    def get(self, name):
        # type: (str) -> M
        """Get an object by its name.

        :raises NotFound: there is no such object.
        :raises InvalidName: no server allows that name.

        Endpoint: ``GET`` on the object.
        """
        return self._get(name)

    def _get(self, *key):
        # type: (*str) -> M
        node, _ = self.node_and_query()
        key = tuple(self.model.check_name(name) for name in key)
        for name in key:
            node = node[name]
        response = node.get()
        representation = rest.metadata(response)
        # Servers also find an object by the start of its fingerprint
        full_key = self.model.key_of(representation)
        if not all(isinstance(name, six.string_types) for name in full_key):
            full_key = key
        instance = self.model.from_key(self.parent, full_key, Document(
            representation, response.headers.get('ETag'), complete=True)
        )  # type: M
        return instance

    def exists(self, name):
        # type: (str) -> bool
        """Return whether there is an object with this name.

        Endpoint: ``GET`` on the object.
        """
        try:
            self.get(name)
        except exceptions.NotFound:
            return False
        return True

    def _create(self,
                body,  # type: Dict[str, Any]
                wait=False,  # type: bool
                target=None,  # type: Optional[str]
                progress=None,  # type: ProgressArgument
                ):
        # type: (...) -> M
        """Create an object.

        :param body: the fields to send; those that are None are left out. If
            the name is missing, the server chooses it. A dict in place of
            the name has the other fields, too.
        :param wait: return when the object is created.
        :param target: the cluster member to create the object on.
        :param progress: as for `Operation.wait`.
        :raises InvalidName: no server allows the name.
        :raises TypeError: a value is none that the API takes.
        :raises LXDAPIExtensionNotAvailable: the server has no such objects.

        Endpoint: ``POST`` on the collection.
        """
        node, _ = self.node_and_query()
        model, dialect = self.model, self.client.dialect
        if model.write_extension:
            dialect.need(model.write_extension)
        if target is not None:
            dialect.need('clustering')
        for name in model.key_names[:1]:
            if isinstance(body.get(name), dict):
                body = dict(body, **body[name])
        body = {name: model.__attributes__[name].convert(value)
                if name in model.__attributes__ else value
                for name, value in body.items()}
        key = tuple(model.check_name(body[name]) if name in body else None
                    for name in model.key_names)
        body.update((name, value) for name, value in zip(model.key_names, key)
                    if value is not None)
        response = node.post(target=target, json={
            name: value for name, value in body.items() if value is not None})
        operation = Operation.from_response(self.client, response)
        if None in key:
            key = self._created_key(node, response, operation)
        instance = model.from_key(self.parent, key)  # type: M
        instance.created_by(operation, wait or model.synchronous, progress)
        return instance

    def _created_key(self, node, response, operation):
        # type: (Node, requests.Response, Optional[Operation]) -> Tuple[Any]
        """Return the key that the server chose for a new object.

        It is ``(None,)`` where only the end of the operation tells the key.
        """
        if operation is not None:
            urls = sorted(operation.affected_urls)
        else:
            urls = [response.headers.get('Location', '').partition('?')[0]]
        for url in [url for url in urls
                    if url.rpartition('/')[0] == node.path] + urls:
            if url:
                return (url.rpartition('/')[2],)
        if operation is None:
            raise exceptions.InvalidResponse(response)
        return (None,)
