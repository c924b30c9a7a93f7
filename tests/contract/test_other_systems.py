"""Systems without unix sockets and the like, such as Windows."""
import io
import json
import ntpath
import os
import re
import subprocess
import sys
import tempfile

import pytest
import six

from pylxd.models import file_trees, image_export
from pylxd.testing import FakeLXD
from pylxd.testing.plugin import RunningServer

SCRIPT = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'without_unix.py')
FILES = ['events', 'execute', 'files', 'images', 'profiles']
#: Tests of unix sockets, of servers that a kit starts, of gevent, which
#: replaces names that are missing, and of speed. A text file whose descriptor
#: cannot be polled is read line by line.
LEFT_OUT = ['unix', 'gevent', 'no_origin', 'ends_with_the_server',
            'simplestreams', 'from_url', 'read_ahead and not rb',
            'in_a_row', 'threads_with_one', 'another_server',
            'refresh']


def test_https_without_names_of_unix(lxd, lxd_https):
    """The contract tests pass over HTTPS, in a process of their own."""
    if isinstance(lxd, RunningServer):
        pytest.skip('its other clients could disturb the tests')
    arguments = dict(lxd_https, endpoint=lxd.endpoint)
    process = subprocess.Popen(
        [sys.executable, SCRIPT, json.dumps(arguments), '-q', '-k',
         ' and '.join('not ({})'.format(each) for each in LEFT_OUT),
         '-m', 'not real_server' if isinstance(lxd, FakeLXD) else '']
        + [os.path.join(os.path.dirname(SCRIPT), 'contract',
                        'test_{}.py'.format(name)) for name in FILES],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        universal_newlines=True)
    output = process.communicate()[0]
    assert process.returncode == 0, output
    assert int(re.search(r'(\d+) passed|$', output).group(1) or 0) > 150
    assert 'HTTPSServer' in output


@pytest.mark.parametrize('arguments', ['', '"/var/lib/lxd/unix.socket"'])
def test_a_client_of_a_unix_socket(tmpdir, arguments):
    """The message tells the reason, and what to pass instead."""
    program = (
        'import without_unix\nwithout_unix.remove_names()\n'
        'import pylxd\ntry: pylxd.Client({})\n'
        'except pylxd.exceptions.ClientConnectionFailed as error: '
        'print(error)'.format(arguments))
    output = subprocess.check_output(
        [sys.executable, '-c', program], cwd=os.path.dirname(SCRIPT),
        env={name: value for name, value in dict(os.environ, PYTHONPATH=(
            os.pathsep.join(sys.path))).items()
            if not name.startswith(('LXD_', 'INCUS_'))},
        universal_newlines=True)
    assert output.endswith(
        '/unix.socket: Python has no unix sockets on this system: pass the '
        'URL of a server, https://host:port\n')


class WindowsPaths(object):
    """A module whose functions take local paths with backslashes.

    :param module: the module with these functions for this system.
    :param own: the functions that handle texts, as they are on Windows.
    """

    sep = '\\'

    def __init__(self, module, **own):
        self._module = module
        self.__dict__.update(own)

    def __getattr__(self, name):
        value = getattr(self._module, name)
        return translate_arguments(value) if callable(value) else value


def translate_arguments(function):
    """Return a function that takes paths with backslashes."""
    def call(*args, **kwargs):
        return function(
            *[each.replace('\\', '/') if isinstance(each, str) else each
              for each in args],
            **{name: value.replace('\\', '/') if name == 'dir' else value
               for name, value in kwargs.items()})
    return call


@pytest.fixture
def windows(monkeypatch):
    """Let transfers of files see the paths of Windows, not of this system."""
    path = WindowsPaths(os.path, **{
        name: getattr(ntpath, name) for name in (
            'join', 'basename', 'dirname')})
    for module in file_trees, image_export:
        monkeypatch.setattr(module, 'os', WindowsPaths(os, path=path))
    monkeypatch.setattr(file_trees, 'tempfile', WindowsPaths(tempfile))
    for name, function in ('open', io.open), ('replace', os.rename):
        monkeypatch.setattr(file_trees, name,
                            translate_arguments(function), raising=False)


def test_paths_of_windows(bootable, lxd_client, tmpdir, windows):
    """Remote paths have slashes, and files keep the ends of their lines."""
    data = {'a': b'one\r\ntwo\n', 'b': b'\r\n'}
    source, target = tmpdir.mkdir('source'), tmpdir.join('target')
    source.join('a').write_binary(data['a'])
    source.mkdir('sub').join('b').write_binary(data['b'])
    os.symlink('sub\\b', str(source.join('link')))
    bootable.files.recursive_put(
        str(source).replace('/', '\\'), '/root/there')
    assert sorted(bootable.files.listdir('/root/there')) == [
        'a', 'link', 'sub']
    assert bootable.files.get('/root/there/a') == data['a']
    assert bootable.files.get('/root/there/link') == data['b']
    bootable.files.recursive_get(
        '/root/there', str(target).replace('/', '\\'))
    assert target.join('a').read_binary() == data['a']
    assert target.join('sub', 'b').read_binary() == data['b']
    assert os.readlink(str(target.join('link'))) == 'sub/b'


@pytest.mark.parametrize('entry', ['..\\..\\x', 'c:x', 'c:\\x'])
def test_a_remote_name_that_is_a_path_of_windows(
        bootable, tmpdir, windows, entry):
    """No file is written outside of the local directory."""
    bootable.files.put('/root/' + entry, b'data')
    with pytest.raises(OSError) as caught:
        bootable.files.recursive_get(
            '/root', str(tmpdir.join('a')).replace('/', '\\'))
    assert entry in str(caught.value.filename)
    assert tmpdir.listdir() in ([], [tmpdir.join('a')])


def test_text_keeps_the_ends_of_its_lines(bootable):
    text = u'one\r\ntwo\nthree\r'
    bootable.files.put('/root/text', text)
    assert bootable.files.get('/root/text') == six.ensure_binary(text)
    bootable.start(wait=True)
    assert bootable.execute(
        ['cat'], stdin_payload=text).stdout == text
