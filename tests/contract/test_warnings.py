"""Warnings of the server."""
import pytest

from pylxd import exceptions
from pylxd.models import ServerWarning

pytestmark = [pytest.mark.real_server, pytest.mark.needs('warnings')]


@pytest.fixture
def warning(lxd_client):
    """One of the warnings that each server here has about its host."""
    warnings = lxd_client.warnings.all()
    if not warnings:
        pytest.skip('this server has no warnings')
    return warnings[0]


def test_attributes(lxd_client, warning):
    assert type(warning) is ServerWarning
    assert warning == lxd_client.warnings.get(warning.uuid)
    assert warning == ServerWarning.get(lxd_client, warning.uuid)
    assert warning.status in ('new', 'acknowledged', 'resolved')
    assert warning.severity in ('low', 'moderate', 'high')
    assert warning.type and warning.count >= 1
    assert warning.last_seen_at >= warning.first_seen_at > '2'
    assert (warning.project, warning.entity_url) == ('', '')
    assert lxd_client.warnings.exists(warning.uuid)


def test_list_with_a_filter(lxd_client, warning, sent):
    every = lxd_client.warnings.all(recursion=1)
    assert warning in every
    low = [each for each in every if each.severity == 'low']
    assert sorted(map(repr, lxd_client.warnings.all(
        filter='severity eq low'))) == sorted(repr(
            ServerWarning.from_key(lxd_client, (each.uuid,))) for each in low)
    for recursion in 0, 1:
        assert lxd_client.warnings.all(recursion, 'severity eq none') == []


def test_acknowledge_and_save(lxd_client, warning):
    warning.acknowledge()
    assert warning.status == 'acknowledged'
    assert lxd_client.warnings.get(warning.uuid).status == 'acknowledged'
    warning.status = 'new'
    warning.save()
    assert lxd_client.warnings.get(warning.uuid).status == 'new'
    for status in 'resolved', 'bogus':
        warning.status = status
        with pytest.raises(exceptions.LXDAPIException):
            warning.save()
        assert lxd_client.warnings.get(warning.uuid).status == 'new'
    with pytest.raises(AttributeError):
        warning.severity = 'high'


def test_delete(lxd_client, warning):
    warning.delete()
    assert not lxd_client.warnings.exists(warning.uuid)
    for call in warning.delete, warning.sync, warning.acknowledge:
        with pytest.raises(exceptions.NotFound):
            call()


def test_uuids_of_no_warning(lxd_client, sent):
    for wrong in 'nope', 'a/b', '../instances':
        with pytest.raises(exceptions.NotFound):
            lxd_client.warnings.get(wrong)
    del sent[:]
    with pytest.raises(exceptions.InvalidName):
        lxd_client.warnings.get('..')
    assert sent == []


def test_all_projects(lxd_client, warning):
    """Those of the server itself belong to no project."""
    client = lxd_client.use_project('default')
    assert warning not in client.warnings
    assert warning in client.warnings.all(all_projects=True)
