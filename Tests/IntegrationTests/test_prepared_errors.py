"""Names that are in use or missing, texts that fail, and what follows such an error up to the Sync."""

import pytest

from pgwire import (Wire, bind, close_portal, close_statement, cstring, describe, execute, flush, message, parse,
                    simple, sync)
from surroundings import Crowd
from test_prepared import INT4, run

pytestmark = pytest.mark.weir_only


def missing(name):
    """Each message that can name a statement that is not there."""
    return (bind([], name), describe(name, "S"), run(name))


def test_missing_names(retell):
    # 26000 with the name that the client said; at the next Sync all is well.
    def story(client):
        for name in ("missing", "Missing", "ünï", "x" * 100, "weir_1"):
            for asked in missing(name):
                client.batch(asked)
        client.query("SELECT 1")

    retell(story, "E[26000]Z " * 15 + "TDCZ")


def test_missing_names_in_a_pipeline(retell):
    # What stood before has happened, the rest up to the Sync is skipped, the next batch runs.
    def story(client):
        client.batch(parse("SELECT 1", "s"))
        for asked in missing("missing"):
            client.send(run("s") + asked + run("s") + parse("SELECT 2", "t") + close_statement("s") + sync()
                        + run("s") + sync() + run("t") + sync())
            client.read(3)
            client.send(asked + sync() + asked + sync() + run("s") + sync())
            client.read(3)

    retell(story, "1Z" + " 2TDCE[26000]Z 2TDCZ E[26000]Z E[26000]Z E[26000]Z 2TDCZ" * 3)


def test_missing_names_in_a_block(retell):
    # The error aborts the block as any other; ROLLBACK ends it, COMMIT rolls it back.
    def story(client):
        for end in ("ROLLBACK", "COMMIT"):
            for asked in missing("missing"):
                client.query("BEGIN")
                client.batch(asked)
                client.query("SELECT 1")
                client.query(end)
        client.query("BEGIN")
        client.query("SAVEPOINT a")
        client.batch(bind([], "missing"))
        client.query("ROLLBACK TO a")
        client.query("SELECT 1")
        client.query("COMMIT")

    retell(story, "CZT E[26000]ZE E[25P02]ZE CZ " * 6 + "CZT CZT E[26000]ZE CZT TDCZT CZ", blocks=True)


def test_names_in_use(retell):
    # 42P05 for the same and for another text; the first statement stays what it was.
    def story(client):
        client.batch(parse("SELECT 1", "s"))
        client.batch(parse("SELECT 1", "s"))
        client.batch(parse("SELECT 'two'", "s"), run("s"))
        client.batch(parse("SELECT 'two'", "s", [INT4]))
        client.batch(run("s"), parse("SELECT 3", "s"), run("s"), close_statement("s"))
        client.batch(run("s"))
        client.send(parse("SELECT 2", "s") + sync() + run("s") + sync() + close_statement("s")
                    + parse("SELECT 'new'", "s") + sync() + run("s") + sync())
        client.read(4)

    retell(story, "1Z E[42P05]Z E[42P05]Z E[42P05]Z 2TDCE[42P05]Z 2TDCZ E[42P05]Z 2TDCZ 31Z 2TDCZ")


def test_names_in_errors_of_values(retell):
    # Several names of one text: each error shows the name that its message said.
    def story(client):
        client.batch(*(parse("SELECT $1::int", name) for name in ("s", "t", "", "u")))
        for name in ("t", "u", "s", ""):
            client.batch(run(name))
            client.batch(run(name, 1, 2))
            client.batch(run(name, "x"))
        client.batch(close_statement("s"))
        for name in ("t", "u", "s"):
            client.batch(run(name))

    retell(story)


def test_names_in_errors_that_their_batch_takes_back(retell):
    # The error is known when the name is given to another statement already, which it takes back.
    def story(client):
        client.batch(parse("SELECT 1", "s"), bind([5], "s"), close_statement("s"), parse("SELECT $1::int", "s"),
                     run("s", 1))
        client.batch(run("s"))
        client.batch(parse("RESET TimeZone", "t"), bind([5], "t"), bind([], "t", "p"), close_statement("t"),
                     parse("SELECT '2024-01-01 12:00+00'::timestamptz", "t"), bind([], "t", "q"))
        client.batch(run("t"))

    retell(story, "1E[08P01]Z 2TDCZ 1E[08P01]Z 2nCZ")


def test_names_in_use_in_one_batch(retell):
    # Both Parses arrive together: the first counts, the second is the error.
    def story(client):
        client.batch(parse("SELECT 1", "s"), parse("SELECT 2", "s"), run("s"))
        client.batch(run("s"))
        client.batch(close_statement("s"), parse("SELECT 'three'", "s"), parse("SELECT 4", "s"))
        client.batch(run("s"))

    retell(story, "1E[42P05]Z 2TDCZ 31E[42P05]Z 2TDCZ")


def test_names_in_use_behind_a_close_that_is_skipped(retell):
    # The first Parse is answered while the Close is on the way, which an error then skips.
    def story(client):
        client.batch(parse("SELECT pg_sleep(0.2)", "t"))
        client.send(parse("SELECT 1", "s") + flush() + run("t") + run("missing") + close_statement("s") + sync()
                    + parse("SELECT 2", "s") + sync() + run("s") + sync())
        client.read(3)

    retell(story, "1Z 12TDCE[26000]Z E[42P05]Z 2TDCZ")


def test_names_in_use_in_a_block(retell):
    # It aborts the block; in a block that is aborted already, 25P02 comes first.
    def story(client):
        client.batch(parse("SELECT 1", "s"))
        client.query("BEGIN")
        client.batch(parse("SELECT 2", "s"))
        client.batch(parse("SELECT 2", "s"))
        client.batch(parse("ROLLBACK", "s"))
        client.batch(run("s"))
        client.query("ROLLBACK")
        client.batch(run("s"))

    retell(story, "1Z CZT E[42P05]ZE E[25P02]ZE E[42P05]ZE E[25P02]ZE CZ 2TDCZ", blocks=True)


def test_an_aborted_block(retell):
    # Nothing but the end of the block runs; Close works, names that are there and not are told apart.
    def story(client):
        client.batch(parse("SELECT 1", "s"), parse("ROLLBACK", "u"), parse("SET TimeZone TO 'UTC'", "S"))
        client.query("BEGIN")
        client.query("SELECT 1/0")
        client.batch(parse("SELECT 2", "t"))
        client.batch(run("s"))
        client.batch(run("S"))
        client.batch(describe("s", "S"))
        client.batch(run("missing"))
        client.batch(describe("missing", "S"))
        client.batch(close_statement("s"), close_statement("missing"))
        client.batch(run("s"))
        client.batch(parse("", "t"), run("t"))
        client.batch(parse("ROLLBACK", "T"))
        client.batch(close_statement("S"), run("T"), parse("SELECT 4", "t"))
        client.batch(run("t"))
        client.batch(run("T"), run("u"))

    retell(story, "111Z CZT E[22012]ZE E[25P02]ZE E[25P02]ZE E[25P02]ZE E[25P02]ZE E[26000]ZE E[26000]ZE"
                  " 33ZE E[26000]ZE 1E[25P02]ZE 1ZE 32nCE[42P05]Z 2nIZ 2nN[25P01]C2nN[25P01]CZ", blocks=True)


def test_an_aborted_block_on_a_server_without_the_statement(weir, postgres):
    # PostgreSQL describes a statement without a result in an aborted block, too, and says of values too few
    # that they are too few. Weir cannot prepare anything there, and so has 25P02 for both wherever the server
    # has not got the statement (docs/decisions/0007).
    pooler = weir(default_pool_size=2)
    crowd = Crowd(pooler, 2, in_block=True)
    told = {}
    for port in (postgres.port, pooler.port):
        with Wire(port) as client:
            client.send(parse("DELETE FROM pg_description WHERE objoid = $1", "s") + sync())
            assert client.result().error is None
            crowd.disturb()
            assert client.query("BEGIN").error is None
            assert client.query("SELECT 1/0").error.code == "22012"
            for asked in (describe("s", "S"), bind([], "s")):
                client.send(asked + sync())
                error = client.result().error
                told.setdefault(port, []).append(error and error.code)
            assert client.query("ROLLBACK").error is None
            client.send(describe("s", "S") + sync())
            assert client.result().error is None
    assert told == {postgres.port: [None, "08P01"], pooler.port: ["25P02", "25P02"]}
    crowd.close()


def test_a_text_that_fails_leaves_its_name_free(retell):
    # Syntax errors and missing tables; the name can be used, and what had it is gone if it was closed.
    def story(client):
        for text in ("SELEC 1", "SELECT * FROM nowhere", "SELECT 1; SELECT 2", "SELECT $1 + $2", "SELECT 'a"):
            client.batch(parse(text, "s"), run("s"))
            client.batch(run("s"))
            client.batch(parse("SELECT 'good'", "s"))
            client.batch(run("s"))
            client.batch(close_statement("s"), parse(text, "s"), run("s"))
            client.batch(run("s"))
            client.batch(parse("SELECT 'kept'", "t"))
            client.batch(parse(text, "t"))
            client.batch(run("t"))
            client.batch(close_statement("t"))

    retell(story)


def test_a_parse_that_is_skipped(retell):
    # After an error in its batch a Parse has not happened, and a Close has not either.
    def story(client):
        client.batch(parse("SELECT 1", "s"))
        client.batch(run("missing"), parse("SELECT 2", "t"), close_statement("s"), parse("SELECT 3", "s"))
        client.batch(run("t"))
        client.batch(run("s"))
        client.send(parse("SELECT 1/0", "u") + run("u") + parse("SELECT 4", "t") + sync()
                    + run("t") + sync() + parse("SELECT 5", "t") + sync() + run("t") + sync())
        client.read(4)

    retell(story, "1Z E[26000]Z E[26000]Z 2TDCZ 1E[22012]Z E[26000]Z 1Z 2TDCZ")


THROWN_AWAY = (
    (parse("SELECT 1", "s"), execute("nowhere"), close_statement("s"), parse("SELECT 2", "s")),
    (parse("SELECT 1", "t"),),
    (parse("SELECT 3", "u"),),
    (run("t"), run("missing"), run("u"), run("s")),
    (run("t"),),
    (run("u"), run("missing"), parse("SELECT 4", "S"), close_statement("t")),
    (run("s"), run("t"), run("u")),
    (close_statement("s"), run("missing"), parse("SELECT 1", "s")),
    (parse("SELECT 1", "s"), run("t")),
    (bind([], "t"), execute(), execute("nowhere"), run("u")),
    (run("t"),),
    (close_statement("s"), close_statement("t"), close_statement("u")),
)


def test_evictions_that_are_thrown_away(retell):
    # What a pooler closes to make room, or because the client did, may be skipped with the rest of a batch.
    def story(client):
        for batch in THROWN_AWAY:
            client.batch(*batch)
        client.pipeline(*THROWN_AWAY)
        for at in range(0, len(THROWN_AWAY), 2):
            client.pipeline(*THROWN_AWAY[at:at + 2])
        for at in range(0, len(THROWN_AWAY), 3):
            client.pipeline(*THROWN_AWAY[at:at + 3])

    retell(story, " ".join(["1E[34000]Z 1Z 1Z 2TDCE[26000]Z 2TDCZ 2TDCE[26000]Z 2TDC2TDC2TDCZ 3E[26000]Z 12TDCZ"
                            " 2DCE[34000]Z 2TDCZ 333Z"] * 4))


def test_batches_behind_one_that_prepares(retell):
    # Ten batches on the way at once: the first prepares, the others use it.
    def story(client):
        client.send(parse("SELECT $1::int * 2", "s") + sync() + b"".join(run("s", n) + sync() for n in range(9)))
        client.read(10)
        client.send(*(run("s", n) + sync() for n in range(5)), close_statement("s") + sync(),
                    *(run("s", n) + sync() for n in range(2)), parse("SELECT 'new'", "s") + sync(),
                    *(run("s") + sync() for n in range(3)))
        client.read(12)

    retell(story, "1Z " + "2TDCZ " * 14 + "3Z E[26000]Z E[26000]Z 1Z 2TDCZ 2TDCZ 2TDCZ")


def test_batches_behind_one_that_fails(retell):
    # The Parse fails, so every batch behind it that uses the name fails by itself.
    def story(client):
        client.send(parse("SELECT nothing", "s") + run("s") + sync() + (run("s") + sync()) * 3
                    + parse("SELECT 1", "s") + sync() + run("s") + sync())
        client.read(6)
        client.send(run("t") + parse("SELECT 2", "t") + sync() + run("t") + sync()
                    + parse("SELECT 3", "t") + sync() + run("t") + parse("SELECT 4", "s") + sync() + run("s") + sync())
        client.read(5)

    retell(story, "E[42703]Z E[26000]Z E[26000]Z E[26000]Z 1Z 2TDCZ E[26000]Z E[26000]Z 1Z 2TDCE[42P05]Z 2TDCZ")


def test_simple_queries_between(retell):
    # Queries and batches on the way at once, errors of both kinds.
    def story(client):
        client.send(simple("SELECT 1") + parse("SELECT 'two'", "s") + sync() + simple("SELECT 1/0") + run("s")
                    + sync() + simple("SELECT 3; SELECT 1/0; SELECT 4") + run("missing") + simple("SELECT 5")
                    + run("s") + sync() + run("s") + sync() + simple("") + run("s") + sync())
        client.read(9)

    retell(story, "TDCZ 1Z E[22012]Z 2TDCZ TDCE[22012]Z E[26000]Z 2TDCZ IZ 2TDCZ")


def test_a_block_over_pipelined_batches(retell):
    # BEGIN … COMMIT over several batches that are all sent at once; the second time one of them fails.
    def story(client):
        client.batch(parse("SELECT $1::int", "s"))
        for good in (True, False):
            client.send(simple("BEGIN") + run("s", 1) + sync() + run("s" if good else "missing", 2) + sync()
                        + parse("SELECT 'in it'", "t") + run("t") + sync() + close_statement("t") + sync()
                        + simple("COMMIT") + run("s", 3) + sync())
            client.read(7)

    retell(story, "1Z CZT 2TDCZT 2TDCZT 12TDCZT 3ZT CZ 2TDCZ"
                  " CZT 2TDCZT E[26000]ZE E[25P02]ZE 3ZE CZ 2TDCZ", blocks=True)


def new_table(postgres):
    with postgres.connect("app", user="app") as connection:
        connection.execute("DROP TABLE IF EXISTS deeds")
        connection.execute("CREATE TABLE deeds (n int PRIMARY KEY)")


def test_implicit_transactions(retell):
    # What stands before one Sync is one transaction: an error in the third statement undoes the first two.
    def story(client):
        client.batch(parse("INSERT INTO deeds VALUES ($1)", "s"), parse("SELECT count(*) FROM deeds", "t"))
        client.batch(run("s", 1), run("s", 2), run("s", 1), run("s", 4))
        client.batch(run("t"))
        client.send(run("s", 1) + run("s", 2) + sync() + run("s", 3) + run("s", 1) + sync() + run("s", 4) + sync()
                    + run("t") + sync())
        client.read(4)
        client.query("INSERT INTO deeds VALUES (10); INSERT INTO deeds VALUES (10)")
        client.batch(run("t"))

    retell(story, "11Z 2nC2nC2nE[23505]Z 2TDCZ 2nC2nCZ 2nC2nE[23505]Z 2nCZ 2TDCZ CE[23505]Z 2TDCZ",
           before=new_table)


def test_an_error_at_the_sync(retell):
    # A deferred constraint fails when the Sync commits: the error stands before its ReadyForQuery.
    def before(postgres):
        with postgres.connect("app", user="app") as connection:
            connection.execute("DROP TABLE IF EXISTS deeds")
            connection.execute("CREATE TABLE deeds (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)")

    def story(client):
        client.batch(parse("INSERT INTO deeds VALUES ($1)", "s"))
        client.batch(run("s", 1), run("s", 1), parse("SELECT 1", "t"))
        client.send(run("s", 2) + run("s", 2) + close_statement("t") + sync() + run("t") + sync() + run("s", 2)
                    + sync() + run("s", 2) + sync() + run("t") + sync())
        client.read(5)

    retell(story, before=before)


def test_messages_that_make_no_sense(retell):
    # PostgreSQL answers 08P01 and goes on: a Describe and a Close of something unknown, cut off messages.
    def story(client):
        client.batch(parse("SELECT 1", "s"))
        client.batch(run("s"), message("D", b"X" + cstring("s")), run("s"))
        client.batch(run("s"), message("C", b"X" + cstring("s")), run("s"))
        client.batch(run("s"))

    retell(story, "1Z 2TDCE[08P01]Z 2TDCE[08P01]Z 2TDCZ")


BROKEN = (
    message("P", b"s\0SELECT 1\0"), message("P", b"s\0SELECT 1"), message("P", b""), message("B", b"\0s\0\0"),
    message("B", b"\0s\0" + b"\0\0\0\1\0\0\0\1"), message("B", b""), message("D", b"S"), message("D", b"Ss"),
    message("C", b"S"), message("C", b"Ss"), message("E", b"p"), message("E", b""),
    message("P", b"t\0SELECT 1\0\0\0more"), message("B", b"\0s\0\0\0\0\0\0\0more"), message("D", b"Ss\0more"),
    message("C", b"Ss\0more"), message("P", b"t\0SELECT 1\0\0\2\0\0\0\0"),
)


def test_messages_of_a_wrong_length(retell):
    # Fields that are cut off or followed by more: an error in the pipeline as PostgreSQL gives it.
    def story(client):
        for broken in BROKEN:
            client.batch(close_statement("s"), parse("SELECT 1", "s"))
            client.batch(run("s"), broken, run("s"))
            client.batch(run("s"))
            client.batch(run("t"))
            client.send(broken + flush() + close_portal("p") + sync())
            client.read()

    retell(story)


def test_bytes_that_are_no_text(retell):
    # Neither in a statement's text nor in its name does PostgreSQL take what is not in the client's encoding.
    def story(client):
        client.batch(parse("SELECT 1", "s"))
        for broken in (message("P", b"t\0SELECT '\xff'\0\0\0"), message("P", b"\xff\0SELECT 1\0\0\0"),
                       message("B", b"\0\xff\0\0\0\0\0\0\0"), message("B", b"\xff\0s\0\0\0\0\0\0\0"),
                       message("D", b"S\xff\0"), message("C", b"S\xff\0")):
            client.batch(run("s"), broken, run("s"))
            client.batch(run("s"))
            client.batch(run("t"))

    retell(story, "1Z" + " 2TDCE[22021]Z 2TDCZ E[26000]Z" * 6)
