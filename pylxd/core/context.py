"""The base class of the client: what models and managers need of it."""
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional
    from pylxd.transport.connection import Transport
    from pylxd.transport.dialect import Dialect
    from pylxd.transport.rest import Node


_SET_LATER = None  # type: Any


def check_client(value, argument):
    # type: (Any, str) -> None
    """Check that an argument is a client, and not the URL of a server.

    :raises TypeError: it is something else.
    """
    if not hasattr(value, 'dialect'):
        raise TypeError(
            "{} must be a Client, such as Client('https://10.0.0.1:8443', "
            'cert=..., verify=...), not {!r}'.format(argument, value))


class Context(object):
    """A client as models and managers use it: one server, one project."""

    #: The root of the REST tree: ``client.api.instances['c1'].state.get()``.
    api = _SET_LATER  # type: Node
    #: The server's kind and API extensions.
    dialect = _SET_LATER  # type: Dialect
    #: The connections to the server.
    transport = _SET_LATER  # type: Transport
    #: The project to work in; None is the server's default.
    project = None  # type: Optional[str]
    #: The cluster member to work on; None leaves the choice to the server.
    target = None  # type: Optional[str]

    @property
    def identity(self):
        # type: () -> str
        """The fingerprint of the server; its endpoint if it has none."""
        return self.dialect.identity or self.transport.endpoint

    def _check_project(self):
        # type: () -> None
        """Raise an exception if the server is known to have no projects."""
        if self.project not in (None, 'default') and (
                not self.dialect.hides_extensions):
            self.dialect.need('projects')
