"""The keys and values of the config of instances and profiles.

All that is here was seen with LXD 5.0.2, Incus 6.0.4 and Incus 7.0.2, except
for the keys of LXD 6. Values that only few programs set are not checked.
"""
from __future__ import unicode_literals

import re

from pylxd.testing.fake.daemon import APIError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Tuple
    from pylxd.testing.fake.daemon import Daemon
    Check = Callable[[str], Optional[str]]


def _boolean(value):
    # type: (str) -> Optional[str]
    if value.lower() in (
            'true', 'false', '0', '1', 'yes', 'no', 'on', 'off'):
        return None
    return 'Invalid value for a boolean "{}"'.format(value)


def _integer(value):
    # type: (str) -> Optional[str]
    if re.match(r'[-+]?[0-9]{1,18}$', value):
        return None
    return 'Invalid value for an integer "{}"'.format(value)


def _unsigned(value):
    # type: (str) -> Optional[str]
    if re.match(r'[0-9]{1,9}$', value):
        return None
    return ('Invalid value for uint32 "{0}": strconv.ParseUint: parsing '
            '"{0}": invalid syntax'.format(value))


def _priority(value):
    # type: (str) -> Optional[str]
    if _integer(value):
        return _integer(value)
    if 0 <= int(value) <= 10:
        return None
    return ('Invalid value for a limit "{}". Must be between 0 and 10'
            .format(value))


def _number(value, function):
    # type: (str, str) -> Optional[str]
    """A number before a unit; its error is that of a function of Go."""
    if re.match('[-+]?[0-9]+$', value):
        return None
    return 'strconv.{}: parsing "{}": invalid syntax'.format(function, value)


def _size(value):
    # type: (str) -> Optional[str]
    if re.match('[0-9]+(B|kB|[MGTPE]B|[KMGTPE]iB| bytes)?$', value):
        return None
    return 'Invalid value: ' + value


def _memory(value):
    # type: (str) -> Optional[str]
    if value.endswith('%'):
        return _number(value[:-1], 'ParseInt') or (
            "Memory limit can't be 0%" if value == '0%' else None)
    return _size(value) or (
        None if re.match('0*[1-9]', value) else "Memory limit can't be 0")


def _processors(value):
    # type: (str) -> Optional[str]
    if re.match(r'[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$', value):
        return None
    return 'Invalid CPU limit syntax'


def _allowance(value):
    # type: (str) -> Optional[str]
    if value.endswith('%'):
        return _number(value[:-1], 'Atoi')
    parts = value.split('/')
    if len(parts) != 2:
        return 'Invalid allowance: ' + value
    return next(filter(None, (_number(
        re.sub('ms$', '', part), 'Atoi') for part in parts)), None)


def _one_of(*values):
    # type: (*str) -> Check
    return lambda value: None if value in values else (
        'Invalid value "{}" (not one of [{}])'.format(value, ' '.join(values)))


def _nothing(value):
    # type: (str) -> Optional[str]
    return None


#: Expressions for keys, the check of their values, and who has them:
#: ``lxd`` or ``incus``, ``later`` and ``lxd later`` for all but LXD 5.0,
#: ``vm`` for virtual machines (and so for profiles), otherwise everybody.
_KEYS = [
    (re.compile('(' + key + ')$', re.S), check, who) for key, check, who in [
        (r'(environment|image|limits\.kernel|linux\.sysctl|user|volatile)\..*',
         _nothing, ''),
        (r'cloud-init\.(network-config|user-data|vendor-data)|'
         r'cluster\.evacuate|linux\.kernel_modules|'
         r'nvidia\.(driver\.capabilities|require\.(cuda|driver))|'
         r'raw\.(apparmor|idmap|lxc|seccomp)|security\.syscalls\.(allow|deny|'
         r'blacklist|whitelist|intercept\.(bpf\.devices|mount\.(allowed|'
         r'fuse)))|snapshots\.(expiry|pattern|schedule)', _nothing, ''),
        (r'boot\.autostart|migration\.incremental\.memory|nvidia\.runtime|'
         r'security\.(idmap\.isolated|nesting|privileged|'
         r'protection\.(delete|shift)|syscalls\.((blacklist|deny)_(compat|'
         r'default)|intercept\.(bpf|mknod|mount|mount\.shift|setxattr|'
         r'sched_setscheduler)))|snapshots\.schedule\.stopped', _boolean, ''),
        (r'boot\.(autostart\.(delay|priority)|host_shutdown_timeout|'
         r'stop\.priority)|limits\.processes', _integer, ''),
        (r'migration\.incremental\.memory\.(goal|iterations)|'
         r'security\.idmap\.(base|size)', _unsigned, ''),
        (r'limits\.(cpu|disk|memory\.swap)\.priority', _priority, ''),
        (r'limits\.cpu', _processors, ''),
        (r'limits\.cpu\.allowance', _allowance, ''),
        (r'limits\.memory', _memory, ''),
        (r'limits\.memory\.enforce', _one_of('soft', 'hard'), ''),
        (r'limits\.hugepages\.(64KB|1MB|2MB|1GB)', _size, ''),
        (r'limits\.network\.priority', _priority, 'lxd'),
        (r'security\.devlxd(\.images)?', _boolean, 'lxd'),
        (r'security\.guestapi(\.images)?|boot\.autorestart|'
         r'migration\.stateful', _boolean, 'incus'),
        (r'limits\.memory\.swap', _boolean, 'lxd'),
        (r'limits\.memory\.swap', _nothing, 'incus'),
        (r'boot\.host_shutdown_action|limits\.cpu\.nodes', _nothing, 'later'),
        (r'cloud-init\.ssh-keys\..+', _nothing, 'lxd later'),
        (r'security\.syscalls\.intercept\.sysinfo', _boolean, 'later'),
        (r'agent\.nic_config|limits\.memory\.hugepages|migration\.stateful|'
         r'security\.secureboot', _boolean, 'vm'),
        (r'raw\.qemu(\.conf)?', _nothing, 'vm')]
]  # type: List[Tuple[Any, Check, str]]


def check_config(daemon, config, profile=False):
    # type: (Daemon, Dict[str, str], bool) -> None
    """Refuse what no instance may be configured to.

    :param profile: whether it is the config of a profile
    """
    has = {'', daemon.kind.server}
    if daemon.kind.version >= '6':
        has |= {'later', daemon.kind.server + ' later'}
    if profile:
        has.add('vm')
    for key, value in config.items():
        checks = [check for expression, check, who in _KEYS
                  if who in has and expression.match(key)]
        if profile and key.startswith(('image.', 'volatile.')):
            problem = '{} keys can only be set on instances'.format(
                key.partition('.')[0].capitalize())  # type: Optional[str]
        elif not checks:
            problem = 'Unknown configuration key: ' + key
        else:
            problem = checks[0](value) if value else None
        if key == 'limits.cpu' and daemon.kind.server == 'incus' and (
                re.match('0+$', value)):
            problem = 'Invalid cpuset value: ' + value
        if problem:
            raise APIError(500, problem)
