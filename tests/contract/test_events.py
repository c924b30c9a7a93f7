# -*- coding: utf-8 -*-
"""Events: their types, classes of the caller, handshakes and TLS."""
import functools
import gc
import json
import signal
import subprocess
import sys
import threading
import time
import warnings

import pytest
import six
from six.moves import queue
from ws4py.client import WebSocketBaseClient
from ws4py.client.threadedclient import WebSocketClient

from pylxd import Client, EventType, exceptions
from pylxd.transport.websocket import EventsClient
import wire
from wire import Proxy, Server, make_certificate, frame, tls_context, upgrade
from helpers import skip_without, unique_name


class EventCollector(object):
    """Run an event listener in a thread, and queue its events."""

    def __init__(self, events):
        self.events = events
        self.received = queue.Queue()
        received = events.received_message

        def receive(message):
            received(message)
            self.received.put(events.messages[-1])

        events.received_message = receive
        events.connect()
        self._thread = threading.Thread(target=events.run)
        self._thread.start()

    def find(self, type_, text):
        """Return the next event of a type that contains a text."""
        while True:
            event = self.received.get(timeout=20)
            if event['type'] == type_ and text in json.dumps(event):
                return event

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.events.close()  # the server answers by closing
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.mark.documents(
    'Client.events', 'Client.events.connect', 'Client.events.run',
    'Client.events.messages', 'example:events')
def test_events_are_collected(each_client, lxd_client, name):
    with EventCollector(each_client.events()) as collector:
        lxd_client.profiles.create(name)
        event = collector.find('lifecycle', name)
        lxd_client.containers.create(
            {'name': name, 'source': {'type': 'none'}}, wait=True)
        operation = collector.find('operation', name)
    messages = collector.events.messages
    assert event in messages and operation in messages
    assert all(isinstance(each, dict) for each in messages)
    assert event['metadata']['action'].startswith('profile-')
    assert operation['metadata']['class'] == 'task'
    assert {'timestamp', 'type', 'metadata'} <= set(event)


@pytest.mark.documents('Client.events')
@pytest.mark.parametrize('types', [
    ['lifecycle'], {EventType.Lifecycle}, 'lifecycle'])
def test_only_events_of_these_types(lxd_client, name, types):
    with EventCollector(lxd_client.events(event_types=types)) as collector:
        lxd_client.containers.create(
            {'name': name, 'source': {'type': 'none'}}, wait=True)
        lxd_client.profiles.create(name)
        while 'profile' not in collector.find(
                'lifecycle', name)['metadata']['action']:
            pass
    assert {each['type'] for each in collector.events.messages} == {
        'lifecycle'}


def test_the_query_names_the_types(lxd_client):
    for types in (None, [], [EventType.All], ['lifecycle', 'all']):
        assert lxd_client.events(event_types=types).resource == '/1.0/events'
    assert lxd_client.events(event_types=['operation', 'lifecycle']).resource \
        == '/1.0/events?type=lifecycle,operation'


def test_types_of_some_servers(lxd_client):
    """A server without a type names it in its refusal."""
    for type_ in EventType:
        events = lxd_client.events(event_types=type_)
        try:
            events.connect()
        except exceptions.LXDAPIException as error:
            assert '"{}" isn\'t a supported event type'.format(
                type_) in str(error)
        else:
            events.close_connection()


def test_an_unknown_type_is_refused(lxd_client):
    with pytest.raises(exceptions.LXDAPIException) as caught:
        lxd_client.events(event_types=['none_such']).connect()
    assert 'none_such' in str(caught.value)


@pytest.mark.documents('Client.events')
@pytest.mark.parametrize('base', [WebSocketBaseClient, WebSocketClient])
def test_a_websocket_class_of_the_caller(each_client, lxd_client, name, base):
    received = queue.Queue()

    class MyClient(base):
        def handshake_ok(self):
            if base is WebSocketClient:  # this class starts its thread
                super(MyClient, self).handshake_ok()

        def opened(self):
            received.put('opened')

        def received_message(self, message):
            received.put(six.ensure_str(message.data))

        def closed(self, code, reason=None):
            received.put('closed')

    events = each_client.events(MyClient)
    assert isinstance(events, MyClient)
    events.connect()
    if base is WebSocketBaseClient:
        thread = threading.Thread(target=events.run)
        thread.start()
    assert received.get(timeout=20) == 'opened'
    lxd_client.profiles.create(name)
    while name not in received.get(timeout=20):
        pass
    events.close()
    while received.get(timeout=20) != 'closed':
        pass
    if base is WebSocketBaseClient:
        thread.join(20)


@pytest.mark.parametrize('base', [EventsClient, WebSocketClient])
def test_a_function_that_makes_the_websocket(each_client, lxd_client, base):
    """A partial, or any other callable that takes the URL."""
    class Listener(base):
        def __init__(self, url, log):
            super(Listener, self).__init__(url)
            self.log = log

        def closed(self, code, reason=None):
            self.log.append(code)

    log = []
    for factory in (functools.partial(Listener, log=log),
                    lambda url: Listener(url, log)):
        events = each_client.events(factory)
        assert isinstance(events, Listener)
        assert events.resource == '/1.0/events'
        events.connect()
        events.close()
        if base is EventsClient:
            events.run()
        else:
            events.run_forever()
    assert len(log) == 2


def test_a_function_that_makes_no_websocket(lxd_client):
    with pytest.raises(TypeError) as caught:
        lxd_client.events(lambda url: None)
    assert str(caught.value) == (
        'websocket_client must return a client of ws4py, not None')


GEVENT = '''
import sys
import gevent.monkey
gevent.monkey.patch_all()
from ws4py.client.geventclient import WebSocketClient
from pylxd import Client
kwargs = dict(each.split('=', 1) for each in sys.argv[2:])
if 'crt' in kwargs:
    kwargs['cert'] = kwargs.pop('crt'), kwargs.pop('key')
client = Client(**kwargs)
events = client.events(WebSocketClient)
events.connect()
client.profiles.create(sys.argv[1])
while True:
    message = events.receive()
    if message is None:
        sys.exit('closed')
    if sys.argv[1] in str(message):
        break
events.close()
print('received')
'''


@pytest.mark.parametrize('protocol', ['unix', 'https'])
def test_a_gevent_client(lxd, lxd_https, name, protocol):
    """In another process: gevent patches sockets and threads for good."""
    skip_without('gevent')
    arguments = {'endpoint': lxd.socket} if protocol == 'unix' else {
        'endpoint': lxd.endpoint, 'verify': lxd.certificate,
        'crt': lxd_https['cert'][0], 'key': lxd_https['cert'][1]}
    output = subprocess.check_output(
        [sys.executable, '-c', GEVENT, name]
        + ['{}={}'.format(*each) for each in sorted(arguments.items())])
    assert output == b'received\n'


# -- the end

@pytest.mark.parametrize('end', ['close', 'terminate', 'close_connection'])
@pytest.mark.parametrize('delay', [0, 0.05])
def test_another_thread_ends_the_listener(each_client, caplog, end, delay):
    """`run` returns, with no error and no message, and calls ``closed``."""
    outcome = []

    class Listener(EventsClient):
        def closed(self, code, reason=None):
            outcome.append('closed')

    def run():
        try:
            outcome.append(events.run())
        except BaseException as error:
            outcome.append(error)

    for _ in range(5):
        del outcome[:]
        events = each_client.events(Listener)
        events.connect()
        thread = threading.Thread(target=run)
        thread.start()
        time.sleep(delay)
        getattr(events, end)()
        thread.join(20)
        assert not thread.is_alive()
        assert outcome == ['closed', None]
        for again in 'close', 'terminate', 'close_connection':
            getattr(events, again)()  # which has no effect
        assert events.sock is None
    assert not [each for each in caplog.records if each.levelname != 'DEBUG']


def test_a_signal_handler_ends_the_listener(each_client):
    """The handler runs in the thread that receives."""
    events = each_client.events()
    events.connect()
    before = signal.signal(
        signal.SIGALRM, lambda *_: events.close_connection())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        events.run()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_listener_that_is_not_connected(lxd_client):
    """Its methods that end it have no effect; `run` says what to do."""
    events = lxd_client.events()
    events.close()
    events.close_connection()
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        events.run()
    assert str(caught.value).endswith(
        ': websocket /1.0/events: call connect() before run()')


@pytest.mark.skipif(six.PY2, reason='Python 2 does not warn')
@pytest.mark.parametrize('base', [None, WebSocketBaseClient, WebSocketClient])
@pytest.mark.parametrize('is_connected', [False, True])
def test_a_dropped_listener_closes_its_socket(
        each_client, base, is_connected):
    if base is WebSocketClient and is_connected:
        pytest.skip('its thread keeps it')
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        for _ in range(2):
            events = each_client.events(base)
            events.itself = events  # found by the garbage collector only
            if is_connected:
                events.connect()
        del events
        gc.collect()
    assert not [str(each.message) for each in caught
                if each.category is ResourceWarning]


# -- handshakes

@pytest.mark.trap('no-origin')
@pytest.mark.parametrize('websocket_client', [None, WebSocketClient])
def test_no_origin_is_sent(lxd, container, websocket_client):
    """Incus 7 refuses an ``Origin`` other than its own."""
    with Proxy(lxd.socket, True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            events = client.events(websocket_client)
            events.connect()
            events.close_connection()
            try:
                # the container is stopped: the server refuses the command
                client.containers.get(container.name).execute(['true'])
            except exceptions.LXDException:
                pass
        handshakes = [bytes(sent).lower() for sent in proxy.sent
                      if b'upgrade: websocket' in bytes(sent).lower()]
    assert handshakes
    for each in handshakes:
        assert b'origin' not in each
        assert b'host: localhost\r\n' in each


@pytest.mark.trap('frames-with-handshake')
def test_events_in_the_packet_of_the_handshake(tmpdir):
    """Incus 6 sends its first events in the packet of its response."""
    events = [{'type': 'logging', 'n': number} for number in range(9)]
    stream = b''.join(frame(json.dumps(each).encode(), 1) for each in events)

    def answer(request):
        return lambda connection: connection.sendall(
            upgrade(request) + stream)

    pair = make_certificate(tmpdir)
    for context in (None, tls_context(pair)):
        with Server(wire.lxd_api({'GET /1.0/events': answer}),
                    context=context) as server:
            client = Client(server.endpoint, verify=pair[0])
            listener = client.events()
            listener.connect()
            listener.run()
        assert listener.messages == events


# -- TLS

@pytest.mark.trap('websocket-unverified')
@pytest.mark.parametrize('verify', ['other', True])
@pytest.mark.parametrize('websocket_client', [None, WebSocketClient])
def test_another_server_is_refused(
        lxd, lxd_https, tmpdir, verify, websocket_client):
    """The server has another certificate than at the call before."""
    other_pair = make_certificate(tmpdir, 'other')
    with lxd.client(**lxd_https) as client:
        events = client.events(websocket_client)
        with Proxy(lxd.socket, context=tls_context(other_pair)) as proxy:
            client.transport.connector.port = int(
                proxy.endpoint.rpartition(':')[2])
            with pytest.raises(exceptions.ClientConnectionFailed) as caught:
                events.connect()
            assert 'certificate' in str(caught.value)
            assert not any(proxy.sent)  # no byte of the request


def test_the_key_pair_is_sent(lxd, lxd_https, tmpdir):
    """An unknown key pair gets no events."""
    with lxd.client(**dict(lxd_https, cert=make_certificate(
            tmpdir, unique_name()))) as client:
        assert not client.trusted
        with pytest.raises(exceptions.LXDAPIException) as caught:
            client.events().connect()
        assert caught.value.response.status_code == 403


def test_the_listener_ends_with_the_server(lxd):
    """`run` returns when the server closes the connection."""
    with Proxy(lxd.socket, True) as proxy:
        with lxd.client(endpoint=proxy.endpoint) as client:
            events = client.events()
            events.connect()
            thread = threading.Thread(target=events.run)
            thread.start()
            proxy.close_connections()
            thread.join(20)
            assert not thread.is_alive()
