"""A real Incus: private, temporary, and of a later Debian where need be.

Debian 12 has no Incus. A minimal system of a later Debian in a directory has
one, and this command, run as root, makes it (about a minute)::

    python -m pylxd.testing.incus --suite trixie DIRECTORY    (Incus 6.0)
    python -m pylxd.testing.incus --suite forky DIRECTORY     (Incus 7.0)

``ThrowawayIncus(DIRECTORY)`` then runs daemons from it.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys

from pylxd.testing.throwaway import CannotRun, Throwaway, find_program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

# The last two are for managed bridges.
PACKAGES = ['incus-base', 'incus-client', 'dnsmasq-base', 'nftables']


class ThrowawayIncus(Throwaway):
    """An Incus of its own; see :class:`Throwaway`.

    Where none is installed, ``root`` is a directory made by this module.
    """

    daemon = 'incusd'
    command = 'incus'
    variable = 'INCUS_DIR'
    remedy = (': apt-get install --no-install-recommends incus-base, or make '
              'a root by python -m pylxd.testing.incus DIRECTORY')
    has_password = False


def mirror_of_apt():
    # type: () -> str
    """Where this machine's apt gets Debian's main archive from.

    :raises CannotRun: when its configuration names no such place
    """
    try:
        targets = subprocess.check_output(
            ['apt-get', 'indextargets', '--format', '$(REPO_URI)',
             'Created-By: Packages', 'Label: Debian', 'Component: main'])
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotRun("apt does not tell its mirror ({}); give one with "
                        "--mirror".format(error))
    if not targets:
        raise CannotRun("apt knows no mirror of Debian's main archive; run "
                        "apt-get update, or give one with --mirror")
    return targets.decode().splitlines()[0]


def make_root(directory, suite, mirror=None):
    # type: (str, str, Optional[str]) -> None
    """Put a minimal Debian with Incus into a directory that does not exist.

    :param directory: where to
    :param suite: the Debian release, such as ``trixie``
    :param mirror: its archive, by default the one that apt uses
    :raises CannotRun: with the reason, and nothing is left behind
    """
    directory = os.path.abspath(directory)
    if os.geteuid() != 0:
        raise CannotRun("making a root takes root's rights")
    # Under its final name there is never a half-made root.
    unfinished = directory + '.unfinished'
    for path in directory, unfinished:
        if os.path.exists(path):
            raise CannotRun("{} exists already".format(path))
    debootstrap = find_program('debootstrap')
    if debootstrap is None:
        raise CannotRun("debootstrap is missing: apt-get install debootstrap")
    mirror = mirror or mirror_of_apt()
    try:
        os.makedirs(unfinished)
    except EnvironmentError as error:
        raise CannotRun("cannot make {}: {}".format(directory, error))
    try:
        # It lacks the names of suites that are younger, not their way.
        _run(debootstrap, '--variant=minbase', suite, unfinished, mirror,
             '/usr/share/debootstrap/scripts/sid')
        _write(unfinished, 'usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n')
        os.chmod(os.path.join(unfinished, 'usr/sbin/policy-rc.d'), 0o755)
        for name in 'etc/subuid', 'etc/subgid':
            _write(unfinished, name, 'root:1000000:1000000000\n')
        _write(unfinished, 'etc/apt/apt.conf.d/50as-outside', _apt_settings())
        _run('chroot', unfinished, 'apt-get', 'update')
        _run('chroot', unfinished, 'env', 'DEBIAN_FRONTEND=noninteractive',
             'apt-get', 'install', '--yes', '--no-install-recommends',
             *PACKAGES)
        _run('chroot', unfinished, 'apt-get', 'clean')
        os.rename(unfinished, directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _apt_settings():
    # type: () -> str
    # How this machine's apt fetches: through a proxy, from a stale mirror.
    try:
        lines = subprocess.check_output(['apt-config', 'dump']).decode()
    except OSError:
        return ''  # it has none
    return ''.join(line for line in lines.splitlines(True)
                   if re.match('Acquire::(Check|https?::Proxy)', line))


def _write(root, name, text):
    # type: (str, str, str) -> None
    with open(os.path.join(root, name), 'w') as file:
        file.write(text)


def _run(*command):
    # type: (*str) -> None
    # In namespaces of its own it leaves no mount, and no process either when
    # it is ended half-way; in a session of its own no Ctrl-C gets there first.
    process = subprocess.Popen(
        ('setsid', 'unshare', '--mount', '--pid', '--fork', '--kill-child',
         '--mount-proc') + command)
    try:
        status = process.wait()
    except BaseException:
        # The end of the first process in there ends them all; unshare waits.
        with open('/proc/{0}/task/{0}/children'.format(process.pid)) as first:
            for pid in first.read().split():
                os.kill(int(pid), signal.SIGKILL)
        process.wait()
        raise
    if status:
        raise CannotRun("making the root failed: {} ended with status "
                        "{}".format(' '.join(command), status))


def main(arguments=None):
    # type: (Optional[List[str]]) -> Optional[str]
    parser = argparse.ArgumentParser(
        prog='python -m pylxd.testing.incus',
        description="Make a minimal Debian with Incus in a directory.")
    parser.add_argument('directory')
    parser.add_argument('--suite', default='trixie',
                        help="trixie has Incus 6.0, forky 7.0")
    parser.add_argument('--mirror', help="default: the one apt uses")
    options = parser.parse_args(arguments)
    try:
        make_root(options.directory, options.suite, options.mirror)
    except CannotRun as error:
        return str(error)
    except KeyboardInterrupt:
        return 'Interrupted; nothing is left of it.'
    return None


if __name__ == '__main__':
    sys.exit(main())
