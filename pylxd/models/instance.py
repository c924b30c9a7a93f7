"""Instances: containers and virtual machines."""
import six

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.manager import M, Manager
from pylxd.core.operation import Operation
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable, Renamable
from pylxd.models import execution
from pylxd.models.execution import ExecuteResult
from pylxd.models.image import publish
from pylxd.models.instance_files import FilesManager
from pylxd.models.snapshot import Snapshot
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Callable, Dict, List, Optional, Sequence, Tuple)
    from pylxd.client import Client
    from pylxd.models.image import Image
    from pylxd.models.snapshot import Snapshots
    from pylxd.transport.rest import Node


class InstanceState(State):
    """What an instance does: ``status``, ``network``, ``memory``, ..."""


class ContainerState(InstanceState):
    """The state of a container."""


class Instance(Savable, Renamable, Deletable):
    """A container or a virtual machine.

    Endpoint: ``/1.0/instances/NAME``, or by type on servers without the
    ``instances`` extension.
    """

    #: The type that is listed and created: ``container``,
    #: ``virtual-machine``, or both where it is empty.
    instance_type = ''
    FilesManager = FilesManager  # type: Any

    name = attribute(readonly=True)  # type: str
    architecture = attribute(str)  # type: str
    config = attribute(dict)  # type: Dict[str, str]
    created_at = attribute(readonly=True)  # type: str
    description = attribute(str, in_etag=False)  # type: str
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

    #: The instance's snapshots, by their bare names.
    snapshots = collection('snapshot:Snapshots')  # type: Snapshots

    @classmethod
    def collection_node(cls, parent):
        # type: (Any) -> Tuple[Node, Dict[str, str]]
        """Return the node of all instances, and the query for this type."""
        path, params = parent.dialect.instances(cls.instance_type)
        return parent.api[path], params

    @property
    def files(self):
        # type: () -> Any
        """The files inside the instance."""
        return self.FilesManager(self.client, self)

    # -- state

    def state(self):
        # type: () -> InstanceState
        """Get what the instance does now: addresses, memory, processes.

        Endpoint: ``GET .../state``.
        """
        return ContainerState(rest.metadata(self.ensure_ready().state.get()))

    def start(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Start the instance.

        :param timeout: seconds that the server gives it.
        :param force: ignored for ``start``.
        :param wait: return when it runs; its attributes are then fresh.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance did not start.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('start', timeout, force, wait)

    def stop(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Stop the instance, by force unless ``force`` is false.

        :param timeout: seconds that the server gives it to end by itself.
        :param force: end its processes at once.
        :param wait: return when it is stopped; its attributes are then
            fresh (an ephemeral instance is gone).
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance did not stop.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('stop', timeout, force, wait)

    def restart(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Stop and start the instance; the arguments are those of `stop`."""
        self._set_state('restart', timeout, force, wait)

    def freeze(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Suspend its processes; the arguments are those of `start`."""
        self._set_state('freeze', timeout, force, wait)

    def unfreeze(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Resume its processes; the arguments are those of `start`."""
        self._set_state('unfreeze', timeout, force, wait)

    def _set_state(self, action, timeout, force, wait):
        # type: (str, int, bool, bool) -> None
        response = self._ready_to_change().state.put(json={
            'action': action, 'timeout': int(timeout), 'force': bool(force)})
        self._expire()
        self._start_operation(response, wait)
        self._expire()

    def rename(self, name, wait=False):
        # type: (str, bool) -> Any
        """Rename the instance, which must be stopped.

        :param wait: return when the server has renamed it.
        :return: the instance.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST`` on the object.
        """
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

        :param commands: the command and its arguments, a list of text.
        :param environment: its environment variables, a dict of text.
        :param encoding: the encoding of its output, UTF-8 by default; bytes
            that do not fit are replaced.
        :param decode: return text; bytes otherwise.
        :param stdin_payload: what the command reads: bytes, text, a file
            object, or an iterable of these. Input that blocks does not hold
            the output up: a pipe is read by its descriptor, an iterable by
            another thread.
        :param stdin_encoding: the encoding of text that is sent.
        :param stdout_handler: a function, called with each piece of output
            as it comes; the field of the result is then empty.
        :param stderr_handler: the same for the command's errors.
        :param user: the number of the user to run as.
        :param group: the number of the group to run as.
        :param cwd: the directory to run in. ``user``, ``group`` and ``cwd``
            need ``container_exec_user_group_cwd``.
        :return: ``(stdout, stderr)``, with ``.exit_code``.
        :raises TypeError: ``commands`` is one text, or holds other things.
        :raises LXDAPIException: the server refused, as when the instance is
            stopped.
        :raises StreamBroken: the connection was lost on the way.

        Endpoint: ``POST .../exec`` and its websockets.
        """
        request = execution.make_request(
            self.client.dialect, commands, environment, user, group, cwd,
            interactive=False)
        if isinstance(stdin_payload, six.text_type):
            stdin_payload = stdin_payload.encode(stdin_encoding)
        outputs = [
            execution.Output(
                handler, (encoding or 'utf-8') if decode else None)
            for handler in (stdout_handler, stderr_handler)]
        return execution.finish(
            self.client.transport, self._start_command(request),
            stdin_payload, outputs)

    def raw_interactive_execute(self, commands, environment=None,
                                user=None, group=None, cwd=None):
        # type: (Sequence[str], Any, Any, Any, Any) -> Dict[str, str]
        """Start a command on a terminal, for a client of the caller's own.

        :return: the paths of its two websockets, ``ws`` and ``control``;
            they hold secrets.

        Endpoint: ``POST .../exec``.
        """
        operation = self._start_command(execution.make_request(
            self.client.dialect, commands, environment, user, group, cwd,
            interactive=True))
        secrets = operation.metadata['fds']
        return {name: execution.websocket_path(operation, secrets[fd])
                for name, fd in (('ws', '0'), ('control', 'control'))}

    def _start_command(self, request):
        # type: (Dict[str, Any]) -> Operation
        operation = execution.start(
            self.client, self.ensure_ready()['exec'], request)
        self.operation = operation
        return operation

    # -- copies

    def generate_migration_data(self, live=False):
        # type: (bool) -> Dict[str, Any]
        """Offer the instance for migration.

        :param live: whether to take its running state along, which needs
            CRIU on both servers.
        :return: the config that creates the copy on another server; it
            holds secrets, and serves once.

        Endpoint: ``POST`` on the object.
        """
        self.sync()
        address = self.client.address
        response = self.api.post(json={
            'name': self.name, 'migration': True, 'live': live})
        operation = self._start_operation(response)
        if operation is None:
            raise exceptions.InvalidResponse(response)
        data = {}  # type: Dict[str, Any]
        for name in ('name', 'architecture', 'devices', 'ephemeral',
                     'profiles', 'description'):
            if self._document.has(name) or name in self.key_names:
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
                address, self.client.version, operation.id),
            'certificate': self.client.dialect.certificate,
            'secrets': operation.metadata,
            'base-image': self.config.get('volatile.base_image', ''),
        }
        return data

    def migrate(self, new_client, wait=False, live=False):
        # type: (Client, bool, bool) -> Any
        """Copy the instance, with its snapshots, to another server.

        The new server pulls it from this one over HTTPS. The instance stays
        here as it is, until you delete it.

        :param new_client: a client of the destination.
        :param wait: return when the copy is complete.
        :param live: whether to take its running state along, which needs
            CRIU on both servers.
        :return: the instance on the new server.
        :raises ClientConnectionFailed: this server has no HTTPS address.
        :raises LXDAPIException: one of the servers refused, or (with
            ``wait``) the copy failed.

        Endpoint: ``POST`` on the object, ``POST`` on the new collection.
        """
        return type(self).create(
            new_client, self.generate_migration_data(live), wait=wait)

    def publish(self, public=False, wait=False, compression_algorithm=None):
        # type: (bool, bool, Optional[str]) -> Optional[Image]
        """Make an image of the instance, which must be stopped.

        :param public: whether everybody may use the image.
        :param wait: return when the image is made.
        :param compression_algorithm: ``none``, ``gzip`` and so on.
        :return: with ``wait``, the image.
        :raises LXDAPIException: the server refused, as when the instance
            runs.

        Endpoint: ``POST /1.0/images``.
        """
        self._ready_to_change()
        return publish(self, {'type': self.type or 'container',
                              'name': self.name},
                       public, wait, compression_algorithm)

    def restore_snapshot(self, snapshot_name, wait=False, stateful=False):
        # type: (str, bool, bool) -> None
        """Put the instance back to the state of one of its snapshots.

        :param snapshot_name: the bare name of the snapshot.
        :param wait: return when it is done; the attributes are then fresh.
        :param stateful: whether to restore its running state too.

        Endpoint: ``PUT`` on the object.
        """
        Snapshot.check_name(snapshot_name)
        request = {'restore': snapshot_name}  # type: Dict[str, Any]
        if stateful:
            request['stateful'] = True
        response = self._ready_to_change().put(json=request)
        self._expire()
        self._start_operation(response, wait)


class Container(Instance):
    """A container."""

    instance_type = 'container'


class VirtualMachine(Instance):
    """A virtual machine."""

    instance_type = 'virtual-machine'


class InstanceManager(Manager[M]):
    """The base class of the managers of instances."""

    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self, config, wait=False, target=None):
        # type: (Dict[str, Any], bool, Optional[str]) -> M
        """Create an instance.

        :param config: its name, source and all else, as the server's API
            has it: ``{'name': 'c1', 'source': {'type': 'image', 'alias':
            'busybox'}}``.
        :param wait: return when it is there.
        :param target: the cluster member to create it on; needs
            ``clustering``.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance was not created.

        Endpoint: ``POST /1.0/instances``.
        """
        if not isinstance(config, dict):
            raise TypeError(
                'config must be a dict, not {!r}'.format(type(config)))
        config = dict(config)
        if self.model.instance_type:
            config.setdefault('type', self.model.instance_type)
        return self._create(config, wait, target)


class Instances(InstanceManager[Instance]):
    """Containers and virtual machines: ``client.instances``."""

    model = Instance


class Containers(InstanceManager[Container]):
    """All containers: ``client.containers``."""

    model = Container


class VirtualMachines(InstanceManager[VirtualMachine]):
    """All virtual machines: ``client.virtual_machines``."""

    model = VirtualMachine
