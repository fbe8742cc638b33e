"""The admin console: the tables that exporters read and the commands that operators type."""

import re
import subprocess

import psycopg
import pytest

from harness import PG_BIN, wait_until
from pgwire import cstring, extended, message, sync

S, I, Q, N, B = 25, 23, 20, 1700, 17


def columns(text, **types):
    """`name name:i …` as pairs; text without a suffix."""
    by_suffix = {"s": S, "i": I, "q": Q, "n": N, "b": B}
    found = []
    for word in text.split():
        name, _, suffix = word.partition(":")
        found.append((name, by_suffix[suffix or types.get("default", "s")]))
    return found


COUNTS = ("server_assignment_count xact_count query_count bytes_received bytes_sent xact_time query_time"
          " wait_time")
SOCKET = ("type user database replication state addr port:i local_addr local_port:i connect_time"
          " request_time wait:i wait_us:i close_needed:i ptr link remote_pid:i tls application_name"
          " prepared_statements:i id:i")
TABLES = {
    "STATS": [("database", S)] + columns(
        "total_server_assignment_count total_xact_count total_query_count total_received total_sent"
        " total_xact_time total_query_time total_wait_time total_client_parse_count"
        " total_server_parse_count total_bind_count avg_server_assignment_count avg_xact_count"
        " avg_query_count avg_recv avg_sent avg_xact_time avg_query_time avg_wait_time"
        " avg_client_parse_count avg_server_parse_count avg_bind_count", default="n"),
    "STATS_TOTALS": [("database", S)] + columns(
        COUNTS + " client_parse_count server_parse_count bind_count", default="n"),
    "STATS_AVERAGES": [("database", S)] + columns(
        COUNTS + " avg_client_parse_count avg_server_parse_count avg_bind_count", default="n"),
    "TOTALS": columns("name value:n"),
    "CLIENTS": columns(SOCKET),
    "SERVERS": columns(SOCKET),
    "SOCKETS": columns(SOCKET + " recv_pos:i pkt_pos:i pkt_remain:i send_pos:i send_remain:i pkt_avail:i"
                       " send_avail:i"),
    "ACTIVE_SOCKETS": columns(SOCKET + " recv_pos:i pkt_pos:i pkt_remain:i send_pos:i send_remain:i"
                              " pkt_avail:i send_avail:i"),
    "POOLS": columns("database user cl_active:i cl_waiting:i cl_active_cancel_req:i"
                     " cl_waiting_cancel_req:i sv_active:i sv_active_cancel:i sv_being_canceled:i sv_idle:i"
                     " sv_used:i sv_tested:i sv_login:i maxwait:i maxwait_us:i pool_mode"
                     " load_balance_hosts"),
    "PEER_POOLS": columns("peer_id:i cl_active_cancel_req:i cl_waiting_cancel_req:i sv_active_cancel:i"
                          " sv_login:i"),
    "PEERS": columns("peer_id:i host port:i pool_size:i"),
    "DATABASES": columns("name host port:i database force_user pool_size:i min_pool_size:i"
                         " reserve_pool_size:i server_lifetime:i pool_mode load_balance_hosts"
                         " max_connections:i current_connections:i max_client_connections:i"
                         " current_client_connections:i paused:i disabled:i"),
    "USERS": columns("name pool_size reserve_pool_size pool_mode max_user_connections:i"
                     " current_connections:i max_user_client_connections:i current_client_connections:i"),
    "LISTS": columns("list items:i"),
    "CONFIG": columns("key value default changeable"),
    "MEM": columns("name size:i used:i free:i memtotal:i"),
    "DNS_HOSTS": columns("hostname ttl:q addrs"),
    "DNS_ZONES": columns("zonename serial:q count:i"),
    "STATE": columns("key value"),
    "VERSION": columns("version"),
    "FDS": columns("fd:i task user database addr port:i cancel:q link:i client_encoding std_strings"
                   " datestyle timezone password scram_client_key:b scram_server_key:b"),
}
#: Weir's own columns stand behind PgBouncer's.
MORE = {"CLIENTS": columns("pinned pinned_since"), "SERVERS": columns("pinned pinned_since")}
ROWS = {
    "LISTS": ["databases", "users", "peers", "pools", "peer_pools", "free_clients", "used_clients",
              "login_clients", "free_servers", "used_servers", "dns_names", "dns_zones", "dns_queries",
              "dns_pending"],
    "TOTALS": [f"{prefix}_{name}" for prefix in ("total", "avg") for name in (
        "server_assignment_count", "xact_count", "query_count", "client_bytes", "server_bytes", "xact_time",
        "query_time", "wait_time", "ps_client_parse_count", "ps_server_parse_count", "ps_bind_count")],
    "STATE": ["active", "paused", "suspended"],
    "MEM": ["user_cache", "credentials_cache", "db_cache", "peer_cache", "peer_pool_cache", "pool_cache",
            "outstanding_request_cache", "server_cache", "client_cache", "iobuf_cache", "var_list_cache",
            "server_prepared_statement_cache"],
}


@pytest.mark.weir_only
@pytest.mark.parametrize("topic", TABLES)
def test_columns_of_a_table(weir, topic):
    # Names, order and types of PgBouncer 1.25: exporters and dashboards depend on them.
    pooler = weir()
    with pooler.wire() as client, pooler.console() as console:
        client.ask("SELECT 1")
        result = console.query(f"SHOW {topic}")
        assert result.error is None
        expected = TABLES[topic] + MORE.get(topic, [])
        assert [(column.name, column.oid) for column in result.columns] == expected
        assert all(column.format == 0 for column in result.columns)
        assert result.tags == ["SHOW"]
        first_column = [found[0] for found in result.rows]
        assert first_column[:len(ROWS.get(topic, []))] == ROWS.get(topic, [])


@pytest.mark.weir_only
def test_the_event_engine_is_shown(weir, engine):
    # Which engine runs is seen on the console: the one that the settings name.
    assert {row["key"]: row["value"] for row in weir().show("STATE")}["event_engine"] == engine


def test_pools_show_what_goes_on(weir):
    # Active, idle and waiting clients and servers are counted as they are.
    pooler = weir(default_pool_size=2, query_wait_timeout=30)
    with pooler.wire() as holder, pooler.wire() as idle, pooler.wire() as waiter:
        holder.query("BEGIN")
        idle.ask("SELECT 1")
        pool = pooler.pool()
        assert (pool["cl_active"], pool["cl_waiting"], pool["sv_active"]) == ("3", "0", "1")
        assert int(pool["sv_idle"]) + int(pool["sv_used"]) + int(pool["sv_tested"]) == 1
        idle.query("BEGIN")
        waiter.send(message("Q", cstring("SELECT 1")))
        wait_until(lambda: pooler.pool()["cl_waiting"] == "1", "one waits")
        assert pooler.pool()["sv_active"] == "2"
        assert pooler.pool()["pool_mode"] == "transaction"


def test_clients_and_servers_name_each_other(weir, postgres):
    # SHOW CLIENTS and SHOW SERVERS: addresses, link, the server's process id, the application's name.
    pooler = weir(default_pool_size=1)
    with pooler.wire(options={"application_name": "seen"}) as client:
        client.query("BEGIN")
        pid = client.ask("SELECT pg_backend_pid()")
        shown = [row for row in pooler.show("CLIENTS") if row["user"] == "app"]
        servers = [row for row in pooler.show("SERVERS") if row["user"] == "app"]
        assert len(shown) == len(servers) == 1
        assert shown[0]["link"] == servers[0]["ptr"] and servers[0]["link"] == shown[0]["ptr"]
        assert servers[0]["remote_pid"] == pid
        assert int(shown[0]["port"]) == client.sock.getsockname()[1]
        assert int(servers[0]["port"]) == postgres.port
        assert (shown[0]["type"], servers[0]["type"]) == ("C", "S")
        assert shown[0]["application_name"] == "seen"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+", shown[0]["connect_time"])


def test_stats_count(weir):
    # Ten queries in five transactions are ten and five.
    pooler = weir()

    def totals():
        found = [row for row in pooler.show("STATS") if row["database"] == "app"]
        return {key: int(value) for key, value in found[0].items() if key != "database"} if found else {}

    with pooler.wire() as client:
        client.ask("SELECT 1")
        before = totals()
        for _ in range(5):
            client.query("BEGIN")
            client.query("COMMIT")
        after = totals()
    assert after["total_query_count"] - before["total_query_count"] == 10
    assert after["total_xact_count"] - before["total_xact_count"] == 5
    assert after["total_received"] > before["total_received"]
    assert after["total_sent"] > before["total_sent"]
    assert after["total_query_time"] > before["total_query_time"]


def test_stats_have_wait_time(weir):
    # The time in the queue is counted in microseconds.
    pooler = weir(default_pool_size=1, query_wait_timeout=30)
    with pooler.wire() as holder, pooler.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(message("Q", cstring("SELECT 1")))
        assert waiter.silent_for(0.5)
        holder.query("COMMIT")
        waiter.result()
    found = [row for row in pooler.show("STATS") if row["database"] == "app"][0]
    assert 450_000 < int(found["total_wait_time"]) < 5_000_000


def test_databases_show_their_entries(weir, postgres):
    # SHOW DATABASES repeats what the file says.
    pooler = weir(databases={"app": "{backend} pool_size=7", "named": "{backend} dbname=second user=forced"})
    found = {row["name"]: row for row in pooler.show("DATABASES")}
    assert found["app"]["pool_size"] == "7"
    assert (found["named"]["database"], found["named"]["force_user"]) == ("second", "forced")
    assert int(found["app"]["port"]) == postgres.port
    assert "pgbouncer" in found


def test_config_and_set(weir):
    # SHOW CONFIG has the file's value; SET changes it and shows.
    pooler = weir(default_pool_size=7)

    def value(key):
        return [row["value"] for row in pooler.show("CONFIG") if row["key"] == key][0]

    assert value("default_pool_size") == "7"
    assert pooler.admin("SET default_pool_size = 3").tags[0].startswith("SET")
    assert value("default_pool_size") == "3"
    with pooler.console() as console:
        assert console.query("SET default_pool_size = 'many'").error
        assert console.query("SET no_such_key = 1").error
    assert value("default_pool_size") == "3"


@pytest.mark.weir_only
def test_set_of_a_fixed_key_is_an_error(weir):
    # Where PgBouncer says SET and changes nothing.
    pooler = weir()
    with pooler.console() as console:
        assert console.query("SET listen_port = 1").error


def test_set_takes_effect(weir):
    # A pool grows at once when its limit does.
    pooler = weir(default_pool_size=1, query_wait_timeout=30)
    with pooler.wire() as holder, pooler.wire() as waiter:
        holder.query("BEGIN")
        waiter.send(message("Q", cstring("SELECT 'served'")))
        assert waiter.silent_for(0.4)
        pooler.admin("SET default_pool_size = 2")
        assert waiter.result().value == "served"


def test_psql_on_the_console(weir):
    # The way most people use it.
    pooler = weir()
    done = subprocess.run([PG_BIN / "psql", "-X", "-c", "SHOW POOLS;", "-c", "SHOW VERSION", "-c", "SHOW HELP"],
                          env=pooler.environment("admin", "pgbouncer"), capture_output=True, text=True,
                          timeout=20, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert "cl_active" in done.stdout
    assert re.search(r"\d+\.\d+\.\d+", done.stdout)
    assert "Console usage" in done.stderr


def test_psycopg_on_the_console(weir):
    # A driver in simple protocol reads rows with types.
    pooler = weir()
    with pooler.connect("admin", "pgbouncer", cursor_factory=psycopg.ClientCursor) as connection:
        cursor = connection.execute("SHOW LISTS")
        assert [(column.name, column.type_code) for column in cursor.description] == [("list", S), ("items", I)]
        assert all(isinstance(items, int) for _, items in cursor.fetchall())


def test_drivers_are_told_what_they_ask_at_login(weir):
    # Pretended parameters: SHOW of them answers, SET of them does no harm.
    pooler = weir()
    with pooler.console() as console:
        for name, value in (("client_encoding", "UTF-8"), ("standard_conforming_strings", "on"),
                            ("datestyle", "ISO"), ("timezone", "GMT"),
                            ("default_transaction_isolation", "read committed")):
            result = console.query(f"SHOW {name}")
            assert result.names == [name]
            assert result.value.upper() in (value.upper(), value.upper().replace("-", ""))
        assert console.query("SET client_encoding = 'UTF8'").error is None


def test_mistakes_are_errors_and_no_more(weir):
    # Unknown and unfinished commands: an ERROR each, the session goes on.
    pooler = weir()
    with pooler.console() as console:
        for command in ("NONSENSE", "SHOW", "SHOW NOTHING", "PAUSE no_such_database", "KILL no_such_database",
                        "DISABLE", "SELECT", "SET", "SHOW " + "x" * (100 if pooler.is_pgbouncer else 10_000), "SET a =", "DROP TABLE t",
                        "RESUME", "'", '"', "SHOW POOLS extra words here"):
            result = console.query(command)
            assert result.kinds[-1] == "Z", command[:80]
            assert result.error and result.error.severity == "ERROR", command[:80]
        assert console.query("SHOW VERSION").error is None
    pooler.still_serves()


def test_case_and_semicolons_do_not_matter(weir):
    # show pools; Show Pools, SELECT for SHOW.
    pooler = weir()
    with pooler.console() as console:
        names = {tuple(console.query(text).names) for text in ("show pools;", "Show Pools", "SHOW  POOLS ;",
                                                                "SELECT pools")}
    assert len(names) == 1 and names != {()}


def test_the_extended_protocol_is_refused(weir):
    # With an error that says so.
    pooler = weir()
    with pooler.console() as console:
        console.send(extended("SHOW POOLS") + sync())
        bodies = [body for kind, body in console.wait_closed() if kind == "E"]
    assert bodies and b"extended query protocol not supported by admin console" in bodies[0]
    pooler.still_serves()


def test_rights(weir):
    # stats_users may look, admin_users may do, nobody else gets in.
    pooler = weir()
    with pooler.console("stats") as console:
        assert console.query("SHOW POOLS").error is None
        assert console.query("SHOW STATS").error is None
        for command in ("PAUSE", "RESUME", "SHOW FDS", "RELOAD", "SET default_pool_size = 1", "KILL app",
                        "SHUTDOWN", "DISABLE app", "ENABLE app", "RECONNECT", "SUSPEND", "WAIT_CLOSE"):
            assert console.query(command).error, command
    assert pooler.login_error(user="app", database="pgbouncer")
    pooler.still_serves()


@pytest.mark.weir_only
def test_the_consoles_second_name(weir):
    # `weir` is the same console as `pgbouncer`.
    pooler = weir()
    with pooler.wire(user="admin", database="weir") as console:
        assert console.query("SHOW VERSION").error is None


def test_pause_waits_for_transactions(weir, postgres):
    # PAUSE answers when the last server is released and closed; new queries wait; RESUME lets them go.
    pooler = weir(query_wait_timeout=30)
    with pooler.wire() as client, pooler.wire() as late, pooler.console() as console:
        client.query("BEGIN")
        console.send(message("Q", cstring("PAUSE app")))
        assert console.silent_for(0.4)
        assert client.ask("SELECT 1") == "1", "a transaction goes on"
        late.send(message("Q", cstring("SELECT 'late'")))
        client.query("COMMIT")
        assert console.result().tags == ["PAUSE"]
        assert postgres.sessions() == 0
        assert late.silent_for(0.4)
        assert [row["paused"] for row in pooler.show("DATABASES") if row["name"] == "app"] == ["1"]
        assert pooler.admin("RESUME app").tags == ["RESUME"]
        assert late.result().value == "late"
        assert client.ask("SELECT 2") == "2"


def test_pause_of_everything(weir, postgres):
    # Without a name: all databases. A second PAUSE is a mistake, so is a RESUME of nothing.
    pooler = weir(query_wait_timeout=30)
    pooler.still_serves()
    assert pooler.admin("PAUSE").tags == ["PAUSE"]
    with pooler.console() as console:
        assert console.query("PAUSE").error
        assert console.query("RESUME").tags == ["RESUME"]
        assert console.query("RESUME").error
    pooler.still_serves()


def test_other_databases_are_not_paused(weir):
    # PAUSE of one database is of one database.
    pooler = weir()
    pooler.admin("PAUSE second")
    pooler.still_serves()
    pooler.admin("RESUME second")
    pooler.still_serves(database="second")


def test_disable_and_enable(weir):
    # DISABLE refuses new clients and keeps old ones.
    pooler = weir()
    with pooler.wire() as old:
        assert old.ask("SELECT 1") == "1"
        pooler.admin("DISABLE app")
        assert "disabled" in pooler.login_error().message
        assert old.ask("SELECT 1") == "1"
        pooler.admin("ENABLE app")
    pooler.still_serves()


def test_kill(weir, postgres):
    # KILL drops the database's clients and servers at once and leaves it paused.
    pooler = weir(query_wait_timeout=30)
    with pooler.wire() as client, pooler.wire(database="second") as bystander:
        client.query("BEGIN")
        bystander.ask("SELECT 1")
        assert pooler.admin("KILL app").tags == ["KILL"]
        assert [kind for kind, _ in client.wait_closed()] == ["E"]
        wait_until(lambda: postgres.sessions("datname = 'app'") == 0, "its servers are gone")
        assert bystander.ask("SELECT 2") == "2"
    pooler.admin("RESUME app")
    pooler.still_serves()


@pytest.mark.weir_only
def test_kill_client(weir):
    # One client by its id of SHOW CLIENTS.
    pooler = weir()
    with pooler.wire(options={"application_name": "victim"}) as victim, pooler.wire() as bystander:
        victim.ask("SELECT 1")
        number = [row["id"] for row in pooler.show("CLIENTS") if row["application_name"] == "victim"][0]
        with pooler.console() as console:
            assert console.query("KILL_CLIENT 999999999").error
            assert console.query("KILL_CLIENT nonsense").error
            assert console.query(f"KILL_CLIENT {number}").tags == ["KILL_CLIENT"]
        assert "E" in [kind for kind, _ in victim.wait_closed()]
        assert bystander.ask("SELECT 2") == "2"


def test_reconnect_and_wait_close(weir, postgres):
    # RECONNECT answers at once; used servers go when they are released, and WAIT_CLOSE tells when.
    pooler = weir(default_pool_size=2)
    with pooler.wire() as client, pooler.console() as console:
        client.query("BEGIN")
        pid = client.ask("SELECT pg_backend_pid()")
        assert pooler.admin("RECONNECT app").tags == ["RECONNECT"]
        console.send(message("Q", cstring("WAIT_CLOSE app")))
        assert console.silent_for(0.4)
        assert client.ask("SELECT pg_backend_pid()") == pid
        client.query("COMMIT")
        assert console.result().tags == ["WAIT_CLOSE"]
        assert client.ask("SELECT pg_backend_pid()") != pid


def test_reload(weir):
    # A new entry is there after RELOAD, a removed one is not, and clients in between notice nothing.
    pooler = weir()
    with pooler.wire() as client:
        assert client.ask("SELECT 1") == "1"
        del pooler.databases["second"]
        pooler.databases["added"] = f"host=127.0.0.1 port={pooler.postgres.port} dbname=second"
        pooler.write()
        assert pooler.admin("RELOAD").tags == ["RELOAD"]
        assert client.ask("SELECT 1") == "1"
    assert pooler.ask("SELECT current_database()", database="added") == "second"
    assert pooler.login_error(database="second")


@pytest.mark.weir_only
def test_a_failing_reload_changes_nothing(weir):
    # Where PgBouncer keeps half of a broken file: F0000, and every setting as before.
    pooler = weir(default_pool_size=7)
    before = pooler.show("CONFIG"), [row["name"] for row in pooler.show("DATABASES")]
    pooler.settings["default_pool_size"] = 9
    pooler.databases["added"] = "host=127.0.0.1"
    pooler.settings["no_such_key"] = 1
    pooler.write()
    with pooler.console() as console:
        result = console.query("RELOAD")
        assert result.error.code == "F0000"
    assert (pooler.show("CONFIG"), [row["name"] for row in pooler.show("DATABASES")]) == before
    pooler.still_serves()


def test_suspend_and_resume(weir):
    # SUSPEND stops reading; what clients sent meanwhile is answered after RESUME.
    pooler = weir()
    with pooler.wire() as client, pooler.console() as console:
        client.ask("SELECT 1")
        assert console.query("SUSPEND").tags == ["SUSPEND"]
        client.send(message("Q", cstring("SELECT 'patient'")))
        assert client.silent_for(0.4)
        assert console.query("RESUME").tags == ["RESUME"]
        assert client.result().value == "patient"


def test_shutdown_at_once(weir):
    # SHUTDOWN: no reply, the console's connection just closes, the process ends.
    pooler = weir()
    with pooler.wire() as client, pooler.console() as console:
        client.query("BEGIN")
        console.send(message("Q", cstring("SHUTDOWN")))
        console.wait_closed()
        client.wait_closed()
        assert pooler.wait() in (0, 1)
        assert not (pooler.folder / "pooler.pid").exists()


@pytest.mark.weir_only
def test_shutdown_that_waits_for_servers(weir):
    # Transactions may finish, waiters are dropped, new clients are refused.
    pooler = weir(default_pool_size=1, query_wait_timeout=30)
    with pooler.wire() as client, pooler.wire() as waiter:
        client.query("BEGIN")
        waiter.send(message("Q", cstring("SELECT 1")))
        wait_until(lambda: pooler.pool()["cl_waiting"] == "1", "it waits")
        assert pooler.admin("SHUTDOWN WAIT_FOR_SERVERS").tags == ["SHUTDOWN"]
        assert "E" in [kind for kind, _ in waiter.wait_closed()]
        wait_until(pooler.refuses_clients, "new clients are refused")
        assert client.ask("SELECT 1") == "1"
        assert client.query("COMMIT").tags == ["COMMIT"]
        assert pooler.wait() == 0


@pytest.mark.weir_only
def test_shutdown_that_waits_for_clients(weir):
    # The process leaves when the last client has.
    pooler = weir()
    with pooler.wire() as client:
        assert pooler.admin("SHUTDOWN WAIT_FOR_CLIENTS").tags == ["SHUTDOWN"]
        wait_until(pooler.refuses_clients, "new clients are refused")
        assert client.ask("SELECT 1") == "1"
        assert pooler.alive()
        client.terminate()
        assert pooler.wait() == 0
