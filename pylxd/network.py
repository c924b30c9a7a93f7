"""The network classes under their documented module name."""
from pylxd.models.network import Network, Networks, NetworkState

__all__ = ['Network', 'Networks', 'NetworkState']
