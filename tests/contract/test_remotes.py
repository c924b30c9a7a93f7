"""Clients of remotes that the real ``lxc`` or ``incus`` has added."""
import csv
import os
import shutil

import pytest
import pylxd
from helpers import read_tree
from pylxd import Client, exceptions

pytestmark = pytest.mark.real_server
pytest.importorskip('yaml', reason='PyYAML is not installed')


@pytest.fixture
def run(lxd, lxd_client, monkeypatch):
    """Return a function that runs ``lxc`` or ``incus``, and returns lines.

    The program starts without a configuration. The home directory of the
    program is that of the test as well.
    """
    if not hasattr(lxd, 'run'):
        pytest.skip('--lxd names a running server')

    def run(*arguments):
        return lxd.run(*arguments).decode('utf-8').splitlines()

    before = lxd_client.certificates.all()
    monkeypatch.setenv('HOME', lxd.home)
    yield run
    shutil.rmtree(os.path.join(lxd.home, '.config'), ignore_errors=True)
    for each in lxd_client.certificates.all():
        if each not in before:
            each.delete()


@pytest.fixture
def add(lxd, run):
    """Return a function that adds a remote, of the server by default."""
    def add(name, *arguments):
        run('remote', 'add', name, *(arguments or (
            lxd.endpoint, '--accept-certificate',
            ('--password=' if lxd.has_password else '--token=')
            + lxd.token())))
    return add


@pytest.fixture
def prod(add):
    """The name of a remote that ``remote add`` has added."""
    add('prod')
    return 'prod'


def test_added_by_a_token(lxd, lxd_client, prod):
    with Client.from_remote(prod, timeout=30) as client:
        assert client.trusted
        assert client.transport.url == lxd.endpoint
        assert client.transport.connector.verify.endswith(
            'servercerts/prod.crt')
        assert client.containers.all() == []
        client.profiles.create('by-remote')
    lxd_client.profiles.get('by-remote').delete()


def test_added_by_a_token_that_has_the_address(lxd, add):
    add('prod', lxd.token())
    with Client.from_remote('prod') as client:
        assert client.trusted and client.transport.url == lxd.endpoint


def test_added_by_a_password(lxd, add):
    if lxd.password is None:
        pytest.skip('the server has tokens only')
    add('prod', lxd.endpoint, '--accept-certificate',
        '--password=' + lxd.password)
    with Client.from_remote('prod') as client:
        assert client.trusted


def test_the_project_and_the_default_of_the_program(lxd_client, prod, run):
    try:
        run('project', 'create', 'prod:by-remote')
        run('project', 'switch', 'prod:by-remote')
        run('remote', 'set-default', 'prod')
        for name in 'prod', None:
            with Client.from_remote(name) as client:
                assert client.project == 'by-remote' and client.trusted
        with Client.from_remote('prod', project='default') as client:
            assert client.images.get_by_alias('busybox')
        run('project', 'switch', 'local:by-remote')
    finally:
        lxd_client.projects.get('by-remote').delete()


def test_the_local_server(lxd, run, monkeypatch):
    monkeypatch.setenv(lxd.variable, lxd.directory)
    run('remote', 'list')  # which writes the configuration
    for name in None, 'local', lxd.command + ':local':
        with Client.from_remote(name) as client:
            assert client.transport.socket_path == lxd.socket
            assert client.trusted


def test_a_socket(lxd, add):
    if lxd.root:
        pytest.skip('the path of the socket is another one outside the root')
    for number, address in enumerate([lxd.socket, 'unix:' + lxd.socket]):
        add('socket%d' % number, address)
        with Client.from_remote('socket%d' % number) as client:
            assert client.transport.socket_path == lxd.socket


def test_names(lxd, add, prod, run):
    """`pylxd.remotes` lists the private servers that the program lists."""
    add('public', lxd.endpoint, '--accept-certificate', '--public')
    add('streams', 'https://127.0.0.1:1', '--protocol=simplestreams')
    for name in '8', 'yes', 'a b':
        add(name, lxd.endpoint, '--accept-certificate')
    rows = csv.reader(run('remote', 'list', '--format', 'csv'))
    names = sorted(
        row[0].replace(' (current)', '') for row in rows if row[4] == 'NO')
    assert pylxd.remotes() == names == [
        '8', 'a b', 'local', 'prod', 'yes']
    for name in '8', 'a b', 'yes':
        with Client.from_remote(name) as client:
            assert client.trusted
    for name in 'public', 'streams':
        with pytest.raises(exceptions.InvalidRemote):
            Client.from_remote(name)
    run('remote', 'rename', 'prod', 'web')
    Client.from_remote('web').close()
    with pytest.raises(exceptions.InvalidRemote):
        Client.from_remote('prod')


def test_leaves_the_files_as_they_are(lxd, prod, run):
    directory = os.path.join(lxd.home, '.config')
    before = read_tree(directory)
    Client.from_remote(prod).close()
    assert pylxd.remotes() == ['local', 'prod']
    assert read_tree(directory) == before
    run('list', 'prod:')  # which Incus 7 notes in the configuration
    with Client.from_remote(prod) as client:
        assert client.trusted


def test_several_addresses(lxd, add, run):
    if 'Several remote targets' not in '\n'.join(
            run('remote', 'add', '--help')):
        pytest.skip('the program takes one address only')
    add('prod', 'https://127.0.0.1:1', lxd.endpoint, '--accept-certificate',
        '--token=' + lxd.token())
    with Client.from_remote('prod') as client:
        assert client.trusted and client.transport.url == lxd.endpoint
