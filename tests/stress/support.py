"""Helpers of the stress tests."""
import binascii
import gc
import os
import threading
import time

#: A source of containers without any file.
EMPTY = {'type': 'none'}

clock = getattr(time, 'monotonic', time.time)


def unique():
    """A name that is nowhere else."""
    return 't' + binascii.hexlify(os.urandom(4)).decode('ascii')


class Usage(object):
    """What this process holds: descriptors, threads, memory."""

    def __init__(self):
        gc.collect()
        self.descriptors = len(os.listdir('/proc/self/fd'))
        self.threads = threading.active_count()
        with open('/proc/self/status') as status:
            self.rss = next(int(line.split()[1]) // 1024 for line in status
                            if line.startswith('VmRSS'))

    def assert_same(self):
        """No more is held than before; what ends by itself is awaited."""
        deadline = clock() + 10
        while True:
            now = Usage()
            if (now.descriptors <= self.descriptors
                    and now.threads <= self.threads):
                return now
            assert clock() < deadline, (
                'descriptors {} -> {}, threads {} -> {}'.format(
                    self.descriptors, now.descriptors,
                    self.threads, now.threads))
            time.sleep(0.02)


class Doing(object):
    """A call in a thread: what came of it, and when."""

    def __init__(self, call):
        self._call = call
        self.result = self.error = self.at = None
        self.thread = threading.Thread(target=self._run)
        self.thread.daemon = True
        self.thread.start()

    def _run(self):
        try:
            self.result = self._call()
        except BaseException as error:
            self.error = error
        self.at = clock()

    def outcome(self, within):
        """What it returned or raised.

        :raises AssertionError: it did neither in time.
        """
        self.thread.join(within)
        assert not self.thread.is_alive(), 'it hangs'
        return self.error or self.result
