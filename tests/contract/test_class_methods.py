"""The documented class methods, such as `Container.get`."""
import sys

import pytest

import pylxd.client
from pylxd import Client, models
from pylxd.certificate import Certificate
from pylxd.container import Container, VirtualMachine
from pylxd.image import Image
from pylxd.network import Network
from pylxd.operation import Operation
from pylxd.profile import Profile
from helpers import EMPTY, read_bytes

#: The signatures in the documentation.
SIGNATURES = [
    (Certificate.all, '(client)'),
    (Certificate.create, '(client, password, cert_data)'),
    (Certificate.get, '(client, fingerprint)'),
    (Container.all, '(client)'),
    (Container.create, '(client, config, wait=False)'),
    (Container.get, '(client, name)'),
    (Container.FilesManager, '(client, container)'),
    (Image.all, '(client)'),
    (Image.create, '(client, image_data, public=False, wait=False)'),
    (Image.create_from_simplestreams,
     '(client, server, alias, public=False, auto_update=False)'),
    (Image.create_from_url,
     '(client, url, public=False, auto_update=False)'),
    (Image.get, '(client, fingerprint)'),
    (Image.get_by_alias, '(client, alias)'),
    (Network.all, '(client)'),
    (Network.get, '(client, name)'),
    (Operation.get, '(client, operation_id)'),
    (Operation.wait_for_operation, '(client, operation_id)'),
    (Profile.all, '(client)'),
    (Profile.create, '(client, name, config=None, devices=None)'),
    (Profile.get, '(client, name)'),
]


@pytest.mark.skipif(
    sys.version_info < (3,), reason='inspect.signature is new in Python 3')
@pytest.mark.parametrize('method, documented', SIGNATURES)
def test_documented_signature(method, documented):
    """More parameters may follow the documented ones, if they are optional."""
    import inspect
    shown = str(inspect.signature(method))
    assert shown.startswith(documented[:-1] + (
        ')' if shown == documented else ', '))
    rest = shown[len(documented) - 1:].strip('(), ')
    assert all('=' in each for each in rest.split(', ') if each)
    assert method.__doc__


@pytest.mark.documents('Container.all', 'Container.get', 'Container.create')
def test_container(lxd_client, name):
    container = Container.create(
        lxd_client, {'name': name, 'source': EMPTY}, wait=True)
    assert type(container) is Container
    assert Container.get(lxd_client, name) == container
    assert container in Container.all(lxd_client)
    assert Container.all(lxd_client) == lxd_client.containers.all()
    assert Container.exists(lxd_client, name)


def test_virtual_machine(lxd_client, container):
    assert VirtualMachine.all(lxd_client) == []
    assert container not in lxd_client.virtual_machines.all()


@pytest.mark.documents('Profile.all', 'Profile.get', 'Profile.create')
def test_profile(lxd_client, name):
    profile = Profile.create(lxd_client, name, config={'user.a': 'b'},
                             devices={'n': {'type': 'none'}})
    assert type(profile) is Profile and profile.config == {'user.a': 'b'}
    assert Profile.get(lxd_client, name) == profile
    assert Profile.all(lxd_client) == lxd_client.profiles.all()


@pytest.mark.documents('Certificate.all', 'Certificate.get',
                       'Certificate.create')
def test_certificate(lxd_client, key_pair):
    certificate = Certificate.create(lxd_client, '', read_bytes(key_pair[0]))
    assert Certificate.get(lxd_client, certificate.fingerprint) == certificate
    assert certificate in Certificate.all(lxd_client)
    certificate.delete()


@pytest.mark.documents('Image.all', 'Image.get', 'Image.get_by_alias')
def test_image(lxd_client):
    busybox = Image.get_by_alias(lxd_client, 'busybox')
    assert type(busybox) is Image
    assert Image.get(lxd_client, busybox.fingerprint) == busybox
    assert busybox in Image.all(lxd_client)


@pytest.mark.documents('Network.all', 'Network.get')
def test_network(lxd_client):
    assert Network.get(lxd_client, 'lo') in Network.all(lxd_client)
    assert Network.all(lxd_client) == lxd_client.networks.all()


def test_the_client_has_the_managers_as_attributes(lxd_client):
    for called in ('Certificates', 'Containers', 'Images', 'Instances',
                   'Networks', 'Operations', 'Profiles', 'VirtualMachines'):
        manager = getattr(Client, called)
        assert manager is getattr(pylxd.client.Client, called)
        assert type(getattr(lxd_client, {
            'VirtualMachines': 'virtual_machines'}.get(
                called, called.lower()))) is manager
    assert Client.Containers(lxd_client).all() == lxd_client.containers.all()


def test_class_methods_return_the_subclass(lxd_client, name):
    class MyProfile(Profile):
        """A class of the caller's own."""

    profile = MyProfile.create(lxd_client, name)
    assert type(profile) is type(MyProfile.get(lxd_client, name)) is MyProfile
    assert {type(each) for each in MyProfile.all(lxd_client)} == {MyProfile}
    assert type(lxd_client.profiles.get(name)) is Profile


def test_class_methods_of_an_object(lxd_client):
    """Called on an object, a class method still takes a client."""
    profile = lxd_client.profiles.get('default')
    assert profile.get(lxd_client, 'default') == profile


def test_pylxd_models_exports_all_classes():
    for each in (Certificate, Container, Image, Network, Operation, Profile):
        assert getattr(models, each.__name__) is each
