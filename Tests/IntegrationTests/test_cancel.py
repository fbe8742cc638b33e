"""Cancel requests: they end the query they were meant for, and never another."""

import queue
import random
import struct
import threading
import time

import psycopg
import pytest

from conftest import LONG
from fake_backend import FakeBackend, answer, error
from harness import HOST, wait_until
from pgwire import (PROTOCOL_3_0, PROTOCOL_3_2, bind, cancel, close_statement, cstring, describe, execute,
                    extended, message, parse, sync)


def sleeping(postgres, seconds):
    return postgres.sessions(f"query LIKE '%pg_sleep({seconds})%' AND state = 'active'")


@pytest.mark.parametrize("protocol", [PROTOCOL_3_0, PROTOCOL_3_2], ids=["3.0", "3.2"])
def test_a_running_query(weir, postgres, protocol):
    # 57014 from PostgreSQL, and the client goes on.
    pooler = weir(default_pool_size=1)
    if pooler.is_pgbouncer and protocol != PROTOCOL_3_0:
        pytest.skip("PgBouncer 1.18 speaks 3.0")
    with pooler.wire(protocol=protocol) as client:
        client.send(message("Q", cstring("SELECT pg_sleep(31)")))
        wait_until(lambda: sleeping(postgres, 31), "it runs")
        client.cancel()
        result = client.result()
        assert (result.error.code, result.status) == ("57014", "I")
        assert client.ask("SELECT 1") == "1"


def test_a_running_batch(weir, postgres):
    # The rest of an extended batch is skipped up to its Sync; the next batch runs.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as client:
        client.send(extended("SELECT pg_sleep(32)") + extended("SELECT 'skipped'") + sync()
                    + extended("SELECT 'next'") + sync())
        wait_until(lambda: sleeping(postgres, 32), "it runs")
        client.cancel()
        assert client.result().error.code == "57014"
        assert client.result().rows == [["next"]]


def test_within_a_transaction(weir, postgres):
    # The transaction is aborted, not lost.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as client:
        client.query("BEGIN")
        client.send(message("Q", cstring("SELECT pg_sleep(33)")))
        wait_until(lambda: sleeping(postgres, 33), "it runs")
        client.cancel()
        result = client.result()
        assert (result.error.code, result.status) == ("57014", "E")
        assert client.query("SELECT 1").error.code == "25P02"
        assert client.query("ROLLBACK").status == "I"


def test_with_the_pool_full(weir, postgres):
    # A cancel is needed most when everything is taken: it must not wait for a server itself.
    pooler = weir(databases={"app": "{backend} max_db_connections=1"}, default_pool_size=1,
                  max_client_conn=1, max_server_connections=1)
    with pooler.wire() as client:
        client.send(message("Q", cstring("SELECT pg_sleep(34)")))
        wait_until(lambda: sleeping(postgres, 34), "it runs")
        start = time.monotonic()
        client.cancel()
        assert client.result().error.code == "57014"
        assert time.monotonic() - start < 5


def test_a_cancel_never_hits_another_client(weir):
    # One client cancels its own short queries, often just too late; the other client over the same
    # server must never notice.
    pooler = weir(default_pool_size=1, query_wait_timeout=30)
    chance = random.Random(3)
    stop, hit = threading.Event(), []
    asked = 0

    def bystander():
        nonlocal asked
        with pooler.wire(timeout=60) as client:
            while not stop.is_set():
                result = client.query("SELECT pg_sleep(0.003), 'mine'")
                if result.error or result.rows[0][1] != "mine":
                    hit.append(str(result.error))
                asked += 1

    thread = threading.Thread(target=bystander)
    thread.start()
    try:
        with pooler.wire(timeout=60) as client:
            for _ in range(150):
                client.send(message("Q", cstring("SELECT pg_sleep(0.003)")))
                time.sleep(chance.random() * 0.01)
                cancel(pooler.port, client.key)
                result = client.result()
                assert result.error is None or result.error.code == "57014"
    finally:
        stop.set()
        thread.join(60)
    assert not hit
    assert asked > 50


class Sleeper(threading.Thread):
    """A client with a time zone of its own that sends short statements of every form, most often canceled
    at some moment, or never if it is a bystander."""

    ZONES = ("Asia/Tokyo", "America/Lima", "Etc/UTC")

    def __init__(self, pooler, number, until, cancels, seed):
        super().__init__()
        self.pooler, self.until, self.cancels = pooler, until, cancels
        self.zone = self.ZONES[number % 3]
        self.chance = random.Random(f"{seed}/{number}")
        self.wrong, self.canceled, self.served = [], 0, 0

    def run(self):
        try:
            with self.pooler.wire(options={"TimeZone": self.zone}, timeout=60) as client:
                while time.monotonic() < self.until and not self.wrong:
                    self.turn(client)
        except Exception as failure:
            self.wrong.append(repr(failure))

    def turn(self, client):
        sql = f"SELECT pg_sleep({self.chance.random() * 0.004}), current_setting('TimeZone')"
        form = self.chance.randrange(4)
        if form == 0:
            batch, ends = message("Q", cstring(sql)), 1
        elif form == 1:
            batch, ends = extended(sql) + sync(), 1
        elif form == 2:
            # Begins with a statement that has a name: the last client's unnamed one is closed before it.
            batch = (close_statement("named") + parse(sql, "named") + bind(statement="named") + describe()
                     + execute() + sync())
            ends = 1
        else:
            batch, ends = b"".join(message("Q", cstring(text)) for text in ("BEGIN", sql, "COMMIT")), 3
        client.send(batch)
        if self.cancels and self.chance.random() < 0.8:
            time.sleep(self.chance.random() ** 2 * 0.02)
            client.cancel()
        results = [client.result() for _ in range(ends)]
        if results[-1].status != "I":
            # COMMIT was canceled in place of what stood before it.
            results.append(client.query("ROLLBACK"))
        codes = {error.code for result in results for error in result.errors}
        if codes - ({"57014", "25P02"} if self.cancels else set()):
            self.wrong.append(f"{codes} of {batch}")
        self.canceled += "57014" in codes
        for result in results:
            for row in result.rows:
                self.served += 1
                if row[-1] != self.zone:
                    self.wrong.append(f"{row} in {self.zone}")


@pytest.mark.weir_only
@pytest.mark.parametrize("workers", [1, 2])
def test_cancels_at_any_moment(weir, postgres, workers):
    # While it waits in the queue, while its settings are applied, while it runs, or just too late: each
    # client hears of its own cancels only, and none is left hanging.
    seed = random.randrange(1 << 32)
    pooler = weir(default_pool_size=3, workers=workers, query_wait_timeout=60)
    until = time.monotonic() + (30 if LONG else 4)
    sleepers = [Sleeper(pooler, number, until, number % 4 != 0, seed) for number in range(12)]
    for sleeper in sleepers:
        sleeper.start()
    for sleeper in sleepers:
        sleeper.join(120)
    assert not [sleeper.wrong for sleeper in sleepers if sleeper.wrong], f"seed {seed}"
    assert sum(sleeper.canceled for sleeper in sleepers) > 50
    assert sum(sleeper.served for sleeper in sleepers) > 50
    assert postgres.sessions() <= 3
    pooler.still_serves()


def test_a_storm_of_cancels(weir, postgres):
    # Fifty cancels for one query: it is cancelled, and the number of sessions stays as it should.
    pooler = weir(default_pool_size=2)
    with pooler.wire() as client:
        client.send(message("Q", cstring("SELECT pg_sleep(35)")))
        wait_until(lambda: sleeping(postgres, 35), "it runs")
        for _ in range(50):
            cancel(pooler.port, client.key)
        assert client.result().error.code == "57014"
        assert postgres.sessions() <= 2
        # What comes late must not hit the next query.
        wait_until(lambda: not client.query("SELECT pg_sleep(0.2)").error, "no cancel is left")
        assert client.ask("SELECT 1") == "1"
    pooler.still_serves()


@pytest.mark.weir_only
@pytest.mark.parametrize("version", ["3.0", "3.2"])
def test_by_libpq(weir, postgres, version):
    # Both ways of libpq's: one that only signal handlers need, and one over a whole connection.
    pooler = weir(default_pool_size=1)
    with pooler.connect(min_protocol_version=version, max_protocol_version=version) as connection:
        for ask in (connection.cancel, connection.cancel_safe):
            found = []

            def run():
                try:
                    connection.execute("SELECT pg_sleep(36)")
                except psycopg.errors.QueryCanceled as canceled:
                    found.append(canceled.sqlstate)

            thread = threading.Thread(target=run)
            thread.start()
            wait_until(lambda: sleeping(postgres, 36), "it runs")
            ask()
            thread.join(10)
            assert found == ["57014"]
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.weir_only
def test_behind_the_unnamed_statement_of_another_client(weir, postgres):
    # Weir's own Close stands before the client's batch, and PostgreSQL keeps its answer back until the
    # batch is done: nevertheless it is the client's query that runs.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as other, pooler.wire() as client:
        other.send(extended("SELECT 'mine'") + sync())
        assert other.result().rows == [["mine"]]
        client.send(parse("SELECT pg_sleep(37)", "named") + bind(statement="named") + execute() + sync())
        wait_until(lambda: sleeping(postgres, 37), "it runs")
        client.cancel()
        assert client.result().error.code == "57014"
        assert client.ask("SELECT 1") == "1"


@pytest.mark.parametrize("name", ["", "named"])
def test_a_parse_that_waits_for_a_lock(weir, postgres, name):
    # To the client its statement hangs, whatever part of it waits.
    pooler = weir(default_pool_size=1, pool_mode="transaction" if not name else "session")
    with postgres.connect("app") as owner, pooler.wire() as client:
        owner.execute("CREATE TABLE IF NOT EXISTS locked (a int)")
        owner.execute("GRANT SELECT ON locked TO app")
        with owner.transaction():
            owner.execute("LOCK TABLE locked")
            client.send(parse("SELECT a FROM locked", name) + sync())
            wait_until(lambda: postgres.sessions("wait_event_type = 'Lock'"), "it waits")
            client.cancel()
            result = client.result()
            assert (result.error.code, result.kinds) == ("57014", "EZ")
        owner.execute("DROP TABLE locked")
        assert client.ask("SELECT 1") == "1"


@pytest.mark.weir_only
@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_statement_that_another_server_prepares_behind_a_lock(weir, postgres, mode):
    # In transaction mode it is Weir's own Parse that waits, which nobody but the client waits for.
    pooler = weir(default_pool_size=2, pool_mode=mode, workers=1)
    with postgres.connect("app") as owner, pooler.wire() as client, pooler.wire() as other:
        owner.execute("CREATE TABLE IF NOT EXISTS locked_later (a int)")
        owner.execute("GRANT SELECT ON locked_later TO app")
        client.send(parse("SELECT a FROM locked_later", "named") + sync())
        assert client.result().kinds == "1Z"
        # The server that has it is taken.
        other.query("BEGIN")
        with owner.transaction():
            owner.execute("LOCK TABLE locked_later")
            client.send(bind(statement="named") + execute() + sync())
            wait_until(lambda: postgres.sessions("wait_event_type = 'Lock'"), "it waits")
            client.cancel()
            result = client.result()
            assert (result.error.code, result.status, result.kinds[-2:]) == ("57014", "I", "EZ")
        other.query("COMMIT")
        client.send(bind(statement="named") + execute() + sync())
        assert client.result().kinds == "2CZ"
        owner.execute("DROP TABLE locked_later")
        assert client.ask("SELECT 1") == "1"


# Windows that no real PostgreSQL holds open for long.

class Script:
    """A backend that answers queries, and closes cancel connections, when it is told to."""

    def __init__(self):
        self.asked, self.answers = queue.Queue(), queue.Queue()
        self.keys, self.gate = [], threading.Semaphore(0)
        self.backend = FakeBackend(self.serve, canceled=self.canceled)

    def serve(self, session):
        while True:
            kind, body = session.receive()
            if kind == "X":
                return
            self.asked.put(body[:-1].decode())
            reply = self.answers.get()
            if reply is None:
                return
            session.send(reply)

    def canceled(self, key):
        self.keys.append(key)
        self.gate.acquire(timeout=30)

    def next(self):
        """The next query that reaches it."""
        return self.asked.get(timeout=10)

    def release(self, cancels=1):
        """Closes cancel connections, held or to come."""
        for _ in range(cancels):
            self.gate.release()

    def end(self):
        """Lets go of everything that still waits."""
        self.release(100)
        for _ in self.backend.sessions:
            self.answers.put(None)

    def received(self, count):
        wait_until(lambda: len(self.keys) == count, f"{count} cancel requests have come")


@pytest.fixture
def script():
    script = Script()
    with script.backend:
        yield script
        script.end()


@pytest.fixture
def scripted(weir, script):
    """A function starting a pooler before the script; every server knows its clients' settings."""

    def start(**options):
        backend = f"host={HOST} port={script.backend.port}"
        return weir(databases={"app": backend}, **{"default_pool_size": 1, "server_reset_query": "", **options})

    return start


def query(client, sql):
    client.send(message("Q", cstring(sql)))


def background_cancel(pooler, client):
    thread = threading.Thread(target=cancel, args=(pooler.port, client.key))
    thread.start()
    return thread


def ended(threads):
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "who has asked for a cancel hears when it is over"


@pytest.mark.weir_only
def test_one_that_comes_late_is_awaited_before_the_server_has_another_client(scripted, script):
    # The query ends while its cancel is on its way: the next client gets the server when that is over.
    pooler = scripted()
    with pooler.wire() as client, pooler.wire() as other:
        query(client, "SELECT 'first'")
        assert script.next() == "SELECT 'first'"
        thread = background_cancel(pooler, client)
        script.received(1)
        script.answers.put(answer())
        assert client.result().error is None
        query(other, "SELECT 'second'")
        with pytest.raises(queue.Empty):
            script.asked.get(timeout=0.3)
        assert thread.is_alive(), "nobody is told that it is over before it is"
        assert pooler.pool()["sv_being_canceled"] == "1"
        script.release()
        assert script.next() == "SELECT 'second'"
        script.answers.put(answer())
        assert other.result().error is None
        ended([thread])
        assert len(script.backend.sessions) == 1


@pytest.mark.weir_only
def test_one_that_may_still_come_costs_the_server(scripted, script):
    # The connection with the cancel is given up while PostgreSQL has not closed it: whenever it is read,
    # there must be nobody on that server.
    pooler = scripted(cancel_wait_timeout=0.5)
    with pooler.wire() as client, pooler.wire() as other:
        query(client, "SELECT 'first'")
        assert script.next() == "SELECT 'first'"
        thread = background_cancel(pooler, client)
        script.received(1)
        ended([thread])
        script.answers.put(answer())
        assert client.result().error is None
        query(other, "SELECT 'second'")
        assert script.next() == "SELECT 'second'"
        script.answers.put(answer())
        assert other.result().error is None
        assert len(script.backend.sessions) == 2


@pytest.mark.weir_only
def test_a_later_query_has_a_cancel_of_its_own(scripted, script):
    # The signal that is out may have met the query before it.
    pooler = scripted()
    with pooler.wire() as client:
        query(client, "BEGIN")
        assert script.next() == "BEGIN"
        script.answers.put(answer("BEGIN", "T"))
        client.result()
        threads = []
        for number in (1, 2):
            query(client, f"SELECT {number}")
            assert script.next() == f"SELECT {number}"
            threads.append(background_cancel(pooler, client))
            script.received(number)
            script.answers.put(error("57014", "canceled") + message("Z", b"T"))
            assert client.result().error.code == "57014"
        script.release(2)
        ended(threads)


@pytest.mark.weir_only
def test_how_many_are_under_way_to_a_server_is_bounded(scripted, script):
    # What comes beyond that is dropped, and nobody waits for it.
    pooler = scripted()
    with pooler.wire() as client:
        query(client, "SELECT 'first'")
        assert script.next() == "SELECT 'first'"
        threads = []
        for number in range(1, 5):
            threads.append(background_cancel(pooler, client))
            script.received(number)
        for _ in range(20):
            cancel(pooler.port, client.key)
        assert len(script.keys) == 4
        assert pooler.pool()["cl_active_cancel_req"] == "4"
        script.release(4)
        ended(threads)
        script.answers.put(answer())
        assert client.result().error is None
        assert int(pooler.pool()["cl_active_cancel_req"]) == 0


@pytest.mark.weir_only
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_while_the_settings_are_applied(scripted, script, mode):
    # The server is there, the client's query is not sent yet: it is answered as one that waits, all that
    # came with it too, and PostgreSQL never sees it.
    pooler = scripted(pool_mode=mode)
    with pooler.wire() as first, pooler.wire(options={"TimeZone": "Asia/Tokyo"}) as client:
        query(first, "SELECT 'plain'")
        assert script.next() == "SELECT 'plain'"
        script.answers.put(answer())
        first.result()
        if mode == "session":
            first.close()
        client.send(message("Q", cstring("SELECT 'never'")) + extended("SELECT 'never either'") + sync())
        assert "set_config" in script.next()
        client.cancel()
        script.answers.put(message("S", cstring("TimeZone") + cstring("Asia/Tokyo")) + answer("SELECT 1"))
        for kinds in ("EZ", "EZ"):
            result = client.result()
            assert (result.error.code, result.status, result.kinds) == ("57014", "I", kinds)
        assert not script.keys
        query(client, "SELECT 'next'")
        assert script.next() == "SELECT 'next'"
        script.answers.put(answer("NEXT"))
        assert client.result().tags == ["NEXT"]


def rows(*rows):
    """What a question about the session's state is answered with."""
    data = b""
    for columns in (*rows, ("z", None, None, None)):
        data += message("D", struct.pack("!h", len(columns)) + b"".join(
            struct.pack("!i", -1) if one is None else struct.pack("!i", len(one)) + one.encode() for one in columns))
    return data + answer(f"SELECT {len(rows) + 1}")


@pytest.mark.weir_only
@pytest.mark.parametrize("pinned", [False, True])
def test_behind_a_question_of_weirs(scripted, script, pinned):
    # The client has its answer, and Weir asks what that has left behind. What waits behind the question is
    # canceled as one in the queue, or where the client keeps its server as soon as that has it.
    pooler = scripted(default_pool_size=2)
    held = [("h", "1", None, None)] if pinned else []
    with pooler.wire() as client:
        query(client, "LISTEN news")
        assert script.next() == "LISTEN news"
        script.answers.put(answer("LISTEN"))
        assert client.result().tags == ["LISTEN"]
        assert script.next().startswith("SELECT 'h'")
        with pooler.receiving():
            query(client, "SELECT 'canceled'")
        thread = background_cancel(pooler, client)
        ended([thread])
        assert not script.keys, "no cancel may meet the question"
        script.answers.put(rows(*held))
        if pinned:
            assert script.next() == "SELECT 'canceled'"
            script.received(1)
            script.answers.put(error("57014", "canceled") + message("Z", b"I"))
            script.release()
        result = client.result()
        assert (result.error.code, result.status, result.kinds) == ("57014", "I", "EZ")
        query(client, "SELECT 'next'")
        assert script.next() == "SELECT 'next'"
        script.answers.put(answer("NEXT"))
        assert client.result().tags == ["NEXT"]


@pytest.mark.weir_only
def test_where_nothing_waits_behind_a_question(scripted, script):
    # What the client has asked for is over: as from PostgreSQL, nothing happens, to what comes next least of all.
    pooler = scripted()
    with pooler.wire() as client:
        query(client, "LISTEN news")
        assert script.next() == "LISTEN news"
        script.answers.put(answer("LISTEN"))
        assert client.result().error is None
        assert script.next().startswith("SELECT 'h'")
        client.cancel()
        query(client, "SELECT 'next'")
        script.answers.put(rows())
        assert script.next() == "SELECT 'next'"
        script.answers.put(answer("NEXT"))
        assert client.result().tags == ["NEXT"]
        assert not script.keys


@pytest.mark.weir_only
@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize("waits", [False, True])
def test_behind_a_reset(scripted, script, mode, waits):
    # While Weir sets the values of the login.
    pooler = scripted(pool_mode=mode)
    zone = lambda name: message("S", cstring("TimeZone") + cstring(name))  # noqa: E731
    with pooler.wire(options={"TimeZone": "Asia/Tokyo"}) as client:
        query(client, "RESET TimeZone")
        assert "set_config" in script.next()
        script.answers.put(zone("Asia/Tokyo") + answer())
        assert script.next() == "RESET TimeZone"
        script.answers.put(message("C", cstring("RESET")) + zone("UTC") + message("Z", b"I"))
        assert "set_config" in script.next()
        if waits:
            with pooler.receiving():
                query(client, "SELECT 'canceled'")
        client.cancel()
        script.answers.put(zone("Asia/Tokyo") + answer())
        assert client.result().kinds == "CZ"
        if waits:
            if mode == "session":
                assert script.next() == "SELECT 'canceled'"
                script.received(1)
                script.answers.put(error("57014", "canceled") + message("Z", b"I"))
                script.release()
            assert client.result().error.code == "57014"
        query(client, "SELECT 'next'")
        assert script.next() == "SELECT 'next'"
        script.answers.put(answer("NEXT"))
        assert client.result().tags == ["NEXT"]
        assert len(script.keys) == (waits and mode == "session")


@pytest.mark.weir_only
@pytest.mark.parametrize("batch", [
    message("Q", cstring("SELECT 1")), extended("SELECT 1") + sync(), parse("SELECT 1") + sync(),
    message("Q", cstring("BEGIN")) + message("Q", cstring("UPDATE t SET a = 1")),
], ids=["simple", "extended", "parse", "several"])
def test_one_in_the_queue_needs_no_server(scripted, script, batch):
    # PostgreSQL is away: what waits for it can be canceled all the same, and the client goes on.
    pooler = scripted(database_down_timeout=30, query_wait_timeout=30)
    with pooler.wire() as client:
        query(client, "SELECT 'first'")
        assert script.next() == "SELECT 'first'"
        script.answers.put(answer())
        assert client.result().error is None
        script.backend.stop_listening()
        pooler.admin("RECONNECT")
        client.send(batch)
        wait_until(lambda: pooler.pool()["cl_waiting"] == "1", "it waits")
        start = time.monotonic()
        client.cancel()
        for _ in range(batch.count(b"BEGIN") + 1):
            result = client.result()
            assert (result.error.code, result.error.severity, result.status) == ("57014", "ERROR", "I")
        assert time.monotonic() - start < 2
        assert not script.keys
        client.send(sync())
        assert client.result().kinds == "Z"


@pytest.mark.weir_only
def test_peers_find_each_other(weir, postgres):
    # PgBouncer's way: static entries, and a number in the key.
    first, second = weir(run=False, peer_id=1), weir(run=False, peer_id=300)
    peers = {"1": f"host={HOST} port={first.port}", "300": f"host={HOST} port={second.port}"}
    for pooler in (first, second):
        pooler.peers = peers
        pooler.start()
    for mine, other in ((first, second), (second, first)):
        with mine.wire() as client:
            client.send(message("Q", cstring("SELECT pg_sleep(33)")))
            wait_until(lambda: sleeping(postgres, 33), "it runs")
            cancel(other.port, client.key)
            assert client.result().error.code == "57014"
    assert [row["peer_id"] for row in first.show("PEERS")] == ["300"]
