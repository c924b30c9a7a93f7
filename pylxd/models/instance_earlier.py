"""Methods of instances under their names in pylxd 2.0."""
from pylxd.core.deprecated import deprecated
from pylxd.core.model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List


class EarlierNames(Model):
    """The part of the model of instances that has its old names.

    Each calls the method that its warning names.
    """

    if TYPE_CHECKING:
        files = None  # type: Any
        snapshots = None  # type: Any

    @deprecated('sync()')
    def reload(self):
        # type: () -> None
        """Load the instance again."""
        self.sync()

    @deprecated('snapshots.create()')
    def snapshot(self, name, stateful=False, wait=False):
        # type: (str, bool, bool) -> Any
        """Take a snapshot."""
        return self.snapshots.create(name, stateful, wait)

    @deprecated('snapshots.all()')
    def list_snapshots(self):
        # type: () -> List[str]
        """Return the names of the snapshots."""
        return [each.name for each in self.snapshots.all()]

    @deprecated('snapshots.get(old).rename(new)')
    def rename_snapshot(self, old, new, wait=False):
        # type: (str, str, bool) -> None
        """Rename a snapshot."""
        self.snapshots.get(old).rename(new, wait)

    @deprecated('snapshots.get(name).delete()')
    def delete_snapshot(self, name, wait=False):
        # type: (str, bool) -> None
        """Delete a snapshot."""
        self.snapshots.get(name).delete(wait)

    @deprecated('files.get()')
    def get_file(self, filepath):
        # type: (str) -> bytes
        """Read a file."""
        data = self.files.get(filepath)  # type: bytes
        return data

    @deprecated('files.put()')
    def put_file(self, filepath, data):
        # type: (str, Any) -> Any
        """Write a file."""
        return self.files.put(filepath, data)
