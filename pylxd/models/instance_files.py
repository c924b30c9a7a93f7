"""The files in an instance or a storage volume."""
from pylxd.models.file_access import check_path, format_mode
from pylxd.models.file_entries import FileEntries, FileStatus
from pylxd.models.file_trees import FileTrees

__all__ = ['FilesManager', 'FileStatus', 'StorageVolumeFiles', 'check_path',
           'format_mode']


class FilesManager(FileEntries, FileTrees):
    """The files of one instance: ``container.files``.

    The instance need not run. Paths are absolute paths in the instance.

    :param client: the `Client` of the instance.
    :param container: the instance.

    Endpoint: ``/1.0/instances/NAME/files``.
    """


class StorageVolumeFiles(FilesManager):
    """The files of one custom storage volume: ``volume.files``.

    Paths begin at the top directory of the volume. All calls need
    ``file_storage_volume``, but for `sftp`, which needs
    ``custom_volume_sftp``.

    :param client: the `Client` of the volume.
    :param container: the volume.

    Endpoint: ``.../volumes/TYPE/NAME/files``.
    """

    extension = 'file_storage_volume'
    sftp_extension = 'custom_volume_sftp'
