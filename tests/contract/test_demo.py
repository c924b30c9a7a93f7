"""The tour of ``make demo``."""
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap

import pytest

from pylxd import testing
from pylxd.testing import demo


README = os.path.join(os.path.dirname(__file__), '..', '..', 'README.rst')


@pytest.fixture
def directory():
    """The ``TMPDIR`` of the tour; containers must be able to pass through."""
    directory = tempfile.mkdtemp()
    os.chmod(directory, 0o711)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def arguments(lxd):
    """The stand-in is in the tour where this run is about the stand-in."""
    return ['--fake'] if isinstance(lxd, testing.FakeLXD) else []


def start_tour(directory, arguments):
    return subprocess.Popen(
        [sys.executable, '-m', 'pylxd.testing.demo'] + arguments,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=dict(os.environ, TMPDIR=directory))


def find_transcript(text):
    """Return the part of the output that the README shows."""
    return re.search(
        r'(?ms)^ *# A client of the server.*>>> client\.close\(\)$',
        text).group()


def test_the_tour_prints_what_the_readme_shows(directory, arguments):
    tour = start_tour(directory, arguments)
    output = tour.communicate()[0].decode()
    assert tour.returncode == 0, output
    for steps in demo.TOUR:
        for code in steps[1:]:
            assert '>>> ' + code.split('\n')[0] in output
    assert 'Error' not in output
    with io.open(README, encoding='utf-8') as readme:
        shown = textwrap.dedent(find_transcript(readme.read()))
    printed = re.sub(r"\bu(?=')", '', output)  # Python 2 prints u''
    assert find_transcript(printed) == shown
    assert os.listdir(directory) == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_tour_leaves_nothing(directory, arguments, number):
    tour = start_tour(directory, arguments)
    for line in iter(tour.stdout.readline, b''):
        if b'container.start' in line:  # server and container exist
            break
    tour.send_signal(number)
    output = tour.communicate()[0].decode()
    assert tour.returncode == 130, output
    assert 'Traceback' not in output
    assert os.listdir(directory) == []


def test_a_failing_tour_leaves_nothing(
        directory, arguments, monkeypatch, capsys):
    monkeypatch.setenv('TMPDIR', directory)
    monkeypatch.setattr(tempfile, 'tempdir', None)
    monkeypatch.setattr(demo, 'TOUR', demo.TOUR[:2] + (
        ('Stumble.', "container.execute(['no-such-command'])"),))
    with pytest.raises(Exception, match='not found'):
        demo.main(arguments)
    assert 'container.start' in capsys.readouterr()[0]
    assert os.listdir(directory) == []
