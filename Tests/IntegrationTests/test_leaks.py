"""Nothing of one client's session is ever seen by another, and each sees all of its own.

Fifty clients set what they like at random, more of them or fewer than there are servers. Each keeps a model of
its own session and compares it with every answer. The seed of a failure is in its message; WEIR_SEED repeats it.
"""

import os
import random
import threading
import time

import pytest

from conftest import LONG
from pgwire import cstring, message

pytestmark = pytest.mark.weir_only

CLIENTS = 50
ROLES = ["leak_a", "leak_b", "leak_c"]
SEED = int(os.environ.get("WEIR_SEED", time.time_ns() % 1_000_000))

#: All of a session that matters, as one row.
STATE = """SELECT concat_ws('|', current_setting('search_path'), current_setting('TimeZone'),
 current_setting('statement_timeout'), current_setting('role'), coalesce(current_setting('app.tenant', true), ''),
 coalesce((SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class
           WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'), ''),
 coalesce((SELECT string_agg(objid::text, ',' ORDER BY objid) FROM pg_locks
           WHERE locktype = 'advisory' AND pid = pg_backend_pid()), ''),
 coalesce((SELECT string_agg(c, ',' ORDER BY c) FROM pg_listening_channels() c), ''),
 coalesce((SELECT string_agg(name, ',' ORDER BY name) FROM pg_prepared_statements WHERE from_sql), ''))"""

DEFAULTS = {"search_path": '"$user", public', "timezone": None, "timeout": "0", "role": "none", "tenant": "",
            "tables": frozenset(), "locks": frozenset(), "channels": frozenset(), "names": frozenset()}


class Model:
    """What one client has in its session, inside and outside its transaction."""

    def __init__(self, number, zone):
        self.number = number
        self.state = {**DEFAULTS, "timezone": zone}
        self.default_zone = zone

    def line(self):
        s = self.state
        parts = [s["search_path"], s["timezone"], s["timeout"], s["role"], s["tenant"]]
        parts += [",".join(sorted(s[key])) for key in ("tables", "locks", "channels", "names")]
        return "|".join(parts)

    def step(self, generator, pins, is_kept):
        """A statement, and the state after it; what cannot be undone by a rollback comes alone."""
        n, s = self.number, dict(self.state)
        kind = generator.choice(["path", "zone", "timeout", "role", "tenant", "config", "reset", "reset all", "none"]
                                + (["table", "lock", "listen", "prepare", "discard"] if pins else []))
        v = generator.randrange(3)
        if kind == "path":
            s["search_path"] = f"leak{n}_{v}, public"
            return f"SET search_path TO leak{n}_{v}, public", s
        if kind == "zone":
            s["timezone"] = f"<T{chr(65 + n % 26)}{chr(65 + n // 26)}{chr(65 + v)}>-0{1 + v}"
            return f"SET TimeZone TO '{s['timezone']}'", s
        if kind == "timeout":
            s["timeout"] = f"{61 + n}s"
            return f"SET statement_timeout TO '{s['timeout']}'", s
        if kind == "role":
            role = generator.choice(ROLES + ["none"])
            s["role"] = role
            return f"SET ROLE {role}", s
        if kind == "tenant":
            s["tenant"] = f"it's {n} {v}"
            return f"SET app.tenant TO 'it''s {n} {v}'", s
        if kind == "config":
            s["tenant"] = f"c{n} {v}"
            return f"SELECT set_config('app.tenant', 'c{n} {v}', false)", s
        if kind == "reset":
            s["search_path"] = DEFAULTS["search_path"]
            return "RESET search_path", s
        if kind == "reset all":
            for key in ("search_path", "timeout", "tenant"):
                s[key] = DEFAULTS[key]
            s["timezone"] = self.default_zone
            return "RESET ALL", s
        if kind == "discard":
            return "DISCARD ALL", {**DEFAULTS, "timezone": self.default_zone}
        key, make, end, name = {
            "table": ("tables", "CREATE TEMP TABLE {0} AS SELECT 1", "RESET ROLE; DROP TABLE {0}", f"leak_t{n}_{v}"),
            "lock": ("locks", "SELECT pg_advisory_lock({0})", "SELECT pg_advisory_unlock({0})", str(n * 10 + v)),
            "listen": ("channels", "LISTEN {0}", "UNLISTEN {0}", f"leak_c{n}_{v}"),
            "prepare": ("names", "PREPARE {0} AS SELECT 1", "DEALLOCATE {0}", f"leak_p{n}_{v}"),
            "none": (None, None, None, None),
        }[kind]
        if key is None:
            return "SELECT 1", s
        has = name in s[key]
        if has and key == "tables":
            s["role"] = "none"
        if is_kept:
            s[key] = s[key] - {name} if has else s[key] | {name}
        return (end if has else make).format(name), s


def life(pooler, number, zone, until, pins, is_kept, failures, counts):
    generator = random.Random(SEED * 1000 + number)
    model = Model(number, zone)
    # Prepared statements and locks outlive a rollback, and the check is a statement like any other.
    try:
        with pooler.wire(timeout=30) as client:
            while time.monotonic() < until and not failures:
                statement, after = model.step(generator, pins, is_kept)
                how = generator.choice(["plain", "plain", "block", "rollback", "pipelined"])
                keeps = statement.split()[0] in ("PREPARE", "DEALLOCATE", "DISCARD") or "advisory" in statement
                if keeps and how != "pipelined" or not is_kept and how == "pipelined":
                    how = "plain"
                if how == "plain":
                    assert client.query(statement).error is None, statement
                elif how == "pipelined":
                    texts = [statement, STATE, STATE]
                    client.send(b"".join(message("Q", cstring(text)) for text in texts))
                    model.state = after
                    assert client.result().error is None, statement
                    for _ in range(2):
                        assert client.result().value == model.line(), f"pipelined behind {statement}"
                else:
                    client.query("BEGIN")
                    assert client.query(statement).error is None, statement
                    assert client.query("COMMIT" if how == "block" else "ROLLBACK").error is None
                if how != "rollback":
                    model.state = after
                for _ in range(generator.randrange(1, 4)):
                    seen = client.ask(STATE)
                    assert seen == model.line(), f"after {how} {statement}:\nseen     {seen}\nexpected {model.line()}"
                    counts[number] += 1
    except BaseException as error:  # noqa: BLE001: whatever it is, the test must say so
        failures.append(f"client {number}: {type(error).__name__}: {error}")


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
    threads = [threading.Thread(target=life, args=(pooler, number, zone, until, pins, is_kept, failures, counts))
               for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, f"WEIR_SEED={SEED}\n" + "\n".join(failures[:5])
    assert min(counts) > 0, "every client has been looked at"
    pooler.still_serves()
