"""Moves of volumes: to another name, pool, project or cluster member."""
from pylxd import exceptions
from pylxd.core.document import Document
from pylxd.core.progress import Reporter
from pylxd.core.verbs import Deletable, Renamable
from pylxd.models.storage_volume_copy import Copyable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, TypeVar
    from pylxd.core.progress import ProgressArgument
    T = TypeVar('T', bound='Movable')


class Movable(Copyable, Renamable, Deletable):
    """The part of a volume's model that renames and moves it."""

    remote_extension = 'storage_api_remote_volume_handling'

    if TYPE_CHECKING:
        location = ''  # type: str
        name = ''  # type: str
        project = ''  # type: str
        snapshots = None  # type: Any
        type = ''  # type: str

    @property
    def _copied_volume(self):
        # type: () -> Any
        return self

    @property
    def _copied_name(self):
        # type: () -> str
        return self.name

    @property
    def pool(self):
        # type: () -> str
        """The name of the storage pool; the pool itself is ``parent``."""
        name = self.parent.name  # type: str
        return name

    def rename(self, new_name, wait=False):
        # type: (T, Any, bool) -> T
        """Rename the volume; instances go on using it.

        :param new_name: the new name. Earlier releases expected a dict with
            ``name`` and ``pool``; another ``pool`` moves the volume.
        :param wait: for a dict with another pool, as for `move`; otherwise
            ignored: the volume is renamed when the call returns.
        :return: this object.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST .../volumes/TYPE/NAME``; needs
        ``storage_api_volume_rename``.
        """
        self.client.dialect.need('storage_api_volume_rename')
        if isinstance(new_name, dict):
            if new_name.get('pool', self.pool) != self.pool:
                self._move(new_name, wait)
                return self
            new_name = new_name.get('name')
        return super(Movable, self).rename(new_name, wait)

    def move(self,
             pool=None,  # type: Optional[str]
             project=None,  # type: Optional[str]
             target=None,  # type: Optional[str]
             wait=True,  # type: bool
             progress=None,  # type: ProgressArgument
             ):
        # type: (...) -> None
        """Move the volume within its server or cluster.

        When the call returns, this object is the one at the new place. If
        the move fails later, the first call that notices logs a warning, and
        the object is the one at the old place again.

        :param pool: the name of the storage pool to move it to.
        :param project: the project to move it to. Needs
            ``storage_volume_project_move``.
        :param target: the cluster member to move it to: the volume is copied
            there, then deleted. Needs
            ``cluster_internal_custom_volume_copy``.
        :param wait: return when the volume is moved. With a target, the call
            always waits.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises ValueError: there is no argument that says where to.
        :raises LXDAPIException: the server refused, as when a running
            instance uses the volume, or (with ``wait``) the move failed.

        Endpoint: ``POST .../volumes/TYPE/NAME``; needs
        ``storage_api_local_volume_handling``.
        """
        if (pool, project, target) == (None, None, None):
            raise ValueError('move() needs a pool, a project or a target')
        # Servers look for the pool '' where the field is missing
        body = {'name': self.name, 'pool': pool or self.pool}  # type: Any
        if project is not None:
            self.client.dialect.need('storage_volume_project_move')
            body['project'] = project
        with Reporter(progress) as reporter:
            if target is None:
                self._move(body, wait, reporter)
            else:
                self._move_to_member(body, target, reporter)

    def _move(self, body, wait, reporter=None):
        # type: (Dict[str, Any], bool, Optional[Reporter]) -> None
        self.client.dialect.need('storage_api_local_volume_handling')
        moved = self._place(body)
        operation = self._keep_operation(
            self._ready_to_change().post(json=body))
        if operation is not None and wait:
            operation.wait(progress=reporter)
        self._expire()
        self._become(moved, operation, 'moved to {!r}'.format(moved))

    def _move_to_member(self, body, target, reporter):
        # type: (Dict[str, Any], str, Reporter) -> None
        moved = self.copy(
            body['name'], body['pool'], project=body.get('project'),
            target=target, progress=reporter)
        # With the member that has it as the target, once it is loaded
        source = self.from_key(self.parent, (self.type, self.name),
                               Document({'location': self.location}))
        try:
            source.delete()
        except exceptions.LXDAPIException:
            for snapshot in moved.snapshots:
                snapshot.delete(wait=True)
            moved.delete()
            raise
        self._expire()
        self._become(moved, None, '')

    def _place(self, body):
        # type: (T, Dict[str, Any]) -> T
        """Return the volume at another place, which ``body`` describes."""
        client, project = self.client, body.get('project')
        if project is not None:
            client = client.use_project(project)
        pool = self.parent.from_key(
            client, (self.parent.check_name(body['pool']),))
        return self.from_key(
            pool, (self.type, self.check_name(body.get('name'))))
