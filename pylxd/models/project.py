"""Projects."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple


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
