"""What a client saw, in a form that two runs can be compared by: PostgreSQL's own, and the pooler's.

A story is a function of one `Teller`. It is told to PostgreSQL directly and then through a pooler, and every
message that came back, in its order and with its body, must be the same.
"""

import hashlib
import struct
import time

from pgwire import Closed, Wire, error_fields, simple, sync

#: OIDs from here on are given to objects that users make: they differ from run to run.
FIRST_USER_OID = 16384
#: Fields of errors and notices that say where in PostgreSQL's source they come from.
SOURCE_FIELDS = "FLR"


def readable(kind, body):
    """One message as a line: the same for two messages exactly if a client could not tell them apart."""
    if kind in "EN":
        fields = {key: value for key, value in error_fields(body).items() if key not in SOURCE_FIELDS}
        return f"{kind} {fields.pop('C', '?')} {fields}"
    if kind == "T":
        return f"T {described_columns(body)}"
    if kind == "t":
        (count,) = struct.unpack("!H", body[:2])
        return f"t {[stable(oid) for oid in struct.unpack(f'!{count}I', body[2:])]}"
    if len(body) > 400:
        return f"{kind} {len(body)} bytes {body[:40]!r}… {hashlib.sha1(body).hexdigest()}"
    return f"{kind} {body!r}"


def stable(oid):
    return oid if oid < FIRST_USER_OID else "own"


def described_columns(body):
    (count,) = struct.unpack("!h", body[:2])
    found, at = [], 2
    for _ in range(count):
        end = body.index(b"\0", at)
        table, number, oid, size, modifier, form = struct.unpack("!IhIhih", body[end + 1:end + 19])
        found.append((body[at:end], stable(table), number, stable(oid), size, modifier, form))
        at = end + 19
    return found


def summary(lines):
    """The kinds of the messages; of errors and notices also the code, of CommandComplete the tag."""
    text = ""
    for line in lines:
        kind = line[0]
        if kind in "EN":
            text += f"{kind}[{line[2:7]}]"
        elif kind == "Z":
            text += f"Z{line[4]} " if line[4] != "I" else "Z "
        else:
            text += kind
    return text.strip()


class Teller:
    """One client whose story is told: sends, reads and writes down what came."""

    def __init__(self, port, surroundings=None, in_pieces=False, **options):
        self.wire = Wire(port, timeout=10, **options)
        self.surroundings, self.in_pieces = surroundings, in_pieces
        self.lines, self.status, self.awaited = [], "I", 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wire.close()

    def send(self, *messages):
        """Sends without reading. Before a new transaction the surroundings may do their worst."""
        if self.surroundings and self.status == "I" and not self.awaited:
            self.surroundings.disturb()
        data = b"".join(messages)
        self.awaited += 1
        if self.in_pieces and len(data) < 10_000:
            for piece in pieces(data):
                self.wire.send(piece)
                time.sleep(0.002)
        else:
            self.wire.send(data)

    def receive(self):
        kind, body = self.wire.receive()
        self.lines.append(readable(kind, body))
        return kind, body

    def read(self, batches=1):
        """Reads up to the end of so many batches; returns what came."""
        first = len(self.lines)
        while batches:
            kind, body = self.receive()
            if kind == "Z":
                self.status = body.decode()
                batches -= 1
        self.awaited = 0
        return self.lines[first:]

    def read_until(self, kind):
        """Reads up to a message of that kind, or an error: what a Flush pushes out."""
        while self.receive()[0] not in (kind, "E"):
            pass

    def batch(self, *messages):
        self.send(*messages, sync())
        return self.read()

    def pipeline(self, *batches):
        """Batches, each a tuple of messages, that are all sent before the first is answered."""
        self.send(*(message for batch in batches for message in (*batch, sync())))
        self.read(len(batches))

    def query(self, sql):
        self.send(simple(sql))
        return self.read()


def pieces(data):
    """The messages of a run of bytes; what is cut off at its end is one piece."""
    at = 0
    while at < len(data):
        end = at + 1 + int.from_bytes(data[at + 1:at + 5], "big")
        yield data[at:end]
        at = end


def tell(story, port, surroundings=None, in_pieces=False, **options):
    """The lines that the story's client saw there."""
    with Teller(port, surroundings, in_pieces, **options) as teller:
        try:
            story(teller)
            # Nothing more may come: a reply too many would go to whoever asks next.
            teller.surroundings = None
            teller.query("SELECT 'the end'")
        except (Closed, TimeoutError) as failure:
            teller.lines.append(f"no reply: {failure!r}")
        return teller.lines


def difference(expected, got):
    """The first difference of two transcripts with what surrounds it, or None."""
    for at in range(max(len(expected), len(got))):
        right = expected[at] if at < len(expected) else "nothing"
        wrong = got[at] if at < len(got) else "nothing"
        if right != wrong:
            before = "".join(f"    {line}\n" for line in expected[max(0, at - 6):at])
            return f"reply {at} differs:\n{before}  PostgreSQL: {right}\n  pooler:     {wrong}"
    return None
