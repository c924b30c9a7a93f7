"""Helpers of the stress tests."""
import gc
import os
import threading
import time

clock = getattr(time, 'monotonic', time.time)


class Usage(object):
    """The descriptors, threads and megabytes of memory of this process."""

    def __init__(self):
        gc.collect()
        self.descriptors = len(os.listdir('/proc/self/fd'))
        self.threads = threading.active_count()
        with open('/proc/self/status') as status:
            self.rss = next(int(line.split()[1]) // 1024 for line in status
                            if line.startswith('VmRSS'))

    def assert_same(self):
        """Check that nothing was added, and return the usage now.

        Wait for up to 10 s for threads and connections that are ending.
        """
        deadline = clock() + 10
        while True:
            current = Usage()
            if (current.descriptors <= self.descriptors
                    and current.threads <= self.threads):
                return current
            assert clock() < deadline, (
                'descriptors {} -> {}, threads {} -> {}'.format(
                    self.descriptors, current.descriptors,
                    self.threads, current.threads))
            time.sleep(0.02)


class BackgroundCall(object):
    """A call in a thread, with its result or error and the time of its end."""

    def __init__(self, call):
        self._call = call
        self.result = self.error = self.ended_at = None
        self.thread = threading.Thread(target=self._run)
        self.thread.daemon = True
        self.thread.start()

    def _run(self):
        try:
            self.result = self._call()
        except BaseException as error:
            self.error = error
        self.ended_at = clock()

    def wait(self, within):
        """Wait for the end of the call; return its result or its error.

        :param within: seconds, after which the test fails.
        """
        self.thread.join(within)
        assert not self.thread.is_alive(), (
            'the call has not ended after {} s'.format(within))
        return self.error or self.result


class PausePoint(object):
    """A point at which a call pauses until the test lets it go on.

    The call sets ``reached`` when it first gets there, and waits for ``done``.
    """

    def __init__(self):
        self.reached, self.done = threading.Event(), threading.Event()

    def __call__(self, *_):
        if not self.reached.is_set():
            self.reached.set()
            self.done.wait(60)
