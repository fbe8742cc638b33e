"""Replication connections: a server connection of one's own, and streams in both directions."""

import os
import signal
import struct
import subprocess
import time

import pytest

from harness import HOST, PG_BIN, Postgres, drop_privileges, free_port, wait_until
from pgwire import cancel, cstring, extended, message, startup_packet, sync

pytestmark = pytest.mark.weir_only

DATABASES = {"app": "{backend}", "second": "{backend}", "replication": "{backend}"}


@pytest.fixture(scope="module")
def primary(scratch):
    """A PostgreSQL that keeps enough in its WAL for logical replication."""
    server = Postgres(scratch("pg"), free_port(), replicates=True).initialize()
    yield server
    server.stop("immediate")


@pytest.fixture
def source(primary):
    """The same without anything that an earlier test has left."""
    primary.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE backend_type IN ('walsender', 'client backend') AND pid <> pg_backend_pid()")
    wait_until(lambda: senders(primary) == 0, "no walsender is left")
    primary.ask("SELECT count(pg_drop_replication_slot(slot_name)) FROM pg_replication_slots")
    return primary


@pytest.fixture
def start(weir, source):
    """A function starting a pooler before the primary."""

    def start(**options):
        options.setdefault("databases", DATABASES)
        return weir(server=source, **options)

    return start


@pytest.fixture(params=[1, 3], ids=["one worker", "three workers"])
def pooler(request, start):
    return start(workers=request.param)


def senders(server, where="true"):
    return server.ask(f"SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'walsender' AND {where}")


def execute(server, sql):
    with server.connect("app") as connection:
        connection.execute(sql)


def streams(server):
    return server.ask("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")


def replicas(pooler, what):
    """The replication connections that the console shows; PostgreSQL closes a server a little after its
    client has gone."""
    return [row for row in pooler.show(what) if row["replication"] != "none"]


def logins(pooler):
    """How many clients have not been greeted yet."""
    return next(int(row["items"]) for row in pooler.show("LISTS") if row["list"] == "login_clients")


def logical(pooler, **options):
    return pooler.wire(options={"replication": "database", **options})


def physical(pooler, **options):
    return pooler.wire(database="replication", options={"replication": "true", **options})


def tool(name, pooler, *arguments, folder=None, user="app"):
    """A running program of PostgreSQL's."""
    return subprocess.Popen(
        [str(PG_BIN / name), *map(str, arguments)], cwd=folder, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=pooler.environment(user=user), start_new_session=True, **drop_privileges())


def finish(process, seconds=60):
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill(process)
        raise
    return process.returncode, output


def kill(process):
    """Kills a program and what it has forked: pg_basebackup's receiver of WAL holds all its sockets."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=20)


def run(name, pooler, *arguments, **options):
    status, output = finish(tool(name, pooler, *arguments, **options))
    assert status == 0, output
    return output


# The streaming protocol by hand.

def wal_position(text):
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)


def feedback(position, reply=False):
    """A standby's status update."""
    return message("d", b"r" + struct.pack("!qqqqb", position, position, position, 0, reply))


def begin_stream(client, slot="", position=None, rest=""):
    """Starts a stream; returns where."""
    position = position or client.query("IDENTIFY_SYSTEM").rows[0][2]
    kind = f"SLOT {slot} LOGICAL" if slot else "PHYSICAL"
    client.send(message("Q", cstring(f"START_REPLICATION {kind} {position} {rest}")))
    kind, body = client.receive()
    assert kind == "W", body
    return wal_position(position)


def keepalive(client):
    """Shows that a stream lives: a keepalive is asked for and comes."""
    client.send(feedback(0, reply=True))
    next_data(client, b"k")


def next_data(client, kind=b"w"):
    """The next message of a stream of one sort; keepalives are answered if they ask for it."""
    while True:
        code, body = client.receive()
        assert code == "d", (code, body)
        if body[:1] == b"k" and body[-1]:
            client.send(feedback(struct.unpack("!q", body[1:9])[0]))
        if body[:1] == kind:
            return body


def make_slot(client, name, plugin="test_decoding"):
    return client.query(f'CREATE_REPLICATION_SLOT {name} TEMPORARY LOGICAL {plugin}').rows[0]


# Logging in.

def test_commands_of_a_logical_connection(pooler, source):
    with logical(pooler, application_name="tester", options="-c enable_seqscan=off -c geqo=off") as client:
        assert client.query("IDENTIFY_SYSTEM").rows[0][3] == "app"
        assert client.ask("SHOW application_name") == "tester"
        assert client.ask("SHOW enable_seqscan") == "off"
        assert client.parameters["application_name"] == "tester"
        assert client.ask("SELECT 1") == "1"
        assert senders(source, "application_name = 'tester'") == 1
        # An error ends the command and nothing else.
        assert client.query("START_REPLICATION SLOT missing LOGICAL 0/0").error.code == "42704"
        assert client.query("NONSENSE").error.code == "42601"
        assert client.ask("SELECT 2") == "2"
        # What PostgreSQL does not take here is its to refuse.
        client.send(extended("SELECT 1") + sync())
        assert client.result().error.code == "08P01"
        assert client.ask("SELECT 3") == "3"
    # It is nobody else's, and ends with its client.
    wait_until(lambda: senders(source) == 0, "the walsender is gone")
    assert pooler.ask("SELECT 4") == "4"
    assert pooler.ask("SHOW enable_seqscan") == "on"


@pytest.mark.parametrize("value", ["true", "on", "yes", "1", "TRUE", "t", "y"])
def test_spellings_of_a_physical_connection(start, source, value):
    pooler = start()
    with pooler.wire(database="replication", options={"replication": value}) as client:
        assert client.query("IDENTIFY_SYSTEM").rows[0][3] is None
        assert client.query("SELECT 1").error is not None
        assert senders(source) == 1


@pytest.mark.parametrize("value", ["false", "off", "no", "0", "of", "F"])
def test_spellings_of_an_ordinary_connection(start, source, value):
    pooler = start()
    with pooler.wire(options={"replication": value}) as client:
        assert client.ask("SELECT 1") == "1"
        assert senders(source) == 0
        assert client.query("IDENTIFY_SYSTEM").error.code == "42601"


def test_a_value_that_means_nothing(start):
    pooler = start()
    for value in ("", "o", "2", "physical", "Database"):
        error = pooler.login_error(options={"replication": value})
        assert (error.code, error.severity) == ("22023", "FATAL"), value


def test_startup_parameters_that_are_not_followed(start):
    pooler = start()
    error = pooler.login_error(options={"replication": "database", "work_mem": "1MB"})
    assert error.message == "unsupported startup parameter: work_mem"


def test_a_role_that_may_not(start, source):
    # PostgreSQL's own words; others of the pool are not affected.
    pooler = start()
    error = pooler.login_error(user="other", options={"replication": "database"})
    assert (error.code, error.severity) == ("42501", "FATAL")
    assert "replication role" in error.message
    assert pooler.ask("SELECT 1", user="other") == "1"
    with pooler.wire(user="other") as client:
        assert client.ask("SELECT 2") == "2"


def test_a_wrong_password(start):
    pooler = start(auth_type="scram-sha-256", userlist={"scram_user": "scram-secret"})
    error = pooler.login_error(user="scram_user", password="wrong", options={"replication": "database"})
    assert error.code == "28P01"
    with pooler.wire(user="scram_user", password="scram-secret", options={"replication": "database"}) as client:
        assert client.ask("SELECT current_user") == "scram_user"


def test_a_database_that_is_missing(start):
    pooler = start(databases={"app": "{backend}"})
    error = pooler.login_error(database="replication", options={"replication": "true"})
    assert error.code == "3D000" and error.hint
    assert pooler.login_error(database="nowhere", options={"replication": "database"}).code == "3D000"


def test_a_server_that_is_not_there(start):
    pooler = start(databases={"app": f"host={HOST} port=1", "second": "{backend}"})
    began = time.monotonic()
    error = pooler.login_error(options={"replication": "database"})
    assert (error.code, error.severity) == ("08006", "FATAL")
    assert time.monotonic() - began < 5


def test_too_many_walsenders(start, source):
    # PostgreSQL's own limit; its words reach the client and the pool goes on.
    pooler = start()
    clients = [logical(pooler) for _ in range(10)]
    error = pooler.login_error(options={"replication": "database"})
    assert error.code == "53300" and "max_wal_senders" in error.message
    assert pooler.ask("SELECT 1") == "1"
    for client in clients:
        client.close()


def test_disabled_simple_queries_and_time_limits_are_not_for_replication(start):
    pooler = start(disable_pqexec=1, query_timeout=0.3, client_idle_timeout=0.3,
                   idle_transaction_timeout=0.3, transaction_timeout=0.5, default_pool_size=2)
    with logical(pooler) as client:
        assert client.ask("SELECT count(pg_sleep(1))") == "1"
        time.sleep(1)
        client.query("BEGIN")
        time.sleep(1)
        assert client.query("COMMIT").tags == ["COMMIT"]


# Limits.

def test_it_takes_a_slot_of_the_pool(start, source):
    pooler = start(default_pool_size=2, query_wait_timeout=1)
    assert pooler.ask("SELECT 1") == "1"  # what clients are greeted with is known from here on
    first, second = logical(pooler), logical(pooler)
    error = pooler.login_error(options={"replication": "database"})
    assert (error.code, error.message) == ("53300", "query_wait_timeout")
    with pooler.wire() as client:
        assert client.query("SELECT 1").error.code == "53300"
        second.close()
        wait_until(lambda: senders(source) == 1, "PostgreSQL has closed it")
        assert client.ask("SELECT 1") == "1"
    first.close()
    wait_until(lambda: senders(source) == 0, "no walsender is left")


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("limits", [{"default_pool_size": 2}, {"max_db_connections": 2},
                                    {"max_user_connections": 2}, {"max_server_connections": 2}],
                         ids=lambda limits: next(iter(limits)))
def test_idle_servers_make_room(start, source, limits, workers):
    pooler = start(workers=workers, **limits)
    clients = [pooler.wire() for _ in range(2)]
    for client in clients:
        client.query("BEGIN")
    for client in clients:
        client.query("COMMIT")
    assert source.sessions() == 2
    with logical(pooler) as replica:
        assert replica.ask("SELECT 1") == "1"
        assert source.sessions() == 1
        with logical(pooler) as another:
            assert another.ask("SELECT 1") == "1"
            assert (source.sessions(), senders(source)) == (0, 2)
    assert clients[0].ask("SELECT 1") == "1"
    for client in clients:
        client.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_the_next_server_that_comes_free_makes_room(start, source, workers):
    # Under a load that leaves no server idle, a replication client still gets its slot.
    pooler = start(workers=workers, default_pool_size=2)
    with pooler.wire() as first, pooler.wire() as second:
        first.query("BEGIN")
        second.query("BEGIN")
        with pooler.wire() as waiter:
            waiter.send(message("Q", cstring("SELECT 'served'")))
            process = tool("psql", pooler, "-d", f"replication=database user=app dbname=app port={pooler.port}",
                           "-Atc", "SELECT 'replica'")
            time.sleep(0.5)
            first.query("COMMIT")
            assert finish(process) == (0, "replica\n")
            assert waiter.result().rows == [["served"]]
        second.query("COMMIT")


def test_clients_that_give_up_waiting(start, source):
    # Their place in the queue goes with them, and what they asked for is not opened.
    pooler = start(default_pool_size=1)
    with pooler.wire() as client:
        client.query("BEGIN")
        for _ in range(5):
            waiting = pooler.wire(login=False)
            waiting.send(startup_packet({"user": "app", "database": "app", "replication": "database"}))
            wait_until(lambda: logins(pooler) == 1, "it waits")
            waiting.reset()
            wait_until(lambda: logins(pooler) == 0, "it is forgotten")
        client.query("COMMIT")
    with pooler.wire() as client:
        assert client.ask("SELECT 1") == "1"
        assert (source.sessions(), senders(source)) == (1, 0)


# Streams by hand.

@pytest.mark.parametrize("first", ["client", "server"])
def test_a_stream_and_its_end(pooler, source, first):
    with logical(pooler) as client:
        point = make_slot(client, "by_hand")[1]
        begin_stream(client, "by_hand", point)
        execute(source, "CREATE TABLE IF NOT EXISTS streamed (a int)")
        execute(source, "INSERT INTO streamed VALUES (42)")
        while b"INSERT: a[integer]:42" not in next_data(client):
            pass
        client.send(feedback(wal_position(point)) * 50)
        if first == "client":
            client.send(message("c"))
            kinds = ""
            while not kinds.endswith("Z"):
                kinds += client.receive()[0]
            assert kinds.replace("d", "") in ("cCZ", "cCCZ")
        else:
            client.cancel()
            result_kinds = ""
            while not result_kinds.endswith("Z"):
                result_kinds += client.receive()[0]
            assert result_kinds.replace("d", "") == "EZ"
            client.send(message("c"))  # the client's own end, too late
        assert client.ask("SELECT 1") == "1"
        # Again on the same connection.
        begin_stream(client)
        keepalive(client)
        client.send(message("c"))
        while client.receive()[0] != "Z":
            pass
        assert client.ask("SELECT 2") == "2"


def test_a_large_transaction_passes_whole(start, source):
    pooler = start()
    with logical(pooler) as client:
        point = make_slot(client, "large")[1]
        begin_stream(client, "large", point, "(\"skip-empty-xacts\" '1')")
        execute(source, "CREATE TABLE IF NOT EXISTS large (t text)")
        execute(source, "INSERT INTO large SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
        rows = 0
        while rows < 20000:
            rows += next_data(client).count(b"public.large: INSERT")
        client.send(feedback(wal_position(point)) + message("c"))


def test_a_client_that_does_not_read_holds_the_server_up(start, source):
    # Back-pressure: Weir keeps no more than it may of a stream.
    pooler = start()
    before = pooler.resident_kilobytes()
    client = logical(pooler)
    point = make_slot(client, "slow")[1]
    begin_stream(client, "slow", point)
    execute(source, "CREATE TABLE IF NOT EXISTS slow (t text)")
    execute(source, "INSERT INTO slow SELECT repeat('y', 1000) FROM generate_series(1, 50000)")
    time.sleep(2)
    assert pooler.resident_kilobytes() - before < 20_000
    client.close()
    wait_until(lambda: senders(source) == 0, "the walsender is gone")


def test_a_client_that_is_killed(pooler, source):
    for end in ("close", "reset", "terminate", "half"):
        client = physical(pooler)
        begin_stream(client)
        keepalive(client)
        assert senders(source) == 1
        if end == "half":
            client.send(feedback(0)[:20])  # in the middle of a message
            client.close()
        else:
            getattr(client, end)()
        wait_until(lambda: senders(source) == 0, f"the walsender is gone after {end}", 5)
    wait_until(lambda: not replicas(pooler, "SERVERS"), "the console shows none")


def test_a_walsender_that_is_killed(pooler, source):
    client = physical(pooler)
    begin_stream(client)
    assert source.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_replication") == 1
    last = [(kind, body) for kind, body in client.wait_closed() if kind != "d"]
    assert [kind for kind, _ in last] == ["E"] and b"57P01" in last[0][1]
    pooler.still_serves()


def test_a_server_that_crashes(start, scratch, weir):
    server = Postgres(scratch("pg"), free_port(), replicates=True).initialize()
    try:
        pooler = weir(server=server, databases=DATABASES)
        client = physical(pooler)
        begin_stream(client)
        server.stop("immediate")
        kinds = [kind for kind, _ in client.wait_closed()]
        assert "E" in kinds
        server.start()
        with physical(pooler) as again:
            assert again.query("IDENTIFY_SYSTEM").rows
        # One that shuts down sends all that it has first.
        process = tool("pg_receivewal", pooler, "-D", scratch("wal"), "--no-loop")
        wait_until(lambda: streams(server) == 1, "it streams")
        server.stop("fast")
        assert finish(process)[0] != 0
    finally:
        if not (server.data / "postmaster.pid").exists():
            server.start()
        server.stop("immediate")


def test_cancel(pooler, source):
    with logical(pooler) as client:
        client.send(message("Q", cstring("SELECT pg_sleep(41)")))
        wait_until(lambda: senders(source, "query LIKE '%pg_sleep(41)%'"), "it runs")
        client.cancel()
        assert client.result().error.code == "57014"
        cancel(pooler.port, client.key)  # with nothing running
        assert client.ask("SELECT 1") == "1"


# Programs of PostgreSQL's.

@pytest.mark.parametrize("options", [["-X", "stream"], ["-X", "fetch"], ["-X", "none"],
                                     ["-X", "stream", "-Ft", "-z"], ["-X", "fetch", "-Ft", "--compress=server-gzip:1"],
                                     ["-X", "stream", "--compress=server-lz4"]], ids=" ".join)
def test_base_backup(pooler, source, scratch, options):
    folder = scratch("backup")
    if any("lz4" in option for option in options):
        options = [*options, "-Ft"]
    run("pg_basebackup", pooler, "-D", folder / "data", "-c", "fast", "--no-sync", "-v", *options)
    if "-Ft" not in options:
        done = subprocess.run([PG_BIN / "pg_verifybackup", *(["-n"] if "none" in options else []),
                               folder / "data"], capture_output=True, text=True, **drop_privileges())
        assert done.returncode == 0, done.stderr
    else:
        assert [path for path in (folder / "data").iterdir() if path.name.startswith("base.tar")]
    wait_until(lambda: senders(source) == 0, "no walsender is left")


def test_base_backup_with_tablespaces_gives_several_results(start, source, scratch):
    folder, space = scratch("backup"), scratch("space")
    pooler = start()
    with source.connect() as connection:
        connection.execute(f"CREATE TABLESPACE extra LOCATION '{space}'")
    try:
        with source.connect("app") as connection:
            connection.execute("CREATE TABLE placed TABLESPACE extra AS SELECT generate_series(1, 1000) AS a")
        run("pg_basebackup", pooler, "-D", folder / "data", "-Ft", "-c", "fast", "--no-sync", "-X", "fetch")
        assert len([path for path in (folder / "data").iterdir() if path.suffix == ".tar"]) == 2
    finally:
        with source.connect("app") as connection:
            connection.execute("DROP TABLE IF EXISTS placed")
            connection.execute("DROP TABLESPACE extra")


def test_base_backup_whose_client_is_killed(start, source, scratch):
    # PostgreSQL does not go on with it for nobody.
    with source.connect("app") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bulk AS SELECT repeat(md5(g::text), 28) AS t"
                           " FROM generate_series(1, 60000) g")
    pooler = start()
    process = tool("pg_basebackup", pooler, "-D", scratch("backup") / "data", "-c", "fast", "-r", "2M")
    wait_until(lambda: senders(source) == 2, "it streams")
    time.sleep(0.5)
    assert process.poll() is None
    kill(process)
    wait_until(lambda: senders(source) == 0, "no walsender is left", 5)


def test_receivewal(pooler, source, scratch):
    folder = scratch("wal")
    run("pg_receivewal", pooler, "--create-slot", "--slot=receiver")
    process = tool("pg_receivewal", pooler, "-D", folder, "--slot=receiver", "--no-loop", "-v")
    wait_until(lambda: streams(source) == 1, "it streams")
    name = source.ask("SELECT pg_walfile_name(pg_current_wal_lsn())")
    source.ask("SELECT pg_switch_wal()")
    source.ask("SELECT txid_current()")
    wait_until(lambda: (folder / name).exists(), f"{name} is received")
    process.send_signal(signal.SIGINT)
    status, output = finish(process)
    assert status == 0, output
    direct = (source.data / "pg_wal" / name)
    if direct.exists():
        assert (folder / name).read_bytes() == direct.read_bytes()
    wait_until(lambda: senders(source) == 0, "nobody reads from the slot")
    run("pg_receivewal", pooler, "--drop-slot", "--slot=receiver")
    wait_until(lambda: senders(source) == 0, "no walsender is left")


def test_recvlogical(pooler, source, scratch):
    output = scratch("changes") / "out"
    slot = ["-d", "app", "--slot=receiver"]
    run("pg_recvlogical", pooler, *slot, "--create-slot", "-P", "test_decoding")
    process = tool("pg_recvlogical", pooler, *slot, "--start", "-f", output, "--no-loop", "-F", "1", "-s", "1")
    wait_until(lambda: streams(source) == 1, "it streams")
    with source.connect("app") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS logical (a int)")
        connection.execute("INSERT INTO logical SELECT generate_series(1, 100)")
    wait_until(lambda: output.exists() and "INSERT: a[integer]:100" in output.read_text(), "all has come")
    process.send_signal(signal.SIGINT)
    status, text = finish(process)
    assert status == 0, text
    wait_until(lambda: senders(source) == 0, "nobody reads from the slot")
    run("pg_recvlogical", pooler, *slot, "--drop-slot")
    wait_until(lambda: senders(source) == 0, "no walsender is left")


# A subscription.

@pytest.fixture(scope="module")
def subscriber(scratch):
    server = Postgres(scratch("pg"), free_port(), replicates=True).initialize()
    yield server
    server.stop("immediate")


@pytest.mark.parametrize("workers", [1, 3])
def test_subscription(start, source, subscriber, workers):
    pooler = start(workers=workers, default_pool_size=5)
    with source.connect("app") as connection:
        connection.execute("CREATE TABLE items (a int PRIMARY KEY, t text)")
        connection.execute("GRANT SELECT ON items TO app")
        connection.execute("INSERT INTO items SELECT g, repeat('t', 500) FROM generate_series(1, 5000) g")
        connection.execute("CREATE PUBLICATION items_there FOR TABLE items")
    try:
        with subscriber.connect("app") as connection:
            connection.execute("CREATE TABLE items (a int PRIMARY KEY, t text)")
            connection.execute(f"CREATE SUBSCRIPTION items_here CONNECTION 'host={HOST} port={pooler.port}"
                               " user=app dbname=app' PUBLICATION items_there")
        count = "SELECT count(*) FROM items"
        wait_until(lambda: subscriber.ask(count, "app") == 5000, "the first copy is there", 30)
        execute(source, "INSERT INTO items VALUES (5001, 'later')")
        wait_until(lambda: subscriber.ask(count, "app") == 5001, "a new row arrives", 30)
        # The pooler restarts; the subscription comes back by itself.
        pooler.stop()
        execute(source, "INSERT INTO items VALUES (5002, 'while it was away')")
        pooler.start()
        wait_until(lambda: subscriber.ask(count, "app") == 5002, "it has come back", 30)
        # Pooled clients share the pool with it.
        assert pooler.ask("SELECT 1") == "1"
    finally:
        with subscriber.connect("app") as connection:
            connection.execute("ALTER SUBSCRIPTION items_here DISABLE")
            connection.execute("ALTER SUBSCRIPTION items_here SET (slot_name = NONE)")
            connection.execute("DROP SUBSCRIPTION items_here")
            connection.execute("DROP TABLE items")
        with source.connect("app") as connection:
            connection.execute("DROP PUBLICATION items_there")
            connection.execute("DROP TABLE items")


# The console and signals.

def test_show(pooler):
    with logical(pooler, application_name="shown") as client, physical(pooler) as other:
        client.query("IDENTIFY_SYSTEM")
        for what, kind in (("CLIENTS", "C"), ("SERVERS", "S")):
            rows = {row["replication"]: row for row in pooler.show(what)}
            assert {"logical", "physical"} <= set(rows)
            assert rows["logical"]["database"] == "app" and rows["physical"]["database"] == "replication"
            assert rows["logical"]["type"] == kind and rows["logical"]["state"] == "active"
            assert rows["logical"]["application_name"] == "shown"
        assert pooler.pool()["sv_active"] == "1"
        other.query("IDENTIFY_SYSTEM")
    wait_until(lambda: not replicas(pooler, "SERVERS"), "PostgreSQL has closed them")
    with pooler.wire() as client:
        client.ask("SELECT 1")
        assert {row["replication"] for row in pooler.show("SERVERS")} == {"none"}
    assert "replication=database" in pooler.log() and "replication=yes" in pooler.log()


def test_a_server_is_shown_until_postgresql_has_closed_it(start, source):
    # Its slot is taken until then, so the console does not hide it.
    pooler = start()
    client = logical(pooler)
    pid = int(client.ask("SELECT pg_backend_pid()"))
    os.kill(pid, signal.SIGSTOP)
    try:
        client.terminate()
        wait_until(lambda: not replicas(pooler, "CLIENTS"), "the client is forgotten")
        server, = replicas(pooler, "SERVERS")
        assert (server["remote_pid"], server["link"]) == (str(pid), "")
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not replicas(pooler, "SERVERS"), "PostgreSQL has closed it")


def test_kill(pooler, source):
    client, other = physical(pooler), logical(pooler)
    begin_stream(client)
    pooler.admin("KILL replication")
    assert [kind for kind, _ in client.wait_closed() if kind != "d"] == ["E"]
    assert other.ask("SELECT 1") == "1"
    number = next(row["id"] for row in pooler.show("CLIENTS") if row["replication"] == "logical")
    pooler.admin(f"KILL_CLIENT {number}")
    assert [kind for kind, _ in other.wait_closed()] == ["E"]
    wait_until(lambda: senders(source) == 0, "no walsender is left")


def test_pause_ends_streams_and_lets_them_in_again(pooler, source):
    client = physical(pooler)
    begin_stream(client)
    pooler.admin("PAUSE")
    kinds = client.wait_closed()
    assert kinds[-1][0] == "E" and b"57P01" in kinds[-1][1]
    assert senders(source) == 0
    process = tool("psql", pooler, "-d", f"replication=database user=app dbname=app port={pooler.port}",
                   "-Atc", "SELECT 'after'")
    time.sleep(0.5)
    assert process.poll() is None and senders(source) == 0
    pooler.admin("RESUME")
    assert finish(process) == (0, "after\n")


def test_pause_waits_for_a_base_backup_and_its_stream(pooler, source, scratch):
    with source.connect("app") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS bulk AS SELECT repeat(md5(g::text), 28) AS t"
                           " FROM generate_series(1, 60000) g")
    folder = scratch("backup")
    process = tool("pg_basebackup", pooler, "-D", folder / "data", "-c", "fast", "-r", "32M", "--no-sync",
                   "-X", "stream")
    wait_until(lambda: streams(source) == 1 and senders(source) == 2, "it streams")
    with pooler.console() as console:
        console.send(message("Q", cstring("PAUSE replication")))
        assert console.silent_for(0.3)
        status, output = finish(process)
        assert status == 0, output
        assert console.result().tags == ["PAUSE"]
    pooler.admin("RESUME replication")


def test_reconnect_spares_the_stream_until_its_client_goes(pooler, source):
    client = physical(pooler)
    begin_stream(client)
    pooler.admin("RECONNECT")
    keepalive(client)
    client.send(message("c"))
    while client.receive()[0] != "Z":
        pass
    client.query("IDENTIFY_SYSTEM")
    assert [row["close_needed"] for row in pooler.show("SERVERS") if row["replication"] == "physical"] == ["1"]
    client.close()
    wait_until(lambda: senders(source) == 0, "no walsender is left")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_process_ends_though_streams_do_not(pooler, source, number):
    client, other = physical(pooler), pooler.wire()
    begin_stream(client)
    other.query("BEGIN")
    pooler.signal(number)
    # A client that drains may need its stream beside it; a paused database has none such.
    if number == signal.SIGTERM:
        time.sleep(0.5)
        assert streams(source) == 1
    else:
        wait_until(lambda: streams(source) == 0, "the stream is ended")
    assert pooler.alive()
    other.query("COMMIT")
    other.terminate()
    assert pooler.wait(5) == 0
    assert client.wait_closed()[-1][0] == "E"
    wait_until(lambda: senders(source) == 0, "no walsender is left")


def test_suspend_holds_a_stream(start, source):
    pooler = start()
    client = physical(pooler)
    begin_stream(client)
    keepalive(client)
    with pooler.console() as console:
        assert console.query("SUSPEND").tags == ["SUSPEND"]
        assert console.query("RESUME").tags == ["RESUME"]
    source.ask("SELECT pg_switch_wal()")
    source.ask("SELECT txid_current()")
    next_data(client, b"w")
    client.close()
