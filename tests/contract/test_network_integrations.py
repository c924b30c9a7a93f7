"""Network integrations, as far as they need no OVN."""
import pytest

from pylxd import exceptions
from pylxd.models.network_integration import NetworkIntegration

pytestmark = [pytest.mark.real_server,
              pytest.mark.needs('network_integrations')]

CONFIG = {'ovn.northbound_connection': 'tcp:127.0.0.1:6645',
          'ovn.southbound_connection': 'tcp:127.0.0.1:6646'}


@pytest.fixture
def integration(lxd_client, name):
    yield lxd_client.network_integrations.create(
        name, description='old', config=CONFIG)
    for each in lxd_client.network_integrations.all():
        if each.name.startswith(name):
            each.delete()


def test_an_integration(lxd_client, integration, name):
    integrations = lxd_client.network_integrations
    assert type(integration) is NetworkIntegration
    assert integration == integrations.get(name)
    assert integration in integrations.all()
    assert (integration.type, integration.description) == ('ovn', 'old')
    assert (integration.config, integration.used_by) == (CONFIG, [])

    integration.config['user.a'] = '1'
    integration.save()
    integration.patch({'description': 'new'})
    saved = integrations.get(name)
    assert (saved.description, saved.config) == (
        'new', dict(CONFIG, **{'user.a': '1'}))

    integration.rename(name + '2')
    assert not integrations.exists(name)
    assert integration == integrations.get(name + '2')
    integration.delete()
    assert not integrations.exists(name + '2')


def test_wrong_integrations_are_refused(lxd_client, integration, name):
    integrations = lxd_client.network_integrations
    for arguments in (name,), (name + '2', 'no-such-type'):
        with pytest.raises(exceptions.LXDAPIException):
            integrations.create(*arguments)
    assert not integrations.exists(name + '2')
    integration.config['no-such-key'] = '1'
    with pytest.raises(exceptions.LXDAPIException):
        integration.save()
    assert integrations.get(name).config == CONFIG
    for wrong in ('', '.', '..', 'a\nb'):
        for call in integrations.get, integrations.create:
            with pytest.raises(exceptions.InvalidName):
                call(wrong)
