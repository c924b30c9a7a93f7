"""Profiles."""
from pylxd.core import operation
from pylxd.transport import rest
from pylxd.core.manager import Manager
from pylxd.core.model import Named, attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional


class Profile(Named):
    """A set of config and devices that instances share.

    Endpoint: ``/1.0/profiles/NAME``.
    """

    path = 'profiles'

    name = attribute(readonly=True)  # type: str
    config = attribute(dict)  # type: Dict[str, str]
    description = attribute(str)  # type: str
    devices = attribute(dict)  # type: Dict[str, Dict[str, str]]
    project = attribute(readonly=True)  # type: str
    type = attribute(readonly=True)  # type: Optional[str]
    used_by = attribute(readonly=True)  # type: List[str]


class Profiles(Manager[Profile]):
    """All profiles: ``client.profiles``."""

    model = Profile

    def create(self, name, config=None, devices=None, description=None,
               wait=False):
        # type: (str, Any, Any, Optional[str], bool) -> Profile
        """Create one.

        :param config: a dict of text.
        :param devices: a dict of dicts of text, by the device's name.
        :param wait: return when it is there.
        :raises LXDAPIException: the server refused, as when it is there.

        Endpoint: ``POST /1.0/profiles``.
        """
        rest.quote(name)
        request = {'name': name, 'config': config or {},
                   'devices': devices or {}, 'description': description or ''}
        response = self.client.api.profiles.post(json=request)
        operation.begun(self.client, response, wait)
        return self._make(seen={'name': name})
