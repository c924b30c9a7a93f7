"""Every example of the documentation, as it is printed there."""
from __future__ import print_function

import doctest
import glob
import io
import os
import re
import shutil

import pytest
from helpers import unique_name

from .support import settle

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def chapters():
    """The files that have examples, by their path from the root."""
    paths = [os.path.join(ROOT, 'README.rst')]
    paths += sorted(glob.glob(os.path.join(ROOT, 'doc', '*.rst')))
    return [os.path.relpath(path, ROOT) for path in paths
            if '\n>>> ' in read(path)]


def read(path):
    with io.open(os.path.join(ROOT, path), encoding='utf-8') as file:
        return file.read()


class Checker(doctest.OutputChecker):
    """Takes ``u'a'``, ``b'a'`` and ``'a'`` for the same."""

    def check_output(self, want, got, optionflags):
        return doctest.OutputChecker.check_output(
            self, want, re.sub(r"\b[ub](?=')", '', got), optionflags)


@pytest.fixture
def machine(lxd, lxd_client, key_pair, monkeypatch, tmpdir):
    """What the documentation takes for granted, where ``Client()`` finds
    it; what the examples leave is deleted."""
    monkeypatch.setenv('LXD_SOCKET', lxd.socket)
    monkeypatch.chdir(tmpdir)
    certificate, key = key_pair[:2]
    shutil.copy(certificate, 'lxd.crt')
    shutil.copy(key, 'lxd.key')
    shutil.copy(lxd.certificate, 'server.crt')
    managers = [getattr(lxd_client, name) for name in (
        'containers', 'profiles', 'networks', 'certificates')]
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


@pytest.mark.documents(
    'example:client', 'example:api', 'example:trusted',
    'example:authenticate', 'example:events', 'example:container-all',
    'example:container-get', 'example:container-create',
    'example:container-states', 'example:image-get', 'example:image-update',
    'example:image-create', 'example:profile-get', 'example:profile-update',
    'example:profile-create')
@pytest.mark.parametrize('chapter', chapters())
def test_examples(chapter, lxd, machine):
    text = read(chapter)
    for printed, real in (
            ('https://10.0.0.1:8443', lxd.endpoint),
            ('a-secret-trust-password', lxd.password or lxd.token()),
            ('my-bridge', unique_name())):  # the host has them, not the server
        text = text.replace(printed, real)
    names = {'lxd': lxd, 'print_function': print_function}
    test = doctest.DocTestParser().get_doctest(
        text, names, chapter, chapter, 0)
    report = []
    result = doctest.DocTestRunner(
        Checker(), optionflags=doctest.ELLIPSIS
        | doctest.IGNORE_EXCEPTION_DETAIL).run(test, out=report.append)
    assert result.attempted and not result.failed, ''.join(report)
