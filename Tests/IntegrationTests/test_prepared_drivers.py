"""Drivers with their prepared statements and pipelines on, as they are by default: 50 connections, 4 servers."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import asyncpg
import pg8000.dbapi
import pg8000.native
import psycopg
import pytest

from harness import HOST, PG_BIN

pytestmark = pytest.mark.weir_only

CONNECTIONS = 50


@pytest.fixture(params=[200, 3])
def pooler(request, weir):
    """Four servers, with room for all statements and for few of them."""
    return weir(default_pool_size=4, max_prepared_statements=request.param)


def on_threads(count, work):
    """Runs `work(number)` on threads; raises the first failure."""
    failures = []

    def run(number):
        try:
            work(number)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failures:
        raise failures[0]


@pytest.mark.parametrize("implementation", ["binary", "python"])
def test_libpq_pipeline_mode(pooler, implementation):
    # The system's libpq 15 and the newer one that psycopg brings along.
    program = Path(__file__).with_name("libpq_pipelines.py")
    done = subprocess.run([sys.executable, str(program), str(pooler.port), str(CONNECTIONS), "3"],
                          env={**os.environ, "PSYCOPG_IMPL": implementation}, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) // 10000 >= (15 if implementation == "python" else 17)


def test_psycopg_prepares(pooler):
    # After five executions psycopg prepares; beyond prepared_max it drops the oldest, and so again and again.
    def work(number):
        with pooler.connect() as connection:
            connection.prepared_max = 4
            for n in range(8):
                for text in range(7):
                    found = connection.execute(f"SELECT %s::int + {number}, {text}", [n]).fetchone()
                    assert found == (n + number, text)

    on_threads(CONNECTIONS, work)


def test_psycopg_pipelines(pooler):
    # Everything prepared at once, errors and transactions between, fifty pipelines at a time.
    def work(number):
        with pooler.connect(prepare_threshold=0) as connection:
            for _ in range(3):
                with connection.pipeline() as pipeline:
                    first = [connection.execute("SELECT %s::int, %s::text", [n, f"c{number}"]) for n in range(30)]
                    with pytest.raises(psycopg.errors.DivisionByZero):
                        connection.execute("SELECT 1 / %s::int", [0])
                        pipeline.sync()
                    with connection.transaction():
                        second = [connection.execute(f"SELECT {number} + %s::int", [n]) for n in range(10)]
                assert [cursor.fetchone() for cursor in first] == [(n, f"c{number}") for n in range(30)]
                assert [cursor.fetchone()[0] for cursor in second] == [number + n for n in range(10)]

    on_threads(CONNECTIONS, work)


def test_psycopg_executemany(pooler):
    # executemany is a pipeline of one prepared statement; RETURNING brings all results.
    with pooler.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS many")
        connection.execute("CREATE TABLE many (c int, n int)")

    def work(number):
        with pooler.connect() as connection:
            cursor = connection.cursor()
            cursor.executemany("INSERT INTO many VALUES (%s, %s) RETURNING n", [(number, n) for n in range(40)],
                               returning=True)
            assert [result.fetchone()[0] for result in cursor.results()] == list(range(40))

    on_threads(CONNECTIONS, work)
    with pooler.connect() as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT (c, n)) FROM many").fetchone() \
            == (CONNECTIONS * 40,) * 2
        connection.execute("DROP TABLE many")


def test_psycopg_rolls_back(pooler):
    # Statements prepared in a transaction that rolls back are kept by psycopg and by PostgreSQL.
    def work(number):
        with pooler.connect(prepare_threshold=0) as connection:
            for n in range(10):
                with pytest.raises(psycopg.errors.DivisionByZero), connection.transaction():
                    assert connection.execute("SELECT %s::int", [number]).fetchone() == (number,)
                    connection.execute("SELECT 1 / %s::int", [0])
                assert connection.execute("SELECT %s::int", [n]).fetchone() == (n,)
                if n == 5:
                    connection.execute("DISCARD ALL")

    on_threads(CONNECTIONS, work)


# asyncpg: named statements for everything, a cache, binary results.

def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


def asyncpg_options(pooler, **options):
    return {"host": HOST, "port": pooler.port, "user": "app", "database": "app", "ssl": False, **options}


@pytest.mark.parametrize("cache", [100, 5])
def test_asyncpg(pooler, cache):
    # Its cache of statements, also one that overflows; transactions, cursors and errors between.
    async def work(number):
        connection = await asyncpg.connect(**asyncpg_options(pooler, statement_cache_size=cache))
        for n in range(12):
            assert await connection.fetchval("SELECT $1::int + $2::int", n, number) == n + number
            assert await connection.fetchval(f"SELECT {n % 8} || $1::text", str(number)) == f"{n % 8}{number}"
            if n % 4 == 0:
                with pytest.raises(asyncpg.DivisionByZeroError):
                    await connection.fetchval("SELECT 1 / $1::int", 0)
            if n % 4 == 1:
                async with connection.transaction():
                    cursor = connection.cursor("SELECT g + $1::int FROM generate_series(1, 70) g", number)
                    assert [row[0] async for row in cursor] == list(range(number + 1, number + 71))
        await connection.close()

    async def story():
        await asyncio.gather(*(work(number) for number in range(CONNECTIONS)))

    run(story())


def test_asyncpg_executemany(pooler):
    # One pipeline of Binds and Executes, in a transaction of its own; a bad value undoes it all.
    async def story():
        first = await asyncpg.connect(**asyncpg_options(pooler))
        await first.execute("DROP TABLE IF EXISTS async_many")
        await first.execute("CREATE TABLE async_many (c int, n int CHECK (n < 100))")

        async def work(number):
            connection = await asyncpg.connect(**asyncpg_options(pooler))
            insert = "INSERT INTO async_many VALUES ($1, $2)"
            await connection.executemany(insert, [(number, n) for n in range(50)])
            with pytest.raises(asyncpg.CheckViolationError):
                await connection.executemany(insert, [(number, n) for n in range(90, 110)])
            await connection.executemany(insert, [(number, n) for n in range(50, 60)])
            await connection.close()

        await asyncio.gather(*(work(number) for number in range(CONNECTIONS)))
        assert await first.fetchval("SELECT count(*) FROM async_many") == CONNECTIONS * 60
        assert await first.fetchval("SELECT max(n) FROM async_many") == 59
        await first.execute("DROP TABLE async_many")
        await first.close()

    run(story())


def test_asyncpg_types_of_ones_own(pooler):
    # An enum and a composite make asyncpg ask the catalogue, by statements of its own that it prepares.
    async def story():
        first = await asyncpg.connect(**asyncpg_options(pooler))
        await first.execute("DROP TABLE IF EXISTS moods; DROP TYPE IF EXISTS mood, pair;"
                            " CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TYPE pair AS (a int, b mood)")

        async def work(number):
            connection = await asyncpg.connect(**asyncpg_options(pooler))
            for _ in range(3):
                assert await connection.fetchval("SELECT $1::mood", "glad") == "glad"
                assert tuple(await connection.fetchval("SELECT $1::pair", (number, "sad"))) == (number, "sad")
            await connection.close()

        await asyncio.gather(*(work(number) for number in range(CONNECTIONS)))
        await first.execute("DROP TYPE pair, mood")
        await first.close()

    run(story())


def test_asyncpg_when_a_table_changes(pooler):
    # asyncpg is told that a statement's result has changed, and outside a transaction it prepares anew itself.
    async def story():
        first = await asyncpg.connect(**asyncpg_options(pooler))
        await first.execute("DROP TABLE IF EXISTS altered; CREATE TABLE altered (n int4);"
                            " INSERT INTO altered VALUES (7)")
        connections = [await asyncpg.connect(**asyncpg_options(pooler)) for _ in range(12)]
        for kind in ("int8", "int4", "text"):
            for connection in connections:
                assert await connection.fetchval("SELECT n::text || $1 FROM altered", "!") == "7!"
                assert str(await connection.fetchval("SELECT n FROM altered")) == "7"
            await first.execute(f"ALTER TABLE altered ALTER n TYPE {kind} USING n::text::{kind}")
        for connection in connections:
            assert await connection.fetchval("SELECT n FROM altered") == "7"
            await connection.close()
        await first.execute("DROP TABLE altered")
        await first.close()

    run(story())


def test_asyncpg_pool(pooler):
    # Its pool's clean-up between users of a connection leaves the cached statements usable.
    async def story():
        async with asyncpg.create_pool(**asyncpg_options(pooler), min_size=CONNECTIONS, max_size=CONNECTIONS) as pool:
            for _ in range(4):
                answers = await asyncio.gather(*(pool.fetchval("SELECT $1::int * 2", n) for n in range(200)))
                assert answers == [n * 2 for n in range(200)]

    run(story())


# pg8000: Parse and Sync, then Bind and Sync.

def pg8000_options(pooler):
    return {"host": HOST, "port": pooler.port, "user": "app", "database": "app"}


def test_pg8000(pooler):
    # Unnamed statements over two batches each; named ones with prepare(), closed again.
    def work(number):
        connection = pg8000.native.Connection(**pg8000_options(pooler))
        prepared = connection.prepare("SELECT cast(:n AS int) + cast(:m AS int)")
        for n in range(12):
            assert connection.run("SELECT cast(:n AS int), cast(:t AS text)", n=n, t=f"c{number}") \
                == [[n, f"c{number}"]]
            assert prepared.run(n=n, m=number) == [[n + number]]
            with pytest.raises(pg8000.native.DatabaseError):
                connection.run("SELECT 1 / cast(:n AS int)", n=0)
        prepared.close()
        connection.close()

    on_threads(CONNECTIONS, work)


def test_pg8000_dbapi(pooler):
    # Its transactions begin by themselves; executemany repeats one statement.
    def work(number):
        connection = pg8000.dbapi.connect(**pg8000_options(pooler))
        cursor = connection.cursor()
        for n in range(5):
            cursor.execute("CREATE TEMP TABLE mine (n int) ON COMMIT DROP")
            cursor.executemany("INSERT INTO mine VALUES (%s)", [(n * number,) for n in range(10)])
            cursor.execute("SELECT sum(n), %s FROM mine", (f"c{number}",))
            assert list(cursor.fetchone()) == [45 * number, f"c{number}"]
            connection.commit() if n % 2 else connection.rollback()
        connection.close()

    on_threads(CONNECTIONS, work)


def test_pgbench_prepared(weir, bench, postgres):
    # pgbench -M prepared, 64 clients on 8 servers, while indexes and columns come and go: no error at all.
    pooler = weir(default_pool_size=8)
    done = []

    def load():
        done.append(subprocess.run(
            [str(PG_BIN / "pgbench"), "-h", HOST, "-p", str(pooler.port), "-U", "app", "-n", "-M",
             "prepared", "-c", "64", "-j", "2", "-t", "30", bench], capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=120))

    thread = threading.Thread(target=load)
    thread.start()
    with postgres.connect(bench, user="app") as connection:
        while thread.is_alive():
            connection.execute("CREATE INDEX extra ON pgbench_accounts (abalance)")
            connection.execute("ALTER TABLE pgbench_branches ADD added int DEFAULT 5")
            thread.join(0.1)
            connection.execute("DROP INDEX extra")
            connection.execute("ALTER TABLE pgbench_branches DROP added")
    assert done[0].returncode == 0 and "1920/1920" in done[0].stdout, done[0].stdout + done[0].stderr
