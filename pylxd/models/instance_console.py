"""The consoles of instances."""
from pylxd import exceptions
from pylxd.core.model import Model
from pylxd.models.execution import start_command
from pylxd.transport.dialect import is_file_missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylxd.models.terminal import ConsoleTerminal


class Console(Model):
    """A model with a console."""

    if TYPE_CHECKING:
        name = ''  # type: str

    def console(self, width=80, height=24):
        # type: (int, int) -> ConsoleTerminal
        """Connect to the console.

        :param width: the columns of the terminal.
        :param height: the lines of the terminal.
        :return: the console, with the methods of a terminal. ``wait()``
            waits until the instance stops, and returns 0. Use it in a
            ``with`` block.
        :raises LXDAPIException: the server refused, as when the instance is
            stopped; Incus also if another client is connected.

        Endpoint: ``POST .../console`` and its websockets; needs ``console``.
        """
        self.client.dialect.need('console')
        from pylxd.models import terminal  # a third of import time
        operation = start_command(
            self.client, self.ensure_ready().console, {
                'width': int(width), 'height': int(height),
                'interactive': True})
        return terminal.ConsoleTerminal(
            self.client, operation, ['the console'], self.name)

    def console_log(self):
        # type: () -> bytes
        """Return what the instance wrote to its console.

        :return: the end of the log, as much as the server keeps; ``b''`` if
            there is none.
        :raises LXDAPIException: the server refused.

        Endpoint: ``GET .../console``; needs ``console``.
        """
        self.client.dialect.need('console')
        try:
            response = self.ensure_ready().console.get(is_api=False)
        except exceptions.LXDAPIException as error:
            if not is_file_missing(error):
                raise
            return b''
        return response.content

    def clear_console_log(self):
        # type: () -> None
        """Empty the log of the console.

        :raises LXDAPIException: the server refused.

        Endpoint: ``DELETE .../console``; needs ``console``.
        """
        self.client.dialect.need('console')
        self.ensure_ready().console.delete()
