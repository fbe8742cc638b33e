"""DEALLOCATE and DISCARD by SQL, of statements that the protocol prepared: what drivers do to drop them."""

import pytest

from pgwire import Wire, bind, close_statement, describe, execute, flush, parse, simple, sync
from test_prepared import run

pytestmark = pytest.mark.weir_only


def prepare(client, *names):
    client.batch(*(parse(f"SELECT 'this is {name}'", name) for name in names))


FORMS = ["DEALLOCATE s", "DEALLOCATE S", 'DEALLOCATE "s"', "deallocate s", "DEALLOCATE PREPARE s", "  DEALLOCATE s ; ",
         "DEALLOCATE/* a comment */s", "-- a comment\nDEALLOCATE s", "DEALLOCATE\n\tPREPARE\n\t\"s\"\n",
         "Deallocate Prepare S;"]


def test_deallocate(retell):
    # Every way to write it: the name is free, the other statement is not touched.
    def story(client):
        prepare(client, "t", "S")
        for sql in FORMS:
            prepare(client, "s")
            client.query(sql)
            client.batch(run("s"))
            client.batch(run("t"), run("S"))
            client.query(sql)
            client.batch(parse("SELECT 'new'", "s"), run("s"))
            client.batch(run("s"), close_statement("s"))

    retell(story, "11Z" + " 1Z CZ E[26000]Z 2TDC2TDCZ E[26000]Z 12TDCZ 2TDC3Z" * len(FORMS))


def test_deallocate_by_the_extended_protocol(retell):
    # The same as a statement of the protocol, prepared before and executed more than once.
    def story(client):
        for sql in FORMS:
            client.batch(close_statement("u"), parse(sql, "u"), describe("u", "S"))
            for _ in range(2):
                prepare(client, "s", "t")
                client.batch(run("u"), run("t"))
                client.batch(run("s"))
                client.batch(run("u"))
                client.batch(close_statement("t"))

    once = "31tnZ" + " 11Z 2nC2TDCZ E[26000]Z 2nE[26000]Z 3Z" * 2
    retell(story, " ".join([once] * len(FORMS)))


def test_deallocate_of_a_name_in_code_points(retell):
    # What U&"…" says nobody sees at a glance: such a client may stay on its server for a while. With UESCAPE the
    # name is not found at all (docs/decisions/0007).
    if retell.how not in ("session", "alone"):
        pytest.skip("the client may keep its server, and here others would wait for it")

    def story(client):
        for sql in ('DEALLOCATE U&"\\0073"', 'DEALLOCATE PREPARE U&"\\0073"'):
            prepare(client, "s", "t")
            client.query(sql)
            client.batch(run("s"))
            client.batch(run("t"), close_statement("t"))

    retell(story)


MISTAKES = ("DEALLOCATE nowhere", 'DEALLOCATE "No Where"', "DEALLOCATE PREPARE x", "DEALLOCATE", "DEALLOCATE s, t",
            "DEALLOCATE 's'", "DEALLOCATE s t", 'DEALLOCATE "s', "DEALLOCATE all_of_them", 'DEALLOCATE "all"',
            'DEALLOCATE ""', "DEALLOCATE prepare", "DISCARD s", 'DEALLOCATE "S"', "DEALLOCATE select", "DEALLOCATE $1",
            "DEALLOCATE s.t", "DEALLOCATE ALL s", "DEALLOCATE 1")


def test_deallocate_with_a_mistake(retell):
    # Errors of PostgreSQL, with the client's own names in them; nothing is dropped.
    def story(client):
        prepare(client, "s", "t")
        for sql in MISTAKES:
            client.query(sql)
            client.batch(parse(sql), run(""))
        client.batch(run("s"), run("t"))

    retell(story)


ALL = ("DEALLOCATE ALL", "deallocate prepare all;", "DISCARD ALL", "discard all ;",
       "/* x */ DEALLOCATE /* y */ ALL -- z")


def test_all_at_once(retell):
    # Both drop every statement of this client and nobody else's.
    def story(client):
        for sql in ALL:
            for by_query in (True, False):
                prepare(client, "s", "t", "u")
                if by_query:
                    client.query(sql)
                else:
                    client.batch(parse(sql), run(""))
                for name in "stu":
                    client.batch(run(name))
                prepare(client, "u", "s")
                client.batch(run("s"), run("u"))
                client.batch(run("t"))
                client.batch(close_statement("s"), close_statement("u"))

    rest = " E[26000]Z E[26000]Z E[26000]Z 11Z 2TDC2TDCZ E[26000]Z 33Z"
    retell(story, " ".join(["111Z CZ" + rest + " 111Z 12nCZ" + rest] * len(ALL)))


def test_the_unnamed_one_stays(retell):
    # DEALLOCATE ALL and DISCARD ALL by a named statement leave the unnamed one.
    def story(client):
        for sql in ("DEALLOCATE ALL", "DISCARD ALL"):
            client.batch(parse(sql, "s"), parse("SELECT 'unnamed'"))
            client.batch(run("s"))
            client.batch(run(""))
            client.batch(run("s"))

    retell(story, "11Z 2nCZ 2TDCZ E[26000]Z 11Z 2nCZ 2TDCZ E[26000]Z")


def test_in_blocks(retell):
    # Dropping is not undone by ROLLBACK; DISCARD ALL may not be in a block.
    def story(client):
        for end in ("COMMIT", "ROLLBACK"):
            prepare(client, "s", "t", "u")
            client.query("BEGIN")
            client.query("DEALLOCATE s")
            client.batch(run("t"))
            client.query("SAVEPOINT a")
            client.query("DEALLOCATE t")
            client.query("ROLLBACK TO a")
            client.batch(parse("SELECT 1", "t"))
            client.query("DEALLOCATE ALL")
            client.query("DISCARD ALL")
            client.query(end)
            for name in "stu":
                client.batch(run(name))

    once = "111Z CZT CZT 2TDCZT CZT CZT CZT 1ZT CZT E[25001]ZE CZ E[26000]Z E[26000]Z E[26000]Z "
    retell(story, (once + once).strip(), blocks=True)


@pytest.mark.parametrize("sql", ["EXECUTE s", "DEALLOCATE s"])
def test_of_a_name_that_sql_has_found_before(retell, sql):
    # It was made real on the server for the first EXECUTE, and its client has no statement any more.
    def story(client):
        client.batch(simple("BEGIN"))
        client.batch(parse("SELECT 'one'", "s"))
        client.batch(simple("EXECUTE s"))
        client.batch(close_statement("s"))
        client.batch(simple(sql))
        client.batch(simple("ROLLBACK"))

    retell(story, blocks=True)


def test_in_an_aborted_block(retell):
    # 25P02, and the statement stays; a missing name too aborts a block.
    def story(client):
        prepare(client, "s", "t")
        client.batch(parse("DEALLOCATE t", "u"))
        client.query("BEGIN")
        client.query("DEALLOCATE missing")
        client.query("DEALLOCATE s")
        client.query("DEALLOCATE ALL")
        client.query("DISCARD ALL")
        client.query("DEALLOCATE missing")
        client.batch(run("u"))
        client.batch(close_statement("u"))
        client.query("ROLLBACK")
        client.batch(run("s"), run("t"))
        client.batch(run("u"))

    retell(story, "11Z 1Z CZT E[26000]ZE E[25P02]ZE E[25P02]ZE E[25P02]ZE E[25P02]ZE E[25P02]ZE 3ZE CZ"
                  " 2TDC2TDCZ E[26000]Z", blocks=True)


def test_in_a_pipeline(retell):
    # Everything on the way at once: what is dropped before is missing behind, and free for another text.
    def story(client):
        for sql in ("DEALLOCATE s", "DEALLOCATE ALL", "DISCARD ALL"):
            client.send(parse("SELECT 1", "s") + sync() + run("s") + sync() + simple(sql) + run("s") + sync()
                        + parse("SELECT 'two'", "s") + run("s") + sync() + simple(sql) + simple("DEALLOCATE s")
                        + run("s") + sync() + close_statement("s") + sync())
            client.read(9)
            client.send(run("s") + simple(sql) + sync() + parse("SELECT 3", "s") + sync() + run("missing")
                        + simple(sql) + sync() + run("s") + sync() + parse(sql) + run("") + sync() + run("s") + sync())
            client.read(6)

    once = ("1Z 2TDCZ CZ E[26000]Z 12TDCZ CZ E[26000]Z E[26000]Z 3Z"
            " E[26000]Z 1Z E[26000]Z 2TDCZ 12nCZ E[26000]Z ")
    retell(story, (once * 3).strip())


def test_in_one_batch(retell):
    # Dropped in the middle of a batch by a statement of the protocol; an error before it leaves it.
    def story(client):
        client.batch(parse("DEALLOCATE s", "t"), parse("DEALLOCATE ALL", "u"))
        client.batch(parse("SELECT 1", "s"), run("s"), run("t"), parse("SELECT 'two'", "s"), run("s"), run("t"),
                     run("s"))
        client.batch(parse("SELECT 3", "s"), run("missing"), run("t"))
        client.batch(run("s"), run("t"), close_statement("s"), parse("SELECT 'four'", "s"))
        client.batch(run("s"))
        client.batch(run("u"), parse("SELECT 5", "s"), run("s"), run("t"))
        client.batch(run("s"))

    retell(story, "11Z 12TDC2nC12TDC2nCE[26000]Z 1E[26000]Z 2TDC2nC31Z 2TDCZ 2nC12TDCE[26000]Z 2TDCZ")


def test_with_a_flush(retell):
    # The reply to it comes at a Flush, before the Sync.
    def story(client):
        client.batch(parse("SELECT 1", "s"), parse("DEALLOCATE s", "t"))
        client.send(run("t") + flush())
        client.read_until("C")
        client.send(run("s") + flush())
        client.read_until("E")
        client.batch()
        client.batch(parse("SELECT 2", "s"), run("s"))

    retell(story, "11Z 2nCE[26000]Z 12TDCZ")


def test_closed_after_a_deallocate_that_was_not_run(retell):
    # Its portal's name is in use, or something else fails: after a Close the name is free all the same.
    def story(client):
        for failing in (bind([], "t", "p"), bind([], "t", "q") + run("missing")):
            prepare(client, "s")
            client.send(parse("DEALLOCATE s", "t") + bind([], "s", "p") + failing + sync()
                        + close_statement("s") + run("s") + sync() + run("s", "a value") + sync()
                        + describe("s", "S") + sync() + close_statement("t") + sync())
            client.read(5)

    retell(story, "1Z 12E[42P03]Z 3E[26000]Z E[26000]Z E[26000]Z 3Z"
                  " 1Z 122E[26000]Z 3E[26000]Z E[26000]Z E[26000]Z 3Z")


def test_bound_and_executed_in_another_order(retell):
    # Which name is free is known by what is executed, not by what is bound first.
    def story(client):
        client.batch(parse("DEALLOCATE s", "x"), parse("DEALLOCATE t", "y"))
        for portals in ("q", "qp", "pq"):
            prepare(client, "s", "t")
            client.send(bind([], "x", "p") + bind([], "y", "q") + b"".join(execute(one) for one in portals) + sync()
                        + run("s") + sync() + run("t") + sync() + close_statement("s") + close_statement("t") + sync())
            client.read(4)

    retell(story, "11Z 11Z 22CZ 2TDCZ E[26000]Z 33Z 11Z 22CCZ E[26000]Z E[26000]Z 33Z"
                  " 11Z 22CCZ E[26000]Z E[26000]Z 33Z")


def test_behind_the_end_of_a_block_in_one_batch(retell):
    # The block that has failed is over when the Query comes, although nothing has said so yet.
    def story(client):
        prepare(client, "s")
        for end in ("COMMIT", "ROLLBACK"):
            client.query("BEGIN; SELECT 1/0")
            client.send(parse(end) + run("") + simple("DEALLOCATE s") + sync())
            client.read(2)
            client.batch(run("s"))
            client.batch(close_statement("s"), parse("SELECT 2", "s"))
        client.query("BEGIN; SELECT 1/0")
        client.send(close_statement("missing") + simple("DEALLOCATE s") + sync())
        client.read(2)
        client.query("ROLLBACK")
        client.batch(run("s"))

    retell(story, blocks=True)


#: Several statements in one string, of which none but DEALLOCATE ALL finds a statement of the protocol.
AMONG_OTHERS = ("SELECT 1/0; DEALLOCATE s", "DEALLOCATE ALL; SELECT 1", "DISCARD PLANS",
                "DISCARD TEMP; DISCARD SEQUENCES", "DEALLOCATE missing; DEALLOCATE s")
#: Those of which one does.
ONE_AMONG_OTHERS = ("SELECT 1; DEALLOCATE s", "DEALLOCATE s; SELECT 1", "DEALLOCATE s; DEALLOCATE t",
                    "DEALLOCATE s; SELECT 1/0", "BEGIN; DEALLOCATE s; COMMIT")


def test_among_other_statements(retell):
    def story(client):
        for sql in AMONG_OTHERS:
            prepare(client, "s", "t")
            client.query(sql)
            client.batch(run("s"))
            client.batch(run("t"))
            client.batch(close_statement("s"), parse("SELECT 'new'", "s"), run("s"))
            client.batch(close_statement("s"), close_statement("t"))

    retell(story)


@pytest.mark.parametrize("sql", ONE_AMONG_OTHERS)
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_one_among_other_statements(weir, postgres, sql, mode):
    # PostgreSQL, and session mode, drop the statement. Outside it a DEALLOCATE finds one of the protocol only
    # when it is a text of its own: the server does not know the client's name, and says so
    # (docs/decisions/0007). The statement stays, and the error does what errors do.
    pooler = weir(pool_mode=mode)

    def told(port):
        with Wire(port) as client:
            client.send(parse("SELECT 's'", "s") + parse("SELECT 't'", "t") + sync())
            assert client.result().error is None
            error = client.query(sql).error
            client.query("ROLLBACK")
            client.send(run("s") + sync())
            gone = client.result().error
            return error and error.code, gone and gone.code

    right = ("22012" if "1/0" in sql else None, "26000")
    assert told(postgres.port) == right
    assert told(pooler.port) == (right if mode == "session" else ("26000", None))


def test_names_that_only_quotes_can_say(retell):
    # Names with capitals, quotes and blanks in them.
    names = ["A", "a b", 'q"q', "ünï", "ALL", "all", "x" * 70, "1"]

    def story(client):
        prepare(client, *names)
        for name in names:
            quoted = name.replace('"', '""')
            client.query(f'DEALLOCATE "{quoted}"')
            client.batch(run(name))
        prepare(client, "ü", "all", "x" * 63)
        client.query("DEALLOCATE Ü")
        client.query("DEALLOCATE ü")
        client.query("DEALLOCATE " + "X" * 70)
        client.batch(run("all"))
        client.batch(run("ü"))
        client.batch(run("x" * 63))

    retell(story)


def test_execute_by_sql(weir, postgres):
    # EXECUTE of a statement of the protocol: as in PostgreSQL, or an error with a hint; the client lives on.
    pooler = weir(default_pool_size=2)
    with pooler.wire() as client, pooler.wire() as other:
        for wire, own in ((client, "mine"), (other, "theirs")):
            wire.send(parse(f"SELECT '{own}' || $1", "s") + sync())
            assert wire.result().error is None
        for wire, own in ((client, "mine"), (other, "theirs")) * 2:
            result = wire.query("EXECUTE s('!')")
            assert result.rows == [[own + "!"]] or (result.error.hint and '"s"' in result.error.message), result
            wire.send(run("s", "?") + sync())
            assert wire.result().rows == [[own + "?"]]


def shared_names(client):
    """The names that Weir has given to the statements on the server of the next transaction."""
    return [name for name, in client.query(r"SELECT name FROM pg_prepared_statements WHERE name LIKE 'weir\_%'").rows]


def test_names_of_weirs_own_that_a_client_takes_away(weir):
    # They are to be seen by SQL, and to be ended: then others' statements are parsed anew, and outside blocks
    # nobody notices.
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire() as client, pooler.wire() as meddler:
        client.send(parse("SELECT 'mine', $1::int", "s") + run("s", 1) + sync())
        assert client.result().error is None
        for in_block in (False, True, False):
            name, = shared_names(meddler)
            assert meddler.query(f'DEALLOCATE "{name}"').error is None
            if in_block:
                client.query("BEGIN")
            client.send(run("s", 2) + sync())
            result = client.result()
            if in_block:
                assert (result.error.code, result.error.message) == ("26000", 'prepared statement "s" does not exist')
                client.query("ROLLBACK")
                client.send(run("s", 2) + sync())
                result = client.result()
            assert result.rows == [["mine", "2"]]


@pytest.mark.parametrize("state", ["pin", "reset"])
def test_names_of_weirs_own_that_a_client_gives_to_others(weir, state):
    # What SQL has prepared under such a name is never run for another client.
    pooler = weir(default_pool_size=1, workers=1, session_state=state)
    with pooler.wire() as client:
        client.send(parse("SELECT 'mine', $1::int", "s") + run("s", 1) + sync())
        assert client.result().error is None
        for together in (False, True):
            with pooler.wire() as meddler:
                name, = shared_names(meddler)
                texts = [f'DEALLOCATE "{name}"', f"PREPARE \"{name}\" (int) AS SELECT 'theirs', $1"]
                for text in ["; ".join(texts)] if together else texts:
                    assert meddler.query(text).error is None
            client.send(run("s", 2) + sync())
            assert client.result().rows == [["mine", "2"]]
