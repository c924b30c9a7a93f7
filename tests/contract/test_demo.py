"""The tour that ``make demo`` takes."""
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
def place():
    """Where the tour puts its server; containers must be able to pass."""
    place = tempfile.mkdtemp()
    os.chmod(place, 0o711)
    yield place
    shutil.rmtree(place)


@pytest.fixture
def arguments(lxd):
    """The stand-in is in the tour where this run is about the stand-in."""
    return ['--fake'] if isinstance(lxd, testing.FakeLXD) else []


def start(place, arguments):
    return subprocess.Popen(
        [sys.executable, '-m', 'pylxd.testing.demo'] + arguments,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=dict(os.environ, TMPDIR=place))


def transcript(text):
    """The part that the README shows."""
    return re.search(
        r'(?ms)^ *# A client of the server.*>>> client\.close\(\)$',
        text).group()


def test_the_whole_tour(place, arguments):
    tour = start(place, arguments)
    output = tour.communicate()[0].decode()
    assert tour.returncode == 0, output
    for steps in demo.TOUR:
        for code in steps[1:]:
            assert '>>> ' + code.split('\n')[0] in output
    assert 'Error' not in output
    with io.open(README, encoding='utf-8') as readme:
        shown = textwrap.dedent(transcript(readme.read()))
    printed = re.sub(r"\bu(?=')", '', output)  # of Python 2
    assert transcript(printed) == shown
    assert os.listdir(place) == []


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_interrupted(place, arguments, number):
    tour = start(place, arguments)
    for line in iter(tour.stdout.readline, b''):
        if b'container.start' in line:  # it has a server and a container
            break
    tour.send_signal(number)
    output = tour.communicate()[0].decode()
    assert tour.returncode == 130, output
    assert 'Traceback' not in output
    assert os.listdir(place) == []


def test_failed_half_way(place, arguments, monkeypatch, capsys):
    monkeypatch.setenv('TMPDIR', place)
    monkeypatch.setattr(tempfile, 'tempdir', None)
    monkeypatch.setattr(demo, 'TOUR', demo.TOUR[:2] + (
        ('Stumble.', "container.execute(['no-such-command'])"),))
    with pytest.raises(Exception, match='not found'):
        demo.main(arguments)
    assert 'container.start' in capsys.readouterr()[0]
    assert os.listdir(place) == []
