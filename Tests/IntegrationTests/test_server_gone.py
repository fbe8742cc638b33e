"""PostgreSQL stops, starts, is killed and is unreachable while clients use the pooler."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from harness import free_port, wait_until
from pgwire import Closed, ServerError, cstring, message

#: What a client may hear when its server went away: connection failures and operator intervention.
GONE = {"08000", "08001", "08003", "08004", "08006", "57P01", "57P02", "57P03", "53300", "08P01"}


@pytest.fixture
def server(own_postgres):
    """A PostgreSQL that this test may stop; it runs when the test begins."""
    if not (Path(own_postgres.data) / "postmaster.pid").exists():
        own_postgres.start()
    return own_postgres


def outcome(pooler, sql="SELECT 1"):
    """The answer's value, or the error as an exception object."""
    try:
        with pooler.wire(timeout=30) as client:
            return client.ask(sql)
    except (ServerError, Closed) as error:
        return error


def recovers(pooler, seconds=15):
    wait_until(lambda: outcome(pooler, "SELECT 'back'") == "back", "queries work again", seconds, 0.1)


def test_a_restart_between_queries(weir, server):
    # Idle connections die with PostgreSQL; afterwards new queries find new ones, without a restart of
    # the pooler.
    pooler = weir(server)
    pooler.still_serves()
    server.stop()
    server.start()
    recovers(pooler)


@pytest.mark.weir_only
def test_an_idle_client_survives_a_restart(weir, server):
    # A client that was idle outside a transaction keeps its connection to the pooler.
    pooler = weir(server)
    with pooler.wire() as client:
        assert client.ask("SELECT 1") == "1"
        server.stop()
        server.start()
        result = client.query("SELECT 2")
        if result.error:
            assert result.error.code in GONE
            assert client.ask("SELECT 2") == "2"
        else:
            assert result.value == "2"


def test_a_running_statement_hears_of_the_shutdown(weir, server):
    # PostgreSQL's own farewell (57P01) reaches the client whose statement it ended.
    pooler = weir(server)
    with pooler.wire() as client:
        client.send(message("Q", cstring("SELECT pg_sleep(30)")))
        wait_until(lambda: server.sessions("query LIKE '%pg_sleep(30)%' AND state = 'active'"), "it runs")
        server.stop()
        try:
            error = client.result().error
            assert error.code in GONE, error
        except Closed:
            pytest.fail("the connection was closed without an error")
    server.start()
    recovers(pooler)


def test_a_transaction_does_not_continue_elsewhere(weir, server):
    # After its server died the rest of a transaction must not run on another server connection.
    pooler = weir(server)
    with server.connect("app", user="app") as direct:
        direct.execute("DROP TABLE IF EXISTS torn")
        direct.execute("CREATE TABLE torn (n int)")
    with pooler.wire() as client:
        client.query("BEGIN")
        client.query("INSERT INTO torn VALUES (1)")
        server.stop()
        server.start()
        try:
            result = client.query("INSERT INTO torn VALUES (2)")
            assert result.error.code in GONE
        except Closed:
            pass
    recovers(pooler)
    assert server.ask("SELECT count(*) FROM torn", "app") == 0


def test_a_killed_backend_ends_only_its_client(weir, server):
    # pg_terminate_backend on one session: its client gets the error, the others go on.
    pooler = weir(server, default_pool_size=2)
    with pooler.wire() as victim, pooler.wire() as bystander:
        victim.query("BEGIN")
        bystander.query("BEGIN")
        pid = victim.ask("SELECT pg_backend_pid()")
        server.ask(f"SELECT pg_terminate_backend({pid})")
        try:
            result = victim.query("SELECT 1")
            assert result.error.code in GONE
        except Closed:
            assert pooler.is_pgbouncer, "closed without an error"
        assert bystander.ask("SELECT 'untouched'") == "untouched"
    recovers(pooler)


@pytest.mark.weir_only
def test_terminated_idle_backends_are_not_handed_out(weir, server):
    # Every idle server connection is terminated; none of them reaches a client as an error.
    pooler = weir(server, default_pool_size=4)
    holders = [pooler.wire() for _ in range(4)]
    for holder in holders:
        holder.query("BEGIN")
    for holder in holders:
        holder.query("COMMIT")
    server.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'app'")
    wait_until(lambda: server.sessions() == 0, "they are gone")
    for holder in holders:
        assert holder.ask("SELECT 'alive'") == "alive"
        holder.close()


def test_down_at_the_first_login(weir, server):
    # PostgreSQL is down when the first client comes: a clear error within bounds, service afterwards.
    server.stop()
    pooler = weir(server, database_down_timeout=2, query_wait_timeout=5, server_connect_timeout=2)
    start = time.monotonic()
    error = outcome(pooler)
    assert isinstance(error, ServerError), error
    assert error.code in GONE, error
    assert time.monotonic() - start < 10
    server.start()
    recovers(pooler)


@pytest.mark.weir_only
def test_down_under_waiting_clients(weir, server):
    # Clients that ask while PostgreSQL is down get its reason after database_down_timeout and stay.
    pooler = weir(server, database_down_timeout=1, query_wait_timeout=20)
    clients = [pooler.wire() for _ in range(5)]
    for client in clients:
        client.ask("SELECT 1")
    server.stop()
    for client in clients:
        client.send(message("Q", cstring("SELECT 1")))
    start = time.monotonic()
    for client in clients:
        result = client.result()
        assert result.error.code in GONE and result.error.severity == "ERROR", result.error
        assert result.status == "I"
    assert time.monotonic() - start < 8
    server.start()
    for client in clients:
        wait_until(lambda client=client: not client.query("SELECT 1").error, "the client is served", 15, 0.1)
        client.close()


@pytest.mark.weir_only
def test_a_short_outage_is_only_a_wait(weir, server):
    # PostgreSQL is back before database_down_timeout: the waiting query is answered, not failed.
    pooler = weir(server, database_down_timeout=20, query_wait_timeout=30)
    with pooler.wire() as client:
        client.ask("SELECT 1")
        server.stop()
        client.send(message("Q", cstring("SELECT 'worth the wait'")))
        assert client.silent_for(0.5)
        server.start()
        result = client.result()
        # The first answer may still be the farewell of the connection that died.
        if result.error:
            assert result.error.code in GONE
            result = client.query("SELECT 'worth the wait'")
        assert result.value == "worth the wait"


def test_crash_restart(weir, server):
    # kill -9 of a backend makes PostgreSQL restart all of them (57P02 or a dead connection), then goes on.
    pooler = weir(server)
    with pooler.wire() as client:
        pid = int(client.ask("SELECT pg_backend_pid()"))
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: outcome_direct(server), "PostgreSQL is back", 30, 0.1)
    recovers(pooler)


def outcome_direct(server):
    try:
        return server.ask("SELECT 1") == 1
    except Exception:  # noqa: BLE001: any refusal means not yet
        return False


def test_clients_retrying_through_a_restart(weir, server):
    # Eight clients retry through a restart; each is served again, none ever gets another's answer.
    pooler = weir(server, default_pool_size=4)
    stop, wrong, served_after = threading.Event(), [], [0] * 8
    restarted = threading.Event()

    def work(number):
        asked = 0
        while not stop.is_set():
            own = f"{number}:{asked}"
            asked += 1
            found = outcome(pooler, f"SELECT '{own}'")
            if isinstance(found, (ServerError, Closed)):
                time.sleep(0.05)
            elif found != own:
                wrong.append((own, found))
            elif restarted.is_set():
                served_after[number] += 1

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    server.stop()
    server.start()
    restarted.set()
    try:
        wait_until(lambda: all(served_after), "all are served again", 20, 0.1)
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert not wrong


def test_nobody_listens_on_the_host(weir, postgres):
    # A database entry whose port is closed gives an error that names the trouble; others are not touched.
    pooler = weir(databases={"app": "{backend}", "nowhere": f"host=127.0.0.1 port={free_port()}"},
                  database_down_timeout=1, query_wait_timeout=3)
    start = time.monotonic()
    try:
        with pooler.wire(database="nowhere") as client:
            error = client.query("SELECT 1").error
    except ServerError as refused:
        error = refused
    assert error.code in GONE, error
    assert time.monotonic() - start < 8
    pooler.still_serves()


def test_the_database_does_not_exist_in_postgres(weir):
    # The entry exists, PostgreSQL's database does not: PostgreSQL's own 3D000 and text come through.
    pooler = weir(databases={"ghost": "{backend} dbname=no_such_database"}, query_wait_timeout=3)
    try:
        with pooler.wire(database="ghost") as client:
            error = client.query("SELECT 1").error
    except ServerError as refused:
        error = refused
    assert error.code == pooler.code("3D000"), error
    assert "no_such_database" in error.message
