"""Aliases of images, as objects."""
import pytest

from pylxd import exceptions
from pylxd.models import ImageAlias

pytestmark = pytest.mark.real_server


@pytest.fixture
def alias(lxd_client, image, name):
    """An alias of the tiny image; the server deletes it with the image."""
    return lxd_client.images.aliases.create(name, image.fingerprint, 'old')


def test_create_get_all(lxd_client, image, alias, name):
    assert type(alias) is ImageAlias
    aliases = lxd_client.images.aliases
    assert alias == aliases.get(name) == ImageAlias.get(lxd_client, name)
    assert (alias.name, alias.target, alias.description, alias.type) == (
        name, image.fingerprint, 'old', 'container')
    assert alias in aliases.all() and alias in aliases.all(recursion=1)
    assert aliases.exists(name) and not aliases.exists(name + 'x')
    image.sync()
    assert image.aliases == [{'name': name, 'description': 'old'}]


def test_save(lxd_client, alias, name):
    busybox = lxd_client.images.get_by_alias('busybox')
    alias.description = 'new'
    alias.save()
    assert lxd_client.images.aliases.get(name).description == 'new'
    alias.target = busybox.fingerprint
    alias.save()
    try:
        assert lxd_client.images.get_by_alias(name) == busybox
        alias.patch({'description': 'newer'})
        saved = lxd_client.images.aliases.get(name)
        assert (saved.target, saved.description) == (
            busybox.fingerprint, 'newer')
        alias.target = '0' * 64
        with pytest.raises(exceptions.NotFound):
            alias.save()
        assert lxd_client.images.get_by_alias(name) == busybox
    finally:
        alias.rollback()
        alias.delete()
    assert not lxd_client.images.aliases.exists(name)


def test_rename(lxd_client, alias, name):
    assert alias.rename(name + '/new') is alias
    assert alias.name == name + '/new'
    assert not lxd_client.images.aliases.exists(name)
    assert lxd_client.images.aliases.get(name + '/new') == alias
    assert alias in lxd_client.images.aliases.all()
    with pytest.raises(exceptions.Conflict):
        alias.rename('busybox')
    assert alias.name == name + '/new'
    assert lxd_client.images.aliases.exists(name + '/new')


def test_refusals_leave_all_as_it_was(lxd_client, image, alias, name, sent):
    aliases = lxd_client.images.aliases
    before = {each.name: each.target for each in aliases.all(recursion=1)}
    with pytest.raises(exceptions.Conflict):
        aliases.create(name, image.fingerprint)
    with pytest.raises(exceptions.NotFound):
        aliases.create(name + '2', '0' * 64)
    assert before == {
        each.name: each.target for each in aliases.all(recursion=1)}
    del sent[:]
    for wrong in '', '.', '..', 'a\nb':
        for call in aliases.get, alias.rename, (
                lambda name: aliases.create(name, image.fingerprint)):
            with pytest.raises(exceptions.InvalidName):
                call(wrong)
    with pytest.raises(ValueError):
        aliases.all(filter='name eq x')
    assert sent == []
