"""Random pipelines of several clients over fewer servers: every reply is the one that PostgreSQL gives.

A failure prints its seed and the smallest scripts found that still fail. `WEIR_SEED=n` begins with that
seed; `WEIR_LONG=1` goes on for minutes.
"""

import os
import random
import time

import pytest

from conftest import LONG
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


@pytest.mark.parametrize("mode", ["transaction", "statement", "session"])
def test_random_pipelines(weir, postgres, mode):
    oracle = Oracle(postgres.port)
    seed, rounds = int(os.environ.get("WEIR_SEED", "1")), 0
    first = seed
    end = time.monotonic() + SECONDS * {"transaction": 0.6, "statement": 0.25, "session": 0.15}[mode]
    try:
        # The short form ends early on a fast machine: the long one is for what happens once in many rounds.
        while time.monotonic() < end and (LONG or seed < first + 6):
            era = Era(seed, mode)
            pooler = weir(**era.settings)
            for number, scripts, order in era.rounds():
                try:
                    answers = oracle.answers(scripts)
                except Mismatch as mismatch:
                    pytest.fail(f"PostgreSQL itself, WEIR_SEED={seed}, round {number}: {mismatch}", pytrace=False)
                wrong = None
                try:
                    run_through(pooler.port, scripts, answers, order)
                except Mismatch as mismatch:
                    wrong = mismatch
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
