"""Waits until an instance is ready, or has an address."""
import time

from pylxd import exceptions
from pylxd.models.instance_exec import Executable
from pylxd.models.instance_state import FAMILIES, check_choice
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator, Optional

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

        The state is requested at once, after 0.1 s, and then less often, at
        last every 0.5 s.

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
        check_choice(family, FAMILIES)
        for _ in repeat(timeout):
            state = self.state()
            for address in state.addresses(family):
                found = address  # type: str
                return found
        raise exceptions.OperationTimeout(
            '{!r} has no {}address after {} s; it was {}'.format(
                self, family + ' ' if family else '', timeout,
                describe_state(state)))

    def wait_ready(self, timeout=60):
        # type: (float) -> None
        """Wait until the instance has started, and runs commands.

        An instance whose init tells it (``PUT /1.0`` on its ``/dev/lxd``, or
        ``/dev/incus``) is ready when its status is ``Ready``; others when the
        command ``true`` succeeds.

        :param timeout: seconds to wait at most; the last command has at least
            one.
        :raises OperationTimeout: the instance is not ready after that time;
            the message tells its last state.
        :raises NotFound: the instance does not exist any more.

        Endpoint: ``GET`` on the object, ``POST .../exec``.
        """
        deadline = clock() + timeout
        for _ in repeat(timeout):
            self.sync()
            reason = self.status
            if reason == 'Running':
                reason = self._try_command(max(deadline - clock(), 1))
            if reason in ('', 'Ready'):
                return
        raise exceptions.OperationTimeout(
            '{!r} is not ready after {} s; it was {}'.format(
                self, timeout, reason))

    def _try_command(self, timeout):
        # type: (float) -> str
        """Run ``true`` in the instance; return why it fails, '' otherwise."""
        try:
            code = self.execute(['true'], timeout=timeout).exit_code
        except exceptions.NotFound:
            raise
        except exceptions.CommandTimeout:
            return 'Running: the command true does not end'
        except exceptions.LXDAPIException as error:
            return 'Running: ' + error.message
        return code and 'Running: the command true ends with {}'.format(
            code) or ''


def repeat(timeout, sleep=time.sleep):
    # type: (float, Callable[[float], Any]) -> Iterator[None]
    """Yield at once, and then again after growing pauses, until a timeout.

    :param timeout: the seconds after which to yield for the last time.
    """
    deadline, pause = clock() + timeout, FIRST_PAUSE
    while True:
        yield
        rest = deadline - clock()
        if rest <= 0:
            return
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
