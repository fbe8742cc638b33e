"""Clients that die in mid-conversation, while others check that every answer is their own."""

import os
import random
import signal
import struct
import threading
import time

import pytest

from conftest import LONG
from harness import wait_until
from pgwire import Wire, cstring, extended, message, sync

KILLS = 1000 if LONG else 60
POOL = 5


class Checkers(threading.Thread):
    """One client asking for its own numbers, simple and pipelined, until told to stop."""

    def __init__(self, pooler, number):
        super().__init__()
        self.pooler, self.number = pooler, number
        self.stopping = threading.Event()
        self.asked, self.wrong = 0, []
        self.start()

    def run(self):
        try:
            with self.pooler.wire(timeout=60) as client:
                while not self.stopping.is_set():
                    own = f"{self.number}:{self.asked}"
                    got = client.ask(f"SELECT '{own}'")
                    client.send(extended("SELECT $1::text || '/a'", [own])
                                + extended("SELECT $1::text || '/b', pg_sleep(0.001)", [own]) + sync())
                    batch = [found[0] for found in client.result().rows]
                    if got != own or batch != [own + "/a", own + "/b"]:
                        self.wrong.append((own, got, batch))
                    self.asked += 1
        except Exception as error:  # noqa: BLE001: whatever it was, the test must hear of it
            self.wrong.append(repr(error))

    def finish(self):
        self.stopping.set()
        self.join(60)
        assert not self.is_alive(), "a checker still waits for an answer"
        assert not self.wrong, self.wrong[:3]
        assert self.asked > 0


def in_transaction(client):
    client.query("BEGIN")
    client.query("INSERT INTO victims VALUES (1)")


def in_copy_in(client):
    client.send(message("Q", cstring("COPY victims FROM STDIN")))
    assert client.receive()[0] == "G"
    client.send(message("d", b"1\n" * 5000) * 3 + message("d", b"2\n")[:-1])


def in_copy_out(client):
    client.send(message("Q", cstring("COPY (SELECT g, repeat('x', 500) FROM generate_series(1, 20000) g) TO STDOUT")))
    assert client.receive()[0] == "H"


def in_result(client):
    client.send(message("Q", cstring("SELECT g, repeat('y', 1000) FROM generate_series(1, 20000) g")))
    assert client.receive()[0] == "T"


def in_statement(client):
    client.send(message("Q", cstring("SELECT pg_sleep(0.2), 'for the dead'")))


def in_pipeline(client):
    client.send(extended("SELECT 'for the dead 1'") + sync() + extended("SELECT pg_sleep(0.1)") + sync()
                + extended("SELECT 'for the dead 2'"))


def in_half_a_message(client):
    client.send(message("Q", cstring("SELECT 'never finished'"))[:12])


MOMENTS = [in_transaction, in_copy_in, in_copy_out, in_result, in_statement, in_pipeline, in_half_a_message]


def die_by_reset(pooler, moment):
    """The victim's host crashed: an RST."""
    victim = pooler.wire(timeout=60)
    moment(victim)
    victim.reset()


def die_by_close(pooler, moment):
    """The victim's program crashed: a FIN without Terminate."""
    victim = pooler.wire(timeout=60)
    moment(victim)
    victim.close()


def die_by_sigkill(pooler, moment):
    """The victim's process is killed by SIGKILL once it reached the moment."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read_end)
            victim = Wire(pooler.port, timeout=60)
            moment(victim)
            os.write(write_end, b".")
            signal.pause()
        finally:
            os._exit(1)
    os.close(write_end)
    try:
        assert os.read(read_end, 1) == b".", f"the victim failed before {moment.__name__}"
    finally:
        os.close(read_end)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def die_in_login(pooler, _):
    """The victim dies after half a startup packet."""
    victim = Wire(pooler.port, login=False)
    victim.send(struct.pack("!ii", 40, 196608) + b"user\0ap")
    victim.reset()


DEATHS = [die_by_reset, die_by_close, die_by_sigkill, die_in_login]


@pytest.fixture
def victims(postgres):
    with postgres.connect("app", user="app") as connection:
        connection.execute("DROP TABLE IF EXISTS victims")
        connection.execute("CREATE TABLE victims (n int)")


def check_afterwards(pooler, postgres):
    # No dead client is listed, servers and slots came back, every server answers with its own number.
    wait_until(lambda: not [client for client in pooler.show("CLIENTS") if client["user"] == "app"],
               "no dead client is listed", 15)
    # PgBouncer forgets a busy server at once and opens another beside it; Weir counts it till it is gone.
    if pooler.is_pgbouncer:
        wait_until(lambda: postgres.sessions() <= POOL, "the forgotten sessions are gone", 15)
    assert postgres.sessions() <= POOL
    wait_until(lambda: postgres.sessions("state <> 'idle'") == 0, "no session is left in work", 15)
    holders = [pooler.wire() for _ in range(POOL)]
    try:
        pids = set()
        for number, holder in enumerate(holders):
            assert holder.query("BEGIN").error is None
            assert holder.ask(f"SELECT {number}") == str(number)
            pids.add(holder.ask("SELECT pg_backend_pid()"))
        assert len(pids) == POOL, "the whole pool is usable again"
        for holder in holders:
            assert holder.query("COMMIT").tags == ["COMMIT"]
    finally:
        for holder in holders:
            holder.close()
    assert postgres.sessions() <= POOL
    assert postgres.ask("SELECT count(*) FROM victims", "app") == 0, "no dead client's work was committed"


def test_mixed_kills_under_load(weir, postgres, victims):
    # Clients are killed in every way at every moment while checkers verify each answer they get. This is
    # the worst bug a pooler can have: an answer meant for the dead read by the living.
    pooler = weir(default_pool_size=POOL, max_client_conn=500)
    chance = random.Random(int(os.environ.get("WEIR_SEED", "20261124")))
    # PgBouncer 1.18 fails here: it frees a server at the first ReadyForQuery of a pipeline, and the next
    # client reads the rest (seen: a ParseComplete in answer to COPY).
    moments = [moment for moment in MOMENTS if not (pooler.is_pgbouncer and moment is in_pipeline)]
    checkers = [Checkers(pooler, number) for number in range(4)]
    try:
        for _ in range(KILLS):
            chance.choice(DEATHS)(pooler, chance.choice(moments))
    finally:
        for checker in checkers:
            checker.stopping.set()
    for checker in checkers:
        checker.finish()
    check_afterwards(pooler, postgres)


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
def test_each_moment_of_death(weir, postgres, victims, moment):
    # The same, one moment at a time over one server, so that a failure names its cause.
    pooler = weir(default_pool_size=1)
    for death in (die_by_reset, die_by_close):
        death(pooler, moment)
        with pooler.wire(timeout=30) as client:
            for n in range(5):
                assert client.ask(f"SELECT 'mine {n}'") == f"mine {n}"
            client.send(extended("SELECT 'a'") + extended("SELECT 'b'") + sync())
            assert client.result().rows == [["a"], ["b"]]
    assert pooler.is_pgbouncer or postgres.sessions() <= 1
    assert postgres.ask("SELECT count(*) FROM victims", "app") == 0


@pytest.mark.weir_only
def test_vanishing_in_a_transaction_keeps_the_server(weir, postgres, victims):
    # A client that vanishes in a transaction costs a ROLLBACK, not a server connection: PostgreSQL's
    # process is the same afterwards and the row is not there.
    pooler = weir(default_pool_size=1)
    victim = pooler.wire()
    victim.query("BEGIN")
    victim.query("INSERT INTO victims VALUES (1)")
    pid = victim.ask("SELECT pg_backend_pid()")
    victim.reset()
    assert pooler.ask("SELECT pg_backend_pid()") == pid
    assert pooler.ask("SELECT count(*) FROM victims") == "0"


@pytest.mark.weir_only
def test_vanishing_in_a_statement_cancels_it(weir, postgres, victims):
    # A long statement of a dead client is cancelled and its server reused, rather than left running.
    pooler = weir(default_pool_size=1)
    victim = pooler.wire()
    pid = victim.ask("SELECT pg_backend_pid()")
    victim.send(message("Q", cstring("SELECT pg_sleep(30)")))
    wait_until(lambda: postgres.sessions("query LIKE '%pg_sleep(30)%' AND state = 'active'"), "it runs")
    victim.reset()
    start = time.monotonic()
    assert pooler.ask("SELECT pg_backend_pid()") == pid
    assert time.monotonic() - start < 5


def test_terminate_after_a_batch_finishes_the_batch(weir, postgres, victims):
    # A clean Terminate behind a finished batch: PostgreSQL itself would commit it, so the pooler must too
    # or at least never do half of it.
    pooler = weir(default_pool_size=1)
    client = pooler.wire()
    client.ask("SELECT 1")
    client.send(message("Q", cstring("INSERT INTO victims VALUES (7)")) + message("X"))
    client.close()
    if pooler.is_pgbouncer:
        pooler.still_serves()
        return
    wait_until(lambda: postgres.ask("SELECT count(*) FROM victims WHERE n = 7", "app") == 1,
               "the statement was carried out", 5)


@pytest.mark.weir_only
def test_half_open_clients_do_not_hold_servers(weir, postgres):
    # A client that stops in mid-message has no claim on a server.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as half:
        in_half_a_message(half)
        pooler.still_serves()
        half.send(message("Q", cstring("SELECT 'never finished'"))[12:])
        assert half.result().value == "never finished"


def test_client_closing_while_it_reads_a_large_result(weir, postgres):
    # 100 clients in turn leave a result half read: no server may be lost for that.
    pooler = weir(default_pool_size=2)
    for _ in range(100 if LONG else 20):
        client = pooler.wire(receive_buffer=4096)
        in_result(client)
        client.close()
    for _ in range(4):
        pooler.still_serves()
    assert postgres.sessions() <= 2


@pytest.mark.weir_only
def test_dead_waiters_are_forgotten(weir, postgres):
    # Clients that die in the queue take no server when their turn comes.
    pooler = weir(default_pool_size=1, query_wait_timeout=20)
    with pooler.wire() as holder:
        holder.query("BEGIN")
        for _ in range(10):
            waiter = pooler.wire()
            waiter.send(message("Q", cstring("SELECT 1")))
            wait_until(lambda: int(pooler.pool()["cl_waiting"]) >= 1, "it waits")
            waiter.reset()
        wait_until(lambda: int(pooler.pool()["cl_waiting"]) == 0, "no dead client waits")
        holder.query("COMMIT")
    pooler.still_serves()


