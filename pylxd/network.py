"""The documented name of the module of networks."""
from pylxd.models.network import Network, Networks, NetworkState

__all__ = ['Network', 'Networks', 'NetworkState']
