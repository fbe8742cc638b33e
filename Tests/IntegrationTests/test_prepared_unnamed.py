"""The unnamed statement: it lives until the next Parse of it or the next simple Query, over any server."""

import threading

import pytest

from harness import wait_until
from pgwire import Wire, bind, close_portal, close_statement, describe, execute, flush, parse, simple, sync
from surroundings import Crowd
from test_prepared import INT8, run

pytestmark = pytest.mark.weir_only


def test_parse_sync_bind_sync(retell):
    # lib/pq: Parse, Describe and Sync, the answer, then Bind, Execute and Sync.
    def story(client):
        for n in range(4):
            client.batch(parse(f"SELECT $1::int + {n}"), describe("", "S"))
            client.batch(bind([n]), execute())
            client.batch(bind([n + 1]), execute())
            client.batch(describe("", "S"))

    retell(story, ("1tTZ 2DCZ 2DCZ tTZ " * 4).strip())


def test_parse_with_types(retell):
    # The declared types are part of it.
    def story(client):
        client.batch(parse("SELECT $1", "", [INT8]))
        client.batch(describe("", "S"), run("", 5))
        client.batch(parse("SELECT $1"))
        client.batch(describe("", "S"), run("", 5))

    retell(story, "1Z tT2TDCZ 1Z tT2TDCZ")


def test_never_parsed(retell):
    # 26000 without a name, whatever others left on the server.
    def story(client):
        client.batch(bind(), execute())
        client.batch(describe("", "S"))
        client.batch(close_statement(""))
        client.send(bind() + execute() + sync() + parse("SELECT 1") + sync() + bind() + execute() + sync())
        client.read(3)

    retell(story, "E[26000]Z E[26000]Z 3Z E[26000]Z 1Z 2DCZ")


def test_replaced_by_one_that_fails(retell):
    # A Parse that fails takes the old one away all the same; one that is skipped does not.
    def story(client):
        client.batch(parse("SELECT 1"))
        client.batch(parse("SELECT nothing"))
        client.batch(run(""))
        client.batch(parse("SELECT 2"))
        client.batch(parse("SELEC 2"))
        client.batch(run(""))
        client.batch(parse("SELECT 3"))
        client.batch(run("missing"), parse("SELECT 4"), run(""))
        client.batch(run(""))
        client.batch(parse("SELECT 1/0"), run(""))
        client.batch(describe("", "S"))

    retell(story, "1Z E[42703]Z E[26000]Z 1Z E[42601]Z E[26000]Z 1Z E[26000]Z 2TDCZ 1E[22012]Z tTZ")


def test_dropped_by_a_query(retell):
    # Any simple Query, one that fails or is empty among them.
    def story(client):
        for sql in ("SELECT 2", "", ";", "SELEC", "SELECT 1/0", "SET TimeZone TO 'UTC'", "COMMIT", "SELECT 1;;"):
            client.batch(parse("SELECT 1"))
            client.query(sql)
            client.batch(run(""))
            client.send(parse("SELECT 1") + sync() + simple(sql) + run("") + sync())
            client.read(3)

    retell(story)


def test_not_dropped_by_a_query_that_is_skipped(retell):
    # After an error up to the Sync a Query is not looked at.
    def story(client):
        client.batch(parse("SELECT 1"))
        client.batch(run("missing"), simple("SELECT 2"))
        client.batch(run(""))

    retell(story, "1Z E[26000]Z 2TDCZ")


def test_closed(retell):
    # Close of it works; named statements are not touched by all this.
    def story(client):
        client.batch(parse("SELECT 'named'", "s"), parse("SELECT 'unnamed'"))
        client.batch(run("s"), run(""))
        client.batch(close_statement(""), run("s"), run(""))
        client.batch(parse("SELECT 'again'"), close_statement("s"))
        client.batch(run(""), run("s"))

    retell(story, "11Z 2TDC2TDCZ 32TDCE[26000]Z 13Z 2TDCE[26000]Z")


def test_replaced_while_on_the_way(retell):
    # Many Parses and Binds of it in flight: each Bind has the one before it.
    def story(client):
        client.send(*(parse(f"SELECT {n}") + sync() + run("") + sync() for n in range(20)))
        client.read(40)
        client.send(*(parse(f"SELECT {n}") + run("") for n in range(20)), sync())
        client.read()
        client.send(parse("SELECT 'a'") + flush() + run("") + parse("SELECT 'b'") + sync() + run("") + run("") + sync())
        client.read(2)

    retell(story)


def test_a_parse_that_is_skipped_behind_one_on_the_way(retell):
    # The first Parse is not confirmed yet when the second is sent, which then is thrown away.
    def story(client):
        client.batch(close_portal("p"), parse("SELECT 'first'"), run("missing"), parse("SELECT 'second'"))
        client.batch(run(""))
        client.send(sync() + parse("SELECT 'third'") + sync() + run("missing") + parse("SELECT 'fourth'") + sync())
        client.read(3)
        client.batch(run(""))
        client.send(parse("SELECT 'fifth'") + run("missing") + parse("SELECT 'sixth'") + sync()
                    + run("missing") + close_statement("") + sync() + run("missing") + simple("SELECT 1") + sync())
        client.read(3)
        client.batch(run(""))

    retell(story, "31E[26000]Z 2TDCZ Z 1Z E[26000]Z 2TDCZ 1E[26000]Z E[26000]Z E[26000]Z 2TDCZ")


def test_dropped_by_a_query_behind_a_close_that_is_skipped(retell):
    # Nobody knows yet that the Close has been skipped when the Query is sent that drops the statement after all.
    def story(client):
        client.send(parse("SELECT 1") + execute() + close_statement("") + sync() + simple("SELECT 2"))
        client.read(2)
        client.batch(run(""))
        client.send(parse("SELECT 1") + run("missing") + close_statement("") + sync() + close_statement("") + sync())
        client.read(2)
        client.batch(run(""))

    retell(story, "1E[34000]Z TDCZ E[26000]Z 1E[26000]Z 3Z E[26000]Z")


def test_dropped_by_a_query_in_an_open_batch(retell):
    # Parse, Query and Bind without a Sync between.
    def story(client):
        for sql in ("SELECT 1", ";", "SELECT 1/0"):
            client.send(parse("SELECT 1"), simple(sql))
            client.read()
            client.batch(describe("", "S"))
            client.send(parse("SELECT 1") + simple(sql) + run("") + sync())
            client.read(2)
            client.batch(parse("SELECT 2", "s"), parse("SELECT 1"), simple(sql), close_statement("s"), run(""))

    retell(story)


KEPT = (
    (parse("SELECT 'kept'"),),
    (execute("nowhere"), bind([], "", "p")),
    (run(""),),
    (run("missing"), run(""), parse("SELECT 'lost'"), close_statement("")),
    (bind([], "", "p"),),
    (parse("SELECT 1", "s"), parse("SELECT 2", "s"), parse("SELECT 'lost'")),
    (bind([], "", "p"), describe("p"), execute("p")),
    (run("", "one too many"), parse("SELECT 'lost'")),
    (run(""),),
    (close_statement("s"), parse("SELECT 'new'"), execute("nowhere"), close_statement("")),
    (run(""),),
    (parse("ROLLBACK"), execute("nowhere"), parse("SELECT 'lost'")),
    (bind([], "", "p"),),
)


def test_kept_by_a_batch_that_fails(retell):
    # After an error in front of them neither its Bind nor a Close or another Parse of it has happened.
    def story(client):
        for batch in KEPT:
            client.batch(*batch)
        client.batch(close_statement("s"))
        client.pipeline(*KEPT)
        client.batch(close_statement("s"))
        for at in range(0, len(KEPT) - 1, 2):
            client.pipeline(*KEPT[at:at + 2])

    once = "1Z E[34000]Z 2TDCZ E[26000]Z 2Z 1E[42P05]Z 2TDCZ E[08P01]Z 2TDCZ 31E[34000]Z 2TDCZ 1E[34000]Z"
    retell(story, f"{once} 2Z 3Z {once} 2Z 3Z {once}")


def test_in_blocks(retell):
    # It outlives its transaction, and the ROLLBACK too if that is no simple Query.
    def story(client):
        client.batch(parse("BEGIN", "s"), parse("ROLLBACK", "t"))
        client.batch(run("s"))
        client.batch(parse("SELECT 1"))
        client.batch(run("missing"))
        client.batch(run(""))
        client.batch(parse("SELECT 2"))
        client.batch(run("t"))
        client.batch(run(""))
        client.batch(run("s"), parse("SELECT 3"), run("t"))
        client.batch(run(""))

    retell(story, blocks=True)


def test_empty(retell):
    # The unnamed statement without a text.
    def story(client):
        client.batch(parse(""))
        client.batch(describe("", "S"), run(""))
        client.batch(parse("-- nothing"), run(""))
        client.batch(run(""))

    retell(story, "1Z tn2nIZ 12nIZ 2nIZ")


def test_large(retell):
    # Texts that are remembered only in part or not at all would show here: 100 kB and 3 MB.
    def story(client):
        for size in (100_000, 3_000_000):
            client.batch(parse(f"SELECT length('{'x' * size}')"))
            client.batch(run(""))
            client.batch(run(""), run(""))

    retell(story, "1Z 2TDCZ 2TDC2TDCZ 1Z 2TDCZ 2TDC2TDCZ")


def test_one_too_long_to_be_kept(weir):
    # Its client keeps the server that has it, as long as it has it: a Close that is skipped changes nothing.
    pooler = weir(default_pool_size=2, workers=1)
    with pooler.wire() as client, pooler.wire() as other:
        client.send(parse(f"SELECT length('{'x' * 5_000_000}')") + sync())
        assert client.result().error is None
        client.send(run("missing") + close_statement("") + sync())
        assert client.result().error.code == "26000"
        other.query("BEGIN")
        client.send(run("") + sync())
        assert client.result().rows == [["5000000"]]
        client.send(close_statement("") + sync())
        assert client.result().error is None
        wait_until(lambda: pooler.show("POOLS")[0]["sv_active"] == "1", "the other one's server is the only one")


def test_one_of_many_that_an_error_takes_back(weir, postgres):
    # Which one it is after an error is known of the last few that were on the way. Where it is an older one, the
    # server that has it runs it, and on others it does not exist (docs/decisions/0007).
    pooler = weir(default_pool_size=2)
    crowd = Crowd(pooler, 2, in_block=True)
    told = {}
    for port, number in ((postgres.port, 9), (pooler.port, 3), (pooler.port, 9)):
        with Wire(port) as client:
            client.send(parse("SELECT 'first'") + run("missing") + b"".join([parse("SELECT 'skipped'")] * number)
                        + sync())
            assert client.result().error.code == "26000"
            if port == pooler.port:
                crowd.disturb()
            client.send(run("") + sync())
            told[port, number] = client.result()
            client.send(parse("SELECT 'new'") + run("") + sync())
            assert client.result().rows == [["new"]]
    assert told[postgres.port, 9].rows == told[pooler.port, 3].rows == [["first"]]
    assert told[pooler.port, 9].error.code == "26000"
    crowd.close()


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_never_anothers(weir, mode):
    # Eight clients over two servers, each parsing its own text and binding it a batch later.
    pooler = weir(pool_mode=mode, default_pool_size=2)
    wrong = []

    def work(number):
        with pooler.wire() as client:
            for n in range(150):
                client.send(parse(f"SELECT {number}, $1::int") + describe("", "S") + sync())
                parsed = client.result()
                client.send(bind([n]) + execute() + sync())
                result = client.result()
                if parsed.error or result.error or result.rows != [[str(number), str(n)]]:
                    wrong.append((number, n, parsed.error, result.error, result.rows))

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong, wrong[:5]
