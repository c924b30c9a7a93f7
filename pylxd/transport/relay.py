"""A relay between two servers: each gets the frames that the other sends."""
import os
import socket

from pylxd.transport import polling, streams
from pylxd.transport.frames import mask, measure
from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List
    from pylxd.transport.connection import Transport
    from pylxd.transport.streams import StreamSocket

#: The most bytes to receive at once; TLS has no more.
PIECE = 16 * 1024


class Relay(object):
    """The websockets between two servers that do not reach each other.

    :param source: the `Transport` to the server that sends the object.
    :param source_paths: the paths of its websockets, by their names.
    :param target: the `Transport` to the server that receives the object.
    :param target_paths: the paths of its websockets, by the same names.
    :param observer: an object whose ``update`` is called with all bytes that
        the source sends.
    :raises LXDAPIException: a server refused a websocket.
    """

    def __init__(self,
                 source,  # type: Transport
                 source_paths,  # type: Dict[str, str]
                 target,  # type: Transport
                 target_paths,  # type: Dict[str, str]
                 observer,  # type: Any
                 ):
        # type: (...) -> None
        # The control sockets first, as servers expect them
        names = sorted(set(source_paths) & set(target_paths))
        sources = streams.connect_in_turn(
            source, [source_paths[name] for name in names])
        try:
            targets = streams.connect_in_turn(
                target, [target_paths[name] for name in names])
        except BaseException:
            streams.close(sources)
            raise
        self._channels = [
            [Direction(one, other, observer), Direction(other, one)]
            for one, other in zip(sources, targets)]

    def run(self):
        # type: () -> None
        """Pass on all frames until the servers have closed the websockets."""
        try:
            while self._channels:
                for channel in list(self._channels):
                    if not all([each.pump() for each in channel]):
                        streams.close(each.source for each in channel)
                        self._channels.remove(channel)
                directions = sum(self._channels, [])  # type: List[Direction]
                if directions:
                    polling.wait(
                        [each.source for each in directions
                         if not each.has_unsent],
                        [each.target for each in directions
                         if each.has_unsent])
        finally:
            self.close()

    def close(self):
        # type: () -> None
        """Close all websockets: the servers give up what is not complete."""
        for channel in self._channels:
            streams.close(each.source for each in channel)


class Direction(object):
    """The frames that one websocket receives and another sends.

    :param observer: as for `Relay`.
    """

    def __init__(self, source, target, observer=None):
        # type: (StreamSocket, StreamSocket, Any) -> None
        self.source, self.target, self._observer = source, target, observer
        self._masker = Masker()
        self._unsent = memoryview(b'')
        # What has arrived together with the handshake
        self._take(source.take_received())

    @property
    def has_unsent(self):
        # type: () -> bool
        """Whether the target does not take what has arrived."""
        return bool(self._unsent)

    def pump(self):
        # type: () -> bool
        """Pass on what has arrived, as far as the target takes it.

        :return: False if one of the connections has ended.
        """
        try:
            while True:
                while self._unsent:
                    self._unsent = self._unsent[
                        self.target.send_bytes(self._unsent):]
                data = b''.join(self._receive())
                if not data:
                    return True
                self._take(data)
        except EOFError:
            return False
        except socket.error as error:
            return polling.would_block(error)

    def _take(self, data):
        # type: (bytes) -> None
        """Make the frames that the target has to get."""
        self._unsent = memoryview(self._masker.mask(data))
        if self._observer is not None:
            self._observer.update(data)

    def _receive(self):
        # type: () -> Iterator[bytes]
        """Yield what has arrived, a block at most.

        :raises EOFError: the connection has ended.
        """
        size = 0
        while size < BLOCK:
            try:
                piece = self.source.receive_bytes(PIECE)
            except socket.error as error:
                if polling.would_block(error):
                    return
                piece = b''  # what came before it is passed on
            if not piece:
                if size:
                    return
                raise EOFError
            size += len(piece)
            yield piece


class Masker(object):
    """Masks the frames of a server, as servers demand of clients."""

    def __init__(self):
        # type: () -> None
        self._head = bytearray()  # an incomplete one
        # Of the current frame: bytes to come, and the key from there on
        self._rest, self._key = 0, b''

    def mask(self, data):
        # type: (bytes) -> bytes
        """Return the next bytes of the frames, masked.

        :raises EOFError: a frame of the server is masked.
        """
        masked, start = bytearray(), 0
        while start < len(data):
            if not self._rest:
                head = self._head + data[start:start + 10]
                size, length = measure(head)
                if not size:
                    self._head = head
                    break
                if head[1] & 0x80:
                    raise EOFError
                start += size - len(self._head)
                self._head = bytearray()
                self._rest, self._key = length, os.urandom(4)
                head[1] |= 0x80
                masked += head[:size] + self._key
            piece = data[start:start + self._rest]
            masked += mask(piece, self._key)
            start += len(piece)
            self._rest -= len(piece)
            turn = len(piece) % 4
            self._key = self._key[turn:] + self._key[:turn]
        return bytes(masked)
