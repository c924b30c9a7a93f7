"""`python -m pylxd`: its arguments, its errors, and the shells it opens."""
import code
import os
import sys
import types

import pytest

import pylxd
from pylxd import exceptions
from pylxd.__main__ import connect, describe, main, parse_arguments
from wire import ROOT, Server, lxd_api

TRUSTED = dict(ROOT, auth='trusted', environment={
    'server': 'incus', 'server_version': '7.0.2'})


@pytest.fixture(autouse=True)
def no_ipython(monkeypatch):
    monkeypatch.setitem(sys.modules, 'IPython', None)


@pytest.fixture
def server():
    with Server(lxd_api(root=TRUSTED)) as server:
        yield server


@pytest.fixture
def shells(monkeypatch):
    """The banners and scopes of the plain shells that were opened."""
    shells = []
    monkeypatch.setattr(
        code, 'interact', lambda banner, local, **_: shells.append(
            (banner, local)))
    return shells


# -- arguments

@pytest.mark.parametrize('line, arguments', [
    ('', (None,)),
    ('/run/a.socket', ('/run/a.socket',)),
    ('./a.socket', (os.path.abspath('a.socket'),)),
    ('unix:///run/a.socket', ('unix:///run/a.socket',)),
    ('https://h:8443', ('https://h:8443',)),
    ('server2', ('remote', 'server2')),
    ('incus:local', ('remote', 'incus:local')),
    ('--project web', (None, {'project': 'web'})),
    ('https://h --cert c', ('https://h', {'cert': 'c'})),
    ('https://h --cert c --key k --verify v',
     ('https://h', {'cert': ('c', 'k'), 'verify': 'v'})),
    ('https://h --verify no', ('https://h', {'verify': False})),
    ('server2 --project web', ('remote', 'server2', {'project': 'web'})),
])
def test_arguments(monkeypatch, line, arguments):
    def client(*args, **kwargs):
        return args + ((kwargs,) if kwargs else ())

    client.from_remote = lambda *args, **kwargs: client(
        'remote', *args, **kwargs)
    monkeypatch.setattr(pylxd, 'Client', client)
    assert connect(parse_arguments(line.split())) == arguments


@pytest.mark.parametrize('line, status, text', [
    ('--help', 0, 'python -m pylxd'), ('--key k', 2, '--key needs --cert'),
    ('a b', 2, 'usage')])
def test_help_and_wrong_arguments(capsys, line, status, text):
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == status and text in ''.join(
        capsys.readouterr())


@pytest.mark.parametrize('error', [
    exceptions.ClientConnectionFailed('why\nnot'), ImportError('why not'),
    ValueError('why not'), EnvironmentError('why not')])
def test_errors(monkeypatch, capsys, error):
    def fail(name):
        raise error

    monkeypatch.setattr(pylxd.Client, 'from_remote', staticmethod(fail),
                        raising=False)
    assert main(['server2']) == 'why not'


@pytest.mark.parametrize('line, message', [
    ('/none.socket', '/none.socket: '),
    ('https://127.0.0.1:x', "'https://127.0.0.1:x': "),
    ('ftp://h', "'ftp://h': "),
    ('https://h --cert /no/such.crt', 'cert')])
def test_errors_of_clients(line, message):
    text = main(line.split())
    assert message in text and '\n' not in text


# -- shells

def test_a_plain_shell(server, shells):
    assert main([server.endpoint]) is None
    (banner, scope), = shells
    assert banner == 'client: Incus 7.0.2 at ' + server.endpoint
    assert type(scope['client']) is pylxd.Client and scope['pylxd'] is pylxd


def test_the_banner_names_the_project(server):
    with pylxd.Client(server.endpoint) as client:
        client.project = 'web'
        assert describe(client).endswith(server.endpoint + ', project web')


def test_a_shell_without_readline(monkeypatch, server, shells):
    monkeypatch.setitem(sys.modules, 'readline', None)
    assert main([server.endpoint]) is None and len(shells) == 1


def test_the_banner_of_an_untrusted_client(shells):
    with Server(lxd_api(root=dict(ROOT, auth='untrusted'))) as server:
        assert main([server.endpoint]) is None
        assert shells[0][0] == (
            '{} does not trust you: client.authenticate(TOKEN)'.format(
                server.endpoint))


def test_ipython(monkeypatch, capsys, server, shells):
    started = []
    ipython = types.ModuleType(str('IPython'))
    ipython.start_ipython = lambda argv, user_ns: started.append(
        (argv, user_ns))
    monkeypatch.setitem(sys.modules, 'IPython', ipython)
    assert main([server.endpoint]) is None and shells == []
    (arguments, scope), = started
    assert arguments == ['--no-banner']
    assert type(scope['client']) is pylxd.Client
    assert capsys.readouterr()[0] == (
        'client: Incus 7.0.2 at ' + server.endpoint + '\n')


def test_code(capsys, server, shells):
    assert main([server.endpoint, '-c', 'x = 2\nprint(x, client)']) is None
    assert '2' in capsys.readouterr()[0] and shells == []
    with pytest.raises(NameError):
        main([server.endpoint, '-c', 'no_such_name'])
