"""Copies of images to other servers."""
import contextlib

from pylxd import exceptions
from pylxd.core.context import check_client
from pylxd.core.model import Model
from pylxd.core.operation import Operation
from pylxd.core.progress import Reporter
from pylxd.models.image_alias import check_aliases
from pylxd.models.migration import check_mode
from pylxd.transport.bodies import content_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Optional, Union
    from pylxd.client import Client
    from pylxd.core.progress import ProgressArgument
    from pylxd.models.image import Image


class Copyable(Model):
    """The part of the model of images that copies them."""

    if TYPE_CHECKING:
        aliases = []  # type: List[Dict[str, str]]
        auto_update = False  # type: bool
        expires_at = ''  # type: Any
        filename = ''  # type: str
        fingerprint = ''  # type: str
        properties = {}  # type: Dict[str, str]
        public = False  # type: bool

        def create_secret(self):
            # type: () -> str
            """See `Image`."""

    def copy(self,
             new_client,  # type: Client
             public=None,  # type: Optional[bool]
             auto_update=None,  # type: Optional[bool]
             wait=False,  # type: bool
             aliases=False,  # type: Union[bool, Iterable[str]]
             mode='pull',  # type: str
             progress=None,  # type: ProgressArgument
             ):
        # type: (...) -> Optional[Image]
        """Copy the image to another server.

        :param new_client: a client of the destination.
        :param public: whether everybody may use the copy; None takes the
            value of this image.
        :param auto_update: whether the new server updates the copy when the
            first alias of this image has a newer one, which needs a public
            image and mode ``pull``; None takes the value of this image.
        :param wait: return when the copy is complete. A server that does not
            reach the other one by the address of its client, as behind a
            tunnel, then tries the addresses that the other one names.
        :param aliases: True gives the copy the aliases of this image; or the
            names of its aliases. Needs ``image_create_aliases``.
        :param mode: ``pull``: the new server connects to this one; ``push``:
            this server connects to the new one, see `push`; ``relay``: this
            program connects to both, and passes on the data. The call then
            returns when all data is sent.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :return: with ``wait``, the image on the new server; otherwise None.
        :raises TypeError: ``new_client`` is no client.
        :raises ValueError: there is no such mode, or ``auto_update`` with
            another mode than ``pull``.
        :raises Conflict: one of the aliases exists already.
        :raises ClientConnectionFailed: the server that the other one
            connects to has no HTTPS address.
        :raises LXDAPIException: one of the servers refused, as when it has
            the image, or (with ``wait``) the copy failed.

        Endpoint: ``POST /1.0/images`` of the destination; an image of a
        project needs ``image_source_project`` there.
        """
        check_client(new_client, 'new_client')
        check_mode(mode)
        if auto_update and mode != 'pull':
            raise ValueError(
                'auto_update=True needs the mode pull: a copy that was sent '
                'has no source to look at')
        self.sync()
        if public is None:
            public = self.public
        names = self._choose_aliases(new_client, aliases)
        with Reporter(progress) as reporter:
            if mode == 'pull':
                copy = self._pull(new_client, public, auto_update, names,
                                  wait, reporter)
            elif mode == 'push':
                copy = self._push(new_client, public, names, wait, reporter)
            else:
                copy = self._relay(new_client, public, names, wait, reporter)
        self.operation = copy.operation  # type: Optional[Operation]
        return copy if wait else None

    def push(self,
             to,  # type: Client
             aliases=(),  # type: Iterable[str]
             wait=True,  # type: bool
             progress=None,  # type: ProgressArgument
             ):
        # type: (...) -> Image
        """Let the server send the image to another one.

        :param to: a client of the destination.
        :param aliases: the names of the aliases of the copy.
        :param wait: return when the copy is complete.
        :param progress: a function that is called with each `Progress`, or
            True for a bar.
        :return: the image on the other server.
        :raises TypeError: ``to`` is no client.
        :raises Conflict: one of the aliases exists already.
        :raises ClientConnectionFailed: the other server has no HTTPS
            address.
        :raises LXDAPIException: one of the servers refused, as when it has
            the image, or (with ``wait``) the copy failed.

        Endpoint: ``POST /1.0/images/FINGERPRINT/export``, ``POST
        /1.0/images`` of the destination; both need ``images_push_relay``.
        """
        check_client(to, 'to')
        self.sync()
        with Reporter(progress) as reporter:
            copy = self._push(to, self.public, check_aliases(to, aliases),
                              wait, reporter)
        self.operation = copy.operation
        return copy

    def _choose_aliases(self, client, aliases):
        # type: (Client, Union[bool, Iterable[str]]) -> List[str]
        """Return the names of the aliases of a copy."""
        if aliases is True:
            aliases = [alias['name'] for alias in self.aliases]
        names = check_aliases(client, aliases or ())
        if names:
            client.dialect.need('image_create_aliases')
        return names

    def _pull(self,
              client,  # type: Client
              public,  # type: bool
              auto_update,  # type: Optional[bool]
              aliases,  # type: List[str]
              wait,  # type: bool
              reporter,  # type: Reporter
              ):
        # type: (...) -> Image
        if auto_update is None:
            auto_update = self.auto_update
        source = {
            'type': 'image', 'mode': 'pull',
            'protocol': client.dialect.protocol,
            'certificate': self.client.server_certificate(),
            'fingerprint': self.fingerprint,
        }
        if auto_update and self.public and self.aliases:
            # A copy by its fingerprint never follows an alias
            source['alias'] = self.aliases[0]['name']
            del source['fingerprint']
        if self.client.project not in (None, 'default'):
            client.dialect.need('image_source_project')
            source['project'] = self.client.project

        def pull(address):
            # type: (str) -> Image
            source['server'] = address
            if not self.public:
                source['secret'] = self.create_secret()
            operation = self._request_copy(
                client, source, public, aliases, auto_update=auto_update)
            # An alias may have a newer image
            copy = client.images.model.from_key(client, (
                None if 'alias' in source else self.fingerprint,))
            copy.remember_source(source)
            copy.created_by(operation, wait, reporter)
            return copy

        return self.client.offer(pull)

    def _push(self,
              client,  # type: Client
              public,  # type: bool
              aliases,  # type: List[str]
              wait,  # type: bool
              reporter,  # type: Reporter
              ):
        # type: (...) -> Image
        for dialect in self.client.dialect, client.dialect:
            dialect.need('images_push_relay')
        client.address  # raises if there is none, before the request
        request = {'certificate': client.server_certificate()}
        if client.project not in (None, 'default'):
            self.client.dialect.need('images_target_project')
            request['project'] = client.project
        permission = self._request_copy(
            client, {'type': 'image', 'mode': 'push',
                     'fingerprint': self.fingerprint}, public, aliases,
            properties=self.properties, expires_at=self.expires_at)
        request['secret'] = permission.metadata['secret']

        def push(address):
            # type: (str) -> Image
            response = self._ready_to_change().export.post(
                json=dict(request, target=address))
            copy = client.images.model.from_key(client, (self.fingerprint,))
            copy.created_by(self._keep_operation(response), False)
            if wait and self.operation is not None:
                self.operation.wait(progress=reporter)
            return copy

        try:
            return client.offer(push)
        except BaseException:
            cancel(permission)
            raise

    def _request_copy(self, client, source, public, aliases, **fields):
        # type: (Client, Dict[str, Any], bool, List[str], **Any) -> Operation
        """Ask the destination to receive the image."""
        response = client.api.images.post(json=dict(
            fields, public=public, source=source,
            aliases=[{'name': name} for name in aliases]))
        operation = Operation.from_response(client, response)
        if operation is None:
            raise exceptions.InvalidResponse(response)
        return operation

    def _relay(self,
               client,  # type: Client
               public,  # type: bool
               aliases,  # type: List[str]
               wait,  # type: bool
               reporter,  # type: Reporter
               ):
        # type: (...) -> Image
        headers = client.images.upload_headers(
            None, public, self.properties, self.filename)
        response = self.ensure_ready().export.get(stream=True)
        with contextlib.closing(response):
            # Servers send the two parts of an image as the form that they
            # expect
            headers['Content-Type'] = response.headers.get('Content-Type', '')
            reporter.start(
                'image ' + self.fingerprint[:12], content_length(response))
            created = client.api.images.post(
                data=reporter.watch(
                    self.client.transport.iterate_blocks(response)),
                headers=headers)
        copy = client.images.model.from_key(
            client, (self.fingerprint,))  # type: Image
        copy.created_by(
            Operation.from_response(client, created), wait, reporter)
        if aliases:
            copy.finish_upload(aliases, None)
        return copy


def cancel(operation):
    # type: (Operation) -> None
    """Cancel an operation, if it still runs."""
    try:
        operation.cancel()
    except exceptions.LXDException:
        pass
