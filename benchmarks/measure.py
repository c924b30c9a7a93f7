"""Timers, comparisons and the rows of the table."""
import collections
import re
import resource
import time

clock = getattr(time, 'perf_counter', time.time)

#: Seconds for one call: wall time, and CPU time of this process alone.
Cost = collections.namedtuple('Cost', 'wall cpu')


def read_cpu_time(who=resource.RUSAGE_SELF):
    """Return the seconds of CPU that this process has used.

    :param who: `resource.RUSAGE_CHILDREN` for its ended children instead.
    """
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def read_memory(field):
    """Return the resident memory of this process, in megabytes.

    :param field: ``VmRSS`` for the memory now, ``VmHWM`` for the peak.
    """
    with open('/proc/self/status') as status:
        return int(re.search(field + r':\s*(\d+)', status.read()).group(1)
                   ) / 1024.0


def make_timer(function, calls=1):
    """Return a function that calls ``function`` and returns the `Cost`.

    :param calls: how many calls to make; the cost is that of one of them.
    """
    def measure():
        cpu, begin = read_cpu_time(), clock()
        for _ in range(calls):
            function()
        wall = clock() - begin
        return Cost(wall / calls, (read_cpu_time() - cpu) / calls)
    return measure


def make_wall_timer(function, cleanup=None):
    """Return a function that calls ``function`` and returns the wall time.

    :param cleanup: function to call afterwards; its time does not count.
    """
    def measure():
        begin = clock()
        function()
        seconds = clock() - begin
        if cleanup:
            cleanup()
        return seconds
    return measure


def run_alternately(repeats, *measurements, **options):
    """Call the measurements in turn and return a list of results for each.

    Other load of the machine then affects all of them alike.

    :param repeats: number of results for each measurement.
    :param uncounted: number of rounds before the first one that counts
        (default: 1), in which caches fill and modules are imported.
    """
    uncounted = options.get('uncounted', 1)
    results = [[] for _ in measurements]
    for turn in range(uncounted + repeats):
        for measure, collected in zip(measurements, results):
            result = measure()
            if turn >= uncounted:
                collected.append(result)
    return results


def quartiles(values):
    """Return the lower quartile, the median and the upper quartile."""
    values = sorted(values)

    def interpolate(fraction):
        position = fraction * (len(values) - 1)
        index = int(position)
        low = values[index]
        high = values[min(index + 1, len(values) - 1)]
        return low + (high - low) * (position - index)

    return interpolate(0.25), interpolate(0.5), interpolate(0.75)


def median(values):
    return quartiles(values)[1]


class Row(object):
    """A line of the table.

    :param what: what was measured.
    :param values: the results of all repeats.
    :param most: the target is at most this; or
    :param least: the target is at least this.
    :param unit: of the values; ``x`` for a ratio.
    :param reference: what a ratio compares with, or where counting starts.
    :param note: the figures behind the values.
    """

    def __init__(self, what, values, most=None, least=None, unit='x',
                 reference='', note=''):
        self.what, self.unit, self.reference = what, unit, reference
        self.note, self.most, self.least = note, most, least
        self.values = list(values)
        self.low, self.median, self.high = quartiles(self.values)

    def is_met_by(self, value):
        return ((self.most is None or value <= self.most)
                and (self.least is None or value >= self.least))

    @property
    def verdict(self):
        if self.most is None and self.least is None:
            return ''
        if self.is_met_by(self.median):
            return 'met'
        best = self.low if self.least is None else self.high
        return 'within the spread' if self.is_met_by(best) else 'missed'

    @property
    def target(self):
        if self.most is not None:
            return u'\u2264 {} {}'.format(self.most, self.unit)
        if self.least is not None:
            return u'\u2265 {} {}'.format(self.least, self.unit)
        return ''

    @property
    def measured(self):
        return '{} {} {}'.format(
            format_number(self.median), self.unit, self.reference).strip()

    @property
    def spread(self):
        return '' if len(self.values) == 1 else u'{} \u2013 {}'.format(
            format_number(self.low), format_number(self.high))


def format_number(value):
    """Return the number with three digits, or all of a whole number."""
    return '{:.0f}'.format(value) if value >= 100 else '{:.3g}'.format(value)


def compare_times(what, ours, theirs, reference, **target):
    """Return a row with the ratio of two times, for each pair of them.

    :param ours: seconds that the library took.
    :param theirs: seconds that the reference took, measured in turn with it.
    """
    return Row(
        what, [our / their for our, their in zip(ours, theirs)],
        reference=reference, note='{} : {} ms'.format(
            format_number(median(ours) * 1000),
            format_number(median(theirs) * 1000)), **target)


def compare_speeds(what, ours, theirs, reference, amount, unit, **target):
    """Return a row with the ratio of two speeds, for each pair of times.

    :param ours: seconds that the library took.
    :param theirs: seconds that the reference took, measured in turn with it.
    :param amount: how much both have done in that time.
    :param unit: of the speeds.
    """
    return Row(
        what, [their / our for our, their in zip(ours, theirs)],
        reference=reference, note='{} : {} {}'.format(
            format_number(amount / median(ours)),
            format_number(amount / median(theirs)), unit), **target)
