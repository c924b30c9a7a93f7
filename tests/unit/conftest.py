# -*- coding: utf-8 -*-
"""What several of the unit tests use."""
import pytest

from pylxd.models.profile import Profiles
from wire import make_certificate

from .store import FakeClient, Store


@pytest.fixture(scope='session')
def pairs(tmpdir_factory):
    """Key pairs, by what they are."""
    place = tmpdir_factory.mktemp('tls')
    ca = make_certificate(place, 'ca')
    return {
        'ca': ca,
        'own': make_certificate(place, 'own'),
        'other': make_certificate(place, 'other'),
        'elsewhere': make_certificate(place, 'elsewhere', [u'example.org']),
        'signed': make_certificate(place, 'signed', issuer=ca),
        'signed-elsewhere': make_certificate(
            place, 'signed-elsewhere', [u'example.org'], issuer=ca),
    }


@pytest.fixture
def store():
    made = Store()
    made.add('p1', config={'user.a': '1', 'volatile.x': 'v'},
             description=u'\xe4')
    return made


@pytest.fixture
def client(store):
    return FakeClient(store)


@pytest.fixture
def profile(client, store):
    made = Profiles(client).get('p1')
    del store.requested[:]
    return made
