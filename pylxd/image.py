"""The image classes under their documented module name."""
from pylxd.models.image import Image, Images

__all__ = ['Image', 'Images']
