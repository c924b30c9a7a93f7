"""The files in an instance."""
from pylxd.models.file_access import check_path, format_mode
from pylxd.models.file_entries import FileEntries, FileStatus
from pylxd.models.file_trees import FileTrees

__all__ = ['FilesManager', 'FileStatus', 'check_path', 'format_mode']


class FilesManager(FileEntries, FileTrees):
    """The files of one instance: ``container.files``.

    The instance need not run. Paths are absolute paths in the instance.

    :param client: the `Client` of the instance.
    :param container: the instance.

    Endpoint: ``/1.0/instances/NAME/files``.
    """
