"""Copies of instances and snapshots, on their server and to others."""
from pylxd import exceptions
from pylxd.core.member import NO_MEMBER
from pylxd.core.progress import Reporter
from pylxd.models.migration import (
    Migratable, choose_destination, is_same_server)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple
    from pylxd.client import Client
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.instance import Instance

#: The keys that belong to the server of an instance, but that a copy needs:
#: its base image, and the mapping of the user ids of its files.
COPIED_KEYS = 'volatile.base_image', 'volatile.last_state.idmap'


class Copyable(Migratable):
    """A model of instances or snapshots, which can be copied."""

    if TYPE_CHECKING:
        config = {}  # type: Dict[str, str]
        devices = {}  # type: Dict[str, Dict[str, str]]
        expanded_devices = {}  # type: Dict[str, Dict[str, str]]
        name = ''  # type: str

    #: The names of the fields that a copy gets, beside its configuration.
    copied_fields = (
        'architecture', 'devices', 'ephemeral',
        'profiles')  # type: Tuple[str, ...]

    @property
    def _copied_instance(self):
        # type: () -> Instance
        """The instance: this object, or the parent of this snapshot."""
        raise NotImplementedError

    def copy(self,
             name,  # type: str
             to=None,  # type: Optional[Client]
             live=False,  # type: bool
             allow_inconsistent=False,  # type: bool
             refresh=False,  # type: bool
             instance_only=False,  # type: bool
             mode='pull',  # type: str
             pool=None,  # type: Optional[str]
             project=None,  # type: Optional[str]
             target=None,  # type: Optional[str]
             start=False,  # type: bool
             wait=True,  # type: bool
             progress=None,  # type: ProgressArgument
             config=None,  # type: Optional[Dict[str, str]]
             devices=None,  # type: Optional[Dict[str, Dict[str, str]]]
             profiles=None,  # type: Optional[List[str]]
             ):
        # type: (...) -> Any
        """Copy the instance, on its server or to another one.

        :param name: the name of the copy.
        :param to: a client of the server of the copy; None is the same
            server.
        :param live: whether to take the running state along, which needs
            CRIU on both servers.
        :param allow_inconsistent: go on if files change or vanish while they
            are copied. Needs ``instance_allow_inconsistent_copy``.
        :param refresh: if there is an instance of that name already, make it
            equal to this one, and transfer only what differs. Its files and
            snapshots that are not here are deleted. Without ``wait``, its
            configuration stays. Needs ``container_incremental_copy``.
        :param instance_only: leave out the snapshots. Needs
            ``container_only_migration``.
        :param mode: for a copy to another server. ``pull``: that server
            connects to this one; ``push``: this server connects to that one;
            ``relay``: this program connects to both, and passes on all data.
            Without ``wait``, a thread of this program does that. ``push``
            and ``relay`` need ``container_push``.
        :param pool: the storage pool of the copy.
        :param project: the project of the copy. Needs
            ``container_copy_project`` on the same server.
        :param target: the cluster member of the copy. Needs ``clustering``.
        :param start: start the copy when it is complete. The call waits for
            the copy on servers without ``instance_create_start``.
        :param wait: return when the copy is complete. A server that does not
            reach the other one by the address of its client, as behind a
            tunnel, then tries the addresses that the other one names.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :param config: configuration laid over that of this instance.
        :param devices: devices laid over those of this instance.
        :param profiles: the profiles of the copy; None takes those of this
            instance.
        :return: the copy, of the same class.
        :raises ValueError: there is no such mode.
        :raises NotFound: there is no such pool.
        :raises ClientConnectionFailed: the server that another one connects
            to has no HTTPS address.
        :raises LXDAPIException: one of the servers refused, as when the name
            is taken, or (with ``wait``) the copy failed. No part of the copy
            is left then.

        Endpoint: ``POST /1.0/instances``; to another server, ``POST`` on the
        object as well.
        """
        destination = choose_destination(self.client, to, mode)
        if project is not None:
            destination = destination.use_project(project)
        name = self._copied_instance.check_name(name)
        is_local = is_same_server(self.client, destination)
        source = self._make_source(
            is_local, destination, live, allow_inconsistent, instance_only)
        if mode != 'pull' and not is_local:
            destination.dialect.need('container_push')
            if mode == 'push':
                self.client.dialect.need('container_push_target')
        with Reporter(progress) as reporter:
            self.sync()
            if pool is not None:
                # LXD 5.0 would take another pool
                destination.storage_pools.get(pool)
            body = self.describe_copy(
                name, pool, config, devices, profiles)
            existing = self._find_existing(destination, name, refresh)
            if existing is not None:
                source['refresh'] = True
                if target is None and existing.location not in NO_MEMBER:
                    # LXD 5.0 would take the member with the least instances
                    target = existing.location
            starts_itself = start and destination.dialect.has(
                'instance_create_start')
            if starts_itself:
                body['start'] = True
            wait_for_copy = wait or (start and not starts_itself)

            def create(fields):
                # type: (Dict[str, Any]) -> Any
                body['source'] = dict(source, **fields)
                body['source']['base-image'] = body['config'].get(
                    'volatile.base_image', '')
                return type(self._copied_instance).create(
                    destination, body, False, target)

            copy = self._make_copy(
                self._make_request(source), destination, create, mode,
                wait_for_copy, reporter)
        if existing is not None and wait_for_copy:
            update(existing, body)
        if start and not starts_itself:
            copy.start(wait=wait)
        return copy

    def _make_source(self, is_local, destination, live, allow_inconsistent,
                     instance_only):
        # type: (bool, Client, bool, bool, bool) -> Dict[str, Any]
        """Return what a ``source`` of this instance has in all modes."""
        dialects = {self.client.dialect, destination.dialect}
        # Without the field, LXD 5.0 takes the state of a running instance
        source = {'live': live}  # type: Dict[str, Any]
        if allow_inconsistent:
            for dialect in dialects:
                dialect.need('instance_allow_inconsistent_copy')
            source['allow_inconsistent'] = True
        if instance_only:
            for dialect in dialects:
                dialect.need('container_only_migration')
            # The second name is that of servers without `instances`
            source.update(instance_only=True, container_only=True)
        if is_local:
            source.update(type='copy', source=self._copied_name)
            if destination.project != self.client.project:
                destination.dialect.need('container_copy_project')
                source['project'] = self.client.project or 'default'
        return source

    @property
    def _copied_name(self):
        # type: () -> str
        return self.name

    def _make_request(self, source):
        # type: (Dict[str, Any]) -> Dict[str, Any]
        """Return the request that offers this object, for a ``source``."""
        request = dict(source, name=self.name)
        request.pop('refresh', None)
        return request

    def describe_copy(self,
                      name,  # type: str
                      pool=None,  # type: Optional[str]
                      config=None,  # type: Optional[Dict[str, str]]
                      devices=None,  # type: Optional[Dict[str, Any]]
                      profiles=None,  # type: Optional[List[str]]
                      ):
        # type: (...) -> Dict[str, Any]
        """Return the fields that create a copy, but for its ``source``.

        The arguments are those of `copy`.
        """
        body = {'name': name}  # type: Dict[str, Any]
        type_ = self._copied_instance.type
        if type_ not in (None, 'container'):
            body['type'] = type_  # servers without the field know no other
        for field in self.copied_fields:
            if self._document.has(field):
                body[field] = getattr(self, field)
        body['config'] = {
            key: value for key, value in self.config.items()
            if not key.startswith('volatile.') or key in COPIED_KEYS}
        body['config'].update(config or {})
        body['devices'] = dict(body.get('devices') or {}, **devices or {})
        if pool is not None:
            body['devices'].update(move_root(
                body['devices'], self.expanded_devices or {}, pool))
        if profiles is not None:
            body['profiles'] = profiles
        return body

    def _find_existing(self, destination, name, refresh):
        # type: (Client, str, bool) -> Optional[Instance]
        """Return the instance that a copy refreshes, if there is one."""
        if not refresh:
            return None
        for dialect in (self.client.dialect, destination.dialect):
            dialect.need('container_incremental_copy')
        try:
            return type(self._copied_instance).get(destination, name)
        except exceptions.NotFound:
            return None


def move_root(devices, expanded_devices, pool):
    # type: (Dict[str, Any], Dict[str, Any], str) -> Dict[str, Dict[str, str]]
    """Return the root disk of an instance, on another storage pool."""
    for each in devices, expanded_devices:
        for name, device in each.items():
            if device.get('type') == 'disk' and device.get('path') == '/':
                return {name: dict(device, pool=pool)}
    return {'root': {'type': 'disk', 'path': '/', 'pool': pool}}


def update(instance, body):
    # type: (Instance, Dict[str, Any]) -> None
    """Give an instance the configuration of the one it is a copy of."""
    instance.sync()
    config = {key: value for key, value in instance.config.items()
              if key.startswith('volatile.')}
    config.update((key, value) for key, value in body['config'].items()
                  if not key.startswith('volatile.'))
    instance.config = config
    for field in ('devices', 'ephemeral', 'profiles', 'description'):
        if field in body:
            setattr(instance, field, body[field])
    if instance.dirty:
        instance.save(wait=True)
