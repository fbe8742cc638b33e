"""Prepared statements in transaction mode under load: with the schema changing beside them, and of drivers
that parse in one batch and run in the next."""

import random
import subprocess
import threading
import time
from collections import Counter

import pytest

from conftest import LONG
from harness import HOST, PG_BIN
from pgwire import Closed, bind, describe, execute, parse, sync

pytestmark = pytest.mark.weir_only

CLIENTS, POOL = 64, 8


class Background:
    """Repeats some work on a thread until the block ends, and counts it; its error is the test's."""

    def __init__(self, work):
        self.work, self.count, self.failure = work, 0, None
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            while not self.stopping.is_set():
                self.work(self.count)
                self.count += 1
        except BaseException as failure:
            self.failure = failure

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(60)
        assert not self.thread.is_alive()
        if self.failure:
            raise self.failure


@pytest.fixture(scope="module")
def accounts(shared_postgres):
    """A database with pgbench's tables whose schema may be changed."""
    with shared_postgres.connect() as connection:
        connection.execute("CREATE DATABASE changing OWNER app")
    shared_postgres.run("pgbench", "-h", HOST, "-p", shared_postgres.port, "-U", "app", "-i", "-q", "-s", "4",
                        "changing")
    yield "changing"
    with shared_postgres.connect() as connection:
        connection.execute("DROP DATABASE changing WITH (FORCE)")


#: What pgbench's statements do not name, one statement a transaction: together they would wait for each
#: other's tables.
CHANGES = [
    "CREATE INDEX changing_bid ON pgbench_accounts (bid)",
    "ALTER TABLE pgbench_accounts ADD COLUMN extra{number} int DEFAULT 7",
    "ALTER TABLE pgbench_tellers ADD COLUMN extra{number} text",
    "DROP INDEX changing_bid",
    "ALTER TABLE pgbench_accounts DROP COLUMN extra{number}",
    "ALTER TABLE pgbench_tellers DROP COLUMN extra{number}",
]


@pytest.mark.parametrize("script", ["select-only", "tpcb-like"])
def test_pgbench_while_the_schema_changes(weir, postgres, accounts, script):
    # Every change makes every server plan its statements anew; no client may notice.
    seconds = 60 if LONG else 8
    pooler = weir(databases={accounts: "{backend}"}, default_pool_size=POOL, max_client_conn=200)
    with postgres.connect(accounts) as owner:

        def change(number):
            for statement in CHANGES:
                owner.execute(statement.format(number=number))
                time.sleep(0.05)

        # A thread a client: pgbench prepares with a call that blocks its thread, and a thread with a
        # transaction open on another client would block the change that it waits for.
        with Background(change) as changes:
            done = subprocess.run(
                [PG_BIN / "pgbench", "-h", HOST, "-p", str(pooler.port), "-U", "app", "-n", "-M", "prepared",
                 "-c", str(CLIENTS), "-j", str(CLIENTS), "-T", str(seconds), "-b", script, accounts],
                capture_output=True, text=True, timeout=seconds + 60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "number of failed transactions: 0 (0.000%)" in done.stdout, done.stdout
    assert "error" not in done.stderr.lower(), done.stderr
    assert changes.count > 3
    assert postgres.sessions(f"datname = '{accounts}'") <= POOL


class Driver(threading.Thread):
    """A client as lib/pq is one: Parse, Describe and Sync of the unnamed statement, then, when that is
    answered, Bind, Execute and Sync; every statement's text is its own."""

    def __init__(self, pooler, number, until, seed):
        super().__init__()
        self.pooler, self.number, self.until = pooler, number, until
        self.chance = random.Random(f"{seed}/{number}")
        self.wrong, self.seen = [], Counter()

    def run(self):
        try:
            with self.pooler.wire(timeout=60) as client:
                turn = 0
                while time.monotonic() < self.until and not self.wrong:
                    turn += 1
                    self.turn(client, turn)
        except (Closed, OSError, AssertionError) as failure:
            self.wrong.append(repr(failure))

    def turn(self, client, turn):
        text = f"client {self.number}, turn {turn}"
        # Of several shapes, so that another's statement would not even look alike.
        columns = turn % 3 + 1
        shape = ", ".join(f"$1::int + {column}" for column in range(columns))
        in_transaction = self.chance.random() < 0.2
        if in_transaction:
            self.expect(client.query("BEGIN"), "CZ")
        client.send(parse(f"SELECT '{text}', {shape}, pg_backend_pid()") + describe(kind="S") + sync())
        self.expect(client.result(), "1tTZ")
        for value in range(self.chance.choice((0, 1, 1, 1, 2, 3))):
            client.send(bind([value]) + execute() + sync())
            result = client.result()
            self.expect(result, "2DCZ")
            for *found, pid in result.rows:
                self.seen[pid] += 1
                if found != [text, *(str(value + column) for column in range(columns))]:
                    self.wrong.append(f"{text} got {found}")
        if in_transaction:
            self.expect(client.query(self.chance.choice(("COMMIT", "ROLLBACK"))), "CZ")

    def expect(self, result, kinds):
        if result.kinds != kinds:
            self.wrong.append(f"client {self.number}: {result.kinds} in place of {kinds}: {result.error}")


def test_unnamed_statements_run_in_a_later_batch(weir):
    # 24 clients over 4 servers: between the two batches somebody else has the server nearly always.
    seed = random.randrange(1 << 32)
    pooler = weir(default_pool_size=4, query_wait_timeout=60)
    until = time.monotonic() + (60 if LONG else 5)
    drivers = [Driver(pooler, number, until, seed) for number in range(24)]
    for driver in drivers:
        driver.start()
    for driver in drivers:
        driver.join(180)
    assert not [driver.wrong for driver in drivers if driver.wrong], f"seed {seed}"
    seen = sum((driver.seen for driver in drivers), Counter())
    assert len(seen) == 4 and sum(seen.values()) > 500
    # A client's statements have been run by several servers, or nothing was tried.
    assert all(len(driver.seen) > 1 for driver in drivers)
