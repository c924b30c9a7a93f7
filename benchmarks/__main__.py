"""Runs cases on a throwaway server, prints the table, draws the figures."""
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
from benchmarks.cases import CASES, Place

COLUMNS = ('what', 'measured', 'spread', 'n', 'target', '', 'medians')


def cells(row):
    return (row.what, row.measured, row.spread, str(len(row.values)),
            row.target, row.verdict, row.note)


def in_memory():
    """A directory that is no disk, whose noise would be measured too."""
    return '/dev/shm' if os.access('/dev/shm', os.W_OK) else None


def machine(client):
    """What it ran on, as far as it matters."""
    environment = client.host_info['environment']
    return collected([
        ('server', '{server} {server_version}'.format(**environment)),
        ('python', '{} {}'.format(platform.python_implementation(),
                                  platform.python_version())),
        ('requests', requests.__version__), ('urllib3', urllib3.__version__),
        ('kernel', platform.release()),
        ('processors', os.sysconf('SC_NPROCESSORS_ONLN')),
        ('load', '{:.1f}'.format(os.getloadavg()[0])),
        ('date', datetime.date.today().isoformat()),
    ])


def collected(pairs):
    return ', '.join('{} {}'.format(*pair) for pair in pairs)


def write(directory, about, rows, drawings):
    """The results for programs and for the documentation."""
    with io.open(os.path.join(directory, 'results.json'), 'wb') as file:
        file.write(json.dumps({'machine': about, 'rows': [
            dict(vars(row), case=case, verdict=row.verdict)
            for case, row in rows]}, indent=1, sort_keys=True).encode())
    lines = [u'.. list-table::', u'   :header-rows: 1', u'']
    for line in [COLUMNS] + [cells(row) for _, row in rows]:
        for place, cell in enumerate(line):
            lines.append(u'   {} - {}'.format(
                u' ' if place else u'*', cell.replace('*', '\\*')).rstrip())
    lines += [u'', about, u'']
    with io.open(os.path.join(directory, 'table.txt'), 'w',
                 encoding='utf-8') as file:
        file.write(u'\n'.join(lines))
    for name, arguments in drawings.items():
        figures.draw(os.path.join(directory, name + '.svg'), *arguments)


def show(*line):
    widths = (38, 30, 14, 3, 10, 10, 0)
    text = u' '.join(cell.ljust(width) for cell, width in zip(line, widths))
    if sys.version_info < (3,):
        text = text.encode('utf-8')
    print(text)
    sys.stdout.flush()


def run(options):
    os.environ['TMPDIR'] = (
        options.directory or in_memory() or tempfile.gettempdir())
    tempfile.tempdir = None  # read it again
    directory = tempfile.mkdtemp(prefix='bench-')
    rows = []
    try:
        with (ThrowawayIncus(options.server) if options.server
              else ThrowawayLXD()) as kit:
            place = Place(kit, directory, options.quick)
            about = machine(place.client)
            print(about)
            show(*COLUMNS)
            for name in options.cases or CASES:
                for row in CASES[name](place):
                    rows.append((name, row))
                    show(*cells(row))
            if not os.path.isdir(options.output):
                os.makedirs(options.output)
            write(options.output, about, rows, place.figures)
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
                        help='all of them by default')
    parser.add_argument('--quick', action='store_true',
                        help='fewer repeats, smaller files: a rough look')
    parser.add_argument('--python', help='the interpreter to measure')
    parser.add_argument('--server', metavar='ROOT',
                        help='measure on the Incus in a directory made by '
                        'python -m pylxd.testing.incus')
    parser.add_argument('--directory', help='for the server and big files; '
                        'by default in memory, in /dev/shm')
    parser.add_argument('--output', default='build/benchmarks',
                        help='where results.json, table.txt and the figures '
                        'go (%(default)s)')
    options = parser.parse_args()
    unknown = set(options.cases) - set(CASES)
    if unknown:
        parser.error('no such case: ' + ', '.join(sorted(unknown)))
    if options.python:
        arguments = sys.argv[1:]
        place = next(place for place, each in enumerate(arguments)
                     if each.startswith('--python'))
        del arguments[place:place + (1 if '=' in arguments[place] else 2)]
        os.execvp(options.python,
                  [options.python, '-m', 'benchmarks'] + arguments)
    run(options)


if __name__ == '__main__':
    main()
