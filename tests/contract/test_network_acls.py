"""Network ACLs and network address sets."""
import pytest

from pylxd import exceptions
from pylxd.models.network_acl import NetworkAcl
from pylxd.models.network_address_set import NetworkAddressSet

pytestmark = [pytest.mark.real_server, pytest.mark.needs('network_acl')]

SSH = {'action': 'allow', 'state': 'enabled', 'protocol': 'tcp',
       'destination_port': '22', 'source': '192.0.2.0/24'}
ALL = {'action': 'allow', 'state': 'enabled'}


def delete_all(client, name, managers):
    """Delete the objects whose names begin with ``name``."""
    for manager in managers:
        for each in getattr(client, manager).all():
            if each.name.startswith(name):
                each.delete(wait=True)


@pytest.fixture
def acl_name(lxd_client, bridge_lock, name):
    """The name of networks and ACLs that are deleted after."""
    yield name
    delete_all(lxd_client, name, ['networks', 'network_acls'])


@pytest.fixture
def acl(lxd_client, acl_name):
    return lxd_client.network_acls.create(
        acl_name, 'old', ingress=[SSH], egress=[ALL],
        config={'user.a': '1'})


@pytest.fixture
def network(lxd_client, acl):
    """A bridge that uses `acl`."""
    return lxd_client.networks.create(acl.name, config={
        'ipv4.address': '10.77.9.1/24', 'ipv4.nat': 'false',
        'ipv6.address': 'none', 'security.acls': acl.name})


@pytest.fixture
def address_set(lxd_client, name):
    yield lxd_client.network_address_sets.create(
        name, ['192.0.2.1', '2001:db8::/64'], 'old', {'user.a': '1'})
    delete_all(lxd_client, name, ['network_acls', 'network_address_sets'])


def read_all(model):
    """Return what the server has for an object."""
    fresh = type(model)(model.client, name=model.name)
    return dict(fresh)


def test_create_get_all(lxd_client, acl, acl_name):
    acls = lxd_client.network_acls
    assert type(acl) is NetworkAcl
    assert acl == acls.get(acl_name) == NetworkAcl.get(lxd_client, acl_name)
    assert acl in acls.all()
    assert acls.exists(acl_name) and not acls.exists(acl_name + '2')
    assert (acl.description, acl.config) == ('old', {'user.a': '1'})
    assert (acl.ingress, acl.egress, acl.used_by) == ([SSH], [ALL], [])
    with pytest.raises(exceptions.LXDAPIException) as caught:
        acls.create(acl_name)
    assert 'already exists' in str(caught.value)


def test_save(acl):
    acl.config['user.b'] = '2'
    acl.save()
    acl.description = 'new'
    del acl.config['user.a']
    acl.ingress[0]['state'] = 'logged'
    acl.egress = []
    acl.save()
    saved = read_all(acl)
    assert (saved['description'], saved['config']) == ('new', {'user.b': '2'})
    assert saved['ingress'] == [dict(SSH, state='logged')]
    assert saved['egress'] == []


def test_save_keeps_what_another_client_saved(acl):
    other = acl.client.network_acls.get(acl.name)
    assert other.description == acl.description == 'old'
    other.config['user.b'] = '2'
    other.save()
    acl.description = 'new'
    acl.save()
    saved = read_all(acl)
    assert saved['config'] == {'user.a': '1', 'user.b': '2'}
    assert (saved['description'], saved['ingress']) == ('new', [SSH])


def test_patch_changes_what_it_names(acl):
    """Servers empty the rest, or fail without ``config``."""
    acl.patch({'description': 'new'})
    acl.patch({'config': {'user.a': '', 'user.b': '2'}})
    assert acl.description == 'new'
    saved = read_all(acl)
    assert (saved['config'], saved['ingress']) == ({'user.b': '2'}, [SSH])


def test_an_acl_in_use_is_neither_deleted_nor_renamed(
        lxd_client, acl, network):
    acl.sync()
    assert [url.partition('?')[0] for url in acl.used_by] == [
        '/1.0/networks/' + network.name]
    for call in acl.delete, lambda: acl.rename(acl.name + '2'):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            call()
        assert 'in use' in str(caught.value)
    assert acl == lxd_client.network_acls.get(network.name)
    acl.ingress.append(dict(SSH, destination_port=80))
    acl.save()
    assert len(read_all(acl)['ingress']) == 2

    del network.config['security.acls']
    network.save()
    acl.rename(network.name + '2')
    assert acl == lxd_client.network_acls.get(network.name + '2')
    assert not lxd_client.network_acls.exists(network.name)
    acl.delete()
    assert not lxd_client.network_acls.exists(network.name + '2')


@pytest.mark.parametrize('rule', [
    {'action': 'no-such-action', 'state': 'enabled'}, {'action': 'allow'},
    dict(ALL, destination_port='22'), dict(ALL, no_such_key='1', source='x')])
def test_a_wrong_rule_is_refused(lxd_client, acl, rule):
    before = read_all(acl)
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.network_acls.create(acl.name + '2', ingress=[rule])
    assert not lxd_client.network_acls.exists(acl.name + '2')
    acl.egress.append(rule)
    with pytest.raises(exceptions.LXDAPIException):
        acl.save()
    assert read_all(acl) == before


def test_a_network_with_a_missing_acl_is_refused(lxd_client, acl_name):
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.networks.create(acl_name, config={
            'ipv4.address': 'none', 'ipv6.address': 'none',
            'security.acls': acl_name})
    assert not lxd_client.networks.exists(acl_name)


def test_names_reach_no_other_resource(lxd_client, acl):
    acls = lxd_client.network_acls
    for name in ('', '.', '..', 'a\nb'):
        for call in acls.get, acls.create, acl.rename:
            with pytest.raises(exceptions.InvalidName):
                call(name)
    for name in ('{}/log', '{}?x', '{}#x', '../networks', 'x/../{}'):
        name = name.format(acl.name)
        assert not acls.exists(name)
        with pytest.raises(exceptions.LXDAPIException):
            acls.create(name)
        with pytest.raises(exceptions.LXDAPIException):
            acl.rename(name)
    assert acls.get(acl.name) == acl


@pytest.mark.needs('network_acl_log')
def test_only_ovn_has_a_log(acl, network):
    with pytest.raises(exceptions.LXDAPIException) as caught:
        acl.log()
    assert 'Only OVN log entries' in str(caught.value)


def test_address_sets_need_the_extension(lxd_client, name):
    sets = lxd_client.network_address_sets
    if not lxd_client.has_api_extension('network_address_set'):
        for call in (sets.all, lambda: sets.get(name),
                     lambda: sets.create(name)):
            with pytest.raises(
                    exceptions.LXDAPIExtensionNotAvailable) as caught:
                call()
            assert caught.value.name == 'network_address_set'


@pytest.mark.needs('network_address_set')
def test_an_address_set(lxd_client, address_set, name):
    sets = lxd_client.network_address_sets
    assert type(address_set) is NetworkAddressSet
    assert address_set == sets.get(name) and address_set in sets.all()
    assert (address_set.description, address_set.config) == (
        'old', {'user.a': '1'})
    assert address_set.addresses == ['192.0.2.1', '2001:db8::/64']

    address_set.config['user.b'] = '2'
    address_set.save()
    address_set.addresses.append('192.0.2.2')
    address_set.config.clear()
    address_set.save()
    address_set.patch({'description': 'new'})
    saved = sets.get(name)
    assert (saved.description, saved.config) == ('new', {})
    assert saved.addresses == ['192.0.2.1', '2001:db8::/64', '192.0.2.2']
    saved.config['user.c'] = '3'
    saved.save()
    assert sets.get(name).config == {'user.c': '3'}

    address_set.rename(name + '2')
    assert not sets.exists(name) and sets.exists(name + '2')
    address_set.delete()
    assert not sets.exists(name + '2')


@pytest.mark.needs('network_address_set')
def test_an_address_set_without_addresses(lxd_client, name):
    created = lxd_client.network_address_sets.create(name)
    try:
        assert (created.addresses, created.config) == ([], {})
    finally:
        created.delete()


@pytest.mark.needs('network_address_set')
def test_an_address_set_in_use_is_neither_deleted_nor_renamed(
        lxd_client, address_set, name):
    acl = lxd_client.network_acls.create(
        name, ingress=[dict(ALL, source='$' + name)])
    address_set.sync()
    assert [url.partition('?')[0] for url in address_set.used_by] == [
        '/1.0/network-acls/' + name]
    for call in address_set.delete, lambda: address_set.rename(name + '2'):
        with pytest.raises(exceptions.LXDAPIException) as caught:
            call()
        assert 'in use' in str(caught.value)
    assert address_set == lxd_client.network_address_sets.get(name)
    acl.delete()


@pytest.mark.needs('network_address_set')
def test_wrong_address_sets_are_refused(lxd_client, address_set, name):
    sets = lxd_client.network_address_sets
    before = read_all(address_set)
    for arguments in ((name,), (name + '2', ['no-address']), ('a/b',)):
        with pytest.raises(exceptions.LXDAPIException):
            sets.create(*arguments)
    assert not sets.exists(name + '2') and not sets.exists('a/b')
    address_set.addresses.append('no-address')
    with pytest.raises(exceptions.LXDAPIException):
        address_set.save()
    assert read_all(address_set) == before
    for wrong in ('', '.', '..'):
        with pytest.raises(exceptions.InvalidName):
            sets.create(wrong)
