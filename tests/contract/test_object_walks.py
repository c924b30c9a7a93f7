"""Two clients change one object at random, and a plain model predicts it.

tests/unit/test_object_state_machine.py is the long form, in which operations
also fail and are forgotten; this test runs on a real server too.
"""
import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine, invariant, rule, run_state_machine_as_test)

from pylxd import exceptions
from pylxd.core import other_clients
from helpers import EMPTY, NIC

FIELDS = ('user.a', 'user.b', 'description', 'nic')
#: A value for each field; None removes a key or a device.
VALUES = {
    'user.a': st.sampled_from(['1', '2', None]),
    'user.b': st.sampled_from(['1', '2', None]),
    'description': st.sampled_from(['', 'x', u'\xe4']),
    'nic': st.sampled_from(['n1', 'n2', None])}
CHANGES = st.sampled_from(FIELDS).flatmap(
    lambda field: st.tuples(st.just(field), VALUES[field]))


def read_field(model, field):
    """Return the value of a field of an object; None if it is missing."""
    if field == 'description':
        return model.description
    if field == 'nic':
        return model.devices.get('n', {}).get('name')
    return model.config.get(field)


def write_field(model, field, value):
    """Change a field in place."""
    if field == 'description':
        model.description = value
    elif field == 'nic':
        model.devices.pop('n', None)
        if value is not None:
            model.devices['n'] = dict(NIC, name=value)
    elif value is None:
        model.config.pop(field, None)
    else:
        model.config[field] = value


class Side(object):
    """One of the two clients: its object, and its expected values."""

    def __init__(self, model):
        self.model = model
        self.base = {field: read_field(model, field) for field in FIELDS}
        self.local = dict(self.base)

    @property
    def changed(self):
        """The fields with local changes."""
        return {field for field in FIELDS
                if self.local[field] != self.base[field]}

    def load(self, truth):
        """Predict what loading the object does: local changes are kept."""
        changed = self.changed
        self.base = dict(truth)
        self.local = {field: self.local[field] if field in changed
                      else truth[field] for field in FIELDS}


class TwoClients(RuleBasedStateMachine):
    """The calls of both clients on one object."""

    def __init__(self, first, second):
        super(TwoClients, self).__init__()
        self.sides = [Side(first), Side(second)]
        self.truth = dict(self.sides[0].base)

    @rule(side=st.integers(0, 1), change=CHANGES)
    def change(self, side, change):
        side, (field, value) = self.sides[side], change
        write_field(side.model, field, value)
        side.local[field] = value

    @rule(changes=st.sampled_from(FIELDS).flatmap(lambda field: st.tuples(
        *[st.tuples(st.just(field), VALUES[field])] * 2)))
    def both_change(self, changes):
        """Change one field on both sides, which is rare at random."""
        for side, change in enumerate(changes):
            self.change(side, change)

    @rule(side=st.integers(0, 1), change=CHANGES, wait=st.booleans())
    def change_and_save(self, side, change, wait):
        self.change(side, change)
        side = self.sides[side]
        changed = side.changed
        clashes = {field for field in changed if self.truth[field] not in (
            side.base[field], side.local[field])}
        if clashes:
            with pytest.raises(exceptions.Conflict) as caught:
                side.model.save(wait=wait)
            assert len(caught.value.keys) == len(clashes)
            # After a sync, the next save may overwrite
            side.model.sync()
            side.load(self.truth)
            return
        side.model.save(wait=wait)
        side.model.sync()
        self.truth.update({field: side.local[field] for field in changed})
        side.base, side.local = dict(self.truth), dict(self.truth)

    @rule(side=st.integers(0, 1))
    def sync(self, side):
        self.sides[side].model.sync()
        self.sides[side].load(self.truth)

    @rule(side=st.integers(0, 1))
    def rollback(self, side):
        side = self.sides[side]
        side.model.rollback()
        side.base, side.local = dict(self.truth), dict(self.truth)

    @invariant()
    def objects_show_the_expected_values(self):
        for side in self.sides:
            assert {field: read_field(side.model, field)
                    for field in FIELDS} == side.local
            assert side.model.dirty == bool(side.changed)

    def teardown(self):
        for side in self.sides:
            side.model.rollback()
            assert {field: read_field(side.model, field)
                    for field in FIELDS} == self.truth


@pytest.mark.parametrize('collection', ['containers', 'profiles'])
def test_random_changes_by_two_clients(
        lxd, lxd_client, name, collection, monkeypatch):
    # The clients take turns, so a save waits for no rival's late change
    monkeypatch.setattr(other_clients, 'CONTENTION_PERIOD', -1)
    if collection == 'containers':
        lxd_client.containers.create(
            {'name': name, 'source': EMPTY}, wait=True)
    else:
        lxd_client.profiles.create(name)
    with lxd.client() as other_client:
        run_state_machine_as_test(
            lambda: TwoClients(getattr(lxd_client, collection).get(name),
                               getattr(other_client, collection).get(name)),
            settings=settings(
                max_examples=15, stateful_step_count=15, deadline=None,
                derandomize=True, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck)))
