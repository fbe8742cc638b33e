"""The slow-query log: one JSON object a line for each query over the threshold."""

import json
import time
import os
import re

import pytest

from harness import own, wait_until
from pgwire import cstring, extended, message, sync

pytestmark = pytest.mark.weir_only


class SlowLog:
    def __init__(self, weir, folder, **options):
        self.path = folder / "slow.jsonl"
        self.pooler = weir(slow_query_threshold=0.2, slow_query_log=self.path, **options)

    def records(self):
        """Every line, each of which must be a JSON object."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def wait_for(self, statement, count=1):
        """The records whose statement contains a text, once there are so many."""
        def found():
            matching = [record for record in self.records() if statement in record.get("statement", "")]
            return matching if len(matching) >= count else None
        return wait_until(found, f"{count} records of {statement!r}")


@pytest.fixture
def slow(weir, scratch):
    return SlowLog(weir, scratch("slow"), default_pool_size=1, query_wait_timeout=5)


def test_a_simple_query(slow):
    # Who, where, what, how long, what came of it.
    with slow.pooler.wire(options={"application_name": "reports"}) as client:
        client.query("SELECT g, pg_sleep(0.15) FROM generate_series(1, 2) g")
        pid = client.ask("SELECT pg_backend_pid()")
        port = client.sock.getsockname()[1]
    record = slow.wait_for("generate_series")[0]
    assert record["user"] == "app" and record["database"] == "app"
    assert record["application_name"] == "reports"
    assert str(port) in record["client"] and "127.0.0.1" in record["client"]
    assert record["protocol"] == "simple"
    assert record["statement"] == "SELECT g, pg_sleep(0.15) FROM generate_series(1, 2) g"
    assert record["statement_truncated"] is False
    assert (record["tag"], record["rows"], record["sqlstate"]) == ("SELECT", 2, None)
    assert 300 <= record["total_ms"] < 3000
    assert 300 <= record["server_ms"] <= record["total_ms"]
    assert record["wait_ms"] < 100
    assert record["bytes_in"] > 50 and record["bytes_out"] > 50
    assert record["server_pid"] == int(pid)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", record["time"])


def test_an_extended_query(slow):
    # The text as it was parsed, with its placeholders and without the values.
    with slow.pooler.wire() as client:
        client.send(extended("SELECT pg_sleep($1::float8), 'placeholders'", ["0.3"]) + sync())
        assert client.result().error is None
    record = slow.wait_for("placeholders")[0]
    assert record["protocol"] == "extended"
    assert record["statement"] == "SELECT pg_sleep($1::float8), 'placeholders'"
    assert (record["tag"], record["rows"]) == ("SELECT", 1)
    assert record["total_ms"] >= 300


def test_quick_queries_are_not_logged(slow):
    # Below the threshold nothing is written.
    quick = set()
    with slow.pooler.wire() as client:
        for n in range(50):
            begin = time.monotonic()
            client.ask(f"SELECT {n}, 'quick'")
            # What was quick for the client was quick for the pooler; a busy machine may stall one.
            if time.monotonic() - begin < 0.1:
                quick.add(f"SELECT {n}, 'quick'")
        client.query("SELECT pg_sleep(0.3), 'slow'")
    slow.wait_for("'slow'")
    logged = [record["statement"] for record in slow.records()]
    assert len(quick) > 25 and not quick & set(logged)
    assert logged[-1] == "SELECT pg_sleep(0.3), 'slow'"


def test_waiting_is_told_apart(slow):
    # A quick query that waited long: the wait is the queue's, not PostgreSQL's.
    with slow.pooler.wire() as holder, slow.pooler.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(message("Q", cstring("SELECT 'waited'")))
        assert waiter.silent_for(0.6)
        holder.query("COMMIT")
        waiter.result()
    record = slow.wait_for("'waited'")[0]
    assert record["wait_ms"] >= 550
    assert record["server_ms"] < 300
    assert record["total_ms"] >= record["wait_ms"]


def test_an_error_is_logged_with_its_code(slow):
    # A slow statement that failed.
    with slow.pooler.wire() as client:
        assert client.query("SELECT pg_sleep(0.3), 1 / (random() * 0)::int").error.code == "22012"
    record = slow.wait_for("random()")[0]
    assert record["sqlstate"] == "22012"


def test_an_idle_transaction_is_not_a_slow_query(slow):
    # The time between two statements belongs to neither.
    with slow.pooler.wire() as client:
        client.query("BEGIN")
        assert client.silent_for(0.5)
        client.query("COMMIT")
        client.query("SELECT pg_sleep(0.3), 'after'")
    slow.wait_for("'after'")
    assert len(slow.records()) == 1


def test_any_text_makes_valid_json(slow):
    # Quotes, newlines, control characters, emoji, bytes that are not UTF-8.
    with slow.pooler.wire(options={"client_encoding": "LATIN1"}) as client:
        client.query("SELECT pg_sleep(0.25), 'quote \" backslash \\ newline \n tab \t bell \a'")
        body = b"SELECT pg_sleep(0.25), 'latin \xe9\xff'\0"
        client.send(b"Q" + (len(body) + 4).to_bytes(4, "big") + body)
        assert client.result().error is None
    assert "newline \n tab \t bell \a" in slow.wait_for("quote")[0]["statement"]
    assert slow.wait_for("latin")


def test_a_long_statement_is_cut(slow):
    # The log keeps the beginning and says so.
    with slow.pooler.wire() as client:
        client.query("SELECT pg_sleep(0.25), '" + "x" * 100_000 + "'")
    record = slow.wait_for("xxx")[0]
    assert record["statement_truncated"] is True
    assert 500 < len(record["statement"]) < 20_000


def test_copy_is_logged(slow):
    # COPY counts like any other statement, its tag and rows too.
    with slow.pooler.wire() as client:
        client.query("COPY (SELECT g, pg_sleep(0.1) FROM generate_series(1, 3) g) TO STDOUT")
    record = slow.wait_for("COPY (SELECT")[0]
    assert (record["tag"], record["rows"]) == ("COPY", 3)


def test_it_can_be_switched_off(weir, scratch):
    # -1, as PostgreSQL's log_min_duration_statement; and changed on the console.
    folder = scratch("slow")
    pooler = weir(slow_query_threshold=-1, slow_query_log=folder / "slow.jsonl")
    pooler.ask("SELECT pg_sleep(0.3), 'unseen'")
    pooler.admin("SET slow_query_threshold = 0.1")
    pooler.ask("SELECT pg_sleep(0.3), 'seen'")
    wait_until(lambda: (folder / "slow.jsonl").exists() and "'seen'" in (folder / "slow.jsonl").read_text(),
               "the second is logged")
    assert "unseen" not in (folder / "slow.jsonl").read_text()


def test_a_reader_that_is_slow_stops_nobody(weir, scratch):
    # The log is a pipe that nobody reads: queries go on at once, records are dropped.
    folder = scratch("slow")
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    own(pipe)
    keep_open = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        pooler = weir(slow_query_threshold=0, slow_query_log=pipe)
        with pooler.wire(timeout=30) as client:
            for n in range(300):
                assert client.ask(f"SELECT {n} /* {'x' * 3000} */") == str(n)
    finally:
        os.close(keep_open)
