"""psycopg2, which puts values into the text and prepares nothing."""

import io
import threading
import time

import psycopg2
import psycopg2.extras
from psycopg2.extensions import TRANSACTION_STATUS_INERROR

from report import (CLIENTS, IS_NAMED, PROBE, RAISE_NOTICE, check, end, factor, probe_in_threads, probed)
from values import VALUES, same

psycopg2.extras.register_uuid()
WRAPPERS = {"json": psycopg2.extras.Json, "jsonb": psycopg2.extras.Json}


def connect(autocommit=True):
    connection = psycopg2.connect("")
    connection.autocommit = autocommit
    return connection


def ask(connection, sql, values=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone() if cursor.description else None


def types():
    connection = connect()
    for type_, value in VALUES:
        with check(f"type-{type_}"):
            found = ask(connection, f"SELECT CAST(%s AS {type_})", [WRAPPERS.get(type_, lambda v: v)(value)])[0]
            same(value, bytes(found) if type_ == "bytea" else found)
    with check("type-null"):
        assert ask(connection, "SELECT %s::int4", [None]) == (None,)
    connection.close()


def prepared():
    with check("prepared") as details:
        connections = [connect() for _ in range(CLIENTS)]
        pids = probe_in_threads(lambda client, number: ask(
            connections[client], PROBE.format(parameter="%s", factor=factor(client)), [number]))
        details += probed(pids, ask(connections[0], IS_NAMED)[0])
        for connection in connections:
            connection.close()


def rollback():
    # The driver's default: a transaction begins with the first statement.
    with check("rollback"):
        connection = connect(autocommit=False)
        ask(connection, "DROP TABLE IF EXISTS matrix_rollback")
        ask(connection, "CREATE TABLE matrix_rollback (n int4)")
        connection.commit()
        ask(connection, "INSERT INTO matrix_rollback VALUES (1)")
        for sql, error in (("SELECT 1 / 0", psycopg2.errors.DivisionByZero),
                           ("SELECT 1", psycopg2.errors.InFailedSqlTransaction)):
            try:
                ask(connection, sql)
            except error:
                continue
            raise AssertionError(f"no error for {sql}")
        assert connection.info.transaction_status == TRANSACTION_STATUS_INERROR
        connection.rollback()
        assert ask(connection, "SELECT count(*) FROM matrix_rollback") == (0,)
        ask(connection, "DROP TABLE matrix_rollback")
        connection.commit()
        connection.close()


def batch():
    # execute_batch joins statements to one query, execute_values rows to one statement.
    with check("batch"):
        connection = connect(autocommit=False)
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS matrix_batch")
            cursor.execute("CREATE TABLE matrix_batch (n int4)")
            psycopg2.extras.execute_batch(cursor, "INSERT INTO matrix_batch VALUES (%s)",
                                          [[n] for n in range(200)])
            psycopg2.extras.execute_values(cursor, "INSERT INTO matrix_batch VALUES %s",
                                           [[n] for n in range(200, 400)])
            cursor.execute("SELECT array_agg(n ORDER BY n) FROM matrix_batch")
            assert cursor.fetchone() == (list(range(400)),)
            cursor.execute("DROP TABLE matrix_batch")
        connection.commit()
        connection.close()


def cursor():
    # A server-side cursor fetches in pieces inside its transaction.
    with check("cursor"):
        connection = connect(autocommit=False)
        with connection.cursor("pieces") as pieces:
            pieces.itersize = 100
            pieces.execute("SELECT g FROM generate_series(1, 1000) g")
            assert [row[0] for row in pieces] == list(range(1, 1001))
        connection.rollback()
        connection.close()


def copy():
    connection = connect()
    text = "".join(f"{n}\trow {n}\n" for n in range(1000))
    with connection.cursor() as cursor:
        with check("copy-in"):
            cursor.execute("DROP TABLE IF EXISTS matrix_copy; CREATE TABLE matrix_copy (n int4, t text)")
            cursor.copy_expert("COPY matrix_copy FROM STDIN", io.StringIO(text))
            assert cursor.rowcount == 1000
        with check("copy-out"):
            found = io.StringIO()
            cursor.copy_expert("COPY (SELECT * FROM matrix_copy ORDER BY n) TO STDOUT", found)
            assert found.getvalue() == text
            cursor.execute("DROP TABLE matrix_copy")
    connection.close()


def cancel():
    with check("cancel"):
        connection = connect()
        thread = threading.Thread(target=lambda: (time.sleep(0.2), connection.cancel()))
        thread.start()
        try:
            ask(connection, "SELECT pg_sleep(30)")
        except psycopg2.errors.QueryCanceled:
            pass
        else:
            raise AssertionError("it was not cancelled")
        thread.join()
        assert ask(connection, "SELECT 5") == (5,)
        connection.close()


def notice():
    with check("notice"):
        connection = connect()
        ask(connection, RAISE_NOTICE)
        assert connection.notices == ["NOTICE:  heard 7\n"], connection.notices
        connection.close()


for part in (types, prepared, rollback, batch, cursor, copy, cancel, notice):
    part()
end()
