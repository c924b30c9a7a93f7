"""The image metadata of instances, ``metadata.yaml``, and its templates."""
import six

from pylxd.core.attribute import attribute
from pylxd.core.saving import Savable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Text, Union
    from pylxd.models.instance import Instance


class InstanceMetadata(Savable):
    """The metadata of an instance: ``instance.metadata``.

    An image that is published from the instance gets it.

    Endpoint: ``/1.0/instances/NAME/metadata``.
    """

    path = 'metadata'
    key = ()
    extension = 'container_edit_metadata'
    synchronous = True

    architecture = attribute(str)  # type: str
    creation_date = attribute(int)  # type: int
    expiry_date = attribute(int)  # type: int
    properties = attribute({str: str})  # type: Dict[str, str]
    #: By the path of a file in the instance, a dict with the name of the
    #: ``template`` that makes it, and ``when`` it is made.
    templates = attribute({str: {}})  # type: Dict[str, Dict[str, Any]]

    def save(self, wait=False):
        # type: (bool) -> None
        """Send the local changes; see `Savable.save`.

        Endpoint: ``PATCH .../metadata``, or ``PUT``; needs
        ``container_edit_metadata``.
        """
        if self.dirty:
            for template in self.templates.values():
                # Servers add what is missing, as if another client did so
                if isinstance(template, dict):
                    template.setdefault('create_only', False)
                    template.setdefault('properties', {})
        super(InstanceMetadata, self).save(wait)


class InstanceTemplates(object):
    """The templates of an instance: ``instance.templates``.

    A template is a file beside the root file system. The ``templates`` of
    the metadata tell which files of the instance are made from it, and when.

    :param instance: the instance.

    Endpoint: ``/1.0/instances/NAME/metadata/templates``; needs
    ``container_edit_metadata``.
    """

    def __init__(self, instance):
        # type: (Instance) -> None
        self.instance = instance  # type: Instance

    def __repr__(self):
        # type: () -> str
        return '<InstanceTemplates of {!r}>'.format(self.instance)

    @property
    def _node(self):
        # type: () -> rest.Node
        self.instance.client.dialect.need('container_edit_metadata')
        return self.instance.ensure_ready().metadata.templates

    def __iter__(self):
        # type: () -> Iterator[str]
        return iter(self.all())

    def all(self):
        # type: () -> List[str]
        """List the names of the templates.

        Endpoint: ``GET .../metadata/templates``.
        """
        names = rest.metadata(
            self._node.get(), list)  # type: List[str]
        return names

    def get(self, name):
        # type: (str) -> bytes
        """Return the contents of a template.

        :param name: the name of the template, such as ``hosts.tpl``.
        :raises InvalidName: no server allows that name.
        :raises NotFound: there is no such template.

        Endpoint: ``GET .../metadata/templates?path=``.
        """
        return self._node.get(
            params=_query(name), is_api=False).content

    def put(self, name, data):
        # type: (str, Union[bytes, Text]) -> None
        """Write a template.

        :param name: the name of the template.
        :param data: bytes, or text, which is sent as UTF-8.
        :raises TypeError: ``data`` is neither bytes nor text.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name has a
            slash.

        Endpoint: ``POST .../metadata/templates?path=``.
        """
        if not isinstance(data, (bytes, six.text_type)):
            raise TypeError('data must be bytes or text, not of type '
                            '{}'.format(type(data).__name__))
        self._node.post(params=_query(name), data=six.ensure_binary(data))

    def delete(self, name):
        # type: (str) -> None
        """Delete a template.

        :param name: the name of the template.
        :raises InvalidName: no server allows that name.
        :raises NotFound: there is no such template.

        Endpoint: ``DELETE .../metadata/templates?path=``.
        """
        self._node.delete(params=_query(name))


def _query(name):
    # type: (str) -> Dict[str, str]
    # LXD 5.0.2 uses '..' as a path
    return {'path': rest.check_name(name)}
