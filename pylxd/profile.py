"""The profile classes under their documented module name."""
from pylxd.models.profile import Profile, Profiles

__all__ = ['Profile', 'Profiles']
