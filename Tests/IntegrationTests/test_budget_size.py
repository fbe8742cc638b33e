"""How large a budget is: a number, a part of what PostgreSQL takes, or what it leaves."""

import subprocess

import pytest

from harness import HOST, OTHER_HOST, drop_privileges, own, wait_until
from pgwire import ServerError
from test_budget import address, rows
from test_limits import hold, must_wait, release

pytestmark = pytest.mark.weir_only


def budget(pooler, server):
    return rows(pooler)[server]["budget"]


def says(pooler, text, seconds=10):
    wait_until(lambda: text in pooler.log(), f"the log has {text!r}", seconds)


@pytest.mark.parametrize("size, slots, origin", [("auto", "87", "auto"), ("3%", "3", "3%")])
def test_a_part_of_what_the_server_takes(weir, postgres, size, slots, origin):
    # PostgreSQL has max_connections = 100 and keeps 3 for superusers.
    pooler = weir(server_budget=size, ledger_user="app", workers=2)
    wait_until(lambda: budget(pooler, address(postgres)) == slots, "the budget is known")
    says(pooler, f"server {address(postgres)}: max_connections 100, reserved for superusers 3, leaves 97; "
         f"budget {slots} ({origin}), for others {97 - int(slots)}")


def test_the_part_is_a_limit(weir, postgres):
    pooler = weir(server_budget="3%", databases={"app": "{backend} user=app"}, workers=2)
    holders = hold(pooler, 3)
    with pooler.wire() as waiter:
        must_wait(waiter)
        assert postgres.sessions() == 3
        release(holders[:1])
        assert waiter.result().value == "served"
    release(holders[1:])


def test_a_server_with_a_name_and_a_reserve(weir, postgres):
    pooler = weir(databases={"app": "{backend} user=app"},
                  servers={"main": f"host={HOST} port={postgres.port} budget=auto reserve=85"})
    holders = hold(pooler, 2)
    with pooler.wire() as waiter:
        must_wait(waiter)
        assert budget(pooler, "main") == "2"
        release(holders[:1])
        assert waiter.result().value == "served"
    release(holders[1:])
    says(pooler, "budget 2 (auto less a reserve of 85), for others 95")


def test_a_password_of_auth_file_is_enough(weir, postgres):
    pooler = weir(server_budget="5%", ledger_user="scram_user", userlist={"scram_user": "scram-secret"})
    wait_until(lambda: budget(pooler, address(postgres)) == "5", "the budget is known")


def test_a_budget_that_does_not_fit_is_warned_of(weir, postgres):
    pooler = weir(server_budget=98, databases={"app": "{backend} user=app"})
    says(pooler, f"server {address(postgres)}: the budget of 98 is more than the 97 connections that "
         "max_connections = 100 leaves")
    assert pooler.ask("SELECT 1") == "1"


def test_minimums_that_do_not_fit_are_warned_of(weir, postgres):
    pooler = weir(server_budget="2%", databases={
        "app": "{backend} user=app min_pool_size=2", "other": "{backend} dbname=app user=app min_pool_size=1"})
    says(pooler, "min_pool_size of its databases adds up to 3, and the budget is 2, which will be the limit")
    wait_until(lambda: postgres.sessions("application_name <> 'weir: asks for max_connections'") == 2,
               "as many as may be are kept open")


def test_nothing_is_opened_before_the_server_has_been_asked(weir, own_postgres):
    own_postgres.stop()
    try:
        pooler = weir(own_postgres, server_budget="auto", ledger_user="app", query_wait_timeout=0.5)
        error = pooler.login_error()
        assert error.code == "53300"
        assert (f"server_budget = auto: max_connections of server {address(own_postgres)} is not known yet:"
                in error.detail), error.detail
        assert "Connection refused" in error.detail, error.detail
        says(pooler, "until then nothing is opened there")
        # Nobody has tried to log in for a client.
        assert "server login failed" not in pooler.log()
        pooler.admin("SET query_wait_timeout = 30")
    finally:
        own_postgres.start()
    # It is asked again by itself, and who waits is served then.
    with pooler.wire() as client:
        assert client.ask("SELECT 1") == "1"
    assert budget(pooler, address(own_postgres)) == "87"


def test_why_it_is_not_known_is_said(weir, postgres):
    pooler = weir(server_budget="auto", ledger_user="stranger", query_wait_timeout=1)
    error = pooler.login_error()
    assert 'user "stranger"' in error.detail, error.detail
    says(pooler, 'user "stranger"')
    assert postgres.sessions() == 0


def test_a_known_size_outlives_the_server(weir, own_postgres):
    pooler = weir(own_postgres, server_budget="5%", ledger_user="app")
    assert pooler.ask("SELECT 1") == "1"
    own_postgres.stop()
    own_postgres.start()
    wait_until(lambda: serves(pooler), "the server is used again")
    assert budget(pooler, address(own_postgres)) == "5"


def serves(pooler):
    try:
        return pooler.ask("SELECT 1") == "1"
    except ServerError:
        return False


def test_a_reload_brings_another_size(weir, postgres):
    pooler = weir(server_budget=1, ledger_user="app")
    holders = hold(pooler, 1)
    for size, slots in (("4%", "4"), ("auto", "87"), ("2", "2")):
        pooler.settings["server_budget"] = size
        pooler.write()
        pooler.admin("RELOAD")
        wait_until(lambda: budget(pooler, address(postgres)) == slots, f"the budget is {slots}")
    holders += hold(pooler, 1)
    release(holders)


@pytest.mark.parametrize("size, origin", [("7%", " (7%)"), (7, "")])
def test_a_fleet_knows_the_size_of_its_budget(weir, postgres, size, origin):
    # The fleet has what the control connections leave.
    poolers = [weir(server_budget=size, budget_ledger="postgres", ledger_user="ledger", control_reserve=4, workers=2)
               for _ in range(2)]
    for pooler in poolers:
        says(pooler, f"leaves 97; budget 7{origin}, for others 90")
    holders = hold(poolers[0], 2) + hold(poolers[1], 1)
    with poolers[0].wire() as waiter:
        must_wait(waiter)
        assert postgres.sessions("usename = 'app'") == 3
        release(holders[-1:])
        assert waiter.result().value == "served"
    release(holders[:-1])


def test_a_reload_brings_a_fleet_another_server(weir, postgres):
    pooler = weir(databases={"app": "{backend} user=app"}, server_budget=7, budget_ledger="postgres",
                  control_reserve=4)
    assert pooler.ask("SELECT 1") == "1"
    pooler.databases["there"] = f"host={OTHER_HOST} port={postgres.port} dbname=app user=other"
    pooler.write()
    pooler.admin("RELOAD")
    assert pooler.ask("SELECT current_user", database="there") == "other"
    says(pooler, f"server {address(postgres, OTHER_HOST)}: max_connections 100")


@pytest.mark.parametrize("lines, number, message", [
    ("server_budget = 101%", 2, 'server_budget = "101%": expected'),
    ("server_budget = most", 2, 'server_budget = "most": expected'),
    ("server_budget = auto\n[databases]\napp = host=h", 2, "server h:5432: a budget of auto needs a login there"),
    ("[servers]\nmain = host=h budget=0%", 3, 'servers/main budget = "0%": expected'),
    ("server_budget = 5\n[databases]\napp = host=h user=u min_pool_size=3\nother = host=h user=u min_pool_size=3", 2,
     "server h:5432: min_pool_size of its databases adds up to 6, which is above its 5 connections"),
    ("budget_ledger = postgres", 2, "budget_ledger = postgres, but a fleet needs a budget to share"),
])
def test_what_cannot_be_is_refused_with_its_place(binary, scratch, lines, number, message):
    path = scratch("check") / "weir.ini"
    path.write_text(f"[weir]\n{lines}\n")
    own(path)
    done = subprocess.run(binary.command("check", path), capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, **drop_privileges())
    assert done.returncode == 1
    assert f"{path}:{number}: {message}" in done.stderr, done.stderr
