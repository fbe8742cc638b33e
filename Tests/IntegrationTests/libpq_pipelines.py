"""libpq's pipeline mode over many connections, as a program: PSYCOPG_IMPL says which libpq (python: the system's).

  libpq_pipelines.py PORT CONNECTIONS ROUNDS

Every connection prepares one name for a text of its own, then all send their pipelines before any reads.
Prints libpq's version; a wrong result ends it with a message.
"""

import sys

from psycopg import pq

OK, ROWS, SYNCED, ABORTED, FAILED = (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.PIPELINE_SYNC,
                                     pq.ExecStatus.PIPELINE_ABORTED, pq.ExecStatus.FATAL_ERROR)
DEPTH = 20


def connect(port):
    connection = pq.PGconn.connect(f"host=127.0.0.1 port={port} user=app dbname=app".encode())
    assert connection.status == pq.ConnStatus.OK, connection.error_message
    connection.enter_pipeline_mode()
    return connection


def send(connection, number, round_):
    """A pipeline of several batches: a statement prepared, used, an error in the middle, a transaction."""
    if round_ == 0:
        connection.send_prepare(b"stmt", f"SELECT $1::int + {number}".encode())
        connection.pipeline_sync()
    for n in range(DEPTH):
        connection.send_query_prepared(b"stmt", [str(n).encode()])
        if n % 5 == 4:
            connection.pipeline_sync()
    connection.send_query_params(b"SELECT 1/$1::int", [b"0"])
    connection.send_query_prepared(b"stmt", [b"1"])
    connection.pipeline_sync()
    connection.send_query_params(b"BEGIN", None)
    connection.pipeline_sync()
    connection.send_query_prepared(b"stmt", [b"2"])
    connection.pipeline_sync()
    connection.send_query_params(b"COMMIT", None)
    connection.pipeline_sync()
    connection.flush()


def results(connection):
    """Statuses and first values up to the pipeline's end; libpq ends each query's results with a None."""
    while True:
        result = connection.get_result()
        if result is not None:
            yield result.status, result.get_value(0, 0) if result.status == ROWS else None


def expected(number, round_):
    if round_ == 0:
        yield from ((OK, None), (SYNCED, None))
    for n in range(DEPTH):
        yield ROWS, str(n + number).encode()
        if n % 5 == 4:
            yield SYNCED, None
    yield from ((FAILED, None), (ABORTED, None), (SYNCED, None), (OK, None), (SYNCED, None),
                (ROWS, str(2 + number).encode()), (SYNCED, None), (OK, None), (SYNCED, None))


def main(port, count, rounds):
    connections = [connect(port) for _ in range(count)]
    for round_ in range(rounds):
        for number, connection in enumerate(connections):
            send(connection, number * 1000, round_)
        for number, connection in enumerate(connections):
            got = results(connection)
            for at, wanted in enumerate(expected(number * 1000, round_)):
                found = next(got)
                if found != wanted:
                    sys.exit(f"connection {number}, round {round_}, result {at}: {found} in place of {wanted}: "
                             f"{connection.error_message!r}")
    for connection in connections:
        connection.finish()
    print(pq.version())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
