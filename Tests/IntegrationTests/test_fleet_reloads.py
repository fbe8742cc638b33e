"""What a reload changes about a process's seats in its fleet, by each ledger."""

import socket
import time

import pytest

from fake_backend import FakeBackend
from harness import HOST, OTHER_HOST, free_port, wait_until
from pgwire import Closed, cancel, simple
from test_fleet import fleet, ledger, ledger_settings, postgres_only, sessions  # noqa: F401
from test_limits import hold, must_wait, release

pytestmark = pytest.mark.weir_only


def reload(pooler, **settings):
    pooler.settings.update(settings)
    pooler.write()
    pooler.admin("RELOAD")


def main(postgres):
    # The other one keeps the configuration that of a fleet when this one has no budget.
    return {"main": f"host={HOST} port={postgres.port}", "spare": "host=192.0.2.1 budget=20"}


def members(pooler):
    return {row["process"]: row for row in pooler.show("FLEET")}


def controls(postgres):
    return postgres.sessions("usename = 'ledger'")


def test_a_budget_that_is_taken_back_binds_nobody(fleet, postgres, ledger):
    first, second = (fleet(servers=main(postgres)) for _ in range(2))
    holders = hold(first, 2)
    budget = first.settings["server_budget"]
    reload(first, server_budget=0)
    # What is open stays the fleet's; what is opened from now on is not.
    free = hold(first, 3)
    assert sessions(postgres, "state LIKE 'idle in%'") == 5
    assert not members(first)
    wait_until(lambda: members(second).get("node-a", {}).get("held") == "2", "what it has is known")
    release(holders + free)
    first.admin("RECONNECT")
    wait_until(lambda: members(second) and "node-a" not in members(second), "it has left")
    if ledger == "postgres":
        assert controls(postgres) == 1
    # Its seat is a new one when there is a budget again.
    reload(first, server_budget=budget)
    assert first.ask("SELECT 1") == "1"
    wait_until(lambda: "node-a" in members(second), "it is back")
    holders = hold(first, 2) + hold(second, 1)
    with first.wire() as waiter:
        must_wait(waiter)
        release(holders)
        assert waiter.result().value == "served"


def test_a_budget_taken_back_and_given_again(fleet, postgres):
    pooler = fleet(servers=main(postgres))
    holders = hold(pooler, 2)
    budget = pooler.settings["server_budget"]
    reload(pooler, server_budget=0)
    holders += hold(pooler, 1)
    reload(pooler, server_budget=budget)
    wait_until(lambda: members(pooler).get("node-a", {}).get("held") == "3", "all three are its again")
    with pooler.wire() as waiter:
        must_wait(waiter)
        release(holders[:1])
        assert waiter.result().value == "served"
    assert sessions(postgres) <= 3
    release(holders[1:])


def test_a_renamed_server_keeps_its_seat(fleet, postgres, ledger):
    # With control_reserve = 1 a second control connection would be one too many.
    pooler = fleet(servers=main(postgres), reserve=1)
    holders = hold(pooler, 1)
    pooler.servers = {"renamed": pooler.servers["main"]}
    reload(pooler)
    holders += hold(pooler, 2)
    with pooler.wire() as waiter:
        must_wait(waiter)
        assert [(row["server"], row["held"]) for row in pooler.show("BUDGET")] == [("renamed", "3")]
        release(holders[:1])
        assert waiter.result().value == "served"
    assert sessions(postgres) <= 3
    if ledger == "postgres":
        assert controls(postgres) == 1
    release(holders[1:])


def test_a_database_that_moves_takes_the_seat_along(fleet, postgres, ledger):
    pooler = fleet(databases={"app": "{backend}"})
    for host in (OTHER_HOST, HOST):
        holders = hold(pooler, 1)
        pooler.databases["app"] = f"host={host} port={postgres.port}"
        reload(pooler)
        holders += hold(pooler, 1)
        assert {row["server"] for row in pooler.show("BUDGET")} == {f"{each}:{postgres.port}"
                                                                     for each in (HOST, OTHER_HOST)}
        release(holders)
        wait_until(lambda: [row["server"] for row in pooler.show("BUDGET")] == [f"{host}:{postgres.port}"],
                   "only where it is now is shown")
        assert {row["server"] for row in pooler.show("FLEET")} <= {f"{host}:{postgres.port}"}
        if ledger == "postgres":
            wait_until(lambda: controls(postgres) == 1, "the old seat is given up")


def test_a_new_budget_claims_what_is_open(fleet, postgres):
    # As orphans they would be ended after ten seconds.
    first, second = (fleet(servers=main(postgres), budget_fence="terminate", **options)
                     for options in ({"server_budget": 0}, {}))
    holders = hold(first, 2)
    reload(first, server_budget=second.settings["server_budget"])
    wait_until(lambda: members(second).get("node-a", {}).get("held") == "2", "it says what it has")
    holders += hold(second, 1)
    with second.wire() as waiter:
        must_wait(waiter)
        budget = next(row for row in second.show("BUDGET") if row["server"] == "main")
        assert (budget["counted"], budget["orphans"]) == ("3", "0")
        release(holders[:1])
        assert waiter.result().value == "served"
    assert sessions(postgres) <= 3
    release(holders[1:])


def test_a_login_begun_without_a_budget_needs_a_permit(fleet, postgres):
    # The server's backlog is full: connections to it stay on their way until somebody takes them.
    with socket.create_server((HOST, free_port()), backlog=0) as listener, socket.socket() as plug:
        address = listener.getsockname()
        plug.connect(address)
        stuck = f"host={HOST} port={address[1]} user=app"
        servers = {"main": f"host={HOST} port={postgres.port} budget=20"}
        pooler = fleet(servers=servers, server_budget=0, server_connect_timeout=20,
                       databases={"app": "{backend}", "stuck": f"{stuck} min_pool_size=1"})

        def opening():
            return [row for row in pooler.show("BUDGET") if row["server"].endswith(f":{address[1]}")
                    and row["held"] == "1"]

        wait_until(opening, "it is connecting")
        reload(pooler, server_budget=20)
        listener.settimeout(0.2)
        said = []
        wait_until(lambda: accept(listener, said) or not opening(), "it is connected, and closed")
        for _ in range(10):
            accept(listener, said)
        assert not any(b"user\0app\0" in text for text in said)


def accept(listener, said):
    """Takes one connection, notes what it says, and ends it."""
    try:
        sock, _ = listener.accept()
        with sock:
            sock.settimeout(0.2)
            said.append(sock.recv(4096))
    except OSError:
        pass


def test_a_login_that_hangs_is_given_up_during_suspend(weir, engine):
    ended = []

    def serve(session):
        try:
            session.read(1)
        except Closed:
            ended.append(time.monotonic())

    with FakeBackend(serve, greeting=b"") as silent:
        pooler = weir(databases={"app": f"host={HOST} port={silent.port}"}, server_connect_timeout=1)
        with pooler.console() as console:
            with socket.create_connection((HOST, pooler.port)) as client:
                client.sendall(startup())
                wait_until(lambda: silent.sessions, "it logs in")
                console.query("SUSPEND")
                wait_until(lambda: ended, "it is given up", 4)
                console.query("RESUME")


def startup():
    body = b"\0\x03\0\0user\0app\0database\0app\0\0"
    return (len(body) + 4).to_bytes(4, "big") + body


def test_a_cancel_finds_its_process_after_another_peer_id(fleet, postgres):
    first, second = fleet(), fleet()
    reload(first, peer_id=77)
    for _ in range(2):
        with first.wire() as client:
            client.send(simple("SELECT pg_sleep(20)"))
            wait_until(lambda: sessions(postgres, "state = 'active'") == 1, "it runs")
            cancel(second.port, client.key)
            assert client.result().error.code == "57014"


def test_a_cancel_is_looked_for_on_all_boards(fleet, postgres, own_postgres):
    # The other process is a member at one server of four.
    everywhere = {f"app{number}": f"host={host} port={postgres.port} dbname=app"
                  for number, host in enumerate((HOST, OTHER_HOST, "localhost"))}
    elsewhere = f"host={HOST} port={own_postgres.port} dbname=app"
    first = fleet(databases={"app": elsewhere, **everywhere}, slots=6, is_warm=False)
    second = fleet(databases={"app": elsewhere}, slots=6)
    with second.wire() as client:
        client.send(simple("SELECT pg_sleep(20)"))
        wait_until(lambda: sessions(own_postgres, "state = 'active'") == 1, "it runs")
        cancel(first.port, client.key)
        assert client.result().error.code == "57014"


@postgres_only
def test_seats_are_left_all_at_once(fleet, postgres):
    # Ledgers that do not answer: to leave each takes a second.
    silent = [socket.create_server((HOST, free_port())) for _ in range(4)]
    try:
        pooler = fleet(databases={"app": "{backend}", **{
            f"silent{number}": f"host={HOST} port={listener.getsockname()[1]}"
            for number, listener in enumerate(silent)}})
        started = time.monotonic()
        pooler.stop()
        assert time.monotonic() - started < 2
    finally:
        for listener in silent:
            listener.close()
