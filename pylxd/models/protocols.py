"""The types of the files that callers pass in; only type checkers read them.

`typing.IO` would refuse a `gzip.GzipFile`, which has all that is needed.
"""
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Readable(Protocol):
        """A file, or an object like one, that is open for reading bytes."""

        def read(self, __size=-1):
            # type: (int) -> bytes
            """Return the next bytes, at most ``size``; b'' at the end."""

    class Writable(Protocol):
        """A file, or an object like one, that is open for writing bytes."""

        def write(self, __data):
            # type: (bytes) -> object
            """Write all bytes of ``data``."""
