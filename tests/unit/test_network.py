"""Networks against a scripted server."""
import json

import pytest

from pylxd import Client, exceptions
from wire import ROOT, Server, lxd_api

NETWORK = {'name': 'n1', 'type': 'bridge', 'managed': True, 'config': {},
           'used_by': []}


def test_changes_need_the_extension():
    """Without the extension ``network``, as on LXD 2.0."""
    with Server(lxd_api({'GET /1.0/networks/n1': NETWORK})) as server:
        network = Client(server.endpoint).networks.get('n1')
        assert (network.name, network.type, network.used_by) == (
            'n1', 'bridge', [])
        network.config['ipv4.nat'] = 'true'
        before = list(server.requested)
        for call in (network.save, network.delete, network.state,
                     lambda: network.client.networks.create('n2')):
            with pytest.raises(NotImplementedError) as caught:
                call()
            assert isinstance(
                caught.value, exceptions.LXDAPIExtensionNotAvailable)
            assert '"network' in str(caught.value)
        assert server.requested == before


@pytest.mark.parametrize('arguments, sent', [
    ({}, {'name': 'n1', 'config': {}}),
    ({'description': 'd', 'type': 'macvlan', 'config': {'a': 'b'}},
     {'name': 'n1', 'description': 'd', 'type': 'macvlan',
      'config': {'a': 'b'}})])
def test_create_sends_the_arguments(arguments, sent):
    pages = {'POST /1.0/networks': {}, 'GET /1.0/networks/n1': NETWORK}
    with Server(
            lxd_api(pages, dict(ROOT, api_extensions=['network']))) as server:
        network = Client(server.endpoint).networks.create('n1', **arguments)
        assert json.loads(server.requests[-1].body.decode()) == sent
        assert network.managed is True
