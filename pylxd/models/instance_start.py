"""The verbs that start, stop and suspend instances."""
from pylxd.core.model import Model


class Startable(Model):
    """A model that can be started, stopped and suspended."""

    def start(self, timeout=30, force=True, wait=False, stateful=False):
        # type: (int, bool, bool, bool) -> None
        """Start the instance.

        :param timeout: seconds to wait before giving up, sent to the server.
        :param force: ignored for ``start``.
        :param wait: return when the instance runs; its attributes are then
            loaded again when they are read.
        :param stateful: go on from the state that a stateful `stop` stored.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance did not start.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('start', timeout, force, wait, stateful)

    def stop(self, timeout=30, force=True, wait=False, stateful=False):
        # type: (int, bool, bool, bool) -> None
        """Stop the instance at once, by force; `shutdown` ends it cleanly.

        :param timeout: seconds that the instance has to shut down if
            ``force`` is false.
        :param force: kill the processes of the instance at once.
        :param wait: return when the instance is stopped; its attributes are
            then loaded again when they are read. An ephemeral instance is
            deleted.
        :param stateful: store the running state, for `start`. It needs
            CRIU, or ``migration.stateful`` for a virtual machine.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance did not stop.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('stop', timeout, force, wait, stateful)

    def shutdown(self, timeout=30, wait=True):
        # type: (int, bool) -> None
        """Let the instance end its processes, and stop it.

        :param timeout: seconds that the instance has for it.
        :param wait: return when the instance is stopped.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance runs on.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('stop', timeout, False, wait)

    def restart(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Stop and start the instance; the arguments are those of `stop`.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('restart', timeout, force, wait)

    def freeze(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Suspend the instance; the arguments are those of `start`.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('freeze', timeout, force, wait)

    def unfreeze(self, timeout=30, force=True, wait=False):
        # type: (int, bool, bool) -> None
        """Resume the suspended instance; the arguments are those of `start`.

        Endpoint: ``PUT .../state``.
        """
        self._set_state('unfreeze', timeout, force, wait)

    def _set_state(self, action, timeout, force, wait, stateful=False):
        # type: (str, int, bool, bool, bool) -> None
        request = {'action': action, 'timeout': int(timeout),
                   'force': bool(force)}
        if stateful:
            request['stateful'] = True
        response = self._ready_to_change().state.put(json=request)
        self._expire()
        self._start_operation(response, wait)
        self._expire()
