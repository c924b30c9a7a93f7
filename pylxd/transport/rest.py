"""The REST tree: quoting, verbs, and the contract of an answer."""
import json
import re

import six
from six.moves.urllib import parse

from pylxd import exceptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import Any, Dict, Optional, Tuple
    from pylxd.transport.connection import Transport

#: Path segments that Python cannot spell as an attribute.
DASHED = ('storage_pools', 'virtual_machines')

_UNSAFE = re.compile(u'[\x00-\x1f\x7f]')


def quote(name):
    # type: (Any) -> str
    """``name`` as one segment of a URL.

    :raises InvalidName: for a name that no server can mean. LXD 5.0.2
        takes ``..`` for a path and destroys what lies there.
    """
    if isinstance(name, bytes):
        try:
            name = name.decode('utf-8')
        except UnicodeDecodeError:
            raise exceptions.InvalidName('{!r} is not UTF-8'.format(name))
    if isinstance(name, six.integer_types) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, six.string_types):
        raise TypeError('a name must be text, not {!r}'.format(name))
    try:
        encoded = six.ensure_text(name).encode('utf-8')
    except UnicodeError:  # half of a pair of surrogates, on Python 3
        encoded = b''
    if encoded in (b'', b'.', b'..') or _UNSAFE.search(name):
        raise exceptions.InvalidName('{!r} cannot be a name'.format(name))
    return parse.quote(encoded, safe='')


class Node(object):
    """One place of the REST API; attributes and items lead deeper.

    ``api.containers['c1'].state.get()`` asks ``/1.0/containers/c1/state``.
    The verbs take what the functions of requests take, and return its
    response.
    """

    def __init__(self, transport, path, params=None):
        # type: (Transport, str, Optional[Dict[str, str]]) -> None
        self._transport = transport
        self._path = path
        self._params = params or {}

    def __repr__(self):
        # type: () -> str
        return '<Node {}{}>'.format(self._transport.endpoint, self._path)

    def __getattr__(self, name):
        # type: (str) -> Node
        if name.startswith('__'):
            raise AttributeError(name)
        return self[name.replace('_', '-') if name in DASHED else name]

    def __getitem__(self, name):
        # type: (Any) -> Node
        return Node(self._transport, self._path + '/' + quote(name),
                    self._params)

    __iter__ = None  # Python would count up the items, without an end

    @property
    def path(self):
        # type: () -> str
        """Where in the tree this is, as in its URL."""
        return self._path

    @property
    def session(self):
        # type: () -> requests.Session
        """The one pooled session of the client."""
        return self._transport.session

    @property
    def scheme(self):
        # type: () -> str
        """``http+unix``, ``http`` or ``https``."""
        return self._transport.url.partition('://')[0]

    @property
    def netloc(self):
        # type: () -> str
        """Host and port, or the quoted path of the socket."""
        return self._transport.url.partition('://')[2]

    def get(self, params=None, **kwargs):
        # type: (Any, **Any) -> requests.Response
        """GET."""
        return self._request('GET', (200,), params=params, **kwargs)

    def post(self, data=None, json=None, **kwargs):
        # type: (Any, Any, **Any) -> requests.Response
        """POST."""
        return self._request(
            'POST', (200, 201, 202), data=data, json=json, **kwargs)

    def put(self, data=None, **kwargs):
        # type: (Any, **Any) -> requests.Response
        """PUT."""
        return self._request('PUT', (200, 201, 202), data=data, **kwargs)

    def patch(self, data=None, **kwargs):
        # type: (Any, **Any) -> requests.Response
        """PATCH."""
        return self._request('PATCH', (200, 202), data=data, **kwargs)

    def delete(self, **kwargs):
        # type: (**Any) -> requests.Response
        """DELETE."""
        return self._request('DELETE', (200, 202), **kwargs)

    def _request(self, method, expected, **kwargs):
        # type: (str, Tuple[int, ...], **Any) -> requests.Response
        is_api = kwargs.pop('is_api', True) and not kwargs.get('stream')
        target = kwargs.pop('target', None)
        if self._params or target is not None:
            params = dict(self._params)
            if target is not None:
                quote(target)
                params['target'] = target
            params.update(kwargs.get('params') or {})
            kwargs['params'] = params
        response = self._transport.request(method, self._path, **kwargs)
        check(response, expected, is_api)
        return response


def check(response, expected, is_api=True):
    # type: (requests.Response, Tuple[int, ...], bool) -> None
    """Raise what the answer means, unless it is a good one."""
    status = response.status_code
    if status == 404:
        raise exceptions.NotFound(response)
    if status in (409, 412):
        raise exceptions.Conflict(response)
    if 300 <= status < 400:
        # The protocol has no redirects; following one would carry the
        # client certificate and secrets to another host.
        raise exceptions.InvalidResponse(response)
    if status not in expected:
        raise (exceptions.LXDAPIException if is_envelope(_parsed(response))
               else exceptions.InvalidResponse)(response)
    if not is_api or _is_file(response):
        return
    body = _parsed(response)
    if body is None and 'html' not in response.headers.get(
            'Content-Type', ''):
        return  # raw data: a log, an export
    if not is_envelope(body):
        raise exceptions.InvalidResponse(response)
    if body['type'] == 'error':
        raise exceptions.LXDAPIException(response)


def is_envelope(body):
    # type: (Any) -> bool
    """Whether it has the form of all JSON answers of LXD."""
    return isinstance(body, dict) and body.get('type') in (
        'sync', 'async', 'error')


def envelope(response):
    # type: (requests.Response) -> Dict[str, Any]
    """The whole JSON answer, parsed once.

    :raises InvalidResponse: it is none.
    """
    body = _parsed(response)
    if not is_envelope(body):
        raise exceptions.InvalidResponse(response)
    return body


def metadata(response, kind=dict):
    # type: (requests.Response, Any) -> Any
    """What the answer is about.

    :raises InvalidResponse: it is not of this type.
    """
    data = envelope(response).get('metadata')
    if not isinstance(data, kind):
        raise exceptions.InvalidResponse(response)
    return data


def _is_file(response):
    # type: (requests.Response) -> bool
    # A file may hold JSON that looks like an answer: only the header tells.
    return response.headers.get('Content-Type') == 'application/octet-stream'


def _parsed(response):
    # type: (requests.Response) -> Any
    try:
        return response.__dict__['lxd_envelope']
    except KeyError:
        pass
    try:
        # json.loads finds UTF-8 by itself; response.json() would guess
        body = json.loads(six.ensure_text(response.content))
    except (ValueError, RuntimeError):
        body = None
    response.__dict__['lxd_envelope'] = body
    return body
