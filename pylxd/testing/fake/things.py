"""What is listed, shown, made, changed, renamed and removed alike: profiles,
networks, aliases of images, certificates and projects."""
from __future__ import unicode_literals

import base64
import binascii
import hashlib
import json
import random
import re
import ssl

import six
from six.moves.urllib import parse

from pylxd.testing.fake import golang, images, instances
from pylxd.testing.fake.config import check_config
from pylxd.testing.fake.daemon import APIError, Project, random_hex
from pylxd.testing.fake.web import Answer, created, route, sync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Tuple
    from pylxd.testing.fake.daemon import Daemon
    from pylxd.testing.fake.web import Request


class Things(object):
    """One kind of them; what differs is below."""

    path = ''  #: of the collection
    store = ''  #: the attribute of the daemon
    event = ''  #: what events call one
    struct = ''  #: what Go calls one
    new = ''  #: and what is given for a new one, if it does not add an s
    fields = ''  #: that can be given and changed
    public = False  #: whether strangers may see one
    name = r'([^/]+)'

    #: What is wrong: a status and a text, with ``{0}`` for the name.
    texts = {}  # type: Dict[str, Tuple[int, str]]

    def __init__(self):
        # type: () -> None
        one = self.path + '/' + self.name
        for method, pattern, function, public in (
                ('GET', self.path, self.list, False),
                ('POST', self.path, self.create, self.event == 'certificate'),
                ('GET', one, self.get, self.public),
                ('PUT', one, self.put, False), ('PATCH', one, self.put, False),
                ('POST', one, self.rename, False),
                ('DELETE', one, self.delete, False)):
            route(method, pattern, public)(
                function if method == 'GET' else self._write(function))

    def _write(self, function):
        # type: (Any) -> Any
        """Answer as servers do that change this in the background."""
        def write(request, *name):
            # type: (Request, *str) -> Any
            answer = function(request, *name)
            if not request.daemon.kind.modern or self.event not in (
                    'profile', 'network'):
                return answer
            path = answer.headers['Location'] if isinstance(
                answer, Answer) else self.url(request.daemon, *name)
            return request.operation(
                'Changing ' + self.event, lambda operation: None,
                [(self.store, path.rpartition('/')[2])])
        return write

    # How the kinds differ

    def quote(self, daemon, name):
        # type: (Daemon, str) -> str
        """A name as it is in a path; some servers quote it twice."""
        for _ in range(daemon.kind.quotes or 1):
            name = parse.quote(name.encode('utf-8'), '')
        return name

    def render(self, daemon, name):
        # type: (Daemon, str) -> Dict[str, Any]
        """What is sent of one."""
        return dict(self.all(daemon)[name], name=name)

    def counts(self, daemon, name):
        # type: (Daemon, str) -> Any
        """What counts in its ETag."""
        return self.all(daemon)[name]

    def users(self, daemon, name):
        # type: (Daemon, str) -> List[str]
        """What uses it."""
        return []

    def allow(self, request, name):
        # type: (Request, str) -> None
        """Refuse what cannot be a name."""

    def make(self, request, name, body):
        # type: (Request, str, Any) -> Dict[str, Any]
        """What becomes of what is given for a new one."""
        return self.change(request, name, body, {})

    def change(self, request, name, body, old):
        # type: (Request, str, Any, Any) -> Dict[str, Any]
        """What becomes of what is given for an old one; with PATCH what it
        has is merged in already."""
        return body

    # How they are alike

    def all(self, daemon):
        # type: (Daemon) -> Dict[str, Any]
        """All that there are."""
        return getattr(daemon, self.store)  # type: ignore[no-any-return]

    def error(self, problem, name=''):
        # type: (str, str) -> APIError
        """What is said when something is wrong."""
        status, text = self.texts[problem]
        return APIError(status, text.format(name))

    def taken(self, daemon, name):
        # type: (Daemon, str) -> APIError
        """What is said when another one has the new name."""
        return self.error('taken', name)

    def url(self, daemon, name):
        # type: (Daemon, str) -> str
        """The path of one."""
        return self.path + '/' + self.quote(daemon, name)

    def find(self, request, name):
        # type: (Request, str) -> str
        """The whole name of one that there is.

        :raises APIError: there is not
        """
        if name not in self.all(request.daemon):
            raise self.error(request.method if request.method in self.texts
                             else 'missing', name)
        return name

    def tell(self, request, name, verb, **context):
        # type: (Request, str, str, **Any) -> str
        """Send an event about one, and return its path."""
        path = self.url(request.daemon, name)
        request.daemon.lifecycle('{}-{}'.format(self.event, verb), path,
                                 request.requestor, **context)
        return path

    def list(self, request):
        # type: (Request) -> Any
        """List them."""
        daemon = request.daemon
        show = self.render if request.recursion() else self.url
        with daemon.lock:
            return [show(daemon, name) for name in sorted(self.all(daemon))]

    def create(self, request):
        # type: (Request) -> Any
        """Make one."""
        body = request.json(
            self.new or self.struct + 'sPost', 'name:s ' + self.fields)
        name = body.pop('name')
        if not name or not body.get('target', True):
            raise self.error('nameless')
        with request.daemon.lock:
            self.allow(request, name)
            if name in self.all(request.daemon):
                raise self.error('exists', name)
            self.all(request.daemon)[name] = self.make(request, name, body)
        return created(self.tell(request, name, 'created'))

    def get(self, request, name):
        # type: (Request, str) -> Any
        """Show one."""
        name = self.find(request, name)
        return sync(self.render(request.daemon, name),
                    etag=self.counts(request.daemon, name))

    def put(self, request, name):
        # type: (Request, str) -> Any
        """Change one."""
        daemon = request.daemon
        with daemon.lock:
            name = self.find(request, name)
            old = self.all(daemon)[name]
            request.match(self.counts(daemon, name))
            given = request.method == 'PATCH' and golang.decode(
                request.text, 'shared.Jmap', '')  # type: Any
            body = request.json(self.struct + 'Put', self.fields)
            if request.method == 'PATCH':
                for field in list(body):
                    if isinstance(old.get(field), dict):
                        body[field] = dict(old[field], **(body[field] or {}))
                    elif field not in given:
                        body[field] = old.get(field)
            old.update(self.change(request, name, body, old))
        self.tell(request, name, 'updated')
        return {}

    def rename(self, request, name):
        # type: (Request, str) -> Any
        """Rename one."""
        daemon = request.daemon
        new = request.json(self.struct + 'Post', 'name:s')['name']
        with daemon.lock:
            if name == 'default' and 'fixed' in self.texts:
                raise self.error('fixed')
            if not new:
                raise self.error('nameless')
            self.allow(request, new)
            if self.event == 'network' and self.users(daemon, name):
                raise APIError(400, 'Network is currently in use')
            if new in self.all(daemon):
                raise self.taken(daemon, new)
            self.find(request, name)
            self.all(daemon)[new] = self.all(daemon).pop(name)
        return created(self.tell(request, new, 'renamed', old_name=name))

    def delete(self, request, name):
        # type: (Request, str) -> Any
        """Remove one."""
        daemon = request.daemon
        with daemon.lock:
            if name == 'default' and 'kept' in self.texts:
                raise self.error('kept')
            name = self.find(request, name)
            if self.users(daemon, name):
                raise self.error('used')
            del self.all(daemon)[name]
        self.tell(request, name, 'deleted')
        return {}


class Profiles(Things):
    """Profiles."""

    path = '/1.0/profiles'
    store = 'profiles'
    event = 'profile'
    struct = 'Profile'
    fields = 'config:m devices:d description:s'
    texts = {
        'nameless': (400, 'No name provided'),
        'exists': (500, 'Error inserting "{0}" into database: The profile '
                   'already exists'),
        'taken': (500, 'Name "{0}" already in use'),
        'used': (500, 'Profile is currently in use'),
        'fixed': (403, 'The "default" profile cannot be renamed'),
        'kept': (403, 'The "default" profile cannot be deleted'),
        'GET': (404, 'Fetch profile: Profile not found'),
        'POST': (500, 'Query affected 0 rows instead of 1'),
        'DELETE': (404, 'Profile not found'),
        'PATCH': (404, 'Failed to retrieve profile="{0}": Profile not found'),
        'missing': (404, 'Failed to retrieve profile "{0}": Profile not '
                    'found')}  # type: Dict[str, Tuple[int, str]]

    def quote(self, daemon, name):
        # type: (Daemon, str) -> str
        """Those of a project of its own tell it."""
        return super(Profiles, self).quote(daemon, name) + (
            daemon.suffix if 'profiles' in daemon.__dict__ else '')

    def render(self, daemon, name):
        # type: (Daemon, str) -> Dict[str, Any]
        """What is sent of one."""
        profile = super(Profiles, self).render(daemon, name)
        if daemon.has('profile_usedby'):
            profile['used_by'] = self.users(daemon, name)
        if daemon.kind.project:
            profile['project'] = daemon.project
        return profile

    def users(self, daemon, name):
        # type: (Daemon, str) -> List[str]
        """The instances that have it."""
        return [one.path for one in daemon.instances.values()
                if name in one.profiles]

    def allow(self, request, name):
        # type: (Request, str) -> None
        """Refuse what cannot be a name."""
        problem = (
            'Profile names may not contain slashes' if '/' in name else
            'Invalid profile name "{}"'.format(name)
            if name in ('.', '..') else
            'Invalid profile name: Name cannot contain white space'
            if ' ' in name and not request.daemon.kind.quotes else '')
        if problem:
            raise APIError(400, problem)

    def taken(self, daemon, name):
        # type: (Daemon, str) -> APIError
        """Incus has another text."""
        if daemon.kind.wordy:
            return APIError(500, 'Profile "{}" already exists'.format(name))
        return super(Profiles, self).taken(daemon, name)

    def make(self, request, name, body):
        # type: (Request, str, Any) -> Dict[str, Any]
        """A new one's faults are its maker's."""
        try:
            return self.change(request, name, body, {})
        except APIError as error:
            raise APIError(400, six.text_type(error))

    def change(self, request, name, body, old):
        # type: (Request, str, Any, Any) -> Dict[str, Any]
        """Refuse what no instance can have."""
        body['config'] = instances.without_empty(body['config'])
        body['devices'] = body['devices'] or {}
        check_config(request.daemon, body['config'], True)
        instances.check_devices(request.daemon, body['devices'])
        return body

    def rename(self, request, name):
        # type: (Request, str) -> Any
        """Rename one, where it is used as well."""
        answer = super(Profiles, self).rename(request, name)
        new = golang.loads(request.text)['name']
        for instance in request.daemon.instances.values():
            instance.profiles = [new if one == name else one
                                 for one in instance.profiles]
        return answer


class Networks(Things):
    """Bridges that are pretended, and the host's loopback."""

    path = '/1.0/networks'
    store = 'networks'
    event = 'network'
    struct = 'Network'
    fields = 'config:m description:s type:s'
    texts = {
        'nameless': (400, 'No name provided'),
        'exists': (400, 'The network already exists'),
        'taken': (500, 'Network interface "{0}" already exists'),
        'used': (400, 'The network is currently in use'),
        'GET': (404, 'Network not found'),
        'missing': (404, 'Failed loading network: Network not found'),
    }  # type: Dict[str, Tuple[int, str]]
    loopback = {'config': {}, 'description': '', 'type': 'loopback',
                'managed': False, 'status': '',
                'locations': None}  # type: Dict[str, Any]
    keys = re.compile(r'(user|ipv4|ipv6|dns|bridge|raw|fan|tunnel|security|'
                      r'bgp|limits|maas)\.')  # type: Any

    def __init__(self):
        # type: () -> None
        super(Networks, self).__init__()
        route('GET', self.path + '/{}/state')(self.state)

    def all(self, daemon):
        # type: (Daemon) -> Dict[str, Any]
        """Before the extension ``network`` there is the loopback alone."""
        return daemon.networks

    def render(self, daemon, name):
        # type: (Daemon, str) -> Dict[str, Any]
        """What is sent of one."""
        network = dict(daemon.networks.get(name) or self.loopback, name=name)
        network['used_by'] = self.users(daemon, name) or (
            None if network['managed'] and not daemon.kind.project else [])
        if daemon.kind.project:
            network['project'] = 'default'
        if not daemon.has('network'):
            return {key: network[key] for key in ('name', 'type', 'used_by')}
        return network

    def counts(self, daemon, name):
        # type: (Daemon, str) -> Any
        """What counts in its ETag."""
        network = self.render(daemon, name)
        return [network.get(key) for key in (
            'name', 'managed', 'type', 'description', 'config')]

    def users(self, daemon, name):
        # type: (Daemon, str) -> List[str]
        """Instances and profiles with a network card in it."""
        def uses(devices):
            # type: (Any) -> bool
            return any(device['type'] == 'nic' and name in (
                device.get('network'), device.get('parent'))
                for device in devices.values())
        return [one.path for one in daemon.instances.values()
                if uses(one.expanded('devices'))] + [
            PROFILES.url(daemon, profile) for profile in daemon.profiles
            if uses(daemon.profiles[profile]['devices'])]

    def list(self, request):
        # type: (Request) -> Any
        """List them, and the loopback."""
        show = self.render if request.recursion() else self.url
        return super(Networks, self).list(request) + [
            show(request.daemon, 'lo')]

    def find(self, request, name):
        # type: (Request, str) -> str
        """The loopback can be seen, not changed."""
        if request.method == 'GET' and name == 'lo':
            return name
        if request.method != 'GET' and not request.daemon.has('network'):
            raise APIError(501, 'not implemented')
        return super(Networks, self).find(request, name)

    def allow(self, request, name):
        # type: (Request, str) -> None
        """Refuse what cannot be a name."""
        problem = (
            'Network interface is too long (maximum 15 characters)'
            if len(name) > 15 else
            'Network interface contains invalid characters'
            if not re.match(r'[-\w.]+$', name) else '')
        if problem:
            raise APIError(400, problem)
        if name == 'lo':
            raise self.error('taken', name)
        if not request.daemon.has('network'):
            raise APIError(501, 'not implemented')

    def make(self, request, name, body):
        # type: (Request, str, Any) -> Dict[str, Any]
        """A new bridge, with an address if none is given."""
        if body['type'] not in ('', 'bridge'):
            raise APIError(400, 'Unknown driver')
        config = body['config'] or {}
        self.check(name, config, 500)
        if 'ipv4.address' not in config:
            config['ipv4.address'] = '10.{}.{}.1/24'.format(
                random.randrange(256), random.randrange(256))
            config['ipv4.nat'] = 'true'
        config.setdefault('ipv6.address', 'none')
        return {'config': config, 'description': body['description'],
                'type': 'bridge', 'managed': True, 'status': 'Created',
                'locations': ['none']}

    def change(self, request, name, body, old):
        # type: (Request, str, Any, Any) -> Dict[str, Any]
        """Its type stays."""
        self.check(name, body['config'] or {}, 400)
        return {'config': body['config'] or {},
                'description': body['description']}

    def check(self, name, config, status):
        # type: (str, Dict[str, str], int) -> None
        """Refuse what cannot be configured."""
        for key, value in config.items():
            if not self.keys.match(key):
                raise APIError(status, 'Invalid option for network "{}" '
                               'option "{}"'.format(name, key))
            if key.endswith('.address') and not re.match(
                    r'$|none$|auto$|[0-9a-f.:]+/[0-9]+$', value):
                raise APIError(500, 'Invalid value for network "{}" option '
                               '"{}": invalid CIDR address: {}'.format(
                                   name, key, value))

    def rename(self, request, name):
        # type: (Request, str) -> Any
        """Rename one; who it is comes first."""
        new = request.json('NetworkPost', 'name:s')['name']
        self.find(request, name)
        if not new:
            raise APIError(400, 'New network name not provided')
        return super(Networks, self).rename(request, name)

    def state(self, request, name):
        # type: (Request, str) -> Any
        """Show the state of one."""
        network = request.daemon.networks.get(name)
        if name != 'lo' and network is None:
            raise APIError(404, 'Network interface "{}" not found'.format(
                name))
        address, _, netmask = (network['config'].get(
            'ipv4.address', '') if network else '127.0.0.1/8').partition('/')
        return {
            'addresses': [{
                'family': 'inet', 'address': address, 'netmask': netmask,
                'scope': 'global' if network else 'local'}] * bool(netmask),
            'counters': {'bytes_received': 0, 'bytes_sent': 0,
                         'packets_received': 0, 'packets_sent': 0},
            'hwaddr': '00:16:3e:00:00:01' if network else '',
            'mtu': 1500 if network else 65536, 'state': 'up',
            'type': 'broadcast' if network else 'loopback', 'bond': None,
            'bridge': None, 'vlan': None, 'ovn': None}


class Aliases(Things):
    """Other names of images."""

    path = '/1.0/images/aliases'
    store = 'aliases'
    event = 'image-alias'
    struct = 'ImageAliasesEntry'
    new = 'ImageAliasesPost'
    fields = 'target:s description:s type:s'
    public = True
    name = '(.+)'
    texts = {
        'nameless': (400, 'name and target are required'),
        'exists': (409, 'Alias "{0}" already exists'),
        'taken': (409, 'Alias "{0}" already exists'),
        'missing': (404, 'Image alias not found'),
    }  # type: Dict[str, Tuple[int, str]]

    def render(self, daemon, name):
        # type: (Daemon, str) -> Dict[str, Any]
        """What is sent of one."""
        return dict(daemon.aliases[name], name=name, type='container')

    def find(self, request, name):
        # type: (Request, str) -> str
        """Strangers see those of public images."""
        name = super(Aliases, self).find(request, name)
        if not request.trusted and not images.find(
                request.daemon, request.daemon.aliases[name]['target']).public:
            raise self.error('missing')
        return name

    def put(self, request, name):
        # type: (Request, str) -> Any
        """Change one; what is missing comes first."""
        if request.method == 'PUT' and not request.json(
                'ImageAliasesEntryPut', self.fields)['target']:
            raise APIError(400, 'The target field is required')
        if request.method == 'PATCH':
            given = golang.decode(request.text, 'shared.Jmap', '')
            self.find(request, name)
            for field in ('target', 'description'):
                if field in given and not isinstance(
                        given[field], six.text_type):
                    raise APIError(400, '`{}` was not a string'.format(field))
        return super(Aliases, self).put(request, name)

    def change(self, request, name, body, old):
        # type: (Request, str, Any, Any) -> Dict[str, Any]
        """The start of a fingerprint will do."""
        return {'description': body['description'], 'target': images.find(
            request.daemon, body['target']).fingerprint}


class Certificates(Things):
    """The certificates of clients that are trusted."""

    path = '/1.0/certificates'
    store = 'certificates'
    event = 'certificate'
    struct = 'Certificate'
    fields = 'name:s type:s restricted:b projects:l'
    texts = {
        'missing': (404, 'Certificate not found'),
    }  # type: Dict[str, Tuple[int, str]]

    def render(self, daemon, name):
        # type: (Daemon, str) -> Dict[str, Any]
        """It has another name than its fingerprint."""
        return daemon.certificates[name]

    def find(self, request, name):
        # type: (Request, str) -> str
        """The start of a fingerprint will do."""
        found = [one for one in request.daemon.certificates
                 if one.startswith(name)]
        if len(found) != 1:
            raise self.error('missing')
        return found[0]

    def change(self, request, name, body, old):
        # type: (Request, str, Any, Any) -> Dict[str, Any]
        """What is not given stays."""
        given = golang.loads(request.text)
        return {key: body[key] for key in body if key in given}

    def create(self, request):
        # type: (Request) -> Any
        """Trust a client, or make a token for one."""
        daemon = request.daemon
        body = request.json('CertificatesPost', (
            'certificate:s password:s trust_token:s token:b ' + self.fields))
        if not request.trusted:
            token = self.take(daemon, body[daemon.kind.secret])
            if token:
                body.update(token['request'], certificate=body['certificate'])
            elif not (daemon.kind.passwords and daemon.password
                      and body['password'] == daemon.password):
                raise APIError(403, 'not authorized')
        elif body['token']:
            return self.token(request, body)
        elif not body['certificate']:
            raise APIError(400, 'Client is already trusted')
        if body['type'] not in ('client', 'metrics'):
            raise APIError(400, 'Invalid certificate type')
        der = request.certificate
        if body['certificate']:
            try:
                der = base64.b64decode(body['certificate'])
                if len(body['certificate']) % 4:
                    raise ValueError
            except (ValueError, TypeError, binascii.Error):
                raise APIError(400, 'illegal base64 data at input byte 0')
            if der[:1] != b'0':
                raise APIError(400, 'Invalid certificate material: x509: '
                               'malformed certificate')
        if not der:
            raise APIError(400, 'No client certificate provided')
        fingerprint = hashlib.sha256(der).hexdigest()
        if fingerprint in daemon.certificates:
            raise APIError(409, 'Certificate already in trust store')
        daemon.certificates[fingerprint] = {
            'name': body['name'] or '127.0.0.1', 'type': body['type'],
            'restricted': body['restricted'],
            'projects': body['projects'] or [], 'fingerprint': fingerprint,
            'certificate': ssl.DER_cert_to_PEM_cert(der)}
        return created(self.tell(request, fingerprint, 'created'))

    def token(self, request, body):
        # type: (Request, Any) -> Any
        """The operation that is a token."""
        daemon = request.daemon
        if not daemon.listens:
            raise APIError(400, "Can't issue token when server isn't "
                           "listening on network")
        asked = {key: body[key] for key in (
            'name', 'type', 'restricted', 'certificate', 'token')}
        asked.update({'projects': body['projects'] or [],
                      daemon.kind.secret: ''})
        if daemon.kind.wordy:
            asked['description'] = ''
        der = ssl.PEM_cert_to_DER_cert(daemon.certificate)
        return request.operation('Executing operation', None, metadata={
            'addresses': [daemon.address], 'request': asked,
            'fingerprint': hashlib.sha256(der).hexdigest(),
            'secret': random_hex()})

    def take(self, daemon, text):
        # type: (Daemon, str) -> Any
        """What was said when a token was made, if it is one; only once."""
        try:
            secret = json.loads(base64.b64decode(text).decode())['secret']
        except (ValueError, TypeError, KeyError):
            return None
        for operation in list(daemon.operations.values()):
            if not operation.ended and operation.class_ == 'token' and (
                    operation.metadata.get('secret') == secret):
                operation.cancel()
                return operation.metadata
        return None


class Projects(Things):
    """Projects."""

    path = '/1.0/projects'
    store = 'projects'
    event = 'project'
    struct = 'Project'
    fields = 'config:m description:s'
    texts = {
        'nameless': (400, 'No name provided'),
        'exists': (409, 'Failed creating project "{0}": Failed adding '
                   'database record: This "projects" entry already exists'),
        'used': (500, 'Only empty projects can be removed'),
        'kept': (403, "The 'default' project cannot be deleted"),
        'GET': (404, 'Project not found'),
        'missing': (404, 'Fetch project "{0}": Project not found'),
    }  # type: Dict[str, Tuple[int, str]]

    def all(self, daemon):
        # type: (Daemon) -> Dict[str, Any]
        """The daemon's own things are the default project."""
        return daemon.projects

    def render(self, daemon, name):
        # type: (Daemon, str) -> Dict[str, Any]
        """What is sent of one."""
        return dict(self.counts(daemon, name), name=name,
                    used_by=self.users(daemon, name))

    def counts(self, daemon, name):
        # type: (Daemon, str) -> Any
        """What counts in its ETag."""
        return {'config': daemon.projects[name].features,
                'description': daemon.projects[name].description}

    def users(self, daemon, name):
        # type: (Daemon, str) -> List[str]
        """What is in it."""
        return [one.path for one in daemon.projects[name].instances.values()]

    def put(self, request, name):
        # type: (Request, str) -> Any
        """Change one; a PATCH replaces the config as a whole."""
        with request.daemon.lock:
            name = self.find(request, name)
            request.match(self.counts(request.daemon, name))
            kept = request.method == 'PATCH' and golang.decode(
                request.text, 'shared.Jmap', '')
            body = request.json(self.struct + 'Put', self.fields)
            project = request.daemon.projects[name]
            if kept is False or 'config' in kept:
                project.features = body['config'] or {}
            if kept is False or 'description' in kept:
                project.description = body['description']
        self.tell(request, name, 'updated')
        return {}

    def make(self, request, name, body):
        # type: (Request, str, Any) -> Any
        """A new one has images, profiles and volumes of its own."""
        features = {'features.' + feature: 'true' for feature in (
            'images', 'profiles', 'storage.volumes')}
        return Project(request.daemon, name, dict(
            features, **(body['config'] or {})), body['description'])


PROFILES = Profiles()
Aliases()
Certificates()
Networks()
Projects()
