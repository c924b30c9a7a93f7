"""Projects against a scripted server."""
import json

import pytest

from pylxd import Client, exceptions
from pylxd.models.project import Project, ProjectState
from wire import ROOT, Server, lxd_api, sync

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


def test_create_takes_the_whole_body_as_a_dict():
    body = {'name': 'p1', 'config': {}, 'x': 'y'}
    pages = {'POST /1.0/projects': {}, 'GET /1.0/projects/p1': PROJECT}
    with Server(lxd_api(pages, PROJECTS_ROOT)) as server:
        project = Client(server.endpoint).projects.create(body)
        assert json.loads(server.requests[-1].body.decode()) == body
        assert project.name == 'p1'
        for wrong in {'name': '.'}, {'name': {}}, {'config': {}}:
            with pytest.raises((exceptions.InvalidName, TypeError)):
                project.client.projects.create(wrong)


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


def test_delete_with_all_that_is_in_the_project():
    pages = {'DELETE /1.0/projects/p1': {}}
    root = dict(PROJECTS_ROOT, api_extensions=[
        'projects', 'projects_force_delete'])
    with Server(lxd_api(pages, root)) as server:
        Project(Client(server.endpoint), name='p1').delete(force=True)
        assert server.requested[-1] == 'DELETE /1.0/projects/p1?force=1'
    with Server(lxd_api(pages, PROJECTS_ROOT)) as server:
        project = Project(Client(server.endpoint), name='p1')
        for call in (lambda: project.delete(force=True), project.state,
                     project.access):
            with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
                call()
        assert server.requested == ['GET /1.0']
        project.delete()
        assert server.requested[-1] == 'DELETE /1.0/projects/p1'


def test_state_and_access():
    usage = {'memory': {'Limit': -1, 'Usage': 7}}
    entry = {'identifier': 'f', 'role': 'operator', 'provider': 'tls'}
    pages = {'GET /1.0/projects/p1/state': {'resources': usage},
             'GET /1.0/projects/p1/access': [entry]}
    root = dict(PROJECTS_ROOT, api_extensions=[
        'projects', 'project_usage', 'project_access'])
    with Server(lxd_api(pages, root)) as server:
        project = Project(Client(server.endpoint), name='p1')
        state = project.state()
        assert isinstance(state, ProjectState) and state.resources == usage
        assert project.access() == [entry]
        pages['GET /1.0/projects/p1/access'] = sync(None)  # of Incus
        assert project.access() == []
        pages['GET /1.0/projects/p1/access'] = {'a': 1}
        with pytest.raises(exceptions.InvalidResponse):
            project.access()
