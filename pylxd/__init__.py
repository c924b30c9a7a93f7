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
__all__ = ['Client', 'EventType', 'Progress', 'exceptions', 'models',
           'remotes']

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List


def remotes():
    # type: () -> List[str]
    """Return the names of the servers that ``lxc`` and ``incus`` know.

    Each is a name for `Client.from_remote`. The remotes of ``lxc`` come
    first; a name of ``incus`` that ``lxc`` has as well is listed as
    ``incus:NAME``. Remotes that only offer images are left out. Without any
    configuration, the only remote is ``local``.

    :raises ImportError: PyYAML is not installed.
    :raises InvalidRemote: a configuration cannot be read.
    """
    from pylxd import _remotes  # imported late: most programs need it not
    return _remotes.list_names()
