"""Images as the sources of instances, and instances as those of images."""
import re

from pylxd import exceptions
from pylxd.core.model import Model
from pylxd.core.operation import Operation
from pylxd.core.timestamp import format_time
from pylxd.core.values import convert
from pylxd.models.image_alias import check_aliases
from pylxd.transport import rest

#: The form of a fingerprint, or of its start; an alias can have it as well.
FINGERPRINT = re.compile('[0-9a-f]+$')

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Optional, Text, Union
    from pylxd.client import Client
    from pylxd.core.progress import ProgressArgument
    from pylxd.core.saving import Savable
    from pylxd.models.image import Image
    ImageOrSource = Union[Text, Image, Dict[str, Any], None]


def image_source(client, image):
    # type: (Client, ImageOrSource) -> Dict[str, Any]
    """Return the source of an instance, as the REST API defines it.

    :param image: an alias or fingerprint of an image of this server, an
        `Image`, a whole source, or None for no files.
    """
    if image is None:
        return {'type': 'none'}
    if isinstance(image, dict):
        return image
    if isinstance(image, Model) and image.path == 'images':
        return {'type': 'image', 'fingerprint': image.fingerprint}
    name = rest.check_name(image)  # type: ignore[arg-type]
    if FINGERPRINT.match(name):
        try:
            client.api.images.aliases[name].get()
        except exceptions.NotFound:
            return {'type': 'image', 'fingerprint': name}
    return {'type': 'image', 'alias': name}


def publish_image(source,  # type: Savable
                  api_source,  # type: Dict[str, str]
                  public,  # type: bool
                  wait,  # type: bool
                  compression_algorithm,  # type: Optional[str]
                  aliases=(),  # type: Iterable[str]
                  properties=None,  # type: Optional[Dict[str, str]]
                  expires_at=None,  # type: Any
                  filename=None,  # type: Optional[str]
                  progress=None,  # type: ProgressArgument
                  ):
    # type: (...) -> Optional[Image]
    """Make an image of an instance or a snapshot.

    :param source: the object, which keeps the operation.
    :param api_source: its type and name, as the REST API defines them.
    :return: with ``wait``, the image; otherwise None.

    The other parameters are those of `Instance.publish`.
    """
    client = source.client
    request = {'public': public, 'source': api_source}  # type: Dict[str, Any]
    if aliases:
        client.dialect.need('image_create_aliases')
        request['aliases'] = [
            {'name': name} for name in check_aliases(client, aliases)]
    for field, value in (
            ('compression_algorithm', compression_algorithm),
            ('properties', properties and convert(
                {str: str}, properties, 'properties')),
            ('expires_at', format_time(expires_at)), ('filename', filename)):
        if value is not None:
            request[field] = value
    operation = Operation.from_response(
        client, client.api.images.post(json=request))
    if operation is None:
        return None
    source.operation = operation
    if not wait:
        return None
    operation.wait(progress=progress)
    image = client.images.get(
        operation.metadata['fingerprint'])  # type: Image
    return image
