"""Run every example of the documentation, and compare its output."""
from __future__ import print_function

import doctest
import glob
import io
import os
import re
import shutil

import pytest
from helpers import unique_name
from pylxd.testing import FakeLXD

from .support import settle

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def find_pages(on_a_cluster=False):
    """Return the pages with examples, by their path from ROOT.

    :param on_a_cluster: return those whose examples need a cluster.
    """
    paths = [os.path.join(ROOT, 'README.rst')]
    paths += sorted(glob.glob(os.path.join(ROOT, 'doc', '*.rst')))
    return [os.path.relpath(path, ROOT) for path in paths
            if '\n>>> ' in read_text(path)
            and ('.. on: a cluster\n' in read_text(path)) is on_a_cluster]


def read_text(path):
    with io.open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


class OutputChecker(doctest.OutputChecker):
    """Compare without the prefixes of ``u'a'`` and ``b'a'``."""

    def check_output(self, want, got, optionflags):
        return doctest.OutputChecker.check_output(
            self, want, re.sub(r"\b[ub](?=')", '', got), optionflags)


@pytest.fixture
def documented_machine(
        request, page, lxd, lxd_client, key_pair, monkeypatch, tmpdir):
    """The server and the files that the examples of a page use.

    What the examples create is deleted after.
    """
    text = read_text(page)
    for extension in re.findall(r'^\.\. needs: (\S+)$', text, re.M):
        if isinstance(lxd, FakeLXD) or not lxd_client.has_api_extension(
                extension):
            pytest.skip('the server does not have {}'.format(extension))
    names = ['containers', 'profiles', 'certificates']
    if 'my-bridge' in text:
        # Without the lock, bridges of other servers come and go
        request.getfixturevalue('bridge_lock')
        names.append('networks')
    monkeypatch.setenv('LXD_SOCKET', lxd.socket)
    monkeypatch.chdir(tmpdir)
    certificate, key = key_pair[:2]
    shutil.copy(certificate, 'lxd.crt')
    shutil.copy(key, 'lxd.key')
    shutil.copy(lxd.certificate, 'server.crt')
    if 'pylxd.remotes()' in text:
        request.getfixturevalue('documented_remote')
    managers = [getattr(lxd_client, name) for name in names]
    before = [each for manager in managers for each in manager.all()]
    yield
    settle(lxd_client)
    for each in [each for manager in managers for each in manager.all()]:
        if each not in before:
            if getattr(each, 'status', None) == 'Running':
                each.stop(wait=True)
            each.delete(wait=True)
    for image in lxd_client.images.all():
        if not image.aliases:
            image.delete(wait=True)
        elif image.public:
            image.public = False
            image.save()


@pytest.fixture
def documented_remote(lxd, lxd_https, monkeypatch, tmpdir):
    """The remote ``prod``, in a configuration as ``lxc`` writes it."""
    pytest.importorskip('yaml', reason='PyYAML is not installed')
    directory = tmpdir.mkdir('lxc')
    monkeypatch.setenv('LXD_CONF', str(directory))
    directory.join('config.yml').write(
        'remotes:\n  prod:\n    addr: {}\n'.format(lxd.endpoint))
    shutil.copy(lxd.certificate, str(
        directory.mkdir('servercerts').join('prod.crt')))
    for path, name in zip(lxd_https['cert'], ['client.crt', 'client.key']):
        shutil.copy(path, str(directory.join(name)))


@pytest.mark.documents(
    'example:client', 'example:api', 'example:trusted',
    'example:authenticate', 'example:events', 'example:container-all',
    'example:container-get', 'example:container-create',
    'example:container-states', 'example:image-get', 'example:image-update',
    'example:image-create', 'example:profile-get', 'example:profile-update',
    'example:profile-create')
@pytest.mark.parametrize('page', find_pages())
def test_examples(page, lxd, documented_machine):
    text = read_text(page)
    for printed, real in (
            ('https://10.0.0.1:8443', lxd.endpoint),
            ('a-secret-trust-password', lxd.password or lxd.token()),
            ('my-bridge', unique_name())):  # bridges belong to the host
        text = text.replace(printed, real)
    run_examples(page, text, lxd=lxd)


def run_examples(page, text, **names):
    """Run the examples in a text, with these names defined.

    :param page: the path of the page, for messages.
    """
    names['print_function'] = print_function
    test = doctest.DocTestParser().get_doctest(
        text, names, page, page, 0)
    report = []
    result = doctest.DocTestRunner(
        OutputChecker(), optionflags=doctest.ELLIPSIS
        | doctest.IGNORE_EXCEPTION_DETAIL).run(test, out=report.append)
    assert result.attempted and not result.failed, ''.join(report)
