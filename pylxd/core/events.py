"""The events of a server, and its other websockets."""
from pylxd.core.constants import TextConstants
from pylxd.core.context import Context
from pylxd.transport.rest import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Optional, overload
    from typing import TypeVar, Union
    from pylxd.transport.listener import Listener
    from pylxd.transport.websocket import EventsClient
    W = TypeVar('W')


class EventType(TextConstants):
    """The types of events, for the argument of `Client.events`.

    Each type is a text with the attributes ``name`` and ``value``:
    ``EventType.Lifecycle``, ``EventType['Lifecycle']`` and
    ``EventType('lifecycle')`` are the same. Iteration yields all types.
    """

    All = 'all'  # type: Any
    Operation = 'operation'  # type: Any
    Logging = 'logging'  # type: Any
    Lifecycle = 'lifecycle'  # type: Any
    #: Of Incus.
    NetworkACL = 'network-acl'  # type: Any
    #: Of newer LXD.
    OVN = 'ovn'  # type: Any
    #: Of newer LXD.
    Security = 'security'  # type: Any


class EventSource(Context):
    """The part of `Client` that receives events and opens websockets."""

    @property
    def websocket_url(self):
        # type: () -> str
        """The URL before the path of each websocket."""
        return self.transport.websocket_url

    def websocket(self, path, websocket_client):
        # type: (str, Callable[[str], W]) -> W
        """Return an unconnected websocket for a path of the server.

        It carries the client certificate, and sends no ``Origin``, which
        Incus 7 refuses.

        :param path: the path and the query, such as those that
            ``raw_interactive_execute`` returns.
        :param websocket_client: the class of the websocket, a client of
            ws4py, which handles what it receives; or another callable that
            takes a URL and returns such a websocket.
        :raises TypeError: the callable returned something else.
        """
        from pylxd.transport import websocket  # a third of import time
        connection = websocket.make(
            self.transport, path, websocket_client)  # type: W
        return connection

    if TYPE_CHECKING:
        @overload
        def events(self, websocket_client=None, event_types=None):
            # type: (None, Union[None, str, Iterable[str]]) -> EventsClient
            pass

        @overload
        def events(self, websocket_client, event_types=None):
            # type: (Callable[[str], W], Union[None, str, Iterable[str]]) -> W
            pass

    def events(self, websocket_client=None, event_types=None):
        # type: (Any, Union[None, str, Iterable[str]]) -> Any
        """Return an unconnected websocket that receives the server's events.

        Call its ``connect()``, then its ``run()``, which receives events
        until the websocket is closed. Any thread may close it: ``close()``
        asks the server to, ``terminate()`` and ``close_connection()`` act
        at once.

        :param websocket_client: the class of the websocket, a client of
            ws4py, or another callable that takes a URL and returns such a
            websocket, such as a `functools.partial`. The default class is
            `EventsClient`, which appends the events to its list
            ``messages``.
        :param event_types: the types to receive, values of `EventType`; one
            or several. The default is all types.
        :return: the websocket, an instance of that class.
        :raises TypeError: the callable returned something else.

        Endpoint: ``GET /1.0/events``.
        """
        if websocket_client is None:
            from pylxd.transport import websocket  # a third of import time
            websocket_client = websocket.EventsClient
        return self.websocket(
            self._make_events_path(event_types), websocket_client)

    def listen(self,
               types=None,  # type: Union[None, str, Iterable[str]]
               all_projects=False,  # type: bool
               timeout=None,  # type: Optional[float]
               reconnect=False,  # type: bool
               ):
        # type: (...) -> Listener
        """Return an iterator of the server's events, which is connected.

        No event that happens later is missed, unless the connection is lost.

        :param types: the types to receive, values of `EventType`; one or
            several. The default is all types.
        :param all_projects: receive the events of all projects, not only
            those of the project of this client.
        :param timeout: seconds without an event after which the iteration
            ends; None is never.
        :param reconnect: connect again when the connection is lost, as when
            the server restarts. The event ``reconnected`` then tells that
            events in between may be lost.
        :return: the iterator of events, which are dicts. Use it in a ``with``
            block, or call its ``close()``, also from another thread.
        :raises LXDAPIException: the server refused.

        Endpoint: ``GET /1.0/events``.
        """
        from pylxd.transport import listener  # imports ws4py
        return listener.Listener(self.transport, self._make_events_path(
            types, all_projects), timeout, reconnect)

    def _make_events_path(self, types, all_projects=False):
        # type: (Union[None, str, Iterable[str]], bool) -> str
        """Return the path and query of the events."""
        if isinstance(types, (str, type(u''))):
            types = [types]
        types = sorted(set(types or ()))
        query = []
        if all_projects:
            query.append('all-projects=true')
        elif self.project:
            query.append('project=' + quote(self.project))
        if types and EventType.All not in types:
            query.append('type=' + ','.join(quote(each) for each in types))
        return (self.api.events.path + ('?' if query else '')
                + '&'.join(query))
