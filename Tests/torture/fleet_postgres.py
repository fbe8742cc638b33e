"""The PostgreSQL server that a fleet shares."""

from harness import Postgres

LEDGER_SECRET = "ledger-secret"


class FleetPostgres(Postgres):
    """Has the role of the clients, that of the fleet's control connections, and a database a process."""

    roles = {"app": ("trust", None, None), "ledger": ("scram-sha-256", LEDGER_SECRET, "scram-sha-256")}

    def prepare(self, databases, max_connections):
        """Starts it, with these databases and settings of `postgresql.conf`."""
        self.initialize()
        with self.connect() as connection:
            connection.execute("GRANT pg_read_all_stats, pg_signal_backend TO ledger")
            connection.execute(f"ALTER SYSTEM SET max_connections = {max_connections}")
            for name in databases:
                connection.execute(f"CREATE DATABASE {name} OWNER app")
        self.stop()
        self.start()
        return self

    def postmaster(self):
        """The process of which all others of this server are children."""
        return int((self.data / "postmaster.pid").read_text().split("\n")[0])

    def is_up(self):
        return (self.data / "postmaster.pid").exists()
