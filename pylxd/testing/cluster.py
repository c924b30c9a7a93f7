"""A real cluster of private, temporary servers on this machine."""
import collections
import os
import signal
import socket
import struct
import threading

from pylxd.testing.throwaway import ThrowawayLXD
from pylxd.transport.pools import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Type
    from pylxd.client import Client
    from pylxd.testing.throwaway import Throwaway

#: The option of a unix socket that Python 2 does not name.
SO_PEERCRED = getattr(socket, 'SO_PEERCRED', 17)

#: Seconds within which the members of a cluster have to end (less than 1 s
#: seen).
_CLOSE_TIMEOUT = 60


class ThrowawayCluster(object):
    """A cluster of private servers, which touches no other server.

    The members share a storage pool ``default``, the default profile and a
    small image with the alias ``busybox``. They end with :meth:`close`, with
    the ``with`` block, or with this process.

    :param members: the number of members.
    :param kit: the class of each member, such as
        :class:`ThrowawayIncus`; the default is :class:`ThrowawayLXD`.
    :param arguments: arguments of that class, such as ``root``.
    :raises CannotRun: a server cannot run here, or does not start.
    """

    def __init__(self, members=3, kit=None, **arguments):
        # type: (int, Optional[Type[Throwaway]], **Any) -> None
        #: The kits of the members by name: ``m1``, which formed the cluster,
        #: ``m2`` and so on.
        self.members = collections.OrderedDict()  # type: Dict[str, Throwaway]
        try:
            for number in range(1, members + 1):
                name = 'm{}'.format(number)
                member = (kit or ThrowawayLXD)(empty=number > 1, **arguments)
                self.members[name] = member
                with member.client() as client:
                    if number == 1:
                        client.cluster.enable(name)
                        continue
                    client.cluster.join(self.create_token(name),
                                        member.endpoint[len('https://'):])
        except BaseException:
            self.close()
            raise

    def client(self, name='m1', **kwargs):
        # type: (str, **Any) -> Client
        """Make a client of a member, on its unix socket.

        :param name: the name of the member.
        :param kwargs: arguments of ``Client``; ``endpoint`` replaces the
            socket.
        """
        return self.members[name].client(**kwargs)

    def create_token(self, name):
        # type: (str) -> str
        """Create a token by which one more server can join the cluster.

        :param name: the name of the new member.
        """
        with self.client() as client:
            return client.cluster.members.create_token(name)

    def pause(self, name):
        # type: (str) -> None
        """Stop the daemon of a member by SIGSTOP: it answers no more."""
        os.kill(self._find_daemon(name), signal.SIGSTOP)

    def resume(self, name):
        # type: (str) -> None
        """Let the daemon of a member go on, if it is paused."""
        os.kill(self._find_daemon(name), signal.SIGCONT)

    def kill(self, name):
        # type: (str) -> None
        """End the daemon of a member by SIGKILL; its containers go on."""
        self.members[name].kill()

    def restart(self, name):
        # type: (str) -> None
        """Kill the daemon of a member if it runs, and start it again.

        :raises CannotRun: the daemon does not start.
        """
        self.members[name].restart()

    def close(self):
        # type: () -> None
        """End all members, also those that are paused or killed.

        It may be called at any time, and more than once.

        :raises RuntimeError: a member has not ended after a minute.
        """
        threads = {name: threading.Thread(target=member.close)
                   for name, member in self.members.items()}
        for thread in threads.values():
            thread.daemon = True
            thread.start()
        deadline = clock() + _CLOSE_TIMEOUT
        for thread in threads.values():
            thread.join(max(deadline - clock(), 0))
        running = [name for name, thread in sorted(threads.items())
                   if thread.is_alive()]
        if running:
            raise RuntimeError('members of the cluster that have not ended '
                               'within {} s: {}'.format(
                                   _CLOSE_TIMEOUT, ', '.join(running)))

    def __enter__(self):
        # type: () -> ThrowawayCluster
        return self

    def __exit__(self, *exc_info):
        # type: (*Any) -> None
        self.close()

    def _find_daemon(self, name):
        # type: (str) -> int
        """Return the process id of the daemon of a member."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(self.members[name].socket)
            credentials = connection.getsockopt(
                socket.SOL_SOCKET, SO_PEERCRED, struct.calcsize('3i'))
        finally:
            connection.close()
        return int(struct.unpack('3i', credentials)[0])
