"""The inherited ``put`` and ``patch``, where ``save`` sends another request.

For most changes, it sends a PATCH.
"""
import pytest

from helpers import read_bytes

from .storage import new_pool
from .support import refetch

pytestmark = pytest.mark.real_server

TIME = '2099-01-02T03:04:05Z'


def put_and_check(model, **fields):
    """Change fields of an object by a PUT of its whole representation."""
    model.put(dict(model, **fields), wait=True)
    check(model, fields)


def check(model, fields):
    """Check fields of an object, as it is and as the server has it."""
    for each in model, refetch(model):
        assert {name: getattr(each, name) for name in fields} == fields


def test_put_of_a_certificate(lxd_client, name, key_pair):
    certificate = lxd_client.certificates.create(
        '', read_bytes(key_pair[0]), name=name)
    put_and_check(certificate, name=name + 'x')


def test_put_of_a_snapshot(container):
    snapshot = container.snapshots.create('s1', wait=True)
    snapshot.put({'expires_at': TIME}, wait=True)
    assert container.snapshots.get('s1').expires_at == TIME


def test_patch_of_an_image(image):
    image.patch({'properties': {'os': 'new'}}, wait=True)
    check(image, {'properties': {'description': 'tiny', 'os': 'new'}})


def test_put_of_a_project(lxd_client, name):
    project = lxd_client.projects.create(name)
    try:
        put_and_check(project, description='new')
    finally:
        project.delete()


def test_put_of_a_network(lxd_client, bridge_lock, name):
    network = lxd_client.networks.create(name, config={
        'ipv4.address': 'none', 'ipv6.address': 'none'})
    put_and_check(network, description='new')


def test_put_of_a_pool_and_of_a_snapshot_of_a_volume(lxd_client):
    with new_pool(lxd_client) as pool:
        put_and_check(pool, description='new')
        snapshot = pool.volumes.create('v1').snapshots.create('s1', wait=True)
        snapshot.put(dict(snapshot, expires_at=TIME), wait=True)
        assert snapshot.expires_at == TIME


@pytest.mark.needs('warnings')
def test_put_of_a_warning(lxd_client):
    for warning in lxd_client.warnings.all()[:1]:
        put_and_check(warning, status='acknowledged')
        put_and_check(warning, status='new')
