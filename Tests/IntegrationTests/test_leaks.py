"""Nothing of one client's session is ever seen by another, and each sees all of its own.

Fifty clients set what they like at random, more of them or fewer than there are servers. Each keeps a model of
its own session and compares it with every answer. The seed of a failure is in its message; WEIR_SEED repeats it.
"""

import os
import random
import threading
import time
from typing import NamedTuple

import pytest

from conftest import LONG
from pgwire import bind, close_statement, execute, extended, parse, simple, sync

pytestmark = pytest.mark.weir_only

CLIENTS = 50
ROLES = ["leak_a", "leak_b", "leak_c"]
#: Names of statements of the protocol, which all clients use for texts of their own.
NAMES = ["s", "t", ""]
SEED = int(os.environ.get("WEIR_SEED", time.time_ns() % 1_000_000))

#: All of a session that matters, as one row.
STATE = """SELECT concat_ws('|', current_setting('search_path'), current_setting('TimeZone'),
 current_setting('statement_timeout'), current_setting('role'), coalesce(current_setting('app.tenant', true), ''),
 coalesce((SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class
           WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'), ''),
 coalesce((SELECT string_agg(objid::text, ',' ORDER BY objid) FROM pg_locks
           WHERE locktype = 'advisory' AND pid = pg_backend_pid()), ''),
 coalesce((SELECT string_agg(c, ',' ORDER BY c) FROM pg_listening_channels() c), ''),
 coalesce((SELECT string_agg(statement, ',' ORDER BY statement) FROM pg_prepared_statements WHERE from_sql), ''))"""

DEFAULTS = {"search_path": '"$user", public', "timezone": None, "timeout": "0", "role": "none", "tenant": "",
            "tables": frozenset(), "locks": frozenset(), "channels": frozenset(), "prepared": frozenset()}
SETTINGS = ["path", "zone", "timeout", "role", "tenant", "config", "reset", "reset all", "none"]
PINS = ["table", "lock", "listen", "prepare"]


class Step(NamedTuple):
    """A statement and what the session is after it."""

    sql: str
    after: dict
    #: What it is before the end of the statement's transaction.
    inside: dict
    #: A rollback does not undo it, or it may not be in a block.
    is_alone: bool = False
    #: The channel that hears of it.
    notified: str = None


def line(s):
    """The row that shows a state."""
    parts = [s["search_path"], s["timezone"], s["timeout"], s["role"], s["tenant"]]
    parts += [",".join(sorted(s[key])) for key in ("tables", "locks", "channels", "prepared")]
    return "|".join(parts)


class Model:
    """What one client has in its session."""

    def __init__(self, number, zone, pins, is_kept):
        self.number, self.default_zone, self.is_kept = number, zone, is_kept
        self.state = {**DEFAULTS, "timezone": zone}
        self.kinds = SETTINGS + ([*PINS, "notify", "discard"] if pins else [])
        #: What its statements of the protocol say, by their names; None for one that is there and not looked at.
        self.texts = {}

    def step(self, generator):
        n, s = self.number, dict(self.state)
        kind, v = generator.choice(self.kinds), generator.randrange(3)
        if kind in PINS:
            return self.pinning(kind, v)
        sql, notified = "SELECT 1", None
        if kind == "path":
            s["search_path"] = f"leak{n}_{v}, public"
            sql = f"SET search_path TO {s['search_path']}"
        elif kind == "zone":
            s["timezone"] = f"<T{chr(65 + n % 26)}{chr(65 + n // 26)}{chr(65 + v)}>-0{1 + v}"
            sql = f"SET TimeZone TO '{s['timezone']}'"
        elif kind == "timeout":
            s["timeout"] = f"{61 + n}s"
            sql = f"SET statement_timeout TO '{s['timeout']}'"
        elif kind == "role":
            s["role"] = generator.choice(ROLES + ["none"])
            sql = f"SET ROLE {s['role']}"
        elif kind == "tenant":
            s["tenant"] = f"it's {n} {v}"
            sql = f"SET app.tenant TO 'it''s {n} {v}'"
        elif kind == "config":
            s["tenant"] = f"c{n} {v}"
            sql = f"SELECT set_config('app.tenant', 'c{n} {v}', false)"
        elif kind == "reset":
            s["search_path"] = DEFAULTS["search_path"]
            sql = "RESET search_path"
        elif kind == "reset all":
            s |= {key: DEFAULTS[key] for key in ("search_path", "timeout", "tenant")}
            s["timezone"] = self.default_zone
            sql = "RESET ALL"
        elif kind == "discard":
            s = {**DEFAULTS, "timezone": self.default_zone}
            sql = "DISCARD ALL"
        elif kind == "notify":
            notified = f"leak_c{n}_{v}"
            sql = f"NOTIFY {notified}, 'from {n}'"
        return Step(sql, s, s, kind == "discard", notified)

    def pinning(self, kind, v):
        """What cannot travel: made where it is not there, ended where it is."""
        n, after, inside = self.number, dict(self.state), dict(self.state)
        prepare = f"PREPARE leak_p_{v} AS SELECT '{n} {v}'"
        key, name, make, end = {
            "table": ("tables", f"leak_t{n}_{v}", f"CREATE TEMP TABLE leak_t{n}_{v} AS SELECT 1",
                      f"RESET ROLE; DROP TABLE leak_t{n}_{v}"),
            "lock": ("locks", f"{n * 10 + v}", f"SELECT pg_advisory_lock({n * 10 + v})",
                     f"SELECT pg_advisory_unlock({n * 10 + v})"),
            "listen": ("channels", f"leak_c{n}_{v}", f"LISTEN leak_c{n}_{v}", f"UNLISTEN leak_c{n}_{v}"),
            "prepare": ("prepared", prepare, prepare, f"DEALLOCATE leak_p_{v}"),
        }[kind]
        has = name in self.state[key]
        if has and kind == "table":
            after["role"] = inside["role"] = "none"
        # A LISTEN counts from its commit on.
        if kind != "listen":
            inside[key] = self.state[key] ^ {name}
        if self.is_kept:
            after[key] = self.state[key] ^ {name}
        return Step(end if has else make, after, inside, kind in ("lock", "prepare"))


class Life:
    """One client: changes its session, and looks at it after every change."""

    def __init__(self, client, model, generator):
        self.client, self.model, self.generator = client, model, generator
        self.looks = 0

    def result(self, what):
        """The next result, in which nothing may be heard that is another's."""
        result = self.client.result()
        for channel, payload in result.notifications:
            assert channel.startswith(f"leak_c{self.model.number}_"), f"{channel} heard after {what}"
            assert payload == f"from {self.model.number}", f"{payload} heard after {what}"
        return result

    def run(self, *messages):
        """What messages bring that must succeed."""
        self.client.send(b"".join(messages))
        result = self.result(messages)
        assert result.error is None, f"{messages}: {result.error}"
        return result

    def query(self, sql):
        self.model.texts.pop("", None)
        return self.run(simple(sql))

    def query_extended(self, sql):
        self.model.texts[""] = None
        return self.run(extended(sql), sync())

    def look(self, state, what):
        """The client sees all of its own and nothing else."""
        seen = self.generator.choice((self.query, self.query, self.query_extended))(STATE).value
        assert seen == line(state), f"after {what}:\nseen     {seen}\nexpected {line(state)}"
        self.looks += 1

    def look_at_statements(self, what):
        """Each name of a statement is the client's own, or free."""
        for name in NAMES:
            text = self.model.texts.get(name, "")
            if text is None:
                continue
            self.client.send(bind([], name) + execute() + sync())
            result = self.result(what)
            seen = result.error.code if result.error else result.value
            assert seen == (text or "26000"), f"{name!r} after {what}: {seen} in place of {text}"

    def prepare(self):
        """A name is given to a statement, or taken back."""
        name = self.generator.choice(NAMES)
        if self.model.texts.pop(name, ""):
            self.run(close_statement(name), sync())
        else:
            text = f"{self.model.number} says {self.generator.randrange(5)}"
            self.model.texts[name] = text
            self.run(parse(f"SELECT '{text}'", name), sync())

    def change(self):
        model = self.model
        step = model.step(self.generator)
        how = self.generator.choice(["plain", "plain", "extended", "block", "rollback", "pipelined"])
        if (step.is_alone and how in ("block", "rollback") or how == "extended" and ";" in step.sql
                or how == "pipelined" and not model.is_kept):
            how = "plain"
        what = f"{how} {step.sql}"
        if how == "plain":
            results = [self.query(step.sql)]
        elif how == "extended":
            results = [self.query_extended(step.sql)]
        elif how == "pipelined":
            model.texts.pop("", None)
            self.client.send(simple(step.sql) + simple(STATE) * 2)
            results = [self.run(), self.run(), self.run()]
            assert [result.value for result in results[1:]] == [line(step.after)] * 2, what
        else:
            self.query("BEGIN")
            self.query(step.sql)
            self.look(step.inside, f"{what}, inside")
            results = [self.query("COMMIT" if how == "block" else "ROLLBACK")]
        if step.sql == "DISCARD ALL":
            model.texts = {name: text for name, text in model.texts.items() if not name}
        if step.notified in model.state["channels"] and how != "rollback":
            heard = [channel for result in results for channel, _ in result.notifications]
            assert heard == [step.notified], f"{heard} heard after {what}"
        if how != "rollback":
            model.state = step.after
        for _ in range(self.generator.randrange(1, 4)):
            self.look(model.state, what)
        self.look_at_statements(what)


def live(pooler, model, until, failures, counts):
    generator = random.Random(SEED * 1000 + model.number)
    try:
        with pooler.wire(timeout=30) as client:
            life = Life(client, model, generator)
            while time.monotonic() < until and not failures:
                if generator.random() < 0.3:
                    life.prepare()
                life.change()
                counts[model.number] = life.looks
    except BaseException as error:  # noqa: BLE001: whatever it is, the test must say so
        failures.append(f"client {model.number}: {type(error).__name__}: {error}")


@pytest.mark.parametrize("servers, state", [(60, "pin"), (4, "pin"), (4, "reset")])
def test_nothing_leaks(weir, postgres, servers, state):
    with postgres.connect() as direct:
        for role in ROLES:
            direct.execute(f"DROP ROLE IF EXISTS {role}")
            direct.execute(f"CREATE ROLE {role}")
            direct.execute(f"GRANT {role} TO app")
    pooler = weir(default_pool_size=servers, max_client_conn=200, session_state=state, workers=2,
                  query_wait_timeout=30)
    zone = pooler.ask("SHOW TimeZone")
    # With fewer servers than clients that want to keep one, most would be refused.
    is_kept = state == "pin"
    pins = servers > CLIENTS or not is_kept
    until = time.monotonic() + (60 if LONG else 6)
    failures, counts = [], [0] * CLIENTS
    threads = [threading.Thread(target=live, args=(pooler, Model(number, zone, pins, is_kept), until, failures, counts))
               for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"WEIR_SEED={SEED}: looked {sum(counts)} times")
    assert not failures, f"WEIR_SEED={SEED}\n" + "\n".join(failures[:5])
    assert min(counts) > 0, "every client has been looked at"
    pooler.still_serves()
