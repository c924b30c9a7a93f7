"""Measuring: ways to do the same, by turns, so that what else the machine
does falls on all of them."""
import time

clock = getattr(time, 'perf_counter', time.time)


def by_turns(repeats, *ways, **options):
    """For each way a list of what it took, in seconds.

    :param ways: functions; what one returns, if a number, is taken for the
        seconds.
    :param uncounted: how often each is called before it counts.
    """
    uncounted = options.get('uncounted', 1)
    taken = [[] for _ in ways]
    for turn in range(uncounted + repeats):
        for way, times in zip(ways, taken):
            begin = clock()
            told = way()
            took = clock() - begin
            if turn >= uncounted:
                times.append(told if isinstance(told, float) else took)
    return taken


def many(function, calls):
    """A way that calls it so many times; the seconds of one."""
    def way():
        begin = clock()
        for _ in range(calls):
            function()
        return (clock() - begin) / calls
    return way


def quartiles(values):
    """The lower one, the median, the upper one."""
    values = sorted(values)

    def at(place):
        place *= len(values) - 1
        low = values[int(place)]
        high = values[min(int(place) + 1, len(values) - 1)]
        return low + (high - low) * (place - int(place))

    return at(0.25), at(0.5), at(0.75)


class Row(object):
    """One line of the table.

    :param what: was measured.
    :param values: of all repeats, or one.
    :param most: the target: at most this.
    :param least: the target: at least this.
    :param unit: of the values; ``x`` for a ratio.
    :param beside: what the ratio is to.
    :param note: the figures behind the ratio.
    """

    def __init__(self, what, values, most=None, least=None, unit='x',
                 beside='', note=''):
        self.what, self.unit, self.beside = what, unit, beside
        self.note, self.most, self.least = note, most, least
        self.values = list(values)
        self.low, self.median, self.high = quartiles(self.values)

    def holds(self, value):
        return ((self.most is None or value <= self.most)
                and (self.least is None or value >= self.least))

    @property
    def verdict(self):
        if self.most is None and self.least is None:
            return ''
        if self.holds(self.median):
            return 'met'
        return 'within the spread' if self.holds(
            self.low if self.least is None else self.high) else 'missed'

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
            number(self.median), self.unit, self.beside).strip()

    @property
    def spread(self):
        return '' if len(self.values) == 1 else u'{} \u2013 {}'.format(
            number(self.low), number(self.high))


def number(value):
    """Three digits."""
    return '{:.0f}'.format(value) if value >= 100 else '{:.3g}'.format(value)


def ratio(what, ours, theirs, beside, scale=1000, unit='ms', **target):
    """A row: ours to theirs, each pair that was measured together.

    :param scale: of what took seconds to the unit; for a speed the amount
        that was moved, as a negative number, and the ratio is of speeds.
    """
    if scale < 0:
        ours, theirs = [[-scale / each for each in some]
                        for some in (ours, theirs)]
        scale = 1
    return Row(
        what, [mine / other for mine, other in zip(ours, theirs)],
        beside=beside, note='{} : {} {}'.format(
            number(quartiles(ours)[1] * scale),
            number(quartiles(theirs)[1] * scale), unit), **target)
