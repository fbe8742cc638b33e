"""How long it takes until all slots are in use again."""

import asyncio
import time

#: Slots count as in full use when all but one are sessions for so long, seconds.
HOLDS = 0.3


class Recovery:
    """Reads samples and demand, and finds the moment from which the slots were in use."""

    def __init__(self, fleet, load):
        self.fleet, self.load = fleet, load

    def living(self, sample, apart=None):
        """The clients' sessions of processes that live, without those of one process if it is named."""
        if sample.sessions is None:
            return 0
        born = {member.database: member.born for member in self.fleet.members}
        return sum(1 for session in sample.sessions
                   if session.role == "app" and session.start >= born[session.database]
                   and not (apart and session.database == apart.database))

    def held_by(self, member):
        """How many sessions a process has, by the newest sample."""
        sample = self.fleet.samples.taken()[-1]
        return sum(1 for session in sample.sessions if session.database == member.database)

    async def wait(self, since, least, limit, apart=None):
        """Seconds from `since` until at least so many sessions are there to stay, or None after `limit`.

        Time in which fewer clients wanted a session does not count.
        """
        excused, previous, start = 0.0, since, None
        looked = 0
        while True:
            samples = self.fleet.samples.since(since)
            for sample in samples[looked:]:
                wanted = self.load.least_demand(previous, sample.before)
                if wanted < least:
                    excused += sample.before - previous
                    start = None
                elif self.living(sample, apart) >= least:
                    start = sample.before if start is None else start
                    if sample.before - start >= HOLDS:
                        return max(0.0, start - since - excused)
                else:
                    start = None
                previous = sample.before
            looked = len(samples)
            if time.monotonic() - since - excused > limit or excused > 60 or self.fleet.crashed():
                return None
            self.fleet.samples.fail_if_stopped()
            await asyncio.sleep(0.05)
