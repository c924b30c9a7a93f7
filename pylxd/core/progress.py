"""The progress of transfers and operations, for a function or a bar."""
import collections
import re
import sys

import six

from pylxd.exceptions import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import (
        Any, Callable, Dict, Iterable, Iterator, NamedTuple, Optional, Union)
    ProgressArgument = Union[
        None, bool, 'Reporter', Callable[['Progress'], Any]]

#: A percentage in the words of servers.
PERCENT = re.compile(r'(\d{1,9})(?:\.\d+)?%')
#: A size in the words of servers.
SIZE = re.compile(r'(\d{1,9}(?:\.\d+)?)(B|[kMGTPE]B)\b')
#: The units of these sizes, each 1000 times the one before.
UNITS = 'B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'
#: The text of a bar is shortened to so many characters.
MAX_TEXT = 40


if TYPE_CHECKING:
    _Fields = NamedTuple('_Fields', [
        ('done', int), ('total', Optional[int]), ('unit', str),
        ('text', str)])
else:
    _Fields = collections.namedtuple('Progress', 'done total unit text')


class Progress(_Fields):
    """How far a transfer or an operation has come.

    - ``done``: how much is done, in ``unit``
    - ``total``: how much there is to do; None if that is not known
    - ``unit``: ``B`` for bytes, ``%`` for a hundredth of the whole
    - ``text``: what is transferred, such as ``image.tar.gz``, or what the
      server says of its operation, such as ``Unpack: 12% (3.5MB/s)``
    """

    __slots__ = ()


class Interruption(BaseException):
    """Carries an exception of the caller's code to the `Reporter` of a call.

    Between them are requests and urllib3, which take an `OSError` for one of
    the connection, and drop a `BrokenPipeError`.
    """

    def __init__(self, exc_info):
        # type: (Any) -> None
        super(Interruption, self).__init__(exc_info[1])
        self.exc_info = exc_info  # type: Any


def call(function, *args):
    # type: (Callable[..., Any], *Any) -> Any
    """Call a function of the caller, or a method of the caller's file.

    :raises Interruption: the function raised an exception.
    """
    try:
        return function(*args)
    except StopIteration:
        # On Python 2, this would end a transfer as if it were complete
        raise Interruption((RuntimeError, RuntimeError(
            'StopIteration was raised'), sys.exc_info()[2]))
    except Exception:
        raise Interruption(sys.exc_info())


class Reporter(object):
    """Reports the progress of one call, to be used in a ``with`` block.

    An exception of the caller's function ends the block.

    :param progress: what the caller passed as ``progress``: a function that
        is called with each `Progress`; True for a bar on the terminal or in
        the notebook; None or False for nothing; or another reporter.
    :raises TypeError: ``progress`` is none of these.
    :raises ImportError: a bar needs ``pylxd[progress]``.
    """

    def __init__(self, progress=None):
        # type: (ProgressArgument) -> None
        self._bar = None  # type: Optional[Bar]
        self._function = None  # type: Optional[Callable[[Progress], Any]]
        self._done = 0  # type: int
        self._total = None  # type: Optional[int]
        self._text = ''  # type: str
        # The metadata of the operation that was reported last
        self._said = {}  # type: Dict[str, Any]
        # Its last progress
        self._last = None  # type: Optional[Progress]
        if progress is True:
            self._bar = self._function = Bar()
        elif isinstance(progress, Reporter):
            self._function = progress._function
        elif callable(progress):
            self._function = progress
        elif progress not in (None, False):
            raise TypeError(
                'progress must be a function, or True for a bar, not '
                '{!r}'.format(progress))

    def __enter__(self):
        # type: () -> Reporter
        return self

    def __exit__(self, exc_type, error, traceback):
        # type: (Any, Any, Any) -> None
        if self._bar is not None:
            self._bar.close()
        if isinstance(error, Interruption):
            cause = error.exc_info[1]
            context = getattr(cause, '__context__', None)
            try:
                six.reraise(*error.exc_info)
            finally:
                cause.__context__ = context  # without the interruption

    @property
    def is_active(self):
        # type: () -> bool
        """Whether anybody is told."""
        return self._function is not None

    def report(self, progress):
        # type: (Progress) -> None
        """Tell the caller's function, if there is one.

        :raises Interruption: the function raised an exception.
        """
        if self._function is not None:
            call(self._function, progress)

    def start(self, text, total=None):
        # type: (str, Optional[int]) -> None
        """Start to count the bytes of a transfer.

        :param text: what is transferred.
        :param total: the number of bytes, if it is known.
        """
        self._done, self._total, self._text = 0, total, text

    def update(self, data):
        # type: (bytes) -> None
        """Report the next bytes of the transfer."""
        if self._function is not None and data:
            self._done += len(data)
            self.report(Progress(self._done, self._total, 'B', self._text))

    def watch(self, blocks):
        # type: (Iterable[bytes]) -> Iterator[bytes]
        """Yield blocks, and report each before it is sent."""
        for block in blocks:
            self.update(block)
            yield block

    def report_operation(self, metadata):
        # type: (Optional[Dict[str, Any]]) -> None
        """Report the progress of an operation, unless it was reported before.

        :param metadata: the field ``metadata`` of the operation.
        """
        if self._function is None or not metadata:
            return
        # LXD keeps the last words of each stage: the newest stage counts
        news = sorted(
            (name in self._said, name) for name, text in metadata.items()
            if name.endswith('_progress') and text != self._said.get(name))
        for _, name in news[:1]:
            progress = parse_text(metadata[name])
            if progress is not None:
                self._last = progress
                self.report(progress)
        self._said = dict(metadata)

    def report_success(self):
        # type: () -> None
        """Report the last percentage of an operation as the whole.

        Servers end an operation up to a second after words that speak of
        less. Sizes stay as they are: servers do not tell the whole.
        """
        last = self._last
        if last is not None and last.total and last.done < last.total:
            self.report(last._replace(done=last.total, text=PERCENT.sub(
                '100%', last.text, count=1)))


def parse_text(text):
    # type: (Any) -> Optional[Progress]
    """Return the progress in the words of a server; None if they have none.

    Servers write ``Unpack: 12% (3.5MB/s)`` or ``c1: 5.02MB (2.51MB/s)``.
    """
    if not isinstance(text, six.string_types):
        return None
    percent = PERCENT.search(text)
    if percent:
        return Progress(int(percent.group(1)), 100, '%', text)
    size = SIZE.search(text)
    if size:
        factor = 1000 ** UNITS.index(size.group(2))
        return Progress(int(float(size.group(1)) * factor), None, 'B', text)
    return None


class Bar(object):
    """A bar by tqdm, on the terminal or in the notebook.

    :raises ImportError: tqdm is not installed.
    """

    def __init__(self):
        # type: () -> None
        try:
            from tqdm.auto import tqdm
        except ImportError:
            six.raise_from(ImportError(
                'progress=True needs tqdm: pip install pylxd[progress]'), None)
        self._make_bar = tqdm
        self._bar = None  # type: Any
        self._kind = None  # type: Any

    def __call__(self, progress):
        # type: (Progress) -> None
        """Show a progress; another transfer or stage gets a bar of its own."""
        # Python 2 would raise where the terminal lacks a character
        encoding = getattr(sys.stderr, 'encoding', None) or 'utf-8'
        text = u' '.join(six.ensure_text(printable(progress.text)).encode(
            encoding, 'replace').decode(encoding).split())
        if len(text) > MAX_TEXT:
            text = u'...' + text[3 - MAX_TEXT:]
        # The words of a server have the figures
        has_figures = progress == parse_text(progress.text)
        kind = progress.unit, progress.total, has_figures
        if (self._bar is None or self._kind != kind
                or progress.done < self._bar.n):
            self.close()
            self._kind = kind
            options = {'bar_format': '{desc} |{bar}| {elapsed}'
                       if progress.total else '{desc} [{elapsed}]'} if (
                           has_figures) else {}
            # Without miniters=0, tqdm leaves out small steps
            self._bar = self._make_bar(
                total=progress.total, unit=progress.unit, unit_scale=True,
                desc=text, initial=progress.done, miniters=0, **options)
        self._bar.set_description_str(text, refresh=False)
        self._bar.update(progress.done - self._bar.n)

    def close(self):
        # type: () -> None
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
