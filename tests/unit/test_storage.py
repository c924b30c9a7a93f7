"""Storage against a scripted server: what no server of the tests shows."""
import datetime
import json

import pytest

from pylxd import Client, exceptions
from pylxd.models.storage_bucket import StorageBucket
from pylxd.models.storage_bucket_backup import StorageBucketBackup
from pylxd.models.storage_bucket_key import StorageBucketKey
from pylxd.models.storage_pool import StoragePool
from pylxd.models.storage_volume import StorageVolume
from pylxd.models.storage_volume_backup import StorageVolumeBackup
from pylxd.models.storage_volume_snapshot import StorageVolumeSnapshot
from wire import ROOT, Server, accepted, error, lxd_api, sync

POOL = '/1.0/storage-pools/p1'
VOLUMES = POOL + '/volumes'
VOLUME = VOLUMES + '/custom/v1'
BUCKET = POOL + '/buckets/b1'
OPERATION = {'id': 'u1', 'class': 'task', 'status': 'Running',
             'status_code': 103, 'err': '', 'resources': {}, 'metadata': None}
ENDED = dict(OPERATION, status='Success', status_code=200)
WAIT = 'GET /1.0/operations/u1/wait'
EXTENSIONS = [
    'storage', 'resources', 'clustering', 'projects', 'patch',
    'storage_api_volume_rename', 'storage_api_local_volume_handling',
    'storage_api_volume_snapshots', 'custom_volume_snapshot_expiry',
    'storage_volumes_created_at', 'custom_volume_backup',
    'import_custom_volume_tar', 'cluster_internal_custom_volume_copy',
    'storage_volume_api_filtering', 'storage_volumes_all_projects',
    'storage_buckets', 'storage_bucket_backup']


def serve(pages, *extensions, **changes):
    """Return a server with these pages, and its endpoint.

    :param extensions: further extensions of the server.
    :param without: an extension that it lacks.
    """
    listed = set(EXTENSIONS + list(extensions)) - {changes.get('without')}
    server = Server(lxd_api(pages, dict(ROOT, api_extensions=sorted(listed))))
    return server, server.endpoint


def volume_of(client):
    pool = StoragePool.from_key(client, ('p1',))
    return StorageVolume.from_key(pool, ('custom', 'v1'))


def bucket_of(client):
    pool = StoragePool.from_key(client, ('p1',))
    return StorageBucket.from_key(pool, ('b1',))


def body_of(request):
    return json.loads(request.body.decode())


def test_a_server_that_answers_asynchronously():
    """LXD from 6.6 on: the calls wait for the operation."""
    pages = {'POST /1.0/storage-pools': accepted(OPERATION),
             'POST ' + VOLUMES: accepted(OPERATION),
             'POST ' + VOLUME: accepted(OPERATION),
             'PUT ' + VOLUMES + '/custom/v2': accepted(OPERATION),
             'DELETE ' + VOLUMES + '/custom/v2': accepted(OPERATION),
             'DELETE ' + POOL: accepted(OPERATION), WAIT: ENDED}
    server, endpoint = serve(pages)
    with server:
        pool = Client(endpoint).storage_pools.create('p1', 'dir')
        volume = pool.volumes.create('v1')
        volume.rename('v2')
        volume.restore_from('s1')
        volume.delete()
        pool.delete()
        assert server.requested[1::2] == [
            'POST /1.0/storage-pools', 'POST ' + VOLUMES, 'POST ' + VOLUME,
            'PUT ' + VOLUMES + '/custom/v2',
            'DELETE ' + VOLUMES + '/custom/v2', 'DELETE ' + POOL]
        assert set(server.requested[2::2]) == {WAIT}


@pytest.mark.parametrize('snapshot, error_class', [
    (None, TypeError), ('', exceptions.InvalidName), ([], TypeError)])
def test_restore_from_no_snapshot(snapshot, error_class):
    """Servers would take the PUT for new fields, all of them empty."""
    server, endpoint = serve({})
    with server:
        with pytest.raises(error_class):
            volume_of(Client(endpoint)).restore_from(snapshot)
        assert server.requested == ['GET /1.0']


def test_restore_from_the_snapshot_of_another_volume():
    server, endpoint = serve({'PUT ' + VOLUME: {}})
    with server:
        client = Client(endpoint)
        volume = volume_of(client)
        snapshot = StorageVolumeSnapshot.from_key(volume, ('s1',))
        for other, model in (
                (volume_of(client.use_project('p')), snapshot),
                (StorageVolume.from_key(volume.parent, ('custom', 'v2')),
                 snapshot), (volume, volume.parent), (volume, volume),
                (volume.with_client(client.use_target('m1')),
                 snapshot.with_client(client.use_target('m2')))):
            with pytest.raises(ValueError, match='is no snapshot of'):
                other.restore_from(model)
        assert server.requested == ['GET /1.0']
        volume.restore_from(snapshot)
        assert body_of(server.requests[-1]) == {'restore': 's1'}


@pytest.mark.parametrize('name, error_class', [
    (' v', exceptions.InvalidName), ('v ', exceptions.InvalidName),
    (None, TypeError)])
def test_names_of_uploads(name, error_class):
    """A header loses white space at its ends: ``'v '`` would become v."""
    server, endpoint = serve({}, 'container_backup', 'backup_override_name')
    with server:
        client = Client(endpoint)
        volumes = StoragePool.from_key(client, ('p1',)).volumes
        with pytest.raises(error_class):
            volumes.import_tar(bytearray(b'x'), name)
        if name is not None:
            for create in (volumes.create_from_backup,
                           client.containers.create_from_backup):
                with pytest.raises(error_class):
                    create(bytearray(b'x'), name)
        assert server.requested == ['GET /1.0']


def test_volumes_are_known_by_two_names():
    server, endpoint = serve({'GET ' + VOLUME: {'name': 'v1',
                                                'type': 'custom'}})
    with server:
        volumes = StoragePool.from_key(Client(endpoint), ('p1',)).volumes
        assert ('custom', 'v1') in volumes and ('custom', 'v') not in volumes
        for key in 'v1', ('v1',), None:
            with pytest.raises(TypeError, match=r'pass \(type, name\)'):
                key in volumes
        with pytest.raises(TypeError, match='config must be a dict'):
            volumes.create('v1', 'name')


def test_create_of_a_pool_sends_the_arguments():
    server, endpoint = serve({'POST /1.0/storage-pools': {}})
    with server:
        Client(endpoint).storage_pools.create(
            'p1', 'zfs', {'size': '1GiB'}, 'text', 'm1')
        request = server.requests[-1]
        assert request.target == '/1.0/storage-pools?target=m1'
        assert body_of(request) == {
            'name': 'p1', 'driver': 'zfs', 'config': {'size': '1GiB'},
            'description': 'text'}


def test_resources_of_a_member():
    page = {'space': {'used': 1, 'total': 2}, 'inodes': {}}
    server, endpoint = serve({'GET ' + POOL + '/resources': page})
    with server:
        pool = StoragePool.from_key(Client(endpoint), ('p1',))
        resources = pool.resources.get('m1')
        assert resources.space == {'used': 1, 'total': 2}
        assert server.requests[-1].target.endswith('/resources?target=m1')


# -- the volumes of all pools

def volume_document(name, project='default', **fields):
    return dict({'name': name, 'type': 'custom', 'pool': 'p1',
                 'project': project, 'config': {}}, **fields)


def test_volumes_of_all_pools_in_one_request():
    """LXD from 5.21 on; it lists snapshots, too."""
    documents = [volume_document('v1'), volume_document('v1/s1'),
                 volume_document('v2', pool='p2')]
    server, endpoint = serve({
        'GET /1.0/storage-volumes': documents,
        'GET /1.0/storage-volumes/custom': documents}, 'storage_volumes_all')
    with server:
        client = Client(endpoint)
        one, two = client.storage_volumes.all()
        assert one == volume_of(client) and two.pool == 'p2'
        assert two.config == {} and one.client is client
        assert client.storage_volumes.all('custom', filter='x') == [one, two]
        first, second = server.requests[1:]
        assert first.target == '/1.0/storage-volumes?recursion=1'
        path, _, query = second.target.partition('?')
        assert path == '/1.0/storage-volumes/custom'
        assert sorted(query.split('&')) == ['filter=x', 'recursion=1']


def test_volumes_of_all_pools_and_projects():
    server, endpoint = serve({'GET /1.0/storage-volumes': [
        volume_document('v1'), volume_document('v1', 'green')]},
        'storage_volumes_all')
    with server:
        client = Client(endpoint)
        one, two = client.storage_volumes.all(all_projects=True)
        assert one == volume_of(client) and one != two
        assert two.client.project == 'green'
        assert 'all-projects=true' in server.requests[-1].target


@pytest.mark.parametrize('documents', [
    [{}], ['x'], [5], [{'name': 'v1'}], {}])
def test_volumes_of_all_pools_in_an_odd_answer(documents):
    server, endpoint = serve(
        {'GET /1.0/storage-volumes': documents}, 'storage_volumes_all')
    with server, pytest.raises(exceptions.InvalidResponse):
        Client(endpoint).storage_volumes.all()


# -- volumes

def cluster_pages(**changes):
    return dict({
        'GET ' + VOLUME: volume_document(
            'v1', location='m1', config={'user.a': '1'}, description='text',
            content_type='filesystem'),
        'POST ' + VOLUMES + '/custom': accepted(OPERATION),
        'DELETE ' + VOLUME: {}, WAIT: ENDED}, **changes)


def test_move_to_a_member_of_a_cluster():
    """The volume is copied, then deleted where it was."""
    server, endpoint = serve(cluster_pages())
    with server:
        volume = volume_of(Client(endpoint))
        volume.move(target='m2', wait=False)
        copy, wait, delete = server.requests[-3:]
        assert copy.target == VOLUMES + '/custom?target=m2'
        assert body_of(copy) == {
            'name': 'v1', 'type': 'custom', 'config': {'user.a': '1'},
            'description': 'text', 'content_type': 'filesystem', 'source': {
                'type': 'copy', 'name': 'v1', 'pool': 'p1',
                'project': 'default', 'location': 'm1'}}
        assert (delete.method, delete.target) == (
            'DELETE', VOLUME + '?target=m1')
        assert volume.client.target == 'm2' and volume.pool == 'p1'


def test_a_move_whose_source_is_in_use_deletes_the_copy():
    pages = cluster_pages()
    pages['DELETE ' + VOLUME] = lambda request: (
        {} if 'm2' in request.target else error(400, 'in use'))
    pages['GET ' + VOLUME + '/snapshots'] = [{'name': 'v1/s1'}]
    pages['DELETE ' + VOLUME + '/snapshots/s1'] = {}
    server, endpoint = serve(pages)
    with server:
        volume = volume_of(Client(endpoint))
        with pytest.raises(exceptions.LXDAPIException) as caught:
            volume.move(target='m2')
        assert caught.value.message == 'in use'
        assert [request.target for request in server.requests
                if request.method == 'DELETE'] == [
            VOLUME + '?target=m1', VOLUME + '/snapshots/s1?target=m2',
            VOLUME + '?target=m2']
        assert volume.location == 'm1' and volume.client.target is None


def test_volumes_of_the_same_name_on_two_members():
    server, endpoint = serve({
        'GET ' + VOLUMES: [volume_document('v1', location='m1'),
                           volume_document('v1', location='m2'),
                           volume_document('v2', location='')],
        'GET ' + VOLUME: volume_document('v1', location='m2'),
        'GET ' + VOLUME + '/snapshots': [{'name': 'v1/s1'}],
        'DELETE ' + VOLUME: {}})
    with server:
        pool = StoragePool.from_key(Client(endpoint), ('p1',))
        one, two, shared = pool.volumes.all()
        assert one != two and len({one, two, shared}) == 3
        assert pool.volumes.get('custom', 'v1') == two
        assert one.snapshots.all() != two.snapshots.all()
        two.delete()
        assert server.requests[-1].target == VOLUME + '?target=m2'
        assert shared.client is pool.client


@pytest.mark.parametrize('target', [None, 'm2'])
def test_create_in_a_cluster(target):
    """The new object is the one of the member that has it."""
    environment = dict(ROOT['environment'], server_clustered=True,
                       server_name='m1')
    member = target or 'm1'
    page = volume_document('v1', location=member)
    server = Server(lxd_api(
        {'POST ' + VOLUMES: {}, 'GET ' + VOLUME: page,
         'POST ' + VOLUMES + '/custom': {}},
        dict(ROOT, api_extensions=EXTENSIONS, environment=environment)))
    with server:
        pool = StoragePool.from_key(Client(server.endpoint), ('p1',))
        volume = pool.volumes.create('v1', target=target)
        assert volume.client.target == member
        assert [request.target for request in server.requests[1:]] == [
            VOLUMES + ('?target=m2' if target else ''),
            VOLUME + '?target=' + member]
        if target is None:
            assert volume == pool.volumes.create_from_backup(
                bytearray(b'data'), 'v1')


def test_a_move_that_fails_leaves_the_volume():
    failed = dict(OPERATION, status='Failure', status_code=400, err='no room')
    server, endpoint = serve({
        'POST ' + VOLUME: accepted(OPERATION), WAIT: failed})
    with server:
        volume = volume_of(Client(endpoint))
        with pytest.raises(exceptions.OperationFailed):
            volume.move('p2')
        assert volume.pool == 'p1' and volume.operation.err == 'no room'
        for wrong in '', '..', None:
            with pytest.raises((exceptions.InvalidName, TypeError)):
                volume.rename({'name': 'v1', 'pool': wrong})
        for wrong in {}, {'pool': 'p1'}, {'name': None}, {'pool': 'p2'}:
            with pytest.raises(TypeError):
                volume.rename(wrong)
        assert server.requested.count('POST ' + VOLUME) == 1


def test_import_sends_the_headers():
    server, endpoint = serve({
        'POST ' + VOLUMES + '/custom': accepted(OPERATION), WAIT: ENDED})
    with server:
        pool = StoragePool.from_key(Client(endpoint), ('p1',))
        volume = StorageVolume.import_tar(pool, bytearray(b'data'), 'v1')
        assert volume.name == 'v1' and volume.type == 'custom'
        request, = [each for each in server.requests
                    if each.method == 'POST']
        assert request.body == b'data'
        headers = {name.lower(): value
                   for name, value in request.headers.items()}
        assert headers['x-lxd-type'] == 'tar'
        assert headers['x-lxd-name'] == 'v1'


@pytest.mark.parametrize('changes, name', [
    ({'resources': {'storage_volumes': ['/1.0/storage_volumes/a%2Fb']}},
     'a%2Fb'),  # LXD 5.0 quotes nothing
    ({'resources': {'storage_volumes': [VOLUMES + '/custom/a%252Fb']}},
     'a%2Fb'),
    ({'metadata': {'entity_url': VOLUMES + '/custom/v1?project=x'}}, 'v1')])
def test_the_name_of_an_imported_backup(changes, name):
    server, endpoint = serve({'POST ' + VOLUMES + '/custom': accepted(
        dict(OPERATION, **changes))})
    with server:
        pool = StoragePool.from_key(Client(endpoint), ('p1',))
        volume = pool.volumes.create_from_backup(
            bytearray(b'data'), wait=False)
        assert volume.operation.id == 'u1'
        assert volume == StorageVolume.from_key(pool, ('custom', name))


def test_an_imported_backup_without_a_name():
    server, endpoint = serve({'POST ' + VOLUMES + '/custom': accepted(
        OPERATION)})
    with server, pytest.raises(exceptions.InvalidResponse):
        StoragePool.from_key(Client(endpoint), (
            'p1',)).volumes.create_from_backup(bytearray(b'data'))


# -- files

@pytest.mark.parametrize('call', [
    'get', 'stat', 'exists', 'listdir', 'delete', 'mk_dir',
    lambda files: files.put('/a', b''), lambda files: files.append('/a', b''),
    lambda files: files.symlink('/a', 'b'),
    lambda files: files.delete('/a', recursive=True),
    lambda files: files.recursive_put('.', '/a'),
    lambda files: files.recursive_get('/a', '.'), 'sftp'])
def test_files_of_a_volume_need_an_extension(call):
    server, endpoint = serve(
        {}, 'directory_manipulation', 'file_symlinks', 'file_append',
        'file_delete', 'instance_file_head', 'file_delete_force')
    arguments = () if call == 'sftp' else ('/a',)
    with server:
        files = volume_of(Client(endpoint)).files
        assert not files.delete_available()
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            call(files) if callable(call) else getattr(files, call)(*arguments)
        assert caught.value.name == (
            'custom_volume_sftp' if call == 'sftp' else 'file_storage_volume')
        assert server.requested == ['GET /1.0']


# -- snapshots and backups

def test_a_snapshot_without_a_name_among_others():
    """LXD 5.0 does not tell the name of the new snapshot."""
    lists = [[], [{'name': 'v1/s1'}, {'name': 'v1/s2'}]]
    server, endpoint = serve({
        'GET ' + VOLUME + '/snapshots': lambda request: lists.pop(0),
        'POST ' + VOLUME + '/snapshots': {}},
        without='storage_volumes_created_at')
    with server, pytest.raises(exceptions.LXDException) as caught:
        volume_of(Client(endpoint)).snapshots.create()
    assert '2 snapshots appeared' in str(caught.value)


def test_snapshots_and_backups_send_the_arguments():
    server, endpoint = serve({
        'POST ' + VOLUME + '/snapshots': {}, 'POST ' + VOLUME + '/backups': {},
        'POST ' + BUCKET + '/backups': {}})
    time = datetime.datetime(2040, 1, 1, tzinfo=UTC())
    with server:
        volume = volume_of(Client(endpoint))
        bucket = bucket_of(volume.client)
        assert StorageVolumeSnapshot.create(volume, 's1', time).name == 's1'
        assert StorageVolumeBackup.create(
            volume, 'k1', time, True, True, 'gzip').name == 'k1'
        assert StorageBucketBackup.create(
            bucket, 'k2', time, 'none').name == 'k2'
        assert [body_of(request) for request in server.requests[1:]] == [
            {'name': 's1', 'expires_at': '2040-01-01T00:00:00Z'},
            {'name': 'k1', 'expires_at': '2040-01-01T00:00:00Z',
             'volume_only': True, 'optimized_storage': True,
             'compression_algorithm': 'gzip'},
            {'name': 'k2', 'expires_at': '2040-01-01T00:00:00Z',
             'compression_algorithm': 'none'}]


class UTC(datetime.tzinfo):

    def utcoffset(self, time):
        return datetime.timedelta(0)

    dst = utcoffset


def test_backups_of_a_bucket():
    """Incus 7.0.2 can neither rename nor delete one, nor list the URLs."""
    pages = {'GET ' + BUCKET + '/backups': [{'name': 'a'}],
             'POST ' + BUCKET + '/backups/a': accepted(OPERATION),
             'DELETE ' + BUCKET + '/backups/b': accepted(OPERATION),
             WAIT: ENDED}
    server, endpoint = serve(pages)
    with server:
        backup, = bucket_of(Client(endpoint)).backups.all()
        assert server.requests[-1].target.endswith('?recursion=1')
        assert backup.rename('b').name == 'b'
        backup.delete()
        assert server.requested[-2:] == [
            'DELETE ' + BUCKET + '/backups/b', WAIT]


# -- keys

KEY = {'name': 'k1', 'role': 'admin', 'description': '',
       'access-key': 'ACCESS', 'secret-key': 'SECRET'}


def test_a_save_of_a_key_keeps_its_credentials():
    """Servers make new ones if a PUT lacks them; none has PATCH."""
    pages = {'GET ' + BUCKET + '/keys/k1': KEY,
             'PUT ' + BUCKET + '/keys/k1': {}}
    server, endpoint = serve(pages)
    with server:
        key = bucket_of(Client(endpoint)).keys.get('k1')
        assert (key.access_key, key.secret_key) == ('ACCESS', 'SECRET')
        key.description = 'new'
        key.save()
        sent, = [body_of(request) for request in server.requests
                 if request.method == 'PUT']
        assert sent == dict(KEY, description='new')
        assert 'SECRET' not in repr(key) + str(dict(key))


@pytest.mark.parametrize('answer', [
    [{'secret-key': 'SECRET'}], [[dict(KEY, name=5)]],
    dict(KEY, name=['x']), [{'secret-key': 'SECRET"'}]])
def test_messages_leave_out_the_secret(answer):
    server, endpoint = serve({'GET ' + BUCKET + '/keys': sync(answer)})
    with server, pytest.raises(exceptions.InvalidResponse) as caught:
        StorageBucketKey.all(bucket_of(Client(endpoint)), recursion=1)
    assert 'SECRET' not in str(caught.value)
    assert '"secret-key": "..."' in str(caught.value)
