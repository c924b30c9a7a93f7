"""What type checkers say of the library, and of programs that use it."""
import io
import json
import os
import re
import subprocess
import sys

import pytest

import pylxd

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGE = os.path.dirname(os.path.abspath(pylxd.__file__))
#: Percent of the public names whose types are known, at least.
COMPLETE = 95

#: A line of the script, the line with a typical mistake in it, and what mypy
#: calls such a mistake.
MISTAKES = {
    'a misspelt method': (
        'container.start(wait=True)', 'container.strat(wait=True)',
        'attr-defined'),
    'a command as text': (
        "container.execute(['ls', '-l', '/'])", "container.execute('ls')",
        'call-overload'),
    'a misspelt argument': (
        'container.save(wait=True)', 'container.save(wiat=True)',
        'call-arg'),
    'text for a dict': (
        "config={'limits.memory': '512MB'}", "config='limits.memory=512MB'",
        'arg-type'),
    'an attribute of another resource': (
        'image.fingerprint[:12]', 'image.profile[:12]', 'attr-defined'),
    'a method without its parentheses': (
        'print(state.status', 'print(container.state.status',
        'attr-defined'),
    'bytes where the lines of a process are text': (
        "line.strip().upper()", "line.strip(b' ')", 'arg-type'),
    'text where those of a process are bytes': (
        "out.startswith(b'data')", "out.startswith('data')", 'arg-type'),
    'a text where bytes come': (
        'motd: bytes', 'motd: str', 'assignment'),
    'a misspelt manager': (
        'client.images.all()', 'client.image.all()', 'attr-defined'),
    'an address for a client': (
        "container.migrate(Client('https://10.0.0.2:8443')",
        "container.migrate('https://10.0.0.2:8443'", 'arg-type'),
    'a misspelt class method': (
        'Profile.get(client', 'Profile.gte(client', 'attr-defined'),
}


def run_mypy(script, tmp_path):
    """Return the errors of a script, as ``LINE: [CODE]``, and all output."""
    path = tmp_path / 'script.py'
    path.write_text(script)
    process = subprocess.run(
        [sys.executable, '-m', 'mypy', '--strict', '--config-file=',
         '--cache-dir', str(tmp_path / 'cache'), str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        universal_newlines=True, cwd=str(tmp_path), env=dict(
            os.environ, MYPYPATH=os.path.dirname(PACKAGE)
            if 'site-packages' not in PACKAGE else ''))
    return re.findall(r'script\.py:(\d+): error: .*\[([\w-]+)\]',
                      process.stdout), process.stdout


@pytest.fixture(scope='module')
def script():
    with io.open(os.path.join(HERE, 'documented_script.py'),
                 encoding='utf-8') as file:
        return file.read()


def test_documented_script_has_no_errors(script, tmp_path):
    errors, output = run_mypy(script, tmp_path)
    assert errors == [] and 'Success' in output, output


@pytest.mark.timeout(300)
def test_typical_mistakes_are_found(script, tmp_path):
    """All mistakes in one run, each on its line."""
    expected = []
    for before, after, code in MISTAKES.values():
        assert script.count(before) == 1, before
        script = script.replace(before, after)
        expected.append((str(
            script[:script.index(after)].count('\n') + 1), code))
    errors, output = run_mypy(script, tmp_path)
    missing = [error for error in expected if error not in errors]
    assert not missing, output


@pytest.mark.timeout(300)
def test_types_of_public_names_are_known(tmp_path):
    process = subprocess.run(
        [sys.executable, '-m', 'basedpyright', '--ignoreexternal',
         '--verifytypes', 'pylxd', '--outputjson'],
        stdout=subprocess.PIPE, cwd=str(tmp_path), env=dict(
            os.environ, PYTHONPATH=os.path.dirname(PACKAGE)))
    report = json.loads(process.stdout.decode())['typeCompleteness']
    unknown = [symbol['name'] for symbol in report['symbols']
               if symbol['isExported'] and not symbol['isTypeKnown']]
    assert report['completenessScore'] * 100 >= COMPLETE, '\n'.join(unknown)
