"""Translation of the errors of requests, urllib3, http.client and sockets."""
import contextlib
import socket
import ssl

import requests
import urllib3
from six.moves import http_client
from urllib3.util.ssl_match_hostname import CertificateError

from pylxd import exceptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable, Iterator, Optional, Type
    Explain = Optional[Callable[[BaseException, str], str]]

#: The exceptions by which the layers below report a failed connection.
LOWER_ERRORS = (
    requests.RequestException, urllib3.exceptions.HTTPError,
    http_client.HTTPException, socket.error, ssl.SSLError, CertificateError,
    UnicodeError)


@contextlib.contextmanager
def translate_errors(endpoint, error_class=exceptions.ClientConnectionFailed,
                     explain=None):
    # type: (str, Type[exceptions.LXDException], Explain) -> Iterator[None]
    """Raise the library's exceptions for the `LOWER_ERRORS` of a block.

    :param endpoint: the server, for the messages.
    :param error_class: the class of the exceptions; a timeout is a
        `ConnectionTimeout` instead.
    :param explain: a function that returns the message for an error, given
        the error and its own message.
    """
    try:
        yield
    except LOWER_ERRORS as error:
        if _is_timeout(error):
            error_class = exceptions.ConnectionTimeout
        message = _innermost_message(error)
        if explain is not None:
            message = explain(error, message)
        raise error_class('{}: {}'.format(endpoint, message), cause=error)


def is_dropped_connection(error):
    # type: (BaseException) -> bool
    """Return whether the server closed the connection during a request."""
    return isinstance(error.args and error.args[0],
                      urllib3.exceptions.ProtocolError)


def _is_timeout(error):
    # type: (BaseException) -> bool
    return isinstance(error, (
        requests.Timeout, socket.timeout,
        urllib3.exceptions.TimeoutError)) or 'timed out' in str(error)


def _innermost_message(error):
    # type: (BaseException) -> str
    """Return the message of the first cause of an error."""
    while True:
        inner = getattr(error, 'reason', None) or next(
            (arg for arg in reversed(getattr(error, 'args', ()))
             if isinstance(arg, BaseException)), None)
        if not isinstance(inner, BaseException):
            break
        error = inner
    return exceptions.printable(error) or type(error).__name__
