"""What a stand-in knows and does: its state, operations and events."""
from __future__ import unicode_literals

import collections
import hashlib
import json
import os
import threading
import time
import uuid

import six

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional
    from pylxd.testing.fake.servers import Kind

CODES = {'Pending': 105, 'Running': 103, 'Cancelling': 104, 'Success': 200,
         'Failure': 400, 'Cancelled': 401}

#: What Go writes for no time.
NEVER = '0001-01-01T00:00:00Z'


class APIError(Exception):
    """An answer that says what is wrong, or the reason of a failure."""

    def __init__(self, status, text):
        # type: (int, str) -> None
        super(APIError, self).__init__(text)
        self.status = status


def timestamp(seconds=None):
    # type: (Optional[float]) -> str
    """A time as Go writes it, now if not given."""
    if seconds is None:
        seconds = time.time()
    fraction = '{:.9f}'.format(seconds % 1)[1:] if seconds % 1 else ''
    return time.strftime(
        '%Y-%m-%dT%H:%M:%S', time.gmtime(seconds)) + fraction + 'Z'


def random_hex():
    # type: () -> str
    """A secret, or another name that is used once."""
    return (uuid.uuid4().hex + uuid.uuid4().hex)


def digest(value):
    # type: (Any) -> str
    """The ETag for what of an object counts in its ETag."""
    return hashlib.sha256(
        json.dumps(value, sort_keys=True).encode('utf-8')).hexdigest()


class Daemon(object):
    """Everything that outlives a SIGKILL, and the operations.

    :param kind: which server it plays
    :param extensions: of the API
    :param directory: of its own, for what is too big for memory
    """

    def __init__(self, kind, extensions, directory):
        # type: (Kind, List[str], str) -> None
        self.kind = kind  # type: Kind
        self.project = 'default'
        self.suffix = ''
        self.extensions = extensions
        self.directory = directory
        #: seconds that an operation outlives its end
        self.retention = 5.0  # type: float
        self.lock = threading.RLock()  # type: Any
        self.handlers = []  # type: List[Any]
        self.config = {}  # type: Dict[str, str]
        self.certificate = u''  # its own, PEM
        self.address = ''  # where it listens
        self.listens = True  # so its configuration says
        self.password = ''
        self.authorities = True  # type: Any  # who vouches for image servers
        self.instances = collections.OrderedDict()  # type: Dict[str, Any]
        self.images = collections.OrderedDict()  # type: Dict[str, Any]
        self.aliases = {}  # type: Dict[str, Dict[str, str]]
        self.profiles = {}  # type: Dict[str, Dict[str, Any]]
        self.networks = {}  # type: Dict[str, Dict[str, Any]]
        self.certificates = {}  # type: Dict[str, Dict[str, Any]]
        default = Project(self, 'default', {
            'features.' + feature: 'true' for feature in (
                'images', 'networks', 'profiles', 'storage.volumes')},
            'Default {} project'.format(kind.title))
        for name in _OWN:
            setattr(default, name, getattr(self, name))
        self.projects = {'default': default}  # type: Dict[str, Project]
        self.operations = collections.OrderedDict(
        )  # type: Dict[str, Operation]
        self.listeners = []  # type: List[Any]
        self.threads = set()  # type: Any
        self.dying = threading.Event()  # type: threading.Event

    def has(self, extension):
        # type: (str) -> bool
        """Whether it has an extension of the API."""
        return extension in self.extensions

    def spawn(self, function, *args):
        # type: (Callable[..., Any], *Any) -> None
        """Run something in a thread that ends before the daemon does."""
        def run():
            # type: () -> None
            try:
                function(*args)
            finally:
                self.threads.discard(thread)
        thread = threading.Thread(target=run)
        thread.daemon = True
        with self.lock:
            self.threads.add(thread)
            thread.start()

    def die(self):
        # type: () -> None
        """End the operations as SIGKILL does, and wait for all threads."""
        self.dying.set()
        for operation in list(self.operations.values()):
            operation.abandon()
        for listener in list(self.listeners):
            listener.close_connection()
        deadline = time.time() + 5
        while time.time() < deadline:
            with self.lock:
                threads = self.threads - {threading.current_thread()}
            if not threads:
                break
            for thread in threads:
                thread.join(max(0, deadline - time.time()))
        self.operations.clear()
        self.listeners = []
        self.dying = threading.Event()
        for instance in self.instances.values():
            instance.recover()

    # Events

    def forget(self, listener):
        # type: (Any) -> None
        """Tell somebody no more."""
        if listener in self.listeners:
            self.listeners.remove(listener)

    def publish(self, kind, metadata):
        # type: (str, Dict[str, Any]) -> None
        """Tell the listeners."""
        listeners = [listener for listener in list(self.listeners)
                     if kind in listener.types]
        if not listeners:
            return
        event = {'type': kind, 'timestamp': timestamp(), 'metadata': metadata,
                 'location': 'none'}
        if kind != 'logging':
            event['project'] = 'default'
        text = json.dumps(event)
        for listener in listeners:
            listener.tell(text)

    def lifecycle(self, action, source, requestor=None, **context):
        # type: (str, str, Any, **Any) -> None
        """Tell that something has happened to an object."""
        metadata = {'action': action, 'source': source}  # type: Any
        if context:
            metadata['context'] = {
                key.replace('_', '-') if key != 'old_name' else key: value
                for key, value in context.items()}
        if requestor:
            metadata['requestor'] = requestor
        self.publish('lifecycle', metadata)

    # Operations

    def find_operation(self, identifier):
        # type: (str) -> Operation
        """The operation, unless it ended a while ago.

        :raises APIError: there is none
        """
        self.purge()
        try:
            return self.operations[identifier]
        except KeyError:
            raise APIError(404, 'Operation not found')

    def purge(self):
        # type: () -> None
        """Forget the operations that ended a while ago."""
        old = time.time() - self.retention
        with self.lock:
            for operation in list(self.operations.values()):
                if operation.ended and operation.ended < old:
                    del self.operations[operation.id]


_OWN = ('instances', 'images', 'aliases', 'profiles', 'networks')


class Project(object):
    """A part of a daemon with instances of its own, and on demand with other
    things; the rest it shares."""

    def __init__(self, daemon, name, config, description):
        # type: (Daemon, str, Dict[str, str], str) -> None
        self._daemon = daemon
        self.project = name
        self.features = config
        self.description = description
        self.instances = collections.OrderedDict()  # type: Dict[str, Any]
        for feature, names in (('images', ('images', 'aliases')),
                               ('profiles', ('profiles',)),
                               ('networks', ('networks',))):
            if config.get('features.' + feature) == 'true':
                for own in names:
                    setattr(self, own, collections.OrderedDict())
        if 'profiles' in self.__dict__:
            self.profiles['default'] = {
                'config': {}, 'devices': {}, 'description':
                'Default {} profile for project {}'.format(
                    daemon.kind.title, name)}

    @property
    def suffix(self):
        # type: () -> str
        """What the paths of its objects end with."""
        return '?project=' + self.project

    def __getattr__(self, name):
        # type: (str) -> Any
        return getattr(self._daemon, name)


class Operation(object):
    """What the server does in the background.

    :param work: called with the operation, in a thread of its own; what it
        raises is why the operation failed
    :param resources: the paths of what it works on, by kind
    :param secrets: of the websockets, by their names
    :param cancel: called to cancel it; without, it cannot be
    :param fails: a reason to fail before anything is done
    :param hold: seconds that it takes longer
    :param after: called before its end is told, however it ends
    """

    def __init__(self, daemon, description, work=None, resources=None,
                 metadata=None, secrets=None, cancel=None, fails=None,
                 hold=0.0, after=None):
        # type: (Daemon, str, Any, Any, Any, Any, Any, Any, float, Any) -> None
        self.daemon = daemon
        self.id = str(uuid.uuid4())  # type: str
        self.class_ = ('websocket' if secrets else 'task' if work else 'token')
        self.description = description
        self.resources = resources
        self.metadata = metadata  # type: Any
        self.secrets = secrets or {}  # type: Dict[str, str]
        self.status = 'Pending'  # type: str
        self.error = ''  # type: str
        self.code = 500  # type: int  # that the error would have as an answer
        self.hold = hold
        self.execution = None  # type: Any
        self.created = timestamp()  # type: str
        self.updated = self.created  # type: str
        self.ended = 0.0  # type: float
        self._work = work
        self._cancel = cancel
        self._fails = fails
        self._after = after
        self._changed = threading.Condition()
        self.sockets = {}  # type: Dict[str, Any]
        with daemon.lock:
            daemon.operations[self.id] = self

    @property
    def path(self):
        # type: () -> str
        """Its own path."""
        return '/1.0/operations/' + self.id

    def render(self):
        # type: () -> Dict[str, Any]
        """What is sent of it."""
        empty = {} if self.daemon.kind.wordy else None  # type: Any
        resources, metadata = self.resources or empty, self.metadata
        if self.daemon.kind.modern:
            urls = [url for some in (self.resources or {}).values()
                    for url in some]
            resources = {}
            metadata = dict(metadata or {}, **(
                {'entity_url': urls[0]} if urls else {}))
        return {
            'id': self.id, 'class': self.class_,
            'description': self.description, 'created_at': self.created,
            'updated_at': self.updated, 'status': self.status,
            'status_code': CODES[self.status],
            'resources': resources, 'metadata': metadata or empty,
            'may_cancel': bool(self._cancel or self.class_ == 'token'),
            'err': self.error, 'location': 'none'}

    def start(self):
        # type: () -> Dict[str, Any]
        """Begin, and return how it looked then."""
        self.tell()
        self.status = 'Running'
        self.tell()
        begun = self.render()
        if self._work:
            self.daemon.spawn(self._run)
        return begun

    def _run(self):
        # type: () -> None
        try:
            try:
                if self._fails:
                    raise APIError(400, self._fails)
                self._work(self)
            finally:
                if self._after:
                    self._after()
        except APIError as error:
            self.code = error.status
            self.finish('Failure', six.text_type(error))
        except Exception as error:
            self.finish('Failure', repr(error))
        else:
            self.finish('Success')
        finally:
            for websocket in list(self.sockets.values()):
                websocket.close_connection()

    def finish(self, status, error=''):
        # type: (str, str) -> None
        """Set how it ended, once."""
        with self._changed:
            if self.ended:
                return
            self.status, self.error = status, error
            self.ended = time.time()
            self._changed.notify_all()
        self.tell()

    def update(self, metadata):
        # type: (Dict[str, Any]) -> None
        """Add to its metadata, and tell."""
        self.metadata = dict(self.metadata or {}, **metadata)
        self.updated = timestamp()
        self.tell()

    def tell(self):
        # type: () -> None
        """Send an event about it."""
        self.daemon.publish('operation', self.render())

    def wait(self, seconds):
        # type: (float) -> None
        """Wait for its end, for ever if ``seconds`` is negative."""
        deadline = time.time() + seconds
        with self._changed:
            while not self.ended and not self.daemon.dying.is_set():
                left = deadline - time.time() if seconds >= 0 else 3600
                if left <= 0:
                    break
                self._changed.wait(left)

    def abandon(self):
        # type: () -> None
        """Leave it where it is; the daemon dies."""
        with self._changed:
            self._changed.notify_all()
        if self.execution:
            self.execution.kill(9)
        for websocket in list(self.sockets.values()):
            websocket.close_connection()

    def cancel(self):
        # type: () -> None
        """End it early.

        :raises APIError: it cannot be cancelled
        """
        if self.ended:
            raise APIError(400, 'Only running operations can be cancelled')
        if not self._cancel and self.class_ != 'token':
            raise APIError(400, "This operation can't be cancelled")
        if self._cancel:
            self._cancel(self)
        self.finish('Cancelled')

    # Websockets

    def name_of(self, secret):
        # type: (str) -> str
        """Which of its websockets a secret opens.

        :raises APIError: none
        """
        if self.class_ != 'websocket':
            raise APIError(500, 'Only websocket operations can be connected')
        if not secret:
            raise APIError(500, 'missing secret')
        for name, right in self.secrets.items():
            if secret == right and name not in self.sockets:
                return name
        raise APIError(500, 'permission denied')

    def attach(self, name, websocket):
        # type: (str, Any) -> None
        """Take one of its websockets, which has been connected."""
        with self._changed:
            self.sockets[name] = websocket
            self._changed.notify_all()

    def wait_for(self, names, seconds):
        # type: (Any, float) -> bool
        """Wait until all of these websockets are there."""
        deadline = time.time() + seconds
        with self._changed:
            while not set(names) <= set(self.sockets):
                left = deadline - time.time()
                if left <= 0 or self.daemon.dying.is_set():
                    return False
                self._changed.wait(left)
        return True


def write_file(path, chunks):
    # type: (str, Any) -> str
    """Write a file piece by piece, and return its SHA-256."""
    result = hashlib.sha256()
    with open(path + '.part', 'wb') as output:
        for chunk in chunks:
            output.write(chunk)
            result.update(chunk)
    os.rename(path + '.part', path)
    return six.text_type(result.hexdigest())
