"""Run every check on every installed Python (``make test``).

Check style, types, documentation and conventions once. Run the unit tests on
each interpreter, and the contract tests with a real LXD on the oldest and the
newest one.
"""
import glob
import os
import shutil
import subprocess
import sys

from servers import find_root

from pylxd.testing import CannotRun, ThrowawayLXD

PYTHONS = ('2.7', '3.9', '3.10', '3.11', '3.12', '3.13', '3.14')


def can_run(command):
    """Return whether this interpreter starts (a shim of pyenv may not)."""
    found = shutil.which(command)
    return bool(found) and not subprocess.call(
        [found, '-c', ''], stderr=subprocess.DEVNULL)


def main():
    pyenv = os.environ.get('PYENV_ROOT', os.path.expanduser('~/.pyenv'))
    os.environ['PATH'] = os.pathsep.join(
        sorted(glob.glob(os.path.join(pyenv, 'versions', '*', 'bin')))
        + [os.environ['PATH']])

    cpythons = [version for version in PYTHONS if can_run('python' + version)]
    for version in PYTHONS:
        if version not in cpythons:
            print('Python {} is not installed: not tested.'.format(version))
    units = ['py' + version.replace('.', '') for version in cpythons]
    newest = units[-1]
    contracts = [env + '-contract' for env in units
                 if env in (units[0], newest)] + [newest + '-stress']
    if can_run('pypy3'):
        units.append('pypy3')
    else:
        print('PyPy 3 is not installed: not tested.')
    reason = ThrowawayLXD.find_missing_requirement()
    if reason:
        print('On the stand-in, not on a real LXD: {}'.format(reason))
        os.environ['PYLXD_SERVER'] = 'fake'
    try:
        os.environ['PYLXD_INCUS'] = find_root('trixie')
        contracts.append(newest + '-incus')
    except CannotRun as error:
        print('Not on Incus: {}'.format(error))

    # setuptools would pack the files of an earlier build too
    shutil.rmtree('build', ignore_errors=True)
    # The slowest environments first. They wait for servers: three at once take
    # the processors of two.
    envs = contracts + ['docs', 'types', 'pep8', 'meta', 'cover'] + units
    sys.stdout.flush()
    return subprocess.call(
        [sys.executable, '-m', 'tox', 'run-parallel', '--parallel', '3',
         '--parallel-no-spinner', '-e', ','.join(envs)])


if __name__ == '__main__':
    sys.exit(main())
