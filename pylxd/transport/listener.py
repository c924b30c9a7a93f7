"""The events of a server as an iterator."""
import collections
import json
import socket
import threading
import time

import six
from ws4py.messaging import PongControlMessage

from pylxd import exceptions
from pylxd.transport import polling, streams
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional
    from pylxd.transport.connection import Transport

#: Seconds that sending the answer to a ping may take.
PONG_TIME = 5
#: Seconds between two attempts to connect again: the first pause, and the
#: longest.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5


class EventSocket(streams.StreamSocket):
    """A websocket whose messages are events, in text."""

    def _take(self, message, sink):
        # type: (Any, Callable[[bytes], Any]) -> None
        sink(message.data)

    def _answer(self, pings):
        # type: (List[Any]) -> None
        """Answer pings: the server hangs up on a listener that does not."""
        for ping in pings:
            try:
                self.send_message(
                    PongControlMessage(ping.data), clock() + PONG_TIME)
            except socket.error:
                pass  # the connection has ended: receiving tells so


class Listener(object):
    """An iterator of the events of a server, made by `Client.listen`.

    It is connected from the start. Leaving its ``with`` block, or the end of
    the iteration, closes the connection; so does `close` in another thread,
    which ends the iteration.

    :param transport: the connections to the server.
    :param path: the path and query of the URL of the events.
    :param timeout: seconds without an event after which the iteration ends;
        None is never.
    :param reconnect: whether to connect again when the connection is lost.
    :raises LXDAPIException: the server refused.
    """

    def __init__(self,
                 transport,  # type: Transport
                 path,  # type: str
                 timeout=None,  # type: Optional[float]
                 reconnect=False,  # type: bool
                 ):
        # type: (...) -> None
        self._transport, self._path = transport, path
        self._timeout, self._reconnect = timeout, reconnect
        self._closed = threading.Event()
        self._received = collections.deque()  # type: Any
        self._socket = self._connect()  # type: EventSocket

    def __repr__(self):
        # type: () -> str
        return '<Listener of {}{}>'.format(
            self._transport.endpoint, ': closed' if self._closed.is_set()
            else '')

    def __iter__(self):
        # type: () -> Listener
        return self

    def __enter__(self):
        # type: () -> Listener
        return self

    def __exit__(self, *exc_info):
        # type: (*Any) -> None
        self.close()

    def __del__(self):
        # type: () -> None
        if hasattr(self, '_socket'):
            self._socket.close_connection()

    def close(self):
        # type: () -> None
        """Close the connection, which ends the iteration."""
        self._closed.set()
        self._socket.close_connection()

    def _connect(self):
        # type: () -> EventSocket
        connected = streams.connect(
            self._transport, [self._path], EventSocket)  # type: Any
        events = connected[0]  # type: EventSocket
        return events

    def __next__(self):
        # type: () -> Dict[str, Any]
        """Wait for the next event, and return it.

        After a connection was lost and made again, the next event is
        ``{'type': 'reconnected', 'timestamp': ...}``.

        :raises StopIteration: no event came for the ``timeout``, or the
            listener was closed.
        :raises StreamBroken: the connection was lost, and ``reconnect`` is
            false; or the server sent an event that is not JSON.
        """
        deadline = None if self._timeout is None else clock() + self._timeout
        while not self._received:
            if self._closed.is_set() or polling.has_passed(deadline):
                self.close()
                raise StopIteration
            try:
                self._socket.receive_next(self._received.append, deadline)
                if self._socket.ended and not self._received:
                    raise exceptions.StreamBroken(
                        '{}: the server has closed the connection of the '
                        'events'.format(self._transport.endpoint))
            except exceptions.StreamBroken as error:
                if self._closed.is_set():
                    continue
                if not self._reconnect:
                    self.close()
                    error.hint = 'listen(reconnect=True) connects again'
                    raise
                if self._connect_again(deadline):
                    return {'type': 'reconnected', 'timestamp': time.strftime(
                        '%Y-%m-%dT%H:%M:%SZ', time.gmtime())}
        return self._parse(self._received.popleft())

    next = __next__

    def _connect_again(self, deadline):
        # type: (Optional[float]) -> bool
        """Connect again, with growing pauses; return whether it succeeded.

        :raises LXDAPIException: the server refuses the listener.
        """
        self._socket.close_connection()
        pause = FIRST_PAUSE
        while not self._closed.is_set():
            try:
                self._socket = self._connect()
            except exceptions.ClientConnectionFailed:
                pass  # the server is not there yet
            except exceptions.LXDAPIException as error:
                # A server that starts answers 503
                if error.response.status_code != 503:
                    self.close()
                    raise
            else:
                if self._closed.is_set():
                    self._socket.close_connection()
                return not self._closed.is_set()
            if deadline is not None:
                pause = min(pause, deadline - clock())
            if pause <= 0:
                return False
            self._closed.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        return False

    def _parse(self, data):
        # type: (bytes) -> Dict[str, Any]
        try:
            event = json.loads(six.ensure_text(data))
        except ValueError as error:
            raise exceptions.StreamBroken(
                '{}: the server sent an event that is not JSON: {}'.format(
                    self._transport.endpoint, error), cause=error)
        parsed = event  # type: Dict[str, Any]
        return parsed
