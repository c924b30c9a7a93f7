"""A websocket whose messages the caller receives one by one."""
import collections

import six

from pylxd.transport.websocket import Websocket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Text, Union


class MessageClient(Websocket):
    """A websocket whose messages the caller receives one by one."""

    def __init__(self, *args, **kwargs):
        # type: (*Any, **Any) -> None
        super(MessageClient, self).__init__(*args, **kwargs)
        self._messages = collections.deque()  # type: Any

    def handshake_ok(self):
        # type: () -> None
        """Do nothing, so that `connect` returns."""

    def received_message(self, message):
        # type: (Any) -> None
        """Keep a message for `recv`."""
        data = bytes(message.data)
        self._messages.append(
            data if message.is_binary else six.ensure_text(data))

    def recv(self):
        # type: () -> Union[None, bytes, Text]
        """Wait for the next message, and return it.

        :return: bytes, or text if the message is one of text, such as the
            empty one with which LXD ends a stream; None when the websocket
            has ended.
        """
        while not self._messages and not self.terminated:
            # Not by once(), which would receive more when it has a message
            if not (self._handle_frames()
                    and (self._messages or self._receive())):
                self.terminate()
        return self._messages.popleft() if self._messages else None

    def send(self, data, binary=False):
        # type: (Union[bytes, Text], bool) -> None
        """Send a message: bytes as a binary one, text as one of text."""
        super(MessageClient, self).send(
            data, binary or isinstance(data, bytes))
