"""A program: reads PostgreSQL's list of sessions again and again, until its standard input ends.

    sampler.py PORT MILLISECONDS ROLE…

Prints a line for each reading: the time before and after it (monotonic clock, seconds), and the sessions of
these roles as a JSON array of [pid, role, database, start in ms since 1970, application name]. While
PostgreSQL cannot be asked there is a line with `null` in place of the sessions.
"""

import select
import sys
import time

import psycopg

SESSIONS = """
SELECT coalesce(json_agg(json_build_array(pid, usename, datname,
    round(extract(epoch FROM backend_start) * 1000), application_name)), '[]')::text
FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = ANY(%s)
"""


def connect(port):
    return psycopg.connect(host="127.0.0.1", port=port, user="postgres", dbname="postgres", autocommit=True,
                           connect_timeout=2, application_name="sampler")


def main(port, pause, roles):
    connection, next_time = None, time.monotonic()
    while not select.select([sys.stdin], [], [], max(0, next_time - time.monotonic()))[0]:
        before = time.monotonic()
        try:
            connection = connection or connect(port)
            before = time.monotonic()
            sessions = connection.execute(SESSIONS, (roles,)).fetchone()[0]
        except psycopg.Error:
            sessions = "null"
            if connection:
                connection.close()
                connection = None
        print(f"[{before:.4f}, {time.monotonic():.4f}, {sessions}]", flush=True)
        next_time = max(next_time + pause, time.monotonic())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) / 1000, sys.argv[3:])
