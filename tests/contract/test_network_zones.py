"""Network zones and their records."""
import pytest

from pylxd import exceptions
from pylxd.models.network_zone import NetworkZone
from pylxd.models.network_zone_record import NetworkZoneRecord

pytestmark = [pytest.mark.real_server, pytest.mark.needs('network_dns')]

TEXT = {'type': 'TXT', 'ttl': 60, 'value': 'hello'}


@pytest.fixture
def zone_name(lxd_client, bridge_lock, name):
    """The name of zones that are deleted after."""
    yield name + '.example.net'
    for manager in lxd_client.networks, lxd_client.network_zones:
        for each in manager.all():
            if each.name.startswith(name):
                each.delete(wait=True)


@pytest.fixture
def zone(lxd_client, zone_name):
    return lxd_client.network_zones.create(
        zone_name, 'old', {'user.a': '1'})


@pytest.fixture
def record(lxd_client, zone):
    lxd_client.dialect.need('network_dns_records')
    return zone.records.create('www', 'old', [TEXT], {'user.a': '1'})


def test_create_get_all(lxd_client, zone, zone_name):
    zones = lxd_client.network_zones
    assert type(zone) is NetworkZone
    assert zone == zones.get(zone_name) == NetworkZone.get(
        lxd_client, zone_name)
    assert zone in zones.all()
    assert zones.exists(zone_name) and not zones.exists('x' + zone_name)
    assert (zone.description, zone.config, zone.used_by) == (
        'old', {'user.a': '1'}, [])
    with pytest.raises(exceptions.LXDAPIException) as caught:
        zones.create(zone_name)
    assert 'already exists' in str(caught.value)


def test_save_and_patch(lxd_client, zone, zone_name):
    zone.config['user.b'] = '2'
    zone.save()
    zone.description = 'new'
    del zone.config['user.a']
    zone.save()
    saved = lxd_client.network_zones.get(zone_name)
    assert (saved.description, saved.config) == ('new', {'user.b': '2'})
    saved.patch({'description': 'newer'})
    saved.patch({'config': {'user.b': '', 'user.c': '3'}})
    saved.patch({'config': None})
    saved = lxd_client.network_zones.get(zone_name)
    assert (saved.description, saved.config) == ('newer', {'user.c': '3'})


def test_save_keeps_what_another_client_saved(lxd_client, zone, zone_name):
    other = lxd_client.network_zones.get(zone_name)
    assert other.description == zone.description == 'old'
    other.config['user.b'] = '2'
    other.save()
    zone.description = 'new'
    zone.save()
    saved = lxd_client.network_zones.get(zone_name)
    assert (saved.description, saved.config) == (
        'new', {'user.a': '1', 'user.b': '2'})


def test_a_zone_in_use_is_not_deleted(lxd_client, zone, name):
    network = lxd_client.networks.create(name, config={
        'ipv4.address': '10.77.9.1/24', 'ipv4.nat': 'false',
        'ipv6.address': 'none', 'dns.zone.forward': zone.name})
    zone.sync()
    assert [url.partition('?')[0] for url in zone.used_by] == [
        '/1.0/networks/' + name]
    with pytest.raises(exceptions.LXDAPIException) as caught:
        zone.delete()
    assert 'in use' in str(caught.value)
    assert lxd_client.network_zones.exists(zone.name)
    network.delete()
    zone.delete()
    assert not lxd_client.network_zones.exists(zone.name)


def test_wrong_zones_are_refused(lxd_client, zone, zone_name):
    zones = lxd_client.network_zones
    with pytest.raises(exceptions.LXDAPIException):
        zones.create(zone_name + '2', config={'no-such-key': '1'})
    assert not zones.exists(zone_name + '2')
    zone.config['no-such-key'] = '1'
    with pytest.raises(exceptions.LXDAPIException):
        zone.save()
    assert zones.get(zone_name).config == {'user.a': '1'}
    for name in ('', '.', '..', 'a\nb'):
        for call in zones.get, zones.create, zone.records.get:
            with pytest.raises(exceptions.InvalidName):
                call(name)
    for name in ('{}/records', '{}?x', '{}#x', 'x/../{}'):
        assert not zones.exists(name.format(zone_name))


@pytest.mark.needs('network_dns_records')
def test_records(zone, record):
    assert type(record) is NetworkZoneRecord
    assert record == zone.records.get('www')
    assert record == NetworkZoneRecord.get(zone, 'www')
    assert zone.records.all() == [record]
    assert zone.records.exists('www') and not zone.records.exists('w')
    assert (record.description, record.config, record.entries) == (
        'old', {'user.a': '1'}, [TEXT])
    apex = zone.records.create('@')
    assert apex == zone.records.get('@') and apex.entries == []
    assert sorted(each.name for each in zone.records.all()) == ['@', 'www']
    record.delete()
    assert zone.records.all() == [apex]


@pytest.mark.needs('network_dns_records')
def test_save_and_patch_of_a_record(zone, record):
    record.entries.append({'type': 'A', 'value': '192.0.2.1'})
    record.config['user.b'] = '2'
    record.save()
    record.patch({'description': 'new'})
    saved = zone.records.get('www')
    assert (saved.description, saved.config) == (
        'new', {'user.a': '1', 'user.b': '2'})
    assert [entry['type'] for entry in saved.entries] == ['TXT', 'A']
    del saved.entries[:]
    saved.save()
    saved.patch({'entries': [TEXT]})
    assert zone.records.get('www').entries == [TEXT]


@pytest.mark.needs('network_dns_records')
def test_wrong_records_are_refused(zone, record):
    with pytest.raises(exceptions.LXDAPIException):
        zone.records.create('www')
    wrong = {'type': 'NO-SUCH-TYPE', 'value': 'x'}
    with pytest.raises(exceptions.LXDAPIException):
        zone.records.create('w', entries=[wrong])
    assert not zone.records.exists('w')
    record.entries.append(wrong)
    with pytest.raises(exceptions.LXDAPIException):
        record.save()
    assert zone.records.get('www').entries == [TEXT]
    for name in ('www/x', 'www?x', 'www#x', '../records', '%77ww'):
        assert not zone.records.exists(name)


@pytest.mark.needs('network_dns_records')
def test_names_with_special_characters(lxd_client, zone, zone_name):
    """Incus 7 refuses them."""
    for manager, name in ((lxd_client.network_zones, zone_name + '/a%62?c#d'),
                          (zone.records, 'www/a%62?c#d')):
        try:
            created = manager.create(name)
        except exceptions.LXDAPIException:
            assert not manager.exists(name)
        else:
            assert created in manager.all()
            assert manager.get(name).name == created.name == name
            created.delete()
            assert created not in manager.all()
    assert lxd_client.network_zones.exists(zone_name)


@pytest.mark.needs('network_dns_records')
def test_a_zone_is_deleted_with_its_records(lxd_client, zone, record):
    zone.delete()
    for call in record.sync, zone.records.all, record.delete:
        with pytest.raises(exceptions.NotFound):
            call()
