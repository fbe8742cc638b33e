"""Signals: reload, the three ways to end, pause and resume."""

import signal
import subprocess
import time

import pytest

from harness import drop_privileges, wait_until
from pgwire import Closed, ServerError, cstring, message


def served(pooler, **options):
    try:
        pooler.still_serves(**options)
        return True
    except (ServerError, OSError, Closed):
        return False


def test_hup_reloads(weir):
    # A good file counts after SIGHUP; clients in between notice nothing.
    pooler = weir()
    with pooler.wire() as client:
        client.query("BEGIN")
        pooler.databases["added"] = f"host=127.0.0.1 port={pooler.postgres.port} dbname=second"
        pooler.write()
        pooler.signal(signal.SIGHUP)
        wait_until(lambda: served(pooler, database="added"), "the new entry is there")
        assert client.query("COMMIT").tags == ["COMMIT"]


@pytest.mark.weir_only
def test_hup_with_a_bad_file_changes_nothing(weir):
    # The whole old configuration stays: not half of the new, not the defaults.
    pooler = weir(default_pool_size=7)
    before = pooler.show("CONFIG")
    pooler.settings["default_pool_size"] = 9
    pooler.databases["added"] = f"host=127.0.0.1 port={pooler.postgres.port}"
    pooler.settings["no_such_key"] = 1
    pooler.write()
    size = (pooler.folder / "pooler.log").stat().st_size
    pooler.signal(signal.SIGHUP)
    wait_until(lambda: "no_such_key" in (pooler.folder / "pooler.log").read_text()[size:],
               "the log names the bad key")
    assert pooler.show("CONFIG") == before
    assert pooler.login_error(database="added").code == "3D000"
    pooler.still_serves()


@pytest.mark.weir_only
def test_hup_opens_the_log_again(weir):
    # After a rotation the log goes on in a new file of the old name.
    pooler = weir(log_connections=1)
    log = pooler.folder / "pooler.log"
    pooler.still_serves()
    wait_until(log.exists, "there is a log")
    log.rename(pooler.folder / "pooler.log.1")
    pooler.signal(signal.SIGHUP)
    wait_until(log.exists, "a new log is begun")
    pooler.still_serves()


@pytest.mark.weir_only
def test_term_waits_for_clients(weir):
    # SIGTERM: no new clients, old ones stay as long as they like, then the process ends by itself.
    pooler = weir()
    with pooler.wire() as client:
        pooler.signal(signal.SIGTERM)
        wait_until(pooler.refuses_clients, "new clients are refused")
        for n in range(5):
            assert client.ask(f"SELECT {n}") == str(n)
            time.sleep(0.05)
        assert pooler.alive()
        client.terminate()
        assert pooler.wait() == 0
    assert not (pooler.folder / "pooler.pid").exists()


@pytest.mark.weir_only
def test_a_second_term_ends_at_once(weir):
    # Whoever sends it twice means it.
    pooler = weir()
    with pooler.wire() as client:
        client.query("BEGIN")
        pooler.signal(signal.SIGTERM)
        wait_until(pooler.refuses_clients, "new clients are refused")
        pooler.signal(signal.SIGTERM)
        client.wait_closed()
        assert pooler.wait() in (0, 1)


@pytest.mark.weir_only
def test_int_waits_for_servers(weir):
    # SIGINT: transactions end, idle clients do not hold the process.
    pooler = weir()
    with pooler.wire() as client, pooler.wire() as idle:
        idle.ask("SELECT 1")
        client.query("BEGIN")
        pooler.signal(signal.SIGINT)
        wait_until(pooler.refuses_clients, "new clients are refused")
        assert client.ask("SELECT 1") == "1"
        assert pooler.alive()
        assert client.query("COMMIT").tags == ["COMMIT"]
        assert pooler.wait() == 0


@pytest.mark.weir_only
def test_a_second_int_ends_at_once(weir):
    # The transaction that was waited for is not any more.
    pooler = weir()
    with pooler.wire() as client:
        client.query("BEGIN")
        pooler.signal(signal.SIGINT)
        wait_until(pooler.refuses_clients, "new clients are refused")
        pooler.signal(signal.SIGINT)
        client.wait_closed()
        assert pooler.wait() in (0, 1)


@pytest.mark.weir_only
def test_quit_ends_at_once(weir, postgres):
    # SIGQUIT waits for nobody; PostgreSQL rolls back what was open.
    pooler = weir()
    with pooler.wire() as client:
        client.query("BEGIN")
        pooler.signal(signal.SIGQUIT)
        client.wait_closed()
        assert pooler.wait() in (0, 1)
    wait_until(lambda: postgres.sessions() == 0, "no session is left")


def test_usr1_pauses_and_usr2_resumes(weir, postgres):
    # The signals of PAUSE and RESUME.
    pooler = weir(query_wait_timeout=30)
    with pooler.wire() as client:
        client.ask("SELECT 1")
        pooler.signal(signal.SIGUSR1)
        wait_until(lambda: postgres.sessions() == 0, "servers are closed")
        client.send(message("Q", cstring("SELECT 'patient'")))
        assert client.silent_for(0.4)
        pooler.signal(signal.SIGUSR2)
        assert client.result().value == "patient"


def test_the_pidfile(weir):
    # It holds the process id while the process runs.
    pooler = weir()
    assert int((pooler.folder / "pooler.pid").read_text()) == pooler.pid


def test_a_crash_leaves_no_obstacle(weir):
    # SIGKILL leaves pidfile and socket behind; the next start takes no notice of them.
    pooler = weir()
    pooler.signal(signal.SIGKILL)
    pooler.process.wait()
    pooler.output.close()
    pooler.start()
    # The kernel may take a moment to close the dead process's listening socket.
    wait_until(lambda: served(pooler), "it serves")


@pytest.mark.weir_only
def test_a_second_process_does_not_start(weir):
    # The port and the pidfile are taken: an error and an exit status, the first goes on.
    pooler = weir()
    done = subprocess.run(pooler.binary.command(pooler.config), cwd=pooler.folder, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=20, **drop_privileges())
    assert done.returncode == 1
    assert int((pooler.folder / "pooler.pid").read_text()) == pooler.pid
    pooler.still_serves()
