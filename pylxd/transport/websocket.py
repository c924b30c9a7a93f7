"""Websockets to a server, and the one that collects its events."""
import errno
import json
import os
import socket
import ssl
import threading
import weakref

import requests
import six
from ws4py.exc import HandshakeError
from ws4py.messaging import PingControlMessage
from ws4py.websocket import Heartbeat

from pylxd import exceptions
from pylxd.transport import rest
from pylxd.transport.connection import log_request
from pylxd.transport.frames import build_frame, FrameBuffer, Stream
from pylxd.transport.handshake import Handshake
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Tuple, TypeVar
    from pylxd.transport.connection import Transport
    from pylxd.transport.ws4py_types import WebSocketBaseClient
    W = TypeVar('W')
else:
    from ws4py.client import WebSocketBaseClient

#: The longest frame that is accepted, in bytes; servers send far less.
LONGEST_FRAME = 64 * 1024 * 1024
#: Seconds to wait at most until the server has registered a listener of
#: events. Servers that read nothing from a listener never tell.
REGISTRATION_TIME = 2


class Websocket(WebSocketBaseClient):
    """A client of ws4py whose socket a `Transport` opens.

    So websockets are encrypted and verified in the same way as HTTP. Any
    thread may end the websocket while another is in `run`.
    """

    transport = None  # type: Any
    #: The path and query of the URL.
    resource = ''  # type: str
    sock = None  # type: Any
    _buffer = None  # type: Any
    _handshake = None  # type: Any
    # Held by the thread that receives. A signal handler of that thread may
    # close the connection, too: an RLock.
    _receiving = None  # type: Any
    # Acquired for good by the first call of `terminate`
    _terminating = None  # type: Any
    _process_id = 0  # type: int

    def attach(self, transport, path):
        # type: (Transport, str) -> None
        """Let a transport open the socket, in the place of ws4py.

        :param path: the path and query of the URL.
        """
        self.transport, self.resource = transport, path
        self._receiving = threading.RLock()
        self._terminating = threading.Lock()
        self._process_id = os.getpid()
        sock, self.sock = self.sock, None
        sock.close()  # of ws4py, not connected

    @property
    def handshake_headers(self):
        # type: () -> List[Tuple[str, str]]
        # ws4py adds an Origin header, with which Incus 7 refuses
        return [(name, self.transport.connector.netloc if name == 'Host'
                 else value)
                for name, value in super(Websocket, self).handshake_headers
                if name.lower() != 'origin']

    def connect(self):
        # type: () -> None
        """Connect and make the handshake.

        :raises ClientConnectionFailed: the server cannot be reached.
        :raises LXDAPIException: the server refused.
        """
        try:
            self.send_handshake()
            if six.PY3:  # which warns of sockets that are dropped while open
                weakref.finalize(self, self.sock.close).atexit = False
            self.read_handshake()
        except BaseException:
            self.close_connection()
            raise

    def run(self):
        # type: () -> None
        """Receive until the server or another thread ends the websocket.

        :raises ClientConnectionFailed: ``connect()`` was not called.
        """
        if self._buffer is None:
            raise exceptions.ClientConnectionFailed(
                '{}: websocket {}: call connect() before run()'.format(
                    self.transport.endpoint, self._path))
        with Heartbeat(self, frequency=self.heartbeat_freq):
            try:
                self.opened()
                while not self.terminated and self.once():
                    pass
            finally:
                self.terminate()

    def close(self, code=1000, reason=''):
        # type: (int, str) -> None
        """Ask the server to close the websocket, which ends `run`.

        Do nothing if the connection has ended.
        """
        if self.sock is not None:
            try:
                super(Websocket, self).close(code, reason)
            except (socket.error, RuntimeError):
                pass  # it ended at this moment

    def terminate(self):
        # type: () -> None
        """Call ``closed`` and close the connection, once.

        ws4py would also take the stream away, which the thread in `run` may
        be using.
        """
        try:
            if self._terminating.acquire(False):
                closing = self.stream.closing
                if closing is None:
                    self.closed(1006, 'Going away')
                else:
                    self.closed(closing.code, closing.reason)
        finally:
            self.client_terminated = self.server_terminated = True
            self.close_connection()

    def close_connection(self):
        # type: () -> None
        """Close the socket; a thread in `run` returns.

        ws4py would not close a socket that the server has shut down.
        """
        sock, self.sock = self.sock, None
        if sock is not None:
            # SSLSocket.shutdown() would take TLS away from the other thread
            plain = (super(ssl.SSLSocket, sock) if self._is_secure
                     else sock)  # type: Any
            try:
                # A forked process must not end the connection of its parent
                if self._process_id == os.getpid():
                    plain.shutdown(socket.SHUT_RDWR)
            except (OSError, socket.error):
                pass
            with self._receiving:  # its descriptor is not in use any more
                sock.close()

    def _write(self, data):
        # type: (bytes) -> None
        sock = self.sock  # another thread may set it to None
        if self.terminated or sock is None:
            raise RuntimeError('Cannot send on a terminated websocket')
        sock.sendall(data)

    def send_handshake(self):
        # type: () -> None
        """Connect, and send the request of the handshake."""
        self.sock = self.transport.connect()
        self.stream = Stream(
            always_mask=True, expect_masking=False)  # type: Any
        self._is_secure = isinstance(self.sock, ssl.SSLSocket)
        self._handshake = Handshake(
            self.sock, self.transport.read_timeout,
            '{}: websocket {}'.format(self.transport.endpoint, self._path))
        with self.transport.translate_errors():
            self.sock.sendall(self.handshake_request)

    def read_handshake(self):
        # type: () -> None
        """Read the response of the handshake.

        Frames that arrive together with the response are buffered.
        """
        with self.transport.translate_errors(), log_request(
                'GET', self._path) as outcome:
            response, headers, data = self._handshake.read(
                requests.Request(
                    'GET', self.transport.url + self._path).prepare(), 4096)
            outcome.append(response.status_code)
            rest.check_response(response, expected=(101,), is_api=False)
        try:
            protocols, extensions = self.process_handshake_header(headers)
            if b'sec-websocket-accept:' not in headers.lower():
                raise HandshakeError(
                    'the response has no header Sec-WebSocket-Accept')
        except (HandshakeError, ValueError) as error:
            raise exceptions.ClientConnectionFailed(
                '{}: websocket {}: {}'.format(
                    self.transport.endpoint, self._path, error), cause=error)
        self.protocols = protocols  # type: Any
        self.extensions = extensions  # type: Any
        self._buffer = FrameBuffer(data)
        if self._path.endswith('/events'):
            self._await_registration()
        self.sock.settimeout(None)
        self.handshake_ok()

    def _await_registration(self):
        # type: () -> None
        """Wait until the server sends events to this websocket.

        A server sends the response of the handshake before it registers the
        listener: of 168 events that happened right after the response of a
        busy LXD 5.0.2, 12 were not sent. When the listener is registered, the
        server reads from it, and so answers a ping.
        """
        longest = REGISTRATION_TIME
        deadline = clock() + min(
            longest, self.transport.read_timeout or longest)
        try:
            self.sock.sendall(build_frame(PingControlMessage(b'')))
            while clock() < deadline and not self._buffer.has_pong():
                self.sock.settimeout(max(deadline - clock(), 0.001))
                if not self._buffer.receive(self.sock):
                    break
        except socket.error:
            pass  # no pong in time; if the connection is lost, reading tells

    def once(self):
        # type: () -> bool
        """Receive bytes and handle their frames; return False at the end.

        ws4py's own method would call recv() for each part of a frame.
        """
        return (self._handle_frames() and self._receive()
                and self._handle_frames())

    def _handle_frames(self):
        # type: () -> bool
        while self.sock is not None:
            if self.stream.message is None:
                message = self._buffer.pop_message()
                if message is not None:
                    self.received_message(message)
                    continue
            part = self._pop_part()
            if not part:
                return True
            try:
                if not self.process(part):
                    break
            except (socket.error, RuntimeError):
                stream = self.stream
                if not (stream.pings or stream.errors
                        or stream.closing is not None):
                    raise
                break  # the connection ended before our reply was sent
        return False

    def _pop_part(self):
        # type: () -> bytes
        """Return the bytes that ws4py's parser asked for.

        :return: ``b''`` until all of them have arrived.
        :raises StreamBroken: the frame is longer than `LONGEST_FRAME`.
        """
        size = self.reading_buffer_size
        if size > LONGEST_FRAME:
            raise self._make_error(
                'a frame of {} bytes is longer than the limit of {}'.format(
                    size, LONGEST_FRAME))
        part = self._buffer.pop(size)  # type: bytes
        return part

    def _receive(self):
        # type: () -> bool
        with self._receiving:
            sock = self.sock
            try:
                size = self._buffer.receive(sock) if sock else 0
                # select() does not report bytes that TLS has decrypted
                while size and self._is_secure and sock.pending():
                    self._buffer.receive(sock)
                return bool(size)
            except socket.error as error:
                if error.errno == errno.EINTR:  # on Python 2
                    return True
                failure = error
        if self.sock is not None and not self.client_terminated:
            self.unhandled_error(failure)
        return False

    def _make_error(self, reason):
        # type: (Any) -> exceptions.StreamBroken
        return exceptions.StreamBroken('{}: websocket {}: {}'.format(
            self.transport.endpoint, self._path, exceptions.printable(reason)
        ), cause=reason if isinstance(reason, Exception) else None)

    @property
    def _path(self):
        # type: () -> str
        # Without the query, which contains secrets
        return self.resource.partition('?')[0]


def make(transport, path, factory):
    # type: (Transport, str, Callable[[str], W]) -> W
    """Return an unconnected websocket whose socket a transport will open.

    :param path: the path and query of its URL.
    :param factory: the class of the websocket, a client of ws4py, or another
        callable that takes the URL and returns such a websocket.
    """
    if isinstance(factory, six.class_types):
        websocket = _derive(factory)(transport.websocket_url)  # type: Any
    else:
        websocket = factory(transport.websocket_url)
        if not isinstance(websocket, WebSocketBaseClient):
            raise TypeError(
                'websocket_client must return a client of ws4py, not '
                '{!r}'.format(websocket))
        websocket.__class__ = _derive(type(websocket))
    websocket.attach(transport, path)
    result = websocket  # type: W
    return result


def _derive(cls):
    # type: (Any) -> Any
    """Return a subclass of a class of websockets, with our connections."""
    bases = (Websocket,) if issubclass(Websocket, cls) else (cls, Websocket)
    return type(cls.__name__, bases, {
        '__module__': cls.__module__, '__doc__': cls.__doc__})


class EventsClient(WebSocketBaseClient):
    """A websocket that collects events, the default of `Client.events`."""

    def __init__(self, *args, **kwargs):
        # type: (*Any, **Any) -> None
        super(EventsClient, self).__init__(*args, **kwargs)
        #: The events that arrived so far, each a dict.
        self.messages = []  # type: List[Dict[str, Any]]

    def handshake_ok(self):
        # type: () -> None
        """Do nothing, so that `connect` returns: the caller calls `run`."""

    def received_message(self, message):
        # type: (Any) -> None
        """Append an event to ``messages``.

        :raises StreamBroken: the event is not JSON.
        """
        try:
            event = json.loads(six.ensure_text(message.data))
        except ValueError as error:
            raise exceptions.StreamBroken(
                'the server sent an event that is not JSON: {}'.format(error),
                cause=error)
        self.messages.append(event)
