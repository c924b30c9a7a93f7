"""A server of instances in memory, whose operations a test ends.

As on real servers, PUT, POST and DELETE of an instance start an operation, and
PATCH is answered at once. An operation changes the instance when it ends: when
the test calls `InstanceStore.end`, or when a client waits for it.
"""
import copy
import json

from pylxd.transport.dialect import Dialect
from pylxd.transport.rest import Node

from .store import FakeClient, response, sync

#: The fields in the ETag: as on real servers, not the description.
IN_ETAG = ('architecture', 'config', 'devices', 'ephemeral', 'profiles')
STATUS_CODES = {'Running': 103, 'Success': 200, 'Failure': 400}


class Background(object):
    """An operation of the store: its change, and its result."""

    def __init__(self, number, created_at, method, name, change, error):
        self.id = 'u{}'.format(number)
        self.created_at, self.method, self.name = created_at, method, name
        self.change, self.error = change, error
        self.status = 'Running'
        self.is_forgotten = False

    def document(self):
        """Return the operation as the API describes it."""
        return {
            'id': self.id, 'class': 'task', 'status': self.status,
            'status_code': STATUS_CODES[self.status],
            'err': self.error if self.status == 'Failure' else '',
            'description': 'Updating instance', 'metadata': None,
            'created_at': self.created_at, 'updated_at': self.created_at,
            'resources': {'instances': ['/1.0/instances/' + self.name]}}


class InstanceStore(object):
    """A transport that keeps instances and answers requests itself.

    :param extensions: the API extensions of the server.
    """

    read_timeout = None
    endpoint = '/s'
    read_timeout = None

    def __init__(self, extensions=('instances', 'patch')):
        self.extensions = list(extensions)
        self.documents = {}   # the instances, by name
        self.operations = []  # each Background, also those that have ended
        self.requests = []    # pairs: the request, the identity it reached
        self.next_error = ''  # the error of the next change of an instance
        self.moments = 0      # the time of the server

    @property
    def requested(self):
        """The requests so far, such as ``GET instances/c1``."""
        return [request for request, _ in self.requests]

    def read_clock(self):
        """Return the time of the server, which goes on with each call."""
        self.moments += 1
        return '2020-01-01T00:00:00.{:09}Z'.format(self.moments)

    def add(self, name, **document):
        """Add an instance; return when it was created, its identity."""
        identity = self.read_clock()
        self.documents[name] = dict({
            'name': name, 'architecture': 'x86_64', 'ephemeral': False,
            'devices': {}, 'profiles': ['default'], 'description': '',
            'status': 'Stopped', 'type': 'container', 'project': 'default',
            'created_at': identity}, **document)
        self.documents[name]['config'] = dict(
            document.get('config', {}), **{'volatile.uuid': identity})
        return identity

    def etag(self, name):
        return json.dumps([self.documents[name][field] for field in IN_ETAG],
                          sort_keys=True)

    # Operations

    def begin(self, method, name, change):
        """Start an operation and return the response."""
        operation = Background(
            len(self.operations), self.read_clock(), method, name, change,
            self.next_error)
        self.next_error = ''
        self.operations.append(operation)
        return response({'type': 'async', 'metadata': operation.document(),
                         'operation': '/1.0/operations/' + operation.id}, 202)

    def end(self, operation):
        """End a running operation, with the result set at its start."""
        if operation.status == 'Running':
            if not operation.error:
                operation.change()
            operation.status = 'Failure' if operation.error else 'Success'

    def end_all(self):
        """End each running operation."""
        for operation in self.operations:
            self.end(operation)

    def forget_all(self):
        """End and forget each operation, as a restart of the server does."""
        self.end_all()
        for operation in self.operations:
            operation.is_forgotten = True

    def is_busy(self, name):
        """Return whether an operation of the instance is running."""
        return any(operation.status == 'Running' and operation.name == name
                   for operation in self.operations)

    # Requests

    def request(self, method, path, params=None, json=None, headers=None,
                **_):
        parts = path.split('/')[2:]
        name = parts[1] if parts[:1] == ['instances'] and parts[1:] else None
        self.requests.append((
            '{} {}'.format(method, '/'.join(parts)),
            self.documents.get(name, {}).get('created_at')))
        if not parts:
            return response(sync({
                'api_version': '1.0', 'auth': 'trusted',
                'api_extensions': self.extensions, 'environment': {
                    'server': 'lxd', 'server_version': '5.0.2'}}))
        if parts[0] == 'operations':
            return self.get_operations(*parts[1:])
        if name is None:
            return self.collection(method, params or {}, json)
        if name not in self.documents:
            return refuse(404, 'Instance not found')
        if method == 'GET':
            return self.get(name, *parts[2:])
        if self.is_busy(name):
            return refuse(400, 'Failed to create instance update operation: '
                               'Instance is busy running an operation')
        if 'If-Match' in (headers or {}) and headers[
                'If-Match'] != self.etag(name):
            return refuse(412, "ETag doesn't match")
        return getattr(self, ('state' if parts[2:] else method.lower()))(
            name, copy.deepcopy(json))

    def get_operations(self, key=None, wait=None):
        if key is None:
            by_status = {}
            for each in self.operations:
                if not each.is_forgotten:
                    by_status.setdefault(each.status.lower(), []).append(
                        each.document())
            return response(sync(by_status))
        found = [each for each in self.operations
                 if each.id == key and not each.is_forgotten]
        if not found:
            return refuse(404, 'Operation not found')
        if wait:
            self.end(found[0])
        return response(sync(found[0].document()))

    def collection(self, method, params, body):
        if method == 'POST':
            return self.begin('POST', body['name'], lambda: self.add(**{
                field: value for field, value in body.items()
                if field in IN_ETAG + ('name', 'description')}))
        return response(sync(
            list(self.documents.values()) if params.get('recursion') else
            ['/1.0/instances/' + each for each in sorted(self.documents)]))

    def get(self, name, *state):
        if state:
            return response(sync({'status': self.documents[name]['status']}))
        return response(sync(self.documents[name]), ETag=self.etag(name))

    def put(self, name, body):
        volatile = {key for key in self.documents[name]['config']
                    if key.startswith('volatile.')}
        if not volatile <= set(body.get('config', ())):
            self.next_error = "Volatile keys can't be deleted by the user"
        return self.begin('PUT', name, lambda: self.write(name, {
            'architecture': body.get('architecture', 'x86_64'),
            'config': body.get('config', {}),
            'description': body.get('description', ''),
            'devices': body.get('devices', {}),
            'ephemeral': body.get('ephemeral', False),
            'profiles': body.get('profiles', [])}))

    def patch(self, name, body):
        if self.next_error:
            error, self.next_error = self.next_error, ''
            return refuse(500, error)
        self.write(name, dict(
            body, description=body.get('description', ''),  # as in LXD 5.0.2
            **{field: dict(self.documents[name][field], **body.get(field, {}))
               for field in ('config', 'devices')}))
        return response(sync({}))

    def write(self, name, fields):
        """Change an instance; servers drop config keys without a value."""
        fields['config'] = {key: value for key, value
                            in fields['config'].items() if value != ''}
        self.documents[name].update(fields)

    def post(self, name, body):
        if body['name'] in self.documents:
            return refuse(409, 'Name "{}" already in use'.format(body['name']))
        return self.begin('RENAME', name, lambda: self.documents.update(
            {body['name']: dict(self.documents.pop(name), name=body['name'])}))

    def delete(self, name, _):
        return self.begin('DELETE', name, lambda: self.documents.pop(name))

    def state(self, name, body):
        def change():
            document = self.documents[name]
            document['status'] = {'start': 'Running', 'stop': 'Stopped'}[
                body['action']]
            document['config']['volatile.last_state.power'] = document[
                'status'].upper()
        return self.begin('STATE', name, change)


def refuse(status, error):
    """Return an error of the API."""
    return response({'type': 'error', 'error_code': status, 'error': error},
                    status)


class InstanceClient(FakeClient):
    """A client of an `InstanceStore`.

    :param project: the project of the client; None is the default.
    """

    def __init__(self, store, project=None):
        super(InstanceClient, self).__init__(store)
        self.project = project
        self.api = Node(
            store, '/1.0', {'project': project} if project else None)
        self.dialect = Dialect(self.api)
        del store.requests[-1]  # the request of the dialect
