"""What a fleet costs that does nothing, and what opening through its gate costs; see scripts/fleet-cost."""

import argparse
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "IntegrationTests"))

from fleet import Fleet  # noqa: E402
from harness import HOST, Pooler, wait_until  # noqa: E402

#: Of one core, in percent.
TARGET = 1
#: Slots for clients' sessions.
USABLE = 20
TICKS = os.sysconf("SC_CLK_TCK")


def arguments():
    parser = argparse.ArgumentParser(prog="fleet-cost", description=__doc__)
    parser.add_argument("--ledger", choices=("postgres", "etcd"), default="postgres")
    parser.add_argument("--processes", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--opens", type=int, default=50)
    return parser.parse_args()


class SocketPooler(Pooler):
    """Listens on a socket in its folder alone: a hundred of them need no hundred ports."""

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.settings["listen_addr"] = ""

    def listening(self):
        assert self.process.poll() is None, f"the pooler ended at its start:\n{self.log()}"
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.folder / f".s.PGSQL.{self.port}")) == 0


# CPU time.

def process_times(pid):
    """A process's parent, and its CPU time with that of its children that have ended, seconds."""
    folder = Path(f"/proc/{pid}")
    fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
    ended = sum(map(int, fields[13:15])) / TICKS
    # Nanoseconds: what wakes up for less than a tick is not seen in ticks.
    threads = [int(path.read_text().split()[0]) for path in folder.glob("task/*/schedstat")]
    own = sum(threads) / 1e9 if threads else sum(map(int, fields[11:13])) / TICKS
    return int(fields[1]), own + ended


def tree_time(roots):
    """The CPU time of processes and of all below them, seconds."""
    parents, times = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)], times[int(entry.name)] = process_times(entry.name)
            except OSError:
                continue  # it has ended
    total = 0.0
    for pid, seconds in times.items():
        above = pid
        while above in parents and above not in roots:
            above = parents[above]
        total += seconds if above in roots else 0
    return total


def share_of_core(roots, seconds):
    """How much of one core processes take, in percent."""
    before, since = tree_time(roots), time.monotonic()
    time.sleep(seconds)
    return 100 * (tree_time(roots) - before) / (time.monotonic() - since)


# The board.

def members_on_board(fleet):
    if fleet.ledger == "postgres":
        return fleet.postgres.sessions("usename = 'ledger'")
    endpoint = f"http://{HOST}:{fleet.etcd.members[0].client_port}"
    done = subprocess.run(["etcdctl", "--endpoints", endpoint, "get", "--prefix", "--keys-only", "/weir/"],
                          capture_output=True, text=True, timeout=20, env={**os.environ, "ETCDCTL_API": "3"})
    return sum("/members/" in line for line in done.stdout.split("\n"))


# Opening.

def time_opens(fleet, member, count):
    """Milliseconds from a query to its answer when there is no server connection, so many times."""
    def has_none():
        return fleet.postgres.sessions(f"usename = 'app' AND datname = '{member.database}'") == 0

    times = []
    with member.pooler.wire() as client:
        client.ask("SELECT 1")
        for _ in range(count):
            member.pooler.admin("RECONNECT")
            wait_until(lambda: has_none(), "no connection is left")
            time.sleep(random.uniform(0.05, 0.15))
            before = time.perf_counter()
            client.ask("SELECT 1")
            times.append(1000 * (time.perf_counter() - before))
    return times


def describe(times):
    ordered = sorted(times)
    return f"median {statistics.median(times):.2f} ms, 90 % within {ordered[len(ordered) * 9 // 10]:.2f} ms"


def main():
    options = arguments()
    apart = options.processes + 1 if options.ledger == "postgres" else 1
    fleet = Fleet(options.ledger, 0, USABLE + apart, apart, milliseconds=3_600_000,
                  max_connections=options.processes + 60, has_network=False, workers=1)
    try:
        for number in range(options.processes):
            # The first takes clients.
            fleet.members.append(fleet.make_member(number, "app", options.ledger, SocketPooler if number else Pooler))
        roots = fleet.etcd.process_identifiers() if fleet.etcd else [fleet.postgres.postmaster()]
        time.sleep(2)
        before = share_of_core(roots, 10)
        fleet.start()
        wait_until(lambda: members_on_board(fleet) >= options.processes, "all members are on the board", 60)
        memory = statistics.median(member.pooler.resident_kilobytes() for member in fleet.members)
        # Who has and wants nothing for 5 s is at rest.
        time.sleep(15)
        at_rest = share_of_core(roots, options.seconds)
        on_board = members_on_board(fleet)
        print(f"ledger {options.ledger}: {on_board} idle members on the board take {at_rest - before:.3f} % of one "
              f"core ({before:.3f} % without them, {at_rest:.3f} % with them); each has {memory / 1024:.1f} MB", flush=True)
        gated = time_opens(fleet, fleet.members[0], options.opens)
        print(f"a query that opens a connection through the gate: {describe(gated)}", flush=True)
        alone = fleet.make_member(options.processes, "second", "local")
        alone.start()
        print(f"the same without a fleet: {describe(time_opens(fleet, alone, options.opens))}", flush=True)
    except BaseException:
        print(fleet.logs()[-4000:], file=sys.stderr)
        raise
    finally:
        fleet.close()
    failed = at_rest - before >= TARGET or on_board < options.processes
    print("\n".join([*fleet.complaints, "failed" if failed else "passed"]))
    return failed


if __name__ == "__main__":
    sys.exit(main())
