"""Runs scripts of pipelines: over one connection of PostgreSQL each, then over a pool all at once."""

import itertools
import random
import re
import select
import struct
import time

from pgwire import Closed, Wire, simple
from pipelines import END_STEPS, answers_to, encode, reading_points
from transcript import readable

#: How long nothing may happen while replies are due.
PATIENCE = 5


class Mismatch(Exception):
    """A client saw something else than PostgreSQL shows."""


class Conversation:
    """One client's script on its way: what is sent, what has come, what is awaited."""

    def __init__(self, wire, script, expected=None):
        self.wire, self.script, self.expected = wire, script, expected
        self.leaves = script[-1] == ("leave",)
        self.answers = answers_to(script, [line[0] for line in expected]) if expected else None
        self.points = iter(reading_points(script, self.answers)) if expected else None
        self.at, self.unsent, self.received, self.lines, self.awaits = 0, b"", b"", [], 0
        self.has_given_up = False
        wire.sock.setblocking(False)

    @property
    def is_waiting(self):
        return bool(self.unsent) or len(self.lines) < self.awaits

    @property
    def is_sent(self):
        return self.at == len(self.script) and not self.unsent

    @property
    def is_done(self):
        if self.leaves:
            return self.is_sent
        if self.expected is None:
            return self.is_sent and END_ROW in self.lines and self.lines[-1] == IDLE
        return self.is_sent and len(self.lines) >= len(self.expected)

    def step(self, count):
        """Takes up to so many steps, as one write."""
        data = []
        while count and self.at < len(self.script):
            step = self.script[self.at]
            self.at += 1
            count -= 1
            if step[0] != "read":
                data.append(encode(step))
            elif self.points is not None:
                self.awaits = next(self.points)
                break
        self.unsent += b"".join(data)
        self.write()

    def write(self):
        while self.unsent:
            try:
                self.unsent = self.unsent[self.wire.sock.send(self.unsent):]
            except BlockingIOError:
                return
            except OSError as error:
                raise Mismatch(f"the connection was lost: {error}; last: {self.lines[-3:]}") from error

    def read(self):
        try:
            data = self.wire.sock.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            raise Mismatch(f"the connection was lost after {len(self.lines)} replies; last: {self.lines[-3:]}")
        data, at = self.received + data, 0
        while len(data) - at >= 5:
            (length,) = struct.unpack_from("!i", data, at + 1)
            if length < 4:
                raise Mismatch(f"a reply of kind {data[at:at + 1]!r} with the length {length}")
            if len(data) - at <= length:
                break
            self.add(readable(chr(data[at]), data[at + 5:at + 1 + length]))
            at += 1 + length
        self.received = data[at:]

    def add(self, line):
        if self.has_given_up:
            return
        self.lines.append(line)
        if self.expected is None:
            return
        at = len(self.lines) - 1
        right = self.expected[at] if at < len(self.expected) else "nothing"
        if self.is_refused_earlier(line, right) or self.is_of_another_name(line, right):
            self.lines[at] = right
        elif self.is_not_described(line, right) or self.is_unnamed_lost(line, right):
            # From here on both are in different states: the client leaves.
            self.lines[at] = right
            self.script, self.unsent = self.script[:self.at], b""
            self.leaves = self.has_given_up = True
        elif line != right:
            before = "".join(f"    {earlier}\n" for earlier in self.lines[max(0, at - 6):at])
            raise Mismatch(f"reply {at} differs, after\n{before}  PostgreSQL: {right}\n  pooler:     {line}")

    def is_refused_earlier(self, line, right):
        """Whether this is a difference that docs/decisions/0007 tells of: in a block that has failed, the
        pooler cannot prepare what the server has not got, whatever else is wrong with it."""
        return self.is_block_lost(line) and right.startswith(("E 08P01", "E 26000"))

    def is_not_described(self, line, right):
        """Whether this is the same difference where nothing is wrong: PostgreSQL describes a statement without
        a result in such a block."""
        return self.is_block_lost(line) and right.startswith("t ")

    def is_unnamed_lost(self, line, right):
        """Whether this is a difference that docs/decisions/0007 tells of: the unnamed statement was replaced or
        dropped more than three times by what an error has then skipped."""
        if not line.startswith("E 26000") or "unnamed" not in line or right.startswith("E 26000"):
            return False
        ends = itertools.accumulate(len(answer or "") for answer in self.answers)
        at = next(at for at, end in enumerate(ends) if end >= len(self.lines))
        skipped = 0
        for step, answer in zip(self.script[at - 1::-1], self.answers[at - 1::-1]):
            if step[0] == "query" or step[:2] == ("parse", "") or step == ("close", "S", ""):
                if answer is not None:
                    break
                skipped += 1
        return skipped > 3

    def is_block_lost(self, line):
        ends = (earlier for earlier in reversed(self.lines[:-1]) if earlier[0] == "Z")
        return line.startswith("E 25P02") and next(ends, "") == ABORTED

    @staticmethod
    def is_of_another_name(line, right):
        """Whether an error calls a statement by another one of its client's names for the same text, which
        docs/decisions/0007 tells of."""
        named = re.compile(r'but prepared statement "[a-z]?" requires')
        return line.startswith("E 08P01") and named.sub("", line) == named.sub("", right) != line

    def shortfall(self):
        what = f"{len(self.lines)} replies have come, {self.awaits or len(self.expected or ())} are due"
        if self.expected and len(self.lines) < len(self.expected):
            what += f"; missing: {self.expected[len(self.lines)]}"
        return what + f"; last: {self.lines[-3:]}"


#: The row that every script's last query brings, and the last reply.
END_ROW, IDLE = readable("D", b"\0\1\0\0\0\3end"), readable("Z", b"I")
#: The end of a batch in a block that has failed.
ABORTED = readable("Z", b"E")


def converse(conversations, seed, patience=PATIENCE):
    """Lets all conversations go on at once, in an order that the seed decides, until all are done."""
    rng = random.Random(seed)
    conversations = list(conversations)
    last = time.monotonic()
    while not all(conversation.is_done for conversation in conversations):
        ready = [one for one in conversations if not one.is_waiting and one.at < len(one.script)]
        if ready:
            rng.choice(ready).step(rng.choice((1, 1, 2, 3, 5, 50)))
        sockets = {one.wire.sock: one for one in conversations}
        unsent = [one.wire.sock for one in conversations if one.unsent]
        # Nobody can send: wait for replies. Else look what has come, now and then give replies time.
        pause = 0 if ready else 0.2
        if ready and rng.random() < 0.05:
            pause = 0.002
        readable_, writable, _ = select.select(list(sockets), unsent, [], pause)
        for sock in readable_:
            sockets[sock].read()
        for sock in writable:
            sockets[sock].write()
        for conversation in [one for one in conversations if one.leaves and one.is_done]:
            conversations.remove(conversation)
            conversation.wire.reset()
        now = time.monotonic()
        if ready or readable_ or writable:
            last = now
        elif now - last > patience:
            stuck = [f"client {at}: {one.shortfall()}" for at, one in enumerate(conversations) if not one.is_done]
            raise Mismatch("nothing happens any more\n" + "\n".join(stuck))


class Oracle:
    """Connections to PostgreSQL that say what each script's replies are."""

    def __init__(self, port):
        self.port, self.wires = port, []

    def answers(self, scripts):
        while len(self.wires) < len(scripts):
            self.wires.append(Wire(self.port))
        conversations = [Conversation(wire, script[:-1] + END_STEPS if script[-1] == ("leave",) else script)
                         for wire, script in zip(self.wires, scripts)]
        try:
            converse(conversations, 0)
            for wire in self.wires[:len(scripts)]:
                wire.sock.settimeout(20)
                wire.send(simple("DISCARD ALL"))
                assert wire.result().tags == ["DISCARD ALL"]
        except BaseException:
            self.close()
            raise
        return [conversation.lines for conversation in conversations]

    def close(self):
        for wire in self.wires:
            wire.close()
        self.wires = []


def run_through(port, scripts, answers, seed, patience=PATIENCE):
    """Runs all scripts at once through the pooler at that port; raises Mismatch with what went wrong."""
    wires = []
    try:
        for _ in scripts:
            wires.append(Wire(port))
        conversations = [Conversation(wire, script, expected)
                         for wire, script, expected in zip(wires, scripts, answers)]
        try:
            converse(conversations, seed, patience)
        except Mismatch as mismatch:
            at = next((at for at, one in enumerate(conversations) if one.lines != one.expected[:len(one.lines)]), None)
            raise Mismatch(f"client {at}: {mismatch}" if at is not None else str(mismatch)) from None
        surplus = select.select([wire.sock for wire in wires if wire.sock.fileno() >= 0], [], [], 0)[0]
        if surplus:
            raise Mismatch(f"more than all replies: {surplus[0].recv(1000)!r}")
    except (Closed, OSError) as error:
        raise Mismatch(f"no connection: {error}") from error
    finally:
        for wire in wires:
            wire.close()
