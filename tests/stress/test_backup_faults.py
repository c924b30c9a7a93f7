"""Exports and imports whose server is killed or whose connection is cut."""
import io
import os

import pytest

from helpers import BUSYBOX, unique_name
from pylxd import Client, exceptions
from wire import Proxy, Server, http, lxd_api
import wire

from .support import BackgroundCall, PausePoint, clock

#: Seconds within which a broken call must return.
AT_ONCE = 3


@pytest.fixture(scope='module')
def big(lxd):
    """A container with 20 MB that cannot be compressed."""
    with lxd.client() as client:
        container = client.containers.create(
            {'name': unique_name(), 'source': BUSYBOX}, wait=True)
        container.files.put('/root/big', io.BytesIO(os.urandom(20 << 20)))
        yield container
        client.containers.get(container.name).delete(wait=True)


@pytest.fixture(scope='module')
def exported(big, tmpdir_factory):
    path = str(tmpdir_factory.mktemp('backups').join('big.tar'))
    return big.export(path, compression_algorithm='none')


class Interruption(object):
    """A fault in the middle of a call.

    :param fault: ``SIGKILL`` of the daemon, or ``cut`` for the connections.
    """

    def __init__(self, lxd, fault):
        self._lxd, self._fault = lxd, fault
        self._proxy = Proxy(lxd.socket, True)
        self.client = lxd.client(endpoint=self._proxy.endpoint, timeout=30)
        self._point = PausePoint()

    def pause_after(self, method, path):
        """Let the fault happen after the response to a request."""
        request = self.client.transport.request

        def request_and_pause(actual_method, actual_path, **kwargs):
            response = request(actual_method, actual_path, **kwargs)
            if (actual_method, actual_path) == (method, path):
                self._point()
            return response
        self.client.transport.request = request_and_pause

    def pause_within(self, text):
        """Return a progress function; it lets the fault happen."""
        return lambda progress: progress.text == text and self._point()

    def run(self, call):
        """Run the call with the fault; return its outcome and its seconds."""
        background = BackgroundCall(call)
        assert self._point.reached.wait(30)
        if self._fault == 'SIGKILL':
            self._lxd.kill()
        else:
            self._proxy.close_connections()
        begin = clock()
        self._point.done.set()
        try:
            outcome = background.wait(AT_ONCE * 5)
        finally:
            if self._fault == 'SIGKILL':
                self._lxd.restart()
        self.client.close()
        self._proxy.close()
        seconds = background.ended_at - begin
        assert seconds < AT_ONCE
        return outcome, seconds


def check_outcome(outcome, is_repeated):
    """Check the outcome of a call, and describe it.

    :param is_repeated: the fault has hit a GET, which is sent again.
    """
    if is_repeated:
        assert not isinstance(outcome, BaseException), outcome
        return 'success'
    assert isinstance(outcome, exceptions.ClientConnectionFailed), outcome
    return type(outcome).__name__


@pytest.mark.parametrize('moment', ['backup', 'download'])
@pytest.mark.parametrize('fault', ['SIGKILL', 'cut'])
def test_an_interrupted_export(
        lxd, killable, big, tmpdir, add_row, warnings_logged, fault, moment):
    """A file appears whole; a backup is left only by a killed server."""
    is_direct = big.client.has_api_extension('direct_backup')
    if is_direct and moment == 'backup':
        pytest.skip('this server stores no backup for an export')
    interruption, progress = Interruption(lxd, fault), None
    if moment == 'backup':
        interruption.pause_after('POST', big.api.backups.path)
    else:
        progress = interruption.pause_within(big.name)
    container = interruption.client.containers.get(big.name)
    path = tmpdir.join('file')
    path.write('older')
    outcome, seconds = interruption.run(lambda: container.export(
        str(path), compression_algorithm='none', progress=progress))
    is_repeated = fault == 'cut' and moment == 'backup'
    seen = check_outcome(outcome, is_repeated)
    assert tmpdir.listdir() == [path]
    assert (path.read_binary() == b'older') == (not is_repeated)
    left = big.backups.all()
    logged = [each for each in warnings_logged() if 'temporary' in each]
    if fault == 'SIGKILL' and not is_direct:
        assert len(logged) == 1
        assert len(left) <= 1
    else:
        assert left == [] and logged == []
    for backup in left:
        assert backup.expires_at > backup.created_at
        backup.delete()
    add_row('faults', '{} during an export: {}'.format(fault, moment), 1,
            seen, '{:.2f}'.format(seconds),
            'no partial file, {} backup(s) that expire'.format(len(left)))


@pytest.mark.parametrize('moment', ['upload', 'restore'])
@pytest.mark.parametrize('fault', ['SIGKILL', 'cut'])
def test_an_interrupted_import(
        lxd, killable, exported, add_row, fault, moment):
    interruption, progress = Interruption(lxd, fault), None
    client, name = interruption.client, unique_name()
    if moment == 'restore':
        interruption.pause_after('POST', client.api.instances.path)
    else:
        progress = interruption.pause_within('big.tar')
    outcome, seconds = interruption.run(
        lambda: client.containers.create_from_backup(
            exported, name, progress=progress))
    with lxd.client() as client:
        for operation in client.operations.all():
            if operation.running and any(
                    url.endswith('/' + name)
                    for url in operation.affected_urls):
                operation.await_end()
        left = 'nothing'
        if client.instances.exists(name):
            left = 'the instance'
            client.instances.get(name).delete(wait=True)
    seen = check_outcome(outcome, fault == 'cut' and moment == 'restore')
    assert (left == 'the instance') == (seen == 'success')
    add_row('faults', '{} during an import: {}'.format(fault, moment), 1,
            seen, '{:.2f}'.format(seconds), left)


@pytest.mark.parametrize('answer', [
    http(b'x' * 99999, Content_Length=100000),
    http(b'186a0\r\n' + b'x' * 99999, Content_Length=None,
         Transfer_Encoding='chunked'),
], ids=['length', 'chunks'])
def test_a_download_that_ends_early(nothing_left, tmpdir, answer):
    """It raises an error for a file, and for a loop over the blocks."""
    def cut(connection):
        connection.sendall(answer)

    root = dict(wire.ROOT, api_extensions=['instances', 'container_backup'])
    with Server(lxd_api({
            'GET /1.0/instances/c1': {'name': 'c1'},
            'GET /1.0/instances/c1/backups/b1': {'name': 'b1'},
            'GET /1.0/instances/c1/backups/b1/export': lambda _: cut,
            }, root), True) as server:
        with Client(server.endpoint, timeout=5) as client:
            backup = client.instances.get('c1').backups.get('b1')
            with pytest.raises(exceptions.StreamBroken):
                backup.export(str(tmpdir.join('file')))
            with pytest.raises(exceptions.StreamBroken):
                for _ in backup.export():
                    pass
    assert tmpdir.listdir() == []
