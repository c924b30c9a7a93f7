"""A server of profiles, inside of the test."""
import copy
import json
import re

import requests

from pylxd.transport.rest import Node

REFUSED = {'type': 'error', 'error_code': 400}


class Store(object):
    """A transport that is a server too: it keeps profiles."""

    endpoint = '/s'

    def __init__(self):
        self.asked, self.documents, self.answers = [], {}, []

    def add(self, name, **document):
        self.documents[name] = dict({
            'name': name, 'config': {}, 'devices': {}, 'description': '',
            'used_by': [], 'new_field': {'a': 1}}, **document)

    def request(self, method, path, params=None, json=None, headers=None,
                **_):
        kind, name = re.match('/1.0/([^/]+)/?(.*)', path).groups()
        self.asked.append('{} {}'.format(method, path[len('/1.0/'):]) + (
            '?recursion' if (params or {}).get('recursion') else ''))
        self.sent = json
        if self.answers:
            answer = self.answers.pop(0)
            if answer is not None:
                return answer
        if name and name not in self.documents:
            return response(dict(REFUSED, error='not found'), 404)
        if method == 'GET' and not name:
            return response(sync(
                list(self.documents.values())
                if (params or {}).get('recursion') else
                ['/1.0/{}/{}'.format(kind, name) for name in self.documents]))
        if method == 'GET':
            return response(sync(self.documents[name]),
                            ETag=self.etag(name))
        if 'If-Match' in (headers or {}) and headers[
                'If-Match'] != self.etag(name):
            return response(dict(REFUSED, error='ETag'), 412)
        if method == 'PUT':
            self.documents[name] = copy.deepcopy(json)
        elif method == 'PATCH':
            self.documents[name].update(json)
        elif method == 'DELETE':
            del self.documents[name]
        elif name:
            self.documents[json['name']] = dict(
                self.documents.pop(name), name=json['name'])
        else:
            self.add(**json)
        return response(sync({}))

    def etag(self, name):
        return json.dumps(self.documents[name], sort_keys=True)


def sync(metadata):
    return {'type': 'sync', 'metadata': metadata}


def response(document, status=200, **headers):
    made = requests.Response()
    made.status_code = status
    made._content = json.dumps(document).encode()
    made.headers.update(headers)
    return made


class FakeClient(object):
    identity = 'here'

    def __init__(self, store):
        self.store = self.transport = store
        self.api = Node(store, '/1.0')
