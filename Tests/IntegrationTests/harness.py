"""The processes under test: a scratch PostgreSQL and a pooler before it.

The pooler is whatever WEIR_BIN names: Weir, or PgBouncer to try these tests themselves. What only Weir
promises is marked `weir_only` in the tests.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import psycopg

from pgwire import Closed, ServerError, Wire

ROOT = Path(__file__).resolve().parents[2]
PG_BIN = Path(os.environ.get("PG_BIN", "/usr/lib/postgresql/15/bin"))
HOST = "127.0.0.1"
#: PostgreSQL listens here too, for lists of hosts.
OTHER_HOST = "127.0.0.2"

#: Settings that PgBouncer does not have: left out of its file.
WEIR_SETTINGS = {
    "workers", "event_engine", "database_down_timeout", "max_waiting", "session_state",
    "slow_query_threshold", "slow_query_log", "slow_query_format", "http_listen",
    "max_server_connections", "server_close_timeout", "pin_timeout", "max_pinned",
    "prepare_anonymous",
}


def account():
    """The system user that PostgreSQL and the pooler run as: they refuse to be root."""
    if os.getuid() != 0:
        return None
    name = os.environ.get("WEIR_TEST_USER", "postgres")
    return pwd.getpwnam(name)


ACCOUNT = account()


def drop_privileges():
    """Keyword arguments for subprocess that run it as that user."""
    if ACCOUNT is None:
        return {}
    return {"user": ACCOUNT.pw_uid, "group": ACCOUNT.pw_gid, "extra_groups": []}


def own(path):
    if ACCOUNT is not None:
        os.chown(path, ACCOUNT.pw_uid, ACCOUNT.pw_gid)
    return path


def test_ports():
    """The first and the last port that tests may use."""
    low, high = map(int, os.environ.get("WEIR_TEST_PORTS", "25500-25599").split("-"))
    return low, high


def free_port():
    """A port of WEIR_TEST_PORTS (low-high) that nobody listens on and that was not given out yet."""
    low, high = test_ports()
    for step in range(high - low + 1):
        port = low + (free_port.next - low + step) % (high - low + 1) if free_port.next else low + step
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        free_port.next = port + 1
        return port
    raise RuntimeError("no free port left in WEIR_TEST_PORTS")


free_port.next = 0


def wait_until(condition, what, seconds=10, pause=0.02):
    """Polls until `condition` is true; returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"after {seconds} s still not so: {what}"
        time.sleep(pause)


class Postgres:
    """A PostgreSQL 15 of our own: roles for every kind of login, `max_connections` 100."""

    roles = {
        "app": ("trust", None, None),
        "other": ("trust", None, None),
        "forced": ("trust", None, None),
        "plain_user": ("password", "plain-secret", "scram-sha-256"),
        "md5_user": ("md5", "md5-secret", "md5"),
        "scram_user": ("scram-sha-256", "scram-secret", "scram-sha-256"),
        "ledger": ("trust", None, None),
    }

    #: The roles that may replicate, in servers that are made for that.
    replicas = ("app", "scram_user")

    def __init__(self, folder, port, replicates=False):
        self.data, self.log, self.port = folder / "data", folder / "postgres.log", port
        self.replicates = replicates
        self.folder = own(folder)
        self.superuser = "postgres"

    def initialize(self):
        self.run("initdb", "-D", self.data, "-U", self.superuser, "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync")
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"""
                listen_addresses = '{HOST},{OTHER_HOST}'
                port = {self.port}
                unix_socket_directories = '{self.folder}'
                max_connections = 100
                fsync = off
                synchronous_commit = off
                full_page_writes = off
                shared_buffers = 256MB
                max_wal_size = 4GB
                autovacuum = off
                timezone = 'UTC'
                log_min_messages = warning
                log_line_prefix = '%m [%p] %u@%d '
                """)
            if self.replicates:
                conf.write("""
                    wal_level = logical
                    max_wal_senders = 10
                    max_replication_slots = 20
                    """)
        lines = [f"local all {self.superuser} trust", f"host all {self.superuser} {HOST}/32 trust"]
        lines += [f"host all {role} 127.0.0.0/8 {how}" for role, (how, _, _) in self.roles.items()]
        if self.replicates:
            lines += [f"host replication {role} 127.0.0.0/8 {self.roles[role][0]}" for role in self.replicas]
        (self.data / "pg_hba.conf").write_text("\n".join(lines) + "\n")
        self.start()
        with self.connect() as connection:
            for role, (_, password, encryption) in self.roles.items():
                if password:
                    connection.execute(f"SET password_encryption = '{encryption}'")
                    connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
                else:
                    connection.execute(f"CREATE ROLE {role} LOGIN")
                if self.replicates and role in self.replicas:
                    connection.execute(f"ALTER ROLE {role} REPLICATION")
            connection.execute("GRANT pg_read_all_stats, pg_signal_backend TO ledger")
            for database in ("app", "second", "bench"):
                connection.execute(f"CREATE DATABASE {database} OWNER app")
                connection.execute(f"GRANT CREATE, CONNECT, TEMP ON DATABASE {database} TO PUBLIC")
        for database in ("app", "second", "bench"):
            with self.connect(database) as connection:
                connection.execute("GRANT ALL ON SCHEMA public TO PUBLIC")
        return self

    def run(self, program, *arguments, **options):
        done = subprocess.run([str(PG_BIN / program), *map(str, arguments)], cwd=self.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120,
                              **drop_privileges(), **options)
        assert done.returncode == 0, f"{program}: {done.stdout}"
        return done.stdout

    def start(self):
        # The postmaster keeps pg_ctl's output open: a pipe would never end.
        done = subprocess.run(
            [str(PG_BIN / "pg_ctl"), "start", "-w", "-t", "60", "-D", str(self.data), "-l", str(self.log)],
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=90, **drop_privileges())
        assert done.returncode == 0, self.log.read_text()[-2000:]

    def stop(self, mode="fast"):
        self.run("pg_ctl", "stop", "-w", "-m", mode, "-D", self.data)

    def connect(self, database="postgres", user=None, **options):
        """A direct connection of the superuser, each statement a transaction of its own."""
        return psycopg.connect(host=HOST, port=self.port, user=user or self.superuser,
                               dbname=database, autocommit=True, **options)

    def ask(self, sql, database="postgres"):
        with self.connect(database) as connection:
            found = connection.execute(sql).fetchone()
            return found[0] if found else None

    def sessions(self, where="true"):
        """How many client sessions PostgreSQL has that are not the superuser's."""
        return self.ask("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
                        f" AND usename <> '{self.superuser}' AND {where}")

    def forget_sessions(self):
        """Waits until the previous test's sessions are gone, so that tests can count."""
        if self.sessions():
            try:
                wait_until(lambda: self.sessions() == 0, "no sessions are left", 3)
            except AssertionError:
                self.ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE"
                         f" backend_type = 'client backend' AND usename <> '{self.superuser}'")
                wait_until(lambda: self.sessions() == 0, "terminated sessions are gone", 10)


def ini(sections):
    text = ""
    for section, entries in sections.items():
        text += f"[{section}]\n"
        text += "".join(f"{key} = {value}\n" for key, value in entries.items()) + "\n"
    return text


class Binary:
    """The program under test."""

    def __init__(self, folder):
        given = os.environ.get("WEIR_BIN", str(ROOT / ".build/debug/weir"))
        self.given = Path(given)
        assert self.given.exists(), f"no pooler at {given}: build it or set WEIR_BIN"
        self.path = self.given
        if ACCOUNT is not None:
            readable = subprocess.run(["test", "-x", given], **drop_privileges()).returncode == 0
            if not readable:
                self.path = folder / self.given.name
                shutil.copy(self.given, self.path)
                self.path.chmod(0o755)
        shown = subprocess.run([str(self.path), "-V"], capture_output=True, text=True, timeout=20,
                               stdin=subprocess.DEVNULL)
        self.version = (shown.stdout + shown.stderr).strip()
        self.is_pgbouncer = self.version.startswith("PgBouncer")

    def command(self, *arguments):
        return [str(self.path), *map(str, arguments)]


class Pooler:
    """One running pooler with its generated configuration."""

    def __init__(self, binary, folder, postgres, engine, databases=None, users=None, userlist=None,
                 hba=None, servers=None, peers=None, variables=None, wrapper=(), **settings):
        self.binary, self.folder, self.postgres = binary, own(folder), postgres
        self.port = free_port()
        self.is_pgbouncer = binary.is_pgbouncer
        backend = f"host={HOST} port={postgres.port}"
        self.databases = {
            name: entry.format(backend=backend) for name, entry in
            (databases or {"app": "{backend}", "second": "{backend}", "bench": "{backend}"}).items()
        }
        self.users = users or {}
        self.servers = servers or {}
        self.peers = peers or {}
        #: Environment variables beside those of the tests.
        self.variables = variables or {}
        #: A program that runs it.
        self.wrapper = list(wrapper)
        self.userlist = {"app": "", "other": "", "forced": "", "admin": "", "stats": "",
                         **(userlist or {})}
        self.settings = {
            "listen_addr": HOST,
            "listen_port": self.port,
            "unix_socket_dir": folder,
            "auth_type": "trust",
            "auth_file": folder / "userlist.txt",
            "admin_users": "admin",
            "stats_users": "stats",
            "pool_mode": "transaction",
            "logfile": folder / "pooler.log",
            "pidfile": folder / "pooler.pid",
            "server_login_retry": 1,
            "log_stats": 0,
            "ignore_startup_parameters": "extra_float_digits",
            "event_engine": engine,
            **settings,
        }
        if hba is not None:
            (folder / "hba.conf").write_text(hba)
            self.settings["auth_hba_file"] = folder / "hba.conf"
        self.config = folder / "pooler.ini"
        self.process = None

    # The configuration.

    def write(self):
        keys = {key: value for key, value in self.settings.items()
                if value is not None and not (self.is_pgbouncer and key in WEIR_SETTINGS)}
        sections = {"databases": self.databases}
        if self.users:
            sections["users"] = self.users
        if self.servers:
            sections["servers"] = self.servers
        if self.peers:
            sections["peers"] = self.peers
        self.config.write_text(ini({**sections, "pgbouncer": keys}))
        own(self.config)
        text = "".join(f'"{name}" "{secret}"\n' for name, secret in self.userlist.items())
        (self.folder / "userlist.txt").write_text(text)
        own(self.folder / "userlist.txt")

    # The process.

    def start(self):
        self.write()
        self.output = open(self.folder / "output.txt", "ab")
        self.process = subprocess.Popen(
            self.wrapper + self.binary.command(self.config), cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, **self.variables}, **drop_privileges())
        wait_until(self.listening, "the pooler listens", 20)
        return self

    def listening(self):
        assert self.process.poll() is None, f"the pooler ended at its start:\n{self.log()}"
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self.port)) == 0

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        os.kill(self.process.pid, number)

    def wait(self, seconds=10):
        return self.process.wait(seconds)

    def kill(self):
        """Ends the pooler without a word."""
        self.process.kill()
        self.process.wait()
        self.output.close()
        self.process = None

    def stop(self):
        """Ends the pooler as an operator does; a crash before that or after it fails the test."""
        if self.process is None:
            return
        status = self.process.poll()
        if status is None:
            # PgBouncer before 1.23 does not know SIGQUIT and ends at once on SIGTERM.
            self.signal(signal.SIGTERM if self.is_pgbouncer else signal.SIGQUIT)
            try:
                status = self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"the pooler did not end when told to:\n{self.log()}") from None
        self.output.close()
        self.process = None
        # PgBouncer's fast exit has status 1; a crash is a signal's negative number.
        assert status in (0, 1), f"the pooler ended with {status}:\n{self.log()}"

    def log(self):
        text = ""
        for name in ("output.txt", "pooler.log"):
            path = self.folder / name
            if path.exists():
                text += f"--- {name}\n" + path.read_text(errors="replace")[-4000:]
        return text

    def resident_kilobytes(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))

    # Clients.

    def wire(self, **options):
        return Wire(self.port, **options)

    def ask(self, sql, **options):
        with Wire(self.port, **options) as client:
            return client.ask(sql)

    def connect(self, user="app", database="app", **options):
        options.setdefault("autocommit", True)
        return psycopg.connect(host=HOST, port=self.port, user=user, dbname=database, **options)

    def dsn(self, user="app", database="app"):
        return f"host={HOST} port={self.port} user={user} dbname={database}"

    def environment(self, user="app", database="app"):
        return {**os.environ, "PGHOST": HOST, "PGPORT": str(self.port), "PGUSER": user,
                "PGDATABASE": database, "PGCONNECT_TIMEOUT": "10", "LC_ALL": "C.UTF-8"}

    def login_error(self, **options):
        """The error that a login gets; fails when it gets none."""
        try:
            Wire(self.port, **options).close()
        except ServerError as error:
            return error
        raise AssertionError("the login was accepted")

    # The console.

    def console(self, user="admin"):
        return Wire(self.port, user=user, database="pgbouncer")

    def show(self, what, user="admin"):
        with self.console(user) as console:
            result = console.query(f"SHOW {what}")
            if result.error:
                raise result.error
            return result.dicts()

    def admin(self, command):
        with self.console() as console:
            result = console.query(command)
            if result.error:
                raise result.error
            return result

    def pool(self, database="app", user="app"):
        found = [pool for pool in self.show("POOLS")
                 if pool["database"] == database and pool["user"] == user]
        return found[0] if found else None

    def received(self, database="app"):
        """The bytes that have come from clients of a database."""
        return sum(int(row["total_received"]) for row in self.show("STATS") if row["database"] == database)

    @contextmanager
    def receiving(self, database="app"):
        """Waits at its end until the pooler has what a client sends in it."""
        before = self.received(database)
        yield
        wait_until(lambda: self.received(database) > before, "what was sent has come")

    # What differs where PgBouncer says less.

    def code(self, weir):
        """The SQLSTATE to expect: PgBouncer says 08P01 for everything of its own."""
        return "08P01" if self.is_pgbouncer else weir

    def refuses_clients(self):
        """Whether a new client is turned away, in words or by the kernel."""
        try:
            self.wire().close()
            return False
        except (ServerError, OSError, Closed):
            return True

    def still_serves(self, **options):
        """A new client is served: asked after everything that could have broken something."""
        assert self.ask("SELECT 40 + 2", **options) == "42"


__all__ = ["ACCOUNT", "Binary", "Closed", "HOST", "OTHER_HOST", "PG_BIN", "Pooler", "Postgres", "ROOT",
           "drop_privileges", "free_port", "own", "wait_until"]
