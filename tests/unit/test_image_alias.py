"""Aliases of images against a scripted server."""
import json

import pytest

from pylxd import Client
from pylxd.models import ImageAlias
from wire import ROOT, Server, lxd_api, sync

ALIAS = {'name': 'a1', 'target': 'f1', 'description': 'd',
         'type': 'container'}


def test_save_sends_all_fields_by_put():
    """LXD 5.0.2 answers no PATCH of an alias."""
    stored = dict(ALIAS)

    def put(request):
        stored.update(json.loads(request.body.decode()))
        return {}

    pages = {'GET /1.0/images/aliases/a1': lambda _: sync(stored, ETag='"e"'),
             'PUT /1.0/images/aliases/a1': put}
    with Server(lxd_api(pages, dict(ROOT, api_extensions=['patch']))
                ) as server:
        alias = Client(server.endpoint).images.aliases.get('a1')
        assert repr(alias) == '<ImageAlias a1>'
        alias.description = 'new'
        alias.save()
        assert stored == dict(ALIAS, description='new')
        assert [line for line in server.requested if 'PATCH' in line] == []


def test_create_and_names():
    pages = {'POST /1.0/images/aliases': {},
             'GET /1.0/images/aliases/a%2Fb': dict(ALIAS, name='a/b')}
    with Server(lxd_api(pages)) as server:
        client = Client(server.endpoint)
        alias = client.images.aliases.create('a/b', 'f1')
        assert json.loads(server.requests[-1].body.decode()) == {
            'name': 'a/b', 'target': 'f1', 'description': ''}
        assert alias == ImageAlias.get(client, 'a/b')
        # The whole body as one dict, in place of the name
        assert alias == client.images.aliases.create(dict(ALIAS, name='a/b'))
        assert json.loads(server.requests[-1].body.decode()) == dict(
            ALIAS, name='a/b')
        del server.requests[:]
        with pytest.raises(ValueError):
            client.images.aliases.all(filter='name eq a')
        assert server.requested == []
