"""Log files of instances."""
from pylxd import exceptions
from pylxd.core.identity import Identity
from pylxd.transport import rest
from pylxd.transport.dialect import is_file_missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator, List
    from pylxd.models.instance import Instance


class InstanceLog(Identity):
    """A log file of an instance, or the recorded output of a command.

    :param instance: the instance.
    :param segments: the quoted segments of the URL after ``logs``.

    Endpoint: ``/1.0/instances/NAME/logs/LOG``, or
    ``.../logs/exec-output/LOG``.
    """

    path = 'logs'

    def __init__(self, instance, *segments):
        # type: (Instance, *str) -> None
        self.client, self.parent = instance.client, instance
        self._key = segments

    @property
    def name(self):
        # type: () -> str
        """The name of the file, such as ``lxc.log``."""
        return str(self._key and self._key[-1])

    def read(self):
        # type: () -> bytes
        """Return the contents of the file.

        :raises NotFound: the file does not exist any more.

        Endpoint: ``GET .../logs/LOG``.
        """
        self.parent.ensure_ready()
        try:
            return self.api.get(is_api=False).content
        except exceptions.LXDAPIException as error:
            if is_file_missing(error):
                raise exceptions.NotFound(error.response)
            raise

    def delete(self):
        # type: () -> None
        """Delete the file.

        :raises LXDAPIException: the server refused: it deletes the output
            of commands, but neither ``lxc.log`` nor ``lxc.conf``.

        Endpoint: ``DELETE .../logs/LOG``.
        """
        self.parent.ensure_ready()
        self.api.delete()


class InstanceLogs(object):
    """The log files of an instance: ``instance.logs``.

    :param instance: the instance.
    """

    def __init__(self, instance):
        # type: (Instance) -> None
        self.instance = instance  # type: Instance

    def __repr__(self):
        # type: () -> str
        return '<InstanceLogs of {!r}>'.format(self.instance)

    def __iter__(self):
        # type: () -> Iterator[InstanceLog]
        return iter(self.all())

    def __contains__(self, item):
        # type: (object) -> bool
        return any(item in (log, log.name) for log in self.all())

    def all(self):
        # type: () -> List[InstanceLog]
        """List the log files, and the recorded output of commands.

        Endpoint: ``GET .../logs``, and on Incus and newer LXD
        ``GET .../logs/exec-output``.
        """
        node = self.instance.ensure_ready().logs
        logs = self._list(node)
        try:
            logs += self._list(node['exec-output'])
        except exceptions.LXDAPIException as error:
            # LXD 5.0 takes exec-output for the name of a log file; Incus has
            # no such directory before the first command
            if error.response.status_code not in (400, 404):
                raise
        return logs

    def _list(self, node):
        # type: (rest.Node) -> List[InstanceLog]
        response = node.get()
        try:
            names = [url.partition('?')[0].partition('/logs/')[2].split('/')
                     for url in rest.metadata(response, list)]
        except AttributeError:
            raise exceptions.InvalidResponse(response)
        return [InstanceLog(self.instance, *segments) for segments in names]

    def get(self, name):
        # type: (str) -> InstanceLog
        """Get a log file by its name.

        :raises InvalidName: no server allows that name.
        :raises NotFound: there is no such file.

        Endpoint: as for `all`.
        """
        name = rest.check_name(name)
        for log in self.all():
            if log.name == name:
                return log
        raise exceptions.NotFound(None, reason=(
            '{!r} has no log file {}'.format(
                self.instance, exceptions.printable(name))))
