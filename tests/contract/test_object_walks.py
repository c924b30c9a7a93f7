"""Two clients change one object at random, beside a plain model of that.

The long form of it, which also lets operations fail and be forgotten, is
tests/unit/test_object_state_machine.py; this one holds on a real server.
"""
import pytest
from hypothesis import HealthCheck, Phase, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine, invariant, rule, run_state_machine_as_test)

from pylxd import exceptions
from pylxd.core import rivals
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


def read(thing, field):
    """Return the value of a field, as the model has it."""
    if field == 'description':
        return thing.description
    if field == 'nic':
        return thing.devices.get('n', {}).get('name')
    return thing.config.get(field)


def write(thing, field, value):
    """Change a field in place."""
    if field == 'description':
        thing.description = value
    elif field == 'nic':
        thing.devices.pop('n', None)
        if value is not None:
            thing.devices['n'] = dict(NIC, name=value)
    elif value is None:
        thing.config.pop(field, None)
    else:
        thing.config[field] = value


class Side(object):
    """One of the two clients: its object, and the model of its changes."""

    def __init__(self, thing):
        self.thing = thing
        self.base = {field: read(thing, field) for field in FIELDS}
        self.local = dict(self.base)

    @property
    def changed(self):
        """The fields that this side has changed."""
        return {field for field in FIELDS
                if self.local[field] != self.base[field]}

    def load(self, truth):
        """The model of loading the object, and keeping the changes."""
        changed = self.changed
        self.base = dict(truth)
        self.local = {field: self.local[field] if field in changed
                      else truth[field] for field in FIELDS}


class Walk(RuleBasedStateMachine):
    """What both sides do to one object."""

    def __init__(self, first, second):
        super(Walk, self).__init__()
        self.sides = [Side(first), Side(second)]
        self.truth = dict(self.sides[0].base)

    @rule(side=st.integers(0, 1), change=CHANGES)
    def change(self, side, change):
        side, (field, value) = self.sides[side], change
        write(side.thing, field, value)
        side.local[field] = value

    @rule(changes=st.sampled_from(FIELDS).flatmap(lambda field: st.tuples(
        *[st.tuples(st.just(field), VALUES[field])] * 2)))
    def both_change(self, changes):
        """Change one field on both sides: at random that is rare."""
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
                side.thing.save(wait=wait)
            assert len(caught.value.keys) == len(clashes)
            # Who looks after a conflict may overwrite
            side.thing.sync()
            side.load(self.truth)
            return
        side.thing.save(wait=wait)
        side.thing.sync()
        self.truth.update({field: side.local[field] for field in changed})
        side.base, side.local = dict(self.truth), dict(self.truth)

    @rule(side=st.integers(0, 1))
    def sync(self, side):
        self.sides[side].thing.sync()
        self.sides[side].load(self.truth)

    @rule(side=st.integers(0, 1))
    def rollback(self, side):
        side = self.sides[side]
        side.thing.rollback()
        side.base, side.local = dict(self.truth), dict(self.truth)

    @invariant()
    def shows_what_the_model_has(self):
        for side in self.sides:
            assert {field: read(side.thing, field)
                    for field in FIELDS} == side.local
            assert side.thing.dirty == bool(side.changed)

    def teardown(self):
        for side in self.sides:
            side.thing.rollback()
            assert {field: read(side.thing, field)
                    for field in FIELDS} == self.truth


@pytest.mark.parametrize('kind', ['containers', 'profiles'])
def test_walks(lxd, lxd_client, name, kind, monkeypatch):
    # Nobody else writes at the same moment, so no change comes late
    monkeypatch.setattr(rivals, 'CONTESTED', -1)
    if kind == 'containers':
        lxd_client.containers.create(
            {'name': name, 'source': EMPTY}, wait=True)
    else:
        lxd_client.profiles.create(name)
    with lxd.client() as other:
        run_state_machine_as_test(
            lambda: Walk(getattr(lxd_client, kind).get(name),
                         getattr(other, kind).get(name)),
            settings=settings(
                max_examples=15, stateful_step_count=15, deadline=None,
                derandomize=True, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck)))
