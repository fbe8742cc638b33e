"""Compares Weir with PgBouncer, HAProxy and no pooler on this machine; started by scripts/bench."""

import contextlib
import datetime
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import machine
import report
from growth import GrowthResult
from poolers import ALL, Starter
from postgres import Postgres
from rows import ROWS


class Bench:
    """What all rows share."""

    def __init__(self, folder):
        environment = os.environ
        self.rounds = int(environment.get("ROUNDS", 5))
        self.seconds = int(environment.get("SECONDS_PER_RUN", 8))
        self.servers = int(environment.get("SERVERS", 20))
        self.targets = environment.get("TARGETS", " ".join(ALL)).split()
        unknown = [name for name in self.targets if name not in ALL]
        if unknown:
            raise machine.Failure(f"unknown target {unknown[0]}")
        self.folder = folder
        self.descriptors = machine.raise_descriptor_limit()
        self.source = self.commit()  # now: it may be another when the run ends
        self.failed = False
        self.bystanders = []  # what part of the machine's CPU time others took, a value a run
        self.load_before = os.getloadavg()[0]
        self.started = datetime.datetime.now(datetime.timezone.utc)
        account = machine.Account()
        for name in ("run", "logs"):
            (folder / name).mkdir()
        folder.chmod(0o755)
        account.give(folder)
        account.give(folder / "run")
        ports = machine.Ports(int(environment.get("BENCH_PORT", 25580)))
        programs = pathlib.Path(environment.get("PG_BIN", "/usr/lib/postgresql/15/bin"))
        self.programs = {
            "weir": environment.get("WEIR_BIN", ""),
            "pgbouncer": environment.get("PGBOUNCER_BIN", "/usr/sbin/pgbouncer"),
            "haproxy": environment.get("HAPROXY_BIN", "/usr/sbin/haproxy"),
        }
        self.postgres = Postgres(folder, account, ports.take(), programs)
        self.starter = Starter(folder, account, ports, self.postgres, self.programs, self.servers)

    @staticmethod
    def say(text):
        print(f"bench: {text}", file=sys.stderr, flush=True)

    @staticmethod
    def in_turn(names, number):
        """Every round begins with another, so that none always runs first."""
        start = number % len(names) if names else 0
        return names[start:] + names[:start]

    def needs_descriptors(self, count):
        if self.descriptors < count:
            raise machine.Failure(f"needs {count} open files, {self.descriptors} are allowed (ulimit -n)")

    def preface(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        versions = [
            f"{machine.output_of(self.programs['weir'], '-V') or 'no Weir'}{self.source}",
            f"PostgreSQL {self.postgres_version()}",
            machine.output_of(self.programs["pgbouncer"], "-V") or "no PgBouncer",
            " ".join((machine.output_of(self.programs["haproxy"], "-v") or "no HAProxy").split()[:3]),
        ]
        return (
            f"{self.started:%Y-%m-%d %H:%M} to {now:%H:%M} UTC. "
            f"{machine.processor()}, {os.cpu_count()} CPUs, {machine.memory_gib():.0f} GiB, "
            f"Linux {os.uname().release}. {'; '.join(versions)}. "
            f"{self.servers} servers a pool; {self.rounds} round{'s' * (self.rounds > 1)}, "
            f"{self.seconds} s a run. Load of the machine before: {self.load_before:.2f}.{self.others()}")

    def others(self):
        if not self.bystanders:
            return ""
        return (f" Of the machine's CPU time, what did not belong to the bench took "
                f"{statistics.median(self.bystanders):.0%} in the median run, at most "
                f"{max(self.bystanders):.0%}.")

    def postgres_version(self):
        words = machine.output_of(self.postgres.programs / "postgres", "--version").split()
        return words[2] if len(words) > 2 else "unknown"

    @staticmethod
    def commit():
        """Which source this is; a `WEIR_BIN` may be of another."""
        command = ["git", "-c", "safe.directory=*", "log", "-1", "--format=%h"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return f" at {done.stdout.strip()}" if done.returncode == 0 and done.stdout.strip() else ""


def chosen(names):
    """Rows by name or by the first word of it: `simple` is all of `simple-…`."""
    rows = [row for row in ROWS if not names or row.name in names or row.name.split("-")[0] in names]
    known = {row.name for row in rows} | {row.name.split("-")[0] for row in rows}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise machine.Failure(f"there is no row {unknown[0]}; scripts/bench list names them")
    return rows


def run(names):
    rows = chosen(names)
    output = pathlib.Path(os.environ.get("BENCH_OUTPUT", ".build-bench")).resolve()
    output.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-bench."))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        bench = Bench(folder)
        stack.callback(bench.postgres.stop)
        bench.say("starting PostgreSQL")
        bench.postgres.start()
        results, skipped, text = [], [], ""
        for row in rows:
            bench.say(row.title)
            try:
                result = row.run(bench)
            except machine.Failure as failure:
                bench.say(f"{row.name} is skipped: {failure}")
                skipped.append((row, str(failure)))
            else:
                results.append(result)
                if isinstance(result, GrowthResult) and result.connected:
                    (output / "growth.svg").write_text(report.growth_plot(result))
            # After every row: what was measured stays if the rest is cut off.
            text = report.markdown(bench, results, skipped)
            (output / "bench.md").write_text(text)
        print(text)
        bench.say(f"written to {output}/bench.md")
        return 1 if bench.failed else 0


def main():
    # Ends like an exception, so that everything started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = sys.argv[1:]
    if names == ["list"]:
        for row in ROWS:
            print(f"{row.name:16} {row.title}")
        return 0
    try:
        return run(names)
    except machine.Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


sys.exit(main())
