"""What is small: the server, operations, events, profiles, networks,
certificates, the storage pool and the project."""
import base64
import binascii
import hashlib
import json
import os
import random
import re
import ssl

from six.moves.urllib import parse

from pylxd.testing.fake import golang, instances
from pylxd.testing.fake.daemon import APIError, Project, random_hex
from pylxd.testing.fake.web import (
    Early, Upgrade, created, envelope, route, sync)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List
    from pylxd.testing.fake.daemon import Daemon
    from pylxd.testing.fake.web import Request, Socket


# The server

@route('GET', '/', public=True)
def get_versions(request):
    # type: (Request) -> Any
    """List the versions of the API."""
    return ['/1.0']


def _config(daemon):
    # type: (Daemon) -> Dict[str, Any]
    config = dict(daemon.config)  # type: Dict[str, Any]
    if daemon.listens:
        config['core.https_address'] = daemon.address
    if daemon.password:
        config['core.trust_password'] = True
    return config


@route('GET', '/1.0', public=True)
def get_server(request):
    # type: (Request) -> Any
    """Show the server, as much as the client may see."""
    daemon, kind = request.daemon, request.daemon.kind
    info = {'api_extensions': daemon.extensions, 'api_status': 'stable',
            'api_version': '1.0', 'auth': 'untrusted', 'public': False,
            'auth_methods': ['tls']}  # type: Dict[str, Any]
    if not request.trusted:
        if kind.discreet:
            info['api_extensions'] = None
        return sync(info)
    system = os.uname()
    der = ssl.PEM_cert_to_DER_cert(daemon.certificate)
    info.update(auth='trusted', config=_config(daemon), environment={
        'addresses': [daemon.address] if daemon.listens else [],
        'architectures': ['x86_64', 'i686'],
        'certificate': daemon.certificate,
        'certificate_fingerprint': hashlib.sha256(der).hexdigest(),
        'driver': 'lxc', 'driver_version': kind.version,
        'firewall': 'nftables', 'kernel': system[0],
        'kernel_architecture': system[4], 'kernel_features': {},
        'kernel_version': system[2], 'lxc_features': {},
        'os_name': 'Debian GNU/Linux', 'os_version': '12',
        'project': 'default', 'server': kind.server,
        'server_clustered': False, 'server_event_mode': 'full-mesh',
        'server_name': system[1], 'server_pid': os.getpid(),
        'server_version': kind.version, 'storage': 'dir',
        'storage_version': '1', 'storage_supported_drivers': [
            {'Name': 'dir', 'Version': '1', 'Remote': False}]})
    return sync(info, etag=_config(daemon))


@route('PUT', '/1.0')
@route('PATCH', '/1.0')
def put_server(request):
    # type: (Request) -> Any
    """Change the configuration of the server; not where it listens."""
    daemon = request.daemon
    request.match(_config(daemon))
    config = request.json('ServerPut', 'config:j')['config'] or {}
    for key, value in config.items():
        if not re.match(
                r'(user|images|cluster|backups|storage|rbac|maas|candid|loki|'
                r'instances|acme|oidc)\.|core\.(https|trust|proxy|debug|'
                r'metrics|bgp|dns|shutdown|storage|syslog|remote)', key):
            raise APIError(400, "cannot set '{}' to '{}': unknown key".format(
                key, value))
    if 'core.https_address' in config or request.method == 'PUT':
        daemon.listens = bool(config.get('core.https_address'))
    if config.get('core.trust_password') not in (None, True):
        daemon.password = config['core.trust_password']
    kept = daemon.config if request.method == 'PATCH' else {}
    daemon.config = {key: value for key, value in dict(kept, **config).items()
                     if value not in (None, '') and key not in (
                         'core.https_address', 'core.trust_password')}
    daemon.lifecycle('config-updated', '/1.0', request.requestor)
    return {}


# Operations and events

@route('GET', '/1.0/operations')
def list_operations(request):
    # type: (Request) -> Any
    """List operations by their status."""
    daemon = request.daemon
    daemon.purge()
    result = {}  # type: Dict[str, List[Any]]
    for operation in list(daemon.operations.values()):
        result.setdefault(operation.status.lower(), []).append(
            operation.render() if request.recursion() else operation.path)
    return result


@route('GET', '/1.0/operations/{}')
def get_operation(request, identifier):
    # type: (Request, str) -> Any
    """Show an operation."""
    return request.daemon.find_operation(identifier).render()


@route('DELETE', '/1.0/operations/{}')
def cancel_operation(request, identifier):
    # type: (Request, str) -> Any
    """Cancel an operation."""
    request.daemon.find_operation(identifier).cancel()
    return {}


@route('GET', '/1.0/operations/{}/wait', public=True)
def wait_for_operation(request, identifier):
    # type: (Request, str) -> Any
    """Wait until an operation has ended."""
    operation = request.daemon.find_operation(identifier)
    if not request.trusted and (
            request.query.get('secret') not in operation.secrets.values()):
        raise APIError(403, 'not authorized')
    timeout = request.query.get('timeout', '-1')
    if not re.match('-?[0-9]+$', timeout):
        raise APIError(500, 'strconv.Atoi: parsing "{}": invalid syntax'
                       .format(timeout))

    def answer():
        # type: () -> bytes
        operation.wait(int(timeout))
        if not operation.ended:
            return envelope('error', error_code=500,
                            error='context deadline exceeded')
        if operation.error:
            return envelope('error', error_code=operation.code,
                            error=operation.error)
        return envelope('sync', metadata=operation.render())
    if request.daemon.kind.wait:
        return Early(answer)
    operation.wait(int(timeout))
    return operation.render()


@route('GET', '/1.0/events')
def listen(request):
    # type: (Request) -> Any
    """Send events from now on."""
    daemon = request.daemon
    known = ['logging', 'operation', 'lifecycle']
    types = request.query.get('type', '')
    types = types.split(',') if types else known
    for type_ in types:
        if type_ not in known:
            raise APIError(daemon.kind.bad_event, '"{}" isn\'t a supported '
                           'event type'.format(type_))

    def connected(websocket):
        # type: (Socket) -> None
        websocket.types = types
        websocket.gone = lambda: daemon.forget(websocket)
        daemon.listeners.append(websocket)
    return Upgrade(connected)


# Profiles

def _profile_path(daemon, name):
    # type: (Daemon, str) -> str
    for _ in range(daemon.kind.quotes or 1):
        name = parse.quote(name.encode('utf-8'), '')
    return '/1.0/profiles/' + name + (
        daemon.suffix if 'profiles' in daemon.__dict__ else '')


def _find_profile(daemon, name, text):
    # type: (Daemon, str, str) -> Dict[str, Any]
    try:
        return daemon.profiles[name]
    except KeyError:
        raise APIError(404, text.format(name) + 'Profile not found')


def _render_profile(daemon, name):
    # type: (Daemon, str) -> Dict[str, Any]
    profile = dict(daemon.profiles[name], name=name)
    if daemon.has('profile_usedby'):
        profile['used_by'] = [
            instance.path for instance in daemon.instances.values()
            if name in instance.profiles]
    if daemon.kind.project:
        profile['project'] = 'default'
    return profile


@route('GET', '/1.0/profiles')
def list_profiles(request):
    # type: (Request) -> Any
    """List profiles."""
    daemon = request.daemon
    with daemon.lock:
        return [_render_profile(daemon, name) if request.recursion()
                else _profile_path(daemon, name)
                for name in sorted(daemon.profiles)]


def _check_profile_name(daemon, name):
    # type: (Daemon, str) -> None
    if not name:
        raise APIError(400, 'No name provided')
    if '/' in name:
        raise APIError(400, 'Profile names may not contain slashes')
    if name in ('.', '..'):
        raise APIError(400, 'Invalid profile name "{}"'.format(name))
    if ' ' in name and not daemon.kind.quotes:
        raise APIError(400, 'Invalid profile name: Name cannot contain white '
                       'space')


@route('POST', '/1.0/profiles')
def create_profile(request):
    # type: (Request) -> Any
    """Make a profile."""
    daemon = request.daemon
    body = request.json('ProfilesPost',
                        'name:s config:m devices:d description:s')
    name = body.pop('name')
    _check_profile_name(daemon, name)
    try:
        instances.check_config(body['config'] or {}, True)
        instances.check_devices(daemon, body['devices'] or {})
    except APIError as error:
        raise APIError(400, str(error))
    with daemon.lock:
        if name in daemon.profiles:
            raise APIError(500, 'Error inserting "{}" into database: The '
                           'profile already exists'.format(name))
        daemon.profiles[name] = {
            'config': body['config'] or {}, 'devices': body['devices'] or {},
            'description': body['description']}
    path = _profile_path(daemon, name)
    daemon.lifecycle('profile-created', path, request.requestor)
    return created(path)


@route('GET', '/1.0/profiles/{}')
def get_profile(request, name):
    # type: (Request, str) -> Any
    """Show a profile."""
    profile = _find_profile(request.daemon, name, 'Fetch profile: ')
    return sync(_render_profile(request.daemon, name), etag=profile)


@route('PUT', '/1.0/profiles/{}')
@route('PATCH', '/1.0/profiles/{}')
def put_profile(request, name):
    # type: (Request, str) -> Any
    """Change a profile."""
    daemon = request.daemon
    profile = _find_profile(daemon, name, 'Failed to retrieve profile "{}": ')
    request.match(profile)
    body = request.json('ProfilePut', 'config:m devices:d description:s')
    with daemon.lock:
        for field in ('config', 'devices'):
            kept = profile[field] if request.method == 'PATCH' else {}
            body[field] = dict(kept, **(body[field] or {}))
        instances.check_config(body['config'], True)
        instances.check_devices(daemon, body['devices'])
        if request.method == 'PATCH' and not body['description']:
            body['description'] = profile['description']
        profile.update(body)
    daemon.lifecycle('profile-updated', _profile_path(daemon, name),
                     request.requestor)
    return {}


@route('POST', '/1.0/profiles/{}')
def rename_profile(request, name):
    # type: (Request, str) -> Any
    """Rename a profile."""
    daemon = request.daemon
    new = request.json('ProfilePost', 'name:s')['name']
    if name == 'default':
        raise APIError(403, 'The "default" profile cannot be renamed')
    _check_profile_name(daemon, new)
    with daemon.lock:
        if new in daemon.profiles:
            raise APIError(500, (
                'Profile "{}" already exists' if daemon.kind.wordy else
                'Name "{}" already in use').format(new))
        if name not in daemon.profiles:
            raise APIError(500, 'Query affected 0 rows instead of 1')
        daemon.profiles[new] = daemon.profiles.pop(name)
        for instance in daemon.instances.values():
            instance.profiles = [new if one == name else one
                                 for one in instance.profiles]
    path = _profile_path(daemon, new)
    daemon.lifecycle('profile-renamed', path, request.requestor,
                     old_name=name)
    return created(path)


@route('DELETE', '/1.0/profiles/{}')
def delete_profile(request, name):
    # type: (Request, str) -> Any
    """Remove a profile."""
    daemon = request.daemon
    if name == 'default':
        raise APIError(403, 'The "default" profile cannot be deleted')
    _find_profile(daemon, name, '')
    with daemon.lock:
        if any(name in instance.profiles
               for instance in daemon.instances.values()):
            raise APIError(500, 'Profile is currently in use')
        del daemon.profiles[name]
    daemon.lifecycle('profile-deleted', _profile_path(daemon, name),
                     request.requestor)
    return {}


# Networks

_LOOPBACK = {'config': {}, 'description': '', 'type': 'loopback',
             'managed': False, 'status': '', 'locations': None}
_NETWORK_KEYS = re.compile(
    r'(user|ipv4|ipv6|dns|bridge|raw|fan|tunnel|security|bgp|limits|maas)\.')


def _managed(request, name):
    # type: (Request, str) -> Dict[str, Any]
    """A network that can be changed."""
    if not request.daemon.has('network'):
        raise APIError(501, 'not implemented')
    try:
        return request.daemon.networks[name]
    except KeyError:
        raise APIError(404, 'Failed loading network: Network not found')


def _network_users(daemon, name):
    # type: (Daemon, str) -> List[str]
    def uses(devices):
        # type: (Any) -> bool
        return any(device['type'] == 'nic' and name in (
            device.get('network'), device.get('parent'))
            for device in devices.values())
    return [instance.path for instance in daemon.instances.values()
            if uses(instance.expanded('devices'))] + [
        _profile_path(daemon, profile) for profile in daemon.profiles
        if uses(daemon.profiles[profile]['devices'])]


def _render_network(daemon, name):
    # type: (Daemon, str) -> Dict[str, Any]
    network = dict(daemon.networks.get(name) or _LOOPBACK, name=name)
    network['used_by'] = _network_users(daemon, name) or (
        None if network['managed'] and not daemon.kind.project else [])
    if daemon.kind.project:
        network['project'] = 'default'
    if not daemon.has('network'):
        return {key: network[key] for key in ('name', 'type', 'used_by')}
    return network


@route('GET', '/1.0/networks')
def list_networks(request):
    # type: (Request) -> Any
    """List networks: its own, and the host's loopback."""
    daemon = request.daemon
    with daemon.lock:
        return [_render_network(daemon, name) if request.recursion()
                else '/1.0/networks/' + name
                for name in sorted(daemon.networks) + ['lo']]


@route('POST', '/1.0/networks')
def create_network(request):
    # type: (Request) -> Any
    """Pretend to make a bridge."""
    daemon = request.daemon
    if not daemon.has('network'):
        raise APIError(501, 'not implemented')
    body = request.json('NetworksPost',
                        'name:s type:s config:m description:s')
    name = body['name']
    problem = (
        'No name provided' if not name else
        'Unknown driver' if body['type'] not in ('', 'bridge') else
        'The network already exists' if name in daemon.networks else
        'Network interface is too long (maximum 15 characters)'
        if len(name) > 15 else
        'Network interface contains invalid characters'
        if not re.match(r'[-\w.]+$', name) else '')
    if problem:
        raise APIError(400, problem)
    if name == 'lo':
        raise APIError(500, 'Network interface "lo" already exists')
    config = body['config'] or {}
    _check_network(name, config, 500)
    if 'ipv4.address' not in config:
        config.update({'ipv4.address': '10.{}.{}.1/24'.format(
            random.randrange(256), random.randrange(256)),
            'ipv4.nat': 'true'})
    config.setdefault('ipv6.address', 'none')
    daemon.networks[name] = {
        'config': config, 'description': body['description'],
        'type': 'bridge', 'managed': True, 'status': 'Created',
        'locations': ['none']}
    path = '/1.0/networks/' + name
    daemon.lifecycle('network-created', path, request.requestor)
    return created(path)


def _check_network(name, config, status):
    # type: (str, Dict[str, str], int) -> None
    for key, value in config.items():
        if not _NETWORK_KEYS.match(key):
            raise APIError(status, 'Invalid option for network "{}" option '
                           '"{}"'.format(name, key))
        if key.endswith('.address') and value not in ('', 'none', 'auto') and (
                not re.match(r'[0-9a-f.:]+/[0-9]+$', value)):
            raise APIError(500, 'Invalid value for network "{}" option "{}": '
                           'invalid CIDR address: {}'.format(
                               name, key, value))


@route('GET', '/1.0/networks/{}')
def get_network(request, name):
    # type: (Request, str) -> Any
    """Show a network."""
    daemon = request.daemon
    if name != 'lo' and name not in daemon.networks:
        raise APIError(404, 'Network not found')
    network = daemon.networks.get(name) or _LOOPBACK
    return sync(_render_network(daemon, name), etag=[
        name, network['managed'], network['type'], network['description'],
        network['config']])


@route('GET', '/1.0/networks/{}/state')
def get_network_state(request, name):
    # type: (Request, str) -> Any
    """Show the state of a network."""
    network = request.daemon.networks.get(name)
    if name != 'lo' and network is None:
        raise APIError(404, 'Network interface "{}" not found'.format(name))
    address = network['config'].get('ipv4.address', '') if network else (
        '127.0.0.1/8')
    return {
        'addresses': [{
            'family': 'inet', 'address': address.split('/')[0],
            'netmask': address.split('/')[1],
            'scope': 'global' if network else 'local'}]
        if '/' in address else [],
        'counters': {'bytes_received': 0, 'bytes_sent': 0,
                     'packets_received': 0, 'packets_sent': 0},
        'hwaddr': '00:16:3e:00:00:01' if network else '',
        'mtu': 1500 if network else 65536, 'state': 'up',
        'type': 'broadcast' if network else 'loopback', 'bond': None,
        'bridge': None, 'vlan': None, 'ovn': None}


@route('PUT', '/1.0/networks/{}')
@route('PATCH', '/1.0/networks/{}')
def put_network(request, name):
    # type: (Request, str) -> Any
    """Change a network."""
    network = _managed(request, name)
    request.match([name, True, 'bridge', network['description'],
                   network['config']])
    body = request.json('NetworkPut', 'config:m description:s')
    config = body['config'] or {}
    if request.method == 'PATCH':
        config = dict(network['config'], **config)
    _check_network(name, config, 400)
    network.update(config=config, description=body['description'])
    request.daemon.lifecycle('network-updated', '/1.0/networks/' + name,
                             request.requestor)
    return {}


@route('POST', '/1.0/networks/{}')
def rename_network(request, name):
    # type: (Request, str) -> Any
    """Rename a network."""
    daemon = request.daemon
    _managed(request, name)
    new = request.json('NetworkPost', 'name:s')['name']
    if not new:
        raise APIError(400, 'New network name not provided')
    if _network_users(daemon, name):
        raise APIError(400, 'Network is currently in use')
    if new == 'lo' or new in daemon.networks:
        raise APIError(
            500, 'Network interface "{}" already exists'.format(new))
    daemon.networks[new] = daemon.networks.pop(name)
    path = '/1.0/networks/' + new
    daemon.lifecycle('network-renamed', path, request.requestor,
                     old_name=name)
    return created(path)


@route('DELETE', '/1.0/networks/{}')
def delete_network(request, name):
    # type: (Request, str) -> Any
    """Remove a network."""
    daemon = request.daemon
    _managed(request, name)
    if _network_users(daemon, name):
        raise APIError(400, 'The network is currently in use')
    del daemon.networks[name]
    daemon.lifecycle('network-deleted', '/1.0/networks/' + name,
                     request.requestor)
    return {}


# Certificates

def _find_certificate(daemon, fingerprint):
    # type: (Daemon, str) -> Dict[str, Any]
    found = [certificate for name, certificate in daemon.certificates.items()
             if name.startswith(fingerprint)]
    if len(found) != 1:
        raise APIError(404, 'Certificate not found')
    return found[0]


@route('GET', '/1.0/certificates')
def list_certificates(request):
    # type: (Request) -> Any
    """List the certificates of trusted clients."""
    daemon = request.daemon
    if request.recursion():
        return list(daemon.certificates.values())
    return ['/1.0/certificates/' + name for name in daemon.certificates]


@route('POST', '/1.0/certificates', public=True)
def create_certificate(request):
    # type: (Request) -> Any
    """Trust a client, or make a token for one."""
    daemon = request.daemon
    body = request.json('CertificatesPost', (
        'name:s type:s certificate:s password:s trust_token:s token:b '
        'restricted:b projects:l'))
    name = body['name']
    if not request.trusted:
        token = _take_token(daemon, body[daemon.kind.secret])
        if token:
            body.update(token['request'], certificate=body['certificate'])
            name = body['name']
        elif not (daemon.kind.passwords and daemon.password
                  and body['password'] == daemon.password):
            raise APIError(403, 'not authorized')
    elif body['token'] and not daemon.listens:
        raise APIError(400, "Can't issue token when server isn't listening "
                       "on network")
    elif body['token']:
        return _make_token(request, body)
    elif not body['certificate']:
        raise APIError(400, 'Client is already trusted')
    if body['type'] not in ('client', 'metrics'):
        raise APIError(400, 'Invalid certificate type')
    der = request.certificate
    if body['certificate']:
        try:
            der = base64.b64decode(body['certificate'])
            if len(body['certificate']) % 4:
                raise ValueError
        except (ValueError, TypeError, binascii.Error):
            raise APIError(400, 'illegal base64 data at input byte 0')
        if der[:1] != b'0':
            raise APIError(400, 'Invalid certificate material: x509: '
                           'malformed certificate')
    if not der:
        raise APIError(400, 'No client certificate provided')
    fingerprint = hashlib.sha256(der).hexdigest()
    if fingerprint in daemon.certificates:
        raise APIError(409, 'Certificate already in trust store')
    daemon.certificates[fingerprint] = {
        'name': name or '127.0.0.1', 'type': body['type'],
        'restricted': body['restricted'], 'projects': body['projects'] or [],
        'certificate': ssl.DER_cert_to_PEM_cert(der),
        'fingerprint': fingerprint}
    path = '/1.0/certificates/' + fingerprint
    daemon.lifecycle('certificate-created', path, request.requestor)
    return created(path)


def _make_token(request, body):
    # type: (Request, Dict[str, Any]) -> Any
    daemon = request.daemon
    asked = {key: body[key] for key in (
        'name', 'type', 'restricted', 'certificate', 'token')}
    asked.update({'projects': body['projects'] or [], daemon.kind.secret: ''})
    der = ssl.PEM_cert_to_DER_cert(daemon.certificate)
    return request.operation('Executing operation', None, metadata={
        'addresses': [daemon.address], 'request': asked,
        'fingerprint': hashlib.sha256(der).hexdigest(),
        'secret': random_hex()})


def _take_token(daemon, text):
    # type: (Daemon, str) -> Any
    """What was said when the token was made, if it is one; only once."""
    try:
        secret = golang.loads(base64.b64decode(text))['secret']
    except (ValueError, TypeError, KeyError):
        return None
    for operation in list(daemon.operations.values()):
        if not operation.ended and operation.class_ == 'token' and (
                operation.metadata.get('secret') == secret):
            operation.cancel()
            return operation.metadata
    return None


@route('GET', '/1.0/certificates/{}')
def get_certificate(request, fingerprint):
    # type: (Request, str) -> Any
    """Show a certificate."""
    certificate = _find_certificate(request.daemon, fingerprint)
    return sync(certificate, etag=certificate)


@route('PUT', '/1.0/certificates/{}')
@route('PATCH', '/1.0/certificates/{}')
def put_certificate(request, fingerprint):
    # type: (Request, str) -> Any
    """Change what is said of a certificate."""
    certificate = _find_certificate(request.daemon, fingerprint)
    request.match(certificate)
    request.json('CertificatePut', 'name:s type:s restricted:b projects:l')
    given = json.loads(request.text.decode('utf-8'))
    for key in ('name', 'type', 'restricted', 'projects'):
        if key in given:
            certificate[key] = given[key]
    request.daemon.lifecycle(
        'certificate-updated',
        '/1.0/certificates/' + certificate['fingerprint'], request.requestor)
    return {}


@route('DELETE', '/1.0/certificates/{}')
def delete_certificate(request, fingerprint):
    # type: (Request, str) -> Any
    """Trust a client no more."""
    found = _find_certificate(request.daemon, fingerprint)['fingerprint']
    del request.daemon.certificates[found]
    request.daemon.lifecycle('certificate-deleted',
                             '/1.0/certificates/' + found, request.requestor)
    return {}


# The storage pool and the project

def _pool(daemon):
    # type: (Daemon) -> Dict[str, Any]
    return {
        'config': {'source': daemon.directory + '/storage-pools/default'},
        'description': '', 'name': 'default', 'driver': 'dir',
        'used_by': [instance.path for instance in daemon.instances.values()]
        + [_profile_path(daemon, name) for name in daemon.profiles
           if any(device.get('pool') == 'default' for device in
                  daemon.profiles[name]['devices'].values())],
        'status': 'Created', 'locations': ['none']}


@route('GET', '/1.0/storage-pools')
def list_pools(request):
    # type: (Request) -> Any
    """List storage pools: there is one."""
    return [_pool(request.daemon)] if request.recursion() else [
        '/1.0/storage-pools/default']


@route('GET', '/1.0/storage-pools/{}')
def get_pool(request, name):
    # type: (Request, str) -> Any
    """Show the storage pool."""
    if name != 'default':
        raise APIError(404, 'Storage pool not found')
    return _pool(request.daemon)


_FEATURES = ('images', 'networks', 'profiles', 'storage.volumes')


def _render_project(daemon, name):
    # type: (Daemon, str) -> Dict[str, Any]
    project = daemon.projects.get(name)
    return {
        'name': name, 'config': project.project_config if project else {
            'features.' + feature: 'true' for feature in _FEATURES},
        'description': project.description if project else (
            'Default {} project'.format(daemon.kind.title)),
        'used_by': [instance.path for instance in
                    (project or daemon).instances.values()]}


@route('GET', '/1.0/projects')
def list_projects(request):
    # type: (Request) -> Any
    """List projects."""
    return [_render_project(request.daemon, name) if request.recursion()
            else '/1.0/projects/' + name
            for name in sorted(list(request.daemon.projects) + ['default'])]


@route('POST', '/1.0/projects')
def create_project(request):
    # type: (Request) -> Any
    """Make a project."""
    body = request.json('ProjectsPost', 'name:s config:m description:s')
    name = body['name']
    if not name:
        raise APIError(400, 'No name provided')
    if name == 'default' or name in request.daemon.projects:
        raise APIError(409, 'Failed creating project "{}": Failed adding '
                       'database record: This "projects" entry already exists'
                       .format(name))
    config = {'features.' + feature: 'true' for feature in (
        'images', 'profiles', 'storage.volumes')}
    request.daemon.projects[name] = Project(
        request.daemon, name, dict(config, **(body['config'] or {})),
        body['description'])
    return created('/1.0/projects/' + name)


@route('GET', '/1.0/projects/{}')
def get_project(request, name):
    # type: (Request, str) -> Any
    """Show a project."""
    if name != 'default' and name not in request.daemon.projects:
        raise APIError(404, 'Project not found')
    project = _render_project(request.daemon, name)
    return sync(project, etag=[project['description'], project['config']])


@route('DELETE', '/1.0/projects/{}')
def delete_project(request, name):
    # type: (Request, str) -> Any
    """Remove a project."""
    if name == 'default':
        raise APIError(403, "The 'default' project cannot be deleted")
    if name not in request.daemon.projects:
        raise APIError(
            404, 'Fetch project "{}": Project not found'.format(name))
    if request.daemon.projects[name].instances:
        raise APIError(500, 'Only empty projects can be removed')
    del request.daemon.projects[name]
    return {}
