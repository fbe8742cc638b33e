"""pg8000, which is all Python: its native interface, whose prepare() makes named statements."""

import io
import os

import pg8000.native

from report import (CLIENTS, IS_NAMED, PROBE, RAISE_NOTICE, check, end, factor, probe_in_threads, probed)
from values import VALUES, same


def connect():
    return pg8000.native.Connection(os.environ["PGUSER"], host=os.environ["PGHOST"],
                                    port=int(os.environ["PGPORT"]), database=os.environ["PGDATABASE"])


def fails(connection, sql, code):
    try:
        connection.run(sql)
    except pg8000.native.DatabaseError as error:
        assert error.args[0]["C"] == code, error
    else:
        raise AssertionError(f"no error for {sql}")


def types():
    connection = connect()
    for type_, value in VALUES:
        with check(f"type-{type_}"):
            same(value, connection.run(f"SELECT CAST(:value AS {type_})", value=value)[0][0])
    with check("type-null"):
        assert connection.run("SELECT CAST(:value AS int4)", value=None) == [[None]]
    connection.close()


def prepared():
    with check("prepared") as details:
        connections = [connect() for _ in range(CLIENTS)]
        statements = [
            connection.prepare(PROBE.format(parameter=":number", factor=factor(client)))
            for client, connection in enumerate(connections)]
        pids = probe_in_threads(lambda client, number: statements[client].run(number=number)[0])
        details += probed(pids, connections[0].run(IS_NAMED)[0][0])
        for statement in statements:
            statement.close()
        for connection in connections:
            connection.close()


def rollback():
    with check("rollback"):
        connection = connect()
        connection.run("DROP TABLE IF EXISTS matrix_rollback")
        connection.run("CREATE TABLE matrix_rollback (n int4)")
        connection.run("START TRANSACTION")
        connection.run("INSERT INTO matrix_rollback VALUES (:n)", n=1)
        fails(connection, "SELECT 1 / 0", "22012")
        fails(connection, "SELECT 1", "25P02")
        connection.run("ROLLBACK")
        assert connection.run("SELECT count(*) FROM matrix_rollback") == [[0]]
        connection.run("DROP TABLE matrix_rollback")
        connection.close()


def batch():
    # The driver has no pipeline; several statements in one query is its batch.
    with check("batch"):
        connection = connect()
        connection.run("DROP TABLE IF EXISTS matrix_batch; CREATE TABLE matrix_batch (n int4);"
                       + "".join(f"INSERT INTO matrix_batch VALUES ({n});" for n in range(100)))
        assert connection.run("SELECT sum(n) FROM matrix_batch") == [[4950]]
        connection.run("DROP TABLE matrix_batch")
        connection.close()


def copy():
    connection = connect()
    text = "".join(f"{n}\trow {n}\n" for n in range(1000)).encode()
    with check("copy-in"):
        connection.run("DROP TABLE IF EXISTS matrix_copy")
        connection.run("CREATE TABLE matrix_copy (n int4, t text)")
        connection.run("COPY matrix_copy FROM STDIN", stream=io.BytesIO(text))
        assert connection.row_count == 1000
    with check("copy-out"):
        found = io.BytesIO()
        connection.run("COPY (SELECT * FROM matrix_copy ORDER BY n) TO STDOUT", stream=found)
        assert found.getvalue() == text
        connection.run("DROP TABLE matrix_copy")
    connection.close()


def notice():
    with check("notice"):
        connection = connect()
        connection.run(RAISE_NOTICE)
        assert [notice[b"M"] for notice in connection.notices] == [b"heard 7"], connection.notices
        connection.close()


for part in (types, prepared, rollback, batch, copy, notice): # It cannot cancel.
    part()
end()
