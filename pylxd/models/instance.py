"""Instances: containers and virtual machines."""
import six

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.context import check_client
from pylxd.core.manager import M, Manager
from pylxd.core.operation import Operation
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable, Renamable
from pylxd.models import execution, instance_files
from pylxd.models.image import publish_image
from pylxd.models.snapshot import Snapshot
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Dict, List, Literal, Optional, overload, Text, Tuple, Type,
        TypeVar)
    from pylxd.client import Client
    from pylxd.models.execution import (
        Commands, Environment, ExecuteResult, Handler, Payload, TextHandler)
    from pylxd.models.image import Image
    from pylxd.models.snapshot import Snapshots
    from pylxd.transport.rest import Node
    T = TypeVar('T', bound='Instance')


class InstanceState(State):
    """The state of an instance at one moment.

    Its attributes are the fields that the server sent:

    - ``status``, such as ``Running``, and ``status_code``, a number
    - ``pid``: the number of its init process on the host; 0 if stopped
    - ``processes``: how many run
    - ``cpu``: ``{'usage': ...}``, in nanoseconds
    - ``memory``: ``usage``, ``usage_peak``, ``swap_usage`` and
      ``swap_usage_peak``, in bytes
    - ``disk``: by device, ``{'usage': ...}``, in bytes
    - ``network``: by interface, ``addresses``, ``counters``, ``hwaddr`` and
      so on; None if the instance is stopped
    """

    if TYPE_CHECKING:
        cpu = {}  # type: Dict[str, int]
        disk = {}  # type: Dict[str, Dict[str, int]]
        memory = {}  # type: Dict[str, int]
        network = {}  # type: Dict[str, Dict[str, Any]]
        pid = 0  # type: int
        processes = 0  # type: int
        status = ''  # type: str
        status_code = 0  # type: int


class ContainerState(InstanceState):
    """The state of a container."""


class Instance(Savable, Renamable, Deletable):
    """A container or a virtual machine.

    Endpoint: ``/1.0/instances/NAME``, or by type on servers without the
    ``instances`` extension.
    """

    #: The type of the instances that the class lists and creates:
    #: ``container`` or ``virtual-machine``; both if it is empty.
    instance_type = ''
    filter_extension = 'api_filtering'
    all_projects_extension = 'instance_all_projects'
    FilesManager = instance_files.FilesManager
    #: The class of what `state` returns.
    state_class = InstanceState  # type: Type[InstanceState]

    name = attribute(readonly=True)  # type: str
    architecture = attribute(str)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    created_at = attribute(readonly=True)  # type: str
    description = attribute(str, in_etag=False)  # type: str
    devices = attribute({str: {str: str}})  # type: Dict[str, Dict[str, str]]
    ephemeral = attribute(bool)  # type: bool
    expanded_config = attribute(dict, readonly=True)  # type: Dict[str, str]
    expanded_devices = attribute(
        dict, readonly=True)  # type: Dict[str, Dict[str, str]]
    last_used_at = attribute(readonly=True)  # type: str
    location = attribute(readonly=True)  # type: str
    profiles = attribute([str])  # type: List[str]
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

    @classmethod
    def is_listed(cls, representation):
        # type: (Dict[str, Any]) -> bool
        """Return whether an instance is of this type, as far as it says."""
        return not cls.instance_type or representation.get(
            'type', cls.instance_type) == cls.instance_type

    @property
    def files(self):
        # type: () -> instance_files.FilesManager
        """The files in the instance."""
        return self.FilesManager(self.client, self)

    # -- state

    def state(self):
        # type: () -> InstanceState
        """Get the current state: addresses, memory, processes.

        :return: the state, of which each field is an attribute.

        Endpoint: ``GET .../state``.
        """
        return self.state_class(rest.metadata(self.ensure_ready().state.get()))

    def start(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Start the instance.

        :param timeout: seconds to wait before giving up, sent to the server.
        :param force: ignored for ``start``.
        :param wait: return when the instance runs; its attributes are then
            loaded again when they are read.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance did not start.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('start', timeout, force, wait)

    def stop(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Stop the instance, by force unless ``force`` is false.

        :param timeout: seconds that the instance has to shut down if
            ``force`` is false.
        :param force: kill the processes of the instance at once.
        :param wait: return when the instance is stopped; its attributes are
            then loaded again when they are read. An ephemeral instance is
            deleted.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance did not stop.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('stop', timeout, force, wait)

    def restart(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Stop and start the instance; the arguments are those of `stop`.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('restart', timeout, force, wait)

    def freeze(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Suspend the instance; the arguments are those of `start`.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('freeze', timeout, force, wait)

    def unfreeze(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Resume the suspended instance; the arguments are those of `start`.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('unfreeze', timeout, force, wait)

    def _set_state(self, action, timeout, force, wait):
        # type: (str, int, bool, bool) -> None
        response = self._ready_to_change().state.put(json={
            'action': action, 'timeout': int(timeout), 'force': bool(force)})
        self._expire()
        self._start_operation(response, wait)
        self._expire()

    def rename(self, name, wait=False):
        # type: (T, str, bool) -> T
        """Rename the instance, which must be stopped.

        :param name: the new name.
        :param wait: return when the server has renamed the instance.
        :return: the instance.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST`` on the object.
        """
        return super(Instance, self).rename(name, wait)

    # -- commands

    if TYPE_CHECKING:
        @overload
        def execute(self,
                    commands,  # type: Commands
                    environment=None,  # type: Environment
                    encoding=None,  # type: Optional[str]
                    decode=True,  # type: Literal[True]
                    stdin_payload=None,  # type: Payload
                    stdin_encoding='utf-8',  # type: str
                    stdout_handler=None,  # type: Optional[TextHandler]
                    stderr_handler=None,  # type: Optional[TextHandler]
                    user=None,  # type: Optional[int]
                    group=None,  # type: Optional[int]
                    cwd=None,  # type: Optional[str]
                    ):
            # type: (...) -> ExecuteResult[Text]
            pass

        @overload
        def execute(self,
                    commands,  # type: Commands
                    environment=None,  # type: Environment
                    encoding=None,  # type: Optional[str]
                    decode=False,  # type: bool
                    stdin_payload=None,  # type: Payload
                    stdin_encoding='utf-8',  # type: str
                    stdout_handler=None,  # type: Handler
                    stderr_handler=None,  # type: Handler
                    user=None,  # type: Optional[int]
                    group=None,  # type: Optional[int]
                    cwd=None,  # type: Optional[str]
                    ):
            # type: (...) -> ExecuteResult[Any]
            pass

    def execute(self,
                commands,  # type: Commands
                environment=None,  # type: Environment
                encoding=None,  # type: Optional[str]
                decode=True,  # type: bool
                stdin_payload=None,  # type: Payload
                stdin_encoding='utf-8',  # type: str
                stdout_handler=None,  # type: Handler
                stderr_handler=None,  # type: Handler
                user=None,  # type: Optional[int]
                group=None,  # type: Optional[int]
                cwd=None,  # type: Optional[str]
                ):
        # type: (...) -> ExecuteResult[Any]
        """Run a command and wait for its end.

        :param commands: a list of the command and its arguments.
        :param environment: the environment variables of the command.
        :param encoding: the encoding of the output, UTF-8 by default; bytes
            that cannot be decoded are replaced.
        :param decode: return text; otherwise bytes.
        :param stdin_payload: the input of the command: bytes, text, a file
            object, or an iterable of bytes or text. Output is received
            meanwhile, even if reading the input blocks.
        :param stdin_encoding: the encoding of what is text in
            ``stdin_payload``.
        :param stdout_handler: a function that is called with each piece of
            output as it arrives; ``stdout`` of the result is then empty.
        :param stderr_handler: the same for ``stderr``.
        :param user: the number of the user to run as.
        :param group: the number of the group to run as.
        :param cwd: the directory to run in.
        :return: ``(stdout, stderr)``, with ``.exit_code``, ``.stdout`` and
            ``.stderr``.
        :raises TypeError: ``commands`` is a single text, or an item of it or
            of ``environment`` is no text.
        :raises ValueError: ``commands`` is empty.
        :raises LXDAPIException: the server refused, as when the instance is
            stopped.
        :raises StreamBroken: a connection was lost before the command ended.

        Endpoint: ``POST .../exec`` and its websockets; ``user``, ``group``
        and ``cwd`` need ``container_exec_user_group_cwd``.
        """
        request = execution.make_request(
            self.client.dialect, commands, environment, user, group, cwd,
            interactive=False)
        outputs = [
            execution.Output(
                handler, (encoding or 'utf-8') if decode else None)
            for handler in (stdout_handler, stderr_handler)]
        if isinstance(stdin_payload, six.text_type):
            # What cannot be encoded is refused before the command starts
            stdin_payload = stdin_payload.encode(stdin_encoding)
        return execution.run_to_end(
            self.client.transport, self._start_command(request),
            stdin_payload, outputs, stdin_encoding)

    def raw_interactive_execute(self,
                                commands,  # type: Commands
                                environment=None,  # type: Environment
                                user=None,  # type: Optional[int]
                                group=None,  # type: Optional[int]
                                cwd=None,  # type: Optional[str]
                                ):
        # type: (...) -> Dict[str, str]
        """Start a command on a terminal, whose websockets the caller connects.

        The arguments are those of `execute`.

        :return: the paths of the websockets: ``ws`` carries the terminal,
            ``control`` its size and signals. They hold secrets. Connect them
            with `Client.websocket <pylxd.client.Client.websocket>`.
        :raises TypeError: as for `execute`.
        :raises LXDAPIException: the server refused.

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
        operation = execution.start_command(
            self.client, self.ensure_ready()['exec'], request)
        self.operation = operation  # type: Optional[Operation]
        return operation

    # -- copies

    def generate_migration_data(self, live=False):
        # type: (bool) -> Dict[str, Any]
        """Prepare a migration, and return the config that creates the copy.

        :param live: whether to take the running state along, which needs
            CRIU on both servers.
        :return: the config for `create` on another server. It holds secrets,
            and can be used once.
        :raises ClientConnectionFailed: this server has no HTTPS address.
        :raises LXDAPIException: the server refused.

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
        if self.type not in (None, 'container'):
            data['type'] = self.type  # servers without the field know no other
        for name in ('name', 'architecture', 'devices', 'ephemeral',
                     'profiles', 'description'):
            if self._document.has(name) or name in self.key_names:
                data[name] = getattr(self, name)
        # volatile.* belongs to this server, but for two keys: the copy needs
        # the mapping of user ids of its files, and its base image
        data['config'] = {
            key: value for key, value in self.config.items()
            if not key.startswith('volatile.')
            or key in ('volatile.base_image', 'volatile.last_state.idmap')}
        data['source'] = {
            'type': 'migration', 'mode': 'pull', 'live': live,
            'operation': '{}/{}/operations/{}'.format(
                address, self.client.version, operation.id),
            'certificate': self.client.server_certificate(),
            'secrets': operation.metadata,
            'base-image': self.config.get('volatile.base_image', ''),
        }
        return data

    def migrate(self, new_client, wait=False, live=False):
        # type: (T, Client, bool, bool) -> T
        """Copy the instance, with its snapshots, to another server.

        The new server pulls the instance from this one over HTTPS. The
        instance stays on this server, until you delete it.

        :param new_client: a client of the destination.
        :param wait: return when the copy is complete. If the new server does
            not reach this one by the address of this client, as behind a
            tunnel, the addresses that this server names are tried too.
        :param live: whether to take the running state along, which needs
            CRIU on both servers.
        :return: the instance on the new server.
        :raises TypeError: ``new_client`` is no client.
        :raises ClientConnectionFailed: this server has no HTTPS address.
        :raises LXDAPIException: one of the servers refused, or (with
            ``wait``) the copy failed.

        Endpoint: ``POST`` on the object, ``POST`` on the new collection.
        """
        check_client(new_client, 'new_client')
        data = self.generate_migration_data(live)
        source = data['source']
        path = source['operation'][len(self.client.address):]

        def pull(address):
            # type: (str) -> T
            source['operation'] = address + path
            return type(self).create(new_client, data, wait=wait)

        return self.client.offer(pull)

    def publish(self, public=False, wait=False, compression_algorithm=None):
        # type: (bool, bool, Optional[str]) -> Optional[Image]
        """Make an image of the instance, which must be stopped.

        :param public: whether everybody may use the image.
        :param wait: return when the image is complete.
        :param compression_algorithm: ``none``, ``gzip`` and so on; None is
            the server's default.
        :return: with ``wait``, the image; otherwise None.
        :raises LXDAPIException: the server refused, as when the instance
            runs.

        Endpoint: ``POST /1.0/images``.
        """
        self._ready_to_change()
        return publish_image(self, {'type': self.type or 'container',
                                    'name': self.name},
                             public, wait, compression_algorithm)

    def restore_snapshot(self, snapshot_name, wait=False, stateful=False):
        # type: (str, bool, bool) -> None
        """Put the instance back to the state of one of its snapshots.

        :param snapshot_name: the bare name of the snapshot.
        :param wait: return when the instance is restored; its attributes
            are then loaded again when they are read.
        :param stateful: whether to restore the running state as well.
        :raises InvalidName: no snapshot can have that name.
        :raises LXDAPIException: the server refused, as when there is no such
            snapshot.

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
    state_class = ContainerState


class VirtualMachine(Instance):
    """A virtual machine."""

    instance_type = 'virtual-machine'


class InstanceManager(Manager[M]):
    """The base class of the managers of instances."""

    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self, config, wait=False, target=None):
        # type: (Dict[str, Any], bool, Optional[str]) -> M
        """Create an instance.

        :param config: the name, the source and other fields, as the REST API
            defines them: ``{'name': 'c1', 'source': {'type': 'image',
            'alias': 'busybox'}}``. Without a name, the server chooses one.
        :param wait: return when the instance is created.
        :param target: the name of the cluster member to create it on.
        :raises TypeError: ``config`` is no dict.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance was not created.

        Endpoint: ``POST /1.0/instances``; ``target`` needs ``clustering``.
        """
        if not isinstance(config, dict):
            raise TypeError(
                "config must be a dict with 'name' and 'source', "
                "not {!r}".format(type(config)))
        config = dict(config)
        if self.model.instance_type:
            config.setdefault('type', self.model.instance_type)
        return self._create(config, wait, target)


class Instances(InstanceManager[Instance]):
    """All containers and virtual machines: ``client.instances``."""

    model = Instance


class Containers(InstanceManager[Container]):
    """All containers: ``client.containers``."""

    model = Container


class VirtualMachines(InstanceManager[VirtualMachine]):
    """All virtual machines: ``client.virtual_machines``."""

    model = VirtualMachine
