"""Settings go with their client from server to server, and to nobody else."""

import random
import time

import pytest

from harness import wait_until
from pgwire import Closed, ServerError, bind, cstring, describe, execute, message, parse, sync

pytestmark = pytest.mark.weir_only


def run(client, *messages):
    client.send(b"".join(messages) + sync())
    return client.result()


@pytest.fixture
def one(weir):
    """One server connection for all clients."""
    return weir(default_pool_size=1)


@pytest.fixture
def two(weir):
    """Two server connections, of which a second client can take one."""
    return weir(default_pool_size=2, workers=1)


class Elsewhere:
    """Makes a client's next statements run on another server than its last."""

    def __init__(self, pooler, client, user="app"):
        self.holder = pooler.wire(user=user)
        # The server used last is the next one taken, unless it is being asked what the client has left.
        for _ in range(50):
            pid = client.ask("SELECT pg_backend_pid()")
            self.holder.query("BEGIN")
            if self.holder.ask("SELECT pg_backend_pid()") == pid:
                return
            self.holder.query("ROLLBACK")
            client.ask("SELECT 'once more'")
        raise AssertionError("the holder never gets the client's server")

    def __enter__(self):
        return self.holder

    def __exit__(self, *_):
        self.holder.close()


#: How something is set, what is asked, and what the client must see then, everywhere.
SETTINGS = {
    "SET": ("SET work_mem TO '77MB'", "SHOW work_mem", "77MB"),
    "SET SESSION": ("SET SESSION work_mem = 78848", "SHOW work_mem", "77MB"),
    "quoted": ('set "Work_Mem" to "77MB"', "SHOW work_mem", "77MB"),
    "list": ("SET search_path TO pg_catalog, \"Mixed Case\", public", "SHOW search_path",
             'pg_catalog, "Mixed Case", public'),
    "SET SCHEMA": ("SET SCHEMA 'pg_catalog'", "SHOW search_path", "pg_catalog"),
    "timeout": ("SET statement_timeout = '5s'", "SHOW statement_timeout", "5s"),
    "set_config": ("SELECT set_config('app.tenant', 'seven', false)",
                   "SELECT current_setting('app.tenant', true)", "seven"),
    "set_config in words": ("SELECT pg_catalog . \"set_config\"('App.Tenant'::text, 'o''seven', 'f')",
                            "SELECT current_setting('app.tenant', true)", "o'seven"),
    "custom": ("SET app.tenant = 'äöü \\ \"x\"'", "SELECT current_setting('app.tenant', true)",
               'äöü \\ "x"'),
    "empty": ("SET app.tenant = ''", "SELECT current_setting('app.tenant', true)", ""),
    "characteristics": ("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                        "SHOW transaction_isolation", "repeatable read"),
    "xml": ("SET XML OPTION DOCUMENT", "SHOW xmloption", "document"),
    "several statements": ("SELECT 1; SET work_mem = '77MB'; SELECT 2", "SHOW work_mem", "77MB"),
    "comment": ("/* a /* b */ */ SET work_mem = '77MB' -- c", "SHOW work_mem", "77MB"),
    "local before": ("BEGIN; SET LOCAL work_mem = '1MB'; SET work_mem = '77MB'; COMMIT", "SHOW work_mem", "77MB"),
    "local after": ("BEGIN; SET work_mem = '77MB'; SET LOCAL work_mem = '1MB'; COMMIT", "SHOW work_mem", "77MB"),
    "savepoint": ("BEGIN; SET work_mem = '77MB'; SAVEPOINT a; SET work_mem = '1MB'; ROLLBACK TO a; COMMIT",
                  "SHOW work_mem", "77MB"),
    "DO": ("DO $$ BEGIN PERFORM set_config('app.tenant', 'nine', false); SET work_mem = '77MB'; END $$",
           "SELECT concat(current_setting('app.tenant', true), current_setting('work_mem'))", "nine77MB"),
    "dollar quotes": ("SET app.tenant = $a$it's; SET x$a$", "SELECT current_setting('app.tenant', true)",
                      "it's; SET x"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_it_follows_and_nobody_else_sees_it(two, case):
    # Set on one server, seen on the other; other clients see neither there what was set.
    how, question, expected = SETTINGS[case]
    with two.wire() as client, two.wire() as stranger:
        before = stranger.ask(question)
        assert client.query(how).error is None
        with Elsewhere(two, client) as holder:
            assert client.ask(question) == expected
            assert holder.ask(question) == before or (before is None and holder.ask(question) == "")
            # The server that the client is on now, given back.
            assert stranger.ask("SELECT pg_backend_pid()") == client.ask("SELECT pg_backend_pid()")
            assert stranger.ask(question) in (before, before or "")
        for _ in range(3):
            assert client.ask(question) == expected
            assert stranger.ask(question) in (before, before or "")


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_in_the_extended_protocol(weir, mode):
    # Parse once, Bind often, with the value as a parameter; the name is in the text.
    pooler = weir(default_pool_size=1, pool_mode=mode)
    with pooler.wire() as client, pooler.wire() as stranger:
        result = run(client, parse("SELECT set_config('app.tenant', $1, false)"), bind(["red"]), describe(),
                     execute())
        assert result.rows == [["red"]]
        assert stranger.ask("SELECT current_setting('app.tenant', true)") in (None, "")
        assert client.ask("SELECT current_setting('app.tenant', true)") == "red"
        result = run(client, parse("SET work_mem = '77MB'"), bind(), execute())
        assert result.error is None
        assert stranger.ask("SHOW work_mem") != "77MB"
        assert client.ask("SHOW work_mem") == "77MB"


def test_no_reply_of_the_questions_shows(one):
    # The client sees its own replies and nothing else, whatever was asked between.
    with one.wire() as client, one.wire() as other:
        assert client.query("SET work_mem = '77MB'").kinds == "CZ"
        assert other.query("SET work_mem = '66MB'").kinds == "CZ"
        assert client.query("SELECT 1; SELECT 2").kinds == "TDCTDCZ"
        assert other.query("SELECT 1").kinds == "TDCZ"


def test_rolled_back(one):
    # What PostgreSQL has rolled back is not set.
    with one.wire() as client, one.wire() as other:
        normal = client.ask("SHOW work_mem")
        client.query("BEGIN")
        client.query("SET work_mem = '77MB'")
        client.query("SET ROLE app")
        assert client.ask("SHOW work_mem") == "77MB"
        client.query("ROLLBACK")
        assert [one_.ask("SHOW work_mem") for one_ in (other, client)] == [normal, normal]
        client.query("SET work_mem = '66MB'; SELECT 1/0")
        assert [one_.ask("SHOW work_mem") for one_ in (other, client)] == [normal, normal]
        # Set, then set anew and rolled back: the first value counts.
        client.query("SET work_mem = '55MB'")
        client.query("BEGIN; SET work_mem = '44MB'; ROLLBACK")
        assert other.ask("SHOW work_mem") == normal
        assert client.ask("SHOW work_mem") == "55MB"


@pytest.mark.parametrize("how", ["RESET work_mem", "RESET ALL", "DISCARD ALL", "SET work_mem TO DEFAULT",
                                 "SELECT set_config('work_mem', NULL, false)",
                                 "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;"])
def test_set_back(two, how):
    # Every way of setting back.
    with two.wire() as client, two.wire() as other:
        normal = client.ask("SHOW work_mem")
        client.query("SET work_mem = '77MB'")
        assert other.ask("SHOW work_mem") == normal
        assert client.query(how).error is None
        with Elsewhere(two, client):
            assert client.ask("SHOW work_mem") == normal
        assert client.ask("SHOW work_mem") == normal


def test_everything_is_set_back(one):
    # Several settings, custom ones and a role: RESET ALL leaves the role, DISCARD ALL does not.
    one.postgres.ask("SELECT 1")
    with one.postgres.connect() as direct:
        direct.execute("DROP ROLE IF EXISTS worker")
        direct.execute("CREATE ROLE worker")
        direct.execute("GRANT worker TO app")
    with one.wire() as client, one.wire() as other:
        client.query("SET work_mem = '77MB'; SET app.tenant = 'a'; SET search_path = pg_catalog; SET ROLE worker")
        state = ("SELECT concat_ws('|', current_setting('work_mem'), current_setting('app.tenant', true),"
                 " current_setting('search_path'), current_user, session_user)")
        mine, normal = client.ask(state), other.ask(state)
        assert mine == "77MB|a|pg_catalog|worker|app"
        assert normal.endswith("|app|app") and "77MB" not in normal and "pg_catalog" not in normal
        assert client.ask(state) == mine
        client.query("RESET ALL")
        for _ in range(2):
            assert other.ask(state) == normal
            assert client.ask("SELECT current_user") == "worker"
            assert client.ask("SHOW work_mem") == other.ask("SHOW work_mem")
        client.query("DISCARD ALL")
        for _ in range(2):
            assert other.ask(state) == normal
            assert client.ask(state) == normal


@pytest.fixture
def roles(shared_postgres):
    """`worker` and `gone` are roles that app may take on; app must not own the table."""
    with shared_postgres.connect("app") as direct:
        direct.execute("DROP TABLE IF EXISTS secrets")
        for role in ("worker", "gone"):
            direct.execute(f"DROP ROLE IF EXISTS {role}")
            direct.execute(f"CREATE ROLE {role}")
            direct.execute(f"GRANT {role} TO app")
        direct.execute("CREATE TABLE secrets AS SELECT 'for app alone' AS words")
        direct.execute("REVOKE ALL ON secrets FROM PUBLIC")
        direct.execute("ALTER TABLE secrets OWNER TO app")
    yield shared_postgres
    with shared_postgres.connect("app") as direct:
        direct.execute("DROP TABLE secrets")


def test_a_role_goes_along(roles, two):
    # SET ROLE: privileges are those of the role on every server, and nobody else's.
    with two.wire() as client, two.wire() as other:
        client.query("SET ROLE worker")
        for _ in range(3):
            assert client.query("SELECT * FROM secrets").error.code == "42501"
            assert other.ask("SELECT * FROM secrets") == "for app alone"
        with Elsewhere(two, client) as holder:
            assert holder.ask("SELECT * FROM secrets") == "for app alone"
            assert client.query("SELECT * FROM secrets").error.code == "42501"
        client.query("SET ROLE none")
        assert client.ask("SELECT * FROM secrets") == "for app alone"


def test_session_authorization(roles, weir):
    # A superuser that has become somebody else, and taken on a role then.
    pooler = weir(default_pool_size=1, userlist={"postgres": ""})
    with pooler.wire(user="postgres") as client, pooler.wire(user="postgres") as other:
        assert client.query("SET SESSION AUTHORIZATION app").error is None
        assert client.query("SET ROLE worker").error is None
        for _ in range(3):
            assert other.ask("SELECT session_user || ',' || current_user") == "postgres,postgres"
            assert client.ask("SELECT session_user || ',' || current_user") == "app,worker"
        client.query("RESET SESSION AUTHORIZATION")
        for _ in range(2):
            assert other.ask("SELECT session_user || ',' || current_user") == "postgres,postgres"
            assert client.ask("SELECT session_user || ',' || current_user") == "postgres,postgres"


def test_what_cannot_be_set_is_an_error_and_nothing_runs(roles, one):
    # The role is dropped meanwhile: no statement of the client's runs without it; RESET ROLE helps.
    with one.wire() as client, one.wire() as other:
        client.query("SET ROLE gone")
        client.query("SET app.tenant = 'kept'")
        assert other.ask("SELECT current_user") == "app"
        with roles.connect() as direct:
            direct.execute("DROP ROLE gone")
        for _ in range(2):
            result = client.query("CREATE TABLE must_not_be (n int)")
            assert (result.error.code, result.error.severity, result.status) == ("22023", "ERROR", "I")
            assert result.kinds == "EZ"
        result = run(client, parse("SELECT * FROM secrets"), bind(), describe(), execute())
        assert (result.kinds, result.error.code) == ("EZ", "22023")
        # Two at once: both fail.
        client.send(message("Q", cstring("SELECT 1")) + message("Q", cstring("SELECT * FROM secrets")))
        assert [client.result().kinds, client.result().kinds] == ["EZ", "EZ"]
        assert other.ask("SELECT to_regclass('must_not_be')") is None
        assert client.query("RESET ALL").error.code == "22023", "the role is not among all"
        assert client.query("RESET ROLE; SELECT * FROM secrets").error.code == "22023"
        assert client.query("RESET ROLE").kinds == "CZ"
        assert client.ask("SELECT current_user || current_setting('app.tenant', true)") == "appkept"
        assert other.ask("SELECT current_user") == "app"


def test_startup_settings(two):
    # Any setting in the startup packet or in `options`.
    options = {"search_path": "pg_catalog", "options": "-c work_mem=77MB --app.tenant=a\\ b -c role=app"}
    with two.wire(options=options) as client, two.wire() as other:
        state = ("SELECT concat_ws('|', current_setting('work_mem'), current_setting('app.tenant', true),"
                 " current_setting('search_path'))")
        for _ in range(2):
            assert client.ask(state) == "77MB|a b|pg_catalog"
            assert "77MB" not in other.ask(state)
        with Elsewhere(two, client) as holder:
            assert client.ask(state) == "77MB|a b|pg_catalog"
            assert "77MB" not in holder.ask(state)
        # RESET goes back to what the client has connected with.
        client.query("SET work_mem = '66MB'")
        assert client.ask("SHOW work_mem") == "66MB"
        client.query("RESET work_mem")
        assert client.ask("SHOW work_mem") == "77MB"


@pytest.mark.parametrize("options", [{"no_such_setting": "1"}, {"options": "-c work_mem=much"}])
def test_startup_settings_that_do_not_exist(one, options):
    # PostgreSQL's own words, and the end of the connection; the server goes on.
    client = one.wire(options=options)
    with pytest.raises(ServerError) as failure:
        client.ask("SELECT 1")
    assert failure.value.severity == "FATAL"
    assert failure.value.code in ("42704", "22023")
    one.still_serves()


def test_a_tracked_name_that_the_server_does_not_report(weir):
    # search_path on PostgreSQL 15: followed by asking.
    pooler = weir(default_pool_size=1, track_extra_parameters="search_path")
    with pooler.wire(options={"search_path": "pg_catalog"}) as client, pooler.wire() as other:
        for _ in range(2):
            assert client.ask("SHOW search_path") == "pg_catalog"
            assert other.ask("SHOW search_path") != "pg_catalog"
        other.query("SET search_path = information_schema")
        assert client.ask("SHOW search_path") == "pg_catalog"
        assert other.ask("SHOW search_path") == "information_schema"


def test_reset_of_a_limit_that_was_set_to_none(two):
    # 0 is what a new session has, too: what is set is told from what is not by where it comes from.
    with two.wire(options={"options": "-c statement_timeout=54321"}) as client:
        client.query("SET statement_timeout = 0")
        with Elsewhere(two, client):
            assert client.ask("SHOW statement_timeout") == "0"
        client.query("BEGIN; RESET statement_timeout; ROLLBACK")
        with Elsewhere(two, client):
            assert client.ask("SHOW statement_timeout") == "0"
        client.query("RESET statement_timeout")
        assert client.ask("SHOW statement_timeout") == "54321ms"
        with Elsewhere(two, client):
            assert client.ask("SHOW statement_timeout") == "54321ms"


def test_timeouts_are_the_clients_own(one):
    # A statement_timeout that would end Weir's own questions, and none for the other client.
    with one.wire() as client, one.wire() as other:
        for _ in range(5):
            client.query("SET statement_timeout = 1")
            assert client.query("SELECT pg_sleep(1)").error.code == "57014"
            assert other.ask("SELECT 'slept' FROM pg_sleep(0.05)") == "slept"
            client.query("SET app.tenant = 'x'")


def test_an_idle_session_timeout_ends_no_pooled_server(one):
    # It would be the pool's server that it ends.
    with one.wire() as client, one.wire() as other:
        pid = other.ask("SELECT pg_backend_pid()")
        client.query("SET idle_session_timeout = 100")
        time.sleep(0.4)
        assert other.ask("SELECT pg_backend_pid()") == pid
        assert other.ask("SHOW idle_session_timeout") == "0"
        assert client.ask("SHOW idle_session_timeout") == "100ms"
        time.sleep(0.4)
        assert other.ask("SELECT pg_backend_pid()") == pid


def test_set_local_asks_nothing(one, postgres):
    # The server gets the client's own statements and nothing else.
    with one.wire() as client, postgres.connect() as direct:
        def last():
            return direct.execute("SELECT query FROM pg_stat_activity WHERE usename = 'app'").fetchone()[0]
        for statement in ("BEGIN; SET LOCAL work_mem = '77MB'; COMMIT",
                          "SELECT set_config('app.tenant', 'x', true)",
                          "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;",
                          "SET TimeZone = 'Asia/Tokyo'",
                          "SELECT * FROM pg_class WHERE relname = 'temperature' OR relname = 'employees'"):
            assert client.query(statement).error is None
            client.ask("SELECT 'settled'")
            client.query(statement)
            wait_until(lambda: last() == statement, f"nothing is asked after {statement}: {last()}", 2)


def test_a_client_that_vanishes_while_it_is_set_up(weir):
    # The next client finds the server as it should be, however the moment is met.
    pooler = weir(default_pool_size=1)
    generator = random.Random(7)
    with pooler.wire() as other:
        for number in range(25):
            client = pooler.wire()
            client.query(f"SET app.tenant = 'of {number}'; SET work_mem = '77MB'")
            other.ask("SELECT 1")
            client.send(message("Q", cstring("SELECT 1")))
            time.sleep(generator.random() * 0.004)
            client.reset()
            assert other.ask("SELECT current_setting('app.tenant', true)") in (None, "")
            assert other.ask("SHOW work_mem") != "77MB"
        for number in range(25):
            client = pooler.wire()
            client.send(message("Q", cstring(f"SET app.tenant = 'of {number}'; SET work_mem = '77MB'")))
            time.sleep(generator.random() * 0.004)
            client.reset()
            assert other.ask("SELECT current_setting('app.tenant', true)") in (None, "")
            assert other.ask("SHOW work_mem") != "77MB"


def test_a_good_bye_behind_a_set(one):
    # psql -c 'SET …' in one packet with its Terminate.
    with one.wire() as other:
        client = one.wire()
        client.send(message("Q", cstring("SET work_mem = '77MB'")) + message("X"))
        with pytest.raises(Closed):
            while True:
                client.receive()
        assert other.ask("SHOW work_mem") != "77MB"


def test_pipelined_statements_keep_their_settings(two):
    # A SET and what follows it in one packet, over and over, beside another client.
    with two.wire() as client, two.wire() as other, two.wire() as third:
        third.query("BEGIN")
        third.ask("SELECT 1")
        for number in range(50):
            statements = [f"SET app.tenant = 't{number}'", "SELECT current_setting('app.tenant', true)",
                          "BEGIN", "SELECT current_setting('app.tenant', true)", "COMMIT"]
            client.send(b"".join(message("Q", cstring(text)) for text in statements))
            other.send(message("Q", cstring("SELECT current_setting('app.tenant', true)")))
            results = [client.result() for _ in statements]
            assert results[1].value == results[3].value == f"t{number}"
            assert other.result().value in (None, "")


def test_two_workers(weir):
    # Servers that move take their settings along.
    pooler = weir(default_pool_size=2, workers=2)
    clients = [pooler.wire() for _ in range(12)]
    for number, client in enumerate(clients):
        client.query(f"SET app.tenant = 't{number}'")
    generator = random.Random(11)
    for _ in range(300):
        asked = generator.sample(range(12), 6)
        for number in asked:
            clients[number].send(message("Q", cstring("SELECT current_setting('app.tenant', true)")))
        for number in asked:
            assert clients[number].result().value == f"t{number}"
    for client in clients:
        client.close()
