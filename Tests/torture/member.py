"""One Weir process of a fleet, and what the tests do to it."""

import signal
import time



class Member:
    """A Weir process that has its own configuration, its own network and a database of its own."""

    def __init__(self, number, pooler, database):
        self.number, self.pooler = number, pooler
        self.name = f"node-{number}"
        #: The database that its sessions are in, which tells whose they are.
        self.database = database
        #: `running`, `paused` or `dead`.
        self.state = "dead"
        #: Since when it is in that state, and when something was last done to it (monotonic clock).
        self.since, self.disturbed = 0.0, 0.0
        #: Sessions that began before are those of a process that was killed; ms since 1970.
        self.born = 0.0

    @property
    def port(self):
        return self.pooler.port

    def enter(self, state):
        self.state, self.since = state, time.monotonic()

    def start(self):
        self.born = time.time() * 1000
        self.pooler.start()
        self.enter("running")

    def kill(self):
        self.disturbed = time.monotonic()
        self.enter("dead")
        process = self.pooler.process
        process.kill()
        process.wait()
        self.pooler.output.close()
        self.pooler.process = None

    def pause(self):
        self.disturbed = time.monotonic()
        self.enter("paused")
        self.pooler.signal(signal.SIGSTOP)

    def resume(self):
        self.pooler.signal(signal.SIGCONT)
        self.disturbed = time.monotonic()
        self.enter("running")

    def has_crashed(self):
        """Whether it has ended although nobody killed it."""
        return self.state != "dead" and not self.pooler.alive()

    def stop(self):
        """Ends it as an operator does; says what was wrong with that."""
        if self.pooler.process is None:
            return None
        if self.state == "paused":
            self.resume()
        self.enter("dead")
        try:
            self.pooler.stop()
        except AssertionError as failure:
            return str(failure)
        return None


