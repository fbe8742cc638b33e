"""Everything that ends by itself after a while."""

import time

import pytest

from harness import wait_until
from pgwire import cstring, message


def closed_with(client, *words):
    """The client is told and closed; returns the error's text."""
    errors = [body for kind, body in client.wait_closed() if kind == "E"]
    assert errors, "closed without a word"
    text = errors[0].decode(errors="replace").replace("_", " ")
    assert any(word in text for word in words), text
    return text


def test_server_idle_timeout(weir, postgres):
    # An idle server connection is closed after server_idle_timeout.
    pooler = weir(server_idle_timeout=1)
    pooler.still_serves()
    assert postgres.sessions() == 1
    wait_until(lambda: postgres.sessions() == 0, "the idle server is closed", 5)
    pooler.still_serves()


def test_server_lifetime(weir, postgres):
    # A server connection older than server_lifetime is replaced once it is free.
    pooler = weir(server_lifetime=1, default_pool_size=1)
    with pooler.wire() as client:
        pid = client.ask("SELECT pg_backend_pid()")
        wait_until(lambda: client.ask("SELECT pg_backend_pid()") != pid, "a new server serves", 6, 0.3)


def test_server_lifetime_spares_transactions(weir, postgres):
    # An old server is not taken out of a transaction.
    pooler = weir(server_lifetime=1, default_pool_size=1)
    with pooler.wire() as client:
        client.query("BEGIN")
        pid = client.ask("SELECT pg_backend_pid()")
        time.sleep(2.2)
        assert client.ask("SELECT pg_backend_pid()") == pid
        assert client.query("COMMIT").tags == ["COMMIT"]


def test_query_timeout(weir, postgres):
    # A statement that runs longer than query_timeout is ended, at PostgreSQL too.
    pooler = weir(query_timeout=1, default_pool_size=1)
    with pooler.wire() as client:
        assert client.ask("SELECT pg_sleep(0.1)") == ""
        client.send(message("Q", cstring("SELECT pg_sleep(20)")))
        closed_with(client, "query timeout")
    pooler.still_serves()
    if not pooler.is_pgbouncer:
        wait_until(lambda: postgres.sessions("query LIKE '%pg_sleep(20)%' AND state = 'active'") == 0,
                   "the statement does not run on", 5)


def test_idle_transaction_timeout(weir, postgres):
    # A client that idles in a transaction loses it; its locks are free for others.
    pooler = weir(idle_transaction_timeout=1, default_pool_size=2)
    with pooler.wire() as client:
        client.query("BEGIN")
        assert client.ask("SELECT pg_advisory_xact_lock(31)") == ""
        closed_with(client, "idle transaction timeout")
    assert pooler.ask("SELECT pg_advisory_xact_lock(31)") == ""


def test_idle_transaction_timeout_spares_busy_transactions(weir):
    # A long statement within a transaction is not idling.
    pooler = weir(idle_transaction_timeout=1)
    with pooler.wire() as client:
        client.query("BEGIN")
        assert client.ask("SELECT pg_sleep(1.8)") == ""
        assert client.query("COMMIT").tags == ["COMMIT"]


@pytest.mark.weir_only
def test_transaction_timeout(weir):
    # A transaction as a whole, however busy.
    pooler = weir(transaction_timeout=1)
    with pooler.wire() as client:
        client.query("BEGIN")
        client.send(message("Q", cstring("SELECT pg_sleep(10)")))
        closed_with(client, "transaction timeout")
    pooler.still_serves()


def test_client_idle_timeout(weir):
    # An idle client is told and closed; one that talks is not.
    pooler = weir(client_idle_timeout=1)
    with pooler.wire() as idle, pooler.wire() as busy:
        idle.ask("SELECT 1")
        end = time.monotonic() + 1.8
        while time.monotonic() < end:
            busy.ask("SELECT pg_sleep(0.05)")
        closed_with(idle, "client idle timeout")
        assert busy.ask("SELECT 2") == "2"


def test_client_idle_timeout_spares_transactions(weir):
    # It counts outside of transactions only.
    pooler = weir(client_idle_timeout=1)
    with pooler.wire() as client:
        client.query("BEGIN")
        time.sleep(2.2)
        assert client.query("COMMIT").tags == ["COMMIT"]


@pytest.mark.weir_only
def test_timeouts_of_a_user(weir):
    # A user's own value replaces the global one for that user alone.
    pooler = weir(users={"other": "query_timeout=1"})
    with pooler.wire(user="other") as client, pooler.wire() as patient:
        client.send(message("Q", cstring("SELECT pg_sleep(10)")))
        assert patient.ask("SELECT pg_sleep(1.6)") == ""
        closed_with(client, "query timeout")


def test_server_check_query(weir, postgres):
    # server_check_delay=0: each server is checked before each use, without the client noticing.
    pooler = weir(server_check_query="SELECT 'checked'", server_check_delay=0, default_pool_size=1)
    with pooler.wire() as client:
        for n in range(10):
            result = client.query(f"SELECT {n}")
            assert (result.value, result.kinds) == (str(n), "TDCZ")


@pytest.mark.weir_only
def test_query_wait_notify(weir):
    # A client that waits long is told by a NOTICE, once.
    pooler = weir(default_pool_size=1, query_wait_notify=1, query_wait_timeout=20)
    with pooler.wire() as holder, pooler.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(message("Q", cstring("SELECT 'served'")))
        kind, body = waiter.receive()
        assert kind == "N" and b"client being queued" in body
        assert waiter.silent_for(1.5)
        holder.query("COMMIT")
        assert waiter.result().value == "served"
