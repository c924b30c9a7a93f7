"""The base class of all models: loading, creation, requests."""
import logging

from pylxd import exceptions
from pylxd.core.deprecated import deprecated
from pylxd.core.document import Document
from pylxd.core.fields import Fields
from pylxd.core.operation import Operation
from pylxd.transport import rest
from pylxd.transport.dialect import is_missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, List, Optional, Tuple
    from typing import Type, TypeVar, Union
    from pylxd.client import Client
    from pylxd.core.context import Context
    from pylxd.core.listing import Listing
    from pylxd.core.progress import ProgressArgument
    from pylxd.transport.rest import Node
    T = TypeVar('T', bound='Model')

_logger = logging.getLogger('pylxd')


def warn(text, *values):
    # type: (str, *Any) -> None
    """Log a warning as one line, even if the server sent several lines.

    :param text: the format of the message.
    :param values: its arguments; control characters in them are escaped.
    """
    _logger.warning(text, *[
        ' '.join(exceptions.printable(each).splitlines()) for each in values])


class Model(Fields):
    """An object on the server.

    The first read of an attribute that is not loaded yet loads the object.
    doc/state.rst describes its states.

    :param client: the `Client` of the object's server.
    :param attributes: fields of the object; at least those of its key.
    """

    #: The exception for an object that does not exist.
    NotFound = exceptions.NotFound
    #: The API extension that all calls need; empty if they need none.
    extension = ''
    #: The API extension that calls which change the object need.
    write_extension = ''
    #: The API extension by which the server filters a list of these objects;
    #: empty if every server would return all of them.
    filter_extension = 'api_filtering_extended'
    #: The API extension by which the server lists the objects of all projects;
    #: empty if the objects are of no project.
    all_projects_extension = ''
    #: Whether each change is complete when its call returns. LXD 5.0 answers
    #: such changes synchronously; newer servers start an operation, for which
    #: the call waits.
    synchronous = False

    #: The last operation that a call on this object started.
    operation = None  # type: Optional[Operation]

    _listing = None  # type: Optional[Listing]
    # The operation that creates the object, until its end is known
    _pending_creation = None  # type: Optional[Operation]

    def __init__(self, client, **attributes):
        # type: (Context, **Any) -> None
        key = tuple(attributes.get(name) for name in self.key_names)
        self._initialize(client, key, Document(attributes))

    def _initialize(self, parent, key, document, listing=None):
        # type: (Any, Tuple[Any, ...], Document, Optional[Listing]) -> None
        # Assignment would record local changes
        self.__dict__.update(
            client=getattr(parent, 'client', parent), parent=parent,
            _key=None if None in key else key, _document=document,
            _listing=listing)

    @classmethod
    def from_key(cls,  # type: Type[T]
                 parent,  # type: Union[Context, Model]
                 key,  # type: Tuple[Any, ...]
                 document=None,  # type: Optional[Document]
                 listing=None,  # type: Optional[Listing]
                 ):
        # type: (...) -> T
        """Return the object with a key, without any request.

        :param parent: the client, or the object that contains it.
        :param key: the values of `key_names`; ``(None,)`` if the server has
            yet to choose a name.
        :param document: the `Document` of the object, if it is loaded.
        :param listing: the `Listing` that can load it with others.
        """
        instance = cls.__new__(cls)
        instance._initialize(parent, key, document or Document(), listing)
        return instance

    @classmethod
    def from_listed(cls, parent, key, representation):
        # type: (Type[T], Any, Tuple[Any, ...], Dict[str, Any]) -> T
        """Return the loaded object that a list has."""
        return cls.from_key(
            parent, key, Document(representation, complete=True))

    def with_client(self, client):
        # type: (T, Client) -> T
        """Return this object as one of another client, not loaded."""
        parent = self.parent.with_client(client) if isinstance(
            self.parent, Model) else client
        return self.from_key(parent, self._key or (None,))

    @property
    def _status(self):
        # type: () -> Any
        document = self._document
        if document.stale:
            return ''
        return document.representation.get('status') or ''

    def __getstate__(self):
        # type: () -> Dict[str, Any]
        # A copy has a document of its own, and is loaded alone
        return dict(
            self.__dict__, _listing=None, _document=self._document.clone())

    def __setstate__(self, state):
        # type: (Dict[str, Any]) -> None
        self.__dict__.update(state)
        for value in state.values():
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, Operation):
                    each.attach(self.client)  # a pickle leaves the client out

    if TYPE_CHECKING:
        # The methods of managers that `add_class_methods` adds to models
        @classmethod
        def create(cls, client, *args, **kwargs):
            # type: (Type[T], Union[Client, Model], *Any, **Any) -> T
            """See the method of the manager."""

        @classmethod
        def get(cls, client, name):
            # type: (Type[T], Union[Client, Model], str) -> T
            """See `Manager.get`."""

        @classmethod
        def all(cls, client, *args, **kwargs):
            # type: (Type[T], Union[Client, Model], *Any, **Any) -> List[T]
            """See `Manager.all`."""

        @classmethod
        def exists(cls, client, name):
            # type: (Union[Client, Model], str) -> bool
            """See `Manager.exists`."""

    # -- loading

    def sync(self, rollback=False):
        # type: (bool) -> None
        """Load the object, and keep the local changes.

        A later save overwrites changes that other clients made until now.

        :param rollback: drop the local changes as well.
        :raises NotFound: the object does not exist any more.

        Endpoint: ``GET`` on the object.
        """
        document = self._document
        if self._finish_save():  # which loaded the object
            representation, etag = document.representation, document.etag
        else:
            representation, etag = self.fetch_representation()
        document.set_representation(representation, etag, overwrite=True)
        if rollback:
            document.revert()
        self.__dict__['_listing'] = None

    @deprecated('sync()')
    def fetch(self):
        # type: () -> None
        """Load the object again: the old name of `sync`."""
        self.sync()

    def rollback(self):
        # type: () -> None
        """Drop the local changes, and load the object.

        :raises NotFound: the object does not exist any more.

        Endpoint: ``GET`` on the object.
        """
        self.sync(rollback=True)

    def _load(self):
        # type: () -> None
        """Load the object, with its whole list where that is faster."""
        if self._finish_save():
            return
        listed, representation, etag = self._listing, None, None
        if listed and self._key:
            representation = listed.find(self._key)
        if not representation:
            try:
                representation, etag = self.fetch_representation()
            except exceptions.NotFound as error:
                if listed is None or is_missing(error):
                    raise
                # A loop over the list goes on
                warn('%s is listed, but its fields are unknown: %s',
                     repr(self), error)
                representation = dict(zip(self.key_names, self._key or ()))
        self._document.set_representation(representation, etag)
        self.__dict__['_listing'] = None

    def fetch_representation(self):
        # type: () -> Tuple[Dict[str, Any], Optional[str]]
        """Request the representation, and return it with its ETag.

        :raises NotFound: the object does not exist.

        Endpoint: ``GET`` on the object.
        """
        response = self.ensure_ready().get()
        return rest.metadata(response), response.headers.get('ETag')

    def _expire(self):
        # type: () -> None
        """Mark the representation as outdated; the next read loads it."""
        self._document.expire()
        self.__dict__['_listing'] = None

    # -- requests

    def ensure_ready(self):
        # type: () -> Node
        """Wait until the object is created and renamed; return its node.

        :raises LXDAPIExtensionNotAvailable: the server has no such objects.
        :raises OperationFailed: the creation of the object failed.
        """
        self.client.dialect.refresh_untrusted()
        if self.extension:
            self.client.dialect.need(self.extension)
        if isinstance(self.parent, Model):
            self.parent.ensure_ready()
        self._finish_creation()
        self._finish_rename()
        return self.api

    def _ready_to_change(self):
        # type: () -> Node
        """Wait until no change of the object is pending; return its node."""
        if self.write_extension:
            self.client.dialect.need(self.write_extension)
        self.ensure_ready()
        self._finish_save()
        return self.api

    def _keep_operation(self, response):
        # type: (requests.Response) -> Optional[Operation]
        """Store the operation that a request on this object started.

        :return: the operation; None if the server started none.
        """
        operation = Operation.from_response(self.client, response)
        if operation is not None:
            self.operation = operation
        return operation

    def _start_operation(self,
                         response,  # type: requests.Response
                         wait=False,  # type: bool
                         progress=None,  # type: ProgressArgument
                         ):
        # type: (...) -> Optional[Operation]
        """Store the operation that a request started; wait for its end.

        :param wait: whether to wait; `synchronous` models always do.
        :param progress: as for `Operation.wait`.
        :return: the operation; None if the server started none.
        :raises OperationFailed: the operation failed.
        """
        operation = self._keep_operation(response)
        if operation is not None and (wait or self.synchronous):
            operation.wait(progress=progress)
        return operation

    def created_by(self, operation, wait=False, progress=None):
        # type: (Optional[Operation], bool, ProgressArgument) -> None
        """Store the operation that creates this object; wait for its end.

        :param operation: the operation; None if the object is created.
        :param wait: whether to wait.
        :param progress: as for `Operation.wait`.
        :raises OperationFailed: the creation failed.
        """
        if operation is not None:
            self.operation = self._pending_creation = operation
            if wait:
                operation.wait(progress=progress)
                self._finish_creation()

    def _finish_creation(self):
        # type: () -> None
        operation = self._pending_creation
        if operation is None:
            return
        is_forgotten = False
        try:
            if not operation.await_end():
                raise operation.failure()
        except exceptions.NotFound:
            is_forgotten = True
        if self._key is None:
            self._key = self._created_key(operation)
        elif is_forgotten:
            self._check_existence()
        self._pending_creation = None

    def _check_existence(self):
        # type: () -> None
        """Raise NotFound if the object does not exist after its creation."""
        try:
            self.api.get()
        except exceptions.NotFound as error:
            error.hint = (
                'its creation failed, or it was deleted since; servers forget '
                'the reason after 5 s: create(..., wait=True) raises it')
            raise

    def _created_key(self, operation):
        # type: (Operation) -> Tuple[Any, ...]
        """Return the key that the server chose for a new object."""
        for url in sorted(operation.affected_urls):
            return (url.rpartition('/')[2],)
        raise exceptions.LXDException(
            'cannot tell the name of the new object: {!r} does not say '
            'it'.format(operation))

    def _finish_rename(self):
        # type: () -> None
        """Wait for the end of a pending rename or move, and record it."""

    def _finish_save(self):
        # type: () -> bool
        """Wait for the end of a pending save, and record how it ended.

        :return: whether the object was loaded for that.
        """
        return False

    def post(self, json=None, wait=False):
        # type: (Optional[Dict[str, Any]], bool) -> requests.Response
        """Send a POST request to the object.

        :param json: the body.
        :param wait: return when the operation that it starts has ended.
        :return: the response.
        :raises LXDAPIException: the server refused.

        Endpoint: ``POST`` on the object.
        """
        response = self._ready_to_change().post(json=json)
        self._start_operation(response, wait)
        return response
