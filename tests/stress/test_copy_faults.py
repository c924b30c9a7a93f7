"""Copies between servers of which one is killed, or cut off."""
import contextlib
import os
import time

import pytest

from helpers import BUSYBOX, unique_name
from pylxd import exceptions
from pylxd.testing import plugin
from wire import Proxy

MODES = 'pull', 'push', 'relay'
#: Seconds within which a copy must fail.
AT_ONCE = 3


@pytest.fixture(scope='module')
def kits(request):
    """Two servers, of the original and of the copies."""
    with contextlib.closing(plugin.make_kit(
            request.config.getoption('lxd'), {})) as one:
        with contextlib.closing(plugin.make_kit(
                request.config.getoption('lxd'), {})) as other:
            yield one, other


@pytest.fixture(scope='module')
def original(kits):
    """A container whose copy takes two seconds, on any machine."""
    with kits[0].client() as client:
        pool = client.storage_pools.get('default')
        pool.config['rsync.bwlimit'] = '20MB'
        pool.save()
        container = client.containers.create(
            {'name': unique_name(), 'source': BUSYBOX}, wait=True)
        container.files.put('/root/big', os.urandom(4 * 10 ** 7))
        yield container


def break_copy(container, name, target, mode, break_):
    """Call ``break_()`` during a copy; return its error and its seconds.

    The seconds are counted from the break.
    """
    broken = []

    def report(progress):
        if not broken:
            broken.append(time.time())
            break_()

    with pytest.raises(exceptions.LXDException) as caught:
        container.copy(name, to=target, mode=mode, progress=report)
    assert broken, caught.value
    return caught.value, time.time() - broken[0]


def wait_until_gone(client, name):
    """Wait until the server has deleted what there was of the copy."""
    end = time.time() + 10
    while client.containers.exists(name) or client.storage_pools.get(
            'default').volumes.exists('container', name):
        assert time.time() < end
        time.sleep(0.05)


@pytest.mark.usefixtures('killable')
@pytest.mark.parametrize('mode', MODES)
def test_the_server_of_the_original_is_killed(kits, original, add_row, mode):
    name, (killed, kit) = unique_name(), kits
    with killed.client() as client, kit.client() as target:
        error, seconds = break_copy(
            client.containers.get(original.name), name, target, mode,
            killed.kill)
        wait_until_gone(target, name)
        killed.restart()
        assert client.containers.get(original.name).status == 'Stopped'
    assert 'the other server' in str(error)
    assert seconds < AT_ONCE
    add_row('faults', 'SIGKILL of the server of the original, copy by '
            + mode, 1, type(error).__name__, '{:.1f}'.format(seconds),
            'nothing')


@pytest.mark.usefixtures('killable')
@pytest.mark.parametrize('mode', MODES)
def test_the_server_of_the_copy_is_killed(kits, original, add_row, mode):
    """Servers do not delete what they had before; the message says so."""
    name, (kit, killed) = unique_name(), kits
    with kit.client() as client, killed.client() as target:
        container = client.containers.get(original.name)
        error, seconds = break_copy(
            container, name, target, mode, killed.kill)
        killed.restart()
        left = target.containers.exists(name)
        if left:
            try:
                target.containers.get(name).delete(wait=True)
            except exceptions.OperationFailed as refusal:
                # The mounts of a killed Incus stay until the next boot
                assert 'busy' in str(refusal)
        copy = container.copy(name + '2', to=target, mode=mode)
        assert copy.files.exists('/root/big')
        copy.delete(wait=True)
    assert 'may be left' in str(error) and name in str(error)
    assert seconds < AT_ONCE
    add_row('faults', 'SIGKILL of the server of the copy, copy by ' + mode, 1,
            type(error).__name__, '{:.1f}'.format(seconds),
            'a part of the copy' if left else 'nothing')


@pytest.mark.parametrize('side', ['original', 'copy'])
def test_a_relay_that_is_cut_off(kits, original, add_row, side):
    name = unique_name()
    cut = kits[side == 'copy']
    with Proxy(cut.socket, path=True) as proxy:
        clients = [kit.client(endpoint=proxy.endpoint) if kit is cut
                   else kit.client() for kit in kits]
        container = clients[0].containers.get(original.name)
        error, seconds = break_copy(
            container, name, clients[1], 'relay', proxy.close_connections)
        wait_until_gone(clients[1], name)
        copy = container.copy(name, to=clients[1], mode='relay')
        assert copy.files.exists('/root/big')
        copy.delete(wait=True)
        for client in clients:
            client.close()
    assert seconds < AT_ONCE
    add_row('faults', 'connections to the server of the {} are cut, copy by '
            'relay'.format(side), 1, type(error).__name__,
            '{:.1f}'.format(seconds), 'nothing')


def test_an_exception_ends_a_relay(kits, original, nothing_left):
    """Ctrl-C, for one, which here comes out of the progress function."""
    name = unique_name()

    def interrupt(progress):
        if progress.done > 10 ** 7:
            raise KeyboardInterrupt

    with kits[0].client() as client, kits[1].client() as target:
        container = client.containers.get(original.name)
        with pytest.raises(KeyboardInterrupt):
            container.copy(name, to=target, mode='relay', progress=interrupt)
        wait_until_gone(target, name)
        assert container.files.exists('/root/big')
