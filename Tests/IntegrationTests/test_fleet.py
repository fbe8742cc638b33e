"""Several processes share the budget of one PostgreSQL server, by the ledger `postgres`."""

import signal
import time

import pytest

from harness import wait_until
from pgwire import PROTOCOL_3_0, PROTOCOL_3_2, cancel, simple
from test_limits import hold, must_wait, release

pytestmark = pytest.mark.weir_only


@pytest.fixture
def fleet(weir):
    """A function starting a process of a fleet whose budget is `slots` beside the control connections."""
    names = iter("abcdefgh")

    def start(slots=3, reserve=4, **options):
        pooler = weir(budget_ledger="postgres", ledger_user="ledger", ledger_database="postgres", workers=2,
                    control_reserve=reserve, server_budget=slots + reserve, node_name=f"node-{next(names)}",
                    **options)
        # Now it knows what to greet clients with, and need not wait for a server to tell them.
        assert pooler.ask("SELECT 1") == "1"
        return pooler

    return start


def sessions(postgres, where="true"):
    return postgres.sessions(f"usename IN ('app', 'other') AND {where}")


def test_one_budget_for_two_processes(fleet, postgres):
    first, second = fleet(), fleet()
    holders = hold(first, 2) + hold(second, 1)
    assert sessions(postgres) == 3
    with second.wire() as waiter:
        must_wait(waiter)
        assert sessions(postgres) == 3
        release(holders[:1])
        assert waiter.result().value == "served"
        assert sessions(postgres) <= 3
    release(holders[1:])


def test_a_killed_process_leaves_its_slots(fleet, postgres):
    first, second = fleet(), fleet()
    holders = hold(first, 3)
    with second.wire() as waiter:
        must_wait(waiter)
        first.kill()
        started = time.monotonic()
        assert waiter.result().value == "served"
        assert time.monotonic() - started < 5
    for client in holders:
        client.close()


def test_a_stopped_process_keeps_its_slots(fleet, postgres):
    first, second = fleet(), fleet()
    holders = hold(first, 3)
    with second.wire() as waiter:
        must_wait(waiter)
        first.signal(signal.SIGSTOP)
        assert waiter.silent_for(4)
        assert sessions(postgres) == 3
        first.signal(signal.SIGCONT)
        release(holders)
        assert waiter.result().value == "served"


def test_a_stopped_process_loses_its_slots_where_it_is_said_so(fleet, postgres):
    first, second = fleet(budget_fence="terminate"), fleet(budget_fence="terminate")
    holders = hold(first, 3)
    with second.wire() as waiter:
        must_wait(waiter)
        first.signal(signal.SIGSTOP)
        started = time.monotonic()
        waiter.sock.settimeout(20)
        assert waiter.result().value == "served"
        assert 9 < time.monotonic() - started < 14
        assert sessions(postgres) <= 3
        first.signal(signal.SIGCONT)
        # What it had is gone, and it says so; then it serves again.
        for client in holders:
            assert client.receive()[0] == "E"
            client.wait_closed(5)
    assert first.ask("SELECT 1") == "1"
    assert sessions(postgres) <= 3


def test_without_a_ledger_what_is_held_serves(fleet, postgres):
    pooler = fleet()
    with pooler.wire() as client, pooler.wire() as other:
        assert client.query("SELECT 1").value == "1"
        with postgres.connect() as superuser:
            superuser.execute("ALTER ROLE ledger NOLOGIN")
        try:
            postgres.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ledger'")
            assert client.query("BEGIN").error is None
            must_wait(other)
            client.query("COMMIT")
            assert other.result().value == "served"
        finally:
            with postgres.connect() as superuser:
                superuser.execute("ALTER ROLE ledger LOGIN")


def test_who_is_in_the_fleet(fleet, postgres):
    first, second = fleet(), fleet()
    holders = hold(first, 2)
    wait_until(lambda: {row["process"]: row["held"] for row in second.show("FLEET")}.get("node-a") == "2",
               "the board tells of the other process")
    rows = {row["process"]: row for row in second.show("FLEET")}
    assert rows["node-a"]["own"] == "no" and rows["node-b"]["own"] == "yes"
    assert rows["node-a"]["address"] == f"127.0.0.1:{first.port}"
    assert rows["node-a"]["version"] == rows["node-b"]["version"] != ""
    budget, = second.show("BUDGET")
    assert (budget["ledger"], budget["budget"]) == ("postgres", "3")
    named = postgres.ask("SELECT string_agg(split_part(application_name, ' ', 2), ' ' ORDER BY application_name)"
                         " FROM pg_stat_activity WHERE usename = 'ledger'")
    assert named == "node-a node-b"
    release(holders)


def test_idle_slots_flow_to_who_waits(fleet, postgres):
    first, second = fleet(), fleet()
    release(hold(first, 3))
    assert sessions(postgres) == 3
    started = time.monotonic()
    holders = hold(second, 2)
    assert time.monotonic() - started < 3
    assert sessions(postgres) <= 3
    release(holders)


@pytest.mark.parametrize("protocol", [PROTOCOL_3_0, PROTOCOL_3_2], ids=["3.0", "3.2"])
def test_a_cancel_finds_its_process(fleet, postgres, protocol):
    poolers = [fleet(), fleet(), fleet()]
    for number in range(4):
        with poolers[0].wire(protocol=protocol) as client:
            client.send(simple("SELECT pg_sleep(20)"))
            wait_until(lambda: sessions(postgres, "state = 'active'") == 1, "it runs")
            started = time.monotonic()
            cancel(poolers[1 + number % 2].port, client.key)
            assert client.result().error.code == "57014"
            assert time.monotonic() - started < 2


def test_a_cancel_with_a_wrong_key_ends_nowhere(fleet, postgres):
    first, second = fleet(), fleet()
    with first.wire() as client:
        client.send(simple("SELECT pg_sleep(1), 'whole'"))
        wrong = client.key[:-1] + bytes([client.key[-1] ^ 1])
        for key in (wrong, wrong + b"\0", bytes(8)):
            cancel(second.port, key)
            cancel(first.port, key)
        assert client.result().rows[0][1] == "whole"
