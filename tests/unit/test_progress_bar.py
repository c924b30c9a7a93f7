# -*- coding: utf-8 -*-
"""The bar of ``progress=True``, as a terminal shows it."""
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import threading
import types

import pytest

from pylxd.core.progress import Reporter

pytest.importorskip('tqdm', reason='tqdm is not installed')

BLOCK = b'x' * 1000000


class ErrorFile(object):
    """A standard error that refuses the characters that it lacks.

    As that of Python 2, it takes bytes.
    """

    def __init__(self, descriptor, encoding='utf-8'):
        self.descriptor, self.encoding = descriptor, encoding

    def write(self, text):
        os.write(self.descriptor, text if isinstance(text, bytes)
                 else text.encode(self.encoding))

    def flush(self):
        pass

    def fileno(self):
        return self.descriptor


class Terminal(object):
    """A terminal of 79 columns; `lines` are what it shows at the end."""

    def __init__(self):
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ,
                    struct.pack('HHHH', 24, 79, 0, 0))
        self.file = ErrorFile(self._slave)
        self.written = b''
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        while True:
            try:
                data = os.read(self._master, 4096)
            except OSError:  # the other end is closed
                return
            self.written += data

    def close(self):
        os.close(self._slave)
        self._thread.join()
        os.close(self._master)

    @property
    def lines(self):
        lines = []
        for line in self.written.decode('utf-8').split(u'\r\n'):
            shown = u''
            for text in line.split(u'\r'):
                shown = text + shown[len(text):]
            lines.append(shown.rstrip())
        assert lines.pop() == u''  # the cursor stands on a new line
        return lines


@pytest.fixture
def screen(monkeypatch):
    """Return a function that runs another, and returns the lines it shows."""
    def run(function):
        terminal = Terminal()
        monkeypatch.setattr(sys, 'stderr', terminal.file)
        try:
            function()
        finally:
            monkeypatch.undo()
            terminal.close()
        assert u'\x1b' not in terminal.written.decode('utf-8')
        return [re.sub(u'[\u2588-\u258f]+', u'#', line)
                for line in terminal.lines]
    return run


def transfer(reporter, text, total, blocks):
    reporter.start(text, total)
    for _ in range(blocks):
        reporter.update(BLOCK)


def operate(reporter, *words):
    """Report the words of one operation, which succeeds."""
    with Reporter(reporter) as nested:
        for text in words:
            nested.report_operation({'some_progress': text})
        nested.report_success()


def match(pattern, line):
    """Return whether a line matches a pattern; R stands for a rate."""
    pattern = re.escape(pattern).replace(
        'R', r'[\d.?]+[kMGT]?').replace('T', r'\d\d:\d\d')
    return re.match(pattern + '$', line)


def show(*steps):
    def run():
        with Reporter(True) as reporter:
            for function, args in steps:
                function(reporter, *args)
    return run


@pytest.mark.parametrize('steps, expected', [
    ([(transfer, ('image.tar.gz', 5000000, 5))],
     [u'image.tar.gz: 100%|#| 5.00M/5.00M [T<T, RB/s]']),
    ([(transfer, ('image', None, 5))], [u'image: 5.00MB [T, RB/s]']),
    ([(operate, ('Unpack: 3% (9.00MB/s)', 'Unpack: 80% (9.00MB/s)'))],
     [u'Unpack: 100% (9.00MB/s) |#| T']),
    ([(operate, ('c1: 1.50MB (9.00MB/s)', 'c1: 9.50MB (9.00MB/s)'))],
     [u'c1: 9.50MB (9.00MB/s) [T]']),
    # Each stage has a bar of its own
    ([(transfer, ('backup.tar.gz', 5000000, 5)),
      (operate, ('Unpack: 3% (9.00MB/s)', 'Unpack: 80% (9.00MB/s)'))],
     [u'backup.tar.gz: 100%|#| 5.00M/5.00M [T<T, RB/s]',
      u'Unpack: 100% (9.00MB/s) |#| T']),
    ([(operate, ('metadata: 100% (9.00MB/s)', 'rootfs: 3% (9.00MB/s)'))],
     [u'metadata: 100% (9.00MB/s) |#| T', u'rootfs: 100% (9.00MB/s) |#| T']),
    ([(transfer, ('a', 1000000, 1)), (transfer, ('b', 2000000, 2))],
     [u'a: 100%|#| 1.00M/1.00M [T<?, ?B/s]',
      u'b: 100%|#| 2.00M/2.00M [T<T, RB/s]']),
    # A name may say anything
    ([(transfer, (u'5% of 7MB \xe4\x1b[31m\n\tb', 1000000, 1))],
     [u'5% of 7MB \xe4\\x1b[31m b: 100%|#| 1.00M/1.00M [T<?, ?B/s]']),
    ([(transfer, ('/' + 'x' * 90 + '/end', None, 1))],
     [u'...' + u'x' * 33 + u'/end: 1.00MB [T, ?B/s]']),
    ([], [])])
def test_lines(screen, steps, expected):
    lines = screen(show(*steps))
    assert len(lines) == len(expected)
    for pattern, line in zip(expected, lines):
        assert match(pattern, line), (pattern, line)


def test_a_failure_leaves_the_bar(screen):
    def fail():
        with Reporter(True) as reporter:
            transfer(reporter, 'a', 4000000, 2)
            raise ValueError('mine')

    def run():
        with pytest.raises(ValueError):
            fail()

    line, = screen(run)
    assert re.match(u'a:  50%\\|# +\\| 2.00M/4.00M', line)


def test_small_steps_are_shown(screen):
    """tqdm would guess from the first step how many to leave out."""
    def run():
        with Reporter(True) as reporter:
            reporter._bar.mininterval = 0
            for number in (40, 41, 42):
                operate(reporter, '{}%'.format(number))

    assert len(screen(run)) == 3


def test_a_pipe():
    """Each state follows a carriage return, as of all programs with tqdm."""
    code = ('from pylxd.core.progress import Reporter\n'
            'with Reporter(True) as reporter:\n'
            '    reporter.start("a", 2)\n'
            '    reporter.update(b"x")\n'
            '    reporter.update(b"x")\n')
    process = subprocess.Popen(
        [sys.executable, '-c', code], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=dict(
            os.environ, PYTHONIOENCODING='utf-8', PYTHONPATH=os.pathsep.join(
                path for path in sys.path if path)))
    out, err = process.communicate()
    assert (out, process.returncode) == (b'', 0)
    states = err.decode('utf-8').split(u'\r')
    assert re.match(u'a: +50%.*1.00/2.00', states[1])
    assert re.match(u'a: +100%.*2.00/2.00', states[-1])
    assert states[-1].endswith(u'\n')


def test_the_terminal_lacks_a_character(monkeypatch, tmpdir):
    with tmpdir.join('stderr').open('wb') as target:
        monkeypatch.setattr(sys, 'stderr', ErrorFile(
            target.fileno(), 'ascii'))
        with Reporter(True) as reporter:
            transfer(reporter, u'\xe4', 1000000, 1)
        monkeypatch.undo()
    assert b'?: 100%|##########| 1.00M/1.00M' in (
        tmpdir.join('stderr').read_binary())


def test_a_notebook(monkeypatch):
    """tqdm.auto chooses the bar of notebooks in a notebook."""
    made = []

    class NotebookBar(object):
        n = closed = 0

        def __init__(self, **options):
            self.n = options['initial']
            made.append(self)

        def set_description_str(self, text, refresh):
            self.text = text

        def update(self, number):
            self.n += number

        def close(self):
            self.closed += 1

    auto = types.ModuleType('tqdm.auto')
    auto.tqdm = NotebookBar
    monkeypatch.setitem(sys.modules, 'tqdm.auto', auto)
    with Reporter(True) as reporter:
        transfer(reporter, 'a', 2000000, 2)
    bar, = made
    assert (bar.n, bar.text, bar.closed) == (2000000, u'a', 1)
