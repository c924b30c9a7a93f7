"""The states of instances."""
from pylxd.core.state import State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional

#: The families and scopes of addresses, as servers name them.
FAMILIES = None, 'inet', 'inet6'
SCOPES = None, 'global', 'link', 'local'


class InstanceState(State):
    """The state of an instance at one moment.

    Its attributes are the fields that the server sent:

    - ``status``, such as ``Running``, and ``status_code``, a number
    - ``pid``: the number of its init process on the host; 0 if stopped
    - ``processes``: how many run
    - ``cpu``: ``{'usage': ...}``, in nanoseconds
    - ``memory``: ``usage``, ``usage_peak``, ``swap_usage`` and
      ``swap_usage_peak``, in bytes
    - ``disk``: by device, ``{'usage': ...}``, in bytes
    - ``network``: by interface, ``addresses``, ``counters``, ``hwaddr`` and
      so on; None if the instance is stopped
    """

    if TYPE_CHECKING:
        cpu = {}  # type: Dict[str, int]
        disk = {}  # type: Dict[str, Dict[str, int]]
        memory = {}  # type: Dict[str, int]
        network = {}  # type: Dict[str, Dict[str, Any]]
        pid = 0  # type: int
        processes = 0  # type: int
        status = ''  # type: str
        status_code = 0  # type: int

    def addresses(self, family=None, scope='global'):
        # type: (Optional[str], Optional[str]) -> List[str]
        """Return the addresses of the instance, without their prefixes.

        :param family: ``inet`` for IPv4, ``inet6`` for IPv6; None for both.
        :param scope: ``global`` for addresses that other machines reach,
            ``link`` for those of the link, ``local`` for those of the
            instance alone; None for all.
        :return: the addresses, in the order of the server; none if the
            instance is stopped.
        :raises ValueError: there is no such family or scope.
        """
        check_choice(family, FAMILIES)
        check_choice(scope, SCOPES)
        return [
            address['address']
            for interface in (self.network or {}).values()
            for address in interface.get('addresses') or ()
            if family in (None, address.get('family'))
            and scope in (None, address.get('scope'))]


class ContainerState(InstanceState):
    """The state of a container."""


def check_choice(value, choices):
    # type: (Any, Any) -> None
    """Check that a value is one of several.

    :raises ValueError: it is none of them.
    """
    if value not in choices:
        raise ValueError('{!r} is none of {}'.format(
            value, ', '.join(repr(each) for each in choices)))
