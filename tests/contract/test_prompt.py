"""At the prompt: the shell, the stand-in to play with, dicts and tables."""
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap

import pytest
import six

import pylxd
from pylxd import Client, testing
from pylxd.__main__ import connect, parse_arguments
from pylxd.core.manager import Manager

from .test_shell import Window

PAGE = os.path.join(
    os.path.dirname(__file__), '..', '..', 'doc', 'prompt.rst')
#: Variables for a shell whose output is plain text.
PLAIN = {'TERM': 'dumb', 'INPUTRC': os.devnull, 'PYTHON_BASIC_REPL': '1',
         'NO_COLOR': '1'}


def read_session(command):
    """Return the lines of the page from a command to the next text."""
    with io.open(PAGE, encoding='utf-8') as page:
        found = re.search(
            r'^    \$ {}\n(( {{4}}.*\n|\n(?= {{4}}))+)'.format(
                re.escape(command)), page.read(), re.M)
    return textwrap.dedent(found.group(1))


@pytest.fixture
def environment(lxd, tmpdir):
    """The variables of a person for whom the server is the local one."""
    return dict(PLAIN, LXD_SOCKET=lxd.socket, HOME=str(tmpdir))


@pytest.fixture
def open_shell(environment):
    """Return a function that opens a shell, and returns its window."""
    windows = []

    def open_shell(*arguments):
        windows.append(Window(['-m', 'pylxd'] + list(arguments), environment))
        return windows[-1]
    yield open_shell
    for window in windows:
        window.close()


def run(arguments, environment):
    """Run ``python -m``; return its status, output and errors."""
    process = subprocess.Popen(
        [sys.executable, '-m'] + arguments, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=dict(os.environ, **environment))
    output, errors = process.communicate()
    return process.returncode, output.decode(), errors.decode()


def as_printed(data):
    """Return the output of a terminal as a page shows it."""
    text = six.ensure_text(data).replace('\r\n', '\n')
    return re.sub(r"\bu(?=')", '', text)  # Python 2 prints u''


def test_the_shell_prints_what_the_page_shows(
        lxd, lxd_client, open_shell):
    version = lxd_client.host_info['environment']['server_version']
    shown = read_session('python -m pylxd').replace(
        'LXD 5.0.2', '{} {}'.format(
            lxd_client.dialect.kind.title, version)).replace(
                '/var/lib/lxd/unix.socket', lxd.socket)
    window = open_shell()
    printed = window.read_until('>>> ')
    for line in re.findall('^>>> (.*)$', shown, re.M):
        window.type(line + '\r')
        printed += b'>>> ' + window.read_until('>>> ')
    window.type('\x04')
    assert window.wait() == 0
    assert as_printed(printed) == shown
    assert window.seen.strip() in (
        b'', b'now exiting InteractiveConsole...')  # Python 2


def test_the_shell_completes_names(environment, open_shell):
    pytest.importorskip('readline')
    environment['TERM'] = 'vt100'  # PyPy completes on no dumb terminal
    window = open_shell()
    window.read_until('>>> ')
    window.type('client.contai\t')
    window.read_until('client.containers')
    window.type('.al\t')
    window.read_until('.all(')
    window.type('\x15exit(3)\r')
    assert window.wait() == 3


def test_code_that_is_run(environment):
    shown = read_session("python -m pylxd -c 'print(client.containers.all())'")
    code = 'print(client.containers.all())'
    assert run(['pylxd', '-c', code], environment) == (0, shown, '')
    status, _, errors = run(['pylxd', '-c', 'no_such_name'], environment)
    assert status == 1 and errors.splitlines()[-1].startswith('NameError')


def test_servers_by_path_and_by_url(lxd, make_stranger, key_pair, environment):
    make_stranger().authenticate(lxd.password or lxd.token())
    code = 'print(client.trusted, client.project)'
    del environment['LXD_SOCKET']
    for arguments, answer in (
            ([lxd.socket, '--project', 'default'], (True, 'default')),
            ([lxd.endpoint, '--cert', str(key_pair[0]), '--key',
              str(key_pair[1]), '--verify', lxd.certificate], (True, None))):
        status, output, errors = run(
            ['pylxd', '-c', code] + arguments, environment)
        assert status == 0, errors
        assert output.strip().replace("u'", "'") == (
            str(answer) if six.PY2 else '{} {}'.format(*answer))


def test_an_error_is_one_line(environment):
    status, output, errors = run(['pylxd', '/run/nobody.socket'], environment)
    assert (status, output) == (1, '')
    assert re.match('/run/nobody.socket: .*\n$', errors)


# -- the stand-in

@pytest.fixture
def directory():
    """The ``TMPDIR`` of the stand-in."""
    directory = tempfile.mkdtemp()
    os.chmod(directory, 0o711)  # containers must be able to pass through
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def start_server(directory):
    """Return a function that starts ``python -m pylxd.testing``.

    It returns the process, and what that printed.
    """
    processes = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, '-m', 'pylxd.testing'] + list(arguments),
            stdout=subprocess.PIPE, env=dict(os.environ, TMPDIR=directory))
        processes.append(process)
        lines = []
        for line in iter(process.stdout.readline, b''):
            lines.append(line.decode())
            if '--verify' in lines[-1]:
                break
        return process, ''.join(lines)
    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.stdout.close()
        process.wait()


def check_server(process, printed, number=signal.SIGINT):
    """Connect as a server that was started prints, and end it."""
    socket = re.search('LXD_SOCKET=(.*) python', printed).group(1)
    with Client(socket) as client:
        assert client.images.get_by_alias('busybox')
    arguments = printed.rpartition('python -m pylxd ')[2]
    with connect(parse_arguments(
            arguments.replace('\\\n', '').split())) as client:
        assert client.trusted
    process.send_signal(number)
    assert process.stdout.read().decode() == (
        '\nThe server and all that was in it are removed.\n')
    assert process.wait() == 0


@pytest.mark.parametrize('number', [
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_stand_in(start_server, directory, number):
    process, printed = start_server()
    shown = read_session('python -m pylxd.testing')
    home = re.search('LXD_SOCKET=(.*)/server/', printed).group(1)
    assert os.path.dirname(home) == directory
    port = re.search(r'127\.0\.0\.1:(\d+)', printed).group(1)
    assert printed.replace(home, '/tmp/pylxd-5kbl7ih4').replace(
        port, '40881') == shown
    check_server(process, printed, number)
    assert os.listdir(directory) == []


@pytest.mark.real_server
def test_a_real_server(lxd, start_server, directory):
    incus = isinstance(lxd, testing.ThrowawayIncus)
    process, printed = start_server(
        *(['--incus'] + ([lxd.root] if lxd.root else []) if incus
          else ['--real']))
    assert printed.startswith(
        'A private {} runs '.format('Incus' if incus else 'LXD'))
    check_server(process, printed)
    assert os.listdir(directory) == []


def test_a_server_that_cannot_run(directory):
    status, output, errors = run(
        ['pylxd.testing', '--incus', directory], {'TMPDIR': directory})
    assert (status, output, errors.count('\n')) == (1, '', 1)
    assert 'incus' in errors


# -- dicts and tables

def list_some(manager):
    """Return a few objects of a manager."""
    try:
        return manager.all()[:3]
    except pylxd.exceptions.NotFound:
        return []  # the stand-in has no such objects


def test_all_objects_as_dicts(lxd_client, loaded_container):
    """Each field is the attribute; JSON takes it."""
    loaded_container.snapshots.create('s', wait=True)
    managers = [loaded_container.snapshots,
                lxd_client.storage_pools.get('default').volumes]
    for name in sorted(set(dir(lxd_client)) - {'resources'}):
        manager = getattr(lxd_client, name)
        if isinstance(manager, Manager) and (
                not manager.model.extension
                or lxd_client.has_api_extension(manager.model.extension)):
            managers.append(manager)
    objects = [each for manager in managers for each in list_some(manager)]
    assert {'Container', 'Snapshot', 'Profile', 'Image', 'Network',
            'Project', 'StoragePool'} <= {
                type(each).__name__ for each in objects}
    for each in objects + [lxd_client.server]:
        fields = each.to_dict()
        assert json.loads(json.dumps(fields)) == fields
        assert fields == {
            field: each.get_attribute(field) for field in fields}
        assert all(fields.get(field) == value for field, value in each)
        assert not each.dirty
        assert pylxd.table([each])._repr_html_().startswith('<table>')


def test_a_dict_after_a_start(bootable):
    assert bootable.to_dict()['status'] == 'Stopped'
    bootable.start(wait=True)
    assert bootable.to_dict()['status'] == 'Running'


def test_yaml(lxd_client, loaded_container):
    yaml = pytest.importorskip('yaml')
    fields = loaded_container.to_dict()
    assert yaml.safe_load(yaml.safe_dump(fields)) == fields


def test_states_and_operations_as_dicts(lxd_client, container):
    state = container.state()
    assert json.loads(json.dumps(state.to_dict())) == dict(state)
    container.put(container.marshall(), wait=True)
    operation = container.operation
    fields = operation.to_dict()
    assert fields['id'] == operation.id and fields['class'] == 'task'
    assert json.loads(json.dumps(fields)) == fields


def test_a_table_needs_one_request_for_the_fields(lxd_client, sent):
    text = str(pylxd.table(lxd_client.images.all(), [
        'aliases.name', 'properties.os', 'size', 'type']))
    assert 'busybox' in text
    assert sent == ['GET /1.0/images', 'GET /1.0/images?recursion=1']
    images = lxd_client.images.all(recursion=1)
    del sent[:]
    assert str(pylxd.table(images, ['aliases.name', 'properties.os', 'size',
                                    'type'])) == text
    assert sent == []
