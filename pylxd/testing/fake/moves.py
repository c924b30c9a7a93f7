"""Instances that move from one stand-in to another.

What clients see of a migration is as with LXD: the operations, their secrets
and who connects to whom. What flows is of this module's own making: all of
the instance as one JSON text on ``fs``, then a word on ``control``.
"""
from __future__ import unicode_literals

import base64
import collections
import json
import socket
import ssl
import threading

from six.moves.urllib import parse
from ws4py.client import WebSocketBaseClient

from pylxd.testing.fake.daemon import APIError, random_hex
from pylxd.testing.fake.files import Node, Tree
from pylxd.testing.fake.shell import Pipe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional
    from pylxd.testing.fake.daemon import Operation
    from pylxd.testing.fake.web import Request

_PATIENCE = 30  # seconds for the other server
_SECRETS = ('control', 'fs')


class _Peer(WebSocketBaseClient):
    """A websocket of the other server."""

    sock = None  # type: Any

    def __init__(self, operation, secret, certificate):
        # type: (str, str, str) -> None
        parts = parse.urlsplit(operation)
        super(_Peer, self).__init__('wss://{}{}/websocket?secret={}'.format(
            parts.netloc, parts.path, secret))
        self.sock.close()  # ws4py knows no certificates in a string
        self.pipe = Pipe()
        context = ssl.create_default_context(cadata=certificate or None)
        context.check_hostname = False
        self.sock = context.wrap_socket(socket.create_connection(
            (parts.hostname, parts.port), _PATIENCE))
        self.sock.sendall(self.handshake_request)
        head = b''
        while not head.endswith(b'\r\n\r\n'):
            byte = self.sock.recv(1)
            if not byte:
                raise APIError(400, 'websocket: bad handshake')
            head += byte
        if b' 101 ' not in head.split(b'\r\n')[0]:
            raise APIError(400, 'websocket: bad handshake')
        self.sock.settimeout(None)
        thread = threading.Thread(target=self.run)
        thread.daemon = True
        thread.start()

    def received_message(self, message):
        # type: (Any) -> None
        """Keep it."""
        if message.data:
            self.pipe.write(message.data)
        else:
            self.pipe.close()

    def closed(self, code, reason=None):
        # type: (int, Any) -> None
        """There is no more."""
        self.pipe.close()

    def tell(self, data):
        # type: (Any) -> None
        """Send a message."""
        self.send(data)


def _connect(operation, where):
    # type: (Operation, Any) -> Dict[str, Any]
    """The websockets of a move, made here or by the other side."""
    if not where:
        if not operation.wait_for(_SECRETS, _PATIENCE):
            raise APIError(400, 'Timed out waiting for websockets to connect')
        return operation.sockets
    secrets = where.get('websockets') or where.get('secrets') or {}
    try:
        for name in _SECRETS:
            operation.sockets[name] = _Peer(
                where['operation'], secrets[name],
                where.get('certificate', ''))
    except (EnvironmentError, KeyError, ValueError) as error:
        raise APIError(400, 'Failed migration on {}: {}'.format(
            where.get('operation'), error))
    return operation.sockets


def offer(request, description, instance, body, snapshot=None):
    # type: (Request, str, Any, Dict[str, Any], Any) -> Operation
    """The operation that sends an instance, or one snapshot as one."""
    from pylxd.testing.fake.instances import concerned
    target = body['target']
    secrets = None if target else {name: random_hex() for name in _SECRETS}

    def work(operation):
        # type: (Operation) -> None
        ends = _connect(operation, target)
        with request.daemon.lock:
            data = {'tree': _pack((snapshot or instance).tree)}
            if not snapshot and not body.get('instance_only'):
                data['snapshots'] = [
                    {'fields': shot.fields, 'tree': _pack(shot.tree)}
                    for shot in instance.snapshots.values()]
        ends['fs'].tell(json.dumps(data))
        ends['fs'].tell('')
        said = ends['control'].pipe.read(1 << 16)
        if said != b'received':
            raise APIError(400, 'Migration failed on target host: '
                           + (said.decode('utf-8') or 'it went away'))
    operation = request.operation(
        description, work, concerned(request.daemon, instance.name),
        secrets=secrets, metadata=secrets, cancel=lambda operation: None)
    return operation


def receive(operation, source, instance):
    # type: (Operation, Dict[str, Any], Any) -> None
    """Fill an instance that has been made for a move."""
    from pylxd.testing.fake.instances import Snapshot
    ends = _connect(operation, source if source['mode'] == 'pull' else None)
    text = ends['fs'].pipe.read()
    try:
        data = json.loads(text.decode('utf-8'))
    except ValueError:
        raise APIError(400, 'Error transferring instance data: the other '
                       'side went away')
    instance.tree = _unpack(data['tree'])
    instance.snapshots = collections.OrderedDict()
    for shot in data.get('snapshots', ()):
        new = Snapshot(instance, shot['fields']['name'])
        new.fields.update(shot['fields'])
        new.tree = _unpack(shot['tree'])
        instance.snapshots[new.fields['name']] = new
    ends['control'].tell('received')


def _pack(tree):
    # type: (Optional[Tree]) -> Any
    return tree and {
        path: node._replace(
            data=base64.b64encode(node.data).decode())  # type: ignore
        for path, node in tree.nodes.items()}


def _unpack(nodes):
    # type: (Any) -> Optional[Tree]
    return nodes and Tree({
        path: Node(fields[0], base64.b64decode(fields[1]), *fields[2:])
        for path, fields in nodes.items()})
