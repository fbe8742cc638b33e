"""The rows: what each measures, through what, and what its targets are."""

import dataclasses

from growth import Growth
from idle import Idle
from loads import Copy, Pgbench
from machine import Failure
from measure import measure
from poolers import ALL, POOLERS, TITLES, WEIR, Arrangement


@dataclasses.dataclass
class LoadResult:
    row: "LoadRow"
    samples: dict  # target → a sample a round, in the order of rounds
    reasons: dict  # target → why it was not measured


@dataclasses.dataclass(frozen=True)
class LoadRow:
    """A load, run for some seconds through each target in turn, as often as there are rounds."""

    name: str
    title: str
    load: object
    arrangement: Arrangement = Arrangement()
    through: tuple = ALL
    left_out: str = ""  # why the others are not in `through`
    not_yet: str = ""  # what Weir lacks for this row: failing is no failure of the bench
    limits: dict = dataclasses.field(default_factory=dict)  # metric → (io_uring, epoll), ÷ PgBouncer

    def run(self, bench):
        targets = [name for name in bench.targets if name in self.through]
        reasons = {name: self.left_out for name in bench.targets if name not in self.through}
        running = {}
        try:
            for name in targets:
                try:
                    running[name] = bench.starter.start(name, self.arrangement)
                    measure(bench, self.load, running[name], 1)
                except Failure as failure:
                    self.leave_out(bench, name, failure, running, reasons)
            self.check_weir(bench, running, reasons)
            return LoadResult(self, self.rounds(bench, running, reasons), reasons)
        finally:
            for target in running.values():
                target.stop()

    def rounds(self, bench, running, reasons):
        samples = {name: [] for name in running}
        for number in range(bench.rounds):
            for name in bench.in_turn(list(running), number):
                try:
                    sample = measure(bench, self.load, running[name], bench.seconds)
                except Failure as failure:
                    self.leave_out(bench, name, failure, running, reasons)
                    del samples[name]
                    continue
                samples[name].append(sample)
                cpu = "" if sample.cpu is None else f", {sample.cpu:.1f} µs"
                bench.say(f"{self.name} {number + 1}/{bench.rounds}, {TITLES[name]}: {sample.tps:.0f} tps, "
                          f"p99 {sample.p99:.2f} ms{cpu}")
        return samples

    def leave_out(self, bench, name, failure, running, reasons):
        reasons[name] = str(failure)
        bench.say(f"{self.name}, {TITLES[name]}: {failure}")
        bench.failed |= not self.not_yet
        if name in running:
            running.pop(name).stop()

    def check_weir(self, bench, running, reasons):
        """Without Weir there is nothing to compare."""
        wanted = [name for name in WEIR if name in bench.targets]
        if wanted and not any(name in running for name in wanted):
            raise Failure(f"{self.not_yet}: {reasons[wanted[0]]}" if self.not_yet else reasons[wanted[0]])


NO_POOL = "has no pool: it would need a PostgreSQL process a client"
# PgBouncer 1.18 has no prepared statements in transaction pooling.
IN_SESSIONS = Arrangement(pgbouncer_mode="session")
CLIENTS = (1, 8, 32, 200, 2000)
SELECT_LIMITS = {
    32: {"cpu": (0.82, 1.05), "tps": (1.03, 0.98)},
    200: {"p99": (1.0, 1.05)},
    2000: {"p99": (1.0, 1.05)},
}


def select_row(protocol, clients):
    many = clients > 1000
    return LoadRow(
        f"{protocol}-{clients}", f"`-S`, {protocol}, {clients:,} client{'s' * (clients > 1)}",
        Pgbench(clients, protocol, options=("-S",)), through=POOLERS if many else ALL,
        left_out=NO_POOL if many else "", limits=SELECT_LIMITS.get(clients, {}))


ROWS = [
    *(select_row("simple", clients) for clients in CLIENTS),
    *(select_row("extended", clients) for clients in CLIENTS),
    LoadRow("prepared", "`-S`, prepared, 20 clients; PgBouncer in session pooling",
            Pgbench(20, "prepared", options=("-S",)), IN_SESSIONS,
            limits={"cpu": (0.90, 1.10)}),
    LoadRow("tpcb", "TPC-B, simple, 32 clients",
            Pgbench(32, prepare="TRUNCATE pgbench_history;\nVACUUM pgbench_branches;\n"
                                "VACUUM pgbench_tellers;\nVACUUM pgbench_accounts;\n")),
    LoadRow("rows-1000", "result of 1,000 rows, 4 clients",
            Pgbench(4, script="SELECT g, g * 2, 'row number ' || g FROM generate_series(1, 1000) g;\n"),
            limits={"cpu": (0.40, 0.45)}),
    LoadRow("result-10mb", "result of 10 MB, 4 clients",
            Pgbench(4, script="SELECT repeat('x', 1000) FROM generate_series(1, 10000);\n"),
            limits={"cpu": (0.30, 0.35), "tps": (2.0, 1.8)}),
    LoadRow("copy-out", "COPY out of 10 MB, 4 clients", Copy(4, into_server=False)),
    LoadRow("copy-in", "COPY in of 10 MB, 4 clients", Copy(4, into_server=True)),
    LoadRow("connect-trust", "connect, `-S`, close; trust, 8 clients",
            Pgbench(8, options=("-S",), connects=True), limits={"cpu": (1.0, 1.0)}),
    LoadRow("connect-scram", "connect, `-S`, close; SCRAM, 8 clients",
            Pgbench(8, options=("-S",), connects=True, user="scram"), Arrangement(auth="scram-sha-256"),
            limits={"cpu": (1.0, 1.0)}),
    Idle("idle", "9,000 idle clients"),
    Growth("growth", "cost of a transaction as connected clients and pools grow"),
]
