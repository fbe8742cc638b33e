"""`prepare_anonymous`: unnamed statements whose texts keep coming back are prepared once for all clients.

That nothing else becomes of them than without it say the tellings "repeated" of all stories about prepared
statements, and the random pipelines.
"""

import pytest

from pgwire import bind, describe, execute, extended, parse, sync

pytestmark = pytest.mark.weir_only

#: What a server has prepared for clients, and how often that was run.
PREPARED = ("SELECT statement, generic_plans + custom_plans FROM pg_prepared_statements WHERE name LIKE 'weir%'"
            " ORDER BY statement, 2")


def ask(client, sql, values=(), count=1):
    """One batch for each time, as a driver sends a query with parameters."""
    found = []
    for _ in range(count):
        client.send(extended(sql, list(values)) + sync())
        result = client.result()
        if result.error:
            raise result.error
        found += result.rows
    return found


def prepared(client):
    return [(text, int(count)) for text, count in client.query(PREPARED).rows]


def test_prepared_once_for_all(weir):
    # The first ones go out as they are; from then on it is one statement, whoever asks.
    pooler = weir(default_pool_size=1, workers=1, prepare_anonymous=3)
    sql = "SELECT $1::text || 'kept'"
    with pooler.wire() as client, pooler.wire() as other:
        assert ask(client, sql, ["a"], 2) + ask(other, sql, ["b"]) == [["akept"]] * 2 + [["bkept"]]
        assert prepared(client) == []
        assert ask(client, sql, ["c"], 2) + ask(other, sql, ["d"], 3) == [["ckept"]] * 2 + [["dkept"]] * 3
        assert prepared(client) == [(sql, 5)]
        # Types that are declared make it another one.
        for _ in range(5):
            client.send(parse(sql, types=[25]) + bind(["e"]) + execute() + sync())
            assert client.result().rows == [["ekept"]]
        assert prepared(client) == [(sql, 2), (sql, 5)]


def test_off_is_off(weir):
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire() as client:
        ask(client, "SELECT 1", count=50)
        assert prepared(client) == []


def test_by_database(weir):
    pooler = weir(databases={"app": "{backend} prepare_anonymous=1", "other": "{backend} dbname=app"},
                  default_pool_size=1, workers=1, prepare_anonymous=4)
    for database, count in (("app", 5), ("other", 2)):
        with pooler.wire(database=database) as client:
            ask(client, "SELECT 1", count=6)
            assert prepared(client) == [("SELECT 1", count)]
    pooler.admin("SET prepare_anonymous = 2")
    with pooler.wire(database="other") as client:
        ask(client, "SELECT 2", count=6)
        assert prepared(client) == [("SELECT 1", 2), ("SELECT 2", 4)]


def test_many_texts_are_bounded(weir):
    # By max_prepared_statements on a server, whatever comes back.
    pooler = weir(default_pool_size=1, workers=1, prepare_anonymous=1, max_prepared_statements=5)
    with pooler.wire() as client:
        for number in range(20):
            assert ask(client, f"SELECT {number}", count=3) == [[str(number)]] * 3
        assert len(prepared(client)) == 5


def test_each_by_its_own_settings(weir):
    # What a literal means is decided when it is parsed.
    pooler = weir(default_pool_size=1, workers=1, prepare_anonymous=1)
    sql = "SELECT '01/02/2024'::date - '2024-01-01'::date"
    with pooler.wire(options={"DateStyle": "ISO, MDY"}) as american, \
            pooler.wire(options={"DateStyle": "ISO, DMY"}) as european:
        for _ in range(4):
            assert ask(american, sql) == [["1"]]
            assert ask(european, sql) == [["31"]]
        assert len(prepared(american)) == 2
        # Parsed under one style and bound under another: as on a server that has to parse it again.
        american.send(parse(sql) + sync())
        american.result()
        american.query("SET DateStyle TO 'ISO, DMY'")
        assert ask(american, sql) == [["31"]]


@pytest.fixture
def changing(postgres):
    """A table, and what changes it."""
    with postgres.connect("app") as owner:
        owner.execute("DROP TABLE IF EXISTS changing")
        owner.execute("CREATE TABLE changing (a int)")
        owner.execute("INSERT INTO changing VALUES (1)")
        owner.execute("GRANT ALL ON changing TO app")
        yield owner.execute
        owner.execute("DROP TABLE changing")


def test_tables_that_change(weir, changing):
    # A Parse gets the table as it is now: no copy that is older may show, in a transaction least of all.
    pooler = weir(default_pool_size=1, workers=1, prepare_anonymous=1)
    sql = "SELECT * FROM changing"
    with pooler.wire() as client:
        ask(client, sql, count=3)
        assert prepared(client) == [(sql, 2)]
        changing("ALTER TABLE changing ADD b text DEFAULT 'new'")
        assert ask(client, sql, count=2) == [["1", "new"]] * 2
        client.send(parse(sql) + describe() + sync())
        client.result()
        changing("ALTER TABLE changing DROP b")
        ask(client, "BEGIN")
        assert ask(client, sql, count=2) == [["1"]] * 2
        client.query("ROLLBACK")
        changing("ALTER TABLE changing ALTER a TYPE bigint")
        # The second statement of a batch could not be sent again; with the first the rest is.
        client.send(extended(sql) + extended("SELECT 0") + extended("SELECT 1", []) + extended(sql) + sync())
        assert client.result().rows == [["1"], ["0"], ["1"], ["1"]]
        changing("ALTER TABLE changing ALTER a TYPE int")
        client.send(extended("SELECT 0") + extended(sql) + sync())
        assert client.result().rows == [["0"], ["1"]]
        client.send(parse(sql) + describe(kind="S") + sync())
        assert [column.oid for column in client.result().columns] == [23]


def test_parameters_that_change(weir, changing):
    # Of a type that the client has not said PostgreSQL finds the one that the column has now.
    pooler = weir(default_pool_size=1, workers=1, prepare_anonymous=1)
    sql = "SELECT a FROM changing WHERE a = $1"
    with pooler.wire() as client:
        assert ask(client, sql, ["1"], 3) == [["1"]] * 3
        changing("ALTER TABLE changing ALTER a TYPE text")
        assert ask(client, sql, ["one"]) == []
        assert ask(client, sql, ["1"], 3) == [["1"]] * 3
        client.send(parse(sql) + describe(kind="S") + sync())
        assert client.result().error is None
        changing("UPDATE changing SET a = '7'")
        assert ask(client, sql, ["7"]) == [["7"]]
        # What is wrong stays wrong, and the next one is right.
        client.send(extended("SELECT $1::int", ["x"]) + sync())
        assert client.result().error.code == "22P02"
        for _ in range(3):
            client.send(extended("SELECT $1::int", ["x"]) + sync())
            assert client.result().error.code == "22P02"
            assert ask(client, "SELECT $1::int", ["8"]) == [["8"]]


def test_changes_of_what_was_told(weir, changing):
    # Who was told the columns and binds later is refused, as by PostgreSQL.
    pooler = weir(default_pool_size=1, workers=1, prepare_anonymous=1)
    sql = "SELECT * FROM changing"
    with pooler.wire() as client:
        ask(client, sql, count=3)
        client.send(parse(sql) + describe(kind="S") + sync())
        assert client.result().error is None
        changing("ALTER TABLE changing ADD b text")
        client.send(bind() + execute() + sync())
        assert client.result().error.code == "0A000"
        assert ask(client, sql) == [["1", None]]


def test_without_a_result_in_a_transaction(weir, changing):
    # Nothing of those can go wrong by a change of the result.
    pooler = weir(default_pool_size=1, workers=1, prepare_anonymous=1)
    sql = "UPDATE changing SET a = a + $1"
    with pooler.wire() as client:
        ask(client, sql, ["1"], 2)
        client.query("BEGIN")
        ask(client, sql, ["1"], 3)
        assert ask(client, "SELECT a FROM changing", count=3) == [["6"]] * 3
        client.query("COMMIT")
        assert prepared(client) == [(sql, 4)]


def test_errors_speak_of_the_unnamed_statement(weir, postgres):
    pooler = weir(default_pool_size=1, workers=1, prepare_anonymous=1)
    with pooler.wire() as client:
        ask(client, "SELECT $1::int", ["1"], 3)
        client.send(parse("SELECT $1::int") + bind() + execute() + sync())
        error = client.result().error
        assert error.message == 'bind message supplies 0 parameters, but prepared statement "" requires 1'
        ask(client, "SELECT $1::int", ["1"])
        client.query("SELECT 0")
        client.send(bind(["1"]) + sync())
        assert client.result().error.message == "unnamed prepared statement does not exist"


def test_one_that_is_deallocated_behind_it(weir):
    # DEALLOCATE ALL ends statements with names, not the unnamed one.
    pooler = weir(default_pool_size=1, workers=1, prepare_anonymous=1)
    with pooler.wire() as client:
        ask(client, "SELECT $1::int", ["1"], 3)
        client.send(parse("DEALLOCATE ALL", "bye") + bind(statement="bye") + sync())
        assert client.result().error is None
        client.send(parse("SELECT $1::int") + sync() + bind(statement="bye") + execute() + sync()
                    + bind(["7"]) + execute() + sync())
        results = [client.result() for _ in range(3)]
        assert [result.error for result in results] == [None] * 3
        assert results[-1].rows == [["7"]]
