"""Many statements, large ones, and pipelines that are longer than any buffer."""

import select
import threading

import pytest

from pgwire import Closed, close_statement, describe, flush, parse, simple, sync
from test_prepared import run

pytestmark = pytest.mark.weir_only


def test_three_hundred_statements(retell):
    # More than max_prepared_statements; every one of them can be used, in any order.
    def story(client):
        client.send(*(parse(f"SELECT {n}, $1::int", f"s{n}") + sync() for n in range(300)))
        client.read(300)
        for first in (0, 299, 150):
            client.send(*(run(f"s{(first + n * 7) % 300}", n) + sync() for n in range(300)))
            client.read(300)
        client.batch(*(run(f"s{n}", n) for n in range(300)))
        client.batch(*(close_statement(f"s{n}") for n in range(0, 300, 2)))
        client.send(*(describe(f"s{n}", "S") + sync() for n in range(300)))
        client.read(300)

    retell(story)


@pytest.mark.parametrize("limit", [1, 3])
def test_a_batch_with_more_statements_than_a_server_keeps(weir, postgres, limit):
    # Ten statements in one batch, from five clients in turn, over two servers that keep up to three.
    pooler = weir(default_pool_size=2, max_prepared_statements=limit)
    clients = [pooler.wire() for _ in range(5)]
    for at, client in enumerate(clients):
        client.send(b"".join(parse(f"SELECT {at * 100 + n}", f"s{n}") for n in range(10)) + sync())
        result = client.result()
        assert result.error is None and result.kinds == "1" * 10 + "Z"
    for round_ in range(6):
        for at, client in enumerate(clients):
            client.send(b"".join(run(f"s{n}") for n in range(10)) + sync())
        for at, client in enumerate(clients):
            result = client.result()
            assert result.error is None, result.error
            assert result.rows == [[str(at * 100 + n)] for n in range(10)], (round_, at)
    kept = [session.ask("SELECT count(*) FROM pg_prepared_statements") for session in clients]
    assert all(int(count) <= limit for count in kept), f"servers keep {kept} statements"
    for client in clients:
        client.close()


def test_a_server_keeps_no_more_than_it_may(weir):
    # A thousand texts by twenty clients that come and go leave at most 20 statements on the server.
    pooler = weir(default_pool_size=1, max_prepared_statements=20)
    for client_number in range(20):
        with pooler.wire() as client:
            client.send(b"".join(parse(f"SELECT {client_number}, {n}", f"s{n}") + sync() for n in range(50)))
            for _ in range(50):
                assert client.result().error is None
    assert int(pooler.ask("SELECT count(*) FROM pg_prepared_statements")) <= 20


def test_one_text_is_prepared_once(weir):
    # Ten clients with one text and names of their own: the server has it once.
    pooler = weir(default_pool_size=1)
    clients = [pooler.wire() for _ in range(10)]
    for at, client in enumerate(clients):
        client.send(parse("SELECT $1::int * 3", f"name{at}") + sync() + run(f"name{at}", at) + sync())
        assert client.result().error is None
        assert client.result().rows == [[str(at * 3)]]
    assert clients[0].ask("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%* 3'") == "1"
    for client in clients:
        client.close()


@pytest.mark.parametrize("size", [3_900, 16_000, 100_000, 3_000_000])
def test_large_texts(retell, size):
    # A Parse that no receive buffer holds, used on every server, closed, prepared again.
    text = f"SELECT length('{'x' * size}'), $1::int"

    def story(client):
        client.batch(parse(text, "s"), describe("s", "S"))
        for n in range(3):
            client.batch(run("s", n))
        client.batch(parse(text, "t"), run("t", 4), close_statement("s"))
        client.batch(run("s", 5))
        client.batch(parse(text, "t"))
        client.batch(close_statement("t"), parse(text, "t", [20]), run("t", 6))
        client.batch(run("t", 7), describe("t", "S"))

    retell(story, "1tTZ 2TDCZ 2TDCZ 2TDCZ 12TDC3Z E[26000]Z E[42P05]Z 312TDCZ 2TDCtTZ")


def test_large_texts_that_fail(retell):
    # The text is looked at before the name: its error wins, with the position that the client knows.
    text = f"SELECT '{'x' * 200_000}', nothing"

    def story(client):
        client.batch(parse(text, "s"), run("s"))
        client.batch(run("s"))
        client.batch(parse("SELECT 1", "s"))
        client.batch(parse(text, "s"))
        client.batch(run("missing"), parse(text, "t"))
        client.batch(run("s"))

    retell(story, "E[42703]Z E[26000]Z 1Z E[42703]Z E[26000]Z 2TDCZ")


def test_large_values(retell):
    # A Bind of a megabyte in and a row of it out, behind a Parse and alone.
    def story(client):
        client.batch(parse("SELECT $1::text || '!'", "s"), run("s", "y" * 1_000_000))
        client.send(*(run("s", "z" * 300_000) + sync() for _ in range(4)))
        client.read(4)

    retell(story, "12TDCZ 2TDCZ 2TDCZ 2TDCZ 2TDCZ")


def send_before_reading(client, data):
    """Sends all of it, and reads nothing as long as there is room for it on the way."""
    unsent, got = memoryview(data), []
    client.wire.sock.setblocking(False)
    while unsent:
        readable_, writable, _ = select.select([], [client.wire.sock], [], 2)
        if writable:
            unsent = unsent[client.wire.sock.send(unsent[:65536]):]
            continue
        # Nobody takes more before replies are taken.
        got.append(client.wire.sock.recv(1 << 20))
    client.wire.sock.settimeout(30)
    client.wire.pending += b"".join(got)


def test_twenty_thousand_batches_unread(retell):
    # Named, unnamed, failing and simple ones, all sent before anything is read.
    unit = (run("s", 1) + sync() + parse("SELECT $1::int") + sync() + run("", 2) + sync() + run("missing") + sync()
            + simple("SELECT 3"))

    def story(client):
        client.batch(parse("SELECT $1::int", "s"))
        send_before_reading(client, unit * 4000)
        client.read(20_000)

    retell(story)


def test_five_megabytes_of_requests(retell):
    # Values of 5 kB each, a thousand of them in one batch, then in batches of their own.
    def story(client):
        client.batch(parse("SELECT length($1::text)", "s"))
        send_before_reading(client, run("s", "v" * 5000) * 1000 + sync())
        client.read()
        send_before_reading(client, (run("s", "v" * 5000) + sync()) * 1000)
        client.read(1000)

    retell(story)


def test_one_batch_of_ten_thousand_statements(retell):
    # No Sync for a long time; an error near its end takes the rest with it.
    def story(client):
        send_before_reading(client, (parse("SELECT 1") + run("")) * 10_000 + run("missing")
                            + (parse("SELECT 2", "s") + run("s") + flush()) * 500 + sync())
        client.read()
        client.batch(run("s"))

    retell(story)


def test_clients_that_leave_in_the_middle(weir):
    # Half a Parse, a pipeline nobody reads, a Parse without a Sync: the next clients see nothing of it.
    pooler = weir(default_pool_size=2)
    whole = parse("SELECT 'left behind'", "s") + run("s") + sync()

    def leave(data):
        client = pooler.wire()
        try:
            client.send(data)
        except Closed:
            pass
        client.reset()

    for _ in range(5):
        threads = [threading.Thread(target=leave, args=[data]) for data in
                   (whole[:20], whole * 50, parse("SELECT 'left behind'", "s"),
                    parse("SELECT 'left behind'", "s") + run("s") + flush(),
                    parse(f"SELECT '{'x' * 500_000}'", "s")[:300_000], whole + parse("SELECT 1") + flush())]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        for _ in range(4):
            with pooler.wire() as client:
                client.send(run("s") + sync() + run("") + sync() + parse("SELECT 'mine'", "s") + run("s") + sync())
                assert [client.result().error.code for _ in range(2)] == ["26000", "26000"]
                assert client.result().rows == [["mine"]]
