"""The relay between the websockets of two servers."""
import io
import threading

import pytest
from hypothesis import given, strategies as st
from six.moves import queue
from ws4py import framing

from pylxd import exceptions
from pylxd.transport.connection import Transport
from pylxd.transport.frames import MaskedFrame
from pylxd.transport.relay import Masker, Relay
from wire import Server, error, frame, read_frames, upgrade

from .sockets import cut

FRAMES = [
    (framing.OPCODE_BINARY, b'a' * 5), (framing.OPCODE_BINARY, b''),
    (framing.OPCODE_PING, b'p'), (framing.OPCODE_TEXT, b'{}'),
    (framing.OPCODE_BINARY, b'b' * 126), (framing.OPCODE_TEXT, b''),
    (framing.OPCODE_BINARY, b'c' * 300000)]


class Received(object):
    """Bytes in the place of a connection, for `read_frames`."""

    def __init__(self, data):
        self._data = data

    def makefile(self, *args):
        return io.BytesIO(self._data)


class Counter(object):
    """An observer that counts bytes."""

    size = 0

    def update(self, data):
        self.size += len(data)


OPCODES = st.sampled_from([framing.OPCODE_BINARY, framing.OPCODE_TEXT])
DATA = st.one_of(st.binary(max_size=20), st.sampled_from(
    [b'x' * 125, b'y' * 126, b'z' * 65535, b'w' * 65536]))


@given(st.lists(st.tuples(OPCODES, DATA)), st.lists(st.integers(0)))
def test_masker(frames, positions):
    """Frames that arrive in any pieces are masked, and otherwise equal."""
    stream = b''.join(frame(data, opcode) for opcode, data in frames)
    masker = Masker()
    masked = b''.join(masker.mask(piece) for piece in cut(stream, positions))
    assert list(read_frames(Received(masked))) == frames


def test_fragments_and_keys():
    """Fragments stay fragments; each frame has a key of its own."""
    masked = Masker().mask(frame(b'a' * 64, fin=0) + frame(
        b'a' * 64, framing.OPCODE_CONTINUATION))
    assert masked[:2] == b'\x02\xc0' and masked[70:72] == b'\x80\xc0'
    assert masked[2:6] != masked[72:76]


def test_a_server_that_masks():
    with pytest.raises(EOFError):
        Masker().mask(MaskedFrame(
            opcode=framing.OPCODE_BINARY, body=b'a', masking_key=b'abcd',
            fin=1).build())


def make_server(converse):
    """A server of websockets: ``converse(target, connection)`` for each."""
    def answer(request):
        def serve(connection):
            connection.sendall(upgrade(request))
            converse(request.target, connection)
        return serve
    return Server(answer, path=True)


def make_relay(source, target, observer=None):
    return Relay(Transport(source.endpoint),
                 {'control': '/s/control', 'fs': '/s/fs', 'criu': '/s/criu'},
                 Transport(target.endpoint),
                 {'fs': '/t/fs', 'control': '/t/control'},
                 observer or Counter())


def test_a_relay():
    """All frames arrive on the websocket of the same name."""
    received = queue.Queue()

    def send(target, connection):
        for opcode, data in FRAMES:
            connection.sendall(frame(target.encode() + data, opcode))
        received.put((target, [next(read_frames(connection))]))
        # hangs up

    def receive(target, connection):
        frames = read_frames(connection)
        received.put((target, [next(frames) for _ in FRAMES]))
        connection.sendall(frame(b'answer of ' + target.encode()))
        assert next(frames, None) is None  # the relay hangs up

    counter = Counter()
    with make_server(send) as source, make_server(receive) as target:
        make_relay(source, target, counter).run()
        results = dict(received.get(timeout=20) for _ in range(4))
    for name in 'control', 'fs':
        assert results['/t/' + name] == [
            (opcode, ('/s/' + name).encode() + data)
            for opcode, data in FRAMES]
        assert results['/s/' + name] == [
            (framing.OPCODE_BINARY, ('answer of /t/' + name).encode())]
    assert '/s/criu' not in results
    assert counter.size > 2 * 300000


def test_a_slow_receiver_slows_the_sender():
    """The relay holds a block at most for each direction."""
    size, go, data = 12, threading.Event(), b'x' * 250000
    sent = []

    def send(target, connection):
        for _ in range(size):
            connection.sendall(frame(data))
            sent.append(target)

    def receive(target, connection):
        assert go.wait(20)
        assert [each for _, each in read_frames(connection)] == [data] * size

    with make_server(send) as source, make_server(receive) as target:
        relay = make_relay(source, target)
        thread = threading.Thread(target=relay.run)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive() and len(sent) < size
        go.set()
        thread.join(20)
        assert not thread.is_alive() and len(sent) == 2 * size


@pytest.mark.parametrize('refusing', ['source', 'target'])
def test_a_refused_websocket(refusing):
    """Nothing stays connected."""
    hung_up = []

    def answer(request):
        def serve(connection):
            connection.sendall(upgrade(request))
            hung_up.append(next(read_frames(connection), None))
        return error(403, 'not you') if refusing in request.target else serve

    with Server(answer, path=True) as server:
        transport = Transport(server.endpoint)
        with pytest.raises(exceptions.LXDException):
            Relay(transport, {'fs': '/source'}, transport,
                  {'fs': '/target'}, Counter())
    assert hung_up == ([] if refusing == 'source' else [None])
