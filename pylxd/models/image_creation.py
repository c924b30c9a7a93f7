"""The creation of images, by uploads and by the server's own downloads."""
import six
from six.moves import urllib_parse

from pylxd import exceptions
from pylxd.core.manager import M, Manager
from pylxd.core.operation import Operation
from pylxd.core.progress import Reporter
from pylxd.core.timestamp import format_time
from pylxd.core.values import convert
from pylxd.models.image_alias import check_aliases
from pylxd.models.image_data import (
    Digest, Upload, clean_filename, iterate_form, random_name)
from pylxd.transport import rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, Iterable, Optional, Union
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.protocols import Readable
    ImageData = Union[bytes, bytearray, Readable]


class ImageCreation(Manager[M]):
    """The calls of `Images` that create images."""

    def create(self,
               image_data,  # type: ImageData
               public=False,  # type: bool
               wait=False,  # type: bool
               metadata=None,  # type: Optional[ImageData]
               vm=False,  # type: bool
               aliases=(),  # type: Iterable[str]
               properties=None,  # type: Optional[Dict[str, str]]
               expires_at=None,  # type: Any
               filename=None,  # type: Optional[str]
               progress=None,  # type: ProgressArgument
               ):
        # type: (...) -> M
        """Upload an image.

        :param image_data: the image as bytes, or a file that is open for
            reading bytes. For an image in two parts, its root file system.
        :param public: whether everybody may use the image.
        :param wait: return when the server has unpacked the image.
        :param metadata: for an image in two parts, its metadata tarball:
            bytes, or a file that is open for reading bytes.
        :param vm: whether the two parts are those of a virtual machine. An
            image in one part tells its type itself.
        :param aliases: the names of new aliases of the image. With aliases
            or ``expires_at`` the call waits for the image, and sends a
            request for each of them after that.
        :param properties: properties that replace those in the metadata of
            the image, a dict of text.
        :param expires_at: when the server deletes the image: a datetime, or
            text such as ``'2030-01-01T00:00:00Z'``.
        :param filename: the file name that the server remembers; None is the
            name of the file ``image_data``.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises TypeError: an argument has another type.
        :raises ValueError: ``vm`` without ``metadata``.
        :raises Conflict: one of the aliases exists already.
        :raises LXDAPIException: the server refused, or (with ``wait``) the
            data is no image. If it refuses an alias or ``expires_at``, the
            image exists nevertheless, and the message names it.

        Endpoint: ``POST /1.0/images``; ``vm`` needs ``virtual-machines``.
        """
        if vm:
            if metadata is None:
                raise ValueError(
                    'vm=True is for an image in two parts: pass its metadata '
                    'as metadata=')
            self.client.dialect.need('virtual-machines')
        with Reporter(progress) as reporter:
            node, _ = self.node_and_query()
            headers = self.upload_headers(
                image_data, public, properties, filename)
            aliases = check_aliases(self.client, aliases)
            expires_at = format_time(expires_at)
            if not isinstance(expires_at, six.string_types + (type(None),)):
                raise TypeError('expires_at must be a datetime or text, not '
                                '{!r}'.format(expires_at))
            has_more = bool(aliases) or expires_at is not None
            digest = Digest()
            data = self._upload_data(
                image_data, metadata, vm, filename, headers, digest, reporter)
            with digest:
                response = node.post(data=data, headers=headers)
            image = self._created(
                response, digest.hexdigest(), wait or has_more,
                progress=reporter)  # type: Any
            if has_more:
                image.finish_upload(aliases, expires_at)
            created = image  # type: M
            return created

    def _upload_data(self,
                     image_data,  # type: ImageData
                     metadata,  # type: Optional[ImageData]
                     vm,  # type: bool
                     filename,  # type: Optional[str]
                     headers,  # type: Dict[str, Any]
                     digest,  # type: Digest
                     reporter,  # type: Reporter
                     ):
        # type: (...) -> Any
        """Return the body of an upload, and complete its headers."""
        data = Upload(image_data, digest, reporter)
        name = headers.get(self.client.dialect.header('filename'), b'image')
        if metadata is None:
            reporter.start(six.ensure_str(name), data.len or None)
            return data
        head = Upload(metadata, digest, reporter)
        reporter.start(six.ensure_str(name), (
            data.len + head.len) if data.len and head.len else None)
        boundary = random_name()
        headers['Content-Type'] = 'multipart/form-data; boundary=' + boundary
        return iterate_form(boundary, [
            ('metadata', b'metadata', head),
            ('rootfs.img' if vm else 'rootfs',
             clean_filename(filename or 'rootfs'), data)])

    def upload_headers(self,
                       image_data,  # type: Optional[ImageData]
                       public,  # type: bool
                       properties,  # type: Optional[Dict[str, str]]
                       filename,  # type: Optional[str]
                       ):
        # type: (...) -> Dict[str, Any]
        """Return the headers of an upload; see `create` for the arguments."""
        if isinstance(public, (bytes, six.text_type)):
            # Elsewhere servers refuse it; here 'no' would mean yes
            raise TypeError('public must be a bool, not {!r}'.format(public))
        header = self.client.dialect.header
        headers = {header('public'): '1' if public else '0',
                   'Content-Type': 'application/octet-stream',
                   }  # type: Dict[str, Any]
        if filename is None:
            filename = getattr(image_data, 'name', None)
        if isinstance(filename, six.string_types):
            headers[header('filename')] = clean_filename(filename)
        if properties:
            headers[header('properties')] = urllib_parse.urlencode(sorted(
                (six.ensure_binary(key), six.ensure_binary(value))
                for key, value in convert(
                    {str: str}, properties, 'properties').items()))
        return headers

    def create_from_simplestreams(self,
                                  server,  # type: str
                                  alias,  # type: str
                                  public=False,  # type: bool
                                  auto_update=False,  # type: bool
                                  wait=False,  # type: bool
                                  vm=False,  # type: bool
                                  progress=None,  # type: ProgressArgument
                                  ):
        # type: (...) -> M
        """Let the server fetch an image from an image server.

        :param server: the ``https://`` URL of the image server.
        :param alias: the alias of the image on the image server.
        :param public: whether everybody may use the image.
        :param auto_update: whether the server updates the image when the
            alias has a newer one.
        :param wait: return when the image is complete; otherwise the first
            use of the returned image waits.
        :param vm: whether to fetch the image of a virtual machine.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises InvalidName: no server allows that alias.
        :raises LXDAPIException: the server refused, or (with ``wait``) could
            not fetch the image.

        Endpoint: ``POST /1.0/images``; ``vm`` needs ``virtual-machines``.
        """
        alias = rest.check_name(alias)
        source = {'type': 'image', 'mode': 'pull', 'server': server,
                  'protocol': 'simplestreams', 'alias': alias}
        if vm:
            self.client.dialect.need('virtual-machines')
            source['image_type'] = 'virtual-machine'
        return self.create_from_source(
            source, public, auto_update, wait, progress)

    def create_from_url(self,
                        url,  # type: str
                        public=False,  # type: bool
                        auto_update=False,  # type: bool
                        wait=False,  # type: bool
                        progress=None,  # type: ProgressArgument
                        ):
        # type: (...) -> M
        """Let the server fetch an image from a URL.

        :param url: an ``https://`` URL whose response names an image in its
            headers.
        :param public: whether everybody may use the image.
        :param auto_update: whether the server updates the image when the URL
            has a newer one.
        :param wait: return when the image is complete; otherwise the first
            use of the returned image waits.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises LXDAPIException: the server refused, as LXD does from 6.9 on,
            or (with ``wait``) could not fetch the image.

        Endpoint: ``POST /1.0/images``.
        """
        try:
            return self.create_from_source(
                {'type': 'url', 'mode': 'pull', 'url': url},
                public, auto_update, wait, progress)
        except exceptions.LXDAPIException as error:
            if 'URL is not supported' in error.message:
                error.hint = (
                    'LXD 6.9 and later fetch no images from URLs: download '
                    'the image, and pass its data to images.create()')
            raise

    def create_from_source(self,
                           source,  # type: Dict[str, Any]
                           public=False,  # type: bool
                           auto_update=False,  # type: bool
                           wait=False,  # type: bool
                           progress=None,  # type: ProgressArgument
                           ):
        # type: (...) -> M
        """Let the server fetch an image from any kind of source.

        :param source: the source, as the REST API defines it.
        :param public: whether everybody may use the image.
        :param auto_update: whether the server updates the image when the
            source has a newer one.
        :param wait: return when the image is complete; otherwise the first
            use of the returned image waits.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :raises LXDAPIException: the server refused, or (with ``wait``) could
            not fetch the image.

        Endpoint: ``POST /1.0/images``.
        """
        with Reporter(progress) as reporter:
            node, _ = self.node_and_query()
            response = node.post(json={
                'public': public, 'auto_update': auto_update,
                'source': source})
            return self._created(response, None, wait, source, reporter)

    def _created(self,
                 response,  # type: requests.Response
                 fingerprint,  # type: Optional[str]
                 wait,  # type: bool
                 source=None,  # type: Optional[Dict[str, Any]]
                 progress=None,  # type: ProgressArgument
                 ):
        # type: (...) -> M
        operation = Operation.from_response(self.client, response)
        if operation is None and fingerprint is None:
            raise exceptions.InvalidResponse(response)
        image = self.model.from_key(self.client, (fingerprint,))  # type: Any
        if source is not None:
            image.remember_source(source)
        image.created_by(operation, wait, progress)
        created = image  # type: M
        return created
