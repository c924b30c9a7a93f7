"""The documented name of the module of images."""
from pylxd.models.image import Image, Images

__all__ = ['Image', 'Images']
