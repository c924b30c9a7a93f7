"""Profiles."""
from pylxd.core.attribute import attribute
from pylxd.core.context import check_client
from pylxd.core.manager import Manager
from pylxd.core.saving import Savable
from pylxd.core.verbs import Deletable, Renamable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List, Optional, Tuple
    from pylxd.client import Client


class Profile(Savable, Renamable, Deletable):
    """A profile: config and devices that instances share.

    Endpoint: ``/1.0/profiles/NAME``.
    """

    path = 'profiles'
    all_projects_extension = 'profiles_all_projects'
    synchronous = True

    name = attribute(readonly=True)  # type: str
    config = attribute({str: str})  # type: Dict[str, str]
    description = attribute(str)  # type: str
    devices = attribute({str: {str: str}})  # type: Dict[str, Dict[str, str]]
    project = attribute(readonly=True)  # type: str
    type = attribute(readonly=True)  # type: Optional[str]
    used_by = attribute(list, readonly=True)  # type: List[str]

    def copy(self, name, to=None):
        # type: (str, Optional[Client]) -> Profile
        """Create a profile with the values that this one has on its server.

        :param name: the name of the new profile.
        :param to: a client of another server or project; None copies within
            the project of this profile.
        :return: the new profile.
        :raises TypeError: ``to`` is no client.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken, or a pool or network of the devices is missing.

        Endpoint: ``POST /1.0/profiles`` of the destination.
        """
        if to is None:
            to = self.client
        check_client(to, 'to')
        self.ensure_ready()
        saved = self.client.profiles.get(self.name)
        return to.profiles.create(
            name, saved.config, saved.devices, saved.description)


class Profiles(Manager[Profile]):
    """All profiles: ``client.profiles``."""

    model = Profile
    class_methods = ('create',)  # type: Tuple[str, ...]

    def create(self,
               name,  # type: str
               config=None,  # type: Optional[Dict[str, str]]
               devices=None,  # type: Optional[Dict[str, Dict[str, str]]]
               description=None,  # type: Optional[str]
               wait=False,  # type: bool
               ):
        # type: (...) -> Profile
        """Create a profile.

        :param name: the name of the new profile.
        :param config: the configuration of the profile, a dict of text.
        :param devices: the devices by their names, each a dict of text.
        :param description: a description for people.
        :param wait: ignored: the call always returns when the profile is
            created.
        :raises InvalidName: no server allows that name.
        :raises LXDAPIException: the server refused, as when the name is
            taken.

        Endpoint: ``POST /1.0/profiles``.
        """
        return self._create({
            'name': name, 'config': config or {}, 'devices': devices or {},
            'description': description or ''}, wait)
