"""The documented name of the module of profiles."""
from pylxd.models.profile import Profile, Profiles

__all__ = ['Profile', 'Profiles']
