"""Random pipelines: what a client sends, step by step, over a small alphabet in which names soon collide.

A step is a tuple that starts with its kind; a script is a list of them. `("read",)` is a point where the
client waits for everything that its messages so far must have brought; `("leave",)` as the last step is one
where it is gone without a word.
"""

from pgwire import bind, close_portal, close_statement, describe, execute, flush, parse, simple, sync

ENCODERS = {
    "parse": lambda name, text, types: parse(text, name, types),
    "bind": lambda portal, name, values, formats: bind(values, name, portal, formats),
    "describe": lambda kind, name: describe(name, kind),
    "execute": execute,
    "close": lambda kind, name: close_statement(name) if kind == "S" else close_portal(name),
    "flush": flush,
    "sync": sync,
    "query": simple,
    "read": lambda: b"",
    "leave": lambda: b"",
}

#: What ends the answer to a step, apart from an error.
LAST_KINDS = {"parse": "1", "bind": "2", "execute": "CsI", "close": "3", "sync": "Z", "query": "Z", "describe": "Tn"}

#: The end of every script but those of clients that leave, whatever state its steps have led to.
END_STEPS = [("sync",), ("query", "ROLLBACK; SELECT 'end'"), ("read",)]
END_STEPS_WITHOUT_BLOCKS = [("sync",), ("query", "SELECT 'end'"), ("read",)]

NAMES = ("", "", "a", "b", "c")
PORTALS = ("", "", "", "p", "q")
#: Types that a Parse may declare: none, int4, int8, text. A cast of a parameter must not fail for some values,
#: since whether that is an error of the Bind or of the Execute depends on how often the server has run it.
ANY, INT4, INT8 = (0, 23, 20, 25), (0, 23), (0, 23, 20)
#: Texts and what types their parameters may have. `{own}` is another text for every client.
TEXTS = {
    "SELECT 1": (),
    "SELECT $1::int": (INT4,),
    "SELECT '{own}', $1::int": (INT4,),
    "SELECT '{own}'": (),
    "SELECT '{own}' || $1": (ANY,),
    "SELECT $1": (ANY,),
    "SELECT $2::text, $1::int8": (INT8, ANY),
    "SELECT g, '{own}' FROM generate_series(1, $1::int) g": (INT4,),
    "SELECT g FROM generate_series(1, 3) g": (),
    "SELECT 10 / (g - $1::int) FROM generate_series(1, 2) g": (INT4,),
    "VALUES (1, 'x'), (2, '{own}')": (),
    "SHOW server_version_num": (),
    "EXPLAIN (COSTS OFF) SELECT 1": (),
    "COPY (SELECT '{own}') TO STDOUT": (),
}
#: Texts that fail at once, are empty, or take statements away.
ODD_TEXTS = ("SELECT nothing", "SELEC", "", "SELECT 1; SELECT 2", "DEALLOCATE a", "DEALLOCATE ALL", "DISCARD ALL")
BLOCK_TEXTS = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a", "ROLLBACK TO a", "RELEASE a", "COMMIT AND CHAIN")
QUERIES = (
    "SELECT '{own}'", "SELECT 1; SELECT '{own}'", "SELECT 1/0", "SELECT 1; SELECT 1/0; SELECT 2", "", ";", "SELEC",
    "DEALLOCATE a", 'DEALLOCATE "b"', "DEALLOCATE ALL", "deallocate prepare c;", "DISCARD ALL", "DEALLOCATE nowhere",
    "SELECT g, '{own}' FROM generate_series(1, 30) g", "COPY (SELECT '{own}' FROM generate_series(1, 3)) TO STDOUT",
)
OPENING_QUERIES = ("BEGIN", "BEGIN", "BEGIN; SELECT '{own}'", "BEGIN; SELECT 1/0", "BEGIN; COMMIT; SELECT 2",
                   "START TRANSACTION READ ONLY")
BLOCK_QUERIES = (
    "SAVEPOINT a", "SAVEPOINT a", "ROLLBACK TO a", "RELEASE a", "COMMIT AND CHAIN", "ROLLBACK AND CHAIN", "BEGIN",
    "DECLARE c CURSOR FOR SELECT g FROM generate_series(1, 5) g", "FETCH 2 FROM c", "CLOSE c",
)
CLOSING_QUERIES = ("COMMIT", "COMMIT", "ROLLBACK", "ROLLBACK", "END; SELECT '{own}'", "COMMIT; BEGIN")
#: With settings: what PostgreSQL reports and the pooler must carry along, in and out of blocks.
SETTING_TEXTS = ("SET TimeZone TO 'Asia/Tokyo'", "SET TimeZone TO 'America/Lima'", "RESET TimeZone", "SHOW TimeZone",
                 "SELECT '2024-01-01 12:00+00'::timestamptz", "SET DateStyle TO German", "SET DateStyle TO ISO",
                 "SELECT '2024-02-01'::date", "SET application_name TO '{own}'", "SHOW application_name",
                 "SET IntervalStyle TO iso_8601", "SELECT make_interval(days => 3)", "SET TimeZone TO 'nowhere'")
SETTING_QUERIES = (*SETTING_TEXTS, "SET LOCAL TimeZone TO 'Asia/Tokyo'", "RESET ALL",
                   "SET TimeZone TO 'Asia/Tokyo'; SELECT 1/0", "SET DateStyle TO SQL; SHOW DateStyle",
                   "SELECT set_config('TimeZone', 'Europe/Paris', false)")
GOOD_VALUES = (1, 2, 5, None)
VALUES = (0, 1, None, "x", 10**12)


def encode(step):
    return ENCODERS[step[0]](*step[1:])


class Writer:
    """Writes scripts for one client: plausible phrases, with slips."""

    def __init__(self, random, own, blocks=True, settings=False):
        self.random, self.own, self.blocks, self.settings = random, own, blocks, settings
        #: How many parameters the statements have that are probably there, by name.
        self.arities = {}
        self.is_in_block = False
        #: How often this client errs: some never do, some mostly.
        self.slips = random.choice((0, 0.02, 0.1, 0.3))

    def fill(self, text):
        return text.replace("{own}", self.own)

    def chance(self, probability):
        return self.random.random() < probability

    def maybe(self, probability, *steps):
        return list(steps) if self.chance(probability) else []

    def script(self, length):
        steps = []
        while len(steps) < length:
            steps += self.phrase()
        if self.chance(0.08):
            return steps + [("leave",)]
        return steps + (END_STEPS if self.blocks else END_STEPS_WITHOUT_BLOCKS)

    def phrase(self):
        choose = self.random.choices(
            (self.prepare, self.use, self.whole, self.query, self.block, self.close, self.small, self.read, self.burst),
            weights=(14, 30, 12, 6, 10 if self.blocks else 0, 6, 8, 10, 2))[0]
        steps = choose()
        if len(steps) > 1 and self.chance(self.slips / 3):
            steps.pop(self.random.randrange(len(steps)))
        return steps

    def text(self):
        """A text and what types its parameters may have."""
        if self.chance(self.slips):
            return self.random.choice(ODD_TEXTS), ()
        if self.blocks and self.chance(0.15):
            return self.random.choice(BLOCK_TEXTS), ()
        if self.settings and self.chance(0.3):
            return self.random.choice(SETTING_TEXTS), ()
        return self.random.choice(list(TEXTS.items()))

    def name(self):
        """Mostly a name that is there."""
        if self.arities and not self.chance(self.slips):
            return self.random.choice(list(self.arities))
        return self.random.choice(NAMES)

    def prepare(self, name=None):
        name = self.random.choice(NAMES) if name is None else name
        text, parameters = self.text()
        types = ()
        if parameters and self.chance(0.2):
            types = tuple(self.random.choice(choices) for choices in parameters)
        is_replaced = name in self.arities and not self.chance(self.slips)
        steps = [("close", "S", name)] if name and (is_replaced or self.chance(0.1)) else []
        self.arities[name] = len(parameters)
        return (steps + [("parse", name, self.fill(text), types)] + self.maybe(0.3, ("describe", "S", name))
                + self.maybe(0.4, ("sync",)))

    def use(self, name=None, ends=0.6):
        name = self.name() if name is None else name
        if name not in self.arities and not self.chance(self.slips):
            return self.prepare(name) + self.use(name, ends)
        portal = self.random.choice(PORTALS)
        arity = self.arities.get(name, 0)
        if self.chance(self.slips / 4):
            arity = self.random.randrange(3)
        values = [self.random.choice(VALUES if self.chance(self.slips) else GOOD_VALUES) for _ in range(arity)]
        formats = self.maybe(0.1, self.random.choice((0, 1)))
        rows = self.random.choice((0, 0, 0, 0, 1, 2))
        return ([("bind", portal, name, tuple(values), tuple(formats))] + self.maybe(0.4, ("describe", "P", portal))
                + [("execute", portal, rows)] * self.random.choice((1, 1, 1, 1, 2))
                + self.maybe(0.3, ("close", "P", portal))
                + self.maybe(ends, ("sync",)))

    def whole(self):
        name = self.random.choice(NAMES)
        steps = self.prepare(name) + self.use(name)
        return steps + (self.close(name) if self.chance(0.3) else [])

    def query(self):
        text = self.random.choice(SETTING_QUERIES if self.settings and self.chance(0.6) else QUERIES)
        self.arities.pop("", None)
        if text.lower().startswith("d") and "ALL" in text.upper():
            self.arities.clear()
        return [("query", self.fill(text))]

    def block(self):
        """The beginning, the end, or something in the middle of a transaction block."""
        self.arities.pop("", None)
        texts = BLOCK_QUERIES
        if self.chance(0.6):
            texts = CLOSING_QUERIES if self.is_in_block else OPENING_QUERIES
            self.is_in_block = not self.is_in_block
        elif not self.is_in_block and not self.chance(self.slips):
            texts = QUERIES[:2]
        return self.maybe(0.5, ("sync",)) + [("query", self.fill(self.random.choice(texts)))]

    def close(self, name=None):
        name = self.name() if name is None else name
        self.arities.pop(name, None)
        return [("close", "S", name)] + self.maybe(0.5, ("sync",))

    def small(self):
        return [self.random.choice((
            ("sync",), ("sync",), ("flush",), ("flush",), ("describe", "S", self.name()), ("sync",),
            *self.maybe(self.slips, ("describe", "P", self.random.choice(PORTALS))),
            *self.maybe(self.slips, ("close", "P", self.random.choice(PORTALS)))))]

    def read(self):
        return self.maybe(0.5, ("sync",)) + [("read",)]

    def burst(self):
        name = self.name()
        return [step for _ in range(self.random.randrange(3, 20)) for step in self.use(name, 0.9)]


def is_batch_end(step):
    return step[0] in ("sync", "query")


def answers_to(script, kinds):
    """For each step of a script the kinds of PostgreSQL's replies to it; None for one that it skipped.

    `kinds` are the kinds of all replies to the script.
    """
    answers, at, skipping = [], 0, False
    for step in script:
        answer = ""
        if skipping and step[0] not in ("sync", "read", "leave"):
            answer = None
        elif step[0] in LAST_KINDS:
            skipping = False
            while not skipping and answer[-1:] not in tuple(LAST_KINDS[step[0]]):
                assert at < len(kinds), f"PostgreSQL did not answer {step}"
                answer, at = answer + kinds[at], at + 1
                skipping = answer[-1] == "E" and not is_batch_end(step)
        answers.append(answer)
    assert at == len(kinds) or script[-1] == ("leave",), f"PostgreSQL said more than was asked: {kinds[at:]}"
    return answers


def reading_points(script, answers):
    """For each `read` of a script how many replies are certain to arrive by then.

    `answers` are the kinds of the replies to each step. What a message brought is on its way once a Sync, a
    Query, a Flush or an error follows it.
    """
    points, at, flushed = [], 0, 0
    for step, answer in zip(script, answers):
        at += len(answer or "")
        if step == ("read",):
            points.append(flushed)
        elif is_batch_end(step) and answer or step == ("flush",) and answer is not None or answer and answer[-1] == "E":
            flushed = at
    return points


def written(scripts):
    """Scripts as Python text, to be pasted into a test."""
    lines = []
    for script in scripts:
        lines.append("    [")
        lines += [f"        {step!r}," for step in script]
        lines.append("    ],")
    return "[\n" + "\n".join(lines) + "\n]"
