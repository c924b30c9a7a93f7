"""The download of backups, also of such as are made for one download."""
import contextlib
import datetime

from pylxd import exceptions
from pylxd.core.model import warn
from pylxd.core.operation import Operation
from pylxd.core.progress import Reporter
from pylxd.models.download import download_to
from pylxd.models.image_data import random_name
from pylxd.transport.bodies import content_length

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import (
        Any, Callable, ContextManager, Dict, Generator, Iterator)
    from pylxd.core.progress import ProgressArgument
    from pylxd.core.manager import Manager
    from pylxd.core.model import Model

#: After this time the server deletes a backup that a killed program has made
#: for a download.
LIFETIME = datetime.timedelta(days=1)


def export_backup(backup, file, progress):
    # type: (Model, Any, ProgressArgument) -> Any
    """Download a backup; see `StoredBackup.export`."""
    @contextlib.contextmanager
    def open_response(reporter):
        # type: (Reporter) -> Iterator[requests.Response]
        yield backup.ensure_ready().export.get(stream=True)

    return download_to(file, _iterate_blocks(backup, open_response, progress))


def export_new_backup(manager,  # type: Manager[Any]
                      file,  # type: Any
                      progress,  # type: ProgressArgument
                      **options  # type: Any
                      ):
    # type: (...) -> Any
    """Make a backup, download it, and delete it.

    :param manager: the backups of the object.
    :param file: as for `StoredBackup.export`.
    :param progress: as for `StoredBackup.export`.
    :param options: arguments of ``create`` of the manager.
    :return: as for `StoredBackup.export`.
    """
    def open_response(reporter):
        # type: (Reporter) -> ContextManager[requests.Response]
        if manager.client.dialect.has('direct_backup'):
            return _request_directly(manager, options)
        return _request_from_temporary_backup(manager, options, reporter)

    return download_to(file, _iterate_blocks(
        manager.parent, open_response, progress))


def _iterate_blocks(source,  # type: Any
                    open_response,  # type: Callable[[Reporter], Any]
                    progress,  # type: ProgressArgument
                    ):
    # type: (...) -> Generator[bytes, None, None]
    """Yield b'' and then the blocks of a download, for `Download`.

    :param source: the backup, or the object that is backed up.
    :param open_response: called with the reporter; returns a context manager
        with the response.
    """
    with Reporter(progress) as reporter, open_response(
            reporter) as response, contextlib.closing(response):
        reporter.start(source.name, content_length(response))
        yield b''
        for block in source.client.transport.iterate_blocks(response):
            reporter.update(block)
            yield block


@contextlib.contextmanager
def _request_directly(manager, options):
    # type: (Manager[Any], Dict[str, Any]) -> Iterator[requests.Response]
    """Provide the response with a backup that the server does not store."""
    node, _ = manager.node_and_query()
    response = node.post(
        json={name: value for name, value in options.items()
              if value is not None},
        headers={'Accept': 'application/octet-stream'}, stream=True)
    try:
        yield response
    except exceptions.StreamBroken as error:
        error.args = (str(error) + _find_reason(manager.parent),)
        raise


def _find_reason(source):
    # type: (Any) -> str
    """Return why the server has stopped to send a backup, if it tells that.

    Only the operation of the backup has the reason.
    """
    try:
        reasons = [(operation.updated_at, operation.err)
                   for operation in Operation.all(source.client)
                   if operation.err
                   and source.api.path in operation.affected_urls]
    except exceptions.LXDException:
        return ''
    return '; the server says: ' + max(reasons)[1] if reasons else ''


@contextlib.contextmanager
def _request_from_temporary_backup(manager, options, reporter):
    # type: (Any, Dict[str, Any], Reporter) -> Iterator[requests.Response]
    """Provide the response with a backup that is deleted afterwards."""
    backup = manager.create(
        'export-' + random_name()[:12], datetime.datetime.now() + LIFETIME,
        wait=False, **options)
    try:
        backup.operation.wait(progress=reporter)
        yield backup.api.export.get(stream=True)
    finally:
        _delete_temporary_backup(backup)


def _delete_temporary_backup(backup):
    # type: (Model) -> None
    """Delete a backup, also while the server makes it.

    A failure is only logged: the export has its own result.
    """
    try:
        try:
            # backup.delete() would wait until the server has made the backup
            response = backup.api.delete()
        except exceptions.NotFound:
            # Within milliseconds after the request, the operation has not
            # begun to make the backup
            if backup.operation is None or backup.operation.ended:
                return
            backup.operation.await_end()
            response = backup.api.delete()
        operation = Operation.from_response(backup.client, response)
        if operation is not None:
            operation.wait()
    except exceptions.LXDException as error:
        warn('the temporary backup %s was not deleted; the server deletes it '
             'when it expires, after a day: %s', repr(backup), error)
