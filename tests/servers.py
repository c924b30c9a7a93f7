"""Run the contract tests on every supported server (``make test-servers``).

The servers run one after another, as they share the host's networks; a table
of the results follows. Debian systems with Incus or a later LXD are installed
into ``.roots`` where they are missing.
"""
import configparser
import os
import re
import shutil
import subprocess
import sys

from pylxd.testing import (
    CannotRun, ThrowawayIncus, ThrowawayLXD, incus, namespaces, throwaway)

HERE = os.path.abspath(os.path.join(os.path.dirname(__file__), os.pardir))
ROOTS = os.path.join(HERE, '.roots')
#: Each server, and its value of ``--lxd`` or its root: the Debian release that
#: has it, with ``-lxd`` for the LXD of that release.
SERVERS = (
    ('the stand-in', 'fake', None),
    ('the stand-in, like LXD 6', 'fake:lxd-6', None),
    ('the stand-in, like Incus 6.0', 'fake:incus-6.0', None),
    ('the stand-in, like Incus 7.0', 'fake:incus-7.0', None),
    ('LXD', 'real', None),
    ('LXD of Debian 13', None, 'trixie-lxd'),
    ('Incus 6.0', None, 'trixie'),
    ('Incus 7.0', None, 'forky'),
    ('Incus 7.0, inside, on its own Python', 'inside', 'forky'),
)
#: A shell script for a root with Incus: install the checkout on the Python of
#: that root, and run the contract tests there.
RUN_IN_ROOT = namespaces.ENTER + r'''
cd /srv/pylxd
python3 -m venv --clear /srv/venv
/srv/venv/bin/pip install -q --no-index --find-links /srv/wheels . "$@"
exec /srv/venv/bin/pytest --lxd=incus tests/contract
'''


def find_root(name):
    """Return the directory of a Debian with a server; install it if missing.

    :param name: as in `SERVERS`.
    :raises CannotRun: the directory cannot be made, or the server cannot run
        in it.
    """
    root = os.path.join(ROOTS, name)
    suite, _, server = name.partition('-')
    if not os.path.exists(root):
        print('Installing Debian {} with {} in .roots'.format(
            suite, server or 'incus'))
        sys.stdout.flush()
        incus.make_root(root, suite, server=server or 'incus')
    kit = ThrowawayLXD if server == 'lxd' else ThrowawayIncus
    reason = kit.find_missing_requirement(root)
    if reason:
        raise CannotRun(reason)
    return root


def prepare_host_run(choice):
    """Return the command and the environment of a run on this Python."""
    env = 'py{}{}-contract'.format(*sys.version_info)
    return ([sys.executable, '-m', 'tox', '-q', '-e', env] + sys.argv[1:],
            dict(os.environ, PYLXD_SERVER=choice))


def prepare_root_run(root):
    """Return the command and the environment of a run in a root.

    pip downloads the wheels on the host, where its settings are.
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
    deps = [line for line in tox['testenv']['deps'].split('\n')
            if line and ':' not in line]  # not those of other suites
    subprocess.check_call(
        [sys.executable, '-m', 'pip', 'download', '-q', '--python-version',
         version, '--only-binary', ':all:', '-d', root + '/srv/wheels',
         '-r', os.path.join(HERE, 'requirements.txt'), 'setuptools'] + deps)
    shutil.rmtree(root + '/srv/pylxd', ignore_errors=True)
    shutil.copytree(HERE, root + '/srv/pylxd', ignore=shutil.ignore_patterns(
        '.*', 'build', '*.egg-info'))
    return (namespaces.NAMESPACES + ['bash', '-c', RUN_IN_ROOT, 'run'] + deps,
            {'root': root, 'PATH': throwaway.PROGRAM_PATH})


def run(command, environ):
    """Run pytest; return its counts, the server's name, and the status."""
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, universal_newlines=True)
    counts, server = 'nothing ran', ''
    for line in process.stdout:
        sys.stdout.write(line)
        sys.stdout.flush()
        found = re.match(
            r'(?:=+ )?((?:\d+ (?:passed|failed|skipped|errors?|warnings?)'
            r'(?:, )?)+) in ', line)
        counts = found.group(1) if found else counts
        found = re.match(r'lxd: \w+ \((.*?)\)', line)
        server = found.group(1) if found else server
    return counts, server, process.wait()


def main():
    failed = 0
    rows = []
    for name, choice, root in SERVERS:
        print('== {}'.format(name))
        sys.stdout.flush()
        try:
            if choice == 'real' and ThrowawayLXD.find_missing_requirement():
                raise CannotRun(ThrowawayLXD.find_missing_requirement())
            if choice == 'inside':
                command = prepare_root_run(find_root(root))
            else:
                command = prepare_host_run(choice or find_root(root))
            counts, server, status = run(*command)
        except CannotRun as error:
            counts, server, status = 'cannot run here: {}'.format(error), '', 0
        failed |= status
        rows.append((name, server, counts))
    widths = [max(len(row[place]) for row in rows) for place in (0, 1)]
    print('\nThe contract suite, server by server:')
    for name, server, counts in rows:
        print('  {:{}}  {:{}}  {}'.format(
            name, widths[0], server, widths[1], counts))
    return failed


if __name__ == '__main__':
    sys.exit(main())
