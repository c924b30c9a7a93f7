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
    from typing import Iterator, Type

#: The exceptions by which the layers below report a failed connection.
LOWER_ERRORS = (
    requests.RequestException, urllib3.exceptions.HTTPError,
    http_client.HTTPException, socket.error, ssl.SSLError, CertificateError,
    UnicodeError)


@contextlib.contextmanager
def translate_errors(endpoint, error_class=exceptions.ClientConnectionFailed):
    # type: (str, Type[exceptions.LXDException]) -> Iterator[None]
    """Raise the library's exceptions for the `LOWER_ERRORS` of a block.

    :param endpoint: the server, for the messages.
    :param error_class: the class of the exceptions; a timeout is a
        `ConnectionTimeout` instead.
    """
    try:
        yield
    except LOWER_ERRORS as error:
        if _is_timeout(error):
            error_class = exceptions.ConnectionTimeout
        raise error_class('{}: {}'.format(
            endpoint, _innermost_message(error)), cause=error)


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
    text = exceptions.printable(error) or type(error).__name__
    if 'CERTIFICATE_VERIFY' in text.upper():
        text += (' (the certificate of the server was refused: if it is self '
                 'signed, pass its path as verify=)')
    return text
