"""The base class of all resources: identity, attributes, loading."""
import logging

import six

from pylxd import exceptions
from pylxd.core.attribute import Attribute
from pylxd.core.document import Document
from pylxd.core.identity import Identity
from pylxd.core.operation import Operation
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, ClassVar, Dict, Iterator, List, Optional, Tuple
    from typing import Type, TypeVar
    from pylxd.core.context import Context
    from pylxd.core.listing import Listing
    from pylxd.transport.rest import Node
    T = TypeVar('T', bound='Model')

_logger = logging.getLogger('pylxd')


def warn(text, *values):
    # type: (str, *Any) -> None
    """Log a warning in one line, whatever a server has said."""
    _logger.warning(text, *[
        ' '.join(exceptions.printable(each).splitlines()) for each in values])


class ModelType(type):
    """Collects the attributes that a model declares."""

    def __init__(cls, name, bases, namespace):
        # type: (str, Any, Dict[str, Any]) -> None
        super(ModelType, cls).__init__(name, bases, namespace)
        declared = {}  # type: Dict[str, Attribute]
        for base in reversed(cls.__mro__):
            for key, value in vars(base).items():
                if isinstance(value, Attribute):
                    value.name = key
                    declared[key] = value
        cls.__attributes__ = declared
        names = getattr(cls, 'key')  # type: Any
        cls.key_names = (names,) if isinstance(
            names, str) else names  # type: Tuple[str, ...]


@six.add_metaclass(ModelType)
class Model(Identity):
    """One object of the server.

    The object is loaded when an attribute is read that is not known yet.
    doc/state.rst describes its states.

    :param client: the `Client` that talks to its server.
    :param attributes: the known fields of the object; its key at least.
    """

    __attributes__ = {}  # type: Dict[str, Attribute]
    #: The API extension that all calls need.
    extension = ''
    #: The API extension that the calls need that change something.
    write_extension = ''
    #: Whether each change is done when its call returns: LXD 5.0 answers
    #: such changes synchronously, and newer servers are waited for.
    synchronous = False

    #: The last operation that a call on this object started.
    operation = None  # type: Optional[Operation]

    _document = Document()
    _listing = None  # type: Optional[Listing]
    # What creates the object, until its end is known
    _creation = None  # type: Optional[Operation]

    def __init__(self, client, **attributes):
        # type: (Context, **Any) -> None
        key = tuple(attributes.get(name) for name in self.key_names)
        self._initialize(client, key, Document(attributes))

    def _initialize(self, parent, key, document, listing=None):
        # type: (Any, Any, Document, Optional[Listing]) -> None
        # Not by assignment, which would mark changes
        self.__dict__.update(
            client=getattr(parent, 'client', parent), parent=parent,
            _key=None if None in key else key, _document=document,
            _listing=listing)

    @classmethod
    def known(cls, parent, key, document=None, listing=None):
        # type: (Type[T], Any, Any, Any, Any) -> T
        """Make the object for what a manager knows of it.

        :param parent: the client, or the object that it belongs to.
        :param key: the values of `key_names`; ``(None,)`` where the server
            has yet to tell them.
        :param document: its `Document`, if it is loaded.
        :param listing: the `Listing` of the objects listed together.
        """
        made = cls.__new__(cls)
        made._initialize(parent, key, document or Document(), listing)
        return made

    @property
    def _status(self):
        # type: () -> Any
        document = self._document
        return '' if document.stale else document.seen.get('status') or ''

    def __getstate__(self):
        # type: () -> Dict[str, Any]
        # A copy has a document of its own, and loads by itself
        return dict(
            self.__dict__, _listing=None, _document=self._document.clone())

    def __setstate__(self, state):
        # type: (Dict[str, Any]) -> None
        self.__dict__.update(state)
        for value in state.values():
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Operation):
                    each.attach(self.client)  # a pickle leaves the client out

    # -- attributes

    def get_attribute(self, name):
        # type: (str) -> Any
        """Return the value of a field; load the object if it is not known.

        ``container.get_attribute('class')`` reads fields whose names are
        words of Python.
        """
        if name in self.key_names:
            if self._key is None:
                self._finish_creation()
            return self._key and self._key[self.key_names.index(name)]
        document = self._document
        if not document.is_loaded(name):
            self._load()
        declared = self.__attributes__.get(name)
        return document.read(name, declared is None or not declared.readonly)

    def set_attribute(self, name, value):
        # type: (str, Any) -> None
        """Set the value of a field, to be sent by the next save."""
        self._document.assign(name, value)

    def was_read(self, name):
        # type: (str) -> bool
        """Tell whether the value of a field was handed out or assigned."""
        return self._document.was_read(name)

    if TYPE_CHECKING:
        # The methods of the manager that `add_class_methods` adds
        create = None  # type: ClassVar[Any]

        @classmethod
        def get(cls, client, name):
            # type: (Type[T], Any, str) -> T
            """See `Manager.get`."""

        @classmethod
        def all(cls, client):
            # type: (Type[T], Any) -> List[T]
            """See `Manager.all`."""

        @classmethod
        def exists(cls, client, name):
            # type: (Any, str) -> bool
            """See `Manager.exists`."""
    else:
        # Hidden from type checkers, which thus find misspelt names; they
        # know undeclared fields of the server by `get_attribute` alone
        def __getattr__(self, name):
            if not name.startswith('_') and self._document.has(name):
                return self.get_attribute(name)
            raise AttributeError('{} has no attribute {!r}: {}'.format(
                type(self).__name__, name,
                'the server sent none either' if self._document.complete else
                'nor is a field of that name loaded; sync() loads them'))

        def __setattr__(self, name, value):
            if name.startswith('_') or name in (
                    'client', 'operation') or hasattr(type(self), name):
                super(Model, self).__setattr__(name, value)
            elif self._document.has(name):
                self.set_attribute(name, value)
            else:
                self.__getattr__(name)  # raises, and says why

    def __dir__(self):
        # type: () -> List[str]
        return sorted(set(dir(type(self))) | set(self.__dict__)
                      | set(self._document.seen))

    def __iter__(self):
        # type: () -> Iterator[Tuple[str, Any]]
        """Yield the name and the value of each declared attribute."""
        for name in self.__attributes__:
            yield name, getattr(self, name)

    def marshall(self, skip_readonly=True):
        # type: (bool) -> Dict[str, Any]
        """Return the attributes as a dict that can be sent.

        :param skip_readonly: leave out what the server does not let be set.
        """
        return {name: getattr(self, name)
                for name, declared in self.__attributes__.items()
                if not (skip_readonly and declared.readonly)}

    @property
    def dirty(self):
        # type: () -> bool
        """Whether there are local changes that are not saved."""
        return bool(self._document.changed)

    # -- loading

    def sync(self, rollback=False):
        # type: (bool) -> None
        """Load what the server has now, and keep the local changes.

        A later save overwrites what others have changed until now.

        :param rollback: drop the local changes as well.
        :raises NotFound: the object is not there any more.

        Endpoint: ``GET`` on the object.
        """
        document = self._document
        if self._finish_save():  # which has loaded it
            document.accept(document.seen, document.etag, mine_wins=True)
        else:
            document.accept(*self._fetch(), mine_wins=True)
        if rollback:
            document.revert()
        self.__dict__['_listing'] = None

    def rollback(self):
        # type: () -> None
        """Drop the local changes, and load what the server has now.

        :raises NotFound: the object is not there any more.

        Endpoint: ``GET`` on the object.
        """
        self.sync(rollback=True)

    def _load(self):
        # type: () -> None
        """Load an object that is not, or no longer, known as a whole."""
        if self._finish_save():
            return
        representation = self._listing and self._key and self._listing.take(
            self._key)
        etag = None
        if not representation:
            representation, etag = self._fetch()
        self._document.accept(representation, etag)
        self.__dict__['_listing'] = None

    def _fetch(self):
        # type: () -> Tuple[Dict[str, Any], Any]
        """Ask the server for the representation and its ETag."""
        response = self.ensure_ready().get()
        return rest.metadata(response), response.headers.get('ETag')

    def _expire(self):
        # type: () -> None
        """Note that the server has changed the object."""
        self._document.expire()
        self.__dict__['_listing'] = None

    # -- requests

    def ensure_ready(self):
        # type: () -> Node
        """Return the node, when the object is created and has its name.

        :raises LXDAPIExtensionNotAvailable: the server has no such objects.
        :raises OperationFailed: the object could not be created.
        """
        if self.extension:
            self.client.dialect.need(self.extension)
        if isinstance(self.parent, Model):
            self.parent.ensure_ready()
        self._finish_creation()
        self._finish_rename()
        return self.api

    def _ready_to_change(self):
        # type: () -> Node
        """Return the node, when no change of this object goes on."""
        if self.write_extension:
            self.client.dialect.need(self.write_extension)
        self.ensure_ready()
        self._finish_save()
        return self.api

    def _keep_operation(self, response):
        # type: (requests.Response) -> Optional[Operation]
        """Keep the operation that a call on this object started.

        :return: the operation; None where the server did it at once.
        """
        operation = Operation.from_response(self.client, response)
        if operation is not None:
            self.operation = operation
        return operation

    def _start_operation(self, response, wait=False):
        # type: (requests.Response, bool) -> Optional[Operation]
        """Keep the operation that a call started, and wait if asked to.

        :param wait: return when the operation has ended.
        :raises OperationFailed: the operation failed.
        """
        operation = self._keep_operation(response)
        if operation is not None and (wait or self.synchronous):
            operation.wait()
        return operation

    def created_by(self, operation, wait=False):
        # type: (Optional[Operation], bool) -> None
        """Note the operation that creates this object.

        :param wait: return when the object is there.
        :raises OperationFailed: it could not be created.
        """
        if operation is not None:
            self.operation = self._creation = operation
            if wait or self.synchronous:
                operation.wait()
                self._finish_creation()

    def _finish_creation(self):
        # type: () -> None
        operation = self._creation
        if operation is None:
            return
        try:
            if not operation.await_end():
                raise operation.failure()
        except exceptions.NotFound:
            pass  # it ended a while ago: the object is there, or is not
        if self._key is None:
            self._key = self._created_key(operation)
        self._creation = None

    def _created_key(self, operation):
        # type: (Operation) -> Tuple[Any, ...]
        """Return the key that the server has chosen."""
        raise exceptions.LXDException(
            '{!r} does not say what it made'.format(operation))

    def _finish_rename(self):
        # type: () -> None
        """Learn how a rename ended that was not waited for."""

    def _finish_save(self):
        # type: () -> bool
        """Learn how a save ended that was not waited for.

        :return: whether the object was loaded for that.
        """
        return False

    def post(self, json=None, wait=False):
        # type: (Optional[Dict[str, Any]], bool) -> requests.Response
        """POST to the object.

        :param json: the body.
        :param wait: return when the operation that it starts has ended.
        """
        response = self._ready_to_change().post(json=json)
        self._start_operation(response, wait)
        return response
