"""Websocket frames: faster parts of ws4py, and a receive buffer."""
import codecs
import os
import struct
import types

import six
from ws4py import streaming
from ws4py.framing import OPCODE_PONG
from ws4py.messaging import BinaryMessage

from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Tuple

    class _Untyped(object):
        # ws4py has no types
        def __init__(self, *args, **kwargs):
            # type: (*Any, **Any) -> None
            pass

        def __getattr__(self, name):
            # type: (str) -> Any
            pass

    class Frame(_Untyped):
        pass

    class PlainStream(_Untyped):
        pass

    class PlainTextMessage(_Untyped):
        pass
else:
    from ws4py.framing import Frame
    from ws4py.messaging import TextMessage as PlainTextMessage
    from ws4py.streaming import Stream as PlainStream

#: The start of a frame below 64 KiB: flags and opcode; mask flag and length;
#: the extended length, which is payload if the length is below 126.
_HEAD = struct.Struct('!BBH')


class Utf8Validator(object):
    """A replacement of ws4py's validator of UTF-8.

    ws4py's validator, in pure Python, takes 24 us for an event.
    """

    def __init__(self):
        # type: () -> None
        self._decoder = codecs.getincrementaldecoder('utf-8')()

    def reset(self):
        # type: () -> None
        """Start a new text."""
        self._decoder.reset()

    def validate(self, data):
        # type: (bytearray) -> Tuple[bool, bool, int, int]
        """Return whether the text is valid, and ends with a whole character.

        ws4py ignores the other two values.
        """
        try:
            self._decoder.decode(data)
        except UnicodeDecodeError:
            return False, False, 0, 0
        return True, not self._decoder.getstate()[0], 0, 0


class TextMessage(PlainTextMessage):
    """A text message whose truth value is always True.

    The truth value of ws4py's message is its number of characters, which
    raises an error if a fragment ends inside a character.
    """

    def __bool__(self):
        # type: () -> bool
        return True

    __nonzero__ = __bool__


class Stream(PlainStream):
    """ws4py's parser of frames with the validator and message from here."""

    receiver = types.FunctionType(
        six.get_unbound_function(streaming.Stream.receiver).__code__,
        dict(vars(streaming), Utf8Validator=Utf8Validator,
             TextMessage=TextMessage))  # type: Callable[..., Any]


class MaskedFrame(Frame):
    """A frame that is masked at 600 MB/s; ws4py masks 12 MB/s."""

    def mask(self, data):
        # type: (bytes) -> bytearray
        """Return masked data."""
        return mask(data, self.masking_key)


def build_frame(message):
    # type: (Any) -> bytes
    """Return a message of ws4py as a masked frame."""
    frame = MaskedFrame(
        opcode=message.opcode, body=message.data, masking_key=os.urandom(4),
        fin=1).build()  # type: bytes
    return frame


_tables = {}  # type: Dict[int, bytes]


def mask(data, key):
    # type: (bytes, bytes) -> bytearray
    """Return data masked by a key of four bytes."""
    masked = bytearray(len(data))
    for place, byte in enumerate(bytearray(key)):
        # A table translates each fourth byte
        table = _tables.get(byte)
        if table is None:
            table = _tables[byte] = bytes(bytearray(
                byte ^ each for each in range(256)))
        masked[place::4] = data[place::4].translate(table)
    return masked


def measure(head):
    # type: (bytearray) -> Tuple[int, int]
    """Return the sizes of the head and of the payload of a frame.

    :param head: the first bytes of the frame; ten are enough.
    :return: ``(0, 0)`` if the head is not complete.
    """
    if len(head) < 2:
        return 0, 0
    length, size = head[1] & 0x7f, 2
    for mark, form in ((126, '!H'), (127, '!Q')):
        if length == mark:
            size += struct.calcsize(form)
            if len(head) < size:
                return 0, 0
            length, = struct.unpack_from(form, head, 2)
            break
    return size + (4 if head[1] & 0x80 else 0), length


#: The first size of a `FrameBuffer`: most websockets receive little.
FIRST_BLOCK = 16 * 1024


class FrameBuffer(object):
    """A buffer of received bytes that are not parsed yet.

    The buffer keeps its memory: a new block for each receive() would take
    40 us, half the time of an event.
    """

    def __init__(self, data=b''):
        # type: (bytes) -> None
        self._bytes = bytearray(max(FIRST_BLOCK, len(data)))
        self._view = memoryview(self._bytes)
        self._bytes[:len(data)] = data
        self._start, self._end = 0, len(data)
        # The number of bytes of the first frame that were not popped yet
        self._frame_rest = 0

    def receive(self, sock):
        # type: (Any) -> int
        """Receive once; return the number of bytes, 0 after the last one."""
        waiting = self._end - self._start
        if self._start:
            self._bytes[:waiting] = self._bytes[self._start:self._end]
            self._start, self._end = 0, waiting
        elif waiting == len(self._bytes):
            self._grow(2 * waiting)
        size = sock.recv_into(self._view[self._end:])  # type: int
        self._end += size
        if self._end == len(self._bytes) < BLOCK:
            self._grow(BLOCK)  # much is coming
        return size

    def _grow(self, size):
        # type: (int) -> None
        self._bytes = self._bytes + bytearray(size - len(self._bytes))
        self._view = memoryview(self._bytes)

    def pop_message(self):
        # type: () -> Any
        """Remove the first frame and return it as a message, if it is simple.

        :return: the message, or None if ws4py's parser has to parse the
            frame: if it is fragmented, masked, a control frame, incomplete,
            invalid or not below 64 KiB.
        """
        # ws4py's parser takes four calls and 10 us for a frame
        if self._frame_rest or self._end - self._start < _HEAD.size:
            return None
        flags, length, extended = _HEAD.unpack_from(self._bytes, self._start)
        start = self._start + 2
        if length == 126:
            length, start = extended, start + 2
        if length > 126 and start == self._start + 2:
            return None
        end = start + length
        if flags not in (0x81, 0x82) or end > self._end:
            return None
        payload = self._view[start:end].tobytes()
        if flags == 0x81:
            try:
                payload.decode('utf-8')
            except UnicodeDecodeError:
                return None
            message = TextMessage(payload)  # type: Any
        else:
            message = BinaryMessage(payload)
        message.completed = True
        self._start = end
        return message

    def pop(self, size):
        # type: (int) -> bytes
        """Remove and return bytes of the first frame.

        :param size: the number of bytes that ws4py's parser asked for; it
            would drop bytes after the end of the frame.
        :return: exactly so many bytes, or ``b''`` until they have arrived.
        """
        if not self._frame_rest:
            self._frame_rest = sum(measure(
                bytearray(self._view[self._start:self._end][:10])))
        if not self._frame_rest or self._end - self._start < size:
            return b''
        self._frame_rest -= size
        self._start += size
        return self._view[self._start - size:self._start].tobytes()

    def has_pong(self):
        # type: () -> bool
        """Return whether one of the whole frames is a pong."""
        start = self._start
        while True:
            head, payload = measure(bytearray(
                self._view[start:min(start + 10, self._end)]))
            if not head or start + head + payload > self._end:
                return False
            if bytearray(self._view[start:start + 1])[0] & 0xf == OPCODE_PONG:
                return True
            start += head + payload

    def pop_all(self):
        # type: () -> bytes
        """Remove and return all bytes."""
        start, self._start = self._start, self._end
        return self._view[start:self._end].tobytes()
