"""A PostgreSQL of the bench's own, thrown away afterwards."""

import subprocess

from machine import Failure

SCALE = 10
COPY_ROWS = 100_000
# Durability costs the disk's time, not the pooler's; the rest keeps PostgreSQL from work of its own in a run.
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 1200
shared_buffers = 256MB
fsync = off
synchronous_commit = off
autovacuum = off
checkpoint_timeout = 1h
max_wal_size = 4GB
"""
ACCESS = """
host all scram 127.0.0.1/32 scram-sha-256
host all all   127.0.0.1/32 trust
"""
# A row of `lines` is 100 characters long: COPY moves 10 MB.
TABLES = f"""
CREATE ROLE scram SUPERUSER LOGIN PASSWORD 'bench';
CREATE UNLOGGED TABLE lines (line text);
INSERT INTO lines SELECT repeat('x', 100) FROM generate_series(1, {COPY_ROWS});
VACUUM ANALYZE;
"""


class Postgres:
    def __init__(self, folder, account, port, programs):
        self.account, self.port, self.programs = account, port, programs
        self.data = folder / "run" / "data"
        self.log = folder / "run" / "postgres.log"

    def run(self, name, *words, seconds=120, as_account=False, **options):
        command = [str(self.programs / name), *words]
        if as_account:
            command = self.account.command(*command)
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=seconds, check=False, cwd="/", **options)
        if done.returncode != 0:
            raise Failure(f"{name}: {done.stdout.strip()}")
        return done.stdout

    def start(self):
        self.run("initdb", "-D", str(self.data), "-U", "bench", "-A", "trust", "-E", "UTF8",
                 "--locale=C.UTF-8", "--no-sync", as_account=True)
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(f"port = {self.port}\n{CONFIGURATION}")
        (self.data / "pg_hba.conf").write_text(ACCESS)
        # To a file: a pipe would stay open in the postmaster.
        with open(self.log.with_suffix(".start"), "w") as output:
            command = [str(self.programs / "pg_ctl"), "start", "-s", "-w", "-t", "60", "-D", str(self.data),
                       "-l", str(self.log)]
            done = subprocess.run(self.account.command(*command), stdin=subprocess.DEVNULL, stdout=output,
                                  stderr=output, timeout=90, check=False, cwd="/")
        if done.returncode != 0:
            raise Failure(f"PostgreSQL does not start: {self.log.read_text()}")
        self.run("pgbench", *self.address(), "-i", "-q", "-s", str(SCALE), "postgres")
        self.query(TABLES)

    def stop(self):
        if (self.data / "postmaster.pid").exists():
            self.run("pg_ctl", "stop", "-s", "-m", "immediate", "-D", str(self.data), as_account=True)

    def postmaster(self):
        """The process of which all others of this PostgreSQL are children."""
        return int((self.data / "postmaster.pid").read_text().split("\n")[0])

    def address(self):
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "bench"]

    def query(self, text):
        """Runs statements one by one (VACUUM takes no company) and returns what they print."""
        words = [word for line in text.split(";\n") if line.strip() for word in ("-c", line.strip())]
        return self.run("psql", *self.address(), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *words,
                        "postgres").strip()
