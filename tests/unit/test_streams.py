# -*- coding: utf-8 -*-
import errno
import io
import os
import socket
import threading
import time

import pytest
from hypothesis import given, settings, strategies as st
from ws4py import framing

from pylxd import exceptions
from pylxd.transport import stdin, streams, websocket
from pylxd.transport.connection import Transport
from pylxd.transport.frames import FrameBuffer, MaskedFrame
from wire import Server, frame, read_frames, upgrade

END = frame(b'', framing.OPCODE_TEXT)
PATHS = ['/w?secret=s3cr3t' + fd for fd in '012']


class Pieces(object):
    """A socket that has these, and then no more for now, or its end."""

    def __init__(self, pieces, end=False):
        self._pieces, self._end = list(pieces), end

    def recv_into(self, buffer):
        if self._pieces:
            piece = self._pieces.pop(0)
            size = min(len(piece), len(buffer))
            buffer[:size] = piece[:size]
            if piece[size:]:
                self._pieces.insert(0, piece[size:])
            return size
        if self._end:
            return 0
        raise socket.error(errno.EAGAIN, 'would block')

    def setblocking(self, flag):
        assert not flag

    def close(self):
        pass


def channel(*pieces, **kwargs):
    transport = streams.StreamSocket(Transport('/s'), '/w')
    transport.sock.close()
    transport.sock = Pieces(pieces, **kwargs)
    transport._buffer = FrameBuffer()
    transport.handshake_ok()
    return transport


def received(*pieces):
    """What a sink gets of these pieces, and whether it was all."""
    stream_socket, got = channel(*pieces), []
    stream_socket.receive(got.append)
    return b''.join(got), stream_socket.ended


class Command(object):
    """What a server does with the websockets of exec."""

    def __init__(self, stdout=b'', stderr=b'', read=True):
        self.stdin, self.opcodes = [], []
        self.outputs = {'1': stdout, '2': stderr}
        self.read, self.stdin_ended = read, threading.Event()

    def __call__(self, request):
        descriptor = request.target[-1]

        def serve(connection):
            output = self.outputs.get(descriptor)
            if output is not None:
                connection.sendall(upgrade(request) + output)
                connection.recv(1)  # until the client has had it
                return
            connection.sendall(upgrade(request))
            for opcode, data in read_frames(connection) if self.read else ():
                self.stdin.append(data)
                self.opcodes.append(opcode)
                if opcode == framing.OPCODE_TEXT:
                    self.stdin_ended.set()
                    return
        return serve


def run(command, payload=None, sinks=None):
    """`exchange` with a command: its stdout and stderr."""
    out, err = [], []
    with Server(command, True) as server:
        streams.exchange(
            Transport(server.endpoint, timeout=10), PATHS, payload,
            sinks or [out.append, err.append])
        command.stdin_ended.wait(10 if command.read else 0)
    return b''.join(out), b''.join(err)


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_masking_is_ws4pys(data, key):
    ours = MaskedFrame(masking_key=key)
    theirs = framing.Frame(masking_key=key)
    assert ours.mask(data) == theirs.mask(data)
    assert MaskedFrame(
        opcode=2, body=data, masking_key=key, fin=1).build() == framing.Frame(
            opcode=2, body=data, masking_key=key, fin=1).build()


BIG = os.urandom(stdin.PIECE * 2 + 7)


class Readable(object):
    """All that some have of a file object."""

    def __init__(self, data):
        self.read = io.BytesIO(data).read


@pytest.mark.parametrize('payload, data', [
    (None, b''), (b'', b''), (b'ab', b'ab'), (bytearray(b'ab'), b'ab'),
    (u'\xe4', b'\xc3\xa4'), ([], b''), ([b'a', u'\xe4', b''], b'a\xc3\xa4'),
    (iter([b'a', b'b']), b'ab'), (io.BytesIO(b'ab'), b'ab'),
    (io.StringIO(u'\xe4b'), b'\xc3\xa4b'), (Readable(BIG), BIG),
    (BIG, BIG), ([BIG, b'x'], BIG + b'x'),
], ids=lambda value: '')
def test_pieces(payload, data):
    pieces = list(stdin.open_input(payload))
    assert b''.join(pieces) == data
    assert all(isinstance(piece, bytes) and len(piece) <= stdin.PIECE
               for piece in pieces)


@pytest.mark.parametrize('payload', [7, object(), [7], [None], [[b'a']]])
def test_what_cannot_be_sent(payload):
    with pytest.raises(TypeError):
        list(stdin.open_input(payload))


def test_a_pipe_that_takes_only_a_part(monkeypatch):
    write = os.write
    monkeypatch.setattr(
        stdin.os, 'write', lambda file, data: write(file, data[:3]))
    assert b''.join(stdin.open_input(iter([b'abcdefgh', b'i']))) == (
        b'abcdefghi')


# -- parsing

MESSAGES = st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=3),
                    max_size=4)


def sent(fragments):
    """A message in fragments, a ping after each."""
    for place, fragment in enumerate(fragments):
        yield frame(fragment, framing.OPCODE_CONTINUATION if place
                    else framing.OPCODE_BINARY, place == len(fragments) - 1)
        yield frame(b'p', framing.OPCODE_PING)


@settings(deadline=None)
@given(MESSAGES, st.lists(st.integers(0, 1500), max_size=20))
def test_frames_torn_anywhere(messages, cuts):
    stream = b''.join(
        each for message in messages for each in sent(message)) + END
    places = sorted(set(cut % len(stream) for cut in cuts) | {0})
    torn = [stream[start:end] for start, end in zip(
        places, places[1:] + [len(stream)])]
    expected = b''.join(b''.join(message) for message in messages)
    assert received(*torn) == (expected, True)


@pytest.mark.parametrize('size', [0, 1, 125, 126, 127, 65535, 65536, 300000])
def test_lengths(size):
    stream = frame(b'x' * size) + END
    assert received(stream) == (b'x' * size, True)
    if size < 1000:
        assert received(*[stream[place:place + 1] for place in range(
            len(stream))]) == (b'x' * size, True)


def test_what_comes_later_is_awaited():
    assert received(frame(b'abc')) == (b'abc', False)
    assert received(frame(b'abc'), frame(b'def')[:-1]) == (b'abc', False)
    assert received() == (b'', False)


def test_nothing_is_taken_after_the_end():
    assert received(frame(b'abc') + END + frame(b'def')) == (b'abc', True)


def head(first, *rest):
    return bytes(bytearray((first,) + rest))


@pytest.mark.parametrize('stream, said', [
    (frame(b'abc')[:-1], 'the connection was closed'),
    (b'\x82', 'the connection was closed'),
    (b'', 'the connection was closed'),
    (frame(b'\x03\xe8', framing.OPCODE_CLOSE), 'the server closed it'),
    (frame(b'abc', framing.OPCODE_CLOSE), 'closed it'),  # malformed
    (head(0x82, 127, 0x7f, *[0xff] * 7), 'a frame of'),  # 2 ** 63 - 1 bytes
    (head(0x82, 127, *[0xff] * 8), 'too large'),
    (head(0x82, 127, 0, 0, 0, 0, 0x40, 0, 0, 1) + b'x', 'a frame of'),
    (head(0xc2, 0), 'a malformed frame'), (head(0x83, 0), 'a malformed'),
    (head(0x80, 0), 'not started'),
    (head(0x89, 126, 0xff, 0xff), 'too large'),  # a ping is short
    (frame(b'a', fin=0) + frame(b'bcd'), 'before completing'),
    (b'HTTP/1.1 400 Bad Request\r\n\r\n', ''), (b'\xff' * 99, ''),
], ids=lambda value: '')
def test_broken_streams(stream, said):
    with pytest.raises(exceptions.StreamBroken) as caught:
        channel(frame(b'ok') + stream, end=True).receive(len)
    assert '/s: websocket /w: ' in str(caught.value)
    assert said in str(caught.value)


def test_pings_are_not_kept():
    stream_socket = channel(frame(b'p', framing.OPCODE_PING) * 9)
    stream_socket.receive(len)
    assert not stream_socket.stream.pings


def test_a_message_without_an_end(monkeypatch):
    monkeypatch.setattr(websocket, 'LONGEST_FRAME', 1000)
    pieces = [frame(b'x' * 100, fin=0)] + [
        frame(b'x' * 100, framing.OPCODE_CONTINUATION, 0)] * 99
    stream_socket = channel(*pieces)
    with pytest.raises(exceptions.StreamBroken):
        stream_socket.receive(len)
    assert len(stream_socket.sock._pieces) > 80


def test_an_error_of_the_socket():
    stream_socket = channel()
    stream_socket.sock.recv_into = lambda _: (_ for _ in ()).throw(
        socket.error(errno.ECONNRESET, 'Connection reset by peer'))
    with pytest.raises(exceptions.StreamBroken) as caught:
        stream_socket.receive(len)
    assert 'reset' in str(caught.value)
    assert caught.value.__cause__.errno == errno.ECONNRESET


# -- exec

def test_output_that_comes_with_the_handshake():
    command = Command(frame(b'out') + END, frame(b'err') + END)
    command.read = False  # all has ended, before anything is sent
    assert run(command) == (b'out', b'err')


@pytest.mark.parametrize('payload', [b'abc', BIG, [b'a', BIG, u'\xe4']],
                         ids=['short', 'big', 'pieces'])
def test_stdin(payload):
    command = Command(END, END)
    # The outputs end when all was read, as those of `cat` do
    serve = command.outputs.pop('1')

    def answer(request):
        if not request.target.endswith('1'):
            return command(request)

        def wait(connection):
            connection.sendall(upgrade(request))
            command.stdin_ended.wait(10)
            connection.sendall(serve)
            connection.recv(1)
        return wait

    answer.read, answer.stdin_ended = True, command.stdin_ended
    run(answer, payload)
    assert b''.join(command.stdin) == b''.join(stdin.open_input(payload))
    assert command.opcodes[-1] == framing.OPCODE_TEXT
    assert set(command.opcodes[:-1]) == {framing.OPCODE_BINARY}


class Asked(Command):
    """A command that asks for a line, and says what it was."""

    def __call__(self, request):
        def serve(connection):
            connection.sendall(upgrade(request))
            if request.target.endswith('1'):
                connection.sendall(frame(b'?'))
                self.stdin_came.wait(10)
                connection.sendall(frame(b''.join(self.stdin)) + END)
                connection.recv(1)
            elif request.target.endswith('2'):
                connection.sendall(END)
                connection.recv(1)
            else:
                try:
                    for _, data in read_frames(connection):
                        self.stdin.append(data)
                        self.stdin_came.set()
                finally:
                    self.stdin_came.set()  # none will come any more
        return serve

    def __init__(self):
        super(Asked, self).__init__(read=False)
        self.stdin_came = threading.Event()


@pytest.mark.parametrize('source', ['generator', 'pipe', 'file', 'text'])
def test_input_that_waits_for_output(source):
    """Neither holds the other up: not all input needs to be there."""
    asked, out = threading.Event(), []
    reading, writing = os.pipe()
    typed = io.open(reading, 'r' if source == 'text' else 'rb',
                    0 if source == 'file' else -1)

    def take(data):
        out.append(data)
        asked.set()
        if source != 'generator' and data == b'?':
            os.write(writing, b'yes')  # and no end of the line or the file

    def answers():
        asked.wait(10)
        yield b'yes' if asked.is_set() else b'no'
        ended.wait(10)

    ended = threading.Event()
    before = threading.active_count()
    try:
        run(Asked(), answers() if source == 'generator' else typed,
            [take, out.append])
    finally:
        ended.set()
        typed.close()
        os.close(writing)
    assert b''.join(out) == b'?yes'
    deadline = time.time() + 10
    while threading.active_count() > before and time.time() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_input_that_fails():
    def failing():  # before the command has what ends it
        raise EnvironmentError('no more')
        yield

    with pytest.raises(EnvironmentError, match='no more'):
        run(Asked(), failing())


def test_big_input_and_big_output_do_not_wait_for_each_other():
    big = b'x' * (2 << 20)
    sent, read = threading.Event(), threading.Event()
    stdin = []

    def answer(request):
        def serve(connection):
            connection.sendall(upgrade(request))
            if request.target.endswith('0'):
                assert sent.wait(10)  # before it reads anything
                for opcode, data in read_frames(connection):
                    stdin.append(data)
                    if opcode == framing.OPCODE_TEXT:
                        return read.set()
            if request.target.endswith('1'):
                connection.sendall(frame(big))
                sent.set()
                assert read.wait(10)
            connection.sendall(END)
            connection.recv(1)
        return serve

    answer.read, answer.stdin_ended = False, read
    assert run(answer, big) == (big, b'')
    assert b''.join(stdin) == big


def test_a_command_that_reads_nothing():
    """It ends, and its input with it: that is no error."""
    closed, asked = threading.Event(), threading.Event()

    def answer(request):
        def serve(connection):
            connection.sendall(upgrade(request))
            if not request.target.endswith('0'):
                assert asked.wait(10)
                connection.sendall(frame(b'out') + END)
                connection.recv(1)
        return serve

    def payload():
        assert closed.wait(10)
        asked.set()
        yield b'x'

    class Closing(Server):
        def _run(self, connection):
            super(Closing, self)._run(connection)
            closed.set()

    with Closing(answer, True) as server:
        out = []
        streams.exchange(Transport(server.endpoint), PATHS, payload(),
                         [out.append, len])
    assert out == [b'out']


@pytest.mark.parametrize('stdout', [b'', frame(b'out'), frame(b'out')[:-1]])
def test_a_stream_that_breaks(stdout):
    command = Command(None, END, read=False)

    def answer(request):
        return command(request) if request.target[-1] != '1' else (
            lambda connection: connection.sendall(upgrade(request) + stdout))

    answer.read, answer.stdin_ended = False, command.stdin_ended
    with pytest.raises(exceptions.StreamBroken) as caught:
        run(answer)
    assert 's3cr3t' not in str(caught.value)


@pytest.mark.parametrize('kind', [ValueError, KeyboardInterrupt])
def test_sockets_are_closed_when_a_handler_fails(kind, monkeypatch):
    def fail(_):
        raise kind('of the caller')

    made, send = [], streams.StreamSocket.send_handshake
    monkeypatch.setattr(streams.StreamSocket, 'send_handshake', lambda self: (
        made.append(self), send(self)))
    with pytest.raises(kind):
        run(Command(frame(b'out') + END, END), sinks=[fail, len])
    assert [each.sock for each in made] == [None] * 3
