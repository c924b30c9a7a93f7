"""A server that is killed during a launch, a wait, or while listening."""
import contextlib
import threading
import time

import pytest

from helpers import BUSYBOX, unique_name
from pylxd import exceptions
from pylxd.testing import plugin


@pytest.fixture
def kit(request, killable):
    """A server of its own for each test."""
    with contextlib.closing(plugin.make_kit(
            request.config.getoption('lxd'), {})) as kit:
        yield kit


def launch_repeatedly(client, container):
    while True:
        client.containers.launch('busybox').delete(wait=True, force=True)


def wait_for_address(client, container):
    container.wait_for_address(60)


def wait_ready(client, container):
    container.freeze(wait=True)
    container.wait_ready(60)


def listen(client, container):
    for _ in client.listen():
        pass


def listen_again(client, container):
    for _ in client.listen(timeout=2, reconnect=True):
        pass


@pytest.mark.parametrize('call, error_class', [
    (launch_repeatedly, exceptions.ClientConnectionFailed),
    (wait_for_address, exceptions.ClientConnectionFailed),
    (wait_ready, exceptions.ClientConnectionFailed),
    (listen, exceptions.StreamBroken), (listen_again, None),
], ids=lambda value: getattr(value, '__name__', ''))
def test_a_killed_server(kit, add_row, call, error_class):
    with kit.client() as client:
        container = client.containers.create(
            {'name': unique_name(), 'source': BUSYBOX}, wait=True)
        container.start(wait=True)
        timer = threading.Timer(1, kit.kill)
        timer.start()
        begin, error = time.time(), None
        try:
            call(client, container)
        except exceptions.LXDException as caught:
            error = caught
        seconds = time.time() - begin - 1
        timer.join()
    assert isinstance(error, error_class or type(None)), error
    assert seconds < 5
    add_row('faults', 'SIGKILL during {}'.format(call.__name__), 1,
            type(error).__name__ if error else 'the iteration ends',
            '{:.1f}'.format(seconds), 'what the server had')
