"""Instances: containers, virtual machines, and their snapshots."""
import codecs

import six

from pylxd import exceptions
from pylxd.core import operation
from pylxd.transport import rest
from pylxd.models.instance_files import FilesManager
from pylxd.models.image import Image
from pylxd.core.manager import M, Manager
from pylxd.core.model import Named, State, attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import (
        Any, Callable, Dict, List, Optional, Sequence, Tuple)
    from pylxd.transport.rest import Node
    from pylxd.client import Client


class InstanceState(State):
    """What an instance does: ``status``, ``network``, ``memory``, ..."""


class ContainerState(InstanceState):
    """The state of a container."""


class ExecuteResult(tuple):  # type: ignore[type-arg]
    """What a command wrote, ``(stdout, stderr)``, and how it ended."""

    exit_code = 0
    stdout = property(lambda self: self[0], doc='What it wrote.')
    stderr = property(lambda self: self[1], doc='Its errors.')

    def __new__(cls, exit_code, stdout, stderr):
        # type: (int, Any, Any) -> ExecuteResult
        made = super(ExecuteResult, cls).__new__(  # type: ignore[type-var]
            cls, (stdout, stderr))
        made.exit_code = exit_code
        return made

    def __getnewargs__(self):  # type: ignore[override]
        # type: () -> Tuple[Any, ...]
        return (self.exit_code,) + tuple(self)

    def __repr__(self):
        # type: () -> str
        return ('ExecuteResult(exit_code={!r}, stdout={!r}, stderr={!r})'
                .format(self.exit_code, self[0], self[1]))


class Instance(Named):
    """A container or a virtual machine.

    Endpoint: ``/1.0/instances/NAME``, or by type on servers without the
    ``instances`` extension.
    """

    #: What is listed and created: ``container``, ``virtual-machine``; both
    #: where it is empty.
    instance_type = ''
    FilesManager = FilesManager  # type: Any

    name = attribute(readonly=True)  # type: str
    architecture = attribute(str)  # type: str
    config = attribute(dict)  # type: Dict[str, str]
    created_at = attribute(readonly=True)  # type: str
    description = attribute(str)  # type: str
    devices = attribute(dict)  # type: Dict[str, Dict[str, str]]
    ephemeral = attribute(bool)  # type: bool
    expanded_config = attribute(readonly=True)  # type: Dict[str, str]
    expanded_devices = attribute(
        readonly=True)  # type: Dict[str, Dict[str, str]]
    last_used_at = attribute(readonly=True)  # type: str
    location = attribute(readonly=True)  # type: str
    profiles = attribute(list)  # type: List[str]
    project = attribute(readonly=True)  # type: str
    stateful = attribute(readonly=True)  # type: bool
    status = attribute(readonly=True)  # type: str
    status_code = attribute(readonly=True)  # type: int
    type = attribute(readonly=True)  # type: str

    @classmethod
    def _collection(cls, client):
        # type: (Client) -> Tuple[Node, Dict[str, str]]
        path, params = client.dialect.instances(cls.instance_type)
        return client.api[path], params

    @property
    def files(self):
        # type: () -> Any
        """The files inside of it."""
        return self.FilesManager(self.client, self)

    @property
    def snapshots(self):
        # type: () -> Snapshots
        """Its snapshots, by bare name."""
        return Snapshots(self)

    # -- state

    def state(self):
        # type: () -> InstanceState
        """Get what it does now: addresses, memory, and processes.

        Endpoint: ``GET .../state``.
        """
        return ContainerState(rest.metadata(self.api.state.get()))

    def start(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Start it.

        :param timeout: seconds that the server gives it.
        :param force: no matter for this action.
        :param wait: return when it runs; its attributes are then fresh.
        :raises LXDAPIException: the server refused, or (with ``wait``) it
            failed.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('start', timeout, force, wait)

    def stop(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Stop it.

        :param timeout: seconds that the server gives it to end by itself.
        :param force: end it at once.
        :param wait: return when it is stopped; its attributes are then
            fresh (an ephemeral one is gone).
        :raises LXDAPIException: the server refused, or (with ``wait``) it
            failed.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('stop', timeout, force, wait)

    def restart(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Stop and start it; arguments as with `stop`."""
        self._set_state('restart', timeout, force, wait)

    def freeze(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Suspend its processes; arguments as with `start`."""
        self._set_state('freeze', timeout, force, wait)

    def unfreeze(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Resume its processes; arguments as with `start`."""
        self._set_state('unfreeze', timeout, force, wait)

    def _set_state(self, action, timeout, force, wait):
        # type: (str, int, bool, bool) -> None
        self._settle()
        response = self.api.state.put(json={
            'action': action, 'timeout': int(timeout), 'force': bool(force)})
        operation.begun(self.client, response, wait)
        self._expire()

    def rename(self, name, wait=False):
        # type: (str, bool) -> Any
        """Rename it, stopped as it must be; see `Named.rename`."""
        return super(Instance, self).rename(name, wait)

    # -- commands

    def execute(self,
                commands,  # type: Sequence[str]
                environment=None,  # type: Optional[Dict[str, str]]
                encoding=None,  # type: Optional[str]
                decode=True,  # type: bool
                stdin_payload=None,  # type: Any
                stdin_encoding='utf-8',  # type: str
                stdout_handler=None,  # type: Optional[Callable[[Any], Any]]
                stderr_handler=None,  # type: Optional[Callable[[Any], Any]]
                user=None,  # type: Optional[int]
                group=None,  # type: Optional[int]
                cwd=None,  # type: Optional[str]
                ):
        # type: (...) -> ExecuteResult
        """Run a command and wait for its end.

        :param commands: the command and its arguments, a list.
        :param environment: variables for it, a dict of text.
        :param encoding: of its output (UTF-8); what does not fit it is
            replaced.
        :param decode: give text; bytes otherwise.
        :param stdin_payload: what it reads: bytes, text, a file object, or
            an iterable of these; one that blocks holds no output up (a pipe
            is read by its descriptor, an iterable by another thread).
        :param stdin_encoding: how text is sent.
        :param stdout_handler: called with each piece of output as it
            comes; the field of the result is then empty.
        :param stderr_handler: the same for its errors.
        :param user: a user id to run as.
        :param group: a group id to run as.
        :param cwd: the directory to run in; this and the two before need
            ``container_exec_user_group_cwd``.
        :return: ``(stdout, stderr)``, with ``.exit_code``.
        :raises TypeError: ``commands`` is one text, or holds other things.
        :raises LXDAPIException: the server refused, as when it is stopped.
        :raises StreamBroken: the connection was lost on the way.

        Endpoint: ``POST .../exec`` and its websockets.
        """
        from pylxd.transport import streams  # a third of import time
        request = self._exec_request(
            commands, environment, user, group, cwd, interactive=False)
        if isinstance(stdin_payload, six.text_type):
            stdin_payload = stdin_payload.encode(stdin_encoding)
        outputs = [_Output(handler, (encoding or 'utf-8') if decode else None)
                   for handler in (stdout_handler, stderr_handler)]
        begun = self._exec(request)
        secrets = begun.metadata['fds']
        try:
            streams.exchange(
                self.client.transport,
                [_websocket_path(begun, secrets[fd]) for fd in '012'],
                stdin_payload, [output.write for output in outputs])
        except exceptions.StreamBroken as broken:
            # Where the command itself failed, that is what to tell
            try:
                begun.wait(timeout=1)
            except exceptions.OperationFailed:
                raise
            except exceptions.LXDException:
                pass  # the server is lost, or has forgotten it
            raise broken
        begun.wait()
        if 'return' not in (begun.metadata or {}):
            raise exceptions.LXDException(
                '{!r} does not say how the command ended'.format(begun))
        return ExecuteResult(
            begun.metadata['return'], *[output.close() for output in outputs])

    def raw_interactive_execute(self, commands, environment=None,
                                user=None, group=None, cwd=None):
        # type: (Sequence[str], Any, Any, Any, Any) -> Dict[str, str]
        """Start a command on a terminal, for a client of the caller's own.

        :return: the paths of its two websockets, ``ws`` and ``control``;
            they hold secrets.

        Endpoint: ``POST .../exec``.
        """
        begun = self._exec(self._exec_request(
            commands, environment, user, group, cwd, interactive=True))
        secrets = begun.metadata['fds']
        return {'ws': _websocket_path(begun, secrets['0']),
                'control': _websocket_path(begun, secrets['control'])}

    def _exec_request(self, commands, environment, user, group, cwd,
                      interactive):
        # type: (Any, Any, Any, Any, Any, bool) -> Dict[str, Any]
        if isinstance(commands, (bytes, six.string_types)):
            raise TypeError(
                'commands must be a list, such as [{!r}]'.format(commands))
        commands = list(commands)
        environment = dict(environment or {})
        for text in commands + list(environment) + list(
                environment.values()):
            if not isinstance(text, six.string_types):
                raise TypeError('a command and its environment are text, '
                                'not {!r}'.format(text))
        if not commands:
            raise ValueError('there is no command to run')
        request = {
            'command': commands, 'environment': environment,
            'wait-for-websocket': True, 'interactive': interactive,
        }  # type: Dict[str, Any]
        for name, value in (('user', user), ('group', group), ('cwd', cwd)):
            if value is not None:
                self.client.dialect.need('container_exec_user_group_cwd')
                request[name] = value
        return request

    def _exec(self, request):
        # type: (Dict[str, Any]) -> operation.Operation
        response = self.api['exec'].post(json=request)
        begun = operation.begun(self.client, response)
        fds = begun and (begun.metadata or {}).get('fds')
        needed = ('0', 'control') if request['interactive'] else '012'
        if begun is None or not isinstance(fds, dict) or not all(
                isinstance(fds.get(fd), six.string_types) for fd in needed):
            raise exceptions.InvalidResponse(response)
        return begun

    # -- copies

    def generate_migration_data(self, live=False):
        # type: (bool) -> Dict[str, Any]
        """Offer it for migration: the config that makes a copy elsewhere.

        What it returns holds secrets, and is good for one use.

        :param live: take the running state along; needs CRIU on both.

        Endpoint: ``POST`` on the object.
        """
        self.sync()
        address = self.client.address
        response = self.api.post(json={
            'name': self.name, 'migration': True, 'live': live})
        begun = operation.begun(self.client, response)
        if begun is None:
            raise exceptions.InvalidResponse(response)
        data = {}  # type: Dict[str, Any]
        for name in ('name', 'architecture', 'devices', 'ephemeral',
                     'profiles', 'description'):
            if name in self._seen:
                data[name] = getattr(self, name)
        # volatile.* is the source server's own, but for what tells how the
        # copied files are mapped and where they came from
        data['config'] = {
            key: value for key, value in self.config.items()
            if not key.startswith('volatile.')
            or key in ('volatile.base_image', 'volatile.last_state.idmap')}
        data['source'] = {
            'type': 'migration', 'mode': 'pull', 'live': live,
            'operation': '{}/{}/operations/{}'.format(
                address, self.client.version, begun.id),
            'certificate': self.client.dialect.certificate,
            'secrets': begun.metadata,
            'base-image': self.config.get('volatile.base_image', ''),
        }
        return data

    def migrate(self, new_client, wait=False, live=False):
        # type: (Client, bool, bool) -> Any
        """Copy it, with its snapshots, to another server.

        The new server pulls it from this one over HTTPS; this one stays as
        it is, until you delete it.

        :param new_client: a client of the destination.
        :param wait: return when the copy is whole.
        :param live: as of a running one; needs CRIU on both.
        :return: the container on the new server.
        :raises ClientConnectionFailed: this server has no HTTPS address.
        :raises LXDAPIException: one of them refused, or (with ``wait``) it
            failed.

        Endpoint: ``POST`` on the object, ``POST`` on the new collection.
        """
        return type(self).create(
            new_client, self.generate_migration_data(live), wait=wait)

    def publish(self, public=False, wait=False, compression_algorithm=None):
        # type: (bool, bool, Optional[str]) -> Optional[Image]
        """Make an image of it; it must be stopped.

        :param public: whether everybody may use the image.
        :param wait: return when it is made.
        :param compression_algorithm: ``none``, ``gzip`` and so on.
        :return: with ``wait``, the image.
        :raises LXDAPIException: the server refused, as when it runs.

        Endpoint: ``POST /1.0/images``.
        """
        return _publish(self.client, {
            'type': self.type or 'container', 'name': self.name},
            public, wait, compression_algorithm)

    def restore_snapshot(self, snapshot_name, wait=False, stateful=False):
        # type: (str, bool, bool) -> None
        """Put it back to one of its snapshots.

        :param wait: return when it is done; its attributes are then fresh.

        Endpoint: ``PUT`` on the object.
        """
        _snapshot_name(snapshot_name)
        request = {'restore': snapshot_name}  # type: Dict[str, Any]
        if stateful:
            request['stateful'] = True
        operation.begun(self.client, self.api.put(json=request), wait)
        self._expire()


class Container(Instance):
    """A container."""

    instance_type = 'container'


class VirtualMachine(Instance):
    """A virtual machine."""

    instance_type = 'virtual-machine'


class InstanceManager(Manager[M]):
    """What containers and virtual machines are made by."""

    def create(self, config, wait=False, target=None):
        # type: (Dict[str, Any], bool, Optional[str]) -> M
        """Create one.

        :param config: its name, source and all else, as the server's API
            has it: ``{'name': 'c1', 'source': {'type': 'image', 'alias':
            'busybox'}}``.
        :param wait: return when it is there.
        :param target: the cluster member to put it on; needs
            ``clustering``.
        :raises LXDAPIException: the server refused, or (with ``wait``) it
            failed.

        Endpoint: ``POST /1.0/instances``.
        """
        if not isinstance(config, dict):
            raise TypeError(
                'config must be a dict, not {!r}'.format(type(config)))
        config = dict(config)
        if 'name' in config:
            rest.quote(config['name'])
        if self.model.instance_type:
            config.setdefault('type', self.model.instance_type)
        if target is not None:
            self.client.dialect.need('clustering')
        node, _ = self._collection()
        response = node.post(json=config, target=target)
        begun = operation.begun(self.client, response, wait)
        name = config.get('name') or _created(response, begun)
        return self._make(seen={'name': name})


class Instances(InstanceManager[Instance]):
    """Containers and virtual machines: ``client.instances``."""

    model = Instance


class Containers(InstanceManager[Container]):
    """All containers: ``client.containers``."""

    model = Container


class VirtualMachines(InstanceManager[VirtualMachine]):
    """All virtual machines: ``client.virtual_machines``."""

    model = VirtualMachine


class Snapshot(Named):
    """A snapshot of an instance, keyed by its bare name.

    Endpoint: ``/1.0/instances/NAME/snapshots/SNAPSHOT``.
    """

    name = attribute(readonly=True)  # type: str
    architecture = attribute(readonly=True)  # type: str
    config = attribute(readonly=True)  # type: Dict[str, str]
    created_at = attribute(readonly=True)  # type: str
    description = attribute(readonly=True)  # type: str
    devices = attribute(readonly=True)  # type: Dict[str, Dict[str, str]]
    ephemeral = attribute(readonly=True)  # type: bool
    expanded_config = attribute(readonly=True)  # type: Dict[str, str]
    expanded_devices = attribute(
        readonly=True)  # type: Dict[str, Dict[str, str]]
    expires_at = attribute(str)  # type: str
    last_used_at = attribute(readonly=True)  # type: str
    profiles = attribute(readonly=True)  # type: List[str]
    size = attribute(readonly=True)  # type: int
    stateful = attribute(readonly=True)  # type: bool

    #: The instance that it is of.
    container = None  # type: Any

    def __init__(self, client, **attributes):
        # type: (Client, **Any) -> None
        container = attributes.pop('container', None)
        super(Snapshot, self).__init__(client, **attributes)
        self.container = container or attributes.pop('instance', None)

    @property
    def instance(self):
        # type: () -> Any
        """The instance that it is of."""
        return self.container

    @property
    def api(self):
        # type: () -> Node
        """Its place in the REST tree."""
        return self.container.api.snapshots[_snapshot_name(self._key)]

    def _document(self, document):
        # type: (Dict[str, Any]) -> Dict[str, Any]
        return dict(document, name=self._key)  # the bare one

    def rename(self, new_name, wait=False):
        # type: (str, bool) -> Any
        """Rename it; the object has the new name from now on.

        :param wait: return when the server has done it.

        Endpoint: ``POST`` on the object.
        """
        return super(Snapshot, self).rename(_snapshot_name(new_name), wait)

    def publish(self, public=False, wait=False, compression_algorithm=None):
        # type: (bool, bool, Optional[str]) -> Optional[Image]
        """Make an image of it.

        :param public: whether everybody may use the image.
        :param wait: return when it is made.
        :return: with ``wait``, the image.

        Endpoint: ``POST /1.0/images``.
        """
        return _publish(self.client, {
            'type': 'snapshot',
            'name': '{}/{}'.format(self.container.name, self.name)},
            public, wait, compression_algorithm)

    def restore(self, wait=False, stateful=False):
        # type: (bool, bool) -> None
        """Put the instance back to it; see `Instance.restore_snapshot`."""
        self.container.restore_snapshot(self.name, wait, stateful)


class Snapshots(Manager[Snapshot]):
    """The snapshots of one instance: ``container.snapshots``."""

    model = Snapshot

    def __init__(self, container):
        # type: (Instance) -> None
        super(Snapshots, self).__init__(container.client)
        self.container = container

    def _collection(self):
        # type: () -> Tuple[Node, Dict[str, str]]
        return self.container.api.snapshots, {}

    def _make(self, **state):
        # type: (**Any) -> Snapshot
        made = super(Snapshots, self)._make(**state)
        made.container = self.container
        return made

    def create(self, name, stateful=False, wait=False):
        # type: (str, bool, bool) -> Snapshot
        """Take a snapshot.

        :param name: its bare name.
        :param stateful: with the contents of memory; needs CRIU.
        :param wait: return when it is there.
        :raises LXDAPIException: the server refused, or (with ``wait``) it
            failed.

        Endpoint: ``POST .../snapshots``.
        """
        node, _ = self._collection()
        response = node.post(json={
            'name': _snapshot_name(name), 'stateful': stateful})
        operation.begun(self.client, response, wait)
        return self._make(seen={'name': name})


def _snapshot_name(name):
    # type: (str) -> str
    """A name that a snapshot can have.

    :raises InvalidName: servers unquote these names twice, so that with an
        escape in it another snapshot is reached, or none.
    """
    quoted = rest.quote(name)
    if '%2F' in quoted or '%25' in quoted:
        raise exceptions.InvalidName(
            '{!r} cannot be the name of a snapshot'.format(name))
    return name


def _publish(client, source, public, wait, compression_algorithm):
    # type: (Client, Dict[str, Any], bool, bool, Any) -> Optional[Image]
    request = {'public': public, 'source': source}  # type: Dict[str, Any]
    if compression_algorithm is not None:
        request['compression_algorithm'] = compression_algorithm
    begun = operation.begun(
        client, client.api.images.post(json=request), wait)
    if not wait or begun is None:
        return None
    return client.images.get(begun.metadata['fingerprint'])


def _created(response, begun):
    # type: (requests.Response, Optional[operation.Operation]) -> str
    """The name that the server has chosen."""
    for urls in ((begun and begun.resources) or {}).values():
        for url in urls:
            return url.partition('?')[0].rpartition('/')[2]
    raise exceptions.InvalidResponse(response)


def _websocket_path(begun, secret):
    # type: (operation.Operation, str) -> str
    return '{}/websocket?secret={}'.format(begun.path, rest.quote(secret))


class _Output(object):
    """Collects one stream of a command, or hands it to a function."""

    def __init__(self, handler, encoding):
        # type: (Optional[Callable[[Any], Any]], Optional[str]) -> None
        self._empty = b'' if encoding is None else u''  # type: Any
        self._pieces = []  # type: List[Any]
        self._take = handler or self._pieces.append
        # A character may be torn over two frames
        self._decoder = encoding and codecs.getincrementaldecoder(
            encoding)('replace')

    def write(self, data, final=False):
        # type: (bytes, bool) -> None
        """Take what came."""
        text = self._decoder.decode(data, final) if self._decoder else data
        if text:
            self._take(text)

    def close(self):
        # type: () -> Any
        """All of it, unless a function had it."""
        self.write(b'', final=True)
        return self._empty.join(self._pieces)
