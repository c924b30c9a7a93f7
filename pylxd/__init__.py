"""A client of LXD and Incus.

>>> from pylxd import Client
>>> client = Client()
>>> client.containers.all()
[]
"""
from pylxd import exceptions, models
from pylxd.client import Client, EventType
from pylxd.core.progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, List, Optional
    from pylxd import _table

__version__ = '3.0.0.dev0'
__all__ = ['Client', 'EventType', 'Progress', 'exceptions', 'models',
           'remotes', 'table']


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


def table(objects, columns=None):
    # type: (Iterable[Any], Optional[Iterable[_table.Column]]) -> _table.Table
    """Return a table of objects, for `print`, the prompt or a notebook.

    :param objects: the objects, a row for each: those of a list, a manager,
        or dicts.
    :param columns: the columns, each the name of an attribute, a path such as
        ``config.limits.cpu`` or ``devices.root.pool``, or a function that is
        called with each object. A value that an object lacks is empty; a path
        through a list finds the values of all its items. By default the key,
        name, aliases, status, type, driver and description, as far as any of
        the objects has them.
    :return: the table: ``str()`` is its text, aligned by spaces.
    :raises TypeError: ``objects`` or ``columns`` is no list.
    """
    from pylxd._table import Table  # not every program prints tables
    return Table(objects, columns)
