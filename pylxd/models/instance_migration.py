"""Moves of instances, and copies to other servers."""
from pylxd.core.context import check_client
from pylxd.core.progress import Reporter
from pylxd.core.verbs import Renamable
from pylxd.models.instance_copy import Copyable
from pylxd.models.migration import pull_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, TypeVar
    from pylxd.client import Client
    from pylxd.core.progress import ProgressArgument
    T = TypeVar('T', bound='Movable')


class Movable(Copyable, Renamable):
    """A model of instances, which can be moved and copied."""

    copied_fields = Copyable.copied_fields + ('description',)

    @property
    def _copied_instance(self):
        # type: () -> Any
        return self

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
        operation = self._offer(self._make_request({'live': live}))
        data = self.describe_copy(self.name)
        data['source'] = dict(
            pull_source(self.client, operation, address), live=live)
        data['source']['base-image'] = self.config.get(
            'volatile.base_image', '')
        return data

    def migrate(self, new_client, wait=False, live=False, progress=None):
        # type: (T, Client, bool, bool, ProgressArgument) -> T
        """Copy the instance, with its snapshots, to another server.

        The new server pulls the instance from this one over HTTPS. The
        instance stays on this server, until you delete it.

        :param new_client: a client of the destination.
        :param wait: return when the copy is complete. If the new server does
            not reach this one by the address of this client, as behind a
            tunnel, the addresses that this server names are tried too.
        :param live: whether to take the running state along, which needs
            CRIU on both servers.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :return: the instance on the new server.
        :raises TypeError: ``new_client`` is no client.
        :raises ClientConnectionFailed: this server has no HTTPS address.
        :raises LXDAPIException: one of the servers refused, or (with
            ``wait``) the copy failed.

        Endpoint: ``POST`` on the object, ``POST`` on the new collection.
        """
        check_client(new_client, 'new_client')
        copy = self.copy(
            self.name, to=new_client, live=live, wait=wait,
            progress=progress)  # type: T
        return copy

    def move(self,
             pool=None,  # type: Optional[str]
             project=None,  # type: Optional[str]
             target=None,  # type: Optional[str]
             wait=True,  # type: bool
             progress=None,  # type: ProgressArgument
             ):
        # type: (...) -> None
        """Move the instance within its server or cluster.

        :param pool: the storage pool to move it to. Needs
            ``instance_pool_move``.
        :param project: the project to move it to. Needs
            ``instance_project_move``, and together with ``pool``
            ``instance_move_config``: LXD 5.0 would ignore the project.
        :param target: the cluster member to move it to. Needs
            ``clustering``.
            When the call returns, this object is the one in the new project,
            and its client one of that project. If the move fails later, the
            first call that notices logs a warning, and the object is the one
            in the old project again.
        :param wait: return when the instance is moved.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises ValueError: there is no argument that says where to.
        :raises LXDAPIException: the server refused, as when the instance
            runs, or (with ``wait``) the move failed.

        Endpoint: ``POST`` on the object.
        """
        if (pool, project, target) == (None, None, None):
            # Servers would wait for another server to pull the instance
            raise ValueError('move() needs a pool, a project or a target')
        dialect = self.client.dialect
        request = {'name': self.name, 'migration': True}  # type: Any
        for field, value, extension in (
                ('pool', pool, 'instance_pool_move'),
                ('project', project, 'instance_project_move')):
            if value is not None:
                dialect.need(extension)
                request[field] = value
        if pool is not None and project is not None:
            dialect.need('instance_move_config')
        if target is not None:
            dialect.need('clustering')
        client = self.client if project is None else (
            self.client.use_project(project))
        with Reporter(progress) as reporter:
            response = self._ready_to_change().post(
                json=request, target=target)
            operation = self._start_operation(response, wait, reporter)
        self._expire()
        if project is not None:
            self._become(self.from_key(client, self._key or ()), operation,
                         'moved to the project {}'.format(project))
