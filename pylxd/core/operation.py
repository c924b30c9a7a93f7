"""Operations: tasks that the server runs in the background."""
import re

import six
from six.moves import urllib_parse

from pylxd import exceptions
from pylxd.core.operation_fields import (
    CANCELLED, FAILURE, OperationFields, SUCCESS)
from pylxd.core.progress import Reporter
from pylxd.transport import rest
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Callable, Dict, Iterator, List, Optional, Set
    from pylxd.core.context import Context
    from pylxd.core.progress import ProgressArgument
    from pylxd.transport.message_client import MessageClient

#: Seconds that the response to a request with a ``timeout`` may take longer
#: than this timeout.
WAIT_MARGIN = 10


class Operation(OperationFields):
    """A background operation with the fields that the server sent last.

    The server forgets an operation about five seconds after its end.

    Endpoint: ``/1.0/operations/ID``.
    """

    def __init__(self, client=None, **attributes):
        # type: (Optional[Context], **Any) -> None
        self._client = client
        # The path of the request that started the operation
        self._origin = ''  # type: str
        self._update(attributes)

    def __getstate__(self):
        # type: () -> Dict[str, Any]
        # A pickled exception takes its operation to another process
        return dict(self.__dict__, _client=None, _response=None)

    def attach(self, client):
        # type: (Context) -> None
        """Set the client that the operation makes its requests with."""
        self._client = client

    @classmethod
    def from_response(cls, client, response):
        # type: (Context, requests.Response) -> Optional[Operation]
        """Return the operation that a request started.

        Newer servers start operations for requests that older servers answer
        synchronously: each request that changes something may do either.

        :return: the operation; None if the request is complete.
        """
        body = rest.envelope(response)
        if body['type'] != 'async':
            return None
        document = body.get('metadata')
        operation = cls(client)._update_from(
            {} if document is None else document, response)
        if not operation.id and isinstance(
                body.get('operation'), six.string_types):
            try:
                operation.id = cls.extract_operation_id(body['operation'])
            except exceptions.InvalidName:
                pass
        if not operation.id:
            raise exceptions.InvalidResponse(response)
        origin = getattr(getattr(response, 'request', None), 'path_url', None)
        if isinstance(origin, six.string_types):
            operation._origin = origin.partition('?')[0]
        return operation

    @classmethod
    def get(cls, client, operation_id):
        # type: (Context, str) -> Operation
        """Get an operation.

        :param operation_id: the id, path or URL of the operation.
        :raises NotFound: there is no such operation any more.
        :raises InvalidName: this is no id, path or URL of an operation.

        Endpoint: ``GET /1.0/operations/ID``.
        """
        node = client.api.operations[cls.extract_operation_id(operation_id)]
        response = node.get()
        return cls(client)._update_from(rest.metadata(response), response)

    @classmethod
    def all(cls, client, timeout=None, all_projects=False):
        # type: (Context, Optional[float], bool) -> List[Operation]
        """Get all operations that the server remembers.

        :param timeout: seconds to wait for the server at most; None takes
            the client's timeout. A member of a cluster that hangs delays
            the list.
        :param all_projects: get those of all projects, which needs
            ``operations_get_query_all_projects``.

        Endpoint: ``GET /1.0/operations?recursion=1``.
        """
        options = {} if timeout is None else {'timeout': timeout}
        params = {'recursion': '1'}
        if all_projects:
            client.dialect.need('operations_get_query_all_projects')
            params['all-projects'] = 'true'
        response = client.api.operations.get(params=params, **options)
        by_status = rest.metadata(response)
        if not all(isinstance(some, list) for some in by_status.values()):
            raise exceptions.InvalidResponse(response)
        return [cls(client)._update_from(each, response)
                for some in by_status.values() for each in some]

    @classmethod
    def wait_for_operation(cls,
                           client,  # type: Context
                           operation_id,  # type: str
                           timeout=None,  # type: Optional[float]
                           progress=None,  # type: ProgressArgument
                           ):
        # type: (...) -> Operation
        """Wait for the end of an operation.

        :param operation_id: the id, path or URL of the operation.
        :param timeout: seconds to wait at most; None waits for ever.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :return: the ended operation.
        :raises OperationFailed: the operation failed or was cancelled.
        :raises OperationTimeout: the operation has not ended in that time.

        Endpoint: ``GET /1.0/operations/ID/wait``.
        """
        operation = cls(client, id=cls.extract_operation_id(operation_id))
        operation.wait(timeout, progress)
        return operation

    @staticmethod
    def extract_operation_id(operation_id):
        # type: (str) -> str
        """Return the id of an operation from its id, path or URL.

        :raises InvalidName: it is none of them.
        :raises TypeError: it is no text.
        """
        if not isinstance(operation_id, (bytes, six.text_type)):
            raise TypeError('the id or path of an operation must be text, '
                            'not {!r}'.format(operation_id))
        match = re.match(
            r'(?:[^?]*/operations/)?([^/?]+)(?:/wait|/websocket)?/?(?:\?|$)',
            six.ensure_str(operation_id))
        if not match:
            raise exceptions.InvalidName(
                '{!r} is no id of an operation, nor its path, such as '
                '/1.0/operations/ID'.format(operation_id))
        return match.group(1)

    @property
    def affected_urls(self):
        # type: () -> Set[str]
        """The paths of the objects that the operation changes."""
        if self._client is None:
            return set()
        return self._client.dialect.affected_urls(
            {'resources': self.resources, 'metadata': self.metadata})

    def sync(self):
        # type: () -> None
        """Load the fields of the operation as they are now.

        :raises NotFound: the server has forgotten the operation.

        Endpoint: ``GET /1.0/operations/ID``.
        """
        response = self._node.get()
        self._update_from(rest.metadata(response), response)

    def websocket(self, secret):
        # type: (str) -> MessageClient
        """Connect to a websocket of the operation.

        :param secret: one of the secrets in the operation's ``metadata``.
        :return: the connected websocket: ``recv()`` returns the next
            message, ``send(data)`` sends one, ``close()`` ends it.
        :raises LXDAPIException: the server refused the secret.

        Endpoint: ``GET /1.0/operations/ID/websocket``.
        """
        # Imported late: a third of import time
        from pylxd.transport import message_client, websocket
        connection = websocket.make(
            self._attached().transport, self.websocket_path(secret),
            message_client.MessageClient)
        connection.connect()
        return connection

    def websocket_path(self, secret):
        # type: (str) -> str
        """Return the path of a websocket of the operation, with its secret.

        :param secret: one of the secrets in the operation's ``metadata``.
        """
        query = urllib_parse.urlencode({'secret': six.ensure_binary(secret)})
        return '{}/websocket?{}'.format(self.path, query)

    def wait(self, timeout=None, progress=None):
        # type: (Optional[float], ProgressArgument) -> bool
        """Wait for the end of the operation, and load its last fields.

        :param timeout: seconds to wait at most; None waits for ever.
        :param progress: a function that is called with each `Progress`, or
            True for a bar. Servers are asked for it once a second; most
            operations have none.
        :return: True.
        :raises OperationFailed: the operation failed or was cancelled; the
            message is the server's reason.
        :raises OperationTimeout: the operation has not ended in that time.
        :raises NotFound: the server has forgotten the operation.
        :raises ConnectionTimeout: the server has not answered `WAIT_MARGIN`
            seconds after the ``timeout``.

        Endpoint: ``GET /1.0/operations/ID/wait``.
        """
        if self.await_end(timeout, progress):
            return True
        self.failure_was_raised = True
        raise self.failure()

    def await_end(self, timeout=None, progress=None):
        # type: (Optional[float], ProgressArgument) -> bool
        """Wait like `wait`, but return False if the operation failed.

        :raises OperationTimeout: the operation has not ended in that time.
        :raises NotFound: the server has forgotten the operation.
        """
        if not self.ended:
            with Reporter(progress) as reporter:
                if reporter.is_active:
                    self._report_until_end(timeout, reporter)
                else:
                    self._request_end(timeout)
            if not self.ended and timeout is not None:
                raise exceptions.OperationTimeout(
                    '{!r} did not end within {} s, and goes on'.format(
                        self, timeout),
                    operation=self)
        return self.status_code == SUCCESS

    def _report_until_end(self, timeout, reporter):
        # type: (Optional[float], Reporter) -> None
        """Wait, and report the progress after each second."""
        deadline = None if timeout is None else clock() + timeout
        while not (self.ended or deadline is not None and clock() > deadline):
            self._request_end(1)
            reporter.report_operation(self.metadata)
        if self.status_code == SUCCESS:
            reporter.report_success()

    def failure(self):
        # type: () -> exceptions.OperationFailed
        """Return the exception for the failure of the operation."""
        reason = self.err or 'the server gave no reason'
        if self.status_code == CANCELLED:
            reason = 'the operation was cancelled' + (
                self.err and ': ' + self.err)
        # LXD names containers by two paths
        urls = {url.replace('/containers/', '/instances/')
                for url in self.affected_urls}
        # An operation that renames a project names no object
        if not urls and self._origin:
            urls = {self._origin}
        return exceptions.OperationFailed(
            self._response, operation=self, reason=reason, urls=sorted(urls))

    def _request_end(self, timeout):
        # type: (Optional[float]) -> None
        params, within = {}, None  # type: Dict[str, int], Optional[int]
        if timeout is not None:
            params['timeout'] = max(int(timeout), 1)
            within = params['timeout'] + WAIT_MARGIN
        # The server sends nothing while it waits, so the client's timeout
        # for reads must not apply
        self.load_end(lambda: self._node.wait.get(
            params=params, timeout=within, is_api=False))

    def load_end(self, wait):
        # type: (Callable[[], requests.Response]) -> None
        """Load the last fields from the response to a wait.

        :param wait: a function that returns the response of ``.../wait``, or
            raises the exception for it.
        """
        try:
            response = wait()
            body = rest.envelope(response)
            if body['type'] == 'error':
                raise exceptions.LXDAPIException(response)
        except exceptions.InvalidResponse:
            raise
        except exceptions.LXDAPIException as error:
            if not self._load_after(error):
                raise
            return
        document = body.get('metadata')
        if document in (None, {}):
            document = {'status': 'Success'}
        self._update_from(document, response)

    def _load_after(self, refusal):
        # type: (exceptions.LXDAPIException) -> bool
        """Load the operation after a wait that was answered by an error.

        LXD 5.0.2 and Incus 7 answer a wait with the operation. LXD of Debian
        13 (status 500) and Incus 6.0 (status 200) answer it with the error of
        an operation that failed, and with one when the time is over.

        :return: False if the error is not that of the operation.
        """
        try:
            self.sync()
        except exceptions.NotFound:
            if refusal.response.status_code != 200:
                return False
            self._update({'status': 'Failure', 'status_code': FAILURE,
                          'err': refusal.message})
            self._response = refusal.response
            return True
        return self.ended or refusal.message == 'context deadline exceeded'

    def cancel(self):
        # type: () -> None
        """Ask the server to cancel the operation.

        :raises LXDAPIException: this operation cannot be cancelled.

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
        return self._attached().api.operations[self.id]

    def _attached(self):
        # type: () -> Context
        """Return the client of the operation.

        :raises TypeError: the operation has none.
        """
        if self._client is None:
            raise TypeError(
                '{!r} cannot make requests, as it was created without a '
                'client: use Operation.get(client, id)'.format(self))
        return self._client


class Operations(object):
    """The operations of the server: ``client.operations``."""

    def __init__(self, client):
        # type: (Context) -> None
        self._client = client

    def __iter__(self):
        # type: () -> Iterator[Operation]
        return iter(self.all())

    def get(self, operation_id):
        # type: (str) -> Operation
        """Get an operation: see `Operation.get`."""
        return Operation.get(self._client, operation_id)

    def all(self, all_projects=False):
        # type: (bool) -> List[Operation]
        """Get all operations: see `Operation.all`."""
        return Operation.all(self._client, all_projects=all_projects)

    def wait_for_operation(self, operation_id, timeout=None, progress=None):
        # type: (str, Optional[float], ProgressArgument) -> Operation
        """Wait for an operation: see `Operation.wait_for_operation`."""
        return Operation.wait_for_operation(
            self._client, operation_id, timeout, progress)
