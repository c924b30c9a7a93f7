"""Clients that are not trusted yet: what they were told must not last."""
import socket

import pytest

from pylxd import exceptions

from helpers import read_bytes, run_in_threads, unique_name

from .support import make_image


@pytest.fixture
def trust(lxd_client, key_pair):
    """Return a function by which an administrator trusts the certificate."""
    return lambda: lxd_client.certificates.create('', read_bytes(key_pair[0]))


def test_refusals_say_what_to_do(lxd, lxd_client, make_stranger, running):
    stranger = make_stranger()
    for call in (stranger.containers.all, stranger.events().connect,
                 lambda: stranger.containers.get(running.name)):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            call()
        assert 'authenticate()' in str(caught.value)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        stranger.authenticate('wrong')
    assert 'check the trust password or token' in str(caught.value)
    assert 'authenticate()' not in str(caught.value)


def test_client_that_is_trusted_later(
        lxd_client, running, make_stranger, trust):
    stranger = make_stranger()
    trust()
    container = stranger.containers.get(running.name)
    container.files.put('/root/secret', b'x', mode=0o600)
    response = lxd_client.api.instances[running.name].files.get(
        params={'path': '/root/secret'})
    assert lxd_client.dialect.header_of(response, 'mode') == '0600'
    assert 'secret' in container.files.listdir('/root')
    with pytest.raises(exceptions.LXDAPIException, match='directory'):
        container.files.get('/root')
    assert stranger.trusted


def test_objects_of_a_client_that_is_trusted_later(
        running, make_stranger, trust):
    stranger = make_stranger()
    container = stranger.containers.model(stranger, name=running.name)
    trust()
    container.files.put('/root/secret', b'x', mode=0o600)
    assert 'secret' in container.files.listdir('/root')


def test_public_image_of_a_client_that_is_trusted_later(
        lxd_client, make_stranger, trust, new_images):
    data = make_image()
    stranger = make_stranger()
    trust()
    image = stranger.images.create(data, public=True, wait=True)
    assert lxd_client.images.get(image.fingerprint).public is True


def test_authenticate_where_the_certificate_is_trusted(
        lxd_client, make_stranger, trust):
    stranger = make_stranger()
    trust()
    assert not stranger.trusted
    stranger.authenticate('a wrong password')
    assert stranger.trusted


def test_authenticate_at_once_from_several(lxd, lxd_client, make_stranger):
    """Each has its own token or the password; all of them end trusted."""
    strangers = [make_stranger() for _ in range(4)]
    create_token = lxd_client.certificates.create_token
    secrets = [lxd.password or create_token(unique_name())
               for _ in strangers]
    run_in_threads(
        lambda pair: pair[0].authenticate(pair[1]),
        list(zip(strangers, secrets)))
    assert all(stranger.trusted for stranger in strangers)


def test_project_of_a_client_that_is_not_trusted(
        lxd_client, make_stranger):
    name = unique_name()
    project = lxd_client.projects.create(name, config={
        'features.images': 'false', 'features.profiles': 'false'})
    try:
        stranger = make_stranger(project=name)
        stranger.authenticate(
            lxd_client.certificates.create_token(unique_name()))
        assert stranger.containers.all() == []
    finally:
        project.delete()


def test_certificate_of_the_server(lxd, lxd_client, make_stranger):
    stranger = make_stranger()
    assert stranger.server_certificate().split() == (
        read_bytes(lxd.certificate).decode().split())
    assert lxd_client.server_certificate().split() == (
        stranger.server_certificate().split())


@pytest.fixture
def behind_a_tunnel(lxd, lxd_https, monkeypatch):
    """A client that reaches the server by a name which others do not know."""
    connect = socket.create_connection

    def connect_by_name(address, *arguments, **options):
        if address[0] == 'tunnel.example':
            address = '127.0.0.1', address[1]
        return connect(address, *arguments, **options)

    monkeypatch.setattr(socket, 'create_connection', connect_by_name)
    with lxd.client(**dict(lxd_https, endpoint=lxd.endpoint.replace(
            '127.0.0.1', 'tunnel.example'))) as client:
        yield client


def test_copies_from_behind_a_tunnel(behind_a_tunnel, running, another_kit):
    with another_kit.client() as target:
        image = behind_a_tunnel.images.get_by_alias('busybox')
        if target.images.exists(image.fingerprint):
            target.images.get(image.fingerprint).delete(wait=True)
        assert image.copy(target, wait=True).fingerprint == image.fingerprint
        container = behind_a_tunnel.containers.create({
            'name': unique_name(),
            'source': {'type': 'image', 'alias': 'busybox'}}, wait=True)
        try:
            assert container.migrate(target, wait=True).status == 'Stopped'
        finally:
            container.delete(wait=True)


def test_copies_of_a_stranger(
        lxd, lxd_client, make_stranger, new_images, another_kit):
    """A public image is copied with the certificate of the connection."""
    image = lxd_client.images.create(make_image(), public=True, wait=True)
    image.add_alias(unique_name(), '')
    stranger = make_stranger()
    with another_kit.client() as target:
        copy = stranger.images.get(image.fingerprint).copy(
            target, auto_update=True, wait=True)
        assert copy.fingerprint == image.fingerprint
        assert copy.update_source['alias'] == image.aliases[0]['name']


def test_copy_from_a_project(lxd, lxd_client, new_images, another_kit):
    name = unique_name()
    project = lxd_client.projects.create(name)
    try:
        with lxd.client(project=name) as client, (
                another_kit.client()) as target:
            image = client.images.create(make_image(), wait=True)
            try:
                copy = image.copy(target, wait=True)
                assert copy.fingerprint == image.fingerprint
            finally:
                image.delete(wait=True)
    finally:
        project.delete()
