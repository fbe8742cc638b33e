"""One client's state never reaches another, whatever is skipped, refused, sent in pieces or sent again."""

import struct

import pytest

from pgwire import (bind, close_statement, cstring, describe, execute, flush, message, parse, simple, sync)

pytestmark = pytest.mark.weir_only

SECRET = "SELECT current_setting('app.secret', true)"
SET_SECRET = "SELECT set_config('app.secret', 'hers', false)"


@pytest.fixture
def one(weir):
    return weir(default_pool_size=1, workers=1)


def run(client, *messages):
    client.send(b"".join(messages) + sync())
    return client.result()


def secret(client):
    return client.ask(SECRET) or ""


# What is suspected.

def test_an_unnamed_statement_that_was_not_replaced(one):
    # The Parse behind an error is skipped, so the Bind of the next batch runs what was there before it.
    with one.wire() as client, one.wire() as other:
        assert run(client, parse(SET_SECRET)).error is None
        client.send(bind(statement="missing") + parse("SELECT 1") + sync()
                    + bind() + execute() + sync())
        assert client.result().error.code == "26000"
        assert client.result().rows == [["hers"]]
        assert secret(client) == "hers"
        assert secret(other) == ""


def test_an_unnamed_statement_that_was_not_closed(one):
    with one.wire() as client, one.wire() as other:
        assert run(client, parse(SET_SECRET)).error is None
        client.send(bind(statement="missing") + close_statement("") + sync() + bind() + execute() + sync())
        assert client.result().error.code == "26000"
        client.result()
        assert secret(other) == ""


def test_executed_by_sql_what_was_prepared_without_a_server(one):
    # The second Parse of the same text is answered without a server.
    with one.wire() as client, one.wire() as other:
        assert run(client, parse(SET_SECRET, "p")).error is None
        assert run(other, parse(SET_SECRET, "p")).error is None
        assert other.ask("EXECUTE p") == "hers"
        assert secret(other) == "hers"
        assert secret(client) == ""


@pytest.mark.parametrize("path", ["pg_temp", "pg_temp, public"])
@pytest.mark.parametrize("local", ["true", "false"])
def test_a_temporary_table_by_a_path_that_no_text_shows(one, path, local):
    with one.wire() as client, one.wire() as other:
        client.query("BEGIN")
        setting = parse(f"SELECT set_config('search_path', $1, {local})")
        assert run(client, setting, bind([path]), execute()).error is None
        assert client.query("CREATE TABLE hidden AS SELECT 'hers' AS n").error is None
        assert client.query("COMMIT").error is None
        client.sock.settimeout(5)
        assert client.ask("SELECT n FROM hidden") == "hers"
        client.terminate()
        assert other.query("SELECT n FROM hidden").error.code == "42P01"


def hide(client):
    """Sets a setting of the application's own by a name that no text shows, which pins."""
    assert run(client, parse("SELECT set_config($1, 'hers', false)"), bind(["app.secret"]), execute()).error is None
    assert secret(client) == "hers"


@pytest.mark.parametrize("batch", [
    parse("DISCARD ALL") + bind(),
    parse("DISCARD ALL") + bind() + describe(),
    parse("SELECT 1", "d") + parse("SELECT 1", "d") + simple("DISCARD ALL"),
    bind(statement="missing") + simple("DISCARD ALL"),
], ids=["bound", "described", "behind a refusal", "behind an error"])
def test_hidden_settings_stay_where_discard_all_has_not_run(weir, batch):
    pooler = weir(default_pool_size=2, workers=1)
    with pooler.wire() as client:
        hide(client)
        run(client, batch)
        assert secret(client) == "hers"
        others = [pooler.wire() for _ in range(2)]
        others[0].query("BEGIN")
        assert secret(others[0]) == ""
        others[1].send(simple(SECRET))
        assert others[1].silent_for(0.5), "the other server is the first client's"
        others[0].query("COMMIT")
        assert (others[1].result().rows[0][0] or "") == ""
        for other in others:
            other.close()


# Parsed under other settings.

def test_rolled_back_to_before_a_local_setting(one):
    with one.wire() as client:
        client.query("BEGIN")
        client.query("SAVEPOINT a")
        client.query("SET LOCAL transform_null_equals = on")
        assert run(client, parse("SELECT 1 = NULL AS r", "s"), bind(statement="s"), execute()).rows == [["f"]]
        client.query("ROLLBACK TO SAVEPOINT a")
        assert run(client, parse("SELECT 1 = NULL AS r", "t"), bind(statement="t"), execute()).rows == [[None]]
        client.query("COMMIT")
        assert run(client, parse("SELECT 1 = NULL AS r", "u"), bind(statement="u"), execute()).rows == [[None]]


def test_rolled_back_by_a_prepared_statement(one):
    with one.wire() as client:
        client.query("BEGIN")
        client.query("SAVEPOINT a")
        client.query("SET LOCAL transform_null_equals = on")
        assert run(client, parse("SELECT 1 = NULL AS r", "s"), bind(statement="s"), execute()).rows == [["f"]]
        run(client, parse("ROLLBACK TO SAVEPOINT a", "r"), bind(statement="r"), execute())
        assert run(client, parse("SELECT 1 = NULL AS r", "t"), bind(statement="t"), execute()).rows == [[None]]
        client.query("COMMIT")


@pytest.mark.parametrize("end", ["COMMIT", "ROLLBACK"])
def test_parsed_behind_a_setting_of_the_same_write(one, end):
    text = "SELECT 1 = NULL AS r"
    with one.wire() as client, one.wire() as other:
        assert run(other, parse(text, "s"), bind(statement="s"), execute()).rows == [[None]]
        client.send(simple("BEGIN") + simple("SET transform_null_equals = on") + simple(end)
                    + parse(text, "s") + bind(statement="s") + execute() + sync())
        for _ in range(3):
            assert client.result().error is None
        wanted = [["f"]] if end == "COMMIT" else [[None]]
        assert client.result().rows == wanted
        assert run(other, bind(statement="s"), execute()).rows == [[None]]
        assert run(client, bind(statement="s"), execute()).rows == wanted


# Results and parameters that change.

@pytest.fixture
def table(postgres):
    def ddl(*statements):
        with postgres.connect("app", user="app") as connection:
            for statement in statements:
                connection.execute(statement)
    ddl("DROP TABLE IF EXISTS reviewed", "CREATE TABLE reviewed (n int4, t text)",
        "INSERT INTO reviewed VALUES (7, 'seven')")
    yield ddl
    ddl("DROP TABLE IF EXISTS reviewed")


def prepared(client):
    result = run(client, parse("SELECT * FROM reviewed", "s"), bind(statement="s"), execute())
    assert result.rows == [["7", "seven"]]


def test_a_batch_with_flush_is_sent_again_whole(one, table):
    with one.wire() as client:
        client.sock.settimeout(5)
        prepared(client)
        table("ALTER TABLE reviewed ADD more text DEFAULT 'm'")
        client.send(bind(statement="s") + execute() + flush())
        kinds = ""
        while not kinds.endswith("C") and "E" not in kinds:
            kinds += client.receive()[0]
        client.send(sync())
        assert kinds + client.result().kinds == "2DCZ"


def test_a_batch_in_pieces_is_sent_again_whole(one, table):
    with one.wire() as client:
        client.sock.settimeout(5)
        prepared(client)
        table("ALTER TABLE reviewed ADD more text DEFAULT 'm'")
        client.send(bind(statement="s") + flush())
        assert client.receive()[0] == "2"
        assert run(client, execute()).kinds == "DCZ"


def test_a_description_with_flush_is_asked_for_again(one, table):
    with one.wire() as client, one.wire() as new:
        client.sock.settimeout(5)
        new.sock.settimeout(5)
        prepared(client)
        table("ALTER TABLE reviewed ADD more text DEFAULT 'm'")
        new.send(parse("SELECT * FROM reviewed", "n") + describe("n", "S") + flush())
        assert [new.receive()[0] for _ in range(3)] == ["1", "t", "T"]
        assert run(new, bind(statement="n"), execute()).rows == [["7", "seven", "m"]]


def test_a_query_behind_a_batch_without_sync(one, table):
    with one.wire() as client:
        client.sock.settimeout(5)
        prepared(client)
        table("ALTER TABLE reviewed ADD more text DEFAULT 'm'")
        client.send(bind(statement="s") + execute() + simple("SELECT 'query'") + sync())
        first = client.result()
        assert first.kinds in ("EZ", "2DCTDCZ"), first.kinds
        if first.error is None:
            assert client.result().kinds == "Z"
        assert client.ask("SELECT 'next'") == "next"


def test_healed_again_while_the_server_is_kept(one, table):
    with one.wire() as client:
        client.query("SELECT pg_advisory_lock(1)")
        prepared(client)
        for number in range(3):
            table(f"ALTER TABLE reviewed ADD more{number} text")
            result = run(client, bind(statement="s"), execute())
            assert result.error is None, (number, result.error)


# Refused messages that come in pieces.

LONG = {
    "query": (dict(session_state="reject"), message("Q", cstring("LISTEN a; SELECT '" + "x" * 20_000 + "'")), "0A000"),
    "parse": ({}, message("P", cstring("s") + cstring("SELECT '" + "x" * 5_000_000 + "'") + struct.pack("!h", 0))
              + sync(), "54000"),
    "bind": (dict(session_state="reject"), None, "0A000"),
}


@pytest.mark.parametrize("what", LONG)
def test_the_rest_of_a_refused_message_goes_nowhere(weir, what):
    settings, data, code = LONG[what]
    pooler = weir(default_pool_size=1, workers=1, **settings)
    with pooler.wire() as client, pooler.wire() as other:
        client.sock.settimeout(10)
        if data is None:
            assert run(client, parse("LISTEN a", "l")).error is None
            body = cstring("") + cstring("l") + struct.pack("!hHi", 0, 1, 20_000) + b"x" * 20_000 + struct.pack("!h", 0)
            data = message("B", body) + sync()
        inside = simple("SELECT set_config('app.secret', 'hers', false)")
        data = data[:9_000] + inside + data[9_000 + len(inside):]
        client.send(data[:9_000])
        client.silent_for(0.3)
        client.send(data[9_000:])
        result = client.result()
        assert result.error.code == code, result.error
        assert result.kinds == "EZ"
        assert client.ask("SELECT 'next'") == "next"
        assert secret(client) == "" and secret(other) == ""
