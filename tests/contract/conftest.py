"""What the contract tests share.

They run on one server after another (``--lxd``) and on the stand-in, so no
test may know which it is: what differs is asked of the client or the kit.
"""
import contextlib

import pytest
import wire
from six.moves import urllib_parse

from pylxd.testing import plugin

from .support import BUSYBOX, EMPTY, read, settle, unique


@pytest.fixture(scope='session')
def authority(tmpdir_factory):
    """The paths of the certificate of the image servers, and of its key."""
    return wire.certificate(tmpdir_factory.mktemp('authority'))


@pytest.fixture(scope='session')
def lxd_arguments(authority):
    """The kit's server trusts the image servers of the tests."""
    return {'ssl_cert_file': authority[0]}


@pytest.fixture
def key_pair(tmpdir):
    """A client's certificate and key, which no server knows."""
    return wire.certificate(tmpdir, unique())


@pytest.fixture(scope='session')
def lxd_https(lxd, tmpdir_factory):
    """What ``lxd.client`` takes for a trusted client over HTTPS."""
    pair = wire.certificate(tmpdir_factory.mktemp('client'), unique())
    with lxd.client() as client:
        client.certificates.create('', read(pair[0]))
    return {'endpoint': lxd.endpoint, 'verify': lxd.certificate, 'cert': pair}


@pytest.fixture(params=['unix', 'https'])
def each_client(request, lxd):
    """A client on the socket, and one over HTTPS."""
    arguments = {} if request.param == 'unix' else request.getfixturevalue(
        'lxd_https')
    with lxd.client(**arguments) as client:
        yield client


@pytest.fixture
def another_kit(request):
    """Start a second server of the same kind, which the test may restart."""
    kit = plugin.make_kit(request.config.getoption('lxd'), {})
    with contextlib.closing(kit):
        if isinstance(kit, plugin.RunningServer):
            pytest.skip('the server of this run is not ours to restart')
        yield kit


@pytest.fixture
def other_client(lxd):
    """Another client of the same server."""
    with lxd.client() as client:
        yield client


@pytest.fixture
def warnings_logged(caplog):
    """Return a function that lists the warnings of the logger ``pylxd``."""
    return lambda: [record.getMessage() for record in caplog.records
                    if record.name == 'pylxd'
                    and record.levelname == 'WARNING']


@pytest.fixture
def sent(lxd_client, monkeypatch):
    """What `lxd_client` sends from now on, such as ``GET /1.0/images``."""
    sent = []
    request = lxd_client.transport.request

    def noting(method, path, **kwargs):
        query = sorted((kwargs.get('params') or {}).items())
        sent.append('{} {}{}'.format(
            method, path, query and '?' + urllib_parse.urlencode(query) or ''))
        return request(method, path, **kwargs)

    monkeypatch.setattr(lxd_client.transport, 'request', noting)
    return sent


@pytest.fixture
def name(lxd_client):
    """A new name; all that bears it, or begins with it, is deleted after."""
    name = unique()
    yield name
    settle(lxd_client)
    for instance in lxd_client.instances.all():
        if instance.name.startswith(name):
            if instance.status != 'Stopped':
                instance.stop(wait=True)
            if lxd_client.instances.exists(instance.name):  # not ephemeral
                instance.delete(wait=True)
    for manager in lxd_client.profiles, lxd_client.networks:
        for each in manager.all():
            if each.name.startswith(name):
                each.delete(wait=True)
    for each in lxd_client.certificates.all():
        if each.name.startswith(name):
            each.delete()


@pytest.fixture
def new_images(lxd_client):
    """Gives the images that the test has made, and deletes them after."""
    def new():
        return [image for image in lxd_client.images.all()
                if image not in before]
    before = lxd_client.images.all()
    yield new
    settle(lxd_client)
    for image in new():
        image.delete(wait=True)


@pytest.fixture
def container(lxd_client, name):
    """A stopped one without any file, which is quickly made."""
    return lxd_client.containers.create(
        {'name': name, 'source': EMPTY}, wait=True)


@pytest.fixture(scope='module')
def running(lxd):
    """A running one for all tests of a module; leave it as it is."""
    with lxd.client() as client:
        container = client.containers.create(
            {'name': unique(), 'source': BUSYBOX}, wait=True)
        try:
            container.start(wait=True)
            yield container
        finally:
            container.stop(wait=True)
            container.delete(wait=True)
