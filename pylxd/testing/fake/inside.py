"""What is inside of instances: their files, and the commands that run."""
from __future__ import unicode_literals

import contextlib
import os
import re
import time

from pylxd.testing.fake import shell
from pylxd.testing.fake.daemon import APIError, random_hex
from pylxd.testing.fake.files import Broken, Tree, node
from pylxd.testing.fake.instances import concerned, find
from pylxd.testing.fake.web import Answer, Upgrade, route, sync

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List
    from pylxd.testing.fake.daemon import Operation
    from pylxd.testing.fake.web import Request, Socket


# Files

def _tree(request, name):
    # type: (Request, str) -> Tree
    instance = find(request.daemon, name)
    if not request.query.get('path'):
        raise APIError(400, 'Missing path argument')
    if instance.tree is None:
        raise APIError(500, 'open {}/containers/{}/rootfs: no such file or '
                       'directory'.format(request.daemon.directory, name))
    return instance.tree


@contextlib.contextmanager
def _sftp(action, path):
    # type: (str, str) -> Iterator[None]
    try:
        yield
    except Broken as error:
        raise APIError(500, 'sftp: "{} {}: {}" (SSH_FX_FAILURE)'.format(
            action, '/' + path.strip('/'), error))


@route('GET', '/1.0/{instances}/{}/files')
def _get_file(request, collection, name):
    # type: (Request, str, str) -> Any
    path = request.query.get('path', '')
    tree = _tree(request, name)
    with _sftp('lstat', path):
        found = tree.get(path)
    if found is None:
        raise APIError(404, 'Not Found')
    headers = {'Type': found.kind, 'Mode': '{:04o}'.format(found.mode),
               'Uid': str(found.uid), 'Gid': str(found.gid),
               'Modified': time.strftime('%Y-%m-%d %H:%M:%S +0000 UTC',
                                         time.gmtime(found.modified))}
    headers = {request.daemon.kind.prefix.title() + key: value
               for key, value in headers.items()}
    request.daemon.lifecycle('instance-file-retrieved',
                             find(request.daemon, name).path, path=path)
    if found.kind == 'directory':
        answer = sync(tree.list(path))
        answer.headers.update(headers)
        return answer
    data = found.data
    if found.kind == 'symlink' and not data.startswith(b'/'):
        data = os.path.join(os.path.dirname('/' + path.strip('/')),
                            data.decode('utf-8')).encode('utf-8')
    if request.method == 'HEAD':
        answer = Answer(200, data, headers)
        if not request.daemon.kind.measures:
            del answer.headers['Content-Length']
        return answer
    headers['Content-Disposition'] = 'inline;filename=' + os.path.basename(
        path)
    return Answer(200, data, headers, 'octet-stream')


@route('POST', '/1.0/{instances}/{}/files')
def _put_file(request, collection, name):
    # type: (Request, str, str) -> Any
    path = request.query.get('path', '')
    tree = _tree(request, name)
    kind = request.header('type') or 'file'
    write = request.header('write') or 'overwrite'
    if write not in ('overwrite', 'append'):
        raise APIError(400, 'Bad file write mode: ' + write)
    if kind not in ('file', 'directory', 'symlink'):
        raise APIError(400, 'Bad file type: ' + kind)
    mode = request.header('mode')
    numbers = [request.header(key) for key in ('uid', 'gid')]
    uid, gid = [int(number) if number.isdigit() and kind != 'symlink' else 0
                for number in numbers]
    data = b'' if kind == 'directory' else request.text
    # a leading 0 makes it octal; only the last nine bits are kept
    new = node(kind, data, int(mode, 8 if mode[0] == '0' else 10) & 0o777
               if re.match('0[0-7]*$|[1-9][0-9]*$', mode) and (
                   kind != 'symlink') else None, uid, gid)
    action = {'file': 'open', 'directory': 'mkdir'}.get(
        kind, 'symlink ' + data.decode('utf-8', 'replace'))
    with _sftp(action, path), request.daemon.lock:
        append = write == 'append' and kind == 'file'
        old = tree.get(path, True) if append else None
        if old and old.kind == 'file':
            new = new._replace(data=old.data + data)
        if append and not old or not tree.put(path, new):
            raise APIError(404, 'Not Found')
    request.daemon.lifecycle('instance-file-pushed',
                             find(request.daemon, name).path, path=path)
    return {}


@route('DELETE', '/1.0/{instances}/{}/files')
def _delete_file(request, collection, name):
    # type: (Request, str, str) -> Any
    path = request.query.get('path', '')
    tree = _tree(request, name)
    with _sftp('remove', path), request.daemon.lock:
        if not tree.remove(path):
            raise APIError(404, 'Not Found')
    request.daemon.lifecycle('instance-file-deleted',
                             find(request.daemon, name).path, path=path)
    return {}


# Commands

@route('POST', '/1.0/{instances}/{}/exec')
def _execute(request, collection, name):
    # type: (Request, str, str) -> Any
    daemon = request.daemon
    body = request.json('InstanceExecPost', (
        'command:l environment:m wait-for-websocket:b interactive:b width:i '
        'height:i record-output:b user:i group:i cwd:s'))
    instance = find(daemon, name)
    if instance.status != 'Running':
        raise APIError(400, 'Instance is ' + (
            'frozen' if instance.status == 'Frozen' else 'not running'))
    environment = {'PATH': shell.PATH, 'LANG': 'C.UTF-8'}
    if not body['user']:
        environment.update(HOME='/root', USER='root')
    for key, value in instance.expanded('config').items():
        if key.startswith('environment.'):
            environment[key[len('environment.'):]] = value
    environment.update(body['environment'] or {})
    cwd = body['cwd'] or environment.get('HOME', '/')
    if instance.tree is None or instance.tree.get(cwd, True) is None:
        cwd = '/'
    interactive = body['interactive']
    run = shell.Execution(
        name, instance.tree or Tree(), body['command'] or [], environment, cwd,
        body['user'], body['group'], interactive,
        (body['width'], body['height']))
    secrets, metadata = None, None
    if body['wait-for-websocket']:
        secrets = {key: random_hex() for key in (
            ('0', 'control') if interactive else ('0', '1', '2', 'control'))}
        metadata = {'command': run.command, 'environment': environment,
                    'fds': secrets, 'interactive': interactive}

    def work(operation):
        # type: (Operation) -> None
        output = {}  # type: Dict[str, List[bytes]]
        wanted = sorted(set(secrets or ()) - {'control'})
        if secrets and not operation.wait_for(wanted, 5):
            raise APIError(400, 'Timed out waiting for websockets to connect')
        if secrets:
            _plug(run, operation.sockets, interactive)
        else:
            run.stdin.close()
            output = {'1': [], '2': []}
            run.stdout = shell.Output(output['1'].append)
            run.stderr = shell.Output(output['2'].append)
        if not run.command:
            raise APIError(
                400, 'Failed to retrieve PID of executing child process')
        daemon.lifecycle('instance-exec', instance.path, command=run.command)
        instance.executions.add(run)
        try:
            status = run.run(daemon.handlers)
        finally:
            instance.executions.discard(run)
            if 'control' in operation.sockets:
                operation.sockets['control'].close_connection()
        run.stdin.close()
        for key in wanted[-2:] if not interactive else wanted:
            operation.sockets[key].tell('')
        result = {'return': status}  # type: Dict[str, Any]
        if body['record-output'] and not secrets:
            names = {
                fd: '{}exec_{}.{}'.format(daemon.kind.logs, operation.id, end)
                for fd, end in (('1', 'stdout'), ('2', 'stderr'))}
            for fd, file in names.items():
                instance.logs[file] = b''.join(output[fd])
            result['output'] = {fd: instance.path + '/logs/' + file
                                for fd, file in names.items()}
        operation.update(result)
        if status == 126:
            raise APIError(400, 'Command not executable')
        if status == 127:
            raise APIError(400, 'Command not found (the stand-in has only a '
                           'few commands: answer others by on_execute())')
    operation = request.operation(
        'Executing command', work, concerned(daemon, name), secrets=secrets,
        metadata=metadata)
    operation.execution = run
    return operation


def _plug(run, sockets, interactive):
    # type: (Any, Dict[str, Socket], bool) -> None
    """Connect a command that is to run with its websockets."""
    def sink(key):
        # type: (str) -> Any
        def send(data):
            # type: (bytes) -> None
            if interactive:
                data = data.replace(b'\n', b'\r\n')
            for start in range(0, len(data), 1 << 15):
                sockets[key].tell(data[start:start + (1 << 15)], True)
        return shell.Output(send)
    run.stdout, run.stderr = [
        sink('0' if interactive else key) for key in ('1', '2')]


@route('GET', '/1.0/operations/{}/websocket', public=True)
def _connect(request, identifier):
    # type: (Request, str) -> Any
    operation = request.daemon.find_operation(identifier)
    name = operation.name_of(request.query.get('secret', ''))

    def connected(websocket):
        # type: (Socket) -> None
        run = operation.execution
        if isinstance(run, shell.Execution):
            if name == '0':
                websocket.gone = run.stdin.close
                websocket.received = lambda data, text: (
                    run.stdin.close() if text and not data
                    else _type(run, websocket, data))
            elif name == 'control':
                websocket.gone = lambda: run.kill(9)
                websocket.received = lambda data, text: run.control(data)
        else:
            pipe = shell.Pipe()
            websocket.pipe = pipe
            websocket.gone = pipe.close
            websocket.received = lambda data, text: pipe.write(data)
        operation.attach(name, websocket)
    return Upgrade(connected)


def _type(run, websocket, data):
    # type: (Any, Socket, bytes) -> None
    """What comes on stdin; a terminal shows it, and knows ^C and ^D."""
    if not run.interactive:
        run.stdin.write(data)
        return
    text, ended, _ = data.partition(b'\x04')
    if b'\x03' in text:
        run.kill(2)
        return
    text = text.replace(b'\r', b'\n')
    websocket.tell(text.replace(b'\n', b'\r\n'), True)
    run.stdin.write(text)
    if ended:
        run.stdin.close()


@route('GET', '/1.0/{instances}/{}/logs')
def _list_logs(request, collection, name):
    # type: (Request, str, str) -> Any
    instance = find(request.daemon, name)
    return [instance.path + '/logs/' + log for log in sorted(instance.logs)]


@route('GET', '/1.0/{instances}/{}/logs/(.+)')
def _get_log(request, collection, name, log):
    # type: (Request, str, str, str) -> Any
    logs = find(request.daemon, name).logs
    if log not in logs:
        raise APIError(400, 'log file name {} not valid'.format(log))
    return Answer(200, logs[log], {}, 'octet-stream')


@route('DELETE', '/1.0/{instances}/{}/logs/(.+)')
def _delete_log(request, collection, name, log):
    # type: (Request, str, str, str) -> Any
    logs = find(request.daemon, name).logs
    if logs.pop(log, None) is None:
        raise APIError(400, 'log file name {} not valid'.format(log))
    return {}
