"""Projects."""
from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.state import State
from pylxd.core.verbs import Deletable, Renamable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple


class ProjectState(State):
    """The resources that a project uses at one moment.

    ``resources`` has a dict for each of ``containers``, ``cpu``, ``disk``,
    ``instances``, ``memory``, ``networks``, ``processes`` and
    ``virtual-machines``: its ``Usage``, and its ``Limit``, which is -1 for no
    limit. Sizes are in bytes.
    """

    if TYPE_CHECKING:
        resources = {}  # type: Dict[str, Dict[str, int]]


class Project(Savable, Renamable, Deletable):
    """A project: a part of the server with its own instances.

    It has its own images and profiles, too, unless its config says otherwise.

    Endpoint: ``/1.0/projects/NAME``.
    """

    path = 'projects'
    extension = 'projects'
    synchronous = True

    name = attribute(readonly=True)  # type: str
    config = attribute({str: str}, patch='replaced')  # type: Dict[str, str]
    description = attribute(str)  # type: str
    used_by = attribute(list, readonly=True)  # type: List[str]

    def delete(self, wait=False, force=False):
        # type: (bool, bool) -> None
        """Delete the project on the server.

        LXD 5.0.2 does not refuse if custom volumes are all that the project
        has: it forgets them, and leaves their files on its disk. They are
        listed in ``used_by``.

        :param wait: ignored: the call always returns when the project is
            deleted.
        :param force: delete what is in the project as well.
        :raises LXDAPIException: the server refused, as when the project is
            not empty.

        Endpoint: ``DELETE /1.0/projects/NAME``; ``force`` needs
        ``projects_force_delete``.
        """
        if force:
            self.client.dialect.need('projects_force_delete')
        self._start_operation(self._ready_to_change().delete(
            params={'force': '1'} if force else None), wait)

    def state(self):
        # type: () -> ProjectState
        """Get the resources that the project uses, and their limits.

        Endpoint: ``GET /1.0/projects/NAME/state``; needs ``project_usage``.
        """
        self.client.dialect.need('project_usage')
        return ProjectState(rest.metadata(self.ensure_ready().state.get()))

    def access(self):
        # type: () -> List[Dict[str, str]]
        """List who may use the project.

        :return: a dict for each: ``identifier`` (the fingerprint of a
            certificate, for one), ``role``, ``provider``.

        Endpoint: ``GET /1.0/projects/NAME/access``; needs
        ``project_access``.
        """
        self.client.dialect.need('project_access')
        response = self.ensure_ready().access.get()
        # Incus sends null for an empty list
        entries = rest.envelope(response).get('metadata') or []
        if not isinstance(entries, list):
            raise exceptions.InvalidResponse(response)
        return entries


class Projects(Manager[Project]):
    """All projects: ``client.projects``."""

    model = Project
    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self, name, description=None, config=None):
        # type: (str, Optional[str], Optional[Dict[str, str]]) -> Project
        """Create a project.

        :param name: the name of the new project.
        :param description: a description for people.
        :param config: the configuration of the project, a dict of text;
            ``{'features.images': 'false'}`` makes it use the images of the
            default project.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST /1.0/projects``; needs ``projects``.
        """
        return self._create({'name': name, 'description': description,
                             'config': config or {}})
