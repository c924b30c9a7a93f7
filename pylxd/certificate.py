"""The documented name of the module of certificates."""
from pylxd.models.certificate import Certificate, Certificates

__all__ = ['Certificate', 'Certificates']
