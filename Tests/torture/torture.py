"""Weir processes that share a budget are killed, paused, cut off and left without servers; see scripts/torture."""

import argparse
import asyncio
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "IntegrationTests"))

from faults import SILENCE, Faults  # noqa: E402
from fleet import LEDGERS, Fleet  # noqa: E402
from load import Load  # noqa: E402
from recovery import Recovery  # noqa: E402
from summary import Summary  # noqa: E402

#: Within how many seconds after a fault all slots are to be in use again.
TARGET = 3
#: How long a recovery is waited for before it counts as none.
LIMIT = 30


def arguments():
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--ledger", choices=LEDGERS, default="postgres")
    parser.add_argument("--fence", choices=("wait", "terminate"), default="wait")
    parser.add_argument("--seconds", type=float, default=600, help="each fault comes at least once however short this is")
    parser.add_argument("--seed", type=int, default=None, help="of faults and load")
    parser.add_argument("--processes", type=int, default=5)
    parser.add_argument("--clients", type=int, default=400)
    parser.add_argument("--budget", type=int, default=20)
    parser.add_argument("--faults", help="only these, separated by commas")
    parser.add_argument("--recovery", type=float, default=TARGET, help="seconds within which slots are back (3)")
    parser.add_argument("--report", type=Path, help="a file for the numbers, in JSON")
    parser.add_argument("--keep", type=Path, help="a folder for the logs if the run fails")
    return parser.parse_args()


class Torture:
    """One run."""

    def __init__(self, options, fleet):
        self.options, self.fleet = options, fleet
        self.load = Load(fleet.members, options.clients, random.Random(options.seed))
        self.recovery = Recovery(fleet, self.load)
        self.faults = Faults(fleet, random.Random(options.seed), self.recovery, self.note)
        #: (fault, seconds or None, the most that is right or None for the usual).
        self.recoveries = []
        self.began = time.monotonic()

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.1f} {text}", file=sys.stderr, flush=True)

    async def note(self, name, since, least, limit, apart=None):
        """Waits until so many slots are in use, and writes down how long it took."""
        seconds = await self.recovery.wait(since, least, limit, apart)
        most = {"pause, the others have all": SILENCE + self.options.recovery,
                "pause, the others have theirs": limit}.get(name)
        self.recoveries.append((name, seconds, most))
        if seconds is None or seconds > (most or self.options.recovery):
            await asyncio.to_thread(self.describe)
        self.say(f"{name}: {'not' if seconds is None else f'{seconds:.2f} s'} until {least} slots are in use")

    def describe(self):
        """How the fleet stands, when that is not as it should be."""
        for line in self.fleet.describe():
            self.say(f"    {line}")

    async def run(self):
        loading = asyncio.create_task(self.load.run())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, loading.cancel)
        torturing = asyncio.create_task(self.torture())
        try:
            await asyncio.wait([loading, torturing], return_when=asyncio.FIRST_COMPLETED)
            if torturing.done():
                self.load.stop()
                await asyncio.wait_for(loading, 60)
            await loading
            await torturing
        finally:
            loading.cancel()
            torturing.cancel()
            await asyncio.gather(loading, torturing, return_exceptions=True)

    async def torture(self):
        end = self.began + self.options.seconds
        await self.note("start", time.monotonic(), self.fleet.usable - 1, LIMIT)
        names = self.options.faults.split(",") if self.options.faults else self.faults.names()
        deck = self.shuffled(names)
        is_first_round = True
        while is_first_round or time.monotonic() < end:
            name = deck.pop()
            self.say(f"fault: {name}")
            over = await self.faults.do(name)
            await self.note(name, over, self.fleet.usable - 1, LIMIT)
            if self.fleet.crashed():
                return
            await asyncio.sleep(self.faults.random.uniform(0.5, 3))
            if not deck:
                deck, is_first_round = self.shuffled(names), False

    def shuffled(self, names):
        return self.faults.random.sample(names, len(names))


def keep_logs(fleet, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for path in fleet.folder.glob("*/*.log"):
        shutil.copy(path, folder / f"{path.parent.name}-{path.name}")
    for member in fleet.members:
        shutil.copy(member.pooler.folder / "output.txt", folder / f"{member.name}-output.txt")
    with open(folder / "sessions.txt", "w") as file:
        for sample in fleet.samples.all:
            print(json.dumps([sample.before, sample.after, sample.sessions]), file=file)


def main():
    options = arguments()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1_000_000)
    print(f"torture: seed {options.seed}", file=sys.stderr, flush=True)
    # With the ledger in PostgreSQL each process has a control connection, and one place is to spare.
    fleet = Fleet(options.ledger, options.processes, options.budget, options.processes + 1, options.fence,
                  server_login_retry=1)
    try:
        torture = Torture(options, fleet)
        fleet.start()
        asyncio.run(torture.run())
        crashed = fleet.crashed()
        for member in fleet.members:
            fleet.stop_member(member)
        summary = Summary(fleet, torture.load.tally, torture.recoveries, options.recovery)
        summary.crashed = crashed
        print("\n".join(summary.lines()), flush=True)
        failed = bool(summary.failures())
        if options.report:
            options.report.write_text(json.dumps(summary.numbers()))
        if failed and options.keep:
            keep_logs(fleet, options.keep)
    except BaseException:
        print(fleet.logs()[-8000:], file=sys.stderr)
        if options.keep:
            keep_logs(fleet, options.keep)
        raise
    finally:
        fleet.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
