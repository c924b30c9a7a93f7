"""Fixtures that all suites use."""
import os

import pytest

if os.environ.get('PYLXD_RECORD'):
    import recording
    recording.start(os.path.abspath(os.environ['PYLXD_RECORD']))


@pytest.fixture(scope='session', autouse=True)
def home(tmpdir_factory):
    """Set ``HOME`` to an empty directory, without the user's key pair."""
    for variable in 'LXD_CONF', 'INCUS_CONF':
        os.environ.pop(variable, None)
    before = os.environ.get('HOME')
    os.environ['HOME'] = str(tmpdir_factory.mktemp('home'))
    yield os.environ['HOME']
    if before is None:
        del os.environ['HOME']
    else:
        os.environ['HOME'] = before


@pytest.fixture
def warnings_logged(caplog):
    """Return a function that lists the warnings of the logger ``pylxd``."""
    return lambda: [record.getMessage() for record in caplog.records
                    if record.name == 'pylxd'
                    and record.levelname == 'WARNING']
