"""Projects."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple


class Project(Savable, Renamable, Deletable):
    """A part of the server with instances, images and profiles of its own.

    Endpoint: ``/1.0/projects/NAME``.
    """

    path = 'projects'
    extension = 'projects'
    synchronous = True

    name = attribute(readonly=True)  # type: str
    config = attribute(dict, patch='replaced')  # type: Dict[str, str]
    description = attribute(str)  # type: str
    used_by = attribute(readonly=True)  # type: List[str]


class Projects(Manager[Project]):
    """All projects: ``client.projects``."""

    model = Project
    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self, name, description=None, config=None):
        # type: (str, Optional[str], Optional[Dict[str, str]]) -> Project
        """Create a project.

        :param description: what it is for.
        :param config: its configuration, a dict of text; what it has of its
            own, as in ``{'features.images': 'false'}``.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST /1.0/projects``; needs ``projects``.
        """
        return self._create({'name': name, 'description': description,
                             'config': config or {}})
