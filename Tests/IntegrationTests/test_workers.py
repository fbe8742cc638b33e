"""Several workers in one process: clients of any, one pool, one set of limits, one view.

A client's cancel key says which worker it came to, so tests can choose.
"""

import os
import random
import re
import statistics
import struct
import subprocess
import threading
import time

import pytest

from conftest import LONG
from fake_backend import FakeBackend, answer
from harness import HOST, PG_BIN, drop_privileges, wait_until
from pgwire import Closed, ServerError, bind, cancel, cstring, describe, execute, message, parse, sync

pytestmark = pytest.mark.weir_only

#: How often what takes a moment is done.
TIMES = 60 if LONG else 20


def simple(sql):
    return message("Q", cstring(sql))


def worker_of(client):
    return struct.unpack("!I", client.key[:4])[0] % 64


def on_workers(pooler, *wanted, **options):
    """One client at each of the workers named."""
    found, others = {}, []
    needed = list(wanted)
    for _ in range(200):
        if not needed:
            break
        client = pooler.wire(**options)
        worker = worker_of(client)
        if worker in needed:
            needed.remove(worker)
            found.setdefault(worker, []).append(client)
        else:
            others.append(client)
    for client in others:
        client.close()
    assert not needed, f"no client came to worker {needed}"
    return [found[worker].pop(0) for worker in wanted]


def workers(pooler):
    return [{key: int(value) for key, value in row.items()} for row in pooler.show("WORKERS")]


def total(pooler, column):
    return sum(row[column] for row in workers(pooler))


def close(*clients):
    for client in clients:
        client.close()


class Crowd:
    """Threads that all do the same until told to stop; what one raises fails the test."""

    def __init__(self, count, act):
        self.stopping, self.errors, self.act = threading.Event(), [], act
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        try:
            self.act(number, self.stopping)
        except Exception as error:  # noqa: BLE001: whatever it was, the test must hear of it
            self.errors.append(f"{number}: {error!r}")

    def finish(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads), "one still waits for an answer"
        assert not self.errors, self.errors[:5]


# Clients.

@pytest.mark.parametrize("count", [1, 2, 4])
def test_clients_are_spread(weir, count):
    # The less loaded of two workers gets a client, so that the loads differ by few.
    pooler = weir(workers=count)
    clients = [pooler.wire() for _ in range(40)]
    rows = workers(pooler)
    assert [row["worker"] for row in rows] == list(range(count))
    loads = [sum(worker_of(client) == n for client in clients) for n in range(count)]
    assert max(loads) - min(loads) <= 6, loads
    # The console's own client is one more, at the first worker.
    assert [row["clients"] for row in rows] == [loads[0] + 1, *loads[1:]]
    close(*clients)
    wait_until(lambda: [row["clients"] for row in workers(pooler)] == [1] + [0] * (count - 1), "all have gone")


def test_clients_that_come_and_go_stay_where_they_come(weir):
    # To hand a socket on costs more than a short-lived client's query; those that stay are dealt out again.
    pooler = weir(workers=2)
    places, ends = [], time.monotonic() + 3
    while time.monotonic() < ends:
        client = pooler.wire()
        places.append(worker_of(client))
        client.ask("SELECT 1")
        client.close()
    # It takes a window of 100 ms to see what the clients are like, and a busy moment may pass for a full core.
    late = places[len(places) // 2:]
    assert late.count(0) > 0.7 * len(late), (late.count(0), len(late))
    # As long as it has not seen that these stay, the first worker has up to 32 more of them.
    clients, loads = [], [0, 0]
    while len(clients) < 20 or (abs(loads[0] - loads[1]) > 6 and len(clients) < 90):
        clients.append(pooler.wire())
        loads[worker_of(clients[-1])] += 1
        time.sleep(0.02)  # Or all would come before it looks again.
    assert abs(loads[0] - loads[1]) <= 6, loads
    close(*clients)


@pytest.mark.parametrize("kind", ["process", "database", "user"])
def test_client_limits_are_exact(weir, kind):
    # Of forty clients that come at once to four workers as many get in as may, and no more.
    options = {"process": {"max_client_conn": 25},
               "database": {"databases": {"app": "{backend} max_db_client_connections=25"}},
               "user": {"users": {"app": "max_user_client_connections=25"}}}[kind]
    pooler = weir(workers=4, **options)
    came_to = set()
    for _ in range(3):
        inside, refused, start = [], [], threading.Barrier(40)

        def come(_, __):
            start.wait(20)
            try:
                inside.append(pooler.wire())
            except ServerError as error:
                refused.append(error.code)

        Crowd(40, come).finish()
        assert (len(inside), refused) == (25, ["53300"] * 15)
        came_to |= {worker_of(client) for client in inside}
        close(*inside)
        wait_until(lambda: total(pooler, "clients") == 1, "all have gone")
    assert len(came_to) > 1


def test_a_cancel_finds_its_query_at_any_worker(weir, postgres):
    # The request comes to any worker, the query runs at any: that query ends, and no other.
    pooler = weir(workers=2, default_pool_size=2)
    victim, bystander = on_workers(pooler, 0, 1)
    for number in range(TIMES):
        one, other = (victim, bystander) if number % 2 else (bystander, victim)
        one.send(simple("SELECT pg_sleep(30)"))
        other.send(simple("SELECT pg_sleep(0.15), 'whole'"))
        wait_until(lambda: postgres.sessions("state = 'active' AND query LIKE '%pg_sleep(30)%'"), "it runs",
                   pause=0.005)
        start = time.monotonic()
        cancel(pooler.port, one.key)
        assert one.result().error.code == "57014"
        assert time.monotonic() - start < 3
        assert other.result().rows[0][1] == "whole"
    close(victim, bystander)


# Servers.

def test_the_pool_size_is_kept_over_workers(weir, postgres, bench):
    # Forty clients of four workers share five servers, which go where they are wanted.
    pooler = weir(workers=4, default_pool_size=5)
    seconds, counts = (20 if LONG else 3), []
    load = subprocess.Popen(
        [PG_BIN / "pgbench", "-h", HOST, "-p", str(pooler.port), "-U", "app", "-n", "-c", "40", "-j", "2", "-T",
         str(seconds), "-b", "simple-update", bench], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        with postgres.connect() as direct:
            while load.poll() is None:
                counts.append(direct.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND"
                                             " backend_type = 'client backend'").fetchone()[0])
                time.sleep(0.05)
        output = load.communicate(timeout=60)[0]
    finally:
        load.kill()
    assert load.returncode == 0 and "number of failed transactions: 0 " in output, output
    assert max(counts) == 5, counts
    assert total(pooler, "servers_missed") == 0
    # At the same moment some are on their way.
    arrived, departed = total(pooler, "servers_arrived"), total(pooler, "servers_departed")
    assert arrived > 0 and arrived == departed
    assert sum(row["servers"] for row in workers(pooler)) == postgres.sessions() <= 5


def times_of(pooler, measure):
    """Deadlines are looked at every 100 ms: what is much quicker was not found by looking, but told."""
    found = [measure(number) for number in range(TIMES)]
    assert statistics.median(found) < 0.02, [round(time * 1000, 1) for time in found]
    assert total(pooler, "servers_missed") == 0


def test_an_idle_server_elsewhere_comes_at_once(weir):
    pooler = weir(workers=2, default_pool_size=1)
    clients = on_workers(pooler, 0, 1)

    def measure(number):
        start = time.monotonic()
        assert clients[number % 2].ask("SELECT 1") == "1"
        return time.monotonic() - start

    times_of(pooler, measure)
    assert total(pooler, "servers_arrived") >= TIMES - 1
    close(*clients)


def test_a_server_that_comes_free_elsewhere_comes_at_once(weir):
    pooler = weir(workers=2, default_pool_size=1)
    clients = on_workers(pooler, 0, 1)

    def measure(number):
        holder, waiter = clients[number % 2], clients[1 - number % 2]
        holder.query("BEGIN")
        waiter.send(simple("SELECT 'free'"))
        time.sleep(0.01 + number % 5 * 0.02)
        start = time.monotonic()
        holder.send(simple("COMMIT"))
        assert waiter.result().value == "free"
        end = time.monotonic()
        assert holder.result().tags == ["COMMIT"]
        return end - start

    times_of(pooler, measure)
    close(*clients)


def test_a_slot_that_comes_free_elsewhere_is_used_at_once(weir, postgres):
    pooler = weir(workers=2, default_pool_size=1)

    def measure(number):
        holder, waiter = on_workers(pooler, number % 2, 1 - number % 2)
        holder.query("BEGIN")
        pid = holder.ask("SELECT pg_backend_pid()")
        waiter.send(simple("SELECT 'free'"))
        time.sleep(0.01 + number % 5 * 0.02)
        with postgres.connect() as direct:
            start = time.monotonic()
            direct.execute(f"SELECT pg_terminate_backend({pid})")
            assert waiter.result().value == "free"
            end = time.monotonic()
        close(holder, waiter)
        return end - start

    times_of(pooler, measure)


def test_another_workers_idle_server_of_another_pool_gives_way_at_once(weir):
    # The only connection that the database may have is idle, of another user, at another worker.
    pooler = weir(workers=2, databases={"app": "{backend} max_db_connections=1"}, default_pool_size=1)
    clients = on_workers(pooler, 0, user="app") + on_workers(pooler, 1, user="other")

    def measure(number):
        start = time.monotonic()
        assert clients[number % 2].ask("SELECT current_user") == ("app", "other")[number % 2]
        return time.monotonic() - start

    times_of(pooler, measure)
    close(*clients)


def test_waiters_of_all_workers_are_served_in_order(weir):
    # Who has waited clearly longer than anybody here is served first, wherever that is.
    pooler = weir(workers=2, default_pool_size=1, query_wait_timeout=60)
    holder, *clients = on_workers(pooler, 0, *[0, 1] * 6)
    for turn in range(2):
        holder.query("BEGIN")
        for number, client in enumerate(clients):
            client.send(simple(f"SELECT {number}, clock_timestamp(), pg_sleep(0.005)"))
            time.sleep(0.03)
        holder.query("COMMIT")
        answers = [client.result().rows[0] for client in clients]
        assert [int(answer[0]) for answer in sorted(answers, key=lambda answer: answer[1])] == list(range(12))
    assert total(pooler, "servers_arrived") >= 12
    close(holder, *clients)


def test_what_a_client_has_set_and_prepared_never_shows_elsewhere(weir):
    # Two servers wander between three workers; everybody sees its own settings and statements, or none.
    pooler = weir(workers=3, default_pool_size=2)
    clients = on_workers(pooler, *[0, 1, 2] * 2)
    zones = ["UTC", "Asia/Tokyo", "Europe/Berlin", "America/Lima", "Africa/Cairo", "Asia/Kolkata"]
    chance = random.Random(7)
    for client, zone in zip(clients, zones):
        client.query(f"SET TimeZone = '{zone}'")
    for turn in range(TIMES * 30):
        number = chance.randrange(len(clients))
        client, own = clients[number], f"own {number}"
        name = chance.choice(["", "s"])
        what = chance.randrange(4)
        if what == 0:
            assert client.ask("SHOW TimeZone") == zones[number]
        elif what == 1:
            client.send(parse(f"SELECT '{own}'", name) + bind((), name) + execute() + sync())
            result = client.result()
            # A name of before may still be there.
            assert result.rows == [[own]] or result.error.code == "42P05", result
        elif what == 2:
            client.send(bind((), name) + execute() + sync())
            result = client.result()
            assert result.rows == [[own]] or result.error.code == "26000", (turn, number, result)
        else:
            client.send(parse(f"SELECT '{own}'") + describe("", "S") + sync())
            assert client.result().error is None
    assert total(pooler, "servers_arrived") > TIMES
    close(*clients)


def test_a_server_is_checked_after_a_move(weir):
    # One that has been idle for long is asked server_check_query first, though another worker had it.
    said = []

    def serve(session):
        while True:
            kind, body = session.receive()
            if kind == "Q":
                said.append((session.number, body[:-1].decode()))
                if said[-1] == (0, "SELECT 'check'") and len(said) > 4:
                    return  # This one is broken, so the client must get another.
                session.send(answer())

    with FakeBackend(serve) as backend:
        pooler = weir(workers=2, databases={"app": f"host={HOST} port={backend.port}"}, default_pool_size=1,
                      server_check_delay=1, server_check_query="SELECT 'check'")
        clients = on_workers(pooler, 0, 1)
        for number in range(3):
            clients[number % 2].query(f"SELECT {number}")
            time.sleep(1.3)
        clients[1].query("SELECT 3")
        close(*clients)
    queries = [query for _, query in said]
    assert queries == ["SELECT 0", "SELECT 'check'", "SELECT 1", "SELECT 'check'", "SELECT 2",
                       "SELECT 'check'", "SELECT 3"], said
    assert said[0][0] == 0 and said[-1][0] != 0


def test_backends_are_killed_under_load(weir, postgres):
    # All clients of four workers go on (those whose server it was by a new connection) within the limit.
    pooler = weir(workers=4, default_pool_size=6, server_login_retry=1)
    asked, most = [0] * 24, 0

    def ask(number, stopping):
        client = None
        while not stopping.is_set():
            try:
                client = client or pooler.wire(timeout=30)
                own = f"{number}:{asked[number]}"
                result = client.query(f"SELECT '{own}', pg_sleep(0.002)")
                assert result.error is not None or result.rows[0][0] == own, (own, result)
                asked[number] += result.error is None
                if result.error:
                    raise Closed(str(result.error))
            except (Closed, ServerError, OSError) as error:
                assert not isinstance(error, TimeoutError), error
                if client:
                    client.close()
                client = None
        if client:
            client.close()

    crowd, chance = Crowd(24, ask), random.Random(11)
    try:
        with postgres.connect() as direct:
            end = time.monotonic() + (30 if LONG else 4)
            while time.monotonic() < end:
                pids = [pid for pid, in direct.execute("SELECT pid FROM pg_stat_activity WHERE usename = 'app'"
                                                       " AND backend_type = 'client backend'")]
                most = max(most, len(pids))
                if pids:
                    direct.execute(f"SELECT pg_terminate_backend({chance.choice(pids)})")
                time.sleep(0.05)
            before = list(asked)
            wait_until(lambda: all(a > b + 2 for a, b in zip(asked, before)), "all are served again", 20)
    finally:
        crowd.finish()
    assert most <= 6
    assert total(pooler, "servers_missed") == 0
    pooler.still_serves()


# The setting.

def test_as_many_workers_as_cores_by_default(weir):
    for options in ({}, {"workers": 0}):
        pooler = weir(**options)
        assert len(workers(pooler)) == min(os.cpu_count(), 8)


@pytest.mark.parametrize("value", ["65", "-1", "x"])
def test_a_wrong_number_of_workers_is_an_error(weir, value):
    pooler = weir(run=False, workers=value)
    pooler.write()
    done = subprocess.run(pooler.binary.command(pooler.config), cwd=pooler.folder, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=20, text=True, **drop_privileges())
    assert done.returncode == 1
    assert re.search(r"\bworkers\b.*64", done.stdout + done.stderr), done


def test_the_number_of_workers_stays(weir):
    pooler = weir(workers=2)
    with pytest.raises(ServerError):
        pooler.admin("SET workers = 3")
    assert len(workers(pooler)) == 2
