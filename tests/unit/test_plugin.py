"""The pytest plugin: the kit that it chooses, and what pytest prints."""
import os
import subprocess
import sys

import pytest

import pylxd
from pylxd import testing
from pylxd.testing import plugin

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(pylxd.__file__)))
TEST_FILE = '''
import pytest

@pytest.fixture(scope='session')
def lxd_arguments():
    return {'ssl_cert_file': None}

def test_it(lxd, lxd_client):
    assert lxd_client.containers.all() == []
'''
#: A conftest.py that makes real servers fail.
CONFTEST = '''
from pylxd import testing

def nowhere(**arguments):
    raise testing.CannotRun('it rains: {}'.format(sorted(arguments)))

testing.ThrowawayLXD = nowhere
'''


@pytest.fixture
def run_pytest(tmpdir):
    """Return a function that runs pytest.

    It returns the exit code and the output.
    """
    tmpdir.join('conftest.py').write(CONFTEST)
    tmpdir.join('test_it.py').write(TEST_FILE)

    def run_pytest(*arguments):
        running = subprocess.Popen(
            (sys.executable, '-m', 'pytest', '-p', 'pylxd.testing.plugin',
             '--rootdir', str(tmpdir)) + arguments,
            cwd=str(tmpdir), env=dict(os.environ, PYTHONPATH=ROOT),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = running.communicate()[0].decode()
        return running.returncode, output
    return run_pytest


def test_the_stand_in_is_the_default(run_pytest):
    code, output = run_pytest()
    assert code == 0 and '1 passed' in output
    assert 'lxd: FakeLXD (lxd 5.0.2)' in output.splitlines()


def test_a_server_that_cannot_run_ends_pytest(run_pytest):
    code, output = run_pytest('--lxd=real')
    assert code == 1 and 'Traceback' not in output
    assert "--lxd: it rains: ['ssl_cert_file']" in output


def test_no_kit_is_started_without_need(run_pytest, tmpdir):
    tmpdir.join('test_it.py').write('def test_it(): pass')
    code, output = run_pytest()
    assert code == 0 and 'lxd:' not in output and 'it rains' not in output


class RecordingKit(object):
    """A stand-in for each kit, which keeps its arguments."""

    daemon = 'incusd'

    def __init__(self, **arguments):
        self.arguments = arguments

    @classmethod
    def find_missing_requirement(cls, root):
        return None if cls.daemon in os.listdir(root) else 'not there'


@pytest.mark.parametrize('choice, kind, arguments', [
    ('real', 'ThrowawayLXD', {}),
    ('incus', 'ThrowawayIncus', {}), ('fake', 'FakeLXD', {}),
    ('fake:incus-6.0', 'FakeLXD', {'like': 'incus-6.0'}),
    ('with-lxd', 'ThrowawayLXD', {'root': 'with-lxd'}),
    ('with-incus', 'ThrowawayIncus', {'root': 'with-incus'})])
def test_choices_of_the_kit(tmpdir, monkeypatch, choice, kind, arguments):
    kits = {name: type(name, (RecordingKit,), {}) for name in (
        'FakeLXD', 'ThrowawayLXD', 'ThrowawayIncus')}
    for name in kits:
        monkeypatch.setattr(testing, name, kits[name], raising=False)
    tmpdir.mkdir('with-lxd')
    tmpdir.mkdir('with-incus').mkdir('incusd')
    with tmpdir.as_cwd():
        kit = plugin.make_kit(choice, {'more': 1})
    assert type(kit) is kits[kind]
    assert kit.arguments == dict(arguments, more=1)


def test_an_unknown_choice():
    with pytest.raises(testing.CannotRun) as caught:
        plugin.make_kit('nonsense', {})
    assert str(caught.value) == (
        "'nonsense' is neither fake, real, incus nor an existing path")


def test_a_running_server():
    with testing.FakeLXD() as fake:
        kit = plugin.make_kit(fake.socket, {'more': 1})
        assert (kit.socket, kit.endpoint) == (fake.socket, fake.endpoint)
        with kit.client() as client:
            assert client.trusted
        with kit.client(endpoint=kit.endpoint,
                        verify=kit.certificate) as client:
            assert not client.trusted
        for end in kit.kill, kit.restart:
            with pytest.raises(NotImplementedError):
                end()
        kit.close()
        with kit.client() as client:
            assert client.trusted
