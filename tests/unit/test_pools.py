# -*- coding: utf-8 -*-
"""Connection pools: kept, stale, shared and interrupted connections."""
import gc
import os
import ssl
import threading
import warnings

import pytest
import six

from pylxd import exceptions
from pylxd.transport import pools
from pylxd.transport.connection import Transport
from helpers import run_in_threads
from wire import Listener, Server, http, tls_context


@pytest.mark.parametrize('path', [None, True])
def test_a_post_takes_no_stale_connection(path):
    """A POST is not sent on a connection that the server has closed."""
    with Server(lambda _: http(b'1'), path) as server:
        transport = Transport(server.endpoint)
        transport.request('GET', '/')
        server.close_connections()
        assert transport.request('POST', '/').content == b'1'
        assert server.requested == ['GET /', 'POST /']


@pytest.mark.parametrize('path, secure', [
    (True, False), (None, False), (None, True)])
def test_connections_are_kept(pairs, path, secure):
    with Server(lambda _: http(b'1'), path,
                tls_context(pairs['own']) if secure else None) as server:
        transport = Transport(server.endpoint, verify=pairs['own'][0])
        for path in 'abcdefgh':
            transport.request('GET', '/' + path)
        assert server.connections == 1
        transport.close()
        transport.request('GET', '/')
        assert server.connections == 2


def test_each_thread_gets_its_own_responses():
    with Server(lambda request: http(six.ensure_binary(request.target)),
                True) as server:
        transport = Transport(server.endpoint)
        wrong = []

        def send_requests(number):
            for each in range(20):
                path = '/{}-{}'.format(number, each)
                if transport.request('GET', path).content != path.encode():
                    wrong.append(path)

        run_in_threads(send_requests, range(8))
        assert not wrong and len(server.requests) == 160


def test_sockets_are_closed_when_a_handshake_fails(pairs):
    before = len(os.listdir('/proc/self/fd'))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')  # Python 3 warns of lost sockets
        with Server(lambda _: http(), context=tls_context(
                pairs['signed-elsewhere'])) as server:
            transport = Transport(server.endpoint, verify=pairs['ca'][0])
            for _ in range(5):
                for call in (lambda: transport.request(
                        'GET', '/'), transport.connect):
                    with pytest.raises(exceptions.ClientConnectionFailed):
                        call()
    transport.close()
    gc.collect()  # PyPy closes sockets of the server only then
    assert len(os.listdir('/proc/self/fd')) <= before
    assert not [str(each.message) for each in caught]


@pytest.mark.parametrize('secure', [False, True])
def test_slow_bytes_reach_the_timeout(pairs, secure):
    """Single bytes do not restart the timeout."""
    def drip(connection):
        connection.sendall(http(b'', Content_Length=999))
        while True:
            connection.sendall(b'x')
            threading.Event().wait(0.05)

    with Server(lambda _: drip, not secure,
                tls_context(pairs['own']) if secure else None) as server:
        transport = Transport(
            server.endpoint, verify=pairs['own'][0], timeout=0.2)
        with pytest.raises(exceptions.ConnectionTimeout):
            transport.request('GET', '/')


@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_an_interrupted_request_closes_its_connection(monkeypatch, method):
    """The response must not be taken for that of the next request."""
    with Server(lambda request: http(six.ensure_binary(request.target)),
                True) as server:
        transport = Transport(server.endpoint)
        transport.request('GET', '/')
        with monkeypatch.context() as patched:
            def interrupt(*_, **__):
                raise KeyboardInterrupt

            patched.setattr(pools._HTTPResponse, 'begin', interrupt)
            with pytest.raises(KeyboardInterrupt):
                transport.request(method, '/interrupted')
        assert server.ended.get(timeout=10)  # its connection was closed
        assert transport.request('GET', '/next').content == b'/next'


def test_an_error_of_tls_is_not_repeated(monkeypatch):
    """With TLS 1.3, the server refuses a key pair after the handshake."""
    def fail(*_, **__):
        raise ssl.SSLError(1, 'alert certificate required')

    monkeypatch.setattr(pools._HTTPResponse, 'begin', fail)
    with Server(lambda _: http(), True) as server:
        transport, timeouts = Transport(server.endpoint), []
        connect = transport.connector.connect
        transport.connector.connect = lambda timeout: (
            timeouts.append(timeout), connect(timeout))[1]
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            transport.request('GET', '/')
        assert 'certificate required' in str(caught.value)
        assert timeouts == [None]  # it connected once


@pytest.mark.parametrize('method', ['GET', 'POST'])
def test_a_response_before_the_request(method):
    """The request cannot be sent; the early response says why."""
    with Listener(lambda connection: connection.sendall(http(b'early')),
                  True) as server:
        transport = Transport(server.endpoint)
        connect = transport.connector.connect

        def connect_late(timeout):
            sock = connect(timeout)
            assert server.ended.get(timeout=10)
            return sock

        transport.connector.connect = connect_late
        assert transport.request(method, '/').content == b'early'
