"""Clients whose work shifts from process to process and changes its kind."""

import asyncio
import collections
import time

from pgwire import Closed
from tally import Tally
from wire_client import WireClient

#: A client of a living process that hears nothing for so long has been forgotten, seconds.
PATIENCE = 30
#: A client leaves a paused process after so long, or in the end nobody would want anything of the others, seconds.
PAUSED_PATIENCE = 3


class Silent(Exception):
    """A request that nobody answers."""


class Left(Exception):
    """A client has gone away from a process that is paused."""


class Ended(Exception):
    """The client's connection is of no use any more."""


class Load:
    """Keeps clients at work until it is stopped; `tally` says how they fared."""

    def __init__(self, members, clients, random):
        self.members, self.clients, self.random = members, clients, random
        self.tally = Tally()
        self.phase, self.weights, self.kinds = 0, [1] * len(members), (90, 6, 4)
        self.is_stopping = False
        #: Requests under way, by process.
        self.under_way = collections.Counter()
        #: How many clients wanted something of a running process, as (time, number), ten times a second.
        self.demand = collections.deque(maxlen=20_000)
        self.number = 0

    # The whole.

    async def run(self):
        """Until `stop`; the last requests are waited for."""
        steering = asyncio.create_task(self.steer())
        watching = asyncio.create_task(self.watch())
        try:
            await asyncio.gather(*(self.be_client(number) for number in range(self.clients)))
        finally:
            steering.cancel()
            watching.cancel()

    def stop(self):
        self.is_stopping = True

    async def steer(self):
        """Every few seconds another process has most of the clients, and the work is another."""
        while True:
            # No process ever has all, or there would be no demand while it is paused.
            self.weights = [self.random.choice((1, 1, 2, 5)) for _ in self.members]
            if len(self.members) > 2:
                self.weights[self.random.randrange(len(self.members))] = 0
            self.kinds = self.random.choice(((90, 6, 4), (96, 2, 2), (85, 10, 5), (85, 5, 10)))
            self.phase += 1
            await asyncio.sleep(self.random.uniform(3, 6))

    async def watch(self):
        while True:
            running = sum(self.under_way[member.name] for member in self.members if member.state == "running")
            self.demand.append((time.monotonic(), running))
            await asyncio.sleep(0.1)

    def least_demand(self, start, end):
        """The fewest clients that wanted something in that time."""
        numbers = [number for moment, number in self.demand if start - 0.15 <= moment <= end + 0.15]
        return min(numbers, default=0)

    # A client.

    async def be_client(self, number):
        await asyncio.sleep(self.random.uniform(0, 1))
        while not self.is_stopping:
            member = self.choose()
            phase, client = self.phase, None
            try:
                client = await WireClient.connect(member.port)
                await self.log_in(member, client, number)
                while phase == self.phase and not self.is_stopping:
                    await self.work(member, client, number)
                    await asyncio.sleep(self.random.uniform(0, 0.05))
                client.terminate()
            except Ended:
                client.abort()
                await asyncio.sleep(self.random.uniform(0.05, 0.3))
            except OSError as error:
                self.count_refused(member, error)
                await asyncio.sleep(self.random.uniform(0.1, 0.4))

    def choose(self):
        """A process, as a load balancer would choose it: none that has been paused for long."""
        weights = [0 if member.state == "paused" and time.monotonic() - member.since > PAUSED_PATIENCE else weight
                   for member, weight in zip(self.members, self.weights)]
        return self.random.choices(self.members, weights if any(weights) else None)[0]

    def count_refused(self, member, error):
        if member.state == "dead" or time.monotonic() - member.since < 1:
            self.tally.refused += 1
        else:
            self.tally.unexplained.append(f"{member.name} refuses a connection: {error}")

    async def log_in(self, member, client, number):
        reply = await self.follow(member, client, client.login("app", "app", application_name=f"client-{number}"),
                                  "login")
        if reply.error:
            raise Ended

    async def work(self, member, client, number):
        kind = self.random.choices(("short", "long", "block"), self.kinds)[0]
        if kind == "short":
            await self.ask(member, client, number, self.random.choice((0, 0.002, 0.01)))
        elif kind == "long":
            await self.ask(member, client, number, self.random.uniform(0.5, 2.5))
        else:
            await self.idle_in_block(member, client, number)

    async def idle_in_block(self, member, client, number):
        """A transaction whose client thinks. It stays on one server connection, or fails."""
        if (await self.follow(member, client, client.query("BEGIN"), "BEGIN")).error:
            return
        first = await self.ask(member, client, number, 0)
        if first:
            await asyncio.sleep(self.random.uniform(0.2, 1.5))
            second = await self.ask(member, client, number, 0)
            if second and second != first:
                self.tally.wrong.append(f"{member.name}: a transaction went from session {first} to {second}")
        await self.follow(member, client, client.query("COMMIT"), "COMMIT")

    async def ask(self, member, client, number, seconds):
        """Asks for a word of its own; returns the session that answered, or None for an error."""
        self.number += 1
        word = f"{number}-{self.number}-{self.random.getrandbits(32):08x}"
        sleep = f"pg_sleep({seconds:.3f})" if seconds else "NULL"
        text = f"SELECT '{word}', pg_backend_pid(), {sleep}"
        reply = await self.follow(member, client, client.query(text), text)
        if reply.error:
            return None
        if len(reply.rows) != 1 or reply.rows[0][0] != word:
            self.tally.wrong.append(f"{member.name}: {reply.rows} in place of {word}")
            raise Ended
        return reply.rows[0][1]

    async def follow(self, member, client, future, text):
        """Waits for what becomes of a request, and counts it."""
        began = time.monotonic()
        self.under_way[member.name] += 1
        try:
            reply = await self.heard(member, client, future, began)
        except Closed as closed:
            if member.disturbed >= min(began, client.heard) or member.state != "running":
                self.tally.cut_off += 1
            else:
                self.tally.unexplained.append(
                    f"{member.name} closed a connection after {time.monotonic() - began:.1f} s of {text}: {closed}")
            raise Ended from closed
        except Left as left:
            self.tally.left += 1
            raise Ended from left
        except Silent as silent:
            self.tally.silent.append(f"{member.name} was silent for {time.monotonic() - began:.1f} s about {text}")
            raise Ended from silent
        finally:
            self.under_way[member.name] -= 1
        if reply.error:
            self.tally.errors[reply.error.code] += 1
            if reply.is_fatal:
                raise Ended
        else:
            self.tally.answered += 1
        return reply

    async def heard(self, member, client, future, began):
        while not future.done():
            await asyncio.wait([future], timeout=2)
            if member.state == "paused" and not future.done():
                if time.monotonic() - max(began, member.since) > PAUSED_PATIENCE:
                    raise Left
            if member.state == "running" and not future.done():
                heard = max(began, client.heard, member.since)
                if time.monotonic() - heard > PATIENCE:
                    raise Silent
        return future.result()
