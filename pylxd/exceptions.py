"""Everything that the library raises, in one tree::

    LXDException
     +-- LXDAPIException              the server refused (.response)
     |    +-- NotFound                there is no such object (404)
     |    +-- Conflict                changed by someone else (.keys)
     |    +-- OperationFailed         it accepted, then failed (.operation)
     |    +-- InvalidResponse         what answers does not speak LXD
     +-- ClientConnectionFailed       it was not reached, or was lost
     |    +-- ConnectionTimeout       it did not answer in time
     |    +-- StreamBroken            a websocket ended before its end
     +-- OperationTimeout             a wait ran out of its own timeout
     +-- LXDAPIExtensionNotAvailable  this server cannot do that
     +-- InvalidName                  refused before anything was sent
     +-- InvalidCertificate           a certificate or key is unusable

Arguments of a wrong type or value are TypeError and ValueError, as usual.
Errors of the layers below never come out as they are: each becomes one of
these, with the original as ``__cause__``.
"""
import re

import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, Tuple
    import requests
    from pylxd.core.operation import Operation

_SET_LATER = None  # type: Any
_CONTROL = re.compile(u'[\x00-\x08\x0b-\x1f\x7f-\x9f]')


def printable(text):
    # type: (Any) -> str
    """``text`` in a form that a terminal shows and does not obey.

    Messages come from a server, which may be hostile.
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
    """The root of all that the library raises by itself."""

    def __init__(self, *args, **state):
        # type: (*Any, **Any) -> None
        super(LXDException, self).__init__(*args)
        self.__cause__ = state.pop(
            'cause', None)  # type: Optional[BaseException]
        self.__dict__.update(state)

    def __str__(self):
        # type: () -> str
        return ' '.join(printable(arg) for arg in self.args)

    def __reduce__(self):
        # type: () -> Any
        # Without the cause, of which all may hang (as on Python 3)
        state = dict(self.__dict__)
        state.pop('__cause__', None)
        return type(self), self.args, state

    def __repr__(self):
        # type: () -> str
        return '{}({!r})'.format(type(self).__name__, str(self))


class LXDAPIException(LXDException):
    """The server answered with an error, or with something unexpected.

    ``str()`` is the server's own message and the request that it answers.
    """

    response = _SET_LATER  # type: requests.Response
    said = ''  # what to tell instead of what is in the response

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
        """What the server said, without the request."""
        if self.said:
            return printable(self.said)
        try:
            body = self.response.json()
        except Exception:
            return self._raw()
        if isinstance(body, dict):
            metadata = body.get('metadata')
            for said in (isinstance(metadata, dict) and metadata.get('err'),
                         body.get('error')):
                if said:
                    return printable(said)
        return 'unexpected answer: HTTP {}'.format(
            getattr(self.response, 'status_code', '?'))

    def _raw(self):
        # type: () -> str
        try:
            # Not .text, which would guess what the bytes mean
            text = printable(self.response.content[:200].strip())
            where = self.response.headers.get('Location')
            if where:
                text = 'it leads to {}, and is not followed'.format(
                    where.partition('?')[0])
            return printable('HTTP {} {}: {}'.format(
                self.response.status_code, self.response.reason,
                text or 'an empty body'))
        except Exception:
            return 'no readable answer'

    @property
    def _asked(self):
        # type: () -> str
        request = getattr(self.response, 'request', None)  # type: Any
        url = getattr(request, 'url', None)
        if not url:
            return ''
        # Without the query, which may hold the secret of an image or operation
        path = re.sub(r'^[^:/]+://[^/]*', '', url).partition('?')[0]
        return printable(' ({} {})'.format(request.method, path))

    def __str__(self):
        # type: () -> str
        return self.message + self._asked


class NotFound(LXDAPIException):
    """There is no such object on the server (404)."""


class Conflict(LXDAPIException):
    """The object was changed by someone else meanwhile (409, 412).

    ``keys`` names what both sides changed, such as ``config.user.a``;
    the local changes are kept.
    """

    keys = ()  # type: Tuple[str, ...]

    @property
    def message(self):
        # type: () -> str
        """What both sides changed, or what the server said."""
        if self.keys:
            return 'changed here and on the server: ' + ', '.join(
                printable(key) for key in self.keys)
        return super(Conflict, self).message


class OperationFailed(LXDAPIException):
    """A background operation ended in failure or was cancelled."""

    operation = None  # type: Optional[Operation]

    @property
    def message(self):
        # type: () -> str
        operation = self.operation
        if operation is None or not operation.err:
            return super(OperationFailed, self).message
        what = operation.description
        return printable(operation.err) + (
            printable(' [{}]'.format(six.ensure_str(what))) if what else '')


class InvalidResponse(LXDAPIException):
    """What answered does not speak LXD's protocol."""

    @property
    def message(self):
        # type: () -> str
        return 'this is no answer of LXD: ' + (
            printable(self.said) or self._raw())


class ClientConnectionFailed(LXDException):
    """The server could not be reached, or the connection broke."""


class ConnectionTimeout(ClientConnectionFailed):
    """The server did not answer within the client's ``timeout``."""


class StreamBroken(ClientConnectionFailed):
    """A websocket ended in the middle of what it carried."""


class OperationTimeout(LXDException):
    """A wait ended before the operation did; the operation goes on."""

    operation = None  # type: Optional[Operation]


class LXDAPIExtensionNotAvailable(LXDException, NotImplementedError):
    """The server lacks the API extension that a call needs."""

    def __init__(self, name, **state):
        # type: (str, **Any) -> None
        super(LXDAPIExtensionNotAvailable, self).__init__(name, **state)
        self.name = name

    def __str__(self):
        # type: () -> str
        return 'the server does not have the API extension "{}"'.format(
            printable(self.name))


class InvalidName(LXDException, ValueError):
    """A name that cannot be meant: refused before anything was sent."""


class InvalidCertificate(LXDException, ValueError):
    """A certificate or key is missing, unreadable or not PEM."""
