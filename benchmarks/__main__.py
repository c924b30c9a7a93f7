"""Run cases on a throwaway server, print the table and draw the charts."""
from __future__ import print_function

import argparse
import datetime
import io
import json
import os
import platform
import shutil
import sys
import tempfile
import warnings

import requests
import urllib3

from pylxd.testing import ThrowawayIncus, ThrowawayLXD
from benchmarks import figures
from benchmarks.cases import CASES, Setup

COLUMNS = ('what', 'measured', 'spread', 'n', 'target', '', 'medians')


def format_cells(row):
    return (row.what, row.measured, row.spread, str(len(row.values)),
            row.target, row.verdict, row.note)


def find_memory_directory():
    """Return a directory in memory: on a disk, the disk would be measured."""
    return '/dev/shm' if os.access('/dev/shm', os.W_OK) else None


def describe_machine(client):
    """Return software versions, the number of processors and the load."""
    environment = client.host_info['environment']
    return ', '.join('{} {}'.format(*pair) for pair in [
        ('server', '{server} {server_version}'.format(**environment)),
        ('python', '{} {}'.format(platform.python_implementation(),
                                  platform.python_version())),
        ('requests', requests.__version__), ('urllib3', urllib3.__version__),
        ('kernel', platform.release()),
        ('processors', os.sysconf('SC_NPROCESSORS_ONLN')),
        ('load', '{:.1f}'.format(os.getloadavg()[0])),
        ('date', datetime.date.today().isoformat()),
    ])


def write_results(directory, machine, rows, charts):
    """Write the results as JSON, as a table in reStructuredText and as charts.
    """
    with io.open(os.path.join(directory, 'results.json'), 'wb') as file:
        file.write(json.dumps({'machine': machine, 'rows': [
            dict(vars(row), case=case, verdict=row.verdict)
            for case, row in rows]}, indent=1, sort_keys=True).encode())
    lines = [u'.. list-table::', u'   :header-rows: 1', u'']
    for line in [COLUMNS] + [format_cells(row) for _, row in rows]:
        for column, cell in enumerate(line):
            lines.append(u'   {} - {}'.format(
                u' ' if column else u'*', cell.replace('*', '\\*')).rstrip())
    lines += [u'', machine, u'']
    with io.open(os.path.join(directory, 'table.txt'), 'w',
                 encoding='utf-8') as file:
        file.write(u'\n'.join(lines))
    for name, arguments in charts.items():
        figures.draw_chart(os.path.join(directory, name + '.svg'), *arguments)


def print_line(*line):
    widths = (42, 30, 14, 3, 10, 10, 0)
    text = u' '.join(cell.ljust(width) for cell, width in zip(line, widths))
    if sys.version_info < (3,):
        text = text.encode('utf-8')
    print(text)
    sys.stdout.flush()


def run_cases(options):
    os.environ['TMPDIR'] = (options.directory or find_memory_directory()
                            or tempfile.gettempdir())
    tempfile.tempdir = None  # makes tempfile read TMPDIR again
    directory = tempfile.mkdtemp(prefix='bench-')
    rows = []
    try:
        with (ThrowawayIncus(options.server) if options.server
              else ThrowawayLXD()) as server:
            setup = Setup(server, directory, options.quick)
            machine = describe_machine(setup.client)
            print(machine)
            print_line(*COLUMNS)
            for name in options.cases or CASES:
                for row in CASES[name](setup):
                    rows.append((name, row))
                    print_line(*format_cells(row))
            if not os.path.isdir(options.output):
                os.makedirs(options.output)
            write_results(options.output, machine, rows, setup.charts)
    finally:
        shutil.rmtree(directory)


def main():
    if sys.version_info < (3,):
        warnings.filterwarnings('ignore', 'Python 2 is no longer')
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog='cases:\n' + '\n'.join('  {:<10} {}'.format(
            name, case.__doc__) for name, case in CASES.items()))
    parser.add_argument('cases', nargs='*', metavar='CASE',
                        help='the cases to run; by default all')
    parser.add_argument('--quick', action='store_true',
                        help='repeat less and move less, for a rough look')
    parser.add_argument('--python', help='the Python interpreter to run with')
    parser.add_argument('--server', metavar='ROOT',
                        help='run the Incus in a directory made by '
                        'python -m pylxd.testing.incus')
    parser.add_argument('--directory', help='directory for the server and big '
                        'files; by default in memory, in /dev/shm')
    parser.add_argument('--output', default='build/benchmarks',
                        help='directory for results.json, table.txt and the '
                        'charts (%(default)s)')
    options = parser.parse_args()
    unknown = set(options.cases) - set(CASES)
    if unknown:
        parser.error('no such case: ' + ', '.join(sorted(unknown)))
    if options.python:
        arguments = sys.argv[1:]
        index = next(index for index, argument in enumerate(arguments)
                     if argument.startswith('--python'))
        del arguments[index:index + (1 if '=' in arguments[index] else 2)]
        os.execvp(options.python,
                  [options.python, '-m', 'benchmarks'] + arguments)
    run_cases(options)


if __name__ == '__main__':
    main()
