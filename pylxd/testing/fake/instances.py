"""Instances: how they are made, changed, run, moved, and their snapshots."""
from __future__ import unicode_literals

import collections
import contextlib
import random
import re
import threading
import uuid

import six
from six.moves.urllib import parse

from pylxd.testing.fake import golang, moves
from pylxd.testing.fake.config import check_config
from pylxd.testing.fake.daemon import NEVER, APIError, random_hex, timestamp
from pylxd.testing.fake.web import route, sync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List, Optional
    from pylxd.testing.fake.daemon import Daemon, Operation
    from pylxd.testing.fake.files import Tree
    from pylxd.testing.fake.web import Request


def _idmap(daemon):
    # type: (Daemon) -> str
    first, number = daemon.kind.idmap
    return ('[{{"Isuid":true,"Isgid":false,"Hostid":{0},"Nsid":0,"Maprange":'
            '{1}}},{{"Isuid":false,"Isgid":true,"Hostid":{0},"Nsid":0,'
            '"Maprange":{1}}}]'.format(first, number))


CODES = {'Stopped': 102, 'Running': 103, 'Frozen': 110}

_PUT = ('architecture:s config:m devices:d ephemeral:b profiles:l restore:s '
        'stateful:b description:s')
_DEVICES = ('none nic disk unix-char unix-block usb gpu infiniband proxy '
            'unix-hotplug tpm pci').split()


class Instance(object):
    """A container, running or not."""

    def __init__(self, daemon, name, config=None, devices=None, profiles=(),
                 ephemeral=False, architecture='', description='', tree=None):
        # type: (Daemon, str, Any, Any, Any, bool, str, str, Any) -> None
        self.daemon = daemon
        self.name = name
        self.config = dict(config or {})  # type: Dict[str, Any]
        self.devices = dict(devices or {})  # type: Dict[str, Any]
        self.profiles = list(profiles)  # type: List[str]
        self.ephemeral = ephemeral
        self.architecture = architecture or 'x86_64'  # type: str
        self.description = description
        self.created = timestamp()  # type: str
        self.used = '1970-01-01T00:00:00Z'  # type: str
        self.status = 'Stopped'  # type: str
        self.pid = 0  # type: int
        self.tree = tree  # type: Optional[Tree]
        self.snapshots = collections.OrderedDict(
        )  # type: Dict[str, Snapshot]
        self.logs = {}  # type: Dict[str, bytes]
        self.recover()

    def recover(self):
        # type: () -> None
        """Nothing is under way with it."""
        self.busy = None  # type: Optional[str]
        #: held from an ETag's test to the change
        self.turn = threading.Lock()  # type: Any
        self.executions = set()  # type: Any

    @property
    def path(self):
        # type: () -> str
        """Its own path, where events say it is."""
        return '/1.0/{}/{}'.format(
            home(self.daemon), self.name + self.daemon.suffix)

    @property
    def counts(self):
        # type: () -> List[Any]
        """What counts in its ETag."""
        return [self.architecture, self.config, self.devices, self.ephemeral,
                self.profiles]

    def expanded(self, field, own=None):
        # type: (str, Any) -> Dict[str, Any]
        """Its ``config`` or ``devices`` with those of its profiles."""
        result = {}  # type: Dict[str, Any]
        for name in self.profiles:
            result.update(self.daemon.profiles[name][field])
        result.update(getattr(self, field) if own is None else own)
        return result

    def render(self):
        # type: () -> Dict[str, Any]
        """What is sent of it."""
        fields = {
            'architecture': self.architecture, 'config': self.config,
            'devices': self.devices, 'ephemeral': self.ephemeral,
            'profiles': self.profiles, 'stateful': False,
            'description': self.description, 'created_at': self.created,
            'expanded_config': self.expanded('config'),
            'expanded_devices': self.expanded('devices'), 'name': self.name,
            'status': self.status, 'status_code': CODES[self.status],
            'last_used_at': self.used, 'location': 'none',
            'type': 'container', 'project': self.daemon.project}
        if not fields['expanded_devices']:
            del fields['expanded_devices']
        return fields

    def state(self):
        # type: () -> Dict[str, Any]
        """What it uses."""
        runs = self.status != 'Stopped'
        zero = {'bytes_received': 0, 'bytes_sent': 0, 'packets_received': 0,
                'packets_sent': 0, 'errors_received': 0, 'errors_sent': 0,
                'packets_dropped_outbound': 0, 'packets_dropped_inbound': 0}
        return {
            'status': self.status, 'status_code': CODES[self.status],
            'disk': {}, 'memory': {
                'usage': 667648 * runs, 'usage_peak': 1380352 * runs,
                'swap_usage': 0, 'swap_usage_peak': 0},
            'network': {'lo': {
                'addresses': [], 'counters': zero, 'hwaddr': '',
                'host_name': '', 'mtu': 65536, 'state': 'down',
                'type': 'loopback'}} if runs else None,
            'pid': self.pid * runs, 'processes': 2 * runs,
            'cpu': {'usage': 9613916 * runs}}

    @contextlib.contextmanager
    def working(self, action, operation=None):
        # type: (str, Any) -> Iterator[None]
        """Nothing else changes it meanwhile.

        :raises APIError: something else does
        """
        with self.daemon.lock:
            if self.busy:
                raise APIError(500, (
                    'Create restart operation: ' if action == 'restart' else
                    'Failed to create instance {} operation: '.format(action))
                    + 'Instance is busy running a "{}" operation'.format(
                        self.busy))
            self.busy = action
        try:
            if operation:
                self.daemon.dying.wait(operation.hold)
            yield
        finally:
            self.busy = None

    def prepare(self, template):
        # type: (str) -> None
        """Set the keys that a new one has, made in one of the ways."""
        for key in list(self.config):
            if key.startswith('volatile.') and key not in (
                    'volatile.base_image', 'volatile.last_state.idmap'):
                del self.config[key]
        self.config.setdefault('volatile.last_state.idmap', '[]')
        self.config.update({
            'volatile.apply_template': template,
            'volatile.cloud-init.instance-id': str(uuid.uuid4()),
            'volatile.idmap.base': '0',
            'volatile.idmap.next': _idmap(self.daemon),
            'volatile.uuid': str(uuid.uuid4())})
        if self.daemon.kind.wordy:
            self.config['volatile.uuid.generation'] = (
                self.config['volatile.uuid'])
        self.plug()

    def plug(self):
        # type: () -> None
        """Give each network card an address."""
        for name, device in self.expanded('devices').items():
            if device['type'] == 'nic' and 'hwaddr' not in device:
                self.config.setdefault(
                    'volatile.{}.hwaddr'.format(name),
                    '00:16:3e:{:02x}:{:02x}:{:02x}'.format(
                        *[random.randrange(256) for _ in range(3)]))

    def start(self):
        # type: () -> None
        """From now on it runs."""
        if self.tree is None:
            raise APIError(400, 'Failed to handle idmapped storage: No such '
                           'file or directory: "{}/storage-pools/default/'
                           'containers/{}/rootfs"'.format(
                               self.daemon.directory, self.name))
        self.config.pop('volatile.apply_template', None)
        self.config.update({
            'volatile.idmap.current': _idmap(self.daemon),
            'volatile.last_state.idmap': _idmap(self.daemon),
            'volatile.last_state.power': 'RUNNING'})
        self.status, self.used = 'Running', timestamp()
        self.pid = random.randrange(1000, 1 << 22)
        self.logs.update({'lxc.conf': b'', 'lxc.log': b''})

    def end(self):
        # type: () -> None
        """All that runs in it is over."""
        for run in list(self.executions):
            run.kill(9)

    def stop(self):
        # type: () -> None
        """It stands still, or vanishes."""
        self.status = 'Stopped'
        self.end()
        self.config['volatile.last_state.power'] = 'STOPPED'
        if self.ephemeral:
            self.daemon.instances.pop(self.name, None)


class Snapshot(object):
    """How an instance once was."""

    def __init__(self, instance, name, expires=NEVER):
        # type: (Instance, str, str) -> None
        rendered = instance.render()
        for key in ('config', 'devices', 'expanded_config',
                    'expanded_devices'):
            rendered[key] = dict(rendered.get(key) or {})
        self.fields = {key: rendered.get(key) for key in (
            'architecture', 'config', 'devices', 'ephemeral', 'stateful',
            'expanded_config', 'expanded_devices')}  # type: Dict[str, Any]
        self.fields.update(
            created_at=timestamp(), expires_at=expires, last_used_at=NEVER,
            name=name, profiles=list(instance.profiles), size=-1)
        if not instance.daemon.kind.twins:
            self.fields['description'] = ''
        self.tree = (instance.tree
                     and instance.tree.copy())  # type: Optional[Tree]

    def render(self, instance):
        # type: (Instance) -> Dict[str, Any]
        """What is sent of it: it has the profiles that its instance has
        now."""
        fields = dict(self.fields, profiles=instance.profiles)
        for field in ('config', 'devices'):
            fields['expanded_' + field] = instance.expanded(
                field, self.fields[field])
        return fields


def home(daemon):
    # type: (Daemon) -> str
    """The collection that URLs of instances are of."""
    return 'instances' if daemon.has('instances') else 'containers'


def concerned(daemon, *names):
    # type: (Daemon, *str) -> List[Any]
    """What an operation on instances says it works on."""
    kinds = [home(daemon)]
    if daemon.kind.by_type and kinds != ['containers']:
        kinds.append('containers')
    return [(kind, name) for kind in kinds for name in names]


def find(daemon, name, wordy=False):
    # type: (Daemon, str, bool) -> Instance
    """An instance.

    :raises APIError: there is none
    """
    try:
        return daemon.instances[name]
    except KeyError:
        raise APIError(404, (
            'Failed to fetch instance "{}" in project "default": '.format(
                name) if wordy or daemon.kind.wordy else '')
            + 'Instance not found')


def find_snapshot(daemon, name, snapshot):
    # type: (Daemon, str, str) -> Snapshot
    """A snapshot.

    :raises APIError: there is none
    """
    instance = find(daemon, name)
    try:
        return instance.snapshots[snapshot]
    except KeyError:
        raise APIError(404, 'Failed to fetch snapshot "{}" of instance "{}" '
                       'in project "default": {} not found'.format(
                           snapshot, name, 'Instance_snapshot' if
                           daemon.kind.wordy else 'InstanceSnapshot'))


def check_name(name):
    # type: (str) -> None
    """Refuse a name that no instance may have."""
    problem = (
        'must be 1-63 characters long' if not 1 <= len(name) <= 63 else
        'can only contain alphanumeric and hyphen characters'
        if not re.match('[-a-zA-Z0-9]+$', name) else
        'must not start with a number' if name[0].isdigit() else
        'must not start with "-" character' if name[0] == '-' else
        'must not end with "-" character' if name[-1] == '-' else '')
    if problem:
        raise APIError(400, 'Invalid instance name: Name ' + problem)


def without_empty(config):
    # type: (Optional[Dict[str, str]]) -> Dict[str, str]
    """A configuration, as it is kept."""
    return {key: value for key, value in (config or {}).items() if value}


def check_devices(daemon, devices):
    # type: (Daemon, Dict[str, Any]) -> None
    """Refuse devices that cannot be."""
    for name, device in devices.items():
        problem, status = '', 500
        if device.get('type') not in _DEVICES:
            problem = 'Failed loading device "{}": {}'.format(
                name, 'Unsupported device type' if device.get('type')
                else 'Missing device type in config')
        elif device['type'] == 'disk' and not device.get('path') and (
                not device.get('source')):
            problem = 'Disk entry is missing the required "source" or ' \
                '"path" property'
        elif device.get('network') and device['network'] not in (
                daemon.networks):
            problem, status = (
                'Failed loading device "{}": Failed to load network "{}" for '
                'project "default": Network not found'.format(
                    name, device['network']), 404)
        if problem:
            raise APIError(status, 'Device validation failed for "{}": {}'
                           .format(name, problem))


def check_profiles(daemon, names, text, status=404):
    # type: (Daemon, List[str], str, int) -> None
    """Refuse profiles that there are not."""
    for name in names:
        if name not in daemon.profiles:
            raise APIError(status, text.format(name))


# The collection

@route('GET', '/1.0/{instances}')
def _list(request, collection):
    # type: (Request, str) -> Any
    daemon = request.daemon
    kind = request.query.get('instance-type', {
        'containers': 'container', 'virtual-machines': 'virtual-machine'}.get(
            collection, ''))
    if kind not in ('', 'container', 'virtual-machine'):
        raise APIError(500, 'Invalid instance type')
    if kind == 'virtual-machine':
        return []
    with daemon.lock:
        instances = sorted(daemon.instances.values(), key=lambda i: i.name)
        depth = request.recursion()
        if not depth:
            return ['/1.0/{}/{}'.format(collection, one.name + daemon.suffix)
                    for one in instances]
        result = [one.render() for one in instances]
        if depth > 1:
            for one, fields in zip(instances, result):
                fields.update(
                    backups=None, state=one.state(),
                    snapshots=[shot.render(one) for shot in
                               one.snapshots.values()] or None)
        return sync(result)


@route('POST', '/1.0/{instances}')
def _create(request, collection):
    # type: (Request, str) -> Any
    daemon = request.daemon
    body = request.json('InstancesPost', 'name:s source:o type:s '
                        'instance_type:s ' + _PUT)
    source = body['source'] or {}
    if body['type'] not in ('', 'container', 'virtual-machine'):
        raise APIError(400, 'Invalid instance type')
    name = body['name'] or _new_name(daemon)
    if '/' in name:
        raise APIError(400, 'The character "/" is reserved for snapshots')
    makers = {'none': _from_nothing, 'image': _from_image, 'copy': _copy,
              'migration': _receive}
    kind = source.get('type', '')
    make = makers.get(kind)  # type: Any
    if kind in ('copy', 'image'):  # that there is no such source comes first
        make = make(request, name, body, source)
    if body['profiles'] is not None:
        check_profiles(daemon, body['profiles'],
                       'Requested profile "{}" doesn\'t exist', 500)
    check_name(name)
    if make is None:
        raise APIError(400, 'Unknown source type ' + kind)
    if name in daemon.instances and not daemon.kind.twins:
        raise APIError(500, 'Instance "{}" already exists'.format(name))
    if body['type'] == 'virtual-machine':
        def refuse(operation):
            # type: (Operation) -> None
            raise APIError(400, 'Failed creating instance record: Instance '
                           'type "virtual-machine" is not supported on this '
                           'server: vhost_vsock kernel module not loaded')
        return request.operation('Creating instance', refuse, [
            ('instances', name)])
    return make() if kind in ('copy', 'image') else make(
        request, name, body, source)


def _new_name(daemon):
    # type: (Daemon) -> str
    while True:
        name = '-'.join(random.choice(words.split()) for words in (
            'able brave calm eager fine glad keen proud',
            'ant bee cat dog eel fox gnu owl')) + str(random.randrange(1000))
        if name not in daemon.instances:
            return name


def _record(request, name, body, template, tree, config=None):
    # type: (Request, str, Any, str, Any, Any) -> Instance
    """Enter a new instance, with all that is checked in the background."""
    daemon = request.daemon
    failure = 'Failed creating instance record: '
    with daemon.lock:
        profiles = ['default'] if (
            body['profiles'] is None and template == 'create'
        ) else body['profiles'] or []
        instance = Instance(
            daemon, name, without_empty(dict(
                config or {}, **(body['config'] or {}))), body['devices'],
            profiles, body['ephemeral'], body['architecture'],
            body['description'], tree)
        try:
            check_config(daemon, body['config'] or {})
            for device in (body['devices'] or {}).values():
                if device.get('type') not in _DEVICES:
                    raise APIError(500, 'Invalid device type {}'.format(
                        device.get('type', '')))
            if name in daemon.instances:
                raise APIError(500, 'Add instance info to the database: This '
                               '"instances" entry already exists')
            failure += 'Failed initialising instance: '
            try:
                check_devices(daemon, body['devices'] or {})
            except APIError as error:
                raise APIError(500, 'Invalid devices: ' + six.text_type(error))
            devices = instance.expanded('devices')
            roots = [device for device in devices.values()
                     if device.get('path') == '/']
            if not roots:
                raise APIError(500, (
                    'Invalid devices: Failed detecting root disk device'
                    if devices else 'Failed getting root disk')
                    + ': No root device could be found')
            if roots[0].get('pool') != 'default':
                raise APIError(500, 'Failed loading storage pool: Storage '
                               'pool not found')
        except APIError as error:
            raise APIError(500, failure + six.text_type(error))
        instance.prepare(template)
        daemon.instances[name] = instance
    daemon.lifecycle('instance-created', instance.path, storage_pool='default',
                     type='container')
    return instance


def _from_nothing(request, name, body, source):
    # type: (Request, str, Any, Any) -> Operation
    return request.operation(
        'Creating instance',
        lambda operation: _record(request, name, body, 'create', None),
        concerned(request.daemon, name))


def _from_image(request, name, body, source):
    # type: (Request, str, Any, Any) -> Callable[[], Operation]
    from pylxd.testing.fake import images
    daemon = request.daemon
    fingerprint = source.get('fingerprint')
    if source.get('server'):
        pass
    elif source.get('alias'):
        fingerprint = images.find_alias(daemon, source['alias'])['target']
    elif not fingerprint:
        wanted = source.get('properties')
        if not wanted:
            raise APIError(500, 'Must specify one of alias, fingerprint or '
                           'properties for init from image')
        found = [one for one in daemon.images.values() if all(
            one.properties.get(key) == wanted[key] for key in wanted)]
        if not found:
            raise APIError(500, 'No matching image could be found')
        fingerprint = found[0].fingerprint

    def work(operation):
        # type: (Operation) -> None
        if source.get('server'):
            image = images.fetch(daemon, source, cached=True)
        else:
            try:
                image = images.find(daemon, fingerprint)
            except APIError:
                raise APIError(400, 'Image not provided for instance '
                               'creation')
        config = {'image.' + key: value
                  for key, value in image.properties.items()}
        config['volatile.base_image'] = image.fingerprint
        instance = _record(request, name, body, 'create', None, config)
        image.used = timestamp()
        operation.update({
            'create_instance_from_image_unpack_progress':
                'Unpack: 100% (50.00MB/s)',
            'progress': {'percent': '100', 'speed': '50000000',
                         'stage': 'create_instance_from_image_unpack'}})
        instance.tree = image.tree()
    return lambda: request.operation(
        'Creating instance', work, concerned(daemon, name))


def _copy(request, name, body, source):
    # type: (Request, str, Any, Any) -> Callable[[], Operation]
    daemon = request.daemon
    if not source.get('source'):
        raise APIError(400, 'Must specify a source instance')
    origin, _, snapshot = source['source'].partition('/')
    if origin not in daemon.instances or snapshot and (
            snapshot not in daemon.instances[origin].snapshots):
        if origin in daemon.instances:
            find_snapshot(daemon, origin, snapshot)
        find(daemon, source['source'], wordy=True)
    original = daemon.instances[origin]

    def work(operation):
        # type: (Operation) -> None
        if snapshot:
            shot = original.snapshots[snapshot]
            config, tree = shot.fields['config'], shot.tree
        else:
            config, tree = original.config, original.tree
        for field in ('architecture',):
            body[field] = body[field] or original.architecture
        devices = dict(original.devices)
        devices.update(body['devices'] or {})
        body['devices'] = devices
        copy = _record(request, name, body, 'copy', tree and tree.copy(),
                       dict(config))
        if not snapshot and not source.get('instance_only') and (
                not source.get('container_only')):
            copy.snapshots = collections.OrderedDict(original.snapshots)
    return lambda: request.operation('Creating instance', work, concerned(
        daemon, name, source['source']))


def _receive(request, name, body, source):
    # type: (Request, str, Any, Any) -> Operation
    daemon = request.daemon
    if source.get('mode') not in ('pull', 'push'):
        raise APIError(501, 'Mode "{}" not implemented'.format(
            source.get('mode', '')))
    if not body['architecture']:
        raise APIError(400, "Architecture isn't supported: ")
    secrets = None
    if source['mode'] == 'push':
        secrets = {key: random_hex() for key in ('control', 'fs')}

    def work(operation):
        # type: (Operation) -> None
        instance = _record(request, name, body, 'copy', None)
        try:
            moves.receive(operation, source, instance)
        except BaseException:
            daemon.instances.pop(name, None)
            raise
    return request.operation('Creating instance', work,
                             concerned(daemon, name), secrets=secrets,
                             metadata=secrets)


# One instance

@route('GET', '/1.0/{instances}/{}')
def _get(request, collection, name):
    # type: (Request, str, str) -> Any
    with request.daemon.lock:
        instance = find(request.daemon, name)
        fields = instance.render()
        if request.recursion():
            fields.update(
                backups=None, state=instance.state(), snapshots=[
                    shot.render(instance) for shot in
                    instance.snapshots.values()] or None)
        return sync(fields, etag=instance.counts)


@route('PUT', '/1.0/{instances}/{}')
def _put(request, collection, name):
    # type: (Request, str, str) -> Any
    daemon = request.daemon
    instance = find(daemon, name)
    turn = instance.turn
    turn.acquire()
    try:
        request.match(instance.counts)
        body = request.json('InstancePut', _PUT)
        if body['restore']:
            return _restore(request, instance, body['restore'], turn.release)
        check_profiles(daemon, body['profiles'] or [], 'Profile not found')
        return request.operation(
            'Updating instance',
            lambda operation: _update(instance, body, operation),
            concerned(daemon, name), after=turn.release)
    except BaseException:
        turn.release()
        raise


@route('PATCH', '/1.0/{instances}/{}')
def _patch(request, collection, name):
    # type: (Request, str, str) -> Any
    instance = find(request.daemon, name)
    with instance.turn:
        request.match(instance.counts)
        given = golang.decode(request.text, 'shared.Jmap', '')
        body = request.json('InstancePut', _PUT)
        for field in ('architecture', 'ephemeral', 'profiles'):
            if given.get(field) is None:
                body[field] = getattr(instance, field)
        for field in ('config', 'devices'):
            body[field] = dict(getattr(instance, field), **(body[field] or {}))
        check_profiles(request.daemon, body['profiles'], 'Profile not found')
        _update(instance, body)
    return {}


def _update(instance, body, operation=None):
    # type: (Instance, Dict[str, Any], Any) -> None
    daemon = instance.daemon
    with instance.working('update', operation):
        with daemon.lock:
            config = without_empty(body['config'])
            try:
                check_config(daemon, config)
            except APIError as error:
                raise APIError(500, 'Invalid config: ' + six.text_type(error))
            devices = body['devices'] or {}
            try:
                check_devices(daemon, devices)
            except APIError as error:
                raise APIError(
                    error.status, 'Invalid devices: ' + six.text_type(error))
            for name, device in devices.items():
                pool = device.get('pool', 'default')
                if pool != 'default' and device.get('path') == '/':
                    raise APIError(500, 'Cannot update root disk device pool '
                                   'name to "{}"'.format(pool))
                if pool != 'default':
                    raise APIError(404, 'Failed add validation for device '
                                   '"{}": Failed to get storage pool "{}": '
                                   'Storage pool not found'.format(name, pool))
            for key in instance.config:
                if key not in config and re.match(
                        r'volatile\.(idmap\.|last_state\.idmap)', key):
                    raise APIError(500, "Volatile idmap keys can't be "
                                   "deleted by the user")
            instance.config = config
            instance.devices = devices
            instance.profiles = body['profiles'] or []
            instance.ephemeral = body['ephemeral']
            instance.architecture = (
                body['architecture'] or instance.architecture)
            instance.description = body['description']
            instance.plug()
    daemon.lifecycle('instance-updated', instance.path)


def _restore(request, instance, name, after):
    # type: (Request, Instance, str, Any) -> Operation
    daemon = request.daemon

    def work(operation):
        # type: (Operation) -> None
        shot = instance.snapshots.get(name)
        if shot is None:
            raise APIError(400, 'Snapshot {}/{} does not exist'.format(
                instance.name, name))
        with instance.working('restore', operation):
            for field in ('config', 'devices'):
                setattr(instance, field, dict(shot.fields[field]))
            for field in ('architecture', 'ephemeral'):
                setattr(instance, field, shot.fields[field])
            instance.description = ''
            instance.tree = shot.tree and shot.tree.copy()
            if instance.status != 'Stopped':
                instance.start()
                daemon.lifecycle('instance-started', instance.path)
        daemon.lifecycle('instance-restored', instance.path,
                         snapshot=instance.name + '/' + name)
    return request.operation(
        'Restoring snapshot', work, concerned(daemon, instance.name),
        after=after)


@route('POST', '/1.0/{instances}/{}')
def _rename(request, collection, name):
    # type: (Request, str, str) -> Any
    daemon = request.daemon
    instance = find(daemon, name)
    golang.decode(request.text, 'shared.Jmap', '')
    body = request.json('InstancePost', 'name:s migration:b live:b '
                        'instance_only:b container_only:b target:j')
    if body['migration']:
        if instance.status != 'Stopped':
            raise APIError(500, "Unable to perform container live migration. "
                           "CRIU isn't installed on the source server")
        return moves.offer(request, 'Migrating instance', instance, body)
    new = body['name'] or name
    if new in daemon.instances:
        raise APIError(409, 'Name "{}" already in use'.format(new))
    check_name(new)

    def work(operation):
        # type: (Operation) -> None
        if instance.status != 'Stopped':
            raise APIError(400, 'Renaming of running container not allowed')
        with instance.working('rename', operation), daemon.lock:
            del daemon.instances[name]
            instance.name = new
            daemon.instances[new] = instance
            instance.config['volatile.apply_template'] = 'rename'
        daemon.lifecycle('instance-renamed', instance.path, old_name=name)
    return request.operation('Renaming instance', work,
                             concerned(daemon, name))


@route('DELETE', '/1.0/{instances}/{}')
def _delete(request, collection, name):
    # type: (Request, str, str) -> Any
    daemon = request.daemon
    instance = find(daemon, name)
    if instance.status != 'Stopped':
        raise APIError(400, 'Instance is running')

    def work(operation):
        # type: (Operation) -> None
        with instance.working('delete', operation):
            daemon.instances.pop(instance.name, None)
        daemon.lifecycle('instance-deleted', instance.path)
    return request.operation('Deleting instance', work,
                             concerned(daemon, name))


@route('GET', '/1.0/{instances}/{}/state')
def _get_state(request, collection, name):
    # type: (Request, str, str) -> Any
    return find(request.daemon, name).state()


_ACTIONS = {  # what it is called, the event
    'start': ('Starting', 'started'), 'stop': ('Stopping', 'stopped'),
    'restart': ('Restarting', 'restarted'), 'freeze': ('Freezing', 'paused'),
    'unfreeze': ('Unfreezing', 'resumed')}


@route('PUT', '/1.0/{instances}/{}/state')
def _put_state(request, collection, name):
    # type: (Request, str, str) -> Any
    daemon = request.daemon
    instance = find(daemon, name)
    body = request.json('InstanceStatePut',
                        'action:s timeout:i force:b stateful:b')
    action = body['action']
    if action not in _ACTIONS:
        raise APIError(400, "Unknown action: '{}'".format(action))

    def work(operation):
        # type: (Operation) -> None
        stopped = instance.status == 'Stopped'
        problem = {
            'start': not stopped and 'The instance is already running',
            'stop': stopped and 'The instance is already stopped',
            'restart': stopped and 'The instance is already stopped',
            'freeze': stopped and "The container isn't running" or (
                instance.status == 'Frozen'
                and 'The container is already frozen'),
            'unfreeze': stopped and "The container isn't running" or (
                instance.status == 'Running'
                and 'The container is already running')}[action]
        if problem and not instance.busy:
            raise APIError(400, problem)
        with instance.working(action, operation):
            if action == 'stop' and not body['force'] and (
                    instance.status == 'Frozen' or 'lxc.signal.halt'
                    in instance.expanded('config').get('raw.lxc', '')):
                daemon.dying.wait(max(0, body['timeout']))
                instance.status = 'Running'
                raise APIError(
                    400, 'Failed shutting down instance, status is "Running":'
                    ' shutting down the container failed')
            if action == 'start' and (
                    instance.config['volatile.last_state.idmap']
                    != _idmap(daemon)):
                operation.update({'container_progress': ''})
            if action in ('start', 'restart'):
                instance.end()
                instance.start()
            elif action == 'stop':
                instance.stop()
            else:
                instance.status = (
                    'Frozen' if action == 'freeze' else 'Running')
        daemon.lifecycle('instance-' + _ACTIONS[action][1], instance.path,
                         request.requestor)
    return request.operation(_ACTIONS[action][0] + ' instance', work, [
        (home(daemon), name)])


# Snapshots

@route('GET', '/1.0/{instances}/{}/snapshots')
def _list_snapshots(request, collection, name):
    # type: (Request, str, str) -> Any
    instance = find(request.daemon, name)
    if request.recursion():
        return [shot.render(instance)
                for shot in instance.snapshots.values()]
    return [instance.path + '/snapshots/' + parse.quote(
                shot.encode('utf-8'), '')
            for shot in instance.snapshots]


@route('POST', '/1.0/{instances}/{}/snapshots')
def _create_snapshot(request, collection, name):
    # type: (Request, str, str) -> Any
    daemon = request.daemon
    instance = find(daemon, name)
    body = request.json('InstanceSnapshotsPost',
                        'name:s stateful:b expires_at:j')
    new = body['name']
    if not new:
        count = 0
        while 'snap{}'.format(count) in instance.snapshots:
            count += 1
        new = 'snap{}'.format(count)
    if '/' in new:
        raise APIError(400, 'Invalid snapshot name: Cannot contain "/"')

    def work(operation):
        # type: (Operation) -> None
        if body['stateful']:
            raise APIError(400, 'Unable to create a stateful snapshot. ' + (
                "The instance isn't running" if instance.status == 'Stopped'
                else "CRIU isn't installed"))
        problem = (
            'Invalid instance snapshot name: Cannot contain space or / '
            'characters' if ' ' in new else
            'Add snapshot info to the database: This "instances_snapshots" '
            'entry already exists' if new in instance.snapshots else '')
        if problem:
            raise APIError(400, 'Failed creating instance snapshot record '
                           '"{}": {}'.format(new, problem))
        with daemon.lock:
            instance.snapshots[new] = Snapshot(
                instance, new, body['expires_at'] or NEVER)
        daemon.lifecycle('instance-snapshot-created',
                         instance.path + '/snapshots/' + new)
        for event in ('paused', 'resumed'):
            if instance.status == 'Running':
                daemon.lifecycle('instance-' + event, instance.path,
                                 request.requestor)
    resources = concerned(daemon, name)
    if daemon.kind.wordy:
        resources.append(('instances_snapshots', name, new))
    return request.operation('Snapshotting instance', work, resources)


@route('GET', '/1.0/{instances}/{}/snapshots/{}')
def _get_snapshot(request, collection, name, snapshot):
    # type: (Request, str, str, str) -> Any
    shot = find_snapshot(request.daemon, name, snapshot)
    return sync(shot.render(find(request.daemon, name)),
                etag=[shot.fields['expires_at']])


@route('PUT', '/1.0/{instances}/{}/snapshots/{}')
@route('PATCH', '/1.0/{instances}/{}/snapshots/{}')
def _put_snapshot(request, collection, name, snapshot):
    # type: (Request, str, str, str) -> Any
    shot = find_snapshot(request.daemon, name, snapshot)
    request.match([shot.fields['expires_at']])
    body = request.json('InstanceSnapshotPut', 'expires_at:j')
    return request.operation(
        'Updating snapshot', lambda operation: shot.fields.update(
            expires_at=body['expires_at'] or (
                shot.fields['expires_at'] if request.method == 'PATCH'
                else NEVER)),
        concerned(request.daemon, snapshot))


@route('POST', '/1.0/{instances}/{}/snapshots/{}')
def _rename_snapshot(request, collection, name, snapshot):
    # type: (Request, str, str, str) -> Any
    daemon = request.daemon
    shot = find_snapshot(daemon, name, snapshot)
    instance = find(daemon, name)
    body = request.json('InstanceSnapshotPost', 'name:s migration:b target:j '
                        'live:b')
    if body['migration']:
        return moves.offer(request, 'Transferring snapshot', instance, body,
                           shot)
    new = body['name']
    if '/' in new:
        raise APIError(400, 'Invalid snapshot name: Cannot contain "/"')
    if new in instance.snapshots:
        raise APIError(409, "Name '{}/{}' already in use".format(name, new))

    def work(operation):
        # type: (Operation) -> None
        if not new:
            raise APIError(400, 'Rename instance snapshot: Failed to rename')
        with daemon.lock:
            instance.snapshots = collections.OrderedDict(
                (new if key == snapshot else key, value)
                for key, value in instance.snapshots.items())
            shot.fields['name'] = new
        daemon.lifecycle(
            'instance-snapshot-renamed', instance.path + '/snapshots/' + new,
            old_name=name + '/' + snapshot)
    return request.operation('Renaming snapshot', work,
                             concerned(daemon, name))


@route('DELETE', '/1.0/{instances}/{}/snapshots/{}')
def _delete_snapshot(request, collection, name, snapshot):
    # type: (Request, str, str, str) -> Any
    daemon = request.daemon
    find_snapshot(daemon, name, snapshot)
    instance = find(daemon, name)

    def work(operation):
        # type: (Operation) -> None
        instance.snapshots.pop(snapshot, None)
        daemon.lifecycle('instance-snapshot-deleted',
                         instance.path + '/snapshots/' + snapshot)
    return request.operation('Deleting snapshot', work, concerned(
        daemon, name + '/' + snapshot))
