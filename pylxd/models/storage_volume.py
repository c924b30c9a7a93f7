"""Volumes of storage pools."""
from six.moves.urllib import parse

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.member import MemberManager, OfMember
from pylxd.core.model import Model
from pylxd.core.operation import Operation
from pylxd.core.progress import Reporter
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable
from pylxd.models.backup_export import export_new_backup
from pylxd.models.backup_upload import open_archive
from pylxd.models.image_data import to_header
from pylxd.models.instance_files import StorageVolumeFiles
from pylxd.models.storage_volume_move import Movable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, List, Optional, Tuple
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.storage_volume_backup import StorageVolumeBackups
    from pylxd.models.storage_volume_snapshot import StorageVolumeSnapshots
    from pylxd.transport.rest import Node


class StorageVolumeState(State):
    """The state of a volume at one moment.

    ``usage`` is a dict with ``used`` and ``total``, in bytes, as far as the
    storage driver knows them; None if it knows neither.
    """

    if TYPE_CHECKING:
        usage = None  # type: Optional[Dict[str, int]]


class StorageVolume(Movable, OfMember, Savable, Deletable):
    """A volume of a storage pool.

    Volumes of the type ``custom`` are made by clients. The others belong to
    an instance or an image, and are changed through that alone.

    Endpoint: ``/1.0/storage-pools/POOL/volumes/TYPE/NAME``.
    """

    path = 'volumes'
    key = ('type', 'name')
    extension = 'storage'
    filter_extension = 'storage_volume_api_filtering'
    all_projects_extension = 'storage_volumes_all_projects'
    synchronous = True

    name = attribute(readonly=True)  # type: str
    type = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    content_type = attribute(readonly=True)  # type: str
    created_at = attribute(readonly=True)  # type: str
    description = attribute(str, in_etag=False)  # type: str
    location = attribute(readonly=True)  # type: str
    project = attribute(readonly=True)  # type: str
    used_by = attribute(list, readonly=True)  # type: List[str]

    backups = collection(
        'storage_volume_backup:StorageVolumeBackups'
    )  # type: StorageVolumeBackups
    snapshots = collection(
        'storage_volume_snapshot:StorageVolumeSnapshots'
    )  # type: StorageVolumeSnapshots

    @property
    def files(self):
        # type: () -> StorageVolumeFiles
        """The files in the volume; its calls need ``file_storage_volume``."""
        return StorageVolumeFiles(self.client, self)

    def state(self):
        # type: () -> StorageVolumeState
        """Get how much space the volume has and uses.

        :raises LXDAPIException: the server refused, as LXD 5.0 does where
            the storage driver does not know (``dir``).

        Endpoint: ``GET .../volumes/TYPE/NAME/state``; needs
        ``storage_volume_state``.
        """
        self.client.dialect.need('storage_volume_state')
        return StorageVolumeState(
            rest.metadata(self.ensure_ready().state.get()))

    def restore_from(self, snapshot, wait=False):
        # type: (Any, bool) -> None
        """Put the volume back to the state of a snapshot.

        :param snapshot: the snapshot, or its name.
        :param wait: ignored: the volume is restored when the call returns.
        :raises InvalidName: no snapshot can have that name.
        :raises ValueError: the snapshot is one of another volume.
        :raises LXDAPIException: the server refused, as when there is no such
            snapshot, or a running instance uses the volume.

        Endpoint: ``PUT .../volumes/TYPE/NAME``; needs
        ``storage_api_volume_snapshots``.
        """
        self.client.dialect.need('storage_api_volume_snapshots')
        if isinstance(snapshot, Model):
            volume = snapshot.parent.api
            members = {self.client.target, snapshot.client.target} - {None}
            if (volume.path, volume.project) != (
                    self.api.path, self.api.project) or len(members) > 1:
                raise ValueError('{!r} is no snapshot of {!r}'.format(
                    snapshot, self))
            snapshot = snapshot.get_attribute('name')
        # Servers take a PUT with an empty name for new, empty fields
        name = self.snapshots.model.check_name(snapshot)
        self._start_operation(
            self._ready_to_change().put(json={'restore': name}), wait)
        self._expire()

    def export(self,
               file=None,  # type: Any
               volume_only=False,  # type: bool
               compression_algorithm=None,  # type: Optional[str]
               optimized_storage=False,  # type: bool
               progress=None,  # type: ProgressArgument
               ):
        # type: (...) -> Any
        """Download a backup of the volume, block by block.

        The server makes a backup, which is deleted when the download ends;
        servers with ``direct_backup`` send it without storing it.

        :param file: a path, on which a file appears when it is complete; or a
            file that is open for writing bytes. None returns the blocks.
        :param volume_only: leave out the snapshots.
        :param compression_algorithm: ``none``, ``gzip`` and so on; None is
            the server's default.
        :param optimized_storage: use the format of the storage driver, which
            only a pool with the same driver can restore.
        :param progress: a function that is called with a `Progress`, or True
            for a bar.
        :return: ``file``; without it a `Download`, an iterator of the blocks
            that must be read to its end or closed, as by ``with``.
        :raises StreamBroken: the download was cut off.
        :raises EnvironmentError: the file cannot be written.
        :raises LXDAPIException: the server refused, or could not make the
            backup.

        Endpoints: ``POST .../backups``, and without ``direct_backup`` also
        ``GET .../backups/BACKUP/export`` and ``DELETE .../backups/BACKUP``;
        needs ``custom_volume_backup``.
        """
        return export_new_backup(
            self.backups, file, progress, volume_only=volume_only,
            compression_algorithm=compression_algorithm,
            optimized_storage=optimized_storage)

    def rebuild(self, wait=True):
        # type: (bool) -> None
        """Delete all data in the volume; its configuration stays.

        :param wait: return when the volume is empty.
        :raises LXDAPIException: the server refused, as when an instance uses
            the volume, or (with ``wait``) the rebuild failed.

        Endpoint: ``POST .../volumes/TYPE/NAME/rebuild``; needs
        ``storage_volumes_rebuild``.
        """
        self.client.dialect.need('storage_volumes_rebuild')
        operation = self._keep_operation(
            self._ready_to_change().rebuild.post(json={}))
        if operation is not None and wait:
            operation.wait()
        self._expire()


class StorageVolumes(MemberManager[StorageVolume]):
    """The volumes of a storage pool: ``pool.volumes``."""

    model = StorageVolume
    class_methods = (
        'create', 'create_from_backup', 'import_iso',
        'import_tar')  # type: Tuple[str, ...]
    parent_name = 'pool'
    has_exact_urls = False

    # The type of the volumes that are listed; '' lists all
    _type = ''

    def node_and_query(self):
        # type: () -> Tuple[Node, Dict[str, str]]
        """Return the node of the volumes; see `Manager.node_and_query`."""
        node, query = super(StorageVolumes, self).node_and_query()
        return node[self._type] if self._type else node, query

    def all(self,  # type: ignore[override]
            type=None,  # type: Optional[str]
            recursion=None,  # type: Optional[int]
            filter=None,  # type: Optional[str]
            all_projects=False,  # type: bool
            ):
        # type: (...) -> List[StorageVolume]
        """List the volumes, loaded.

        :param type: ``custom``, ``container``, ``virtual-machine`` or
            ``image``; None lists all of them.
        :param recursion: accepted, and without effect.
        :param filter: an expression of the server, as in `Manager.all`; needs
            ``storage_volume_api_filtering``.
        :param all_projects: list the volumes of all projects; needs
            ``storage_volumes_all_projects``.

        Endpoint: ``GET .../volumes?recursion=1``, or ``GET
        .../volumes/TYPE?recursion=1``.
        """
        manager = self.__class__(self.parent)
        manager.model = self.model
        manager._type = type or ''
        volumes = super(StorageVolumes, manager).all(
            recursion, filter, all_projects)
        # LXD 5.0 and Incus 6.0 list snapshots, named VOLUME/SNAPSHOT, too
        return [volume for volume in volumes if '/' not in volume.name]

    def get(self, type, name):  # type: ignore[override]
        # type: (str, str) -> StorageVolume
        """Get a volume by its type and name.

        :param type: ``custom``, ``container``, ``virtual-machine`` or
            ``image``.
        :raises NotFound: there is no such volume.
        :raises InvalidName: no server allows that name.

        Endpoint: ``GET .../volumes/TYPE/NAME``.
        """
        return self._get(type, name)

    def exists(self, type, name):  # type: ignore[override]
        # type: (str, str) -> bool
        """Return whether there is a volume with this type and name.

        Endpoint: ``GET .../volumes/TYPE/NAME``.
        """
        try:
            self.get(type, name)
        except exceptions.NotFound:
            return False
        return True

    def create(self,
               name,  # type: Any
               config=None,  # type: Optional[Dict[str, Any]]
               content_type=None,  # type: Optional[str]
               type='custom',  # type: str
               description=None,  # type: Optional[str]
               target=None,  # type: Optional[str]
               wait=True,  # type: bool
               ):
        # type: (...) -> StorageVolume
        """Create an empty volume.

        Earlier releases expected a dict of all fields, or the type and such
        a dict: ``create({'name': 'v1', 'type': 'custom'})`` and
        ``create('custom', {'name': 'v1'})`` work as well.

        :param name: the name of the new volume.
        :param config: the configuration of the volume, a dict of text, such
            as ``{'size': '1GiB'}``.
        :param content_type: ``filesystem``, which is the default, or
            ``block`` for virtual machines. Needs ``custom_block_volumes``.
        :param type: ``custom``: servers create no others.
        :param description: a description for people.
        :param target: the cluster member to create the volume on.
        :param wait: ignored: the call always returns when the volume is
            created.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST .../volumes``; needs ``storage``.
        """
        fields = {}  # type: Dict[str, Any]
        if isinstance(name, dict):
            fields, name = name, None
        elif isinstance(config, dict) and 'name' in config:
            # which is no key of a config
            fields, name, type, config = config, None, name, None
        body = dict({'name': name, 'type': type, 'config': config or {},
                     'content_type': content_type,
                     'description': description}, **fields)
        if body['content_type'] is not None:
            self.client.dialect.need('custom_block_volumes')
        return self._create(body, wait, target)

    def create_from_backup(self,
                           file,  # type: Any
                           name=None,  # type: Optional[str]
                           wait=True,  # type: bool
                           progress=None,  # type: ProgressArgument
                           ):
        # type: (...) -> StorageVolume
        """Create a volume from the file of a backup.

        :param file: the path of the file, a file that is open for reading
            bytes, or the bytes. On Python 2, bytes are a path.
        :param name: the name of the new volume; None takes that of the
            backup.
        :param wait: return when the volume is complete.
        :param progress: a function that is called with a `Progress` for each
            block that is sent, and (with ``wait``) about once a second after
            that, or True for a bar.
        :raises ValueError: the file is cut short; nothing was created.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the file is no
            backup, or (with ``wait``) the volume was not created, as when
            the name is taken.

        Endpoint: ``POST .../volumes/custom``; needs
        ``custom_volume_backup``.
        """
        return self._upload(
            file, name, '', 'custom_volume_backup', wait, progress)

    def import_iso(self, file, name, wait=True, progress=None):
        # type: (Any, str, bool, ProgressArgument) -> StorageVolume
        """Create a volume from an ISO image, for the drive of an instance.

        :param file: as for `create_from_backup`.
        :param name: the name of the new volume.
        :param wait: return when the volume is complete.
        :param progress: as for `create_from_backup`.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            volume was not created, as when the name is taken.

        Endpoint: ``POST .../volumes/custom``; needs ``custom_volume_iso``.
        """
        return self._upload(
            file, name, 'iso', 'custom_volume_iso', wait, progress)

    def import_tar(self, file, name, wait=True, progress=None):
        # type: (Any, str, bool, ProgressArgument) -> StorageVolume
        """Create a volume with the files of a tar archive.

        :param file: as for `create_from_backup`.
        :param name: the name of the new volume.
        :param wait: return when the volume is complete.
        :param progress: as for `create_from_backup`.
        :raises ValueError: the file is cut short; nothing was created.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            volume was not created, as when the name is taken.

        Endpoint: ``POST .../volumes/custom``; needs
        ``import_custom_volume_tar``, which Incus lacks.
        """
        return self._upload(
            file, name, 'tar', 'import_custom_volume_tar', wait, progress)

    def _upload(self,
                file,  # type: Any
                name,  # type: Optional[str]
                kind,  # type: str
                extension,  # type: str
                wait,  # type: bool
                progress,  # type: ProgressArgument
                ):
        # type: (...) -> StorageVolume
        node, _ = self.node_and_query()
        node, dialect = node['custom'], self.client.dialect
        dialect.need(extension)
        headers = {'Content-Type': 'application/octet-stream',
                   }  # type: Dict[str, Any]
        if name is not None or kind:
            name = self.model.check_name(name)
            headers[dialect.header('name')] = to_header(name)
        if kind:
            headers[dialect.header('type')] = kind
        with Reporter(progress) as reporter:
            with open_archive(file, reporter) as data:
                response = node.post(data=data, headers=headers)
            operation = Operation.from_response(self.client, response)
            if name is None:
                name = self._find_name(node, response, operation)
            volume = self.model.from_key(
                self.parent, ('custom', name))  # type: StorageVolume
            volume.created_by(operation, wait, reporter)
        return self.locate(volume) if wait else volume

    def _find_name(self, node, response, operation):
        # type: (Node, requests.Response, Optional[Operation]) -> str
        """Return the name of a new volume, which the server chose."""
        for url in operation.affected_urls if operation else ():
            above, _, name = url.rpartition('/')
            # LXD 5.0 sends /1.0/storage_volumes/NAME, and quotes no name
            return parse.unquote(name) if above == node.path else name
        raise exceptions.InvalidResponse(response)
