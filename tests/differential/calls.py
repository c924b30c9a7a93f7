"""Random calls of the API: valid, useless and wrong ones.

There are few names, so that calls often meet objects of earlier calls. A
comment says which calls are left out, and why.
"""
import collections
import gzip
import hashlib
import io
import tarfile

from six.moves.urllib import parse

from pylxd.testing import image

#: One call. ``edit`` holds changes: the body is the metadata of a GET with
#: these. ``etag`` is the If-Match header; RIGHT means the ETag of a GET.
Call = collections.namedtuple(
    'Call', 'method path json data headers edit etag')
Call.__new__.__defaults__ = (None, None, {}, None, None)

RIGHT = 'right'

INSTANCES = ['c1', 'c2', 'c3']
BAD_INSTANCES = ['1c', 'a_b', 'a b', '-a', 'a-', 'x' * 64, u'\xfc']
PROFILES = ['default', 'p1', 'p2']
SNAPSHOTS = ['s1', 's2']
ALIASES = ['busybox', 'a1', 'a/2']
PATHS = ['/root/f', '/root/g', '/root/d', '/root/d/f', '/root', '/none/f',
         '/etc/passwd', '/tmp/f', '/']


def _image(name):
    """Return the image of the kits with one more file."""
    archive_file = io.BytesIO(gzip.decompress(image.build_busybox_image()))
    with tarfile.open(fileobj=archive_file, mode='a',
                      format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo('rootfs/' + name))
    return archive_file.getvalue()


IMAGES = [_image('one'), _image('two')]
FINGERPRINTS = [hashlib.sha256(data).hexdigest() for data in IMAGES]


#: The first calls of each walk, which create objects for the others.
OPENING = [
    Call('POST', '/1.0/instances', {'name': name, 'source': {
        'type': 'image', 'alias': 'busybox'}}) for name in ('c1', 'c2')
] + [
    Call('PUT', '/1.0/instances/c1/state', {'action': 'start'}),
    Call('POST', '/1.0/instances', {'name': 'c3', 'source': {'type': 'none'}}),
    Call('POST', '/1.0/instances/c2/snapshots', {'name': 's1'}),
    Call('POST', '/1.0/profiles', {'name': 'p1', 'config': {'user.p': '1'}}),
    Call('POST', '/1.0/images', data=IMAGES[0]),
    Call('POST', '/1.0/images/aliases', {
        'name': 'a1', 'target': FINGERPRINTS[0]})]


def quote(name):
    return parse.quote(name.encode('utf-8'), '')


class Calls(object):
    """Endless random calls, the same for the same random numbers."""

    def __init__(self, random):
        self.random = random

    def __iter__(self):
        kinds = [(self.instances, 6), (self.instance, 8), (self.state, 6),
                 (self.snapshots, 6), (self.files, 8), (self.execute, 8),
                 (self.images, 5), (self.aliases, 4), (self.profiles, 8),
                 (self.networks, 2), (self.certificates, 1),
                 (self.server, 1), (self.operations, 1), (self.wrong, 4)]
        kinds = [kind for kind, weight in kinds for _ in range(weight)]
        for call in OPENING:
            yield call
        while True:
            yield self.choose(*kinds)()

    def choose(self, *choices):
        return self.random.choice(choices)

    def prefer(self, usual, *others):
        """Return the first argument in 85 % of the calls."""
        return usual if self.random.random() < 0.85 else self.choose(*others)

    # Names and paths

    def instance_name(self):
        return self.prefer(self.choose(*INSTANCES), *BAD_INSTANCES)

    def path(self, *more):
        """Return the path of an instance, or of something below it."""
        kind = self.prefer('instances', 'containers')
        # An invalid name in a path gives a plain 404
        name = self.prefer(self.choose('c1', *INSTANCES), 'none')
        return '/'.join(('/1.0', kind, name) + more)

    # Parts of bodies

    def config(self):
        return self.choose({}, {'user.a': '1'}, {'user.a': '2', 'user.b': ''},
                           {'user.c': u'\xfc'}, {'limits.cpu': '1'},
                           {'boot.autostart': 'false'},
                           self.prefer({}, {'nonsense': '1'}, {'user.a': 1},
                                       {'boot.autostart': 'perhaps'},
                                       {'limits.cpuu': '1'},
                                       {'limits.memory': 'x'}, [], 'x', None))

    def devices(self):
        return self.choose({}, {'nothing': {'type': 'none'}}, self.prefer(
            {}, {'d': {'type': 'nonsense'}}, {'d': {}}, {'d': 'x'}, [],
            {'d': {'type': 'disk'}}, None,
            {'d': {'type': 'nic', 'network': 'none'}}))

    def some_profiles(self):
        return self.choose(['default'], ['default', 'p1'], ['default', 'p2'],
                           # needs the root disk of `default`
                           self.prefer(['default'], ['none'], 'default',
                                       ['default', 1]))

    def etag(self):
        return self.choose(None, None, RIGHT, 'wrong')

    def text(self):
        return self.choose('', 'some', u'\xfc \u20ac', 1)

    # Instances

    def instances(self):
        if self.random.random() < 0.2:
            return Call('GET', self.choose(
                '/1.0/virtual-machines', '/1.0/containers?recursion=1',
                '/1.0/instances', '/1.0/instances?recursion=1',
                '/1.0/instances?recursion=2',
                '/1.0/instances?instance-type=container',
                '/1.0/instances?instance-type=nonsense'))
        body = {'name': self.instance_name(), 'source': self.choose(
            {'type': 'none'}, {'type': 'image', 'alias': 'busybox'},
            {'type': 'image', 'alias': 'busybox'},
            {'type': 'image', 'alias': self.choose(*ALIASES)},
            {'type': 'image', 'fingerprint': self.choose(*FINGERPRINTS)},
            {'type': 'copy', 'source': self.choose(*INSTANCES)},
            {'type': 'copy', 'source': '{}/{}'.format(
                self.choose(*INSTANCES), self.choose(*SNAPSHOTS))},
            self.prefer({'type': 'none'}, {'type': 'nonsense'}, {}, 'x', None,
                        {'type': 'image'}, {'type': 'copy'}))}
        for field, make in (('config', self.config), ('ephemeral', lambda:
                            self.choose(True, False, 'x')),
                            ('devices', self.devices),
                            ('profiles', self.some_profiles),
                            ('description', self.text)):
            if self.random.random() < 0.2:
                body[field] = make()
        # Every body has a name: the server would choose a random one
        if self.random.random() < 0.05:
            del body['source']
        return Call('POST', '/1.0/' + self.prefer('instances', 'containers'),
                    body)

    def instance(self):
        method = self.choose('GET', 'PUT', 'PUT', 'PATCH', 'PATCH',
                             self.choose('POST', 'DELETE'))
        path = self.path()
        if method == 'GET':
            return Call('GET', path + self.prefer('', '?recursion=1'))
        if method == 'POST':
            return Call('POST', path, {'name': self.instance_name()})
        if method == 'DELETE':
            return Call('DELETE', path)
        body = {}
        for field, make in (('config', self.config), ('devices', self.devices),
                            ('profiles', self.some_profiles),
                            ('description', self.text)):
            if self.random.random() < 0.4:
                body[field] = make()
        if method == 'PUT' and self.random.random() < 0.8:
            return Call('PUT', path, edit=body, etag=self.etag())
        return Call(method, path, body, etag=self.etag())

    def state(self):
        path = self.path('state')
        if self.random.random() < 0.2:
            return Call('GET', path)
        action = self.prefer(self.choose(
            'start', 'start', 'start', 'stop', 'restart', 'freeze',
            'unfreeze', 'unfreeze'),
            'nonsense', 1)
        # Only with force: else init and the load decide when it ends
        body = {'action': action, 'force': True, 'timeout': 30}
        return Call(
            'PUT', path, self.prefer(body, {'action': 'start'}, {}, 1))

    def snapshots(self):
        name = self.choose(*SNAPSHOTS)
        path = self.path('snapshots')
        snapshot = path + '/' + name
        return self.choose(
            Call('POST', path, {'name': self.prefer(
                name, 'a b', 'a/b', '', 1, u'\xfc')}),
            Call('POST', path, {'name': name}),
            Call('GET', path + self.choose('', '?recursion=1')),
            Call('GET', snapshot),
            Call('POST', snapshot, {'name': self.choose('s1', 's2', 's3')}),
            Call('DELETE', snapshot),
            Call('PUT', self.path(), {'restore': name}),
            Call('PUT', snapshot, self.choose({}, {
                'expires_at': '2100-01-01T00:00:00Z'}), etag=self.etag()))

    # Inside of instances

    def files(self):
        url = '{}?path={}'.format(self.path('files'), quote(
            self.choose(*PATHS)))
        method = self.choose('GET', 'POST', 'POST', 'DELETE')
        if method != 'POST':
            # Do not delete /: what is left of the container differs
            return Call(method, url + ('root/d' if url.endswith('%2F')
                                       and method == 'DELETE' else ''))
        headers = {}
        for header, values in (
                ('type', ['file', 'directory', 'symlink', 'nonsense']),
                ('mode', ['0600', '0777', '1777']),
                ('uid', ['0', '7']), ('gid', ['0', '8']),
                ('write', ['append', 'overwrite', 'nonsense'])):
            if self.random.random() < 0.4:
                headers['X-LXD-' + header] = self.choose(*values)
        data = self.choose(b'', b'some', b'{"type": "sync"}', b'\0\xff')
        if headers.get('X-LXD-type') == 'symlink':
            data = b'f'  # a target that the kernel accepts
        return Call('POST', url, data=data, headers=headers)

    def execute(self):
        command = self.choose(
            ['true'], ['false'], ['echo', 'a', 'b'], ['cat', '/root/f'],
            ['cat', '/none'], ['env'], ['sh', '-c', 'echo a; exit 3'],
            ['sh', '-c', 'echo $A'], ['nonsense'], ['/none/x'],
            self.prefer(['true'], [], 'true', [1], None))
        body = {'command': command, 'record-output': True,
                'wait-for-websocket': False}
        for field, values in (
                ('environment', [{'A': 'b'}, {'HOME': '/tmp'}, {'A': 1}]),
                ('cwd', ['/tmp', '/none']), ('user', [0, 7]),
                ('group', [0, 8])):
            if self.random.random() < 0.15:
                body[field] = self.choose(*values)
        return Call('POST', self.path('exec'), body)

    # Images

    def images(self):
        number = self.choose(0, 0, 1)
        path = '/1.0/images/' + self.prefer(
            FINGERPRINTS[number], FINGERPRINTS[number][:12], 'none', 'f' * 64)
        headers = {}
        for header, values in (
                ('X-LXD-public', ['1', '0', 'true', 'nonsense']),
                ('X-LXD-filename', ['name']),
                ('X-LXD-properties', ['a=b&c=d%20e', 'a']),
                ('X-LXD-fingerprint', [FINGERPRINTS[0]])):
            if self.random.random() < 0.3:
                headers[header] = self.choose(*values)
        edit = self.choose({'public': True}, {'public': False}, {
            'properties': {'a': 'b'}}, {'auto_update': True},
            self.prefer({}, {'public': 'x'}, {'properties': 1}))
        return self.choose(
            Call('GET', '/1.0/images' + self.choose('', '?recursion=1')),
            Call('GET', path),
            Call('POST', '/1.0/images', data=self.prefer(
                IMAGES[number], b'', b'nonsense', IMAGES[number][:100]),
                headers=headers),
            Call('POST', '/1.0/images', data=IMAGES[number]),
            Call('PUT', path, edit=edit, etag=self.etag()),
            Call('PUT', path, edit), Call('PATCH', path, edit),
            Call('DELETE', path),
            Call('POST', '/1.0/images', {
                'public': self.choose(True, False),
                # The same image twice within a second exists already
                'properties': {'x': str(self.random.random())},
                'aliases': self.choose([], [{'name': 'published'}]),
                'source': self.choose(
                    {'type': self.choose('instance', 'container', 'snapshot',
                                         'nonsense'),
                     'name': self.choose('c1', 'c2', 'none')},
                    {'type': 'snapshot', 'name': 'c2/s1'})}))

    def aliases(self):
        path = '/1.0/images/aliases'
        any_alias = path + '/' + quote(self.choose(*ALIASES))
        # The alias of the instances' image is never deleted
        removable = path + '/' + quote(self.choose('a1', 'a/2', 'none'))
        target = self.choose(*FINGERPRINTS)
        return self.choose(
            Call('GET', path + self.choose('', '?recursion=1')),
            Call('GET', any_alias),
            Call('POST', path, self.prefer(
                {'name': self.choose(*ALIASES), 'target': target,
                 'description': self.text()},
                {'name': 'a1'}, {'target': target}, {}, [],
                {'name': 1, 'target': target})),
            Call('POST', path, {
                'name': self.choose(*ALIASES), 'target': target}),
            Call('PUT', removable, {
                'target': self.prefer(target, 'none', ''),
                'description': self.text()}, etag=self.etag()),
            Call('DELETE', removable),
            # LXD 5.0.2 takes 10 s to rename an alias; PATCH fails after 20 s
            Call('POST', any_alias, {'name': 'busybox'}),
            Call('POST', path + '/none', {'name': 'a3'}),
            Call('PATCH', path + '/none', {'description': self.text()}))

    # The rest

    def profiles(self):
        name = self.choose(*PROFILES)
        path = '/1.0/profiles'
        profile = '{}/{}'.format(path, self.prefer(name, 'none'))
        new = self.prefer(self.choose('p1', 'p2'), 'a b', 'a/b', '', u'\xfc',
                          'default', 1, '.')
        body = {'config': self.config(), 'devices': self.devices(),
                'description': self.text()}
        for field in list(body):
            if self.random.random() < 0.5:
                del body[field]
        return self.choose(
            Call('GET', path + self.choose('', '?recursion=1')),
            Call('GET', profile), Call('GET', profile),
            Call('POST', path, dict(body, name=new)),
            Call('POST', path, {'name': new}),
            # without its root disk no container can be created
            Call('PUT', profile, edit=body if name != 'default' else {
                'description': self.text()}, etag=self.etag()),
            Call('PATCH', profile, body if name != 'default' else {},
                 etag=self.etag()),
            Call('POST', profile, {'name': new}), Call('DELETE', profile))

    def networks(self):
        # Only ``lo``: the stand-in has no other interface of the host, and a
        # bridge takes a second; contract tests cover these
        return self.choose(
            Call('GET', '/1.0/networks/lo'), Call('GET', '/1.0/networks/none'),
            Call('DELETE', '/1.0/networks/none'),
            Call('PUT', '/1.0/networks/none', {}),
            Call('POST', '/1.0/networks/none', {'name': 'none2'}),
            Call('POST', '/1.0/networks', {'name': self.choose(
                '', 'x' * 16, 'a b', 1)}))

    def certificates(self):
        return self.choose(
            Call('GET', '/1.0/certificates' + self.choose('', '?recursion=1')),
            Call('GET', '/1.0/certificates/' + 'f' * 64),
            Call('DELETE', '/1.0/certificates/none'),
            Call('POST', '/1.0/certificates', self.choose(
                {}, {'type': 'client'}, {'type': 'nonsense'},
                {'type': 'client', 'certificate': 'nonsense'},
                {'type': 'client', 'name': 'n', 'token': True}, {'type': 1})))

    def server(self):
        return self.choose(
            Call('GET', '/1.0'), Call('GET', '/'),
            Call('PATCH', '/1.0', {'config': self.choose(
                {}, {'user.a': '1'}, {'nonsense': '1'})},
                etag=self.etag()))

    def operations(self):
        operation = '/1.0/operations/' + self.choose(
            'none', '12345678-1234-1234-1234-123456789abc')
        return self.choose(Call('GET', operation), Call('DELETE', operation),
                           Call('GET', operation + '/wait?timeout=1'))

    def wrong(self):
        path = self.choose(
            '/1.0', '/1.0/instances', self.path(), self.path('state'),
            self.path('snapshots'), self.path('snapshots', 's1'),
            self.path('exec'), '/1.0/images', '/1.0/images/aliases',
            '/1.0/images/' + FINGERPRINTS[0],
            '/1.0/profiles', '/1.0/profiles/p1', '/1.0/certificates',
            '/1.0/networks', '/1.0/networks/none', '/1.0/operations',
            '/1.0/nonsense', '/2.0', '/1.0/events')
        method = self.choose('PUT', 'PATCH', 'POST')
        # Not here: any bytes may be an image, a PUT of all instances changes
        # their states, and the other two have other messages for bad JSON
        if path in ('/1.0/images', '/1.0/instances') or path.endswith(
                ('exec', 's1')):
            path = '/1.0/profiles'
        return Call(method, path, data=self.choose(
            b'', b'{', b'[]', b'1', b'"x"', b'{"a": }', b'nonsense',
            b'{"name": [}', b'{"config": {"user.a": "1"}',
            # not null: it would remove all settings of the server
            b'{' if path == '/1.0' else b'null'))
