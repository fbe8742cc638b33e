"""What the sampler saw."""

import json
import subprocess
import sys
import threading
import time
from collections import namedtuple
from pathlib import Path

from harness import wait_until

Session = namedtuple("Session", "pid role database start application")


class Sample:
    """One reading of PostgreSQL's list; `sessions` is None if PostgreSQL could not be asked."""

    __slots__ = ("before", "after", "sessions")

    def __init__(self, before, after, sessions):
        self.before, self.after = before, after
        self.sessions = None if sessions is None else [Session(*session) for session in sessions]


class Samples:
    """Reads the list of sessions all the time, in a process of its own (`sampler.py`)."""

    def __init__(self, port, milliseconds, roles):
        program = Path(__file__).with_name("sampler.py")
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(program), str(port), str(milliseconds), *roles],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        #: In their order; only ever appended to.
        self.all = []
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()
        wait_until(lambda: self.all, "there is a first sample")

    def read(self):
        for line in self.process.stdout:
            self.all.append(Sample(*json.loads(line)))

    def since(self, moment):
        """The samples that were begun at that time or later."""
        at = len(self.all)
        while at > 0 and self.all[at - 1].before >= moment:
            at -= 1
        return self.all[at:]

    def taken(self):
        return [sample for sample in self.all if sample.sessions is not None]

    def longest_gap(self):
        """Between two readings one after the other, seconds."""
        return max((later.before - earlier.before for earlier, later in zip(self.all, self.all[1:])), default=0)

    def fail_if_stopped(self):
        if self.process.poll() is not None or time.monotonic() - self.all[-1].after > 10:
            raise RuntimeError("the sampler has stopped")

    def close(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join(5)
