"""Operations: what the server does in the background."""
import six

from pylxd import exceptions
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, List, Optional, Set
    from pylxd.core.context import Context

#: Seconds by which the server's answer to a wait may be late.
LATE = 10
#: The fields of an operation that hold text.
TEXTS = ('id', 'created_at', 'updated_at', 'status', 'description', 'err')
#: Status codes of the API; lower ones are those of operations that go on.
SUCCESS, FAILURE, CANCELLED = 200, 400, 401


class Operation(object):
    """A background operation, as the server describes it.

    The server forgets an operation about five seconds after its end.

    Endpoint: ``/1.0/operations/ID``.
    """

    id = ''
    #: ``task``, ``websocket`` or ``token``; readable as ``class`` too.
    class_ = ''  # type: str
    created_at = ''
    updated_at = ''
    status = ''
    status_code = 0
    #: URLs of the objects that the operation works on, by their kind.
    resources = None  # type: Optional[Dict[str, List[str]]]
    #: The operation's result, progress or websocket secrets.
    metadata = None  # type: Any
    may_cancel = False
    err = ''
    description = ''
    location = ''

    #: Whether `wait` has raised the failure of this operation.
    failure_was_raised = False  # type: bool

    def __init__(self, client=None, **attributes):
        # type: (Optional[Context], **Any) -> None
        self._client = client
        self._answer = None  # type: Optional[requests.Response]
        self._update(attributes)

    @classmethod
    def from_response(cls, client, response):
        # type: (Context, requests.Response) -> Optional[Operation]
        """Return the operation that a request started, None if it is done.

        Newer servers answer requests asynchronously that older ones answer
        synchronously: any write may be answered either way.
        """
        if rest.envelope(response)['type'] != 'async':
            return None
        return cls(client)._describe(rest.metadata(response), response)

    def _update(self, attributes):
        # type: (Dict[str, Any]) -> None
        self.class_ = attributes.get('class', self.class_)
        self.__dict__.update(
            (name, value) for name, value in attributes.items()
            # No server may replace a method or the client
            if not name.startswith('_')
            and name not in ('affected_urls', 'ended', 'failure_was_raised',
                             'path', 'running')
            and not callable(getattr(type(self), six.ensure_str(name), None)))

    def _describe(self, document, response):
        # type: (Any, requests.Response) -> Operation
        """Take the fields of a document of the server.

        :raises InvalidResponse: the document describes no operation.
        """
        parts = [document] + [isinstance(document, dict) and (
            document.get(name) or {}) for name in ('metadata', 'resources')]
        if not (all(isinstance(part, dict) for part in parts)
                and all(isinstance(urls, list) for urls in parts[-1].values())
                and all(isinstance(document.get(name, ''), six.string_types)
                        for name in TEXTS)
                and isinstance(document.get('status_code', 0), int)):
            raise exceptions.InvalidResponse(response)
        self._update(document)
        self._answer = response
        return self

    def __getstate__(self):
        # type: () -> Dict[str, Any]
        # An exception may carry the operation to a place without its server
        return dict(self.__dict__, _client=None, _answer=None)

    def attach(self, client):
        # type: (Context) -> None
        """Give the operation the client that it asks."""
        self._client = client

    def __repr__(self):
        # type: () -> str
        return '<Operation {}: {}>'.format(
            exceptions.printable(self.id),
            exceptions.printable(self.status or 'unknown'))

    @classmethod
    def get(cls, client, operation_id):
        # type: (Context, str) -> Operation
        """Get an operation.

        :param operation_id: its id, path, or URL.
        :raises NotFound: there is none, or it ended a while ago.

        Endpoint: ``GET /1.0/operations/ID``.
        """
        node = client.api.operations[cls.extract_operation_id(operation_id)]
        response = node.get()
        return cls(client)._describe(rest.metadata(response), response)

    @classmethod
    def all(cls, client):
        # type: (Context) -> List[Operation]
        """Get all operations that the server remembers.

        Endpoint: ``GET /1.0/operations?recursion=1``.
        """
        response = client.api.operations.get(params={'recursion': 1})
        by_status = rest.metadata(response)
        if not all(isinstance(some, list) for some in by_status.values()):
            raise exceptions.InvalidResponse(response)
        return [cls(client)._describe(each, response)
                for some in by_status.values() for each in some]

    @classmethod
    def wait_for_operation(cls, client, operation_id, timeout=None):
        # type: (Context, str, Optional[float]) -> Operation
        """Wait for the end of an operation, with one request.

        :param operation_id: its id, path, or URL.
        :param timeout: seconds; None waits as long as it takes.
        :return: the operation as it ended.
        :raises OperationFailed: it failed or was cancelled.
        :raises OperationTimeout: it goes on.

        Endpoint: ``GET /1.0/operations/ID/wait``.
        """
        operation = cls(client, id=cls.extract_operation_id(operation_id))
        operation.wait(timeout)
        return operation

    @staticmethod
    def extract_operation_id(operation_id):
        # type: (str) -> str
        """Return the id in an id, path or URL of an operation."""
        path = operation_id.partition('?')[0]
        return path.rstrip('/').rpartition('/operations/')[2].split('/')[0]

    @property
    def running(self):
        # type: () -> bool
        """Whether the operation had not ended when it was last seen."""
        return 100 <= self.status_code < 200

    @property
    def ended(self):
        # type: () -> bool
        """Whether the operation is known to have ended."""
        return self.status_code >= SUCCESS

    @property
    def affected_urls(self):
        # type: () -> Set[str]
        """The paths of the objects that the operation works on."""
        if self._client is None:
            return set()
        return self._client.dialect.affected_urls(
            {'resources': self.resources, 'metadata': self.metadata})

    def overlaps(self, other):
        # type: (Operation) -> bool
        """Tell whether two operations ran at the same time."""
        return self.id != other.id and (
            self.running or _instant(self.updated_at)
            > _instant(other.created_at))

    def is_younger_than(self, timestamp):
        # type: (str) -> bool
        """Tell whether the operation started after a time of the server's."""
        return bool(_instant(self.created_at) > _instant(timestamp))

    def wait(self, timeout=None):
        # type: (Optional[float]) -> bool
        """Wait for the end; the attributes are then what it ended with.

        :param timeout: seconds; None waits as long as it takes.
        :return: True, so that the call can stand in a condition.
        :raises OperationFailed: the operation failed or was cancelled, with
            the server's reason.
        :raises OperationTimeout: the operation goes on.
        :raises NotFound: the operation ended a while ago.
        :raises ConnectionTimeout: the server does not answer, `LATE`
            seconds after the ``timeout``.

        Endpoint: ``GET /1.0/operations/ID/wait``.
        """
        if self.await_end(timeout):
            return True
        self.failure_was_raised = True
        raise self.failure()

    def await_end(self, timeout=None):
        # type: (Optional[float]) -> bool
        """Wait like `wait`, but return False where the operation failed.

        :raises OperationTimeout: the operation goes on.
        :raises NotFound: the operation ended a while ago.
        """
        if not self.ended:
            self._ask_for_end(timeout)
            if not self.ended and timeout is not None:
                raise exceptions.OperationTimeout(
                    '{!r} did not end within {} s'.format(self, timeout),
                    operation=self)
        return self.status_code == SUCCESS

    def failure(self):
        # type: () -> exceptions.OperationFailed
        """Make the exception that tells how the operation failed."""
        return exceptions.OperationFailed(self._answer, operation=self)

    def _ask_for_end(self, timeout):
        # type: (Optional[float]) -> None
        params, within = {}, None  # type: Dict[str, int], Optional[int]
        if timeout is not None:
            params['timeout'] = max(int(timeout), 1)
            within = params['timeout'] + LATE
        # No byte comes while the server waits: no other limit applies
        response = self._node.wait.get(
            params=params, timeout=within, is_api=False)
        body = rest.envelope(response)
        # Status 200 says nothing: only the body tells how it went, and
        # Incus 6.0 puts an error there without the operation.
        if body['type'] != 'error':
            self._describe(rest.metadata(response), response)
        elif timeout is not None and body.get(
                'error') == 'context deadline exceeded':
            response = self._node.get()
            self._describe(rest.metadata(response), response)
        else:
            self._update({'status': 'Failure', 'status_code': FAILURE,
                          'err': body.get('error') or 'no reason was given'})
            self._answer = response

    def cancel(self):
        # type: () -> None
        """Ask the server to give the operation up.

        :raises LXDAPIException: this kind cannot be cancelled.

        Endpoint: ``DELETE /1.0/operations/ID``.
        """
        self._node.delete()

    @property
    def path(self):
        # type: () -> str
        """The path of the operation's URL."""
        return self._node.path

    @property
    def _node(self):
        # type: () -> rest.Node
        if self._client is None:
            raise TypeError('{!r} was made without a client'.format(self))
        return self._client.api.operations[self.id]


class Operations(object):
    """The server's operations: ``client.operations``."""

    def __init__(self, client):
        # type: (Context) -> None
        self._client = client

    def get(self, operation_id):
        # type: (str) -> Operation
        """Get an operation: see `Operation.get`."""
        return Operation.get(self._client, operation_id)

    def all(self):
        # type: () -> List[Operation]
        """Get all operations: see `Operation.all`."""
        return Operation.all(self._client)

    def wait_for_operation(self, operation_id, timeout=None):
        # type: (str, Optional[float]) -> Operation
        """Wait for an operation: see `Operation.wait_for_operation`."""
        return Operation.wait_for_operation(
            self._client, operation_id, timeout)


def _instant(timestamp):
    # type: (str) -> Any
    """Make a server's time comparable: Go cuts zeros at the end."""
    seconds, _, fraction = timestamp.rstrip('Z').partition('.')
    return seconds, fraction.ljust(9, '0')
