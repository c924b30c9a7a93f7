"""Kits for testing programs that use pylxd, all with the same interface.

:class:`FakeLXD` is a stand-in for a server, in the process of the test;
:class:`ThrowawayLXD` and :class:`ThrowawayIncus` are real servers, private
and temporary, and :class:`ThrowawayCluster` is a cluster of such servers.
"""
import importlib
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union
    from pylxd.testing.cluster import ThrowawayCluster
    from pylxd.testing.fake import FakeLXD
    from pylxd.testing.incus import ThrowawayIncus
    from pylxd.testing.throwaway import CannotRun, ThrowawayLXD
    Kit = Union[FakeLXD, ThrowawayIncus, ThrowawayLXD]

__all__ = ['CannotRun', 'FakeLXD', 'ThrowawayCluster', 'ThrowawayIncus',
           'ThrowawayLXD']

#: The module of each exported name.
_MODULES = dict(zip(
    __all__, ['throwaway', 'fake', 'cluster', 'incus', 'throwaway']))


class _LazyModule(types.ModuleType):
    """This module, which imports a kit when its class is first used.

    Python 2.7 has no __getattr__ of modules, but a subclass works.
    """

    def __getattr__(self, name):
        # type: (str) -> Any
        if name not in _MODULES:
            raise AttributeError(
                "module {!r} has no attribute {!r}".format(
                    self.__name__, name))
        module = importlib.import_module(self.__name__ + '.' + _MODULES[name])
        return getattr(module, name)


# Python 2.7 clears a module that nothing refers to
_original_module = sys.modules[__name__]
_lazy_module = _LazyModule(__name__, __doc__)
_lazy_module.__dict__.update(globals())
sys.modules[__name__] = _lazy_module
