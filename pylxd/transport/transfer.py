"""The exchange of the input and the output of a command."""
from pylxd.transport.polling import has_passed, wait
from pylxd.transport.stdin import DescriptorInput

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional
    from pylxd.transport.streams import StreamSocket


class Transfer(object):
    """The exchange of the input and the output of a command.

    :param stdin: the socket of the input.
    :param source: the pieces of the input, from `open_input`.
    :param sinks: a function for each socket of the output, called with the
        bytes that arrive.
    """

    def __init__(self, stdin, source, sinks):
        # type: (StreamSocket, Any, Dict[StreamSocket, Any]) -> None
        self._stdin, self._source = stdin, source
        self._sinks = dict(sinks)  # type: Dict[StreamSocket, Any]
        self._sending = True

    def stop_sending(self):
        # type: () -> None
        """Send no further input."""
        self._sending = False

    def close(self):
        # type: () -> None
        """Close the source of the input."""
        self._source.close()

    def run(self, deadline=None, until=None):
        # type: (Optional[float], Optional[StreamSocket]) -> bool
        """Send and receive until each output stream has ended.

        :param deadline: the time of `clock` at which to stop; None is never.
        :param until: a socket whose end ends the transfer as well.
        :return: whether it is done; False if the deadline has passed.
        :raises StreamBroken: a stream ended before its end.
        """
        stdin, source, sinks = self._stdin, self._source, self._sinks
        # Bytes that arrived with the handshakes are in the buffers, so poll()
        # would not report them
        readable, writable = list(sinks), []  # type: List[Any], List[Any]
        while sinks:
            if writable or source in readable:
                self._sending = stdin.send_pieces(source)
            for each in readable:
                if each in sinks:
                    # All that has arrived: poll() does not report the bytes
                    # that TLS has decrypted
                    while each.receive(sinks[each]):
                        if has_passed(deadline):
                            return False
                    if each.ended:
                        del sinks[each]
            if until is not None and until.has_ended():
                return True
            if has_passed(deadline):
                return not sinks
            readers = list(sinks)  # type: List[Any]
            if until is not None:
                readers.append(until)
            writers = [stdin] if self._sending else []
            if self._sending and isinstance(
                    source, DescriptorInput) and not (
                        stdin.has_unsent or source.buffered):
                readers, writers = readers + [source], []
            if sinks:
                readable, writable = wait(readers, writers, deadline)
        return True
