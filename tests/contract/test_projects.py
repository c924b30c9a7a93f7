"""Projects: parts of a server with objects of their own."""
import pytest

from pylxd import exceptions
from pylxd.models.project import Project
from helpers import EMPTY

#: What a project leaves to the default one, so that nothing has to be made.
SHARED = {'features.profiles': 'false', 'features.images': 'false'}


@pytest.fixture
def project(lxd_client, name):
    made = lxd_client.projects.create(name, config=SHARED)
    yield made
    if lxd_client.projects.exists(made.name):
        made.delete()


def test_create_get_all(lxd_client, project, name):
    assert type(project) is Project
    assert project == lxd_client.projects.get(name) == Project.get(
        lxd_client, name)
    assert project in lxd_client.projects.all()
    assert 'default' in [each.name for each in Project.all(lxd_client)]
    assert project.config['features.images'] == 'false'
    with pytest.raises(exceptions.LXDAPIException):
        lxd_client.projects.create(name)


def test_save(lxd_client, project, name):
    """A PATCH replaces the config of a project as a whole."""
    project.config['user.a'] = '1'
    project.description = 'new'
    project.save()
    del project.config['user.a']
    project.config['user.b'] = '2'
    project.save()
    got = lxd_client.projects.get(name)
    assert got.description == 'new'
    assert got.config.get('user.b') == '2' and 'user.a' not in got.config
    assert got.config['features.images'] == 'false'


def test_rename(lxd_client, project, name):
    project.rename(name + '2')
    assert project.name == name + '2'
    assert not lxd_client.projects.exists(name)
    assert lxd_client.projects.get(name + '2') == project


def test_a_project_that_is_not_empty(lxd, lxd_client, project, name):
    with lxd.client(project=name) as inside:
        container = inside.containers.create(
            {'name': name, 'source': EMPTY}, wait=True)
        assert repr(container).startswith(
            '<Container {} (project {})'.format(name, name))
        assert not lxd_client.containers.exists(name)
        with pytest.raises(exceptions.LXDAPIException):
            project.delete()
        container.delete(wait=True)
    project.delete()
    assert not lxd_client.projects.exists(name)


def test_a_server_without_projects(lxd_client, project, sent, monkeypatch):
    monkeypatch.setitem(lxd_client.host_info, 'api_extensions', [])
    project.description = 'new'
    for call in (lxd_client.projects.all, project.save, project.delete,
                 lambda: lxd_client.projects.create('x'),
                 lambda: lxd_client.projects.get('x'),
                 lambda: project.rename('x'), project.sync):
        with pytest.raises(exceptions.LXDAPIExtensionNotAvailable) as caught:
            call()
        assert caught.value.name == 'projects'
    assert sent == []
    monkeypatch.undo()
