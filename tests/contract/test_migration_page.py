"""The calls in the table of `lxc` commands, each made on a real server."""
import inspect
import io
import os
import re

import pytest

import pylxd
from helpers import wait_until

pytestmark = pytest.mark.real_server

PAGE = os.path.join(os.path.dirname(__file__), '..', '..', 'doc',
                    'migration.rst')
#: Calls that need a terminal, a second server, a cluster, a bridge of the
#: host or an image server, or wait for events: their names are looked up.
ONLY_NAMES = ('container.shell(', 'container.console', "to=other", "'fast'",
              'simplestreams', 'networks.create', 'cluster.members',
              'client.listen', 'remote', "use_project('web')")


def read_calls():
    """Return the calls of the table below the heading of `lxc`."""
    with io.open(PAGE, encoding='utf-8') as file:
        text = file.read()
    section = text.split('From the command lxc\n')[1].split('From docker')[0]
    calls = re.findall(r'^     - ``(.+?)``', section, re.M)
    assert len(calls) > 60
    return calls


def find_names(call, names):
    """Look up the names of a call, up to the first method."""
    found = None
    for part in re.sub(r"\([^()]*\)", '', call).split('.'):
        found = names[part] if found is None else getattr(found, part)
        if inspect.isroutine(found):
            return
    raise AssertionError('{} is no call'.format(call))


@pytest.fixture
def project(lxd_client, name):
    """The client of a project, whose objects are deleted after."""
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
    if client.images.exists('mine', alias=True):
        client.images.get_by_alias('mine').delete(wait=True)
    for profile in client.profiles.all():
        if profile.name != 'default':
            profile.delete()
    for operation in lxd_client.operations.all():
        if operation.class_ == 'token':
            operation.cancel()
    lxd_client.projects.get(name).delete()


def test_each_call(project, tmpdir):
    names = {'client': project, 'pylxd': pylxd, 'Client': pylxd.Client,
             'container': pylxd.models.Container}
    tmpdir.mkdir('dir').join('file').write('1')
    with tmpdir.as_cwd():
        for call in read_calls():
            if any(each in call for each in ONLY_NAMES):
                if 'use_project' not in call:
                    find_names(call, names)
                continue
            if call == 'container.shutdown()':
                wait_until(lambda: names['container'].state().processes > 1)
            try:
                exec(call, names)
            except Exception as error:
                raise AssertionError('{}: {!r}'.format(call, error))
    assert tmpdir.join('copy', 'file').read() == '1'
    assert sorted(each.name for each in project.containers.all()) == [
        'c1', 'c4', 'c5']
    assert project.containers.get('c1').profiles == ['default', 'p1']
