"""Prepared statements whose tables change, and whose text means something else to each client."""

import struct
import threading

import pytest

from pgwire import (Wire, bind, close_statement, columns, cstring, describe, error_fields, execute, message, parse,
                    simple, sync)
from surroundings import Crowd
from test_prepared import run

pytestmark = pytest.mark.weir_only

INT4, INT8 = 23, 20


def ddl(postgres, *statements):
    with postgres.connect("app", user="app") as connection:
        for statement in statements:
            connection.execute(statement)


def binary(name, *values):
    return bind(values, name, result_formats=(1,)) + execute()


@pytest.fixture
def changing(postgres):
    """A table with one row; a function that runs DDL on it."""
    ddl(postgres, "DROP TABLE IF EXISTS changing", "CREATE TABLE changing (n int4, t text)",
        "INSERT INTO changing VALUES (7, 'seven')")
    yield lambda *statements: ddl(postgres, *statements)
    ddl(postgres, "DROP TABLE IF EXISTS changing")


def new_table(postgres):
    ddl(postgres, "DROP TABLE IF EXISTS changing", "CREATE TABLE changing (n int4, t text)",
        "INSERT INTO changing VALUES (7, 'seven')")


WIDEN = "ALTER TABLE changing ALTER n TYPE int8"
ADD = "ALTER TABLE changing ADD extra text DEFAULT 'more'"


SHAPES = ((WIDEN, "SELECT n FROM changing"), (ADD, "SELECT * FROM changing"),
          ("ALTER TABLE changing DROP t", "SELECT * FROM changing"),
          ("ALTER TABLE changing RENAME t TO u", "SELECT * FROM changing"))


@pytest.mark.parametrize("described", ["statement", "portal", "never", "unused"])
def test_a_result_that_changes(retell, postgres, described):
    # Who knows the old shape gets 0A000 on any server, again and again, until it prepares anew.
    if described == "unused" and retell.how.startswith("repeated"):
        pytest.skip("told twice, its texts have been there before")

    def story(client):
        for number, (change, text) in enumerate(SHAPES):
            new_table(postgres)
            if described == "unused":
                # A text that has been there before is another matter: see the next test.
                text += f" -- {number}"
            client.batch(parse(text, "s"), describe("s", "S") if described == "statement" else b"")
            if described != "unused":
                client.batch(bind([], "s", result_formats=(1,)), describe() if described == "portal" else b"",
                             execute())
            ddl(postgres, change)
            for _ in range(4):
                client.batch(binary("s"))
            client.batch(describe("s", "S"))
            client.batch(close_statement("s"), parse(text, "s"), describe("s", "S"))
            for _ in range(3):
                client.batch(binary("s"))
            client.batch(close_statement("s"))

    retell(story)


def test_who_has_seen_nothing_gets_the_new_result(weir, changing):
    # PostgreSQL: 0A000. Weir answers the second Parse of a text without asking a server, so it cannot tell
    # whether the result has changed before or after that; a client that has neither asked nor bound since
    # then has seen nothing that could be wrong now (docs/decisions/0007).
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire() as first, pooler.wire() as second:
        first.send(parse("SELECT n FROM changing", "s") + sync())
        assert first.result().error is None
        second.send(parse("SELECT n FROM changing", "s") + sync())
        assert second.result().error is None
        changing(WIDEN)
        first.send(binary("s") + sync())
        error = first.result().error
        # asyncpg and pgjdbc prepare anew by themselves if PostgreSQL's function is named.
        assert (error.code, error.fields["R"]) == ("0A000", "RevalidateCachedQuery")
        for _ in range(2):
            second.send(binary("s") + sync())
            rows, _, code = read_batch(second)
            assert code is None and rows[0][6:] == (7).to_bytes(8, "big")
        # From now on it has.
        changing("ALTER TABLE changing ALTER n TYPE int2")
        second.send(binary("s") + sync())
        assert second.result().error.code == "0A000"


def test_a_change_on_a_server_that_has_lost_the_statement(weir, changing):
    # The client is to hear of its parameters, then that the result is another one: also where the server cannot
    # say the former, since something that Weir does not see has thrown the statement away.
    # What hides in the DO must not keep the server for its client.
    pooler = weir(default_pool_size=1, workers=1, session_state="ignore")
    with pooler.wire() as first, pooler.wire() as second:
        text = "SELECT * FROM changing WHERE n = $1"
        first.send(parse(text, "s") + describe("s", "S") + sync())
        told = [first.receive() for _ in "1tTZ"][1]
        changing(ADD)
        second.send(parse(text, "s") + describe("s", "S") + sync())
        assert second.result().kinds == "1tTZ"
        second.send(simple("DO $$BEGIN EXECUTE 'DEALLOCATE ALL'; END$$"))
        assert second.result().error is None
        first.send(describe("s", "S") + sync())
        answers = [first.receive() for _ in "tEZ"]
        assert [kind for kind, _ in answers] == ["t", "E", "Z"] and answers[0] == told
        assert error_fields(answers[1][1])["C"] == "0A000"
        second.send(bind(["7"], "s") + execute() + sync())
        assert second.result().rows == [["7", "seven", "more"]]


UNSEEN = ("CREATE INDEX ON changing (n)", ADD, "ALTER TABLE changing ALTER t TYPE varchar(100)", "ANALYZE changing",
          "ALTER TABLE changing ADD CONSTRAINT positive CHECK (n > 0)")


def test_a_change_that_the_result_does_not_show(retell, postgres):
    # What the statement does not select may change as it likes.
    def story(client):
        client.batch(parse("SELECT n FROM changing WHERE n = $1", "s"), describe("s", "S"))
        client.batch(run("s", 7))
        for change in UNSEEN:
            ddl(postgres, change)
            for _ in range(3):
                client.batch(run("s", 7))

    retell(story, "1tTZ 2TDCZ" + " 2TDCZ 2TDCZ 2TDCZ" * len(UNSEEN), before=new_table)


def test_a_table_that_goes_and_comes_back(retell, postgres):
    # 42P01 while it is gone, as if the statement were parsed at each use; in a pipeline and in a block too.
    def story(client):
        client.batch(parse("SELECT n FROM changing", "s"))
        client.batch(run("s"))
        ddl(postgres, "DROP TABLE changing")
        for _ in range(3):
            client.batch(run("s"))
        client.send(run("s") + sync() + simple("SELECT 1") + run("s") + parse("SELECT 2", "t") + sync()
                    + run("t") + sync())
        client.read(4)
        client.query("BEGIN")
        client.batch(run("s"))
        client.query("ROLLBACK")
        ddl(postgres, "CREATE TABLE changing (n int4, t text)", "INSERT INTO changing VALUES (8, 'eight')")
        for _ in range(3):
            client.batch(run("s"))

    retell(story, "1Z 2TDCZ E[42P01]Z E[42P01]Z E[42P01]Z E[42P01]Z TDCZ E[42P01]Z E[26000]Z CZT E[42P01]ZE CZ"
                  " 2TDCZ 2TDCZ 2TDCZ", before=new_table, blocks=True)


def test_a_parameter_whose_type_changes(retell, postgres):
    # Types that were left open are those of the first Parse, on every server.
    def story(client):
        client.batch(parse("SELECT t FROM changing WHERE n = $1", "s"), describe("s", "S"))
        client.batch(run("s", 7))
        ddl(postgres, WIDEN)
        for _ in range(3):
            client.batch(run("s", 7))
        for _ in range(3):
            client.batch(describe("s", "S"))
        client.batch(run("s", 7_000_000_000))

    retell(story, before=new_table)


def bind_binary(name, data):
    formats = struct.pack("!hhhi", 1, 1, 1, len(data))
    return message("B", cstring("") + cstring(name) + formats + data + struct.pack("!h", 0))


def test_values_in_binary_while_a_parameters_type_changes(weir, changing):
    # Who was told int8 sends eight bytes of that, on whichever server and whoever has parsed the same text there
    # as float8 since: never the one taken for the other.
    changing("ALTER TABLE changing ALTER n TYPE int8")
    text = "SELECT t FROM changing WHERE n = $1"
    pooler = weir(default_pool_size=2, workers=1)
    crowd = Crowd(pooler, 2, in_block=True)
    with pooler.wire() as old, pooler.wire() as new:
        old.send(parse(text, "s") + describe("s", "S") + sync())
        assert old.result().error is None
        old.send(bind_binary("s", struct.pack("!q", 7)) + execute() + sync())
        assert old.result().rows == [["seven"]]
        changing("ALTER TABLE changing ALTER n TYPE float8")
        crowd.disturb()
        # In a block its Parse reaches the server, which has no copy.
        new.query("BEGIN")
        new.send(parse(text, "n") + describe("n", "S") + sync())
        assert new.result().error is None
        new.query("COMMIT")
        for _ in range(6):
            old.send(bind_binary("s", struct.pack("!q", 7)) + execute() + sync())
            assert old.result().rows == [["seven"]]
            new.send(bind_binary("n", struct.pack("!d", 7)) + execute() + sync())
            assert new.result().rows == [["seven"]]
            crowd.disturb()
        # Both names in one batch, of one client.
        old.send(parse(text, "n") + bind_binary("s", struct.pack("!q", 7)) + execute() + describe("n", "S") + sync())
        assert old.result().rows == [["seven"]]
        old.send(bind_binary("s", struct.pack("!q", 7)) + execute() + sync())
        assert old.result().rows == [["seven"]]
    crowd.close()


@pytest.mark.parametrize("described", [False, True])
def test_new_clients_after_a_parameters_type_has_changed(weir, changing, described):
    # int4 becomes text, and 'n = $1' of an int4 fails: for who has prepared it before, and for nobody else, but
    # for the first that asks for the types (docs/decisions/0007).
    refused = 0
    text = "SELECT t FROM changing WHERE n = $1"
    pooler = weir(default_pool_size=2, workers=1)
    crowd = Crowd(pooler, 2, in_block=True)
    with pooler.wire() as old:
        old.send(parse(text, "s") + describe("s", "S") + sync())
        assert old.result().error is None
        for _ in range(4):
            old.send(run("s", 7) + sync())
            assert old.result().error is None
            crowd.disturb()
        changing("ALTER TABLE changing ALTER n TYPE text USING 'n' || n")
        for _ in range(4):
            with pooler.wire() as new:
                new.send(parse(text, "n") + sync())
                assert new.result().error is None
                if described:
                    new.send(describe("n", "S") + sync())
                    refused += new.result().error is not None
                for _ in range(2):
                    new.send(run("n", "n7") + sync())
                    result = new.result()
                    assert result.error is None and result.rows == [["seven"]], result.error
                new.send(parse(text, "m") + describe("m", "S") + run("m", "n7") + sync())
                assert new.result().rows == [["seven"]]
            old.send(run("s", 7) + sync())
            assert old.result().error.code == "42883"
            crowd.disturb()
    assert refused == described
    crowd.close()


def test_types_are_found_again_after_an_error_in_a_block(weir, changing):
    # There nothing can be sent twice: the error is the client's, and all is well from the next transaction on.
    text = "SELECT t FROM changing WHERE n = $1"
    pooler = weir(default_pool_size=1, workers=1)
    with pooler.wire() as old, pooler.wire() as new:
        old.send(parse(text, "s") + sync())
        assert old.result().error is None
        changing("ALTER TABLE changing ALTER n TYPE text USING 'n' || n")
        new.send(parse(text, "n") + sync())
        assert new.result().error is None
        new.query("BEGIN")
        new.send(run("n", "n7") + sync())
        assert new.result().error.code == "22P02"
        new.query("ROLLBACK")
        for _ in range(2):
            new.query("BEGIN")
            new.send(run("n", "n7") + sync())
            assert new.result().rows == [["seven"]]
            new.query("COMMIT")
        old.send(run("s", 7) + sync())
        assert old.result().error.code == "42883"


def test_an_error_that_is_not_for_types_is_told_once(weir, changing):
    # What is wrong with a value stays wrong, and costs no more than one Parse.
    pooler = weir(default_pool_size=1, workers=1)
    text = "SELECT t FROM changing WHERE n = $1"
    with pooler.wire() as first, pooler.wire() as second:
        first.send(parse(text, "s") + sync())
        assert first.result().error is None
        second.send(parse(text, "s") + sync())
        assert second.result().error is None
        for _ in range(3):
            second.send(run("s", "x") + sync())
            result = second.result()
            assert (result.error.code, result.kinds) == ("22P02", "EZ")
        second.send(run("s", 7) + sync())
        assert second.result().rows == [["seven"]]


@pytest.mark.parametrize("change, text, oids", [(WIDEN, "SELECT n FROM changing", [INT8]),
                                                (ADD, "SELECT * FROM changing", [INT4, 25, 25])])
def test_new_clients_get_no_error(weir, changing, change, text, oids):
    # Servers that have the old statement, used and unused, and one that has not: a new client's Parse of
    # the same text is a new statement to it. Who knew the old one is still told.
    pooler = weir(default_pool_size=3)
    crowd = Crowd(pooler, 3, in_block=True)
    with pooler.wire() as old:
        old.send(parse(text, "s") + describe("s", "S") + sync())
        assert old.result().error is None
        crowd.disturb()
        old.send(binary("s") + sync())
        assert old.result().error is None
        changing(change)
        for _ in range(2):
            for _ in range(3):
                crowd.disturb()
                with pooler.wire() as new:
                    for name in ("s", "another", ""):
                        new.send(parse(text, name) + describe(name, "S") + sync())
                        parsed = new.result()
                        assert parsed.error is None, parsed.error
                        assert [column.oid for column in parsed.columns] == oids
                        new.send(binary(name) + sync())
                        result = new.result()
                        assert result.error is None, result.error
                        assert len(result.rows[0]) == len(oids)
                    new.send(parse(text, "whole") + bind([], "whole") + describe() + execute() + sync())
                    assert new.result().error is None
            for _ in range(3):
                crowd.disturb()
                old.send(binary("s") + sync())
                assert old.result().error.code == "0A000"
        old.send(close_statement("s") + parse(text, "s") + describe("s", "S") + sync())
        assert [column.oid for column in old.result().columns] == oids
        for _ in range(4):
            crowd.disturb()
            old.send(binary("s") + sync())
            assert old.result().error is None
    crowd.close()


def test_a_batch_that_describes_first(weir, changing):
    # It may be told 0A000, as by PostgreSQL, or get the new shape and the values that belong to it.
    pooler = weir(default_pool_size=2)
    crowd = Crowd(pooler, 2, in_block=True)
    with pooler.wire() as client:
        client.send(parse("SELECT n FROM changing", "s") + sync())
        assert client.result().error is None
        changing(WIDEN)
        for _ in range(4):
            crowd.disturb()
            client.send(bind([], "s", result_formats=(1,)) + describe() + execute() + sync())
            check_reading(read_batch(client), None)
    crowd.close()


def read_batch(client):
    """The rows' values as bytes, the columns that were described, the error code."""
    rows, described, code = [], None, None
    while True:
        kind, body = client.receive()
        if kind == "T":
            described = [column.oid for column in columns(body)]
        elif kind == "D":
            rows.append(body)
        elif kind == "E":
            code = error_fields(body)["C"]
        elif kind == "Z":
            return rows, described, code


def check_reading(reading, known):
    """A right value in the shape that the client knows, or 0A000."""
    rows, described, code = reading
    shape = described or known
    if code is not None:
        assert code == "0A000", code
        return False
    (count, length) = struct.unpack("!hi", rows[0][:6])
    assert count == len(shape), f"{count} columns where {len(shape)} are known"
    if shape[0] in (INT4, INT8):
        assert length == {INT4: 4, INT8: 8}[shape[0]], f"{length} bytes for the type {shape[0]}"
        assert int.from_bytes(rows[0][6:6 + length], "big") == 7
    return True


class Reader(threading.Thread):
    """Reads in binary, by the shape it was told last; prepares anew when told that the shape has changed."""

    def __init__(self, pooler, text, name, describes, until):
        super().__init__()
        self.pooler, self.text, self.name, self.describes, self.until = pooler, text, name, describes, until
        self.right, self.told, self.failure = 0, 0, None

    def run(self):
        try:
            with self.pooler.wire() as client:
                shape = self.prepare(client)
                while not self.until.is_set():
                    describes = describe() if self.describes else b""
                    client.send(bind([], self.name, result_formats=(1,)) + describes + execute() + sync())
                    reading = read_batch(client)
                    if check_reading(reading, shape):
                        self.right += 1
                    else:
                        self.told += 1
                        shape = self.prepare(client)
        except BaseException as failure:
            self.failure = failure

    def prepare(self, client):
        client.send(close_statement(self.name) + parse(self.text, self.name) + describe(self.name, "S") + sync())
        rows, described, code = read_batch(client)
        assert code is None, f"{code} for a new statement"
        return described


@pytest.mark.parametrize("changes, text", [
    ((WIDEN, "ALTER TABLE changing ALTER n TYPE int4"), "SELECT n FROM changing"),
    ((ADD, "ALTER TABLE changing DROP extra"), "SELECT * FROM changing")], ids=["type", "columns"])
def test_changes_under_load(weir, changing, changes, text):
    # Eight readers over three servers while the shape changes to and fro: never garbage.
    pooler = weir(default_pool_size=3)
    until = threading.Event()
    readers = [Reader(pooler, text, ("s", "t", "", "s")[at % 4], at >= 4, until) for at in range(8)]
    for reader in readers:
        reader.start()
    for _ in range(8):
        for change in changes:
            changing(change)
            until.wait(0.03)
    until.set()
    for reader in readers:
        reader.join(30)
    assert [reader.failure for reader in readers] == [None] * 8
    assert all(reader.right > 10 for reader in readers), [reader.right for reader in readers]
    assert sum(reader.told for reader in readers), "the changes were seen"


def test_harmless_changes_under_load(weir, changing):
    # Indexes and columns that nobody selects come and go: no reader sees an error.
    pooler = weir(default_pool_size=3)
    until = threading.Event()
    readers = [Reader(pooler, "SELECT n FROM changing WHERE n = 7", ("s", "t", "")[at % 3], False, until)
               for at in range(6)]
    for reader in readers:
        reader.start()
    for _ in range(10):
        changing("CREATE INDEX changing_n ON changing (n)", ADD)
        until.wait(0.02)
        changing("DROP INDEX changing_n", "ALTER TABLE changing DROP extra")
    until.set()
    for reader in readers:
        reader.join(30)
    assert [reader.failure for reader in readers] == [None] * 6
    assert sum(reader.told for reader in readers) == 0
    assert all(reader.right > 10 for reader in readers)


# One text, several meanings.

MEANINGS = {
    "DateStyle": ("SELECT '01/02/2024'::date - '2024-01-01'::date", {"ISO, MDY": "1", "ISO, DMY": "31"}),
    "TimeZone": ("SELECT extract(hour FROM '2024-01-01 12:00'::timestamptz AT TIME ZONE 'UTC')",
                 {"Asia/Tokyo": "3", "America/Lima": "17", "UTC": "12"}),
    "IntervalStyle": ("SELECT extract(epoch FROM '-1 2:00:00'::interval)",
                      {"postgres": "-79200.000000", "sql_standard": "-93600.000000"}),
    "standard_conforming_strings": ("SELECT length('a\\\\b')", {"on": "4", "off": "3"}),
    "client_encoding": ("SELECT length('é')", {"UTF8": "1", "LATIN1": "2"}),
}


@pytest.mark.parametrize("name", MEANINGS)
@pytest.mark.parametrize("statement", ["s", ""])
def test_one_text_under_other_settings(weir, postgres, name, statement):
    # Literals are bound when PostgreSQL parses: clients with other settings share no statement.
    text, answers = MEANINGS[name]
    pooler = weir(default_pool_size=1)

    def check(port):
        clients = {}
        for value in answers:
            wire = clients[value] = Wire(port, options={name: value})
            wire.send(parse(text, statement) + sync())
            assert wire.result().error is None
        for _ in range(3):
            for value, wire in clients.items():
                wire.send(run(statement) + sync())
                result = wire.result()
                assert result.error is None, result.error
                assert result.rows == [[answers[value]]], value
        for wire in clients.values():
            wire.close()

    check(postgres.port)
    check(pooler.port)


@pytest.mark.parametrize("name", MEANINGS)
@pytest.mark.parametrize("mode", ["session", "transaction", "crowd"])
def test_a_setting_changed_after_the_parse(weir, postgres, name, mode):
    # PostgreSQL, and session mode: a statement keeps the meaning that its text had at its Parse. Outside it a
    # statement means on every server what it would mean if it were parsed now (docs/decisions/0007); what is
    # parsed after the change means the same everywhere.
    text, answers = MEANINGS[name]
    first, second = list(answers)[:2]
    pooler = weir(pool_mode="session" if mode == "session" else "transaction", default_pool_size=3)
    crowd = Crowd(pooler, 3, in_block=True) if mode == "crowd" else None

    def told(port, changed):
        with Wire(port) as client:
            def answer(name):
                if crowd and port == pooler.port:
                    crowd.disturb()
                client.send(run(name) + sync())
                result = client.result()
                assert result.error is None, result.error
                return result.rows[0][0]

            def set_to(value):
                client.query(f"SET {name} TO {value if name == 'DateStyle' else repr(value)}")

            set_to(first)
            client.send(parse(text, "s") + sync())
            assert client.result().error is None
            assert answer("s") == answers[first]
            set_to(second)
            assert [answer("s") for _ in range(3)] == [answers[changed]] * 3
            client.send(parse(text, "t") + sync())
            assert client.result().error is None
            for _ in range(3):
                assert (answer("t"), answer("s")) == (answers[second], answers[changed])

    told(postgres.port, first)
    told(pooler.port, first if mode == "session" else second)
    if crowd:
        crowd.close()


def schemas(postgres):
    ddl(postgres, *(statement for schema in ("one", "two") for statement in (
        f"DROP SCHEMA IF EXISTS {schema} CASCADE", f"CREATE SCHEMA {schema}",
        f"CREATE TABLE {schema}.place AS SELECT '{schema}' AS name")))


def test_search_path_at_startup(weir, postgres):
    # Unqualified names in two schemas: clients whose paths differ share no statement.
    schemas(postgres)
    pooler = weir(default_pool_size=1)
    wires = {schema: pooler.wire(options={"options": f"-c search_path={schema}"}) for schema in ("one", "two")}
    for _ in range(3):
        for schema, wire in wires.items():
            for name in ("s", ""):
                wire.send(close_statement(name) + parse("SELECT name FROM place", name) + sync() + run(name) + sync())
                assert wire.result().error is None
                assert wire.result().rows == [[schema]]
    for schema, wire in wires.items():
        wire.send(run("s") + sync())
        assert wire.result().rows == [[schema]]
        wire.close()


def test_search_path_that_changes(retell):
    # PostgreSQL parses again under the new path: so does the later server.
    def story(client):
        client.query("SET search_path TO one")
        client.batch(parse("SELECT name FROM place", "s"), run("s"))
        client.query("SET search_path TO two")
        for _ in range(3):
            client.batch(run("s"))
        client.query("SET search_path TO one")
        for _ in range(3):
            client.batch(run("s"))
        client.query("BEGIN")
        client.query("SET LOCAL search_path TO two")
        client.batch(run("s"), parse("SELECT name FROM place", "t"), run("t"))
        client.query("COMMIT")
        for _ in range(3):
            client.batch(run("s"), run("t"))

    retell(story, before=schemas, blocks=True)
