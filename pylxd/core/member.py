"""Objects that each member of a cluster has for itself."""
from pylxd.core.document import Document
from pylxd.core.manager import M, Manager
from pylxd.core.model import Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional, Tuple, Type, TypeVar
    from pylxd.core.listing import Listing
    from pylxd.core.progress import ProgressArgument
    T = TypeVar('T', bound='OfMember')

#: Values of ``location`` that name no member: the object is of all members
#: (Ceph), or the server is in no cluster.
NO_MEMBER = (None, '', 'none')


class OfMember(Model):
    """A model whose objects belong to a member of a cluster.

    Several members may have an object of the same name, and servers refuse a
    request that does not say which is meant. The client of each object
    therefore has its member as the target.
    """

    @classmethod
    def from_key(cls,  # type: Type[T]
                 parent,  # type: Any
                 key,  # type: Tuple[Any, ...]
                 document=None,  # type: Optional[Document]
                 listing=None,  # type: Optional[Listing]
                 ):
        # type: (...) -> T
        """Return the object with a key; see `Model.from_key`."""
        location = document.representation.get(
            'location') if document else None
        if location not in NO_MEMBER and parent.client.target is None:
            parent = parent.with_client(parent.client.use_target(location))
        return super(OfMember, cls).from_key(parent, key, document, listing)

    @property
    def _identity(self):
        # type: () -> Tuple[Any, ...]
        return super(OfMember, self)._identity + (self.client.target,)


class MemberManager(Manager[M]):
    """The base class of the managers of such objects."""

    def _create(self, body, wait=False, target=None, progress=None):
        # type: (Dict[str, Any], bool, Optional[str], ProgressArgument) -> M
        return self.locate(super(MemberManager, self)._create(
            body, wait, target, progress), target)

    def locate(self, created, target=None):
        # type: (M, Optional[str]) -> M
        """Return a new object with its member as the target.

        :param target: the member that was asked to create the object.
        """
        environment = self.client.dialect.environment
        if not environment.get('server_clustered') or self.client.target:
            return created
        pool = self.parent  # type: Any
        parent = pool.with_client(
            self.client.use_target(target or environment['server_name']))
        key = tuple(getattr(created, name) for name in self.model.key_names)
        representation, etag = self.model.from_key(
            parent, key).fetch_representation()
        located = self.model.from_key(self.parent, key, Document(
            representation, etag, complete=True))  # type: M
        located.operation = created.operation
        return located
