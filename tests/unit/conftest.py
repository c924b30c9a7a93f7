# -*- coding: utf-8 -*-
"""Fixtures of the unit tests."""
import pytest
from hypothesis import Phase, settings

from pylxd.core import listing, other_clients, saving
from pylxd.models.profile import Profiles
from wire import make_certificate

from .store import FakeClient, Store

# No test has a target to optimise for, and the optimiser of the Hypothesis of
# Python 2 was seen to run for more than two minutes
settings.register_profile(
    'no-target', phases=[each for each in Phase if each.name != 'target'])
settings.load_profile('no-target')


@pytest.fixture(scope='session')
def pairs(tmpdir_factory):
    """Certificates and keys of servers, as pairs of paths."""
    directory = tmpdir_factory.mktemp('tls')
    ca = make_certificate(directory, 'ca')
    return {
        'ca': ca,
        'own': make_certificate(directory, 'own'),
        'other': make_certificate(directory, 'other'),
        'elsewhere': make_certificate(
            directory, 'elsewhere', [u'example.org']),
        'signed': make_certificate(directory, 'signed', issuer=ca),
        'signed-elsewhere': make_certificate(
            directory, 'signed-elsewhere', [u'example.org'], issuer=ca),
    }


class FakeClock(object):
    """A clock that shows the ``time`` that the test sets, in seconds."""

    time = 0.0

    def __call__(self):
        return self.time

    def advance(self, seconds):
        self.time += seconds


@pytest.fixture
def clock(monkeypatch):
    """The clock of lists and saves, at 0."""
    clock = FakeClock()
    for module in listing, other_clients, saving:
        monkeypatch.setattr(module, 'clock', clock)
    return clock


@pytest.fixture
def store():
    """A server with the profile ``p1``."""
    store = Store()
    store.add('p1', config={'user.a': '1', 'volatile.x': 'v'},
              description=u'\xe4')
    return store


@pytest.fixture
def client(store):
    return FakeClient(store)


@pytest.fixture
def profile(client, store):
    """The profile ``p1``, loaded."""
    profile = Profiles(client).get('p1')
    del store.requested[:]
    return profile
