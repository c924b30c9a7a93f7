"""Exports of instances, volumes and buckets, and imports of their files."""
import io
import os
import sys
import tarfile

import pytest
import six

from helpers import MinimalReader, read_bytes
from pylxd import exceptions
from pylxd.core.operation import Operation
from pylxd.models.download import Download

from .storage import new_pool
from .support import refetch

pytestmark = pytest.mark.real_server


@pytest.fixture
def volume(lxd_client):
    """A volume with a description, in a pool of its own."""
    with new_pool(lxd_client) as pool:
        yield pool.volumes.create('v1', description='old')


@pytest.fixture
def exported(container, tmpdir):
    """The path of an uncompressed export of `container`."""
    return container.export(
        str(tmpdir.join('exported.tar')), compression_algorithm='none')


def list_files(data):
    """Return the names in a tar archive."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getnames()


def test_a_backup(container, tmpdir):
    """A backup goes to a path, a file, or to a loop, and stays."""
    backup = container.backups.create('b1', compression_algorithm='none')
    path, progress = tmpdir.join('file'), []
    path.write('older')
    assert backup.export(str(path), progress.append) == str(path)
    data = path.read_binary()
    assert 'backup/index.yaml' in list_files(data)
    assert tmpdir.listdir() == [path]
    assert set(progress) == {(len(data), len(data), 'B', 'b1')}
    file = io.BytesIO()
    assert backup.export(file) is file and file.getvalue() == data
    assert backup.export(path) is path and path.read_binary() == data
    with backup.export() as download:
        assert type(download) is Download
        assert b''.join(download) == data
        assert list(download) == []
    assert container.backups.all() == [backup]


def test_an_instance(lxd_client, container, tmpdir, sent):
    container.snapshots.create('s1', wait=True)
    del sent[:]
    path, progress = str(tmpdir.join('c1.tar')), []
    assert container.export(
        path, compression_algorithm='none', progress=progress.append) == path
    url = container.api.backups.path
    if container.client.has_api_extension('direct_backup'):
        assert sent == ['POST ' + url]
    else:
        name = next(each.split('/')[-2] for each in sent
                    if each.endswith('/export'))
        assert name.startswith('export-')
        assert [each for each in sent if '/operations/' not in each] == [
            'POST ' + url, 'GET {}/{}/export'.format(url, name),
            'DELETE {}/{}'.format(url, name)]
    files = list_files(read_bytes(path))
    assert any('snapshots/s1' in each for each in files)
    assert progress[-1].done == len(read_bytes(path))
    assert progress[-1].text == container.name
    file = container.export(
        io.BytesIO(), instance_only=True, compression_algorithm='gzip')
    assert file.getvalue()[:2] == b'\x1f\x8b'
    files = list_files(file.getvalue())
    assert not any('snapshots/s1' in each for each in files)
    with container.export(compression_algorithm='none') as download:
        assert list_files(b''.join(download))
    assert container.backups.all() == []


def test_an_export_is_imported_without_a_file(lxd_client, container, name):
    with container.export() as download:
        copy = lxd_client.containers.create_from_backup(
            download, name=name + '2')
    assert copy.status == 'Stopped' and container.backups.all() == []


def test_a_file_that_is_replaced(container, tmpdir):
    """The file that a link names is replaced, and keeps its mode."""
    path, link = tmpdir.join('old'), tmpdir.join('link')
    path.write(b'old')
    path.chmod(0o600)
    link.mksymlinkto(path)
    assert container.export(str(link)) == str(link)
    assert link.islink() and path.read_binary() != b'old'
    assert path.stat().mode & 0o777 == 0o600
    assert sorted(each.basename for each in tmpdir.listdir()) == [
        'link', 'old']


def test_temporary_backups_expire(container, monkeypatch, warnings_logged):
    """A deletion that fails is logged; the export is kept."""
    if container.client.has_api_extension('direct_backup'):
        pytest.skip('this server stores no backup for an export')
    transport = container.client.transport
    request = transport.request

    def refuse_deletion(method, path, **kwargs):
        if method == 'DELETE':
            raise exceptions.ClientConnectionFailed('no deletion')
        return request(method, path, **kwargs)
    monkeypatch.setattr(transport, 'request', refuse_deletion)
    assert container.export(io.BytesIO()).getvalue()
    backup, = container.backups.all()
    assert warnings_logged() == [
        'the temporary backup {!r} was not deleted; the server deletes it '
        'when it expires, after a day: no deletion'.format(backup)]
    assert backup.expires_at > backup.created_at
    monkeypatch.undo()
    backup.delete()


class NoSpace(io.RawIOBase):
    def writable(self):
        return True

    def write(self, data):
        raise IOError(28, 'No space left on device')


def test_exports_that_end_early(container, warnings_logged):
    """Whatever ends an export: the server has no backup after it."""
    def list_backups():
        return container.backups.all()

    with pytest.raises(IOError) as caught:
        container.export(NoSpace())
    assert caught.value.errno == 28
    assert list_backups() == []
    container.export().close()
    assert list_backups() == []
    with container.export() as download:
        assert next(download)
    assert list_backups() == []
    with pytest.raises(StopIteration):
        next(download)
    download = container.export(compression_algorithm='none')
    assert six.next(iter(download))
    del download
    if not hasattr(sys, 'pypy_version_info'):  # which collects it later
        assert list_backups() == []

    class Interrupt(io.RawIOBase):
        def write(self, data):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        container.export(Interrupt())
    assert list_backups() == []
    assert warnings_logged() == []


def test_an_interrupted_backup(container, monkeypatch):
    """Ctrl-C while the server makes the backup; it has none after that."""
    if container.client.has_api_extension('direct_backup'):
        pytest.skip('this server stores no backup for an export')
    wait = Operation.wait

    def interrupt(operation, *args, **kwargs):
        monkeypatch.setattr(Operation, 'wait', wait)
        interrupt.operation = operation
        raise KeyboardInterrupt
    monkeypatch.setattr(Operation, 'wait', interrupt)
    with pytest.raises(KeyboardInterrupt):
        container.export(io.BytesIO())
    interrupt.operation.await_end()
    assert container.backups.all() == []


def test_destinations_are_checked_first(container, tmpdir, sent):
    """No backup is made for a destination that cannot be written."""
    container.backups.all()
    del sent[:]
    # /sys is read-only, for root as well
    for path in str(tmpdir.join('missing', 'file')), str(tmpdir), '/sys/file':
        with pytest.raises(EnvironmentError) as caught:
            container.export(path)
        assert path in str(caught.value)
    for file in 5, io.StringIO(), b'path' if six.PY3 else object():
        with pytest.raises(TypeError) as caught:
            container.export(file)
        assert 'must be a path or a file open for writing bytes' in str(
            caught.value)
    with pytest.raises(TypeError):
        container.export(io.BytesIO(), progress='yes')
    with pytest.raises(EnvironmentError):
        container.export('')
    assert sent == [] and tmpdir.listdir() == []
    assert container.export('/dev/null') == '/dev/null'
    assert not os.path.isfile('/dev/null')
    with pytest.raises(IOError) as caught:
        container.export('/dev/full')
    assert 'No space left on device' in str(caught.value)
    assert '/dev/full' in str(caught.value)
    assert container.backups.all() == []


def test_errors_stay_as_they_are(container, tmpdir, name):
    """Errors of the caller's file and function name no other file."""
    path = tmpdir.join('file')
    path.write('')
    with open(str(path), 'rb') as file:
        with pytest.raises(IOError) as caught:
            container.export(file)
    assert 'None' not in str(caught.value)
    for error in OSError('mine'), OSError(5, 'mine'):
        def fail(progress):
            raise error

        text = str(error)
        with pytest.raises(OSError) as caught:
            container.export(str(path), progress=fail)
        assert caught.value is error and str(error) == text
    assert path.read() == ''


def test_what_the_server_refuses(container, tmpdir, name):
    path = str(tmpdir.join('file'))
    for call in (
            lambda: container.export(path, compression_algorithm='nosuch'),
            lambda: container.export(compression_algorithm='nosuch')):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            call()
        assert 'nosuch' in str(caught.value)
    container.delete(wait=True)
    with pytest.raises(exceptions.NotFound):
        container.export(path)
    assert tmpdir.listdir() == []


@pytest.mark.needs('custom_volume_backup')
def test_a_volume(volume, tmpdir):
    volume.snapshots.create('s1')
    path, progress = str(tmpdir.join('v1.tar')), []
    assert volume.export(path, compression_algorithm='none') == path
    assert any('s1' in each for each in list_files(read_bytes(path)))
    file = volume.export(io.BytesIO(), volume_only=True)
    assert not any('s1' in each for each in list_files(file.getvalue()))
    assert volume.backups.all() == []
    backup = volume.backups.create(compression_algorithm='none')
    assert list_files(b''.join(backup.export()))
    pool = volume.parent
    copy = pool.volumes.create_from_backup(
        path, 'v2', progress=progress.append)
    assert copy.description == 'old'
    size = os.path.getsize(path)
    assert (size, size, 'B', 'v1.tar') in progress


@pytest.mark.needs('custom_volume_backup')
def test_a_volume_that_is_cut_between_two_members(volume):
    """Servers would restore the members before the cut, without an error."""
    data = volume.export(
        io.BytesIO(), compression_algorithm='none').getvalue()
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        end = tar.getmembers()[-1].offset_data
    volumes = volume.parent.volumes
    with pytest.raises(ValueError):
        volumes.create_from_backup(bytearray(data[:end]), 'v2')
    assert volumes.all() == [volume]
    volumes.create_from_backup(bytearray(data[:end + 1024]), 'v2')


def test_an_import(lxd_client, name, exported):
    progress, size = [], os.path.getsize(exported)
    with open(exported, 'rb') as file:
        created = lxd_client.containers.create_from_backup(
            file, name + '2', progress=progress.append)
    assert refetch(created).name == name + '2'
    assert (size, size, 'B', 'exported.tar') in progress
    del progress[:]
    lxd_client.containers.create_from_backup(
        MinimalReader(read_bytes(exported)), name + '3',
        progress=progress.append)
    assert (size, None, 'B', 'the data') in progress


@pytest.mark.parametrize('compression', ['none', 'gzip'])
def test_files_that_are_cut_short(
        lxd_client, container, name, tmpdir, compression):
    """They are refused before the server has the end of them."""
    before = lxd_client.instances.all()
    data = container.export(
        io.BytesIO(), compression_algorithm=compression).getvalue()
    path = tmpdir.join('cut')
    # The last 512 bytes of a tar archive are zeros that nobody needs
    for size in 600, len(data) // 2, len(data) - (
            1024 if compression == 'none' else 1):
        path.write_binary(data[:size])
        for file, words in ((str(path), 'cut'),
                            (bytearray(data[:size]), 'the data'),
                            (MinimalReader(data[:size], 1000), 'the data')):
            with pytest.raises(ValueError) as caught:
                lxd_client.instances.create_from_backup(file, name + '2')
            assert str(caught.value) == (
                '{} is cut short: it ends after {} bytes, before the end of '
                'the archive; nothing was created'.format(words, size))
    assert lxd_client.instances.all() == before
    assert not any(url.endswith(name + '2')
                   for operation in lxd_client.operations.all()
                   for url in operation.affected_urls)
    lxd_client.instances.create_from_backup(bytearray(data), name + '2')


def test_files_that_have_nothing_to_read(lxd_client, name, exported):
    with open(str(exported), 'rb') as file:
        file.seek(0, 2)
        with pytest.raises(ValueError) as caught:
            lxd_client.instances.create_from_backup(file, name + '2')
    assert 'ends after 0 bytes' in str(caught.value)


def test_a_file_that_cannot_be_read(lxd_client, name):
    """The error is that of the file; it was one of the connection."""
    class BadDisk(object):
        def read(self, size=-1):
            raise IOError(5, 'bad disk')

    for call in (
            lambda: lxd_client.instances.create_from_backup(BadDisk(), name),
            lambda: lxd_client.images.create(BadDisk()),
            lambda: lxd_client.images.create(BadDisk(), metadata=b'm')):
        with pytest.raises(IOError) as caught:
            call()
        assert caught.value.errno == 5
        assert not isinstance(caught.value, exceptions.LXDException)


@pytest.mark.parametrize('algorithm', ['xz', 'zstd', 'bzip2'])
def test_compressed_files_that_are_cut_short(
        lxd_client, container, name, algorithm):
    """LXD 5.0.2 would never answer; other servers would refuse them."""
    try:
        data = container.export(
            io.BytesIO(), compression_algorithm=algorithm).getvalue()
    except exceptions.LXDException as error:
        pytest.skip('this server has no {}: {}'.format(algorithm, error))
    before = lxd_client.instances.all()
    for size in len(data) // 3, len(data) - 1:
        with pytest.raises(ValueError):
            lxd_client.instances.create_from_backup(
                bytearray(data[:size]), name + '2')
    assert lxd_client.instances.all() == before
    lxd_client.instances.create_from_backup(bytearray(data), name + '2')
