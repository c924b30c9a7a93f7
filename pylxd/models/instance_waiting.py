"""Waits until an instance is ready, or has an address."""
import time

from pylxd import exceptions
from pylxd.models.instance_exec import Executable
from pylxd.models.instance_state import FAMILIES, check_choice
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Optional

#: Seconds between two looks at an instance: the first pause, and the longest.
#: No event tells that an instance has got an address.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 0.5


class Awaitable(Executable):
    """The part of the model of instances that waits for them."""

    if TYPE_CHECKING:
        status = ''  # type: str

        def state(self):
            # type: () -> Any
            """See `Instance`."""

    def wait_for_address(self, timeout=60, family=None):
        # type: (float, Optional[str]) -> str
        """Wait until the instance has an address, and return it.

        The state is requested after 0.1 s and then less often, at last every
        0.5 s.

        :param timeout: seconds to wait at most.
        :param family: ``inet`` for an IPv4 address, ``inet6`` for an IPv6
            one; None takes either.
        :return: the first address that is reachable from other machines.
        :raises OperationTimeout: the instance has no such address after that
            time; the message tells its last state.
        :raises ValueError: there is no such family.
        :raises NotFound: the instance does not exist any more.

        Endpoint: ``GET .../state``.
        """
        def look():
            # type: () -> Any
            state = self.state()
            seen[:] = [state]
            return (state.addresses(family) or [None])[0]

        check_choice(family, FAMILIES)
        seen = []  # type: Any
        address = wait_until(look, timeout)  # type: str
        if address is None:
            raise exceptions.OperationTimeout(
                '{!r} has no {}address after {} s; it was {}'.format(
                    self, {None: ''}.get(family, '{} '.format(family)),
                    timeout, describe_state(seen[0])))
        return address

    def wait_ready(self, timeout=60):
        # type: (float) -> None
        """Wait until the instance has started, and runs commands.

        An instance whose init tells it (``PUT /1.0`` on its ``/dev/lxd``, or
        ``/dev/incus``) is ready when its status is ``Ready``; others when the
        command ``true`` succeeds.

        :param timeout: seconds to wait at most.
        :raises OperationTimeout: the instance is not ready after that time;
            the message tells its last state.
        :raises NotFound: the instance does not exist any more.

        Endpoint: ``GET`` on the object, ``POST .../exec``.
        """
        def look():
            # type: () -> Any
            self.sync()
            reason[:] = [self.status]
            return self.status == 'Ready' or (
                self.status == 'Running' and self._runs_commands(reason)
            ) or None

        reason = []  # type: Any
        if wait_until(look, timeout) is None:
            raise exceptions.OperationTimeout(
                '{!r} is not ready after {} s; it was {}'.format(
                    self, timeout, ': '.join(reason)))

    def _runs_commands(self, reason):
        # type: (Any) -> bool
        """Return whether ``true`` succeeds in the instance.

        :param reason: a list, to which the reason is added if not.
        """
        try:
            code = self.execute(['true']).exit_code
        except exceptions.NotFound:
            raise
        except exceptions.LXDAPIException as error:
            reason.append(error.message)
            return False
        if code:
            reason.append('the command true ends with {}'.format(code))
        return not code


def wait_until(look, timeout, sleep=time.sleep):
    # type: (Callable[[], Any], float, Callable[[float], Any]) -> Any
    """Call a function with growing pauses until it returns a result.

    :param look: the function; it returns None as long as there is no result.
    :param timeout: seconds to wait at most.
    :return: the result, None after the timeout.
    """
    deadline, pause = clock() + timeout, FIRST_PAUSE
    while True:
        result = look()
        rest = deadline - clock()
        if result is not None or rest <= 0:
            return result
        sleep(min(pause, rest))
        pause = min(pause * 1.5, LONGEST_PAUSE)


def describe_state(state):
    # type: (Any) -> str
    """Return the status of an instance and its addresses, for a message."""
    return ', '.join([exceptions.printable(state.status)] + [
        '{} {}: {}'.format(
            exceptions.printable(name), exceptions.printable(
                interface.get('state') or ''),
            ', '.join(exceptions.printable(address.get('address'))
                      for address in interface.get('addresses') or ())
            or 'no address')
        for name, interface in sorted((state.network or {}).items())
        if name != 'lo'])
