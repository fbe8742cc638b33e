"""As much of PostgreSQL's protocol as the bench's own clients need."""

import socket
import struct

from machine import Failure
from postgres import COPY_ROWS

READY = b"Z\0\0\0\5I"
# Larger than any answer but COPY's; COPY's rows hold no zero byte, so that they cannot look like the end.
CHUNK = 256 * 1024


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


def copy_data():
    """The rows of `lines` in CopyData messages of 8 KB, as libpq sends them, and CopyDone."""
    rows = (b"x" * 100 + b"\n") * COPY_ROWS
    pieces = [message(b"d", rows[start:start + 8192]) for start in range(0, len(rows), 8192)]
    return b"".join(pieces) + message(b"c", b"")


class Connection:
    """A client that is logged in without a password."""

    copied = copy_data()

    def __init__(self, port, user="bench", database="postgres"):
        self.begin(port, user, database)
        self.finish()

    def begin(self, port, user, database):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = struct.pack("!i", 196608) + f"user\0{user}\0database\0{database}\0\0".encode()
        self.socket.sendall(struct.pack("!i", len(body) + 4) + body)

    def finish(self):
        """Reads until ReadyForQuery outside a transaction."""
        tail = b""
        first = True
        while not tail.endswith(READY):
            received = self.socket.recv(CHUNK)
            if not received:
                raise Failure(f"the connection was closed after {tail!r}")
            if first and received[:1] == b"E":
                raise Failure(f"an error: {received[:200]!r}")
            first = False
            tail = (tail + received)[-len(READY):]

    def send_query(self, text):
        self.socket.sendall(message(b"Q", text.encode() + b"\0"))

    def query(self, text):
        self.send_query(text)
        self.finish()

    def copy(self, statement, into_server):
        self.send_query(statement)
        if into_server:
            answer = self.socket.recv(CHUNK)
            if answer[:1] != b"G":
                raise Failure(f"COPY was answered by {answer[:200]!r}")
            self.socket.sendall(self.copied)
        self.finish()

    def close(self):
        self.socket.close()


class Crowd:
    """Clients that log in, ask once and then stay silent."""

    BATCH = 64

    def __init__(self):
        self.members = []

    def grow(self, port, databases):
        """A client more for each name in `databases`."""
        for start in range(0, len(databases), self.BATCH):
            batch = []
            for database in databases[start:start + self.BATCH]:
                member = Connection.__new__(Connection)
                member.begin(port, "bench", database)
                batch.append(member)
                self.members.append(member)
            for member in batch:
                member.finish()
            for member in batch:
                member.send_query("SELECT 1")
            for member in batch:
                member.finish()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for member in self.members:
            member.close()
