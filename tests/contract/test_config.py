"""The keys and values of a config that servers accept and refuse.

The stand-in has to answer as servers do, so that a test of a program finds
a misspelt key.
"""
import pytest

from helpers import EMPTY
from pylxd import exceptions

BOOLEAN = 'Invalid value for a boolean "{}"'
INTEGER = 'Invalid value for an integer "{}"'
UNKNOWN = 'Unknown configuration key: {}'


@pytest.mark.parametrize('key, value, message', [
    ('limits.cpuu', '2', UNKNOWN), ('security.nestin', 'true', UNKNOWN),
    ('limits', '1', UNKNOWN), ('raw.none', 'x', UNKNOWN),
    ('snapshots.none', 'x', UNKNOWN), ('cloud-init.data', 'x', UNKNOWN),
    ('limits.cpu', 'two', 'Invalid CPU limit syntax'),
    ('limits.cpu', '1.5', 'Invalid CPU limit syntax'),
    ('limits.cpu.allowance', '50', 'Invalid allowance: 50'),
    ('limits.cpu.allowance', 'x%',
     'strconv.Atoi: parsing "x": invalid syntax'),
    ('limits.cpu.priority', '11',
     'Invalid value for a limit "11". Must be between 0 and 10'),
    ('limits.memory', '1G', 'Invalid value: 1G'),
    ('limits.memory', '1 GB', 'Invalid value: 1 GB'),
    ('limits.memory', '0', "Memory limit can't be 0"),
    ('limits.memory', 'x%', 'strconv.ParseInt: parsing "x": invalid syntax'),
    ('limits.memory.enforce', 'x', 'Invalid value "x" (not one of [soft '
     'hard])'),
    ('limits.processes', 'x', INTEGER.format('x')),
    ('boot.autostart.delay', '1.5', INTEGER.format('1.5')),
    ('security.nesting', 'maybe', BOOLEAN.format('maybe')),
    ('security.privileged', '2', BOOLEAN.format('2')),
    ('security.idmap.size', 'x', 'Invalid value for uint32 "x": '
     'strconv.ParseUint: parsing "x": invalid syntax')])
def test_a_wrong_key_or_value(lxd_client, name, key, value, message):
    """The message is the same wherever the config is sent to."""
    message = message.format(key)
    container = lxd_client.containers.create(
        {'name': name + '-c', 'source': EMPTY}, wait=True)
    profile = lxd_client.profiles.create(name + '-p')
    container.config[key] = profile.config[key] = value
    for call, prefix in [
            (lambda: lxd_client.containers.create(
                {'name': name, 'source': EMPTY, 'config': {key: value}},
                wait=True), 'Failed creating instance record: '),
            (lambda: container.save(wait=True), 'Invalid config: '),
            (lambda: lxd_client.profiles.create(name, {key: value}), ''),
            (profile.save, '')]:
        with pytest.raises(exceptions.LXDAPIException) as caught:
            call()
        assert caught.value.message.startswith(prefix + message)
    assert not lxd_client.profiles.exists(name)


def test_right_keys_and_values(lxd_client, name):
    config = {
        'boot.autostart': 'true', 'boot.autostart.delay': '+5',
        'boot.autostart.priority': '-1', 'environment.A': 'b',
        'limits.cpu': '0-1,3', 'limits.cpu.allowance': '25ms/100ms',
        'limits.cpu.priority': '10', 'limits.memory': '512MiB',
        'limits.memory.enforce': 'soft', 'limits.memory.swap': 'false',
        'limits.processes': '100', 'linux.kernel_modules': 'a,b',
        'security.idmap.isolated': 'On', 'security.nesting': 'YES',
        'security.privileged': '0', 'security.syscalls.deny_default': '1',
        'snapshots.schedule': '@daily', 'snapshots.expiry': '1d',
        'user.': '', 'user.a': 'b', 'user.user-data': '#cloud-config',
        'cloud-init.user-data': '#cloud-config'}
    profile = lxd_client.profiles.create(name, config)
    container = lxd_client.containers.create(
        {'name': name, 'source': EMPTY, 'config': config}, wait=True)
    del config['user.']  # servers drop empty values
    profile.sync()
    assert profile.config == config
    container.sync()
    assert set(config) <= set(container.config)
    for memory in '50%', '1B', '1 bytes', '128', '1kB', '1GB', '2GiB':
        profile.config['limits.memory'] = memory
        profile.save()


def test_keys_of_other_objects(lxd_client, name):
    """A profile has keys of virtual machines; a container does not."""
    for key in 'image.os', 'volatile.eth0.hwaddr':
        with pytest.raises(exceptions.LXDAPIException) as caught:
            lxd_client.profiles.create(name, {key: 'x'})
        assert caught.value.message == (
            '{} keys can only be set on instances'.format(
                key.partition('.')[0].capitalize()))
    config = {'security.secureboot': 'false'}
    lxd_client.profiles.create(name, config)
    with pytest.raises(exceptions.LXDAPIException) as caught:
        lxd_client.containers.create(
            {'name': name, 'source': EMPTY, 'config': config}, wait=True)
    assert UNKNOWN.format('security.secureboot') in caught.value.message
