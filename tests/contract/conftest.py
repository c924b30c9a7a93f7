"""Fixtures of the contract tests.

The tests run on several servers (``--lxd``) and on the stand-in. A test that
depends on the server asks the client or the kit, for its extensions for one,
and never for its name.
"""
import contextlib
import os
import tempfile

import pytest
import wire
from six.moves import urllib_parse

from helpers import BUSYBOX, EMPTY, NIC, read_bytes, unique_name
from pylxd.models.network import Network
from pylxd.testing import FakeLXD, plugin

from .support import (
    fingerprint_of, make_image, repeat_while_links_change, settle)

#: What `loaded_container` and `model` hold.
CONTENT = {'config': {'user.a': '1', 'user.b': '2'}, 'description': 'old',
           'devices': {'n': NIC}}


@pytest.fixture(scope='session')
def authority(tmpdir_factory):
    """Paths of the certificate of the tests' image servers, and its key."""
    return wire.make_certificate(tmpdir_factory.mktemp('authority'))


@pytest.fixture(scope='session')
def lxd_arguments(authority):
    """Arguments of the kit: its server trusts the tests' image servers."""
    return {'ssl_cert_file': authority[0]}


@pytest.fixture(autouse=True)
def skip_where_the_server_lacks_something(request):
    """Skip a test by its markers ``needs`` and ``real_server``."""
    if request.node.get_closest_marker('real_server') and isinstance(
            request.getfixturevalue('lxd'), FakeLXD):
        pytest.skip('the stand-in does not have such objects')
    for marker in request.node.iter_markers('needs'):
        client = request.getfixturevalue('lxd_client')
        for extension in marker.args:
            if not client.has_api_extension(extension):
                pytest.skip('this server lacks the API extension {}'.format(
                    extension))


@pytest.fixture
def bridge_lock():
    """Make bridges in one process at a time; request it before ``name``.

    The bridges of LXD and of Incus 7 at the same time crash ``nft``.
    """
    import fcntl  # missing where test_other_systems.py takes it away
    path = os.path.join(tempfile.gettempdir(), 'pylxd-bridges.lock')
    with open(path, 'w') as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for name in 'delete', 'rename':  # which Network inherits
            setattr(Network, name, repeat_while_links_change(
                getattr(Network, name)))
        yield
        del Network.delete, Network.rename


@pytest.fixture
def key_pair(tmpdir):
    """Paths of a new client certificate, which no server knows, and its key.
    """
    return wire.make_certificate(tmpdir, unique_name())


@pytest.fixture(scope='session')
def lxd_https(lxd, tmpdir_factory):
    """Arguments of ``lxd.client`` for a trusted client over HTTPS."""
    pair = wire.make_certificate(
        tmpdir_factory.mktemp('client'), unique_name())
    with lxd.client() as client:
        client.certificates.create('', read_bytes(pair[0]))
    return {'endpoint': lxd.endpoint, 'verify': lxd.certificate, 'cert': pair}


@pytest.fixture(params=['unix', 'https'])
def each_client(request, lxd):
    """A client on the unix socket, then a client over HTTPS."""
    arguments = {} if request.param == 'unix' else request.getfixturevalue(
        'lxd_https')
    with lxd.client(**arguments) as client:
        yield client


@pytest.fixture
def another_kit(request):
    """A second server of the same kind, which the test may restart."""
    kit = plugin.make_kit(request.config.getoption('lxd'), {})
    with contextlib.closing(kit):
        if isinstance(kit, plugin.RunningServer):
            pytest.skip('--lxd names a running server, which is not restarted')
        yield kit


@pytest.fixture(scope='session')
def target(request, lxd):
    """A client of a second server, of the same kind."""
    kit = plugin.make_kit(request.config.getoption('lxd'), {})
    with contextlib.closing(kit):
        with kit.client() as client:
            yield client


@pytest.fixture
def clean_target(target, name):
    """The second server; objects with the name of the test are deleted after.
    """
    yield target
    settle(target)
    for manager in (target.instances, target.profiles):
        for each in manager.all():
            if each.name.startswith(name):
                each.delete(wait=True)


@pytest.fixture
def unreachable_target(target):
    """The second server, which listens on its unix socket only."""
    address = target.dialect.addresses[0]
    target.api.patch(json={'config': {'core.https_address': ''}})
    target.dialect.refresh()
    yield target
    target.api.patch(json={'config': {'core.https_address': address}})
    target.dialect.refresh()


@pytest.fixture
def other_client(lxd):
    """Another client of the same server."""
    with lxd.client() as client:
        yield client


@pytest.fixture
def sent(lxd_client, monkeypatch):
    """The requests of `lxd_client` from now on, such as ``GET /1.0/images``.
    """
    sent = []
    request = lxd_client.transport.request

    def record_request(method, path, **kwargs):
        query = sorted((kwargs.get('params') or {}).items())
        sent.append('{} {}{}'.format(
            method, path, query and '?' + urllib_parse.urlencode(query) or ''))
        return request(method, path, **kwargs)

    monkeypatch.setattr(lxd_client.transport, 'request', record_request)
    return sent


@pytest.fixture
def name(lxd_client):
    """A new name; each object whose name begins with it is deleted after.
    """
    name = unique_name()
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
    """Return a function that lists the images that the test has created.

    They are deleted after.
    """
    def list_new_images():
        return [image for image in lxd_client.images.all()
                if image not in before]

    before = lxd_client.images.all()
    yield list_new_images
    settle(lxd_client)
    for image in list_new_images():
        image.delete(wait=True)


@pytest.fixture
def image_bytes():
    """A tiny image that no server has."""
    return make_image()


@pytest.fixture
def image(lxd_client, image_bytes, new_images):
    """The tiny image on the server: private, and without an alias."""
    return lxd_client.images.create(image_bytes, wait=True)


@pytest.fixture
def image_server(lxd, authority):
    """An HTTPS server that the daemon trusts; it serves ``server.pages``."""
    pages = {}

    def answer(request):
        page = pages.get(request.target.split('?')[0])
        if page is None:
            return wire.http(status='404 Not Found')
        body, headers = page
        length = len(body)
        return wire.http(b'' if request.method == 'HEAD' else body,
                         Content_Length=length, **headers)

    with wire.Server(answer, context=wire.tls_context(authority)) as server:
        server.pages = pages
        yield server


@pytest.fixture
def container(lxd_client, name):
    """A stopped container without files, which takes no time to create."""
    return lxd_client.containers.create(
        {'name': name, 'source': EMPTY}, wait=True)


@pytest.fixture
def bootable(lxd_client, name):
    """A stopped container with a small system, which can be started."""
    return lxd_client.containers.create(
        {'name': name, 'source': BUSYBOX}, wait=True)


@pytest.fixture
def loaded_container(lxd_client, name):
    """A container with files, config, a description and a device."""
    lxd_client.containers.create(
        dict(CONTENT, name=name, source=BUSYBOX), wait=True)
    return lxd_client.containers.get(name)


@pytest.fixture(params=['containers', 'profiles'])
def collection(request):
    """The collection of `model`.

    Servers answer the PUT of an instance with an operation, and that of a
    profile at once.
    """
    return request.param


@pytest.fixture
def model(lxd_client, name, collection):
    """A loaded object with config, a description and a device."""
    if collection == 'containers':
        lxd_client.containers.create(
            dict(CONTENT, name=name, source=EMPTY), wait=True)
    else:
        lxd_client.profiles.create(wait=True, name=name, **CONTENT)
    return getattr(lxd_client, collection).get(name)


@pytest.fixture
def other_model(other_client, model, collection):
    """The object `model` as another client has loaded it."""
    return getattr(other_client, collection).get(model.name)


@pytest.fixture
def make_stranger(lxd, lxd_client, key_pair):
    """Return a function that makes a client with an unknown certificate."""
    clients = []

    def make(**arguments):
        clients.append(lxd.client(
            endpoint=lxd.endpoint, verify=lxd.certificate, cert=key_pair,
            **arguments))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    fingerprint = fingerprint_of(read_bytes(key_pair[0]))
    if lxd_client.certificates.exists(fingerprint):
        lxd_client.certificates.get(fingerprint).delete()


@pytest.fixture
def stranger(make_stranger):
    """A client over HTTPS that the server does not trust yet."""
    client = make_stranger()
    assert not client.trusted
    return client


@pytest.fixture(scope='module')
def running(lxd):
    """A running container, for all tests of a module: leave it as it is."""
    with lxd.client() as client:
        container = client.containers.create(
            {'name': unique_name(), 'source': BUSYBOX}, wait=True)
        try:
            container.start(wait=True)
            yield container
        finally:
            container.stop(wait=True)
            container.delete(wait=True)


@pytest.fixture
def running_container(running, each_client):
    """The running container of a client on the unix socket, then over HTTPS.
    """
    return each_client.containers.get(running.name)
