"""Two processes share a budget, and the work goes from one to the other and back; see scripts/convergence."""

import argparse
import asyncio
import collections
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "IntegrationTests"))

from fleet import LEDGERS, Fleet  # noqa: E402
from pgwire import Closed  # noqa: E402
from wire_client import WireClient  # noqa: E402

#: Slots for clients' sessions; the budget has those of control connections or checks besides.
USABLE = 100
#: What one query takes, seconds: so short that it is not the queries that hold slots after a swap.
QUERY = 0.1
#: After so many seconds a swap has failed, and after so many it is told how the fleet stands.
LIMIT = 30
LATE = 3


def arguments():
    parser = argparse.ArgumentParser(prog="convergence", description=__doc__)
    parser.add_argument("--ledger", choices=LEDGERS, default="postgres")
    parser.add_argument("--swaps", type=int, default=50)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--target", type=float, default=1, help="seconds for the 99th percentile")
    parser.add_argument("--report", type=Path, help="a file for the numbers, in JSON")
    return parser.parse_args()


class Crowd:
    """The clients of one process. They all work, or all rest."""

    def __init__(self, member, count):
        self.member, self.count = member, count
        self.works = asyncio.Event()
        #: By SQLSTATE: clients that wait too long are told so.
        self.errors = collections.Counter()

    async def run(self):
        await asyncio.gather(*(self.be_client() for _ in range(self.count)))

    async def be_client(self):
        client = await WireClient.connect(self.member.port)
        await client.login("app", "app")
        try:
            while True:
                await self.works.wait()
                reply = await client.query(f"SELECT pg_sleep({QUERY})")
                if reply.is_fatal:
                    raise reply.error
                if reply.error:
                    self.errors[reply.error.code] += 1
        except Closed as closed:
            raise RuntimeError(f"{self.member.name} closed a client's connection") from closed
        finally:
            client.abort()


class Convergence:
    """One run; `times` are the swaps' in seconds."""

    def __init__(self, fleet, options):
        self.fleet, self.options = fleet, options
        self.needed = fleet.usable * 9 // 10
        self.times, self.errors = [], collections.Counter()

    async def run(self):
        crowds = [Crowd(member, self.options.clients) for member in self.fleet.members]
        tasks = [asyncio.create_task(crowd.run()) for crowd in crowds]
        try:
            for number in range(self.options.swaps + 1):
                loaded, idle = crowds[number % 2], crowds[1 - number % 2]
                idle.works.clear()
                loaded.works.set()
                seconds = await self.until_loaded(loaded.member)
                for task in tasks:
                    if task.done():
                        task.result()
                if number > 0:  # the first is no swap
                    self.times.append(seconds)
                    print(f"swap {number}: {seconds:.2f} s", file=sys.stderr, flush=True)
                await asyncio.sleep(1.5)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for crowd in crowds:
                self.errors += crowd.errors

    async def until_loaded(self, member):
        since, looked, is_described = time.monotonic(), 0, False
        while time.monotonic() - since < LIMIT:
            samples = self.fleet.samples.since(since)
            for sample in samples[looked:]:
                has = sum(1 for session in sample.sessions or () if session.database == member.database)
                if has >= self.needed:
                    return sample.before - since
            looked = len(samples)
            if not is_described and time.monotonic() - since > LATE:
                is_described = True
                for line in await asyncio.to_thread(lambda: list(self.fleet.describe())):
                    print(f"    {line}", file=sys.stderr, flush=True)
            await asyncio.sleep(0.01)
        return float("inf")


def percentile(times, part):
    """By the nearest rank: the smallest time within which that part of them are."""
    ordered = sorted(times)
    return ordered[max(0, -(-len(ordered) * part // 100) - 1)]


def main():
    options = arguments()
    apart = {"postgres": 4, "etcd": 1, "local": 0}[options.ledger]
    fleet = Fleet(options.ledger, 2, USABLE + apart, apart, milliseconds=20, max_connections=200, has_network=False)
    try:
        fleet.start()
        convergence = Convergence(fleet, options)
        asyncio.run(convergence.run())
        times, maximum = convergence.times, max(len(sample.sessions) for sample in fleet.samples.taken())
    except BaseException:
        print(fleet.logs()[-8000:], file=sys.stderr)
        raise
    finally:
        fleet.close()
    numbers = {"p50": statistics.median(times), "p99": percentile(times, 99), "max": max(times),
               "overshoot": max(0, maximum - fleet.budget)}
    print(f"ledger {options.ledger}, {USABLE} usable slots, {options.clients} clients, {len(times)} swaps: "
          f"90 % of the slots after p50 {numbers['p50']:.2f} s, p99 {numbers['p99']:.2f} s, "
          f"max {numbers['max']:.2f} s; overshoot {numbers['overshoot']}, errors {dict(convergence.errors) or 'none'}")
    failed = numbers["p99"] > options.target or numbers["overshoot"] > 0 or bool(fleet.complaints)
    print("\n".join([*fleet.complaints, "failed" if failed else "passed"]))
    if options.report:
        options.report.write_text(json.dumps(numbers))
    return failed


if __name__ == "__main__":
    sys.exit(main())
