"""Loads: each runs for some seconds and says when every transaction ended and how long it took."""

import dataclasses
import os
import subprocess
import threading
import time

from machine import Failure
from protocol import Connection


@dataclasses.dataclass(frozen=True)
class Pgbench:
    """pgbench: its own scripts (`-S`, TPC-B) or a text."""

    clients: int
    protocol: str = "simple"
    script: str = ""
    options: tuple = ()
    connects: bool = False  # for every transaction anew
    user: str = "bench"
    prepare: str = ""  # statements before each run, directly

    def run(self, bench, port, seconds, database="postgres"):
        if self.prepare:
            bench.postgres.query(self.prepare)
        prefix = bench.folder / "logs" / "transactions"
        for old in prefix.parent.iterdir():
            old.unlink()
        self.wait(self.start(bench, port, seconds, database, prefix), seconds)
        return self.completions(prefix.parent.iterdir())

    def start(self, bench, port, seconds, database, prefix):
        script = ()
        if self.script:
            path = bench.folder / "script.sql"
            path.write_text(self.script)
            script = ("-f", str(path))
        # pgbench's clock runs while its clients log in.
        duration = seconds + min(3, self.clients // 100)
        command = [
            str(bench.postgres.programs / "pgbench"), "-h", "127.0.0.1", "-p", str(port), "-U", self.user,
            "-n", "-M", self.protocol, "-c", str(self.clients), "-j", str(min(2, self.clients)),
            "-T", str(duration), "-l", f"--log-prefix={prefix}", *(("-C",) if self.connects else ()),
            *self.options, *script, database]
        environment = {**os.environ, "PGPASSWORD": "bench", "PGSSLMODE": "disable",
                       "PGGSSENCMODE": "disable"}
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, env=environment)

    @staticmethod
    def wait(process, seconds):
        try:
            output, _ = process.communicate(timeout=seconds + 60)
        except BaseException as error:
            process.kill()
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise Failure("pgbench did not end") from error
            raise
        errors = [line for line in output.split("\n") if "error" in line.lower() or "aborted" in line]
        if process.returncode != 0 or errors:
            raise Failure((errors or output.strip().split("\n"))[0])

    def completions(self, paths):
        """[(end, latency)] in µs, sorted. pgbench's log has a line a transaction: client, number, latency,
        script, end's seconds, end's µs."""
        found = []
        for path in paths:
            ends = {}
            with open(path) as file:
                for line in file:
                    client, _, latency, _, seconds, micros = line.split()[:6]
                    if latency == "failed":
                        raise Failure("pgbench: failed transactions")
                    end = int(seconds) * 1_000_000 + int(micros)
                    if not self.connects:
                        found.append((end, int(latency)))
                    else:
                        # The latency in the log begins after the login: count from the client's last end.
                        if client in ends:
                            found.append((end, end - ends[client]))
                        ends[client] = end
        found.sort()
        return found


@dataclasses.dataclass(frozen=True)
class Copy:
    """COPY of 10 MB over and over, by plain sockets: psql would spend more on it than any pooler."""

    clients: int
    into_server: bool

    # The server reads and counts every row but keeps none, so that the table does not grow.
    STATEMENTS = {True: "COPY lines FROM STDIN WHERE false", False: "COPY lines TO STDOUT"}

    def run(self, bench, port, seconds, database="postgres"):
        found, errors = [], []
        connections = [Connection(port, database=database) for _ in range(self.clients)]
        until = time.monotonic() + seconds

        def work(connection):
            try:
                while time.monotonic() < until:
                    start = time.monotonic_ns()
                    connection.copy(self.STATEMENTS[self.into_server], self.into_server)
                    found.append((time.time_ns() // 1000, (time.monotonic_ns() - start) // 1000))
            except (OSError, Failure) as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(seconds + 60)
        for connection in connections:
            connection.close()
        if errors:
            raise Failure(str(errors[0]))
        return sorted(found)
