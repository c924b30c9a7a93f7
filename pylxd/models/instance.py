"""Instances: containers and virtual machines."""
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.operation import Operation
from pylxd.core.progress import Reporter
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable, Renamable
from pylxd.models import instance_files
from pylxd.models.backup import Exportable
from pylxd.models.image_publish import image_source, publish_image
from pylxd.models.instance_console import Console
from pylxd.models.instance_earlier import EarlierNames
from pylxd.models.instance_manager import InstanceManager
from pylxd.models.instance_metadata import InstanceMetadata
from pylxd.models.instance_migration import Movable
from pylxd.models.instance_start import Startable
from pylxd.models.instance_state import ContainerState, InstanceState
from pylxd.models.instance_waiting import Awaitable
from pylxd.models.snapshot import Snapshot
from pylxd.transport import rest
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    import requests
    from typing import (
        Any, Dict, Iterable, List, Optional, Tuple, Type, TypeVar)
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.image import Image
    from pylxd.models.image_publish import ImageOrSource
    from pylxd.models.instance_log import InstanceLogs
    from pylxd.models.instance_metadata import InstanceTemplates
    from pylxd.models.snapshot import Snapshots
    from pylxd.transport.rest import Node
    T = TypeVar('T', bound='Instance')


#: Seconds for which the state and snapshots of a list are used.
LISTED_AGE = 10
NOT_LISTED = 0.0, {}  # type: Tuple[float, Dict[str, Any]]


class Instance(Startable, Awaitable, Movable, Console, Exportable,
               EarlierNames, Savable, Renamable, Deletable):
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
    _listed = NOT_LISTED

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
    #: The log files of the instance.
    logs = collection('instance_log:InstanceLogs')  # type: InstanceLogs
    #: The templates of the instance, beside its `metadata`.
    templates = collection(
        'instance_metadata:InstanceTemplates')  # type: InstanceTemplates

    _metadata = None  # type: Optional[InstanceMetadata]

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

    @property
    def metadata(self):
        # type: () -> InstanceMetadata
        """The metadata that images of the instance get; always one object."""
        if self._metadata is None or self._metadata.parent is not self:
            self._metadata = InstanceMetadata.from_key(self, ())
        return self._metadata

    # -- lists with states and snapshots

    @classmethod
    def from_listed(cls, parent, key, representation):
        # type: (Type[T], Any, Tuple[Any, ...], Dict[str, Any]) -> T
        """Return the loaded instance that a list has.

        With ``recursion=2``, the list has its state and snapshots, too.
        """
        representation = dict(representation)
        parts = {name: representation.pop(name) for name in (
            'state', 'snapshots', 'backups') if name in representation}
        if parts.get('snapshots', False) is None:
            parts['snapshots'] = []
        instance = super(Instance, cls).from_listed(
            parent, key, representation)  # type: T
        if parts:
            instance.__dict__['_listed'] = clock(), parts
        return instance

    def take_listed(self, name):
        # type: (str) -> Any
        """Return, once, what a list with ``recursion=2`` had beside fields.

        :param name: ``state`` or ``snapshots``.
        :return: None if there is none that is younger than `LISTED_AGE`.
        """
        listed_at, parts = self._listed
        if clock() - listed_at > LISTED_AGE:
            return None
        return parts.pop(name, None)

    def _ready_to_change(self):
        # type: () -> Node
        self.__dict__['_listed'] = NOT_LISTED
        return super(Instance, self)._ready_to_change()

    # -- state

    def state(self):
        # type: () -> InstanceState
        """Get the current state: addresses, memory, processes.

        :return: the state, of which each field is an attribute.

        Endpoint: ``GET .../state``.
        """
        state = self.take_listed('state') or rest.metadata(
            self.ensure_ready().state.get())
        return self.state_class(state)

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

    def delete(self, wait=False, force=False):
        # type: (bool, bool) -> None
        """Delete the instance, which must be stopped unless ``force`` is true.

        :param wait: return when the instance is deleted.
        :param force: stop the instance first, by force. The call waits for
            that on servers without ``instance_force_delete``.
        :raises LXDAPIException: the server refused, as when the instance
            runs.

        Endpoint: ``DELETE`` on the object; with ``force``, ``GET`` on the
        object and ``PUT .../state`` before.
        """
        node, params = self._ready_to_change(), {}
        if force and self.client.dialect.has('instance_force_delete'):
            params['force'] = '1'
        elif force:
            representation, _ = self.fetch_representation()
            if representation.get('status') != 'Stopped':
                self.stop(wait=True)
                if representation.get('ephemeral'):
                    return  # the server deletes it
        self._start_operation(node.delete(params=params), wait)

    def access(self):
        # type: () -> List[Dict[str, str]]
        """List who may use the instance.

        :return: for each client, a dict with ``identifier``, ``role`` and
            ``provider``.

        Endpoint: ``GET .../access``; needs ``instance_access``.
        """
        self.client.dialect.need('instance_access')
        response = self.ensure_ready().access.get()
        return rest.metadata(response, (list, type(None))) or []

    def connect(self, port):
        # type: (int) -> socket.socket
        """Connect to a TCP port of the instance, by its own loopback address.

        :param port: the number of the port.
        :return: the connected socket, which the caller closes.
        :raises LXDAPIException: the server refused, as when nothing listens
            on the port.

        Endpoint: ``POST .../port-forward``; needs
        ``instance_port_forward``.
        """
        self.client.dialect.need('instance_port_forward')
        return self.ensure_ready()['port-forward'].upgrade(
            'tcp', 'POST', {'port': int(port)})

    # -- images and snapshots

    def publish(self,
                public=False,  # type: bool
                wait=False,  # type: bool
                compression_algorithm=None,  # type: Optional[str]
                aliases=(),  # type: Iterable[str]
                properties=None,  # type: Optional[Dict[str, str]]
                expires_at=None,  # type: Any
                filename=None,  # type: Optional[str]
                progress=None,  # type: ProgressArgument
                ):
        # type: (...) -> Optional[Image]
        """Make an image of the instance, which must be stopped.

        :param public: whether everybody may use the image.
        :param wait: return when the image is complete.
        :param compression_algorithm: ``none``, ``gzip`` and so on; None is
            the server's default.
        :param aliases: the names of the image. Needs
            ``image_create_aliases``.
        :param properties: the properties of the image, a dict of text.
        :param expires_at: when the server deletes the image: a datetime, or
            the text of a time.
        :param filename: the name of the file of the image.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :return: with ``wait``, the image; otherwise None.
        :raises Conflict: one of the aliases exists already.
        :raises LXDAPIException: the server refused, as when the instance
            runs, or (with ``wait``) could not make the image.

        Endpoint: ``POST /1.0/images``.
        """
        with Reporter(progress) as reporter:
            self._ready_to_change()
            return publish_image(self, {'type': self.type or 'container',
                                        'name': self.name},
                                 public, wait, compression_algorithm, aliases,
                                 properties, expires_at, filename, reporter)

    def rebuild(self, image=None, wait=True, progress=None):
        # type: (ImageOrSource, bool, ProgressArgument) -> None
        """Replace the files of the instance, which must be stopped.

        :param image: the image to take the new files from: an alias or
            fingerprint on this server, an `Image`, or a source as the REST
            API defines it. None leaves no files.
        :param wait: return when the instance is rebuilt; its attributes are
            then loaded again when they are read.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises LXDAPIException: the server refused, as when the instance
            runs, or (with ``wait``) there is no such image.

        Endpoint: ``POST .../rebuild``; needs ``instances_rebuild``.
        """
        with Reporter(progress) as reporter:
            self.client.dialect.need('instances_rebuild')
            source = image_source(self.client, image)
            response = self._ready_to_change().rebuild.post(
                json={'source': source})
            self._expire()
            self._start_operation(response, wait, reporter)

    def restore_snapshot(self, snapshot_name, wait=False, stateful=False):
        # type: (str, bool, bool) -> requests.Response
        """Put the instance back to the state of one of its snapshots.

        :param snapshot_name: the bare name of the snapshot.
        :param wait: return when the instance is restored; its attributes
            are then loaded again when they are read.
        :param stateful: whether to restore the running state as well.
        :return: the response of the server.
        :raises InvalidName: no snapshot can have that name.
        :raises LXDAPIException: the server refused, as when there is no such
            snapshot.

        Endpoint: ``PUT`` on the object.
        """
        name = Snapshot.check_name(snapshot_name)
        request = {'restore': name}  # type: Dict[str, Any]
        if stateful:
            request['stateful'] = True
        response = self._ready_to_change().put(json=request)
        self._expire()
        self._start_operation(response, wait)
        return response


class Container(Instance):
    """A container."""

    instance_type = 'container'
    state_class = ContainerState


class VirtualMachine(Instance):
    """A virtual machine."""

    instance_type = 'virtual-machine'


class Instances(InstanceManager[Instance]):
    """All containers and virtual machines: ``client.instances``."""

    model = Instance

    def change_state(self, action, timeout=30, force=False, wait=True):
        # type: (str, int, bool, bool) -> Optional[Operation]
        """Start, stop or suspend all instances of the project.

        Instances that are in the new state already are left alone. LXD 5.0
        does not find those that are to be unfrozen.

        :param action: ``start``, ``stop``, ``restart``, ``freeze`` or
            ``unfreeze``.
        :param timeout: seconds that each instance has to shut down if
            ``force`` is false.
        :param force: kill the processes of the instances at once.
        :param wait: return when all instances have changed.
        :return: the operation.
        :raises OperationFailed: (with ``wait``) instances did not change;
            the message names them. The others have changed.
        :raises LXDAPIException: the server refused.

        Endpoint: ``PUT /1.0/instances``; needs
        ``instance_bulk_state_change``.
        """
        self.client.dialect.need('instance_bulk_state_change')
        node, _ = self.node_and_query()
        operation = Operation.from_response(self.client, node.put(json={
            'state': {'action': action, 'timeout': int(timeout),
                      'force': bool(force)}}))
        if operation is not None and wait:
            operation.wait()
        return operation


class Containers(InstanceManager[Container]):
    """All containers: ``client.containers``."""

    model = Container


class VirtualMachines(InstanceManager[VirtualMachine]):
    """All virtual machines: ``client.virtual_machines``."""

    model = VirtualMachine
