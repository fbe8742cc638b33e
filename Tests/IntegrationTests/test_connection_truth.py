"""What a client sees of its connection is what it would see of PostgreSQL's: every message is compared
with the one that PostgreSQL itself sends for the same bytes."""

import random
import struct

import pytest

from conftest import LONG
from fake_backend import GREETING, FakeBackend, answer
from harness import HOST, wait_until
from pgwire import (PROTOCOL_3_0, Closed, ServerError, Wire, bind, cstring, describe, error_fields, execute,
                    extended, message, parse, startup_packet, sync)

pytestmark = pytest.mark.weir_only


def greeting(port, parameters, protocol=PROTOCOL_3_0):
    """All messages of a login up to its end, a secret being as good as another."""
    with Wire(port, login=False) as client:
        client.send(startup_packet({"user": "app", "database": "app", **parameters}, protocol))
        messages = []
        try:
            while not messages or messages[-1][0] not in "ZE":
                kind, body = client.receive()
                messages.append((kind, f"{len(body)} bytes" if kind == "K" else body))
        except Closed:
            messages.append(("closed", b""))
        return messages


def replies(port, batches, parameters=None):
    """What is answered to each batch, up to as many ReadyForQuery as it asks for."""
    answers = []
    with Wire(port, options=parameters) as client:
        for batch in batches:
            client.send(batch)
            answers.append([])
            try:
                for _ in range(sum(kind in "QSF" for kind in kinds(batch))):
                    answers[-1].append(client.receive())
                    while answers[-1][-1][0] != "Z":
                        answers[-1].append(client.receive())
            except Closed:
                answers[-1].append(("closed", b""))
                break
    return answers


def kinds(batch):
    """The kinds of the messages in some bytes."""
    found, at = "", 0
    while at < len(batch):
        found += chr(batch[at])
        at += 1 + struct.unpack("!i", batch[at + 1:at + 5])[0]
    return found


def simple(*queries):
    return b"".join(message("Q", cstring(query)) for query in queries)


# The greeting.

STARTUPS = {
    "nothing": {},
    "no database": {"database": ""},
    "name": {"application_name": "truth"},
    "encoding": {"client_encoding": "LATIN1"},
    "as JDBC": {"client_encoding": "UTF8", "DateStyle": "ISO", "TimeZone": "Europe/Berlin"},
    "as psycopg": {"client_encoding": "utf-8", "datestyle": "iso"},
    "spelled otherwise": {"client_encoding": "'unicode'", "datestyle": "German, DMY", "timezone": "utc",
                          "intervalstyle": "ISO_8601", "STANDARD_CONFORMING_STRINGS": "true"},
    "twice": {"application_name": "first", "APPLICATION_NAME": "second"},
    "a name that is not ASCII": {"application_name": "caf\u00e9"},
    "an empty name": {"application_name": ""},
    "options": {"options": "-c TimeZone=Asia/Tokyo --application_name=by-option"},
    "options in one word": {"options": "-cTimeZone=Asia/Tokyo -c IntervalStyle=iso_8601"},
    "options with blanks": {"options": r" -c   application_name=two\ words\\and\ more --datestyle=SQL,\ DMY "},
    "options with dashes": {"options": "--application-name=dashed"},
    "options, then the parameter": {"options": "-c application_name=option", "application_name": "parameter"},
    "empty options": {"options": ""},
}


@pytest.mark.parametrize("name", STARTUPS)
@pytest.mark.parametrize("mode, protocol", [("transaction", 0), ("session", 0), ("transaction", 2)],
                         ids=["transaction", "session", "3.2"])
def test_the_greeting(weir, postgres, name, mode, protocol):
    # Which parameters, in which order, with which values; then the key; then ReadyForQuery. PostgreSQL 15
    # speaks no 3.2: there the negotiation and the key's length are Weir's own.
    pooler = weir(workers=1, pool_mode=mode)
    direct = greeting(postgres.port, STARTUPS[name])
    if protocol:
        direct = [(kind, "20 bytes" if kind == "K" else body) for kind, body in direct]
    # A value in another spelling than PostgreSQL's is known once a server has been told it.
    with pooler.wire(options=STARTUPS[name]) as client:
        client.ask("SELECT 1")
        reported = {name.encode(): value.encode() for name, value in client.parameters.items()}
    assert reported == dict(body.split(b"\0")[:2] for kind, body in direct if kind == "S")
    assert greeting(pooler.port, STARTUPS[name], PROTOCOL_3_0 + protocol) == direct


def test_half_a_date_style(weir):
    # The other half is PostgreSQL's own, not what the server's last client wanted.
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire() as other:
        for style, full in (("SQL", "SQL, MDY"), ("ISO", "ISO, MDY"), ("DMY", "ISO, DMY"), ("German", "German, DMY")):
            other.query("SET DateStyle TO 'Postgres, YMD'")
            with pooler.wire(options={"DateStyle": style}) as client:
                assert client.ask("SHOW DateStyle") == full
                assert client.parameters["DateStyle"] == full
            assert other.ask("SHOW DateStyle") == "Postgres, YMD"


@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize("reset", ["RESET ALL", "RESET TimeZone; RESET application_name", "DISCARD ALL",
                                   "SET TimeZone TO DEFAULT; SET application_name TO DEFAULT"])
def test_a_reset_gives_the_values_of_the_login(weir, postgres, mode, reset):
    # asyncpg runs one whenever a connection goes back to its pool.
    pooler = weir(pool_mode=mode, default_pool_size=1)
    parameters = {"TimeZone": "Asia/Tokyo", "application_name": "mine"}
    for port in (postgres.port, pooler.port):
        with Wire(port, options=parameters) as client:
            client.query("SET TimeZone TO 'UTC'; SET application_name TO 'other'")
            assert client.query(reset).error is None
            for name, value in parameters.items():
                assert client.ask(f"SHOW {name}") == value
                assert client.parameters[name] == value


#: What a client logs in with; its servers have UTC and no name.
LOGIN = {"TimeZone": "Asia/Tokyo", "application_name": "mine", "datestyle": "German, DMY",
         "options": "-c statement_timeout=54321 -c work_mem=7MB --app.tenant=login"}
SHOWN = ("SELECT concat_ws('|', current_setting('TimeZone'), current_setting('application_name'),"
         " current_setting('DateStyle'), current_setting('statement_timeout'), current_setting('work_mem'),"
         " current_setting('app.tenant', true))")

RESETS = {
    "where nothing is set": ["RESET ALL", "RESET TimeZone", "SET DateStyle TO DEFAULT", "DISCARD ALL"],
    "one by one": ["SET TimeZone TO 'America/Lima'", "SET work_mem TO '1MB'", "RESET TimeZone", "RESET work_mem"],
    "of what the server has anyway": ["SET TimeZone TO 'UTC'", "RESET application_name", "RESET TimeZone"],
    "to the default": ["SET TimeZone TO 'UTC'", "SET TimeZone TO DEFAULT", "SET DateStyle = 'SQL, MDY'",
                       "SET DateStyle = DEFAULT", "SET statement_timeout = 9", "SET statement_timeout TO DEFAULT"],
    "in one text": ["SET TimeZone TO 'America/Lima'; RESET TimeZone", "RESET TimeZone; SET TimeZone TO 'UTC'",
                    "SET TimeZone TO 'America/Lima'; RESET ALL; SET application_name TO ''"],
    "in a transaction": ["BEGIN", "SET TimeZone TO 'America/Lima'", "RESET TimeZone", "RESET ALL", SHOWN, "COMMIT"],
    "in a transaction, in one text": ["BEGIN; RESET ALL; COMMIT", "BEGIN; SET TimeZone TO 'America/Lima'; RESET ALL", SHOWN,
                                      "COMMIT"],
    "rolled back": ["SET TimeZone TO 'America/Lima'", "BEGIN", "RESET ALL", SHOWN, "ROLLBACK"],
    "rolled back to a savepoint": ["BEGIN", "SET TimeZone TO 'America/Lima'", "SAVEPOINT s", "RESET TimeZone", "ROLLBACK TO s",
                                   SHOWN, "SAVEPOINT t", "RESET ALL", "RELEASE t", SHOWN, "COMMIT"],
    "in a transaction that fails": ["SET TimeZone TO 'America/Lima'", "BEGIN", "RESET ALL", "RESET TimeZone; SELECT 1/0",
                                    "COMMIT"],
    "behind what is local": ["BEGIN", "SET LOCAL TimeZone TO 'UTC'", "RESET application_name", SHOWN, "COMMIT",
                             "BEGIN", "SET LOCAL TimeZone TO 'America/Lima'", "RESET TimeZone", SHOWN, "COMMIT"],
    "by a driver": ["SET TimeZone TO 'America/Lima'", "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;"],
}


def reset_replies(port, batches):
    """The replies to a client with those values. In which order several reports come that one command makes is
    nobody's business."""
    found = []
    for answer in replies(port, batches, LOGIN):
        first = next((place for place, one in enumerate(answer) if one[0] == "S"), 0)
        end = next((place for place, one in enumerate(answer[first:], first) if one[0] != "S"), first)
        found.append(answer[:first] + sorted(answer[first:end]) + answer[end:])
    return found


@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize("protocol", ["simple", "extended"])
@pytest.mark.parametrize("name", RESETS)
def test_resets(weir, postgres, name, mode, protocol):
    # To the last message.
    script = [sql for text in RESETS[name] for sql in (text, SHOWN)]
    if protocol == "extended":
        script = [sql for text in script for sql in text.rstrip(";").split("; ")]
    batches = [simple(sql) if protocol == "simple" else extended(sql) + sync() for sql in script]
    pooler = weir(pool_mode=mode, default_pool_size=1)
    assert reset_replies(pooler.port, batches) == reset_replies(postgres.port, batches)
    assert pooler.ask(SHOWN).rstrip("|") == "UTC||ISO, MDY|0|4MB"


@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize("seed", range(12 if LONG else 3))
def test_resets_at_random(weir, postgres, mode, seed):
    pooler = weir(pool_mode=mode, default_pool_size=1)
    chance = random.Random(f"resets/{seed}")
    values = {"TimeZone": ["UTC", "America/Lima", "Asia/Tokyo"], "application_name": ["", "mine", "other"],
              "DateStyle": ["ISO, MDY", "German, DMY", "SQL, YMD"], "work_mem": ["4MB", "7MB", "1MB"]}
    for _ in range(5):
        script = [SHOWN]
        for _ in range(30):
            name = chance.choice(list(values))
            value = chance.choice(values[name])
            script.append(chance.choice([
                f"SET {name} = '{value}'", f"SET {name} = '{value}'", f"RESET {name}", f"RESET {name}", "RESET ALL",
                f"SET LOCAL {name} = '{value}'", f"SET {name} = '{value}'; RESET {name}",
                f"RESET {name}; SET {name} = '{value}'", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s",
                "ROLLBACK TO s", "RELEASE s", SHOWN, SHOWN, "SELECT 1/0"]))
        script += ["ROLLBACK", SHOWN]
        batches = [simple(sql) for sql in script]
        with pooler.wire() as other:
            found = reset_replies(pooler.port, batches)
            assert other.ask(SHOWN).startswith("UTC||ISO, MDY|0|4MB"), script
        for sql, mine, direct in zip(script, found, reset_replies(postgres.port, batches), strict=True):
            assert mine == direct, (sql, script)


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_reset_in_a_pipeline(weir, mode):
    # What is in one breath with it may see the server's own value; what comes behind does not.
    pooler = weir(pool_mode=mode, default_pool_size=1)
    with pooler.wire(options=LOGIN) as client:
        client.send(simple("SET TimeZone TO 'America/Lima'", "RESET ALL", "SELECT 1") + extended("SELECT 2") + sync())
        assert [client.result().error for _ in range(4)] == [None] * 4
        assert client.parameters["TimeZone"] == "Asia/Tokyo"
        assert client.ask(SHOWN) == "Asia/Tokyo|mine|German, DMY|54321ms|7MB|login"


def test_a_reset_of_a_client_that_keeps_its_server(weir):
    pooler = weir(default_pool_size=2)
    with pooler.wire(options=LOGIN) as client:
        client.query("LISTEN news")
        client.query("SET TimeZone TO 'America/Lima'; SET work_mem TO '1MB'; SET statement_timeout TO 9")
        client.query("RESET ALL")
        assert client.ask(SHOWN) == "Asia/Tokyo|mine|German, DMY|54321ms|7MB|login"


def test_a_long_name(weir, postgres):
    # PostgreSQL cuts it and says so at login. Through Weir it is cut as well; the notice is part of a
    # server's answer to Weir.
    pooler = weir(workers=1)
    name = {"application_name": "n" * 200}
    with pooler.wire(options=name) as client:
        assert client.ask("SHOW application_name") == "n" * 63
        assert client.parameters["application_name"] == "n" * 63
    direct = greeting(postgres.port, name)
    assert greeting(pooler.port, name) == [one for one in direct if one[0] != "N"]


def test_the_name_with_its_host(weir, postgres):
    # `application_name_add_host`: PostgreSQL's views and the client itself see where it is.
    pooler = weir(application_name_add_host=1)
    for name, start in ((None, ""), ("truth", "truth - ")):
        with pooler.wire(options={"application_name": name} if name else {}) as client:
            host, port = client.sock.getsockname()
            expected = f"{start}{host}:{port}"
            assert client.parameters["application_name"] == expected
            assert client.ask("SHOW application_name") == expected
            assert postgres.sessions(f"application_name = '{expected}'") == 1
            # What it says later is its own.
            client.query("SET application_name = 'later'")
            assert client.ask("SHOW application_name") == "later"


def test_ignored_startup_parameters(weir, postgres):
    # As if they had not been sent, in the packet and in options.
    pooler = weir(ignore_startup_parameters="extra_float_digits,options")
    direct = greeting(postgres.port, {})
    for parameters in ({"extra_float_digits": "0"}, {"options": "-c nonsense"}):
        assert greeting(pooler.port, parameters) == direct
    with pooler.wire(options={"extra_float_digits": "-15"}) as client:
        assert client.ask("SHOW extra_float_digits") == "1"
    # In any case of letters, as PostgreSQL finds it.
    pooler = weir(ignore_startup_parameters="Extra_Float_Digits")
    for parameters in ({"options": "-c extra_float_digits=0"}, {"options": "--EXTRA-float-digits=0"},
                       {"extra_FLOAT_digits": "0"}):
        assert greeting(pooler.port, parameters) == direct
        with pooler.wire(options=parameters) as client:
            assert client.ask("SHOW extra_float_digits") == "1"


# The other options that PostgreSQL takes: settings of a session like those that a SET makes.

@pytest.mark.parametrize("parameters, name", [
    ({"options": "-c statement_timeout=12345"}, "statement_timeout"),
    ({"options": "--statement-timeout=12s"}, "statement_timeout"),
    ({"options": r'-c search_path="first\ name",public'}, "search_path"),
    ({"options": "-c default_transaction_read_only=on"}, "default_transaction_read_only"),
    ({"options": "-c app.tenant=a=b"}, "app.tenant"),
    ({"work_mem": "1234kB"}, "work_mem"),
    ({"statement_timeout": "1min", "options": "-c statement_timeout=2min"}, "statement_timeout"),
    ({"application_name": "parameter", "options": "-c application_name=option"}, "application_name"),
    ({"options": "-c application_name=option", "application_name": "parameter"}, "application_name"),
])
def test_any_setting_may_be_given_at_login(weir, postgres, parameters, name):
    pooler = weir(default_pool_size=1, workers=1)
    with Wire(postgres.port, options=parameters) as direct, pooler.wire(options=parameters) as client, \
            pooler.wire() as other, Wire(postgres.port) as plain:
        for _ in range(2):
            assert client.ask(f"SHOW {name}") == direct.ask(f"SHOW {name}")
            if "." not in name:
                assert other.ask(f"SHOW {name}") == plain.ask(f"SHOW {name}")
    assert greeting(pooler.port, parameters) == greeting(postgres.port, parameters)


@pytest.mark.parametrize("options", [
    "-c", "-c work_mem", "--work_mem", "--work-mem", "-cX", "nonsense", "-", "-Z", "-c work_mem=1MB nonsense", "-c =1",
    "--=1"])
def test_options_that_are_none(weir, postgres, options):
    # Refused as by PostgreSQL, in its words.
    pooler = weir()
    found = []
    for port in (postgres.port, pooler.port):
        with pytest.raises(ServerError) as refused:
            Wire(port, options={"options": options}).close()
        found.append({key: refused.value.fields.get(key) for key in "SVCMH"})
    assert found[1] == found[0]


@pytest.mark.parametrize("name, value", [("TimeZone", "Nowhere"), ("client_encoding", "EBCDIC"),
                                         ("DateStyle", "Nowhen"), ("IntervalStyle", "brief")])
def test_values_that_postgresql_does_not_take(weir, postgres, name, value):
    # PostgreSQL refuses the login; Weir, which asks no server then, the first query in the same words.
    pooler = weir()
    with pytest.raises(ServerError) as refused:
        Wire(postgres.port, options={name: value}).close()
    with pooler.wire(options={name: value}) as client:
        error = client.query("SELECT 1").error
        assert (error.code, error.message) == (refused.value.code, refused.value.message)
    pooler.still_serves()


# Requests and their answers.

RAISE = """DO $$ BEGIN RAISE {} 'said at %', '{}' USING DETAIL = 'd', HINT = 'h', ERRCODE = '22012',
    COLUMN = 'c', CONSTRAINT = 'k', DATATYPE = 't', TABLE = 'ta', SCHEMA = 's'; END $$"""

SCRIPTS = {
    "queries": simple("SELECT 1", "SELECT 1, 'two', NULL", "SELECT generate_series(1, 3)", "", ";", "SELECT"),
    "several statements": simple("SELECT 1; SELECT 2", "SELECT 1; SELECT 1/0; SELECT 2",
                                 "BEGIN; SELECT 1; COMMIT; SELECT 2", ";;SELECT 3;"),
    "warnings of transactions": simple("COMMIT", "ROLLBACK", "BEGIN; BEGIN; COMMIT", "SET LOCAL geqo = off"),
    "messages of every level": b"".join(
        simple(f"BEGIN; SET LOCAL client_min_messages = {least}; "
               + "; ".join(RAISE.format(level, level) for level in ("LOG", "INFO", "NOTICE", "WARNING"))
               + "; COMMIT")
        for least in ("log", "notice", "warning", "error")),
    "all fields of an error": simple(RAISE.format("EXCEPTION", "last"), "SELECT nothing", "SELECT (", "SELECT 'x",
                                     "SELECT repeat('x', 10)::int", "INSERT INTO truth VALUES (1)",
                                     "INSERT INTO truth VALUES (NULL)", "INSERT INTO truth VALUES (-1)"),
    "an error inside another query": simple(
        "DO $$ BEGIN EXECUTE 'SELECT nothing FROM nowhere'; END $$",
        "DO $$ BEGIN PERFORM 1; PERFORM 1/0; END $$", "SELECT truth_fails(0)"),
    "settings that are reported": simple(
        "SET TimeZone TO 'Asia/Tokyo'", "BEGIN; SET TimeZone TO 'UTC'; SET DateStyle TO german; ROLLBACK",
        "SET application_name TO 'said'; SET application_name TO 'said'", "RESET application_name",
        "SET client_encoding TO 'LATIN1'; SELECT E'\\u00e9'", "SET NAMES 'utf-8'",
        "SELECT set_config('IntervalStyle', 'iso_8601', false)", "RESET TimeZone", "RESET IntervalStyle",
        "SET TimeZone TO nowhere"),
    "the extended protocol": (
        extended("SELECT $1::text", ["v"]) + sync() + extended("SELECT 1/0") + extended("SELECT 2") + sync()
        + parse("SELECT generate_series(1, 5)") + bind() + describe() + execute(rows=2) + execute(rows=2)
        + execute() + sync() + parse("") + bind() + execute() + sync() + sync()
        + parse("SELECT $1::int8, $2::text", types=[20, 25]) + describe(kind="S") + sync()
        + extended("INSERT INTO truth VALUES (1)") + sync() + bind(statement="missing") + sync()
        + extended("SELECT 1; SELECT 2") + sync() + message("B", b"\0\0\0") + sync()),
    "a function call": b"".join(
        message("F", struct.pack("!ihhh", function, 1, 1, 1) + struct.pack("!ii", 4, value) + struct.pack("!h", 1))
        for function, value in ((1397, -5), (1397, -2**31), (1, 1))),
    "copy": (
        simple("COPY (SELECT generate_series(1, 3)) TO STDOUT", "COPY truth FROM STDIN")
        + message("d", b"7\n8\n") + message("c") + simple("COPY truth FROM STDIN") + message("d", b"x\n")
        + message("c") + simple("COPY truth FROM STDIN") + message("f", cstring("no more"))
        + simple("DELETE FROM truth WHERE a > 1", "COPY (SELECT 1/0) TO STDOUT")),
    "the end of the session": simple("SELECT pg_terminate_backend(pg_backend_pid())"),
}

#: One batch after the other, each when the last has been answered.
TRANSACTIONS = {
    "commit": ["BEGIN", "SELECT 1", "COMMIT"],
    "abort": ["BEGIN", "SELECT 1/0", "SELECT 1", "COMMIT", "SELECT 1"],
    "savepoint": ["BEGIN", "SAVEPOINT s", "SELECT 1/0", "ROLLBACK TO s", "SELECT 1", "RELEASE s", "ROLLBACK"],
    "chain": ["BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", "COMMIT AND CHAIN", "SHOW transaction_isolation",
              "CREATE TABLE never (a int)", "ROLLBACK AND CHAIN", "COMMIT"],
    "settings": ["BEGIN", "SET TimeZone TO 'Asia/Tokyo'", "SAVEPOINT s", "SET TimeZone TO 'UTC'", "ROLLBACK TO s",
                 "SHOW TimeZone", "ROLLBACK", "SHOW TimeZone"],
    "notices": ["BEGIN", "BEGIN", "SAVEPOINT s", "DROP TABLE IF EXISTS nowhere", "COMMIT", "COMMIT"],
    "two-phase": ["BEGIN", "PREPARE TRANSACTION 'truth'", "SELECT 1"],
}


@pytest.fixture
def truth(postgres):
    """A table and a function to fail with."""
    with postgres.connect("app") as owner:
        owner.execute("CREATE TABLE truth (a int CONSTRAINT one PRIMARY KEY CONSTRAINT positive CHECK (a > 0))")
        owner.execute("INSERT INTO truth VALUES (1)")
        owner.execute("GRANT ALL ON truth TO app")
        owner.execute("CREATE FUNCTION truth_fails(int) RETURNS int LANGUAGE sql AS 'SELECT 1 / $1'")
    yield postgres
    with postgres.connect("app") as owner:
        owner.execute("DROP TABLE truth")
        owner.execute("DROP FUNCTION truth_fails(int)")


@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_answers(weir, truth, name, mode):
    # In one breath, as a pipeline: kinds, order and bodies, to the last field.
    pooler = weir(pool_mode=mode, default_pool_size=1)
    script = SCRIPTS[name]
    assert replies(pooler.port, [script]) == replies(truth.port, [script])


@pytest.mark.parametrize("mode", ["session", "transaction"])
@pytest.mark.parametrize("name", TRANSACTIONS)
@pytest.mark.parametrize("protocol", ["simple", "extended"])
def test_transactions(weir, truth, name, mode, protocol):
    # The status of every ReadyForQuery, and all that stands before it.
    pooler = weir(pool_mode=mode, default_pool_size=1)
    script = [simple(sql) if protocol == "simple" else extended(sql) + sync() for sql in TRANSACTIONS[name]]
    assert replies(pooler.port, script) == replies(truth.port, script)


@pytest.mark.parametrize("data", [message("z"), message("Z", b"I"), message("p", b"secret\0")],
                         ids=["an unknown kind", "a reply", "a password"])
def test_violations(weir, postgres, data):
    # The words may differ; what a program looks at does not.
    pooler = weir()
    found = []
    for port in (postgres.port, pooler.port):
        with Wire(port) as client:
            client.send(data)
            fields = [(kind, error_fields(body)) for kind, body in client.wait_closed()]
            found.append([(kind, body.get("S"), body.get("V"), body.get("C")) for kind, body in fields])
    assert found[1] == found[0]


@pytest.mark.parametrize("what", [
    {"database": "nowhere"}, {"user": "scram_user", "password": "wrong"}, {"user": "md5_user", "password": "wrong"},
    {"user": "plain_user", "password": "wrong"}, {"user": ""},
], ids=str)
def test_refused_logins(weir, postgres, what):
    # Severity, SQLSTATE and words.
    kind = {"scram_user": "scram-sha-256", "md5_user": "md5", "plain_user": "plain"}.get(what.get("user"), "trust")
    secrets = {"scram_user": "scram-secret", "md5_user": "md5-secret", "plain_user": "plain-secret"}
    pooler = weir(auth_type=kind, userlist=secrets)
    found = []
    for port in (postgres.port, pooler.port):
        with pytest.raises(ServerError) as refused:
            Wire(port, **what).close()
        found.append({key: refused.value.fields.get(key) for key in "SVCM"})
    assert found[1] == found[0]


# What is said to a server and not to a client.

def test_what_servers_say_of_themselves_reaches_nobody(weir):
    # Notices during a server's login, in answer to Weir's own queries, and of a server that is idle.
    notice = message("N", b"SNOTICE\0VNOTICE\0C00000\0Mof the server\0\0")
    served = []

    def serve(session):
        while True:
            kind, body = session.receive()
            if kind == "X":
                return
            text = body[:-1].decode()
            served.append(text)
            if text == "SELECT asked":
                # Its own notice, and one that comes when the client has its answer.
                session.send(notice.replace(b"of the server", b"of the query ") + answer() + notice)
            else:
                # An answer to Weir: connect_query, a check, parameters, a reset, a ROLLBACK.
                status = "T" if text == "BEGIN" else "I"
                session.send(notice + answer(status=status) if status == "I" else answer(status=status))

    greeting = GREETING[:-6] + notice + GREETING[-6:]
    with FakeBackend(serve, greeting=greeting) as backend:
        entry = f"host={HOST} port={backend.port} connect_query='SELECT connected'"
        pooler = weir(databases={"app": entry}, default_pool_size=1, server_check_delay=0, workers=1,
                      server_check_query="SELECT checked", server_reset_query="SELECT reset",
                      server_reset_query_always=1)
        for number in range(3):
            with pooler.wire(options={"TimeZone": f"Etc/GMT+{number}"}) as client:
                assert not client.notices
                result = client.query("SELECT asked")
                assert [fields["M"] for fields in result.notices] == ["of the query "]
                client.query("BEGIN")
            with pooler.wire() as other:
                # The ROLLBACK's notice, and all others, are not this one's.
                result = other.query("SELECT asked")
                assert [fields["M"] for fields in result.notices] == ["of the query "]
        expected = {"SELECT connected", "SELECT checked", "SELECT reset", "ROLLBACK"}
        wait_until(lambda: expected <= set(served), "all was asked")
