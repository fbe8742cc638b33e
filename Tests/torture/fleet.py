"""A PostgreSQL, Weir processes with one budget for it, and the network between them."""

import contextlib
import resource
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg
from etcd import EtcdCluster
from fleet_postgres import LEDGER_SECRET, FleetPostgres
from harness import HOST, Binary, Pooler, free_port, own
from member import Member
from network import Network
from pgwire import Closed, ServerError
from samples import Samples

ROLES = ("app", "ledger")
LEDGERS = ("postgres", "etcd", "local")


class Fleet:
    """Starts everything; `close` ends everything that it has started.

    `control_reserve` counts only with the ledger in PostgreSQL, whose control connections take slots; with
    etcd one slot is for the connection that reads the list. The ledger `local` is one budget a process: a
    fleet of several exceeds what it is said to have, which shows that these tests see it.
    """

    def __init__(self, ledger, processes, budget, control_reserve, fence="wait", milliseconds=100,
                 max_connections=100, has_network=True, kind=Pooler, **settings):
        self.ledger, self.budget, self.control_reserve = ledger, budget, control_reserve
        self.fence, self.settings = fence, settings
        self.usable = budget - {"postgres": control_reserve, "etcd": 1, "local": 0}[ledger]
        self.parts = ExitStack()
        self.etcd = self.network = None
        self.members, self.complaints = [], []
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        try:
            self.folder = self.make_scratch()
            self.binary = Binary(self.folder)
            databases = [f"app_{number}" for number in range(1, processes + 1)]
            self.postgres = FleetPostgres(self.make_folder("postgres"), free_port())
            self.parts.callback(self.stop_postgres)
            self.postgres.prepare(databases, max_connections)
            if ledger == "etcd":
                self.etcd = self.closing(EtcdCluster(self.folder))
            if has_network:
                self.network = self.closing(Network())
            self.samples = self.closing(Samples(self.postgres.port, milliseconds, ROLES))
            for number, database in enumerate(databases, 1):
                self.members.append(self.make_member(number, database, ledger, kind))
        except BaseException:
            self.parts.close()
            raise

    # Parts.

    def closing(self, part):
        self.parts.callback(part.close)
        return part

    def make_scratch(self):
        folder = Path(tempfile.mkdtemp(prefix="weir-fleet-"))
        folder.chmod(0o755)
        self.parts.callback(shutil.rmtree, folder, ignore_errors=True)
        return own(folder)

    def make_folder(self, name):
        folder = self.folder / name
        folder.mkdir()
        return own(folder)

    def make_member(self, number, database, ledger, kind=Pooler):
        """A process that is not started yet; `kind` is how it is run."""
        name = f"node-{number}"
        port = self.postgres.port
        endpoints = [member.client_port for member in self.etcd.members] if self.etcd else []
        if self.network:
            port = self.network.open(name, port)
            endpoints = [self.network.open(name, endpoint) for endpoint in endpoints]
        settings = {"server_budget": self.budget, **self.engine_settings(ledger, name, endpoints),
                    **self.settings}
        pooler = kind(
            self.binary, self.make_folder(name), self.postgres, "epoll",
            databases={"app": f"host={HOST} port={port} dbname={database}"},
            # The processes reach one server by several addresses: by this name they know that it is one.
            servers={"main": f"host={HOST} port={port}"},
            userlist={"ledger": LEDGER_SECRET},
            **{"default_pool_size": 0, "max_client_conn": 2000, "slow_query_threshold": 60, **settings})
        member = Member(number, pooler, database)
        self.parts.callback(self.stop_member, member)
        return member

    def engine_settings(self, ledger, name, endpoints):
        if ledger == "local":
            return {}
        settings = {"budget_ledger": ledger, "fleet_name": "torture", "node_name": name,
                    "ledger_user": "ledger", "ledger_database": "postgres",
                    "control_reserve": self.control_reserve, "budget_fence": self.fence}
        if endpoints:
            settings["etcd_endpoints"] = ",".join(f"http://{HOST}:{port}" for port in endpoints)
        return settings

    def start(self):
        for member in self.members:
            member.start()
        return self

    # The end.

    def stop_member(self, member):
        complaint = member.stop()
        if complaint:
            self.complaints.append(f"{member.name}: {complaint.splitlines()[0]}")

    def stop_postgres(self):
        if self.postgres.is_up():
            self.postgres.stop("immediate")

    def close(self):
        self.parts.close()

    # Questions.

    def crashed(self):
        return [member.name for member in self.members if member.has_crashed()]

    def describe(self):
        """What processes and PostgreSQL say of the fleet now, a line each."""
        for member in self.members:
            if member.state == "running":
                yield from self.described_by(member)
        query = """SELECT application_name, state, wait_event, now() - state_change AS since, query
            FROM pg_stat_activity WHERE usename = 'ledger'"""
        with contextlib.suppress(psycopg.Error), self.postgres.connect() as connection:
            for row in connection.execute(query):
                yield f"PostgreSQL: {' | '.join(map(str, row))}"

    @staticmethod
    def described_by(member):
        with contextlib.suppress(Closed, OSError, ServerError):
            for what in ("BUDGET", "FLEET", "POOLS"):
                for row in member.pooler.show(what):
                    if row.get("database") != "pgbouncer":
                        words = " ".join(f"{key}={value}" for key, value in row.items() if value not in ("", "0", None))
                        yield f"{member.name} {what}: {words}"

    def logs(self):
        return "\n".join(f"=== {member.name}\n{member.pooler.log()}" for member in self.members)
