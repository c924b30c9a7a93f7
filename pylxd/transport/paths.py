"""Local paths: what callers pass in, and what differs between systems."""
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Rename a file; on Windows, `os.rename` replaces no other file.
replace = getattr(os, 'replace', os.rename)  # type: Any


def to_path(value):
    # type: (Any) -> Any
    """Return the text of a path-like object; other values as they are.

    Python 2 has path-like objects, too, but no `os.fspath`.
    """
    method = getattr(type(value), '__fspath__', None)
    return value if method is None else method(value)


def add_filename(error, path):
    # type: (BaseException, Any) -> None
    """Make an error of the system name a file, as that of a full disk."""
    # Without a number, the text of an error of a file object would be lost
    if (isinstance(error, EnvironmentError) and error.errno is not None
            and error.filename is None):
        error.filename = path
