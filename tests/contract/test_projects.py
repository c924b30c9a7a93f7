"""Projects: creating, saving, renaming and deleting."""
import pytest

from pylxd import exceptions
from pylxd.models.project import Project, ProjectState
from helpers import EMPTY, read_bytes

#: A project that shares the profiles and images of the default project.
SHARED = {'features.profiles': 'false', 'features.images': 'false'}


@pytest.fixture
def project(lxd_client, name):
    created = lxd_client.projects.create(name, config=SHARED)
    yield created
    if lxd_client.projects.exists(created.name):
        created.delete()


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
    """Servers replace the whole config of a project by that of a PATCH."""
    project.config['user.a'] = '1'
    project.description = 'new'
    project.save()
    del project.config['user.a']
    project.config['user.b'] = '2'
    project.save()
    saved = lxd_client.projects.get(name)
    assert saved.description == 'new'
    assert saved.config.get('user.b') == '2' and 'user.a' not in saved.config
    assert saved.config['features.images'] == 'false'


def test_rename(lxd_client, project, name):
    project.rename(name + '2')
    assert project.name == name + '2'
    assert not lxd_client.projects.exists(name)
    assert lxd_client.projects.get(name + '2') == project


def test_a_refused_rename_names_the_project(lxd_client, project, name):
    with pytest.raises(exceptions.LXDAPIException) as caught:
        project.rename('default')
    assert '/1.0/projects/' + name in str(caught.value)
    assert project.name == name and lxd_client.projects.exists(name)


def test_delete_of_a_project_with_a_container_is_refused(
        lxd, lxd_client, project, name):
    with lxd.client(project=name) as project_client:
        container = project_client.containers.create(
            {'name': name, 'source': EMPTY}, wait=True)
        assert repr(container).startswith(
            '<Container {} (project {})'.format(name, name))
        assert not lxd_client.containers.exists(name)
        with pytest.raises(exceptions.LXDAPIException):
            project.delete()
        container.delete(wait=True)
    project.delete()
    assert not lxd_client.projects.exists(name)


@pytest.mark.real_server
@pytest.mark.needs('projects_force_delete')
def test_delete_of_a_full_project(lxd_client, name, image_bytes):
    project = lxd_client.projects.create(name)
    inside = lxd_client.use_project(name)
    inside.profiles.create('p')
    inside.images.create(image_bytes, wait=True)
    with pytest.raises(exceptions.LXDAPIException):
        project.delete()
    assert inside.profiles.exists('p')
    project.delete(force=True)
    assert not lxd_client.projects.exists(name)


def test_force_needs_an_extension(lxd_client, project, sent, name):
    if lxd_client.has_api_extension('projects_force_delete'):
        pytest.skip('this server has the extension')
    with pytest.raises(exceptions.LXDAPIExtensionNotAvailable):
        project.delete(force=True)
    assert sent == []


@pytest.mark.real_server
@pytest.mark.needs('project_usage')
def test_state(lxd_client, project):
    project.config['limits.containers'] = '5'
    project.save()
    state = project.state()
    assert type(state) is ProjectState
    assert state.resources['containers'] == {'Limit': 5, 'Usage': 0}
    assert state.resources['memory']['Limit'] == -1


@pytest.mark.real_server
@pytest.mark.needs('project_access')
def test_access(lxd_client, project, key_pair, name):
    before = {entry['identifier'] for entry in project.access()}
    certificate = lxd_client.certificates.create(
        '', read_bytes(key_pair[0]), name=name, projects=[name],
        restricted=True)
    assert {entry['identifier'] for entry in project.access()} - before == {
        certificate.fingerprint}
    certificate.delete()


def test_projects_need_the_extension(lxd_client, project, sent, monkeypatch):
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
