"""The download of an image: its data, or a form with its two parts."""
import os
import re

import six

from pylxd import exceptions
from pylxd.models.download import Destination
from pylxd.models.image_data import Digest
from pylxd.transport.paths import add_filename, to_path
from pylxd.transport.pools import BLOCK

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Callable, List, Optional, Text
    from pylxd.models.protocols import Writable
    from pylxd.transport.connection import Transport


class Export(object):
    """One download of an image.

    :param fingerprint: the fingerprint of the image.
    :param target: where to write the data to, as for `Image.export`.
    """

    def __init__(self, fingerprint, target):
        # type: (str, Any) -> None
        self._fingerprint = fingerprint
        self._target = target
        self._is_form = False
        self._destinations = []  # type: List[Destination]

    def run(self, transport, response):
        # type: (Transport, requests.Response) -> Any
        """Download the body of a response.

        :return: what `Image.export` returns.
        """
        try:
            with Digest() as digest:
                self._download(transport, response, digest)
            if digest.hexdigest() != self._fingerprint:
                raise exceptions.StreamBroken(
                    'the downloaded data of image {} has another '
                    'fingerprint, {}: export it again'.format(
                        self._fingerprint, digest.hexdigest()))
            results = tuple(
                destination.commit() for destination in self._destinations)
        except BaseException as error:
            response.close()
            for destination in self._destinations:
                destination.discard()
                add_filename(error, destination.path)
            raise
        return results if self._is_form else results[0]

    def _download(self, transport, response, digest):
        # type: (Transport, requests.Response, Digest) -> None
        content_type = response.headers.get('Content-Type', '')
        self._is_form = content_type.startswith('multipart/')
        if not self._is_form:
            file = self._open_part(find_filename(
                response.headers.get('Content-Disposition', '')))
            transport.download(response, file, digest)
            return
        boundary = re.search('boundary="?([^";]+)', content_type)
        form = FormSplitter(
            boundary.group(1) if boundary else '', self._open_part, digest)
        transport.download(response, form)
        if not form.has_ended or len(self._destinations) != 2:
            raise exceptions.StreamBroken(
                'the form with the data of image {} ends early, after {} '
                'part(s): export it again'.format(
                    self._fingerprint, len(self._destinations)))

    def _open_part(self, filename):
        # type: (str) -> Any
        """Return the file that the next part of the image is written to."""
        self._destinations.append(Destination(self._choose_place(filename)))
        return self._destinations[-1].file

    def _choose_place(self, filename):
        # type: (str) -> Any
        """Return the place of the next part, as for `Destination`.

        :param filename: the name that the server gives to the part.
        """
        target, fingerprint = self._target, self._fingerprint
        index, number = len(self._destinations), 2 if self._is_form else 1
        suffix = '.root' if index else ''
        if isinstance(target, (tuple, list)):
            if len(target) != number:
                raise ValueError(
                    'image {} has {} part(s), but {} files were given'.format(
                        fingerprint, number, len(target)))
            return target[index]
        path = to_path(target)
        if isinstance(path, six.string_types):
            if os.path.isdir(path):
                # A hostile server may send a path
                return os.path.join(path, os.path.basename(
                    filename) or fingerprint + suffix)
            return path + suffix if suffix else target
        if number == 2 and target is not None:
            raise ValueError(
                'image {} has two parts: export it to a pair of files, or to '
                'a path'.format(fingerprint))
        return target


class FormSplitter(object):
    """Divides a multipart form into its parts while it is written.

    :param boundary: the text that separates the parts.
    :param open_part: a function that is called with the file name of each
        part, and returns the file to write the part to.
    :param digest: updated with the contents of all parts.
    """

    def __init__(self, boundary, open_part, digest):
        # type: (Text, Callable[[str], Writable], Digest) -> None
        self._mark = b'\r\n--' + six.ensure_binary(boundary)
        self._open_part = open_part
        self._digest = digest
        self._part = None  # type: Optional[Writable]
        # The mark of the first part has no line before it
        self._unwritten = b'\r\n'
        #: Whether the end of the form was written.
        self.has_ended = False  # type: bool

    def write(self, data):
        # type: (bytes) -> None
        """Write the next bytes of the form.

        :raises StreamBroken: the form is malformed.
        """
        if self.has_ended:
            return
        data = self._unwritten + data
        while True:
            contents, mark, rest = data.partition(self._mark)
            if not mark:
                # The last bytes may be the start of a mark
                size = max(len(data) - len(self._mark), 0)
                break
            self.has_ended = rest.startswith(b'--')
            head, head_end, rest = rest.partition(b'\r\n\r\n')
            if not (head_end or self.has_ended):
                size = len(contents)
                break
            self._write_part(contents)
            if self.has_ended:
                return
            self._part = self._open_part(find_filename(
                six.ensure_str(head, errors='replace')))
            data = rest
        self._write_part(data[:size])
        self._unwritten = data[size:]
        if len(self._unwritten) > BLOCK:
            raise exceptions.StreamBroken(
                'a part of the form has a head of more than {} bytes'.format(
                    BLOCK))

    def _write_part(self, data):
        # type: (bytes) -> None
        if self._part is not None and data:
            self._part.write(data)
            self._digest.update(data)


def find_filename(header):
    # type: (str) -> str
    """Return the file name in a Content-Disposition header, or ''."""
    found = re.search('filename="?([^";\r\n]*)', header)
    return found.group(1) if found else ''
