"""What the server does in the background: waiting for it, cancelling it."""
import six

from pylxd import exceptions
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, List, Optional
    from pylxd.client import Client

#: Seconds by which the answer to a wait may be late.
LATE = 10
#: What is text in all that the server says of one.
TEXTS = ('id', 'created_at', 'updated_at', 'status', 'description', 'err')
#: Status codes of the API.
SUCCESS, FAILURE, CANCELLED = 200, 400, 401


class Operation(object):
    """A background operation, as the server describes it.

    The server forgets it about five seconds after its end.

    Endpoint: ``/1.0/operations/ID``.
    """

    id = ''
    #: ``task``, ``websocket`` or ``token``; readable as ``class`` too.
    class_ = ''
    created_at = ''
    updated_at = ''
    status = ''
    status_code = 0
    #: URLs by kind of what it works on.
    resources = None  # type: Optional[Dict[str, List[str]]]
    #: Its result, progress or websocket secrets.
    metadata = None  # type: Any
    may_cancel = False
    err = ''
    description = ''
    location = ''

    def __init__(self, client=None, **attributes):
        # type: (Optional[Client], **Any) -> None
        self._client = client
        self._update(attributes)

    def _update(self, attributes):
        # type: (Dict[str, Any]) -> None
        self.class_ = attributes.get('class', self.class_)
        self.__dict__.update(
            (name, value) for name, value in attributes.items()
            # No server may replace a method or the client
            if not name.startswith('_') and name != 'path'
            and not callable(getattr(type(self), six.ensure_str(name), None)))

    def _take(self, document, response):
        # type: (Any, requests.Response) -> Operation
        """Become what a document of the server describes.

        :raises InvalidResponse: it describes no operation.
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
        return self

    def __getstate__(self):
        # type: () -> Dict[str, Any]
        # Exceptions carry it to other processes, where no client can go
        return dict(self.__dict__, _client=None)

    def __repr__(self):
        # type: () -> str
        return '<Operation {}: {}>'.format(
            exceptions.printable(self.id),
            exceptions.printable(self.status or 'unknown'))

    @classmethod
    def get(cls, client, operation_id):
        # type: (Client, str) -> Operation
        """Get an operation.

        :param operation_id: its id, path, or URL.
        :raises NotFound: it never was, or ended a while ago.

        Endpoint: ``GET /1.0/operations/ID``.
        """
        node = client.api.operations[cls.extract_operation_id(operation_id)]
        response = node.get()
        return cls(client)._take(rest.metadata(response), response)

    @classmethod
    def all(cls, client):
        # type: (Client) -> List[Operation]
        """Get all operations that the server remembers.

        Endpoint: ``GET /1.0/operations?recursion=1``.
        """
        response = client.api.operations.get(params={'recursion': 1})
        by_status = rest.metadata(response)
        if not all(isinstance(some, list) for some in by_status.values()):
            raise exceptions.InvalidResponse(response)
        return [cls(client)._take(each, response)
                for some in by_status.values() for each in some]

    @classmethod
    def wait_for_operation(cls, client, operation_id, timeout=None):
        # type: (Client, str, Optional[float]) -> Operation
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
        """The id in an id, path or URL of an operation."""
        path = operation_id.partition('?')[0]
        return path.rstrip('/').rpartition('/operations/')[2].split('/')[0]

    @property
    def running(self):
        # type: () -> bool
        """Whether it had not ended when it was last seen."""
        return 100 <= self.status_code < 200

    def overlaps(self, other):
        # type: (Operation) -> bool
        """Whether both ran at the same time, as far as is known."""
        return self.id != other.id and (
            self.running or _instant(self.updated_at)
            > _instant(other.created_at))

    def wait(self, timeout=None):
        # type: (Optional[float]) -> bool
        """Wait for the end; the attributes are then what it ended with.

        :param timeout: seconds; None waits as long as it takes.
        :return: True, so that it can stand in a condition.
        :raises OperationFailed: with the server's reason.
        :raises OperationTimeout: it goes on.
        :raises ConnectionTimeout: the server does not answer, `LATE`
            seconds after the ``timeout``.

        Endpoint: ``GET /1.0/operations/ID/wait``.
        """
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
            self._take(rest.metadata(response), response)
        elif timeout is not None and body.get(
                'error') == 'context deadline exceeded':
            response = self._node.get()
            self._take(rest.metadata(response), response)
        else:
            self._update({'status': 'Failure', 'status_code': FAILURE,
                          'err': body.get('error') or 'no reason was given'})
        self._judge(response, timeout)
        return True

    def _judge(self, response, timeout):
        # type: (requests.Response, Optional[float]) -> None
        if self.status_code == SUCCESS:
            return
        if self.status_code in (FAILURE, CANCELLED) or timeout is None:
            raise exceptions.OperationFailed(response, operation=self)
        raise exceptions.OperationTimeout(
            '{!r} did not end within {} s'.format(self, timeout),
            operation=self)

    def cancel(self):
        # type: () -> None
        """Ask the server to give it up.

        :raises LXDAPIException: this kind cannot be cancelled.

        Endpoint: ``DELETE /1.0/operations/ID``.
        """
        self._node.delete()

    @property
    def path(self):
        # type: () -> str
        """Its place in the URL."""
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
        # type: (Client) -> None
        self._client = client

    def get(self, operation_id):
        # type: (str) -> Operation
        """See `Operation.get`."""
        return Operation.get(self._client, operation_id)

    def all(self):
        # type: () -> List[Operation]
        """See `Operation.all`."""
        return Operation.all(self._client)

    def wait_for_operation(self, operation_id, timeout=None):
        # type: (str, Optional[float]) -> Operation
        """See `Operation.wait_for_operation`."""
        return Operation.wait_for_operation(
            self._client, operation_id, timeout)


def begun(client, response, wait=False):
    # type: (Client, requests.Response, bool) -> Optional[Operation]
    """The operation that an answer has begun; None where all is done.

    Newer servers answer asynchronously what older ones did at once: both
    are right for any write.

    :param wait: return at its end only.
    """
    if rest.envelope(response)['type'] != 'async':
        return None
    operation = Operation(client)._take(rest.metadata(response), response)
    if wait:
        operation.wait()
    return operation


def _instant(timestamp):
    # type: (str) -> Any
    """A time of one server, comparable: Go cuts zeros at the end."""
    seconds, _, fraction = timestamp.rstrip('Z').partition('.')
    return seconds, fraction.ljust(9, '0')
