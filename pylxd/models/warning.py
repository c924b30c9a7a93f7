"""Warnings of the server."""
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable


class ServerWarning(Savable, Deletable):
    """A warning: a problem that the server has noticed.

    It is not named ``Warning``, which is a class of Python.

    Endpoint: ``/1.0/warnings/UUID``.
    """

    path = 'warnings'
    key = 'uuid'
    extension = 'warnings'
    filter_extension = 'warnings'
    # Servers have no such extension, and list all unless a project is named
    all_projects_extension = 'warnings'
    synchronous = True

    uuid = attribute(readonly=True)  # type: str
    count = attribute(readonly=True)  # type: int
    entity_url = attribute(readonly=True)  # type: str
    first_seen_at = attribute(readonly=True)  # type: str
    last_message = attribute(readonly=True)  # type: str
    last_seen_at = attribute(readonly=True)  # type: str
    location = attribute(readonly=True)  # type: str
    project = attribute(readonly=True)  # type: str
    severity = attribute(readonly=True)  # type: str
    status = attribute(str)  # type: str
    type = attribute(readonly=True)  # type: str

    def acknowledge(self):
        # type: () -> None
        """Mark the warning as acknowledged, then call `rollback`.

        :raises NotFound: the warning does not exist any more.

        Endpoint: ``PATCH /1.0/warnings/UUID``.
        """
        # LXD 5.0.2 answers the PATCH of a missing warning with success: the
        # load that follows raises NotFound
        self.patch({'status': 'acknowledged'})


class Warnings(Manager[ServerWarning]):
    """The warnings of the server: ``client.warnings``.

    A client of a project has those of that project alone.
    """

    model = ServerWarning

    def get(self, uuid):
        # type: (str) -> ServerWarning
        """Get a warning by its uuid.

        :raises NotFound: there is no such warning.

        Endpoint: ``GET /1.0/warnings/UUID``; needs ``warnings``.
        """
        return self._get(uuid)
