"""Images."""
import binascii
import hashlib
import io
import os
import threading

import six
from six.moves import queue

from pylxd import exceptions
from pylxd.core import operation
from pylxd.transport import rest
from pylxd.core.manager import Manager
from pylxd.core.model import Model, attribute
from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Optional
    from pylxd.client import Client


class Image(Model):
    """An image, keyed by its fingerprint, the SHA-256 of its data.

    Endpoint: ``/1.0/images/FINGERPRINT``.
    """

    path = 'images'
    key = 'fingerprint'

    aliases = attribute(readonly=True)  # type: List[Dict[str, str]]
    architecture = attribute(readonly=True)  # type: str
    auto_update = attribute(bool)  # type: bool
    cached = attribute(readonly=True)  # type: bool
    created_at = attribute(readonly=True)  # type: str
    expires_at = attribute(str)  # type: str
    filename = attribute(readonly=True)  # type: str
    fingerprint = attribute(readonly=True)  # type: str
    last_used_at = attribute(readonly=True)  # type: str
    profiles = attribute(list)  # type: List[str]
    project = attribute(readonly=True)  # type: str
    properties = attribute(dict)  # type: Dict[str, str]
    public = attribute(bool)  # type: bool
    size = attribute(readonly=True)  # type: int
    type = attribute(readonly=True)  # type: str
    update_source = attribute(readonly=True)  # type: Dict[str, str]
    uploaded_at = attribute(readonly=True)  # type: str

    _making = None  # type: Optional[operation.Operation]

    @property
    def _key(self):
        # type: () -> str
        if 'fingerprint' not in self._seen and self._making is not None:
            # Only the end of the operation tells what was fetched
            if self._making.running:
                self._making.wait()
            self._seen['fingerprint'] = _fingerprint(self._making)
        return super(Image, self)._key

    def export(self, fileobj=None):
        # type: (Any) -> Any
        """Read the image itself.

        :param fileobj: an open binary file, or a path, to write it to
            piece by piece, instead of returning it whole. A file under
            that path appears when it is complete.
        :return: the bytes, or ``fileobj`` if one was given.
        :raises StreamBroken: what came is not what the fingerprint says.

        Endpoint: ``GET /1.0/images/FINGERPRINT/export``.
        """
        if fileobj is None:
            target = io.BytesIO()
            self._export(target)
            return target.getvalue()
        if not isinstance(fileobj, six.string_types):
            self._export(fileobj)
            return fileobj
        part = '{}.{}.part'.format(fileobj, _random()[:8])
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
        response = self.api.export.get(stream=True)
        with _Digest() as digest:
            self.client.transport.download(response, target, digest)
        # An image in two parts comes as a form, which has no fingerprint
        if 'multipart' not in response.headers.get(
                'Content-Type', '') and digest.hexdigest() != self.fingerprint:
            raise exceptions.StreamBroken(
                'image {} arrived damaged'.format(self.fingerprint))

    def add_alias(self, name, description=''):
        # type: (str, str) -> None
        """Give it a name.

        :raises LXDAPIException: the name is taken.

        Endpoint: ``POST /1.0/images/aliases``.
        """
        rest.quote(name)
        self.client.api.images.aliases.post(json={
            'name': name, 'description': description,
            'target': self.fingerprint})
        self._seen.setdefault('aliases', []).append(
            {'name': name, 'description': description})

    def delete_alias(self, name):
        # type: (str) -> None
        """Take a name away.

        :raises NotFound: there is no such name.

        Endpoint: ``DELETE /1.0/images/aliases/NAME``.
        """
        self.client.api.images.aliases[name].delete()
        self._seen['aliases'] = [
            alias for alias in self._seen.get('aliases') or ()
            if alias['name'] != name]

    def copy(self, new_client, public=None, auto_update=None, wait=False):
        # type: (Client, Optional[bool], Optional[bool], bool) -> Any
        """Copy it to another server, which pulls it from this one.

        :param new_client: a client of the destination.
        :param public: whether everybody may use the copy; as here if None.
        :param auto_update: whether the copy follows this one; as here if
            None.
        :param wait: return when the copy is whole.
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
            allowed = operation.begun(self.client, response)
            if allowed is None:
                raise exceptions.InvalidResponse(response)
            source['secret'] = (allowed.metadata or {})['secret']
        made = new_client.images._pull(
            source, self.public if public is None else public,
            self.auto_update if auto_update is None else auto_update, wait)
        return made if wait else None


class Images(Manager[Image]):
    """All images: ``client.images``."""

    model = Image

    def get(self, fingerprint):
        # type: (str) -> Image
        """Get one by its fingerprint, or by the beginning of it.

        :raises NotFound: there is none.

        Endpoint: ``GET /1.0/images/FINGERPRINT``.
        """
        return super(Images, self).get(fingerprint)

    def get_by_alias(self, alias):
        # type: (str) -> Image
        """Get one by a name that it was given.

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
        """Whether there is one with this fingerprint.

        :param alias: ``fingerprint`` is a name that it was given.
        """
        try:
            self.get_by_alias(fingerprint) if alias else self.get(fingerprint)
        except exceptions.NotFound:
            return False
        return True

    def create(self, image_data, public=False, wait=False, metadata=None):
        # type: (Any, bool, bool, Any) -> Image
        """Upload one.

        :param image_data: its bytes, or an open binary file; the root file
            system alone where ``metadata`` has the rest.
        :param public: whether everybody may use it.
        :param wait: return when the server has unpacked it.
        :param metadata: the metadata tarball of an image in two parts,
            bytes or an open binary file.
        :raises LXDAPIException: the server refused, or (with ``wait``) it
            is no image.

        Endpoint: ``POST /1.0/images``.
        """
        digest = _Digest()
        header = self.client.dialect.header
        headers = {header('public'): '1' if public else '0',
                   'Content-Type': 'application/octet-stream',
                   }  # type: Dict[str, Any]
        data = _Upload(image_data, digest)  # type: Any
        name = getattr(image_data, 'name', None)
        if isinstance(name, six.string_types):
            # The server takes it as it is, so no header can hold some names
            headers[header('filename')] = six.ensure_binary(
                ' '.join(exceptions.printable(
                    os.path.basename(name)).splitlines()).strip(),
                errors='replace')
        if metadata is not None:
            boundary = _random()
            headers['Content-Type'] = (
                'multipart/form-data; boundary=' + boundary)
            data = _form(boundary, (('metadata', _Upload(metadata, digest)),
                                    ('rootfs', data)))
        with digest:
            response = self.client.api.images.post(data=data, headers=headers)
        operation.begun(self.client, response, wait)
        return self._make(seen={'fingerprint': digest.hexdigest()})

    def create_from_simplestreams(self, server, alias, public=False,
                                  auto_update=False, wait=False):
        # type: (str, str, bool, bool, bool) -> Image
        """Let the server fetch one from an image server.

        :param server: its ``https://`` URL.
        :param alias: the image's name there.
        :param auto_update: follow what that name means later.
        :param wait: return when it is there; otherwise the first use of the
            image waits.

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
        """Let the server fetch one from a URL.

        :param url: an ``https://`` URL that answers with the headers of an
            image server.
        :param auto_update: follow what the URL has later.
        :param wait: return when it is there; otherwise the first use of the
            image waits.

        Endpoint: ``POST /1.0/images``.
        """
        return self._pull({'type': 'url', 'mode': 'pull', 'url': url},
                          public, auto_update, wait)

    def _pull(self, source, public, auto_update, wait):
        # type: (Dict[str, Any], bool, bool, bool) -> Image
        response = self.client.api.images.post(json={
            'public': public, 'auto_update': auto_update, 'source': source})
        made = self._make(seen={})
        made._making = operation.begun(self.client, response, wait)
        if made._making is None:
            raise exceptions.InvalidResponse(response)
        if wait:
            made._key  # its fingerprint is known from here on
        return made


def _fingerprint(made):
    # type: (operation.Operation) -> str
    fingerprint = (made.metadata or {}).get('fingerprint')
    if not fingerprint:
        raise exceptions.LXDException(
            '{!r} does not say which image it made'.format(made))
    return fingerprint


class _Digest(object):
    """The SHA-256 of what passes, computed by a thread while it is open.

    Hashing takes as long as moving: one after the other, an export has 0.56
    of curl's speed; beside each other, on two processors, 0.84.
    """

    def __init__(self):
        # type: () -> None
        self._digest = hashlib.sha256()
        self._blocks = queue.Queue(4)  # type: Any
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        # type: () -> None
        for block in iter(self._blocks.get, None):
            self._digest.update(block)

    def __enter__(self):
        # type: () -> _Digest
        self._thread.start()
        return self

    def update(self, block):
        # type: (bytes) -> None
        """Take the next block."""
        self._blocks.put(bytes(block))  # raises here what is no bytes

    def __exit__(self, *_):
        # type: (*Any) -> None
        self._blocks.put(None)
        self._thread.join()

    def hexdigest(self):
        # type: () -> str
        """The whole, when it is closed."""
        return self._digest.hexdigest()


class _Upload(object):
    """An upload whose fingerprint is computed on the way."""

    def __init__(self, data, digest):
        # type: (Any, Any) -> None
        if isinstance(data, (bytes, bytearray)):
            data = io.BytesIO(data)
        if not hasattr(data, 'read') or isinstance(data, io.TextIOBase):
            raise TypeError('image data must be bytes or an open binary file, '
                            'not {!r}'.format(type(data)))
        self._file = data
        self._digest = digest
        try:
            here = data.tell()
            data.seek(0, os.SEEK_END)
            self.len = data.tell() - here  # requests asks for it
            data.seek(here)
        except (AttributeError, IOError, ValueError):
            self.len = 0  # a pipe: sent in chunks

    def read(self, size=BLOCK):
        # type: (int) -> bytes
        data = self._file.read(max(size, BLOCK))
        self._digest.update(data)
        return data

    def __iter__(self):
        # type: () -> Iterator[bytes]
        return iter(self.read, b'')


def _random():
    # type: () -> str
    # What uuid gives, whose import takes 2 ms, a sixth of ours
    return six.ensure_str(binascii.hexlify(os.urandom(16)))


def _form(boundary, parts):
    # type: (str, Any) -> Iterator[bytes]
    """A multipart form, piece by piece."""
    for name, data in parts:
        yield six.ensure_binary(
            '--{}\r\nContent-Disposition: form-data; name="{}"; '
            'filename="{}"\r\n\r\n'.format(boundary, name, name))
        for piece in data:
            yield piece
        yield b'\r\n'
    yield six.ensure_binary('--{}--\r\n'.format(boundary))
