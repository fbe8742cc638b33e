"""The first bytes of a connection: refusals with their SQLSTATE, broken packets, negotiations."""

import random
import socket
import struct

import pytest

from harness import HOST, wait_until
from pgwire import (GSSENC_REQUEST, PROTOCOL_3_0, PROTOCOL_3_2, SSL_REQUEST, Closed, ServerError, Wire, cancel, message,
                    startup_packet)


def test_unknown_database(weir):
    # Without a `*` entry an undeclared database does not exist.
    pooler = weir()
    error = pooler.login_error(database="no_such_database")
    assert (error.code, error.severity) == (pooler.code("3D000"), "FATAL")
    assert "no_such_database" in error.message
    pooler.still_serves()


def test_wrong_password(weir):
    # 28P01, like PostgreSQL's.
    pooler = weir(auth_type="md5", userlist={"app": "right"})
    error = pooler.login_error(password="wrong")
    assert (error.code, error.severity) == (pooler.code("28P01"), "FATAL")
    pooler.still_serves(password="right")


def test_too_many_clients(weir):
    # The client beyond max_client_conn is refused with 53300; a place is free again when one leaves.
    pooler = weir(max_client_conn=3)
    clients = [pooler.wire() for _ in range(3)]
    error = pooler.login_error()
    assert (error.code, error.severity) == (pooler.code("53300"), "FATAL")
    with pooler.console() as console:
        assert not console.query("SHOW VERSION").error, "the console has a place of its own"
    clients.pop().terminate()

    def served():
        try:
            pooler.still_serves()
            return True
        except ServerError:
            return False

    wait_until(served, "the place is free again")
    for client in clients:
        client.close()


def test_an_unsupported_parameter(weir):
    # A startup parameter that is neither known nor ignored: refused by name.
    pooler = weir()
    error = pooler.login_error(options={"work_mem": "1MB"}) if pooler.is_pgbouncer else None
    if error:
        assert "work_mem" in error.message
    with pooler.wire(options={"extra_float_digits": "3"}) as client:
        assert client.ask("SELECT 1") == "1"


def test_no_user(weir):
    # A startup packet must name its user.
    pooler = weir()
    client = pooler.wire(login=False)
    client.send(startup_packet({"database": "app"}))
    kinds = [kind for kind, _ in client.wait_closed()]
    assert kinds == ["E"]
    pooler.still_serves()


BROKEN = {
    "garbage": b"\xde\xad\xbe\xef" * 64,
    "zeroes": b"\0" * 64,
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: scanner\r\n\r\n",
    "huge length": struct.pack("!ii", 0x7FFFFFFF, PROTOCOL_3_0) + b"user\0app\0\0",
    "large length": struct.pack("!ii", 2_000_000, PROTOCOL_3_0) + b"user\0" + b"a" * 100_000,
    "negative length": struct.pack("!ii", -1, PROTOCOL_3_0),
    "smallest int": struct.pack("!ii", -2**31, PROTOCOL_3_0),
    "length 4": struct.pack("!i", 4),
    "length 7": struct.pack("!i", 7) + b"\0\3\0",
    "old protocol 2": struct.pack("!ii", 296, 131072) + b"\0" * 288,
    "protocol 4": struct.pack("!ii", 9, 4 << 16) + b"\0",
    "no terminator": struct.pack("!ii", 16, PROTOCOL_3_0) + b"user\0app",
    "odd strings": struct.pack("!ii", 14, PROTOCOL_3_0) + b"user\0\0",
    "not utf-8": startup_packet({b"user": b"\xff\xfe", b"database": b"\xc3"}),
    "long names": startup_packet({"user": "u" * 3000, "database": "d" * 3000}),
    "many parameters": startup_packet({f"p{n}": "v" for n in range(500)}),
    "cancel without a process": struct.pack("!iih", 10, 80877102, 1),
    "cancel without a secret": struct.pack("!iii", 12, 80877102, 1),
    "cancel too long": struct.pack("!ii", 8 + 1024, 80877102) + b"k" * 1024,
    "query first": message("Q", b"SELECT 1\0"),
    "ssl request too long": struct.pack("!iii", 12, SSL_REQUEST, 0),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_startup(weir, name):
    # Whatever comes in place of a startup packet: the connection ends (or waits for more), nobody else
    # notices.
    pooler = weir(client_login_timeout=2)
    with pooler.wire() as bystander:
        with socket.create_connection((HOST, pooler.port), timeout=6) as sock:
            sock.sendall(BROKEN[name])
            try:
                while sock.recv(4096):
                    pass
            except ConnectionResetError:
                pass
        assert bystander.ask("SELECT 'unharmed'") == "unharmed"
    pooler.still_serves()


def test_truncated_startup_at_every_byte(weir):
    # The client leaves after each prefix of a good startup packet.
    pooler = weir()
    packet = startup_packet({"user": "app", "database": "app"})
    for length in range(len(packet)):
        with socket.create_connection((HOST, pooler.port), timeout=5) as sock:
            sock.sendall(packet[:length])
    pooler.still_serves()
    assert not [client for client in pooler.show("CLIENTS") if client["user"] == "app"]


def test_startup_byte_by_byte(weir):
    # A startup packet that comes in single bytes is a startup packet.
    pooler = weir()
    client = pooler.wire(login=False)
    for byte in startup_packet({"user": "app", "database": "app"}):
        client.send(bytes([byte]))
    kind, body = client.receive()
    assert (kind, body) == ("R", struct.pack("!i", 0))
    client.close()


def test_random_bytes_after_login(weir):
    # Noise in place of messages ends that client and no other.
    pooler = weir()
    chance = random.Random(7)
    with pooler.wire() as bystander:
        for _ in range(30):
            client = pooler.wire()
            try:
                client.send(bytes(chance.randrange(256) for _ in range(chance.randrange(1, 400))))
            except Closed:
                pass
            client.close()
            assert bystander.ask("SELECT 'unharmed'") == "unharmed"
    pooler.still_serves()


@pytest.mark.parametrize("data", [
    b"Q" + struct.pack("!i", 3), b"Q" + struct.pack("!i", -5), b"Q" + struct.pack("!i", 0),
    b"\x00" + struct.pack("!i", 4), b"z" + struct.pack("!i", 4), b"R" + struct.pack("!i", 8) + b"\0" * 4,
], ids=["length 3", "length -5", "length 0", "kind NUL", "kind z", "kind R"])
def test_bad_messages_after_login(weir, data):
    # A message that cannot be: the client hears 08P01 or is closed.
    pooler = weir()
    if pooler.is_pgbouncer and data[0] == 0:
        pytest.skip("PgBouncer takes a zero kind for an eight-byte header and waits")
    with pooler.wire() as client:
        client.send(data)
        for kind, body in client.wait_closed():
            assert kind in "EN", kind
            if kind == "E":
                assert b"C08P01\0" in body
    pooler.still_serves()


def test_password_message_limits(weir):
    # A gigantic password message must not be collected.
    pooler = weir(auth_type="plain", userlist={"app": "right"})
    client = pooler.wire(login=False)
    client.send(startup_packet({"user": "app", "database": "app"}))
    assert client.receive() == ("R", struct.pack("!i", 3))
    try:
        client.send(b"p" + struct.pack("!i", 500_000_000) + b"x" * 1_000_000)
    except Closed:
        pass
    client.wait_closed()
    pooler.still_serves(password="right")


@pytest.mark.parametrize("code", [SSL_REQUEST, GSSENC_REQUEST], ids=["ssl", "gss"])
def test_encryption_is_declined(weir, code):
    # Without TLS the pooler says N, and the client goes on in clear over the same connection.
    pooler = weir()
    client = pooler.wire(login=False)
    client.send(struct.pack("!ii", 8, code))
    assert client.read_exactly(1) == b"N"
    client.login({"user": "app", "database": "app"})
    assert client.ask("SELECT 1") == "1"
    client.close()


def test_both_encryption_requests(weir):
    # libpq with GSS support asks for GSS, then for SSL, then logs in.
    pooler = weir()
    client = pooler.wire(login=False)
    for code in (GSSENC_REQUEST, SSL_REQUEST):
        client.send(struct.pack("!ii", 8, code))
        assert client.read_exactly(1) == b"N"
    client.login({"user": "app", "database": "app"})
    client.close()


@pytest.mark.weir_only
def test_bytes_smuggled_behind_an_encryption_request(weir):
    # A startup packet in the same segment as the SSLRequest was not protected by what was asked for: it
    # must not be taken as if it came after the answer (CVE-2021-23222 and its kin).
    pooler = weir()
    client = pooler.wire(login=False)
    client.send(struct.pack("!ii", 8, SSL_REQUEST) + startup_packet({"user": "app", "database": "app"}))
    try:
        answer = client.read_exactly(1)
        assert answer in (b"N", b"E")
        assert "Z" not in [kind for kind, _ in client.wait_closed(3)]
    except (Closed, TimeoutError):
        pass
    client.close()
    pooler.still_serves()


def test_cancel_with_a_wrong_key(weir, postgres):
    # A cancel request with a key that is nobody's does nothing, and says nothing.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as client:
        client.send(message("Q", b"SELECT pg_sleep(0.6), 'finished'\0"))
        wait_until(lambda: postgres.sessions("query LIKE '%pg_sleep(0.6)%' AND state = 'active'"), "it runs")
        wrong = bytes(byte ^ 0x55 for byte in client.key)
        for key in (wrong, b"\0" * 8, b"\xff" * 8, client.key[:4] + b"\0\0\0\0", client.key + b"\0",
                    client.key[:-1], client.key + b"k" * 252, b"\0\0\0\0" + client.key[4:]):
            cancel(pooler.port, key)
        assert client.result().rows[0][1] == "finished"


def test_cancel_of_an_idle_client_is_ignored(weir):
    # Nothing runs, so nothing is cancelled: neither now nor in the next query, whose server is shared.
    pooler = weir(default_pool_size=1)
    with pooler.wire() as idle, pooler.wire() as other:
        idle.ask("SELECT 1")
        for _ in range(5):
            idle.cancel()
            assert other.ask("SELECT pg_sleep(0.02)") == ""
        assert idle.ask("SELECT 2") == "2"


def test_keys_differ(weir):
    # The pooler gives out its own keys: no two clients have the same, nor the same process ID.
    pooler = weir(default_pool_size=1)
    clients = [pooler.wire() for _ in range(10)]
    assert len({client.key[:4] for client in clients}) == 10
    assert len({client.key[4:] for client in clients}) == 10
    assert all(len(client.key) == 8 for client in clients)
    for client in clients:
        client.close()


@pytest.mark.weir_only
@pytest.mark.parametrize("asked, options, told, secret_length", [
    (0, [], None, 4),
    (1, [], (PROTOCOL_3_0, []), 4),  # a version that there is not
    (2, [], None, 16),
    (3, [], (PROTOCOL_3_2, []), 16),
    (9999, [], (PROTOCOL_3_2, []), 16),  # what libpq's test versions ask for
    (0, ["_pq_.a"], (PROTOCOL_3_0, ["_pq_.a"]), 4),
    (2, ["_pq_.a", "_pq_.b"], (PROTOCOL_3_2, ["_pq_.a", "_pq_.b"]), 16),
    (9999, ["_pq_.a"], (PROTOCOL_3_2, ["_pq_.a"]), 16),
])
@pytest.mark.parametrize("database, user", [("app", "app"), ("pgbouncer", "admin")])
def test_the_protocol_version_is_negotiated(weir, database, user, asked, options, told, secret_length):
    # The client hears what is spoken if that is not what it asked for, and which of its options nobody
    # knows; a long cancel key is for those who speak 3.2.
    pooler = weir()
    with pooler.wire(database=database, user=user, protocol=PROTOCOL_3_0 + asked,
                     options={**dict.fromkeys(options, "1"), "application_name": "a"}) as client:
        assert client.negotiated == told
        assert len(client.key) == 4 + secret_length
        if database == "app":
            assert client.ask("SHOW application_name") == "a"


@pytest.mark.weir_only
def test_libpq_speaks_3_2(weir):
    # What ships in psycopg[binary]; it refuses negotiations and keys that are not as they should be.
    pooler = weir()
    for least, most in (("3.0", "3.0"), ("3.0", "3.2"), ("3.2", "3.2"), ("3.2", "latest")):
        with pooler.connect(min_protocol_version=least, max_protocol_version=most) as connection:
            assert connection.pgconn.full_protocol_version == (30000 if most == "3.0" else 30002)
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_parameters_are_announced(weir):
    # A client hears of the same parameters as from PostgreSQL itself.
    pooler = weir()
    with pooler.wire() as client:
        for name in ("server_version", "server_encoding", "client_encoding", "DateStyle", "TimeZone",
                     "integer_datetimes", "standard_conforming_strings"):
            assert name in client.parameters, name
        assert client.parameters["server_version"].startswith("15")
        assert client.status == "I"


def test_many_quick_connections(weir):
    # Two hundred clients that connect and vanish leave nothing behind.
    pooler = weir()
    for number in range(200):
        client = pooler.wire()
        client.terminate() if number % 2 else client.reset()
    wait_until(lambda: not [c for c in pooler.show("CLIENTS") if c["user"] == "app"], "all are forgotten")
    pooler.still_serves()


def test_login_timeout(weir):
    # A connection that never logs in is closed after client_login_timeout.
    pooler = weir(client_login_timeout=1)
    client = Wire(pooler.port, login=False)
    client.wait_closed(5)
    pooler.still_serves()
