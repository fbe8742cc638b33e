"""A statement that a pooler prepares on a later server must leave no trace there: no notice, no snapshot, no error."""

import pytest

from pgwire import bind, close_statement, describe, execute, message, parse, simple, sync
from test_prepared import run
from test_prepared_ddl import ddl, new_table

pytestmark = pytest.mark.weir_only

UNKNOWN = 705


def test_notices_of_a_parse(retell):
    if retell.how.startswith("repeated"):
        pytest.skip("told twice, its texts may have been parsed before, without a word then: see the next test")

    # PostgreSQL says at the Parse that a name is too long: once, not whenever a later server is prepared.
    def story(client):
        client.batch(parse(f"SELECT 1 AS {'a' * 70}", "s"))
        for _ in range(4):
            client.batch(run("s"))
        client.batch(describe("s", "S"))
        client.batch(parse(f"SELECT 2 AS {'b' * 70}"))
        for _ in range(3):
            client.batch(run(""))

    retell(story, "N[42622]1Z 2TDCZ 2TDCZ 2TDCZ 2TDCZ tTZ N[42622]1Z 2TDCZ 2TDCZ 2TDCZ")


def test_a_parse_without_a_server_has_no_notices(weir):
    # PostgreSQL says it at each Parse. Weir answers the second one of a text without a server, so there is
    # nobody to say it (docs/decisions/0007).
    pooler = weir(default_pool_size=1)
    with pooler.wire() as client:
        for name in ("s", "t"):
            client.send(parse(f"SELECT 1 AS {'a' * 70}", name) + sync())
            kinds = []
            while not kinds or kinds[-1] != "Z":
                kinds.append(client.receive()[0])
            assert kinds == (["N", "1", "Z"] if name == "s" else ["1", "Z"])


def test_isolation_levels(retell):
    # SET TRANSACTION must come before any query of its transaction: nothing may be looked up before it.
    def story(client):
        client.batch(parse("BEGIN", "u"), parse("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY", "s"),
                     parse("SELECT current_setting('transaction_isolation')", "t"), parse("COMMIT", "S"))
        for _ in range(3):
            client.batch(run("u"))
            client.batch(run("s"))
            client.batch(run("t"))
            client.batch(run("S"))
        for _ in range(2):
            client.batch(run("u"), run("s"), run("t"), run("S"))
            client.send(run("u") + sync() + run("s") + sync() + run("t") + sync() + run("S") + sync())
            client.read(4)
            client.send(simple("BEGIN") + run("s") + sync() + run("t") + sync() + simple("COMMIT"))
            client.read(4)
            client.query("BEGIN")
            client.batch(parse("SELECT 1"), run("s"))
            client.query("ROLLBACK")

    retell(story, blocks=True)


def test_statements_that_must_be_alone(retell):
    # VACUUM refuses to run in a transaction, and in a pipeline behind another statement.
    def story(client):
        client.batch(parse("VACUUM changing", "s"), parse("SELECT 1", "u"))
        for _ in range(3):
            client.batch(run("s"))
        client.batch(run("u"), run("s"))
        client.batch(run("s"), run("u"))
        client.batch(describe("u", "S"), describe("s", "S"), run("s"))
        client.batch(parse("VACUUM changing"), run(""))
        client.batch(parse("SELECT 2"), parse("VACUUM changing", "S"), run("S"))

    retell(story, before=new_table)


def test_tables_of_a_transaction(retell, postgres):
    # A statement prepared on a table that is not committed yet, and on one that never is.
    def before(postgres):
        ddl(postgres, "DROP TABLE IF EXISTS fresh")

    def story(client):
        client.query("BEGIN")
        client.query("CREATE TABLE fresh (n int)")
        client.batch(parse("SELECT count(*), sum(n) FROM fresh", "s"), describe("s", "S"))
        client.batch(run("s"))
        client.query("ROLLBACK")
        for _ in range(2):
            client.batch(run("s"))
        client.query("BEGIN")
        client.query("CREATE TABLE fresh (n int)")
        client.batch(parse("INSERT INTO fresh VALUES ($1)", "t"), run("t", 5), run("s"))
        client.query("COMMIT")
        for _ in range(3):
            client.batch(run("t", 6), run("s"))

    retell(story, before=before, blocks=True)


def test_temporary_tables_of_a_transaction(retell):
    # ON COMMIT DROP, in the way of a table that is there for good and has another shape.
    def story(client):
        for _ in range(2):
            client.query("BEGIN")
            client.query("CREATE TEMP TABLE changing (other text) ON COMMIT DROP")
            client.batch(parse("SELECT * FROM changing", "s"), describe("s", "S"), run("s"))
            client.query("COMMIT")
            for _ in range(3):
                client.batch(bind([], "s"), execute())
            client.batch(close_statement("s"), parse("SELECT * FROM changing", "s"), describe("s", "S"))
            for _ in range(3):
                client.batch(run("s"))
            client.batch(close_statement("s"))

    retell(story, before=new_table, blocks=True)


def test_a_temporary_table_in_the_way_of_others(weir, postgres):
    # One client prepares a text over its temporary table; the same text of another means the real one.
    new_table(postgres)
    pooler = weir(default_pool_size=1)
    text = "SELECT * FROM changing"
    with pooler.wire() as one, pooler.wire() as other, pooler.wire() as third:
        third.send(parse(text, "s") + describe("s", "S") + sync())
        shape = third.result().names
        for _ in range(3):
            one.query("BEGIN")
            one.query("CREATE TEMP TABLE changing (mine text) ON COMMIT DROP")
            one.send(close_statement("s") + parse(text, "s") + run("s") + sync())
            assert one.result().names == ["mine"]
            one.query("COMMIT")
            for client in (third, other):
                if client is other:
                    client.send(close_statement("s") + parse(text, "s") + describe("s", "S") + sync())
                    assert client.result().names == shape
                client.send(bind([], "s") + execute() + sync())
                result = client.result()
                assert result.error is None, result.error
                assert result.rows == [["7", "seven"]]


def test_the_declared_type_unknown(retell):
    # 705 leaves a parameter open as 0 does.
    def story(client):
        client.batch(parse("SELECT $1, $2::int + 1", "s", [UNKNOWN, 0]), describe("s", "S"))
        for _ in range(3):
            client.batch(describe("s", "S"), run("s", "a", 2))
        client.batch(parse("SELECT pg_typeof($1), $1 IS NULL", "t", [UNKNOWN]))
        client.batch(parse("SELECT pg_typeof($1)", "u"))

    retell(story)


def test_copy_as_a_statement(retell):
    # COPY in and out by prepared statements, on every server; given up by the client, and failing by itself.
    def data(*lines):
        return b"".join(message("d", line) for line in lines)

    def story(client):
        client.batch(parse("COPY changing FROM STDIN", "s"), parse("COPY changing TO STDOUT", "t"),
                     describe("s", "S"), describe("t", "S"))
        for n in range(3):
            client.batch(bind([], "s"), execute(), data(b"%d\tcopied\n" % n), message("c"))
            client.batch(bind([], "t"), execute())
        client.batch(bind([], "s"), execute(), data(b"9\t"), message("f", b"given up\0"))
        client.batch(bind([], "s"), execute(), data(b"x\ty\n"), message("c"), run("t"))
        client.batch(bind([], "t"), execute(), parse("SELECT 1", "u"), run("u"))
        client.send(bind([], "s") + execute() + data(b"10\tlast\n") + message("c") + sync() + bind([], "t") + execute()
                    + sync() + run("u") + sync())
        client.read(3)

    retell(story, before=new_table)


@pytest.mark.parametrize("count", [1_000, 1_600])
def test_many_columns(retell, count):
    # A description of a result that is larger than a receive buffer.
    def story(client):
        text = "SELECT " + ", ".join(f"{n} AS quite_a_long_name_of_a_column_{n}" for n in range(count))
        client.batch(parse(text, "s"), describe("s", "S"))
        for _ in range(3):
            client.batch(run("s"))
        client.batch(describe("s", "S"))

    retell(story, "1tTZ 2TDCZ 2TDCZ 2TDCZ tTZ")


@pytest.mark.parametrize("count", [5_000, 60_000])
def test_many_parameters(retell, count):
    # The types that PostgreSQL has found for them go along when a later server is prepared.
    def story(client):
        text = "SELECT cardinality(ARRAY[" + ", ".join(f"${n}::int" for n in range(1, count + 1)) + "])"
        client.batch(parse(text, "s"), describe("s", "S"))
        for _ in range(3):
            client.batch(run("s", *range(count)))

    retell(story, "1tTZ 2TDCZ 2TDCZ 2TDCZ")
