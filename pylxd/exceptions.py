"""The exceptions of the library, in one tree::

    LXDException
     +-- LXDAPIException              the server refused (.response)
     |    +-- NotFound                there is no such object (404)
     |    +-- Conflict                another client changed it (.keys)
     |    +-- OperationFailed         an operation failed (.operation)
     |    +-- InvalidResponse         the response is not from LXD
     +-- ClientConnectionFailed       the server cannot be reached
     |    +-- ConnectionTimeout       the server did not answer in time
     |    +-- StreamBroken            a body or websocket ended early
     +-- OperationTimeout             an operation did not end in time
     |    +-- CommandTimeout          a command did not end in time (.stdout)
     +-- CommandFailed                a command failed (.exit_code, .stderr)
     +-- LXDAPIExtensionNotAvailable  the server lacks an extension
     +-- InvalidName                  no server allows the name
     +-- InvalidCertificate           a certificate or key is unusable
     +-- InvalidRemote                a remote is unknown or unusable

Arguments of a wrong type or value are TypeError and ValueError, as usual.
The exceptions of sockets, TLS and requests are never raised to the caller:
each is raised as one of these, whose message says it all. The original is
``.cause``; tracebacks do not show it.
"""
import re

import six

#: The class of the error for a file where a directory is needed; Python 2
#: knows it by its ``errno`` alone.
NotADirectoryError = getattr(
    six.moves.builtins, 'NotADirectoryError', OSError)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Sequence, Tuple
    import requests
    from pylxd.core.operation import Operation

_SET_LATER = None  # type: Any
# The start of a field of JSON whose value is a secret, and the value
_SECRET = re.compile(r'("[^"]*(?:secret|password)[^"]*": *")[^"]*')
_CONTROL = re.compile(u'[\x00-\x08\x0b-\x1f\x7f-\x9f]')


def printable(text):
    # type: (Any) -> str
    """Return a text whose control characters are escaped.

    A hostile server could send messages that control a terminal.
    """
    if not isinstance(text, (bytes, six.text_type)):
        try:
            text = str(text)
        except UnicodeError:  # on Python 2
            text = six.text_type(text)
    if isinstance(text, bytes):
        text = text.decode('utf-8', 'replace')
    text = _CONTROL.sub(
        lambda match: u'\\x%02x' % ord(match.group()), six.text_type(text))
    return six.ensure_str(text)


class LXDException(Exception):
    """The base class of all exceptions of the library."""

    hint = ''  # what the user may do

    def __init__(self, *args, **state):
        # type: (*Any, **Any) -> None
        super(LXDException, self).__init__(*args)
        #: The exception of a lower layer that this one stands for, or None.
        self.cause = state.pop(
            'cause', None)  # type: Optional[BaseException]
        # Python 3 would print the 40 to 90 lines of the cause's own
        # traceback before the message
        self.__suppress_context__ = self.cause is not None  # type: bool
        self.__dict__.update(state)

    def __str__(self):
        # type: () -> str
        return self._add_hint(' '.join(printable(arg) for arg in self.args))

    def _add_hint(self, text):
        # type: (str) -> str
        return '; '.join(filter(None, [text, printable(self.hint)]))

    def __reduce__(self):
        # type: () -> Any
        # Without the cause, which may not be picklable
        state = dict(self.__dict__)
        state.pop('cause', None)
        return type(self), self.args, state

    def __repr__(self):
        # type: () -> str
        return '{}({!r})'.format(type(self).__name__, str(self))


class LXDAPIException(LXDException):
    """The server sent an error, or an unexpected response.

    ``str()`` is the server's message and the request.
    """

    response = _SET_LATER  # type: requests.Response
    reason = ''  # a message that replaces the one in the response
    subject = ''  # the object, if the path of the request does not name it

    def __init__(self, response, **state):
        # type: (Any, **Any) -> None
        super(LXDAPIException, self).__init__(response, **state)
        self.response = response
        request = getattr(response, 'request', None)  # type: Any
        if getattr(request, 'body', None):
            # What was sent may be a password: no traceback, log or pickle
            # of the exception may carry it.
            response.request = request.copy()
            response.request.body = None

    @property
    def message(self):
        # type: () -> str
        """The message of the server, without the request."""
        if self.reason:
            return printable(self.reason)
        try:
            body = self.response.json()
        except Exception:
            return self._describe_response()
        if isinstance(body, dict):
            metadata = body.get('metadata')
            for text in (isinstance(metadata, dict) and metadata.get('err'),
                         body.get('error')):
                if text:
                    return printable(text)
        return 'HTTP {} without a message'.format(
            getattr(self.response, 'status_code', '?'))

    def _describe_response(self):
        # type: () -> str
        """Return the status and the start of the body."""
        try:
            # Not .text, which would guess the encoding
            text = printable(self.response.content[:200].strip())
            location = self.response.headers.get('Location')
            if location:
                text = 'a redirect to {}, which is not followed'.format(
                    location.partition('?')[0])
            return printable('HTTP {} {}: {}'.format(
                self.response.status_code, self.response.reason,
                _SECRET.sub(r'\1...', text) or 'an empty body'))
        except Exception:
            return 'the response cannot be read'

    @property
    def _request_line(self):
        # type: () -> str
        request = getattr(self.response, 'request', None)  # type: Any
        url = getattr(request, 'url', None)
        if not isinstance(url, six.string_types):
            return ''  # of a mock
        # Without the query, which may hold the secret of an image or operation
        path = re.sub(r'^[^:/]+://[^/]*', '', url).partition('?')[0]
        return printable(' ({} {})'.format(request.method, path))

    def __str__(self):
        # type: () -> str
        subject = printable(self.subject)
        return self._add_hint(''.join([
            subject and subject + ': ', self.message, self._request_line]))


class NotFound(LXDAPIException):
    """The server has no such object (404)."""


class Conflict(LXDAPIException):
    """Another client changed the object meanwhile (409, 412).

    ``keys`` are the keys that both clients changed, such as
    ``config.user.a``; the local changes are kept.
    """

    keys = ()  # type: Tuple[str, ...]

    @property
    def message(self):
        # type: () -> str
        """The keys that both clients changed, or the server's message."""
        if self.keys:
            return (
                'changed here and on the server: {}; to overwrite the server, '
                'call sync() and save again'.format(
                    ', '.join(printable(key) for key in self.keys)))
        return super(Conflict, self).message


class OperationFailed(LXDAPIException):
    """A background operation ended in failure or was cancelled."""

    operation = None  # type: Optional[Operation]
    urls = ()  # type: Sequence[str]  # of the objects of the operation

    @property
    def _request_line(self):
        # type: () -> str
        if not self.urls:
            return super(OperationFailed, self)._request_line
        return printable(' ({})'.format(', '.join(self.urls)))

    @property
    def message(self):
        # type: () -> str
        operation = self.operation
        reason = self.reason or (operation and operation.err)
        if operation is None or not reason:
            return super(OperationFailed, self).message
        description = six.ensure_str(operation.description or '')
        return printable(reason) + (
            printable(' [{}]'.format(description)) if description else '')


class InvalidResponse(LXDAPIException):
    """The response is not one of the API of LXD or Incus."""

    @property
    def message(self):
        # type: () -> str
        return 'the response is not from LXD or Incus: ' + (
            printable(self.reason) or self._describe_response())


class ClientConnectionFailed(LXDException):
    """The server cannot be reached, or the connection was lost."""


class ConnectionTimeout(ClientConnectionFailed):
    """The server did not answer within the client's ``timeout``."""


class StreamBroken(ClientConnectionFailed):
    """A body or a websocket ended before all data arrived."""


class OperationTimeout(LXDException):
    """An operation did not end within the timeout of a wait; it goes on."""

    operation = None  # type: Optional[Operation]


class CommandTimeout(OperationTimeout):
    """A command, or its output, took longer than the timeout allows.

    ``stdout`` and ``stderr`` are the output that came until then and was not
    returned before: text, or bytes if it is not decoded.
    """

    stdout = b''  # type: Any
    stderr = b''  # type: Any


class CommandFailed(LXDException):
    """A command ended with another exit code than 0, under ``check=True``.

    ``stdout`` and ``stderr`` are its output: text, or bytes if it is not
    decoded.
    """

    exit_code = 0
    stdout = b''  # type: Any
    stderr = b''  # type: Any


class LXDAPIExtensionNotAvailable(LXDException, NotImplementedError):
    """The server lacks the API extension that a call needs."""

    hint = ''  # what the user may do if the server hides its extensions

    def __init__(self, name, **state):
        # type: (str, **Any) -> None
        super(LXDAPIExtensionNotAvailable, self).__init__(name, **state)
        self.name = name

    def __str__(self):
        # type: () -> str
        name = printable(self.name)
        if self.hint:
            return ('the server does not tell this client whether it has the '
                    'API extension "{}"; {}'.format(name, self.hint))
        return 'the server does not have the API extension "{}"'.format(name)


class InvalidName(LXDException, ValueError):
    """A name that no server allows; nothing was sent."""


class InvalidCertificate(LXDException, ValueError):
    """A certificate or key is missing, unreadable or not PEM."""


class InvalidRemote(LXDException, ValueError):
    """A remote of ``lxc`` or ``incus`` is unknown, or cannot be used."""
