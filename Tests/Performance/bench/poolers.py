"""What a load can run through: Weir on either engine, PgBouncer, HAProxy, or nothing."""

import dataclasses
import shutil
import subprocess
import time

from machine import Failure, is_listening, stop

WEIR = ("weir-io_uring", "weir-epoll")
POOLERS = (*WEIR, "pgbouncer")
ALL = (*POOLERS, "haproxy", "direct")
TITLES = {
    "weir-io_uring": "Weir, io_uring",
    "weir-epoll": "Weir, epoll",
    "pgbouncer": "PgBouncer",
    "haproxy": "HAProxy, TCP",
    "direct": "PostgreSQL directly",
}

# The same for all poolers, but for the row that PgBouncer 1.18 runs in session pooling.
POOLER = """
[databases]
{databases}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = {auth}
auth_file = {users}
pool_mode = {mode}
default_pool_size = {servers}
max_client_conn = {clients}
logfile = {log}
log_connections = 0
log_disconnections = 0
"""
# The slow-query log is on, as it is by default; at 2,000 clients every query would be slow to the default of
# 0.1 s, and PgBouncer writes nothing like it.
WEIR_ONLY = "event_engine = {engine}\nslow_query_threshold = 5\n"
HAPROXY = """
global
    nbthread 1
    maxconn 1000
defaults
    mode tcp
    timeout connect 10s
    timeout client 1h
    timeout server 1h
frontend clients
    bind 127.0.0.1:{port}
    default_backend servers
backend servers
    server postgres 127.0.0.1:{server_port}
"""


@dataclasses.dataclass(frozen=True)
class Arrangement:
    """How a row wants its poolers: who may log in, how many clients, which pools."""

    auth: str = "trust"
    clients: int = 3_000
    databases: int = 0  # p0, p1, …: as many pools more than `postgres`
    pgbouncer_mode: str = "transaction"  # Weir's is always `transaction`


class Target:
    """Something that listens and leads to PostgreSQL. `pid` is nothing for PostgreSQL itself."""

    def __init__(self, name, port, process=None, log=None):
        self.name, self.port, self.process, self.log = name, port, process, log

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def stop(self):
        if self.process:
            stop(self.process)

    def check(self):
        if self.process and self.process.poll() is not None:
            raise Failure(f"{self.name} ended with {self.process.returncode}: {self.last_words()}")

    def last_words(self):
        texts = [path.read_text(errors="replace") for path in self.log if path.exists()]
        return " / ".join(" ".join(texts).strip().split("\n")[-3:])


class Starter:
    """Writes configurations and starts programs of the bench."""

    def __init__(self, folder, account, ports, postgres, programs, servers):
        self.folder, self.account, self.ports, self.postgres = folder, account, ports, postgres
        self.programs, self.servers = programs, servers
        self.count = 0

    def start(self, name, arrangement):
        if name == "direct":
            return Target(name, self.postgres.port)
        self.count += 1
        port = self.ports.take()
        log = self.folder / "run" / f"{self.count}-{name}.log"
        configuration = self.folder / f"{self.count}-{name}.ini"
        configuration.write_text(self.configuration(name, arrangement, port, log))
        program = self.program(name)
        options = ["-db", "-f"] if name == "haproxy" else ["-q"]
        output = self.folder / f"{self.count}-{name}.out"
        with open(output, "w") as file:
            process = subprocess.Popen(
                self.account.command(str(program), *options, str(configuration)), stdin=subprocess.DEVNULL,
                stdout=file, stderr=file, cwd="/")
        target = Target(name, port, process, [log, output])
        try:
            self.wait_for(target)
        except BaseException:
            target.stop()
            raise
        return target

    def wait_for(self, target):
        deadline = time.monotonic() + 10
        while not is_listening(target.port):
            target.check()
            if time.monotonic() > deadline:
                raise Failure(f"{target.name} does not listen: {target.last_words()}")
            time.sleep(0.02)

    def program(self, name):
        """A copy where the account can read it; the original may lie in a folder that only root can enter."""
        kind = "weir" if name in WEIR else name
        copy = self.folder / f"{kind}.bin"
        if not copy.exists():
            original = self.programs[kind]
            if not shutil.which(str(original)):
                raise Failure(f"there is no {original}")
            shutil.copyfile(original, copy)
            copy.chmod(0o755)
        return copy

    def configuration(self, name, arrangement, port, log):
        if name == "haproxy":
            return HAPROXY.format(port=port, server_port=self.postgres.port)
        server = f"host=127.0.0.1 port={self.postgres.port} dbname=postgres"
        databases = [f"postgres = {server}"]
        # The first has room for all active clients, the others for one each.
        databases += [f"p{index} = {server} pool_size={1 if index else self.servers}"
                      for index in range(arrangement.databases)]
        text = POOLER.format(
            databases="\n".join(databases), port=port, auth=arrangement.auth, users=self.users(arrangement),
            servers=self.servers, clients=arrangement.clients, log=log,
            mode=arrangement.pgbouncer_mode if name == "pgbouncer" else "transaction")
        return text + WEIR_ONLY.format(engine=name.removeprefix("weir-")) if name in WEIR else text

    def users(self, arrangement):
        path = self.folder / f"{arrangement.auth}.users"
        if not path.exists():
            if arrangement.auth == "trust":
                path.write_text('"bench" ""\n')
            else:
                secret = self.postgres.query("SELECT rolpassword FROM pg_authid WHERE rolname = 'scram'")
                path.write_text(f'"scram" "{secret}"\n')
                self.account.give(path)
                path.chmod(0o600)
        return path
