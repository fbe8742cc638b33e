"""Parameters that PostgreSQL reports follow their client from server to server."""

import pytest

from pgwire import extended, sync

TRACKED = {
    "client_encoding": ("LATIN1", "UTF8"),
    "DateStyle": ("German, DMY", "SQL, MDY"),
    "TimeZone": ("Asia/Tokyo", "America/Lima"),
    "application_name": ("first", "second"),
    "standard_conforming_strings": ("off", "on"),
    "IntervalStyle": ("iso_8601", "sql_standard"),
}


def skip_untracked(pooler, name):
    if pooler.is_pgbouncer and name == "IntervalStyle":
        pytest.skip("PgBouncer 1.18 does not track it")


@pytest.mark.parametrize("name", TRACKED)
def test_a_set_stays_with_its_client(weir, name):
    # Two clients SET different values; one server connection serves both in turn.
    pooler = weir(default_pool_size=1)
    skip_untracked(pooler, name)
    values = TRACKED[name]
    with pooler.wire() as first, pooler.wire() as second:
        for client, value in zip((first, second), values):
            assert client.query(f"SET {name} TO {value if name == 'DateStyle' else repr(value)}").error is None
        for _ in range(3):
            for client, value in zip((first, second), values):
                assert client.ask(f"SHOW {name}") == value
        assert first.ask("SELECT pg_backend_pid()") == second.ask("SELECT pg_backend_pid()")
        assert [first.parameters[name], second.parameters[name]] == list(values)


@pytest.mark.parametrize("name", TRACKED)
def test_a_startup_parameter_stays_with_its_client(weir, name):
    # The same with values that came in the startup packet, where drivers put them.
    pooler = weir(default_pool_size=1)
    skip_untracked(pooler, name)
    values = TRACKED[name]
    with pooler.wire(options={name: values[0]}) as first, pooler.wire(options={name: values[1]}) as second:
        for _ in range(3):
            assert first.ask(f"SHOW {name}") == values[0]
            assert second.ask(f"SHOW {name}") == values[1]


def test_time_zones_show_in_results(weir):
    # What it is for: the same instant in two clients' zones over one server.
    pooler = weir(default_pool_size=1)
    query = "SELECT '2024-01-01 12:00:00+00'::timestamptz"
    with pooler.wire(options={"TimeZone": "Asia/Tokyo"}) as tokyo, \
            pooler.wire(options={"TimeZone": "America/Lima"}) as lima, pooler.wire() as plain:
        plain_answer = plain.ask(query)
        for _ in range(5):
            assert tokyo.ask(query) == "2024-01-01 21:00:00+09"
            assert lima.ask(query) == "2024-01-01 07:00:00-05"
            assert plain.ask(query) == plain_answer


def test_application_name_in_pg_stat_activity(weir, postgres):
    # PostgreSQL's own views name the client that uses the connection now.
    pooler = weir(default_pool_size=1)
    names = []
    for name in ("billing", "reports"):
        with pooler.wire(options={"application_name": name}) as client:
            client.query("BEGIN")
            client.ask("SELECT 1")
            names.append(postgres.ask("SELECT application_name FROM pg_stat_activity WHERE usename = 'app'"))
            client.query("COMMIT")
    assert names == ["billing", "reports"]


def test_set_rolled_back(weir):
    # A SET inside a transaction that rolls back counts for neither client.
    pooler = weir(default_pool_size=1)
    with pooler.wire(options={"TimeZone": "Asia/Tokyo"}) as client, \
            pooler.wire(options={"TimeZone": "America/Lima"}) as other:
        client.query("BEGIN")
        client.query("SET TimeZone TO 'Europe/Paris'")
        assert client.ask("SHOW TimeZone") == "Europe/Paris"
        client.query("ROLLBACK")
        assert other.ask("SHOW TimeZone") == "America/Lima"
        assert client.ask("SHOW TimeZone") == "Asia/Tokyo"


def test_parameters_before_an_extended_batch(weir):
    # The difference is applied before the batch's first message also when that is a Parse.
    pooler = weir(default_pool_size=1)
    with pooler.wire(options={"TimeZone": "Asia/Tokyo"}) as first, \
            pooler.wire(options={"TimeZone": "America/Lima"}) as second:
        for _ in range(3):
            for client, zone in ((first, "Asia/Tokyo"), (second, "America/Lima")):
                client.send(extended("SELECT current_setting('TimeZone')") + sync())
                result = client.result()
                assert result.rows == [[zone]]
                assert result.kinds.replace("S", "") == "12TDCZ", "no reply of the pooler's own shows"


def test_encoding_changes_bytes(weir):
    # client_encoding decides about bytes: an umlaut is one byte for the first client, two for the second.
    pooler = weir(default_pool_size=1)
    with pooler.wire(options={"client_encoding": "LATIN1"}) as latin, \
            pooler.wire(options={"client_encoding": "UTF8"}) as unicode:
        for _ in range(3):
            latin.send(_query(b"SELECT 'caf\xe9'"))
            assert _first_value(latin) == b"caf\xe9"
            unicode.send(_query("SELECT 'café'".encode()))
            assert _first_value(unicode) == "café".encode()


def _query(sql):
    return b"Q" + (len(sql) + 5).to_bytes(4, "big") + sql + b"\0"


def _first_value(client):
    value = None
    while True:
        kind, body = client.receive()
        assert kind != "E", body
        if kind == "D":
            value = body[6:]
        if kind == "Z":
            return value


def test_parameters_of_the_database_entry(weir):
    # timezone= and datestyle= of an entry hold for clients that say nothing themselves.
    pooler = weir(databases={"app": "{backend} timezone=Asia/Tokyo datestyle=German"})
    with pooler.wire() as client:
        assert client.ask("SHOW TimeZone") == "Asia/Tokyo"
        assert client.ask("SHOW DateStyle").startswith("German")


def test_options_in_the_startup_packet(weir):
    # options='-c TimeZone=…' is the other way drivers say it.
    pooler = weir(default_pool_size=1)
    if pooler.is_pgbouncer:
        pytest.skip("PgBouncer 1.18 refuses options")
    with pooler.wire(options={"options": "-c TimeZone=Asia/Tokyo --application_name=by-option"}) as client, \
            pooler.wire() as other:
        other.query("SET TimeZone TO 'UTC'")
        assert client.ask("SHOW TimeZone") == "Asia/Tokyo"
        assert client.ask("SHOW application_name") == "by-option"
