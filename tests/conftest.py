"""What all tests share."""
import os

import pytest


@pytest.fixture(scope='session', autouse=True)
def home(tmpdir_factory):
    """A home without keys, so that no test depends on whose machine it is."""
    before = os.environ.get('HOME')
    os.environ['HOME'] = str(tmpdir_factory.mktemp('home'))
    yield os.environ['HOME']
    if before is None:
        del os.environ['HOME']
    else:
        os.environ['HOME'] = before
