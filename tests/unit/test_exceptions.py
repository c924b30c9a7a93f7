# -*- coding: utf-8 -*-
"""Exceptions: their tree, messages and pickles."""
import inspect
import pickle
import re

import pytest
import requests
import six

import pylxd
from pylxd import exceptions
from pylxd.core.operation import Operation
from pylxd.transport import rest
from wire import Server, make_certificate, error, lxd_api, tls_context

CLASSES = [cls for cls in vars(exceptions).values()
           if inspect.isclass(cls) and cls.__module__ == exceptions.__name__]


def response(body=b'', status=400, reason='Bad Request', **request):
    """Return a response of requests."""
    result = requests.Response()
    result.status_code, result.reason, result._content = status, reason, body
    result.request = requests.Request(
        **dict({'method': 'GET', 'url': 'http://h/1.0/a?secret=s3cr3t'},
               **request)).prepare()
    result.url = result.request.url
    return result


def api_error(body=b'{"type": "error", "error": "no such thing"}'):
    return exceptions.LXDAPIException(response(body))


def make_error(cls):
    """Return an error of a class, with everything that it can carry."""
    if issubclass(cls, exceptions.OperationFailed):
        return cls(response(), operation=Operation(err='it broke', id='1'))
    if issubclass(cls, exceptions.LXDAPIException):
        return cls(response(b'{"error": "no"}'), cause=ValueError('why'))
    return cls('text', cause=ValueError('why'))


def test_the_documented_tree():
    drawn, path = {}, []
    for indent, name in re.findall(
            r'^    ((?: |\|)*)(?:\+-- )?(\w+)', exceptions.__doc__, re.M):
        del path[(len(indent) + 4) // 5:]
        drawn[name] = path[-1] if path else 'Exception'
        path.append(name)
    assert drawn == {cls.__name__: cls.__bases__[0].__name__
                     for cls in CLASSES}
    assert pylxd.exceptions is exceptions


@pytest.mark.parametrize('name, base', [
    ('LXDAPIExtensionNotAvailable', NotImplementedError),
    ('InvalidName', ValueError), ('InvalidCertificate', ValueError)])
def test_builtin_bases(name, base):
    assert issubclass(getattr(exceptions, name), base)


@pytest.mark.parametrize('cls', CLASSES)
@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_each_class(cls, protocol):
    before = make_error(cls)
    after = pickle.loads(pickle.dumps(before, protocol))
    assert type(after) is cls
    assert str(after) == str(before)
    for name in ('keys', 'operation', 'name'):
        if name == 'operation' and hasattr(before, name):
            assert repr(after.operation) == repr(before.operation)
        elif hasattr(before, name):
            assert getattr(after, name) == getattr(before, name)


def close_connection(_):
    """Close the connection without a response."""


def test_pickling_errors_of_a_client(tmpdir):
    """The pickle holds no client, session or socket of the error."""
    pair = make_certificate(tmpdir)
    failed = {'id': '1', 'status': 'Failure', 'status_code': 400,
              'err': 'it broke', 'metadata': None}
    with Server(lxd_api({'GET /1.0/operations/1/wait': failed,
                         'GET /1.0/x': error(400, 'bad'),
                         'POST /1.0/y': lambda _: close_connection}),
                context=tls_context(pair)) as server:
        client = pylxd.Client(server.endpoint, verify=pair[0])
        raised = []
        for call in (lambda: client.operations.wait_for_operation('1'),
                     client.api.x.get, client.api.none.get,
                     lambda: client.api.y.post(json={'password': 's3cr3t'})):
            with pytest.raises(exceptions.LXDException) as caught:
                call()
            raised.append(caught.value)
    client.close()
    with pytest.raises(exceptions.ClientConnectionFailed) as caught:
        client.api.get()
    raised.append(caught.value)
    for each in raised:
        pickled = pickle.dumps(each)
        assert b's3cr3t' not in pickled
        after = pickle.loads(pickled)
        assert (type(after), str(after)) == (type(each), str(each))


@pytest.mark.parametrize('cls', CLASSES)
@pytest.mark.parametrize('argument', [
    None, u'\xe4', b'\xff', u'\udcff', object(), 7, {}, ['a'],
    response(b''), response(b'\xff\xfe'), response(b'[]'), response(b'null'),
    response(b'{"error": {"a": 1}}'), response(b'{"metadata": {"err": [1]}}'),
    response(u'{"error": "\xe4"}'.encode('utf-8')),
    response(None, reason=None), requests.Response()])
def test_str_never_fails(cls, argument):
    for raised in (cls(argument), cls(argument, operation=None),
                   cls(argument, operation=Operation(err=u'\xe4'))):
        assert isinstance(str(raised), str)
        assert isinstance(repr(raised), str)
        assert raised.args == (argument,)


def test_str_of_an_unreadable_response():
    class Broken(object):
        status_code, reason = 500, 'x'

        @property
        def content(self):
            raise requests.exceptions.ChunkedEncodingError()

    assert str(exceptions.LXDAPIException(
        Broken())) == 'the response cannot be read'


@pytest.mark.parametrize('body, message', [
    (b'{"type": "error", "error": "no such thing"}', 'no such thing'),
    (b'{"type": "sync", "metadata": {"err": "it broke"}}', 'it broke'),
    (b'{"type": "sync", "metadata": {}}', 'HTTP 400 without a message'),
    (b'<html>', 'HTTP 400 Bad Request: <html>'),
    (b'', 'HTTP 400 Bad Request: an empty body'),
    (b'x' * 9999, 'HTTP 400 Bad Request: ' + 'x' * 200),
    (u'{"error": "\xe4"}'.encode('utf-8'), six.ensure_str(u'\xe4')),
])
def test_message_of_a_response(body, message):
    raised = api_error(body)
    assert raised.message == message
    assert str(raised) == message + ' (GET /1.0/a)'
    assert repr(raised) == 'LXDAPIException({!r})'.format(str(raised))


def test_subject_and_hint():
    raised = api_error()
    assert '; ' not in str(raised)
    raised.subject, raised.hint = u'/a\x1b in c1', 'try b'
    assert str(raised) == (
        '/a\\x1b in c1: no such thing (GET /1.0/a); try b')
    assert raised.message == 'no such thing'
    assert str(pickle.loads(pickle.dumps(raised))) == str(raised)


@pytest.mark.parametrize('url, has_hint', [
    ('https://h/1.0/a', True), ('http+unix://%2Fs/1.0/a', False)])
def test_a_refusal_over_https_mentions_authenticate(url, has_hint):
    refused = response(b'{"type": "error", "error": "not authorized"}', 403)
    refused.request.url = url
    with pytest.raises(exceptions.LXDAPIException) as caught:
        rest.check_response(refused, (200,))
    assert ('authenticate()' in str(caught.value)) is has_hint
    assert ('cert=' in str(caught.value)) is has_hint


def test_http_to_a_port_of_https():
    with pytest.raises(exceptions.InvalidResponse) as caught:
        rest.check_response(response(
            b'Client sent an HTTP request to an HTTPS server.\n'), (200,))
    assert 'with https://' in str(caught.value)


def test_messages_of_subclasses():
    failed = exceptions.OperationFailed(response(), operation=Operation(
        err='it broke', description='Starting'))
    assert str(failed).startswith('it broke [Starting]')
    assert 'not from LXD or Incus' in str(
        exceptions.InvalidResponse(response()))
    conflict = exceptions.Conflict(response(), keys=('config.user.a',))
    assert str(conflict).startswith(
        'changed here and on the server: config.user.a')
    lacking = exceptions.LXDAPIExtensionNotAvailable('x')
    assert str(lacking) == 'the server does not have the API extension "x"'


def test_the_cause_is_kept():
    cause = ValueError('why')
    assert exceptions.ClientConnectionFailed('a', cause=cause
                                             ).cause is cause


def test_errors_hold_no_secret():
    body = b'{"password": "s3cr3t"}'
    answer = response(b'<html>', method='POST', data=body)
    sent = answer.request
    raised = exceptions.NotFound(answer)
    for text in (str(raised), repr(raised), repr(raised.args)):
        assert 's3cr3t' not in text
    assert raised.response.request.body is None
    assert b'password' not in pickle.dumps(raised)
    assert sent.body == body  # the caller's request is not changed


@pytest.mark.parametrize('raised', [
    api_error(b'{"error": "a\\u001b[2Jb\\u0007\\u009b\\r"}'),
    api_error(b'\x1b[2J\x07\r'),
    exceptions.LXDException('\x1b[2J\x9b'),
    exceptions.OperationFailed(response(), operation=Operation(
        err='\x1b[2J', description='\x07')),
    exceptions.Conflict(response(), keys=('\x1b',)),
    exceptions.LXDAPIExtensionNotAvailable('\x1b'),
])
def test_control_characters_are_escaped(raised):
    for text in (str(raised), repr(raised)):
        assert not re.search(u'[\x00-\x09\x0b-\x1f\x7f-\x9f]',
                             six.ensure_text(text, errors='replace'))
    assert '\\x1b' in str(raised)


def test_printable_keeps_lines_and_letters():
    assert exceptions.printable(u'\xe4\n\t') == six.ensure_str(u'\xe4\n\t')
