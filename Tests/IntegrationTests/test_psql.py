"""PostgreSQL's own programs through the pooler: psql, its \\copy, \\watch and Ctrl-C, pg_dump."""

import signal
import subprocess
import time

import pytest

from harness import HOST, PG_BIN, wait_until

POOL_MODES = ["transaction", "session"]


def psql(pooler, *arguments, database="app", check=True, **options):
    done = subprocess.run([PG_BIN / "psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments],
                          env=pooler.environment(database=database), capture_output=True, text=True,
                          timeout=60, stdin=options.pop("stdin", subprocess.DEVNULL), **options)
    if check:
        assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("mode", POOL_MODES)
def test_psql_runs_a_script(weir, postgres, mode):
    # Several statements, one of them of several rows, in one session of psql.
    pooler = weir(pool_mode=mode)
    done = psql(pooler, "-c", "SELECT 1", "-c", "SELECT g FROM generate_series(1, 3) g",
                "-c", "BEGIN; SELECT 'inside'; COMMIT")
    assert done.stdout.split() == ["1", "1", "2", "3", "BEGIN", "inside", "COMMIT"]


@pytest.mark.parametrize("mode", POOL_MODES)
def test_psql_describes_tables(weir, postgres, bench, mode):
    # \\d sends a row of catalogue queries whose answers must not mix.
    pooler = weir(pool_mode=mode)
    shown = psql(pooler, "-c", r"\d pgbench_accounts", "-c", r"\di", database=bench).stdout
    assert "abalance|integer" in shown and "pgbench_accounts_pkey" in shown


@pytest.mark.parametrize("mode", POOL_MODES)
def test_copy_in_and_out(weir, postgres, scratch, mode):
    # \\copy a table in and out again: the file comes back byte for byte.
    pooler = weir(pool_mode=mode)
    folder = scratch("copy")
    source, target = folder / "in.tsv", folder / "out.tsv"
    source.write_text("".join(f"{n}\tvalue {n}\t{'x' * (n % 200)}\n" for n in range(20000)))
    psql(pooler, "-c", "DROP TABLE IF EXISTS copied",
         "-c", "CREATE TABLE copied (n int, name text, pad text)",
         "-c", rf"\copy copied FROM '{source}'",
         "-c", rf"\copy (SELECT * FROM copied ORDER BY n) TO '{target}'",
         "-c", "DROP TABLE copied")
    assert target.read_bytes() == source.read_bytes()


def test_copy_error_leaves_the_session_usable(weir, postgres, scratch):
    # A line that does not parse ends the COPY with PostgreSQL's error, and the client goes on.
    pooler = weir(default_pool_size=1)
    bad = scratch("copy") / "bad.tsv"
    bad.write_text("1\nnot a number\n" + "3\n" * 50000)
    done = subprocess.run(
        [PG_BIN / "psql", "-X", "-A", "-t", "-c", "CREATE TABLE IF NOT EXISTS numbers (n int)",
         "-c", rf"\copy numbers FROM '{bad}'", "-c", "SELECT count(*) FROM numbers"],
        env=pooler.environment(), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert "invalid input syntax for type integer" in done.stderr
    assert done.stdout.split()[-1] == "0"
    pooler.still_serves()


def test_watch_repeats_the_query(weir, postgres):
    # \\watch: the same query again and again over one session until it is interrupted.
    pooler = weir()
    child = subprocess.Popen([PG_BIN / "psql", "-X", "-A", "-t"], env=pooler.environment(), text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdin.write("SELECT 'tick' || 1 \\watch 0.2\n")
    child.stdin.flush()
    seen = []
    while len(seen) < 2:
        line = child.stdout.readline()
        assert line, child.stderr.read()
        if "tick1" in line:
            seen.append(line)
    child.send_signal(signal.SIGINT)
    child.stdin.close()
    child.wait(10)
    pooler.still_serves()


@pytest.mark.parametrize("mode", POOL_MODES)
def test_ctrl_c_cancels_the_running_query(weir, postgres, mode):
    # SIGINT makes psql send a cancel request with the key it got from the pooler; the statement ends
    # with PostgreSQL's 57014 and the server connection serves the next client.
    pooler = weir(default_pool_size=1, pool_mode=mode)
    child = subprocess.Popen([PG_BIN / "psql", "-X", "-A", "-t", "-v", "VERBOSITY=verbose"],
                             env=pooler.environment(), text=True, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdin.write("SELECT pg_sleep(30);\n")
    child.stdin.flush()
    wait_until(lambda: postgres.sessions("query LIKE '%pg_sleep(30)%' AND state = 'active'"),
               "the sleep runs")
    start = time.monotonic()
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=20)
    assert time.monotonic() - start < 5
    assert "57014" in err and "canceling statement due to user request" in err
    pooler.still_serves()


@pytest.mark.parametrize("mode", POOL_MODES)
def test_pg_dump_and_restore(weir, postgres, bench, mode):
    # A dump through the pooler restored through the pooler holds the same rows. pg_dump sets half a
    # dozen settings for its session, search_path among them; psql runs what it wrote, settings included,
    # as one transaction.
    pooler = weir(pool_mode=mode, databases={"bench": "{backend}", "restored": "{backend}"})
    with postgres.connect() as connection:
        connection.execute("DROP DATABASE IF EXISTS restored")
        connection.execute("CREATE DATABASE restored OWNER app TEMPLATE template0")
    dump = subprocess.Popen([PG_BIN / "pg_dump", "--no-owner", bench], stdout=subprocess.PIPE,
                            env=pooler.environment(database=bench), stdin=subprocess.DEVNULL)
    psql(pooler, "-q", "-1", "-f", "-", database="restored", stdin=dump.stdout)
    assert dump.wait(30) == 0
    for table, column in (("accounts", "abalance"), ("tellers", "tbalance"), ("branches", "bbalance"),
                          ("history", "delta")):
        query = f"SELECT count(*) || '/' || coalesce(sum({column}), 0) FROM public.pgbench_{table}"
        assert postgres.ask(query, "restored") == postgres.ask(query, bench), table


def test_psql_connects_by_url(weir, postgres):
    # The way applications are pointed at the pooler: one URL.
    pooler = weir()
    done = subprocess.run([PG_BIN / "psql", "-X", "-A", "-t", "-c", "SELECT current_database()",
                           f"postgresql://app@{HOST}:{pooler.port}/second"],
                          capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert done.stdout.strip() == "second", done.stderr
