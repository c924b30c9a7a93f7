"""The certificate classes under their documented module name."""
from pylxd.models.certificate import Certificate, Certificates

__all__ = ['Certificate', 'Certificates']
