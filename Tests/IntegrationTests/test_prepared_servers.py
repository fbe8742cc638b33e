"""Prepared statements when servers end, come anew and move, and what they cost."""

import threading

import pytest

from conftest import LONG
from pgwire import bind, close_statement, describe, execute, parse, simple, sync
from test_memory import Memory
from test_prepared import run

pytestmark = pytest.mark.weir_only


@pytest.fixture
def epoll_is_enough(engine):
    if engine == "io_uring" and not LONG:
        pytest.skip("what statements take is the same on either engine: WEIR_LONG=1 tries both")


def end_servers(postgres):
    postgres.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'app'")


def reconnect(pooler):
    assert pooler.admin("RECONNECT").tags == ["RECONNECT"]


@pytest.mark.parametrize("how", ["terminated", "reconnected"])
def test_new_servers(weir, postgres, how):
    # Idle clients keep their statements over servers that end: named, unnamed, described ones.
    pooler = weir(default_pool_size=2)
    clients = [pooler.wire() for _ in range(5)]
    for at, client in enumerate(clients):
        client.send(parse(f"SELECT {at}, $1::int", "s") + parse("SELECT $1::text || '!'") + describe("s", "S") + sync())
        assert client.result().error is None
    for round_ in range(4):
        if how == "terminated":
            end_servers(postgres)
            postgres.forget_sessions()
        else:
            reconnect(pooler)
        for at, client in enumerate(clients):
            client.send(run("s", round_) + sync() + run("", "a") + sync() + describe("s", "S") + sync())
            assert client.result().rows == [[str(at), str(round_)]]
            assert client.result().rows == [["a!"]]
            assert client.result().kinds == "tTZ"
    for client in clients:
        client.close()


def test_a_server_that_ends_in_the_middle(weir, postgres):
    # Its client is told; all others go on, on a new server, with statements of their own.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as other:
        other.send(parse("SELECT 'other'", "s") + sync())
        assert other.result().error is None
        for _ in range(3):
            client = pooler.wire()
            client.send(parse("SELECT pg_sleep(60)", "s") + sync())
            assert client.result().error is None
            client.send(run("s") + sync() + parse("SELECT 1", "t") + sync())
            pid = wait_for_sleeper(postgres)
            postgres.ask(f"SELECT pg_terminate_backend({pid})")
            assert client.receive()[0] in "2TE"
            client.wait_closed()
            client.close()
            other.send(run("s") + sync())
            assert other.result().rows == [["other"]]


def wait_for_sleeper(postgres):
    while True:
        pid = postgres.ask("SELECT pid FROM pg_stat_activity WHERE usename = 'app' AND state = 'active'"
                           " AND query LIKE '%pg_sleep%'")
        if pid:
            return pid


def test_a_cancel_of_a_prepared_statement(weir, postgres):
    # 57014 in the pipeline: the batch is skipped, the next one runs, the statement is still there.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as client:
        client.send(parse("SELECT pg_sleep(60)", "s") + parse("SELECT 1", "t") + sync())
        assert client.result().error is None
        for _ in range(3):
            client.send(run("s") + run("t") + sync() + run("t") + sync())
            wait_for_sleeper(postgres)
            client.cancel()
            assert client.result().error.code == "57014"
            assert client.result().rows == [["1"]]


def test_servers_that_move_between_workers(weir):
    # Two workers share two servers; what a server holds goes with it.
    pooler = weir(default_pool_size=2, workers=2)
    wrong = []

    def work(number):
        with pooler.wire() as client:
            client.send(parse(f"SELECT {number}, $1::int", "s") + parse("SELECT $1::int + 1", "t") + sync())
            client.result()
            for n in range(150):
                client.send(run("s", n) + run("t", n) + sync())
                result = client.result()
                if result.rows != [[str(number), str(n)], [str(n + 1)]]:
                    wrong.append((number, n, result.error, result.rows))

    threads = [threading.Thread(target=work, args=[number]) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong, wrong[:3]


def test_one_namespace_with_sql(retell):
    # SQL's PREPARE and the protocol's Parse name the same things; on one server, as long as there is but one.
    if retell.how != "session":
        pytest.skip("a statement of SQL stays with its server, and its name is not the protocol's: see the next test")

    def story(client):
        client.query("PREPARE s AS SELECT 'by SQL'")
        client.batch(run("s"))
        client.batch(parse("SELECT 'by protocol'", "s"))
        client.batch(close_statement("s"))
        client.query("EXECUTE s")
        client.batch(parse("SELECT 'by protocol'", "s"))
        client.query("PREPARE s AS SELECT 'by SQL'")
        client.batch(run("s"))
        client.query("DEALLOCATE s")
        client.batch(run("s"))

    retell(story, "CZ 2TDCZ E[42P05]Z 3Z E[26000]Z 1Z E[42P05]Z 2TDCZ CZ E[26000]Z")


def test_two_namespaces_outside_session_mode(weir):
    # PostgreSQL: 42P05. A name that SQL has given is known to one server only, and Weir does not look for it
    # (docs/decisions/0007).
    pooler = weir(default_pool_size=1)
    with pooler.wire() as client:
        assert client.query("PREPARE s AS SELECT 'by SQL'").error is None
        client.send(parse("SELECT 'by protocol'", "s") + run("s") + sync())
        result = client.result()
        assert result.error is None and result.rows == [["by protocol"]]


def test_memory_of_one_text(weir):
    # Twenty-five clients with the same fifty texts of 40 kB (50 MB in all) cost hardly more than one.
    pooler = weir(default_pool_size=2, max_prepared_statements=10)
    texts = [f"SELECT {n}, length('{'x' * 40_000}')" for n in range(50)]
    with Memory(pooler):
        clients = [pooler.wire() for _ in range(25)]
        for client in clients:
            for at, text in enumerate(texts):
                client.send(parse(text, f"s{at}") + sync())
                assert client.result().error is None
        for client in clients:
            client.send(run("s7") + sync())
            assert client.result().rows == [["7", "40000"]]
            client.close()


def test_memory_of_statements_that_go(weir, epoll_is_enough):
    # 20,000 different texts of 3 kB, prepared and closed, unnamed ones between: nothing piles up.
    pooler = weir(default_pool_size=2)
    filler = "x" * 3_000
    with Memory(pooler, bound=24 * 1024), pooler.wire() as client:
        for first in range(0, 20_000, 500):
            client.send(b"".join(parse(f"SELECT {n}, '{filler}'", "s") + close_statement("s")
                                 + parse(f"SELECT {n}") for n in range(first, first + 500)) + sync())
            assert client.result().error is None


def test_memory_of_clients_that_go(weir, epoll_is_enough):
    # Clients leave without closing their statements, 90 MB of texts in all.
    pooler = weir(default_pool_size=2)
    filler = "x" * 15_000
    with Memory(pooler, bound=24 * 1024):
        for number in range(60):
            with pooler.wire() as client:
                client.send(b"".join(parse(f"SELECT '{number}.{n} {filler}'", f"s{n}") for n in range(100)) + sync())
                assert client.result().error is None


def test_a_statement_used_a_thousand_times(weir):
    # Over fifty clients and four servers, by name, every answer its own.
    pooler = weir(default_pool_size=4)
    clients = [pooler.wire() for _ in range(50)]
    for at, client in enumerate(clients):
        client.send(parse(f"SELECT $1::int + {at}", "s") + sync())
    for client in clients:
        assert client.result().error is None
    for n in range(20):
        for client in clients:
            client.send(bind([n], "s") + execute() + sync() + simple(f"SELECT {n}"))
        for at, client in enumerate(clients):
            assert client.result().rows == [[str(n + at)]]
            assert client.result().rows == [[str(n)]]
    for client in clients:
        client.close()


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_clients_that_vanish_behind_an_error(weir, mode):
    # A batch that fails, what is thrown away of it, half a batch behind it, and a reset: the one server is
    # free for the next client each time.
    pooler = weir(pool_mode=mode, default_pool_size=1)
    failing = parse("SELECT 1") + parse("SELECT nothing", "s")
    for left in (failing + close_statement("") + sync() + bind([], "s"),
                 failing + close_statement("") + sync() + run("s") + sync(),
                 failing + parse("SELECT 2") + sync() + bind() + execute(),
                 failing + parse("SELECT 2", "t") + close_statement("s") + sync() + run("t"),
                 failing + describe("", "S") + sync() + describe("", "S")):
        for _ in range(6):
            client = pooler.wire()
            client.send(left)
            client.reset()
            with pooler.wire(timeout=3) as other:
                assert other.ask("SELECT 1") == "1"
