"""The queue: who waits, how long, in which order, and what those get who wait in vain."""

import re
import time

import pytest

from harness import wait_until
from pgwire import bind, cstring, describe, execute, extended, message, parse, sync


def simple(sql):
    return message("Q", cstring(sql))


@pytest.fixture
def one(weir):
    """A pooler with one server connection and a queue timeout of one second."""
    return weir(default_pool_size=1, query_wait_timeout=1)


def waiting(pooler, count, user="app"):
    wait_until(lambda: int(pooler.pool(user=user)["cl_waiting"]) == count, f"{count} clients wait")


def test_first_come_first_served(weir):
    # Six clients queue up one after the other; they are served in that order. Among several workers the
    # order has bounds (test_workers.py); in one it is strict.
    pooler = weir(default_pool_size=1, query_wait_timeout=30, workers=1)
    holder = pooler.wire()
    holder.query("BEGIN")
    clients = []
    for number in range(6):
        client = pooler.wire()
        client.send(simple(f"SELECT {number}, clock_timestamp()"))
        clients.append(client)
        waiting(pooler, number + 1)
    holder.query("COMMIT")
    answers = [client.result().rows[0] for client in clients]
    assert [answer[0] for answer in answers] == [str(number) for number in range(6)]
    times = [answer[1] for answer in answers]
    assert times == sorted(times)
    for client in [holder, *clients]:
        client.close()


def test_the_queue_is_shown(weir):
    # SHOW POOLS says how many wait and for how long; SHOW CLIENTS who.
    pooler = weir(default_pool_size=1, query_wait_timeout=30)
    with pooler.wire() as holder, pooler.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(simple("SELECT 1"))
        waiting(pooler, 1)
        wait_until(lambda: int(pooler.pool()["maxwait_us"]) + int(pooler.pool()["maxwait"]) > 0, "it ages")
        assert [client["state"] for client in pooler.show("CLIENTS") if client["user"] == "app"].count(
            "waiting") == 1
        holder.query("COMMIT")
        assert waiter.result().value == "1"
        assert int(pooler.pool()["maxwait"]) == 0


def test_waiting_in_vain_ends_with_an_error(one):
    # Whoever waits longer than query_wait_timeout hears of it, in about that time.
    with one.wire() as holder, one.wire() as waiter:
        holder.query("BEGIN")
        start = time.monotonic()
        result = waiter.query("SELECT 1")
        assert 0.8 < time.monotonic() - start < 3
        assert result.error.code == one.code("53300")


@pytest.mark.weir_only
def test_the_error_says_why_and_what_to_do(one):
    # DETAIL: how many are in use, how many wait, how old the oldest transaction is. HINT: the setting.
    with one.wire() as holder, one.wire() as waiter:
        holder.query("BEGIN")
        error = waiter.query("SELECT 1").error
    assert error.severity == "ERROR"
    assert error.code == "53300"
    assert len(re.findall(r"\d+", error.detail)) >= 3, error.detail
    assert re.search(r"pool_size|query_wait_timeout", error.hint), error.hint


@pytest.mark.weir_only
def test_the_client_stays_connected_after_the_error(one):
    # ErrorResponse, then ReadyForQuery with status idle; the same connection works when a server is free.
    with one.wire() as holder, one.wire() as waiter:
        holder.query("BEGIN")
        result = waiter.query("SELECT 1")
        assert (result.kinds, result.status) == ("EZ", "I")
        holder.query("COMMIT")
        assert waiter.ask("SELECT 2") == "2"


@pytest.mark.weir_only
def test_an_extended_batch_fails_like_a_simple_query(one):
    # One error for the batch up to Sync, one ReadyForQuery, nothing for the messages skipped.
    with one.wire() as holder, one.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(extended("SELECT $1::int", [5]) + sync())
        result = waiter.result()
        assert (result.kinds, result.status, result.error.code) == ("EZ", "I", "53300")
        holder.query("COMMIT")
        waiter.send(extended("SELECT $1::int", [6]) + sync())
        assert waiter.result().rows == [["6"]]


@pytest.mark.weir_only
def test_a_pipelined_transaction_fails_whole(one, postgres):
    # BEGIN and UPDATE had both arrived when the wait ended. Were only the BEGIN failed, the UPDATE behind
    # it would run and commit by itself.
    with postgres.connect("app", user="app") as direct:
        direct.execute("DROP TABLE IF EXISTS balance")
        direct.execute("CREATE TABLE balance AS SELECT 100 AS amount")
    with one.wire() as holder, one.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(simple("BEGIN") + simple("UPDATE balance SET amount = 0") + simple("COMMIT"))
        results = [waiter.result() for _ in range(3)]
        assert [result.error.code for result in results] == ["53300"] * 3
        assert [result.status for result in results] == ["I"] * 3
        holder.query("COMMIT")
        assert waiter.ask("SELECT amount FROM balance") == "100"


@pytest.mark.weir_only
def test_a_pipelined_extended_transaction_fails_whole(one, postgres):
    # The same with extended batches of a Sync each, as psycopg's pipeline sends them.
    with postgres.connect("app", user="app") as direct:
        direct.execute("DROP TABLE IF EXISTS balance")
        direct.execute("CREATE TABLE balance AS SELECT 100 AS amount")
    with one.wire() as holder, one.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(b"".join(extended(sql) + sync() for sql in
                             ("BEGIN", "UPDATE balance SET amount = 0", "COMMIT")))
        assert [waiter.result().error.code for _ in range(3)] == ["53300"] * 3
        holder.query("COMMIT")
        assert waiter.ask("SELECT amount FROM balance") == "100"


@pytest.mark.weir_only
def test_a_batch_not_finished_by_sync_fails_too(one):
    # The error comes while the client has not sent its Sync yet: what follows up to it is skipped.
    with one.wire() as holder, one.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(parse("SELECT 1") + bind() + message("H"))
        kind, body = waiter.receive()
        assert kind == "E"
        waiter.send(describe() + execute() + sync())
        result = waiter.result()
        assert (result.kinds, result.status) == ("Z", "I")
        holder.query("COMMIT")
        assert waiter.ask("SELECT 3") == "3"


@pytest.mark.weir_only
def test_a_waiting_query_is_cancelled_at_once(weir):
    # A cancel request for a query that still waits ends the wait with 57014, without a server.
    pooler = weir(default_pool_size=1, query_wait_timeout=30)
    with pooler.wire() as holder, pooler.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(simple("SELECT 1"))
        waiting(pooler, 1)
        start = time.monotonic()
        waiter.cancel()
        result = waiter.result()
        assert time.monotonic() - start < 1
        assert (result.error.code, result.error.severity, result.status) == ("57014", "ERROR", "I")
        assert holder.ask("SELECT 'not hit'") == "not hit"
        holder.query("COMMIT")
        assert waiter.ask("SELECT 2") == "2"


@pytest.mark.planned
@pytest.mark.weir_only
def test_max_waiting_bounds_the_queue(weir):
    # A full queue refuses the next at once instead of letting it wait in vain.
    pooler = weir(default_pool_size=1, query_wait_timeout=30, max_waiting=2)
    clients = [pooler.wire() for _ in range(4)]
    clients[0].query("BEGIN")
    for number, client in enumerate(clients[1:3], 1):
        client.send(simple("SELECT 1"))
        waiting(pooler, number)
    start = time.monotonic()
    assert clients[3].query("SELECT 1").error.code == "53300"
    assert time.monotonic() - start < 1
    clients[0].query("COMMIT")
    assert [client.result().value for client in clients[1:3]] == ["1", "1"]
    assert clients[3].ask("SELECT 2") == "2"


def test_a_long_wait_is_not_an_error_below_the_timeout(weir):
    # query_wait_timeout = 0 waits for ever.
    pooler = weir(default_pool_size=1, query_wait_timeout=0)
    with pooler.wire() as holder, pooler.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(simple("SELECT 1"))
        assert waiter.silent_for(2.5)
        holder.query("COMMIT")
        assert waiter.result().value == "1"


def test_a_pipeline_is_answered_in_order_after_waiting(weir):
    # Ten queries sent while the client waits are answered in their order.
    pooler = weir(default_pool_size=1, query_wait_timeout=30)
    with pooler.wire() as holder, pooler.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(b"".join(simple(f"SELECT {n}") for n in range(10)))
        waiting(pooler, 1)
        holder.query("COMMIT")
        assert [waiter.result().value for _ in range(10)] == [str(n) for n in range(10)]
