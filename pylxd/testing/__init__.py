"""Kits for testing programs that use pylxd, all with one interface.

:class:`FakeLXD` is a stand-in inside of the test's own process;
:class:`ThrowawayLXD` and :class:`ThrowawayIncus` are the real servers,
private and temporary.
"""
import importlib
import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from pylxd.testing.fake import FakeLXD
    from pylxd.testing.incus import ThrowawayIncus
    from pylxd.testing.throwaway import CannotRun, ThrowawayLXD

__all__ = ['CannotRun', 'FakeLXD', 'ThrowawayIncus', 'ThrowawayLXD']

_HOMES = dict(zip(__all__, ['throwaway', 'fake', 'incus', 'throwaway']))


class _Lazy(types.ModuleType):
    # Who takes one kit does not import the others. Python 2.7 knows no
    # __getattr__ of modules, but takes any object for one.

    def __getattr__(self, name):
        # type: (str) -> Any
        if name not in _HOMES:
            raise AttributeError(
                "{} has no {}".format(self.__name__, name))
        home = importlib.import_module(self.__name__ + '.' + _HOMES[name])
        return getattr(home, name)


_original = sys.modules[__name__]  # 2.7 empties a module without references
_lazy = _Lazy(__name__, __doc__)
_lazy.__dict__.update(globals())
sys.modules[__name__] = _lazy
