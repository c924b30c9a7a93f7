"""The server itself, its operations and events, and the storage pool."""
from __future__ import unicode_literals

import hashlib
import os
import re
import ssl

from pylxd.testing.fake.daemon import APIError
from pylxd.testing.fake.things import PROFILES
from pylxd.testing.fake.web import Early, Upgrade, envelope, route, sync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List
    from pylxd.testing.fake.daemon import Daemon
    from pylxd.testing.fake.web import Request, Socket


# The server

@route('GET', '/', public=True)
def _get_versions(request):
    # type: (Request) -> Any
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
def _get_server(request):
    # type: (Request) -> Any
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
def _put_server(request):
    # type: (Request) -> Any
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
    elif request.method == 'PUT' and not config.get('core.trust_password'):
        daemon.password = ''
    kept = daemon.config if request.method == 'PATCH' else {}
    daemon.config = {key: value for key, value in dict(kept, **config).items()
                     if value not in (None, '') and key not in (
                         'core.https_address', 'core.trust_password')}
    daemon.lifecycle('config-updated', '/1.0', request.requestor)
    return {}


# Operations and events

@route('GET', '/1.0/operations')
def _list_operations(request):
    # type: (Request) -> Any
    daemon = request.daemon
    daemon.purge()
    result = {}  # type: Dict[str, List[Any]]
    for operation in list(daemon.operations.values()):
        result.setdefault(operation.status.lower(), []).append(
            operation.render() if request.recursion() else operation.path)
    return result


@route('GET', '/1.0/operations/{}')
def _get_operation(request, identifier):
    # type: (Request, str) -> Any
    return request.daemon.find_operation(identifier).render()


@route('DELETE', '/1.0/operations/{}')
def _cancel_operation(request, identifier):
    # type: (Request, str) -> Any
    request.daemon.find_operation(identifier).cancel()
    return {}


@route('GET', '/1.0/operations/{}/wait', public=True)
def _wait_for_operation(request, identifier):
    # type: (Request, str) -> Any
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
        problem = operation.error if operation.ended else (
            'context deadline exceeded')
        if problem and request.daemon.kind.wait:
            return envelope(
                'error', error=problem,
                error_code=operation.code if operation.ended else 500)
        return envelope('sync', metadata=operation.render())
    if request.daemon.kind.early:
        return Early(answer)
    operation.wait(int(timeout))
    return operation.render()


@route('GET', '/1.0/events')
def _listen(request):
    # type: (Request) -> Any
    daemon = request.daemon
    known = ['logging', 'operation', 'lifecycle']
    if daemon.kind.server == 'incus':
        known.append('network-acl')
    types = (request.query.get('type') or ','.join(known)).split(',')
    for type_ in types:
        if type_ not in known:
            raise APIError(daemon.kind.bad_event, '"{}" isn\'t a supported '
                           'event type'.format(type_))

    def connected(websocket):
        # type: (Socket) -> None
        websocket.types = types
        websocket.gone = lambda: daemon.forget(websocket)
        daemon.listeners.append(websocket)
    return Upgrade(connected, early=True)  # so that no event is missed


# The storage pool

def _pool(daemon):
    # type: (Daemon) -> Dict[str, Any]
    return {
        'config': {'source': daemon.directory + '/storage-pools/default'},
        'description': '', 'name': 'default', 'driver': 'dir',
        'used_by': [instance.path for instance in daemon.instances.values()]
        + [PROFILES.url(daemon, name) for name in daemon.profiles
           if any(device.get('pool') == 'default' for device in
                  daemon.profiles[name]['devices'].values())],
        'status': 'Created', 'locations': ['none']}


@route('GET', '/1.0/storage-pools')
def _list_pools(request):
    # type: (Request) -> Any
    return [_pool(request.daemon)] if request.recursion() else [
        '/1.0/storage-pools/default']


@route('GET', '/1.0/storage-pools/{}')
def _get_pool(request, name):
    # type: (Request, str) -> Any
    if name != 'default':
        raise APIError(404, 'Storage pool not found')
    return _pool(request.daemon)
