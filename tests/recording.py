"""Record which call of the library sends which request, and in which test.

``PYLXD_RECORD`` names the file to which each request that a server answers
adds a line: server, method, path, status, call, test and its phase, separated
by tabs. Several runs may write to one file, also at the same time; ``make
coverage`` turns it into a page.

A request counts for the outermost call of the library. It is left out if that
call has no public name or is one of ``client.api``, and if a stand-in
answered: that is no server.
"""
import contextlib
import io
import os
import sys

import six

from pylxd.core.attribute import Attribute
from pylxd.transport import connection, rest, websocket

#: The name and version of the server at each endpoint; '' for a stand-in.
_servers = {}


def start(path):
    """Record the requests of this process from now on.

    :param path: the path of the file.
    """
    log_request = connection.log_request

    @contextlib.contextmanager
    def record_request(method, where):
        frames = find_frames(sys._getframe(1))
        with log_request(method, where) as outcome:
            yield outcome
        where = where.partition('?')[0]
        sender = frames[0].f_locals
        endpoint = getattr(sender['self'], 'transport',
                           sender['self']).endpoint
        if where == '/1.0' and 'response' in sender:
            learn_server(endpoint, sender['response'])
        call = name_call(frames)
        if call and outcome and _servers.get(endpoint):
            test = os.environ.get('PYTEST_CURRENT_TEST', '').rpartition(' ')
            append(path, [_servers[endpoint], method, where,
                          str(outcome[0]), call, test[0].partition('[')[0],
                          test[2].strip('()')])

    for module in connection, websocket:
        module.log_request = record_request


def append(path, fields):
    """Append a line to a file that other processes write to as well."""
    with io.open(path, 'ab', buffering=0) as file:
        file.write(six.ensure_binary(u'\t'.join(
            map(six.ensure_text, fields)) + u'\n'))


def find_frames(frame):
    """Return the stack's frames of the library, from the innermost one.

    Those of its class methods are left out, which only call a manager.
    """
    found = []
    while frame is not None:
        module = frame.f_globals.get('__name__', '') + '.'
        if module.startswith('pylxd.') and not module.startswith(
                ('pylxd.testing.', 'pylxd.core.class_methods.')):
            found.append(frame)
        frame = frame.f_back
    return found


def name_call(frames):
    """Return the public name of the outermost call; None if it has none.

    The name of a call ends with ``()``, and that of an attribute does not.
    """
    outermost = frames[-1]
    owner, name = outermost.f_locals.get('self'), outermost.f_code.co_name
    if isinstance(owner, rest.Node):
        return None
    if isinstance(owner, Attribute):
        owner, name = outermost.f_locals['model'], owner.name
    cls = next((cls for cls in type(owner).__mro__
                if cls.__module__.startswith('pylxd.') and cls is getattr(
                    sys.modules[cls.__module__], cls.__name__, None)), object)
    if name == '__init__':
        name = cls.__name__ + '()'
    elif callable(getattr(cls, name, None)):
        name = '{}.{}()'.format(cls.__name__, name)
    else:
        name = '{}.{}'.format(cls.__name__, name)
    return name if '_' not in (name[0], name.partition('.')[2][:1]) else None


def learn_server(endpoint, response):
    """Learn from ``GET /1.0`` which server an endpoint belongs to."""
    try:
        environment = rest.metadata(response)['environment']
    except Exception:  # an error, or what an untrusted client may see
        return
    # The stand-in is a thread of this process
    if environment.get('server_pid', os.getpid()) == os.getpid():
        _servers[endpoint] = ''
    else:
        _servers[endpoint] = '{} {}'.format(
            {'lxd': 'LXD', 'incus': 'Incus'}[environment['server']],
            environment['server_version'])
