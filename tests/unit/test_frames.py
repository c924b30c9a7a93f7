# -*- coding: utf-8 -*-
"""The frame buffer: frames cut anywhere, and frames left to ws4py."""
import errno
import socket
import struct

import pytest
from hypothesis import given, settings, strategies as st
from ws4py import framing
from ws4py.client import WebSocketBaseClient

from pylxd import exceptions
from pylxd.transport import websocket
from pylxd.transport.connection import Transport
from pylxd.transport.frames import FrameBuffer
from wire import frame

from .sockets import PieceSocket, cut

TEXT, BINARY = framing.OPCODE_TEXT, framing.OPCODE_BINARY


class RecordingSocket(PieceSocket):
    """A blocking socket that keeps what is sent."""

    sent = b''

    def sendall(self, data):
        self.sent += data

    def shutdown(self, how):
        raise socket.error(errno.ENOTCONN, 'not connected')


class Collector(WebSocketBaseClient):
    """Keep the messages as pairs ``(is_text, data)``."""

    def received_message(self, message):
        self.messages_seen.append((message.is_text, message.data))


def listen(*pieces):
    """Run a client over these pieces; return its messages and sent bytes."""
    client = websocket.make(Transport('/s'), '/e', Collector)
    client.sock = sock = RecordingSocket(pieces, True)
    client.stream = websocket.Stream(always_mask=True, expect_masking=False)
    client._buffer = FrameBuffer()
    client.messages_seen = []
    client.run()
    return client.messages_seen, sock.sent


MESSAGES = st.lists(st.one_of(
    st.tuples(st.just(True), st.lists(
        st.text(max_size=200), min_size=1, max_size=3)),
    st.tuples(st.just(False), st.lists(
        st.binary(max_size=400), min_size=1, max_size=3))), max_size=5)


def build_frames(is_text, parts):
    """Yield the frames of a message, one for each part, and pings between."""
    for place, part in enumerate(parts):
        if place:
            yield frame(b'p', framing.OPCODE_PING)
        yield frame(
            part.encode('utf-8') if is_text else part,
            framing.OPCODE_CONTINUATION if place else
            TEXT if is_text else BINARY, place == len(parts) - 1)


@settings(deadline=None)
@given(MESSAGES, st.lists(st.integers(0, 3000), max_size=20))
def test_messages_cut_anywhere(messages, positions):
    stream = b''.join(
        each for message in messages for each in build_frames(*message))
    seen, _ = listen(*filter(None, cut(stream, positions)))
    assert seen == [
        (is_text, (u'' if is_text else b'').join(parts).encode('utf-8')
         if is_text else b''.join(parts)) for is_text, parts in messages]


@pytest.mark.parametrize('stream, is_taken', [
    (frame(b'abc', TEXT), True), (frame(b'abc'), True),
    (frame(b'x' * 126, TEXT), True), (frame(b'x' * 65535, TEXT), True),
    (frame(u'\xe4\u20ac'.encode('utf-8'), TEXT), True),
    (frame(b'x' * 65536, TEXT), False),
    (frame(b'abc', TEXT)[:-1], False), (frame(b'x' * 126, TEXT)[:-1], False),
    (b'\x81', False), (b'\x81\x7e\x00', False), (b'', False),
    (frame(b'abc', TEXT, fin=0), False),
    (frame(b'abc', framing.OPCODE_CONTINUATION), False),
    (frame(b'abc', framing.OPCODE_PING), False),
    (frame(b'\x03\xe8ab', framing.OPCODE_CLOSE), False),
    (b'\xc1\x03abc', False), (b'\x83\x03abc', False),  # reserved
    (b'\x81\x83\0\0\0\0abc', False),  # masked
    (b'\x81\xfe\0\x03\0\0\0\0abc', False),
    (frame(b'ab\xff', TEXT), False), (frame(b'ab\xc3', TEXT), False),
    (frame(b'ab\xff'), True),
], ids=lambda value: '')
def test_frames_that_the_buffer_parses(stream, is_taken):
    buffer = FrameBuffer(stream)
    message = buffer.pop_message()
    assert (message is not None) is is_taken
    if is_taken:
        assert message.completed
        assert message.is_text is (stream[:1] == b'\x81')
        assert frame(message.data, message.opcode) == stream
    else:  # nothing is lost
        size = len(stream) if len(stream) > 4 else 0
        assert buffer.pop(size) == stream[:size]


@pytest.mark.parametrize('stream', [
    frame(b'p', framing.OPCODE_PING), frame(b'x' * 126, TEXT, fin=0),
    frame(b'x' * 65536), b'\x81\x83\0\0\0\0abc', b'\x81\xfe\0\x03\0\0\0\0abc',
], ids=lambda value: '')
def test_a_frame_of_the_parser_ends_before_the_next(stream):
    buffer = FrameBuffer(stream + frame(b'next', TEXT))
    assert buffer.pop(2) == stream[:2]
    assert buffer.pop_message() is None
    assert buffer.pop(len(stream) - 2) == stream[2:]
    assert buffer.pop_message().data == b'next'


def test_no_message_is_taken_within_a_frame():
    inner = frame(b'abc', TEXT)
    buffer = FrameBuffer(frame(inner))
    assert buffer.pop(2) == frame(inner)[:2]
    assert buffer.pop_message() is None
    assert buffer.pop(len(inner)) == inner


def test_a_message_within_fragments_is_an_error():
    """A text frame may not stand between the fragments of a message."""
    seen, sent = listen(frame(b'a', TEXT, fin=0) + frame(b'b', TEXT)
                        + frame(b'c', TEXT))
    assert not seen
    assert sent  # a close frame with an error


@pytest.mark.parametrize('stream, code', [
    (frame(b'a\xff', TEXT), 1007), (frame(b'a\xc3', TEXT), 1007),
    (frame(b'a\xc3', TEXT, 0) + frame(b'b', framing.OPCODE_CONTINUATION),
     1007), (b'\xc1\x03abc', 1002), (b'\x81\x83\0\0\0\0abc', 1002),
], ids=lambda value: '')
def test_invalid_frames_are_answered(stream, code):
    seen, sent = listen(
        frame(b'ok', TEXT) + stream + frame(b'late', TEXT))
    assert seen == [(True, b'ok')]
    mask, masked = bytearray(sent[2:6]), bytearray(sent[6:])
    body = bytes(bytearray(
        byte ^ mask[place % 4] for place, byte in enumerate(masked)))
    assert sent[:1] == b'\x88'
    assert struct.unpack('!H', body[:2]) == (code,)


def test_a_long_frame_is_refused():
    with pytest.raises(exceptions.StreamBroken) as caught:
        listen(frame(b'ok', TEXT) + struct.pack(
            '!BBQ', 0x81, 127, websocket.LONGEST_FRAME + 1) + b'x')
    assert 'a frame of' in str(caught.value)


def test_the_buffer_is_reused():
    event = frame(b'x' * 300, TEXT)
    buffer = FrameBuffer()
    sock = RecordingSocket([event[:100], event[100:]] * 2000, True)
    memory, taken = buffer._bytes, 0
    while buffer.receive(sock):
        taken += buffer.pop_message() is not None
    assert taken == 2000
    assert buffer._bytes is memory


def test_the_buffer_grows_to_a_large_frame():
    body = bytes(bytearray(range(256))) * 4000
    assert listen(frame(b'first', TEXT) + frame(body) + frame(b'l', TEXT)
                  )[0] == [(True, b'first'), (False, body), (True, b'l')]
