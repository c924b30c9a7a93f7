"""The calls in the tables of doc/migration.rst."""
import io
import os
import re

import pytest

import pylxd
from helpers import wait_until

PAGE = os.path.join(os.path.dirname(__file__), '..', '..', 'doc',
                    'migration.rst')
#: Calls that need a terminal, a second server, a cluster or an image server,
#: that wait for events or choose a subnet of the host, or whose objects the
#: tests do not have. They are made on mocks that have the signatures.
ON_MOCKS = ('shell()', 'console()', 'other,', '=other', "'fast'", 'refresh()',
            'simplestreams', 'members', 'listen', 'pylxd.Client', "'ID'",
            "'UUID'", 'limits.', 'proxy', '/srv', "create('lxdbr1')",
            "create('net')", 'shutdown(timeout', 'pylxd.remotes')
#: Literals of the second columns that are no calls.
WORDS = ('environment.A',)


def read_calls(heading, end=None):
    """Return the calls of the tables below a heading: the second columns."""
    with io.open(PAGE, encoding='utf-8') as file:
        part = file.read().partition(heading + '\n')[2]
    if end:
        part = part.partition(end + '\n')[0]
    cells = re.findall(r'^     - (.+)$', part, re.M)
    return [call for cell in cells for call in re.findall('``(.+?)``', cell)
            if not re.match(r'[\w-]+$', call) and call not in WORDS]


LXC = read_calls('From the command lxc', 'From docker-py')
DOCKER = read_calls('From docker-py')
OLD_NAMES = read_calls('Old names', 'From the command lxc')


def is_on_mocks(call):
    return any(each in call for each in ON_MOCKS)


@pytest.fixture
def project(lxd_client, bridge_lock, name):
    """The client of a project, whose objects are deleted after."""
    images = {each.fingerprint for each in lxd_client.images.all()}
    lxd_client.projects.create(name, config={
        'features.images': 'false', 'features.profiles': 'true',
        'features.storage.volumes': 'true'})
    client = lxd_client.use_project(name)
    profile = client.profiles.get('default')
    profile.devices = lxd_client.profiles.get('default').devices
    profile.save()
    yield client
    for instance in client.instances.all():
        instance.delete(wait=True, force=True)
    for volume in client.storage_pools.get('default').volumes.all():
        if volume.type == 'custom':
            volume.delete()
    for image in client.images.all():
        if image.fingerprint not in images:
            image.delete(wait=True)
    for profile in client.profiles.all():
        if profile.name != 'default':
            profile.delete()
    for operation in lxd_client.operations.all():
        if operation.class_ == 'token' and not operation.ended:
            operation.cancel()
    if client.networks.exists('lxdbr2'):
        client.networks.get('lxdbr2').delete()
    for acl in client.network_acls.all():
        if acl.name == 'web':
            acl.delete()
    if lxd_client.server.config.pop('user.contact', None):
        lxd_client.server.save()
    lxd_client.projects.get(name).delete()


@pytest.fixture
def directory(tmpdir):
    """The working directory, with the files that the calls send."""
    tmpdir.join('a.txt').write('text')
    tmpdir.mkdir('dir').join('file').write('1')
    with tmpdir.as_cwd():
        yield tmpdir


def make_calls(calls, client):
    """Make calls in turn; return the results, and the last variables."""
    names = {'client': client, 'pylxd': pylxd}
    results = {}
    for call in calls:
        if is_on_mocks(call):
            continue
        if call.startswith('container.shutdown('):
            # The init handles signals when it has started its programs
            wait_until(lambda: names['container'].state().processes > 1)
        try:
            exec('result = None; ' + call if '; ' in call or re.match(
                r'(\w+ = |del |print)', call) else 'result = ' + call, names)
        except Exception as error:
            raise AssertionError('{}: {!r}'.format(call, error))
        results[call] = names['result']
        if call.endswith('sftp()'):
            # LXD makes no snapshot of a stopped container meanwhile
            names['result'].close()
    return results, names


@pytest.mark.real_server
def test_each_call_for_lxc(project, directory):
    assert len(LXC) > 90
    results, names = make_calls(LXC, project)
    container = names['container']
    for condition in 'status eq Running', 'config.user.role eq web':
        assert results["client.instances.all(filter='{}')".format(
            condition)] == [container]
    assert results["container.files.get('/root/a.txt')"] == b'text'
    assert container.devices == {}
    assert directory.join('copy', 'file').read() == '1'
    assert sorted(each.name for each in project.containers.all()) == [
        'c1', 'c4', 'c5']
    assert project.containers.get('c1').profiles == ['default', 'p1']
    assert sorted(project.profiles.get('p1').devices) == ['eth1']
    volumes = project.storage_pools.get('default').volumes.all(type='custom')
    assert sorted(each.name for each in volumes) == ['v2', 'v3']


@pytest.mark.real_server
def test_each_call_for_docker(project, directory):
    assert len(DOCKER) > 40
    results, _ = make_calls(DOCKER, project)
    listed = results["client.containers.all(filter='status eq Running')"]
    assert sorted(each.name for each in listed) == ['c1', 'c2', 'c3']
    assert sorted(each.name for each in project.containers.all()) == [
        'c2', 'c3', 'c4']


def test_the_signatures_of_the_other_calls():
    """Of a name that does not exist, or an argument, a mock raises."""
    mock = pytest.importorskip('unittest.mock')

    def imitate(model):
        return mock.create_autospec(getattr(pylxd.models, model),
                                    instance=True)
    client = mock.create_autospec(pylxd.Client, instance=True)
    client.containers.get.return_value = imitate('Container')
    client.images.get_by_alias.return_value = imitate('Image')
    client.cluster.members.get.return_value = imitate('ClusterMember')
    client.operations.get.return_value = imitate('Operation')
    client.warnings.get.return_value = imitate('ServerWarning')
    names = {'client': client, 'pylxd': mock.create_autospec(pylxd),
             'container': imitate('Container'), 'other': client}
    names.update(obj=names['container'], name='s1', old='s1', new='s2',
                 path='/a', data=b'')
    calls = [call for call in LXC + DOCKER if is_on_mocks(call)] + OLD_NAMES
    assert len(calls) > 30
    for call in calls:
        try:
            exec(call, names)
        except (AttributeError, TypeError) as error:
            raise AssertionError('{}: {!r}'.format(call, error))
