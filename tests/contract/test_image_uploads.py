"""Images: the fields of an upload, refreshes and secrets."""
import os

import pytest

from pylxd import exceptions
from helpers import unique_name

from .support import make_image, make_image_parts, serve_simplestreams

pytestmark = [pytest.mark.real_server, pytest.mark.usefixtures('new_images')]

EXPIRY = '2040-01-02T03:04:05Z'


@pytest.mark.parametrize('parts', [1, 2])
def test_create_with_all_fields(lxd_client, new_images, parts):
    names = [unique_name(), unique_name() + '/a'][:parts]
    data = {'image_data': make_image()}
    if parts == 2:
        data = dict(zip(('metadata', 'image_data'), make_image_parts()))
    image = lxd_client.images.create(
        aliases=names, properties={'a': 'b &=', u'os\xe4': 1},
        expires_at=EXPIRY, filename='a "\\ name.tar', public=True, **data)
    assert new_images() == [image]
    saved = lxd_client.images.get(image.fingerprint)
    assert sorted(each['name'] for each in saved.aliases) == sorted(names)
    assert saved.properties['a'] == 'b &='
    assert saved.properties[u'os\xe4'] == '1'
    assert saved.properties['description'] == 'tiny'
    assert (saved.expires_at, saved.public) == (EXPIRY, True)
    assert saved.filename == 'a "\\ name.tar'


def test_an_alias_that_exists_is_no_upload(
        lxd_client, image_bytes, new_images, sent):
    with pytest.raises(exceptions.Conflict):
        lxd_client.images.create(
            image_bytes, aliases=[unique_name(), 'busybox'])
    assert new_images() == []
    assert not [line for line in sent if line.startswith('POST')]
    del sent[:]
    for wrong in ({'aliases': 'a'}, {'aliases': [None]},
                  {'properties': 'a=b'}, {'properties': {'a': None}},
                  {'expires_at': 5}, {'aliases': ['.']}):
        with pytest.raises((TypeError, exceptions.InvalidName)):
            lxd_client.images.create(image_bytes, **wrong)
    assert sent == []


def test_a_refusal_after_the_upload_names_the_image(
        lxd_client, image_bytes, new_images):
    with pytest.raises(exceptions.LXDAPIException) as caught:
        lxd_client.images.create(
            image_bytes, aliases=[unique_name()], expires_at='tomorrow')
    image, = new_images()
    assert str(caught.value).endswith(
        '; image {} was created with no alias'.format(image.fingerprint))


@pytest.mark.needs('image_force_refresh')
@pytest.mark.parametrize('wait', [True, False])
def test_refresh(lxd, lxd_client, new_images, image_server, wait):
    alias = unique_name()
    serve_simplestreams(image_server, alias, make_image_parts())
    image = lxd_client.images.create_from_simplestreams(
        image_server.endpoint, alias, auto_update=True, wait=True)
    old = image.fingerprint
    image.add_alias(alias)
    image.refresh()
    assert image.fingerprint == old and image.auto_update is True
    # Servers keep the list of an image server for an hour
    for directory, _, names in os.walk(
            os.path.join(os.path.dirname(lxd.socket), 'cache')):
        for name in names:
            os.remove(os.path.join(directory, name))
    fingerprint, _ = serve_simplestreams(
        image_server, alias, make_image_parts())
    image.refresh(wait)
    if not wait:
        assert image.fingerprint == old
        image.operation.wait()
        assert lxd_client.images.exists(fingerprint)
        return
    assert image.fingerprint == fingerprint
    assert image == lxd_client.images.get_by_alias(alias)
    assert image.auto_update is True
    assert new_images() == [image]


@pytest.mark.needs('image_force_refresh')
def test_refresh_without_a_source(lxd_client, image):
    with pytest.raises(exceptions.OperationFailed):
        image.refresh()
    assert lxd_client.images.exists(image.fingerprint)
    image.delete(wait=True)
    with pytest.raises(exceptions.LXDAPIException):
        image.refresh()


def test_create_secret(lxd_client, image, image_bytes, stranger):
    secret = image.create_secret()
    node = stranger.api.images[image.fingerprint].export
    assert node.get(params={'secret': secret}, stream=True
                    ).content == image_bytes
    with pytest.raises(exceptions.NotFound):
        node.get(params={'secret': 'wrong'})
    image.delete(wait=True)
    with pytest.raises(exceptions.NotFound):
        image.create_secret()
