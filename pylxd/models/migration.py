"""Copies of objects from one server to another."""
import threading

from pylxd import exceptions
from pylxd.core.context import check_client
from pylxd.core.model import Model, warn
from pylxd.transport import streams
from pylxd.transport.dialect import is_unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Optional
    from pylxd.client import Client
    from pylxd.core.operation import Operation
    from pylxd.core.progress import Reporter

#: Who connects to whom. In mode ``relay`` the client connects to both.
MODES = 'pull', 'push', 'relay'
#: Seconds that the operation of one server may take to end after that of the
#: other.
END_TIME = 15
#: The hint where a server is lost that has not deleted a part of a copy.
REST = 'a part of {!r} may be left: delete it before you copy again'


def check_mode(mode):
    # type: (str) -> None
    """Check a mode.

    :raises ValueError: it is none of `MODES`.
    """
    if mode not in MODES:
        raise ValueError("mode must be 'pull', 'push' or 'relay', not "
                         '{!r}'.format(mode))


def choose_destination(client, to, mode):
    # type: (Client, Optional[Client], str) -> Client
    """Return the client of the server of a copy.

    :param client: the client of the original.
    :param to: a client of another server; None is the same server.
    :param mode: one of `MODES`.
    :raises TypeError: ``to`` is no client.
    :raises ValueError: there is no such mode.
    """
    check_mode(mode)
    if to is None:
        return client
    check_client(to, 'to')
    return to


def is_same_server(client, other):
    # type: (Client, Client) -> bool
    """Return whether two clients connect to the same place."""
    return client.transport.endpoint == other.transport.endpoint


def pull_source(client, operation, address):
    # type: (Client, Operation, str) -> Dict[str, Any]
    """Return the ``source`` by which another server pulls.

    :param client: the client of the server to pull from.
    :param operation: the operation by which that server offers an object.
    :param address: a URL of that server.
    """
    return {'type': 'migration', 'mode': 'pull',
            'operation': address + operation.path,
            'certificate': client.server_certificate(),
            'secrets': operation.metadata}


class Migratable(Model):
    """A model whose objects can be copied, also to other servers."""

    def _offer(self, request, target=None):
        # type: (Dict[str, Any], Optional[Dict[str, Any]]) -> Operation
        """Start the operation that sends this object to another server.

        :param request: the fields of the request beside ``migration``.
        :param target: the operation to connect to, as the REST API defines
            it; None waits until others connect.
        """
        request = dict(request, migration=True)
        if target is not None:
            request['target'] = target
        response = self._ready_to_change().post(json=request)
        operation = self._keep_operation(response)
        if operation is None:
            raise exceptions.InvalidResponse(response)
        return operation

    def _make_copy(self,
                   request,  # type: Dict[str, Any]
                   destination,  # type: Client
                   create,  # type: Callable[[Dict[str, Any]], Any]
                   mode,  # type: str
                   wait,  # type: bool
                   reporter,  # type: Reporter
                   ):
        # type: (...) -> Any
        """Copy this object to the server of a client, and return the copy.

        :param request: as for `_offer`, if that is another server.
        :param destination: the client of the copy.
        :param create: as for `Migration`.
        :param mode: one of `MODES`.
        :param wait: whether to return when the copy is complete.
        :param reporter: reports the progress.
        """
        if is_same_server(self.client, destination):
            copy = create({})
            if wait:
                copy.created_by(copy.operation, True, reporter)
        else:
            copy = Migration(
                self.client, lambda target: self._offer(request, target),
                destination, create, reporter).run(mode, wait)
        self.operation = copy.operation  # type: Optional[Operation]
        return copy


class Migration(object):
    """The copy of an object to another server.

    The server of the original starts an operation that sends, the other
    server one that receives. They exchange data over websockets of one of
    the operations, or of both in mode ``relay``.

    :param client: the client of the original.
    :param offer: a function that starts the operation that sends. It takes
        the ``target`` of the REST API, None if others connect.
    :param destination: the client of the other server.
    :param create: a function that starts the creation of the copy. It takes
        the ``source`` of the REST API, and returns the copy.
    :param reporter: reports the progress.
    """

    def __init__(self,
                 client,  # type: Client
                 offer,  # type: Callable[[Any], Operation]
                 destination,  # type: Client
                 create,  # type: Callable[[Dict[str, Any]], Any]
                 reporter,  # type: Reporter
                 ):
        # type: (...) -> None
        self._client, self._offer = client, offer
        self._destination, self._create = destination, create
        self._reporter = reporter

    def run(self, mode, wait):
        # type: (str, bool) -> Any
        """Make the copy.

        :param mode: one of `MODES`.
        :param wait: whether to return when the copy is complete.
        :return: the copy.
        :raises LXDAPIException: one of the servers refused, or (with
            ``wait``) the copy failed. Then nothing of the copy is left.
        """
        return getattr(self, '_' + mode)(wait)

    def _pull(self, wait):
        # type: (bool) -> Any
        def pull(address):
            # type: (str) -> Any
            # An operation waits for ten seconds: each try has one of its own
            sending = self._offer(None)
            try:
                copy = self._create(
                    pull_source(self._client, sending, address))
                if wait:
                    self._wait(copy, sending, self._reporter)
            except exceptions.LXDAPIException as error:
                if has_not_begun(error):
                    abandon(self._client, sending)
                raise
            return copy

        return self._client.offer(pull)

    def _push(self, wait):
        # type: (bool) -> Any
        destination = self._destination
        destination.address  # raises if there is none, before the creation
        copy = self._create({'type': 'migration', 'mode': 'push'})
        receiving = copy.operation

        def push(address):
            # type: (str) -> Operation
            sending = self._offer({
                'operation': address + receiving.path,
                'certificate': destination.server_certificate(),
                'secrets': receiving.metadata})
            if wait:
                sending.wait(progress=self._reporter)
            return sending

        try:
            sending = destination.offer(push)
        except exceptions.LXDException as error:
            if has_not_begun(error):
                abandon(destination, receiving)
            else:
                error.hint = describe_end(receiving, copy)
            raise
        if wait:
            self._wait(copy, sending)
        return copy

    def _relay(self, wait):
        # type: (bool) -> Any
        from pylxd.transport.relay import Relay  # most programs need none
        sending = self._offer(None)
        try:
            copy = self._create({'type': 'migration', 'mode': 'push'})
        except BaseException:
            abandon(self._client, sending)
            raise
        receiving = copy.operation
        self._reporter.start(copy.name)
        try:
            relay = Relay(self._client.transport, websocket_paths(sending),
                          self._destination.transport,
                          websocket_paths(receiving), self._reporter)
        except exceptions.LXDAPIException as error:
            # One of the operations has failed already, and has the reason;
            # Incus waits for longer than 15 s for somebody to connect
            abandon(self._destination, receiving)
            error.hint = '; '.join(filter(None, [
                describe_end(sending), describe_end(receiving, copy)]))
            raise
        if wait:
            relay.run()
            self._wait(copy, sending)
        else:
            thread = threading.Thread(target=self._run, args=(relay,))
            thread.daemon = True
            thread.start()
        return copy

    def _run(self, relay):
        # type: (Any) -> None
        """Run a relay in a thread, after the block of the reporter."""
        with self._reporter:
            relay.run()

    def _wait(self, copy, sending, reporter=None):
        # type: (Any, Operation, Optional[Reporter]) -> None
        """Wait until the copy is complete, and both servers are done."""
        try:
            copy.created_by(copy.operation, True, reporter)
        except exceptions.LXDAPIException as error:
            if not has_not_begun(error):
                error.hint = describe_end(sending)
            raise
        except exceptions.ClientConnectionFailed as error:
            error.hint = REST.format(copy)
            raise
        # As long as it runs, the server refuses to delete the original
        reason = describe_end(sending)
        if reason:
            warn('%s is complete, but %s', repr(copy), reason)


def has_not_begun(error):
    # type: (exceptions.LXDException) -> bool
    """Return whether an error came before one server connected to another."""
    return isinstance(error, exceptions.LXDAPIException) and (
        is_unreachable(error)
        or not isinstance(error, exceptions.OperationFailed))


def websocket_paths(operation):
    # type: (Operation) -> Dict[str, str]
    """Return the paths of the websockets of an operation, by their names."""
    return {name: operation.websocket_path(secret)
            for name, secret in operation.metadata.items()}


def abandon(client, operation):
    # type: (Client, Operation) -> None
    """End an operation that waits for somebody to connect to it.

    It fails when somebody connects and hangs up; otherwise it would wait for
    ten seconds. LXD 5.0.2 crashes if it is cancelled, or if somebody connects
    to it twice.
    """
    try:
        streams.close(streams.connect_in_turn(
            client.transport, websocket_paths(operation).values()))
        operation.await_end(END_TIME)
    except exceptions.LXDException:
        pass  # it has ended by itself


def describe_end(operation, copy=None):
    # type: (Operation, Any) -> str
    """Wait for the end of an operation; return how the server explains it.

    :param copy: the copy that the operation makes.
    :return: ``''`` if the operation succeeded, or nothing is known.
    """
    try:
        if operation.await_end(END_TIME):
            return ''
        return 'the other server says: ' + operation.failure().message
    except exceptions.ClientConnectionFailed as error:
        return '; '.join(['the other server is lost: {}'.format(error)] + (
            [REST.format(copy)] if copy is not None else []))
    except exceptions.LXDException:
        return ''  # it has ended, or the server has forgotten it
