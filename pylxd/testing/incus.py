"""A real Incus that is private and temporary, also on an older Debian.

Debian 12 has no Incus. This command, run as root, makes a directory with a
minimal system of a later Debian that has one, in about a minute::

    python -m pylxd.testing.incus --suite trixie DIRECTORY    (Incus 6.0)
    python -m pylxd.testing.incus --suite forky DIRECTORY     (Incus 7.0)

Then ``ThrowawayIncus(DIRECTORY)`` runs daemons from that system. The LXD of
another Debian is had by ``--server lxd`` and ``ThrowawayLXD(DIRECTORY)``.
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

#: The packages of each server; the last two are for managed bridges.
PACKAGES = {
    'incus': ['incus-base', 'incus-client', 'dnsmasq-base', 'nftables'],
    'lxd': ['lxd', 'lxd-client', 'iproute2', 'squashfs-tools',
            'dnsmasq-base', 'nftables'],
}


class ThrowawayIncus(Throwaway):
    """A private Incus; see :class:`Throwaway`.

    If Incus is not installed, ``root`` is a directory that `make_root` made.
    """

    daemon = 'incusd'
    command = 'incus'
    variable = 'INCUS_DIR'
    remedy = (': apt-get install --no-install-recommends incus-base, or make '
              'a root with python -m pylxd.testing.incus DIRECTORY')
    has_password = False


def find_apt_mirror():
    # type: () -> str
    """Return the URL from which apt here gets Debian's main archive.

    :raises CannotRun: the configuration of apt has no such URL.
    """
    try:
        targets = subprocess.check_output(
            ['apt-get', 'indextargets', '--format', '$(REPO_URI)',
             'Created-By: Packages', 'Label: Debian', 'Component: main'])
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotRun("cannot ask apt for its mirror ({}): give one with "
                        "--mirror".format(error))
    if not targets:
        raise CannotRun("apt has no mirror of Debian's main archive: run "
                        "apt-get update, or give one with --mirror")
    return targets.decode().splitlines()[0]


def make_root(directory, suite, mirror=None, server='incus'):
    # type: (str, str, Optional[str], str) -> None
    """Install a minimal Debian with Incus or LXD into a new directory.

    :param directory: the path of the directory, which must not exist.
    :param suite: the Debian release, such as ``trixie``.
    :param mirror: the URL of the Debian archive; None takes that of apt.
    :param server: ``incus`` or ``lxd``.
    :raises CannotRun: the installation failed; nothing is left of it.
    """
    directory = os.path.abspath(directory)
    if os.geteuid() != 0:
        raise CannotRun("making a root needs root's rights")
    # The directory gets its final name when it is complete
    unfinished = directory + '.unfinished'
    for path in directory, unfinished:
        if os.path.exists(path):
            raise CannotRun("cannot make a root: {} exists already".format(
                path))
    debootstrap = find_program('debootstrap')
    if debootstrap is None:
        raise CannotRun("debootstrap is missing: apt-get install debootstrap")
    mirror = mirror or find_apt_mirror()
    try:
        os.makedirs(unfinished)
    except EnvironmentError as error:
        raise CannotRun("cannot make {}: {}".format(directory, error))
    try:
        # debootstrap lacks the names of younger suites; the script of sid
        # installs them
        run_isolated(
            debootstrap, '--variant=minbase', suite, unfinished, mirror,
            '/usr/share/debootstrap/scripts/sid')
        _write_file(
            unfinished, 'usr/sbin/policy-rc.d', '#!/bin/sh\nexit 101\n')
        os.chmod(os.path.join(unfinished, 'usr/sbin/policy-rc.d'), 0o755)
        for name in 'etc/subuid', 'etc/subgid':
            _write_file(unfinished, name, 'root:1000000:1000000000\n')
        _write_file(unfinished, 'etc/apt/apt.conf.d/50as-outside',
                    read_apt_settings())
        run_isolated('chroot', unfinished, 'apt-get', 'update')
        run_isolated(
            'chroot', unfinished, 'env', 'DEBIAN_FRONTEND=noninteractive',
            'apt-get', 'install', '--yes', '--no-install-recommends',
            *PACKAGES[server])
        run_isolated('chroot', unfinished, 'apt-get', 'clean')
        os.rename(unfinished, directory)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def read_apt_settings():
    # type: () -> str
    """Return the settings by which apt here uses proxies and old mirrors."""
    try:
        lines = subprocess.check_output(['apt-config', 'dump']).decode()
    except OSError:
        return ''  # this machine has no apt
    return ''.join(line for line in lines.splitlines(True)
                   if re.match('Acquire::(Check|https?::Proxy)', line))


def _write_file(root, name, text):
    # type: (str, str, str) -> None
    with open(os.path.join(root, name), 'w') as file:
        file.write(text)


def run_isolated(*command):
    # type: (*str) -> None
    """Run a command in new namespaces, where it leaves no process or mount.

    :raises CannotRun: the command failed.
    """
    # With setsid, Ctrl-C reaches this process alone, which ends the command
    process = subprocess.Popen(
        ('setsid', 'unshare', '--mount', '--pid', '--fork', '--kill-child',
         '--mount-proc') + command)
    try:
        status = process.wait()
    except BaseException:
        # The end of the init process of the namespaces ends all processes in
        # them; unshare waits for that
        children = '/proc/{0}/task/{0}/children'.format(process.pid)
        with open(children) as pids:
            for pid in pids.read().split():
                os.kill(int(pid), signal.SIGKILL)
        process.wait()
        raise
    if status:
        raise CannotRun("making the root failed: {} ended with status "
                        "{}".format(' '.join(command), status))


def main(arguments=None):
    # type: (Optional[List[str]]) -> Optional[str]
    """Make a root, as the command line says.

    :param arguments: the arguments of the command; None takes `sys.argv`.
    :return: an error message, or None.
    """
    parser = argparse.ArgumentParser(
        prog='python -m pylxd.testing.incus',
        description="Make a minimal Debian with Incus in a directory.")
    parser.add_argument('directory')
    parser.add_argument('--suite', default='trixie',
                        help="trixie has Incus 6.0, forky 7.0")
    parser.add_argument('--mirror', help="default: the mirror that apt uses")
    parser.add_argument('--server', default='incus', choices=sorted(PACKAGES))
    options = parser.parse_args(arguments)
    try:
        make_root(options.directory, options.suite, options.mirror,
                  options.server)
    except CannotRun as error:
        return str(error)
    except KeyboardInterrupt:
        return 'Interrupted: the unfinished root is removed.'
    return None


if __name__ == '__main__':
    sys.exit(main())
