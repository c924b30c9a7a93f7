"""The Tab key at Python's prompt, which reads what it completes."""
import rlcompleter
import sys

import pytest

from pylxd import EventType


def complete(value):
    """Return the names that the Tab key offers after ``value.``"""
    completer = rlcompleter.Completer({'value': value})
    return {match.partition('.')[2].partition('(')[0]
            for prefix in ('value.', 'value._')
            for match in completer.attr_matches(prefix)}


@pytest.mark.parametrize('collection', [
    'containers', 'images', 'profiles', 'networks', 'projects'])
@pytest.mark.parametrize('exists', [True, False])
def test_objects(lxd_client, image, container, sent, collection, exists):
    """Their attributes are offered, and not loaded."""
    manager = getattr(lxd_client, collection)
    model = manager.all()[0] if exists else manager.model.from_key(
        lxd_client, ('no-such-object',))
    del sent[:]
    names = complete(model)
    if sys.version_info < (3, 10):
        return  # this Python reads properties, too
    assert sent == []
    assert set(model.__attributes__) <= names
    assert {'save', 'dirty', 'client'} <= names
    assert complete(manager) >= {'all', 'get', 'exists'}
    assert complete(manager.model) >= {'all', 'get', 'exists'}
    assert sent == []


def test_a_client_and_its_nodes(lxd_client, sent):
    assert {'containers', 'api', 'trusted', 'events'} <= complete(lxd_client)
    for node in lxd_client.api, lxd_client.api.containers['c1']:
        assert {'get', 'post', 'session'} <= complete(node)
    assert 'connect' in complete(lxd_client.events())
    assert 'Lifecycle' in complete(EventType)
    if sys.version_info >= (3, 10):
        assert sent == []  # older ones read the property `resources`


def test_each_attribute_of_lazy_objects(
        lxd_client, image, container, name, sent):
    """Other tools read each name that ``dir`` lists: nothing fails."""
    container.snapshots.create(name, wait=True)
    for manager in (lxd_client.containers, lxd_client.images,
                    lxd_client.profiles, lxd_client.networks,
                    lxd_client.projects, container.snapshots):
        lazy = manager.all()[0]
        del sent[:]
        for each in dir(lazy):
            getattr(lazy, each, None)
        assert len(sent) == 1
