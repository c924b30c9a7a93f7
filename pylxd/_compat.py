"""The interface of pylxd 2.4, for ``Client(compat='2.4')``.

Each method here differs from the documented interface in one point, which
doc/migration.rst describes.
"""
import collections
import tempfile

from pylxd.core import deprecated
from pylxd.models import (
    image, instance, instance_files, storage_volume_snapshot)
from pylxd.transport.sessions import find_pin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional, Tuple, Type
    from pylxd.client import Client
    from pylxd.client import Client as ClientBase
    from pylxd.models.instance import Instance as InstanceBase
    from pylxd.transport.rest import Node
    from pylxd.transport.tls import Verify
else:
    ClientBase = InstanceBase = object

#: The releases whose interface the switch gives.
RELEASES = ('2.4',)

ExecuteResult = collections.namedtuple(
    'ExecuteResult', ['exit_code', 'stdout', 'stderr'])


def switch_on(client,  # type: Client
              release,  # type: str
              endpoint=None,  # type: Optional[str]
              verify=True,  # type: Verify
              ):
    # type: (...) -> Verify
    """Give a new client the interface of an earlier release.

    :param release: the release, one of `RELEASES`.
    :param endpoint: that of the client.
    :param verify: that of the client.
    :return: what replaces ``verify``: instead of True, the certificate that
        ``lxc`` keeps of the host, if it does.
    :raises ValueError: ``release`` is another one.
    """
    if release not in RELEASES:
        raise ValueError(
            "compat, or PYLXD_COMPAT in the environment, must be '2.4', which "
            'is for programs that were written for pylxd 2.1 to 2.4, not '
            '{!r}'.format(release))
    client.__class__ = _derive(type(client))
    if verify is True and str(endpoint).startswith('https:'):
        return find_pin(str(endpoint)) or True
    return verify


def _derive(cls):
    # type: (Type[Client]) -> Type[Client]
    """Return the subclass of a class of clients with the switch on."""
    if cls not in _derived:
        _derived[cls] = type(cls.__name__, (EarlierClient, cls), {
            '__module__': cls.__module__, '__doc__': cls.__doc__,
            'documented_class': cls})
    return _derived[cls]


_derived = {}  # type: Dict[Type[Client], Type[Client]]


def _make_empty(cls):
    # type: (Type[Client]) -> Client
    """Return a client that a copy or pickle then fills."""
    derived = _derive(cls)
    return derived.__new__(derived)


class FilesManager(instance_files.FilesManager):
    """The files of one instance; made of the instance alone."""

    def __init__(self, instance):
        # type: (Any) -> None
        super(FilesManager, self).__init__(instance.client, instance)

    def put(self, *args, **kwargs):  # type: ignore[override]
        # type: (*Any, **Any) -> None
        """Write a file, and return None."""
        super(FilesManager, self).put(*args, **kwargs)


class EarlierInstance(InstanceBase):
    FilesManager = FilesManager  # type: Any

    @property
    def files(self):
        # type: () -> Any
        """The files in the instance."""
        return self.FilesManager(self)

    def execute(self, *args, **kwargs):  # type: ignore[override]
        # type: (*Any, **Any) -> ExecuteResult
        """Run a command, and return three values."""
        result = super(EarlierInstance, self).execute(*args, **kwargs)
        return ExecuteResult(result.exit_code, result.stdout, result.stderr)

    def migrate(self,  # type: ignore[override]
                new_client, live=False, wait=False, **others):
        # type: (Client, bool, bool, **Any) -> Any
        """Copy the instance to another server; ``live`` comes first."""
        return super(EarlierInstance, self).migrate(
            new_client, wait=wait, live=live, **others)


class Instance(EarlierInstance, instance.Instance):
    pass


class Container(EarlierInstance, instance.Container):

    @classmethod
    def collection_node(cls, parent):
        # type: (Any) -> Tuple[Node, Dict[str, str]]
        """Return the node of all instances, without a query for containers."""
        path, params = parent.dialect.instances('')
        return parent.api[path], params

    @classmethod
    def is_listed(cls, representation):
        # type: (Dict[str, Any]) -> bool
        """Return True: lists have the virtual machines, too."""
        return True


class VirtualMachine(EarlierInstance, instance.VirtualMachine):
    pass


class Image(image.Image):

    def export(self, fileobj=None, **others):  # type: ignore[override]
        # type: (Any, **Any) -> Any
        """Download the image; without a file, to a temporary one."""
        if fileobj is not None:
            return super(Image, self).export(fileobj, **others)
        file = tempfile.TemporaryFile()
        try:
            super(Image, self).export(file, **others)
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file


class Instances(instance.Instances):
    model = Instance


class Containers(instance.Containers):
    model = Container


class VirtualMachines(instance.VirtualMachines):
    model = VirtualMachine


class Images(image.Images):
    model = Image

    def create(self,  # type: ignore[override]
               image_data,  # type: Any
               metadata=None,  # type: Any
               public=False,  # type: bool
               wait=True,  # type: bool
               vm=False,  # type: bool
               **others  # type: Any
               ):
        # type: (...) -> image.Image
        """Make an image; ``metadata`` comes first, and the call waits."""
        if not wait:
            deprecated.warn('images.create(wait=False) is deprecated: with '
                            "compat='2.4', the call always waits")
        return super(Images, self).create(
            image_data, public, True, metadata, vm, **others)


class StorageVolumeSnapshots(
        storage_volume_snapshot.StorageVolumeSnapshots):

    def __iter__(self):
        # type: () -> Iterator[Any]
        return iter(self.all(use_recursion=True))

    def all(self,  # type: ignore[override]
            use_recursion=False,  # type: bool
            **others  # type: Any
            ):
        # type: (...) -> List[Any]
        """Return the names of the snapshots."""
        snapshots = super(StorageVolumeSnapshots, self).all(**others)
        return snapshots if use_recursion else [
            each.name for each in snapshots]


class EarlierClient(ClientBase):
    #: The class of the client without the switch.
    documented_class = ClientBase  # type: Type[Client]

    Instances = Instances  # type: Any
    Containers = Containers  # type: Any
    VirtualMachines = VirtualMachines  # type: Any
    Images = Images  # type: Any
    StorageVolumeSnapshots = StorageVolumeSnapshots  # type: Any

    def __reduce__(self):
        # type: () -> Any
        # The derived class has no name by which pickle finds it
        return _make_empty, (self.documented_class,), self.__dict__

    def events(self, websocket_client=None, event_types=None):  # type: ignore
        # type: (Any, Any) -> Any
        """Call the class of the websocket with ``ssl_options``."""
        factory = websocket_client and (
            lambda url: websocket_client(url, ssl_options=self.ssl_options))
        return super(EarlierClient, self).events(factory, event_types)
