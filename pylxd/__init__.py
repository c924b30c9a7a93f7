"""A client of LXD and Incus.

>>> from pylxd import Client
>>> client = Client()
>>> client.containers.all()
[]
"""
from pylxd import exceptions, models
from pylxd.client import Client, EventType
from pylxd.core.progress import Progress

__version__ = '3.0.0.dev0'
__all__ = ['Client', 'EventType', 'Progress', 'exceptions', 'models']
