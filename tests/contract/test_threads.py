"""One client that several threads use, and asyncio."""
import io
import os
import re
import subprocess
import sys
import textwrap

import pytest

from helpers import run_in_threads, unique_name
from pylxd import exceptions

pytestmark = pytest.mark.real_server

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def test_all_kinds_of_calls_at_once(each_client, running, name):
    """Lists, saves, commands, files and events share the client."""
    with each_client.listen('lifecycle', timeout=5) as listener:
        def work(number):
            own = '{}{}'.format(name, number)
            profile = each_client.profiles.create(own, {'user.a': '0'})
            container = each_client.containers.get(running.name)
            for turn in range(5):
                profile.config['user.a'] = str(turn)
                profile.save()
                assert container.execute(['echo', own]).stdout == own + '\n'
                container.files.put('/tmp/' + own, own)
                assert container.files.get('/tmp/' + own) == own.encode()
                assert own in [each.name for each in each_client.profiles]
                with pytest.raises(exceptions.NotFound):
                    each_client.profiles.get(unique_name())
            assert each_client.profiles.get(own).config['user.a'] == '4'
            profile.delete()

        run_in_threads(work, range(8))
        deleted = 0
        while deleted < 8:
            event = next(listener)['metadata']
            deleted += (event['action'] == 'profile-deleted'
                        and name in event['source'])


def test_one_object_in_several_threads(running_container):
    """Calls that change nothing of the object need no object of their own."""
    def work(number):
        for _ in range(5):
            assert running_container.execute(
                ['echo', str(number)]).stdout == '{}\n'.format(number)
            assert running_container.state().status == 'Running'

    run_in_threads(work, range(8))


@pytest.mark.skipif(sys.version_info < (3, 9), reason='needs to_thread')
def test_asyncio(lxd, running, tmpdir):
    """The script of the page, as it stands."""
    with io.open(os.path.join(ROOT, 'doc', 'threads.rst')) as file:
        script = re.search(
            r'code-block:: python\n\n(   import asyncio\n(?:   .*\n|\n)+)',
            file.read()).group(1)
    path = tmpdir.join('script.py')
    path.write(textwrap.dedent(script))
    output = subprocess.check_output(
        [sys.executable, str(path)],
        env=dict(os.environ, LXD_SOCKET=lxd.socket)).decode()
    assert re.search('^{} .*load average'.format(running.name), output, re.M)
