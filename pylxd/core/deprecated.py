"""Names of earlier releases for which there is a better one."""
import functools
import os
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar
    F = TypeVar('F', bound=Callable[..., Any])


def deprecated(better):
    # type: (str) -> Callable[[F], F]
    """Decorate a method with an old name, so that each call raises a warning.

    The warning is a `DeprecationWarning`, for the line of the caller.
    ``PYLXD_WARNINGS=none`` in the environment silences it.

    :param better: what to call instead, such as ``sync()``.
    """
    def decorate(method):
        # type: (F) -> F
        @functools.wraps(method)
        def call(self, *args, **kwargs):
            # type: (Any, *Any, **Any) -> Any
            warn('{}.{}() is deprecated: call {}'.format(
                type(self).__name__, method.__name__, better))
            return method(self, *args, **kwargs)
        result = call  # type: Any
        return result  # type: ignore[no-any-return]
    return decorate


def warn(message):
    # type: (str) -> None
    """Warn that the caller of the calling function uses an old name."""
    if os.environ.get('PYLXD_WARNINGS') != 'none':
        warnings.warn(message, DeprecationWarning, stacklevel=3)
