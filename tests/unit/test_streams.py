# -*- coding: utf-8 -*-
"""The websockets of a command: input, output, broken streams."""
import errno
import fcntl
import io
import os
import socket
import threading
import time

import pytest
import six
from hypothesis import given, settings, strategies as st
from ws4py import framing

from pylxd import exceptions
from pylxd.transport import stdin, streams, websocket
from pylxd.transport.connection import Transport
from pylxd.transport.frames import FrameBuffer, MaskedFrame
from helpers import MinimalReader, exchange
from wire import Server, frame, read_frames, upgrade

from .sockets import PieceSocket, cut

END = frame(b'', framing.OPCODE_TEXT)
PATHS = ['/w?secret=s3cr3t' + fd for fd in '012']


def receive_all(stream_socket, sink):
    """Receive until nothing more has arrived."""
    while stream_socket.receive(sink):
        pass


class OpenSocket(PieceSocket):
    """A socket that stays open after its last piece."""

    def end(self):
        raise socket.error(errno.EAGAIN, 'would block')


def make_stream(*pieces, **kwargs):
    """Return a stream of these pieces.

    :param socket_class: `OpenSocket` by default.
    """
    stream = streams.StreamSocket(Transport('/s'), '/w')
    stream.sock = kwargs.get('socket_class', OpenSocket)(pieces, False)
    stream._buffer = FrameBuffer()
    stream.handshake_ok()
    return stream


def receive(*pieces):
    """Return the data that a sink gets, and whether the stream ended."""
    stream, received = make_stream(*pieces), []
    receive_all(stream, received.append)
    return b''.join(received), stream.ended


class Command(object):
    """A command, as the server serves its websockets."""

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
                connection.recv(1)  # until the client has read it
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
    """Call `exchange` with a command; return its stdout and stderr."""
    out, err = [], []
    with Server(command, True) as server:
        exchange(
            Transport(server.endpoint, timeout=10), PATHS, payload,
            sinks or [out.append, err.append])
        command.stdin_ended.wait(10 if command.read else 0)
    return b''.join(out), b''.join(err)


@settings(deadline=None)
@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_masking_is_that_of_ws4py(data, key):
    ours = MaskedFrame(masking_key=key)
    theirs = framing.Frame(masking_key=key)
    assert ours.mask(data) == theirs.mask(data)
    assert MaskedFrame(
        opcode=2, body=data, masking_key=key, fin=1).build() == framing.Frame(
            opcode=2, body=data, masking_key=key, fin=1).build()


BIG = os.urandom(stdin.PIECE * 2 + 7)


@pytest.mark.parametrize('payload, data', [
    (None, b''), (b'', b''), (b'ab', b'ab'), (bytearray(b'ab'), b'ab'),
    (u'\xe4', b'\xc3\xa4'), ([], b''), ([b'a', u'\xe4', b''], b'a\xc3\xa4'),
    (iter([b'a', b'b']), b'ab'), (io.BytesIO(b'ab'), b'ab'),
    (io.StringIO(u'\xe4b'), b'\xc3\xa4b'), (MinimalReader(BIG), BIG),
    (BIG, BIG), ([BIG, b'x'], BIG + b'x'),
], ids=lambda value: '')
def test_open_input_yields_pieces(payload, data):
    pieces = list(stdin.open_input(payload))
    assert b''.join(pieces) == data
    assert all(isinstance(piece, bytes) and len(piece) <= stdin.PIECE
               for piece in pieces)


@pytest.mark.parametrize('payload', [7, object(), [7], [None], [[b'a']]])
def test_open_input_of_a_wrong_type(payload):
    with pytest.raises(TypeError):
        list(stdin.open_input(payload))


def test_a_partial_write_to_a_pipe(monkeypatch):
    write = os.write
    monkeypatch.setattr(
        stdin.os, 'write', lambda file, data: write(file, data[:3]))
    assert b''.join(stdin.open_input(iter([b'abcdefgh', b'i']))) == (
        b'abcdefghi')


# -- parsing

MESSAGES = st.lists(st.lists(st.binary(max_size=300), min_size=1, max_size=3),
                    max_size=4)


def build_frames(fragments):
    """Yield the frames of a message, one for each fragment, and pings."""
    for place, fragment in enumerate(fragments):
        yield frame(fragment, framing.OPCODE_CONTINUATION if place
                    else framing.OPCODE_BINARY, place == len(fragments) - 1)
        yield frame(b'p', framing.OPCODE_PING)


@settings(deadline=None)
@given(MESSAGES, st.lists(st.integers(0, 1500), max_size=20))
def test_frames_cut_anywhere(messages, positions):
    stream = b''.join(
        each for message in messages for each in build_frames(message)) + END
    expected = b''.join(b''.join(message) for message in messages)
    assert receive(*cut(stream, positions)) == (expected, True)


@pytest.mark.parametrize('size', [0, 1, 125, 126, 127, 65535, 65536, 300000])
def test_frames_of_each_length(size):
    stream = frame(b'x' * size) + END
    assert receive(stream) == (b'x' * size, True)
    if size < 1000:
        assert receive(*[stream[place:place + 1] for place in range(
            len(stream))]) == (b'x' * size, True)


def test_incomplete_frames_are_kept():
    assert receive(frame(b'abc')) == (b'abc', False)
    assert receive(frame(b'abc'), frame(b'def')[:-1]) == (b'abc', False)
    assert receive() == (b'', False)


def test_data_after_the_end_is_ignored():
    assert receive(frame(b'abc') + END + frame(b'def')) == (b'abc', True)


def test_a_normal_closure_ends_a_stream():
    end = frame(b'\x03\xe8', framing.OPCODE_CLOSE)
    assert receive(frame(b"abc") + end) == (b'abc', True)


def head(first, *rest):
    return bytes(bytearray((first,) + rest))


@pytest.mark.parametrize('stream, message', [
    (frame(b'abc')[:-1], 'the connection was closed'),
    (b'\x82', 'the connection was closed'),
    (b'', 'the connection was closed'),
    (frame(b'\x03\xe9', framing.OPCODE_CLOSE), 'the server closed it'),
    (frame(b'a', fin=0) + frame(b'\x03\xe8', framing.OPCODE_CLOSE),
     'the server closed it'),
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
def test_broken_streams(stream, message):
    with pytest.raises(exceptions.StreamBroken) as caught:
        receive_all(make_stream(
            frame(b'ok') + stream, socket_class=PieceSocket), len)
    assert '/s: websocket /w: ' in str(caught.value)
    assert message in str(caught.value)


def test_pings_are_not_kept():
    stream_socket = make_stream(frame(b'p', framing.OPCODE_PING) * 9)
    receive_all(stream_socket, len)
    assert not stream_socket.stream.pings


def test_an_endless_message_is_refused(monkeypatch):
    monkeypatch.setattr(websocket, 'LONGEST_FRAME', 1000)
    pieces = [frame(b'x' * 100, fin=0)] + [
        frame(b'x' * 100, framing.OPCODE_CONTINUATION, 0)] * 99
    stream_socket = make_stream(*pieces)
    with pytest.raises(exceptions.StreamBroken):
        receive_all(stream_socket, len)
    assert len(stream_socket.sock.pieces) > 80


def test_an_error_of_the_socket_is_wrapped():
    stream_socket = make_stream()
    stream_socket.sock.recv_into = lambda _: (_ for _ in ()).throw(
        socket.error(errno.ECONNRESET, 'Connection reset by peer'))
    with pytest.raises(exceptions.StreamBroken) as caught:
        receive_all(stream_socket, len)
    assert 'reset' in str(caught.value)
    assert caught.value.cause.errno == errno.ECONNRESET


# -- exec

def test_output_that_comes_with_the_handshake():
    command = Command(frame(b'out') + END, frame(b'err') + END)
    command.read = False  # the outputs end before any input
    assert run(command) == (b'out', b'err')


@pytest.mark.parametrize('payload', [b'abc', BIG, [b'a', BIG, u'\xe4']],
                         ids=['short', 'big', 'pieces'])
def test_stdin_is_sent_in_frames(payload):
    command = Command(END, END)
    # As with `cat`, the output ends when all input was read
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


class Prompt(Command):
    """A command that prints a prompt, reads a line and prints that."""

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
                    self.stdin_came.set()  # no more input will come
        return serve

    def __init__(self):
        super(Prompt, self).__init__(read=False)
        self.stdin_came = threading.Event()


@pytest.mark.parametrize('source', ['generator', 'pipe', 'file', 'text'])
def test_the_input_may_wait_for_the_output(source):
    """The output is handled while the input waits for it."""
    prompted, out = threading.Event(), []
    reading, writing = os.pipe()
    typed = io.open(reading, 'r' if source == 'text' else 'rb',
                    0 if source == 'file' else -1)

    def take(data):
        out.append(data)
        prompted.set()
        if source != 'generator' and data == b'?':
            os.write(writing, b'yes')  # without an end of the line or the file

    def answers():
        prompted.wait(10)
        yield b'yes' if prompted.is_set() else b'no'
        ended.wait(10)

    ended = threading.Event()
    before = threading.active_count()
    try:
        run(Prompt(), answers() if source == 'generator' else typed,
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


def test_an_error_of_the_input_is_raised():
    def failing():  # before the command ends
        raise EnvironmentError('no more')
        yield

    with pytest.raises(EnvironmentError, match='no more'):
        run(Prompt(), failing())


def test_big_input_and_big_output_do_not_wait_for_each_other():
    big = b'x' * (2 << 20)
    sent, read = threading.Event(), threading.Event()
    stdin = []

    def answer(request):
        def serve(connection):
            connection.sendall(upgrade(request))
            if request.target.endswith('0'):
                assert sent.wait(10)  # the output comes first
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


def test_input_that_the_command_does_not_read():
    """Input that is left when the command ends is no error."""
    closed, input_requested = threading.Event(), threading.Event()

    def answer(request):
        def serve(connection):
            connection.sendall(upgrade(request))
            if not request.target.endswith('0'):
                assert input_requested.wait(10)
                connection.sendall(frame(b'out') + END)
                connection.recv(1)
        return serve

    def payload():
        assert closed.wait(10)
        input_requested.set()
        yield b'x'

    class Closing(Server):
        def _run(self, connection):
            super(Closing, self)._run(connection)
            closed.set()

    with Closing(answer, True) as server:
        out = []
        exchange(Transport(server.endpoint), PATHS, payload(),
                 [out.append, len])
    assert out == [b'out']


@pytest.mark.parametrize('stdout', [b'', frame(b'out'), frame(b'out')[:-1]])
def test_a_broken_stream_shows_no_secret(stdout):
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

    opened, send = [], streams.StreamSocket.send_handshake
    monkeypatch.setattr(streams.StreamSocket, 'send_handshake', lambda self: (
        opened.append(self), send(self)))
    with pytest.raises(kind):
        run(Command(frame(b'out') + END, END), sinks=[fail, len])
    assert [each.sock for each in opened] == [None] * 3


# -- what a file object has read ahead

def open_pipe(data, mode='rb', **arguments):
    """A file object on a pipe that holds data, and its other end."""
    reader, writer = os.pipe()
    os.write(writer, data)
    return io.open(reader, mode, **arguments), writer


@pytest.mark.parametrize('mode', ['rb', 'r'])
@pytest.mark.parametrize('rest', [b'', b'rest', b'two\nlines\n', b'x' * 9999])
def test_what_a_file_has_buffered_is_sent_first(mode, rest):
    file, writer = open_pipe(b'first\n' + rest, mode)
    assert len(file.readline()) == 6
    pieces = stdin.open_input(file)
    os.write(writer, b'later')
    os.close(writer)
    assert b''.join(pieces) == rest + b'later'
    file.close()


def test_nothing_is_waited_for_where_nothing_is_buffered():
    file, writer = open_pipe(b'')
    pieces = stdin.open_input(file)
    assert pieces.buffered == []
    assert not fcntl.fcntl(file.fileno(), fcntl.F_GETFL) & os.O_NONBLOCK
    os.close(writer)
    file.close()


def test_a_character_of_which_a_part_is_buffered():
    file, writer = open_pipe(u'a\nb\xe4'.encode('utf-8')[:-1], 'r',
                             encoding='utf-8')
    file.readline()
    pieces = stdin.open_input(file)
    os.write(writer, u'\xe4'.encode('utf-8')[-1:])
    os.close(writer)
    assert b''.join(pieces) == u'b\xe4'.encode('utf-8')
    file.close()


@pytest.mark.skipif(not six.PY2, reason='only Python 2 has such files')
def test_what_a_file_of_python_2_has_buffered():
    reader, writer = os.pipe()
    os.write(writer, b'first\nrest')
    with os.fdopen(reader) as file:
        assert file.readline() == 'first\n'
        pieces = stdin.open_input(file)
        os.close(writer)
        assert b''.join(pieces) == b'rest'


@pytest.mark.parametrize('payload', [
    u'\xe4', [u'\xe4'], iter([u'\xe4']), io.StringIO(u'\xe4'),
    (u'\xe4',)])
def test_encoding_of_texts(payload):
    assert b''.join(stdin.open_input(payload, 'latin-1')) == b'\xe4'


def test_encoding_of_text_files(tmpdir):
    """Files are decoded by their own encoding."""
    path = str(tmpdir.join('f'))
    with io.open(path, 'w', encoding='utf-16') as file:
        file.write(u'\xe4')
    with io.open(path, encoding='utf-16') as file:
        assert b''.join(stdin.open_input(file, 'latin-1')) == b'\xe4'
    file, writer = open_pipe(b'\xc3\xa4\n\xc3\xa4', 'r', encoding='utf-8')
    os.close(writer)
    assert b''.join(stdin.open_input(file, 'latin-1')) == b'\xe4\n\xe4'
    file.close()


def test_what_came_with_the_handshake_is_not_lost():
    """Also if the connection ends at once: the next call raises that."""
    stream, received = make_stream(socket_class=PieceSocket), []
    stream._buffer = FrameBuffer(frame(b'early'))
    assert stream.receive_next(received.append) is True
    assert received == [b'early']
    with pytest.raises(exceptions.StreamBroken):
        stream.receive_next(received.append)
