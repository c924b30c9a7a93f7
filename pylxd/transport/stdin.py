"""The input of a command: conversion of its sources to pieces of bytes."""
import io
import os
import stat
import threading

import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterable, Iterator, Optional

#: Bytes of a piece, which is sent as one frame; LXD is slower with more.
PIECE = 64 * 1024
#: Types of files that read from a descriptor without a buffer.
_UNBUFFERED_FILES = (io.FileIO,) + ((
    six.moves.builtins.file,) if six.PY2 else ())  # type: Any


class DescriptorInput(six.Iterator):
    """An iterator of what a descriptor reads; it can be polled."""

    def __init__(self, descriptor):
        # type: (int) -> None
        self._descriptor = descriptor

    def fileno(self):
        # type: () -> int
        """Return the descriptor."""
        return self._descriptor

    def __iter__(self):
        # type: () -> DescriptorInput
        return self

    def __next__(self):
        # type: () -> bytes
        piece = os.read(self._descriptor, PIECE)
        if not piece:
            raise StopIteration
        return piece

    def close(self):
        # type: () -> None
        """Do nothing: the caller owns the descriptor."""


class ThreadedInput(DescriptorInput):
    """An iterator of what another iterator yields, which may block.

    A thread writes the items into a pipe, which can be polled.
    """

    def __init__(self, items):
        # type: (Iterable[bytes]) -> None
        reader, writer = os.pipe()
        super(ThreadedInput, self).__init__(reader)
        self._error = None  # type: Optional[BaseException]
        thread = threading.Thread(target=self._copy, args=(items, writer))
        thread.daemon = True  # nothing can interrupt an iterator that blocks
        thread.start()

    def _copy(self, items, writer):
        # type: (Iterable[bytes], int) -> None
        try:
            for item in items:
                while item:
                    item = item[os.write(writer, item):]
        except BaseException as error:
            self._error = error  # raised in __next__, if it is still called
        finally:
            os.close(writer)

    def __next__(self):
        # type: () -> bytes
        try:
            return super(ThreadedInput, self).__next__()
        except StopIteration:
            if self._error is not None:
                raise self._error
            raise

    def close(self):
        # type: () -> None
        """Close the pipe; writing its next item then ends the thread."""
        os.close(self._descriptor)


def open_input(payload):
    # type: (Any) -> Any
    """Return an iterator of the bytes of a payload, `PIECE` at most each.

    A pipe or terminal is read by its descriptor, as `subprocess` reads. Any
    other source that may block is read by a thread, so that the output of
    the command is received meanwhile. The iterator has a method ``close``.

    :param payload: None, bytes, text, a file object, or an iterable of
        bytes and texts.
    :raises TypeError: the payload is of another type.
    """
    if payload is None:
        payload = ()
    elif isinstance(payload, (bytes, bytearray, six.text_type)):
        payload = payload,
    elif hasattr(payload, 'read'):
        file = payload
        payload = iter(lambda: file.read(PIECE) or None, None)
        inner = getattr(file, 'buffer', file)  # of a text file
        inner = getattr(inner, 'raw', inner)
        if isinstance(inner, _UNBUFFERED_FILES):
            if stat.S_ISREG(os.fstat(inner.fileno()).st_mode):
                return _split(payload)
            return DescriptorInput(inner.fileno())
        if isinstance(file, (io.BytesIO, io.StringIO)):
            return _split(payload)
    if isinstance(payload, (tuple, list)):
        return _split(payload)
    return ThreadedInput(_split(iter(payload)))


def _split(items):
    # type: (Iterable[Any]) -> Iterator[bytes]
    """Yield the bytes of the items, `PIECE` at most at a time."""
    for item in items:
        if isinstance(item, six.text_type):
            item = item.encode('utf-8')
        if not isinstance(item, (bytes, bytearray)):
            raise TypeError(
                'stdin must be bytes or text, not {!r}'.format(item))
        for start in range(0, len(item), PIECE):
            yield bytes(item[start:start + PIECE])
