"""The peers: the server's own command line client, and ``curl``."""
import os
import subprocess


def run_lxc(server, *arguments, **streams):
    """Run ``lxc`` (``incus``) and wait for its end.

    :param server: a server of `pylxd.testing`.
    :param streams: ``stdin`` and ``stdout``, as `subprocess.Popen` takes them.
    """
    directory = os.path.dirname(server.directory)[len(server.root):]
    environ = dict(os.environ, HOME=directory)
    environ[server.variable] = directory + '/server'
    _run((['chroot', server.root] if server.root else [])
         + [server.command] + list(arguments), env=environ, **streams)


def run_curl(server, path, *arguments):
    """Run ``curl`` over the server's unix socket and return its output.

    :param server: a server of `pylxd.testing`.
    :param path: path and query of the URL.
    """
    return _run(['curl', '-sS', '--fail', '--unix-socket', server.socket]
                + list(arguments) + ['http://localhost' + path])


def _run(command, stdin=None, stdout=subprocess.PIPE, env=None):
    with open(os.devnull) as null:
        process = subprocess.Popen(
            command, stdin=stdin or null, stdout=stdout, env=env,
            stderr=subprocess.PIPE)
        output, errors = process.communicate()
    if process.returncode:
        raise RuntimeError('{}: exit code {}: {}'.format(
            ' '.join(command), process.returncode,
            errors.decode('utf-8', 'replace')))
    return output
