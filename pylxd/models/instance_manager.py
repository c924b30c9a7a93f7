"""The base class of the managers of instances."""
import six

from pylxd.core.manager import M, Manager
from pylxd.core.operation import Operation
from pylxd.core.progress import Reporter
from pylxd.models.backup_upload import open_archive
from pylxd.models.image_data import to_header
from pylxd.models.image_publish import image_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Text, Tuple, Union
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.image_publish import ImageOrSource
    from pylxd.models.protocols import Readable


class InstanceManager(Manager[M]):
    """The base class of the managers of instances."""

    class_methods = ('create',)  # type: Tuple[str, ...]

    def all(self,  # type: ignore[override]
            recursion=None,  # type: Optional[int]
            fields=None,  # type: Optional[List[str]]
            filter=None,  # type: Optional[str]
            all_projects=False,  # type: bool
            ):
        # type: (...) -> List[M]
        """List the instances; see `Manager.all`.

        :param recursion: 1 loads all instances at once; 2 their states and
            snapshots as well, so that the first `state` and the first
            ``snapshots.all()`` of each need no request. They are used for ten
            seconds, unless a call on the instance has changed it. 2 needs
            ``container_full``.
        :param fields: with ``recursion=2``, which parts of the states the
            server collects, such as ``['state.disk', 'state.network']``; an
            empty list is none. Needs ``instances_state_selective_recursion``.
        :param filter: an expression of the server, as ``'status eq
            Running'``.
        :param all_projects: list the instances of all projects.
        :raises ValueError: ``recursion`` is none of these, or ``fields``
            without ``recursion=2``.
        :raises LXDAPIExtensionNotAvailable: the server cannot do this.

        Endpoint: ``GET /1.0/instances``.
        """
        if recursion == 2:
            self.client.dialect.need('container_full')
        if fields is not None:
            if recursion != 2 or isinstance(fields, six.string_types):
                raise ValueError(
                    'fields must be a list, and needs recursion=2')
            self.client.dialect.need('instances_state_selective_recursion')
            return self._list(
                self._select(filter, all_projects),
                '2;fields=' + ','.join(fields), all_projects)
        if recursion not in (None, 0, 1, 2):
            raise ValueError('recursion must be 0, 1 or 2, not {!r}'.format(
                recursion))
        return self._list(self._select(filter, all_projects),
                          recursion and int(recursion), all_projects)

    def create(self,
               config,  # type: Dict[str, Any]
               wait=False,  # type: bool
               target=None,  # type: Optional[str]
               progress=None,  # type: ProgressArgument
               ):
        # type: (...) -> M
        """Create an instance.

        :param config: the name, the source and other fields, as the REST API
            defines them: ``{'name': 'c1', 'source': {'type': 'image',
            'alias': 'busybox'}}``. Without a name, the server chooses one.
        :param wait: return when the instance is created.
        :param target: the name of the cluster member to create it on.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises TypeError: ``config`` is no dict.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            instance was not created.

        Endpoint: ``POST /1.0/instances``; ``target`` needs ``clustering``.
        """
        if not isinstance(config, dict):
            raise TypeError(
                "config must be a dict with 'name' and 'source', "
                "not {!r}".format(type(config)))
        config = dict(config)
        if self.model.instance_type:
            config.setdefault('type', self.model.instance_type)
        with Reporter(progress) as reporter:
            return self._create(config, wait, target, reporter)

    def launch(self,
               image,  # type: ImageOrSource
               name=None,  # type: Optional[str]
               profiles=None,  # type: Optional[List[str]]
               config=None,  # type: Optional[Dict[str, str]]
               devices=None,  # type: Optional[Dict[str, Dict[str, str]]]
               ephemeral=False,  # type: bool
               start=True,  # type: bool
               wait=True,  # type: bool
               target=None,  # type: Optional[str]
               progress=None,  # type: ProgressArgument
               **rest  # type: Any
               ):
        # type: (...) -> M
        """Create an instance of an image, and start it.

        :param image: an alias or fingerprint on this server, an `Image`, or
            a source as the REST API defines it, such as ``{'type': 'image',
            'protocol': 'simplestreams', 'server':
            'https://images.example.org', 'alias': 'debian/12'}``.
        :param name: the name of the instance; None leaves the choice to the
            server.
        :param profiles: the names of its profiles; None is ``default``.
        :param config: its configuration.
        :param devices: its devices.
        :param ephemeral: whether the server deletes it when it stops.
        :param start: whether to start it.
        :param wait: return when it runs. Otherwise the start is left to the
            server, and on servers without ``instance_create_start`` the call
            waits for the creation.
        :param target: the name of the cluster member to create it on.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :param rest: other fields of the REST API, such as ``description``.
        :return: the instance.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken, or (with ``wait``) the instance was not created, as when
            there is no such image, or does not start. An instance that does
            not start stays.

        Endpoint: ``POST /1.0/instances``; on servers without
        ``instance_create_start``, ``PUT .../state`` as well.
        """
        body = dict(rest, name=name, source=image_source(self.client, image),
                    profiles=profiles, config=config, devices=devices,
                    ephemeral=ephemeral or None)
        starts_itself = start and self.client.dialect.has(
            'instance_create_start')
        if starts_itself:
            body['start'] = True
        must_start = start and not starts_itself
        body = {field: value for field, value in body.items()
                if value is not None}
        instance = self.create(
            body, wait or must_start, target, progress)  # type: Any
        if must_start:
            instance.start(wait=wait)
        launched = instance  # type: M
        return launched

    def create_from_backup(self,
                           file,  # type: Union[Text, bytes, Readable]
                           name=None,  # type: Optional[str]
                           pool=None,  # type: Optional[str]
                           wait=True,  # type: bool
                           progress=None,  # type: ProgressArgument
                           ):
        # type: (...) -> M
        """Create an instance from the file of a backup.

        :param file: the path of the file, a file that is open for reading
            bytes, or the bytes. On Python 2, bytes are a path.
        :param name: the name of the instance; None takes that of the backup.
            Needs ``backup_override_name``.
        :param pool: the storage pool of the instance; None takes that of the
            backup, or else that of the default profile. Needs
            ``container_backup_override_pool``.
        :param wait: return when the instance is created.
        :param progress: a function that is called with a `Progress` for each
            block that is sent, and (with ``wait``) about once a second after
            that, or True for a bar.
        :raises TypeError: ``file`` has another type.
        :raises ValueError: the file is cut short; nothing was created.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the file is no
            backup, or (with ``wait``) the instance was not created, as when
            the name is taken.

        Endpoint: ``POST /1.0/instances``; needs ``container_backup``.
        """
        dialect = self.client.dialect
        dialect.need('container_backup')
        headers = {'Content-Type': 'application/octet-stream',
                   }  # type: Dict[str, Any]
        if name is not None:
            name = self.model.check_name(name)
        for header, value, extension in (
                ('name', name, 'backup_override_name'),
                ('pool', pool, 'container_backup_override_pool')):
            if value is not None:
                dialect.need(extension)
                headers[dialect.header(header)] = to_header(value)
        node, _ = self.node_and_query()
        with Reporter(progress) as reporter:
            with open_archive(file, reporter) as data:
                response = node.post(data=data, headers=headers)
            operation = Operation.from_response(self.client, response)
            key = (name,) if name is not None else self._created_key(
                node, response, operation)
            instance = self.model.from_key(self.parent, key)  # type: M
            instance.created_by(operation, wait, reporter)
        return instance
