"""A server of profiles in memory."""
import copy
import json
import re

import requests

from pylxd.core.context import Context
from pylxd.transport.dialect import Dialect
from pylxd.transport.rest import Node

REFUSED = {'type': 'error', 'error_code': 400}


class Store(object):
    """A transport that keeps profiles and answers requests itself.

    A test may put responses and exceptions into ``answers``, for the next
    requests.
    """

    endpoint = '/s'
    read_timeout = None
    sent = None  # the last body that is JSON

    def __init__(self):
        self.requested, self.documents, self.answers = [], {}, []

    def add(self, name, **document):
        self.documents[name] = dict({
            'name': name, 'config': {}, 'devices': {}, 'description': '',
            'used_by': [], 'new_field': {'a': 1}}, **document)

    def request(self, method, path, params=None, json=None, headers=None,
                **_):
        kind, name = re.match('/1.0/([^/]+)/?(.*)', path).groups()
        self.requested.append('{} {}'.format(method, path[len('/1.0/'):]) + (
            '?recursion' if (params or {}).get('recursion') else ''))
        self.sent = self.sent if json is None else json
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
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
            self.patch(self.documents[name], json)
        elif method == 'DELETE':
            del self.documents[name]
        elif name:
            self.documents[json['name']] = dict(
                self.documents.pop(name), name=json['name'])
        else:
            self.add(**json)
        return response(sync({}))

    def patch(self, document, changes):
        """Merge changes into a document; the value ``''`` removes a key."""
        for field, value in copy.deepcopy(changes).items():
            if isinstance(value, dict):
                value = dict(document.get(field) or {}, **value)
                value = {key: each for key, each in value.items()
                         if each != ''}
            document[field] = value

    def etag(self, name):
        return json.dumps(self.documents[name], sort_keys=True)


def sync(metadata):
    """Return the document of a response of the type ``sync``."""
    return {'type': 'sync', 'metadata': metadata}


def response(document, status=200, **headers):
    """Return the response of requests with a JSON document."""
    result = requests.Response()
    result.status_code = status
    result._content = json.dumps(document).encode()
    result.headers.update(headers)
    return result


class FakeClient(Context):
    """A client of a `Store`, whose server has the extension ``patch``."""

    identity = 'here'

    def __init__(self, store):
        self.store = self.transport = store
        self.api = Node(store, '/1.0')
        self.dialect = Dialect(RootNode(
            {'api_version': '1.0', 'api_extensions': ['patch']}))


class RootNode(object):
    """A node that answers ``GET /1.0``.

    :param documents: the metadata of one response after another; the last
        one is repeated.
    """

    def __init__(self, *documents):
        self._documents = list(documents)

    def get(self):
        return response(sync(self._documents.pop(0) if self._documents[1:]
                             else self._documents[0]))
