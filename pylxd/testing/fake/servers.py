"""How the servers differ that a stand-in can play: a row for each.

``pylxd.server`` knows what a client must know of that; here is what a server
does, and nothing is shared, so that the one tests the other.
"""
import collections

from pylxd.testing.fake import extensions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, NamedTuple, Tuple
else:
    def NamedTuple(name, fields):
        # type: (str, List[Tuple[str, Any]]) -> Any
        """Stand in for the one of ``typing``, which Python 2.7 lacks."""
        return collections.namedtuple(name, [field for field, _ in fields])

Kind = NamedTuple('Kind', [
    ('server', str),      # environment.server
    ('version', str),     # environment.server_version
    # of the API
    ('extensions', 'List[str]'),
    ('prefix', str),      # of the headers of files and images
    ('title', str),       # what it calls itself in texts
    ('by_type', bool),    # whether /1.0/containers and the like are there
    ('discreet', bool),   # whether strangers are not told the extensions
    ('secret', str),      # the field for what makes a client trusted
    ('passwords', bool),  # whether that may be a password
    ('early', bool),      # whether /wait answers its header at once
    ('wait', bool),       # and what went wrong as an error in the body
    ('twins', bool),      # whether a taken name fails in the background
    # the user that root in a container is, and how many
    ('idmap', 'Tuple[int, int]'),
    ('wordy', bool),      # whether 404s tell what was looked for
    ('project', bool),    # whether objects tell their project
    ('origin', bool),     # whether a websocket of a foreign Origin is refused
    ('bad_event', int),   # the status for an event type that there is not
    ('quotes', int),      # how often a name in a list is quoted; 0 where it
                          # may have no spaces
    ('logs', str),        # where recorded output is, below the instance's logs
    ('measures', bool),   # whether HEAD tells the length of a file
    # whether operations name their object by metadata.entity_url alone, and
    # writes of profiles and networks are operations
    ('modern', bool),
])

KINDS = {
    'lxd-5.0': Kind(
        'lxd', '5.0.2', extensions.LXD_5_0, 'X-LXD-', 'LXD', by_type=True,
        discreet=False, secret='password', passwords=True, early=False,
        wait=False, twins=True, idmap=(100000, 10000001), wordy=False,
        project=False, origin=False, bad_event=500, quotes=2, logs='',
        measures=False, modern=False),
    'lxd-6': Kind(
        'lxd', '6.8', extensions.LXD_6, 'X-LXD-', 'LXD', by_type=False,
        discreet=False, secret='trust_token', passwords=False, early=False,
        wait=False, twins=True, idmap=(100000, 10000001), wordy=False,
        project=True, origin=False, bad_event=500, quotes=2, logs='',
        measures=False, modern=True),
    'incus-6.0': Kind(
        'incus', '6.0.4', extensions.INCUS_6_0, 'X-Incus-', 'Incus',
        by_type=False, discreet=False, secret='trust_token', passwords=False,
        early=True, wait=True, twins=True, idmap=(1000000, 1000000000),
        wordy=True, project=True, origin=False, bad_event=400, quotes=1,
        logs='exec-output/', measures=True, modern=False),
    'incus-7.0': Kind(
        'incus', '7.0.2', extensions.INCUS_7_0, 'X-Incus-', 'Incus',
        by_type=False, discreet=True, secret='trust_token', passwords=False,
        early=True, wait=False, twins=False, idmap=(1000000, 1000000000),
        wordy=True, project=True, origin=True, bad_event=400, quotes=0,
        logs='exec-output/', measures=True, modern=False),
}
