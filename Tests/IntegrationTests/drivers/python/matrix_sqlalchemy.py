"""SQLAlchemy over a dialect, psycopg or asyncpg: `matrix_sqlalchemy.py DIALECT`.

Each dialect keeps its driver's prepared statements; SQLAlchemy's own pool holds the connections, and its
transactions begin by themselves.
"""

import asyncio
import os
import sys

from sqlalchemy import (ARRAY, JSON, REAL, BigInteger, Boolean, Column, Date, DateTime, Double, Integer,
                        Interval, LargeBinary, MetaData, Numeric, SmallInteger, Table, Text, Uuid, cast,
                        func, insert, literal, select, text)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from report import (CLIENTS, EXECUTIONS, IS_NAMED, PROBE, RAISE_NOTICE, check, end, factor, probed,
                    together)
from values import VALUES, same

DIALECT = sys.argv[1]
TYPES = {
    "int2": SmallInteger(), "int4": Integer(), "int8": BigInteger(), "numeric": Numeric(), "float4": REAL(),
    "float8": Double(), "text": Text(), "bytea": LargeBinary(), "bool": Boolean(), "date": Date(),
    "timestamp": DateTime(), "timestamptz": DateTime(timezone=True), "interval": Interval(),
    "uuid": Uuid(), "json": JSON(), "jsonb": JSONB(), "int4[]": ARRAY(Integer), "text[]": ARRAY(Text),
}

ENGINE = create_async_engine(
    "postgresql+{}://{PGUSER}@{PGHOST}:{PGPORT}/{PGDATABASE}".format(DIALECT, **os.environ), pool_size=CLIENTS)


async def raw(connection):
    return (await connection.get_raw_connection()).driver_connection


async def code_of(awaited):
    """The SQLSTATE that something fails with."""
    try:
        await awaited
    except DBAPIError as error:
        return error.orig.sqlstate
    raise AssertionError("no error")


async def types():
    async with ENGINE.connect() as connection:
        for name, value in VALUES:
            with check(f"type-{name}"):
                type_ = TYPES[name]
                same(value, await connection.scalar(select(cast(literal(value, type_), type_))))
        with check("type-null"):
            assert await connection.scalar(select(cast(literal(None, Integer), Integer))) is None


async def prepared():
    with check("prepared") as details:
        connections = [await ENGINE.connect() for _ in range(CLIENTS)]
        pids = [[] for _ in range(CLIENTS)]

        async def run(client):
            sql = text(PROBE.format(parameter=":number", factor=factor(client)))
            for round_ in range(EXECUTIONS):
                number = round_ * CLIENTS + client
                async with connections[client].begin():
                    value, pid = (await connections[client].execute(sql, {"number": number})).one()
                same(number * factor(client), value)
                pids[client].append(pid)

        try:
            await together(run(client) for client in range(CLIENTS))
            details += probed(pids, await connections[0].scalar(text(IS_NAMED)))
        finally:
            for connection in connections:
                await connection.close()


async def rollback():
    with check("rollback"):
        async with ENGINE.connect() as connection:
            await connection.execute(text("DROP TABLE IF EXISTS matrix_rollback"))
            await connection.execute(text("CREATE TABLE matrix_rollback (n int4)"))
            await connection.commit()
            await connection.execute(text("INSERT INTO matrix_rollback VALUES (1)"))
            assert await code_of(connection.execute(text("SELECT 1 / 0"))) == "22012"
            assert await code_of(connection.execute(text("SELECT 1"))) == "25P02"
            await connection.rollback()
            assert await connection.scalar(text("SELECT count(*) FROM matrix_rollback")) == 0
            await connection.execute(text("DROP TABLE matrix_rollback"))
            await connection.commit()


async def batch():
    # Rows that go as one statement and come back, rows that go as many, and a stream through a cursor.
    table = Table("matrix_batch", MetaData(), Column("id", Integer, primary_key=True), Column("t", Text))
    with check("batch"):
        async with ENGINE.begin() as connection:
            await connection.run_sync(table.metadata.drop_all)
            await connection.run_sync(table.metadata.create_all)
            rows = [{"t": f"row {n}"} for n in range(500)]
            found = await connection.scalars(insert(table).returning(table.c.id), rows)
            assert sorted(found) == list(range(1, 501))
            await connection.execute(insert(table), rows)
            assert await connection.scalar(select(func.count()).select_from(table)) == 1000
    with check("cursor"):
        async with ENGINE.connect() as connection:
            stream = await connection.stream(select(table.c.id).order_by(table.c.id))
            assert [row.id async for row in stream] == list(range(1, 1001))
        async with ENGINE.begin() as connection:
            await connection.run_sync(table.metadata.drop_all)


async def copy():
    # The driver's own, below SQLAlchemy.
    rows = [(n, f"row {n}") for n in range(1000)]
    with check("copy-in"):
        async with ENGINE.connect() as connection:
            driver = await raw(connection)
            await connection.execute(text("DROP TABLE IF EXISTS matrix_copy"))
            await connection.execute(text("CREATE TABLE matrix_copy (n int4, t text)"))
            if DIALECT == "asyncpg":
                await driver.copy_records_to_table("matrix_copy", records=rows)
            else:
                async with driver.cursor().copy("COPY matrix_copy FROM STDIN") as copied:
                    for row in rows:
                        await copied.write_row(row)
            found = await connection.execute(text("SELECT n, t FROM matrix_copy ORDER BY n"))
            assert [tuple(row) for row in found] == rows
            await connection.rollback()


async def cancel():
    with check("cancel"):
        async with ENGINE.connect() as connection:
            driver = await raw(connection)
            if DIALECT == "asyncpg":
                try:
                    await driver.fetchval("SELECT pg_sleep(30)", timeout=0.2)
                except asyncio.TimeoutError:
                    pass
                else:
                    raise AssertionError("it was not cancelled")
            else:
                asking = asyncio.create_task(code_of(connection.execute(text("SELECT pg_sleep(30)"))))
                await asyncio.sleep(0.2)
                await driver.cancel_safe()
                assert await asking == "57014"
                await connection.rollback()
            assert await connection.scalar(text("SELECT 5")) == 5


async def notice():
    with check("notice"):
        async with ENGINE.connect() as connection:
            driver, heard = await raw(connection), []
            if DIALECT == "asyncpg":
                driver.add_log_listener(lambda _, message: heard.append(message.message))
            else:
                driver.add_notice_handler(lambda message: heard.append(message.message_primary))
            await connection.execute(text(RAISE_NOTICE))
            await asyncio.sleep(0)
            assert heard == ["heard 7"], heard


async def main():
    for part in (types, prepared, rollback, batch, copy, cancel, notice):
        await asyncio.wait_for(part(), 40)
    await ENGINE.dispose()


asyncio.run(main())
end()
