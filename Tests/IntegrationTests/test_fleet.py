"""Several processes share the budget of one PostgreSQL server, by each ledger."""

import contextlib
import os
import signal
import sys
import threading
import time

import pytest

from conftest import LONG
from harness import HOST, ROOT, Postgres, free_port, wait_until
from pgwire import PROTOCOL_3_0, PROTOCOL_3_2, cancel, simple
from test_limits import hold, must_wait, release

sys.path.append(str(ROOT / "Tests/torture"))
from etcd import EtcdCluster  # noqa: E402

pytestmark = pytest.mark.weir_only

#: For what only control connections have.
postgres_only = pytest.mark.parametrize("ledger", ["postgres"], scope="module")


@pytest.fixture(scope="module", params=["postgres", "etcd"])
def ledger(request):
    return request.param


@pytest.fixture(scope="module")
def ledger_settings(ledger, scratch):
    if ledger == "postgres":
        yield {"budget_ledger": "postgres"}
        return
    cluster = EtcdCluster(scratch("etcd"), 1)
    yield {"budget_ledger": "etcd", "etcd_endpoints": f"http://{HOST}:{cluster.members[0].client_port}"}
    cluster.close()


@pytest.fixture
def fleet(weir, ledger, ledger_settings, request, engine):
    """A function starting a process of a fleet that has `slots` beside what the ledger itself takes."""
    if ledger == "etcd" and engine == "io_uring" and not LONG:
        pytest.skip("the event loop is not what an engine of the ledger depends on")
    names = iter("abcdefgh")

    def start(slots=3, reserve=4, is_warm=True, **options):
        taken = reserve if ledger == "postgres" else 2
        pooler = weir(**ledger_settings, fleet_name=f"fleet{abs(hash(request.node.name))}", ledger_user="ledger",
                      ledger_database="postgres", workers=2, control_reserve=reserve, node_name=f"node-{next(names)}",
                      **{"server_budget": slots + taken, **options})
        if is_warm:
            # Now it knows what to greet clients with, and need not wait for a server to tell them.
            assert pooler.ask("SELECT 1") == "1"
        return pooler

    return start


@contextlib.contextmanager
def busy(poolers, seconds):
    """Twelve clients of each that ask one question after the other."""
    stopping = threading.Event()

    def work(pooler):
        with pooler.wire() as client:
            while not stopping.is_set():
                client.ask(f"SELECT pg_sleep({seconds})")

    threads = [threading.Thread(target=work, args=(pooler,)) for pooler in poolers for _ in range(12)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


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
        # About ten seconds of silence; in etcd, less the time since when some session was nobody's.
        assert 5 < time.monotonic() - started < 18
        assert sessions(postgres) <= 3
        first.signal(signal.SIGCONT)
        # What it had is gone, and it says so; then it serves again.
        for client in holders:
            assert client.receive()[0] == "E"
            client.wait_closed(5)
    assert first.ask("SELECT 1") == "1"
    assert sessions(postgres) <= 3


@postgres_only
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


def test_who_is_in_the_fleet(fleet, ledger):
    first, second = fleet(), fleet()
    holders = hold(first, 2)
    wait_until(lambda: {row["process"]: row["held"] for row in second.show("FLEET")}.get("node-a") == "2",
               "the board tells of the other process")
    rows = {row["process"]: row for row in second.show("FLEET")}
    assert rows["node-a"]["own"] == "no" and rows["node-b"]["own"] == "yes"
    assert rows["node-a"]["address"] == f"127.0.0.1:{first.port}"
    assert rows["node-a"]["version"] == rows["node-b"]["version"] != ""
    budget, = second.show("BUDGET")
    assert (budget["ledger"], budget["budget"]) == (ledger, "3")
    release(holders)


@postgres_only
def test_an_operator_sees_whose_a_control_connection_is(fleet, postgres):
    fleet(), fleet()
    named = postgres.ask("SELECT string_agg(split_part(application_name, ' ', 2), ' ' ORDER BY application_name)"
                         " FROM pg_stat_activity WHERE usename = 'ledger'")
    assert named == "node-a node-b"


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


@pytest.fixture(scope="module")
def standby(scratch):
    """A hot standby of a primary of its own."""
    primary = Postgres(scratch("primary"), free_port(), replicates=True).initialize()
    replica = Postgres(scratch("standby"), free_port())
    replica.run("pg_basebackup", "-h", HOST, "-p", primary.port, "-U", "app", "-D", replica.data, "-R", "-X", "stream",
                "-c", "fast")
    with open(replica.data / "postgresql.conf", "a") as conf:
        conf.write(f"\nport = {replica.port}\nunix_socket_directories = '{replica.folder}'\n")
    replica.start()
    assert replica.ask("SELECT pg_is_in_recovery()")
    yield replica
    replica.stop("immediate")
    primary.stop("immediate")


@postgres_only
def test_a_standby_has_gate_and_board_too(fleet, standby):
    first, second = fleet(server=standby), fleet(server=standby)
    holders = hold(first, 2) + hold(second, 1)
    assert sessions(standby) == 3
    with second.wire() as waiter:
        must_wait(waiter)
        release(holders[:1])
        assert waiter.result().value == "served"
        assert sessions(standby) <= 3
    release(holders[1:])


def test_a_restart_of_postgresql_is_survived(fleet, own_postgres):
    first, second = fleet(server=own_postgres), fleet(server=own_postgres)
    release(hold(first, 2))
    own_postgres.stop("fast")
    own_postgres.start()
    for pooler in (first, second):
        assert pooler.ask("SELECT 1") == "1"
    holders = hold(first, 2) + hold(second, 1)
    assert sessions(own_postgres) == 3
    release(holders)


def test_a_rolling_restart_leaves_no_slot_unused(fleet, postgres):
    first, second = fleet(), fleet()
    holders = hold(first, 3)
    with second.wire() as waiter:
        must_wait(waiter)
        first.signal(signal.SIGTERM)
        assert waiter.silent_for(0.5), "it drains: its clients are not done"
        started = time.monotonic()
        release(holders)
        assert waiter.result().value == "served"
        assert time.monotonic() - started < 1.5
        assert first.process.wait(10) == 0
        assert sessions(postgres) <= 3


@postgres_only
def test_control_reserve_bounds_the_fleet(fleet, postgres):
    first = fleet(slots=3, reserve=1)
    late = fleet(slots=3, reserve=1, is_warm=False)
    wait_until(lambda: "control_reserve = 1" in late.log(), "it says why it waits")
    assert first.ask("SELECT 1") == "1"
    first.stop()
    assert late.ask("SELECT 1") == "1"


def test_a_waiter_is_told_of_the_fleet(fleet, postgres):
    first, second = fleet(), fleet(query_wait_timeout=1)
    holders = hold(first, 3)
    with second.wire() as waiter:
        error = waiter.query("SELECT 1").error
        assert error.code == "53300"
        assert "The fleet has all connections that it may have" in error.fields["D"]
    release(holders)


def test_a_lowered_budget_counts_for_the_whole_fleet(fleet, postgres):
    first, second = fleet(), fleet()
    release(hold(first, 3))
    second.settings["server_budget"] -= 1
    second.write()
    second.admin("RELOAD")
    assert second.ask("SELECT 1") == "1"
    wait_until(lambda: sessions(postgres) <= 2, "the smallest budget counts")
    holders = hold(second, 2)
    assert sessions(postgres) <= 2
    release(holders)


def test_a_reload_brings_another_weight(fleet, postgres):
    servers = {"main": f"host={HOST} port={postgres.port}"}
    first, second = (fleet(slots=8, servers=servers) for _ in range(2))

    def held():
        return [int(pooler.show("BUDGET")[0]["held"]) for pooler in (first, second)]

    with busy((first, second), seconds=0.1):
        wait_until(lambda: held() == [4, 4], "both have as much")
        second.servers["main"] += " weight=3"
        second.write()
        second.admin("RELOAD")
        wait_until(lambda: held() == [2, 6], "the second has three times as much")


def test_a_clock_that_is_set_changes_nothing(fleet, postgres, scratch):
    # faketime makes the wall clock what the file's time is.
    clock = scratch("clock") / "clock"
    clock.write_text("")

    def shift(seconds):
        os.utime(clock, (time.time() + seconds,) * 2)

    shift(0)
    first = fleet()
    second = fleet(wrapper=["faketime", "-m", "-f", "%"],
                   variables={"FAKETIME_FOLLOW_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
                              "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    for seconds in (7200, -7200, 0):
        shift(seconds)
        holders = hold(first, 2) + hold(second, 1)
        assert sessions(postgres) == 3
        with first.wire() as waiter:
            must_wait(waiter)
            release(holders[2:])
            assert waiter.result().value == "served"
            assert sessions(postgres) <= 3
        release(holders[:2])
    # That it was set at all: log lines have the time of a clock that nobody should go by.
    shift(7200)
    hour = time.strftime("%H:", time.gmtime(time.time() + 7200))
    second.ask("SELECT pg_sleep(0.2)")
    assert hour in second.log().splitlines()[-1]
    second.admin("SHUTDOWN WAIT_FOR_CLIENTS")
    assert second.process.wait(10) == 0


def test_minimums_beyond_the_budget_are_told(fleet, ledger):
    forced = {"app": "{backend} user=app min_pool_size=2"}
    first, second = fleet(databases=forced), fleet(databases=forced, is_warm=False)
    wait_until(lambda: "2 processes want 4 slots at least" in first.log() + second.log(), "somebody says so")
    assert second.ask("SELECT 1") == "1"


@postgres_only
def test_a_reserve_that_leaves_nothing_opens_nothing(fleet, postgres):
    # Known only when the server has said what 5 % of it is.
    pooler = fleet(is_warm=False, reserve=6, server_budget="5%", query_wait_timeout=1)
    wait_until(lambda: "would leave none of its 5" in pooler.log(), "it says so")
    assert pooler.login_error().code == "53300"
    assert sessions(postgres) == 0


def must_keep_sessions(postgres, seconds=2.5):
    """For so long no connection is closed for others and no other one opened."""
    def pids():
        return postgres.ask("SELECT coalesce(array_agg(pid ORDER BY pid), '{}') FROM pg_stat_activity"
                            " WHERE usename IN ('app', 'other')")

    before, end = pids(), time.monotonic() + seconds
    while time.monotonic() < end:
        assert pids() == before
        time.sleep(0.05)


def test_who_may_have_no_more_takes_nothing_from_others(fleet, postgres):
    first = fleet(slots=8, databases={"app": "{backend} max_db_connections=2"})
    second = fleet(slots=8)
    with busy((first, second), seconds=0.02):
        wait_until(lambda: [int(pooler.show("BUDGET")[0]["held"]) for pooler in (first, second)] == [2, 6],
                   "the second has what the first cannot use")
        must_keep_sessions(postgres)
        row, = [row for row in second.show("FLEET") if row["process"] == "node-a"]
        assert (row["used"], row["waiting"]) == ("2", "0")


def test_a_minimum_is_not_filled_from_anothers(fleet, postgres):
    forced = {"app": "{backend} user=app min_pool_size=2"}
    fleet(databases=forced, is_warm=False), fleet(databases=forced, is_warm=False)
    wait_until(lambda: sessions(postgres) == 3, "one lacks one of its minimum")
    must_keep_sessions(postgres)
