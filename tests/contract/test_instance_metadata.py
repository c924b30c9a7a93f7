# -*- coding: utf-8 -*-
"""The metadata and templates of instances, their logs and console logs."""
import pytest

from helpers import BUSYBOX
from pylxd import exceptions
from pylxd.models import InstanceMetadata

pytestmark = pytest.mark.real_server


def test_metadata(lxd_client, bootable):
    metadata = bootable.metadata
    assert type(metadata) is InstanceMetadata
    assert bootable.metadata is metadata
    assert metadata.properties == {'description': 'busybox', 'os': 'busybox'}
    assert metadata.architecture and metadata.creation_date == 1
    assert metadata.templates == {} and metadata.expiry_date == 0
    metadata.properties['os'] = 'none'
    metadata.properties['a'] = 'b'
    metadata.expiry_date = 2
    metadata.save()
    other = lxd_client.containers.get(bootable.name).metadata
    assert other == metadata
    assert other.properties == {
        'description': 'busybox', 'os': 'none', 'a': 'b'}
    assert other.expiry_date == 2


def test_metadata_keys_can_be_removed(bootable):
    metadata = bootable.metadata
    metadata.properties['a'] = 'b'
    metadata.save()
    metadata.templates['/etc/x'] = {'when': ['create'], 'template': 'x.tpl'}
    metadata.save()
    assert not metadata.dirty
    del metadata.properties['a']
    del metadata.templates['/etc/x']
    del metadata.properties['os']
    metadata.save()
    metadata.sync()
    assert metadata.templates == {}
    assert metadata.properties == {'description': 'busybox'}


def test_metadata_of_two_clients(lxd_client, other_client, bootable):
    metadata = bootable.metadata
    other = other_client.containers.get(bootable.name).metadata
    assert metadata.properties == other.properties
    metadata.properties['a'] = '1'
    other.properties['b'] = '2'
    metadata.save()
    other.save()
    metadata.sync()
    assert metadata.properties['a'] == '1' and metadata.properties['b'] == '2'
    metadata.properties['a'] = '3'
    metadata.save()
    other.properties['a'] = '4'
    with pytest.raises(exceptions.Conflict):
        other.save()


def test_metadata_of_a_deleted_instance(container):
    metadata = container.metadata
    container.delete(wait=True)
    with pytest.raises(exceptions.NotFound):
        metadata.properties


def test_templates(bootable):
    templates = bootable.templates
    assert templates.all() == []
    templates.put('a.tpl', b'\0\xff')
    templates.put('b.tpl', u'\xe4')
    templates.put(u'c d%20.tpl', b'{"type": "error", "error": "x"}')
    assert sorted(templates) == ['a.tpl', 'b.tpl', 'c d%20.tpl']
    assert templates.get('a.tpl') == b'\0\xff'
    assert templates.get('b.tpl').decode('utf-8') == u'\xe4'
    assert templates.get('c d%20.tpl') == b'{"type": "error", "error": "x"}'
    templates.put('a.tpl', b'new')
    assert templates.get('a.tpl') == b'new'
    templates.delete('a.tpl')
    for call in templates.get, templates.delete:
        with pytest.raises(exceptions.NotFound):
            call('a.tpl')


def test_a_template_is_used(bootable):
    bootable.templates.put('host.tpl', 'I am {{ container.name }}')
    bootable.metadata.templates['/etc/host'] = {
        'when': ['start'], 'template': 'host.tpl'}
    bootable.metadata.save()
    bootable.start(wait=True)
    assert bootable.files.get('/etc/host').decode() == (
        'I am ' + bootable.name)


def test_names_of_templates_do_not_leave_their_directory(bootable, sent):
    for name in '..', '.', '', 'a\nb':
        for call in (bootable.templates.get, bootable.templates.delete,
                     lambda each: bootable.templates.put(each, b'')):
            with pytest.raises(exceptions.InvalidName):
                call(name)
    assert sent == []
    for name in '../metadata.yaml', 'a/b':
        for call in (bootable.templates.get, bootable.templates.delete,
                     lambda each: bootable.templates.put(each, b'')):
            with pytest.raises(exceptions.LXDAPIException):
                call(name)
    assert bootable.metadata.properties['os'] == 'busybox'
    assert bootable.templates.all() == []


# -- logs

@pytest.fixture(scope='module')
def recorded(lxd):
    """A container that ran, and a command in it whose output is recorded."""
    with lxd.client() as client:
        container = client.containers.create(
            {'name': 'recorded', 'source': BUSYBOX}, wait=True)
        try:
            container.start(wait=True)
            operation = container.api['exec'].post(json={
                'command': ['echo', 'hello'], 'interactive': False,
                'record-output': True, 'wait-for-websocket': False}).json()
            client.operations.wait_for_operation(operation['operation'])
            container.stop(wait=True)
            yield container
        finally:
            container.delete(wait=True, force=True)


def test_logs(recorded):
    logs = recorded.logs.all()
    names = [log.name for log in logs]
    assert 'lxc.log' in names and len(set(names)) == len(names)
    assert recorded.logs.get('lxc.log') in logs
    assert isinstance(recorded.logs.get('lxc.log').read(), bytes)
    assert repr(recorded.logs.get('lxc.log')) == (
        '<InstanceLog recorded/lxc.log>')
    output, = [log for log in recorded.logs if log.name.endswith('.stdout')]
    assert output.read() == b'hello\n'


def test_logs_that_are_deleted(recorded):
    errors, = [log for log in recorded.logs if log.name.endswith('.stderr')]
    errors.delete()
    assert errors not in recorded.logs.all()
    with pytest.raises(exceptions.NotFound):
        errors.read()
    with pytest.raises(exceptions.LXDAPIException) as caught:
        recorded.logs.get('lxc.log').delete()
    assert 'lxc.log' in str(caught.value)
    assert recorded.logs.get('lxc.log')


def test_logs_that_do_not_exist(container):
    for name in 'nosuch', 'nosuch.log', '../x', u'\xe4':
        with pytest.raises(exceptions.NotFound):
            container.logs.get(name)
    with pytest.raises(exceptions.InvalidName):
        container.logs.get('..')
    assert [log for log in container.logs if 'exec' in log.name] == []


def test_console_log(container, recorded):
    assert container.console_log() == b''
    assert isinstance(recorded.console_log(), bytes)


def test_console_log_of_a_running_container(bootable):
    assert bootable.console_log() == b''
    bootable.start(wait=True)
    bootable.execute(['sh', '-c', 'echo spoken > /dev/console'])
    assert b'spoken' in bootable.console_log()
    bootable.clear_console_log()
    assert b'spoken' not in bootable.console_log()
