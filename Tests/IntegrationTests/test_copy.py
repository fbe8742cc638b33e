"""COPY in transaction pooling: both directions and protocols, failing early, late, in the middle, abandoned.

After each the same client goes on at once, and so does the next client of the pool's only server.
"""

import pytest

from harness import wait_until
from pgwire import bind, cstring, describe, execute, message, parse, sync

ROW = b"1\tone\n"
DONE = message("c")


@pytest.fixture
def pooler(weir):
    started = weir(default_pool_size=1, pool_mode="transaction")
    started.ask("DROP TABLE IF EXISTS copied")
    started.ask("CREATE TABLE copied (n int CHECK (n < 1000), t text)")
    return started


def data(rows):
    return message("d", rows)


def simple(sql):
    return message("Q", cstring(sql))


def batch(sql):
    """The messages of one statement by the extended protocol, its Sync left out."""
    return parse(sql) + bind() + describe() + execute()


def until_ready(client):
    """The kinds of the messages up to ReadyForQuery, COPY data left out, and that one's status."""
    kinds = ""
    while not kinds.endswith("Z"):
        kind, body = client.receive()
        kinds += kind if kind != "d" else ""
    return kinds, body.decode()


def begin(client, protocol, sql="COPY copied FROM STDIN"):
    """Sends a COPY and waits until the server wants its data."""
    client.send(simple(sql) if protocol == "simple" else batch(sql) + message("H"))
    kinds = ""
    while not kinds.endswith("G"):
        kinds += client.receive()[0]
    assert kinds == ("G" if protocol == "simple" else "12nG")


def end(protocol):
    """What follows the end of the data."""
    return b"" if protocol == "simple" else sync()


def goes_on(pooler, client, count):
    """The client and another one find the table as expected, and the server is free between them."""
    assert client.ask("SELECT count(*) FROM copied") == str(count)
    with pooler.wire() as another:
        assert another.ask("SELECT count(*) FROM copied") == str(count)
    assert client.ask("SELECT 'still here'") == "still here"


protocols = pytest.mark.parametrize("protocol", ["simple", "extended"])


@protocols
def test_in(pooler, protocol):
    with pooler.wire() as client:
        begin(client, protocol)
        client.send(b"".join(data(ROW) for _ in range(500)) + DONE + end(protocol))
        assert until_ready(client) == ("CZ", "I")
        goes_on(pooler, client, 500)


@protocols
def test_in_all_at_once(pooler, protocol):
    # Data and their end are on their way before the server has said that it wants them.
    with pooler.wire() as client:
        head = simple("COPY copied FROM STDIN") if protocol == "simple" else batch("COPY copied FROM STDIN")
        client.send(head + data(ROW) * 3 + DONE + end(protocol) + simple("SELECT 1"))
        assert until_ready(client) == ("GCZ" if protocol == "simple" else "12nGCZ", "I")
        assert until_ready(client)[0] == "TDCZ"
        goes_on(pooler, client, 3)


@protocols
def test_in_without_rows(pooler, protocol):
    with pooler.wire() as client:
        begin(client, protocol)
        client.send(DONE + end(protocol))
        assert until_ready(client) == ("CZ", "I")
        goes_on(pooler, client, 0)


@protocols
def test_in_fails_early(pooler, protocol):
    # Before any data: the table is missing, and the data that come all the same are nobody's.
    with pooler.wire() as client:
        sql = "COPY missing FROM STDIN"
        client.send((simple(sql) if protocol == "simple" else batch(sql))
                    + data(ROW) * 1000 + DONE + end(protocol))
        assert until_ready(client) == ("EZ" if protocol == "simple" else "12nEZ", "I")
        goes_on(pooler, client, 0)


@protocols
@pytest.mark.parametrize("more", [0, 1, 2000])
def test_in_fails_in_the_middle(pooler, protocol, more):
    # A bad row, with many more behind it that PostgreSQL throws away.
    with pooler.wire() as client:
        begin(client, protocol)
        client.send(data(ROW) * 10 + data(b"nonsense\n") + data(ROW * 100) * more + DONE + end(protocol))
        assert until_ready(client) == ("EZ", "I")
        goes_on(pooler, client, 0)


@protocols
def test_in_fails_late(pooler, protocol):
    # Deferred to the end of the data: all rows are taken, and then the constraint is seen to.
    with pooler.wire() as client:
        client.ask("CREATE UNIQUE INDEX ON copied (n)")
        begin(client, protocol, "COPY copied FROM STDIN (FREEZE false)")
        client.send(data(ROW) + data(b"5000\ttoo large\n") + DONE + end(protocol))
        assert until_ready(client) == ("EZ", "I")
        goes_on(pooler, client, 0)


@protocols
def test_in_given_up(pooler, protocol):
    with pooler.wire() as client:
        begin(client, protocol)
        client.send(data(ROW) * 10 + message("f", cstring("changed my mind")) + end(protocol))
        assert until_ready(client) == ("EZ", "I")
        goes_on(pooler, client, 0)


@protocols
def test_in_a_transaction(pooler, protocol):
    # The server stays with the client from BEGIN to the end, an error in between included.
    with pooler.wire() as client:
        assert client.query("BEGIN").status == "T"
        begin(client, protocol)
        client.send(data(ROW) * 2 + DONE + end(protocol))
        assert until_ready(client) == ("CZ", "T")
        assert client.query("SAVEPOINT s").status == "T"
        begin(client, protocol)
        client.send(data(b"x\n") + DONE + end(protocol))
        assert until_ready(client) == ("EZ", "E")
        assert client.query("ROLLBACK TO s").status == "T"
        assert client.query("COMMIT").status == "I"
        goes_on(pooler, client, 2)


def test_in_twice_in_one_query(pooler):
    with pooler.wire() as client:
        client.send(simple("COPY copied FROM STDIN; COPY copied FROM STDIN; SELECT 1"))
        assert client.receive()[0] == "G"
        client.send(data(ROW) + DONE)
        assert [client.receive()[0] for _ in range(2)] == ["C", "G"]
        client.send(data(ROW) + DONE)
        assert until_ready(client) == ("CTDCZ", "I")
        goes_on(pooler, client, 2)


def test_in_with_a_sync_and_a_flush_among_the_data(pooler):
    # PostgreSQL ignores both there.
    with pooler.wire() as client:
        begin(client, "extended")
        client.send(data(ROW) + sync() + message("H") + data(ROW) + sync() + DONE + sync())
        assert until_ready(client) == ("CZ", "I")
        goes_on(pooler, client, 2)


@protocols
def test_out(pooler, protocol):
    sql = "COPY (SELECT g FROM generate_series(1, 5000) g) TO STDOUT"
    with pooler.wire() as client:
        client.send(simple(sql) if protocol == "simple" else batch(sql) + sync())
        assert until_ready(client) == ("HcCZ" if protocol == "simple" else "12nHcCZ", "I")
        goes_on(pooler, client, 0)


@protocols
@pytest.mark.parametrize("row", [1, 3000])
def test_out_fails(pooler, protocol, row):
    # Before the first row is out, or after many.
    sql = f"COPY (SELECT 1 / (g - {row}) FROM generate_series(1, 5000) g) TO STDOUT"
    with pooler.wire() as client:
        client.send(simple(sql) if protocol == "simple" else batch(sql) + sync())
        assert until_ready(client) == ("HEZ" if protocol == "simple" else "12nHEZ", "I")
        goes_on(pooler, client, 0)


@protocols
def test_out_in_a_pipeline(pooler, protocol):
    # A client's data in the middle of other requests reach nobody else, in order.
    with pooler.wire() as client:
        out = "COPY (VALUES (1), (2)) TO STDOUT"
        one = (simple(out) if protocol == "simple" else batch(out) + sync()) + simple("SELECT 7")
        client.send(one * 50)
        for _ in range(50):
            assert until_ready(client)[0].endswith("HcCZ")
            assert until_ready(client)[0] == "TDCZ"
        goes_on(pooler, client, 0)


ABANDONED = {
    "in": lambda client, protocol: (begin(client, protocol), client.send(data(ROW) * 10)),
    "in the middle of data": lambda client, protocol: (begin(client, protocol),
                                                       client.send(data(ROW) + data(ROW * 50)[:20])),
    "before the data": begin,
    "out": lambda client, protocol: client.send(
        simple("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT")
        if protocol == "simple" else
        batch("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT") + sync()),
}


@protocols
@pytest.mark.parametrize("where", ABANDONED)
@pytest.mark.parametrize("how", ["close", "reset", "terminate"])
@pytest.mark.weir_only
def test_abandoned(pooler, postgres, protocol, where, how):
    # Nothing of it stays, and the server serves the next client: the same server where that is possible.
    with pooler.wire() as client:
        before = client.ask("SELECT pg_backend_pid()")
    leaver = pooler.wire()
    ABANDONED[where](leaver, protocol)
    getattr(leaver, how)()
    with pooler.wire() as client:
        assert client.ask("SELECT count(*) FROM copied") == "0"
        after = client.ask("SELECT pg_backend_pid()")
    if how != "terminate":
        assert after == before
    wait_until(lambda: postgres.sessions() == 1, "one session is left")


@protocols
@pytest.mark.parametrize("direction", ["in", "out"])
def test_cancelled(pooler, postgres, protocol, direction):
    with pooler.wire() as client:
        if direction == "in":
            begin(client, protocol)
            client.send(data(ROW) * 3)
            client.cancel()
            # PostgreSQL looks up when it has read the next of the data.
            client.send(data(ROW) + DONE + end(protocol))
        else:
            sql = "COPY (SELECT pg_sleep(0.01) FROM generate_series(1, 3000)) TO STDOUT"
            client.send(simple(sql) if protocol == "simple" else batch(sql) + sync())
            wait_until(lambda: postgres.sessions("state = 'active' AND query LIKE '%pg_sleep(0.01)%'"), "it runs")
            client.cancel()
        kinds, status = until_ready(client)
        assert (kinds[-2:], status) == ("EZ", "I")
        goes_on(pooler, client, 0)
