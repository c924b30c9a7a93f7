"""Images."""
import io
import os

import six

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.manager import Manager
from pylxd.core.operation import Operation
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable
from pylxd.models.image_data import Digest, Upload, form, random_name
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, IO, List, Optional, Tuple, Union
    from pylxd.client import Client


class Image(Savable, Deletable):
    """An image, known by its fingerprint, the SHA-256 of its data.

    Endpoint: ``/1.0/images/FINGERPRINT``.
    """

    path = 'images'
    key = 'fingerprint'

    # LXD 5.0 resets the expiry of an image when a PATCH changes something
    # else, and all servers ignore some fields in a PATCH: so it takes a PUT.
    aliases = attribute(readonly=True)  # type: List[Dict[str, str]]
    architecture = attribute(readonly=True)  # type: str
    auto_update = attribute(bool, patch='ignored')  # type: bool
    cached = attribute(readonly=True)  # type: bool
    created_at = attribute(readonly=True)  # type: str
    expires_at = attribute(
        str, in_etag=False, patch='ignored')  # type: str
    filename = attribute(readonly=True)  # type: str
    fingerprint = attribute(readonly=True)  # type: str
    last_used_at = attribute(readonly=True)  # type: str
    profiles = attribute(
        list, in_etag=False, patch='ignored')  # type: List[str]
    project = attribute(readonly=True)  # type: str
    properties = attribute(
        dict, patch='ignored')  # type: Dict[str, str]
    public = attribute(bool, patch='ignored')  # type: bool
    size = attribute(readonly=True)  # type: int
    type = attribute(readonly=True)  # type: str
    update_source = attribute(readonly=True)  # type: Dict[str, str]
    uploaded_at = attribute(readonly=True)  # type: str

    def _details(self):
        # type: () -> List[str]
        aliases = self._document.representation.get('aliases') or ()
        return [alias['name'] for alias in aliases[:1]] + super(
            Image, self)._details()

    def _created_key(self, operation):
        # type: (Operation) -> Tuple[str, ...]
        # Only the end of the operation tells what was fetched
        fingerprint = (operation.metadata or {}).get('fingerprint')
        if not fingerprint:
            raise exceptions.LXDException(
                '{!r} does not say which image it made'.format(operation))
        return (fingerprint,)

    def export(self, fileobj=None):
        # type: (Union[None, str, IO[bytes]]) -> Any
        """Read the image itself.

        :param fileobj: an open binary file, or a path, to write the image
            to, piece by piece. A file under that path appears when it is
            complete.
        :return: the bytes; ``fileobj`` if one was given.
        :raises StreamBroken: the image does not fit its fingerprint.

        Endpoint: ``GET /1.0/images/FINGERPRINT/export``.
        """
        if fileobj is None:
            target = io.BytesIO()
            self._export(target)
            return target.getvalue()
        if not isinstance(fileobj, six.string_types):
            self._export(fileobj)
            return fileobj
        part = '{}.{}.part'.format(fileobj, random_name()[:8])
        try:
            with open(part, 'wb') as file:
                self._export(file)
            os.rename(part, fileobj)
        except BaseException:
            if os.path.exists(part):
                os.unlink(part)
            raise
        return fileobj

    def _export(self, target):
        # type: (Any) -> None
        response = self.ensure_ready().export.get(stream=True)
        with Digest() as digest:
            self.client.transport.download(response, target, digest)
        # An image in two parts comes as a form, which has no fingerprint
        if 'multipart' not in response.headers.get(
                'Content-Type', '') and digest.hexdigest() != self.fingerprint:
            raise exceptions.StreamBroken(
                'image {} arrived damaged'.format(self.fingerprint))

    def add_alias(self, name, description=''):
        # type: (str, str) -> None
        """Give the image a name.

        :raises LXDAPIException: the name is taken.

        Endpoint: ``POST /1.0/images/aliases``.
        """
        rest.quote(name)
        self._ready_to_change()
        self.client.api.images.aliases.post(json={
            'name': name, 'description': description,
            'target': self.fingerprint})
        self._expire()

    def delete_alias(self, name):
        # type: (str) -> None
        """Take a name away from the image.

        :raises NotFound: the image has no such name.

        Endpoint: ``DELETE /1.0/images/aliases/NAME``.
        """
        self._ready_to_change()
        node = self.client.api.images.aliases[name]
        response = node.get()
        target = rest.metadata(response).get('target')
        if target != self.fingerprint:
            raise exceptions.NotFound(response, reason=(
                '{!r} is an alias of image {}, not of {}'.format(
                    name, target, self.fingerprint)))
        node.delete()
        self._expire()

    def copy(self,
             new_client,  # type: Client
             public=None,  # type: Optional[bool]
             auto_update=None,  # type: Optional[bool]
             wait=False,  # type: bool
             ):
        # type: (...) -> Optional[Image]
        """Copy the image to another server, which pulls it from this one.

        :param new_client: a client of the destination.
        :param public: whether everybody may use the copy; None: as here.
        :param auto_update: whether the copy follows this image; None: as
            here.
        :param wait: return when the copy is complete.
        :return: with ``wait``, the image on the new server.
        :raises ClientConnectionFailed: this server has no HTTPS address.

        Endpoint: ``POST /1.0/images`` of the destination.
        """
        self.sync()
        source = {
            'type': 'image', 'mode': 'pull',
            'server': self.client.address,
            'protocol': new_client.dialect.protocol,
            'certificate': self.client.dialect.certificate,
            'fingerprint': self.fingerprint,
        }
        if not self.public:
            response = self.api.secret.post(json={})
            allowed = Operation.from_response(self.client, response)
            if allowed is None:
                raise exceptions.InvalidResponse(response)
            source['secret'] = (allowed.metadata or {})['secret']
        made = new_client.images._pull(
            source, self.public if public is None else public,
            self.auto_update if auto_update is None else auto_update)
        self.operation = made.operation
        made.created_by(made.operation, wait)
        return made if wait else None


class Images(Manager[Image]):
    """All images: ``client.images``."""

    model = Image
    class_methods = (
        'get_by_alias', 'create', 'create_from_simplestreams',
        'create_from_url')  # type: Tuple[str, ...]

    def get(self, fingerprint):
        # type: (str) -> Image
        """Get an image by its fingerprint, or by the start of it.

        :raises NotFound: there is no such image.

        Endpoint: ``GET /1.0/images/FINGERPRINT``.
        """
        return self._get(fingerprint)

    def get_by_alias(self, alias):
        # type: (str) -> Image
        """Get an image by its alias.

        :raises NotFound: no image has that name.

        Endpoint: ``GET /1.0/images/aliases/NAME``.
        """
        response = self.client.api.images.aliases[alias].get()
        target = rest.metadata(response).get('target')
        if not isinstance(target, six.string_types):
            raise exceptions.InvalidResponse(response)
        return self.get(target)

    def exists(self, fingerprint, alias=False):
        # type: (str, bool) -> bool
        """Tell whether there is an image with this fingerprint.

        :param alias: whether ``fingerprint`` is an alias instead.

        Endpoint: ``GET /1.0/images/FINGERPRINT``.
        """
        try:
            self.get_by_alias(fingerprint) if alias else self.get(fingerprint)
        except exceptions.NotFound:
            return False
        return True

    def create(self, image_data, public=False, wait=False, metadata=None):
        # type: (Any, bool, bool, Any) -> Image
        """Upload an image.

        :param image_data: its bytes, or an open binary file; the root file
            system alone where ``metadata`` has the rest.
        :param public: whether everybody may use the image.
        :param wait: return when the server has unpacked it.
        :param metadata: the metadata tarball of an image in two parts,
            bytes or an open binary file.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            data is no image.

        Endpoint: ``POST /1.0/images``.
        """
        digest = Digest()
        header = self.client.dialect.header
        headers = {header('public'): '1' if public else '0',
                   'Content-Type': 'application/octet-stream',
                   }  # type: Dict[str, Any]
        data = Upload(image_data, digest)  # type: Any
        name = getattr(image_data, 'name', None)
        if isinstance(name, six.string_types):
            # The server takes it as it is, so no header can hold some names
            headers[header('filename')] = six.ensure_binary(
                ' '.join(exceptions.printable(
                    os.path.basename(name)).splitlines()).strip(),
                errors='replace')
        if metadata is not None:
            boundary = random_name()
            headers['Content-Type'] = (
                'multipart/form-data; boundary=' + boundary)
            data = form(boundary, [
                ('metadata', Upload(metadata, digest)), ('rootfs', data)])
        node, _ = self.node_and_query()
        with digest:
            response = node.post(data=data, headers=headers)
        return self._created(response, digest.hexdigest(), wait)

    def create_from_simplestreams(self,
                                  server,  # type: str
                                  alias,  # type: str
                                  public=False,  # type: bool
                                  auto_update=False,  # type: bool
                                  wait=False,  # type: bool
                                  ):
        # type: (...) -> Image
        """Let the server fetch an image from an image server.

        :param server: the ``https://`` URL of the image server.
        :param alias: the name of the image there.
        :param public: whether everybody may use the image here.
        :param auto_update: whether to follow what that name means later.
        :param wait: return when the image is here; otherwise its first use
            waits.

        Endpoint: ``POST /1.0/images``.
        """
        rest.quote(alias)
        return self._pull({
            'type': 'image', 'mode': 'pull', 'server': server,
            'protocol': 'simplestreams', 'alias': alias},
            public, auto_update, wait)

    def create_from_url(self, url, public=False, auto_update=False,
                        wait=False):
        # type: (str, bool, bool, bool) -> Image
        """Let the server fetch an image from a URL.

        :param url: an ``https://`` URL that answers with the headers of an
            image server.
        :param public: whether everybody may use the image here.
        :param auto_update: whether to follow what the URL has later.
        :param wait: return when the image is here; otherwise its first use
            waits.

        Endpoint: ``POST /1.0/images``.
        """
        return self._pull({'type': 'url', 'mode': 'pull', 'url': url},
                          public, auto_update, wait)

    def _pull(self, source, public=False, auto_update=False, wait=False):
        # type: (Dict[str, Any], bool, bool, bool) -> Image
        """Let the server fetch an image from any source that it knows."""
        node, _ = self.node_and_query()
        response = node.post(json={
            'public': public, 'auto_update': auto_update, 'source': source})
        return self._created(response, None, wait)

    def _created(self, response, fingerprint, wait):
        # type: (requests.Response, Optional[str], bool) -> Image
        operation = Operation.from_response(self.client, response)
        if operation is None and fingerprint is None:
            raise exceptions.InvalidResponse(response)
        made = self.model.from_key(self.client, (fingerprint,))  # type: Image
        made.created_by(operation, wait)
        return made


def publish(source, description, public, wait, compression_algorithm):
    # type: (Savable, Dict[str, str], bool, bool, Any) -> Optional[Image]
    """Make an image of an instance or a snapshot.

    :param source: the object, which keeps the operation.
    :param description: the server's own description of the source.
    """
    request = {'public': public, 'source': description}  # type: Dict[str, Any]
    if compression_algorithm is not None:
        request['compression_algorithm'] = compression_algorithm
    client = source.client
    operation = Operation.from_response(
        client, client.api.images.post(json=request))
    if operation is None:
        return None
    source.operation = operation
    if not wait:
        return None
    operation.wait()
    image = client.images.get(
        operation.metadata['fingerprint'])  # type: Image
    return image
