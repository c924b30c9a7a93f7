"""The peers: the server's own command line client, and ``curl``."""
import os
import subprocess

#: Seconds after which one run of ``lxc`` among others is killed.
LONGEST_RUN = 30


def run_lxc(server, *arguments, **streams):
    """Run ``lxc`` (``incus``) and wait for its end.

    :param server: a server of `pylxd.testing`.
    :param streams: ``stdin`` and ``stdout``, as `subprocess.Popen` takes them.
    """
    _run(_in_root(server, [server.command] + list(arguments)),
         env=_make_environ(server), **streams)


def run_lxc_in_parallel(server, count, processes, *arguments):
    """Run ``lxc`` many times by ``xargs -P``.

    Some ``lxc exec`` 5.0.2 that run at the same time never end, though their
    commands have ended. Each is killed after `LONGEST_RUN`, which then counts
    as the time of all: the median of the ratios does not depend on a few.

    :param count: the number of runs.
    :param processes: the number of those at the same time.
    """
    command = 'seq {} | xargs -P {} -I+ timeout {} {} {}'.format(
        count, processes, LONGEST_RUN, server.command, ' '.join(arguments))
    script = command + ' || [ $? = 123 ]'  # timeout has killed one
    _run(_in_root(server, ['sh', '-c', script]), env=_make_environ(server))


def read_line_of_lxc(server, *arguments):
    """Start ``lxc``, read a line of its output, and kill it."""
    process = subprocess.Popen(
        _in_root(server, [server.command] + list(arguments)),
        env=_make_environ(server), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    line = process.stdout.readline()
    process.kill()
    process.communicate()
    return line


def _in_root(server, command):
    return (['chroot', server.root] if server.root else []) + command


def _make_environ(server):
    directory = os.path.dirname(server.directory)[len(server.root):]
    environ = dict(os.environ, HOME=directory)
    environ[server.variable] = directory + '/server'
    return environ


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
