"""Copies of volumes and their snapshots, on their server and to others."""
from pylxd.core.operation import Operation
from pylxd.core.progress import Reporter
from pylxd.models.migration import (
    Migratable, choose_destination, is_same_server)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional
    from pylxd.client import Client
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.storage_volume import StorageVolume


class Copyable(Migratable):
    """A model of volumes or their snapshots, which can be copied."""

    #: The API extension that copies to other servers need.
    remote_extension = ''

    if TYPE_CHECKING:
        config = {}  # type: Dict[str, str]
        content_type = ''  # type: str
        description = ''  # type: str

    @property
    def _copied_volume(self):
        # type: () -> StorageVolume
        """The volume: this object, or the parent of this snapshot."""
        raise NotImplementedError

    @property
    def _copied_name(self):
        # type: () -> str
        """The name of the volume; ``VOLUME/SNAPSHOT`` of a snapshot."""
        raise NotImplementedError

    def copy(self,
             name,  # type: str
             pool=None,  # type: Optional[str]
             to=None,  # type: Optional[Client]
             volume_only=False,  # type: bool
             refresh=False,  # type: bool
             mode='pull',  # type: str
             project=None,  # type: Optional[str]
             target=None,  # type: Optional[str]
             wait=True,  # type: bool
             progress=None,  # type: ProgressArgument
             config=None,  # type: Optional[Dict[str, str]]
             description=None,  # type: Optional[str]
             ):
        # type: (...) -> StorageVolume
        """Copy the volume, on its server or to another one.

        :param name: the name of the copy.
        :param pool: the name of the storage pool of the copy; None takes
            that of this volume.
        :param to: a client of the server of the copy; None is the same
            server.
        :param volume_only: leave out the snapshots.
        :param refresh: if there is a volume of that name already, make its
            files equal to those here, and transfer only what differs; its
            configuration stays. Needs ``custom_volume_refresh``.
        :param mode: for a copy to another server. ``pull``: that server
            connects to this one; ``push``: this server connects to that one;
            ``relay``: this program connects to both, and passes on all data.
            Without ``wait``, a thread of this program does that.
        :param project: the project of the copy. Needs
            ``storage_api_project``.
        :param target: the cluster member of the copy. Needs
            ``cluster_internal_custom_volume_copy``.
        :param wait: return when the copy is complete. A server that does not
            reach the other one by the address of its client, as behind a
            tunnel, then tries the addresses that the other one names.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :param config: configuration laid over that of this volume.
        :param description: the description of the copy; None takes that of
            this volume.
        :return: the copy.
        :raises ValueError: there is no such mode, or the volume belongs to
            an instance or an image.
        :raises ClientConnectionFailed: the server that another one connects
            to has no HTTPS address.
        :raises LXDAPIException: one of the servers refused, as when the name
            is taken, or (with ``wait``) the copy failed. No part of the copy
            is left then.

        Endpoint: ``POST .../volumes/custom``; to another server, ``POST`` on
        the object as well. Needs ``storage_api_local_volume_handling``; to
        another server, ``storage_api_remote_volume_handling``, and for a
        snapshot ``storage_api_remote_volume_snapshot_copy``.
        """
        destination = choose_destination(self.client, to, mode)
        volume = self._copied_volume
        if volume.type != 'custom':
            raise ValueError(
                '{!r} belongs to an instance or an image: copy that, not its '
                'volume'.format(volume))
        is_local = is_same_server(self.client, destination)
        if target is not None:
            destination.dialect.need('cluster_internal_custom_volume_copy')
            destination = destination.use_target(target)
        for dialect in {self.client.dialect, destination.dialect}:
            dialect.need('storage_api_local_volume_handling' if is_local
                         else self.remote_extension)
            if refresh:
                dialect.need('custom_volume_refresh')
        if project is not None:
            destination.dialect.need('storage_api_project')
            destination = destination.use_project(project)
        parent = type(volume.parent).from_key(
            destination, (volume.parent.check_name(pool or volume.pool),))
        self.sync()
        body = {
            'name': volume.check_name(name), 'type': 'custom',
            'content_type': self.content_type,
            'description': (
                self.description if description is None else description),
            'config': {key: value for key, value in self.config.items()
                       if key != 'volatile.uuid'}}  # type: Dict[str, Any]
        body['config'].update(config or {})
        source = {'name': self._copied_name,
                  'pool': volume.pool}  # type: Dict[str, Any]
        if volume_only:
            source['volume_only'] = True
        if refresh:
            source['refresh'] = True
        if is_local:
            source.update(
                type='copy', project=volume.project or volume.client.project,
                location=volume.location)

        def create(fields):
            # type: (Dict[str, Any]) -> StorageVolume
            response = parent.ensure_ready().volumes.custom.post(
                json=dict(body, source=dict(source, **fields)))
            copy = type(volume).from_key(parent, ('custom', body['name']))
            copy.created_by(Operation.from_response(destination, response))
            return copy

        request = {'name': body['name'], 'pool': volume.pool,
                   'volume_only': volume_only}
        with Reporter(progress) as reporter:
            copy = self._make_copy(
                request, destination, create, mode, wait, reporter)
        return parent.volumes.locate(copy, target) if wait else copy
