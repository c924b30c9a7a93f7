"""Projects against a scripted server."""
import json

import pytest

from pylxd import Client, exceptions
from pylxd.models.project import Project
from wire import ROOT, Server, lxd_api

PROJECT = {'name': 'p1', 'description': '', 'config': {'user.a': '1'},
           'used_by': []}
PROJECTS_ROOT = dict(ROOT, api_extensions=['projects', 'patch', 'etag'])


def test_each_call_needs_the_extension():
    """Without the extension ``projects``, as on LXD 3.0.0."""
    with Server(lxd_api()) as server:
        projects = Client(server.endpoint).projects
        for call in (projects.all, lambda: projects.get('p1'),
                     lambda: projects.create('p1')):
            with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
                call()
        assert server.requested == ['GET /1.0']


def test_create_sends_the_arguments():
    pages = {'POST /1.0/projects': {}, 'GET /1.0/projects/p1': PROJECT}
    with Server(lxd_api(pages, PROJECTS_ROOT)) as server:
        project = Project.create(
            Client(server.endpoint), 'p1', 'text', {'user.a': '1'})
        assert json.loads(server.requests[-1].body.decode()) == {
            'name': 'p1', 'description': 'text', 'config': {'user.a': '1'}}
        assert project.config == {'user.a': '1'}


def test_save_sends_the_whole_config():
    """The server replaces ``config`` by that of a PATCH."""
    pages = {'GET /1.0/projects/p1': PROJECT, 'PATCH /1.0/projects/p1': {}}
    with Server(lxd_api(pages, PROJECTS_ROOT)) as server:
        project = Client(server.endpoint).projects.get('p1')
        project.config['user.b'] = '2'
        project.save()
        sent, = [json.loads(each.body.decode()) for each in server.requests
                 if each.method == 'PATCH']
        assert sent['config'] == {'user.a': '1', 'user.b': '2'}
