"""Random calls of one object, compared with a plain model of it.

The machine calls a container of this library in any order. Meanwhile, another
client writes to the same instance, operations end, fail or are forgotten, and
others create instances with the old or the new name of the container.

The model holds the fields on the server (`truth`), the local changes
(`changes`), the save and the rename that may not have ended (`save`,
`rename`), and the failure that the next save must raise (`unraised`).
"""
import logging

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine, initialize, invariant, precondition, rule)

from pylxd import exceptions, models
from pylxd.core import other_clients, saving
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


def read_field(holder, field):
    """Return a field of an object or of a document."""
    name, _, key = field.partition('.')
    value = holder[name] if isinstance(holder, dict) else getattr(
        holder, name)
    return value.get(key, MISSING) if key else value


def write_field(holder, field, value):
    """Change a field of an object or of a document in place."""
    name, _, key = field.partition('.')
    if not key:
        if isinstance(holder, dict):
            holder[name] = value
        else:
            setattr(holder, name, value)
    elif value == MISSING:
        read_field(holder, name).pop(key, None)
    else:
        read_field(holder, name)[key] = value


class Change(object):
    """A local change of a field: the value it was made on, and the new one."""

    def __init__(self, base, value):
        self.base, self.value = base, value


class WarningCollector(logging.Handler):
    """Collects the warnings of the library."""

    def __init__(self):
        super(WarningCollector, self).__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


class ObjectLife(RuleBasedStateMachine):
    #: None until `create`: older hypothesis checks invariants before that.
    container = None

    def __init__(self):
        super(ObjectLife, self).__init__()
        self.warnings = WarningCollector()
        self.logger = logging.getLogger('pylxd')
        self.logger.addHandler(self.warnings)
        self.server = InstanceStore()
        self.client = InstanceClient(self.server)
        self.sleep, saving.sleep = saving.sleep, lambda seconds: None
        self.clock, other_clients.clock = other_clients.clock, lambda: 0.0

    @initialize(patch=st.sampled_from([False, False, True]))
    def create(self, patch):
        """Load the container; with PATCH, fewer saves start an operation."""
        if not patch:
            self.server.extensions.remove('patch')
            self.client = InstanceClient(self.server)
        self.identity = self.server.add('c1', config={'a': '0', 'b': '0'},
                                        devices={'d': {'type': 'none'}})
        self.container = Containers(self.client).get('c1')
        assert type(self.container) is models.Container
        self.truth = self.stored()
        self.changes = {}      # Change by field
        self.save = None       # a Background that may not have ended
        self.sent = {}         # what `save` sends: Change by field
        self.rename = None     # the Background of a rename
        self.old_name = None   # the name if the rename fails
        self.unraised = None     # the failed Background that save() must raise
        self.raised = []         # failed Backgrounds whose error was raised
        self.waited = []       # Backgrounds that the caller waited for
        self.expected_warnings = 0
        self.is_fresh = True   # whether unchanged fields show `truth`
        # Whether the next read loads the container; None: undefined
        self.container_is_stale = False
        self.counted = 0       # requests that were checked already

    def teardown(self):
        self.logger.removeHandler(self.warnings)
        saving.sleep, other_clients.clock = self.sleep, self.clock

    # The server's side

    def find_name(self):
        """Return the name that our instance has on the server."""
        name, = [name for name, document in self.server.documents.items()
                 if document['created_at'] == self.identity]
        return name

    def stored(self):
        """Return the fields that our instance has on the server."""
        document = self.server.documents[self.find_name()]
        return {field: read_field(document, field) for field in FIELDS}

    def end(self, operation):
        """End an operation, and update `truth`."""
        was_running = operation.status == 'Running'
        self.server.end(operation)
        if operation is self.save and was_running and not operation.error:
            self.truth.update(
                {field: change.value for field, change in self.sent.items()})

    # Results that a call learns first

    def learn_of_the_rename(self):
        """Predict: each call ends a pending rename first."""
        if self.rename is not None:
            self.end(self.rename)
            if self.rename.error:
                self.expected_warnings += 1
            self.rename = None

    def learn_of_the_save(self):
        """Predict: calls that change the object end its last save first."""
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
                base = sent.value  # another client wrote a third value
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
            if operation not in self.raised:
                self.unraised = operation

    def drop_what_both_sides_changed(self):
        """Predict a reload: a change that both sides made is none any more."""
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
        """Assign a value; MISSING deletes the key."""
        field, value = assignment
        self.read_all_fields()
        shown = read_field(self.container, field)
        write_field(self.container, field, value)
        change = self.changes.setdefault(field, Change(shown, value))
        change.value = value
        if value == change.base != self.truth[field]:
            self.is_fresh = False  # shows the base, not the other's value
        self.drop_unchanged()
        assert read_field(self.container, field) == value

    @rule(ours=ASSIGNMENTS, theirs=ASSIGNMENTS)
    def both_sides_write(self, ours, theirs):
        """Change one field on both sides, which is rare at random."""
        self.assign(ours)
        self.another_client_writes(
            (ours[0], theirs[1] if ours[0] == theirs[0] else ours[1]))

    @rule(assignment=ASSIGNMENTS, theirs=ASSIGNMENTS, fails=st.booleans())
    def a_save_is_forgotten(self, assignment, theirs, fails):
        """Forget a save and write a third value, which is rare at random."""
        self.assign(assignment)
        self.save_changes(wait=False, fails=fails)
        self.operations_end(forget=True)
        self.another_client_writes(theirs)

    @rule()
    def read_all_fields(self):
        """Read each field, which start() and stop() make stale."""
        if self.container_is_stale is None and (self.save or self.rename):
            self.sync()  # whether a read learns of them is undefined
        if self.container_is_stale:
            self.learn_of_the_rename()
        for field in FIELDS:
            shown = read_field(self.container, field)
            if field in self.changes:
                assert shown == self.changes[field].value
            elif field in self.sent:
                assert shown == self.sent[field].value
            elif self.is_fresh:
                assert shown == self.truth[field]
        was_stale, self.container_is_stale = self.container_is_stale, False
        if was_stale and any(change.value == self.truth[field]
                             for field, change in self.changes.items()):
            # Both sides made this change. Whether it is a local change after
            # a reload is undefined; after a sync() it is none.
            self.sync()

    @rule()
    def sync(self):
        self.learn_of_the_rename()
        self.learn_of_the_save()
        self.container.sync()
        for field, change in self.changes.items():
            change.base = self.truth[field]
        self.drop_unchanged()
        self.is_fresh, self.container_is_stale = True, False

    @rule()
    def rollback(self):
        self.learn_of_the_rename()
        self.learn_of_the_save()
        self.container.rollback()
        self.changes = {}
        self.is_fresh, self.container_is_stale = True, False

    @rule(wait=st.booleans(), fails=st.booleans())
    def save_changes(self, wait, fails):
        self.learn_of_the_rename()
        self.learn_of_the_save()
        self.end_others()
        before = len(self.server.requests)
        if self.unraised is not None:
            with pytest.raises(exceptions.OperationFailed) as caught:
                self.container.save(wait=wait)
            assert caught.value.operation.id == self.unraised.id
            self.raised.append(self.unraised)
            self.unraised = None
            assert not self.list_writes(before)
            return
        clashes = {field for field, change in self.changes.items()
                   if self.truth[field] not in (change.base, change.value)}
        to_send = {field: Change(self.truth[field], change.value)
                   for field, change in self.changes.items()
                   if self.truth[field] != change.value}
        if clashes:
            with pytest.raises(exceptions.Conflict) as caught:
                self.container.save(wait=wait)
            assert {'.'.join(key.split('.')[:2])
                    for key in caught.value.keys} == clashes
            self.drop_what_both_sides_changed()
            self.is_fresh, self.container_is_stale = True, False
            return
        if fails and to_send:
            self.server.next_error = 'refused'
        count = len(self.server.operations)
        try:
            self.container.save(wait=wait)
        except exceptions.LXDAPIException as error:
            assert fails and to_send and 'refused' in str(error)
            self.raised += self.server.operations[count:]
            self.drop_what_both_sides_changed()
            self.is_fresh, self.container_is_stale = False, False
            return
        finally:
            self.server.next_error = ''
        puts = [each for each in self.server.operations[count:]
                if each.method == 'PUT']
        assert not (fails and to_send) or puts and not wait
        if not self.changes:
            assert not self.list_writes(before)
        self.changes = {}
        if puts and not wait:
            self.save, self.sent = puts[-1], to_send
            self.is_fresh = False
            self.container_is_stale = (
                None if self.container_is_stale else False)
        else:
            self.truth.update({field: change.value
                               for field, change in to_send.items()})
            if wait and to_send:
                self.is_fresh, self.container_is_stale = True, False
            elif self.container_is_stale:
                self.container_is_stale, self.is_fresh = None, False

    @rule(wait=st.booleans(), action=st.sampled_from(['start', 'stop']))
    def change_state(self, wait, action):
        self.learn_of_the_rename()
        self.learn_of_the_save()
        self.end_others()
        getattr(self.container, action)(wait=wait)
        self.container_is_stale = True
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
                self.container.rename(name, wait=wait)
            return
        self.old_name = self.find_name()
        self.server.next_error = 'not allowed' if fails else ''
        if fails and wait:
            with pytest.raises(exceptions.OperationFailed):
                self.container.rename(name, wait=True)
        else:
            self.container.rename(name, wait=wait)
        if not wait:
            self.rename = self.server.operations[-1]

    @precondition(lambda self: self.container.operation is not None)
    @rule()
    def wait_for_the_operation(self):
        background, = [each for each in self.server.operations
                       if each.id == self.container.operation.id]
        self.end(background)
        # Whether the object then knows of the end is undefined, so the
        # server does not forget this operation
        if not background.is_forgotten:
            self.waited.append(background)
        try:
            self.container.operation.wait()
        except exceptions.OperationFailed:
            assert background.error
            self.raised.append(background)
            if background is self.unraised:
                self.unraised = None
        except exceptions.NotFound:
            assert background.is_forgotten

    # Other clients and the server

    def end_others(self):
        """End the operations of start() and stop(), which block no call."""
        for operation in self.server.operations:
            if operation not in (self.save, self.rename):
                self.end(operation)

    @rule(assignment=ASSIGNMENTS)
    def another_client_writes(self, assignment):
        for operation in self.server.operations:
            self.end(operation)  # another client has to wait for it
        field, value = assignment
        write_field(self.server.documents[self.find_name()], field, value)
        self.truth[field] = value
        self.is_fresh = False

    @rule(forget=st.booleans())
    def operations_end(self, forget):
        for operation in self.server.operations:
            self.end(operation)
            if forget and not (operation is self.rename
                               and self.has_other_instances()
                               or operation in self.waited):
                operation.is_forgotten = True

    def has_other_instances(self):
        """Return whether other clients have created instances.

        With the old or the new name of ours, they hide how a forgotten rename
        has ended.
        """
        return len(self.server.documents) > 1

    @precondition(lambda self: self.rename is None
                  or not self.rename.is_forgotten)
    @rule(name=st.sampled_from(NAMES))
    def another_client_creates(self, name):
        for operation in self.server.operations:
            self.end(operation)
        if name not in self.server.documents:
            self.server.add(name, description='foreign')

    @rule(name=st.sampled_from(NAMES))
    def another_client_deletes(self, name):
        document = self.server.documents.get(name)
        if document and document['created_at'] != self.identity and not (
                self.rename and self.rename.is_forgotten):
            del self.server.documents[name]

    # Invariants

    def list_writes(self, since):
        """Return the requests since then that are no GET."""
        return [request for request in self.server.requested[since:]
                if not request.startswith('GET ')]

    @precondition(lambda self: self.container is not None)
    @invariant()
    def no_request_reaches_another_instance(self):
        for request, identity in self.server.requests[self.counted:]:
            # A GET of each name finds out how a forgotten rename ended
            assert identity in (None, self.identity) or (
                request.startswith('GET ') and self.rename is not None)
        self.counted = len(self.server.requests)

    @precondition(lambda self: self.container is not None)
    @invariant()
    def other_instances_are_unchanged(self):
        for document in self.server.documents.values():
            assert (document['created_at'] == self.identity
                    or document['description'] == 'foreign'
                    and document['devices'] == {})

    @precondition(lambda self: self.container is not None)
    @invariant()
    def the_server_holds_the_merge_of_both_sides(self):
        assert self.stored() == self.truth

    @precondition(lambda self: self.container is not None)
    @invariant()
    def the_name_is_known(self):
        if self.rename is None:
            assert self.container.name == self.find_name()
            assert self.container.api.path == (
                '/1.0/instances/' + self.find_name())

    @precondition(lambda self: self.container is not None)
    @invariant()
    def dirty_tells_of_local_changes(self):
        if self.save is None or self.save not in self.raised:
            assert self.container.dirty == bool(self.changes)

    @precondition(lambda self: self.container is not None)
    @invariant()
    def each_failure_is_logged_once(self):
        assert len(self.warnings.messages) == self.expected_warnings


ObjectLife.TestCase.settings = settings(
    max_examples=200, stateful_step_count=30, deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck))
test_random_calls_of_an_object = ObjectLife.TestCase
