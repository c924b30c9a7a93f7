# -*- coding: utf-8 -*-
"""Clients of the remotes in the configuration of ``lxc`` and ``incus``."""
from __future__ import unicode_literals

import os
import sys

import pytest
import six

import pylxd
from pylxd import Client, exceptions
from pylxd.transport import kinds
from helpers import read_tree
from wire import ROOT, Server, lxd_api, make_certificate, tls_context

pytest.importorskip('yaml', reason='PyYAML is not installed')

LXC, SNAP = '.config/lxc/', 'snap/lxd/common/config/'
INCUS = '.config/incus/'


class Arguments(Client):
    """A client that keeps its arguments, and does not connect."""

    def __init__(self, endpoint=None, **arguments):
        self.arguments = dict(arguments, endpoint=endpoint)


def get_arguments(name=None, **kwargs):
    """Return the arguments of the client of a remote, but None."""
    arguments = Arguments.from_remote(name, **kwargs).arguments
    return {key: value for key, value in arguments.items()
            if value is not None}


@pytest.fixture(autouse=True)
def home(tmpdir, monkeypatch):
    """A home directory without any configuration, and no other."""
    for kind in kinds.KINDS:
        for name in (kind.socket, kind.directory, kind.configuration,
                     'INCUS_REMOTE', 'INCUS_PROJECT'):
            monkeypatch.delenv(str(name), raising=False)
        monkeypatch.setenv(str(kind.name.upper() + '_GLOBAL_CONF'),
                           str(tmpdir.join('etc', kind.name)))
    monkeypatch.setenv(str('HOME'), str(tmpdir))
    return tmpdir


@pytest.fixture
def write(home):
    """Return a function that writes a file below the home directory."""
    def write(path, text=''):
        path = home.join(path)
        path.dirpath().ensure(dir=True)
        path.write_binary(six.ensure_binary(text))
        return str(path)
    return write


@pytest.fixture
def write_remotes(write):
    """Return a function that writes ``config.yml``, and a key pair beside.

    :param remotes: the fields of the remotes, in YAML, by name.
    """
    def write_remotes(directory, default='local', **remotes):
        for name in 'client.crt', 'client.key':
            write(directory + name)
        return write(directory + 'config.yml', (
            'default-remote: {}\nremotes:\n'.format(default) + ''.join(
                '  {}: {{{}}}\n'.format(six.ensure_text(name), fields)
                for name, fields in sorted(remotes.items()))))
    return write_remotes


PROD = 'addr: "https://10.0.0.1:8443", auth_type: tls, protocol: lxd'


def test_a_server(write, write_remotes, home):
    write_remotes(LXC, prod=PROD + ', project: web, public: false')
    certificate = write(LXC + 'servercerts/prod.crt')
    assert get_arguments('prod') == {
        'endpoint': 'https://10.0.0.1:8443', 'project': 'web',
        'cert': (str(home.join(LXC, 'client.crt')),
                 str(home.join(LXC, 'client.key'))),
        'verify': certificate}


def test_arguments_replace_what_the_remote_says(write, write_remotes):
    write_remotes(LXC, prod=PROD + ', project: web')
    write(LXC + 'servercerts/prod.crt')
    own = {'project': 'db', 'timeout': 5, 'cert': ('c', 'k'), 'verify': False,
           'endpoint': 'https://10.0.0.2'}
    assert get_arguments('prod', **own) == own


@pytest.mark.parametrize('present, path', [
    (['servercerts/prod.crt', 'client.ca'], 'servercerts/prod.crt'),
    (['client.ca', 'clientcerts/prod.ca'], 'client.ca'),
    (['clientcerts/prod.ca', 'clientcerts/prod.crt', 'clientcerts/prod.key',
      'client.ca'], 'clientcerts/prod.ca'),
    ([], True)])
def test_how_the_server_is_verified(
        write, write_remotes, home, present, path):
    write_remotes(INCUS, prod=PROD)
    for each in present:
        write(INCUS + each)
    assert get_arguments('prod')['verify'] == (
        path if path is True else str(home.join(INCUS, path)))


def test_a_key_pair_for_one_remote(write, write_remotes):
    write_remotes(INCUS, prod=PROD)
    pair = [write(INCUS + 'clientcerts/prod.crt')]
    assert get_arguments('prod')['cert'] != tuple(pair)
    pair.append(write(INCUS + 'clientcerts/prod.key'))
    assert get_arguments('prod')['cert'] == tuple(pair)


@pytest.mark.parametrize('address, endpoint', [
    ('unix:///run/s', 'unix:///run/s'), ('unix:/run/s', 'unix:/run/s'),
    ('unix://', '/var/lib/lxd/unix.socket'),
    ('unix:', '/var/lib/lxd/unix.socket')])
def test_sockets(write_remotes, monkeypatch, address, endpoint):
    monkeypatch.setattr(os.path, 'exists', (
        lambda path, exists=os.path.exists:
        not path.startswith('/var') and exists(path)))
    write_remotes(LXC, s='addr: "{}", auth_type: tls'.format(address))
    assert get_arguments('s') == {'endpoint': endpoint}


@pytest.mark.parametrize('directory, name, environ, path', [
    (LXC, 'local', {'LXD_SOCKET': '/a', 'INCUS_SOCKET': '/b'}, '/a'),
    (LXC, 'local', {'LXD_DIR': '/a', 'INCUS_SOCKET': '/b'}, '/a/unix.socket'),
    (LXC, 'incus:local', {'LXD_DIR': '/a', 'INCUS_SOCKET': '/b'}, '/b'),
    (INCUS, 'local', {'LXD_DIR': '/a', 'INCUS_SOCKET': '/b'}, '/b'),
    (INCUS, None, {'LXD_DIR': '/a', 'INCUS_DIR': '/b'}, '/b/unix.socket'),
    (INCUS, 'lxc:local', {'LXD_SOCKET': 'unix:///a', 'INCUS_DIR': '/b'}, '/a'),
    (None, 'local', {'INCUS_DIR': '/b'}, None),
    (None, None, {'INCUS_DIR': '/b'}, None)])
def test_the_local_server(
        write_remotes, monkeypatch, directory, name, environ, path):
    if directory:
        # As for lxc, this address counts for nothing
        write_remotes(directory, local='addr: "https://10.0.0.1"')
    for each in environ.items():
        monkeypatch.setenv(*map(str, each))
    # Without an endpoint, Client() looks for the socket
    assert get_arguments(name) == ({'endpoint': path} if path else {})


def test_the_local_server_has_a_project(write_remotes):
    write_remotes(LXC, local='addr: "unix://", project: web')
    assert get_arguments()['project'] == 'web'
    assert get_arguments(project='default')['project'] == 'default'


class TestDefault(object):

    def test_is_what_the_configuration_says(self, write_remotes):
        write_remotes(LXC, default='prod', prod=PROD)
        write_remotes(INCUS, default='other', other=PROD)
        assert get_arguments()['endpoint'] == 'https://10.0.0.1:8443'

    def test_of_incus(self, write_remotes, monkeypatch):
        write_remotes(INCUS, default='a', a=PROD, b=PROD.replace('1:8', '2:8'))
        assert get_arguments()['endpoint'] == 'https://10.0.0.1:8443'
        monkeypatch.setenv(str('INCUS_REMOTE'), str('b'))
        assert get_arguments()['endpoint'] == 'https://10.0.0.2:8443'

    def test_not_from_the_configuration_for_all(self, write, write_remotes):
        write('etc/lxd/config.yml', (
            'default-remote: prod\nremotes:\n  prod: {' + PROD + '}'))
        assert 'https' not in get_arguments()['endpoint']

    def test_unknown(self, write_remotes):
        write_remotes(LXC, default='gone', prod=PROD)
        with pytest.raises(exceptions.InvalidRemote) as caught:
            get_arguments()
        assert 'no remote "lxc:gone" in' in str(caught.value)


def test_the_project_of_the_environment(write_remotes, monkeypatch):
    write_remotes(INCUS, prod=PROD + ', project: web')
    write_remotes(LXC, prod=PROD + ', project: web')
    monkeypatch.setenv(str('INCUS_PROJECT'), str('db'))
    assert get_arguments('incus:prod')['project'] == 'db'
    assert get_arguments('incus:prod', project='x')['project'] == 'x'
    assert get_arguments('lxc:prod')['project'] == 'web'


class TestNames(object):

    def test_without_a_configuration(self):
        assert pylxd.remotes() == ['local']

    def test_of_both_programs(self, write_remotes):
        other = 'addr: "https://10.0.0.2:8443"'
        write_remotes(INCUS, prod=other, web=other)
        assert pylxd.remotes() == ['local', 'prod', 'web']
        assert get_arguments('prod')['endpoint'] == 'https://10.0.0.2:8443'
        write_remotes(LXC, prod=PROD)
        names = ['local', 'prod', 'incus:local', 'incus:prod', 'web']
        assert pylxd.remotes() == names
        assert [get_arguments(name)['endpoint'] for name in names[1::2]] == [
            'https://10.0.0.1:8443', 'https://10.0.0.2:8443']
        assert get_arguments('web')['endpoint'] == 'https://10.0.0.2:8443'
        assert get_arguments('lxc:prod') == get_arguments('prod')

    def test_without_image_servers(self, write_remotes):
        write_remotes(
            LXC, prod='addr: "https://10.0.0.3", public: true',
            images='addr: "https://10.0.0.4", protocol: simplestreams',
            hub='addr: "https://10.0.0.5", protocol: oci')
        write_remotes(INCUS, prod=PROD)
        assert pylxd.remotes() == ['local', 'incus:local', 'prod']
        assert get_arguments('prod')['endpoint'] == 'https://10.0.0.1:8443'
        for name, reason in (('images', 'protocol simplestreams'),
                             ('hub', 'protocol oci'), ('lxc:prod', 'public')):
            with pytest.raises(exceptions.InvalidRemote) as caught:
                get_arguments(name)
            assert str(caught.value) == (
                'the remote lxc:{} offers images only ({})'.format(
                    name.replace('lxc:', ''), reason))

    def test_are_text(self, write_remotes):
        names = ['8', 'a b', 'local', 'yes', 'z.ü']
        write_remotes(LXC, **{
            six.ensure_str(name): PROD for name in names})
        found = pylxd.remotes()
        assert found == [six.ensure_str(name) for name in names]
        assert {type(name) for name in found} == {str}
        for name in found + names:
            if name != 'local':
                assert get_arguments(name)['endpoint'] == (
                    'https://10.0.0.1:8443')


def test_addresses_in_the_order_of_incus_7(write_remotes):
    address = 'addr: "https://10.0.0.1,https://10.0.0.2, https://10.0.0.3"'
    tried = []

    class Unreachable(Client):
        def __init__(self, endpoint, **_):
            tried.append(endpoint)
            raise exceptions.ClientConnectionFailed(endpoint)

    for last, order in (('', '123'), (
            ', last_working_address: "https://10.0.0.2"', '213'), (
            ', last_working_address: "https://10.0.0.9"', '123')):
        write_remotes(INCUS, prod=address + last)
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            Unreachable.from_remote('prod')
        assert tried == ['https://10.0.0.' + each for each in order]
        assert str(caught.value) == tried[-1]
        assert get_arguments('prod')['endpoint'] == tried[0]
        del tried[:]


class TestDirectories(object):

    def test_of_a_snap_come_first(self, write_remotes):
        write_remotes(LXC, a=PROD)
        write_remotes(SNAP, b=PROD)
        assert pylxd.remotes() == ['b', 'local']
        assert SNAP in get_arguments('b')['cert'][0]

    @pytest.mark.parametrize('variable, program', [
        ('LXD_CONF', 'lxc'), ('INCUS_CONF', 'incus')])
    def test_of_the_environment(
            self, write_remotes, home, monkeypatch, variable, program):
        for directory in LXC, SNAP, INCUS:
            write_remotes(directory, usual=PROD)
        write_remotes('named/', a=PROD)
        monkeypatch.setenv(str(variable), str(home.join('named')))
        assert get_arguments(program + ':a')['cert'][0] == str(
            home.join('named/client.crt'))
        with pytest.raises(exceptions.InvalidRemote):
            get_arguments(program + ':usual')
        monkeypatch.setenv(str(variable), str(''))
        assert get_arguments(program + ':usual')

    def test_for_all_users(self, write, write_remotes, home):
        """Remotes for all users; those of the user replace them."""
        write('etc/lxd/config.yml', '''remotes:
          both: {addr: "https://10.0.0.8"}
          shared: {addr: "https://10.0.0.9"}''')
        for place in 'etc/lxd/', LXC:
            write(place + 'servercerts/shared.crt')
        write_remotes(LXC, both=PROD)
        assert pylxd.remotes() == ['both', 'local', 'shared']
        assert get_arguments('both')['endpoint'] == 'https://10.0.0.1:8443'
        assert get_arguments('shared') == {
            'endpoint': 'https://10.0.0.9',
            'cert': (str(home.join(LXC, 'client.crt')),
                     str(home.join(LXC, 'client.key'))),
            'verify': str(home.join('etc/lxd/servercerts/shared.crt'))}


class TestErrors(object):

    def check(self, name, *parts):
        for function in get_arguments, Client.from_remote:
            with pytest.raises(exceptions.InvalidRemote) as caught:
                function(name)
            assert str(caught.value) == ''.join(parts)
            assert isinstance(caught.value, ValueError)

    def test_unknown(self, write_remotes, home):
        write_remotes(LXC, prod=PROD, images='public: true')
        self.check(
            'prdo', 'there is no remote "prdo" in {0}/.config/lxc/config.yml, '
            '{0}/etc/lxd/config.yml (missing), {0}/.config/incus/config.yml '
            '(missing), {0}/etc/incus/config.yml (missing); there are: local, '
            'prod'.format(home))
        self.check(
            'incus:prod', 'there is no remote "incus:prod" in '
            '{0}/.config/incus/config.yml (missing), {0}/etc/incus/config.yml '
            '(missing); there are: local'.format(home))
        for name in '', 'prod:', 'lxd:prod':
            with pytest.raises(exceptions.InvalidRemote):
                get_arguments(name)
        with pytest.raises(TypeError):
            get_arguments(7)

    def test_unknown_without_a_configuration(self, home):
        self.check(
            'prod', 'there is no remote "prod" in '
            '{0}/snap/lxd/common/config/config.yml (missing), '
            '{0}/.config/lxc/config.yml (missing), {0}/etc/lxd/config.yml '
            '(missing), {0}/.config/incus/config.yml (missing), '
            '{0}/etc/incus/config.yml (missing); there are: local'.format(
                home))

    @pytest.mark.parametrize('text, message', [
        ('remotes:\n  a: [s3cr3t\n', ", line 3, is not YAML: expected ',' or "
         "']', but got '<stream end>'"),
        ('- s3cr3t', ': the file must be a mapping'),
        ('s3cr3t', ': the file must be a mapping'),
        ('remotes: s3cr3t', ': remotes must be a mapping'),
        ('remotes: [s3cr3t]', ': remotes must be a mapping'),
        ('remotes: {prod: s3cr3t}', ': prod must be a mapping'),
        ('remotes: {prod: {addr: [s3cr3t]}}',
         ': addr of the remote lxc:prod must be text'),
        ('remotes: {prod: {project: s3cr3t}}',
         ': the remote lxc:prod has no address'),
        (b'remotes: \xff', ' is not YAML: invalid start byte'),
        (b'remotes: \0', ' is not YAML: special characters are not allowed'),
    ])
    def test_malformed(self, write, text, message):
        path = write(LXC + 'config.yml', text)
        self.check('prod', path, message)

    @pytest.mark.parametrize('text', [
        '', '# nothing', 'remotes:', 'remotes: null\ndefault-remote: ~',
        'default-remote: [x]'])
    def test_nothing_in_it(self, write, text):
        write(LXC + 'config.yml', text)
        assert pylxd.remotes() == ['local']
        assert get_arguments()['endpoint'].startswith('/')

    def test_unreadable(self, home):
        path = home.join(LXC, 'config.yml').ensure(dir=True)
        self.check('prod', 'cannot read {}: Is a directory'.format(path))
        with pytest.raises(exceptions.InvalidRemote):
            pylxd.remotes()

    @pytest.mark.parametrize('method', ['oidc', 'candid'])
    def test_other_authentication(self, write_remotes, method):
        write_remotes(
            LXC, prod=PROD.replace('tls', method),
            socket='addr: "unix:///s", auth_type: ' + method)
        # A loop over the remotes must not leave out a server silently
        assert pylxd.remotes() == ['local', 'prod', 'socket']
        self.check('prod', (
            'the remote lxc:prod authenticates by {}: pylxd does so by a key '
            'pair only; if the server trusts one, pass cert='.format(method)))
        assert get_arguments('prod', cert=('c', 'k'))['cert'] == ('c', 'k')
        assert get_arguments('socket') == {'endpoint': 'unix:///s'}

    def test_a_missing_key_pair(self, write_remotes, home):
        write_remotes(LXC, prod=PROD)
        home.join(LXC, 'client.key').remove()
        with pytest.raises(exceptions.InvalidCertificate) as caught:
            Client.from_remote('prod')
        assert str(caught.value) == (
            'the remote lxc:prod needs the key pair of lxc: {}/.config/lxc/'
            'client.key is missing; "lxc remote add" makes it'.format(home))

    def test_without_pyyaml(self, monkeypatch):
        monkeypatch.setitem(sys.modules, 'yaml', None)
        for function in pylxd.remotes, Client.from_remote:
            with pytest.raises(ImportError) as caught:
                function()
            assert 'pip install pylxd[remotes]' in str(caught.value)


class TestConnection(object):

    @pytest.fixture
    def server(self, tmpdir):
        pair = make_certificate(tmpdir, 'server')
        root = dict(ROOT, api_extensions=['projects'])
        with Server(lxd_api(root=root), context=tls_context(pair)) as server:
            server.certificate = pair[0]
            yield server

    @pytest.fixture
    def remote(self, server, home, write_remotes):
        """The directory of a configuration with the server ``prod``."""
        write_remotes(LXC, prod='addr: "{}", project: web'.format(
            server.endpoint))
        directory = home.join(LXC)
        make_certificate(directory, 'client')
        directory.ensure('servercerts', dir=True)
        with open(server.certificate, 'rb') as file:
            directory.join('servercerts', 'prod.crt').write(file.read(), 'wb')
        return directory

    def test_leaves_the_files_as_they_are(self, server, remote, home):
        before = read_tree(str(home))
        with Client.from_remote('prod', timeout=5) as client:
            assert client.trusted and client.project == 'web'
            assert client.transport.read_timeout == 5
        assert pylxd.remotes() == ['local', 'prod']
        assert read_tree(str(home)) == before

    def test_a_subclass(self, remote):
        class Mine(Client):
            pass

        assert type(Mine.from_remote('prod')) is Mine

    def test_the_next_address_is_tried(self, server, remote, write_remotes):
        write_remotes(LXC, prod='addr: "https://127.0.0.1:1,{}"'.format(
            server.endpoint))
        make_certificate(remote, 'client')
        with Client.from_remote('prod') as client:
            assert client.transport.url == server.endpoint

    @pytest.mark.parametrize('name, text, message', [
        ('client.key', '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n'
         '-----END ENCRYPTED PRIVATE KEY-----\n', 'encrypted'),
        ('client.key', 's3cr3t', 'no private key in PEM form'),
        ('client.crt', 's3cr3t', 'no certificate in PEM form'),
        ('client.key', None, 'Is a directory'),
        ('servercerts/prod.crt', None, ''),
        ('servercerts/prod.crt', 's3cr3t', 'no certificate in PEM form')])
    @pytest.mark.filterwarnings('ignore:.*can be read by others')
    def test_unusable_files(self, server, remote, name, text, message):
        remote.join(name).remove()
        if text is None:
            remote.join(name).ensure(dir=True)
        else:
            remote.join(name).write(text)
        with pytest.raises((
                exceptions.InvalidCertificate,
                exceptions.ClientConnectionFailed)) as caught:
            Client.from_remote('prod')
        assert message in str(caught.value)
        assert 's3cr3t' not in str(caught.value)
        assert server.requests == []

    def test_another_certificate(self, server, remote, pairs):
        with open(pairs['other'][0], 'rb') as file:
            remote.join('servercerts', 'prod.crt').write(file.read(), 'wb')
        with pytest.raises(exceptions.ClientConnectionFailed) as caught:
            Client.from_remote('prod')
        assert 'certificate' in str(caught.value)
