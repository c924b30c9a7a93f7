"""The nodes of the REST tree, and the checks of each response."""
import json
import re

import six
from six.moves.urllib import parse

from pylxd import exceptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    import socket
    from typing import Any, Dict, Mapping, Optional, Tuple, Union
    from pylxd.transport.connection import Transport

#: Attributes of nodes whose path segment has hyphens for the underscores.
HYPHENATED = (
    'load_balancers', 'network_acls', 'network_address_sets',
    'network_allocations', 'network_integrations', 'network_zones',
    'storage_pools', 'storage_volumes', 'virtual_machines')

#: The requests that take ``?target=MEMBER``, as method and path. A POST of an
#: instance would become a move within the cluster.
TARGETED = re.compile(r'''
    (GET|PUT|PATCH) \ /[^/]+$
    | GET \ /[^/]+/(resources|metrics|networks)$
    | POST \ /[^/]+/(instances|containers|virtual-machines
                    |networks|storage-pools)$
    | (GET|PUT|PATCH) \ /[^/]+/(networks|storage-pools)/[^/]+$
    | GET \ /[^/]+/networks/[^/]+/(leases|state)$
    | GET \ /[^/]+/storage-pools/[^/]+/resources$
    | [A-Z]+ \ /[^/]+/storage-pools/[^/]+/(volumes|buckets)(/|$)
    ''', re.VERBOSE)

#: The hint for status 403 over HTTPS.
DISTRUST = (
    'if the server does not trust this client (client.trusted is False), pass '
    'cert=(certificate, key) to Client, and call authenticate(); a restricted '
    'certificate may use only its own projects')

_CONTROL_CHARACTERS = re.compile(u'[\x00-\x1f\x7f]')


def check_name(name):
    # type: (Union[str, bytes, int]) -> str
    """Check a name, and return it as text.

    :param name: text, UTF-8 bytes, or an integer.
    :raises InvalidName: the name is empty, ``.`` or ``..``, or contains
        characters that no server allows. LXD 5.0.2 uses ``..`` as a path and
        deletes the files there.
    :raises TypeError: the name is of another type.
    """
    given = name
    if isinstance(name, bytes):
        try:
            name = name.decode('utf-8')
        except UnicodeDecodeError:
            raise exceptions.InvalidName(
                'the name {!r} is not UTF-8'.format(name))
    if isinstance(name, six.integer_types) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, six.string_types):
        raise TypeError('a name must be text, not {!r}'.format(name))
    try:
        encoded = six.ensure_text(name).encode('utf-8')
    except UnicodeError:  # half of a surrogate pair, on Python 3
        encoded = b''
    if encoded in (b'', b'.', b'..') or _CONTROL_CHARACTERS.search(name):
        raise exceptions.InvalidName(
            '{!r} cannot be a name: a name is text without control '
            'characters, and not empty, "." or ".."'.format(name))
    return given if isinstance(given, six.string_types) else name


def quote(name):
    # type: (Union[str, bytes, int]) -> str
    """Quote a name as one segment of a URL; see `check_name`."""
    return parse.quote(six.ensure_binary(check_name(name)), safe='')


class Node(object):
    """A node of the REST tree; its attributes and items are its children.

    ``api.containers['c1'].state.get()`` sends ``GET
    /1.0/containers/c1/state``. The verbs take the arguments of the functions
    of requests and return a response of requests. They also take ``target``,
    the name of a cluster member, and ``is_api=False`` for a body that is
    not JSON of the API.

    :param path: the quoted path in the URL.
    :param params: the query of each request: ``project``, ``target``. The
        target is sent where the endpoint takes one.
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
        if name.startswith('_'):
            # Python, pickle and IPython look for methods of such names
            raise AttributeError(name)
        return self[name.replace('_', '-') if name in HYPHENATED else name]

    def __getitem__(self, name):
        # type: (Union[str, bytes, int]) -> Node
        return Node(self._transport, self._path + '/' + quote(name),
                    self._params)

    # Without it, Python would iterate over the items 0, 1, ... for ever
    __iter__ = None

    @property
    def path(self):
        # type: () -> str
        """The quoted path of the node in its URL."""
        return self._path

    @property
    def project(self):
        # type: () -> str
        """The project of each request, ``default`` if none is set."""
        return self._params.get('project', 'default')

    @property
    def session(self):
        # type: () -> requests.Session
        """The one pooled session of the client."""
        return self._transport.session

    @property
    def scheme(self):
        # type: () -> str
        """The scheme of the URL: ``http+unix``, ``http`` or ``https``."""
        return self._transport.url.partition('://')[0]

    @property
    def netloc(self):
        # type: () -> str
        """The host and port of the URL, or the quoted path of the socket."""
        return self._transport.url.partition('://')[2]

    @property
    def _api_endpoint(self):
        # type: () -> str
        # The whole URL; programs for earlier releases of the library read it
        return self._transport.url + self._path

    def get(self, params=None, **kwargs):
        # type: (Optional[Mapping[str, Any]], **Any) -> requests.Response
        """Send GET and return the response.

        :raises NotFound: the server answered 404.
        :raises Conflict: the server answered 409 or 412.
        :raises LXDAPIException: the server answered with another error.
        :raises ClientConnectionFailed: no response arrived.
        """
        return self._request('GET', (200,), params=params, **kwargs)

    def head(self, params=None, **kwargs):
        # type: (Optional[Mapping[str, Any]], **Any) -> requests.Response
        """Send HEAD and return the response; see `get` for exceptions.

        Errors have no message, since the response has no body.
        """
        return self._request('HEAD', (200,), params=params, **kwargs)

    def post(self, data=None, json=None, **kwargs):
        # type: (Any, Any, **Any) -> requests.Response
        """Send POST and return the response; see `get` for exceptions."""
        return self._request(
            'POST', (200, 201, 202), data=data, json=json, **kwargs)

    def put(self, data=None, **kwargs):
        # type: (Any, **Any) -> requests.Response
        """Send PUT and return the response; see `get` for exceptions."""
        return self._request('PUT', (200, 201, 202), data=data, **kwargs)

    def patch(self, data=None, **kwargs):
        # type: (Any, **Any) -> requests.Response
        """Send PATCH and return the response; see `get` for exceptions."""
        return self._request('PATCH', (200, 202), data=data, **kwargs)

    def delete(self, **kwargs):
        # type: (**Any) -> requests.Response
        """Send DELETE and return the response; see `get` for exceptions."""
        return self._request('DELETE', (200, 202), **kwargs)

    def upgrade(self, protocol, method='GET', json=None, **kwargs):
        # type: (str, str, Any, **Any) -> socket.socket
        """Upgrade a new connection to another protocol.

        :param protocol: the name of the protocol, such as ``sftp``.
        :param method: the method of the request.
        :param json: the body of the request.
        :param kwargs: ``params`` and ``target``, as for `get`.
        :return: the connected socket, which the caller closes. Reading and
            writing wait for ever, until the caller sets a timeout.
        :raises LXDAPIException: the server refused; see `get`.
        """
        self._add_query(method, kwargs)
        response, sock = self._transport.upgrade(
            method, self._path, protocol, json=json, **kwargs)
        try:
            check_response(response, (101,), is_api=False)
        except exceptions.LXDAPIException:
            sock.close()
            raise
        return sock

    def _request(self, method, expected, **kwargs):
        # type: (str, Tuple[int, ...], **Any) -> requests.Response
        is_api = kwargs.pop('is_api', True) and not kwargs.get('stream')
        self._add_query(method, kwargs)
        response = self._transport.request(method, self._path, **kwargs)
        check_response(response, expected, is_api)
        return response

    def _add_query(self, method, kwargs):
        # type: (str, Dict[str, Any]) -> None
        """Add the query of this node to the arguments of a request."""
        target = kwargs.pop('target', None)
        if self._params or target is not None:
            params = dict(self._params)
            if target is not None:
                params['target'] = target
            elif 'target' in params and not TARGETED.match(
                    method + ' ' + self._path):
                del params['target']
            if 'target' in params:
                quote(params['target'])
            params.update(kwargs.get('params') or {})
            if 'all-projects' in params:
                params.pop('project', None)  # servers refuse both
            kwargs['params'] = params


def check_response(response, expected, is_api=True):
    # type: (requests.Response, Tuple[int, ...], bool) -> None
    """Raise an exception if a response is an error.

    :param expected: the status codes of success.
    :param is_api: the body is JSON of the API; a body that is neither JSON
        nor HTML passes, too.
    :raises NotFound: for status 404.
    :raises Conflict: for status 409 or 412.
    :raises InvalidResponse: the response is a redirect, or not from LXD.
    :raises LXDAPIException: for all other errors.
    """
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
        # The response to a HEAD has no body that could tell
        is_error = is_envelope(_parse(response)) or getattr(
            response.request, 'method', None) == 'HEAD'
        raise (exceptions.LXDAPIException if is_error
               else exceptions.InvalidResponse)(
                   response, hint=_explain_status(response))
    content_type = response.headers.get('Content-Type', '')
    # A downloaded file may contain JSON of the same form: check the header
    if not is_api or content_type == 'application/octet-stream':
        return
    body = _parse(response)
    if body is None and 'html' not in content_type:
        return  # raw data: a log, an export
    if not is_envelope(body):
        raise exceptions.InvalidResponse(response)
    if body['type'] == 'error':
        raise exceptions.LXDAPIException(response)


def _explain_status(response):
    # type: (requests.Response) -> str
    """Return what a user can do about the status of a response."""
    url = getattr(response.request, 'url', None) or ''
    # The clients of a unix socket need no certificate
    if response.status_code == 403 and url.startswith('https:'):
        return DISTRUST
    if response.status_code == 400 and b'HTTPS server' in response.content:
        return 'write the endpoint with https://'
    return ''


def is_envelope(body):
    # type: (Any) -> bool
    """Return whether a document has the form of the API's responses."""
    return isinstance(body, dict) and body.get('type') in (
        'sync', 'async', 'error')


def envelope(response):
    # type: (requests.Response) -> Dict[str, Any]
    """Return the whole JSON document of a response, parsed once.

    :raises InvalidResponse: the body is not JSON of the API.
    """
    body = _parse(response)
    if response.status_code == 201 and not response.content:
        return {'type': 'sync'}  # only the header Location tells more
    if not is_envelope(body):
        raise exceptions.InvalidResponse(response)
    return body


def metadata(response, type_=dict):
    # type: (requests.Response, Union[type, Tuple[type, ...]]) -> Any
    """Return the field ``metadata`` of a response.

    :param type_: the type, or types, that the field must have.
    :raises InvalidResponse: the field is of another type.
    """
    data = envelope(response).get('metadata')
    if not isinstance(data, type_):
        raise exceptions.InvalidResponse(response)
    return data


def _parse(response):
    # type: (requests.Response) -> Any
    """Return the parsed body; None if it is not JSON."""
    try:
        return response.__dict__['lxd_envelope']
    except KeyError:
        pass
    try:
        # response.json() would guess the encoding
        body = json.loads(six.ensure_text(response.content))
    except (ValueError, RuntimeError):
        body = None
    response.__dict__['lxd_envelope'] = body
    return body
