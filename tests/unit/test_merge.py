"""Properties of merging, for all JSON values."""
import copy
import pickle

import pytest
from hypothesis import given, settings, strategies as st

from pylxd.core import merge
from pylxd.core.merge import MISSING

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(
        st.text(max_size=3), deeper, max_size=3), max_leaves=10)
VALUES = st.sampled_from('123') | st.just(MISSING)
#: Dicts of few keys, so that they have something in common.
DICTS = st.dictionaries(st.sampled_from('abc'), st.sampled_from('123'))
NESTED = st.dictionaries(st.sampled_from('xy'), DICTS | st.just('1'))
ANY = st.one_of(NESTED, DICTS, VALUES)


@settings(deadline=None)
@given(JSON_VALUES)
def test_copies_are_equal_and_apart(tree):
    copied = merge.copy(tree)
    assert copied == tree
    if isinstance(tree, (dict, list)):
        assert copied is not tree and type(copied) is type(tree)
        for key in tree if isinstance(tree, dict) else range(len(tree)):
            if isinstance(tree[key], (dict, list)):
                assert copied[key] is not tree[key]


def test_a_copy_of_a_tuple_is_a_list():
    assert merge.copy({'a': (1, (2,))}) == {'a': [1, [2]]}


@settings(deadline=None)
@given(NESTED, NESTED)
def test_refill_keeps_what_is_held(tree, value):
    copies = {}
    held = merge.copy(tree, copies)
    inner = {key: each for key, each in held.items()
             if isinstance(each, dict) and isinstance(value.get(key), dict)}
    assert all(copies[id(each)] is each for each in inner.values())
    result = merge.refill(held, value, copies)
    assert result is held and held == value
    for key, each in inner.items():
        assert held[key] is each  # the dict that the caller holds
    for key, each in held.items():
        assert not isinstance(each, dict) or each is not value[key]


@pytest.mark.trap('callers-dicts')
@settings(deadline=None)
@given(NESTED, NESTED)
def test_refill_leaves_the_callers_dicts(held, value):
    """A dict that the caller assigned into another one stays as it is."""
    before = copy.deepcopy(held)
    inner = dict(held)
    assert merge.refill(held, value, {}) == value
    assert inner == before
    for key, each in inner.items():
        if value.get(key) == each:
            assert held[key] is each


@settings(deadline=None)
@given(JSON_VALUES, JSON_VALUES)
def test_refill_gives_the_value(tree, value):
    copies = {}
    held = merge.copy(tree, copies)
    assert merge.refill(held, value, copies) == value
    assert merge.refill(tree, value, {}) == value


def test_refill_of_a_list():
    held = [1, {'a': 1}]
    assert merge.refill(held, [{'b': 2}], {}) is held and held == [{'b': 2}]
    assert merge.refill('a', [1], {}) == [1]
    assert merge.refill([1], 'a', {}) == 'a'
    assert merge.refill(held, held, {}) is held and held == [{'b': 2}]


@settings(deadline=None)
@given(DICTS, DICTS, DICTS)
def test_merge_key_by_key(base, ours, theirs):
    merged = merge.merge(base, ours, theirs)
    found = set(merge.find_clashes(base, ours, theirs, 'config'))
    rebased = merge.rebase(base, ours, theirs)
    for key in 'abc':
        was, here, there = (each.get(key) for each in (base, ours, theirs))
        clash = here != was and there != was and here != there
        assert merged.get(key) == (there if here == was else here)
        assert ('config.' + key in found) == clash
        assert rebased.get(key) == (
            was if here != was and here != there else there)


@settings(deadline=None)
@given(ANY, ANY, ANY)
def test_merge_of_anything(base, ours, theirs):
    merged = merge.merge(base, ours, theirs)
    rebased = merge.rebase(base, ours, theirs)
    if ours == base:
        assert merged == rebased == theirs
    if theirs == base:
        assert merged == ours
        assert rebased == (theirs if ours == theirs else base)
    # Rebasing loses no change and no clash
    assert (merged == rebased) == (merged == theirs)
    assert set(merge.find_clashes(rebased, merged, theirs, 'x')) == set(
        merge.find_clashes(base, ours, theirs, 'x'))
    # A second merge changes nothing
    assert merge.merge(rebased, merged, theirs) == merged


@settings(deadline=None)
@given(DICTS, DICTS, DICTS, st.booleans())
def test_undo_lost_key_by_key(before, sent, there, contested):
    result = merge.undo_lost(before, sent, there, contested)
    if sent == before:
        assert result == sent
        return
    for key in 'abc':
        was, ours, current = (each.get(key) for each in (before, sent, there))
        lost = ours != was and current != ours and (
            current == was or contested)
        assert result.get(key) == (was if lost else ours)


@pytest.mark.parametrize('one, other, same', [
    ('', MISSING, True), (MISSING, MISSING, True), ('', '', True),
    ('a', 'a', True), ('a', '', False), ('a', MISSING, False),
    (None, '', False), ({}, MISSING, False), ({}, {}, True)])
def test_is_same(one, other, same):
    assert merge.is_same(one, other) is same
    assert merge.is_same(other, one) is same


@pytest.mark.parametrize('before, sent, there, changed', [
    ({'a': '1'}, {'a': '2'}, {'a': '2'}, False),
    ({'a': '1'}, {'a': '2'}, {'a': '3'}, False),  # normalized
    ({'a': '1'}, {'a': '1'}, {'a': '3'}, True),
    ({'a': '1'}, {'a': '2'}, {'a': '2', 'b': '1'}, True),
    ({'a': '1'}, {'a': '1', 'b': ''}, {'a': '1'}, False),
    ({'a': '1', 'b': '1'}, {'a': '2', 'b': '1'}, {'a': '2'}, True),
    ({}, {}, {'volatile.x': '1'}, False),
    ({'d': {'x': '1'}}, {'d': {'x': '1'}}, {'d': {'x': '2'}}, True),
    ('old', 'new', 'other', False), ('old', 'old', 'other', True),
    ('', '', MISSING, False)])
def test_is_changed_elsewhere(before, sent, there, changed):
    assert merge.is_changed_elsewhere(before, sent, there) is changed


def test_keep_server_keys():
    config = {'user.a': '1', 'volatile.x': 'mine'}
    merge.keep_server_keys(config, {
        'volatile.x': '1', 'volatile.y': '2', 'user.b': '3'})
    assert config == {'user.a': '1', 'volatile.x': 'mine', 'volatile.y': '2'}
    merge.keep_server_keys(config, None)
    merge.keep_server_keys('text', {'volatile.x': '1'})


def test_missing_is_one_object():
    for duplicate in copy.copy, copy.deepcopy, lambda value: pickle.loads(
            pickle.dumps(value)):
        assert duplicate(MISSING) is MISSING
    assert repr(MISSING) == 'MISSING'
