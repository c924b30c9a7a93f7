"""Run the contract tests on each server that we know (``make test-servers``).

One after another, as they share the host's networks; then one table. Systems
with Incus are made in ``.roots`` where they are missing.
"""
import configparser
import os
import re
import shutil
import subprocess
import sys

from pylxd.testing import (
    CannotRun, ThrowawayIncus, ThrowawayLXD, incus, throwaway)

HERE = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir))
ROOTS = os.path.join(HERE, '.roots')
#: Each server and what ``--lxd`` calls it, or the Debian that has it.
SERVERS = (
    ('the stand-in', 'fake', None),
    ('the stand-in, like Incus 6.0', 'fake:incus-6.0', None),
    ('the stand-in, like Incus 7.0', 'fake:incus-7.0', None),
    ('LXD', 'real', None),
    ('Incus 6.0', None, 'trixie'),
    ('Incus 7.0', None, 'forky'),
    ('Incus 7.0, inside, on its own Python', 'inside', 'forky'),
)
#: A client that lives where the server does: pip install of the checkout on
#: the Python of the root, and its tests.
INSIDE = throwaway.ENTER + r'''
cd /srv/pylxd
python3 -m venv --clear /srv/venv
/srv/venv/bin/pip install -q --no-index --find-links /srv/wheels . "$@"
exec /srv/venv/bin/pytest --lxd=incus tests/contract
'''


def root_of(suite):
    """The directory that holds that Debian with Incus, made if missing.

    :raises CannotRun: it cannot be made, or not used
    """
    root = os.path.join(ROOTS, suite)
    if not os.path.exists(root):
        print('Making a Debian {} with Incus in .roots'.format(suite))
        sys.stdout.flush()
        incus.make_root(root, suite)
    reason = ThrowawayIncus.find_missing_requirement(root)
    if reason:
        raise CannotRun(reason)
    return root


def outside(choice):
    """The command that runs the tests here, on one server, and its environ."""
    env = 'py{}{}-contract'.format(*sys.version_info)
    return ([sys.executable, '-m', 'tox', '-q', '-e', env] + sys.argv[1:],
            dict(os.environ, PYLXD_SERVER=choice))


def inside(root):
    """The command that runs the tests inside of a root, and its environ.

    pip downloads out here, where its settings are.
    """
    if throwaway.find_program('python3', root) is None:
        for arguments in ['update'], [
                'install', '--yes', '--no-install-recommends',
                'python3-venv', 'busybox-static']:
            incus.run_isolated(
                'chroot', root, 'env', 'DEBIAN_FRONTEND=noninteractive',
                'apt-get', *arguments)
    version = subprocess.check_output(
        ['chroot', root, 'python3', '-c',
         'import platform; print(platform.python_version())']).decode().strip()
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(os.path.join(HERE, 'tox.ini'))
    deps = tox['testenv']['deps'].split()
    subprocess.check_call(
        [sys.executable, '-m', 'pip', 'download', '-q', '--python-version',
         version, '--only-binary', ':all:', '-d', root + '/srv/wheels',
         '-r', os.path.join(HERE, 'requirements.txt'), 'setuptools'] + deps)
    shutil.rmtree(root + '/srv/pylxd', ignore_errors=True)
    shutil.copytree(HERE, root + '/srv/pylxd', ignore=shutil.ignore_patterns(
        '.*', 'build', '*.egg-info'))
    return (throwaway.NAMESPACES + ['bash', '-c', INSIDE, 'inside'] + deps,
            {'root': root, 'PATH': throwaway.PROGRAM_PATH})


def run(command, environ):
    """What pytest counts on one server, its server's name, and the status."""
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, universal_newlines=True)
    counts, told = 'nothing ran', ''
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        found = re.match(
            r'(?:=+ )?((?:\d+ (?:passed|failed|skipped|errors?|warnings?)'
            r'(?:, )?)+) in ', line)
        counts = found.group(1) if found else counts
        found = re.match(r'lxd: \w+ \((.*?)\)', line)
        told = found.group(1) if found else told
    return counts, told, process.wait()


def main():
    failed = 0
    rows = []
    for name, choice, suite in SERVERS:
        print('== {}'.format(name))
        sys.stdout.flush()
        try:
            if choice == 'real' and ThrowawayLXD.find_missing_requirement():
                raise CannotRun(ThrowawayLXD.find_missing_requirement())
            if choice == 'inside':
                command = inside(root_of(suite))
            else:
                command = outside(choice or root_of(suite))
            counts, told, status = run(*command)
        except CannotRun as error:
            counts, told, status = 'cannot run here: {}'.format(error), '', 0
        failed |= status
        rows.append((name, told, counts))
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    print('\nThe contract suite, server by server:')
    for name, told, counts in rows:
        print('  {:{}}  {:{}}  {}'.format(
            name, widths[0], told, widths[1], counts))
    return failed


if __name__ == '__main__':
    sys.exit(main())
