"""Named statements of the protocol, by the replies that PostgreSQL itself gives to the same messages."""

import itertools

import pytest

from pgwire import bind, close_portal, close_statement, describe, execute, flush, parse, simple, sync

pytestmark = pytest.mark.weir_only

INT4, INT8, TEXT = 23, 20, 25


def run(name, *values):
    """Bind, Describe and Execute."""
    return bind(values, name) + describe() + execute()


def groupings(messages):
    """All ways to cut a sequence into batches."""
    for cuts in itertools.product((False, True), repeat=len(messages) - 1):
        batches = [[messages[0]]]
        for cut, following in zip(cuts, messages[1:]):
            if cut:
                batches.append([])
            batches[-1].append(following)
        yield batches


WHOLE_LIFE = (parse("SELECT $1::int + 1", "s"), describe("s", "S"), bind([41], "s"), describe(), execute(),
              close_statement("s"))


def test_every_grouping_into_batches(retell):
    # The six messages of a statement's life, with a Sync between any of them or not: 32 ways.
    def story(client):
        for batches in groupings(WHOLE_LIFE):
            for batch in batches:
                client.batch(*batch)
            client.batch(close_statement("s"))

    retell(story)


def test_every_grouping_into_batches_in_a_block(retell):
    # In a transaction block portals live over Syncs.
    def story(client):
        for batches in groupings(WHOLE_LIFE):
            client.query("BEGIN")
            for batch in batches:
                client.batch(*batch)
            client.query("COMMIT")

    retell(story, blocks=True)


def test_every_grouping_pipelined(retell):
    # The same without waiting for any answer.
    def story(client):
        for batches in groupings(WHOLE_LIFE):
            client.send(b"".join(b"".join(batch) + sync() for batch in batches) + close_statement("s") + sync())
            client.read(len(batches) + 1)

    retell(story)


def test_a_statement_follows_its_client(retell):
    # Prepared once, used on whichever server comes.
    def story(client):
        client.batch(parse("SELECT $1::int + 1", "s"))
        for n in range(6):
            client.batch(run("s", n))
        client.batch(describe("s", "S"))
        client.batch(describe("s", "S"), run("s", 7))

    retell(story, "1Z " + "2TDCZ " * 6 + "tTZ tT2TDCZ")


def test_several_statements_of_one_client(retell):
    # Two names of one text, and one text with other types, are statements of their own.
    def story(client):
        client.batch(parse("SELECT $1", "s"), parse("SELECT $1", "t"), parse("SELECT $1", "u", [INT8]))
        for name in "stu":
            client.batch(describe(name, "S"), run(name, 7))
        client.batch(close_statement("s"))
        for name in "stu":
            client.batch(describe(name, "S"), run(name, 8))

    retell(story, "111Z " + "tT2TDCZ " * 3 + "3Z E[26000]Z tT2TDCZ tT2TDCZ")


NAMES = ["x" * 63, "y" * 62, "ünï cödé", 'quo"ted', "it's", " ", "\t\n", "S_1", "weir_1", "__weir_1", "W1",
         "PGBOUNCER_1", "select", "0", "\1\2"]


def test_names(retell):
    # Any bytes but zero make a name, whatever Weir calls its own.
    def story(client):
        for name in NAMES:
            client.batch(parse(f"SELECT 'mine', {len(name)}", name))
            client.batch(run(name))
            client.batch(parse("SELECT 'again'", name))
        for name in NAMES:
            client.batch(run(name))
            client.batch(close_statement(name))
            client.batch(run(name))
            client.batch(describe(name, "S"))

    retell(story, ("1Z 2TDCZ E[42P05]Z " * 15 + "2TDCZ 3Z E[26000]Z E[26000]Z " * 15).strip())


def test_names_that_are_too_long(retell):
    # PostgreSQL compares the first 63 bytes, wherever they end in a letter, and its errors show all of them.
    def story(client):
        for long in ("x" * 70, "x" * 64, "y" * 5000, "ü" * 40, "z" * 62 + "ü"):
            short = long.encode()[:63].decode(errors="ignore")
            client.batch(parse("SELECT 'mine'", long))
            for name in (long, long + "more", long[:63], short, long[:62], long[:-1]):
                client.batch(run(name))
                client.batch(describe(name, "S"))
                client.batch(parse("SELECT 'again'", name), run(name))
                client.batch(close_statement(name))
                client.batch(close_statement(name), parse("SELECT 'new'", long))
            client.batch(close_statement(long))

    retell(story)


def test_close_and_parse_in_one_batch(retell):
    # The new statement is used, in that batch and later.
    def story(client):
        client.batch(parse("SELECT 1", "s"))
        client.batch(close_statement("s"), parse("SELECT 'two'", "s"), run("s"))
        client.batch(run("s"))
        client.batch(close_statement("s"), parse("SELECT 3, 3", "s"))
        client.batch(describe("s", "S"), run("s"))
        client.batch(run("s"), close_statement("s"), parse("SELECT 'four'", "s"), run("s"),
                     close_statement("s"), parse("SELECT 5.5", "s"), run("s"))
        client.batch(run("s"))

    retell(story, "1Z 312TDCZ 2TDCZ 31Z tT2TDCZ 2TDC312TDC312TDCZ 2TDCZ")


def test_close_of_what_is_not_there(retell):
    # No error: CloseComplete, alone and between other things, once and twice.
    def story(client):
        client.batch(close_statement("s"))
        client.batch(close_statement("s"), close_statement("s"), close_portal("p"), close_statement(""))
        client.batch(parse("SELECT 1", "s"), close_statement("s"), close_statement("s"), run("s"))
        client.batch(close_statement("s"))

    retell(story, "3Z 3333Z 133E[26000]Z 3Z")


def test_many_closes_pipelined(retell):
    # Closes that could be answered without a server keep their place between replies that could not.
    def story(client):
        client.send(*(parse(f"SELECT {n}", "s") + run("s") + close_statement("s") + sync() for n in range(20)))
        client.read(20)
        client.send(*(simple(f"SELECT {n}") + close_statement("t") + sync() for n in range(20)))
        client.read(40)
        client.send(*(close_statement("t") + sync() + simple(f"SELECT {n}") for n in range(20)))
        client.read(40)

    retell(story)


def test_statements_outlive_their_transaction(retell):
    # Preparing and closing are not undone by ROLLBACK, nor by an error later in the batch.
    def story(client):
        client.query("BEGIN")
        client.batch(parse("SELECT 1", "s"))
        client.query("SAVEPOINT a")
        client.batch(parse("SELECT 'two'", "t"))
        client.query("ROLLBACK TO a")
        client.batch(run("t"))
        client.batch(close_statement("s"))
        client.query("ROLLBACK")
        client.batch(run("s"))
        client.batch(run("t"))
        client.batch(parse("SELECT 3", "u"), parse("SELECT 1/0", "S"), run("S"))
        client.batch(run("u"))
        client.batch(close_statement("u"), run("S"))
        client.batch(run("u"))

    retell(story, "CZT 1ZT CZT 1ZT CZT 2TDCZT 3ZT CZ E[26000]Z 2TDCZ 11E[22012]Z 2TDCZ 3E[22012]Z"
                  " E[26000]Z", blocks=True)


def test_transaction_control_as_statements(retell):
    # Drivers prepare BEGIN, COMMIT and ROLLBACK and run them on whichever server comes.
    def story(client):
        client.batch(parse("BEGIN", "s"), parse("COMMIT", "t"), parse("ROLLBACK", "u"), parse("SELECT 1", "S"))
        for end in "tu":
            for batch in (run("s"), run("S"), run(end)):
                client.batch(batch)
            client.batch(run("s"), run("S"), run(end))
            client.batch(run("s"), run("S"))
            client.batch(run("nowhere"))
            client.batch(run("S"))
            client.batch(describe("S", "S"))
            client.batch(describe("u", "S"))
            client.batch(run(end))
            client.batch(run("S"))

    once = "2nCZT 2TDCZT 2nCZ 2nC2TDC2nCZ 2nC2TDCZT E[26000]ZE E[25P02]ZE E[25P02]ZE tnZE 2nCZ 2TDCZ "
    retell(story, ("1111Z " + once + once).strip(), blocks=True)


def test_empty_statements(retell):
    # EmptyQueryResponse for no text, blanks and comments, from a statement that is kept as well.
    def story(client):
        for text in ("", "   ", ";", "-- nothing", "/* nothing */"):
            client.batch(parse(text, "s"), describe("s", "S"))
            client.batch(run("s"))
            client.batch(close_statement("s"))

    retell(story, ("1tnZ 2nIZ 3Z " * 5).strip())


def test_types(retell):
    # Types that the client declares, leaves open (0) or forgets; one more than there are parameters.
    texts = {(INT4,): "SELECT $1 + 1", (TEXT,): "SELECT $1", (0, INT8): "SELECT $1::text, $2", (): "SELECT $1::time",
             (INT4, INT4, INT4): "SELECT $1 * $2", (0, 0): "SELECT $2 || $1"}

    def story(client):
        for types, text in texts.items():
            client.batch(parse(text, "s", types), describe("s", "S"))
            for _ in range(3):
                client.batch(describe("s", "S"))
            client.batch(close_statement("s"))
        client.batch(parse("SELECT $1", "s", [4_000_000]))
        client.batch(parse("SELECT $1", "s", [2_000_000_000]), run("s", 1))
        client.batch(run("s", 1))

    retell(story)


def test_values(retell):
    # NULLs, wrong values, too few and too many of them, binary results.
    def story(client):
        client.batch(parse("SELECT $1::int, $2::text", "s"))
        for values in ((1, "a"), (None, None), ("one", "a"), (1,), (1, "a", "b"), (), (99999999999, "a"), (3, "c")):
            client.batch(run("s", *values))
        for formats in ((1,), (0,), (1, 0), (0, 1), (1, 1, 1), (7,)):
            client.batch(bind([5, "e"], "s", result_formats=formats), describe(), execute())

    retell(story, "1Z 2TDCZ 2TDCZ E[22P02]Z E[08P01]Z E[08P01]Z E[08P01]Z E[22003]Z 2TDCZ"
                  " 2TDCZ 2TDCZ 2TDCZ 2TDCZ E[08P01]Z 2TE[22023]Z")


def test_portals(retell):
    # Several open portals, read in pieces over several batches of one transaction, closed, opened again.
    def story(client):
        client.batch(parse("SELECT g FROM generate_series(1, $1) g", "s"))
        client.query("BEGIN")
        client.batch(bind([7], "s", "p"), bind([3], "s", "q"), bind([2], "s"))
        client.batch(execute("p", 3), execute("q", 2), execute("", 1))
        client.batch(describe("p"), execute("p", 3), execute("q", 2), execute("", 0))
        client.batch(execute("p", 3), execute("p", 3), close_portal("p"), bind([1], "s", "p"), execute("p"))
        client.batch(close_statement("s"), execute("q"))
        client.batch(bind([1], "s", "r"))
        client.query("ROLLBACK")
        client.batch(execute("p"))
        client.batch(describe("q"))

    retell(story, "1Z CZT 222ZT DDDsDDsDsZT TDDDsDCDCZT DCC32DCZT 3CZT E[26000]ZE CZ E[34000]Z"
                  " E[34000]Z", blocks=True)


def test_a_portal_ends_with_its_batch(retell):
    # Outside a block a Sync ends the transaction and with it the portal; a name may be used again at once.
    def story(client):
        client.batch(parse("SELECT g FROM generate_series(1, 9) g", "s"))
        client.batch(bind([], "s", "p"), execute("p", 4), execute("p", 4))
        client.batch(execute("p", 4))
        client.batch(bind([], "s", "p"), bind([], "s", "p"), execute("p"))
        client.send(bind([], "s", "p") + execute("p", 2) + sync() + execute("p", 2) + sync()
                    + bind([], "s", "p") + execute("p", 2) + sync())
        client.read(3)

    retell(story, "1Z 2DDDDsDDDDsZ E[34000]Z 2E[42P03]Z 2DDsZ E[34000]Z 2DDsZ")


def test_flush(retell):
    # A client may wait for each reply after a Flush; the Sync comes much later, or after the next batch.
    def story(client):
        client.batch(parse("SELECT $1::int", "t"))
        for _ in range(3):
            client.send(parse("SELECT g FROM generate_series(1, $1) g", "s") + flush())
            client.read_until("1")
            client.send(describe("s", "S") + flush())
            client.read_until("T")
            client.send(bind([4], "s") + flush())
            client.read_until("2")
            client.send(execute("", 2) + flush())
            client.read_until("s")
            client.send(execute("", 0) + flush())
            client.read_until("C")
            client.send(flush() + flush() + run("t", 5) + flush())
            client.read_until("C")
            client.send(close_statement("s") + flush())
            client.read_until("3")
            client.batch()

    retell(story, "1Z " + "1tT2DDsDDC2TDC3Z " * 2 + "1tT2DDsDDC2TDC3Z")


def test_flush_after_an_error(retell):
    # The error comes at once; everything up to the Sync is skipped, Flush and Query among it.
    def story(client):
        client.batch(parse("SELECT 1", "s"))
        client.send(run("missing") + flush())
        client.read_until("E")
        client.send(run("s") + flush() + simple("SELECT 2") + flush() + parse("SELECT 3", "t"))
        client.batch()
        client.batch(run("t"))
        client.batch(run("s"))

    retell(story, "1Z E[26000]Z E[26000]Z 2TDCZ")


def test_sync_alone(retell):
    # Batches with nothing in them, many of them, and between others.
    def story(client):
        client.batch()
        client.send(sync() * 50)
        client.read(50)
        client.send(parse("SELECT 1", "s") + sync() * 3 + run("s") + sync() * 3)
        client.read(6)

    retell(story, "Z " * 51 + "1Z Z Z 2TDCZ Z Z")
