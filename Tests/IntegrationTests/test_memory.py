"""Memory stays bounded whatever peers do: slow readers, large rows, large COPYs, floods."""

import socket
import threading
import time

from conftest import LONG
from harness import wait_until
from pgwire import Closed, cstring, message

MEGABYTE = 1 << 20
COPY_BYTES = (1000 if LONG else 100) * MEGABYTE

#: How much the process may grow in all, in kilobytes, for transfers that pass through it: its buffers
#: for the few connections of these tests, with room for the allocator.
BOUND = 32 * 1024


class Memory:
    """Samples the pooler's resident memory while a test's body runs."""

    def __init__(self, pooler, bound=BOUND):
        self.pooler, self.bound = pooler, bound
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopping.wait(0.05):
            self.peak = max(self.peak, self.pooler.resident_kilobytes())

    def __enter__(self):
        self.pooler.still_serves()
        self.before = self.peak = self.pooler.resident_kilobytes()
        self.thread.start()
        return self

    def __exit__(self, kind, *_):
        self.stopping.set()
        self.thread.join()
        if kind is None:
            after = self.pooler.resident_kilobytes()
            assert self.peak - self.before <= self.bound, (
                f"resident memory before {self.before} kB, at its peak {self.peak} kB, after {after} kB")


def receive_all(client):
    """Reads a result to its end without keeping it; returns the bytes of DataRow and CopyData."""
    total = 0
    while True:
        kind, body = client.receive()
        if kind in "Dd":
            total += len(body)
        assert kind != "E", body
        if kind == "Z":
            return total


def test_slow_readers_of_large_results(weir):
    # Ten clients each ask for 10 MB and do not read: the pooler must not collect what they leave. Then
    # they read, and get every byte.
    pooler = weir(default_pool_size=10)
    with Memory(pooler):
        clients = [pooler.wire(receive_buffer=8192, timeout=60) for _ in range(10)]
        for client in clients:
            client.send(message("Q", cstring("SELECT repeat('x', 10000) FROM generate_series(1, 1000)")))
        time.sleep(1.5)
        for client in clients:
            assert receive_all(client) >= 10_000_000
            client.close()
    pooler.still_serves()


def test_one_large_row(weir):
    # A single message of 100 MB streams through.
    pooler = weir()
    with Memory(pooler), pooler.wire(timeout=60) as client:
        client.send(message("Q", cstring("SELECT repeat('x', 100000000)")))
        total = 0
        while True:
            head = client.read_exactly(5)
            left = int.from_bytes(head[1:], "big") - 4
            kind = chr(head[0])
            if kind == "D":
                total = left
            while left:
                left -= len(client.read_exactly(min(left, 1 << 20)))
            if kind == "Z":
                break
        assert total > 100_000_000


def test_one_large_query(weir):
    # A statement of 50 MB streams through the other way.
    pooler = weir()
    with Memory(pooler), pooler.wire(timeout=60) as client:
        assert client.ask("SELECT length('" + "y" * (50 * MEGABYTE) + "')") == str(50 * MEGABYTE)


def test_copy_out(weir):
    # A large COPY TO to a client that reads at its leisure.
    pooler = weir()
    rows = COPY_BYTES // 1000
    with Memory(pooler), pooler.wire(timeout=60) as client:
        client.send(message("Q", cstring(
            f"COPY (SELECT repeat('z', 999) FROM generate_series(1, {rows})) TO STDOUT")))
        assert receive_all(client) == rows * 1000


def test_copy_in(weir, postgres):
    # A large COPY FROM, faster than PostgreSQL takes it: back-pressure, not memory.
    pooler = weir()
    block = message("d", (b"w" * 999 + b"\n") * 1000)
    blocks = COPY_BYTES // MEGABYTE
    with Memory(pooler), pooler.wire(timeout=120) as client:
        client.query("BEGIN")
        client.query("CREATE TEMP TABLE large (t text) ON COMMIT DROP")
        client.send(message("Q", cstring("COPY large FROM STDIN")))
        assert client.receive()[0] == "G"
        for _ in range(blocks):
            client.send(block)
        client.send(message("c"))
        result = client.result()
        assert result.tags == [f"COPY {blocks * 1000}"], result.errors
        client.query("ROLLBACK")


def test_a_flood_of_queries_while_waiting(weir):
    # A client that waits for a server and goes on sending is stopped by back-pressure.
    pooler = weir(default_pool_size=1, query_wait_timeout=30)
    one = message("Q", cstring("SELECT '" + "f" * 1000 + "'"))
    with Memory(pooler), pooler.wire() as holder, pooler.wire(timeout=30) as flood:
        holder.query("BEGIN")
        flood.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        flood.sock.settimeout(1)
        sent = 0
        try:
            while sent < 200 * MEGABYTE:
                sent += flood.sock.send(one * 64)
        except (TimeoutError, Closed):
            pass
        assert sent < 100 * MEGABYTE, "the pooler took everything"
        flood.reset()
        holder.query("COMMIT")
    pooler.still_serves()


def test_replies_nobody_reads(weir):
    # A client pipelines without ever reading: its server's replies stop its own requests.
    pooler = weir(default_pool_size=2)
    one = message("Q", cstring("SELECT repeat('r', 1000)"))
    with Memory(pooler), pooler.wire(receive_buffer=8192) as deaf:
        deaf.sock.settimeout(1)
        sent = 0
        try:
            while sent < 100 * MEGABYTE:
                sent += deaf.sock.send(one * 256)
        except TimeoutError:
            pass
        assert sent < 50 * MEGABYTE, "the pooler took everything"
        pooler.still_serves()
        deaf.reset()
    wait_until(lambda: not [row for row in pooler.show("CLIENTS") if row["user"] == "app"],
               "the deaf client is gone", 15)


def test_idle_clients_are_cheap(weir):
    # Five hundred idle clients after a query each: a few kilobytes a client.
    pooler = weir(max_client_conn=600)
    count = 500
    with Memory(pooler, bound=count * 12 + 4096):
        clients = [pooler.wire() for _ in range(count)]
        for client in clients:
            client.ask("SELECT 1")
        for client in clients:
            client.close()


def test_clients_that_do_nothing_are_cheaper(weir):
    # As those of the bench's row `idle`, which must not take more than PgBouncer's: 911 bytes. What few clients
    # have belongs into RareClientState.
    pooler, count = weir(max_client_conn=5000), 4000
    clients = [pooler.wire() for _ in range(100)]
    clients[0].ask("SELECT 1")
    before = pooler.resident_kilobytes()
    clients += [pooler.wire() for _ in range(count)]
    grown = (pooler.resident_kilobytes() - before) * 1024 / count
    assert 200 < grown < 1000, f"{grown:.0f} bytes a client"
    for client in clients:
        client.close()


def test_memory_does_not_creep(weir):
    # The same work again and again: the second half takes no more than the first.
    pooler = weir(default_pool_size=2)

    def work(times):
        for _ in range(times):
            with pooler.wire() as client:
                client.send(message("Q", cstring("SELECT repeat('x', 1000) FROM generate_series(1, 500)")))
                receive_all(client)
                client.query("SELECT 1/0")

    work(100)
    with Memory(pooler, bound=4096):
        work(300 if not LONG else 3000)
