"""What cannot go to another server keeps the server with its client, or is refused, or thrown away."""

import time

import pytest

from harness import wait_until
from pgwire import ServerError, bind, cstring, describe, execute, message, parse, sync

pytestmark = pytest.mark.weir_only

PID = "SELECT pg_backend_pid()"

#: Reason: what makes it, what ends it, and what shows that it is there still.
STATE = {
    "listen": ("LISTEN news", "UNLISTEN news", "SELECT count(*) FROM pg_listening_channels()", "1"),
    "temporary": ("CREATE TEMP TABLE mine AS SELECT 5 AS n", "DROP TABLE mine", "SELECT n FROM mine", "5"),
    "advisory_lock": ("SELECT pg_advisory_lock(99)", "SELECT pg_advisory_unlock(99)",
                      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", "1"),
    "cursor": ("DECLARE c CURSOR WITH HOLD FOR SELECT 7", "CLOSE c", "SELECT count(*) FROM pg_cursors"
               " WHERE name = 'c'", "1"),
    "prepare": ("PREPARE p AS SELECT 'prepared'", "DEALLOCATE p", "EXECUTE p", "prepared"),
}

#: Other ways to the same.
WAYS = {
    "temporary": ["SELECT 5 AS n INTO TEMP mine", "CREATE TABLE pg_temp.mine AS SELECT 5 AS n",
                  "DO $$ BEGIN CREATE TEMP TABLE mine AS SELECT 5 AS n; END $$",
                  "BEGIN; CREATE TEMP VIEW mine AS SELECT 5 AS n; COMMIT",
                  "SET LOCAL search_path = pg_temp; CREATE TABLE mine AS SELECT 5 AS n",
                  "SELECT 1; CREATE TEMP SEQUENCE s; CREATE TEMP TABLE mine AS SELECT 5 AS n"],
    "advisory_lock": ["SELECT pg_try_advisory_lock(99)", "DO $$ BEGIN PERFORM pg_advisory_lock(99); END $$",
                      "BEGIN; SELECT pg_advisory_lock_shared(99); ROLLBACK"],
}


def pins(pooler):
    return {row["reason"]: row for row in pooler.show("PINS")}


def run(client, text):
    """A query, and another one: by then Weir knows what the first one has left."""
    result = client.query(text)
    if result.status == "I":
        client.ask("SELECT 'settled'")
    return result


def run_extended(client, text):
    client.send(parse(text) + bind() + describe() + execute() + sync())
    result = client.result()
    client.ask("SELECT 'settled'")
    return result


def others(pooler, count):
    """Clients that take the servers which are free, and hold them in transactions."""
    clients = [pooler.wire() for _ in range(count)]
    for client in clients:
        client.query("BEGIN")
    return clients


@pytest.fixture
def two(weir):
    return weir(default_pool_size=2, workers=1)


@pytest.mark.parametrize("reason", STATE)
def test_it_keeps_its_server(two, reason):
    # The client has the same server until it gives up what it has there, and no other client gets that.
    make, end, check, expected = STATE[reason]
    for how in [make, *WAYS.get(reason, [])]:
        with two.wire() as client, two.wire() as other:
            pid = client.ask(PID)
            assert run(client, how).error is None, how
            assert other.ask(PID) != pid, how
            other.query("BEGIN")
            assert client.ask(check) == expected and client.ask(PID) == pid, how
            shown = [row for row in two.show("CLIENTS") if row["pinned"]]
            assert [row["pinned"] for row in shown] == [reason], how
            assert shown[0]["pinned_since"]
            assert [row["pinned"] for row in two.show("SERVERS") if row["pinned"]] == [reason]
            assert pins(two)[reason]["current"] == "1"
            other.query("COMMIT")
            assert run(client, "DISCARD ALL" if how != make else end).error is None, how
            assert other.ask(PID) == pid, f"{how}: the server used last is given back"
            assert pins(two)[reason]["current"] == "0"
            assert not any(row["pinned"] for row in two.show("CLIENTS"))


@pytest.mark.parametrize("reason", STATE)
def test_in_the_extended_protocol(two, reason):
    # The same, prepared once.
    make, end, check, expected = STATE[reason]
    with two.wire() as client, two.wire() as other:
        pid = client.ask(PID)
        assert run_extended(client, make).error is None
        assert other.ask(PID) != pid
        assert run_extended(client, check).rows == [[expected]]
        assert run_extended(client, end).error is None
        assert other.ask(PID) == pid


@pytest.mark.parametrize("reason", STATE)
def test_rolled_back_it_is_nothing(two, reason):
    # Locks alone outlive a rollback.
    make, _, _, _ = STATE[reason]
    with two.wire() as client, two.wire() as other:
        pid = client.ask(PID)
        run(client, "BEGIN")
        run(client, make)
        run(client, "ROLLBACK")
        kept = reason in ("advisory_lock", "prepare")
        assert (other.ask(PID) != pid) == kept


@pytest.mark.parametrize("text", [
    "CREATE TEMP TABLE t (n int) ON COMMIT DROP", "SELECT pg_advisory_xact_lock(1)",
    "BEGIN; CREATE TEMP TABLE t (n int); DROP TABLE t; COMMIT", "DECLARE c CURSOR FOR SELECT 1",
    "SELECT pg_advisory_lock(5); SELECT pg_advisory_unlock(5)", "LISTEN a; UNLISTEN *",
    "DO $$ BEGIN PERFORM 1; END $$", "DO $$ BEGIN EXECUTE 'SELECT 1'; END $$ -- ",
    "SELECT 'LISTEN a; CREATE TEMP TABLE'", "CREATE FUNCTION pg_temp_like() RETURNS int AS 'SELECT 1' LANGUAGE sql",
])
def test_what_is_gone_by_itself_keeps_nothing(two, text):
    with two.wire() as client, two.wire() as other:
        pid = client.ask(PID)
        run(client, text)
        if "EXECUTE" in text:
            assert other.ask(PID) != pid, "a name may have been put together"
        else:
            assert other.ask(PID) == pid
    two.ask("DROP FUNCTION IF EXISTS pg_temp_like()")


def test_notifications_reach_an_idle_client(two):
    # They come while the client idles, while it is asked what it holds, and in its transactions.
    with two.wire() as client, two.wire() as other:
        client.query("LISTEN news")
        for number in range(20):
            other.query(f"NOTIFY news, 'n{number}'")
            kind, body = client.receive()
            assert kind == "A" and f"news\0n{number}\0".encode() in body
        # Each NOTIFY of its own is answered within the question that the UNLISTEN raises.
        got = 0
        for number in range(30):
            client.send(message("Q", cstring(f"UNLISTEN other; NOTIFY news, 'x{number}'"))
                        + message("Q", cstring("SELECT 1")))
            other.query(f"NOTIFY news, 'y{number}'")
            ends = 0
            while ends < 2 or got < 2 * (number + 1):
                kind, _ = client.receive()
                ends += kind == "Z"
                got += kind == "A"
        client.query("UNLISTEN *")
        other.query("NOTIFY news")
        assert client.silent_for(0.2)


def test_a_client_that_leaves_leaves_nothing(two):
    # By Terminate, by a reset connection, in the middle of a question.
    for leave in ("terminate", "reset", "question"):
        client = two.wire()
        client.query("CREATE TEMP TABLE mine AS SELECT 5 AS n")
        client.query("SET app.tenant = 'x'")
        client.ask("SELECT pg_advisory_lock(98)")
        client.query("LISTEN news")
        client.query("PREPARE p AS SELECT 1")
        if leave == "question":
            client.send(message("Q", cstring("DECLARE c CURSOR WITH HOLD FOR SELECT 1")))
            leave = "reset"
        getattr(client, leave)()
        with two.wire() as other:
            wait_until(lambda: other.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0",
                       "the lock is released")
            others_ = others(two, 1)
            for one in (other, *others_):
                assert one.ask("SELECT count(*) FROM pg_prepared_statements WHERE from_sql") == "0"
                assert one.ask("SELECT count(*) FROM pg_listening_channels()") == "0"
                assert one.ask("SELECT current_setting('app.tenant', true)") in (None, "")
                assert one.ask("SELECT to_regclass('pg_temp.mine')") is None
            for one in others_:
                one.close()
        assert all(row["current"] == "0" for row in two.show("PINS"))


def test_load_closes_the_server(weir, postgres):
    # What a library does to its process cannot be taken back.
    pooler = weir(default_pool_size=2, workers=1, userlist={"postgres": ""})
    client = pooler.wire(user="postgres")
    pid = client.ask(PID)
    assert run(client, "LOAD 'auto_explain'").error is None
    assert run(client, "DISCARD ALL").error is None
    assert [row["pinned"] for row in pooler.show("CLIENTS") if row["pinned"]] == ["load"]
    assert client.ask(PID) == pid
    client.terminate()
    wait_until(lambda: postgres.ask(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") == 0,
               "the server is closed")


def test_hidden_names_pin_until_discard_all(two):
    # A setting of the application's own whose name comes as a parameter.
    with two.wire() as client, two.wire() as other:
        pid = client.ask(PID)
        client.send(parse("SELECT set_config($1, $2, false)") + bind(["app.hidden", "x"]) + execute() + sync())
        assert client.result().error is None
        assert other.ask(PID) != pid
        assert client.ask("SELECT current_setting('app.hidden')") == "x"
        assert list(pins(two)) == ["settings"]
        run(client, "RESET ALL")
        assert client.ask(PID) == pid
        run(client, "DISCARD ALL")
        assert other.ask(PID) == pid
        assert other.ask("SELECT current_setting('app.hidden', true)") in (None, "")


def test_a_path_to_the_own_schema(two):
    # CREATE TABLE without TEMP, in later transactions, makes temporary tables.
    with two.wire() as client, two.wire() as other:
        run(client, "SET search_path = pg_temp, public")
        pid = client.ask(PID)
        assert other.ask(PID) == pid, "nothing is there yet"
        run(client, "CREATE TABLE hidden (n int)")
        pid = client.ask(PID)
        assert other.ask(PID) != pid
        assert [row["pinned"] for row in two.show("CLIENTS") if row["pinned"]] == ["temporary"]
        run(client, "DROP TABLE hidden")
        wait_until(lambda: not any(row["pinned"] for row in two.show("CLIENTS")), "nothing is there any more")


def test_two_workers_and_many_clients(weir):
    # Pins count over the process; waiting clients get what is left.
    pooler = weir(default_pool_size=4, workers=2, max_pinned=3)
    clients = [pooler.wire() for _ in range(3)]
    for client in clients:
        run(client, "LISTEN news")
    with pooler.wire() as other:
        for _ in range(20):
            assert other.ask("SELECT 1") == "1"
        other.query("NOTIFY news, 'all'")
    for client in clients:
        assert client.receive()[0] == "A"
        client.close()
    pooler.still_serves()


@pytest.mark.parametrize("reason", STATE)
def test_reset(weir, reason):
    # session_state = reset: settings are kept, all else is gone with the transaction.
    pooler = weir(default_pool_size=1, workers=1, session_state="reset")
    make, _, check, _ = STATE[reason]
    with pooler.wire() as client, pooler.wire() as other:
        run(client, "SET app.tenant = 'x'; SET TimeZone = 'Asia/Tokyo'")
        result = run(client, make)
        assert (result.error, result.notices) == (None, [])
        result = run(client, check)
        assert result.error is not None or result.value == "0"
        assert other.query(check).error is not None or other.query(check).value == "0"
        assert client.ask("SELECT current_setting('app.tenant')") == "x"
        assert client.ask("SHOW TimeZone") == "Asia/Tokyo"
        assert other.ask("SELECT current_setting('app.tenant', true)") in (None, "")
        assert pins(pooler)[reason]["reset"] == "1"


def test_ignore(weir):
    # session_state = ignore: as in other poolers, but settings travel all the same.
    pooler = weir(default_pool_size=1, workers=1, session_state="ignore")
    with pooler.wire() as client, pooler.wire() as other:
        run(client, "CREATE TEMP TABLE mine AS SELECT 5 AS n")
        assert other.ask("SELECT n FROM mine") == "5"
        run(client, "SET app.tenant = 'x'")
        assert other.ask("SELECT current_setting('app.tenant', true)") in (None, "")
        assert client.ask("SELECT current_setting('app.tenant', true)") == "x"
        run(other, "DROP TABLE mine")


def test_per_database_and_user(weir):
    # The user's value, then the database's, then the global one.
    pooler = weir(databases={"app": "{backend} session_state=reset", "second": "{backend}"},
                  users={"other": "session_state=ignore"}, default_pool_size=2, workers=1)
    for user, database, expected in (("app", "app", "reset"), ("app", "second", "pin"),
                                     ("other", "app", "ignore")):
        with pooler.wire(user=user, database=database) as client:
            run(client, "CREATE TEMP TABLE mine AS SELECT 5 AS n")
            rows = [row for row in pooler.show("PINS") if (row["database"], row["user"]) == (database, user)]
            assert [row["reset"] for row in rows] == {"reset": ["1"], "pin": ["0"], "ignore": []}[expected]
            assert [row["current"] for row in rows] == {"reset": ["0"], "pin": ["1"], "ignore": []}[expected]


def test_pin_timeout(weir):
    # A pinned client that does nothing is told why, and its server is as good as new.
    pooler = weir(default_pool_size=1, workers=1, pin_timeout="0.5", max_pinned=1)
    with pooler.wire() as busy:
        run(busy, "LISTEN a")
        for _ in range(12):
            busy.ask("SELECT 1")
            time.sleep(0.1)
        busy.query("BEGIN")
        time.sleep(0.8)
        assert busy.ask("SELECT 'in a transaction it is not idle'")
        busy.query("COMMIT")
        with pytest.raises(ServerError) as failure:
            raise ServerError(error_of(busy))
        assert (failure.value.code, failure.value.severity, failure.value.message) == (
            "57P05", "FATAL", "pin_timeout")
        assert "listen" in failure.value.detail
    with pooler.wire() as other:
        assert other.ask("SELECT count(*) FROM pg_listening_channels()") == "0"
        time.sleep(0.8)
        assert other.ask("SELECT 'a client that keeps nothing may idle'")
    assert pins(pooler)["listen"]["timed_out"] == "1"


def error_of(client):
    from pgwire import error_fields
    kind, body = client.receive()
    assert kind == "E", kind
    return error_fields(body)


def test_what_no_text_shows_is_thrown_away_beyond_the_limit(weir, postgres):
    # A procedure that takes a lock: found afterwards, and too many.
    with postgres.connect("app", "app") as direct:
        direct.execute("CREATE OR REPLACE PROCEDURE hold(n int) LANGUAGE plpgsql AS"
                       " $$ BEGIN PERFORM pg_advisory_lock(n); END $$")
    pooler = weir(default_pool_size=3, workers=1, max_pinned=1)
    with pooler.wire() as first, pooler.wire() as second:
        assert run(first, "CALL hold(1)").notices == []
        run(second, "SET app.tenant = 'kept'")
        assert second.query("CALL hold(2)").error is None
        result = second.query("SELECT 1")
        assert [notice["C"] for notice in result.notices] == ["01000"]
        assert "advisory_lock" in result.notices[0]["M"]
        assert second.ask("SELECT current_setting('app.tenant')") == "kept"
        wait_until(lambda: postgres.ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 1,
                   "the second lock is gone")
        assert pins(pooler)["advisory_lock"]["reset"] == "1"
        run(first, "SELECT pg_advisory_unlock_all()")
    with postgres.connect("app", "app") as direct:
        direct.execute("DROP PROCEDURE hold(int)")


def test_without_pins_clients_are_not_kept_waiting(weir):
    # All but one server pinned, and the rest is enough.
    pooler = weir(default_pool_size=3, workers=1)
    pinned = [pooler.wire() for _ in range(2)]
    for client in pinned:
        run(client, "LISTEN a")
    clients = [pooler.wire() for _ in range(10)]
    for client in clients:
        client.send(message("Q", cstring("SELECT 1")))
    for client in clients:
        assert client.result().value == "1"
        client.close()
    for client in pinned:
        client.close()


@pytest.fixture
def full(weir):
    """A pool of which as many servers are kept as may be."""
    pooler = weir(default_pool_size=3, workers=1, max_pinned=1)
    with pooler.wire() as client:
        run(client, "LISTEN a")
        yield pooler


@pytest.mark.parametrize("reason", STATE)
def test_beyond_the_limit_a_statement_is_refused_before_it_runs(full, reason):
    # 53400 with DETAIL and HINT; the client goes on.
    make, _, check, _ = STATE[reason]
    with full.wire() as client:
        for _ in range(2):
            result = client.query(make)
            assert (result.kinds, result.error.code, result.error.severity) == ("EZ", "53400", "ERROR")
            assert reason in result.error.detail and "SHOW PINS" in result.error.hint
            client.send(parse(make) + bind() + describe() + execute() + sync())
            result = client.result()
            assert (result.kinds, result.error.code, result.status) == ("1EZ", "53400", "I")
            result = client.query(check)
            assert result.error is not None or result.value == "0"
        assert client.ask("SELECT 1") == "1"
    assert pins(full)[reason]["refused"] == "4"
    assert pins(full)["listen"]["current"] == "1"


def test_a_refusal_is_an_error_like_any_other(full):
    # It ends a transaction, skips the rest of its batch, and keeps its place in a pipeline.
    with full.wire() as client:
        client.query("BEGIN")
        client.query("CREATE TABLE must_not_stay (n int)")
        result = client.query("CREATE TEMP TABLE mine (n int)")
        assert (result.error.code, result.status) == ("53400", "E")
        assert client.query("SELECT 1").error.code == "25P02"
        assert client.query("COMMIT").tags == ["ROLLBACK"]
        assert client.ask("SELECT to_regclass('must_not_stay')") is None
        # Simple queries, all sent at once.
        texts = ["SELECT 1", "LISTEN b", "SELECT 2", "BEGIN", "SELECT pg_advisory_lock(1)", "SELECT 3",
                 "ROLLBACK", "SELECT 4"]
        client.send(b"".join(message("Q", cstring(text)) for text in texts))
        results = [client.result() for _ in texts]
        assert [result.error.code if result.error else None for result in results] == [
            None, "53400", None, None, "53400", "25P02", None, None]
        assert [result.status for result in results] == list("IIITEEII")
        # Extended ones: the rest of the batch is skipped, the next batch is not.
        client.send(parse("SELECT 5") + bind() + describe() + execute()
                    + parse("LISTEN b") + bind() + execute() + parse("SELECT 6") + bind() + execute() + sync()
                    + parse("SELECT 7") + bind() + describe() + execute() + sync())
        first, second = client.result(), client.result()
        assert (first.rows, first.error.code) == ([["5"]], "53400")
        assert (second.rows, second.error) == ([["7"]], None)
        # Behind an error of PostgreSQL's own nothing is refused.
        client.send(parse("SELECT nonsense") + parse("LISTEN b") + bind() + execute() + sync())
        assert client.result().error.code == "42703"
        # A named statement, prepared and then bound.
        client.send(parse("LISTEN c", "listen_c") + sync() + bind([], "listen_c") + execute() + sync())
        assert client.result().kinds == "1Z"
        assert client.result().error.code == "53400"
        client.send(parse("SELECT 8", "eight") + bind([], "eight") + describe() + execute() + sync())
        assert client.result().rows == [["8"]]


def test_who_lets_go_makes_room(full):
    # The place of a client whose statement did not pin after all, or that unpins, is free again.
    with full.wire() as client, full.wire() as other:
        assert client.query("LISTEN b").error.code == "53400"
        for _ in range(3):
            assert run(client, "CREATE TEMP TABLE t (n int) ON COMMIT DROP").error is None
    pooler = full
    with pooler.wire() as client:
        assert client.query("LISTEN b").error.code == "53400"
    rows = pooler.show("CLIENTS")
    holder = next(row for row in rows if row["pinned"])
    pooler.admin(f"KILL_CLIENT {holder['id']}")
    with pooler.wire() as client, pooler.wire() as other:
        assert run(client, "LISTEN b; UNLISTEN b").error is None
        assert run(other, "BEGIN; LISTEN b; ROLLBACK").error is None
        assert run(client, "LISTEN b").error is None
        assert other.query("LISTEN b").error.code == "53400"
        assert run(client, "UNLISTEN b").error is None
        assert run(other, "LISTEN b").error is None


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("reason", STATE)
def test_reject(weir, reason, mode):
    # session_state = reject: 0A000 before it runs; what no text shows is thrown away.
    pooler = weir(default_pool_size=1, workers=1, session_state="reject", pool_mode=mode)
    make, _, check, _ = STATE[reason]
    with pooler.wire() as client:
        client.query("SET app.tenant = 'x'")
        result = client.query(make)
        assert (result.error.code, result.status) == ("0A000", "I")
        assert mode in result.error.message and result.error.hint
        client.send(parse(make) + bind() + execute() + sync())
        assert client.result().error.code == "0A000"
        result = client.query(check)
        assert result.error is not None or result.value == "0"
        result = client.query("DO $$ BEGIN PERFORM pg_advisory_lock(7); SET work_mem = '77MB'; END $$")
        assert result.error.code == "0A000", "this text shows it"
        assert client.ask("SELECT current_setting('app.tenant', true)") == "x"
    assert pins(pooler)[reason]["refused"] >= "2"
