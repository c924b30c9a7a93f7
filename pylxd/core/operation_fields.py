"""The fields of an operation, as the server sent them."""
import six

from pylxd import exceptions
from pylxd.core import merge

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, List, Optional, Tuple, TypeVar
    T = TypeVar('T', bound='OperationFields')

#: The fields of an operation whose values are text.
TEXTS = ('id', 'created_at', 'updated_at', 'status', 'description', 'err')
#: The status codes of ended operations; those of running ones are lower.
SUCCESS, FAILURE, CANCELLED = 200, 400, 401
#: The status codes by the status, for responses that have no code.
STATUS_CODES = {
    'Running': 103, 'Pending': 105, 'Success': SUCCESS, 'Failure': FAILURE,
    'Cancelled': CANCELLED}  # type: Dict[str, int]


class OperationFields(object):
    """The fields that the server sent last for an operation; no requests."""

    id = ''  # type: str
    #: ``task``, ``websocket`` or ``token``: the field ``class``.
    class_ = ''  # type: str
    created_at = ''
    updated_at = ''
    status = ''
    status_code = 0  # type: int
    #: The URLs of the objects that the operation changes, by their kind.
    resources = None  # type: Optional[Dict[str, List[str]]]
    #: The operation's result, progress or websocket secrets.
    metadata = None  # type: Any
    may_cancel = False
    err = ''
    description = ''
    location = ''

    #: Whether `wait` has raised the failure of this operation.
    failure_was_raised = False  # type: bool

    # The response with the fields; None if the caller gave them
    _response = None  # type: Optional[requests.Response]

    def _update(self, attributes):
        # type: (Dict[str, Any]) -> None
        self.class_ = attributes.get('class', self.class_)
        self.__dict__.update(
            (name, value) for name, value in attributes.items()
            # No field of a server may replace a method or the client
            if not name.startswith('_')
            and name not in ('affected_urls', 'ended', 'failure_was_raised',
                             'path', 'running')
            and not callable(getattr(type(self), six.ensure_str(name), None)))

    def _update_from(self, document, response):
        # type: (T, Any, requests.Response) -> T
        """Update the fields from a document that the server sent.

        :param response: the response with the document.
        :return: this operation.
        :raises InvalidResponse: the document is not that of an operation.
        """
        parts = [document] + [isinstance(document, dict) and (
            document.get(name) or {}) for name in ('metadata', 'resources')]
        if not (all(isinstance(part, dict) for part in parts)
                and all(isinstance(urls or [], list)
                        for urls in parts[-1].values())
                and all(isinstance(document.get(name, ''), six.string_types)
                        for name in TEXTS)
                and isinstance(document.get('status_code', 0), int)):
            raise exceptions.InvalidResponse(response)
        self._update(document)
        if 'status_code' not in document:
            self.status_code = STATUS_CODES.get(
                document.get('status', ''),
                FAILURE if document.get('err') else self.status_code)
        self._response = response
        return self

    def __repr__(self):
        # type: () -> str
        return '<Operation {}: {}>'.format(
            exceptions.printable(self.id),
            exceptions.printable(self.status or 'unknown'))

    @property
    def secret(self):
        # type: () -> Optional[str]
        """The secret in the ``metadata`` of a token; None without one."""
        secret = (self.metadata or {}).get('secret')  # type: Optional[str]
        return secret

    def to_dict(self):
        # type: () -> Dict[str, Any]
        """Return all fields that the server sent last, as a copy.

        They have the server's names, so that ``class_`` is ``class``. No
        request is made. The ``metadata`` of a command or a token has secrets.
        """
        return {name: merge.copy(value)
                for name, value in self.__dict__.items()
                if not name.startswith('_')
                and name not in ('class_', 'failure_was_raised')}

    @property
    def running(self):
        # type: () -> bool
        """Whether the operation ran when its fields were last loaded."""
        return 100 <= self.status_code < 200

    @property
    def ended(self):
        # type: () -> bool
        """Whether the operation is known to have ended."""
        return self.status_code >= SUCCESS

    def overlaps(self, other):
        # type: (OperationFields) -> bool
        """Return whether another operation ran at the same time."""
        return self.id != other.id and (
            self.running or _parse_time(self.updated_at)
            > _parse_time(other.created_at))

    def is_younger_than(self, timestamp):
        # type: (str) -> bool
        """Return whether the operation started after a time of the server."""
        return bool(_parse_time(self.created_at) > _parse_time(timestamp))


def _parse_time(timestamp):
    # type: (str) -> Tuple[str, str]
    """Return a value that compares as the time: Go omits trailing zeros."""
    seconds, _, fraction = timestamp.rstrip('Z').partition('.')
    return seconds, fraction.ljust(9, '0')
