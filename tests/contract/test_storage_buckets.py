"""Buckets of storage pools, their keys and backups."""
import contextlib
import io
import logging
import socket
import tarfile

import pytest

from pylxd import exceptions
from pylxd.models.storage_bucket import StorageBucket
from pylxd.models.storage_bucket_backup import StorageBucketBackup
from pylxd.models.storage_bucket_key import StorageBucketKey

from .storage import new_pool

pytestmark = [pytest.mark.real_server, pytest.mark.needs('storage_buckets')]


@pytest.fixture
def pool(lxd_client):
    with new_pool(lxd_client) as pool:
        yield pool


@pytest.fixture
def listener(lxd_client):
    """The server listens for S3; Incus reads buckets that way for backups."""
    with contextlib.closing(socket.socket()) as free:
        free.bind(('127.0.0.1', 0))
        address = '127.0.0.1:{}'.format(free.getsockname()[1])
    for value in address, '':
        lxd_client.api.patch(
            json={'config': {'core.storage_buckets_address': value}})
        if value:
            yield


@pytest.fixture
def bucket(pool):
    try:
        return pool.buckets.create('b-1', {'user.a': 1}, 'old')
    except exceptions.LXDAPIException as error:
        assert pool.buckets.all() == []
        pytest.skip('this server has no buckets: {}'.format(error))


def test_what_the_server_refuses(pool):
    assert pool.buckets.all() == []
    for name in ('a', 'A/b', 'no such name', 'a%b'):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            pool.buckets.create(name)
        assert 'name' in str(caught.value).lower()
    with pytest.raises(exceptions.LXDAPIException):
        pool.buckets.create('b-1', {'no-such-key': 'x'})
    with pytest.raises(exceptions.LXDAPIException):
        pool.buckets.create('b-1', target='no-such-member')
    for name in ('', '..', 'a\nb'):
        with pytest.raises(exceptions.InvalidName):
            pool.buckets.create(name)
    with pytest.raises(exceptions.NotFound):
        pool.buckets.get('b-1')
    assert pool.buckets.all() == []


def test_create_save_delete(listener, pool, bucket):
    assert type(bucket) is StorageBucket
    assert bucket == pool.buckets.get('b-1')
    assert bucket == StorageBucket.get(pool, 'b-1')
    for arguments in {}, {'recursion': 1}, {'all_projects': True}:
        assert pool.buckets.all(**arguments) == [bucket]
    assert pool.buckets.all(filter='name eq b-2') == []
    assert pool.buckets.exists('b-1') and not pool.buckets.exists('b-2')
    assert (bucket.name, bucket.description, bucket.config) == (
        'b-1', 'old', {'user.a': '1'})
    assert bucket.project == 'default' and bucket.location
    assert bucket.s3_url.startswith('https://')
    with pytest.raises(exceptions.Conflict):
        pool.buckets.create('b-1')

    bucket.description = 'new'
    bucket.save()
    bucket.config['user.b'] = '2'
    del bucket.config['user.a']
    bucket.save(wait=True)
    saved = pool.buckets.get('b-1')
    assert (saved.description, saved.config) == ('new', {'user.b': '2'})
    saved.patch({'description': 'newer'})  # see patchable
    assert (saved.description, saved.config) == ('newer', {'user.b': '2'})
    bucket.delete()
    assert pool.buckets.all() == []
    with pytest.raises(exceptions.NotFound):
        bucket.delete()


def test_keys(bucket, caplog):
    caplog.set_level(logging.DEBUG)
    admin, = bucket.keys.all()  # the server has made it
    assert (admin.name, admin.role) == ('admin', 'admin')
    key = bucket.keys.create('k1', description='old')
    assert type(key) is StorageBucketKey
    assert (key.name, key.role, key.description) == ('k1', 'read-only', 'old')
    access, secret = key.access_key, key.secret_key
    assert len(access) > 8 and len(secret) > 16
    assert key == bucket.keys.get('k1') and bucket.keys.exists('k1')
    assert {each.name: each.access_key for each in bucket.keys.all()} == {
        'admin': admin.access_key, 'k1': access}

    key.description = 'new'
    key.save()
    key.role = 'admin'
    key.save()
    key.patch({'description': 'newer'})
    for saved in key, bucket.keys.get('k1'):
        assert (saved.role, saved.description) == ('admin', 'newer')
        assert (saved.access_key, saved.secret_key) == (access, secret)
    with pytest.raises(AttributeError):
        key.secret_key = 'x'
    key.put({'role': 'admin'})  # without the keys, the server changes them
    assert access != key.access_key and secret != key.secret_key

    for text in (repr(key), repr(bucket.keys), str(bucket.keys.all()),
                 str(key.marshall()), caplog.text):
        assert secret not in text and key.secret_key not in text
    with pytest.raises(exceptions.LXDAPIException) as caught:
        bucket.keys.create('k1')
    assert secret not in str(caught.value)
    with pytest.raises(exceptions.LXDAPIException):
        bucket.keys.create('k2', 'no-such-role')
    key.delete()
    assert bucket.keys.all() == [admin]
    with pytest.raises(exceptions.NotFound):
        key.delete()


def test_names_of_keys(bucket):
    names = ['a', 'a/b', 'a%2Fb', 'a b', 'a?b', 'a#b']
    for name in names:
        bucket.keys.create(name, 'admin')
    for name in names:
        assert bucket.keys.get(name).name == name
    listed = [each.name for each in bucket.keys.all()]
    assert sorted(listed) == sorted(names + ['admin'])
    bucket.keys.get('a/b').delete()
    assert [each.name for each in bucket.keys.all()] == [
        each for each in listed if each != 'a/b']
    for name in ('', '..', 'a\nb'):
        with pytest.raises(exceptions.InvalidName):
            bucket.keys.create(name)


@pytest.mark.needs('storage_bucket_backup')
def test_backups(listener, bucket):
    assert bucket.backups.all() == []
    backup = bucket.backups.create('one', '2040-01-01T00:00:00Z')
    assert type(backup) is StorageBucketBackup
    assert (backup.name, backup.expires_at) == ('one', '2040-01-01T00:00:00Z')
    assert backup.created_at and backup == bucket.backups.get('one')
    other = bucket.backups.create()
    assert other.name == 'backup0'
    assert bucket.backups.all() == [backup, other]
    assert backup.export(io.BytesIO()).getvalue()[:2] == b'\x1f\x8b'
    # Incus 7.0.2 says so for both
    with pytest.raises(exceptions.OperationFailed) as caught:
        backup.rename('two')
    assert 'no such file' in str(caught.value) and backup.name == 'one'
    with pytest.raises(exceptions.OperationFailed) as caught:
        backup.delete()
    assert 'not found' in str(caught.value)


@pytest.mark.needs('storage_bucket_backup', 'direct_backup')
def test_export(listener, bucket, tmpdir):
    path = str(tmpdir.join('bucket'))
    assert bucket.export(path, compression_algorithm='none') == path
    with tarfile.open(path) as tar:
        assert 'backup/index.yaml' in tar.getnames()
    assert bucket.backups.all() == []


@pytest.mark.needs('storage_bucket_backup', 'direct_backup')
def test_a_failed_export(bucket, tmpdir):
    """Without a listener for S3, the server cannot read the bucket."""
    with pytest.raises(exceptions.StreamBroken) as caught:
        bucket.export(str(tmpdir.join('bucket')))
    assert 'the server says: Backup create: ' in str(caught.value)
    assert tmpdir.listdir() == []


def test_buckets_need_the_extension(pool, sent, monkeypatch):
    monkeypatch.setitem(
        pool.client.host_info, 'api_extensions', ['storage'])
    for call in (pool.buckets.all, lambda: pool.buckets.create('b-1')):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            call()
        assert caught.value.name == 'storage_buckets'
    assert sent == []
    monkeypatch.undo()
