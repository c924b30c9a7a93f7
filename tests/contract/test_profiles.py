# -*- coding: utf-8 -*-
"""Profiles: creating, listing, saving, renaming, deleting, and names."""
import pytest

from pylxd import exceptions
from pylxd.profile import Profile
from helpers import EMPTY, NIC

DEVICES = {'eth0': NIC}


@pytest.fixture
def profile(lxd_client, name):
    return lxd_client.profiles.create(
        name, {'user.a': '1', 'user.b': '2'}, DEVICES)


@pytest.mark.documents(
    'Client.profiles', 'Client.profiles.create', 'Profile.create',
    'Profile.name', 'Profile.config', 'Profile.devices',
    'example:profile-create')
def test_create(lxd_client, name):
    config, devices = {'security.nesting': 'true'}, {
        'root': {'path': '/', 'size': '10GB', 'type': 'disk'}}
    devices['root']['pool'] = 'default'  # which the example lacks
    profile = lxd_client.profiles.create(
        name, config=config, devices=devices, description=u'\xe4')
    assert (profile.name, profile.config, profile.devices) == (
        name, config, devices)
    assert profile.description == u'\xe4'
    assert config == {'security.nesting': 'true'}

    bare = lxd_client.profiles.create(name + '-2')
    assert (bare.config, bare.devices, bare.description) == ({}, {}, '')


def test_create_of_a_taken_name_is_refused(lxd_client, profile):
    with pytest.raises(exceptions.LXDAPIException) as caught:
        lxd_client.profiles.create(profile.name)
    assert 'already exists' in str(caught.value)
    profile.sync()
    assert profile.config['user.a'] == '1'


def test_create_with_an_unknown_key_is_refused(lxd_client, name):
    with pytest.raises(exceptions.LXDAPIException) as caught:
        lxd_client.profiles.create(name, {'no.such.key': '1'})
    assert 'no.such.key' in str(caught.value)
    assert not lxd_client.profiles.exists(name)


@pytest.mark.documents('Client.profiles.all', 'Client.profiles.get',
                       'example:profile-get')
def test_all_and_get(lxd_client, profile):
    profiles = lxd_client.profiles.all()
    assert profile in profiles
    assert 'default' in [each.name for each in profiles]
    assert all(type(each) is Profile for each in profiles)
    loaded = lxd_client.profiles.get(profile.name)
    assert repr(loaded) == '<Profile {}>'.format(profile.name)
    assert loaded.config == {'user.a': '1', 'user.b': '2'}
    assert lxd_client.profiles.exists(profile.name)
    assert not lxd_client.profiles.exists(profile.name + '-2')
    with pytest.raises(exceptions.NotFound):
        lxd_client.profiles.get(profile.name + '-2')


@pytest.mark.documents('Profile')
def test_profile_loads_by_name(lxd_client, profile):
    assert Profile(lxd_client, name=profile.name).config['user.a'] == '1'


@pytest.mark.documents('Profile.used_by')
def test_used_by(lxd_client, profile, name):
    assert profile.used_by == []
    lxd_client.containers.create({
        'name': name, 'source': EMPTY, 'profiles': ['default', name]},
        wait=True)
    profile.sync()
    assert [url.rpartition('/')[2] for url in profile.used_by] == [name]
    with pytest.raises(exceptions.LXDAPIException) as caught:
        profile.delete()
    assert 'in use' in str(caught.value)


@pytest.mark.documents('Profile.update', 'example:profile-update')
def test_config_update_as_documented(lxd_client, profile):
    """``profile.config = profile.config.update(...)`` adds a key."""
    profile.config = profile.config.update({'security.nesting': 'true'})
    profile.update()
    assert lxd_client.profiles.get(profile.name).config == {
        'user.a': '1', 'user.b': '2', 'security.nesting': 'true'}
    profile.devices = profile.devices.update({'n': {'type': 'none'}})
    profile.update(wait=True)
    saved = lxd_client.profiles.get(profile.name)
    assert set(saved.devices) == {'eth0', 'n'}
    assert saved.devices['eth0'] == NIC


def test_save_of_every_kind_of_attribute(lxd_client, profile):
    del profile.config['user.a']
    profile.config['user.c'] = u'\xe4'
    profile.devices['eth0']['name'] = 'eth7'
    profile.description = 'text'
    profile.save(wait=True)
    saved = lxd_client.profiles.get(profile.name)
    assert saved.config == {'user.b': '2', 'user.c': u'\xe4'}
    assert saved.devices['eth0']['name'] == 'eth7'
    assert saved.description == 'text'


def test_a_refused_save_keeps_the_change(lxd_client, profile):
    profile.config['no.such.key'] = '1'
    with pytest.raises(exceptions.LXDAPIException) as caught:
        profile.save(wait=True)
    assert 'no.such.key' in str(caught.value)
    assert profile.dirty and profile.config['no.such.key'] == '1'
    del profile.config['no.such.key']
    assert not profile.dirty


@pytest.mark.documents('Profile.rename')
def test_rename(lxd_client, profile, name):
    renamed = profile.rename(name + '-new')
    assert renamed.name == profile.name == name + '-new'
    assert lxd_client.profiles.get(name + '-new') == renamed
    assert renamed.config['user.a'] == '1'
    assert not lxd_client.profiles.exists(name)
    with pytest.raises(exceptions.LXDAPIException):
        renamed.rename('default')
    assert renamed.name == name + '-new'


def test_delete(lxd_client, profile):
    profile.delete()
    assert not lxd_client.profiles.exists(profile.name)
    with pytest.raises(exceptions.NotFound):
        profile.delete()


@pytest.mark.parametrize('profile_name', ['{} x', '{}:x', u'{}\xe4', '{}%20x'])
def test_odd_names(lxd_client, name, profile_name):
    profile_name = profile_name.format(name)
    lxd_client.profiles.create(name)
    try:
        profile = lxd_client.profiles.create(profile_name)
    except exceptions.LXDAPIException:
        assert [each.name for each in lxd_client.profiles.all()
                if each.name.startswith(name)] == [name]
        return  # this server refuses the name
    assert profile in lxd_client.profiles.all()
    assert profile == lxd_client.profiles.get(profile_name)
    profile.config['user.a'] = 'b'
    profile.save()
    assert lxd_client.profiles.get(profile_name).config == {'user.a': 'b'}
    assert lxd_client.profiles.get(name).config == {}
    profile.delete()
    assert lxd_client.profiles.exists(name)


def test_copy(lxd_client, other_client, name):
    fields = {'config': {'user.a': '1'}, 'devices': {'n': NIC},
              'description': 'text'}
    profile = lxd_client.profiles.create(name, **fields)
    profile.config['user.a'] = 'not saved'
    copy = profile.copy(name + '2')
    assert type(copy) is Profile and copy.name == name + '2'
    assert copy == lxd_client.profiles.get(name + '2')
    assert {key: getattr(copy, key) for key in fields} == fields
    assert profile.config == {'user.a': 'not saved'}
    assert profile.copy(name + '3', to=other_client).client is other_client
    with pytest.raises(exceptions.LXDAPIException):
        profile.copy(name + '2')
    with pytest.raises(TypeError):
        profile.copy(name + '4', to='https://10.0.0.1:8443')
    profile.delete()
    with pytest.raises(exceptions.NotFound):
        profile.copy(name + '4')
    assert not lxd_client.profiles.exists(name + '4')


@pytest.mark.parametrize('profile_name', ['', '.', '..', 'a\0b', 'a\nb'])
def test_invalid_names_are_not_sent(lxd_client, sent, profile_name):
    for call in (lxd_client.profiles.create, lxd_client.profiles.get,
                 lxd_client.profiles.exists,
                 Profile(lxd_client, name='x').rename):
        with pytest.raises(exceptions.InvalidName):
            call(profile_name)
    assert sent == []
