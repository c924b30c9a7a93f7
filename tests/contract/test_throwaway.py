"""The kits: what they start with, how they end, and that nothing is left."""
import glob
import io
import os
import signal
import subprocess
import sys
import tarfile

import pytest

from pylxd import exceptions, testing
from pylxd.testing import image, incus, throwaway
from helpers import BUSYBOX, unique_name, wait_until


@pytest.fixture
def make_kit(lxd):
    """Return a function that makes a new kit of the kind of this run."""
    if getattr(lxd, 'close', None) is None:
        pytest.skip('--lxd names a running server, of which no kit is made')
    root = getattr(lxd, 'root', None)

    def make_kit(kit=type(lxd), **arguments):
        if root:
            arguments['root'] = root
        return kit(**arguments)
    return make_kit


@pytest.fixture
def real_kit(lxd):
    """The class of the kit of a real server; skip on the stand-in."""
    if not isinstance(lxd, throwaway.Throwaway):
        pytest.skip('the stand-in is not a daemon')
    return type(lxd)


def find_traces(kit, name):
    """Return the traces on this machine of a kit, and of a name on it."""
    root = kit.root or '/'
    home = os.path.basename(os.path.dirname(kit.directory))
    rules = subprocess.Popen(
        ['chroot', root, 'nft', 'list', 'chains'], stdout=subprocess.PIPE,
        env=dict(os.environ, PATH=throwaway.PROGRAM_PATH)).communicate()[0]
    return {trace for trace, is_left in {
        'directory': os.path.exists(kit.directory),
        'process': any(home in read_text(path)
                       for path in glob.glob('/proc/[0-9]*/cmdline')),
        'mount': home in read_text('/proc/self/mountinfo'),
        'bridge': os.path.exists('/sys/class/net/' + name),
        'firewall': '.' + name in rules.decode(),
        'control group': any(
            directory.endswith('lxc.payload.' + name)
            for directory, _, _ in os.walk('/sys/fs/cgroup')),
    }.items() if is_left}


def read_text(path):
    """Return the text of a file; none if its process has ended."""
    try:
        with io.open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except EnvironmentError:
        return ''


def wait_until_gone(path):
    """Wait until another process has removed a path, at most 20 s."""
    wait_until(lambda: not os.path.exists(path))


class TestKit(object):

    def test_starts_with_a_pool_a_root_disk_and_an_image(self, make_kit):
        with make_kit() as kit, kit.client() as client:
            pool = client.api.storage_pools['default'].get().json()
            root = client.profiles.get('default').devices['root']
            assert pool['metadata']['driver'] == 'dir'
            assert (root['path'], root['pool']) == ('/', 'default')
            assert client.images.get_by_alias('busybox').size < 2000000

    def test_https_with_the_certificate_of_the_kit(self, make_kit):
        with make_kit() as kit, kit.client(
                endpoint=kit.endpoint, verify=kit.certificate) as client:
            assert not client.trusted

    def test_password_and_token_make_a_client_trusted(
            self, make_kit, key_pair):
        with make_kit() as kit:
            for secret in filter(None, [kit.password, kit.token()]):
                with kit.client(endpoint=kit.endpoint, cert=key_pair,
                                verify=kit.certificate) as client:
                    client.authenticate(secret)
                    assert client.trusted
                    assert secret not in repr(kit)
                with kit.client() as client:
                    for certificate in client.certificates.all():
                        certificate.delete()

    def test_kill_and_restart(self, make_kit):
        with make_kit() as kit:
            before = (kit.socket, kit.endpoint, kit.password)
            with kit.client() as client:
                client.containers.create(
                    {'name': 'c1', 'source': BUSYBOX}, wait=True)
                client.containers.get('c1').start(wait=True)
            kit.kill()
            with pytest.raises(exceptions.ClientConnectionFailed):
                kit.client()
            with pytest.raises(exceptions.ClientConnectionFailed):
                kit.client(endpoint=kit.endpoint, verify=kit.certificate)
            for _ in range(2):  # the second time, the server is running
                kit.restart()
                assert (kit.socket, kit.endpoint, kit.password) == before
                with kit.client() as client:
                    assert client.containers.get('c1').status == 'Running'
                kit.client(
                    endpoint=kit.endpoint, verify=kit.certificate).close()

    def test_two_kits_are_independent(self, make_kit):
        with make_kit() as first_kit, make_kit() as second_kit:
            assert first_kit.endpoint != second_kit.endpoint
            with first_kit.client() as first, second_kit.client() as second:
                for client in first, second:
                    container = client.containers.create(
                        {'name': 'same', 'source': BUSYBOX}, wait=True)
                    container.start(wait=True)
                first.profiles.create('only-here')
                assert not second.profiles.exists('only-here')
                first_kit.close()
                assert container.execute(['echo', 'on']).stdout == 'on\n'

    def test_close_twice(self, make_kit):
        kit = make_kit()
        kit.close()
        kit.close()
        assert not os.path.exists(kit.socket)


class TestNothingIsLeft(object):

    @pytest.mark.parametrize('killed', [False, True])
    def test_after_close(self, make_kit, real_kit, bridge_lock, killed):
        name = unique_name()
        with make_kit() as kit:
            with kit.client() as client:
                client.networks.create(name, config={
                    'ipv4.address': '10.{}.{}.1/24'.format(
                        *bytearray(os.urandom(2))),
                    'ipv4.nat': 'true', 'ipv6.address': 'none'})
                client.containers.create({
                    'name': name, 'source': BUSYBOX, 'devices': {'eth0': {
                        'type': 'nic', 'network': name}}}, wait=True
                ).start(wait=True)
            assert find_traces(kit, name) == {
                'directory', 'process', 'bridge', 'firewall',
                'control group'}  # but no mount
            if killed:
                kit.kill()
        assert find_traces(kit, name) == set()

    def test_after_close_with_a_frozen_container(self, make_kit, real_kit):
        name = unique_name()
        with make_kit() as kit:
            with kit.client() as client:
                container = client.containers.create(
                    {'name': name, 'source': BUSYBOX}, wait=True)
                container.start(wait=True)
                container.freeze(wait=True)
                assert client.containers.get(name).status == 'Frozen'
        assert find_traces(kit, name) == set()

    @pytest.mark.parametrize('moment', [
        '_read_answer', '_start_daemon', '_is_ready', '_configure'])
    def test_after_an_interrupted_start(
            self, make_kit, real_kit, monkeypatch, moment):
        homes = []
        original = getattr(real_kit, moment)

        def interrupted(kit, *arguments):
            result = original(kit, *arguments)
            homes.append(kit.home or result)
            raise KeyboardInterrupt

        monkeypatch.setattr(real_kit, moment, interrupted)
        with pytest.raises(KeyboardInterrupt):
            make_kit()
        home, = homes
        assert os.path.isabs(home)
        assert not os.path.exists(home)

    def test_after_an_interrupted_close(self, make_kit, real_kit, monkeypatch):
        def interrupted():
            raise KeyboardInterrupt

        kit = make_kit()
        with monkeypatch.context() as patch:
            patch.setattr(kit._keeper, 'wait', interrupted)
            with pytest.raises(KeyboardInterrupt):
                kit.close()
        wait_until_gone(kit.directory)
        kit.close()
        assert find_traces(kit, unique_name()) == set()

    @pytest.mark.parametrize('number', [
        signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    def test_after_the_end_of_the_process(self, lxd, real_kit, number):
        owner = subprocess.Popen(
            [sys.executable, '-c',
             'import sys\n'
             'from pylxd.testing import {0}\n'
             'kit = {0}({1!r})\n'
             'print(kit.directory)\n'
             'sys.stdout.flush()\n'
             'sys.stdin.read()\n'.format(real_kit.__name__, lxd.root or None)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        directory = owner.stdout.readline().decode().strip()
        assert os.path.exists(directory)
        owner.send_signal(number)
        owner.communicate()
        if number != signal.SIGINT:  # here another process cleans up
            wait_until_gone(os.path.dirname(directory))
        assert not os.path.exists(os.path.dirname(directory))

    def test_after_a_daemon_that_does_not_start(self, make_kit, real_kit):
        class Broken(real_kit):
            daemon = 'false'

            def _start_daemon(self):
                directories.append(self.directory)
                super(Broken, self)._start_daemon()

        directories = []
        with pytest.raises(testing.CannotRun, match='false does not start'):
            make_kit(Broken)
        assert not os.path.exists(directories[0])

    def test_after_a_bad_argument(self, make_kit, real_kit):
        class RecordingKit(real_kit):
            def _read_answer(self):
                answer = super(RecordingKit, self)._read_answer()
                answers.append(answer)
                return answer

        answers = []
        with pytest.raises(EnvironmentError):
            make_kit(RecordingKit, ssl_cert_file='/nowhere/ca.pem')
        assert answers[1] == 'ready'
        assert not os.path.exists(answers[0])


class TestReal(object):

    def test_run_uses_the_command_line_client(self, make_kit, real_kit):
        with make_kit() as kit:
            assert b'busybox' in kit.run('image', 'list', '--format', 'csv')
            with pytest.raises(subprocess.CalledProcessError):
                kit.run('info', 'none')

    def test_environ_reaches_the_daemon(self, make_kit, real_kit):
        value = unique_name()
        with make_kit(environ={'PYLXD_TEST': value}):
            assert any(
                'PYLXD_TEST=' + value in read_text(process + '/environ')
                for process in glob.glob('/proc/[0-9]*')
                if read_text(process + '/comm').strip() == real_kit.daemon)

    @pytest.mark.parametrize('variable', ['LXD_SOCKET', 'INCUS_SOCKET'])
    def test_daemon_does_not_inherit_variables(
            self, make_kit, real_kit, monkeypatch, tmpdir, variable):
        path = tmpdir.join('socket')
        monkeypatch.setenv(variable, str(path))
        with make_kit() as kit:
            assert os.path.exists(kit.socket)
            assert b'busybox' in kit.run('image', 'list', '--format', 'csv')
        assert not path.exists()

    def test_path_too_long_for_a_socket(self, make_kit, real_kit):
        class Long(real_kit):
            socket = '/' + 107 * 'x'

        with pytest.raises(testing.CannotRun, match='TMPDIR'):
            make_kit(Long)


class TestWhyNot(object):

    @pytest.mark.parametrize('kit', [
        testing.ThrowawayLXD, testing.ThrowawayIncus])
    @pytest.mark.parametrize('change, reason', [
        ((os, 'geteuid', lambda: 1000), "root's rights"),
        ((throwaway, 'PROGRAM_PATH', '/nowhere'), 'apt-get install'),
        ((throwaway, 'NAMESPACES', ['false']), 'namespaces'),
        ((image, 'BUSYBOX', '/bin/nowhere'), 'install busybox-static'),
        ((image, 'BUSYBOX', '/bin/ls'), 'install busybox-static'),
    ])
    def test_a_reason_is_one_sentence(self, kit, change, reason, monkeypatch):
        # Pretend that all the rest is installed
        monkeypatch.setattr(os, 'geteuid', lambda: 0)
        monkeypatch.setattr(kit, 'daemon', 'true')
        monkeypatch.setattr(throwaway, 'NAMESPACES', ['true'])
        monkeypatch.setattr(*change)
        sentence = kit.find_missing_requirement()
        assert reason in sentence
        assert '\n' not in sentence
        with pytest.raises(testing.CannotRun) as caught:
            kit()
        assert str(caught.value) == sentence

    def test_a_root_without_incus(self, tmpdir, monkeypatch):
        monkeypatch.setattr(os, 'geteuid', lambda: 0)
        assert 'python -m pylxd.testing.incus' in (
            testing.ThrowawayIncus.find_missing_requirement(str(tmpdir)))


@pytest.mark.skipif(image.find_missing_requirement() is not None,
                    reason=str(image.find_missing_requirement()))
class TestImage(object):

    def test_every_build_is_the_same(self):
        assert (
            image.build_busybox_image() == image.build_busybox_image())

    def test_the_image_holds_busybox(self):
        with tarfile.open(
                fileobj=io.BytesIO(image.build_busybox_image())) as archive:
            assert b'architecture' in archive.extractfile(
                'metadata.yaml').read()
            assert archive.getmember('rootfs/bin/busybox').mode == 0o755
            for name in 'sbin/init', 'bin/sh', 'usr/bin/id':
                assert archive.getmember(
                    'rootfs/' + name).linkname == '/bin/busybox'


class TestRootMaker(object):

    @pytest.fixture(autouse=True)
    def root_with_debootstrap(self, monkeypatch):
        monkeypatch.setattr(os, 'geteuid', lambda: 0)
        monkeypatch.setattr(incus, 'find_program', lambda name: 'true')

    def fail(self, *arguments):
        """Run the command and return the message that it ends with."""
        message = incus.main([str(argument) for argument in arguments])
        assert message and '\n' not in message
        return message

    def test_needs_root(self, tmpdir, monkeypatch):
        monkeypatch.setattr(os, 'geteuid', lambda: 1000)
        assert "root's rights" in self.fail(tmpdir / 'new')

    def test_needs_debootstrap(self, tmpdir, monkeypatch):
        monkeypatch.setattr(incus, 'find_program', lambda name: None)
        assert 'apt-get install debootstrap' in self.fail(tmpdir / 'new')

    def test_an_existing_directory_is_left_alone(self, tmpdir):
        tmpdir.join('precious').write('here')
        assert 'exists already' in self.fail(tmpdir)
        assert tmpdir.join('precious').read() == 'here'

    @pytest.mark.parametrize('output, mirror', [
        (b'http://mirror/debian/\nhttp://mirror/debian/\n', None),
        (b'', 'apt-get update, or give one with --mirror')])
    def test_the_mirror_of_apt_is_the_default(
            self, tmpdir, monkeypatch, output, mirror):
        monkeypatch.setattr(
            subprocess, 'check_output', lambda command: output)
        if mirror:
            assert mirror in self.fail(tmpdir / 'new')
        else:
            assert incus.find_apt_mirror() == 'http://mirror/debian/'

    @pytest.mark.parametrize('error', [testing.CannotRun('so'),
                                       KeyboardInterrupt()])
    def test_a_failure_leaves_nothing(self, tmpdir, monkeypatch, error):
        def run(*command):
            if command[0] != 'chroot':
                for name in 'usr/sbin', 'etc/apt/apt.conf.d':
                    os.makedirs(os.path.join(command[3], name))
                return
            raise error

        monkeypatch.setattr(incus, 'run_isolated', run)
        monkeypatch.setattr(incus, 'read_apt_settings', str)
        with pytest.raises(type(error)):
            incus.make_root(str(tmpdir / 'new'), 'trixie', 'file:///nowhere')
        assert tmpdir.listdir() == []


def test_one_kit_does_not_import_the_others():
    loaded = subprocess.check_output(
        [sys.executable, '-c',
         'import sys, pylxd.testing\n'
         'from pylxd.testing import ThrowawayLXD\n'
         'print([name for name in sys.modules if "testing." in name])'])
    assert b'throwaway' in loaded
    assert b'fake' not in loaded and b'incus' not in loaded
