"""Images."""
from datetime import datetime

import six

from pylxd import exceptions
from pylxd.core.attribute import attribute
from pylxd.core.collection import collection
from pylxd.core.operation import Operation
from pylxd.core.progress import Reporter
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable
from pylxd.models.image_copy import Copyable
from pylxd.models.image_creation import ImageCreation
from pylxd.models.image_export import Export
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Dict, List, Optional, overload, Text, Tuple, TypeVar, Union)
    from pylxd.core.attribute import TimeAttribute
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.image_alias import ImageAliases
    from pylxd.models.protocols import Writable
    F = TypeVar('F', bound=Union[Text, Writable])


class Image(Copyable, Savable, Deletable):
    """An image, known by its fingerprint, the SHA-256 of its data.

    Endpoint: ``/1.0/images/FINGERPRINT``.
    """

    path = 'images'
    key = 'fingerprint'
    filter_extension = 'api_filtering'
    all_projects_extension = 'images_all_projects'

    # The server and the alias that the image is fetched from
    _source = ('', '')

    # Changes of an image need a PUT: LXD 5.0 resets the expiry in a PATCH of
    # other fields, and all servers ignore some fields in a PATCH.
    aliases = attribute(list, readonly=True)  # type: List[Dict[str, str]]
    architecture = attribute(readonly=True)  # type: str
    auto_update = attribute(bool, patch='ignored')  # type: bool
    cached = attribute(readonly=True)  # type: bool
    created_at = attribute(readonly=True)  # type: str
    expires_at = attribute(
        datetime, in_etag=False, patch='ignored')  # type: TimeAttribute
    filename = attribute(readonly=True)  # type: str
    fingerprint = attribute(readonly=True)  # type: str
    last_used_at = attribute(readonly=True)  # type: str
    profiles = attribute(
        [str], in_etag=False, patch='ignored')  # type: List[str]
    project = attribute(readonly=True)  # type: str
    properties = attribute(
        {str: str}, patch='ignored')  # type: Dict[str, str]
    public = attribute(bool, patch='ignored')  # type: bool
    size = attribute(readonly=True)  # type: int
    type = attribute(readonly=True)  # type: str
    update_source = attribute(dict, readonly=True)  # type: Dict[str, str]
    uploaded_at = attribute(readonly=True)  # type: str

    def _details(self):
        # type: () -> List[str]
        aliases = self._document.representation.get('aliases') or ()
        return [alias['name'] for alias in aliases[:1]] + super(
            Image, self)._details()

    def _created_key(self, operation):
        # type: (Operation) -> Tuple[str, ...]
        # The fingerprint is known when the operation has ended
        fingerprint = (operation.metadata or {}).get(
            'fingerprint') or self._find_fingerprint()
        if not fingerprint:
            raise exceptions.LXDException(
                'the server sent no fingerprint of the new image, and has no '
                'image of that source: {!r}'.format(operation))
        return (fingerprint,)

    def remember_source(self, source):
        # type: (Dict[str, Any]) -> None
        """Store the source of a new image, to find the image by it.

        :param source: the source, as the REST API defines it.
        """
        self._source = source.get('server', ''), source.get('alias', '')

    def _find_fingerprint(self):
        # type: () -> Optional[str]
        """Look for the image if the server has forgotten its operation.

        :return: the fingerprint of the newest image of the same source.
        """
        server, alias = self._source
        if not alias:
            return None
        newest = ('', '')
        response = self.client.api.images.get(params={'recursion': 1})
        for image in rest.metadata(response, list):
            source = image.get('update_source') or {}
            if source.get('alias') == alias and str(
                    source.get('server')).rstrip('/') == server.rstrip('/'):
                newest = max(newest, (image.get('uploaded_at', ''),
                                      image.get('fingerprint', '')))
        return newest[1] or None

    if TYPE_CHECKING:
        @overload
        def export(self, fileobj=None, progress=None):
            # type: (None, ProgressArgument) -> Any
            pass

        @overload
        def export(self, fileobj, progress=None):
            # type: (F, ProgressArgument) -> F
            pass

    def export(self, fileobj=None, progress=None):
        # type: (Any, ProgressArgument) -> Any
        """Download the data of the image.

        An image in two parts has its metadata and its root file system.

        :param fileobj: a file that is open for writing bytes, or a path, to
            write the data to, piece by piece. A file with that path appears
            when it is complete. In a directory the files have the names
            that the server gives them. For an image in two parts, a pair of
            these; a single path gets the metadata, and the path with
            ``.root`` the root file system. None returns all data.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :return: the data as bytes; ``fileobj`` if one was given; the path
            of the file in the directory. For an image in two parts, a pair
            of these.
        :raises StreamBroken: the download was cut off, or the data does not
            match the fingerprint.
        :raises ValueError: the image has another number of parts than
            ``fileobj``.

        Endpoint: ``GET /1.0/images/FINGERPRINT/export``.
        """
        with Reporter(progress) as reporter:
            node = self.ensure_ready()
            if reporter.is_active:
                # Two parts come without Content-Length
                reporter.start('image ' + self.fingerprint[:12], self.size)
            response = node.export.get(stream=True)
            return Export(self.fingerprint, fileobj).run(
                self.client.transport, response, reporter)

    def add_alias(self, name, description=''):
        # type: (str, str) -> None
        """Give the image an alias.

        :param name: the alias.
        :param description: the description of the alias.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the alias exists already.

        Endpoint: ``POST /1.0/images/aliases``.
        """
        name = rest.check_name(name)
        self._ready_to_change()
        self.client.api.images.aliases.post(json={
            'name': name, 'description': description,
            'target': self.fingerprint})
        self._expire()

    def delete_alias(self, name):
        # type: (str) -> None
        """Delete an alias of the image.

        :param name: the alias.
        :raises NotFound: the image has no such alias.

        Endpoint: ``DELETE /1.0/images/aliases/NAME``.
        """
        self._ready_to_change()
        node = self.client.api.images.aliases[name]
        response = node.get()
        target = rest.metadata(response).get('target')
        if target != self.fingerprint:
            raise exceptions.NotFound(response, reason=(
                'cannot delete alias {!r}: it belongs to image {}, not to '
                '{}'.format(name, target, self.fingerprint)))
        node.delete()
        self._expire()

    def finish_upload(self, aliases, expires_at):
        # type: (List[str], Optional[str]) -> None
        """Set what no server takes together with the data of an image.

        :param aliases: the names of new aliases.
        :param expires_at: when the server deletes the image, as text.
        :raises LXDAPIException: the server refused; the message names the
            image and what it has.
        """
        self.ensure_ready()
        done = []
        try:
            if expires_at is not None:
                self.expires_at = expires_at
                self.save()
                done.append('expires_at')
            for name in aliases:
                self.add_alias(name)
                done.append('alias ' + name)
        except exceptions.LXDAPIException as error:
            error.hint = 'image {} was created with {}'.format(
                self.fingerprint, ', '.join(done) or 'no alias')
            raise

    def refresh(self, wait=True, progress=None):
        # type: (bool, ProgressArgument) -> None
        """Let the server look for a newer image at the source of this one.

        If there is one, the server fetches it, and gives it the aliases of
        this image, which it deletes unless it is in use.

        :param wait: return when the server has the newer image; this object
            is that image then. Without ``wait`` it stays the old one.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises OperationFailed: the server could not fetch the image, or
            this image has no source.

        Endpoint: ``POST /1.0/images/FINGERPRINT/refresh``; needs
        ``image_force_refresh``.
        """
        with Reporter(progress) as reporter:
            self.client.dialect.need('image_force_refresh')
            node = self._ready_to_change()
            source = self.update_source
            operation = self._start_operation(
                node.refresh.post(json={}), wait, reporter)
        self._expire()
        if wait and operation and (operation.metadata or {}).get('refreshed'):
            # The server does not tell the fingerprint
            self.remember_source(source)
            self._key = (self._find_fingerprint() or self.fingerprint,)

    def create_secret(self):
        # type: () -> str
        """Create a secret by which anybody may download this image once.

        It is for the source of an image on another server, and for
        ``GET .../export?secret=SECRET`` of an untrusted client. It is valid
        for a few seconds after the first use.

        :return: the secret.

        Endpoint: ``POST /1.0/images/FINGERPRINT/secret``.
        """
        response = self._ready_to_change().secret.post(json={})
        operation = Operation.from_response(self.client, response)
        data = operation.metadata if operation else rest.metadata(response)
        if not (data or {}).get('secret'):
            raise exceptions.InvalidResponse(response)
        secret = data['secret']  # type: str
        return secret


class Images(ImageCreation[Image]):
    """All images: ``client.images``."""

    model = Image
    class_methods = (
        'get_by_alias', 'create', 'create_from_simplestreams',
        'create_from_url')  # type: Tuple[str, ...]

    #: The aliases of all images.
    aliases = collection('image_alias:ImageAliases')  # type: ImageAliases

    def get(self, fingerprint):
        # type: (str) -> Image
        """Get an image by its fingerprint.

        :param fingerprint: the fingerprint, or the start of it.
        :raises NotFound: there is no such image.

        Endpoint: ``GET /1.0/images/FINGERPRINT``.
        """
        return self._get(fingerprint)

    def get_by_alias(self, alias):
        # type: (str) -> Image
        """Get an image by its alias.

        :param alias: the alias.
        :raises NotFound: no image has that alias.

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

        :param fingerprint: the fingerprint, or the start of it.
        :param alias: whether ``fingerprint`` is an alias instead.

        Endpoint: ``GET /1.0/images/FINGERPRINT``; with ``alias``,
        ``GET /1.0/images/aliases/NAME`` before.
        """
        try:
            self.get_by_alias(fingerprint) if alias else self.get(fingerprint)
        except exceptions.NotFound:
            return False
        return True
