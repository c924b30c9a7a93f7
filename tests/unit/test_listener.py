"""The iterator of events: pings, hostile events, pauses."""
import json
import socket
import threading

import pytest
from ws4py import framing

from pylxd import exceptions
from pylxd.transport import listener, websocket
from pylxd.transport.connection import Transport
from pylxd.transport.listener import Listener
from wire import Server, error, frame, read_frames, upgrade

EVENT = {'type': 'lifecycle', 'metadata': {'action': 'a'}}
PONG = frame(b'', framing.OPCODE_PONG)


def text(document):
    return frame(json.dumps(document).encode(), framing.OPCODE_TEXT)


def serve(*conversations, **options):
    """A server with a websocket for each conversation, one after another.

    A conversation is called with the connection, after the ping by which a
    listener asks whether it is registered; one that is bytes is sent in the
    place of the handshake.

    :param pong: the bytes that answer the ping.
    """
    conversations = list(conversations)
    pong = options.get('pong', PONG)

    def answer(request):
        converse = conversations.pop(0) if len(
            conversations) > 1 else conversations[0]
        if isinstance(converse, bytes):
            return converse

        def run(connection):
            connection.sendall(upgrade(request))
            assert next(read_frames(connection)) == (framing.OPCODE_PING, b'')
            connection.sendall(pong)
            converse(connection)
        return run
    return Server(answer, path=True)


def listen(server, **arguments):
    return Listener(Transport(server.endpoint), '/1.0/events', **arguments)


def hang_up(connection):
    """Close the connection."""


def stay_silent(connection):
    for _ in read_frames(connection):
        pass


def test_a_listener_waits_until_it_is_registered():
    """Events before the pong, and in the same packet, are kept."""
    registered, events = threading.Event(), text(EVENT)

    def converse(connection):
        registered.set()
        connection.sendall(events[:5])
        connection.sendall(events[5:] + PONG + events)
        stay_silent(connection)

    with serve(converse, pong=b'') as server, listen(
            server, timeout=0.2) as listener:
        assert registered.is_set()
        assert list(listener) == [EVENT] * 2


@pytest.mark.parametrize('limit', ['REGISTRATION_TIME', 'timeout'])
def test_a_server_that_answers_no_ping(monkeypatch, limit):
    timeout = 0.05
    if limit == 'REGISTRATION_TIME':
        monkeypatch.setattr(websocket, limit, 0.05)
        timeout = None
    is_connected = threading.Event()

    def converse(connection):
        assert is_connected.wait(10)
        connection.sendall(text(EVENT))
        stay_silent(connection)

    with serve(converse, pong=b'') as server, Listener(
            Transport(server.endpoint, timeout=timeout),
            '/1.0/events') as listener:
        is_connected.set()
        assert next(listener) == EVENT


def test_a_server_that_sends_events_and_answers_no_ping(monkeypatch):
    """The wait for the pong ends all the same."""
    monkeypatch.setattr(websocket, 'REGISTRATION_TIME', 0.05)

    events = text(EVENT) * 10000

    def converse(connection):
        try:
            while True:
                connection.sendall(events)
        except socket.error:
            pass  # the listener is closed

    with serve(converse, pong=b'') as server, listen(server) as listener:
        assert next(listener) == EVENT


def test_pings_are_answered():
    def converse(connection):
        connection.sendall(frame(b'are you there', framing.OPCODE_PING))
        assert next(read_frames(connection)) == (
            framing.OPCODE_PONG, b'are you there')
        connection.sendall(text(EVENT))
        stay_silent(connection)

    with serve(converse) as server, listen(server) as events:
        assert next(events) == EVENT


def test_a_ping_before_the_end():
    """The answer cannot be sent; the end is told all the same."""
    def converse(connection):
        connection.sendall(
            text(EVENT) + frame(b'?', framing.OPCODE_PING) * 1000)

    with serve(converse) as server, listen(server) as events:
        assert next(events) == EVENT
        with pytest.raises(exceptions.StreamBroken):
            next(events)


def test_fragments_and_several_events_at_once():
    data = json.dumps(EVENT).encode()

    def converse(connection):
        connection.sendall(
            frame(data[:9], framing.OPCODE_TEXT, fin=0)
            + frame(data[9:], framing.OPCODE_CONTINUATION) + text(EVENT) * 3)
        stay_silent(connection)

    with serve(converse) as server, listen(server, timeout=0.2) as events:
        assert list(events) == [EVENT] * 4


def test_an_event_that_is_not_json():
    def converse(connection):
        connection.sendall(frame(b'{', framing.OPCODE_TEXT) + text(EVENT))
        stay_silent(connection)

    with serve(converse) as server, listen(server) as events:
        with pytest.raises(exceptions.StreamBroken) as caught:
            next(events)
        assert 'JSON' in str(caught.value)
        assert next(events) == EVENT


@pytest.mark.parametrize('closing', [b'', frame(
    b'\x03\xe8', framing.OPCODE_CLOSE)])
def test_reconnection(monkeypatch, closing):
    monkeypatch.setattr(listener, 'FIRST_PAUSE', 0.001)

    def converse(connection):
        connection.sendall(text(EVENT) + closing)

    def go_on(connection):
        connection.sendall(text(EVENT))
        stay_silent(connection)

    starting = error(503, 'starting')
    with serve(converse, starting, go_on) as server, listen(
            server, reconnect=True) as events:
        seen = [next(events) for _ in range(3)]
    assert [each['type'] for each in seen] == [
        'lifecycle', 'reconnected', 'lifecycle']
    assert seen[1]['timestamp'].endswith('Z')


def test_a_server_that_refuses_afterwards():
    with serve(hang_up, error(403, 'not you')) as server, listen(
            server, reconnect=True) as events:
        with pytest.raises(exceptions.LXDAPIException) as caught:
            next(events)
        assert 'not you' in str(caught.value)
        assert list(events) == []


def test_a_close_ends_the_pause(monkeypatch):
    monkeypatch.setattr(listener, 'FIRST_PAUSE', 60)
    with serve(hang_up, error(503, 'starting')) as server:
        events = listen(server, reconnect=True)
        threading.Timer(0.2, events.close).start()
        assert list(events) == []
