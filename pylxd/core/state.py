"""States: the run-time values of an object at one moment."""
from pylxd import exceptions
from pylxd.core import merge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Tuple


class State(object):
    """The state of an object at one moment.

    The fields that the server sent are attributes.
    """

    def __init__(self, state):
        # type: (Dict[str, Any]) -> None
        self.__dict__.update(state)

    def __dir__(self):
        # type: () -> List[str]
        """Return the names of the fields, without those of the methods.

        Old programs print what each of these names has.
        """
        return sorted(self.__dict__)

    def __iter__(self):
        # type: () -> Iterator[Tuple[str, Any]]
        return iter(self.__dict__.items())

    def to_dict(self):
        # type: () -> Dict[str, Any]
        """Return all fields that the server sent, as a copy."""
        copied = merge.copy(self.__dict__)  # type: Dict[str, Any]
        return copied

    def __repr__(self):
        # type: () -> str
        return '<{} {}>'.format(
            type(self).__name__, exceptions.printable(
                self.__dict__.get('status', self.__dict__.get('state'))))
