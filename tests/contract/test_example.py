"""Run the example of doc/testing.rst in a pytest of its own."""
import os
import shutil
import subprocess
import sys

import pylxd


def test_the_example_passes(lxd, tmpdir):
    shutil.copy(
        os.path.join(os.path.dirname(__file__), 'example_testing.py'),
        str(tmpdir.join('test_example.py')))
    # pytest finds the plugin of an installed pylxd, but not of a checkout
    output = subprocess.check_output(
        [sys.executable, '-m', 'pytest', '-p', 'pylxd.testing.plugin',
         '--lxd', lxd.socket, '--rootdir', str(tmpdir)],
        cwd=str(tmpdir), stderr=subprocess.STDOUT, env=dict(
            os.environ, PYTHONPATH=os.path.dirname(os.path.dirname(
                os.path.abspath(pylxd.__file__))))).decode()
    assert '1 passed' in output
