"""asyncpg with its statement cache: a named statement for everything, binary values."""

import asyncio
import io
import json

import asyncpg

from report import (CLIENTS, EXECUTIONS, IS_NAMED, PROBE, RAISE_NOTICE, check, end, factor, probed,
                    together)
from values import VALUES, same


async def types():
    connection = await asyncpg.connect()
    for type_, value in VALUES:
        with check(f"type-{type_}"):
            if type_ in ("json", "jsonb"): # Text is what the driver makes of these by default.
                found = json.loads(await connection.fetchval(f"SELECT $1::{type_}", json.dumps(value)))
            else:
                found = await connection.fetchval(f"SELECT $1::{type_}", value)
            same(value, found)
    with check("type-null"):
        assert await connection.fetchval("SELECT $1::int4", None) is None
    await connection.close()


async def prepared():
    with check("prepared") as details:
        connections = [await asyncpg.connect() for _ in range(CLIENTS)]
        pids = [[] for _ in range(CLIENTS)]

        async def run(client):
            for round_ in range(EXECUTIONS):
                number = round_ * CLIENTS + client
                sql = PROBE.format(parameter="$1", factor=factor(client))
                value, pid = await connections[client].fetchrow(sql, number)
                same(number * factor(client), value)
                pids[client].append(pid)

        await together(run(client) for client in range(CLIENTS))
        details += probed(pids, await connections[0].fetchval(IS_NAMED))
        for connection in connections:
            await connection.close()


async def prepared_by_hand():
    # prepare() gives a statement that the program keeps, beside the cache.
    with check("prepare"):
        connection = await asyncpg.connect()
        statement = await connection.prepare("SELECT $1::int4 + 1")
        assert [await statement.fetchval(n) for n in range(10)] == list(range(1, 11))
        await connection.close()


async def rollback():
    with check("rollback"):
        connection = await asyncpg.connect()
        await connection.execute("DROP TABLE IF EXISTS matrix_rollback")
        await connection.execute("CREATE TABLE matrix_rollback (n int4)")
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("INSERT INTO matrix_rollback VALUES ($1)", 1)
        for sql, error in (("SELECT 1 / 0", asyncpg.DivisionByZeroError),
                           ("SELECT 1", asyncpg.InFailedSQLTransactionError)):
            try:
                await connection.fetchval(sql)
            except error:
                continue
            raise AssertionError(f"no error for {sql}")
        await transaction.rollback()
        assert await connection.fetchval("SELECT count(*) FROM matrix_rollback") == 0
        await connection.execute("DROP TABLE matrix_rollback")
        await connection.close()


async def batch():
    # executemany sends all its Binds and Executes before it reads.
    with check("batch"):
        connection = await asyncpg.connect()
        await connection.execute("DROP TABLE IF EXISTS matrix_batch")
        await connection.execute("CREATE TABLE matrix_batch (n int4 PRIMARY KEY)")
        await connection.executemany("INSERT INTO matrix_batch VALUES ($1)", [(n,) for n in range(1000)])
        assert await connection.fetchval("SELECT sum(n) FROM matrix_batch") == 499500
    with check("batch-error"):
        try:
            await connection.executemany("INSERT INTO matrix_batch VALUES ($1)", [(1000,), (7,), (1001,)])
        except asyncpg.UniqueViolationError:
            pass
        else:
            raise AssertionError("no error")
        assert await connection.fetchval("SELECT count(*) FROM matrix_batch") == 1000
        await connection.execute("DROP TABLE matrix_batch")
        await connection.close()


async def cursor():
    # A portal that is fetched in pieces inside its transaction.
    with check("cursor"):
        connection = await asyncpg.connect()
        async with connection.transaction():
            found = [row["g"] async for row in
                     connection.cursor("SELECT g FROM generate_series(1, 1000) g", prefetch=50)]
        assert found == list(range(1, 1001))
        await connection.close()


async def copy():
    connection = await asyncpg.connect()
    with check("copy-in"):
        await connection.execute("DROP TABLE IF EXISTS matrix_copy")
        await connection.execute("CREATE TABLE matrix_copy (n int4, t text)")
        done = await connection.copy_records_to_table(
            "matrix_copy", records=[(n, f"row {n}") for n in range(1000)])
        assert done == "COPY 1000", done
    with check("copy-out"):
        found = io.BytesIO()
        await connection.copy_from_query("SELECT * FROM matrix_copy WHERE n >= $1 ORDER BY n", 0, output=found)
        assert found.getvalue().decode() == "".join(f"{n}\trow {n}\n" for n in range(1000))
        await connection.execute("DROP TABLE matrix_copy")
    await connection.close()


async def cancel():
    with check("cancel"):
        connection = await asyncpg.connect()
        try:
            await connection.fetchval("SELECT pg_sleep(30)", timeout=0.2)
        except asyncio.TimeoutError:
            pass
        else:
            raise AssertionError("it was not cancelled")
        assert await connection.fetchval("SELECT 5") == 5
        await connection.close()


async def notice():
    with check("notice"):
        connection = await asyncpg.connect()
        heard = []
        connection.add_log_listener(lambda _, message: heard.append(message.message))
        await connection.execute(RAISE_NOTICE)
        await asyncio.sleep(0)
        assert heard == ["heard 7"], heard
        await connection.close()


async def pool():
    # The driver's own pool resets a connection when it comes back.
    with check("pool"):
        async with asyncpg.create_pool(min_size=4, max_size=8) as connections:
            found = await asyncio.gather(*(connections.fetchval("SELECT $1::int4", n) for n in range(300)))
        assert found == list(range(300))


async def main():
    for part in (types, prepared, prepared_by_hand, rollback, batch, cursor, copy, cancel, notice, pool):
        await asyncio.wait_for(part(), 40)


asyncio.run(main())
end()
