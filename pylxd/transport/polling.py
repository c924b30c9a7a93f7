"""Waiting until sockets can be read or written."""
import collections
import errno
import math
import select
import socket
import ssl

from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

#: Seconds that `wait` waits at most; poll() takes no more than 24 days.
LONGEST_WAIT = 24 * 60 * 60


def wait(readers,  # type: List[Any]
         writers,  # type: List[Any]
         deadline=None,  # type: Optional[float]
         ):
    # type: (...) -> Tuple[List[Any], List[Any]]
    """Wait until a socket can be read or written.

    :param deadline: the time of `clock` to wait until; None waits for ever.
    :return: the sockets that can be read, and those that can be written;
        none after the deadline or a signal. A caller whose deadline has not
        passed waits again.
    """
    descriptors = {each: each.fileno() for each in readers + writers}
    if -1 in descriptors.values():  # closed by another thread: its use fails
        return readers, writers
    seconds = None if deadline is None else min(
        max(deadline - clock(), 0), LONGEST_WAIT)
    try:
        if not hasattr(select, 'poll'):  # Windows
            return select.select(readers, writers, [], seconds)[:2]
        masks = collections.defaultdict(int)  # type: Dict[int, int]
        for mask, each in [(select.POLLIN, each) for each in readers] + [
                (select.POLLOUT, each) for each in writers]:
            # register() replaces the mask of a descriptor
            masks[descriptors[each]] |= mask
        poll = select.poll()
        for descriptor, mask in masks.items():
            poll.register(descriptor, mask)
        # Rounded up, or the last millisecond would be a busy loop
        ready = {descriptor for descriptor, _ in poll.poll(
            None if seconds is None else math.ceil(seconds * 1000))}
    except select.error as error:  # a signal, on Python 2
        if error.args[0] != errno.EINTR:
            raise
        return [], []
    return ([each for each in readers if descriptors[each] in ready],
            [each for each in writers if descriptors[each] in ready])


def descriptor(sock):
    # type: (Any) -> int
    """Return the descriptor of a socket; -1 if it is closed or None."""
    try:
        return -1 if sock is None else int(sock.fileno())
    except socket.error:  # Python 2: another thread has closed it
        return -1


def has_passed(deadline):
    # type: (Optional[float]) -> bool
    """Return whether a time of `clock` has passed."""
    return deadline is not None and clock() >= deadline


def would_block(error):
    # type: (socket.error) -> bool
    """Return whether an error only means that a socket has to be polled."""
    return isinstance(error, (
        ssl.SSLWantReadError, ssl.SSLWantWriteError)) or error.errno in (
            errno.EAGAIN, errno.EWOULDBLOCK)
