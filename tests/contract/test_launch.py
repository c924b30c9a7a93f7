# -*- coding: utf-8 -*-
"""Instances that are launched, and waits until they can be used."""
import threading
import time

import pytest

from helpers import NIC
from pylxd import exceptions
from pylxd.models.instance_state import InstanceState

from .support import make_image_parts, serve_simplestreams

pytestmark = pytest.mark.real_server

#: Devices by which an instance has no connection to anything.
DEVICES = {'eth0': NIC}


# -- launch

def test_launch(each_client, name):
    container = each_client.containers.launch(
        'busybox', name, config={'user.a': '1'}, devices=DEVICES,
        description=u'\xe4')
    assert type(container).__name__ == 'Container'
    assert container.status == 'Running'
    assert container.config['user.a'] == '1'
    assert container.devices == DEVICES and container.description == u'\xe4'
    assert container.profiles == ['default']
    assert container.execute(['true']).exit_code == 0


def test_kinds_of_images(lxd_client, name):
    image = lxd_client.images.get_by_alias('busybox')
    for number, source in enumerate([
            image, image.fingerprint,
            {'type': 'image', 'alias': 'busybox'}]):
        instance = lxd_client.instances.launch(
            source, '{}{}'.format(name, number), start=False)
        assert instance.status == 'Stopped'
        assert instance.config['volatile.base_image'] == image.fingerprint


def test_an_alias_of_the_form_of_a_fingerprint(lxd_client, name, image,
                                               sent):
    lxd_client.images.get_by_alias('busybox').add_alias('c0ffee')
    try:
        del sent[:]
        container = lxd_client.containers.launch('c0ffee', name, start=False)
        assert 'GET /1.0/images/aliases/c0ffee' in sent
        assert container.config['volatile.base_image'] != image.fingerprint
        del sent[:]
        lxd_client.containers.launch('busybox', name + '2', start=False)
        assert not [each for each in sent if 'aliases' in each]
    finally:
        lxd_client.images.get_by_alias('busybox').delete_alias('c0ffee')


def test_launch_by_simplestreams(lxd_client, image_server, name, new_images):
    fingerprint, _ = serve_simplestreams(
        image_server, name, make_image_parts())
    container = lxd_client.containers.launch(
        {'type': 'image', 'protocol': 'simplestreams', 'alias': name,
         'server': image_server.endpoint}, name, start=False)
    assert container.config['volatile.base_image'] == fingerprint


def test_without_a_name_and_wait(lxd_client):
    container = lxd_client.containers.launch(
        'busybox', ephemeral=True, wait=False)
    try:
        container.operation.wait()
        container.wait_ready()
        assert container.ephemeral is True and container.name
    finally:
        container.stop(wait=True)
    assert not lxd_client.containers.exists(container.name)


def test_what_the_server_refuses(lxd_client, name):
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.containers.launch('no-such-image', name)
    with pytest.raises(exceptions.InvalidName):
        lxd_client.containers.launch('busybox', '..')
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.containers.launch(
            'busybox', name, profiles=['no-such-profile'])
    assert not lxd_client.containers.exists(name)
    # It is created, and does not start
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.containers.launch('busybox', name, devices={
            'n': {'type': 'nic', 'nictype': 'physical',
                  'parent': 'no-such-card'}})


# -- waiting

def test_addresses():
    state = InstanceState({'status': 'Running', 'network': {
        'lo': {'addresses': [
            {'family': 'inet', 'address': '127.0.0.1', 'scope': 'local'}]},
        'eth0': {'addresses': [
            {'family': 'inet', 'address': '10.0.0.2', 'scope': 'global'},
            {'family': 'inet6', 'address': 'fd42::2', 'scope': 'global'},
            {'family': 'inet6', 'address': 'fe80::1', 'scope': 'link'}]},
        'eth1': {'addresses': None}}})
    assert sorted(state.addresses()) == ['10.0.0.2', 'fd42::2']
    assert state.addresses('inet') == ['10.0.0.2']
    assert state.addresses('inet6', 'link') == ['fe80::1']
    assert len(state.addresses(scope=None)) == 4
    assert InstanceState({'status': 'Stopped', 'network': None}
                         ).addresses() == []
    for arguments in ('ipv4',), (None, 'world'):
        with pytest.raises(ValueError):
            state.addresses(*arguments)


def test_wait_for_address(each_client, name):
    container = each_client.containers.launch('busybox', name,
                                              devices=DEVICES)
    with pytest.raises(exceptions.OperationTimeout) as caught:
        container.wait_for_address(0.3)
    assert name in str(caught.value) and 'Running, eth0' in str(caught.value)
    appeared = []

    def add_address():
        container.execute(['ip', 'addr', 'add', '192.0.2.7/24', 'dev',
                           'eth0'])
        appeared.append(time.time())

    timer = threading.Timer(1, add_address)
    timer.start()
    assert container.wait_for_address(30) == '192.0.2.7'
    seconds = time.time() - appeared[0]
    timer.join()
    assert seconds < 5  # the benchmark measures it
    assert container.state().addresses('inet') == ['192.0.2.7']
    with pytest.raises(exceptions.OperationTimeout) as caught:
        container.wait_for_address(0.1, 'inet6')
    assert 'inet6' in str(caught.value) and '192.0.2.7' in str(caught.value)
    with pytest.raises(ValueError):
        container.wait_for_address(0.1, 'ipv4')


def test_wait_for_an_address_of_a_deleted_instance(lxd_client, name,
                                                   bootable):
    timer = threading.Timer(0.5, bootable.delete)
    timer.start()
    with pytest.raises(exceptions.NotFound):
        bootable.wait_for_address(30)
    timer.join()


def test_wait_ready(each_client, bootable):
    container = each_client.containers.get(bootable.name)
    with pytest.raises(exceptions.OperationTimeout) as caught:
        container.wait_ready(0.2)
    assert 'it was Stopped' in str(caught.value)
    container.start()
    container.wait_ready()
    assert container.execute(['echo', 'a']).stdout == 'a\n'
    container.freeze(wait=True)
    with pytest.raises(exceptions.OperationTimeout) as caught:
        container.wait_ready(0.2)
    assert 'it was Frozen' in str(caught.value)
    container.unfreeze(wait=True)


def test_a_container_that_runs_no_commands(lxd_client, name):
    """The message has the server's reason."""
    container = lxd_client.containers.launch('busybox', name)
    container.execute(['rm', '/bin/true'])
    with pytest.raises(exceptions.OperationTimeout) as caught:
        container.wait_ready(0.5)
    assert 'Running: ' in str(caught.value)


def test_a_container_whose_commands_do_not_end(lxd_client, name):
    container = lxd_client.containers.launch('busybox', name)
    container.execute(['rm', '/bin/true'])
    container.files.put(
        '/bin/true', '#!/bin/sh\nexec sleep 1000\n', mode=0o755)
    with pytest.raises(exceptions.OperationTimeout) as caught:
        container.wait_ready(0.5)
    assert 'Running: the command true does not end' in str(caught.value)
