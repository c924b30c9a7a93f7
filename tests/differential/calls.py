"""Random calls of the API: good ones, useless ones and wrong ones.

There are few names, so that calls often meet what earlier ones have made.
What is left out, and why, stands where it would be made.
"""
import collections
import gzip
import hashlib
import io
import tarfile

from six.moves.urllib import parse

from pylxd.testing import image

#: One call. ``edit`` is a body made of what GET answers before and these
#: changes; ``etag`` an If-Match header, where RIGHT is the one that GET gives.
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
    """That of the kits with one file more."""
    packed = io.BytesIO(gzip.decompress(image.build_busybox_image()))
    with tarfile.open(fileobj=packed, mode='a',
                      format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo('rootfs/' + name))
    return packed.getvalue()


IMAGES = [_image('one'), _image('two')]
FINGERPRINTS = [hashlib.sha256(data).hexdigest() for data in IMAGES]


#: What each walk begins with, that there is something to work with.
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
    """An endless walk, the same for the same random numbers."""

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
            yield self.one(*kinds)()

    def one(self, *choices):
        return self.random.choice(choices)

    def seldom(self, usual, *others):
        """Mostly the first."""
        return usual if self.random.random() < 0.85 else self.one(*others)

    # Names

    def container(self):
        return self.seldom(self.one(*INSTANCES), *BAD_INSTANCES)

    def path(self, *more):
        kind = self.seldom('instances', 'containers')
        # A bad name in a path is simply not found
        name = self.seldom(self.one('c1', *INSTANCES), 'none')
        return '/'.join(('/1.0', kind, name) + more)

    # Parts of bodies

    def config(self):
        return self.one({}, {'user.a': '1'}, {'user.a': '2', 'user.b': ''},
                        {'user.c': u'\xfc'}, {'limits.cpu': '1'},
                        {'boot.autostart': 'false'},
                        self.seldom({}, {'nonsense': '1'}, {'user.a': 1},
                                    {'boot.autostart': 'perhaps'}, [], 'x',
                                    None))

    def devices(self):
        return self.one({}, {'nothing': {'type': 'none'}}, self.seldom(
            {}, {'d': {'type': 'nonsense'}}, {'d': {}}, {'d': 'x'}, [],
            {'d': {'type': 'disk'}}, None,
            {'d': {'type': 'nic', 'network': 'none'}}))

    def some_profiles(self):
        return self.one(['default'], ['default', 'p1'], ['default', 'p2'],
                        # without the root of `default` nothing works
                        self.seldom(['default'], ['none'], 'default',
                                    ['default', 1]))

    def etag(self):
        return self.one(None, None, RIGHT, 'wrong')

    def text(self):
        return self.one('', 'some', u'\xfc \u20ac', 1)

    # Instances

    def instances(self):
        if self.random.random() < 0.2:
            return Call('GET', self.one(
                '/1.0/virtual-machines', '/1.0/containers?recursion=1',
                '/1.0/instances', '/1.0/instances?recursion=1',
                '/1.0/instances?recursion=2',
                '/1.0/instances?instance-type=container',
                '/1.0/instances?instance-type=nonsense'))
        body = {'name': self.container(), 'source': self.one(
            {'type': 'none'}, {'type': 'image', 'alias': 'busybox'},
            {'type': 'image', 'alias': 'busybox'},
            {'type': 'image', 'alias': self.one(*ALIASES)},
            {'type': 'image', 'fingerprint': self.one(*FINGERPRINTS)},
            {'type': 'copy', 'source': self.one(*INSTANCES)},
            {'type': 'copy', 'source': '{}/{}'.format(
                self.one(*INSTANCES), self.one(*SNAPSHOTS))},
            self.seldom({'type': 'none'}, {'type': 'nonsense'}, {}, 'x', None,
                        {'type': 'image'}, {'type': 'copy'}))}
        for field, make in (('config', self.config), ('ephemeral', lambda:
                            self.one(True, False, 'x')),
                            ('devices', self.devices),
                            ('profiles', self.some_profiles),
                            ('description', self.text)):
            if self.random.random() < 0.2:
                body[field] = make()
        # The server's own choice of a name is another one each time
        if self.random.random() < 0.05:
            del body['source']
        return Call('POST', '/1.0/' + self.seldom('instances', 'containers'),
                    body)

    def instance(self):
        method = self.one('GET', 'PUT', 'PUT', 'PATCH', 'PATCH',
                          self.one('POST', 'DELETE'))
        path = self.path()
        if method == 'GET':
            return Call('GET', path + self.seldom('', '?recursion=1'))
        if method == 'POST':
            return Call('POST', path, {'name': self.container()})
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
        action = self.seldom(self.one(
            'start', 'start', 'start', 'stop', 'restart', 'freeze',
            'unfreeze', 'unfreeze'),
            'nonsense', 1)
        # Without force, what a shutdown does is up to init and the load
        body = {'action': action, 'force': True, 'timeout': 30}
        return Call('PUT', path, self.seldom(body, {'action': 'start'}, {}, 1))

    def snapshots(self):
        name = self.one(*SNAPSHOTS)
        path = self.path('snapshots')
        one = path + '/' + name
        return self.one(
            Call('POST', path, {'name': self.seldom(
                name, 'a b', 'a/b', '', 1, u'\xfc')}),
            Call('POST', path, {'name': name}),
            Call('GET', path + self.one('', '?recursion=1')),
            Call('GET', one),
            Call('POST', one, {'name': self.one('s1', 's2', 's3')}),
            Call('DELETE', one),
            Call('PUT', self.path(), {'restore': name}),
            Call('PUT', one, self.one({}, {
                'expires_at': '2100-01-01T00:00:00Z'}), etag=self.etag()))

    # Inside of instances

    def files(self):
        where = '{}?path={}'.format(self.path('files'), quote(
            self.one(*PATHS)))
        method = self.one('GET', 'POST', 'POST', 'DELETE')
        if method != 'POST':
            # Nobody wants to know what remains of a container without /
            return Call(method, where + ('root/d' if where.endswith('%2F')
                                         and method == 'DELETE' else ''))
        headers = {}
        for header, values in (
                ('type', ['file', 'directory', 'symlink', 'nonsense']),
                ('mode', ['0600', '0777', '1777']),
                ('uid', ['0', '7']), ('gid', ['0', '8']),
                ('write', ['append', 'overwrite', 'nonsense'])):
            if self.random.random() < 0.4:
                headers['X-LXD-' + header] = self.one(*values)
        data = self.one(b'', b'some', b'{"type": "sync"}', b'\0\xff')
        if headers.get('X-LXD-type') == 'symlink':
            data = b'f'  # not what the kernel refuses
        return Call('POST', where, data=data, headers=headers)

    def execute(self):
        command = self.one(
            ['true'], ['false'], ['echo', 'a', 'b'], ['cat', '/root/f'],
            ['cat', '/none'], ['env'], ['sh', '-c', 'echo a; exit 3'],
            ['sh', '-c', 'echo $A'], ['nonsense'], ['/none/x'],
            self.seldom(['true'], [], 'true', [1], None))
        body = {'command': command, 'record-output': True,
                'wait-for-websocket': False}
        for field, values in (
                ('environment', [{'A': 'b'}, {'HOME': '/tmp'}, {'A': 1}]),
                ('cwd', ['/tmp', '/none']), ('user', [0, 7]),
                ('group', [0, 8])):
            if self.random.random() < 0.15:
                body[field] = self.one(*values)
        return Call('POST', self.path('exec'), body)

    # Images

    def images(self):
        number = self.one(0, 0, 1)
        path = '/1.0/images/' + self.seldom(
            FINGERPRINTS[number], FINGERPRINTS[number][:12], 'none', 'f' * 64)
        headers = {}
        for header, values in (
                ('X-LXD-public', ['1', '0', 'true', 'nonsense']),
                ('X-LXD-filename', ['name']),
                ('X-LXD-properties', ['a=b&c=d%20e', 'a']),
                ('X-LXD-fingerprint', [FINGERPRINTS[0]])):
            if self.random.random() < 0.3:
                headers[header] = self.one(*values)
        edit = self.one({'public': True}, {'public': False}, {
            'properties': {'a': 'b'}}, {'auto_update': True},
            self.seldom({}, {'public': 'x'}, {'properties': 1}))
        return self.one(
            Call('GET', '/1.0/images' + self.one('', '?recursion=1')),
            Call('GET', path),
            Call('POST', '/1.0/images', data=self.seldom(
                IMAGES[number], b'', b'nonsense', IMAGES[number][:100]),
                headers=headers),
            Call('POST', '/1.0/images', data=IMAGES[number]),
            Call('PUT', path, edit=edit, etag=self.etag()),
            Call('PUT', path, edit), Call('PATCH', path, edit),
            Call('DELETE', path),
            Call('POST', '/1.0/images', {
                'public': self.one(True, False),
                # twice the same within a second would exist already
                'properties': {'x': str(self.random.random())},
                'aliases': self.one([], [{'name': 'published'}]),
                'source': self.one(
                    {'type': self.one('instance', 'container', 'snapshot',
                                      'nonsense'),
                     'name': self.one('c1', 'c2', 'none')},
                    {'type': 'snapshot', 'name': 'c2/s1'})}))

    def aliases(self):
        path = '/1.0/images/aliases'
        one = path + '/' + quote(self.one(*ALIASES))
        # what the instances are made of stays
        mine = path + '/' + quote(self.one('a1', 'a/2', 'none'))
        target = self.one(*FINGERPRINTS)
        return self.one(
            Call('GET', path + self.one('', '?recursion=1')),
            Call('GET', one),
            Call('POST', path, self.seldom(
                {'name': self.one(*ALIASES), 'target': target,
                 'description': self.text()},
                {'name': 'a1'}, {'target': target}, {}, [],
                {'name': 1, 'target': target})),
            Call('POST', path, {'name': self.one(*ALIASES), 'target': target}),
            Call('PUT', mine, {'target': self.seldom(target, 'none', ''),
                               'description': self.text()}, etag=self.etag()),
            Call('DELETE', mine),
            # LXD 5.0.2 renames one in 10 s, and fails to patch one in 20
            Call('POST', one, {'name': 'busybox'}),
            Call('POST', path + '/none', {'name': 'a3'}),
            Call('PATCH', path + '/none', {'description': self.text()}))

    # The rest

    def profiles(self):
        name = self.one(*PROFILES)
        path = '/1.0/profiles'
        one = '{}/{}'.format(path, self.seldom(name, 'none'))
        new = self.seldom(self.one('p1', 'p2'), 'a b', 'a/b', '', u'\xfc',
                          'default', 1, '.')
        body = {'config': self.config(), 'devices': self.devices(),
                'description': self.text()}
        for field in list(body):
            if self.random.random() < 0.5:
                del body[field]
        return self.one(
            Call('GET', path + self.one('', '?recursion=1')),
            Call('GET', one), Call('GET', one),
            Call('POST', path, dict(body, name=new)),
            Call('POST', path, {'name': new}),
            # without its root no container can be made any more
            Call('PUT', one, edit=body if name != 'default' else {
                'description': self.text()}, etag=self.etag()),
            Call('PATCH', one, body if name != 'default' else {},
                 etag=self.etag()),
            Call('POST', one, {'name': new}), Call('DELETE', one))

    def networks(self):
        # The machine's own networks are not the stand-in's, and bridges take
        # a second each: these have their tests
        return self.one(
            Call('GET', '/1.0/networks/lo'), Call('GET', '/1.0/networks/none'),
            Call('DELETE', '/1.0/networks/none'),
            Call('PUT', '/1.0/networks/none', {}),
            Call('POST', '/1.0/networks/none', {'name': 'none2'}),
            Call('POST', '/1.0/networks', {'name': self.one(
                '', 'x' * 16, 'a b', 1)}))

    def certificates(self):
        return self.one(
            Call('GET', '/1.0/certificates' + self.one('', '?recursion=1')),
            Call('GET', '/1.0/certificates/' + 'f' * 64),
            Call('DELETE', '/1.0/certificates/none'),
            Call('POST', '/1.0/certificates', self.one(
                {}, {'type': 'client'}, {'type': 'nonsense'},
                {'type': 'client', 'certificate': 'nonsense'},
                {'type': 'client', 'name': 'n', 'token': True}, {'type': 1})))

    def server(self):
        return self.one(
            Call('GET', '/1.0'), Call('GET', '/'),
            Call('PATCH', '/1.0', {'config': self.one(
                {}, {'user.a': '1'}, {'nonsense': '1'})},
                etag=self.etag()))

    def operations(self):
        one = '/1.0/operations/' + self.one(
            'none', '12345678-1234-1234-1234-123456789abc')
        return self.one(Call('GET', one), Call('DELETE', one),
                        Call('GET', one + '/wait?timeout=1'))

    def wrong(self):
        path = self.one(
            '/1.0', '/1.0/instances', self.path(), self.path('state'),
            self.path('snapshots'), self.path('snapshots', 's1'),
            self.path('exec'), '/1.0/images', '/1.0/images/aliases',
            '/1.0/images/' + FINGERPRINTS[0],
            '/1.0/profiles', '/1.0/profiles/p1', '/1.0/certificates',
            '/1.0/networks', '/1.0/networks/none', '/1.0/operations',
            '/1.0/nonsense', '/2.0', '/1.0/events')
        method = self.one('PUT', 'PATCH', 'POST')
        # Any bytes may be an image, the states of all instances are not
        # changed at once, and these two have other words for bad JSON
        if path in ('/1.0/images', '/1.0/instances') or path.endswith(
                ('exec', 's1')):
            path = '/1.0/profiles'
        return Call(method, path, data=self.one(
            b'', b'{', b'[]', b'1', b'"x"', b'{"a": }', b'nonsense',
            b'{"name": [}', b'{"config": {"user.a": "1"}',
            # which takes all settings from the server itself
            b'{' if path == '/1.0' else b'null'))
