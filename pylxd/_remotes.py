"""The remotes: servers in the configuration of ``lxc`` and ``incus``.

As seen of LXD 5.0.2, Incus 6.0.4 and Incus 7.0.2: ``config.yml`` in the
directory of the user has the remotes; those of the same file in the directory
of the machine (``/etc/lxd``, ``/etc/incus``) are added to it, but not its
default remote. The certificate of a server is in ``servercerts``, beside the
file that has the remote. ``local`` is always the server of this machine.
"""
import io
import os

import six

from pylxd import exceptions
from pylxd.transport.kinds import default_socket, KINDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Optional, Tuple
    from pylxd.transport.kinds import Kind

LOCAL = 'local'
#: The protocols of servers; others are those of image servers.
PROTOCOLS = ('', 'lxd', 'incus')
#: How YAML writes true (in lower case), and null.
TRUE, NULL = ('true', 'yes', 'on', 'y'), (None, '', '~', 'null', 'Null')


class Remote(object):
    """A server in the configuration of a program.

    :param fields: what the configuration says of the server.
    :param path: the path of that configuration; the certificate of the
        server is beside it.
    """

    def __init__(self, configuration, name, fields, path):
        # type: (Configuration, str, Dict[str, Any], str) -> None
        self._configuration = configuration
        self._kind = configuration.kind
        self.name = name  # type: str
        self._fields = fields
        self._path = path
        self.is_image_server = (
            self._get('protocol') not in PROTOCOLS
            or self._get('public').lower() in TRUE)  # type: bool

    def __str__(self):
        # type: () -> str
        return '{}:{}'.format(self._kind.program, self.name)

    def _get(self, key):
        # type: (str) -> str
        value = self._fields.get(key)
        if value in NULL:
            return ''
        if not isinstance(value, six.string_types):
            raise exceptions.InvalidRemote(
                '{}: {} of the remote {} must be text'.format(
                    self._path, key, self))
        return six.ensure_str(value)

    @property
    def endpoints(self):
        # type: () -> List[str]
        """The addresses of the server, which are endpoints of a client.

        Incus 7 stores several, and the one that answered last.
        """
        endpoints = [each.strip() for each in self._get('addr').split(',')]
        last = self._get('last_working_address')
        endpoints.sort(key=lambda each: each != last)
        if self.name == LOCAL or endpoints[0] in ('unix:', 'unix://'):
            return [default_socket(
                self._configuration.environ, (self._kind,))]
        if not endpoints[0]:
            raise exceptions.InvalidRemote(
                '{}: the remote {} has no address'.format(self._path, self))
        return endpoints

    def get_arguments(self, given):
        # type: (Mapping[str, Any]) -> Tuple[List[str], Dict[str, Any]]
        """Return the endpoints and the other arguments of a client.

        :param given: arguments that replace those of the remote.
        :raises InvalidRemote: the remote is not of a server, or needs another
            authentication than a key pair.
        :raises InvalidCertificate: the key pair is missing.
        """
        if self.is_image_server:
            raise exceptions.InvalidRemote(
                'the remote {} offers images only ({})'.format(
                    self, 'protocol {}'.format(self._get('protocol'))
                    if self._get('protocol') not in PROTOCOLS else 'public'))
        arguments = dict(given)
        arguments.setdefault('project', (
            self._configuration.get_variable('PROJECT')
            or self._get('project') or None))
        endpoints = self.endpoints
        if 'endpoint' in arguments:
            endpoints = [arguments.pop('endpoint')]
        if str(endpoints[0]).startswith('https:'):
            self._add_certificates(arguments)
        return endpoints, arguments

    def _add_certificates(self, arguments):
        # type: (Dict[str, Any]) -> None
        directory = self._configuration.directory
        # Incus has key pairs for single remotes, too
        stem = os.path.join(directory, 'clientcerts', self.name)
        if not all(os.path.exists(stem + end) for end in ('.crt', '.key')):
            stem = os.path.join(directory, 'client')
        if arguments.get('cert') is None:
            arguments['cert'] = self._find_key_pair(stem)
        pinned = os.path.join(os.path.dirname(self._path), 'servercerts',
                              self.name + '.crt')
        found = [path for path in (pinned, stem + '.ca')
                 if os.path.exists(path)]
        arguments.setdefault('verify', (found + [True])[0])

    def _find_key_pair(self, stem):
        # type: (str) -> Tuple[str, str]
        method = self._get('auth_type')
        if method not in ('', 'tls'):
            raise exceptions.InvalidRemote(
                'the remote {} authenticates by {}: pylxd does so by a key '
                'pair only; if the server trusts one, pass cert='.format(
                    self, method))
        pair = stem + '.crt', stem + '.key'
        missing = [path for path in pair if not os.path.exists(path)]
        if missing:
            raise exceptions.InvalidCertificate(
                'the remote {} needs the key pair of {}: {} is missing; "{} '
                'remote add" makes it'.format(
                    self, self._kind.program, ' and '.join(missing),
                    self._kind.program))
        return pair


class Configuration(object):
    """The configuration of ``lxc`` or ``incus``."""

    def __init__(self, kind, environ=os.environ):
        # type: (Kind, Mapping[str, str]) -> None
        self.kind = kind  # type: Kind
        self.environ = environ  # type: Mapping[str, str]
        own = [os.path.join(directory, 'config.yml')
               for directory in kind.list_configurations(environ)]
        existing = [path for path in own if os.path.exists(path)]
        self._own = (existing + own[-1:])[0]
        self._shared = os.path.join(
            environ.get(kind.name.upper() + '_GLOBAL_CONF')
            or '/etc/' + kind.name, 'config.yml')
        #: The directory of the user.
        self.directory = os.path.dirname(self._own)  # type: str
        #: The files that are read, or that would be if they existed.
        self.paths = (
            existing[:1] or own) + [self._shared]  # type: List[str]
        self.exists = any(
            os.path.exists(path) for path in self.paths)  # type: bool

    def read(self):
        # type: () -> Tuple[str, List[Remote]]
        """Return the name of the default remote, and all remotes.

        :raises InvalidRemote: a file cannot be read.
        """
        remotes = {LOCAL: Remote(self, LOCAL, {}, self._own)}
        default = None  # type: Any
        # What the user has replaces what is for all users
        for path in self._shared, self._own:
            document = _load(path) if os.path.exists(path) else {}
            found = _to_dict(document.get('remotes'), path, 'remotes')
            for name, fields in found.items():
                remotes[name] = Remote(
                    self, name, _to_dict(fields, path, name), path)
            default = document.get('default-remote')
        if default in NULL or not isinstance(default, six.string_types):
            default = LOCAL
        return (self.get_variable('REMOTE') or six.ensure_str(default),
                [remotes[name] for name in sorted(remotes)])

    def get_variable(self, name):
        # type: (str) -> Optional[str]
        """Return ``INCUS_REMOTE`` or ``INCUS_PROJECT``; ``lxc`` has none."""
        if self.kind.program == 'incus':
            return self.environ.get('INCUS_' + name)
        return None


def _load(path):
    # type: (str) -> Dict[str, Any]
    """Return the fields of a file; all values in it are text.

    :raises InvalidRemote: the file cannot be read.
    """
    yaml = _import_yaml()
    try:
        with io.open(path, 'rb') as file:
            # Names such as `8` and `yes` stay text
            document = yaml.load(file, Loader=yaml.BaseLoader)
    except EnvironmentError as error:
        raise exceptions.InvalidRemote('cannot read {}: {}'.format(
            path, error.strerror), cause=error)
    except yaml.YAMLError as error:
        # Not the whole message, which quotes the file
        mark = getattr(error, 'problem_mark', None)
        raise exceptions.InvalidRemote('{}{} is not YAML: {}'.format(
            path, ', line {},'.format(mark.line + 1) if mark else '',
            getattr(error, 'problem', None) or getattr(error, 'reason', '')),
            cause=error)
    return _to_dict(document, path, 'the file')


def _import_yaml():
    # type: () -> Any
    try:
        import yaml
    except ImportError:
        six.raise_from(ImportError(
            'the remotes of lxc and incus need PyYAML: '
            'pip install pylxd[remotes]'), None)
    return yaml


def _to_dict(value, path, name):
    # type: (Any, str, str) -> Dict[str, Any]
    if isinstance(value, dict):
        return {six.ensure_str(key): each for key, each in value.items()}
    if value not in NULL:
        raise exceptions.InvalidRemote(
            '{}: {} must be a mapping'.format(path, name))
    return {}


def list_names():
    # type: () -> List[str]
    """Return the names of the remotes; see `pylxd.remotes`."""
    _import_yaml()
    return _list_names([remote for each in map(Configuration, KINDS)
                        if each.exists for remote in each.read()[1]])


def _list_names(remotes):
    # type: (List[Remote]) -> List[str]
    names = []  # type: List[str]
    for remote in remotes:
        if not remote.is_image_server:
            names.append(
                str(remote) if remote.name in names else remote.name)
    return names or [LOCAL]


def get_arguments(name, given):
    # type: (Optional[str], Mapping[str, Any]) -> Tuple[List[Any], Any]
    """Return the endpoints and the other arguments of a client.

    :param name: as for `Client.from_remote`.
    :param given: arguments that replace those of the remote.
    """
    _import_yaml()
    configurations = [Configuration(kind) for kind in KINDS]
    existing = [each for each in configurations if each.exists]
    if name is None and existing:
        name = '{}:{}'.format(existing[0].kind.program, existing[0].read()[0])
    name = LOCAL if name is None else six.ensure_str(name)
    if name == LOCAL and not existing:
        arguments = dict(given)
        return [arguments.pop('endpoint', None)], arguments
    searched = [each for each in configurations
                if name.startswith(each.kind.program + ':')] or configurations
    remotes = [remote for each in searched
               if each.exists or searched is not configurations
               for remote in each.read()[1]]
    found = [each for each in remotes if name in (each.name, str(each))]
    # A name that is an image server's for lxc may be a server's for incus
    found.sort(key=lambda each: each.is_image_server)
    if not found:
        raise exceptions.InvalidRemote(
            'there is no remote "{}" in {}; there are: {}'.format(
                name, ', '.join(path if os.path.exists(path)
                                else path + ' (missing)'
                                for each in searched for path in each.paths),
                ', '.join(_list_names(remotes))))
    return found[0].get_arguments(given)
