"""Python's two drivers, as applications use them, over transaction and session pools."""

import asyncio
import threading

import asyncpg
import psycopg
import pytest

from harness import HOST

pytestmark = pytest.mark.parametrize("mode", ["transaction", "session"])


def test_psycopg_simple_queries(weir, mode):
    # Values go and come back through the extended protocol with an unnamed statement.
    pooler = weir(pool_mode=mode)
    with pooler.connect() as connection:
        assert connection.execute("SELECT %s::int + 1", [41]).fetchone() == (42,)
        assert connection.execute("SELECT %s::text", ["ünï"]).fetchone() == ("ünï",)
        assert connection.execute("SELECT NULL::text, 'b'").fetchone() == (None, "b")


def test_psycopg_client_side_binding(weir, mode):
    # ClientCursor sends finished text in simple Query messages.
    pooler = weir(pool_mode=mode)
    with pooler.connect(cursor_factory=psycopg.ClientCursor) as connection:
        assert connection.execute("SELECT %s, %s", [7, "it's"]).fetchone() == (7, "it's")


def test_psycopg_prepared_statements_off(weir, mode):
    # prepare_threshold=None is what poolers' manuals have asked for so far.
    pooler = weir(pool_mode=mode)
    with pooler.connect(prepare_threshold=None) as connection:
        for n in range(20):
            assert connection.execute("SELECT %s::int", [n]).fetchone() == (n,)


def test_psycopg_prepared_within_a_transaction(weir, mode):
    # A named statement prepared and used inside one transaction, again and again.
    pooler = weir(pool_mode=mode, default_pool_size=2)
    for round_ in range(3):
        with pooler.connect() as connection, connection.transaction():
            for n in range(5):
                found = connection.execute("SELECT %s::int * 2", [n], prepare=True).fetchone()
                assert found == (n * 2,), round_
            connection.execute("DEALLOCATE ALL")


@pytest.mark.weir_only
def test_psycopg_prepared_across_transactions(weir, mode):
    # The default of psycopg 3: after five executions a statement is prepared and stays so. Transaction
    # pooling moves the client from server to server and the statement must follow.
    pooler = weir(pool_mode=mode, default_pool_size=4)
    connections = [pooler.connect() for _ in range(4)]
    for n in range(40):
        for at, connection in enumerate(connections):
            assert connection.execute("SELECT %s::int + %s::int", [n, at]).fetchone() == (n + at,)
    for connection in connections:
        connection.close()


def test_psycopg_copy(weir, mode):
    # COPY in and out by the driver's block interface.
    pooler = weir(pool_mode=mode)
    with pooler.connect() as connection, connection.transaction():
        connection.execute("CREATE TEMP TABLE copied (n int, t text) ON COMMIT DROP")
        with connection.cursor().copy("COPY copied FROM STDIN") as copy:
            for n in range(5000):
                copy.write_row((n, "x" * (n % 50)))
        with connection.cursor().copy("COPY (SELECT n FROM copied ORDER BY n) TO STDOUT") as copy:
            assert [int(row[0]) for row in copy.rows()] == list(range(5000))


def test_psycopg_copy_given_up_by_the_client(weir, mode):
    # An exception inside the block makes the driver send CopyFail; the connection stays usable.
    pooler = weir(pool_mode=mode, default_pool_size=1)
    with pooler.connect() as connection:
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.execute("CREATE TEMP TABLE given_up (n int) ON COMMIT DROP")
            with connection.cursor().copy("COPY given_up FROM STDIN") as copy:
                copy.write_row((1,))
                raise ZeroDivisionError
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_psycopg_pipeline(weir, mode):
    # Pipeline mode sends many batches before it reads the first answer; the order must hold.
    pooler = weir(pool_mode=mode)
    with pooler.connect(prepare_threshold=None) as connection:
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::int", [n]) for n in range(200)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(200))


def test_psycopg_pipeline_with_an_error_inside(weir, mode):
    # What follows an error up to the next Sync is aborted; what follows that runs.
    pooler = weir(pool_mode=mode)
    with pooler.connect(prepare_threshold=None) as connection:
        with connection.pipeline() as pipeline:
            good = connection.execute("SELECT 1")
            pipeline.sync()
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute("SELECT 1 / 0")
                pipeline.sync()
            after = connection.execute("SELECT 2")
            pipeline.sync()
        assert (good.fetchone(), after.fetchone()) == ((1,), (2,))


def test_psycopg_transactions(weir, mode):
    # Commit, rollback and nested blocks (savepoints) do what they say.
    pooler = weir(pool_mode=mode, default_pool_size=2)
    with pooler.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS ledger")
        connection.execute("CREATE TABLE ledger (n int)")
        with connection.transaction():
            connection.execute("INSERT INTO ledger VALUES (1)")
            with pytest.raises(psycopg.errors.DivisionByZero), connection.transaction():
                connection.execute("INSERT INTO ledger VALUES (2)")
                connection.execute("SELECT 1 / 0")
        with pytest.raises(ZeroDivisionError), connection.transaction():
            connection.execute("INSERT INTO ledger VALUES (3)")
            raise ZeroDivisionError
        assert connection.execute("SELECT array_agg(n) FROM ledger").fetchone() == ([1],)
        connection.execute("DROP TABLE ledger")


def test_psycopg_errors_keep_their_fields(weir, mode):
    # PostgreSQL's error arrives whole: SQLSTATE, detail, constraint name.
    pooler = weir(pool_mode=mode)
    with pooler.connect() as connection, connection.transaction():
        connection.execute("CREATE TEMP TABLE unique_ones (n int CONSTRAINT only_one UNIQUE) ON COMMIT DROP")
        connection.execute("INSERT INTO unique_ones VALUES (1)")
        with pytest.raises(psycopg.errors.UniqueViolation) as caught, connection.transaction():
            connection.execute("INSERT INTO unique_ones VALUES (1)")
    assert caught.value.diag.constraint_name == "only_one"
    assert "already exists" in caught.value.diag.message_detail


def test_psycopg_server_side_cursor(weir, mode):
    # A named cursor fetches in pieces inside its transaction.
    pooler = weir(pool_mode=mode)
    with pooler.connect(autocommit=False) as connection:
        with connection.cursor(name="pieces") as cursor:
            cursor.execute("SELECT g FROM generate_series(1, 1000) g")
            assert [row[0] for row in cursor.fetchmany(10)] == list(range(1, 11))
            assert len(cursor.fetchall()) == 990
        connection.commit()


def test_psycopg_stream(weir, mode):
    # stream() reads row by row while PostgreSQL still sends.
    pooler = weir(pool_mode=mode)
    with pooler.connect() as connection:
        rows = connection.cursor().stream("SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g")
        assert sum(row[0] for row in rows) == 20000 * 20001 // 2


def test_psycopg_threads_get_their_own_answers(weir, mode):
    # Eight threads with a connection each ask for their own numbers through two servers.
    pooler = weir(pool_mode=mode, default_pool_size=8 if mode == "session" else 2)
    wrong = []

    def ask(thread):
        with pooler.connect(prepare_threshold=None) as connection:
            for n in range(100):
                own = thread * 1000 + n
                if connection.execute("SELECT %s::int", [own]).fetchone() != (own,):
                    wrong.append(own)

    threads = [threading.Thread(target=ask, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


# asyncpg: always the extended protocol, binary results, its own ideas about resets.

def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def asyncpg_connect(pooler, **options):
    return asyncpg.connect(host=HOST, port=pooler.port, user="app", database="app",
                           **{"statement_cache_size": 0, "ssl": False, **options})


def test_asyncpg_values(weir, mode):
    # Binary values of several types, both ways.
    async def story():
        connection = await asyncpg_connect(pooler)
        assert await connection.fetchval("SELECT $1::int8 + 1", 2**40) == 2**40 + 1
        assert await connection.fetchval("SELECT $1::text[]", ["a", None]) == ["a", None]
        assert (await connection.fetchrow("SELECT 1 AS a, 'b' AS b"))["b"] == "b"
        await connection.close()

    pooler = weir(pool_mode=mode)
    run(story())


def test_asyncpg_transactions_and_errors(weir, mode):
    # An error aborts the block, the connection goes on.
    async def story():
        connection = await asyncpg_connect(pooler)
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with connection.transaction():
                await connection.execute("SELECT 1 / 0")
        async with connection.transaction():
            assert [row["g"] async for row in connection.cursor("SELECT g FROM generate_series(1, 120) g")] \
                == list(range(1, 121))
        assert await connection.fetchval("SELECT 3") == 3
        await connection.close()

    pooler = weir(pool_mode=mode, default_pool_size=1)
    run(story())


def test_asyncpg_copy(weir, mode):
    # copy_records_to_table sends binary COPY data.
    async def story():
        connection = await asyncpg_connect(pooler)
        async with connection.transaction():
            await connection.execute("CREATE TEMP TABLE copied (n int, t text) ON COMMIT DROP")
            await connection.copy_records_to_table("copied", records=[(n, f"t{n}") for n in range(3000)])
            assert await connection.fetchval("SELECT sum(n) FROM copied") == 3000 * 2999 // 2
        await connection.close()

    pooler = weir(pool_mode=mode)
    run(story())


def test_asyncpg_pool(weir, mode):
    # asyncpg's own pool resets each connection at its release with a batch of clean-up statements.
    async def story():
        async with asyncpg.create_pool(host=HOST, port=pooler.port, user="app", database="app", ssl=False,
                                       min_size=1, max_size=8, statement_cache_size=0) as pool:
            answers = await asyncio.gather(*(pool.fetchval("SELECT $1::int", n) for n in range(300)))
        assert answers == list(range(300))

    pooler = weir(pool_mode=mode, default_pool_size=8 if mode == "session" else 3)
    run(story())


@pytest.mark.planned
@pytest.mark.weir_only
def test_asyncpg_statement_cache(weir, mode):
    # With its statement cache on, asyncpg uses named statements for everything.
    async def story():
        async with asyncpg.create_pool(host=HOST, port=pooler.port, user="app", database="app", ssl=False,
                                       min_size=6, max_size=6) as pool:
            for _ in range(5):
                answers = await asyncio.gather(*(pool.fetchval("SELECT $1::int * 2", n) for n in range(60)))
                assert answers == [n * 2 for n in range(60)]

    pooler = weir(pool_mode=mode, default_pool_size=8 if mode == "session" else 3)
    run(story())


def test_asyncpg_timeout_cancels(weir, mode):
    # A timeout makes asyncpg send a cancel request and wait for the answer.
    async def story():
        connection = await asyncpg_connect(pooler)
        with pytest.raises(asyncio.TimeoutError):
            await connection.fetchval("SELECT pg_sleep(30)", timeout=0.3)
        assert await connection.fetchval("SELECT 5") == 5
        await connection.close()

    pooler = weir(pool_mode=mode, default_pool_size=1)
    run(story())
