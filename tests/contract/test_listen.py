"""The iterator of events: types, projects, timeouts, restarts, threads."""
import gc
import subprocess
import sys
import threading
import time

import pytest

from helpers import unique_name
from pylxd import EventType, exceptions
from pylxd.transport.polling import descriptor

pytestmark = pytest.mark.real_server


def find_actions(events, name):
    """Return the actions of the lifecycle events on objects of a name."""
    return [event['metadata']['action'] for event in events
            if name in event['metadata']['source']]


def test_events_after_listen_are_received(each_client, name):
    """Also those from before the first use of the iterator."""
    with each_client.listen(EventType.Lifecycle, timeout=1) as listener:
        each_client.profiles.create(name)
        each_client.profiles.get(name).delete()
        started = time.time()
        events = list(listener)
    assert find_actions(events, name) == ['profile-created',
                                          'profile-deleted']
    assert {event['type'] for event in events} == {'lifecycle'}
    assert time.time() - started < 20
    assert list(listener) == [] and 'closed' in repr(listener)


#: A program that keeps a server busy.
BUSY = '''
import sys
from pylxd import Client
client = Client(sys.argv[1])
while True:
    client.api.profiles.get(params={'recursion': '1'})
'''


def test_no_event_is_missed_on_a_busy_server(lxd, lxd_client, name):
    """LXD 5.0.2 registers a listener after the response of the handshake."""
    programs = [subprocess.Popen([sys.executable, '-c', BUSY, lxd.socket])
                for _ in range(6)]
    try:
        for number in range(60):
            with lxd_client.listen('lifecycle', timeout=10) as listener:
                profile = lxd_client.profiles.create(name)
                assert find_actions([next(listener)], name) == [
                    'profile-created'], 'event {}'.format(number)
                profile.delete()
    finally:
        for each in programs:
            each.kill()
            each.wait()


def test_types(lxd_client, bootable):
    with lxd_client.listen(['operation', 'lifecycle'], timeout=1) as listener:
        bootable.start(wait=True)
        kinds = [event['type'] for event in listener]
    assert set(kinds) == {'operation', 'lifecycle'}
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.listen('no-such-type')


def test_projects(lxd_client, name):
    lxd_client.projects.create(name)
    try:
        client = lxd_client.use_project(name)
        with lxd_client.listen('lifecycle', timeout=1) as default, (
                client.listen('lifecycle', timeout=1)) as own, (
                    lxd_client.listen('lifecycle', all_projects=True,
                                      timeout=1)) as every:
            client.profiles.create(name)
            seen = [find_actions(each, name)
                    for each in (default, own, every)]
        assert seen == [[], ['profile-created'], ['profile-created']]
        client.profiles.get(name).delete()
    finally:
        lxd_client.projects.get(name).delete()


@pytest.mark.parametrize('how', ['close', 'drop'])
def test_another_thread_closes(each_client, how):
    """The iteration ends, or the connection does with the listener."""
    listener = each_client.listen('lifecycle')
    if how == 'close':
        timer = threading.Timer(0.3, listener.close)
        timer.start()
        started = time.time()
        assert list(listener) == []
        assert time.time() - started < 5
        timer.join()
    else:
        sock = listener._socket.sock
        del listener
        gc.collect()
        assert descriptor(sock) == -1


def test_a_restart(another_kit):
    """The event `reconnected` marks the gap; what follows is received."""
    name = unique_name()
    with another_kit.client() as client:
        with client.listen('lifecycle', timeout=30,
                           reconnect=True) as listener:
            another_kit.restart()
            assert next(listener)['type'] == 'reconnected'
            client.profiles.create(name)
            assert find_actions([next(listener)], name) == ['profile-created']
        with client.listen('lifecycle') as listener:
            another_kit.kill()
            with pytest.raises(exceptions.StreamBroken) as caught:
                next(listener)
            assert 'reconnect=True' in str(caught.value)
            assert list(listener) == []


def test_a_server_that_does_not_come_back(another_kit):
    with another_kit.client() as client:
        listener = client.listen(timeout=1, reconnect=True)
        another_kit.kill()
        started = time.time()
        assert [each['type'] for each in listener
                if each['type'] == 'reconnected'] == []
        assert 0.5 < time.time() - started < 5


def test_a_client_that_is_not_trusted(stranger):
    with pytest.raises(exceptions.LXDAPIException):
        stranger.listen()
