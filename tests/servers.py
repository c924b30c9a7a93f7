"""Run the contract tests on each server that we know (``make test-servers``).

One after another, as they share the host's networks; then one table. Systems
with Incus are made in ``.roots`` where they are missing.
"""
import os
import re
import subprocess
import sys

from pylxd.testing import CannotRun, ThrowawayIncus, ThrowawayLXD
from pylxd.testing.incus import make_root

ROOTS = os.path.join(os.path.dirname(__file__), os.pardir, '.roots')
#: Each server and what ``--lxd`` calls it, or the Debian that has it.
SERVERS = (
    ('the stand-in', 'fake', None),
    ('the stand-in, like Incus 6.0', 'fake:incus-6.0', None),
    ('the stand-in, like Incus 7.0', 'fake:incus-7.0', None),
    ('LXD', 'real', None),
    ('Incus 6.0', None, 'trixie'),
    ('Incus 7.0', None, 'forky'),
)


def root_of(suite):
    """The directory that holds that Debian with Incus, made if missing.

    :raises CannotRun: it cannot be made, or not used
    """
    root = os.path.abspath(os.path.join(ROOTS, suite))
    if not os.path.exists(root):
        print('Making a Debian {} with Incus in .roots'.format(suite))
        sys.stdout.flush()
        make_root(root, suite)
    reason = ThrowawayIncus.why_not(root)
    if reason:
        raise CannotRun(reason)
    return root


def run(choice):
    """What pytest counts on one server, its server's name, and the status."""
    env = 'py{}{}-contract'.format(*sys.version_info)
    process = subprocess.Popen(
        [sys.executable, '-m', 'tox', '-q', '-e', env] + sys.argv[1:],
        env=dict(os.environ, PYLXD_SERVER=choice),
        stdout=subprocess.PIPE, universal_newlines=True)
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
            if choice == 'real' and ThrowawayLXD.why_not():
                raise CannotRun(ThrowawayLXD.why_not())
            counts, told, status = run(choice or root_of(suite))
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
