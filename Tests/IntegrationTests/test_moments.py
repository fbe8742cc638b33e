"""What may happen at bad moments: clients that vanish, limits that change, servers that speak nonsense."""

import time

import pytest

from fake_backend import FakeBackend, answer
from pgwire import (Closed, bind, close_statement, describe, execute, message, parse, simple, sync)

pytestmark = pytest.mark.weir_only


def run(client, *messages):
    client.send(b"".join(messages) + sync())
    return client.result()


def secret(client):
    return client.ask("SELECT current_setting('app.secret', true)") or ""


def test_max_prepared_statements_that_changes(weir):
    # Clients keep what they have prepared, and new ones come under the new limit.
    pooler = weir(default_pool_size=2, workers=1)
    with pooler.wire() as client, pooler.wire() as other:
        assert run(client, parse("SELECT 5", "s"), bind(statement="s"), execute()).rows == [["5"]]
        for limit in (0, 100, 0, 1):
            pooler.admin(f"SET max_prepared_statements = {limit}")
            other.query("BEGIN")
            assert run(client, bind(statement="s"), execute()).rows == [["5"]]
            more = parse("SELECT 6", "t") + bind(statement="t") + execute() + close_statement("t")
            assert run(client, more).rows == [["6"]]
            other.query("COMMIT")
            with pooler.wire() as new:
                assert run(new, parse("SELECT 5", "s"), bind(statement="s"), execute()).rows == [["5"]]
                assert new.query("SELECT 1").error is None


def test_a_pool_of_both_modes(weir):
    # A client of session pooling leaves nothing to those of transaction pooling on the same server.
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire() as other:
        assert run(other, parse("SELECT 5", "s"), bind(statement="s"), execute()).rows == [["5"]]
        pooler.admin("SET pool_mode = session")
        with pooler.wire() as third:
            assert third.query("SET app.secret = 'x'").error is None
            assert run(third, parse("SELECT 9", "s"), bind(statement="s"), execute()).rows == [["9"]]
            assert third.query("CREATE TEMP TABLE left_behind AS SELECT 1").error is None
            third.terminate()
        assert secret(other) == ""
        assert run(other, bind(statement="s"), execute()).rows == [["5"]]
        assert other.query("SELECT * FROM left_behind").error.code == "42P01"


def test_made_up_replies_behind_a_row_that_is_read_slowly(weir):
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire(receive_buffer=4096) as client:
        assert run(client, parse("SELECT 1", "a")).error is None
        size = 8_000_000
        client.send(parse(f"SELECT repeat('x', {size})") + bind() + execute() + sync())
        time.sleep(0.3)
        client.send(parse("SELECT 1", "b") + close_statement("a") + bind(statement="b") + execute() + sync())
        time.sleep(0.3)
        result = client.result()
        assert result.kinds == "12DCZ" and len(result.value) == size
        assert client.result().kinds == "132DCZ"


def test_clients_that_vanish_while_their_settings_are_applied(weir):
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire() as other:
        for number in range(20):
            client = pooler.wire()
            client.query(f"SET app.secret = 'x{number}'")
            assert secret(other) == ""
            client.send(simple("SELECT 1"))
            if number % 2:
                client.reset()
            else:
                client.terminate()
            assert secret(other) == ""


def test_a_client_that_vanishes_while_a_message_of_its_is_held(weir):
    # What Weir has put in front of that message is answered all the same, and the server is given to the next.
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire() as other:
        process = other.ask("SELECT pg_backend_pid()")
        client = pooler.wire()
        assert run(client, parse("SELECT pg_sleep(0.6)", "sleep")).error is None
        client.send(parse("SELEC") + sync() + bind(statement="sleep") + execute() + parse("SELECT 1", "s") + sync())
        assert client.result().error.code == "42601"
        with pooler.receiving():
            client.send(bind(statement="s"))
        client.reset()
        start = time.monotonic()
        assert other.ask("SELECT pg_backend_pid()") == process
        assert time.monotonic() - start < 5


def test_held_messages_over_suspend_and_pause(weir):
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire() as client:
        for command in ("SUSPEND", "PAUSE"):
            name = command.lower()
            client.send(parse("SELECT pg_sleep(0.5)", name) + sync() + bind(statement=name) + execute() + sync()
                        + bind(statement="missing") + sync() + parse("SELECT 1", name) + sync()
                        + bind(statement=name) + sync() + simple("SET app.x = 1") + simple("SELECT 7"))
            time.sleep(0.2)
            with pooler.console() as console:
                assert console.query(command).error is None
                time.sleep(0.2)
                assert console.query("RESUME").error is None
            assert [client.result().kinds for _ in range(7)] == ["1Z", "2DCZ", "EZ", "EZ", "2Z", "CZ", "TDCZ"]


def test_servers_between_two_workers(weir):
    # Settings and statements go along.
    pooler = weir(default_pool_size=1, workers=2)
    clients = [pooler.wire() for _ in range(6)]
    for number, client in enumerate(clients):
        assert client.query(f"SET app.secret = 'c{number}'").error is None
        assert run(client, parse(f"SELECT {number}, current_setting('app.secret')", "s")).error is None
    for _ in range(20):
        for client in clients:
            client.send(bind(statement="s") + execute() + sync())
        for number, client in enumerate(clients):
            assert client.result().rows == [[str(number), f"c{number}"]]
    with pooler.wire() as fresh:
        assert secret(fresh) == ""
    for client in clients:
        client.close()


def test_refusals_in_pipelines(weir):
    pooler = weir(default_pool_size=3, workers=1, max_pinned=1)
    with pooler.wire() as client, pooler.wire() as other:
        other.query("LISTEN a")
        other.ask("SELECT 1")
        client.send(parse("LISTEN b", "l") + bind(statement="l") + execute() + sync()
                    + simple("LISTEN c") + simple("SELECT 1")
                    + parse("SELECT 2", "t") + bind(statement="l") + simple("LISTEN x") + sync()
                    + bind(statement="t") + sync()
                    + simple("BEGIN") + bind(statement="l") + sync() + bind(statement="l") + sync()
                    + simple("LISTEN y") + simple("ROLLBACK"))
        results = [client.result() for _ in range(10)]
        assert [result.kinds for result in results] == \
            ["1EZ", "EZ", "TDCZ", "1EZ", "2Z", "CZ", "EZ", "EZ", "EZ", "CZ"]
        assert [result.error.code for result in (results[0], results[1], results[3], results[6])] == ["53400"] * 4
        assert client.ask("SELECT count(*) FROM pg_listening_channels()") == "0"
        assert [row["current"] for row in pooler.show("PINS") if row["reason"] == "listen"] == ["1"]
        other.query("UNLISTEN *")
        other.ask("SELECT 1")
        assert client.query("LISTEN z").error is None


NONSENSE = [
    message("C"), message("S", b"x"), message("S"), message("T"), message("T", b"\x00\x05abc"), message("t"),
    message("D"), message("E"), message("N"), message("1"), message("I"), message("n"), message("G"), message("A"),
    message("t", b"\x00\xff") + message("T", b"\x00"), message("D", b"\x7f\xff\x00\x00\x00\x01"),
    message("s"), message("3"), message("2"),
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=range(len(NONSENSE)))
def test_replies_that_make_no_sense(weir, nonsense):
    # They may cost the server and its client, and nobody else.
    def serve(session):
        while True:
            kind, body = session.receive()
            if kind == "Q":
                harmless = any(word in body.lower() for word in (b"select 1", b"set ", b"discard"))
                session.send((b"" if harmless else nonsense) + answer())
            elif kind == "S":
                session.send(nonsense + message("Z", b"I"))
            elif kind == "P":
                session.send(message("1"))
            elif kind == "D":
                session.send(nonsense)
            elif kind == "X":
                return

    with FakeBackend(serve) as fake:
        pooler = weir(fake, default_pool_size=2, workers=1)
        for text in ("SELECT x", "SELECT set_config('a.b', 'c', false)", "BEGIN; CREATE TEMP TABLE x ()"):
            prepared = parse(text, "s") + describe("s", "S")
            for request in (simple(text), prepared + bind(statement="s") + execute() + sync() + prepared + sync()):
                with pooler.wire() as client:
                    client.sock.settimeout(0.5)
                    client.send(request)
                    try:
                        while True:
                            client.receive()
                    except (Closed, TimeoutError):
                        pass
        assert pooler.show("POOLS")
