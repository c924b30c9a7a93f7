"""The scripts of the cookbook, each run as it stands, by another Python."""
import datetime
import io
import os
import re
import shutil
import subprocess
import sys
import textwrap

import pytest
import wire

from helpers import BUSYBOX, NIC, read_bytes, skip_without, wait_until
from pylxd.testing import plugin

from .support import make_image

pytestmark = pytest.mark.real_server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
#: The directory of the backups in the scripts.
BACKUPS = '/var/backups'


def read_scripts():
    """Return the scripts of the page, by the headings above them."""
    with io.open(os.path.join(ROOT, 'doc', 'cookbook.rst')) as file:
        sections = re.split(r'^(\S.*)\n-+\n', file.read(), flags=re.M)[1:]
    return {title: textwrap.dedent(section.partition(
        '.. code-block:: python\n\n')[2])
        for title, section in zip(sections[::2], sections[1::2])}


SCRIPTS = read_scripts()


@pytest.fixture(scope='module')
def client_pair(tmpdir_factory):
    """Paths of the certificate ``client.crt``, and of its key."""
    return wire.make_certificate(tmpdir_factory.mktemp('scripts'), 'client')


@pytest.fixture(scope='module')
def start_server(request, lxd, client_pair):
    """Return a function that returns the server ``server2`` and so on."""
    kits = {}

    def start(name):
        if name not in kits:
            kits[name] = plugin.make_kit(request.config.getoption('lxd'), {})
            request.addfinalizer(kits[name].close)
            with kits[name].client() as client:
                client.certificates.create('', read_bytes(client_pair[0]))
        return kits[name]
    return start


@pytest.fixture
def start_script(lxd, start_server, client_pair, tmpdir):
    """Return a function that starts a script, and returns its process.

    ``Client()`` of the script is the server ``kit``.
    """
    processes = []

    def start(title, kit=lxd):
        script = SCRIPTS[title]
        assert len(script.split('\n\n', 1)[1].strip().splitlines()) <= 10
        for path, name in zip(client_pair, ['client.crt', 'client.key']):
            shutil.copy(str(path), str(tmpdir.join(name)))
        endpoints = {}
        for name in sorted(set(re.findall(r'server[2-4]\b', script))):
            server = start_server(name)
            shutil.copy(server.certificate, str(tmpdir.join(name + '.crt')))
            endpoints[name] = server.endpoint
            script = script.replace(
                'https://{}:8443'.format(name), server.endpoint)
        # No name leads to the ports of the servers of the tests
        script = script.replace("'https://{}:8443'.format(name)",
                                '{!r}[name]'.format(endpoints))
        path = tmpdir.join('script.py')
        path.write(script.replace(BACKUPS, str(tmpdir)))
        processes.append(subprocess.Popen(
            [sys.executable, str(path)], cwd=str(tmpdir),
            env=dict(os.environ, LXD_SOCKET=kit.socket),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
        return processes[-1]

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def run_script(start_script):
    """Return a function that runs a script, and returns what it prints."""
    def run(title):
        process = start_script(title)
        output = process.communicate()[0].decode()
        assert process.returncode == 0, output
        return output
    return run


@pytest.fixture
def web(lxd_client):
    """The running container ``web``; its copies are deleted after, too."""
    web = lxd_client.containers.create(
        {'name': 'web', 'source': BUSYBOX}, wait=True)
    web.files.put('/root/page', b'hello')
    web.start(wait=True)
    yield web
    delete_copies(lxd_client)


@pytest.fixture
def server2(start_server):
    """A client of the second server."""
    with start_server('server2').client() as client:
        yield client
        delete_copies(client)


def delete_copies(client):
    for container in client.containers.all():
        if container.name.startswith('web'):
            container.delete(wait=True, force=True)


@pytest.fixture
def network_of_profile(lxd_client):
    """A network card for the containers with the default profile."""
    profile = lxd_client.profiles.get('default')
    profile.devices['eth0'] = NIC
    profile.save()
    yield
    profile.rollback()
    del profile.devices['eth0']
    profile.save()


@pytest.mark.usefixtures('network_of_profile')
def test_launch(start_script, lxd_client):
    process = start_script('Launch a container, and wait for its address')
    try:
        wait_until(lambda: lxd_client.containers.exists('web'))
        web = lxd_client.containers.get('web')
        web.wait_ready()
        web.execute(['ip', 'addr', 'add', '192.0.2.7/24', 'dev', 'eth0'],
                    check=True)
        assert process.communicate()[0] == (
            b'web has the address 192.0.2.7\n')
    finally:
        process.wait()
        delete_copies(lxd_client)


def test_start_what_stops(start_script, another_kit):
    with another_kit.client() as client:
        web, other = [client.containers.launch('busybox', name, start=False)
                      for name in ('web', 'web2')]
        web.config['user.keep'] = 'yes'
        web.save(wait=True)
        start_script('Start what stops, also while the server restarts',
                     another_kit)

        def is_started_again():
            """Until the script listens, it does not see that it stops."""
            if not is_running(web):
                web.start(wait=True)
            web.stop(wait=True)
            return wait_until(lambda: is_running(web), 1)

        wait_until(is_started_again)
        other.config['user.keep'] = 'yes'
        other.save(wait=True)
        assert not is_running(other)
        another_kit.restart()
        wait_until(lambda: is_running(other))


def is_running(container):
    container.sync()
    return container.status == 'Running'


def test_back_up_and_restore(run_script, web, server2, tmpdir):
    assert run_script('Back up all containers every night') == ''
    backup = tmpdir.join('web-{}.tar.gz'.format(datetime.date.today()))
    assert backup.check() and web.backups.all() == []
    backup.move(tmpdir.join('web.tar.gz'))
    assert run_script('Restore a backup on another server') == ''
    restored = server2.containers.get('web-restored')
    assert restored.execute(['cat', '/root/page']).stdout == 'hello'


def test_copy(run_script, web):
    assert run_script(
        'Copy a container under a new name') == 'web-test is Running\n'
    copy = web.client.containers.get('web-test')
    assert copy.config['limits.memory'] == '256MiB'


def test_move(run_script, lxd_client, web, server2):
    assert run_script(
        'Move a container to a server that this one does not reach') == ''
    assert not lxd_client.containers.exists('web')
    moved = server2.containers.get('web')
    assert moved.execute(['cat', '/root/page']).stdout == 'hello'


def test_send_an_image(run_script, lxd_client, new_images, start_server):
    image = lxd_client.images.create(make_image(), wait=True)
    image.add_alias('golden')
    assert run_script('Send an image to three servers') == ''
    for name in 'server2', 'server3', 'server4':
        with start_server(name).client() as client:
            copy = client.images.get_by_alias('golden')
            assert copy.export() == image.export()
            copy.delete(wait=True)


def test_run_on_all_remotes(
        run_script, lxd, web, server2, start_server, monkeypatch):
    skip_without('yaml')
    server2.containers.create(
        {'name': 'web-2', 'source': BUSYBOX}, wait=True).start(wait=True)
    monkeypatch.setenv('HOME', lxd.home)
    monkeypatch.setenv(lxd.variable, lxd.directory)
    certificates = web.client.certificates.all()
    for name, kit in ('one', lxd), ('two', start_server('server2')):
        lxd.run('remote', 'add', name, kit.endpoint, '--accept-certificate', (
            '--password=' if lxd.has_password else '--token=') + kit.token())
    try:
        output = run_script('Run a command on all remotes')
    finally:
        shutil.rmtree(os.path.join(lxd.home, '.config'))
        for each in web.client.certificates.all():
            if each not in certificates:
                each.delete()
    assert re.findall('^(.+?) .* up .* load average', output, re.M) == [
        'local:web', 'one:web', 'two:web-2']


def test_each_script_is_run():
    with io.open(__file__.replace('.pyc', '.py')) as file:
        source = file.read()
    for title in SCRIPTS:
        assert repr(title).lstrip('u') in source
