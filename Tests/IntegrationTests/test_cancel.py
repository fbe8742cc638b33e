"""Cancel requests: they end the query they were meant for, and never another."""

import random
import threading
import time

from harness import wait_until
from pgwire import cancel, cstring, extended, message, sync


def sleeping(postgres, seconds):
    return postgres.sessions(f"query LIKE '%pg_sleep({seconds})%' AND state = 'active'")


def test_a_running_query(weir, postgres):
    # 57014 from PostgreSQL, and the client goes on.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as client:
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
    pooler = weir(databases={"app": "{backend} max_db_connections=1"}, default_pool_size=1)
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
