"""Forwards of networks."""
import socket
import struct

from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple


class NetworkForward(Savable, Deletable):
    """A forward: an address whose traffic goes to addresses of a network.

    Endpoint: ``/1.0/networks/NETWORK/forwards/ADDRESS``.
    """

    path = 'forwards'
    key = 'listen_address'
    extension = 'network_forward'
    synchronous = True
    patchable = False

    # Servers ignore If-Match: LXD 5.0, Incus 6.0 and 7.0
    config = attribute({str: str}, in_etag=False)  # type: Dict[str, str]
    description = attribute(str, in_etag=False)  # type: str
    listen_address = attribute(readonly=True)  # type: str
    location = attribute(readonly=True)  # type: str
    ports = attribute([{'listen_port': str, 'target_port': str}],
                      in_etag=False)  # type: List[Dict[str, Any]]

    @classmethod
    def check_name(cls, name):
        # type: (Any) -> Any
        """Return an address as `normalize_address` does."""
        return normalize_address(name)


class NetworkForwards(Manager[NetworkForward]):
    """All forwards of a network: ``network.forwards``."""

    model = NetworkForward
    class_methods = ('create',)  # type: Tuple[str, ...]
    parent_name = 'network'

    def get(self, listen_address):
        # type: (str) -> NetworkForward
        """Get a forward by its listen address.

        :raises NotFound: there is no such forward.

        Endpoint: ``GET /1.0/networks/NETWORK/forwards/ADDRESS``.
        """
        return self._get(listen_address)

    def create(self,
               listen_address,  # type: str
               config=None,  # type: Optional[Dict[str, str]]
               description=None,  # type: Optional[str]
               ports=None,  # type: Optional[List[Dict[str, Any]]]
               target=None,  # type: Optional[str]
               ):
        # type: (...) -> NetworkForward
        """Create a forward.

        :param listen_address: the IP address to listen on.
        :param config: the configuration, a dict of text; ``target_address``
            is where traffic goes that no port specification is for.
        :param description: a description for people.
        :param ports: the port specifications, a list of dicts with
            ``protocol`` (``tcp`` or ``udp``), ``listen_port`` (such as
            ``'80,8000-8010'``), ``target_address``, and, if they are wanted,
            ``target_port`` and ``description``.
        :param target: the cluster member that listens on the address.
        :raises Conflict: the network has a forward of that address.
        :raises LXDAPIException: the server refused, as when a target is
            outside of the network.

        Endpoint: ``POST /1.0/networks/NETWORK/forwards``; needs
        ``network_forward``.
        """
        return self._create({
            'listen_address': listen_address, 'config': config or {},
            'description': description, 'ports': ports or []}, target=target)


def normalize_address(address):
    # type: (Any) -> Any
    """Return an IP address as servers write it, after a check.

    A forward of ``2001:DB8:0::1`` is known as ``2001:db8::1``, and one of
    ``::ffff:192.0.2.1`` as ``192.0.2.1``.

    :raises InvalidName: no server allows that name.
    """
    address = rest.check_name(address)
    try:
        packed = socket.inet_pton(socket.AF_INET6, address)
    except (TypeError, ValueError, socket.error):
        return address
    normal = socket.inet_ntop(socket.AF_INET6, packed)
    start, _, last = normal.rpartition(':')
    if '.' not in last:
        return normal
    if start == '::ffff':
        return last
    # The C library writes ::192.0.2.1 for what Go writes as ::c000:201
    return '{}:{:x}:{:x}'.format(start, *struct.unpack('!HH', packed[12:]))
