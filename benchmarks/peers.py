"""The peers: the server's own client, and curl."""
import os
import subprocess


def lxc(kit, *arguments, **kwargs):
    """Run ``lxc`` (``incus``) as a process, whole.

    :param kwargs: of subprocess, such as ``stdin``
    """
    inside = os.path.dirname(kit.directory)[len(kit.root):]
    environ = dict(os.environ, HOME=inside)
    environ[kit.variable] = inside + '/server'
    _run((['chroot', kit.root] if kit.root else [])
         + [kit.command] + list(arguments), env=environ, **kwargs)


def curl(kit, path, *arguments, **kwargs):
    """Run ``curl`` as a process, whole."""
    return _run(['curl', '-sS', '--fail', '--unix-socket', kit.socket]
                + list(arguments) + ['http://localhost' + path], **kwargs)


def _run(command, stdin=None, stdout=subprocess.PIPE, env=None):
    with open(os.devnull) as nothing:
        process = subprocess.Popen(
            command, stdin=stdin or nothing, stdout=stdout, env=env,
            stderr=subprocess.PIPE)
        said, errors = process.communicate()
    if process.returncode:
        raise RuntimeError('{}: {}'.format(
            ' '.join(command), errors.decode('utf-8', 'replace')))
    return said
