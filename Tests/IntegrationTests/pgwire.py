"""A PostgreSQL client that hides nothing: every message in, every message out.

Drivers are tried in their own tests. This client is for what drivers do not let one see or do: the order
of replies, the fields of an error, broken bytes, half-sent batches, sockets that are reset.
"""

import base64
import hashlib
import hmac
import os
import socket
import struct
import time
from dataclasses import dataclass, field

PROTOCOL_3_0 = 196608
PROTOCOL_3_2 = 196610
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
CANCEL_REQUEST = 80877102


class ServerError(Exception):
    """An ErrorResponse, with its fields by their protocol letters."""

    def __init__(self, fields):
        self.fields = fields
        super().__init__(" | ".join(f"{k}={v}" for k, v in fields.items() if k in "SCMDH"))

    severity = property(lambda self: self.fields.get("V", self.fields.get("S")))
    code = property(lambda self: self.fields.get("C"))
    message = property(lambda self: self.fields.get("M"))
    detail = property(lambda self: self.fields.get("D"))
    hint = property(lambda self: self.fields.get("H"))


class Closed(Exception):
    """The peer closed the connection (end of file or reset)."""


def cstring(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


def message(kind, body=b""):
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def startup_packet(parameters, protocol=PROTOCOL_3_0):
    body = struct.pack("!i", protocol)
    for name, value in parameters.items():
        body += cstring(name) + cstring(value)
    body += b"\0"
    return struct.pack("!i", len(body) + 4) + body


def error_fields(body):
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


@dataclass
class Column:
    name: str
    oid: int
    format: int


@dataclass
class Result:
    """What came back between one request and its ReadyForQuery."""

    columns: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    tags: list = field(default_factory=list)
    errors: list = field(default_factory=list)
    notices: list = field(default_factory=list)
    #: Channel and payload of each notification.
    notifications: list = field(default_factory=list)
    kinds: str = ""
    status: str = ""

    @property
    def error(self):
        return self.errors[0] if self.errors else None

    @property
    def value(self):
        return self.rows[0][0]

    @property
    def names(self):
        return [column.name for column in self.columns]

    def dicts(self):
        return [dict(zip(self.names, row)) for row in self.rows]


class Wire:
    """One connection, logged in unless `login=False`."""

    def __init__(self, port, user="app", database="app", password="", host="127.0.0.1",
                 options=None, login=True, protocol=PROTOCOL_3_0, timeout=20, receive_buffer=None):
        self.address = (host, port)
        self.user, self.password = user, password
        self.parameters, self.notices = {}, []
        self.key, self.auth, self.negotiated, self.status = None, [], None, ""
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(self.address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        if login:
            try:
                self.login({"user": user, "database": database, **(options or {})}, protocol)
            except BaseException:
                self.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Bytes.

    def send(self, data):
        try:
            self.sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Closed(str(error)) from error

    def read_exactly(self, count):
        parts, have = [self.pending], len(self.pending)
        while have < count:
            try:
                chunk = self.sock.recv(max(65536, count - have))
            except ConnectionResetError as error:
                raise Closed("reset") from error
            if not chunk:
                raise Closed("end of file")
            parts.append(chunk)
            have += len(chunk)
        data = b"".join(parts)
        self.pending = data[count:]
        return data[:count]

    def receive(self):
        """The next message as (kind, body)."""
        head = self.read_exactly(5)
        (length,) = struct.unpack("!i", head[1:])
        assert length >= 4, f"impossible length {length} in a reply"
        return chr(head[0]), self.read_exactly(length - 4)

    def wait_closed(self, seconds=10):
        """Reads until the peer closes; returns the messages that came before that."""
        messages, end = [], time.monotonic() + seconds
        try:
            while True:
                self.sock.settimeout(max(0.01, end - time.monotonic()))
                messages.append(self.receive())
        except Closed:
            return messages

    def silent_for(self, seconds):
        """Whether nothing arrives for that long."""
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            if self.pending:
                return False
            data = self.sock.recv(65536)
            self.pending += data
            return False
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(before)

    # Login.

    def login(self, parameters, protocol=PROTOCOL_3_0):
        self.send(startup_packet(parameters, protocol))
        while True:
            kind, body = self.receive()
            if kind == "R":
                self.authenticate(body)
            elif kind == "S":
                name, value = body.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode()
            elif kind == "K":
                self.key = body
            elif kind == "N":
                self.notices.append(error_fields(body))
            elif kind == "v":
                newest, count = struct.unpack("!ii", body[:8])
                names = [part.decode() for part in body[8:].split(b"\0") if part]
                assert len(names) == count
                self.negotiated = (newest, names)
            elif kind == "E":
                raise ServerError(error_fields(body))
            elif kind == "Z":
                self.status = body.decode()
                return
            else:
                raise AssertionError(f"unexpected {kind!r} during login")

    def authenticate(self, body):
        (code,) = struct.unpack("!i", body[:4])
        if code == 0:
            return
        if code == 3:
            self.auth.append("plain")
            self.send(message("p", cstring(self.password)))
        elif code == 5:
            self.auth.append("md5")
            inner = hashlib.md5((self.password + self.user).encode()).hexdigest()
            outer = hashlib.md5(inner.encode() + body[4:8]).hexdigest()
            self.send(message("p", cstring("md5" + outer)))
        elif code == 10:
            self.auth.append("scram-sha-256")
            self.scram(body[4:].split(b"\0"))
        else:
            raise AssertionError(f"unexpected authentication request {code}")

    def scram(self, mechanisms):
        assert b"SCRAM-SHA-256" in mechanisms
        nonce = base64.b64encode(os.urandom(18)).decode()
        bare = f"n=,r={nonce}"
        first = ("n,," + bare).encode()
        self.send(message("p", cstring("SCRAM-SHA-256") + struct.pack("!i", len(first)) + first))
        server_first = self.sasl_reply(11)
        attributes = dict(part.split("=", 1) for part in server_first.split(","))
        assert attributes["r"].startswith(nonce)
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(),
                                     base64.b64decode(attributes["s"]), int(attributes["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        final_bare = f"c=biws,r={attributes['r']}"
        signed = f"{bare},{server_first},{final_bare}".encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
        proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
        self.send(message("p", f"{final_bare},p={proof}".encode()))
        verifier = dict(part.split("=", 1) for part in self.sasl_reply(12).split(","))["v"]
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        assert base64.b64decode(verifier) == hmac.digest(server_key, signed, "sha256")

    def sasl_reply(self, expected):
        kind, body = self.receive()
        if kind == "E":
            raise ServerError(error_fields(body))
        (code,) = struct.unpack("!i", body[:4])
        assert (kind, code) == ("R", expected)
        return body[4:].decode()

    # Requests.

    def query(self, sql):
        """One simple Query; the replies up to ReadyForQuery. Raises nothing for an ErrorResponse."""
        self.send(message("Q", cstring(sql)))
        return self.result()

    def ask(self, sql):
        """One simple Query whose first value is wanted; an ErrorResponse is raised."""
        result = self.query(sql)
        if result.error:
            raise result.error
        return result.rows[0][0] if result.rows else None

    def result(self):
        result = Result()
        while True:
            kind, body = self.receive()
            result.kinds += kind
            if kind == "T":
                result.columns = columns(body)
            elif kind == "D":
                result.rows.append(row(body))
            elif kind == "C":
                result.tags.append(body[:-1].decode())
            elif kind == "E":
                result.errors.append(ServerError(error_fields(body)))
                if result.errors[-1].severity in ("FATAL", "PANIC"):
                    return result
            elif kind == "N":
                result.notices.append(error_fields(body))
            elif kind == "A":
                result.notifications.append(tuple(text.decode() for text in body[4:-1].split(b"\0")))
            elif kind == "S":
                name, value = body.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode()
            elif kind == "Z":
                result.status = self.status = body.decode()
                return result

    def close(self):
        self.sock.close()

    def terminate(self):
        self.send(message("X"))
        self.close()

    def reset(self):
        """Closes with an RST, as a crashed host's peer sees it."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def cancel(self):
        """Sends this connection's cancel request over a connection of its own."""
        cancel(self.address[1], self.key, self.address[0])


def cancel(port, key, host="127.0.0.1"):
    with socket.create_connection((host, port), timeout=10) as sock:
        sock.sendall(struct.pack("!ii", 8 + len(key), CANCEL_REQUEST) + key)
        sock.settimeout(10)
        try:
            assert sock.recv(1) == b"", "a cancel request is not answered"
        except ConnectionResetError:
            pass


def columns(body):
    (count,) = struct.unpack("!h", body[:2])
    found, at = [], 2
    for _ in range(count):
        end = body.index(b"\0", at)
        _, _, oid, _, _, form = struct.unpack("!ihihih", body[end + 1:end + 19])
        found.append(Column(body[at:end].decode(), oid, form))
        at = end + 19
    return found


def row(body):
    (count,) = struct.unpack("!h", body[:2])
    values, at = [], 2
    for _ in range(count):
        (length,) = struct.unpack("!i", body[at:at + 4])
        at += 4
        if length < 0:
            values.append(None)
        else:
            values.append(body[at:at + length].decode(errors="surrogateescape"))
            at += length
    return values


# The extended protocol's messages.

def parse(sql, name="", types=()):
    return message("P", cstring(name) + cstring(sql) + struct.pack(f"!h{len(types)}i", len(types), *types))


def bind(values=(), statement="", portal="", result_formats=()):
    body = cstring(portal) + cstring(statement) + struct.pack("!hH", 0, len(values))
    for value in values:
        if value is None:
            body += struct.pack("!i", -1)
        else:
            data = str(value).encode()
            body += struct.pack("!i", len(data)) + data
    return message("B", body + struct.pack(f"!h{len(result_formats)}h", len(result_formats), *result_formats))


def describe(name="", kind="P"):
    return message("D", kind.encode() + cstring(name))


def execute(portal="", rows=0):
    return message("E", cstring(portal) + struct.pack("!i", rows))


def close_statement(name):
    return message("C", b"S" + cstring(name))


def close_portal(name):
    return message("C", b"P" + cstring(name))


def sync():
    return message("S")


def flush():
    return message("H")


def simple(sql):
    return message("Q", cstring(sql))


def extended(sql, values=()):
    """Parse, Bind, Describe, Execute of the unnamed statement, without a Sync."""
    return parse(sql) + bind(values) + describe() + execute()
