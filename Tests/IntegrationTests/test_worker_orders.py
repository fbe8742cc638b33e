"""What the console and signals order is done by all workers, and shown of all."""

import signal
import time

import pytest

from harness import wait_until
from pgwire import ServerError, cstring, message
from test_workers import close, on_workers, worker_of, workers

pytestmark = pytest.mark.weir_only


def simple(sql):
    return message("Q", cstring(sql))


@pytest.fixture
def three(weir):
    """A pooler with three workers and a client at each."""
    pooler = weir(workers=3, default_pool_size=6, query_wait_timeout=30)
    clients = on_workers(pooler, 0, 1, 2)
    yield pooler, clients
    close(*clients)


def begin(clients):
    for client in clients:
        assert client.query("BEGIN").error is None


def commit(clients):
    for client in clients:
        assert client.query("COMMIT").tags == ["COMMIT"]


@pytest.mark.parametrize("database", ["", " app"])
def test_pause_waits_for_all_and_resume_lets_all_go_on(three, postgres, database):
    pooler, clients = three
    begin(clients)
    with pooler.console() as console:
        console.send(simple("PAUSE" + database))
        for client in clients:
            assert console.silent_for(0.3)
            assert client.query("COMMIT").tags == ["COMMIT"]
        assert console.result().tags == ["PAUSE"]
        assert postgres.sessions() == 0
        for client in clients:
            client.send(simple("SELECT 'patient'"))
        assert all(client.silent_for(0.15) for client in clients)
        assert console.query("RESUME" + database).tags == ["RESUME"]
        assert [client.result().value for client in clients] == ["patient"] * 3


def test_a_pause_that_is_cancelled_is_undone_everywhere(three):
    pooler, clients = three
    begin(clients[1:2])
    with pooler.console() as console:
        console.send(simple("PAUSE"))
        assert console.silent_for(0.2)
        console.cancel()
        assert console.result().error
    commit(clients[1:2])
    assert [client.ask("SELECT 1") for client in clients] == ["1"] * 3


def test_kill_ends_clients_and_servers_of_all(three, postgres):
    pooler, clients = three
    begin(clients[:2])
    other = pooler.wire(database="second")
    pooler.admin("KILL app")
    for client in clients:
        assert "E" in [kind for kind, _ in client.wait_closed()]
    wait_until(lambda: postgres.sessions("datname = 'app'") == 0, "its sessions are gone")
    assert other.ask("SELECT 1") == "1"
    other.close()
    pooler.admin("RESUME app")
    pooler.still_serves()


def test_reconnect_and_wait_close(three, postgres):
    pooler, clients = three
    begin(clients)
    pids = [client.ask("SELECT pg_backend_pid()") for client in clients]
    with pooler.console() as console:
        assert console.query("RECONNECT").tags == ["RECONNECT"]
        console.send(simple("WAIT_CLOSE"))
        for client in clients:
            assert console.silent_for(0.3)
            commit([client])
        assert console.result().tags == ["WAIT_CLOSE"]
    now = [client.ask("SELECT pg_backend_pid()") for client in clients]
    assert not set(pids) & set(now)


def test_suspend_holds_all(three):
    pooler, clients = three
    assert [client.ask("SELECT 1") for client in clients] == ["1"] * 3
    with pooler.console() as console:
        assert console.query("SUSPEND").tags == ["SUSPEND"]
        for client in clients:
            client.send(simple("SELECT 'patient'"))
        assert all(client.silent_for(0.2) for client in clients)
        assert console.query("RESUME").tags == ["RESUME"]
        assert [client.result().value for client in clients] == ["patient"] * 3


def test_disable_and_enable(three):
    pooler, clients = three
    pooler.admin("DISABLE app")
    assert {pooler.login_error().code for _ in range(20)} == {"57P03"}
    assert [client.ask("SELECT 1") for client in clients] == ["1"] * 3
    pooler.admin("ENABLE app")
    close(*on_workers(pooler, 0, 1, 2))


def test_kill_client_finds_it_anywhere(three):
    pooler, clients = three
    for worker in range(3):
        name = f"victim {worker}"
        victim, = on_workers(pooler, worker, options={"application_name": name})
        number, = [row["id"] for row in pooler.show("CLIENTS") if row["application_name"] == name]
        assert pooler.admin(f"KILL_CLIENT {number}").tags == ["KILL_CLIENT"]
        assert "E" in [kind for kind, _ in victim.wait_closed()]
        with pytest.raises(ServerError):
            pooler.admin(f"KILL_CLIENT {number}")
    assert [client.ask("SELECT 1") for client in clients] == ["1"] * 3


def test_set_and_reload_count_for_all(three):
    pooler, clients = three
    pooler.admin("SET query_wait_timeout = 1")
    pooler.admin("SET default_pool_size = 1")
    begin(clients[:1])
    for client in clients[1:]:
        client.send(simple("SELECT 1"))
    start = time.monotonic()
    assert [client.result().error.code for client in clients[1:]] == ["53300"] * 2
    assert time.monotonic() - start < 3
    commit(clients[:1])
    second = pooler.databases.pop("second")
    pooler.write()
    pooler.admin("RELOAD")
    assert {pooler.login_error(database="second").code for _ in range(20)} == {"3D000"}
    pooler.databases["second"] = second
    pooler.write()
    pooler.signal(signal.SIGHUP)

    def serves():
        try:
            pooler.wire(database="second").close()
            return True
        except ServerError:
            return False

    wait_until(serves, "the entry is back")
    close(*on_workers(pooler, 0, 1, 2, database="second"))


def test_the_console_shows_all_workers(three):
    pooler, clients = three
    begin(clients)
    for number, client in enumerate(clients):
        for _ in range(number + 1):
            client.query("SELECT 1")
    waiting = on_workers(pooler, 0, 1, 2)
    begin(waiting)
    last = on_workers(pooler, 0, 1, 2)
    for client in last:
        client.send(simple("SELECT 'served'"))
    wait_until(lambda: int(pooler.pool()["cl_waiting"]) == 3, "three wait")
    shown = [row for row in pooler.show("CLIENTS") if row["user"] == "app"]
    assert len(shown) == len({row["id"] for row in shown}) == 9
    assert [row["state"] for row in shown].count("waiting") == 3
    servers = pooler.show("SERVERS")
    assert len({row["id"] for row in servers}) == len(servers) == 6
    assert {row["link"] for row in servers} == {row["ptr"] for row in shown if row["link"]}
    pool = pooler.pool()
    assert (int(pool["cl_active"]), int(pool["sv_active"]), int(pool["sv_idle"])) == (6, 6, 0)
    lists = {row["list"]: int(row["items"]) for row in pooler.show("LISTS")}
    # The console's own client is one of them.
    assert (lists["used_clients"], lists["used_servers"]) == (10, 6)
    rows = workers(pooler)
    assert (sum(row["servers"] for row in rows), sum(row["waiting"] for row in rows)) == (6, 3)
    commit(clients + waiting)
    assert [client.result().value for client in last] == ["served"] * 3
    stats, = [row for row in pooler.show("STATS_TOTALS") if row["database"] == "app"]
    # BEGIN and COMMIT six times, 1 + 2 + 3 queries between them, and three by themselves.
    assert (int(stats["xact_count"]), int(stats["query_count"])) == (9, 21)
    close(*waiting, *last)


# The end.

def test_term_waits_for_clients_of_all(three):
    pooler, clients = three
    pooler.signal(signal.SIGTERM)
    wait_until(pooler.refuses_clients, "new clients are refused")
    for client in clients:
        time.sleep(0.2)
        assert pooler.alive()
        assert client.ask("SELECT 1") == "1"
        client.terminate()
    assert pooler.wait() == 0


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_int_waits_for_servers_of_all(three, order):
    pooler, clients = three
    begin(clients)
    pooler.signal(signal.SIGINT)
    wait_until(pooler.refuses_clients, "new clients are refused")
    for number in order:
        time.sleep(0.2)
        assert pooler.alive()
        commit([clients[number]])
    assert pooler.wait() == 0


def test_quit_waits_for_none(three, postgres):
    pooler, clients = three
    begin(clients)
    start = time.monotonic()
    pooler.signal(signal.SIGQUIT)
    for client in clients:
        client.wait_closed()
    assert pooler.wait() in (0, 1)
    assert time.monotonic() - start < 3
    wait_until(lambda: postgres.sessions() == 0, "no session is left")


def test_usr1_pauses_and_usr2_resumes_all(three, postgres):
    pooler, clients = three
    assert [client.ask("SELECT 1") for client in clients] == ["1"] * 3
    pooler.signal(signal.SIGUSR1)
    wait_until(lambda: postgres.sessions() == 0, "servers are closed")
    for client in clients:
        client.send(simple("SELECT 'patient'"))
    assert all(client.silent_for(0.2) for client in clients)
    pooler.signal(signal.SIGUSR2)
    assert [client.result().value for client in clients] == ["patient"] * 3
