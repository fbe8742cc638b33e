"""Transaction pooling that nobody notices: what belongs to a session follows its client or pins it."""

import pytest

from harness import wait_until
from pgwire import bind, close_statement, describe, execute, parse, sync

pytestmark = pytest.mark.weir_only


def run(client, *messages):
    client.send(b"".join(messages) + sync())
    return client.result()


@pytest.fixture
def one(weir):
    """One server connection for all clients."""
    return weir(default_pool_size=1)


@pytest.fixture
def two(weir):
    """Two server connections, of which a second client can take one."""
    return weir(default_pool_size=2, max_pinned=2)


def on_another_server(pooler, client):
    """Makes the client's next statement run on another server than its last; returns what holds it."""
    pid = client.ask("SELECT pg_backend_pid()")
    holder = pooler.wire()
    holder.query("BEGIN")
    assert holder.ask("SELECT pg_backend_pid()") == pid, "the last server used is the next one taken"
    return holder


def test_a_named_statement_follows_its_client(two):
    # Prepared on one server, executed on another.
    with two.wire() as client:
        assert run(client, parse("SELECT $1::int + 1", "add")).kinds == "1Z"
        with on_another_server(two, client):
            assert run(client, bind([41], "add"), describe(), execute()).rows == [["42"]]
            assert run(client, describe("add", "S")).kinds == "tTZ"


def test_two_clients_may_use_one_name(one):
    # The same name, different statements, one server.
    with one.wire() as first, one.wire() as second:
        run(first, parse("SELECT 'first'", "s"))
        run(second, parse("SELECT 'second'", "s"))
        for _ in range(3):
            assert run(first, bind([], "s"), describe(), execute()).rows == [["first"]]
            assert run(second, bind([], "s"), describe(), execute()).rows == [["second"]]


def test_a_closed_statement_is_gone(one):
    # Close, then Bind: 26000 as from PostgreSQL, and the client lives on.
    with one.wire() as client:
        run(client, parse("SELECT 1", "s"))
        assert run(client, close_statement("s")).kinds == "3Z"
        result = run(client, bind([], "s"), execute())
        assert (result.error.code, result.status) == ("26000", "I")
        assert client.ask("SELECT 2") == "2"


def test_a_name_in_use_is_an_error(one):
    # Parse of a name in use: 42P05 inside the pipeline, not a lost connection.
    with one.wire() as client:
        run(client, parse("SELECT 1", "s"))
        result = run(client, parse("SELECT 2", "s"))
        assert (result.error.code, result.status) == ("42P05", "I")
        assert run(client, bind([], "s"), describe(), execute()).rows == [["1"]]


def test_the_unnamed_statement_survives_sync(two):
    # lib/pq: Parse "" and Sync, then Bind "" and Sync, by then on another server.
    with two.wire() as client:
        assert run(client, parse("SELECT $1::text || '!'"), describe("", "S")).kinds == "1tTZ"
        with two.wire() as other:
            assert run(other, parse("SELECT 'another'"), bind(), describe(), execute()).rows == [["another"]]
        assert run(client, bind(["still mine"]), describe(), execute()).rows == [["still mine!"]]


def test_deallocate_of_a_protocol_statement(one):
    # Drivers close protocol statements by SQL.
    with one.wire() as client:
        run(client, parse("SELECT 1", "s"))
        assert client.query("DEALLOCATE s").tags == ["DEALLOCATE"]
        assert run(client, parse("SELECT 2", "s"), bind([], "s"), describe(), execute()).rows == [["2"]]


def test_any_setting_follows_its_client(two):
    # search_path, statement_timeout and a setting of the application's own.
    with two.wire() as client:
        client.query("SET search_path TO pg_catalog")
        client.query("SET statement_timeout TO '12345ms'")
        client.query("SELECT set_config('app.tenant', 'seven', false)")
        with on_another_server(two, client):
            assert client.ask("SHOW search_path") == "pg_catalog"
            assert client.ask("SHOW statement_timeout") == "12345ms"
            assert client.ask("SELECT current_setting('app.tenant', true)") == "seven"


def test_no_setting_reaches_another_client(one):
    # What one client set, another over the same server does not see.
    with one.wire() as client, one.wire() as other:
        client.query("SET search_path TO pg_catalog")
        client.query("SET work_mem TO '77MB'")
        assert other.ask("SHOW search_path") != "pg_catalog"
        assert other.ask("SHOW work_mem") != "77MB"
        assert client.ask("SHOW work_mem") == "77MB"


def test_a_temporary_table_keeps_its_server(two):
    # The table is there in the next transaction too, and no other client gets its server.
    with two.wire() as client:
        client.query("CREATE TEMP TABLE mine AS SELECT 5 AS n")
        with two.wire() as other:
            other.query("BEGIN")
            assert client.ask("SELECT n FROM mine") == "5"
            assert other.query("SELECT n FROM mine").error.code == "42P01"


def test_an_advisory_lock_keeps_its_server(two):
    # A session lock is held by its client and can be released by it.
    with two.wire() as client, two.wire() as other:
        client.ask("SELECT pg_advisory_lock(99)")
        other.query("BEGIN")
        assert other.ask("SELECT pg_try_advisory_lock(99)") == "f"
        assert client.ask("SELECT pg_advisory_unlock(99)") == "t"
        assert other.ask("SELECT pg_try_advisory_xact_lock(99)") == "t"
        other.query("COMMIT")


def test_listen_keeps_its_server(two):
    # LISTEN in transaction mode: the notification arrives while the client idles.
    with two.wire() as client, two.wire() as other:
        client.query("LISTEN news")
        other.query("NOTIFY news, 'extra'")
        kind, body = client.receive()
        assert kind == "A" and b"news\0extra\0" in body
        client.query("UNLISTEN *")


def test_sql_prepare_keeps_its_server(two):
    # PREPARE and EXECUTE as text.
    with two.wire() as client:
        client.query("PREPARE p AS SELECT 'prepared'")
        with two.wire() as other:
            other.query("BEGIN")
            assert client.ask("EXECUTE p") == "prepared"
        client.query("DEALLOCATE p")


def test_a_pinned_client_that_leaves_frees_its_server(one, postgres):
    # Its temporary table and lock are gone, the server connection serves the next.
    client = one.wire()
    client.query("CREATE TEMP TABLE mine AS SELECT 5 AS n")
    client.ask("SELECT pg_advisory_lock(98)")
    client.reset()
    with one.wire() as other:
        assert other.query("SELECT n FROM mine").error.code == "42P01"
        wait_until(lambda: other.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0",
                   "the lock is released")
