"""The consoles of instances."""
from pylxd import exceptions
from pylxd.core.model import Model
from pylxd.transport.dialect import is_file_missing


class Console(Model):
    """A model with a console."""

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
