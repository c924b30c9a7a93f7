"""The server itself: its configuration, environment and resources."""
import six

from pylxd import exceptions
from pylxd.core import merge
from pylxd.core.attribute import attribute
from pylxd.core.saving import Savable
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Text, Tuple, Union
    from pylxd.core.context import Context
    from pylxd.core.identity import Identity
    from pylxd.transport.rest import Node


class Server(Savable):
    """The server of a client: ``client.server``.

    With ``client.use_target(name).server`` its configuration is that of one
    member of the cluster.

    Endpoint: ``/1.0``.
    """

    key = ()
    synchronous = True
    # LXD 5.0.2 of Debian 13 and Incus 6.0.4 remove core.https_address when
    # they refuse a PATCH
    patchable = False

    api_extensions = attribute(list, readonly=True)  # type: List[str]
    api_status = attribute(readonly=True)  # type: str
    api_version = attribute(readonly=True)  # type: str
    auth = attribute(readonly=True)  # type: str
    auth_methods = attribute(list, readonly=True)  # type: List[str]
    auth_user_method = attribute(readonly=True)  # type: str
    auth_user_name = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    environment = attribute(dict, readonly=True)  # type: Dict[str, Any]
    public = attribute(readonly=True)  # type: bool

    @classmethod
    def collection_node(cls, parent):
        # type: (Union[Context, Identity]) -> Tuple[Node, Dict[str, str]]
        """Return the node of ``/1.0``, and no query."""
        return parent.api, {}

    def fetch_representation(self):
        # type: () -> Tuple[Dict[str, Any], Optional[str]]
        """Request the representation, and return it with its ETag.

        The client takes it over, so that it knows of a new address.

        Endpoint: ``GET /1.0``.
        """
        representation, etag = super(Server, self).fetch_representation()
        if not self.client.target:
            self.client.host_info = merge.copy(representation)
        return representation, etag

    def _make_put(self):
        # type: () -> Dict[str, Any]
        # Servers keep a key user.* that is merely left out
        config = dict.fromkeys(
            self._document.representation.get('config') or {}, '')
        config.update(self.config)
        return {'config': config}

    def resources(self, target=None):
        # type: (Optional[str]) -> Dict[str, Any]
        """Get the hardware of the server's machine.

        :param target: the cluster member to ask.
        :return: dicts by kind: ``cpu``, ``memory``, ``gpu``, ``network``,
            ``storage``, ``usb``, ``pci``, ``system``.

        Endpoint: ``GET /1.0/resources``; needs ``resources``.
        """
        self.client.dialect.need('resources')
        if target is not None:
            self.client.dialect.need('clustering')
        resources = rest.metadata(
            self.api.resources.get(target=target))  # type: Dict[str, Any]
        return resources

    def metrics(self):
        # type: () -> Text
        """Get the metrics of the server and its instances.

        :return: text in the format of OpenMetrics.

        Endpoint: ``GET /1.0/metrics``; needs ``metrics``.
        """
        self.client.dialect.need('metrics')
        return six.ensure_text(self.api.metrics.get(is_api=False).content)

    def versions(self):
        # type: () -> List[str]
        """List the versions of the API, such as ``/1.0``.

        Endpoint: ``GET /``.
        """
        versions = rest.metadata(
            rest.Node(self.client.transport, '/').get(),
            list)  # type: List[str]
        return versions

    def configuration_keys(self):
        # type: () -> Dict[str, Any]
        """Get the configuration keys that the server knows.

        :return: by the kind of object, such as ``instance``, and by the
            group of keys a dict whose ``keys`` is a list of dicts: the name
            of a key with its ``type``, ``shortdesc`` and so on.

        Endpoint: ``GET /1.0/metadata/configuration``; needs
        ``metadata_configuration``.
        """
        self.client.dialect.need('metadata_configuration')
        response = self.api.metadata.configuration.get()
        keys = rest.metadata(response).get('configs')
        if not isinstance(keys, dict):
            raise exceptions.InvalidResponse(response)
        return keys
