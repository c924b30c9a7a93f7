"""Write doc/api-coverage.rst: the call and the test of each API operation.

``operations.txt`` lists the operations of the servers' APIs, and says why no
test shows some of them. ``shown.txt`` says which call reaches an operation, in
which test, and at which servers. It comes from recordings of the requests that
tests caused (tests/recording.py)::

    PYLXD_RECORD=FILE pytest --lxd=real tests/contract
    make coverage RECORDING=FILE

A recording replaces all that ``shown.txt`` says of its servers. Without a
recording, only the page is written.
"""
import collections
import io
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TABLE = os.path.join(ROOT, 'doc', 'api-coverage.rst')
SHOWN = os.path.join(HERE, 'shown.txt')
#: The servers of operations.txt, by their abbreviations there.
SERVERS = collections.OrderedDict([
    ('L5', 'LXD 5.0.2'), ('I7', 'Incus 7.0.2'), ('L6', 'LXD 6')])
#: What the reason begins with why no test shows an operation at a server.
REASONS = ('with scripted answers', 'in a later release', 'by client.api')
#: Methods of all objects, which are named only where no other call is seen.
GENERIC = re.compile(r'\.(put|patch|raw_put|raw_patch|sync|exists)\(\)$')
REFUSED = ' (refused)'
#: The column of operations without a test and without a reason.
NOT_SHOWN = 'not shown'
INTRO = '''\
Operations of the servers' APIs
===============================

Each operation in the APIs of LXD 5.0.2, of Incus 7.0.2 and of LXD 6, a call of
the library that reaches it, and a test in ``tests`` that shows it. The calls
were not looked up but recorded: while the tests ran, each request that a
server answered was noted with the call that sent it. A server in the last
column is one at which that was seen. "Refused" means that the server answered
with an error in every test, as it does where an operation needs OVN. LXD 6 is
known from the text of its API alone.

Requests of ``client.api`` do not count. It reaches every operation, also those
without a call. ``make coverage`` writes this page; a test compares it.

'''

Operation = collections.namedtuple(
    'Operation', 'group servers method path reason')
#: A call seen to reach an operation: at each server, whether it succeeded.
#: In the phase ``setup``, a fixture of the test made the call.
Seen = collections.namedtuple('Seen', 'call test servers phase')


def read_operations():
    """Return the operations of operations.txt, in their order."""
    operations = []
    with io.open(os.path.join(HERE, 'operations.txt')) as file:
        blocks = file.read().split('\n\n')[1:]  # the first is an introduction
    for block in blocks:
        heading, *lines = block.strip().split('\n')
        reason_of_all = ''
        for line in lines:
            operation, _, reason = line.partition('= ')
            if not operation:
                reason_of_all = reason
                continue
            *servers, method, path = operation.split()
            operations.append(Operation(
                heading.lstrip('# '), tuple(SERVERS[s] for s in servers),
                method, path, reason or reason_of_all))
    return operations


def read_shown():
    """Return what shown.txt says of each operation, a list of `Seen`."""
    shown, operation = collections.defaultdict(list), None
    with io.open(SHOWN) as file:
        for line in file.read().splitlines()[3:]:  # after an introduction
            if line.startswith(' '):
                call, test, *servers = re.split(r',? (?=LXD|Incus)|  +',
                                                line.strip())
                shown[operation].append(Seen(call, test, {
                    server.replace(REFUSED, ''): REFUSED not in server
                    for server in servers}, 'call'))
            elif line:
                operation = tuple(line.split())
    return shown


def write_shown(shown):
    """Write shown.txt."""
    lines = ['Written by operations_table.py: each operation, the calls seen '
             'to reach it,', 'the test of each, and the servers.', '']
    for operation, seen in sorted(
            shown.items(), key=lambda item: item[0][::-1]):
        lines.append(' '.join(operation))
        lines += ['  {}  {}  {}'.format(
            each.call, each.test, join_servers(each.servers)) for each in seen]
    with io.open(SHOWN, 'w') as file:
        file.write('\n'.join(lines) + '\n')


def join_servers(servers):
    return ', '.join(
        server + (REFUSED if not succeeded else '')
        for server, succeeded in sorted(servers.items(), key=sort_key))


def sort_key(item):
    return [not item[0].startswith('LXD'), item[0]]


def find_operation(operations, method, path):
    """Return the operation, as method and path, that a request belongs to."""
    segments = path.rstrip('/').split('/')
    found = []
    for operation in operations:
        pattern = operation.path.rstrip('/').split('/')
        parameters = [each.startswith('{') for each in pattern]
        if (operation.method == method and len(pattern) == len(segments)
                and all(one == other or is_parameter for
                        one, other, is_parameter
                        in zip(pattern, segments, parameters))):
            # A name in the path wins over a parameter there
            found.append((parameters, operation))
    return (method, min(found)[1].path) if found else None


def read_recordings(paths):
    """Return what is recorded for each operation, and for no operation."""
    operations, unknown = read_operations(), collections.Counter()
    lines, cache = set(), {}
    for path in paths:
        with io.open(path) as file:
            lines.update(line.rstrip('\n') for line in file)
    found = collections.defaultdict(dict)
    for line in sorted(lines):
        server, method, path, status, call, test, phase = line.split('\t')
        if phase not in ('setup', 'call'):
            continue
        if (method, path) not in cache:
            cache[method, path] = find_operation(operations, method, path)
        operation = cache[method, path]
        if operation is None:
            unknown[method, path] += 1
            continue
        test = os.path.relpath(test, 'tests')
        servers = found[operation].setdefault((call, test, phase), {})
        servers[server] = servers.get(server, False) or int(status) < 400
    return {operation: [Seen(call, test, servers, phase) for
                        (call, test, phase), servers in each.items()]
            for operation, each in found.items()}, unknown


def merge(recorded, shown):
    """Replace in ``shown`` all that is said of the servers of a recording."""
    servers = {server for seen in recorded.values() for each in seen
               for server in each.servers}
    everything = collections.defaultdict(list, recorded)
    for operation, seen in shown.items():
        for each in seen:
            kept = {server: succeeded for server, succeeded
                    in each.servers.items() if server not in servers}
            if kept:
                everything[operation] = [
                    *everything[operation], each._replace(servers=kept)]
    key = rank(everything)
    return {operation: choose(sorted(seen, key=key))
            for operation, seen in everything.items()}


def rank(everything):
    """Return a function that sorts what was seen of an operation.

    First comes a call, not an attribute, that sends few other requests and
    that many tests make. Its test is from the file with the most tests of the
    call, ran on many servers, has a name with that of the method, was refused
    nothing by a server, and shows little else.
    """
    operations_of, tests_of, shown_by = [
        collections.defaultdict(set) for _ in range(3)]
    refused = set()
    for operation, seen in everything.items():
        for each in seen:
            operations_of[each.call].add(operation)
            tests_of[each.call].add(each.test)
            tests_of[each.call, each.test.partition('::')[0]].add(each.test)
            shown_by[each.test].add((operation, each.call))
            if not all(each.servers.values()):
                refused.add(each.test)
    return lambda each: (
        bool(GENERIC.search(each.call)), not each.call.endswith(')'),
        each.phase == 'setup', len(operations_of[each.call]),
        -len(tests_of[each.call]), each.call,
        -len(tests_of[each.call, each.test.partition('::')[0]]),
        -len(each.servers),
        each.call.rpartition('.')[2].rstrip('()') not in each.test,
        each.test in refused, len(shown_by[each.test]), each.test)


def choose(seen):
    """Return the first of what was seen that names each server."""
    chosen, done = [], set()
    for wanted in (True, False):
        for each in seen:
            servers = {server: wanted for server, succeeded
                       in each.servers.items()
                       if succeeded == wanted and server not in done}
            if servers:
                chosen.append(each._replace(servers=servers))
                done.update(servers)
    return chosen


def classify(operation, seen, server):
    """Return the column of the summary that an operation counts in."""
    outcomes = {name: succeeded for each in seen
                for name, succeeded in each.servers.items()}
    if outcomes.get(server):
        return 'seen there'
    if any(outcomes.values()):
        return 'seen at another server'
    if outcomes:
        return 'refused'
    return next((reason for reason in REASONS
                 if operation.reason.startswith(reason)), NOT_SHOWN)


def make_table():
    """Return the text of the page."""
    operations, shown = read_operations(), read_shown()
    columns = ('seen there', 'seen at another server', 'refused') + REASONS + (
        NOT_SHOWN,)
    rows = [('Server', 'operations') + columns]
    for server in SERVERS.values():
        counts = collections.Counter(
            classify(each, shown.get((each.method, each.path), ()), server)
            for each in operations if server in each.servers)
        rows.append([server, sum(counts.values())] + [
            counts[column] for column in columns])
    parts = [INTRO, make_list_table(rows, 1)]
    for group in dict.fromkeys(each.group for each in operations):
        parts.append('\n{}\n{}\n\n'.format(group, '-' * len(group)))
        rows = [('Operation', 'In', 'Call', 'Shown by')]
        for each in operations:
            if each.group == group:
                rows += make_rows(each, shown.get((each.method, each.path)))
        parts.append(make_list_table(rows, 1))
    return ''.join(parts)


def make_rows(operation, seen):
    """Return the rows of one operation, one for each call."""
    first = ['``{} {}``'.format(operation.method, operation.path),
             ', '.join(operation.servers)]
    if not seen:
        return [first + ['', operation.reason]]
    return [(first if number == 0 else ['', '']) + [
        '``{}``'.format(each.call), '``{}``: {}'.format(
            each.test, join_servers(each.servers))]
            for number, each in enumerate(seen)]


def make_list_table(rows, header_rows):
    lines = ['.. list-table::', '   :header-rows: %d' % header_rows, '']
    for row in rows:
        lines += [('   {} - {}'.format('*' if number == 0 else ' ', cell)
                   ).rstrip() for number, cell in enumerate(row)]
    return '\n'.join(lines) + '\n'


def main(recordings):
    if recordings:
        recorded, unknown = read_recordings(recordings)
        write_shown(merge(recorded, read_shown()))
        for method, path in sorted(unknown):
            print('not in operations.txt: {} {}'.format(method, path))
    with io.open(TABLE, 'w') as file:
        file.write(make_table())


if __name__ == '__main__':
    main(sys.argv[1:])
