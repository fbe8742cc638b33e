"""psycopg 3 with the C implementation: prepares a statement on its own at the fifth execution."""

import threading
import time

import psycopg
from psycopg.types.json import Json, Jsonb

from report import (CLIENTS, IS_NAMED, PROBE, RAISE_NOTICE, check, end, factor, probe_in_threads, probed)
from values import VALUES, same

WRAPPERS = {"json": Json, "jsonb": Jsonb}


def connect(**options):
    return psycopg.connect(autocommit=True, **options)


def types():
    with connect() as connection:
        for type_, value in VALUES:
            with check(f"type-{type_}"):
                sent = WRAPPERS.get(type_, lambda v: v)(value)
                for binary in (False, True):
                    cursor = connection.execute(f"SELECT %s::{type_}", [sent], binary=binary)
                    same(value, cursor.fetchone()[0])
        with check("type-null"):
            assert connection.execute("SELECT %s::int4", [None]).fetchone() == (None,)


def prepared():
    with check("prepared") as details:
        connections = [connect() for _ in range(CLIENTS)]
        pids = probe_in_threads(lambda client, number: connections[client].execute(
            PROBE.format(parameter="%s", factor=factor(client)), [number]).fetchone())
        details += probed(pids, connections[0].execute(IS_NAMED).fetchone()[0])
        for connection in connections:
            connection.close()


def rollback():
    with check("rollback"), connect() as connection:
        connection.execute("DROP TABLE IF EXISTS matrix_rollback")
        connection.execute("CREATE TABLE matrix_rollback (n int4)")
        try:
            with connection.transaction():
                connection.execute("INSERT INTO matrix_rollback VALUES (1)")
                try:
                    connection.execute("SELECT 1 / 0")
                except psycopg.errors.DivisionByZero:
                    connection.execute("SELECT 1")
        except psycopg.errors.InFailedSqlTransaction:
            pass
        assert connection.execute("SELECT count(*) FROM matrix_rollback").fetchone() == (0,)
        connection.execute("DROP TABLE matrix_rollback")


def batch():
    with check("batch"), connect() as connection:
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::int4", [n]) for n in range(200)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(200))
    with check("batch-error"), connect() as connection:
        try:
            with connection.pipeline():
                connection.execute("SELECT 1")
                connection.execute("SELECT 1 / 0")
                connection.execute("SELECT 3")
        except psycopg.errors.DivisionByZero:
            pass
        else:
            raise AssertionError("no error")
        assert connection.execute("SELECT 4").fetchone() == (4,)
    with check("executemany"), connect() as connection:
        cursor = connection.cursor()
        cursor.executemany("SELECT %s::int4", [[n] for n in range(100)], returning=True)
        assert [results.fetchone()[0] for results in cursor.results()] == list(range(100))


def copy():
    rows = [(n, f"row {n}") for n in range(1000)]
    with connect() as connection:
        with check("copy-in"):
            connection.execute("DROP TABLE IF EXISTS matrix_copy")
            connection.execute("CREATE TABLE matrix_copy (n int4, t text)")
            with connection.cursor() as cursor:
                with cursor.copy("COPY matrix_copy FROM STDIN (FORMAT binary)") as copied:
                    copied.set_types(["int4", "text"])
                    for row in rows:
                        copied.write_row(row)
                assert cursor.rowcount == 1000
        with check("copy-out"):
            with connection.cursor().copy("COPY (SELECT * FROM matrix_copy ORDER BY n) TO STDOUT") as copied:
                copied.set_types(["int4", "text"])
                assert list(copied.rows()) == rows
            connection.execute("DROP TABLE matrix_copy")


def cancel():
    with check("cancel"), connect() as connection:
        thread = threading.Thread(target=lambda: (time.sleep(0.2), connection.cancel_safe()))
        thread.start()
        try:
            connection.execute("SELECT pg_sleep(30)")
        except psycopg.errors.QueryCanceled:
            pass
        else:
            raise AssertionError("it was not cancelled")
        thread.join()
        assert connection.execute("SELECT 5").fetchone() == (5,)


def notice():
    with check("notice"), connect() as connection:
        heard = []
        connection.add_notice_handler(lambda diagnostic: heard.append(diagnostic.message_primary))
        connection.execute(RAISE_NOTICE)
        assert heard == ["heard 7"], heard


with check(f"libpq-{psycopg.pq.version() // 10000}-{psycopg.pq.__impl__}"):
    pass
for part in (types, prepared, rollback, batch, copy, cancel, notice):
    part()
end()
