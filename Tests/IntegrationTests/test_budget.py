"""The budget of a PostgreSQL server: how many connections it gets from all pools together."""

import threading
import time

import pytest

from harness import HOST, OTHER_HOST, wait_until
from test_limits import hold, must_wait, release

pytestmark = pytest.mark.weir_only


def rows(pooler):
    return {row["server"]: row for row in pooler.show("BUDGET")}


def address(postgres, host=HOST):
    return f"{host}:{postgres.port}"


def test_one_server_over_databases_and_users(weir, postgres):
    pooler = weir(databases={"app": "{backend}", "other": "{backend} dbname=app"}, server_budget=3)
    with pooler.wire(database="other", user="other") as waiter:
        holders = hold(pooler, 1) + hold(pooler, 1, database="other") + hold(pooler, 1, user="other")
        must_wait(waiter)
        assert postgres.sessions() == 3
        row = rows(pooler)[address(postgres)]
        assert (row["budget"], row["held"], row["used"], row["wanted"]) == ("3", "3", "3", "4")
        release(holders[:1])
        assert waiter.result().value == "served"
        assert postgres.sessions() <= 3
    release(holders[1:])


def test_idle_connections_of_other_pools_make_room(weir, postgres):
    pooler = weir(databases={"app": "{backend}", "other": "{backend} dbname=app"}, server_budget=2)
    with pooler.wire() as one, pooler.wire(user="other") as two, pooler.wire(database="other") as three:
        for _ in range(10):
            for client in (one, two, three):
                assert client.query("SELECT 1").value == "1"
                assert postgres.sessions() <= 2


def test_two_names_of_a_server_share_its_budget(weir, postgres):
    pooler = weir(
        databases={"app": "{backend}", "other": f"host={OTHER_HOST} port={postgres.port} dbname=app"},
        servers={"main": f"host={HOST},{OTHER_HOST} port={postgres.port} budget=3 reserve=1"},
    )
    holders = hold(pooler, 1) + hold(pooler, 1, database="other")
    with pooler.wire(database="other") as waiter:
        must_wait(waiter)
        assert rows(pooler)["main"]["budget"] == "2"
        release(holders[:1])
        assert waiter.result().value == "served"
    release(holders[1:])


def test_each_of_several_hosts_has_its_own(weir, postgres):
    pooler = weir(
        databases={"app": f"host={HOST},{OTHER_HOST} port={postgres.port}"}, server_budget=2,
        default_pool_size=10,
    )
    holders = hold(pooler, 4)
    with pooler.wire() as waiter:
        must_wait(waiter)
        assert {host: rows(pooler)[address(postgres, host)]["held"] for host in (HOST, OTHER_HOST)} == {
            HOST: "2", OTHER_HOST: "2"}
        release(holders[:1])
        assert waiter.result().value == "served"
    release(holders[1:])


@pytest.mark.parametrize("setting, names", [
    ("server_budget", "Server 127.0.0.1 has all 1 connections"),
    ("max_server_connections", "The process has all 1 connections"),
    ("max_db_connections", "Database app has all 1 connections"),
    ("max_user_connections", "User app has all 1 connections"),
    ("default_pool_size", "1 of 1 server connections are in use"),
])
def test_who_waits_in_vain_is_told_which_limit_was_in_the_way(weir, setting, names):
    pooler = weir(query_wait_timeout=0.5, **{setting: 1})
    holders = hold(pooler, 1)
    with pooler.wire() as waiter:
        error = waiter.query("SELECT 1").error
        assert error.code == "53300" and names in error.detail, error
        expected = "pool_size" if setting == "default_pool_size" else setting
        assert f"Raise query_wait_timeout or {expected}," in error.hint
    release(holders)


def test_a_new_budget_applies_at_reload(weir, postgres):
    pooler = weir(server_budget=1)
    holders = hold(pooler, 1)
    with pooler.wire() as waiter:
        must_wait(waiter)
        pooler.settings["server_budget"] = 2
        pooler.write()
        pooler.admin("RELOAD")
        assert waiter.result().value == "served"
    release(holders)


def test_a_lower_budget_closes_what_is_idle_above_it(weir, postgres):
    pooler = weir(server_budget=4)
    release(hold(pooler, 4))
    assert postgres.sessions() == 4
    pooler.settings["server_budget"] = 1
    pooler.write()
    pooler.admin("RELOAD")
    wait_until(lambda: postgres.sessions() == 1, "one connection is left")


def test_never_over_the_budget_under_load(weir, postgres, engine):
    """Clients of four pools come and go; PostgreSQL's own list is looked at all the while."""
    pooler = weir(databases={"app": "{backend}", "other": "{backend} dbname=app"}, server_budget=4, workers=2)
    until = time.monotonic() + 3
    failures, served = [], []

    def work(database, user):
        while time.monotonic() < until and not failures:
            try:
                with pooler.wire(database=database, user=user) as client:
                    for _ in range(3):
                        assert client.query("SELECT 1").value == "1"
                served.append(1)
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=work, args=(database, user))
               for database in ("app", "other") for user in ("app", "other") for _ in range(5)]
    for thread in threads:
        thread.start()
    most = 0
    while time.monotonic() < until:
        most = max(most, postgres.sessions())
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    assert most <= 4 and len(served) > 20
    wait_until(lambda: rows(pooler)[address(postgres)]["used"] == "0", "nobody uses a connection")
