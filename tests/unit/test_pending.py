"""Requests whose responses are read later."""
import errno
import socket

import pytest
import wire

from pylxd import exceptions
from pylxd.transport.connection import Transport
from pylxd.transport.pending import PendingRequest
from pylxd.transport.polling import wait


class BrokenSocket(object):
    """A socket whose peer has closed the connection."""

    is_closed = False

    def sendall(self, data):
        raise socket.error(errno.EPIPE, 'broken pipe')

    def close(self):
        self.is_closed = True


def test_a_connection_that_breaks_at_once_is_closed(monkeypatch):
    transport, sock = Transport('/s'), BrokenSocket()
    monkeypatch.setattr(transport, 'connect', lambda: sock)
    with pytest.raises(exceptions.ClientConnectionFailed):
        PendingRequest(transport, '/w')
    assert sock.is_closed


@pytest.mark.parametrize('answer', [
    b'', b'HTTP/1.1 2',
    b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}'])
def test_a_broken_response(answer):
    def respond(request):
        return lambda connection: connection.sendall(answer)

    with wire.Server(respond, path=True) as server:
        pending = PendingRequest(Transport(server.endpoint), '/w')
        with pytest.raises(exceptions.ClientConnectionFailed):
            while pending.receive() is None:
                wait([pending], [])
        pending.close()


def test_another_thread_has_closed_it():
    """Who waits for it uses it, and is told."""
    with wire.Listener(lambda sock: sock.recv(4096), path=True) as server:
        pending = PendingRequest(Transport(server.endpoint), '/w')
        pending.close()
        assert pending.fileno() == -1
        assert wait([pending], []) == ([pending], [])
        with pytest.raises(exceptions.ClientConnectionFailed):
            pending.receive()
