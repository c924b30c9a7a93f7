"""Aliases of images."""
from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.values import convert
from pylxd.core.verbs import Deletable, Renamable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Optional, Tuple, Union
    from pylxd.client import Client
    from pylxd.core.context import Context
    from pylxd.core.identity import Identity
    from pylxd.transport.rest import Node


class ImageAlias(Savable, Renamable, Deletable):
    """An alias: a name of an image.

    Endpoint: ``/1.0/images/aliases/NAME``.
    """

    path = 'aliases'
    # All servers ignore a filter here (seen up to Incus 7.0.2)
    filter_extension = ''
    synchronous = True
    # LXD 5.0.2 answers a PATCH after 30 s, by an error
    patchable = False

    name = attribute(readonly=True)  # type: str
    description = attribute(str)  # type: str
    target = attribute(str)  # type: str
    type = attribute(readonly=True)  # type: str

    @classmethod
    def collection_node(cls, parent):
        # type: (Union[Context, Identity]) -> Tuple[Node, Dict[str, str]]
        """Return the node of all aliases, and no query."""
        return parent.api.images.aliases, {}


class ImageAliases(Manager[ImageAlias]):
    """The aliases of all images: ``client.images.aliases``."""

    model = ImageAlias
    class_methods = ('create',)  # type: Tuple[str, ...]

    def __init__(self, parent):
        # type: (Any) -> None
        # Of the manager of images, or of the client
        super(ImageAliases, self).__init__(getattr(parent, 'client', parent))

    def create(self, name, target=None, description=''):
        # type: (Any, Optional[str], str) -> ImageAlias
        """Give an image an alias.

        :param name: the alias; or a dict of all fields.
        :param target: the fingerprint of the image.
        :param description: a description for people.
        :raises InvalidName: no server allows that name.
        :raises NotFound: there is no such image.
        :raises Conflict: the alias exists already.

        Endpoint: ``POST /1.0/images/aliases``.
        """
        return self._create({
            'name': name, 'target': target, 'description': description})


def check_aliases(client, aliases):
    # type: (Client, Iterable[str]) -> List[str]
    """Return the names of new aliases as a list.

    A server that finds that an alias exists when the image is complete keeps
    the image, without aliases.

    :raises TypeError: ``aliases`` is no list of names.
    :raises InvalidName: no server allows one of the names.
    :raises Conflict: one of the aliases exists already.
    """
    names = convert([str], aliases, 'aliases')  # type: List[str]
    for node in [client.api.images.aliases[name] for name in names]:
        try:
            response = node.get()
        except exceptions.NotFound:
            continue
        raise exceptions.Conflict(response, reason=(
            'Alias already exists: {}'.format(exceptions.printable(
                rest.metadata(response).get('name')))))
    return names
