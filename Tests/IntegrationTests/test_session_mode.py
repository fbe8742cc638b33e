"""Session pooling: one server for as long as the client stays, and nothing of it for the next."""

import pytest

from pgwire import bind, describe, execute, parse, sync


@pytest.fixture
def session(weir):
    """One server connection, session pooling."""
    return weir(pool_mode="session", default_pool_size=1)


def test_one_server_for_the_whole_session(weir):
    # Outside transactions too, and in spite of other clients.
    pooler = weir(pool_mode="session", default_pool_size=2)
    with pooler.wire() as client, pooler.wire() as other:
        pids = set()
        for _ in range(5):
            pids.add(client.ask("SELECT pg_backend_pid()"))
            other.ask("SELECT 1")
        assert len(pids) == 1


def test_settings_do_not_leak(session):
    # SET of any kind is gone when the next client comes, over the same server.
    with session.wire() as client:
        pid = client.ask("SELECT pg_backend_pid()")
        client.query("SET work_mem TO '77MB'")
        client.query("SET search_path TO nowhere")
        client.query("SET app.secret TO 'mine'")
        client.terminate()
    with session.wire() as client:
        assert client.ask("SELECT pg_backend_pid()") == pid
        assert client.ask("SHOW work_mem") != "77MB"
        assert client.ask("SHOW search_path") != "nowhere"
        assert not client.ask("SELECT current_setting('app.secret', true)")


def test_temporary_tables_do_not_leak(session):
    # A temporary table with somebody's data in it.
    with session.wire() as client:
        client.query("CREATE TEMP TABLE private AS SELECT 'secret' AS data")
        assert client.ask("SELECT data FROM private") == "secret"
        client.terminate()
    with session.wire() as client:
        assert client.query("SELECT data FROM private").error.code == "42P01"


def test_prepared_statements_do_not_leak(session):
    # Protocol-level and SQL-level names are free again for the next client.
    with session.wire() as client:
        client.send(parse("SELECT 'first'", name="same") + sync())
        assert client.result().kinds == "1Z"
        client.query("PREPARE also_same AS SELECT 'first'")
        client.terminate()
    with session.wire() as client:
        client.send(parse("SELECT 'second'", name="same") + bind(statement="same") + describe() + execute()
                    + sync())
        assert client.result().rows == [["second"]]
        assert client.query("PREPARE also_same AS SELECT 'second'").error is None


def test_locks_and_listens_do_not_leak(session, postgres):
    # Advisory locks are released, LISTEN is undone.
    with session.wire() as client:
        client.ask("SELECT pg_advisory_lock(4711)")
        client.query("LISTEN gossip")
        client.terminate()
    with session.wire() as client:
        assert client.query("SELECT * FROM pg_listening_channels()").rows == []
        assert client.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0"


def test_an_open_transaction_does_not_leak(session, postgres):
    # The client leaves in a transaction: it is rolled back, whoever comes next is outside of one.
    with postgres.connect("app", user="app") as direct:
        direct.execute("DROP TABLE IF EXISTS left_over")
        direct.execute("CREATE TABLE left_over (n int)")
    with session.wire() as client:
        client.query("BEGIN")
        client.query("INSERT INTO left_over VALUES (1)")
        client.reset()
    with session.wire() as client:
        assert client.query("SELECT 1").status == "I"
        assert client.ask("SELECT count(*) FROM left_over") == "0"


def test_notifications_arrive(session):
    # In session mode LISTEN works as in PostgreSQL: the notification comes though nothing was asked.
    with session.wire() as client:
        client.query("LISTEN news")
        assert client.query("NOTIFY news, 'extra'").kinds.count("A") == 1


def test_the_reset_query_can_be_changed(weir):
    # server_reset_query empty: what a client leaves behind is left behind.
    pooler = weir(pool_mode="session", default_pool_size=1, server_reset_query="")
    with pooler.wire() as client:
        client.query("SET work_mem TO '77MB'")
        client.terminate()
    assert pooler.ask("SHOW work_mem") == "77MB"
