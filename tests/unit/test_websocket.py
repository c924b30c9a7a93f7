# -*- coding: utf-8 -*-
"""Websockets: handshakes, event listeners and validation of text."""
import json
import socket
import threading

import pytest
from ws4py import framing
from ws4py.client import WebSocketBaseClient
from ws4py.client.threadedclient import WebSocketClient

from pylxd import exceptions
from pylxd.transport import frames, streams, websocket
from pylxd.transport.connection import Transport
from wire import Server, error, frame, http, upgrade

PATHS = ['/w?secret=s3cr3t0']


# -- handshakes

def handshake_error(answer, **kwargs):
    """Return the error that a response to the handshake raises."""
    with Server(lambda _: answer) as server:
        transport = streams.StreamSocket(
            Transport(server.endpoint, **kwargs), PATHS[0])
        with pytest.raises(exceptions.LXDException) as caught:
            transport.connect()
        assert transport.sock is None
    assert 's3cr3t' not in str(caught.value)
    return caught.value


@pytest.mark.parametrize('answer, error_class, message', [
    (error(403, 'not authorized'), exceptions.LXDAPIException,
     'not authorized (GET /w)'),
    (error(404, 'not found'), exceptions.NotFound, 'not found (GET /w)'),
    (error(400, 'bad \x1b'), exceptions.LXDAPIException, 'bad \\x1b'),
    (error(400, 'x' * 20000), exceptions.LXDAPIException, 'x' * 20000),
    (http(b'<html>', '502 Bad Gateway'), exceptions.InvalidResponse, '<html>'),
    (http(b'', '200 OK'), exceptions.InvalidResponse, 'HTTP 200 OK'),
    (http(b'', '302 Found', Location='https://elsewhere/'),
     exceptions.InvalidResponse, 'elsewhere'),
    (http(b'abc', '400 Bad Request', Content_Length=99),
     exceptions.InvalidResponse, 'abc'),
], ids=lambda value: '')
def test_a_refused_handshake(answer, error_class, message):
    if b'Content-Length: 99' in answer:
        raised = handshake_error(lambda connection: connection.sendall(answer))
    else:
        raised = handshake_error(answer)
    assert type(raised) is error_class
    assert message in str(raised)
    assert raised.response.content == answer.partition(b'\r\n\r\n')[2]


@pytest.mark.parametrize('answer', [
    b'', b'nonsense', b'\r\n\r\n', b'SSH-2.0\r\n\r\n', b'HTTP/1.1\r\n\r\n',
    b'\xff\xfe\r\n\r\n', b'x' * 200000, b'HTTP/1.1 101 x',
    http(status='101 Switching Protocols'),
    http(status='101 Switching Protocols', Upgrade='websocket',
         Connection='Upgrade', Sec_WebSocket_Accept='AAAA'),
], ids=lambda value: '')
def test_malformed_handshakes(answer):
    raised = handshake_error(lambda connection: connection.sendall(answer))
    assert isinstance(raised, (exceptions.ClientConnectionFailed,
                               exceptions.InvalidResponse))
    assert '127.0.0.1' in str(raised) or '(GET /w)' in str(raised)


def test_a_silent_handshake_reaches_the_timeout():
    raised = handshake_error(
        lambda connection: connection.recv(1), timeout=0.1)
    assert isinstance(raised, exceptions.ConnectionTimeout)


def test_an_endless_handshake_is_refused():
    """Each piece comes in time, but the head has no end."""
    def drip(connection):
        while True:
            connection.sendall(b'HTTP/1.1 101 x\r\nX: y\r\n' * 999)

    assert 'not from LXD or Incus' in str(handshake_error(drip, timeout=10))


@pytest.mark.parametrize('path', [None, True])
@pytest.mark.parametrize('cls', [WebSocketBaseClient, WebSocketClient])
def test_the_request_of_a_handshake(monkeypatch, path, cls):
    monkeypatch.setattr(websocket, 'REGISTRATION_TIME', 0.01)

    class Mine(cls):
        """Of the caller."""

        def handshake_ok(self):
            pass

    with Server(upgrade, path) as server:
        listener = websocket.make(
            Transport(server.endpoint), '/1.0/events?type=a', Mine)
        assert isinstance(listener, Mine)
        assert type(listener).__name__ == 'Mine'
        assert type(listener).__doc__ == 'Of the caller.'
        listener.connect()
        listener.close_connection()
    request, = server.requests
    assert request.target == '/1.0/events?type=a'
    assert 'origin' not in request.headers
    assert request.headers['host'] == 'localhost' if path else (
        '127.0.0.1:{}'.format(server.endpoint.rpartition(':')[2]))


def test_events_in_the_packet_of_the_handshake():
    events = [{'type': 'operation', 'n': number} for number in range(50)]
    stream = b''.join(frame(json.dumps(event).encode(), framing.OPCODE_TEXT)
                      for event in events)

    def answer(request):
        return lambda connection: connection.sendall(
            upgrade(request) + stream)

    with Server(answer) as server:
        listener = websocket.make(
            Transport(server.endpoint, timeout=10), '/e',
            websocket.EventsClient)
        listener.connect()
        listener.run()  # until the server closes the connection
    assert listener.messages == events


def test_events_are_decoded_json():
    events = websocket.EventsClient('ws://h')
    events.sock.close()

    class Message(object):
        data = u'{"a": "\xe4"}'.encode('utf-8')

    events.received_message(Message)
    assert events.messages == [{'a': u'\xe4'}]
    Message.data = b'{'
    with pytest.raises(exceptions.StreamBroken):
        events.received_message(Message)


def test_listening_may_take_longer_than_the_timeout():
    send_event = threading.Event()

    def answer(request):
        def serve(connection):
            connection.sendall(upgrade(request))
            send_event.wait(10)
            connection.sendall(frame(b'{}', framing.OPCODE_TEXT))
        return serve

    with Server(answer) as server:
        listener = websocket.make(
            Transport(server.endpoint, timeout=0.05), '/e',
            websocket.EventsClient)
        listener.connect()
        assert listener.sock.gettimeout() is None
        threading.Timer(0.2, send_event.set).start()
        listener.run()
    assert listener.messages == [{}]


def test_a_connection_that_closes_before_the_pong():
    def answer(request):
        return lambda connection: connection.sendall(
            upgrade(request) + frame(b'{}', framing.OPCODE_TEXT)
            + frame(b'p', framing.OPCODE_PING))

    with Server(answer, True) as server:
        listener = websocket.make(
            Transport(server.endpoint), '/e', websocket.EventsClient)
        listener.connect()
        listener.sock.shutdown(socket.SHUT_WR)
        listener.run()
    assert listener.messages == [{}]


@pytest.mark.parametrize('data, is_valid', [
    ([u'\xe4\u20ac'.encode('utf-8')], True),
    ([b'\xc3', b'\xa4'], True),  # a character cut between two frames
    ([b'\xff'], False), ([b'\xc3'], False), ([b'\xc3', b'a'], False),
], ids=lambda value: '')
def test_text_is_validated(data, is_valid):
    stream = frames.Stream(expect_masking=False)
    for place, part in enumerate(data):
        for byte in bytearray(frame(
                part, framing.OPCODE_CONTINUATION if place
                else framing.OPCODE_TEXT, place == len(data) - 1)):
            stream.parser.send(bytes(bytearray([byte])))
    assert not stream.errors if is_valid else stream.errors[0].code == 1007
