"""What is done to a fleet. Each fault returns when it is over."""

import asyncio
import time

#: Longer than any lease, and than a silence after which sessions are ended.
PAUSE = 12
#: After how long a silent process's sessions are ended where they are (`budget_fence = terminate`).
SILENCE = 10


class Faults:
    """The faults that a fleet can be put to, by name; each is a coroutine without arguments."""

    def __init__(self, fleet, random, recovery, note):
        self.fleet, self.random, self.recovery, self.note = fleet, random, recovery, note

    def names(self):
        common = ["kill", "pause", "restart-fast", "restart-immediate", "cut"]
        return common + {"postgres": ["control"], "etcd": ["etcd-one", "etcd-two"], "local": []}[self.fleet.ledger]

    async def do(self, name):
        """Does it, and returns the moment from which everything should be as before."""
        await getattr(self, name.replace("-", "_"))()
        return time.monotonic()

    def draw(self):
        return self.random.choice(self.fleet.members)

    async def kill(self):
        member = self.draw()
        member.kill()
        await asyncio.sleep(self.random.uniform(1, 3))
        await asyncio.to_thread(member.start)

    async def pause(self):
        """Also sees what the others can do meanwhile: with `terminate` they get all slots."""
        member = self.draw()
        held = self.recovery.held_by(member)
        member.pause()
        try:
            since, fleet = time.monotonic(), self.fleet
            if fleet.fence == "terminate":
                await self.note("pause, the others have all", since, fleet.usable - 1, SILENCE + 5, member)
            else:
                # The control connection of the process is in the reserve.
                control = 1 if fleet.ledger == "postgres" else 0
                await self.note("pause, the others have theirs", since,
                                fleet.usable - (held - control) - 1, PAUSE, member)
            await asyncio.sleep(max(0, since + PAUSE - time.monotonic()))
        finally:
            member.resume()

    async def control(self):
        sessions = [session for session in self.fleet.samples.taken()[-1].sessions
                    if session.role == "ledger" and session.application.startswith("weir ")]
        if sessions:
            victim = self.random.choice(sessions)
            await asyncio.to_thread(self.fleet.postgres.ask, f"SELECT pg_terminate_backend({victim.pid})")

    async def restart_fast(self):
        await self.restart("fast")

    async def restart_immediate(self):
        await self.restart("immediate")

    async def restart(self, mode):
        await asyncio.to_thread(self.fleet.postgres.stop, mode)
        await asyncio.to_thread(self.fleet.postgres.start)

    async def cut(self):
        member = self.draw()
        self.fleet.network.cut(member.name)
        try:
            await asyncio.sleep(self.random.uniform(4, 14))
        finally:
            self.fleet.network.heal(member.name)

    async def etcd_one(self):
        await self.lose_etcd(1)

    async def etcd_two(self):
        await self.lose_etcd(2)

    async def lose_etcd(self, count):
        victims = self.random.sample(self.fleet.etcd.members, count)
        for victim in victims:
            victim.kill()
        await asyncio.sleep(self.random.uniform(4, 10))
        await asyncio.to_thread(self.fleet.etcd.start, victims)
