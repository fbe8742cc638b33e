"""Sizes: pools, reserve, minimum, caps over databases and users, and which entry counts for whom."""

import time

import pytest

from harness import HOST, OTHER_HOST, wait_until
from pgwire import ServerError, cstring, message, startup_packet


def simple(sql):
    return message("Q", cstring(sql))


def hold(pooler, count=1, **options):
    """Clients that each keep a server by an open transaction."""
    holders = []
    for _ in range(count):
        client = pooler.wire(**options)
        result = client.query("BEGIN")
        assert result.error is None, result.error
        holders.append(client)
    return holders


def release(clients):
    for client in clients:
        client.query("ROLLBACK")
        client.close()


def must_wait(client, sql="SELECT 'served'"):
    client.send(simple(sql))
    assert client.silent_for(0.4), "it should wait"


def test_pool_size_of_a_database(weir, postgres):
    # pool_size of the entry counts before default_pool_size.
    pooler = weir(databases={"app": "{backend} pool_size=2"}, default_pool_size=5)
    holders = hold(pooler, 2)
    with pooler.wire() as waiter:
        must_wait(waiter)
        assert postgres.sessions() == 2
        release(holders)
        assert waiter.result().value == "served"


@pytest.mark.weir_only
def test_pool_size_of_a_user(weir, postgres):
    # A user's pool_size counts before the database's.
    pooler = weir(databases={"app": "{backend} pool_size=5"}, users={"app": "pool_size=1"})
    holders = hold(pooler, 1)
    others = hold(pooler, 2, user="other")
    with pooler.wire() as waiter:
        must_wait(waiter)
        release(holders + others)
        assert waiter.result().value == "served"


def test_pools_are_apart(weir, postgres):
    # A pool is a database and a user: a full one does not keep others waiting.
    pooler = weir(default_pool_size=1)
    holders = hold(pooler, 1)
    pooler.still_serves(user="other")
    pooler.still_serves(database="second")
    release(holders)


def test_the_reserve_opens_after_its_timeout(weir, postgres):
    # The pool is full; a client that waited reserve_pool_timeout gets one of the reserve, and the reserve
    # ends too.
    pooler = weir(default_pool_size=1, reserve_pool_size=1, reserve_pool_timeout=1)
    holders = hold(pooler, 1)
    with pooler.wire() as waiter, pooler.wire() as too_many:
        start = time.monotonic()
        waiter.query("BEGIN")
        assert 0.6 < time.monotonic() - start < 4
        assert postgres.sessions() == 2
        too_many.send(simple("SELECT 'served'"))
        assert too_many.silent_for(2)
        assert postgres.sessions() == 2
        release(holders)
        assert too_many.result().value == "served"


def test_min_pool_size(weir, postgres):
    # While a client is connected the pool is filled up to min_pool_size without being asked for it.
    pooler = weir(default_pool_size=5, min_pool_size=3)
    with pooler.wire() as client:
        client.ask("SELECT 1")
        wait_until(lambda: postgres.sessions() == 3, "three servers are open")


@pytest.mark.weir_only
def test_min_pool_size_of_a_forced_user(weir, postgres):
    # With user= in the entry the minimum holds from the start, without any client.
    pooler = weir(databases={"app": "{backend} user=forced min_pool_size=2"})
    with pooler.wire() as client:
        client.ask("SELECT 1")
    wait_until(lambda: postgres.sessions() >= 2, "two servers are open")


def test_max_db_connections_evicts_idle_servers(weir, postgres):
    # One connection for the database over all users: the first user's idle one makes room for the second's.
    pooler = weir(databases={"app": "{backend} max_db_connections=1"})
    for user in ("app", "other", "app", "other"):
        pooler.still_serves(user=user)
        assert postgres.sessions() <= 1


def test_max_db_connections_waits_for_busy_servers(weir, postgres):
    # A busy one is not taken away.
    pooler = weir(databases={"app": "{backend} max_db_connections=1"}, query_wait_timeout=20)
    holders = hold(pooler, 1)
    with pooler.wire(login=False) as waiter:
        waiter.send(startup_packet({"user": "other", "database": "app"}))
        # Whether the login itself waits or the first query does is the pooler's choice.
        waiter.send(simple("SELECT 'served'"))
        time.sleep(0.5)
        assert postgres.sessions() == 1
        release(holders)
        kinds = []
        while "D" not in kinds:
            kinds.append(waiter.receive()[0])
            assert kinds[-1] != "E"
        assert postgres.sessions() <= 1


def test_max_user_connections_counts_over_databases(weir, postgres):
    # One connection for the user over all databases.
    pooler = weir(users={"app": "max_user_connections=1"}, query_wait_timeout=20)
    pooler.still_serves(database="app")
    pooler.still_serves(database="second")
    assert postgres.sessions() == 1
    holders = hold(pooler, 1, database="app")
    pooler.still_serves(database="second", user="other")
    assert postgres.sessions("usename = 'app'") == 1
    release(holders)


def test_max_user_connections_of_the_whole(weir, postgres):
    # The global key is a user's limit where the user has none.
    pooler = weir(max_user_connections=2, default_pool_size=5, query_wait_timeout=20)
    holders = hold(pooler, 2)
    with pooler.wire() as waiter:
        must_wait(waiter)
        assert postgres.sessions() == 2
        release(holders)
        assert waiter.result().value == "served"


@pytest.mark.weir_only
def test_max_server_connections(weir, postgres):
    # One number for the whole process, over databases and users.
    pooler = weir(max_server_connections=2, default_pool_size=5, query_wait_timeout=20)
    with pooler.wire(database="second") as waiter:
        # A pool's first login needs a server; its idle server gives way to the holders.
        holders = hold(pooler, 1) + hold(pooler, 1, user="other")
        must_wait(waiter)
        assert postgres.sessions() == 2
        release(holders)
        assert waiter.result().value == "served"
        assert postgres.sessions() <= 2


@pytest.mark.weir_only
def test_client_limits_of_databases_and_users(weir, postgres):
    # max_db_client_connections and max_user_client_connections refuse with 53300, others still come in.
    pooler = weir(databases={"app": "{backend} max_db_client_connections=2", "second": "{backend}"},
                  users={"other": "max_user_client_connections=1"})
    clients = [pooler.wire(), pooler.wire()]
    assert pooler.login_error().code == "53300"
    clients.append(pooler.wire(user="other", database="second"))
    assert pooler.login_error(user="other", database="second").code == "53300"
    pooler.still_serves(database="second")
    for client in clients:
        client.close()


def test_the_fallback_entry(weir, postgres):
    # `*` serves every name that has no entry of its own, by that name.
    pooler = weir(databases={"*": "{backend}", "alias": "{backend} dbname=second"})
    assert pooler.ask("SELECT current_database()", database="bench") == "bench"
    assert pooler.ask("SELECT current_database()", database="alias") == "second"
    try:
        with pooler.wire(database="not_in_postgres") as client:
            error = client.query("SELECT 1").error
    except ServerError as refused:
        error = refused
    assert error.code == pooler.code("3D000")
    pooler.still_serves()


def test_several_hosts(weir, postgres):
    # A list of hosts is used in turn.
    pooler = weir(databases={"app": f"host={HOST},{OTHER_HOST} port={postgres.port}"}, default_pool_size=4)
    holders = hold(pooler, 4)
    seen = {holder.ask("SELECT host(inet_server_addr())") for holder in holders}
    release(holders)
    assert seen == {HOST, OTHER_HOST}


@pytest.mark.weir_only
def test_several_hosts_without_balancing(weir, postgres):
    # load_balance_hosts=disable stays with one as long as that one answers.
    pooler = weir(databases={
        "app": f"host={HOST},{OTHER_HOST} port={postgres.port} load_balance_hosts=disable"},
        default_pool_size=4)
    holders = hold(pooler, 4)
    assert len({holder.ask("SELECT host(inet_server_addr())") for holder in holders}) == 1
    release(holders)


def test_pool_mode_of_database_and_user(weir):
    # The user's mode counts before the database's, that before the global one.
    pooler = weir(databases={"app": "{backend}", "second": "{backend} pool_mode=session"},
                  users={"other": "pool_mode=transaction"}, pool_mode="transaction", default_pool_size=1)
    kept = {}
    for user, database in (("app", "app"), ("app", "second"), ("other", "second")):
        with pooler.wire(user=user, database=database) as first, \
                pooler.wire(user=user, database=database) as second:
            first.ask("SELECT 1")
            second.send(simple("SELECT 1"))
            kept[user, database] = second.silent_for(0.4)
    assert kept == {("app", "app"): False, ("app", "second"): True, ("other", "second"): False}


def test_connect_query(weir):
    # connect_query runs once on each new server connection, before clients use it.
    pooler = weir(databases={"app": "{backend} connect_query='SET work_mem TO ''12345kB'''"})
    assert pooler.ask("SHOW work_mem") == "12345kB"


def test_a_failing_connect_query_is_no_obstacle(weir):
    # Its error is for the log only.
    pooler = weir(databases={"app": "{backend} connect_query='SELECT no_such_column'"})
    pooler.still_serves()


def test_round_robin(weir):
    # server_round_robin spreads single queries over all idle servers, LIFO keeps to one. Each worker has
    # idle servers of its own, so the count is one worker's.
    pids = {}
    for round_robin in (0, 1):
        pooler = weir(default_pool_size=3, server_round_robin=round_robin, workers=1)
        release(hold(pooler, 3))
        with pooler.wire() as client:
            pids[round_robin] = len({client.ask("SELECT pg_backend_pid()") for _ in range(9)})
    assert pids == {0: 1, 1: 3}
