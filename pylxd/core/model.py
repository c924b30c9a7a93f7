"""What every resource shares: attributes, lifecycle, listing.

A `Model` holds two things apart: the server's representation as last seen,
and the local working values. What is dirty is found by comparing them, so a
change inside a dict counts, and a save sends the whole representation with
the changes in it, so that fields this library does not know survive.
"""
import collections
import random
import threading
import time

import six

from pylxd import exceptions
from pylxd.core import operation
from pylxd.transport import dialect, rest

TYPE_CHECKING = False
if TYPE_CHECKING:
    import requests
    from typing import (
        Any, Dict, Iterable, Iterator, List, Optional, Tuple)
    from pylxd.transport.rest import Node
    from pylxd.client import Client

#: Seconds that `Model.save` goes on trying while the object is busy or
#: changes faster than it can be merged.
SAVE_WITHIN = 60
#: Seconds after a save for which a change by others may appear that was
#: allowed before it (seen: 0.1). Where others make changes, it waits so long.
RIVALS_WITHIN = 0.5

clock = getattr(time, 'monotonic', time.time)


class _Own(threading.local):
    """What this thread has begun, which is no rival of what it does next."""

    def __init__(self):
        # type: () -> None
        self.operations = collections.deque(
            maxlen=1000)  # type: collections.deque[str]


_own = _Own()


class _Missing(object):
    def __repr__(self):
        # type: () -> str
        return 'MISSING'


#: Stands for a key that is not there, when representations are compared.
MISSING = _Missing()  # type: Any


class Mapping(dict):  # type: ignore[type-arg]
    """A dict whose ``update`` returns it.

    So ``profile.config = profile.config.update({...})`` does what its reader
    expects.
    """

    def update(self, *args, **kwargs):  # type: ignore[override]
        # type: (*Any, **Any) -> Mapping
        """Change it like a dict, and return it."""
        super(Mapping, self).update(*args, **kwargs)
        return self


class Attribute(object):
    """The descriptor that `attribute` makes."""

    name = ''

    def __init__(self, kind=None, readonly=False):
        # type: (Optional[type], bool) -> None
        self.kind = six.string_types if kind is str else kind
        self.readonly = readonly

    def __get__(self, model, cls=None):
        # type: (Optional[Model], Any) -> Any
        return self if model is None else model._read(self.name)

    def __set__(self, model, value):
        # type: (Model, Any) -> None
        if self.readonly:
            raise AttributeError('{}.{} is read-only'.format(
                type(model).__name__, self.name))
        if self.kind is not None and not isinstance(value, self.kind):
            raise TypeError('{}.{} cannot be {!r}{}'.format(
                type(model).__name__, self.name, value,
                ': write {} to empty it'.format(self.kind()) if value is None
                and self.kind in (dict, list) else ''))
        model._assign(self.name, value)


def attribute(kind=None, readonly=False):
    # type: (Optional[type], bool) -> Any
    """Declare an attribute of a model.

    :param kind: what may be assigned: ``str``, ``bool``, ``dict``, ``list``.
    :param readonly: the server does not let it be set.
    """
    return Attribute(kind, readonly)


class ModelType(type):
    """Collects the attributes that a model declares."""

    def __init__(cls, name, bases, namespace):
        # type: (str, Any, Dict[str, Any]) -> None
        super(ModelType, cls).__init__(name, bases, namespace)
        declared = {}  # type: Dict[str, Attribute]
        for base in reversed(cls.__mro__):
            for key, value in vars(base).items():
                if isinstance(value, Attribute):
                    value.name = key
                    declared[key] = value
        cls.__attributes__ = declared

    if TYPE_CHECKING:
        # The class methods come from the manager: see `ManagerType`
        def __getattr__(cls, name):
            # type: (str) -> Any
            pass


class Model(six.with_metaclass(ModelType)):
    """One object of the server.

    :param client: the `Client` that talks to its server.
    :param attributes: what is known of it; its key at least.
    """

    __attributes__ = {}  # type: Dict[str, Attribute]
    #: The segment of the URL under which all of its kind are.
    path = ''
    #: The attribute that tells it from others.
    key = 'name'

    client = None  # type: Any

    # What `_start` sets, for each object
    _seen = {}  # type: Dict[str, Any]
    _local = {}  # type: Dict[str, Any]
    _etag = None  # type: Optional[str]
    _stale = False
    _unsettled = None  # type: Optional[Tuple[Any, Dict[str, Any]]]

    def __init__(self, client, **attributes):
        # type: (Client, **Any) -> None
        self._start(client, attributes)

    def _start(self, client, seen, etag=None, loaded=False, listing=None):
        # type: (Client, Dict[str, Any], Any, bool, Any) -> None
        # Not by assignment, which would take them for changes
        self.__dict__.update(
            client=client,
            _seen=seen,         # the representation as the server gave it
            _etag=etag,         # of just that representation
            _loaded=loaded,     # whether it is the whole one
            _stale=False,       # whether the server has changed it since
            _listing=listing,   # what was listed with it
            _local={},          # working values: handed out or assigned
            _unsettled=None)    # a save whose operation may still fail

    # -- identity

    @classmethod
    def _collection(cls, client):
        # type: (Client) -> Tuple[Node, Dict[str, str]]
        """Where all of its kind are, and the query to list them."""
        return client.api[cls.path], {}

    @property
    def api(self):
        # type: () -> Node
        """The object's place in the REST tree."""
        return self._collection(self.client)[0][self._key]

    @property
    def _key(self):
        # type: () -> str
        return self._seen[self.key]

    def __repr__(self):
        # type: () -> str
        status = None if self._stale else self._seen.get('status')
        return '<{} {}{}>'.format(
            type(self).__name__,
            exceptions.printable(self._seen.get(self.key, '?')),
            ': ' + exceptions.printable(status) if status else '')

    def _identity(self):
        # type: () -> Tuple[Any, ...]
        return type(self), self.client.identity, self.api.path

    def __eq__(self, other):
        # type: (object) -> bool
        return (type(other) is type(self)
                and other._identity() == self._identity())

    def __ne__(self, other):
        # type: (object) -> bool
        return not self == other

    def __hash__(self):
        # type: () -> int
        return hash(self._identity())

    def __iter__(self):
        # type: () -> Iterator[Tuple[str, Any]]
        """Pairs of name and value of each declared attribute."""
        for name in self.__attributes__:
            yield name, getattr(self, name)

    # -- attributes

    def _read(self, name):
        # type: (str) -> Any
        known = name in self._seen
        if not known and not self._loaded or self._stale and name != self.key:
            self._load()
        if name in self._local:
            return self._local[name]
        value = self._seen.get(name)
        if isinstance(value, (dict, list)):
            value = _copy(value)
            declared = self.__attributes__.get(name)
            if declared is None or not declared.readonly:
                value = self._local.setdefault(name, value)
        return value

    def _assign(self, name, value):
        # type: (str, Any) -> None
        if value is self._local.get(name, MISSING):
            return
        value = _copy(value)
        if name == 'config':
            _keep_volatile(value, self._seen.get(name))
        self._local[name] = value

    def __getattr__(self, name):
        # type: (str) -> Any
        state = self.__dict__
        if not name.startswith('_') and name in state.get('_seen', ()):
            return self._read(name)  # a field that only the server knows
        raise AttributeError('{} has no attribute {!r}: {}'.format(
            type(self).__name__, name,
            'the server sent none either' if state.get('_loaded') else
            'nor is a field of that name loaded; sync() loads them'))

    def __setattr__(self, name, value):
        # type: (str, Any) -> None
        if name.startswith('_') or name == 'client' or hasattr(
                type(self), name):
            super(Model, self).__setattr__(name, value)
        elif name in self._seen:
            self._assign(name, value)
        else:
            self.__getattr__(name)  # raises, and says why

    def __dir__(self):
        # type: () -> List[str]
        return sorted(set(dir(type(self))) | set(self.__dict__)
                      | set(self._seen))

    # -- lifecycle

    @property
    def dirty(self):
        # type: () -> bool
        """Whether there are local changes that are not saved."""
        return any(self._is_changed(name) for name in self._local)

    def _is_changed(self, name):
        # type: (str) -> bool
        return self._local[name] != self._seen.get(name, MISSING)

    def sync(self, rollback=False):
        # type: (bool) -> None
        """Load what the server has now.

        :param rollback: drop local changes too; otherwise they are kept,
            key by key, over what is loaded.
        :raises NotFound: it is not there any more.
        """
        self._settle()
        document, etag = self._fetch()
        self._accept(document, etag, {} if rollback else self._changes())

    def _expire(self):
        # type: () -> None
        """The server has changed it: the next read loads it anew."""
        self.__dict__.update(_etag=None, _stale=True, _listing=None)

    def rollback(self):
        # type: () -> None
        """Drop all local changes, and load what the server has now."""
        self.sync(rollback=True)

    def save(self, wait=False):
        # type: (bool) -> None
        """Send the local changes; without any, nothing is sent.

        The whole representation goes with its ETag. If someone else
        changed the object meanwhile, changes of different keys are merged;
        while another change of it runs, this one waits and tries again,
        both for at most `SAVE_WITHIN` seconds.

        :param wait: return when the server has done it.
        :raises Conflict: both changed the same key; ``keys`` names them and
            the local changes are kept. After `sync`, a save overwrites.
        :raises LXDAPIException: the server refused; the local changes are
            kept.

        Endpoint: ``PUT`` on the object.
        """
        deadline = clock() + SAVE_WITHIN
        while True:
            try:
                self._settle()
                if not self.dirty:
                    return
                self._put()
                if not wait:
                    return
            except exceptions.Conflict as conflict:
                if conflict.keys or clock() > deadline:
                    raise
                self._etag = None
            except exceptions.LXDAPIException as error:
                if not dialect.is_busy(error) or clock() > deadline:
                    raise
                self._etag = None
                self._await_quiet()

    def update(self, wait=False):
        # type: (bool) -> None
        """The same as `save`."""
        self.save(wait)

    def _put(self):
        # type: () -> None
        if self._etag is None or not self._loaded:
            document, etag = self._fetch()
            self._accept(document, etag, self._changes(), strict=True)
            if not self.dirty:
                return  # someone else has made the same changes
        body = dict(self._seen, **self._local)
        headers = {'If-Match': self._etag} if self._etag else {}
        begun = operation.begun(
            self.client, self.api.put(json=body, headers=headers))
        if begun is not None:
            self._unsettled = begun, self._seen
            _own.operations.append(begun.id)
        self.__dict__.update(_seen=_plain(body), _etag=None)

    def _settle(self):
        # type: () -> None
        """Wait for the operation of the last save, and see that it held.

        The server checks the ETags of two changes that come together before
        it makes either (seen on LXD 5.0.2), so that the later one undoes the
        other. So look at what is there until no change has come between,
        and if one has, take for a local change again what is not there. If
        not, what is there is what the server has made of it.
        """
        if self._unsettled is None:
            return
        begun, before = self._unsettled
        known = {begun.id}
        disturbed = patient = False
        deadline = clock() + SAVE_WITHIN
        try:
            begun.wait()
        except exceptions.NotFound:
            disturbed = True  # it ended a while ago; how, nobody knows
        except exceptions.OperationFailed:
            self._unsettled = None
            self._unsave(before)
            raise
        while True:
            document, etag = self._fetch()
            others = [each for each in self._operations()
                      if each.description == begun.description
                      and each.id not in _own.operations]
            rivals = [each for each in others
                      if each.id not in known and each.overlaps(begun)]
            if clock() > deadline or not rivals and (
                    patient or not others):
                break
            if not rivals:
                time.sleep(RIVALS_WITHIN)
                patient = True
                continue
            disturbed = True
            known.update(each.id for each in rivals)
            self._wait_for(rivals)
        self._unsettled = None  # not before, as the server may be lost
        if disturbed:
            self._unsave(_reached(before, self._seen, document))
        self._accept(document, etag, self._changes(), strict=True)

    def _unsave(self, before):
        # type: (Dict[str, Any]) -> None
        """Make what was sent over ``before`` a local change again."""
        for name, value in self._seen.items():
            if name not in self._local and value != before.get(name):
                self._local[name] = _copy(value)
        self._seen = before

    def _operations(self):
        # type: () -> List[operation.Operation]
        """Those of the object that the server remembers."""
        place = '/' + rest.quote(self._key)
        return [each for each in operation.Operation.all(self.client)
                if any(url.partition('?')[0].endswith(place)
                       for urls in (each.resources or {}).values()
                       for url in urls)]

    def _await_quiet(self):
        # type: () -> None
        """Let the change of the object that runs now come to its end."""
        if not self._wait_for(each for each in self._operations()
                              if each.class_ == 'task'):
            # It has just ended, or is of a kind that is not listed
            time.sleep(random.uniform(0.01, 0.1))

    def _wait_for(self, others):
        # type: (Iterable[operation.Operation]) -> bool
        """Wait for those that run; how they end is not our concern."""
        running = [each for each in others if each.running]
        for each in running:
            try:
                each.wait(timeout=SAVE_WITHIN)
            except exceptions.LXDException:
                pass
        return bool(running)

    def _changes(self):
        # type: () -> Dict[str, Tuple[Any, Any]]
        """Each changed attribute: what it was, and what it shall be."""
        return {name: (self._seen.get(name, MISSING), self._local[name])
                for name in self._local if self._is_changed(name)}

    def _accept(self, document, etag, changes, strict=False):
        # type: (Dict[str, Any], Any, Dict[str, Any], bool) -> None
        """Take a new representation, and put local changes over it.

        :param strict: refuse, and change nothing, where both sides changed
            the same key; otherwise the local change stays.
        """
        conflicts = []  # type: List[str]
        values = {}
        for name in self._local:
            values[name] = theirs = document.get(name)
            if name in changes:
                base, mine = changes[name]
                if base is MISSING:  # assigned before anything was seen
                    values[name] = mine
                    if name == 'config':
                        _keep_volatile(mine, theirs)
                else:
                    values[name] = _merge(base, mine, theirs, name, conflicts)
        if conflicts and strict:
            raise exceptions.Conflict(
                self._last_answer, keys=tuple(sorted(conflicts)))
        for name, value in values.items():
            # In place: the caller may hold the very dict or list
            self._local[name] = _refill(self._local[name], value)
        self.__dict__.update(
            _seen=document, _etag=etag, _loaded=True, _stale=False,
            _listing=None)

    def _fetch(self):
        # type: () -> Tuple[Dict[str, Any], Any]
        self._last_answer = response = self.api.get()
        return (self._document(rest.metadata(response)),
                response.headers.get('ETag'))

    def _document(self, document):
        # type: (Dict[str, Any]) -> Dict[str, Any]
        """A representation with the key under which this library has it."""
        return document

    def _load(self):
        # type: () -> None
        """Load what is missing; with one request for all that were listed
        together."""
        document = self._listing and self._listing.take(self._key)
        etag = None
        if not document:
            document, etag = self._fetch()
        self._accept(document, etag, self._changes())

    def marshall(self, skip_readonly=True):
        # type: (bool) -> Dict[str, Any]
        """The attributes as a dict that can be sent.

        :param skip_readonly: leave out what the server does not let be set.
        """
        return {name: _plain(getattr(self, name))
                for name, declared in self.__attributes__.items()
                if not (skip_readonly and declared.readonly)}

    def delete(self, wait=False):
        # type: (bool) -> None
        """Delete it on the server.

        :param wait: return when it is gone.
        :raises LXDAPIException: the server refused.

        Endpoint: ``DELETE`` on the object.
        """
        operation.begun(self.client, self.api.delete(), wait)

    def raw_put(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """PUT a dict as it is."""
        operation.begun(self.client, self.api.put(json=obj), wait)

    def raw_patch(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """PATCH with a dict as it is."""
        operation.begun(self.client, self.api.patch(json=obj), wait)

    def put(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Replace the representation by a dict, then `rollback`."""
        self.raw_put(obj, wait)
        self.rollback()

    def patch(self, obj, wait=False):
        # type: (Dict[str, Any], bool) -> None
        """Change the keys of a dict alone, then `rollback`."""
        self.raw_patch(obj, wait)
        self.rollback()

    def post(self, json=None, wait=False):
        # type: (Optional[Dict[str, Any]], bool) -> requests.Response
        """POST to the object."""
        response = self.api.post(json=json)
        operation.begun(self.client, response, wait)
        return response


class State(object):
    """What an object does at one moment: the keys of the server's answer as
    attributes."""

    def __init__(self, state):
        # type: (Dict[str, Any]) -> None
        self.__dict__.update(state)

    def __iter__(self):
        # type: () -> Iterator[Tuple[str, Any]]
        return iter(self.__dict__.items())

    def __repr__(self):
        # type: () -> str
        return '<{} {}>'.format(
            type(self).__name__, exceptions.printable(
                self.__dict__.get('status', self.__dict__.get('state'))))


class Named(Model):
    """A model whose key is a name that can be changed."""

    def rename(self, new_name, wait=False):
        # type: (str, bool) -> Any
        """Rename it; the object has the new name from now on.

        :param wait: return when the server has done it.
        :return: the object.
        :raises InvalidName: no server can mean that name.
        :raises LXDAPIException: the server refused, as when it is taken.

        Endpoint: ``POST`` on the object.
        """
        rest.quote(new_name)
        response = self.api.post(json={'name': new_name})
        operation.begun(self.client, response, wait)
        self.__dict__.update(
            _seen=dict(self._seen, **{self.key: new_name}),
            _etag=None, _listing=None)
        return self


def _copy(value):
    # type: (Any) -> Any
    """A working copy of a value of JSON."""
    if isinstance(value, dict):
        copied = Mapping(value)
        for key, each in value.items():
            if isinstance(each, (dict, list, tuple)):
                # Not for each text: 1.6 us instead of 2.8 for a config
                copied[key] = _copy(each)
        return copied
    if isinstance(value, (list, tuple)):
        return [_copy(each) for each in value]
    return value


def _plain(value):
    # type: (Any) -> Any
    """The same, of plain dicts."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


def _refill(held, value):
    # type: (Any, Any) -> Any
    """``held`` with the content of ``value``, if it can be filled."""
    if held is value:
        return held
    if isinstance(held, dict) and isinstance(value, dict):
        value = _copy(value)
        held.clear()
        held.update(value)
        return held
    if isinstance(held, list) and isinstance(value, list):
        held[:] = _copy(value)
        return held
    return _copy(value)


def _keep_volatile(mine, theirs):
    # type: (Any, Any) -> None
    """Keep the ``volatile.*`` keys, which are the server's own, when the
    caller replaces a whole ``config``."""
    for key, value in (theirs or {}).items():
        if key.startswith('volatile.'):
            mine.setdefault(key, value)


def _reached(before, sent, there):
    # type: (Any, Any, Any) -> Any
    """``sent`` as far as it is ``there``, and ``before`` elsewhere."""
    if sent == there:
        return sent
    if not all(isinstance(each, dict) for each in (before, sent, there)):
        return before
    reached = {key: _reached(before.get(key, MISSING), sent.get(key, MISSING),
                             there.get(key, MISSING))
               for key in set(before) | set(sent)}
    return {key: value for key, value in reached.items()
            if value is not MISSING}


def _merge(base, mine, theirs, place, conflicts):
    # type: (Any, Any, Any, str, List[str]) -> Any
    """What both sides made of ``base``; keys that both changed, to different
    values, are added to ``conflicts`` and stay as they are here."""
    if mine == base:
        return theirs
    if theirs == base or theirs == mine:
        return mine
    if not all(isinstance(each, dict) for each in (base, mine, theirs)):
        conflicts.append(place)
        return mine
    merged = {}
    for key in set(base) | set(mine) | set(theirs):
        value = _merge(base.get(key, MISSING), mine.get(key, MISSING),
                       theirs.get(key, MISSING), place + '.' + key, conflicts)
        if value is not MISSING:
            merged[key] = value
    return merged
