"""Where two things meet at a bad moment: each of these went wrong once."""

import os
import signal
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from fake_backend import FakeBackend, answer, error
from harness import wait_until
from pgwire import ServerError, bind, cstring, execute, message, parse, startup_packet, sync

pytestmark = pytest.mark.weir_only


def simple(sql):
    return message("Q", cstring(sql))


def waiting(pooler, count, user="app"):
    wait_until(lambda: int(pooler.pool(user=user)["cl_waiting"]) == count, f"{count} clients wait")


def client_id(pooler, name):
    return next(row["id"] for row in pooler.show("CLIENTS") if row["application_name"] == name)


# The stream of one client.

def test_a_long_request_refused_in_the_queue_leaves_the_next_one_whole(weir):
    # A request longer than what is kept of a waiting client is thrown away in pieces; the next long request
    # must not lose its second piece to that.
    pooler = weir(default_pool_size=1, query_wait_timeout=1)
    with pooler.wire() as holder, pooler.wire() as client:
        holder.query("BEGIN")
        client.send(simple("SELECT 1 --" + "x" * 60_000))
        assert client.result().error.code == "53300"
        holder.query("COMMIT")
        assert client.ask("SELECT 2 --" + "y" * 60_000) == "2"
        assert client.ask("SELECT 3") == "3"


def test_a_copy_that_fails_while_its_data_are_held_back(weir, postgres):
    # The data stop flowing because the server does not take them; then the COPY fails and the server goes to
    # somebody else. The client must be read from again, or it hangs for ever.
    with postgres.connect("app") as admin:
        admin.execute("CREATE TABLE IF NOT EXISTS stuck (v text)")
        admin.execute("CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                      " $$BEGIN PERFORM pg_sleep(1.5); RAISE 'refused'; END$$")
        admin.execute("CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON stuck FOR EACH ROW"
                      " EXECUTE FUNCTION refuse()")
        admin.execute("GRANT ALL ON stuck TO PUBLIC")
    pooler = weir(default_pool_size=1)
    with pooler.wire() as client:
        client.send(simple("COPY stuck FROM STDIN"))
        assert client.receive()[0] == "G"
        block = message("d", b"x" * 65_530 + b"\n")
        flood = threading.Thread(target=lambda: [client.send(block) for _ in range(1_000)], daemon=True)
        flood.start()
        assert client.result().error.message == "refused"
        flood.join(60)
        assert not flood.is_alive(), "the client is not read from any more"
        client.send(message("c"))
        assert client.ask("SELECT 1") == "1"


def test_nothing_is_put_into_the_middle_of_a_row(weir):
    # A client that is disconnected in the middle of a row gets the row's beginning and the end of the
    # connection: bytes of an error message would be taken for the row's.
    pooler = weir()
    client = pooler.wire(options={"application_name": "reader"}, receive_buffer=8_192)
    client.send(simple("SELECT repeat('x', 50000000)"))
    assert client.receive()[0] == "T"
    head = client.read_exactly(11)
    assert head[:1] == b"D"
    number = client_id(pooler, "reader")
    pooler.admin(f"KILL_CLIENT {number}")
    rest = client.pending
    while True:
        try:
            chunk = client.sock.recv(1 << 20)
        except ConnectionResetError:
            break
        if not chunk:
            break
        rest += chunk
    assert len(rest) < 50_000_000
    assert rest.strip(b"x") == b"", "something else than the row's bytes came"
    client.close()
    pooler.still_serves()


def test_the_rest_of_a_message_does_not_reach_the_next_client(weir):
    # A notification comes in two parts; between them its reader goes and another client gets the server.
    body = struct.pack("!i", 1) + cstring("channel") + cstring("secret" * 20)
    whole = message("A", body)

    def serve(session):
        parts = [whole[:30], whole[30:]]
        while True:
            kind, _ = session.receive()
            if kind == "Q" and len(parts) == 2:
                session.send(answer() + parts.pop(0))
            elif kind == "Q":
                session.send((parts.pop() if parts else b"") + answer("SELECT 1"))
            elif kind == "X":
                return

    with FakeBackend(serve) as backend:
        pooler = weir(databases={"app": f"host=127.0.0.1 port={backend.port}"}, pool_mode="session",
                      default_pool_size=1, server_reset_query="", server_check_delay=1000)
        first = pooler.wire()
        first.query("SELECT 1")
        assert first.read_exactly(30) == whole[:30]
        first.close()
        wait_until(lambda: int(pooler.pool()["sv_idle"]) == 1, "the server is free")
        with pooler.wire() as second:
            second.send(simple("SELECT 2"))
            assert second.receive() == ("C", b"SELECT 1\0")
            assert second.receive() == ("Z", b"I")
        assert len(backend.sessions) == 1


def test_an_idle_server_that_says_goodbye_is_not_used(weir):
    # Its FATAL has come, its end of file has not yet: nobody may be given it.
    asked = []

    def serve(session):
        while True:
            kind, _ = session.receive()
            if kind == "X":
                return
            asked.append(session.number)
            session.send(answer())
            if session.number == 0:
                session.send(error("57P01", "terminating", "FATAL"))

    with FakeBackend(serve) as backend:
        pooler = weir(databases={"app": f"host=127.0.0.1 port={backend.port}"}, default_pool_size=2)
        with pooler.wire() as client:
            assert client.query("SELECT 1").error is None
            time.sleep(0.2)
            assert client.query("SELECT 2").error is None
        assert asked == [0, 1]


def test_a_foreign_unnamed_statement_behind_a_very_long_portal_name(weir):
    # What the names at the front of a Bind are must not depend on how much of it has come.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as owner, pooler.wire() as other:
        owner.send(parse("SELECT 'secret'") + sync())
        assert owner.result().kinds == "1Z"
        other.send(bind(portal="p" * 20_000) + execute("p" * 20_000) + sync())
        assert other.result().error.code == "26000"


def test_answers_that_nobody_reads_take_no_memory(weir):
    # Syncs are answered without a server; who does not take the answers is not read from.
    pooler = weir()
    with pooler.wire(timeout=60) as client:
        before = pooler.resident_kilobytes()
        flood = threading.Thread(target=lambda: client.send(sync() * 3_000_000), daemon=True)
        flood.start()
        time.sleep(3)
        assert flood.is_alive(), "all was taken"
        assert pooler.resident_kilobytes() - before < 20_000
        for _ in range(3_000_000 // 1_000):
            assert client.read_exactly(6_000) == message("Z", b"I") * 1_000
        flood.join(10)
        assert client.ask("SELECT 1") == "1"


# Waiting.

def test_nobody_is_forgotten_when_commands_meet_timeouts(weir):
    # RECONNECT, RELOAD and PAUSE look at what is due, too; those whose wait ends just then get their error.
    pooler = weir(default_pool_size=1, query_wait_timeout=1)
    with pooler.wire() as holder, pooler.console() as console:
        holder.query("BEGIN")
        clients = [pooler.wire() for _ in range(40)]
        for client in clients:
            client.send(simple("SELECT 1"))
            time.sleep(0.01)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            assert console.query("RECONNECT").error is None
        for client in clients:
            client.sock.settimeout(3)
            assert client.result().error.code == "53300"
            client.close()


def test_draining_goes_on_serving(weir, postgres):
    # SIGTERM waits for the clients; they still get the servers that they need.
    pooler = weir(default_pool_size=2, query_wait_timeout=3)
    with pooler.wire() as first, pooler.wire() as second:
        first.query("BEGIN")
        pooler.signal(signal.SIGTERM)
        wait_until(lambda: not pooler.listening(), "it has stopped listening")
        assert second.ask("SELECT 2") == "2"
        first.query("COMMIT")
        first.terminate()
        second.terminate()
    assert pooler.wait() == 0


def test_a_request_in_a_pipeline_is_timed_by_itself(weir):
    # Eight quick queries in a pipeline are no slow query.
    pooler = weir(query_timeout=1, transaction_timeout=1)
    with pooler.wire() as client:
        client.send(simple("SELECT pg_sleep(0.3)") * 8)
        for _ in range(8):
            assert client.result().error is None


def test_a_stray_copy_done_is_no_request(weir):
    # psql sends CopyDone although the COPY has failed already; nothing answers it.
    pooler = weir(pool_mode="session", query_timeout=1, transaction_timeout=1)
    with pooler.wire() as client:
        client.query("CREATE TEMP TABLE numbers (n int)")
        client.send(simple("COPY numbers FROM STDIN"))
        assert client.receive()[0] == "G"
        client.send(message("d", b"no number\n"))
        time.sleep(0.1)
        client.send(message("c"))
        assert client.result().error.code == "22P02"
        client.send(message("c"))
        time.sleep(2)
        assert client.ask("SELECT 1") == "1"


def test_a_statement_after_a_copy_is_timed_by_itself(weir):
    pooler = weir(pool_mode="session", slow_query_threshold=0.3)
    with pooler.wire() as client:
        client.query("CREATE TEMP TABLE numbers (n int)")
        client.send(simple("COPY numbers FROM STDIN") + message("d", b"1\n") + message("c"))
        assert client.result().kinds == "GCZ"
        client.send(simple("COPY numbers FROM STDIN"))
        assert client.receive()[0] == "G"
        client.send(message("d", b"1\n") + message("c"))
        assert client.result().kinds == "CZ"
        time.sleep(0.6)
        client.query("SELECT 1 AS quick")
        client.query("SELECT pg_sleep(0.4) AS slow")
    log = (pooler.folder / "pooler.log").read_text() + (pooler.folder / "output.txt").read_text()
    for name in pooler.folder.iterdir():
        if "slow" in name.name:
            log += name.read_text()
    assert "AS quick" not in log


def test_settings_that_a_server_does_not_take_in_time(weir, postgres):
    # A server that hangs while it is brought to its client's settings is given up.
    pooler = weir(default_pool_size=1, server_connect_timeout=1)
    pid = int(pooler.ask("SELECT pg_backend_pid()"))
    os.kill(pid, signal.SIGSTOP)
    try:
        with pooler.wire(options={"application_name": "other"}) as client:
            client.sock.settimeout(6)
            client.send(simple("SELECT 1"))
            assert client.result().error.code == "08006"
    finally:
        os.kill(pid, signal.SIGCONT)


# Opening servers.

def test_no_connect_timeout_is_no_timeout(weir):
    pooler = weir(databases={"app": "{backend} connect_query='SELECT pg_sleep(0.5)'"}, server_connect_timeout=0,
                  server_check_delay=0, server_check_query="SELECT pg_sleep(0.3)")
    assert pooler.ask("SELECT 1") == "1"
    assert pooler.ask("SELECT 2") == "2"
    assert "timeout" not in (pooler.folder / "pooler.log").read_text()


def test_reconnect_in_the_middle_of_a_first_login(weir):
    pooler = weir(databases={"app": "{backend} connect_query='SELECT pg_sleep(0.7)'"})
    answers = []
    login = threading.Thread(target=lambda: answers.append(pooler.ask("SELECT 1")), daemon=True)
    login.start()
    time.sleep(0.4)
    pooler.admin("RECONNECT")
    login.join(10)
    assert answers == ["1"]


def test_a_connect_query_that_ends_its_connection_is_a_failed_login(weir):
    # Else connections are opened as fast as PostgreSQL can fork.
    pooler = weir(databases={
        "app": "{backend} connect_query='SELECT pg_terminate_backend(pg_backend_pid())'"},
        query_wait_timeout=2, client_login_timeout=3)
    pooler.login_error()
    assert (pooler.folder / "pooler.log").read_text().count("new connection to server") < 12


def test_a_login_given_up_keeps_its_slot_until_the_server_has_closed(weir):
    # PostgreSQL may still make a session of it.
    may_close = threading.Event()

    def serve(session):
        may_close.wait(20)

    with FakeBackend(serve, greeting=b"") as backend:
        pooler = weir(databases={"app": f"host=127.0.0.1 port={backend.port}"}, default_pool_size=1,
                      server_connect_timeout=0.5, query_wait_timeout=10)
        client = pooler.wire(login=False)
        client.send(startup_packet({"user": "app", "database": "app"}))
        time.sleep(2)
        assert len(backend.sessions) == 1
        may_close.set()
        wait_until(lambda: len(backend.sessions) > 1, "the next try")
        client.close()


# The console.

def test_a_console_command_longer_than_a_client_may_wait_with(weir):
    pooler = weir()
    with pooler.console() as console:
        console.sock.settimeout(5)
        assert console.query("SHOW " + "x" * 30_000).error is not None
        assert console.query("SHOW VERSION").error is None


def test_resuming_one_database_leaves_the_pause_of_another(weir):
    pooler = weir(default_pool_size=1)
    with pooler.wire() as one, pooler.wire(database="second") as two, pooler.console() as first, \
            pooler.console() as second:
        one.query("BEGIN")
        two.query("BEGIN")
        first.send(simple("PAUSE app"))
        second.send(simple("PAUSE second"))
        time.sleep(0.2)
        assert pooler.admin("RESUME second").tags == ["RESUME"]
        assert second.result().error.code == "57014"
        assert first.silent_for(0.3)
        one.query("COMMIT")
        assert first.result().tags == ["PAUSE"]


def test_a_changed_pool_mode_holds_from_the_next_transaction_on(weir):
    pooler = weir(default_pool_size=2)
    with pooler.wire() as client:
        client.query("BEGIN")
        pooler.settings["pool_mode"] = "session"
        pooler.write()
        pooler.admin("RELOAD")
        client.query("COMMIT")
        client.query("SELECT 1")
        assert int(pooler.pool()["sv_active"]) == 1


def test_clients_are_told_of_the_end_without_any_server(weir, postgres):
    pooler = weir()
    with pooler.wire() as client:
        pooler.admin("RECONNECT")
        wait_until(lambda: postgres.sessions() == 0, "no server is left")
        pooler.signal(signal.SIGQUIT)
        told = client.wait_closed()
        assert [kind for kind, _ in told] == ["E"] and b"57P01" in told[0][1]


@pytest.mark.parametrize("workers", [1, 2])
def test_databases_that_come_and_go_need_no_more_places(weir, workers):
    pooler = weir(databases={"*": "{backend} dbname=app"}, autodb_idle_timeout=1, server_idle_timeout=1,
                  workers=workers)

    def places():
        return next(int(row["used"]) for row in pooler.show("MEM") if row["name"] == "pool_cache")

    counts = []
    for _ in range(3 if workers == 1 else 6):
        assert pooler.ask("SELECT 1", database="tenant") == "1"
        counts.append(places())
        wait_until(lambda: "tenant" not in [row["name"] for row in pooler.show("DATABASES")], "it is forgotten")
    if workers == 1:
        assert counts[0] == counts[1] == counts[2]
    else:
        # Each worker that a client of it came to has its share, once.
        assert max(counts) <= 2 * counts[0]


def test_a_disabled_automatic_database_stays_disabled(weir):
    pooler = weir(databases={"*": "{backend} dbname=app"}, autodb_idle_timeout=1, server_idle_timeout=1)
    assert pooler.ask("SELECT 1", database="tenant") == "1"
    pooler.admin("DISABLE tenant")
    time.sleep(3)
    assert pooler.login_error(database="tenant").code == "57P03"


def test_a_database_that_a_reload_takes_away_and_brings_back(weir):
    pooler = weir()
    with pooler.wire(database="second") as client:
        assert client.ask("SELECT 1") == "1"
        second = pooler.databases.pop("second")
        pooler.write()
        pooler.admin("RELOAD")
        assert [kind for kind, _ in client.wait_closed()] == ["E"]
    assert pooler.login_error(database="second").code == "3D000"
    pooler.databases["second"] = second
    pooler.write()
    pooler.admin("RELOAD")
    assert pooler.ask("SELECT 2", database="second") == "2"


def test_a_suspension_ends_with_its_console_client(weir):
    pooler = weir()
    with pooler.wire() as client:
        with pooler.console() as console:
            assert console.query("SUSPEND").tags == ["SUSPEND"]
            client.send(simple("SELECT 1"))
            assert client.silent_for(0.3)
        assert client.result().value == "1"


def test_a_signal_ends_a_suspended_process(weir):
    pooler = weir()
    with pooler.wire(), pooler.console() as console:
        assert console.query("SUSPEND").tags == ["SUSPEND"]
        pooler.signal(signal.SIGTERM)
        assert pooler.wait(5) == 0


def test_strangers_who_say_nothing_are_bounded(weir):
    # Beyond max_client_conn only so many may be silent until client_login_timeout; the console stays in reach
    # as soon as some have gone.
    pooler = weir(max_client_conn=5, tcp_defer_accept=0)
    silent = [socket.create_connection(("127.0.0.1", pooler.port), timeout=10) for _ in range(300)]
    descriptors = Path(f"/proc/{pooler.pid}/fd")
    try:
        told = silent[299].recv(4_096)
        assert told[:1] == b"E" and b"C53300" in told
        wait_until(lambda: len(list(descriptors.iterdir())) < 290, "those too many are closed")
    finally:
        for sock in silent:
            sock.close()

    def is_there():
        try:
            return pooler.show("VERSION")
        except ServerError:
            return None

    assert wait_until(is_there, "the console is there")
    pooler.still_serves()
