"""Random pipelines of several clients over fewer servers: every reply is the one that PostgreSQL gives.

A failure prints its seed and the smallest scripts found that still fail. `WEIR_SEED=n` begins with that
seed; `WEIR_LONG=1` goes on for minutes.
"""

import os
import random
import time

import psycopg
import pytest

from conftest import LONG
from harness import wait_until
from pipeline_runner import Mismatch, Oracle, run_through
from pipelines import Writer, written

pytestmark = pytest.mark.weir_only

SECONDS = 240 if LONG else 13
#: So many rounds go through one process, whose servers keep what the rounds before left there.
ROUNDS_PER_PROCESS = 40


class Era:
    """One process with its settings and the rounds that go through it: all from one seed."""

    def __init__(self, seed, mode):
        self.seed, self.mode = seed, mode
        rng = random.Random(f"{seed} {mode}")
        self.clients = rng.randrange(1, 7)
        self.settings = {
            "pool_mode": mode,
            "default_pool_size": self.clients if mode == "session" else rng.randrange(1, 4),
            "max_prepared_statements": rng.choice((1, 2, 3, 5, 200)),
            "workers": rng.choice((1, 2)),
            "prepare_anonymous": rng.choice((0, 1, 1, 3)),
        }
        self.has_settings = rng.random() < 0.3
        self.random = rng

    def rounds(self):
        for number in range(ROUNDS_PER_PROCESS):
            scripts = [Writer(self.random, f"own {number}.{client}", self.mode != "statement", self.has_settings)
                       .script(self.random.randrange(5, 60)) for client in range(self.clients)]
            yield number, scripts, self.random.randrange(1 << 30)


class Shrinker:
    """Finds smaller scripts that fail too, each tried in a process of its own."""

    def __init__(self, weir, oracle, settings, seconds=60):
        self.weir, self.oracle, self.settings = weir, oracle, settings
        self.end = time.monotonic() + seconds

    def failure(self, scripts, seed, orders=5):
        """What goes wrong with these, in some orders; None if nothing does."""
        answers = self.oracle.answers(scripts)
        pooler = self.weir(**self.settings)
        try:
            for order in range(seed, seed + orders):
                run_through(pooler.port, scripts, answers, order, patience=1.5)
        except Mismatch as mismatch:
            return mismatch
        finally:
            pooler.stop()
        return None

    def shrink(self, scripts, seed):
        """Returns the scripts and the failure; None in place of it if a new process does not fail."""
        found = self.failure(scripts, seed, 40)
        if found is None:
            return scripts, None
        at = 0
        while at < len(scripts) and len(scripts) > 1:
            without = scripts[:at] + scripts[at + 1:]
            failure = self.failure(without, seed)
            if failure:
                scripts, found = without, failure
            else:
                at += 1
        size = max(len(script) for script in scripts)
        while size:
            smaller = self.drop_pieces(scripts, seed, size)
            if smaller:
                scripts, found = smaller
            else:
                size //= 2
        return scripts, found

    def drop_pieces(self, scripts, seed, size):
        """Drops pieces of that many steps wherever the rest still fails; None if nowhere."""
        result = None
        for client, script in enumerate(scripts):
            at, end = 0, 1 if script[-1] == ("leave",) else 3
            while at < len(script) - end and time.monotonic() < self.end:
                shorter = script[:at] + script[min(at + size, len(script) - end):]
                candidate = scripts[:client] + [shorter] + scripts[client + 1:]
                failure = self.failure(candidate, seed)
                if failure:
                    scripts, script, result = candidate, shorter, (candidate, failure)
                else:
                    at += size
        return result


def explain(weir, oracle, era, number, scripts, seed, mismatch):
    text = (f"WEIR_SEED={era.seed}, round {number}, {len(scripts)} clients, {era.settings}:\n{mismatch}\n")
    smaller, failure = Shrinker(weir, oracle, era.settings).shrink(scripts, seed)
    if failure:
        return text + f"\nsmallest found, order {seed}:\n{written(smaller)}\n{failure}"
    return text + "\na new process does not fail with this round alone: replay the seed"


class Crashes:
    """Processes of PostgreSQL that have died, with all their sessions.

    15.18 does where a simple Query has failed in a block and the next thing executed is its portal, the unnamed
    one, without a Bind: with and without a pooler.
    """

    def __init__(self, postgres):
        self.postgres, self.count = postgres, 0

    def is_new(self):
        """Whether another one has died since this was asked last; all is up again then."""
        before = self.count
        # It says so a moment later.
        end = time.monotonic() + 2
        while self.count == before and time.monotonic() < end:
            self.count = self.postgres.log.read_text().count("was terminated by signal")
            time.sleep(0.1)
        if self.count > before:
            wait_until(self.is_up, "PostgreSQL is up again", seconds=30)
        return self.count > before

    def is_up(self):
        try:
            return self.postgres.ask("SELECT true")
        except psycopg.OperationalError:
            return False


@pytest.mark.parametrize("mode", ["transaction", "statement", "session"])
def test_random_pipelines(weir, postgres, mode):
    oracle, crashes = Oracle(postgres.port), Crashes(postgres)
    seed, rounds = int(os.environ.get("WEIR_SEED", "1")), 0
    end = time.monotonic() + SECONDS * {"transaction": 0.6, "statement": 0.25, "session": 0.15}[mode]
    try:
        while time.monotonic() < end:
            era = Era(seed, mode)
            pooler = weir(**era.settings)
            for number, scripts, order in era.rounds():
                answers, wrong = None, None
                try:
                    answers = oracle.answers(scripts)
                    run_through(pooler.port, scripts, answers, order)
                except Mismatch as mismatch:
                    wrong = mismatch
                if wrong and crashes.is_new():
                    print(f"WEIR_SEED={seed}, round {number}: PostgreSQL itself has crashed")
                    break
                if wrong and not answers:
                    pytest.fail(f"the oracle, WEIR_SEED={seed}, round {number}: {wrong}", pytrace=False)
                if wrong:
                    pytest.fail(explain(weir, oracle, era, number, scripts, order, wrong), pytrace=False)
                rounds += 1
                if time.monotonic() > end:
                    break
            pooler.stop()
            seed += 1
    finally:
        oracle.close()
    print(f"{rounds} rounds, seeds up to {seed}")
