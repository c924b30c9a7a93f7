"""The life of an object against a plain model of it.

The machine calls a container of this library in any order, while another
client writes to the same instance, operations end, fail or are forgotten, and
others create instances under the names that the container had or shall have.
Beside it stands the model: the fields that the server must hold (`truth`), the
local changes (`changes`), the save and the rename that are not known to have
ended (`save`, `rename`), and the error that the next save must raise
(`untold`).
"""
import logging

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine, initialize, invariant, precondition, rule)

from pylxd import exceptions, models
from pylxd.core import rivals, saving
from pylxd.models.instance import Containers

from .instances import InstanceClient, InstanceStore

MISSING = 'no value'
CONFIG = ('config.a', 'config.b')
DEVICES = ('devices.d',)
FIELDS = CONFIG + DEVICES + ('description',)
NAMES = ('c1', 'c2', 'c3')
#: A field and a value for it.
ASSIGNMENTS = st.one_of(
    st.tuples(st.sampled_from(CONFIG), st.sampled_from(['1', '2', MISSING])),
    st.tuples(st.sampled_from(DEVICES), st.sampled_from(
        [{'type': 'none'}, {'type': 'nic'}, MISSING])),
    st.tuples(st.just('description'), st.sampled_from(['', 'x', 'y'])))


def read(holder, field):
    """Return a field of an object or of a document."""
    name, _, key = field.partition('.')
    value = holder[name] if isinstance(holder, dict) else getattr(
        holder, name)
    return value.get(key, MISSING) if key else value


def write(holder, field, value):
    """Change a field of an object or of a document in place."""
    name, _, key = field.partition('.')
    if not key:
        if isinstance(holder, dict):
            holder[name] = value
        else:
            setattr(holder, name, value)
    elif value == MISSING:
        read(holder, name).pop(key, None)
    else:
        read(holder, name)[key] = value


class Change(object):
    """A local change of a field: the value it was made on, and the new one."""

    def __init__(self, base, value):
        self.base, self.value = base, value


class Warnings(logging.Handler):
    """Collects the warnings of the library."""

    def __init__(self):
        super(Warnings, self).__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


class ObjectLife(RuleBasedStateMachine):
    mine = None  # until `create`; older hypothesis checks invariants before

    def __init__(self):
        super(ObjectLife, self).__init__()
        self.warnings = Warnings()
        self.logger = logging.getLogger('pylxd')
        self.logger.addHandler(self.warnings)
        self.server = InstanceStore()
        self.client = InstanceClient(self.server)
        self.sleep, saving.sleep = saving.sleep, lambda seconds: None
        self.clock, rivals.clock = rivals.clock, lambda: 0.0

    @initialize(patch=st.sampled_from([False, False, True]))
    def create(self, patch):
        """Load the container; with PATCH fewer saves begin an operation."""
        if not patch:
            self.server.extensions.remove('patch')
            self.client = InstanceClient(self.server)
        self.identity = self.server.add('c1', config={'a': '0', 'b': '0'},
                                        devices={'d': {'type': 'none'}})
        self.mine = Containers(self.client).get('c1')
        assert type(self.mine) is models.Container
        self.truth = self.stored()
        self.changes = {}      # Change by field
        self.save = None       # the Background of a save not known to be over
        self.sent = {}         # what it sends: Change by field
        self.rename = None     # the Background of a rename
        self.old_name = None   # what the object is called if that one fails
        self.untold = None     # the failed Background that save() must raise
        self.told = []         # those whose error was raised already
        self.waited = []       # those that the caller waited for
        self.expected_warnings = 0
        self.is_fresh = True   # whether unchanged fields are as in `truth`
        # Whether the next read loads it anew; None if that is left open
        self.mine_is_stale = False
        self.counted = 0       # requests that were looked at already

    def teardown(self):
        self.logger.removeHandler(self.warnings)
        saving.sleep, rivals.clock = self.sleep, self.clock

    # The server's side

    def find(self):
        """Return the name that our instance has on the server."""
        name, = [name for name, document in self.server.documents.items()
                 if document['created_at'] == self.identity]
        return name

    def stored(self):
        """Return the fields that our instance has on the server."""
        document = self.server.documents[self.find()]
        return {field: read(document, field) for field in FIELDS}

    def end(self, operation):
        """End an operation; `truth` follows."""
        was_running = operation.status == 'Running'
        self.server.end(operation)
        if operation is self.save and was_running and not operation.error:
            self.truth.update(
                {field: change.value for field, change in self.sent.items()})

    # What a call learns first

    def learn_of_the_rename(self):
        """The model of: each call finishes a pending rename first."""
        if self.rename is not None:
            self.end(self.rename)
            if self.rename.error:
                self.expected_warnings += 1
            self.rename = None

    def learn_of_the_save(self):
        """The model of: calls that change the object finish its last save."""
        if self.save is None:
            return
        operation = self.save
        self.end(operation)
        self.save = None
        is_done = not operation.error
        for field, sent in self.sent.items():
            there = self.truth[field]
            if operation.is_forgotten and there not in (
                    sent.base, sent.value):
                base = sent.value  # the third value is another client's
            elif operation.is_forgotten:
                base = there if there == sent.value else sent.base
            else:
                base = sent.value if is_done else sent.base
            if field in self.changes:
                self.changes[field].base = base
            elif base == sent.base != sent.value:
                self.changes[field] = Change(base, sent.value)
        self.sent = {}
        self.drop_unchanged()
        if is_done or operation.is_forgotten:
            self.drop_what_both_sides_changed()
        self.is_fresh = False
        if operation.error and not operation.is_forgotten:
            self.expected_warnings += 1
            if operation not in self.told:
                self.untold = operation

    def drop_what_both_sides_changed(self):
        """The model of a reload: it sees where both made the same change."""
        self.changes = {field: change for field, change
                        in self.changes.items()
                        if change.value != self.truth[field]}

    def drop_unchanged(self):
        self.changes = {field: change for field, change
                        in self.changes.items()
                        if change.value != change.base}

    # Calls of the object

    @rule(assignment=ASSIGNMENTS)
    def assign(self, assignment):
        """Also deletes a key: where the value is MISSING."""
        field, value = assignment
        self.read()
        shown = read(self.mine, field)
        write(self.mine, field, value)
        change = self.changes.setdefault(field, Change(shown, value))
        change.value = value
        if value == change.base != self.truth[field]:
            self.is_fresh = False  # set back to its base, it hides the other's
        self.drop_unchanged()
        assert read(self.mine, field) == value

    @rule(ours=ASSIGNMENTS, theirs=ASSIGNMENTS)
    def both_sides_write(self, ours, theirs):
        """Make a clash likely: at random few rules meet on one field."""
        self.assign(ours)
        self.another_client_writes(
            (ours[0], theirs[1] if ours[0] == theirs[0] else ours[1]))

    @rule(assignment=ASSIGNMENTS, theirs=ASSIGNMENTS, fails=st.booleans())
    def a_save_is_forgotten(self, assignment, theirs, fails):
        """Make a forgotten save likely, and a third value after it."""
        self.assign(assignment)
        self.save_changes(wait=False, fails=fails)
        self.operations_end(forget=True)
        self.another_client_writes(theirs)

    @rule()
    def read(self):
        """Read each field: start() and stop() make them stale."""
        if self.mine_is_stale is None and (self.save or self.rename):
            self.sync()  # whether a read learns of them is left open
        if self.mine_is_stale:
            self.learn_of_the_rename()
        for field in FIELDS:
            shown = read(self.mine, field)
            if field in self.changes:
                assert shown == self.changes[field].value
            elif field in self.sent:
                assert shown == self.sent[field].value
            elif self.is_fresh:
                assert shown == self.truth[field]
        was_stale, self.mine_is_stale = self.mine_is_stale, False
        if was_stale and any(change.value == self.truth[field]
                             for field, change in self.changes.items()):
            # Both sides made this change. Whether it is still a local one
            # after a reload is left open; after a sync() it is none.
            self.sync()

    @rule()
    def sync(self):
        self.learn_of_the_rename()
        self.learn_of_the_save()
        self.mine.sync()
        for field, change in self.changes.items():
            change.base = self.truth[field]
        self.drop_unchanged()
        self.is_fresh, self.mine_is_stale = True, False

    @rule()
    def rollback(self):
        self.learn_of_the_rename()
        self.learn_of_the_save()
        self.mine.rollback()
        self.changes = {}
        self.is_fresh, self.mine_is_stale = True, False

    @rule(wait=st.booleans(), fails=st.booleans())
    def save_changes(self, wait, fails):
        self.learn_of_the_rename()
        self.learn_of_the_save()
        self.end_others()
        before = len(self.server.requests)
        if self.untold is not None:
            with pytest.raises(exceptions.OperationFailed) as caught:
                self.mine.save(wait=wait)
            assert caught.value.operation.id == self.untold.id
            self.told.append(self.untold)
            self.untold = None
            assert not self.writes(before)
            return
        clashes = {field for field, change in self.changes.items()
                   if self.truth[field] not in (change.base, change.value)}
        to_send = {field: Change(self.truth[field], change.value)
                   for field, change in self.changes.items()
                   if self.truth[field] != change.value}
        if clashes:
            with pytest.raises(exceptions.Conflict) as caught:
                self.mine.save(wait=wait)
            assert {'.'.join(key.split('.')[:2])
                    for key in caught.value.keys} == clashes
            self.drop_what_both_sides_changed()
            self.is_fresh, self.mine_is_stale = True, False
            return
        if fails and to_send:
            self.server.next_error = 'refused'
        count = len(self.server.operations)
        try:
            self.mine.save(wait=wait)
        except exceptions.LXDAPIException as error:
            assert fails and to_send and 'refused' in str(error)
            self.told += self.server.operations[count:]
            self.drop_what_both_sides_changed()
            self.is_fresh, self.mine_is_stale = False, False
            return
        finally:
            self.server.next_error = ''
        begun = [each for each in self.server.operations[count:]
                 if each.method == 'PUT']
        assert not (fails and to_send) or begun and not wait
        if not self.changes:
            assert not self.writes(before)
        self.changes = {}
        if begun and not wait:
            self.save, self.sent = begun[-1], to_send
            self.is_fresh = False
            self.mine_is_stale = None if self.mine_is_stale else False
        else:
            self.truth.update({field: change.value
                               for field, change in to_send.items()})
            if wait and to_send:
                self.is_fresh, self.mine_is_stale = True, False
            elif self.mine_is_stale:
                self.mine_is_stale, self.is_fresh = None, False

    @rule(wait=st.booleans(), action=st.sampled_from(['start', 'stop']))
    def change_state(self, wait, action):
        self.learn_of_the_rename()
        self.learn_of_the_save()
        self.end_others()
        getattr(self.mine, action)(wait=wait)
        self.mine_is_stale = True
        if wait:
            self.is_fresh = True

    @rule(wait=st.booleans(), fails=st.booleans(),
          name=st.sampled_from(NAMES))
    def rename_to(self, wait, fails, name):
        self.learn_of_the_rename()
        self.learn_of_the_save()
        self.end_others()
        if name in self.server.documents:
            with pytest.raises(exceptions.Conflict):
                self.mine.rename(name, wait=wait)
            return
        self.old_name = self.find()
        self.server.next_error = 'not allowed' if fails else ''
        if fails and wait:
            with pytest.raises(exceptions.OperationFailed):
                self.mine.rename(name, wait=True)
        else:
            self.mine.rename(name, wait=wait)
        if not wait:
            self.rename = self.server.operations[-1]

    @precondition(lambda self: self.mine.operation is not None)
    @rule()
    def wait_for_the_operation(self):
        background, = [each for each in self.server.operations
                       if each.id == self.mine.operation.id]
        self.end(background)
        # Whether the object then knows of the end is left open, so the
        # server does not forget this operation
        if not background.is_forgotten:
            self.waited.append(background)
        try:
            self.mine.operation.wait()
        except exceptions.OperationFailed:
            assert background.error
            self.told.append(background)
            if background is self.untold:
                self.untold = None
        except exceptions.NotFound:
            assert background.is_forgotten

    # Others

    def end_others(self):
        """End what start() or stop() began, which holds up no later call."""
        for operation in self.server.operations:
            if operation not in (self.save, self.rename):
                self.end(operation)

    @rule(assignment=ASSIGNMENTS)
    def another_client_writes(self, assignment):
        for operation in self.server.operations:
            self.end(operation)  # as another client has to wait for it
        field, value = assignment
        write(self.server.documents[self.find()], field, value)
        self.truth[field] = value
        self.is_fresh = False

    @rule(forget=st.booleans())
    def operations_end(self, forget):
        for operation in self.server.operations:
            self.end(operation)
            if forget and not (operation is self.rename
                               and self.is_disputed()
                               or operation in self.waited):
                operation.is_forgotten = True

    def is_disputed(self):
        """Tell whether others have the old or the new name of our instance.

        How a forgotten rename ended is then not known by the names alone.
        """
        return len(self.server.documents) > 1

    @precondition(lambda self: self.rename is None
                  or not self.rename.is_forgotten)
    @rule(name=st.sampled_from(NAMES))
    def someone_creates(self, name):
        for operation in self.server.operations:
            self.end(operation)
        if name not in self.server.documents:
            self.server.add(name, description='foreign')

    @rule(name=st.sampled_from(NAMES))
    def someone_deletes(self, name):
        document = self.server.documents.get(name)
        if document and document['created_at'] != self.identity and not (
                self.rename and self.rename.is_forgotten):
            del self.server.documents[name]

    # What always holds

    def writes(self, since):
        """Return the requests that change an instance."""
        return [request for request in self.server.requested[since:]
                if not request.startswith('GET ')]

    @precondition(lambda self: self.mine is not None)
    @invariant()
    def no_request_reaches_another_instance(self):
        for request, identity in self.server.requests[self.counted:]:
            # Only the names tell how a forgotten rename has ended
            assert identity in (None, self.identity) or (
                request.startswith('GET ') and self.rename is not None)
        self.counted = len(self.server.requests)

    @precondition(lambda self: self.mine is not None)
    @invariant()
    def others_stay_as_they_are(self):
        for document in self.server.documents.values():
            assert (document['created_at'] == self.identity
                    or document['description'] == 'foreign'
                    and document['devices'] == {})

    @precondition(lambda self: self.mine is not None)
    @invariant()
    def the_server_holds_the_merge_of_both_sides(self):
        assert self.stored() == self.truth

    @precondition(lambda self: self.mine is not None)
    @invariant()
    def the_name_is_known(self):
        if self.rename is None:
            assert self.mine.name == self.find()
            assert self.mine.api.path == '/1.0/instances/' + self.find()

    @precondition(lambda self: self.mine is not None)
    @invariant()
    def dirty_tells_of_local_changes(self):
        if self.save is None or self.save not in self.told:
            assert self.mine.dirty == bool(self.changes)

    @precondition(lambda self: self.mine is not None)
    @invariant()
    def each_failure_is_logged_once(self):
        assert len(self.warnings.messages) == self.expected_warnings


ObjectLife.TestCase.settings = settings(
    max_examples=200, stateful_step_count=30, deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck))
test_life = ObjectLife.TestCase
