"""Constants and small helpers that several suites use."""
import binascii
import contextlib
import datetime
import io
import os
import pkgutil
import stat
import threading
import time

import pytest

from pylxd.transport import streams
from pylxd.transport.stdin import open_input
from pylxd.transport.transfer import Transfer

#: Sources of containers: an image with a small system, and no files at all.
BUSYBOX = {'type': 'image', 'alias': 'busybox'}
EMPTY = {'type': 'none'}
#: A device that every server accepts without a bridge.
NIC = {'type': 'nic', 'nictype': 'p2p'}
#: A time on the day `NOON_DAY` in most time zones.
NOON, NOON_DAY = datetime.datetime(2098, 12, 30, 12), '2098-12-30T'


def unique_name():
    """Return a random name, short enough for a bridge (15 characters)."""
    return 't' + binascii.hexlify(os.urandom(4)).decode('ascii')


def exchange(transport, paths, payload, sinks, encoding='utf-8'):
    """Connect the websockets of a command; exchange its input and output."""
    sockets = streams.connect(transport, paths)
    try:
        with contextlib.closing(open_input(payload, encoding)) as source:
            Transfer(
                sockets[0], source, dict(zip(sockets[1:], sinks))).run()
    finally:
        streams.close(sockets)


def skip_without(module):
    """Skip a test whose other process needs a module.

    It is not imported here, where its threads and signals would stay.
    """
    if module not in [each[1] for each in pkgutil.iter_modules()]:
        pytest.skip('{} is not installed'.format(module))


def read_bytes(path):
    with open(path, 'rb') as file:
        return file.read()


def read_tree(top):
    """Return what is below a directory, by relative path.

    A link is its target, a directory ``(mode, None)`` and a file
    ``(mode, content)``.
    """
    found = {}
    for directory, directories, files in os.walk(top):
        for name in directories + files:
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            found[os.path.relpath(path, top)] = (
                os.readlink(path) if stat.S_ISLNK(mode)
                else (stat.S_IMODE(mode), None) if stat.S_ISDIR(mode)
                else (stat.S_IMODE(mode), read_bytes(path)))
    return found


def run_in_threads(function, arguments):
    """Call ``function(argument)`` in a thread for each argument, all at once.

    Raise the first exception that a call has raised.
    """
    errors, begin = [], threading.Event()

    def run(argument):
        begin.wait(60)
        try:
            function(argument)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(argument,))
               for argument in arguments]
    for thread in threads:
        thread.start()
    begin.set()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class MinimalReader(object):
    """A file object that has no method but ``read``.

    :param most: bytes that one read returns at most.
    """

    def __init__(self, data, most=None):
        self._data, self._most = io.BytesIO(data), most

    def read(self, size=-1):
        return self._data.read(
            size if self._most is None or size < 0 else min(size, self._most))


def wait_until(is_true, seconds=20):
    """Wait until a function returns a true value; return whether it did.

    With the default of ``seconds``, fail if it does not.
    """
    end = time.time() + seconds
    while not is_true():
        if time.time() > end:
            assert seconds < 20, 'it did not become true'
            return False
        time.sleep(0.02)
    return True
